"""The CP-SAT models of the benchmarks are models of the examples: all there, with the same answers."""

from __future__ import annotations

import pytest

pytest.importorskip("ortools", reason="the benchmarks compare with OR-Tools")

from benchmarks import __main__ as program
from benchmarks.contest import EXAMPLES, LIMIT, AnswersDiffer, Result, compare, parameters, solve_fresh
from benchmarks.memory import peak
from benchmarks.models import FAMILIES
from benchmarks.peer import Answer, Refused, ways

MODELS = {name: model for models in FAMILIES.values() for name, model in models.items()}
BEYOND_64_BITS = {"no_integer_solution", "big_factorisation", "subset_sum", "cattle", "heron", "cannonballs"}


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


def test_the_table_has_every_result_and_the_summary_every_loss() -> None:
    results = [
        Result("numbers", "pell", "satisfied", 1, own=0.002, peer=0.001, note="no presolve"),
        Result("numbers", "easter", "optimal", 105, own=0.001, peer=0.004, note="weighted"),
        Result("choices", "subset_sum", "satisfied", 9, own=0.001, peer=None, note="does not fit in 64 bits"),
    ]
    heading, rule, pell, _, subset_sum = program.table(results, memory=False)
    assert {len(line) for line in (heading, rule, pell, subset_sum)} == {len(heading)}
    assert [cell.strip() for cell in pell.split("|")[4:8]] == ["1", "2.00", "1.00", "0.50"]
    assert "refuses: does not fit in 64 bits" in subset_sum
    text = "\n".join(program.summary(results))
    assert "- numbers: 1.41 (2 problems)" in text
    assert "Slower than CP-SAT, 1 of 2: pell (2.0 times as long)." in text
    assert "Solved by constrint alone: subset_sum." in text


def test_the_program_compares_answers_before_it_prints(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["benchmarks", "cicadas", "--runs", "1", "--no-memory"])
    assert program.main() == 0
    assert "| numbers | cicadas | optimal |" in capsys.readouterr().out

    def differ(*_: object) -> Result:
        raise AnswersDiffer("constrint says infeasible, CP-SAT satisfied")

    monkeypatch.setattr(program, "run", differ)
    assert program.main() == 1
    assert capsys.readouterr().out.startswith("Answers differ:\ncicadas: constrint says infeasible")


@pytest.mark.parametrize("name", ["fused_rnn_h100", "all_interval", "convolution_tile"])
def test_a_solve_stays_within_150_megabytes(name: str) -> None:
    assert 5 < peak("constrint", name) < 150
