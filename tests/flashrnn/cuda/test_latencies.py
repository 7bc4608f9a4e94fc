"""The kernels that measure latencies, without a GPU: they compile, and no operation is left out of them."""

import json
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from benchmarks.gpu import latencies
from benchmarks.gpu.latencies import BARRIER_WARPS, MEASUREMENTS, Arguments, compiled, profile_lines
from flashrnn import hardware
from flashrnn.hardware import LatencyOrigin, Profile

# For every kernel, the machine's instructions that it measures and how many there are of each in the loop, in
# which 16 steps follow each other.
INSTRUCTIONS = {
    "alone<Products<false, 1>>": {"HMMA.16816.F32.BF16": 16},
    "alone<Products<false, 8>>": {"HMMA.16816.F32.BF16": 128},
    "alone<Products<true, 1>>": {"HMMA.1688.F32.TF32": 16},
    "alone<Products<true, 8>>": {"HMMA.1688.F32.TF32": 128},
    "alone<Chain<number, approximate_tanh>>": {"MUFU.TANH": 16},
    "alone<Chain<number, approximate_exp2>>": {"MUFU.EX2": 16},
    "alone<Chain<number, one_more>>": {"FADD": 16},
    "alone<Chain<number, reciprocal_of_one_more>>": {"MUFU.RCP": 16, "FADD": 16},
    "alone<Chain<own_word, load_shared>>": {"LDS": 16},
    "alone<Chain<row, load_four_matrices>>": {"LDSM.16.M88.4": 16},
    "alone<Chain<node, load_cached>>": {"LDG.E.64": 16},
    "alone<Chain<node, load_past_cache>>": {"LDG.E.64.STRONG.GPU": 16},
    "alone<LookAndWarpBarrier>": {"LDS": 16, "BSYNC": 16},
    "alone<Repeated<block_barrier>>": {"BAR.SYNC": 16},
    "alone<StoreAndFence>": {"STG.E.128.STRONG.GPU": 16, "MEMBAR": 16},
    "alone<RoundTrip<ThroughFlag>>": {"REDG.E.ADD.STRONG.GPU": 16, "LDG.E.128.STRONG.GPU": 16},
    "alone<RoundTrip<ThroughData>>": {"STG.E.128.STRONG.GPU": 16, "LDG.E.128.STRONG.GPU": 16},
    "alone<GridBarrier>": {"ATOMG.E.ADD.STRONG.GPU": 16, "BAR.SYNC": 32},
    **{
        kernel.format(size=size): counts
        for kernel, sizes, counts in (
            ("in_cluster<{size}, Chain<remote_word<{size}>, load_remote>>", (2, 8, 16), {"LD.E.64": 16}),
            ("in_cluster<{size}, Repeated<cluster_barrier>>", (2, 8, 16), {"UCGABAR_WAIT": 16}),
            ("in_cluster<{size}, RoundTrip<ThroughMessage<{size}>>>", (2, 16), {"STAS": 16, "SYNCS": 32}),
        )
        for size in sizes
    },
}


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("FLASHRNN_CACHE", str(tmp_path))


