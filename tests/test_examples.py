"""Every example file has the answer that is known for it.

Counts and optima were computed without constrint: by enumeration in plain Python, by OR-Tools, or from the
literature; `example_checks` and `example_tiles` judge the solutions. tests/test_fused_rnn.py holds the
kernel problem.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

import constrint as ci
from tests.example_checks import CHECKS
from tests.example_tiles import TILES

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "examples").glob("*.yaml"))


@dataclass(frozen=True)
class Known:
    """What is known of an example.

    `wishes` are the values of the preferred variables in order, `values` those that every answer has, and
    `count` the number of solutions, objectives aside.
    """

    status: str = "satisfied"
    objective: int | list[int] | None = None
    wishes: list[int] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    count: int | None = None


def optimal(objective: int | list[int], **rest: Any) -> Known:
    return Known("optimal", objective, **rest)


KNOWN = {
    # Puzzles; the numbers of solutions are known from the literature where the puzzle is.
    "send_more_money": Known(
        values={"S": 9, "E": 5, "N": 6, "D": 7, "M": 1, "O": 0, "R": 8, "Y": 2}, count=1
    ),
    "two_squared": Known(count=3),  # 567² = 321489, 807² = 651249, 854² = 729316
    "eight_queens": Known(count=92),
    "twenty_queens": Known(),
    "sudoku": Known(
        values={
            "cell": [
                [4, 5, 9, 2, 7, 3, 6, 1, 8],
                [2, 1, 3, 4, 6, 8, 5, 9, 7],
                [8, 6, 7, 5, 1, 9, 3, 4, 2],
                [9, 4, 1, 3, 2, 6, 8, 7, 5],
                [3, 2, 5, 1, 8, 7, 9, 6, 4],
                [7, 8, 6, 9, 5, 4, 1, 2, 3],
                [6, 3, 4, 7, 9, 5, 2, 8, 1],
                [1, 7, 8, 6, 3, 2, 4, 5, 9],
                [5, 9, 2, 8, 4, 1, 7, 3, 6],
            ]
        },
        count=1,
    ),
    "durer_square": Known(
        wishes=[16, 5],
        values={"s": [[16, 3, 2, 13], [5, 10, 11, 8], [9, 6, 7, 12], [4, 15, 14, 1]]},
        count=4,
    ),
    "zebra": Known(values={"zebra": 5, "japanese": 5, "water": 1, "norwegian": 1}, count=1),
    "kakuro": Known(
        values={
            "cell": [[4, 5, 0, 8, 9], [7, 8, 9, 6, 5], [0, 7, 8, 9, 0], [3, 1, 7, 2, 8], [1, 9, 0, 7, 9]]
        },
        count=1,
    ),
    "calcudoku": Known(
        values={
            "d": [
                [4, 2, 1, 5, 6, 3],
                [3, 1, 4, 2, 5, 6],
                [5, 3, 6, 4, 1, 2],
                [2, 6, 5, 3, 4, 1],
                [1, 5, 2, 6, 3, 4],
                [6, 4, 3, 1, 2, 5],
            ]
        },
        count=1,
    ),
    "golomb_ruler": optimal(25),
    "langford": Known(count=26),
    "magic_sequence": Known(values={"x": [6, 2, 1, 0, 0, 0, 1, 0, 0, 0]}, count=1),
    "all_interval": Known(),
    "lights_out": optimal(15, count=4),
    "knights_and_knaves": Known(values={"ann": 1, "bob": 1, "cleo": 0, "dan": 1, "eve": 1}, count=1),
    "water_jugs": optimal(6, values={"steps": 6}),
    # Numbers.
    "coin_change": optimal([5, 2], values={"n": [0, 1, 1, 0, 1, 2]}, count=1350),
    "frobenius_coins": Known("infeasible", count=0),
    "hundred_fowls": Known(count=4),
    "three_squares": Known(count=9),
    "lattice_points": Known(count=48),
    "pell": Known(wishes=[1820], values={"x": 9801, "y": 1820}),
    "pythagorean_triples": Known(wishes=[97, 72], values={"a": 65, "b": 72, "c": 97}, count=16),
    "egyptian_fractions": optimal(12, values={"a": 2, "b": 4, "c": 6, "d": 12}, count=6),
    "sum_of_cubes": Known(wishes=[55], values={"x": 55, "y": 21, "z": -56}, count=2),
    "taxicab": optimal(1729, values={"a": 1, "b": 12, "c": 9, "d": 10}, count=2),  # the other is 4104
    "no_integer_solution": Known("infeasible", count=0),
    "big_factorisation": Known(wishes=[2**37], values={"a": 2**37, "b": 2**3 * 5**40}, count=4 * 41),
    "chinese_remainder": optimal(301, values={"eggs": 301}),
    "ramanujan_nagell": Known(wishes=[15], values={"x": 181, "n": 15}, count=5),
    "seven_eleven": Known(values={"price": [120, 125, 150, 316]}, count=1),
    "easter": optimal([4, 25], values={"year": 2038}, count=100),
    "cicadas": optimal(34, values={"period": 17}, count=7),
    "cattle": Known(
        wishes=[50549485234315033074477819735540408986340],
        values={"x": 109931986732829734979866232821433543901088049},
    ),
    "heron": Known(wishes=[551153375716957056908852682434], count=52),  # 4, 14, 52, …: m = 4 m' - m''
    "mordell": Known(wishes=[5234], values={"y": 378661}, count=8),
    "markov": Known(wishes=[1325], values={"x": 13, "y": 34}),
    "cannonballs": Known(values={"n": 24, "m": 70}),
    # Choices.
    "knapsack": optimal(80, count=5632),
    "production_mix": optimal(780, count=1387),
    "subset_sum": Known(values={"paid": [1, 0, 1, 1, 0, 0, 1, 1, 0, 1, 0, 1, 0, 0]}, count=1),
    "graph_colouring": optimal(4, wishes=[1, 2, 3, 3, 1, 2, 1, 1, 4, 4, 2, 2, 2]),
    "bin_packing": optimal([4, 0]),
    "facility_location": optimal(144),
    "computer_configuration": optimal(906, values={"processor": 1, "graphics": 1}, count=282),
    "quasigroup": Known(count=3),
    "italian_holiday": Known("infeasible", count=0),
    # Schedules.
    "job_shop": optimal(55),
    "project": optimal([24, 9]),
    "nurse_rota": optimal(2),
    "meeting_hours": optimal([7, 14], values={"utc": 21}, count=3),
    "building_site": optimal([1, 20, 3]),
    "delivery_round": optimal(246),
    "shift_pattern": Known(),
    # Tiles; the numbers are checked against an enumeration below.
    "gemm_tile": optimal([72, 196608], wishes=[64, 4, 1, 8], count=4100),
    "convolution_tile": optimal(185088, wishes=[32, 224], count=13570),
    "attention_tile": Known(wishes=[256, 64, 4, 8], count=274),
    "stencil_space": Known(count=2522),
}

COUNTED = [name for name, known in KNOWN.items() if known.count is not None]


def file_of(name: str) -> Path:
    return ROOT / "examples" / f"{name}.yaml"


def document(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(file_of(name).read_text(encoding="utf-8"))
    return found


def test_every_example_has_a_known_answer() -> None:
    assert {path.stem for path in FILES} == {*KNOWN, "fused_rnn_h100"}
    feasible = {name for name, known in KNOWN.items() if known.status != "infeasible"}
    assert feasible | {"frobenius_coins"} == {*CHECKS, *TILES}


@pytest.mark.parametrize("name", KNOWN)
def test_the_answer_is_the_known_one(name: str) -> None:
    known = KNOWN[name]
    problem = ci.load(file_of(name))
    solution = problem.solve(time_limit=60)

    assert solution.status == known.status
    assert solution.objective == known.objective
    if known.status == "infeasible":
        assert not solution
        return
    assert [solution[wish.expression] for wish in problem.preferences] == known.wishes
    assert {key: solution[key] for key in known.values} == known.values
    assert not problem.check(dict(solution)).violated
    if name in CHECKS:
        assert CHECKS[name](dict(solution), document(name).get("parameters", {}))


@pytest.mark.parametrize("name", COUNTED)
def test_there_are_as_many_solutions_as_known(name: str) -> None:
    assert ci.load(file_of(name)).count(time_limit=60) == KNOWN[name].count


@pytest.mark.parametrize("name", TILES)
def test_tiles_are_those_of_a_plain_enumeration(name: str) -> None:
    content = document(name)
    gpu = yaml.safe_load((ROOT / "examples" / content["include"]["gpu"]).read_text(encoding="utf-8"))
    found = list(TILES[name](content["parameters"], gpu))
    best = min(goals for _, goals in found)

    solution = dict(ci.load(file_of(name)).solve(time_limit=60))

    assert len(found) == KNOWN[name].count
    assert [solution == configuration for configuration, goals in found if goals == best].count(True) == 1


@pytest.mark.parametrize(
    ("amount", "payable"), [(n, n not in (1, 2, 3, 4, 5, 7, 8, 43)) for n in (*range(9), 43, 44, 45)]
)
def test_which_amounts_nuggets_add_up_to(amount: int, payable: bool) -> None:
    solution = ci.load(file_of("frobenius_coins"), set={"amount": amount}).solve()
    assert bool(solution) is payable
    assert not payable or CHECKS["frobenius_coins"](dict(solution), {"amount": amount})


@pytest.mark.parametrize("n", range(60))
def test_three_squares_as_legendre_says(n: int) -> None:
    rest = n
    while rest and rest % 4 == 0:
        rest //= 4
    solution = ci.load(file_of("three_squares"), set={"n": n}).solve()
    assert solution.status == ("infeasible" if rest % 8 == 7 else "satisfied")


def test_more_queens() -> None:
    solution = ci.load(file_of("twenty_queens"), set={"n": 12}).solve(time_limit=60)
    assert CHECKS["twenty_queens"](dict(solution), {"n": 12})


def test_the_holiday_fails_for_a_minimal_reason() -> None:
    conflict = ci.load(file_of("italian_holiday")).explain().conflict
    assert {constraint.label for constraint in conflict} == {
        "a week of holiday",
        "Rome was not built in a day",
        "Florence deserves as long as Rome",
        "two days of Venice",
    }


KEYS = [
    "name", "description", "include", "parameters", "variables", "constraints", "prefer", "minimize",
    "maximize", "if", "then", "else", "any", "all", "none", "label", "min", "max", "values",
    "multiple_of", "divides", "remainder", "power_of", "array", "domain",
]  # fmt: skip
FUNCTIONS = [
    "abs", "min", "max", "sum", "gcd", "lcm", "ceil_div", "divides", "implies", "iff", "xor",
    "all_different", "table", "element", "count", "any", "all", "precedence", "no_overlap", "cumulative",
    "circuit", "regular", "global_cardinality", "at_most", "lex_less",
]  # fmt: skip
PATTERNS = {
    "range domain": r": -?\w+\.\.\w+",
    "list domain": r"^  \w+: \[",
    "unbounded": r": integer$|: integer ",
    "natural": r": natural",
    "positive": r": positive",
    "bool": r": bool$|: bool\b",
    "two dimensions": r"array: \[\w+, \w+\]",
    "largest": r": largest$",
    "smallest": r": smallest$",
    "list of objectives": r"^m\w+imize:\n  - ",
    "parameter from parameters": r"^  \w+: \w+ \* \(",
    "negative number": r"\[-\d",
    "key of an include": r"gpu\.\w+",
    "generator": r"\(.* for \w+ in range\(",
    "condition of a generator": r" for \w+ in .* if .*\)",
    "chained comparison": r"\w <=? \w+ <=? \w",
    "membership": r" in \[\d",
    "choice": r"\(\d+ if \w+ == \w+ else \d+\)",
    "variable index": r"\w+\[\w+\[\w+\]",
    "variable exponent": r"2\*\*n\b",
    "floor division": r" // ",
    "remainder": r" % ",
    "not": r"\bnot \w+\)",
    "and": r"\) and |\w and \w+\[",
    "or": r"\) or \(|\] or ",
    "interval": r"\{start: \d+\.\.\w+, duration: \d",
    "optional interval": r"optional: true",
    "part of an interval": r"\w\.end <=",
    "truth as a number": r"\* \(.* == \w\)",
}
PATTERNS |= {f"key {key}": rf"(^|\s|[{{-]){key}: ?" for key in KEYS}
PATTERNS |= {f"function {name}": rf"\b{name}\(" for name in FUNCTIONS}


@pytest.mark.parametrize("feature", PATTERNS)
def test_the_examples_show_every_feature_of_the_format(feature: str) -> None:
    texts = (re.sub(r"(^| )#.*", "", path.read_text(encoding="utf-8")) for path in FILES)
    bodies = (re.sub(r"^description: .*\n(  .*\n)*", "description: \n", text, flags=re.M) for text in texts)
    assert any(re.search(PATTERNS[feature], body, flags=re.M) for body in bodies)
