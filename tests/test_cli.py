"""The command line: what it prints, and how it exits."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import constrint as ci
from constrint.cli.main import main
from constrint.cli.progress import Progress, progress_line
from constrint.engine import kind
from constrint.results import Statistics

TILE = """\
name: tile
parameters: {n: 8}
variables:
  a: 1..n
  q: {array: 2, domain: 1..3}
constraints:
  - divides: n % a == 0
  - q[0] + q[1] == a
  - q[0] < q[1]
"""
# a = 4: q = [1, 3];  a = 3, 5 do not divide 8. One solution.

INFEASIBLE = """\
variables: {x: 0..9, y: 0..9}
constraints:
  - large: x + y >= 12
  - x <= 5
  - small: y <= 5
  - x != 3
"""

# Pigeons: infeasible, and no propagation or short search shows it.
HARD = """\
variables: {p: {array: 14, domain: 1..13}}
constraints:
  - all(p[i] != p[j] for i in range(14) for j in range(i))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in {"tile": TILE, "infeasible": INFEASIBLE, "hard": HARD}.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    return tmp_path


class Run:
    """What one call printed, and its exit code."""

    def __init__(self, capsys: pytest.CaptureFixture[str], *arguments: str) -> None:
        self.code = main(list(arguments))
        self.out, self.err = capsys.readouterr()

    @property
    def json(self) -> Any:
        return json.loads(self.out)


pytestmark = pytest.mark.usefixtures("folder")
Capture = pytest.CaptureFixture[str]


# solve -----------------------------------------------------------------------------------------------------


def test_solve_prints_json(capsys: Capture) -> None:
    run = Run(capsys, "solve", "tile.yaml", "--format", "json")
    answer = run.json
    assert list(answer) == ["status", "solutions", "objective", "complete", "statistics"]
    statistics = answer.pop("statistics")
    assert answer == {
        "status": "satisfied",
        "solutions": [{"a": 4, "q": [1, 3]}],
        "objective": None,
        "complete": False,
    }
    assert statistics["backend"] == "native"
    assert {"nodes", "propagations", "wall_seconds"} <= set(statistics)
    assert (run.code, run.err, run.out.count("\n")) == (0, "", 1)


def test_solve_all_is_complete(capsys: Capture) -> None:
    answer = Run(capsys, "solve", "tile.yaml", "--all", "--set", "n=6", "--format", "json").json
    assert answer["complete"] is True
    assert answer["solutions"] == [{"a": 3, "q": [1, 2]}]


def test_solve_up_to_a_limit(capsys: Capture) -> None:
    Path("free.yaml").write_text("variables: {x: 1..5}\nprefer: {x: largest}\n")
    run = Run(capsys, "solve", "free.yaml", "--limit", "2", "--format", "json")
    assert run.json["solutions"] == [{"x": 5}, {"x": 4}]
    assert (run.json["complete"], run.code) == (False, 0)


def test_solve_gives_the_optimum(capsys: Capture) -> None:
    Path("best.yaml").write_text("variables: {x: 1..5, y: 1..5}\nmaximize: [x - y, y]\n")
    answer = Run(capsys, "solve", "best.yaml", "--format", "json").json
    assert (answer["status"], answer["objective"]) == ("optimal", [4, 1])
    Path("best.yaml").write_text("variables: {x: 1..5, y: 1..5}\nminimize: x - y\n")
    run = Run(capsys, "solve", "best.yaml")
    assert run.out.splitlines()[0] == "optimal: objective -4"


def test_an_infeasible_problem_exits_with_1(capsys: Capture) -> None:
    run = Run(capsys, "solve", "infeasible.yaml", "--format", "json")
    assert (run.code, run.json["status"], run.json["solutions"]) == (1, "infeasible", [])
    run = Run(capsys, "solve", "infeasible.yaml")
    assert run.out.splitlines()[0] == "infeasible"
    assert "constrint explain" in run.out


def test_integers_of_any_size_are_printed(capsys: Capture) -> None:
    Path("big.yaml").write_text("variables: {x: integer}\nconstraints: [x == 10 ** 6000 + 1]\n")
    run = Run(capsys, "solve", "big.yaml", "--format", "json")
    assert run.out.startswith('{"status": "satisfied", "solutions": [{"x": 1000')
    assert run.out.partition("}")[0].endswith("0001")


