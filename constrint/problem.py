"""A problem: variables with domains, constraints, preferences, objectives; and the questions to ask it."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from itertools import islice, product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from constrint import solving
from constrint.backends import answer_with
from constrint.cancellation import Cancellation
from constrint.declarations import choice_specification, declaration, shape_of, specification
from constrint.domains import DomainSpec
from constrint.errors import ExpressionError, Place, ProblemError, SizeLimitError, unknown_name
from constrint.evaluation import holds
from constrint.expressions import (
    MAX_NESTING,
    Array,
    Category,
    Expression,
    Operand,
    nests_deeper,
    to_expression,
    variable,
    variable_names,
)
from constrint.globals.scheduling import Interval
from constrint.html import table
from constrint.intervals import declare
from constrint.numbers import long_integers
from constrint.results import (
    INFEASIBLE,
    SATISFIED,
    UNKNOWN,
    Check,
    Constraint,
    CountResult,
    Explanation,
    LimitReached,
    Propagation,
    SearchResult,
    Solution,
    SpaceResult,
)

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from constrint.conflicts import ConflictList, Correction
    from constrint.pictures import Plane, Ranges
    from constrint.roots import Root
    from constrint.space import SearchSpace
    from constrint.tracing import Why

MAX_VARIABLES = 1_000_000
"""More variables than this are refused: they come from mistakes or from bombs."""

_STATED = ("variables", "arrays", "intervals", "places", "constraints", "preferences", "objectives", "_root")
"""The attributes of a problem that hold what is stated."""

_NAME = re.compile(r"[A-Za-z_]\w*\Z")


@dataclass(frozen=True)
class Preference:
    """A wish: the largest (or smallest) feasible value of the expression."""

    expression: Expression
    largest: bool


@dataclass(frozen=True)
class Objective:
    """An expression to be minimised (or maximised)."""

    expression: Expression
    maximize: bool


def largest(operand: Operand) -> Preference:
    """The wish for the largest feasible value, for Problem.prefer."""
    return Preference(to_expression(operand), True)


def smallest(operand: Operand) -> Preference:
    """The wish for the smallest feasible value, for Problem.prefer."""
    return Preference(to_expression(operand), False)


class Problem:
    """Integer variables, constraints on them, and what to look for.

    Variables are declared first, then used in expressions; `add` states constraints. With objectives
    `solve` gives an optimal solution, the lexicographically best one if there are several objectives;
    preferences decide among what is left.
    """

    def __init__(self, name: str = "problem", description: str = "") -> None:
        self.name = name
        self.description = description
        self.variables: dict[str, DomainSpec] = {}
        """The declared domain of each variable; the elements of an array have names like q[0] and q[1][2]."""
        self.arrays: dict[str, tuple[int, ...]] = {}
        """The shape of each array."""
        self.intervals: dict[str, Interval] = {}
        """The intervals; the variables that belong to one have names like task.start."""
        self.places: dict[str, Place] = {}
        """Where variables are declared, if they come from a file."""
        self.constraints: list[Constraint] = []
        self.preferences: list[Preference] = []
        self.objectives: list[Objective] = []
        self._states: list[dict[str, Any]] = []
        self._root: Root | None = None

    # Stating ----------------------------------------------------------------------------------------

    def integer(
        self,
        name: str,
        low: int | None = None,
        high: int | None = None,
        *,
        values: Iterable[int] | None = None,
        multiple_of: int | None = None,
        divides: int | None = None,
        remainder: tuple[int, int] | None = None,
        power_of: int | None = None,
    ) -> Expression:
        """A variable; every statement given holds, and without any it is an unbounded integer.

        `divides=n` allows the positive divisors of n, `remainder=(r, m)` the x ≡ r (mod m), `power_of=b`
        the b ** k with k >= 0.

        Raises ProblemError for a name that is taken or is none, and for a domain that cannot be meant.
        """
        self._check_name(name)
        with long_integers():
            spec = specification(name, low, high, values, multiple_of, divides, remainder, power_of)
        self.variables[name] = spec
        return variable(name)

    def boolean(self, name: str) -> Expression:
        """A variable that is 0 or 1."""
        return self.integer(name, 0, 1)

    def choice(self, name: str, choices: Sequence[str]) -> Category:
        """A variable whose values are these texts, such as "row" and "column".

        It compares with them: `layout == "row"`, `layout.isin(["row", "column"])`. Elsewhere it is the
        position of its value: 0, 1, 2, …

        Raises ProblemError as `integer` does, and for choices that are not different texts.
        """
        self._check_name(name)
        self.variables[name] = choice_specification(name, choices)
        return Category(name, self.variables[name].choices or ())

    def array(
        self,
        name: str,
        shape: int | Sequence[int],
        low: int | None = None,
        high: int | None = None,
        *,
        values: Iterable[int] | None = None,
        multiple_of: int | None = None,
        divides: int | None = None,
        remainder: tuple[int, int] | None = None,
        power_of: int | None = None,
        choices: Sequence[str] | None = None,
    ) -> Array:
        """An array of variables with the same domain: a[0], a[1], … or a[0][0], …

        With `choices` every element is what `choice` declares; then nothing else is stated of the domain.

        Raises ProblemError as `integer` does, and for a shape that is not made of positive integers.
        """
        self._check_name(name)
        sizes = shape_of(name, shape)
        total = len(self.variables)
        elements = 1
        for size in sizes:
            elements *= size
        if total + elements > MAX_VARIABLES:
            raise SizeLimitError(f"array '{name}' would bring the problem over {MAX_VARIABLES} variables")
        with long_integers():
            spec = specification(name, low, high, values, multiple_of, divides, remainder, power_of)
        if choices is not None:
            if spec != DomainSpec():
                raise ProblemError(f"'{name}' has choices, which are all there is to its domain")
            spec = choice_specification(name, choices)
        self.arrays[name] = sizes
        for indices in product(*map(range, sizes)):
            self.variables[name + "".join(f"[{k}]" for k in indices)] = spec
        array = self[name]
        assert isinstance(array, Array)
        return array

    def interval(
        self,
        name: str,
        start: Any = None,
        duration: Any = None,
        end: Any = None,
        *,
        optional: bool = False,
    ) -> Interval:
        """A span of time from `start` up to `end`, for `cumulative`, `no_overlap` and their kin.

        Each part is a number, an expression, or a range (low, high), which declares a variable: "name.start",
        "name.duration", "name.end". A part that is not given follows from the two others; where two are
        missing, the start (or else the duration) is a natural number. Always start + duration == end, and
        duration >= 0. An optional interval has a variable "name.present" that is 1 where it takes place;
        where not, its other variables have their least values.

        Raises ProblemError for a name that is taken or is none, and for a part that is none of these.
        """
        self._check_name(name)
        return declare(
            self, name, {"start": start, "duration": duration, "end": end}, optional=bool(optional)
        )

    def __getitem__(self, name: str) -> Any:
        """The variable, the array or the interval that was declared under this name, as `integer`, `choice`,
        `array` or `interval` gave it; elements of arrays have names as in `"a[0]"`.

        Raises UnknownNameError where nothing has the name.
        """

        def build(prefix: str, sizes: tuple[int, ...]) -> Any:
            if not sizes:
                choices = self.variables[prefix].choices
                return variable(prefix) if choices is None else Category(prefix, choices)
            return Array([build(f"{prefix}[{k}]", sizes[1:]) for k in range(sizes[0])])

        if name in self.intervals:
            return self.intervals[name]
        if name not in self.arrays and name not in self.variables:
            raise unknown_name(name, [*self.variables, *self.arrays, *self.intervals])
        return build(name, self.arrays.get(name, ()))

    @property
    def choices(self) -> dict[str, tuple[str, ...]]:
        """The names of the values of each variable that has them."""
        return {name: spec.choices for name, spec in self.variables.items() if spec.choices is not None}

    def add(self, *expressions: Operand, label: str | None = None, place: Place | None = None) -> None:
        """States that the expressions hold; `label` is what explanations call them.

        Raises UnknownNameError for a variable that is not declared, ExpressionError for what is no
        expression, SizeLimitError for one that nests too deep; none of the expressions is added then.
        """
        checked = [self._checked(operand, place) for operand in expressions]
        self.constraints.extend(Constraint(expression, label, place) for expression in checked)

    def prefer(self, *preferences: Preference) -> None:
        """Adds wishes: `largest(x)`, `smallest(y)`. The first gets its best feasible value, then the next."""
        checked = []
        for preference in preferences:
            if not isinstance(preference, Preference):
                raise ProblemError(f"prefer() takes largest(…) and smallest(…), not {preference!r}")
            checked.append(Preference(self._checked(preference.expression), preference.largest))
        self.preferences.extend(checked)

    def minimize(self, *expressions: Operand) -> None:
        """Adds objectives, each less important than those before it."""
        self.objectives.extend([Objective(self._checked(e), maximize=False) for e in expressions])

    def maximize(self, *expressions: Operand) -> None:
        """Adds objectives, each less important than those before it."""
        self.objectives.extend([Objective(self._checked(e), maximize=True) for e in expressions])

    def __getstate__(self) -> dict[str, Any]:
        # What is known from earlier questions can be found out again.
        forgotten = {"_root": None, "_states": [{**state, "_root": None} for state in self._states]}
        return {**self.__dict__, **forgotten}

    def push(self) -> None:
        """Remembers what is stated now, for `pop`."""
        self._states.append({name: copy(getattr(self, name)) for name in _STATED})

    def pop(self) -> None:
        """Takes back what was stated since the last `push` that was not taken back.

        Raises ProblemError where there is none.
        """
        if not self._states:
            raise ProblemError("there is no push() to go back to")
        for name, stated in self._states.pop().items():
            setattr(self, name, stated)

    def _check_name(self, name: str) -> None:
        if not isinstance(name, str) or not _NAME.match(name):
            raise ProblemError(f"{name!r} is not a name: letters, digits and '_', not starting with a digit")
        if name in self.variables or name in self.arrays or name in self.intervals:
            raise ProblemError(f"the name '{name}' is already taken")

    def _checked(self, operand: Operand, place: Place | None = None) -> Expression:
        try:
            expression = to_expression(operand)
        except ExpressionError as error:
            raise ExpressionError(error.message, place) from None
        if nests_deeper(expression, MAX_NESTING):
            raise SizeLimitError(
                f"an expression that nests more than {MAX_NESTING} deep: give a part of it a variable", place
            )
        for name in sorted(variable_names(expression)):
            if name not in self.variables:
                raise unknown_name(name, [*self.variables, *self.arrays], place)
        return expression

    # Asking -----------------------------------------------------------------------------------------

    def solve(
        self,
        *,
        time_limit: float | None = None,
        node_limit: int | None = None,
        backend: str = "native",
        progress: solving.Progress | None = None,
        assuming: Iterable[Operand] = (),
        hints: Mapping[str, Any] | None = None,
        on_solution: Callable[[Solution], None] | None = None,
        cancellation: Cancellation | None = None,
    ) -> Solution:
        """One solution: the optimal one, the preferred one among those, or any one.

        `time_limit` is in seconds. A limit, `cancellation` or Ctrl-C ends with the best solution so far, and
        `stopped_by` says so. The back end "cp-sat" hands the propagated program to OR-Tools; "auto" does
        so, if OR-Tools is installed, once the native search has grown long.

        `assuming` are constraints for this call alone; if these are what leaves no solution, `conflict` of
        the answer says which. `hints` are values for some variables, right or wrong, that the native search
        tries first. `on_solution` is called with each solution that is better than those before it.

        Raises UnboundedError where the search would need a bound that no constraint implies, BackendError
        where the back end cannot take the problem, ProblemError for hints that are no values.
        """
        assumptions = [Constraint(self._checked(operand)) for operand in assuming]

        def report(values: Mapping[str, int], objective: list[int]) -> None:
            assert on_solution is not None
            on_solution(
                Solution(
                    self,
                    values,
                    status=SATISFIED,
                    objective=self._objective(objective),
                    statistics=session.statistics(),
                )
            )

        session = solving.Session(
            self,
            time_limit=time_limit,
            node_limit=node_limit,
            progress=progress,
            constraints=[*self.constraints, *assumptions],
            hints=self._values(hints or {}),
            on_solution=None if on_solution is None else report,
            cancelled=None if cancellation is None else lambda: cancellation.cancelled,
        )
        if self._root is not None and self._root.is_of(self.variables, session.constraints):
            session.root = self._root
        session.remembers = not assumptions
        best = answer_with(session, backend, time_limit)
        if session.remembers:
            self._root = session.root
        found = best.assignment is not None
        status = solving.status_of(session, found, best.proved, bool(self.objectives))
        conflict: list[Constraint] = []
        if assumptions and status == INFEASIBLE:
            from constrint.assuming import conflicting

            conflict = conflicting(self, assumptions, time_limit)
        return Solution(
            self,
            best.assignment,
            status=status,
            conflict=conflict,
            objective=self._objective(best.objective),
            complete=not found and best.proved,
            stopped_by=session.stopped_by,
            statistics=session.statistics(),
        )

    def search(
        self,
        *,
        limit: int | None = None,
        time_limit: float | None = None,
        node_limit: int | None = None,
        progress: solving.Progress | None = None,
    ) -> SearchResult:
        """Up to `limit` solutions, in the order of the preferences; with objectives, optimal ones only.

        Raises ProblemError for a limit below 1, and as `solve` does.
        """
        _check_limit(limit)
        session = solving.Session(self, time_limit=time_limit, node_limit=node_limit, progress=progress)
        found: list[tuple[solving.Assignment, list[int]]] = []
        complete = solving.search_all(session, limit, found)
        status = solving.status_of(session, bool(found), True, bool(self.objectives))
        objective = self._objective(found[0][1]) if found else None
        statistics = session.statistics()
        solutions = [
            Solution(self, values, status=status, objective=objective, statistics=statistics)
            for values, _ in found
        ]
        return SearchResult(status, solutions, complete, objective, session.stopped_by, statistics)

    def solutions(self, *, limit: int | None = None, time_limit: float | None = None) -> Iterator[Solution]:
        """The solutions one by one, as they are found; each once, and at most `limit` (1 or more) of them."""
        _check_limit(limit)
        session = solving.Session(self, time_limit=time_limit)
        for values in islice(solving.stream(session), limit):
            yield Solution(self, values, status=SATISFIED, statistics=session.statistics())

    def count(
        self,
        *,
        over: Sequence[str] | None = None,
        time_limit: float | None = None,
        memory_limit: int | None = None,
        executor: Executor | None = None,
    ) -> int:
        """How many solutions there are, whatever the objectives and preferences.

        With `over`, how many different values these variables (and arrays) take together. The other
        arguments are those of `enumerate`.

        Raises LimitReached, which holds a lower bound, at a limit; UnboundedError for infinitely many as
        far as the constraints tell.
        """
        result = self.search_count(
            over=over, time_limit=time_limit, memory_limit=memory_limit, executor=executor
        )
        if not result.complete:
            message = f"stopped by the {result.stopped_by}: at least {result.count}"
            raise LimitReached(message, result.count, stopped_by=result.stopped_by)
        return result.count

    def search_count(
        self,
        *,
        over: Sequence[str] | None = None,
        time_limit: float | None = None,
        memory_limit: int | None = None,
        executor: Executor | None = None,
        progress: solving.Progress | None = None,
    ) -> CountResult:
        """As `count`, with a lower bound where a limit stops it."""
        from constrint.diagram.compiling import compile_problem

        session = solving.Session(self.without_goals(), time_limit=time_limit, progress=progress)
        found = compile_problem(
            session,
            over=over,
            counting=True,
            memory_limit=memory_limit,
            executor=executor,
            progress=progress,
        )
        complete = found.stopped_by is None
        status = solving.status_of(session, found.count > 0, complete, False)
        return CountResult(status, found.count, complete, found.stopped_by, session.statistics())

    def enumerate(
        self,
        *,
        over: Sequence[str] | None = None,
        time_limit: float | None = None,
        memory_limit: int | None = None,
        executor: Executor | None = None,
        progress: solving.Progress | None = None,
    ) -> SearchSpace:
        """Every solution, as a SearchSpace, in lexicographic order of the variables as declared.

        With `over`, the different values that these variables (and arrays) take in solutions. `time_limit`
        is in seconds. `memory_limit` is in bytes and bounds what is held while the space is built (1 GiB
        where none is given, and beyond that solutions are searched one by one). An `executor` of
        concurrent.futures, or one like it, does the work in parts; the space is the same.

        Raises LimitReached at a limit and at Ctrl-C, with the space of what was found; UnboundedError for
        infinitely many; UnknownNameError for a name in `over` that is no variable.
        """
        result = self.search_space(
            over=over, time_limit=time_limit, memory_limit=memory_limit, executor=executor, progress=progress
        )
        if not result.complete:
            count = result.space.size
            message = f"stopped by the {result.stopped_by}: at least {count}"
            raise LimitReached(message, count, result.space, result.stopped_by)
        return result.space

    def search_space(
        self,
        *,
        over: Sequence[str] | None = None,
        time_limit: float | None = None,
        memory_limit: int | None = None,
        executor: Executor | None = None,
        progress: solving.Progress | None = None,
    ) -> SpaceResult:
        """As `enumerate`, with part of the space where a limit stops it."""
        from constrint.diagram.compiling import compile_problem
        from constrint.space import SearchSpace

        plain = self.without_goals()
        session = solving.Session(plain, time_limit=time_limit, progress=progress)
        found = compile_problem(
            session, over=over, memory_limit=memory_limit, executor=executor, progress=progress
        )
        assert found.diagram is not None
        complete = found.stopped_by is None
        status = solving.status_of(session, found.count > 0, complete, False)
        space = SearchSpace(plain, found.diagram, complete=complete)
        return SpaceResult(status, space, complete, found.stopped_by, session.statistics())

    def propagate(self, *, time_limit: float | None = None) -> Propagation:
        """The reduced domain of every variable, without search; the declared ones where a limit stops it."""
        session = solving.Session(self, time_limit=time_limit)
        domains = solving.propagate(session)
        if domains is None:
            return Propagation(INFEASIBLE, {}, session.statistics())
        values = {name: domain.min for name, domain in domains.items() if domain.size == 1}
        status = UNKNOWN
        if len(values) == len(domains):
            # One assignment is left, so its check decides.
            status = self.check(values).status
        return Propagation(status, domains if status != INFEASIBLE else {}, session.statistics())

    def explain(self, *, time_limit: float | None = None) -> Explanation:
        """Why there is no solution: a minimal set of constraints that cannot hold together."""
        from constrint.explaining import explain

        return explain(self, time_limit)

    def why(self, name: str, *, time_limit: float | None = None) -> Why:
        """Which constraints give a variable its present bounds, modulus, divisor and values.

        Raises UnknownNameError for a name that is no variable.
        """
        from constrint.tracing import why

        return why(self, name, time_limit)

    def ranges(self) -> Ranges:
        """The domains as declared and after propagation, as a picture: text, or a file by `save`."""
        from constrint.pictures import ranges

        return ranges(self)

    def plane(self, x: str, y: str, *, time_limit: float | None = None) -> Plane:
        """The solutions, the linear relaxation and the domains of two variables, as a picture.

        Raises UnknownNameError for a name that is no variable, ProblemError where both are the same or one
        has no end after propagation.
        """
        from constrint.pictures import plane

        return plane(self, x, y, time_limit=time_limit)

    def conflicts(self, *, limit: int = 10, time_limit: float | None = None) -> ConflictList:
        """Up to `limit` minimal sets of constraints that cannot hold together; none where a solution exists.

        Raises ProblemError for a limit below 1.
        """
        from constrint.conflicts import all_conflicts

        _check_limit(limit)
        return all_conflicts(self, limit, time_limit)

    def correction(self, *, time_limit: float | None = None) -> Correction:
        """The fewest constraints to drop so that the others have a solution."""
        from constrint.conflicts import correction

        return correction(self, time_limit)

    def check(self, assignment: Mapping[str, Any]) -> Check:
        """Whether the assignment is a solution, and which constraints and declarations it violates.

        Arrays may be given as (nested) lists or by element.

        Raises UnknownNameError for a name that is not a variable, ProblemError for a missing or
        non-integer value.
        """
        values = self._flattened(assignment)
        violated = []
        for name, spec in self.variables.items():
            if not spec.holds(values[name]):
                violated.append(
                    Constraint(declaration(name, spec), f"domain of {name}", self.places.get(name))
                )
        violated.extend(c for c in self.constraints if not holds(c.expression, values))
        return Check(INFEASIBLE if violated else SATISFIED, violated)

    def to_yaml(self, path: str | Path | None = None) -> str:
        """The problem as a problem file, which is also written to `path` if one is given."""
        from constrint.files.writer import to_yaml

        text = to_yaml(self)
        if path is not None:
            Path(path).write_text(text, encoding="utf-8")
        return text

    # Helpers ----------------------------------------------------------------------------------------

    def _objective(self, values: list[int]) -> int | list[int] | None:
        if not values:
            return None
        return values[0] if len(values) == 1 else values

    def without_goals(self) -> Problem:
        """The same variables and constraints, without objectives and preferences."""
        plain = Problem(self.name, self.description)
        plain.variables = dict(self.variables)
        plain.arrays = dict(self.arrays)
        plain.intervals = dict(self.intervals)
        plain.places = self.places
        plain.constraints = list(self.constraints)
        return plain

    def _flattened(self, assignment: Mapping[str, Any]) -> dict[str, int]:
        """The values of all variables by their names."""
        values = self._values(assignment)
        missing = [name for name in self.variables if name not in values]
        if missing:
            more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
            raise ProblemError(f"the assignment has no value for '{missing[0]}'{more}")
        return values

    def _values(self, assignment: Mapping[str, Any]) -> dict[str, int]:
        """The values that are given, by the names of variables; of arrays by element."""
        if not isinstance(assignment, Mapping):
            raise ProblemError(f"an assignment maps names to integers; this is {assignment!r}")
        values: dict[str, int] = {}

        def take(name: str, value: Any) -> None:
            if isinstance(value, (list, tuple)):
                for k, item in enumerate(value):
                    take(f"{name}[{k}]", item)
                return
            if isinstance(value, Mapping) and name in self.intervals:
                for part, number in value.items():
                    take(f"{name}.{part}", number)
                return
            if name not in self.variables:
                raise unknown_name(name, [*self.variables, *self.arrays])
            choices = self.variables[name].choices
            if choices is not None and isinstance(value, str):
                if value not in choices:
                    raise ProblemError(f"'{value}' is not a choice of '{name}': {', '.join(choices)}")
                value = choices.index(value)
            try:
                values[name] = operator.index(value)
            except TypeError:
                raise ProblemError(f"the value of '{name}' must be an integer, not {value!r}") from None

        for name, value in assignment.items():
            take(name, value)
        return values

    def _repr_html_(self) -> str:
        rows: list[tuple[object, ...]] = []
        for name, spec in self.variables.items():
            rows.append(("variable", name, "integer" if spec == DomainSpec() else declaration(name, spec)))
        rows += [("constraint", one.label or "", one.expression) for one in self.constraints]
        rows += [
            ("maximize" if goal.maximize else "minimize", "", goal.expression) for goal in self.objectives
        ]
        rows += [
            ("prefer", "largest" if one.largest else "smallest", one.expression) for one in self.preferences
        ]
        return table(repr(self), ["", "name", "statement"], rows, len(rows))

    def __repr__(self) -> str:
        return (
            f"<Problem {self.name!r}: {len(self.variables)} variables, {len(self.constraints)} constraints>"
        )


def _check_limit(limit: object) -> None:
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        raise ProblemError(f"a limit of solutions is a positive integer, not {limit!r}")
