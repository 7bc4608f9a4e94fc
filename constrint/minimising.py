"""Branch and bound: the least value of one objective, with its proof."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from constrint.engine.search import LimitReached, Unbounded
from constrint.neighbourhoods import Neighbourhoods

if TYPE_CHECKING:
    from constrint.solving import Program, Session

_LEAP_FAILURES = 2
"""Failures that a leap towards the lower bound may cost."""

_PATIENCE = 500
"""Failures before the first large neighbourhood: what is proved sooner needs none."""


class Best:
    """The best solution so far, its objective values, and whether nothing better exists."""

    def __init__(self) -> None:
        self.assignment: Mapping[str, int] | None = None
        self.values: list[int] = []
        """The values of all the program's variables in it."""
        self.objective: list[int] = []
        self.proved = False

    def remember(self, session: Session, program: Program, position: int) -> None:
        """Keeps the solution in the store; `position` objectives before the present one are at their best."""
        self.assignment = program.assignment()
        self.values = list(program.store.lo)
        values = []
        for x, goal in zip(program.objectives, session.problem.objectives, strict=True):
            values.append(-program.store.lo[x] if goal.maximize else program.store.lo[x])
        self.objective = values
        if values:
            session.best = values[min(position, len(values) - 1)]
        if session.on_solution is not None:
            session.on_solution(self.assignment, values)


class _Improved(Exception):
    """A neighbourhood had a better solution."""


class Minimiser:
    """The search for the least value of an objective of a program whose store is at its root.

    After a solution come searches for something better by at least 1 and, in turn with them, leaps towards
    the lower bound, as long as these are cheap to decide. Where the search takes long, neighbourhoods of the
    best solution get half as much work as it does.
    """

    def __init__(self, session: Session, program: Program, objective: int, best: Best, position: int) -> None:
        self.session = session
        self.program = program
        self.objective = objective
        self.best = best
        self.position = position
        self._search = program.search(session)
        self._near = program.search(session)
        self._neighbourhoods = Neighbourhoods(program.store, self._search.variables)
        self._patience = session.counters.failures + _PATIENCE
        if best.assignment is not None:
            self._search.guide = {x: best.assignment[name] for name, x in program.variables.items()}

    def run(self) -> bool:
        """Fixes the objective at its least value; False where there is no solution.

        Raises OutOfTime, LimitReached and Unbounded.
        """
        store, objective = self.program.store, self.objective
        known = self.best.values
        cost = known[objective] if objective < len(known) else None
        leaping = optimistic = cost is not None
        while cost is None or store.lo[objective] < cost:
            goal = None
            if cost is not None:
                goal = cost - 1
                if leaping:
                    lower = store.lo[objective]
                    goal = lower if optimistic else (lower + cost - 1) // 2
                    optimistic = False
            try:
                found = self._improve(goal, leaping)
            except LimitReached:
                if self.session.out_of_nodes():
                    raise
                leaping = False
                continue
            if found:
                leaping, optimistic = True, cost is None
                cost = self.best.values[objective]
                if store.lo[objective] <= -store.limit:
                    raise Unbounded(objective)
            elif goal is None:
                return False
            else:
                leaping = optimistic or not leaping
                store.cause = -1
                store.set_lo(objective, goal + 1)
                store.propagate()
        store.fix(objective, cost)
        store.propagate()
        return True

    def _improve(self, goal: int | None, leaping: bool) -> bool:
        """Whether there is a solution whose objective is at most `goal`; it is remembered.

        Raises LimitReached where a leap gets expensive.
        """
        search, counters = self._search, self.session.counters
        search.goal = self._near.goal = None if goal is None else (self.objective, goal)
        search.failure_limit = counters.failures + _LEAP_FAILURES if leaping else None
        mark = counters.failures

        def between() -> None:
            nonlocal mark
            self.program.at_restart()
            spent = counters.failures - mark
            if goal is not None and counters.failures > self._patience:
                self._look_near(spent // 2)
            mark = counters.failures

        search.at_restart = between
        try:
            if goal is not None and not leaping and counters.failures > self._patience:
                self._look_near(_PATIENCE // 4)
            for _ in search.solutions(restarts=not leaping):
                self._keep()
                return True
        except _Improved:
            return True
        return False

    def _look_near(self, failures: int) -> None:
        """Raises _Improved where a neighbourhood of the best solution has a better one."""
        if self._neighbourhoods.improve(self._near, self._search.guide, failures, self._keep):
            raise _Improved

    def _keep(self) -> None:
        store = self.program.store
        self._search.guide = self._near.guide = {x: store.lo[x] for x in self._search.variables}
        self.best.remember(self.session, self.program, self.position)
