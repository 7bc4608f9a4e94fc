"""The CUDA kernels on a CPU: their own sources, compiled by g++ against a twin of their primitives.

`Instance` is one instance of a kernel's template, `build` compiles several of them, and `forward` and
`backward` run one on tensors in the layout of `flashrnn.backends`, under a warp schedule that a seed fixes.
"""

from __future__ import annotations

import ctypes
import math
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from flashrnn.cells import CELLS
from flashrnn.cuda.kernels import CELLS as CELL_NAMES
from flashrnn.cuda.kernels import MATHS, SIZES, SOURCES, TYPES, expressions, shared_bytes
from flashrnn.cuda.launch import Arguments, arguments, strides
from flashrnn.cuda.tuner import Configuration, Work

HERE = Path(__file__).parent
NEEDED = {"lstm": 1, "slstm": 2, "gru": 1, "elman": 0}  # states before a step that its derivative asks for
OUTCOMES = ("finished", "deadlock", "a write beyond the block's shared memory", "a misaligned address")


def up(a: int, b: int) -> int:
    return -(-a // b)


def odd16(size: int) -> int:
    return 16 * (up(size, 16) | 1)


@dataclass(frozen=True)
class Instance:
    """A fused kernel with all its template parameters, and what the sources' README says follows from them.

    `shared_steps` None takes all that `register_steps` leaves; `wide` has float32 in the place of 16-bit
    inputs, states and gates.
    """

    family: str
    direction: str
    cell: str
    math: str
    width: int
    units: int
    batch_tile: int = 8
    unit_warps: int = 1
    sum_warps: int = 1
    register_steps: int = 1
    shared_steps: int | None = None
    stages: int = 3
    training: bool = True
    wide: bool = False
    functions: str = "Accurate"

    @property
    def storage(self) -> torch.dtype:
        """The dtype of R."""
        return torch.float32 if SIZES[self.math] == 4 else getattr(torch, self.math)

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of inputs, states and gates."""
        return torch.float32 if self.wide else self.storage

    @property
    def blocks(self) -> int:
        return up(self.width, self.units)

    @property
    def threads(self) -> int:
        return 32 * self.unit_warps * self.sum_warps

    @property
    def per_unit(self) -> int:
        return 1 if self.direction == "forward" else CELLS[self.cell].recurrent_gates

    @property
    def tiles(self) -> int:
        rows = CELLS[self.cell].recurrent_gates if self.direction == "forward" else 1
        group = 8 if rows % 2 == 0 else 16
        half_group = self.units % 8 == 4
        return up(up(self.units, group), self.unit_warps) * (rows * group // 16) - half_group

    @property
    def steps_of_warp(self) -> int:
        return up(up(self.width * self.per_unit * SIZES[self.math], 32), self.sum_warps)

    @property
    def kept_in_shared(self) -> int:
        left = self.steps_of_warp - self.register_steps
        return left if self.shared_steps is None else self.shared_steps

    @property
    def streamed_bytes(self) -> int:
        """Scratch of a block for the part of R that is not kept."""
        streamed = self.steps_of_warp - self.register_steps - self.kept_in_shared
        return 512 * self.threads // 32 * self.tiles * streamed

    @property
    def slice_bytes(self) -> int:
        """What a block makes in a step for all samples."""
        return self.batch_tile * self.units * self.per_unit * SIZES[self.math]

    @property
    def shared_bytes(self) -> int:
        """Dynamic shared memory of a block."""
        cell, grid = CELLS[self.cell], self.family == "grid"
        states, gates, inputs = len(cell.states), len(cell.gates), cell.input_gates
        value = odd16(self.units * self.dtype.itemsize)
        element = odd16(self.units * SIZES[self.math])
        row = 32 * self.steps_of_warp * self.sum_warps + 16
        sums = 512 * self.threads // 32 * self.tiles * up(self.batch_tile, 8)
        if self.direction == "forward":
            incoming = inputs * value
            outgoing = (states + gates * self.training) * value
        else:
            incoming = (gates + NEEDED[self.cell] + states) * value
            outgoing = gates * element
        return (
            self.batch_tile * row * (1 if grid else 2)
            + (self.slice_bytes if grid else 0)
            + 512 * self.threads // 32 * self.tiles * self.kept_in_shared
            + (sums if self.sum_warps > 1 else 0)
            + self.stages * self.batch_tile * incoming
            + 2 * self.batch_tile * outgoing
            + (16 if self.family == "cluster" else 0)
        )

    @property
    def parameters(self) -> dict[str, str]:
        """The template parameters by name."""
        scalar = "float" if self.dtype == torch.float32 else TYPES[self.math]
        return {
            "Cell": CELL_NAMES[self.cell],
            "Math": MATHS[self.math],
            "Functions": self.functions,
            **({"Input": scalar} if self.direction == "forward" else {}),
            "State": scalar,
            "Gate": scalar,
            "HeadDim": str(self.width),
            "Units": str(self.units),
            "BatchTile": str(self.batch_tile),
            "UnitWarps": str(self.unit_warps),
            "SumWarps": str(self.sum_warps),
            "RegisterSteps": str(self.register_steps),
            "SharedSteps": str(self.kept_in_shared),
            "Stages": str(self.stages),
            "BlocksPerSm": "1",
            **({"Training": str(self.training).lower()} if self.direction == "forward" else {}),
        }

    @property
    def name(self) -> str:
        return f"flashrnn_{self.family}_{self.direction}<{', '.join(self.parameters.values())}>"


@dataclass(frozen=True)
class Pointwise:
    """A kernel of the family `alternating`."""

    work: Work

    family = "alternating"
    threads = 256

    @property
    def direction(self) -> str:
        return self.work.direction

    @property
    def name(self) -> str:
        (name,) = expressions(Configuration(self.family, self.work, "", {}))
        return name


Kernel = Instance | Pointwise


class Built:
    """A shared library with the kernels it was built from.

    `faults` names, for a direction, the fault that its kernels have, where the sources were altered to have
    some.
    """

    def __init__(self, library: Path, instances: Sequence[Kernel]) -> None:
        self.library = ctypes.CDLL(str(library))
        self.number = {instance: index for index, instance in enumerate(instances)}
        self.faults: dict[str, int] = {}

    def shared_bytes(self, instance: Instance) -> int:
        """What the sources themselves say of the block's shared memory."""
        return int(self.library[f"shared_{self.number[instance]}"]())

    def run(
        self, instance: Kernel, filled: Arguments, grid: tuple[int, int, int], shared: int, seed: int
    ) -> None:
        """Runs the kernel. Raises RuntimeError where that does not come to a good end."""
        # Blocks that do not speak to each other run one after the other.
        kind = ctypes.c_char(b"b" if instance.family == "alternating" else instance.family[0].encode())
        self.library.set_fault(self.faults.get(instance.direction, 0))
        sizes = (ctypes.c_int * 3)(*grid)
        call = self.library[f"run_{self.number[instance]}"]
        outcome = call(ctypes.byref(filled), sizes, instance.threads, shared, kind, ctypes.c_uint(seed))
        if outcome:
            raise RuntimeError(f"{instance.name}: {OUTCOMES[outcome]}")


def build(
    folder: Path,
    instances: Sequence[Kernel],
    change: Callable[[Mapping[str, str]], Mapping[str, str]] | None = None,
) -> Built:
    """Compiles the instances into `folder`; `change` may alter the kernels' sources before."""
    sources: Mapping[str, str] = {path.name: path.read_text() for path in SOURCES.glob("*.cuh")}
    if change is not None:
        sources = change(sources)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in sources.items():
        (folder / name).write_text(text)
    for name in ("primitives.cuh", "machine.h"):
        (folder / name).write_text((HERE / name).read_text())
    lines = ['#include "kernels.cuh"', '#include "alternating.cuh"']
    lines.append('extern "C" void set_fault(int number) { machine::fault = number; }')
    for index, instance in enumerate(instances):
        if isinstance(instance, Instance):
            size = shared_bytes(instance.name)
            lines.append(f'extern "C" int shared_{index}() {{ return {size}; }}')
        lines += [
            f'extern "C" int run_{index}(const Arguments* arguments, const int (&grid)[3], int threads,'
            " int shared, char kind, unsigned seed) {",
            f"    return machine::launch([=] {{ {instance.name}(*arguments); }}, grid, threads, shared,"
            " kind, seed);",
            "}",
        ]
    (folder / "kernels.cpp").write_text("\n".join(lines) + "\n")
    command = ["g++", "-std=c++17", "-O1", "-ffp-contract=off", "-Wno-unknown-pragmas", "-shared", "-fPIC"]
    result = subprocess.run(
        [*command, "-o", "kernels.so", "kernels.cpp"], cwd=folder, capture_output=True, text=True, timeout=300
    )
    if result.returncode:
        raise RuntimeError(result.stderr[:4000])
    return Built(folder / "kernels.so", instances)


def with_faults(faults: Mapping[str, Sequence[str]]) -> Callable[[Mapping[str, str]], Mapping[str, str]]:
    """For `build`: the sources with faults in them that `Built.faults` makes come true, numbered from 1.

    A fault is a file, a text in it, and what stands there instead, in which FAULT says whether it is there.
    Raises ValueError where the text is not in the file.
    """

    def change(sources: Mapping[str, str]) -> Mapping[str, str]:
        changed = dict(sources)
        for number, (name, (file, old, new, *_)) in enumerate(faults.items(), 1):
            if old not in changed[file]:
                raise ValueError(f"{name}: {file} has no {old!r}")
            changed[file] = changed[file].replace(old, new.replace("FAULT", f"(machine::fault == {number})"))
        return changed

    return change


@dataclass(frozen=True)
class Options:
    """The settings that the kernels take as arguments."""

    clip: float = math.inf
    gradient_clip: float = math.inf
    cut: bool = False
    values: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)


