"""Order in sequences: increasing, lexicographic order, and automata."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from constrint.engine.propagators.relation import Meaning, Pruning
from constrint.engine.store import Store


class Ascending(Pruning):
    """Each item is at least `gap` above the one before. Domain consistent."""

    __slots__ = ("gap",)

    def __init__(self, xs: Sequence[int], gap: int, holds: Meaning) -> None:
        super().__init__(xs, holds)
        self.gap = gap

    def prune(self, store: Store) -> None:
        xs, gap = self.xs, self.gap
        for k in range(1, len(xs)):
            store.set_lo(xs[k], store.lo[xs[k - 1]] + gap)
        for k in range(len(xs) - 1, 0, -1):
            store.set_hi(xs[k - 1], store.hi[xs[k]] - gap)


class Lexicographic(Pruning):
    """List a comes before list b in a dictionary, or with `strict` unset is equal to it. Domain consistent
    (the idea of Frisch et al., CP 2002)."""

    __slots__ = ("a", "b", "strict")

    def __init__(self, a: Sequence[int], b: Sequence[int], strict: bool, holds: Meaning) -> None:
        super().__init__([*a, *b], holds)
        self.a = tuple(a)
        self.b = tuple(b)
        self.strict = strict

    def prune(self, store: Store) -> None:
        lo, hi = store.lo, store.hi
        for k, (x, y) in enumerate(zip(self.a, self.b, strict=False)):
            # All before are equal. Where nothing behind can help, this pair must differ.
            gap = 0 if self._can_follow(store, k + 1) else 1
            store.set_hi(x, hi[y] - gap)
            store.set_lo(y, lo[x] + gap)
            if not lo[x] == hi[x] == lo[y] == hi[y]:
                return
        if not self._can_follow(store, min(len(self.a), len(self.b))):
            store.fail()

    def _can_follow(self, store: Store, first: int) -> bool:
        """Whether the rest of a, from there on, may come before the rest of b."""
        for x, y in zip(self.a[first:], self.b[first:], strict=False):
            least, most = store.lo[x], store.hi[y]
            if least != most:
                return bool(least < most)
        shorter = len(self.a) - len(self.b)
        return shorter < 0 if self.strict else shorter <= 0


@dataclass(frozen=True)
class Machine:
    """An automaton, deterministic or not, whose states are integers.

    `moves` gives for each state and listed value the states that follow; a value that no state lists leads
    from each state to those in `otherwise`.
    """

    start: int
    accepting: frozenset[int]
    moves: Mapping[int, Mapping[int, Sequence[int]]]
    listed: frozenset[int]
    otherwise: Mapping[int, Sequence[int]]

    def after(self, states: set[int], value: int) -> set[int]:
        """The states that follow the value."""
        if value not in self.listed:
            return {target for state in states for target in self.otherwise.get(state, ())}
        return {target for state in states for target in self.moves.get(state, {}).get(value, ())}

    def accepts(self, values: Sequence[int]) -> bool:
        """Whether some run over the values ends in an accepting state."""
        states = {self.start}
        for value in values:
            states = self.after(states, value)
        return not self.accepting.isdisjoint(states)


class Accepted(Pruning):
    """The automaton accepts the sequence. Domain consistent, by the layers of its runs (Pesant, CP 2004)."""

    __slots__ = ("machine",)

    def __init__(self, xs: Sequence[int], machine: Machine, holds: Meaning) -> None:
        super().__init__(xs, holds, on_change=True)
        self.machine = machine

    def prune(self, store: Store) -> None:
        machine = self.machine
        allowed = []
        reached = [{machine.start}]
        for x in self.xs:
            listed = [value for value in machine.listed if store.contains(x, value)]
            beyond = store.size(x) > len(listed)
            allowed.append((listed, beyond))
            following: set[int] = set()
            for state in reached[-1]:
                moves = machine.moves.get(state, {})
                for value in listed:
                    following.update(moves.get(value, ()))
                if beyond:
                    following.update(machine.otherwise.get(state, ()))
            reached.append(following)
        alive = reached[-1] & machine.accepting
        if not alive:
            store.fail()
        for k in range(len(self.xs) - 1, -1, -1):
            alive = self._keep(store, self.xs[k], allowed[k], reached[k], alive)

    def _keep(
        self, store: Store, x: int, allowed: tuple[list[int], bool], sources: set[int], alive: set[int]
    ) -> set[int]:
        """Keeps the values that lead from the sources to a state alive; the sources from which one does."""
        machine = self.machine
        listed, beyond = allowed
        useful: set[int] = set()
        outside = False
        before = set()
        for state in sources:
            moves = machine.moves.get(state, {})
            for value in listed:
                if not alive.isdisjoint(moves.get(value, ())):
                    useful.add(value)
                    before.add(state)
            if beyond and not alive.isdisjoint(machine.otherwise.get(state, ())):
                outside = True
                before.add(state)
        if outside:
            for value in listed:
                if value not in useful:
                    store.remove(x, value)
        else:
            store.keep(x, sorted(useful))
        return before
