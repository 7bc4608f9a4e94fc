"""Why a variable has its present bounds, modulus, divisor or values: the constraints that give them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from constrint import solving
from constrint.domains import Domain
from constrint.errors import unknown_name
from constrint.explaining import Interrupted, quick_explain
from constrint.results import INFEASIBLE, INTERRUPT, TIME_LIMIT, UNKNOWN, Constraint, Statistics

if TYPE_CHECKING:
    from constrint.problem import Problem


@dataclass
class Cause:
    """Constraints that, with the declared domains, give one statement of a domain; none where the declared
    domains alone give it.

    `aspect` is "min", "max", "multiple_of", "divides" or "values". `minimal` says that without any one of
    the constraints propagation no longer gives it.
    """

    aspect: str
    statement: str
    constraints: list[Constraint]
    minimal: bool


@dataclass
class Why:
    """Where the domain of a variable comes from, after propagation and without search.

    The status is "infeasible" where propagation leaves nothing, and otherwise "unknown".
    """

    name: str
    status: str
    domain: Domain | None
    causes: list[Cause]
    stopped_by: str | None = None
    statistics: Statistics = field(default_factory=Statistics)


_Implied = Callable[[Domain], bool]


class _Trace:
    """Propagates subsets of a problem's constraints, within one time limit."""

    def __init__(self, problem: Problem, name: str, time_limit: float | None) -> None:
        self._problem = problem
        self._name = name
        self._deadline = None if time_limit is None else time.monotonic() + solving.checked_limit(time_limit)
        self._started = time.perf_counter()
        self._known: dict[tuple[int, ...], Domain | None] = {}
        self.implied: _Implied = lambda domain: False
        self.stopped_by: str | None = None
        self.statistics = Statistics()

    def domain(self, constraints: Sequence[Constraint]) -> Domain | None:
        """The variable's domain by these constraints; None where they leave nothing.

        Raises Interrupted where time runs out or Ctrl-C is pressed.
        """
        key = tuple(sorted(map(id, constraints)))
        if key not in self._known:
            left = None if self._deadline is None else max(0.0, self._deadline - time.monotonic())
            session = solving.Session(self._problem, time_limit=left, constraints=constraints)
            domains = solving.propagate(session)
            self.statistics.propagations += session.statistics().propagations
            self.statistics.wall_seconds = time.perf_counter() - self._started
            if session.stopped_by is not None:
                self.stopped_by = session.stopped_by
                raise Interrupted
            self._known[key] = None if domains is None else domains[self._name]
        return self._known[key]

    def holds(self, constraints: Sequence[Constraint]) -> bool:
        """Whether the constraints leave the statement in question open."""
        domain = self.domain(constraints)
        return domain is not None and not self.implied(domain)


def why(problem: Problem, name: str, time_limit: float | None = None) -> Why:
    """For each statement of the variable's present domain a minimal set of constraints that gives it.

    Raises UnknownNameError for a name that is no variable.
    """
    if name not in problem.variables:
        raise unknown_name(name, problem.variables)
    trace = _Trace(problem, name, time_limit)
    constraints = list(problem.constraints)
    causes: list[Cause] = []
    domain = None
    status = UNKNOWN
    try:
        domain = trace.domain(constraints)
        if domain is None:
            status = INFEASIBLE
        for aspect, statement, implied in _statements(name, domain):
            trace.implied = implied
            causes.append(_cause(trace, aspect, statement, constraints))
    except Interrupted:
        assert trace.stopped_by in (TIME_LIMIT, INTERRUPT)
    return Why(name, status, domain, causes, trace.stopped_by, trace.statistics)


def _cause(trace: _Trace, aspect: str, statement: str, constraints: list[Constraint]) -> Cause:
    if not trace.holds([]):
        return Cause(aspect, statement, [], True)
    found = quick_explain(trace, [], False, constraints)
    # Propagation has budgets, so that fewer constraints may give more: what is told is asked again.
    if trace.holds(found):
        return Cause(aspect, statement, constraints, False)
    minimal = all(trace.holds([other for other in found if other is not one]) for one in found)
    shown = [one for one in constraints if any(one is part for part in found)]
    return Cause(aspect, statement, shown, minimal)


def _statements(name: str, domain: Domain | None) -> list[tuple[str, str, _Implied]]:
    """What the domain says: the aspect, the text, and whether another domain says it, too."""
    if domain is None:
        return []
    low, high, values = domain.min, domain.max, domain.values
    modulus, remainder, divides = domain.multiple_of, domain.remainder or 0, domain.divides
    found: list[tuple[str, str, _Implied]] = []
    if low is not None:
        found.append(("min", f"{name} >= {low}", lambda other: other.min is not None and other.min >= low))
    if high is not None:
        found.append(("max", f"{name} <= {high}", lambda other: other.max is not None and other.max <= high))
    fixed = low is not None and low == high
    if modulus is not None and not fixed:
        text = f"{name} % {modulus} == {remainder}"
        found.append(("multiple_of", text, lambda other: _is_within(other, modulus, remainder)))
    if divides is not None and not fixed:
        text = f"{divides} % {name} == 0"
        found.append(
            ("divides", text, lambda other: other.divides is not None and divides % other.divides == 0)
        )
    if values is not None and low is not None and high is not None:
        regular = range(low, high + 1, modulus or 1)
        if len(values) < len(regular):
            left = set(values)
            text = f"{name} in {list(values)}"
            found.append(
                ("values", text, lambda other: other.values is not None and left.issuperset(other.values))
            )
    return found


def _is_within(domain: Domain, modulus: int, remainder: int) -> bool:
    """Whether all values have this remainder."""
    if domain.min is not None and domain.min == domain.max:
        return (domain.min - remainder) % modulus == 0
    own = domain.multiple_of
    return own is not None and own % modulus == 0 and ((domain.remainder or 0) - remainder) % modulus == 0
