"""Greatest common divisor and least common multiple."""

from __future__ import annotations

import math
from collections.abc import Callable

from constrint.engine.propagator import Propagator
from constrint.engine.store import Store

_PAIRS_LIMIT = 64
"""Pairs of values are tried one by one up to this many."""


class Gcd(Propagator):
    """z = gcd(x, y) >= 0. Divisibility both ways; domain consistent once the pairs of values are few."""

    __slots__ = ("x", "y", "z")

    def __init__(self, z: int, x: int, y: int) -> None:
        super().__init__([z, x, y], change=[z, x, y])
        self.z = z
        self.x = x
        self.y = y

    def propagate(self, store: Store) -> None:
        z, x, y, lo, hi = self.z, self.x, self.y, store.lo, store.hi
        store.set_lo(z, 0)
        common = math.gcd(store.lattice(x)[0], store.lattice(y)[0])
        if common == 0:
            store.fix(z, 0)
            return
        if common > 1:
            store.restrict_congruence(z, common, 0)
        if not store.contains(x, 0) or not store.contains(y, 0):
            store.set_lo(z, 1)
        for one in (x, y):
            if not store.contains(one, 0):
                store.set_hi(z, max(abs(lo[one]), abs(hi[one])))
                divides = store.lattice(one)[1]
                if divides and not store.is_fixed(z):
                    store.restrict_divisor(z, divides)
            shared = store.lattice(z)[0]
            if shared > 1:
                store.restrict_congruence(one, shared, 0)
        if hi[z] == 0:
            store.fix(x, 0)
            store.fix(y, 0)
            return
        store.set_hi(z, max(abs(lo[x]), abs(hi[x]), abs(lo[y]), abs(hi[y])))
        try_pairs(store, z, x, y, math.gcd)


class Lcm(Propagator):
    """z = lcm(x, y) >= 0. Divisibility both ways; domain consistent once the pairs of values are few."""

    __slots__ = ("x", "y", "z")

    def __init__(self, z: int, x: int, y: int) -> None:
        super().__init__([z, x, y], change=[z, x, y])
        self.z = z
        self.x = x
        self.y = y

    def propagate(self, store: Store) -> None:
        z, x, y, lo, hi = self.z, self.x, self.y, store.lo, store.hi
        store.set_lo(z, 0)
        x_common, x_divides = store.lattice(x)
        y_common, y_divides = store.lattice(y)
        if x_common == 0 or y_common == 0:
            store.fix(z, 0)
            return
        multiple = math.lcm(x_common, y_common)
        if 1 < multiple < store.limit:
            store.restrict_congruence(z, multiple, 0)
        store.set_hi(z, max(abs(lo[x]), abs(hi[x])) * max(abs(lo[y]), abs(hi[y])))
        if x_divides and y_divides and not store.is_fixed(z):
            store.restrict_divisor(z, math.lcm(x_divides, y_divides))
        if store.contains(z, 0):
            if hi[z] == 0 and not store.contains(x, 0):
                store.fix(y, 0)
            elif hi[z] == 0 and not store.contains(y, 0):
                store.fix(x, 0)
        else:
            store.remove(x, 0)
            store.remove(y, 0)
            divides = store.lattice(z)[1]
            for one in (x, y):
                store.set_lo(one, -hi[z])
                store.set_hi(one, hi[z])
                if divides and not store.is_fixed(one):
                    store.restrict_divisor(one, divides)
        if not store.contains(x, 0) and not store.contains(y, 0):
            store.set_lo(z, 1)
            for one in (x, y):
                if lo[one] > 0 or hi[one] < 0:
                    store.set_lo(z, min(abs(lo[one]), abs(hi[one])))
        try_pairs(store, z, x, y, math.lcm)


def try_pairs(store: Store, z: int, x: int, y: int, function: Callable[[int, int], int]) -> None:
    """Keeps what takes part in some triple (v, w, function(v, w)), if the pairs are few."""
    if not store.is_bounded(x) or not store.is_bounded(y) or store.size(x) * store.size(y) > _PAIRS_LIMIT:
        return
    firsts, seconds, results = set(), set(), set()
    second_members = store.members(y)
    for v in store.members(x):
        for w in second_members:
            value = function(v, w)
            if store.contains(z, value):
                firsts.add(v)
                seconds.add(w)
                results.add(value)
    store.keep(x, sorted(firsts))
    store.keep(y, sorted(seconds))
    store.keep(z, sorted(results))
