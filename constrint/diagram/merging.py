"""Numbering the distinct rows of columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from constrint.diagram.values import NARROW, Column

_TABLE = 1 << 16
"""A table by key is used where the keys span at most this much, or a few times their number."""


def merge(columns: Sequence[Column], count: int) -> tuple[Column, Column]:
    """(one row of each kind, the kind of every row), for `count` rows of integers or booleans."""
    codes = [_codes(column) for column in columns] if count else []
    codes = [(code, span) for code, span in codes if span > 1]
    if not codes:
        return np.zeros(min(count, 1), dtype=np.int64), np.zeros(count, dtype=np.int64)
    limit = _TABLE + 4 * count
    if _product([span for _, span in codes]) > limit and len(codes) > 1:
        codes = [_dense(code, span, limit) for code, span in codes]
    key, span = codes[0]
    for code, width in codes[1:]:
        if span * width >= NARROW:
            key, span = _dense(key, span, limit)
        key, span = key * width + code, span * width
    return _numbered(key, span, limit)


def _product(numbers: Sequence[int]) -> int:
    product = 1
    for number in numbers:
        product *= number
    return product


def _codes(column: Column) -> tuple[Column, int]:
    """The column as 64-bit numbers from 0, and the end of their range."""
    if column.dtype == object:
        kinds, code = np.unique(column, return_inverse=True)
        return code, len(kinds)
    if column.dtype == bool:
        return column.astype(np.int64), 2
    low, high = int(column.min()), int(column.max())
    if high - low >= NARROW:
        kinds, code = np.unique(column, return_inverse=True)
        return code, len(kinds)
    return (column - low if low else column), high - low + 1


def _dense(code: Column, span: int, limit: int) -> tuple[Column, int]:
    representatives, kinds = _numbered(code, span, limit)
    return kinds, len(representatives)


def _numbered(key: Column, span: int, limit: int) -> tuple[Column, Column]:
    if span > limit:
        _, representatives, kinds = np.unique(key, return_index=True, return_inverse=True)
        return representatives, kinds
    present = np.zeros(span, dtype=bool)
    present[key] = True
    found = np.flatnonzero(present)
    number = np.empty(span, dtype=np.int64)
    number[found] = np.arange(len(found))
    kinds = number[key]
    representatives = np.empty(len(found), dtype=np.int64)
    representatives[kinds] = np.arange(len(key))
    return representatives, kinds
