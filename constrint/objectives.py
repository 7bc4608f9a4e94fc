"""Bounds of an objective that no single constraint gives: linear rows, and rounds through places, next to the
objective's own row."""

from __future__ import annotations

from constrint.engine.propagators.linear import LinearEq, LinearLe
from constrint.engine.propagators.membership import Element
from constrint.engine.propagators.routes import Round
from constrint.engine.propagators.tours import TourCost
from constrint.engine.propagators.tradeoff import Tradeoff
from constrint.engine.store import Store

_LEAST_OPPOSED = 2
_MOST_ROWS = 64
"""A row is taken if so many of its variables pull against the objective; of very many rows, the first."""

_MOST_PLACES = 64
"""Longer rounds are not taken together with their cost."""

Row = tuple[dict[int, int], int]
"""({variable: coefficient}, bound) of a row  Σ cᵢ·xᵢ <= bound."""


def relate(store: Store, objective: int) -> dict[int, bool]:
    """States next to each other the row that says what the objective (to be minimised) costs, and the rows
    that its variables are in. Returns of each variable of the objective's row whether its largest value is
    the best for the objective.

    Raises Inconsistent where the present domains turn out to have no solution.
    """
    rows = [
        (row, propagator)
        for number, propagator in enumerate(store.propagators)
        for row in _rows(store, number)
    ]
    best_largest: dict[int, bool] = {}
    for cost, source in [item for item in rows if item[0][0].get(objective, 0) < 0]:
        origins = {source}
        while len(cost[0]) == 2:
            # The objective is another variable's multiple: what is said of that one counts.
            (y,) = set(cost[0]) - {objective}
            against = [
                item for item in rows if item[0][0].get(y, 0) * cost[0][y] < 0 and item[1] not in origins
            ]
            if not against:
                break
            cost = _eliminate(y, cost, against[0][0])
            origins.add(against[0][1])
        best_largest.update((x, c < 0) for x, c in cost[0].items() if x != objective)
        for tour in _tours(store, cost):
            store.post(tour)
        posted = 0
        for row, origin in rows:
            opposed = sum(1 for x, w in row[0].items() if cost[0].get(x, 0) * w < 0)
            if opposed >= _LEAST_OPPOSED and origin not in origins and posted < _MOST_ROWS:
                posted += 1
                store.post(Tradeoff(_terms(cost), cost[1], _terms(row), row[1]))
    store.propagate()
    return best_largest


def _tours(store: Store, cost: Row) -> list[TourCost]:
    """The rounds whose steps cost what stands in the row: entries of arrays, by the successors of places."""
    entries = {
        propagator.index: propagator
        for propagator in store.propagators
        if isinstance(propagator, Element) and propagator.z in cost[0]
    }
    tours = []
    for propagator in list(store.propagators):
        if not isinstance(propagator, Round) or propagator.partial:
            continue
        xs = propagator.xs
        known = {x: entries[x] for x in xs if x in entries and all(map(store.is_fixed, entries[x].items))}
        if 2 < len(xs) <= _MOST_PLACES and len(known) > 1:
            costs = []
            for x in xs:
                # Of an index out of range the entry is 0.
                items = known[x].items[:-1] if x in known else ()
                row = [cost[0][known[x].z] * store.lo[item] for item in items]
                costs.append((row + [0] * len(xs))[: len(xs)])
            paid = {entry.z for entry in known.values()}
            terms = tuple((c, y) for y, c in cost[0].items() if y not in paid)
            tours.append(TourCost(xs, costs, terms, cost[1]))
    return tours


def _rows(store: Store, number: int) -> list[Row]:
    """What a propagator says linearly of the variables that are not fixed."""
    propagator = store.propagators[number]
    if store.entailed[number]:
        return []
    if isinstance(propagator, LinearEq) and store.is_true(propagator.truth):
        return [
            _row(store, propagator.terms, propagator.value, 1),
            _row(store, propagator.terms, propagator.value, -1),
        ]
    if isinstance(propagator, LinearLe) and store.is_true(propagator.truth):
        return [_row(store, propagator.terms, propagator.bound, 1)]
    if isinstance(propagator, LinearLe) and store.is_false(propagator.truth):
        return [_row(store, propagator.terms, propagator.bound + 1, -1)]
    return []


def _row(store: Store, terms: tuple[tuple[int, int], ...], bound: int, sign: int) -> Row:
    row = {}
    for c, x in terms:
        if store.is_fixed(x):
            bound -= c * store.lo[x]
        else:
            row[x] = sign * c
    return row, sign * bound


def _eliminate(y: int, first: Row, second: Row) -> Row:
    """The combination of two rows in which y, whose coefficients have opposite signs, cancels out."""
    p, q = abs(second[0][y]), abs(first[0][y])
    total = {x: p * c for x, c in first[0].items()}
    for x, c in second[0].items():
        total[x] = total.get(x, 0) + q * c
    return {x: c for x, c in total.items() if c}, p * first[1] + q * second[1]


def _terms(row: Row) -> tuple[tuple[int, int], ...]:
    return tuple((c, x) for x, c in row[0].items())
