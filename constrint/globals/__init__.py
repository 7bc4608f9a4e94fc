"""Global constraints, one module for each family; `GLOBALS` are the functions that make them, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from constrint.globals.scheduling import cumulative, no_overlap, no_overlap_2d, precedence

GLOBALS: dict[str, Callable[..., Any]] = {
    function.__name__: function for function in (cumulative, no_overlap, no_overlap_2d, precedence)
}
