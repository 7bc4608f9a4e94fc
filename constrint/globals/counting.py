"""How often values occur: all_equal, among, at_most, at_least, exactly, global_cardinality."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from constrint.engine.propagator import Propagator
from constrint.engine.propagators.cardinality import AllEqual as Equality
from constrint.engine.propagators.cardinality import Occurrences
from constrint.errors import ExpressionError
from constrint.expressions import Expression, Op, Operand, add, apply, connect, flat, member
from constrint.globals.base import Relation, bracketed, integers, relation, same_length


@dataclass(frozen=True)
class AllEqual(Relation):
    """The items, two at least."""

    splits = True

    def text(self, args: Sequence[str]) -> str:
        return f"all_equal({bracketed(args)})"

    def holds(self, values: Sequence[int]) -> bool:
        return len(set(values)) <= 1

    def propagators(self, xs: Sequence[int]) -> list[Propagator]:
        return [Equality(xs, self.holds)]

    def simpler(self, args: Sequence[Expression]) -> Expression:
        return connect(Op.AND, *[args[0] == arg for arg in args[1:]])


@dataclass(frozen=True)
class GlobalCardinality(Relation):
    """The items, then a count for each of the values."""

    values: tuple[int, ...]
    closed: bool
    splits = True

    def text(self, args: Sequence[str]) -> str:
        n = len(args) - len(self.values)
        closed = ", True" if self.closed else ""
        return (
            f"global_cardinality({bracketed(args[:n])}, {list(self.values)}, {bracketed(args[n:])}{closed})"
        )

    def constants(self) -> Iterable[int]:
        return self.values

    def holds(self, values: Sequence[int]) -> bool:
        n = len(values) - len(self.values)
        found = Counter(values[:n])
        if self.closed and not found.keys() <= set(self.values):
            return False
        return all(found[value] == count for value, count in zip(self.values, values[n:], strict=True))

    def propagators(self, xs: Sequence[int]) -> list[Propagator]:
        n = len(xs) - len(self.values)
        return [Occurrences(xs[:n], xs[n:], self.values, self.closed, self.holds)]

    def simpler(self, args: Sequence[Expression]) -> Expression:
        n = len(args) - len(self.values)
        parts = [
            apply(Op.COUNT, value, *args[:n]) == count
            for value, count in zip(self.values, args[n:], strict=True)
        ]
        if self.closed:
            parts += [member(item, self.values) for item in args[:n]]
        return connect(Op.AND, *parts)


def all_equal(items: Iterable[Any]) -> Expression:
    """Whether all items are equal; true of none. Domain consistent."""
    return relation(AllEqual(), flat(items))


def among(items: Iterable[Any], values: Iterable[int]) -> Expression:
    """How many items are one of the constant values. Domain consistent: a sum of memberships, which share
    nothing but their truth values."""
    chosen = integers(values, "the values of among()")
    return add(*[member(item, chosen) for item in flat(items)])


def at_most(n: Operand, items: Iterable[Any], value: Operand) -> Expression:
    """Whether at most n items equal the value. Domain consistent for a constant value."""
    return apply(Op.COUNT, value, *flat(items)) <= n


def at_least(n: Operand, items: Iterable[Any], value: Operand) -> Expression:
    """Whether at least n items equal the value. Domain consistent for a constant value."""
    return apply(Op.COUNT, value, *flat(items)) >= n


def exactly(n: Operand, items: Iterable[Any], value: Operand) -> Expression:
    """Whether exactly n items equal the value. Domain consistent for a constant value."""
    return apply(Op.COUNT, value, *flat(items)) == n


def global_cardinality(
    items: Iterable[Any], values: Iterable[int], counts: Iterable[Any], closed: bool | int = False
) -> Expression:
    """Whether counts[k] items have the constant value values[k]; with `closed` no item has another value.

    Domain consistent on the items for the bounds of the counts; bounds of the counts by counting.

    Raises ExpressionError for values that are not constant and different, and for as many counts as values.
    """
    chosen = integers(values, "the values of global_cardinality()")
    numbers = flat(counts)
    same_length("global_cardinality", chosen, numbers)
    if len(set(chosen)) < len(chosen):
        raise ExpressionError("the values of global_cardinality() must be different")
    (shut,) = integers([closed], "whether global_cardinality() is closed")
    return relation(GlobalCardinality(chosen, bool(shut)), [*flat(items), *numbers])
