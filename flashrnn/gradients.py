"""What a backward kernel leaves outside its loop: the gradients of Wx, R and b, for all steps at once."""

from math import gcd

import torch
from torch import Tensor

from flashrnn.backends import Settings

# Older releases of PyTorch only put out what went in, and so do its products on a processor.
_WIDENS = tuple(map(int, torch.__version__.split(".")[:2])) >= (2, 8)


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
        d_gates: the gradients of the pre-activations [T, B, Gt, H, D], in the dtype of R, float32 at most.
        states, all_states, reset, R: as a backend's `backward` gets them.
    """
    return (
        d_gates[:, :, settings.cell.first_input_gate :].contiguous(),
        _matrix_gradient(settings, d_gates, states, all_states, reset, R),
        d_gates.sum((0, 1), dtype=torch.float32),
    )


def _matrix_gradient(
    settings: Settings, d_gates: Tensor, states: Tensor, all_states: Tensor, reset: Tensor | None, R: Tensor
) -> Tensor:
    """dR [Gr, H, D, D] in float32: products over all steps and samples, in parts for each head.

    A head's product is long and narrow: in parts it fills the GPU, and the parts' sum costs little.
    """
    slots, heads, head_dim, _ = R.shape
    time, batch = d_gates.shape[:2]
    h_before = torch.cat((states[:1], all_states[0, :-1])).to(R.dtype)
    if reset is not None:
        h_before.masked_fill_(reset[:, :, None, None], settings.initial_values[0])
    tiles = heads * -(-slots * head_dim // 128) * -(-head_dim // 128)
    parts = gcd(time * batch, 1 << (256 // tiles).bit_length())
    length = time * batch // parts
    by_head = d_gates[:, :, :slots].permute(3, 0, 1, 2, 4).reshape(heads * parts, length, slots * head_dim)
    h_by_head = h_before.permute(2, 0, 1, 3).reshape(heads * parts, length, head_dim)
    found = float32_product(by_head.transpose(1, 2), h_by_head)
    return found.view(heads, parts, slots, head_dim, head_dim).sum(1).transpose(0, 1).contiguous()


def float32_product(a: Tensor, b: Tensor, out: Tensor | None = None) -> Tensor:
    """The batched product of two tensors of one dtype, in float32; in `out` where it is given."""
    if not (_WIDENS and a.is_cuda) or a.dtype == torch.float32:
        return torch.bmm(a.float(), b.float(), out=out)
    if out is None:
        return torch.bmm(a, b, out_dtype=torch.float32)
    return torch.bmm(a, b, out_dtype=torch.float32, out=out)
