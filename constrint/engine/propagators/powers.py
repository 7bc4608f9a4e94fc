"""Sums of powers as a whole: once two variables are left, their pairs are found by exact roots."""

from __future__ import annotations

import math
from collections.abc import Sequence

from constrint.conics import least_bound, points
from constrint.engine.propagator import SLOW, Propagator
from constrint.engine.propagators.arithmetic import PowerOfConstant, exact_roots
from constrint.engine.propagators.linear import LinearEq
from constrint.engine.store import SET_LIMIT, TRUE, Store

_MOST_TRIED = 1 << 12
_MOST_TRIED_ONCE = 1 << 15
"""Values of one variable that are tried one by one in a search, and at its root."""

_MOST_TERMS = 8

_FIRST_BITS = 64
"""Points of a hyperbola without bounds are first looked for up to 2 ** _FIRST_BITS."""

Term = tuple[int, int, int]
"""(coefficient, variable, exponent)"""


class PowerSum(Propagator):
    """Σ cᵢ·xᵢ ** nᵢ = value, which is propagated elsewhere, term by term.

    Domain consistent once two variables are left, if one has few values or both stand on a hyperbola,
    a·x² + b·y² = c with a·b < 0; of an unbounded one the least values.
    """

    __slots__ = ("terms", "value")
    turn = SLOW

    def __init__(self, terms: Sequence[Term], value: int) -> None:
        xs = [x for _, x, _ in terms]
        super().__init__(xs, fixed=xs, bounds=xs if len(xs) == 2 and _is_conic(terms) else ())
        self.terms = tuple(terms)
        self.value = value

    def propagate(self, store: Store) -> None:
        lo, hi = store.lo, store.hi
        rest = self.value
        free: list[Term] = []
        for term in self.terms:
            c, x, n = term
            if lo[x] == hi[x]:
                rest -= c * lo[x] ** n
            elif len(free) == 2:
                return
            else:
                free.append(term)
        if len(free) != 2:
            return
        first, second = sorted(free, key=lambda term: store.size(term[1]))
        x = first[1]
        most = _MOST_TRIED if store.searching else _MOST_TRIED_ONCE
        if store.is_bounded(x) and store.size(x) <= most:
            if second[2] > 1 and (first[2] > 1 or store.values[x] is not None):
                self._try_all(store, first, second, rest)
        elif _is_conic(free):
            a, b = (first, second) if first[0] > 0 else (second, first)
            self._hyperbola(store, a, b, rest)

    def _try_all(self, store: Store, first: Term, second: Term, rest: int) -> None:
        (a, x, n), (b, y, m) = first, second
        if store.values[x] is not None and store.values[y] is not None:
            # Then the sum of the two powers is domain consistent by itself.
            return
        firsts = []
        seconds = set()
        for v in store.members(x):
            quotient, remainder = divmod(rest - a * v**n, b)
            if remainder:
                continue
            roots = [w for w in exact_roots(quotient, m) if store.contains(y, w)]
            if roots:
                firsts.append(v)
                seconds.update(roots)
        if not firsts:
            store.fail()
        if len(firsts) <= SET_LIMIT:
            store.keep(x, firsts)
            store.keep(y, sorted(seconds))

    def _hyperbola(self, store: Store, first: Term, second: Term, rest: int) -> None:
        (a, x, _), (b, y, _) = first, second
        lo, hi, limit = store.lo, store.hi, store.limit
        # |x| and |y| grow together, so that the bounds of one are enough.
        most = max(hi[y], -lo[y])
        if hi[x] < limit and lo[x] > -limit:
            largest = max(hi[x], -lo[x])
            most = min(most, math.isqrt(max(0, (a * largest * largest - rest) // -b)))
        if most < limit:
            found = points(a, b, rest, most)
            if found is not None and len(found) <= SET_LIMIT:
                signed = {(p, q) for v, w in found for p in (v, -v) for q in (w, -w)}
                kept = [(p, q) for p, q in signed if store.contains(x, p) and store.contains(y, q)]
                if not kept:
                    store.fail()
                store.keep(x, sorted({p for p, _ in kept}))
                store.keep(y, sorted({q for _, q in kept}))
            return
        if lo[x] < 0 or lo[y] < 0:
            return
        bits = max(_FIRST_BITS, 2 * lo[y].bit_length())
        while bits < limit.bit_length():
            found = points(a, b, rest, 1 << bits)
            if found is None:
                return
            if not found:
                least = least_bound(a, b, rest)
                if least is not None and least <= 1 << bits:
                    store.fail()
            for p, q in found:
                if p >= lo[x] and q >= lo[y] and store.contains(x, p) and store.contains(y, q):
                    store.set_lo(x, p)
                    store.set_lo(y, q)
                    return
            bits *= 2


def _is_conic(terms: Sequence[Term]) -> bool:
    (a, _, n), (b, _, m) = terms
    return n == m == 2 and (a < 0) != (b < 0)


def power_sums(store: Store) -> list[PowerSum]:
    """The equalities of the store that are sums of powers of variables, each of which occurs once."""
    powers = {p.z: (p.x, p.n) for p in store.propagators if isinstance(p, PowerOfConstant)}
    found = []
    if powers:
        for number, propagator in enumerate(store.propagators):
            if not isinstance(propagator, LinearEq) or store.entailed[number] or propagator.truth != TRUE:
                continue
            terms = [(c, *powers.get(z, (z, 1))) for c, z in propagator.terms]
            several = len({x for _, x, _ in terms}) == len(terms) and 1 < len(terms) <= _MOST_TERMS
            if several and any(n > 1 for _, _, n in terms):
                found.append(PowerSum(terms, propagator.value))
    return found
