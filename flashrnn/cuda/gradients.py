"""What the backward loop leaves outside itself: the gradients of R and of the bias, for all steps at once."""

from __future__ import annotations

import torch
from torch import Tensor

from flashrnn.backends import Settings, accumulation_dtype


def outer(
    settings: Settings, d_gates: Tensor, states: Tensor, all_states: Tensor, reset: Tensor | None, R: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """dWx, dR and db from the gradients of all gates [T, B, Gt, H, D]."""
    first = settings.cell.first_input_gate
    return (
        d_gates[:, :, first:].contiguous(),
        matrix_gradient(settings, d_gates, states, all_states, reset, R),
        d_gates.sum((0, 1), dtype=accumulation_dtype(R)),
    )


def matrix_gradient(
    settings: Settings, d_gates: Tensor, states: Tensor, all_states: Tensor, reset: Tensor | None, R: Tensor
) -> Tensor:
    """dR [Gr, H, D, D] in float32: one product over all steps and samples for each head."""
    slots, heads, head_dim, _ = R.shape
    h_before = torch.cat((states[:1], all_states[0, :-1]))
    if reset is not None:
        h_before = h_before.masked_fill(reset[:, :, None, None], settings.initial_values[0])
    h_before = h_before.to(R.dtype).flatten(0, 1).transpose(0, 1)
    by_head = d_gates[:, :, :slots].flatten(0, 1).permute(2, 1, 3, 0).reshape(heads, slots * head_dim, -1)
    found = float32_product(by_head, h_before)
    return found.view(heads, slots, head_dim, head_dim).transpose(0, 1).contiguous()


def float32_product(a: Tensor, b: Tensor, out: Tensor | None = None) -> Tensor:
    """The batched product of two tensors of one dtype, in float32; in `out` where it is given."""
    if a.dtype == torch.float32:
        return torch.bmm(a, b, out=out)
    if not _WIDENS:
        return torch.bmm(a.float(), b.float(), out=out)
    if out is None:
        return torch.bmm(a, b, out_dtype=torch.float32)
    return torch.bmm(a, b, out_dtype=torch.float32, out=out)


# Older releases of PyTorch only put out what went in.
_WIDENS = tuple(map(int, torch.__version__.split(".")[:2])) >= (2, 8)
