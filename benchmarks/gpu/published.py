"""python -m benchmarks.gpu.published HEADS HEAD_DIM [--build]: the fused LSTM of the published package.

Its kernels are built by nvcc on first use, and again for each set of parameters that it tries, which takes
minutes: `--build` does only that, so that several shapes can be built side by side. Prints a line of JSON.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import torch

from benchmarks.flashrnn_cpu import published_package
from benchmarks.gpu.cases import Shape
from benchmarks.gpu.timing import median_ms


def measure(shape: Shape, build: bool) -> dict[str, Any]:
    """Milliseconds of forward alone, and of forward and backward, in bfloat16; with `build`, only seconds
    until the first result of both.

    Raises ImportError where the package is not installed.
    """
    package = published_package()
    if package is None:
        raise ImportError("FLASHRNN_PUBLISHED names no folder of the published package")
    sizes = [(shape.batch, shape.time, 4, shape.heads, shape.head_dim)]
    sizes += [(4, shape.heads, shape.head_dim, shape.head_dim), (4, shape.heads, shape.head_dim)]
    leaves = [
        (torch.randn(size, device="cuda", dtype=torch.bfloat16) / shape.head_dim**0.5).requires_grad_()
        for size in sizes
    ]
    gradient: list[torch.Tensor] = []

    def call() -> torch.Tensor:
        states: torch.Tensor = package.flashrnn(
            *leaves, function="lstm", backend="cuda_fused", dtype="bfloat16"
        )[0]
        return states

    def forward() -> torch.Tensor:
        with torch.no_grad():
            return call()

    def both() -> object:
        states = call()
        if not gradient:
            gradient.append(torch.randn_like(states))
        return torch.autograd.grad(states, leaves, gradient[0])

    started = time.perf_counter()
    both()
    torch.cuda.synchronize()
    if build:
        return {"built_in_s": time.perf_counter() - started}
    return {"forward": median_ms(forward), "both": median_ms(both)}


def main() -> None:
    """Prints the result of one shape."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu.published", description=__doc__)
    parser.add_argument("heads", type=int)
    parser.add_argument("head_dim", type=int)
    parser.add_argument("--build", action="store_true", help="only build the kernels")
    options = parser.parse_args()
    shape = Shape(16, 1024, options.heads, options.head_dim)
    print(json.dumps({**shape._asdict(), **measure(shape, options.build)}), flush=True)


if __name__ == "__main__":
    main()
