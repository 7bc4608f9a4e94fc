"""Floor division with remainder, and divisibility."""

from __future__ import annotations

import math

from constrint.engine.propagator import Propagator
from constrint.engine.store import TRUE, Store
from constrint.numbers import ceil_div

_VALUES_LIMIT = 64
"""Dividends are tried one by one up to this many."""


class DivMod(Propagator):
    """a = b·q + r with 0 <= r < b or b < r <= 0: Python's q = a // b and r = a % b.

    b = 0 goes with q = r = 0, the value that stands for "undefined"; a condition elsewhere rules it out
    where it matters. For a divisor of known sign bounds by interval arithmetic; for a constant one domain
    consistent on few dividends, and congruences both ways.
    """

    __slots__ = ("a", "b", "q", "r")

    def __init__(self, a: int, b: int, q: int, r: int) -> None:
        super().__init__([a, b, q, r], change=[a, b, q, r])
        self.a = a
        self.b = b
        self.q = q
        self.r = r

    def propagate(self, store: Store) -> None:
        a, b, q, r, lo, hi = self.a, self.b, self.q, self.r, store.lo, store.hi
        if lo[b] > 0:
            self._bounds(store, False)
        elif hi[b] < 0:
            self._bounds(store, True)
        else:
            if not store.contains(b, 0) and lo[b] == 0:
                store.set_lo(b, 1)
            elif not store.contains(b, 0) and hi[b] == 0:
                store.set_hi(b, -1)
            self._any_sign(store)
            if lo[b] == hi[b] == 0:
                store.fix(q, 0)
                store.fix(r, 0)
                return
        if lo[b] == hi[b]:
            self._constant_divisor(store, lo[b])
        elif lo[a] == hi[a] and lo[r] == hi[r] and not store.contains(b, 0):
            multiple = lo[a] - lo[r]
            if multiple:
                store.restrict_divisor(b, multiple)

    def _bounds(self, store: Store, flip: bool) -> None:
        """The bounds for b > 0, or flipped for b < 0 by a // b = -a // -b and a % b = -(-a % -b)."""
        a, b, q, r, lo, hi = self.a, self.b, self.q, self.r, store.lo, store.hi
        limit = store.limit
        _at_least(store, r, 0, flip)
        _at_most(store, r, (-lo[b] if flip else hi[b]) - 1, flip)
        r_low, r_high = (-hi[r], -lo[r]) if flip else (lo[r], hi[r])
        _at_least(store, b, r_low + 1, flip)
        a_low, a_high = (-hi[a], -lo[a]) if flip else (lo[a], hi[a])
        b_low, b_high = (-hi[b], -lo[b]) if flip else (lo[b], hi[b])
        # q from a and b, which an infinite a leaves open.
        if a_low > -limit:
            store.set_lo(q, a_low // (b_high if a_low >= 0 else b_low))
        if a_high < limit:
            store.set_hi(q, a_high // (b_low if a_high >= 0 else b_high))
        q_low, q_high = lo[q], hi[q]
        # a = b·q + r, and b·q <= a < b·(q + 1). The largest remainder of b is b - 1, which is tighter than
        # r_high where b varies.
        least = (b_low if q_low >= 0 else b_high) * q_low
        most = (b_high if q_high >= 0 else b_low) * q_high
        below = (b_high if q_high >= -1 else b_low) * (q_high + 1)
        _at_least(store, a, least + r_low, flip)
        _at_most(store, a, min(most + r_high, below - 1), flip)
        a_low, a_high = (-hi[a], -lo[a]) if flip else (lo[a], hi[a])
        # b from a and q.
        if q_low > 0 and a_high < limit:
            _at_most(store, b, (a_high - r_low) // q_low, flip)
        if q_high >= 0 and a_low >= 0 and q_high < limit:
            _at_least(store, b, a_low // (q_high + 1) + 1, flip)
        if q_high < -1 and a_low > -limit:
            # b·(q + 1) > a, so b < a / (q + 1) for negative q + 1.
            _at_most(store, b, ceil_div(a_low, q_high + 1) - 1, flip)
        if q_low < 0 and a_high < 0 and q_low > -limit:
            _at_least(store, b, ceil_div(a_high - r_low, q_low), flip)
        # r = a - b·q.
        if max(abs(least), abs(most)) < limit:
            _at_least(store, r, a_low - most, flip)
            _at_most(store, r, a_high - least, flip)

    def _any_sign(self, store: Store) -> None:
        """What holds whatever the sign of the divisor: |q| <= |a|, |r| < |b|, and 0 for b = 0."""
        a, b, q, r, lo, hi = self.a, self.b, self.q, self.r, store.lo, store.hi
        largest = max(abs(lo[a]), abs(hi[a]))
        store.set_lo(q, -largest)
        store.set_hi(q, largest)
        store.set_lo(r, min(lo[b] + 1, 0))
        store.set_hi(r, max(hi[b] - 1, 0))
        if lo[r] > 0:
            store.set_lo(b, lo[r] + 1)
        elif hi[r] < 0:
            store.set_hi(b, hi[r] - 1)

    def _constant_divisor(self, store: Store, divisor: int) -> None:
        a, q, r = self.a, self.q, self.r
        size = abs(divisor)
        if store.is_fixed(r):
            store.restrict_congruence(a, size, store.lo[r])
        elif not store.is_fixed(a):
            common = math.gcd(size, store.mod[a])
            if common > 1:
                store.restrict_congruence(r, common, store.rem[a])
            common = math.gcd(size, store.mod[r])
            if common > 1:
                store.restrict_congruence(a, common, store.rem[r])
        if store.values[a] is not None and store.mask[a].bit_count() <= _VALUES_LIMIT:
            kept = [
                v
                for v in store.members(a)
                if store.contains(q, v // divisor) and store.contains(r, v % divisor)
            ]
            store.keep(a, kept)
            store.keep(q, sorted({v // divisor for v in kept}))
            store.keep(r, sorted({v % divisor for v in kept}))


def _at_least(store: Store, x: int, bound: int, flip: bool) -> None:
    """x >= bound, or -x >= bound."""
    if flip:
        store.set_hi(x, -bound)
    else:
        store.set_lo(x, bound)


def _at_most(store: Store, x: int, bound: int, flip: bool) -> None:
    """x <= bound, or -x <= bound."""
    if flip:
        store.set_lo(x, -bound)
    else:
        store.set_hi(x, bound)


class Divides(Propagator):
    """truth ⇔ b is a multiple of a, where 0 divides only 0.

    True: bounds and divisibility both ways; domain consistent where one side is fixed and the other an
    explicit set. Unknown: decided once the divisors and bounds tell.
    """

    __slots__ = ("a", "b", "truth")

    def __init__(self, a: int, b: int, truth: int = TRUE) -> None:
        super().__init__([truth >> 1, a, b], fixed=[truth >> 1], change=[a, b])
        self.a = a
        self.b = b
        self.truth = truth

    def propagate(self, store: Store) -> None:
        if store.is_true(self.truth):
            self._divide(store)
        elif store.is_false(self.truth):
            self._do_not_divide(store)
        else:
            self._decide(store)

    def _divide(self, store: Store) -> None:
        a, b, lo, hi = self.a, self.b, store.lo, store.hi
        if not store.contains(b, 0):
            store.remove(a, 0)
            largest = max(abs(lo[b]), abs(hi[b]))
            store.set_lo(a, -largest)
            store.set_hi(a, largest)
            _, divides = store.lattice(b)
            if divides and not store.is_fixed(a):
                store.restrict_divisor(a, divides)
        if lo[a] == hi[a] == 0:
            store.fix(b, 0)
            return
        common, _ = store.lattice(a)
        if common > 1:
            store.restrict_congruence(b, common, 0)
        # Between two neighbouring multiples of |a| there is room only if b reaches one.
        if lo[a] > 0 or hi[a] < 0:
            least = min(abs(lo[a]), abs(hi[a]))
            if 0 < lo[b] < least:
                store.set_lo(b, least)
            elif -least < hi[b] < 0:
                store.set_hi(b, -least)
        if store.is_fixed(b) and store.values[a] is not None and lo[b]:
            store.restrict_divisor(a, lo[b])

    def _do_not_divide(self, store: Store) -> None:
        a, b = self.a, self.b
        store.remove(b, 0)
        store.remove(a, 1)
        store.remove(a, -1)
        if store.is_fixed(a):
            divisor = store.lo[a]
            if divisor == 0:
                return
            if store.is_fixed(b):
                if store.lo[b] % divisor == 0:
                    store.fail()
            elif store.values[b] is not None:
                store.keep(b, [v for v in store.members(b) if v % divisor])
            elif store.mod[b] % divisor == 0:
                if store.rem[b] % divisor == 0:
                    store.fail()
            else:
                # The ends of an interval may be multiples.
                if store.lo[b] > -store.limit and store.lo[b] % divisor == 0:
                    store.set_lo(b, store.lo[b] + 1)
                if store.hi[b] < store.limit and store.hi[b] % divisor == 0:
                    store.set_hi(b, store.hi[b] - 1)
        elif store.is_fixed(b) and store.values[a] is not None:
            multiple = store.lo[b]
            store.keep(a, [v for v in store.members(a) if v == 0 or multiple % v])

    def _decide(self, store: Store) -> None:
        a, b, lo = self.a, self.b, store.lo
        if store.is_fixed(a) and store.is_fixed(b):
            divisor, multiple = lo[a], lo[b]
            yes = multiple % divisor == 0 if divisor else multiple == 0
            store.assign(self.truth if yes else self.truth ^ 1)
            return
        common, _ = store.lattice(b)
        _, divides = store.lattice(a)
        if divides and common % divides == 0:
            # a | divides | common | b.
            store.assign(self.truth)
        elif self._never(store):
            store.assign(self.truth ^ 1)

    def _never(self, store: Store) -> bool:
        a, b, lo, hi = self.a, self.b, store.lo, store.hi
        if store.contains(b, 0):
            # Everything divides 0; only a constant a and a congruence of b could still tell.
            return False
        if lo[a] == hi[a] == 0:
            return True
        if min(abs(lo[a]), abs(hi[a])) > max(abs(lo[b]), abs(hi[b])) and (lo[a] > 0 or hi[a] < 0):
            return True
        if store.is_fixed(a):
            shared = math.gcd(store.mod[b], lo[a])
            if store.rem[b] % shared:
                return True
            if store.values[b] is not None and store.mask[b].bit_count() <= _VALUES_LIMIT:
                return all(v % lo[a] for v in store.members(b))
        if store.is_fixed(b) and store.values[a] is not None:
            return all(v == 0 or lo[b] % v for v in store.members(a))
        return False
