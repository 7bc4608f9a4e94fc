"""Minimum and maximum."""

from __future__ import annotations

from collections.abc import Sequence

from constrint.engine.propagator import Propagator
from constrint.engine.propagators.logic import equate
from constrint.engine.store import Store


class Maximum(Propagator):
    """z = max(x₁, …, xₙ). Bounds consistent."""

    __slots__ = ("xs", "z")

    def __init__(self, z: int, xs: Sequence[int]) -> None:
        super().__init__([z, *xs], bounds=[z, *xs])
        self.z = z
        self.xs = tuple(xs)

    def propagate(self, store: Store) -> None:
        z, xs, lo, hi = self.z, self.xs, store.lo, store.hi
        store.set_lo(z, max([lo[x] for x in xs]))
        store.set_hi(z, max([hi[x] for x in xs]))
        top, bottom = hi[z], lo[z]
        reach = []
        for x in xs:
            store.set_hi(x, top)
            if hi[x] >= bottom:
                reach.append(x)
        if len(reach) == 1:
            # Only this one can be the maximum.
            equate(store, z, reach[0])


class Minimum(Propagator):
    """z = min(x₁, …, xₙ). Bounds consistent."""

    __slots__ = ("xs", "z")

    def __init__(self, z: int, xs: Sequence[int]) -> None:
        super().__init__([z, *xs], bounds=[z, *xs])
        self.z = z
        self.xs = tuple(xs)

    def propagate(self, store: Store) -> None:
        z, xs, lo, hi = self.z, self.xs, store.lo, store.hi
        store.set_lo(z, min([lo[x] for x in xs]))
        store.set_hi(z, min([hi[x] for x in xs]))
        top, bottom = hi[z], lo[z]
        reach = []
        for x in xs:
            store.set_lo(x, bottom)
            if lo[x] <= top:
                reach.append(x)
        if len(reach) == 1:
            equate(store, z, reach[0])
