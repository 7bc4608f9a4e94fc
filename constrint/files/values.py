"""What an expression of a problem file can be, and arithmetic on it.

Constants are Python's integers, booleans among them 0 and 1; what depends on a variable is an
Expression; sequences hold these or sequences. Every operation is charged to a budget, huge integers by
their size.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from constrint import functions
from constrint.errors import ExpressionError, SizeLimitError, UndefinedTerm
from constrint.evaluation import ceil_divide, divides, floor_divide, modulo, power
from constrint.expressions import (
    MAX_BITS,
    Array,
    Expression,
    Op,
    add,
    apply,
    checked_size,
    indexed,
    member,
    multiply,
    walk,
)
from constrint.expressions import connect as connect_expressions
from constrint.files.limits import MAX_STEPS, Budget
from constrint.globals.scheduling import Interval

Number: TypeAlias = "int | Expression"
Value: TypeAlias = Any
"""A Number, or a list, tuple, range or Array of Values."""

SEQUENCES = (list, tuple, range, Array)

_INTEGER_RULES: dict[Op, Callable[[int, int], int]] = {
    Op.FLOOR_DIVIDE: floor_divide,
    Op.CEIL_DIVIDE: ceil_divide,
    Op.MODULO: modulo,
    Op.POWER: power,
    Op.DIVIDES: divides,
    Op.EQUAL: operator.eq,
    Op.NOT_EQUAL: operator.ne,
    Op.LESS_EQUAL: operator.le,
    Op.LESS: operator.lt,
    Op.GREATER_EQUAL: operator.ge,
    Op.GREATER: operator.gt,
}

_PARTIAL = {Op.FLOOR_DIVIDE, Op.CEIL_DIVIDE, Op.MODULO, Op.POWER, Op.ELEMENT}

_LISTED_RANGE = 1000
"""A membership in a range of at most so many values is stated by the values, in a longer one by bounds."""


def number(value: Value) -> Number:
    """`value` if it is a number. Raises ExpressionError for a sequence or a text."""
    if isinstance(value, str):
        raise ExpressionError(f"the choice '{value}' only compares with a variable that has it")
    if isinstance(value, SEQUENCES):
        raise ExpressionError("expected a number, found a list; index it, or use sum, min, max, all or any")
    if isinstance(value, Interval):
        raise ExpressionError(
            f"'{value.name}' is an interval: write {value.name}.start, .duration, .end or .present"
        )
    result: Number = value
    return result


def sequence(value: Value, user: str) -> Any:
    """`value` if it is a sequence. Raises ExpressionError, naming the `user`, for a number."""
    if not isinstance(value, SEQUENCES):
        raise ExpressionError(f"{user} needs a list, an array or range(...)")
    return value


def simplified(expression: Any) -> Any:
    """A constant expression as an integer."""
    if isinstance(expression, Expression) and expression.op is Op.CONSTANT:
        return int(expression.data)
    return expression


def length(value: Any) -> int:
    """The length of a sequence. Raises SizeLimitError where no machine could hold it."""
    try:
        return len(value)
    except OverflowError:
        raise SizeLimitError(f"a range of more than {MAX_STEPS:,} values") from None


class Arithmetic:
    """Operations on values, charged to a budget."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget

    def operation(self, op: Op, a: Number, b: Number) -> Number:
        """A binary operation other than a sum or product."""
        if isinstance(a, int) and isinstance(b, int):
            if op is Op.POWER:
                self._check_power(a, b)
            else:
                self.budget.charge_division(a, b)
            try:
                return checked_size(int(_INTEGER_RULES[op](a, b)))
            except UndefinedTerm:
                pass  # stays an expression: undefined, which the solver knows how to treat
        return apply(op, a, b)

    def _check_power(self, base: int, exponent: int) -> None:
        if abs(base) > 1 and exponent > 0:
            bits = (base.bit_length() - 1) * exponent
            if bits > MAX_BITS:
                raise SizeLimitError(f"a power of more than {MAX_BITS} bits")
            if bits > 2_000:
                self.budget.charge_product(1 << bits, 1 << bits)

    def total(self, terms: Iterable[Number]) -> Number:
        """The sum."""
        constant = 0
        others: list[Expression] = []
        for term in terms:
            if isinstance(term, int):
                self.budget.charge(1 + (term.bit_length() >> 12))
                constant = checked_size(constant + term)
            else:
                self.budget.charge(len(term.args) + 1)
                others.append(term)
        return add(*others, constant) if others else constant

    def product(self, factors: Iterable[Number]) -> Number:
        """The product."""
        constant = 1
        others: list[Expression] = []
        for factor in factors:
            if isinstance(factor, int):
                self.budget.charge_product(constant, factor)
                constant = checked_size(constant * factor)
            else:
                self.budget.charge(len(factor.args) + 1)
                others.append(factor)
        if not others:
            return constant
        if len(others) == 1 and others[0].op is Op.MULTIPLY and others[0].args[0].op is Op.CONSTANT:
            self.budget.charge_product(constant, others[0].args[0].data)
        return multiply(constant, *others)

    def negative(self, operand: Number) -> Number:
        """The operand with the other sign."""
        return -operand if isinstance(operand, int) else multiply(-1, operand)

    # Truth -------------------------------------------------------------------------------------------

    def connect(self, op: Op, parts: Iterable[Number]) -> Number:
        """The conjunction (Op.AND) or disjunction (Op.OR), as 0 or 1."""
        decisive = op is Op.OR
        others: list[Expression] = []
        for part in parts:
            if isinstance(part, int):
                if bool(part) is decisive:
                    return int(decisive)
            else:
                self.budget.charge(len(part.args) + 1)
                others.append(part)
        if not others:
            return int(not decisive)
        if len(others) == 1:
            return self.truth(others[0])
        return connect_expressions(op, *others)

    def truth(self, operand: Number) -> Number:
        """1 where the operand is not 0, else 0."""
        if isinstance(operand, int):
            return int(operand != 0)
        return operand if operand.is_boolean else apply(Op.NOT_EQUAL, operand, 0)

    def negation(self, operand: Number) -> Number:
        """1 where the operand is 0 or undefined, else 0."""
        return int(not operand) if isinstance(operand, int) else apply(Op.NOT, operand)

    def contains(self, operand: Value, items: Any, negated: bool) -> Number:
        """`operand in items`, or `operand not in items`; both are false where the operand is undefined."""
        if isinstance(operand, SEQUENCES):
            found = self.table(operand, items)
            return self.negation(found) if negated else found
        if isinstance(items, range) and (isinstance(operand, int) or items[_LISTED_RANGE:]):
            return self._in_range(operand, items, negated)
        candidates = self.flat(items)
        constants = [item for item in candidates if isinstance(item, int)]
        if isinstance(operand, Expression) and len(constants) == len(candidates):
            if not negated:
                return member(operand, constants)
            if not any(node.op in _PARTIAL for node in walk(operand)):
                return self.negation(member(operand, constants))
        if negated:
            return self.connect(Op.AND, [self.operation(Op.NOT_EQUAL, operand, item) for item in candidates])
        return self.connect(Op.OR, [self.operation(Op.EQUAL, operand, item) for item in candidates])

    def _in_range(self, operand: Number, items: range, negated: bool) -> Number:
        if isinstance(operand, int):
            return int((operand in items) is not negated)
        if not items:
            return self.contains(operand, [], negated)
        low, high = min(items[0], items[-1]), max(items[0], items[-1])
        step = abs(items.step)
        if negated:
            parts = [apply(Op.LESS, operand, low), apply(Op.GREATER, operand, high)]
        else:
            parts = [apply(Op.GREATER_EQUAL, operand, low), apply(Op.LESS_EQUAL, operand, high)]
        if step > 1:
            offset = apply(Op.MODULO, add(operand, -low), step)
            parts.append(apply(Op.NOT_EQUAL if negated else Op.EQUAL, offset, 0))
        return self.connect(Op.OR if negated else Op.AND, parts)

    # Sequences ---------------------------------------------------------------------------------------

    def table(self, variables: Value, rows: Value) -> Number:
        """Whether the variables' values are one of the rows, which are constant."""
        self.budget.charge(length(sequence(rows, "a table")))
        chosen: list[Any] = [self.flat(sequence(row, "each row of a table"), texts=True) for row in rows]
        result: Number = simplified(functions.table(self.flat(variables), chosen))
        return result

    def flat(self, value: Value, *, texts: bool = False) -> list[Any]:
        """The numbers in a value, nested ones too; and its texts, where there may be some."""
        if not isinstance(value, SEQUENCES):
            return [value if texts else number(value)]
        self.budget.charge(length(value))
        result: list[Any] = []
        for item in value:
            if isinstance(item, SEQUENCES):
                result.extend(self.flat(item, texts=texts))
            else:
                result.append(item if texts else number(item))
        return result

    def item(self, items: Any, index: Number) -> Value:
        """`items[index]`; a constant index counts from the end where it is negative, as in Python.

        Raises ExpressionError for a constant index that is out of range.
        """
        if isinstance(index, int):
            size = length(items)
            if not -size <= index < size:
                shown = index if abs(index) < 10**30 else "so large"
                raise ExpressionError(f"index {shown} is out of range: there are {size} items, from 0")
            return simplified(items[index])
        return self.element(items, index)

    def element(self, items: Any, index: Number) -> Value:
        """`items[index]`, undefined where the index is out of range."""
        self.budget.charge(length(items))
        rows = [self._row(row) if isinstance(row, SEQUENCES) else row for row in items]
        nested = [isinstance(row, list) for row in rows]
        if any(nested) and not all(nested):
            raise ExpressionError("a variable cannot index a list that mixes numbers and lists")
        if isinstance(index, int):
            if 0 <= index < len(rows):
                return rows[index]
            if any(nested):
                raise ExpressionError(f"there is no row {index}: there are {len(rows)}, from 0")
            return apply(Op.ELEMENT, index, *rows)
        return indexed(rows, index)

    def nested(self, value: Value) -> Value:
        """A number or an interval as it is, a sequence as a list, nested ones too."""
        return self._row(value) if isinstance(value, SEQUENCES) else value

    def _row(self, row: Any) -> list[Any]:
        self.budget.charge(length(row))
        return [self._row(item) if isinstance(item, SEQUENCES) else item for item in row]
