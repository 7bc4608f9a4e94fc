"""Which propagators a constraint becomes."""

from __future__ import annotations

import pytest

import constrint as ci
from constrint.expressions import Expression, variable
from constrint.solving import Program, Session


def propagators(constraint: Expression) -> list[str]:
    """The kinds of propagators of a problem with this constraint on x, y, z and w."""
    problem = ci.Problem()
    for name in "xyzw":
        problem.integer(name, 1, 100)
    problem.add(constraint)
    program = Program(Session(problem), 256)
    return sorted(type(each).__name__ for each in program.store.propagators)


x, y, z, w = (variable(name) for name in "xyzw")


@pytest.mark.parametrize(
    ("constraint", "expected"),
    [
        # A function goes straight into the variable or the constant that it equals.
        (x == y * z, ["Product"]),
        (y * z == 24, ["Product"]),
        (x == y // z, ["DivMod"]),
        # With anything else it equals it is one row, and nothing stands for the sum or the multiple.
        (x + w == y * z, ["LinearEq", "Product"]),
        (64 * x == 2 * y * z, ["LinearEq", "Product"]),
        (x + 1 == abs(y - z), ["Absolute", "LinearEq", "LinearEq"]),
        (2 * x * w == 3 * y * z, ["LinearEq", "Polynomial", "Product", "Product"]),
        # Rounding up is rounding down of a little more, so that no quotient is negative.
        (w == ci.ceil_div(x, 4), ["DivMod", "LinearEq"]),
        (w == ci.ceil_div(x + 5, 4), ["DivMod", "LinearEq"]),
    ],
    ids=str,
)
def test_a_constraint_becomes_few_propagators(constraint: Expression, expected: list[str]) -> None:
    assert propagators(constraint) == expected


@pytest.mark.parametrize("divisor", [-3, -1, 1, 3, 4])
def test_rounding_up_is_exact_for_every_constant_divisor(divisor: int) -> None:
    problem = ci.Problem()
    a, q = problem.integer("a", -9, 9), problem.integer("q", -20, 20)
    problem.add(q == ci.ceil_div(a, divisor))
    expected = {(v, -(-v // divisor)) for v in range(-9, 10)}
    assert {(s["a"], s["q"]) for s in problem.solutions()} == expected
