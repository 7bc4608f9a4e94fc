"""LSTM, GRU and RNN of flashrnn.nn against those of torch.nn: outputs, states and all gradients.

In float64 the layers run by flashrnn's own backends, in float32 with one head by PyTorch's call.
"""

import copy
import pickle

import pytest
import torch
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

from flashrnn import nn as rnn
from flashrnn.nn import pytorch

PAIRS = {"LSTM": (torch.nn.LSTM, rnn.LSTM), "GRU": (torch.nn.GRU, rnn.GRU), "RNN": (torch.nn.RNN, rnn.RNN)}
# Rounding only: the sums of at most a few dozen terms of size 1, over a few steps.
TOLERANCE = {torch.float64: 1e-12, torch.float32: 2e-5}
OPTIONS = (
    {},
    {"batch_first": True, "bias": False},
    {"num_layers": 2, "bidirectional": True},
    {"num_layers": 3, "batch_first": True},
    {"proj_size": 3},
    {"proj_size": 2, "num_layers": 2, "bidirectional": True, "batch_first": True},
)
CASES = [
    (name, options) for name in PAIRS for options in OPTIONS if name == "LSTM" or "proj_size" not in options
]
BACKENDS = (
    (torch.float64, "vanilla"),
    (torch.float64, "vanilla_fwbw"),
    (torch.float32, "auto"),
)


def as_tuple(states):
    return states if isinstance(states, tuple) else (states,)


def random_hx(module, batch, dtype):
    count = module.num_layers * (2 if module.bidirectional else 1)
    axes = (count,) if batch is None else (count, batch)
    h = torch.randn(*axes, module.proj_size or module.hidden_size, dtype=dtype, requires_grad=True)
    if not isinstance(module, torch.nn.LSTM):
        return h
    return h, torch.randn(*axes, module.hidden_size, dtype=dtype, requires_grad=True)


def results_and_gradients(module, x, hx):
    """Output, last states, and the gradients of a weighted sum of all of them, by name."""
    output, last = module(x, hx)
    data = output.data if isinstance(output, PackedSequence) else output
    results = (data, *as_tuple(last))
    generator = torch.Generator().manual_seed(7)
    total = sum(
        (result * torch.randn(result.shape, generator=generator, dtype=result.dtype)).sum()
        for result in results
    )
    inputs = {"input": x.data if isinstance(x, PackedSequence) else x, **dict(module.named_parameters())}
    if hx is not None:
        inputs |= {f"hx{index}": state for index, state in enumerate(as_tuple(hx))}
    return results, dict(zip(inputs, torch.autograd.grad(total, list(inputs.values())), strict=True))


def assert_same(theirs, ours, x, hx, tolerance):
    expected, expected_gradients = results_and_gradients(theirs, x, hx)
    actual, gradients = results_and_gradients(ours, x, hx)
    for one, other in zip(actual, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=tolerance, atol=tolerance)
    assert gradients.keys() == expected_gradients.keys()
    for name, gradient in gradients.items():
        torch.testing.assert_close(
            gradient, expected_gradients[name], rtol=tolerance, atol=10 * tolerance, msg=name
        )


@pytest.mark.parametrize(("dtype", "backend"), BACKENDS)
@pytest.mark.parametrize(("name", "options"), CASES)
def test_outputs_states_and_gradients_are_those_of_torch(name, options, dtype, backend):
    torch.manual_seed(0)
    theirs = PAIRS[name][0](5, 6, dtype=dtype, **options)
    ours = PAIRS[name][1].from_torch(theirs, backend=backend)
    shape = (3, 7, 5) if theirs.batch_first else (7, 3, 5)
    x = torch.randn(shape, dtype=dtype, requires_grad=True)
    for hx in (None, random_hx(theirs, 3, dtype)):
        assert_same(theirs, ours, x, hx, TOLERANCE[dtype])


@pytest.mark.parametrize(("dtype", "backend"), BACKENDS)
@pytest.mark.parametrize("name", PAIRS)
def test_one_sequence_without_a_batch_axis(name, dtype, backend):
    torch.manual_seed(1)
    for batch_first in (False, True):
        theirs = PAIRS[name][0](4, 3, num_layers=2, bidirectional=True, batch_first=batch_first, dtype=dtype)
        ours = PAIRS[name][1].from_torch(theirs, backend=backend)
        x = torch.randn(6, 4, dtype=dtype, requires_grad=True)
        for hx in (None, random_hx(theirs, None, dtype)):
            assert_same(theirs, ours, x, hx, TOLERANCE[dtype])


@pytest.mark.parametrize(("dtype", "backend"), BACKENDS)
@pytest.mark.parametrize("enforce_sorted", (True, False))
@pytest.mark.parametrize("name", PAIRS)
def test_packed_sequences(name, enforce_sorted, dtype, backend):
    torch.manual_seed(2)
    options = {"proj_size": 2} if name == "LSTM" else {}
    theirs = PAIRS[name][0](4, 3, num_layers=2, bidirectional=True, dtype=dtype, **options)
    ours = PAIRS[name][1].from_torch(theirs, backend=backend)
    lengths = torch.tensor([6, 4, 4, 1] if enforce_sorted else [4, 1, 6, 4])
    packed = pack_padded_sequence(torch.randn(6, 4, 4, dtype=dtype), lengths, enforce_sorted=enforce_sorted)
    packed = PackedSequence(packed.data.requires_grad_(), *packed[1:])
    for hx in (None, random_hx(theirs, 4, dtype)):
        assert_same(theirs, ours, packed, hx, TOLERANCE[dtype])
    output, _ = ours(packed)
    for one, other in zip(output[1:], packed[1:], strict=True):
        assert (one is None and other is None) or torch.equal(one, other)


