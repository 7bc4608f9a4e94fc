"""Linear relations: Σ cᵢ·xᵢ  <=, =, !=  constant, each with a truth literal."""

from __future__ import annotations

import math
from collections.abc import Sequence

from constrint.engine.propagator import EAGER, Propagator
from constrint.engine.store import TRUE, Store
from constrint.numbers import solve_congruence

Terms = Sequence[tuple[int, int]]
"""(coefficient, variable) pairs; no coefficient is 0 and no variable occurs twice."""

_LATTICE_TERMS = 3
"""In the search, congruences are only passed on once so few variables of an equality are left."""


class LinearLe(Propagator):
    """truth ⇔ Σ cᵢ·xᵢ <= bound. Bounds consistent."""

    __slots__ = ("bound", "terms", "truth")
    turn = EAGER
    idempotent = True

    def __init__(self, terms: Terms, bound: int, truth: int = TRUE) -> None:
        variables = [x for _, x in terms]
        super().__init__([truth >> 1, *variables], fixed=[truth >> 1], bounds=variables)
        self.terms = tuple(terms)
        self.bound = bound
        self.truth = truth

    def propagate(self, store: Store) -> None:
        if store.is_true(self.truth):
            at_most(store, self.terms, self.bound)
        elif store.is_false(self.truth):
            at_most(store, [(-c, x) for c, x in self.terms], -self.bound - 1)
        else:
            least, most = extent(store, self.terms)
            if most <= self.bound:
                store.assign(self.truth)
                store.entail(self)
            elif least > self.bound:
                store.assign(self.truth ^ 1)
                store.entail(self)


