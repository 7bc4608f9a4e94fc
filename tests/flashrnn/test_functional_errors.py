"""What does not fit is refused, by name."""

import re
import subprocess
import sys

import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence

from flashrnn import (
    BackendUnavailable,
    FlashRNNConfig,
    available_backends,
    flashrnn,
)
from tests.flashrnn.reference import random_tensors

# Wx [2, 5, 4, 2, 4], R [4, 2, 4, 4], b [4, 2, 4], states [2, 2, 1, 2, 4]
TENSORS = [tensor.detach() for tensor in random_tensors("lstm")]


def _with(position, tensor):
    return [tensor if i == position else other for i, other in enumerate(TENSORS)]


@pytest.mark.parametrize(
    ("tensors", "options", "message"),
    [
        (_with(0, TENSORS[0][0]), {}, "Wx has shape [5, 4, 2, 4], expected [B, T, G=4, H, D] (order BTGHD)"),
        (_with(0, TENSORS[0][:, :, :3]), {}, "Wx has shape [2, 5, 3, 2, 4], expected [B, T, G=4, H, D]"),
        (_with(0, TENSORS[0][:, :0]), {}, "Wx has shape [2, 0, 4, 2, 4], expected at least one T"),
        (_with(1, TENSORS[1][..., :3]), {}, "R has shape [4, 2, 4, 3], expected [G=4, H=2, D=4, P=4]"),
        (_with(1, TENSORS[1][:, :1]), {}, "R has shape [4, 1, 4, 4], expected [G=4, H=2, D=4, P=4]"),
        (_with(2, TENSORS[2][0]), {}, "b has shape [2, 4], expected [G=4, H=2, D=4] (order GHD)"),
        (
            _with(3, TENSORS[3][:1]),
            {},
            "states has shape [1, 2, 1, 2, 4], expected [S=2, B=2, T=1, H=2, D=4]",
        ),
        (_with(3, TENSORS[3][:, :1]), {}, "states has shape [2, 1, 1, 2, 4], expected [S=2, B=2, T=1"),
        (_with(1, TENSORS[1].to("meta")), {}, "R is on meta, expected cpu, where Wx is"),
        (_with(2, TENSORS[2].long()), {}, "b has dtype torch.int64, expected one of float64, float32"),
        (TENSORS, {"function": "gru"}, "Wx has shape [2, 5, 4, 2, 4], expected [B, T, G=3, H, D]"),
        (TENSORS, {"lengths": [1, 2, 3]}, "lengths has shape [3], expected [B=2]"),
        (TENSORS, {"lengths": [1, 6]}, "lengths is [1, 6]: every length must be between 0 and T = 5"),
        (
            TENSORS,
            {"lengths": torch.tensor([1.0, 2.0])},
            "lengths has dtype torch.float32, expected integers",
        ),
        (
            TENSORS,
            {"reset_mask": torch.zeros(5, 2, dtype=torch.bool)},
            "reset_mask has shape [5, 2], expected [B=2, T=5]",
        ),
        (
            TENSORS,
            {"reset_mask": torch.zeros(2, 5)},
            "reset_mask has dtype torch.float32, expected torch.bool",
        ),
        (TENSORS, {"function": "rnn"}, "function must be one of lstm, gru, elman, slstm, not 'rnn'"),
        (TENSORS, {"backend": "cudnn"}, "backend must be one of auto, "),
        (TENSORS, {"dtype": "int8"}, "dtype must be one of float64, float32, float16, bfloat16 or None"),
        (
            TENSORS,
            {"config": FlashRNNConfig(hidden_dim=12, num_heads=3)},
            "Wx has shape [2, 5, 4, 2, 4], expected [B, T, G=4, H=3, D=4]",
        ),
    ],
)
def test_what_does_not_fit_is_named(tensors, options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        flashrnn(*tensors, **options)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"hidden_dim": 10, "num_heads": 3}, "hidden_dim 10 is not a multiple of num_heads 3"),
        ({"hidden_dim": 10, "head_dim": 4}, "hidden_dim 10 is not a multiple of head_dim 4"),
        (
            {"hidden_dim": 12, "num_heads": 3, "head_dim": 5},
            "hidden_dim 12 is not num_heads 3 × head_dim 5",
        ),
        ({"input_shape": "BTGH"}, "input_shape must be an order of the letters TBGHD, not 'BTGH'"),
        ({"recurrent_shape": "GHDD"}, "recurrent_shape must be an order of the letters GHDP, not 'GHDD'"),
        ({"forward_clipval": 0.0}, "forward_clipval must be positive or None, not 0.0"),
        ({"initial_val": [0.0]}, "initial_val has 1 values, but lstm has 2 states (h, c)"),
        ({"dtype_r": "tf32"}, "dtype_r must be one of float64, float32, float16, bfloat16 or None"),
    ],
)
def test_a_config_that_contradicts_itself_is_refused(fields, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        FlashRNNConfig(**fields)


def test_a_config_completes_its_dimensions():
    config = FlashRNNConfig(function="slstm", hidden_dim=12, head_dim=4)
    assert (config.num_heads, config.num_states, config.num_gates_t, config.input_dim) == (3, 4, 4, 48)
    assert FlashRNNConfig(hidden_dim=12).num_heads == 1
    assert FlashRNNConfig(num_heads=3, head_dim=4).hidden_dim == 12
    assert FlashRNNConfig(num_heads=3).head_dim == -1


def test_packed_inputs_are_checked_too():
    packed = pack_padded_sequence(TENSORS[0].flatten(2), torch.tensor([5, 2]), batch_first=True)
    with pytest.raises(ValueError, match=re.escape("Wx.data has shape [7, 32], expected [N, G, H, D]")):
        flashrnn(packed, *TENSORS[1:])
    packed = pack_padded_sequence(TENSORS[0], torch.tensor([5, 2]), batch_first=True)
    with pytest.raises(ValueError, match="lengths must not be given with a PackedSequence"):
        flashrnn(packed, *TENSORS[1:], lengths=[5, 2])


def test_backends_say_why_they_are_unavailable():
    reasons = available_backends()
    assert list(reasons) == ["cuda_fused", "triton_fused", "cuda", "vanilla_fwbw", "vanilla"]
    assert reasons["vanilla"] is None and reasons["vanilla_fwbw"] is None
    for name, reason in reasons.items():
        if reason is not None:
            with pytest.raises(
                BackendUnavailable, match=re.escape(f"backend {name!r} is unavailable: {reason}")
            ):
                flashrnn(*(tensor.float() for tensor in TENSORS), backend=name)


def test_importing_flashrnn_does_not_import_torch():
    code = "import sys, flashrnn; assert 'torch' not in sys.modules; flashrnn.FlashRNNConfig; import torch"
    subprocess.run([sys.executable, "-c", code], check=True)
