"""The Python API: what a problem accepts, what it refuses and how it says so, how things are shown."""

from __future__ import annotations

import io
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import constrint as ci
from tests.random_problems import problems, solutions

steady = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@pytest.fixture
def problem() -> ci.Problem:
    """x and y in 0..9, and an array q of 2 × 3 bits."""
    made = ci.Problem("small")
    made.integer("x", 0, 9)
    made.integer("y", 0, 9)
    made.array("q", (2, 3), 0, 1)
    return made


x, y = (ci.expressions.variable(name) for name in "xy")


# Declarations ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "1a", "a b", "a\n", "a-b", "é", "x[0]", "a.b", 5, None, b"x"])
def test_what_is_no_name_is_refused(problem: ci.Problem, name: Any) -> None:
    for declare in (problem.integer, problem.boolean, lambda name: problem.array(name, 3)):
        with pytest.raises(ci.ProblemError, match="is not a name"):
            declare(name)


@pytest.mark.parametrize("name", ["x", "q"])
def test_a_name_is_taken_once(problem: ci.Problem, name: str) -> None:
    for declare in (problem.integer, problem.boolean, lambda name: problem.array(name, 3)):
        with pytest.raises(ci.ProblemError, match=f"the name '{name}' is already taken"):
            declare(name)
    assert len(problem.variables) == 8


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ({"low": 1.5}, "the lower bound of 'n' must be an integer, not 1.5"),
        ({"high": "9"}, "the upper bound of 'n' must be an integer, not '9'"),
        ({"values": 5}, "values of 'n' must be a collection of integers, not 5"),
        ({"values": [1, 2.0]}, "a value of 'n' must be an integer, not 2.0"),
        ({"values": "12"}, "a value of 'n' must be an integer, not '1'"),
        ({"multiple_of": 2.0}, "multiple_of of 'n' must be an integer, not 2.0"),
        ({"divides": "6"}, "divides of 'n' must be an integer, not '6'"),
        ({"remainder": 5}, r"remainder of 'n' must be a pair \(r, m\), not 5"),
        ({"remainder": (1,)}, r"remainder of 'n' must be a pair \(r, m\), not \(1,\)"),
        ({"remainder": (1, 2, 3)}, "must be a pair"),
        ({"remainder": ("a", 2)}, "the remainder of 'n' must be an integer, not 'a'"),
        ({"remainder": (1, 2.5)}, "the modulus of 'n' must be an integer, not 2.5"),
        ({"remainder": (1, 0)}, "the modulus of 'n' must not be 0"),
        ({"power_of": 1}, "power_of of 'n' must be at least 2, not 1"),
        ({"power_of": -2}, "power_of of 'n' must be at least 2, not -2"),
    ],
    ids=str,
)
def test_a_domain_that_cannot_be_meant_is_refused(declared: dict[str, Any], message: str) -> None:
    for declare in (ci.Problem().integer, lambda name, **what: ci.Problem().array(name, 2, **what)):
        with pytest.raises(ci.ProblemError, match=message):
            declare("n", **declared)


@pytest.mark.parametrize("shape", [0, -1, (2, 0), (), "3", 2.0, (2, "a"), None])
def test_a_shape_is_made_of_positive_integers(problem: ci.Problem, shape: Any) -> None:
    with pytest.raises(ci.ProblemError, match="the shape of 'r' must be made of positive integers"):
        problem.array("r", shape)
    assert "r" not in problem.arrays