def test_solve_prints_a_table(capsys: Capture) -> None:
    run = Run(capsys, "solve", "tile.yaml")
    lines = [line.rstrip() for line in run.out.splitlines() if line.strip()]
    assert lines[0] == "satisfied"
    assert lines[1].split() == ["variable", "value"]
    assert lines[3:] == [" a          4", " q          1  3"]


def test_a_matrix_is_printed_in_aligned_rows(capsys: Capture) -> None:
    Path("m.yaml").write_text(
        "variables: {m: {array: [2, 2], domain: 0..99}}\n"
        "constraints: ['m[0][0] == 5', 'm[0][1] == 10', 'm[1][0] == 12', 'm[1][1] == 7']\n"
    )
    run = Run(capsys, "solve", "m.yaml", "--quiet")
    assert [line.rstrip() for line in run.out.splitlines() if "1" in line] == [
        " m           5  10",
        "            12   7",
    ]


def test_other_formats(capsys: Capture) -> None:
    run = Run(capsys, "solve", "tile.yaml", "--format", "csv")
    assert run.out == "a,q[0],q[1]\n4,1,3\n"
    run = Run(capsys, "solve", "tile.yaml", "--format", "yaml")
    assert yaml.safe_load(run.out)["solutions"] == [{"a": 4, "q": [1, 3]}]


def test_the_ending_of_the_output_says_the_format(capsys: Capture) -> None:
    for ending, expected in {
        "json": '{"status": "satisfied"',
        "csv": "a,q[0],q[1]\n",
        "txt": "satisfied\n",
    }.items():
        run = Run(capsys, "solve", "tile.yaml", "-o", f"out.{ending}")
        assert (run.out, run.code) == ("", 0)
        assert Path(f"out.{ending}").read_text().startswith(expected)
    Run(capsys, "solve", "tile.yaml", "-o", "out.txt", "--format", "json")
    assert json.loads(Path("out.txt").read_text())["status"] == "satisfied"


def test_stats(capsys: Capture) -> None:
    assert "propagations" in Run(capsys, "solve", "tile.yaml", "--stats").out
    assert "statistics" in Run(capsys, "count", "tile.yaml", "--stats", "--format", "json").json
    assert "nodes" in Run(capsys, "solve", "tile.yaml", "--stats", "--format", "csv").err


def test_standard_input(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(TILE))
    assert Run(capsys, "solve", "-", "--format", "csv").out == "a,q[0],q[1]\n4,1,3\n"
    monkeypatch.setattr(sys, "stdin", io.StringIO("variables: {x: bol}\n"))
    run = Run(capsys, "solve", "-")
    assert run.err.startswith("constrint: <text>:1:16: unknown domain 'bol' … did you mean 'bool'?")


def test_include(capsys: Capture) -> None:
    Path("g.yaml").write_text("variables: {x: 1..gpu.n}\nmaximize: x\n")
    Path("h.yaml").write_text("n: 7\n")
    assert Run(capsys, "solve", "g.yaml", "--include", "gpu=h.yaml", "--format", "csv").out == "x\n7\n"


# The other subcommands ---------------------------------------------------------------------------------


def test_count(capsys: Capture) -> None:
    run = Run(capsys, "count", "infeasible.yaml", "--format", "json")
    assert (run.json, run.code) == ({"status": "infeasible", "count": 0, "complete": True}, 1)
    Path("free.yaml").write_text("variables: {x: 1..50, y: 1..50}\nconstraints: [x < y]\n")
    run = Run(capsys, "count", "free.yaml", "--format", "json")
    assert (run.json, run.code) == ({"status": "satisfied", "count": 1225, "complete": True}, 0)
    assert Run(capsys, "count", "free.yaml").out == "satisfied: 1,225 solutions\n"
    assert Run(capsys, "count", "free.yaml", "--quiet").out == "1225\n"
    assert Run(capsys, "count", "free.yaml", "--format", "csv").out == "count,complete\n1225,True\n"


