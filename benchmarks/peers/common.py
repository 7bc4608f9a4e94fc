"""What the peers share: their answers, the goals of a problem, and the domains they are given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import constrint as ci
from constrint.expressions import Expression, Op


class Refused(Exception):
    """The peer cannot take the problem; the message says why."""


@dataclass
class Answer:
    """Whether there is a solution, and the best one's values by the names of the problem's variables."""

    satisfied: bool
    values: dict[str, int] = field(default_factory=dict)


Domains = dict[str, ci.Domain]
Solve = Callable[[ci.Problem, Domains], Answer]


def goals(problem: ci.Problem) -> list[tuple[Expression, bool]]:
    """Each goal and whether it is to be large, the most important one first."""
    stated = [(goal.expression, goal.maximize) for goal in problem.objectives]
    return stated + [(wish.expression, wish.largest) for wish in problem.preferences]


def statements(problem: ci.Problem) -> list[Expression]:
    """The constraints, conjunctions taken apart."""
    found: list[Expression] = []
    waiting = [item.expression for item in reversed(problem.constraints)]
    while waiting:
        expression = waiting.pop()
        if expression.op is Op.AND:
            waiting += reversed(expression.args)
        else:
            found.append(expression)
    return found


def domains(problem: ci.Problem) -> Domains:
    """The domains after propagation. Raises Refused where they are empty: nothing is left for a peer."""
    found = problem.propagate()
    if found.status == "infeasible":
        raise Refused("propagation alone decides it")
    return found.domains
