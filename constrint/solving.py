"""How a problem is answered: the program is built, its root propagated, and the search run for the answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from constrint.domains import Domain, read_domain
from constrint.engine.clock import Cancelled, Clock, OutOfTime
from constrint.engine.probing import probe_disjunctions
from constrint.engine.propagators.linear import LinearEq
from constrint.engine.propagators.polynomials import polynomials
from constrint.engine.search import Counters, LimitReached, Search, Unbounded
from constrint.engine.store import Inconsistent, OutOfRange, Store
from constrint.errors import ProblemError, SizeLimitError, UnboundedError
from constrint.expressions import Expression, Op, multiply
from constrint.lowering import Lowering
from constrint.minimising import Best, Minimiser
from constrint.objectives import relate
from constrint.results import (
    CANCELLED,
    INFEASIBLE,
    INTERRUPT,
    NODE_LIMIT,
    OPTIMAL,
    SATISFIED,
    TIME_LIMIT,
    UNKNOWN,
    Constraint,
    Statistics,
)
from constrint.root import settle
from constrint.roots import Root, is_settled

if TYPE_CHECKING:
    from constrint.problem import Problem

Progress = Callable[[Statistics], None]
Assignment = Mapping[str, int]
Result = TypeVar("Result")

_LEAST_BITS = 256
_MOST_BITS = 1 << 22
_BITS_GROWTH = 4
_REFUSAL_BITS = 1 << 12
"""The working range starts at 2 ** _LEAST_BITS or more and grows as results need it. An unbounded search
is only refused once the range is at least 2 ** _REFUSAL_BITS, in case the bound is merely very large."""

_PREFERENCE_FAILURES = 4
"""Failures after which preferences are no longer pursued by a search in their order."""

_LONGEST = 1e9
"""A time limit of more seconds is none."""


class Session:
    """One call of the solver: its deadline, its work so far, and its working range."""

    def __init__(
        self,
        problem: Problem,
        *,
        time_limit: float | None = None,
        node_limit: int | None = None,
        progress: Progress | None = None,
        constraints: Sequence[Constraint] | None = None,
        hints: Assignment | None = None,
        on_solution: Callable[[Assignment, list[int]], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> None:
        """`hints` are values to try first; `on_solution` is called with each better solution and the values
        of the objectives."""
        self.problem = problem
        self.constraints = problem.constraints if constraints is None else constraints
        if node_limit is not None and (not isinstance(node_limit, int) or node_limit < 0):
            raise ProblemError(f"a node limit is an integer, 0 or more, not {node_limit!r}")
        self.node_limit = node_limit
        self.hints = hints or {}
        self.on_solution = on_solution
        self.counters = Counters()
        self.best: int | None = None
        self.stopped_by: str | None = None
        self.backend = "native"
        self._started = time.perf_counter()
        self._progress = progress
        deadline = None if time_limit is None else time.monotonic() + checked_limit(time_limit)
        self.root: Root | None = None
        """What is known of these constraints, or of some of them, from an earlier question."""
        self.remembers = False
        """Whether the root of this question is to be known in `root` afterwards."""
        self.clock = Clock(deadline, None if progress is None else self._report, cancelled)
        self._steps = 0
        self._store: Store | None = None

    def statistics(self) -> Statistics:
        """The work so far."""
        counters = self.counters
        return Statistics(
            nodes=counters.nodes,
            failures=counters.failures,
            propagations=self._steps + (self._store.steps if self._store else 0),
            solutions=counters.solutions,
            restarts=counters.restarts,
            wall_seconds=time.perf_counter() - self._started,
            depth=counters.depth,
            best=self.best,
            backend=self.backend,
        )

    def out_of_nodes(self) -> bool:
        """Whether the limit of nodes is reached."""
        return self.node_limit is not None and self.counters.nodes > self.node_limit

    def _report(self) -> None:
        assert self._progress is not None
        self._progress(self.statistics())

    def new_store(self, bits: int) -> Store:
        """A store with this session's clock."""
        if self._store is not None:
            self._steps += self._store.steps
        self._store = Store(1 << bits)
        self._store.clock = self.clock
        return self._store

    def run(self, answer: Callable[[int], Result], fallback: Callable[[], Result]) -> Result:
        """`answer(bits)` with a working range that grows as needed; `fallback()` where a limit stops it.

        Raises UnboundedError and SizeLimitError.
        """
        bits = max(_LEAST_BITS, 64 + 4 * largest_bits(self.problem, self.constraints))
        while True:
            try:
                self.clock.check()
                return answer(bits)
            except OutOfRange:
                if bits >= _MOST_BITS:
                    raise SizeLimitError(f"the search meets numbers of more than {bits} bits") from None
            except Unbounded as refusal:
                if bits >= _REFUSAL_BITS:
                    raise self._refused(refusal.variable) from None
            except OutOfTime as stop:
                self.stopped_by = CANCELLED if isinstance(stop, Cancelled) else TIME_LIMIT
                return fallback()
            except LimitReached:
                self.stopped_by = NODE_LIMIT
                return fallback()
            except KeyboardInterrupt:
                self.stopped_by = INTERRUPT
                return fallback()
            bits *= _BITS_GROWTH

    def _refused(self, variable: int) -> UnboundedError:
        program = self.program
        # Only imported where it is used: most programs are bounded.
        from constrint.linear import escape, steps

        quoted = program.name_of(variable)
        name = quoted.strip("'")
        direction = escape(self.problem, self.constraints, name)
        way = "" if direction is None else f" (linear constraints hold along {steps(direction)} without end)"
        return UnboundedError(
            f"the search needs a bound for {quoted} that no constraint implies{way}; give it a smaller "
            f"domain, such as a range a..b",
            name,
            self.problem.places.get(name),
            direction,
        )

    program: Program


