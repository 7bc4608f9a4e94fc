"""Which kernel runs a shape on a GPU, and how it is launched: the solver's choice, checked by the compiler.

Every family of kernels has its model, a problem file in `models`. Its variables are the kernel's template
parameters and what follows from them; its objective is the predicted number of cycles of a step. All
families speak of these variables alike:

    threads, registers      of a block; of a thread, as `__launch_bounds__` promises them
    shared_bytes            dynamic shared memory of a block
    blocks, blocks_per_sm   of the launch; and on an SM at once
    waves                   how often the GPU is filled until all blocks have run
    NAME_cycles             what each bound alone would take in a step: NAME is what limits it
    cycles                  of a step, times the waves

`choose` goes through the configurations, the best first, until the compiler confirms one.
"""

from __future__ import annotations

import hashlib
import heapq
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

import constrint
from flashrnn import hardware
from flashrnn.cuda import cache as disk
from flashrnn.cuda import kernels
from flashrnn.cuda.compiler import nvrtc_version

FAMILIES = ("block", "cluster", "grid", "stream", "alternating")
# Families that take all steps in one launch.
FUSED = FAMILIES[:-1]
DIRECTIONS = ("forward", "backward")
MODELS = Path(__file__).parent / "models"


class Work(NamedTuple):
    """What a kernel has to do.

    Attributes:
        dtype: that of R and how it is multiplied: "bfloat16", "float16", "float32" or "tfloat32".
        input_dtype, state_dtype, gate_dtype: those of Wx, the states and the kept gates; "" for R's.
        training: forward, whether gates are kept.
        exact_functions: in 16 bits too, no approximations by the hardware's tanh.
    """

    cell: str
    direction: str
    dtype: str
    head_dim: int
    heads: int = 1
    batch: int = 16
    input_dtype: str = ""
    state_dtype: str = ""
    gate_dtype: str = ""
    training: bool = True
    exact_functions: bool = False

    @property
    def storage(self) -> str:
        """The dtype of R in memory."""
        return "float32" if self.dtype == "tfloat32" else self.dtype

    @property
    def input(self) -> str:
        """The dtype of Wx."""
        return self.input_dtype or self.storage

    @property
    def state(self) -> str:
        """The dtype of the states."""
        return self.state_dtype or self.storage

    @property
    def gate(self) -> str:
        """The dtype of the kept gates."""
        return self.gate_dtype or self.storage

    def normal(self) -> Work:
        """The same work with nothing left to defaults, and what has no influence always alike."""
        backward = self.direction == "backward"
        return self._replace(
            input_dtype=self.storage if backward else self.input,
            state_dtype=self.state,
            gate_dtype=self.gate,
            training=self.training or backward,
            exact_functions=self.accurate,
        )

    @property
    def accurate(self) -> bool:
        """Whether functions are computed as exactly as float32 allows."""
        return self.exact_functions or self.storage == "float32"


