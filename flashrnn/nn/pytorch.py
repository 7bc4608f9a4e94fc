"""PyTorch's own LSTM, GRU and RNN in place of ours, where they compute the same and are fast."""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from flashrnn.operators import under_functorch


class Weights(NamedTuple):
    """One direction of one layer: G gates in PyTorch's order, H heads, D head dimension.

    With one head these are PyTorch's parameters, in PyTorch's order. Q is D, or with a projection the size
    of each head's projected h.
    """

    weight_ih: Tensor  # [G·H·D, I]
    weight_hh: Tensor  # [G·H·D, Q]
    bias_ih: Tensor | None  # [G·H·D]
    bias_hh: Tensor | None  # [G·H·D]
    weight_hr: Tensor | None  # [H·Q, D]


_CALLS: dict[str, Any] = {"lstm": torch.lstm, "gru": torch.gru, "elman": torch.rnn_tanh}


def is_fast(function: str, tensors: list[Tensor]) -> bool:
    """Whether PyTorch's own call is the fast way to run one head of the cell: in float32 on the CPU."""
    return (
        function in _CALLS
        and all(tensor.dtype == torch.float32 and tensor.is_cpu for tensor in tensors)
        # PyTorch would unroll its layer into the compiled graph, and has no vmap rule for it.
        and not torch.compiler.is_compiling()
        and not under_functorch()
        and not torch.is_autocast_enabled("cpu")
    )


def run(
    function: str,
    x: Tensor,
    batch_sizes: Tensor | None,
    states: tuple[Tensor, ...],
    weights: list[Tensor],
    bias: bool,
    num_layers: int,
    dropout: float,
    training: bool,
    bidirectional: bool,
    batch_first: bool,
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """PyTorch's call: the output, and the last states in the form of `states`.

    Args:
        x: [T, B, I] or with batch_first [B, T, I]; with `batch_sizes`, the data of a PackedSequence.
        states: h, and for the LSTM c [layers · directions, B, size], in the order of a packed x.
        weights: all that there are of every direction of every layer, in the order of `Weights`.
        bias, num_layers, dropout, training, bidirectional, batch_first: as PyTorch's.
    """
    hx = states if function == "lstm" else states[0]
    options = (weights, bias, num_layers, dropout, training, bidirectional)
    call = _CALLS[function]
    if batch_sizes is None:
        output, *last = call(x, hx, *options, batch_first)
    else:
        output, *last = call(x, batch_sizes, hx, *options)
    return output, tuple(last)
