"""One run on one GPU, unattended:  python -m benchmarks.gpu --out FOLDER [--quick] [--only SECTION …]

Correctness comes first; then times on the grid of the FlashRNN paper beside cuDNN's and compiled PyTorch's,
with the roofline's floor and the solver's prediction; then compute-sanitizer on small shapes. Every case
stands alone: one that fails is recorded with its error. `--dry-run` needs no GPU: it solves and compiles for
a hardware profile what a run would launch, and measures nothing.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.gpu.cases import BATCHES, FAMILIES, LARGEST, PAPER, TIMES, Shape, grid
from benchmarks.gpu.record import Record

SECTIONS = ("environment", "compile", "correctness", "times", "rivals", "sanitizer", "plots")
# Of a run's time, these parts may be spent when a section begins no further case.
ENDS = {"compile": 0.25, "correctness": 0.4, "times": 0.72, "rivals": 0.85, "sanitizer": 0.97}


def main() -> int:
    """Runs the sections; the exit code is 1 where a case was wrong or failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the folder for results and pictures")
    parser.add_argument("--quick", action="store_true", help="fewer cases")
    parser.add_argument("--dry-run", action="store_true", help="without a GPU: solve and compile only")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=SECTIONS, help="only these sections")
    parser.add_argument("--families", nargs="+", choices=FAMILIES, default=FAMILIES, help="only these")
    parser.add_argument("--minutes", type=float, default=8.5, help="begin no case after so long")
    parser.add_argument("--hardware", default="h200", help="the profile of a dry run (default: h200)")
    arguments = parser.parse_args()
    record = Record(arguments.out, arguments.minutes)
    os.environ.setdefault("FLASHRNN_CACHE", str(arguments.out / "cache"))
    wanted = ("environment", "compile") if arguments.dry_run else arguments.only
    for section in SECTIONS:
        if section in wanted:
            # A section that runs alone has all the time there is.
            record.until(ENDS.get(section, 1.0) if len(wanted) > 2 else 1.0)
            print(f"{section} ({record.left():.0f} s)", flush=True)
            record.attempt("section", {"name": section}, lambda s=section: _SECTIONS[s](record, arguments))
    record.finish()
    bad = [row for row in record.rows if row.get("error") or row.get("passed") is False]
    checked = [row for row in record.rows if "passed" in row]
    print(f"{sum(row['passed'] for row in checked)} of {len(checked)} checks passed; {len(bad)} rows are bad")
    sys.stdout.flush()
    return 1 if bad else 0


def _environment(record: Record, arguments: argparse.Namespace) -> dict[str, Any]:
    import torch

    from flashrnn.cuda.compiler import nvrtc_version

    found: dict[str, Any] = {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "nvrtc": ".".join(map(str, nvrtc_version())),
    }
    if arguments.dry_run:
        return found
    asked = "name,driver_version,clocks.max.sm,clocks.sm,power.limit"
    driver = subprocess.run(
        ["nvidia-smi", f"--query-gpu={asked}", "--format=csv,noheader"],
        capture_output=True,
        text=True,
        check=False,
    )
    return {
        **found,
        "device": torch.cuda.get_device_name(),
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
        "profile": _profile(arguments),
        "nvidia_smi": driver.stdout.strip(),
    }


def _compile(record: Record, arguments: argparse.Namespace) -> dict[str, Any]:
    from benchmarks.gpu import compiling

    return compiling.run(
        record, _profile(arguments), arguments.families, arguments.quick, max(record.left(), 30)
    )


def _correctness(record: Record, arguments: argparse.Namespace) -> dict[str, Any]:
    from benchmarks.gpu import correctness

    correctness.run(record, "cuda", arguments.families, arguments.quick)
    checked = [row for row in record.rows if row["section"] == "correctness"]
    return {"cases": len(checked), "right": sum(bool(row.get("passed")) for row in checked)}


def _times(record: Record, arguments: argparse.Namespace) -> dict[str, Any]:
    from benchmarks.gpu.timing import ours

    done = 0
    profile = _profile(arguments)
    for function, dtype, shape in grid(arguments.quick):
        # The other backends only where the paper's table has them, and where they do not take all the time.
        others = function == "lstm" and dtype == "bfloat16" and shape in PAPER
        for backend in ("cuda_fused", "triton_fused", "cuda") if others else ("cuda_fused",):
            for direction in ("forward", "both"):
                if record.left() < 0:
                    return {"done": done, "stopped": "out of time"}
                case = (backend, function, dtype, shape, direction)
                done += record.attempt(
                    "times",
                    dict(zip(("backend", "cell", "dtype", "direction"), (*case[:3], direction), strict=True))
                    | shape._asdict(),
                    lambda c=case: ours(*c) | _floor(profile, *c[1:]) | _predicted(profile, *c),
                )
    return {"done": done}


