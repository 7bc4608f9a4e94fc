"""All minimal conflicts and smallest corrections, against every subset of the constraints."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import constrint as ci

Row = tuple[int, int, str, int]
ROWS = st.lists(
    st.tuples(
        st.integers(-3, 3), st.integers(-3, 3), st.sampled_from(["<=", "==", "!=", "%"]), st.integers(-6, 9)
    ),
    min_size=1,
    max_size=6,
    unique=True,
)


def true(row: Row, x: int, y: int) -> bool:
    a, b, sign, c = row
    left = a * x + b * y
    if sign == "%":
        return c != 0 and left % c == 0
    return {"<=": left <= c, "==": left == c, "!=": left != c}[sign]


def holds(rows: Sequence[Row]) -> bool:
    return any(all(true(row, x, y) for row in rows) for x, y in product(range(4), repeat=2))


def stated(rows: list[Row]) -> ci.Problem:
    p = ci.Problem()
    x, y = p.integer("x", 0, 3), p.integer("y", 0, 3)
    for number, (a, b, sign, c) in enumerate(rows):
        left = a * x + b * y
        e = (
            left % c == 0
            if sign == "%"
            else left <= c
            if sign == "<="
            else left == c
            if sign == "=="
            else left != c
        )
        p.add(e, label=str(number))
    return p


@settings(deadline=None)
@given(ROWS)
def test_the_conflicts_are_all_the_minimal_ones(rows: list[Row]) -> None:
    numbers = range(len(rows))
    conflicts = [
        s for n in range(len(rows) + 1) for s in combinations(numbers, n) if not holds([rows[k] for k in s])
    ]
    minimal = {s for s in conflicts if not any(set(other) < set(s) for other in conflicts)}
    found = stated(rows).conflicts(limit=100)
    assert found.complete and found.stopped_by is None
    shown = [tuple(int(one.label or "") for one in conflict) for conflict in found.conflicts]
    assert len(shown) == len(set(shown)) and set(shown) == minimal
    some = stated(rows).conflicts(limit=1)
    assert len(some.conflicts) == min(1, len(minimal))


@settings(deadline=None)
@given(ROWS)
def test_a_correction_is_the_smallest(rows: list[Row]) -> None:
    least = min(n for n in range(len(rows) + 1) for s in combinations(rows, len(rows) - n) if holds(s))
    p = stated(rows)
    found = p.correction()
    assert found.status == "optimal" and len(found.dropped) == least
    kept = [row for number, row in enumerate(rows) if str(number) not in {one.label for one in found.dropped}]
    assert all(true(row, found.values["x"], found.values["y"]) for row in kept)
    assert len(p.constraints) == len(rows)


def test_where_the_domains_leave_nothing_no_constraint_is_to_blame() -> None:
    p = ci.Problem()
    p.integer("x", 5, 9, multiple_of=10)
    p.add(p["x"] > 6)
    assert p.conflicts().conflicts == [[]] and p.conflicts().complete
    assert p.correction().status == "infeasible" and p.correction().dropped == []


def test_a_time_limit_is_said() -> None:
    p = ci.Problem()
    xs = [p.integer(f"x{k}", 0, 13) for k in range(15)]
    for a, b in combinations(xs, 2):
        p.add(a != b)
    found = p.conflicts(time_limit=0.2)
    assert not found.complete and found.stopped_by == "time limit"


@pytest.mark.parametrize("limit", [0, -1, 1.5, "all"])
def test_a_limit_is_a_positive_number(limit: object) -> None:
    with pytest.raises(ci.ProblemError, match="limit"):
        ci.Problem().conflicts(limit=limit)  # type: ignore[arg-type]
