"""The gradients of Wx, R and b from those of all gates: of whole numbers, whose sums are exact."""

import pytest
import torch

from flashrnn.backends import Settings
from flashrnn.cells import CELLS
from flashrnn.gradients import outer


@pytest.mark.parametrize("function", CELLS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("time, batch", [(1, 1), (3, 5), (8, 6), (64, 16)])  # a part, or up to 256
def test_they_are_sums_over_all_steps_and_samples(
    function: str, dtype: torch.dtype, time: int, batch: int
) -> None:
    cell, heads, width = CELLS[function], 2, 5
    generator = torch.Generator().manual_seed(time)

    def whole(*shape: int) -> torch.Tensor:
        return torch.randint(-2, 3, shape, generator=generator).to(dtype)

    R = whole(cell.recurrent_gates, heads, width, width)
    d_gates = whole(time, batch, len(cell.gates), heads, width)
    states = whole(len(cell.states), batch, heads, width)
    all_states = whole(len(cell.states), time, batch, heads, width)
    reset = torch.rand(time, batch, generator=generator) < 0.3
    settings = Settings(function, False, None, None, (3.0,) + (0.0,) * (len(cell.states) - 1), dtype)
    before = torch.cat((states[:1], all_states[0, :-1])).double()
    recurrent = d_gates[:, :, : cell.recurrent_gates].double()
    for mask in (None, reset):
        if mask is not None:
            before[mask] = 3
        dWx, dR, db = outer(settings, d_gates, states, all_states, mask, R)
        assert dWx.dtype == dtype and dR.dtype == db.dtype == torch.float32
        assert dWx.is_contiguous() and dR.is_contiguous() and db.is_contiguous()
        assert dWx.equal(d_gates[:, :, cell.first_input_gate :])
        assert dR.double().equal(torch.einsum("tbghd,tbhp->ghdp", recurrent, before))
        assert db.double().equal(d_gates.double().sum((0, 1)))
