"""The recurrence in plain PyTorch operations: any device, any order of differentiation.

It is the loop over equation 1 and the cell's pointwise function, and it is what runs forward in
`vanilla_fwbw` too.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from flashrnn.backends import Backend, Request, Settings, register
from flashrnn.cells import Cell


def forward(
    settings: Settings,
    Wx: Tensor,
    R: Tensor,
    b: Tensor,
    states: Tensor,
    reset: Tensor | None,
    training: bool,
) -> tuple[Tensor, Tensor]:
    """The states after every step; the interface is `flashrnn.backends`'."""
    all_states, _ = run(settings, Wx, R, b, states, reset)
    return all_states, Wx.new_empty(0)


def run(
    settings: Settings,
    Wx: Tensor,
    R: Tensor,
    b: Tensor,
    states: Tensor,
    reset: Tensor | None,
    in_place: bool = False,
) -> tuple[Tensor, Tensor]:
    """Runs all steps. Inside, heads come before the batch, so that a step is one batched product.

    Returns:
        The states after each step [S, T, B, H, D]; and the inputs' part of the pre-activations
        [T, H, B, Gt·D], which `in_place`, below autograd, has turned into the whole pre-activations.
    """
    cell = settings.cell
    width = cell.recurrent_gates * Wx.shape[-1]
    other_gates = len(cell.gates) - cell.recurrent_gates
    matrix = recurrent_matrix(R)
    current = tuple(states.transpose(1, 2).unbind(0))
    masks = None if reset is None else reset[:, None, :, None].unbind(0)
    inputs = input_preactivations(cell, Wx, b)
    if in_place:
        inputs = inputs.contiguous()
    history: list[tuple[Tensor, ...]] = []
    for t, step in enumerate(inputs.unbind(0)):
        if masks is not None:
            current = reset_states(settings, masks[t], current)
        if settings.gradient_recurrent_clipval is not None:
            current = (clip_gradient(current[0], settings.gradient_recurrent_clipval), *current[1:])
        h = current[0].detach() if settings.gradient_recurrent_cut else current[0]
        own = step[..., :width]
        gates = (own.baddbmm_(h, matrix) if in_place else torch.baddbmm(own, h, matrix)).chunk(
            cell.recurrent_gates, -1
        )
        if other_gates:
            gates = (*gates, *step[..., width:].chunk(other_gates, -1))
        current = cell.pointwise(gates, current)
        if settings.forward_clipval is not None:
            clipped = current[0].clamp(-settings.forward_clipval, settings.forward_clipval)
            current = (clipped, *current[1:])
        history.append(current)
    stacked = torch.stack([new[s].transpose(0, 1) for s in range(len(cell.states)) for new in history])
    return stacked.view(len(cell.states), -1, *stacked.shape[1:]), inputs


def input_preactivations(cell: Cell, Wx: Tensor, b: Tensor) -> Tensor:
    """Wx + b for every slot, b alone where a slot receives no input: [T, H, B, Gt·D]."""
    padded = functional.pad(Wx, (0, 0, 0, 0, cell.first_input_gate, 0)) if cell.first_input_gate else Wx
    return (padded + b).permute(0, 3, 1, 2, 4).flatten(3)


def recurrent_matrix(R: Tensor) -> Tensor:
    """R [Gr, H, D, P] as the right factor of h [H, B, P]: [H, P, Gr·D]."""
    return R.permute(1, 3, 0, 2).flatten(2)


def reset_states(settings: Settings, mask: Tensor, states: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """The states before a step, with the initial value where mask [1, B, 1] says so."""
    return tuple(
        state.masked_fill(mask, value) for state, value in zip(states, settings.initial_values, strict=True)
    )


class _ClipGradient(torch.autograd.Function):
    """The identity, whose gradient is clipped."""

    generate_vmap_rule = True

    @staticmethod
    def forward(tensor: Tensor, limit: float) -> Tensor:
        return tensor.view_as(tensor)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, float], output: Tensor) -> None:
        ctx.limit = inputs[1]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient.clamp(-ctx.limit, ctx.limit), None


def clip_gradient(tensor: Tensor, limit: float) -> Tensor:
    """`tensor` itself; its gradient is clipped to [-limit, limit]."""
    result: Tensor = _ClipGradient.apply(tensor, limit)  # type: ignore[no-untyped-call]
    return result


def _unavailable(request: Request) -> str | None:
    return None


register(Backend("vanilla", _unavailable, forward, accumulation_dtype_inputs=True))
