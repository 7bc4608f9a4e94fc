"""Where a domain comes from: each statement's constraints give it again, and none of them can be missed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

import constrint as ci
from constrint.cli.main import main
from tests.random_problems import problems

FILE = """\
variables: {x: {min: 0}, y: 0..100, t: {divides: 768}}
constraints:
  - room: x + y <= 50
  - more: x >= 2 * y + 3
  - even: x % 2 == 0
  - y >= 7
  - t % 3 == 0
  - t <= x
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "p.yaml"
    path.write_text(FILE)
    return path


def causes(problem: ci.Problem, name: str) -> dict[str, list[str]]:
    result = problem.why(name)
    assert all(cause.minimal for cause in result.causes)
    return {
        cause.statement: [c.label or str(c.expression) for c in cause.constraints] for cause in result.causes
    }


def test_each_statement_has_its_constraints(file: Path) -> None:
    problem = ci.load(file)
    assert causes(problem, "x") == {
        "x >= 18": ["more", "even", "y >= 7"],
        "x <= 42": ["room", "even", "y >= 7"],
        "x % 2 == 0": ["even"],
    }
    assert causes(problem, "t") == {
        "t >= 3": ["t % 3 == 0"],
        "t <= 24": ["room", "y >= 7", "t % 3 == 0", "t <= x"],
        "t % 3 == 0": ["t % 3 == 0"],
        "768 % t == 0": [],
        "t in [3, 6, 12, 24]": ["room", "y >= 7", "t % 3 == 0", "t <= x"],
    }


def test_bounds_of_several_rows_together_have_them_as_causes() -> None:
    problem = ci.Problem()
    x, y = problem.integer("x"), problem.integer("y")
    problem.add(x + y <= 10, label="sum")
    problem.add(x - y <= 4, label="difference")
    problem.add(y >= 0, label="other")
    assert causes(problem, "x") == {"x <= 7": ["sum", "difference"]}


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(problems())
def test_the_causes_alone_give_the_statement_again(problem: ci.Problem) -> None:
    for name in problem.variables:
        result = problem.why(name)
        if result.status == "infeasible":
            assert result.domain is None and not result.causes
            continue
        assert result.domain is not None
        for cause in result.causes:
            alone = problem.without_goals()
            alone.constraints = cause.constraints
            domain = alone.propagate().domains.get(name)
            if domain is None or cause.aspect == "values":
                continue
            if cause.aspect == "min":
                assert domain.min is not None and domain.min >= (result.domain.min or 0)
            if cause.aspect == "max":
                assert domain.max is not None and domain.max <= (result.domain.max or 0)
            if cause.minimal and cause.aspect == "min":
                for left_out in cause.constraints:
                    alone.constraints = [one for one in cause.constraints if one is not left_out]
                    weaker = alone.propagate()[name].min
                    assert weaker is None or weaker < (result.domain.min or 0)


def test_a_contradiction_has_no_causes_and_a_wrong_name_is_told() -> None:
    problem = ci.Problem()
    x = problem.integer("width", 0, 9)
    problem.add(x >= 10)
    result = problem.why("width")
    assert (result.status, result.domain, result.causes) == ("infeasible", None, [])
    with pytest.raises(ci.UnknownNameError, match="unknown name 'Width' … did you mean 'width'"):
        problem.why("Width")


def test_a_time_limit_is_told(file: Path) -> None:
    result = ci.load(file).why("x", time_limit=0)
    assert (result.stopped_by, result.causes) == ("time limit", [])


def test_the_command_line(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["why", str(file), "x"]) == 0
    out = capsys.readouterr().out
    assert "x: 18 .. 42, multiple of 2" in out and "more" in out
    assert main(["why", str(file), "t", "--format", "json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["status"], shown["variable"], shown["domain"]["max"]) == ("unknown", "t", 24)
    assert shown["causes"][2:4] == [
        {
            "aspect": "multiple_of",
            "statement": "t % 3 == 0",
            "constraints": [{"label": None, "expression": "t % 3 == 0", "line": 7}],
        },
        {"aspect": "divides", "statement": "768 % t == 0", "constraints": []},
    ]
    assert main(["why", str(file), "T"]) == 2
    assert "did you mean 't'" in capsys.readouterr().err
    assert main(["why", str(file), "x", "--time-limit", "0"]) == 3