def test_an_array_beyond_reason_is_refused_before_it_is_built(problem: ci.Problem) -> None:
    for shape in (10**7, (10**4, 10**4), 10**30):
        with pytest.raises(ci.SizeLimitError, match="1000000 variables"):
            problem.array("r", shape)


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ({"low": -2, "high": 1}, [-2, -1, 0, 1]),
        ({"low": 3, "high": 2}, []),
        ({"values": [5, -3, 5, 0]}, [-3, 0, 5]),
        ({"values": []}, []),
        ({"values": range(0, 9, 4)}, [0, 4, 8]),
        ({"low": -7, "high": 7, "multiple_of": -3}, [-6, -3, 0, 3, 6]),
        ({"low": -7, "high": 7, "multiple_of": 0}, [0]),
        ({"low": -7, "high": 7, "remainder": (-1, 5)}, [-6, -1, 4]),
        ({"low": -7, "high": 7, "remainder": (4, -5)}, [-6, -1, 4]),
        ({"divides": 12}, [1, 2, 3, 4, 6, 12]),
        ({"divides": -12, "high": 5}, [1, 2, 3, 4]),
        ({"divides": 0, "high": 3}, [1, 2, 3]),
        ({"power_of": 3, "high": 100}, [1, 3, 9, 27, 81]),
        ({"values": range(100), "divides": 60, "multiple_of": 4, "remainder": (0, 5)}, [20, 60]),
    ],
    ids=str,
)
def test_the_statements_of_a_declaration_all_hold(declared: dict[str, Any], expected: list[int]) -> None:
    problem = ci.Problem()
    n = problem.integer("n", **declared)
    assert sorted(solution[n] for solution in problem.search().solutions) == expected
    assert [k for k in range(-100, 101) if problem.variables["n"].holds(k)] == expected
    assert problem.count() == len(expected)


# Stating constraints -------------------------------------------------------------------------------------


def deep(levels: int) -> ci.Expression:
    expression = x
    for _ in range(levels):
        expression = abs(expression) - 1
    return expression


@pytest.mark.parametrize("what", ["x > 3", 1.5, None, [x > 1], {"x": 1}, object], ids=repr)
def test_what_is_no_expression_is_refused(problem: ci.Problem, what: Any) -> None:
    for state in (problem.add, problem.minimize, problem.maximize, ci.largest, ci.smallest):
        with pytest.raises(ci.ExpressionError, match="expected an integer or an expression, got"):
            state(what)


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        ("x", ci.ExpressionError),
        (ci.Problem().integer("z") > 0, ci.UnknownNameError),
        (deep(3000), ci.SizeLimitError),
    ],
    ids=["text", "unknown name", "deep"],
)
def test_of_several_expressions_with_a_bad_one_none_is_added(
    problem: ci.Problem, bad: Any, error: type[ci.ProblemError]
) -> None:
    for state in (problem.add, problem.minimize, problem.maximize):
        with pytest.raises(error):
            state(x > 1, bad, y > 1)
    if not isinstance(bad, str):
        with pytest.raises(error):
            problem.prefer(ci.largest(x), ci.largest(bad))
    assert not (problem.constraints or problem.objectives or problem.preferences)


def test_an_unknown_name_comes_with_the_closest_known_one(problem: ci.Problem) -> None:
    stranger = ci.Problem()
    with pytest.raises(ci.UnknownNameError, match=r"unknown name 'X' … did you mean 'x'\?"):
        problem.add(stranger.integer("X") > 0)
    with pytest.raises(ci.UnknownNameError, match=r"unknown name 'w'$"):
        problem.add(stranger.integer("w") > 0)
    with pytest.raises(ci.UnknownNameError, match="unknown name"):
        problem.add(stranger.array("q", 2)[1] > 0)


def test_errors_carry_the_place_that_was_given(problem: ci.Problem) -> None:
    place = ci.Place("p.yaml", 3, 5)
    for bad in ("text", ci.Problem().integer("w"), deep(3000)):
        with pytest.raises(ci.ProblemError) as caught:
            problem.add(bad, place=place)
        assert caught.value.place == place
        assert str(caught.value).startswith("p.yaml:3:5: ")


def test_only_wishes_are_preferred(problem: ci.Problem) -> None:
    with pytest.raises(ci.ProblemError, match=r"prefer\(\) takes largest\(…\) and smallest\(…\), not <x>"):
        problem.prefer(x)  # type: ignore[arg-type]


