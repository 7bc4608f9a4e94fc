"""A configuration on tensors: its kernels loaded once for each GPU, launched on PyTorch's stream.

What the kernels take is in the README of their sources; `Arguments` is its structure.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor

from flashrnn import hardware
from flashrnn.cells import get_cell
from flashrnn.cuda import driver, kernels
from flashrnn.cuda.tuner import Configuration, Work

POINTERS = (
    "inputs", "matrix", "bias", "initial", "reset", "states", "gates", "d_states", "d_gates", "d_initial",
    "exchange", "streamed", "product", "carry", "operand",
)  # fmt: skip
INTEGERS = (
    "time", "batch", "heads", "first_head", "first_sample", "step",
    "input_time", "input_batch", "input_gate", "input_head",
    "d_state", "d_time", "d_batch", "d_head", "cut",
)  # fmt: skip


class Arguments(ctypes.Structure):
    """What every kernel takes, by value; every field has 8 bytes."""

    _fields_ = [
        *((name, ctypes.c_void_p) for name in POINTERS),
        *((name, ctypes.c_int64) for name in INTEGERS),
        ("clip", ctypes.c_double),
        ("gradient_clip", ctypes.c_double),
        ("values", ctypes.c_double * 4),
        ("width", ctypes.c_int64),
    ]


def arguments(tensors: dict[str, Tensor | None], numbers: dict[str, Any]) -> Arguments:
    """The structure with the tensors' addresses and the numbers; what is not named is 0."""
    filled = Arguments()
    for name, tensor in tensors.items():
        setattr(filled, name, None if tensor is None else tensor.data_ptr())
    for name, number in numbers.items():
        setattr(filled, name, number if name != "values" else (ctypes.c_double * 4)(*number))
    return filled


def run(configuration: Configuration, filled: Arguments, device: torch.device) -> None:
    """Launches a fused configuration over the whole batch and all heads, in as many launches as it takes.

    `filled` has everything but the scratch memory, which is taken here. Raises LaunchError where the
    driver refuses, and before any launch where the blocks that wait for each other would not all be
    on the GPU.
    """
    values, family = configuration.values, configuration.family
    function = _loaded(configuration, device.index)
    stream = torch.cuda.current_stream(device).cuda_stream
    blocks, threads = values["blocks_of_head"], values["threads"]
    batch_tiles, heads = values["batch_tiles"], filled.heads
    if family in ("block", "cluster"):
        function.launch((blocks, batch_tiles, heads), threads, stream, [filled])
        return
    teams = _teams_at_once(configuration, function, device)
    for first_head, head_count, first_tile, tile_count in parts(teams, heads, batch_tiles):
        part = Arguments.from_buffer_copy(filled)
        part.first_head = first_head
        part.first_sample = first_tile * values["batch_tile"]
        count = head_count * tile_count
        scratch = _scratch(configuration, count, device)
        for name, tensor in scratch.items():
            setattr(part, name, tensor.data_ptr())
        function.launch((blocks, tile_count, head_count), threads, stream, [part], cooperative=True)


def parts(teams: int, heads: int, batch_tiles: int) -> list[tuple[int, int, int, int]]:
    """Cuts heads × batch tiles into launches of at most `teams` of them.

    Each part is (first head, heads, first batch tile, batch tiles).
    """
    tile_count = min(teams, batch_tiles)
    head_count = teams // batch_tiles if teams >= batch_tiles else 1
    return [
        (head, min(head_count, heads - head), tile, min(tile_count, batch_tiles - tile))
        for head in range(0, heads, head_count)
        for tile in range(0, batch_tiles, tile_count)
    ]


def _scratch(configuration: Configuration, teams: int, device: torch.device) -> dict[str, Tensor]:
    """Global memory that one launch of so many heads and batch tiles uses among its blocks."""
    values = configuration.values
    blocks = values["blocks_of_head"]

    def bytes_of(size: int) -> Tensor:
        return torch.empty(max(size, 16), dtype=torch.uint8, device=device)

    streamed = 512 * values["warps"] * values["tiles"] * values["streamed_steps"]
    return {
        "exchange": bytes_of(32 * teams * blocks * values["slice_bytes"]).fill_(0xFF),
        "streamed": bytes_of(streamed * blocks * teams),
    }


def _teams_at_once(configuration: Configuration, function: driver.Function, device: torch.device) -> int:
    """How many heads and batch tiles run at once, by the driver's own count of blocks on an SM."""
    values = configuration.values
    per_sm = function.blocks_per_sm(values["threads"])
    sms = torch.cuda.get_device_properties(device).multi_processor_count
    teams: int = per_sm * sms // values["blocks_of_head"]
    if teams == 0:
        raise driver.LaunchError(
            f"{function.name}: the {values['blocks_of_head']} blocks of a head wait for each other, and this "
            f"GPU runs {per_sm * sms} of them at once"
        )
    return teams


