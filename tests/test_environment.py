"""Environment variables: the page about them and the code agree."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
READ = re.compile(r"""environ(?:\.get\(|\.setdefault\(|\[)\s*["']([A-Z_]+)["']""")


def test_every_variable_that_is_read_is_on_the_page_and_no_other() -> None:
    read = {
        name
        for folder in ("constrint", "flashrnn", "benchmarks", "tests")
        for path in (ROOT / folder).rglob("*.py")
        for name in READ.findall(path.read_text(encoding="utf-8"))
    }
    page = (ROOT / "docs/environment.md").read_text(encoding="utf-8")
    told = set(re.findall(r"^\| `([A-Z_]+)` \|", page, flags=re.MULTILINE))
    assert {"FLASHRNN_CACHE", "CONSTRINT_ENGINE"} <= read
    assert told == read - {"PATH", "PYTHONPATH"}
