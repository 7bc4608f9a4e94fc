"""MiniZinc with constrint as its solver: the configuration, the library, and models from end to end."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from constrint.cli.main import main
from constrint.flatzinc import builtins
from constrint.flatzinc.installing import LIBRARY
from constrint.flatzinc.syntax import parse
from tests.flatzinc_models import output, solutions

MINIZINC = shutil.which("minizinc")
needs_minizinc = pytest.mark.skipif(MINIZINC is None, reason="minizinc is not installed")


@pytest.fixture
def solvers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """A folder that `constrint minizinc-setup` has written, and where MiniZinc looks."""
    folder = tmp_path / "a folder" / "solvers"
    assert main(["minizinc-setup", "--folder", str(folder)]) == 0
    capsys.readouterr()
    monkeypatch.setenv("MZN_SOLVER_PATH", str(folder))
    return folder


def minizinc(folder: Path, model: str, *flags: str) -> str:
    """What MiniZinc prints for the model, solved by constrint."""
    path = folder / "model.mzn"
    path.write_text(model)
    assert MINIZINC is not None
    command = [MINIZINC, "--solver", "constrint", *flags, str(path)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


# The configuration -----------------------------------------------------------------------------------------


def test_the_setup_writes_a_configuration_that_names_the_launcher(solvers: Path) -> None:
    configuration = json.loads((solvers / "constrint.msc").read_text())
    launcher = Path(configuration["executable"])
    assert launcher.parent == solvers.resolve()
    assert os.access(launcher, os.X_OK)
    assert Path(configuration["mznlib"]) == LIBRARY
    (model := solvers / "one.fzn").write_text("var 1..3: x :: output_var; solve maximize x;")
    printed = subprocess.run([launcher, "-a", model], capture_output=True, text=True, check=True).stdout
    assert printed.endswith("x = 3;\n----------\n==========\n")


def test_the_setup_says_where_it_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert main(["minizinc-setup"]) == 0
    folder = tmp_path / ".minizinc" / "solvers"
    assert f"wrote {folder / 'constrint.msc'}\n" in capsys.readouterr().out
    assert (folder / "constrint.msc").is_file()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert main(["minizinc-setup", "--folder", str(tmp_path / "file")]) == 2
    assert str(tmp_path / "file") in capsys.readouterr().err


@pytest.mark.parametrize("path", sorted(LIBRARY.glob("*.mzn")), ids=lambda path: path.stem)
def test_what_the_library_declares_is_a_builtin(path: Path) -> None:
    """Every predicate without a body is one that the solver has, with as many arguments."""
    for statement in path.read_text().split(";"):
        code = "\n".join(line for line in statement.splitlines() if not line.startswith("%")).strip()
        if not code.startswith("predicate") or ") =" in code or "float" in code:
            continue
        name, _, arguments = code.removeprefix("predicate ").partition("(")
        builtin = builtins.find(name)
        assert builtin is not None, name
        assert len(builtin.kinds) == arguments.count(":"), name


# From end to end -------------------------------------------------------------------------------------------


@needs_minizinc
def test_a_model_is_solved_by_the_name_of_the_solver(solvers: Path) -> None:
    model = 'var 1..9: x; constraint x * x > 50; solve minimize x; output ["x is \\(x)\\n"];'
    assert minizinc(solvers, model) == "x is 8\n----------\n==========\n"


@needs_minizinc
@pytest.mark.parametrize("flags", [("-a",), ("-f", "-a", "-s", "-p", "2", "-r", "5")])
def test_all_solutions_and_every_flag(solvers: Path, flags: tuple[str, ...]) -> None:
    model = (
        'include "alldifferent.mzn"; array[1..3] of var 1..3: x; constraint alldifferent(x); solve satisfy;'
    )
    printed = minizinc(solvers, model, *flags)
    assert printed.count("----------") == 6
    assert "==========\n" in printed


@needs_minizinc
@pytest.mark.parametrize(
    ("model", "answer"),
    [
        ("var 1..3: x; constraint x > 4; solve satisfy;", "=====UNSATISFIABLE====="),
        ("var -9..9: x; var -9..9: y; constraint x * 2 = 7 + y /\\ y div 2 = -2; solve minimize x;", "x = 1"),
        ("var -5..5: x; constraint x mod 3 = -2; solve maximize x;", "x = -2"),
        ("var set of 1..4: s; constraint card(s) = 2 /\\ 3 in s; solve maximize min(s); ", "s = 3..4"),
        ("var opt 1..3: x; constraint absent(x); solve satisfy;", "x = <>"),
        ("enum C = {red, green}; var C: c; constraint c != red; solve satisfy;", "c = green"),
        ("var 0..9: x; constraint pow(x, 3) = 343; solve satisfy;", "x = 7"),
        ("array[1..3] of var 1..9: q; constraint max(q) = 2 /\\ sum(q) = 6; solve satisfy;", "q = [2, 2, 2]"),
    ],
)
def test_the_language_of_minizinc(solvers: Path, model: str, answer: str) -> None:
    assert answer in minizinc(solvers, model)


GLOBALS = {
    "constrint_all_different": "alldifferent(x)",
    "constrint_all_different_reif": "b <-> alldifferent(x)",
    "constrint_table": "table(x, [|1,2,3|3,2,1|])",
    "constrint_table_reif": "b <-> table(x, [|1,2,3|3,2,1|])",
    "constrint_count": "count(x, 2) = n",
    "constrint_cumulative": "cumulative(x, [2,2,2], [1,2,1], 2)",
    "constrint_no_overlap": "disjunctive(x, [1,2,1])",
    "constrint_no_overlap_2d": "diffn(x, [1,1,2], [2,1,1], [1,2,1])",
    "constrint_all_equal": "all_equal(x)",
    "constrint_among": "among(n, x, {1,3})",
    "constrint_argmax": "arg_max(x) = n",
    "constrint_bin_packing": "bin_packing_capa([2,3,4,5], x, [2,3,1])",
    "constrint_bin_packing_loads": "bin_packing_load([n,3,3-n,0], x, [2,3,1])",
    "constrint_circuit": "circuit(x)",
    "constrint_global_cardinality": "global_cardinality(x, [1,3], [n,1])",
    "constrint_global_cardinality_closed": "global_cardinality_closed(x, [1,3], [n,1])",
    "constrint_increasing": "decreasing(x)",
    "constrint_inverse": "inverse(x, [2,3,n])",
    "constrint_knapsack": "knapsack([1,2,3], [3,1,2], x, 10, 10 + n)",
    "constrint_lex_less": "lex_less(x, [2,3,n])",
    "constrint_lex_lesseq_reif": "b <-> lex_lesseq(x, [2,3,n])",
    "constrint_regular": "regular(x, 2, 4, [|2,1,0,0|1,0,2,2|], 1, {2})",
    "constrint_strictly_increasing": "strictly_increasing(x)",
    "constrint_subcircuit": "subcircuit(x)",
    "constrint_value_precede": "value_precede(2, 1, x)",
    "constrint_value_precede_chain": "value_precede_chain([2,1,3], x)",
}


@needs_minizinc
@pytest.mark.parametrize("name", GLOBALS)
def test_a_global_constraint_reaches_the_solver_whole(solvers: Path, name: str) -> None:
    model = f"""include "globals.mzn";
        array[1..3] of var 1..4: x; var bool: b; var 0..3: n;
        constraint {GLOBALS[name]}; solve satisfy;"""
    whole, taken_apart = compiled(solvers, model), compiled(solvers, model, "-G", "std")
    assert name in [statement.name for statement in parse(whole).constraints]
    assert not any(statement.name.startswith("constrint") for statement in parse(taken_apart).constraints)
    wanted = sorted(solutions(output(taken_apart, limit=None)))
    assert wanted
    assert sorted(solutions(output(whole, limit=None))) == wanted


def compiled(folder: Path, model: str, *flags: str) -> str:
    """The FlatZinc of the model."""
    path, flat = folder / "model.mzn", folder / "model.fzn"
    path.write_text(model)
    assert MINIZINC is not None
    files = [str(path), "--no-output-ozn", "--fzn", str(flat)]
    subprocess.run([MINIZINC, "-c", "--solver", "constrint", *flags, *files], check=True, timeout=120)
    return flat.read_text()
