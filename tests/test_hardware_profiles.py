"""The hardware profiles: complete, documented, consistent, found by name; errors name the key."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

import constrint as ci
from flashrnn import hardware
from flashrnn.hardware import Profile, ProfileError

ROOT = Path(__file__).parent.parent
REQUIRED = {
    "a100_sxm_40gb", "a100_sxm_80gb", "a100_pcie_80gb", "h100_sxm", "h100_pcie", "h200", "b200",
    "rtx_3090", "rtx_4090", "rtx_5090", "rtx_a6000", "l40s", "rtx_6000_ada",
}  # fmt: skip
KEYS = [field.name for field in fields(Profile)]


@pytest.fixture(params=hardware.names())
def profile(request: pytest.FixtureRequest) -> Profile:
    return hardware.load(request.param)


def text_of(name: str) -> str:
    return (hardware.profile_folder() / f"{name}.yaml").read_text(encoding="utf-8")


# What the profiles hold --------------------------------------------------------------------------------


def test_the_promised_gpus_are_there() -> None:
    assert set(hardware.names()) >= REQUIRED


@pytest.mark.parametrize("name", hardware.names())
def test_every_file_has_the_keys_in_the_same_order(name: str) -> None:
    assert list(yaml.safe_load(text_of(name))) == KEYS


def test_known_figures_of_the_h100() -> None:
    gpu = hardware.load("h100_sxm")
    assert (gpu.compute_capability_major, gpu.compute_capability_minor) == (9, 0)
    assert gpu.sm_count == 132
    assert gpu.shared_memory_per_block == 227 * 1024
    assert gpu.shared_memory_per_sm == 228 * 1024
    assert gpu.l2_cache == 50 * 1024 * 1024
    assert gpu.mma_shapes_16bit == ((16, 8, 8), (16, 8, 16))
    assert gpu.latency_origins["mma_m16n8k16_cycles"].carried_over
    assert not gpu.latency_origins["l2_hit_cycles"].carried_over


def test_bandwidth_is_clock_times_bus_width(profile: Profile) -> None:
    product = 2 * profile.memory_clock_hz * profile.memory_bus_width_bits // 8
    assert product == pytest.approx(profile.memory_bandwidth_bytes_per_second, rel=0.004)


def test_fp32_peak_is_what_the_cores_do_at_boost_clock(profile: Profile) -> None:
    capability = (profile.compute_capability_major, profile.compute_capability_minor)
    multiply_adds = 64 if capability == (8, 0) else 128
    peak = 2 * multiply_adds * profile.sm_count * profile.boost_clock_hz
    assert peak == pytest.approx(profile.fp32_flop_per_second, rel=0.001)


def test_tensor_peaks_of_one_gpu_agree(profile: Profile) -> None:
    assert profile.bf16_flop_per_second == profile.fp16_flop_per_second
    assert profile.fp16_flop_per_second == pytest.approx(2 * profile.tf32_flop_per_second, rel=0.02)


def test_shared_memory_adds_up(profile: Profile) -> None:
    largest_block = profile.shared_memory_per_block + profile.shared_memory_reserved_per_block
    assert largest_block == profile.shared_memory_per_sm
    assert profile.shared_memory_per_sm < profile.l1_and_shared_memory_per_sm
    assert profile.shared_memory_per_sm % profile.shared_memory_allocation_unit == 0


def test_clusters_and_distributed_shared_memory_come_together(profile: Profile) -> None:
    has_clusters = profile.compute_capability_major >= 9
    assert profile.has_distributed_shared_memory == has_clusters
    assert profile.blocks_per_cluster == (8 if has_clusters else 1)


def test_nearer_memory_answers_sooner(profile: Profile) -> None:
    path = [
        profile.shared_load_cycles, profile.l1_hit_cycles, profile.l2_hit_cycles, profile.global_load_cycles
    ]  # fmt: skip
    known = [cycles for cycles in path if cycles is not None]
    assert known == sorted(set(known))


def test_every_profile_says_where_it_is_from(profile: Profile) -> None:
    assert len(profile.sources) >= 3
    assert all(origin.measured_on and origin.source for origin in profile.latency_origins.values())
    assert all(doubt.reason for doubt in profile.unverified)


# Where they are found ----------------------------------------------------------------------------------


def test_every_key_is_documented_and_every_profile_listed() -> None:
    page = (ROOT / "docs" / "hardware_profiles.md").read_text(encoding="utf-8")
    first_cells = re.findall(r"^\| (`.*?`) \|", page, re.MULTILINE)
    named = {name for cell in first_cells for name in re.findall(r"`(\w+)`", cell)}
    assert named == set(KEYS) | set(hardware.names())


def test_the_table_of_the_documentation_tells_the_truth() -> None:
    page = (ROOT / "docs" / "hardware_profiles.md").read_text(encoding="utf-8")
    for name in hardware.names():
        gpu = hardware.load(name)
        capability = f"{gpu.compute_capability_major}.{gpu.compute_capability_minor}"
        row = f"| `{name}` | {gpu.name} | {capability} | {gpu.sm_count} | {gpu.shared_memory_per_sm} |"
        assert row in page


def test_a_problem_includes_a_profile_by_name_from_any_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "problem.yaml"
    file.write_text(
        "include: {gpu: h100_sxm}\n"
        "variables: {blocks: positive, bytes: natural}\n"
        "constraints:\n"
        "  - blocks == gpu.sm_count\n"
        "  - bytes == gpu.shared_memory_per_block\n"
    )
    assert dict(ci.load(file).solve()) == {"blocks": 132, "bytes": 232448}
    assert ci.load(file, include={"gpu": "rtx_4090"}).solve()["blocks"] == 128


def test_a_problem_includes_a_profile_by_path() -> None:
    path = hardware.profile_folder() / "rtx_3090.yaml"
    problem = io.StringIO(f"include: {{gpu: {path}}}\nvariables: {{x: [gpu.sm_count]}}\n")
    assert ci.load(problem).solve()["x"] == 82


def test_a_problem_may_use_features_and_shapes_but_no_unknown_figure() -> None:
    head = "include: {gpu: h100_sxm}\nvariables: {x: natural}\nconstraints:\n"
    features = head + "  - x == gpu.has_tma + 10 * gpu.has_fp4 + 100 * gpu.mma_shapes_16bit[1][2]\n"
    assert ci.load(io.StringIO(features)).solve()["x"] == 1601
    with pytest.raises(ci.ProblemError, match=r"gpu\.grid_barrier_nanoseconds' is"):
        ci.load(io.StringIO(head + "  - x == gpu.grid_barrier_nanoseconds\n"))


def test_a_file_loads_like_a_name(tmp_path: Path) -> None:
    copy = tmp_path / "copy.yaml"
    copy.write_text(text_of("l4"))
    assert hardware.load(copy) == hardware.load(str(copy)) == hardware.load("l4")


def test_reading_profiles_needs_no_torch() -> None:
    code = (
        "import sys; from flashrnn import hardware; hardware.load('h100_sxm'); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


# Errors ------------------------------------------------------------------------------------------------


def line_of(text: str, key: str) -> int:
    return next(k for k, line in enumerate(text.splitlines(), 1) if line.startswith(f"{key}:"))


def error_of(tmp_path: Path, text: str) -> str:
    """The message for a file with this text, without the folder."""
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(ProfileError) as caught:
        hardware.load(file)
    message = str(caught.value)
    assert message.startswith(str(file))
    return message.removeprefix(f"{tmp_path}/")


CHANGES = [
    ("sm_count: 132", "sm_counts: 132", "sm_counts", "unknown key 'sm_counts' … did you mean 'sm_count'?"),
    ("sm_count: 132", "sm_count: 1.5", "sm_count", "'sm_count' must be an integer, not 1.5"),
    ("sm_count: 132", "sm_count: true", "sm_count", "'sm_count' must be an integer, not True"),
    ("sm_count: 132", "sm_count: null", "sm_count", "'sm_count' must be an integer, not None"),
    ("sm_count: 132", "sm_count: -3", "sm_count", "'sm_count' must not be negative, not -3"),
    ("sm_count: 132", "sm_count: 0", "sm_count", "'sm_count' must be positive"),
    ("sm_count: 132", "sm_count: 132\nsm_count: 133", "", "the key 'sm_count' stands twice, first in line"),
    ("has_fp8: true", "has_fp8: 1", "has_fp8", "'has_fp8' must be true or false, not 1"),
    ("name: NVIDIA H100 SXM 80 GB", "name: 100", "name", "'name' must be a text, not 100"),
    (
        "shared_memory_carveouts: [0, 8192,", "shared_memory_carveouts: [0, x,", "shared_memory_carveouts",
        "'shared_memory_carveouts[1]' must be an integer, not 'x'",
    ),
    (
        "shared_memory_carveouts: [0, 8192,", "shared_memory_carveouts: [8192, 0,", "shared_memory_carveouts",
        "'shared_memory_carveouts' must rise to shared_memory_per_sm",
    ),
    (
        "mma_shapes_tf32: [[16, 8, 4],", "mma_shapes_tf32: [[16, 8],", "mma_shapes_tf32",
        "'mma_shapes_tf32' must be a list of [m, n, k]",
    ),
    (
        "mma_shapes_tf32: [[16, 8, 4],", "mma_shapes_tf32: [16,", "mma_shapes_tf32",
        "'mma_shapes_tf32[0]' must be a list, not 16",
    ),
    (
        "threads_per_sm: 2048", "threads_per_sm: 1024", "threads_per_sm",
        "'threads_per_sm' is not warps_per_sm * threads_per_warp",
    ),
    (
        "shared_memory_per_block: 232448", "shared_memory_per_block: 233472", "shared_memory_per_block",
        "'shared_memory_per_block' and what is reserved exceed 'shared_memory_per_sm'",
    ),
    (
        "grid_barrier_nanoseconds: null", "grid_barrier_nanoseconds: 1", "latency_origins",
        "'latency_origins' does not say where 'grid_barrier_nanoseconds' is from",
    ),
    (
        "l2_hit_cycles: 283", "l2_hit_cycles: null", "latency_origins",
        "'latency_origins' names 'l2_hit_cycles', which is no latency with a value … did you mean",
    ),
    (
        "{measured_on: H800 PCIe, carried_over", "{on: H800 PCIe, carried_over", "latency_origins",
        "'latency_origins.mma_m16n8k16_cycles' must be a mapping of measured_on, carried_over, source, not",
    ),
    (
        "{key: global_memory,", "{key: global_memori,", "unverified",
        "'unverified' names the unknown key 'global_memori' … did you mean 'global_memory'?",
    ),
    ("latency_origins:\n", "latency_origins: 5\nmore:\n", "more", "unknown key 'more'"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "key", "message"), CHANGES, ids=[change[3] for change in CHANGES])
def test_a_wrong_profile_is_an_error_that_names_file_line_and_key(
    old: str, new: str, key: str, message: str, tmp_path: Path
) -> None:
    text = text_of("h100_sxm")
    assert text.count(old) == 1
    changed = text.replace(old, new, 1)
    place = f":{line_of(changed, key)}" if key else ""
    assert error_of(tmp_path, changed).startswith(f"mine.yaml{place}: {message}")


def test_missing_keys_are_named(tmp_path: Path) -> None:
    text = re.sub(r"^(sm_count|l2_cache): .*\n", "", text_of("h100_sxm"), flags=re.MULTILINE)
    assert error_of(tmp_path, text) == "mine.yaml: missing keys: sm_count, l2_cache"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a mapping of keys to values"),
        ("- 1\n", "expected a mapping of keys to values"),
        ("a: [1\n", "not YAML: "),
    ],
)
def test_a_file_that_is_no_profile_is_an_error(text: str, message: str, tmp_path: Path) -> None:
    assert error_of(tmp_path, text).startswith(f"mine.yaml: {message}")


def test_an_unknown_name_is_an_error_with_the_close_match() -> None:
    with pytest.raises(ProfileError, match="unknown hardware profile 'h100_smx' … did you mean 'h100_sxm'"):
        hardware.load("h100_smx")


def test_a_missing_file_is_an_error_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="no such file"):
        hardware.load(tmp_path / "none.yaml")
