"""What constraints say linearly of a problem's variables: the Z-polyhedron that they describe."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from constrint.domains import DomainSpec
from constrint.expressions import Expression, Op, variable, walk
from constrint.polyhedra.layers import Empty
from constrint.polyhedra.polyhedron import Polyhedron
from constrint.polyhedra.rows import Congruence, Row
from constrint.polyhedra.simplex import Budget, OutOfBudget

if TYPE_CHECKING:
    from constrint.problem import Problem
    from constrint.results import Constraint

Form = dict[str, int]
"""Coefficients by the names of variables; the constant is that of the empty name."""

MOST_VARIABLES = 200
"""More variables are left alone: an exact simplex over them takes long."""

_RAY_WORK = 500_000
"""Entries of tableaux that pivots may touch while a direction is looked for."""


@dataclass
class LinearSystem:
    """Rows and congruences over `names`, and what each comes from: a label, an expression, a domain."""

    names: list[str]
    rows: list[Row] = field(default_factory=list)
    congruences: list[Congruence] = field(default_factory=list)
    row_sources: list[str] = field(default_factory=list)
    congruence_sources: list[str] = field(default_factory=list)
    complete: bool = True
    """Whether the system says all that the constraints and domains say."""

    @property
    def sources(self) -> list[str]:
        """What each row of the polyhedron comes from."""
        return self.row_sources + self.congruence_sources

    def polyhedron(self) -> Polyhedron:
        """The Z-polyhedron."""
        return Polyhedron(len(self.names), self.rows, self.congruences)

    def form(self, terms: Mapping[str, int]) -> tuple[int, ...]:
        """The coefficients in the order of `names`."""
        return tuple(terms.get(name, 0) for name in self.names)

    def _add_row(self, terms: Form, low: int | None, high: int | None, source: str) -> None:
        """low <= form <= high."""
        shift = terms.get("", 0)
        low = None if low is None else low - shift
        high = None if high is None else high - shift
        self.rows.append(Row(self.form(terms), low, high))
        self.row_sources.append(source)

    def _add_congruence(self, terms: Form, modulus: int, remainder: int, source: str) -> None:
        modulus = abs(modulus)
        remainder = (remainder - terms.get("", 0)) % modulus
        self.congruences.append(Congruence(self.form(terms), modulus, remainder))
        self.congruence_sources.append(source)

    def add(self, e: Expression, source: str, label: str | None = None) -> None:
        """States what the expression says linearly; the rest is left out."""
        if e.op is Op.AND:
            for part in e.args:
                # Several rows under one label: each is told by its own text, too.
                self.add(part, f"{label}: {part}" if label else str(part), label)
        elif self._add_comparison(e, source) or self._add_divides(e, source):
            pass
        elif e.op is Op.MEMBER and e.data and (terms := affine(e.args[0])) is not None:
            self._add_row(terms, e.data[0], e.data[-1], source)
            self.complete = False
        else:
            self.complete = False

    def _add_comparison(self, e: Expression, source: str) -> bool:
        if e.op not in _SIDES:
            return False
        left, right = e.args
        if e.op is Op.EQUAL and left.op is Op.MODULO and right.op is Op.CONSTANT:
            terms, modulus = affine(left.args[0]), left.args[1]
            if terms is not None and modulus.op is Op.CONSTANT and 0 <= right.data < modulus.data:
                self._add_congruence(terms, modulus.data, right.data, source)
                return True
        first, second = affine(left), affine(right)
        if first is None or second is None:
            return False
        difference = dict(first)
        for name, c in second.items():
            difference[name] = difference.get(name, 0) - c
        self._add_row(difference, *_SIDES[e.op], source)
        return True

    def _add_divides(self, e: Expression, source: str) -> bool:
        if e.op is not Op.DIVIDES:
            return False
        divisor, multiple = e.args
        terms = affine(multiple)
        if terms is None or divisor.op is not Op.CONSTANT or not divisor.data:
            return False
        self._add_congruence(terms, divisor.data, 0, source)
        return True

    def add_domain(self, name: str, spec: DomainSpec) -> None:
        """States what the declaration of a variable says linearly."""
        source = f"domain of {name}"
        low, high = spec.low, spec.high
        if spec.values:
            low = spec.values[0] if low is None else max(low, spec.values[0])
            high = spec.values[-1] if high is None else min(high, spec.values[-1])
        if spec.divides is not None or spec.power_of is not None:
            low = 1 if low is None else max(low, 1)
        if spec.divides:
            high = abs(spec.divides) if high is None else min(high, abs(spec.divides))
        if low is not None or high is not None:
            self._add_row({name: 1}, low, high, source)
        if spec.multiple_of:
            self._add_congruence({name: 1}, spec.multiple_of, 0, source)
        elif spec.multiple_of == 0:
            self._add_row({name: 1}, 0, 0, source)
        if spec.remainder is not None:
            remainder, modulus = spec.remainder
            self._add_congruence({name: 1}, modulus, remainder, source)
        if spec.values is not None or spec.divides is not None or spec.power_of is not None:
            self.complete = False


_SIDES: dict[Op, tuple[int | None, int | None]] = {
    Op.EQUAL: (0, 0),
    Op.LESS_EQUAL: (None, 0),
    Op.LESS: (None, -1),
    Op.GREATER_EQUAL: (0, None),
    Op.GREATER: (1, None),
}
"""The bounds of left - right."""


def affine(e: Expression) -> Form | None:
    """The expression as Σ coefficient·variable + constant; None where it is not that."""
    if e.op is Op.CONSTANT:
        return {"": e.data}
    if e.op is Op.VARIABLE:
        return {e.data: 1}
    total: Form = {}
    if e.op is Op.ADD:
        for arg in e.args:
            part = affine(arg)
            if part is None:
                return None
            for name, c in part.items():
                total[name] = total.get(name, 0) + c
        return total
    if e.op is Op.MULTIPLY:
        scale = math.prod(arg.data for arg in e.args if arg.op is Op.CONSTANT)
        rest = [arg for arg in e.args if arg.op is not Op.CONSTANT]
        if not rest:
            return {"": scale}
        inner = affine(rest[0]) if len(rest) == 1 else None
        return None if inner is None else {name: scale * c for name, c in inner.items()}
    return None


def linear_system(
    problem: Problem, constraints: Sequence[Constraint], also: Sequence[Expression] = ()
) -> LinearSystem | None:
    """What the constraints and the domains of their variables say linearly; None for too many variables.

    The variables of the expressions `also` come along.
    """
    expressions = [constraint.expression for constraint in constraints]
    used = {node.data for e in (*expressions, *also) for node in walk(e) if node.op is Op.VARIABLE}
    names = [name for name in problem.variables if name in used]
    if len(names) > MOST_VARIABLES:
        return None
    system = LinearSystem(names)
    labels = Counter(constraint.label for constraint in constraints)
    for constraint in constraints:
        text, label = str(constraint.expression), constraint.label
        source = text if label is None else label if labels[label] == 1 else f"{label}: {text}"
        system.add(constraint.expression, source, label)
    for name in names:
        system.add_domain(name, problem.variables[name])
    return system


def escape(problem: Problem, constraints: Sequence[Constraint], name: str) -> dict[str, int] | None:
    """A direction, as steps of variables, in which all linear constraints and domains hold without end and
    the variable, or the objective of that text, leaves every bound; None where there is none."""
    goals = [goal for goal in problem.objectives if str(goal.expression) == name]
    expression = variable(name) if name in problem.variables else goals[0].expression if goals else None
    terms = None if expression is None else affine(expression)
    if expression is None or terms is None:
        return None
    system = linear_system(problem, constraints, [expression])
    if system is None:
        return None
    polyhedron = system.polyhedron()
    # An objective escapes the way it is pursued; a variable either way, upwards rather.
    signs = (-1, 1) if not goals else (-1,) if goals[0].maximize else (1,)
    for sign in signs:
        form = system.form({each: sign * c for each, c in terms.items()})
        try:
            ray = polyhedron.direction(form, Budget(_RAY_WORK))
        except (OutOfBudget, Empty):
            return None
        if ray is not None:
            return {each: step for each, step in zip(system.names, ray, strict=True) if step}
    return None


def steps(direction: Mapping[str, int]) -> str:
    """The direction in words: x + 1, y - 2."""
    return ", ".join(f"{name} {'+' if step > 0 else '-'} {abs(step)}" for name, step in direction.items())
