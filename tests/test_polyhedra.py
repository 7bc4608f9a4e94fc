"""Z-polyhedra against brute force and against isl; every proof of emptiness by an independent check."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from constrint.polyhedra import points
from constrint.polyhedra import polyhedron as polyhedra
from constrint.polyhedra.certificates import Cut, Proof
from constrint.polyhedra.hermite import Lattice, NoLattice, echelon
from constrint.polyhedra.layers import Empty, units
from constrint.polyhedra.polyhedron import Polyhedron, Unlimited
from constrint.polyhedra.reduction import dot, reduce_basis
from constrint.polyhedra.relaxation import Relaxation
from constrint.polyhedra.rows import Congruence, Contradiction, Row, normalise
from constrint.polyhedra.simplex import Budget, OutOfBudget, Simplex
from tests.proof_checking import ProofError, check_proof

System = tuple[int, list[Row], list[Congruence]]

thorough = settings(
    max_examples=400,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def plenty() -> Budget:
    return Budget(10**8)


def satisfies(point: Sequence[int], rows: list[Row], congruences: list[Congruence]) -> bool:
    for form, low, high in rows:
        value = dot(form, point)
        if (low is not None and value < low) or (high is not None and value > high):
            return False
    return all((dot(form, point) - r) % m == 0 for form, m, r in congruences)


def box(dimension: int, low: int | None, high: int | None) -> list[Row]:
    return [Row(tuple(form), low, high) for form in units(dimension)]


@st.composite
def systems(draw: st.DrawFn, bounded: bool = False) -> System:
    """Up to five variables; coefficients of one digit or of many; boxes, half-spaces and whole lines."""
    dimension = draw(st.integers(1, 3 if bounded else 5))
    size = draw(st.sampled_from([2, 4, 12, 10**6] if not bounded else [2, 5, 40]))
    coefficients = st.one_of(st.just(0), st.integers(-size, size))
    forms = st.tuples(*[coefficients] * dimension)
    rows = []
    for form in draw(st.lists(forms, max_size=5)):
        value = draw(st.integers(-3 * size, 3 * size))
        width = draw(st.one_of(st.just(0), st.integers(0, size)))
        low, high = draw(
            st.sampled_from([(value, value), (None, value), (value, None), (value, value + width)])
        )
        rows.append(Row(form, low, high))
    congruences = []
    for form in draw(st.lists(forms, max_size=2)):
        congruences.append(Congruence(form, draw(st.integers(1, 12)), draw(st.integers(-20, 20))))
    for unit in units(dimension):
        if bounded:
            low = draw(st.integers(-6, 3))
            rows.append(Row(tuple(unit), low, low + draw(st.integers(0, 7))))
        else:
            low, high = draw(st.sampled_from([(None, None), (0, 9), (-5, None), (None, 3), (-20, 20)]))
            if low is not None or high is not None:
                rows.append(Row(tuple(unit), low, high))
    return dimension, rows, congruences


def points_of(system: System) -> Iterator[tuple[int, ...]]:
    """Every point of a system that ends in a box, by brute force, in lexicographic order."""
    dimension, rows, congruences = system
    sides = [range(row.low or 0, (row.high or 0) + 1) for row in rows[-dimension:]]
    return (point for point in product(*sides) if satisfies(point, rows, congruences))


# Against brute force -----------------------------------------------------------------------------------


@thorough
@given(systems(bounded=True))
def test_points_bounds_and_minima_are_those_of_brute_force(system: System) -> None:
    dimension, rows, congruences = system
    polyhedron = Polyhedron(dimension, rows, congruences)
    expected = list(points_of(system))
    assert polyhedron.is_empty(plenty()) == (not expected)
    if not expected:
        proof = polyhedron.proof_of_emptiness(plenty())
        assert proof is not None
        assert check_proof(proof, rows, congruences) > 0
        with pytest.raises(Empty):
            polyhedron.lexicographic_minimum(plenty())
        return
    assert tuple(polyhedron.point(plenty())) in expected
    assert tuple(polyhedron.lexicographic_minimum(plenty())) == expected[0]
    for k, bounds in enumerate(polyhedron.bounds(plenty())):
        values = [point[k] for point in expected]
        assert bounds.low is not None and bounds.high is not None
        assert bounds.low <= min(values) <= max(values) <= bounds.high
        for value in values:
            difference = value - bounds.remainder
            assert difference % bounds.modulus == 0 if bounds.modulus else difference == 0


@thorough
@given(systems(bounded=True), st.lists(st.integers(-9, 9), min_size=3, max_size=3))
def test_the_least_value_of_a_form_is_that_of_brute_force(system: System, goal: list[int]) -> None:
    dimension, rows, congruences = system
    values = [dot(goal[:dimension], point) for point in points_of(system)]
    assume(values)
    value, point = Polyhedron(dimension, rows, congruences).minimum(goal[:dimension], plenty())
    assert value == min(values) == dot(goal[:dimension], point)
    assert satisfies(point, rows, congruences)


# Against isl -------------------------------------------------------------------------------------------


def isl_set(system: System) -> Any:
    isl = pytest.importorskip("islpy", reason="isl is the peer of this test")
    dimension, rows, congruences = system
    names = [f"x{k}" for k in range(dimension)]

    def text(form: Sequence[int]) -> str:
        return " + ".join(f"{c}*{name}" for c, name in zip(form, names, strict=True))

    parts = ["x0 = x0"]
    for form, low, high in rows:
        parts += [] if low is None else [f"{text(form)} >= {low}"]
        parts += [] if high is None else [f"{text(form)} <= {high}"]
    for k, (form, modulus, remainder) in enumerate(congruences):
        parts.append(f"{text(form)} + {modulus}*t{k} = {remainder}")
    counted = ", ".join(f"t{k}" for k in range(len(congruences)))
    exists = f"exists {counted}: " if counted else ""
    return isl.Set(f"{{ [{', '.join(names)}] : {exists}{' and '.join(parts)} }}")


@thorough
@given(systems())
def test_emptiness_bounds_and_lexicographic_minimum_are_those_of_isl(system: System) -> None:
    dimension, rows, congruences = system
    theirs = isl_set(system)
    polyhedron = Polyhedron(dimension, rows, congruences)
    if theirs.is_empty():
        proof = polyhedron.proof_of_emptiness(plenty())
        assert proof is not None
        check_proof(proof, rows, congruences)
        return
    point = polyhedron.point(plenty())
    assert satisfies(point, rows, congruences)
    for k, bounds in enumerate(polyhedron.bounds(plenty())):
        least, most = theirs.dim_min_val(k), theirs.dim_max_val(k)
        assert (bounds.low is None) == bool(least.is_neginfty())
        assert (bounds.high is None) == bool(most.is_infty())
        assert bounds.low is None or bounds.low <= int(least.to_str())
        assert bounds.high is None or bounds.high >= int(most.to_str())
        if bounds.modulus:
            assert (point[k] - bounds.remainder) % bounds.modulus == 0
    fixed = theirs
    expected: list[int] = []
    isl = pytest.importorskip("islpy")
    for k in range(dimension):
        least = fixed.dim_min_val(k)
        if least.is_neginfty():
            with pytest.raises(Unlimited) as unlimited:
                polyhedron.lexicographic_minimum(plenty())
            start, ray = unlimited.value.point, unlimited.value.ray
            assert ray[k] < 0 and start[:k] == expected and not any(ray[:k])
            # Congruences come round again after a common multiple of all moduli.
            for steps in (0, 27720, 10**6 * 27720):
                moved = [a + steps * b for a, b in zip(start, ray, strict=True)]
                assert satisfies(moved, rows, congruences)
            return
        expected.append(int(least.to_str()))
        fixed = fixed.fix_val(isl.dim_type.set, k, least)
    assert polyhedron.lexicographic_minimum(plenty()) == expected


@thorough
@given(systems())
def test_what_the_relaxation_refutes_has_a_proof(system: System) -> None:
    dimension, rows, congruences = system
    try:
        Polyhedron(dimension, rows, congruences).bounds(plenty())
    except Empty as empty:
        check_proof(empty.proof(), rows, congruences)
        assert isl_set(system).is_empty()


@settings(thorough, max_examples=100)
@given(st.data())
def test_coefficients_of_more_than_a_machine_word_are_exact(data: st.DataObject) -> None:
    dimension = data.draw(st.integers(2, 4))
    huge = st.integers(2**62 - 9, 2**62 + 9) | st.integers(-(2**63), 2**63) | st.integers(-3, 3)
    forms = data.draw(st.lists(st.tuples(*[huge] * dimension), min_size=1, max_size=3))
    rows = box(dimension, -9, 9)
    for form in forms:
        # Around a point of the box, so that many systems are not empty.
        low = dot(form, data.draw(st.tuples(*[st.integers(-9, 9)] * dimension)))
        rows.append(Row(form, low, data.draw(st.sampled_from([None, low, low + 2**62]))))
    theirs = isl_set((dimension, rows, []))
    polyhedron = Polyhedron(dimension, rows)
    assert polyhedron.is_empty(plenty()) == theirs.is_empty()
    least = least_point(polyhedron)
    if theirs.is_empty():
        assert least is None
    else:
        corner = theirs.lexmin()
        assert least == [int(corner.dim_min_val(k).to_str()) for k in range(dimension)]


@settings(thorough, max_examples=150)
@given(systems())
def test_where_no_short_search_helps_the_answers_are_the_same(system: System) -> None:
    dimension, rows, congruences = system
    polyhedron = Polyhedron(dimension, rows, congruences)
    expected = least_point(polyhedron)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(points, "_TRIAL", 0)
        patch.setattr(polyhedra, "_NODES", 0)
        assert least_point(polyhedron) == expected
        if expected is None:
            proof = polyhedron.proof_of_emptiness(plenty())
            assert proof is not None
            check_proof(proof, rows, congruences)
        else:
            assert satisfies(polyhedron.point(plenty()), rows, congruences)


def least_point(polyhedron: Polyhedron) -> list[int] | str | None:
    try:
        return polyhedron.lexicographic_minimum(plenty())
    except Empty:
        return None
    except Unlimited:
        return "unlimited"


@thorough
@given(
    st.integers(1, 5).flatmap(
        lambda n: st.lists(st.lists(st.integers(-9, 9), min_size=n, max_size=n), max_size=5)
    )
)
def test_a_basis_in_echelon_form_is_one_of_all_integer_vectors(vectors: list[list[int]]) -> None:
    basis = echelon(vectors)
    assert abs(_determinant(basis)) == 1
    products = [[dot(step, column) for column in zip(*vectors, strict=True)] for step in basis]
    leading = [next(((k, c) for k, c in enumerate(row) if c), None) for row in products]
    firsts = [first for first in leading if first is not None]
    assert all(c > 0 for _, c in firsts)
    assert [k for k, _ in firsts] == sorted({k for k, _ in firsts})
    assert leading == [*firsts, *([None] * (len(leading) - len(firsts)))]


# By name -----------------------------------------------------------------------------------------------


def refuted(rows: list[Row], congruences: list[Congruence] | None = None) -> set[int]:
    """The numbers of the rows that a proof of emptiness uses."""
    polyhedron = Polyhedron(len(rows[0].form), rows, congruences or [])
    proof = polyhedron.proof_of_emptiness(plenty())
    assert proof is not None
    check_proof(proof, rows, congruences)
    count = 2 * (len(rows) + len(congruences or []))
    return {fact // 2 for cut in proof.cuts for fact in cut.multipliers if fact < count}


def test_an_even_sum_is_not_odd() -> None:
    proof = Polyhedron(2, [Row((6, 10), 1, 1)]).proof_of_emptiness(plenty())
    assert proof is not None
    halves = [dict(cut.multipliers) for cut in proof.cuts[:2]]
    assert sorted(halves, key=str) == [{0: Fraction(1, 2)}, {1: Fraction(1, 2)}]


def test_two_orders_contradict_each_other_whatever_the_range() -> None:
    rows = [Row((1, -1), None, -1), Row((-1, 1), None, -1), *box(2, 0, 10**12)]
    assert refuted(rows) == {0, 1}


def test_a_cycle_of_orders_is_refuted_by_its_rows_alone() -> None:
    rows = []
    for k in range(12):
        ring = [0] * 12
        ring[k], ring[(k + 1) % 12] = 1, -1
        rows.append(Row(tuple(ring), None, -1))
    assert refuted([*rows, *box(12, 0, 10**12)]) == set(range(12))


def test_congruences_that_clash_are_refuted() -> None:
    x = [Congruence((1,), 6, 1), Congruence((1,), 10, 4)]
    assert refuted([Row((1,), 0, 10**9)], x) == {1, 2}


def test_what_only_rounding_sees_is_refuted() -> None:
    # 1/2 <= x + y <= 5/3 and |x - y| <= 1/2 hold for rationals; for integers x + y = 1 and x = y.
    rows = [Row((2, 2), 1, None), Row((3, 3), None, 5), Row((2, -2), None, 1), Row((-2, 2), None, 1)]
    assert refuted(rows) == {0, 1, 2, 3}


COINS = (12223, 12224, 36674, 61119, 85569)
FROBENIUS = 89643481


def test_the_frobenius_number_cannot_be_paid_and_its_successors_can() -> None:
    purse = box(5, 0, None)
    refuted([Row(COINS, FROBENIUS, FROBENIUS), *purse])
    for amount in (FROBENIUS + 1, FROBENIUS + 2, FROBENIUS + 12223):
        point = Polyhedron(5, [Row(COINS, amount, amount), *purse]).point(plenty())
        assert min(point) >= 0 and dot(COINS, point) == amount


def test_a_thin_slab_far_from_the_axes_is_searched_across() -> None:
    form = (10**9 + 7, 10**9 + 9)
    rows = [Row(form, 10**18, 10**18 + 5), *box(2, 0, None)]
    point = Polyhedron(2, rows).point(plenty())
    assert satisfies(point, rows, [])
    rows = [Row((2 * 10**9, 2 * 10**9 + 2, 4), 1, None), Row((10**9, 10**9 + 1, 2), None, 0)]
    assert refuted(rows) == {0, 1}


def test_a_ray_leads_out_of_rows_that_a_box_would_have_to_search() -> None:
    rows = [Row((3, -5), 1, None), Row((2, -11), None, -(10**9)), Row((1, 1), 10**6, None)]
    point = Polyhedron(2, rows).point(plenty())
    assert satisfies(point, rows, [])
    assert Polyhedron(2, rows).direction((-1, 0), plenty()) is not None
    assert Polyhedron(2, rows).direction((1, 0), plenty()) is None


def test_a_variable_that_only_a_combination_bounds_gets_its_bounds() -> None:
    rows = [Row((1, 1), None, 10), Row((1, -1), None, 4), Row((-1, 0), None, 3)]
    bounds = Polyhedron(2, rows).bounds(plenty())
    assert (bounds[0].low, bounds[0].high) == (-3, 7)
    assert (bounds[1].low, bounds[1].high) == (-7, 13)


def test_equalities_tell_moduli() -> None:
    bounds = Polyhedron(2, [Row((3, 5), 1, 1), Row((1, 0), 0, 100)]).bounds(plenty())
    assert (bounds[0].low, bounds[0].high, bounds[0].modulus, bounds[0].remainder) == (2, 97, 5, 2)
    assert (bounds[1].low, bounds[1].high, bounds[1].modulus, bounds[1].remainder) == (-58, -1, 3, 2)


def test_a_spent_budget_is_said() -> None:
    form = (12345, 23456, 34567, 45678, 56789, 67891)
    rows = [Row(form, 10**7, 10**7), *box(6, 0, None)]
    with pytest.raises(OutOfBudget):
        Polyhedron(6, rows).point(Budget(10))


# The parts ---------------------------------------------------------------------------------------------


def test_normal_rows_are_coprime_tight_unique_and_not_dominated() -> None:
    rows = [
        Row((4, 6), None, 9),
        Row((-2, -3), -3, None),
        Row((-6, -9), None, 20),
        Row((1, 0), 0, 5),
        Row((0, 1), 0, 5),
        Row((1, 1), None, 11),
    ]
    normal = [(row.form, row.low, row.high) for row in normalise(rows)]
    assert normal == [((2, 3), None, 3), ((1, 0), 0, 5), ((0, 1), 0, 5)]
    with pytest.raises(Contradiction):
        normalise([Row((4, 6), 1, 1)])


@thorough
@given(
    st.integers(1, 6).flatmap(
        lambda n: st.lists(st.lists(st.integers(-99, 99), min_size=n, max_size=n), min_size=1, max_size=4)
    ),
    st.data(),
)
def test_the_lattice_of_equalities_holds_their_solutions(forms: list[list[int]], data: st.DataObject) -> None:
    size = len(forms[0])
    lattice = Lattice(size)
    values = [data.draw(st.integers(-50, 50)) for _ in forms]
    try:
        for form, value in zip(forms, values, strict=True):
            lattice.add(form, value)
    except NoLattice as no:
        used = no.multipliers
        left = [
            sum((u * form[k] for u, form in zip(used, forms, strict=False)), Fraction(0)) for k in range(size)
        ]
        right = sum((u * value for u, value in zip(used, values, strict=False)), Fraction(0))
        assert all(c.denominator == 1 for c in left)
        assert right.denominator > 1 or (not any(left) and right != 0)
        return
    y = [data.draw(st.integers(-9, 9)) for _ in lattice.basis]
    x = lattice.point(y)
    assert [dot(form, x) for form in forms] == values
    # Its coordinates read y back, and basis and pivots together are unimodular: their dual is integral.
    shifted = [a - b for a, b in zip(x, lattice.origin, strict=True)]
    assert [dot(coordinate, shifted) for coordinate in lattice.coordinates()] == y
    assert all(dot(c, pivot) == 0 for c in lattice.coordinates() for pivot in lattice.pivots)


@thorough
@given(
    st.integers(2, 6).flatmap(
        lambda n: st.lists(st.lists(st.integers(-999, 999), min_size=n, max_size=n), min_size=n, max_size=n)
    )
)
def test_a_reduced_basis_spans_the_same_lattice_and_is_short(vectors: list[list[int]]) -> None:
    size = len(vectors)
    assume(_determinant(vectors) != 0)
    reduced, steps = [list(vector) for vector in vectors], units(size)
    reduce_basis(reduced, steps, plenty())
    assert abs(_determinant(steps)) == 1
    for vector, step in zip(reduced, steps, strict=True):
        assert vector == [dot(step, column) for column in zip(*vectors, strict=True)]
    # |b1| <= 2^((n - 1) / 4) · det^(1 / n), proposition 1.9 of the paper.
    assert (
        dot(reduced[0], reduced[0]) ** size * 4
        <= 4 * 2 ** (size * (size - 1) // 2) * _determinant(vectors) ** 2
    )


def _determinant(matrix: list[list[int]]) -> int:
    rows = [[Fraction(c) for c in row] for row in matrix]
    product_ = Fraction(1)
    for k in range(len(rows)):
        pivot = next((i for i in range(k, len(rows)) if rows[i][k]), None)
        if pivot is None:
            return 0
        if pivot != k:
            rows[k], rows[pivot] = rows[pivot], rows[k]
            product_ = -product_
        product_ *= rows[k][k]
        for i in range(k + 1, len(rows)):
            factor = rows[i][k] / rows[k][k]
            rows[i] = [a - factor * b for a, b in zip(rows[i], rows[k], strict=True)]
    assert product_.denominator == 1
    return product_.numerator


@thorough
@given(systems())
def test_bounds_may_be_set_and_taken_back_in_any_order(system: System) -> None:
    dimension, rows, _ = system
    rows = [row for row in rows if any(row.form)]
    assume(rows)
    kept = Simplex(dimension, [row.form for row in rows], plenty())
    for end in [*range(1, len(rows) + 1), *range(len(rows) - 1, 0, -1), len(rows)]:
        fresh = Simplex(dimension, [row.form for row in rows], plenty())
        for k, row in enumerate(rows):
            bounds = (row.low, row.high) if k < end else (None, None)
            kept.set_bounds(dimension + k, *bounds)
            fresh.set_bounds(dimension + k, *bounds)
        assert kept.feasible() == fresh.feasible()
    if kept.feasible():
        for y in range(dimension):
            for upwards in (False, True):
                ours, theirs = kept.extreme(y, upwards), fresh.extreme(y, upwards)
                assert (ours and ours[0]) == (theirs and theirs[0])


@thorough
@given(systems())
def test_what_the_simplex_implies_is_the_sum_of_its_reason(system: System) -> None:
    dimension, rows, _ = system
    normal = [row.row for row in normalise_or_none(rows)]
    assume(normal and all(row.low != row.high for row in normal))
    try:
        relaxation = Relaxation(normal, dimension, plenty())
    except Empty as empty:
        check_proof(empty.proof(), normal)
        return
    for y in range(dimension):
        for upwards in (False, True):
            found = relaxation.simplex.extreme(y, upwards)
            if found is not None:
                form, bound = relaxation.facts.combine(relaxation.multipliers(found[1].terms()))
                sign = 1 if upwards else -1
                assert form == [sign * c for c in units(dimension)[y]]
                assert bound == sign * found[0]
                assert all(factor >= 0 for _, factor in found[1].terms())


def normalise_or_none(rows: list[Row]) -> list[Any]:
    try:
        return normalise(rows)
    except Contradiction:
        return []


# The check itself --------------------------------------------------------------------------------------


def test_the_check_refuses_what_proves_nothing() -> None:
    rows = [Row((6, 10), 1, 1)]
    proof = Polyhedron(2, rows).proof_of_emptiness(plenty())
    assert proof is not None
    check_proof(proof, rows)
    with pytest.raises(ProofError, match="ends in"):
        check_proof(proof, [Row((6, 10), 2, 2)])
    with pytest.raises(ProofError, match="no integer"):
        check_proof(proof, [Row((6, 9), 1, 1)])
    with pytest.raises(ProofError, match="negative"):
        check_proof(Proof((Cut({0: Fraction(-1)}),)), rows)
    with pytest.raises(ProofError, match="no fact 2"):
        check_proof(replace(proof, cuts=proof.cuts[2:]), rows)
    with pytest.raises(ProofError, match="no bound"):
        check_proof(Proof((Cut({1: Fraction(1)}),)), [Row((1,), None, 3)])