@pytest.mark.parametrize(("dtype", "backend"), BACKENDS)
@pytest.mark.parametrize("name", PAIRS)
def test_dropout_is_between_layers_and_in_training_only(name, dtype, backend):
    torch.manual_seed(3)
    ours = PAIRS[name][1](4, 5, num_layers=2, dropout=1.0, backend=backend, dtype=dtype)
    x = torch.randn(6, 2, 4, dtype=dtype)
    output, last = ours(x)
    assert output.shape == (6, 2, 5) and as_tuple(last)[0].shape == (2, 2, 5)
    # With everything dropped the second layer sees nothing of x.
    torch.testing.assert_close(output, ours(2 * x)[0], rtol=0, atol=0)
    assert output.abs().min() > 0
    ours.dropout = 0.5
    assert not torch.equal(ours(x)[0], ours(x)[0])
    ours.eval()
    without = PAIRS[name][1](4, 5, num_layers=2, backend=backend, dtype=dtype)
    without.load_state_dict(ours.state_dict())
    torch.testing.assert_close(ours(x)[0], without(x)[0], rtol=0, atol=0)


@pytest.mark.parametrize(("name", "options"), CASES)
def test_torch_modules_pass_there_and_back_unchanged(name, options):
    theirs = PAIRS[name][0](4, 6, **options).eval()
    theirs.weight_hh_l0.requires_grad_(False)
    ours = PAIRS[name][1].from_torch(theirs)
    back = ours.to_torch()
    assert type(back) is type(theirs)
    assert not ours.training and not back.training
    for module in (ours, back):
        assert module.state_dict().keys() == theirs.state_dict().keys()
        for key, parameter in theirs.named_parameters():
            copied = module.get_parameter(key)
            assert torch.equal(copied, parameter) and copied.data_ptr() != parameter.data_ptr()
            assert copied.requires_grad == parameter.requires_grad
    for field in (
        "input_size",
        "hidden_size",
        "num_layers",
        "bias",
        "batch_first",
        "bidirectional",
        "proj_size",
    ):
        assert getattr(back, field) == getattr(ours, field) == getattr(theirs, field)


@pytest.mark.parametrize("name", PAIRS)
def test_a_seed_gives_the_weights_that_it_gives_torch(name):
    modules = []
    for module_class in PAIRS[name]:
        torch.manual_seed(4)
        modules.append(module_class(4, 6, num_layers=2, bidirectional=True))
    theirs, ours = (module.state_dict() for module in modules)
    assert all(torch.equal(ours[key], value) for key, value in theirs.items())


@pytest.mark.parametrize("name", PAIRS)
def test_training_takes_the_steps_that_it_takes_with_torch(name):
    torch.manual_seed(6)
    theirs = PAIRS[name][0](3, 4, dtype=torch.float64)
    ours = PAIRS[name][1].from_torch(theirs)
    x, target = torch.randn(5, 2, 3, dtype=torch.float64), torch.randn(5, 2, 4, dtype=torch.float64)
    for module in (theirs, ours):
        optimizer = torch.optim.Adam(module.parameters(), lr=0.01)
        for _ in range(5):
            optimizer.zero_grad()
            (module(x)[0] - target).square().mean().backward()
            optimizer.step()
    for key, parameter in theirs.named_parameters():
        torch.testing.assert_close(ours.get_parameter(key), parameter, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("module_class", (rnn.LSTM, rnn.GRU, rnn.RNN, rnn.sLSTM))
def test_state_dicts_copies_and_pickles_compute_the_same(module_class):
    torch.manual_seed(5)
    module = module_class(4, 6, num_layers=2, num_heads=2, bidirectional=True)
    other = module_class(4, 6, num_layers=2, num_heads=2, bidirectional=True)
    other.load_state_dict(module.state_dict())
    x = torch.randn(3, 2, 4)
    expected, expected_last = module(x)
    for same in (other, copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        output, last = same(x)
        assert torch.equal(output, expected)
        assert all(map(torch.equal, as_tuple(last), as_tuple(expected_last)))
    wide = copy.deepcopy(module).to(torch.float64)
    torch.testing.assert_close(wide(x.double())[0], expected.double(), rtol=1e-5, atol=1e-6)
    narrow = copy.deepcopy(module).to(torch.bfloat16)
    output, last = narrow(x.bfloat16())
    assert output.dtype == torch.bfloat16 and as_tuple(last)[0].dtype == torch.bfloat16
    # A few roundings to bfloat16 (2^-9 each) of values of size 1.
    torch.testing.assert_close(output.float(), expected, rtol=0, atol=0.03)


def test_pytorchs_call_serves_one_head_in_float32_on_the_cpu_and_nothing_else(monkeypatch):
    calls = []

    def counted(*arguments):
        calls.append(arguments)
        return torch.lstm(*arguments)

    monkeypatch.setitem(pytorch._CALLS, "lstm", counted)
    x = torch.randn(4, 2, 3)
    rnn.LSTM(3, 4)(x)
    assert len(calls) == 1
    rnn.LSTM(3, 4, num_heads=2)(x)
    rnn.LSTM(3, 4, backend="vanilla")(x)
    rnn.LSTM(3, 4, dtype=torch.float64)(x.double())
    rnn.LSTM(3, 4)(x, reset_mask=torch.zeros(2, 4, dtype=torch.bool))
    with torch.autocast("cpu", torch.bfloat16):
        assert rnn.LSTM(3, 4)(x)[0].dtype == torch.bfloat16
    torch.compile(rnn.LSTM(3, 4), fullgraph=True, backend="eager")(x)
    assert len(calls) == 1
