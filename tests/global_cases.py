"""Random global constraints over small domains, each with its meaning said a second time, plainly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise, product
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


# Routes ----------------------------------------------------------------------------------------------


def _rounds(row: Row) -> list[list[int]]:
    """The cycles of a permutation; empty where it is none."""
    if sorted(row) != list(range(len(row))):
        return []
    left = set(range(len(row)))
    found = []
    while left:
        place = min(left)
        cycle = []
        while place in left:
            left.remove(place)
            cycle.append(place)
            place = row[place]
        found.append(cycle)
    return found


@st.composite
def circuits(draw: st.DrawFn) -> Case:
    n = draw(st.integers(1, 5))
    return Case(draw(spaces(n, n, -1, n)), ci.circuit, lambda row: len(_rounds(row)) == 1)


@st.composite
def subcircuits(draw: st.DrawFn) -> Case:
    n = draw(st.integers(1, 5))

    def holds(row: Row) -> bool:
        rounds = _rounds(row)
        return bool(rounds) and sum(len(cycle) > 1 for cycle in rounds) <= 1

    return Case(draw(spaces(n, n, 0, n - 1)), ci.subcircuit, holds)


@st.composite
def inverses(draw: st.DrawFn) -> Case:
    n = draw(st.integers(1, 3))

    def holds(row: Row) -> bool:
        return sorted(row[:n]) == list(range(n)) and all(row[n + j] == i for i, j in enumerate(row[:n]))

    return Case(draw(spaces(2 * n, 2 * n, -1, n)), lambda x: ci.inverse(x[:n], x[n:]), holds)


# Counting --------------------------------------------------------------------------------------------


@st.composite
def countings(draw: st.DrawFn) -> Case:
    """How many items have one of some values, compared with a number."""
    parts = draw(spaces(2, 5, -2, 3))
    values = draw(st.lists(st.integers(-2, 3), max_size=3))
    n = draw(st.integers(0, 4))
    kind = draw(st.sampled_from(["among", "at_most", "at_least", "exactly"]))
    value = values[0] if values else 0
    if kind == "among":
        return Case(parts, lambda x: ci.among(x, values) == n, lambda row: sum(v in values for v in row) == n)
    compare: dict[str, Callable[[int], bool]] = {
        "at_most": lambda found: found <= n,
        "at_least": lambda found: found >= n,
        "exactly": lambda found: found == n,
    }
    return Case(
        parts, lambda x: getattr(ci, kind)(n, x, value), lambda row: compare[kind](list(row).count(value))
    )


@st.composite
def equalities(draw: st.DrawFn) -> Case:
    return Case(draw(spaces(1, 4, 0, 4)), ci.all_equal, lambda row: len(set(row)) == 1)


@st.composite
def cardinalities(draw: st.DrawFn) -> Case:
    values = draw(st.lists(st.integers(0, 4), min_size=1, max_size=3, unique=True))
    parts = (*draw(spaces(2, 4, 0, 4)), *[part[:2] for part in draw(spaces(3, 3, 0, 3))][: len(values)])
    n = len(parts) - len(values)
    closed = draw(st.booleans())

    def holds(row: Row) -> bool:
        items = row[:n]
        if closed and not set(items) <= set(values):
            return False
        return [items.count(value) for value in values] == list(row[n:])

    return Case(parts, lambda x: ci.global_cardinality(x[:n], values, x[n:], closed), holds)


# Sequences -------------------------------------------------------------------------------------------


@st.composite
def ascents(draw: st.DrawFn) -> Case:
    parts = draw(spaces(1, 4, -2, 4))
    if draw(st.booleans()):
        return Case(parts, ci.increasing, lambda row: list(row) == sorted(row))
    return Case(parts, ci.strictly_increasing, lambda row: list(row) == sorted(set(row)))


@st.composite
def dictionaries(draw: st.DrawFn) -> Case:
    parts = draw(spaces(2, 6, 0, 3))
    n = draw(st.integers(1, len(parts) - 1))
    if draw(st.booleans()):
        return Case(parts, lambda x: ci.lex_less(x[:n], x[n:]), lambda row: row[:n] < row[n:])
    return Case(parts, lambda x: ci.lex_lesseq(x[:n], x[n:]), lambda row: row[:n] <= row[n:])


@st.composite
def precedences(draw: st.DrawFn) -> Case:
    parts = draw(spaces(1, 5, 0, 4))
    values = draw(st.lists(st.integers(0, 3), min_size=2, max_size=3, unique=True))

    def holds(row: Row) -> bool:
        return all(first in row[: row.index(second)] for first, second in pairwise(values) if second in row)

    return Case(parts, lambda x: ci.value_precede_chain(values, x), holds)


@st.composite
def automata(draw: st.DrawFn) -> Case:
    parts = draw(spaces(1, 5, 0, 3))
    state = st.integers(1, 3)
    triples = draw(st.lists(st.tuples(state, st.integers(0, 3), state), max_size=9))
    if draw(st.booleans()):
        triples = list(
            {(source, value): (source, value, target) for source, value, target in triples}.values()
        )
    accepting = draw(st.lists(state, min_size=1, max_size=2))

    def holds(row: Row) -> bool:
        def ends(source: int, rest: Row) -> bool:
            if not rest:
                return source in accepting
            return any(ends(b, rest[1:]) for a, value, b in triples if (a, value) == (source, rest[0]))

        return ends(1, row)

    return Case(parts, lambda x: ci.regular(x, triples, 1, accepting), holds)


# Packing ---------------------------------------------------------------------------------------------


@st.composite
def packings(draw: st.DrawFn) -> Case:
    n, m = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    sizes = draw(st.lists(st.integers(0, 5), min_size=n, max_size=n))
    bins = [part[:3] for part in draw(spaces(n, n, -1, m))]
    loads = [part[:3] for part in draw(spaces(m, m, 0, 9))]
    kind = draw(st.sampled_from(["exact", "capacities", "shared"]))
    if kind == "shared":
        loads = loads[:1]

    def holds(row: Row) -> bool:
        filled = {k: sum(size for bin, size in zip(row, sizes, strict=False) if bin == k) for k in row[:n]}
        if kind == "shared":
            return max(filled.values()) <= row[n]
        if not set(row[:n]) <= set(range(m)):
            return False
        found = [filled.get(k, 0) for k in range(m)]
        if kind == "exact":
            return found == list(row[n:])
        return all(load <= capacity for load, capacity in zip(found, row[n:], strict=True))

    def make(x: Sequence[Any]) -> Any:
        if kind == "exact":
            return ci.bin_packing_loads(x[:n], sizes, x[n:])
        return ci.bin_packing(x[:n], sizes, x[n] if kind == "shared" else x[n:])

    return Case((*bins, *loads), make, holds)


@st.composite
def knapsacks(draw: st.DrawFn) -> Case:
    n = draw(st.integers(1, 3))
    weights = draw(st.lists(st.integers(0, 4), min_size=n, max_size=n))
    profits = draw(st.lists(st.integers(0, 4), min_size=n, max_size=n))
    sums = tuple(range(draw(st.integers(0, 8)), 9)), tuple(range(draw(st.integers(0, 8)), 9))
    parts = (*[part[:4] for part in draw(spaces(n, n, -1, 3))], *sums)

    def holds(row: Row) -> bool:
        weight = sum(w * v for w, v in zip(weights, row, strict=False))
        profit = sum(p * v for p, v in zip(profits, row, strict=False))
        return min(row[:n]) >= 0 and (weight, profit) == row[n:]

    return Case(parts, lambda x: ci.knapsack(x[:n], weights, profits, x[n], x[n + 1]), holds)


# Entries ---------------------------------------------------------------------------------------------


@st.composite
def entries(draw: st.DrawFn) -> Case:
    height, width = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    entry = st.one_of(st.integers(0, 4), st.none())
    matrix = [[draw(entry) for _ in range(width)] for _ in range(height)]
    parts = (*draw(spaces(2, 2, -1, 3)), *draw(spaces(1, 1, -1, 5)), *draw(spaces(1, 1, 0, 4)))

    def filled(last: Any) -> list[list[Any]]:
        return [[last if value is None else value for value in row] for row in matrix]

    def holds(row: Row) -> bool:
        if not (0 <= row[0] < height and 0 <= row[1] < width):
            return False
        return bool(filled(row[3])[row[0]][row[1]] == row[2])

    return Case(parts, lambda x: ci.element_2d(x[0], x[1], filled(x[3])) == x[2], holds)


@st.composite
def extremes(draw: st.DrawFn) -> Case:
    parts = (*draw(spaces(1, 1, -1, 4)), *draw(spaces(1, 4, 0, 4)))
    if draw(st.booleans()):
        return Case(
            parts, lambda x: ci.argmax(x[1:]) == x[0], lambda row: row[1:].index(max(row[1:])) == row[0]
        )
    return Case(parts, lambda x: ci.argmin(x[1:]) == x[0], lambda row: row[1:].index(min(row[1:])) == row[0])


@st.composite
def exclusions(draw: st.DrawFn) -> Case:
    parts = draw(spaces(1, 3, 0, 3))
    rows = draw(st.lists(st.tuples(*[st.integers(0, 3)] * len(parts)), max_size=20))
    return Case(parts, lambda x: ci.negative_table(x, rows), lambda row: row not in rows)


CASES: dict[str, st.SearchStrategy[Case]] = {
    "cumulative": cumulatives(),
    "cumulative, all open": open_cumulatives(),
    "no_overlap": disjunctives(),
    "no_overlap, optional": optional_disjunctives(),
    "no_overlap_2d": rectangles(),
    "circuit": circuits(),
    "subcircuit": subcircuits(),
    "inverse": inverses(),
    "among, at_most, at_least, exactly": countings(),
    "all_equal": equalities(),
    "global_cardinality": cardinalities(),
    "increasing": ascents(),
    "lex_less": dictionaries(),
    "value_precede": precedences(),
    "regular": automata(),
    "bin_packing": packings(),
    "knapsack": knapsacks(),
    "element_2d": entries(),
    "argmax, argmin": extremes(),
    "negative_table": exclusions(),
}
