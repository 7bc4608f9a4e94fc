"""The sections of a problem file, and what they make of a Problem."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import constrint as ci
from constrint.files import includes
from constrint.files.documents import Scalar, Source


def load(text: str, **options: Any) -> ci.Problem:
    return ci.load(io.StringIO(text), **options)


def texts(problem: ci.Problem) -> list[str]:
    return [str(constraint) for constraint in problem.constraints]


FULL = """\
name: h100-gemm-tile
description: optional text
parameters:
  m: 4096
  bytes_per_element: 2
  tile_budget: 232448 // bytes_per_element
  weights: [3, 5, 7]
variables:
  tile_m: {values: [16, 32, 64, 128, 256]}
  tile_n: {min: 8, max: 256, multiple_of: 8}
  tile_k: 16..128             # inclusive range
  warps: {divides: 32}
  stages: positive
  q: {array: 8, domain: 1..8}
constraints:
  - tile_m * tile_k + tile_n * tile_k <= tile_budget // bytes_per_element
  - divisible: m % tile_m == 0
  - all_different(q[i] + i for i in range(8))
  - any: [stages == 1, tile_k >= 32]
  - if: tile_m > 128
    then: warps >= 8
prefer:
  - tile_m: largest
  - stages: smallest
minimize: stages * warps
"""


def test_a_full_file() -> None:
    p = load(FULL)
    assert (p.name, p.description) == ("h100-gemm-tile", "optional text")
    assert list(p.variables)[:6] == ["tile_m", "tile_n", "tile_k", "warps", "stages", "q[0]"]
    assert p.arrays == {"q": (8,)}
    assert p.variables["tile_n"] == ci.DomainSpec(low=8, high=256, multiple_of=8)
    assert p.variables["warps"] == ci.DomainSpec(divides=32)
    assert texts(p) == [
        "tile_m * tile_k + tile_n * tile_k <= 58112",
        "divisible: 4096 % tile_m == 0",
        "all_different([q[0], q[1] + 1, q[2] + 2, q[3] + 3, q[4] + 4, q[5] + 5, q[6] + 6, q[7] + 7])",
        "stages == 1 or tile_k >= 32",
        "implies(tile_m > 128, warps >= 8)",
    ]
    assert [(c.place.line, c.place.column) for c in p.constraints if c.place] == [
        (16, 5), (17, 16), (18, 5), (19, 5), (20, 5),
    ]  # fmt: skip
    assert [(str(w.expression), w.largest) for w in p.preferences] == [("tile_m", True), ("stages", False)]
    assert [(str(o.expression), o.maximize) for o in p.objectives] == [("stages * warps", False)]
    assert p.places["stages"].line == 13


@pytest.mark.parametrize(
    ("domain", "spec"),
    [
        ("integer", {}),
        ("natural", {"low": 0}),
        ("positive", {"low": 1}),
        ("bool", {"low": 0, "high": 1}),
        ("-5..-2", {"low": -5, "high": -2}),
        ("0 .. n * 2 - 1", {"low": 0, "high": 9}),
        ("n//2..max(w)", {"low": 2, "high": 9}),
        ("-10**40..10**40", {"low": -(10**40), "high": 10**40}),
        ("[3, 1, 2, 1]", {"values": (1, 2, 3)}),
        ("[n, n ** 2]", {"values": (5, 25)}),
        ("[]", {"values": ()}),
        ("w", {"values": (2, 9)}),
        ("'[2 ** i for i in range(4)]'", {"values": (1, 2, 4, 8)}),
        ("{values: w}", {"values": (2, 9)}),
        ("{values: 1..4}", {"low": 1, "high": 4}),
        ("{min: n, max: 2 * n}", {"low": 5, "high": 10}),
        ("{multiple_of: 8, max: 64}", {"multiple_of": 8, "high": 64}),
        ("{divides: 768}", {"divides": 768}),
        ("{remainder: [1, n]}", {"remainder": (1, 5)}),
        ("{power_of: 2, max: 100}", {"power_of": 2, "high": 100}),
        ("{domain: 1..8, multiple_of: 2}", {"low": 1, "high": 8, "multiple_of": 2}),
        ("{domain: 1..8, min: 3, max: 99}", {"low": 3, "high": 8}),
        ("{domain: {multiple_of: 4}, multiple_of: 6}", {"multiple_of": 12}),
        ("{domain: {divides: 12}, divides: 18}", {"divides": 6}),
        ("{domain: [1, 2, 3], values: [2, 3, 4]}", {"values": (2, 3)}),
        ("{domain: {remainder: [1, 2]}, remainder: [2, 3]}", {"remainder": (5, 6)}),
    ],
)
def test_domains(domain: str, spec: dict[str, Any]) -> None:
    p = load(f"parameters: {{n: 5, w: [9, 2]}}\nvariables:\n  x: {domain}\n")
    assert p.variables["x"] == ci.DomainSpec(**spec)


def test_arrays_have_any_number_of_dimensions() -> None:
    p = load("parameters: {n: 2}\nvariables:\n  a: {array: [n, n + 1, 2], min: 0, max: 3}\n")
    assert p.arrays == {"a": (2, 3, 2)}
    assert len(p.variables) == 12
    assert p.variables["a[1][2][1]"] == ci.DomainSpec(low=0, high=3)


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ("x > 1", ["x > 1"]),
        ("label: x > 1", ["label: x > 1"]),
        ("'any label, really': x > 1", ["any label, really: x > 1"]),
        ("{any: [x > 1, y > 1]}", ["x > 1 or y > 1"]),
        ("{all: [x > 1, y > 1]}", ["x > 1 and y > 1"]),
        ("{none: [x > 1, y > 1]}", ["not (x > 1 or y > 1)"]),
        ("{any: 'y == i for i in range(2)'}", None),
        ("{any: '[y == i for i in range(2)]'}", ["y == 0 or y == 1"]),
        ("{if: x > 1, then: y > 1}", ["implies(x > 1, y > 1)"]),
        ("{if: x, then: y}", ["implies(x, y)"]),
        (
            "{if: x > 1, then: y > 1, else: y < 1}",
            ["implies(x > 1, y > 1) and implies(not x > 1, y < 1)"],
        ),
        ("{if: n > 1, then: y > 1, else: y < 1}", ["y > 1"]),
        ("{if: [x > 1, y > 1], then: [x > 2, y > 2]}", ["implies(x > 1 and y > 1, x > 2 and y > 2)"]),
        ("label: {any: [x > 1, {all: [y > 1, {none: [x == 3]}]}]}", ["label: x > 1 or y > 1 and not x == 3"]),
        ("{label: why, if: x > 1, then: y > 1}", ["why: implies(x > 1, y > 1)"]),
        ("fits: [x > 1, {any: [y > 1, x > 2]}]", ["fits: x > 1", "fits: y > 1 or x > 2"]),
        ("{any: []}", ["0"]),
        ("{all: []}", ["1"]),
        ("x", ["x"]),
        ("1 > 2", ["0"]),
    ],
)
def test_constraint_forms(item: str, expected: list[str] | None) -> None:
    text = f"parameters: {{n: 5}}\nvariables: {{x: 0..9, y: 0..9}}\nconstraints:\n  - {item}\n"
    if expected is None:
        with pytest.raises(ci.ExpressionError, match="bare 'for'"):
            load(text)
    else:
        assert texts(load(text)) == expected


def test_goals() -> None:
    p = load(
        "variables: {x: 0..9, y: 0..9, q: {array: 2, domain: bool}}\n"
        "prefer: {x: largest, x * y: smallest, q: largest}\n"
        "maximize: [x, y + 1, {minimize: x * y}]\nminimize: y\n"
    )
    assert [(str(w.expression), w.largest) for w in p.preferences] == [
        ("x", True), ("x * y", False), ("q[0]", True), ("q[1]", True),
    ]  # fmt: skip
    assert [(str(o.expression), o.maximize) for o in p.objectives] == [
        ("x", True), ("y + 1", True), ("x * y", False), ("y", False),
    ]  # fmt: skip


def test_parameters_may_use_earlier_ones_and_be_set() -> None:
    text = (
        "parameters:\n  n: 4\n  w: [n, [n + 1, 2], true]\n  total: sum(w) + n\n  on_chip: yes\n"
        "variables: {x: 0..total, y: '0..w[1][0]', z: 0..on_chip}\n"
    )
    highs = [spec.high for spec in load(text).variables.values()]
    assert highs == [16, 5, 1]
    highs = [spec.high for spec in load(text, set={"n": "2 ** 3", "on_chip": False}).variables.values()]
    assert highs == [28, 9, 0]
    highs = [spec.high for spec in load(text, set={"w": [1, [2, 3], "n * 9"]}).variables.values()]
    assert highs == [46, 2, 1]


def test_anchors_may_be_used() -> None:
    p = load("variables: {x: &d {min: 0, max: 3}, y: *d}\nconstraints:\n  - &c x < y\n  - not: *c\n")
    assert p.variables["y"] == ci.DomainSpec(low=0, high=3)
    assert texts(p) == ["x < y", "not: x < y"]


def test_the_name_of_a_file_is_the_default_name(tmp_path: Path) -> None:
    path = tmp_path / "tiles.yaml"
    path.write_bytes(b"\xef\xbb\xbfvariables: {x: bool}\r\n")
    assert ci.load(path).name == "tiles"
    assert load("variables: {x: bool}").name == "problem"


def test_json_is_a_problem_file_too() -> None:
    p = load(json.dumps({"variables": {"x": "1..3"}, "constraints": ["x > 1"]}, indent="\t"))
    assert texts(p) == ["x > 1"]


# Includes --------------------------------------------------------------------------------------------


GPU = """\
name: A GPU
sources: [somewhere]
sm_count: 132
shared: 0x38C00
fast: true
clock: 1.98
shapes: [[16, 8], [64, 256]]
notes: {a: 1}
quoted: "132"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "gpu.yaml").write_text(GPU)
    return tmp_path


