"""Entries of arrays: element_2d, argmax, argmin; and negative_table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from constrint.engine.propagator import Propagator
from constrint.engine.propagators.entries import ArgMax as Largest
from constrint.engine.propagators.entries import Entry as EntryOf
from constrint.errors import ExpressionError, UndefinedTerm
from constrint.expressions import Expression, Op, Operand, add, apply, connect, flat, listed, to_expression
from constrint.globals.base import Function, bracketed, function


@dataclass(frozen=True)
class Entry(Function):
    """The row, the column, then the entries of a matrix of this width, row by row."""

    width: int

    def text(self, args: Sequence[str]) -> str:
        rows = [bracketed(args[k : k + self.width]) for k in range(2, len(args), self.width)]
        return f"element_2d({args[0]}, {args[1]}, {bracketed(rows)})"

    def value(self, values: Sequence[int]) -> int:
        row, column, *items = values
        if 0 <= column < self.width and 0 <= row < len(items) // self.width:
            return items[row * self.width + column]
        raise UndefinedTerm(f"an index out of range for {len(items) // self.width} rows of {self.width}")

    def needs(self, args: Sequence[Expression]) -> list[Expression]:
        row, column, *items = args
        return [row >= 0, row < len(items) // self.width, column >= 0, column < self.width]

    def propagator(self, z: int, xs: Sequence[int]) -> Propagator:
        def holds(values: Sequence[int]) -> bool:
            try:
                return values[0] == self.value(values[1:])
            except UndefinedTerm:
                return values[0] == 0

        return EntryOf(z, xs[0], xs[1], xs[2:], self.width, holds)

    def simpler(self, args: Sequence[Expression]) -> Expression:
        row, column, *items = args
        index = apply(Op.CHOOSE, connect(Op.AND, *self.needs(args)), row * self.width + column, -1)
        return apply(Op.ELEMENT, index, *items)


@dataclass(frozen=True)
class ArgMax(Function):
    """The items, one at least."""

    def text(self, args: Sequence[str]) -> str:
        return f"argmax({bracketed(args)})"

    def value(self, values: Sequence[int]) -> int:
        return list(values).index(max(values))

    def propagator(self, z: int, xs: Sequence[int]) -> Propagator:
        return Largest(z, xs, lambda values: values[0] == self.value(values[1:]))

    def simpler(self, args: Sequence[Expression]) -> Expression:
        """How many beginnings of the list do not reach the maximum."""
        top = apply(Op.MAXIMUM, *args)
        return add(*[apply(Op.MAXIMUM, *args[: k + 1]) < top for k in range(len(args) - 1)])


def element_2d(row: Operand, column: Operand, matrix: Iterable[Iterable[Any]]) -> Expression:
    """matrix[row][column], counting from 0; undefined where an index is out of range.

    Domain consistent for constant entries, otherwise as `element`.

    Raises ExpressionError for rows of different lengths, or without entries.
    """
    rows = [flat(each) for each in listed(matrix)]
    if not rows or not rows[0] or len({len(each) for each in rows}) > 1:
        raise ExpressionError("element_2d() needs rows of the same length, which is not 0")
    return function(Entry(len(rows[0])), [to_expression(row), to_expression(column), *flat(rows)])


def argmax(items: Iterable[Any]) -> Expression:
    """The index, from 0, of the largest item; of the first one if there are several.

    Bounds consistent on the items; an index stays while its item can be the first largest.

    Raises ExpressionError where there are no items.
    """
    chosen = flat(items)
    if not chosen:
        raise ExpressionError("argmax() needs at least one item")
    return function(ArgMax(), chosen)


def argmin(items: Iterable[Any]) -> Expression:
    """The index, from 0, of the smallest item; of the first one if there are several. As `argmax`."""
    chosen = [-item for item in flat(items)]
    if not chosen:
        raise ExpressionError("argmin() needs at least one item")
    return function(ArgMax(), chosen)
