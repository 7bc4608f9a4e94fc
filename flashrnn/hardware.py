"""Hardware profiles: what a GPU has, read from YAML files, and how many blocks of a kernel it holds at once.

A profile is one file of the folder `profile_folder()`, or any file with the same keys;
docs/hardware_profiles.md says what each key means. Amounts of memory are in bytes; every other quantity with
a unit names it in its key.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import yaml


class ProfileError(ValueError):
    """A profile that cannot be found or is not one; the message names the file and the key."""


@dataclass(frozen=True)
class LatencyOrigin:
    """Where a latency is from; `carried_over` if it was measured on another GPU of the generation."""

    measured_on: str
    carried_over: bool
    source: str


@dataclass(frozen=True)
class Doubt:
    """A key whose value is to be treated with care, and why."""

    key: str
    reason: str


@dataclass(frozen=True)
class Profile:
    """One GPU; docs/hardware_profiles.md says what each field means. None: not known."""

    name: str
    architecture: str
    compute_capability_major: int
    compute_capability_minor: int

    sm_count: int
    threads_per_warp: int
    threads_per_block: int
    threads_per_sm: int
    warps_per_sm: int
    blocks_per_sm: int
    blocks_per_cluster: int
    blocks_per_cluster_nonportable: int | None
    named_barriers_per_sm: int

    registers_per_sm: int
    registers_per_block: int
    registers_per_thread: int
    register_allocation_unit: int
    register_partitions_per_sm: int

    shared_memory_per_sm: int
    shared_memory_per_block: int
    shared_memory_per_block_default: int
    shared_memory_reserved_per_block: int
    shared_memory_allocation_unit: int
    shared_memory_carveouts: tuple[int, ...]
    shared_memory_banks: int
    shared_memory_bank_width: int
    l1_and_shared_memory_per_sm: int
    tensor_memory_per_sm: int
    constant_memory: int
    l2_cache: int
    global_memory: int

    boost_clock_hz: int
    memory_clock_hz: int
    memory_bus_width_bits: int
    memory_bandwidth_bytes_per_second: int
    fp32_flop_per_second: int
    tf32_flop_per_second: int
    fp16_flop_per_second: int
    bf16_flop_per_second: int

    mma_shapes_16bit: tuple[tuple[int, ...], ...]
    mma_shapes_tf32: tuple[tuple[int, ...], ...]
    has_fp8: bool
    has_fp4: bool
    has_async_copy: bool
    has_tma: bool
    has_wgmma: bool
    has_tcgen05: bool
    has_distributed_shared_memory: bool

    shared_load_cycles: int | None
    l1_hit_cycles: int | None
    l2_hit_cycles: int | None
    global_load_cycles: int | None
    distributed_shared_load_cycles: int | None
    mma_m16n8k16_cycles: int | None
    block_barrier_cycles: int | None
    block_barrier_cycles_per_warp: int | None
    cluster_barrier_cycles: int | None
    grid_barrier_nanoseconds: int | None
    flag_handoff_nanoseconds: int | None
    kernel_launch_nanoseconds: int | None
    latency_origins: dict[str, LatencyOrigin]

    sources: tuple[str, ...]
    notes: tuple[str, ...]
    unverified: tuple[Doubt, ...]


def profile_folder() -> Path:
    """The folder of the profiles that come with flashrnn: beside this file, or at the top of a checkout."""
    here = Path(__file__).parent
    installed = here / "hardware_profiles"
    return installed if installed.is_dir() else here.parent / "hardware_profiles"


def names() -> list[str]:
    """The names of the profiles that come with flashrnn, sorted."""
    return sorted(path.stem for path in profile_folder().glob("*.yaml"))


def load(name_or_path: str | Path) -> Profile:
    """The profile of this name, or in this file.

    A text without a folder or an ending is a name. Raises ProfileError where there is no such profile or the
    file is not one: unknown, missing and repeated keys, values of another type, figures that contradict each
    other. OSError where the file cannot be read.
    """
    path = Path(name_or_path)
    if isinstance(name_or_path, str) and path.name == name_or_path and not path.suffix:
        known = names()
        if name_or_path not in known:
            listed = ", ".join(known)
            raise ProfileError(
                f"unknown hardware profile '{name_or_path}'{_hint(name_or_path, known)}; known: {listed}"
            )
        path = profile_folder() / f"{name_or_path}.yaml"
    elif not path.is_file():
        raise ProfileError(f"there is no hardware profile '{path}': no such file")
    return _Reader(path).profile()


@cache
def nearest(name: str, capability: tuple[int, int], sm_count: int, global_memory: int) -> str | None:
    """The name of the profile most like a GPU that has this name and these figures.

    It is of the GPU's compute capability, else of the newest one before it; None where all are of newer ones.
    Of several it is the one with the GPU's name, else the nearest by SMs, then by bytes of memory.
    """
    profiles = {known: load(known) for known in names()}
    capabilities = {
        known: (gpu.compute_capability_major, gpu.compute_capability_minor) for known, gpu in profiles.items()
    }
    newest = max((found for found in capabilities.values() if found <= capability), default=None)

    def distance(known: str) -> tuple[bool, int, int]:
        gpu = profiles[known]
        return gpu.name != name, abs(gpu.sm_count - sm_count), abs(gpu.global_memory - global_memory)

    return min((known for known in profiles if capabilities[known] == newest), key=distance, default=None)


def occupancy(profile: Profile, threads: int, registers: int, shared_bytes: int) -> int:
    """How many blocks of a kernel one SM holds at once; 0 where not even one can be launched.

    `threads` are those of a block, `registers` those of a thread as the compiler reports them, and
    `shared_bytes` the static and dynamic shared memory of a block, which is taken to have opted in to more
    than `shared_memory_per_block_default`; all of an SM's shared memory is taken to be available. The rules
    are those of NVIDIA's cuda_occupancy.h for compute capability 7.0 and later: a warp's registers are
    allocated in whole units and lie in one of the register file's partitions, a block's shared memory is
    allocated in whole units together with what the system reserves.

    Raises ValueError if `threads` or `registers` is not positive, or `shared_bytes` is negative.
    """
    if threads < 1 or registers < 1 or shared_bytes < 0:
        raise ValueError(
            "a block has at least one thread with one register, and no negative shared memory: not "
            f"threads={threads}, registers={registers}, shared_bytes={shared_bytes}"
        )
    if (
        threads > profile.threads_per_block
        or registers > profile.registers_per_thread
        or shared_bytes > profile.shared_memory_per_block
    ):
        return 0
    warps = -(-threads // profile.threads_per_warp)
    partitions = profile.register_partitions_per_sm
    warp_registers = _round_up(registers * profile.threads_per_warp, profile.register_allocation_unit)
    if warp_registers * _round_up(warps, partitions) > profile.registers_per_block:
        return 0
    partition_warps = profile.registers_per_sm // partitions // warp_registers
    shared = _round_up(
        shared_bytes + profile.shared_memory_reserved_per_block, profile.shared_memory_allocation_unit
    )
    return min(
        profile.blocks_per_sm,
        profile.warps_per_sm // warps,
        partitions * partition_warps // warps,
        profile.shared_memory_per_sm // shared if shared else profile.blocks_per_sm,
    )


def _round_up(value: int, unit: int) -> int:
    return -(-value // unit) * unit


# Reading ---------------------------------------------------------------------------------------------------


class _Reader:
    """One file, read as a profile."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: dict[str, int] = {}

    def profile(self) -> Profile:
        data = self._mapping()
        types = get_type_hints(Profile)
        for key in data:
            if key not in types:
                raise self._error(f"unknown key '{key}'{_hint(key, list(types))}", key)
        missing = [field.name for field in fields(Profile) if field.name not in data]
        if missing:
            raise self._error(f"missing key{'s' * (len(missing) > 1)}: {', '.join(missing)}")
        profile = Profile(**{key: self._value(value, types[key], key, key) for key, value in data.items()})
        self._check(profile)
        return profile

    def _mapping(self) -> dict[str, Any]:
        """The file's mapping, each key once."""
        try:
            loader = yaml.SafeLoader(self.path.read_text(encoding="utf-8"))
            try:
                node = loader.get_single_node()
                if not isinstance(node, yaml.MappingNode):
                    raise self._error("expected a mapping of keys to values")
                for key, _ in node.value:
                    name = str(key.value)
                    if name in self.lines:
                        raise self._error(f"the key '{name}' stands twice, first in line {self.lines[name]}")
                    self.lines[name] = key.start_mark.line + 1
                data: dict[str, Any] = loader.construct_document(node)
            finally:
                loader.dispose()
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise self._error(f"not YAML: {error}") from None
        return {str(key): value for key, value in data.items()}

    def _value(self, value: Any, kind: Any, key: str, where: str) -> Any:
        """`value` as the type `kind` of a field; the list types become tuples."""
        origin, arguments = get_origin(kind), get_args(kind)
        if type(None) in arguments:
            return None if value is None else self._value(value, arguments[0], key, where)
        if origin is tuple:
            if not isinstance(value, list):
                raise self._error(f"'{where}' must be a list, not {value!r}", key)
            return tuple(
                self._value(item, arguments[0], key, f"{where}[{index}]") for index, item in enumerate(value)
            )
        if origin is dict:
            if not isinstance(value, dict):
                raise self._error(f"'{where}' must be a mapping, not {value!r}", key)
            return {
                str(name): self._value(item, arguments[1], key, f"{where}.{name}")
                for name, item in value.items()
            }
        if kind in (LatencyOrigin, Doubt):
            types = get_type_hints(kind)
            if not isinstance(value, dict) or set(value) != set(types):
                raise self._error(f"'{where}' must be a mapping of {', '.join(types)}, not {value!r}", key)
            return kind(**{name: self._value(value[name], types[name], key, where) for name in types})
        # bool is a subclass of int, so the type itself is compared.
        if type(value) is not kind:
            wanted = {int: "an integer", bool: "true or false", str: "a text"}[kind]
            raise self._error(f"'{where}' must be {wanted}, not {value!r}", key)
        if kind is int and value < 0:
            raise self._error(f"'{where}' must not be negative, not {value}", key)
        return value

    def _check(self, profile: Profile) -> None:
        """Raise ProfileError where figures contradict each other."""
        for key in _POSITIVE:
            if getattr(profile, key) == 0:
                raise self._error(f"'{key}' must be positive", key)
        if profile.threads_per_sm != profile.warps_per_sm * profile.threads_per_warp:
            raise self._error("'threads_per_sm' is not warps_per_sm * threads_per_warp", "threads_per_sm")
        for key in ("mma_shapes_16bit", "mma_shapes_tf32"):
            if any(len(shape) != 3 for shape in getattr(profile, key)):
                raise self._error(f"'{key}' must be a list of [m, n, k]", key)
        if profile.shared_memory_per_block + profile.shared_memory_reserved_per_block > (
            profile.shared_memory_per_sm
        ):
            raise self._error(
                "'shared_memory_per_block' and what is reserved exceed 'shared_memory_per_sm'",
                "shared_memory_per_block",
            )
        carveouts = profile.shared_memory_carveouts
        if list(carveouts) != sorted(set(carveouts)) or carveouts[-1:] != (profile.shared_memory_per_sm,):
            raise self._error(
                "'shared_memory_carveouts' must rise to shared_memory_per_sm", "shared_memory_carveouts"
            )
        latencies = {key for key in _LATENCIES if getattr(profile, key) is not None}
        for key in sorted(latencies.symmetric_difference(profile.latency_origins)):
            if key in latencies:
                raise self._error(f"'latency_origins' does not say where '{key}' is from", "latency_origins")
            raise self._error(
                f"'latency_origins' names '{key}', which is no latency with a value"
                f"{_hint(key, sorted(latencies))}",
                "latency_origins",
            )
        known = [field.name for field in fields(Profile)]
        for doubt in profile.unverified:
            if doubt.key not in known:
                raise self._error(
                    f"'unverified' names the unknown key '{doubt.key}'{_hint(doubt.key, known)}", "unverified"
                )

    def _error(self, message: str, key: str | None = None) -> ProfileError:
        line = self.lines.get(key) if key is not None else None
        return ProfileError(f"{self.path}{'' if line is None else f':{line}'}: {message}")


_LATENCIES = tuple(
    field.name
    for field in fields(Profile)
    if field.name.endswith(("_cycles", "_cycles_per_warp", "_nanoseconds"))
)
_POSITIVE = (
    "sm_count",
    "threads_per_warp",
    "threads_per_block",
    "warps_per_sm",
    "blocks_per_sm",
    "blocks_per_cluster",
    "registers_per_sm",
    "registers_per_block",
    "registers_per_thread",
    "register_allocation_unit",
    "register_partitions_per_sm",
    "shared_memory_per_sm",
    "shared_memory_allocation_unit",
)


def _hint(name: str, known: list[str]) -> str:
    """ " … did you mean 'known'?", or nothing where no known name is close."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f" … did you mean '{close[0]}'?" if close else ""
