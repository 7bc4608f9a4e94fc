"""OR-Tools CP-SAT as a back end: the program at its root is translated, propagator by propagator.

CP-SAT works on 64-bit integers, so every variable must be bounded by then; what it cannot take is refused
by name. Every answer is checked against the exact meaning of the constraints before it is given.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from itertools import product
from math import prod
from typing import Any

from constrint.engine.clock import OutOfTime
from constrint.engine.propagator import Propagator
from constrint.engine.propagators import all_different as different
from constrint.engine.propagators import (
    arithmetic,
    counting,
    division,
    divisors,
    extremum,
    linear,
    logic,
    relation,
    routes,
    scheduling,
    sequences,
)
from constrint.engine.propagators import membership as listed
from constrint.engine.store import Inconsistent, Store
from constrint.errors import BackendError
from constrint.evaluation import holds
from constrint.minimising import Best
from constrint.solving import Program, Session

_INT64 = 1 << 62
_PAIRS_LIMIT = 20_000
"""Functions that CP-SAT lacks become tables of at most this many rows."""

_PROGRESSION_LIMIT = 10_000
"""Longer arithmetic progressions become a multiple plus a remainder instead of a list."""


def solve(session: Session, time_limit: float | None) -> Best:
    """As solving.solve, by CP-SAT with one worker: objectives and preferences one after the other.

    Raises BackendError where OR-Tools is missing or cannot take the problem.
    """
    model_class, solver_class = _ortools()
    best = Best()
    deadline = None if time_limit is None else time.monotonic() + time_limit

    def answer(bits: int) -> Best:
        best.proved = True
        try:
            program = Program(session, bits, spell_out=True)
        except Inconsistent:
            return best
        translation = _Translation(program, model_class())
        goals = [(x, False) for x in program.objectives] + program.preferences
        steps: Sequence[tuple[int | None, bool]] = goals or [(None, False)]
        for x, largest in steps:
            solver = solver_class()
            solver.parameters.num_workers = 1
            if deadline is not None:
                solver.parameters.max_time_in_seconds = max(0.0, deadline - time.monotonic())
            status, values = translation.solve(solver, x, largest)
            if status == "INFEASIBLE":
                return best
            if values is not None:
                _remember(session, program, best, values)
            if values is None or (status == "FEASIBLE" and x is not None):
                best.proved = False
                raise OutOfTime
        return best

    return session.run(answer, lambda: best)


def _remember(session: Session, program: Program, best: Best, values: list[int]) -> None:
    """Keeps the solution, after checking it against the meaning of every constraint."""
    assignment = {name: values[x] for name, x in program.variables.items()}
    violated = session.problem.check(assignment).violated
    violated += [one for one in session.constraints if not holds(one.expression, assignment)]
    if violated:
        raise BackendError(f"CP-SAT gave an assignment that violates {violated[0]}; please report this")
    best.assignment = assignment
    best.objective = [
        -values[x] if goal.maximize else values[x]
        for x, goal in zip(program.objectives, session.problem.objectives, strict=True)
    ]
    if session.on_solution is not None:
        session.on_solution(assignment, best.objective)


def installed() -> bool:
    """Whether OR-Tools can be imported."""
    import importlib.util

    return importlib.util.find_spec("ortools") is not None


def _ortools() -> tuple[Callable[[], Any], Callable[[], Any]]:
    try:
        from ortools.sat.python import cp_model
    except ImportError:
        raise BackendError("the back end cp-sat needs OR-Tools: pip install 'constrint[cp-sat]'") from None
    return cp_model.CpModel, cp_model.CpSolver


class _Translation:
    """A CP-SAT model of a program."""

    def __init__(self, program: Program, model: Any) -> None:
        from ortools.sat.python.cp_model import Domain

        self.program = program
        self.store: Store = program.store
        self.model = model
        self._domain = Domain
        self.variables = [self._variable(x) for x in range(len(self.store.lo))]
        for number, propagator in enumerate(self.store.propagators):
            if not self.store.entailed[number]:
                self._translate(propagator)

    def solve(self, solver: Any, goal: int | None, largest: bool) -> tuple[str, list[int] | None]:
        """CP-SAT's status and all values; the goal, if any, is fixed at its best for the next call."""
        if goal is not None:
            variable = self.variables[goal]
            self.model.maximize(variable) if largest else self.model.minimize(variable)
        status = solver.status_name(solver.solve(self.model))
        if status == "MODEL_INVALID":
            raise BackendError(f"CP-SAT refuses the model: {self.model.validate().strip()}")
        if status not in ("OPTIMAL", "FEASIBLE"):
            return status, None
        values = [int(solver.value(variable)) for variable in self.variables]
        if goal is not None:
            self.model.clear_objective()
            self.model.add(self.variables[goal] == values[goal])
        self.model.clear_hints()
        for variable, value in zip(self.variables, values, strict=True):
            self.model.add_hint(variable, value)
        return status, values

    def _variable(self, x: int) -> Any:
        store = self.store
        if not store.is_bounded(x) or max(-store.lo[x], store.hi[x]) >= _INT64:
            raise BackendError(f"CP-SAT needs 64-bit bounds, and {self.program.name_of(x)} has none")
        if store.lo[x] >= 0 and store.hi[x] <= 1 and not store.is_fixed(x):
            return self.model.new_bool_var(f"v{x}")
        if store.values[x] is not None or (store.mod[x] > 1 and store.size(x) <= _PROGRESSION_LIMIT):
            return self.model.new_int_var_from_domain(
                self._domain.from_values(list(store.members(x))), f"v{x}"
            )
        variable = self.model.new_int_var(store.lo[x], store.hi[x], f"v{x}")
        if store.mod[x] > 1:
            lo = (store.lo[x] - store.rem[x]) // store.mod[x]
            hi = (store.hi[x] - store.rem[x]) // store.mod[x]
            multiple = self.model.new_int_var(lo, hi, "")
            self.model.add(variable == store.mod[x] * multiple + store.rem[x])
        if store.div[x]:
            cofactor = self.model.new_int_var(-store.div[x], store.div[x], "")
            self.model.add_multiplication_equality(store.div[x], [variable, cofactor])
        return variable

    def _literal(self, literal: int) -> Any:
        variable = self.variables[literal >> 1]
        if self.store.is_fixed(literal >> 1):
            return self.model.new_constant(int(self.store.is_true(literal)))
        return variable.negated() if literal & 1 else variable

    def _bool(self) -> Any:
        return self.model.new_bool_var("")

    def _decide(self, truth: Any, condition: Any, opposite: Any) -> None:
        """truth ⇔ condition, whose opposite is given."""
        self.model.add(condition).only_enforce_if(truth)
        self.model.add(opposite).only_enforce_if(truth.negated())

    def _sum(self, terms: Sequence[tuple[int, int]]) -> Any:
        return sum(c * self.variables[x] for c, x in terms)

    def _translate(self, p: Propagator) -> None:
        rule = _RULES.get(type(p))
        if rule is None:
            raise BackendError(f"CP-SAT has no counterpart of {type(p).__name__}")
        rule(self, p)

    # One rule for each propagator ------------------------------------------------------------------

    def _linear_le(self, p: linear.LinearLe) -> None:
        total = self._sum(p.terms)
        self._decide(self._literal(p.truth), total <= p.bound, total >= p.bound + 1)

    def _linear_eq(self, p: linear.LinearEq) -> None:
        total = self._sum(p.terms)
        self._decide(self._literal(p.truth), total == p.value, total != p.value)

    def _linear_ne(self, p: linear.LinearNe) -> None:
        self.model.add(self._sum(p.terms) != p.value)

    def _product(self, p: arithmetic.Product) -> None:
        self.model.add_multiplication_equality(self.variables[p.z], [self.variables[x] for x in p.xs])

    def _power_of_constant(self, p: arithmetic.PowerOfConstant) -> None:
        self.model.add_multiplication_equality(self.variables[p.z], [self.variables[p.x]] * p.n)

    def _power(self, p: arithmetic.Power) -> None:
        self._function(p.z, p.x, p.y, lambda v, w: v**w if w >= 0 else 0)

    def _gcd(self, p: divisors.Gcd) -> None:
        from math import gcd

        self._function(p.z, p.x, p.y, gcd)

    def _lcm(self, p: divisors.Lcm) -> None:
        from math import lcm

        self._function(p.z, p.x, p.y, lcm)

    def _function(self, z: int, x: int, y: int, function: Callable[[int, int], int]) -> None:
        """z = function(x, y) as a table."""
        store = self.store
        if store.size(x) * store.size(y) > _PAIRS_LIMIT:
            raise BackendError("CP-SAT has no power, gcd or lcm, and the domains are too large for a table")
        rows = [
            (v, w, function(v, w))
            for v in store.members(x)
            for w in store.members(y)
            if store.contains(z, function(v, w))
        ]
        self.model.add_allowed_assignments([self.variables[x], self.variables[y], self.variables[z]], rows)

    def _absolute(self, p: arithmetic.Absolute) -> None:
        self.model.add_abs_equality(self.variables[p.z], self.variables[p.x])

    def _div_mod(self, p: division.DivMod) -> None:
        variables, store = self.variables, self.store
        a, b, q, r = (variables[x] for x in (p.a, p.b, p.q, p.r))
        positive, negative, zero = self._bool(), self._bool(), self._bool()
        self.model.add_exactly_one(positive, negative, zero)
        self._divide(a, b, q, r, (p.a, p.b), positive, negative, zero)
        self.model.add(q == 0).only_enforce_if(zero)
        self.model.add(r == 0).only_enforce_if(zero)
        if not store.contains(p.b, 0):
            self.model.add(zero == 0)

    def _divide(
        self, a: Any, b: Any, q: Any, r: Any, sizes: tuple[int, int], positive: Any, negative: Any, zero: Any
    ) -> None:
        """a = b·q + r with a remainder of b's sign, where b is not zero."""
        model, store = self.model, self.store
        bound = max(abs(store.lo[sizes[0]]), abs(store.hi[sizes[0]]))
        bound += max(abs(store.lo[sizes[1]]), abs(store.hi[sizes[1]]))
        multiple = model.new_int_var(-bound, bound, "")
        model.add_multiplication_equality(multiple, [b, q])
        model.add(a == multiple + r).only_enforce_if(zero.negated())
        model.add(b >= 1).only_enforce_if(positive)
        model.add(b <= -1).only_enforce_if(negative)
        model.add(b == 0).only_enforce_if(zero)
        model.add(r >= 0).only_enforce_if(positive)
        model.add(r <= b - 1).only_enforce_if(positive)
        model.add(r <= 0).only_enforce_if(negative)
        model.add(r >= b + 1).only_enforce_if(negative)

    def _divides(self, p: division.Divides) -> None:
        model, store = self.model, self.store
        a, b = self.variables[p.a], self.variables[p.b]
        positive, negative, zero = self._bool(), self._bool(), self._bool()
        model.add_exactly_one(positive, negative, zero)
        most = max(abs(store.lo[p.b]), abs(store.hi[p.b]), abs(store.lo[p.a]), abs(store.hi[p.a]))
        quotient, rest = model.new_int_var(-most, most, ""), model.new_int_var(-most, most, "")
        self._divide(b, a, quotient, rest, (p.b, p.a), positive, negative, zero)
        # 0 divides only 0: the rest is b itself.
        model.add(rest == b).only_enforce_if(zero)
        model.add(quotient == 0).only_enforce_if(zero)
        self._decide(self._literal(p.truth), rest == 0, rest != 0)

    def _maximum(self, p: extremum.Maximum) -> None:
        self.model.add_max_equality(self.variables[p.z], [self.variables[x] for x in p.xs])

    def _minimum(self, p: extremum.Minimum) -> None:
        self.model.add_min_equality(self.variables[p.z], [self.variables[x] for x in p.xs])

    def _disjunction(self, p: logic.Disjunction) -> None:
        truth = self._literal(p.truth)
        literals = [self._literal(literal) for literal in p.literals]
        self.model.add_bool_or([*literals, truth.negated()])
        for literal in literals:
            self.model.add_implication(literal, truth)

    def _parity(self, p: logic.Parity) -> None:
        self.model.add_bool_xor([self._literal(literal) for literal in p.literals])

    def _choice(self, p: logic.Choice) -> None:
        condition = self._literal(p.condition)
        z, x, y = self.variables[p.z], self.variables[p.x], self.variables[p.y]
        self.model.add(z == x).only_enforce_if(condition)
        self.model.add(z == y).only_enforce_if(condition.negated())

    def _at_most(self, p: listed.AtMost) -> None:
        x = self.variables[p.x]
        self._decide(self._literal(p.truth), x <= p.bound, x >= p.bound + 1)

    def _equals(self, p: listed.Equals) -> None:
        x = self.variables[p.x]
        self._decide(self._literal(p.truth), x == p.value, x != p.value)

    def _equality(self, x: int, value: int) -> Any:
        """A literal for x = value."""
        truth = self._bool()
        self._decide(truth, self.variables[x] == value, self.variables[x] != value)
        return truth

    def _member(self, p: listed.Member) -> None:
        self._any_row(p.truth, [self._equality(p.x, v) for v in p.values if self.store.contains(p.x, v)])

    def _any_row(self, truth: int, rows: Iterable[Any]) -> None:
        """truth ⇔ one of the rows holds."""
        literal = self._literal(truth)
        literals = list(rows)
        self.model.add_bool_or([*literals, literal.negated()])
        for row in literals:
            self.model.add_implication(row, literal)

    def _table(self, p: listed.Table) -> None:
        if self.store.is_true(p.truth):
            self.model.add_allowed_assignments([self.variables[x] for x in p.xs], p.rows)
            return
        rows = []
        for row in p.rows:
            equal = [self._equality(x, value) for x, value in zip(p.xs, row, strict=True)]
            whole = self._bool()
            self.model.add_bool_or([*[one.negated() for one in equal], whole])
            for one in equal:
                self.model.add_implication(whole, one)
            rows.append(whole)
        self._any_row(p.truth, rows)

    def _element(self, p: listed.Element) -> None:
        index, z = self.variables[p.index], self.variables[p.z]
        outside = len(p.items) - 1
        items = [self.variables[x] for x in p.items]
        inside = []
        for k in range(outside):
            if self.store.contains(p.index, k):
                chosen = self._equality(p.index, k)
                self.model.add(z == items[k]).only_enforce_if(chosen)
                inside.append(chosen)
        beyond = self._bool()
        self.model.add(z == 0).only_enforce_if(beyond)
        self.model.add_linear_expression_in_domain(
            index, self._domain.from_intervals([[-_INT64, -1], [outside, _INT64]])
        ).only_enforce_if(beyond)
        self.model.add_exactly_one([*inside, beyond])

    def _count(self, p: counting.Count) -> None:
        equal = [self._equality(x, p.value) for x in p.items if self.store.contains(x, p.value)]
        self.model.add(self.variables[p.z] == sum(equal))

    def _different(self, p: different.DifferentValues) -> None:
        self.model.add_all_different(
            [self.variables[x] + offset for x, offset in zip(p.xs, p.offsets, strict=True)]
        )

    def _round(self, p: routes.Round) -> None:
        self.model.add_circuit([
            (k, j, self._equality(x, j))
            for k, x in enumerate(p.xs)
            for j in self.store.members(x)
            if j != k or p.partial or len(p.xs) == 1
        ])  # fmt: skip

    def _time_table(self, p: scheduling.TimeTable) -> None:
        variables = self.variables
        tasks = [
            self.model.new_interval_var(variables[s], variables[d], self._end(s, d), "")
            for s, d in zip(p.starts, p.durations, strict=True)
        ]
        self.model.add_cumulative(tasks, [variables[h] for h in p.demands], variables[p.capacity])

    def _disjunctive(self, p: scheduling.Disjunctive) -> None:
        """As a resource of one unit: tasks without a duration are in nobody's way there."""
        tasks = [
            self.model.new_optional_interval_var(
                self.variables[s],
                self.variables[d],
                self._end(s, d),
                self._equality(present, 0).negated(),
                "",
            )
            for s, d, present in zip(p.starts, p.durations, p.presents, strict=True)
        ]
        self.model.add_cumulative(tasks, [1] * len(tasks), 1)

    def _end(self, start: int, duration: int) -> Any:
        """A variable for the end of a task."""
        store = self.store
        low, high = store.lo[start] + store.lo[duration], store.hi[start] + store.hi[duration]
        if max(-low, high) >= _INT64:
            raise BackendError("CP-SAT needs 64-bit bounds, and the end of a task has none")
        return self.model.new_int_var(low, high, "")

    def _accepted(self, p: sequences.Accepted) -> None:
        """The state after each item, and a table for each step."""
        machine = p.machine
        states = {machine.start}
        before = self.model.new_constant(machine.start)
        for x in p.xs:
            values = self.store.members(x)
            if len(values) * len(states) > _PAIRS_LIMIT:
                raise BackendError("the domains of regular() are too large for CP-SAT")
            rows = [(s, v, t) for s in states for v in values for t in machine.after({s}, v)]
            states = {t for _, _, t in rows}
            if not states:
                self.model.add_bool_or([])
                return
            after = self.model.new_int_var_from_domain(self._domain.from_values(sorted(states)), "")
            self.model.add_allowed_assignments([before, self.variables[x], after], rows)
            before = after
        ends = self._domain.from_values(sorted(machine.accepting))
        self.model.add_linear_expression_in_domain(before, ends)

    def _relation_truth(self, p: relation.RelationTruth) -> None:
        """The truth of a relation as a table."""
        store = self.store
        if prod([store.size(x) for x in p.xs]) > _PAIRS_LIMIT:
            raise BackendError("CP-SAT has no counterpart of a global constraint under a condition")
        rows = [
            (*row, int(p.holds(row)) ^ (p.truth & 1)) for row in product(*[store.members(x) for x in p.xs])
        ]
        columns = [self.variables[x] for x in (*p.xs, p.truth >> 1)]
        self.model.add_allowed_assignments(columns, rows)

    def _implied(self, p: Propagator) -> None:
        """Another propagator says it already."""

    def _different_truth(self, p: different.DifferentTruth) -> None:
        pairs = []
        shifted = [self.variables[x] + offset for x, offset in zip(p.xs, p.offsets, strict=True)]
        for k, one in enumerate(shifted):
            for other in shifted[:k]:
                equal = self._bool()
                self._decide(equal, one == other, one != other)
                pairs.append(equal)
        self._any_row(p.truth ^ 1, pairs)


