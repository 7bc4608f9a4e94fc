"""The operators `flashrnn::forward` and `flashrnn::backward`: hand-written derivatives in PyTorch.

One pair serves all backends: the backend's name is an argument. What PyTorch needs besides (shapes for
tracing, the autograd formula, the rule for vmap) is the same for all of them and stands here.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from flashrnn.backends import Backend, Settings, get_backend


def apply(
    backend: str,
    settings: Settings,
    Wx: Tensor,
    R: Tensor,
    b: Tensor,
    states: Tensor,
    reset: Tensor | None,
) -> Tensor:
    """The states after every step [S, T, B, H, D], by the backend of that name, with its derivative."""
    training = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in (Wx, R, b, states))
    all_states: Tensor = forward(Wx, R, b, states, reset, backend, *settings, training)[0]
    return all_states


@torch.library.custom_op("flashrnn::forward", mutates_args=())
def forward(
    Wx: Tensor,
    R: Tensor,
    b: Tensor,
    states: Tensor,
    reset: Tensor | None,
    backend: str,
    function: str,
    gradient_recurrent_cut: bool,
    gradient_recurrent_clipval: float | None,
    forward_clipval: float | None,
    initial_values: Sequence[float],
    gate_dtype: torch.dtype,
    training: bool,
) -> tuple[Tensor, Tensor]:
    """(all_states, residual), as `flashrnn.backends` describes them."""
    settings = Settings(
        function,
        gradient_recurrent_cut,
        gradient_recurrent_clipval,
        forward_clipval,
        tuple(initial_values),
        gate_dtype,
    )
    return get_backend(backend).forward(settings, Wx, R, b, states, reset, training)


@forward.register_fake
def _forward_fake(
    Wx: Tensor,
    R: Tensor,
    b: Tensor,
    states: Tensor,
    reset: Tensor | None,
    backend: str,
    function: str,
    gradient_recurrent_cut: bool,
    gradient_recurrent_clipval: float | None,
    forward_clipval: float | None,
    initial_values: Sequence[float],
    gate_dtype: torch.dtype,
    training: bool,
) -> tuple[Tensor, Tensor]:
    count, batch, heads, head_dim = states.shape
    all_states = states.new_empty(count, Wx.shape[0], batch, heads, head_dim)
    if not training:
        return all_states, Wx.new_empty(0)
    settings = Settings(
        function,
        gradient_recurrent_cut,
        gradient_recurrent_clipval,
        forward_clipval,
        tuple(initial_values),
        gate_dtype,
    )
    shape, dtype = _residual(get_backend(backend))(settings, Wx)
    return all_states, Wx.new_empty(shape, dtype=dtype)


def _residual(backend: Backend) -> Any:
    if backend.residual is None:
        raise TypeError(f"backend {backend.name!r} has no `residual` promise")
    return backend.residual
