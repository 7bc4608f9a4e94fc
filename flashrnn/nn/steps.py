"""One direction of one layer, by `flashrnn.flashrnn`: input and output projections, and the way back in time.

B batch, T time, G gate slots, H heads, D head dimension, Q size of each head's h after the projection.
"""

import torch
from torch import Tensor
from torch.nn import functional

from flashrnn.cells import Cell
from flashrnn.config import FlashRNNConfig
from flashrnn.functional import flashrnn
from flashrnn.nn.pytorch import Weights


def run(
    config: FlashRNNConfig,
    x: Tensor,
    weights: Weights,
    states: tuple[Tensor, ...],
    lengths: Tensor | None,
    reset_mask: Tensor | None,
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Runs a layer forwards in time.

    A projected h = P u [H, Q] is a linear function of the cell's own output u [H, D]. So R h = (R P) u, and
    u takes h's place in the recurrence. Only the h before the first step need not come from any u: its
    R h is added to the inputs of that step, and u starts from zero.

    Args:
        config: of the recurrence, with num_heads, and the orders TBGHD and STBHD.
        x: inputs [T, B, I].
        weights: the parameters of this direction of this layer.
        states: before the first step, each [B, H·D]; h [B, H·Q].
        lengths: number of steps of each sample [B], or None.
        reset_mask: [B, T] bool or None, as for `flashrnn.flashrnn`.

    Returns:
        h at every step [T, B, H·Q], and the last states in the form of `states`.
    """
    cell = config.cell
    heads, head_dim = config.num_heads, config.head_dim
    time, batch, _ = x.shape
    Wx = functional.linear(x, weights.weight_ih).view(time, batch, -1, heads, head_dim)
    R = weights.weight_hh.view(cell.recurrent_gates, heads, head_dim, -1)
    if cell.name == "gru":
        R = R.roll(1, 0)  # r, z, n to g, r, z
    b = _bias(cell, weights, R)
    h, *others = states
    P = weights.weight_hr
    if P is not None:
        P = P.view(heads, -1, head_dim)
        first = torch.einsum("ghdq,bhq->bghd", R, h.reshape(batch, heads, -1))
        if reset_mask is not None:
            first = first.masked_fill(reset_mask[:, 0, None, None, None], 0)
        Wx = torch.cat((Wx[:1] + first, Wx[1:]))
        h = h.new_zeros(others[0].shape)
        R = R @ P
    initial = torch.stack((h, *others)).view(-1, 1, batch, heads, head_dim)
    all_states, last = flashrnn(Wx, R, b, initial, config=config, lengths=lengths, reset_mask=reset_mask)
    output, (last_h, *last_others) = all_states[0], last[:, 0]
    if P is not None:
        output, last_h = (torch.einsum("hqd,...hd->...hq", P, u) for u in (output, last_h))
    return output.flatten(-2), tuple(state.flatten(-2) for state in (last_h, *last_others))


def run_backwards(
    config: FlashRNNConfig,
    x: Tensor,
    weights: Weights,
    states: tuple[Tensor, ...],
    lengths: Tensor | None,
    reset_mask: Tensor | None,
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Runs a layer from each sample's last step to its first; see `run`."""
    if reset_mask is not None:
        # What a document's first step is forwards, the last step of the document before it is backwards.
        starts = functional.pad(reset_mask[:, 1:], (0, 1))
        reset_mask = starts.flip(1)
    output, last = run(config, _reverse(x, lengths), weights, states, lengths, reset_mask)
    return _reverse(output, lengths), last


def _bias(cell: Cell, weights: Weights, R: Tensor) -> Tensor:
    """The bias of every slot [G, H, D]. PyTorch's two are one, but for the GRU's candidate (g and n)."""
    slots = (-1, *R.shape[1:3])
    bias, second = weights.bias_ih, weights.bias_hh
    if bias is None:
        return R.new_zeros(len(cell.gates), *R.shape[1:3])
    if second is None:
        return bias.view(slots)
    if cell.name == "gru":
        bias, second = bias.view(slots), second.view(slots)
        return torch.cat((second[2:], bias[:2] + second[:2], bias[2:]))
    return (bias + second).view(slots)


def _reverse(x: Tensor, lengths: Tensor | None) -> Tensor:
    """x [T, B, N] with each sample's steps in reverse order; padding stays where it is."""
    if lengths is None:
        return x.flip(0)
    time = torch.arange(x.shape[0], device=x.device)[:, None]
    lengths = lengths.to(x.device)
    index = torch.where(time < lengths, lengths - 1 - time, time)
    return x.gather(0, index[:, :, None].expand_as(x))
