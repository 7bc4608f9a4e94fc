"""What a round through all places costs at least."""

from __future__ import annotations

from collections.abc import Sequence

from constrint.engine.propagator import SLOW, Propagator
from constrint.engine.propagators.linear import Terms, at_most
from constrint.engine.store import Store

_SCALE = 1 << 10
"""Penalties are integers in units of 1 / _SCALE, so that every bound is exact."""

_FIRST_STEPS = 60
_LATER_STEPS = 6
"""Adjustments of the penalties in the first run and in each that follows."""

Links = list[list[int | None]]
"""For each two places the least cost of a step between them in either direction; None: there is none."""


class Tree:
    """A least 1-tree of places with penalties, among those that have the certain links.

    `cost` is less the penalties that any round pays, so no round costs less.
    """

    __slots__ = ("certain", "complete", "cost", "degrees", "links", "neighbours", "penalties")

    def __init__(self, links: Links, certain: Sequence[Sequence[bool]], penalties: Sequence[int]) -> None:
        n = len(links)
        self.links = links
        self.certain = certain
        self.penalties = penalties
        self.degrees = [0] * n
        self.neighbours: list[list[int]] = [[] for _ in range(n)]
        self.cost = -2 * sum(penalties)
        self.complete = self._span() and self._add_first()

    def weight(self, i: int, j: int) -> int | None:
        """The cost of the link with its penalties."""
        cost = self.links[i][j]
        return None if cost is None else cost + self.penalties[i] + self.penalties[j]

    def _link(self, i: int, j: int, weight: int) -> None:
        self.cost += weight
        self.neighbours[i].append(j)
        self.neighbours[j].append(i)
        self.degrees[i] += 1
        self.degrees[j] += 1

    def _span(self) -> bool:
        """A spanning tree of all places but the first (Prim 1957); whether there is one."""
        outside = list(range(2, len(self.links)))
        # The best known way to each place outside: (whether it is uncertain, weight, from where).
        ways: list[tuple[bool, int, int] | None] = [None] * len(self.links)
        newest = 1
        while outside:
            chosen, best = -1, None
            for j in outside:
                weight = self.weight(newest, j)
                way = ways[j]
                if weight is not None:
                    other = (not self.certain[newest][j], weight, newest)
                    if way is None or other < way:
                        ways[j] = way = other
                if way is not None and (best is None or way < best):
                    chosen, best = j, way
            if best is None:
                return False
            self._link(best[2], chosen, best[1])
            outside.remove(chosen)
            newest = chosen
        return True

    def _add_first(self) -> bool:
        """The two best links of the first place; whether it has two."""
        found = []
        for j in range(1, len(self.links)):
            weight = self.weight(0, j)
            if weight is not None:
                found.append((not self.certain[0][j], weight, j))
        found.sort()
        for _, weight, j in found[:2]:
            self._link(0, j, weight)
        return len(found) > 1

    def dearest_from(self, i: int) -> list[int | None]:
        """For each place j, the weight of the dearest uncertain link that a link from i to j can replace;
        None: there is none."""
        found: list[int | None] = [None] * len(self.links)
        if i == 0:
            mine = [self._uncertain(0, j) for j in self.neighbours[0]]
            weights = [weight for weight in mine if weight is not None]
            found = [max(weights, default=None)] * len(self.links)
            for j, weight in zip(self.neighbours[0], mine, strict=True):
                found[j] = weight
            return found
        reached = [(i, 0)]
        for j, before in reached:
            for k in self.neighbours[j]:
                if k in (before, 0):
                    continue
                weight = self._uncertain(j, k)
                behind = found[j]
                found[k] = weight if behind is None or (weight is not None and weight > behind) else behind
                reached.append((k, j))
        found[0] = self.dearest_from(0)[i]
        return found

    def _uncertain(self, i: int, j: int) -> int | None:
        return None if self.certain[i][j] else self.weight(i, j)


class TourCost(Propagator):
    """Σₖ costs[k][xₖ] + Σ c·y <= bound, where going from each place k to xₖ visits all places in one round.

    The round costs at least as much as a least 1-tree: a spanning tree of all places but the first, and two
    links to that one. Penalties on the places, which no round can avoid, bring that tree near to a round
    (Held and Karp, Operations Research 1970). Steps that would make it too expensive are removed (Benchimol
    et al., Constraints 2012).
    """

    __slots__ = ("bound", "costs", "penalties", "terms", "xs")
    turn = SLOW
    idempotent = True

    def __init__(self, xs: Sequence[int], costs: Sequence[Sequence[int]], terms: Terms, bound: int) -> None:
        """`xs` are at least three; the round itself is propagated elsewhere."""
        super().__init__([*xs, *[y for _, y in terms]], change=xs, bounds=[y for _, y in terms])
        self.xs = tuple(xs)
        self.costs = tuple([tuple([_SCALE * cost for cost in row]) for row in costs])
        self.terms = tuple(terms)
        self.bound = bound
        self.penalties: list[int] = []

    def propagate(self, store: Store) -> None:
        n = len(self.xs)
        least = 0
        for c, y in self.terms:
            least += c * store.lo[y] if c > 0 else c * store.hi[y]
        most = _SCALE * (self.bound - least)
        links, certain = self._links(store)
        steps = _LATER_STEPS
        if not self.penalties:
            self.penalties = [0] * n
            steps = _FIRST_STEPS
        penalties = best_penalties = self.penalties
        best = 0
        for step in range(steps + 1):
            tree = Tree(links, certain, penalties)
            if not tree.complete:
                store.fail()
            if step == 0 or tree.cost > best:
                best, best_penalties = tree.cost, penalties
            if best > most:
                store.fail()
            excess = [degree - 2 for degree in tree.degrees]
            square = sum([e * e for e in excess])
            if not square or step == steps:
                break
            # The gap to what is allowed, or a tenth of the cost where that is far away, is to be closed.
            gap = min(most - tree.cost, abs(tree.cost) // 10) + 1
            stride = 2 * gap * (steps - step) // (steps * square)
            penalties = [p + stride * e for p, e in zip(penalties, excess, strict=True)]
        self.penalties = best_penalties
        self._remove_steps(store, Tree(links, certain, best_penalties), most)
        at_most(store, self.terms, self.bound - -(-best // _SCALE))

    def _links(self, store: Store) -> tuple[Links, list[list[bool]]]:
        """For each two places, the least cost of a step between them, None if there is none; and whether
        there must be one."""
        n = len(self.xs)
        links: Links = [[None] * n for _ in range(n)]
        certain = [[False] * n for _ in range(n)]
        for i, x in enumerate(self.xs):
            costs = self.costs[i]
            for j in store.members(x):
                known = links[i][j]
                if known is None or costs[j] < known:
                    links[i][j] = links[j][i] = costs[j]
            if store.is_fixed(x):
                j = store.lo[x]
                certain[i][j] = certain[j][i] = True
        return links, certain

    def _remove_steps(self, store: Store, tree: Tree, most: int) -> None:
        """Steps in the place of the dearest link that they make superfluous cost more than `most`."""
        spare = most - tree.cost
        for i, x in enumerate(self.xs):
            if store.is_fixed(x):
                continue
            dearest = tree.dearest_from(i)
            for j in list(store.members(x)):
                replaced = dearest[j]
                if replaced is None:
                    continue
                cost = self.costs[i][j] + tree.penalties[i] + tree.penalties[j]
                if cost - replaced > spare:
                    store.remove(x, j)
