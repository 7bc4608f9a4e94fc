"""The arithmetic under the solver against brute force and against its definition, at any size."""

from __future__ import annotations

import math
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constrint.numbers import (
    bit,
    ceil_div,
    combine_congruences,
    divisors,
    integer_log,
    integer_root,
    long_integers,
    low_bits,
    solve_congruence,
)

steady = settings(max_examples=300, deadline=None, derandomize=True)
huge = st.one_of(st.integers(-(10**60), 10**60), st.integers(-50, 50))
huge_modulus = st.one_of(st.integers(1, 10**40), st.integers(1, 30))
MERSENNE = [2**61 - 1, 2**89 - 1, 2**127 - 1]
"""Primes."""


def test_congruences_combine_as_brute_force_says() -> None:
    for m1 in range(1, 9):
        for m2 in range(1, 9):
            period = range(math.lcm(m1, m2))
            for r1 in range(m1):
                for r2 in range(m2):
                    both = [x for x in period if x % m1 == r1 and x % m2 == r2]
                    combined = combine_congruences(m1, r1, m2, r2)
                    assert combined == ((len(period), both[0]) if both else None)


@steady
@given(huge, huge_modulus, huge_modulus)
def test_congruences_of_one_number_combine_to_its_own(x: int, m1: int, m2: int) -> None:
    combined = math.lcm(m1, m2)
    assert combine_congruences(m1, x % m1, m2, x % m2) == (combined, x % combined)


@steady
@given(huge, huge_modulus, huge_modulus, st.integers(2, 10**20), st.integers(1, 10**20))
def test_congruences_that_differ_modulo_a_common_divisor_have_no_number(
    x: int, m1: int, m2: int, common: int, apart: int
) -> None:
    shift = 1 + apart % (common - 1)
    assert combine_congruences(m1 * common, x % (m1 * common), m2 * common, (x + shift) % common) is None


def test_linear_congruences_are_solved_as_brute_force_says() -> None:
    for m in range(1, 11):
        for a in [*range(-7, 0), *range(1, 8)]:
            for c in range(-m, 2 * m):
                expected = {x for x in range(m) if (a * x - c) % m == 0}
                solved = solve_congruence(a, c, m)
                if solved is None:
                    assert not expected
                else:
                    n, r = solved
                    assert m % n == 0 and 0 <= r < n
                    assert {x for x in range(m) if x % n == r} == expected


@steady
@given(huge.filter(bool), huge, huge_modulus)
def test_a_linear_congruence_of_huge_numbers_holds_at_its_solution_and_only_there(
    a: int, x: int, m: int
) -> None:
    solved = solve_congruence(a, a * x, m)
    assert solved is not None
    n, r = solved
    assert x % n == r
    # Two solutions differ by a multiple of m / gcd(a, m), and by no less.
    assert n == m // math.gcd(a, m)
    assert (a * (r + n) - a * x) % m == 0


@steady
@given(huge, huge.filter(bool))
def test_ceil_div_is_the_least_integer_not_below_the_quotient(a: int, b: int) -> None:
    q = ceil_div(a, b)
    # q - 1 < a / b <= q, multiplied by b, which may turn it around.
    assert ((q - 1) * b < a <= q * b) if b > 0 else ((q - 1) * b > a >= q * b)


@pytest.mark.parametrize("degree", [1, 2, 3, 4, 5, 7, 13])
def test_integer_roots_of_all_small_numbers_are_those_of_brute_force(degree: int) -> None:
    r = 0
    for value in range(3000):
        if (r + 1) ** degree <= value:
            r += 1
        assert integer_root(value, degree) == r


@steady
@given(st.integers(0, 10**80), st.integers(1, 40), st.sampled_from([-1, 0, 1]))
def test_integer_roots_are_exact_next_to_a_power(root: int, degree: int, beside: int) -> None:
    value = root**degree + beside
    if value < 0:
        return
    r = integer_root(value, degree)
    assert r**degree <= value < (r + 1) ** degree


@pytest.mark.parametrize("base", [2, 3, 7, 10])
def test_integer_logarithms_of_all_small_numbers_are_those_of_brute_force(base: int) -> None:
    k = 0
    for value in range(1, 3000):
        if base ** (k + 1) <= value:
            k += 1
        assert integer_log(value, base) == k


@steady
@given(st.integers(2, 10**30), st.integers(0, 60), st.sampled_from([-1, 0, 1]))
def test_integer_logarithms_are_exact_next_to_a_power(base: int, exponent: int, beside: int) -> None:
    value = base**exponent + beside
    if value < 1:
        return
    k = integer_log(value, base)
    assert base**k <= value < base ** (k + 1)


def test_bits_are_counted_from_0_beyond_64() -> None:
    for count in (0, 1, 5, 63, 64, 65, 200):
        assert bit(count) == 2**count
        assert low_bits(count) == sum(2**k for k in range(count))


def test_divisors_of_all_small_numbers_are_those_of_brute_force() -> None:
    for number in range(1, 1500):
        assert divisors(number, 100) == tuple(d for d in range(1, number + 1) if number % d == 0)


@pytest.mark.parametrize(
    "factors",
    [
        {2: 100, 3: 20},
        {MERSENNE[0]: 1},
        {MERSENNE[1]: 1, 2: 3},
        {MERSENNE[2]: 1, 5: 2},
        {10**9 + 7: 1, 10**9 + 9: 1},
        {65521: 2, 65537: 1},
        {999983: 2},
    ],
)
def test_divisors_of_large_numbers_are_the_products_of_prime_powers(factors: dict[int, int]) -> None:
    expected = [1]
    for prime, exponent in factors.items():
        expected = [d * prime**k for d in expected for k in range(exponent + 1)]
    number = math.prod(prime**exponent for prime, exponent in factors.items())
    assert divisors(number, len(expected)) == tuple(sorted(expected))
    assert divisors(number, len(expected) - 1) is None


def test_a_number_too_hard_to_factor_has_no_listed_divisors() -> None:
    assert divisors(MERSENNE[0] * MERSENNE[1], 4096) is None


@pytest.mark.skipif(not hasattr(sys, "set_int_max_str_digits"), reason="this Python has no limit of digits")
def test_long_integers_lift_the_limit_of_digits_and_put_it_back_even_after_an_error() -> None:
    before = sys.get_int_max_str_digits()
    number = 10**5000
    with long_integers():
        assert int(str(number)) == number
    with pytest.raises(ZeroDivisionError), long_integers():
        raise ZeroDivisionError
    assert sys.get_int_max_str_digits() == before
    if before == 4300:
        with pytest.raises(ValueError, match="4300"):
            str(number)
