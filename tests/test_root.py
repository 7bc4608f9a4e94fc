"""The whole solver on linear problems: against brute force, against isl, and along directions without end."""

from __future__ import annotations

import random
from itertools import product
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import constrint as ci
from constrint.solving import Program, Session

steady = settings(deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))


class System(NamedTuple):
    """Domains (low, high), rows (form, kind, value), congruences (form, modulus, remainder)."""

    domains: list[tuple[int | None, int | None]]
    rows: list[tuple[tuple[int, ...], str, int]]
    congruences: list[tuple[tuple[int, ...], int, int]]

    def holds(self, point: tuple[int, ...]) -> bool:
        def value(form: tuple[int, ...]) -> int:
            return sum(c * x for c, x in zip(form, point, strict=True))

        compare = {"==": int.__eq__, "<=": int.__le__, ">=": int.__ge__}
        return all(compare[kind](value(form), bound) for form, kind, bound in self.rows) and all(
            (value(form) - r) % m == 0 for form, m, r in self.congruences
        )

    def problem(self) -> ci.Problem:
        problem = ci.Problem()
        xs = [problem.integer(f"x{k}", low, high) for k, (low, high) in enumerate(self.domains)]
        for form, kind, bound in self.rows:
            left = sum(c * x for c, x in zip(form, xs, strict=True))
            problem.add({"==": left == bound, "<=": left <= bound, ">=": left >= bound}[kind])
        for form, m, r in self.congruences:
            problem.add(sum(c * x for c, x in zip(form, xs, strict=True)) % m == r)
        return problem

    def text(self) -> str:
        """The set in isl's language."""
        names = [f"x{k}" for k in range(len(self.domains))]
        parts = ["0 = 0"]
        for name, (low, high) in zip(names, self.domains, strict=True):
            parts += [f"{name} >= {low}"] * (low is not None) + [f"{name} <= {high}"] * (high is not None)

        def form_text(form: tuple[int, ...]) -> str:
            return " + ".join(f"{c}{name}" for c, name in zip(form, names, strict=True))

        parts += [
            f"{form_text(form)} {'=' if kind == '==' else kind} {bound}" for form, kind, bound in self.rows
        ]
        parts += [
            f"exists (t{k} : {form_text(form)} = {m}t{k} + {r})"
            for k, (form, m, r) in enumerate(self.congruences)
        ]
        return f"{{ [{', '.join(names)}] : {' and '.join(parts)} }}"


@st.composite
def systems(draw: st.DrawFn, size: int, bounded: bool) -> System:
    """Up to four variables; with `bounded` small boxes, otherwise half-lines and lines, too."""
    dimension = draw(st.integers(1, 3 if bounded else 4))
    coefficients = st.one_of(st.just(0), st.integers(-9, 9), st.integers(-size, size))
    forms = st.tuples(*[coefficients] * dimension).filter(any)
    rows = draw(
        st.lists(
            st.tuples(forms, st.sampled_from(["==", "<=", ">="]), st.integers(-3 * size, 3 * size)),
            min_size=1,
            max_size=4,
        )
    )
    congruences = []
    for form in draw(st.lists(forms, max_size=2)):
        modulus = draw(st.integers(2, 12))
        congruences.append((form, modulus, draw(st.integers(0, modulus - 1))))
    domains: list[tuple[int | None, int | None]] = []
    for _ in range(dimension):
        if bounded:
            low = draw(st.integers(-6, 3))
            domains.append((low, low + draw(st.integers(0, 8))))
        else:
            domains.append(draw(st.sampled_from([(0, None), (-9, 9), (None, 50), (0, 10**12), (None, None)])))
    return System(domains, rows, congruences)


@settings(steady, max_examples=120)
@given(st.sampled_from([4, 30, 10**9]).flatmap(lambda size: systems(size, True)))
def test_counts_domains_and_preferred_solutions_are_those_of_brute_force(system: System) -> None:
    problem = system.problem()
    sides = [range(low or 0, (high or 0) + 1) for low, high in system.domains]
    expected = [point for point in product(*sides) if system.holds(point)]
    assert problem.count() == len(expected)
    domains = problem.propagate().domains
    for point in expected:
        assert all(value in domains[f"x{k}"] for k, value in enumerate(point))
    problem.prefer(*(ci.smallest(problem[name]) for name in problem.variables))
    solution = problem.solve()
    assert tuple(solution.values_by_name.values()) == (expected[0] if expected else ())
    assert (solution.status == "infeasible") == (not expected)


@settings(steady, max_examples=120)
@given(st.sampled_from([4, 30, 10**9]).flatmap(lambda size: systems(size, False)))
def test_unbounded_systems_are_empty_where_isl_says_so(system: System) -> None:
    isl = pytest.importorskip("islpy")
    try:
        solution = system.problem().solve(node_limit=100, time_limit=1)
    except ci.UnboundedError:
        return
    assume(solution.status != "unknown")
    if solution:
        assert system.holds(tuple(solution.values_by_name.values()))
    else:
        assert isl.Set(system.text()).is_empty()


