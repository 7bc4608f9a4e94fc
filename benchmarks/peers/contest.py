"""constrint next to the peers on the example files: answers first, then ratios in Markdown."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import constrint as ci
from benchmarks.contest import ROOT, AnswersDiffer, file_of, solve_fresh
from benchmarks.peers.common import goals
from constrint.evaluation import evaluate

PEERS = {"python_constraint": "python-constraint2", "z3_solver": "Z3", "minizinc": "MiniZinc/Gecode"}
"""The module of each peer, and what tables call it."""

SECONDS = 10.0
MEGABYTES = 4096


def installed(peer: str) -> bool:
    """Whether the peer can be asked here."""
    if peer == "minizinc":
        return shutil.which("minizinc") is not None
    return importlib.util.find_spec({"python_constraint": "constraint", "z3_solver": "z3"}[peer]) is not None


@dataclass
class Asked:
    """What a peer said: the median of its times in seconds, or None and why there is none."""

    seconds: float | None
    note: str = ""


@dataclass
class Line:
    """constrint's median on a problem, in seconds, and every peer's answer."""

    family: str
    name: str
    own: float
    peers: dict[str, Asked] = field(default_factory=dict)

    def ratio(self, peer: str) -> float | None:
        """How many times as long as constrint the peer takes."""
        asked = self.peers[peer]
        return None if asked.seconds is None else asked.seconds / self.own


def ask(
    peer: str, file: Path, problem: ci.Problem, solution: ci.Solution, runs: int, limit: float = SECONDS
) -> Asked:
    """The peer's time in a process of its own, once its answer is the same.

    Raises AnswersDiffer where it is not, and RuntimeError where the process fails.
    """
    limits = (str(limit), str(MEGABYTES), str(runs))
    command = [sys.executable, "-m", "benchmarks.peers", peer, str(file), *limits]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, start_new_session=True
    )
    try:
        # Twice as long on the clock: processor time is what counts, and the machine may be shared.
        output, errors = process.communicate(timeout=2 * limit)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return Asked(None, f"> {limit:g} s")
    if process.returncode:
        if "bad_alloc" in errors or "out of memory" in errors or "MemoryError" in errors:
            return Asked(None, f"> {MEGABYTES} MB")
        raise RuntimeError(f"{PEERS[peer]} on {file.name}: {errors.strip()[-500:]}")
    said = json.loads(output)
    if "refused" in said:
        return Asked(None, f"refuses: {said['refused']}")
    check(peer, problem, solution, said["satisfied"], said["values"])
    median = statistics.median(said["times"])
    return Asked(None, f"> {limit:g} s") if median > limit else Asked(median)


def check(
    peer: str, problem: ci.Problem, solution: ci.Solution, satisfied: bool, values: dict[str, int]
) -> None:
    """Raises AnswersDiffer unless the peer's answer is a solution as good as constrint's."""
    if satisfied == (solution.status == "infeasible"):
        said = "a solution" if satisfied else "none"
        raise AnswersDiffer(f"{PEERS[peer]} says {said}, constrint {solution.status}")
    if not satisfied:
        return
    violated = problem.check(values).violated
    if violated:
        raise AnswersDiffer(f"the answer of {PEERS[peer]} violates {violated[0]}")
    for goal, _ in goals(problem):
        if evaluate(goal, values) != solution[goal]:
            raise AnswersDiffer(
                f"{goal} is {evaluate(goal, values)} by {PEERS[peer]}, {solution[goal]} by constrint"
            )


def run(family: str, name: str, peers: list[str], runs: int, limit: float = SECONDS) -> Line:
    """constrint's time and what every peer says. Raises AnswersDiffer before any time is known."""
    times = []
    for _ in range(runs):
        elapsed, problem, solution = solve_fresh(name)
        times.append(elapsed)
    line = Line(family, name, statistics.median(times))
    for peer in peers:
        line.peers[peer] = ask(peer, file_of(name), problem, solution, runs, limit)
    return line


def table(lines: list[Line], peers: list[str]) -> list[str]:
    """A row for each problem: times in milliseconds, with the ratio to constrint's."""
    titles = [PEERS[peer] for peer in peers]
    found = [f"| family | problem | constrint ms | {' | '.join(f'{title} ms | ratio' for title in titles)} |"]
    found.append("|---|---|--:|" + "--:|--:|" * len(peers))
    for line in lines:
        cells = []
        for peer in peers:
            asked, ratio = line.peers[peer], line.ratio(peer)
            note = asked.note if len(asked.note) <= 50 else asked.note[:49] + "…"
            cells += (
                [note.replace("|", "/"), ""]
                if ratio is None
                else [f"{1e3 * (asked.seconds or 0):.1f}", f"{ratio:.1f}"]
            )
        found.append(f"| {line.family} | {line.name} | {1e3 * line.own:.2f} | {' | '.join(cells)} |")
    return found


def summary(lines: list[Line], peers: list[str]) -> list[str]:
    """Geometric means of the ratios by family; what has no time is counted, never averaged."""
    found = ["", "Ratio: the peer's time over constrint's. Geometric means where both have an answer:", ""]
    for peer in peers:
        parts = []
        for family in [*dict.fromkeys(line.family for line in lines), "all"]:
            group = [line for line in lines if family in (line.family, "all")]
            ratios = [ratio for line in group if (ratio := line.ratio(peer)) is not None]
            mean = f"{statistics.geometric_mean(ratios):.2f}" if ratios else "none"
            parts.append(f"{family} {mean} ({len(ratios)} of {len(group)})")
        found.append(f"- {PEERS[peer]}: {', '.join(parts)}")
        losses = [line.name for line in lines if (line.ratio(peer) or 1) < 1]
        found.append(f"  Faster than constrint: {', '.join(losses) or 'none'}.")
    return found
