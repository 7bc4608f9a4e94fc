"""The translations for other solvers mean what the problems mean; each is tested where it is installed."""

from __future__ import annotations

import importlib
import io

import pytest

import constrint as ci

pytest.importorskip("ortools", reason="the benchmarks compare with OR-Tools")

from benchmarks.contest import AnswersDiffer, file_of
from benchmarks.peers import contest
from benchmarks.peers.common import Refused, Solve, domains

PEERS = [
    pytest.param(
        peer, marks=pytest.mark.skipif(not contest.installed(peer), reason=f"{title} is not installed")
    )
    for peer, title in contest.PEERS.items()
]

# Each with x and y from -4 to 4, y of any sign or 0: what differs between the languages.
STATEMENTS = [
    "x // y == -2",
    "x % y == -1",
    "ceil_div(x, y) == 2 and x > 0",
    "not (x // y == 0)",
    "x % y != 0 or x == 4",
    "x**2 + y**2 == 25",
    "abs(x) * max(x, y) == 12 and min(x, y) == 3",
    "(2 if x > y else 5) * x == 15",
    "xor(x > 1, y > 1, x + y == 4) and x * y == 3",
    "(x > y) + (x > 2) == 2 and y > 1",
    "[7, 5, 3][x] == y + 1",
    "count([x, y, 3], 3) == 2 and x in [1, 2]",
    "all_different(x, y, 3) and iff(x == 4, y == 4) and x + y == 5",
    "x and y and not (x + 4)",
    "x * 7 == y * 5 + 100",
]


def solve_with(peer: str) -> Solve:
    found: Solve = importlib.import_module(f"benchmarks.peers.{peer}").solve
    return found


@pytest.fixture(params=PEERS)
def peer(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("statement", STATEMENTS)
def test_a_peer_finds_the_same_best_solution(peer: str, statement: str) -> None:
    problem = ci.load(
        io.StringIO(
            "variables:\n  x: {min: -4, max: 4}\n  y: {min: -4, max: 4}\n"
            f'constraints: ["{statement}"]\nmaximize: ["9 * x + y"]\n'
        )
    )
    try:
        answer = solve_with(peer)(problem, domains(problem))
    except Refused as refusal:
        if "propagation" not in str(refusal):
            raise
        assert problem.solve().status == "infeasible"
    else:
        contest.check(peer, problem, problem.solve(), answer.satisfied, answer.values)


@pytest.mark.parametrize("statement", ["gcd(x, y) == 6", "lcm(x, y) == 36"])
@pytest.mark.parametrize("peer", PEERS[:2])
def test_divisors_and_multiples(peer: str, statement: str) -> None:
    problem = ci.Problem()
    x, y = problem.integer("x", 1, 20), problem.integer("y", 1, 20)
    problem.add(ci.gcd(x, y) == 6 if "gcd" in statement else ci.lcm(x, y) == 36)
    problem.maximize(x + 30 * y)
    answer = solve_with(peer)(problem, domains(problem))
    contest.check(peer, problem, problem.solve(), answer.satisfied, answer.values)


def test_what_a_peer_cannot_take_is_refused() -> None:
    if not contest.installed("python_constraint"):
        pytest.skip("python-constraint2 is not installed")
    problem = ci.Problem()
    problem.integer("x", 0)
    with pytest.raises(Refused, match="'x' has no end"):
        solve_with("python_constraint")(problem, domains(problem))


def test_a_worse_or_a_wrong_answer_is_told() -> None:
    problem = ci.Problem()
    x = problem.integer("x", 0, 5)
    problem.add(x != 5)
    problem.maximize(x)
    solution = problem.solve()
    for satisfied, values, message in [
        (False, {}, "says none"),
        (True, {"x": 5}, "violates"),
        (True, {"x": 3}, "is 3 by Z3, 4 by constrint"),
    ]:
        with pytest.raises(AnswersDiffer, match=message):
            contest.check("z3_solver", problem, solution, satisfied, values)


def test_a_process_that_takes_too_long_is_no_time(peer: str) -> None:
    problem = ci.load(file_of("send_more_money"))
    asked = contest.ask(peer, file_of("send_more_money"), problem, problem.solve(), 1, 0.05)
    assert asked == contest.Asked(None, "> 0.05 s")


def test_a_peer_in_a_process_of_its_own(peer: str) -> None:
    problem = ci.load(file_of("send_more_money"))
    asked = contest.ask(peer, file_of("send_more_money"), problem, problem.solve(), 1)
    assert asked.seconds is not None and asked.seconds > 0


def test_no_answer_is_no_ratio() -> None:
    line = contest.Line("puzzles", "zebra", 0.001, {"z3_solver": contest.Asked(0.004)})
    late = contest.Line("puzzles", "sudoku", 0.001, {"z3_solver": contest.Asked(None, "> 10 s")})
    *_, first, second = contest.table([line, late], ["z3_solver"])
    assert first.endswith("| 1.00 | 4.0 | 4.0 |") and second.endswith("| 1.00 | > 10 s |  |")
    assert "- Z3: puzzles 4.00 (1 of 2), all 4.00 (1 of 2)" in contest.summary([line, late], ["z3_solver"])


def test_the_plots_have_every_ratio_of_the_tables() -> None:
    pytest.importorskip("matplotlib", reason="the plots are drawn by matplotlib")
    from benchmarks.plots import plot_families, plot_peers, tables

    beside, peers = tables()
    names = {row[1] for row in beside}
    assert "zebra" in names and "subset_sum" not in names
    assert len(plot_families(beside).axes[0].patches) == len(beside)
    lines = plot_peers(peers).axes[0].get_lines()
    assert sum(len(line.get_xdata()) for line in lines if line.get_marker() != "None") == sum(
        len(numbers) for _, _, numbers in peers
    )
    assert len(lines) == 4  # three solvers, and where both are as fast
