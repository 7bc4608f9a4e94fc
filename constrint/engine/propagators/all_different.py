"""All different: value elimination, Hall intervals, and matchings.

The variables are xᵢ + offsetᵢ, so that diagonals of a chess board need no further variables.
"""

from __future__ import annotations

from collections.abc import Sequence

from constrint.engine.propagator import SLOW, Propagator
from constrint.engine.store import Store
from constrint.numbers import low_bits

_EDGES_LIMIT = 1 << 12
"""Matchings pay while the domains hold at most this many values together."""

_SPAN_LIMIT = 1 << 12
"""Numbers farther apart than this have their bits by their places in a list."""


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
    """Domain consistent by maximum matchings and strongly connected components (Régin, AAAI 1994).

    Sets of values are the bits of integers, so that one operation looks at all values of a variable.
    """

    __slots__ = ("last", "offsets", "xs")
    turn = SLOW
    idempotent = True

    def __init__(self, xs: Sequence[int], offsets: Sequence[int]) -> None:
        super().__init__(xs, change=xs)
        self.xs = tuple(xs)
        self.offsets = tuple(offsets)
        self.last: dict[int, int] = {}
        """The value that each variable had in the last matching: where it still can, it has it again."""

    @staticmethod
    def pays(store: Store, xs: Sequence[int]) -> bool:
        """Whether the domains are small enough."""
        return all(store.is_bounded(x) for x in xs) and sum(store.size(x) for x in xs) <= _EDGES_LIMIT

    def propagate(self, store: Store) -> None:
        xs, offsets, lo, hi, last = self.xs, self.offsets, store.lo, store.hi, self.last
        free = [k for k, x in enumerate(xs) if lo[x] != hi[x]]
        if len(free) < 2:
            return
        numbers = self._numbers(store, free)
        domains = [self._domain(store, k, numbers) for k in free]
        taken = 0
        for k, x in enumerate(xs):
            if lo[x] == hi[x]:
                taken |= numbers.bit_of(lo[x] + offsets[k])
        wishes = [numbers.bit_of(last[k]) if k in last else 0 for k in free]
        open_domains = [domain & ~taken for domain in domains]
        match = maximum_matching(open_domains, wishes)
        if match is None:
            store.fail()
            return
        useful = in_maximum_matchings(open_domains, match)
        for k, domain, kept, chosen in zip(free, domains, useful, match, strict=True):
            last[k] = numbers.of_bit(chosen)
            gone = domain ^ kept
            while gone:
                bit = gone & -gone
                gone ^= bit
                store.remove(xs[k], numbers.of_bit(bit) - offsets[k])

    def _numbers(self, store: Store, free: list[int]) -> Numbers:
        lowest = min([store.lo[self.xs[k]] + self.offsets[k] for k in free])
        highest = max([store.hi[self.xs[k]] + self.offsets[k] for k in free])
        if highest - lowest < _SPAN_LIMIT:
            return Numbers(lowest, None)
        found = set()
        for k in free:
            found.update([value + self.offsets[k] for value in store.members(self.xs[k])])
        return Numbers(lowest, sorted(found))

    def _domain(self, store: Store, k: int, numbers: Numbers) -> int:
        """The values of xₖ + offsetₖ as bits."""
        x, offset = self.xs[k], self.offsets[k]
        values = store.values[x]
        if numbers.listed is None:
            if values is not None:
                if values[-1] - values[0] == len(values) - 1:
                    shift = values[0] + offset - numbers.first
                    return store.mask[x] << shift if shift >= 0 else store.mask[x] >> -shift
            elif store.mod[x] == 1 and not store.div[x]:
                return low_bits(store.hi[x] - store.lo[x] + 1) << (store.lo[x] + offset - numbers.first)
        domain = 0
        for value in store.members(x):
            domain |= numbers.bit_of(value + offset)
        return domain


