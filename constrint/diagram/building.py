"""Building the diagram, layer by layer, on whole columns of states at once.

A state at a boundary between layers holds what the rest of the constraints need to know of the
variables above: of each open constraint the values of its closed parts, one number for the closed part
of a sum, product, minimum, …, one bit once the constraint holds whatever comes. States with equal
registers are one node. This is the top-down compilation of Hadžić, Hooker, O'Sullivan and Tiedemann,
"Approximate compilation of constraints into multivalued decision diagrams" (CP 2008), exact here; where
a limit stops it, the narrow rest is a restricted diagram (Bergman, Cire, van Hoeve, Hooker, "Decision
Diagrams for Optimization", 2016), all of whose paths are solutions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from constrint.diagram.bounds import Bounds
from constrint.diagram.diagram import Diagram, Layer, trimmed
from constrint.diagram.evaluating import Columns, Key
from constrint.diagram.merging import merge
from constrint.diagram.solving import is_equation, solve_for
from constrint.diagram.summaries import Boundary, boundary_of, future_bits
from constrint.diagram.terms import Term, Terms
from constrint.diagram.values import NARROW, Column, Values, bounds_of, column_of, size_of, taken
from constrint.errors import SizeLimitError
from constrint.expressions import Expression, Op
from constrint.results import MEMORY_LIMIT

CHUNK = 1 << 16
"""Candidate arcs that are looked at together."""

WIDTH_AT_LIMIT = 1 << 10
"""Nodes a layer may have once a limit has been reached."""

DEFAULT_MEMORY = 1 << 30
"""Bytes that a diagram may take while it is built."""

_MOST_VALUES = 1 << 60
"""Values of a constrained variable: their positions must fit 64 bits."""

_LISTED_VALUES = 1 << 16
"""Layers of more values keep only those that occur."""

_ARC_BYTES = 48
"""What an arc takes while its layer is put together: three columns, their joined and their merged copies."""

Check = Callable[[], "str | None"]
"""Says which limit has been reached, if one has."""


class TooMuchWork(Exception):
    """The build would take more steps than it was given."""


@dataclass
class State:
    """The nodes at a boundary, as columns."""

    size: int
    registers: dict[Key, Column] = field(default_factory=dict)
    definite: dict[Key, Column] = field(default_factory=dict)
    """Where a register is defined, for those that need not be."""
    holds: dict[int, Column] = field(default_factory=dict)
    """Where a constraint holds already, whatever comes."""

    def columns(self) -> list[Column]:
        """All that tells nodes apart."""
        return [*self.registers.values(), *self.definite.values(), *self.holds.values()]

    def picked(self, rows: Column) -> State:
        """The nodes in these rows."""
        return State(
            len(rows),
            {key: column[rows] for key, column in self.registers.items()},
            {key: column[rows] for key, column in self.definite.items()},
            {c: column[rows] for c, column in self.holds.items()},
        )

    def merged(self) -> tuple[State, Column]:
        """The distinct nodes, and which of them each node is."""
        representatives, kinds = merge(self.columns(), self.size)
        if len(representatives) == self.size:
            return self, np.arange(self.size)
        return self.picked(representatives), kinds


@dataclass
class Arcs:
    """The arcs of a layer: nodes above, positions of the variable's values, nodes below."""

    parents: Column
    positions: Column
    children: Column

    def picked(self, rows: Column) -> Arcs:
        """The arcs in these rows, or where this mask is true."""
        return Arcs(self.parents[rows], self.positions[rows], self.children[rows])


class _Gathered(Mapping[Key, Column]):
    """Columns whose rows are picked when they are first asked for."""

    def __init__(self, columns: Mapping[Key, Column], rows: Column) -> None:
        self._columns = columns
        self._rows = rows
        self._picked: dict[Key, Column] = {}

    def __getitem__(self, key: Key) -> Column:
        found = self._picked.get(key)
        if found is None:
            found = self._picked[key] = self._columns[key][self._rows]
        return found

    def __contains__(self, key: object) -> bool:
        return key in self._columns

    def __iter__(self) -> Iterator[Key]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)


