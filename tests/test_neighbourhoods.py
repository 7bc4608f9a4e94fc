"""Large neighbourhood search: it only helps; what is optimal stays so, limits hold, and runs repeat."""

from __future__ import annotations

from itertools import permutations
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import constrint as ci
from constrint import minimising
from constrint.neighbourhoods import Neighbourhoods


def assignment_problem(n: int, seed: int) -> tuple[ci.Problem, list[list[int]], list[list[int]]]:
    """Quadratic assignment: which place each of n things gets, at the cost of flow times distance."""
    random = Random(seed)
    distance = [[random.randint(1, 20) for _ in range(n)] for _ in range(n)]
    flow = [[random.randint(0, 5) for _ in range(n)] for _ in range(n)]
    problem = ci.Problem()
    place = problem.array("place", n, 0, n - 1)
    problem.add(ci.all_different(place))
    flat = [d for row in distance for d in row]
    problem.minimize(
        ci.total(
            flow[i][j] * ci.element(place[i] * n + place[j], flat)
            for i in range(n)
            for j in range(n)
            if i != j
        )
    )
    return problem, distance, flow


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Neighbourhoods from the first restart on; the list tells the calls and the improvements."""
    tried = [0, 0]
    improve = Neighbourhoods.improve

    def counted(self, *args):  # type: ignore[no-untyped-def]
        tried[0] += 1
        better = improve(self, *args)
        tried[1] += better
        return better

    monkeypatch.setattr(minimising, "_PATIENCE", 4)
    monkeypatch.setattr(Neighbourhoods, "improve", counted)
    return tried


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10_000))
def test_the_optimum_is_that_of_brute_force(eager: list[int], seed: int) -> None:
    n = 5
    problem, distance, flow = assignment_problem(n, seed)
    best = min(
        sum(flow[i][j] * distance[p[i]][p[j]] for i in range(n) for j in range(n) if i != j)
        for p in permutations(range(n))
    )
    solution = problem.solve()
    assert solution.status == "optimal" and solution.objective == best
    assert problem.check(solution).status == "satisfied"


def test_it_finds_better_solutions_and_each_is_one(eager: list[int]) -> None:
    problem, _, _ = assignment_problem(9, 1)
    solution = problem.solve(node_limit=1500)
    tried, improved = eager
    assert tried > improved > 0
    assert solution.status == "satisfied" and problem.check(solution).status == "satisfied"
    assert solution.objective == solution[problem.objectives[0].expression]


def test_it_repeats_itself_and_keeps_to_the_limit_of_nodes(eager: list[int]) -> None:
    runs = [assignment_problem(9, 2)[0].solve(node_limit=800) for _ in range(2)]
    assert dict(runs[0]) == dict(runs[1]) and runs[0].objective == runs[1].objective
    assert runs[0].statistics.nodes == runs[1].statistics.nodes <= 801
    assert eager[0] > 0


def test_a_time_limit_keeps_the_best(eager: list[int]) -> None:
    problem, _, _ = assignment_problem(12, 3)
    solution = problem.solve(time_limit=1)
    assert solution.status == "satisfied" and problem.check(solution).status == "satisfied"


def knapsacks(count: int, limits: int, seed: int) -> ci.Problem:
    """Which things to take under several limits at once, each of about half of them."""
    random = Random(seed)
    problem = ci.Problem()
    x = [problem.boolean(f"x{k}") for k in range(count)]
    for _ in range(limits):
        weights = [random.randint(10, 100) for _ in x]
        problem.add(ci.total(w * take for w, take in zip(weights, x, strict=True)) <= sum(weights) // 2)
    problem.maximize(ci.total(random.randint(10, 100) * take for take in x))
    return problem


def test_with_it_answers_are_better_after_as_many_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    helped = knapsacks(80, 4, 3).solve(node_limit=6_000)
    monkeypatch.setattr(minimising, "_PATIENCE", 10**9)
    alone = knapsacks(80, 4, 3).solve(node_limit=6_000)
    assert isinstance(helped.objective, int) and isinstance(alone.objective, int)
    assert helped.objective > alone.objective
