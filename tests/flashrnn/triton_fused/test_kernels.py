"""The kernels against the float64 statement of the equations: on a GPU, or in Triton's interpreter.

The interpreter multiplies neither float64 nor bfloat16; test_gpu.py has what needs a GPU.
"""

import pytest
import torch

from flashrnn import FlashRNNConfig, available_backends, flashrnn, operators
from flashrnn.backends import Settings
from tests.flashrnn.reference import (
    FUNCTIONS,
    assert_close,
    gradients,
    random_tensors,
    reference,
    weighted_sum,
)

pytest.importorskip("triton", reason="Triton is not installed")

DTYPES = (torch.float32, torch.float16)
# B, T, H, D: one of everything; odd sizes; two tiles of the batch; several tiles of the head dimension.
SIZES = ((1, 1, 1, 5), (2, 5, 2, 17), (17, 2, 1, 3), (2, 2, 1, 67))


def _on(device, tensors):
    return [tensor.detach().to(device).requires_grad_() for tensor in tensors]


def _check(actual, expected, dtype, steps):
    names = ("states", "last states", *(f"gradient of {name}" for name in ("Wx", "R", "b", "states")))
    for name, one, other in zip(names, actual, expected, strict=True):
        assert one.dtype == dtype
        assert_close(one.cpu(), other, dtype, steps, name, rounds_every_step=True)


def _run(tensors, **options):
    states, last = flashrnn(*tensors, **options)
    return states, last, *gradients(weighted_sum(states.cpu(), last.cpu()), tensors)


def _exact(tensors, function, **options):
    """The same in float64, by the equations."""
    exact = [tensor.detach().double().requires_grad_() for tensor in tensors]
    states = reference(function, *exact, **options)
    last = states[:, :, -1:]
    return states, last, *gradients(weighted_sum(states, last), exact)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("sizes", SIZES, ids=lambda sizes: "B{}-T{}-H{}-D{}".format(*sizes))
@pytest.mark.parametrize("function", FUNCTIONS)
def test_outputs_and_all_gradients_are_those_of_the_equations(function, sizes, dtype, device):
    tensors = random_tensors(function, *sizes, dtype=dtype)
    actual = _run(_on(device, tensors), function=function, backend="triton_fused")
    _check(actual, _exact(tensors, function), dtype, sizes[1])


@pytest.mark.parametrize("initial_val", (0.0, 0.7))
@pytest.mark.parametrize("function", FUNCTIONS)
def test_resets_and_clipped_outputs_are_those_of_the_equations(function, initial_val, device):
    """With initial_val = 0 the sLSTM starts at n = 0, also amid the sequence."""
    tensors = random_tensors(function, B=3, T=4)
    tensors = [tensor.detach().float().requires_grad_() for tensor in tensors]
    mask = torch.tensor([[False, False, True, False], [True, False, False, True], [False] * 4])
    config = FlashRNNConfig(
        function=function, backend="triton_fused", initial_val=initial_val, forward_clipval=0.4
    )
    actual = _run(_on(device, tensors), config=config, reset_mask=mask.to(device))
    assert (actual[0][0].abs() == torch.tensor(0.4)).any()
    expected = _exact(tensors, function, reset_mask=mask, initial_val=initial_val, forward_clipval=0.4)
    _check(actual, expected, torch.float32, 4)
    assert actual[5][:, 1].abs().max() == 0  # the second sample starts with a reset


@pytest.mark.parametrize(
    "fields",
    [
        {"gradient_recurrent_cut": True},
        {"gradient_recurrent_clipval": 0.2},
        {"gradient_recurrent_clipval": 0.1, "gradient_recurrent_cut": True, "forward_clipval": 0.5},
    ],
    ids=lambda fields: "-".join(fields),
)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_gradient_options_and_lengths_are_those_of_vanilla(function, fields, device):
    tensors = random_tensors(function, B=3, T=4, dtype=torch.float32)
    lengths = [4, 2, 0]
    config = FlashRNNConfig(function=function, backend="triton_fused", **fields)
    actual = _run(_on(device, tensors), config=config, lengths=lengths)
    exact = [tensor.detach().double().requires_grad_() for tensor in tensors]
    config = FlashRNNConfig(function=function, backend="vanilla", **fields)
    _check(actual, _run(exact, config=config, lengths=lengths), torch.float32, 4)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_extreme_gates_neither_overflow_nor_lose_the_gradient(function, device):
    tensors = random_tensors(function, B=2, T=4, dtype=torch.float32)
    with torch.no_grad():
        tensors[0] *= 40
    actual = _run(_on(device, tensors), function=function, backend="triton_fused")
    assert all(tensor.isfinite().all() for tensor in actual)
    expected = _exact(tensors, function)
    # Rounding in gates of size 100 is 100 times that of gates of size 1.
    for one, other in zip(actual, expected, strict=True):
        torch.testing.assert_close(one.cpu().double(), other, rtol=2e-4, atol=2e-4)


