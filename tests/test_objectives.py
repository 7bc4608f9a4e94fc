"""Objectives next to linear rows: nothing feasible is lost, and the bound is that of the linear program."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

import constrint as ci
from constrint.engine.propagators.linear import LinearLe
from constrint.engine.propagators.tradeoff import Tradeoff
from constrint.engine.store import Inconsistent, Store
from tests.propagation import LIMIT

BOXES = st.lists(st.tuples(st.integers(-4, 4), st.integers(0, 3)), min_size=2, max_size=4)


def coefficients(count: int) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(-9, 9), min_size=count, max_size=count)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[list[range], list[int], int, list[int], int]:
    """Domains, and two rows  Σ cᵢ·xᵢ <= a,  Σ wᵢ·xᵢ <= b."""
    domains = [range(low, low + width + 1) for low, width in draw(BOXES)]
    first, second = (draw(coefficients(len(domains))) for _ in range(2))
    return domains, first, draw(st.integers(-40, 40)), second, draw(st.integers(-40, 40))


def total(row: list[int], point: tuple[int, ...]) -> int:
    return sum(c * x for c, x in zip(row, point, strict=True))


@given(pairs())
def test_no_point_of_both_rows_is_lost(case: tuple[list[range], list[int], int, list[int], int]) -> None:
    domains, first, a, second, b = case
    points = [x for x in product(*domains) if total(first, x) <= a and total(second, x) <= b]
    store = Store(LIMIT)
    xs = [store.new_variable(domain[0], domain[-1]) for domain in domains]
    try:
        store.post(
            Tradeoff(
                [(c, x) for c, x in zip(first, xs, strict=True) if c],
                a,
                [(w, x) for w, x in zip(second, xs, strict=True) if w],
                b,
            )
        )
        store.propagate()
    except Inconsistent:
        assert not points
        return
    for point in points:
        assert all(store.contains(x, value) for x, value in zip(xs, point, strict=True))


def continuous_knapsack(values: list[int], weights: list[int], most: list[int], capacity: int) -> Fraction:
    """The largest Σ valueᵢ·xᵢ with real 0 <= xᵢ <= mostᵢ: the best of all that fill it up but for one thing.

    At a vertex at most one xᵢ is not at a bound.
    """
    best = Fraction(0)
    for free in range(len(values)):
        others = [k for k in range(len(values)) if k != free]
        for chosen in product(*[(0, most[k]) for k in others]):
            room = capacity - sum(weights[k] * x for k, x in zip(others, chosen, strict=True))
            if room >= 0:
                last = min(Fraction(room, weights[free]), Fraction(most[free]))
                worth = sum(values[k] * x for k, x in zip(others, chosen, strict=True)) + values[free] * last
                best = max(best, worth)
    return best


@given(
    st.lists(st.tuples(st.integers(1, 20), st.integers(1, 20), st.integers(1, 3)), min_size=2, max_size=5),
    st.integers(0, 60),
)
def test_the_bound_of_a_knapsack_is_that_of_the_linear_program(
    things: list[tuple[int, int, int]], capacity: int
) -> None:
    values, weights, most = (list(column) for column in zip(*things, strict=True))
    store = Store(LIMIT)
    worth = store.new_variable(0, 1000)
    xs = [store.new_variable(0, high) for high in most]
    cost = [(1, worth), *[(-v, x) for v, x in zip(values, xs, strict=True)]]
    row = [(w, x) for w, x in zip(weights, xs, strict=True)]
    store.post(LinearLe(cost, 0))
    store.post(LinearLe(row, capacity))
    store.propagate()
    # The rows alone may have pruned things that do not fit; the linear program knows that too.
    most = [store.hi[x] for x in xs]
    store.post(Tradeoff(cost, 0, row, capacity))
    store.propagate()
    assert store.hi[worth] == math.floor(continuous_knapsack(values, weights, most, capacity))


@st.composite
def programs(draw: st.DrawFn) -> tuple[list[int], list[int], list[tuple[str, list[int], int]], bool]:
    count = draw(st.integers(2, 4))
    rows = [
        (draw(st.sampled_from(["<=", ">=", "=="])), draw(coefficients(count)), draw(st.integers(-10, 40)))
        for _ in range(draw(st.integers(1, 3)))
    ]
    highs = draw(st.lists(st.integers(1, 4), min_size=count, max_size=count))
    return highs, draw(coefficients(count)), rows, draw(st.booleans())


@pytest.mark.parametrize("named", [False, True])
@given(programs())
def test_optima_are_those_of_brute_force(
    named: bool, case: tuple[list[int], list[int], list[tuple[str, list[int], int]], bool]
) -> None:
    """With `named`, the objective is a variable of its own that an equality defines."""
    highs, worth, rows, maximize = case
    compare = {"<=": int.__le__, ">=": int.__ge__, "==": int.__eq__}
    best = None
    for x in product(*[range(high + 1) for high in highs]):
        if all(compare[sign](total(row, x), bound) for sign, row, bound in rows):
            value = total(worth, x)
            best = value if best is None else max(best, value) if maximize else min(best, value)
    problem = ci.Problem()
    xs = [problem.integer(f"x{k}", 0, high) for k, high in enumerate(highs)]
    for sign, row, bound in rows:
        left = ci.total(c * x for c, x in zip(row, xs, strict=True))
        problem.add(left <= bound if sign == "<=" else left >= bound if sign == ">=" else left == bound)
    objective = ci.total(c * x for c, x in zip(worth, xs, strict=True))
    if named:
        value = problem.integer("value", -1000, 1000)
        problem.add(value == objective)
        objective = value
    (problem.maximize if maximize else problem.minimize)(objective)
    solution = problem.solve()
    assert (solution.objective if solution else None) == best
    assert solution.status == ("infeasible" if best is None else "optimal")


def test_a_knapsack_needs_few_nodes() -> None:
    """Its linear bound closes what plain branch and bound searches in thousands of nodes."""
    solution = ci.load("examples/knapsack.yaml").solve()
    assert solution.objective == 80 and solution.statistics.nodes < 100
