"""A variable that the others determine: its value is computed, not tried."""

from __future__ import annotations

import numpy as np

from constrint.diagram.bounds import Number
from constrint.diagram.evaluating import Columns
from constrint.diagram.terms import Term
from constrint.diagram.values import Column, Values, column_of
from constrint.expressions import Op


def is_equation(variable: Term, constraint: Term) -> bool:
    """Whether the constraint may be one that `solve_for` solves."""
    return constraint.op is Op.EQUAL and _is_linear(variable, constraint.args[0])


def _is_linear(variable: Term, term: Term) -> bool:
    if term is variable:
        return True
    opened = [arg for arg in term.args if arg.last >= variable.data]
    if len(opened) != 1:
        return False
    if term.op is Op.MULTIPLY:
        return opened[0] is variable and term.data is None
    return term.op is Op.ADD and term.data[2] is None and _is_linear(variable, opened[0])


def solve_for(
    variable: Term, constraint: Term, above: Columns, values: Values, count: int
) -> tuple[Column, Column, Column] | None:
    """Solves an equation that is linear in the variable, whose other variables are known above.

    Gives (rows, positions of the values, values) where there is a solution among `values`; None where the
    constraint is no such equation, or leaves the variable free somewhere.
    """
    if not is_equation(variable, constraint):
        return None
    factor, rest, defined = _linear(variable, constraint.args[0], above)
    if not np.all(factor != 0):
        return None
    target = constraint.args[1].data - rest
    value = np.broadcast_to(np.asarray(target // factor), count)
    exact = np.broadcast_to(np.asarray((target % factor == 0) & defined), count)
    if isinstance(values, range):
        positions, odd = (value - values.start) // values.step, (value - values.start) % values.step
        inside = exact & (odd == 0) & (positions >= 0) & (positions < len(values))
    else:
        column = column_of(values, wide=above.wide)
        positions = np.searchsorted(column, value)
        inside = exact & (column[np.minimum(positions, len(column) - 1)] == value)
    rows = np.flatnonzero(inside)
    return rows, positions[rows].astype(np.int64), value[rows]


def _linear(variable: Term, term: Term, above: Columns) -> tuple[Number, Number, Number]:
    """(factor, rest, where defined) with term = factor * variable + rest."""
    if term is variable:
        return 1, 0, True
    closed = [arg for arg in term.args if arg.last < variable.data]
    if term.op is Op.MULTIPLY:
        factor, defined = above.part(term, closed)
        return factor, 0, defined
    coefficients, constant, _ = term.data
    (opened,) = [arg for arg in term.args if arg.last >= variable.data]
    factor, rest, defined = _linear(variable, opened, above)
    total, here = above.part(term, closed)
    coefficient = coefficients[term.args.index(opened)]
    return coefficient * factor, coefficient * rest + total + constant, defined & here
