"""What torch.nn's layers do not have: several heads, the sLSTM, resets, streaming; and the residual block."""

import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from flashrnn import nn as rnn
from flashrnn.cells import CELLS
from tests.flashrnn.reference import reference

LAYERS = (rnn.LSTM, rnn.GRU, rnn.RNN, rnn.sLSTM)
PROJECTED = [
    (layer, proj_size) for layer in LAYERS for proj_size in ((0, 4) if layer.has_projection else (0,))
]
BACKENDS = ("vanilla", "vanilla_fwbw")
F64 = {"dtype": torch.float64}
CLOSE = {"rtol": 1e-12, "atol": 1e-12}


def as_tuple(states):
    return states if isinstance(states, tuple) else (states,)


def states_for(module, batch):
    """Random states, h first; positive ones do for the sLSTM's n."""
    count = module.num_layers * (2 if module.bidirectional else 1)
    sizes = [module.output_size] + [module.hidden_size] * (len(CELLS[module.function].states) - 1)
    states = tuple(torch.rand(count, batch, size, **F64) for size in sizes)
    return states if len(states) > 1 else states[0]


def one_head(module, head):
    """The layer of one head of `module`, with views of its weights."""
    heads, head_dim = module.num_heads, module.hidden_size // module.num_heads
    single = type(module)(
        module.input_size,
        head_dim,
        bidirectional=module.bidirectional,
        backend=module.backend,
        **({"proj_size": module.proj_size // heads} if module.proj_size else {}),
        **F64,
    )
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            axis = 0 if name.startswith("weight_hr") else 1  # [H, Q, D], or [G, H, D, ...]
            size = single.get_parameter(name)
            split = (
                parameter.view(heads, *size.shape)
                if axis == 0
                else parameter.view(-1, heads, head_dim, *size.shape[1:])
            )
            size.copy_(split.select(axis, head).reshape(size.shape))
    return single


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("layer", "proj_size"), PROJECTED)
def test_several_heads_are_a_loop_over_heads(layer, proj_size, backend):
    torch.manual_seed(0)
    options = {"proj_size": proj_size} if proj_size else {}
    module = layer(3, 6, num_heads=2, bidirectional=True, backend=backend, **options, **F64)
    x, hx = torch.randn(5, 2, 3, **F64), states_for(module, 2)
    output, last = module(x, hx)
    forwards, backwards, lasts = [], [], []
    for head in range(2):
        mine = tuple(state.chunk(2, -1)[head] for state in as_tuple(hx))
        own, own_last = one_head(module, head)(x, mine if len(mine) > 1 else mine[0])
        one, other = own.chunk(2, -1)
        forwards.append(one)
        backwards.append(other)
        lasts.append(as_tuple(own_last))
    torch.testing.assert_close(output, torch.cat(forwards + backwards, -1), **CLOSE)
    for actual, expected in zip(as_tuple(last), zip(*lasts, strict=True), strict=True):
        torch.testing.assert_close(actual, torch.cat(expected, -1), **CLOSE)


def test_the_slstm_layer_is_the_cells_equations():
    torch.manual_seed(1)
    module = rnn.sLSTM(3, 6, num_heads=2, **F64)
    x, hx = torch.randn(5, 2, 3, **F64), states_for(module, 2)
    Wx = (x @ module.weight_ih_l0.T).view(5, 2, 4, 2, 3).transpose(0, 1)
    R = module.weight_hh_l0.view(4, 2, 3, 3)
    initial = torch.stack(hx).view(4, 2, 1, 2, 3)
    expected = reference("slstm", Wx, R, module.bias_ih_l0.view(4, 2, 3), initial)
    output, last = module(x, hx)
    torch.testing.assert_close(output, expected[0].flatten(-2).transpose(0, 1), **CLOSE)
    torch.testing.assert_close(torch.stack(last), expected[:, None, :, -1].flatten(-2), **CLOSE)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("layer", "proj_size"), PROJECTED)
