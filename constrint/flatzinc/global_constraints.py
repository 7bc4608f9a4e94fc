"""The global constraints that the library for MiniZinc keeps whole, `constrint_NAME` each.

FlatZinc has only lists from 1 on, so matrices come row by row, and where values are indices their first one
comes along.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from constrint.expressions import Expression, Op, apply, connect, constant
from constrint.flatzinc.syntax import Set
from constrint.functions import count
from constrint.globals.counting import all_equal, among, global_cardinality
from constrint.globals.entries import argmax, argmin
from constrint.globals.packing import bin_packing, bin_packing_loads, knapsack
from constrint.globals.routes import circuit, inverse, subcircuit
from constrint.globals.scheduling import cumulative, no_overlap, no_overlap_2d
from constrint.globals.sequences import (
    increasing,
    lex_less,
    lex_lesseq,
    regular,
    strictly_increasing,
    value_precede_chain,
)

Terms = Sequence[Expression]


def _table(terms: Terms, cells: Sequence[int]) -> Expression:
    """The rows stand one after the other in `cells`."""
    if not terms:
        return constant(1)
    rows = zip(*[iter(cells)] * len(terms), strict=True)
    return apply(Op.TABLE, *terms, data=frozenset(rows))


def _shifted(items: Terms, first: int) -> list[Expression]:
    """Indices that count from `first`, as indices that count from 0."""
    return [item - first for item in items]


def _inverse(f: Terms, g: Terms, first_of_f: int, first_of_g: int) -> Expression:
    """f holds indices of g, and g those of f."""
    if len(f) != len(g):
        return constant(0)
    return inverse(_shifted(f, first_of_g), _shifted(g, first_of_f))


def _regular(
    items: Terms, states: int, values: int, table: Sequence[int], start: int, accepting: Set
) -> Expression:
    """`table` holds the next state for each state and value, 0 where there is none."""
    transitions = [
        (state, value, table[(state - 1) * values + value - 1])
        for state in range(1, states + 1)
        for value in range(1, values + 1)
        if table[(state - 1) * values + value - 1]
    ]
    ends = [state for first, last in accepting for state in range(max(first, 1), min(last, states) + 1)]
    return regular(items, transitions, start, ends)


def _cardinality(items: Terms, values: Sequence[int], counts: Terms, closed: bool = False) -> Expression:
    """Here a value may stand in the list more than once."""
    if len(values) == len(counts) and len(set(values)) < len(values):
        parts = [count(items, value) == number for value, number in zip(values, counts, strict=True)]
        return connect(Op.AND, *parts, *[item.isin(values) for item in items if closed])
    return global_cardinality(items, values, counts, closed)


def _precedes(values: Sequence[int], items: Terms) -> Expression:
    """A value that must come before itself does not come at all."""
    if len(set(values)) == len(values):
        return value_precede_chain(values, items)
    parts = []
    for first, second in pairwise(values):
        if first == second:
            parts += [item != first for item in items]
        else:
            parts.append(value_precede_chain([first, second], items))
    return connect(Op.AND, *parts)


def _in_bins(bins: Terms, first: int, count: int) -> list[Expression]:
    """Bins that are not numbered from `first` on are none."""
    return [connect(Op.AND, item >= first, item < first + count) for item in bins]


def _capacities(bins: Terms, sizes: Sequence[int], capacities: Terms, first: int) -> Expression:
    packed = bin_packing(_shifted(bins, first), sizes, capacities)
    return connect(Op.AND, *_in_bins(bins, first, len(capacities)), packed)


def _loads(bins: Terms, sizes: Sequence[int], loads: Terms, first: int) -> Expression:
    packed = bin_packing_loads(_shifted(bins, first), sizes, loads)
    return connect(Op.AND, *_in_bins(bins, first, len(loads)), packed)


def _listed(members: Set) -> list[int]:
    return [value for first, last in members for value in range(first, last + 1)]


def _knapsack(
    weights: Sequence[int], profits: Sequence[int], amounts: Terms, weight: Expression, profit: Expression
) -> Expression:
    return knapsack(amounts, weights, profits, weight, profit)


GLOBALS: dict[str, tuple[str, Callable[..., Expression]]] = {
    "all_different": ("I", lambda items: apply(Op.ALL_DIFFERENT, *items)),
    "all_equal": ("I", all_equal),
    "among": ("iIs", lambda n, items, members: n == among(items, _listed(members))),
    "argmax": ("Iin", lambda items, z, first: z == argmax(items) + first),
    "argmin": ("Iin", lambda items, z, first: z == argmin(items) + first),
    "bin_packing": ("INNn", _capacities),
    "bin_packing_loads": ("INIn", _loads),
    "circuit": ("In", lambda items, first: circuit(_shifted(items, first))),
    "count": ("Iii", lambda items, value, n: count(items, value) == n),
    "cumulative": ("IIIi", cumulative),
    "global_cardinality": ("INI", _cardinality),
    "global_cardinality_closed": ("INI", lambda x, cover, counts: _cardinality(x, cover, counts, True)),
    "increasing": ("I", increasing),
    "inverse": ("IInn", _inverse),
    "knapsack": ("NNIii", _knapsack),
    "lex_less": ("II", lex_less),
    "lex_lesseq": ("II", lex_lesseq),
    "no_overlap": ("II", no_overlap),
    "no_overlap_2d": ("IIII", no_overlap_2d),
    "regular": ("InnNns", _regular),
    "strictly_increasing": ("I", strictly_increasing),
    "subcircuit": ("In", lambda items, first: subcircuit(_shifted(items, first))),
    "table": ("IN", _table),
    "table_bool": ("BN", _table),
    "value_precede": ("nnI", lambda first, second, items: _precedes([first, second], items)),
    "value_precede_chain": ("NI", _precedes),
}
"""By name: the kinds of the arguments (see `constrint.flatzinc.builtins.KINDS`), and the meaning."""
