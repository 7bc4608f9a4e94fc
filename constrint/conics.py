"""Integer points of a·x² + b·y² = c where the signs of a and b differ: hyperbolas, as of Pell's equation."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

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
    """Each solution is (x ± y·√d)·((t + u·√d) / 2)ᵏ, with the least solution (t, u) of t² - d·u² = 4 that
    leaves all solutions integers, and a fundamental one (x, y), whose y is small (Nagell, Introduction to
    Number Theory, section 58)."""
    unit = _unit(d, n % 4 == 0 and d % 4 <= 1)
    if unit is None:
        return None
    t, _ = unit
    bound = math.isqrt(abs(n) * (t - 2 if n > 0 else t + 2) // (4 * d)) + 1
    if bound > _MOST_TRIED:
        return None
    return _multiplied(d, n, most, unit, bound)


def _unit(d: int, halved: bool) -> tuple[int, int] | None:
    """The least (t, u) with t² - d·u² = 4, both even unless `halved`; None where it is large."""
    if halved:
        # Convergents give them from d = 17 on; below, they are small.
        for u in range(1, 4):
            if math.isqrt(d * u * u + 4) ** 2 == d * u * u + 4:
                return math.isqrt(d * u * u + 4), u
    for t, u in convergents(d):
        norm = t * t - d * u * u
        if norm == 1:
            return 2 * t, 2 * u
        if halved and norm == 4:
            return t, u
        if u > _LARGEST_UNIT:
            return None
    return None


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
                p, q = (p * t + d * q * u) // 2, (p * u + q * t) // 2
                if p < 0:
                    p, q = -p, -q


class Conic(NamedTuple):
    """a·x² + b·x·y + c·y² + d·x + e·y + f = 0."""

    a: int
    b: int
    c: int
    d: int
    e: int
    f: int


def points_within(conic: Conic, xs: tuple[int, int], ys: tuple[int, int]) -> Pairs | None:
    """All points of a hyperbola in the box between these bounds, by x; None for another conic, and where that
    takes too long.

    Completing the squares leads to X² - D·Y² = N, and to (b·x + e)·(b·y + d) = n where a = c = 0 (Cohen,
    A Course in Computational Algebraic Number Theory, section 6.3, and Mathews, Theory of Numbers, § 63).
    """
    if conic.a == 0 and conic.c == 0:
        found = _by_factors(conic)
    elif conic.a == 0:
        swapped = points_within(Conic(conic.c, conic.b, 0, conic.e, conic.d, conic.f), ys, xs)
        found = None if swapped is None else [(x, y) for y, x in swapped]
    else:
        found = _by_squares(conic, xs, ys)
    if found is None:
        return None
    return sorted({(x, y) for x, y in found if xs[0] <= x <= xs[1] and ys[0] <= y <= ys[1]})


def _by_factors(conic: Conic) -> Pairs | None:
    _, b, _, d, e, f = conic
    n = d * e - b * f
    listed = divisors(abs(n), _MOST_DIVISORS) if b and n else None
    if listed is None:
        return None
    return [
        ((s - e) // b, (n // s - d) // b)
        for each in listed
        for s in (each, -each)
        if (s - e) % b == 0 and (n // s - d) % b == 0
    ]


def _by_squares(conic: Conic, xs: tuple[int, int], ys: tuple[int, int]) -> Pairs | None:
    a, b, c, d, e, f = conic
    delta = b * b - 4 * a * c
    if delta <= 0:
        return None
    # X = 2a·x + b·y + d and Y = delta·y + p, with which Y² - delta·X² = m.
    p = b * d - 2 * a * e
    largest = 2 * abs(a) * max(map(abs, xs)) + abs(b) * max(map(abs, ys)) + abs(d)
    if p:
        pairs = points(1, -delta, p * p - delta * (d * d - 4 * a * f), largest)
        squares = pairs and [
            (big_x, (s - p) // delta)
            for big_y, big_x in pairs
            for s in (big_y, -big_y)
            if (s - p) % delta == 0
        ]
    else:
        # Then Y is delta·y, and X² - delta·y² = d² - 4·a·f is the smaller equation.
        pairs = points(1, -delta, d * d - 4 * a * f, max(map(abs, ys)))
        squares = pairs and [(big_x, s) for big_x, y in pairs for s in (y, -y)]
    if squares is None:
        return None
    return [
        ((s - b * y - d) // (2 * a), y)
        for big_x, y in squares
        for s in (big_x, -big_x)
        if (s - b * y - d) % (2 * a) == 0
    ]
