"""Times on the GPU's own clock, and those of other implementations of the same recurrence."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch

import flashrnn
from benchmarks.gpu.cases import Shape
from benchmarks.gpu.correctness import inputs, only, precision


def median_ms(
    call: Callable[[], object], budget: float = 0.4, least: int = 5, most: int = 50
) -> dict[str, Any]:
    """The median of single calls in ms by CUDA events, their spread, and how many were timed.

    Calls are queued ahead, so that what the processor does for the next one is hidden where the GPU is
    slower. `budget` is in seconds.
    """
    call()
    torch.cuda.synchronize()
    started = time.perf_counter()
    call()
    torch.cuda.synchronize()
    once = time.perf_counter() - started
    count = int(min(most, max(least, budget / max(once, 1e-6))))
    events = [
        (torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)) for _ in range(count)
    ]
    for begin, end in events:
        begin.record()
        call()
        end.record()
    torch.cuda.synchronize()
    times = sorted(begin.elapsed_time(end) for begin, end in events)
    return {"ms": statistics.median(times), "ms_min": times[0], "ms_max": times[-1], "count": count}


def graphed(call: Callable[[], object]) -> Callable[[], object]:
    """The call as a CUDA graph, which leaves out what the processor does for it."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(2):
            call()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        call()
    return graph.replay


def ours(
    backend: str, function: str, dtype: str, shape: Shape, direction: str, family: str | None = None
) -> dict[str, Any]:
    """One of flashrnn's backends: forward alone, or forward and backward; eager, and as a CUDA graph."""
    name = "float32" if dtype == "tfloat32" else dtype
    tensors, _ = inputs(function, shape, getattr(torch, name), "cuda")
    tensors[2:] = [tensors[2] * 0, tensors[3]]
    training = direction == "both"
    leaves = [tensor.requires_grad_(training) for tensor in tensors]
    gradient: list[torch.Tensor] = []

    def call() -> object:
        states, _ = flashrnn.flashrnn(*leaves, function=function, backend=backend)
        if not training:
            return states
        if not gradient:
            gradient.append(torch.randn_like(states))
        return torch.autograd.grad(states, leaves, gradient[0])

    with precision(dtype), torch.set_grad_enabled(training):
        if family is None:
            return _both(call)
        with only(family):
            return _both(call)


def _both(call: Callable[[], object]) -> dict[str, Any]:
    found = median_ms(call)
    try:
        found["graph_ms"] = median_ms(graphed(call))["ms"]
    except Exception as error:
        torch.cuda.synchronize()
        found["graph_error"] = f"{type(error).__name__}: {error}"[:300]
    return found


def cudnn(dtype: str, shape: Shape, direction: str) -> dict[str, Any]:
    """torch.nn.LSTM (cuDNN) with one head of the same width; its product with the input is part of it."""
    name = "float32" if dtype == "tfloat32" else dtype
    width = shape.heads * shape.head_dim
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = dtype == "tfloat32"
    try:
        layer = torch.nn.LSTM(width, width, device="cuda", dtype=getattr(torch, name))
        x = torch.randn(shape.time, shape.batch, width, device="cuda", dtype=getattr(torch, name))
        return _stepwise(layer, x, direction)
    finally:
        torch.backends.cudnn.allow_tf32 = before


def _stepwise(layer: torch.nn.Module, x: torch.Tensor, direction: str) -> dict[str, Any]:
    if direction == "forward":
        with torch.no_grad():
            return median_ms(lambda: layer(x))
    x.requires_grad_()
    wanted = [x, *layer.parameters()]
    gradient = torch.randn_like(layer(x)[0])
    return median_ms(lambda: torch.autograd.grad(layer(x)[0], wanted, gradient))


def compiled_vanilla(function: str, dtype: str, shape: Shape, direction: str) -> dict[str, Any]:
    """Plain PyTorch with a step compiled by torch.compile, the loop over steps left to Python."""
    cell = flashrnn.CELLS[function]
    tensors, _ = inputs(function, shape, getattr(torch, dtype), "cuda")
    training = direction == "both"
    Wx, R, b, states = (tensor.requires_grad_(training) for tensor in tensors)

    @torch.compile
    def step(x: torch.Tensor, before: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        gates = torch.einsum("ghdp,bhp->gbhd", R, before[0]) + x.movedim(1, 0) + b[:, None]
        return cell.pointwise(tuple(gates), before)

    def call() -> object:
        current = tuple(states[:, :, 0])
        history = []
        for t in range(shape.time):
            current = step(Wx[:, t], current)
            history.append(current[0])
        out = torch.stack(history)
        return torch.autograd.grad(out.sum(), (Wx, R, b, states)) if training else out

    with torch.set_grad_enabled(training):
        return median_ms(call, least=3, most=5)