def test_gradients_are_those_of_finite_differences(layer, proj_size, backend):
    torch.manual_seed(2)
    options = {"proj_size": proj_size // 2} if proj_size else {}
    module = layer(2, 4, num_heads=2, bidirectional=True, backend=backend, **options, **F64)
    x = torch.randn(3, 2, 2, **F64, requires_grad=True)
    hx = tuple(state.requires_grad_() for state in as_tuple(states_for(module, 2)))
    names = [name for name, _ in module.named_parameters()]

    def results(x, *rest):
        states, parameters = rest[: len(hx)], dict(zip(names, rest[len(hx) :], strict=True))
        arguments = (x, states if len(states) > 1 else states[0])
        output, last = torch.func.functional_call(module, parameters, arguments)
        return (output, *as_tuple(last))

    assert torch.autograd.gradcheck(results, (x, *hx, *module.parameters()))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("layer", "proj_size"), PROJECTED)
def test_resets_separate_documents_in_both_directions(layer, proj_size, backend):
    torch.manual_seed(3)
    options = {"proj_size": proj_size} if proj_size else {}
    module = layer(
        3,
        6,
        num_layers=2,
        num_heads=2,
        bidirectional=True,
        batch_first=True,
        backend=backend,
        **options,
        **F64,
    )
    x = torch.randn(2, 7, 3, **F64)
    starts = torch.zeros(2, 7, dtype=torch.bool)
    starts[:, [0, 3, 4]] = True
    output, _ = module(x, reset_mask=starts)
    alone = [module(document)[0] for document in (x[:, :3], x[:, 3:4], x[:, 4:])]
    torch.testing.assert_close(output, torch.cat(alone, 1), **CLOSE)
    # A document that starts with the call takes nothing from hx, forwards.
    half = module.output_size
    with_hx, _ = module(x, states_for(module, 2), reset_mask=starts)
    single = layer(3, 6, num_heads=2, batch_first=True, backend=backend, **options, **F64)
    torch.testing.assert_close(
        single(x, states_for(single, 2), reset_mask=starts)[0], single(x, reset_mask=starts)[0], **CLOSE
    )
    assert not torch.allclose(with_hx[:, -1, half:], output[:, -1, half:])
    unbatched, _ = single(x[1], reset_mask=starts[1])
    torch.testing.assert_close(unbatched, single(x, reset_mask=starts)[0][1], **CLOSE)


@pytest.mark.parametrize(("layer", "proj_size"), PROJECTED)
def test_a_stream_in_pieces_is_the_whole(layer, proj_size):
    torch.manual_seed(4)
    options = {"proj_size": proj_size} if proj_size else {}
    module = layer(3, 6, num_layers=2, num_heads=2, **options, **F64)
    x = torch.randn(8, 2, 3, **F64)
    output, last = module(x)
    pieces, states = [], None
    for piece in x.split([1, 4, 1, 2]):
        one, states = module(piece, states)
        pieces.append(one)
    torch.testing.assert_close(torch.cat(pieces), output, **CLOSE)
    for actual, expected in zip(as_tuple(states), as_tuple(last), strict=True):
        torch.testing.assert_close(actual, expected, **CLOSE)


@pytest.mark.parametrize("layer", LAYERS)
def test_packed_sequences_with_heads_are_each_sequence_alone(layer):
    torch.manual_seed(5)
    module = layer(3, 4, num_layers=2, num_heads=2, bidirectional=True, **F64)
    lengths = torch.tensor([3, 5, 1])
    x, hx = torch.randn(5, 3, 3, **F64), as_tuple(states_for(module, 3))
    packed = pack_padded_sequence(x, lengths, enforce_sorted=False)
    output, last = module(packed, hx if len(hx) > 1 else hx[0])
    padded, _ = pad_packed_sequence(output)
    for sample, length in enumerate(lengths):
        mine = tuple(state[:, sample] for state in hx)
        alone, alone_last = module(x[:length, sample], mine if len(mine) > 1 else mine[0])
        torch.testing.assert_close(padded[:length, sample], alone, **CLOSE)
        for actual, expected in zip(as_tuple(last), as_tuple(alone_last), strict=True):
            torch.testing.assert_close(actual[:, sample], expected, **CLOSE)


