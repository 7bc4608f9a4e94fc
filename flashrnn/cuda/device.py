"""A hardware profile of the GPU in the machine: what its driver says, and the rest from its nearest kin."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from flashrnn import hardware
from flashrnn.cuda import cache


class NoGPU(RuntimeError):
    """There is no GPU to ask; the message says what is missing."""


# The profile's keys that the driver knows, by CUDA's name of the attribute and the unit it counts in.
_ATTRIBUTES = {
    "compute_capability_major": ("ComputeCapabilityMajor", 1),
    "compute_capability_minor": ("ComputeCapabilityMinor", 1),
    "sm_count": ("MultiProcessorCount", 1),
    "threads_per_warp": ("WarpSize", 1),
    "threads_per_block": ("MaxThreadsPerBlock", 1),
    "threads_per_sm": ("MaxThreadsPerMultiProcessor", 1),
    "blocks_per_sm": ("MaxBlocksPerMultiprocessor", 1),
    "registers_per_sm": ("MaxRegistersPerMultiprocessor", 1),
    "registers_per_block": ("MaxRegistersPerBlock", 1),
    "shared_memory_per_sm": ("MaxSharedMemoryPerMultiprocessor", 1),
    "shared_memory_per_block": ("MaxSharedMemoryPerBlockOptin", 1),
    "shared_memory_per_block_default": ("MaxSharedMemoryPerBlock", 1),
    "shared_memory_reserved_per_block": ("ReservedSharedMemoryPerBlock", 1),
    "constant_memory": ("TotalConstantMemory", 1),
    "l2_cache": ("L2CacheSize", 1),
    "boost_clock_hz": ("ClockRate", 1000),
    "memory_clock_hz": ("MemoryClockRate", 1000),
    "memory_bus_width_bits": ("GlobalMemoryBusWidth", 1),
}
# Where a GPU has other figures than the profile like it, its kernels are configured for its own.
_DECISIVE = (
    "compute_capability_major",
    "compute_capability_minor",
    "sm_count",
    "registers_per_sm",
    "shared_memory_per_sm",
    "shared_memory_per_block",
    "shared_memory_reserved_per_block",
)
# Of the runtime's enumeration; CuPy has no names for these two.
_NUMBERS = {"ComputeCapabilityMajor": 75, "ComputeCapabilityMinor": 76}


def query(device: int = 0) -> dict[str, Any]:
    """What the driver says of a GPU: the profile's keys that it knows. Raises NoGPU without one."""
    try:
        from cupy_backends.cuda.api import runtime
    except ImportError as error:
        raise NoGPU(f"CuPy, through which the GPU is asked, is not installed ({error})") from None
    try:
        count = runtime.getDeviceCount()
    except RuntimeError as error:
        raise NoGPU(f"no NVIDIA GPU can be reached: {error}") from None
    if not 0 <= device < count:
        raise NoGPU(f"there is no GPU {device}: this machine has {count}")
    name = runtime.getDeviceProperties(device)["name"]
    found: dict[str, Any] = {
        "name": name.decode() if isinstance(name, bytes) else name,
        "global_memory": runtime.getDeviceProperties(device)["totalGlobalMem"],
    }
    for key, (attribute, unit) in _ATTRIBUTES.items():
        number = _NUMBERS.get(attribute)
        if number is None:
            number = getattr(runtime, f"cudaDevAttr{attribute}")
        found[key] = unit * runtime.deviceGetAttribute(number, device)
    return found


def profile_name(found: Mapping[str, Any]) -> str:
    """A profile of the GPU: a known one if it agrees, else the path of a file in the cache's folder.

    Where that cannot be written, which is warned of, the file lives as long as this process.
    """
    name = nearest(found)
    kin = hardware.load(name)
    if all(getattr(kin, key) == found[key] for key in _DECISIVE):
        return name
    text = as_yaml(profile_data(found))
    file = f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.yaml"
    path = cache.folder() / "profiles" / file
    if not _holds(path, text) and not cache.place(path, text.encode()):
        path = Path(_own_folder().name) / file
        path.write_text(text, encoding="utf-8")
    return str(path)


def _holds(path: Path, text: str) -> bool:
    try:
        return path.read_bytes() == text.encode()
    except OSError:
        return False


@lru_cache
def _own_folder() -> tempfile.TemporaryDirectory[str]:
    """Where profiles are that the cache cannot keep; it is gone with this process."""
    return tempfile.TemporaryDirectory(prefix="flashrnn-")


def nearest(found: Mapping[str, Any]) -> str:
    """The name of the profile most like the GPU. Raises NoGPU where every profile is of newer ones."""
    capability = (found["compute_capability_major"], found["compute_capability_minor"])
    name = hardware.nearest(found["name"], capability, found["sm_count"], found["global_memory"])
    if name is None:
        raise NoGPU(f"compute capability {capability[0]}.{capability[1]} is too low: at least 8.0 is needed")
    return name


def profile_data(found: Mapping[str, Any]) -> dict[str, Any]:
    """A whole profile: what was found, and the rest as the nearest profile has it, marked as unverified."""
    kin = hardware.load(nearest(found))
    data: dict[str, Any] = _plain(asdict(kin))
    data.update(found)
    data["warps_per_sm"] = data["threads_per_sm"] // data["threads_per_warp"]
    if data["shared_memory_carveouts"][-1:] != [data["shared_memory_per_sm"]]:
        fitting = [size for size in data["shared_memory_carveouts"] if size < data["shared_memory_per_sm"]]
        data["shared_memory_carveouts"] = [*fitting, data["shared_memory_per_sm"]]
    # DDR: two transfers a cycle.
    data["memory_bandwidth_bytes_per_second"] = (
        2 * data["memory_clock_hz"] * data["memory_bus_width_bits"] // 8
        or kin.memory_bandwidth_bytes_per_second
    )
    rates = [key for key in data if key.endswith("_flop_per_second")]
    for key in rates:
        # What an SM does in a cycle is the generation's.
        data[key] = (
            data[key] * data["sm_count"] * data["boost_clock_hz"] // (kin.sm_count * kin.boost_clock_hz)
        )
    data["latency_origins"] = {
        key: {**origin, "carried_over": origin["carried_over"] or kin.name != data["name"]}
        for key, origin in data["latency_origins"].items()
    }
    data["sources"] = ["the CUDA driver of this machine", *data["sources"]]
    data["notes"] = [f"written by a query of the GPU; what the driver does not tell is as for {kin.name}"]
    told = {*found, "warps_per_sm", "memory_bandwidth_bytes_per_second"}
    doubtful = [key for key in rates if key not in told]
    data["unverified"] = [
        {"key": key, "reason": f"scaled from {kin.name} by SMs and clock"} for key in doubtful
    ]
    return data


def as_yaml(data: Mapping[str, Any]) -> str:
    """The text of a profile file."""
    text: str = yaml.safe_dump(dict(data), sort_keys=False, default_flow_style=None, width=110)
    return text


def _plain(value: Any) -> Any:
    """Tuples as lists, for YAML."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