def forward(
    built: Built,
    instance: Instance,
    Wx: Tensor,
    R: Tensor,
    b: Tensor,
    states: Tensor,
    reset: Tensor | None = None,
    options: Options = Options(),
    seed: int = 0,
) -> tuple[Tensor, Tensor]:
    """all_states [S, T, B, H, D] and the kept gates [T, B, Gt, H, D]."""
    T, B, _, H, D = Wx.shape
    cell = CELLS[instance.cell]
    all_states = torch.full((len(cell.states), T, B, H, D), math.nan, dtype=states.dtype)
    gates = torch.full((T, B, len(cell.gates), H, D), math.nan, dtype=instance.dtype)
    tensors = {
        "inputs": Wx, "matrix": R, "bias": b.float(), "initial": states, "reset": reset,
        "states": all_states, "gates": gates,
    }  # fmt: skip
    numbers = strides(Wx, ("input_time", "input_batch", "input_gate", "input_head"))
    _launch(built, instance, tensors, numbers, T, B, H, options, seed)
    return all_states, gates


def backward(
    built: Built,
    instance: Instance,
    d_all_states: Tensor,
    R: Tensor,
    states: Tensor,
    all_states: Tensor,
    gates: Tensor,
    reset: Tensor | None = None,
    options: Options = Options(),
    seed: int = 0,
) -> tuple[Tensor, Tensor]:
    """The gradients of all gates [T, B, Gt, H, D] and of the initial states [S, B, H, D]."""
    _, T, B, H, _ = d_all_states.shape
    d_gates = torch.full(gates.shape, math.nan, dtype=R.dtype)
    d_initial = torch.full(states.shape, math.nan, dtype=states.dtype)
    tensors = {
        "matrix": R, "initial": states, "reset": reset, "states": all_states, "gates": gates,
        "d_states": d_all_states, "d_gates": d_gates, "d_initial": d_initial,
    }  # fmt: skip
    numbers = strides(d_all_states, ("d_state", "d_time", "d_batch", "d_head"))
    _launch(built, instance, tensors, numbers, T, B, H, options, seed)
    return d_gates, d_initial


