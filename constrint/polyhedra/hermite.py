"""The integer solutions of linear equalities, as a lattice: Hermite normal form, one equality at a time.

Unimodular column operations bring the equalities A x = b to triangular form [H 0] (Schrijver, Theory of
Linear and Integer Programming, chapter 4). Either all solutions are  x = origin + Σ yⱼ·basisⱼ  with any
integers y, or there are rational multipliers u with u·A integral and u·b not: a sum of the equalities whose
left side is an integer and whose right side is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from constrint.polyhedra.certificates import Vector
from constrint.polyhedra.reduction import dot


class NoLattice(Exception):
    """The equalities have no integer solution: the sum with `multipliers` has integer coefficients and
    a right side that is no integer, or no left side and a right side that is not 0."""

    def __init__(self, multipliers: list[Fraction]) -> None:
        super().__init__(multipliers)
        self.multipliers = multipliers


class Lattice:
    """All x = origin + Σ yⱼ·basisⱼ that solve the equalities form·x = value added so far.

    `basis` and `pivots` together are a basis of all integer vectors; equality i is 0 on the basis and on
    all pivots after pivot i.
    """

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        self.origin = [0] * dimension
        self.basis = [[int(i == j) for j in range(dimension)] for i in range(dimension)]
        self.pivots: list[list[int]] = []
        self.equalities: list[tuple[Vector, int]] = []
        self.is_whole = True
        """Whether this is all integer vectors, in their own coordinates."""
        self.used: list[int] = []
        """Which of the equalities gave each pivot; the others followed from those before them."""
        self._coordinates: list[list[int]] | None = None

    def add(self, form: Vector, value: int) -> None:
        """Intersects with form·x = value.

        Raises NoLattice where no integer solution is left.
        """
        self._coordinates, self.is_whole = None, False
        left = [dot(form, vector) for vector in self.basis]
        rest = value - dot(form, self.origin)
        pivot = self._gather(left)
        self.equalities.append((form, value))
        if pivot is None:
            if rest:
                raise NoLattice(self._against([Fraction(c) for c in form], Fraction(1)))
            return
        if rest % left[pivot]:
            scale = Fraction(1, left[pivot])
            raise NoLattice(self._against([c * scale for c in form], scale))
        step = rest // left[pivot]
        vector = self.basis.pop(pivot)
        self.origin = [a + step * b for a, b in zip(self.origin, vector, strict=True)]
        self.pivots.append(vector)
        self.used.append(len(self.equalities) - 1)

    def _gather(self, left: list[int]) -> int | None:
        """Changes the basis until `left`, the values of a form on it, has one entry that is not 0: its
        position; None if there is none."""
        basis = self.basis
        while True:
            pivot = None
            several = False
            for j, c in enumerate(left):
                if c:
                    if pivot is None:
                        pivot = j
                    else:
                        several = True
                        if abs(c) < abs(left[pivot]):
                            pivot = j
            if not several or pivot is None:
                return pivot
            smallest, vector = left[pivot], basis[pivot]
            for j, c in enumerate(left):
                if c and j != pivot:
                    q = (2 * c + smallest) // (2 * smallest)
                    if q:
                        left[j] = c - q * smallest
                        basis[j] = [a - q * b for a, b in zip(basis[j], vector, strict=True)]

    def _against(self, form: Sequence[Fraction], factor: Fraction) -> list[Fraction]:
        """The multipliers of a contradiction in which the last equality, times `factor`, is `form`."""
        multipliers = self.correction(form)
        multipliers[-1] = factor
        return multipliers

    def correction(self, form: Sequence[Fraction]) -> list[Fraction]:
        """The multipliers u with which form + u·A is 0 on all pivots.

        So it is the combination of `coordinates` that takes the same values on the basis; it is 0 if
        these are 0, and integral if they are integers.
        """
        multipliers = [Fraction(0)] * len(self.equalities)
        # Equality i is 0 on the pivots after its own: the last pivot depends on the last equality only.
        for k in range(len(self.pivots) - 1, -1, -1):
            pivot = self.pivots[k]
            value = sum((a * b for a, b in zip(form, pivot, strict=True)), Fraction(0))
            for later in range(k + 1, len(self.pivots)):
                i = self.used[later]
                if multipliers[i]:
                    value += multipliers[i] * dot(self.equalities[i][0], pivot)
            i = self.used[k]
            multipliers[i] = -value / dot(self.equalities[i][0], pivot)
        return multipliers

    def coordinates(self) -> list[list[int]]:
        """For each basis vector the integer form that is 1 on it and 0 on the rest of the basis and on
        the pivots: yⱼ = coordinateⱼ·(x - origin)."""
        if self._coordinates is None:
            self._coordinates = _inverse([*self.basis, *self.pivots])[: len(self.basis)]
        return self._coordinates

    def point(self, y: Vector) -> list[int]:
        """The x of the coordinates y."""
        return self._along(self.origin, y)

    def combine(self, y: Vector) -> list[int]:
        """The sum of the basis vectors, each y times."""
        return self._along([0] * self.dimension, y)

    def _along(self, x: list[int], y: Vector) -> list[int]:
        x = list(x)
        for step, vector in zip(y, self.basis, strict=True):
            if step:
                x = [a + step * b for a, b in zip(x, vector, strict=True)]
        return x


def echelon(vectors: Sequence[Sequence[int]]) -> list[list[int]]:
    """A basis of all integer vectors in as many dimensions as there are independent `vectors`: in it the
    vectors are in echelon form, the first entry of each positive and after that of the one before."""
    size = len(vectors)
    # The vectors, each with what it is made of after it.
    rows = [[*vector, *(int(i == j) for j in range(size))] for i, vector in enumerate(vectors)]
    width = len(vectors[0]) if vectors else 0
    done = 0
    for column in range(width):
        if done == size:
            break
        while True:
            nonzero = [i for i in range(done, size) if rows[i][column]]
            if not nonzero:
                break
            best = min(nonzero, key=lambda i: abs(rows[i][column]))
            rows[done], rows[best] = rows[best], rows[done]
            top = rows[done]
            if len(nonzero) == 1:
                if top[column] < 0:
                    rows[done] = [-a for a in top]
                done += 1
                break
            for i in range(done + 1, size):
                q = rows[i][column] // top[column]
                if q:
                    rows[i] = [a - q * b for a, b in zip(rows[i], top, strict=True)]
    return [row[width:] for row in rows]


def _inverse(vectors: list[list[int]]) -> list[list[int]]:
    """The forms dual to a basis of all integer vectors: form i is 1 on vector i and 0 on the others."""
    size = len(vectors)
    # Rows of the transpose beside the identity, by integer row operations; a unimodular matrix leaves ±1.
    rows = [[vector[k] for vector in vectors] + [int(k == j) for j in range(size)] for k in range(size)]
    for column in range(size):
        while True:
            nonzero = [i for i in range(column, size) if rows[i][column]]
            best = min(nonzero, key=lambda i: abs(rows[i][column]))
            rows[column], rows[best] = rows[best], rows[column]
            top = rows[column]
            if len(nonzero) == 1:
                break
            for i in range(column + 1, size):
                q = rows[i][column] // top[column]
                if q:
                    rows[i] = [a - q * b for a, b in zip(rows[i], top, strict=True)]
        if top[column] < 0:
            rows[column] = top = [-a for a in top]
        for i in range(column):
            q = rows[i][column]
            if q:
                rows[i] = [a - q * b for a, b in zip(rows[i], top, strict=True)]
    return [row[size:] for row in rows]
