"""Every cell, backend, dtype, size and axis order against the float64 statement of the equations."""

import pytest
import torch

from flashrnn import FlashRNNConfig, flashrnn
from tests.flashrnn.reference import (
    DTYPES,
    FUNCTIONS,
    assert_close,
    gradients,
    random_tensors,
    reference,
    weighted_sum,
)

BACKENDS = ("vanilla", "vanilla_fwbw", "auto")
SIZES = ((1, 1, 1, 5), (1, 63, 5, 3), (3, 7, 2, 17), (2, 4, 1, 1))  # B, T, H, D


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("sizes", SIZES, ids=lambda sizes: "B{}-T{}-H{}-D{}".format(*sizes))
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_outputs_and_all_gradients_are_those_of_the_equations(function, backend, sizes, dtype):
    tensors = random_tensors(function, *sizes, dtype=dtype)
    states, last = flashrnn(*tensors, function=function, backend=backend)
    actual = gradients(weighted_sum(states, last), tensors)

    exact = [tensor.detach().double().requires_grad_() for tensor in tensors]
    expected = reference(function, *exact)
    expected_gradients = gradients(weighted_sum(expected, expected[:, :, -1:]), exact)

    assert states.dtype == last.dtype == dtype
    steps = sizes[1]
    assert_close(states, expected, dtype, steps, "states")
    assert_close(last, expected[:, :, -1:], dtype, steps, "last states")
    for name, one, other in zip(("Wx", "R", "b", "states"), actual, expected_gradients, strict=True):
        assert one.dtype == dtype
        assert_close(one, other, dtype, steps, f"gradient of {name}")


@pytest.mark.parametrize("backend", ("vanilla", "vanilla_fwbw"))
@pytest.mark.parametrize("function", FUNCTIONS)
def test_axis_orders_change_nothing_but_the_order_of_axes(function, backend):
    tensors = [tensor.detach() for tensor in random_tensors(function, B=2, T=3, H=2, D=5)]
    states, last = flashrnn(*tensors, function=function, backend=backend)
    own = ("BTGHD", "GHDP", "GHD", "SBTHD")
    inputs = ["TBGHD", "TBHGD", "TBHDG", "DHGTB", "BTHDG"]
    recurrent = ["HGDP", "HPGD", "HPDG", "HDGP", "PDHG"]
    bias = ["HGD", "HDG", "GDH", "DHG", "GHD"]
    output = ["SBHTD", "STBHD", "TBSHD", "TSHBD", "BTSHD"]
    for orders in zip(inputs, recurrent, bias, output, strict=True):
        config = FlashRNNConfig(
            function=function,
            backend=backend,
            input_shape=orders[0],
            recurrent_shape=orders[1],
            bias_shape=orders[2],
            output_shape=orders[3],
        )
        moved = [
            tensor.permute([a.index(axis) for axis in b]).contiguous()
            for tensor, a, b in zip(tensors, own, orders, strict=True)
        ]
        there, there_last = flashrnn(*moved, config=config)
        back = [orders[3].index(axis) for axis in "SBTHD"]
        torch.testing.assert_close(there.permute(back), states, rtol=0, atol=1e-14)
        torch.testing.assert_close(there_last.permute(back), last, rtol=0, atol=1e-14)


