"""Why there is no solution: a minimal set of constraints that cannot hold together."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from constrint import solving
from constrint.errors import UnboundedError
from constrint.results import INFEASIBLE, SATISFIED, TIME_LIMIT, UNKNOWN, Constraint, Explanation, Statistics

if TYPE_CHECKING:
    from constrint.problem import Problem


class _Conflicts:
    """Solves subsets of a problem's constraints, within one time limit."""

    def __init__(self, problem: Problem, time_limit: float | None) -> None:
        self._problem = problem
        self._deadline = None if time_limit is None else time.monotonic() + time_limit
        self._started = time.perf_counter()
        self.statistics = Statistics()
        self.doubts = False
        """Whether some subset could neither be solved nor refuted."""
        self.stopped_by: str | None = None

    def holds(self, constraints: Sequence[Constraint]) -> bool:
        """Whether the constraints can hold together, as far as can be told (in doubt, they can)."""
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
        if not best.proved:
            self.doubts = True
            self.stopped_by = session.stopped_by
        return best.assignment is not None or not best.proved


def explain(problem: Problem, time_limit: float | None = None) -> Explanation:
    """A minimal conflict by QuickXplain (Junker, AAAI 2004), certified by solving again without each part."""
    conflicts = _Conflicts(problem, time_limit)
    constraints = list(problem.constraints)
    if conflicts.holds(constraints):
        status = UNKNOWN if conflicts.doubts else SATISFIED
        return Explanation(status, [], False, conflicts.stopped_by, conflicts.statistics)
    if not conflicts.holds([]):
        # The declared domains alone have no value.
        return Explanation(INFEASIBLE, [], True, None, conflicts.statistics)
    conflict = _quick_explain(conflicts, [], False, constraints)
    # In the user's order, which is easier to read.
    conflict = [constraint for constraint in constraints if any(constraint is part for part in conflict)]
    conflicts.doubts = False
    minimal = not conflicts.holds(conflict) and all(
        conflicts.holds([other for other in conflict if other is not one]) for one in conflict
    )
    return Explanation(
        INFEASIBLE, conflict, minimal and not conflicts.doubts, conflicts.stopped_by, conflicts.statistics
    )


def _quick_explain(
    conflicts: _Conflicts, background: list[Constraint], grown: bool, candidates: list[Constraint]
) -> list[Constraint]:
    """A minimal part of `candidates` that contradicts the background; `grown` if that has just grown."""
    if grown and not conflicts.holds(background):
        return []
    if len(candidates) == 1:
        return candidates
    half = len(candidates) // 2
    first, second = candidates[:half], candidates[half:]
    from_second = _quick_explain(conflicts, background + first, True, second)
    from_first = _quick_explain(conflicts, background + from_second, bool(from_second), first)
    return from_first + from_second
