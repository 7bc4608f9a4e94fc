"""Layers and blocks under what models are trained and shipped with: checkpointing, export, compilation."""

import copy

import pytest
import torch
from torch.utils.checkpoint import checkpoint

from flashrnn import nn as rnn

LAYERS = (rnn.LSTM, rnn.GRU, rnn.RNN, rnn.sLSTM)


class _Stack(torch.nn.Module):
    """A layer of the kind, then a block: what comes out, and all last states."""

    def __init__(self, layer, dtype=torch.float64, num_heads=2):
        super().__init__()
        torch.manual_seed(0)
        self.layer = layer(3, 4, 2, batch_first=True, bidirectional=True, num_heads=num_heads, dtype=dtype)
        self.block = rnn.ResidualBlock(8, self.layer.function, num_heads=2, dropout=0.3, dtype=dtype)

    def forward(self, x, reset_mask=None):
        y, first = self.layer(x, reset_mask=reset_mask)
        y, second = self.block(y, reset_mask=reset_mask)
        return y, first, second


def _gradients(model, run, x):
    x = x.clone().requires_grad_()
    y, *_ = run(x)
    return torch.autograd.grad(y.square().sum(), [x, *model.parameters()])


@pytest.mark.parametrize("use_reentrant", (False, True))
@pytest.mark.parametrize("layer", LAYERS)
def test_activation_checkpointing_changes_nothing(layer, use_reentrant):
    """Dropout included: it is drawn again as it was."""
    model = _Stack(layer)
    x = torch.randn(2, 5, 3, dtype=torch.float64)
    torch.manual_seed(1)
    expected = _gradients(model, model, x)
    torch.manual_seed(1)

    def saved(x):
        return checkpoint(model, x, use_reentrant=use_reentrant)

    if use_reentrant:  # this kind has no torch.autograd.grad
        x = x.clone().requires_grad_()
        saved(x)[0].square().sum().backward()
        actual = [x.grad, *(parameter.grad for parameter in model.parameters())]
    else:
        actual = _gradients(model, saved, x)
    for one, other in zip(actual, expected, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize(
    ("dtype", "num_heads"),
    [(torch.float64, 2), (torch.float32, 1)],
    ids=("heads", "where-eager-calls-pytorch"),
)
@pytest.mark.parametrize("layer", LAYERS)
def test_an_exported_model_computes_the_same_for_any_batch(layer, dtype, num_heads, tmp_path):
    model = _Stack(layer, dtype, num_heads).eval()
    x, mask = torch.randn(2, 5, 3, dtype=dtype), torch.zeros(2, 5, dtype=torch.bool)
    mask[:, 2] = True
    batch = {0: torch.export.Dim("batch", min=2)}
    program = torch.export.export(model, (x, mask), dynamic_shapes=(batch, batch))
    path = tmp_path / "model.pt2"
    torch.export.save(program, path)
    loaded = torch.export.load(path).module()
    x, mask = x.repeat(3, 1, 1) + 1, mask.repeat(3, 1)
    for one, other in zip(
        torch.utils._pytree.tree_leaves(loaded(x, mask)),
        torch.utils._pytree.tree_leaves(model(x, mask)),
        strict=True,
    ):
        torch.testing.assert_close(one, other)


def test_layers_are_copied_and_saved_with_their_weights(tmp_path):
    model = _Stack(rnn.sLSTM).eval()
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    other = _Stack(rnn.sLSTM).eval()
    torch.nn.init.zeros_(other.layer.weight_ih_l0)
    other.load_state_dict(torch.load(tmp_path / "weights.pt"))
    x = torch.randn(2, 5, 3, dtype=torch.float64)
    assert torch.equal(other(x)[0], model(x)[0])
    assert torch.equal(copy.deepcopy(model)(x)[0], model(x)[0])
