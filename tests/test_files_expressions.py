"""The language of problem files: what each text means, checked against Python itself."""

from __future__ import annotations

import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import constrint as ci

HEADER = """
parameters:
  n: 3
  w: [3, 5, 7]
  d: [[0, 4], [4, 1], [2, 2]]
  edges: [[0, 1], [1, 2]]
variables:
  x: -9..9
  y: -9..9
  b: bool
  q: {array: 3, domain: 0..9}
  g: {array: [2, 3], domain: 0..9}
"""


def problem_with(expression: str, header: str = HEADER) -> ci.Problem:
    text = expression.replace("'", "''")
    return ci.load(io.StringIO(f"{header}constraints:\n  - '{text}'\n"))


def expression_of(text: str) -> ci.Expression:
    return problem_with(text).constraints[0].expression


VALUES: dict[str, int] = {
    "x": 2, "y": -3, "b": 1, "q[0]": 4, "q[1]": 0, "q[2]": 7,
    "g[0][0]": 1, "g[0][1]": 2, "g[0][2]": 3, "g[1][0]": 4, "g[1][1]": 5, "g[1][2]": 6,
}  # fmt: skip


def value_of(text: str) -> int:
    return ci.evaluate(expression_of(text), VALUES)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("x + y * 2 - 1", -5),
        ("-x ** 2", -4),
        ("y // 2", -2),
        ("y % 2", 1),
        ("-7 // 2 + x", -2),
        ("(x > 0) + (y > 0) + 1", 2),
        ("1 < x < 3 <= 3", 1),
        ("1 < x < 2", 0),
        ("not x", 0),
        ("x and y", 1),
        ("b or y", 1),
        ("(x and y) + 5", 6),
        ("5 if x > 1 else y", 5),
        ("x in [1, 2, 3]", 1),
        ("x not in [1, 2, 3]", 0),
        ("x in (y, 2)", 1),
        ("x in {y, 4}", 0),
        ("x in w", 0),
        ("x in q", 0),
        ("q[0] in q", 1),
        ("x in range(0, 10, 2)", 1),
        ("x in range(10**30)", 1),
        ("x in range(1, 10**30, 2)", 0),
        ("y not in range(10**30)", 1),
        ("[x, y] in [[2, -3], [0, 0]]", 1),
        ("(x, y) not in [[2, -3], [0, 0]]", 0),
        ("w[1] * x", 10),
        ("w[-1] + x", 9),
        ("w[x]", 7),
        ("q[x]", 7),
        ("q[-1]", 7),
        ("q[x - 1] + w[x - 2]", 3),
        ("d[x][b]", 2),
        ("d[1, 0] + x", 6),
        ("d[x, 0]", 2),
        ("g[b][x]", 6),
        ("g[1][2] + g[0, 1]", 8),
        ("sum(q)", 11),
        ("sum(q[1:])", 7),
        ("sum(x, y, 1)", 0),
        ("sum(g)", 21),
        ("sum(w[i] * q[i] for i in range(n))", 61),
        ("sum(1 for i in range(8) for j in range(i) if i != j if j > 2) + x", 12),
        ("sum(v for v in q)", 11),
        ("sum(x + i * j for i, j in edges)", 6),
        ("sum([i * i for i in range(4)]) + x", 16),
        ("min(x, y, 0)", -3),
        ("max(q)", 7),
        ("min(q[i] + i for i in range(n))", 1),
        ("max([x, y])", 2),
        ("abs(y)", 3),
        ("gcd(x * 6, 8)", 4),
        ("lcm(x, 3)", 6),
        ("gcd(12, 18, x * 3)", 6),
        ("ceil_div(x + 5, 2)", 4),
        ("divides(x, 8)", 1),
        ("divides(3, x)", 0),
        ("implies(x > 5, y > 5)", 1),
        ("iff(x > 5, y > 5)", 1),
        ("xor(x > 0, y > 0)", 1),
        ("all_different(q)", 1),
        ("all_different(x, y, 2)", 0),
        ("all_different(q[i] - i for i in range(n))", 1),
        ("table([x, y], [[1, 1], [2, -3]])", 1),
        ("element(x, w)", 7),
        ("element(1, q)", 0),
        ("count(q, 4)", 1),
        ("count((v % 2 for v in q), 0)", 2),
        ("count(v > 3 for v in q)", 2),
        ("len(q) * x", 6),
        ("len(range(5)) + len(g) + x", 9),
        ("any(v == 7 for v in q)", 1),
        ("all(v < 7 for v in q)", 0),
        ("all(i >= 3 or q[i] > 0 for i in range(5))", 0),
        ("True + true + False + x", 4),
        ("0x10 + 1_000 + x", 1018),
        ("sum(i == n - 1 or q[i] > q[i + 1] for i in range(n))", 2),
        ("sum(0 if i == 2 else q[i + 1] for i in range(n))", 7),
    ],
)
def test_text_means_what_python_means(text: str, value: int) -> None:
    assert value_of(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "x // (y + 3) == 0",
        "x // (y + 3) != 0",
        "w[x + 1] < 100",
        "w[y] < 100",
        "x // (y + 3) in [0, 1]",
        "x // (y + 3) not in [0, 1]",
        "x % (y + 3) in range(10**9)",
        "x % (y + 3) not in range(10**9)",
        "x ** y == 0",
        "1 // 0 == 0",
        "element(7, w) < 100",
        "divides(x // (y + 3), 4)",
    ],
)
def test_comparison_around_an_undefined_term_is_false(text: str) -> None:
    assert value_of(text) == 0
    assert value_of(f"not ({text})") == 1


