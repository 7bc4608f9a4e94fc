"""Truth values of statements about one variable, and relations given by listing: sets and tables."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from constrint.engine.propagator import Propagator
from constrint.engine.propagators.logic import equate
from constrint.engine.store import TRUE, Store
from constrint.numbers import bit, low_bits


class AtMost(Propagator):
    """truth ⇔ x <= bound. Domain consistent."""

    __slots__ = ("bound", "truth", "x")
    idempotent = True

    def __init__(self, x: int, bound: int, truth: int) -> None:
        super().__init__([truth >> 1, x], fixed=[truth >> 1], bounds=[x])
        self.x = x
        self.bound = bound
        self.truth = truth

    def propagate(self, store: Store) -> None:
        if store.is_true(self.truth):
            store.set_hi(self.x, self.bound)
        elif store.is_false(self.truth):
            store.set_lo(self.x, self.bound + 1)
        elif store.hi[self.x] <= self.bound:
            store.assign(self.truth)
        elif store.lo[self.x] > self.bound:
            store.assign(self.truth ^ 1)
        else:
            return
        store.entail(self)


class Equals(Propagator):
    """truth ⇔ x = value. Domain consistent."""

    __slots__ = ("truth", "value", "x")
    idempotent = True

    def __init__(self, x: int, value: int, truth: int) -> None:
        super().__init__([truth >> 1, x], fixed=[truth >> 1], change=[x])
        self.x = x
        self.value = value
        self.truth = truth

    def propagate(self, store: Store) -> None:
        x, value = self.x, self.value
        if store.is_true(self.truth):
            store.fix(x, value)
        elif store.is_false(self.truth):
            store.remove(x, value)
            if store.contains(x, value):
                # The value lies inside a large interval: look again when the bounds have moved.
                return
        elif not store.contains(x, value):
            store.assign(self.truth ^ 1)
        elif store.is_fixed(x):
            store.assign(self.truth)
        else:
            return
        store.entail(self)


class Member(Propagator):
    """truth ⇔ x is one of the constant values. Domain consistent on explicit sets and when true."""

    __slots__ = ("truth", "values", "x")

    def __init__(self, x: int, values: Sequence[int], truth: int) -> None:
        super().__init__([truth >> 1, x], fixed=[truth >> 1], change=[x])
        self.x = x
        self.values = tuple(values)
        self.truth = truth

    def propagate(self, store: Store) -> None:
        x = self.x
        if store.is_true(self.truth):
            store.keep(x, self.values)
            store.entail(self)
        elif store.is_false(self.truth):
            for value in self.values:
                store.remove(x, value)
            if store.is_fixed(x):
                if store.lo[x] in self.values:
                    store.fail()
                store.entail(self)
        else:
            inside = sum(1 for value in self.values if store.contains(x, value))
            if inside == 0:
                store.assign(self.truth ^ 1)
            elif inside == store.size(x):
                store.assign(self.truth)


class Table(Propagator):
    """truth ⇔ (x₁, …, xₙ) is one of the rows. Domain consistent, by bit sets of rows per value (the idea of
    compact tables, Demeulenaere et al., CP 2016); when false, by counting: a value goes where every tuple
    with it is a row (Verhaeghe, Lecoutre and Schaus, AAAI 2017)."""

    __slots__ = ("rows", "supports", "truth", "xs")

    def __init__(self, xs: Sequence[int], rows: Iterable[tuple[int, ...]], truth: int = TRUE) -> None:
        super().__init__([truth >> 1, *xs], fixed=[truth >> 1], change=xs)
        self.xs = tuple(xs)
        self.rows = sorted(rows)
        self.truth = truth
        self.supports: list[dict[int, int]] = [{} for _ in xs]
        for number, row in enumerate(self.rows):
            for support, value in zip(self.supports, row, strict=True):
                support[value] = support.get(value, 0) | bit(number)

    def propagate(self, store: Store) -> None:
        alive = low_bits(len(self.rows))
        for x, support in zip(self.xs, self.supports, strict=True):
            possible = 0
            for value, rows in support.items():
                if store.contains(x, value):
                    possible |= rows
            alive &= possible
        if not alive:
            store.assign(self.truth ^ 1)
        elif store.is_false(self.truth):
            self._forbid(store, alive)
        elif store.is_true(self.truth):
            for x, support in zip(self.xs, self.supports, strict=True):
                store.keep(x, sorted([value for value, rows in support.items() if rows & alive]))
        elif alive.bit_count() == math.prod([store.size(x) for x in self.xs]):
            store.assign(self.truth)

    def _forbid(self, store: Store, alive: int) -> None:
        """Removes the values whose every tuple is one of the rows that are alive."""
        sizes = [store.size(x) for x in self.xs]
        tuples = math.prod(sizes)
        for x, support, size in zip(self.xs, self.supports, sizes, strict=True):
            for value, rows in support.items():
                if (rows & alive).bit_count() * size == tuples and store.contains(x, value):
                    store.remove(x, value)


class Element(Propagator):
    """z = items[index]; z = 0 stands for the undefined value of an index out of range.

    Bounds consistent, and domain consistent on explicit sets with fixed items: an index stays while its
    item can equal z, and z stays within the hull of the items that the index can choose.
    """

    __slots__ = ("index", "items", "z")

    def __init__(self, z: int, index: int, items: Sequence[int], zero: int) -> None:
        """`zero` is the variable that is the constant 0."""
        super().__init__([z, index, *items], change=[z, index, *items])
        self.z = z
        self.index = index
        self.items = (*items, zero)

    def propagate(self, store: Store) -> None:
        z, index, items = self.z, self.index, self.items
        outside = len(items) - 1
        chosen = []
        if store.lo[index] >= 0 and store.hi[index] < outside:
            candidates = store.members(index)
        else:
            candidates = [k for k in range(outside) if store.contains(index, k)]
            if store.size(index) > len(candidates):
                # The index may still lie outside, where the value is 0.
                if store.contains(z, 0):
                    chosen.append(outside)
                elif candidates:
                    store.set_lo(index, candidates[0])
                    store.set_hi(index, candidates[-1])
        lo, hi = store.lo, store.hi
        z_lo, z_hi = lo[z], hi[z]
        for k in candidates:
            item = items[k]
            apart = lo[item] > z_hi or hi[item] < z_lo
            if apart or (lo[item] == hi[item] and not store.contains(z, lo[item])):
                store.remove(index, k)
            else:
                chosen.append(k)
        if not chosen:
            store.fail()
        if len(chosen) == 1 and chosen[0] != outside:
            store.fix(index, chosen[0])
            equate(store, z, items[chosen[0]])
            return
        store.set_lo(z, min([lo[items[k]] for k in chosen]))
        store.set_hi(z, max([hi[items[k]] for k in chosen]))
        if all(lo[items[k]] == hi[items[k]] for k in chosen):
            store.keep(z, sorted({lo[items[k]] for k in chosen}))
