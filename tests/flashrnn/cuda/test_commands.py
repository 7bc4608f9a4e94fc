"""The commands and the benchmark's dry run, from a hardware profile to compiled kernels, without a GPU."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from benchmarks.gpu import compiling
from benchmarks.gpu.__main__ import main as benchmark
from flashrnn import hardware
from flashrnn.backends import Settings
from flashrnn.cli.main import main
from flashrnn.cuda import calls, compiler, kernels, tuner
from flashrnn.cuda.kernels import Verification
from flashrnn.cuda.tuner import Configuration

pytest.importorskip("cupy", reason="NVRTC is asked through CuPy")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FLASHRNN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert main([*arguments, "--format", "json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_what_is_precompiled_is_there_when_it_is_called(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Training and inference ask nothing of the compiler any more, in the words that a call uses."""
    rows = answer(
        capsys, "precompile", "--hardware", "h100_sxm", "--cell", "gru", "--head-dim", "40", "--heads", "2"
    )
    assert [(row["direction"], row["training"]) for row in rows] == [
        ("forward", True), ("forward", False), ("backward", True),
    ]  # fmt: skip
    monkeypatch.setattr(compiler, "_run", lambda *_: pytest.fail("the compiler was asked"))
    monkeypatch.setattr(tuner, "configurations", lambda *_: pytest.fail("the tuner was asked"))
    settings = Settings("gru", False, None, None, [0.0], torch.bfloat16)
    R = torch.empty(3, 2, 40, 40, dtype=torch.bfloat16)
    for row in rows:
        work = calls.work_of(settings, row["direction"], R, R.dtype, R.dtype, 16, row["training"])
        chosen = tuner.choose(work, "h100_sxm", tuner.FUSED)
        assert chosen is not None and chosen.family == row["family"]
    assert (
        main(["precompile", "--hardware", "h100_sxm", "--cell", "gru", "--head-dim", "40", "--heads", "2"])
        == 0
    )
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["gru", "forward", "bfloat16", "40", "2", "16", "False", rows[1]["family"]] in lines


def test_a_gpu_that_does_not_exist_goes_the_whole_way(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One new file: it is queried, tuned and compiled for, and its largest heads follow from it."""
    profile = yaml.safe_load((hardware.profile_folder() / "h100_sxm.yaml").read_text(encoding="utf-8"))
    profile |= {"name": "Made up", "sm_count": 20, "shared_memory_per_block": 65536}
    file = tmp_path / "made_up.yaml"
    file.write_text(yaml.safe_dump(profile), encoding="utf-8")
    options = ("--cell", "lstm", "--dtype", "bfloat16")
    largest = {
        where: answer(capsys, "max-head-dim", "--hardware", where, *options)[0]["largest"]
        for where in ("h100_sxm", str(file))
    }
    real, made_up = largest["h100_sxm"], largest[str(file)]
    assert all(made_up[family] < real[family] for family in ("block", "cluster", "grid"))
    (row,) = answer(
        capsys, "tune", "--hardware", str(file), "--cell", "lstm", "--head-dim", "64", "--heads", "2",
        "--direction", "forward", "--verify",
    )  # fmt: skip
    assert row["verified"]["contradictions"] == []
    assert main(["tune", "--hardware", str(file), "--cell", "lstm", "--head-dim", str(real["grid"]),
                 "--family", "grid"]) == 1  # fmt: skip


def test_the_largest_head_is_the_models_or_the_compilers(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here the compiler refuses heads of more than 380."""

    def check(configuration: Configuration) -> Verification:
        refused = ["8 bytes of registers spilled"] if configuration.values["width"] > 380 else []
        return Verification("sm_90", {}, refused)

    monkeypatch.setattr(kernels, "check", check)
    asked = ("max-head-dim", "--hardware", "h100_sxm", "--cell", "elman", "--dtype", "bfloat16",
             "--family", "block")  # fmt: skip
    row = {"hardware": "h100_sxm", "cell": "elman", "dtype": "bfloat16"}
    assert answer(capsys, *asked) == [row | {"verified": False, "largest": {"block": 384}}]
    assert answer(capsys, *asked, "--verify") == [row | {"verified": True, "largest": {"block": 376}}]
    titles = []
    for options in ((), ("--verify",)):
        assert main([*asked, *options]) == 0
        titles.append(" ".join(capsys.readouterr().out.split("hardware")[0].split()))
    assert titles == [
        f"largest head dimension, both, {whose}; the alternating kernels have no limit"
        for whose in ("by the model", "confirmed by the compiler")
    ]
    assert main([*asked[:-1], "alternating"]) == 2
    assert "invalid choice: 'alternating'" in capsys.readouterr().err


def test_the_benchmark_runs_dry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It solves and compiles for a profile what a run would launch, and measures nothing."""
    out = tmp_path / "out"
    wanted = compiling.wanted
    monkeypatch.setattr(compiling, "wanted", lambda *asked: wanted(*asked)[:2])
    options = ["--dry-run", "--quick", "--families", "block"]
    monkeypatch.setattr("sys.argv", ["benchmarks.gpu", "--out", str(out), *options])
    assert benchmark() == 0
    rows = [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]
    sections = {row["name"]: row for row in rows if row["section"] == "section"}
    assert sections["environment"]["torch"] == torch.__version__
    assert (sections["compile"]["done"], sections["compile"]["wanted"]) == (2, 2)
    compiled = [row for row in rows if row["section"] == "compile"]
    assert len(compiled) == 2 and all("ms" not in row and "error" not in row for row in compiled)
    assert json.loads((out / "results.json").read_text()) == rows
