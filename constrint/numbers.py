"""Integers of any size: congruences, divisors, exact roots and logarithms, and long decimals."""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Iterator
from functools import lru_cache

_TRIAL_LIMIT = 1 << 32
"""Below this, trial division is faster than importing SymPy."""

_FACTOR_LIMIT = 1 << 90
"""Above this, numbers are only factored as far as small primes and a primality test go."""

_SMALL_PRIMES_LIMIT = 1 << 16


def combine_congruences(m1: int, r1: int, m2: int, r2: int) -> tuple[int, int] | None:
    """(m, r) with x ≡ r (mod m) iff x ≡ r1 (mod m1) and x ≡ r2 (mod m2); None where no x is both.

    The Chinese remainder theorem for moduli >= 1 that need not be coprime.
    """
    g = math.gcd(m1, m2)
    if (r2 - r1) % g:
        return None
    step = m2 // g
    m = m1 * step
    factor = (r2 - r1) // g * pow(m1 // g, -1, step) if step > 1 else 0
    return m, (r1 + m1 * factor) % m


def solve_congruence(a: int, c: int, m: int) -> tuple[int, int] | None:
    """(n, r) with a·x ≡ c (mod m) iff x ≡ r (mod n); None where there is no such x. m >= 1, a != 0."""
    g = math.gcd(a, m)
    if c % g:
        return None
    n = m // g
    return n, (c // g * pow(a // g, -1, n)) % n if n > 1 else 0


def ceil_div(a: int, b: int) -> int:
    """a / b rounded up, for b != 0."""
    return -(-a // b)


def integer_root(value: int, degree: int) -> int:
    """The largest r >= 0 with r ** degree <= value, for value >= 0 and degree >= 1."""
    if degree == 1 or value < 2:
        return value
    if degree == 2:
        return math.isqrt(value)
    if degree >= value.bit_length():
        return 1
    # Newton's method from above, on integers.
    guess = 1 << -(-value.bit_length() // degree)
    while True:
        better = ((degree - 1) * guess + value // guess ** (degree - 1)) // degree
        if better >= guess:
            return guess
        guess = better


def integer_log(value: int, base: int) -> int:
    """The largest k >= 0 with base ** k <= value, for value >= 1 and base >= 2."""
    # A float is only the first guess; the loops make it exact.
    k = max(0, (value.bit_length() - 1) // base.bit_length())
    power = base**k
    while power * base <= value:
        power *= base
        k += 1
    return k


# These two stand here because a compiled module would shift in C, and lose what passes 64 bits.


def bit(position: int) -> int:
    """The number with only this bit set."""
    return 1 << position


def low_bits(count: int) -> int:
    """The number whose lowest `count` bits are set."""
    return (1 << count) - 1


@lru_cache(maxsize=4096)
def divisors(number: int, limit: int) -> tuple[int, ...] | None:
    """The positive divisors of `number` > 0, ascending; None if there are more than `limit` of them or
    the number is too hard to factor."""
    factors = _factor(number)
    if factors is None:
        return None
    count = math.prod(exponent + 1 for exponent in factors.values())
    if count > limit:
        return None
    found = [1]
    for prime, exponent in factors.items():
        powers = [prime**k for k in range(exponent + 1)]
        found = [divisor * power for divisor in found for power in powers]
    return tuple(sorted(found))


def _factor(number: int) -> dict[int, int] | None:
    """The prime factorisation; None for a number that would take long to factor."""
    factors: dict[int, int] = {}
    prime = 2
    while prime < _SMALL_PRIMES_LIMIT and prime * prime <= number:
        while number % prime == 0:
            factors[prime] = factors.get(prime, 0) + 1
            number //= prime
        prime += 1 if prime == 2 else 2
    if number == 1:
        return factors
    if number < _TRIAL_LIMIT:
        factors[number] = 1
        return factors
    from sympy import factorint, isprime

    if isprime(number):
        factors[number] = 1
        return factors
    if number > _FACTOR_LIMIT:
        return None
    for prime, exponent in factorint(number).items():
        factors[int(prime)] = int(exponent)
    return factors


@contextlib.contextmanager
def long_integers() -> Iterator[None]:
    """Lets integers of any length be read and written in decimal.

    Python refuses to convert integers of more than 4300 digits, a guard for programs that have no
    limits of their own, which ours have; the setting is put back on the way out.
    """
    if not hasattr(sys, "set_int_max_str_digits"):  # Python before 3.10.7
        yield
        return
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        yield
    finally:
        sys.set_int_max_str_digits(before)
