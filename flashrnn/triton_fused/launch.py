"""The backend `triton_fused`: what it can serve, and how the kernels are called.

Triton is imported with the kernels, when they are first called.
"""

import os
from collections.abc import Sequence
from contextlib import nullcontext
from importlib.util import find_spec

import torch
from torch import Tensor

from flashrnn import hardware
from flashrnn.backends import Request, Settings
from flashrnn.gradients import outer
from flashrnn.triton_fused.tiling import DIRECTIONS, Tiles, Work, best_tiles, largest_head_dim


def unavailable(request: Request) -> str | None:
    """Why the kernels cannot serve this request; None where they can."""
    reason: str | None = _obstacle(request.function, request.device, request.dtype, request.head_dim)
    return reason


# To torch.compile the answer is a constant; what leads to it is not to be traced.
@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]
def _obstacle(function: str, device: str, dtype: torch.dtype, head_dim: int) -> str | None:
    if find_spec("triton") is None:
        return "Triton is not installed (pip install triton)"
    if dtype == torch.float64:
        return "its kernels compute in float32; for float64 use 'vanilla' or 'vanilla_fwbw'"
    interpreted = os.environ.get("TRITON_INTERPRET") == "1"
    if device != "cuda" and not (device == "cpu" and interpreted):
        return f"it needs an NVIDIA GPU, and the tensors are on {device!r}"
    if device == "cpu" and dtype == torch.bfloat16:
        return "Triton's interpreter does not multiply bfloat16 correctly"
    profile = None
    if device == "cuda":
        if torch.version.hip is not None:
            return "its kernels are for NVIDIA GPUs"
        gpu = torch.cuda.get_device_properties()
        profile = _profile(None)
        if profile is None:
            return f"no hardware profile has the compute capability {gpu.major}.{gpu.minor} of {gpu.name}"
    if any(
        best_tiles(Work(direction, function, dtype.itemsize, head_dim, hardware_profile=profile)) is None
        for direction in DIRECTIONS
    ):
        largest = largest_head_dim(function, dtype.itemsize, profile)
        return (
            f"head_dim is {head_dim}, but R of one head must fit into a block's shared memory: for "
            f"{function} in {dtype} on {profile or 'the interpreter, as on h100_sxm,'} at most {largest}"
        )
    return None


def forward(
    settings: Settings,
    Wx: Tensor,
    R: Tensor,
    b: Tensor,
    states: Tensor,
    reset: Tensor | None,
    training: bool,
) -> tuple[Tensor, Tensor]:
    """The states after every step and the kept gates; the interface is `flashrnn.backends`'."""
    from flashrnn.triton_fused.forward import forward_kernel

    cell = settings.cell
    time, batch, _, heads, head_dim = Wx.shape
    all_states = states.new_empty(len(cell.states), time, batch, heads, head_dim)
    shape, dtype = residual(settings, Wx)
    kept = Wx.new_empty(shape if training else 0, dtype=dtype)
    tiles = _tiles("forward", settings, R, batch, Wx)
    with _on(Wx):
        forward_kernel[heads, -(-batch // tiles.tile_b)](
            Wx,
            R.contiguous(),
            b.contiguous(),
            states.contiguous(),
            None if reset is None else reset.contiguous(),
            all_states,
            kept,
            time,
            batch,
            heads,
            head_dim,
            *Wx.stride(),
            settings.forward_clipval or 0.0,
            *_four(settings.initial_values),
            CELL=cell.name,
            RECURRENT=cell.recurrent_gates,
            SLOTS=len(cell.gates),
            FIRST_INPUT=cell.first_input_gate,
            STATES=len(cell.states),
            RESET=reset is not None,
            CLIP=settings.forward_clipval is not None,
            KEEP=training,
            **tiles.options,
        )
    return all_states, kept


def residual(settings: Settings, Wx: Tensor) -> tuple[tuple[int, ...], torch.dtype]:
    """The gates as `flashrnn.triton_fused.cells.step` gives them [T, B, Gt, H, D]."""
    time, batch, _, heads, head_dim = Wx.shape
    return (time, batch, len(settings.cell.gates), heads, head_dim), settings.gate_dtype


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
    """The gradients of Wx, R, b and the initial states; the interface is `flashrnn.backends`'."""
    from flashrnn.triton_fused.backward import backward_kernel

    cell = settings.cell
    _, time, batch, heads, head_dim = all_states.shape
    d_gates = R.new_empty(time, batch, len(cell.gates), heads, head_dim)
    d_initial = states.new_empty(states.shape)
    tiles = _tiles("backward", settings, R, batch, states, kept)
    with _on(R):
        backward_kernel[heads, -(-batch // tiles.tile_b)](
            d_all_states,
            R.contiguous(),
            states.contiguous(),
            all_states,
            kept,
            None if reset is None else reset.contiguous(),
            d_gates,
            d_initial,
            time,
            batch,
            heads,
            head_dim,
            *d_all_states.stride(),
            settings.forward_clipval or 0.0,
            settings.gradient_recurrent_clipval or 0.0,
            *_four(settings.initial_values),
            CELL=cell.name,
            RECURRENT=cell.recurrent_gates,
            SLOTS=len(cell.gates),
            STATES=len(cell.states),
            RESET=reset is not None,
            CLIP=settings.forward_clipval is not None,
            GRADIENT_CLIP=settings.gradient_recurrent_clipval is not None,
            CUT=settings.gradient_recurrent_cut,
            **tiles.options,
        )
    return *outer(settings, d_gates, states, all_states, reset, R), d_initial


def _tiles(direction: str, settings: Settings, R: Tensor, batch: int, *loaded: Tensor) -> Tiles:
    profile = _profile(R.device) if R.is_cuda else None
    heads, head_dim = R.shape[1:3]
    load_bytes = max(tensor.dtype.itemsize for tensor in loaded)
    work = Work(direction, settings.function, R.dtype.itemsize, head_dim, load_bytes, heads, batch, profile)
    tiles = best_tiles(work)
    if tiles is None:
        raise ValueError(f"R has head dimension {head_dim}, which is too large for the {direction} kernel")
    return tiles


def _profile(device: torch.device | None) -> str | None:
    """The hardware profile that stands for the GPU, by default the current one."""
    gpu = torch.cuda.get_device_properties(device)
    return hardware.nearest(gpu.name, (gpu.major, gpu.minor), gpu.multi_processor_count, gpu.total_memory)


def _four(values: Sequence[float]) -> list[float]:
    """The states' values after a reset; the kernels have four arguments for them."""
    return [*values, 0.0, 0.0, 0.0][:4]


def _on(tensor: Tensor) -> torch.cuda.device | nullcontext[None]:
    """A context in which kernels run where the tensor is."""
    return torch.cuda.device(tensor.device) if tensor.is_cuda else nullcontext()
