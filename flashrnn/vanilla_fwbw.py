"""The recurrence in PyTorch operations with a backward pass written by hand.

Forward it is `flashrnn.vanilla`'s loop; it keeps the states and the pre-activations of all gates, Gt·D
numbers for each step, sample and head. Backward, everything nonlinear is evaluated for all steps at once
(`flashrnn.derivatives`); what has to go step by step is linear: the gradients of a step's gates, and
dh_{t-1} = dg_t R. dR and db are then one product and one sum over all steps.
"""

import torch
from torch import Tensor

from flashrnn.backends import Backend, Request, Settings, register
from flashrnn.derivatives import DERIVATIVES
from flashrnn.vanilla import reset_states, run


def forward(
    settings: Settings,
    Wx: Tensor,
    R: Tensor,
    b: Tensor,
    states: Tensor,
    reset: Tensor | None,
    training: bool,
) -> tuple[Tensor, Tensor]:
    """The states after every step and the pre-activations; the interface is `flashrnn.backends`'."""
    all_states, gates = run(settings, Wx, R, b, states, reset, keep_gates=training)
    return all_states.transpose(2, 3).contiguous(), gates


def residual(settings: Settings, Wx: Tensor) -> tuple[tuple[int, ...], torch.dtype]:
    """The pre-activations [T, H, B, Gt·D]."""
    time, batch, _, heads, head_dim = Wx.shape
    return (time, heads, batch, len(settings.cell.gates) * head_dim), settings.gate_dtype


def backward(
    settings: Settings,
    d_all_states: Tensor,
    R: Tensor,
    states: Tensor,
    all_states: Tensor,
    kept_gates: Tensor,
    reset: Tensor | None,
    Wx: Tensor | None,
    b: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The gradients of Wx, R, b and the initial states; the interface is `flashrnn.backends`'."""
    cell, derivative = settings.cell, DERIVATIVES[settings.function]
    _, time, batch, heads, head_dim = all_states.shape
    width = cell.recurrent_gates * head_dim
    all_states, d_all_states = all_states.transpose(2, 3), d_all_states.transpose(2, 3)
    masks = None if reset is None else reset[:, None, :, None]
    previous = tuple(torch.cat((states.transpose(1, 2)[:, None], all_states[:, :-1]), 1).unbind(0))
    if masks is not None:
        previous = reset_states(settings, masks, previous)
    gates = kept_gates.to(R.dtype).chunk(len(cell.gates), -1)
    coefficients = derivative.coefficients(gates, previous, all_states.unbind(0))
    unclipped = None
    if settings.forward_clipval is not None:
        unclipped = all_states[0].abs() < settings.forward_clipval

    matrix = R.transpose(0, 1).flatten(1, 2)
    by_slot = R.new_empty(time, heads, batch, len(cell.gates), head_dim)
    dgates = by_slot.flatten(3)
    d_before = tuple(torch.zeros_like(state) for state in states.transpose(1, 2).unbind(0))
    for t in range(time - 1, -1, -1):
        d = [carried + incoming for carried, incoming in zip(d_before, d_all_states[:, t], strict=True)]
        if unclipped is not None:
            d[0] = d[0] * unclipped[t]
        step = tuple(coefficient[t] for coefficient in coefficients)
        direct, others = derivative.pull_back(step, d, by_slot[t])
        if settings.gradient_recurrent_cut:
            dh = torch.zeros_like(d[0]) if direct is None else direct
        else:
            dh = torch.bmm(dgates[t, ..., :width], matrix)
            dh = dh if direct is None else dh + direct
        if settings.gradient_recurrent_clipval is not None:
            dh = dh.clamp(-settings.gradient_recurrent_clipval, settings.gradient_recurrent_clipval)
        d_before = (dh, *others)
        if masks is not None:
            d_before = tuple(gradient.masked_fill(masks[t], 0) for gradient in d_before)

    dWx = by_slot[..., cell.first_input_gate :, :].permute(0, 2, 3, 1, 4).contiguous()
    left = dgates[..., :width].transpose(0, 1).flatten(1, 2)
    right = previous[0].transpose(0, 1).flatten(1, 2)
    dR = torch.bmm(left.transpose(1, 2), right).view(heads, -1, head_dim, head_dim).transpose(0, 1)
    db = by_slot.sum((0, 2)).transpose(0, 1)
    dstates = torch.stack(d_before).transpose(1, 2)
    return dWx, dR.contiguous(), db.contiguous(), dstates.contiguous()


def _unavailable(request: Request) -> str | None:
    return None


register(
    Backend(
        "vanilla_fwbw",
        _unavailable,
        forward,
        backward,
        residual,
        accumulation_dtype_inputs=True,
    )
)
