"""Every solution into a file: CSV, JSON lines, NPZ or Parquet, by the ending of its name.

CSV and JSON hold integers of any size. NPZ and Parquet columns are 64-bit integers; a column with a
value beyond that is written as decimal text.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from constrint.errors import ProblemError
from constrint.problem import Problem
from constrint.results import nest

Rows = Sequence[tuple[int, ...]]


def check_ending(name: str) -> None:
    """Raises ProblemError where the ending names no format, or one whose library is not installed."""
    ending = Path(name).suffix.lower()
    if ending not in _WRITERS:
        raise ProblemError(f"'{name}': the ending says the format: one of {', '.join(_WRITERS)}")
    if ending == ".parquet":
        try:
            import pyarrow  # noqa: F401
        except ImportError:
            raise ProblemError("Parquet needs PyArrow: pip install pyarrow, or write .csv or .npz") from None


def export(problem: Problem, rows: Rows, path: Path) -> None:
    """Write the rows, whose columns are the problem's variables in order. Raises OSError."""
    _WRITERS[path.suffix.lower()](problem, rows, path)


def _csv(problem: Problem, rows: Rows, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(problem.variables)
        writer.writerows(rows)


def _json_lines(problem: Problem, rows: Rows, path: Path) -> None:
    with path.open("w", encoding="utf-8") as stream:
        for row in rows:
            values = nest(dict(zip(problem.variables, row, strict=True)), problem.arrays)
            stream.write(json.dumps(values, ensure_ascii=False) + "\n")


def _columns(problem: Problem, rows: Rows) -> dict[str, list[Any]]:
    """The columns; of decimal text where a value needs more than 64 bits."""
    columns: dict[str, list[Any]] = {}
    for k, name in enumerate(problem.variables):
        column: list[Any] = [row[k] for row in rows]
        if any(not -(2**63) <= value < 2**63 for value in column):
            column = [str(value) for value in column]
        columns[name] = column
    return columns


def _npz(problem: Problem, rows: Rows, path: Path) -> None:
    import numpy as np

    arrays = {
        name: np.array(column, dtype=np.int64 if not column or isinstance(column[0], int) else np.str_)
        for name, column in _columns(problem, rows).items()
    }
    with path.open("wb") as stream:
        np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]


def _parquet(problem: Problem, rows: Rows, path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    arrays = {
        name: pyarrow.array(
            column, pyarrow.int64() if not column or isinstance(column[0], int) else pyarrow.string()
        )
        for name, column in _columns(problem, rows).items()
    }
    with path.open("wb") as stream:
        pyarrow.parquet.write_table(pyarrow.table(arrays), stream)


_WRITERS: dict[str, Callable[[Problem, Rows, Path], None]] = {
    ".csv": _csv,
    ".jsonl": _json_lines,
    ".npz": _npz,
    ".parquet": _parquet,
}
