"""The values of one variable in ascending order: a range, or a sorted tuple of integers."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from constrint.domains import Domain

Values: TypeAlias = "range | tuple[int, ...]"
Column = NDArray[Any]

NARROW = 1 << 62
"""Integers below this in magnitude are held in 64-bit columns, which leaves room for one addition."""

_SIEVE_LIMIT = 1 << 20
"""A statement "divides M" is read by trying at most so many numbers."""


def values_of(domain: Domain) -> Values | None:
    """The values that the domain allows; None where there are infinitely many, or nobody can list them."""
    if domain.values is not None:
        return domain.values
    if domain.min is None or domain.max is None:
        return None
    step = domain.multiple_of or 1
    first = domain.min + ((domain.remainder or 0) - domain.min) % step
    candidates = range(first, domain.max + 1, step)
    if domain.divides is None:
        return candidates
    if size_of(candidates) > _SIEVE_LIMIT:
        return None
    return tuple(value for value in candidates if value in domain)


def size_of(values: Values) -> int:
    """How many values there are; len() of a range refuses more than 2 ** 63."""
    if isinstance(values, range):
        return max(0, (values.stop - values.start + values.step - 1) // values.step)
    return len(values)


def bounds_of(values: Values) -> tuple[int, int]:
    """The least and the greatest value."""
    return values[0], values[-1]


def position_of(values: Values, value: int) -> int:
    """The position of the value, or -1 where it is not there."""
    if isinstance(values, range):
        return (value - values.start) // values.step if value in values else -1
    position = bisect_left(values, value)
    return position if position < len(values) and values[position] == value else -1


def column_of(values: Values, *, wide: bool) -> Column:
    """The values as an array: of 64-bit integers, or of Python's where `wide`."""
    if wide:
        column = np.empty(len(values), dtype=object)
        column[:] = list(values)
        return column
    if isinstance(values, range):
        return np.arange(values.start, values.stop, values.step, dtype=np.int64)
    return np.array(values, dtype=np.int64)


def integers(numbers: Sequence[int]) -> Column:
    """The numbers as an array: of 64-bit integers where they fit, or else of Python's."""
    wide = any(not -NARROW < number < NARROW for number in numbers)
    return np.array(numbers, dtype=object if wide else np.int64)


def taken(values: Values, positions: Column) -> Column:
    """The values at the positions; 64-bit integers where all of them fit, or else Python's."""
    if not len(positions):
        return np.zeros(0, dtype=np.int64)
    low, high = bounds_of(values)
    wide = low < -NARROW or high > NARROW
    if isinstance(values, range):
        where = positions.astype(object) if wide else positions.astype(np.int64)
        return where * values.step + values.start
    return column_of(values, wide=wide)[positions]
