"""All different: value elimination, Hall intervals, and matchings.

The variables are xᵢ + offsetᵢ, so that diagonals of a chess board need no further variables.
"""

from __future__ import annotations

from collections.abc import Sequence

from constrint.engine.graphs import components
from constrint.engine.propagator import SLOW, Propagator
from constrint.engine.store import Store

_EDGES_LIMIT = 1 << 12
"""Matchings pay while the domains hold at most this many values together."""


class DifferentValues(Propagator):
    """Removes the value of each fixed variable from the others. Value consistent, and cheap."""

    __slots__ = ("offsets", "xs")

    def __init__(self, xs: Sequence[int], offsets: Sequence[int]) -> None:
        # An interval too large for holes loses a taken value only when it becomes a bound.
        super().__init__(xs, fixed=xs, bounds=xs)
        self.xs = tuple(xs)
        self.offsets = tuple(offsets)

    def propagate(self, store: Store) -> None:
        lo, hi = store.lo, store.hi
        taken: dict[int, int] = {}
        fresh = [k for k, x in enumerate(self.xs) if lo[x] == hi[x]]
        while fresh:
            for k in fresh:
                value = lo[self.xs[k]] + self.offsets[k]
                if taken.setdefault(value, k) != k:
                    store.fail()
            newly = []
            for k, x in enumerate(self.xs):
                if lo[x] == hi[x]:
                    continue
                offset = self.offsets[k]
                for j in fresh:
                    store.remove(x, lo[self.xs[j]] + self.offsets[j] - offset)
                if lo[x] == hi[x]:
                    newly.append(k)
            fresh = newly


class DifferentBounds(Propagator):
    """Hall intervals: where n variables fill an interval of n values, the others leave it.

    Bounds consistent. Puget's method (AAAI 1998) in O(n²): simple, and n is small where it matters.
    """

    __slots__ = ("offsets", "xs")
    turn = SLOW

    def __init__(self, xs: Sequence[int], offsets: Sequence[int]) -> None:
        super().__init__(xs, bounds=xs)
        self.xs = tuple(xs)
        self.offsets = tuple(offsets)

    def propagate(self, store: Store) -> None:
        bounds = [
            (store.lo[x] + offset, store.hi[x] + offset)
            for x, offset in zip(self.xs, self.offsets, strict=True)
        ]
        for x, offset, least in zip(self.xs, self.offsets, _raised(bounds, store), strict=True):
            store.set_lo(x, least - offset)
        mirrored = [
            (-store.hi[x] - offset, -store.lo[x] - offset)
            for x, offset in zip(self.xs, self.offsets, strict=True)
        ]
        for x, offset, least in zip(self.xs, self.offsets, _raised(mirrored, store), strict=True):
            store.set_hi(x, -least - offset)


def _raised(bounds: list[tuple[int, int]], store: Store) -> list[int]:
    """The lower bounds after taking out the Hall intervals [low, high]."""
    order = sorted(range(len(bounds)), key=lambda k: bounds[k][1])
    result = [low for low, _ in bounds]
    for start in {low for low, _ in bounds}:
        inside = 0
        for position, k in enumerate(order):
            low, high = bounds[k]
            if low < start:
                continue
            inside += 1
            room = high - start + 1
            if inside > room:
                store.fail()
            if inside == room:
                # [start, high] is full: later ones that begin inside it begin behind it.
                for j in order[position + 1 :]:
                    if start <= bounds[j][0] <= high < bounds[j][1]:
                        result[j] = max(result[j], high + 1)
                # Those that begin before it are not held by this interval's lower end.
    return result


class DifferentMatching(Propagator):
    """Domain consistent by maximum matchings and strongly connected components (Régin, AAAI 1994)."""

    __slots__ = ("offsets", "xs")
    turn = SLOW
    idempotent = True

    def __init__(self, xs: Sequence[int], offsets: Sequence[int]) -> None:
        super().__init__(xs, change=xs)
        self.xs = tuple(xs)
        self.offsets = tuple(offsets)

    @staticmethod
    def pays(store: Store, xs: Sequence[int]) -> bool:
        """Whether the domains are small enough."""
        return all(store.is_bounded(x) for x in xs) and sum(store.size(x) for x in xs) <= _EDGES_LIMIT

    def propagate(self, store: Store) -> None:
        free = [k for k, x in enumerate(self.xs) if not store.is_fixed(x)]
        if len(free) < 2:
            return
        taken = {
            store.lo[x] + offset for x, offset in zip(self.xs, self.offsets, strict=True) if store.is_fixed(x)
        }
        domains = [[value + self.offsets[k] for value in store.members(self.xs[k])] for k in free]
        if taken:
            domains = [[value for value in domain if value not in taken] for domain in domains]
        match = _maximum_matching(domains)
        if match is None:
            store.fail()
            return
        for k, domain, useless in zip(free, domains, _useless(domains, match), strict=True):
            x, offset = self.xs[k], self.offsets[k]
            if useless or len(domain) != store.size(x):
                store.keep(x, [value - offset for value in domain if value not in useless])


