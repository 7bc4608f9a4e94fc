"""The order of the layers: a good one keeps few variables open at any time."""

from __future__ import annotations

import math
from collections.abc import Sequence

_WORTH = math.log(2)
"""How much narrower the diagram must promise to be before it leaves the order of the declarations."""


def choose_order(scopes: Sequence[frozenset[int]], sizes: Sequence[int], first: Sequence[int]) -> list[int]:
    """The variables, those in `first` before all others, in an order that closes constraints early.

    The declared order (numerical) is kept unless the greedy one promises to be narrower. The width of a
    layer is estimated by the product of the domains of the variables above it that open constraints still
    mention.
    """
    declared = [*first, *(x for x in range(len(sizes)) if x not in set(first))]
    scopes = [scope for scope in set(scopes) if len(scope) > 1]
    if not scopes:
        return declared
    weights = [math.log(max(size, 1)) for size in sizes]
    greedy = _greedy(scopes, weights, list(first))
    if _width(declared, scopes, weights) > _width(greedy, scopes, weights) + _WORTH:
        return greedy
    return declared


def _width(order: Sequence[int], scopes: Sequence[frozenset[int]], weights: Sequence[float]) -> float:
    """The logarithm of the estimated width of the widest layer, with its arcs."""
    place = {x: k for k, x in enumerate(order)}
    # Until which layer each variable is open.
    until = [-1] * len(order)
    for scope in scopes:
        last = max(place[x] for x in scope)
        for x in scope:
            until[place[x]] = max(until[place[x]], last)
    ends: dict[int, float] = {}
    width = widest = 0.0
    for k, x in enumerate(order):
        widest = max(widest, width + weights[x])
        if until[k] > k:
            width += weights[x]
            ends[until[k]] = ends.get(until[k], 0.0) + weights[x]
        width -= ends.pop(k, 0.0)
    return widest


def _greedy(scopes: Sequence[frozenset[int]], weights: Sequence[float], order: list[int]) -> list[int]:
    """Takes next what leaves the least open; constraint by constraint, so that parts stay together."""
    of: dict[int, list[int]] = {}
    for number, scope in enumerate(scopes):
        for x in scope:
            of.setdefault(x, []).append(number)
    missing = [len(scope) for scope in scopes]
    taken = set()

    def take(x: int) -> None:
        taken.add(x)
        for number in of.get(x, ()):
            missing[number] -= 1

    for x in order:
        take(x)
    order = list(order)
    while len(order) < len(weights):
        touched = [n for n, scope in enumerate(scopes) if 0 < missing[n] < len(scope)]
        candidates = {x for n in touched for x in scopes[n]} - taken
        if not candidates:
            candidates = set(range(len(weights))) - taken
        best = min(candidates, key=lambda x: (_opened(x, of, scopes, missing, taken, weights), x))
        take(best)
        order.append(best)
    return order


def _opened(
    x: int,
    of: dict[int, list[int]],
    scopes: Sequence[frozenset[int]],
    missing: Sequence[int],
    taken: set[int],
    weights: Sequence[float],
) -> float:
    """How much wider the next layer gets by taking x: what stays open of it, less what it closes."""
    mine = of.get(x, [])
    opened = 0.0 if all(missing[n] == 1 for n in mine) else weights[x]
    for y in {y for n in mine if missing[n] == 1 for y in scopes[n] if y in taken}:
        if all(missing[n] == 0 or (missing[n] == 1 and x in scopes[n]) for n in of[y]):
            opened -= weights[y]
    return opened
