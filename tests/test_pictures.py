"""Pictures: what they show, exactly; and that it is in the files."""

from __future__ import annotations

import json
import subprocess
import sys
from fractions import Fraction
from itertools import product
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import constrint as ci
from constrint import pictures
from constrint.cli.main import main

SVG = "{http://www.w3.org/2000/svg}"
MODEL = """\
variables:
  x: 0..10
  y: 0..10
  z: 0..5
  kind: {choices: [row, column]}
constraints:
  - 2*x + 3*y <= 24
  - x - y >= -3
  - (x + y) % 2 == 0
  - z < 3
  - x != 2
"""

steady = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    pytest.importorskip("matplotlib", reason="pictures need matplotlib")
    file = tmp_path / "model.yaml"
    file.write_text(MODEL, encoding="utf-8")
    return file


def expected_points() -> list[tuple[int, int]]:
    return [
        (x, y)
        for x, y in product(range(11), range(11))
        if 2 * x + 3 * y <= 24 and x - y >= -3 and (x + y) % 2 == 0 and x != 2
    ]


def test_a_plane_has_points_corners_and_box(model: Path) -> None:
    plane = ci.load(model).plane("x", "y")
    assert plane.points == expected_points() and plane.count == len(expected_points())
    assert plane.polygon == [(10, 0), (10, Fraction(4, 3)), (3, 6), (0, 3), (0, 0)]
    assert plane.box == ((0, 10), (0, 8)) and plane.status == "satisfied"
    assert plane.summary == f"{plane.count} points"


def test_the_file_shows_each_point(model: Path, tmp_path: Path) -> None:
    file = tmp_path / "plane.svg"
    ci.load(model).plane("x", "y").save(file)
    tree = ElementTree.parse(file)
    groups = {group.get("id"): group for group in tree.iter(f"{SVG}g")}
    assert len(list(groups["points"].iter(f"{SVG}use"))) == len(expected_points())
    assert {"box", "relaxation"} <= groups.keys()
    again = tmp_path / "again.svg"
    ci.load(model).plane("x", "y").save(again)
    assert again.read_bytes() == file.read_bytes()
    assert ci.load(model).plane("x", "y")._repr_svg_().startswith("<?xml")


@steady
@given(
    st.lists(
        st.tuples(st.integers(-4, 4), st.integers(-4, 4), st.integers(-3, 3), st.integers(-6, 12)), max_size=4
    ),
    st.tuples(st.integers(0, 5), st.integers(0, 5)),
)
def test_the_polygon_is_that_of_the_rows(
    rows: list[tuple[int, int, int, int]], sizes: tuple[int, int]
) -> None:
    """Without a third variable the corners are the crossings of the rows and the box that keep all of them;
    with one, every point of the plane that some value of it completes lies inside."""
    problem = ci.Problem()
    x, y, z = problem.integer("x", 0, sizes[0]), problem.integer("y", 0, sizes[1]), problem.integer("z", 0, 2)
    problem.add(*[a * x + b * y + c * z <= bound for a, b, c, bound in rows])
    box = ((0, sizes[0]), (0, sizes[1]))
    corners = pictures.relaxation(problem, "x", "y", box)
    assert corners is not None
    edges = list(zip(corners, [*corners[1:], *corners[:1]], strict=True))
    inside = [
        (px, py)
        for px, py in product(range(sizes[0] + 1), range(sizes[1] + 1))
        if any(all(a * px + b * py + c * pz <= bound for a, b, c, bound in rows) for pz in range(3))
    ]
    for px, py in inside:
        assert corners
        assert all((bx - ax) * (py - ay) >= (by - ay) * (px - ax) for (ax, ay), (bx, by) in edges)
    if any(c for _, _, c, _ in rows):
        return
    lines = [(a, b, bound) for a, b, _, bound in rows]
    lines += [(1, 0, sizes[0]), (-1, 0, 0), (0, 1, sizes[1]), (0, -1, 0)]
    crossings = set()
    for (a, b, e), (c, d, f) in product(lines, lines):
        if a * d - b * c:
            point = Fraction(e * d - b * f, a * d - b * c), Fraction(a * f - e * c, a * d - b * c)
            if all(p * point[0] + q * point[1] <= bound for p, q, bound in lines):
                crossings.add(point)
    assert set(corners) <= crossings
    for px, py in crossings:
        assert all((bx - ax) * (py - ay) >= (by - ay) * (px - ax) for (ax, ay), (bx, by) in edges)
    if len(corners) > 2:
        turns = [
            (bx - ax) * (cy - by) - (by - ay) * (cx - bx)
            for (ax, ay), (bx, by), (cx, cy) in zip(
                corners, [*corners[1:], *corners[:1]], [*corners[2:], *corners[:2]], strict=True
            )
        ]
        assert all(turn > 0 for turn in turns)


