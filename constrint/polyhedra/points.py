"""An integer point of a system of rows, or a proof that there is none (after Lenstra, Math. OR 1983).

Equalities are eliminated. A short search by branching finds most points. Where it does not end, rows that a
ray of the relaxation leaves behind without end cannot exclude integer points and are set aside; what is left
is bounded in as many coordinates as it has independent rows. There a basis is reduced with respect to the
shape of the polytope, and its coordinates are tried one by one, the thinnest first: each has few values, and
the search ends. The answer is exact whenever the budget suffices.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction

from constrint.polyhedra.certificates import Cut, Facts, Proof, Split
from constrint.polyhedra.hermite import Lattice
from constrint.polyhedra.layers import Empty, Layer, change_of_basis, eliminate, units
from constrint.polyhedra.reduction import dot, reduce_basis
from constrint.polyhedra.relaxation import Relaxation
from constrint.polyhedra.rows import Row
from constrint.polyhedra.simplex import Bound, Budget, OutOfBudget, Reason, Simplex

_SCALE = 16
"""The widest row counts for this much when a basis is reduced; narrower ones for more."""

_TRIAL = 24
"""The nodes of a search before a basis is reduced."""


def find_point(rows: Sequence[Row], dimension: int, budget: Budget) -> list[int]:
    """An integer point.

    Raises Empty where there is none, OutOfBudget where the budget is spent.
    """
    layer = eliminate(rows, dimension)
    try:
        inner = layer.rows
        if any(row.low == row.high for row in inner):
            y = find_point(inner, layer.dimension, budget)
        else:
            y = _find_without_equalities(inner, layer.dimension, budget)
    except Empty as empty:
        raise layer.lift(empty) from None
    return layer.lattice.point(y)


def _find_without_equalities(rows: list[Row], dimension: int, budget: Budget) -> list[int]:
    if not rows:
        return [0] * dimension
    if all(row.form.count(0) == dimension - 1 for row in rows):
        return _corner(rows, dimension)
    found = _try_shortly(rows, dimension, budget)
    if found is not None:
        return found
    kept, ray = recession(rows, dimension, budget)
    inside = [rows[i] for i in kept]
    try:
        point = _find_of_rank(inside, dimension, budget) if inside else [0] * dimension
    except Empty as empty:
        proof = empty.proof
        raise Empty(lambda: _renumbered(proof(), kept, 2 * len(rows))) from None
    return _along(point, ray, rows)


def _try_shortly(rows: list[Row], dimension: int, budget: Budget) -> list[int] | None:
    """A point by a few nodes, for at most a quarter of the budget; None if that did not suffice. Mostly it
    does, and neither rays nor a better basis are needed."""
    allowed = budget.left // 4
    trial = Budget(allowed)
    try:
        return search(Relaxation(rows, dimension, trial), _TRIAL)
    except OutOfBudget:
        return None
    finally:
        budget.spend(min(allowed, allowed - trial.left))


def _corner(rows: list[Row], dimension: int) -> list[int]:
    """A point of a box."""
    point = [0] * dimension
    for form, low, high in rows:
        bound = low if low is not None else high
        assert bound is not None
        point[form.index(1)] = bound
    return point


# Rays ------------------------------------------------------------------------------------------------------


def recession(rows: Sequence[Row], dimension: int, budget: Budget) -> tuple[list[int], list[int]]:
    """The numbers of the rows on which every ray of the relaxation is 0, and an integer ray along which
    all the others move away from their only bound."""
    if all(row.low is not None and row.high is not None for row in rows):
        return list(range(len(rows))), [0] * dimension
    simplex = Simplex(dimension, [row.form for row in rows], budget)
    free: dict[int, bool] = {}
    for i, row in enumerate(rows):
        if row.low is None:
            simplex.set_bounds(dimension + i, -1, 0)
            free[i] = False
        elif row.high is None:
            simplex.set_bounds(dimension + i, 0, 1)
            free[i] = True
        else:
            simplex.set_bounds(dimension + i, 0, 0)
    ray = [0] * dimension
    left = dict(free)
    while left:
        total = [0] * dimension
        for i, upwards in left.items():
            total = [a + (b if upwards else -b) for a, b in zip(total, rows[i].form, strict=True)]
        goal = simplex.add_form(total)
        found = simplex.extreme(goal, True)
        if found is not None and found[0] == 0:
            break
        step = [simplex.value(y) for y in range(dimension)]
        scale = math.lcm(*[value.denominator for value in step])
        step_integer = [int(value * scale) for value in step]
        ray = [a + b for a, b in zip(ray, step_integer, strict=True)]
        for i in list(left):
            if dot(rows[i].form, step_integer):
                upwards = left.pop(i)
                simplex.set_bounds(dimension + i, 0 if upwards else None, None if upwards else 0)
    return [i for i in range(len(rows)) if i not in free or i in left], ray


def _along(point: list[int], ray: list[int], rows: Sequence[Row]) -> list[int]:
    """The point, moved along the ray until it satisfies all rows."""
    steps = 0
    for form, low, high in rows:
        slope, value = dot(form, ray), dot(form, point)
        if high is not None and value > high:
            steps = max(steps, -((high - value) // -slope))
        elif low is not None and value < low:
            steps = max(steps, -((value - low) // slope))
    return [a + steps * b for a, b in zip(point, ray, strict=True)] if steps else point


def _renumbered(proof: Proof, kept: Sequence[int], after: int) -> Proof:
    """A proof from some of the rows, as one from all of them, whose cuts are numbered from `after`."""
    before = 2 * len(kept)
    return _mapped(
        proof, lambda fact: 2 * kept[fact // 2] + fact % 2 if fact < before else fact - before + after
    )


def _mapped(proof: Proof, number: Callable[[int], int]) -> Proof:
    cuts = tuple(
        Cut({number(fact): factor for fact, factor in cut.multipliers.items()}) for cut in proof.cuts
    )
    split = proof.split
    if split is not None:
        below, above = _mapped(split.below, number), _mapped(split.above, number)
        split = Split(split.form, split.value, below, above)
    return Proof(cuts, split)


# Polytopes -------------------------------------------------------------------------------------------------


def _find_of_rank(rows: list[Row], dimension: int, budget: Budget) -> list[int]:
    """A point of rows that bound each other, in coordinates of which there are as many as independent
    rows."""
    lattice = Lattice(dimension)
    for row in rows:
        lattice.add(row.form, 0)
    if not lattice.basis:
        return _find_bounded(rows, dimension, budget)
    layer = Layer(rows, change_of_basis(lattice.pivots, lattice.basis))
    try:
        return layer.lattice.point(_find_bounded(layer.rows, layer.dimension, budget))
    except Empty as empty:
        raise layer.lift(empty) from None


def _find_bounded(rows: list[Row], dimension: int, budget: Budget) -> list[int]:
    """A point of a polytope."""
    relaxation = Relaxation(rows, dimension, budget)
    simplex = relaxation.simplex
    for row in rows:
        x = relaxation.variable(row.form)
        if row.low is None:
            relaxation.tighten(x, False)
        elif row.high is None:
            relaxation.tighten(x, True)
    tight = []
    flat = False
    for row in rows:
        x = relaxation.variable(row.form)
        low, high = simplex.low[x], simplex.high[x]
        assert low is not None and high is not None, "a polytope bounds its rows"
        tight.append(Row(row.form, low, high))
        flat = flat or low == high
    if flat:
        return _find_flat(rows, tight, dimension, relaxation, budget)
    widest = _SCALE * max(row.high - row.low for row in tight)  # type: ignore[operator]
    weights = [widest // (row.high - row.low) for row in tight]  # type: ignore[operator]
    shapes = [
        [weight * row.form[k] for weight, row in zip(weights, rows, strict=True)] for k in range(dimension)
    ]
    basis = units(dimension)
    reduce_basis(shapes, basis, budget)
    layer = Layer(rows, change_of_basis(basis))
    try:
        y = search(Relaxation(layer.rows, dimension, budget))
    except Empty as empty:
        raise layer.lift(empty) from None
    assert y is not None
    return layer.lattice.point(y)


def _find_flat(
    rows: list[Row], tight: list[Row], dimension: int, relaxation: Relaxation, budget: Budget
) -> list[int]:
    """A point, where the relaxation has turned rows into equalities."""
    cuts = relaxation.consequences()
    try:
        return find_point(tight, dimension, budget)
    except Empty as empty:
        # Each side of a tight row is a fact of the rows or one of the relaxation's cuts.
        sides = {}
        for i, row in enumerate(rows):
            x = relaxation.variable(row.form)
            sides[2 * i] = relaxation.fact_of[x, True]
            sides[2 * i + 1] = relaxation.fact_of[x, False]
        inner = empty.proof

        def prove() -> Proof:
            proof = _mapped(inner(), lambda fact: sides[fact] if fact in sides else fact + len(cuts))
            return Proof((*cuts, *proof.cuts), proof.split)

        raise Empty(prove) from None


class _Range:
    """A node of the search: a coordinate, why it is within its range, and what became of each value."""

    def __init__(self, coordinate: int, least: Fraction, below: Reason) -> None:
        self.coordinate = coordinate
        self.low = math.ceil(least)
        self.high = self.low
        self.below = below
        self.above = below
        self.cases: dict[int, _Range | Reason] = {}


class _TooFar(Exception):
    """A search has seen enough nodes, or a coordinate has no end."""


def search(relaxation: Relaxation, nodes: int | None = None, *, ascending: bool = False) -> list[int] | None:
    """A point, by trying the coordinates one by one: the last first, each from the middle outwards, or, if
    `ascending`, the first first and upwards, which finds the lexicographically least point. None where that
    takes more nodes, or a coordinate without end stands in the way; then the relaxation is as before.

    Raises Empty where there is none.
    """
    simplex, dimension = relaxation.simplex, relaxation.dimension
    before = [(simplex.low[y], simplex.high[y]) for y in range(dimension)]
    order = list(range(dimension)) if ascending else list(range(dimension - 1, -1, -1))
    try:
        node = _Enumeration(simplex, order, nodes, ascending).search(0)
    except _TooFar:
        for y, (low, high) in enumerate(before):
            simplex.set_bounds(y, low, high)
        feasible = simplex.feasible()
        assert feasible
        return None
    if node is None:
        return [int(simplex.value(y)) for y in range(dimension)]
    raise Empty(lambda: _proof(node, relaxation.facts.copy(), relaxation.fact_of))


class _Enumeration:
    """The nodes of a search."""

    def __init__(self, simplex: Simplex, order: Sequence[int], nodes: int | None, ascending: bool) -> None:
        self._simplex = simplex
        self._order = order
        self._nodes = nodes
        self._ascending = ascending

    def search(self, depth: int) -> _Range | Reason | None:
        """Why no values of the coordinates from `depth` on will do; None where some do, which the simplex
        has."""
        simplex = self._simplex
        if depth == len(self._order) or (simplex.is_integral() and not self._ascending):
            return None
        if self._nodes is not None:
            self._nodes -= 1
            if self._nodes < 0:
                raise _TooFar
        y = self._order[depth]
        before = simplex.low[y], simplex.high[y]
        least = simplex.extreme(y, False)
        if least is None:
            raise _TooFar
        node = _Range(y, *least)
        # Upwards, the first value mostly does: the end of the range is only asked for after it.
        if (self._ascending and self._tried(node, node.low, depth)) or self._tried_all(node, before, depth):
            return None
        simplex.set_bounds(y, *before)
        feasible = simplex.feasible()
        assert feasible
        return node

    def _tried_all(self, node: _Range, before: tuple[int | None, int | None], depth: int) -> bool:
        """Whether one of the values within the range will do."""
        simplex, y = self._simplex, node.coordinate
        if node.cases:
            simplex.set_bounds(y, *before)
            feasible = simplex.feasible()
            assert feasible
        most = simplex.extreme(y, True)
        if most is None:
            raise _TooFar
        node.high, node.above = math.floor(most[0]), most[1]
        if self._ascending:
            values: Iterable[int] = range(node.low + 1, node.high + 1)
        else:
            values = _from_the_middle(node.low, node.high)
        return any(self._tried(node, value, depth) for value in values)

    def _tried(self, node: _Range, value: int, depth: int) -> bool:
        """Whether this value of the node's coordinate will do; else the node knows why not."""
        simplex = self._simplex
        simplex.set_bounds(node.coordinate, value, value)
        found = self.search(depth + 1) if simplex.feasible() else simplex.conflict
        if found is None:
            return True
        node.cases[value] = found
        return False


