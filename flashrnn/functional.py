"""`flashrnn.flashrnn`: one call that runs a recurrent cell over a sequence."""

from collections.abc import Sequence
from contextlib import nullcontext
from copy import copy
from typing import TypeVar

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from flashrnn import operators, sequences
from flashrnn.backends import Backend, Request, Settings
from flashrnn.config import DTYPES, FlashRNNConfig
from flashrnn.layouts import BIAS, INPUT, RECURRENT, STATES, check_shape, reorder
from flashrnn.operators import under_functorch
from flashrnn.selection import choose_backend

# What comes in padded or packed goes out the same way.
Steps = TypeVar("Steps", Tensor, PackedSequence)


def flashrnn(
    Wx: Steps,
    R: Tensor,
    b: Tensor,
    states: Tensor | None = None,
    function: str = "lstm",
    config: FlashRNNConfig | None = None,
    backend: str = "auto",
    dtype: str | None = None,
    *,
    lengths: Tensor | Sequence[int] | None = None,
    reset_mask: Tensor | None = None,
) -> tuple[Steps, Tensor]:
    """Runs a recurrent cell over a sequence (equations 1 and 2 of arXiv 2412.07752; see `flashrnn.cells`).

    B batch, T time, H heads, D head dimension, S states; Gw, Gr and Gt are the numbers of gate slots that
    receive an input, a recurrent product and a bias (4, 4, 4 for lstm and slstm; 3, 3, 4 for gru; 1, 1, 1
    for elman). The orders of axes below are the defaults; `config` may choose others.

    Args:
        Wx: inputs, already multiplied by the input matrix [B, T, Gw, H, D], or a `PackedSequence` with
            data [N, Gw, H, D].
        R: recurrent matrix [Gr, H, D, D], output dimension before input dimension.
        b: bias [Gt, H, D].
        states: states before the first step [S, B, 1, H, D], h first; by default `config.initial_val`.
        function: the cell: "lstm", "gru", "elman" or "slstm".
        config: everything at once. Where it is given, it alone decides the cell, backend and dtype.
        backend: "auto" or the name of a backend.
        dtype: "float64", "float32", "float16" or "bfloat16": casts all tensors. By default each keeps its
            own; under autocast, all but the float64 ones take autocast's.
        lengths: for each sample its number of steps [B], at most T; what comes after has no influence.
        reset_mask: [B, T] bool: where true, the states before that step are set to `config.initial_val`,
            as at the first step of a document.

    Returns:
        states [S, B, T, H, D] after every step, zero from `lengths` on, and last_states [S, B, 1, H, D],
        which continue the sequence when given back. Both have the dtype of the states (by default that
        of Wx). For a `PackedSequence` states is one too, with data [N, S, H, D].

    Raises:
        ValueError: a tensor or argument does not fit; the message names it and what was expected.
        BackendUnavailable: the backend asked for cannot serve this call; the message says why.
    """
    if config is None:
        config = FlashRNNConfig(function=function, backend=backend, dtype=dtype)
    if isinstance(Wx, PackedSequence):
        if lengths is not None:
            raise ValueError("lengths must not be given with a PackedSequence, which has its own")
        padded, packed_lengths = sequences.unpack(Wx)
        config = copy(config)
        config.input_shape = INPUT
        all_states, last = _run_dense(padded, R, b, states, config, packed_lengths, reset_mask)
        all_states = reorder(all_states, config.output_shape, "TBSHD")
        return sequences.repack(all_states, packed_lengths, Wx), last
    return _run_dense(Wx, R, b, states, config, lengths, reset_mask)


