"""Literals for relations between variables: each holds exactly where its relation does (reification)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from constrint.engine.propagators.division import Divides
from constrint.engine.propagators.linear import LinearEq, LinearLe, extent
from constrint.engine.propagators.logic import Disjunction, Parity
from constrint.engine.propagators.membership import AtMost, Equals, Member
from constrint.engine.store import FALSE, TRUE
from constrint.expressions import Op
from constrint.lowering.definitions import Affine, Definitions


class Reification(Definitions):
    """Definitions of truth values. What the domains decide already, and a bit, need no variable."""

    def compare(self, op: Op, left: Affine, right: Affine) -> int:
        """The truth of left op right, for ==, != and <=."""
        if op is Op.NOT_EQUAL:
            return self.compare(Op.EQUAL, left, right) ^ 1
        terms, bound = self.difference(left, right)
        if not terms:
            return TRUE if (bound == 0 if op is Op.EQUAL else bound >= 0) else FALSE
        divisor = math.gcd(*[c for c, _ in terms])
        if op is Op.EQUAL and bound % divisor:
            return FALSE
        # One sign for each relation, so that it and its opposite share a variable.
        flip = terms[0][0] < 0
        if flip and op is Op.EQUAL:
            divisor, flip = -divisor, False
        terms = [(c // divisor, x) for c, x in terms]
        bound //= divisor
        if flip:
            # ¬(Σ <= b) is -Σ <= -b - 1.
            terms, bound = [(-c, x) for c, x in terms], -bound - 1
        least, most = extent(self.store, terms)
        if op is Op.EQUAL:
            if not least <= bound <= most:
                return FALSE
            if len(terms) == 1:
                return self.equals(terms[0][1], bound)
            return self.truth(("==", *terms, bound), lambda b: LinearEq(terms, bound, b))
        if most <= bound or least > bound:
            truth = TRUE if most <= bound else FALSE
        elif len(terms) == 1:
            truth = self.at_most(terms[0][1], bound)
        else:
            truth = self.truth(("<=", *terms, bound), lambda b: LinearLe(terms, bound, b))
        return truth ^ 1 if flip else truth

    def at_most(self, x: int, bound: int) -> int:
        """The truth of x <= bound."""
        store = self.store
        if store.hi[x] <= bound:
            return TRUE
        if store.lo[x] > bound:
            return FALSE
        if self._is_bit(x):
            return 2 * x + 1
        return self.truth(("at most", x, bound), lambda b: AtMost(x, bound, b))

    def equals(self, x: int, value: int) -> int:
        """The truth of x = value."""
        store = self.store
        if not store.contains(x, value):
            return FALSE
        if store.is_fixed(x):
            return TRUE
        if self._is_bit(x):
            return 2 * x if value else 2 * x + 1
        return self.truth(("equals", x, value), lambda b: Equals(x, value, b))

    def member(self, x: int, values: tuple[int, ...]) -> int:
        """Whether x is one of `values`, which are ascending."""
        if len(values) == 1:
            return self.equals(x, values[0])
        return self.truth(("in", x, values), lambda b: Member(x, values, b))

    def divides(self, a: int, b: int) -> int:
        """Whether a divides b."""
        return self.truth(("divides", a, b), lambda truth: Divides(a, b, truth))

    def either(self, literals: Sequence[int]) -> int:
        """A literal for "at least one of them"."""
        store = self.store
        open_ones = sorted({literal for literal in literals if not store.is_false(literal)})
        for literal in open_ones:
            if store.is_true(literal) or literal ^ 1 in open_ones:
                return TRUE
        if not open_ones:
            return FALSE
        if len(open_ones) == 1:
            return open_ones[0]
        return self.truth(("any", *open_ones), lambda b: Disjunction(open_ones, b))

    def both(self, literals: Sequence[int]) -> int:
        """A literal for "all of them"."""
        return self.either([literal ^ 1 for literal in literals]) ^ 1

    def odd(self, literals: list[int]) -> int:
        """A literal for "an odd number of them"."""
        open_ones = []
        odd = False
        for literal in literals:
            if self.store.is_true(literal):
                odd = not odd
            elif not self.store.is_false(literal):
                open_ones.append(literal & ~1)
                odd ^= bool(literal & 1)
        # A pair of the same literal cancels out.
        single = sorted(literal for literal in set(open_ones) if open_ones.count(literal) % 2)
        if not single:
            return TRUE if odd else FALSE
        truth = single[0]
        if len(single) > 1:
            truth = self.truth(("odd", *single), lambda b: Parity([*single, b, TRUE]))
        return truth ^ 1 if odd else truth

    def _is_bit(self, x: int) -> bool:
        return self.store.lo[x] >= 0 and self.store.hi[x] <= 1
