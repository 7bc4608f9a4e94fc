"""Variables whose values have names: declared, compared, shown, read back and enumerated."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import constrint as ci
from constrint.cli.main import main

FILE = """\
variables:
  layout: {choices: [row, column, tiled]}
  dtype: {array: 2, choices: [float16, float32]}
  width: [1, 2, 4]
constraints:
  - if: layout == 'tiled'
    then: width >= 2
  - dtype[0] != 'float32' or width == 1
  - layout in ['row', 'tiled']
  - dtype[1] == dtype[0]
prefer: [layout: largest, width: largest]
"""


def stated() -> ci.Problem:
    """The same problem, stated in Python."""
    p = ci.Problem()
    layout = p.choice("layout", ["row", "column", "tiled"])
    dtype = p.array("dtype", 2, choices=["float16", "float32"])
    width = p.integer("width", values=[1, 2, 4])
    p.add(ci.implies(layout == "tiled", width >= 2), (dtype[0] != "float32") | (width == 1))
    p.add(layout.isin(["row", "tiled"]), dtype[1] == dtype[0])
    p.prefer(ci.largest(layout), ci.largest(width))
    return p


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "problem.yaml"
    path.write_text(FILE)
    return path


EXPECTED = [
    {"layout": "row", "dtype": ["float16", "float16"], "width": 1},
    {"layout": "row", "dtype": ["float16", "float16"], "width": 2},
    {"layout": "row", "dtype": ["float16", "float16"], "width": 4},
    {"layout": "row", "dtype": ["float32", "float32"], "width": 1},
    {"layout": "tiled", "dtype": ["float16", "float16"], "width": 2},
    {"layout": "tiled", "dtype": ["float16", "float16"], "width": 4},
]


def test_python_and_files_state_the_same(path: Path) -> None:
    for problem in (stated(), ci.load(path)):
        assert list(problem.enumerate()) == EXPECTED
        solution = problem.solve()
        assert dict(solution) == EXPECTED[-1]
        assert solution["layout"] == "tiled" and solution["dtype"] == ["float16", "float16"]
        assert solution.values_by_name["layout"] == 2
        assert problem.check(solution) and problem.check(EXPECTED[0])
        assert not problem.check({**EXPECTED[0], "layout": "column"})
    p = stated()
    assert p.solve()[p["dtype"][0]] == "float16"


def test_written_files_read_back(path: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.yaml"
    ci.load(path).to_yaml(again)
    assert "choices: [row, column, tiled]" in again.read_text()
    assert list(ci.load(again).enumerate()) == EXPECTED


def test_spaces_know_the_names(tmp_path: Path) -> None:
    space = stated().enumerate()
    assert space["layout"].tolist() == ["row"] * 4 + ["tiled"] * 2
    assert space["dtype"].shape == (6, 2) and space["dtype"][3, 1] == "float32"
    assert [space.index(each) for each in EXPECTED] == list(range(6))
    for stranger in ({**EXPECTED[0], "layout": "rows"}, {**EXPECTED[0], "width": "row"}):
        assert stranger not in space
    assert space.neighbors(EXPECTED[1]) == [EXPECTED[0], EXPECTED[2], EXPECTED[4]]
    assert [dict(solution) for solution in space.solutions()] == EXPECTED
    assert space.to_pandas()["layout"].tolist() == space["layout"].tolist()
    assert list(stated().enumerate(over=["layout"])) == [{"layout": "row"}, {"layout": "tiled"}]
    for ending in ("csv", "jsonl", "npz", "parquet"):
        space.save(tmp_path / f"out.{ending}")
    assert (tmp_path / "out.csv").read_text().splitlines()[1] == "row,float16,float16,1"
    assert json.loads((tmp_path / "out.jsonl").read_text().splitlines()[-1]) == EXPECTED[-1]
    assert np.load(tmp_path / "out.npz")["layout"].tolist() == space["layout"].tolist()
    parquet = pytest.importorskip("pyarrow.parquet", reason="PyArrow is not installed")
    table = parquet.read_table(tmp_path / "out.parquet")
    assert table.column("dtype[1]").to_pylist() == space["dtype"][:, 1].tolist()


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main([*arguments])
    found = capsys.readouterr()
    return code, found.out, found.err


def test_the_command_line_shows_and_reads_them(capsys: pytest.CaptureFixture[str], path: Path) -> None:
    code, out, _ = run(capsys, "solve", str(path), "--format", "json")
    assert code == 0 and json.loads(out)["solutions"] == [EXPECTED[-1]]
    code, out, _ = run(capsys, "enumerate", str(path), "--format", "csv")
    assert out.splitlines()[:2] == ["layout,dtype[0],dtype[1],width", "row,float16,float16,1"]
    code, out, _ = run(capsys, "enumerate", str(path), "--over", "layout", "--format", "json")
    assert json.loads(out)["solutions"] == [{"layout": "row"}, {"layout": "tiled"}]
    code, out, _ = run(capsys, "propagate", str(path), "--format", "json")
    domain = json.loads(out)["domains"]["layout"]
    assert domain["values"] == ["row", "tiled"] and domain["size"] == 2 and domain["min"] is None
    assert run(capsys, "check", str(path), json.dumps(EXPECTED[3]))[0] == 0
    assert run(capsys, "check", str(path), json.dumps({**EXPECTED[3], "width": 2}))[0] == 1
    code, _, err = run(capsys, "check", str(path), json.dumps({**EXPECTED[3], "layout": "rows"}))
    assert code == 2 and "'layout' is one of row, column, tiled" in err


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("layout == 'tiled'", "layout == 'tilde'", "'tilde' is not a choice of any variable … did you mean"),
        ("layout == 'tiled'", "layout == 'float16'", "'float16' is not a choice of 'layout': row, column"),
        ("layout == 'tiled'", "width == 'tiled'", "the choice 'tiled' only compares with a variable"),
        (
            "layout == 'tiled'",
            "width == 1 or 'row' == 'row'",
            "the choice 'row' only compares with a variable",
        ),
        ("[row, column, tiled]", "[row, row]", "'row' is a choice twice"),
        ("[row, column, tiled]", "[1, 2]", "choices are texts: numbers are 'values'"),
        ("[row, column, tiled]", "row", "expected a list of different texts"),
        ("[row, column, tiled]", "[]", "expected a list of different texts"),
        ("[row, column, tiled]}", "[row, column], min: 1}", "choices are all there is to a domain"),
    ],
)
def test_errors_name_the_culprit_and_the_place(path: Path, old: str, new: str, message: str) -> None:
    path.write_text(FILE.replace(old, new))
    with pytest.raises(ci.ProblemError) as caught:
        ci.load(path)
    assert message in str(caught.value)
    assert caught.value.place is not None


@pytest.mark.parametrize("choices", [[], ["a", "a"], ["a", 1], "ab", [""]])
def test_choices_must_be_different_texts(choices: Any) -> None:
    p = ci.Problem()
    with pytest.raises(ci.ProblemError, match="the choices of 'x' must be"):
        p.choice("x", choices)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("layout != 'row'", 8),
        ("'row' == layout", 4),
        ("layout not in ['row', 'tiled']", 4),
        ("(layout, x) in [('row', 1), ('column', 2)]", 2),
        ("table([layout, x], [['row', 3], [2, 0]])", 2),
        ("all(layout != choice for choice in ['row', 'column'])", 4),
        ("layout >= 'column'", 8),
        ("layout == x", 3),
    ],
)
def test_choices_stand_where_numbers_may(text: str, count: int, tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    declarations = "variables:\n  layout: {choices: [row, column, tiled]}\n  x: 0..3\n"
    path.write_text(f'{declarations}constraints:\n  - "{text}"\n')
    assert ci.load(path).count() == count


@pytest.mark.parametrize(
    "text",
    ["max('row', x)", "sum('row') == x", "all('row')", "'row'", "'row' in [1, 2]", "count(['row'], x) == 1"],
)
def test_choices_stand_nowhere_else(text: str, tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    declarations = "variables:\n  layout: {choices: [row, column, tiled]}\n  x: 0..3\n"
    path.write_text(f'{declarations}constraints:\n  - "{text}"\n')
    with pytest.raises(ci.ProblemError, match=r"the choice 'row' only compares|expected an integer"):
        ci.load(path)


def test_python_errors() -> None:
    p = ci.Problem()
    layout = p.choice("layout", ["row", "column"])
    with pytest.raises(ci.ExpressionError, match="'rows' is not a choice of 'layout' … did you mean 'row'"):
        layout == "rows"  # noqa: B015
    with pytest.raises(ci.ProblemError, match="'diagonal' is not a choice of 'layout': row, column"):
        p.check({"layout": "diagonal"})
    with pytest.raises(ci.ProblemError, match="has choices, which are all there is"):
        p.array("a", 2, 0, 1, choices=["x", "y"])
    x = p.integer("x", 0, 1)
    p.add(ci.table([layout, x], [("column", 1), ("row", 0)]))
    with pytest.raises(ci.ExpressionError, match="row 0 of the table is not of integers"):
        ci.table([x], [("row",)])
    assert p.count() == 2
    p.add(x == 0)
    assert dict(p.solve()) == {"layout": "row", "x": 0}
