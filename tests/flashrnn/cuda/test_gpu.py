"""The CUDA kernels on a GPU: random shapes, streams, graphs, torch.compile and operator checks."""

import random

import pytest
import torch

from benchmarks.gpu.cases import CELLS, DTYPES, FAMILIES, SMALL, Shape
from benchmarks.gpu.correctness import compare, inputs, only
from flashrnn import flashrnn, operators
from flashrnn import nn as rnn
from flashrnn.backends import Settings

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device"),
]

# Each chunk has shapes of its own, so that chunks can be checked side by side.
CHUNKS, SHAPES = 40, 25


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_random_shapes_are_right(chunk):
    """Whatever family serves them: states and gradients, with resets and clipping in half of the cases."""
    source = random.Random(chunk)
    wrong = []
    for _ in range(SHAPES):
        # Few different widths: each takes kernels of its own, which have to be compiled.
        head_dim = source.choice((1, 7, 16, 24, 33, 48, 64, 100, 128))
        dtype = source.choice(list(DTYPES))
        if dtype == "tfloat32":
            # Of a single entry of R the rounding is that of every product, and plain PyTorch has none there.
            head_dim = max(head_dim, 7)
        shape = Shape(source.randint(1, 40), source.randint(1, 12), source.randint(1, 4), head_dim)
        case = (source.choice(CELLS), dtype, shape)
        found = compare(None, *case, "cuda", source.random() < 0.5, slack=3)
        if not found["passed"]:
            wrong.append(f"{case}: {found}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_graph_replays_what_a_call_gives(family):
    shape = SMALL[family][0]
    tensors, _ = inputs("lstm", shape, torch.bfloat16, "cuda")
    backend = "cuda" if family == "alternating" else "cuda_fused"
    leaves = [tensor.requires_grad_() for tensor in tensors]

    def step(leaves=leaves):
        states, last = flashrnn(*leaves, backend=backend)
        return states, *torch.autograd.grad(states.float().sum() + last.float().sum(), leaves)

    with only(family):
        # Of leaves of their own: what autograd keeps of a leaf belongs to the stream of its first use.
        expected = step([leaf.detach().clone().requires_grad_() for leaf in leaves])
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            step()
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            found = step()
    for tensor in found:
        tensor.detach().zero_()
    graph.replay()
    for one, other in zip(found, expected, strict=True):
        assert torch.equal(one, other)
    # New values in the same places.
    with torch.no_grad():
        for leaf in leaves:
            leaf.mul_(0.5)
    graph.replay()
    with only(family):
        expected = step([leaf.detach().clone().requires_grad_() for leaf in leaves])
    for one, other in zip(found, expected, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("family", FAMILIES)
def test_two_streams_at_once_give_what_each_gives_alone(family):
    shape = SMALL[family][0]._replace(time=64)
    backend = "cuda" if family == "alternating" else "cuda_fused"
    both = [inputs("gru", shape, torch.bfloat16, "cuda")[0] for _ in range(2)]
    both[1] = [tensor.flip(0) for tensor in both[1]]
    with only(family):
        expected = [flashrnn(*tensors, function="gru", backend=backend)[0] for tensors in both]
        torch.cuda.synchronize()
        streams = [torch.cuda.Stream() for _ in both]
        found = [[], []]
        for _ in range(10):
            for stream, tensors, kept in zip(streams, both, found, strict=True):
                with torch.cuda.stream(stream):
                    kept.append(flashrnn(*tensors, function="gru", backend=backend)[0])
        torch.cuda.synchronize()
    for kept, other in zip(found, expected, strict=True):
        assert all(torch.equal(one, other) for one in kept)


@pytest.mark.parametrize("backend", ["cuda_fused", "cuda"])
@pytest.mark.parametrize("function", CELLS)
def test_it_is_compiled_whole_and_gives_the_same(function, backend):
    tensors, _ = inputs(function, Shape(4, 6, 2, 32), torch.bfloat16, "cuda")

    def run(*tensors):
        return flashrnn(*tensors, function=function, backend=backend)[0]

    assert torch.equal(torch.compile(run, fullgraph=True)(*tensors), run(*tensors))


@pytest.mark.parametrize("backend", ["cuda_fused", "cuda"])
@pytest.mark.parametrize("function", CELLS)
def test_the_operators_keep_their_promises(function, backend):
    tensors, _ = inputs(function, Shape(3, 4, 2, 32), torch.float32, "cuda")
    Wx, R, b, states = (tensor.requires_grad_() for tensor in tensors)
    Wx = Wx.detach().transpose(0, 1).requires_grad_()
    states = states.detach()[:, :, 0].clone().requires_grad_()
    settings = Settings(function, False, 0.5, 0.9, [0.0] * states.shape[0], torch.float32)
    torch.library.opcheck(operators.forward, (Wx, R, b, states, None, backend, True, *settings))
    Wx, R, b, states = (tensor.detach() for tensor in (Wx, R, b, states))
    all_states, residual = operators.forward(Wx, R, b, states, None, backend, True, *settings)
    saved = (R, states, all_states, residual, None, Wx, b)
    torch.library.opcheck(operators.backward, (torch.ones_like(all_states), *saved, backend, *settings))


@pytest.mark.parametrize("function", CELLS)
def test_a_layer_trains_as_it_does_on_the_cpu(function):
    """Ten steps of an optimiser in float32: the losses are the same."""
    layer_of = {"lstm": rnn.LSTM, "gru": rnn.GRU, "elman": rnn.RNN, "slstm": rnn.sLSTM}
    torch.manual_seed(0)
    layer = layer_of[function](16, 64, num_heads=2, backend="vanilla")
    x, target = torch.randn(9, 5, 16), torch.randn(9, 5, 64)
    start = {name: value.clone() for name, value in layer.state_dict().items()}

    def losses(backend, device):
        layer.load_state_dict(start)
        layer.to(device)
        layer.backend = backend
        optimiser = torch.optim.SGD(layer.parameters(), lr=0.1, momentum=0.9)
        found = []
        for _ in range(10):
            optimiser.zero_grad()
            loss = (layer(x.to(device))[0] - target.to(device)).square().mean()
            loss.backward()
            optimiser.step()
            found.append(float(loss))
        return found

    expected = losses("vanilla", "cpu")
    assert expected[-1] < expected[0]
    assert losses("cuda_fused", "cuda") == pytest.approx(expected, rel=1e-4)