def _launch(
    built: Built,
    instance: Instance,
    tensors: dict[str, Tensor | None],
    numbers: dict[str, int],
    time: int,
    batch: int,
    heads: int,
    options: Options,
    seed: int,
) -> None:
    grid = (instance.blocks, up(batch, instance.batch_tile), heads)
    teams = grid[1] * grid[2]
    # Of scratch memory the exchange is promised to begin as all ones; the rest is anything but what is right.
    scratch = {
        "exchange": torch.full((max(16, 32 * teams * instance.blocks * instance.slice_bytes),), 0xFF),
        "streamed": torch.full((max(16, instance.streamed_bytes * instance.blocks * teams),), 0xFF),
    }
    scratch = {name: tensor.to(torch.uint8) for name, tensor in scratch.items()}
    filled = arguments(
        {**tensors, **scratch},
        {
            **numbers, "time": time, "batch": batch, "heads": heads, "cut": int(options.cut),
            "clip": options.clip, "gradient_clip": options.gradient_clip,
            "values": [*options.values, 0.0, 0.0, 0.0, 0.0][:4],
        },
    )  # fmt: skip
    built.run(instance, filled, grid, instance.shared_bytes, seed)


def other_direction(instance: Instance, **changes: int | None) -> Instance:
    """The backward kernel that goes with a forward one."""
    return replace(instance, direction="backward", **changes)  # type: ignore[arg-type]
