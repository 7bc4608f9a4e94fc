"""Bounds of an objective that no single constraint gives: linear rows, and rounds through places, next to the
objective's own row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from constrint.engine.propagators.linear import LinearLe
from constrint.engine.propagators.membership import Element
from constrint.engine.propagators.routes import Round
from constrint.engine.propagators.tours import TourCost
from constrint.engine.propagators.tradeoff import Tradeoff
from constrint.engine.store import TRUE, Store
from constrint.rows import Row, count_rows, linear_rows

_LEAST_OPPOSED = 2
_MOST_ROWS = 64
"""A row is taken if so many of its variables pull against the objective; of very many rows, the first."""

_COUNTED = -1
"""Stands for the origin of rows that are not linear constraints themselves."""

_MOST_PLACES = 64
"""Longer rounds are not taken together with their cost."""


def relate(store: Store, objective: int) -> dict[int, bool]:
    """States next to each other the row that says what the objective (to be minimised) costs, and the rows
    that its variables are in. Returns of each variable of the objective's row whether its largest value is
    the best for the objective.

    Raises Inconsistent where the present domains turn out to have no solution.
    """
    rows = linear_rows(store)
    costs = [item for item in rows if item[0][0].get(objective, 0) < 0]
    if costs:
        rows += [(row, _COUNTED) for row in count_rows(store)]
    best_largest: dict[int, bool] = {}
    for cost, source in costs:
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
        together = combined(store, cost, objective, [row for row, origin in rows if origin not in origins])
        if together is not None:
            store.post(LinearLe(_terms(together), together[1], TRUE))
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


def combined(store: Store, cost: Row, objective: int, rows: Sequence[Row]) -> Row | None:
    """The cost together with as many rows as raise its bound, by dual ascent: a row that the best point for
    the cost violates is added until a variable has no cost of its own left. None where less than two help.
    """
    total = {x: Fraction(c) for x, c in cost[0].items()}
    bound = Fraction(cost[1])
    helped = 0
    for row, most in rows:
        if objective in row or not all(map(store.is_bounded, row)):
            continue
        excess = -most
        for x, w in row.items():
            c = total.get(x, 0) or w
            excess += w * (store.lo[x] if c > 0 else store.hi[x])
        against = [abs(total[x] / w) for x, w in row.items() if total.get(x, 0) * w < 0]
        if excess > 0 and against:
            factor = min(against)
            for x, w in row.items():
                total[x] = total.get(x, Fraction(0)) + factor * w
            bound += factor * most
            helped += 1
    if helped < 2:
        return None
    scale = math.lcm(bound.denominator, *[c.denominator for c in total.values()])
    return {x: int(scale * c) for x, c in total.items() if c}, int(scale * bound)


def _eliminate(y: int, first: Row, second: Row) -> Row:
    """The combination of two rows in which y, whose coefficients have opposite signs, cancels out."""
    p, q = abs(second[0][y]), abs(first[0][y])
    total = {x: p * c for x, c in first[0].items()}
    for x, c in second[0].items():
        total[x] = total.get(x, 0) + q * c
    return {x: c for x, c in total.items() if c}, p * first[1] + q * second[1]


def _terms(row: Row) -> tuple[tuple[int, int], ...]:
    return tuple((c, x) for x, c in row[0].items())
