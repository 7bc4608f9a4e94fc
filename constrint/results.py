"""What the solver gives back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from constrint.domains import Domain
from constrint.errors import Place
from constrint.expressions import Category, Expression, Op, to_expression
from constrint.html import table
from constrint.numbers import long_integers

if TYPE_CHECKING:
    from constrint.problem import Problem
    from constrint.space import SearchSpace

SATISFIED = "satisfied"
OPTIMAL = "optimal"
INFEASIBLE = "infeasible"
UNKNOWN = "unknown"

TIME_LIMIT = "time limit"
NODE_LIMIT = "node limit"
MEMORY_LIMIT = "memory limit"
INTERRUPT = "interrupt"
CANCELLED = "cancellation"


@dataclass(frozen=True)
class Constraint:
    """One constraint of a problem: what must hold, its label, and where it stands in a file."""

    expression: Expression
    label: str | None = None
    place: Place | None = None

    def __str__(self) -> str:
        return f"{self.label}: {self.expression}" if self.label else str(self.expression)


@dataclass
class Statistics:
    """How much work an answer took; `depth` and `best` describe a search under way."""

    nodes: int = 0
    failures: int = 0
    propagations: int = 0
    solutions: int = 0
    restarts: int = 0
    wall_seconds: float = 0.0
    backend: str = "native"
    depth: int = 0
    best: int | None = None


class Solution(Mapping[str, Any]):
    """An assignment (or none), and how it was found.

    A mapping from the names of variables to integers, and of arrays to nested lists. `solution["q[0]"]`
    and `solution[expression]` work too. Empty, and false, where there is no assignment.
    """

    def __init__(
        self,
        problem: Problem,
        values: Mapping[str, int] | None,
        *,
        status: str,
        objective: int | list[int] | None = None,
        complete: bool = False,
        stopped_by: str | None = None,
        statistics: Statistics | None = None,
        conflict: Sequence[Constraint] = (),
    ) -> None:
        self.status = status
        self.objective = objective
        self.complete = complete
        self.stopped_by = stopped_by
        self.statistics = statistics or Statistics()
        self.conflict = list(conflict)
        """Where nothing satisfies the assumptions: a minimal set of them that the problem rules out."""
        self.values_by_name: Mapping[str, int] = values or {}
        self._shown: dict[str, Any] = {}
        if values is not None:
            self._shown = nest(values, problem.arrays, problem.choices)

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            if key in self._shown:
                return self._shown[key]
            return self.values_by_name[key]
        from constrint.evaluation import evaluate

        expression = to_expression(key)
        if not self._shown and expression.op is not Op.CONSTANT:
            raise KeyError(f"there is no assignment: the status is {self.status}")
        value = evaluate(expression, self.values_by_name)
        return expression.choices[value] if isinstance(expression, Category) else value

    def __iter__(self) -> Iterator[str]:
        return iter(self._shown)

    def __len__(self) -> int:
        return len(self._shown)

    def __repr__(self) -> str:
        with long_integers():
            values = ", ".join(f"{name}={value}" for name, value in self._shown.items())
        return f"<Solution {self.status}{': ' if values else ''}{values}>"

    def _repr_html_(self) -> str:
        caption = self.status if self.objective is None else f"{self.status}, objective {self.objective}"
        return table(caption, ["variable", "value"], self._shown.items(), len(self._shown))


def nest(
    values: Mapping[str, Any],
    arrays: Mapping[str, tuple[int, ...]],
    choices: Mapping[str, tuple[str, ...]] | None = None,
) -> dict[str, Any]:
    """The flat assignment with each array as a (nested) list, in the order of declaration, and with the
    names of values where there are `choices`."""
    shown: dict[str, Any] = {}
    if choices:
        values = {name: choices[name][x] if name in choices else x for name, x in values.items()}
    for name, value in values.items():
        array = name.partition("[")[0]
        if array not in arrays:
            shown[name] = value
        elif array not in shown:
            shown[array] = _rows(values, array, arrays[array])
    return shown


def flat(shown: Mapping[str, Any]) -> dict[str, Any]:
    """The opposite of `nest`: the elements of arrays by name."""
    values: dict[str, Any] = {}

    def take(name: str, value: Any) -> None:
        if isinstance(value, list):
            for k, item in enumerate(value):
                take(f"{name}[{k}]", item)
        else:
            values[name] = value

    for name, value in shown.items():
        take(name, value)
    return values


def _rows(values: Mapping[str, Any], name: str, shape: tuple[int, ...]) -> Any:
    if not shape:
        return values[name]
    return [_rows(values, f"{name}[{k}]", shape[1:]) for k in range(shape[0])]


@dataclass
class SearchResult:
    """Several solutions: all of them where `complete`."""

    status: str
    solutions: list[Solution]
    complete: bool
    objective: int | list[int] | None = None
    stopped_by: str | None = None
    statistics: Statistics = field(default_factory=Statistics)

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C stopped the search."""
        return self.stopped_by == INTERRUPT


