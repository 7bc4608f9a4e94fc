"""Small models of well-known benchmark problems: the same optimum as Gecode's, proved by both.

The models are written for these tests; the MiniZinc benchmark collection is not part of the repository.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from constrint.flatzinc.installing import install

MODELS = sorted((Path(__file__).parent / "minizinc_models").glob("*.mzn"))
MINIZINC = shutil.which("minizinc")


def optimum(solver: str, model: Path, folder: Path, *flags: str) -> int:
    """The objective that the solver proves to be the best."""
    assert MINIZINC is not None
    command = [
        MINIZINC,
        "--solver",
        solver,
        *flags,
        "--output-mode",
        "json",
        "--output-objective",
        str(model),
    ]
    environment = {**os.environ, "MZN_SOLVER_PATH": str(folder)}
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)
    assert result.returncode == 0, result.stderr
    solution, _, rest = result.stdout.rpartition("----------")
    assert rest.strip() == "==========", result.stdout
    return int(json.loads(solution.rpartition("----------")[2])["_objective"])


def test_there_are_enough_models() -> None:
    assert len(MODELS) >= 15


@pytest.mark.skipif(
    MINIZINC is None or shutil.which("fzn-gecode") is None, reason="minizinc or Gecode is not installed"
)
@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.stem)
def test_the_optimum_is_that_of_gecode(model: Path, tmp_path: Path) -> None:
    install(tmp_path)
    # With MiniZinc's own library: Debian's for Gecode does not go with its globals.mzn.
    expected = optimum("gecode", model, tmp_path, "-G", "std")
    assert optimum("constrint", model, tmp_path) == expected