def test_propagate(capsys: Capture) -> None:
    Path("p.yaml").write_text(
        "variables: {x: positive, y: {remainder: [1, 3], min: 0, max: 10**20}, z: {array: 1, domain: 1..9}}\n"
        "constraints: [768 % x == 0, 'z[0] >= 7']\n"
    )
    run = Run(capsys, "propagate", "p.yaml", "--format", "json")
    domains = run.json["domains"]
    assert run.code == 0
    assert {key: domains["x"][key] for key in ("min", "max", "divides", "size")} == {
        "min": 1, "max": 768, "divides": 768, "size": 18,
    }  # fmt: skip
    assert domains["y"]["multiple_of"] is None
    assert domains["y"]["remainder"] == [1, 3]
    assert set(domains["z[0]"]) == {"min", "max", "multiple_of", "divides", "values", "size"}
    assert (domains["z[0]"]["min"], domains["z[0]"]["max"], domains["z[0]"]["size"]) == (7, 9, 3)
    lines = [line.split() for line in Run(capsys, "propagate", "p.yaml").out.splitlines()]
    assert ["y", "1", "1" + "0" * 20, "3", "plus", "1", "33333333333333333334"] in lines


def test_propagate_may_find_the_contradiction(capsys: Capture) -> None:
    run = Run(capsys, "propagate", "infeasible.yaml", "--format", "json")
    assert (run.json, run.code) == ({"status": "infeasible", "domains": {}}, 1)


def test_explain_gives_all_conflicts_and_the_smallest_correction(capsys: Capture) -> None:
    Path("two.yaml").write_text(
        "variables: {x: 0..9, y: 0..9}\n"
        "constraints:\n  - high: x >= 7\n  - low: x <= 3\n"
        "  - below: y < x - 4\n  - even: y % 2 == 0\n  - y >= 6\n"
    )
    high, low, below, last = (
        {"label": label, "expression": expression, "line": line}
        for label, expression, line in (
            ("high", "x >= 7", 3),
            ("low", "x <= 3", 4),
            ("below", "y < x - 4", 5),
            (None, "y >= 6", 7),
        )
    )
    run = Run(capsys, "explain", "two.yaml", "--all", "9", "--format", "json")
    assert run.code == 1 and run.json["complete"] is True
    found = run.json["conflicts"]
    assert sorted(map(str, found)) == sorted(map(str, [[high, low], [low, below], [below, last]]))
    run = Run(capsys, "explain", "two.yaml", "--all", "1", "--format", "json")
    assert len(run.json["conflicts"]) == 1 and run.json["complete"] is False
    run = Run(capsys, "explain", "two.yaml", "--correction", "--format", "json")
    dropped = run.json["dropped"]
    assert run.code == 1 and (run.json["status"], run.json["smallest"]) == ("infeasible", True)
    assert len(dropped) == 2 and all(any(part in dropped for part in conflict) for conflict in found)
    assert "fewer will not do" in Run(capsys, "explain", "two.yaml", "--correction").out
    run = Run(capsys, "explain", "tile.yaml", "--correction", "--format", "json")
    assert (run.json, run.code) == ({"status": "satisfied", "dropped": [], "smallest": True}, 0)
    assert Run(capsys, "explain", "tile.yaml", "--all", "3", "--format", "json").json["status"] == "satisfied"


def test_explain(capsys: Capture) -> None:
    run = Run(capsys, "explain", "infeasible.yaml", "--format", "json")
    assert run.code == 1
    assert run.json == {
        "status": "infeasible",
        "conflict": [
            {"label": "large", "expression": "x + y >= 12", "line": 3},
            {"label": None, "expression": "x <= 5", "line": 4},
            {"label": "small", "expression": "y <= 5", "line": 5},
        ],
        "reason": "large + (x <= 5) + small gives 0 <= -2",
    }
    assert "without any one of them the others can" in Run(capsys, "explain", "infeasible.yaml").out
    run = Run(capsys, "explain", "tile.yaml", "--format", "json")
    assert (run.json, run.code) == ({"status": "satisfied", "conflict": [], "reason": None}, 0)


@pytest.mark.parametrize(
    "assignment",
    [
        '{"a": 4, "q": [1, 3]}',
        "a: 4\nq: [1, 3]",
        "a: 2 ** 2\nq[0]: 1\nq[1]: 3",
        "good.json",
        "solution.json",
    ],
)
def test_check_accepts(capsys: Capture, assignment: str) -> None:
    Path("good.json").write_text('{"a": 4,\n\t"q": [1, 3]}')
    Run(capsys, "solve", "tile.yaml", "-o", "solution.json")
    run = Run(capsys, "check", "tile.yaml", assignment, "--format", "json")
    assert (run.json, run.code, run.err) == ({"status": "satisfied", "violated": []}, 0, "")


