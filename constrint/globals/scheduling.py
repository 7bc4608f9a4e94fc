"""Tasks and rectangles: cumulative, no_overlap, no_overlap_2d, precedence; and the intervals they take."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from constrint.engine.propagator import Propagator
from constrint.engine.propagators.scheduling import ENERGY_LIMIT, Disjunctive, Energy, Rectangles, TimeTable
from constrint.errors import ExpressionError
from constrint.expressions import (
    Expression,
    Op,
    Operand,
    add,
    apply,
    connect,
    constant,
    flat,
    listed,
    to_expression,
)
from constrint.globals.base import PAIRS_LIMIT, Relation, bracketed, relation, same_length


@dataclass(frozen=True, eq=False)
class Interval:
    """A span of time, from `start` up to but without `end`; `present` is 0 where it does not take place.

    `derived` is the part that follows from the two others, if one does, and `constraints` are those that the
    interval states of itself.
    """

    name: str
    start: Expression
    duration: Expression
    end: Expression
    present: Expression
    derived: str | None = None
    constraints: tuple[Expression, ...] = ()

    def __repr__(self) -> str:
        optional = "" if self.present.op is Op.CONSTANT else f", if {self.present}"
        return f"<Interval {self.name}: {self.start} to {self.end}{optional}>"


_CERTAIN = constant(1)


def _is_certain(present: Expression) -> bool:
    """Whether a presence is a constant other than 0."""
    return present.op is Op.CONSTANT and present.data != 0


def _chunks(items: Sequence[Any], count: int) -> list[Sequence[Any]]:
    """`count` lists of the same length that stand one after the other."""
    n = len(items) // count
    return [items[k * n : (k + 1) * n] for k in range(count)]


def _demanded(demand: Expression, present: Expression) -> Expression:
    """The demand of a task that may be absent."""
    return demand if _is_certain(present) else demand * (present != 0)


def _overlap(s: int, d: int, t: int, e: int) -> bool:
    """Whether two spans, given by start and length, have a point in common."""
    return d > 0 and e > 0 and s < t + e and t < s + d


@dataclass(frozen=True)
class Cumulative(Relation):
    """Starts, durations, demands, then the capacity."""

    is_known = True

    def text(self, args: Sequence[str]) -> str:
        lists = map(bracketed, _chunks(args[:-1], 3))
        return f"cumulative({', '.join(lists)}, {args[-1]})"

    def holds(self, values: Sequence[int]) -> bool:
        starts, durations, demands = _chunks(values[:-1], 3)
        if min([*durations, *demands, values[-1]]) < 0:
            return False
        tasks = [(s, d, h) for s, d, h in zip(starts, durations, demands, strict=True) if d > 0]
        return all(sum([h for s, d, h in tasks if s <= time < s + d]) <= values[-1] for time, _, _ in tasks)

    def propagators(self, xs: Sequence[int]) -> list[Propagator]:
        starts, durations, demands = _chunks(xs[:-1], 3)
        found: list[Propagator] = [TimeTable(starts, durations, demands, xs[-1], self.holds)]
        if len(starts) <= ENERGY_LIMIT:
            found.append(Energy(starts, durations, demands, xs[-1], self.holds))
        return found

    def simpler(self, args: Sequence[Expression]) -> Expression | None:
        """At the start of each task the tasks that run fit the capacity."""
        if len(args) > 3 * PAIRS_LIMIT:
            return None
        starts, durations, demands = _chunks(args[:-1], 3)
        parts = [arg >= 0 for arg in (*durations, *demands, args[-1])]
        for time in starts:
            used = add(*[
                h * ((s <= time) & (time < s + d))
                for s, d, h in zip(starts, durations, demands, strict=True)
            ])  # fmt: skip
            parts.append(used <= args[-1])
        return connect(Op.AND, *parts)


@dataclass(frozen=True)
class NoOverlap(Relation):
    """Starts, durations, presences."""

    is_known = True

    def text(self, args: Sequence[str]) -> str:
        starts, durations, presents = _chunks(args, 3)
        if all(present == "1" for present in presents):
            return f"no_overlap({bracketed(starts)}, {bracketed(durations)})"
        return f"no_overlap({bracketed(starts)}, {bracketed(durations)}, {bracketed(presents)})"

    def holds(self, values: Sequence[int]) -> bool:
        starts, durations, presents = _chunks(values, 3)
        if min(durations, default=0) < 0:
            return False
        tasks = [(s, d) for s, d, p in zip(starts, durations, presents, strict=True) if p]
        return not any(_overlap(*one, *other) for one, other in combinations(tasks, 2))

    def propagators(self, xs: Sequence[int]) -> list[Propagator]:
        starts, durations, presents = _chunks(xs, 3)
        return [Disjunctive(starts, durations, presents, self.holds)]

    def simpler(self, args: Sequence[Expression]) -> Expression | None:
        """Of each pair, one ends before the other begins."""
        if len(args) > 3 * PAIRS_LIMIT:
            return None
        parts = [duration >= 0 for duration in _chunks(args, 3)[1]]
        for (s, d, p), (t, e, q) in combinations(zip(*_chunks(args, 3), strict=True), 2):
            parts.append((s + d <= t) | (t + e <= s) | (d <= 0) | (e <= 0) | ~p | ~q)
        return connect(Op.AND, *parts)


@dataclass(frozen=True)
class NoOverlap2D(Relation):
    """Left edges, lower edges, widths, heights, presences."""

    def text(self, args: Sequence[str]) -> str:
        *lists, presents = _chunks(args, 5)
        if any(present != "1" for present in presents):
            lists.append(presents)
        return f"no_overlap_2d({', '.join(map(bracketed, lists))})"

    def holds(self, values: Sequence[int]) -> bool:
        left, low, widths, heights, presents = _chunks(values, 5)
        if min([*widths, *heights], default=0) < 0:
            return False
        boxes = [box for box in zip(left, low, widths, heights, presents, strict=True) if box[4]]
        return not any(
            _overlap(x, w, u, v) and _overlap(y, h, z, g) and min(w, h, v, g) > 0
            for (x, y, w, h, _), (u, z, v, g, _) in combinations(boxes, 2)
        )

    def propagators(self, xs: Sequence[int]) -> list[Propagator]:
        return [Rectangles(xs, self.holds)]

    def implied(self, args: Sequence[Expression]) -> list[Expression]:
        """In both directions, the rectangles over each point fit what all of them span."""
        left, low, widths, heights, presents = _chunks(args, 5)
        if not 2 < len(left) <= ENERGY_LIMIT:
            return []
        found = []
        for along, lengths, across, sizes in ((left, widths, low, heights), (low, heights, left, widths)):
            top = apply(Op.MAXIMUM, *[y + h for y, h in zip(across, sizes, strict=True)])
            bottom = apply(Op.MINIMUM, *across)
            demands = [_demanded(h, p) for h, p in zip(sizes, presents, strict=True)]
            found.append(cumulative(along, lengths, demands, top - bottom))
        return found

    def simpler(self, args: Sequence[Expression]) -> Expression | None:
        """Each pair lies beside or above one another."""
        if len(args) > 5 * PAIRS_LIMIT:
            return None
        parts = [size >= 0 for size in flat(_chunks(args, 5)[2:4])]
        for (x, y, w, h, p), (u, z, v, g, q) in combinations(zip(*_chunks(args, 5), strict=True), 2):
            beside = (x + w <= u) | (u + v <= x) | (y + h <= z) | (z + g <= y)
            parts.append(beside | (w <= 0) | (h <= 0) | (v <= 0) | (g <= 0) | ~p | ~q)
        return connect(Op.AND, *parts)


# What users call ---------------------------------------------------------------------------------------


def cumulative(*arguments: Any) -> Expression:
    """Whether the tasks that run at any time demand at most the capacity.

    cumulative(tasks, demands, capacity) takes intervals, of which only those present demand anything;
    cumulative(starts, durations, demands, capacity) takes lists. Nothing may be negative: no duration, no
    demand, no capacity. A task without a duration demands nothing.

    Time-table consistent, and energetic reasoning (which includes edge-finding) for up to 24 tasks.

    Raises ExpressionError for lists of different lengths.
    """
    if len(arguments) == 3:
        tasks, demands = listed(arguments[0]), flat(arguments[1])
        _check_intervals("cumulative", tasks)
        same_length("cumulative", tasks, demands)
        starts = [task.start for task in tasks]
        durations = [task.duration for task in tasks]
        demands = [_demanded(demand, task.present) for demand, task in zip(demands, tasks, strict=True)]
    elif len(arguments) == 4:
        starts, durations, demands = map(flat, arguments[:3])
        same_length("cumulative", starts, durations, demands)
    else:
        raise ExpressionError(
            "cumulative() takes (tasks, demands, capacity) or (starts, durations, demands, capacity)"
        )
    return relation(Cumulative(), [*starts, *durations, *demands, to_expression(arguments[-1])])


def no_overlap(
    tasks: Iterable[Any], durations: Iterable[Any] | None = None, presents: Iterable[Any] | None = None
) -> Expression:
    """Whether no two of the tasks run at the same time.

    `tasks` are intervals, of which only those present count; or they are starts, with `durations` beside
    them and perhaps `presents`, which are not 0 where a task takes place. A task without a duration takes no
    time, and no duration may be negative.

    Overload checking, detectable precedences and edge-finding.

    Raises ExpressionError for lists of different lengths.
    """
    if durations is None:
        tasks = listed(tasks)
        _check_intervals("no_overlap", tasks)
        starts = [task.start for task in tasks]
        lengths = [task.duration for task in tasks]
        present = [task.present for task in tasks]
    else:
        starts, lengths = flat(tasks), flat(durations)
        present = [_CERTAIN] * len(starts) if presents is None else flat(presents)
    same_length("no_overlap", starts, lengths, present)
    return relation(NoOverlap(), [*starts, *lengths, *present])


def no_overlap_2d(
    x: Iterable[Any],
    y: Iterable[Any],
    widths: Iterable[Any] | None = None,
    heights: Iterable[Any] | None = None,
    presents: Iterable[Any] | None = None,
) -> Expression:
    """Whether no two rectangles overlap; they may touch.

    `x` and `y` are intervals, or the left and lower edges with `widths` and `heights` beside them. A
    rectangle counts where it is present; one without area overlaps nothing, and no size may be negative.

    Pairwise bounds consistent, with both projections as cumulative constraints for up to 24 rectangles.

    Raises ExpressionError for lists of different lengths.
    """
    if widths is None or heights is None:
        across, along = listed(x), listed(y)
        _check_intervals("no_overlap_2d", [*across, *along])
        same_length("no_overlap_2d", across, along)
        left, low = [each.start for each in across], [each.start for each in along]
        wide, high = [each.duration for each in across], [each.duration for each in along]
        present = [
            one.present if _is_certain(other.present) else connect(Op.AND, one.present, other.present)
            for one, other in zip(across, along, strict=True)
        ]
    else:
        left, low, wide, high = flat(x), flat(y), flat(widths), flat(heights)
        present = [_CERTAIN] * len(left) if presents is None else flat(presents)
    same_length("no_overlap_2d", left, low, wide, high, present)
    return relation(NoOverlap2D(), [*left, *low, *wide, *high, *present])


def precedence(before: Interval, after: Interval, gap: Operand = 0) -> Expression:
    """Whether interval `after` starts at least `gap` after the end of `before`, or one of them is absent."""
    _check_intervals("precedence", [before, after])
    ordered = add(before.end, gap) <= after.start
    absent = [~each.present for each in (before, after) if not _is_certain(each.present)]
    return connect(Op.OR, ordered, *absent) if absent else ordered


def _check_intervals(name: str, tasks: Sequence[Any]) -> None:
    for task in tasks:
        if not isinstance(task, Interval):
            raise ExpressionError(f"{name}() takes intervals here, not {task!r}")
