"""Why there is no solution: a minimal set of constraints that cannot hold together."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from constrint import solving
from constrint.errors import UnboundedError
from constrint.results import (
    INFEASIBLE,
    INTERRUPT,
    SATISFIED,
    TIME_LIMIT,
    UNKNOWN,
    Constraint,
    Explanation,
    Statistics,
)

if TYPE_CHECKING:
    from constrint.problem import Problem


class Interrupted(Exception):
    """Ctrl-C was pressed, or an answer in between cannot be had."""


class Question(Protocol):
    """What is asked of sets of constraints: no superset of one that does not hold does."""

    def holds(self, constraints: Sequence[Constraint]) -> bool:
        """Whether it holds for the constraints."""


class Conflicts:
    """Solves subsets of a problem's constraints, within one time limit."""

    def __init__(self, problem: Problem, time_limit: float | None) -> None:
        self._problem = problem
        self._deadline = None if time_limit is None else time.monotonic() + solving.checked_limit(time_limit)
        self._started = time.perf_counter()
        self.statistics = Statistics()
        self.doubts = False
        """Whether some subset could neither be solved nor refuted."""
        self.stopped_by: str | None = None
        self.smallest: Sequence[Constraint] | None = None
        """The smallest set that was proved to be a conflict."""

    def holds(self, constraints: Sequence[Constraint]) -> bool:
        """Whether the constraints can hold together, as far as can be told (in doubt, they can).

        Raises Interrupted after Ctrl-C.
        """
        left = None if self._deadline is None else self._deadline - time.monotonic()
        if left is not None and left <= 0:
            self.doubts = True
            self.stopped_by = TIME_LIMIT
            return True
        session = solving.Session(self._problem, time_limit=left, constraints=constraints)
        try:
            best = solving.feasible(session)
        except UnboundedError:
            self.doubts = True
            return True
        finally:
            work = session.statistics()
            self.statistics.nodes += work.nodes
            self.statistics.failures += work.failures
            self.statistics.propagations += work.propagations
            self.statistics.wall_seconds = time.perf_counter() - self._started
        if best.assignment is not None:
            return True
        if not best.proved:
            self.doubts = True
            self.stopped_by = session.stopped_by
            if session.stopped_by == INTERRUPT:
                raise Interrupted
            return True
        if self.smallest is None or len(constraints) < len(self.smallest):
            self.smallest = constraints
        return False


def explain(problem: Problem, time_limit: float | None = None) -> Explanation:
    """A minimal conflict by QuickXplain (Junker, AAAI 2004), certified by solving again without each part.

    Where a limit or Ctrl-C stops it, the smallest conflict that was proved by then, not certified minimal.
    """
    conflicts = Conflicts(problem, time_limit)
    constraints = list(problem.constraints)
    minimal = False
    try:
        if conflicts.holds(constraints):
            status = UNKNOWN if conflicts.doubts else SATISFIED
            return Explanation(status, [], False, conflicts.stopped_by, conflicts.statistics)
        conflict: list[Constraint] = []
        # With the declared domains alone in conflict, no constraint is to blame.
        if conflicts.holds([]):
            conflict = quick_explain(conflicts, [], False, constraints)
        conflicts.doubts = False
        minimal = not conflicts.holds(conflict) and all(
            conflicts.holds([other for other in conflict if other is not one]) for one in conflict
        )
        if minimal and not conflicts.doubts:
            conflicts.smallest = conflict
        else:
            minimal = False
    except Interrupted:
        pass
    if conflicts.smallest is None:
        return Explanation(UNKNOWN, [], False, conflicts.stopped_by, conflicts.statistics)
    # In the user's order, which is easier to read.
    shown = [one for one in constraints if any(one is part for part in conflicts.smallest)]
    return Explanation(
        INFEASIBLE, shown, minimal, conflicts.stopped_by, conflicts.statistics, _reason(problem, shown)
    )


def _reason(problem: Problem, conflict: Sequence[Constraint]) -> str | None:
    # Only imported where it is used: most programs never explain anything.
    from constrint.linear import linear_system
    from constrint.reasons import reason

    system = linear_system(problem, conflict)
    return None if system is None or not system.names else reason(system)


def quick_explain(
    question: Question, background: list[Constraint], grown: bool, candidates: list[Constraint]
) -> list[Constraint]:
    """A minimal part of `candidates` with which, and the background, the question does not hold; `grown`
    if that has just grown."""
    if grown and not question.holds(background):
        return []
    if len(candidates) == 1:
        return candidates
    half = len(candidates) // 2
    first, second = candidates[:half], candidates[half:]
    from_second = quick_explain(question, background + first, True, second)
    from_first = quick_explain(question, background + from_second, bool(from_second), first)
    return from_first + from_second
