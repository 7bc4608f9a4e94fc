"""The latencies that the kernels' cost model reckons with, measured:

    python -m benchmarks.gpu.latencies [--out FOLDER]

Every operation by itself, in cycles of the SM: laps of many steps, of which the first are left out, and the
median of the others; where many blocks measure, the median over them and the extremes. Prints a table, and
what belongs into the hardware profile's section of latencies. The operations are in latencies.cu.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from benchmarks.gpu.record import Record
from flashrnn import hardware
from flashrnn.cuda import device, driver, kernels
from flashrnn.cuda.compiler import Compiled, compile_kernels

LAPS, FIRST_LAPS = 20, 4
BARRIER_WARPS = (4, 8, 16, 32)
MIB = 1 << 20
WARM_NANOSECONDS, CLOCK_NANOSECONDS = 500_000_000, 20_000_000
PATIENCE = 10.0  # seconds for one launch


class Arguments(ctypes.Structure):
    """What every kernel takes, as in latencies.cu."""

    _fields_ = [
        *((name, ctypes.c_void_p) for name in ("memory", "cycles", "results")),
        *((name, ctypes.c_int64) for name in ("spacing", "steps", "laps")),
    ]


# The memory that a measurement uses ------------------------------------------------------------------------


def filled(size: int, byte: int) -> Tensor:
    """So many equal bytes."""
    return torch.full((size,), byte, dtype=torch.uint8, device="cuda")


def ring(size: int, spacing: int) -> Tensor:
    """Nodes so many bytes apart, each with the address of the next, in an order that nothing foresees."""
    memory = torch.empty(size // 8, dtype=torch.int64, device="cuda")
    places = torch.randperm(size // spacing, device="cuda") * (spacing // 8)
    memory[places] = memory.data_ptr() + 8 * places.roll(-1)
    return memory


def far_ring(size: int, spacing: int) -> Tensor:
    """A ring of which nothing is in the L2 cache: many times its size has been written since."""
    memory = ring(size, spacing)
    filled(512 * MIB, 0)
    return memory


# The measurements ------------------------------------------------------------------------------------------

BY_ADDRESS = "each loads the address of the next"
# Laps of round trips have so many steps, each of which has words of its own where the data are the flag.
TURNS = 256
MOST_BLOCKS = 256  # More than any GPU has SMs.


class Measurement(NamedTuple):
    """One row of the table.

    `steps` are those of a lap, `operations` how many of what is measured a step takes one after the other,
    `key` the profile's. Blocks: one, or, `everywhere`, one on each SM; those of clusters always are.
    """

    name: str
    kernel: str
    method: str
    key: str | None = None
    threads: int = 1
    steps: int = 1024
    operations: int = 1
    everywhere: bool = False
    cooperative: bool = False
    cluster: int = 1
    memory: Callable[[], Tensor] = partial(filled, 4096, 0)
    spacing: int = 0


def _products() -> list[Measurement]:
    found = []
    for name, tf32, key in (
        ("mma m16n8k16 bfloat16", "false", "mma_m16n8k16_cycles"),
        ("mma m16n8k8 tf32", "true", None),
    ):
        found.append(
            Measurement(name, f"alone<Products<{tf32}, 1>>", "each adds to the sum of the last", key, 32)
        )
        for warps in (1, 2):
            # An SM has four partitions, among which the warps of a block go by turns.
            found.append(
                Measurement(
                    f"{name}, interval, {warps} warp{'s' * (warps > 1)} a partition",
                    f"alone<Products<{tf32}, 8>>",
                    "8 sums of each warp by turns, on all four partitions; cycles of a partition for one",
                    threads=4 * 32 * warps,
                    operations=8 * warps,
                )
            )
    return found


def _functions() -> list[Measurement]:
    return [
        Measurement(
            name, f"alone<Chain<number, {function}>>", "each takes what the last one gave", threads=32
        )
        for name, function in (
            ("tanh.approx", "approximate_tanh"),
            ("ex2.approx", "approximate_exp2"),
            ("fp32 addition", "one_more"),
            ("rcp.approx and an addition", "reciprocal_of_one_more"),
        )
    ]


def _loads() -> list[Measurement]:
    return [
        Measurement("shared load", "alone<Chain<own_word, load_shared>>", BY_ADDRESS, "shared_load_cycles"),
        Measurement("ldmatrix.x4", "alone<Chain<row, load_four_matrices>>", BY_ADDRESS, threads=32),
        Measurement(
            "L1 load",
            "alone<Chain<node, load_cached>>",
            f"{BY_ADDRESS}; 64 nodes in 8 KiB",
            "l1_hit_cycles",
            memory=partial(ring, 8192, 128),
        ),
        Measurement(
            "L2 load",
            "alone<Chain<node, load_past_cache>>",
            f"ld.relaxed.gpu; {BY_ADDRESS}; 4096 nodes in 4 MiB, in random order, one thread of every SM",
            "l2_hit_cycles",
            everywhere=True,
            memory=partial(ring, 4 * MIB, 1024),
            spacing=1024,
        ),
        Measurement(
            "global load",
            "alone<Chain<node, load_past_cache>>",
            f"ld.relaxed.gpu; {BY_ADDRESS}; each once, 16 KiB apart in 2 GiB, in random order",
            "global_load_cycles",
            memory=partial(far_ring, 2048 * MIB, 16384),
        ),
    ]


def _barriers() -> list[Measurement]:
    found = [
        Measurement(
            "shared load and warp barrier",
            "alone<LookAndWarpBarrier>",
            "one lane waits for a word that is there, the others at __syncwarp for the lane",
            threads=32,
        )
    ]
    found += [
        Measurement(
            f"block barrier, {warps} warps",
            "alone<Repeated<block_barrier>>",
            "bar.sync, one after the other",
            threads=32 * warps,
        )
        for warps in BARRIER_WARPS
    ]
    return [
        *found,
        Measurement(
            "store and fence",
            "alone<StoreAndFence>",
            "st.relaxed.gpu.v4, fence.acq_rel.gpu; one thread of every SM, a line each",
            everywhere=True,
            memory=partial(filled, MIB, 0),
            spacing=256,
        ),
    ]


def _clusters() -> list[Measurement]:
    found = [
        Measurement(
            f"remote shared load, cluster of {blocks}",
            f"in_cluster<{blocks}, Chain<remote_word<{blocks}>, load_remote>>",
            f"{BY_ADDRESS}; all blocks, in pairs half a cluster apart",
            "distributed_shared_load_cycles" if blocks == 8 else None,
            cluster=blocks,
        )
        for blocks in (2, 8, 16)
    ]
    found += [
        Measurement(
            f"cluster barrier, cluster of {blocks}",
            f"in_cluster<{blocks}, Repeated<cluster_barrier>>",
            "barrier.cluster with release and acquire; 4 warps a block, nothing written between",
            "cluster_barrier_cycles" if blocks == 8 else None,
            threads=128,
            cluster=blocks,
        )
        for blocks in (2, 8, 16)
    ]
    found += [
        Measurement(
            f"message, cluster of {blocks}",
            f"in_cluster<{blocks}, RoundTrip<ThroughMessage<{blocks}>>>",
            "half of a round trip: st.async of 16 bytes until the wait of the mbarrier ends, and the "
            "announcement of the next; all blocks, in pairs half a cluster apart",
            steps=TURNS,
            operations=2,
            cluster=blocks,
        )
        for blocks in (2, 16)
    ]
    return found


def _across_the_gpu() -> list[Measurement]:
    hop = {"steps": TURNS, "operations": 2, "everywhere": True, "cooperative": True}
    return [
        Measurement(
            "hop through L2 with a flag",
            "alone<RoundTrip<ThroughFlag>>",
            "half of a round trip: st.relaxed.gpu.v4, red.release.gpu; ld.acquire.gpu until it is there, "
            "ld.relaxed.gpu.v4; all SMs, in pairs",
            memory=partial(filled, MIB, 0),
            spacing=256,
            **hop,
        ),
        Measurement(
            "hop through L2, data as flag",
            "alone<RoundTrip<ThroughData>>",
            "half of a round trip: st.relaxed.gpu.v4; ld.relaxed.gpu.v4 until no word is all ones; all SMs, "
            "in pairs",
            "flag_handoff_nanoseconds",
            memory=partial(filled, MOST_BLOCKS * LAPS * TURNS * 16, 0xFF),
            spacing=LAPS * TURNS * 16,
            **hop,
        ),
        Measurement(
            "grid barrier",
            "alone<GridBarrier>",
            "a counter, as in cooperative groups; all SMs, 8 warps a block",
            "grid_barrier_nanoseconds",
            threads=256,
            steps=TURNS,
            everywhere=True,
            cooperative=True,
        ),
    ]


# Those that wait for another block are last: one that does not end would end the run.
MEASUREMENTS = (*_products(), *_functions(), *_loads(), *_barriers(), *_clusters(), *_across_the_gpu())


def compiled(names: list[str], architecture: str) -> Compiled:
    """These kernels of latencies.cu."""
    source = Path(__file__).with_suffix(".cu").read_text(encoding="utf-8")
    header = kernels.SOURCES / "primitives.cuh"
    return compile_kernels(source, names, architecture, {header.name: header.read_text(encoding="utf-8")})


# Measuring -------------------------------------------------------------------------------------------------


class Laboratory:
    """The GPU in the machine, on which kernels of latencies.cu run."""

    def __init__(self) -> None:
        found = device.query()
        self.gpu = hardware.load(device.profile_name(found))
        # The rest of the shared memory does not do for a second block, so that every block has an SM.
        self.shared_bytes = self.gpu.shared_memory_per_sm // 2
        torch.zeros(1, device="cuda")
        driver.bind(torch.cuda.current_device())
        self.hangs = False  # Once a kernel does not end, nothing more can be measured.
        self._clocks = self._loaded("clocks", 1)
        self.gigahertz(WARM_NANOSECONDS)

    def can(self, measurement: Measurement) -> bool:
        """Whether the GPU has clusters of that size."""
        gpu = self.gpu
        return measurement.cluster <= max(gpu.blocks_per_cluster, gpu.blocks_per_cluster_nonportable or 0)

    def measure(self, measurement: Measurement) -> dict[str, Any]:
        """Cycles of one operation: of each block the median of its laps; of these the median and extremes."""
        function = self._loaded(measurement.kernel, measurement.cluster)
        sms, blocks = self.gpu.sm_count, 1
        if measurement.cluster > 1:
            blocks = sms // measurement.cluster * measurement.cluster
        elif measurement.everywhere:
            # In pairs.
            blocks = sms // 2 * 2
        memory = measurement.memory()
        gigahertz = self.gigahertz(CLOCK_NANOSECONDS)
        cycles = self._run(
            function,
            blocks,
            measurement.threads,
            measurement.steps,
            memory,
            measurement.spacing,
            measurement.cooperative,
        )
        count = measurement.steps * measurement.operations
        medians = [statistics.median(laps[FIRST_LAPS:]) / count for laps in cycles]
        median = statistics.median(medians)
        return {
            "cycles": median,
            "cycles_min": min(medians),
            "cycles_max": max(medians),
            "nanoseconds": median / gigahertz,
            "gigahertz": gigahertz,
            "blocks": blocks,
        }

    def gigahertz(self, duration: int) -> float:
        """The clock of the SMs, after all of them have been busy for so many nanoseconds."""
        counts = self._run(self._clocks, self.gpu.sm_count, 1, duration, filled(16, 0))
        return statistics.median(cycles / nanoseconds for cycles, nanoseconds, *_ in counts)

    def _loaded(self, kernel: str, cluster: int) -> driver.Function:
        found = compiled([kernel], kernels.architecture(self.gpu))
        large = cluster > self.gpu.blocks_per_cluster
        return driver.load(found.cubin, found.symbols[kernel], kernel, self.shared_bytes, large)

    def _run(
        self,
        function: driver.Function,
        blocks: int,
        threads: int,
        steps: int,
        memory: Tensor,
        spacing: int = 0,
        cooperative: bool = False,
    ) -> list[list[int]]:
        """The cycles of every block's laps. Raises TimeoutError."""
        cycles = torch.zeros(blocks, LAPS, dtype=torch.int64, device="cuda")
        results = torch.empty(blocks * threads, dtype=torch.int32, device="cuda")
        pointers = [tensor.data_ptr() for tensor in (memory, cycles, results)]
        torch.cuda.synchronize()
        stream = torch.cuda.current_stream()
        function.launch(
            (blocks, 1, 1),
            threads,
            stream.cuda_stream,
            [Arguments(*pointers, spacing, steps, LAPS)],
            cooperative,
        )
        end = time.monotonic() + PATIENCE
        while not stream.query():
            if time.monotonic() > end:
                self.hangs = True
                raise TimeoutError(f"{function.name} has not ended after {PATIENCE:.0f} s")
            time.sleep(0.001)
        found: list[list[int]] = cycles.tolist()
        return found


