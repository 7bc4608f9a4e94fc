"""Asking again after constraints were added: the root of before is where the next one starts."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import constrint as ci
from constrint.expressions import Expression
from constrint.roots import Root
from tests.random_problems import booleans, problems, solutions

steady = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@steady
@given(
    problems(),
    st.lists(
        st.tuples(st.sampled_from(["add", "add", "push", "pop", "assume", "solve"]), booleans(1)), max_size=6
    ),
)
def test_every_answer_is_that_of_a_problem_stated_anew(
    problem: ci.Problem, steps: list[tuple[str, Expression]]
) -> None:
    depth = 0
    for step, expression in steps:
        assumed: list[Expression] = []
        if step == "add":
            problem.add(expression)
        elif step == "push":
            problem.push()
            depth += 1
        elif step == "pop" and depth:
            problem.pop()
            depth -= 1
        elif step == "assume":
            assumed = [expression]
        fresh = pickle.loads(pickle.dumps(problem))
        assert fresh._root is None
        fresh.add(*assumed)
        solution = problem.solve(assuming=assumed)
        if solutions(fresh):
            assert solution.status == "satisfied" and not fresh.check(solution).violated
        else:
            assert solution.status == "infeasible"


@steady
@given(problems(), booleans(1), st.integers(-3, 3), st.integers(-3, 3))
def test_optima_after_an_addition_are_exact(problem: ci.Problem, added: Expression, a: int, b: int) -> None:
    names = list(problem.variables)
    first, last = problem[names[0]], problem[names[-1]]
    problem.minimize(a * first + b * last)
    problem.solve()
    problem.add(added)
    rows = solutions(problem)
    solution = problem.solve()
    if not rows:
        assert solution.status == "infeasible"
        return
    expected = min(a * row[0] + b * row[-1] for row in rows)
    assert (solution.status, solution.objective) == ("optimal", expected)


def chain(length: int) -> ci.Problem:
    """x[k] < x[k + 1] over a wide range, with both ends almost together: propagation goes many steps."""
    problem = ci.Problem()
    x = problem.array("x", length, 0, 10**6)
    problem.add(*[x[k] + k < x[k + 1] for k in range(length - 1)])
    problem.add(x[length - 1] <= length * length)
    return problem


def test_the_next_root_starts_where_the_last_one_came_to(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = chain(30)
    first = problem.solve()
    applied = []
    apply = Root.apply

    def watched(self: Root, store: object, variables: object) -> None:
        apply(self, store, variables)  # type: ignore[arg-type]
        applied.append([(store.lo[x], store.hi[x]) for x in variables.values()])  # type: ignore[attr-defined]

    monkeypatch.setattr(Root, "apply", watched)
    assert dict(problem.solve()) == dict(first) and not applied  # the same question has the same answer
    domains = problem.propagate().domains
    problem.add(problem["x"][3] % 2 == 1)
    problem.solve()
    assert applied == [[(domain.min, domain.max) for domain in domains.values()]]
    problem.solve(assuming=[problem["x"][0] == 1])
    assert len(applied) == 2


def test_a_root_serves_only_what_was_added_to_its_constraints() -> None:
    problem = chain(5)
    problem.push()
    problem.add(problem["x"][0] >= 3)
    problem.solve()
    inner = problem._root
    problem.pop()
    assert problem._root is None and inner is not None
    problem.add(problem["x"][0] <= 1)
    assert not inner.is_of(problem.variables, problem.constraints)
    assert problem.solve()["x"][0] <= 1
    outer = problem._root
    problem.push()
    problem.add(problem["x"][1] >= 5)
    assert outer is not None and outer.is_of(problem.variables, problem.constraints)
    del problem.constraints[0]
    assert not outer.is_of(problem.variables, problem.constraints)
    assert problem.solve()["x"][1] >= 5


def test_domains_of_every_kind_are_handed_on() -> None:
    problem = ci.Problem()
    a = problem.integer("a")
    b = problem.integer("b", 0, 10**9)
    c = problem.integer("c", 1)
    d = problem.integer("d", values=[1, 5, 7, 11, 400])
    problem.add(a % 6 == 4, a >= -10, b % 1000 == 7, b <= 10**8, 2**40 % c == 0, d != 7, a <= 100)
    assert problem.solve().status == "satisfied"
    problem.add(a + b + c + d > 50)
    solution = problem.solve()
    assert solution.status == "satisfied" and not problem.check(solution).violated
    problem.add(b > 10**8 - 1000, c > 2**39, d > 11)
    assert dict(problem.solve()) | {"a": 4} == {"a": 4, "b": 10**8 - 993, "c": 2**40, "d": 400}
    problem.add((a > 94) & (a < 100))
    solution = problem.solve()
    assert solution.status == "infeasible"
    problem.constraints.pop()
    assert problem.solve().status == "satisfied"
