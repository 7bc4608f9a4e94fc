"""The kernels as C++ names: which template instance a configuration stands for, and what it compiles to."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flashrnn import hardware
from flashrnn.cuda.compiler import Compiled, Resources, compile_kernels

if TYPE_CHECKING:
    from flashrnn.cuda.tuner import Configuration

SOURCES = Path(__file__).parent / "sources"

# The sources' names of what Python calls otherwise.
CELLS = {"lstm": "Lstm", "gru": "Gru", "elman": "Elman", "slstm": "Slstm"}
MATHS = {"bfloat16": "Bfloat16", "float16": "Float16", "tfloat32": "Tf32", "float32": "Float32"}
TYPES = {"bfloat16": "bfloat16", "float16": "float16", "float32": "float"}
SIZES = {"bfloat16": 2, "float16": 2, "float32": 4, "tfloat32": 4}

# Template parameters that the solver chooses, by the names of its variables, in the sources' order.
_CHOSEN = (
    "width",
    "units",
    "batch_tile",
    "unit_warps",
    "sum_warps",
    "register_steps",
    "shared_steps",
    "stages",
    "blocks_per_sm",
)


@dataclass(frozen=True)
class Verification:
    """What the compiler makes of a configuration, and where that contradicts its model."""

    architecture: str
    resources: dict[str, Resources]
    contradictions: list[str]

    def as_dict(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return asdict(self)


def parameters(family: str) -> tuple[str, ...]:
    """The variables of the family's model that are template parameters."""
    return () if family == "alternating" else _CHOSEN


def expressions(configuration: Configuration) -> list[str]:
    """The C++ names of the kernels that run a configuration."""
    work, family = configuration.work, configuration.family
    forward = work.direction == "forward"
    types = [TYPES[name] for name in ((work.input,) if forward else ()) + (work.state, work.gate)]
    functions = "Accurate" if work.accurate else "Fast"
    training = [str(work.training).lower()] if forward else []
    if family == "alternating":
        recurrent = "float" if SIZES[work.dtype] == 4 else TYPES[work.dtype]
        template = [CELLS[work.cell], functions, recurrent, *types, *training]
    else:
        chosen = [str(configuration.values[name]) for name in _CHOSEN]
        template = [CELLS[work.cell], MATHS[work.dtype], functions, *types, *chosen, *training]
    name = "grid" if family == "stream" else family
    return [f"flashrnn_{name}_{work.direction}<{', '.join(template)}>"]


def compiled(configuration: Configuration) -> Compiled:
    """The kernels of a configuration as machine code for its GPU, from the cache where it is there.

    Raises CompilerUnavailable and CompilationError.
    """
    gpu = hardware.load(configuration.hardware)
    return compile_kernels(source(configuration), expressions(configuration), architecture(gpu), _headers())


def source(configuration: Configuration) -> str:
    """What is given to the compiler. It refuses where the model's shared memory is not the kernel's own."""
    if configuration.family == "alternating":
        return '#include "alternating.cuh"\n'
    promised = configuration.values["shared_bytes"]
    agreed = [f"{shared_bytes(name)} == {promised}" for name in expressions(configuration)]
    return f'#include "kernels.cuh"\nstatic_assert({" && ".join(agreed)}, "the model\'s shared memory");\n'


def shared_bytes(name: str) -> str:
    """The C++ name of the dynamic shared memory of a block of the fused kernel of this name."""
    return name.replace("<", "_shared_bytes<", 1)


def check(configuration: Configuration) -> Verification:
    """Holds the compiler's report of a configuration against what its model promised.

    Raises CompilerUnavailable, and CompilationError, also where the dynamic shared memory is another.
    """
    promised = configuration.values
    contradictions = []
    found = compiled(configuration).resources
    for report in found.values():
        if report.registers > promised["registers"]:
            contradictions.append(
                f"{report.registers} registers of a thread where there are {promised['registers']}"
            )
        if report.spills:
            contradictions.append(f"{report.spills} bytes of registers spilled")
        elif report.stack:
            contradictions.append(f"{report.stack} bytes of stack")
        if report.static_shared:
            contradictions.append(
                f"{report.static_shared} bytes of static shared memory, which the model has not"
            )
    return Verification(architecture(hardware.load(configuration.hardware)), dict(found), contradictions)


def architecture(gpu: hardware.Profile) -> str:
    """The compiler's name of a GPU's instruction set."""
    return f"sm_{gpu.compute_capability_major}{gpu.compute_capability_minor}"


@cache
def source_hash() -> str:
    """Changes whenever a kernel's source does."""
    return hashlib.sha256(repr(sorted(_headers().items())).encode()).hexdigest()


@cache
def _headers() -> Mapping[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(SOURCES.glob("*.cuh"))}
