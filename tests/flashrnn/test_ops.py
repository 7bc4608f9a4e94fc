"""What PyTorch's transforms ask of an operation: checks, compilation, export, vmap, checkpointing."""

from dataclasses import dataclass

import pytest
import torch
from torch.utils.checkpoint import checkpoint

from flashrnn import FlashRNNConfig, flashrnn, operators
from flashrnn.backends import Settings
from tests.flashrnn.reference import FUNCTIONS, gradients, random_tensors, weighted_sum

BACKENDS = ("vanilla", "vanilla_fwbw")


def _run(function, backend, **fields):
    config = FlashRNNConfig(function=function, backend=backend, **fields)
    return lambda *tensors: flashrnn(*tensors, config=config)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_gradcheck(function, backend):
    assert torch.autograd.gradcheck(_run(function, backend), random_tensors(function, T=3, D=3))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_vanilla_differentiates_twice(function):
    tensors = random_tensors(function, B=1, T=2, H=1, D=2)
    assert torch.autograd.gradgradcheck(_run(function, "vanilla"), tensors)


def test_hand_written_backward_refuses_to_be_differentiated():
    tensors = random_tensors("lstm")
    loss = weighted_sum(flashrnn(*tensors, backend="vanilla_fwbw")[0])
    (first,) = torch.autograd.grad(loss, tensors[0], create_graph=True)
    with pytest.raises(NotImplementedError, match="no second derivative; use backend='vanilla'"):
        first.sum().backward()


@pytest.mark.parametrize("reset", (False, True), ids=("plain", "reset"))
@pytest.mark.parametrize("function", FUNCTIONS)
def test_opcheck(function, reset):
    Wx, R, b, states = random_tensors(function, T=3, D=3)
    Wx = Wx.detach().transpose(0, 1).requires_grad_()
    states = states.detach()[:, :, 0].clone().requires_grad_()
    mask = torch.tensor([[True, False], [False, False], [False, True]]) if reset else None
    settings = Settings(function, False, 0.5, 0.9, [0.0] * states.shape[0], torch.float64)
    torch.library.opcheck(operators.forward, (Wx, R, b, states, mask, "vanilla_fwbw", True, *settings))
    Wx, R, b, states = (tensor.detach() for tensor in (Wx, R, b, states))
    all_states, residual = operators.forward(Wx, R, b, states, mask, "vanilla_fwbw", True, *settings)
    saved = (R, states, all_states, residual, mask, None, None)
    torch.library.opcheck(
        operators.backward, (torch.ones_like(all_states), *saved, "vanilla_fwbw", *settings)
    )


@dataclass
class ClientConfig(FlashRNNConfig):
    """As other packages derive one: own fields, own defaults, and __post_init__ handed on."""

    num_heads: int = 2
    dropout: float = 0.0
    bias_init: str = "small"

    def __post_init__(self):
        super().__post_init__()
        assert 0 <= self.dropout < 1


@pytest.mark.parametrize(
    ("function", "backend"), [("slstm", "vanilla"), ("lstm", "vanilla_fwbw"), ("gru", "auto")]
)
def test_compiles_without_graph_breaks_with_a_subclassed_config(function, backend):
    def both(Wx, R, b, states, lengths, mask):
        config = ClientConfig(
            function=function, backend=backend, hidden_dim=8, dropout=0.1, gradient_recurrent_clipval=0.5
        )
        return flashrnn(Wx, R, b, states, config=config, lengths=lengths, reset_mask=mask)

    tensors = random_tensors(function, T=3, dtype=torch.float32)
    lengths, mask = torch.tensor([3, 2]), torch.tensor([[True, False, False], [False, True, False]])
    torch._dynamo.reset()
    compiled = torch.compile(both, fullgraph=True, backend="inductor")
    actual, expected = compiled(*tensors, lengths, mask), both(*tensors, lengths, mask)
    for one, other in zip(actual, expected, strict=True):
        torch.testing.assert_close(one, other)
    for one, other in zip(
        gradients(weighted_sum(*actual), tensors), gradients(weighted_sum(*expected), tensors), strict=True
    ):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_traces_without_graph_breaks(function, backend):
    """All cells, without generating code: the graph that dynamo and AOT autograd capture is run as it is."""
    tensors = random_tensors(function, T=3)
    torch._dynamo.reset()
    compiled = torch.compile(_run(function, backend), fullgraph=True, backend="aot_eager")
    actual, expected = compiled(*tensors), _run(function, backend)(*tensors)
    for one, other in zip(
        gradients(weighted_sum(*actual), tensors), gradients(weighted_sum(*expected), tensors), strict=True
    ):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-13)


