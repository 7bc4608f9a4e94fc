"""The kernels on a GPU: every cell and dtype against the float64 statement, at sizes of real use."""

import copy

import pytest
import torch

from benchmarks.gpu.correctness import smooth_states
from flashrnn import FlashRNNConfig, available_backends, flashrnn
from flashrnn import nn as rnn
from flashrnn.triton_fused import launch
from flashrnn.triton_fused.tiling import largest_head_dim
from tests.flashrnn.reference import FUNCTIONS, assert_close, gradients, random_tensors, reference

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device"),
]

DTYPES = (torch.float32, torch.float16, torch.bfloat16)
SIZES = ((1, 63, 5, 17), (3, 7, 2, 64), (33, 5, 2, 33), (2, 1, 1, 1))  # B, T, H, D


def _run(tensors, weights, **options):
    """States, last states and all gradients of a sum in which every element has its own weight."""
    states, last = flashrnn(*tensors, **options)
    loss = (states.double() * weights[0]).sum() + (last.double() * weights[1]).sum()
    return states, last, *gradients(loss, tensors)


def _weights(states):
    generator = torch.Generator().manual_seed(1)
    shapes = states.shape, states[:, :, -1:].shape
    return [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]


def _check(function, sizes, dtype):
    tensors = random_tensors(function, *sizes, dtype=dtype)
    exact = [tensor.detach().double().requires_grad_() for tensor in tensors]
    states = reference(function, *exact)
    weights = _weights(states)
    # The gradients of the sLSTM's other states jump where the two arguments of m's maximum are about equal.
    weighed = smooth_states(function, str(dtype).partition(".")[2])
    for weight in weights:
        weight[weighed:] = 0
    loss = (states * weights[0]).sum() + (states[:, :, -1:] * weights[1]).sum()
    expected = (states, states[:, :, -1:], *gradients(loss, exact))
    moved = [tensor.detach().cuda().requires_grad_() for tensor in tensors]
    device_weights = [weight.cuda() for weight in weights]
    actual = _run(moved, device_weights, function=function, backend="triton_fused")
    names = ("states", "last states", *(f"gradient of {name}" for name in ("Wx", "R", "b", "states")))
    for name, one, other in zip(names, actual, expected, strict=True):
        assert one.dtype == dtype and one.is_cuda
        assert_close(one.cpu(), other, dtype, sizes[1], name, rounds_every_step=True)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("sizes", SIZES, ids=lambda sizes: "B{}-T{}-H{}-D{}".format(*sizes))
@pytest.mark.parametrize("function", FUNCTIONS)
def test_outputs_and_all_gradients_are_those_of_the_equations(function, sizes, dtype):
    _check(function, sizes, dtype)


@pytest.mark.parametrize(
    ("function", "dtype"),
    [
        ("lstm", torch.bfloat16),
        ("slstm", torch.float16),
        ("gru", torch.float32),
        ("elman", torch.bfloat16),
    ],
    ids=str,
)
def test_the_largest_head_that_is_promised_runs(function, dtype):
    profile = launch._profile(None)
    assert profile is not None
    _check(function, (2, 6, 2, largest_head_dim(function, dtype.itemsize, profile)), dtype)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_large_batch_equals_its_samples_alone(function):
    """Large tiles of the batch, on Hopper with other matrix instructions than those of small ones."""
    tensors = random_tensors(function, 2048, 4, 8, 64, dtype=torch.bfloat16)
    moved = [tensor.detach().cuda() for tensor in tensors]
    states, _ = flashrnn(*moved, function=function, backend="triton_fused")
    for start in (0, 1000, 2040):
        part = slice(start, start + 8)
        expected = reference(function, tensors[0][part], *tensors[1:3], tensors[3][:, part])
        assert_close(
            states[:, part].cpu(), expected, torch.bfloat16, 4, f"sample {start}", rounds_every_step=True
        )


@pytest.mark.parametrize("function", FUNCTIONS)
def test_all_options_are_those_of_vanilla(function):
    tensors = random_tensors(function, B=5, T=9, H=3, D=24, dtype=torch.float32)
    mask = torch.rand(5, 9, generator=torch.Generator().manual_seed(0)) < 0.3
    options = {"gradient_recurrent_clipval": 0.3, "forward_clipval": 0.5, "initial_val": 0.25}
    lengths = torch.tensor([9, 4, 0, 1, 7])
    weights = _weights(torch.empty(FlashRNNConfig(function=function).num_states, 5, 9, 3, 24))
    for cut in (False, True):
        config = FlashRNNConfig(function=function, backend="vanilla", gradient_recurrent_cut=cut, **options)
        exact = [tensor.detach().double().requires_grad_() for tensor in tensors]
        expected = _run(exact, weights, config=config, lengths=lengths, reset_mask=mask)
        config.backend = "triton_fused"
        moved = [tensor.detach().cuda().requires_grad_() for tensor in tensors]
        there = [weight.cuda() for weight in weights]
        actual = _run(moved, there, config=config, lengths=lengths.cuda(), reset_mask=mask.cuda())
        for one, other in zip(actual, expected, strict=True):
            assert_close(one.cpu(), other, torch.float32, 9, str(cut), rounds_every_step=True)


def test_layers_compute_what_they_do_on_the_cpu():
    torch.manual_seed(0)
    layer = rnn.sLSTM(24, 32, 2, num_heads=2, bidirectional=True, proj_size=16, backend="triton_fused")
    there = copy.deepcopy(layer).cuda()
    layer.backend = "vanilla"
    x = torch.randn(7, 3, 24)
    torch.testing.assert_close(there(x.cuda())[0].cpu(), layer(x)[0], rtol=1e-4, atol=1e-5)
    expected = torch.autograd.grad(layer(x)[0].square().sum(), list(layer.parameters()))
    actual = torch.autograd.grad(there(x.cuda())[0].square().sum(), list(there.parameters()))
    for one, other in zip(actual, expected, strict=True):
        torch.testing.assert_close(one.cpu(), other, rtol=1e-3, atol=1e-4)


def test_it_runs_compiled_and_in_a_cuda_graph():
    tensors = [tensor.detach().cuda() for tensor in random_tensors("lstm", 4, 8, 2, 32, dtype=torch.bfloat16)]
    tensors = tensors[:3]  # the initial states are made on the way

    def run(*tensors):
        return flashrnn(*tensors, backend="triton_fused")[0]

    expected = run(*tensors)
    assert torch.equal(torch.compile(run, fullgraph=True)(*tensors), expected)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        states = run(*tensors)
    states.zero_()
    graph.replay()
    assert torch.equal(states, expected)


def test_it_is_available_here():
    assert available_backends(device="cuda", dtype=torch.bfloat16)["triton_fused"] is None
