"""SymPy expressions as constraints: symbols become variables of the same name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy

from constrint import functions
from constrint.errors import ExpressionError
from constrint.expressions import Expression, Op, add, apply, connect, constant, multiply, variable


def from_sympy(value: Any) -> Expression:
    """The expression for a SymPy expression.

    Raises ExpressionError for what has no integer meaning (fractions, functions without a counterpart).
    """
    if isinstance(value, sympy.Symbol):
        return variable(value.name)
    if isinstance(value, sympy.Integer):
        return constant(int(value))
    if value in (sympy.true, sympy.false):
        return constant(int(bool(value)))
    for kind, rule in _RULES.items():
        if isinstance(value, kind):
            return rule(*value.args)
    raise ExpressionError(f"the SymPy {type(value).__name__} '{value}' has no counterpart among integers")


def _sum(*terms: Any) -> Expression:
    return add(*[from_sympy(term) for term in terms])


def _product(*factors: Any) -> Expression:
    return multiply(*[from_sympy(factor) for factor in factors])


def _floor(operand: Any) -> Expression:
    numerator, denominator = sympy.fraction(sympy.together(operand))
    return apply(Op.FLOOR_DIVIDE, from_sympy(numerator), from_sympy(denominator))


def _ceiling(operand: Any) -> Expression:
    numerator, denominator = sympy.fraction(sympy.together(operand))
    return apply(Op.CEIL_DIVIDE, from_sympy(numerator), from_sympy(denominator))


def _power(base: Any, exponent: Any) -> Expression:
    if exponent.is_negative:
        raise ExpressionError(f"'{base}**{exponent}' is a fraction; write floor(a/b) for an integer quotient")
    return apply(Op.POWER, from_sympy(base), from_sympy(exponent))


def _piecewise(*branches: Any) -> Expression:
    (value, condition), rest = branches[0].args, branches[1:]
    if condition == sympy.true:
        return from_sympy(value)
    if not rest:
        raise ExpressionError("a SymPy Piecewise needs a last branch whose condition is True")
    return functions.choose(from_sympy(condition), from_sympy(value), _piecewise(*rest))


def _contains(operand: Any, values: Any) -> Expression:
    if not isinstance(values, sympy.FiniteSet):
        raise ExpressionError(f"membership needs a finite set of integers, not {values}")
    return from_sympy(operand).isin(int(value) for value in values)


def _operation(op: Op) -> Callable[..., Expression]:
    return lambda *args: apply(op, *[from_sympy(arg) for arg in args])


def _connective(op: Op) -> Callable[..., Expression]:
    return lambda *args: connect(op, *[from_sympy(arg) for arg in args])


_RULES: dict[type[Any], Callable[..., Expression]] = {
    sympy.Add: _sum,
    sympy.Mul: _product,
    sympy.Pow: _power,
    sympy.floor: _floor,
    sympy.ceiling: _ceiling,
    sympy.Mod: _operation(Op.MODULO),
    sympy.Abs: _operation(Op.ABSOLUTE),
    sympy.Min: _operation(Op.MINIMUM),
    sympy.Max: _operation(Op.MAXIMUM),
    sympy.Eq: _operation(Op.EQUAL),
    sympy.Ne: _operation(Op.NOT_EQUAL),
    sympy.Le: _operation(Op.LESS_EQUAL),
    sympy.Lt: _operation(Op.LESS),
    sympy.Ge: _operation(Op.GREATER_EQUAL),
    sympy.Gt: _operation(Op.GREATER),
    sympy.And: _connective(Op.AND),
    sympy.Or: _connective(Op.OR),
    sympy.Not: _operation(Op.NOT),
    sympy.Xor: _operation(Op.XOR),
    sympy.Implies: _operation(Op.IMPLIES),
    sympy.Equivalent: _operation(Op.IFF),
    sympy.Piecewise: _piecewise,
    sympy.Contains: _contains,
}
