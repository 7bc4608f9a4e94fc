"""What many configurations really take:  python -m benchmarks.gpu.explore --out FOLDER [--minutes 3.5]

For every shape of the paper's grid and both directions, the best configuration by the model for each of
many ways to cut the work, measured; then what the kernels of a training step take one by one. From such rows
the constants of `flashrnn/cuda/models/fused.yaml` were fitted.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks.gpu.cases import PAPER, Shape
from benchmarks.gpu.record import Record

# Values of the model's variables that are asked for, in all combinations of which some do not exist.
CUTS = {
    "block": {"batch_tile": (4, 8, 16), "unit_warps": (1, 2, 4, 8, 16), "sum_warps": (1, 2, 4)},
    "cluster": {"batch_tile": (4, 8, 16), "blocks_of_head": (2, 4, 8, 16), "sum_warps": (1, 2, 4, 8)},
    "grid": {"batch_tile": (8, 16), "blocks_of_head": (24, 48, 96), "sum_warps": (4, 8)},
}


def main() -> int:
    """Solves and compiles on all processors, then measures, then profiles."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu.explore", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the folder for results")
    parser.add_argument("--minutes", type=float, default=3.5, help="begin nothing after so long")
    parser.add_argument("--cell", default="lstm")
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--hardware", default="h200")
    arguments = parser.parse_args()
    os.environ.setdefault("FLASHRNN_CACHE", str(arguments.out / "cache"))
    record = Record(arguments.out, arguments.minutes)
    found = _prepared(record, arguments)
    record.until(0.8)
    _measure(record, found)
    record.until(1.0)
    for shape in PAPER:
        if record.left() > 0:
            record.attempt(
                "parts", {"head_dim": shape.head_dim}, partial(parts, arguments.cell, shape), quiet=True
            )
    record.finish()
    return 0


def _prepared(record: Record, arguments: argparse.Namespace) -> list[Any]:
    """The configurations, solved and compiled: those of each shape and direction by turns."""
    wanted = list(_wanted(arguments.cell, arguments.dtype))
    record.until(0.5)
    found: dict[Any, None] = {}
    pool = ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn"))
    try:
        running = [
            pool.submit(_prepare, work, arguments.hardware, family, cut) for work, family, cut in wanted
        ]
        for future in as_completed(running, timeout=max(record.left(), 10)):
            configuration = future.result()
            if configuration is not None:
                found.setdefault(_key(configuration))
    except TimeoutError:
        pass
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    record.add("prepared", wanted=len(wanted), found=len(found))
    print(f"{len(found)} of {len(wanted)} configurations", flush=True)
    return [_configuration(key) for key in found]


def _key(configuration: Any) -> Any:
    values = tuple(sorted(configuration.values.items()))
    return configuration.family, configuration.work, configuration.hardware, values


def _configuration(key: Any) -> Any:
    from flashrnn.cuda.tuner import Configuration

    family, work, profile, values = key
    return Configuration(family, work, profile, dict(values))


def _wanted(cell: str, dtype: str) -> Iterator[tuple[Any, str, dict[str, int]]]:
    from flashrnn.cuda.tuner import Work

    for family, cuts in CUTS.items():
        for values in itertools.product(*cuts.values()):
            cut = dict(zip(cuts, values, strict=True))
            for shape in PAPER:
                for direction in ("forward", "backward"):
                    yield (
                        Work(cell, direction, dtype, shape.head_dim, shape.heads, shape.batch).normal(),
                        family,
                        cut,
                    )


def _prepare(work: Any, profile: str, family: str, cut: dict[str, int]) -> Any:
    """The model's best configuration with these values, if there is one that the compiler confirms."""
    from flashrnn.cuda import kernels, tuner

    problem = tuner._problem(family, work, profile)
    for name, value in cut.items():
        problem.add(problem[name] == value)
    best = problem.solve(time_limit=5)
    if not best:
        return None
    configuration = tuner.Configuration(family, work, profile, dict(best))
    return None if kernels.check(configuration).contradictions else configuration


def _measure(record: Record, configurations: list[Any]) -> None:
    import torch

    for configuration in sorted(configurations, key=lambda c: (c.cycles, c.work)):
        if record.left() < 0:
            break
        case = {
            "family": configuration.family,
            **configuration.work._asdict(),
            "values": configuration.values,
        }
        case["bounds"] = configuration.bounds
        record.attempt("measured", case, partial(_measured, configuration), quiet=True)
    torch.cuda.synchronize()


def _measured(configuration: Any) -> dict[str, Any]:
    from flashrnn.cuda.measuring import microseconds_per_step

    return {"us": microseconds_per_step(configuration, steps=512, times=5)}


def parts(cell: str, shape: Shape) -> dict[str, Any]:
    """The kernels of a training step over all T steps, by the time that they take."""
    import torch

    import flashrnn
    from benchmarks.gpu.correctness import inputs

    tensors, _ = inputs(cell, shape, torch.bfloat16, "cuda")
    leaves = Wx, R, b, states = [tensor.requires_grad_() for tensor in tensors]

    def step() -> None:
        out, _ = flashrnn.flashrnn(Wx, R, b, states, function=cell, backend="cuda_fused")
        torch.autograd.grad(out, leaves, torch.ones_like(out))

    for _ in range(3):
        step()
    torch.cuda.synchronize()
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
        for _ in range(5):
            step()
        torch.cuda.synchronize()
    events = [event for event in profile.key_averages() if event.device_time_total > 0]
    events.sort(key=lambda event: -event.device_time_total)
    return {"microseconds": {event.key[:120]: event.device_time_total / 5 for event in events[:14]}}


if __name__ == "__main__":
    sys.exit(main())
