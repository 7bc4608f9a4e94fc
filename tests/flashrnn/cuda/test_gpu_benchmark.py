"""The GPU benchmark's yardstick for correctness, without a GPU."""

import pytest
import torch

from benchmarks.gpu.cases import SMALL
from benchmarks.gpu.correctness import ROUNDING, inputs, relative, results, smooth_states
from tests.flashrnn.reference import FUNCTIONS


def jump(function: str, dtype: str, weighed: int | None) -> float:
    """How far rounding of Wx moves its float64 gradient, in multiples of what counts as rounding."""
    tensors, _ = inputs(function, SMALL["block"][0], torch.float64, "cpu")
    rounded = [tensors[0].to(getattr(torch, dtype)).double(), *tensors[1:]]
    exact, moved = (
        results("vanilla", function, given, None, (True, False), weighed)[1] for given in (tensors, rounded)
    )
    return relative(moved, exact) / ROUNDING[dtype]


@pytest.mark.parametrize("dtype", ("bfloat16", "float16"))
@pytest.mark.parametrize("function", FUNCTIONS)
def test_rounding_does_not_make_the_exact_gradients_jump(function, dtype):
    assert jump(function, dtype, smooth_states(function, dtype)) < 2


def test_the_gradients_of_all_of_the_slstms_states_do_jump():
    assert jump("slstm", "float16", None) > 5
