"""The solver against brute force on random problems: sets, counts, optima, propagation, conflicts.

25,000 problems, in pieces that the workers of pytest-xdist share. Each piece has a seed of its own, so that
a run is the same everywhere; a failure prints the smallest problem that Hypothesis finds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, seed, settings
from hypothesis import strategies as st

import constrint as ci
from tests.random_problems import booleans, integers, problems, solutions

PIECE = 500


def on_random(
    examples: int, *strategies: st.SearchStrategy[Any]
) -> Callable[[Callable[..., None]], Callable[[int], None]]:
    """A test of so many inputs drawn from the strategies, as pieces numbered from 0."""
    assert examples % PIECE == 0

    def decorate(check: Callable[..., None]) -> Callable[[int], None]:
        thorough = settings(
            max_examples=PIECE,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        )

        @pytest.mark.parametrize("piece", range(examples // PIECE))
        def run(piece: int) -> None:
            # A function of its own for each piece: Hypothesis keeps the seed on the function.
            def one(inputs: tuple[Any, ...]) -> None:
                try:
                    check(*inputs)
                except Exception:
                    for problem in inputs:
                        if isinstance(problem, ci.Problem):
                            note(problem.to_yaml())
                    raise

            seed(piece)(thorough(given(st.tuples(*strategies))(one)))()

        run.__name__, run.__doc__ = check.__name__, check.__doc__
        return run

    return decorate


def found_by(problem: ci.Problem) -> list[tuple[int, ...]]:
    result = problem.search()
    assert result.complete
    return sorted(tuple(solution.values_by_name.values()) for solution in result.solutions)


def compare_with_brute_force(problem: ci.Problem) -> None:
    expected = solutions(problem)
    assert found_by(problem) == expected
    assert problem.count() == len(expected)


@on_random(2500, problems(depth=0))
def test_all_solutions_of_flat_problems_are_those_of_brute_force(problem: ci.Problem) -> None:
    compare_with_brute_force(problem)


@on_random(3500, problems(depth=1))
def test_all_solutions_of_nested_problems_are_those_of_brute_force(problem: ci.Problem) -> None:
    compare_with_brute_force(problem)


@on_random(3000, problems(depth=2))
def test_all_solutions_of_deeply_nested_problems_are_those_of_brute_force(problem: ci.Problem) -> None:
    compare_with_brute_force(problem)


@on_random(1500, problems(depth=3, most=1))
def test_one_deep_constraint_has_the_solutions_of_brute_force(problem: ci.Problem) -> None:
    assert found_by(problem) == solutions(problem)


@on_random(3000, problems(depth=1), integers(2), st.booleans())
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


@on_random(
    2500,
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


@on_random(2500, problems(depth=2))
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


@on_random(1500, problems(depth=1, most=5))
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


@on_random(1000, booleans(2), booleans(2))
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


@on_random(1500, problems(depth=2, most=2))
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


@on_random(2500, st.data(), st.lists(large, min_size=4, max_size=4), st.booleans())
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
