"""All minimal conflicts of a problem without solutions, and the smallest correction of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from constrint.explaining import Conflicts, Interrupted, quick_explain
from constrint.expressions import Expression, Op, add, multiply
from constrint.functions import any_of, total
from constrint.results import Constraint

if TYPE_CHECKING:
    from constrint.problem import Problem


@dataclass
class ConflictList:
    """Minimal sets of constraints that cannot hold together; all there are where `complete`."""

    conflicts: list[list[Constraint]]
    complete: bool
    stopped_by: str | None = None


@dataclass
class Correction:
    """The fewest constraints without which the others have a solution, and such a solution.

    `status` is "optimal", "satisfied" where a limit came before the proof that fewer do not do, "infeasible"
    where the declared domains alone have no solution, and "unknown".
    """

    status: str
    dropped: list[Constraint]
    values: dict[str, int]
    stopped_by: str | None = None


def all_conflicts(problem: Problem, limit: int, time_limit: float | None) -> ConflictList:
    """Up to `limit` minimal conflicts, by MARCO (Liffiton et al., Constraints 2016).

    A problem of its own, the map, knows the sets of constraints about which nothing is known yet. A set that
    holds is grown to a largest one, and its parts are struck off; one that does not is shrunk to a conflict,
    and all that contain it are struck off.
    """
    from constrint.problem import Problem as Map

    constraints = list(problem.constraints)
    solver = Conflicts(problem, time_limit)
    found: list[list[Constraint]] = []
    unknown_sets = Map("map")
    chosen = [unknown_sets.boolean(f"c{k}") for k in range(len(constraints))]
    unknown_sets.maximize(total(chosen))
    try:
        if not solver.holds([]):
            return ConflictList([[]], not solver.doubts, solver.stopped_by)
        while len(found) < limit:
            seed = unknown_sets.solve()
            if not seed:
                return ConflictList(found, not solver.doubts, solver.stopped_by)
            inside = [k for k in range(len(constraints)) if seed[f"c{k}"]]
            if solver.holds([constraints[k] for k in inside]):
                if solver.stopped_by is not None:
                    break
                # The map prefers large sets, so this one cannot grow.
                unknown_sets.add(any_of(chosen[k] for k in range(len(constraints)) if k not in inside))
                continue
            conflict = quick_explain(solver, [], False, [constraints[k] for k in inside])
            if solver.stopped_by is not None:
                break
            found.append([one for one in constraints if any(one is part for part in conflict)])
            members = [k for k, one in enumerate(constraints) if any(one is part for part in conflict)]
            unknown_sets.add(any_of(chosen[k] == 0 for k in members))
    except Interrupted:
        pass
    return ConflictList(found, False, solver.stopped_by)


def correction(problem: Problem, time_limit: float | None) -> Correction:
    """The fewest constraints to drop: an optimum where each may be broken at a cost of 1."""
    relaxed = problem.without_goals()
    relaxed.constraints = []
    expressions = [one.expression for one in problem.constraints]
    relaxed.minimize(total(_broken(expression) for expression in expressions))
    solution = relaxed.solve(time_limit=time_limit)
    dropped: Sequence[Constraint] = []
    if solution:
        dropped = [one for one in problem.constraints if solution[_broken(one.expression)]]
    return Correction(solution.status, list(dropped), dict(solution.values_by_name), solution.stopped_by)


def _broken(expression: Expression) -> Expression:
    """1 where it does not hold, 0 where it does."""
    return add(1, multiply(-1, Expression(Op.AND, (expression,))))