class LinearEq(Propagator):
    """truth ⇔ Σ cᵢ·xᵢ = value.

    True: bounds consistent over the rationals, and congruences (the gcd of the other terms' moduli) pass
    between the variables; for two explicit sets domain consistent. False: the last value is removed.
    """

    __slots__ = ("terms", "truth", "value")
    turn = EAGER

    def __init__(self, terms: Terms, value: int, truth: int = TRUE) -> None:
        variables = [x for _, x in terms]
        if len(terms) <= _LATTICE_TERMS:
            super().__init__([truth >> 1, *variables], fixed=[truth >> 1], change=variables)
        else:
            super().__init__([truth >> 1, *variables], fixed=[truth >> 1], bounds=variables)
        self.terms = tuple(terms)
        self.value = value
        self.truth = truth

    def propagate(self, store: Store) -> None:
        if store.is_true(self.truth):
            equal(store, self.terms, self.value)
        elif store.is_false(self.truth):
            if differ(store, self.terms, self.value):
                store.entail(self)
        else:
            least, most = extent(store, self.terms)
            if least == most == self.value:
                store.assign(self.truth)
            elif not least <= self.value <= most or self._clash(store):
                store.assign(self.truth ^ 1)
                store.entail(self)

    def _clash(self, store: Store) -> bool:
        """Whether the congruences, or one or two explicit sets, rule the equality out."""
        if len(self.terms) == 1:
            ((c, x),) = self.terms
            return self.value % c != 0 or not store.contains(x, self.value // c)
        modulus, rest = 0, self.value
        for c, x in self.terms:
            if store.is_fixed(x):
                rest -= c * store.lo[x]
            else:
                rest -= c * store.rem[x]
                modulus = math.gcd(modulus, c * store.mod[x])
        if modulus and rest % modulus:
            return True
        if len(self.terms) == 2:
            (a, x), (b, y) = self.terms
            if store.values[x] is not None and store.values[y] is not None:
                reached = {self.value - a * v for v in store.members(x)}
                return all(b * v not in reached for v in store.members(y))
        return False


class LinearNe(Propagator):
    """Σ cᵢ·xᵢ != value. Domain consistent: the last free variable loses its value."""

    __slots__ = ("terms", "value")
    turn = EAGER
    idempotent = True

    def __init__(self, terms: Terms, value: int) -> None:
        variables = [x for _, x in terms]
        super().__init__(variables, fixed=variables, bounds=variables if len(terms) == 1 else ())
        self.terms = tuple(terms)
        self.value = value

    def propagate(self, store: Store) -> None:
        if differ(store, self.terms, self.value):
            store.entail(self)


def extent(store: Store, terms: Terms) -> tuple[int, int]:
    """The least and the largest value of Σ cᵢ·xᵢ by the bounds."""
    lo, hi = store.lo, store.hi
    least = most = 0
    for c, x in terms:
        if c > 0:
            least += c * lo[x]
            most += c * hi[x]
        else:
            least += c * hi[x]
            most += c * lo[x]
    return least, most


def at_most(store: Store, terms: Terms, bound: int) -> None:
    """Makes Σ cᵢ·xᵢ <= bound bounds consistent, in one pass."""
    lo, hi = store.lo, store.hi
    slack = bound
    for c, x in terms:
        slack -= c * lo[x] if c > 0 else c * hi[x]
    if slack < 0:
        store.fail()
    for c, x in terms:
        if c > 0:
            if c * (hi[x] - lo[x]) > slack:
                store.set_hi(x, lo[x] + slack // c)
        elif c * (lo[x] - hi[x]) > slack:
            store.set_lo(x, hi[x] - slack // -c)


def equal(store: Store, terms: Terms, value: int) -> None:
    """Makes Σ cᵢ·xᵢ = value bounds consistent, and passes congruences on."""
    lo, hi = store.lo, store.hi
    while True:
        least, most = extent(store, terms)
        above, below = value - least, most - value
        if above < 0 or below < 0:
            store.fail()
        if least == most:
            return
        changed = False
        free = 0
        for c, x in terms:
            low, high = lo[x], hi[x]
            if low == high:
                continue
            free += 1
            # c·x lies within `above` of its least value and within `below` of its largest.
            if c > 0:
                if c * (high - low) > above:
                    store.set_hi(x, low + above // c)
                if c * (high - low) > below:
                    store.set_lo(x, high - below // c)
            else:
                if -c * (high - low) > above:
                    store.set_lo(x, high - above // -c)
                if -c * (high - low) > below:
                    store.set_hi(x, low + below // -c)
            if lo[x] != low or hi[x] != high:
                changed = True
        if changed:
            continue
        if free <= _LATTICE_TERMS or not store.searching:
            length = len(store.trail)
            _pass_congruences(store, terms, value)
            if len(terms) == 2:
                _match_values(store, terms, value)
            if len(store.trail) != length:
                continue
        return


def _pass_congruences(store: Store, terms: Terms, value: int) -> None:
    """c·x ≡ value - Σ others (mod the gcd of the other terms' moduli), for each free x."""
    lo, hi, mod = store.lo, store.hi, store.mod
    free = []
    moduli = []
    rest = value
    units = 0
    for c, x in terms:
        if lo[x] == hi[x]:
            rest -= c * lo[x]
            continue
        modulus = c * mod[x]
        if modulus == 1 or modulus == -1:
            units += 1
            if units > 1:
                # Whichever x is asked for, the others take every value.
                return
        free.append((c, x))
        moduli.append(modulus)
        rest -= c * store.rem[x]
    for k, (c, x) in enumerate(free):
        modulus = math.gcd(*moduli[:k], *moduli[k + 1 :])
        if modulus == 0:
            # The only free variable: x = quotient, exactly.
            quotient, remainder = divmod(rest + c * store.rem[x], c)
            if remainder:
                store.fail()
            store.fix(x, quotient)
        elif modulus > 1:
            if moduli[k] % modulus == 0:
                # What is known of x decides c·x modulo this already.
                if rest % modulus:
                    store.fail()
                continue
            solved = solve_congruence(c, rest + c * store.rem[x], modulus)
            if solved is None:
                store.fail()
            else:
                store.restrict_congruence(x, solved[0], solved[1])


def _match_values(store: Store, terms: Terms, value: int) -> None:
    """a·x + b·y = value over two explicit sets: each value needs its partner."""
    (a, x), (b, y) = terms
    if store.values[x] is None or store.values[y] is None:
        return
    partners = {value - b * v for v in store.members(y)}
    store.keep(x, [v for v in store.members(x) if a * v in partners])
    partners = {value - a * v for v in store.members(x)}
    store.keep(y, [v for v in store.members(y) if b * v in partners])


def differ(store: Store, terms: Terms, value: int) -> bool:
    """Makes Σ cᵢ·xᵢ != value domain consistent; whether it now holds whatever happens."""
    lo, hi = store.lo, store.hi
    last: tuple[int, int] | None = None
    for c, x in terms:
        if lo[x] == hi[x]:
            value -= c * lo[x]
        elif last is not None:
            return False
        else:
            last = (c, x)
    if last is None:
        if value == 0:
            store.fail()
        return True
    c, x = last
    if value % c:
        return True
    store.remove(x, value // c)
    return not store.contains(x, value // c)