def test_nesting_up_to_the_limit_is_solved_and_beyond_it_refused(problem: ci.Problem) -> None:
    from constrint.expressions import MAX_NESTING

    fitting = deep(MAX_NESTING // 2 - 1)
    problem.add(fitting == 0)
    solution = problem.solve()
    assert solution[fitting] == 0
    with pytest.raises(ci.SizeLimitError, match=f"nests more than {MAX_NESTING} deep"):
        problem.add(deep(MAX_NESTING))


def test_a_long_sum_and_a_long_conjunction_do_not_count_as_deep(problem: ci.Problem) -> None:
    total, both = x, x >= 0
    for k in range(2000):
        total = total + y
        both = both & (x >= -k)
    problem.add(total == 18_003, both)
    assert dict(problem.solve()) | {"q": None} == {"x": 3, "y": 9, "q": None}


# Operators -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("divide", [lambda: x / 2, lambda: 2 / x, lambda: x / y])
def test_a_slash_is_refused_with_the_way_out(divide: Callable[[], Any]) -> None:
    with pytest.raises(ci.ExpressionError, match=r"write '//' \(floor division\) or ceil_div"):
        divide()


@pytest.mark.parametrize(
    "ask",
    [
        lambda: 0 < x < 5,
        lambda: x and y,
        lambda: not x,
        lambda: x in [1, 2],
        lambda: 1 if x else 0,
        lambda: any([x]),
    ],
    ids=["chained", "and", "not", "in", "if", "any"],
)
def test_asking_for_a_truth_says_what_to_write_instead(ask: Callable[[], Any]) -> None:
    with pytest.raises(ci.ExpressionError) as caught:
        ask()
    for remedy in ("'&', '|', '~' for and, or, not", "'(a <= x) & (x <= b)' for a chained", "x.isin([...])"):
        assert remedy in str(caught.value)


def test_an_expression_is_no_integer() -> None:
    for use in (lambda: int(x), lambda: range(x), lambda: [1, 2][x]):
        with pytest.raises(ci.ExpressionError, match="'x' is not a constant"):
            use()


BINARY = [
    operator.add, operator.sub, operator.mul, operator.floordiv, operator.mod, operator.pow,
    operator.eq, operator.ne, operator.le, operator.lt, operator.ge, operator.gt,
    operator.and_, operator.or_, operator.xor,
]  # fmt: skip


@pytest.mark.parametrize("apply", BINARY, ids=lambda apply: apply.__name__)
def test_operators_take_integers_on_either_side_numpys_too(apply: Callable[[Any, Any], Any]) -> None:
    truth = apply in (operator.and_, operator.or_, operator.xor)

    def value(a: int, b: int) -> int:
        return int(apply(bool(a), bool(b)) if truth else apply(a, b))

    for number in (3, np.int64(3), np.int8(3), np.uint16(3), True):
        for k in (1, 2, 5):
            assert ci.evaluate(apply(x, number), {"x": k}) == value(k, int(number))
            assert ci.evaluate(apply(number, x), {"x": k}) == value(int(number), k)
    assert ci.evaluate(apply(x, y), {"x": 7, "y": 3}) == value(7, 3)


@pytest.mark.parametrize(
    "wrong", [1.0, "a", None, np.float64(2), [1]], ids=lambda wrong: type(wrong).__name__
)
def test_operators_refuse_what_is_no_integer(wrong: Any) -> None:
    for apply in BINARY:
        with pytest.raises(ci.ExpressionError, match="expected an integer or an expression"):
            apply(x, wrong)


def test_numpy_integers_are_numbers_everywhere() -> None:
    problem = ci.Problem()
    low: Any = np.int8(-5)
    high: Any = np.int64(5)
    two: Any = np.uint8(2)
    n = problem.integer("n", low, high, values=np.arange(-9, 9), multiple_of=two)
    q = problem.array("q", two, 0, 3)
    problem.add(n != np.int32(2), ci.table(q, np.array([[1, 2], [3, 0]])), n.isin(np.array([2, 4])))
    solution = problem.solve()
    assert type(solution["n"]) is int and solution["n"] == 4
    assert problem.check({"n": np.int16(4), "q": [np.int64(3), np.int64(0)]})
    assert ci.load(io.StringIO(problem.to_yaml())).count() == problem.count() == 2


def test_constants_are_folded_and_true_is_1() -> None:
    seven = ci.total([3, 4])
    assert str(seven) == "7" and int(seven) == 7
    assert str(ci.absolute(-3)) == "3" and str(ci.maximum(1, True)) == "1"
    assert str(x + 1 - 1) == "x" and str(2 * x * 3) == "6 * x"


# Arrays and functions ------------------------------------------------------------------------------------


def test_arrays_index_slice_nest_and_flatten(problem: ci.Problem) -> None:
    q = problem["q"]
    assert len(q) == 2 and [str(e) for e in q.flat] == [f"q[{i}][{j}]" for i in range(2) for j in range(3)]
    assert str(q[1][2]) == str(q[1, 2]) == str(q[-1, -1]) == "q[1][2]"
    assert [str(e) for e in q[0][1:]] == ["q[0][1]", "q[0][2]"]
    for index in (2, -3):
        with pytest.raises(IndexError, match=f"index {index} is out of range for an array of 2"):
            q[index]


def test_a_variable_indexes_rows_and_columns(problem: ci.Problem) -> None:
    q = problem["q"]
    problem.add(q[x, y] == 1, x == 1, ci.total(q.flat) == 1)
    for solution in problem.solutions():
        assert solution["q"][solution["x"]][solution["y"]] == 1
    assert problem.count() == 3


def test_rows_of_different_length_are_not_indexed_by_a_variable() -> None:
    with pytest.raises(ci.ExpressionError, match="rows of the same length"):
        ci.element(x, [[1, 2], [3]])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ci.maximum([]), r"max\(\) needs at least one argument"),
        (lambda: ci.gcd([]), r"gcd\(\) needs at least one argument"),
        (lambda: ci.table([x, y], [(1, 2), (1,)]), "row 1 of the table has 1 values for 2 variables"),
        (lambda: ci.table([x], [("a",)]), "row 0 of the table is not of integers"),
        (lambda: ci.gcd(1.5), "got float 1.5"),
        (lambda: ci.all_different(x, "y"), "got str 'y'"),
    ],
)
def test_functions_say_which_argument_is_wrong(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ci.ExpressionError, match=message):
        call()


