"""The cache on disk: whole entries only, for any number of processes, in the folder that was named."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from flashrnn.cuda import cache


def test_the_folder_is_the_environments_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASHRNN_CACHE", str(tmp_path / "mine"))
    assert cache.folder() == tmp_path / "mine"
    monkeypatch.delenv("FLASHRNN_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.folder() == tmp_path / "flashrnn"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache.folder() == tmp_path / ".cache" / "flashrnn"


def test_what_was_written_is_read_under_the_same_key_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLASHRNN_CACHE", str(tmp_path))
    assert cache.read("things", {"a": 1, "b": 2}) is None
    cache.write("things", {"a": 1, "b": 2}, b"content")
    assert cache.read("things", {"b": 2, "a": 1}) == b"content"
    assert cache.read("things", {"a": 1, "b": "2"}) is None
    assert cache.read("others", {"a": 1, "b": 2}) is None
    monkeypatch.setattr(cache, "FORMAT", cache.FORMAT + 1)
    assert cache.read("things", {"a": 1, "b": 2}) is None


def test_nothing_but_whole_entries_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASHRNN_CACHE", str(tmp_path))

    def fail(source: str, target: object) -> None:
        raise OSError("no space")

    monkeypatch.setattr(cache.os, "replace", fail)
    with pytest.warns(RuntimeWarning, match="cannot be written.*FLASHRNN_CACHE"):
        cache.write("things", {}, b"content")
    assert list((tmp_path / "things").iterdir()) == []


def test_a_folder_that_cannot_be_made_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("FLASHRNN_CACHE", str(tmp_path / "file"))
    with pytest.warns(RuntimeWarning, match="cannot be written"):
        cache.write("things", {}, b"content")
    assert cache.read("things", {}) is None


WRITER = """
from flashrnn.cuda import cache
for turn in range(300):
    cache.write("things", {"shared": True}, b"%d" * 1000 * 100)
    found = cache.read("things", {"shared": True})
    assert found is not None and len(set(found)) == 1 and len(found) == 100_000, found
"""


def test_two_processes_that_write_one_entry_never_read_half_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLASHRNN_CACHE", str(tmp_path))
    code = [WRITER.replace('b"%d"', f'b"{number}"') for number in (1, 2)]
    running = [subprocess.Popen([sys.executable, "-c", text], stderr=subprocess.PIPE) for text in code]
    for process in running:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors.decode()
    assert len(list((tmp_path / "things").iterdir())) == 1