def test_too_many_points_are_counted_and_an_infeasible_plane_is_empty(model: Path, tmp_path: Path) -> None:
    problem = ci.Problem()
    x, y = problem.integer("x", 0, 99), problem.integer("y", 0, 99)
    plane = problem.plane("x", "y")
    assert plane.points is None and plane.summary == "10,000 points (not drawn: more than 5,000)"
    plane.save(tmp_path / "many.png")
    problem.add(2 * x + 2 * y == 7)
    plane = problem.plane("x", "y")
    assert (plane.points, plane.count, plane.status) == ([], 0, "infeasible")
    assert plane.polygon == [(Fraction(7, 2), 0), (0, Fraction(7, 2))]
    problem.add(x + y >= 300)
    assert problem.plane("x", "y").summary == "0 points, empty relaxation"


def test_ranges_as_text_and_as_a_file(model: Path, tmp_path: Path) -> None:
    ranges = ci.load(model).ranges()
    full = "█" * 40
    assert str(ranges).splitlines() == [
        f"x     |{'█' * 8}{'·' * 3}{'█' * 29}|  0 .. 10  ->  {{0, 1, 3, 4, 5, 6, 7, 8, 9, 10}}",
        f"y     |{'█' * 33}{'·' * 7}|  0 .. 10  ->  0 .. 8",
        f"z     |{'█' * 20}{'·' * 20}|  0 .. 5  ->  0 .. 2",
        f"kind  |{full}|  row, column",
    ]
    file = tmp_path / "ranges.svg"
    ranges.save(file)
    assert "declared (gray)" in file.read_text(encoding="utf-8")
    problem = ci.Problem()
    n = problem.integer("n", 0)
    problem.integer("m")
    problem.add(n % 4 == 2, n <= 38)
    lines = str(problem.ranges()).splitlines()
    assert lines[0] == f"n  |{'···█' * 10}|  0 .. ∞  ->  2 .. 38, multiple of 4 plus 2"
    assert lines[1] == f"m  |{'?' * 40}|  -∞ .. ∞"
    problem.ranges().save(tmp_path / "open.pdf")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--plot", "x,q", "-o", "p.svg"], "unknown name 'q'"),
        (["--plot", "x", "-o", "p.svg"], "--plot takes two names, such as x,y, not 1"),
        (["--plot", "x,x", "-o", "p.svg"], "a plane takes two different variables, not 'x' twice"),
        (["--plot", "x,y"], "--plot needs a file to draw in: -o FILE.svg"),
        (["--plot", "x,y", "-o", "p.txt"], "a picture's file ends in .svg, .png or .pdf"),
        (["--plot", "x,y", "-o", "nowhere/p.svg"], "No such file or directory"),
    ],
)
def test_what_cannot_be_drawn_is_told(
    model: Path,
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(model.parent)
    assert main(["propagate", str(model), *arguments]) == 2
    assert message in capsys.readouterr().err
    assert sorted(path.name for path in model.parent.iterdir()) == ["model.yaml"]


def test_a_variable_without_end_cannot_be_drawn() -> None:
    problem = ci.Problem()
    problem.integer("x", 0)
    problem.integer("y", 0, 3)
    with pytest.raises(ci.ProblemError, match="'x' has no upper bound after propagation"):
        problem.plane("x", "y")


def test_the_command_draws_and_says_so(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = model.parent / "plane.svg"
    assert main(["propagate", str(model), "--plot", "x, kind", "-o", str(file), "--format", "json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["count"] == 20 == len(said["points"]) and said["box"] == {"x": [0, 10], "kind": [0, 1]}
    assert said["relaxation"] == [["10", "0"], ["10", "1"], ["0", "1"], ["0", "0"]]
    assert "column" in file.read_text(encoding="utf-8")
    assert main(["propagate", str(model), "--picture", "-o", str(model.parent / "ranges.svg")]) == 0
    shown = capsys.readouterr().out
    assert "z     |████████████████████····················|  0 .. 5  ->  0 .. 2" in shown
    assert "drawn in" in shown and (model.parent / "ranges.svg").exists()


def test_without_matplotlib_the_package_is_named(model: Path) -> None:
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "import constrint as ci\n"
        f"problem = ci.load({str(model)!r})\n"
        "print(problem.ranges())\n"
        "problem.plane('x', 'y').save('p.svg')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "kind  |" in done.stdout
    assert "pictures need matplotlib: pip install 'constrint[pictures]'" in done.stderr