def write(folder: Path, text: str) -> Path:
    path = folder / "problem.yaml"
    path.write_text(text)
    return path


def test_an_include_is_a_namespace(folder: Path) -> None:
    path = write(
        folder,
        "include: {gpu: profiles/gpu.yaml}\nparameters: {k: gpu.shared // 2}\n"
        "variables: {x: 0..gpu.sm_count}\nconstraints: [x < k + gpu.fast, 'gpu.shapes[1][x] > 0']\n",
    )
    p = ci.load(path)
    assert p.variables["x"].high == 132
    assert texts(p) == ["x < 116225", "element(x, [64, 256]) > 0"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gpu.sm_coun", "unknown name 'gpu.sm_coun' … did you mean 'gpu.sm_count'?"),
        ("gpu.name", "'gpu.name' is 'A GPU', not an integer"),
        ("gpu.clock", "'gpu.clock' is '1.98', not an integer"),
        ("gpu.quoted", "'gpu.quoted' is '132', not an integer"),
        ("gpu.sources", "'gpu.sources' is a list that does not hold integers only, not an integer"),
        ("gpu.notes", "'gpu.notes' is a mapping, not an integer"),
        ("gpu.notes.a", "unknown name 'gpu.notes'"),
        ("gpu", "'gpu' is an include: write 'gpu.' and one of its keys"),
        ("gpv.sm_count", "unknown name 'gpv' … did you mean 'gpu'?"),
    ],
)
def test_a_wrong_key_of_an_include(folder: Path, name: str, message: str) -> None:
    text = f"include: {{gpu: profiles/gpu.yaml}}\nvariables: {{x: bool}}\nconstraints: [x < {name}]\n"
    with pytest.raises(ci.ProblemError) as caught:
        ci.load(write(folder, text))
    assert caught.value.message == message
    assert caught.value.place is not None and caught.value.place.column == 19


