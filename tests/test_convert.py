"""Problems in other languages: what is read, written and refused, and that nothing is lost on the way."""

from __future__ import annotations

import shutil
from itertools import product
from pathlib import Path
from typing import Any

import pytest

import constrint as ci
from constrint.cli.main import main
from constrint.conversion import minizinc, original
from constrint.conversion.formats import read
from constrint.errors import ProblemError

MINIZINC = shutil.which("minizinc")
needs_minizinc = pytest.mark.skipif(MINIZINC is None, reason="minizinc is not installed")


def solutions(problem: ci.Problem, names: list[str]) -> list[tuple[int, ...]]:
    """The different values of these variables in solutions, sorted."""
    space = problem.enumerate(over=names)
    columns = [space[name].tolist() for name in names]
    return sorted(zip(*columns, strict=True))


# The original text language --------------------------------------------------------------------------------

ORIGINAL = """\
# Sizes given by the user
WIDTH == 48;   # a comment
TILES * SIZE == WIDTH;
SIZE ^ 2 + TILES <= 150 ;
WIDTH % (SIZE * 2) == 0 | SIZE == [3, 5] ||
  TILES <= 2;
"""


def test_the_original_language_is_read() -> None:
    problem = original.read(ORIGINAL, "folder/tiles.constrint")
    assert problem.name == "tiles"
    assert list(problem.variables) == ["WIDTH", "TILES", "SIZE"]
    # Sizes that divide 48, with size² + 48 / size <= 150, of which 2·size divides 48 or size is 3.
    assert solutions(problem, ["SIZE", "TILES"]) == [
        (1, 48),
        (2, 24),
        (3, 16),
        (4, 12),
        (6, 8),
        (8, 6),
        (12, 4),
    ]
    assert [str(c.place) for c in problem.constraints][:2] == [
        "folder/tiles.constrint:2:1",
        "folder/tiles.constrint:3:1",
    ]


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("A * (B + C) == D", "A * B + C == D"),
        ("(A + B) * C <= D", "A + B * C <= D"),
        ("A + B % C + D == 0", "(A + B) % (C + D) == 0"),
        ("2 * A % (B * C) == 0", "2 * A % (B * C) == 0"),
        ("A ^ 3 == 8", "A ** 3 == 8"),
        ("A == [4, 2, 4]", "A in [2, 4]"),
        ("[1,2] == A * B", "A * B in [1, 2]"),
        ("A <= 3 | B <= 4 || C <= 5 |", "A <= 3 or B <= 4 or C <= 5"),
    ],
)
def test_brackets_are_ignored_and_operators_bind_as_ever(text: str, meaning: str) -> None:
    (constraint,) = original.read(f"{text};").constraints
    assert str(constraint.expression) == meaning


def test_variables_are_positive_integers() -> None:
    assert solutions(original.read("X + Y == 4;"), ["X", "Y"]) == [(1, 3), (2, 2), (3, 1)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A == ;", "x:1:6: expected a variable or a number; found ';'"),
        ("A >= 3;", "x:1:3: expected '==', '<=' or '%'; found '>'"),
        ("\n A + - 3 == B;", "x:2:6: expected a variable or a number; found '-'"),
        ("A % B == 1;", "expected '== 0' after a remainder; found '1'"),
        ("A <= [1, 2];", "a list stands alone on one side of '=='"),
        ("A == [1, B];", "expected a number; found 'B'"),
        ("A == 1 B == 2;", "expected ';'; found 'B'"),
        ("A ^ B == 2;", "expected a number; found 'B'"),
        ("A", "x:1:2: expected '==', '<=' or '%'; the text ends here"),
        ("A + 1;", "expected '==', '<=' or '%'; found ';'"),
    ],
)
def test_what_is_not_in_the_language_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(ProblemError) as caught:
        original.read(text, "x")
    assert message in str(caught.value)


def sayable() -> ci.Problem:
    p = ci.Problem("sayable", "two\nlines")
    x, y = p.integer("x", 2, 9), p.integer("y", values=[1, 2, 4, 6])
    z = p.integer("z", multiple_of=2, divides=24)
    q = p.array("q", 2, 1, 3)
    p.add(x * (y - z) <= 4 - q[0], (x + y) ** 2 > 10, label="a label")
    p.add((2 * x) % y == 0, ci.divides(q[1], x), (x < z) | (y >= 3) | z.isin([2, 8]))
    p.add((q[0] + q[1] == 4) & (q[0] <= q[1]))
    return p


