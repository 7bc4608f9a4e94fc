"""Solves and compiles everything that the run will launch, on all processors, so that nothing waits later.

Alone, it holds the compiler's report against the model over the paper's grid for every cell and direction, on
any machine:  python -m benchmarks.gpu.compiling --out FOLDER [--hardware NAME …] [--dtypes NAME …]
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks.gpu.cases import CELLS, DTYPES, PAPER, SMALL, Shape, grid
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


def main() -> int:
    """Chooses and compiles the whole matrix; the exit code is 1 where a kernel was not confirmed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu.compiling", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the folder for results")
    parser.add_argument("--hardware", nargs="+", default=["h100_sxm"], help="profiles")
    parser.add_argument("--dtypes", nargs="+", default=["bfloat16"], choices=DTYPES)
    parser.add_argument("--minutes", type=float, default=60.0, help="begin nothing after so long")
    arguments = parser.parse_args()
    os.environ.setdefault("FLASHRNN_CACHE", str(arguments.out / "cache"))
    record = Record(arguments.out, arguments.minutes)
    for profile in arguments.hardware:
        cases = [
            work
            for dtype in arguments.dtypes
            for function in CELLS
            for shape in PAPER
            for work in works(function, dtype, shape)
        ]
        families: dict[str, int] = {}
        for work in cases:
            if record.left() < 0:
                break
            named = {"hardware": profile, **work._asdict()}
            record.attempt("compile", named, lambda w=work, p=profile: _confirmed(w, p), quiet=True)
            family = str(record.rows[-1].get("family"))
            families[family] = families.get(family, 0) + 1
        print(f"{profile}: {sum(families.values())} of {len(cases)}: {families}", flush=True)
    record.finish()
    return 1 if any(row.get("error") or row["contradictions"] for row in record.rows) else 0


def _confirmed(work: Any, profile: str) -> dict[str, Any]:
    from flashrnn.cuda import kernels, tuner

    found = _choose(work, profile, tuner.FUSED)
    if found["family"] is None:
        return {**found, "contradictions": ["no fused family serves it"]}
    chosen = tuner.choose(work, profile, tuner.FUSED)
    first = next(tuner.configurations(work.normal(), profile, tuner.FUSED))
    return {
        **found,
        "contradictions": [] if chosen is None else kernels.check(chosen).contradictions,
        "first_choice_confirmed": chosen == first,
    }


if __name__ == "__main__":
    sys.exit(main())
