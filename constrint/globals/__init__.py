"""Global constraints, one module for each family; `GLOBALS` are the functions that make them, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from constrint.globals.counting import all_equal, among, at_least, at_most, exactly, global_cardinality
from constrint.globals.entries import argmax, argmin, element_2d
from constrint.globals.packing import bin_packing, bin_packing_loads, knapsack
from constrint.globals.routes import circuit, inverse, subcircuit
from constrint.globals.scheduling import cumulative, no_overlap, no_overlap_2d, precedence
from constrint.globals.sequences import (
    increasing,
    lex_less,
    lex_lesseq,
    regular,
    strictly_increasing,
    value_precede,
    value_precede_chain,
)

_FUNCTIONS: tuple[Callable[..., Any], ...] = (
    all_equal,
    among,
    argmax,
    argmin,
    at_least,
    at_most,
    bin_packing,
    bin_packing_loads,
    circuit,
    cumulative,
    element_2d,
    exactly,
    global_cardinality,
    increasing,
    inverse,
    knapsack,
    lex_less,
    lex_lesseq,
    no_overlap,
    no_overlap_2d,
    precedence,
    regular,
    strictly_increasing,
    subcircuit,
    value_precede,
    value_precede_chain,
)

GLOBALS = {function.__name__: function for function in _FUNCTIONS}
