"""The arithmetic behind conflicts, in words, and the constraints behind bounds."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

import constrint as ci
from constrint.cli.main import main
from constrint.linear import linear_system
from constrint.polyhedra.certificates import Cut, Proof, proves, row_facts
from constrint.polyhedra.rows import Row
from constrint.polyhedra.simplex import Budget

CONFLICTS: dict[str, tuple[Callable[[ci.Problem, ci.Expression, ci.Expression], object], str]] = {
    "parity": (lambda p, x, y: p.add(6 * x + 10 * y == 1), "6*x + 10*y is even; 1 is odd"),
    "divisor": (
        lambda p, x, y: p.add(6 * x + 15 * y == 7),
        "6*x + 15*y is a multiple of 3; 7 is not",
    ),
    "congruence": (
        lambda p, x, y: p.add(6 * x % 4 == 1, label="mod"),
        "mod gives 6*x ≡ 1 (mod 4); 6*x is even; 1 plus multiples of 4 is odd",
    ),
    "two congruences": (
        lambda p, x, y: p.add(x % 2 == 0, x % 4 == 1),
        "(x % 2 == 0) - (x % 4 == 1) gives 0 ≡ 1 (mod 2)",
    ),
    "sum": (
        lambda p, x, y: (p.add(x + 2 * y >= 3, label="A"), p.add(-x <= y, label="C"), p.add(x + y < 0)),
        "C + (x + y < 0) gives 0 <= -1",
    ),
    "multiples": (
        lambda p, x, y: (p.add(2 * x + 2 * y <= 3, label="A"), p.add(x + y >= 3, label="B")),
        "A + 2·B gives 0 <= -3",
    ),
    "equalities": (
        lambda p, x, y: (p.add(x + y == 3, label="A"), p.add(x + y == 4, label="B")),
        "A - B gives 0 == -1",
    ),
    "rounding": (
        lambda p, x, y: (p.add(x >= 0), p.add(y >= 0), p.add(7 * x + 11 * y == 59, label="coins")),
        "(1) 1/11·(x >= 0) + 3/11·coins gives -2*x - 3*y <= -17, rounded down from -177/11; "
        "(2) 1/7·(y >= 0) + 2/7·coins gives 2*x + 3*y <= 16, rounded down from 118/7; "
        "(3) (1) + (2) gives 0 <= -1",
    ),
}


@pytest.mark.parametrize("name", CONFLICTS)
def test_a_linear_conflict_has_its_arithmetic_in_words(name: str) -> None:
    state, expected = CONFLICTS[name]
    problem = ci.Problem()
    state(problem, problem.integer("x"), problem.integer("y"))
    assert problem.explain().reason == expected


def test_the_bounds_of_domains_are_named_in_a_reason() -> None:
    problem = ci.Problem()
    x, y = problem.integer("x", 0, 100), problem.integer("y", 0, 100)
    problem.add(x + 2 * y >= 303, label="A")
    assert problem.explain().reason == "A + (x <= 100) + 2·(y <= 100) gives 0 <= -3"
    assert "y % 2 == 0" in str(_parity_of_domains().explain().reason)


def _parity_of_domains() -> ci.Problem:
    problem = ci.Problem()
    x, y = problem.integer("x", 0, 9, multiple_of=2), problem.integer("y", multiple_of=2)
    problem.add(x + y == 7)
    return problem


def test_a_cycle_over_a_wide_range_names_both_rows() -> None:
    problem = ci.Problem()
    x, y = problem.integer("x", 0, 10**12), problem.integer("y", 0, 10**12)
    problem.add(x < y, label="A")
    problem.add(y < x, label="B")
    explanation = problem.explain()
    assert [one.label for one in explanation.conflict] == ["A", "B"]
    assert explanation.reason == "A + B gives 0 <= -2"


def test_where_the_linear_part_can_hold_there_is_no_reason() -> None:
    problem = ci.Problem()
    x = problem.integer("x", 0, 9)
    problem.add(x * x == 50)
    explanation = problem.explain()
    assert (explanation.status, explanation.reason) == ("infeasible", None)
    problem.constraints.clear()
    problem.add(x >= 4)
    assert problem.explain().reason is None


def test_a_proof_with_a_wrong_step_proves_nothing() -> None:
    facts = row_facts([Row((2, 2), None, 3), Row((1, 1), 3, None)])
    half = Fraction(1, 2)
    assert proves(Proof((Cut({0: Fraction(1), 3: Fraction(2)}),)), facts)
    assert not proves(Proof((Cut({0: Fraction(1), 3: Fraction(1)}),)), facts)
    assert not proves(Proof((Cut({0: half, 3: half}),)), facts), "a coefficient of 1/2"
    assert not proves(Proof((Cut({0: Fraction(1), 2: Fraction(-2)}),)), facts), "a multiplier below 0"
    assert not proves(Proof((Cut({9: Fraction(1)}),)), facts), "no such fact"
    assert not proves(Proof((Cut({1: Fraction(1)}),)), facts), "a side without a bound"


def test_proofs_with_cases_are_checked_case_by_case() -> None:
    problem = ci.Problem()
    x, y, z = (problem.integer(name, 0, 1) for name in "xyz")
    # All eight corners of a cube are cut off, and its middle is left.
    for a in (-1, 1):
        for b in (-1, 1):
            for c in (-1, 1):
                problem.add(a * (2 * x - 1) + b * (2 * y - 1) + c * (2 * z - 1) <= 2)
    system = linear_system(problem, problem.constraints)
    assert system is not None
    polyhedron = system.polyhedron()
    proof = polyhedron.proof_of_emptiness(Budget(10**8))
    assert proof is not None and proves(proof, row_facts(polyhedron.rows))
    assert "each step checked" in str(problem.explain().reason)


def test_the_command_line_tells_the_reason(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text("variables: {x: integer, y: integer}\nconstraints: [6 * x + 10 * y == 1]\n")
    assert main(["explain", str(file)]) == 1
    assert "reason: 6*x + 10*y is even; 1 is odd" in capsys.readouterr().out
    assert main(["explain", str(file), "--format", "json"]) == 1
    assert json.loads(capsys.readouterr().out)["reason"] == "6*x + 10*y is even; 1 is odd"