@settings(steady, max_examples=80)
@given(st.sampled_from([4, 30]).flatmap(lambda size: systems(size, False)))
def test_directions_of_refusals_have_no_end(system: System) -> None:
    problem = system.problem()
    try:
        problem.search(limit=2, node_limit=50, time_limit=1)
    except ci.UnboundedError as refusal:
        direction = refusal.direction
        if direction is None:
            return
        assert direction.get(refusal.variable)
        step = [direction.get(f"x{k}", 0) for k in range(len(system.domains))]
        for k, (low, high) in enumerate(system.domains):
            assert (low is None or step[k] >= 0) and (high is None or step[k] <= 0)
        for form, kind, _ in system.rows:
            slope = sum(c * s for c, s in zip(form, step, strict=True))
            assert slope == 0 if kind == "==" else slope <= 0 if kind == "<=" else slope >= 0


def test_a_refusal_names_the_direction() -> None:
    problem = ci.Problem()
    x, y = problem.integer("x"), problem.integer("y")
    problem.add(2 * x == 3 * y, x >= 0)
    with pytest.raises(ci.UnboundedError, match=r"along x \+ 3, y \+ 2 without end") as refusal:
        problem.count()
    assert (refusal.value.variable, refusal.value.direction) == ("x", {"x": 3, "y": 2})
    problem.maximize(x + y)
    with pytest.raises(ci.UnboundedError, match=r"bound for 'x \+ y'.*along x \+ 3, y \+ 2 without end"):
        problem.solve()


def test_an_escape_of_a_nonlinear_objective_has_no_direction() -> None:
    problem = ci.Problem()
    x = problem.integer("x", 0)
    problem.maximize(x * x)
    with pytest.raises(ci.UnboundedError) as refusal:
        problem.solve()
    assert refusal.value.direction is None and "without end" not in str(refusal.value)


def test_rows_that_bound_only_together_need_no_bounds() -> None:
    problem = ci.Problem()
    x, y = problem.integer("x"), problem.integer("y")
    problem.add(x + y <= 10, x - y <= 4, 3 * y - x <= 9, x + 2 * y >= -7, x >= 3 * y - 20)
    expected = [
        (a, b)
        for a, b in product(range(-60, 60), repeat=2)
        if a + b <= 10 and a - b <= 4 and 3 * b - a <= 9 and a + 2 * b >= -7 and a >= 3 * b - 20
    ]
    assert problem.count() == len(expected) > 0
    problem.minimize(3 * x - y)
    assert problem.solve().objective == min(3 * a - b for a, b in expected)


@pytest.mark.parametrize("width", [10**3, 10**12, None])
def test_cycles_of_inequalities_end_at_once(width: int | None) -> None:
    problem = ci.Problem()
    ring = [problem.integer(f"r{k}", None if width is None else 0, width) for k in range(6)]
    problem.add(*(ring[k] < ring[(k + 1) % 6] for k in range(6)))
    solution = problem.solve()
    assert solution.status == "infeasible" and solution.statistics.nodes == 0
    assert solution.statistics.propagations < 2000


def test_an_equality_alone_is_decided_without_search() -> None:
    problem = ci.Problem()
    coins = (1009, 1013, 1019, 1021, 1031)
    xs = [problem.integer(f"x{k}", 0, 10**12) for k in range(5)]
    # The largest amount that these coins cannot pay, and the next.
    paid = sum(c * x for c, x in zip(coins, xs, strict=True))
    problem.add(paid == 95857)
    solution = problem.solve()
    assert (solution.status, solution.statistics.nodes) == ("infeasible", 0)
    problem.constraints.clear()
    problem.add(paid == 95858)
    solution = problem.solve()
    assert sum(c * solution[x] for c, x in zip(coins, xs, strict=True)) == 95858


def test_a_market_split_is_decided_without_search() -> None:
    source = random.Random(0)
    problem = ci.Problem()
    bits = [problem.boolean(f"x{k}") for k in range(20)]
    for _ in range(3):
        weights = [source.randrange(100) for _ in bits]
        problem.add(sum(c * x for c, x in zip(weights, bits, strict=True)) == sum(weights) // 2)
    solution = problem.solve()
    assert (solution.status, solution.statistics.nodes) == ("infeasible", 0)


def test_what_a_hurried_root_leaves_out_is_done_at_the_first_restart() -> None:
    problem = ci.Problem()
    x, y, z, w = (problem.integer(name, 0, 10**4) for name in "xyzw")
    problem.add(3 * x + 5 * y - 7 * z == 4100, x + y + z + 2 * w == 4700)

    def bounds(program: Program) -> list[tuple[int, int]]:
        store = program.store
        return [(store.lo[v], store.hi[v]) for v in program.variables.values()]

    thorough = bounds(Program(Session(problem), 256))
    hurried = Program(Session(problem), 256, hurried=True)
    left = bounds(hurried)
    assert left != thorough and not hurried.guide
    hurried.at_restart()
    assert bounds(hurried) == thorough and hurried.guide
