"""Propagators on chosen domains: the exact domains they leave, also of numbers beyond any machine word."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

import constrint as ci

BIG = 10**30


def domains(**declared: Any) -> ci.Problem:
    """A problem with these variables: a pair of bounds, or a collection of values."""
    problem = ci.Problem()
    for name, what in declared.items():
        if isinstance(what, tuple):
            problem.integer(name, *what)
        else:
            problem.integer(name, values=what)
    return problem


def left(problem: ci.Problem, *constraints: ci.Expression) -> dict[str, Any]:
    """What propagation leaves: (min, max), or the set of values where several are listed."""
    problem.add(*constraints)
    propagation = problem.propagate()
    return {
        name: set(domain.values) if domain.values and len(domain.values) > 1 else (domain.min, domain.max)
        for name, domain in propagation.domains.items()
    }


def v(name: str) -> ci.Expression:
    return ci.expressions.variable(name)


x, y, z, b = v("x"), v("y"), v("z"), v("b")


def test_a_linear_inequality_moves_both_bounds_once() -> None:
    assert left(domains(x=(0, 10), y=(0, 10)), 3 * x + 2 * y <= 11) == {"x": (0, 3), "y": (0, 5)}
    assert left(domains(x=(0, 10), y=(-5, 10)), 3 * x - 2 * y <= -8) == {"x": (0, 4), "y": (4, 10)}


def test_a_linear_equation_moves_all_bounds() -> None:
    found = left(domains(x=(0, BIG), y=(0, BIG), z=(5, 7)), x + 2 * y + 3 * z == 31)
    assert found == {"x": (0, 16), "y": (0, 8), "z": (5, 7)}


def test_an_equation_passes_its_congruences_on() -> None:
    problem = domains(x=(-BIG, BIG), y=(-BIG, BIG))
    problem.add(6 * x + 10 * y == 14)
    propagation = problem.propagate()
    # 3·x ≡ 7 (mod 5) and 5·y ≡ 7 (mod 3).
    assert (propagation["x"].multiple_of, propagation["x"].remainder) == (5, 4)
    assert (propagation["y"].multiple_of, propagation["y"].remainder) == (3, 2)


def test_an_equation_without_integers_is_infeasible_at_once() -> None:
    assert left(domains(x=(-BIG, BIG), y=(-BIG, BIG), z=(-BIG, BIG)), 6 * x + 10 * y + 14 * z == 1) == {}


def test_an_inequality_that_must_not_hold_is_its_opposite() -> None:
    assert left(domains(x=(0, 10), y=(0, 10)), ~(x + y <= 17)) == {"x": (8, 10), "y": (8, 10)}


def test_the_truth_of_a_comparison_follows_the_bounds_and_moves_them() -> None:
    problem = domains(x=(0, 10), y=(5, 20), b=(0, 1))
    assert left(problem, ci.iff(b, x > y))["b"] == (0, 1)
    assert left(problem, b == 1) == {"x": (6, 10), "y": (5, 9), "b": (1, 1)}
    assert left(domains(x=(0, 4), y=(5, 20), b=(0, 1)), ci.iff(b, x > y))["b"] == (0, 0)
    assert left(domains(x=(0, 4), y=(-5, -1), b=(0, 1)), ci.iff(b, x > y))["b"] == (1, 1)


def test_a_product_of_naturals_moves_its_bounds_and_those_of_its_factors() -> None:
    found = left(domains(x=(2, 100), y=(3, 100), z=(10, 20)), x * y == z)
    assert found == {"x": (2, 6), "y": (3, 10), "z": (10, 20)}


def test_a_product_of_any_signs_moves_its_bounds() -> None:
    assert left(domains(x=(-3, 4), y=(-5, 2), z=(-BIG, BIG)), x * y == z)["z"] == (-20, 15)
    assert left(domains(x=(-100, 100), y=(-5, -2), z=(10, 20)), x * y == z)["x"] == (-10, -2)


def test_the_factors_of_a_constant_are_its_divisors() -> None:
    found = left(domains(x=(1, BIG), y=(1, BIG), z=(1, BIG)), x * y * z == 45, x % 3 == 0)
    assert found == {"x": {3, 9, 15, 45}, "y": {1, 3, 5, 15}, "z": {1, 3, 5, 15}}


def test_divisibility_goes_through_a_product_both_ways() -> None:
    problem = domains(x=[6, 12], y=[10, 20], z=(0, BIG))
    problem.add(x * y == z)
    domain = problem.propagate()["z"]
    assert (domain.multiple_of, domain.divides, domain.values) == (60, 240, (60, 120, 240))
    assert left(domains(x=(1, 100), y=[3, 9], z=(-BIG, BIG)), x * y == z, z % 8 == 0)["x"] == (8, 96)


def test_a_square_leaves_roots() -> None:
    assert left(domains(x=(-BIG, BIG), z=(10, 50)), x**2 == z) == {"x": (-7, 7), "z": (10, 49)}
    assert left(domains(x=(0, BIG), z=(10, 50)), x**2 == z) == {"x": (4, 7), "z": (16, 49)}
    assert left(domains(x=(-BIG, BIG)), x**3 == -(7**90)) == {"x": (-(7**30), -(7**30))}


@pytest.mark.parametrize(
    ("base", "exponent", "expected"),
    [
        ((2, 3), (0, 5), (1, 243)),
        ((0, 3), (0, 2), {0, 1, 2, 3, 4, 9}),
        ((-2, -2), (0, 4), {-8, -2, 1, 4, 16}),
    ],
)
def test_powers_with_a_variable_exponent(base: Any, exponent: Any, expected: Any) -> None:
    found = left(domains(x=base, y=exponent, z=(-BIG, BIG)), x**y == z)["z"]
    assert (_bounds(found) if isinstance(expected, tuple) else found) == expected


def test_an_exponent_is_a_logarithm() -> None:
    assert left(domains(x=(10, 10), y=(0, BIG), z=(10**40, 10**42 - 1)), x**y == z)["y"] == {40, 41}


@pytest.mark.parametrize(("divisor", "dividends"), [(4, (8, 11)), (-4, (-11, -8))])
def test_a_division_by_a_constant_moves_bounds_both_ways(divisor: int, dividends: tuple[int, int]) -> None:
    assert left(domains(x=(-10, 10), y=(-BIG, BIG)), x // divisor == y)["y"] == (-3, 2)
    assert left(domains(x=(-BIG, BIG)), x // divisor == 2)["x"] == dividends


def test_a_remainder_is_a_congruence() -> None:
    problem = domains(x=(0, BIG))
    problem.add(x % 7 == 3, x % 5 == 1)
    domain = problem.propagate()["x"]
    assert (domain.multiple_of, domain.remainder, domain.min) == (35, 31, 31)
    assert domain.max == (BIG - 31) // 35 * 35 + 31


def test_a_negative_divisor_has_remainders_up_to_0() -> None:
    assert left(domains(x=(-BIG, BIG), y=(-BIG, BIG)), x % -4 == y)["y"] == (-3, 0)


@pytest.mark.parametrize(
    ("constraint", "expected"),
    [
        (abs(x) == y, {"x": (-7, 9), "y": (0, 9)}),
        (ci.maximum(x, y) == -3, {"x": (-7, -3), "y": (-9, -3)}),
        (ci.minimum(x, y) == 8, {"x": (8, 9), "y": (8, 20)}),
        (ci.maximum(x, 12) == y, {"x": (-7, 9), "y": (12, 12)}),
    ],
    ids=str,
)
def test_absolute_values_and_extrema(constraint: ci.Expression, expected: Any) -> None:
    assert left(domains(x=(-7, 9), y=(-9, 20)), constraint) == expected


def test_common_divisors_and_multiples() -> None:
    assert left(domains(x=[12, 18], z=(-BIG, BIG)), ci.gcd(x, 8) == z) == {"x": {12, 18}, "z": {2, 4}}
    assert left(domains(x=(1, BIG), y=(1, BIG)), ci.lcm(x, y) == 12)["x"] == {1, 2, 3, 4, 6, 12}
    assert left(domains(x=(0, 20)), ci.gcd(x, 12) == 4)["x"] == {4, 8, 16, 20}


def test_divisors_of_a_constant_are_listed_and_of_a_multiple_of_it_are_not_lost() -> None:
    assert left(domains(x=(-BIG, BIG)), 12 % x == 0)["x"] == {k for k in range(-12, 13) if k and 12 % k == 0}
    assert left(domains(x=(5, BIG)), ci.divides(x, 10**18 * 7), x % 10**17 == 0)["x"] == {
        d * 10**17 for d in (1, 2, 5, 10, 7, 14, 35, 70)
    }


def test_0_divides_0_alone() -> None:
    assert left(domains(x=(0, 9), y=(0, 0)), ci.divides(y, x)) == {"x": (0, 0), "y": (0, 0)}


def test_an_element_keeps_the_indices_whose_items_fit() -> None:
    items = [3, -5, 8, 3, 20]
    assert left(domains(x=(-9, 9), z=(0, 10)), ci.element(x, items) == z) == {"x": {0, 2, 3}, "z": {3, 8}}
    found = left(domains(x=(1, 9), y=(5, 7), z=(-BIG, BIG)), ci.element(x, [0, y, y + 10]) == z)
    assert found["z"] == (5, 17) and found["x"] == (1, 2)


def test_a_table_keeps_the_rows_that_fit() -> None:
    rows = [(1, 5), (2, 6), (BIG, 7), (3, -BIG)]
    found = left(domains(x=(2, BIG), y=(-9, BIG)), ci.table([x, y], rows))
    assert found == {"x": {2, BIG}, "y": {6, 7}}


def test_three_variables_with_two_values_cannot_differ() -> None:
    assert left(domains(x=(0, 1), y=(0, 1), z=(0, 1)), ci.all_different(x, y, z)) == {}


def test_a_full_interval_is_left_by_the_others() -> None:
    found = left(domains(x=(1, 2), y=(1, 2), z=(1, 4)), ci.all_different(x, y, z))
    assert _bounds(found["z"]) == (3, 4)
    wide = domains(x=(BIG, BIG + 1), y=(BIG, BIG + 1), z=(BIG, 2 * BIG))
    assert _bounds(left(wide, ci.all_different(x, y, z))["z"]) == (BIG + 2, 2 * BIG)


def test_matchings_see_more_than_intervals() -> None:
    found = left(domains(x=[1, 3], y=[1, 3], z=[1, 2, 3, 4]), ci.all_different(x, y, z))
    assert found["z"] == {2, 4}


def test_a_count_fixes_what_must_or_must_not_be_counted() -> None:
    items = [x, y, z]
    assert left(domains(x=[1, 2], y=[2, 3], z=[1, 3]), ci.count(items, 2) == 2) == {
        "x": (2, 2), "y": (2, 2), "z": {1, 3}}  # fmt: skip
    assert left(domains(x=[1, 2], y=[2, 3], z=[2]), ci.count(items, 2) == 1) == {
        "x": (1, 1), "y": (3, 3), "z": (2, 2)}  # fmt: skip


def test_a_choice_lies_between_its_alternatives() -> None:
    found = left(domains(x=(1, 3), y=(10, 12), b=(0, 1), z=(-BIG, BIG)), ci.choose(b, x, y) == z)
    assert found["z"] == (1, 12)
    found = left(domains(x=(1, 3), y=(10, 12), b=(0, 1), z=(4, BIG)), ci.choose(b, x, y) == z)
    assert found == {"x": (1, 3), "y": (10, 12), "b": (0, 0), "z": (10, 12)}


def _bounds(found: Any) -> tuple[int, int]:
    if isinstance(found, tuple):
        return found
    assert isinstance(found, Iterable)
    return min(found), max(found)
