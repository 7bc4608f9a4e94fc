"""The layers themselves: which cell each one runs, and what `torch.nn` calls it."""

from typing import Any

import torch
from torch import nn

from flashrnn.nn.recurrent import Recurrent


class LSTM(Recurrent):
    """The LSTM (`flashrnn.cells.lstm`), in place of `torch.nn.LSTM`. hx is (h, c)."""

    function = "lstm"
    torch_class = nn.LSTM
    has_projection = True


class GRU(Recurrent):
    """The GRU (`flashrnn.cells.gru`), in place of `torch.nn.GRU`. hx is h."""

    function = "gru"
    torch_class = nn.GRU


class RNN(Recurrent):
    """Elman's network (`flashrnn.cells.elman`), in place of `torch.nn.RNN`. hx is h.

    `nonlinearity` is there for PyTorch's order of arguments; it must be "tanh".
    """

    function = "elman"
    torch_class = nn.RNN

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        *args: Any,
        **kwargs: Any,
    ) -> None:
        if nonlinearity != "tanh":
            raise ValueError(f"nonlinearity must be 'tanh', not {nonlinearity!r}")
        super().__init__(input_size, hidden_size, num_layers, *args, **kwargs)


class sLSTM(Recurrent):
    """The sLSTM (`flashrnn.cells.slstm`), which `torch.nn` does not have. hx is (h, c, n, m)."""

    function = "slstm"
    has_projection = True

    def reset_parameters(self) -> None:
        """As the other layers, but the forget gates' biases go from 3 to 6 over each head's units.

        So the units start with different and long memories.
        """
        super().reset_parameters()
        for weights in self.all_weights():
            if weights.bias_ih is not None:
                forget = weights.bias_ih.detach().view(
                    -1, self.num_heads, self.hidden_size // self.num_heads
                )[1]
                forget.copy_(torch.linspace(3, 6, forget.shape[-1]))