class Builder:
    """One build. `stopped_by` says afterwards which limit left solutions out, if one did."""

    def __init__(
        self,
        names: Sequence[str],
        values: Sequence[Values],
        expressions: Sequence[Expression],
        *,
        memory_limit: int = DEFAULT_MEMORY,
        work_limit: int | None = None,
        check: Check | None = None,
    ) -> None:
        """The variables in the order of the layers, their values, and what must hold.

        `memory_limit` is in bytes, `work_limit` in candidate arcs.

        Raises SizeLimitError for a constraint with absurdly large numbers.
        """
        self.stopped_by: str | None = None
        self._names = list(names)
        self._values = list(values)
        self._memory_limit = memory_limit
        self._work_limit = work_limit
        self._work = 0
        self._check = check
        self._bytes = 0
        self._arcs: list[Arcs | None] = []
        """Of each layer; None for a variable that no constraint cares about any more."""
        self._sizes = [1]
        self._empty = any(size_of(each) == 0 for each in values)
        if self._empty:
            return
        self._terms = Terms({name: k for k, name in enumerate(names)}, values)
        found = {term.number: term for e in expressions for term in self._terms.constraint(e)}
        self._constraints = [term for term in found.values() if not term.is_constant]
        self._empty = any(term.is_constant and not Columns(0, {}, {}).truth(term) for term in found.values())
        self._scopes = [self._terms.variables(term) for term in self._constraints]
        # Solving an equation adds two numbers to a term.
        self._wide = max([term.magnitude for term in self._terms.all], default=0) >= NARROW // 2
        if any(size_of(values[x]) > _MOST_VALUES for scope in self._scopes for x in scope):
            raise SizeLimitError(f"a constrained variable with more than {_MOST_VALUES} values")
        self._domains = [Bounds(*bounds_of(each), True) for each in self._values]
        self._active = set(range(len(self._constraints)))
        """Constraints that some node leaves open."""

    def build(self) -> Diagram:
        """The diagram of all solutions; of some of them where `stopped_by` is set.

        Raises TooMuchWork at the work limit.
        """
        state = State(0 if self._empty else 1)
        for position in range(len(self._names)):
            if state.size == 0:
                break
            state = self._layer(position, state)
            self._sizes.append(state.size)
        if state.size == 0:
            return Diagram.empty(self._names, self._values)
        return self._finished()

    # One layer -------------------------------------------------------------------------------------------

    def _layer(self, position: int, state: State) -> State:
        """Adds the layer of the variable; returns the nodes below it."""
        touched = [c for c in sorted(self._active) if position in self._scopes[c]]
        if not touched:
            self._arcs.append(None)
            return state
        closing = [c for c in touched if self._constraints[c].last == position]
        closing.sort(key=lambda c: len(self._scopes[c]))
        self._active.difference_update(closing)
        boundary = boundary_of(self._terms, self._constraints, self._active, position + 1)
        pieces = list(self._pieces(position, state, closing, boundary))
        if self.stopped_by:
            # Few nodes are kept from now on: joining all would only take time.
            size = sum(below.size for below, _ in pieces)
            pieces = pieces[:: -(-size // CHUNK) or 1]
        below, arcs = self._joined(pieces)
        touched = [c for c in touched if c in self._active]
        below, arcs = self._narrowed(position + 1, below, arcs, touched, boundary)
        self._arcs.append(arcs)
        self._bytes += _ARC_BYTES * len(arcs.parents)
        return below

    def _pieces(
        self, position: int, state: State, closing: Sequence[int], boundary: Boundary
    ) -> Iterator[tuple[State, Arcs]]:
        """The nodes below and the arcs, for some of the nodes above at a time."""
        here = self._terms.variable_at(position)
        chunk = self._chunk(position)
        if any(c not in state.holds and is_equation(here, self._constraints[c]) for c in closing):
            chunk = CHUNK
        size = self._bytes
        for first in range(0, state.size, chunk):
            end = min(first + chunk, state.size)
            if self.stopped_by is None:
                self.stopped_by = MEMORY_LIMIT if size > self._memory_limit else self._limit()
            if self.stopped_by and first >= WIDTH_AT_LIMIT:
                return
            below, arcs = self._piece(position, state, first, end, closing, boundary)
            size += _ARC_BYTES * len(arcs.parents) + 16 * below.size * (len(below.registers) + 1)
            yield below, arcs

    def _chunk(self, position: int) -> int:
        """How many nodes are looked at together where all values are tried."""
        return max(1, CHUNK // size_of(self._values[position]))

    def _limit(self) -> str | None:
        return None if self._check is None else self._check()

    def _piece(
        self, position: int, state: State, first: int, end: int, closing: Sequence[int], boundary: Boundary
    ) -> tuple[State, Arcs]:
        parents, positions, columns = self._candidates(position, state, first, end, closing)
        count = len(parents)
        below = State(count)
        for key, (term, closed) in boundary.terms.items():
            value, defined = columns.part(term, closed) if closed else columns.exact(term)
            if term.op is Op.ALL_DIFFERENT and closed:
                value = np.where(value < 0, -1, value & future_bits(term, position + 1))
            if key in boundary.partial:
                defined = np.broadcast_to(np.asarray(defined, dtype=bool), count)
                value = np.where(defined, value, 0)
                below.definite[key] = defined
            below.registers[key] = self._column(value, count)
        for c, flags in state.holds.items():
            if c in self._active:
                below.holds[c] = flags[parents]
        children: Column = np.arange(count, dtype=np.int32)
        if end - first < state.size:
            below, children = below.merged()
        narrow = np.int32 if size_of(self._values[position]) < 1 << 31 else np.int64
        return below, Arcs(parents.astype(np.int32), positions.astype(narrow), children)

    def _column(self, value: Any, count: int) -> Column:
        column = np.broadcast_to(np.asarray(value), count)
        if column.dtype == bool:
            return column.astype(np.int64)
        return column.astype(object) if self._wide and column.dtype != object else column

    def _candidates(
        self, position: int, state: State, first: int, end: int, closing: Sequence[int]
    ) -> tuple[Column, Column, Columns]:
        """The arcs that the constraints closed here allow: nodes above, positions of values, and columns
        to evaluate terms on."""
        here = self._terms.variable_at(position)
        for c in closing:
            if c in state.holds:
                continue
            above = self._columns(
                position, _sliced(state.registers, first, end), _sliced(state.definite, first, end)
            )
            solved = solve_for(here, self._constraints[c], above, self._values[position], end - first)
            if solved is not None:
                rows, positions, column = solved
                parents = rows + first
                self._count_work(end - first)
                columns = self._gathered(position, state, parents, here, column)
                holds = {c: flags[parents] for c, flags in state.holds.items()}
                mask = self._allowed(columns, [other for other in closing if other != c], holds)
                if mask is None:
                    return parents, positions, columns
                kept = np.flatnonzero(np.broadcast_to(mask, len(parents)))
                parents, positions, column = parents[kept], positions[kept], column[kept]
                return parents, positions, self._gathered(position, state, parents, here, column)
        column = self._listed(position)
        chunk = self._chunk(position)
        tried = [
            self._tried(position, state, start, min(start + chunk, end), closing, column)
            for start in range(first, end, chunk)
        ]
        parents, positions = (
            np.concatenate(parts) if len(parts) > 1 else parts[0] for parts in zip(*tried, strict=True)
        )
        return parents, positions, self._gathered(position, state, parents, here, column[positions])

    def _tried(
        self, position: int, state: State, first: int, end: int, closing: Sequence[int], column: Column
    ) -> tuple[Column, Column]:
        """The allowed pairs of nodes above and positions of values, of all pairs."""
        here = self._terms.variable_at(position)
        shape = (end - first, len(column))
        self._count_work(shape[0] * shape[1])
        grid = self._columns(
            position,
            {key: each[:, None] for key, each in _sliced(state.registers, first, end).items()},
            {key: each[:, None] for key, each in _sliced(state.definite, first, end).items()},
        )
        grid.known[here.number] = column[None, :], True
        holds = {c: flags[first:end, None] for c, flags in state.holds.items()}
        mask = self._allowed(grid, closing, holds)
        if mask is None:
            return np.repeat(np.arange(first, end), shape[1]), np.tile(np.arange(shape[1]), shape[0])
        parents, positions = np.nonzero(np.broadcast_to(mask, shape))
        return parents + first, positions

    def _count_work(self, arcs: int) -> None:
        self._work += arcs
        if self._work_limit is not None and self._work > self._work_limit and self.stopped_by is None:
            raise TooMuchWork

    def _listed(self, position: int) -> Column:
        """All values of the variable, or as many as memory allows."""
        values = self._values[position]
        most = max(CHUNK, self._memory_limit // 64)
        if size_of(values) > most:
            self.stopped_by = self.stopped_by or MEMORY_LIMIT
            values = values[:CHUNK]
        return column_of(values, wide=self._wide)

    def _allowed(self, columns: Columns, closing: Sequence[int], holds: Mapping[int, Column]) -> Any:
        """Where the constraints hold; None for everywhere."""
        mask = None
        for c in closing:
            truth = columns.truth(self._constraints[c])
            if c in holds:
                truth = truth | holds[c]
            mask = truth if mask is None else mask & truth
        return mask

    def _columns(
        self, boundary: int, registers: Mapping[Key, Column], definite: Mapping[Key, Column]
    ) -> Columns:
        return Columns(boundary, registers, definite, wide=self._wide, domains=self._domains)

    def _gathered(self, position: int, state: State, rows: Column, here: Term, column: Column) -> Columns:
        columns = self._columns(position, _Gathered(state.registers, rows), _Gathered(state.definite, rows))
        columns.known[here.number] = column, True
        return columns

    # Fewer nodes -------------------------------------------------------------------------------------------

    def _joined(self, pieces: Sequence[tuple[State, Arcs]]) -> tuple[State, Arcs]:
        """The pieces as one, with equal nodes merged."""
        if not pieces:
            nothing = np.zeros(0, dtype=np.int32)
            return State(0), Arcs(nothing, nothing, nothing)
        if len(pieces) == 1:
            state, arcs = pieces[0]
        else:
            states = [state for state, _ in pieces]
            state = State(
                sum(each.size for each in states),
                {key: np.concatenate([s.registers[key] for s in states]) for key in states[0].registers},
                {key: np.concatenate([s.definite[key] for s in states]) for key in states[0].definite},
                {c: np.concatenate([s.holds[c] for s in states]) for c in states[0].holds},
            )
            offsets = np.cumsum([0, *[each.size for each in states]])
            arcs = Arcs(
                np.concatenate([a.parents for _, a in pieces]),
                np.concatenate([a.positions for _, a in pieces]),
                np.concatenate([a.children + int(k) for (_, a), k in zip(pieces, offsets, strict=False)]),
            )
        state, kinds = state.merged()
        arcs.children = kinds[arcs.children].astype(np.int32)
        return state, arcs

    def _narrowed(
        self, at: int, state: State, arcs: Arcs, touched: Sequence[int], boundary: Boundary
    ) -> tuple[State, Arcs]:
        """Without the nodes that bounds show to be dead, and with those equal that hold whatever comes."""
        alive: Any = True
        changed = False
        columns = self._columns(at, state.registers, state.definite)
        for c in touched:
            bounds = columns.bounds(self._constraints[c])
            sure = (bounds.low > 0) | (bounds.high < 0)
            dead = (bounds.low == 0) & (bounds.high == 0)
            if c in state.holds:
                sure, dead = sure | state.holds[c], dead & ~state.holds[c]
            if np.any(dead):
                alive = alive & ~dead
            if np.any(sure):
                changed = True
                if np.all(sure):
                    self._active.discard(c)
                    state.holds.pop(c, None)
                else:
                    state.holds[c] = sure
        if alive is not True:
            state, arcs = _kept(state, arcs, np.flatnonzero(np.broadcast_to(alive, state.size)))
        if changed:
            self._forget(state, boundary)
            state, kinds = state.merged()
            arcs.children = kinds[arcs.children].astype(np.int32)
        if self.stopped_by and state.size > WIDTH_AT_LIMIT:
            chosen = np.linspace(0, state.size - 1, WIDTH_AT_LIMIT).astype(np.int64)
            state, arcs = _kept(state, arcs, chosen)
        return state, arcs

    def _forget(self, state: State, boundary: Boundary) -> None:
        """Clears the registers where all constraints that need them hold already."""
        for key, users in boundary.users.items():
            needed = [c for c in users if c in self._active]
            if not needed:
                del state.registers[key]
                state.definite.pop(key, None)
            elif all(c in state.holds for c in needed):
                idle = state.holds[needed[0]]
                for c in needed[1:]:
                    idle = idle & state.holds[c]
                state.registers[key] = np.where(idle, 0, state.registers[key])
                if key in state.definite:
                    state.definite[key] = state.definite[key] | idle

    # The whole ------------------------------------------------------------------------------------------

    def _finished(self) -> Diagram:
        layers = []
        for name, values, arcs in zip(self._names, self._values, self._arcs, strict=True):
            if arcs is None:
                layers.append(Layer(name, values))
                continue
            positions = arcs.positions
            if size_of(values) > _LISTED_VALUES:
                # Of so many values only those that occur are worth a number.
                occurring, positions = np.unique(positions, return_inverse=True)
                values = tuple(taken(values, occurring).tolist())
            layers.append(Layer(name, values, arcs.parents, positions.astype(np.int32), arcs.children))
        return trimmed(layers, self._sizes)


def _kept(state: State, arcs: Arcs, chosen: Column) -> tuple[State, Arcs]:
    """Only the chosen nodes, and the arcs to them."""
    number = np.full(state.size, -1, dtype=np.int32)
    number[chosen] = np.arange(len(chosen), dtype=np.int32)
    children = number[arcs.children]
    arcs = Arcs(arcs.parents, arcs.positions, children).picked(children >= 0)
    return state.picked(chosen), arcs


def _sliced(columns: Mapping[Key, Column], first: int, end: int) -> dict[Key, Column]:
    return {key: column[first:end] for key, column in columns.items()}
