"""`flashrnn.flashrnn_projected`: the recurrence together with its input projection, for layers.

A layer needs the hidden states and the last states, not all states of every step. That is what PyTorch's own
LSTM computes too, and on a CPU it does so in one fused kernel: where the two coincide, it is called.
"""

from collections.abc import Sequence
from copy import copy

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from flashrnn.config import FlashRNNConfig
from flashrnn.functional import Steps, flashrnn
from flashrnn.layouts import BIAS, RECURRENT, STATES, check_shape, reorder
from flashrnn.operators import under_functorch


def flashrnn_projected(
    x: Steps,
    W: Tensor,
    R: Tensor,
    b: Tensor,
    states: Tensor | None = None,
    function: str = "lstm",
    config: FlashRNNConfig | None = None,
    backend: str = "auto",
    dtype: str | None = None,
    *,
    lengths: Tensor | Sequence[int] | None = None,
    reset_mask: Tensor | None = None,
) -> tuple[Steps, Tensor]:
    """Runs `flashrnn.flashrnn` on Wx = W x, and returns hidden states only.

    With backend "auto", one head, a float32 LSTM on the CPU and none of lengths, resets, clipping, cut
    or casts, this is `torch.lstm`. Its results differ from the other backends' in rounding only.

    Args:
        x: inputs [B, T, I], or a `PackedSequence` with data [N, I].
        W: input matrix [Gw, H, D, I].
        R, b, states, function, config, backend, dtype, lengths, reset_mask: as for `flashrnn.flashrnn`; R, b
            and states in the config's orders. `config.input_shape` is not used.

    Returns:
        The hidden states [B, T, H, D] (for a `PackedSequence`, one with data [N, H, D]), and the last states
        [S, B, 1, H, D] in the config's output order.

    Raises:
        ValueError, BackendUnavailable: as `flashrnn.flashrnn`.
    """
    if config is None:
        config = FlashRNNConfig(function=function, backend=backend, dtype=dtype)
    if isinstance(x, PackedSequence):
        projected = _project(config, "x.data", "NI", x.data, W)
        packed, last = _run(PackedSequence(projected, *x[1:]), R, b, states, config, lengths, reset_mask)
        return PackedSequence(packed.data[:, 0], *packed[1:]), last
    if (
        lengths is None
        and reset_mask is None
        and _is_torch_lstm(config, [x, W, R, b] if states is None else [x, W, R, b, states])
    ):
        return _torch_lstm(config, x, W, R, b, states)
    projected = _project(config, "x", "BTI", x, W)
    all_states, last = _run(projected, R, b, states, config, lengths, reset_mask)
    return reorder(all_states, config.output_shape, "SBTHD")[0], last


def _run(
    Wx: Steps,
    R: Tensor,
    b: Tensor,
    states: Tensor | None,
    config: FlashRNNConfig,
    lengths: Tensor | Sequence[int] | None,
    reset_mask: Tensor | None,
) -> tuple[Steps, Tensor]:
    config = copy(config)
    config.input_shape = "BTGHD"
    return flashrnn(Wx, R, b, states, config=config, lengths=lengths, reset_mask=reset_mask)


def _project(config: FlashRNNConfig, name: str, order: str, x: Tensor, W: Tensor) -> Tensor:
    """W x for every gate and head: the last axis I of x becomes G, H, D."""
    _check_projection(config, name, order, x, W)
    projected = torch.nn.functional.linear(x, W.reshape(-1, W.shape[-1]))
    return projected.view(*x.shape[:-1], *W.shape[:-1])


def _check_projection(config: FlashRNNConfig, name: str, order: str, x: Tensor, W: Tensor) -> None:
    sizes = {"G": config.num_gates_w}
    if config.num_heads > 0:
        sizes["H"] = config.num_heads
    if config.head_dim > 0:
        sizes["D"] = config.head_dim
    check_shape("W", W, "GHDI", sizes)
    check_shape(name, x, order, {"I": W.shape[-1]})


def _is_torch_lstm(config: FlashRNNConfig, tensors: list[Tensor]) -> bool:
    """Whether `torch.lstm` computes the same, and is the fast way to."""
    return (
        config.backend == "auto"
        and config.function == "lstm"
        and tensors[0].dim() == 3
        and tensors[0].shape[1] > 0
        and tensors[1].dim() == 4
        and tensors[1].shape[1] == 1
        and not config.gradient_recurrent_cut
        and config.gradient_recurrent_clipval is None
        and config.forward_clipval is None
        and all(getattr(config, f"dtype{role}") in (None, "float32") for role in ("", *_ROLES))
        and all(tensor.dtype == torch.float32 and tensor.device.type == "cpu" for tensor in tensors)
        and not torch.is_autocast_enabled("cpu")
        # PyTorch would unroll its LSTM into the compiled graph, and has no vmap rule for it.
        and not torch.compiler.is_compiling()
        and not under_functorch()
    )


_ROLES = ("_w", "_r", "_b", "_s", "_g", "_a", "_acc")


def _torch_lstm(
    config: FlashRNNConfig, x: Tensor, W: Tensor, R: Tensor, b: Tensor, states: Tensor | None
) -> tuple[Tensor, Tensor]:
    """One head of the LSTM by `torch.lstm`, whose gates have the order of ours: i, f, g (our z), o."""
    _check_projection(config, "x", "BTI", x, W)
    batch, (gates, _, head_dim, inputs) = x.shape[0], W.shape
    check_shape("R", R, config.recurrent_shape, {"G": gates, "H": 1, "D": head_dim, "P": head_dim})
    check_shape("b", b, config.bias_shape, {"G": gates, "H": 1, "D": head_dim})
    if states is None:
        initial = [x.new_full((1, batch, head_dim), value) for value in config.initial_values]
    else:
        sizes = {"S": 2, "T": 1, "B": batch, "H": 1, "D": head_dim}
        check_shape("states", states, config.output_shape, sizes)
        initial = [
            state.view(1, batch, head_dim)
            for state in reorder(states, config.output_shape, STATES).contiguous().unbind(0)
        ]
    bias = reorder(b, config.bias_shape, BIAS).reshape(-1)
    weights = [
        W.reshape(-1, inputs),
        reorder(R, config.recurrent_shape, RECURRENT).reshape(-1, head_dim),
        bias,
        torch.zeros_like(bias),
    ]
    h, *last = torch.lstm(x, initial, weights, True, 1, 0.0, torch.is_grad_enabled(), False, True)
    last_states = torch.stack(last).unsqueeze(3)
    return h.unsqueeze(2), reorder(last_states, STATES, config.output_shape)
