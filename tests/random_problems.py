"""Random problems small enough for brute force: negatives, zero, division, reification, nesting."""

from __future__ import annotations

from functools import cache
from itertools import product
from typing import Any

from hypothesis import strategies as st

import constrint as ci
from constrint.expressions import Expression, Op, apply, build, constant, member, variable

NAMES = ["x", "y", "z", "b"]


@cache
@st.composite
def domains(draw: st.DrawFn) -> dict[str, Any]:
    """Keywords for Problem.integer: at most about ten values, around 0."""
    kind = draw(
        st.sampled_from(["range", "range", "values", "divides", "multiple", "remainder", "power", "bool"])
    )
    if kind == "values":
        return {"values": draw(st.lists(st.integers(-12, 12), min_size=1, max_size=6))}
    if kind == "divides":
        return {
            "divides": draw(st.sampled_from([1, 6, 8, 12, 36, -10])),
            "high": draw(st.sampled_from([None, 6])),
        }
    if kind == "multiple":
        return {
            "low": -9,
            "high": draw(st.integers(-3, 12)),
            "multiple_of": draw(st.sampled_from([2, 3, -4, 0])),
        }
    if kind == "remainder":
        return {
            "low": -7,
            "high": 8,
            "remainder": (draw(st.integers(-3, 5)), draw(st.sampled_from([2, 3, 5]))),
        }
    if kind == "power":
        return {"power_of": draw(st.sampled_from([2, 3])), "high": draw(st.integers(1, 20))}
    if kind == "bool":
        return {"low": 0, "high": 1}
    low = draw(st.integers(-6, 4))
    return {"low": low, "high": low + draw(st.integers(0, 8))}


@cache  # the strategies of a depth share those below: built anew, they would be exponentially many
def integers(depth: int) -> st.SearchStrategy[Expression]:
    """Integer expressions."""
    leaf = st.one_of(
        st.sampled_from(NAMES[:3]).map(variable),
        st.sampled_from(NAMES).map(variable),
        st.integers(-4, 6).map(constant),
    )
    if depth == 0:
        return leaf
    inner = integers(depth - 1)
    pair = st.tuples(inner, inner)
    few = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        leaf,
        pair.map(lambda p: p[0] + p[1]),
        pair.map(lambda p: p[0] - p[1]),
        pair.map(lambda p: p[0] * p[1]),
        pair.map(lambda p: p[0] // p[1]),
        pair.map(lambda p: p[0] % p[1]),
        pair.map(lambda p: ci.ceil_div(*p)),
        st.tuples(inner, st.integers(0, 4)).map(lambda p: p[0] ** p[1]),
        st.tuples(leaf, leaf).map(lambda p: p[0] ** p[1]),
        inner.map(abs),
        few.map(ci.minimum),
        few.map(ci.maximum),
        few.map(ci.gcd),
        few.map(ci.lcm),
        st.tuples(booleans(depth - 1), inner, inner).map(lambda p: ci.choose(*p)),
        st.tuples(inner, few).map(lambda p: apply(Op.ELEMENT, p[0], *p[1])),
        st.tuples(few, inner).map(lambda p: ci.count(p[0], p[1])),
        booleans(depth - 1),
    )


@cache
def booleans(depth: int) -> st.SearchStrategy[Expression]:
    """Boolean expressions (and integers where booleans are expected)."""
    inner = integers(depth) if depth == 0 else integers(depth - 1)
    pair = st.tuples(inner, inner)
    compare = st.tuples(
        st.sampled_from([Op.EQUAL, Op.NOT_EQUAL, Op.LESS_EQUAL, Op.LESS, Op.GREATER_EQUAL, Op.GREATER]),
        inner,
        inner,
    )
    simple = [
        compare.map(lambda p: build(p[0], (p[1], p[2]))),
        compare.map(lambda p: build(p[0], (p[1], p[2]))),
        st.tuples(inner, st.lists(st.integers(-5, 9), max_size=4)).map(lambda p: member(p[0], p[1])),
        pair.map(lambda p: ci.divides(*p)),
        st.tuples(inner, inner).map(lambda p: p[0] % p[1] == 0),
        st.lists(inner, min_size=2, max_size=4).map(ci.all_different),
        st.tuples(inner, inner, st.lists(st.tuples(st.integers(-4, 6), st.integers(-4, 6)), max_size=5)).map(
            lambda p: ci.table([p[0], p[1]], p[2])
        ),
    ]
    if depth == 0:
        return st.one_of(*simple)
    truth = st.one_of(booleans(depth - 1), integers(0))
    parts = st.tuples(truth, truth)
    return st.one_of(
        *simple,
        parts.map(lambda p: p[0] & p[1]),
        parts.map(lambda p: p[0] | p[1]),
        truth.map(lambda p: ~p),
        parts.map(lambda p: ci.implies(*p)),
        parts.map(lambda p: ci.iff(*p)),
        st.lists(truth, min_size=1, max_size=3).map(ci.xor),
    )


@st.composite
def problems(draw: st.DrawFn, depth: int = 2, most: int = 3) -> ci.Problem:
    """A problem of three integers and a boolean with up to `most` constraints."""
    problem = ci.Problem()
    for name in NAMES[:3]:
        problem.integer(name, **draw(domains()))
    problem.boolean("b")
    for number in range(draw(st.integers(1, most))):
        problem.add(draw(booleans(depth)), label=f"c{number}")
    return problem


def everything(problem: ci.Problem) -> list[tuple[int, ...]]:
    """Every assignment that the declared domains allow."""
    ranges = []
    for spec in problem.variables.values():
        ranges.append([value for value in range(-40, 41) if spec.holds(value)])
    return list(product(*ranges))


def solutions(problem: ci.Problem, constraints: list[ci.Constraint] | None = None) -> list[tuple[int, ...]]:
    """Every solution, by brute force, in lexicographic order."""
    names = list(problem.variables)
    chosen = problem.constraints if constraints is None else constraints
    found = []
    for values in everything(problem):
        assignment = dict(zip(names, values, strict=True))
        if all(ci.holds(constraint.expression, assignment) for constraint in chosen):
            found.append(values)
    return found
