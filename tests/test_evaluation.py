"""What expressions mean, from a table, and that the solver means the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

import constrint as ci
from constrint.expressions import variable
from tests.random_problems import NAMES, booleans, integers

steady = settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))

x, y, zero = (variable(name) for name in ("x", "y", "zero"))
VALUES = {"x": 7, "y": -3, "zero": 0}
undefined = x // zero


def is_defined(expression: ci.Expression) -> bool:
    try:
        ci.evaluate(expression, VALUES)
    except ci.UndefinedTerm:
        return False
    return True


def solver_says(expression: ci.Expression) -> bool:
    """Whether the solver finds the assignment of this page to fulfil the expression."""
    fixed = ci.Problem()
    for name, value in VALUES.items():
        fixed.integer(name, value, value)
    fixed.add(expression)
    # Once more with domains that leave it open until the search.
    free = ci.Problem()
    for name, value in VALUES.items():
        free.integer(name, value - 1, value + 2)
    free.add(expression)
    free.add(*(variable(name) == value for name, value in VALUES.items()))
    answers = {bool(fixed.solve()), bool(free.solve())}
    assert len(answers) == 1
    return answers.pop()


# Values -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("a", range(-7, 8))
@pytest.mark.parametrize("b", [-4, -3, -1, 1, 3, 4])
def test_division_rounds_down_and_remainders_have_the_sign_of_the_divisor(a: int, b: int) -> None:
    values = {"x": a, "y": b}
    assert ci.evaluate(x // y, values) == a // b
    assert ci.evaluate(x % y, values) == a % b
    assert ci.evaluate(ci.ceil_div(x, y), values) == -(-a // b)
    assert 0 <= abs(ci.evaluate(x % y, values)) < abs(b)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        (x**2 - y, 52),
        (y**3, -27),
        (zero**0, 1),
        (2**x, 128),
        (abs(y), 3),
        (ci.minimum(x, y, 0), -3),
        (ci.maximum([x, y]), 7),
        (ci.gcd(x * 4, 6, y), 1),
        (ci.gcd(zero, zero), 0),
        (ci.gcd(-4, zero), 4),
        (ci.lcm(x, y), 21),
        (ci.lcm(x, zero), 0),
        (ci.choose(x > y, 1, 2), 1),
        (ci.choose(y, x, 2), 7),
        (ci.element(zero + 1, [5, x, y]), 7),
        (ci.count([x, y, 7, 1], 7), 2),
        ((x > 0) + (y > 0) + (zero == 0), 2),
        (ci.divides(zero, zero) + ci.divides(zero, x), 1),
        (ci.divides(y, 9) + ci.divides(y, 10), 1),
        (ci.xor(x, y, 1) + ci.xor(x, y), 1),
        (ci.iff(x, y) + ci.implies(zero, undefined > 0), 2),
        (ci.table([x, y], [(7, -3), (1, 1)]), 1),
        (x.isin([1, 7]) & ~y.isin([]), 1),
        (ci.all_different(x, y, zero) & ~ci.all_different(x, 7), 1),
        (ci.all_of([]) + ci.any_of([]), 1),
        (ci.total([]), 0),
    ],
    ids=lambda value: str(value) if isinstance(value, ci.Expression) else "",
)
def test_operations_have_the_values_of_the_table(expression: ci.Expression, value: int) -> None:
    assert ci.evaluate(expression, VALUES) == value
    assert solver_says(expression == value)
    assert not solver_says(expression != value)


# Undefined terms ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "term",
    [
        undefined,
        x % zero,
        ci.ceil_div(x, zero),
        x**y,
        zero**-1,
        ci.element(x, [1, 2]),
        ci.element(y, [1, 2]),
        undefined * 0,
        ci.maximum(x, undefined),
        ci.choose(x > 0, undefined, 1),
        (x // zero) // (y // zero),
        abs(undefined) + 1,
        ci.gcd(undefined, 2),
        undefined**0,
    ],
    ids=str,
)
def test_a_term_without_a_value_makes_every_comparison_around_it_false(term: ci.Expression) -> None:
    with pytest.raises(ci.UndefinedTerm):
        ci.evaluate(term, VALUES)
    for comparison in (term == 0, term != 0, term <= 0, term < 0, term >= 0, term > 0, term == term):
        assert not ci.holds(comparison, VALUES) and not solver_says(comparison)
        assert ci.holds(~comparison, VALUES) and solver_says(~comparison)


@pytest.mark.parametrize(
    ("expression", "truth"),
    [
        (~(undefined == 0), True),
        (~(undefined != 0), True),
        ((undefined > 0) | (x > 0), True),
        ((undefined > 0) & (x > 0), False),
        (ci.implies(undefined > 0, x < 0), True),
        (ci.implies(x > 0, undefined > 0), False),
        (ci.iff(undefined > 0, x < 0), True),
        (ci.xor(undefined > 0, x > 0), True),
        ((undefined > 0) + (undefined <= 0) == 0, True),
        ((undefined > 0) + (x > 0) == 1, True),
        (ci.choose(x > 0, x, undefined) == 7, True),
        (ci.choose(x < 0, x, undefined) == 7, False),
        (ci.choose(undefined > 0, 1, 2) == 2, True),
        (ci.choose(undefined, 1, 2) == 2, True),
        (ci.count([undefined, x, 7], 7) == 2, True),
        (ci.count([x, y], undefined) == 0, True),
        (undefined.isin([0, 1]), False),
        (~undefined.isin([0, 1]), True),
        (ci.all_different(x, undefined), False),
        (~ci.all_different(x, undefined), True),
        (ci.table([x, undefined], [(7, 0), (7, 1)]), False),
        (ci.divides(x, undefined), False),
        (ci.divides(zero, 0), True),
        (x % zero == 0, False),
        (x % zero != 0, False),
        (~(x % zero == 0), True),
        ((x % (y + 3) == 0) | (x == 7), True),
        (undefined, False),
        (~undefined, True),
        (undefined | x, True),
        ((undefined > 0) == (x < 0), True),
        ((undefined > 0) != (x < 0), False),
        (ci.element(x, [1, 2]) == 1, False),
        (ci.element(ci.element(x, [1]), [1, 2]) == 1, False),
        (~(ci.element(zero, [1, undefined]) == 1), True),
        (((x // zero) > 0) == 0, True),
    ],
    ids=lambda value: str(value) if isinstance(value, ci.Expression) else "",
)
def test_undefinedness_stops_at_the_innermost_comparison(expression: ci.Expression, truth: bool) -> None:
    assert ci.holds(expression, VALUES) == truth
    assert solver_says(expression) == truth
    assert solver_says(~expression) != truth


@pytest.mark.parametrize("operation", [lambda: ci.ceil_div(3, 0), lambda: ci.element(5, [1, 2])])
def test_an_undefined_constant_stays_an_expression(operation: Callable[[], ci.Expression]) -> None:
    with pytest.raises(ci.UndefinedTerm):
        ci.evaluate(operation(), {})
    problem = ci.Problem()
    problem.boolean("b")
    problem.add(operation() > 0)
    assert problem.solve().status == "infeasible"


def test_a_power_beyond_reason_is_refused_not_computed() -> None:
    with pytest.raises(ci.SizeLimitError, match="bits"):
        ci.evaluate(x**y, {"x": 10**9, "y": 10**9})
    assert [ci.evaluate(x**y, {"x": k, "y": 10**18}) for k in (-1, 0, 1)] == [1, 0, 1]
    with pytest.raises(ci.SizeLimitError, match="constant"):
        x + 2 ** (1 << 21)


# Solver and table agree -----------------------------------------------------------------------------------


@steady
@given(integers(2))
def test_the_solver_gives_a_term_its_value_and_only_that(expression: ci.Expression) -> None:
    problem = ci.Problem()
    for name in NAMES[:3]:
        problem.integer(name, -2, 2)
    problem.boolean("b")
    problem.integer("value", -(10**9), 10**9)
    problem.add(variable("value") == expression)
    seen = set()
    for solution in problem.search(limit=40).solutions:
        values = dict(solution.values_by_name)
        assert ci.evaluate(expression, values) == values.pop("value")
        seen.add(tuple(values.values()))
    if len(seen) < 40:
        defined = 0
        for row in rows():
            try:
                defined += abs(ci.evaluate(expression, dict(zip(NAMES, row, strict=True)))) <= 10**9
            except ci.UndefinedTerm:
                continue
        assert len(seen) == defined


def rows() -> list[tuple[int, ...]]:
    five = range(-2, 3)
    return [(a, b, c, d) for a in five for b in five for c in five for d in (0, 1)]


@steady
@given(booleans(2))
def test_a_truth_used_as_a_number_is_0_or_1(expression: ci.Expression) -> None:
    problem = ci.Problem()
    for name in NAMES[:3]:
        problem.integer(name, -2, 2)
    problem.boolean("b")
    truth = problem.boolean("truth")
    problem.add(truth == (expression > 0) if not expression.is_boolean else truth == expression)
    found: dict[tuple[int, ...], Any] = {}
    for solution in problem.solutions():
        values = tuple(solution.values_by_name.values())
        assert values[:-1] not in found
        found[values[:-1]] = values[-1]
    for row in rows():
        assignment = dict(zip(NAMES, row, strict=True))
        holds = ci.holds(expression if expression.is_boolean else expression > 0, assignment)
        assert found[row] == holds
