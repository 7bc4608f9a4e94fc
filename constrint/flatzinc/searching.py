"""The search that a FlatZinc model's annotations describe.

The variables of each int_search and bool_search are branched on in turn, as The MiniZinc Handbook ("Search")
says; then the others that tell solutions apart, by the engine's own heuristics. What is left, the variables
that the compiler introduced, is completed once for each of these.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from functools import partial
from random import Random
from typing import cast

from constrint.engine.search import Search
from constrint.engine.store import Store

_Alternative = tuple[int, int, int]
_Key = int | tuple[int, int]

# The doors of constrint.engine.search.
_AT_MOST, _AT_LEAST, _FIX = range(3)

_MIDDLE_STEPS = 4096
"""Domains of more values are halved where one of their middle values is asked for."""


class AnnotatedSearch(Search):
    """A search that branches phase by phase: (variables, choice of a variable, choice of a value)."""

    def __init__(
        self,
        store: Store,
        phases: Sequence[tuple[list[int], str, str]],
        variables: Sequence[int],
        *,
        complete_once: bool = False,
        seed: int = 0,
    ) -> None:
        """`variables` come after those of the phases. With `complete_once` each assignment to all of these
        is completed by one assignment to the store's others; otherwise these are searched too."""
        decided = [x for xs, _, _ in phases for x in xs]
        super().__init__(
            store, list(dict.fromkeys([*decided, *variables])), others=() if complete_once else None
        )
        self._phases = [
            (xs, VARIABLE_CHOICES.get(variable_choice), value_choice)
            for xs, variable_choice, value_choice in phases
        ]
        self._complete_once = complete_once
        # By depth, the phase and the position of the first free variable.
        self._starts: list[tuple[int, int]] = []
        self._seeded = Random(seed)
        self._random.seed(seed)

    def _branch(self) -> list[_Alternative]:
        x = self._next_by_phases()
        if x is not None:
            return self._by_choice(*x)
        alternatives: list[_Alternative] = super()._branch()
        if self._complete_once and not alternatives:
            return self._complete()
        return alternatives

    def _next_by_phases(self) -> tuple[int, str] | None:
        """The next variable, and how to choose its value; None where every phase is done.

        What comes before the first free variable of a node is fixed below that node too, so the search for
        it starts there: a phase of many variables is not gone through at every node.
        """
        lo, hi = self.store.lo, self.store.hi
        depth = min(self.counters.depth, len(self._starts))
        first, start = self._starts[depth - 1] if depth else (0, 0)
        del self._starts[depth:]
        for number in range(first, len(self._phases)):
            xs, choice, value_choice = self._phases[number]
            while start < len(xs) and lo[xs[start]] == hi[xs[start]]:
                start += 1
            if start < len(xs):
                self._starts.append((number, start))
                if choice is _input_order:
                    return xs[start], value_choice
                free = [x for x in xs[start:] if lo[x] != hi[x]]
                x = self._choose(free) if choice is None else min(free, key=partial(choice, self.store))
                return x, value_choice
            start = 0
        self._starts.append((len(self._phases), 0))
        return None

    def _by_choice(self, x: int, value_choice: str) -> list[_Alternative]:
        store = self.store
        lo, hi = store.lo[x], store.hi[x]
        if not store.is_bounded(x):
            return self._by_window(x)
        if value_choice in ("indomain_split", "indomain_reverse_split", "indomain_interval"):
            return self._halves(x, value_choice == "indomain_reverse_split")
        if value_choice == "indomain_max":
            return self._one_value(x, hi)
        if value_choice in ("indomain_median", "indomain_middle", "indomain_random"):
            if store.size(x) > _MIDDLE_STEPS:
                return self._halves(x, False)
            members = store.members(x)
            if value_choice == "indomain_median":
                return self._one_value(x, members[(len(members) - 1) // 2])
            if value_choice == "indomain_middle":
                return self._one_value(x, min(members, key=lambda value: abs(2 * value - lo - hi)))
            return self._one_value(x, self._seeded.choice(members))
        return self._one_value(x, lo)

    def _complete(self) -> list[_Alternative]:
        """Fixes what is left to any solution of it; a failing alternative where there is none."""
        store = self.store
        lo, hi = store.lo, store.hi
        free = [x for x in range(len(lo)) if lo[x] != hi[x]]
        if not free:
            return []
        values: list[int] | None = None
        with closing(cast(Generator[None, None, None], Search(store, free, others=()).solutions())) as found:
            for _ in found:
                values = [lo[x] for x in free]
                break
        store.searching = True
        if values is None:
            return [(_AT_LEAST, free[0], hi[free[0]] + 1)]
        for x, value in zip(free, values, strict=True):
            store.fix(x, value)
        store.propagate()
        return []


# How to choose a variable: the smallest key comes first, and the first of equal ones -----------------------


def _input_order(store: Store, x: int) -> int:
    return 0


def _degree(store: Store, x: int) -> int:
    return len(store._on_fixed[x])


def _regret(store: Store, x: int) -> int:
    """The difference between the two smallest values."""
    lo = store.lo[x]
    if store.values[x] is None:
        return store.mod[x]
    members = store.members(x)
    return members[1] - lo


VARIABLE_CHOICES: dict[str, Callable[[Store, int], _Key]] = {
    "input_order": _input_order,
    "first_fail": lambda store, x: store.size(x),
    "anti_first_fail": lambda store, x: -store.size(x),
    "smallest": lambda store, x: store.lo[x],
    "largest": lambda store, x: -store.hi[x],
    "occurrence": lambda store, x: -_degree(store, x),
    "most_constrained": lambda store, x: (store.size(x), -_degree(store, x)),
    "max_regret": lambda store, x: -_regret(store, x),
}
"""Every other choice (dom_w_deg, impact, activity) is by the weighted degree of the engine."""
