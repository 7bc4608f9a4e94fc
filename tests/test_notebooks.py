"""The notebooks' cells run, at reduced size, and what they say is so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


def run(name: str, monkeypatch: pytest.MonkeyPatch, **smaller: str) -> dict[str, Any]:
    """The names after running a notebook's code; `smaller` replaces the values of some of them."""
    pytest.importorskip("matplotlib", reason="plots need matplotlib").use("agg")
    monkeypatch.chdir(NOTEBOOKS)
    cells = json.loads((NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    for variable, value in smaller.items():
        line = next(line for line in code.splitlines() if line.startswith(f"{variable} = "))
        code = code.replace(line, f"{variable} = {value}")
    names: dict[str, Any] = {}
    exec(compile(code, name, "exec"), names)
    names["plt"].close("all")
    return names


def test_the_tour_of_the_solver(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    names = run("solver_tour", monkeypatch)
    plane = names["plane"]
    assert plane.box == ((32, 256), (8, 64)) and plane.count == 28
    assert {m for m, _ in plane.points} == {32, 48, 64, 96, 128, 192, 256}
    assert len(names["space"]) == names["problem"].without_goals().count() == 194
    assert [one.label for one in names["correction"].dropped] == ["wide"]
    shown = capsys.readouterr().out
    assert "'wide'" in shown and "to give up: ['wide']" in shown
    assert names["best"].objective == 16384


def test_the_hardware_model(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    names = run("hardware_model", monkeypatch, GPUS='["a100_sxm_80gb", "h100_sxm"]', HEADS="[16, 256]")
    largest = names["largest"]
    assert largest["cluster"][0] == 0 < largest["block"][1] < largest["cluster"][1] < largest["grid"][1]
    (small, large) = names["times"]["h100_sxm"]
    assert 0 < small < large
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0][0] == "h100_sxm" and int(lines[0][1]) == largest["cluster"][1] > int(lines[1][1]) > 0
