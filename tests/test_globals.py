"""Every global constraint against brute force: its meaning, search, diagrams, truth values, text, CP-SAT."""

from __future__ import annotations

import io
from itertools import product

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import constrint as ci
from constrint.backends.cp_sat import installed
from constrint.expressions import Op
from constrint.globals.base import spelled_out
from tests.global_cases import CASES, Case

every_global = pytest.mark.parametrize("name", CASES)


def steady(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
    )


@every_global
def test_its_meaning_is_the_plain_one(name: str) -> None:
    @steady(25)
    @given(CASES[name])
    def check(case: Case) -> None:
        _, xs = case.problem()
        constraint = case.make(xs)
        spelt = None
        if isinstance(constraint, ci.Expression) and constraint.op in (Op.RELATION, Op.FUNCTION):
            spelt = spelled_out(constraint)
        for row in product(*case.spaces):
            values = {f"x{k}": value for k, value in enumerate(row)}
            assert ci.holds(constraint, values) == case.holds(row), row
            if spelt is not None:
                assert ci.evaluate(spelt, values) == ci.evaluate(constraint, values), row

    check()


@every_global
def test_search_and_diagram_find_exactly_its_solutions(name: str) -> None:
    @steady(30)
    @given(CASES[name])
    def check(case: Case) -> None:
        p, xs = case.problem()
        p.add(case.make(xs))
        rows = case.rows()
        assert sorted(tuple(dict(s).values()) for s in p.solutions()) == rows
        assert p.count() == len(rows)

    check()


@every_global
def test_nothing_that_a_solution_needs_is_pruned(name: str) -> None:
    @steady(40)
    @given(CASES[name])
    def check(case: Case) -> None:
        p, xs = case.problem()
        p.add(case.make(xs))
        rows = case.rows()
        found = p.propagate()
        if rows:
            for k, x in enumerate(xs):
                assert {row[k] for row in rows} <= set(found.domains[str(x)].values or ())
        else:
            assert p.solve().status == "infeasible"

    check()


@every_global
def test_denied_and_as_a_number_it_is_the_same(name: str) -> None:
    @steady(15)
    @given(CASES[name], st.booleans())
    def check(case: Case, late: bool) -> None:
        p, xs = case.problem()
        b = p.boolean("b")
        if late:
            p.add(b == case.make(xs))
        else:
            p.add(case.make(xs) + b == 1)
        expected = sorted((*row, case.holds(row) == late) for row in product(*case.spaces))
        assert sorted(tuple(dict(s).values()) for s in p.solutions()) == expected
        assert p.count() == len(expected)
        q, ys = case.problem()
        q.add(~case.make(ys))
        assert len(list(q.solutions())) == len([row for row in product(*case.spaces) if not case.holds(row)])

    check()


@every_global
def test_a_file_gives_it_back(name: str) -> None:
    @steady(10)
    @given(CASES[name])
    def check(case: Case) -> None:
        p, xs = case.problem()
        p.add(case.make(xs))
        again = ci.load(io.StringIO(p.to_yaml()))
        assert [str(c.expression) for c in again.constraints] == [str(c.expression) for c in p.constraints]

    check()


@pytest.mark.skipif(not installed(), reason="needs OR-Tools")
@every_global
def test_cp_sat_agrees(name: str) -> None:
    @steady(12)
    @given(CASES[name])
    def check(case: Case) -> None:
        p, xs = case.problem()
        p.add(case.make(xs))
        solution = p.solve(backend="cp-sat")
        assert (solution.status == "satisfied") == bool(case.rows())
        q, ys = case.problem()
        q.add(~case.make(ys))
        denied = q.solve(backend="cp-sat")
        assert (denied.status == "satisfied") == (len(case.rows()) < len(list(product(*case.spaces))))

    check()


@pytest.mark.parametrize(
    "name",
    [
        "all_equal",
        "among, at_most, at_least, exactly",
        "increasing",
        "inverse",
        "lex_less",
        "negative_table",
        "regular",
        "value_precede",
    ],
)
def test_it_is_domain_consistent(name: str) -> None:
    @steady(60)
    @given(CASES[name])
    def check(case: Case) -> None:
        p, xs = case.problem()
        p.add(case.make(xs))
        rows = case.rows()
        found = p.propagate()
        if not rows:
            assert found.status == "infeasible"
            return
        for k, x in enumerate(xs):
            assert set(found.domains[str(x)].values or ()) == {row[k] for row in rows}

    check()


def test_cardinalities_are_domain_consistent_for_constant_counts() -> None:
    @steady(60)
    @given(CASES["global_cardinality"], st.data())
    def check(case: Case, data: st.DataObject) -> None:
        rows = case.rows()
        if not rows:
            return
        row = data.draw(st.sampled_from(rows))
        first = len(case.make(case.problem()[1]).data.values)
        fixed = tuple((value,) for value in row[-first:])
        case = Case((*case.spaces[:-first], *fixed), case.make, case.holds)
        p, xs = case.problem()
        p.add(case.make(xs))
        found = p.propagate()
        for k, x in enumerate(xs):
            assert set(found.domains[str(x)].values or ()) == {row[k] for row in case.rows()}

    check()


@every_global
def test_an_undefined_argument_makes_it_false(name: str) -> None:
    @steady(8)
    @given(CASES[name])
    def check(case: Case) -> None:
        p, xs = case.problem()
        b, d = p.boolean("b"), p.integer("d", 0, 1)
        first = xs[0] // d
        p.add(ci.iff(b, case.make([first, *xs[1:]])))
        assert all(p.check(dict(solution)) for solution in p.solutions())
        everything = [
            dict(zip(p.variables, row, strict=True)) for row in product(*case.spaces, (0, 1), (0, 1))
        ]
        expected = sum(bool(p.check(values)) for values in everything)
        assert p.count() == len(list(p.solutions())) == expected

    check()