def test_the_caller_may_replace_or_add_includes(folder: Path) -> None:
    (folder / "other.yaml").write_text("sm_count: 7\n")
    path = write(folder, "include: {gpu: nowhere.yaml}\nvariables: {x: 0..gpu.sm_count + more.sm_count}\n")
    given = {"gpu": folder / "other.yaml", "more": folder / "profiles" / "gpu.yaml"}
    assert ci.load(path, include=given).variables["x"].high == 139


def test_a_bare_name_is_found_in_the_registered_folders(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(includes, "_folders", lambda: [folder / "profiles"])
    path = write(folder, "include: {g: gpu}\nvariables: {x: 0..g.sm_count}\n")
    assert ci.load(path).variables["x"].high == 132
    path = write(folder, "include: {g: gpv}\nvariables: {x: bool}\n")
    with pytest.raises(ci.ProblemError, match=r"cannot include 'gpv'.*did you mean 'gpu'\?"):
        ci.load(path)


def test_a_file_beats_a_bare_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(includes, "_folders", lambda: pytest.fail("the folders were searched"))
    (folder / "gpu").write_text("sm_count: 1\n")
    path = write(folder, "include: {g: gpu}\nvariables: {x: 0..g.sm_count}\n")
    assert ci.load(path).variables["x"].high == 1


def test_an_included_file_may_include_others(folder: Path) -> None:
    (folder / "profiles" / "node.yaml").write_text("include: {one: gpu.yaml}\ngpus: 8\n")
    path = write(folder, "include: {n: profiles/node.yaml}\nvariables: {x: 0..n.gpus * n.one.sm_count}\n")
    assert ci.load(path).variables["x"].high == 8 * 132


def test_includes_must_not_form_a_cycle(folder: Path) -> None:
    (folder / "a.yaml").write_text("include: {b: b.yaml}\n")
    (folder / "b.yaml").write_text("include: {a: a.yaml}\n")
    path = write(folder, "include: {a: a.yaml}\nvariables: {x: bool}\n")
    with pytest.raises(ci.ProblemError) as caught:
        ci.load(path)
    assert str(caught.value) == f"{folder}/b.yaml:1:14: the includes form a cycle: a.yaml → b.yaml → a.yaml"
    path = write(folder, "include: {me: problem.yaml}\nvariables: {x: bool}\n")
    with pytest.raises(ci.ProblemError, match=r"problem\.yaml → problem\.yaml"):
        ci.load(path)


def test_an_error_in_an_included_file_is_placed_there(folder: Path) -> None:
    (folder / "bad.yaml").write_text("a: 1\na: 2\n")
    path = write(folder, "include: {b: bad.yaml}\nvariables: {x: bool}\n")
    with pytest.raises(ci.ProblemError) as caught:
        ci.load(path)
    assert str(caught.value).startswith(f"{folder}/bad.yaml:2:1: duplicate key 'a'")


@pytest.mark.parametrize("reference", ["nowhere.yaml", "/dev/zero", ".", "a\\0b", "x" * 5000])
def test_what_cannot_be_included(folder: Path, reference: str) -> None:
    path = write(folder, f'include: {{b: "{reference}"}}\nvariables: {{x: bool}}\n')
    with pytest.raises(ci.ProblemError, match="cannot include") as caught:
        ci.load(path)
    assert caught.value.place is not None and caught.value.place.line == 1


# The rest --------------------------------------------------------------------------------------------


def test_every_character_of_a_text_has_its_place() -> None:
    raw = "ä: 1\nb:   'one  two\n    three'\n"
    start = raw.index("'")
    scalar = Scalar(Source("f", raw), "one  two three", start, len(raw) - 1, quoted=True)
    places = [(scalar.place(k).line, scalar.place(k).column) for k in range(len(scalar.text))]
    words = [places[scalar.text.index(word)] for word in ("one", "two", "three")]
    assert words == [(2, 7), (2, 12), (3, 5)]


def test_loading_imports_nothing_heavy() -> None:
    code = (
        "import sys, constrint.files.loader, constrint.files.writer\n"
        "print([m for m in ('sympy', 'numpy', 'rich', 'torch', 'ortools', 'pandas') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
