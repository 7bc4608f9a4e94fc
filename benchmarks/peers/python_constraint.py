"""python-constraint2: listed domains, its `AllDifferentConstraint`, compiled functions for the rest.

It has no goals: every solution is looked at, and the best one is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import constraint

import constrint as ci
from benchmarks.peers.common import Answer, Domains, Refused, goals, statements
from constrint.errors import UndefinedTerm
from constrint.evaluation import evaluate, holds
from constrint.expressions import Expression, Op, variable_names

_MOST_VALUES = 1_000_000


def solve(problem: ci.Problem, reduced: Domains) -> Answer:
    """The best solution, or that there is none.

    Raises Refused where a domain has no end or more than a million values.
    """
    peer = constraint.Problem()
    for name, domain in reduced.items():
        peer.addVariable(name, _values(name, domain, problem.variables[name]))
    for expression in statements(problem):
        names = sorted(variable_names(expression))
        plain = {arg.op for arg in expression.args} == {Op.VARIABLE}
        if expression.op is Op.ALL_DIFFERENT and plain and len(names) == len(expression.args):
            peer.addConstraint(constraint.AllDifferentConstraint(), names)
        elif names:
            peer.addConstraint(constraint.FunctionConstraint(function(expression, names)), names)
        elif not holds(expression, {}):
            return Answer(False)
    wanted = goals(problem)
    best: tuple[list[int], dict[str, int]] | None = None
    for values in peer.getSolutionIter():
        if not wanted:
            return Answer(True, values)
        try:
            score = [(-1 if large else 1) * evaluate(goal, values) for goal, large in wanted]
        except UndefinedTerm:
            continue
        if best is None or score < best[0]:
            best = score, dict(values)
    return Answer(False) if best is None else Answer(True, best[1])


def _values(name: str, domain: ci.Domain, spec: ci.DomainSpec) -> list[int]:
    if domain.values is not None:
        listed = domain.values
    elif domain.size is None or domain.min is None or domain.max is None:
        raise Refused(f"'{name}' has no end")
    else:
        step = domain.multiple_of or 1
        first = domain.min + ((domain.remainder or 0) - domain.min) % step
        if (domain.max - first) // step >= _MOST_VALUES:
            raise Refused(f"'{name}' has too many values to list")
        listed = tuple(range(first, domain.max + 1, step))
    return [value for value in listed if value in domain and spec.holds(value)]


# Expressions as Python -----------------------------------------------------------------------------

_INFIX = {
    Op.ADD: "+",
    Op.MULTIPLY: "*",
    Op.EQUAL: "==",
    Op.NOT_EQUAL: "!=",
    Op.LESS_EQUAL: "<=",
    Op.LESS: "<",
    Op.GREATER_EQUAL: ">=",
    Op.GREATER: ">",
}
_JUNCTIONS = {Op.AND: "and", Op.OR: "or"}
_CALLS = {Op.ABSOLUTE: "abs", Op.MINIMUM: "min", Op.MAXIMUM: "max"}


def function(expression: Expression, names: list[str]) -> Callable[..., bool]:
    """A Python function of the named variables that says whether the expression holds.

    Where a term may be undefined, or Python has no operator for it, the meaning of constrint is asked.
    """
    writer = _Writer(names)
    text = writer.text(expression)
    if text is None:
        return lambda *values: holds(expression, dict(zip(names, values, strict=True)))
    found: Callable[..., bool] = eval(
        f"lambda {', '.join(writer.parameters.values())}: {text}", writer.constants
    )
    return found


class _Writer:
    """Writes expressions; `constants` are the tables that the text refers to."""

    def __init__(self, names: list[str]) -> None:
        self.parameters = {name: f"v{k}" for k, name in enumerate(names)}
        self.constants: dict[str, Any] = {}

    def text(self, e: Expression) -> str | None:
        """The expression in Python, None where it has no counterpart that is always defined."""
        if e.op is Op.CONSTANT:
            return f"({e.data})"
        if e.op is Op.VARIABLE:
            return self.parameters[e.data]
        args = [self.text(arg) for arg in e.args]
        if not args or None in args:
            return None
        parts = [str(arg) for arg in args]
        if e.op in _INFIX:
            return f"({f' {_INFIX[e.op]} '.join(parts)})"
        if e.op in _JUNCTIONS:
            return f"({f' {_JUNCTIONS[e.op]} '.join(f'bool({part})' for part in parts)})"
        if e.op in _CALLS:
            return (
                f"{_CALLS[e.op]}({', '.join(parts)})" if len(parts) > 1 or e.op is Op.ABSOLUTE else parts[0]
            )
        divisor = e.args[-1].data if e.args[-1].op is Op.CONSTANT else 0
        if e.op is Op.FLOOR_DIVIDE and divisor:
            return f"({parts[0]} // {parts[1]})"
        if e.op is Op.CEIL_DIVIDE and divisor:
            return f"(-(-{parts[0]} // {parts[1]}))"
        if e.op is Op.MODULO and divisor:
            return f"({parts[0]} % {parts[1]})"
        if e.op is Op.POWER and e.args[1].op is Op.CONSTANT and 0 <= e.args[1].data <= 64:
            return f"({parts[0]} ** {parts[1]})"
        if e.op is Op.COUNT:
            return f"(({', '.join(parts[1:])},).count({parts[0]}))"
        if e.op is Op.ALL_DIFFERENT:
            return f"(len({{{', '.join(parts)}}}) == {len(parts)})"
        if e.op is Op.NOT:
            return f"(not {parts[0]})"
        if e.op is Op.IMPLIES:
            return f"(not {parts[0]} or bool({parts[1]}))"
        if e.op is Op.IFF:
            return f"(bool({parts[0]}) == bool({parts[1]}))"
        if e.op is Op.XOR:
            return f"(({' + '.join(f'bool({part})' for part in parts)}) % 2 == 1)"
        if e.op is Op.CHOOSE:
            return f"({parts[1]} if {parts[0]} else {parts[2]})"
        if e.op in (Op.MEMBER, Op.TABLE):
            rows = f"rows{len(self.constants)}"
            self.constants[rows] = frozenset(e.data)
            item = parts[0] if e.op is Op.MEMBER else f"({', '.join(parts)},)"
            return f"({item} in {rows})"
        return None
