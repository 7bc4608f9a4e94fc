"""The recurrence in PyTorch operations with a backward pass written by hand.

Forward it is `flashrnn.vanilla`'s loop; it keeps the states and the pre-activations of all gates, Gt·D
numbers for each step, sample and head. Backward it goes through the sequence in blocks of steps, each
small enough to stay in a processor's cache. In a block everything nonlinear is evaluated for all steps at
once (`flashrnn.derivatives`); what has to go step by step is linear: the gradients of a step's gates, and
dh_{t-1} = dg_t R. The block's parts of dR and db are then one product and one sum.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from flashrnn.backends import Backend, Request, Settings, register
from flashrnn.derivatives import DERIVATIVES
from flashrnn.vanilla import reset_states, run

# How many gate values a block of steps holds: a megabyte of float32.
_BLOCK = 1 << 18


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
    all_states, gates = run(settings, Wx, R, b, states, reset, in_place=True)
    return all_states, gates.to(settings.gate_dtype) if training else Wx.new_empty(0)


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
    cell = settings.cell
    _, time, batch, heads, head_dim = all_states.shape
    slots, width = len(cell.gates), cell.recurrent_gates * head_dim
    matrix = R.transpose(0, 1).flatten(1, 2)
    dWx = R.new_empty(time, batch, cell.input_gates, heads, head_dim)
    dR = R.new_zeros(heads, width, head_dim)
    db = R.new_zeros(heads, slots * head_dim)
    initial = states.transpose(1, 2)
    d_before = tuple(torch.zeros_like(initial).unbind(0))

    steps = max(1, _BLOCK // (batch * heads * slots * head_dim))
    for end in range(time, 0, -steps):
        start = max(0, end - steps)
        new = all_states[:, start:end].transpose(2, 3)
        before = (all_states[:, start - 1] if start else states).transpose(1, 2)
        previous = tuple(torch.cat((before[:, None], new[:, :-1]), 1).unbind(0))
        masks = None if reset is None else reset[start:end, None, :, None]
        if masks is not None:
            previous = reset_states(settings, masks, previous)
        gates = kept_gates[start:end].to(R.dtype).chunk(slots, -1)
        dgates, d_before = _block(
            settings,
            d_all_states[:, start:end].transpose(2, 3),
            d_before,
            matrix,
            gates,
            previous,
            new.unbind(0),
            masks,
        )
        dWx[start:end] = dgates[..., cell.first_input_gate :, :].permute(0, 2, 3, 1, 4)
        by_head = dgates.transpose(0, 1).flatten(3).flatten(1, 2)
        h_before = previous[0].transpose(0, 1).flatten(1, 2)
        dR.baddbmm_(by_head[..., :width].transpose(1, 2), h_before)
        db += by_head.sum(1)

    return (
        dWx,
        dR.view(heads, -1, head_dim, head_dim).transpose(0, 1).contiguous(),
        db.view(heads, slots, head_dim).transpose(0, 1).contiguous(),
        torch.stack([gradient.transpose(0, 1) for gradient in d_before]),
    )


def _block(
    settings: Settings,
    d_new: Tensor,
    d_before: tuple[Tensor, ...],
    matrix: Tensor,
    gates: Sequence[Tensor],
    previous: Sequence[Tensor],
    new: Sequence[Tensor],
    masks: Tensor | None,
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The backward loop over a block of steps, all tensors with heads before the batch.

    Returns:
        The gradients of all gate slots [T, H, B, Gt, D], and those of the states before the block.
    """
    derivative = DERIVATIVES[settings.function]
    coefficients = derivative.coefficients(gates, previous, new)
    unclipped = None if settings.forward_clipval is None else new[0].abs() < settings.forward_clipval
    time, heads, batch, head_dim = gates[0].shape
    by_slot = matrix.new_empty(time, heads, batch, len(gates), head_dim)
    recurrent = by_slot.flatten(3)[..., : matrix.shape[1]]
    limit = settings.gradient_recurrent_clipval
    for t in range(time - 1, -1, -1):
        d = [later + own for later, own in zip(d_before, d_new[:, t].unbind(0), strict=True)]
        if unclipped is not None:
            d[0] = d[0] * unclipped[t]
        step = tuple(coefficient[t] for coefficient in coefficients)
        direct, others = derivative.pull_back(step, d, by_slot[t])
        if settings.gradient_recurrent_cut:
            dh = torch.zeros_like(d[0]) if direct is None else direct
        elif direct is None:
            dh = torch.bmm(recurrent[t], matrix)
        else:
            dh = torch.baddbmm(direct, recurrent[t], matrix)
        if limit is not None:
            dh = dh.clamp(-limit, limit)
        d_before = (dh, *others)
        if masks is not None:
            d_before = tuple(gradient.masked_fill(masks[t], 0) for gradient in d_before)
    return by_slot, d_before


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
