"""Times of flashrnn.nn's layers on the CPU, next to those of torch.nn with the same weights.

    python benchmarks/flashrnn_nn_cpu.py [--threads N] [--seconds S] [--backend NAME]

Every time is a median, in float32: of one forward pass without gradients, and of one forward and backward
pass. The two contenders take turns, so that what else the machine does hits them alike.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

import flashrnn.nn
from flashrnn.nn.recurrent import Recurrent

CLASSES: dict[str, tuple[type[torch.nn.RNNBase], type[Recurrent]]] = {
    "LSTM": (torch.nn.LSTM, flashrnn.nn.LSTM),
    "GRU": (torch.nn.GRU, flashrnn.nn.GRU),
    "RNN": (torch.nn.RNN, flashrnn.nn.RNN),
}
SHAPES = [(1, 64, 64, 64), (4, 32, 16, 16), (16, 128, 128, 128), (32, 64, 256, 256)]  # B, T, inputs, hidden
VARIANTS: list[dict[str, Any]] = [
    {"num_layers": 2, "bidirectional": True},
    {"batch_first": True, "bias": False},
    {"proj_size": 32},
    {"packed": True},
]
VARIANT_SHAPE = (16, 64, 64, 64)


def medians(passes: list[Callable[[], object]], seconds: float) -> list[float]:
    """The median time of each pass in milliseconds, over turns that fill about that many seconds."""
    for run in passes:
        run()
    times: list[list[float]] = [[] for _ in passes]
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times[0]) < 7:
        for run, own in zip(passes, times, strict=True):
            start = time.perf_counter()
            run()
            own.append(time.perf_counter() - start)
    return [1e3 * statistics.median(own) for own in times]


def row(
    name: str, shape: tuple[int, ...], options: dict[str, Any], seconds: float, backend: str
) -> list[str]:
    """One row of the table: both times and their ratio, for inference and for training."""
    torch_class: Any
    torch_class, our_class = CLASSES[name]
    B, T, inputs, hidden = shape
    options = dict(options)
    packed = options.pop("packed", False)
    theirs = torch_class(inputs, hidden, **options)
    ours = our_class.from_torch(theirs, backend=backend)
    x: Any = torch.randn((B, T, inputs) if options.get("batch_first") else (T, B, inputs))
    if packed:
        lengths = torch.linspace(1, T, B).long()
        x = torch.nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=False)

    def inference(module: torch.nn.Module) -> Callable[[], object]:
        return lambda: module(x)

    def training(module: torch.nn.Module) -> Callable[[], object]:
        parameters = list(module.parameters())

        def both() -> object:
            output, _ = module(x)
            return torch.autograd.grad((output.data if packed else output).sum(), parameters)

        return both

    with torch.no_grad():
        forward = medians([inference(theirs), inference(ours)], seconds)
    both = medians([training(theirs), training(ours)], seconds)
    what = ", ".join(f"{key}={value}" for key, value in options.items()) + ("packed" if packed else "")
    cells = [f"{a:.3f} / {b:.3f}  {a / b:.2f}×" for a, b in (forward, both)]
    return [name, *map(str, shape), what, *cells]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1.0, help="for each pair of times")
    parser.add_argument("--backend", default="auto", help="of flashrnn.nn")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    table = Table("layer", "B", "T", "I", "hidden", "options")
    for title in ("inference", "training"):
        table.add_column(f"{title}: torch.nn / flashrnn.nn ms", justify="right")
    for name in CLASSES:
        cases: list[tuple[tuple[int, ...], dict[str, Any]]] = [(shape, {}) for shape in SHAPES]
        cases += [(VARIANT_SHAPE, variant) for variant in VARIANTS]
        for shape, variant in cases:
            if "proj_size" in variant and name != "LSTM":
                continue
            table.add_row(*row(name, shape, variant, options.seconds, options.backend))
    console = Console(width=130)
    console.print(f"torch {torch.__version__}, {options.threads} thread(s), backend {options.backend}")
    console.print(table)


if __name__ == "__main__":
    main()
