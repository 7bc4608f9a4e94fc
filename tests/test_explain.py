"""Explanations: a conflict in the user's words and order, minimal: solved again without each part."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import constrint as ci
from tests.random_problems import problems, solutions

steady = settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def without(problem: ci.Problem, conflict: list[ci.Constraint], left_out: ci.Constraint | None) -> str:
    """The status of the conflict alone, without one of its parts."""
    alone = problem.without_goals()
    alone.constraints = [one for one in conflict if one is not left_out]
    return alone.solve().status


def assert_is_minimal_conflict(problem: ci.Problem, explanation: ci.Explanation) -> None:
    assert (explanation.status, explanation.minimal) == ("infeasible", True)
    conflict = explanation.conflict
    assert without(problem, conflict, None) == "infeasible"
    for one in conflict:
        assert without(problem, conflict, one) == "satisfied"
    places = [next(k for k, c in enumerate(problem.constraints) if c is one) for one in conflict]
    assert places == sorted(places)


def test_a_conflict_is_told_in_the_labels_and_the_order_of_the_user() -> None:
    problem = ci.Problem()
    a, b, c = (problem.integer(name, 0, 100) for name in "abc")
    problem.add(c >= 1, label="some c")
    problem.add(a <= b, label="a first")
    problem.add(a + b + c <= 300, label="room")
    problem.add(b < c, label="b before c")
    problem.add(c * 2 <= 90)
    problem.add(a >= c, label="c first")
    explanation = problem.explain()
    assert_is_minimal_conflict(problem, explanation)
    assert list(map(str, explanation.conflict)) == ["a first: a <= b", "b before c: b < c", "c first: a >= c"]
    assert explanation.stopped_by is None and explanation.statistics.propagations > 0


def test_places_come_along() -> None:
    problem = ci.Problem()
    a = problem.integer("a", 0, 9)
    problem.add(a > 3, place=ci.Place("p.yaml", 7, 3))
    problem.add(a < 2, place=ci.Place("p.yaml", 9, 3))
    assert [str(one.place) for one in problem.explain().conflict] == ["p.yaml:7:3", "p.yaml:9:3"]


@pytest.mark.parametrize("size", [2, 3, 5, 9])
def test_a_conflict_that_needs_all_its_parts_is_found_among_many_others(size: int) -> None:
    problem = ci.Problem()
    ring = problem.array("r", size, 0, 20)
    for k in range(size):
        problem.add(ring[k] + 1 <= ring[(k + 1) % size], label=f"step {k}")
        problem.add(ring[k] * 2 <= 40, ring[k] >= 0)
    explanation = problem.explain()
    assert_is_minimal_conflict(problem, explanation)
    assert [one.label for one in explanation.conflict] == [f"step {k}" for k in range(size)]


def test_of_two_conflicts_one_is_told() -> None:
    problem = ci.Problem()
    a, b = problem.integer("a", 0, 9), problem.integer("b", 0, 9)
    problem.add(a > 5, a < 5, b > 5, b < 5)
    explanation = problem.explain()
    assert_is_minimal_conflict(problem, explanation)
    assert [str(one) for one in explanation.conflict] in [["a > 5", "a < 5"], ["b > 5", "b < 5"]]


def test_one_constraint_may_be_a_conflict_of_its_own() -> None:
    problem = ci.Problem()
    a = problem.integer("a", 0, 9)
    problem.add(a >= 1, label="fine")
    problem.add(a * a == 50, label="no square")
    explanation = problem.explain()
    assert_is_minimal_conflict(problem, explanation)
    assert [one.label for one in explanation.conflict] == ["no square"]


def test_the_same_constraint_twice_is_blamed_once() -> None:
    problem = ci.Problem()
    a = problem.integer("a", 0, 9)
    wrong = a > 9
    problem.add(wrong, wrong)
    explanation = problem.explain()
    assert_is_minimal_conflict(problem, explanation)
    assert len(explanation.conflict) == 1


def test_declared_domains_alone_may_be_the_conflict() -> None:
    problem = ci.Problem()
    a = problem.integer("a", 5, 3)
    problem.add(a > 0)
    explanation = problem.explain()
    assert (explanation.status, explanation.conflict, explanation.minimal) == ("infeasible", [], True)


def test_a_solvable_problem_has_no_conflict() -> None:
    problem = ci.Problem()
    problem.add(problem.integer("a", 0, 9) > 3)
    explanation = problem.explain()
    assert (explanation.status, explanation.conflict, explanation.minimal) == ("satisfied", [], False)
    assert ci.Problem().explain().status == "satisfied"


def test_objectives_and_preferences_are_not_to_blame() -> None:
    problem = ci.Problem()
    a = problem.integer("a", 0)
    problem.maximize(a)
    problem.prefer(ci.largest(a))
    assert problem.explain().status == "satisfied"
    problem.add(a * 2 == 7, a > 1)
    assert [str(one) for one in problem.explain().conflict] == ["2 * a == 7"]


def test_unbounded_variables_do_not_keep_a_conflict_from_being_told() -> None:
    problem = ci.Problem()
    a, b = problem.integer("a"), problem.integer("b")
    problem.add(a + b >= 0, label="loose")
    problem.add(a * 6 + b * 10 == 15, label="odd")
    explanation = problem.explain()
    assert explanation.status == "infeasible"
    assert [one.label for one in explanation.conflict] == ["odd"]


@steady
@given(problems(depth=1, most=3), st.lists(st.tuples(st.integers(0, 2), st.integers(-4, 4)), max_size=5))
def test_random_conflicts_are_minimal(problem: ci.Problem, bounds: list[tuple[int, int]]) -> None:
    variables = [ci.expressions.variable(name) for name in "xyz"]
    for k, bound in bounds:
        problem.add(variables[k] >= bound, variables[(k + 1) % 3] < variables[k])
    explanation = problem.explain()
    if solutions(problem):
        assert explanation.status == "satisfied"
    else:
        assert_is_minimal_conflict(problem, explanation)


def test_the_conflict_is_grouped_by_label() -> None:
    problem = ci.Problem()
    x, y, z = (problem.integer(name, 0, 9) for name in "xyz")
    problem.add(x >= 5, label="large")
    problem.add(x + y + z <= 12)
    problem.add(y >= 4, label="small")
    problem.add(z >= 4, label="large")
    explanation = problem.explain()
    shown = {label: [str(one.expression) for one in group] for label, group in explanation.groups.items()}
    assert shown == {"large": ["x >= 5", "z >= 4"], None: ["x + y + z <= 12"], "small": ["y >= 4"]}
    assert list(shown) == ["large", None, "small"]


def test_parts_under_one_label_are_told_apart() -> None:
    problem = ci.Problem()
    x, y = problem.integer("x", 0, 9), problem.integer("y", 0, 9)
    problem.add((x <= 3) & (y <= 3), label="shape")
    problem.add(x + y >= 9, label="size")
    assert problem.explain().reason == "(shape: x <= 3) + (shape: y <= 3) + size gives 0 <= -3"


def test_constraints_under_one_label_are_told_apart() -> None:
    problem = ci.Problem()
    x, y, z = (problem.integer(name, 0, 9) for name in "xyz")
    problem.add(x < y, label="order")
    problem.add(y < z, label="order")
    problem.add(z < x, label="order")
    assert problem.explain().reason == "(order: x < y) + (order: y < z) + (order: z < x) gives 0 <= -3"
