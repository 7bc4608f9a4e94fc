"""compute-sanitizer over small shapes: memory errors, races in shared memory, misused barriers.

python -m benchmarks.gpu.sanitizer FAMILY    runs the shapes of one family, to be watched by the tool.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.gpu.cases import SMALL
from benchmarks.gpu.record import Record

TOOLS = ("memcheck", "racecheck", "synccheck")


def run(record: Record, families: Sequence[str]) -> dict[str, Any]:
    """Runs every tool on every family; each row says how many errors the tool found."""
    program = shutil.which("compute-sanitizer") or "/usr/local/cuda/bin/compute-sanitizer"
    if not Path(program).exists():
        return {"skipped": "compute-sanitizer is not installed"}
    for tool in TOOLS:
        for family in families:
            if record.left() < 10:
                return {"stopped": "out of time"}
            case = (program, family, tool, record.left())
            record.attempt("sanitizer", {"family": family, "tool": tool}, lambda c=case: _watch(*c))
    return {}


def _watch(program: str, family: str, tool: str, limit: float) -> dict[str, Any]:
    # Only our kernels: PyTorch's are many, and not ours to mend.
    command = [
        program,
        "--tool",
        tool,
        "--kernel-name",
        "kernel_substring=flashrnn",
        "--print-limit",
        "20",
        sys.executable,
        "-m",
        "benchmarks.gpu.sanitizer",
        family,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False)
    text = done.stdout + done.stderr
    summary = re.search(r"ERROR SUMMARY: (\d+) error|RACECHECK SUMMARY: (\d+) hazard", text)
    if summary is None or "all cases ran" not in text:
        raise RuntimeError(f"the tool did not finish (exit code {done.returncode}): {text[-1500:]}")
    errors = int(summary[1] or summary[2])
    found: dict[str, Any] = {"errors": errors, "passed": errors == 0}
    if errors:
        found["report"] = text[:4000]
    return found


def main() -> None:
    """Runs all cells of one family on its smallest shape, forward and backward."""
    import torch

    from benchmarks.gpu.cases import CELLS
    from benchmarks.gpu.correctness import inputs, only, results

    family = sys.argv[1]
    shape = SMALL[family][0]._replace(time=3)
    backend = "cuda" if family == "alternating" else "cuda_fused"
    with only(family):
        for function in CELLS:
            tensors, mask = inputs(function, shape, torch.bfloat16, "cuda", resets=True)
            results(backend, function, tensors, mask, (True, True))
    torch.cuda.synchronize()
    print("all cases ran")


if __name__ == "__main__":
    main()
