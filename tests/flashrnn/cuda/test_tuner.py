"""The models and the tuner: answers held against plain arithmetic, a GPU that does not exist, the cache."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from itertools import combinations, islice
from pathlib import Path
from typing import Any

import pytest
import yaml

from flashrnn import hardware
from flashrnn.cells import CELLS
from flashrnn.cuda import kernels, tuner
from flashrnn.cuda.compiler import Resources
from flashrnn.cuda.kernels import Verification
from flashrnn.cuda.tuner import FUSED, Configuration, Work

ROLES = ("input", "state", "gate")
PAPER = [(16, 48), (32, 24), (64, 12), (128, 6), (256, 3), (768, 1)]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASHRNN_CACHE", str(tmp_path / "cache"))


def best(family: str, work: Work, profile: str = "h100_sxm") -> Configuration | None:
    return next(tuner.configurations(work, profile, [family]), None)


def up(a: int, b: int) -> int:
    return -(-a // b)


def odd16(size: int) -> int:
    """The smallest odd multiple of 16 that holds so many bytes."""
    return next(16 * odd for odd in range(1, size, 2) if 16 * odd >= size)


def shared_bytes(configuration: Configuration) -> int:
    """The README's formulas of the kernels' sources, written down once more."""
    work, v = configuration.work, configuration.values
    cell = CELLS[work.cell]
    forward, grid = work.direction == "forward", configuration.family in ("grid", "stream")
    size = kernels.SIZES[work.dtype]
    gates, recurrent, states = len(cell.gates), cell.recurrent_gates, len(cell.states)
    needed_before = {"lstm": 1, "slstm": 2, "gru": 1, "elman": 0}[work.cell]
    per_unit = 1 if forward else recurrent
    group = 8 if forward and recurrent % 2 == 0 else 16
    group_tiles = up(recurrent * group, 16) if forward else 1
    steps_of_warp = up(up(v["width"] * per_unit * size, 32), v["sum_warps"])
    tiles = up(up(v["units"], group), v["unit_warps"]) * group_tiles - (v["units"] % 8 == 4)
    warps = v["unit_warps"] * v["sum_warps"]
    batch = v["batch_tile"]
    total = batch * (32 * steps_of_warp * v["sum_warps"] + 16) * (1 if grid else 2)
    total += batch * v["units"] * per_unit * size if grid else 0
    total += 512 * warps * tiles * v["shared_steps"]
    total += 512 * warps * tiles * up(batch, 8) if v["sum_warps"] > 1 else 0
    rows = {name: odd16(v["units"] * kernels.SIZES[getattr(work, name)]) for name in ROLES}
    if forward:
        total += v["stages"] * cell.input_gates * batch * rows["input"]
        total += 2 * batch * (states * rows["state"] + (gates * rows["gate"] if work.training else 0))
    else:
        total += v["stages"] * batch * (gates * rows["gate"] + (needed_before + states) * rows["state"])
        total += 2 * batch * gates * odd16(v["units"] * size)
    assert v["steps_of_warp"] == steps_of_warp and v["tiles"] == tiles and v["threads"] == 32 * warps
    return total + (16 if configuration.family == "cluster" else 0)


@pytest.mark.parametrize("family", FUSED)
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("direction", tuner.DIRECTIONS)
def test_a_configuration_keeps_every_limit_of_the_gpu(family: str, cell: str, direction: str) -> None:
    gpu = hardware.load("h100_sxm")
    for dtype, head_dim in (("bfloat16", 64), ("bfloat16", 200), ("float32", 96), ("float16", 384)):
        work = Work(cell, direction, dtype, head_dim, 5, 19, input_dtype="float32")
        for found in islice(tuner.configurations(work, "h100_sxm", [family]), 3):
            v = found.values
            assert v["width"] == up(head_dim, 8) * 8
            assert v["shared_bytes"] == shared_bytes(found) <= gpu.shared_memory_per_block
            at_once = hardware.occupancy(gpu, v["threads"], v["registers"], v["shared_bytes"])
            assert at_once >= v["blocks_per_sm"]
            blocks = up(v["width"], v["units"])
            assert v["blocks"] == blocks * 5 * up(19, v["batch_tile"])
            assert v["needed_registers"] <= v["registers"] <= gpu.registers_per_thread
            if family == "block":
                assert blocks == 1
            if family == "cluster":
                assert blocks * v["units"] == v["width"] and 2 <= blocks <= gpu.blocks_per_cluster_nonportable
            if family in ("grid", "stream"):
                assert blocks <= gpu.sm_count * v["blocks_per_sm"]
            streamed = v["steps_of_warp"] - v["register_steps"] - v["shared_steps"]
            assert streamed > 0 if family == "stream" else streamed == 0


def test_the_tuner_knows_the_cells() -> None:
    for name, cell in CELLS.items():
        gates, recurrent, inputs, states, _, _ = tuner._CELLS[name]
        assert gates == len(cell.gates) and recurrent == cell.recurrent_gates
        assert inputs == cell.input_gates and states == len(cell.states)


@pytest.mark.parametrize("direction", tuner.DIRECTIONS)
def test_configurations_come_best_first_and_only_once(direction: str) -> None:
    work = Work("lstm", direction, "bfloat16", 64, 12, 16)
    found = list(islice(tuner.configurations(work, "h100_sxm"), 20))
    cycles = [configuration.cycles for configuration in found]
    assert cycles == sorted(cycles)
    assert len({(c.family, tuple(sorted(c.values.items()))) for c in found}) == len(found)
    for family in tuner.FAMILIES:
        first = best(family, work)
        assert first is None or first.cycles >= cycles[-1] or first.values in [c.values for c in found]


@pytest.mark.parametrize("profile", ["h100_sxm", "a100_sxm_80gb", "rtx_4090"])
def test_the_papers_grid_is_served_by_fused_kernels(profile: str) -> None:
    for head_dim, heads in PAPER:
        for direction in tuner.DIRECTIONS:
            found = next(tuner.configurations(Work("lstm", direction, "bfloat16", head_dim, heads), profile))
            assert found.family in FUSED[:3], (head_dim, direction)


def test_a_head_of_768_fits_a_cluster_of_an_h100() -> None:
    for direction in tuner.DIRECTIONS:
        found = best("cluster", Work("lstm", direction, "bfloat16", 768))
        assert found is not None and found.values["blocks_of_head"] == 16


@pytest.mark.parametrize("profile", sorted(path.stem for path in hardware.profile_folder().glob("*.yaml")))
def test_every_profile_is_served(profile: str) -> None:
    # Some figures are not known of some GPUs, such as the largest cluster.
    for family in FUSED[:3]:
        found = best(family, Work("lstm", "forward", "bfloat16", 64, 12, 16), profile)
        assert found is not None or not hardware.load(profile).has_distributed_shared_memory


def test_only_gpus_with_distributed_shared_memory_have_clusters() -> None:
    assert best("cluster", Work("lstm", "forward", "bfloat16", 256), "a100_sxm_80gb") is None


@pytest.mark.parametrize("family", FUSED)
@pytest.mark.parametrize("direction", tuner.DIRECTIONS)
def test_the_largest_head_fits_and_the_next_one_does_not(family: str, direction: str) -> None:
    largest = tuner.largest_head_dim("lstm", direction, "bfloat16", "h100_sxm", family)
    assert largest > 0
    found = best(family, Work("lstm", direction, "bfloat16", largest, 1, 1))
    assert found is not None and found.values["width"] == largest
    if largest < 8192:
        assert best(family, Work("lstm", direction, "bfloat16", largest + 8, 1, 1)) is None


@pytest.mark.parametrize("most, largest", [(192, 192), (191, 184), (180, 176)])
def test_the_largest_head_that_the_compiler_confirms(
    most: int, largest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(configuration: Configuration) -> Verification:
        contradictions = ["spilled"] * (configuration.values["width"] > most)
        return Verification("sm_90", {"kernel": Resources(64, 0, 0, 0, 0)}, contradictions)

    monkeypatch.setattr(kernels, "check", check)
    asked = ("lstm", "forward", "bfloat16", "h100_sxm", "block")
    assert tuner.largest_head_dim(*asked) == 192
    assert tuner.largest_head_dim(*asked, verify=True) == largest


def test_an_lstm_of_2304_has_all_of_its_matrix_on_the_chip_of_an_h100() -> None:
    assert tuner.largest_head_dim("lstm", "forward", "bfloat16", "h100_sxm", "grid") == 2304
    assert tuner.largest_head_dim("lstm", "backward", "bfloat16", "h100_sxm", "grid") == 132 * 16
    found = best("grid", Work("lstm", "forward", "bfloat16", 2304, 1, 4))
    assert found is not None
    assert found.values["units"] == 20 and found.values["blocks"] == 116 and found.values["waves"] == 1
    assert found.values["shared_bytes"] == shared_bytes(found)


def test_families_are_merged_as_if_each_were_listed_alone() -> None:
    work, families = Work("elman", "forward", "float16", 64, 2, 4), ("stream", "alternating", "grid", "block")
    alone = [
        configuration.cycles
        for family in families
        for configuration in islice(tuner.configurations(work, "a100_sxm_80gb", [family]), 6)
    ]
    together = [c.cycles for c in islice(tuner.configurations(work, "a100_sxm_80gb", families), 6)]
    assert together == sorted(alone)[:6]


def made_up(tmp_path: Path, **changes: Any) -> str:
    """A GPU that nobody has built, as a file."""
    data = yaml.safe_load((hardware.profile_folder() / "h100_sxm.yaml").read_text())
    data.update({"name": "Made up", "sm_count": 60, "boost_clock_hz": 10**9, **changes})
    path = tmp_path / "made_up.yaml"
    path.write_text(yaml.safe_dump(data))
    return str(path)


def test_a_gpu_that_does_not_exist_goes_the_whole_path(tmp_path: Path) -> None:
    path = made_up(tmp_path, l2_hit_cycles=100)
    work = Work("gru", "forward", "bfloat16", 512, 2, 16)
    found = next(tuner.configurations(work, path))
    assert found.microseconds() == pytest.approx(found.cycles / 1000)
    assert found.resources()["blocks at once"][1] % 60 == 0
    assert json.loads(json.dumps(found.as_dict()))["hardware"] == path


def test_less_shared_memory_serves_smaller_heads(tmp_path: Path) -> None:
    small = made_up(tmp_path, shared_memory_per_block=65536)
    sizes = [
        tuner.largest_head_dim("lstm", "forward", "bfloat16", profile, "cluster")
        for profile in (small, "h100_sxm")
    ]
    assert 0 < sizes[0] < sizes[1]


# Choosing ----------------------------------------------------------------------------------------------


def judged(monkeypatch: pytest.MonkeyPatch, refused: int, spilled: int = 8) -> list[Configuration]:
    """Puts in the compiler's place a judge that refuses so many, for `spilled` bytes; what it was asked."""
    asked: list[Configuration] = []

    def check(configuration: Configuration) -> Verification:
        asked.append(configuration)
        spills = spilled if len(asked) <= refused else 0
        contradictions = [f"{spills} bytes of registers spilled"] if spills else []
        return Verification(
            "sm_90", {"kernel": Resources(64, spills // 2, spills // 2, 0, 0)}, contradictions
        )

    monkeypatch.setattr(kernels, "check", check)
    return asked


def test_what_the_compiler_refuses_gives_way_to_the_next_best(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = judged(monkeypatch, refused=2)
    work = Work("lstm", "forward", "bfloat16", 64, 12, 16)
    chosen = tuner.choose(work, "h100_sxm")
    assert chosen is not None and len(asked) == 3 and chosen == asked[2]
    assert [c.cycles for c in asked] == sorted(c.cycles for c in asked)


@pytest.mark.parametrize(
    ("spilled", "registers", "stages"),
    [(8, 1, True), (32, 4, True), (40, 5, False), (400, 50, False)],
)
def test_the_tuner_learns_from_what_the_compiler_refuses(
    spilled: int, registers: int, stages: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut alike, the next one needs fewer registers by what was spilled, or, if that was little, stages."""
    asked = judged(monkeypatch, 12, spilled)
    tuner.choose(Work("lstm", "forward", "bfloat16", 768, 1, 16), "h100_sxm", ["cluster"])
    assert len(asked) == 13
    cut = ("units", "batch_tile", "unit_warps", "sum_warps", "blocks_per_sm")
    only_stages = 0
    for first, later in combinations([configuration.values for configuration in asked], 2):
        alike = all(first[name] == later[name] for name in cut)
        if alike and later["needed_registers"] > first["needed_registers"] - registers:
            assert stages and later["stages"] < first["stages"]
            only_stages += 1
    assert bool(only_stages) == stages


def test_a_choice_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = judged(monkeypatch, refused=1)
    work = Work("lstm", "forward", "bfloat16", 64, 12, 16)
    first = tuner.choose(work, "h100_sxm")
    assert tuner.choose(work, "h100_sxm") == first
    # Said otherwise, but the same.
    assert tuner.choose(work._replace(input_dtype="bfloat16", gate_dtype="bfloat16"), "h100_sxm") == first
    assert len(asked) == 2
    for other in (work._replace(batch=17), work._replace(cell="slstm"), work._replace(training=False)):
        before = len(asked)
        tuner.choose(other, "h100_sxm")
        assert len(asked) > before
    before = len(asked)
    monkeypatch.setattr(kernels, "source_hash", lambda: "another source")
    assert tuner.choose(work, "h100_sxm") is not None
    assert len(asked) > before


def test_a_damaged_choice_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = judged(monkeypatch, refused=0)
    work = Work("lstm", "forward", "bfloat16", 64, 12, 16)
    first = tuner.choose(work, "h100_sxm")
    (entry,) = (tmp_path / "cache" / "configurations").iterdir()
    entry.write_bytes(entry.read_bytes()[:-3])
    assert tuner.choose(work, "h100_sxm") == first
    assert len(asked) == 2


def entry(family: object, values: object) -> bytes:
    return json.dumps({"family": family, "values": values}).encode()


# What may stand in the place of a choice, its checksum right: of an older program, or of another one.
OUTDATED: dict[str, Callable[[dict[str, int]], bytes]] = {
    "nothing": lambda values: b"",
    "not a text": lambda values: b"\xff",
    "not JSON": lambda values: b"{'family': 'block'}",
    "another type": lambda values: b'["block"]',
    "no answer": lambda values: b"false",
    "no family": lambda values: json.dumps({"values": values}).encode(),
    "no values": lambda values: b'{"family": "block"}',
    "an unknown family": lambda values: entry("warp", values),
    "a family that was not asked for": lambda values: entry("grid", values),
    "a family with other variables": lambda values: entry("alternating", values),
    "a family of another type": lambda values: entry(["block"], values),
    "values without names": lambda values: entry("block", list(values.values())),
    "a value is missing": lambda values: entry("block", {k: values[k] for k in values if k != "waves"}),
    "a value too many": lambda values: entry("block", values | {"teeth": 32}),
    "a text for a number": lambda values: entry("block", values | {"threads": "64"}),
    "a fraction": lambda values: entry("block", values | {"threads": 64.0}),
    "a truth value": lambda values: entry("block", values | {"waves": True}),
    "null for a number": lambda values: entry("block", values | {"threads": None}),
}


@pytest.mark.parametrize("outdated", OUTDATED.values(), ids=OUTDATED)
def test_an_outdated_choice_is_made_anew(
    outdated: Callable[[dict[str, int]], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = judged(monkeypatch, refused=0)
    work, families = Work("lstm", "forward", "bfloat16", 64, 12, 16), ("block", "alternating")
    first = tuner.choose(work, "h100_sxm", families)
    assert first is not None and first.family == "block"
    (file,) = (tmp_path / "cache" / "configurations").iterdir()
    whole = file.read_bytes()
    content = outdated(first.values)
    file.write_bytes(hashlib.sha256(content).digest() + content)
    assert tuner.choose(work, "h100_sxm", families) == first
    assert len(asked) == 2 and file.read_bytes() == whole


def test_that_nothing_fits_is_kept_too(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = judged(monkeypatch, refused=0)
    for _ in range(2):
        assert tuner.choose(Work("lstm", "forward", "float32", 2000), "h100_sxm", ["block"]) is None
    assert not asked
