"""Declaring intervals: spans of time with a start, a duration and an end, which may be absent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from constrint.domains import DomainSpec
from constrint.errors import ExpressionError, ProblemError
from constrint.expressions import Expression, Op, constant, to_expression, variable
from constrint.globals.scheduling import Interval

if TYPE_CHECKING:
    from constrint.problem import Problem

PARTS = ("start", "duration", "end")
ALL_PARTS = (*PARTS, "present")

_NATURAL = DomainSpec(low=0)
_BIT = DomainSpec(low=0, high=1)

_SEARCHED = 1024
"""The least value of a declaration is looked for among so many from its lower bound on."""


def declare(problem: Problem, name: str, given: dict[str, Any], *, optional: bool) -> Interval:
    """The interval `name` of the problem, with its variables and constraints.

    `given` has a number, an expression, a range (low, high), a DomainSpec or None for each of PARTS. Ranges
    become variables "name.start", …; of what is not given, one part follows from the others, and others are
    natural numbers. An optional interval has the variable "name.present"; while that is 0 its other variables
    have their least values, so that a solution is not found several times.

    Raises ProblemError for a part that is none of these, and for a negative duration.
    """
    parts: dict[str, Expression | DomainSpec | None] = {
        key: _read(name, key, given.get(key)) for key in PARTS
    }
    if parts["start"] is None and (parts["duration"] is None or parts["end"] is None):
        parts["start"] = _NATURAL
    if parts["duration"] is None and parts["end"] is None:
        parts["duration"] = _NATURAL
    constraints: list[Expression] = []
    found: dict[str, Expression] = {}
    present = constant(1)
    if optional:
        present = _variable(problem, f"{name}.present", _BIT)
    for key, part in parts.items():
        if isinstance(part, DomainSpec):
            found[key] = _variable(problem, f"{name}.{key}", part)
            least = _least(part)
            if optional and least is not None:
                constraints.append(present | (found[key] == least))
        elif part is not None:
            found[key] = part
    derived = next((key for key in PARTS if key not in found), None)
    if derived == "start":
        found["start"] = found["end"] - found["duration"]
    elif derived == "duration":
        found["duration"] = found["end"] - found["start"]
    elif derived == "end":
        found["end"] = found["start"] + found["duration"]
    else:
        constraints.append(found["start"] + found["duration"] == found["end"])
    duration, spec = found["duration"], parts["duration"]
    if duration.op is Op.CONSTANT:
        if duration.data < 0:
            raise ProblemError(f"the duration of '{name}' must not be negative, as {duration.data} is")
    elif not isinstance(spec, DomainSpec) or spec.low is None or spec.low < 0:
        constraints.append(duration >= 0)
    interval = Interval(**found, present=present, name=name, derived=derived, constraints=tuple(constraints))
    problem.intervals[name] = interval
    problem.add(*constraints, label=f"interval {name}")
    return interval


def _read(name: str, key: str, value: Any) -> Expression | DomainSpec | None:
    """What is given for one part."""
    if value is None or isinstance(value, DomainSpec):
        return value
    try:
        if isinstance(value, range):
            return DomainSpec(values=tuple(sorted(value)))
        if isinstance(value, (tuple, list)) and len(value) == 2:
            low, high = (to_expression(bound).__index__() for bound in value)
            return DomainSpec(low=low, high=high)
        return to_expression(value)
    except ExpressionError:
        raise ProblemError(
            f"the {key} of '{name}' must be a number, an expression or a range (low, high), not {value!r}"
        ) from None


def _variable(problem: Problem, name: str, spec: DomainSpec) -> Expression:
    problem.variables[name] = spec
    return variable(name)


def _least(spec: DomainSpec) -> int | None:
    """The least value of the declaration, where it is easily found."""
    if spec.values is not None:
        return next((value for value in spec.values if spec.holds(value)), None)
    if spec.low is None:
        return None
    return next((value for value in range(spec.low, spec.low + _SEARCHED) if spec.holds(value)), None)
