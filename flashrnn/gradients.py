"""What a backward kernel leaves outside its loop: the gradients of Wx, R and b, for all steps at once."""

import torch
from torch import Tensor

from flashrnn.backends import Settings, accumulation_dtype

# Older releases of PyTorch multiply 16 bits to 16 bits only.
_CAN_WIDEN = tuple(map(int, torch.__version__.split(".")[:2])) >= (2, 8)


def outer(
    settings: Settings,
    d_gates: Tensor,
    states: Tensor,
    all_states: Tensor,
    reset: Tensor | None,
    R: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """dWx, dR and db, as `flashrnn.backends` wants them, from the gradients of all gates.

    Args:
        settings: of the recurrence.
        d_gates: the gradients of the pre-activations [T, B, Gt, H, D], contiguous, in the dtype of R.
        states, all_states, reset, R: as a backend's `backward` gets them.
    """
    slots, heads, head_dim, _ = R.shape
    h_before = torch.cat((states[:1], all_states[0, :-1]))
    if reset is not None:
        h_before = h_before.masked_fill(reset[:, :, None, None], settings.initial_values[0])
    h_before = h_before.to(R.dtype).flatten(0, 1).transpose(0, 1)
    by_head = d_gates[:, :, :slots].flatten(0, 1).permute(2, 1, 3, 0).reshape(heads, slots * head_dim, -1)
    dR = wide_product(by_head, h_before).view(heads, slots, head_dim, head_dim).transpose(0, 1)
    return (
        d_gates[:, :, settings.cell.first_input_gate :].contiguous(),
        dR.contiguous(),
        d_gates.sum((0, 1), dtype=accumulation_dtype(R)),
    )


def wide_product(a: Tensor, b: Tensor) -> Tensor:
    """The batched product of two tensors of one dtype, summed and given in at least float32."""
    wide = accumulation_dtype(a)
    if a.dtype != wide and a.is_cuda and _CAN_WIDEN:
        return torch.bmm(a, b, out_dtype=wide)
    return torch.bmm(a.to(wide), b.to(wide))