class Program:
    """A problem's variables, objectives and preferences in a store at its root."""

    def __init__(
        self,
        session: Session,
        bits: int,
        *,
        goals: bool = True,
        spell_out: bool = False,
        hurried: bool = False,
    ) -> None:
        """With `spell_out` global constraints are stated in simpler terms wherever they can be. `hurried`
        leaves some of the linear reasoning to the first restart of a search.

        Raises Inconsistent where the root propagation finds a contradiction.
        """
        session.program = self
        problem = session.problem
        self.store = session.new_store(bits)
        self._texts: dict[int, str] = {}
        self.objectives: list[int] = []
        self.preferences: list[tuple[int, bool]] = []
        self.favoured: dict[int, bool] = {}
        """Variables of which the goals favour the largest value (where True) or the least."""
        self.lowering = Lowering(self.store, spell_out=spell_out)
        for name, spec in problem.variables.items():
            self.lowering.declare(name, spec)
        self.variables = self.lowering.variables
        # A question that was asked before is answered as it was then: only a new one starts further down.
        known = session.root
        started = known is not None and not known.is_exactly_of(session.constraints)
        if known is not None and started:
            known.apply(self.store, self.variables)
        for constraint in session.constraints:
            self.lowering.require(constraint.expression)
        if goals:
            for objective in problem.objectives:
                expression = objective.expression
                cost = multiply(-1, expression) if objective.maximize else expression
                self.objectives.append(self._variable(cost, expression))
            for preference in problem.preferences:
                x = self._variable(preference.expression, preference.expression)
                self.preferences.append((x, preference.largest))
        if not spell_out:
            for one in polynomials(self.store):
                self.store.post(one)
        self._reasoned = not hurried
        self.guide: dict[int, int] = {}
        if not (hurried and started and is_settled(self.store)):
            self.guide = settle(self.store, hurried=hurried)
        """Values to try first: the hints, and what solves the linear part where that was looked for."""
        self.guide.update((self.variables[name], value) for name, value in session.hints.items())
        self.lowering.finish()
        if session.remembers:
            session.root = Root(problem.variables, session.constraints, self.store, self.variables)
        if not spell_out:
            for x in reversed(self.objectives):
                self.favoured.update(relate(self.store, x))

    def _variable(self, expression: Expression, shown: Expression) -> int:
        x = self.lowering.objective(expression)
        self._texts[x] = str(shown)
        return x

    def name_of(self, variable: int) -> str:
        """What the user calls the variable."""
        for name, x in self.variables.items():
            if x == variable:
                return f"'{name}'"
        return f"'{self._texts[variable]}'" if variable in self._texts else "an intermediate term"

    def assignment(self) -> dict[str, int]:
        """The values of the problem's variables, which must be fixed."""
        lo = self.store.lo
        return {name: lo[x] for name, x in self.variables.items()}

    def search(self, session: Session) -> Search:
        """A search for the problem's variables."""
        search = Search(self.store, list(self.variables.values()), counters=session.counters)
        search.node_limit = session.node_limit
        search.favoured = self.favoured | dict(self.preferences)
        search.guide = self.guide
        search.at_restart = self.at_restart
        return search

    def at_restart(self) -> None:
        """What is worth doing at the root once a search has not ended soon.

        Raises Inconsistent where there is no solution.
        """
        if not self._reasoned:
            self._reasoned = True
            for x, value in settle(self.store).items():
                self.guide.setdefault(x, value)
        probe_disjunctions(self.store)


