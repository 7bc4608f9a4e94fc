"""The backends `cuda_fused` and `cuda`: what they can serve, and how tensors reach the kernels.

`cuda_fused` has the families that take all steps in one launch; `cuda` alternates between a matrix product
and a pointwise kernel, for head dimensions that nothing else holds. The interface is `flashrnn.backends`'.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from flashrnn import gradients, hardware
from flashrnn.backends import Backend, Request, Settings, register
from flashrnn.cuda import alternating, tuner
from flashrnn.cuda.calls import (
    DTYPES,
    chosen,
    configured,
    fused_families,
    gate_dtype,
    numbers,
    profile_of,
    work_of,
)
from flashrnn.cuda.compiler import CompilerUnavailable, nvrtc_version
from flashrnn.cuda.launch import arguments, padded, rows, run, strides, whole
from flashrnn.cuda.tuner import Work


def forward(
    settings: Settings,
    Wx: Tensor,
    R: Tensor,
    b: Tensor,
    states: Tensor,
    reset: Tensor | None,
    training: bool,
) -> tuple[Tensor, Tensor]:
    """The states after every step and the kept gates."""
    time, batch, _, heads, head_dim = Wx.shape
    work = work_of(settings, "forward", R, Wx.dtype, states.dtype, batch, training)
    with torch.cuda.device(Wx.device):
        configuration = configured(work, Wx.device, fused_families())
        width = configuration.values["width"]
        all_states = states.new_empty(len(settings.cell.states), time, batch, heads, width)
        shape, dtype = residual(settings, Wx)
        kept = Wx.new_empty(shape if training else 0, dtype=dtype)
        if all_states.numel():
            tensors = {
                "inputs": rows(padded(Wx, width)),
                "matrix": whole(padded(R, width, (-2, -1))),
                "bias": whole(padded(b, width).float()),
                "initial": whole(padded(states, width)),
                "reset": None if reset is None else whole(reset),
                "states": all_states,
                "gates": kept if training else None,
            }
            fields = {
                **numbers(settings, time, batch, heads),
                **strides(tensors["inputs"], ("input_time", "input_batch", "input_gate", "input_head")),
            }
            run(configuration, arguments(tensors, fields), Wx.device)
    return _cut(all_states, head_dim), kept


def residual(settings: Settings, Wx: Tensor) -> tuple[tuple[int, ...], torch.dtype]:
    """The kept gates [T, B, Gt, H, D], with D rounded up to what the kernels take."""
    time, batch, _, heads, head_dim = Wx.shape
    shape = (time, batch, len(settings.cell.gates), heads, _width(head_dim))
    return shape, gate_dtype(settings)


def backward(
    settings: Settings,
    d_all_states: Tensor,
    R: Tensor,
    states: Tensor,
    all_states: Tensor,
    kept: Tensor,
    reset: Tensor | None,
    Wx: Tensor | None,
    b: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The gradients of Wx, R, b and the initial states."""
    _, time, batch, heads, head_dim = all_states.shape
    work = work_of(settings, "backward", R, R.dtype, states.dtype, batch, True)
    with torch.cuda.device(R.device):
        configuration = configured(work, R.device, fused_families())
        width = configuration.values["width"]
        d_gates = R.new_empty(time, batch, len(settings.cell.gates), heads, width)
        d_initial = states.new_empty(*states.shape[:-1], width)
        if d_gates.numel():
            tensors = {
                "matrix": whole(padded(R, width, (-2, -1))),
                "initial": whole(padded(states, width)),
                "reset": None if reset is None else whole(reset),
                "states": whole(padded(all_states, width)),
                "gates": whole(kept),
                "d_states": rows(padded(d_all_states.to(states.dtype), width)),
                "d_gates": d_gates,
                "d_initial": d_initial,
            }
            fields = {
                **numbers(settings, time, batch, heads),
                **strides(tensors["d_states"], ("d_state", "d_time", "d_batch", "d_head")),
            }
            run(configuration, arguments(tensors, fields), R.device)
        else:
            d_initial.zero_()
        d_gates, d_initial = _cut(d_gates, head_dim), _cut(d_initial, head_dim)
        return *gradients.outer(settings, d_gates, states, all_states, reset, R), d_initial


def _width(head_dim: int) -> int:
    return -(-head_dim // 8) * 8


def _cut(tensor: Tensor, head_dim: int) -> Tensor:
    """The tensor without the padding of its last axis, contiguous."""
    return tensor if tensor.shape[-1] == head_dim else tensor[..., :head_dim].contiguous()


# What can be served --------------------------------------------------------------------------------------


def unavailable_fused(request: Request) -> str | None:
    """Why the fused kernels cannot serve this request; None where they can."""
    reason: str | None = _fused_obstacle(tuple(request))
    return reason


def unavailable_alternating(request: Request) -> str | None:
    """Why the alternating kernels cannot serve this request; None where they can."""
    reason: str | None = _general_obstacle(request.device, request.dtype)
    return reason


# To torch.compile the answer is a constant; what leads to it is not to be traced.
@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]
def _fused_obstacle(request_values: tuple[object, ...]) -> str | None:
    request = Request(*request_values)  # type: ignore[arg-type]
    return _obstacle(request, fused_families(), torch.get_float32_matmul_precision() != "highest")


@lru_cache(maxsize=1024)
def _obstacle(request: Request, families: tuple[str, ...], tf32: bool) -> str | None:
    reason: str | None = _general_obstacle(request.device, request.dtype)
    if reason is not None:
        return reason
    dtype = "tfloat32" if tf32 and request.dtype == torch.float32 else DTYPES[request.dtype]
    profile = profile_of(torch.cuda.current_device())
    for direction in tuner.DIRECTIONS:
        work = Work(
            request.function, direction, dtype, request.head_dim, request.num_heads, request.batch_size
        )
        if chosen(work, profile, families) is None:
            largest = {
                family: min(
                    tuner.largest_head_dim(request.function, way, dtype, profile, family)
                    for way in tuner.DIRECTIONS
                )
                for family in families
            }
            told = ", ".join(f"{family} {size}" for family, size in largest.items())
            return (
                f"head_dim {request.head_dim} fits no fused kernel for {request.function} in {dtype} on "
                f"{hardware.load(profile).name}; the largest by family: {told}. Backend 'cuda' has no limit"
            )
    return None


@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]
def _general_obstacle(where: str, dtype: torch.dtype) -> str | None:
    if dtype not in DTYPES:
        return f"its kernels take bfloat16, float16 and float32, not {str(dtype).removeprefix('torch.')}"
    if where != "cuda":
        return f"it needs an NVIDIA GPU, and the tensors are on {where!r}"
    if torch.version.hip is not None:
        return "its kernels are for NVIDIA GPUs"
    major, minor = torch.cuda.get_device_capability()
    if major < 8:
        return f"compute capability {major}.{minor} is too low: its kernels need 8.0"
    try:
        nvrtc_version()
    except CompilerUnavailable as error:
        return str(error)
    return None


register(Backend("cuda_fused", unavailable_fused, forward, backward, residual, residual_heads=3))
register(
    Backend(
        "cuda",
        unavailable_alternating,
        alternating.forward,
        alternating.backward,
        alternating.residual,
        residual_heads=3,
    )
)