def test_every_kernel_that_is_launched_is_looked_at():
    assert {measurement.kernel for measurement in MEASUREMENTS} == set(INSTRUCTIONS)
    names = [measurement.name for measurement in MEASUREMENTS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("architecture", ("sm_80", "sm_90"))
def test_they_compile(architecture):
    names = [name for name in INSTRUCTIONS if architecture >= "sm_90" or "cluster" not in name]
    for report in compiled(["clocks", *names], architecture).resources.values():
        assert report.spills == report.stack == report.static_shared == 0


@pytest.mark.parametrize("kernel", INSTRUCTIONS)
def test_no_operation_is_left_out(kernel, tmp_path):
    triton = pytest.importorskip("triton")
    disassembler = Path(triton.__file__).parent / "backends/nvidia/bin/nvdisasm"
    if not disassembler.exists():
        pytest.skip("Triton has brought no nvdisasm")
    image = tmp_path / "kernel.cubin"
    image.write_bytes(compiled([kernel], "sm_90").cubin)
    text = subprocess.run([disassembler, image], capture_output=True, text=True, check=True).stdout
    # Up to the next kernel of the image.
    (body,) = re.findall(r"^\.text\.\w*(?:alone|in_cluster)\w*:\n(.*?)(?=^\.text|\Z)", text, re.S | re.M)
    for instruction, count in INSTRUCTIONS[kernel].items():
        assert len(re.findall(rf"\b{re.escape(instruction)}\b", body)) >= count, instruction


def test_python_and_the_kernels_agree_on_the_arguments():
    source = Path(latencies.__file__).with_suffix(".cu").read_text(encoding="utf-8")
    structure = source[source.index("struct Arguments") :]
    found = re.findall(r"^    (?:char\*|u?int\w*\*?) (\w+);", structure.split("DEVICE")[0], re.M)
    assert found == [name for name, _ in Arguments._fields_]


def test_the_profiles_lines():
    rows = {
        measurement.name: {"cycles": 30.4, "nanoseconds": 15.6}
        for measurement in MEASUREMENTS
        if "barrier," not in measurement.name
    }
    rows |= {f"block barrier, {warps} warps": {"cycles": 20 + 3 * warps} for warps in BARRIER_WARPS}
    rows["cluster barrier, cluster of 8"] = {"cycles": 200.5}
    found = yaml.safe_load("\n".join(profile_lines(rows, "a run, driver 1", "GPU 8 GB")))
    origins = found.pop("latency_origins")
    assert found.keys() == origins.keys() <= {field.name for field in fields(Profile)}
    assert found["block_barrier_cycles"] == 20
    assert found["block_barrier_cycles_per_warp"] == 3
    assert found["mma_m16n8k16_cycles"] == 30
    assert found["flag_handoff_nanoseconds"] == 16
    assert LatencyOrigin(**origins["l2_hit_cycles"]) == LatencyOrigin("GPU 8 GB", False, "a run, driver 1")


class WithoutGPU(latencies.Laboratory):
    """Every launch takes 20480 cycles a lap after the first four, but for the kernel that fails."""

    def __init__(self):
        self.gpu = hardware.load("h200")
        self._clocks = "clocks"
        self.hangs = False

    def _loaded(self, kernel, cluster):
        return kernel

    def _run(self, function, blocks, threads, steps, memory, spacing=0, cooperative=False):
        if function == "alone<StoreAndFence>":
            raise RuntimeError("refused")
        if function == "clocks":
            return [[2 * steps, steps] + 18 * [0]] * blocks
        return [4 * [10**9] + 16 * [20480]] * blocks


def test_one_failure_stops_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(latencies, "filled", lambda size, byte: None)
    monkeypatch.setattr(
        latencies, "MEASUREMENTS", [row._replace(memory=lambda: None) for row in MEASUREMENTS]
    )
    monkeypatch.setattr(latencies, "Laboratory", WithoutGPU)
    monkeypatch.setattr(latencies, "_environment", lambda: {"date": "2026-11-24", "driver": "580"})
    monkeypatch.setattr(sys, "argv", ["latencies", "--out", str(tmp_path)])
    assert latencies.main() == 1
    printed = capsys.readouterr().out
    assert re.search(r"^shared load +20\.0 +20\.0 +20\.0 +10\.0$", printed, re.M)
    assert "\nl2_hit_cycles: 20\n" in printed
    assert "\ngrid_barrier_nanoseconds: 40\n" in printed
    rows = {row["name"]: row for row in json.loads((tmp_path / "results.json").read_text())[1:]}
    assert rows.keys() == {measurement.name for measurement in MEASUREMENTS}
    assert [name for name, row in rows.items() if "error" in row] == ["store and fence"]
    assert rows["message, cluster of 16"]["blocks"] == 128
    assert rows["L2 load"]["blocks"] == 132 and rows["global load"]["blocks"] == 1
    assert rows["message, cluster of 2"]["nanoseconds"] == 20
