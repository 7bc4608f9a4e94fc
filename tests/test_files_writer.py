"""A problem written to a file and read back is the same problem."""

from __future__ import annotations

import io
from itertools import product
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import constrint as ci
from constrint.expressions import Op, walk
from tests.random_problems import integers, problems
from tests.test_files_loader import FULL


def parts(problem: ci.Problem) -> list[object]:
    """All that a file says of a problem."""
    return [
        problem.name,
        problem.description,
        problem.variables,
        problem.arrays,
        [(str(c.expression), c.label) for c in problem.constraints],
        [(str(w.expression), w.largest) for w in problem.preferences],
        [(str(o.expression), o.maximize) for o in problem.objectives],
    ]


def assert_reads_back(problem: ci.Problem) -> None:
    text = problem.to_yaml()
    again = ci.load(io.StringIO(text))
    assert parts(again) == parts(problem)
    assert again.to_yaml() == text


def has_decided_part(expression: ci.Expression) -> bool:
    """Whether a constant stands in an 'and' or 'or', which reading simplifies."""
    return any(
        node.op in (Op.AND, Op.OR) and any(arg.op is Op.CONSTANT for arg in node.args)
        for node in walk(expression)
    )


@settings(deadline=None, max_examples=150, derandomize=True, suppress_health_check=list(HealthCheck))
@given(problems(depth=2), integers(2), st.booleans())
def test_random_problems_read_back(problem: ci.Problem, goal: ci.Expression, up: bool) -> None:
    (problem.maximize if up else problem.minimize)(goal)
    problem.prefer((ci.largest if up else ci.smallest)(goal))
    expressions = [*(c.expression for c in problem.constraints), goal]
    if not any(has_decided_part(expression) for expression in expressions):
        assert_reads_back(problem)
        return
    again = ci.load(io.StringIO(problem.to_yaml()))
    assert again.variables == problem.variables
    for values in product((-2, 0, 1, 3), repeat=len(problem.variables)):
        assignment = dict(zip(problem.variables, values, strict=True))
        for one, other in zip(problem.constraints, again.constraints, strict=True):
            assert ci.holds(one.expression, assignment) == ci.holds(other.expression, assignment)


def test_the_text_of_a_file() -> None:
    assert ci.load(io.StringIO(FULL)).to_yaml() == (
        "name: h100-gemm-tile\n"
        "description: optional text\n"
        "variables:\n"
        "  tile_m: [16, 32, 64, 128, 256]\n"
        "  tile_n: {min: 8, max: 256, multiple_of: 8}\n"
        "  tile_k: 16..128\n"
        "  warps: {divides: 32}\n"
        "  stages: positive\n"
        "  q: {array: 8, domain: 1..8}\n"
        "constraints:\n"
        "  - tile_m * tile_k + tile_n * tile_k <= 58112\n"
        "  - divisible: 4096 % tile_m == 0\n"
        "  - all_different([q[0], q[1] + 1, q[2] + 2, q[3] + 3, q[4] + 4, q[5] + 5, q[6] + 6, q[7] + 7])\n"
        "  - stages == 1 or tile_k >= 32\n"
        "  - implies(tile_m > 128, warps >= 8)\n"
        "prefer:\n"
        "  - tile_m: largest\n"
        "  - stages: smallest\n"
        "minimize: stages * warps\n"
    )


def test_everything_odd_reads_back() -> None:
    p = ci.Problem("yes", "two\nlines: 'quoted' # no remark")
    x = p.integer("x")
    p.integer("e", values=[])
    p.integer("v", 0, 9, values=[3, 1], multiple_of=2, divides=12, remainder=(1, 3), power_of=2)
    p.integer("huge", -(10**4000), 10**4000)
    p.integer("empty", 5, 1)
    g = p.array("g", (2, 1, 2), 0, 1)
    p.add(x > 1, x < 10**4000, label="yes")
    for label in ("any", "if", "label", "then", "a: b", "", "x" * 300, "- #", "~", "12", "ü\tt"):
        p.add(x > 1, label=label)
    p.add(ci.table([x, g[0][0][1]], [[1, 2], [-3, 4]]), x.isin([]), ci.any_of([]), 1, x)
    p.minimize(x)
    p.maximize(x * 2)
    p.minimize(-x, x + 1)
    assert_reads_back(p)


def test_a_file_is_written(tmp_path: Path) -> None:
    p = ci.Problem()
    p.boolean("x")
    text = p.to_yaml(tmp_path / "p.yaml")
    assert (tmp_path / "p.yaml").read_text() == text == "name: problem\nvariables:\n  x: bool\n"


def test_a_name_that_is_a_word_in_files_is_refused() -> None:
    p = ci.Problem()
    p.boolean("count")
    with pytest.raises(ci.ProblemError, match="'count' cannot be written"):
        p.to_yaml()
