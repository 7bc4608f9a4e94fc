"""The solver against brute force on random problems: sets, counts, optima, propagation, conflicts."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import constrint as ci
from tests.random_problems import booleans, integers, problems, solutions

thorough = settings(
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)


def found_by(problem: ci.Problem) -> list[tuple[int, ...]]:
    result = problem.search()
    assert result.complete
    return sorted(tuple(solution.values_by_name.values()) for solution in result.solutions)


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_all_solutions_are_those_of_brute_force(depth: int) -> None:
    @settings(thorough, max_examples=[2500, 3500, 3000][depth])
    @given(problems(depth=depth))
    def check(problem: ci.Problem) -> None:
        expected = solutions(problem)
        assert found_by(problem) == expected
        assert problem.count() == len(expected)

    check()


@settings(thorough, max_examples=1500)
@given(problems(depth=3, most=1))
def test_one_deep_constraint_has_the_solutions_of_brute_force(problem: ci.Problem) -> None:
    assert found_by(problem) == solutions(problem)


@settings(thorough, max_examples=3000)
@given(problems(depth=1), integers(2), st.booleans())
def test_the_optimum_is_that_of_brute_force(problem: ci.Problem, objective: ci.Expression, up: bool) -> None:
    problem.maximize(objective) if up else problem.minimize(objective)
    names = list(problem.variables)
    values = []
    for row in solutions(problem):
        try:
            values.append(ci.evaluate(objective, dict(zip(names, row, strict=True))))
        except ci.UndefinedTerm:
            continue
    solution = problem.solve()
    if not values:
        assert solution.status == "infeasible"
        return
    assert solution.status == "optimal"
    assert solution.objective == (max(values) if up else min(values))
    assert ci.evaluate(objective, solution.values_by_name) == solution.objective
    assert problem.check(solution)


@settings(thorough, max_examples=2500)
@given(
    problems(depth=1),
    st.lists(st.tuples(st.sampled_from(["x", "y", "z", "b"]), st.booleans()), min_size=1, max_size=3),
)
def test_preferences_give_the_lexicographically_best_solution(
    problem: ci.Problem, wishes: list[tuple[str, bool]]
) -> None:
    for name, up in wishes:
        operand = ci.expressions.variable(name)
        problem.prefer(ci.largest(operand) if up else ci.smallest(operand))
    names = list(problem.variables)

    def key(row: tuple[int, ...]) -> list[int]:
        assignment = dict(zip(names, row, strict=True))
        return [-assignment[name] if up else assignment[name] for name, up in wishes]

    expected = solutions(problem)
    solution = problem.solve()
    if not expected:
        assert solution.status == "infeasible"
        return
    best = min(map(key, expected))
    assert key(tuple(solution.values_by_name.values())) == best
    ordered = [key(tuple(s.values_by_name.values())) for s in problem.search().solutions]
    assert ordered == sorted(map(key, expected))


@settings(thorough, max_examples=2500)
@given(problems(depth=2))
def test_propagation_keeps_every_solution(problem: ci.Problem) -> None:
    propagation = problem.propagate()
    rows = solutions(problem)
    if propagation.status == "infeasible":
        assert rows == []
        return
    for position, name in enumerate(problem.variables):
        domain = propagation[name]
        for row in rows:
            assert row[position] in domain
        if domain.values is not None:
            assert domain.size == len(domain.values)


@settings(thorough, max_examples=1500)
@given(problems(depth=1, most=5))
def test_conflicts_are_minimal(problem: ci.Problem) -> None:
    explanation = problem.explain()
    if solutions(problem):
        assert explanation.status == "satisfied"
        assert explanation.conflict == []
        return
    assert explanation.status == "infeasible"
    assert explanation.minimal
    conflict = explanation.conflict
    assert solutions(problem, conflict) == []
    for one in conflict:
        assert solutions(problem, [other for other in conflict if other is not one])


@settings(thorough, max_examples=1000)
@given(booleans(2), booleans(2))
def test_a_constraint_and_its_negation_share_the_space(first: ci.Expression, second: ci.Expression) -> None:
    def count(*constraints: ci.Expression) -> int:
        problem = ci.Problem()
        for name in "xyz":
            problem.integer(name, -3, 4)
        problem.boolean("b")
        problem.add(*constraints)
        return problem.count()

    assert count(first) + count(~first) == count()
    assert count(first & second) + count(first & ~second) == count(first)


@settings(thorough, max_examples=1500)
@given(problems(depth=2, most=2))
def test_bounds_stated_as_constraints_do_as_well_as_declared_ones(problem: ci.Problem) -> None:
    unbounded = ci.Problem()
    for name, spec in problem.variables.items():
        x = unbounded.integer(name)
        values = [value for value in range(-40, 41) if spec.holds(value)]
        unbounded.add(*([x >= values[0], x <= values[-1], x.isin(values)] if values else [x != x]))
    for constraint in problem.constraints:
        unbounded.add(constraint.expression)
    assert found_by(unbounded) == solutions(problem)


large = st.one_of(
    st.integers(-(10**30), 10**30), st.integers(-1000, 1000), st.integers(0, 80).map(lambda k: 2**k)
)


@settings(thorough, max_examples=2500)
@given(st.data(), st.lists(large, min_size=4, max_size=4), st.booleans())
def test_a_planted_solution_of_large_numbers_survives(
    data: st.DataObject, planted: list[int], bounded: bool
) -> None:
    names = ["x", "y", "z", "b"]
    assignment = dict(zip(names, planted, strict=True))
    problem = ci.Problem()
    for name, value in assignment.items():
        if bounded:
            problem.integer(
                name, value - data.draw(st.integers(0, 50)), value + data.draw(st.integers(0, 10**9))
            )
        else:
            problem.integer(name)
    for expression in data.draw(st.lists(integers(1), min_size=1, max_size=4)):
        try:
            value = ci.evaluate(expression, assignment)
        except (ci.UndefinedTerm, ci.SizeLimitError):
            continue
        if abs(value) < 10**300:
            problem.add(
                data.draw(st.sampled_from([expression == value, expression <= value, expression >= value]))
            )
    propagation = problem.propagate()
    assert propagation.status != "infeasible"
    for name, value in assignment.items():
        assert value in propagation[name]
