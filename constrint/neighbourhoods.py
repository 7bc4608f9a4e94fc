"""Large neighbourhood search: the best solution so far, with some variables set free to do better.

Shaw, "Using constraint programming and local search methods to solve vehicle routing problems" (CP 1998). It
takes turns with the complete search, at its restarts, and proves nothing by itself. Of two ways to choose
what is set free one is at random and the other follows the constraints, so that what is set free can move
together; how much is set free adapts: more after a neighbourhood that was searched to its end, less after
one that was not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random

from constrint.engine.search import LimitReached, Search
from constrint.engine.store import Inconsistent, Store

_FAILURES = 60
"""What one neighbourhood may cost."""

_LEAST_FREE = 4
"""Variables that are set free at least."""

_NEAR = 12
"""Constraints of more variables say little about which of them move together."""


class Neighbourhoods:
    """Neighbourhoods of the best solution, in a store that is at its root."""

    def __init__(self, store: Store, variables: Sequence[int]) -> None:
        self.store = store
        self.variables = [x for x in variables if not store.is_fixed(x)]
        self._share = 0.2
        self._random = Random(0)

    def improve(
        self, search: Search, incumbent: Mapping[int, int], failures: int, keep: Callable[[], None]
    ) -> bool:
        """Whether a solution within the goal of `search` was found at the cost of about so many failures;
        `keep` is called while the store is at it.

        Raises OutOfTime, and LimitReached at the search's limit of nodes.
        """
        store, counters = self.store, search.counters
        root = len(store.trail)
        stop = counters.failures + failures
        while counters.failures < stop and len(self.variables) > _LEAST_FREE:
            # Of the attempt itself, so that there is an end.
            counters.failures += 1
            search.failure_limit = counters.failures + _FAILURES
            try:
                self._freeze(search, incumbent)
                for _ in search.solutions():
                    keep()
                    return True
                self._share = min(0.9, self._share * 1.05)
            except Inconsistent:
                return False
            except LimitReached:
                if search.node_limit is not None and counters.nodes > search.node_limit:
                    raise
                self._share = max(0.01, self._share / 1.05)
            finally:
                store.undo(root)
        return False

    def _freeze(self, search: Search, incumbent: Mapping[int, int]) -> None:
        """Fixes all variables but those of a neighbourhood to the incumbent, where propagation lets it.

        Raises Inconsistent where nothing better exists at all.
        """
        store = self.store
        assert search.goal is not None
        store.cause = -1
        store.set_hi(*search.goal)
        store.propagate()
        count = max(_LEAST_FREE, int(self._share * len(self.variables)))
        if self._random.getrandbits(1):
            free = self._related(count)
        else:
            free = set(self._random.sample(self.variables, count))
        order = [x for x in self.variables if x not in free]
        self._random.shuffle(order)
        for x in order:
            if store.is_fixed(x) or not store.contains(x, incumbent[x]):
                continue
            mark = len(store.trail)
            try:
                store.cause = -1
                store.fix(x, incumbent[x])
                store.propagate()
            except Inconsistent:
                store.undo(mark)

    def _related(self, count: int) -> set[int]:
        """So many variables, found from one on by following constraints of few variables."""
        store, random = self.store, self._random
        wanted = set(self.variables)
        users: dict[int, list[tuple[int, ...]]] = {}
        for number, propagator in enumerate(store.propagators):
            if not store.entailed[number] and len(propagator.scope) <= _NEAR:
                for x in propagator.scope:
                    users.setdefault(x, []).append(propagator.scope)
        found: set[int] = set()
        seen: set[int] = set()
        order = random.sample(self.variables, len(self.variables))
        while len(found) < count:
            waiting = [order.pop()]
            while waiting and len(found) < count:
                x = waiting.pop(random.randrange(len(waiting)))
                if x in seen or store.is_fixed(x):
                    continue
                seen.add(x)
                if x in wanted:
                    found.add(x)
                waiting.extend(y for scope in users.get(x, ()) for y in scope if y not in seen)
            if not order:
                break
        return found
