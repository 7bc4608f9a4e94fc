"""constrint: an exact solver for integer constraint problems.

>>> import constrint as ci
>>> p = ci.Problem("tile")
>>> m = p.integer("m", values=[16, 32, 64, 128])
>>> k = p.integer("k", 16, 128, multiple_of=16)
>>> p.add(m * k <= 4096, 768 % m == 0, label="fits")
>>> p.prefer(ci.largest(m), ci.smallest(k))
>>> dict(p.solve())
{'m': 128, 'k': 16}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, TYPE_CHECKING, Any

from constrint.cancellation import Cancellation
from constrint.domains import Domain, DomainSpec
from constrint.errors import (
    BackendError,
    ExpressionError,
    Place,
    ProblemError,
    SizeLimitError,
    UnboundedError,
    UndefinedTerm,
    UnknownNameError,
)
from constrint.evaluation import evaluate, holds
from constrint.expressions import Array, Expression
from constrint.functions import (
    absolute,
    all_different,
    all_equal,
    all_of,
    among,
    any_of,
    argmax,
    argmin,
    at_least,
    at_most,
    bin_packing,
    bin_packing_loads,
    ceil_div,
    choose,
    circuit,
    count,
    cumulative,
    divides,
    element,
    element_2d,
    exactly,
    gcd,
    global_cardinality,
    iff,
    implies,
    increasing,
    inverse,
    knapsack,
    lcm,
    lex_less,
    lex_lesseq,
    maximum,
    minimum,
    negation,
    negative_table,
    no_overlap,
    no_overlap_2d,
    precedence,
    regular,
    strictly_increasing,
    subcircuit,
    table,
    total,
    value_precede,
    value_precede_chain,
    xor,
)
from constrint.globals.scheduling import Interval
from constrint.problem import Objective, Preference, Problem, largest, smallest
from constrint.results import (
    Check,
    Constraint,
    CountResult,
    Explanation,
    LimitReached,
    Propagation,
    SearchResult,
    Solution,
    SpaceResult,
    Statistics,
)
from constrint.sweeping import sweep

if TYPE_CHECKING:
    from pathlib import Path

__version__ = "0.1.0"


def load(
    source: str | Path | IO[str],
    *,
    set: Mapping[str, Any] | None = None,
    include: Mapping[str, str | Path] | None = None,
) -> Problem:
    """The problem in a file (a path or an open text file); `set` overrides parameters, `include` adds files.

    Raises ProblemError, with file, line and column, for whatever is wrong in it; OSError where it cannot
    be read.
    """
    from constrint.files.loader import load as load_file

    return load_file(source, set=set, include=include)


__all__ = [
    "Array",
    "BackendError",
    "Cancellation",
    "Check",
    "Constraint",
    "CountResult",
    "Domain",
    "DomainSpec",
    "Explanation",
    "Expression",
    "ExpressionError",
    "Interval",
    "LimitReached",
    "Objective",
    "Place",
    "Preference",
    "Problem",
    "ProblemError",
    "Propagation",
    "SearchResult",
    "SizeLimitError",
    "Solution",
    "SpaceResult",
    "Statistics",
    "UnboundedError",
    "UndefinedTerm",
    "UnknownNameError",
    "absolute",
    "all_different",
    "all_equal",
    "all_of",
    "among",
    "any_of",
    "argmax",
    "argmin",
    "at_least",
    "at_most",
    "bin_packing",
    "bin_packing_loads",
    "ceil_div",
    "choose",
    "circuit",
    "count",
    "cumulative",
    "divides",
    "element",
    "element_2d",
    "evaluate",
    "exactly",
    "gcd",
    "global_cardinality",
    "holds",
    "iff",
    "implies",
    "increasing",
    "inverse",
    "knapsack",
    "largest",
    "lcm",
    "lex_less",
    "lex_lesseq",
    "load",
    "maximum",
    "minimum",
    "negation",
    "negative_table",
    "no_overlap",
    "no_overlap_2d",
    "precedence",
    "regular",
    "smallest",
    "strictly_increasing",
    "subcircuit",
    "sweep",
    "table",
    "total",
    "value_precede",
    "value_precede_chain",
    "xor",
]
