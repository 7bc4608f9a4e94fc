"""What `make demo` shows: a fused recurrent kernel's launch on an H100, and why it fits.

The problem is examples/fused_rnn_h100.yaml. Nothing here knows its constraints: the slack of a resource is
read off every labelled constraint `used <= available` of the file, whatever it is about.

    python examples/demo.py [PROFILE]        another GPU, by the name of its profile or a path
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

import constrint as ci
from constrint.expressions import Op

PROBLEM = Path(__file__).with_name("fused_rnn_h100.yaml")
KERNELS = {"forward": "fwd_", "backward": "bwd_"}
BAR = 8


def main() -> int:
    console = Console(highlight=False)
    include = {"gpu": sys.argv[1]} if len(sys.argv) > 1 else {}
    try:
        problem = ci.load(PROBLEM, include=include)
    except ci.ProblemError as error:
        console.print(f"error: {error}", markup=False)
        return 2
    solution = problem.solve()
    console.print(f"[bold]{problem.name}[/bold]  {problem.description}")
    console.print(
        f"{len(problem.variables)} variables, {len(problem.constraints)} constraints: {solution.status}, "
        f"{solution.statistics.nodes} nodes, {solution.statistics.wall_seconds:.2f} s\n"
    )
    if not solution:
        for constraint in problem.explain().conflict:
            console.print(f"  cannot hold together: {constraint}")
        return 1
    console.print(launch(solution))
    console.print(cuts(solution))
    console.print(slack(problem, solution))
    check = problem.check(solution)
    console.print(f"All {len(problem.constraints)} constraints, checked one by one: {check.status}.")
    return 0 if check.status == "satisfied" else 1


def launch(solution: ci.Solution) -> Table:
    """The two kernels' launches side by side."""
    table = Table(title="Launch", title_justify="left", title_style="bold", box=None, padding=(0, 2))
    table.add_column("")
    for kernel in KERNELS:
        table.add_column(kernel, justify="right")

    def row(name: str, value: str) -> None:
        table.add_row(name, *(value.format_map(_Kernel(solution, prefix)) for prefix in KERNELS.values()))

    row("blocks", "{blocks}")
    row("warps of a block", "{_warps}")
    row("heads at once", "{heads_at_once}")
    row("matrix instruction, batch × gate × hidden", "{_tile_batch} × {_tile_gate} × {_tile_hidden}")
    row("instructions of a warp in a step", "{_instructions}")
    row("waits for other blocks in a step", "{_syncs}")
    row("parts of R in registers, in shared memory", "{_register_loops}, {_shared_loops}")
    row("registers of a thread", "{_registers}")
    row("  for R, sums, operands, cell", "{_matrix_registers}, {_sum_registers}, "
        "{_operand_registers}, {_cell_registers}")  # fmt: skip
    row("shared memory of a block, bytes", "{_shared_bytes}")
    return table


class _Kernel(dict[str, int]):
    """The values of one kernel: a name that begins with _ is completed by the kernel's prefix."""

    def __init__(self, solution: ci.Solution, prefix: str) -> None:
        super().__init__(solution)
        self.prefix = prefix

    def __missing__(self, name: str) -> int:
        return self[self.prefix + name.removeprefix("_")]


def cuts(solution: ci.Solution) -> Table:
    """How each axis is cut: the factors, whose product is its length."""
    table = Table(title="\nCuts", title_justify="left", title_style="bold", box=None, padding=(0, 2))
    for column in ("", "axis", "length", "=", "tile", "loops", "warps", "blocks"):
        table.add_column(column, justify="left" if column in ("", "axis") else "right")
    for kernel, prefix in KERNELS.items():
        for axis in ("batch", "gate", "hidden"):
            blocks = "blocks_batch" if axis == "batch" else f"{prefix}blocks_{axis}"
            names = (f"{prefix}tile_{axis}", f"{prefix}loops_{axis}", f"{prefix}warps_{axis}", blocks)
            factors = [solution[name] for name in names]
            first, *others = map(str, factors)
            cells = [first, *(f"× {other}" for other in others)]
            table.add_row(kernel if axis == "batch" else "", axis, str(math.prod(factors)), "=", *cells)
    return table


def resources(problem: ci.Problem, solution: ci.Solution) -> Iterator[tuple[str, int, int]]:
    """The label, what is used and what there is, of every labelled constraint `used <= available`."""
    for constraint in problem.constraints:
        expression = constraint.expression
        if constraint.label and expression.op is Op.LESS_EQUAL:
            used, available = (ci.evaluate(side, solution) for side in expression.args)
            yield constraint.label, used, available


def slack(problem: ci.Problem, solution: ci.Solution) -> Table:
    """What is used of each resource, what there is of it and what is left, under each label's first word."""
    table = Table(title="\nWhy it fits", title_justify="left", title_style="bold", box=None, padding=(0, 1))
    for column in ("", "used", "available", "left", ""):
        table.add_column(column, justify="right" if column else "left", no_wrap=True)
    previous = ""
    for label, used, available in resources(problem, solution):
        kernel, _, resource = label.partition(" ")
        if kernel != previous:
            table.add_row(Text(kernel, style="bold"))
            previous = kernel
        filled = round(BAR * used / available) if available else BAR
        bar = Text("█" * filled, style="yellow" if filled == BAR else "green")
        bar.append("·" * (BAR - filled), style="dim")
        table.add_row(f"  {resource}", f"{used:,}", f"{available:,}", f"{available - used:,}", bar)
    return table


if __name__ == "__main__":
    sys.exit(main())
