"""Variables of a store that stand for terms and relations: equal ones are defined once and then shared."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from constrint.engine.propagator import Propagator
from constrint.engine.propagators.division import DivMod
from constrint.engine.propagators.linear import LinearEq
from constrint.engine.store import OutOfRange, Store

Affine = tuple[dict[int, int], int]
"""Σ coefficient·variable + constant."""


def bare_variable(affine: Affine) -> int | None:
    """The variable that the affine form is; None where it is none."""
    terms, shift = affine
    if shift == 0 and len(terms) == 1:
        ((x, c),) = terms.items()
        if c == 1:
            return x
    return None


class Definitions:
    """The variables that were defined in `store`, by what they mean."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._known: dict[Hashable, int] = {}
        self._coefficient_limit = 1 << store.limit.bit_length() // 4

    def constant(self, value: int) -> int:
        """The variable that is the constant `value`."""
        if value == 1:
            return 0
        key = ("constant", value)
        if key not in self._known:
            self._known[key] = self.store.new_variable(value, value)
        return self._known[key]

    def variable(self, affine: Affine) -> int:
        """A variable equal to the affine form."""
        terms, shift = affine
        if not terms:
            return self.constant(shift)
        x = bare_variable(affine)
        if x is not None:
            return x
        items = tuple(sorted([(x, c) for x, c in terms.items() if c]))
        self._check_coefficients(terms)
        key = ("sum", items, shift)
        if key not in self._known:
            self._known[key] = z = self.store.new_variable(None, None)
            self.store.post(LinearEq([(c, x) for x, c in items] + [(-1, z)], -shift))
        return self._known[key]

    def function(self, key: Hashable, make: Callable[[int], Propagator], target: int | None) -> Affine:
        """The value of a function: one variable for each key, `target` if it is the first."""
        if key not in self._known:
            z = self.store.new_variable(None, None) if target is None else target
            self._known[key] = z
            self.store.post(make(z))
        return {self._known[key]: 1}, 0

    def division(self, a: int, b: int, quotient: int | None, remainder: int | None) -> tuple[int, int]:
        """The variables a // b and a % b, which share one propagator."""
        key = ("//", a, b)
        if key not in self._known:
            q = self.store.new_variable(None, None) if quotient is None else quotient
            r = self.store.new_variable(None, None) if remainder is None else remainder
            self._known[key], self._known["%", a, b] = q, r
            self.store.post(DivMod(a, b, q, r))
        return self._known[key], self._known["%", a, b]

    def truth(self, key: Hashable, make: Callable[[int], Propagator]) -> int:
        """The literal of a reified relation; relations with the same key share it."""
        if key not in self._known:
            self._known[key] = b = self.store.new_variable(0, 1)
            self.store.post(make(2 * b))
        return 2 * self._known[key]

    def difference(self, left: Affine, right: Affine) -> tuple[list[tuple[int, int]], int]:
        """left - right as sorted terms and the bound on the other side; what is fixed becomes part of it."""
        lo, hi = self.store.lo, self.store.hi
        sums = dict(left[0])
        for x, c in right[0].items():
            sums[x] = sums.get(x, 0) - c
        bound = right[1] - left[1]
        self._check_coefficients(sums)
        terms = []
        for x in sorted(sums):
            c = sums[x]
            if c:
                if lo[x] == hi[x]:
                    bound -= c * lo[x]
                else:
                    terms.append((c, x))
        return terms, bound

    def _check_coefficients(self, terms: dict[int, int]) -> None:
        """Raises OutOfRange for a coefficient so large that a bound times it might pass for infinite."""
        if terms and max(max(terms.values()), -min(terms.values())) >= self._coefficient_limit:
            raise OutOfRange
