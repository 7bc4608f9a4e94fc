"""What every propagator has: a scope, the events that wake it, and a way to prune."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from constrint.engine.store import Store


EAGER, NORMAL, SLOW = range(3)


class Propagator:
    """A relation over variables that removes values which no solution can have.

    `propagate` only prunes through the store's doors and never removes a value that is part of a
    solution of the relation; with all variables fixed it decides the relation (raises Inconsistent
    where it does not hold). Every propagator reads the domains afresh, so it is its own oracle.
    """

    __slots__ = ("number", "scope", "wake_bounds", "wake_change", "wake_fixed")

    turn: ClassVar[int] = NORMAL
    """EAGER propagators run before the others, SLOW ones wait until all others have come to rest."""

    idempotent: ClassVar[bool] = False
    """An idempotent propagator finds nothing more when it runs again on its own prunings."""

    def __init__(
        self,
        scope: Sequence[int],
        *,
        fixed: Sequence[int] = (),
        bounds: Sequence[int] = (),
        change: Sequence[int] = (),
    ) -> None:
        self.number = -1
        self.scope = tuple(scope)
        self.wake_fixed = tuple(dict.fromkeys(fixed))
        self.wake_bounds = tuple(dict.fromkeys(bounds))
        self.wake_change = tuple(dict.fromkeys(change))

    def propagate(self, store: Store) -> None:
        """Prunes the variables' domains.

        Raises Inconsistent where the relation has no solution in them.
        """
        raise NotImplementedError