def _maximum_matching(domains: list[list[int]]) -> list[int] | None:
    """A value for each variable, all different; None where there is none. Augmenting paths."""
    owner: dict[int, int] = {}
    match: list[int | None] = [None] * len(domains)
    for k, domain in enumerate(domains):
        for value in domain:
            if value not in owner:
                owner[value] = k
                match[k] = value
                break
    for k in range(len(domains)):
        if match[k] is not None:
            continue
        # Breadth-first over variables; parent[value] is the variable it was reached from.
        parent: dict[int, int] = {}
        frontier = [k]
        end: int | None = None
        while frontier and end is None:
            following = []
            for j in frontier:
                for value in domains[j]:
                    if value in parent:
                        continue
                    parent[value] = j
                    if value not in owner:
                        end = value
                        break
                    following.append(owner[value])
                if end is not None:
                    break
            frontier = following
        if end is None:
            return None
        value = end
        while True:
            j = parent[value]
            previous = match[j]
            match[j] = value
            owner[value] = j
            if j == k:
                break
            assert previous is not None
            value = previous
    return [value for value in match if value is not None]


def _useless(domains: list[list[int]], match: list[int]) -> list[set[int]]:
    """For each variable, the values that no maximum matching gives it.

    A value stays if its edge is matched, lies in a strongly connected component of the graph
    "variable j wants the value of variable k", or leads to a value nobody needs.
    """
    owner = {value: k for k, value in enumerate(match)}
    wanted = [[owner[value] for value in domain if value in owner] for domain in domains]
    # Variables from which an unmatched value can be reached may swap along that path.
    reverse: list[list[int]] = [[] for _ in domains]
    reaching = []
    for k, domain in enumerate(domains):
        for j in wanted[k]:
            reverse[j].append(k)
        if len(wanted[k]) < len(domain):
            reaching.append(k)
    loose = set(reaching)
    while reaching:
        for j in reverse[reaching.pop()]:
            if j not in loose:
                loose.add(j)
                reaching.append(j)
    component = components(wanted)
    result: list[set[int]] = []
    for k, domain in enumerate(domains):
        result.append({
            value
            for value in domain
            if value in owner and component[owner[value]] != component[k] and owner[value] not in loose
        })  # fmt: skip
    return result


class DifferentTruth(Propagator):
    """truth ⇔ all xᵢ + offsetᵢ differ, for a truth that is open or false.

    Decided by equal constants and disjoint domains; when false, the last free variable must repeat a value.
    """

    __slots__ = ("offsets", "truth", "xs")

    def __init__(self, xs: Sequence[int], offsets: Sequence[int], truth: int) -> None:
        super().__init__([truth >> 1, *xs], fixed=[truth >> 1], change=xs)
        self.xs = tuple(xs)
        self.offsets = tuple(offsets)
        self.truth = truth

    def propagate(self, store: Store) -> None:
        fixed: dict[int, int] = {}
        free = []
        for x, offset in zip(self.xs, self.offsets, strict=True):
            if store.is_fixed(x):
                value = store.lo[x] + offset
                if value in fixed:
                    store.assign(self.truth ^ 1)
                    store.entail(self)
                    return
                fixed[value] = x
            else:
                free.append((x, offset))
        if store.is_true(self.truth):
            for x, offset in free:
                for value in fixed:
                    store.remove(x, value - offset)
        elif not free:
            store.assign(self.truth)
        elif len(free) == 1:
            x, offset = free[0]
            repeats = sorted([v - offset for v in fixed if store.contains(x, v - offset)])
            if store.is_false(self.truth):
                store.keep(x, repeats)
            elif not repeats:
                store.assign(self.truth)
