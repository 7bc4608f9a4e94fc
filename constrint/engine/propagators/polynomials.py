"""Polynomial equations as a whole: once two variables are left, their pairs are found by exact roots."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from constrint.conics import Conic, least_bound, points, points_within
from constrint.engine.propagator import SLOW, Propagator
from constrint.engine.propagators.arithmetic import PowerOfConstant, Product, exact_roots
from constrint.engine.propagators.linear import LinearEq
from constrint.engine.store import SET_LIMIT, TRUE, Store

_FEW_TRIED = 1 << 6
_MOST_TRIED = 1 << 12
_MOST_TRIED_ONCE = 1 << 15
"""Values of one variable that are tried one by one: before a conic is asked, in a search, and at its root."""

_MOST_VARIABLES = 8
_MOST_DEGREE = 8

_FIRST_BITS = 64
"""Points of a hyperbola without bounds are first looked for up to 2 ** _FIRST_BITS."""

Monomial = tuple[tuple[int, int], ...]
"""(variable, exponent) of its factors, by variable."""

Coefficients = dict[tuple[int, int], int]
"""Of x ** i · y ** j by (i, j), for the two variables that are left."""


class Polynomial(Propagator):
    """Σ cᵢ·mᵢ = value over monomials mᵢ, which is propagated elsewhere, term by term.

    Domain consistent once two variables are left, if one has few values and the equation can be solved for
    the other, or both stand on a hyperbola; of a hyperbola a·x² + b·y² = c without bounds the least values.
    """

    __slots__ = ("terms", "value")
    turn = SLOW

    def __init__(self, terms: Sequence[tuple[int, Monomial]], value: int) -> None:
        xs = sorted({x for _, monomial in terms for x, _ in monomial})
        self.terms = tuple(terms)
        self.value = value
        conic = len(xs) == 2 and _is_pell(self._left(xs[0], xs[1], ()))
        super().__init__(xs, fixed=xs, bounds=xs if conic else ())

    def propagate(self, store: Store) -> None:
        lo, hi = store.lo, store.hi
        free: list[int] = []
        for x in self.scope:
            if lo[x] != hi[x]:
                if len(free) == 2:
                    return
                free.append(x)
        if len(free) != 2:
            return
        x, y = free
        if store.size(x) > store.size(y):
            x, y = y, x
        left = self._left(x, y, lo)
        if not left:
            return
        size = store.size(x) if store.is_bounded(x) else None
        if size is not None and size <= _FEW_TRIED and self._try_all(store, x, y, left):
            return
        if _is_pell(left):
            if self._pell(store, x, y, left):
                return
        elif store.is_bounded(x) and store.is_bounded(y) and max(i + j for i, j in left) <= 2:
            box = (lo[x], hi[x]), (lo[y], hi[y])
            found = points_within(Conic(*(left.get(key, 0) for key in _CONIC)), *box)
            if found is not None:
                self._keep(store, x, y, found)
                return
        if size is not None and _FEW_TRIED < size <= (_MOST_TRIED if store.searching else _MOST_TRIED_ONCE):
            self._try_all(store, x, y, left)

    def _left(self, x: int, y: int, values: Sequence[int]) -> Coefficients:
        """The equation in the two variables that are free, as Σ c·xⁱ·yʲ = 0."""
        left = {(0, 0): -self.value}
        for coefficient, monomial in self.terms:
            i = j = 0
            for z, n in monomial:
                if z == x:
                    i = n
                elif z == y:
                    j = n
                else:
                    coefficient *= values[z] ** n
            left[i, j] = left.get((i, j), 0) + coefficient
        return {key: c for key, c in left.items() if c}

    def _try_all(self, store: Store, x: int, y: int, left: Coefficients) -> bool:
        """Finds the y of each x; False where that is not to be done."""
        if not _is_worth_trying(store, x, y, left):
            return False
        firsts = []
        seconds = set()
        for v, roots in _solutions(left, store.members(x)):
            if roots is None:
                return False
            inside = [w for w in roots if store.contains(y, w)]
            if inside:
                firsts.append(v)
                seconds.update(inside)
        if not firsts:
            store.fail()
        if len(firsts) <= SET_LIMIT:
            store.keep(x, firsts)
            store.keep(y, sorted(seconds))
        return True

    def _keep(self, store: Store, x: int, y: int, found: Iterable[tuple[int, int]]) -> None:
        kept = [(v, w) for v, w in found if store.contains(x, v) and store.contains(y, w)]
        if not kept:
            store.fail()
        if len(kept) <= SET_LIMIT:
            store.keep(x, sorted({v for v, _ in kept}))
            store.keep(y, sorted({w for _, w in kept}))

    def _pell(self, store: Store, x: int, y: int, left: Coefficients) -> bool:
        """a·x² + b·y² = rest, of which one coefficient is positive and the other negative; whether the points
        within bounds were found, or the least ones where there are none."""
        if left[2, 0] < 0:
            x, y, left = y, x, {(j, i): c for (i, j), c in left.items()}
        a, b, rest = left[2, 0], left[0, 2], -left.get((0, 0), 0)
        lo, hi, limit = store.lo, store.hi, store.limit
        # |x| and |y| grow together, so that the bounds of one are enough.
        most = max(hi[y], -lo[y])
        if hi[x] < limit and lo[x] > -limit:
            largest = max(hi[x], -lo[x])
            most = min(most, math.isqrt(max(0, (a * largest * largest - rest) // -b)))
        if most < limit:
            found = points(a, b, rest, most)
            if found is not None:
                self._keep(store, x, y, {(p, q) for v, w in found for p in (v, -v) for q in (w, -w)})
            return found is not None
        if lo[x] < 0 or lo[y] < 0:
            return False
        bits = max(_FIRST_BITS, 2 * lo[y].bit_length())
        while bits < limit.bit_length():
            found = points(a, b, rest, 1 << bits)
            if found is None:
                return False
            if not found:
                least = least_bound(a, b, rest)
                if least is not None and least <= 1 << bits:
                    store.fail()
            for p, q in found:
                if p >= lo[x] and q >= lo[y] and store.contains(x, p) and store.contains(y, q):
                    store.set_lo(x, p)
                    store.set_lo(y, q)
                    return True
            bits *= 2
        return False


_CONIC = ((2, 0), (1, 1), (0, 2), (1, 0), (0, 1), (0, 0))


def _is_pell(left: Coefficients) -> bool:
    """Whether it is a·x² + b·y² = c with a·b < 0."""
    return left.keys() - {(0, 0)} == {(2, 0), (0, 2)} and (left[2, 0] < 0) != (left[0, 2] < 0)


def _is_worth_trying(store: Store, x: int, y: int, left: Coefficients) -> bool:
    """Whether it can tell more than what is known term by term.

    The sum of a power of x and one of y is domain consistent between two sets of values. Of linear terms it
    is bounds consistent, which is left at that.
    """
    degrees = left.keys() - {(0, 0)}
    if len(degrees) > 2 or any(i and j for i, j in degrees):
        return True
    sets = [store.values[z] is not None for z in (x, y)]
    return (0, 1) not in left and ((1, 0) not in left or sets[0]) and not all(sets)


def _solutions(left: Coefficients, values: Iterable[int]) -> Iterator[tuple[int, Sequence[int] | None]]:
    """Each x that may be in a solution, with every y that is; None where that is any, or not easy to tell."""
    powers = sorted({j for _, j in left if j})
    degrees = sorted(left.keys() - {(0, 0)})
    if not powers or (len(powers) > 1 and powers != [1, 2]):
        yield 0, None
    elif len(degrees) == 2 and degrees[0][0] == degrees[1][1] == 0:
        # b·yᵐ + a·xⁿ + c = 0, of which many are tried.
        (_, m), (n, _) = degrees
        a, b, c = left[n, 0], left[0, m], left.get((0, 0), 0)
        for v in values:
            quotient, remainder = divmod(-a * v**n - c, b)
            if not remainder:
                yield v, exact_roots(quotient, m)
    else:
        parts = [[(i, c) for (i, j), c in left.items() if j == power] for power in (0, *powers)]
        for v in values:
            constant, *others = [sum([c * v**i for i, c in part]) for part in parts]
            yield v, _roots(powers, others, constant)


def _roots(powers: Sequence[int], coefficients: Sequence[int], constant: int) -> Sequence[int] | None:
    """Every integer w with Σ coefficientⱼ·w ** powerⱼ + constant = 0; None where that is all of them."""
    if not any(coefficients):
        return () if constant else None
    if len(powers) == 2 and coefficients[1]:
        b, a = coefficients
        square = b * b - 4 * a * constant
        root = math.isqrt(square) if square >= 0 else -1
        if root * root != square:
            return ()
        return [(s - b) // (2 * a) for s in (root, -root) if (s - b) % (2 * a) == 0]
    quotient, remainder = divmod(-constant, coefficients[0])
    return () if remainder else exact_roots(quotient, powers[0])


def polynomials(store: Store) -> list[Polynomial]:
    """The equalities of the store in powers and products of variables.

    Without those that give the value of a variable which stands alone: propagation is enough for them.
    """
    meanings: dict[int, Monomial] = {}
    for propagator in store.propagators:
        if isinstance(propagator, PowerOfConstant):
            meanings[propagator.z] = ((propagator.x, propagator.n),)
        elif isinstance(propagator, Product):
            meanings[propagator.z] = tuple((x, 1) for x in propagator.xs)
    found = []
    if meanings:
        for number, propagator in enumerate(store.propagators):
            if not isinstance(propagator, LinearEq) or store.entailed[number] or propagator.truth != TRUE:
                continue
            terms = [(c, _monomial(z, meanings)) for c, z in propagator.terms]
            if _is_suitable(terms):
                found.append(Polynomial(terms, propagator.value))
    return found


def _monomial(z: int, meanings: Mapping[int, Monomial]) -> Monomial:
    """What z is the product of."""
    powers: dict[int, int] = {}
    waiting = [(z, 1)]
    while waiting:
        x, n = waiting.pop()
        if x in meanings:
            waiting += [(factor, n * m) for factor, m in meanings[x]]
        else:
            powers[x] = powers.get(x, 0) + n
    return tuple(sorted(powers.items()))


def _is_suitable(terms: Sequence[tuple[int, Monomial]]) -> bool:
    xs = {x for _, monomial in terms for x, _ in monomial}
    if not 1 < len(xs) <= _MOST_VARIABLES or any(n > _MOST_DEGREE for _, m in terms for _, n in m):
        return False
    curved = [monomial for _, monomial in terms if len(monomial) > 1 or monomial[0][1] > 1]
    if len(xs) == len(terms) and not any(len(monomial) > 1 for monomial in curved):
        return bool(curved)
    return xs == {x for monomial in curved for x, _ in monomial}
