"""Decisions of a search: x <= b, x >= b or x = b; taking one, refusing it, and telling how it stands."""

from __future__ import annotations

from constrint.engine.store import Store

AT_MOST, AT_LEAST, EQUAL = range(3)

Decision = tuple[int, int, int]
"""(kind, variable, bound)."""


def take(store: Store, decision: Decision) -> None:
    """Makes the decision hold. Raises Inconsistent where it cannot."""
    kind, x, bound = decision
    if kind == EQUAL:
        store.fix(x, bound)
    elif kind == AT_MOST:
        store.set_hi(x, bound)
    else:
        store.set_lo(x, bound)


def refuse(store: Store, decision: Decision) -> None:
    """Makes the decision fail, as far as the domain can say so (see Store.remove).

    Raises Inconsistent where it holds.
    """
    kind, x, bound = decision
    if kind == EQUAL:
        store.remove(x, bound)
    elif kind == AT_MOST:
        store.set_lo(x, bound + 1)
    else:
        store.set_hi(x, bound - 1)


def holds(store: Store, decision: Decision) -> bool:
    """Whether every value left agrees with the decision."""
    kind, x, bound = decision
    if kind == EQUAL:
        return bool(store.lo[x] == bound == store.hi[x])
    if kind == AT_MOST:
        return bool(store.hi[x] <= bound)
    return bool(store.lo[x] >= bound)


def fails(store: Store, decision: Decision) -> bool:
    """Whether no value left agrees with the decision."""
    kind, x, bound = decision
    if kind == EQUAL:
        return not store.contains(x, bound)
    if kind == AT_MOST:
        return bool(store.lo[x] > bound)
    return bool(store.hi[x] < bound)
