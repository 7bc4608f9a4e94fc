"""Interval arithmetic on terms, for single integers and for whole columns of them alike.

The bounds of a term hold wherever it is defined; `safe` says where it surely is. A boolean is surely
true where its low is 1 and surely false where its high is 0.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from constrint.errors import SizeLimitError
from constrint.expressions import MAX_BITS, Op

if TYPE_CHECKING:
    from constrint.diagram.terms import Term

Number = Any
"""An integer or a column of integers."""


@dataclass(slots=True)
class Bounds:
    """low <= value <= high, and whether there is a value at all; each a scalar or a column."""

    low: Number
    high: Number
    safe: Any


def least(a: Number, b: Number) -> Number:
    """The lesser of the two."""
    return min(a, b) if isinstance(a, int) and isinstance(b, int) else np.minimum(a, b)


def greatest(a: Number, b: Number) -> Number:
    """The greater of the two."""
    return max(a, b) if isinstance(a, int) and isinstance(b, int) else np.maximum(a, b)


def choose(condition: Any, a: Number, b: Number) -> Number:
    """`a` where the condition holds, `b` elsewhere."""
    if isinstance(condition, (bool, int)):
        return a if condition else b
    return np.where(condition, a, b)


def negated(condition: Any) -> Any:
    """The opposite of a boolean or a column of them."""
    return not condition if isinstance(condition, bool) else ~condition


def _largest(b: Bounds) -> Number:
    return greatest(abs(b.low), abs(b.high))


def _nonnegative(low: Number) -> bool:
    return low >= 0 if isinstance(low, int) else bool((low >= 0).all())


def plus(a: Bounds, b: Bounds, coefficient: int) -> Bounds:
    """a + coefficient * b."""
    low, high = (b.low, b.high) if coefficient >= 0 else (b.high, b.low)
    return Bounds(a.low + coefficient * low, a.high + coefficient * high, a.safe & b.safe)


def times(a: Bounds, b: Bounds) -> Bounds:
    """a * b."""
    safe = a.safe & b.safe
    if _nonnegative(a.low) and _nonnegative(b.low):
        return Bounds(a.low * b.low, a.high * b.high, safe)
    corners = [a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high]
    return Bounds(reduce(least, corners), reduce(greatest, corners), safe)


def remainder(a: Bounds, modulus: int) -> Bounds:
    """a modulo a constant other than 0."""
    same = a.low // modulus == a.high // modulus
    least_one, greatest_one = (0, modulus - 1) if modulus > 0 else (modulus + 1, 0)
    return Bounds(
        choose(same, a.low % modulus, least_one), choose(same, a.high % modulus, greatest_one), a.safe
    )


def extremum(op: Op, a: Bounds, b: Bounds) -> Bounds:
    """The minimum or maximum."""
    pick = least if op is Op.MINIMUM else greatest
    return Bounds(pick(a.low, b.low), pick(a.high, b.high), a.safe & b.safe)


def common(op: Op, a: Bounds, b: Bounds) -> Bounds:
    """The greatest common divisor, or the least common multiple."""
    largest_a, largest_b = _largest(a), _largest(b)
    high = greatest(largest_a, largest_b) if op is Op.GCD else largest_a * largest_b
    return Bounds(0, high, a.safe & b.safe)


def compared(op: Op, a: Bounds, b: Bounds) -> Bounds:
    """A comparison; false where a side is undefined."""
    if op is Op.LESS_EQUAL:
        sure, possible = a.high <= b.low, a.low <= b.high
    elif op is Op.GREATER_EQUAL:
        sure, possible = a.low >= b.high, a.high >= b.low
    else:
        equal = (a.low == a.high) & (b.low == b.high) & (a.low == b.low)
        apart = (a.high < b.low) | (a.low > b.high)
        sure, possible = (equal, negated(apart)) if op is Op.EQUAL else (apart, negated(equal))
    return Bounds((sure & a.safe & b.safe) * 1, possible * 1, True)


def combined(op: Op, args: Sequence[Bounds], data: Any) -> Bounds:
    """The bounds of an operation from those of its arguments."""
    if op is Op.ADD:
        coefficients, constant, modulus = data
        total = Bounds(constant, constant, True)
        for coefficient, arg in zip(coefficients, args, strict=True):
            total = plus(total, arg, coefficient)
        return total if modulus is None else remainder(total, modulus)
    if op is Op.MULTIPLY:
        product = reduce(times, args)
        return product if data is None else remainder(product, data)
    if op in (Op.MINIMUM, Op.MAXIMUM):
        return reduce(lambda a, b: extremum(op, a, b), args)
    if op in (Op.GCD, Op.LCM):
        start = Bounds(0 if op is Op.GCD else 1, 0 if op is Op.GCD else 1, True)
        return reduce(lambda a, b: common(op, a, b), args, start)
    if op in (Op.EQUAL, Op.NOT_EQUAL, Op.LESS_EQUAL, Op.GREATER_EQUAL):
        return compared(op, args[0], args[1])
    if op is Op.NOT:
        return Bounds(1 - args[0].high, 1 - args[0].low, True)
    if op is Op.CHOOSE:
        return _choice(*args)
    if op is Op.MEMBER:
        return _membership(args[0], data)
    if op is Op.FLOOR_DIVIDE:
        return _quotient(args[0], args[1])
    if op is Op.MODULO:
        return _modulo(args[0], args[1])
    if op is Op.ABSOLUTE:
        inside = (args[0].low <= 0) & (args[0].high >= 0)
        nearest = least(abs(args[0].low), abs(args[0].high))
        return Bounds(choose(inside, 0, nearest), _largest(args[0]), args[0].safe)
    if op is Op.POWER:
        return _power(args[0], args[1])
    if op is Op.ELEMENT:
        return _element(args[0], args[1:])
    # DIVIDES, TABLE, ALL_DIFFERENT, RELATION
    return Bounds(0, 1, True)


def _choice(condition: Bounds, then: Bounds, otherwise: Bounds) -> Bounds:
    sure, never = condition.low == 1, condition.high == 0
    return Bounds(
        choose(sure, then.low, choose(never, otherwise.low, least(then.low, otherwise.low))),
        choose(sure, then.high, choose(never, otherwise.high, greatest(then.high, otherwise.high))),
        choose(sure, then.safe, choose(never, otherwise.safe, then.safe & otherwise.safe)),
    )


def _membership(a: Bounds, data: tuple[int, ...]) -> Bounds:
    if isinstance(a.low, int) and isinstance(a.high, int):
        first: Number = bisect_left(data, a.low)
        end: Number = bisect_right(data, a.high)
    else:
        wide = isinstance(a.low, np.ndarray) and a.low.dtype == object
        column = np.array(data, dtype=object if wide else np.int64)
        first, end = np.searchsorted(column, a.low), np.searchsorted(column, a.high, side="right")
    return Bounds(((end - first == a.high - a.low + 1) & a.safe) * 1, (end > first) * 1, True)


def _quotient(a: Bounds, b: Bounds) -> Bounds:
    largest = _largest(a)
    positive = b.low > 0
    safe = a.safe & b.safe & ((b.low > 0) | (b.high < 0))
    low, high = greatest(b.low, 1), greatest(b.high, 1)
    corners = [a.low // low, a.low // high, a.high // low, a.high // high]
    return Bounds(
        choose(positive, reduce(least, corners), -largest),
        choose(positive, reduce(greatest, corners), largest),
        safe,
    )


def _modulo(a: Bounds, b: Bounds) -> Bounds:
    safe = a.safe & b.safe & ((b.low > 0) | (b.high < 0))
    # 0 is the value that stands where there is none.
    low, high = least(b.low + 1, 0), greatest(b.high - 1, 0)
    # A dividend below every divisor, and none of them negative, stays as it is.
    small = (a.low >= 0) & (b.low > 0)
    return Bounds(
        choose(small & (a.high < b.low), a.low, low), choose(small, least(high, a.high), high), safe
    )


def _power(base: Bounds, exponent: Bounds) -> Bounds:
    largest, most = greatest(_largest(base), 1), greatest(exponent.high, 0)
    if isinstance(largest, int) and isinstance(most, int) and (largest.bit_length() - 1) * most > MAX_BITS:
        raise SizeLimitError(f"a power of more than {MAX_BITS} bits")
    high = largest**most
    positive = (base.low >= 1) & (exponent.low >= 0)
    low = choose(positive, greatest(base.low, 0) ** greatest(exponent.low, 0), -high)
    return Bounds(low, high, base.safe & exponent.safe & (exponent.low >= 0))


def _element(index: Bounds, items: Sequence[Bounds]) -> Bounds:
    safe = index.safe & (index.low >= 0) & (index.high < len(items))
    for item in items:
        safe = safe & item.safe
    return Bounds(
        reduce(least, [item.low for item in items]), reduce(greatest, [item.high for item in items]), safe
    )


def bounds_of_term(op: Op, args: Sequence[Term], data: Any) -> tuple[Bounds, int]:
    """The bounds of a term, and how large the numbers get on the way, in any order of the arguments."""
    bounds = combined(op, [arg.bounds for arg in args], data)
    sizes = [max(abs(arg.bounds.low), abs(arg.bounds.high)) for arg in args]
    magnitude = max([abs(bounds.low), abs(bounds.high), 1, *[arg.magnitude for arg in args]])
    if op is Op.ADD:
        coefficients, constant, modulus = data
        total = sum(abs(c) * size for c, size in zip(coefficients, sizes, strict=True))
        magnitude = max(magnitude, abs(constant) + total, abs(modulus or 0))
    elif op in (Op.MULTIPLY, Op.LCM):
        product = abs(data or 1)
        for size in sizes:
            product *= max(size, 1)
        magnitude = max(magnitude, product)
    elif op is Op.MEMBER and data:
        magnitude = max(magnitude, abs(data[0]), abs(data[-1]))
    elif op is Op.TABLE:
        magnitude = max([magnitude, *[abs(value) for row in data for value in row]])
    return bounds, magnitude
