"""python -m benchmarks.kernels: launch configurations of the recurrent kernel, constrint next to CP-SAT.

For each GPU and head width: the first solution, and the rate of all solutions, in processor time, without
the preferences. Rates are of what each has within the same few
seconds: constrint holds solutions as a diagram, CP-SAT hands them over. The first solutions of both are
checked before any time is printed; where both list everything, the counts are compared too.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

import yaml
from ortools.sat.python import cp_model

import constrint as ci
from benchmarks.contest import PROFILES, file_of, parameters
from benchmarks.models.fused_rnn import fused_rnn_h100

GPUS = ("h100_sxm", "a100_sxm_80gb", "rtx_4090")
WIDTHS = (16, 32, 64, 128, 256, 512, 1024, 2048)
SECONDS = 2.0
"""How long each looks for all solutions."""
_FIRST = 60.0


class _Counter(cp_model.CpSolverSolutionCallback):
    def __init__(self) -> None:
        super().__init__()
        self.found = 0

    def on_solution_callback(self) -> None:
        self.found += 1


def data(gpu: str, width: int) -> dict[str, Any]:
    """The parameters of the CP-SAT model."""
    profile = yaml.safe_load((PROFILES / f"{gpu}.yaml").read_text(encoding="utf-8"))
    return {**parameters("fused_rnn_h100"), "gpu": profile, "head_dim": width}


def problem(gpu: str, width: int) -> ci.Problem:
    """The problem without its preferences."""
    file = file_of("fused_rnn_h100")
    return ci.load(file, set={"head_dim": width}, include={"gpu": PROFILES / f"{gpu}.yaml"}).without_goals()


def by_cp_sat(given: dict[str, Any], every: bool) -> tuple[float, int, dict[str, int] | None, bool]:
    """Seconds, how many solutions, the last one by name (None where there is none), and if that is all."""
    started = time.process_time()
    peer = fused_rnn_h100(given)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.enumerate_all_solutions = every
    solver.parameters.max_time_in_seconds = SECONDS if every else _FIRST
    counter = _Counter()
    status = solver.solve(peer.model, counter)
    seconds = time.process_time() - started
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return seconds, 0, None, status == cp_model.INFEASIBLE
    values = {name: int(solver.value(x)) for name, x in peer.variables.items()}
    return seconds, counter.found, values, status == cp_model.OPTIMAL


def row(gpu: str, width: int, runs: int) -> tuple[str, float | None, float | None]:
    """A line of the table, the ratio of the first solutions and that of the rates.

    Raises AssertionError where the answers differ.
    """
    stated, given = problem(gpu, width), data(gpu, width)
    own, theirs = [], []
    values = None
    for _ in range(runs):
        # Stated anew: what a problem knows from an earlier question does not count.
        asked = problem(gpu, width)
        started = time.process_time()
        first = asked.solve(time_limit=_FIRST)
        own.append(time.process_time() - started)
        seconds, _, values, decided = by_cp_sat(given, every=False)
        theirs.append(seconds)
        assert first.status != "unknown", "constrint has no answer"
        if values is not None:
            assert not stated.check(values).violated, "CP-SAT's answer is wrong"
        assert not decided or (values is None) == (first.status == "infeasible"), "the answers differ"
    started = time.process_time()
    listed = stated.search_space(time_limit=SECONDS)
    rate = listed.space.size / (time.process_time() - started)
    seconds, found, _, complete = by_cp_sat(given, every=True)
    if complete and listed.complete:
        assert listed.space.size == found, f"{listed.space.size} solutions, {found} by CP-SAT"
    peer_rate = found / seconds
    first_ratio = statistics.median(theirs) / statistics.median(own) if values is not None else None
    rate_ratio = rate / peer_rate if found else None
    count = f"{listed.space.size:,}" if listed.complete else f"≥ {listed.space.size:,}"
    ratios = [f"{ratio:.1f}" if ratio else "" for ratio in (first_ratio, rate_ratio)]
    cells = [gpu, str(width), f"{1e3 * statistics.median(own):.1f}", f"{1e3 * statistics.median(theirs):.1f}"]
    cells += [ratios[0], count, f"{rate:,.0f}", f"{peer_rate:,.0f}", ratios[1]]
    return f"| {' | '.join(cells)} |", first_ratio, rate_ratio


def main() -> None:
    """Prints the table, then the geometric means."""
    rows = [row(gpu, width, 3) for gpu in GPUS for width in WIDTHS]
    print(
        "| GPU | head_dim | first ms | CP-SAT ms | ratio | solutions | a second | CP-SAT a second | ratio |"
    )
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|")
    print(*[line for line, _, _ in rows], sep="\n")
    for what, position in (("first solution", 1), ("rate of all solutions", 2)):
        ratios = [each for entry in rows if isinstance(each := entry[position], float)]
        mean = statistics.geometric_mean(ratios)
        print(f"\n{what}: geometric mean {mean:.1f}, least {min(ratios):.1f}, {len(ratios)} of {len(rows)}")


if __name__ == "__main__":
    main()
