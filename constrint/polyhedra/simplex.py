"""Exact simplex over bounded variables, as in SMT solvers (Dutertre and de Moura, CAV 2006).

Variables 0 … count - 1 are free to choose; variable count + i is the i-th form of them. Each may have
integer bounds, which can be set and taken back at any time; the tableau stays. Nonbasic variables always
have integer values, so everything is an integer: row r says

    denominator·basic = Σ coefficientₖ·nonbasicₖ,

and the basic variable's value is numerator / denominator. After a number of pivots chosen for speed, Bland's
rule takes over, which cannot cycle.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from operator import mod, mul

from constrint.polyhedra.certificates import Vector

Bound = tuple[int, bool]
"""(variable, upper): one of its bounds."""


class Reason:
    """Multipliers >= 0 of bounds: an upper bound counts as x <= bound, a lower one as -x <= -bound.

    Few reasons are ever asked for: only then are the multipliers made, from a row of the tableau.
    """

    def __init__(
        self, row: Sequence[int], denominator: int, nonbasic: Sequence[int], upwards: bool, own: Bound | None
    ) -> None:
        self._row = row
        self._denominator = denominator
        self._nonbasic = nonbasic
        self._upwards = upwards
        self._own = own

    def terms(self) -> list[tuple[Bound, Fraction]]:
        """Each bound with its multiplier."""
        found = [
            ((x, (c > 0) == self._upwards), Fraction(abs(c), self._denominator))
            for c, x in zip(self._row, self._nonbasic, strict=True)
            if c
        ]
        return found if self._own is None else [*found, (self._own, Fraction(1))]


class OutOfBudget(Exception):
    """The work allowed for an answer is done."""


class Budget:
    """The work that may still be done, counted in entries of tableaux that a pivot touches."""

    def __init__(self, work: int) -> None:
        self.left = work

    def spend(self, work: int) -> None:
        """Raises OutOfBudget where less is left."""
        self.left -= work
        if self.left < 0:
            raise OutOfBudget


class Simplex:
    """A tableau with bounds. `conflict` tells why `feasible` was last False, and `ray` along which
    direction of the free variables `extreme` last met no limit."""

    def __init__(self, count: int, forms: Sequence[Vector], budget: Budget) -> None:
        self.count = count
        size = count + len(forms)
        self.low: list[int | None] = [None] * size
        self.high: list[int | None] = [None] * size
        self.conflict = Reason((), 1, (), True, None)
        self.ray: list[Fraction] = []
        self._budget = budget
        self._rows = [list(form) for form in forms]
        self._denominators = [1] * len(forms)
        self._numerators = [0] * len(forms)
        self._basic = list(range(count, size))
        self._nonbasic = list(range(count))
        self._values = [0] * count
        # Where a variable is: the column of a nonbasic one, or -1 - the row of a basic one.
        self._where = [*range(count), *(-1 - i for i in range(len(forms)))]

    def add_form(self, form: Vector) -> int:
        """Another variable, which is this form of the free ones."""
        denominator = 1
        for y, c in enumerate(form):
            if c and self._where[y] < 0:
                denominator = math.lcm(denominator, self._denominators[-1 - self._where[y]])
        row = [0] * len(self._nonbasic)
        for y, c in enumerate(form):
            at = self._where[y]
            if c and at >= 0:
                row[at] += c * denominator
            elif c:
                factor = c * (denominator // self._denominators[-1 - at])
                row = [a + factor * b for a, b in zip(row, self._rows[-1 - at], strict=True)]
        self._rows.append(row)
        self._denominators.append(denominator)
        self._numerators.append(sum(map(mul, row, self._values)))
        x = len(self.low)
        self.low.append(None)
        self.high.append(None)
        self._basic.append(x)
        self._where.append(-len(self._rows))
        return x

    # Bounds ----------------------------------------------------------------------------------------------

    def set_bounds(self, x: int, low: int | None, high: int | None) -> None:
        """Replaces the bounds of x, of which the lower must not be above the upper."""
        self.low[x], self.high[x] = low, high
        column = self._where[x]
        if column >= 0:
            value = self._values[column]
            if low is not None and value < low:
                value = low
            elif high is not None and value > high:
                value = high
            self._move(column, value)

    def _move(self, column: int, value: int) -> None:
        step = value - self._values[column]
        if step:
            self._values[column] = value
            numerators = self._numerators
            for i, row in enumerate(self._rows):
                if row[column]:
                    numerators[i] += row[column] * step

    # Reading ---------------------------------------------------------------------------------------------

    def value(self, x: int) -> Fraction:
        """The value of x in the present assignment."""
        where = self._where[x]
        if where >= 0:
            return Fraction(self._values[where])
        return Fraction(self._numerators[-1 - where], self._denominators[-1 - where])

    def is_integral(self) -> bool:
        """Whether the value of every variable is an integer."""
        return not any(map(mod, self._numerators, self._denominators))

    def fractional_rows(self) -> list[tuple[int, int, list[tuple[int, int]]]]:
        """For each basic variable whose value is no integer: it, the row's denominator, and the row as
        pairs of coefficient and nonbasic variable."""
        found = []
        for i, x in enumerate(self._basic):
            if self._numerators[i] % self._denominators[i]:
                terms = [(c, y) for c, y in zip(self._rows[i], self._nonbasic, strict=True) if c]
                found.append((x, self._denominators[i], terms))
        return found

    # Feasibility -----------------------------------------------------------------------------------------

    def feasible(self) -> bool:
        """Whether some rational assignment respects all bounds; if so the present one does."""
        low, high = self.low, self.high
        patience = 2 * len(self._rows) + 20
        while True:
            chosen = -1
            upwards = False
            worst_numerator, worst_denominator = 0, 1
            for i, x in enumerate(self._basic):
                numerator, denominator = self._numerators[i], self._denominators[i]
                bound = low[x]
                if bound is not None and numerator < bound * denominator:
                    excess, up = bound * denominator - numerator, True
                else:
                    bound = high[x]
                    if bound is None or numerator <= bound * denominator:
                        continue
                    excess, up = numerator - bound * denominator, False
                if patience > 0:
                    better = excess * worst_denominator > worst_numerator * denominator
                else:
                    better = chosen < 0 or x < self._basic[chosen]
                if better:
                    chosen, upwards = i, up
                    worst_numerator, worst_denominator = excess, denominator
            if chosen < 0:
                return True
            column = self._entering(self._rows[chosen], upwards, patience <= 0)
            if column is None:
                self.conflict = self._reason(chosen, upwards, (self._basic[chosen], not upwards))
                return False
            x = self._basic[chosen]
            target = low[x] if upwards else high[x]
            assert target is not None
            self._pivot(chosen, column, target)
            patience -= 1

    def _entering(self, row: list[int], upwards: bool, bland: bool) -> int | None:
        """The column of a nonbasic variable that can move the row's variable; None if none can."""
        low, high, values = self.low, self.high, self._values
        chosen = None
        largest = 0
        for column, c in enumerate(row):
            if not c:
                continue
            x = self._nonbasic[column]
            bound = high[x] if (c > 0) == upwards else low[x]
            if bound is not None and values[column] == bound:
                continue
            if bland:
                if chosen is None or x < self._nonbasic[chosen]:
                    chosen = column
            elif abs(c) > largest:
                chosen, largest = column, abs(c)
        return chosen

    def _reason(self, i: int, upwards: bool, own: Bound | None = None) -> Reason:
        """The bounds of the nonbasic variables that keep the row's variable from moving on, and one more."""
        # A row is never changed in place; which variables are nonbasic is.
        return Reason(self._rows[i], self._denominators[i], tuple(self._nonbasic), upwards, own)

    def _pivot(self, i: int, column: int, target: int) -> None:
        """The basic variable of row i becomes nonbasic with the value `target`."""
        rows, denominators, numerators, values = (
            self._rows,
            self._denominators,
            self._numerators,
            self._values,
        )
        leaving, entering = self._basic[i], self._nonbasic[column]
        row = rows[i]
        scale = row[column]
        if scale > 0:
            new = [-c for c in row]
            new[column] = denominators[i]
        else:
            new = list(row)
            new[column] = -denominators[i]
            scale = -scale
        common = math.gcd(scale, *new)
        if common > 1:
            new = [c // common for c in new]
            scale //= common
        self._budget.spend(len(rows) * (len(row) + 8))
        rows[i], denominators[i] = new, scale
        values[column] = target
        numerators[i] = sum(map(mul, new, values))
        for k, other in enumerate(rows):
            factor = other[column]
            if not factor or k == i:
                continue
            changed = [scale * a + factor * b for a, b in zip(other, new, strict=True)]
            changed[column] = factor * new[column]
            denominator = denominators[k] * scale
            common = math.gcd(denominator, *changed)
            if common > 1:
                changed = [c // common for c in changed]
                denominator //= common
            rows[k], denominators[k] = changed, denominator
            numerators[k] = sum(map(mul, changed, values))
        self._basic[i], self._nonbasic[column] = entering, leaving
        self._where[leaving], self._where[entering] = column, -1 - i

    # Optimisation ----------------------------------------------------------------------------------------

    def extreme(self, x: int, upwards: bool) -> tuple[Fraction, Reason] | None:
        """The largest value of x (or the smallest) and the bounds that imply it; None for no limit.

        Sum them with their multipliers: x <= value (or -x <= -value). The present assignment must be
        feasible; it stays so, and takes that value.
        """
        patience = 2 * len(self._rows) + 20
        while True:
            patience -= 1
            where = self._where[x]
            own = self.high[x] if upwards else self.low[x]
            if where >= 0:
                if own is not None and self._values[where] == own:
                    return Fraction(own), Reason((), 1, (), upwards, (x, upwards))
                column, forwards = where, upwards
            else:
                i = -1 - where
                if own is not None and self._numerators[i] == own * self._denominators[i]:
                    return Fraction(own), Reason((), 1, (), upwards, (x, upwards))
                chosen = self._entering(self._rows[i], upwards, patience <= 0)
                if chosen is None:
                    return self.value(x), self._reason(i, upwards)
                column, forwards = chosen, (self._rows[i][chosen] > 0) == upwards
            if not self._advance(column, forwards):
                self.ray = self._ray(column, forwards)
                return None

    def _advance(self, column: int, forwards: bool) -> bool:
        """Moves a nonbasic variable until a bound stops it; False if none does."""
        low, high = self.low, self.high
        entering = self._nonbasic[column]
        own = high[entering] if forwards else low[entering]
        # The step is best_above / best_below; row -1 stands for the variable's own bound.
        best, target, best_above, best_below = -2, 0, 0, 1
        if own is not None:
            best, target = -1, own
            best_above = abs(own - self._values[column])
        for i, row in enumerate(self._rows):
            c = row[column]
            if not c:
                continue
            x = self._basic[i]
            if (c > 0) == forwards:
                bound = high[x]
                if bound is None:
                    continue
                above = bound * self._denominators[i] - self._numerators[i]
            else:
                bound = low[x]
                if bound is None:
                    continue
                above = self._numerators[i] - bound * self._denominators[i]
            below = abs(c)
            left, right = above * best_below, best_above * below
            if best == -2 or left < right or (left == right and best >= 0 and x < self._basic[best]):
                best, target, best_above, best_below = i, bound, above, below
        if best == -2:
            return False
        if best == -1:
            self._move(column, target)
        else:
            self._pivot(best, column, target)
        return True

    def _ray(self, column: int, forwards: bool) -> list[Fraction]:
        """How the free variables change for each step of a nonbasic one."""
        sign = 1 if forwards else -1
        ray = []
        for y in range(self.count):
            at = self._where[y]
            if at >= 0:
                ray.append(Fraction(sign if at == column else 0))
            else:
                ray.append(Fraction(sign * self._rows[-1 - at][column], self._denominators[-1 - at]))
        return ray
