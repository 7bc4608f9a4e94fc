"""Constructive disjunction at the root: what every alternative of a disjunction implies holds anyway."""

from __future__ import annotations

from constrint.engine.propagators.logic import Disjunction
from constrint.engine.store import Inconsistent, Store

_WIDTH = 4
"""Only disjunctions with at most this many open literals are probed."""

_BUDGET = 200_000
"""Propagator runs that one call may spend."""


def probe_disjunctions(store: Store) -> None:
    """Tries each literal of each disjunction that must hold, and keeps the hull of the outcomes.

    A literal that fails is false; a variable keeps only the bounds that some alternative leaves it.
    Stops when the budget is spent. Raises Inconsistent where every alternative of a disjunction fails.
    """
    stop = store.steps + _BUDGET
    for propagator in list(store.propagators):
        if not isinstance(propagator, Disjunction) or not store.is_true(propagator.truth):
            continue
        literals = propagator.literals
        if any(store.is_true(literal) for literal in literals):
            continue
        literals = tuple(literal for literal in literals if not store.is_false(literal))
        if len(literals) > _WIDTH:
            continue
        _probe(store, literals)
        if store.steps > stop:
            return


def _probe(store: Store, literals: tuple[int, ...]) -> None:
    lowest: list[int] | None = None
    highest: list[int] | None = None
    for literal in literals:
        mark = len(store.trail)
        store.cause = -1
        try:
            store.assign(literal)
            store.propagate()
        except Inconsistent:
            store.undo(mark)
            store.assign(literal ^ 1)
            store.propagate()
            continue
        if lowest is None or highest is None:
            lowest, highest = list(store.lo), list(store.hi)
        else:
            lowest = [min(a, b) for a, b in zip(lowest, store.lo, strict=True)]
            highest = [max(a, b) for a, b in zip(highest, store.hi, strict=True)]
        store.undo(mark)
    if lowest is None or highest is None:
        raise Inconsistent
    for x, (low, high) in enumerate(zip(lowest, highest, strict=True)):
        store.set_lo(x, low)
        store.set_hi(x, high)
    store.propagate()
