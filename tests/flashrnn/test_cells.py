"""The statement of the equations itself: against torch's own layers, and at the sLSTM's edges."""

import pytest
import torch

from flashrnn import CELLS, flashrnn
from flashrnn.cells import get_cell
from flashrnn.derivatives import DERIVATIVES
from tests.flashrnn.reference import FUNCTIONS, gradients, random_tensors, weighted_sum

BACKENDS = ("vanilla", "vanilla_fwbw")


def _torch_layer(function, Wx, R, b):
    """torch's layer of the same function with identity as input matrix, and the input it wants."""
    B, T, G, _, D = Wx.shape
    layers = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "elman": torch.nn.RNN}
    layer = layers[function](G * D, D, batch_first=True, dtype=Wx.dtype)
    recurrent, slots = R[:, 0], b[:, 0]
    zeros = torch.zeros_like(slots[0])
    if function == "gru":  # torch: r, z, n; ours: g, r, z, n, where g and n are the two halves of n
        recurrent = recurrent[[1, 2, 0]]
        input_bias = torch.stack((slots[1], slots[2], slots[3]))
        recurrent_bias = torch.stack((zeros, zeros, slots[0]))
    else:
        input_bias, recurrent_bias = slots, torch.zeros_like(slots)
    weights = {
        "weight_ih_l0": torch.eye(G * D, dtype=Wx.dtype),
        "weight_hh_l0": recurrent.flatten(0, 1),
        "bias_ih_l0": input_bias.flatten(),
        "bias_hh_l0": recurrent_bias.flatten(),
    }
    return lambda hx: torch.func.functional_call(layer, weights, (Wx.view(B, T, -1), hx))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("function", ("lstm", "gru", "elman"))
def test_one_head_is_torchs_own_layer(function, backend):
    tensors = random_tensors(function, B=3, T=11, H=1, D=6)
    states, last = flashrnn(*tensors, function=function, backend=backend)
    actual = gradients(weighted_sum(states[0], *last), tensors)

    Wx, R, b, initial = tensors
    start = initial[:, :, 0].permute(2, 0, 1, 3)[0]
    hx = (start[0][None], start[1][None]) if function == "lstm" else start[0][None]
    h, last_torch = _torch_layer(function, Wx, R, b)(hx)
    last_torch = torch.stack(last_torch) if function == "lstm" else last_torch[None]
    expected = gradients(weighted_sum(h[:, :, None], *last_torch), tensors)

    torch.testing.assert_close(states[0], h[:, :, None], rtol=0, atol=1e-14)
    torch.testing.assert_close(last[:, :, 0, 0], last_torch[:, 0], rtol=0, atol=1e-14)
    for one, other in zip(actual, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_hand_written_derivatives_are_those_of_the_equations(function):
    """Every coefficient at random points, among them those where the sLSTM starts afresh."""
    cell, derivative = CELLS[function], DERIVATIVES[function]
    generator = torch.Generator().manual_seed(1)
    points = torch.randn(2, len(cell.gates) + len(cell.states), 400, generator=generator, dtype=torch.float64)
    values = [value.requires_grad_() for value in (3 * points[0]).unbind(0)]
    gates, states = values[: len(cell.gates)], values[len(cell.gates) :]
    if "n" in cell.states:
        with torch.no_grad():
            states[2].abs_()
            states[2][:100] = 0
    new = cell.pointwise(gates, states)
    incoming = points[1, : len(cell.states)].unbind(0)
    expected = torch.autograd.grad(new, values, incoming, allow_unused=True)

    with torch.no_grad():
        dgates = torch.empty(len(cell.gates), 400, dtype=torch.float64)
        coefficients = derivative.coefficients(gates, states, new)
        direct, others = derivative.pull_back(coefficients, incoming, dgates)
    for slot in range(len(cell.gates)):
        torch.testing.assert_close(dgates[slot], expected[slot], rtol=1e-11, atol=1e-12)
    for actual, wanted in zip((direct, *others), expected[len(cell.gates) :], strict=True):
        if wanted is None:
            assert actual is None
        else:
            torch.testing.assert_close(actual, wanted, rtol=1e-11, atol=1e-12)


def _slstm_step(states, gates):
    """One sLSTM step on vectors, in float64."""
    tensors = [torch.tensor(value, dtype=torch.float64) for value in gates]
    current = [torch.tensor(value, dtype=torch.float64) for value in states]
    return [value.tolist() for value in CELLS["slstm"].pointwise(tensors, current)]


def test_slstm_starts_afresh_where_n_is_zero_element_by_element():
    h, c, n, m = _slstm_step(
        states=([0.0, 0.0], [0.0, 2.0], [0.0, 4.0], [5.0, 5.0]),
        gates=([-1.0, -1.0], [50.0, 50.0], [0.0, 0.0], [0.0, 0.0]),
    )
    # The first element holds nothing: m is its own input gate, not the carried 5. The second keeps 5.
    assert m == pytest.approx([-1.0, 5.0])
    assert n == pytest.approx([1.0, 4.0 + torch.tensor(-6.0).exp().item()])
    assert c == pytest.approx([0.0, 2.0])
    assert h == pytest.approx([0.0, 0.5 * c[1] / n[1]])


@pytest.mark.parametrize("backend", BACKENDS)
def test_slstm_n_zero_of_one_sample_does_not_touch_another(backend):
    Wx, R, b, initial = (tensor.detach() for tensor in random_tensors("slstm", B=2))
    initial[1:, 0] = 0
    both, _ = flashrnn(Wx, R, b, initial, function="slstm", backend=backend)
    for sample in range(2):
        alone, _ = flashrnn(
            Wx[sample : sample + 1],
            R,
            b,
            initial[:, sample : sample + 1],
            function="slstm",
            backend=backend,
        )
        torch.testing.assert_close(both[:, sample : sample + 1], alone, rtol=0, atol=1e-14)


@pytest.mark.parametrize("dtype", (torch.float32, torch.float64), ids=str)
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("gate", (-1000.0, -100.0, 100.0, 1000.0))
def test_slstm_stays_finite_for_extreme_input_gates(backend, dtype, gate):
    tensors = random_tensors("slstm", T=4, dtype=dtype)
    with torch.no_grad():
        tensors[0][:, :, 0] = gate
    states, _ = flashrnn(*tensors[:3], function="slstm", backend=backend)
    assert states.isfinite().all()
    # Nothing is held before the first step, so h_1 = σ(o) tanh(z) whatever the input gate is.
    z, o = ((tensors[0][:, 0] + tensors[2])[:, slot] for slot in (2, 3))
    torch.testing.assert_close(states[0, :, 0], torch.sigmoid(o) * torch.tanh(z), rtol=1e-5, atol=1e-6)
    assert all(one.isfinite().all() for one in gradients(weighted_sum(states), tensors[:3]))


def test_unknown_cells_are_refused():
    with pytest.raises(ValueError, match="function must be one of lstm, gru, elman, slstm, not 'mlstm'"):
        get_cell("mlstm")
