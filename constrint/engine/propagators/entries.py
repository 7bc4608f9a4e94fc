"""Entries of arrays: of two dimensions, and where the largest is."""

from __future__ import annotations

from collections.abc import Sequence

from constrint.engine.propagators.logic import equate
from constrint.engine.propagators.relation import Meaning, Pruning
from constrint.engine.store import Store


class Entry(Pruning):
    """z = items[row · width + column]; z = 0 outside.

    Domain consistent on explicit sets with fixed items: rows and columns stay while some entry of theirs can
    equal z, and z within the hull of the entries that can be chosen.
    """

    __slots__ = ("column", "height", "items", "row", "width", "z")

    def __init__(
        self, z: int, row: int, column: int, items: Sequence[int], width: int, holds: Meaning
    ) -> None:
        """`holds` is of z, the row, the column and the items."""
        super().__init__([z, row, column, *items], holds, on_change=True)
        self.z = z
        self.row = row
        self.column = column
        self.items = tuple(items)
        self.width = width
        self.height = len(items) // width

    def prune(self, store: Store) -> None:
        z, row, column, lo, hi = self.z, self.row, self.column, store.lo, store.hi
        if not (lo[row] >= 0 and hi[row] < self.height and lo[column] >= 0 and hi[column] < self.width):
            # Where it may lie outside, or does, only the meaning at the end decides.
            if lo[row] >= self.height or hi[row] < 0 or lo[column] >= self.width or hi[column] < 0:
                store.fix(z, 0)
            return
        rows: set[int] = set()
        columns: set[int] = set()
        chosen = []
        across = store.members(column)
        for i in store.members(row):
            for j in across:
                item = self.items[i * self.width + j]
                apart = lo[item] > hi[z] or hi[item] < lo[z]
                if apart or (lo[item] == hi[item] and not store.contains(z, lo[item])):
                    continue
                rows.add(i)
                columns.add(j)
                chosen.append(item)
        if not chosen:
            store.fail()
        store.keep(row, sorted(rows))
        store.keep(column, sorted(columns))
        store.set_lo(z, min([lo[item] for item in chosen]))
        store.set_hi(z, max([hi[item] for item in chosen]))
        if len(chosen) == 1:
            equate(store, z, chosen[0])
        elif all([lo[item] == hi[item] for item in chosen]):
            store.keep(z, sorted({lo[item] for item in chosen}))


class ArgMax(Pruning):
    """z is the first index of the largest item. Bounds consistent on the items, and an index stays while its
    item can be the first largest."""

    __slots__ = ("items", "z")

    def __init__(self, z: int, items: Sequence[int], holds: Meaning) -> None:
        """`holds` is of z and the items."""
        super().__init__([z, *items], holds, on_change=True)
        self.z = z
        self.items = tuple(items)

    def prune(self, store: Store) -> None:
        z, items, lo, hi = self.z, self.items, store.lo, store.hi
        store.set_lo(z, 0)
        store.set_hi(z, len(items) - 1)
        # What the index must exceed: the items before it, and those behind it less one.
        before = -store.infinity
        floor = [0] * len(items)
        for k, item in enumerate(items):
            floor[k] = before + 1
            before = max(before, lo[item])
        behind = -store.infinity
        for k in range(len(items) - 1, -1, -1):
            floor[k] = max(floor[k], behind)
            behind = max(behind, lo[items[k]])
        candidates = [k for k in store.members(z) if hi[items[k]] >= floor[k]]
        if not candidates:
            store.fail()
        store.keep(z, candidates)
        top = max([hi[items[k]] for k in candidates])
        possible = set(candidates)
        for k, item in enumerate(items):
            if k not in possible:
                store.set_hi(item, top - (k < candidates[0]))
        if len(candidates) == 1:
            (k,) = candidates
            store.set_lo(items[k], floor[k])
            for j, item in enumerate(items):
                if j != k:
                    store.set_hi(item, hi[items[k]] - (j < k))
