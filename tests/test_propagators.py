"""Every propagator against brute force on small domains: sound, decisive, awake, at rest.

The consistency that each one states is held in test_propagators_consistency.py.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import constrint.engine.propagators
from constrint.engine.propagator import Propagator
from constrint.engine.store import Inconsistent, Store
from tests.propagation import BITS, RELATIONS, Posted, Relation, Values, cases, domains

steady = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
every_relation = pytest.mark.parametrize("name", RELATIONS)
deciding = pytest.mark.parametrize("name", [name for name in RELATIONS if name != "DifferentMatching"])


def test_every_propagator_is_among_the_relations() -> None:
    folder = constrint.engine.propagators.__name__
    known = {kind.__name__ for kind in Propagator.__subclasses__() if kind.__module__.startswith(folder)}
    # Those of global constraints are held by test_globals.py; Tradeoff, TourCost and Polynomial, which only
    # help others, by test_objectives.py, test_tours.py and test_conics.py.
    elsewhere = {"Pruning", "RelationTruth", "Tradeoff", "TourCost", "Polynomial"}
    assert {name.partition(" ")[0] for name in RELATIONS} == known - elsewhere


@every_relation
def test_no_value_of_a_solution_is_removed(name: str) -> None:
    @steady
    @given(cases(name))
    def check(case: tuple[Relation, list[Values]]) -> None:
        relation, spaces = case
        rows = relation.rows([space.members for space in spaces])
        posted = Posted(relation, spaces)
        if not posted.rest():
            assert rows == []
            return
        left = posted.members()
        for row in rows:
            assert all(value in values for value, values in zip(row, left, strict=True)), row

    check()


def dive(posted: Posted, row: Sequence[int], order: Sequence[int]) -> bool:
    """Fixes the variables to the row as a search does; whether that is consistent."""
    if not posted.rest():
        return False
    store = posted.store
    store.searching = True
    try:
        for k in order:
            store.fix(posted.xs[k], row[k])
            store.propagate()
    except Inconsistent:
        return False
    return True


@deciding
def test_fixing_the_variables_in_any_order_decides_the_relation(name: str) -> None:
    @steady
    @given(cases(name), st.randoms(use_true_random=False))
    def check(case: tuple[Relation, list[Values]], chance: random.Random) -> None:
        relation, spaces = case
        order = list(range(len(spaces)))
        # As many rows that hold as rows that do not, as far as there are any.
        everything = [space.members for space in spaces]
        rows = relation.rows(everything)
        chosen = chance.sample(rows, min(3, len(rows)))
        chosen += [tuple(map(chance.choice, everything)) for _ in range(3)]
        for row in chosen:
            chance.shuffle(order)
            assert dive(Posted(relation, spaces), row, order) == relation.holds(row), row

    check()


@deciding
def test_a_relation_between_a_variable_and_itself_is_decided(name: str) -> None:
    @steady
    @given(cases(name), st.data())
    def check(case: tuple[Relation, list[Values]], data: st.DataObject) -> None:
        relation, spaces = case
        alias = [data.draw(st.integers(0, k)) for k in range(len(spaces))]
        if any(relation.sorts[a] != relation.sorts[k] for k, a in enumerate(alias)):
            return
        if name.startswith("Linear") or (name == "Product" and len(set(alias[1:])) < len(alias[1:])):
            # Lowering sums the coefficients and takes powers: no variable occurs twice.
            return
        store = Store(1 << 256)
        zero = store.new_variable(0, 0)
        own = [space.declare(store) for space in spaces]
        xs = [own[a] for a in alias]
        values = [data.draw(st.sampled_from(space.members)) for space in spaces]
        row = [values[a] for a in alias]
        try:
            store.post(relation.make(xs, zero))
            store.propagate()
            for x, value in zip(xs, row, strict=True):
                store.fix(x, value)
                store.propagate()
        except Inconsistent:
            assert not relation.holds(row)
        else:
            assert relation.holds(row)

    check()


@every_relation
def test_a_propagator_wakes_for_whatever_lets_it_prune(name: str) -> None:
    @steady
    @given(cases(name), st.data())
    def check(case: tuple[Relation, list[Values]], data: st.DataObject) -> None:
        posted = Posted(*case)
        if not posted.rest():
            return
        assert not posted.again()
        for _ in range(3):
            x = data.draw(st.sampled_from(posted.xs))
            value = data.draw(st.integers(-9, 10))
            door = data.draw(st.sampled_from(["set_lo", "set_hi", "remove", "fix"]))
            try:
                getattr(posted.store, door)(x, value)
                posted.store.propagate()
            except Inconsistent:
                return
            assert not posted.again(), (door, x, value)

    check()


@every_relation
def test_an_idempotent_propagator_is_done_after_one_run(name: str) -> None:
    @steady
    @given(cases(name))
    def check(case: tuple[Relation, list[Values]]) -> None:
        posted = Posted(*case)
        if not posted.propagator.idempotent:
            return
        try:
            posted.store.post(posted.propagator)
        except Inconsistent:
            return
        assert not posted.again()

    check()


@every_relation
def test_undoing_brings_back_every_domain(name: str) -> None:
    @steady
    @given(cases(name))
    def check(case: tuple[Relation, list[Values]]) -> None:
        posted = Posted(*case)
        store = posted.store
        before, mark = posted.members(), len(store.trail)
        posted.rest()
        store.undo(mark)
        assert posted.members() == before
        assert not any(store.entailed)

    check()


def test_the_domains_of_these_tests_are_what_they_say() -> None:
    @settings(steady, max_examples=200)
    @given(st.one_of(domains, BITS))
    def check(space: Values) -> None:
        store = Store(1 << 256)
        x = space.declare(store)
        assert list(store.members(x)) == space.members

    check()
