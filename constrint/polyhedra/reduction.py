"""Lattice basis reduction in exact integers (Lenstra, Lenstra, Lovász 1982; integral version of de Weger).

After Cohen, A Course in Computational Algebraic Number Theory, algorithm 2.6.7.
"""

from __future__ import annotations

from operator import mul

from constrint.polyhedra.certificates import Vector
from constrint.polyhedra.simplex import Budget


def reduce_basis(vectors: list[list[int]], passengers: list[list[int]], budget: Budget) -> None:
    """Makes the linearly independent `vectors` short and nearly orthogonal, in place, by adding integer
    multiples of one to another and by exchanges; the passengers, one for each, undergo the same.

    Raises OutOfBudget where the budget is spent.
    """
    count = len(vectors)
    if count < 2:
        return
    # d[i] is the determinant of the Gram matrix of the first i vectors, and lam[i][j] / d[j + 1] is the
    # Gram-Schmidt coefficient of vector i along j.
    d = [1] * (count + 1)
    d[1] = dot(vectors[0], vectors[0])
    lam = [[0] * count for _ in range(count)]
    k, known = 1, 0
    while k < count:
        if k > known:
            known = k
            budget.spend(k * (k + len(vectors[k])))
            for j in range(k + 1):
                u = dot(vectors[k], vectors[j])
                for i in range(j):
                    u = (d[i + 1] * u - lam[k][i] * lam[j][i]) // d[i]
                if j < k:
                    lam[k][j] = u
                else:
                    d[k + 1] = u
        budget.spend(8 * count)
        _shorten(vectors, passengers, d, lam, k, k - 1)
        if 4 * (d[k + 1] * d[k - 1] + lam[k][k - 1] ** 2) < 3 * d[k] ** 2:
            _exchange(vectors, passengers, d, lam, k, known)
            k = max(1, k - 1)
        else:
            for j in range(k - 2, -1, -1):
                _shorten(vectors, passengers, d, lam, k, j)
            k += 1


def dot(a: Vector, b: Vector) -> int:
    """The inner product."""
    return sum(map(mul, a, b))


def _shorten(
    vectors: list[list[int]], passengers: list[list[int]], d: list[int], lam: list[list[int]], k: int, j: int
) -> None:
    """Takes the nearest multiple of vector j off vector k."""
    if 2 * abs(lam[k][j]) <= d[j + 1]:
        return
    q = (2 * lam[k][j] + d[j + 1]) // (2 * d[j + 1])
    vectors[k] = [a - q * b for a, b in zip(vectors[k], vectors[j], strict=True)]
    passengers[k] = [a - q * b for a, b in zip(passengers[k], passengers[j], strict=True)]
    lam[k][j] -= q * d[j + 1]
    for i in range(j):
        lam[k][i] -= q * lam[j][i]


def _exchange(
    vectors: list[list[int]],
    passengers: list[list[int]],
    d: list[int],
    lam: list[list[int]],
    k: int,
    known: int,
) -> None:
    """Exchanges vector k with the one before it."""
    for both in (vectors, passengers):
        both[k], both[k - 1] = both[k - 1], both[k]
    for j in range(k - 1):
        lam[k][j], lam[k - 1][j] = lam[k - 1][j], lam[k][j]
    across = lam[k][k - 1]
    b = (d[k - 1] * d[k + 1] + across * across) // d[k]
    for i in range(k + 1, known + 1):
        t = lam[i][k]
        lam[i][k] = (d[k + 1] * lam[i][k - 1] - across * t) // d[k]
        lam[i][k - 1] = (b * t + across * lam[i][k]) // d[k + 1]
    d[k] = b
