"""The time that a search may take."""

from __future__ import annotations

import time
from collections.abc import Callable


class OutOfTime(Exception):
    """The deadline has passed."""


class Cancelled(OutOfTime):
    """Somebody asked the search to stop."""


class Clock:
    """Stops a search at its deadline or when it is cancelled and, on the way, reports how it stands."""

    def __init__(
        self,
        deadline: float | None,
        report: Callable[[], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> None:
        self.deadline = deadline
        self.report = report
        self.cancelled = cancelled
        self._next_report = 0.0

    def check(self) -> None:
        """Raises OutOfTime at the deadline, Cancelled when asked to stop; calls the report about ten times a
        second."""
        if self.cancelled is not None and self.cancelled():
            raise Cancelled
        now = time.monotonic()
        if self.deadline is not None and now >= self.deadline:
            raise OutOfTime
        if self.report is not None and now >= self._next_report:
            self._next_report = now + 0.1
            self.report()
