"""Routes through numbered places, each variable being the successor of its place; and inverse functions."""

from __future__ import annotations

from collections.abc import Sequence

from constrint.engine.graphs import components
from constrint.engine.propagators.relation import Meaning, Pruning
from constrint.engine.store import Store

_STEPS_LIMIT = 1 << 14
"""Whether places can be reached is looked at while at most so many steps are possible."""


class Round(Pruning):
    """Going from each place to its successor visits them all: no short rounds (Caseau and Laburthe, ICLP
    1997), and, while few steps are possible, every place can be reached from every other.

    With `partial` places may be left out: they are their own successors.
    """

    __slots__ = ("partial",)

    def __init__(self, xs: Sequence[int], holds: Meaning, *, partial: bool) -> None:
        super().__init__(xs, holds, on_change=True)
        self.partial = partial

    def prune(self, store: Store) -> None:
        xs = self.xs
        for k, x in enumerate(xs):
            store.set_lo(x, 0)
            store.set_hi(x, len(xs) - 1)
            if not self.partial and len(xs) > 1:
                store.remove(x, k)
        self._keep_open(store)
        if sum([store.size(x) for x in xs]) <= _STEPS_LIMIT:
            self._connect(store)

    def _keep_open(self, store: Store) -> None:
        """A chain of fixed successors closes only where that leaves out nothing which cannot be left out."""
        xs, lo = self.xs, store.lo
        following = {k: lo[x] for k, x in enumerate(xs) if store.is_fixed(x) and lo[x] != k}
        entered = set(following.values())
        required = sum([not store.contains(x, k) for k, x in enumerate(xs)]) if self.partial else len(xs)
        for start in following.keys() - entered:
            end, inside = start, 1
            while end in following:
                end = following[end]
                inside += 1
                if inside > len(xs):
                    # The chain has run into a round that does not lead back to its start.
                    store.fail()
            # All but the end have left their own place for good.
            needed = inside - 1 + (not self.partial or not store.contains(xs[end], end))
            if required > needed:
                store.remove(xs[end], start)

    def _connect(self, store: Store) -> None:
        """All places that cannot be left out lie in one strongly connected component."""
        xs = self.xs
        graph = [[j for j in store.members(x) if j != k] for k, x in enumerate(xs)]
        component = components(graph)
        required = {
            component[k] for k, x in enumerate(xs) if not self.partial or not store.contains(x, k)
        }  # fmt: skip
        if len(required) > 1:
            store.fail()
        for k, x in enumerate(xs):
            if required and component[k] not in required:
                store.fix(x, k)
                continue
            for j in graph[k]:
                if component[j] != component[k]:
                    store.remove(x, j)


class Inverse(Pruning):
    """f(i) = j exactly where g(j) = i. Domain consistent, together with "all different" on one side."""

    __slots__ = ("f", "g")

    def __init__(self, f: Sequence[int], g: Sequence[int], holds: Meaning) -> None:
        super().__init__([*f, *g], holds, on_change=True)
        self.f = tuple(f)
        self.g = tuple(g)

    def prune(self, store: Store) -> None:
        for x in self.xs:
            store.set_lo(x, 0)
            store.set_hi(x, len(self.f) - 1)
        for xs, ys in ((self.f, self.g), (self.g, self.f)):
            for i, x in enumerate(xs):
                for j in store.members(x):
                    if not store.contains(ys[j], i):
                        store.remove(x, j)