def test_writing_and_reading_the_original_language_keeps_the_solutions() -> None:
    problem = sayable()
    text = original.write(problem)
    again = original.read(text)
    assert "# sayable\n# two\n# lines\n" in text
    assert "# a label" in text
    assert "(" not in text
    names = ["x", "y", "z", "q[0]", "q[1]"]
    wanted = solutions(problem, names)
    assert len(wanted) > 3
    assert solutions(again, ["x", "y", "z", "q_0", "q_1"]) == wanted


@pytest.mark.parametrize(
    ("low", "constraint", "message"),
    [
        (0, lambda x: x <= 3, "'x' may be less than 1"),
        (1, lambda x: x != 3, "'x != 3' cannot be said in the original language"),
        (1, lambda x: x // 2 == 3, "'x // 2 == 3' cannot be said"),
        (1, lambda x: (x <= 2) | ((x >= 5) & (x <= 6)), "cannot be said"),
        (1, lambda x: 2**x <= 9, "cannot be said"),
        (1, lambda x: (x - 2) % 3 == 0, "cannot be said"),
    ],
)
def test_what_the_original_language_cannot_say_is_named(low: int, constraint: Any, message: str) -> None:
    p = ci.Problem()
    p.add(constraint(p.integer("x", low, 9)))
    with pytest.raises(ProblemError) as caught:
        original.write(p)
    assert message in str(caught.value)


# MiniZinc --------------------------------------------------------------------------------------------------


def test_a_problem_as_a_minizinc_model() -> None:
    p = ci.Problem("tiles", "of a matrix")
    x, y = p.integer("x", 1, 8, multiple_of=2), p.integer("set", values=[-3, 0, 5])
    q = p.array("q", [2, 3], 0, 4)
    p.add(x // 3 == y, label="fits")
    p.add(ci.all_different([q[0][1], q[1][2]]) | (x != 4))
    p.maximize(x + q[1][0])
    assert minizinc.write(p) == (
        "% tiles\n% of a matrix\n"
        'include "all_different.mzn";\n'
        "function var int: floor_mod(var int: a, var int: b) = ((a mod b) + b) mod b;\n"
        "function var int: floor_div(var int: a, var int: b) = (a - floor_mod(a, b)) div b;\n"
        "var 1..8: x;\nconstraint x mod 2 = 0;\n"
        "var {-3, 0, 5}: 'set';\n"
        "array[0..1, 0..2] of var 0..4: q;\n"
        "constraint (floor_div(x, 3) = 'set'); % fits\n"
        "constraint (all_different([q[0, 1], q[1, 2]]) \\/ (x != 4));\n"
        "solve maximize (x + q[1, 0]);\n"
    )


def test_what_minizinc_cannot_say_is_named() -> None:
    p = ci.Problem()
    x, y = p.integer("x", 1, 9), p.integer("y", 1, 9)
    p.add(ci.gcd(x, y) == 3)
    with pytest.raises(ProblemError, match=r"no counterpart of gcd, as in 'gcd\(x, y\)'"):
        minizinc.write(p)
    other = ci.Problem()
    other.minimize(other.integer("a", 1, 2), other.integer("b", 1, 2))
    with pytest.raises(ProblemError, match="one objective"):
        minizinc.write(other)


def expressions(x: Any, y: Any) -> list[Any]:
    """Every operation that MiniZinc knows, with divisions by 0 and indices out of range on the way."""
    return [
        x // y == -1,
        x % y == 1,
        ci.ceil_div(x, y) >= 1,
        x**y == 4,
        abs(x) + ci.minimum(x, y, 0) == ci.maximum(x, y),
        ci.choose(x < y, x // y, y) == 0,
        ci.element(x, [y, 2, -1]) == y,
        ci.count([x, y, 1], x) == 2,
        ci.divides(x, y),
        ci.all_different([x, y, 1]),
        ci.table([x, y], [[1, 2], [-2, 0]]),
        x.isin([-2, 1]) & ~(y == 1),
        ci.implies(x > 0, y > x),
        ci.iff(x > 0, y > 0),
        ci.xor(x > 0, y > 0, x == y),
        (x > 0) + (y > 0) == 1,
        ci.lex_less([x, y], [y, 1]),
        ci.among([x, y], [1, -1]) == 1,
        x // y != 1,
    ]


@needs_minizinc
def test_every_expression_means_the_same_in_minizinc(tmp_path: Path) -> None:
    p = ci.Problem()
    x, y = p.integer("x", -3, 3), p.integer("y", -2, 2)
    all_of_them = expressions(x, y)
    for k, expression in enumerate(all_of_them):
        p.add(ci.iff(p.boolean(f"b{k}"), expression))
    (tmp_path / "all.yaml").write_text(p.to_yaml())
    assert main(["convert", str(tmp_path / "all.yaml"), str(tmp_path / "all.mzn")]) == 0
    assert main(["convert", str(tmp_path / "all.mzn"), str(tmp_path / "all.fzn")]) == 0
    names = ["x", "y", *[f"b{k}" for k in range(len(all_of_them))]]
    found = solutions(read(tmp_path / "all.fzn"), names)
    wanted = [
        (a, b, *[int(ci.holds(e, {"x": a, "y": b})) for e in all_of_them])
        for a, b in product(range(-3, 4), range(-2, 3))
    ]
    assert found == sorted(wanted)


@needs_minizinc
def test_declarations_and_objectives_survive_all_formats(tmp_path: Path) -> None:
    p = ci.Problem("all")
    p.integer("a", 1, divides=12)
    p.integer("b", -4, 20, remainder=(1, 5))
    p.integer("c", 1, 100, power_of=3)
    p.integer("d", -7, 7, multiple_of=3)
    p.add(p["a"] + p["b"] + p["c"] + p["d"] == 30)
    p.minimize(p["a"] * p["c"] - p["d"])
    (tmp_path / "0.yaml").write_text(p.to_yaml())
    for source, target in (("0.yaml", "1.mzn"), ("1.mzn", "2.fzn"), ("2.fzn", "3.yaml"), ("3.yaml", "4.mzn")):
        assert main(["convert", str(tmp_path / source), str(tmp_path / target)]) == 0
    names = ["a", "b", "c", "d"]
    wanted, best = solutions(p, names), p.solve().objective
    assert len(wanted) > 3
    for name in ("1.mzn", "2.fzn", "3.yaml", "4.mzn"):
        problem = read(tmp_path / name)
        assert solutions(problem, names) == wanted
        assert problem.solve().objective == best


# FlatZinc and the command ----------------------------------------------------------------------------------


def test_flatzinc_becomes_a_problem_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "model.fzn"
    path.write_text("var 1..9: x; var bool: b; constraint int_lt_reif(x,4,b); solve maximize x;")
    assert main(["convert", str(path), str(tmp_path / "out.yaml")]) == 0
    problem = ci.load(tmp_path / "out.yaml")
    assert problem.name == "model"
    assert problem.count() == 9
    assert dict(problem.solve()) == {"x": 9, "b": 0}
    assert main(["convert", str(tmp_path / "out.yaml"), str(tmp_path / "out.constrint")]) == 2
    assert "no objectives" in capsys.readouterr().err


@pytest.mark.parametrize(("source", "target"), [("a.txt", "b.yaml"), ("a.fzn", "b.json")])
def test_an_ending_that_names_no_format_is_refused(
    source: str, target: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.fzn").write_text("solve satisfy;")
    assert main(["convert", str(tmp_path / source), str(tmp_path / target)]) == 2
    assert "the ending says the format: one of .yaml" in capsys.readouterr().err
    assert not (tmp_path / target).exists()


def test_without_minizinc_its_models_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "a.mzn").write_text("solve satisfy;")
    assert main(["convert", str(tmp_path / "a.mzn"), str(tmp_path / "a.yaml")]) == 2
    assert "there is no 'minizinc'" in capsys.readouterr().err


@needs_minizinc
def test_an_error_of_the_compiler_is_passed_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.mzn").write_text("var 1..3: x; constraint x > y; solve satisfy;")
    assert main(["convert", str(tmp_path / "a.mzn"), str(tmp_path / "a.yaml")]) == 2
    assert "undefined identifier `y'" in capsys.readouterr().err
