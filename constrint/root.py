"""Root reasoning: propagation and exact linear reasoning in turns, once, before any search.

The linear rows of a program fall into components that share no free variable. Each that pays is taken as
one Z-polyhedron, whose bounds and congruences go back into the domains; where it is wide for a search and
has equalities, an integer point of it is looked for as well, or a proof that there is none.

A component pays where propagation cannot come to rest, where a variable is unbounded, or where at least
two rows leave more than 2 ** _WIDE_BITS assignments, or an equality of three variables alone leaves more
than 2 ** _WIDE_BITS_ALONE, or where equalities with large coefficients have few solutions, if any, as in a
market split. Otherwise propagation and search do better on their own. The work is limited: what the limits
leave out is only a pruning, never an answer.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from constrint.engine.propagators.arithmetic import PowerOfConstant, Product
from constrint.engine.propagators.division import DivMod
from constrint.engine.propagators.linear import LinearEq, LinearLe
from constrint.engine.store import Inconsistent, Store

_RUNS = 500
"""Propagator runs, beside some for each propagator, after which propagation counts as not settling."""

_RUNS_EACH = 10

_ROUNDS = 4
"""Turns of propagation and linear reasoning."""

_WIDE_BITS = 40
_WIDE_BITS_ALONE = 24
_NARROW_BITS = 4
"""A bounded component is left to propagation and search unless its variables have more than 2 **
_WIDE_BITS assignments (2 ** _WIDE_BITS_ALONE for an equality alone, whose point is found fast), of which
those with fewer than 2 ** _NARROW_BITS values do not count."""

_HURRIED_BITS = 120
"""In a hurry several rows with so many bits are no reason either, nor is an equality of powers and products
alone: a search may well be done before linear reasoning is."""

_HEAVY = 8
_SPLIT_BITS = 14
_SPLIT_VARIABLES = 5
"""An equality is heavy where its coefficients are as large as this on average: propagation tells little of
it. With less than 2 ** _SPLIT_BITS assignments, or fewer variables than so many for each of them, a search
is done soon even so."""

_MOST_VARIABLES = 64
_MOST_ROWS = 96
"""Larger components are left alone."""

_MOST_FOR_POINT = 40
"""With more variables no point is looked for."""

_WORK = 2_000_000
_WORK_AT_REST = 30_000
"""Entries of tableaux that pivots may touch for the bounds of a component: fewer where propagation has come
to rest and every variable is bounded."""

_POINT_WORK = 200_000
_SPLIT_WORK = 1_000_000
"""As many for a point of a component with equalities, of heavy ones more."""


@dataclass
class Component:
    """Linear rows (terms, low, high) that share variables, and these, all of them free."""

    variables: list[int]
    rows: list[tuple[dict[int, int], int | None, int | None]] = field(default_factory=list)
    is_curved: bool = True
    """Whether every variable is a power or a product of others."""

    @property
    def has_equality(self) -> bool:
        """Whether some row is an equality of at least three variables."""
        return any(low == high and len(terms) > 2 for terms, low, high in self.rows)


def settle(store: Store, *, hurried: bool = False) -> dict[int, int]:
    """Propagates to rest, with linear reasoning where it pays; values that solve the linear rows, if they
    were looked for and found. `hurried` says that a search comes next, to which more is left.

    Raises Inconsistent where there is no solution.
    """
    runs = _RUNS + _RUNS_EACH * len(store.propagators)
    resting = store.settle(runs)
    point: dict[int, int] = {}
    for _ in range(_ROUNDS):
        length = len(store.trail)
        point = {}
        found = components(store)
        needed = any(is_needed(store, component, resting) for component in found)
        for component in found:
            if pays(store, component, resting, hurried):
                point.update(_reason(store, component, resting))
        if resting and (len(store.trail) == length or not needed):
            # Where propagation is at rest within bounds, a second turn seldom tells more.
            break
        resting = store.settle(runs)
    store.propagate()
    return point


def is_needed(store: Store, component: Component, resting: bool) -> bool:
    """Whether propagation does not come to rest, or leaves a variable of the component without a bound."""
    return not resting or not all(map(store.is_bounded, component.variables))


def pays(store: Store, component: Component, resting: bool, hurried: bool = False) -> bool:
    """The policy: whether linear reasoning is worth its while for the component."""
    if len(component.variables) > _MOST_VARIABLES or len(component.rows) > _MOST_ROWS:
        return False
    if is_needed(store, component, resting):
        return True
    if len(component.rows) < 2 and not component.has_equality:
        return False
    if _is_split(store, component):
        return True
    if hurried and (
        _bits(store, component) <= _HURRIED_BITS if len(component.rows) > 1 else component.is_curved
    ):
        return False
    return _is_wide(store, component)


def _is_wide(store: Store, component: Component) -> bool:
    return _bits(store, component) > (_WIDE_BITS if len(component.rows) > 1 else _WIDE_BITS_ALONE)


def _is_split(store: Store, component: Component) -> bool:
    """Whether heavy equalities, at least two, can take more values than there are assignments: then at most
    a few are solutions, which a lattice finds and a search does not (Cornuéjols and Dawande, IPCO 1998)."""
    heavy = [
        terms
        for terms, low, high in component.rows
        if low == high and len(terms) > 2 and sum(map(abs, terms.values())) >= _HEAVY * len(terms)
    ]
    few = len(component.variables) < _SPLIT_VARIABLES * len(heavy)
    if len(heavy) < 2 or few or not all(map(store.is_bounded, component.variables)):
        return False
    assignments: int = math.prod(store.size(x) for x in component.variables)
    values: int = math.prod(
        1 + sum(abs(c) * (store.hi[x] - store.lo[x]) for x, c in terms.items()) for terms in heavy
    )
    return values > assignments >= 1 << _SPLIT_BITS


def _point_work(store: Store, component: Component) -> int:
    """The work that a point of the component is worth."""
    if not component.has_equality or len(component.variables) > _MOST_FOR_POINT:
        return 0
    if _is_split(store, component):
        return _SPLIT_WORK
    return _POINT_WORK if _is_wide(store, component) else 0


def _bits(store: Store, component: Component) -> int:
    """The logarithm of the number of assignments to the variables that are not narrow, about."""
    lengths = (store.size(x).bit_length() - 1 for x in component.variables)
    return sum(length for length in lengths if length >= _NARROW_BITS)


# The linear rows of a program ----------------------------------------------------------------------------


def components(store: Store) -> list[Component]:
    """The linear rows that must hold, over free variables, in components that share none."""
    lo, hi = store.lo, store.hi
    parent: dict[int, int] = {}

    def find(x: int) -> int:
        while parent[x] != x:
            parent[x] = parent[parent[x]]
            x = parent[x]
        return x

    rows = []
    curved = set()
    for number, propagator in enumerate(store.propagators):
        if store.entailed[number]:
            continue
        if isinstance(propagator, (Product, PowerOfConstant)):
            curved.add(propagator.z)
        for terms, low, high in _rows_of(store, propagator):
            free: dict[int, int] = {}
            fixed = 0
            for c, x in terms:
                if lo[x] == hi[x]:
                    fixed += c * lo[x]
                else:
                    free[x] = free.get(x, 0) + c
            if free:
                rows.append(
                    (free, None if low is None else low - fixed, None if high is None else high - fixed)
                )
                for x in free:
                    parent.setdefault(x, x)
                first = find(next(iter(free)))
                for x in free:
                    parent[find(x)] = first
    found: dict[int, Component] = {}
    for x in parent:
        component = found.setdefault(find(x), Component([]))
        component.variables.append(x)
        component.is_curved &= x in curved
    for row in rows:
        found[find(next(iter(row[0])))].rows.append(row)
    return list(found.values())


_Linear = tuple[Iterable[tuple[int, int]], "int | None", "int | None"]


def _rows_of(store: Store, propagator: object) -> list[_Linear]:
    """What the propagator says linearly: (terms, low, high)."""
    if isinstance(propagator, LinearLe):
        if store.is_true(propagator.truth):
            return [(propagator.terms, None, propagator.bound)]
        if store.is_false(propagator.truth):
            return [(propagator.terms, propagator.bound + 1, None)]
    elif isinstance(propagator, LinearEq):
        if store.is_true(propagator.truth):
            return [(propagator.terms, propagator.value, propagator.value)]
    elif isinstance(propagator, DivMod):
        if store.is_fixed(propagator.b) and store.lo[propagator.b]:
            terms = [(1, propagator.a), (-store.lo[propagator.b], propagator.q), (-1, propagator.r)]
            return [(terms, 0, 0)]
    elif isinstance(propagator, Product):
        free = [x for x in propagator.xs if not store.is_fixed(x)]
        if len(free) == 1:
            scale = 1
            for x in propagator.xs:
                if x != free[0]:
                    scale *= store.lo[x]
            return [([(scale, free[0]), (-1, propagator.z)], 0, 0)]
    return []


# Reasoning -----------------------------------------------------------------------------------------------


def _reason(store: Store, component: Component, resting: bool) -> dict[int, int]:
    """Prunes the component's variables by its Z-polyhedron; a point of it if one was looked for and found.

    Raises Inconsistent where it is empty.
    """
    # Only imported where it is used: a program without such rows starts faster.
    from constrint.polyhedra.layers import Empty
    from constrint.polyhedra.polyhedron import Polyhedron
    from constrint.polyhedra.rows import Row
    from constrint.polyhedra.simplex import Budget, OutOfBudget

    xs = component.variables
    optional = resting and all(map(store.is_bounded, xs))
    column = {x: k for k, x in enumerate(xs)}
    # x = rem + mod·y: the congruences of the domains are in the coordinates.
    rows = []
    for terms, low, high in component.rows:
        form = [0] * len(xs)
        shift = 0
        for x, c in terms.items():
            form[column[x]] = c * store.mod[x]
            shift += c * store.rem[x]
        rows.append(
            Row(tuple(form), None if low is None else low - shift, None if high is None else high - shift)
        )
    for x, k in column.items():
        low, high = store.lo[x], store.hi[x]
        unit = tuple(int(i == k) for i in range(len(xs)))
        least = (low - store.rem[x]) // store.mod[x] if low > -store.limit else None
        most = (high - store.rem[x]) // store.mod[x] if high < store.limit else None
        rows.append(Row(unit, least, most))
    polyhedron = Polyhedron(len(xs), rows)
    store.cause = -1
    try:
        try:
            bounds = polyhedron.bounds(Budget(_WORK_AT_REST if optional else _WORK))
        except OutOfBudget:
            return {}
        moduli = [(store.mod[x], store.rem[x]) for x in xs]
        for x, found, (mod, rem) in zip(xs, bounds, moduli, strict=True):
            if found.low is not None:
                store.set_lo(x, rem + mod * found.low)
            if found.high is not None:
                store.set_hi(x, rem + mod * found.high)
            if found.modulus > 1:
                store.restrict_congruence(x, mod * found.modulus, rem + mod * found.remainder)
        work = _point_work(store, component)
        if not work:
            return {}
        try:
            point = polyhedron.point(Budget(work))
        except OutOfBudget:
            return {}
    except Empty:
        raise Inconsistent from None
    return {x: rem + mod * y for x, y, (mod, rem) in zip(xs, point, moduli, strict=True)}
