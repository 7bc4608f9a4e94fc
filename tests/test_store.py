"""The store: every door against a plain set of integers, and the trail against copies of the whole state."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import constrint as ci
from constrint.domains import read_domain
from constrint.engine.clock import Clock, OutOfTime
from constrint.engine.propagator import EAGER, NORMAL, SLOW, Propagator
from constrint.engine.store import Inconsistent, OutOfRange, Store

steady = settings(max_examples=300, deadline=None, derandomize=True)

LIMIT = 1 << 256
SMALL_LIMIT = 1 << 40
HARD = (2**61 - 1) * (2**89 - 1)
"""A product of two primes that nobody factors on the way."""

# Doors and their meaning: (name, arguments, condition that every value left fulfils). ------------------

Door = tuple[str, tuple[Any, ...], Callable[[int], bool]]
numbers = st.integers(-45, 45)


def _divides(d: int, multiple: int) -> bool:
    return d != 0 and multiple % d == 0


doors: st.SearchStrategy[Door] = st.one_of(
    numbers.map(lambda k: ("set_lo", (k,), lambda v: v >= k)),
    numbers.map(lambda k: ("set_hi", (k,), lambda v: v <= k)),
    numbers.map(lambda k: ("remove", (k,), lambda v: v != k)),
    numbers.map(lambda k: ("remove", (k,), lambda v: v != k)),
    numbers.map(lambda k: ("fix", (k,), lambda v: v == k)),
    st.lists(numbers, min_size=5, max_size=40).map(
        lambda chosen: ("keep", (sorted(set(chosen)),), lambda v: v in chosen)
    ),
    st.tuples(st.sampled_from(["restrict_congruence", "state_congruence"]), st.integers(1, 7), numbers).map(
        lambda p: (p[0], (p[1], p[2] % p[1]), lambda v: (v - p[2]) % p[1] == 0)
    ),
    st.sampled_from([6, -12, 36, 40, 72, 720, 7 * HARD, -12 * HARD]).map(
        lambda multiple: ("restrict_divisor", (multiple,), lambda v: _divides(v, multiple))
    ),
)

ARRAYS = ["lo", "hi", "mod", "rem", "div", "values", "mask", "entailed"]


def state(store: Store) -> dict[str, Any]:
    """Everything that the trail has to bring back."""
    return {name: copy.copy(getattr(store, name)) for name in ARRAYS}


def assert_reduced(store: Store, x: int, model: set[int]) -> None:
    """Every way to read the domain tells the same set, and its parts agree with each other."""
    members = sorted(model)
    assert list(store.members(x)) == members
    assert (store.lo[x], store.hi[x]) == (members[0], members[-1])
    assert store.size(x) == len(members) or not store.is_listed(x)
    assert store.is_fixed(x) == (len(members) == 1)
    assert [v for v in range(-50, 51) if store.contains(x, v)] == members
    assert all((v - store.rem[x]) % store.mod[x] == 0 for v in members) or store.values[x] is not None
    common, multiple = store.lattice(x)
    assert all(v % common == 0 if common else v == 0 for v in members)
    assert multiple == 0 or all(_divides(v, multiple) for v in members)
    domain = read_domain(store, x)
    assert [v for v in range(-50, 51) if v in domain] == members


@settings(steady, max_examples=500)
@given(
    st.lists(st.tuples(st.integers(-40, 0), st.integers(0, 40)), min_size=2, max_size=2),
    st.lists(st.one_of(st.sampled_from(["mark", "undo"]), st.tuples(st.integers(0, 1), doors)), max_size=14),
)
def test_doors_keep_exactly_the_set_and_undo_brings_back_everything(
    bounds: list[tuple[int, int]], actions: list[Any]
) -> None:
    store = Store(LIMIT)
    xs = [store.new_variable(low, high) for low, high in bounds]
    models = [set(range(low, high + 1)) for low, high in bounds]
    marks = [(len(store.trail), state(store), models)]
    for action in actions:
        if action == "mark":
            marks.append((len(store.trail), state(store), models))
        elif action == "undo":
            length, before, models = marks[-1] if len(marks) == 1 else marks.pop()
            store.undo(length)
            assert state(store) == before
        else:
            k, (name, arguments, condition) = action
            kept = {v for v in models[k] if condition(v)}
            try:
                getattr(store, name)(xs[k], *arguments)
            except Inconsistent:
                assert not kept, (name, arguments)
                length, before, models = marks[-1]
                store.undo(length)
                assert state(store) == before
            else:
                assert kept, (name, arguments)
                models = [kept if j == k else model for j, model in enumerate(models)]
        for x, model in zip(xs, models, strict=True):
            assert_reduced(store, x, model)


@steady
@given(st.permutations(range(5)), st.lists(doors, min_size=5, max_size=5))
def test_the_order_of_doors_does_not_matter(order: Sequence[int], chosen: list[Door]) -> None:
    def outcome(sequence: Sequence[int]) -> list[int] | None:
        store = Store(LIMIT)
        x = store.new_variable(None, None)
        try:
            for k in sequence:
                name, arguments, _ = chosen[k]
                if name != "remove":
                    getattr(store, name)(x, *arguments)
            store.set_lo(x, -45)
            store.set_hi(x, 45)
        except Inconsistent:
            return None
        return list(store.members(x))

    expected = [v for v in range(-45, 46) if all(holds(v) for name, _, holds in chosen if name != "remove")]
    assert outcome(range(5)) == outcome(order) == (expected or None)


@steady
@given(
    st.integers(-(10**40), 10**40),
    st.lists(st.tuples(st.integers(1, 10**30), st.integers(0, 10**45), st.integers(0, 10**45)), max_size=6),
)
def test_a_huge_value_that_every_door_allows_is_never_lost(
    value: int, statements: list[tuple[int, int, int]]
) -> None:
    store = Store(1 << 1024)
    x = store.new_variable(None, None)
    for modulus, below, above in statements:
        store.set_lo(x, value - below)
        store.set_hi(x, value + above)
        store.restrict_congruence(x, modulus, value % modulus)
        store.remove(x, value + 1)
        assert store.contains(x, value)
        assert store.lo[x] % store.mod[x] == store.rem[x] or store.lo[x] <= -store.limit
    if value:
        store.restrict_divisor(x, value * 6)
        assert store.contains(x, value)
    store.fix(x, value)
    with pytest.raises(Inconsistent):
        store.fix(x, value + 1)


# Wide domains ----------------------------------------------------------------------------------------


def test_a_value_inside_a_wide_interval_stays_and_goes_once_it_is_a_bound() -> None:
    store = Store(LIMIT)
    x = store.new_variable(0, 10**12)
    store.remove(x, 10**6)
    assert store.contains(x, 10**6)
    store.set_lo(x, 10**6)
    store.remove(x, 10**6)
    assert store.lo[x] == 10**6 + 1


def test_the_divisors_of_a_number_are_listed() -> None:
    store = Store(LIMIT)
    x = store.new_variable(None, None)
    store.restrict_divisor(x, 768)
    divisors = [d for d in range(1, 769) if 768 % d == 0]
    assert list(store.members(x)) == [-d for d in reversed(divisors)] + divisors


def test_divisors_of_a_number_too_hard_to_factor_hold_although_they_are_not_listed() -> None:
    store = Store(LIMIT)
    x = store.new_variable(1, None)
    store.restrict_divisor(x, HARD)
    assert (store.lo[x], store.hi[x], store.div[x]) == (1, HARD, HARD)
    assert not store.is_listed(x)
    assert store.contains(x, 2**61 - 1) and not store.contains(x, 2**61)
    with pytest.raises(Inconsistent):
        store.fix(x, 3)
    store.set_lo(x, 2)
    store.set_hi(x, 2**61 + 5)
    store.set_lo(x, 2**61 - 300)
    assert list(store.members(x)) == [2**61 - 1]


@pytest.mark.parametrize("backwards", [False, True])
def test_a_short_interval_without_divisors_of_a_hard_number_is_empty(backwards: bool) -> None:
    store = Store(LIMIT)
    x = store.new_variable(4, 5) if backwards else store.new_variable(1, None)
    with pytest.raises(Inconsistent):
        store.restrict_divisor(x, HARD)
        store.set_hi(x, 5)
        store.set_lo(x, 4)


def test_a_problem_with_divisors_of_a_hard_number_is_decided() -> None:
    number = (10**15 + 37) * (10**16 + 61)
    nothing = ci.Problem()
    nothing.integer("x", 4, 5, divides=number)
    assert nothing.solve().status == nothing.propagate().status == "infeasible"
    assert nothing.count() == 0
    something = ci.Problem()
    x = something.integer("x", 10**15 - 100, 10**15 + 100, divides=number)
    assert something.solve()[x] == 10**15 + 37
    assert something.count() == 1


# Infinity and the working range ------------------------------------------------------------------------


def test_bounds_beyond_the_range_that_say_nothing_are_read_as_infinite() -> None:
    store = Store(SMALL_LIMIT)
    x = store.new_variable(None, None)
    store.set_lo(x, -SMALL_LIMIT)
    store.set_hi(x, SMALL_LIMIT)
    store.set_hi(x, 3 * SMALL_LIMIT + 7)
    assert not store.is_bounded(x)
    assert (store.lo[x], store.hi[x]) == (-store.infinity, store.infinity)


@pytest.mark.parametrize(
    "act",
    [
        lambda store, x: store.set_lo(x, SMALL_LIMIT),
        lambda store, x: store.set_hi(x, -SMALL_LIMIT),
        lambda store, x: store.fix(x, SMALL_LIMIT + 1),
        lambda store, x: store.keep(x, [0, SMALL_LIMIT]),
    ],
    ids=["set_lo", "set_hi", "fix", "keep"],
)
def test_a_finite_bound_beyond_the_range_is_reported_and_never_cut(act: Callable[[Store, int], None]) -> None:
    store = Store(SMALL_LIMIT)
    x = store.new_variable(None, None)
    with pytest.raises(OutOfRange):
        act(store, x)


def test_a_stated_congruence_is_never_dropped() -> None:
    first, second = 2**31 - 1, 2**31 + 11
    store = Store(SMALL_LIMIT)
    x = store.new_variable(0, None)
    store.state_congruence(x, first, 5)
    with pytest.raises(OutOfRange):
        store.state_congruence(x, second, 6)
    wide = Store(LIMIT)
    x = wide.new_variable(0, None)
    wide.state_congruence(x, first, 5)
    wide.state_congruence(x, second, 6)
    assert (wide.lo[x] % first, wide.lo[x] % second) == (5, 6)
    assert wide.mod[x] == first * second


def test_congruences_that_leave_one_value_of_an_interval_fix_it() -> None:
    first, second = 2**31 - 1, 2**31 + 11
    value = 123_456_789_012
    store = Store(SMALL_LIMIT)
    x = store.new_variable(0, SMALL_LIMIT - 1)
    store.state_congruence(x, first, value % first)
    store.state_congruence(x, second, value % second)
    assert store.lo[x] == store.hi[x] == value


def test_congruences_with_huge_moduli_meet_in_their_least_common_number() -> None:
    problem = ci.Problem()
    x = problem.integer("x", 0, remainder=(3, 10**50 + 151))
    problem.add(x % (10**49 + 9) == 5)
    problem.prefer(ci.smallest(x))
    value = problem.solve()[x]
    assert value % (10**50 + 151) == 3 and value % (10**49 + 9) == 5
    assert value < (10**50 + 151) * (10**49 + 9)


@pytest.mark.parametrize("exponent", [10, 1000, 20_000])
def test_the_range_grows_until_the_result_fits(exponent: int) -> None:
    problem = ci.Problem()
    x, y = problem.integer("x", values=[3]), problem.integer("y")
    problem.add(y == x**exponent)
    assert problem.solve()[y] == 3**exponent


def test_numbers_of_absurd_length_are_refused() -> None:
    problem = ci.Problem()
    x, y = problem.integer("x", values=[3]), problem.integer("y")
    problem.add(y == x**1_000_000, x**y > 0)
    with pytest.raises(ci.SizeLimitError, match="bits"):
        problem.solve()


# Waking and running ------------------------------------------------------------------------------------


class Recorder(Propagator):
    """Counts its runs."""

    __slots__ = ("runs",)

    def __init__(self, **events: Sequence[int]) -> None:
        super().__init__([0], **events)
        self.runs = 0

    def propagate(self, store: Store) -> None:
        self.runs += 1


@steady
@given(st.integers(-40, 0), st.integers(0, 40), st.lists(doors, min_size=1, max_size=8))
def test_propagators_wake_for_their_events(low: int, high: int, chosen: list[Door]) -> None:
    store = Store(LIMIT)
    x = store.new_variable(low, high)
    other = store.new_variable(low, high)
    fixed, bounds, change = Recorder(fixed=[x]), Recorder(bounds=[x]), Recorder(change=[x])
    bystander = Recorder(change=[other])
    for recorder in (fixed, bounds, change, bystander):
        store.post(recorder)
    for name, arguments, _ in chosen:
        before = list(store.members(x))
        for recorder in (fixed, bounds, change):
            recorder.runs = 0
        try:
            getattr(store, name)(x, *arguments)
            store.propagate()
        except Inconsistent:
            return
        after = list(store.members(x))
        if after != before:
            assert change.runs == 1
        assert (fixed.runs == 1) == (len(after) == 1 < len(before))
        if (after[0], after[-1]) != (before[0], before[-1]):
            assert bounds.runs == 1
        elif len(before) == 1:
            assert bounds.runs == 0
    assert bystander.runs == 1


def test_eager_propagators_run_first_and_slow_ones_last() -> None:
    ran: list[int] = []

    def following(what: int) -> Propagator:
        class Turned(Recorder):
            turn = what

            def propagate(self, store: Store) -> None:
                ran.append(what)

        return Turned(fixed=[x])

    store = Store(LIMIT)
    x = store.new_variable(0, 1)
    for what in (SLOW, NORMAL, EAGER, NORMAL):
        store.post(following(what))
    ran.clear()
    store.fix(x, 1)
    store.propagate()
    assert ran == [EAGER, NORMAL, NORMAL, SLOW]


def test_after_a_failure_nothing_is_left_in_the_queue() -> None:
    class Failing(Recorder):
        def propagate(self, store: Store) -> None:
            if store.is_fixed(x):
                store.fail()

    store = Store(LIMIT)
    x = store.new_variable(0, 9)
    late = Recorder(fixed=[x])
    store.post(Failing(fixed=[x]))
    store.post(late)
    mark = len(store.trail)
    store.fix(x, 3)
    with pytest.raises(Inconsistent):
        store.propagate()
    store.undo(mark)
    store.propagate()
    assert late.runs == 1 and list(store.members(x)) == list(range(10))


def test_an_entailed_propagator_sleeps_until_that_is_undone() -> None:
    class Done(Recorder):
        def propagate(self, store: Store) -> None:
            self.runs += 1
            if store.lo[x] >= 5:
                store.entail(self)

    store = Store(LIMIT)
    x = store.new_variable(0, 9)
    done = Done(bounds=[x])
    store.post(done)
    mark = len(store.trail)
    for low in (5, 6, 7):
        store.set_lo(x, low)
        store.propagate()
    assert done.runs == 2
    store.undo(mark)
    store.set_lo(x, 1)
    store.propagate()
    assert done.runs == 3


def test_every_entry_of_the_trail_names_its_cause() -> None:
    class Cutting(Recorder):
        def propagate(self, store: Store) -> None:
            store.set_hi(y, store.hi[x])

    store = Store(LIMIT)
    x, y = store.new_variable(0, 9), store.new_variable(0, 9)
    cutting = Cutting(bounds=[x])
    store.post(cutting)
    store.cause = -1
    mark = len(store.trail)
    store.set_hi(x, 4)
    store.propagate()
    assert [(entry[1], entry[3]) for entry in store.trail[mark:]] == [(x, -1), (y, cutting.number)]


@steady
@given(st.lists(st.integers(-200, 200), min_size=1, max_size=20, unique=True))
def test_the_lattice_of_an_explicit_set_is_its_gcd_and_lcm(values: list[int]) -> None:
    store = Store(LIMIT)
    x = store.new_variable(None, None)
    store.keep(x, sorted(values))
    expected = (math.gcd(*values), math.lcm(*values))
    assert store.lattice(x) == (expected if len(values) > 1 else (abs(values[0]), abs(values[0])))


# The clock -----------------------------------------------------------------------------------------------


def test_the_clock_stops_at_the_deadline_and_reports_ten_times_a_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr("constrint.engine.clock.time.monotonic", lambda: now)
    reports: list[float] = []
    clock = Clock(103.0, lambda: reports.append(now))
    while now < 102.0:
        clock.check()
        now += 0.01
    assert 19 <= len(reports) <= 21
    now = 103.0
    with pytest.raises(OutOfTime):
        clock.check()
