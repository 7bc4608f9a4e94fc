"""Nogoods: decisions, what follows from a refuted path, and searches that restart all the time."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import constrint as ci
from constrint.engine import search as engine_search
from constrint.engine.decisions import AT_LEAST, AT_MOST, EQUAL, Decision, fails, holds, refuse, take
from constrint.engine.nogoods import Nogoods
from constrint.engine.store import Inconsistent, Store
from tests.random_problems import problems, solutions

steady = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))

BOXES = st.lists(st.tuples(st.integers(-2, 2), st.integers(0, 3)), min_size=1, max_size=3)
DECISIONS = st.tuples(st.sampled_from([AT_MOST, AT_LEAST, EQUAL]), st.integers(0, 2), st.integers(-3, 5))


def agrees(decision: Decision, point: tuple[int, ...]) -> bool:
    kind, x, bound = decision
    return {AT_MOST: point[x] <= bound, AT_LEAST: point[x] >= bound, EQUAL: point[x] == bound}[kind]


def stored(box: list[tuple[int, int]]) -> tuple[Store, list[int], list[tuple[int, ...]]]:
    """A store with the box, its variables, and its points."""
    store = Store(1 << 64)
    variables = [store.new_variable(low, low + width) for low, width in box]
    return store, variables, list(product(*[range(low, low + width + 1) for low, width in box]))


def on(variables: list[int], decision: Decision) -> Decision:
    return decision[0], variables[decision[1]], decision[2]


@steady
@given(BOXES, DECISIONS)
def test_a_decision_is_taken_refused_and_recognised(box: list[tuple[int, int]], decision: Decision) -> None:
    if decision[1] >= len(box):
        return
    _, _, points = stored(box)
    agreeing = [point for point in points if agrees(decision, point)]
    for act, expected in ((take, agreeing), (refuse, [p for p in points if p not in agreeing])):
        store, variables, _ = stored(box)
        assert holds(store, on(variables, decision)) == (agreeing == points)
        assert fails(store, on(variables, decision)) == (not agreeing)
        try:
            act(store, on(variables, decision))
        except Inconsistent:
            assert not expected
        else:
            assert list(product(*[store.members(x) for x in variables])) == expected


@steady
@given(
    BOXES,
    st.lists(DECISIONS, max_size=3),
    st.lists(st.lists(DECISIONS, max_size=2), min_size=4, max_size=4),
    st.lists(DECISIONS, max_size=3),
)
def test_nogoods_remove_no_solution_and_decide_points(
    box: list[tuple[int, int]],
    path: list[Decision],
    refuted: list[list[Decision]],
    narrowing: list[Decision],
) -> None:
    """Of the points of a narrowed box those that the nogoods allow stay; of single points, just those."""
    used = [*path, *(decision for each in refuted for decision in each), *narrowing]
    if any(decision[1] >= len(box) for decision in used):
        return
    refuted = refuted[: len(path) + 1]

    def allowed(point: tuple[int, ...]) -> bool:
        for k, each in enumerate(refuted):
            if any(agrees(decision, point) for decision in each):
                return False
            if k == len(path) or not agrees(path[k], point):
                return True
        return True

    def left(decisions: list[Decision]) -> list[tuple[int, ...]]:
        store, variables, _ = stored(box)
        try:
            store.post(
                Nogoods(
                    [on(variables, decision) for decision in path],
                    [[on(variables, decision) for decision in each] for each in refuted],
                )
            )
            store.propagate()
            for decision in decisions:
                take(store, on(variables, decision))
                store.propagate()
        except Inconsistent:
            return []
        return list(product(*[store.members(x) for x in variables]))

    _, _, points = stored(box)
    narrowed = [point for point in points if all(agrees(decision, point) for decision in narrowing)]
    assert {point for point in narrowed if allowed(point)} <= set(left(narrowing))
    for point in points:
        assert left([(EQUAL, x, value) for x, value in enumerate(point)]) == [point] * allowed(point)


def test_all_but_one_decision_refute_the_last() -> None:
    store, (x, y), _ = stored([(0, 5), (0, 5)])
    store.post(Nogoods([(AT_MOST, x, 2)], [[], [(AT_LEAST, y, 3)]]))
    store.set_hi(x, 1)
    store.propagate()
    assert (store.lo[y], store.hi[y]) == (0, 2)

    store, (x, y), _ = stored([(0, 5), (0, 5)])
    store.post(Nogoods([(AT_MOST, x, 2)], [[], [(AT_LEAST, y, 3)]]))
    store.set_lo(y, 4)
    store.propagate()
    assert (store.lo[x], store.hi[x]) == (3, 5)


@pytest.fixture
def restless(monkeypatch: pytest.MonkeyPatch) -> None:
    """A restart after every failure."""
    monkeypatch.setattr(engine_search, "_FIRST_RESTART", 1)
    monkeypatch.setattr(engine_search, "_RESTART_GROWTH", (1, 1))
    monkeypatch.setattr(engine_search, "_PROOF_GROWTH", (1, 1))


@steady
@given(problems())
def test_searches_that_restart_at_every_failure_are_exact(restless: None, problem: ci.Problem) -> None:
    """With nothing but nogoods to keep what was refuted, the search ends, with the right answer."""
    expected = solutions(problem)
    solution = problem.solve()
    assert (solution.status == "infeasible") == (not expected)
    if expected:
        assert not problem.check(solution).violated


@steady
@given(problems(), st.integers(-3, 3), st.integers(-3, 3))
def test_optima_are_exact_with_restarts_at_every_failure(
    restless: None, problem: ci.Problem, a: int, b: int
) -> None:
    names = list(problem.variables)
    first, last = problem[names[0]], problem[names[-1]]
    problem.minimize(a * first + b * last)
    problem.maximize(first * last)
    points = [dict(zip(names, row, strict=True)) for row in solutions(problem)]
    solution = problem.solve()
    if not points:
        assert solution.status == "infeasible"
        return
    goals = [(a * p[names[0]] + b * p[names[-1]], -p[names[0]] * p[names[-1]]) for p in points]
    assert solution.status == "optimal"
    assert list(solution.objective) == [min(goals)[0], -min(goals)[1]]


def test_the_pigeons_are_refuted_over_many_restarts(restless: None) -> None:
    problem = ci.Problem()
    p = problem.array("p", 6, 0, 4)
    problem.add(*[p[i] != p[j] for i in range(6) for j in range(i)])
    solution = problem.solve()
    assert solution.status == "infeasible" and solution.statistics.restarts > 5
