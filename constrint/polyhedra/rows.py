"""Rows  low <= form·x <= high  with integer coefficients, and their normal form."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from constrint.polyhedra.certificates import Vector


class Row(NamedTuple):
    """low <= form·x <= high; None for no bound. An equality has equal bounds."""

    form: tuple[int, ...]
    low: int | None
    high: int | None


class Congruence(NamedTuple):
    """form·x ≡ remainder (mod modulus), with modulus >= 1."""

    form: tuple[int, ...]
    modulus: int
    remainder: int


Source = tuple[int, int]
"""(fact, divisor): a fact of the rows, to be divided by the common divisor of its coefficients."""


class NormalRow(NamedTuple):
    """A row whose coefficients have no common divisor, the first of them positive.

    `below` and `above` give its bounds: facts of the rows it was made of, divided and rounded.
    """

    form: tuple[int, ...]
    low: int | None
    high: int | None
    below: Source | None
    above: Source | None

    @property
    def row(self) -> Row:
        """The row alone."""
        return Row(self.form, self.low, self.high)


class Contradiction(Exception):
    """What these facts give, divided and rounded, sums up to 0 <= something negative."""

    def __init__(self, *parts: Source) -> None:
        super().__init__(parts)
        self.parts = parts


def normalise(rows: Iterable[Row]) -> list[NormalRow]:
    """The rows with coprime coefficients and tight integer bounds; each form once, and no bound that the
    bounds of single variables imply.

    Raises Contradiction where one row, or two with the same form, leave nothing.
    """
    found: dict[tuple[int, ...], NormalRow] = {}
    for number, (form, low, high) in enumerate(rows):
        divisor = math.gcd(*form)
        above: Source | None = None if high is None else (2 * number, divisor or 1)
        below: Source | None = None if low is None else (2 * number + 1, divisor or 1)
        if divisor == 0:
            if high is not None and high < 0:
                raise Contradiction((2 * number, 1))
            if low is not None and low > 0:
                raise Contradiction((2 * number + 1, 1))
            continue
        if low is not None:
            low = -(-low // divisor)
        if high is not None:
            high //= divisor
        if next(filter(None, form)) < 0:
            divisor = -divisor
            low, high = None if high is None else -high, None if low is None else -low
            below, above = above, below
        if divisor != 1:
            form = tuple(c // divisor for c in form)
        other = found.get(form)
        if other is not None:
            if low is None or (other.low is not None and other.low >= low):
                low, below = other.low, other.below
            if high is None or (other.high is not None and other.high <= high):
                high, above = other.high, other.above
        if low is not None and high is not None and low > high:
            assert above is not None and below is not None
            raise Contradiction(above, below)
        found[form] = NormalRow(form, low, high, below, above)
    return _without_dominated(list(found.values()))


def _without_dominated(rows: list[NormalRow]) -> list[NormalRow]:
    """Takes out the bounds that those of single variables imply, and then rows without bounds."""
    if not rows:
        return rows
    size = len(rows[0].form)
    low: list[int | None] = [None] * size
    high: list[int | None] = [None] * size
    single = [is_unit(row.form) for row in rows]
    if not any(single):
        return [row for row in rows if row.low is not None or row.high is not None]
    for row, is_single in zip(rows, single, strict=True):
        if is_single:
            k = row.form.index(1)
            low[k], high[k] = row.low, row.high
    kept = []
    for row, is_single in zip(rows, single, strict=True):
        if not is_single:
            if row.low is not None:
                least = _extreme(row.form, low, high)
                if least is not None and least >= row.low:
                    row = row._replace(low=None, below=None)
            if row.high is not None:
                most = _extreme(row.form, high, low)
                if most is not None and most <= row.high:
                    row = row._replace(high=None, above=None)
        if row.low is not None or row.high is not None:
            kept.append(row)
    return kept


def is_unit(form: Vector) -> bool:
    """Whether a normal form is a single variable."""
    return form.count(0) == len(form) - 1 and 1 in form


def _extreme(form: Vector, along: list[int | None], against: list[int | None]) -> int | None:
    """Σ of each coefficient times a bound: of `along` where it is positive, of `against` elsewhere."""
    total = 0
    for c, a, b in zip(form, along, against, strict=True):
        if c:
            bound = a if c > 0 else b
            if bound is None:
                return None
            total += c * bound
    return total
