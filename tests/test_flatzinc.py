"""FlatZinc: what is read and refused, what is printed, and in which order the search goes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from constrint.cli.main import main
from constrint.errors import ProblemError, UnboundedError
from constrint.flatzinc.building import build
from constrint.flatzinc.syntax import Call, parse
from tests.flatzinc_models import output, solutions

MODEL = """\
% a comment
predicate constrint_all_different(array [int] of var int: x);
array [1..3] of int: weights = [1,-2,0x1F];
set of int: odd = {1,3,5,7};
bool: yes = true;
var 1..5: x :: output_var;
var bool: b :: output_var :: is_defined_var = yes;
var {1,2,9}: y;
array [1..2] of var int: q :: output_array([1..2]) = [x,3];
array [1..4] of var bool: m :: output_array([0..1, 5..6]) = [b,false,true,b];
constraint set_in(x, odd) :: domain;
constraint int_lin_le(weights, [x,y,y], 100);
constraint int_lt(q[2], x);
solve :: seq_search([int_search(q, input_order, indomain_max, complete)]) maximize y;
"""

LINE = "var 1..3: x :: output_var;\n"


def fails(text: str) -> str:
    with pytest.raises(ProblemError) as caught:
        output(text)
    return str(caught.value)


# Reading ------------------------------------------------------------------------------------------------


def test_a_model_is_read() -> None:
    model = parse(MODEL)
    names = [declaration.name for declaration in model.declarations]
    assert names == ["weights", "odd", "yes", "x", "b", "y", "q", "m"]
    assert model.declarations[0].value == [1, -2, 31]
    assert model.declarations[1].value == ((1, 1), (3, 3), (5, 5), (7, 7))
    assert [statement.name for statement in model.constraints] == ["set_in", "int_lin_le", "int_lt"]
    assert (model.method, model.objective) == ("maximize", "y")
    phase = Call("int_search", ["q", "input_order", "indomain_max", "complete"])
    assert model.annotations == [Call("seq_search", [[phase]])]


def test_a_model_is_solved_and_printed() -> None:
    assert output(MODEL) == (
        "x = 5;\nb = true;\nq = array1d(1..2, [5, 3]);\n"
        "m = array2d(0..1, 5..6, [true, false, true, true]);\n----------\n==========\n"
    )


def test_sets_and_words_in_every_form() -> None:
    text = (
        "set of int: e = {}; array [1..2] of set of int: s = [1..2,{5}]; array [1..0] of int: n = [];\n"
        "var -3..-1: x :: output_var; var {}: z;\n"
        "constraint int_le(x,-2);constraint set_in_reif(x,-3..-3,true); solve satisfy;"
    )
    assert output(text) == "=====UNSATISFIABLE=====\n"
    assert output(text.replace("var {}: z;", ""), limit=None) == "x = -3;\n----------\n==========\n"


def test_arrays_of_other_types_may_be_empty_or_constant() -> None:
    text = (
        "array [1..0] of var float: none = [];\n"
        "array [1..0] of var set of int: e :: output_array([1..0]) = [];\n"
        "array [1..4] of var set of int: s :: output_array([1..4]) = [1..3,{2},{},{1,2,5}]; solve satisfy;"
    )
    assert output(text) == (
        "e = array1d(1..0, []);\ns = array1d(1..4, [1..3, {2}, {}, {1, 2, 5}]);\n----------\n"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "model.fzn:1:1: a model ends with a solve item; the model ends here"),
        ("solve satisfy", "model.fzn:1:14: expected ';'; the model ends here"),
        ("var 1..5 x; solve satisfy;", "model.fzn:1:10: expected ':'; found 'x'"),
        ("\n int: n; solve satisfy;", "model.fzn:2:8: 'n' needs a value; found ';'"),
        ("@ solve satisfy;", "expected a declaration, a constraint or a solve item; found '@'"),
        ("solve satisfy; var 1..2: x;", "model.fzn:1:16: the solve item is the last"),
        ("solve maximise x;", "expected satisfy, minimize or maximize; found 'maximise'"),
        ("array [0..1] of int: a = [1,2]; solve satisfy;", "the indices of an array are 1..n"),
        ("array [1..3] of int: a = [1,2]; solve satisfy;", "'a' has 3 elements by its type and 2 by its"),
        ("int: n = [1]; solve satisfy;", "'n' is an int, not [1]"),
        (LINE + LINE + "solve satisfy;", "model.fzn:2:1: the name 'x' is already taken"),
        (LINE + "constraint int_le(x,y); solve satisfy;", "2:12: unknown name 'y'"),
        (LINE + "constraint int_lee(x,x); solve satisfy;", "unknown constraint 'int_lee' … did you mean"),
        (LINE + "constraint int_le(x); solve satisfy;", "int_le takes 2 arguments, not 1"),
        (LINE + "constraint int_le(x,1..2); solve satisfy;", "argument 2 of int_le must be an integer, not"),
        (LINE + "constraint int_lin_le([x],[x],1); solve satisfy;", "argument 1 of int_lin_le must be an ar"),
        (LINE + "constraint int_lin_le([1,2],[x],1); solve satisfy;", "arrays of int_lin_le have lengths"),
        ("array [1..1] of int: a=[4]; constraint int_le(a[2],1); solve satisfy;", "there is no a[2]"),
        ("constraint set_in(1," + "[" * 300 + "; solve satisfy;", "nests more than 100 deep"),
        ("var 0.0..1.5: speed; solve satisfy;", "'speed' is a var float: constrint solves integer problems"),
        ("array [1..1] of float: w = [0.5]; solve satisfy;", "'w' is an array of float"),
        ("var set of 1..3: team; solve satisfy;", "'team' is a var set of int: constrint has no set var"),
        ("var 1..2: x; constraint float_lin_le([1.0],[x],2.0); solve satisfy;", "is about floats"),
        ("var 1..2: x; constraint array_set_element(x,[1..2],x); solve satisfy;", "set variables"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(text: str, message: str) -> None:
    assert message in fails(text)


def test_a_large_model_is_read() -> None:
    lines = [f"var 0..9: x{k};" for k in range(20_000)]
    lines += [f"constraint int_lin_le([1,-2],[x{k},x{k // 2}],10);" for k in range(20_000)]
    model = parse("\n".join([*lines, "solve satisfy;"]))
    assert len(model.declarations) == len(model.constraints) == 20_000
    assert model.place(model.constraints[-1].position).line == 40_000


# Statuses -------------------------------------------------------------------------------------------------


def test_one_solution_is_not_called_complete() -> None:
    assert output(LINE + "solve satisfy;") == "x = 1;\n----------\n"


def test_some_solutions_and_all() -> None:
    assert output(LINE + "solve satisfy;", limit=2) == "x = 1;\n----------\nx = 2;\n----------\n"
    all_of_them = "x = 1;\n----------\nx = 2;\n----------\nx = 3;\n----------\n==========\n"
    assert output(LINE + "solve satisfy;", limit=4) == all_of_them
    assert output(LINE + "solve satisfy;", limit=None) == all_of_them


def test_an_optimum_is_printed_alone_or_after_those_before_it() -> None:
    text = LINE + "solve :: int_search([x],input_order,indomain_min) maximize x;"
    assert output(text) == "x = 3;\n----------\n==========\n"
    steps = "x = 1;\n----------\nx = 2;\n----------\nx = 3;\n----------\n==========\n"
    assert output(text, intermediate=True) == steps
    assert output(text.replace("maximize", "minimize"), free=True) == "x = 1;\n----------\n==========\n"


def test_a_constant_objective() -> None:
    assert output(LINE + "solve minimize 7;") == "x = 1;\n----------\n==========\n"


def test_an_objective_of_introduced_variables_is_optimal() -> None:
    """The objective is not among what is printed or searched by annotation."""
    text = LINE + (
        "var 0..9: y :: var_is_introduced; constraint int_ne(x,y);\n"
        "solve :: int_search([x],input_order,indomain_min) maximize y;"
    )
    assert output(text, statistics=True).split("objective=")[1].startswith("9\n")


def test_a_limit_before_an_answer_is_unknown() -> None:
    assert output(LINE + "solve satisfy;", time_limit=0.0) == "=====UNKNOWN=====\n"


def test_each_output_is_printed_once() -> None:
    text = LINE + "var 1..9: hidden; constraint int_lt(x,hidden);\n"
    printed = output(text + "solve satisfy;", limit=None)
    assert solutions(printed) == ["x = 1;", "x = 2;", "x = 3;"]
    searched = output(text + "solve :: int_search([hidden],input_order,indomain_max) satisfy;", limit=None)
    assert sorted(solutions(searched)) == ["x = 1;", "x = 2;", "x = 3;"]


def test_nothing_printed_is_one_solution() -> None:
    assert output("var 1..3: x; solve satisfy;", limit=None) == "----------\n==========\n"


def test_an_unbounded_search_is_refused_by_name() -> None:
    text = "var int: far :: output_var; var int: x; constraint int_lt(far,x); solve maximize far;"
    with pytest.raises(UnboundedError, match="far"):
        output(text)


def test_unbounded_variables_that_constraints_bound_are_solved() -> None:
    text = "var int: x :: output_var; var 2..9: y; constraint int_times(y,y,x); constraint int_le(64,x);\n"
    printed = output(text + "solve :: int_search([x],input_order,indomain_min) satisfy;", limit=None)
    assert solutions(printed) == ["x = 64;", "x = 81;"]


# Search annotations ----------------------------------------------------------------------------------------


def order(annotation: str, domains: str = "var 1..5: a :: output_var;") -> list[int]:
    """The values of the variable a, in the order in which the search finds them."""
    printed = output(f"{domains}\nsolve :: {annotation} satisfy;", limit=None)
    return [int(line.split("= ")[1][:-1]) for line in "\n".join(solutions(printed)).split("\n")]


@pytest.mark.parametrize(
    ("choice", "values"),
    [
        ("indomain", [1, 2, 3, 4, 5]),
        ("indomain_min", [1, 2, 3, 4, 5]),
        ("indomain_max", [5, 4, 3, 2, 1]),
        ("indomain_median", [3, 1, 2, 4, 5]),
        ("indomain_split", [1, 2, 3, 4, 5]),
        ("indomain_reverse_split", [5, 4, 3, 2, 1]),
    ],
)
def test_values_are_tried_in_the_order_asked_for(choice: str, values: list[int]) -> None:
    assert order(f"int_search([a],input_order,{choice},complete)") == values


def test_the_middle_is_near_the_mean_of_the_bounds() -> None:
    assert order("int_search([a],input_order,indomain_middle)", "var {1,2,3,10}: a :: output_var;")[0] == 3


def test_random_values_follow_the_seed() -> None:
    def first(seed: int) -> str:
        text = "var 1..1000: a :: output_var; solve :: int_search([a],input_order,indomain_random) satisfy;"
        return output(text, seed=seed)

    assert first(1) == first(1)
    assert len({first(seed) for seed in range(5)}) > 1


@pytest.mark.parametrize(
    ("choice", "first"),
    [
        ("input_order", "a = 9;\nb = 0;\nc = 6;"),
        ("first_fail", "a = 1;\nb = 2;\nc = 6;"),
        ("anti_first_fail", "a = 9;\nb = 0;\nc = 6;"),
        ("smallest", "a = 1;\nb = 2;\nc = 6;"),
        ("largest", "a = 9;\nb = 0;\nc = 6;"),
        ("max_regret", "a = 9;\nb = 0;\nc = 6;"),
    ],
)
def test_variables_are_chosen_as_asked_for(choice: str, first: str) -> None:
    """a is 1, 5 or 9; b is 2 where a is 1, and 0 otherwise: the largest of who comes first decides."""
    text = (
        "var 1..9: a :: output_var; var 0..2: b :: output_var; var 6..6: c :: output_var;\n"
        "constraint constrint_table([a,b],[9,0,5,0,1,2]);\n"
        f"solve :: int_search([a,b,c],{choice},indomain_max) satisfy;"
    )
    assert solutions(output(text)) == [first]


def test_phases_come_one_after_the_other() -> None:
    text = (
        "var 1..2: a :: output_var; var bool: b :: output_var;\n"
        "solve :: seq_search([bool_search([b],input_order,indomain_max,complete),"
        "int_search([a],dom_w_deg,indomain_min,complete)]) satisfy;"
    )
    assert solutions(output(text, limit=3)) == [
        "a = 1;\nb = true;",
        "a = 2;\nb = true;",
        "a = 1;\nb = false;",
    ]


def test_an_unknown_annotation_is_said_to_be_ignored() -> None:
    model = build(parse("var 1..2: x; solve :: restart_luby(250) :: warm_start([x],[2]) satisfy;"))
    assert model.remarks == [
        "the search annotation restart_luby is ignored",
        "the search annotation warm_start is ignored",
    ]


# The command ----------------------------------------------------------------------------------------------


def test_the_command_takes_minizincs_flags(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "model.fzn"
    path.write_text(LINE + "solve maximize x;")
    assert main(["fzn", "-i", "-s", "-v", "-f", "-p", "4", "-r", "7", "-t", "60000", str(path)]) == 0
    printed, remarks = capsys.readouterr()
    assert printed.startswith("x = ")
    assert "x = 3;\n----------\n==========\n%%%mzn-stat: method=" in printed
    assert "%%%mzn-stat: objective=3\n%%%mzn-stat-end\n" in printed
    assert remarks == "% one thread is used: the search is sequential\n"
    assert main(["fzn", "-a", str(path)]) == 0
    assert main(["fzn", "-n", "2", str(path)]) == 0


def test_the_command_names_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "model.fzn"
    path.write_bytes(b"var 1..2: \xff;")
    assert main(["fzn", str(path)]) == 2
    assert "is no UTF-8 text" in capsys.readouterr().err
    assert main(["fzn", str(tmp_path / "none.fzn")]) == 2
    assert "No such file" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM to be handled")
def test_what_was_found_is_printed_when_minizinc_ends_the_solver(tmp_path: Path) -> None:
    lines = [f"var 0..1: x{k};" for k in range(60)]
    names = ",".join(f"x{k}" for k in range(60))
    # Σ of odd squares of 60 variables: a first solution is easy, its optimum is not proved soon.
    weights = ",".join(str((2 * k + 1) ** 2) for k in range(60))
    lines.append("var 0..100000: cost :: output_var;")
    lines.append(f"constraint int_lin_eq([{weights},-1],[{names},cost],40001);")
    lines.append("constraint int_ne(cost,0); constraint int_ne(cost,1); solve minimize cost;")
    path = tmp_path / "model.fzn"
    path.write_text("\n".join(lines))
    command = [sys.executable, "-c", _SIGNALLING, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "found\n"
        time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=30)
    assert "cost = " in rest
    assert rest.count("----------") == 1


_SIGNALLING = """
import sys
from constrint.cli.main import main
from constrint.flatzinc.solver import Run
keep = Run._keep
def told(self, text):
    keep(self, text)
    print("found", flush=True)
    Run._keep = keep
Run._keep = told
sys.exit(main(["fzn", sys.argv[1]]))
"""
