"""python -m benchmarks.linear: linear families, constrint next to CP-SAT and isl, in Markdown.

Every answer is compared before a time is printed; times are processor time of one thread, medians of runs.
CP-SAT gets LIMIT seconds; a model that it rejects is a refusal.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import islpy
from ortools.sat.python import cp_model

import constrint as ci
from constrint.polyhedra.layers import Empty
from constrint.polyhedra.polyhedron import Polyhedron
from constrint.polyhedra.rows import Row
from constrint.polyhedra.simplex import Budget

LIMIT = 10.0
RUNS = 5
_ISL_RUNS = 3


class Family(NamedTuple):
    """Variables 0 .. high, and rows (coefficients, low, high) over them."""

    high: int
    rows: list[tuple[tuple[int, ...], int | None, int | None]]


def families() -> dict[str, Family]:
    """Infeasible systems of which each needs an argument of its own."""
    source = random.Random(0)
    wide = 10**12
    coins = (1009, 1013, 1019, 1021, 1031)
    market = []
    for _ in range(3):
        form = tuple(source.randrange(100) for _ in range(20))
        market.append((form, sum(form) // 2, sum(form) // 2))
    system = []
    for _ in range(10):
        form = tuple(2 * source.randrange(-(10**9), 10**9) for _ in range(20))
        system.append((form, 1, 1))
    return {
        "parity": Family(wide, [((6, 10, 14), 10**9 + 1, 10**9 + 1)]),
        "gcd": Family(wide, [((15, 21, 33), 10**9 + 1, 10**9 + 1)]),
        "cycle of 2": Family(wide, cycle([1] * 2)),
        "cycle of 6": Family(wide, cycle([1] * 6)),
        # Wider ones keep CP-SAT busy for minutes, past its time limit and into all memory.
        "weighted cycle of 3, 10^6": Family(10**6, cycle([5, 3, 7])),
        "weighted cycle of 6, 10^6": Family(10**6, cycle([5, 3, 7, 4, 9, 2])),
        "coins near Frobenius": Family(wide, [(coins, frobenius(coins), frobenius(coins))]),
        "market split, 3 rows of 20": Family(1, market),
        "10 equations, 20 variables, 10^9": Family(wide, system),
    }


def cycle(weights: list[int]) -> list[tuple[tuple[int, ...], int | None, int | None]]:
    """Each variable times its weight is less than the next times its own, the last less than the first."""
    count = len(weights)
    rows: list[tuple[tuple[int, ...], int | None, int | None]] = []
    for i in range(count):
        form = [0] * count
        form[i], form[(i + 1) % count] = weights[i], -weights[(i + 1) % count]
        rows.append((tuple(form), None, -1))
    return rows


def frobenius(coins: tuple[int, ...]) -> int:
    """The largest amount that the coins cannot pay: by the least payable amount of each residue."""
    least = {0: 0}
    changed = True
    while changed:
        changed = False
        for residue, amount in list(least.items()):
            for coin in coins[1:]:
                after = (residue + coin) % coins[0]
                if amount + coin < least.get(after, amount + coin + 1):
                    least[after] = amount + coin
                    changed = True
    return max(least.values()) - coins[0]


def own(family: Family) -> str:
    """constrint's answer."""
    problem = ci.Problem()
    xs = [problem.integer(f"x{k}", 0, family.high) for k in range(len(family.rows[0][0]))]
    for form, low, high in family.rows:
        left = sum(c * x for c, x in zip(form, xs, strict=True) if c)
        if low == high:
            problem.add(left == high)
        else:
            problem.add(*([] if low is None else [left >= low]), *([] if high is None else [left <= high]))
    return problem.solve(time_limit=LIMIT).status


def peer(family: Family) -> str:
    """CP-SAT's."""
    model = cp_model.CpModel()
    xs = [model.new_int_var(0, family.high, f"x{k}") for k in range(len(family.rows[0][0]))]
    for form, low, high in family.rows:
        bounds = cp_model.Domain(-(2**62) if low is None else low, 2**62 if high is None else high)
        used = [(c, x) for c, x in zip(form, xs, strict=True) if c]
        left = cp_model.LinearExpr.weighted_sum([x for _, x in used], [c for c, _ in used])
        model.add_linear_expression_in_domain(left, bounds)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.max_time_in_seconds = LIMIT
    names = {
        cp_model.INFEASIBLE: "infeasible",
        cp_model.FEASIBLE: "satisfied",
        cp_model.OPTIMAL: "satisfied",
        cp_model.MODEL_INVALID: "refuses",
    }
    return names.get(solver.solve(model), "unknown")


def timed(answer: Callable[[], Any], runs: int = RUNS) -> tuple[Any, float]:
    """The answer, and the median of processor times; a long one is asked once."""
    times = []
    for _ in range(runs):
        started = time.process_time()
        found = answer()
        times.append(time.process_time() - started)
        if times[-1] > 1:
            break
    return found, statistics.median(times)