# Questions -----------------------------------------------------------------------------------------------

QUESTIONS: dict[str, Callable[..., Any]] = {
    "solve": lambda p, **o: p.solve(**o),
    "search": lambda p, **o: p.search(**o),
    "solutions": lambda p, **o: list(p.solutions(**o)),
    "count": lambda p, **o: p.count(**o),
    "enumerate": lambda p, **o: p.enumerate(**o),
    "propagate": lambda p, **o: p.propagate(**o),
}


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("limit", ["x", -1, -0.5, float("nan"), True, [1], 1j], ids=str)
def test_a_time_limit_is_a_number_of_seconds(problem: ci.Problem, question: str, limit: Any) -> None:
    with pytest.raises(ci.ProblemError, match="a time limit is a number of seconds, 0 or more, not"):
        QUESTIONS[question](problem, time_limit=limit)


@pytest.mark.parametrize("limit", [0, -1, "a", 2.5], ids=str)
def test_a_limit_of_solutions_is_a_positive_integer(problem: ci.Problem, limit: Any) -> None:
    for question in ("search", "solutions"):
        with pytest.raises(ci.ProblemError, match="a limit of solutions is a positive integer, not"):
            QUESTIONS[question](problem, limit=limit)


@pytest.mark.parametrize("limit", [-1, "3", 1.5], ids=str)
def test_a_limit_of_nodes_is_an_integer_from_0(problem: ci.Problem, limit: Any) -> None:
    with pytest.raises(ci.ProblemError, match="a node limit is an integer, 0 or more, not"):
        problem.solve(node_limit=limit)


def test_an_unknown_back_end_is_refused_with_those_there_are(problem: ci.Problem) -> None:
    with pytest.raises(ci.BackendError, match="unknown back end 'z3'; there are native, cp-sat, auto"):
        problem.solve(backend="z3")


