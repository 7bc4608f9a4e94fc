"""What the constraints of a program say linearly, as rows  Σ cᵢ·xᵢ <= bound  over the variables not fixed."""

from __future__ import annotations

from collections.abc import Sequence

from constrint.engine.propagators.counting import Count
from constrint.engine.propagators.linear import LinearEq, LinearLe, Terms
from constrint.engine.propagators.membership import Equals
from constrint.engine.store import Store

Row = tuple[dict[int, int], int]
"""({variable: coefficient}, bound) of a row  Σ cᵢ·xᵢ <= bound."""


def linear_rows(store: Store) -> list[tuple[Row, int]]:
    """The rows of linear constraints that hold, each with the number of its propagator."""
    found = []
    for number, propagator in enumerate(store.propagators):
        if store.entailed[number]:
            continue
        if isinstance(propagator, LinearEq) and store.is_true(propagator.truth):
            found.append((_row(store, propagator.terms, propagator.value, 1), number))
            found.append((_row(store, propagator.terms, propagator.value, -1), number))
        elif isinstance(propagator, LinearLe) and store.is_true(propagator.truth):
            found.append((_row(store, propagator.terms, propagator.bound, 1), number))
        elif isinstance(propagator, LinearLe) and store.is_false(propagator.truth):
            found.append((_row(store, propagator.terms, propagator.bound + 1, -1), number))
    return found


def count_rows(store: Store) -> list[Row]:
    """How often values may and must occur, in terms of the variables that say of items whether they have a
    value. Where all values but one are counted in the same items, the others have that one."""
    truths = {
        (propagator.x, propagator.value): propagator.truth
        for number, propagator in enumerate(store.propagators)
        if isinstance(propagator, Equals) and not store.entailed[number]
    }
    counted: dict[tuple[int, ...], dict[int, tuple[int, int]]] = {}
    for propagator in store.propagators:
        if isinstance(propagator, Count):
            bounds = store.lo[propagator.z], store.hi[propagator.z]
            counted.setdefault(propagator.items, {})[propagator.value] = bounds
    found = []
    for items, known in counted.items():
        occurring = {value for item in items if store.is_bounded(item) for value in _few(store, item)}
        rest = occurring - known.keys()
        if len(rest) == 1 and all(_few(store, item) for item in items):
            least = len(items) - sum([high for _, high in known.values()])
            most = len(items) - sum([low for low, _ in known.values()])
            known = {**known, rest.pop(): (least, most)}
        for value, (low, high) in known.items():
            unknown = [item for item in items if not store.is_fixed(item)]
            literals = [truths[item, value] for item in unknown if (item, value) in truths]
            certain = sum([store.is_fixed(item) and store.lo[item] == value for item in items])
            possible = sum([store.contains(item, value) for item in items])
            if literals:
                found.append(_among(literals, high - certain))
                found.append(_among([literal ^ 1 for literal in literals], possible - low))
    return found


_FEW = 64
"""Values are looked at one by one in domains of at most so many."""


def _few(store: Store, x: int) -> Sequence[int]:
    """The values of a small domain; none of a larger one."""
    return store.members(x) if store.is_bounded(x) and store.size(x) <= _FEW else ()


def _among(literals: Sequence[int], most: int) -> Row:
    """At most so many of the literals are true."""
    row: dict[int, int] = {}
    for literal in literals:
        sign = -1 if literal & 1 else 1
        row[literal >> 1] = row.get(literal >> 1, 0) + sign
        most -= literal & 1
    return row, most


def _row(store: Store, terms: Terms, bound: int, sign: int) -> Row:
    row = {}
    for c, x in terms:
        if store.is_fixed(x):
            bound -= c * store.lo[x]
        else:
            row[x] = sign * c
    return row, sign * bound
