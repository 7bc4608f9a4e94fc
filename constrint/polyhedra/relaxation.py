"""The rational relaxation of a system of rows: an exact simplex, whose conclusions are cuts.

A bound that the relaxation implies for an integer form is rounded, which is a Chvátal-Gomory cut, and holds
from then on; Gomory's cuts go on from where rounding ends.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import cached_property

from constrint.polyhedra.certificates import Cut, Facts, Multipliers, Proof, row_facts
from constrint.polyhedra.layers import Empty
from constrint.polyhedra.rows import Row, is_unit
from constrint.polyhedra.simplex import Bound, Budget, Simplex

_CUTS = 8
"""Gomory cuts that are added at a time."""


class Relaxation:
    """A simplex over rows without equalities, in normal form, and over forms that are to be bounded."""

    def __init__(
        self, rows: Sequence[Row], dimension: int, budget: Budget, watched: Sequence[tuple[int, ...]] = ()
    ) -> None:
        """Raises Empty where the relaxation has no point."""
        self.dimension = dimension
        self._given = rows
        self.fact_of: dict[Bound, int] = {}
        """The fact that states each bound of the simplex."""
        self._forms: list[tuple[int, ...]] = []
        self._known: dict[tuple[int, ...], int] = {}
        for form in (*(row.form for row in rows), *watched):
            if form not in self._known:
                if is_unit(form):
                    self._known[form] = form.index(1)
                else:
                    self._known[form] = dimension + len(self._forms)
                    self._forms.append(form)
        self.simplex = Simplex(dimension, self._forms, budget)
        for number, row in enumerate(rows):
            x = self._known[row.form]
            self.simplex.set_bounds(x, row.low, row.high)
            if row.high is not None:
                self.fact_of[x, True] = 2 * number
            if row.low is not None:
                self.fact_of[x, False] = 2 * number + 1
        self.check()

    @cached_property
    def facts(self) -> Facts:
        """The facts of the rows, and those derived so far; made when a proof or a cut first needs them."""
        return row_facts(self._given) if self._given else Facts([[0] * self.dimension], [0])

    def variable(self, form: tuple[int, ...]) -> int:
        """The simplex variable of a row's form or a watched one."""
        return self._known[form]

    def check(self) -> None:
        """Makes the present assignment feasible.

        Raises Empty where there is none.
        """
        if not self.simplex.feasible():
            raise self._empty(self.multipliers(self.simplex.conflict.terms()))

    def _empty(self, last: Multipliers) -> Empty:
        """That the cuts so far and a last one are a proof."""

        def prove() -> Proof:
            if last:
                self.facts.derive(last)
            return Proof(tuple(self.facts.cuts))

        return Empty(prove)

    def multipliers(self, reason: Iterable[tuple[Bound, Fraction]]) -> dict[int, Fraction]:
        """The terms of a reason, as multipliers of facts."""
        total: dict[int, Fraction] = {}
        for bound, factor in reason:
            fact = self.fact_of[bound]
            total[fact] = total.get(fact, Fraction(0)) + factor
        return total

    def extreme(self, x: int, upwards: bool) -> int | None:
        """The rounded bound that the relaxation implies for a simplex variable; None for no bound."""
        found = self.simplex.extreme(x, upwards)
        if found is None:
            return None
        value = found[0]
        return math.floor(value) if upwards else math.ceil(value)

    def tighten(self, x: int, upwards: bool) -> bool:
        """Gives a simplex variable the bound that the relaxation implies; whether that is a better one.

        Raises Empty where rounding leaves nothing.
        """
        simplex = self.simplex
        found = simplex.extreme(x, upwards)
        if found is None:
            return False
        value, reason = found
        own = simplex.high[x] if upwards else simplex.low[x]
        if own is not None and own == value:
            return False
        bound = math.floor(value) if upwards else math.ceil(value)
        fact = self.facts.derive(self.multipliers(reason.terms()))
        self._restrict(x, upwards, bound, fact)
        if bound != value:
            self.check()
        return True

    def _restrict(self, x: int, upwards: bool, bound: int, fact: int) -> None:
        simplex = self.simplex
        low, high = simplex.low[x], simplex.high[x]
        low, high = (low, bound) if upwards else (bound, high)
        self.fact_of[x, upwards] = fact
        if low is not None and high is not None and low > high:
            raise self._empty({self.fact_of[x, True]: Fraction(1), self.fact_of[x, False]: Fraction(1)})
        simplex.set_bounds(x, low, high)

    def add_gomory_cuts(self) -> int:
        """Cuts off the present vertex where it is fractional (Gomory 1958); returns by how many cuts.

        Of a row  x = Σ cₖ·yₖ  with all yₖ at a bound, the fractional parts of the cₖ are the multipliers of
        these bounds that make the sum integral.

        Raises Empty where they leave nothing.
        """
        simplex = self.simplex
        added = 0
        for _, denominator, terms in simplex.fractional_rows():
            if added >= _CUTS:
                break
            reason: dict[Bound, Fraction] = {}
            for c, y in terms:
                if c % denominator == 0:
                    continue
                value = simplex.value(y)
                if value == simplex.low[y]:
                    reason[y, False] = Fraction(-c % denominator, denominator)
                elif value == simplex.high[y]:
                    reason[y, True] = Fraction(c % denominator, denominator)
                else:
                    break
            else:
                fact = self.facts.derive(self.multipliers(reason.items()))
                form, bound = self.facts.forms[fact], self.facts.bounds[fact]
                assert bound is not None
                divisor = math.gcd(*form)
                if divisor > 1:
                    fact = self.facts.derive({fact: Fraction(1, divisor)})
                    form, bound = self.facts.forms[fact], self.facts.bounds[fact]
                    assert bound is not None
                self._add(tuple(form), bound, fact)
                added += 1
        if added:
            self.check()
        return added

    def _add(self, form: tuple[int, ...], bound: int, fact: int) -> None:
        """form·y <= bound."""
        upwards = True
        if not any(form):
            # The simplex is feasible, so rounding alone can bring this about.
            assert bound < 0
            raise self._empty({})
        if next(c for c in form if c) < 0:
            form, bound, upwards = tuple(-c for c in form), -bound, False
        x = self._known.get(form)
        if x is None:
            x = self.simplex.add_form(form)
            self._known[form] = x
        own = self.simplex.high[x] if upwards else self.simplex.low[x]
        if own is None or (bound < own if upwards else bound > own):
            self._restrict(x, upwards, bound, fact)

    def consequences(self) -> tuple[Cut, ...]:
        """All cuts so far."""
        return tuple(self.facts.cuts)