def _run_dense(
    Wx: Tensor,
    R: Tensor,
    b: Tensor,
    states: Tensor | None,
    config: FlashRNNConfig,
    lengths: Tensor | Sequence[int] | None,
    reset_mask: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """`flashrnn` for a rectangle."""
    Wx, R, b, initial, reset = _canonical(config, Wx, R, b, states, reset_mask)
    if lengths is not None:
        lengths = sequences.check_lengths(lengths, Wx.shape[0], Wx.shape[1], Wx.device)
        Wx = sequences.clear_padding(Wx, lengths)
    result_dtype = initial.dtype
    accumulation = _accumulation_dtype(config, Wx, R, b, initial)
    # Operators of torch.library do not take part in torch.func's derivatives; plain operations do.
    name = "vanilla" if config.backend == "auto" and under_functorch() else config.backend
    chosen = choose_backend(
        name,
        Request(
            config.function,
            Wx.device.type,
            torch.float64 if accumulation == torch.float64 else torch.promote_types(Wx.dtype, R.dtype),
            Wx.shape[3],
            Wx.shape[4],
            Wx.shape[1],
            reset is not None,
        ),
    )
    if chosen.accumulation_dtype_inputs:
        Wx, R, b, initial = (tensor.to(accumulation) for tensor in (Wx, R, b, initial))
    settings = Settings(
        config.function,
        config.gradient_recurrent_cut,
        config.gradient_recurrent_clipval,
        config.forward_clipval,
        config.initial_values,
        Wx.dtype if config.dtype_g is None else DTYPES[config.dtype_g],
    )
    with _without_autocast(Wx.device.type):
        all_states = _run(chosen, settings, Wx, R, b, initial, reset)
        if lengths is None:
            last = all_states[:, -1:]
        else:
            all_states, last = sequences.cut_to_lengths(all_states, initial, lengths)
    return (
        reorder(all_states.to(result_dtype), STATES, config.output_shape),
        reorder(last.to(result_dtype), STATES, config.output_shape),
    )


def _run(
    backend: Backend,
    settings: Settings,
    Wx: Tensor,
    R: Tensor,
    b: Tensor,
    states: Tensor,
    reset: Tensor | None,
) -> Tensor:
    if backend.backward is None:
        return backend.forward(settings, Wx, R, b, states, reset, False)[0]
    return operators.apply(backend.name, settings, Wx, R, b, states, reset)


def _canonical(
    config: FlashRNNConfig,
    Wx: Tensor,
    R: Tensor,
    b: Tensor,
    states: Tensor | None,
    reset_mask: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor | None]:
    """Checks, casts and reorders the tensors: [T,B,G,H,D], [G,H,D,P], [G,H,D], [S,B,H,D], [T,B]."""
    cell = config.cell
    sizes = {"G": cell.input_gates}
    if config.num_heads > 0:
        sizes["H"] = config.num_heads
    if config.head_dim > 0:
        sizes["D"] = config.head_dim
    check_shape("Wx", Wx, config.input_shape, sizes)
    time, batch, _, heads, head_dim = reorder(Wx, config.input_shape, INPUT).shape
    for name, size in (("T", time), ("B", batch), ("H", heads), ("D", head_dim)):
        if size == 0:
            raise ValueError(f"Wx has shape {list(Wx.shape)}, expected at least one {name}")
    inner = {"H": heads, "D": head_dim, "P": head_dim}
    check_shape("R", R, config.recurrent_shape, {**inner, "G": cell.recurrent_gates})
    check_shape("b", b, config.bias_shape, {**inner, "G": len(cell.gates)})
    state_sizes = {"S": len(cell.states), "T": 1, "B": batch, "H": heads, "D": head_dim}
    if states is not None:
        check_shape("states", states, config.output_shape, state_sizes)
    if reset_mask is not None:
        check_shape("reset_mask", reset_mask, "BT", {"B": batch, "T": time})
        if reset_mask.dtype != torch.bool:
            raise ValueError(f"reset_mask has dtype {reset_mask.dtype}, expected torch.bool")
    tensors = {"Wx": Wx, "R": R, "b": b, "states": states, "reset_mask": reset_mask}
    for name, tensor in tensors.items():
        if tensor is None:
            continue
        if tensor.device != Wx.device:
            raise ValueError(f"{name} is on {tensor.device}, expected {Wx.device}, where Wx is")
        if name != "reset_mask" and tensor.dtype not in DTYPES.values():
            raise ValueError(f"{name} has dtype {tensor.dtype}, expected one of {', '.join(DTYPES)}")

    Wx, R, b = (
        _cast(tensor, wanted)
        for tensor, wanted in (
            (Wx, config.torch_dtype_w),
            (R, config.torch_dtype_r),
            (b, config.torch_dtype_b),
        )
    )
    state_dtype = config.torch_dtype_s or Wx.dtype
    if states is None:
        # Filled on the device: a copy of numbers to a GPU would wait for it, and break CUDA graphs.
        shape = (batch, heads, head_dim)
        initial = torch.stack([Wx.new_full(shape, x, dtype=state_dtype) for x in config.initial_values])
    else:
        initial = reorder(states, config.output_shape, STATES).squeeze(1).to(state_dtype)
    return (
        reorder(Wx, config.input_shape, INPUT),
        reorder(R, config.recurrent_shape, RECURRENT),
        reorder(b, config.bias_shape, BIAS),
        initial,
        None if reset_mask is None else reset_mask.t(),
    )


def _cast(tensor: Tensor, wanted: torch.dtype | None) -> Tensor:
    """`tensor` in the dtype wanted; where none is, in autocast's, as far as autocast would cast it."""
    device = tensor.device.type
    if wanted is None and tensor.dtype != torch.float64 and torch.is_autocast_enabled(device):
        wanted = torch.get_autocast_dtype(device)
    return tensor if wanted is None else tensor.to(wanted)


def _accumulation_dtype(config: FlashRNNConfig, *tensors: Tensor) -> torch.dtype:
    """The widest dtype among float32, the tensors' and what the config asks for."""
    asked = [DTYPES[name] for name in (config.dtype_a, config.dtype_acc) if name is not None]
    wide = torch.float64 in asked or any(tensor.dtype == torch.float64 for tensor in tensors)
    return torch.float64 if wide else torch.float32


def _without_autocast(device: str) -> torch.autocast | nullcontext[None]:
    """A context in which autocast is off: the casts are done, and accumulation must stay wide."""
    if torch.is_autocast_enabled(device):
        return torch.autocast(device, enabled=False)
    return nullcontext()
