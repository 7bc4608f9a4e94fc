"""Making MiniZinc know the solver: a configuration, a launcher, and the library of its constraints.

MiniZinc looks for configurations (`NAME.msc`) in the user's folder ~/.minizinc/solvers (The MiniZinc
Handbook, "Solver configuration files"). A configuration names a program without arguments of its own, so a
launcher stands beside it that starts this very Python with `constrint fzn`.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from pathlib import Path

from constrint import __version__

LIBRARY = Path(__file__).parent / "mznlib"
"""What MiniZinc's compiler reads: which global constraints are kept as they are."""

SOLVER_ID = "org.constrint.constrint"


def default_folder() -> Path:
    """Where MiniZinc looks for the user's solvers."""
    return Path.home() / ".minizinc" / "solvers"


def install(folder: Path) -> list[Path]:
    """Writes the configuration and the launcher into the folder, which is made if need be; returns them.

    Raises OSError where it cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    launcher = folder / ("fzn-constrint.bat" if os.name == "nt" else "fzn-constrint")
    launcher.write_text(_launcher(), encoding="utf-8")
    launcher.chmod(0o755)
    configuration = folder / "constrint.msc"
    configuration.write_text(json.dumps(_configuration(launcher), indent=2) + "\n", encoding="utf-8")
    return [configuration, launcher]


def _launcher() -> str:
    if os.name == "nt":
        return f'@"{sys.executable}" -m constrint.cli.main fzn %*\r\n'
    return f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m constrint.cli.main fzn "$@"\n'


def _configuration(launcher: Path) -> dict[str, object]:
    return {
        "id": SOLVER_ID,
        "name": "constrint",
        "description": "An exact solver for integers of any size",
        "version": __version__,
        "mznlib": str(LIBRARY),
        "executable": str(launcher.resolve()),
        "tags": ["cp", "int"],
        "stdFlags": ["-a", "-n", "-i", "-f", "-s", "-v", "-p", "-r", "-t"],
        "supportsMzn": False,
        "supportsFzn": True,
        "needsSolns2Out": True,
        "needsMznExecutable": False,
        "needsStdlibDir": False,
        "isGUIApplication": False,
    }
