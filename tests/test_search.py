"""Search: the best and the first solution, all of them, in order, once, and the same in every run."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import constrint as ci
from constrint.engine.propagators.linear import LinearLe, LinearNe
from constrint.engine.search import Search, Unbounded
from constrint.engine.store import Store
from tests.random_problems import integers, problems, solutions

ROOT = Path(__file__).parents[1]

steady = settings(max_examples=120, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def queens(n: int) -> ci.Problem:
    problem = ci.Problem("queens")
    q = problem.array("q", n, 0, n - 1)
    problem.add(ci.all_different(q))
    problem.add(ci.all_different(q[k] + k for k in range(n)), ci.all_different(q[k] - k for k in range(n)))
    return problem


def knapsack(sizes: Sequence[int], room: int) -> ci.Problem:
    """Bits t[k] whose sizes fill the room exactly: preferences alone are a poor order to search it in."""
    problem = ci.Problem("knapsack")
    t = problem.array("t", len(sizes), 0, 1)
    problem.add(ci.total(t[k] * size for k, size in enumerate(sizes)) == room)
    return problem


def rows(found: Sequence[ci.Solution]) -> list[tuple[int, ...]]:
    return [tuple(solution.values_by_name.values()) for solution in found]


# The first solution ----------------------------------------------------------------------------------


def test_twenty_queens_stand_after_few_nodes() -> None:
    solution = queens(20).solve()
    q = solution["q"]
    assert sorted(q) == list(range(20))
    assert len({v + k for k, v in enumerate(q)}) == len({v - k for k, v in enumerate(q)}) == 20
    assert solution.status == "satisfied" and solution.statistics.nodes < 2000


@pytest.mark.parametrize(
    ("n", "expected"), [(1, 1), (2, 0), (3, 0), (4, 2), (5, 10), (6, 4), (7, 40), (8, 92)]
)
def test_all_queens_are_found_once(n: int, expected: int) -> None:
    found = rows(queens(n).search().solutions)
    assert len(found) == len(set(found)) == expected == queens(n).count()


def test_an_equation_without_integers_needs_no_search() -> None:
    problem = ci.Problem()
    a, b = problem.integer("a", -(10**18), 10**18), problem.integer("b", -(10**18), 10**18)
    problem.add(6 * a + 10 * b == 1)
    solution = problem.solve()
    assert (solution.status, solution.statistics.nodes) == ("infeasible", 0)


def test_the_factors_of_a_large_number_are_exact() -> None:
    problem = ci.Problem()
    a, b = problem.integer("a"), problem.integer("b")
    problem.add(a * b == 10**40, a % 2**37 == 0)
    solution = problem.solve()
    assert solution[a] * solution[b] == 10**40 and solution[a] % 2**37 == 0
    assert solution.statistics.nodes < 20
    # 2 ** 37 … 2 ** 40 times 5 ** 0 … 5 ** 40, with either sign.
    assert problem.count() == 4 * 41 * 2


@pytest.mark.parametrize("degree", [2, 3, 7])
def test_an_unbounded_variable_is_bounded_by_what_it_must_equal(degree: int) -> None:
    problem = ci.Problem()
    a = problem.integer("a")
    problem.add(a**degree == (10**30 + 57) ** degree)
    assert {s["a"] for s in problem.search().solutions} == (
        {10**30 + 57, -(10**30) - 57} if degree == 2 else {10**30 + 57}
    )


def test_unbounded_variables_are_tried_near_0_first() -> None:
    problem = ci.Problem()
    cubes = problem.array("c", 3)
    problem.add(ci.total(c**3 for c in cubes) == 29)
    assert sum(c**3 for c in problem.solve()["c"]) == 29
    pell = ci.Problem()
    a, b = pell.integer("a", 1), pell.integer("b", 1)
    pell.add(a * a - 13 * b * b == 1)
    solution = pell.solve()
    assert solution[a] ** 2 - 13 * solution[b] ** 2 == 1


@pytest.mark.parametrize(
    ("state", "culprit"),
    [
        (lambda p, a, b: p.count(), "a"),
        (lambda p, a, b: p.search(), "a"),
        (lambda p, a, b: list(p.solutions()), "a"),
        (lambda p, a, b: p.enumerate(), "a"),
        (lambda p, a, b: (p.minimize(-a), p.solve()), "-a"),
        (lambda p, a, b: (p.maximize(a + b), p.solve()), "a + b"),
        (lambda p, a, b: (p.prefer(ci.largest(a)), p.solve()), "a"),
        (lambda p, a, b: (p.prefer(ci.largest(a * 3)), p.solve()), "3 * a"),
    ],
)
def test_a_search_that_needs_a_bound_names_the_variable(state: object, culprit: str) -> None:
    problem = ci.Problem()
    a, b = problem.integer("a", 0), problem.integer("b", 0, 5)
    problem.add(a > b)
    with pytest.raises(ci.UnboundedError) as caught:
        state(problem, a, b)  # type: ignore[operator]
    assert caught.value.variable == culprit
    assert f"needs a bound for '{culprit}'" in str(caught.value)


def test_an_objective_may_bound_what_is_unbounded() -> None:
    problem = ci.Problem()
    a, b = problem.integer("a", 1), problem.integer("b", 1)
    problem.add(a * b >= 10**6)
    problem.minimize(a + b)
    solution = problem.solve()
    assert (solution.status, solution.objective) == ("optimal", 2000)


# Preferences -----------------------------------------------------------------------------------------


@steady
@given(
    st.lists(st.integers(1, 40), min_size=6, max_size=9),
    st.integers(20, 120),
    st.permutations(range(6)),
    st.lists(st.booleans(), min_size=6, max_size=6),
)
def test_preferences_are_exact_where_their_order_is_a_poor_one(
    sizes: list[int], room: int, order: Sequence[int], up: list[bool]
) -> None:
    problem = knapsack(sizes, room)
    t = problem["t"]
    for k in order:
        problem.prefer(ci.largest(t[k]) if up[k] else ci.smallest(t[k]))

    def key(row: Sequence[int]) -> list[int]:
        return [-row[k] if up[k] else row[k] for k in order]

    every = [
        bits
        for bits in product((0, 1), repeat=len(sizes))
        if sum(size * bit for size, bit in zip(sizes, bits, strict=True)) == room
    ]
    solution = problem.solve()
    if not every:
        assert solution.status == "infeasible"
        return
    assert key(solution["t"]) == min(map(key, every))
    found = rows(problem.search().solutions)
    assert sorted(found) == sorted(every)
    assert list(map(key, found)) == sorted(map(key, every))
    # Fewer are a beginning of these.
    assert list(map(key, rows(problem.search(limit=3).solutions))) == sorted(map(key, every))[:3]


@steady
@given(problems(depth=1, most=2), integers(1), integers(1), st.booleans(), st.booleans())
def test_preferred_expressions_take_their_best_value_one_after_the_other(
    problem: ci.Problem, first: ci.Expression, second: ci.Expression, up: bool, down: bool
) -> None:
    problem.prefer(
        ci.largest(first) if up else ci.smallest(first), ci.smallest(second) if down else ci.largest(second)
    )
    keys = values_of(problem, [(first, -1 if up else 1), (second, 1 if down else -1)])
    solution = problem.solve()
    if not keys:
        assert solution.status == "infeasible"
    else:
        best = min(keys)
        chosen = ci.evaluate(first, solution.values_by_name), ci.evaluate(second, solution.values_by_name)
        assert (chosen[0] * (-1 if up else 1), chosen[1] * (1 if down else -1)) == best[:2]


def values_of(problem: ci.Problem, goals: list[tuple[ci.Expression, int]]) -> list[tuple[int, ...]]:
    """The signed values of the goals in each solution where they are defined, then the solution."""
    names = list(problem.variables)
    found = []
    for row in solutions(problem):
        assignment = dict(zip(names, row, strict=True))
        try:
            found.append((*[sign * ci.evaluate(e, assignment) for e, sign in goals], *row))
        except ci.UndefinedTerm:
            continue
    return found


# Objectives ------------------------------------------------------------------------------------------


@steady
@given(problems(depth=1, most=2), integers(1), integers(1), st.booleans(), st.booleans())
def test_all_optimal_solutions_of_two_objectives_are_those_of_brute_force(
    problem: ci.Problem, first: ci.Expression, second: ci.Expression, up: bool, down: bool
) -> None:
    (problem.maximize if up else problem.minimize)(first)
    (problem.minimize if down else problem.maximize)(second)
    signs = [-1 if up else 1, 1 if down else -1]
    every = values_of(problem, [(first, signs[0]), (second, signs[1])])
    result, solution = problem.search(), problem.solve()
    if not every:
        assert result.status == solution.status == "infeasible"
        return
    best = min(every)[:2]
    assert sorted(rows(result.solutions)) == sorted(row[2:] for row in every if row[:2] == best)
    assert result.status == solution.status == "optimal" and result.complete
    assert result.objective == solution.objective == [best[0] * signs[0], best[1] * signs[1]]
    assert rows([solution])[0] in rows(result.solutions)


def test_preferences_decide_among_the_optimal_solutions() -> None:
    problem = ci.Problem()
    a, b = problem.integer("a", 0, 9), problem.integer("b", 0, 9)
    problem.add(a + b >= 7)
    problem.minimize(a + b)
    problem.prefer(ci.largest(b % 5), ci.smallest(a))
    assert dict(problem.solve()) == {"a": 3, "b": 4}
    found = rows(problem.search().solutions)
    assert found == sorted([(k, 7 - k) for k in range(8)], key=lambda row: (-(row[1] % 5), row[0]))


def test_a_goal_counts_only_where_it_is_defined() -> None:
    problem = ci.Problem()
    a = problem.integer("a", -3, 3)
    problem.maximize(12 // a)
    solution = problem.solve()
    assert (solution[a], solution.objective) == (1, 12)


def test_an_objective_of_huge_numbers_is_exact() -> None:
    problem = ci.Problem()
    bound = 10**24
    a, b = problem.integer("a", 0, bound), problem.integer("b", 0, bound)
    problem.add(3 * a + 7 * b <= bound)
    problem.maximize(5 * a + 11 * b)
    solution = problem.solve()
    # Seven of a take the room of three of b and are worth more, so b is small.
    assert solution.objective == max(
        5 * a + 11 * ((bound - 3 * a) // 7) for a in range(bound // 3 - 20, bound // 3 + 1)
    )


# All of them -----------------------------------------------------------------------------------------


@steady
@given(problems(depth=1))
def test_solutions_stream_each_once(problem: ci.Problem) -> None:
    expected = solutions(problem)
    streamed = rows(list(problem.solutions()))
    assert sorted(streamed) == expected
    few = rows(list(problem.solutions(limit=2)))
    assert few == streamed[:2]
    result = problem.search(limit=len(expected) or 1)
    assert result.complete and sorted(rows(result.solutions)) == expected
    if len(expected) > 1:
        assert not problem.search(limit=len(expected) - 1).complete


def test_solutions_come_as_they_are_found() -> None:
    problem = ci.Problem()
    a = problem.integer("a", 0, 10**12)
    problem.add(a % 3 == 1)
    assert [solution[a] for solution in problem.solutions(limit=3)] == [1, 4, 7]


# The engine's search itself --------------------------------------------------------------------------


def pairs() -> tuple[Store, int, int]:
    """x and y in 0..3 with x < y and x + y != 4."""
    store = Store(1 << 64)
    x, y = store.new_variable(0, 3), store.new_variable(0, 3)
    store.post(LinearLe([(1, x), (-1, y)], -1))
    store.post(LinearNe([(1, x), (1, y)], 4))
    store.propagate()
    return store, x, y


def test_a_search_leaves_the_store_as_it_was() -> None:
    store, x, y = pairs()
    before = list(store.members(x)), list(store.members(y)), len(store.trail)
    search = Search(store, [x, y])
    found = sorted((store.lo[x], store.lo[y]) for _ in search.solutions())
    assert found == [(0, 1), (0, 2), (0, 3), (1, 2), (2, 3)]
    assert (list(store.members(x)), list(store.members(y)), len(store.trail)) == before
    assert search.counters.solutions == 5
    for _ in search.solutions():
        break
    assert (list(store.members(x)), list(store.members(y)), len(store.trail)) == before


@pytest.mark.parametrize("largest", [False, True])
def test_a_preferred_variable_is_branched_on_first_best_value_first(largest: bool) -> None:
    store, x, y = pairs()
    found = [store.lo[y] for _ in Search(store, [x, y], preferred=[(y, largest)]).solutions()]
    assert found == sorted([1, 2, 3, 2, 3], reverse=largest)


def test_a_goal_leaves_out_what_is_worse() -> None:
    store, x, y = pairs()
    search = Search(store, [x, y])
    search.goal = (y, 2)
    assert sorted((store.lo[x], store.lo[y]) for _ in search.solutions()) == [(0, 1), (0, 2), (1, 2)]


def test_a_guide_is_followed_first() -> None:
    store, x, y = pairs()
    search = Search(store, [x, y])
    search.guide = {x: 1, y: 2}
    next(search.solutions())
    search.guide = {x: 2, y: 3}
    for _ in search.solutions():
        assert (store.lo[x], store.lo[y]) == (2, 3)
        break


def test_infinitely_many_values_are_not_listed() -> None:
    store = Store(1 << 64)
    x = store.new_variable(0, None)
    search = Search(store, [x])
    search.finite_only = True
    with pytest.raises(Unbounded) as caught:
        list(search.solutions())
    assert caught.value.variable == x


# Determinism -----------------------------------------------------------------------------------------

SCRIPT = """\
import constrint as ci
from tests.test_search import knapsack, queens
def show(solution):
    work = solution.statistics
    print(dict(solution), solution.objective, work.nodes, work.failures, work.propagations, work.restarts)
show(queens(12).solve())
p = knapsack([31, 17, 23, 41, 12, 29, 35, 8, 19, 27, 14, 38], 200)
p.minimize(ci.total(p["t"]))
show(p.solve())
try:
    p.add(*[ci.Problem().integer(name) > ci.Problem().integer(name + "t") for name in ("tt", "ttt")])
except ci.UnknownNameError as error:
    print(error)
print([str(constraint) for constraint in p.explain().conflict])
"""


def test_every_run_does_the_same_whatever_the_hash_seed() -> None:
    def run(seed: int) -> str:
        return subprocess.run(
            [sys.executable, "-c", SCRIPT],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    first = run(0)
    assert first.count("\n") == 4
    assert run(1) == run(2) == first


def test_a_problem_asked_twice_answers_the_same() -> None:
    problem = queens(10)
    first, second = problem.solve(), problem.solve()
    assert dict(first) == dict(second)
    assert (first.statistics.nodes, first.statistics.propagations) == (
        second.statistics.nodes,
        second.statistics.propagations,
    )
