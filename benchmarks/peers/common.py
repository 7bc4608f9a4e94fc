"""What the peers share: their answers, the goals of a problem, and the domains they are given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import constrint as ci
from constrint.expressions import Expression, Op

STATED_VALUES = 1_000
"""Peers are given domains of more values than this after propagation, as a user would cut them by hand."""


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
    """The domains as they are stated; where these are large or have no end, what propagation leaves of them.

    Raises Refused where a domain is to be reduced and nothing is left of it.
    """
    free = problem.without_goals()
    free.constraints = []
    stated = free.propagate().domains
    large = [name for name, domain in stated.items() if domain.size is None or domain.size > STATED_VALUES]
    if large:
        found = problem.propagate()
        if found.status == "infeasible":
            raise Refused("propagation alone decides it")
        stated.update((name, found.domains[name]) for name in large)
    return stated
