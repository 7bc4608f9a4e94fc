"""Order in sequences: increasing, lex_less, value_precede, regular."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from constrint.engine.propagator import Propagator
from constrint.engine.propagators.sequences import Accepted, Ascending, Lexicographic, Machine
from constrint.errors import ExpressionError
from constrint.expressions import Expression, Op, apply, connect, constant, flat, listed
from constrint.globals.base import PAIRS_LIMIT, Relation, bracketed, integers, relation

_CHAIN_LIMIT = 40
"""Longer sequences are not spelled out state by state: the terms would nest too deep."""

_TABLE_LIMIT = 4096
"""As this is for automata with more states times values."""


@dataclass(frozen=True)
class Increasing(Relation):
    """Each item is at least `gap` (0 or 1) above the one before."""

    gap: int
    splits = True

    def text(self, args: Sequence[str]) -> str:
        return f"{'strictly_' if self.gap else ''}increasing({bracketed(args)})"

    def holds(self, values: Sequence[int]) -> bool:
        return all(values[k] + self.gap <= values[k + 1] for k in range(len(values) - 1))

    def propagators(self, xs: Sequence[int]) -> list[Propagator]:
        return [Ascending(xs, self.gap, self.holds)]

    def simpler(self, args: Sequence[Expression]) -> Expression:
        return connect(Op.AND, *[args[k] + self.gap <= args[k + 1] for k in range(len(args) - 1)])


@dataclass(frozen=True)
class LexLess(Relation):
    """The `size` items of the first list, then the second list."""

    size: int
    strict: bool
    splits = True

    def text(self, args: Sequence[str]) -> str:
        name = "lex_less" if self.strict else "lex_lesseq"
        return f"{name}({bracketed(args[: self.size])}, {bracketed(args[self.size :])})"

    def holds(self, values: Sequence[int]) -> bool:
        a, b = tuple(values[: self.size]), tuple(values[self.size :])
        return a < b if self.strict else a <= b

    def propagators(self, xs: Sequence[int]) -> list[Propagator]:
        return [Lexicographic(xs[: self.size], xs[self.size :], self.strict, self.holds)]

    def simpler(self, args: Sequence[Expression]) -> Expression | None:
        """Equal up to some place, and less there; or equal as far as the shorter one goes."""
        a, b = args[: self.size], args[self.size :]
        shared = min(len(a), len(b))
        if shared > PAIRS_LIMIT:
            return None
        equal = [a[k] == b[k] for k in range(shared)]
        ways = [connect(Op.AND, *equal[:k], a[k] < b[k]) for k in range(shared)]
        if len(a) < len(b) or (len(a) == len(b) and not self.strict):
            ways.append(connect(Op.AND, *equal))
        return connect(Op.OR, *ways)


@dataclass(frozen=True)
class ValuePrecede(Relation):
    """Each of the values occurs only after the one before it."""

    values: tuple[int, ...]

    def text(self, args: Sequence[str]) -> str:
        if len(self.values) == 2:
            return f"value_precede({self.values[0]}, {self.values[1]}, {bracketed(args)})"
        return f"value_precede_chain({list(self.values)}, {bracketed(args)})"

    def constants(self) -> Iterable[int]:
        return self.values

    @cached_property
    def _machine(self) -> Machine:
        """In state k the first k values have occurred."""
        n = len(self.values)
        moves = {k: {v: (max(k, i + 1),) for i, v in enumerate(self.values[: k + 1])} for k in range(n + 1)}
        stay = {k: (k,) for k in range(n + 1)}
        return Machine(0, frozenset(range(n + 1)), moves, frozenset(self.values), stay)

    def holds(self, values: Sequence[int]) -> bool:
        return self._machine.accepts(values)

    def propagators(self, xs: Sequence[int]) -> list[Propagator]:
        return [Accepted(xs, self._machine, self.holds)]

    def simpler(self, args: Sequence[Expression]) -> Expression | None:
        if len(args) > PAIRS_LIMIT:
            return None
        parts: list[Expression] = []
        for first, second in zip(self.values, self.values[1:], strict=False):
            for k, item in enumerate(args):
                parts.append(connect(Op.OR, item != second, *[before == first for before in args[:k]]))
        return connect(Op.AND, *parts)


@dataclass(frozen=True)
class Regular(Relation):
    """The transitions (state, value, state) of an automaton, its start and its accepting states."""

    transitions: tuple[tuple[int, int, int], ...]
    start: int
    accepting: tuple[int, ...]

    def text(self, args: Sequence[str]) -> str:
        rows = bracketed(str(list(row)) for row in self.transitions)
        return f"regular({bracketed(args)}, {rows}, {self.start}, {list(self.accepting)})"

    def constants(self) -> Iterable[int]:
        return [value for _, value, _ in self.transitions]

    @cached_property
    def _machine(self) -> Machine:
        moves: dict[int, dict[int, list[int]]] = {}
        for source, value, target in self.transitions:
            moves.setdefault(source, {}).setdefault(value, []).append(target)
        listed = frozenset(value for _, value, _ in self.transitions)
        return Machine(self.start, frozenset(self.accepting), moves, listed, {})

    def holds(self, values: Sequence[int]) -> bool:
        return self._machine.accepts(values)

    def propagators(self, xs: Sequence[int]) -> list[Propagator]:
        return [Accepted(xs, self._machine, self.holds)]

    def simpler(self, args: Sequence[Expression]) -> Expression | None:
        """Of a small deterministic automaton: each state is an entry of a table."""
        machine = self._machine
        if any(len(targets) > 1 for moves in machine.moves.values() for targets in moves.values()):
            return None
        names = sorted({self.start, *self.accepting, *[s for a, _, b in self.transitions for s in (a, b)]})
        number = {state: k for k, state in enumerate(names)}
        low, high = min(machine.listed, default=0), max(machine.listed, default=0)
        span = high - low + 1
        # The last state is that of a run that has failed.
        dead = len(names)
        if len(args) > _CHAIN_LIMIT or span * (dead + 1) > _TABLE_LIMIT:
            return None
        table = [constant(dead)] * (span * (dead + 1))
        for source, value, target in self.transitions:
            table[number[source] * span + value - low] = constant(number[target])
        state: Expression = constant(number[self.start])
        for arg in args:
            state = apply(Op.ELEMENT, state * span + (arg - low), *table)
        accepted = state.isin([number[each] for each in self.accepting])
        return connect(Op.AND, *[arg.isin(machine.listed) for arg in args], accepted)


def increasing(items: Iterable[Any]) -> Expression:
    """Whether no item is larger than the next. Domain consistent."""
    return relation(Increasing(0), flat(items))


def strictly_increasing(items: Iterable[Any]) -> Expression:
    """Whether each item is smaller than the next. Domain consistent."""
    return relation(Increasing(1), flat(items))


def lex_less(a: Iterable[Any], b: Iterable[Any]) -> Expression:
    """Whether list a comes before list b in a dictionary, as Python compares lists. Domain consistent."""
    first = flat(a)
    return relation(LexLess(len(first), True), [*first, *flat(b)])


def lex_lesseq(a: Iterable[Any], b: Iterable[Any]) -> Expression:
    """Whether list a comes before list b in a dictionary or equals it. Domain consistent."""
    first = flat(a)
    return relation(LexLess(len(first), False), [*first, *flat(b)])


def value_precede(first: int, second: int, items: Iterable[Any]) -> Expression:
    """Whether the constant `second` is no item unless `first` is an earlier one. Domain consistent.

    It breaks the symmetry of two values that could be exchanged.

    Raises ExpressionError for values that are not constant and different.
    """
    return value_precede_chain([first, second], items)


def value_precede_chain(values: Iterable[int], items: Iterable[Any]) -> Expression:
    """Whether each of the constants is an item only after the one before it is. Domain consistent.

    Raises ExpressionError for values that are not constant and different.
    """
    chosen = integers(values, "the values of value_precede()")
    if len(set(chosen)) < len(chosen):
        raise ExpressionError("the values of value_precede() must be different")
    return relation(ValuePrecede(chosen), flat(items))


def regular(
    items: Iterable[Any], transitions: Iterable[Iterable[int]], start: int, accepting: Iterable[int]
) -> Expression:
    """Whether an automaton accepts the items. Domain consistent.

    `transitions` are rows [state, value, next state] of integers; a state may have several for a value, and
    a run without one ends there. `start` is the first state, and `accepting` are those to end in.

    Raises ExpressionError for what is not constant.
    """
    rows = [integers(row, "the transitions of regular()") for row in listed(transitions)]
    triples = [(row[0], row[1], row[2]) for row in rows if len(row) == 3]
    if len(triples) < len(rows):
        raise ExpressionError("the transitions of regular() are rows [state, value, next state]")
    (first,) = integers([start], "the start of regular()")
    ends = integers(accepting, "the accepting states of regular()")
    data = Regular(tuple(sorted(set(triples))), first, tuple(sorted(set(ends))))
    return relation(data, flat(items))
