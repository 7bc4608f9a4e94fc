"""Random global constraints over small domains, each with its meaning said a second time, plainly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

from hypothesis import strategies as st

import constrint as ci

Row = tuple[int, ...]


@dataclass(frozen=True)
class Case:
    """A constraint over variables x[0], x[1], … with these domains, and what it means."""

    spaces: tuple[tuple[int, ...], ...]
    make: Callable[[Sequence[Any]], Any]
    """The constraint on the variables."""
    holds: Callable[[Row], bool]

    def problem(self) -> tuple[ci.Problem, list[ci.Expression]]:
        """A problem with the variables and without constraints."""
        p = ci.Problem()
        return p, [p.integer(f"x{k}", values=space) for k, space in enumerate(self.spaces)]

    def rows(self) -> list[Row]:
        """The solutions, in lexicographic order."""
        return [row for row in product(*self.spaces) if self.holds(row)]

    def __repr__(self) -> str:
        return f"{self.make(self.problem()[1])} for {self.spaces}"


@st.composite
def spaces(draw: st.DrawFn, least: int, most: int, low: int, high: int) -> tuple[tuple[int, ...], ...]:
    """Domains of several variables, with at most 4,000 assignments together."""
    found: list[tuple[int, ...]] = []
    size = 1
    for _ in range(draw(st.integers(least, most))):
        values = draw(st.lists(st.integers(low, high), min_size=1, max_size=max(1, min(5, 4000 // size))))
        found.append(tuple(sorted(set(values))))
        size *= len(found[-1])
    return tuple(found)


# Scheduling ------------------------------------------------------------------------------------------


def _overlap(s: int, d: int, t: int, e: int) -> bool:
    return bool(set(range(s, s + d)) & set(range(t, t + e)))


@st.composite
def cumulatives(draw: st.DrawFn) -> Case:
    starts = draw(spaces(2, 4, -1, 6))
    n = len(starts)
    durations = draw(st.lists(st.integers(0, 4), min_size=n, max_size=n))
    demands = draw(st.lists(st.integers(0, 3), min_size=n, max_size=n))
    capacity = draw(st.integers(0, 4))

    def holds(row: Row) -> bool:
        tasks = list(zip(row, durations, demands, strict=True))
        return all(
            sum(h for s, d, h in tasks if s <= time < s + d) <= capacity for time in range(-1, 12)
        )  # fmt: skip

    return Case(starts, lambda x: ci.cumulative(x, durations, demands, capacity), holds)


@st.composite
def open_cumulatives(draw: st.DrawFn) -> Case:
    """Durations, demands and the capacity are variables too."""
    n = 2
    parts = (*draw(spaces(n, n, 0, 4)), *draw(spaces(2 * n, 2 * n, -1, 3)), *draw(spaces(1, 1, -1, 4)))
    while len(set(map(len, parts))) > 0 and _size(parts) > 6000:
        longest = max(range(len(parts)), key=lambda k: len(parts[k]))
        parts = (*parts[:longest], parts[longest][:-1], *parts[longest + 1 :])

    def holds(row: Row) -> bool:
        tasks = list(zip(row[:n], row[n : 2 * n], row[2 * n : 3 * n], strict=True))
        return min(row[n:]) >= 0 and all(
            sum(h for s, d, h in tasks if s <= time < s + d) <= row[-1] for time in range(9)
        )

    return Case(
        parts, lambda x: ci.cumulative(x[:n], x[n : 2 * n], x[2 * n : 3 * n], x[3 * n]), holds
    )  # fmt: skip


def _size(parts: Sequence[Sequence[int]]) -> int:
    size = 1
    for part in parts:
        size *= len(part)
    return size


@st.composite
def disjunctives(draw: st.DrawFn) -> Case:
    starts = draw(spaces(2, 4, -1, 7))
    n = len(starts)
    durations = draw(st.lists(st.integers(0, 4), min_size=n, max_size=n))

    def holds(row: Row) -> bool:
        tasks = list(zip(row, durations, strict=True))
        return not any(_overlap(*one, *other) for one, other in combinations(tasks, 2))

    return Case(starts, lambda x: ci.no_overlap(x, durations), holds)


@st.composite
def optional_disjunctives(draw: st.DrawFn) -> Case:
    """Some tasks may be absent, some durations are open."""
    n = draw(st.integers(2, 3))
    starts = draw(spaces(n, n, 0, 4))
    lengths = draw(spaces(n, n, 0, 4))
    parts = (*starts, *((length[:2]) for length in lengths), *[draw(st.sampled_from([(0, 1), (1,)]))] * n)
    parts = tuple(part[:3] for part in parts)

    def holds(row: Row) -> bool:
        tasks = [(row[k], row[n + k]) for k in range(n) if row[2 * n + k]]
        return not any(_overlap(*one, *other) for one, other in combinations(tasks, 2))

    return Case(parts, lambda x: ci.no_overlap(x[:n], x[n : 2 * n], x[2 * n :]), holds)


@st.composite
def rectangles(draw: st.DrawFn) -> Case:
    n = draw(st.integers(2, 3))
    corners = tuple(part[:3] for part in draw(spaces(2 * n, 2 * n, 0, 4)))
    sizes = draw(st.lists(st.integers(0, 3), min_size=2 * n, max_size=2 * n))

    def holds(row: Row) -> bool:
        boxes = [
            {
                (i, j)
                for i in range(row[k], row[k] + sizes[k])
                for j in range(row[n + k], row[n + k] + sizes[n + k])
            }
            for k in range(n)
        ]
        return all(one.isdisjoint(other) for one, other in combinations(boxes, 2))

    return Case(corners, lambda x: ci.no_overlap_2d(x[:n], x[n:], sizes[:n], sizes[n:]), holds)


CASES: dict[str, st.SearchStrategy[Case]] = {
    "cumulative": cumulatives(),
    "cumulative, all open": open_cumulatives(),
    "no_overlap": disjunctives(),
    "no_overlap, optional": optional_disjunctives(),
    "no_overlap_2d": rectangles(),
}
