"""What `make demo` shows second: the LSTM kernels that the solver picks for three GPUs, without any of them.

Each configuration is the best of all kernel families by its model that the compiler confirms for that GPU's
architecture: no more registers than promised, no spills, no other shared memory. Without NVRTC in the
environment the models are asked alone.

    python examples/kernels_side_by_side.py [HEAD_DIM [HEADS [BATCH]]]
"""

from __future__ import annotations

import sys

from rich.console import Console
from rich.table import Table

from flashrnn.cuda import kernels, tuner
from flashrnn.cuda.compiler import CompilerUnavailable
from flashrnn.cuda.tuner import Configuration, Work

GPUS = ("a100_sxm_80gb", "h100_sxm", "rtx_4090")


def main() -> int:
    head_dim, heads, batch = [*map(int, sys.argv[1:]), *(256, 3, 16)[len(sys.argv) - 1 :]]
    console = Console(highlight=False)
    console.print(
        f"[bold]LSTM kernels in bfloat16[/bold]  head dimension {head_dim}, {heads} heads, batch {batch}; "
        "tuned and compiled for GPUs that need not be here\n"
    )
    for direction in tuner.DIRECTIONS:
        work = Work("lstm", direction, "bfloat16", head_dim, heads, batch)
        console.print(side_by_side(work))
    return 0


def chosen(work: Work, gpu: str) -> tuple[Configuration | None, str]:
    """The best configuration for the GPU, and what the compiler says of it."""
    try:
        best = tuner.choose(work, gpu)
        if best is None:
            return None, ""
        checked = kernels.check(best)
    except CompilerUnavailable:
        return tuner.choose(work, gpu, verify=False), "no NVRTC here"
    reports = checked.resources.values()
    registers = max(report.registers for report in reports)
    spilled = sum(report.spills for report in reports)
    return best, f"{checked.architecture}: {registers} registers, spills: {spilled}"


def side_by_side(work: Work) -> Table:
    """One column a GPU: the kernel, its launch, what it uses, and the predicted time of a step."""
    table = Table(title=work.direction, title_justify="left", title_style="bold", box=None, padding=(0, 2))
    table.add_column("")
    columns = []
    for gpu in GPUS:
        table.add_column(gpu, justify="right")
        columns.append(column(*chosen(work, gpu)))
    for name in max(columns, key=len):
        table.add_row(name, *(found.get(name, "") for found in columns))
    return table


def column(found: Configuration | None, verdict: str) -> dict[str, str]:
    """The rows of one GPU."""
    if found is None:
        return {"kernel": "nothing fits"}
    values = found.values
    rows = {
        "kernel": found.family,
        "blocks × threads": f"{values['blocks']} × {values['threads']}",
        "µs a step, predicted": f"{found.microseconds():.2f}",
        "limited by": found.bound,
    }
    for name, (used, available) in found.resources().items():
        rows[name] = f"{used:,} of {available:,}"
    return rows | {"compiler": verdict}


if __name__ == "__main__":
    sys.exit(main())
