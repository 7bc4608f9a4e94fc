"""From a problem to the diagram of all its solutions, within time and memory, on one process or many.

A diagram in the order of the declarations is tried first, with little work. Then search and a diagram in
a narrower order take turns, each time with several times as much to spend, until one gets through; what
search finds is put into a diagram. So structure is used where there is some, and what only search can do
waits no longer than it takes itself.
"""

from __future__ import annotations

import operator
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from itertools import accumulate, repeat, takewhile
from typing import TypeAlias

from constrint import solving
from constrint.diagram.building import DEFAULT_MEMORY, Builder, TooMuchWork
from constrint.diagram.diagram import Diagram, united
from constrint.diagram.interrupts import Interrupts
from constrint.diagram.ordering import choose_order
from constrint.diagram.values import Values, position_of, size_of, values_of
from constrint.domains import Domain, DomainSpec, read_domain
from constrint.engine.clock import OutOfTime
from constrint.engine.store import Inconsistent, Store
from constrint.errors import ProblemError, SizeLimitError, unknown_name
from constrint.expressions import Expression, Op, variable, variable_names
from constrint.problem import Problem
from constrint.results import INTERRUPT, MEMORY_LIMIT, NODE_LIMIT, TIME_LIMIT

_FIRST_WORK = 1 << 18
"""Candidate arcs of the first diagram that is tried."""

_FIRST_NODES = 4000
"""Nodes of the first search."""

_GROWTH = 4
"""How much more every further try may take."""

_ROW_BYTES = 400
"""What a solution found by search takes, with as much again for each four variables."""

_DECLARED_BITS = 1 << 16
"""The working range for declarations, beyond which their numbers count as endless."""

_PARTS = 16
"""Parts into which an executor's work is cut; more than most have workers, so that none waits long."""


@dataclass
class Outcome:
    """How many solutions there are, and their diagram if it was asked for; which limit left some out."""

    count: int
    diagram: Diagram | None = None
    stopped_by: str | None = None


@dataclass(frozen=True)
class Task:
    """A problem whose layers are chosen; it goes to another process as it is."""

    problem: Problem
    order: tuple[str, ...]
    values: tuple[Values, ...] | None
    """The values in the order of the layers; None where somebody's cannot be listed."""
    depth: int
    """How many layers are asked for; the others need only be possible."""
    counting: bool
    memory_limit: int | None
    time_limit: float | None

    @property
    def memory(self) -> int:
        """The bytes that may be taken."""
        return DEFAULT_MEMORY if self.memory_limit is None else self.memory_limit


def compile_problem(
    session: solving.Session,
    *,
    over: Sequence[str] | None = None,
    counting: bool = False,
    memory_limit: int | None = None,
    executor: Executor | None = None,
    progress: solving.Progress | None = None,
) -> Outcome:
    """All solutions of the session's problem, or all that its variables `over` take in solutions.

    Objectives and preferences do not matter. Raises UnboundedError for infinitely many, UnknownNameError
    for a name in `over` that is no variable.
    """
    problem = session.problem.without_goals()
    names = list(problem.variables)
    chosen = names if over is None else _flat(problem, over)
    domains = solving.propagate(session)
    if domains is None or session.stopped_by is not None:
        empty = Diagram.empty(chosen, [()] * len(chosen))
        return Outcome(0, empty, session.stopped_by)
    task = _task(problem, domains, chosen, counting, memory_limit)
    # In the order of the declarations listing in lexicographic order is immediate, so this is tried first.
    outcome = None if task.values is None else _built(task, session, work_limit=_FIRST_WORK)
    if outcome is None:
        task = _reordered(task)
        outcome = _solved(task, session, progress) if executor is None else _spread(task, session, executor)
    session.stopped_by = outcome.stopped_by
    session.counters.solutions = outcome.count
    return outcome


def declared_values(spec: DomainSpec) -> Values | None:
    """The values that a declaration allows; None where there is no end of them."""
    if spec.power_of is not None:
        high = spec.high
        if high is None:
            return None
        powers = accumulate(repeat(spec.power_of), operator.mul, initial=1)
        return tuple(power for power in takewhile(lambda power: power <= high, powers) if spec.holds(power))
    store = Store(1 << _DECLARED_BITS)
    x = store.new_variable(None, None)
    try:
        spec.apply(store, x)
    except Inconsistent:
        return ()
    return values_of(read_domain(store, x))


