"""The engine: domains with a trail, propagators, and search, over plain integers and flat arrays.

Its modules are ordinary Python. Where a C compiler was there on installation they are also compiled, by
Cython from the very same files (the types are in the .pxd files beside them), and the compiled ones are
used unless the environment variable CONSTRINT_ENGINE says "interpreted".
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, ModuleSpec, SourceFileLoader
from importlib.util import find_spec
from types import ModuleType


class _SourceFinder:
    """Finds the engine's modules as source files, whatever is compiled beside them."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not name.startswith(__name__ + ".") or not path:
            return None
        return FileFinder(path[0], (SourceFileLoader, SOURCE_SUFFIXES)).find_spec(name)


if os.environ.get("CONSTRINT_ENGINE") == "interpreted":
    sys.meta_path.insert(0, _SourceFinder)


def kind() -> str:
    """ "compiled" or "interpreted"."""
    spec = find_spec(__name__ + ".store")
    return "interpreted" if spec is None or str(spec.origin).endswith(".py") else "compiled"
