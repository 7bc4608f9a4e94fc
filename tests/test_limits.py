"""Limits and interrupts: whatever stops a question, what is known comes back and says that it was stopped.

The clock is replaced, so that it stops the work at its first check, its second, and so on.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator

import pytest

import constrint as ci
from constrint.engine.clock import Clock, OutOfTime
from tests.test_search import knapsack, queens, rows

Stop = Callable[[int], None]


@pytest.fixture(params=["time limit", "interrupt"])
def reason(request: pytest.FixtureRequest) -> str:
    """What stops the work."""
    return str(request.param)


@pytest.fixture
def stop_at(reason: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stop]:
    """Makes the clock stop the work at its n-th check from now on: as at a deadline, or by Ctrl-C."""

    def stop(number: int) -> None:
        left = number

        def check(self: Clock) -> None:
            nonlocal left
            left -= 1
            if left < 0 and reason == "time limit":
                raise OutOfTime
            if left == -1:
                signal.raise_signal(signal.SIGINT)

        monkeypatch.setattr(Clock, "check", check)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield stop
    signal.signal(signal.SIGINT, before)


def moments() -> Iterator[int]:
    """The checks at which to stop: the first ones, then ever further apart."""
    moment = 0
    while True:
        yield moment
        moment += 1 + moment // 10


def cheapest() -> ci.Problem:
    """A knapsack to be filled at the least cost, with several incumbents on the way."""
    problem = knapsack([31, 17, 23, 41, 12, 29, 35, 8, 19, 27, 14, 38], 200)
    problem.minimize(ci.total((k * 7 % 12) * bit for k, bit in enumerate(problem["t"])))
    return problem


# Stopped anywhere --------------------------------------------------------------------------------------


def test_a_search_for_the_best_stops_with_the_best_so_far(reason: str, stop_at: Stop) -> None:
    problem = cheapest()
    best = problem.solve()
    assert best.status == "optimal"
    seen = []
    for moment in moments():
        stop_at(moment)
        solution = problem.solve()
        seen.append(solution.status)
        if solution.status == "optimal":
            assert solution.stopped_by is None and solution.objective == best.objective
            break
        assert solution.stopped_by == reason and not solution.complete
        if solution:
            assert problem.check(solution)
            value = sum((k * 7 % 12) * bit for k, bit in enumerate(solution["t"]))
            assert solution.objective == value >= best.objective
        else:
            assert solution.status == "unknown" and solution.objective is None
    assert set(seen) == {"unknown", "satisfied", "optimal"}


def test_a_proof_that_is_stopped_proves_nothing(reason: str, stop_at: Stop) -> None:
    problem = queens(6)
    problem.add(problem["q"][0] == 0)
    statuses = set()
    for moment in moments():
        stop_at(moment)
        solution = problem.solve()
        statuses.add((solution.status, solution.stopped_by))
        if solution.stopped_by is None:
            break
    assert statuses == {("unknown", reason), ("infeasible", None)}


def test_a_search_for_all_stops_with_a_beginning_of_them(reason: str, stop_at: Stop) -> None:
    problem = queens(6)
    every = rows(problem.search().solutions)
    lengths = set()
    for moment in moments():
        stop_at(moment)
        result = problem.search()
        found = rows(result.solutions)
        assert found == every[: len(found)]
        lengths.add(len(found))
        assert result.status == ("satisfied" if found or result.complete else "unknown")
        assert result.interrupted == (result.stopped_by == "interrupt")
        if result.complete:
            assert result.stopped_by is None
            break
        assert result.stopped_by == reason
    assert lengths == {0, 1, 2, 3, 4}


def test_a_stream_of_solutions_that_is_stopped_ends(stop_at: Stop) -> None:
    problem = queens(6)
    every = rows(list(problem.solutions()))
    lengths = set()
    for moment in moments():
        stop_at(moment)
        found = rows(list(problem.solutions()))
        assert found == every[: len(found)]
        lengths.add(len(found))
        if len(found) == len(every):
            break
    assert lengths == {0, 1, 2, 3, 4}


def test_a_count_that_is_stopped_gives_a_lower_bound(reason: str, stop_at: Stop) -> None:
    problem = queens(6)
    stopped = 0
    for moment in moments():
        stop_at(moment)
        result = problem.search_count()
        if result.complete:
            assert (result.count, result.stopped_by) == (4, None)
            break
        stopped += 1
        assert 0 <= result.count <= 4 and result.stopped_by == reason
        assert result.status == ("satisfied" if result.count else "unknown")
    assert stopped > 3
    stop_at(0)
    with pytest.raises(ci.LimitReached, match=f"stopped by the {reason}: at least 0") as caught:
        problem.count()
    assert (caught.value.count, caught.value.stopped_by) == (0, reason)


def test_a_propagation_that_is_stopped_keeps_every_solution(stop_at: Stop) -> None:
    problem = queens(6)
    for moment in (0, 1, 5, 10**9):
        stop_at(moment)
        domains = problem.propagate().domains
        for row in ((1, 3, 5, 0, 2, 4), (2, 5, 1, 4, 0, 3)):
            assert all(value in domain for value, domain in zip(row, domains.values(), strict=True))


def test_an_explanation_that_is_stopped_has_the_smallest_conflict_so_far(reason: str, stop_at: Stop) -> None:
    problem = ci.Problem()
    a, b, c = (problem.integer(name, 0, 40) for name in "abc")
    problem.add(a + b >= 3, a * b <= 300, b + c <= 60, label="loose")
    problem.add(a * a + b * b == 7 * c + 3, label="squares")
    problem.add(c == a + 1, b == a + 2, label="near")
    problem.add(a * c > 3, label="more")
    full = problem.explain()
    assert full.status == "infeasible" and full.minimal
    sizes = set()
    for moment in moments():
        stop_at(moment)
        explanation = problem.explain()
        if explanation.minimal:
            assert explanation.stopped_by is None
            assert explanation.conflict == full.conflict
            break
        assert explanation.stopped_by == reason
        if explanation.status == "unknown":
            assert explanation.conflict == []
        else:
            sizes.add(len(explanation.conflict))
            stop_at(10**9)
            assert conflict_holds(problem, explanation.conflict)
    assert len(problem.constraints) in sizes and len(sizes) > 1


def conflict_holds(problem: ci.Problem, conflict: list[ci.Constraint]) -> bool:
    """Whether the constraints alone have no solution."""
    alone = problem.without_goals()
    alone.constraints = conflict
    return alone.solve().status == "infeasible"


# Limits that users set ------------------------------------------------------------------------------------


def test_no_time_at_all_answers_at_once() -> None:
    problem = cheapest()
    solution = problem.solve(time_limit=0)
    assert (solution.status, solution.stopped_by) == ("unknown", "time limit")
    assert solution.statistics.nodes == 0
    result = problem.search(time_limit=0)
    assert (result.status, result.solutions, result.complete) == ("unknown", [], False)
    assert list(problem.solutions(time_limit=0)) == []
    counted = problem.search_count(time_limit=0)
    assert (counted.status, counted.count, counted.complete) == ("unknown", 0, False)
    assert problem.propagate(time_limit=0)["t[0]"].max == 1
    explanation = problem.explain(time_limit=0)
    assert (explanation.status, explanation.conflict, explanation.minimal) == ("unknown", [], False)
    assert explanation.stopped_by == "time limit"


def test_time_that_is_not_needed_changes_nothing() -> None:
    problem = cheapest()
    for limit in (3600, 3600.5, float("inf")):
        solution = problem.solve(time_limit=limit)
        assert (solution.status, solution.stopped_by) == ("optimal", None)


def test_more_nodes_give_better_incumbents_and_then_the_proof() -> None:
    problem = cheapest()
    values: list[int] = []
    for limit in moments():
        solution = problem.solve(node_limit=limit)
        if solution.status == "optimal":
            assert solution.statistics.nodes <= limit
            assert isinstance(solution.objective, int)
            values.append(solution.objective)
            break
        assert solution.stopped_by == "node limit"
        assert solution.statistics.nodes == limit + 1
        if solution:
            assert solution.status == "satisfied" and problem.check(solution)
            assert isinstance(solution.objective, int)
            values.append(solution.objective)
    assert values == sorted(values, reverse=True) and len(set(values)) > 1


def test_a_limit_of_nodes_holds_for_a_search_for_all() -> None:
    result = queens(8).search(node_limit=50)
    assert (result.stopped_by, result.complete) == ("node limit", False)
    assert result.statistics.nodes == 51


# Progress -------------------------------------------------------------------------------------------------


def test_progress_is_reported_ten_times_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0

    def monotonic() -> float:
        nonlocal now
        now += 0.01
        return now

    monkeypatch.setattr("constrint.engine.clock.time.monotonic", monotonic)
    reports: list[ci.Statistics] = []
    solution = cheapest().solve(progress=reports.append)
    assert solution.status == "optimal"
    checks = now / 0.01
    assert checks / 12 <= len(reports) <= checks / 9
    nodes = [report.nodes for report in reports]
    assert nodes == sorted(nodes) and nodes[-1] <= solution.statistics.nodes
    incumbents = [report.best for report in reports if report.best is not None]
    assert incumbents == sorted(incumbents, reverse=True)
    assert all(report.depth <= 40 for report in reports)


def test_a_callback_may_interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter(range(10**9))
    monkeypatch.setattr("constrint.engine.clock.time.monotonic", lambda: next(seconds))

    def progress(statistics: ci.Statistics) -> None:
        if statistics.best is not None:
            raise KeyboardInterrupt

    problem = cheapest()
    solution = problem.solve(progress=progress)
    assert (solution.status, solution.stopped_by) == ("satisfied", "interrupt")
    assert problem.check(solution)
