"""What was found, kept line by line, so that a run that is cut off has lost nothing."""

from __future__ import annotations

import json
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any


class Record:
    """Results of one run: appended to a file of JSON lines as they come, and gathered in one at the end.

    `minutes` is the time that the run may take; sections ask `left()` before they begin a case.
    """

    def __init__(self, folder: Path, minutes: float) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.rows: list[dict[str, Any]] = []
        self._started = time.monotonic()
        self._limit = self._end = 60 * minutes
        self._lines = (folder / "results.jsonl").open("w", encoding="utf-8")

    def until(self, part: float) -> None:
        """From here on, `left` counts to this part of the whole time."""
        self._end = part * self._limit

    def left(self) -> float:
        """Seconds that remain; negative where they are over."""
        return self._end - (time.monotonic() - self._started)

    def add(self, section: str, **row: Any) -> dict[str, Any]:
        """Keeps one row."""
        row = {"section": section, "at": round(time.monotonic() - self._started, 2), **row}
        self.rows.append(row)
        self._lines.write(json.dumps(row, default=str) + "\n")
        self._lines.flush()
        return row

    def attempt(
        self, section: str, case: dict[str, Any], measure: Callable[[], dict[str, Any]], quiet: bool = False
    ) -> bool:
        """Keeps the case with what `measure` gives, or with the error that it raised; whether it gave any."""
        try:
            found = measure()
        except Exception as error:
            short = "".join(traceback.format_exception(error)[-3:])[-2000:]
            self.add(section, **case, error=f"{type(error).__name__}: {error}"[:2000], traceback=short)
            print(f"  {section} {_text(case)}: {type(error).__name__}: {str(error)[:300]}", file=sys.stderr)
            return False
        self.add(section, **case, **found)
        if not quiet:
            print(f"  {section} {_text(case)}: {_text(found)}", flush=True)
        return True

    def finish(self) -> None:
        """Writes everything as one JSON file."""
        self._lines.close()
        (self.folder / "results.json").write_text(json.dumps(self.rows, indent=1, default=str) + "\n")


def _text(values: dict[str, Any]) -> str:
    return " ".join(
        f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}"
        for name, value in values.items()
        if not isinstance(value, dict | list)
    )
