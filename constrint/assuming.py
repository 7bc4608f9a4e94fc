"""Assumptions: which of the constraints that hold for one question only leave it without an answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from constrint.explaining import Conflicts, Interrupted, quick_explain
from constrint.results import Constraint

if TYPE_CHECKING:
    from constrint.problem import Problem


def conflicting(
    problem: Problem, assumptions: Sequence[Constraint], time_limit: float | None
) -> list[Constraint]:
    """A minimal set of assumptions that the problem's constraints rule out together (QuickXplain, Junker,
    AAAI 2004); empty where these have no solution in the first place.

    Where a limit or Ctrl-C stops it, the smallest such set that was found by then.
    """
    conflicts = Conflicts(problem, time_limit)
    conflicts.smallest = [*problem.constraints, *assumptions]
    try:
        if conflicts.holds(problem.constraints):
            quick_explain(conflicts, list(problem.constraints), False, list(assumptions))
    except Interrupted:
        pass
    return [one for one in assumptions if any(one is part for part in conflicts.smallest)]
