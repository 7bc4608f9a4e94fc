"""What is known of a problem's variables before any search, kept for the next time it is asked.

Constraints that are added, or assumed for one question, leave all of it true: the domains to which
propagation and linear reasoning came are where the next root starts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from constrint.domains import DomainSpec
from constrint.engine.store import Store
from constrint.results import Constraint

_RUNS, _RUNS_EACH = 500, 10
"""Propagator runs, and some for each propagator, after which propagation counts as not coming to rest."""


class Root:
    """The domains of variables at the root of a problem with these constraints."""

    def __init__(
        self,
        specifications: Mapping[str, DomainSpec],
        constraints: Sequence[Constraint],
        store: Store,
        variables: Mapping[str, int],
    ) -> None:
        """`variables` are the store's variables by name; the store is at its root."""
        self._specifications = dict(specifications)
        self._constraints = list(constraints)
        self._variables = dict(variables)
        self._limit = store.limit
        # Copied as whole lists, which takes next to no time: most problems are asked once.
        self._lo, self._hi = list(store.lo), list(store.hi)
        self._mod, self._rem, self._div = list(store.mod), list(store.rem), list(store.div)
        self._values, self._mask = list(store.values), list(store.mask)

    def is_of(self, specifications: Mapping[str, DomainSpec], constraints: Sequence[Constraint]) -> bool:
        """Whether these are the constraints and variables themselves, or those with others added."""
        return (
            len(self._constraints) <= len(constraints)
            and all(one is other for one, other in zip(self._constraints, constraints, strict=False))
            and all(specifications.get(name) is spec for name, spec in self._specifications.items())
        )

    def is_exactly_of(self, constraints: Sequence[Constraint]) -> bool:
        """Whether nothing was added to these constraints."""
        return len(self._constraints) == len(constraints)

    def apply(self, store: Store, variables: Mapping[str, int]) -> None:
        """States the domains of the variables, by name, in another store.

        Raises Inconsistent where a domain has no value in it.
        """
        for name, k in self._variables.items():
            x = variables[name]
            values = self._values[k]
            if values is not None:
                mask = self._mask[k]
                store.keep(x, [value for place, value in enumerate(values) if mask >> place & 1])
                continue
            if self._lo[k] > -self._limit:
                store.set_lo(x, self._lo[k])
            if self._hi[k] < self._limit:
                store.set_hi(x, self._hi[k])
            store.restrict_congruence(x, self._mod[k], self._rem[k])
            if self._div[k]:
                store.restrict_divisor(x, self._div[k])


def is_settled(store: Store) -> bool:
    """Whether propagation soon comes to rest with bounds for all variables: where linear reasoning has been
    done before, there is no need of more.

    Raises Inconsistent where there is no solution.
    """
    return store.settle(_RUNS + _RUNS_EACH * len(store.propagators)) and all(
        map(store.is_bounded, range(len(store.lo)))
    )
