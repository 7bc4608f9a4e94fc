"""Sequences of different lengths in one batch: as `lengths` or as a `PackedSequence`.

A recurrence is causal: what comes after a sample's last step cannot change what came before. So every
backend runs the whole rectangle, and lengths are settled around it: padding is cleared before (it may
hold anything, NaN included), and what came of it is cut off after. Neither leaves a gradient.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from flashrnn.layouts import check_shape


def check_lengths(lengths: Tensor | Sequence[int], time: int, batch: int, device: torch.device) -> Tensor:
    """`lengths` as an integer tensor [B] on the device.

    Raises:
        ValueError: it has another shape, is not of integers, or (on the CPU) is not within 0 … T.
        RuntimeError: a value on another device, or inside a compiled function, is not within 0 … T.
    """
    if not isinstance(lengths, Tensor):
        lengths = torch.tensor(lengths, dtype=torch.int64)
    check_shape("lengths", lengths, "B", {"B": batch})
    if lengths.is_floating_point() or lengths.dtype == torch.bool:
        raise ValueError(f"lengths has dtype {lengths.dtype}, expected integers")
    wrong = ((lengths < 0) | (lengths > time)).any()
    message = f"every length must be between 0 and T = {time}"
    if torch.compiler.is_compiling() or lengths.device.type != "cpu":
        torch._assert_async(~wrong, message)
    elif wrong:
        raise ValueError(f"lengths is {lengths.tolist()}: {message}")
    return lengths.to(device)


def _padding(lengths: Tensor, time: int) -> Tensor:
    """True at the steps that are padding: [T, B, 1, 1]."""
    return (torch.arange(time, device=lengths.device)[:, None] >= lengths)[:, :, None, None]


def clear_padding(Wx: Tensor, lengths: Tensor) -> Tensor:
    """Wx [T, B, G, H, D] with zeros for padding."""
    return Wx.masked_fill(_padding(lengths, Wx.shape[0])[..., None], 0)


def cut_to_lengths(all_states: Tensor, initial: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """The states [S, T, B, H, D] with zeros for padding, and each sample's last ones [S, 1, B, H, D].

    The last states of a sample without steps are its initial ones [S, B, H, D].
    """
    states, time, batch, heads, head_dim = all_states.shape
    index = (lengths - 1).clamp(min=0).to(torch.int64)[None, None, :, None, None]
    last = all_states.gather(1, index.expand(states, 1, batch, heads, head_dim))
    last = torch.where((lengths == 0)[:, None, None], initial[:, None], last)
    return all_states.masked_fill(_padding(lengths, time), 0), last


def unpack(packed: PackedSequence) -> tuple[Tensor, Tensor]:
    """Wx [T, B, G, H, D] and lengths [B], in the batch's original order.

    Raises:
        ValueError: the data is not [N, G, H, D].
    """
    if packed.data.dim() != 4:
        raise ValueError(f"Wx.data has shape {list(packed.data.shape)}, expected [N, G, H, D]")
    padded, lengths = pad_packed_sequence(packed)
    return padded, lengths


def repack(states: Tensor, lengths: Tensor, like: PackedSequence) -> PackedSequence:
    """States [T, B, S, H, D] as a PackedSequence with data [N, S, H, D], in the order of `like`."""
    if like.sorted_indices is not None:
        states = states.index_select(1, like.sorted_indices)
        lengths = lengths.index_select(0, like.sorted_indices.to(lengths.device))
    data = pack_padded_sequence(states, lengths).data
    return PackedSequence(data, like.batch_sizes, like.sorted_indices, like.unsorted_indices)
