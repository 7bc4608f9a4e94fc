"""Reading and writing problems by the ending of a file's name."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from constrint.conversion import minizinc, original
from constrint.errors import ProblemError
from constrint.files.loader import load
from constrint.flatzinc.building import build
from constrint.flatzinc.installing import install
from constrint.flatzinc.syntax import parse
from constrint.problem import Problem

ENDINGS = (".yaml", ".yml", ".mzn", ".fzn", ".constrint")
"""YAML problem files, MiniZinc, FlatZinc, and the original ConstrINT's text language."""


def read(path: Path) -> Problem:
    """The problem in the file.

    Raises ProblemError for what is wrong in it, for an ending that names no format, and for a MiniZinc model
    where MiniZinc is not installed; OSError.
    """
    ending = _ending(path)
    if ending in (".yaml", ".yml"):
        return load(path)
    if ending == ".mzn":
        with TemporaryDirectory() as folder:
            flat = Path(folder) / "model.fzn"
            _compile(path, flat)
            return _from_flatzinc(flat.read_text(encoding="utf-8"), str(path))
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ProblemError(f"'{path}' is no UTF-8 text: {error.reason} at byte {error.start}") from None
    return original.read(text, str(path)) if ending == ".constrint" else _from_flatzinc(text, str(path))


def write(problem: Problem, path: Path) -> None:
    """Write the problem to the file.

    Raises ProblemError for what the format cannot say, and as `read` does; OSError.
    """
    ending = _ending(path)
    if ending in (".yaml", ".yml"):
        problem.to_yaml(path)
    elif ending == ".constrint":
        path.write_text(original.write(problem), encoding="utf-8")
    elif ending == ".mzn":
        path.write_text(minizinc.write(problem), encoding="utf-8")
    else:
        text = minizinc.write(problem)
        with TemporaryDirectory() as folder:
            model = Path(folder) / "model.mzn"
            model.write_text(text, encoding="utf-8")
            _compile(model, path)


def check_ending(path: Path) -> None:
    """Raises ProblemError where the ending names no format."""
    _ending(path)


def _ending(path: Path) -> str:
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise ProblemError(f"'{path}': the ending says the format: one of {', '.join(ENDINGS)}")
    return ending


def _from_flatzinc(text: str, source: str) -> Problem:
    problem = build(parse(text, source)).problem
    problem.name = Path(source).stem
    return problem


def _compile(model: Path, flat: Path) -> None:
    """FlatZinc is what MiniZinc's own compiler makes of a model, with the global constraints kept whole."""
    command = shutil.which("minizinc")
    if command is None:
        raise ProblemError(
            "this conversion needs MiniZinc's compiler, and there is no 'minizinc' "
            "(Debian: apt-get install minizinc)"
        )
    with TemporaryDirectory() as folder:
        configuration = install(Path(folder))[0]
        files = [str(model.resolve()), "--no-output-ozn", "--fzn", str(flat.resolve())]
        result = subprocess.run(
            [command, "-c", "--solver", str(configuration), *files], capture_output=True, text=True
        )
    if result.returncode:
        said = result.stderr.strip() or result.stdout.strip()
        raise ProblemError(f"MiniZinc cannot compile the model:\n{said}")
