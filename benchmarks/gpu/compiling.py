"""Solves and compiles everything that the run will launch, on all processors, so that nothing waits later.

Alone, it holds the compiler's report against the model over the paper's grid and large heads for every
profile, cell, direction and data type, on any machine, and prints what it needed of the processor:

    python -m benchmarks.gpu.compiling --out FOLDER [--hardware NAME …] [--dtypes NAME …]
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.gpu.cases import CELLS, DTYPES, LARGEST, PAPER, SMALL, Shape, grid
from benchmarks.gpu.record import Record

# A configuration that is wanted: the tuner's work, and the families that may serve it.
Wanted = tuple[Any, tuple[str, ...]]


def wanted(families: Sequence[str], quick: bool) -> list[Wanted]:
    """Everything that correctness and times launch: the timed ones first."""
    from flashrnn.cuda.tuner import FUSED

    found = []
    for function, dtype, shape in grid(quick):
        found += [(work, FUSED) for work in works(function, dtype, shape)]
        found.append((works(function, dtype, shape)[0]._replace(training=False), FUSED))
    for family in families:
        for dtype in DTYPES:
            for function in CELLS:
                for shape in SMALL[family][: 1 if quick else None]:
                    found += [(work, (family,)) for work in works(function, dtype, shape)]
    return list(dict.fromkeys(found))


def works(function: str, dtype: str, shape: Shape) -> list[Any]:
    """The forward and backward work of a shape, all tensors in one dtype."""
    from flashrnn.cuda.tuner import DIRECTIONS, Work

    return [
        Work(function, direction, dtype, shape.head_dim, shape.heads, shape.batch) for direction in DIRECTIONS
    ]


def run(record: Record, profile: str, families: Sequence[str], quick: bool, limit: float) -> dict[str, Any]:
    """Chooses and compiles all of `wanted` for this profile, for at most `limit` seconds."""
    todo = wanted(families, quick)
    started = time.monotonic()
    done = 0
    pool = ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn"))
    try:
        running = {pool.submit(_choose, work, profile, only): (work, only) for work, only in todo}
        for future in as_completed(running, timeout=limit):
            work, only = running[future]
            case = {**work._asdict(), "families": "/".join(only)}
            done += record.attempt("compile", case, future.result, quiet=True)
    except TimeoutError:
        return {"wanted": len(todo), "done": done, "stopped": "out of time"}
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return {"wanted": len(todo), "done": done, "seconds": round(time.monotonic() - started, 1)}


def _choose(work: Any, profile: str, families: tuple[str, ...]) -> dict[str, Any]:
    from flashrnn.cuda import kernels, tuner

    started = time.perf_counter()
    chosen = tuner.choose(work, profile, families)
    seconds = round(time.perf_counter() - started, 3)
    if chosen is None:
        return {"family": None, "seconds": seconds}
    (resources,) = kernels.check(chosen).resources.values()
    return {
        "family": chosen.family,
        "seconds": seconds,
        "compile_seconds": round(kernels.compiled(chosen).seconds, 3),
        "predicted_microseconds_per_step": round(chosen.microseconds(), 4),
        "bound": chosen.bound,
        "registers": resources.registers,
        "needed_registers": chosen.values["needed_registers"],
        "parameters": {name: chosen.values[name] for name in kernels.parameters(chosen.family)},
    }


def matrix(profiles: Sequence[str], dtypes: Sequence[str]) -> list[tuple[str, Any]]:
    """Profile and work of every case: the paper's grid first, then large heads."""
    return [
        (profile, work)
        for shapes in (PAPER, LARGEST)
        for profile in profiles
        for dtype in dtypes
        for function in CELLS
        for shape in shapes
        for work in works(function, dtype, shape)
    ]


def main() -> int:
    """Chooses and compiles the whole matrix; the exit code is 1 where a kernel was not confirmed."""
    from flashrnn import hardware

    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu.compiling", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the folder for results")
    parser.add_argument("--hardware", nargs="+", default=hardware.names(), help="profiles; default: all")
    parser.add_argument("--dtypes", nargs="+", default=[*DTYPES], choices=DTYPES, help="default: all")
    parser.add_argument("--minutes", type=float, default=180.0, help="begin nothing after so long")
    arguments = parser.parse_args()
    os.environ.setdefault("FLASHRNN_CACHE", str(arguments.out / "cache"))
    record = Record(arguments.out, arguments.minutes)
    cases = matrix(arguments.hardware, arguments.dtypes)
    for profile, work in cases:
        if record.left() < 0:
            break
        named = {"hardware": profile, **work._asdict()}
        record.attempt("compile", named, lambda w=work, p=profile: _confirmed(w, p), quiet=True)
    record.finish()
    print(f"{len(record.rows)} of {len(cases)}")
    summarize(record.rows)
    return 1 if any(row.get("error") or row["refused"] or not row["family"] for row in record.rows) else 0


def summarize(rows: Sequence[dict[str, Any]]) -> None:
    """What serves each profile, and where the compiler did not confirm what came first."""
    for profile in dict.fromkeys(row["hardware"] for row in rows):
        found = [row for row in rows if row["hardware"] == profile]
        families = Counter(str(row.get("family")) for row in found)
        print(f"{profile}: {dict(families.most_common())}")
    errors = [row for row in rows if row.get("error")]
    refused = [row for row in rows if row.get("refused")]
    print(f"errors: {len(errors)}; first choices that the compiler refused: {len(refused)}")
    for name in ("tuning_seconds", "compile_seconds"):
        times = sorted(row[name] for row in rows if row.get(name))
        if times:
            print(f"{name}, of the processor: median {median(times):.2f}, largest {times[-1]:.2f}")


def _confirmed(work: Any, profile: str) -> dict[str, Any]:
    """The best configuration of the fused families that the compiler confirms, and those that it refused."""
    from flashrnn.cuda import kernels, tuner

    refused: list[dict[str, Any]] = []
    asked: list[float] = []
    seconds = 0.0

    def described(configuration: Any) -> dict[str, Any]:
        names = kernels.parameters(configuration.family)
        return {
            "family": configuration.family,
            "parameters": {name: configuration.values[name] for name in names},
        }

    def contradicted(configuration: Any) -> bool:
        nonlocal seconds
        asked.append(time.process_time())
        contradictions = kernels.check(configuration).contradictions
        seconds = time.process_time() - asked[-1]
        if contradictions:
            refused.append({**described(configuration), "contradictions": contradictions})
        return bool(contradictions)

    started = time.process_time()
    chosen = next(tuner.configurations(work.normal(), profile, tuner.FUSED, contradicted), None)
    if chosen is None:
        return {"family": None, "refused": refused}
    (resources,) = kernels.check(chosen).resources.values()
    return {
        **described(chosen),
        "refused": refused,
        "tuning_seconds": round(asked[0] - started, 3),
        # Nothing where the same kernel was compiled before.
        "compile_seconds": round(seconds, 3) if seconds > 0.05 else None,
        "registers": resources.registers,
        "needed_registers": chosen.values["needed_registers"],
        "predicted_microseconds_per_step": round(chosen.microseconds(), 4),
    }


if __name__ == "__main__":
    sys.exit(main())
