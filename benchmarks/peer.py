"""A problem as a CP-SAT model: what the hand-written models build, and how they are solved."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ortools.sat.python import cp_model

Data = Mapping[str, Any]
"""The parameters of a problem file as YAML gives them, those of its includes under the include's name."""


class Refused(Exception):
    """CP-SAT cannot take the problem; the message is its own."""


@dataclass(frozen=True)
class Goal:
    """An expression to be made small or large, with bounds of its values."""

    expression: Any
    low: int
    high: int
    maximize: bool


@dataclass
class Answer:
    """What a solver says: a status in constrint's words, the values by name, and those of the goals."""

    status: str
    values: dict[str, Any] = field(default_factory=dict)
    goals: list[int] = field(default_factory=list)


def check_width(*values: int) -> None:
    """Raises Refused for a number that does not fit CP-SAT's 64 bits."""
    for value in values:
        if not -(1 << 63) <= value < 1 << 63:
            raise Refused(f"{value} does not fit in 64 bits")


class Peer:
    """A model with variables under the names of the problem file, and goals in their order."""

    def __init__(self) -> None:
        self.model = cp_model.CpModel()
        self.variables: dict[str, Any] = {}
        self.goals: list[Goal] = []

    def integer(self, name: str, low: int, high: int) -> Any:
        """A variable of the problem. Raises Refused where CP-SAT's 64 bits cannot hold its bounds."""
        check_width(low, high)
        self.variables[name] = self.model.new_int_var(low, high, name)
        return self.variables[name]

    def chosen(self, name: str, values: Iterable[int]) -> Any:
        """A variable of the problem with these values."""
        domain = cp_model.Domain.from_values(list(values))
        self.variables[name] = self.model.new_int_var_from_domain(domain, name)
        return self.variables[name]

    def array(self, name: str, shape: tuple[int, ...], low: int, high: int) -> Any:
        """An array of variables of the problem, as nested lists."""

        def build(sizes: tuple[int, ...]) -> Any:
            if not sizes:
                return self.model.new_int_var(low, high, "")
            return [build(sizes[1:]) for _ in range(sizes[0])]

        self.variables[name] = build(shape)
        return self.variables[name]

    def product(self, low: int, high: int, *factors: Any) -> Any:
        """A new variable from low to high that is the product of the factors."""
        result = self.model.new_int_var(low, high, "")
        self.model.add_multiplication_equality(result, list(factors))
        return result

    def truth(self, condition: Any, negation: Any) -> Any:
        """A new 0/1 variable that says whether the linear condition holds; its negation is given too."""
        result = self.model.new_bool_var("")
        self.model.add(condition).only_enforce_if(result)
        self.model.add(negation).only_enforce_if(~result)
        return result

    def minimize(self, expression: Any, low: int, high: int) -> None:
        """Adds a goal of less importance than those before."""
        self.goals.append(Goal(expression, low, high, maximize=False))

    def maximize(self, expression: Any, low: int, high: int) -> None:
        """Adds a goal of less importance than those before."""
        self.goals.append(Goal(expression, low, high, maximize=True))


Model = Callable[[Data], Peer]
"""From the parameters of a problem file to the problem as a CP-SAT model."""


def _solver(presolve: bool, limit: float) -> cp_model.CpSolver:
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.max_time_in_seconds = limit
    solver.parameters.cp_model_presolve = presolve
    return solver


def _solved(peer: Peer, solver: cp_model.CpSolver) -> Answer:
    """What one solve says. Raises Refused for a model that CP-SAT does not take."""
    status = solver.solve(peer.model)
    if status == cp_model.MODEL_INVALID:
        raise Refused(" ".join(peer.model.validate().split()) or "MODEL_INVALID")
    if status == cp_model.INFEASIBLE:
        return Answer("infeasible")
    if status == cp_model.UNKNOWN or (peer.goals and status != cp_model.OPTIMAL):
        return Answer("unknown")

    def value(item: Any) -> Any:
        return [value(part) for part in item] if isinstance(item, list) else int(solver.value(item))

    return Answer(
        "satisfied",
        {name: value(item) for name, item in peer.variables.items()},
        [int(solver.value(goal.expression)) for goal in peer.goals],
    )


def in_turn(peer: Peer, presolve: bool, limit: float) -> Answer:
    """One solve for each goal, the values of those before held."""
    solver = _solver(presolve, limit)
    if not peer.goals:
        return _solved(peer, solver)
    for goal in peer.goals:
        (peer.model.maximize if goal.maximize else peer.model.minimize)(goal.expression)
        answer = _solved(peer, solver)
        if answer.status != "satisfied":
            break
        peer.model.add(goal.expression == int(solver.value(goal.expression)))
    return answer


def weighted(peer: Peer, presolve: bool, limit: float) -> Answer:
    """One solve of a sum in which a goal outweighs all after it.

    Raises Refused where the weights would leave 62 bits.
    """
    if math.prod(goal.high - goal.low + 1 for goal in peer.goals) >= 1 << 62:
        raise Refused("the weights of the goals overflow")
    total: Any = 0
    for goal in peer.goals:
        total = total * (goal.high - goal.low + 1) + (-goal.expression if goal.maximize else goal.expression)
    peer.model.minimize(total)
    return _solved(peer, _solver(presolve, limit))


@dataclass(frozen=True)
class Way:
    """How CP-SAT is asked: how several goals are stated, and whether its presolve runs first."""

    name: str
    solve: Callable[[Peer, bool, float], Answer]
    presolve: bool

    def __call__(self, peer: Peer, limit: float) -> Answer:
        return self.solve(peer, self.presolve, limit)


def ways(goals: int) -> list[Way]:
    """The ways of asking worth trying for a problem with so many goals; each proves its answer."""
    how = {"in turn": in_turn, "weighted": weighted} if goals > 1 else {"": in_turn}
    return [
        Way(", ".join(filter(None, [name, "" if presolve else "no presolve"])), solve, presolve)
        for name, solve in how.items()
        for presolve in (True, False)
    ]
