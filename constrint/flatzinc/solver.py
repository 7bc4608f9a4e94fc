"""Solving a FlatZinc model, and what is printed of it (The MiniZinc Handbook, "Solver output")."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TextIO

from constrint.engine.probing import probe_disjunctions
from constrint.engine.search import Unbounded
from constrint.engine.store import Inconsistent
from constrint.expressions import Expression, Op
from constrint.flatzinc.building import FlatModel, Output
from constrint.flatzinc.searching import AnnotatedSearch
from constrint.flatzinc.syntax import Set
from constrint.solving import Program, Session

SOLUTION_END = "----------"
COMPLETE = "=========="
UNSATISFIABLE = "=====UNSATISFIABLE====="
UNKNOWN = "=====UNKNOWN====="


@dataclass
class Options:
    """What the flags ask for; `limit` of None is all solutions."""

    limit: int | None = 1
    intermediate: bool = False
    free: bool = False
    statistics: bool = False
    seed: int = 0
    time_limit: float | None = None


class Run:
    """One run: the solutions printed so far and whether the search space is exhausted."""

    def __init__(self, model: FlatModel, options: Options, stream: TextIO) -> None:
        self._model = model
        self._options = options
        self._stream = stream
        self._session = Session(model.problem, time_limit=options.time_limit)
        self._seen: set[tuple[int, ...]] = set()
        self._best: str | None = None
        self._cost: int | None = None
        self._root_seconds = 0.0
        self._sizes = 0, 0
        self.found = 0
        """How many solutions were found."""
        self.complete = False
        """Whether it is proved that there are no others, or no better ones."""

    @property
    def stopped_by(self) -> str | None:
        """The limit that stopped the search, if one did."""
        return self._session.stopped_by

    def run(self) -> None:
        """Searches and prints.

        Raises UnboundedError and SizeLimitError as Problem.solve does; what was found is printed then too.
        """
        try:
            self.complete = self._session.run(self._search, lambda: False)
        finally:
            self._conclude()

    def _conclude(self) -> None:
        if self._best is not None:
            self._write(self._best)
        if self.complete:
            self._write(COMPLETE if self.found else UNSATISFIABLE)
        elif not self.found:
            self._write(UNKNOWN)
        if self._options.statistics:
            self._write_statistics()

    # Searching -----------------------------------------------------------------------------------------

    def _search(self, bits: int) -> bool:
        """Whether the search was complete."""
        started = time.perf_counter()
        try:
            program = Program(self._session, bits)
        except Inconsistent:
            return True
        finally:
            self._root_seconds += time.perf_counter() - started
        self._sizes = len(program.store.lo), len(program.store.propagators)
        return self._optimise(program) if program.objectives else self._satisfy(program)

    def _satisfy(self, program: Program) -> bool:
        limit = self._options.limit
        single = limit == 1
        search = self._new_search(program, complete_once=not single)
        search.finite_only = not single
        # Solutions come again after a restart, so only where one is wanted.
        for _ in search.solutions(restarts=single and not self._phases(program)):
            values = tuple(program.store.lo[x] for x in self._shown(program))
            if values not in self._seen:
                self._seen.add(values)
                self.found += 1
                self._write(self._text(program))
                if limit is not None and self.found >= limit:
                    return False
        return True

    def _optimise(self, program: Program) -> bool:
        """Branch and bound: each solution must be better than the one before it."""
        store, (objective,) = program.store, program.objectives
        search = self._new_search(program)
        if self._cost is not None:
            search.goal = (objective, self._cost - 1)
        endless = store.lo[objective] <= -store.limit
        for _ in search.solutions(restarts=not self._phases(program)):
            if endless:
                raise Unbounded(objective)
            self._cost = store.lo[objective]
            self.found += 1
            self._keep(self._text(program))
            search.goal = (objective, self._cost - 1)
            search.guide = {x: store.lo[x] for x in search.variables}
        return True

    def _new_search(self, program: Program, complete_once: bool = False) -> AnnotatedSearch:
        variables = self._shown(program) if complete_once else list(program.variables.values())
        search = AnnotatedSearch(
            program.store,
            self._phases(program),
            variables,
            complete_once=complete_once,
            seed=self._options.seed,
        )
        search.counters = self._session.counters
        search.guide = dict(program.guide)
        search.at_restart = lambda: probe_disjunctions(program.store)
        return search

    def _phases(self, program: Program) -> list[tuple[list[int], str, str]]:
        """The phases of the model's annotations, none where the search is free."""
        if self._options.free:
            return []
        return [
            ([program.variables[name] for name in phase.names], phase.variable_choice, phase.value_choice)
            for phase in self._model.phases
        ]

    def _shown(self, program: Program) -> list[int]:
        """The variables of which something is printed."""
        names = [
            term.data
            for output in self._model.outputs
            for term in output.terms
            if isinstance(term, Expression) and term.op is Op.VARIABLE
        ]
        return [program.variables[name] for name in dict.fromkeys(names)]

    # Printing ------------------------------------------------------------------------------------------

    def _keep(self, text: str) -> None:
        """Prints a better solution, or keeps it until the end."""
        if self._options.intermediate:
            self._write(text)
        else:
            self._best = text

    def _text(self, program: Program) -> str:
        """The solution in the store."""
        lo, variables = program.store.lo, program.variables
        lines = []
        for output in self._model.outputs:
            texts = []
            for term in output.terms:
                if isinstance(term, tuple):
                    texts.append(_set(term))
                else:
                    value = lo[variables[term.data]] if term.op is Op.VARIABLE else term.data
                    texts.append(_scalar(value, output.is_boolean))
            lines.append(f"{output.name} = {_value(output, texts)};")
        return "\n".join([*lines, SOLUTION_END])

    def _write(self, text: str) -> None:
        print(text, file=self._stream, flush=True)

    def _write_statistics(self) -> None:
        found = self._session.statistics()
        figures: dict[str, object] = {
            "method": f'"{self._model.method}"',
            "variables": self._sizes[0],
            "propagators": self._sizes[1],
            "initTime": f"{self._root_seconds:.6f}",
            "solveTime": f"{max(0.0, found.wall_seconds - self._root_seconds):.6f}",
            "nodes": found.nodes,
            "failures": found.failures,
            "restarts": found.restarts,
            "propagations": found.propagations,
            "nSolutions": self.found,
        }
        if self._cost is not None:
            figures["objective"] = -self._cost if self._model.method == "maximize" else self._cost
        for name, figure in figures.items():
            self._write(f"%%%mzn-stat: {name}={figure}")
        self._write("%%%mzn-stat-end")


def _value(output: Output, texts: list[str]) -> str:
    if output.shape is None:
        return texts[0]
    ranges = [f"{first}..{last}" for first, last in output.shape]
    return f"array{len(ranges)}d({', '.join(ranges)}, [{', '.join(texts)}])"


def _scalar(value: int, is_boolean: bool) -> str:
    return ("true" if value else "false") if is_boolean else str(value)


def _set(members: Set) -> str:
    if len(members) == 1 and members[0][0] < members[0][1]:
        return f"{members[0][0]}..{members[0][1]}"
    return f"{{{', '.join(str(value) for first, last in members for value in range(first, last + 1))}}}"
