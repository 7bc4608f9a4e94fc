"""Running the cells of a notebook: what they print and give must be what was saved with them.

Cells with the tag `varies` show times, or what hangs on the machine or on a size that tests reduce: they run,
and what they show is not compared. Nor are pictures.
"""

from __future__ import annotations

import ast
import importlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


def run(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], **smaller: str
) -> dict[str, Any]:
    """The names after running a notebook's code; `smaller` replaces the values of some of them.

    Raises AssertionError where a cell shows another text than the saved one.
    """
    pytest.importorskip("matplotlib", reason="plots need matplotlib (extra: examples)").use("agg")
    monkeypatch.chdir(NOTEBOOKS)
    cells = json.loads((NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    names: dict[str, Any] = {}
    for cell in cells:
        if cell["cell_type"] == "code":
            code = "".join(cell["source"])
            for variable, value in smaller.items():
                code = re.sub(rf"^{variable} = .*", f"{variable} = {value}", code, flags=re.MULTILINE)
            shown = execute(code, names)
            printed = capsys.readouterr().out
            if "varies" not in cell["metadata"].get("tags", []):
                assert (printed, shown) == saved(cell["outputs"]), code
    importlib.import_module("matplotlib.pyplot").close("all")
    return names


def execute(code: str, names: dict[str, Any]) -> str:
    """Runs a cell; returns what Jupyter would show as its result."""
    statements = ast.parse(code).body
    last = statements[-1]
    if not isinstance(last, ast.Expr) or code.endswith(";"):
        exec(code, names)
        return ""
    exec(compile(ast.Module(statements[:-1], []), "cell", "exec"), names)
    result = eval(compile(ast.Expression(last.value), "cell", "eval"), names)
    return "" if result is None else repr(result)


def saved(outputs: list[dict[str, Any]]) -> tuple[str, str]:
    """What a cell printed, and its result as a text, when the notebook was saved."""
    printed = [line for output in outputs if output["output_type"] == "stream" for line in output["text"]]
    results = [output["data"] for output in outputs if output["output_type"] == "execute_result"]
    return "".join(printed), "".join(line for data in results for line in data["text/plain"])
