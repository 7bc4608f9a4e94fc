"""A profile written from what a GPU says of itself."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch

from flashrnn import hardware
from flashrnn.backends import Request
from flashrnn.cuda import device
from flashrnn.cuda.backend import unavailable_fused

ROOT = Path(__file__).parents[3]


def told_by(profile: hardware.Profile, **others: Any) -> dict[str, Any]:
    """What the driver would say of the GPU of this profile."""
    keys = [*device._ATTRIBUTES, "name", "global_memory"]
    return {key: getattr(profile, key) for key in keys} | others


@pytest.mark.parametrize("name", hardware.names())
def test_a_known_gpu_gets_its_own_profile(name: str, tmp_path: Path) -> None:
    known = hardware.load(name)
    path = tmp_path / "written.yaml"
    path.write_text(device.as_yaml(device.profile_data(told_by(known))))
    written = asdict(hardware.load(path))
    expected = asdict(known)
    for key in ("sources", "notes", "unverified"):
        del written[key], expected[key]
    # Published bandwidths are rounded.
    assert written.pop("memory_bandwidth_bytes_per_second") == pytest.approx(
        expected.pop("memory_bandwidth_bytes_per_second"), rel=0.05
    )
    assert written == expected


def test_an_unknown_gpu_is_like_its_kin_and_says_so(tmp_path: Path) -> None:
    kin = hardware.load("h200")
    path = tmp_path / "written.yaml"
    path.write_text(device.as_yaml(device.profile_data(told_by(kin, name="NVIDIA H300", sm_count=130))))
    written = hardware.load(path)
    assert written.sm_count == 130
    assert written.bf16_flop_per_second == kin.bf16_flop_per_second * 130 // 132
    assert {doubt.key for doubt in written.unverified} >= {"bf16_flop_per_second", "fp32_flop_per_second"}
    assert all(origin.carried_over for origin in written.latency_origins.values())
    assert kin.name in written.notes[0]


def test_a_capability_between_two_known_ones_takes_the_older() -> None:
    found = told_by(hardware.load("rtx_4090"), compute_capability_minor=7, name="new")
    assert hardware.load(device.nearest(found)).compute_capability_minor == 6


def test_a_gpu_that_is_too_old_is_refused() -> None:
    with pytest.raises(device.NoGPU, match=r"7\.5 is too low"):
        device.nearest(told_by(hardware.load("l4"), compute_capability_major=7, compute_capability_minor=5))


def test_a_gpu_that_agrees_with_a_profile_goes_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLASHRNN_CACHE", str(tmp_path))
    assert device.profile_name(told_by(hardware.load("h200"), name="NVIDIA H200")) == "h200"
    assert not (tmp_path / "profiles").exists()


def test_a_gpu_that_differs_gets_a_file_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASHRNN_CACHE", str(tmp_path))
    found = told_by(hardware.load("h200"), sm_count=78)
    path = device.profile_name(found)
    assert hardware.load(path).sm_count == 78
    assert device.profile_name(found) == path
    assert [str(file) for file in (tmp_path / "profiles").iterdir()] == [path]


def test_a_damaged_file_is_written_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASHRNN_CACHE", str(tmp_path))
    found = told_by(hardware.load("h200"), sm_count=78)
    path = Path(device.profile_name(found))
    whole = path.read_bytes()
    path.write_bytes(whole[:100])
    assert device.profile_name(found) == str(path)
    assert path.read_bytes() == whole


# What a process does for a GPU of its own where the cache is a file, and what it says.
UNWRITABLE = """
import sys, warnings
from flashrnn import hardware
from flashrnn.cuda import device
from tests.flashrnn.cuda.test_device import told_by
found = told_by(hardware.load("h200"), sm_count=78)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    path = device.profile_name(found)
    assert device.profile_name(found) == path
assert [warning.category for warning in caught] == [RuntimeWarning, RuntimeWarning]
assert "cannot be written" in str(caught[0].message)
assert hardware.load(path).sm_count == 78
print(path)
"""


def test_where_the_cache_cannot_be_written_the_file_lives_as_long_as_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cache").write_text("in the way")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("FLASHRNN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    done = subprocess.run([sys.executable, "-c", UNWRITABLE], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).parents[1] == tmp_path / "temporary"
    assert list((tmp_path / "temporary").iterdir()) == []
    assert (tmp_path / "cache").read_text() == "in the way"


def test_a_write_that_fails_leaves_nothing_in_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLASHRNN_CACHE", str(tmp_path))

    def fail(source: str, target: object) -> None:
        raise OSError("no space")

    monkeypatch.setattr(device.cache.os, "replace", fail)
    with pytest.warns(RuntimeWarning, match="no space"):
        path = device.profile_name(told_by(hardware.load("h200"), sm_count=78))
    assert hardware.load(path).sm_count == 78
    assert list((tmp_path / "profiles").iterdir()) == []


@pytest.mark.parametrize("matmul", ["highest", "high"])
def test_what_a_backend_can_serve_is_a_constant_to_the_compiler(matmul: str) -> None:
    """Nothing of the tuner is traced, whatever the precision of products; here there is no GPU to serve."""
    request = Request("lstm", "cpu", torch.float32, 2, 32, 4, False)

    def run(x: torch.Tensor) -> torch.Tensor:
        reason = unavailable_fused(request)
        return x + (0 if reason is None else len(reason))

    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(matmul)
    try:
        expected = len("it needs an NVIDIA GPU, and the tensors are on 'cpu'")
        assert torch.compile(run, fullgraph=True, backend="eager")(torch.zeros(2)).tolist() == [expected] * 2
    finally:
        torch.set_float32_matmul_precision(before)
