"""Stopping a question from another thread."""

from __future__ import annotations

import threading


class Cancellation:
    """Asks a running solver to stop, from any thread; it ends as at a time limit, with what it has."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        """Asks every call that was given this object to stop, now and later."""
        self._event.set()

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._event.is_set()