@dataclass(frozen=True)
class Configuration:
    """One way to do the work on one GPU: a family, and the values of all variables of its model."""

    family: str
    work: Work
    hardware: str
    values: dict[str, int]

    @property
    def cycles(self) -> int:
        """Predicted cycles of a step of the whole launch."""
        return self.values["cycles"]

    @property
    def bounds(self) -> dict[str, int]:
        """Cycles of a step by what they are spent on, for one wave."""
        return {
            name.removesuffix("_cycles"): value
            for name, value in self.values.items()
            if name.endswith("_cycles")
        }

    @property
    def bound(self) -> str:
        """What most of a step is spent on."""
        bounds = self.bounds
        return max(bounds, key=lambda name: bounds[name])

    def microseconds(self) -> float:
        """Predicted time of a step at the GPU's boost clock."""
        return 1e6 * self.cycles / hardware.load(self.hardware).boost_clock_hz

    def resources(self) -> dict[str, tuple[int, int]]:
        """What is used and what there is of each resource."""
        gpu = hardware.load(self.hardware)
        used = self.values
        return {
            "threads of a block": (used["threads"], gpu.threads_per_block),
            "registers of a thread": (used["needed_registers"], used["registers"]),
            "shared memory of a block": (used["shared_bytes"], gpu.shared_memory_per_block),
            "registers of an SM": (
                used["registers"] * used["threads"] * used["blocks_per_sm"],
                gpu.registers_per_sm,
            ),
            "threads of an SM": (used["threads"] * used["blocks_per_sm"], gpu.threads_per_sm),
            "blocks at once": (
                min(used["blocks"], used["blocks_per_sm"] * gpu.sm_count),
                used["blocks_per_sm"] * gpu.sm_count,
            ),
        }

    def as_dict(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {
            "family": self.family,
            **self.work._asdict(),
            "hardware": self.hardware,
            "cycles": self.cycles,
            "microseconds_per_step": round(self.microseconds(), 4),
            "bound": self.bound,
            "bounds": self.bounds,
            "resources": {
                name: {"used": used, "available": available}
                for name, (used, available) in self.resources().items()
            },
            "values": self.values,
        }


def configurations(
    work: Work,
    profile: str | Path,
    families: Sequence[str] = FAMILIES,
    spilled: Callable[[Configuration], int] = lambda configuration: 0,
) -> Iterator[Configuration]:
    """All configurations of these families, by predicted cycles; the best of each family at little cost.

    A family is solved only for something better than what another one has to offer, until it is its turn.
    `spilled` is asked before a configuration is given: how many bytes of registers a thread of it spills. One
    that spills any is not given, nor is what would spill them again: see `_Family.learn`.

    Raises ProfileError where `profile` is not one, ProblemError where a model asks for a figure that the
    profile does not know.
    """
    hardware.load(profile)
    # The alternating kernels leave nothing to choose: first, they are a limit for the others at no cost.
    ordered = sorted(families, key=lambda family: family != "alternating")
    sources = [_Family(family, work, str(profile)) for family in ordered]
    # By cycles: what a family has found, or, where that is not known, what it cannot be better than.
    waiting: list[tuple[int, int, Configuration | None]] = [(0, place, None) for place in range(len(sources))]
    while waiting:
        cycles, place, found = heapq.heappop(waiting)
        if found is not None:
            if spills := spilled(found):
                sources[place].learn(found, spills)
            else:
                yield found
            heapq.heappush(waiting, (cycles, place, None))
            continue
        limit = min((entry[0] for entry in waiting if entry[2] is not None), default=None)
        found = sources[place].best(limit)
        if found is not None:
            heapq.heappush(waiting, (found.cycles, place, found))
        elif limit is not None:
            heapq.heappush(waiting, (limit + 1, place, None))


class _Family:
    """A family's configurations, the best first: solved again each time without those that were given."""

    def __init__(self, family: str, work: Work, profile: str) -> None:
        self._name, self._work, self._profile = family, work, profile
        self._problem = _problem(family, work, profile)
        self._chosen = [name for name in kernels.parameters(family) if name in self._problem.variables]

    def best(self, limit: int | None) -> Configuration | None:
        """The best one that was not given before, of at most `limit` cycles; None: there is none."""
        problem = self._problem
        problem.push()
        if limit is not None:
            problem.add(problem["cycles"] <= limit, label="as good as another family")
        best = problem.solve()
        problem.pop()
        if not best:
            return None
        # Not this one again; where there is nothing to choose, none at all.
        others = [problem[name] != best[name] for name in self._chosen]
        problem.add(constrint.any_of(others) if others else problem["cycles"] < 0, label="another one")
        return Configuration(self._name, self._work, self._profile, dict(best))

    def learn(self, refused: Configuration, spilled: int) -> None:
        """From here on nothing is given that would spill registers for the same reasons.

        What is cut alike is to need fewer registers, by as many as the spilled bytes stand for. Or it has
        fewer stages, where little was missing.
        """
        if "register_steps" not in self._chosen:
            return
        problem, values = self._problem, refused.values
        otherwise = [problem[name] != values[name] for name in _CUT]
        missing = max(spilled // _SPILLED_REGISTER, 1)
        fewer = [problem["needed_registers"] <= values["needed_registers"] - missing]
        if spilled <= _STAGES_SAVE:
            fewer.append(problem["stages"] < values["stages"])
        problem.add(constrint.any_of([*fewer, *otherwise]), label="fewer registers")


def _problem(family: str, work: Work, profile: str, largest: int = 0) -> constrint.Problem:
    """The family's model for this work on this GPU."""
    slots, recurrent, inputs, states, needed_before, instructions = _CELLS[work.cell]
    parameters: dict[str, Any] = {
        "largest": largest,
        "backward": DIRECTIONS.index(work.direction),
        "training": int(work.training),
        "gates": slots,
        "recurrent": recurrent,
        "inputs": inputs,
        "states": states,
        "needed_before": needed_before,
        "head_dim": work.head_dim,
        "heads": work.heads,
        "batch": work.batch,
        "element_bytes": kernels.SIZES[work.dtype],
        "input_bytes": kernels.SIZES[work.input],
        "state_bytes": kernels.SIZES[work.state],
        "gate_bytes": kernels.SIZES[work.gate],
        "products": 3 if work.dtype == "float32" else 1,
        "cell_instructions": instructions * (2 if work.accurate else 1),
    }
    gpu = hardware.load(profile)
    for name, key in _LATENCIES.items():
        known = getattr(gpu, key)
        if known is not None:
            parameters[name] = known
    if family in FUSED:
        parameters["family"] = FUSED.index(family)
        parameters["largest_cluster"] = gpu.blocks_per_cluster_nonportable or gpu.blocks_per_cluster or 1
    return constrint.load(_model(family), set=parameters, include={"gpu": profile})


def _model(family: str) -> Path:
    return MODELS / ("fused.yaml" if family in FUSED else "alternating.yaml")


# Gates, those with R, those with an input, states, and states that a derivative reads besides h; then
# about how many instructions a unit of one sample takes. The first five are `flashrnn.cells`', which
# cannot be asked without PyTorch; a test holds them to it.
_CELLS = {
    "lstm": (4, 4, 4, 2, 1, 60),
    "gru": (4, 3, 3, 1, 1, 50),
    "elman": (1, 1, 1, 1, 0, 15),
    "slstm": (4, 4, 4, 4, 2, 100),
}
# What decides, besides R, how many registers a kernel needs.
_CUT = ("units", "batch_tile", "unit_warps", "sum_warps", "blocks_per_sm")
# Bytes spilled for want of a register: it is stored and loaded.
_SPILLED_REGISTER = 8
# Spilled bytes that fewer stages may save.
_STAGES_SAVE = 32
# The models' latencies, by the profile's keys.
_LATENCIES = {
    "shared_load": "shared_load_cycles",
    "l2_load": "l2_hit_cycles",
    "global_load": "global_load_cycles",
    "remote_load": "distributed_shared_load_cycles",
    "product_latency": "mma_m16n8k16_cycles",
    "barrier": "block_barrier_cycles",
    "barrier_of_warp": "block_barrier_cycles_per_warp",
}


@cache
def _tuner_hash() -> str:
    """Changes whenever a model does, or how the best of its configurations is looked for."""
    texts = [path.read_bytes() for path in (*sorted(MODELS.glob("*.yaml")), Path(__file__))]
    return hashlib.sha256(b"".join(texts)).hexdigest()


def _profile_hash(profile: str | Path) -> str:
    return hashlib.sha256(repr(hardware.load(profile)).encode()).hexdigest()


def choose(
    work: Work, profile: str | Path, families: Sequence[str] = FAMILIES, verify: bool = True
) -> Configuration | None:
    """The best configuration that the compiler confirms; None where nothing fits. Kept in the cache.

    Without `verify` it is the best of the models alone, and nothing is compiled. Raises as
    `configurations`, and CompilerUnavailable where there is no NVRTC.
    """
    work = work.normal()
    key = {
        "work": list(work),
        "families": list(families),
        "profile": _profile_hash(profile),
        "tuner": _tuner_hash(),
        "kernels": kernels.source_hash() if verify else None,
        "nvrtc": list(nvrtc_version()) if verify else None,
    }
    stored = disk.read("configurations", key)
    if stored is not None:
        with suppress(ValueError):
            return _decoded(stored, work, profile, families)
    spilled = _spilled if verify else lambda configuration: 0
    chosen = next(configurations(work, profile, families, spilled), None)
    content = None if chosen is None else {"family": chosen.family, "values": chosen.values}
    disk.write("configurations", key, json.dumps(content).encode())
    return chosen


def _decoded(stored: bytes, work: Work, profile: str | Path, families: Sequence[str]) -> Configuration | None:
    """What `choose` keeps: a family and all variables of its model. Raises ValueError for anything else."""
    found = json.loads(stored)
    if found is None:
        return None
    match found:
        case {"family": str(family), "values": dict(values)} if family in families:
            whole = all(type(value) is int for value in values.values())
            if whole and values.keys() == _variables(family):
                return Configuration(family, work, str(profile), values)
    raise ValueError("not a stored choice")


@cache
def _variables(family: str) -> frozenset[str]:
    return frozenset(yaml.safe_load(_model(family).read_bytes())["variables"])


def _spilled(configuration: Configuration) -> int:
    """Bytes that a thread spills; what else contradicts the model counts as one each."""
    found = kernels.check(configuration)
    return max([len(found.contradictions), *(report.spills for report in found.resources.values())])


def largest_head_dim(
    cell: str, direction: str, dtype: str, profile: str | Path, family: str, verify: bool = False
) -> int:
    """The largest head dimension that the family serves, for one head and a batch of one; 0: none.

    It is what the model says, which compiles nothing; with `verify`, the largest that the compiler confirms.
    Raises as `choose`.
    """
    work = Work(cell, direction, dtype, 1, 1, 1)
    problem = _problem(family, work, str(profile), largest=1)
    while best := problem.solve():
        width: int = best["width"]
        if not verify or choose(work._replace(head_dim=width), profile, (family,)):
            return width
        problem.add(problem["width"] < width, label="the compiler refuses it")
    return 0
