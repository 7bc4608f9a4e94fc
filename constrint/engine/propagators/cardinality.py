"""How often values occur: global cardinality; and equal items."""

from __future__ import annotations

from collections.abc import Sequence

from constrint.engine.graphs import components
from constrint.engine.propagator import SLOW
from constrint.engine.propagators.logic import equate
from constrint.engine.propagators.relation import Meaning, Pruning
from constrint.engine.store import Store


class AllEqual(Pruning):
    """All items are equal. Domain consistent on intervals with congruences and on explicit sets."""

    __slots__ = ()

    def __init__(self, xs: Sequence[int], holds: Meaning) -> None:
        super().__init__(xs, holds, on_change=True)

    def prune(self, store: Store) -> None:
        first, *others = self.xs
        for x in (*others, *others):
            equate(store, first, x)


class Occurrences(Pruning):
    """counts[k] items have the value values[k]; with `closed` none has another value.

    Bounds of the counts by what is certain and what is possible, and domain consistent on the items for these
    bounds, by a flow and its strongly connected components (Régin, AAAI 1996).
    """

    __slots__ = ("closed", "counts", "items", "values")
    turn = SLOW

    def __init__(
        self, items: Sequence[int], counts: Sequence[int], values: Sequence[int], closed: bool, holds: Meaning
    ) -> None:
        super().__init__([*items, *counts], holds, on_change=True)
        self.items = tuple(items)
        self.counts = tuple(counts)
        self.values = tuple(values)
        self.closed = closed

    def prune(self, store: Store) -> None:
        if self.closed:
            for item in self.items:
                store.keep(item, sorted(self.values))
        # The last number stands for all values that are not listed.
        other = len(self.values)
        domains = []
        for item in self.items:
            inside = [k for k, value in enumerate(self.values) if store.contains(item, value)]
            if not inside or store.size(item) > len(inside):
                inside.append(other)
            domains.append(inside)
        bounds = self._bounds(store, domains)
        flow = _flow(domains, bounds)
        if flow is None:
            store.fail()
            return
        for item, domain, useless in zip(self.items, domains, _useless(domains, bounds, flow), strict=True):
            if other in useless:
                store.keep(item, sorted([self.values[k] for k in domain if k not in useless]))
            else:
                for k in useless:
                    store.remove(item, self.values[k])

    def _bounds(self, store: Store, domains: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
        """How often each value can occur; and the others, any number of times."""
        lo, hi = store.lo, store.hi
        n = len(self.items)
        possible = [0] * (len(self.values) + 1)
        certain = [0] * (len(self.values) + 1)
        for domain in domains:
            for k in domain:
                possible[k] += 1
            if len(domain) == 1:
                certain[domain[0]] += 1
        for k, count in enumerate(self.counts):
            store.set_lo(count, certain[k])
            store.set_hi(count, possible[k])
        # What the others can take at most and must take at least.
        most = sum([hi[count] for count in self.counts]) + possible[-1]
        least = sum([lo[count] for count in self.counts]) + certain[-1]
        for count in self.counts:
            low, high = lo[count], hi[count]
            store.set_lo(count, n - (most - high))
            store.set_hi(count, n - (least - low))
        return [*[(lo[count], hi[count]) for count in self.counts], (0, n)]


def _flow(domains: Sequence[Sequence[int]], bounds: Sequence[tuple[int, int]]) -> list[int] | None:
    """A value for each item so that all occur within their bounds; None where there is none."""
    users: list[list[int]] = [[] for _ in bounds]
    for i, domain in enumerate(domains):
        for k in domain:
            users[k].append(i)
    chosen = [-1] * len(domains)
    load = [0] * len(bounds)
    for i in range(len(domains)):
        if not _place(i, domains, bounds, chosen, load):
            return None
    for k, (low, _) in enumerate(bounds):
        while load[k] < low:
            if not _attract(k, users, bounds, chosen, load):
                return None
    return chosen


def _place(
    item: int,
    domains: Sequence[Sequence[int]],
    bounds: Sequence[tuple[int, int]],
    chosen: list[int],
    load: list[int],
) -> bool:
    """Gives the item a value, moving others on where there is no room."""
    inside: dict[int, list[int]] = {}
    for i, k in enumerate(chosen):
        inside.setdefault(k, []).append(i)
    origin: dict[int, int] = {}
    frontier = [item]
    for i in frontier:
        for k in domains[i]:
            if k in origin:
                continue
            origin[k] = i
            if load[k] < bounds[k][1]:
                load[k] += 1
                while True:
                    mover = origin[k]
                    k, chosen[mover] = chosen[mover], k
                    if mover == item:
                        return True
            frontier.extend(inside.get(k, ()))
    return False


def _attract(
    value: int,
    users: Sequence[Sequence[int]],
    bounds: Sequence[tuple[int, int]],
    chosen: list[int],
    load: list[int],
) -> bool:
    """Moves one more item to the value, from one that can spare it."""
    step: dict[int, tuple[int, int]] = {}
    frontier = [value]
    for k in frontier:
        for i in users[k]:
            source = chosen[i]
            if source == value or source in step:
                continue
            step[source] = (i, k)
            if load[source] > bounds[source][0]:
                load[source] -= 1
                load[value] += 1
                while source != value:
                    i, k = step[source]
                    chosen[i] = k
                    source = k
                return True
            frontier.append(source)
    return False


def _useless(
    domains: Sequence[Sequence[int]], bounds: Sequence[tuple[int, int]], chosen: Sequence[int]
) -> list[set[int]]:
    """For each item, the values that no flow gives it: those in another component of the residual graph."""
    n, m = len(domains), len(bounds)
    load = [0] * m
    for k in chosen:
        load[k] += 1
    # Items, values, and the sink.
    graph: list[list[int]] = [[n + k for k in domain if k != chosen[i]] for i, domain in enumerate(domains)]
    graph += [[n + m] if load[k] < bounds[k][1] else [] for k in range(m)]
    graph.append([n + k for k in range(m) if load[k] > bounds[k][0]])
    for i, k in enumerate(chosen):
        graph[n + k].append(i)
    component = components(graph)
    return [
        {k for k in domain if k != chosen[i] and component[n + k] != component[i]}
        for i, domain in enumerate(domains)
    ]