_RULES: dict[type[Propagator], Callable[[_Translation, Any], None]] = {
    linear.LinearLe: _Translation._linear_le,
    linear.LinearEq: _Translation._linear_eq,
    linear.LinearNe: _Translation._linear_ne,
    arithmetic.Product: _Translation._product,
    arithmetic.PowerOfConstant: _Translation._power_of_constant,
    arithmetic.Power: _Translation._power,
    arithmetic.Absolute: _Translation._absolute,
    divisors.Gcd: _Translation._gcd,
    divisors.Lcm: _Translation._lcm,
    division.DivMod: _Translation._div_mod,
    division.Divides: _Translation._divides,
    extremum.Maximum: _Translation._maximum,
    extremum.Minimum: _Translation._minimum,
    logic.Disjunction: _Translation._disjunction,
    logic.Parity: _Translation._parity,
    logic.Choice: _Translation._choice,
    listed.AtMost: _Translation._at_most,
    listed.Equals: _Translation._equals,
    listed.Member: _Translation._member,
    listed.Table: _Translation._table,
    listed.Element: _Translation._element,
    counting.Count: _Translation._count,
    different.DifferentValues: _Translation._different,
    different.DifferentMatching: _Translation._implied,
    different.DifferentBounds: _Translation._implied,
    different.DifferentTruth: _Translation._different_truth,
    routes.Round: _Translation._round,
    scheduling.TimeTable: _Translation._time_table,
    scheduling.Energy: _Translation._implied,
    scheduling.Disjunctive: _Translation._disjunctive,
    sequences.Accepted: _Translation._accepted,
    relation.RelationTruth: _Translation._relation_truth,
}