def test_the_slstms_forget_gates_start_open():
    bias = rnn.sLSTM(3, 6, num_heads=2).bias_ih_l0.view(4, 2, 3)
    torch.testing.assert_close(bias[1].detach(), torch.tensor([3.0, 4.5, 6.0]).expand(2, 3), rtol=0, atol=0)
    assert bias[[0, 2, 3]].abs().max() <= 6**-0.5


@pytest.mark.parametrize("layer", LAYERS)
def test_compiled_layers_are_one_graph_and_compute_the_same(layer):
    torch.manual_seed(6)
    module = layer(3, 4, num_layers=2, num_heads=2, bidirectional=True, **F64)
    x = torch.randn(5, 2, 3, **F64)
    compiled = torch.compile(module, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(x)[0], module(x)[0], **CLOSE)
    expected = torch.autograd.grad(module(x)[0].square().sum(), list(module.parameters()))
    actual = torch.autograd.grad(compiled(x)[0].square().sum(), list(module.parameters()))
    for one, other in zip(actual, expected, strict=True):
        torch.testing.assert_close(one, other, **CLOSE)


def test_per_sample_gradients_by_torch_func():
    torch.manual_seed(7)
    module = rnn.LSTM(3, 4)  # in float32 with one head: what PyTorch's own call could not do
    parameters = dict(module.named_parameters())
    x = torch.randn(5, 2, 3)

    def loss(parameters, x):
        return torch.func.functional_call(module, parameters, (x,))[0].square().sum()

    per_sample = torch.func.vmap(torch.func.grad(loss), (None, 1))(parameters, x)
    for sample in range(2):
        module.zero_grad()
        loss(parameters, x[:, sample]).backward()
        for name, parameter in parameters.items():
            torch.testing.assert_close(per_sample[name][sample], parameter.grad, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("function", CELLS)
def test_the_residual_block_is_its_two_sums(function):
    torch.manual_seed(8)
    block = rnn.ResidualBlock(8, function, num_heads=2, expansion=2.5, dtype=torch.float64)
    with torch.no_grad():
        block.head_norm.uniform_(0.5, 2)
    assert block.down.in_features == 24  # 2.5 · 8, rounded up to a multiple of 8
    x = torch.randn(2, 5, 8, **F64)
    h = block.recurrence(torch.nn.functional.layer_norm(x, [8]))[0].view(2, 5, 2, 4)
    h = (h - h.mean(-1, keepdim=True)) / (h.var(-1, keepdim=True, unbiased=False) + 1e-5).sqrt()
    middle = x + h.flatten(2) * block.head_norm
    up = torch.nn.functional.layer_norm(middle, [8]) @ block.up.weight.T
    expected = middle + (torch.nn.functional.gelu(up[..., :24]) * up[..., 24:]) @ block.down.weight.T
    output, states = block(x)
    torch.testing.assert_close(output, expected, **CLOSE)

    first, carried = block(x[:, :2])
    second, carried = block(x[:, 2:], carried)
    torch.testing.assert_close(torch.cat((first, second), 1), output, **CLOSE)
    for actual, wanted in zip(as_tuple(carried), as_tuple(states), strict=True):
        torch.testing.assert_close(actual, wanted, **CLOSE)
    starts = torch.zeros(2, 5, dtype=torch.bool)
    starts[:, 2] = True
    torch.testing.assert_close(block(x, reset_mask=starts)[0][:, 2:], block(x[:, 2:])[0], **CLOSE)


def test_dropout_of_the_residual_block_leaves_the_stream():
    block = rnn.ResidualBlock(8, num_heads=2, dropout=1.0)
    x = torch.randn(2, 5, 8)
    assert torch.equal(block(x)[0], x)
    assert not torch.equal(block.eval()(x)[0], x)
