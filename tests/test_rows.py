"""Linear rows of constraints: of counted values, and rows taken together with an objective."""

from __future__ import annotations

from itertools import product

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import constrint as ci
from constrint.engine.propagators.counting import Count
from constrint.engine.propagators.linear import LinearEq, LinearLe
from constrint.engine.propagators.membership import Equals
from constrint.engine.store import Inconsistent, Store
from constrint.objectives import combined
from constrint.rows import Row, count_rows, linear_rows

steady = settings(max_examples=120, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def value_of(row: dict[int, int], point: dict[int, int]) -> int:
    return sum(c * point[x] for x, c in row.items())


@steady
@given(
    st.lists(st.sets(st.integers(0, 3), min_size=1), min_size=1, max_size=4),
    st.dictionaries(st.integers(0, 3), st.tuples(st.integers(0, 3), st.integers(0, 4)), max_size=4),
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.booleans()), max_size=8),
    st.booleans(),
)
def test_rows_of_counted_values_hold(
    domains: list[set[int]],
    counts: dict[int, tuple[int, int]],
    truths: list[tuple[int, int, bool]],
    twice: bool,
) -> None:
    """At every assignment with the counts in their bounds, with any of the truths known and negated."""
    store = Store(1 << 64)
    items = [store.new_variable(0, 3) for _ in domains]
    listed = [*items, items[0]] if twice else items
    literals: dict[tuple[int, int], int] = {}
    try:
        for x, domain in zip(items, domains, strict=True):
            store.keep(x, sorted(domain))
        for value, (low, width) in counts.items():
            z = store.new_variable(low, low + width)
            store.post(Count(z, listed, value))
        for k, value, negated in truths:
            if k < len(items) and (items[k], value) not in literals:
                literals[items[k], value] = 2 * store.new_variable(0, 1) + negated
                store.post(Equals(items[k], value, literals[items[k], value]))
        store.propagate()
    except Inconsistent:
        return
    rows = count_rows(store)
    for values in product(*[store.members(x) for x in items]):
        point = dict(zip(items, values, strict=True))
        occurring = [point[x] for x in listed]
        if all(low <= occurring.count(value) <= low + width for value, (low, width) in counts.items()):
            for (x, value), literal in literals.items():
                point[literal >> 1] = int(point[x] == value) ^ (literal & 1)
            assert all(value_of(row, point) <= bound for row, bound in rows)


def test_the_value_that_is_not_counted_is_what_remains() -> None:
    """Of four items with values 0 to 2, one is 1 and one is 2, so two are 0."""
    store = Store(1 << 64)
    items = [store.new_variable(0, 2) for _ in range(4)]
    for value in (1, 2):
        store.post(Count(store.new_variable(1, 1), items, value))
    literals = [store.new_variable(0, 1) for _ in range(3)]
    for x, literal in zip(items, literals, strict=False):
        store.post(Equals(x, 0, 2 * literal))
    assert count_rows(store) == [
        (dict.fromkeys(literals, 1), 2),
        (dict.fromkeys(literals, -1), -1),
    ]


@steady
@given(
    st.lists(st.tuples(st.integers(-3, 3), st.integers(0, 3)), min_size=2, max_size=3),
    st.lists(st.integers(-6, 6), min_size=3, max_size=3),
    st.lists(
        st.tuples(st.lists(st.integers(-4, 4), min_size=3, max_size=3), st.integers(-12, 12)), max_size=4
    ),
)
def test_rows_taken_together_follow_from_the_rows(
    box: list[tuple[int, int]], costs: list[int], stated: list[tuple[list[int], int]]
) -> None:
    """At every point that keeps the rows, with the objective at its cost."""
    store = Store(1 << 64)
    xs = [store.new_variable(low, low + width) for low, width in box]
    goal = store.new_variable(-1000, 1000)

    def row(coefficients: list[int], bound: int) -> Row:
        return {x: c for x, c in zip(xs, coefficients, strict=False) if c}, bound

    terms, _ = row(costs, 0)
    rows = [row(coefficients, bound) for coefficients, bound in stated]
    found = combined(store, ({**terms, goal: -1}, 0), goal, rows)
    for values in product(*[store.members(x) for x in xs]):
        point = dict(zip(xs, values, strict=True))
        if all(value_of(each, point) <= bound for each, bound in rows):
            point[goal] = value_of(terms, point)
            assert found is None or value_of(found[0], point) <= found[1]


def test_rows_that_share_nothing_add_up() -> None:
    """a + b >= 3 and c + d >= 2 of bits up to 2: a + b + c + d + e is at least 5."""
    problem = ci.Problem()
    a, b, c, d, e = (problem.integer(name, 0, 2) for name in "abcde")
    problem.add(a + b >= 3, c + d >= 2)
    problem.minimize(a + b + c + d + e)
    solution = problem.solve()
    assert solution.objective == 5 and solution.statistics.failures == 0


def test_linear_rows_leave_fixed_variables_out() -> None:
    store = Store(1 << 64)
    x, y, z = (store.new_variable(0, 9) for _ in range(3))
    store.fix(y, 4)
    store.post(LinearLe([(2, x), (3, y), (-1, z)], 20))
    store.post(LinearEq([(1, x), (1, z)], 7))
    assert [row for row, _ in linear_rows(store)] == [
        ({x: 2, z: -1}, 8), ({x: 1, z: 1}, 7), ({x: -1, z: -1}, -7),
    ]  # fmt: skip
