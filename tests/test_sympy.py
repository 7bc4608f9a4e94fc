"""SymPy expressions: every kind that is accepted means what Python's means, and the others are refused."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import sympy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import constrint as ci
from constrint.expressions import to_expression, variable

x, y = sympy.symbols("x y", integer=True)
u, v = variable("x"), variable("y")

ACCEPTED: list[tuple[Any, ci.Expression]] = [
    (x, u),
    (sympy.Integer(10**30), to_expression(10**30)),
    (sympy.true, to_expression(1)),
    (sympy.false, to_expression(0)),
    (x + 2 * y - 3, u + 2 * v - 3),
    (-x * y, -u * v),
    (x**3, u**3),
    (2**x, 2**u),
    (sympy.floor(x / 3), u // 3),
    (sympy.floor((x + 1) / y), (u + 1) // v),
    (sympy.ceiling(x / y), ci.ceil_div(u, v)),
    (sympy.floor(x / 2 + y / 3), (3 * u + 2 * v) // 6),
    (sympy.Mod(x, 4), u % 4),
    (sympy.Mod(x, y), u % v),
    (sympy.Abs(x - y), abs(u - v)),
    (sympy.Min(x, y, 2), ci.minimum(u, v, 2)),
    (sympy.Max(x, y), ci.maximum(u, v)),
    (sympy.Eq(x, y), u == v),
    (sympy.Ne(x, y), u != v),
    (x <= y, u <= v),
    (x < y, u < v),
    (x >= 2, u >= 2),
    (x > y, u > v),
    (sympy.And(x > 1, y > 1, x < y), (u > 1) & (v > 1) & (u < v)),
    (sympy.Or(x > 1, y > 1), (u > 1) | (v > 1)),
    (sympy.Not(sympy.And(x > 1, y > 1)), ~((u > 1) & (v > 1))),
    (sympy.Xor(x > 1, y > 1), ci.xor(u > 1, v > 1)),
    (sympy.Implies(x > 1, y > 1), ci.implies(u > 1, v > 1)),
    (sympy.Equivalent(x > 1, y > 1), ci.iff(u > 1, v > 1)),
    (sympy.Piecewise((x, x > y), (y + 1, x > 0), (0, True)), ci.choose(u > v, u, ci.choose(u > 0, v + 1, 0))),
    (sympy.Contains(x, sympy.FiniteSet(1, -2, 3), evaluate=False), u.isin([1, -2, 3])),
]

REFUSED = [
    sympy.Rational(1, 2),
    sympy.Float(2.0),
    x / 2,
    x / y,
    x**-2,
    sympy.sqrt(x),
    sympy.sin(x),
    sympy.pi * x,
    sympy.I,
    sympy.oo,
    sympy.Matrix([x, y]),
    sympy.Piecewise((x, x > y)),
    sympy.Contains(x, sympy.Interval(0, 3), evaluate=False),
    sympy.Sum(x, (x, 0, y)),
    sympy.FiniteSet(x),
]


def value(expression: ci.Expression, values: dict[str, int]) -> int | None:
    try:
        return ci.evaluate(expression, values)
    except ci.UndefinedTerm:
        return None


@pytest.mark.parametrize(("given_one", "expected"), ACCEPTED, ids=str)
def test_an_accepted_expression_means_the_same(given_one: Any, expected: ci.Expression) -> None:
    read = to_expression(given_one)
    for a in range(-3, 5):
        for b in range(-3, 5):
            values = {"x": a, "y": b}
            assert value(read, values) == value(expected, values), values


@pytest.mark.parametrize("what", REFUSED, ids=str)
def test_what_has_no_integer_meaning_is_refused(what: Any) -> None:
    problem = ci.Problem()
    problem.integer("x", 0, 9)
    problem.integer("y", 0, 9)
    with pytest.raises(ci.ExpressionError):
        problem.add(what)
    assert problem.constraints == []


def test_every_rule_is_in_the_table() -> None:
    from constrint import sympy_input

    kinds = {type(node) for read, _ in ACCEPTED for node in sympy.preorder_traversal(read)}
    assert [kind for kind in sympy_input._RULES if not any(issubclass(one, kind) for one in kinds)] == []


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_random_polynomials_have_sympys_value(data: st.DataObject) -> None:
    terms = data.draw(
        st.lists(st.tuples(st.integers(-9, 9), st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=4)
    )
    polynomial = sympy.Add(*[c * x**i * y**j for c, i, j in terms])
    point = {"x": data.draw(st.integers(-50, 50)), "y": data.draw(st.integers(-50, 50))}
    for form in (polynomial, sympy.factor(polynomial), sympy.expand(polynomial)):
        assert ci.evaluate(to_expression(form), point) == int(form.subs({x: point["x"], y: point["y"]}))


def test_sympy_stands_wherever_an_expression_does() -> None:
    problem = ci.Problem()
    a, b = problem.integer("x", 0, 9), problem.integer("y", 0, 9)
    problem.add(sympy.Eq(x + y, 9), label="sum")
    problem.add(a * x <= 20, ci.all_different(x, b))
    problem.prefer(ci.largest(x))
    problem.minimize(-x * y)
    solution = problem.solve()
    assert dict(solution) == {"x": 4, "y": 5} and solution[x * y] == 20
    assert str(problem.constraints[0]).startswith("sum: ")


def test_a_symbol_that_is_no_variable_is_an_unknown_name() -> None:
    problem = ci.Problem()
    problem.integer("x", 0, 9)
    with pytest.raises(ci.UnknownNameError, match="unknown name 'y'"):
        problem.add(x + y > 3)


def test_sympy_is_imported_only_when_it_is_used() -> None:
    code = (
        "import sys, constrint as ci; p = ci.Problem(); x = p.integer('x', 1, 9); p.add(x * x == 49); "
        "p.solve(); p.to_yaml(); assert 'sympy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
