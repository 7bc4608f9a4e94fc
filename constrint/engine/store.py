"""The store: every variable's domain, in flat arrays, with a trail that undoes.

A domain is an interval, a congruence, a statement "divides M" and, once it is small, an explicit set,
each reduced against the others:

    lo <= x <= hi,   x ≡ rem (mod mod),   x | div  (div = 0: no statement),   x in values[bits of mask].

Integers have any size. "Unbounded" is the bound ±infinity = ±limit², where `limit` is larger than
any number of the problem: a bound computed from an infinite one by adding, scaling or dividing numbers
below `limit` stays beyond `limit`, and every door reads such a bound as infinite. So propagators need no
cases for infinity, except where they take roots or logarithms. A finite bound that would have to pass
`limit` raises OutOfRange; the caller then starts again with a larger limit: nothing is ever cut.

Every pruning goes through one of the doors here and leaves on the trail what it changed and why.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from constrint.engine.clock import Clock
from constrint.engine.propagator import EAGER, NORMAL
from constrint.numbers import combine_congruences, divisors, low_bits

if TYPE_CHECKING:
    from constrint.engine.propagator import Propagator

SET_LIMIT = 1024
"""Domains of at most this many values may be held as explicit sets."""

DIVISOR_LIMIT = 4096
"""As SET_LIMIT, for the divisors of a number, of which products make good use."""

LATTICE_LIMIT = 48
"""Explicit sets of at most this many values tell their gcd and lcm."""

TRUE = 0
FALSE = 1
"""Literals: 2·v means "v = 1", 2·v + 1 means "v = 0". Variable 0 is the constant 1."""


class Inconsistent(Exception):
    """The domains have become empty: there is no solution below this point."""


class OutOfRange(Exception):
    """A finite bound would pass the working range; solve again with a larger one."""


_NO_LATTICE = (0, 0, (1, 0))
"""That the lattice of no explicit set was asked for last."""

# What a trail entry restores.
_LO, _HI, _MASK, _CONGRUENCE, _DIVISOR, _VALUES, _ENTAILED = range(7)


class Store:
    """The domains of all variables, the queue of propagators to run, and the trail."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.infinity = limit * limit
        self.lo: list[int] = []
        self.hi: list[int] = []
        self.mod: list[int] = []
        self.rem: list[int] = []
        self.div: list[int] = []
        self.values: list[tuple[int, ...] | None] = []
        self.mask: list[int] = []
        self.propagators: list[Propagator] = []
        self.entailed: list[bool] = []
        # Per variable, the propagators to wake when it is fixed, when a bound moves, when anything changes.
        self._on_fixed: list[list[int]] = []
        self._on_bounds: list[list[int]] = []
        self._on_change: list[list[int]] = []
        self._queued: list[bool] = []
        self._queues: tuple[deque[int], deque[int], deque[int]] = (deque(), deque(), deque())
        self._turns: list[int] = []
        self.trail: list[tuple[int, int, Any, int]] = []
        self.cause = -1
        self._ignored = -1
        self.searching = False
        self.steps = 0
        self.clock: Clock | None = None
        # What `lattice` found, by explicit set; each set that is ever held has a number of its own.
        self._lattices: dict[tuple[int, int], tuple[int, int]] = {}
        self._last_lattice: list[tuple[int, int, tuple[int, int]]] = []
        self._listing: list[int] = []
        self._listings = 0
        self.new_variable(1, 1)

    # Setting up ------------------------------------------------------------------------------------

    def new_variable(self, lo: int | None, hi: int | None) -> int:
        """A new variable; None stands for no bound."""
        self.lo.append(-self.infinity if lo is None else lo)
        self.hi.append(self.infinity if hi is None else hi)
        self.mod.append(1)
        self.rem.append(0)
        self.div.append(0)
        self.values.append(None)
        self.mask.append(0)
        self._listing.append(0)
        self._last_lattice.append(_NO_LATTICE)
        self._on_fixed.append([])
        self._on_bounds.append([])
        self._on_change.append([])
        return len(self.lo) - 1

    def post(self, propagator: Propagator) -> None:
        """Registers the propagator and runs it once.

        Raises Inconsistent where it has no solution.
        """
        number = len(self.propagators)
        self.propagators.append(propagator)
        self.entailed.append(False)
        self._queued.append(False)
        self._turns.append(propagator.turn)
        for variable in propagator.wake_fixed:
            self._on_fixed[variable].append(number)
        for variable in propagator.wake_bounds:
            self._on_fixed[variable].append(number)
            self._on_bounds[variable].append(number)
        for variable in propagator.wake_change:
            self._on_fixed[variable].append(number)
            self._on_bounds[variable].append(number)
            self._on_change[variable].append(number)
        propagator.number = number
        self._run(number)

    def schedule(self, number: int) -> None:
        """Puts a propagator into the queue, once."""
        if not self._queued[number]:
            self._queued[number] = True
            self._queues[self._turns[number]].append(number)

    def hasten(self, number: int) -> None:
        """The propagator has failed: it and its neighbours run early from now on, as they may fail again."""
        turns = self._turns
        for x in self.propagators[number].scope:
            if x:
                for neighbour in self._on_fixed[x]:
                    if turns[neighbour] == NORMAL:
                        turns[neighbour] = EAGER

    def calm(self) -> None:
        """Takes back every `hasten`."""
        self._turns = [propagator.turn for propagator in self.propagators]

    # Reading ---------------------------------------------------------------------------------------

    def is_fixed(self, x: int) -> bool:
        """Whether one value is left."""
        return self.lo[x] == self.hi[x]

    def is_bounded(self, x: int) -> bool:
        """Whether both bounds are finite."""
        return self.lo[x] > -self.limit and self.hi[x] < self.limit

    def is_listed(self, x: int) -> bool:
        """Whether `size` is exact: no statement "divides M" waits for an interval short enough to list."""
        return self.values[x] is not None or not self.div[x] or self.lo[x] == self.hi[x]

    def size(self, x: int) -> int:
        """How many values are left, or more where the divisors of a number are not yet listed; of an
        unbounded domain, a very large number."""
        if self.values[x] is not None:
            return self.mask[x].bit_count()
        return (self.hi[x] - self.lo[x]) // self.mod[x] + 1

    def contains(self, x: int, value: int) -> bool:
        """Whether the domain holds `value`."""
        if not self.lo[x] <= value <= self.hi[x]:
            return False
        values = self.values[x]
        if values is not None:
            k = bisect_left(values, value)
            return values[k] == value and self.mask[x] >> k & 1 == 1
        divisor = self.div[x]
        if divisor and (value == 0 or divisor % value):
            return False
        return value % self.mod[x] == self.rem[x]

    def members(self, x: int) -> Sequence[int]:
        """The values of a bounded domain, ascending; for an interval a `range`."""
        values = self.values[x]
        if values is None:
            found: Sequence[int] = range(self.lo[x], self.hi[x] + 1, self.mod[x])
            divisor = self.div[x]
            return [v for v in found if v and divisor % v == 0] if divisor else found
        mask = self.mask[x]
        if mask & (mask + 1) == 0:
            return values[: mask.bit_length()]
        chosen = []
        while mask:
            low = mask & -mask
            chosen.append(values[low.bit_length() - 1])
            mask ^= low
        return chosen

    def lattice(self, x: int) -> tuple[int, int]:
        """(g, M): x is a multiple of g, and x divides M; 0 divides nothing, so M = 0 says nothing."""
        lo = self.lo[x]
        if lo == self.hi[x]:
            return abs(lo), abs(lo)
        mask = self.mask[x]
        if not mask or mask.bit_count() > LATTICE_LIMIT:
            return math.gcd(self.mod[x], self.rem[x]), self.div[x]
        last = self._last_lattice[x]
        if last[0] == mask and last[1] == self._listing[x]:
            return last[2]
        key = (self._listing[x], mask)
        known = self._lattices.get(key)
        if known is None:
            members = self.members(x)
            known = (math.gcd(*members), math.lcm(*members))
            if len(self._lattices) > 1 << 16:
                self._lattices.clear()
            self._lattices[key] = known
        self._last_lattice[x] = (mask, key[0], known)
        return known

    def is_true(self, literal: int) -> bool:
        """Whether the literal holds in every solution below."""
        variable = literal >> 1
        return self.lo[variable] == 1 if not literal & 1 else self.hi[variable] == 0

    def is_false(self, literal: int) -> bool:
        """Whether the literal holds in no solution below."""
        variable = literal >> 1
        return self.hi[variable] == 0 if not literal & 1 else self.lo[variable] == 1

    # Doors -----------------------------------------------------------------------------------------

    def set_lo(self, x: int, bound: int) -> None:
        """x >= bound."""
        lo = self.lo[x]
        if bound <= lo:
            return
        values = self.values[x]
        if values is not None:
            k = bisect_left(values, bound)
            self._set_mask(x, self.mask[x] >> k << k)
            return
        if bound <= -self.limit:
            return
        mod = self.mod[x]
        if mod > 1:
            bound += (self.rem[x] - bound) % mod
        hi = self.hi[x]
        if bound > hi:
            raise Inconsistent
        if bound >= self.limit:
            raise OutOfRange
        self.trail.append((_LO, x, lo, self.cause))
        self.lo[x] = bound
        self._wake(self._on_fixed[x] if bound == hi else self._on_bounds[x])
        if self.div[x]:
            self._list_divisors(x)

    def set_hi(self, x: int, bound: int) -> None:
        """x <= bound."""
        hi = self.hi[x]
        if bound >= hi:
            return
        values = self.values[x]
        if values is not None:
            k = bisect_right(values, bound)
            self._set_mask(x, self.mask[x] & ((1 << k) - 1))
            return
        if bound >= self.limit:
            return
        mod = self.mod[x]
        if mod > 1:
            bound -= (bound - self.rem[x]) % mod
        lo = self.lo[x]
        if bound < lo:
            raise Inconsistent
        if bound <= -self.limit:
            raise OutOfRange
        self.trail.append((_HI, x, hi, self.cause))
        self.hi[x] = bound
        self._wake(self._on_fixed[x] if bound == lo else self._on_bounds[x])
        if self.div[x]:
            self._list_divisors(x)

    def fix(self, x: int, value: int) -> None:
        """x = value."""
        if self.lo[x] == self.hi[x]:
            if self.lo[x] != value:
                raise Inconsistent
            return
        if not self.contains(x, value):
            raise Inconsistent
        values = self.values[x]
        if values is not None:
            self._set_mask(x, 1 << bisect_left(values, value))
        else:
            self.set_lo(x, value)
            self.set_hi(x, value)

    def remove(self, x: int, value: int) -> None:
        """x != value. A value inside a domain too large for an explicit set stays: who removes values
        must look again when the variable is fixed."""
        lo, hi = self.lo[x], self.hi[x]
        if value < lo or value > hi:
            return
        values = self.values[x]
        if values is None:
            if value == lo:
                self.set_lo(x, value + 1)
                return
            if value == hi:
                self.set_hi(x, value - 1)
                return
            if (hi - lo) // self.mod[x] >= SET_LIMIT or not self.contains(x, value):
                return
            self._hold_values(x, tuple(self.members(x)))
            values = self.values[x]
            assert values is not None
        k = bisect_left(values, value)
        if values[k] == value and self.mask[x] >> k & 1:
            self._set_mask(x, self.mask[x] & ~(1 << k))

    def keep(self, x: int, chosen: Sequence[int]) -> None:
        """x is one of `chosen`, which is ascending and without duplicates."""
        values = self.values[x]
        if values is None:
            lo, hi = self.lo[x], self.hi[x]
            inside = tuple([value for value in chosen if lo <= value <= hi and self.contains(x, value)])
            if not inside:
                raise Inconsistent
            if max(-inside[0], inside[-1]) >= self.limit:
                raise OutOfRange
            self._hold_values(x, inside)
        else:
            wanted = set(chosen)
            mask = self.mask[x]
            rest = mask
            while rest:
                low = rest & -rest
                if values[low.bit_length() - 1] not in wanted:
                    mask ^= low
                rest ^= low
            self._set_mask(x, mask)

    def state_congruence(self, x: int, modulus: int, remainder: int) -> None:
        """x ≡ remainder (mod modulus) as a constraint of its own, which nothing else holds.

        Raises OutOfRange where the domain cannot keep it.
        """
        self.restrict_congruence(x, modulus, remainder)
        if self.values[x] is None and self.lo[x] != self.hi[x] and self.mod[x] % modulus:
            raise OutOfRange

    def restrict_congruence(self, x: int, modulus: int, remainder: int) -> None:
        """x ≡ remainder (mod modulus), modulus >= 1; left out where moduli grow beyond the range, so it
        must follow from a propagator that looks again when x is fixed."""
        mod = self.mod[x]
        if mod % modulus == 0:
            if (self.rem[x] - remainder) % modulus:
                raise Inconsistent
            return
        if self.lo[x] == self.hi[x]:
            if (self.lo[x] - remainder) % modulus:
                raise Inconsistent
            return
        values = self.values[x]
        if values is not None:
            self.keep(x, [value for value in self.members(x) if (value - remainder) % modulus == 0])
            return
        combined = combine_congruences(mod, self.rem[x], modulus, remainder % modulus)
        if combined is None:
            raise Inconsistent
        if combined[0] >= self.limit:
            lo = self.lo[x]
            if self.is_bounded(x):
                # At most one value of an interval is left.
                self.fix(x, lo + (combined[1] - lo) % combined[0])
            return
        self.trail.append((_CONGRUENCE, x, (mod, self.rem[x]), self.cause))
        self.mod[x], self.rem[x] = combined
        self._wake(self._on_change[x])
        # The bounds move inwards to the nearest members.
        m, r = combined
        lo, hi = self.lo[x], self.hi[x]
        if lo > -self.limit:
            self.set_lo(x, lo + (r - lo) % m)
        if hi < self.limit:
            self.set_hi(x, hi - (hi - r) % m)

    def restrict_divisor(self, x: int, multiple: int) -> None:
        """x divides `multiple`, which is not 0; so x is not 0 either."""
        multiple = abs(multiple)
        old = self.div[x]
        new = math.gcd(old, multiple)
        if self.lo[x] == self.hi[x]:
            if self.lo[x] == 0 or multiple % self.lo[x]:
                raise Inconsistent
            return
        if self.values[x] is not None:
            self.keep(x, [value for value in self.members(x) if value and multiple % value == 0])
            return
        if new == old:
            return
        self.trail.append((_DIVISOR, x, old, self.cause))
        self.div[x] = new
        self._wake(self._on_change[x])
        self.set_lo(x, -new)
        self.set_hi(x, new)
        if self.lo[x] >= 0:
            self.set_lo(x, 1)
        if self.hi[x] <= 0:
            self.set_hi(x, -1)
        listed = divisors(new, DIVISOR_LIMIT)
        if listed is not None:
            signed = listed if self.lo[x] > 0 else tuple([-d for d in reversed(listed)]) + listed
            self.keep(x, signed)
        else:
            self._list_divisors(x)

    def assign(self, literal: int) -> None:
        """Makes the literal true."""
        if literal & 1:
            self.set_hi(literal >> 1, 0)
        else:
            self.set_lo(literal >> 1, 1)

    def fail(self) -> None:
        """There is no solution below."""
        raise Inconsistent

    def entail(self, propagator: Propagator) -> None:
        """The propagator has nothing left to say until backtracking."""
        number = propagator.number
        if not self.entailed[number]:
            self.entailed[number] = True
            self.trail.append((_ENTAILED, number, None, self.cause))

    # Behind the doors ------------------------------------------------------------------------------

    def _list_divisors(self, x: int) -> None:
        """Of a divisor of a number too hard to factor: the explicit set, once the interval is short."""
        if self.values[x] is None and (self.hi[x] - self.lo[x]) // self.mod[x] < SET_LIMIT:
            self.keep(x, self.members(x))

    def _hold_values(self, x: int, values: tuple[int, ...]) -> None:
        """Starts an explicit set that agrees with the other statements of the domain."""
        self.trail.append((_VALUES, x, (self.lo[x], self.hi[x]), self.cause))
        changed = values[0] != self.lo[x] or values[-1] != self.hi[x]
        self._listings += 1
        self._listing[x] = self._listings
        self.values[x] = values
        self.mask[x] = low_bits(len(values))
        self.lo[x] = values[0]
        self.hi[x] = values[-1]
        if len(values) == 1:
            self._wake(self._on_fixed[x])
        else:
            self._wake(self._on_bounds[x] if changed else self._on_change[x])

    def _set_mask(self, x: int, mask: int) -> None:
        old = self.mask[x]
        if mask == old:
            return
        if not mask:
            raise Inconsistent
        values = self.values[x]
        assert values is not None
        lo, hi = self.lo[x], self.hi[x]
        self.trail.append((_MASK, x, (old, lo, hi), self.cause))
        self.mask[x] = mask
        self.lo[x] = new_lo = values[(mask & -mask).bit_length() - 1]
        self.hi[x] = new_hi = values[mask.bit_length() - 1]
        if new_lo == new_hi:
            self._wake(self._on_fixed[x])
        elif new_lo != lo or new_hi != hi:
            self._wake(self._on_bounds[x])
        else:
            self._wake(self._on_change[x])

    def _wake(self, numbers: list[int]) -> None:
        queued, ignored, turns, queues = self._queued, self._ignored, self._turns, self._queues
        for number in numbers:
            if not queued[number] and number != ignored:
                queued[number] = True
                queues[turns[number]].append(number)

    # Propagation -----------------------------------------------------------------------------------

    def propagate(self) -> None:
        """Runs the queued propagators until nothing changes.

        Raises Inconsistent at an empty domain, OutOfTime at the deadline. The queue is empty afterwards.
        """
        eager, normal, slow = self._queues
        try:
            while True:
                if eager:
                    self._run(eager.popleft())
                elif normal:
                    self._run(normal.popleft())
                elif slow:
                    self._run(slow.popleft())
                else:
                    return
        except BaseException:
            self.clear_queue()
            raise

    def settle(self, runs: int) -> bool:
        """Runs up to so many queued propagators; whether none is left. Otherwise they stay queued.

        Raises as `propagate` does.
        """
        stop = self.steps + runs
        try:
            while self.steps < stop:
                queue = next(filter(None, self._queues), None)
                if queue is None:
                    return True
                self._run(queue.popleft())
        except BaseException:
            self.clear_queue()
            raise
        return False

    def _run(self, number: int) -> None:
        """Runs one propagator taken from the queue."""
        self._queued[number] = False
        if self.entailed[number]:
            return
        self.steps += 1
        if not self.steps & 255 and self.clock is not None:
            self.clock.check()
        propagator = self.propagators[number]
        self.cause = number
        if not self.searching:
            self._ignored = number if propagator.idempotent else -1
            propagator.propagate(self)
            self._ignored = -1
            return
        # In a search one pass is enough, except that what is fixed by now must be checked.
        self._ignored = number
        length = len(self.trail)
        propagator.propagate(self)
        self._ignored = -1
        if len(self.trail) != length and not propagator.idempotent:
            lo, hi = self.lo, self.hi
            for x in propagator.scope:
                if lo[x] != hi[x]:
                    return
            self.schedule(number)

    def clear_queue(self) -> None:
        """Forgets what is queued: after a failure it is of no use."""
        queued = self._queued
        for queue in self._queues:
            for number in queue:
                queued[number] = False
            queue.clear()
        self._ignored = -1

    def waiting(self) -> tuple[int, ...]:
        """How many propagators are in each queue."""
        return tuple([len(queue) for queue in self._queues])

    def forget_since(self, waiting: Sequence[int]) -> None:
        """Takes out of the queues what came after they were as long as `waiting` says."""
        for queue, length in zip(self._queues, waiting, strict=True):
            while len(queue) > length:
                self._queued[queue.pop()] = False

    def undo(self, length: int) -> None:
        """Takes back everything since the trail was `length` long."""
        trail = self.trail
        while len(trail) > length:
            kind, x, old, _ = trail.pop()
            if kind == _MASK:
                self.mask[x], self.lo[x], self.hi[x] = old
            elif kind == _LO:
                self.lo[x] = old
            elif kind == _HI:
                self.hi[x] = old
            elif kind == _ENTAILED:
                self.entailed[x] = False
            elif kind == _CONGRUENCE:
                self.mod[x], self.rem[x] = old
            elif kind == _DIVISOR:
                self.div[x] = old
            else:
                self.lo[x], self.hi[x] = old
                self.values[x] = None
                self.mask[x] = 0
