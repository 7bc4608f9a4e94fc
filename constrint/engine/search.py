"""Depth-first search with propagation: branching, restarts, branch and bound.

A branching is a list of alternatives, tried in order; each is one door of the store. Together they cover
the domain. Given an order of preference, the variables in it are branched on first, best value first, so
that the first solution is the lexicographically best; the others follow the weighted degree of their
failures (dom/wdeg, Boussemart et al., ECAI 2004), with the variable of the last conflict first (Lecoutre
et al., AIJ 2009).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from constrint.engine.decisions import AT_LEAST, AT_MOST, EQUAL, Decision, take
from constrint.engine.nogoods import Nogoods
from constrint.engine.store import Inconsistent, Store

_LIST_LIMIT = 24
"""Domains of at most this many values are tried value by value, larger ones are halved."""

_FIRST_RESTART = 100
_RESTART_GROWTH = (5, 4)
_PROOF_GROWTH = (3, 2)
"""A restart after this many failures, and each time by this factor (as a fraction) later; the second one
where there is a goal, so that the search more likely has to prove that nothing better exists."""

_WINDOWS = (4, 16, 64, 128)
"""An unbounded variable is tried within 2 ** these steps of its modulus from its finite bound, or from 0."""

_UNBOUNDED_STEPS = 10_000
"""Values of an unbounded variable tried one by one before the search gives up."""


class Unbounded(Exception):
    """The search would have to try infinitely many values of `variable`."""

    def __init__(self, variable: int) -> None:
        super().__init__(variable)
        self.variable = variable


class LimitReached(Exception):
    """A limit of nodes or failures was reached."""


@dataclass
class Counters:
    """How much work a search took."""

    nodes: int = 0
    failures: int = 0
    solutions: int = 0
    restarts: int = 0
    depth: int = 0


# What an alternative can be besides the decisions: a window, or the refusal to go on.
_WINDOW, _REFUSE = range(EQUAL + 1, EQUAL + 3)


class _Branching:
    """A node on the current path: the alternatives not yet tried, and how to get back to it."""

    __slots__ = ("alternatives", "next", "trail")

    def __init__(self, trail: int, alternatives: list[Decision]) -> None:
        self.trail = trail
        self.alternatives = alternatives
        self.next = 0


class Search:
    """A search over the variables of a store whose propagators have come to rest at the root."""

    def __init__(
        self,
        store: Store,
        variables: Sequence[int],
        *,
        preferred: Sequence[tuple[int, bool]] = (),
        others: Sequence[int] | None = None,
        counters: Counters | None = None,
    ) -> None:
        """`variables` are to be fixed; `preferred` are (variable, largest first?) in order; `others` are
        fixed last, by default all the store's."""
        self.store = store
        self.variables = list(variables)
        self.preferred = list(preferred)
        self.others = range(len(store.lo)) if others is None else others
        self.counters = Counters() if counters is None else counters
        self.node_limit: int | None = None
        self.failure_limit: int | None = None
        """Where to give up, counted in nodes and failures of `counters`."""
        self.at_restart: Callable[[], None] | None = None
        """Called at the root before each restart; what it prunes there stays."""
        self.guide: dict[int, int] = {}
        """Values to try first, such as those of the best solution so far."""
        self.favoured: dict[int, bool] = {}
        """Variables whose largest value (where True) or least is to be tried first, without a guide."""
        self.finite_only = False
        """Whether every solution is wanted, so that unbounded variables must be refused."""
        self.goal: tuple[int, int] | None = None
        """(variable, bound): only solutions with variable <= bound are wanted; it may tighten meanwhile."""
        self._weights = [1] * len(store.lo)
        self._last_conflict = -1
        self._unbounded_steps = 0
        # After a restart values are tried from either end, or the search would run into the same wall. The
        # choice is random, and the same in every run.
        self._varied = False
        self._random = Random(0)
        store.calm()

    def solutions(self, *, restarts: bool = False) -> Iterator[None]:
        """Yields at each solution, with the store at it; afterwards the store is back at the root.

        Without restarts every solution comes exactly once. With them, the goal must tighten or the caller
        must stop, for solutions come again after a restart.

        Raises OutOfTime, LimitReached and Unbounded.
        """
        limit = _FIRST_RESTART
        while True:
            refuted: list[Nogoods] = []
            finished = yield from self._descend(self.counters.failures + limit if restarts else None, refuted)
            if finished:
                return
            self.counters.restarts += 1
            self._varied = True
            factor, divisor = _RESTART_GROWTH if self.goal is None else _PROOF_GROWTH
            limit = limit * factor // divisor
            try:
                for nogoods in refuted:
                    self.store.post(nogoods)
                if self.at_restart is not None:
                    self.at_restart()
            except Inconsistent:
                return

    def _descend(self, restart_at: int | None, refuted: list[Nogoods]) -> Generator[None, None, bool]:
        """One depth-first search; returns whether it was complete, and not cut off for a restart. In that
        case it leaves in `refuted` what it found out."""
        store, counters = self.store, self.counters
        root = len(store.trail)
        found = counters.solutions
        path: list[_Branching] = []
        store.searching = True
        try:
            consistent = self._consistent(None)
            while True:
                if consistent:
                    alternatives = self._branch()
                    if alternatives:
                        path.append(_Branching(len(store.trail), alternatives))
                    else:
                        counters.solutions += 1
                        counters.depth = len(path)
                        yield
                        consistent = False
                # The next untried alternative, deepest first.
                while path and path[-1].next == len(path[-1].alternatives):
                    path.pop()
                if not path:
                    return True
                if restart_at is not None and counters.failures >= restart_at:
                    if counters.solutions == found:
                        refuted.extend(self._refuted(path))
                    return False
                if self.failure_limit is not None and counters.failures >= self.failure_limit:
                    raise LimitReached
                node = path[-1]
                store.undo(node.trail)
                alternative = node.alternatives[node.next]
                node.next += 1
                counters.nodes += 1
                counters.depth = len(path)
                if store.clock is not None:
                    store.clock.check()
                if self.node_limit is not None and counters.nodes > self.node_limit:
                    raise LimitReached
                consistent = self._consistent(alternative)
        finally:
            store.undo(root)
            store.clear_queue()
            store.searching = False

    def _refuted(self, path: list[_Branching]) -> list[Nogoods]:
        """What holds no solution besides the alternatives that are still untried on the path: a propagator,
        or none. Windows overlap, so nothing is said of what lies below them."""
        decisions: list[Decision] = []
        refuted: list[list[Decision]] = [[]]
        if self.goal is not None:
            decisions.append((AT_MOST, *self.goal))
            refuted.append([])
        for node in path:
            if node.alternatives[-1][0] == _REFUSE:
                break
            tried = node.next if node is path[-1] else node.next - 1
            refuted[-1].extend(node.alternatives[:tried])
            # The last alternative is what remains when the others are refuted, which is known by then.
            if node is not path[-1] and tried < len(node.alternatives) - 1:
                decisions.append(node.alternatives[tried])
                refuted.append([])
        return [Nogoods(decisions, refuted)] if any(refuted) else []

    def _consistent(self, alternative: Decision | None) -> bool:
        """Takes the alternative and propagates; whether the domains hold."""
        store = self.store
        try:
            store.cause = -1
            if self.goal is not None:
                store.set_hi(self.goal[0], self.goal[1])
            if alternative is not None:
                self._take(alternative)
            store.propagate()
        except Inconsistent:
            self.counters.failures += 1
            if alternative is not None:
                self._last_conflict = alternative[1]
            if store.cause >= 0:
                weights = self._weights
                for x in store.propagators[store.cause].scope:
                    weights[x] += 1
                store.hasten(store.cause)
            return False
        return True

    def _take(self, alternative: Decision) -> None:
        kind, x, bound = alternative
        store = self.store
        if kind <= EQUAL:
            take(store, alternative)
        elif kind == _WINDOW:
            lo, hi = store.lo[x], store.hi[x]
            if lo > -store.limit:
                store.set_hi(x, lo + bound)
            elif hi < store.limit:
                store.set_lo(x, hi - bound)
            else:
                store.set_lo(x, -bound)
                store.set_hi(x, bound)
        else:
            # The goal may have closed this branch meanwhile.
            store.propagate()
            raise Unbounded(x)

    # Branching -------------------------------------------------------------------------------------

    def _branch(self) -> list[Decision]:
        """The alternatives at this node; none where everything is fixed."""
        store = self.store
        lo, hi = store.lo, store.hi
        for x, largest in self.preferred:
            if lo[x] != hi[x]:
                return self._by_preference(x, largest)
        x = self._choose(self.variables)
        if x < 0:
            # What the problem's variables leave open: auxiliary ones that propagation does not decide.
            x = self._choose(self.others)
            if x < 0:
                return []
        if not store.is_bounded(x):
            return self._by_window(x)
        return self._by_value(x)

    def _choose(self, variables: Sequence[int]) -> int:
        """The variable to branch on; -1 where all are fixed. Unbounded ones come last."""
        store = self.store
        lo, hi, weights = store.lo, store.hi, self._weights
        last = self._last_conflict
        best, best_size, best_weight = -1, 0, 1
        for x in variables:
            if lo[x] == hi[x]:
                continue
            size = store.mask[x].bit_count() if store.mask[x] else (hi[x] - lo[x]) // store.mod[x] + 1
            if x == last and size < store.limit:
                return x
            weight = weights[x]
            # size / weight < best_size / best_weight, without fractions.
            if best < 0 or size * best_weight < best_size * weight:
                best, best_size, best_weight = x, size, weight
        return best

    def _by_value(self, x: int) -> list[Decision]:
        store = self.store
        value = self.guide.get(x)
        if value is not None and store.contains(x, value):
            return self._one_value(x, value)
        largest = self.favoured.get(x, False)
        if self._varied and x not in self.favoured:
            largest = self._random.getrandbits(1) == 1
        if store.size(x) <= _LIST_LIMIT:
            return self._one_value(x, store.hi[x] if largest else store.lo[x])
        return self._halves(x, largest)

    def _halves(self, x: int, largest: bool) -> list[Decision]:
        middle = (self.store.lo[x] + self.store.hi[x]) // 2
        lower, upper = (AT_MOST, x, middle), (AT_LEAST, x, middle + 1)
        return [upper, lower] if largest else [lower, upper]

    def _one_value(self, x: int, value: int) -> list[Decision]:
        """x = value, or else not."""
        store = self.store
        if value == store.lo[x]:
            return [(EQUAL, x, value), (AT_LEAST, x, value + 1)]
        if value == store.hi[x]:
            return [(EQUAL, x, value), (AT_MOST, x, value - 1)]
        return [(EQUAL, x, value), (AT_MOST, x, value - 1), (AT_LEAST, x, value + 1)]

    def _by_preference(self, x: int, largest: bool) -> list[Decision]:
        """The best values first."""
        store = self.store
        lo, hi = store.lo[x], store.hi[x]
        if (hi >= store.limit) if largest else (lo <= -store.limit):
            return [(_REFUSE, x, 0)]
        if not store.is_bounded(x):
            self._unbounded_steps += 1
            if self._unbounded_steps > _UNBOUNDED_STEPS:
                return [(_REFUSE, x, 0)]
        elif store.size(x) > _LIST_LIMIT:
            return self._halves(x, largest)
        if largest:
            return [(EQUAL, x, hi), (AT_MOST, x, hi - 1)]
        return [(EQUAL, x, lo), (AT_LEAST, x, lo + 1)]

    def _by_window(self, x: int) -> list[Decision]:
        """Growing windows, then the refusal. Solutions may come again, so not where all are wanted."""
        if self.finite_only:
            return [(_REFUSE, x, 0)]
        step = self.store.mod[x]
        return [*[(_WINDOW, x, step << bits) for bits in _WINDOWS], (_REFUSE, x, 0)]