def test_any_axis_order_and_strides(device):
    tensors = [tensor.detach() for tensor in random_tensors("gru", B=2, T=3, H=3, dtype=torch.float32)]
    expected, _ = flashrnn(*tensors, function="gru", backend="vanilla_fwbw")
    orders = {"input_shape": "BTHDG", "recurrent_shape": "PDHG", "bias_shape": "DHG", "output_shape": "TBSHD"}
    own = ("BTGHD", "GHDP", "GHD", "SBTHD")
    moved = [
        tensor.permute([a.index(axis) for axis in b]).contiguous().to(device).requires_grad_()
        for tensor, a, b in zip(tensors, own, orders.values(), strict=True)
    ]
    config = FlashRNNConfig(function="gru", backend="triton_fused", **orders)
    states, _ = flashrnn(*moved, config=config)
    torch.testing.assert_close(states.cpu().permute(2, 1, 0, 3, 4), expected, rtol=1e-5, atol=1e-6)
    # The gradient of a sum has no strides of its own; that of a slice has.
    (d_Wx,) = torch.autograd.grad(states[..., ::2].sum(), moved[0])
    leaf = tensors[0].requires_grad_()
    whole, _ = flashrnn(leaf, *tensors[1:], function="gru", backend="vanilla_fwbw")
    (wanted,) = torch.autograd.grad(whole[..., ::2].sum(), leaf)
    torch.testing.assert_close(d_Wx.cpu().permute(0, 1, 4, 2, 3), wanted, rtol=1e-5, atol=1e-6)


def test_dtypes_by_role_and_states_carried_in_float32(device):
    tensors = random_tensors("slstm", T=6, dtype=torch.float32)
    fields = {"function": "slstm", "dtype": "float16", "dtype_b": "float32", "dtype_s": "float32"}
    config = FlashRNNConfig(backend="triton_fused", **fields)
    Wx, R, b, initial = _on(device, tensors)
    whole, last = flashrnn(Wx, R, b, initial, config=config)
    assert whole.dtype == last.dtype == torch.float32
    first, carried = flashrnn(Wx[:, :4], R, b, initial, config=config)
    second, _ = flashrnn(Wx[:, 4:], R, b, carried, config=config)
    assert torch.equal(torch.cat((first, second), 2), whole)
    rounded = [tensor.detach().half() for tensor in tensors[:2]]
    expected = reference("slstm", *rounded, *tensors[2:])
    assert_close(whole.cpu(), expected, torch.float16, 6, "states", rounds_every_step=True)
    for one, tensor in zip(gradients(whole.sum(), [Wx, R, b, initial]), tensors, strict=True):
        assert one.dtype == tensor.dtype


def test_nothing_is_kept_without_a_gradient(device):
    tensors = [tensor.detach().to(device) for tensor in random_tensors("lstm", dtype=torch.float32)]
    Wx, R, b, states = tensors[0].transpose(0, 1), tensors[1], tensors[2], tensors[3][:, :, 0]
    settings = Settings("lstm", False, None, None, [0.0, 0.0], torch.float32)
    result = [operators.forward(Wx, R, b, states, None, "triton_fused", t, *settings) for t in (True, False)]
    assert torch.equal(result[0][0], result[1][0])
    assert result[0][1].shape == (5, 2, 4, 2, 4) and result[1][1].shape == (0,)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_opcheck(function, device):
    tensors = [tensor.to(device) for tensor in random_tensors(function, T=2, D=3, dtype=torch.float32)]
    Wx = tensors[0].detach().transpose(0, 1).requires_grad_()
    R, b = (tensor.detach().requires_grad_() for tensor in tensors[1:3])
    states = tensors[3].detach()[:, :, 0].clone().requires_grad_()
    mask = torch.tensor([[True, False], [False, True]], device=device)
    settings = Settings(function, False, 0.5, 0.9, [0.0] * states.shape[0], torch.float16)
    arguments = (Wx, R, b, states, mask, "triton_fused", True, *settings)
    torch.library.opcheck(operators.forward, arguments)
    Wx, R, b, states = (tensor.detach() for tensor in (Wx, R, b, states))
    all_states, residual = operators.forward(Wx, R, b, states, mask, "triton_fused", True, *settings)
    saved = (R, states, all_states, residual, mask, None, None)
    arguments = (torch.ones_like(all_states), *saved, "triton_fused", *settings)
    torch.library.opcheck(operators.backward, arguments)


def test_compiles_exports_and_maps_as_one_operator(device):
    tensors = _on(device, random_tensors("gru", T=2, dtype=torch.float32))

    def run(*tensors):
        return flashrnn(*tensors, function="gru", backend="triton_fused")

    expected = run(*tensors)
    torch._dynamo.reset()
    actual = torch.compile(run, fullgraph=True, backend="aot_eager")(*tensors)
    for one, other in zip(actual, expected, strict=True):
        assert torch.equal(one, other)
    for one, other in zip(
        gradients(actual[0].sum(), tensors), gradients(expected[0].sum(), tensors), strict=True
    ):
        assert torch.equal(one, other)

    class Model(torch.nn.Module):
        def forward(self, *tensors):
            return run(*tensors)[0]

    plain = tuple(tensor.detach() for tensor in tensors)
    program = torch.export.export(Model(), plain)
    assert "flashrnn.forward.default" in [str(node.target) for node in program.graph.nodes]
    assert torch.equal(program.module()(*plain), expected[0])

    many = torch.stack((plain[0], 2 * plain[0])).requires_grad_()
    mapped = torch.vmap(lambda Wx: run(Wx, *plain[1:])[0])(many)
    alone = torch.stack([run(Wx, *plain[1:])[0] for Wx in many])
    torch.testing.assert_close(mapped, alone)
    one, other = (torch.autograd.grad(states.square().sum(), many)[0] for states in (mapped, alone))
    torch.testing.assert_close(one, other)


def test_the_interpreter_is_never_chosen_unasked(device, monkeypatch):
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    assert available_backends()["triton_fused"] is None
    tensors = [tensor.detach() for tensor in random_tensors("lstm", dtype=torch.float32)]
    expected, _ = flashrnn(*tensors, backend="vanilla_fwbw")
    assert torch.equal(flashrnn(*tensors, backend="auto")[0], expected)
