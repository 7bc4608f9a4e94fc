"""A problem's constraints as propagators.

Sums become affine forms, equal subterms share one variable, and a boolean becomes a literal. A constraint
that must hold is posted as it is; only one whose truth depends on something else gets a truth variable.
The condition under which a term is defined is asserted together with the innermost comparison around it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from constrint.domains import DomainSpec
from constrint.engine.propagators.all_different import (
    DifferentBounds,
    DifferentMatching,
    DifferentTruth,
    DifferentValues,
)
from constrint.engine.propagators.arithmetic import Power
from constrint.engine.propagators.division import Divides
from constrint.engine.propagators.linear import LinearEq, LinearLe, LinearNe
from constrint.engine.propagators.logic import Disjunction, Parity
from constrint.engine.propagators.membership import Table
from constrint.engine.propagators.relation import RelationTruth
from constrint.engine.store import FALSE, TRUE, Store
from constrint.expressions import Expression, Op
from constrint.lowering.definitions import Affine, bare_variable
from constrint.lowering.reification import Reification
from constrint.lowering.terms import FUNCTIONS, divisor

_COMPARED = frozenset({Op.EQUAL, Op.NOT_EQUAL, Op.LESS_EQUAL, Op.LESS, Op.GREATER_EQUAL, Op.GREATER})

_NEGATED = {
    Op.EQUAL: Op.NOT_EQUAL,
    Op.NOT_EQUAL: Op.EQUAL,
    Op.LESS_EQUAL: Op.GREATER,
    Op.LESS: Op.GREATER_EQUAL,
    Op.GREATER_EQUAL: Op.LESS,
    Op.GREATER: Op.LESS_EQUAL,
}

_MIRRORED = {Op.GREATER_EQUAL: Op.LESS_EQUAL, Op.GREATER: Op.LESS}


class Lowering(Reification):
    """Builds a program in `store`. Raises Inconsistent as soon as a contradiction shows."""

    def __init__(self, store: Store, *, spell_out: bool = False) -> None:
        """With `spell_out`, which is for other solvers, globals are stated in simpler terms wherever they can
        be; but for those that must hold and that such solvers know."""
        super().__init__(store)
        self.spell_out = spell_out
        self.variables: dict[str, int] = {}
        self.conditions: list[int] | None = None
        """Those of the terms being lowered; None while they can be asserted at once."""
        self._different: list[tuple[list[int], list[int]]] = []

    # What a problem calls ----------------------------------------------------------------------------

    def declare(self, name: str, spec: DomainSpec) -> int:
        """The variable `name` with the domain of its declaration."""
        x = self.store.new_variable(None, None)
        self.variables[name] = x
        spec.apply(self.store, x)
        if spec.power_of is not None:
            exponent = self.store.new_variable(0, None)
            self.store.set_lo(x, 1)
            self.store.post(Power(x, self.constant(spec.power_of), exponent))
        return x

    def require(self, expression: Expression) -> None:
        """The expression must hold."""
        self.conditions = None
        self._assert(expression)

    def objective(self, expression: Expression) -> int:
        """A variable that equals the expression, which must be defined."""
        self.conditions = None
        return self.value(expression)

    def finish(self) -> None:
        """Propagates everything, and adds what is best chosen by the domains that are left."""
        self.store.propagate()
        for xs, offsets in self._different:
            if DifferentMatching.pays(self.store, xs):
                self.store.post(DifferentMatching(xs, offsets))
            else:
                self.store.post(DifferentBounds(xs, offsets))
        self.store.propagate()

    # Constraints that must hold ----------------------------------------------------------------------

    def _assert(self, e: Expression) -> None:
        op = e.op
        if op is Op.AND:
            for arg in e.args:
                self._assert(arg)
        elif op is Op.NOT:
            self._deny(e.args[0])
        elif op in _COMPARED:
            self._assert_comparison(e)
        elif op is Op.MEMBER:
            self.store.keep(self.value(e.args[0]), e.data)
        elif op is Op.ALL_DIFFERENT:
            self._assert_different(*self._shifted(e.args))
        elif op is Op.TABLE:
            self.store.post(Table([self.value(arg) for arg in e.args], e.data))
        elif op is Op.RELATION:
            self._assert_relation(e)
        elif op is Op.DIVIDES:
            self._assert_divides(self.value(e.args[0]), self.affine(e.args[1]))
        elif op is Op.OR:
            self._assert_any([self.literal(arg) for arg in e.args])
        elif op is Op.IMPLIES:
            condition = self.literal(e.args[0])
            if self.store.is_true(condition):
                self._assert(e.args[1])
            elif not self.store.is_false(condition):
                self._assert_any([condition ^ 1, self.literal(e.args[1])])
        elif op in (Op.IFF, Op.XOR):
            self._assert_parity(e, odd=True)
        else:
            self.store.assign(self.literal(e))

    def _deny(self, e: Expression) -> None:
        op = e.op
        if op is Op.NOT:
            self._assert(e.args[0])
        elif op is Op.OR:
            for arg in e.args:
                self._deny(arg)
        elif op is Op.AND:
            self._assert_any([self.literal(arg) ^ 1 for arg in e.args])
        elif op is Op.IMPLIES:
            self._assert(e.args[0])
            self._deny(e.args[1])
        elif op in (Op.IFF, Op.XOR):
            self._assert_parity(e, odd=False)
        elif op in _NEGATED and not _is_divisibility(e):
            with self.captured() as conditions:
                relation = self._relation(Expression(_NEGATED[op], e.args))
            if conditions:
                # An undefined comparison is false, and so is this one denied: it needs its own literal.
                self.store.assign(self.literal(e) ^ 1)
            else:
                self._assert_linear(*relation)
        else:
            self.store.assign(self.literal(e) ^ 1)

    def _assert_any(self, literals: list[int]) -> None:
        open_ones = [literal for literal in dict.fromkeys(literals) if not self.store.is_false(literal)]
        if any(self.store.is_true(literal) or literal ^ 1 in open_ones for literal in open_ones):
            return
        if not open_ones:
            self.store.fail()
        elif len(open_ones) == 1:
            self.store.assign(open_ones[0])
        else:
            self.store.post(Disjunction(open_ones))

    def _assert_parity(self, e: Expression, *, odd: bool) -> None:
        literals = self._odd_literals(e)
        if not odd:
            literals.append(TRUE)
        self.store.post(Parity(literals))

    def _assert_comparison(self, e: Expression) -> None:
        op = e.op
        if op is Op.EQUAL:
            if _is_divisibility(e):
                remainder = _remainder_of(e)
                self._assert_divides(divisor(self, remainder.args[1]), self.affine(remainder.args[0]))
                return
            left, right = e.args
            for function, other in ((left, right), (right, left)):
                if function.op in FUNCTIONS:
                    value = self.affine(other)
                    # A function is lowered straight into the variable or constant that it equals; with
                    # a sum it is one row, and no variable needs to stand for the sum.
                    target = bare_variable(value) if value[0] else self.constant(value[1])
                    lowered = self.affine(function, target)
                    if target is None or lowered != ({target: 1}, 0):
                        self._assert_linear(Op.EQUAL, lowered, value)
                    return
        self._assert_linear(*self._relation(e))

    def _assert_linear(self, op: Op, left: Affine, right: Affine) -> None:
        """left op right, for ==, != and <=."""
        store = self.store
        terms, bound = self.difference(left, right)
        common = math.gcd(*[c for c, _ in terms])
        if op is Op.LESS_EQUAL:
            if not terms:
                if bound < 0:
                    store.fail()
                return
            terms = [(c // common, x) for c, x in terms]
            bound //= common
            if len(terms) == 1:
                c, x = terms[0]
                store.set_hi(x, bound) if c > 0 else store.set_lo(x, -bound)
            else:
                self.store.post(LinearLe(terms, bound))
            return
        if not terms or bound % common:
            if (bound == 0) != (op is Op.EQUAL):
                store.fail()
            return
        terms = [(c // common, x) for c, x in terms]
        bound //= common
        if op is Op.NOT_EQUAL:
            self.store.post(LinearNe(terms, bound))
        elif len(terms) == 1:
            store.fix(terms[0][1], bound * terms[0][0])
        else:
            self.store.post(LinearEq(terms, bound))

    def _assert_divides(self, a: int, multiple: Affine) -> None:
        store = self.store
        b = self.variable(multiple)
        if store.is_fixed(a) and store.lo[a]:
            store.state_congruence(b, abs(store.lo[a]), 0)
        elif store.is_fixed(b) and store.lo[b]:
            store.restrict_divisor(a, store.lo[b])
        else:
            self.store.post(Divides(a, b))

    def _assert_different(self, xs: list[int], offsets: list[int]) -> None:
        if len(xs) == 2:
            self._assert_linear(Op.NOT_EQUAL, ({xs[0]: 1}, offsets[0]), ({xs[1]: 1}, offsets[1]))
        elif len(xs) > 2:
            self.store.post(DifferentValues(xs, offsets))
            self._different.append((xs, offsets))

    def _assert_relation(self, e: Expression) -> None:
        xs = [self.value(arg) for arg in e.args]
        simpler = e.data.simpler(e.args) if self.spell_out and not e.data.is_known else None
        if simpler is not None:
            self._assert(simpler)
            return
        for part in e.data.implied(e.args):
            self._assert(part)
        for propagator in e.data.propagators(xs):
            self.store.post(propagator)

    # Truth values --------------------------------------------------------------------------------------

    def literal(self, e: Expression) -> int:
        """A literal that holds exactly where the expression does, defined and not 0."""
        op = e.op
        if op is Op.CONSTANT:
            return TRUE if e.data else FALSE
        if op is Op.NOT:
            return self.literal(e.args[0]) ^ 1
        if op is Op.OR:
            return self.either([self.literal(arg) for arg in e.args])
        if op is Op.AND:
            return self.both([self.literal(arg) for arg in e.args])
        if op is Op.IMPLIES:
            return self.either([self.literal(e.args[0]) ^ 1, self.literal(e.args[1])])
        if op in (Op.IFF, Op.XOR):
            return self.odd(self._odd_literals(e))
        with self.captured() as conditions:
            if op in _COMPARED:
                truth = self._comparison(e)
            elif op is Op.MEMBER:
                truth = self.member(self.value(e.args[0]), e.data)
            elif op is Op.ALL_DIFFERENT:
                truth = self._different_literal(*self._shifted(e.args))
            elif op is Op.TABLE:
                xs = [self.value(arg) for arg in e.args]
                truth = self.truth(("table", *xs, e.data), lambda b: Table(xs, e.data, b))
            elif op is Op.RELATION:
                truth = self._related(e)
            elif op is Op.DIVIDES:
                a, b = [self.value(arg) for arg in e.args]
                truth = self.divides(a, b)
            else:
                truth = self.compare(Op.NOT_EQUAL, self.affine(e), ({}, 0))
        return self.both([truth, *conditions])

    def _odd_literals(self, e: Expression) -> list[int]:
        """Literals of which an odd number holds exactly where the IFF or XOR does."""
        literals = [self.literal(arg) for arg in e.args]
        if e.op is Op.IFF:
            literals.append(TRUE)
        return literals

    def _comparison(self, e: Expression) -> int:
        if _is_divisibility(e):
            remainder = _remainder_of(e)
            b = divisor(self, remainder.args[1])
            truth = self.divides(b, self.value(remainder.args[0]))
            return truth if e.op is Op.EQUAL else truth ^ 1
        return self.compare(*self._relation(e))

    def _relation(self, e: Expression) -> tuple[Op, Affine, Affine]:
        """The comparison as one of ==, != and <= between affine forms."""
        op = e.op
        left, right = self.affine(e.args[0]), self.affine(e.args[1])
        if op in _MIRRORED:
            op, left, right = _MIRRORED[op], right, left
        if op is Op.LESS:
            return Op.LESS_EQUAL, (left[0], left[1] + 1), right
        return op, left, right

    def _different_literal(self, xs: list[int], offsets: list[int]) -> int:
        return self.truth(("all_different", *xs, *offsets), lambda truth: DifferentTruth(xs, offsets, truth))

    def _related(self, e: Expression) -> int:
        """The truth of a global constraint of defined arguments."""
        xs = [self.value(arg) for arg in e.args]
        simpler = e.data.simpler(e.args) if self.spell_out or e.data.splits else None
        if simpler is not None:
            return self.literal(simpler)
        return self.truth(
            ("relation", e.data, *xs),
            lambda b: RelationTruth(xs, e.data.holds, e.data.propagators(xs), b),
        )

    # Terms ---------------------------------------------------------------------------------------------

    def affine(self, e: Expression, target: int | None = None) -> Affine:
        """The expression as an affine form; a function's value goes into `target` if one is given."""
        op = e.op
        if op is Op.CONSTANT:
            return {}, e.data
        if op is Op.VARIABLE:
            return {self.variables[e.data]: 1}, 0
        if op is Op.ADD:
            return self._sum(e.args)
        if op in FUNCTIONS:
            return FUNCTIONS[op](self, e, target)
        literal = self.literal(e)
        if literal <= FALSE:
            return {}, 1 - literal
        return ({literal >> 1: -1}, 1) if literal & 1 else ({literal >> 1: 1}, 0)

    def value(self, e: Expression) -> int:
        """A variable that is the expression's value."""
        if e.op is Op.VARIABLE:
            return self.variables[e.data]
        return self.variable(self.affine(e))

    def _sum(self, args: Sequence[Expression]) -> Affine:
        terms: dict[int, int] = {}
        total = 0
        for arg in args:
            part, shift = self.affine(arg)
            total += shift
            for x, c in part.items():
                terms[x] = terms.get(x, 0) + c
        return terms, total

    def _shifted(self, args: Sequence[Expression]) -> tuple[list[int], list[int]]:
        """Each argument as a variable and an offset."""
        xs, offsets = [], []
        for arg in args:
            terms, shift = self.affine(arg)
            xs.append(self.variable((terms, 0) if terms else ({}, shift)))
            offsets.append(shift if terms else 0)
        return xs, offsets

    def need(self, literal: int) -> None:
        """The term being lowered is defined only where the literal holds."""
        if self.conditions is None:
            self.store.assign(literal)
        elif not self.store.is_true(literal):
            self.conditions.append(literal)

    @contextmanager
    def captured(self) -> Iterator[list[int]]:
        """Collects the conditions of the terms lowered meanwhile, instead of asserting them."""
        outer = self.conditions
        conditions: list[int] = []
        self.conditions = conditions
        try:
            yield conditions
        finally:
            self.conditions = outer


def _is_divisibility(e: Expression) -> bool:
    """Whether the comparison says a % b == 0 or a % b != 0."""
    if e.op not in (Op.EQUAL, Op.NOT_EQUAL):
        return False
    left, right = e.args
    return (left.op is Op.MODULO and _is_zero(right)) or (right.op is Op.MODULO and _is_zero(left))


def _remainder_of(e: Expression) -> Expression:
    """The a % b of such a comparison."""
    left, right = e.args
    return left if left.op is Op.MODULO and _is_zero(right) else right


def _is_zero(e: Expression) -> bool:
    return e.op is Op.CONSTANT and e.data == 0
