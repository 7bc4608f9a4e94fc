"""Points of hyperbolas and sums of powers, against brute force."""

from __future__ import annotations

import math
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import constrint as ci
from constrint.conics import least_bound, points
from constrint.engine.propagators.powers import PowerSum
from constrint.engine.store import Inconsistent, Store
from tests.propagation import LIMIT, Values, domains

steady = settings(max_examples=150, deadline=None, derandomize=True, database=None)


@steady
@given(st.integers(1, 12), st.integers(-40, -1), st.integers(-300, 300))
def test_all_points_of_a_hyperbola_are_found(a: int, b: int, c: int) -> None:
    most = 400
    expected = []
    for y in range(most + 1):
        square, remainder = divmod(c - b * y * y, a)
        if remainder == 0 and square >= 0 and math.isqrt(square) ** 2 == square:
            expected.append((math.isqrt(square), y))
    least = least_bound(a, b, c)
    assert not expected or least is None or expected[0][1] <= least
    found = points(a, b, c, most)
    if found is None:
        # Lines through the origin have too many points.
        assert c == 0 and math.isqrt(-a * b) ** 2 == -a * b
    else:
        assert found == expected


def test_what_would_take_long_is_left_alone() -> None:
    assert points(1, -(10**40 + 1), 10**30 + 7, 10**9) is None
    assert points(1, -1, 0, 10) is None


@steady
@given(
    st.lists(st.tuples(st.sampled_from([-3, -2, -1, 1, 2, 5]), st.integers(1, 3)), min_size=2, max_size=3),
    st.integers(-60, 60),
    st.lists(domains, min_size=3, max_size=3),
)
def test_no_solution_of_a_sum_of_powers_is_lost(
    shape: list[tuple[int, int]], value: int, spaces: list[Values]
) -> None:
    spaces = spaces[: len(shape)]
    store = Store(LIMIT)
    xs = [space.declare(store) for space in spaces]
    terms = [(c, x, n) for (c, n), x in zip(shape, xs, strict=True)]
    rows = [
        row
        for row in product(*(space.members for space in spaces))
        if sum(c * v**n for (c, n), v in zip(shape, row, strict=True)) == value
    ]
    consistent = (
        all(n > 1 for _, n in shape)
        and len([x for x in xs if not store.is_fixed(x)]) == len(xs) == 2
        and any(store.values[x] is None for x in xs)
    )
    try:
        store.post(PowerSum(terms, value))
        store.propagate()
    except Inconsistent:
        assert rows == []
        return
    assert all(store.contains(x, v) for row in rows for x, v in zip(xs, row, strict=True))
    if consistent:
        assert [sorted(column) for column in map(set, zip(*rows, strict=True))] == [
            list(store.members(x)) for x in xs
        ]


@pytest.mark.parametrize(
    ("d", "least"), [(2, (3, 2)), (61, (1766319049, 226153980)), (109, (158070671986249, 15140424455100))]
)
def test_the_least_solution_of_pells_equation(d: int, least: tuple[int, int]) -> None:
    problem = ci.Problem()
    x, y = problem.integer("x", 1), problem.integer("y", 1)
    problem.add(x**2 - d * y**2 == 1)
    problem.prefer(ci.smallest(y))
    solution = problem.solve()
    assert (solution[x], solution[y]) == least


@pytest.mark.parametrize(("d", "c"), [(3, 2), (2, 3), (7, 5), (61, 2)])
def test_a_hyperbola_without_points_is_told_without_bounds(d: int, c: int) -> None:
    problem = ci.Problem()
    x, y = problem.integer("x", 0), problem.integer("y", 0)
    problem.add(x**2 - d * y**2 == c)
    solution = problem.solve(time_limit=20)
    assert (solution.status, solution.statistics.nodes) == ("infeasible", 0)


@pytest.mark.parametrize(("a", "b", "c"), [(1, 2, 7), (1, 7, 9), (3, 5, 7), (1, 4, 45), (2, 3, 50)])
def test_all_points_within_bounds_are_counted(a: int, b: int, c: int) -> None:
    problem = ci.Problem()
    x, y = problem.integer("x", -(10**4), 10**4), problem.integer("y", -(10**4), 10**4)
    problem.add(a * x**2 - b * y**2 == c)
    ends = {v * v: v for v in range(10**4 + 1)}
    pairs = [
        (ends[(c + b * w * w) // a], w)
        for w in range(10**4 + 1)
        if (c + b * w * w) % a == 0 and (c + b * w * w) // a in ends
    ]
    assert problem.count() == sum((1 + (v > 0)) * (1 + (w > 0)) for v, w in pairs)