def test_check_names_what_is_violated(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("{a: 5, q: [2, 2]}"))
    run = Run(capsys, "check", "tile.yaml", "-", "--format", "json")
    assert run.code == 1
    assert run.json == {
        "status": "infeasible",
        "violated": [
            {"label": "divides", "expression": "8 % a == 0", "line": 7},
            {"label": None, "expression": "q[0] + q[1] == a", "line": 8},
            {"label": None, "expression": "q[0] < q[1]", "line": 9},
        ],
    }


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("{a: 4}", "the assignment has no value for 'q[0]' (and 1 more)"),
        ("{a: 4, q: [1, 3], aa: 1}", "ASSIGNMENT:1:19: unknown name 'aa' … did you mean 'a'?"),
        ("{a: 4, q: [1]}", "ASSIGNMENT:1:11: 'q' needs a list of 2, found a list of 1"),
        ("{a: 4, q: 1}", "ASSIGNMENT:1:11: 'q' needs a list of 2, found 1"),
        ("{a: [4], q: [1, 3]}", "ASSIGNMENT:1:5: 'a' is one integer, not a list"),
        ("{a: 1.5, q: [1, 3]}", "ASSIGNMENT:1:5: 1.5 is not an integer"),
        ("{a: 4, a: 4, q: [1, 3]}", "ASSIGNMENT:1:8: duplicate key 'a'"),
        ("{solutions: []}", "ASSIGNMENT:1:13: there is no solution in this answer"),
        ("nowhere.json", "'nowhere.json': No such file or directory"),
        ("{a: 9**9**9}", "ASSIGNMENT:1:5: a power of more than"),
    ],
)
def test_check_refuses(capsys: Capture, assignment: str, message: str) -> None:
    run = Run(capsys, "check", "tile.yaml", assignment)
    assert (run.code, run.out) == (2, "")
    assert run.err.startswith(f"constrint: {message}")


# enumerate ---------------------------------------------------------------------------------------------


ROWS = """\
variables: {x: [1, 2], q: {array: 2, domain: bool}}
constraints:
  - q[0] + q[1] == 1
prefer: {x: largest}
"""


@pytest.fixture
def rows(folder: Path) -> None:
    (folder / "rows.yaml").write_text(ROWS)


@pytest.mark.usefixtures("rows")
def test_enumerate_into_files(capsys: Capture) -> None:
    pyarrow_parquet = pytest.importorskip("pyarrow.parquet", reason="PyArrow is not installed")
    for ending in ("csv", "jsonl", "npz", "parquet"):
        run = Run(capsys, "enumerate", "rows.yaml", "-o", f"out.{ending}")
        assert (run.code, run.out) == (0, f"satisfied: 4 solutions written to out.{ending}\n")
    assert Path("out.csv").read_text() == "x,q[0],q[1]\n1,0,1\n1,1,0\n2,0,1\n2,1,0\n"
    lines = [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()]
    assert lines == [{"x": x, "q": q} for x in (1, 2) for q in ([0, 1], [1, 0])]
    with np.load("out.npz") as columns:
        assert {name: columns[name].tolist() for name in columns} == {
            "x": [1, 1, 2, 2], "q[0]": [0, 1, 0, 1], "q[1]": [1, 0, 1, 0],
        }  # fmt: skip
        assert columns["x"].dtype == np.int64
    table = pyarrow_parquet.read_table("out.parquet").to_pydict()
    assert table == {"x": [1, 1, 2, 2], "q[0]": [0, 1, 0, 1], "q[1]": [1, 0, 1, 0]}


def test_values_beyond_64_bits_are_decimal_text(capsys: Capture) -> None:
    pyarrow_parquet = pytest.importorskip("pyarrow.parquet", reason="PyArrow is not installed")
    Path("big.yaml").write_text("variables: {x: [1, 2**63], y: [-2**63]}\n")
    for ending in ("npz", "parquet"):
        assert Run(capsys, "enumerate", "big.yaml", "-o", f"out.{ending}").code == 0
    with np.load("out.npz") as columns:
        assert columns["x"].tolist() == ["1", "9223372036854775808"]
        assert columns["y"].tolist() == [-(2**63)] * 2
    assert pyarrow_parquet.read_table("out.parquet").to_pydict()["x"] == ["1", "9223372036854775808"]


