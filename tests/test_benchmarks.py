"""The CP-SAT models of the benchmarks are models of the examples: all there, with the same answers."""

from __future__ import annotations

import pytest

pytest.importorskip("ortools", reason="the benchmarks compare with OR-Tools")

from benchmarks.contest import EXAMPLES, LIMIT, AnswersDiffer, compare, parameters, solve_fresh
from benchmarks.models import FAMILIES
from benchmarks.peer import Answer, Refused, ways

MODELS = {name: model for models in FAMILIES.values() for name, model in models.items()}
BEYOND_64_BITS = {"no_integer_solution", "big_factorisation", "subset_sum"}


def test_every_example_has_a_model() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.yaml")} == set(MODELS)
    assert sum(map(len, FAMILIES.values())) == len(MODELS)


@pytest.mark.parametrize("name", sorted(set(MODELS) - BEYOND_64_BITS))
def test_both_solvers_give_the_same_answer(name: str) -> None:
    _, problem, solution = solve_fresh(name)
    model = MODELS[name](parameters(name))
    compare(problem, solution, ways(len(model.goals))[0](model, LIMIT))


@pytest.mark.parametrize("name", sorted(BEYOND_64_BITS))
def test_cp_sat_refuses_what_does_not_fit_in_64_bits(name: str) -> None:
    with pytest.raises(Refused, match=r"overflow|64 bits"):
        ways(0)[0](MODELS[name](parameters(name)), LIMIT)


def test_different_answers_are_told() -> None:
    _, problem, solution = solve_fresh("cicadas")
    with pytest.raises(AnswersDiffer, match="infeasible"):
        compare(problem, solution, Answer("infeasible"))
    with pytest.raises(AnswersDiffer, match="CP-SAT violates"):
        compare(problem, solution, Answer("satisfied", {"period": 17, "soonest": 35}, [35]))
    with pytest.raises(AnswersDiffer, match="goals"):
        compare(problem, solution, Answer("satisfied", {"period": 13, "soonest": 26}, [26]))


@pytest.mark.parametrize("name", ["coin_change", "easter", "meeting_hours"])
def test_every_way_of_stating_goals_gives_the_optimum(name: str) -> None:
    _, problem, solution = solve_fresh(name)
    for way in ways(2):
        compare(problem, solution, way(MODELS[name](parameters(name)), LIMIT))