def profile_lines(rows: dict[str, dict[str, Any]], source: str, measured_on: str) -> list[str]:
    """The lines of a hardware profile that these rows, by their measurements' names, give."""
    found = {}
    for measurement in MEASUREMENTS:
        if measurement.key is not None and measurement.name in rows:
            unit = measurement.key.rpartition("_")[2]
            found[measurement.key] = rows[measurement.name][unit]
    names = {warps: f"block barrier, {warps} warps" for warps in BARRIER_WARPS}
    points = {warps: rows[name]["cycles"] for warps, name in names.items() if name in rows}
    if len(points) >= 2:
        line = statistics.linear_regression(list(points), list(points.values()))
        found["block_barrier_cycles"] = max(line.intercept, 0)
        found["block_barrier_cycles_per_warp"] = max(line.slope, 0)
    origin = f'{{measured_on: {measured_on}, carried_over: false, source: "{source}"}}'
    return [
        *(f"{key}: {round(value)}" for key, value in found.items()),
        "latency_origins:",
        *(f"  {key}: {origin}" for key in found),
    ]


# The run ---------------------------------------------------------------------------------------------------


def main() -> int:
    """Measures everything; the exit code is 1 where something failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu.latencies", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("build/latencies"), help="the folder for results")
    arguments = parser.parse_args()
    os.environ.setdefault("FLASHRNN_CACHE", str(arguments.out / "cache"))
    record = Record(arguments.out, minutes=1)
    record.attempt("environment", {}, _environment)
    laboratory = Laboratory()
    for measurement in filter(laboratory.can, MEASUREMENTS):
        case = {"name": measurement.name, "method": measurement.method}
        record.attempt("latencies", case, partial(laboratory.measure, measurement), quiet=True)
        if laboratory.hangs:
            break
    record.finish()
    rows = {row["name"]: row for row in record.rows if "cycles" in row}
    environment = record.rows[0]
    print(_table(rows))
    source = (
        f"python -m benchmarks.gpu.latencies, {environment.get('date')}, driver {environment.get('driver')}"
    )
    print("\n".join(profile_lines(rows, source, laboratory.gpu.name)), flush=True)
    if laboratory.hangs:
        # An orderly end would wait for the kernel.
        os._exit(1)
    return 1 if any("error" in row for row in record.rows) else 0


def _environment() -> dict[str, Any]:
    asked = "name,driver_version,clocks.sm,clocks.max.sm"
    answer = subprocess.run(
        ["nvidia-smi", f"--query-gpu={asked}", "--format=csv,noheader"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    name, version, clock, highest = answer.splitlines()[0].split(", ")
    date = time.strftime("%Y-%m-%d")
    return {"date": date, "device": name, "driver": version, "clock": clock, "highest_clock": highest}


def _table(rows: dict[str, dict[str, Any]]) -> str:
    width = max(map(len, rows), default=0)
    lines = [f"{'':{width}} {'cycles':>9} {'min':>9} {'max':>9} {'ns':>9}"]
    for name, row in rows.items():
        figures = (row[key] for key in ("cycles", "cycles_min", "cycles_max", "nanoseconds"))
        lines.append(f"{name:{width}} " + " ".join(f"{figure:9.1f}" for figure in figures))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
