"""From a system of rows to a simpler one in other coordinates, and proofs back the same way.

A layer maps the integer points y of its inner rows to those of its outer rows, x = origin + Σ yⱼ·basisⱼ.
An inner fact  form·y <= bound  becomes the outer fact with the coefficients Σ formⱼ·coordinateⱼ, which says
the same of all x of the lattice.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from functools import cached_property, partial

from constrint.polyhedra.certificates import Cut, Facts, Proof, Split, Vector, row_facts
from constrint.polyhedra.hermite import Lattice, NoLattice
from constrint.polyhedra.reduction import dot
from constrint.polyhedra.rows import Contradiction, Row, Source, normalise


class Empty(Exception):
    """There is no integer point."""

    def __init__(self, prove: Callable[[], Proof]) -> None:
        super().__init__()
        self._prove = prove

    def proof(self) -> Proof:
        """Why: in terms of the facts of the rows that were given. It is only made when asked for."""
        return self._prove()


class Layer:
    """Outer rows, the lattice of their equalities or any other lattice that holds their points, and the
    inner rows that are left of them in its coordinates."""

    def __init__(self, outer: Sequence[Row], lattice: Lattice, equalities: Sequence[int] = ()) -> None:
        """`equalities` are the numbers of the outer rows that the lattice was made of.

        Raises Empty where an inner row contradicts itself or another one.
        """
        self.outer = outer
        self.lattice = lattice
        self._equalities = equalities
        try:
            self.inner = normalise(outer if lattice.is_whole else _substitute(outer, lattice))
        except Contradiction as contradiction:
            parts = contradiction.parts
            raise Empty(lambda: self._contradiction(parts)) from None

    @property
    def dimension(self) -> int:
        """The number of inner coordinates."""
        return len(self.lattice.basis)

    @cached_property
    def rows(self) -> list[Row]:
        """The inner rows."""
        return [normal.row for normal in self.inner]

    def _contradiction(self, parts: Sequence[Source]) -> Proof:
        facts = row_facts(self.outer)
        numbers = [self._derive(facts, part) for part in parts]
        if len(numbers) > 1:
            facts.derive(dict.fromkeys(numbers, Fraction(1)))
        return Proof(tuple(facts.cuts))

    def _derive(self, facts: Facts, source: Source) -> int:
        """The outer fact that an inner row states; multiples of the equalities make it integral."""
        fact, divisor = source
        total = {fact: Fraction(1, divisor)}
        if not self._equalities:
            return facts.derive(total)
        form, _ = facts.combine(total)
        for row, factor in zip(self._equalities, self.lattice.correction(form), strict=True):
            if factor:
                fact = 2 * row if factor > 0 else 2 * row + 1
                total[fact] = total.get(fact, Fraction(0)) + abs(factor)
        return facts.derive(total)

    def lift(self, empty: Empty) -> Empty:
        """That the inner rows have no point, as the statement that the outer rows have none."""
        return Empty(lambda: self._lift(empty.proof(), row_facts(self.outer), {}, 2 * len(self.inner)))

    def _lift(self, proof: Proof, facts: Facts, numbers: dict[int, int], following: int) -> Proof:
        """`numbers` are the outer numbers of inner facts, `following` is the next inner number."""
        for cut in proof.cuts:
            total: dict[int, Fraction] = {}
            for fact, factor in cut.multipliers.items():
                if fact not in numbers:
                    normal = self.inner[fact // 2]
                    source = normal.below if fact % 2 else normal.above
                    assert source is not None
                    numbers[fact] = self._derive(facts, source)
                total[numbers[fact]] = total.get(numbers[fact], Fraction(0)) + factor
            numbers[following] = facts.derive(total)
            following += 1
        split = proof.split
        if split is None:
            return Proof(tuple(facts.cuts))
        coordinates = self.lattice.coordinates()
        form = [0] * self.lattice.dimension
        for c, coordinate in zip(split.form, coordinates, strict=True):
            if c:
                form = [a + c * b for a, b in zip(form, coordinate, strict=True)]
        value = split.value + dot(form, self.lattice.origin)
        cases = []
        for sign, bound, case in ((1, value, split.below), (-1, -value - 1, split.above)):
            own = facts.copy()
            known = dict(numbers)
            known[following] = own.state([sign * c for c in form], bound)
            cases.append(self._lift(case, own, known, following + 1))
        return Proof(tuple(facts.cuts), Split(tuple(form), value, *cases))


def eliminate(rows: Sequence[Row], dimension: int) -> Layer:
    """The layer that eliminates all rows that are equalities.

    Raises Empty where they have no integer solution.
    """
    lattice = Lattice(dimension)
    equalities = [i for i, row in enumerate(rows) if row.low is not None and row.low == row.high]
    # Short ones first: they keep the numbers small for the others.
    equalities.sort(key=lambda i: sum(c != 0 for c in rows[i].form))
    for position, i in enumerate(equalities):
        value = rows[i].high
        assert value is not None
        try:
            lattice.add(rows[i].form, value)
        except NoLattice as no:
            raise Empty(partial(_no_lattice, rows, equalities[: position + 1], no.multipliers)) from None
    return Layer(rows, lattice, equalities)


def _no_lattice(rows: Sequence[Row], equalities: Sequence[int], multipliers: Iterable[Fraction]) -> Proof:
    """A sum of equalities whose left side is integral and whose right side is not: round it both ways."""
    facts = row_facts(rows)
    numbers = []
    for sign in (1, -1):
        total = {}
        for row, factor in zip(equalities, multipliers, strict=True):
            if factor:
                total[2 * row if sign * factor > 0 else 2 * row + 1] = abs(factor)
        form, bound = facts.combine(total)
        if not any(form) and bound < 0:
            return Proof((Cut(total),))
        numbers.append(total)
    first, second = (facts.derive(total) for total in numbers)
    facts.derive({first: Fraction(1), second: Fraction(1)})
    return Proof(tuple(facts.cuts))


def _substitute(rows: Sequence[Row], lattice: Lattice) -> list[Row]:
    inner = []
    for form, low, high in rows:
        shift = dot(form, lattice.origin)
        inner.append(
            Row(
                tuple(dot(form, vector) for vector in lattice.basis),
                None if low is None else low - shift,
                None if high is None else high - shift,
            )
        )
    return inner


def change_of_basis(basis: list[list[int]], rest: list[list[int]] | None = None) -> Lattice:
    """The lattice of all integer combinations of `basis`, which `rest` completes to a basis of all
    integer vectors."""
    lattice = Lattice(len(basis[0]) if basis else len(rest or []))
    if basis != lattice.basis:
        lattice.basis, lattice.pivots, lattice.is_whole = basis, rest or [], False
    return lattice


class Chain:
    """Layers, one below the other, until no row is an equality; `rows` are what is left, in `dimension`
    coordinates y, with x = origin + Σ yⱼ·columnⱼ."""

    def __init__(self, rows: Sequence[Row], dimension: int) -> None:
        """Raises Empty where equalities or parallel rows contradict each other."""
        self._layers = [eliminate(rows, dimension)]
        while any(row.low == row.high for row in self.rows):
            try:
                self._layers.append(eliminate(self.rows, self.dimension))
            except Empty as empty:
                raise self.lift(empty) from None
        self.origin = self.point([0] * self.dimension)
        self.columns = self._layers[-1].lattice.basis
        for layer in reversed(self._layers[:-1]):
            self.columns = [layer.lattice.combine(column) for column in self.columns]

    @property
    def rows(self) -> list[Row]:
        """The innermost rows, in normal form."""
        return self._layers[-1].rows

    @property
    def dimension(self) -> int:
        """The number of innermost coordinates."""
        return self._layers[-1].dimension

    def point(self, y: Vector) -> list[int]:
        """The x of the innermost coordinates y."""
        for layer in reversed(self._layers):
            y = layer.lattice.point(y)
        return list(y)

    def pull(self, form: Vector) -> tuple[int, int, tuple[int, ...]]:
        """(constant, factor, normal): form·x = constant + factor·(normal·y), with `normal` in normal form,
        and factor 0 where the form is constant."""
        inner = [dot(form, column) for column in self.columns]
        factor = math.gcd(*inner)
        if factor and next(c for c in inner if c) < 0:
            factor = -factor
        return dot(form, self.origin), factor, tuple(c // factor for c in inner) if factor else tuple(inner)

    def lift(self, empty: Empty) -> Empty:
        """That the innermost rows have no point, as the statement that the outermost have none."""
        for layer in reversed(self._layers):
            empty = layer.lift(empty)
        return empty


def units(dimension: int) -> list[list[int]]:
    """The forms that are one coordinate each."""
    return [[int(i == j) for i in range(dimension)] for j in range(dimension)]
