"""The hand-written backward against autograd's, with all options in any combination."""

import re
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from flashrnn import FlashRNNConfig, cells, flashrnn, vanilla_fwbw
from tests.flashrnn.reference import FUNCTIONS, gradients, random_tensors, weighted_sum

_PAGE = (Path(__file__).parents[2] / "docs" / "flashrnn.md").read_text(encoding="utf-8")


def _result(tensors, config, **options):
    states, last = flashrnn(*tensors, config=config, **options)
    return states, last, *gradients(weighted_sum(states, last), tensors)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.data())
def test_both_vanilla_backends_agree_whatever_is_asked(data):
    function = data.draw(st.sampled_from(FUNCTIONS))
    B, T, H, D = (data.draw(st.integers(1, most)) for most in (3, 6, 3, 5))
    limit = st.none() | st.floats(0.01, 2)
    fields = {
        "function": function,
        "gradient_recurrent_cut": data.draw(st.booleans()),
        "gradient_recurrent_clipval": data.draw(limit),
        "forward_clipval": data.draw(limit),
        "initial_val": data.draw(st.floats(-2, 2)),
    }
    options = {}
    if data.draw(st.booleans()):
        options["lengths"] = data.draw(st.lists(st.integers(0, T), min_size=B, max_size=B))
    if data.draw(st.booleans()):
        cells = data.draw(st.lists(st.booleans(), min_size=B * T, max_size=B * T))
        options["reset_mask"] = torch.tensor(cells).view(B, T)
    tensors = random_tensors(function, B, T, H, D, seed=data.draw(st.integers(0, 2**32)))
    tensors = tensors[: data.draw(st.sampled_from((3, 4)))]
    block = data.draw(st.sampled_from((1, 40, 1 << 18)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vanilla_fwbw, "_BLOCK", block)
        actual = _result(tensors, FlashRNNConfig(backend="vanilla_fwbw", **fields), **options)
    expected = _result(tensors, FlashRNNConfig(backend="vanilla", **fields), **options)
    for one, other in zip(actual, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_long_sequence_goes_backward_in_several_blocks(function):
    tensors = random_tensors(function, B=8, T=150, H=4, D=33)
    steps = vanilla_fwbw._BLOCK // (8 * 4 * 33 * len(FlashRNNConfig(function=function).cell.gates))
    if function != "elman":
        assert steps < 150 and 150 % steps
    actual = _result(tensors, FlashRNNConfig(function=function, backend="vanilla_fwbw"))
    expected = _result(tensors, FlashRNNConfig(function=function, backend="vanilla"))
    for one, other in zip(actual, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("backend", ("vanilla", "vanilla_fwbw"))
def test_float32_states_stream_half_precision_inputs_without_rounding(backend):
    Wx, R, b, initial = (tensor.detach().float() for tensor in random_tensors("slstm", T=12))
    config = FlashRNNConfig(function="slstm", backend=backend, dtype="bfloat16", dtype_s="float32")
    whole, _ = flashrnn(Wx, R, b, initial, config=config)
    first, carried = flashrnn(Wx[:, :7], R, b, initial, config=config)
    second, _ = flashrnn(Wx[:, 7:], R, b, carried, config=config)
    assert torch.equal(torch.cat((first, second), 2), whole)


def test_the_documentation_states_the_same_equations():
    def equations(text):
        return {" ".join(line.split()) for line in text.splitlines() if re.search(r"  \([A-Z]?\d\)$", line)}

    statement = equations(Path(cells.__file__).read_text(encoding="utf-8"))
    assert len(statement) == 12
    documented = {re.sub(r"^(Elman|LSTM|GRU|sLSTM) ", "", line) for line in equations(_PAGE)}
    assert documented == statement


def test_the_documentations_first_example_runs():
    scope = {}
    exec(_PAGE.split("```python\n")[1].split("```")[0], scope)
    assert scope["h"].shape == (8, 256, 3, 32)
    assert scope["states"].shape == scope["last_states"].shape == (2, 8, 1, 3, 32)
    assert scope["R"].grad.abs().max() > 0
