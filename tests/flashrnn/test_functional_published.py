"""The package published as flashrnn on PyPI (1.0.8), where it is installed beside this one.

It has this package's import name, so it is looked for in a folder of its own: the one that
FLASHRNN_PUBLISHED names, by default `published` in the virtual environment.

    pip install flashrnn==1.0.8 --no-deps --target .venv/published
"""

import inspect
from dataclasses import fields

import pytest
import torch

from benchmarks.flashrnn_cpu import published_package
from flashrnn import FlashRNNConfig, flashrnn
from tests.flashrnn.reference import FUNCTIONS, gradients, random_tensors, weighted_sum


@pytest.fixture(scope="module")
def published():
    package = published_package()
    if package is None:
        pytest.skip("the published flashrnn package is not installed")
    return package


ORDERS = [
    {"input_shape": input_shape, "recurrent_shape": recurrent, "bias_shape": bias, "output_shape": output}
    for input_shape, recurrent, bias, output in (
        ("BTGHD", "GHDP", "GHD", "SBTHD"),
        ("TBGHD", "GHDP", "GHD", "STBHD"),
        ("TBHDG", "HGDP", "HGD", "SBHTD"),
        ("TBHGD", "HPGD", "HDG", "TBSHD"),
        ("BTGHD", "HPDG", "HGD", "BTSHD"),
        ("TBGHD", "HDGP", "HDG", "TSHBD"),
    )
]


@pytest.mark.parametrize("orders", ORDERS, ids=lambda orders: "-".join(orders.values()))
@pytest.mark.parametrize("function", FUNCTIONS)
def test_outputs_agree_in_every_order(published, function, orders):
    tensors = random_tensors(function, B=3, T=6, H=2, D=5)
    own = ("BTGHD", "GHDP", "GHD", "SBTHD")
    wanted = (
        orders["input_shape"],
        orders["recurrent_shape"],
        orders["bias_shape"],
        orders["output_shape"],
    )
    moved = [
        tensor.detach().permute([a.index(axis) for axis in b]).contiguous().requires_grad_()
        for tensor, a, b in zip(tensors, own, wanted, strict=True)
    ]
    common = {"function": function, "backend": "vanilla", "num_heads": 2, "hidden_dim": 10, **orders}
    ours = flashrnn(*moved, config=FlashRNNConfig(**common))
    theirs = published.flashrnn(*moved, config=published.FlashRNNConfig(dtype="float32", **common))
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-13)
    # Its states are copied into one buffer under autograd, so gradients can be compared as well.
    h = wanted[3].index("S")
    for one, other in zip(
        gradients(weighted_sum(ours[0].select(h, 0)), moved),
        gradients(weighted_sum(theirs[0].select(h, 0)), moved),
        strict=True,
    ):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_calls_without_a_config_agree(published, function):
    Wx, R, b, _ = (tensor.float() for tensor in random_tensors(function))
    ours = flashrnn(Wx, R, b, function=function, backend="vanilla")
    theirs = published.flashrnn(Wx, R, b, function=function, backend="vanilla")
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


def test_the_call_takes_the_same_arguments_in_the_same_order(published):
    theirs = list(inspect.signature(published.flashrnn).parameters)
    assert list(inspect.signature(flashrnn).parameters)[: len(theirs)] == theirs


def test_the_config_completes_its_dimensions_alike(published):
    shared = {field.name for field in fields(FlashRNNConfig)}
    assert shared <= {field.name for field in fields(published.FlashRNNConfig(head_dim=4, num_heads=2))}
    for given in ({"hidden_dim": 12}, {"hidden_dim": 12, "head_dim": 4}, {"num_heads": 3, "head_dim": 4}):
        for function in FUNCTIONS:
            values = {"function": function, "backend": "vanilla", "dtype": "float32", **given}
            ours, theirs = FlashRNNConfig(**values), published.FlashRNNConfig(**values)
            for name in ("hidden_dim", "num_heads", "head_dim", "num_states", "num_gates_r", "num_gates_w"):
                assert getattr(ours, name) == getattr(theirs, name), name
            assert ours.num_gates_t == theirs.num_gates_t and ours.input_dim == theirs.input_dim
            assert ours.torch_dtype_w == theirs.torch_dtype_w == torch.float32
