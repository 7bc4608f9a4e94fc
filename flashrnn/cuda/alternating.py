"""The backend `cuda`: for every step a matrix product of PyTorch's and one pointwise kernel.

Nothing here depends on the head dimension. All calls go to PyTorch's stream, so a CUDA graph may capture
them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from flashrnn.backends import Settings
from flashrnn.cuda.calls import configured, gate_dtype, numbers, work_of
from flashrnn.cuda.launch import Arguments, arguments, loaded, rows, strides, whole
from flashrnn.cuda.tuner import Work
from flashrnn.gradients import float32_product, outer


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
    slots = settings.cell.recurrent_gates
    work = work_of(settings, "forward", R, Wx.dtype, states.dtype, batch, training)
    all_states = states.new_empty(len(settings.cell.states), time, batch, heads, head_dim)
    shape, dtype = residual(settings, Wx)
    kept = Wx.new_empty(shape if training else 0, dtype=dtype)
    if not all_states.numel():
        return all_states, kept
    with torch.cuda.device(Wx.device):
        transposed = R.permute(1, 3, 0, 2).reshape(heads, head_dim, slots * head_dim)
        product = torch.empty(heads, batch, slots * head_dim, dtype=torch.float32, device=Wx.device)
        operand = R.new_empty(heads, batch, head_dim)
        inputs = rows(Wx)
        tensors = {
            "inputs": inputs,
            "bias": whole(b.float()),
            "initial": whole(states),
            "reset": None if reset is None else whole(reset),
            "states": all_states,
            "gates": kept if training else None,
            "product": product,
            "carry": torch.empty(states.shape, dtype=torch.float32, device=Wx.device),
            "operand": operand,
        }
        fields = {
            **numbers(settings, time, batch, heads),
            **strides(inputs, ("input_time", "input_batch", "input_gate", "input_head")),
            "width": head_dim,
        }
        pointwise = _Pointwise(work, arguments(tensors, fields), Wx.device)
        pointwise(-1)
        for step in range(time):
            float32_product(operand, transposed, out=product)
            pointwise(step)
    return all_states, kept


def residual(settings: Settings, Wx: Tensor) -> tuple[tuple[int, ...], torch.dtype]:
    """The kept gates [T, B, Gt, H, D]."""
    time, batch, _, heads, head_dim = Wx.shape
    return (time, batch, len(settings.cell.gates), heads, head_dim), gate_dtype(settings)


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
    slots = settings.cell.recurrent_gates
    work = work_of(settings, "backward", R, R.dtype, states.dtype, batch, True)
    d_gates = R.new_empty(time, batch, len(settings.cell.gates), heads, head_dim)
    d_initial = states.new_zeros(states.shape)
    with torch.cuda.device(R.device):
        if d_gates.numel():
            matrix = R.transpose(0, 1).reshape(heads, slots * head_dim, head_dim)
            product = torch.empty(heads, batch, head_dim, dtype=torch.float32, device=R.device)
            operand = R.new_empty(heads, batch, slots * head_dim)
            d_states = rows(d_all_states.to(states.dtype))
            tensors = {
                "initial": whole(states),
                "reset": None if reset is None else whole(reset),
                "states": whole(all_states),
                "gates": whole(kept),
                "d_states": d_states,
                "d_gates": d_gates,
                "d_initial": d_initial,
                "product": product,
                "carry": torch.empty(states.shape, dtype=torch.float32, device=R.device),
                "operand": operand,
            }
            fields = {
                **numbers(settings, time, batch, heads),
                **strides(d_states, ("d_state", "d_time", "d_batch", "d_head")),
                "width": head_dim,
            }
            pointwise = _Pointwise(work, arguments(tensors, fields), R.device)
            for step in reversed(range(time)):
                pointwise(step)
                float32_product(operand, matrix, out=product)
            pointwise(-1)
        return *outer(settings, d_gates, states, all_states, reset, R), d_initial


class _Pointwise:
    """The pointwise kernel over all elements of one step."""

    def __init__(self, work: Work, filled: Arguments, device: torch.device) -> None:
        configuration = configured(work, device, ("alternating",))
        (self.function,) = loaded(configuration, torch.cuda.current_device())
        self.filled = filled
        self.blocks = configuration.values["blocks"]
        self.threads = configuration.values["threads"]
        self.stream = torch.cuda.current_stream(device).cuda_stream

    def __call__(self, step: int) -> None:
        self.filled.step = step
        self.function.launch((self.blocks, 1, 1), self.threads, self.stream, [self.filled])
