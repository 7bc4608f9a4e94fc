"""CP-SAT as a back end gives the answers of the native engine."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import constrint as ci
from tests.random_problems import integers, problems, solutions

pytest.importorskip("ortools", reason="OR-Tools is not installed")

thorough = settings(deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@settings(thorough, max_examples=400)
@given(problems(depth=1), integers(1))
def test_cp_sat_finds_the_optimum_of_the_native_engine(problem: ci.Problem, objective: ci.Expression) -> None:
    problem.minimize(objective)
    native, other = problem.solve(), problem.solve(backend="cp-sat")
    assert (other.status, other.objective) == (native.status, native.objective)
    assert other.statistics.backend == "cp-sat"


@settings(thorough, max_examples=300)
@given(problems(depth=2, most=2), st.booleans())
def test_cp_sat_finds_the_preferred_solution(problem: ci.Problem, up: bool) -> None:
    x, y, z, b = [ci.expressions.variable(name) for name in "xyzb"]
    problem.prefer(*[(ci.largest if up else ci.smallest)(v) for v in (y, x, z, b)])
    answer = problem.solve(backend="cp-sat")
    rows = solutions(problem)
    if not rows:
        assert answer.status == "infeasible"
    else:
        order = [(row[1], row[0], row[2], row[3]) for row in rows]
        expected = max(order) if up else min(order)
        assert (answer["y"], answer["x"], answer["z"], answer["b"]) == expected


def test_cp_sat_refuses_what_does_not_fit_64_bits_by_name() -> None:
    problem = ci.Problem()
    problem.add(problem.integer("huge", 0, 10**30) >= 5)
    with pytest.raises(ci.BackendError, match="'huge'"):
        problem.solve(backend="cp-sat")
    assert problem.solve(backend="auto").status == "satisfied"


def test_an_unknown_back_end_is_named() -> None:
    with pytest.raises(ci.BackendError, match="'gurobi'"):
        ci.Problem().solve(backend="gurobi")
