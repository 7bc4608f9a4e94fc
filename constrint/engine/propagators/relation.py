"""What the propagators of global constraints share, and the truth of any such constraint."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from constrint.engine.propagator import Propagator
from constrint.engine.store import Inconsistent, Store

Meaning = Callable[[Sequence[int]], bool]
"""Whether the relation holds of the values of its variables."""

_LAST_LIMIT = 64
"""The last free variable of a denied relation loses values while it has at most so many."""


class Pruning(Propagator):
    """Prunes by `prune`; once all variables are fixed the meaning itself decides."""

    __slots__ = ("holds", "xs")

    def __init__(self, xs: Sequence[int], holds: Meaning, *, on_change: bool = False) -> None:
        """With `on_change` holes in domains wake it, not only bounds."""
        super().__init__(xs, bounds=() if on_change else xs, change=xs if on_change else ())
        self.xs = tuple(xs)
        self.holds = holds

    def propagate(self, store: Store) -> None:
        self.prune(store)
        if is_settled(store, self.xs) and not self.holds([store.lo[x] for x in self.xs]):
            store.fail()

    def prune(self, store: Store) -> None:
        """Removes what no solution of the relation has."""
        raise NotImplementedError


def is_settled(store: Store, xs: Sequence[int]) -> bool:
    """Whether all the variables are fixed."""
    lo, hi = store.lo, store.hi
    for x in xs:
        if lo[x] != hi[x]:
            return False
    return True


class RelationTruth(Propagator):
    """truth ⇔ the relation holds.

    While it is true the relation's own propagators prune; while it is open they are tried, and a
    contradiction makes it false. It is decided when all variables are fixed; denied, it prunes the last free
    variable.
    """

    __slots__ = ("holds", "parts", "truth", "xs")

    def __init__(self, xs: Sequence[int], holds: Meaning, parts: Sequence[Propagator], truth: int) -> None:
        """`parts` are the relation's propagators, which are not posted themselves."""
        super().__init__([truth >> 1, *xs], fixed=[truth >> 1], change=xs)
        self.xs = tuple(xs)
        self.holds = holds
        self.parts = tuple(parts)
        self.truth = truth

    def propagate(self, store: Store) -> None:
        if store.is_true(self.truth):
            for part in self.parts:
                part.propagate(store)
            return
        free = [x for x in self.xs if not store.is_fixed(x)]
        if not free:
            store.assign(self.truth if self._holds_with(store, None, 0) else self.truth ^ 1)
            store.entail(self)
        elif store.is_false(self.truth):
            if len(free) == 1 and store.size(free[0]) <= _LAST_LIMIT:
                (x,) = free
                store.keep(x, [v for v in store.members(x) if not self._holds_with(store, x, v)])
        elif not self._is_possible(store):
            store.assign(self.truth ^ 1)

    def _holds_with(self, store: Store, free: int | None, value: int) -> bool:
        return self.holds([value if x == free else store.lo[x] for x in self.xs])

    def _is_possible(self, store: Store) -> bool:
        """Whether the relation's propagators find no contradiction; the domains stay as they are."""
        length = len(store.trail)
        waiting = store.waiting()
        try:
            for part in self.parts:
                part.propagate(store)
        except Inconsistent:
            return False
        finally:
            store.undo(length)
            store.forget_since(waiting)
        return True
