"""The equations of every cell: the one statement that all kernels, derivatives and documents are held to.

The generic recurrence is FlashRNN's (Pöppel, Beck, Hochreiter, arXiv 2412.07752, equations 1 and 2).
For each gate slot n and time step t, with x_t = W x'_t computed by the caller,

    g_t^(n) = R^(n) s_{t-1}^(0) + x_t^(n) + b^(n)                                                  (1)
    s_t^(m) = P^(m)( s_{t-1}^(0), …, s_{t-1}^(S-1), g_t^(0), …, g_t^(G-1) )                        (2)

R is block diagonal: every head has its own D×D block and nothing crosses between heads. P is a function
of one hidden unit alone; it differs from cell to cell and is what this module states.

A cell has `len(gates)` slots, each with a bias. A slot need not take part in both products: the first
`recurrent_gates` slots receive R h, and the last `input_gates` slots receive Wx. Both are all slots except
in the GRU, whose candidate is split into a recurrent-only slot g and an input-only slot n.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

Pointwise = Callable[[Sequence[Tensor], Sequence[Tensor]], tuple[Tensor, ...]]


class Cell(NamedTuple):
    """A recurrent cell: names of slots and states, and its pointwise function P.

    `pointwise(gates, states)` takes one tensor per slot (pre-activations, equation 1) and one per state,
    all of one shape, and returns the new states, h first. It is differentiable and free of side effects.
    """

    name: str
    gates: tuple[str, ...]
    states: tuple[str, ...]
    recurrent_gates: int
    input_gates: int
    pointwise: Pointwise

    @property
    def first_input_gate(self) -> int:
        """The slot that Wx[..., 0, :, :] belongs to."""
        return len(self.gates) - self.input_gates


def elman(gates: Sequence[Tensor], states: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Elman (1990).

    h_t = tanh(g)                                                                                  (E1)
    """
    (g,) = gates
    return (torch.tanh(g),)


def lstm(gates: Sequence[Tensor], states: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """LSTM (Hochreiter and Schmidhuber 1997) with forget gate (Gers et al. 2000); slots i, f, z, o.

    c_t = σ(f) c_{t-1} + σ(i) tanh(z)                                                              (L1)
    h_t = σ(o) tanh(c_t)                                                                           (L2)
    """
    i, f, z, o = gates
    _, c = states
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(z)
    return torch.sigmoid(o) * torch.tanh(c), c


def gru(gates: Sequence[Tensor], states: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """GRU (Cho et al. 2014) with the reset gate after the product, as in cuDNN; slots g, r, z, n.

    g receives only R h and n only Wx, so that the reset gate scales the recurrent part with its bias.

    ñ_t = tanh(n + σ(r) g)                                                                         (G1)
    h_t = σ(z) h_{t-1} + (1 - σ(z)) ñ_t                                                            (G2)
    """
    g, r, z, n = gates
    (h,) = states
    candidate = torch.tanh(n + torch.sigmoid(r) * g)
    z = torch.sigmoid(z)
    return (z * h + (1 - z) * candidate,)


def slstm(gates: Sequence[Tensor], states: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """sLSTM (Beck et al. 2024, arXiv 2405.04517) with exponential input gate; slots i, f, z, o.

    c and n are kept scaled by exp(-m_t). n = 0 says of an element that it holds nothing yet: then
    its stabiliser starts afresh. That is decided for every element alone, so what one sample holds never
    changes another. At a tie of the two arguments of the maximum, m_t = i.

    m_t = i   if n_{t-1} = 0,   else   max(i, m_{t-1} + log σ(f))                                  (S1)
    i_t = exp(i - m_t),   f_t = exp(m_{t-1} + log σ(f) - m_t)                                      (S2)
    c_t = f_t c_{t-1} + i_t tanh(z)                                                                (S3)
    n_t = max(f_t n_{t-1} + i_t, 1)                                                                (S4)
    h_t = σ(o) c_t / n_t                                                                           (S5)
    """
    i, f, z, o = gates
    _, c, n, m = states
    carried = m + torch.nn.functional.logsigmoid(f)
    m = torch.where((n == 0) | (i >= carried), i, carried)
    i = torch.exp(i - m)
    # Only where n = 0 can the exponent be positive. There c is 0 too, unless the caller says otherwise:
    # the cap keeps 0 · exp(…) from becoming 0 · ∞.
    f = torch.exp(torch.clamp(carried - m, max=largest_exponent(m.dtype)))
    c = f * c + i * torch.tanh(z)
    n = torch.clamp(f * n + i, min=1)
    return torch.sigmoid(o) * c / n, c, n, m


def largest_exponent(dtype: torch.dtype) -> float:
    """The largest whole x for which exp(x) is finite in `dtype` (float32 or float64)."""
    return 709.0 if dtype == torch.float64 else 88.0


CELLS: dict[str, Cell] = {
    "lstm": Cell("lstm", ("i", "f", "z", "o"), ("h", "c"), 4, 4, lstm),
    "gru": Cell("gru", ("g", "r", "z", "n"), ("h",), 3, 3, gru),
    "elman": Cell("elman", ("g",), ("h",), 1, 1, elman),
    "slstm": Cell("slstm", ("i", "f", "z", "o"), ("h", "c", "n", "m"), 4, 4, slstm),
}


def get_cell(function: str) -> Cell:
    """The cell of that name.

    Raises:
        ValueError: there is no such cell.
    """
    if function not in CELLS:
        raise ValueError(f"function must be one of {', '.join(CELLS)}, not {function!r}")
    return CELLS[function]
