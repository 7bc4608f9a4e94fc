"""The registry of backends, and the one interface that all of them implement.

Every backend computes the same function in one canonical layout; axis orders, casts, variable lengths and
autograd are settled before and after it (`flashrnn.functional`, `flashrnn.operators`).

Canonical tensors (T time, B batch, H heads, D head dimension, S states; Gw, Gr and Gt are the cell's
`input_gates`, `recurrent_gates` and `len(gates)`; any strides unless said otherwise):

    Wx      [T, B, Gw, H, D]   inputs, already multiplied by W
    R       [Gr, H, D, D]      recurrent matrix, output dimension before input dimension
    b       [Gt, H, D]         bias
    states  [S, B, H, D]       the states before the first step, h first
    reset   [T, B] bool        where true, the states before step t are replaced by `initial_values`;
                               None where there is no reset at all

forward(settings, Wx, R, b, states, reset, training) -> (all_states, residual)
    all_states [S, T, B, H, D], contiguous, in the dtype of `states`: the states after each step.
    residual: one contiguous tensor, kept for `backward` only, of the shape and dtype that
    `residual(settings, Wx)` promises, with the heads as axis `residual_heads`; empty (shape [0]) where
    `training` is false.
    Neither may share memory with an argument.

backward(settings, d_all_states, R, states, all_states, residual, reset, Wx, b) -> (dWx, dR, db, dstates)
    d_all_states [S, T, B, H, D], any strides, is the gradient of all_states. Wx and b are None unless
    `keeps_inputs`. The four gradients have the shapes of Wx, R, b and states, and are contiguous; dWx has
    the dtype of R, dR and db have `accumulation_dtype(R)`, dstates has that of states. The caller casts.

Both honour every field of `Settings`:
    gradient_recurrent_cut      dh_{t-1} gets nothing from dg_t R; what P passes to h_{t-1} directly stays.
    gradient_recurrent_clipval  the sum of all that step t sends to h_{t-1} is clipped, t = 0 included.
    forward_clipval             h_t is clipped, and where it was, it has no gradient.

A backend with `backward = None` is written in differentiable PyTorch operations: it is called directly, its
`residual` is never asked for and may be empty, its results may be non-contiguous. All others run inside
the operators `flashrnn::forward` and `flashrnn::backward`, below autograd, and need a `residual` promise.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from flashrnn.cells import Cell, get_cell


class Settings(NamedTuple):
    """What a backend needs to know besides the tensors."""

    function: str
    gradient_recurrent_cut: bool
    gradient_recurrent_clipval: float | None
    forward_clipval: float | None
    initial_values: Sequence[float]
    gate_dtype: torch.dtype

    @property
    def cell(self) -> Cell:
        """The cell that `function` names."""
        return get_cell(self.function)


class Request(NamedTuple):
    """What is asked of a backend, for `Backend.unavailable` to judge.

    `dtype` is the wider of Wx's and R's, or float64 where that is wanted of the accumulation.
    """

    function: str
    device: str
    dtype: torch.dtype
    num_heads: int
    head_dim: int
    batch_size: int
    resets: bool


Forward = Callable[
    [Settings, Tensor, Tensor, Tensor, Tensor, Tensor | None, bool],
    tuple[Tensor, Tensor],
]
Backward = Callable[
    [
        Settings,
        Tensor,
        Tensor,
        Tensor,
        Tensor,
        Tensor,
        Tensor | None,
        Tensor | None,
        Tensor | None,
    ],
    tuple[Tensor, Tensor, Tensor, Tensor],
]
Residual = Callable[[Settings, Tensor], tuple[tuple[int, ...], torch.dtype]]


class Backend(NamedTuple):
    """One way to compute the recurrence; the module's docstring states the interface.

    Attributes:
        name: the name users give.
        unavailable: why this request cannot be served here, in words for the user; None where it can.
            torch.compile traces the question, perhaps with a batch size that is yet unknown: what is not to
            be traced stands behind `torch.compiler.assume_constant_result`.
        forward, backward, residual: see the module's docstring.
        accumulation_dtype_inputs: tensors arrive converted to the accumulation dtype (float32 or float64),
            results are cast back by the caller. Otherwise tensors arrive in their own dtypes, and the
            backend accumulates in float32 itself.
        keeps_inputs: `backward` is given Wx and b.
        residual_heads: which axis of `residual` is that of the heads, each of which has its own part.
    """

    name: str
    unavailable: Callable[[Request], str | None]
    forward: Forward
    backward: Backward | None = None
    residual: Residual | None = None
    accumulation_dtype_inputs: bool = False
    keeps_inputs: bool = False
    residual_heads: int = 1


def accumulation_dtype(tensor: Tensor) -> torch.dtype:
    """float64 for a float64 tensor, else float32."""
    return torch.float64 if tensor.dtype == torch.float64 else torch.float32


class BackendUnavailable(RuntimeError):
    """The backend that was asked for cannot serve the request; the message says why."""


_BACKENDS: dict[str, Backend] = {}


def register(backend: Backend) -> None:
    """Makes the backend known under its name, in place of one that had it."""
    _BACKENDS[backend.name] = backend


def is_registered(name: str) -> bool:
    """Whether there is a backend of that name."""
    return name in _BACKENDS


def get_backend(name: str) -> Backend:
    """The backend of that name.

    Raises:
        ValueError: there is no such backend.
    """
    if name not in _BACKENDS:
        raise ValueError(f"backend must be one of auto, {', '.join(_BACKENDS)}, not {name!r}")
    return _BACKENDS[name]
