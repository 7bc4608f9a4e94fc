"""Search spaces against brute force: rows, numbers, neighbours, samples, columns, projections."""

from __future__ import annotations

import pickle
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import constrint as ci
from constrint.diagram import compiling, numbering
from constrint.diagram.building import Builder
from constrint.space import SearchSpace
from tests.random_problems import NAMES, everything, problems, solutions

thorough = settings(
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)

Configuration = dict[str, Any]


def configurations(problem: ci.Problem) -> list[Configuration]:
    return [dict(zip(NAMES, row, strict=True)) for row in solutions(problem)]


def space_in_order(problem: ci.Problem, order: list[str]) -> SearchSpace:
    """The space with the layers of its diagram in this order."""
    rows = everything(problem)
    values = {name: tuple(sorted({row[k] for row in rows})) for k, name in enumerate(NAMES)}
    expressions = [constraint.expression for constraint in problem.constraints]
    builder = Builder(order, [values[name] for name in order], expressions)
    return SearchSpace(problem, builder.build())


@settings(thorough, max_examples=600)
@given(problems(depth=2))
def test_the_space_is_that_of_brute_force(problem: ci.Problem) -> None:
    expected = configurations(problem)
    space = problem.enumerate()
    assert (len(space), list(space), bool(space)) == (len(expected), expected, bool(expected))
    assert problem.count() == len(expected)
    columns = space.columns()
    assert [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)] == expected


