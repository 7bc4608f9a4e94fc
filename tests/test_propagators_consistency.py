"""The consistency that each propagator states, against brute force.

Domain consistent: every value left is part of a solution. Bounds consistent, on plain intervals: both bounds
are part of a solution in integers, or, where that is said, in rationals. All of it is asked of propagators
that run until nothing changes, as they do at the root.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from constrint.engine.propagators.all_different import (
    DifferentMatching,
    DifferentValues,
    in_maximum_matchings,
    maximum_matching,
)
from constrint.engine.propagators.linear import LinearEq
from constrint.engine.store import Inconsistent, Store
from tests.propagation import (
    DIVIDES,
    DIVMOD,
    Posted,
    Relation,
    Values,
    cases,
    columns,
    element_of,
    exactly,
    intervals,
    sets,
)

steady = settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
Case = tuple[Relation, list[Values]]


def rows_of(case: Case) -> list[tuple[int, ...]]:
    relation, spaces = case
    return relation.rows([space.members for space in spaces])


def assert_domain_consistent(case: Case) -> None:
    rows = rows_of(case)
    posted = Posted(*case)
    if posted.rest():
        assert rows and posted.members() == columns(rows)
    else:
        assert not rows


def assert_bounds_consistent(case: Case) -> None:
    rows = rows_of(case)
    posted = Posted(*case)
    if posted.rest():
        assert rows and posted.bounds() == [(values[0], values[-1]) for values in columns(rows)]
    else:
        assert not rows


EVERYWHERE = [
    "LinearNe",
    "AtMost",
    "Equals",
    "Disjunction",
    "Parity",
    "Count",
    "Table",
    "Gcd",
    "Lcm",
    "Power",
]
"""Gcd, Lcm and Power while the pairs of values are few, as they are here."""


@pytest.mark.parametrize("name", EVERYWHERE)
def test_domain_consistent_whatever_the_domains(name: str) -> None:
    @steady
    @given(cases(name))
    def check(case: Case) -> None:
        assert_domain_consistent(case)

    check()


@pytest.mark.parametrize("name", ["Member", "PowerOfConstant", "Absolute"])
def test_domain_consistent_on_explicit_sets(name: str) -> None:
    @steady
    @given(cases(name, sets()))
    def check(case: Case) -> None:
        assert_domain_consistent(case)

    check()


@pytest.mark.parametrize(
    "name",
    ["LinearLe", "Maximum", "Minimum", "Absolute", "PowerOfConstant", "DifferentBounds", "Choice", "Element"],
)
def test_bounds_consistent_on_intervals(name: str) -> None:
    @steady
    @given(cases(name, intervals()))
    def check(case: Case) -> None:
        assert_bounds_consistent(case)

    check()


def test_an_equation_of_two_explicit_sets_is_domain_consistent() -> None:
    @steady
    @given(cases("LinearEq", sets()).filter(lambda case: len(case[1]) <= 2))
    def check(case: Case) -> None:
        assert_domain_consistent(case)

    check()


def has_rational_support(
    extent: Callable[[Sequence[tuple[int, int]]], tuple[int, int]], box: list[tuple[int, int]], k: int, v: int
) -> bool:
    """Whether the least and largest value of a continuous function on the box, with x_k = v, surround 0."""
    low, high = extent([*box[:k], (v, v), *box[k + 1 :]])
    return low <= 0 <= high


def test_an_equation_is_bounds_consistent_over_the_rationals() -> None:
    coefficients = st.integers(-4, 4).filter(bool)

    @steady
    @given(st.lists(st.tuples(coefficients, intervals()), min_size=1, max_size=5), st.integers(-20, 20))
    def check(terms: list[tuple[int, Values]], value: int) -> None:
        c = [coefficient for coefficient, _ in terms]
        relation = Relation(
            f"{c}·x == {value}",
            "i" * len(c),
            lambda xs, _zero: LinearEq(list(zip(c, xs, strict=True)), value),
            lambda row: sum(a * v for a, v in zip(c, row, strict=True)) == value,
        )
        posted = Posted(relation, [space for _, space in terms])
        if not posted.rest():
            assert rows_of((relation, [space for _, space in terms])) == []
            return
        box = posted.bounds()

        def extent(box: Sequence[tuple[int, int]]) -> tuple[int, int]:
            ends = [sorted((a * low, a * high)) for a, (low, high) in zip(c, box, strict=True)]
            return sum(low for low, _ in ends) - value, sum(high for _, high in ends) - value

        for k, bounds in enumerate(box):
            for v in bounds:
                assert has_rational_support(extent, box, k, v)

    check()


def test_a_product_is_bounds_consistent_over_the_rationals_where_no_factor_holds_0_inside() -> None:
    one_signed = st.one_of(intervals(0, 9), intervals(-9, 0))

    @settings(steady, max_examples=400)
    @given(cases("Product", one_signed), intervals(-60, 60, width=50))
    def check(case: Case, z: Values) -> None:
        relation, spaces = case
        posted = Posted(relation, [z, *spaces[1:]])
        if not posted.rest():
            assert rows_of((relation, [z, *spaces[1:]])) == []
            return
        box = posted.bounds()

        def extent(box: Sequence[tuple[int, int]]) -> tuple[int, int]:
            low = high = 1
            for a, b in box[1:]:
                corners = (low * a, low * b, high * a, high * b)
                low, high = min(corners), max(corners)
            return low - box[0][1], high - box[0][0]

        for k, bounds in enumerate(box):
            for v in bounds:
                assert has_rational_support(extent, box, k, v)

    check()


def test_a_division_by_a_constant_is_domain_consistent_for_few_dividends() -> None:
    divisor = st.integers(-5, 5).filter(bool).map(exactly)

    @steady
    @given(sets(-30, 30), divisor, intervals(-8, 8, width=16), intervals(-5, 5, width=10))
    def check(a: Values, b: Values, q: Values, r: Values) -> None:
        assert_domain_consistent((DIVMOD, [a, b, q, r]))

    check()


def test_divisibility_is_domain_consistent_where_one_side_is_fixed() -> None:
    fixed = st.integers(-12, 12).map(exactly)

    @steady
    @given(sets(-12, 12), fixed, st.booleans())
    def check(several: Values, one: Values, first: bool) -> None:
        assert_domain_consistent((DIVIDES, [several, one] if first else [one, several]))

    check()


def test_a_choice_is_domain_consistent_on_explicit_sets_once_the_condition_is_known() -> None:
    @steady
    @given(cases("Choice", sets()), st.sampled_from([0, 1]))
    def check(case: Case, condition: int) -> None:
        relation, spaces = case
        assert_domain_consistent((relation, [*spaces[:3], exactly(condition)]))

    check()


def test_an_element_of_constants_is_domain_consistent_on_explicit_sets() -> None:
    constants = st.lists(st.integers(-4, 4).map(exactly), min_size=1, max_size=4)

    @steady
    @given(constants, sets(-5, 5), sets(-2, 5))
    def check(items: list[Values], z: Values, index: Values) -> None:
        assert_domain_consistent((element_of(len(items)), [z, index, *items]))

    check()


def test_a_matching_beside_the_elimination_of_values_is_domain_consistent() -> None:
    @steady
    @given(cases("DifferentMatching"))
    def check(case: Case) -> None:
        rows = rows_of(case)
        posted = Posted(*case)
        assert isinstance(posted.propagator, DifferentMatching)
        try:
            posted.store.post(DifferentValues(posted.xs, posted.propagator.offsets))
        except Inconsistent:
            assert not rows
            return
        if posted.rest():
            assert rows and posted.members() == columns(rows)
        else:
            assert not rows

    check()


BIT_SETS = st.integers(1, 6).flatmap(
    lambda width: st.lists(
        st.tuples(st.integers(1, (1 << width) - 1), st.integers(0, width - 1)), min_size=1, max_size=5
    )
)


@steady
@given(BIT_SETS)
def test_maximum_matchings_over_bits(drawn: list[tuple[int, int]]) -> None:
    """Domains, and wishes that may or may not lie in them."""
    domains, wishes = [domain for domain, _ in drawn], [1 << place for _, place in drawn]
    choices = [[1 << place for place in range(6) if domain >> place & 1] for domain in domains]
    matchings = [row for row in product(*choices) if len(set(row)) == len(row)]
    match = maximum_matching(domains, wishes)
    if match is None:
        assert not matchings
        return
    assert tuple(match) in matchings
    expected = [0] * len(domains)
    for row in matchings:
        expected = [mask | value for mask, value in zip(expected, row, strict=True)]
    assert in_maximum_matchings(domains, match) == expected


@pytest.mark.parametrize("step", [1, 1_000_000])
def test_matchings_of_numbers_near_and_far(step: int) -> None:
    """x and y share two values, so z keeps the third alone, and w what nobody else can have."""
    store = Store(1 << 64)
    xs = [store.new_variable(-5 * step, 5 * step) for _ in range(4)]
    for x, values in zip(xs, [(0, 1), (0, 1), (0, 1, 2), (1, 2, 3, 4)], strict=True):
        store.keep(x, [value * step for value in values])
    store.post(DifferentMatching(xs, [0, 0, 0, 0]))
    assert [list(store.members(x)) for x in xs] == [
        [0, step], [0, step], [2 * step], [3 * step, 4 * step],
    ]  # fmt: skip


def test_different_values_are_value_consistent() -> None:
    """No variable keeps the value of a fixed one."""

    @steady
    @given(cases("DifferentValues", sets()))
    def check(case: Case) -> None:
        posted = Posted(*case)
        assert isinstance(posted.propagator, DifferentValues)
        offsets = posted.propagator.offsets
        if not posted.rest():
            assert rows_of(case) == []
            return
        left = [[v + k for v in values] for values, k in zip(posted.members(), offsets, strict=True)]
        for k, values in enumerate(left):
            if len(values) == 1:
                assert all(values[0] not in others for j, others in enumerate(left) if j != k)

    check()
