"""Z-polyhedra: the integer points of linear equalities, inequalities and congruences, with exact answers."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from constrint.polyhedra.certificates import Proof, Vector
from constrint.polyhedra.hermite import echelon
from constrint.polyhedra.layers import Chain, Empty, Layer, change_of_basis, units
from constrint.polyhedra.points import find_point, search
from constrint.polyhedra.reduction import dot
from constrint.polyhedra.relaxation import Relaxation
from constrint.polyhedra.rows import Congruence, Row
from constrint.polyhedra.simplex import Budget, OutOfBudget

_PASSES = 3
"""How often all bounds are tightened, at most; Gomory cuts come before each pass but the first."""

_NODES = 200
"""Nodes of a search for the lexicographic minimum; then points below ever larger bounds are looked for."""


@dataclass(frozen=True)
class Bounds:
    """low <= x <= high and x ≡ remainder (mod modulus); None for no bound, modulus 0 for x = remainder."""

    low: int | None
    high: int | None
    modulus: int
    remainder: int


class Unlimited(Exception):
    """A form has no least value: from the integer point `point` on, it falls along `ray` without end."""

    def __init__(self, point: list[int], ray: list[int]) -> None:
        super().__init__(point, ray)
        self.point = point
        self.ray = ray


class Polyhedron:
    """The integer vectors x with  low <= form·x <= high  for all rows and  form·x ≡ r (mod m)  for all
    congruences.

    Every answer is exact. What may take long spends a budget, and raises OutOfBudget when that is spent.
    A proof that the polyhedron is empty (see constrint.polyhedra.certificates) is about the facts of
    `rows`. There a congruence is a row of its own after those given, with a further integer variable that
    counts how often its modulus fits in.
    """

    def __init__(self, dimension: int, rows: Iterable[Row], congruences: Iterable[Congruence] = ()) -> None:
        self.dimension = dimension
        congruences = list(congruences)
        self._extra = len(congruences)
        self.rows = [Row(self._extended(form), low, high) for form, low, high in rows]
        for k, (form, modulus, remainder) in enumerate(congruences):
            counts = [modulus * int(i == k) for i in range(self._extra)]
            self.rows.append(Row((*form, *counts), remainder, remainder))

    def _extended(self, form: Vector) -> tuple[int, ...]:
        return (*form, *([0] * self._extra)) if self._extra else tuple(form)

    def _chain(self, rows: Sequence[Row]) -> Chain:
        return Chain(rows, self.dimension + self._extra)

    def _point(self, rows: Sequence[Row], budget: Budget) -> list[int]:
        return find_point(rows, self.dimension + self._extra, budget)[: self.dimension]

    # Emptiness -------------------------------------------------------------------------------------------

    def point(self, budget: Budget) -> list[int]:
        """An integer point.

        Raises Empty where there is none.
        """
        return self._point(self.rows, budget)

    def proof_of_emptiness(self, budget: Budget) -> Proof | None:
        """Why there is no integer point; None where there is one."""
        try:
            self.point(budget)
        except Empty as empty:
            return empty.proof()
        return None

    def is_empty(self, budget: Budget) -> bool:
        """Whether there is no integer point."""
        try:
            self.point(budget)
        except Empty:
            return True
        return False

    # Bounds ----------------------------------------------------------------------------------------------

    def bounds(self, budget: Budget) -> list[Bounds]:
        """For each variable the bounds of the relaxation, after rounding and Gomory cuts, and the
        congruence that the equalities and congruences imply. A budget that is spent on the way leaves the
        bounds wider.

        Raises Empty where the relaxation, rounding and cuts leave nothing.
        """
        chain = self._chain(self.rows)
        pulled = [chain.pull(self._extended(unit)) for unit in units(self.dimension)]
        watched = list(dict.fromkeys(normal for _, factor, normal in pulled if factor))
        try:
            relaxation = Relaxation(chain.rows, chain.dimension, budget, watched)
            with contextlib.suppress(OutOfBudget):
                _tighten(relaxation, watched)
        except Empty as empty:
            raise chain.lift(empty) from None
        return [_bounds(relaxation, *form) for form in pulled]

    # Optimisation ----------------------------------------------------------------------------------------

    def direction(self, form: Vector, budget: Budget) -> list[int] | None:
        """An integer direction in which the relaxation has no end and form·x falls; None if there is none."""
        return self._direction(self.rows, form, budget)

    def _direction(self, rows: Sequence[Row], form: Vector, budget: Budget) -> list[int] | None:
        cone = [Row(row, None if low is None else 0, None if high is None else 0) for row, low, high in rows]
        chain = self._chain(cone)
        _, factor, normal = chain.pull(self._extended(form))
        if not factor:
            return None
        relaxation = Relaxation(chain.rows, chain.dimension, budget, [normal])
        simplex = relaxation.simplex
        if simplex.extreme(relaxation.variable(normal), factor < 0) is not None:
            return None
        scale = math.lcm(*[step.denominator for step in simplex.ray])
        ray = chain.point([int(step * scale) for step in simplex.ray])[: self.dimension]
        divisor = math.gcd(*ray)
        return [step // divisor for step in ray]

    def minimum(self, form: Vector, budget: Budget) -> tuple[int, list[int]]:
        """The least value of form·x, and a point that takes it.

        Raises Empty where there is no point, Unlimited where there is no least value.
        """
        return self._minimum(self.rows, form, budget)

    def lexicographic_minimum(self, budget: Budget) -> list[int]:
        """The point whose first coordinate is least, among those the one whose second is, and so on.

        Raises Empty where there is no point, Unlimited where a coordinate has no least value.
        """
        found = self._lexicographic_point(budget)
        if found is not None:
            return found
        rows = list(self.rows)
        least: list[int] = []
        for form in units(self.dimension):
            value, _ = self._minimum(rows, form, budget)
            least.append(value)
            rows.append(Row(self._extended(form), value, value))
        return least

    def _lexicographic_point(self, budget: Budget) -> list[int] | None:
        """The lexicographic minimum where a short search finds it; else None."""
        chain = self._chain(self.rows)
        try:
            # In a basis in echelon form, the least coordinates are the least x.
            layer = Layer(chain.rows, change_of_basis(echelon(chain.columns)))
            try:
                y = search(Relaxation(layer.rows, layer.dimension, budget), _NODES, ascending=True)
            except Empty as empty:
                raise layer.lift(empty) from None
        except Empty as empty:
            raise chain.lift(empty) from None
        return None if y is None else chain.point(layer.lattice.point(y))[: self.dimension]

    def _minimum(self, rows: list[Row], form: Vector, budget: Budget) -> tuple[int, list[int]]:
        best = self._point(rows, budget)
        value = dot(form, best)
        goal = self._extended(form)
        chain = self._chain(rows)
        constant, factor, normal = chain.pull(goal)
        if not factor:
            return value, best
        relaxation = Relaxation(chain.rows, chain.dimension, budget, [normal])
        least = relaxation.extreme(relaxation.variable(normal), factor < 0)
        if least is None:
            ray = self._direction(rows, form, budget)
            assert ray is not None
            raise Unlimited(best, ray)
        low = constant + factor * least
        # The optimum tends to be near what the relaxation says: that is tried first, then ever more.
        step = 0
        while low < value:
            goal_row = Row(goal, low, min(low + step, (low + value) // 2))
            try:
                best = self._point([*rows, goal_row], budget)
                value = dot(form, best)
            except Empty:
                assert goal_row.high is not None
                low = goal_row.high + 1
                step = 2 * step + 1
        return value, best


def _tighten(relaxation: Relaxation, forms: Sequence[tuple[int, ...]]) -> None:
    """Bounds for the forms, by the relaxation, rounding and Gomory cuts in turns."""
    variables = [relaxation.variable(form) for form in forms]
    for number in range(_PASSES):
        if number and not relaxation.add_gomory_cuts():
            return
        changed = False
        for x in variables:
            for upwards in (False, True):
                changed = relaxation.tighten(x, upwards) or changed
        if not changed:
            return


def _bounds(relaxation: Relaxation, constant: int, factor: int, normal: tuple[int, ...]) -> Bounds:
    """The bounds of constant + factor·(normal·y)."""
    if not factor:
        return Bounds(constant, constant, 0, constant)
    x = relaxation.variable(normal)
    low, high = relaxation.simplex.low[x], relaxation.simplex.high[x]
    if factor < 0:
        low, high = high, low
    return Bounds(
        None if low is None else constant + factor * low,
        None if high is None else constant + factor * high,
        abs(factor),
        constant % abs(factor),
    )