def test_a_solution_is_a_mapping_that_takes_expressions(problem: ci.Problem) -> None:
    q = problem["q"]
    problem.add(x == 3, y == 4, ci.all_of(e == (k % 2) for k, e in enumerate(q.flat)))
    solution = problem.solve()
    assert solution and len(solution) == 3 and list(solution) == ["x", "y", "q"]
    assert dict(solution) == {"x": 3, "y": 4, "q": [[0, 1, 0], [1, 0, 1]]}
    assert solution["q[0][1]"] == solution[q[0, 1]] == 1
    assert solution[x * y + 1] == 13 and solution[5] == 5
    assert "x" in solution and "w" not in solution
    with pytest.raises(KeyError, match="w"):
        solution["w"]
    assert repr(solution) == "<Solution satisfied: x=3, y=4, q=[[0, 1, 0], [1, 0, 1]]>"


def test_no_solution_is_empty_and_false(problem: ci.Problem) -> None:
    problem.add(x > y, y > x)
    solution = problem.solve()
    assert not solution and len(solution) == 0 and dict(solution) == {}
    assert (solution.status, solution.complete, repr(solution)) == (
        "infeasible",
        True,
        "<Solution infeasible>",
    )
    with pytest.raises(KeyError, match="the status is infeasible"):
        solution[x]


@pytest.mark.parametrize(
    ("assignment", "error", "message"),
    [
        ({"x": 1}, ci.ProblemError, r"the assignment has no value for 'y' \(and 6 more\)"),
        ({"X": 1}, ci.UnknownNameError, r"unknown name 'X' … did you mean 'x'\?"),
        ({"x": 1.5}, ci.ProblemError, "the value of 'x' must be an integer, not 1.5"),
        ({"q": [[0, 0, 0, 0]]}, ci.UnknownNameError, r"q\[0\]\[3\]"),
        ({"q": 5}, ci.UnknownNameError, "'q'"),
        ([1, 2], ci.ProblemError, "maps names to integers"),
    ],
    ids=str,
)
def test_an_assignment_that_does_not_fit_is_refused(
    problem: ci.Problem, assignment: Any, error: type[ci.ProblemError], message: str
) -> None:
    with pytest.raises(error, match=message):
        problem.check(assignment)


def test_a_check_names_violated_declarations_and_constraints(problem: ci.Problem) -> None:
    problem.add(x + y == 5, label="sum")
    problem.add(x > y)
    good = {"x": 4, "y": 1, "q": [[0, 0, 0], [1, 1, 1]]}
    assert problem.check(good) and problem.check(good).violated == []
    check = problem.check({"x": -4, "y": 10, "q": [[0, 2, 0], [1, 1, 1]]})
    assert not check and check.status == "infeasible"
    assert list(map(str, check.violated)) == [
        "domain of x: x >= 0 and x <= 9",
        "domain of y: y >= 0 and y <= 9",
        "domain of q[0][1]: q[0][1] >= 0 and q[0][1] <= 1",
        "sum: x + y == 5",
        "x > y",
    ]


@steady
@given(problems(depth=1))
def test_a_check_agrees_with_brute_force(problem: ci.Problem) -> None:
    names = list(problem.variables)
    good = set(solutions(problem))
    for values in [(0, 0, 0, 0), (1, 2, 3, 1), (-4, 6, -1, 0), *list(good)[:3]]:
        check = problem.check(dict(zip(names, values, strict=True)))
        assert bool(check) == (values in good) == (not check.violated)


# Showing -------------------------------------------------------------------------------------------------


