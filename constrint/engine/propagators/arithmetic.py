"""Products, powers and absolute values."""

from __future__ import annotations

import math
from collections.abc import Sequence

from constrint.engine.propagator import Propagator
from constrint.engine.store import Store
from constrint.numbers import ceil_div, integer_log, integer_root

_WHOLE_LIMIT = 1 << 64
"""A product's divisor is only stated where it is smaller than this, so that it is quick to factor."""

_PAIRS_LIMIT = 256
"""Pairs of values are tried one by one up to this many."""


class Product(Propagator):
    """z = x₁·…·xₙ for n >= 2 variables, a variable may occur once only.

    Bounds consistent where no factor's domain holds 0 inside, and divisibility both ways: z is a multiple
    of the product of the factors' common divisors, and a factor divides z's divisor over the others'.
    """

    __slots__ = ("xs", "z")

    def __init__(self, z: int, xs: Sequence[int]) -> None:
        super().__init__([z, *xs], change=[z, *xs])
        self.z = z
        self.xs = tuple(xs)

    def propagate(self, store: Store) -> None:
        lo = store.lo
        xs = self.xs
        for x in xs:
            if lo[x] < 0:
                self._signed_bounds(store)
                break
        else:
            self._natural_bounds(store)
        self._divisibility(store)

    def _natural_bounds(self, store: Store) -> None:
        """The bounds where no factor is negative."""
        z, xs, lo, hi = self.z, self.xs, store.lo, store.hi
        least = most = 1
        for x in xs:
            least *= lo[x]
            most *= hi[x]
        if least > lo[z]:
            store.set_lo(z, least)
        if most < hi[z]:
            store.set_hi(z, most)
        bottom, top = lo[z], hi[z]
        if top < most and top < store.limit:
            for x in xs:
                low = lo[x]
                others = least // low if low else math.prod([lo[y] for y in xs if y != x])
                if others and others * hi[x] > top:
                    store.set_hi(x, top // others)
        if bottom > least:
            most = 1
            for x in xs:
                most *= hi[x]
            if most == 0:
                store.fail()
            for x in xs:
                others = most // hi[x]
                if others * lo[x] < bottom:
                    store.set_lo(x, -(-bottom // others))

    def _signed_bounds(self, store: Store) -> None:
        """The bounds for factors of any sign, by interval products from both ends."""
        z, xs, lo, hi = self.z, self.xs, store.lo, store.hi
        before = [(1, 1)]
        for x in xs:
            before.append(times(before[-1], (lo[x], hi[x])))
        store.set_lo(z, before[-1][0])
        store.set_hi(z, before[-1][1])
        after = (1, 1)
        for k in range(len(xs) - 1, -1, -1):
            x = xs[k]
            self._divide(store, times(before[k], after), x)
            after = times(after, (lo[x], hi[x]))
        if not store.contains(z, 0):
            for x in xs:
                store.remove(x, 0)
        elif store.is_fixed(z):
            zeros = [x for x in xs if store.contains(x, 0)]
            if not zeros:
                store.fail()
            if len(zeros) == 1:
                store.fix(zeros[0], 0)

    def _divide(self, store: Store, others: tuple[int, int], x: int) -> None:
        """Prunes the bounds of x where z = x·y and y lies in `others`."""
        low, high = others
        z_low, z_high = store.lo[self.z], store.hi[self.z]
        if low <= 0 <= high:
            if z_low <= 0 <= z_high:
                return
            # z is not 0, so neither is y: the nearest it comes to 0 is 1 or -1.
            if low == high:
                store.fail()
            if low < 0 < high:
                largest = max(abs(z_low), abs(z_high))
                store.set_lo(x, -largest)
                store.set_hi(x, largest)
                return
            low, high = low or 1, high or -1
        # An infinite bound stays infinite when divided by a product of finite ones.
        scale = store.limit ** len(self.xs)
        if z_low <= -store.limit:
            z_low *= scale
        if z_high >= store.limit:
            z_high *= scale
        store.set_lo(x, min([ceil_div(a, b) for a in (z_low, z_high) for b in (low, high)]))
        store.set_hi(x, max([a // b for a in (z_low, z_high) for b in (low, high)]))

    def _divisibility(self, store: Store) -> None:
        z, lo, hi = self.z, store.lo, store.hi
        # The free factors are multiples of `common` together, and divide `whole`, where that is not 0.
        scale = common = whole = 1
        free = []
        for x in self.xs:
            if lo[x] == hi[x]:
                scale *= abs(lo[x])
            else:
                g, divides = store.lattice(x)
                common *= g
                whole *= divides
                free.append((x, g, divides))
        if scale == 0:
            store.fix(z, 0)
            return
        if not free:
            return
        common *= scale
        whole *= scale
        z_common, z_divides = store.lattice(z)
        if z_common % common:
            store.restrict_congruence(z, common, 0)
            z_common, z_divides = store.lattice(z)
        if 0 < whole < _WHOLE_LIMIT and (z_divides == 0 or whole % z_divides):
            store.restrict_divisor(z, whole)
            z_common, z_divides = store.lattice(z)
        if z_divides:
            for x, g, divides in free:
                most = z_divides // (common // g)
                if most == 0:
                    store.fail()
                if divides == 0 or most % divides:
                    store.restrict_divisor(x, most)
        if z_common > common:
            for x, g, divides in free:
                others = whole // divides if whole else scale * _product_but(free, x)
                if others:
                    needed = z_common // math.gcd(z_common, others)
                    if g % needed:
                        store.restrict_congruence(x, needed, 0)


def _product_but(factors: list[tuple[int, int, int]], omitted: int) -> int:
    """What the product of the factors divides, without one of them; 0 where nothing is stated."""
    product = 1
    for x, _, divides in factors:
        if x != omitted:
            product *= divides
    return product


class PowerOfConstant(Propagator):
    """z = x ** n for a constant n >= 2. Bounds consistent; domain consistent on explicit sets."""

    __slots__ = ("n", "x", "z")

    def __init__(self, z: int, x: int, n: int) -> None:
        super().__init__([z, x], change=[z, x])
        self.z = z
        self.x = x
        self.n = n

    def propagate(self, store: Store) -> None:
        z, x, n = self.z, self.x, self.n
        lo, hi = store.lo[x], store.hi[x]
        if n % 2:
            store.set_lo(z, held_power(store, lo, n))
            store.set_hi(z, held_power(store, hi, n))
            if store.lo[z] > -store.limit:
                store.set_lo(x, _odd_root_up(store.lo[z], n))
            if store.hi[z] < store.limit:
                store.set_hi(x, -_odd_root_up(-store.hi[z], n))
        else:
            store.set_lo(z, held_power(store, min(abs(lo), abs(hi)), n) if lo > 0 or hi < 0 else 0)
            store.set_hi(z, held_power(store, max(abs(lo), abs(hi)), n))
            if store.hi[z] < store.limit:
                root = integer_root(store.hi[z], n)
                store.set_lo(x, -root)
                store.set_hi(x, root)
            if store.lo[z] > 0:
                root = integer_root(store.lo[z] - 1, n) + 1
                if store.lo[x] > -root:
                    store.set_lo(x, root)
                if store.hi[x] < root:
                    store.set_hi(x, -root)
        self._divisibility(store)

    def _divisibility(self, store: Store) -> None:
        z, x, n = self.z, self.x, self.n
        common, _ = store.lattice(x)
        if common == 0:
            store.fix(z, 0)
            return
        if common > 1:
            multiple = held_power(store, common, n)
            if multiple < store.limit:
                store.restrict_congruence(z, multiple, 0)
        _, z_divides = store.lattice(z)
        if z_divides and not store.is_fixed(x):
            store.restrict_divisor(x, z_divides)
        if store.values[x] is not None:
            powers = {v: held_power(store, v, n) for v in store.members(x)}
            if max(map(abs, powers.values())) < store.limit:
                kept = [v for v in powers if store.contains(z, powers[v])]
                store.keep(x, kept)
                store.keep(z, sorted({powers[v] for v in kept}))
        elif store.values[z] is not None:
            roots = sorted({r for v in store.members(z) for r in exact_roots(v, n) if store.contains(x, r)})
            store.keep(x, roots)


class Power(Propagator):
    """z = x ** y; z = 0 stands for the undefined value at y < 0.

    Bounds consistent for x >= 1; domain consistent once the pairs of values are few; otherwise it waits.
    """

    __slots__ = ("x", "y", "z")

    def __init__(self, z: int, x: int, y: int) -> None:
        super().__init__([z, x, y], change=[z, x, y])
        self.z = z
        self.x = x
        self.y = y

    def propagate(self, store: Store) -> None:
        z, x, y, lo, hi = self.z, self.x, self.y, store.lo, store.hi
        if lo[x] >= 1 and lo[y] >= 0:
            self._bounds(store)
        elif lo[x] >= 0:
            store.set_lo(z, 0)
        if hi[y] >= store.limit or lo[y] <= -store.limit:
            return
        if store.is_bounded(x) and store.size(x) * store.size(y) <= _PAIRS_LIMIT:
            self._pairs(store)

    def _bounds(self, store: Store) -> None:
        z, x, y, lo, hi = self.z, self.x, self.y, store.lo, store.hi
        bits = store.limit.bit_length()
        if (lo[x].bit_length() - 1) * lo[y] > bits and lo[x] > 1:
            store.set_lo(z, store.limit)
        store.set_lo(z, lo[x] ** lo[y])
        if hi[x] == 1:
            store.fix(z, 1)
        elif hi[x] < store.limit and hi[y] < store.limit and hi[x].bit_length() * hi[y] <= 2 * bits:
            store.set_hi(z, hi[x] ** hi[y])
        top, bottom = hi[z], lo[z]
        if top < store.limit:
            if top < 1:
                store.fail()
            if lo[y] >= 1:
                store.set_hi(x, integer_root(top, lo[y]))
            if lo[x] >= 2:
                store.set_hi(y, integer_log(top, lo[x]))
        if bottom > 1:
            store.set_lo(x, 2)
            store.set_lo(y, 1)
            if hi[y] < store.limit:
                store.set_lo(x, integer_root(bottom - 1, hi[y]) + 1)
            if hi[x] < store.limit:
                store.set_lo(y, integer_log(bottom - 1, hi[x]) + 1)

    def _pairs(self, store: Store) -> None:
        """Keeps what takes part in some triple (v, w, v ** w)."""
        z, x, y = self.z, self.x, self.y
        bits = store.limit.bit_length()
        bases, exponents, results = set(), set(), set()
        for w in store.members(y):
            for v in store.members(x):
                if w > 0 and abs(v) > 1 and (abs(v).bit_length() - 1) * w > bits:
                    # Too large to be held; it matters only if z may be as large.
                    if store.is_fixed(x) and store.is_fixed(y):
                        store.set_lo(z, store.limit) if v > 0 or w % 2 == 0 else store.set_hi(z, -store.limit)
                    elif store.is_bounded(z):
                        continue
                    return
                value = v**w if w >= 0 else 0
                if store.contains(z, value):
                    bases.add(v)
                    exponents.add(w)
                    results.add(value)
        if max(map(abs, results), default=0) >= store.limit:
            return
        store.keep(x, sorted(bases))
        store.keep(y, sorted(exponents))
        store.keep(z, sorted(results))


class Absolute(Propagator):
    """z = |x|. Bounds consistent; domain consistent on explicit sets."""

    __slots__ = ("x", "z")

    def __init__(self, z: int, x: int) -> None:
        super().__init__([z, x], change=[z, x])
        self.z = z
        self.x = x

    def propagate(self, store: Store) -> None:
        z, x, lo, hi = self.z, self.x, store.lo, store.hi
        store.set_lo(z, max(0, lo[x], -hi[x]))
        store.set_hi(z, max(hi[x], -lo[x]))
        store.set_hi(x, hi[z])
        store.set_lo(x, -hi[z])
        least = lo[z]
        if least > 0:
            if lo[x] > -least:
                store.set_lo(x, least)
            if hi[x] < least:
                store.set_hi(x, -least)
        common, divides = store.lattice(x)
        if common > 1:
            store.restrict_congruence(z, common, 0)
        if divides and not store.is_fixed(z):
            store.restrict_divisor(z, divides)
        common, divides = store.lattice(z)
        if common > 1:
            store.restrict_congruence(x, common, 0)
        if divides and not store.is_fixed(x):
            store.restrict_divisor(x, divides)
        if store.values[x] is not None:
            kept = [v for v in store.members(x) if store.contains(z, abs(v))]
            store.keep(x, kept)
            if store.values[z] is not None:
                store.keep(z, sorted({abs(v) for v in kept}))


def held_power(store: Store, value: int, n: int) -> int:
    """value ** n; where that is far beyond the working range, infinity with its sign."""
    if abs(value) > 1 and (abs(value).bit_length() - 1) * n > 2 * store.limit.bit_length():
        return store.infinity if value > 0 or n % 2 == 0 else -store.infinity
    return int(value**n)


def times(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    """The product of two intervals."""
    corners = (a[0] * b[0], a[0] * b[1], a[1] * b[0], a[1] * b[1])
    return min(corners), max(corners)


def _odd_root_up(value: int, n: int) -> int:
    """The least r with r ** n >= value, for odd n."""
    if value > 0:
        return integer_root(value - 1, n) + 1
    return -integer_root(-value, n)


def exact_roots(value: int, n: int) -> list[int]:
    """Every r with r ** n = value."""
    if value < 0:
        root = -integer_root(-value, n) if n % 2 else 0
        return [root] if root**n == value else []
    root = integer_root(value, n)
    if root**n != value:
        return []
    return [root] if n % 2 or root == 0 else [-root, root]