@dataclass
class CountResult:
    """How many solutions there are; a lower bound unless `complete`."""

    status: str
    count: int
    complete: bool
    stopped_by: str | None = None
    statistics: Statistics = field(default_factory=Statistics)

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C stopped the search."""
        return self.stopped_by == INTERRUPT


@dataclass
class Propagation:
    """The reduced domains; empty where propagation alone finds a contradiction.

    The status is "infeasible" then, otherwise "unknown": propagation does not find solutions. It is
    "satisfied" where every variable has one value left, which then is a solution.
    """

    status: str
    domains: dict[str, Domain]
    statistics: Statistics = field(default_factory=Statistics)

    def __getitem__(self, name: str) -> Domain:
        return self.domains[name]

    def _repr_html_(self) -> str:
        rows = [
            (name, domain, "∞" if domain.size is None else domain.size)
            for name, domain in self.domains.items()
        ]
        return table(self.status, ["variable", "domain", "values"], rows, len(rows))


@dataclass
class Explanation:
    """Why there is no solution: constraints that cannot hold together with the declared domains.

    `minimal` says that this was certified: without any one of them, the others can hold together.
    `reason` is the arithmetic in words where their linear parts alone contradict each other, from a proof
    that was checked.
    """

    status: str
    conflict: list[Constraint]
    minimal: bool
    stopped_by: str | None = None
    statistics: Statistics = field(default_factory=Statistics)
    reason: str | None = None

    @property
    def groups(self) -> dict[str | None, list[Constraint]]:
        """The conflict by labels, in the order of their first constraints; None: those without a label."""
        return by_label(self.conflict)


def by_label(constraints: Iterable[Constraint]) -> dict[str | None, list[Constraint]]:
    """The constraints by their labels, in the order in which these come first."""
    groups: dict[str | None, list[Constraint]] = {}
    for constraint in constraints:
        groups.setdefault(constraint.label, []).append(constraint)
    return groups


@dataclass
class Check:
    """Whether an assignment is a solution, and which constraints (and declarations) it violates."""

    status: str
    violated: list[Constraint]

    def __bool__(self) -> bool:
        return self.status == SATISFIED


@dataclass
class SpaceResult:
    """The solutions as a space: all of them where `complete`, and otherwise those found until then."""

    status: str
    space: SearchSpace
    complete: bool
    stopped_by: str | None = None
    statistics: Statistics = field(default_factory=Statistics)


class LimitReached(Exception):
    """A limit or Ctrl-C stopped a count or an enumeration. Nothing that was found is lost: `count` is a
    lower bound, `space` holds what was enumerated (None for a count), `stopped_by` names the limit."""

    def __init__(
        self, message: str, count: int, space: SearchSpace | None = None, stopped_by: str | None = None
    ) -> None:
        super().__init__(message, count, space, stopped_by)
        self.message = message
        self.count = count
        self.space = space
        self.stopped_by = stopped_by

    def __str__(self) -> str:
        return self.message