@pytest.mark.usefixtures("rows")
def test_enumerate_prints_where_no_file_is_named(capsys: Capture) -> None:
    assert Run(capsys, "enumerate", "rows.yaml", "--format", "csv").out.splitlines()[1:3] == [
        "1,0,1",
        "1,1,0",
    ]
    answer = Run(capsys, "enumerate", "rows.yaml", "--format", "json").json
    assert (answer["complete"], len(answer["solutions"])) == (True, 4)


@pytest.mark.usefixtures("rows")
def test_the_report_on_a_written_file(capsys: Capture) -> None:
    run = Run(capsys, "enumerate", "rows.yaml", "-o", "out.csv", "--format", "json")
    assert run.json == {"status": "satisfied", "count": 4, "complete": True, "file": "out.csv"}
    assert Run(capsys, "enumerate", "rows.yaml", "-o", "out.csv", "--quiet").out == ""


def test_enumerating_nothing(capsys: Capture) -> None:
    for ending in ("csv", "npz"):
        assert Run(capsys, "enumerate", "infeasible.yaml", "-o", f"out.{ending}").code == 1
    assert Path("out.csv").read_text() == "x,y\n"


# Errors, limits, interrupts ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["solve", "none.yaml"], "'none.yaml': No such file or directory"),
        (["solve", "."], "'.': Is a directory"),
        (["solve", "tile.yaml", "--set", "m=3"], "unknown parameter 'm'"),
        (["solve", "tile.yaml", "--set", "N=3"], "unknown parameter 'N' … did you mean 'n'?"),
        (["solve", "tile.yaml", "--set", "n=1 +"], "--set n:1:4: not an expression"),
        (["solve", "tile.yaml", "--set", "n=1", "--set", "n=2"], "--set n=… is given twice"),
        (["solve", "tile.yaml", "--include", "g=none.yaml"], "cannot include 'none.yaml'"),
        (["solve", "tile.yaml", "--all", "--backend", "cp-sat"], "--backend cp-sat looks for one solution"),
        (["solve", "tile.yaml", "-o", "none/out.json"], "'none/out.json': No such file or directory"),
        (["enumerate", "tile.yaml", "-o", "out.xls"], "'out.xls': the ending says the format"),
        (["check", "-", "-"], "only one of FILE and ASSIGNMENT can be standard input"),
        (["solve", "unbounded.yaml"], "unbounded.yaml:1:13: the search needs a bound for 'x'"),
    ],
)
def test_invalid_input_exits_with_2(capsys: Capture, arguments: list[str], message: str) -> None:
    Path("unbounded.yaml").write_text(
        "variables: {x: integer, y: integer}\nconstraints: [x * y > x + y]\nminimize: x\n"
    )
    run = Run(capsys, *arguments)
    assert (run.code, run.out) == (2, "")
    assert run.err.startswith(f"constrint: {message}")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required: COMMAND"),
        (["solv", "tile.yaml"], "invalid choice: 'solv'"),
        (["solve"], "required: FILE"),
        (["solve", "tile.yaml", "--limit", "0"], "expected a positive number"),
        (["solve", "tile.yaml", "--limit", "2", "--all"], "not allowed with"),
        (["solve", "tile.yaml", "--time-limit", "soon"], "expected a number of seconds"),
        (["solve", "tile.yaml", "--set", "n"], "expected NAME=VALUE"),
        (["solve", "tile.yaml", "--format", "xml"], "invalid choice: 'xml'"),
    ],
)
def test_wrong_usage_exits_with_2(capsys: Capture, arguments: list[str], message: str) -> None:
    run = Run(capsys, *arguments)
    assert (run.code, run.out) == (2, "")
    assert message in run.err