def checked_limit(time_limit: Any) -> float:
    """The time limit. Raises ProblemError for what is not a number of seconds from 0 on."""
    if isinstance(time_limit, (int, float)) and not isinstance(time_limit, bool) and time_limit >= 0:
        return float(min(time_limit, _LONGEST))
    raise ProblemError(f"a time limit is a number of seconds, 0 or more, not {time_limit!r}")


def largest_bits(problem: Problem, constraints: Sequence[Constraint]) -> int:
    """The number of bits of the largest constant in the problem."""
    numbers: set[Any] = {1}
    for spec in problem.variables.values():
        numbers.update((spec.low, spec.high, spec.multiple_of, spec.divides, spec.power_of))
        if spec.values:
            numbers.update((spec.values[0], spec.values[-1]))
        if spec.remainder is not None:
            numbers.update(spec.remainder)
    numbers.discard(None)
    stack = [constraint.expression for constraint in constraints]
    stack.extend(objective.expression for objective in problem.objectives)
    stack.extend(preference.expression for preference in problem.preferences)
    # Every operation is looked at once, also one that stands in several places.
    seen = set()
    while stack:
        node = stack.pop()
        op = node.op
        if op is Op.VARIABLE:
            continue
        if op is Op.CONSTANT:
            numbers.add(node.data)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.extend(node.args)
            if op is Op.MEMBER:
                numbers.update(node.data[:1], node.data[-1:])
            elif op is Op.RELATION or op is Op.FUNCTION:
                numbers.update(node.data.constants())
            elif op is Op.TABLE:
                numbers.update(*node.data)
    largest: int = max(max(numbers), -min(numbers))
    return largest.bit_length()


# One solution --------------------------------------------------------------------------------------------


def solve(session: Session) -> Best:
    """The optimal solution, the preferred one among those, or any one where nothing is asked."""
    best = Best()

    def answer(bits: int) -> Best:
        best.proved = False
        best.values = []
        try:
            program = Program(session, bits, hurried=True)
            for k, objective in enumerate(program.objectives):
                if not Minimiser(session, program, objective, best, k).run():
                    break
            else:
                _first_by_preference(session, program, best)
        except Inconsistent:
            pass
        best.proved = True
        return best

    return session.run(answer, lambda: best)


def feasible(session: Session) -> Best:
    """Any solution, whatever the objectives and preferences."""
    best = Best()

    def answer(bits: int) -> Best:
        try:
            program = Program(session, bits, goals=False, hurried=True)
            for _ in program.search(session).solutions(restarts=True):
                best.assignment = program.assignment()
                break
        except Inconsistent:
            pass
        best.proved = True
        return best

    return session.run(answer, lambda: best)


def _first_by_preference(session: Session, program: Program, best: Best) -> None:
    """The first solution in the order of the preferences."""
    if best.assignment is not None and not program.preferences:
        return
    search = program.search(session)
    if best.assignment is not None:
        search.guide = {x: best.assignment[name] for name, x in program.variables.items()}
    search.preferred = program.preferences
    if program.preferences:
        search.failure_limit = session.counters.failures + _PREFERENCE_FAILURES
    try:
        for _ in search.solutions(restarts=not program.preferences):
            best.remember(session, program, 0)
            return
        return
    except LimitReached:
        if session.out_of_nodes():
            raise
    # The order of the preferences is a poor order to search in: improve them one after the other instead.
    for x, largest in program.preferences:
        cost = _negated(program, x, best) if largest else x
        if not Minimiser(session, program, cost, best, 0).run():
            return


def _negated(program: Program, x: int, best: Best) -> int:
    """A variable that is -x."""
    store = program.store
    negative = store.new_variable(None, None)
    if best.values:
        best.values.append(-best.values[x])
    store.post(LinearEq([(1, x), (1, negative)], 0))
    store.propagate()
    return negative


# Several solutions -----------------------------------------------------------------------------------------


def assignments(session: Session, bits: int) -> Iterator[tuple[Assignment, list[int]]]:
    """Every solution once (with objectives: every optimal one), in the order of the preferences, with
    the values of the objectives."""
    try:
        program = Program(session, bits)
        best = Best()
        for k, objective in enumerate(program.objectives):
            if not Minimiser(session, program, objective, best, k).run():
                return
    except Inconsistent:
        return
    search = program.search(session)
    search.preferred = program.preferences
    search.finite_only = True
    for _ in search.solutions():
        yield program.assignment(), best.objective


