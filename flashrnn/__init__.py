"""Fast recurrent networks for PyTorch, and the kernel configurations they run with.

The PyTorch parts are imported when they are first used: `flashrnn.hardware` and the command line
work in an environment without PyTorch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flashrnn.backends import BackendUnavailable as BackendUnavailable
    from flashrnn.cells import CELLS as CELLS
    from flashrnn.cells import Cell as Cell
    from flashrnn.config import FlashRNNConfig as FlashRNNConfig
    from flashrnn.functional import flashrnn as flashrnn
    from flashrnn.selection import available_backends as available_backends

_EXPORTS = {
    "flashrnn": "flashrnn.functional",
    "FlashRNNConfig": "flashrnn.config",
    "BackendUnavailable": "flashrnn.backends",
    "CELLS": "flashrnn.cells",
    "Cell": "flashrnn.cells",
    "available_backends": "flashrnn.selection",
}

__all__ = [
    "CELLS",
    "BackendUnavailable",
    "Cell",
    "FlashRNNConfig",
    "available_backends",
    "flashrnn",
]


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module 'flashrnn' has no attribute {name!r}")
    value = getattr(import_module(_EXPORTS[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_EXPORTS})
