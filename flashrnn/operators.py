"""The operators `flashrnn::forward` and `flashrnn::backward`: hand-written derivatives in PyTorch.

One pair serves all backends: the backend's name is an argument. What PyTorch needs besides (shapes for
tracing, the autograd formula, the rule for vmap) is the same for all of them and stands here. A step of a
small model takes the GPU less than the processor takes to ask for it, so the operators are defined by
`torch.library.Library` and not by its `custom_op`, whose wrappers cost as much as a backend's own work.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from flashrnn.backends import Settings, accumulation_dtype, get_backend

# The fields of `Settings`, in their order.
_SETTINGS = (
    "str function, bool gradient_recurrent_cut, float? gradient_recurrent_clipval, "
    "float? forward_clipval, float[] initial_values, ScalarType gate_dtype"
)
_LIBRARY: Any = torch.library.Library("flashrnn", "DEF")  # type: ignore[no-untyped-call]
_LIBRARY.define(
    "forward(Tensor Wx, Tensor R, Tensor b, Tensor states, Tensor? reset, str backend, bool training, "
    f"{_SETTINGS}) -> (Tensor all_states, Tensor residual)"
)
_LIBRARY.define(
    "backward(Tensor d_all_states, Tensor R, Tensor states, Tensor all_states, Tensor residual, "
    f"Tensor? reset, Tensor? Wx, Tensor? b, str backend, {_SETTINGS})"
    " -> (Tensor dWx, Tensor dR, Tensor db, Tensor dstates)"
)
forward = torch.ops.flashrnn.forward.default
backward = torch.ops.flashrnn.backward.default


def under_functorch(*kinds: str) -> bool:
    """Whether transforms of torch.func are at work: any at all, or one of those named (Grad, Jvp, Vmap)."""
    if torch.compiler.is_compiling() or not torch._C._are_functorch_transforms_active():
        return False
    active = {transform.key().name for transform in torch._C._functorch.get_interpreter_stack() or ()}
    return not kinds or not active.isdisjoint(kinds)


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
    if under_functorch("Grad", "Jvp"):
        raise NotImplementedError(
            f"backend {backend!r} does not support the derivatives of torch.func; use backend='vanilla'"
        )
    # Inside vmap a tensor does not tell whether the batched one it stands for requires a gradient.
    needed = under_functorch() or any(tensor.requires_grad for tensor in (Wx, R, b, states))
    training = torch.is_grad_enabled() and needed
    all_states: Tensor = forward(Wx, R, b, states, reset, backend, training, *settings)[0]
    return all_states


@torch.library.impl(_LIBRARY, "forward", "CompositeExplicitAutograd")
def _forward(
    Wx: Tensor,
    R: Tensor,
    b: Tensor,
    states: Tensor,
    reset: Tensor | None,
    backend: str,
    training: bool,
    *settings: Any,
) -> tuple[Tensor, Tensor]:
    """(all_states, residual), as `flashrnn.backends` describes them."""
    return get_backend(backend).forward(Settings(*settings), Wx, R, b, states, reset, training)


@torch.library.impl(_LIBRARY, "backward", "CompositeExplicitAutograd")
def _backward(
    d_all_states: Tensor,
    R: Tensor,
    states: Tensor,
    all_states: Tensor,
    residual: Tensor,
    reset: Tensor | None,
    Wx: Tensor | None,
    b: Tensor | None,
    backend: str,
    *settings: Any,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """(dWx, dR, db, dstates), as `flashrnn.backends` describes them."""
    derivative = get_backend(backend).backward
    if derivative is None:
        raise TypeError(f"backend {backend!r} has no backward function")
    return derivative(Settings(*settings), d_all_states, R, states, all_states, residual, reset, Wx, b)


def _forward_fake(
    Wx: Tensor,
    R: Tensor,
    b: Tensor,
    states: Tensor,
    reset: Tensor | None,
    backend: str,
    training: bool,
    *settings: Any,
) -> tuple[Tensor, Tensor]:
    count, batch, heads, head_dim = states.shape
    all_states = states.new_empty(count, Wx.shape[0], batch, heads, head_dim)
    if not training:
        return all_states, Wx.new_empty(0)
    residual = get_backend(backend).residual
    if residual is None:
        raise TypeError(f"backend {backend!r} does not say what it keeps for its backward pass")
    shape, dtype = residual(Settings(*settings), Wx)
    return all_states, Wx.new_empty(shape, dtype=dtype)


def _backward_fake(
    d_all_states: Tensor,
    R: Tensor,
    states: Tensor,
    all_states: Tensor,
    residual: Tensor,
    reset: Tensor | None,
    Wx: Tensor | None,
    b: Tensor | None,
    backend: str,
    *settings: Any,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    cell = Settings(*settings).cell
    _, time, batch, heads, head_dim = all_states.shape
    wide = accumulation_dtype(R)
    return (
        R.new_empty(time, batch, cell.input_gates, heads, head_dim),
        R.new_empty(R.shape, dtype=wide),
        R.new_empty((len(cell.gates), heads, head_dim), dtype=wide),
        states.new_empty(states.shape),
    )


class _Forward(torch.autograd.Function):
    """`forward` with its derivative."""

    @staticmethod
    def forward(ctx: Any, *arguments: Any) -> tuple[Tensor, Tensor]:
        all_states, residual = _below_autograd(forward, arguments)
        Wx, R, b, states, reset, backend, training, *settings = arguments
        keeps = get_backend(backend).keeps_inputs
        ctx.save_for_backward(
            R, states, all_states, residual, reset, Wx if keeps else None, b if keeps else None
        )
        ctx.dtypes = (Wx.dtype, R.dtype, b.dtype, states.dtype)
        ctx.backend, ctx.training, ctx.settings = backend, training, settings
        ctx.set_materialize_grads(False)
        return all_states, residual

    @staticmethod
    def backward(ctx: Any, d_all_states: Tensor | None, d_residual: None) -> tuple[Tensor | None, ...]:
        others = (None,) * (3 + len(Settings._fields))
        if d_all_states is None:
            return (None,) * 4 + others
        if not ctx.training:
            raise RuntimeError(
                "flashrnn::forward was called with training=False, so nothing was kept for a backward pass"
            )
        gradients = backward(d_all_states, *ctx.saved_tensors, ctx.backend, *ctx.settings)
        cast = tuple(gradient.to(dtype) for gradient, dtype in zip(gradients, ctx.dtypes, strict=True))
        return cast + others


class _Backward(torch.autograd.Function):
    """`backward`, which has no derivative of its own."""

    @staticmethod
    def forward(ctx: Any, *arguments: Any) -> tuple[Tensor, ...]:
        ctx.backend = arguments[8]
        gradients: tuple[Tensor, ...] = _below_autograd(backward, arguments)
        return gradients

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> None:
        raise NotImplementedError(
            f"backend {ctx.backend!r} has no second derivative; use backend='vanilla' for double backward"
        )


def _below_autograd(operator: Any, arguments: tuple[Any, ...]) -> Any:
    with torch._C._AutoDispatchBelowAutograd():
        return operator(*arguments)


@torch.library.impl(_LIBRARY, "forward", "Autograd")
def _forward_with_derivative(*arguments: Any) -> Any:
    if torch.is_grad_enabled():
        return _Forward.apply(*arguments)  # type: ignore[no-untyped-call]
    return _below_autograd(forward, arguments)


@torch.library.impl(_LIBRARY, "backward", "Autograd")
def _backward_with_derivative(*arguments: Any) -> Any:
    if torch.is_grad_enabled():
        return _Backward.apply(*arguments)  # type: ignore[no-untyped-call]
    return _below_autograd(backward, arguments)


def _forward_vmap(info: Any, in_dims: tuple[Any, ...], *arguments: Any) -> tuple[Any, Any]:
    *tensors, backend, training = arguments[:7]
    folded = _fold(info.batch_size, tensors, in_dims, (3, 1, 1, 2, None))
    all_states, residual = forward(*folded, *arguments[5:])
    all_states = _unfold(info.batch_size, all_states, 3)
    if not training:
        return (all_states, residual), (0, None)
    return (all_states, _unfold(info.batch_size, residual, get_backend(backend).residual_heads)), (0, 0)


def _backward_vmap(info: Any, in_dims: tuple[Any, ...], *arguments: Any) -> tuple[Any, Any]:
    *tensors, backend = arguments[:9]
    residual_heads = get_backend(backend).residual_heads
    folded = _fold(info.batch_size, tensors, in_dims, (3, 1, 2, 3, residual_heads, None, 3, 1))
    gradients = backward(*folded, *arguments[8:])
    unfolded = (
        _unfold(info.batch_size, gradient, axis)
        for gradient, axis in zip(gradients, (3, 1, 1, 2), strict=True)
    )
    return tuple(unfolded), (0, 0, 0, 0)


def _fold(
    size: int, tensors: Sequence[Any], in_dims: Sequence[Any], heads: Sequence[int | None]
) -> list[Any]:
    """Moves the axis that vmap adds into the head axis `heads` of each tensor: heads are independent."""
    folded: list[Any] = []
    for tensor, dim, axis in zip(tensors, in_dims, heads, strict=False):
        if tensor is None or (axis is None and dim is None):
            folded.append(tensor)
        elif axis is None:
            raise NotImplementedError("vmap over reset_mask is not supported: a reset holds for all heads")
        else:
            moved = tensor.expand(size, *tensor.shape) if dim is None else tensor.movedim(dim, 0)
            folded.append(moved.movedim(0, axis).flatten(axis, axis + 1))
    return folded


def _unfold(size: int, tensor: Tensor, axis: int) -> Tensor:
    """Undoes `_fold` for a result: the axis that vmap added comes first."""
    shape = tensor.shape
    return tensor.reshape(*shape[:axis], size, shape[axis] // size, *shape[axis + 1 :]).movedim(axis, 0)


torch.library.register_fake("flashrnn::forward", _forward_fake, lib=_LIBRARY)
torch.library.register_fake("flashrnn::backward", _backward_fake, lib=_LIBRARY)
torch.library.register_vmap("flashrnn::forward", _forward_vmap, lib=_LIBRARY)
torch.library.register_vmap("flashrnn::backward", _backward_vmap, lib=_LIBRARY)
