"""`flashrnn hardware`: list and show the profiles, and write one of the GPU in the machine."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from typing import Any

from flashrnn import hardware
from flashrnn.cli.main import DONE
from flashrnn.cli.output import show, table


def run(arguments: argparse.Namespace) -> int:
    """Run one action; returns the exit code. Raises ProfileError, NoGPU and OSError."""
    {"list": _list, "show": _show, "query": _query}[arguments.action](arguments)
    return DONE


def _list(arguments: argparse.Namespace) -> None:
    profiles = {name: hardware.load(name) for name in hardware.names()}
    data: list[dict[str, Any]] = [
        {
            "profile": name,
            "name": gpu.name,
            "architecture": gpu.architecture,
            "compute_capability": f"{gpu.compute_capability_major}.{gpu.compute_capability_minor}",
            "sm_count": gpu.sm_count,
            "shared_memory_per_sm": gpu.shared_memory_per_sm,
            "l2_cache": gpu.l2_cache,
            "memory_bandwidth_bytes_per_second": gpu.memory_bandwidth_bytes_per_second,
        }
        for name, gpu in profiles.items()
    ]
    rows = [
        [
            *list(gpu.values())[:5],
            f"{gpu['shared_memory_per_sm']:,}",
            f"{gpu['l2_cache']:,}",
            f"{gpu['memory_bandwidth_bytes_per_second'] // 10**9:,}",
        ]
        for gpu in data
    ]
    columns = ["profile", "GPU", "architecture", "capability", "SMs", "shared memory/SM", "L2", "GB/s"]
    show(arguments, data, [table("", columns, rows, left=3)])


def _show(arguments: argparse.Namespace) -> None:
    profile = hardware.load(arguments.hardware)
    data = asdict(profile)
    doubts = {doubt.key: doubt.reason for doubt in profile.unverified}
    rows = []
    for key, value in data.items():
        if key in ("latency_origins", "sources", "notes", "unverified", "name"):
            continue
        origin = profile.latency_origins.get(key)
        remark = f"{origin.measured_on}: {origin.source}" if origin else doubts.get(key, "")
        rows.append([key, f"{value:,}" if type(value) is int else value, remark])
    parts = [table(profile.name, ["key", "value", "where from, or in doubt because"], rows, left=1)]
    parts[0].columns[2].justify = "left"
    parts += [f"note: {note}" for note in profile.notes]
    parts += [f"source: {source}" for source in profile.sources]
    show(arguments, data, parts)


def _query(arguments: argparse.Namespace) -> None:
    from flashrnn.cuda.device import as_yaml, profile_data, query

    text = as_yaml(profile_data(query(arguments.device)))
    if arguments.output:
        with open(arguments.output, "w", encoding="utf-8") as stream:
            stream.write(text)
    else:
        sys.stdout.write(text)