def _loaded(configuration: Configuration, device: int) -> driver.Function:
    """The kernel of a fused configuration, ready in the current context."""
    (function,) = loaded(configuration, device)
    return function


def loaded(configuration: Configuration, device: int) -> tuple[driver.Function, ...]:
    """The kernels of a configuration, loaded once for each GPU, which must be the current one."""
    driver.bind(device)
    key = (configuration.family, configuration.work, configuration.hardware)
    return _load(key, tuple(sorted(configuration.values.items())), device)


@cache
def _load(
    key: tuple[str, Work, str], values: tuple[tuple[str, int], ...], device: int
) -> tuple[driver.Function, ...]:
    configuration = Configuration(*key, dict(values))
    gpu = hardware.load(configuration.hardware)
    found = kernels.compiled(configuration)
    large = configuration.family == "cluster" and (
        configuration.values["blocks_of_head"] > gpu.blocks_per_cluster
    )
    return tuple(
        driver.load(found.cubin, symbol, name, configuration.values["shared_bytes"], large)
        for name, symbol in found.symbols.items()
    )


# Tensors as the kernels want them ----------------------------------------------------------------------


def padded(tensor: Tensor, width: int, axes: Sequence[int] = (-1,)) -> Tensor:
    """The tensor with zeros after the end of these axes, up to `width`; itself where they are that long."""
    for axis in axes:
        missing = width - tensor.shape[axis]
        if missing:
            shape = list(tensor.shape)
            shape[axis] = missing
            tensor = torch.cat((tensor, tensor.new_zeros(shape)), axis)
    return tensor


def rows(tensor: Tensor) -> Tensor:
    """The tensor with its last axis contiguous and every row at a multiple of 16 bytes."""
    size = tensor.element_size()
    aligned = tensor.data_ptr() % 16 == 0 and all(stride * size % 16 == 0 for stride in tensor.stride()[:-1])
    return tensor if aligned and tensor.stride(-1) == 1 else tensor.contiguous()


def whole(tensor: Tensor) -> Tensor:
    """The tensor contiguous, and at a multiple of 16 bytes."""
    tensor = tensor.contiguous()
    return tensor if tensor.data_ptr() % 16 == 0 else tensor.clone()


def example(configuration: Configuration, steps: int) -> Callable[[], None]:
    """A call that runs a fused configuration over `steps` steps of small random numbers, to be timed."""
    work, width = configuration.work, configuration.values.get("width", configuration.work.head_dim)
    cell = get_cell(work.cell)
    device = torch.device("cuda", torch.cuda.current_device())
    B, H = work.batch, work.heads

    def random(dtype: str, *shape: int) -> Tensor:
        return torch.randn(*shape, device=device).mul_(0.1).to(getattr(torch, dtype))

    states, gates = len(cell.states), len(cell.gates)
    tensors: dict[str, Tensor | None] = {
        "inputs": random(work.input, steps, B, cell.input_gates, H, width),
        "matrix": random(work.storage, cell.recurrent_gates, H, width, width).mul_(width**-0.5),
        "bias": random("float32", gates, H, width),
        "initial": random(work.state, states, B, H, width).abs_(),
        "states": random(work.state, states, steps, B, H, width).abs_(),
        "gates": random(work.gate, steps, B, gates, H, width),
        "d_states": random(work.state, states, steps, B, H, width),
        "d_gates": random(work.storage, steps, B, gates, H, width),
        "d_initial": random(work.state, states, B, H, width),
    }
    numbers = {
        "time": steps, "batch": B, "heads": H,
        **strides(tensors["inputs"], ("input_time", "input_batch", "input_gate", "input_head")),
        **strides(tensors["d_states"], ("d_state", "d_time", "d_batch", "d_head")),
        "clip": float("inf"), "gradient_clip": float("inf"),
    }  # fmt: skip

    def call() -> None:
        if configuration.family == "alternating":
            raise driver.LaunchError(
                "the alternating kernels are not timed alone: their product is PyTorch's"
            )
        run(configuration, arguments(tensors, numbers), device)

    return call


def strides(tensor: Tensor | None, names: Sequence[str]) -> dict[str, int]:
    """The strides of the tensor's axes but the last, under these names."""
    assert tensor is not None
    return dict(zip(names, tensor.stride()[:-1], strict=True))
