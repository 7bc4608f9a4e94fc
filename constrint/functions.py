"""The functions of expressions: the names that problem files know and `import constrint` exports.

Where a sequence is expected, a list, a tuple, a generator or an Array (nested ones are flattened) will do.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import Any

from constrint.errors import ExpressionError
from constrint.expressions import (
    Array,
    Category,
    Expression,
    Op,
    Operand,
    add,
    apply,
    connect,
    flat,
    indexed,
    listed,
    to_expression,
)
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

__all__ = [
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
    "exactly",
    "gcd",
    "global_cardinality",
    "iff",
    "implies",
    "increasing",
    "inverse",
    "knapsack",
    "lcm",
    "lex_less",
    "lex_lesseq",
    "maximum",
    "minimum",
    "negation",
    "negative_table",
    "no_overlap",
    "no_overlap_2d",
    "precedence",
    "regular",
    "strictly_increasing",
    "subcircuit",
    "table",
    "total",
    "value_precede",
    "value_precede_chain",
    "xor",
]

Many = Iterable[Any]


def _operands(first: Any, rest: tuple[Any, ...], name: str) -> list[Expression]:
    """The operands of f(a, b, …) or f([a, b, …])."""
    single = not rest and not isinstance(first, (Expression, int)) and isinstance(first, Iterable)
    operands = flat(first) if single else flat((first, *rest))
    if not operands:
        raise ExpressionError(f"{name}() needs at least one argument")
    return operands


def minimum(first: Any, *rest: Any) -> Expression:
    """The smallest of the arguments, or of the items of one sequence."""
    return apply(Op.MINIMUM, *_operands(first, rest, "min"))


def maximum(first: Any, *rest: Any) -> Expression:
    """The largest of the arguments, or of the items of one sequence."""
    return apply(Op.MAXIMUM, *_operands(first, rest, "max"))


def gcd(first: Any, *rest: Any) -> Expression:
    """The greatest common divisor, never negative; gcd(0, 0) = 0."""
    return apply(Op.GCD, *_operands(first, rest, "gcd"))


def lcm(first: Any, *rest: Any) -> Expression:
    """The least common multiple, never negative; 0 where an argument is 0."""
    return apply(Op.LCM, *_operands(first, rest, "lcm"))


def absolute(operand: Operand) -> Expression:
    """The absolute value."""
    return apply(Op.ABSOLUTE, operand)


def total(items: Many) -> Expression:
    """The sum of the items; 0 where there are none."""
    return add(*flat(items))


def ceil_div(a: Operand, b: Operand) -> Expression:
    """a / b rounded up; undefined for b = 0."""
    return apply(Op.CEIL_DIVIDE, a, b)


def divides(a: Operand, b: Operand) -> Expression:
    """Whether b is a multiple of a; 0 divides only 0."""
    return apply(Op.DIVIDES, a, b)


def choose(condition: Operand, then: Operand, otherwise: Operand) -> Expression:
    """`then` where the condition holds, else `otherwise`; only the chosen one need be defined."""
    return apply(Op.CHOOSE, condition, then, otherwise)


def element(index: Operand, items: Many) -> Any:
    """items[index], counting from 0; undefined where the index is out of range.

    Rows of a two-dimensional array give an array, to be indexed again.
    """
    rows = [item if isinstance(item, (list, tuple, Array)) else to_expression(item) for item in listed(items)]
    return indexed(rows, to_expression(index))


def count(items: Many, value: Operand) -> Expression:
    """How many items equal `value`."""
    return apply(Op.COUNT, value, *flat(items))


def all_different(first: Any, *rest: Any) -> Expression:
    """Whether no two of the items (or arguments) are equal."""
    single = not rest and not isinstance(first, (Expression, int)) and isinstance(first, Iterable)
    return apply(Op.ALL_DIFFERENT, *(flat(first) if single else flat((first, *rest))))


def table(variables: Many, rows: Iterable[Iterable[int | str]]) -> Expression:
    """Whether the tuple of the variables' values is one of the constant rows.

    Raises ExpressionError for a row whose length is not that of `variables`, or that is not of integers
    (or of the choices of variables that have them).
    """
    columns = flat(variables)
    chosen = []
    for number, row in enumerate(rows):
        values: list[Any] = list(row)
        if len(values) != len(columns):
            raise ExpressionError(
                f"row {number} of the table has {len(values)} values for {len(columns)} variables"
            )
        for k, column in enumerate(columns):
            if isinstance(column, Category):
                values[k] = column.number(values[k])
        try:
            chosen.append(tuple([operator.index(value) for value in values]))
        except TypeError:
            raise ExpressionError(f"row {number} of the table is not of integers: {values}") from None
    return apply(Op.TABLE, *columns, data=frozenset(chosen))


def negative_table(variables: Many, rows: Iterable[Iterable[int | str]]) -> Expression:
    """Whether the tuple of the variables' values is none of the constant rows; as `table` otherwise."""
    return negation(table(variables, rows))


def all_of(items: Many) -> Expression:
    """Whether all the items hold; true where there are none."""
    return connect(Op.AND, *flat(items))


def any_of(items: Many) -> Expression:
    """Whether at least one of the items holds; false where there are none."""
    return connect(Op.OR, *flat(items))


def negation(operand: Operand) -> Expression:
    """Whether the operand does not hold."""
    return apply(Op.NOT, operand)


def implies(condition: Operand, consequence: Operand) -> Expression:
    """Whether the consequence holds or the condition does not."""
    return apply(Op.IMPLIES, condition, consequence)


def iff(a: Operand, b: Operand) -> Expression:
    """Whether both hold or neither does."""
    return apply(Op.IFF, a, b)


def xor(first: Any, *rest: Any) -> Expression:
    """Whether an odd number of the arguments holds."""
    return apply(Op.XOR, *_operands(first, rest, "xor"))
