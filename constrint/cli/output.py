"""Reports as tables, JSON, YAML and CSV."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

_FORMATS = {".json": "json", ".yaml": "yaml", ".yml": "yaml", ".csv": "csv"}

_COLORS = {"satisfied": "green", "optimal": "green", "infeasible": "red", "unknown": "yellow"}


@dataclass
class Table:
    """Rows under headings; `hidden` keeps it for CSV, where a sentence says the same to people."""

    header: list[str]
    rows: list[list[Any]]
    hidden: bool = False


@dataclass
class Report:
    """An answer, ready to be shown in any format."""

    status: str
    remark: str
    data: dict[str, Any]
    table: Table
    code: int
    solutions: list[dict[str, Any]] | None = None
    statistics: dict[str, Any] = field(default_factory=dict)
    stopped_by: str | None = None
    note: str = ""
    """A part of the answer that is a sentence, below the table."""
    hint: str = ""
    written: bool = False
    """Whether the answer itself is in a file already, and this only says so."""


def show(report: Report, arguments: argparse.Namespace) -> None:
    """Print the report, or write it to the file that was asked for."""
    target = None if report.written else arguments.output
    chosen = arguments.format or (_FORMATS.get(Path(target).suffix.lower()) if target else None) or "table"
    if target:
        with open(target, "w", encoding="utf-8", newline="") as stream:
            _write(report, chosen, stream, arguments)
    else:
        _write(report, chosen, sys.stdout, arguments)


def _write(report: Report, chosen: str, stream: IO[str], arguments: argparse.Namespace) -> None:
    if chosen == "table":
        _write_table(report, stream, arguments)
        return
    data = dict(report.data)
    if arguments.stats:
        data.setdefault("statistics", report.statistics)
    if chosen == "json":
        stream.write(json.dumps(data, ensure_ascii=False) + "\n")
    elif chosen == "yaml":
        import yaml

        yaml.safe_dump(data, stream, sort_keys=False, allow_unicode=True, default_flow_style=None)
    else:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(report.table.header)
        writer.writerows(report.table.rows)
        if arguments.stats:
            print(_statistics_line(report.statistics), file=sys.stderr)


def _statistics_line(statistics: dict[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in statistics.items())


# For people --------------------------------------------------------------------------------------------


def _write_table(report: Report, stream: IO[str], arguments: argparse.Namespace) -> None:
    from rich.console import Console

    # A pipe or a file has no width: nothing is wrapped there.
    terminal = stream.isatty()
    console = Console(file=stream, highlight=False, width=None if terminal else 100_000)
    if not arguments.quiet:
        _print_head(console, report)
    if report.solutions is not None:
        _print_solutions(console, report, arguments.quiet)
    elif report.table.rows and not report.table.hidden:
        console.print(_grid(report.table))
    elif report.table.hidden and arguments.quiet and not report.written:
        console.print(str(report.table.rows[0][0]))
    if report.note:
        console.print(report.note, markup=False)
    if arguments.stats and report.statistics:
        rows = [[key, value] for key, value in report.statistics.items()]
        console.print(_grid(Table(["statistics", ""], rows)))
    if report.hint and not arguments.quiet:
        console.print(report.hint, style="dim", markup=False)


def _print_head(console: Any, report: Report) -> None:
    from rich.text import Text

    head = Text(report.status, style=f"bold {_COLORS.get(report.status, '')}")
    if report.stopped_by:
        head.append(f" (stopped by the {report.stopped_by})", style="yellow")
    if report.remark:
        head.append(f": {report.remark}", style="not bold default")
    console.print(head)


def _print_solutions(console: Any, report: Report, quiet: bool) -> None:
    """One solution as a list of its variables, several as rows if they fit the width."""
    solutions = report.solutions or []
    width = sum(
        max([len(name), *(len(str(row[k])) for row in report.table.rows)]) + 3
        for k, name in enumerate(report.table.header)
    )
    if len(solutions) > 1 and width < min(console.width, 200):
        console.print(_grid(report.table))
        return
    for number, solution in enumerate(solutions, 1):
        if len(solutions) > 1:
            console.print(f"solution {number}", style="bold")
        rows: list[list[Any]] = []
        for name, value in solution.items():
            rows.extend(_value_rows(name, value))
        console.print(_grid(Table(["variable", "value"], rows)))


def _value_rows(name: str, value: Any) -> list[list[Any]]:
    """An integer or a list in one row; a matrix in one row for each of its rows, in aligned columns."""
    if not isinstance(value, list) or not isinstance(value[0], list):
        return [[name, value if isinstance(value, int) else "  ".join(map(str, value))]]
    if isinstance(value[0][0], list):
        return [row for k, part in enumerate(value) for row in _value_rows(f"{name}[{k}]", part)]
    width = max(len(str(cell)) for row in value for cell in row)
    return [
        [name if k == 0 else "", "  ".join(str(cell).rjust(width) for cell in row)]
        for k, row in enumerate(value)
    ]


def _grid(table: Table) -> Any:
    """A rich table: numbers to the right, text to the left, empty columns left out."""
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    grid = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    kept = [
        k for k in range(len(table.header)) if not table.rows or any(row[k] is not None for row in table.rows)
    ]
    for k in kept:
        numeric = all(
            row[k] is None or isinstance(row[k], int) or row[k] in ("∞", "-∞") for row in table.rows
        )
        grid.add_column(Text(table.header[k]), justify="right" if numeric else "left", overflow="fold")
    for row in table.rows:
        grid.add_row(*(Text("" if row[k] is None else str(row[k])) for k in kept))
    return grid
