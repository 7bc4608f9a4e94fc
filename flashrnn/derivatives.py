"""The derivative of every cell's pointwise function, in the form that a backward loop wants.

The function is nonlinear in the gates and states, but its derivative is linear in the gradients that come
in, with coefficients that are known for all steps once the forward pass is done. So each derivative has two
halves:

    coefficients(gates, previous, new)   evaluates everything nonlinear, for all steps at once;
    pull_back(k, d, dgates)              applies one step's coefficients k to the gradients d of its new
                                         states, writes the gradients of its gate slots into dgates
                                         [..., Gt, D], and returns what P passes to h_{t-1} directly
                                         (None where that is nothing) and the gradients of the other
                                         previous states.

The equations' numbers are those of `flashrnn.cells`, which the tests hold all this against.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from flashrnn.cells import largest_exponent

Coefficients = tuple[Tensor, ...]
Gradients = tuple[Tensor | None, tuple[Tensor, ...]]


class Derivative(NamedTuple):
    """The two halves described above, for one cell."""

    coefficients: Callable[[Sequence[Tensor], Sequence[Tensor], Sequence[Tensor]], Coefficients]
    pull_back: Callable[[Coefficients, Sequence[Tensor], Tensor], Gradients]


def _sigmoid_slope(value: Tensor) -> Tensor:
    """The derivative of σ where it has this value."""
    return value * (1 - value)


def _tanh_slope(value: Tensor) -> Tensor:
    """The derivative of tanh where it has this value."""
    return 1 - value * value


def elman_coefficients(
    gates: Sequence[Tensor], previous: Sequence[Tensor], new: Sequence[Tensor]
) -> Coefficients:
    """dg / dh (E1)."""
    return (_tanh_slope(torch.tanh(gates[0])),)


def elman_pull_back(k: Coefficients, d: Sequence[Tensor], dgates: Tensor) -> Gradients:
    torch.mul(d[0], k[0], out=dgates[..., 0, :])
    return None, ()


def lstm_coefficients(
    gates: Sequence[Tensor], previous: Sequence[Tensor], new: Sequence[Tensor]
) -> Coefficients:
    """dc / dh (L2); di, df, dz / dc (L1); do / dh (L2); dc_{t-1} / dc (L1)."""
    i, f, o = (torch.sigmoid(gates[slot]) for slot in (0, 1, 3))
    z = torch.tanh(gates[2])
    tanh_c = torch.tanh(new[1])
    from_c = torch.stack((_sigmoid_slope(i) * z, _sigmoid_slope(f) * previous[1], i * _tanh_slope(z)), -2)
    return o * _tanh_slope(tanh_c), from_c, _sigmoid_slope(o) * tanh_c, f


def lstm_pull_back(k: Coefficients, d: Sequence[Tensor], dgates: Tensor) -> Gradients:
    c_from_h, gates_from_c, o_from_h, forget = k
    dh, dc = d
    dc = torch.addcmul(dc, dh, c_from_h)
    torch.mul(dc.unsqueeze(-2), gates_from_c, out=dgates[..., :3, :])
    torch.mul(dh, o_from_h, out=dgates[..., 3, :])
    return None, (dc * forget,)


def gru_coefficients(
    gates: Sequence[Tensor], previous: Sequence[Tensor], new: Sequence[Tensor]
) -> Coefficients:
    """dg, dr, dz, dn / dh (G1, G2); dh_{t-1} / dh without R h (G2)."""
    g, n = gates[0], gates[3]
    r, z = torch.sigmoid(gates[1]), torch.sigmoid(gates[2])
    candidate = torch.tanh(n + r * g)
    dn = (1 - z) * _tanh_slope(candidate)
    dz = (previous[0] - candidate) * _sigmoid_slope(z)
    return torch.stack((dn * r, dn * g * _sigmoid_slope(r), dz, dn), -2), z


def gru_pull_back(k: Coefficients, d: Sequence[Tensor], dgates: Tensor) -> Gradients:
    torch.mul(d[0].unsqueeze(-2), k[0], out=dgates)
    return d[0] * k[1], ()


def slstm_coefficients(
    gates: Sequence[Tensor], previous: Sequence[Tensor], new: Sequence[Tensor]
) -> Coefficients:
    """The factors of S2 to S5; `fresh` says which of the two arguments m_t is (S1)."""
    _, c_before, n_before, m_before = previous
    _, c, n, m = new
    carried = m_before + torch.nn.functional.logsigmoid(gates[1])
    fresh = (n_before == 0) | (gates[0] >= carried)
    exponent, cap = carried - m, largest_exponent(m.dtype)
    i = torch.exp(gates[0] - m)
    f = torch.exp(torch.clamp(exponent, max=cap))
    f_slope = f * (exponent <= cap)
    z, o = torch.tanh(gates[2]), torch.sigmoid(gates[3])
    counted = f * n_before + i >= 1
    return (
        o / n,
        -o * c / (n * n),
        _sigmoid_slope(o) * c / n,
        counted,
        f,
        f_slope * c_before,
        f_slope * n_before,
        i,
        z,
        i * _tanh_slope(z),
        fresh,
        torch.sigmoid(-gates[1]),
    )


def slstm_pull_back(k: Coefficients, d: Sequence[Tensor], dgates: Tensor) -> Gradients:
    c_from_h, n_from_h, o_from_h, counted, f, f_from_c, f_from_n, i, z, z_from_c, fresh, f_slot = k
    dh, dc, dn, dm = d
    dc = torch.addcmul(dc, dh, c_from_h)
    dn = torch.addcmul(dn, dh, n_from_h) * counted
    # The gradients of the exponents i - m_t and (m_{t-1} + log σ(f)) - m_t (S2). Both pass -1 times
    # theirs to m_t, and m_t passes what it has to the argument it was taken from (S1).
    d_input = torch.addcmul(dn, dc, z) * i
    d_carried = torch.addcmul(dn * f_from_n, dc, f_from_c)
    d_input, d_carried = (
        torch.where(fresh, dm - d_carried, d_input),
        torch.where(fresh, d_carried, dm - d_input),
    )
    dgates[..., 0, :] = d_input
    torch.mul(d_carried, f_slot, out=dgates[..., 1, :])
    torch.mul(dc, z_from_c, out=dgates[..., 2, :])
    torch.mul(dh, o_from_h, out=dgates[..., 3, :])
    return None, (dc * f, dn * f, d_carried)


DERIVATIVES: dict[str, Derivative] = {
    "elman": Derivative(elman_coefficients, elman_pull_back),
    "lstm": Derivative(lstm_coefficients, lstm_pull_back),
    "gru": Derivative(gru_coefficients, gru_pull_back),
    "slstm": Derivative(slstm_coefficients, slstm_pull_back),
}
