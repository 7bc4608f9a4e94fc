"""Integer points of a·x² + b·y² = c where the signs of a and b differ: hyperbolas, as of Pell's equation."""

from __future__ import annotations

import math
from collections.abc import Iterator

from constrint.numbers import divisors

_MOST_TRIED = 1 << 12
"""Candidates for fundamental solutions that are tried one by one."""

_LARGEST_UNIT = 1 << 26
"""The bound on the candidates is larger with a larger unit."""

_MOST_BITS = 128
"""Of the y of the unit, where it only tells how far the least point may be."""

_MOST_DIVISORS = 4096

Pairs = list[tuple[int, int]]


def points(a: int, b: int, c: int, most: int) -> Pairs | None:
    """All (x, y) with x, y >= 0, y <= most and a·x² + b·y² = c, by y; None where that takes too long.

    a > 0 > b. The equation is X² - D·y² = N with X = a·x, D = -a·b and N = a·c.
    """
    d, n = -a * b, a * c
    root = math.isqrt(d)
    if root * root == d:
        found = _by_divisors(root, n)
    elif n == 0:
        found = iter([(0, 0)])
    elif n * n < d:
        found = _by_convergents(d, n, most)
    else:
        found = _by_classes(d, n, most)
    if found is None:
        return None
    return sorted({(x // a, y) for x, y in found if x % a == 0 and y <= most}, key=lambda pair: pair[1])


def least_bound(a: int, b: int, c: int) -> int | None:
    """What the y of the least point cannot pass, if there is a point at all; None where it is not known."""
    d = -a * b
    if a == 1 and math.isqrt(d) ** 2 != d:
        for t, u in convergents(d):
            if t * t - d * u * u == 1:
                # More than the y of any fundamental solution (see _by_classes).
                return u * (abs(c) + 1)
            if u.bit_length() > _MOST_BITS:
                break
    return None


def _by_divisors(root: int, n: int) -> Iterator[tuple[int, int]] | None:
    """(X - root·y)·(X + root·y) = n."""
    if n == 0:
        return None
    listed = divisors(abs(n), _MOST_DIVISORS)
    if listed is None:
        return None
    pairs = ((d, n // d) for d in listed)
    return (
        (abs(d + e) // 2, abs(e - d) // (2 * root))
        for d, e in pairs
        if (d + e) % 2 == 0 and (e - d) % (2 * root) == 0
    )


def convergents(d: int) -> Iterator[tuple[int, int]]:
    """The convergents p/q of √d, for d that is no square."""
    root = math.isqrt(d)
    m, divisor, digit = 0, 1, root
    p, q, p_before, q_before = root, 1, 1, 0
    while True:
        yield p, q
        m = divisor * digit - m
        divisor = (d - m * m) // divisor
        digit = (root + m) // divisor
        p, p_before = digit * p + p_before, p
        q, q_before = digit * q + q_before, q


def _by_convergents(d: int, n: int, most: int) -> Iterator[tuple[int, int]]:
    """For n² < d every solution without a common divisor is a convergent (Lagrange; Niven, Zuckerman and
    Montgomery, An Introduction to the Theory of Numbers, theorem 7.24)."""
    if n > 0 and math.isqrt(n) ** 2 == n:
        yield math.isqrt(n), 0
    factors = {n // (f * f): f for f in range(1, math.isqrt(abs(n)) + 1) if n % (f * f) == 0}
    for p, q in convergents(d):
        if q > most:
            return
        factor = factors.get(p * p - d * q * q)
        if factor:
            yield factor * p, factor * q


def _by_classes(d: int, n: int, most: int) -> Iterator[tuple[int, int]] | None:
    """Each solution is (x ± y·√d)·(t + u·√d)ᵏ, with the least solution (t, u) of t² - d·u² = 1 and a
    fundamental one (x, y), whose y is small (Nagell, Introduction to Number Theory, section 58)."""
    t = u = 0
    for t, u in convergents(d):
        if t * t - d * u * u == 1:
            break
        if u > _LARGEST_UNIT:
            return None
    bound = math.isqrt(u * u * abs(n) // (2 * (t + 1 if n > 0 else t - 1))) + 1
    if bound > _MOST_TRIED:
        return None
    return _multiplied(d, n, most, (t, u), bound)


def _multiplied(d: int, n: int, most: int, unit: tuple[int, int], bound: int) -> Iterator[tuple[int, int]]:
    t, u = unit
    for y in range(bound + 1):
        square = n + d * y * y
        if square < 0 or math.isqrt(square) ** 2 != square:
            continue
        for sign in (1, -1):
            p, q = math.isqrt(square), sign * y
            # From q <= 0 on, |q| may fall once before it grows.
            while abs(q) <= most or q <= 0:
                yield abs(p), abs(q)
                p, q = p * t + d * q * u, p * u + q * t
                if p < 0:
                    p, q = -p, -q