@settings(thorough, max_examples=200)
@given(problems(depth=1), st.permutations(NAMES), st.integers(1, 5))
def test_position_and_index_are_inverse_in_any_order_of_the_layers(
    problem: ci.Problem, order: list[str], block: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        # Small blocks, so that a small space has several.
        patch.setattr(numbering, "BLOCK", block)
        expected = configurations(problem)
        space = space_in_order(problem, order)
        assert [space[k] for k in range(len(space))] == expected
        assert [space.index(each) for each in expected] == list(range(len(expected)))
        assert list(space) == expected
        assert {name: column.tolist() for name, column in space.columns().items()} == {
            name: [each[name] for each in expected] for name in NAMES
        }
        if expected:
            assert space[-1] == expected[-1]
        for chosen in (slice(None), slice(1, 4), slice(None, None, -1), slice(-3, None), slice(0, 9, 2)):
            assert space[chosen] == expected[chosen]
        for beyond in (len(expected), -len(expected) - 1):
            with pytest.raises(IndexError):
                space[beyond]


@settings(thorough, max_examples=200)
@given(problems(depth=1))
def test_just_the_solutions_are_in_the_space(problem: ci.Problem) -> None:
    space = problem.enumerate()
    expected = configurations(problem)
    for row in everything(problem)[:: max(1, len(everything(problem)) // 200)]:
        configuration = dict(zip(NAMES, row, strict=True))
        assert (configuration in space) == (configuration in expected)
        if configuration not in expected:
            with pytest.raises(ValueError, match="not in the space"):
                space.index(configuration)


def small_space() -> SearchSpace:
    p = ci.Problem()
    x = p.integer("x", values=[1, 2, 4, 8])
    y = p.integer("y", 0, 9)
    p.add(x * y <= 16, (x + y) % 2 == 0)
    return p.enumerate()


@pytest.mark.parametrize(
    "stranger",
    [
        {"x": "a", "y": 2},
        {"x": "a"},
        {"x": 2},
        {},
        {"x": 2, "y": 2, "z": 1},
        {"x": 2, "y": 2.0},
        {"x": 2, "y": None},
        {"x": [2], "y": 2},
        {"x": 3, "y": 3},
        {"x": 2, "y": 10**30},
        {"x": 2, 5: 2},
        [("x", 2), ("y", 2)],
        "xy",
        None,
    ],
)
def test_strangers_are_not_in_the_space(stranger: Any) -> None:
    space = small_space()
    assert {"x": 2, "y": 2} in space and {"y": np.int64(2), "x": True + 1} in space
    assert stranger not in space
    assert space.count(stranger) == 0
    if isinstance(stranger, dict):
        with pytest.raises(ValueError, match="not in the space"):
            space.index(stranger)


# Neighbours ---------------------------------------------------------------------------------------------


def neighbours(
    space: list[Configuration], near: dict[str, set[int]], configuration: Configuration
) -> list[Configuration]:
    return [
        each for each in space if each != configuration and all(each[name] in near[name] for name in each)
    ]


def around(values: list[int], x: int) -> set[int]:
    """x and the values next to it."""
    return {x} | set([v for v in values if v < x][-1:]) | set([v for v in values if v > x][:1])


@settings(thorough, max_examples=200)
@given(problems(depth=1), st.permutations(NAMES), st.integers(0, 10**6), st.integers(-1, 3))
def test_neighbours_are_valid_and_complete(
    problem: ci.Problem, order: list[str], pick: int, stray: int
) -> None:
    expected = configurations(problem)
    space = space_in_order(problem, order)
    rows = everything(problem)
    if not rows:
        return
    centre = dict(zip(NAMES, rows[pick % len(rows)], strict=True))
    if stray >= 0:
        # One variable has a value outside of its domain.
        centre[NAMES[stray]] = 1000
    declared = {name: sorted({row[k] for row in rows}) for k, name in enumerate(NAMES)}
    hamming = [each for each in expected if sum(each[name] != centre[name] for name in NAMES) == 1]
    assert space.neighbors(centre) == hamming
    occurring = {name: sorted({each[name] for each in expected}) for name in NAMES}
    near = {name: around(occurring[name], centre[name]) for name in NAMES}
    assert space.neighbors(centre, kind="adjacent") == neighbours(expected, near, centre)
    near = {name: around(declared[name], centre[name]) for name in NAMES}
    assert space.neighbors(centre, kind="strictly_adjacent") == neighbours(expected, near, centre)


def test_neighbours_of_nonsense_are_refused() -> None:
    space = small_space()
    with pytest.raises(KeyError, match="no value for 'y'"):
        space.neighbors({"x": 1})
    with pytest.raises(KeyError, match="no variable 'z'"):
        space.neighbors({"x": 1, "y": 1, "z": 1})
    with pytest.raises(ci.ProblemError, match="one of hamming, adjacent, strictly_adjacent"):
        space.neighbors({"x": 1, "y": 1}, kind="diagonal")


def test_strictly_adjacent_steps_in_the_declared_domain() -> None:
    p = ci.Problem()
    x = p.integer("x", 0, 20, multiple_of=2)
    y = p.integer("y", power_of=2, high=64)
    p.add(x != 6, y != 8)
    space = p.enumerate()
    near = space.neighbors({"x": 4, "y": 4}, kind="strictly_adjacent")
    assert {(each["x"], each["y"]) for each in near} == {(2, 2), (2, 4), (4, 2)}
    near = space.neighbors({"x": 4, "y": 4}, kind="adjacent")
    assert {(each["x"], each["y"]) for each in near} == set(product([2, 4, 8], [2, 4, 16])) - {(4, 4)}


# Samples ------------------------------------------------------------------------------------------------


def test_a_sample_is_uniform() -> None:
    p = ci.Problem()
    x, y, z = (p.integer(name, 0, 9) for name in "xyz")
    p.add(x + y + z == 12, x * y <= 30)
    space = p.enumerate()
    count = len(space)
    seen = np.zeros(count)
    draws = 400
    for seed in range(draws):
        for each in space.sample(5, seed=seed):
            seen[space.index(each)] += 1
    expected = draws * 5 / count
    # Drawn without repetition, the counts vary a little less than chi-squared says.
    statistic = ((seen - expected) ** 2 / expected).sum()
    degrees = count - 1
    assert abs(statistic - degrees) < 4 * np.sqrt(2 * degrees)


def test_a_sample_is_drawn_without_repetition_and_the_same_for_a_seed() -> None:
    space = small_space()
    everyone = space.sample(1000, seed=3)
    assert len(everyone) == len(space)
    assert sorted(map(space.index, everyone)) == list(range(len(space)))
    assert space.sample(4, seed=1) == space.sample(4, seed=1) != space.sample(4, seed=2)
    assert space.sample(0) == []


# Large spaces -------------------------------------------------------------------------------------------


def large_problem(variables: int = 13) -> ci.Problem:
    p = ci.Problem("large")
    x = p.array("x", variables, 1, 10)
    p.add(ci.total(x.flat) <= 5 * variables)
    return p


def compositions(variables: int, most: int) -> int:
    """How many tuples of numbers from 1 to 10 have a sum of at most this."""
    ways = {0: 1}
    for _ in range(variables):
        following: dict[int, int] = {}
        for total, number in ways.items():
            for value in range(1, 11):
                following[total + value] = following.get(total + value, 0) + number
        ways = following
    return sum(number for total, number in ways.items() if total <= most)


@pytest.mark.parametrize("variables", [13, 40])
def test_spaces_larger_than_memory_are_counted_sampled_and_numbered(variables: int) -> None:
    p = large_problem(variables)
    space = p.enumerate()
    count = compositions(variables, 5 * variables)
    assert space.size == p.count() == count > 10**12
    for each in space.sample(20, seed=7):
        assert p.check(each)
        assert space[space.index(each)] == each
    middle = count // 2
    some = space[middle : middle + 5]
    assert [space.index(each) for each in some] == list(range(middle, middle + 5))
    assert some == sorted(some, key=lambda each: each["x"])
    assert space[count - 1] == space[-1]
    assert next(iter(space)) == space[0] == {"x": [1] * variables}
    assert all(each in space for each in space.neighbors(some[0]))
    with pytest.raises(ci.SizeLimitError, match="do not fit any memory"):
        space.columns()
    if variables == 13:
        assert len(space) == count
    else:
        with pytest.raises(OverflowError):
            len(space)


def test_large_spaces_in_another_order_of_the_layers_are_numbered_too() -> None:
    # The first and the last variables belong together, so the declared order is a poor one for layers.
    p = ci.Problem()
    pairs = 6
    left = [p.integer(f"l{k}", 1, 60) for k in range(pairs)]
    right = [p.integer(f"r{k}", 1, 60) for k in range(pairs)]
    for x, y in zip(left, right, strict=True):
        p.add(x % y == 0)
    space = p.enumerate()
    assert [layer.name for layer in space._diagram.layers] != space.names
    divisors = sum(60 // d for d in range(1, 61))
    assert space.size == divisors**pairs
    for number in (0, 12345, space.size // 3, space.size - 1):
        assert space.index(space[number]) == number
    assert space[5:8] == [space[k] for k in (5, 6, 7)]
    assert list(space[0].values()) < list(space[1].values()) < list(space[10**6].values())


def test_integers_beyond_64_bits() -> None:
    p = ci.Problem()
    big = 10**25
    x = p.integer("x", big - 3, big + 3)
    y = p.integer("y", 0, 3)
    p.add(x % 3 == y)
    space = p.enumerate()
    expected = [(v, v % 3) for v in range(big - 3, big + 4)]
    assert [(each["x"], each["y"]) for each in space] == expected
    assert space["x"].dtype == object and space["x"].tolist() == [v for v, _ in expected]
    assert space["y"].dtype == np.int64
    assert space.index({"x": big, "y": big % 3}) == 3
    assert len(space.neighbors({"x": big, "y": 0})) > 0


def test_computed_variables_may_have_very_large_domains() -> None:
    p = ci.Problem()
    x, y = p.integer("x", 1, 100), p.integer("y", 1, 3)
    z = p.integer("z", 1, 10**13)
    p.add(z == x**5 * 7 + y)
    space = p.enumerate()
    expected = [(a, b, a**5 * 7 + b) for a in range(1, 101) for b in range(1, 4)]
    assert [tuple(each.values()) for each in space] == expected
    assert space["z"].tolist() == [row[2] for row in expected]
    here = {"x": 50, "y": 2, "z": 50**5 * 7 + 2}
    assert space[space.index(here)] == here
    assert space.neighbors(here, kind="adjacent") == [{**here, "y": b, "z": 50**5 * 7 + b} for b in (1, 3)]
    assert space.neighbors(here, kind="strictly_adjacent") == space.neighbors(here, kind="adjacent")


def test_free_variables_may_have_very_large_domains() -> None:
    p = ci.Problem()
    p.integer("x", 1, 10**12)
    y = p.integer("y", 0, 5)
    p.integer("z", -(10**30), 10**30)
    p.add(y * y <= 9)
    space = p.enumerate()
    assert space.size == 10**12 * 4 * (2 * 10**30 + 1)
    assert space[-1] == {"x": 10**12, "y": 3, "z": 10**30}
    for each in space.sample(5, seed=2):
        assert space[space.index(each)] == each
    here = {"x": 7, "y": 3, "z": 0}
    near = space.neighbors(here, kind="adjacent")
    assert len(near) == 3 * 2 * 3 - 1 and all(each in space for each in near)
    assert p.count(over=["x"]) == 10**12


@settings(thorough, max_examples=300)
@given(problems(depth=1))
def test_what_does_not_fit_64_bits_is_computed_exactly(problem: ci.Problem) -> None:
    expected = configurations(problem)
    # No restriction, but numbers that force Python's integers on all columns.
    x, y = (ci.expressions.variable(name) for name in "xy")
    problem.add(x * 10**30 + y <= 10**40)
    assert list(problem.enumerate()) == expected


# Projections --------------------------------------------------------------------------------------------


@settings(thorough, max_examples=300)
@given(problems(depth=1), st.sets(st.sampled_from(NAMES), min_size=1, max_size=3))
def test_a_projection_has_each_combination_once(problem: ci.Problem, over: set[str]) -> None:
    names = [name for name in NAMES if name in over]
    rows = sorted({tuple([each[name] for name in names]) for each in configurations(problem)})
    space = problem.enumerate(over=sorted(over))
    assert space.names == names
    assert list(space) == [dict(zip(names, row, strict=True)) for row in rows]
    assert problem.count(over=names) == len(rows)


def test_a_projection_onto_arrays_and_unknown_names() -> None:
    p = ci.Problem()
    a = p.array("a", [2, 2], 0, 1)
    b = p.integer("b", 0, 10)
    p.add(ci.total(a.flat) == b)
    assert p.count(over=["b"]) == 5
    space = p.enumerate(over=["a"])
    assert len(space) == 16
    assert space[1] == {"a": [[0, 0], [0, 1]]}
    assert space["a"].shape == (16, 2, 2)
    assert p.count(over=["a[0][1]", "b"]) == 8
    some = p.enumerate(over=["a[0][1]", "b"])
    assert some[0] == {"a[0][1]": 0, "b": 0} and some[4] == {"a[0][1]": 1, "b": 1}
    assert list(some) == [{"a[0][1]": a01, "b": k} for a01, b in ((0, range(4)), (1, range(1, 5))) for k in b]
    assert some["a[0][1]"].tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    assert some.index({"a[0][1]": 1, "b": 2}) == 5 and {"a[0][1]": 0, "b": 4} not in some
    with pytest.raises(KeyError, match="a"):
        some["a"]
    with pytest.raises(ci.UnknownNameError, match="unknown name 'c'"):
        p.enumerate(over=["c"])
    with pytest.raises(ci.ProblemError, match="names no variable"):
        p.enumerate(over=[])


# Search instead of layers -------------------------------------------------------------------------------


@settings(thorough, max_examples=200)
@given(problems(depth=1), st.booleans())
def test_where_no_diagram_can_be_built_search_finds_the_same(problem: ci.Problem, part: bool) -> None:
    over = ["x", "b"] if part else None
    whole = problem.enumerate(over=over)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiling, "_built", lambda *_, **__: None)
        found = problem.enumerate(over=over)
        assert problem.count(over=over) == len(whole)
    assert list(found) == list(whole)


def test_an_unbounded_problem_is_refused_and_a_bounded_one_is_not() -> None:
    p = ci.Problem()
    x = p.integer("x")
    y = p.integer("y", 0, 5)
    p.add(x == y * y)
    assert [(each["x"], each["y"]) for each in p.enumerate()] == [(k * k, k) for k in range(6)]
    q = ci.Problem()
    q.integer("x", 0)
    with pytest.raises(ci.UnboundedError, match="needs a bound for 'x'"):
        q.enumerate()


def test_no_variables_and_no_solutions() -> None:
    assert list(ci.Problem().enumerate()) == [{}]
    p = ci.Problem()
    x = p.integer("x", 0, 3)
    p.add(x > 5)
    space = p.enumerate()
    assert (len(space), list(space), space.sample(3), {"x": 1} in space) == (0, [], [], False)
    assert space.columns()["x"].tolist() == []
    assert space.neighbors({"x": 1}) == []


def test_a_space_survives_pickling() -> None:
    space = small_space()
    copy = pickle.loads(pickle.dumps(space))
    assert list(copy) == list(space)


def test_solutions_are_solutions() -> None:
    space = small_space()
    assert [dict(solution) for solution in space.solutions()] == list(space)
    with pytest.raises(ci.ProblemError, match="no solutions of the problem"):
        next(large_problem(3).enumerate(over=["x[0]"]).solutions())