def search_all(session: Session, limit: int | None, found: list[tuple[Assignment, list[int]]]) -> bool:
    """Fills `found` with up to `limit` solutions; returns whether these are all."""

    def answer(bits: int) -> bool:
        found.clear()
        for item in assignments(session, bits):
            if limit is not None and len(found) >= limit:
                return False
            found.append(item)
        return True

    return session.run(answer, lambda: False)


def stream(session: Session) -> Iterator[Assignment]:
    """Every solution once, as soon as it is found; ends early where a limit stops it."""
    seen: set[tuple[int, ...]] = set()
    running: Iterator[tuple[Assignment, list[int]]] | None = None

    def following(bits: int) -> Assignment | None:
        nonlocal running
        try:
            while True:
                if running is None:
                    running = assignments(session, bits)
                for assignment, _ in running:
                    key = tuple(assignment.values())
                    if key not in seen:
                        seen.add(key)
                        return assignment
                return None
        except (OutOfRange, Unbounded):
            # The search starts again with a larger range; what was already given is passed over.
            running = None
            raise

    while True:
        assignment = session.run(following, lambda: None)
        if assignment is None:
            return
        yield assignment


# Counting ----------------------------------------------------------------------------------------------


def count(session: Session) -> tuple[int, bool]:
    """How many solutions there are, and whether that is all (otherwise it is a lower bound).

    Parts of the problem that share no constraint are counted on their own and multiplied.
    """
    lower_bound = 0

    def answer(bits: int) -> tuple[int, bool]:
        nonlocal lower_bound
        lower_bound = 0
        try:
            program = Program(session, bits, goals=False)
        except Inconsistent:
            return 0, True
        parts = _independent_parts(program)
        product = 1
        for position, (variables, others) in enumerate(parts):
            search = Search(program.store, variables, others=others, counters=session.counters)
            search.node_limit = session.node_limit
            search.finite_only = True
            number = 0
            if not others and len(variables) == 1 and _is_countable(program.store, variables[0]):
                number = program.store.size(variables[0])
            else:
                for _ in search.solutions():
                    number += 1
                    if position == len(parts) - 1:
                        lower_bound = product * number
            product *= number
            if product == 0:
                break
        return product, True

    return session.run(answer, lambda: (lower_bound, False))


def _is_countable(store: Store, x: int) -> bool:
    return store.is_bounded(x) and store.is_listed(x)


def _independent_parts(program: Program) -> list[tuple[list[int], list[int]]]:
    """(problem's variables, auxiliary ones) of each part, the largest last; fixed ones are left out."""
    store = program.store
    parent = list(range(len(store.lo)))

    def find(x: int) -> int:
        while parent[x] != x:
            parent[x] = parent[parent[x]]
            x = parent[x]
        return x

    related: set[int] = set()
    for number, propagator in enumerate(store.propagators):
        if store.entailed[number]:
            continue
        free = [x for x in propagator.scope if not store.is_fixed(x)]
        related.update(free)
        for x in free[1:]:
            parent[find(x)] = find(free[0])
    named = set(program.variables.values())
    parts: dict[int, tuple[list[int], list[int]]] = {}
    for x in range(len(store.lo)):
        if not store.is_fixed(x) and (x in named or x in related):
            part = parts.setdefault(find(x), ([], []))
            part[0 if x in named else 1].append(x)
    ordered = sorted(parts.values(), key=lambda part: len(part[0]))
    # A single variable whose propagators are all done is counted by its size.
    return [
        (variables, others or (variables if variables[0] in related else []))
        for variables, others in ordered
        if variables
    ]


# Propagation alone ----------------------------------------------------------------------------------------


def propagate(session: Session) -> dict[str, Domain] | None:
    """The reduced domain of every variable; None where a contradiction shows."""

    def answer(bits: int) -> dict[str, Domain] | None:
        try:
            program = Program(session, bits, goals=False)
        except Inconsistent:
            return None
        return {name: read_domain(program.store, x) for name, x in program.variables.items()}

    def stopped() -> dict[str, Domain] | None:
        # Nothing is known beyond the declarations.
        return {
            name: Domain(spec.low, spec.high, None, None, None, spec.values, None)
            for name, spec in session.problem.variables.items()
        }

    return session.run(answer, stopped)


def status_of(session: Session, found: bool, proved: bool, optimised: bool) -> str:
    """The status word for what a session found and proved."""
    if found:
        return OPTIMAL if optimised and proved else SATISFIED
    return INFEASIBLE if proved and session.stopped_by is None else UNKNOWN
