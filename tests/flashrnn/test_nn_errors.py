"""Errors of flashrnn.nn name the argument or tensor, what it is and what was expected."""

import re

import pytest
import torch
from torch.nn.utils.rnn import pack_sequence

from flashrnn import nn as rnn


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: rnn.LSTM(0, 4), "input_size must be positive, not 0"),
        (lambda: rnn.LSTM(3, -4), "hidden_size must be positive, not -4"),
        (lambda: rnn.LSTM(3, 4, 0), "num_layers must be positive, not 0"),
        (lambda: rnn.LSTM(3, 4, num_heads=3), "hidden_size 4 is not a multiple of num_heads 3"),
        (lambda: rnn.LSTM(3, 4, dropout=1.5), "dropout must be a probability, not 1.5"),
        (lambda: rnn.GRU(3, 4, proj_size=2), "GRU has no projection, so proj_size must be 0, not 2"),
        (lambda: rnn.LSTM(3, 4, proj_size=4), "below hidden_size 4, not 4"),
        (lambda: rnn.sLSTM(3, 4, proj_size=3, num_heads=2), "proj_size must be a multiple of num_heads 2"),
        (lambda: rnn.RNN(3, 4, nonlinearity="relu"), "nonlinearity must be 'tanh', not 'relu'"),
        (lambda: rnn.LSTM(3, 4, backend="fast"), "backend must be one of auto, .*, not 'fast'"),
        (
            lambda: rnn.ResidualBlock(8, "mlstm"),
            "function must be one of lstm, gru, elman, slstm, not 'mlstm'",
        ),
        (lambda: rnn.ResidualBlock(9, num_heads=2), "hidden_size 9 is not a multiple of num_heads 2"),
        (lambda: rnn.ResidualBlock(8, expansion=0), "expansion must be positive, not 0"),
        (lambda: rnn.LSTM(3, 4, num_heads=2).to_torch(), "num_heads is 2, but torch.nn.LSTM has one head"),
        (lambda: rnn.RNN.from_torch(torch.nn.RNN(3, 4, nonlinearity="relu")), "must be 'tanh', not 'relu'"),
    ],
)
def test_impossible_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: rnn.sLSTM(3, 4).to_torch(), "torch.nn has no counterpart of sLSTM"),
        (lambda: rnn.sLSTM.from_torch(torch.nn.LSTM(3, 4)), "torch.nn has no counterpart of sLSTM"),
        (lambda: rnn.GRU.from_torch(torch.nn.LSTM(3, 4)), r"GRU takes a torch.nn.GRU, not LSTM\(3, 4\)"),
    ],
)
def test_modules_without_a_counterpart(make, message):
    with pytest.raises(TypeError, match=message):
        make()


ZEROS = torch.zeros


@pytest.mark.parametrize(
    ("layer", "arguments", "message"),
    [
        (rnn.LSTM, (ZEROS(5, 2, 4),), "input has shape [5, 2, 4], expected [T, B, 3]"),
        (rnn.LSTM, (ZEROS(5, 4),), "input has shape [5, 4], expected [T, 3]"),
        (rnn.LSTM, (ZEROS(3),), "input has shape [3], expected [T, B, 3] or [T, 3]"),
        (
            rnn.LSTM,
            (ZEROS(0, 2, 3),),
            "input has shape [0, 2, 3], expected [T, B, 3] or [T, 3] with no axis",
        ),
        (rnn.LSTM, (ZEROS(5, 0, 3),), "input has shape [5, 0, 3], expected [T, B, 3] or [T, 3] with no axis"),
        (rnn.LSTM, (ZEROS(5, 2, 3).double(),), "input has dtype torch.float64, expected torch.float32"),
        (rnn.GRU, (pack_sequence([ZEROS(5, 4)]),), "input.data has shape [5, 4], expected [N, 3]"),
        (rnn.GRU, (ZEROS(5, 2, 3), ZEROS(1, 3, 4)), "h of hx has shape [1, 3, 4], expected [1, 2, 4]"),
        (rnn.GRU, (ZEROS(5, 3), ZEROS(1, 2, 4)), "h of hx has shape [1, 2, 4], expected [1, 4]"),
        (rnn.GRU, (ZEROS(5, 2, 3), (ZEROS(1, 2, 4),)), "hx is 1 tensors, expected one tensor"),
        (
            rnn.LSTM,
            (ZEROS(5, 2, 3), (ZEROS(1, 2, 4), ZEROS(2, 2, 4))),
            "c of hx has shape [2, 2, 4], expected [1, 2, 4]",
        ),
        (rnn.LSTM, (ZEROS(5, 2, 3), ZEROS(1, 2, 4)), "hx is one tensor, expected (h, c)"),
        (rnn.sLSTM, (ZEROS(5, 2, 3), (ZEROS(1, 2, 4),) * 2), "hx is 2 tensors, expected (h, c, n, m)"),
    ],
)
def test_tensors_that_do_not_fit(layer, arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        layer(3, 4)(*arguments)


def test_reset_masks_that_do_not_fit():
    module = rnn.LSTM(3, 4)
    with pytest.raises(ValueError, match=re.escape("reset_mask has shape [5, 2], expected [2, 5]")):
        module(ZEROS(5, 2, 3), reset_mask=ZEROS(5, 2, dtype=torch.bool))
    with pytest.raises(ValueError, match="reset_mask must not be given with a PackedSequence"):
        module(pack_sequence([ZEROS(5, 3)]), reset_mask=ZEROS(1, 5, dtype=torch.bool))
    with pytest.raises(
        ValueError, match=re.escape("reset_mask has dtype torch.float32, expected torch.bool")
    ):
        module(ZEROS(5, 2, 3), reset_mask=ZEROS(2, 5))


def test_the_representation_shows_what_is_not_default():
    assert repr(rnn.LSTM(3, 4, num_layers=2, num_heads=2)) == "LSTM(3, 4, num_layers=2, num_heads=2)"