def test_problems_constraints_and_expressions_are_shown_briefly(problem: ci.Problem) -> None:
    problem.add(x + y <= 5, label="sum")
    assert repr(problem) == "<Problem 'small': 8 variables, 1 constraints>"
    assert str(problem.constraints[0]) == "sum: x + y <= 5"
    assert repr(x % 3 == 1) == "<x % 3 == 1>"
    assert repr(problem["q"][0]) == "Array([<q[0][0]>, <q[0][1]>, <q[0][2]>])"


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (x - y - 1, "x - y - 1"),
        (x - (y - 1), "x - (y - 1)"),
        ((x + y) * 2, "2 * (x + y)"),
        (-(x**2), "-x ** 2"),
        ((-x) ** 2, "(-x) ** 2"),
        (x // y // 2, "x // y // 2"),
        (x // (y // 2), "x // (y // 2)"),
        (x * (y % 3), "x * (y % 3)"),
        (2 ** (x**y), "2 ** x ** y"),
        ((2**x) ** y, "(2 ** x) ** y"),
        (~((x > 1) | (y > 1) & (x == y)), "not (x > 1 or y > 1 and x == y)"),
        ((x > y) == (y > 1), "(x > y) == (y > 1)"),
        (ci.choose(x > 1, y, 3) + 1, "(y if x > 1 else 3) + 1"),
        (x.isin([3, 1]), "x in [1, 3]"),
        (ci.count([x, y], 2) >= 1, "count([x, y], 2) >= 1"),
        (ci.element(x, [1, y]), "element(x, [1, y])"),
        (ci.table([x, y], [(2, 1), (1, 2)]), "table([x, y], [[1, 2], [2, 1]])"),
        (ci.implies(x > 1, ci.xor(x, y)), "implies(x > 1, xor(x, y))"),
        (ci.all_of([]), "1"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_expressions_are_shown_as_they_would_be_written(expression: ci.Expression, text: str) -> None:
    assert str(expression) == text


def test_domains_are_shown_with_what_is_known() -> None:
    problem = ci.Problem()
    a = problem.integer("a")
    problem.integer("b", 0, multiple_of=6)
    problem.integer("c", -4000, 4000, remainder=(2, 3))
    problem.integer("d", divides=6)
    problem.integer("e", 1, divides=(10**15 + 37) * (10**16 + 61))
    problem.integer("f", 5, 5)
    problem.add(a <= 7)
    domains = problem.propagate().domains
    assert [str(domain) for domain in domains.values()] == [
        "-∞ .. 7",
        "0 .. ∞, multiple of 6",
        "-4000 .. 3998, multiple of 3 plus 2",
        "{1, 2, 3, 6}",
        f"1 .. {(10**15 + 37) * (10**16 + 61)}, divides {(10**15 + 37) * (10**16 + 61)}",
        "5",
    ]
    sizes = [domain.size for domain in domains.values()]
    assert sizes == [None, None, 2667, 4, None, 1]
    assert 6 in domains["b"] and 7 not in domains["b"] and "6" not in domains["b"]
    assert 10**15 + 37 in domains["e"] and 2 not in domains["e"]


def test_numbers_beyond_4300_digits_are_solved_shown_and_written() -> None:
    huge = 10**5000
    problem = ci.Problem()
    n = problem.integer("n", 0, huge)
    problem.add(n >= huge - 1, n % 2 == 1)
    solution = problem.solve()
    assert solution[n] == huge - 1
    shown = "9" * 5000
    assert shown in repr(solution) and shown in str(problem.constraints[0]) and shown in repr(n == huge - 1)
    again = ci.load(io.StringIO(problem.to_yaml()))
    assert again.variables == problem.variables and again.solve()["n"] == huge - 1


@steady
@given(problems(depth=2))
def test_random_problems_written_and_read_back_have_the_same_solutions(problem: ci.Problem) -> None:
    again = ci.load(io.StringIO(problem.to_yaml()))
    assert again.variables == problem.variables
    assert [c.label for c in again.constraints] == [c.label for c in problem.constraints]
    assert solutions(again) == solutions(problem)


def test_what_is_no_list_is_named_and_errors_inside_a_generator_come_through() -> None:
    x = ci.Problem().integer("x", 0, 3)
    with pytest.raises(ci.ExpressionError, match="expected a list, not <x>"):
        ci.element([1, 2, 3], x)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="unsupported operand"):
        ci.total(x * (item + 1) for item in [None])  # type: ignore[operator]
