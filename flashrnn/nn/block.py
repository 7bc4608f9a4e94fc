"""A residual block of the kind that language models are made of."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from flashrnn.nn.layers import GRU, LSTM, RNN, sLSTM
from flashrnn.nn.recurrent import Recurrent

_LAYERS: dict[str, type[Recurrent]] = {layer.function: layer for layer in (LSTM, GRU, RNN, sLSTM)}


class ResidualBlock(nn.Module):
    """Norm, recurrence in heads and norm of each head; then norm, up-projection, gate and down-projection.

    The block of arXiv 2405.04517 (figure 10: post up-projection), without its optional convolution:

        x ← x + dropout(headnorm(recurrence(norm(x))))
        x ← x + dropout(W_down(gelu(W_gate norm(x)) ⊙ W_up norm(x)))

    Args:
        hidden_size: size C of the residual stream, a multiple of `num_heads`.
        function: the cell: "slstm", "lstm", "gru" or "elman".
        num_heads: number of heads.
        expansion: the up-projection's size is expansion · C, rounded up to a multiple of 8.
        dropout: probability of zeroing an element of what is added to the stream, in training.
        backend, device, dtype: as for the layers.

    Raises:
        ValueError: an argument is not possible.
    """

    def __init__(
        self,
        hidden_size: int,
        function: str = "slstm",
        num_heads: int = 4,
        expansion: float = 4 / 3,
        dropout: float = 0.0,
        *,
        backend: str = "auto",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        if function not in _LAYERS:
            raise ValueError(f"function must be one of {', '.join(_LAYERS)}, not {function!r}")
        if not expansion > 0:
            raise ValueError(f"expansion must be positive, not {expansion}")
        factory: dict[str, Any] = {"device": device, "dtype": dtype}
        width = 8 * -int(-expansion * hidden_size // 8)
        self.norm = nn.LayerNorm(hidden_size, **factory)
        self.recurrence = _LAYERS[function](
            hidden_size, hidden_size, batch_first=True, num_heads=num_heads, backend=backend, **factory
        )
        self.head_norm = nn.Parameter(torch.ones(hidden_size, **factory))
        self.up_norm = nn.LayerNorm(hidden_size, **factory)
        self.up = nn.Linear(hidden_size, 2 * width, bias=False, **factory)
        self.down = nn.Linear(width, hidden_size, bias=False, **factory)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        x: Tensor,
        states: Tensor | tuple[Tensor, ...] | None = None,
        *,
        reset_mask: Tensor | None = None,
    ) -> tuple[Tensor, Any]:
        """Runs the block over x [B, T, C].

        Args:
            x: the residual stream.
            states: what a call for the steps before has returned; zero by default.
            reset_mask: [B, T] bool: where true, a document starts at that step.

        Returns:
            The new stream [B, T, C], and the states after the last step, in the form of the layers' hx.

        Raises:
            ValueError: a tensor does not fit.
        """
        h, states = self.recurrence(self.norm(x), states, reset_mask=reset_mask)
        heads = self.recurrence.num_heads
        by_head = h.unflatten(-1, (heads, -1))
        h = functional.layer_norm(by_head, by_head.shape[-1:]).flatten(-2) * self.head_norm
        x = x + self.dropout(h)
        gate, up = self.up(self.up_norm(x)).chunk(2, -1)
        return x + self.dropout(self.down(functional.gelu(gate) * up)), states
