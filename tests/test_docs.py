"""The documentation is true: what it shows is run, and prints what stands there.

A `yaml` block that begins with `# name.yaml` becomes that file; any other that has `variables` must be a
problem file. A `console` block is typed line by line. The `python` blocks of a page are run one after the
other, as one program; a `text` block right after one is what it prints.
"""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import constrint as ci
from constrint.cli.main import main

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#([^)\s]+))?\)")


@dataclass
class Block:
    """A fenced block: its language, its text, the line it begins in, and what follows it."""

    language: str
    text: str
    line: int
    printed: str | None = None


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page; a `text` block that follows another at once belongs to it."""
    text = page.read_text(encoding="utf-8")
    previous: Block | None = None
    end = 0
    for found in re.finditer(r"^```(\w*)\n(.*?)^```$", text, flags=re.M | re.S):
        block = Block(found[1], found[2], text.count("\n", 0, found.start()) + 1)
        if block.language == "text" and previous is not None and not text[end : found.start()].strip():
            previous.printed = block.text
            continue
        if previous is not None:
            yield previous
        previous, end = block, found.end()
    if previous is not None:
        yield previous


def plain(output: str) -> list[str]:
    """The lines of an output, without what differs from run to run: empty lines, times and counts of work."""
    output = re.sub(r'"statistics": \{.*?\}', '"statistics": {…}', output)
    return [line.rstrip() for line in output.splitlines() if line.strip()]


def typed(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What the command prints, on either stream."""
    words = shlex.split(command)
    assert words[0] == "constrint", f"only constrint's commands are run: {command}"
    main(words[1:])
    captured = capsys.readouterr()
    return captured.out + captured.err


def run_console(block: Block, capsys: pytest.CaptureFixture[str]) -> None:
    for part in re.split(r"^\$ ", block.text, flags=re.M)[1:]:
        command, _, expected = part.partition("\n")
        assert plain(typed(command, capsys)) == plain(expected), command


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_shows_is_so(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "__main__"}
    for block in blocks(page):
        if block.language == "yaml":
            titled = re.match(r"# (\S+\.yaml)\n", block.text)
            if titled:
                Path(titled[1]).write_text(block.text, encoding="utf-8")
            elif re.search(r"^variables:", block.text, flags=re.M):
                ci.load(io.StringIO(block.text))
        elif block.language == "console":
            run_console(block, capsys)
        elif block.language == "python":
            if re.search(r"^(import|from) torch\b", block.text, flags=re.M):
                pytest.importorskip("torch", reason="the page needs PyTorch")
            # Padded, so that a traceback names the line of the page.
            source = "\n" * block.line + block.text
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                exec(compile(source, str(page), "exec"), names)
            if block.printed is not None:
                assert plain(printed.getvalue()) == plain(block.printed), f"{page.name}:{block.line}"


def headings(page: Path) -> set[str]:
    """The anchors of a page, made from its headings as GitHub makes them."""
    lines = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in lines}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        if "://" not in target:
            linked = page.parent / target
            assert linked.exists(), target
            assert not anchor or anchor in headings(linked), f"{target}#{anchor}"


def test_every_page_is_on_the_map() -> None:
    linked = {target for target, _ in LINK.findall((ROOT / "docs" / "index.md").read_text(encoding="utf-8"))}
    assert {page.name for page in (ROOT / "docs").glob("*.md")} - {"index.md"} <= linked


def test_every_public_name_is_in_the_python_page() -> None:
    text = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    code = " ".join(re.findall(r"`[^`]+`|```.*?```", text, flags=re.S))
    missing = [name for name in ci.__all__ if not re.search(rf"\b{name}\b", code)]
    methods = [name for name in vars(ci.Problem) if not name.startswith("_")]
    assert methods and not missing
    assert [name for name in methods if not re.search(rf"\b{name}\b", code)] == []
