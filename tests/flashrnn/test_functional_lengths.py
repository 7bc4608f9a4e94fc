"""Sequences of different lengths, and resets at the boundaries of documents."""

import pytest
import torch
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from flashrnn import FlashRNNConfig, flashrnn
from tests.flashrnn.reference import FUNCTIONS, gradients, random_tensors, reference, weighted_sum

BACKENDS = ("vanilla", "vanilla_fwbw")
LENGTHS = [3, 6, 0, 1]


def _each_alone(function, Wx, R, b, initial):
    """States with zeros for padding and last states, each sample computed alone."""
    padded, last = [], []
    for sample, length in enumerate(LENGTHS):
        start = initial[:, sample : sample + 1]
        states = torch.cat(
            (start, reference(function, Wx[sample : sample + 1, :length], R, b, start))
            if length
            else (start,),
            2,
        )
        last.append(states[:, :, -1:])
        padded.append(torch.nn.functional.pad(states[:, :, 1:], (0, 0, 0, 0, 0, Wx.shape[1] - length)))
    return torch.cat(padded, 1), torch.cat(last, 1)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_lengths_give_what_each_sample_gives_alone(function, backend):
    tensors = random_tensors(function, B=4, T=6)
    expected, expected_last = _each_alone(function, *tensors)
    expected_gradients = gradients(weighted_sum(expected, expected_last), tensors)
    with torch.no_grad():  # what stands in the padding must not matter
        for sample, length in enumerate(LENGTHS):
            tensors[0][sample, length:] = float("nan")
    for lengths in (LENGTHS, torch.tensor(LENGTHS), torch.tensor(LENGTHS, dtype=torch.int32)):
        states, last = flashrnn(*tensors, function=function, backend=backend, lengths=lengths)
        torch.testing.assert_close(states, expected, rtol=0, atol=1e-14)
        torch.testing.assert_close(last, expected_last, rtol=0, atol=1e-14)
        actual = gradients(weighted_sum(states, last), tensors)
        for one, other in zip(actual, expected_gradients, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("enforce_sorted", (True, False))
@pytest.mark.parametrize("output_shape", ("SBTHD", "STBHD"))
def test_packed_sequences_come_back_packed_in_the_same_order(enforce_sorted, output_shape):
    lengths = torch.tensor([5, 3, 3, 1] if enforce_sorted else [3, 1, 5, 3])
    Wx, R, b, initial = random_tensors("gru", B=4, T=5)
    config = FlashRNNConfig(function="gru", output_shape=output_shape)
    order = [output_shape.index(axis) for axis in "SBTHD"]
    initial = initial.detach().permute(["SBTHD".index(axis) for axis in output_shape]).requires_grad_()
    expected, expected_last = flashrnn(Wx, R, b, initial, config=config, lengths=lengths)

    packed = pack_padded_sequence(Wx, lengths, batch_first=True, enforce_sorted=enforce_sorted)
    states, last = flashrnn(packed, R, b, initial, config=config)
    assert isinstance(states, PackedSequence)
    assert torch.equal(states.batch_sizes, packed.batch_sizes)
    assert states.data.shape == (int(lengths.sum()), 1, 2, 4)
    padded, again = pad_packed_sequence(states, batch_first=True)
    assert torch.equal(again, lengths)
    torch.testing.assert_close(padded.permute(2, 0, 1, 3, 4), expected.permute(order), rtol=0, atol=1e-14)
    torch.testing.assert_close(last, expected_last, rtol=0, atol=1e-14)
    leaves = [Wx, R, b, initial]
    for one, other in zip(
        gradients(weighted_sum(padded.permute(2, 0, 1, 3, 4), last), leaves),
        gradients(weighted_sum(expected.permute(order), expected_last), leaves),
        strict=True,
    ):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("initial_val", (0.0, 1.5))
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_resets_start_afresh_at_the_initial_value(function, backend, initial_val):
    tensors = random_tensors(function, B=3, T=6)
    mask = torch.tensor(
        [
            [False, False, True, False, True, True],
            [True, False, False, False, False, True],
            [False] * 6,
        ]
    )
    config = FlashRNNConfig(function=function, backend=backend, initial_val=initial_val)
    states, last = flashrnn(*tensors, config=config, reset_mask=mask)
    expected = reference(function, *tensors, reset_mask=mask, initial_val=initial_val)
    torch.testing.assert_close(states, expected, rtol=0, atol=1e-14)
    actual = gradients(weighted_sum(states, last), tensors)
    wanted = gradients(weighted_sum(expected, expected[:, :, -1:]), tensors)
    for one, other in zip(actual, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-13)
    assert actual[3][:, 1].abs().max() == 0  # the second sample starts with a reset


@pytest.mark.parametrize("backend", BACKENDS)
def test_documents_in_one_row_equal_documents_in_rows_of_their_own(backend):
    Wx, R, b, _ = random_tensors("slstm", B=1, T=9)
    mask = torch.zeros(1, 9, dtype=torch.bool)
    mask[0, [0, 4, 6]] = True
    together, _ = flashrnn(Wx, R, b, function="slstm", backend=backend, reset_mask=mask)
    documents = torch.nn.utils.rnn.pad_sequence([Wx[0, :4], Wx[0, 4:6], Wx[0, 6:]], batch_first=True)
    apart, _ = flashrnn(documents, R, b, function="slstm", backend=backend, lengths=[4, 2, 3])
    joined = torch.cat((apart[:, 0, :4], apart[:, 1, :2], apart[:, 2, :3]), 1)
    torch.testing.assert_close(together[:, 0], joined, rtol=0, atol=1e-14)
    for one, other in zip(
        gradients(weighted_sum(together[:, 0]), [Wx, R, b]),
        gradients(weighted_sum(joined), [Wx, R, b]),
        strict=True,
    ):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-13)