def random_systems(count: int) -> list[tuple[int, list[Row]]]:
    """Systems of up to 10 variables in boxes."""
    source = random.Random(1)
    found = []
    for _ in range(count):
        size = source.randint(2, 10)
        rows = []
        for _ in range(source.randint(1, 4)):
            form = tuple(source.randint(-9, 9) for _ in range(size))
            low = source.randint(-60, 60)
            rows.append(Row(form, low, low if source.random() < 0.5 else None))
        rows += [Row(tuple(int(i == k) for i in range(size)), -20, 20) for k in range(size)]
        found.append((size, rows))
    return found


def isl_set(size: int, rows: list[Row]) -> islpy.Set:
    """The same points as a set of isl, from matrices: a text takes it three times as long."""
    equalities = [(*form, -low) for form, low, high in rows if low is not None and low == high]
    inequalities = []
    for form, low, high in rows:
        if low != high:
            inequalities += [] if low is None else [(*form, -low)]
            inequalities += [] if high is None else [(*(-c for c in form), high)]
    kind = islpy.dim_type
    space = islpy.Space.set_alloc(islpy.DEFAULT_CONTEXT, 0, size)
    return islpy.Set.from_basic_set(
        islpy.BasicSet.from_constraint_matrices(
            space,
            isl_matrix(equalities, size + 1),
            isl_matrix(inequalities, size + 1),
            kind.set,
            kind.div,
            kind.param,
            kind.cst,
        )
    )


def isl_matrix(rows: list[tuple[int, ...]], width: int) -> islpy.Mat:
    """A matrix of isl."""
    matrix = islpy.Mat.alloc(islpy.DEFAULT_CONTEXT, len(rows), width)
    for i, row in enumerate(rows):
        for k, c in enumerate(row):
            matrix = matrix.set_element_val(i, k, c)
    return matrix


def is_empty(size: int, rows: list[Row]) -> bool:
    """Whether the Z-polyhedron has no integer point."""
    return Polyhedron(size, rows).is_empty(Budget(10**9))


def lexicographic(size: int, rows: list[Row]) -> list[int] | None:
    """The least point by the Z-polyhedron."""
    try:
        return Polyhedron(size, rows).lexicographic_minimum(Budget(10**9))
    except Empty:
        return None


def isl_lexicographic(points: islpy.Set, size: int) -> list[int] | None:
    """The least point by isl."""
    if points.is_empty():
        return None
    least = points.lexmin().sample_point()
    return [least.get_coordinate_val(islpy.dim_type.set, k).to_python() for k in range(size)]


def main() -> int:
    """Prints the table and the means; 1 where answers differ."""
    print("| family | answer | constrint ms | CP-SAT ms | CP-SAT says |")
    print("| --- | --- | ---: | ---: | --- |")
    for name, family in families().items():
        answer, seconds = timed(lambda family=family: own(family))
        other, peer_seconds = timed(lambda family=family: peer(family))
        if "satisfied" in (answer, other) and "infeasible" in (answer, other):
            print(f"answers differ: {name}: {answer}, {other}")
            return 1
        print(f"| {name} | {answer} | {seconds * 1e3:.1f} | {peer_seconds * 1e3:.1f} | {other} |", flush=True)
    return compare_with_isl()


def compare_with_isl() -> int:
    """Prints geometric means; 1 where answers differ.

    What is given is the rows. isl already finds out much, and some answers, while it makes a set of them, so
    its time is told with and without that; constrint's always has it.
    """
    ratios: dict[str, list[float]] = {}
    totals: dict[str, list[float]] = {}
    for size, rows in random_systems(40):
        # isl keeps what it found out about a set: each run gets a new one.
        empty, least = ([isl_set(size, rows) for _ in range(_ISL_RUNS)] for _ in range(2))
        _, making = timed(lambda size=size, rows=rows: isl_set(size, rows), _ISL_RUNS)
        pairs: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
            "emptiness": (
                lambda size=size, rows=rows: is_empty(size, rows),
                lambda sets=empty: sets.pop().is_empty(),
            ),
            "lexicographic minimum": (
                lambda size=size, rows=rows: lexicographic(size, rows),
                lambda sets=least, size=size: isl_lexicographic(sets.pop(), size),
            ),
        }
        for question, (ours, theirs) in pairs.items():
            answer, seconds = timed(ours, _ISL_RUNS)
            other, other_seconds = timed(theirs, _ISL_RUNS)
            if answer != other:
                print(f"answers differ: {rows}: {answer}, {other}")
                return 1
            totals.setdefault(question, [0.0, 0.0])
            totals[question][0] += seconds
            totals[question][1] += other_seconds
            ratios.setdefault(f"{question}, from the rows on", []).append((making + other_seconds) / seconds)
            ratios.setdefault(f"{question}, from isl's set on", []).append(other_seconds / seconds)
    print("\nisl's time over constrint's, 40 systems, geometric means:\n")
    for what, values in ratios.items():
        print(f"- {what}: {statistics.geometric_mean(values):.2f}")
    for question, (own_total, isl_total) in totals.items():
        print(f"- {question}, sums: constrint {own_total * 1e3:.0f} ms, isl's sets {isl_total * 1e3:.0f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
