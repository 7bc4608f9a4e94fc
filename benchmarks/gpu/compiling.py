"""Solves and compiles everything that the run will launch, on all processors, so that nothing waits later."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import Any

from benchmarks.gpu.cases import CELLS, DTYPES, SMALL, Shape, grid
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
