"""What may import what, and what a start costs: held by asking fresh interpreters and reading the source."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = {
    "flashrnn",
    "matplotlib",
    "numpy",
    "ortools",
    "pandas",
    "pyarrow",
    "rich",
    "sympy",
    "torch",
    "triton",
}

SMALL = """\
import constrint as ci
problem = ci.Problem()
x = problem.integer("x", 1, 9)
problem.add(x * x == 49)
assert problem.solve()[x] == 7 and problem.propagate().status == 'satisfied'
"""


def loaded_by(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after the code."""
    ending = "\nimport json, sys; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    done = subprocess.run(
        [sys.executable, "-c", code + ending], check=True, capture_output=True, text=True, cwd=ROOT
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def imports_of(path: Path) -> set[str]:
    """The top-level modules that a file names in its import statements, wherever they stand."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize("code", ["import constrint", SMALL], ids=["import", "solve"])
def test_constrint_alone_loads_nothing_heavy(code: str) -> None:
    assert not loaded_by(code) & {*HEAVY, "yaml"}


@pytest.mark.parametrize("arguments", [["--help"], ["solve", "--help"]])
def test_the_help_loads_nothing_heavy(arguments: list[str]) -> None:
    code = f"from constrint.cli.main import main\nassert main({arguments!r}) == 0"
    assert not loaded_by(code) & {*HEAVY, "yaml"}


def test_flashrnn_loads_pytorch_only_when_it_is_used() -> None:
    assert "torch" not in loaded_by("import flashrnn, flashrnn.hardware")


def test_constrint_never_names_flashrnn_or_anything_about_gpus() -> None:
    files = sorted((ROOT / "constrint").rglob("*.py"))
    assert len(files) > 30
    for path in files:
        assert not imports_of(path) & {"cupy", "flashrnn", "torch", "triton"}, path


def test_the_engine_imports_nothing_but_itself_and_the_standard_library() -> None:
    for path in sorted((ROOT / "constrint" / "engine").rglob("*.py")):
        assert imports_of(path) <= {"constrint", *sys.stdlib_module_names}, path
        text = path.read_text(encoding="utf-8")
        assert "constrint.problem" not in text and "constrint.files" not in text, path
