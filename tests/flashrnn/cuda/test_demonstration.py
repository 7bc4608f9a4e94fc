"""The demonstration of kernels for three GPUs prints what the tuner chose and the compiler said."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from flashrnn.cuda import kernels, tuner
from flashrnn.cuda.tuner import Work

SCRIPT = Path(__file__).parents[3] / "examples" / "kernels_side_by_side.py"


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setenv("FLASHRNN_CACHE", str(tmp_path))
    spec = importlib.util.spec_from_file_location("kernels_side_by_side", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_each_gpu_gets_a_configuration_that_the_compiler_confirms(demo: ModuleType) -> None:
    pytest.importorskip("cupy", reason="NVRTC is asked through CuPy")
    work = Work("lstm", "forward", "bfloat16", 128, 6, 16)
    families = []
    for gpu in demo.GPUS:
        best, verdict = demo.chosen(work, gpu)
        checked = kernels.check(best)
        assert checked.contradictions == []
        (report,) = checked.resources.values()
        assert verdict == f"{checked.architecture}: {report.registers} registers, spills: 0"
        rows = demo.column(best, verdict)
        assert rows["blocks × threads"] == f"{best.values['blocks']} × {best.values['threads']}"
        families.append(rows["kernel"])
    assert families[1] == "cluster" and "cluster" not in (families[0], families[2])
    assert demo.column(None, "") == {"kernel": "nothing fits"}


def test_without_a_compiler_the_models_answer_alone(
    demo: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: object) -> None:
        raise demo.CompilerUnavailable("no NVRTC")

    monkeypatch.setattr(kernels, "check", missing)
    monkeypatch.setattr(tuner, "nvrtc_version", lambda: (13, 0))
    best, verdict = demo.chosen(Work("lstm", "forward", "bfloat16", 64, 12, 16), "h100_sxm")
    assert best is not None and verdict == "no NVRTC here"
