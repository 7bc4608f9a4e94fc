"""Boolean relations over literals (2·v: v is 1; 2·v + 1: v is 0)."""

from __future__ import annotations

from collections.abc import Sequence

from constrint.engine.propagator import Propagator
from constrint.engine.store import TRUE, Store


class Disjunction(Propagator):
    """truth ⇔ at least one of the literals. Domain consistent.

    A conjunction is the same relation with every literal negated.
    """

    __slots__ = ("literals", "truth")
    idempotent = True

    def __init__(self, literals: Sequence[int], truth: int = TRUE) -> None:
        variables = [literal >> 1 for literal in literals]
        super().__init__([truth >> 1, *variables], fixed=[truth >> 1, *variables])
        self.literals = tuple(literals)
        self.truth = truth

    def propagate(self, store: Store) -> None:
        free = -1
        several = False
        for literal in self.literals:
            if store.is_true(literal):
                store.assign(self.truth)
                store.entail(self)
                return
            if not store.is_false(literal):
                several = free >= 0
                free = literal
        if free < 0:
            store.assign(self.truth ^ 1)
        elif store.is_false(self.truth):
            for literal in self.literals:
                store.assign(literal ^ 1)
        elif not several and store.is_true(self.truth):
            store.assign(free)


class Parity(Propagator):
    """An odd number of the literals holds. Domain consistent."""

    __slots__ = ("literals",)
    idempotent = True

    def __init__(self, literals: Sequence[int]) -> None:
        variables = [literal >> 1 for literal in literals]
        super().__init__(variables, fixed=variables)
        self.literals = tuple(literals)

    def propagate(self, store: Store) -> None:
        odd = False
        free = -1
        for literal in self.literals:
            if store.is_true(literal):
                odd = not odd
            elif not store.is_false(literal):
                if free >= 0:
                    return
                free = literal
        if free >= 0:
            store.assign(free ^ 1 if odd else free)
        elif not odd:
            store.fail()


class Choice(Propagator):
    """z = x where the condition holds, else z = y.

    Bounds consistent, and domain consistent on explicit sets once the condition is known; z lies in the
    hull of both while the condition is open (constructive disjunction).
    """

    __slots__ = ("condition", "x", "y", "z")

    def __init__(self, z: int, condition: int, x: int, y: int) -> None:
        super().__init__([z, condition >> 1, x, y], fixed=[condition >> 1], change=[z, x, y])
        self.z = z
        self.condition = condition
        self.x = x
        self.y = y

    def propagate(self, store: Store) -> None:
        z, x, y, condition = self.z, self.x, self.y, self.condition
        if not (store.is_true(condition) or store.is_false(condition)):
            if disjoint(store, z, x):
                store.assign(condition ^ 1)
            elif disjoint(store, z, y):
                store.assign(condition)
        if store.is_true(condition):
            equate(store, z, x)
        elif store.is_false(condition):
            equate(store, z, y)
        else:
            store.set_lo(z, min(store.lo[x], store.lo[y]))
            store.set_hi(z, max(store.hi[x], store.hi[y]))


def disjoint(store: Store, x: int, y: int) -> bool:
    """Whether x and y cannot be equal, by bounds, constants and explicit sets."""
    if store.lo[x] > store.hi[y] or store.hi[x] < store.lo[y]:
        return True
    if store.is_fixed(x):
        return not store.contains(y, store.lo[x])
    if store.is_fixed(y):
        return not store.contains(x, store.lo[y])
    if store.values[x] is not None and store.values[y] is not None:
        return set(store.members(x)).isdisjoint(store.members(y))
    return False


def equate(store: Store, x: int, y: int) -> None:
    """x = y: the bounds, congruences, divisors and explicit sets of both."""
    lo, hi = store.lo, store.hi
    store.set_lo(x, lo[y])
    store.set_hi(x, hi[y])
    store.set_lo(y, lo[x])
    store.set_hi(y, hi[x])
    for one, other in ((x, y), (y, x)):
        if store.mod[other] > 1:
            store.restrict_congruence(one, store.mod[other], store.rem[other])
        if store.div[other] and store.values[one] is None and not store.is_fixed(one):
            store.restrict_divisor(one, store.div[other])
        if store.values[other] is not None:
            store.keep(one, store.members(other))
