"""Tasks in time: cumulative resources, machines that run one task at a time, and rectangles.

A task with start s and duration d runs in s, …, s + d - 1. Propagators reason with the shortest duration
and the lowest demand that the domains allow.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise

from constrint.engine.propagator import SLOW
from constrint.engine.propagators.relation import Meaning, Pruning
from constrint.engine.store import Store

Profile = list[tuple[int, int, int]]
"""Pieces of time (begin, end, what is in use), in order and apart."""

ENERGY_LIMIT = 24
"""Energetic reasoning is for at most so many tasks: it looks at all their windows."""

_EDGES_LIMIT = 64
"""Edge-finding is for at most so many tasks; more are only kept out of the certain parts of others."""

_DEMANDS_LIMIT = 64
"""The least positive demand is looked up in domains of at most so many values."""


class TimeTable(Pruning):
    """Cumulative, by the parts of tasks that are certain: time-table consistent.

    The profile of the certain parts (Beldiceanu and Carlsson, CP 2002) bounds the capacity from below, and
    starts, durations and demands of the tasks that do not fit over it.
    """

    __slots__ = ("capacity", "demands", "durations", "starts")

    def __init__(
        self,
        starts: Sequence[int],
        durations: Sequence[int],
        demands: Sequence[int],
        capacity: int,
        holds: Meaning,
    ) -> None:
        super().__init__([*starts, *durations, *demands, capacity], holds)
        self.starts = tuple(starts)
        self.durations = tuple(durations)
        self.demands = tuple(demands)
        self.capacity = capacity

    def prune(self, store: Store) -> None:
        lo, hi = store.lo, store.hi
        for x in (*self.durations, *self.demands, self.capacity):
            store.set_lo(x, 0)
        profile = self._profile(store)
        if profile:
            store.set_lo(self.capacity, max([height for _, _, height in profile]))
        most = hi[self.capacity]
        for s, d, h in zip(self.starts, self.durations, self.demands, strict=True):
            if lo[d] == 0 or hi[h] == 0 or (lo[s] == hi[s] and lo[d] == hi[d] and lo[h] == hi[h]):
                continue
            if lo[h] == 0:
                demand = _least_positive(store, h)
                if _first_fit(profile, lo[s], lo[d], most - demand, (0, 0)) > hi[s]:
                    store.set_hi(h, 0)
                continue
            demand, part = lo[h], (hi[s], lo[s] + lo[d])
            store.set_lo(s, _first_fit(profile, lo[s], lo[d], most - demand, part))
            store.set_hi(s, _last_fit(profile, hi[s], lo[d], most - demand, part))
            if lo[d] == hi[d] and lo[h] == hi[h]:
                continue
            for begin, _, height in profile[bisect_left(profile, (hi[s],)) :]:
                if begin < part[1]:
                    store.set_hi(h, most - height + demand)
                elif height > most - demand:
                    store.set_hi(d, begin - lo[s])
                    break

    def _profile(self, store: Store) -> Profile:
        """What is certainly in use."""
        lo, hi = store.lo, store.hi
        changes: dict[int, int] = {}
        for s, d, h in zip(self.starts, self.durations, self.demands, strict=True):
            begin, end = hi[s], lo[s] + lo[d]
            if begin < end and lo[h] > 0:
                changes[begin] = changes.get(begin, 0) + lo[h]
                changes[end] = changes.get(end, 0) - lo[h]
        times = sorted(changes)
        heights = accumulate([changes[time] for time in times])
        return [
            (begin, end, height)
            for begin, end, height in zip(times, times[1:], heights, strict=False)
            if height > 0
        ]


def _first_fit(profile: Profile, first: int, length: int, free: int, own: tuple[int, int]) -> int:
    """The earliest start from `first` on where the profile leaves at most `free` in use, the task's own part
    of it aside."""
    k = bisect_right(profile, first, key=lambda piece: piece[1])
    while k < len(profile) and profile[k][0] < first + length:
        begin, end, height = profile[k]
        if height > free and not own[0] <= begin < own[1]:
            first = end
        k += 1
    return first


def _last_fit(profile: Profile, last: int, length: int, free: int, own: tuple[int, int]) -> int:
    """As `_first_fit`, backwards from `last`."""
    k = bisect_left(profile, (last + length,)) - 1
    while k >= 0 and profile[k][1] > last:
        begin, _, height = profile[k]
        if height > free and not own[0] <= begin < own[1]:
            last = begin - length
        k -= 1
    return last


def _least_positive(store: Store, x: int) -> int:
    """A bound from below for the positive values of a variable that may be 0."""
    if store.size(x) > _DEMANDS_LIMIT:
        return 1
    return next(value for value in store.members(x) if value > 0)


class Energy(Pruning):
    """Cumulative, by energy (Baptiste, Le Pape and Nuijten, "Constraint-Based Scheduling", 2001, ch. 3).

    In a window that begins with the earliest start of a task and ends with the latest end of one, every task
    needs at least so much; what does not fit beside the others moves out of it. This finds all that
    edge-finding does. For few tasks.
    """

    __slots__ = ("capacity", "demands", "durations", "starts")
    turn = SLOW

    def __init__(
        self,
        starts: Sequence[int],
        durations: Sequence[int],
        demands: Sequence[int],
        capacity: int,
        holds: Meaning,
    ) -> None:
        super().__init__([*starts, *durations, *demands, capacity], holds)
        self.starts = tuple(starts)
        self.durations = tuple(durations)
        self.demands = tuple(demands)
        self.capacity = capacity

    def prune(self, store: Store) -> None:
        lo, hi = store.lo, store.hi
        capacity = hi[self.capacity]
        tasks = []
        for s, d, h in zip(self.starts, self.durations, self.demands, strict=True):
            if lo[d] > 0 and lo[h] > 0 and store.is_bounded(s):
                tasks.append((s, lo[s], hi[s], lo[d], lo[h]))
        if not store.is_bounded(self.capacity) or len(tasks) < 2:
            return
        begins = sorted({first for _, first, _, _, _ in tasks})
        ends = sorted({last + duration for _, _, last, duration, _ in tasks})
        for begin in begins:
            for end in ends:
                if begin < end:
                    _balance(store, tasks, begin, end, capacity)


def _balance(
    store: Store, tasks: list[tuple[int, int, int, int, int]], begin: int, end: int, capacity: int
) -> None:
    """Moves tasks (start, first, last, duration, demand) out of a window where they do not fit."""
    length = end - begin
    room = capacity * length
    needs = []
    used = 0
    for _, first, last, duration, demand in tasks:
        early = min(duration, length, first + duration - begin)
        late = min(duration, length, end - last)
        least = demand * max(0, min(early, late))
        needs.append((early, late, least))
        used += least
    if used > room:
        store.fail()
    for (s, _, _, duration, demand), (early, late, least) in zip(tasks, needs, strict=True):
        free = room - used + least
        if early > 0 and demand * early > free:
            store.set_lo(s, end - free // demand)
        if late > 0 and demand * late > free:
            store.set_hi(s, begin - duration + free // demand)


class Disjunctive(Pruning):
    """At most one task at a time: overload checking, detectable precedences and edge-finding.

    The rules of Vilím, "Global Constraints in Scheduling" (2007), in O(n² log n) by sorted lists instead of
    trees, which is faster while there are few tasks. Tasks that may be absent force nothing, and become
    absent where they do not fit.
    """

    __slots__ = ("durations", "presents", "starts")
    turn = SLOW

    def __init__(
        self, starts: Sequence[int], durations: Sequence[int], presents: Sequence[int], holds: Meaning
    ) -> None:
        super().__init__([*starts, *durations, *presents], holds)
        self.starts = tuple(starts)
        self.durations = tuple(durations)
        self.presents = tuple(presents)

    def prune(self, store: Store) -> None:
        lo, hi = store.lo, store.hi
        for d in self.durations:
            store.set_lo(d, 0)
        triples = [
            (s, d, p)
            for s, d, p in zip(self.starts, self.durations, self.presents, strict=True)
            if lo[d] > 0 and not _is_absent(store, p) and store.is_bounded(s)
        ]
        certain = [not store.contains(p, 0) for _, _, p in triples]
        if len(triples) > _EDGES_LIMIT:
            _keep_apart(store, triples, certain)
            return
        tasks = [
            (lo[s], lo[d], hi[s] + lo[d], sure) for (s, d, _), sure in zip(triples, certain, strict=True)
        ]
        earliest = _earliest(store, tasks)
        for (s, _, p), sure, first in zip(triples, certain, earliest, strict=True):
            if sure:
                store.set_lo(s, first)
            elif first > hi[s]:
                store.fix(p, 0)
        # The same backwards in time.
        mirrored = [
            (-hi[s] - lo[d], lo[d], -lo[s], sure) for (s, d, _), sure in zip(triples, certain, strict=True)
        ]
        latest = _earliest(store, mirrored)
        for (s, d, p), sure, first in zip(triples, certain, latest, strict=True):
            if sure:
                store.set_hi(s, -first - lo[d])
            elif -first - lo[d] < lo[s]:
                store.fix(p, 0)


def _keep_apart(store: Store, tasks: Sequence[tuple[int, int, int]], certain: Sequence[bool]) -> None:
    """Time-table consistency for tasks (start, duration, presence) that run one at a time."""
    lo, hi = store.lo, store.hi
    profile = sorted(
        (hi[s], lo[s] + lo[d], 1)
        for (s, d, _), sure in zip(tasks, certain, strict=True)
        if sure and hi[s] < lo[s] + lo[d]
    )
    if any(one[1] > other[0] for one, other in pairwise(profile)):
        store.fail()
    for (s, d, p), sure in zip(tasks, certain, strict=True):
        if lo[s] == hi[s] and sure:
            continue
        own = (hi[s], lo[s] + lo[d]) if sure else (0, 0)
        first = _first_fit(profile, lo[s], lo[d], 0, own)
        if sure:
            store.set_lo(s, first)
            store.set_hi(s, _last_fit(profile, hi[s], lo[d], 0, own))
        elif first > hi[s]:
            store.fix(p, 0)


def _is_absent(store: Store, present: int) -> bool:
    """Whether a presence is 0."""
    return store.is_fixed(present) and store.lo[present] == 0


def _earliest(store: Store, tasks: list[tuple[int, int, int, bool]]) -> list[int]:
    """The earliest starts of tasks (earliest start, duration, latest end, whether it is certain)."""
    result = [first for first, _, _, _ in tasks]
    order = [k for _, k in sorted([(task[0], k) for k, task in enumerate(tasks) if task[3]])]
    for k, (first, duration, _, _) in enumerate(tasks):
        while True:
            # Those that task k cannot precede come before it.
            before = [j for j in order if j != k and tasks[j][2] - tasks[j][1] < first + duration]
            ready = _completion(tasks, before) if before else first
            if ready <= first:
                break
            result[k] = first = ready
    for deadline in sorted({tasks[k][2] for k in order}):
        chosen = [j for j in order if tasks[j][2] <= deadline]
        firsts = [tasks[j][0] for j in chosen]
        total = list(accumulate([tasks[j][1] for j in chosen]))
        whole = total[-1]
        # From the start of the j-th on, all those behind it must run.
        finish = [
            first + whole - done + tasks[j][1] for first, done, j in zip(firsts, total, chosen, strict=True)
        ]
        completion = max(finish)
        if completion > deadline:
            store.fail()
        highest = list(accumulate(finish, max))
        inside = set(chosen)
        for k, (first, duration, _, _) in enumerate(tasks):
            if k in inside:
                continue
            position = bisect_right(firsts, first)
            behind = whole - (total[position - 1] if position else 0)
            with_k = first + duration + behind
            if position:
                with_k = max(with_k, highest[position - 1] + duration)
            if with_k > deadline:
                # Not all of them can end in time with k among them, so k is the last.
                result[k] = max(result[k], completion)
    return result


def _completion(tasks: list[tuple[int, int, int, bool]], chosen: list[int]) -> int:
    """The earliest time by which the chosen tasks, sorted by earliest start, can all have run."""
    time = tasks[chosen[0]][0]
    for j in chosen:
        time = max(time, tasks[j][0]) + tasks[j][1]
    return time


class Rectangles(Pruning):
    """No two rectangles overlap: where a pair can only lie one way, it does. Pairwise bounds consistent."""

    __slots__ = ("boxes",)

    def __init__(self, xs: Sequence[int], holds: Meaning) -> None:
        """`xs` are the left edges, lower edges, widths, heights and presences, one list after the other."""
        super().__init__(xs, holds)
        n = len(xs) // 5
        self.boxes = tuple(zip(*[xs[k * n : k * n + n] for k in range(5)], strict=True))

    def prune(self, store: Store) -> None:
        lo = store.lo
        for _, _, width, height, _ in self.boxes:
            store.set_lo(width, 0)
            store.set_lo(height, 0)
        solid = [
            box for box in self.boxes if lo[box[2]] > 0 and lo[box[3]] > 0 and not _is_absent(store, box[4])
        ]
        for k, one in enumerate(solid):
            for other in solid[:k]:
                _separate(store, one, other)


def _separate(store: Store, one: tuple[int, ...], other: tuple[int, ...]) -> None:
    """Places a pair the only way it can lie; where there is none, one that may be absent is."""
    lo, hi = store.lo, store.hi
    uncertain = [box[4] for box in (one, other) if store.contains(box[4], 0)]
    if len(uncertain) > 1:
        return
    ways = [
        (first, second, axis)
        for first, second in ((one, other), (other, one))
        for axis in (0, 1)
        if lo[first[axis]] + lo[first[axis + 2]] <= hi[second[axis]]
    ]
    if len(ways) > 1:
        return
    if not ways:
        if not uncertain:
            store.fail()
        store.fix(uncertain[0], 0)
    elif not uncertain:
        ((first, second, axis),) = ways
        position, size, behind = first[axis], first[axis + 2], second[axis]
        store.set_lo(behind, lo[position] + lo[size])
        store.set_hi(position, hi[behind] - lo[size])
        store.set_hi(size, hi[behind] - lo[position])