def _from_the_middle(low: int, high: int) -> Iterator[int]:
    middle = (low + high) // 2
    for step in range(high - middle + 1):
        yield middle + step
        if step and middle - step >= low:
            yield middle - step


def _proof(node: _Range | Reason, facts: Facts, known: dict[Bound, int]) -> Proof:
    """The proof that a search amounts to; `known` are the facts of the simplex's bounds."""

    def multipliers(reason: Reason) -> dict[int, Fraction]:
        total: dict[int, Fraction] = {}
        for bound, factor in reason.terms():
            total[known[bound]] = total.get(known[bound], Fraction(0)) + factor
        return total

    if isinstance(node, Reason):
        facts.derive(multipliers(node))
        return Proof(tuple(facts.cuts))
    y = node.coordinate
    lower = facts.derive(multipliers(node.below))
    upper = facts.derive(multipliers(node.above))
    if node.low > node.high:
        facts.derive({lower: Fraction(1), upper: Fraction(1)})
        return Proof(tuple(facts.cuts))
    return _cases(node, node.low, node.high, facts, {**known, (y, False): lower, (y, True): upper})


def _cases(node: _Range, low: int, high: int, facts: Facts, known: dict[Bound, int]) -> Proof:
    """The coordinate is within low .. high, by the facts that `known` has of it."""
    if low == high:
        return _proof(node.cases[low], facts, known)
    y = node.coordinate
    middle = (low + high) // 2
    form = tuple(int(k == y) for k in range(len(facts.forms[0])))
    below, above = facts.copy(), facts.copy()
    at_most = below.state(form, middle)
    at_least = above.state([-c for c in form], -middle - 1)
    return Proof(
        tuple(facts.cuts),
        Split(
            form,
            middle,
            _cases(node, low, middle, below, {**known, (y, True): at_most}),
            _cases(node, middle + 1, high, above, {**known, (y, False): at_least}),
        ),
    )
