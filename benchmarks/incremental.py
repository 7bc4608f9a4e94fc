"""python -m benchmarks.incremental: asking again after each added constraint, next to stating all anew.

Both take turns; processor time, medians of the sums over all questions. Answers are compared first.
"""

from __future__ import annotations

import pickle
import statistics
import sys
import time

import constrint as ci
from benchmarks.contest import PROFILES, file_of

RUNS = 7


def timetable(tasks: int) -> tuple[ci.Problem, list[ci.Expression]]:
    """Tasks in order with gaps, in a wide horizon; then each is to start on an odd minute."""
    problem = ci.Problem("timetable")
    x = problem.array("x", tasks, 0, 10**6)
    problem.add(*[x[k] + k % 7 + 1 <= x[k + 1] for k in range(tasks - 1)])
    problem.add(ci.total(x) <= tasks**3)
    return problem, [x[k] % 2 == 1 for k in range(0, tasks, 4)]


def tile() -> tuple[ci.Problem, list[ci.Expression]]:
    """The launch configuration of the recurrent kernel; then parameters are bounded one after the other."""
    file = file_of("fused_rnn_h100")
    problem = ci.load(file, include={"gpu": PROFILES / "h100_sxm.yaml"}).without_goals()
    first = problem.solve()
    bounded = [name for name in problem.variables if isinstance(first[name], int)][:20]
    return problem, [problem[name] <= max(first[name], 1) for name in bounded]


def run(problem: ci.Problem, added: list[ci.Expression], anew: bool) -> tuple[float, list[str]]:
    """Seconds for all questions, and their answers."""
    problem = pickle.loads(pickle.dumps(problem))
    seconds = 0.0
    answers = []
    for expression in [None, *added]:
        if expression is not None:
            problem.add(expression)
        asked = pickle.loads(pickle.dumps(problem)) if anew else problem
        started = time.process_time()
        solution = asked.solve()
        seconds += time.process_time() - started
        answers.append(solution.status)
        assert solution.status == "infeasible" or not problem.check(solution).violated
    return seconds, answers


def main() -> int:
    """Prints a table in Markdown; 1 where answers differ."""
    print("| problem | questions | anew ms | again ms | ratio |")
    print("|---|--:|--:|--:|--:|")
    for name, (problem, added) in {"timetable": timetable(60), "fused_rnn_h100": tile()}.items():
        times: dict[bool, list[float]] = {True: [], False: []}
        for _ in range(RUNS):
            found = {}
            for anew in (True, False):
                seconds, found[anew] = run(problem, added, anew)
                times[anew].append(seconds)
            if found[True] != found[False]:
                print(f"answers differ: {name}: {found}")
                return 1
        fresh, again = (1e3 * statistics.median(times[anew]) for anew in (True, False))
        print(f"| {name} | {len(added) + 1} | {fresh:.1f} | {again:.1f} | {fresh / again:.2f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