def _flat(problem: Problem, over: Sequence[str]) -> list[str]:
    """The variables with these names, in the order of their declarations; an array is all its elements."""
    wanted = set()
    for name in over:
        found = [
            each for each in problem.variables if each == name or each.startswith((f"{name}[", f"{name}."))
        ]
        if not found:
            raise unknown_name(name, [*problem.variables, *problem.arrays])
        wanted.update(found)
    if not wanted:
        raise ProblemError("over=[] names no variable")
    return [name for name in problem.variables if name in wanted]


def _task(
    problem: Problem,
    domains: dict[str, Domain],
    chosen: Sequence[str],
    counting: bool,
    memory_limit: int | None,
) -> Task:
    """The layers in the order of the declarations, with the chosen variables first if they are not all."""
    values = {name: values_of(domain) for name, domain in domains.items()}
    order = (*chosen, *(name for name in values if name not in set(chosen)))
    listed = tuple(each for name in order if (each := values[name]) is not None)
    return Task(
        problem,
        order,
        listed if len(listed) == len(order) else None,
        len(chosen),
        counting,
        memory_limit,
        None,
    )


def _reordered(task: Task) -> Task:
    """The same with the layers in an order that promises to be narrower, if there is one."""
    if task.values is None:
        return task
    place = {name: k for k, name in enumerate(task.order)}
    sizes = [size_of(each) for each in task.values]
    scopes = [
        frozenset(k for k in map(place.__getitem__, variable_names(part)) if sizes[k] > 1)
        for constraint in task.problem.constraints
        for part in _conjuncts(constraint.expression)
    ]
    first = range(task.depth if task.depth < len(task.order) else 0)
    chosen = choose_order(scopes, sizes, first)
    return replace(
        task,
        order=tuple(task.order[k] for k in chosen),
        values=tuple(task.values[k] for k in chosen),
    )


def _conjuncts(expression: Expression) -> Iterator[Expression]:
    if expression.op is Op.AND:
        for part in expression.args:
            yield from _conjuncts(part)
    else:
        yield expression


# One process ----------------------------------------------------------------------------------------


def _solved(task: Task, session: solving.Session, progress: solving.Progress | None) -> Outcome:
    """Search and diagram in turns, each time with more to spend, until one of them gets through."""
    if task.values is None:
        return _searched(task, session, progress, None)
    best: Outcome | None = None
    nodes, work = _FIRST_NODES, _FIRST_WORK * _GROWTH
    while True:
        found = _better(_searched(task, session, progress, nodes), best)
        if found.stopped_by != NODE_LIMIT:
            return found
        built = _built(task, session, work)
        if built is not None and built.stopped_by == MEMORY_LIMIT and task.memory_limit is None:
            # There is no narrow diagram.
            return _better(_searched(task, session, progress, None), built)
        if built is not None:
            return _better(built, found)
        best = found
        nodes, work = nodes * _GROWTH, work * _GROWTH


def _better(last: Outcome, earlier: Outcome | None) -> Outcome:
    """What was found in the end, or more that was found before a limit."""
    if last.stopped_by is None or earlier is None or earlier.count <= last.count:
        return last
    return replace(earlier, stopped_by=last.stopped_by)


def _built(task: Task, session: solving.Session, work_limit: int) -> Outcome | None:
    """The diagram, of some solutions where a limit stopped it; None where it is too large, or unfit."""
    assert task.values is not None
    with Interrupts() as interrupts:

        def check() -> str | None:
            if interrupts.pressed:
                return INTERRUPT
            try:
                session.clock.check()
            except OutOfTime:
                return TIME_LIMIT
            return None

        try:
            builder = Builder(
                task.order,
                task.values,
                [constraint.expression for constraint in task.problem.constraints],
                memory_limit=task.memory,
                work_limit=work_limit,
                check=check,
            )
            diagram = builder.build().projected(task.depth)
        except (TooMuchWork, SizeLimitError):
            if interrupts.pressed:
                names = task.order[: task.depth]
                return Outcome(0, Diagram.empty(names, task.values[: task.depth]), INTERRUPT)
            return None
    return Outcome(diagram.count, diagram, builder.stopped_by)


