"""Every error of a problem file names the culprit, its place and what may help."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

import constrint as ci

HEADER = "variables: {tile_m: 1..9, x: 0..9, y: -3..3, q: {array: 3, domain: 0..5}}\n"


def error_of(text: str | bytes, **options: object) -> ci.ProblemError:
    stream = io.BytesIO(text) if isinstance(text, bytes) else io.StringIO(text)
    with pytest.raises(ci.ProblemError) as caught:
        ci.load(stream, **options)  # type: ignore[arg-type]
    return caught.value


def place_of(error: ci.ProblemError) -> tuple[int, int]:
    assert error.place is not None
    return error.place.line, error.place.column


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("tile_M > 3", 5, "unknown name 'tile_M' … did you mean 'tile_m'?"),
        ("x + zz > 3", 9, "unknown name 'zz'"),
        ("é + 1 + zz > 3", 5, "unknown name 'é'"),
        ("x > 3 if y else zz", 21, "unknown name 'zz'"),
        ("True or zz", 13, "unknown name 'zz'"),
        ("all(zz for i in range(0))", 9, "unknown name 'zz'"),
        ("i > 3 and all(x > i for i in range(3))", 5, "unknown name 'i'"),
        ("x = 3", 7, "write '=='"),
        ("x / 2 > 1", 5, "write '//'"),
        ("x & y", 5, "write 'and'"),
        ("x | y", 5, "write 'or'"),
        ("~x", 5, "write 'not'"),
        ("x ^ 2 == 1", 5, "write '**'"),
        ("x && y", 7, "write 'and'"),
        ("x || y", 7, "write 'or'"),
        ("x is y", 5, "write '=='"),
        ("x := 3", 5, "':=' is not in the language"),
        ("x == 1..5", 11, "'a <= x <= b'"),
        ("x.real > 2", 5, "'x' is not an include"),
        ("gpu.sm > 2", 5, "unknown name 'gpu'"),
        ("q[0].real > 2", 5, "only follow the name of an include"),
        ("(1).real > 2", 5, "only follow the name of an include"),
        ("__import__('os').system('ls')", 5, "not a function"),
        ("__import__(1)", 5, "unknown function '__import__'"),
        ("eval(1)", 5, "unknown function 'eval'"),
        ("(lambda: 1)()", 5, "not a function"),
        ("[x for x in q].append(1)", 5, "not a function"),
        ("f'{x}'", 5, "text has no meaning"),
        ("x > (yield)", 10, "Yield is not in the language"),
        ("x(3)", 5, "'x' is not a function"),
        ("summ(q)", 5, "did you mean 'sum'?"),
        ("sum > 3", 5, "write 'sum(...)'"),
        ("sum(q, start=3)", 5, "no named arguments"),
        ("sum(*q)", 9, "pass the list itself"),
        ("x > 1.5", 9, "1.5 is not an integer"),
        ("x > 1e9", 9, "10**9"),
        ("q > 3", 5, "a list cannot be compared"),
        ("q + 1 > 3", 5, "expected a number, found a list"),
        ("q[0:2]", 5, "a list is no constraint"),
        ("q[7] == 1", 5, "index 7 is out of range"),
        ("x[0] == 1", 5, "an index [...] needs a list"),
        ("q[0", 6, "'[' is never closed"),
        ("(x))", 8, "unmatched ')'"),
        ("x <", 8, "breaks off"),
        ("x < 3 y", 11, "not expected here"),
        ("x > i for i in range(3)", 5, "write all("),
        ("sum(i for i in q if i > 2)", 25, "must be constant"),
        ("all(x > i for i in range(y))", 24, "must be constant"),
        ("all(x > sum for sum in q)", 21, "has a meaning already"),
        ("all(x > i for i, j in q)", 19, "expects 2 items in each turn"),
        ("all(x > i for i in 5)", 5, "'for ... in' needs a list"),
        ("x in 3", 5, "'in' needs a list"),
        ("table(q, [[1, 2]])", 5, "row 0 of the table has 2 values for 3 variables"),
        ("table(q, 3)", 5, "a table needs a list"),
        ("min()", 5, "min() takes at least 1 argument, not 0"),
        ("min([])", 5, "min() of an empty list"),
        ("abs(1, 2)", 5, "abs() takes 1 argument, not 2"),
        ("element(q, x)", 5, "the index comes first"),
        ("x < 9 ** 9 ** 9", 9, "a power of more than"),
    ],
)
def test_expression(text: str, column: int, message: str) -> None:
    # Unquoted as users write it, where YAML allows that.
    plain = not any(part in text for part in ("'", "~", "[x for", "lambda"))
    constraint = text if plain else '"' + text + '"'
    error = error_of(f"{HEADER}constraints:\n  - {constraint}\n")
    assert message in error.message
    assert place_of(error) == (3, column if plain else column + 1)


@pytest.mark.parametrize(
    ("scalar", "line", "column"),
    [
        ("|\n    x < 3 and\n      zz > 1", 5, 7),
        (">-\n    x < 3 and\n    zz > 1", 5, 5),
        ("|  # remark\n    x < 3 and  # remark: zz\n    zz > 1", 5, 5),
        ("x < 3 and\n    zz > 1", 4, 5),
        ('"x < 3 and\n    zz > 1"', 4, 5),
        ("'x < 3 and zz > 1'", 3, 16),
        ("label: x < 3 and zz > 1", 3, 22),
        ("{any: [x < 3, zz > 1]}", 3, 19),
        ("if: x > 1\n    then: {all: [x > 1, {none: [y, zz]}]}", 4, 36),
    ],
)
def test_the_place_of_a_name_inside_any_kind_of_yaml_text(scalar: str, line: int, column: int) -> None:
    error = error_of(f"{HEADER}constraints:\n  - {scalar}\n")
    assert error.message == "unknown name 'zz'"
    assert place_of(error) == (line, column)


@pytest.mark.parametrize(
    ("item", "column", "message"),
    [
        ("{iff: x, then: y}", 6, "unknown key 'iff' … did you mean 'if'?"),
        ("{anyy: [x, y]}", 6, "did you mean 'any'?"),
        ("{any: [x, y], foo: 1}", 19, "unknown key 'foo'"),
        ("{if: x}", 5, "'then:' is missing"),
        ("{then: x}", 5, "'if:' is missing"),
        ("{a: x < 1, b: y > 2}", 5, "expected a constraint"),
        ("[x, y]", 5, "found a list"),
        ("{any: [max(x, y) > 3]}", 15, "quote an expression that holds"),
        ("", 4, "expected an expression, found nothing"),
        ("label:", 11, "expected an expression, found nothing"),
        ("!x", 5, "quote text that begins with '!'"),
        ("*x", 5, "quote text that begins with '*'"),
        ("@x", 5, "quote text that begins with @"),
        ("x: y: z", 9, "quote text that holds ': '"),
    ],
)
def test_constraint_forms(item: str, column: int, message: str) -> None:
    error = error_of(f"{HEADER}constraints:\n  - {item}\n")
    assert message in error.message
    assert place_of(error) == (3, column)


@pytest.mark.parametrize(
    ("domain", "column", "message"),
    [
        ("postive", 6, "unknown domain 'postive' … did you mean 'positive'?"),
        ("1..", 6, "a range needs both ends"),
        ("a..3", 6, "unknown name 'a'"),
        ("1..nn", 9, "did you mean 'n'?"),
        ("5", 6, "for one value write [5]"),
        ("{mn: 3}", 7, "unknown key 'mn' … did you mean 'min'?"),
        ("{}", 6, "expected a domain"),
        ("", 5, "expected a domain"),
        ("[1, x]", 10, "'x' is a variable"),
        ("{array: 0}", 14, "at least 1"),
        ("{array: [2, [3]], domain: bool}", 18, "expected an integer, found a list"),
        ("{domain: {array: 3}}", 16, "'array' stands beside 'domain'"),
        ("{power_of: 1}", 17, "at least 2"),
        ("{remainder: 3}", 18, "expected [r, m]"),
        ("{remainder: [1, 0]}", 18, "must not be 0"),
        ("{power_of: 2, domain: {power_of: 3}}", 28, "'power_of' is stated twice"),
        ("{min: }", 12, "found nothing"),
        ("[[1]]", 6, "found a list"),
        ("1.5..2", 6, "1.5 is not an integer"),
        ("{values: 3}", 15, "expected a list of values"),
    ],
)
def test_domains(domain: str, column: int, message: str) -> None:
    error = error_of(f"parameters: {{n: 5}}\nvariables:\n  x: {domain}\n")
    assert message in error.message
    assert place_of(error) == (3, column)


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("", (1, 1), "the file is empty"),
        ("# only a remark\n", (1, 1), "the file is empty"),
        ("- a\n", (1, 1), "expected a mapping"),
        ("abc", (1, 1), "expected a mapping"),
        ("variables:\n\tx: bool\n", (2, 1), "a tab cannot indent YAML"),
        ("variables: {x: bool, x: bool}\n", (1, 22), "duplicate key 'x' (first in line 1)"),
        ("variabels: {x: bool}\n", (1, 1), "did you mean 'variables'?"),
        ("variables: {sum: bool}\n", (1, 13), "'sum' is the name of a function"),
        ("variables: {1x: bool}\n", (1, 13), "is not a name"),
        ("variables: {if: bool}\n", (1, 13), "a word of the language"),
        ("parameters: {m: 1}\nvariables: {m: bool}\n", (2, 13), "already the name of a parameter (line 1)"),
        ("parameters: {a: b, b: 1}\nvariables: {x: bool}\n", (1, 17), "is defined further down"),
        ("parameters: {a: x}\nvariables: {x: bool}\n", (1, 17), "'x' is a variable"),
        ("parameters: {a: 1//0}\nvariables: {x: bool}\n", (1, 17), "has no value"),
        ("parameters: {a: {b: 1}}\nvariables: {x: bool}\n", (1, 17), "found a mapping"),
        ("parameters: [1]\nvariables: {x: bool}\n", (1, 13), "expected a mapping"),
        ("variables: {}\n", (1, 1), "a problem needs variables"),
        ("name: only\n", (1, 1), "a problem needs variables"),
        ("variables: {x: bool}\nconstraints: x\n", (2, 14), "expected a list of constraints"),
        ("variables: {x: bool}\nprefer: [x]\n", (2, 10), "expected a preference"),
        ("variables: {x: bool}\nprefer: [{x: larges}]\n", (2, 14), "did you mean 'largest'?"),
        ("variables: {x: bool}\nminimize: [[x]]\n", (2, 12), "expected an expression"),
        ("variables: {x: bool}\nmaximize: [x, z]\n", (2, 15), "unknown name 'z'"),
        ("variables: {x: !!python/object:os.system bool}\n", (1, 16), "tags such as"),
        ("variables: {x: bool}\n---\nvariables: {x: bool}\n", (2, 1), "a second document"),
        ("variables: {x: bool\n", (2, 1), "not YAML"),
        ("variables: {x: 'bool\n", (2, 1), "close the quotes"),
        ("variables: {x: bool}\nname: [a]\n", (2, 7), "expected text"),
        ("variables: {x: bool}\nx\x01: 3", (2, 2), "control characters"),
        ("variables: {é: bool}\nx\x01: 3", (2, 2), "control characters"),
        ("variables: {x: bool}\n<<: {a: 1}", (2, 1), "merge keys"),
        ("variables: {x: &a [*a]}\n", (1, 20), "refers to no anchor"),
        ("? [a]\n: 1\n", (1, 3), "expected a name before ':'"),
    ],
)
def test_documents(text: str, place: tuple[int, int], message: str) -> None:
    error = error_of(text)
    assert message in error.message
    assert place_of(error) == place


def test_not_utf_8() -> None:
    error = error_of("variables:\n  é: ".encode() + b"\xff\n")
    assert place_of(error) == (2, 6)
    assert "not UTF-8: byte 0xff" in error.message


def test_a_file_is_named_in_its_errors(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("variables: {x: bool}\nconstraints: [x > z]\n")
    with pytest.raises(ci.UnknownNameError) as caught:
        ci.load(path)
    assert str(caught.value) == f"{path}:2:19: unknown name 'z'"


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        ci.load(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("1 +", "--set n:1:4: not an expression: the expression breaks off"),
        ("x", "--set n:1:1: 'x' is a variable, and only constants can be used here"),
        ("m", "--set n:1:1: parameter 'm' is defined further down: move it above this"),
        (1.5, "parameter 'n' must be set to an integer, a list or an expression, not 1.5"),
    ],
)
def test_a_wrong_value_for_a_parameter(value: object, message: str) -> None:
    text = "parameters: {n: 1, m: 2}\nvariables: {x: bool}\n"
    assert str(error_of(text, set={"n": value})) == message


def test_what_is_no_file_at_all() -> None:
    with pytest.raises(ci.ProblemError, match="expected a path or an open file, not int"):
        ci.load(3)  # type: ignore[arg-type]


def test_an_unknown_parameter() -> None:
    text = "parameters: {tile: 1}\nvariables: {x: bool}\n"
    assert str(error_of(text, set={"tiles": 3})) == "unknown parameter 'tiles' … did you mean 'tile'?"
