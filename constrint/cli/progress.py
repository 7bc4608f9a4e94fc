"""A line on standard error that says how a long search goes; on a terminal only."""

from __future__ import annotations

import sys
from types import TracebackType

from constrint.results import Statistics
from constrint.solving import Progress as Callback

_DELAY = 0.5
"""Seconds before the line appears: short searches stay silent."""

_CLEAR = "\r\x1b[2K"


class Progress:
    """The line, shown while the `with` block lasts. `callback` is None where there is nothing to show."""

    def __init__(self, quiet: bool) -> None:
        self.callback: Callback | None = None if quiet or not sys.stderr.isatty() else self._show
        self._shown = False

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown:
            sys.stderr.write(_CLEAR)
            sys.stderr.flush()

    def _show(self, statistics: Statistics) -> None:
        if statistics.wall_seconds < _DELAY:
            return
        self._shown = True
        sys.stderr.write(_CLEAR + progress_line(statistics))
        sys.stderr.flush()


def progress_line(statistics: Statistics) -> str:
    """Time, nodes, nodes a second, depth, solutions and the best objective so far."""
    seconds = max(statistics.wall_seconds, 1e-9)
    parts = [
        f"{seconds:.1f} s",
        f"{statistics.nodes:,} nodes",
        f"{statistics.nodes / seconds:,.0f} nodes/s",
        f"depth {statistics.depth}",
    ]
    if statistics.solutions:
        parts.append(f"{statistics.solutions:,} solutions")
    if statistics.best is not None:
        parts.append(f"best {statistics.best}")
    return " · ".join(parts)
