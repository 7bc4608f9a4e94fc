"""Items of constant sizes: bins and their loads, and the knapsack."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from constrint.engine.propagators.relation import Meaning, Pruning
from constrint.engine.store import Store

_SUMS_LIMIT = 1 << 14
"""The sums that items can have are listed while all of them together are at most this."""

_BINS_LIMIT = 1 << 10
"""More bins with one capacity are not looked at one by one."""

_ITEMS_LIMIT = 24
"""Items are tried one by one in a bin with at most so many candidates."""


class Packing(Pruning):
    """The sizes of the items in bin k sum up to loads[k]; or, if not `exact`, to loads[k] at most.

    Items leave bins that they would overfill and enter those that need them, and the loads share the total
    (Shaw, CP 2004). For exact loads all sums of subsets are listed, as bits of an integer: no load that
    cannot come about is kept, and no item in a bin that cannot be filled with it.
    """

    __slots__ = ("bins", "exact", "loads", "sizes")

    def __init__(
        self, bins: Sequence[int], sizes: Sequence[int], loads: Sequence[int], holds: Meaning, *, exact: bool
    ) -> None:
        super().__init__([*bins, *loads], holds, on_change=True)
        self.bins = tuple(bins)
        self.sizes = tuple(sizes)
        self.loads = tuple(loads)
        self.exact = exact

    def prune(self, store: Store) -> None:
        for x in self.bins:
            store.set_lo(x, 0)
            store.set_hi(x, len(self.loads) - 1)
        lo, hi = store.lo, store.hi
        total = sum(self.sizes)
        room = sum([hi[load] for load in self.loads])
        filled = sum([lo[load] for load in self.loads])
        for k, load in enumerate(self.loads):
            low, high = lo[load], hi[load]
            store.set_lo(load, total - (room - high))
            if self.exact:
                store.set_hi(load, total - (filled - low))
            self._fill(store, k, load)

    def _fill(self, store: Store, k: int, load: int) -> None:
        """What one bin says."""
        lo, hi = store.lo, store.hi
        inside = 0
        candidates = []
        for x, size in zip(self.bins, self.sizes, strict=True):
            if store.contains(x, k):
                if store.is_fixed(x):
                    inside += size
                else:
                    candidates.append((x, size))
        store.set_lo(load, inside)
        most = inside + sum([size for _, size in candidates])
        if self.exact:
            store.set_hi(load, most)
        for x, size in candidates:
            if inside + size > hi[load]:
                store.remove(x, k)
            elif self.exact and most - size < lo[load]:
                store.fix(x, k)
        if self.exact and most <= _SUMS_LIMIT:
            self._list_sums(store, k, load, inside, candidates)

    def _list_sums(
        self, store: Store, k: int, load: int, inside: int, candidates: list[tuple[int, int]]
    ) -> None:
        lo, hi = store.lo, store.hi
        sums = _sums(inside, [size for _, size in candidates])
        window = sums >> lo[load] & ((1 << (hi[load] - lo[load] + 1)) - 1)
        if not window:
            store.fail()
            return
        first = lo[load]
        store.set_hi(load, first + window.bit_length() - 1)
        store.set_lo(load, first + (window & -window).bit_length() - 1)
        if len(candidates) > _ITEMS_LIMIT:
            return
        wanted = ((1 << (hi[load] - lo[load] + 1)) - 1) << lo[load]
        for j, (x, size) in enumerate(candidates):
            others = _sums(inside, [other for i, (_, other) in enumerate(candidates) if i != j])
            if not others & wanted:
                store.fix(x, k)
            elif not others << size & wanted:
                store.remove(x, k)


class SharedPacking(Packing):
    """The sizes of the items in each bin sum up to one capacity at most; any integers are bins."""

    __slots__ = ()

    def prune(self, store: Store) -> None:
        (capacity,) = self.loads
        if not all([store.is_bounded(x) for x in self.bins]) or not self.bins:
            return
        first = min([store.lo[x] for x in self.bins])
        last = max([store.hi[x] for x in self.bins])
        store.set_lo(capacity, -(-sum(self.sizes) // (last - first + 1)))
        if last - first < _BINS_LIMIT:
            for k in range(first, last + 1):
                self._fill(store, k, capacity)


def _sums(base: int, sizes: Sequence[int]) -> int:
    """The sums of subsets, as bits."""
    found = 1 << base
    for size in sizes:
        found |= found << size
    return found


class Filling(Pruning):
    """The weight and the profit of the amounts of several things, none of them negative.

    The best profit for the weight that is free, and the least weight for the profit that is needed, when
    things can be divided (Dantzig, 1957), bound both; amounts that would cost more of the profit than can be
    spared are cut by their reduced costs. The sums themselves are linear constraints.
    """

    __slots__ = ("amounts", "order", "profit", "profits", "weight", "weights")

    def __init__(
        self,
        amounts: Sequence[int],
        weights: Sequence[int],
        profits: Sequence[int],
        weight: int,
        profit: int,
        holds: Meaning,
    ) -> None:
        super().__init__([*amounts, weight, profit], holds)
        self.amounts = tuple(amounts)
        self.weights = tuple(weights)
        self.profits = tuple(profits)
        self.weight = weight
        self.profit = profit
        useful = [k for k in range(len(amounts)) if profits[k]]
        # The best first: those without weight, then by profit for the weight.
        self.order = sorted(useful, key=lambda k: (weights[k] > 0, Fraction(-profits[k], weights[k] or 1)))

    def prune(self, store: Store) -> None:
        lo, hi = store.lo, store.hi
        for x in self.amounts:
            store.set_lo(x, 0)
        if not all([store.is_bounded(x) for x in (*self.amounts, self.weight)]):
            return
        base_weight = sum([w * lo[x] for w, x in zip(self.weights, self.amounts, strict=True)])
        base_profit = sum([p * lo[x] for p, x in zip(self.profits, self.amounts, strict=True)])
        free = hi[self.weight] - base_weight
        if free < 0:
            store.fail()
        best, rate = self._most(store, free)
        store.set_hi(self.profit, base_profit + int(best))
        if lo[self.profit] > -store.limit:
            needed = lo[self.profit] - base_profit
            self._cut(store, best - needed, rate)
            self._least(store, base_weight, needed)

    def _most(self, store: Store, free: int) -> tuple[Fraction, Fraction]:
        """The best profit beside what is certain, and the profit for the last unit of weight."""
        best = Fraction(0)
        for k in self.order:
            x, w, p = self.amounts[k], self.weights[k], self.profits[k]
            more = store.hi[x] - store.lo[x]
            if w * more > free:
                return best + Fraction(p * free, w), Fraction(p, w)
            best += p * more
            free -= w * more
        return best, Fraction(0)

    def _cut(self, store: Store, spare: Fraction, rate: Fraction) -> None:
        """Bounds amounts by what a change of them takes from the best profit."""
        for x, w, p in zip(self.amounts, self.weights, self.profits, strict=True):
            cost = w * rate - p
            if cost > 0:
                store.set_hi(x, store.lo[x] + int(spare // cost))
            elif cost < 0:
                store.set_lo(x, store.hi[x] - int(spare // -cost))

    def _least(self, store: Store, base: int, needed: int) -> None:
        """The least weight that brings the profit."""
        weight = Fraction(base)
        for k in self.order:
            if needed <= 0:
                break
            x, w, p = self.amounts[k], self.weights[k], self.profits[k]
            taken = min(Fraction(store.hi[x] - store.lo[x]), Fraction(needed, p))
            weight += w * taken
            needed -= int(p * taken) if taken.denominator == 1 else needed
        if needed > 0:
            store.fail()
        store.set_lo(self.weight, -(-weight.numerator // weight.denominator))
