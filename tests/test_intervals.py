"""Intervals: what they declare and state, in Python and in files; and schedules made of them."""

from __future__ import annotations

import io
from typing import Any

import pytest

import constrint as ci
from constrint.cli.main import main

HOUSE = """\
name: house
parameters: {crew: 2}
variables:
  hurry: bool
  walls: {start: natural, duration: 3}
  roof: {start: 0..20, duration: 4 - hurry}
  paint: {start: 0..20, duration: [2, 5], optional: true}
constraints:
  - precedence(walls, roof)
  - no_overlap([roof, paint])
  - cumulative([walls, roof, paint], [1, 1, 2], crew)
  - label: soon
    all: [roof.end <= 10, walls.start >= 1]
"""


@pytest.mark.parametrize(
    ("given", "names", "constraints"),
    [
        ({"duration": 3}, ["t.start"], []),
        ({"start": (0, 9), "duration": 3}, ["t.start"], []),
        ({"start": (0, 9), "duration": (0, 4)}, ["t.start", "t.duration"], []),
        ({"start": 2, "end": (0, 9)}, ["t.end"], ["t.end - 2 >= 0"]),
        ({"end": (0, 9), "duration": 2}, ["t.end"], []),
        ({"end": 9}, ["t.start"], ["-t.start + 9 >= 0"]),
        ({"start": (0, 9)}, ["t.start", "t.duration"], []),
        ({}, ["t.start", "t.duration"], []),
        (
            {"start": (0, 9), "duration": (-1, 4), "end": (3, 5)},
            ["t.start", "t.duration", "t.end"],
            ["t.start + t.duration == t.end", "t.duration >= 0"],
        ),
        (
            {"start": (4, 9), "duration": range(2, 5), "optional": True},
            ["t.present", "t.start", "t.duration"],
            ["t.present or t.start == 4", "t.present or t.duration == 2", "t.duration >= 0"],
        ),
    ],
)
def test_what_an_interval_declares_and_states(
    given: dict[str, Any], names: list[str], constraints: list[str]
) -> None:
    p = ci.Problem()
    task = p.interval("t", **given)
    assert list(p.variables) == names
    assert [str(constraint.expression) for constraint in p.constraints] == constraints
    assert p["t"] is task
    p.add(task.start <= 9, task.end <= 12)
    for solution in p.solutions():
        assert solution[task.start] + solution[task.duration] == solution[task.end]
        assert solution[task.duration] >= 0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"duration": -1}, "the duration of 't' must not be negative, as -1 is"),
        ({"start": "noon"}, "the start of 't' must be a number, an expression or a range"),
        ({"end": (1, 2, 3)}, "the end of 't' must be a number, an expression or a range"),
    ],
)
def test_a_part_that_cannot_be_meant_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ci.ProblemError, match=message.replace("(", r"\(")):
        ci.Problem().interval("t", **given)


def test_its_name_is_taken() -> None:
    p = ci.Problem()
    p.interval("t", duration=1)
    with pytest.raises(ci.ProblemError, match="already taken"):
        p.integer("t")


def test_an_absent_interval_counts_once() -> None:
    p = ci.Problem()
    p.interval("t", start=(0, 4), duration=(1, 3), optional=True)
    assert p.count() == 1 + 5 * 3 == len(list(p.solutions()))


def test_an_absent_task_is_in_nobodys_way() -> None:
    p = ci.Problem()
    tasks = [p.interval(f"t{k}", start=(0, 1), duration=2, optional=True) for k in range(3)]
    p.add(ci.no_overlap(tasks))
    p.maximize(ci.total(task.present for task in tasks))
    assert p.solve().objective == 1
    # One of three that starts at 0 or 1, or none.
    assert p.count() == 3 * 2 + 1


def test_a_precedence_holds_where_both_take_place() -> None:
    p = ci.Problem()
    a = p.interval("a", start=(0, 3), duration=2)
    b = p.interval("b", start=(0, 4), duration=1, optional=True)
    p.add(ci.precedence(a, b, gap=1))
    found = {(s[a.start], s[b.present], s[b.start]) for s in p.solutions()}
    assert found == {(s, 0, 0) for s in range(4)} | {(0, 1, 3), (0, 1, 4), (1, 1, 4)}


def test_a_file_reads_intervals_and_writes_them() -> None:
    p = ci.load(io.StringIO(HOUSE))
    assert list(p.variables) == ["hurry", "walls.start", "roof.start", "paint.present", "paint.start",
                                 "paint.duration"]  # fmt: skip
    text = p.to_yaml()
    assert "  roof: {start: 0..20, duration: -hurry + 4}\n" in text
    again = ci.load(io.StringIO(text))
    assert again.to_yaml() == text
    assert [str(c.expression) for c in again.constraints] == [str(c.expression) for c in p.constraints]
    assert again.variables == p.variables
    p.minimize(p["roof"].end)
    solution = p.solve()
    assert (solution["walls.start"], solution[p["roof"].start], solution.objective) == (1, 4, 7)
    assert p.check({"hurry": 1, "walls": {"start": 1}, "roof": {"start": 4},
                    "paint": {"present": 0, "start": 0, "duration": 2}})  # fmt: skip


@pytest.mark.parametrize(
    ("declaration", "constraint", "message"),
    [
        ("{start: 0..9, duration: 2, length: 3}", "t.start == 1", "unknown key 'length'"),
        ("{start: 0..9, duration: 2}", "t == 1", "'t' is an interval: write t.start"),
        ("{start: 0..9, duration: 2}", "t.begin == 1", "unknown name 't.begin'"),
        ("{start: 0..9, duration: 2}", "no_overlap([t, 3])", r"no_overlap\(\) takes intervals here"),
        ("{start: 0..9, duration: -2}", "t.start == 1", "must not be negative"),
        ("{start: soon}", "t.start == 1", "unknown name 'soon'"),
    ],
)
def test_a_mistake_in_a_file_is_named_with_its_place(declaration: str, constraint: str, message: str) -> None:
    text = f"variables:\n  t: {declaration}\nconstraints:\n  - {constraint}\n"
    with pytest.raises(ci.ProblemError, match=message) as caught:
        ci.load(io.StringIO(text))
    assert caught.value.place is not None and caught.value.place.line in (2, 4)


def test_the_command_line_shows_parts_by_name(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "house.yaml"
    path.write_text(HOUSE + "minimize: roof.end\n", encoding="utf-8")
    assert main(["solve", str(path), "--format", "json"]) == 0
    assert '"walls.start": 1' in capsys.readouterr().out