def _searched(
    task: Task, session: solving.Session, progress: solving.Progress | None, nodes: int | None
) -> Outcome:
    """The solutions one by one."""
    deadline = session.clock.deadline
    inner = solving.Session(
        task.problem,
        time_limit=None if deadline is None else max(0.0, deadline - time.monotonic()),
        node_limit=None if nodes is None else session.counters.nodes + nodes,
        progress=progress,
    )
    inner.counters = session.counters
    if task.counting and task.depth == len(task.order):
        count, complete = solving.count(inner)
        return Outcome(count, None, None if complete else inner.stopped_by)
    most = max(1, task.memory // (_ROW_BYTES + 100 * len(task.order)))
    found: list[tuple[solving.Assignment, list[int]]] = []
    complete = solving.search_all(inner, most, found)
    stopped_by = None if complete else inner.stopped_by or MEMORY_LIMIT
    with Interrupts() as interrupts:
        diagram = _diagram_of(task, found)
    if interrupts.pressed and not complete:
        stopped_by = INTERRUPT
    return Outcome(diagram.count, diagram, stopped_by)


def _diagram_of(task: Task, found: Sequence[tuple[solving.Assignment, list[int]]]) -> Diagram:
    names = task.order[: task.depth]
    rows = {tuple([values[name] for name in names]) for values, _ in found}
    columns = [tuple(sorted({row[k] for row in rows})) for k in range(len(names))]
    values: Sequence[Values] = columns if task.values is None else task.values[: task.depth]
    placed = [[position_of(each, x) for each, x in zip(values, row, strict=True)] for row in rows]
    return Diagram.of_rows(names, values, placed)


# Many processes ----------------------------------------------------------------------------------------


def _spread(task: Task, session: solving.Session, executor: Executor) -> Outcome:
    """Cuts the task by the values of its first variables, and joins what comes back."""
    deadline = session.clock.deadline
    left = None if deadline is None else max(0.0, deadline - time.monotonic())
    tree = _cut(replace(task, time_limit=left), 0, _PARTS)
    futures: list[Future[Outcome]] = []
    outcomes: list[Outcome] = []
    stopped_by: str | None = None
    try:
        futures = [executor.submit(_answer, part) for part in _leaves(tree)]
        for future in futures:
            outcomes.append(future.result())
    except KeyboardInterrupt:
        stopped_by = INTERRUPT
    finally:
        for future in futures:
            future.cancel()
    limits = [outcome.stopped_by for outcome in outcomes if outcome.stopped_by]
    stopped_by = stopped_by or (limits[0] if limits else None)
    count = sum(outcome.count for outcome in outcomes)
    if task.counting:
        return Outcome(count, None, stopped_by)
    names = task.order[: task.depth]
    values = [()] * task.depth if task.values is None else task.values[: task.depth]
    diagrams = [outcome.diagram or Diagram.empty(names, values) for outcome in outcomes]
    diagrams += [Diagram.empty(names, values)] * (len(futures) - len(outcomes))
    return Outcome(count, _joined(tree, 0, iter(diagrams)), stopped_by)


_Tree: TypeAlias = "Task | list[_Tree]"


def _cut(task: Task, layer: int, parts: int) -> _Tree:
    """At least so many parts, if there are: each has some of the values of one of the first layers."""
    if task.values is None or layer == task.depth or parts <= 1:
        return task
    name, values = task.order[layer], task.values[layer]
    size = size_of(values)
    count = min(parts, size)
    pieces: list[_Tree] = []
    for k in range(count):
        first, end = size * k // count, size * (k + 1) // count
        piece = replace(task, problem=task.problem.without_goals())
        x = variable(name)
        if size > 1:
            piece.problem.add((values[first] <= x) & (x <= values[end - 1]))
        pieces.append(_cut(piece, layer + 1, -(-parts // size)))
    return pieces


def _leaves(tree: _Tree) -> Iterator[Task]:
    if isinstance(tree, Task):
        yield tree
    else:
        for part in tree:
            yield from _leaves(part)


def _joined(tree: _Tree, layer: int, diagrams: Iterator[Diagram]) -> Diagram:
    """The diagrams of the leaves as one."""
    if isinstance(tree, Task):
        return next(diagrams)
    return united([_joined(part, layer + 1, diagrams) for part in tree], layer)


def _answer(task: Task) -> Outcome:
    """What a worker does."""
    return _solved(task, solving.Session(task.problem, time_limit=task.time_limit), None)
