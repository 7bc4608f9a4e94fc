"""constrint and CP-SAT on one example file: answers first, then times, in the same process.

Both work in one thread, so processor time is what a user waits for on an idle machine, whatever else runs
on this one.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

import constrint as ci
from benchmarks.models import FAMILIES
from benchmarks.peer import Answer, Data, Peer, Refused, Way, ways

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
PROFILES = ROOT / "hardware_profiles"

LIMIT = 60.0
"""Seconds that a solver may take for one answer."""


class AnswersDiffer(Exception):
    """The solvers disagree, or one gives an assignment that violates a constraint."""


@dataclass
class Result:
    """Medians in seconds of processor time.

    `peer` is None where CP-SAT refuses; `note` says why, or which way it went.
    """

    family: str
    name: str
    answer: str
    nodes: int
    own: float
    peer: float | None
    note: str

    @property
    def ratio(self) -> float | None:
        """How many times as long as constrint CP-SAT takes."""
        return None if self.peer is None else self.peer / self.own


def file_of(name: str) -> Path:
    """The problem file of an example."""
    return EXAMPLES / f"{name}.yaml"


def parameters(name: str) -> Data:
    """The parameters of an example that are plain data, and the profiles that it includes."""
    document = yaml.safe_load(file_of(name).read_text(encoding="utf-8"))
    data: dict[str, Any] = dict(document.get("parameters", {}))
    for key, reference in document.get("include", {}).items():
        profile = PROFILES / f"{Path(reference).stem}.yaml"
        data[key] = yaml.safe_load(profile.read_text(encoding="utf-8"))
    return data


def compare(problem: ci.Problem, solution: ci.Solution, answer: Answer) -> None:
    """Raises AnswersDiffer unless both are right and say the same."""
    if (solution.status == "infeasible") != (answer.status == "infeasible"):
        raise AnswersDiffer(f"constrint says {solution.status}, CP-SAT {answer.status}")
    if answer.status == "infeasible":
        return
    for solver, values in (("constrint", dict(solution)), ("CP-SAT", answer.values)):
        violated = problem.check(values).violated
        if violated:
            raise AnswersDiffer(f"the answer of {solver} violates {violated[0]}")
    goals = [solution[goal.expression] for goal in problem.objectives]
    goals += [solution[wish.expression] for wish in problem.preferences]
    if goals != answer.goals:
        raise AnswersDiffer(f"the goals of constrint are {goals}, those of CP-SAT {answer.goals}")


def fastest_way(
    problem: ci.Problem, solution: ci.Solution, build: Callable[[], Peer]
) -> tuple[Way | None, str]:
    """The way of asking CP-SAT that took the least time, or None and why it refuses.

    Raises AnswersDiffer where any way gives another answer.
    """
    times: dict[Way, float] = {}
    reason = ""
    for way in ways(len(problem.objectives) + len(problem.preferences)):
        start = time.process_time()
        try:
            answer = way(build(), LIMIT)
        except Refused as refusal:
            reason = reason or str(refusal)
            continue
        elapsed = time.process_time() - start
        if answer.status == "unknown":
            reason = f"no answer within {LIMIT:.0f} s"
            continue
        compare(problem, solution, answer)
        times[way] = elapsed
    if not times:
        return None, reason
    way = min(times, key=times.__getitem__)
    return way, way.name


def solve_fresh(name: str) -> tuple[float, ci.Problem, ci.Solution]:
    """The processor time from the built problem to its answer; loading the file is not counted."""
    problem = ci.load(file_of(name))
    start = time.process_time()
    solution = problem.solve(time_limit=LIMIT)
    return time.process_time() - start, problem, solution


def run(family: str, name: str, runs: int) -> Result:
    """Compares the answers, then times both in turns.

    Raises AnswersDiffer before anything is timed.
    """
    model, data = FAMILIES[family][name], parameters(name)
    _, problem, solution = solve_fresh(name)
    if solution.status == "unknown":
        raise AnswersDiffer(f"constrint has no answer within {LIMIT:.0f} s")
    way, note = fastest_way(problem, solution, lambda: model(data))
    own, peer = [], []
    for _ in range(runs):
        own.append(solve_fresh(name)[0])
        if way is not None:
            start = time.process_time()
            way(model(data), LIMIT)
            peer.append(time.process_time() - start)
    return Result(
        family,
        name,
        solution.status,
        solution.statistics.nodes,
        statistics.median(own),
        statistics.median(peer) if peer else None,
        note,
    )
