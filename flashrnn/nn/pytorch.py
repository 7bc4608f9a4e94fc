"""PyTorch's own LSTM, GRU and RNN: the same weights in their layout, and the same call where it is fast.

With one head the cells "lstm", "gru" and "elman" are those of `torch.nn`. The layouts differ in two ways.
PyTorch has two biases a gate, whose sum is our one; only the GRU's candidate keeps both apart, as our slots
g (in the recurrent product) and n. And PyTorch's GRU has the order r, z, n where ours is g, r, z | n.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from flashrnn.operators import under_functorch


class Weights(NamedTuple):
    """One direction of one layer (G gate slots as in `flashrnn.cells`, H heads, D head dimension).

    Attributes:
        W: input matrix [Gw, H, D, I].
        R: recurrent matrix [Gr, H, D, Q]; Q is D, or with a projection its size for each head.
        b: bias [Gt, H, D], or None.
        P: projection of the hidden state [H, Q, D], or None.
    """

    W: Tensor
    R: Tensor
    b: Tensor | None
    P: Tensor | None


def to_torch(function: str, weights: Weights) -> list[Tensor]:
    """weight_ih, weight_hh, bias_ih, bias_hh, weight_hr of `torch.nn`, as far as there are such.

    The function is differentiable. PyTorch's second bias is zero where it is redundant.
    """
    W, R, b, P = weights
    if function == "gru":
        R = R.roll(-1, 0)
    flat = [W.flatten(0, 2), R.flatten(0, 2)]
    if b is not None:
        bias_ih = b[1:].flatten() if function == "gru" else b.flatten()
        zeros = torch.zeros_like(bias_ih)
        second = torch.cat((zeros[b[0].numel() :], b[0].flatten())) if function == "gru" else zeros
        flat += [bias_ih, second]
    if P is not None:
        flat.append(P.flatten(0, 1))
    return flat


@torch.no_grad()
def copy_to(function: str, ours: Weights, theirs: Sequence[Tensor]) -> None:
    """Copies values, and whether gradients are wanted, into a layer of `torch.nn`."""
    W, R, b, P = ours
    sources = [source for source in (W, R, b, b, P) if source is not None]
    for target, value, source in zip(theirs, to_torch(function, ours), sources, strict=True):
        target.copy_(value)
        target.requires_grad_(source.requires_grad)


@torch.no_grad()
def copy_from(function: str, ours: Weights, theirs: Sequence[Tensor]) -> None:
    """The inverse of `copy_to`, up to the sum of the two biases."""
    W, R, b, P = ours
    copies = [(W, theirs[0].view_as(W), theirs[:1])]
    recurrent = theirs[1].view_as(R)
    copies.append((R, recurrent.roll(1, 0) if function == "gru" else recurrent, theirs[1:2]))
    if b is not None:
        first, second = (bias.view(W.shape[:3]) for bias in theirs[2:4])
        merged = first + second
        if function == "gru":
            merged = torch.cat((second[2:], merged[:2], first[2:]))
        copies.append((b, merged, theirs[2:4]))
    if P is not None:
        copies.append((P, theirs[-1].view_as(P), theirs[-1:]))
    for target, value, sources in copies:
        target.copy_(value)
        target.requires_grad_(any(source.requires_grad for source in sources))


_CALLS: dict[str, Any] = {"lstm": torch.lstm, "gru": torch.gru, "elman": torch.rnn_tanh}


def is_fast(function: str, x: Tensor, states: tuple[Tensor, ...], layers: list[Weights]) -> bool:
    """Whether PyTorch's own call computes the same for one head of the cell, and is the fast way to.

    It is for float32 on the CPU. PyTorch's GRU keeps so much for its derivative that ours is the
    faster one where gradients are wanted.
    """
    tensors = (x, *states, *(tensor for weights in layers for tensor in weights if tensor is not None))
    return (
        function in _CALLS
        and all(tensor.dtype == torch.float32 and tensor.device.type == "cpu" for tensor in tensors)
        and not (function == "gru" and torch.is_grad_enabled())
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
    layers: list[Weights],
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
        layers: the weights of every direction of every layer.
        num_layers, dropout, training, bidirectional, batch_first: as PyTorch's.
    """
    flat = [tensor for weights in layers for tensor in to_torch(function, weights)]
    hx = states if function == "lstm" else states[0]
    options = (flat, layers[0].b is not None, num_layers, dropout, training, bidirectional)
    call = _CALLS[function]
    if batch_sizes is None:
        output, *last = call(x, hx, *options, batch_first)
    else:
        output, *last = call(x, batch_sizes, hx, *options)
    return output, tuple(last)
