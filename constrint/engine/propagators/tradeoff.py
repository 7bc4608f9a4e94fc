"""What it costs to keep a linear row: two rows that pull in opposite directions, taken together."""

from __future__ import annotations

import math
from fractions import Fraction

from constrint.engine.propagator import SLOW, Propagator
from constrint.engine.propagators.linear import Terms, at_most
from constrint.engine.store import Store


class Tradeoff(Propagator):
    """Σ cᵢ·xᵢ <= a and Σ wᵢ·xᵢ <= b, both of which are propagated elsewhere.

    Of their combinations q·(first) + p·(second), the one that bounds the first row best: by the greedy
    solution of the continuous knapsack problem (Dantzig, Operations Research 1957), in which the variables
    give way in the order of |cᵢ|/|wᵢ|, and p/q is the ratio of the last. Bounds consistent on that one.
    """

    __slots__ = ("bounds", "combined", "first", "opposed", "second")
    turn = SLOW
    idempotent = True

    def __init__(self, first: Terms, first_bound: int, second: Terms, second_bound: int) -> None:
        variables = list(dict.fromkeys(x for _, x in (*first, *second)))
        super().__init__(variables, bounds=variables)
        self.first = tuple(first)
        self.second = tuple(second)
        self.bounds = (first_bound, second_bound)
        costs = {x: c for c, x in first}
        self.opposed = tuple(
            sorted(
                [(costs[x], w, x) for w, x in second if costs.get(x, 0) * w < 0],
                key=lambda item: Fraction(abs(item[0]), abs(item[1])),
            )
        )
        """(c, w, x) of opposite signs: what is good for one row is bad for the other."""
        self.combined: list[tuple[Terms, int] | None] = [None] * len(self.opposed)

    def propagate(self, store: Store) -> None:
        lo, hi = store.lo, store.hi
        excess = -self.bounds[1]
        for w, x in self.second:
            excess += w * lo[x] if w > 0 else w * hi[x]
        # Where the first row is at its best, the opposed variables are at their worst for the second.
        for _, w, x in self.opposed:
            excess += (hi[x] - lo[x]) * (w if w > 0 else -w)
        if excess <= 0:
            return
        for k, (_, w, x) in enumerate(self.opposed):
            excess -= (hi[x] - lo[x]) * (w if w > 0 else -w)
            if excess <= 0:
                terms, bound = self._combination(k)
                at_most(store, terms, bound)
                return

    def _combination(self, k: int) -> tuple[Terms, int]:
        """q·(first) + p·(second) with p/q = |c|/|w| of the k-th opposed variable, which cancels out."""
        known = self.combined[k]
        if known is None:
            c, w, _ = self.opposed[k]
            divisor = math.gcd(c, w)
            p, q = abs(c) // divisor, abs(w) // divisor
            total = {x: q * c for c, x in self.first}
            for w, x in self.second:
                total[x] = total.get(x, 0) + p * w
            known = (
                tuple((c, x) for x, c in total.items() if c),
                q * self.bounds[0] + p * self.bounds[1],
            )
            self.combined[k] = known
        return known