def test_constants_are_folded() -> None:
    assert str(expression_of("x <= gcd(12, 18) * 2 ** 10 + w[1] - len(d)")) == "x <= 6146"


def test_a_long_sum_stays_flat() -> None:
    text = " + ".join(["x", "y"] * 500)
    assert len(expression_of(f"{text} == 3").args[0].args) == 1000


def test_a_long_integer_is_exact() -> None:
    digits = "123456789" * 1000
    assert str(expression_of(f"x < {digits} - {digits} + 3")) == "x < 3"


# Random texts against Python's own evaluation -------------------------------------------------------------


def texts(depth: int) -> st.SearchStrategy[str]:
    leaf = st.sampled_from(["x", "y", "b", "3", "0", "1", "7", "q[0]", "q[2]", "w[1]", "(-2)"])
    if depth == 0:
        return leaf
    inner = texts(depth - 1)
    two = st.tuples(inner, inner)
    operators = ["+", "-", "*", "//", "%", "==", "!=", "<", "<=", ">", ">="]
    return st.one_of(
        leaf,
        st.tuples(inner, st.sampled_from(operators), inner).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        st.tuples(inner, st.sampled_from(["+", "-", "*"]), inner, inner).map(
            lambda p: f"({p[0]} {p[1]} {p[2]} {p[1]} {p[3]})"
        ),
        inner.map(lambda p: f"(-{p})"),
        inner.map(lambda p: f"(not {p})"),
        st.tuples(inner, inner, inner).map(lambda p: f"({p[0]} < {p[1]} <= {p[2]})"),
        st.tuples(inner, inner, inner).map(lambda p: f"({p[0]} if {p[1]} else {p[2]})"),
        two.map(lambda p: f"bool({p[0]} and {p[1]})"),
        two.map(lambda p: f"bool({p[0]} or {p[1]})"),
        two.map(lambda p: f"min({p[0]}, {p[1]})"),
        two.map(lambda p: f"max([{p[0]}, {p[1]}])"),
        inner.map(lambda p: f"abs({p})"),
        two.map(lambda p: f"sum({p[0]} + i * {p[1]} for i in range(4) if i != 2)"),
        two.map(lambda p: f"({p[0]} in [{p[1]}, 2, 5])"),
        two.map(lambda p: f"({p[0]} not in [{p[1]}, 2, 5])"),
        inner.map(lambda p: f"any({p} == i for i in w)"),
        inner.map(lambda p: f"({p} in range(-3, 4))"),
    )


@settings(deadline=None, max_examples=400, derandomize=True)
@given(texts(3), st.integers(-9, 9), st.integers(-9, 9), st.integers(0, 1))
def test_random_texts_have_pythons_value(text: str, x: int, y: int, b: int) -> None:
    scope: dict[str, Any] = {"x": x, "y": y, "b": b, "q": [4, 0, 7], "w": [3, 5, 7]}
    try:
        expected = eval(text, scope)  # the test's own text, not a user's
    except ZeroDivisionError:
        return
    found = ci.evaluate(expression_of(text.replace("bool(", "(")), {**VALUES, "x": x, "y": y, "b": b})
    assert found == expected


@settings(deadline=None, max_examples=200, derandomize=True)
@given(texts(3))
def test_the_text_of_an_expression_reads_back(text: str) -> None:
    once = str(expression_of(text.replace("bool(", "(")))
    assert str(expression_of(once)) == once
