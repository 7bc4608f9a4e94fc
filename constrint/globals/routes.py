"""Successors and inverses: circuit, subcircuit, inverse."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from constrint.engine.propagator import Propagator
from constrint.engine.propagators.routes import Inverse as Inversion
from constrint.engine.propagators.routes import Round
from constrint.expressions import Expression, Op, apply, connect, flat
from constrint.globals.base import PAIRS_LIMIT, Relation, bracketed, relation, same_length


@dataclass(frozen=True)
class Circuit(Relation):
    """The successor of each place; with `partial` some may be their own."""

    partial: bool

    def text(self, args: Sequence[str]) -> str:
        return f"{'subcircuit' if self.partial else 'circuit'}({bracketed(args)})"

    def holds(self, values: Sequence[int]) -> bool:
        n = len(values)
        if sorted(values) != list(range(n)):
            return False
        moving = [k for k in range(n) if values[k] != k] if self.partial else list(range(n))
        if not moving:
            return True
        place, visited = values[moving[0]], 1
        while place != moving[0]:
            place, visited = values[place], visited + 1
        return visited == len(moving)

    def propagators(self, xs: Sequence[int]) -> list[Propagator]:
        return [Round(xs, self.holds, partial=self.partial)]

    def implied(self, args: Sequence[Expression]) -> list[Expression]:
        """No place has two predecessors."""
        return [apply(Op.ALL_DIFFERENT, *args)]


@dataclass(frozen=True)
class Inverse(Relation):
    """f, then g."""

    def text(self, args: Sequence[str]) -> str:
        n = len(args) // 2
        return f"inverse({bracketed(args[:n])}, {bracketed(args[n:])})"

    def holds(self, values: Sequence[int]) -> bool:
        n = len(values) // 2
        f, g = values[:n], values[n:]
        return all(0 <= j < n and g[j] == i for i, j in enumerate(f)) and sorted(g) == list(range(n))

    def propagators(self, xs: Sequence[int]) -> list[Propagator]:
        n = len(xs) // 2
        return [Inversion(xs[:n], xs[n:], self.holds)]

    def implied(self, args: Sequence[Expression]) -> list[Expression]:
        """No place has two predecessors."""
        return [apply(Op.ALL_DIFFERENT, *args[: len(args) // 2])]

    def simpler(self, args: Sequence[Expression]) -> Expression | None:
        """Every pair of places, and the ranges."""
        n = len(args) // 2
        if n > PAIRS_LIMIT:
            return None
        f, g = args[:n], args[n:]
        parts = [arg.isin(range(n)) for arg in args]
        parts += [apply(Op.IFF, f[i] == j, g[j] == i) for i in range(n) for j in range(n)]
        return connect(Op.AND, *parts)


def circuit(successors: Iterable[Any]) -> Expression:
    """Whether going from each index to its successor, from 0, visits all of them in one round.

    "All different", no short rounds, and strong connectivity while at most 16,384 steps are possible.
    """
    return relation(Circuit(partial=False), flat(successors))


def subcircuit(successors: Iterable[Any]) -> Expression:
    """Whether the indices that are not their own successors, if any, form one round; as `circuit`."""
    return relation(Circuit(partial=True), flat(successors))


def inverse(f: Iterable[Any], g: Iterable[Any]) -> Expression:
    """Whether f[i] == j exactly where g[j] == i, all of them indices of these lists. Domain consistent while
    "all different" is.

    Raises ExpressionError for lists of different lengths.
    """
    first, second = flat(f), flat(g)
    same_length("inverse", first, second)
    return relation(Inverse(), [*first, *second])