@pytest.mark.parametrize("backend", ("vanilla", "vanilla_fwbw"))
@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("cuts", ((4,), (1, 2, 3, 4, 5, 6)), ids=("two-chunks", "single-steps"))
def test_chunks_with_carried_states_equal_the_whole(function, backend, cuts):
    tensors = random_tensors(function, T=7)
    Wx, R, b, initial = tensors
    config = FlashRNNConfig(function=function, backend=backend, gradient_recurrent_clipval=0.2)
    whole, last = flashrnn(Wx, R, b, initial, config=config)
    expected = gradients(weighted_sum(whole, last), tensors)
    carried, parts = initial, []
    for chunk in torch.tensor_split(Wx, cuts, 1):
        states, carried = flashrnn(chunk, R, b, carried, config=config)
        parts.append(states)
    chunked = torch.cat(parts, 2)
    actual = gradients(weighted_sum(chunked, carried), tensors)
    torch.testing.assert_close(chunked, whole, rtol=0, atol=1e-14)
    torch.testing.assert_close(carried, last, rtol=0, atol=1e-14)
    for one, other in zip(actual, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("backend", ("vanilla", "vanilla_fwbw"))
@pytest.mark.parametrize("function", FUNCTIONS)
def test_forward_clipval_clips_h_and_stops_its_gradient(function, backend):
    tensors = random_tensors(function)
    config = FlashRNNConfig(function=function, backend=backend, forward_clipval=0.3)
    states, last = flashrnn(*tensors, config=config)
    expected = reference(function, *tensors, forward_clipval=0.3)
    clipped = states[0].abs() == 0.3
    assert clipped.any() and not clipped.all()
    torch.testing.assert_close(states, expected, rtol=0, atol=1e-14)
    actual = gradients(weighted_sum(states, last), tensors)
    for one, other in zip(
        actual, gradients(weighted_sum(expected, expected[:, :, -1:]), tensors), strict=True
    ):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("backend", ("vanilla", "vanilla_fwbw"))
def test_recurrent_gradients_are_clipped_at_every_step(backend):
    """Elman with R = 2 and g = 0: h = 0, and dh_{t-1} gets 2 dh_t before the clip, all whole numbers."""
    Wx = torch.zeros(1, 3, 1, 1, 1, dtype=torch.float64, requires_grad=True)
    R = torch.full((1, 1, 1, 1), 2.0, dtype=torch.float64)
    b = torch.zeros(1, 1, 1, dtype=torch.float64)
    initial = torch.zeros(1, 1, 1, 1, 1, dtype=torch.float64, requires_grad=True)
    config = FlashRNNConfig(function="elman", backend=backend, gradient_recurrent_clipval=3.0)
    states, _ = flashrnn(Wx, R, b, initial, config=config)
    inputs, start = torch.autograd.grad(states.sum(), [Wx, initial])
    # dh_3 = 1; dh_2 = 1 + 2; dh_1 = 1 + clip(6); dh_0 = clip(8).
    assert inputs.flatten().tolist() == [4.0, 3.0, 1.0]
    assert start.item() == 3.0


@pytest.mark.parametrize("backend", ("vanilla", "vanilla_fwbw"))
@pytest.mark.parametrize("function", FUNCTIONS)
def test_recurrent_cut_leaves_only_the_direct_paths(function, backend):
    tensors = random_tensors(function)
    config = FlashRNNConfig(function=function, backend=backend, gradient_recurrent_cut=True)
    states, _ = flashrnn(*tensors, config=config)
    actual = gradients(weighted_sum(states), tensors)
    # The same function, with R h of every step given as an input that has no gradient of its own.
    h = torch.cat((tensors[3][0], states[0]), 1)[:, :-1].detach()
    Wx, R, b, initial = tensors
    extra = torch.einsum("ghdp,bthp->btghd", R, h)
    cell = config.cell
    shape = (*Wx.shape[:2], len(cell.gates), *Wx.shape[3:])
    current, history = tuple(initial[:, :, 0]), []
    for t in range(shape[1]):
        full = torch.zeros(shape[0], *shape[2:], dtype=torch.float64) + b
        full = full + torch.nn.functional.pad(Wx[:, t], (0, 0, 0, 0, cell.first_input_gate, 0))
        missing = len(cell.gates) - cell.recurrent_gates
        full = full + torch.nn.functional.pad(extra[:, t], (0, 0, 0, 0, 0, missing))
        current = cell.pointwise(full.unbind(1), current)
        history.append(torch.stack(current))
    expected = gradients(weighted_sum(torch.stack(history, 2)), tensors)
    for one, other in zip(actual, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_states_start_at_the_initial_values(function):
    Wx, R, b, _ = random_tensors(function)
    count = FlashRNNConfig(function=function).num_states
    values = [0.5 + s for s in range(count)]
    config = FlashRNNConfig(function=function, backend="vanilla", initial_val=values)
    states, _ = flashrnn(Wx, R, b, config=config)
    given = torch.tensor(values, dtype=torch.float64)[:, None, None, None, None].expand(-1, 2, 1, 2, 4)
    expected, _ = flashrnn(Wx, R, b, given, config=config)
    assert torch.equal(states, expected)


def test_float32_results_do_not_depend_on_the_other_samples_of_a_batch():
    Wx, R, b, initial = random_tensors("slstm", B=3, dtype=torch.float32)
    states, _ = flashrnn(Wx, R, b, initial, function="slstm", backend="vanilla")
    alone, _ = flashrnn(Wx[1:2], R, b, initial[:, 1:2], function="slstm", backend="vanilla")
    torch.testing.assert_close(states[:, 1:2], alone, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("backend", ("vanilla", "vanilla_fwbw"))
def test_dtypes_by_role(backend):
    Wx, R, b, initial = random_tensors("lstm", dtype=torch.float32)
    config = FlashRNNConfig(backend=backend, dtype="bfloat16", dtype_s="float32", dtype_b="float32")
    states, last = flashrnn(Wx, R, b, initial, config=config)
    assert states.dtype == last.dtype == torch.float32
    rounded = [tensor.detach().bfloat16().double() for tensor in (Wx, R)]
    expected = reference("lstm", *rounded, b.detach(), initial.detach())
    assert_close(states, expected, torch.float32, 5, "states")
    for one, tensor in zip(
        gradients(weighted_sum(states), [Wx, R, b, initial]), (Wx, R, b, initial), strict=True
    ):
        assert one.dtype == tensor.dtype


@pytest.mark.parametrize("backend", BACKENDS)
def test_autocast_casts_inputs_but_not_the_accumulation(backend):
    tensors = random_tensors("lstm", T=20, dtype=torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        states, last = flashrnn(*tensors, backend=backend)
    assert states.dtype == last.dtype == torch.bfloat16
    rounded = [tensor.detach().bfloat16() for tensor in tensors]
    assert_close(states, reference("lstm", *rounded), torch.bfloat16, 20, "states")
    assert all(one.dtype == torch.float32 for one in gradients(weighted_sum(states), tensors))


def test_gates_kept_in_half_precision_change_gradients_by_rounding_only():
    tensors = random_tensors("lstm", T=9)
    exact = gradients(weighted_sum(flashrnn(*tensors, backend="vanilla_fwbw")[0]), tensors)
    config = FlashRNNConfig(backend="vanilla_fwbw", dtype_g="float16")
    rounded = gradients(weighted_sum(flashrnn(*tensors, config=config)[0]), tensors)
    for one, other in zip(rounded, exact, strict=True):
        difference = (one - other).abs().max() / other.abs().max()
        assert 0 < difference < 8 * torch.finfo(torch.float16).eps
