"""Every family, cell, data type and direction against float64, on shapes with tails."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

import flashrnn
from benchmarks.gpu.cases import CELLS, DTYPES, SMALL, Shape
from benchmarks.gpu.record import Record

# Errors relative to the reference's norm that count as rounding, whatever the plain implementation reaches.
# TF32 rounds R and h as float16 does, and what is not tensor cores' work is not rounded at all.
ROUNDING = {"bfloat16": 4e-3, "float16": 5e-4, "float32": 2e-6, "tfloat32": 1e-3}
GRADIENTS = ("states", "dWx", "dR", "db", "dstates")


def run(record: Record, device: str, families: Sequence[str], quick: bool) -> None:
    """Runs all cases; each row says the errors, those of plain PyTorch, and whether they pass."""
    cases = [
        (family, function, dtype, shape, device, index == 1)  # resets and clipping on one shape of each
        for family in families
        for index, shape in enumerate(SMALL[family][: 1 if quick else None])
        for dtype in DTYPES
        for function in CELLS
    ]
    for case in cases:
        if record.left() < 0:
            return
        family, function, dtype, shape, _, options = case
        named = {"family": family, "cell": function, "dtype": dtype, **shape._asdict(), "options": options}
        record.attempt("correctness", named, lambda c=case: compare(*c))


def compare(
    family: str | None,
    function: str,
    dtype: str,
    shape: Shape,
    device: str,
    options: bool,
    slack: int = 1,
) -> dict[str, Any]:
    """Errors of one case, relative to the norm of the float64 result; None: of the family that serves it.

    `slack` multiplies what is allowed, for two reasons that the yardstick does not know. A clipped gradient
    has lost most of its norm, but none of the errors of the elements below the clip, which the product sums
    up from rounded gates. And where a shape has few elements, one near saturation is much of the norm: the
    derivative 1 - h² of a rounded h is off by more than h.
    """
    name = "float32" if dtype == "tfloat32" else dtype
    tensors, mask = inputs(function, shape, getattr(torch, name), device, resets=options)
    weighed = smooth_states(function, dtype)
    # Where h is about at its clip, rounding decides whether a gradient goes on: a jump, as with m.
    clips = options, options and dtype == "float32"
    exact = results("vanilla", function, [tensor.double() for tensor in tensors], mask, clips, weighed)
    backend = "cuda" if family == "alternating" else "cuda_fused"
    with only(family), precision(dtype):
        plain = results("vanilla_fwbw", function, tensors, mask, clips, weighed)
        ours = results(backend, function, tensors, mask, clips, weighed)
    found: dict[str, Any] = {}
    passed = True
    for part, a, b, c in zip(GRADIENTS, ours, plain, exact, strict=True):
        error, yardstick = relative(a, c), relative(b, c)
        allowed = slack * max(2 * yardstick, ROUNDING[dtype])
        found[part] = error
        found[f"{part}_plain"] = yardstick
        passed &= error <= allowed  # false for NaN too
    return {"passed": passed, **found}


def inputs(
    function: str, shape: Shape, dtype: torch.dtype, device: str, resets: bool = False
) -> tuple[list[Tensor], Tensor | None]:
    """Wx, R, b and states, and a mask of resets; the states are such as the cell could have reached."""
    cell = flashrnn.CELLS[function]
    B, T, H, D = shape
    generator = torch.Generator().manual_seed(0)
    shapes = [
        (B, T, cell.input_gates, H, D),
        (cell.recurrent_gates, H, D, D),
        (len(cell.gates), H, D),
        (len(cell.states), B, 1, H, D),
    ]
    tensors = [torch.randn(size, generator=generator) for size in shapes]
    tensors[1] /= D**0.5
    if "n" in cell.states:
        tensors[3][2].abs_().add_(1)
    mask = torch.rand(B, T, generator=generator) < 0.2 if resets else None
    return [tensor.to(device, dtype) for tensor in tensors], None if mask is None else mask.to(device)


def smooth_states(function: str, dtype: str) -> int:
    """How many of the states, from the first, a loss may weigh whose gradients are to be compared.

    The sLSTM's m is a maximum. Where its two arguments are equal but for rounding, the gradients of c, n
    and m may go to either, and jump; that of h is the same both ways. One such element in some ten thousand
    is already an error of 1 % in the norm. Only float32 rounds finely enough to meet none.
    """
    return 1 if function == "slstm" and dtype != "float32" else len(flashrnn.CELLS[function].states)


def results(
    backend: str,
    function: str,
    tensors: list[Tensor],
    mask: Tensor | None,
    clips: tuple[bool, bool],
    weighed: int | None = None,
) -> list[Tensor]:
    """States and all gradients of a loss in which every element of the first states weighs differently.

    `clips` says whether gradients and whether h are clipped, `weighed` how many states those are; None: all.
    """
    leaves = [tensor.detach().clone().requires_grad_() for tensor in tensors]
    names = {torch.float64: "float64", torch.float32: "float32", torch.float16: "float16"}
    config = flashrnn.FlashRNNConfig(
        function=function,
        backend=backend,
        dtype=names.get(tensors[0].dtype, "bfloat16"),
        gradient_recurrent_clipval=0.25 if clips[0] else None,
        forward_clipval=0.5 if clips[1] else None,
    )
    states, last = flashrnn.flashrnn(*leaves, config=config, reset_mask=mask)
    weights = torch.linspace(-1, 1.5, states.numel(), dtype=torch.float64, device=states.device).cos()
    weights = weights.view(states.shape)
    ((states.double() * weights)[:weighed].sum() + last.double()[:weighed].sum()).backward()
    return [states.detach(), *(leaf.grad for leaf in leaves if leaf.grad is not None)]


def relative(found: Tensor, exact: Tensor) -> float:
    """The error's norm over that of the exact result."""
    return float((found.double() - exact.double()).norm() / exact.double().norm().clamp(min=1e-30))


@contextmanager
def only(family: str | None) -> Iterator[None]:
    """Only kernels of this family serve calls; None: of any."""
    if family is None:
        yield
        return
    os.environ["FLASHRNN_CUDA_FAMILY"] = family
    try:
        yield
    finally:
        del os.environ["FLASHRNN_CUDA_FAMILY"]


@contextmanager
def precision(dtype: str) -> Iterator[None]:
    """The precision of float32 products that the data type stands for."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(DTYPES[dtype])
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
