"""Asking again: push and pop, assumptions, hints, callbacks, cancellation, and copies by pickle."""

from __future__ import annotations

import pickle
import threading
from itertools import combinations, product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import constrint as ci


def pair() -> tuple[ci.Problem, ci.Expression, ci.Expression]:
    p = ci.Problem()
    return p, p.integer("x", 0, 9), p.integer("y", 0, 9)


# push and pop


def test_pop_takes_back_everything_that_was_stated_since_push() -> None:
    p, x, y = pair()
    p.add(x < y)
    before = (p.count(), repr(p), p.to_yaml())
    p.push()
    z = p.array("z", 2, 0, 1)
    p.choice("c", ["a", "b"])
    p.add(x + z[0] == 5, label="five")
    p.minimize(y)
    p.prefer(ci.largest(x))
    assert p.solve().objective == 5 and p.count() == 36
    p.pop()
    assert (p.count(), repr(p), p.to_yaml()) == before
    p.integer("z", 0, 1)  # the name is free again


def test_pushes_nest() -> None:
    p, x, _ = pair()
    counts = []
    for low in (2, 5, 8):
        p.push()
        p.add(x >= low)
        counts.append(p.count())
    for _ in range(3):
        counts.append(p.count())
        p.pop()
    assert counts == [80, 50, 20, 20, 50, 80] and p.count() == 100


def test_a_pop_without_push_is_refused() -> None:
    with pytest.raises(ci.ProblemError, match="no push"):
        ci.Problem().pop()


# Assumptions


def test_assumptions_hold_for_one_call_only() -> None:
    p, x, y = pair()
    p.add(x + y == 9)
    p.maximize(x)
    assert p.solve(assuming=[y >= 3]).objective == 6
    assert p.solve().objective == 9 and len(p.constraints) == 1


def test_a_conflict_names_the_assumptions_that_make_it() -> None:
    p, x, y = pair()
    p.add(x + y == 9)
    solution = p.solve(assuming=[x % 2 == 0, y != 4, y % 2 == 0, x != 3])
    assert solution.status == "infeasible" and not solution
    assert [str(one.expression) for one in solution.conflict] == ["x % 2 == 0", "y % 2 == 0"]


def test_where_the_problem_alone_has_no_solution_no_assumption_is_to_blame() -> None:
    p, x, y = pair()
    p.add(x + y == 99)
    assert p.solve(assuming=[x == 1]).conflict == []
    assert p.solve().conflict == [] and p.solve(assuming=[]).status == "infeasible"


def test_cp_sat_takes_assumptions_and_tells_its_solution() -> None:
    pytest.importorskip("ortools", reason="OR-Tools is not installed")
    p, x, y = pair()
    p.add(x + y == 9)
    p.maximize(x)
    told: list[ci.Solution] = []
    solution = p.solve(backend="cp-sat", assuming=[y % 2 == 0, y >= 3], on_solution=told.append)
    assert solution.objective == 5 and dict(told[-1]) == {"x": 5, "y": 4}
    conflict = p.solve(backend="cp-sat", assuming=[x == 1, y == 1, x < 9]).conflict
    assert [str(one.expression) for one in conflict] == ["x == 1", "y == 1"]


def test_assumptions_are_checked_as_constraints_are() -> None:
    p, _, _ = pair()
    other = ci.Problem().integer("z", 0, 1)
    with pytest.raises(ci.UnknownNameError, match="'z'"):
        p.solve(assuming=[other == 1])


ASSUMPTIONS = st.lists(
    st.tuples(
        st.integers(-3, 3), st.integers(-3, 3), st.sampled_from(["<=", "==", "!="]), st.integers(-6, 9)
    ),
    min_size=1,
    max_size=5,
)


