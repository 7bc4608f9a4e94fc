"""Answers as tables for people and as JSON for programs."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any


def show(arguments: argparse.Namespace, data: Any, draw: Sequence[Any]) -> None:
    """Print `data` as JSON or else `draw` (what rich can print), or write it to the file asked for."""
    target: str | None = arguments.output
    chosen = arguments.format or ("json" if target and Path(target).suffix == ".json" else "table")
    if target:
        with open(target, "w", encoding="utf-8") as stream:
            _write(stream, chosen, data, draw)
    else:
        _write(sys.stdout, chosen, data, draw)


def _write(stream: IO[str], chosen: str, data: Any, draw: Sequence[Any]) -> None:
    if chosen == "json":
        json.dump(data, stream, indent=2)
        stream.write("\n")
        return
    from rich.console import Console

    # A file or a pipe has no width of its own: nothing is to be wrapped there.
    console = Console(file=stream, highlight=False, width=None if stream.isatty() else 160)
    for part in draw:
        console.print(part)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], left: int = 1) -> Any:
    """A table of rich; the first `left` columns are aligned left, the others right."""
    from rich import box
    from rich.table import Table

    drawn = Table(title=title or None, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for index, name in enumerate(columns):
        drawn.add_column(name, justify="left" if index < left else "right")
    for row in rows:
        drawn.add_row(*("–" if cell is None else str(cell) for cell in row))
    return drawn
