"""What every expression means: its value under an assignment.

This is the one statement of the semantics. Propagators, back ends and files are tested against it.

A term without a value (a division by 0, a negative exponent, an index out of range) makes the
innermost comparison around it false: the relational semantics of Frisch and Stuckey, "The proper
treatment of undefinedness in constraint languages" (CP 2009).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from constrint.errors import SizeLimitError, UndefinedTerm
from constrint.expressions import MAX_BITS, Expression, Op, checked_size, constant

Assignment = Mapping[str, int]


def evaluate(expression: Expression, assignment: Assignment) -> int:
    """The value of `expression`; booleans are 0 and 1.

    Raises UndefinedTerm where it has no value, KeyError for a variable without one, SizeLimitError where
    it nests too deep.
    """
    try:
        return _RULES[expression.op](expression, assignment)
    except RecursionError:
        raise SizeLimitError("an expression nested too deep to be evaluated") from None


def holds(expression: Expression, assignment: Assignment) -> bool:
    """Whether `expression`, read as a constraint, is true: defined and not 0."""
    try:
        return evaluate(expression, assignment) != 0
    except UndefinedTerm:
        return False


def folded(expression: Expression) -> Expression:
    """A constant for an expression of constants; the expression itself where it is undefined."""
    try:
        return constant(checked_size(evaluate(expression, {})))
    except UndefinedTerm:
        return expression


# Arithmetic of Python integers ---------------------------------------------------------------------


def floor_divide(a: int, b: int) -> int:
    """a // b, rounded down; undefined for b = 0."""
    if b == 0:
        raise UndefinedTerm("a division by 0")
    return a // b


def ceil_divide(a: int, b: int) -> int:
    """a / b, rounded up; undefined for b = 0."""
    return -floor_divide(-a, b)


def modulo(a: int, b: int) -> int:
    """a % b, with the sign of b; undefined for b = 0."""
    if b == 0:
        raise UndefinedTerm("a remainder by 0")
    return a % b


def power(base: int, exponent: int) -> int:
    """base ** exponent, with 0 ** 0 = 1; undefined for a negative exponent."""
    if exponent < 0:
        raise UndefinedTerm("a power with a negative exponent")
    if (base.bit_length() - 1) * exponent > MAX_BITS and abs(base) > 1:
        raise SizeLimitError(f"a power of more than {MAX_BITS} bits")
    return int(base**exponent)


def divides(a: int, b: int) -> bool:
    """Whether b is a multiple of a; 0 divides only 0."""
    return b % a == 0 if a else b == 0


# One rule for every operation ----------------------------------------------------------------------

_Rule = Callable[[Expression, Assignment], int]


def _strict(function: Callable[..., int]) -> _Rule:
    """The rule of an operation that needs all its arguments' values."""
    return lambda e, a: function(*[evaluate(arg, a) for arg in e.args])


def _relation(function: Callable[..., bool]) -> _Rule:
    """The rule of a comparison: false where an argument is undefined."""

    def rule(e: Expression, a: Assignment) -> int:
        try:
            return int(function(*[evaluate(arg, a) for arg in e.args]))
        except UndefinedTerm:
            return 0

    return rule


def _choose(e: Expression, a: Assignment) -> int:
    condition, then, otherwise = e.args
    return evaluate(then if holds(condition, a) else otherwise, a)


def _element(e: Expression, a: Assignment) -> int:
    index, *items = [evaluate(arg, a) for arg in e.args]
    if not 0 <= index < len(items):
        raise UndefinedTerm(f"an index out of range for {len(items)} elements")
    return items[index]


def _count(e: Expression, a: Assignment) -> int:
    """The sum of the comparisons item == value, so an undefined item counts as unequal."""
    value, *items = e.args
    return sum(evaluate(Expression(Op.EQUAL, (item, value)), a) for item in items)


def _member(e: Expression, a: Assignment) -> int:
    try:
        return int(evaluate(e.args[0], a) in e.data)
    except UndefinedTerm:
        return 0


def _table(e: Expression, a: Assignment) -> int:
    try:
        return int(tuple(evaluate(arg, a) for arg in e.args) in e.data)
    except UndefinedTerm:
        return 0


def _related(e: Expression, a: Assignment) -> int:
    try:
        return int(e.data.holds([evaluate(arg, a) for arg in e.args]))
    except UndefinedTerm:
        return 0


def _connective(function: Callable[..., bool]) -> _Rule:
    return lambda e, a: int(function([holds(arg, a) for arg in e.args]))


_RULES: dict[Op, _Rule] = {
    Op.CONSTANT: lambda e, a: int(e.data),
    Op.VARIABLE: lambda e, a: a[e.data],
    Op.ADD: _strict(lambda *values: sum(values)),
    Op.MULTIPLY: _strict(lambda *values: math.prod(values)),
    Op.FLOOR_DIVIDE: _strict(floor_divide),
    Op.CEIL_DIVIDE: _strict(ceil_divide),
    Op.MODULO: _strict(modulo),
    Op.POWER: _strict(power),
    Op.ABSOLUTE: _strict(abs),
    Op.MINIMUM: _strict(lambda *values: min(values)),
    Op.MAXIMUM: _strict(lambda *values: max(values)),
    Op.GCD: _strict(math.gcd),
    Op.LCM: _strict(math.lcm),
    Op.CHOOSE: _choose,
    Op.ELEMENT: _element,
    Op.COUNT: _count,
    Op.EQUAL: _relation(lambda a, b: a == b),
    Op.NOT_EQUAL: _relation(lambda a, b: a != b),
    Op.LESS_EQUAL: _relation(lambda a, b: a <= b),
    Op.LESS: _relation(lambda a, b: a < b),
    Op.GREATER_EQUAL: _relation(lambda a, b: a >= b),
    Op.GREATER: _relation(lambda a, b: a > b),
    Op.MEMBER: _member,
    Op.DIVIDES: _relation(divides),
    Op.ALL_DIFFERENT: _relation(lambda *values: len(set(values)) == len(values)),
    Op.TABLE: _table,
    Op.RELATION: _related,
    Op.FUNCTION: lambda e, a: int(e.data.value([evaluate(arg, a) for arg in e.args])),
    Op.AND: _connective(all),
    Op.OR: _connective(any),
    Op.NOT: _connective(lambda parts: not parts[0]),
    Op.IMPLIES: _connective(lambda parts: not parts[0] or parts[1]),
    Op.IFF: _connective(lambda parts: parts[0] == parts[1]),
    Op.XOR: _connective(lambda parts: sum(parts) % 2 == 1),
}
