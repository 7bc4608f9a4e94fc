"""Counting values."""

from __future__ import annotations

from collections.abc import Sequence

from constrint.engine.propagator import Propagator
from constrint.engine.store import Store


class Count(Propagator):
    """z = how many of the items equal the constant value. Domain consistent."""

    __slots__ = ("items", "value", "z")

    def __init__(self, z: int, items: Sequence[int], value: int) -> None:
        super().__init__([z, *items], bounds=[z], change=items)
        self.z = z
        self.items = tuple(items)
        self.value = value

    def propagate(self, store: Store) -> None:
        z, value = self.z, self.value
        certain = 0
        possible = []
        for item in self.items:
            if store.contains(item, value):
                if store.is_fixed(item):
                    certain += 1
                else:
                    possible.append(item)
        store.set_lo(z, certain)
        store.set_hi(z, certain + len(possible))
        if store.hi[z] == certain:
            for item in possible:
                store.remove(item, value)
        elif store.lo[z] == certain + len(possible):
            for item in possible:
                store.fix(item, value)
