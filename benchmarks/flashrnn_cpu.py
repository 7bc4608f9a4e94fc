"""Times of flashrnn on the CPU, next to the published package's vanilla backend and to torch.nn.LSTM.

    python benchmarks/flashrnn_cpu.py [--compile] [--threads N] [--repeats N]

Every time is the median over repeats of one forward and backward pass in float32; the contenders take turns,
so that what else the machine does hits them alike. The last line has the lowest speed-up of each.

The published package (PyPI: flashrnn 1.0.8) is looked for in the folder that FLASHRNN_PUBLISHED names, by
default `published` in the virtual environment:

    pip install flashrnn==1.0.8 --no-deps --target .venv/published
"""

import argparse
import importlib
import math
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

import flashrnn
import flashrnn.nn

SHAPES = [  # function, B, T, H, D
    ("lstm", 1, 64, 1, 64),
    ("lstm", 16, 64, 1, 128),
    ("lstm", 16, 64, 4, 64),
    ("lstm", 8, 256, 2, 128),
    ("lstm", 64, 32, 1, 256),
    ("gru", 16, 64, 4, 64),
    ("elman", 16, 64, 4, 64),
    ("slstm", 1, 64, 1, 64),
    ("slstm", 16, 64, 4, 64),
    ("slstm", 8, 256, 2, 128),
]
LSTM_SHAPES = [(1, 64, 64, 64), (16, 128, 128, 128), (32, 64, 256, 256)]  # B, T, inputs, hidden

Pass = Callable[[], None]


def published_package() -> Any:
    """The published package, imported beside this one of the same name; None where it is not installed."""
    folder = Path(os.environ.get("FLASHRNN_PUBLISHED", Path(sys.prefix) / "published"))
    if not (folder / "flashrnn").is_dir():
        return None
    ours = {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] == "flashrnn"}
    sys.path.insert(0, str(folder))
    try:
        return importlib.import_module("flashrnn")
    finally:
        sys.path.remove(str(folder))
        for name in [name for name in sys.modules if name.split(".")[0] == "flashrnn"]:
            del sys.modules[name]
        sys.modules.update(ours)


def medians(passes: dict[str, Pass], repeats: int) -> dict[str, float]:
    """The median time of each pass in milliseconds; they take turns."""
    times: dict[str, list[float]] = {name: [] for name in passes}
    for run in passes.values():
        run()
    for _ in range(repeats):
        for name, run in passes.items():
            start = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - start)
    return {name: 1e3 * statistics.median(values) for name, values in times.items()}


def tensors(function: str, B: int, T: int, H: int, D: int) -> list[torch.Tensor]:
    cell = flashrnn.CELLS[function]
    shapes = [
        (B, T, cell.input_gates, H, D),
        (cell.recurrent_gates, H, D, D),
        (len(cell.gates), H, D),
    ]
    return [(torch.randn(shape) / D**0.5).requires_grad_() for shape in shapes]


def forward_backward(run: Callable[..., Any], arguments: list[torch.Tensor], **options: Any) -> Pass:
    """One forward pass, and a backward pass from the hidden states alone."""

    def both() -> None:
        states, _ = run(*arguments, **options)
        torch.autograd.grad(states[0].sum(), arguments)

    return both


def recurrence_table(repeats: int, compiled: bool) -> tuple[Table, dict[str, float]]:
    """The table, and each backend's lowest speed-up over the published package."""
    published = published_package()
    lowest: dict[str, float] = {}
    table = Table("cell", "B", "T", "H", "D", "published ms", title="Recurrence, forward + backward")
    names = ["vanilla", "vanilla_fwbw"] + (["compiled vanilla", "compiled auto"] if compiled else [])
    for name in names:
        table.add_column(f"{name} ms (speed-up)", justify="right")
    for function, *shape in SHAPES:
        arguments = tensors(function, *shape)
        passes = {
            name: forward_backward(flashrnn.flashrnn, arguments, function=function, backend=name)
            for name in ("vanilla", "vanilla_fwbw")
        }
        if compiled:
            torch._dynamo.reset()
            for name in ("vanilla", "auto"):
                if name == "vanilla" and shape[1] > 64:
                    continue  # the loop is unrolled: compiling takes minutes
                run = torch.compile(flashrnn.flashrnn, fullgraph=True)
                passes[f"compiled {name}"] = forward_backward(run, arguments, function=function, backend=name)
        if published is not None:
            passes["published"] = forward_backward(
                published.flashrnn, arguments, function=function, backend="vanilla", dtype="float32"
            )
        result = medians(passes, repeats)
        base = result.get("published")
        for name in names:
            if base and name in result:
                lowest[name] = min(lowest.get(name, math.inf), base / result[name])
        cells = [_cell(result.get(name), base) for name in names]
        table.add_row(function, *map(str, shape), f"{base:.2f}" if base else "absent", *cells)
    return table, lowest


def _layer_pass(layer: torch.nn.Module, x: torch.Tensor) -> Pass:
    parameters = list(layer.parameters())

    def both() -> None:
        torch.autograd.grad(layer(x)[0].sum(), parameters)

    return both


def lstm_table(repeats: int) -> Table:
    columns = ("B", "T", "inputs", "hidden", "torch.nn.LSTM ms", "flashrnn.nn.LSTM ms (speed-up)")
    table = Table(*columns, title="Layers of one head, forward + backward")
    for B, T, inputs, hidden in LSTM_SHAPES:
        theirs, ours = (
            _layer_pass(kind(inputs, hidden, batch_first=True), torch.randn(B, T, inputs))
            for kind in (torch.nn.LSTM, flashrnn.nn.LSTM)
        )
        result = medians({"theirs": theirs, "ours": ours}, repeats)
        sizes = map(str, (B, T, inputs, hidden))
        table.add_row(*sizes, f"{result['theirs']:.2f}", _cell(result["ours"], result["theirs"]))
    return table


def _cell(value: float | None, base: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.2f}" + (f" ({base / value:.2f}×)" if base else "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--compile", action="store_true", help="time torch.compile too (takes minutes)")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    console = Console(width=140)
    console.print(f"torch {torch.__version__}, {options.threads} thread(s), {options.repeats} repeats")
    console.print(lstm_table(4 * options.repeats))
    table, lowest = recurrence_table(options.repeats, options.compile)
    console.print(table)
    if lowest:
        console.print("lowest: " + ", ".join(f"{name} {ratio:.2f}×" for name, ratio in lowest.items()))


if __name__ == "__main__":
    main()