def test_output_without_unicode() -> None:
    Path("wide.yaml").write_text("variables: {x: natural, y: 0..1}\n")
    root = str(Path(ci.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": root, "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "constrint.cli.main", "propagate", "wide.yaml"]
    found = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert (found.returncode, found.stderr) == (0, "")
    assert "|x        |   0 |   ? |    ?|" in found.stdout.splitlines()


def test_version_and_help(capsys: Capture) -> None:
    assert Run(capsys, "--version").out == f"constrint {ci.__version__} ({kind()} engine)\n"
    run = Run(capsys, "--help")
    assert run.code == 0
    for command in ("solve", "count", "enumerate", "propagate", "explain", "check"):
        assert command in run.out
        assert Run(capsys, command, "--help").code == 0


def test_help_imports_nothing_of_the_solver() -> None:
    code = (
        "import sys; from constrint.cli.main import main; main(['--help'])\n"
        "heavy = ('numpy', 'sympy', 'rich', 'yaml', 'ortools')\n"
        "print([name for name in heavy if name in sys.modules], file=sys.stderr)"
    )
    root = Path(ci.__file__).parents[1]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert found.stderr.strip() == "[]"


def test_solving_takes_no_numpy() -> None:
    """It would be most of the time of a short run."""
    code = (
        "import sys; from constrint.cli.main import main; main(['solve', 'tile.yaml', '--format', 'json'])\n"
        "print('numpy' in sys.modules, file=sys.stderr)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(ci.__file__).parents[1])}
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert found.stderr.strip() == "False" and "satisfied" in found.stdout


@pytest.mark.parametrize("command", ["solve", "count", "explain"])
def test_a_time_limit_exits_with_3(capsys: Capture, command: str) -> None:
    run = Run(capsys, command, "hard.yaml", "--time-limit", "0.2", "--format", "json")
    assert (run.code, run.json["status"]) == (3, "unknown")
    run = Run(capsys, command, "hard.yaml", "--time-limit", "0.2")
    assert "unknown (stopped by the time limit)" in run.out


def test_a_time_limit_prints_what_was_found(capsys: Capture) -> None:
    Path("many.yaml").write_text("variables: {x: {array: 30, domain: bool}}\nconstraints: [sum(x) == 15]\n")
    run = Run(capsys, "solve", "many.yaml", "--all", "--time-limit", "0.3", "--format", "json")
    assert run.code == 3
    assert run.json["solutions"] and run.json["complete"] is False
    run = Run(capsys, "enumerate", "many.yaml", "--time-limit", "0.3", "-o", "out.csv")
    assert run.code == 3
    assert len(Path("out.csv").read_text().splitlines()) > 1


def command_line(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    root = Path(ci.__file__).parents[1]
    return subprocess.Popen(
        [sys.executable, "-m", "constrint.cli.main", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
        **options,
    )


def test_ctrl_c_prints_what_was_found() -> None:
    Path("many.yaml").write_text("variables: {x: {array: 30, domain: bool}}\nconstraints: [sum(x) == 15]\n")
    with command_line("solve", "many.yaml", "--all", "--format", "json") as process:
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert err == ""
    assert json.loads(out)["solutions"]


def test_a_broken_pipe_is_quiet() -> None:
    Path("many.yaml").write_text("variables: {x: 1..30000}\n")
    with command_line("enumerate", "many.yaml", "--format", "csv") as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline() == "x\n"
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(timeout=20) == 0


def test_an_internal_error_shows_no_traceback(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(ci.Problem, "solve", fail)
    monkeypatch.delenv("CONSTRINT_DEBUG", raising=False)
    run = Run(capsys, "solve", "tile.yaml")
    assert (run.code, run.out) == (70, "")
    assert "internal error: ZeroDivisionError: oh\nThis is a defect of constrint: please report it" in run.err
    monkeypatch.setenv("CONSTRINT_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        main(["solve", "tile.yaml"])


def test_cp_sat_is_asked_for(capsys: Capture) -> None:
    pytest.importorskip("ortools", reason="OR-Tools is not installed")
    answer = Run(capsys, "solve", "tile.yaml", "--backend", "cp-sat", "--format", "json").json
    assert answer["solutions"] == [{"a": 4, "q": [1, 3]}]
    assert answer["statistics"]["backend"] == "cp-sat"


# Progress ----------------------------------------------------------------------------------------------


def test_progress_is_shown_on_a_terminal_only(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Progress(quiet=False).callback is None
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert Progress(quiet=True).callback is None
    with Progress(quiet=False) as progress:
        assert progress.callback is not None
        progress.callback(Statistics(nodes=3, wall_seconds=0.1))
        progress.callback(Statistics(nodes=3000, wall_seconds=2.0, depth=7, solutions=2, best=-5))
    expected = "2.0 s · 3,000 nodes · 1,500 nodes/s · depth 7 · 2 solutions · best -5"
    assert capsys.readouterr().err == f"\r\x1b[2K{expected}\r\x1b[2K"
    assert progress_line(Statistics(nodes=0, wall_seconds=0.5)) == "0.5 s · 0 nodes · 0 nodes/s · depth 0"