@settings(deadline=None)
@given(ASSUMPTIONS, ASSUMPTIONS)
def test_conflicts_are_those_of_brute_force(
    stated: list[tuple[int, int, str, int]], assumed: list[tuple[int, int, str, int]]
) -> None:
    def holds(rows: Any) -> bool:
        compare = {"<=": int.__le__, "==": int.__eq__, "!=": int.__ne__}
        return any(
            all(compare[sign](a * x + b * y, c) for a, b, sign, c in rows)
            for x, y in product(range(4), repeat=2)
        )

    def expression(row: tuple[int, int, str, int]) -> ci.Expression:
        a, b, sign, c = row
        left = a * x + b * y
        return left <= c if sign == "<=" else left == c if sign == "==" else left != c

    p = ci.Problem()
    x, y = p.integer("x", 0, 3), p.integer("y", 0, 3)
    p.add(*map(expression, stated))
    solution = p.solve(assuming=list(map(expression, assumed)))
    assert (solution.status != "infeasible") == holds([*stated, *assumed])
    if solution.status == "infeasible" and holds(stated):
        # Rows may be equal, so the conflict is read as rows again.
        shown = {str(expression(row)): row for row in assumed}
        core = [shown[str(one.expression)] for one in solution.conflict]
        assert core and not holds([*stated, *core])
        for size in range(len(core)):
            for part in combinations(core, size):
                assert holds([*stated, *part])
    else:
        assert solution.conflict == []


# Hints


def test_hints_are_tried_first() -> None:
    p, x, y = pair()
    p.add(x + y == 9)
    for value in range(10):
        assert dict(p.solve(hints={"x": value})) == {"x": value, "y": 9 - value}


def test_wrong_hints_do_no_harm() -> None:
    p, x, y = pair()
    p.add(x * y == 12)
    p.maximize(x)
    assert p.solve(hints={"x": 7, "y": -5}).objective == 6
    q = ci.Problem()
    row = q.array("row", 3, 0, 5)
    q.add(ci.all_different(row))
    assert q.solve(hints={"row": [4, 4, 2]})["row"][0] == 4


@pytest.mark.parametrize("hints", [{"z": 1}, {"x": "one"}, {"x": 1.5}, [("x", 1)]])
def test_hints_that_are_no_values_are_refused(hints: Any) -> None:
    p, _, _ = pair()
    with pytest.raises(ci.ProblemError):
        p.solve(hints=hints)


# Callbacks and cancellation


def test_each_better_solution_is_told() -> None:
    p, x, y = pair()
    p.add(x + y <= 12)
    p.maximize(3 * x + 2 * y)
    told: list[ci.Solution] = []
    last = p.solve(on_solution=told.append, hints={"x": 0, "y": 0})
    objectives = [solution.objective for solution in told]
    assert objectives == sorted(set(objectives)) and objectives[-1] == last.objective == 33
    assert all(p.check(solution).status == "satisfied" for solution in told)


def long_problem() -> ci.Problem:
    """Pigeons and holes: nobody proves this one quickly by search alone."""
    p = ci.Problem()
    xs = [p.integer(f"x{k}", 0, 13) for k in range(15)]
    for a, b in combinations(xs, 2):
        p.add(a != b)
    return p


def test_another_thread_can_stop_the_search() -> None:
    cancellation = ci.Cancellation()
    timer = threading.Timer(0.3, cancellation.cancel)
    timer.start()
    solution = long_problem().solve(cancellation=cancellation, time_limit=60)
    timer.join()
    assert cancellation.cancelled
    assert solution.status == "unknown" and solution.stopped_by == "cancellation"
    assert solution.statistics.wall_seconds < 30


def test_what_was_found_before_the_cancellation_is_kept() -> None:
    p = ci.load("examples/golomb_ruler.yaml")
    cancellation = ci.Cancellation()
    first: list[ci.Solution] = []

    def stop(solution: ci.Solution) -> None:
        first.append(solution)
        cancellation.cancel()

    solution = p.solve(on_solution=stop, cancellation=cancellation)
    assert solution.stopped_by == "cancellation" and solution.status == "satisfied"
    assert dict(solution) == dict(first[-1])
    assert p.solve(cancellation=cancellation).status == "unknown"


# Pickling


def test_problems_and_answers_survive_pickling() -> None:
    p, x, y = pair()
    p.choice("c", ["a", "b"])
    p.array("q", (2, 2), 0, 1)
    p.add(x < y, label="less")
    p.prefer(ci.largest(x))
    again = pickle.loads(pickle.dumps(p))
    assert again.to_yaml() == p.to_yaml() and again.count() == p.count()
    solution = p.solve()
    copied = pickle.loads(pickle.dumps(solution))
    assert dict(copied) == dict(solution) and copied.status == "satisfied" and copied["x"] == 8
    space = p.without_goals().enumerate()
    assert list(pickle.loads(pickle.dumps(space))) == list(space)
