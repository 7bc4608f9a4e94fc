"""Declarations of variables: checked when they are made, and shown as constraints."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import Any

from constrint.domains import DomainSpec
from constrint.errors import ProblemError
from constrint.expressions import Expression, Op, to_expression, variable
from constrint.expressions import member as member_of


def shape_of(name: str, shape: Any) -> tuple[int, ...]:
    """The shape of an array. Raises ProblemError for what is not made of positive integers."""
    try:
        sizes = tuple(map(operator.index, shape if isinstance(shape, Sequence) else (shape,)))
    except TypeError:
        sizes = ()
    if not sizes or min(sizes) < 1:
        raise ProblemError(f"the shape of '{name}' must be made of positive integers, not {shape!r}")
    return sizes


def specification(
    name: str,
    low: int | None,
    high: int | None,
    values: Iterable[int] | None,
    multiple_of: int | None,
    divides: int | None,
    remainder: tuple[int, int] | None,
    power_of: int | None,
) -> DomainSpec:
    """The declaration, with every number checked. Raises ProblemError for what is no integer or no base."""

    def number(what: str, value: Any) -> int:
        try:
            return operator.index(value)
        except TypeError:
            raise ProblemError(f"{what} of '{name}' must be an integer, not {value!r}") from None

    def optional(what: str, value: Any) -> int | None:
        return None if value is None else number(what, value)

    pair = None
    if remainder is not None:
        if not isinstance(remainder, Sequence) or len(remainder) != 2:
            raise ProblemError(f"remainder of '{name}' must be a pair (r, m), not {remainder!r}")
        pair = (number("the remainder", remainder[0]), number("the modulus", remainder[1]))
        if pair[1] == 0:
            raise ProblemError(f"the modulus of '{name}' must not be 0")
    base = optional("power_of", power_of)
    if base is not None and base < 2:
        raise ProblemError(f"power_of of '{name}' must be at least 2, not {base}")
    if values is not None and not isinstance(values, Iterable):
        raise ProblemError(f"values of '{name}' must be a collection of integers, not {values!r}")
    chosen = None if values is None else tuple(sorted({number("a value", value) for value in values}))
    return DomainSpec(
        low=optional("the lower bound", low),
        high=optional("the upper bound", high),
        values=chosen,
        multiple_of=optional("multiple_of", multiple_of),
        divides=optional("divides", divides),
        remainder=pair,
        power_of=base,
    )


def choice_specification(name: str, choices: Sequence[str]) -> DomainSpec:
    """The declaration of a symbolic variable. Raises ProblemError for what are not different texts."""
    names = tuple(choices)
    if isinstance(choices, str) or not all(isinstance(each, str) and each for each in names):
        raise ProblemError(f"the choices of '{name}' must be texts, not {choices!r}")
    if not names or len(set(names)) < len(names):
        raise ProblemError(f"the choices of '{name}' must be different texts, one at least")
    return DomainSpec(low=0, high=len(names) - 1, choices=names)


def declaration(name: str, spec: DomainSpec) -> Expression:
    """The declared domain as a constraint, to be shown."""
    x = variable(name)
    parts: list[Expression] = []
    if spec.low is not None:
        parts.append(x >= spec.low)
    if spec.high is not None:
        parts.append(x <= spec.high)
    if spec.values is not None:
        parts.append(member_of(x, spec.values))
    if spec.multiple_of is not None:
        parts.append(Expression(Op.DIVIDES, (to_expression(spec.multiple_of), x)))
    if spec.divides is not None:
        parts.append(Expression(Op.DIVIDES, (x, to_expression(spec.divides))))
    if spec.remainder is not None:
        parts.append((x - spec.remainder[0]) % spec.remainder[1] == 0)
    if spec.power_of is not None:
        parts.append(x >= 1)
    return parts[0] if len(parts) == 1 else Expression(Op.AND, tuple(parts))
