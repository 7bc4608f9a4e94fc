"""A space of solutions as a file: CSV, JSON lines, NPZ or Parquet, by the ending of its name.

CSV and JSON hold integers of any size. NPZ and Parquet columns are 64-bit integers; a column with a
value beyond that is written as decimal text. All but NPZ are written piece by piece, so that a space
need not fit into memory.
"""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from constrint.errors import ProblemError
from constrint.results import INTERRUPT, TIME_LIMIT, LimitReached

if TYPE_CHECKING:
    from constrint.diagram.values import Column
    from constrint.space import SearchSpace

_PIECE = 1 << 14
"""Rows that are written between two looks at the clock."""


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


def export(space: SearchSpace, path: Path, time_limit: float | None = None) -> None:
    """Write the space, a column for each variable.

    Raises LimitReached after `time_limit` seconds and at Ctrl-C, with the count of the rows written;
    ProblemError as `check_ending`; OSError.
    """
    check_ending(str(path))
    pieces = Pieces(space, time_limit)
    _WRITERS[path.suffix.lower()](space, path, pieces)
    if pieces.stopped_by is not None:
        message = f"stopped by the {pieces.stopped_by}: {pieces.rows:,} of {space.size:,} rows are written"
        raise LimitReached(message, pieces.rows, stopped_by=pieces.stopped_by)


class Pieces:
    """The columns of a space, piece by piece, until they end, time runs out or Ctrl-C is pressed.

    `stopped_by` then names the limit, and `rows` says how many rows came before it.
    """

    def __init__(self, space: SearchSpace, time_limit: float | None) -> None:
        self._space = space
        self._deadline = None if time_limit is None else time.monotonic() + time_limit
        self.rows = 0
        self.stopped_by: str | None = None

    def __iter__(self) -> Iterator[dict[str, Column]]:
        chunks = self._space.chunks(_PIECE)
        while self.stopped_by is None:
            try:
                columns = next(chunks, None)
            except KeyboardInterrupt:
                self.stopped_by = INTERRUPT
                return
            if columns is None:
                return
            self.rows = min(self.rows + _PIECE, self._space.size)
            yield columns
            late = self._deadline is not None and time.monotonic() >= self._deadline
            if late and self.rows < self._space.size:
                self.stopped_by = TIME_LIMIT


def arrow_table(columns: Mapping[str, Column], schema: Any = None) -> Any:
    """The columns as an Arrow table; text where the schema, or a value beyond 64 bits, asks for it."""
    import pyarrow

    arrays = {}
    for name, column in columns.items():
        text = column.dtype == object or (schema is not None and schema.field(name).type == pyarrow.string())
        arrays[name] = pyarrow.array([str(value) for value in column.tolist()] if text else column)
    return pyarrow.table(arrays)


def _csv(space: SearchSpace, path: Path, pieces: Pieces) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(space.names)
        for columns in pieces:
            writer.writerows(zip(*[column.tolist() for column in columns.values()], strict=True))


def _json_lines(space: SearchSpace, path: Path, pieces: Pieces) -> None:
    with path.open("w", encoding="utf-8") as stream:
        for columns in pieces:
            for configuration in space.configurations(columns):
                stream.write(json.dumps(configuration, ensure_ascii=False) + "\n")


def _npz(space: SearchSpace, path: Path, pieces: Pieces) -> None:
    parts = list(pieces)
    columns = {}
    for name in space.names:
        column = np.concatenate([part[name] for part in parts]) if parts else space[name]
        columns[name] = column.astype(np.str_) if column.dtype == object else column
    with path.open("wb") as stream:
        np.savez_compressed(stream, **columns)  # type: ignore[arg-type]


def _parquet(space: SearchSpace, path: Path, pieces: Pieces) -> None:
    import pyarrow
    import pyarrow.parquet

    fields = [(name, pyarrow.int64() if space.fits(name) else pyarrow.string()) for name in space.names]
    schema = pyarrow.schema(fields)
    with path.open("wb") as stream, pyarrow.parquet.ParquetWriter(stream, schema) as writer:
        for columns in pieces:
            writer.write_table(arrow_table(columns, schema))


_WRITERS: dict[str, Callable[[SearchSpace, Path, Pieces], None]] = {
    ".csv": _csv,
    ".jsonl": _json_lines,
    ".npz": _npz,
    ".parquet": _parquet,
}