def _rivals(record: Record, arguments: argparse.Namespace) -> dict[str, Any]:
    from benchmarks.gpu.timing import compiled_vanilla, cudnn, ours

    done = 0
    shapes = [PAPER[-1]]
    if not arguments.quick:
        shapes += [shape for shape in [*LARGEST, *BATCHES, *TIMES] if shape.heads == 1]
    cases: list[tuple[str, str, Shape, str]] = [
        ("cudnn", dtype, PAPER[-1], direction)
        for dtype in ("bfloat16", "float16", "float32", "tfloat32")
        for direction in ("forward", "both")
    ]
    cases += [
        ("torch.compile", "bfloat16", shape, direction)
        for shape in (PAPER[2], PAPER[-1])
        for direction in ("forward", "both")
    ]
    cases += [
        ("cudnn", dtype, shape, direction)
        for shape in shapes[1:]
        for dtype in ("bfloat16", "float16")
        for direction in ("forward", "both")
    ]
    cases += [("vanilla", "bfloat16", PAPER[0], direction) for direction in ("forward", "both")]
    runs = {
        "cudnn": cudnn,
        "torch.compile": partial(compiled_vanilla, "lstm"),
        "vanilla": partial(ours, "vanilla", "lstm"),
    }
    for rival, dtype, shape, direction in cases:
        if record.left() < 0:
            return {"done": done, "stopped": "out of time"}
        run = runs[rival]
        done += record.attempt(
            "rivals",
            {"rival": rival, "cell": "lstm", "dtype": dtype, "direction": direction, **shape._asdict()},
            lambda r=run, a=(dtype, shape, direction): r(*a),
        )
    return {"done": done}


def _sanitizer(record: Record, arguments: argparse.Namespace) -> dict[str, Any]:
    from benchmarks.gpu import sanitizer

    return sanitizer.run(record, arguments.families)


def _plots(record: Record, arguments: argparse.Namespace) -> dict[str, Any]:
    from benchmarks.gpu import plots

    return plots.draw(record.rows, arguments.out)


def _profile(arguments: argparse.Namespace) -> str:
    """The profile of the GPU that is there, or the one of a dry run."""
    if arguments.dry_run:
        return str(arguments.hardware)
    from flashrnn.cuda.device import profile_name, query

    return profile_name(query())


def _floor(profile: str, function: str, dtype: str, shape: Shape, direction: str) -> dict[str, Any]:
    from benchmarks.gpu.roofline import floor
    from flashrnn import hardware

    return floor(hardware.load(profile), function, dtype, shape, direction)


def _predicted(
    profile: str, backend: str, function: str, dtype: str, shape: Shape, direction: str
) -> dict[str, Any]:
    """What the solver predicted of the configurations that ran."""
    from benchmarks.gpu.compiling import works
    from benchmarks.gpu.roofline import gradients_ms
    from flashrnn import hardware
    from flashrnn.cuda.tuner import FUSED, choose

    if backend == "triton_fused":
        return {}
    forward, backward = works(function, dtype, shape)
    parts = [forward, backward] if direction == "both" else [forward._replace(training=False)]
    families = FUSED if backend == "cuda_fused" else ("alternating",)
    chosen = [choose(work, profile, families) for work in parts]
    microseconds = [found.microseconds() if found else float("nan") for found in chosen]
    return {
        "family": "/".join(found.family if found else "none" for found in chosen),
        "bound": "/".join(found.bound if found else "none" for found in chosen),
        "predicted_ms": sum(microseconds) * shape.time / 1e3
        + (gradients_ms(hardware.load(profile), function, dtype, shape) if direction == "both" else 0.0),
    }


_SECTIONS = {
    "environment": _environment,
    "compile": _compile,
    "correctness": _correctness,
    "times": _times,
    "rivals": _rivals,
    "sanitizer": _sanitizer,
    "plots": _plots,
}

if __name__ == "__main__":
    sys.exit(main())