def test_compiles_under_autocast():
    tensors = random_tensors("lstm", T=3, dtype=torch.float32)

    def run(*tensors):
        with torch.autocast("cpu", torch.bfloat16):
            return flashrnn(*tensors)[0]

    torch._dynamo.reset()
    compiled = torch.compile(run, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(*tensors), run(*tensors))


@pytest.mark.parametrize("backend", BACKENDS)
def test_export_keeps_results_and_the_operator(backend):
    class Model(torch.nn.Module):
        def forward(self, Wx, R, b):
            return flashrnn(Wx, R, b, function="slstm", backend=backend)[0]

    tensors = tuple(tensor.detach() for tensor in random_tensors("slstm")[:3])
    batch = {0: torch.export.Dim("batch", min=2)}
    program = torch.export.export(Model(), tensors, dynamic_shapes={"Wx": batch, "R": None, "b": None})
    larger = tuple(tensor.detach() for tensor in random_tensors("slstm", B=5, seed=1)[:3])
    torch.testing.assert_close(program.module()(*larger), Model()(*larger))
    calls = [str(node.target) for node in program.graph.nodes]
    assert ("flashrnn.forward.default" in calls) == (backend == "vanilla_fwbw")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_vmap_of_the_operator_equals_a_loop(function):
    tensors = random_tensors(function)
    many_inputs = torch.stack((tensors[0], 2 * tensors[0])).detach().requires_grad_()
    many_matrices = torch.stack((tensors[1], -tensors[1]), 2).detach().requires_grad_()
    run = _run(function, "vanilla_fwbw")

    def one(Wx, R, b, states):
        return run(Wx, R, b, states)[0]

    for inputs, dims in (
        ((many_inputs, tensors[1]), (0, None)),
        ((many_inputs, many_matrices), (0, 2)),
        ((tensors[0], many_matrices), (None, 2)),
    ):
        arguments = [*inputs, *tensors[2:]]
        actual = torch.vmap(one, (*dims, None, None))(*arguments)
        picked = [
            [x if dim is None else x.select(dim, i) for x, dim in zip(inputs, dims, strict=True)]
            for i in range(2)
        ]
        expected = torch.stack([one(*pair, *tensors[2:]) for pair in picked])
        torch.testing.assert_close(actual, expected, rtol=0, atol=1e-14)
        for a, e in zip(
            gradients(weighted_sum(actual), arguments),
            gradients(weighted_sum(expected), arguments),
            strict=True,
        ):
            torch.testing.assert_close(a, e, rtol=1e-12, atol=1e-13)


def test_vmap_over_resets_is_refused_and_torch_func_grad_says_what_to_use():
    tensors = [tensor.detach() for tensor in random_tensors("lstm")]
    masks = torch.zeros(3, 2, 5, dtype=torch.bool)
    with pytest.raises(NotImplementedError, match="vmap over reset_mask"):
        torch.vmap(lambda mask: flashrnn(*tensors, backend="vanilla_fwbw", reset_mask=mask)[0])(masks)

    def loss(backend):
        return lambda Wx: flashrnn(Wx, *tensors[1:], backend=backend)[0].square().sum()

    with pytest.raises(NotImplementedError, match="use backend='vanilla'"):
        torch.func.grad(loss("vanilla_fwbw"))(tensors[0])
    Wx = tensors[0].clone().requires_grad_()
    (expected,) = torch.autograd.grad(loss("vanilla_fwbw")(Wx), Wx)
    torch.testing.assert_close(torch.func.grad(loss("auto"))(tensors[0]), expected)


@pytest.mark.parametrize("backend", BACKENDS)
def test_activation_checkpointing_changes_nothing(backend):
    tensors = random_tensors("slstm")
    run = _run("slstm", backend)
    expected = gradients(weighted_sum(*run(*tensors)), tensors)
    actual = gradients(weighted_sum(*checkpoint(run, *tensors, use_reentrant=False)), tensors)
    for one, other in zip(actual, expected, strict=True):
        assert torch.equal(one, other)
