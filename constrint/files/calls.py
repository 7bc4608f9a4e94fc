"""The functions that problem files know, by name."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from inspect import signature
from typing import Any

from constrint import functions
from constrint.errors import ExpressionError
from constrint.expressions import Op, apply
from constrint.files.values import (
    SEQUENCES,
    Arithmetic,
    Number,
    Value,
    length,
    number,
    sequence,
    simplified,
)
from constrint.globals import GLOBALS

Arguments = list[Any]
Rule = Callable[[Arithmetic, Arguments], Value]


@dataclass(frozen=True)
class Function:
    """A function: what it does, and how many arguments it takes (`most` None for any number)."""

    rule: Rule
    least: int
    most: int | None

    def __call__(self, name: str, arithmetic: Arithmetic, arguments: Arguments) -> Value:
        """The value. Raises ExpressionError for a wrong number or kind of arguments."""
        given = len(arguments)
        if given < self.least or (self.most is not None and given > self.most):
            if self.most is None:
                wanted = f"at least {self.least}"
            elif self.least == self.most:
                wanted = f"{self.least}"
            else:
                wanted = f"{self.least} to {self.most}"
            plural = "" if wanted.endswith("1") else "s"
            raise ExpressionError(f"{name}() takes {wanted} argument{plural}, not {given}")
        return simplified(self.rule(arithmetic, arguments))


def _numbers(arithmetic: Arithmetic, arguments: Arguments) -> list[Number]:
    """The arguments of f(a, b, …) or f([a, b, …])."""
    return [item for argument in arguments for item in arithmetic.flat(argument)]


def _absolute(arithmetic: Arithmetic, arguments: Arguments) -> Value:
    operand = number(arguments[0])
    return abs(operand) if isinstance(operand, int) else functions.absolute(operand)


def _total(arithmetic: Arithmetic, arguments: Arguments) -> Value:
    return arithmetic.total(_numbers(arithmetic, arguments))


def _connective(op: Op) -> Rule:
    return lambda arithmetic, arguments: arithmetic.connect(op, _numbers(arithmetic, arguments))


def _folding(name: str, integers: Callable[[int, int], int], general: Callable[..., Value]) -> Rule:
    """A function of any number of arguments that can be computed two by two."""

    def rule(arithmetic: Arithmetic, arguments: Arguments) -> Value:
        operands = _numbers(arithmetic, arguments)
        if not operands:
            raise ExpressionError(f"{name}() of an empty list")
        result: int | None = None
        for operand in operands:
            if not isinstance(operand, int):
                return general(operands)
            if result is None:
                result = integers(operand, operand)
            else:
                arithmetic.budget.charge_division(result, operand)
                result = integers(result, operand)
        assert result is not None
        return arithmetic.total([result])

    return rule


def _operation(op: Op) -> Rule:
    return lambda arithmetic, arguments: arithmetic.operation(op, number(arguments[0]), number(arguments[1]))


def _logic(op: Op) -> Rule:
    return lambda arithmetic, arguments: apply(op, *[number(argument) for argument in arguments])


def _xor(arithmetic: Arithmetic, arguments: Arguments) -> Value:
    return apply(Op.XOR, *_numbers(arithmetic, arguments))


def _all_different(arithmetic: Arithmetic, arguments: Arguments) -> Value:
    return functions.all_different(_numbers(arithmetic, arguments))


def _length(arithmetic: Arithmetic, arguments: Arguments) -> Value:
    return length(sequence(arguments[0], "len()"))


def _range(arithmetic: Arithmetic, arguments: Arguments) -> Value:
    if not all(isinstance(bound, int) for bound in arguments):
        raise ExpressionError("the bounds of range() must be constant")
    if len(arguments) == 3 and arguments[2] == 0:
        raise ExpressionError("the step of range() must not be 0")
    return range(*arguments)


def _count(arithmetic: Arithmetic, arguments: Arguments) -> Value:
    """count(items, value), or count(conditions): how many hold."""
    items = arithmetic.flat(sequence(arguments[0], "count(items, value)"))
    if len(arguments) == 1:
        return arithmetic.total([arithmetic.truth(item) for item in items])
    return functions.count(items, number(arguments[1]))


def _element(arithmetic: Arithmetic, arguments: Arguments) -> Value:
    index, items = arguments
    if isinstance(index, SEQUENCES):
        raise ExpressionError("the index comes first: element(index, items)")
    return arithmetic.element(sequence(items, "element(index, items)"), index)


def _table(arithmetic: Arithmetic, arguments: Arguments) -> Value:
    return arithmetic.table(sequence(arguments[0], "table(variables, rows)"), arguments[1])


def _global(function: Callable[..., Value]) -> Function:
    """A global constraint: its arguments are numbers and lists, nested as they are."""

    def rule(arithmetic: Arithmetic, arguments: Arguments) -> Value:
        return function(*[arithmetic.nested(argument) for argument in arguments])

    parameters = signature(function).parameters.values()
    least = sum(each.default is each.empty and each.kind is not each.VAR_POSITIONAL for each in parameters)
    several = any(each.kind is each.VAR_POSITIONAL for each in parameters)
    return Function(rule, least, None if several else len(parameters))


def _negative_table(arithmetic: Arithmetic, arguments: Arguments) -> Value:
    return arithmetic.negation(_table(arithmetic, arguments))


FUNCTIONS: dict[str, Function] = {
    "abs": Function(_absolute, 1, 1),
    "all": Function(_connective(Op.AND), 1, None),
    "all_different": Function(_all_different, 1, None),
    "any": Function(_connective(Op.OR), 1, None),
    "ceil_div": Function(_operation(Op.CEIL_DIVIDE), 2, 2),
    "count": Function(_count, 1, 2),
    "divides": Function(_operation(Op.DIVIDES), 2, 2),
    "element": Function(_element, 2, 2),
    "gcd": Function(_folding("gcd", math.gcd, functions.gcd), 1, None),
    "iff": Function(_logic(Op.IFF), 2, 2),
    "implies": Function(_logic(Op.IMPLIES), 2, 2),
    "lcm": Function(_folding("lcm", math.lcm, functions.lcm), 1, None),
    "len": Function(_length, 1, 1),
    "max": Function(_folding("max", max, functions.maximum), 1, None),
    "min": Function(_folding("min", min, functions.minimum), 1, None),
    "range": Function(_range, 1, 3),
    "sum": Function(_total, 1, None),
    "negative_table": Function(_negative_table, 2, 2),
    "table": Function(_table, 2, 2),
    "xor": Function(_xor, 1, None),
    **{name: _global(function) for name, function in GLOBALS.items()},
}
