"""What a search has refuted before a restart, kept as a propagator so that it is not searched again.

Nogood recording from restarts: Lecoutre, Saïs, Tabary, Vidal (IJCAI 2007). All nogoods of one restart share
their beginnings, so one propagator holds them in the order of the path, as the increasing nogoods of
Lee, Schulte, Zhu (AAAI 2016).
"""

from __future__ import annotations

from collections.abc import Sequence

from constrint.engine.decisions import Decision, fails, holds, refuse
from constrint.engine.propagator import Propagator
from constrint.engine.store import Store


class Nogoods(Propagator):
    """The path d₁, d₂, … of a search: under d₁ … dₖ each decision in refuted[k] has no solution."""

    __slots__ = ("path", "refuted")
    idempotent = True

    def __init__(self, path: Sequence[Decision], refuted: Sequence[Sequence[Decision]]) -> None:
        """`refuted` has one entry more than `path`: what fails before the first decision, after it, and so
        on."""
        decisions = [*path, *(decision for each in refuted for decision in each)]
        # Without a scope: a failure here says nothing about where the problem is hard.
        super().__init__((), bounds=[x for _, x, _ in decisions])
        self.path = tuple(path)
        self.refuted = tuple(tuple(each) for each in refuted)

    def propagate(self, store: Store) -> None:
        length = -1
        while length != len(store.trail):
            length = len(store.trail)
            self._walk(store)

    def _walk(self, store: Store) -> None:
        """Along the path as far as at most one decision is open. Before that one, what is refuted is
        refused; after it, the open decision is refused if something refuted holds."""
        path = self.path
        pending: Decision | None = None
        for k, refuted in enumerate(self.refuted):
            for decision in refuted:
                if pending is None:
                    refuse(store, decision)
                elif holds(store, decision):
                    refuse(store, pending)
                    return
            if k == len(path) or fails(store, path[k]):
                return
            if not holds(store, path[k]):
                if pending is not None:
                    return
                pending = path[k]