class Numbers:
    """Numbers as bits: counted from the first on, or by their places in an ascending list."""

    __slots__ = ("first", "listed", "places")

    def __init__(self, first: int, listed: list[int] | None) -> None:
        self.first = first
        self.listed = listed
        self.places = {} if listed is None else {number: place for place, number in enumerate(listed)}

    def bit_of(self, number: int) -> int:
        """The bit of the number, 0 if it has none."""
        place = number - self.first if self.listed is None else self.places.get(number, -1)
        return 1 << place if 0 <= place < _SPAN_LIMIT else 0

    def of_bit(self, bit: int) -> int:
        """The number of the bit."""
        place = bit.bit_length() - 1
        return self.first + place if self.listed is None else self.listed[place]


def maximum_matching(domains: list[int], wishes: list[int]) -> list[int] | None:
    """A value (a bit) for each variable, all different; None where there is none.

    Wishes are met where they can be, then any free value is taken, then augmenting paths are searched.
    """
    used = 0
    owner: dict[int, int] = {}
    match = [0] * len(domains)
    for k, domain in enumerate(domains):
        value = wishes[k] & domain & ~used
        if value:
            used |= value
            match[k] = value
            owner[value] = k
    for k, domain in enumerate(domains):
        if match[k]:
            continue
        value = domain & ~used
        if value:
            value &= -value
        else:
            value = _augment(k, domains, match, owner, used)
            if not value:
                return None
        used |= value
        if not match[k]:
            match[k] = value
            owner[value] = k
    return match


def _augment(k: int, domains: list[int], match: list[int], owner: dict[int, int], used: int) -> int:
    """Moves owners of values on so that variable k has one; the value newly in use, 0 where there is none.
    Breadth-first."""
    origin: dict[int, int] = {}
    seen = 0
    frontier = [k]
    for j in frontier:
        fresh = domains[j] & ~seen
        seen |= fresh
        end = fresh & ~used
        if end:
            end &= -end
            value = end
            while True:
                match[j], previous = value, match[j]
                owner[value] = j
                if j == k:
                    return end
                value = previous
                j = origin[value]
        while fresh:
            value = fresh & -fresh
            fresh ^= value
            origin[value] = j
            frontier.append(owner[value])
    return 0


def in_maximum_matchings(domains: list[int], match: list[int]) -> list[int]:
    """For each variable, the values (bits) that some maximum matching gives it.

    From the value of a variable there are steps to the other values of its domain. A value stays if it is
    matched, if from it a value can be reached that nobody has, or if it lies in one strongly connected
    component with the matched one.
    """
    loose = 0
    for domain in domains:
        loose |= domain
    for value in match:
        loose &= ~value
    tight = list(range(len(domains)))
    grown = loose
    while grown:
        grown = 0
        rest = []
        for k in tight:
            if domains[k] & loose:
                grown |= match[k]
                loose |= match[k]
            else:
                rest.append(k)
        tight = rest
    useful = [domain & loose for domain in domains]
    if not tight:
        return useful
    steps = {match[k]: domains[k] for k in tight}
    component = _components(steps)
    for k in tight:
        useful[k] = domains[k] & component[match[k]]
    return useful


def _components(steps: dict[int, int]) -> dict[int, int]:
    """The strongly connected component of each vertex, in a graph of bits whose steps are sets of bits.

    A path of components, merged when a step leads back into it (Purdom 1970, Munro 1971).
    """
    component: dict[int, int] = {}
    visited = done = 0
    for root in steps:
        if root & visited:
            continue
        visited |= root
        path = [root]
        ahead = [steps[root]]
        while path:
            members = path[-1]
            fresh = ahead[-1] & ~(done | members)
            if not fresh:
                path.pop()
                ahead.pop()
                done |= members
                rest = members
                while rest:
                    vertex = rest & -rest
                    rest ^= vertex
                    component[vertex] = members
                continue
            ahead[-1] = fresh
            vertex = fresh & -fresh
            if vertex & visited:
                while not path[-1] & vertex:
                    members = path.pop()
                    fresh = ahead.pop()
                    path[-1] |= members
                    ahead[-1] |= fresh
            else:
                visited |= vertex
                path.append(vertex)
                ahead.append(steps[vertex])
    return component


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
