"""Points of hyperbolas and sums of powers, against brute force."""

from __future__ import annotations

import math
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import constrint as ci
from constrint.conics import Conic, least_bound, points, points_within
from constrint.engine.propagators.polynomials import Monomial, Polynomial
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
        store.post(Polynomial([(c, ((x, n),)) for c, x, n in terms], value))
        store.propagate()
    except Inconsistent:
        assert rows == []
        return
    assert all(store.contains(x, v) for row in rows for x, v in zip(xs, row, strict=True))
    if consistent:
        assert [sorted(column) for column in map(set, zip(*rows, strict=True))] == [
            list(store.members(x)) for x in xs
        ]


small = st.integers(-6, 6)


@steady
@given(st.tuples(small, small, small, small, small, st.integers(-40, 40)), st.integers(0, 25))
def test_all_points_of_a_conic_in_a_box_are_found(
    numbers: tuple[int, int, int, int, int, int], most: int
) -> None:
    conic = a, b, c, d, e, f = Conic(*numbers)
    xs, ys = (-most, 2 * most), (-3, most)
    found = points_within(conic, xs, ys)
    if found is None:
        # An ellipse, a parabola or lines, or a large unit.
        discriminant = b * b - 4 * a * c
        determinant = 4 * a * c * f + b * d * e - a * e * e - c * d * d - f * b * b
        assert discriminant <= 0 or determinant == 0 or discriminant > 20
        return
    assert found == [
        (x, y)
        for x in range(xs[0], xs[1] + 1)
        for y in range(ys[0], ys[1] + 1)
        if a * x * x + b * x * y + c * y * y + d * x + e * y + f == 0
    ]


@steady
@given(
    st.lists(
        st.tuples(
            st.sampled_from([-3, -2, -1, 1, 2, 5]), st.lists(st.integers(0, 2), min_size=3, max_size=3)
        ),
        min_size=1,
        max_size=4,
    ),
    st.integers(-60, 60),
    st.lists(domains, min_size=3, max_size=3),
)
def test_no_solution_of_a_polynomial_is_lost(
    shape: list[tuple[int, list[int]]], value: int, spaces: list[Values]
) -> None:
    store = Store(LIMIT)
    xs = [space.declare(store) for space in spaces]
    terms: list[tuple[int, Monomial]] = [
        (c, monomial)
        for c, powers in shape
        if (monomial := tuple((x, n) for x, n in zip(xs, powers, strict=True) if n))
    ]
    value -= sum(c for c, powers in shape if not any(powers))
    rows = [
        row
        for row in product(*(space.members for space in spaces))
        if sum(c * math.prod(row[xs.index(x)] ** n for x, n in m) for c, m in terms) == value
    ]
    if not terms:
        return
    try:
        store.post(Polynomial(terms, value))
        store.propagate()
    except Inconsistent:
        assert rows == []
        return
    assert all(store.contains(x, v) for row in rows for x, v in zip(xs, row, strict=True))


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


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        # x² - 3xy + y² = -1: every second Fibonacci number and the next but one.
        (
            (1, -3, 1, 0, 0, 1),
            [(1, 1), (1, 2), (2, 1), (2, 5), (5, 2), (5, 13), (13, 5), (13, 34), (34, 13), (34, 89)],
        ),
        # (x - 2)·(y + 3) = 114
        ((0, 1, 0, 3, -2, -120), [(3, 111), (4, 54), (5, 35), (8, 16), (21, 3)]),
        # 2·(x² - x) = y² - y: of y things, a pair is of x alike half of the time.
        ((2, 0, -1, -2, 1, 0), [(1, 1), (3, 4), (15, 21)]),
    ],
)
def test_points_of_a_hyperbola_need_no_search(
    numbers: tuple[int, int, int, int, int, int], expected: list[tuple[int, int]]
) -> None:
    a, b, c, d, e, f = numbers
    problem = ci.Problem()
    x, y = problem.integer("x", 1, 10**6), problem.integer("y", 1, 10**6)
    problem.add(a * x**2 + b * x * y + c * y**2 + d * x + e * y + f == 0)
    found = [(solution["x"], solution["y"]) for solution in problem.solutions()]
    assert sorted(pair for pair in found if pair[0] < 40) == expected
    assert len(found) == len(set(found))
    assert [domain.size for domain in problem.propagate().domains.values()] == [
        len(set(column)) for column in zip(*found, strict=True)
    ]
