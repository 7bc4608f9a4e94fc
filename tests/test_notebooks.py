"""The notebooks' cells run, at reduced size, and what they say is so."""

from __future__ import annotations

import pytest

from tests.notebooks import run


def test_the_tour_of_the_solver(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    names = run("solver_tour", monkeypatch, capsys)
    plane = names["plane"]
    assert plane.box == ((32, 256), (8, 64)) and plane.count == 28
    assert {m for m, _ in plane.points} == {32, 48, 64, 96, 128, 192, 256}
    assert len(names["space"]) == names["problem"].without_goals().count() == 194
    assert [one.label for one in names["correction"].dropped] == ["wide"]
    assert names["best"].objective == 16384


def test_the_hardware_model(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    smaller = {"GPUS": '["a100_sxm_80gb", "h100_sxm"]', "HEADS": "[16, 256]"}
    names = run("hardware_model", monkeypatch, capsys, **smaller)
    assert (names["GPUS"], names["HEADS"]) == (["a100_sxm_80gb", "h100_sxm"], [16, 256])
    largest = names["largest"]
    assert largest["cluster"][0] == 0 < largest["block"][1] < largest["cluster"][1] < largest["grid"][1]
    (small, large) = names["times"]["h100_sxm"]
    assert 0 < small < large
