"""From expressions to a program: integer variables in a store, and propagators over them.

Sums become affine forms, equal subterms share one variable, and a boolean becomes a literal. A constraint
that must hold is posted as it is; only one whose truth depends on something else gets a truth variable.
A partial operation (//, %, **, an index) is made total, and the condition under which it is defined is
asserted together with the innermost comparison around it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from constrint.domains import DomainSpec
from constrint.engine.propagator import Propagator
from constrint.engine.propagators.all_different import (
    DifferentBounds,
    DifferentMatching,
    DifferentTruth,
    DifferentValues,
)
from constrint.engine.propagators.arithmetic import Absolute, Power, PowerOfConstant, Product
from constrint.engine.propagators.counting import Count
from constrint.engine.propagators.division import Divides, DivMod
from constrint.engine.propagators.divisors import Gcd, Lcm
from constrint.engine.propagators.extremum import Maximum, Minimum
from constrint.engine.propagators.linear import LinearEq, LinearLe, LinearNe, extent
from constrint.engine.propagators.logic import Choice, Disjunction, Parity
from constrint.engine.propagators.membership import AtMost, Element, Equals, Member, Table
from constrint.engine.propagators.relation import RelationTruth
from constrint.engine.store import FALSE, TRUE, OutOfRange, Store
from constrint.expressions import Expression, Op

Affine = tuple[dict[int, int], int]
"""Σ coefficient·variable + constant."""

_MIRRORED = {Op.GREATER_EQUAL: Op.LESS_EQUAL, Op.GREATER: Op.LESS}


class Lowering:
    """Builds a program in `store`. Raises Inconsistent as soon as a contradiction shows."""

    def __init__(self, store: Store, *, spell_out: bool = False) -> None:
        """With `spell_out`, which is for other solvers, globals are stated in simpler terms wherever they can
        be; but for those that must hold and that such solvers know."""
        self.store = store
        self.spell_out = spell_out
        self.variables: dict[str, int] = {}
        self._known: dict[Hashable, int] = {}
        # The conditions of the terms being lowered; None while they can be asserted at once.
        self._conditions: list[int] | None = None
        self._different: list[tuple[list[int], list[int]]] = []
        self._zero = self._fixed(0)

    # What a problem calls ----------------------------------------------------------------------------

    def declare(self, name: str, spec: DomainSpec) -> int:
        """The variable `name` with the domain of its declaration."""
        x = self.store.new_variable(None, None)
        self.variables[name] = x
        spec.apply(self.store, x)
        if spec.power_of is not None:
            exponent = self.store.new_variable(0, None)
            self.store.set_lo(x, 1)
            self._post(Power(x, self._fixed(spec.power_of), exponent))
        return x

    def require(self, expression: Expression) -> None:
        """The expression must hold."""
        self._conditions = None
        self._assert(expression)

    def objective(self, expression: Expression) -> int:
        """A variable that equals the expression, which must be defined."""
        self._conditions = None
        return self._variable(self._affine(expression))

    def finish(self) -> None:
        """Propagates everything, and adds what is best chosen by the domains that are left."""
        self.store.propagate()
        for xs, offsets in self._different:
            if DifferentMatching.pays(self.store, xs):
                self._post(DifferentMatching(xs, offsets))
            else:
                self._post(DifferentBounds(xs, offsets))
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
            self.store.keep(self._variable(self._affine(e.args[0])), e.data)
        elif op is Op.ALL_DIFFERENT:
            self._assert_different(*self._shifted(e.args))
        elif op is Op.TABLE:
            self._post(Table([self._variable(self._affine(arg)) for arg in e.args], e.data))
        elif op is Op.RELATION:
            self._assert_relation(e)
        elif op is Op.DIVIDES:
            self._assert_divides(self._variable(self._affine(e.args[0])), self._affine(e.args[1]))
        elif op is Op.OR:
            self._assert_any([self._literal(arg) for arg in e.args])
        elif op is Op.IMPLIES:
            condition = self._literal(e.args[0])
            if self.store.is_true(condition):
                self._assert(e.args[1])
            elif not self.store.is_false(condition):
                self._assert_any([condition ^ 1, self._literal(e.args[1])])
        elif op in (Op.IFF, Op.XOR):
            self._assert_parity(e, odd=True)
        else:
            self.store.assign(self._literal(e))

    def _deny(self, e: Expression) -> None:
        op = e.op
        if op is Op.NOT:
            self._assert(e.args[0])
        elif op is Op.OR:
            for arg in e.args:
                self._deny(arg)
        elif op is Op.AND:
            self._assert_any([self._literal(arg) ^ 1 for arg in e.args])
        elif op is Op.IMPLIES:
            self._assert(e.args[0])
            self._deny(e.args[1])
        elif op in (Op.IFF, Op.XOR):
            self._assert_parity(e, odd=False)
        elif op in _NEGATED and not _is_divisibility(e):
            with self._captured() as conditions:
                relation = self._relation(Expression(_NEGATED[op], e.args))
            if conditions:
                # An undefined comparison is false, and so is this one denied: it needs its own literal.
                self.store.assign(self._literal(e) ^ 1)
            else:
                self._assert_linear(*relation)
        else:
            self.store.assign(self._literal(e) ^ 1)

    def _assert_any(self, literals: list[int]) -> None:
        open_ones = [literal for literal in dict.fromkeys(literals) if not self.store.is_false(literal)]
        if any(self.store.is_true(literal) or literal ^ 1 in open_ones for literal in open_ones):
            return
        if not open_ones:
            self.store.fail()
        elif len(open_ones) == 1:
            self.store.assign(open_ones[0])
        else:
            self._post(Disjunction(open_ones))

    def _assert_parity(self, e: Expression, *, odd: bool) -> None:
        literals = self._odd_literals(e)
        if not odd:
            literals.append(TRUE)
        self._post(Parity(literals))

    def _odd_literals(self, e: Expression) -> list[int]:
        """Literals of which an odd number holds exactly where the IFF or XOR does."""
        literals = [self._literal(arg) for arg in e.args]
        if e.op is Op.IFF:
            literals.append(TRUE)
        return literals

    def _assert_comparison(self, e: Expression) -> None:
        op = e.op
        if op is Op.EQUAL:
            if _is_divisibility(e):
                remainder = _remainder_of(e)
                self._assert_divides(self._divisor(remainder.args[1]), self._affine(remainder.args[0]))
                return
            left, right = e.args
            # A function is lowered straight into the variable that it equals.
            for function, other in ((left, right), (right, left)):
                if function.op in _FUNCTIONS:
                    value = self._affine(other)
                    if function.op is Op.MULTIPLY and other.op is Op.ADD:
                        # A monomial and a sum are one row: no variable needs to stand for the sum.
                        self._assert_linear(Op.EQUAL, self._affine(function), value)
                        return
                    target = self._variable(value)
                    self._assert_linear(Op.EQUAL, self._affine(function, target), ({target: 1}, 0))
                    return
        self._assert_linear(*self._relation(e))

    def _assert_linear(self, op: Op, left: Affine, right: Affine) -> None:
        """left op right, for ==, != and <=."""
        store = self.store
        terms, bound = self._terms(left, right)
        divisor = math.gcd(*[c for c, _ in terms])
        if op is Op.LESS_EQUAL:
            if not terms:
                if bound < 0:
                    store.fail()
                return
            terms = [(c // divisor, x) for c, x in terms]
            bound //= divisor
            if len(terms) == 1:
                c, x = terms[0]
                store.set_hi(x, bound) if c > 0 else store.set_lo(x, -bound)
            else:
                self._post(LinearLe(terms, bound))
            return
        if not terms or bound % divisor:
            if (bound == 0) != (op is Op.EQUAL):
                store.fail()
            return
        terms = [(c // divisor, x) for c, x in terms]
        bound //= divisor
        if op is Op.NOT_EQUAL:
            self._post(LinearNe(terms, bound))
        elif len(terms) == 1:
            store.fix(terms[0][1], bound * terms[0][0])
        else:
            self._post(LinearEq(terms, bound))

    def _assert_divides(self, a: int, multiple: Affine) -> None:
        store = self.store
        b = self._variable(multiple)
        if store.is_fixed(a) and store.lo[a]:
            store.state_congruence(b, abs(store.lo[a]), 0)
        elif store.is_fixed(b) and store.lo[b]:
            store.restrict_divisor(a, store.lo[b])
        else:
            self._post(Divides(a, b))

    def _assert_different(self, xs: list[int], offsets: list[int]) -> None:
        if len(xs) == 2:
            self._assert_linear(Op.NOT_EQUAL, ({xs[0]: 1}, offsets[0]), ({xs[1]: 1}, offsets[1]))
        elif len(xs) > 2:
            self._post(DifferentValues(xs, offsets))
            self._different.append((xs, offsets))

    def _assert_relation(self, e: Expression) -> None:
        xs = [self._variable(self._affine(arg)) for arg in e.args]
        simpler = e.data.simpler(e.args) if self.spell_out and not e.data.is_known else None
        if simpler is not None:
            self._assert(simpler)
            return
        for part in e.data.implied(e.args):
            self._assert(part)
        for propagator in e.data.propagators(xs):
            self._post(propagator)

    # Truth values --------------------------------------------------------------------------------------

    def _literal(self, e: Expression) -> int:
        """A literal that holds exactly where the expression does, defined and not 0."""
        op = e.op
        if op is Op.CONSTANT:
            return TRUE if e.data else FALSE
        if op is Op.NOT:
            return self._literal(e.args[0]) ^ 1
        if op is Op.OR:
            return self._either([self._literal(arg) for arg in e.args])
        if op is Op.AND:
            return self._both([self._literal(arg) for arg in e.args])
        if op is Op.IMPLIES:
            return self._either([self._literal(e.args[0]) ^ 1, self._literal(e.args[1])])
        if op in (Op.IFF, Op.XOR):
            return self._odd(self._odd_literals(e))
        with self._captured() as conditions:
            if op in _COMPARED:
                truth = self._comparison(e)
            elif op is Op.MEMBER:
                truth = self._member(self._variable(self._affine(e.args[0])), e.data)
            elif op is Op.ALL_DIFFERENT:
                truth = self._different_literal(*self._shifted(e.args))
            elif op is Op.TABLE:
                xs = [self._variable(self._affine(arg)) for arg in e.args]
                truth = self._truth(("table", *xs, e.data), lambda b: Table(xs, e.data, b))
            elif op is Op.RELATION:
                truth = self._related(e)
            elif op is Op.DIVIDES:
                a, b = [self._variable(self._affine(arg)) for arg in e.args]
                truth = self._divides(a, b)
            else:
                truth = self._linear(Op.NOT_EQUAL, self._affine(e), ({}, 0))
        return self._both([truth, *conditions])

    def _comparison(self, e: Expression) -> int:
        if _is_divisibility(e):
            remainder = _remainder_of(e)
            divisor = self._divisor(remainder.args[1])
            truth = self._divides(divisor, self._variable(self._affine(remainder.args[0])))
            return truth if e.op is Op.EQUAL else truth ^ 1
        return self._linear(*self._relation(e))

    def _relation(self, e: Expression) -> tuple[Op, Affine, Affine]:
        """The comparison as one of ==, != and <= between affine forms."""
        op = e.op
        left, right = self._affine(e.args[0]), self._affine(e.args[1])
        if op in _MIRRORED:
            op, left, right = _MIRRORED[op], right, left
        if op is Op.LESS:
            return Op.LESS_EQUAL, (left[0], left[1] + 1), right
        return op, left, right

    def _linear(self, op: Op, left: Affine, right: Affine) -> int:
        """The truth of left op right, for ==, != and <=."""
        if op is Op.NOT_EQUAL:
            return self._linear(Op.EQUAL, left, right) ^ 1
        terms, bound = self._terms(left, right)
        if not terms:
            return TRUE if (bound == 0 if op is Op.EQUAL else bound >= 0) else FALSE
        divisor = math.gcd(*[c for c, _ in terms])
        if op is Op.EQUAL and bound % divisor:
            return FALSE
        # One sign for each relation, so that it and its opposite share a variable.
        flip = terms[0][0] < 0
        if flip and op is Op.EQUAL:
            divisor, flip = -divisor, False
        terms = [(c // divisor, x) for c, x in terms]
        bound //= divisor
        if flip:
            # ¬(Σ <= b) is -Σ <= -b - 1.
            terms, bound = [(-c, x) for c, x in terms], -bound - 1
        least, most = extent(self.store, terms)
        if op is Op.EQUAL:
            if not least <= bound <= most:
                return FALSE
            if len(terms) == 1:
                return self._equals(terms[0][1], bound)
            return self._truth(("==", *terms, bound), lambda b: LinearEq(terms, bound, b))
        if most <= bound or least > bound:
            truth = TRUE if most <= bound else FALSE
        elif len(terms) == 1:
            truth = self._at_most(terms[0][1], bound)
        else:
            truth = self._truth(("<=", *terms, bound), lambda b: LinearLe(terms, bound, b))
        return truth ^ 1 if flip else truth

    def _at_most(self, x: int, bound: int) -> int:
        store = self.store
        if store.hi[x] <= bound:
            return TRUE
        if store.lo[x] > bound:
            return FALSE
        if self._is_bit(x):
            return 2 * x + 1
        return self._truth(("at most", x, bound), lambda b: AtMost(x, bound, b))

    def _equals(self, x: int, value: int) -> int:
        store = self.store
        if not store.contains(x, value):
            return FALSE
        if store.is_fixed(x):
            return TRUE
        if self._is_bit(x):
            return 2 * x if value else 2 * x + 1
        return self._truth(("equals", x, value), lambda b: Equals(x, value, b))

    def _member(self, x: int, values: tuple[int, ...]) -> int:
        if len(values) == 1:
            return self._equals(x, values[0])
        return self._truth(("in", x, values), lambda b: Member(x, values, b))

    def _divides(self, a: int, b: int) -> int:
        return self._truth(("divides", a, b), lambda truth: Divides(a, b, truth))

    def _different_literal(self, xs: list[int], offsets: list[int]) -> int:
        return self._truth(("all_different", *xs, *offsets), lambda truth: DifferentTruth(xs, offsets, truth))

    def _related(self, e: Expression) -> int:
        """The truth of a global constraint of defined arguments."""
        xs = [self._variable(self._affine(arg)) for arg in e.args]
        simpler = e.data.simpler(e.args) if self.spell_out or e.data.splits else None
        if simpler is not None:
            return self._literal(simpler)
        return self._truth(
            ("relation", e.data, *xs),
            lambda b: RelationTruth(xs, e.data.holds, e.data.propagators(xs), b),
        )

    def _either(self, literals: Sequence[int]) -> int:
        """A literal for "at least one of them"."""
        store = self.store
        open_ones = sorted({literal for literal in literals if not store.is_false(literal)})
        for literal in open_ones:
            if store.is_true(literal) or literal ^ 1 in open_ones:
                return TRUE
        if not open_ones:
            return FALSE
        if len(open_ones) == 1:
            return open_ones[0]
        return self._truth(("any", *open_ones), lambda b: Disjunction(open_ones, b))

    def _both(self, literals: Sequence[int]) -> int:
        """A literal for "all of them"."""
        return self._either([literal ^ 1 for literal in literals]) ^ 1

    def _odd(self, literals: list[int]) -> int:
        """A literal for "an odd number of them"."""
        open_ones = []
        odd = False
        for literal in literals:
            if self.store.is_true(literal):
                odd = not odd
            elif not self.store.is_false(literal):
                open_ones.append(literal & ~1)
                odd ^= bool(literal & 1)
        # A pair of the same literal cancels out.
        single = sorted(literal for literal in set(open_ones) if open_ones.count(literal) % 2)
        if not single:
            return TRUE if odd else FALSE
        truth = single[0]
        if len(single) > 1:
            truth = self._truth(("odd", *single), lambda b: Parity([*single, b, TRUE]))
        return truth ^ 1 if odd else truth

    def _truth(self, key: Hashable, make: Callable[[int], Propagator]) -> int:
        """The literal of a reified relation; relations with the same key share it."""
        if key not in self._known:
            self._known[key] = b = self.store.new_variable(0, 1)
            self._post(make(2 * b))
        return 2 * self._known[key]

    # Terms -----------------------------------------------------------------------------------------------

    def _affine(self, e: Expression, target: int | None = None) -> Affine:
        """The expression as an affine form; a function's value goes into `target` if one is given."""
        op = e.op
        if op is Op.CONSTANT:
            return {}, e.data
        if op is Op.VARIABLE:
            return {self.variables[e.data]: 1}, 0
        if op is Op.ADD:
            return self._sum(e.args)
        if op in _FUNCTIONS:
            return _FUNCTIONS[op](self, e, target)
        literal = self._literal(e)
        if literal <= FALSE:
            return {}, 1 - literal
        return ({literal >> 1: -1}, 1) if literal & 1 else ({literal >> 1: 1}, 0)

    def _sum(self, args: Sequence[Expression]) -> Affine:
        terms: dict[int, int] = {}
        total = 0
        for arg in args:
            part, shift = self._affine(arg)
            total += shift
            for x, c in part.items():
                terms[x] = terms.get(x, 0) + c
        return terms, total

    def _terms(self, left: Affine, right: Affine) -> tuple[list[tuple[int, int]], int]:
        """left - right as sorted terms and the bound on the other side; what is fixed becomes part of it."""
        lo, hi = self.store.lo, self.store.hi
        sums = dict(left[0])
        for x, c in right[0].items():
            sums[x] = sums.get(x, 0) - c
        bound = right[1] - left[1]
        self._check_range(sums.values())
        terms = []
        for x in sorted(sums):
            c = sums[x]
            if c:
                if lo[x] == hi[x]:
                    bound -= c * lo[x]
                else:
                    terms.append((c, x))
        return terms, bound

    def _variable(self, affine: Affine) -> int:
        """A variable equal to the affine form."""
        terms, shift = affine
        if not terms:
            return self._fixed(shift)
        if shift == 0 and len(terms) == 1:
            ((x, c),) = terms.items()
            if c == 1:
                return x
        items = tuple(sorted((x, c) for x, c in terms.items() if c))
        self._check_range(terms.values())
        key = ("sum", items, shift)
        if key not in self._known:
            self._known[key] = z = self.store.new_variable(None, None)
            self._post(LinearEq([(c, x) for x, c in items] + [(-1, z)], -shift))
        return self._known[key]

    def _fixed(self, value: int) -> int:
        """The variable that is the constant `value`."""
        if value == 1:
            return 0
        key = ("constant", value)
        if key not in self._known:
            self._known[key] = self.store.new_variable(value, value)
        return self._known[key]

    def _function(self, key: Hashable, make: Callable[[int], Propagator], target: int | None) -> Affine:
        """The value of a function: one variable for each key, `target` if it is the first."""
        if key not in self._known:
            z = self.store.new_variable(None, None) if target is None else target
            self._known[key] = z
            self._post(make(z))
        return {self._known[key]: 1}, 0

    def _multiply(self, e: Expression, target: int | None) -> Affine:
        scale = 1
        powers: dict[int, int] = {}
        whole: Affine | None = None
        for arg in e.args:
            terms, shift = self._affine(arg)
            if not terms:
                scale *= shift
            elif len(terms) == 1 and shift == 0:
                # c·x: the coefficient moves to the front.
                ((x, c),) = terms.items()
                scale *= c
                powers[x] = powers.get(x, 0) + 1
            elif whole is None and not powers and arg is e.args[-1]:
                whole = terms, shift
            else:
                x = self._variable((terms, shift))
                powers[x] = powers.get(x, 0) + 1
        if scale == 0:
            return {}, 0
        if whole is None:
            whole = self._monomial(powers, target if scale == 1 else None)
        terms, shift = whole
        return {x: c * scale for x, c in terms.items()}, shift * scale

    def _monomial(self, powers: dict[int, int], target: int | None) -> Affine:
        """The product of variables with their exponents."""
        store = self.store
        factors = []
        scale = 1
        for x in sorted(powers):
            if store.is_fixed(x):
                if store.lo[x].bit_length() * powers[x] > store.limit.bit_length():
                    raise OutOfRange
                scale *= store.lo[x] ** powers[x]
            else:
                factors.append((x, powers[x]))
        if not factors or scale == 0:
            return {}, scale
        single = len(factors) == 1
        xs = [self._power_of(x, n, target if single and scale == 1 else None) for x, n in factors]
        if single:
            return {xs[0]: scale}, 0
        terms, _ = self._function(("*", *xs), lambda z: Product(z, xs), target if scale == 1 else None)
        return dict.fromkeys(terms, scale), 0

    def _power_of(self, x: int, n: int, target: int | None) -> int:
        """The variable x ** n, for n >= 1."""
        if n == 1:
            return x
        (z,) = self._function(("**", x, n), lambda z: PowerOfConstant(z, x, n), target)[0]
        return z

    def _power(self, e: Expression, target: int | None) -> Affine:
        x = self._variable(self._affine(e.args[0]))
        y = self._variable(self._affine(e.args[1]))
        store = self.store
        if store.is_fixed(y):
            n = store.lo[y]
            if n == 0:
                return {}, 1
            if n > 0:
                return {self._power_of(x, n, target): 1}, 0
        if store.lo[y] < 0:
            self._need(self._at_most(y, -1) ^ 1)
        return self._function(("pow", x, y), lambda z: Power(z, x, y), target)

    def _quotient(self, e: Expression, target: int | None) -> Affine:
        a = self._variable(self._affine(e.args[0]))
        b = self._divisor(e.args[1])
        if b == 0:
            return {a: 1}, 0
        return {self._divmod(a, b, target, None)[0]: 1}, 0

    def _remainder(self, e: Expression, target: int | None) -> Affine:
        a = self._variable(self._affine(e.args[0]))
        b = self._divisor(e.args[1])
        if b == 0:
            return {}, 0
        return {self._divmod(a, b, None, target)[1]: 1}, 0

    def _ceil_quotient(self, e: Expression, target: int | None) -> Affine:
        """ceil(a / b) = -(-a // b)."""
        terms, shift = self._affine(e.args[0])
        a = self._variable(({x: -c for x, c in terms.items()}, -shift))
        b = self._divisor(e.args[1])
        return {self._divmod(a, b, None, None)[0]: -1}, 0

    def _divmod(self, a: int, b: int, q: int | None, r: int | None) -> tuple[int, int]:
        """The variables a // b and a % b, which share one propagator."""
        key = ("//", a, b)
        if key not in self._known:
            self._known[key] = self.store.new_variable(None, None) if q is None else q
            self._known["%", a, b] = self.store.new_variable(None, None) if r is None else r
            self._post(DivMod(a, b, self._known[key], self._known["%", a, b]))
        return self._known[key], self._known["%", a, b]

    def _divisor(self, e: Expression) -> int:
        """The variable of a divisor, which is not 0 where the term is defined."""
        b = self._variable(self._affine(e))
        if self.store.contains(b, 0):
            if self._conditions is None:
                self._post(LinearNe([(1, b)], 0))
            else:
                self._need(self._equals(b, 0) ^ 1)
        return b

    def _absolute(self, e: Expression, target: int | None) -> Affine:
        terms, shift = self._affine(e.args[0])
        x = self._variable((terms, shift))
        if self.store.lo[x] >= 0:
            return terms, shift
        if self.store.hi[x] <= 0:
            return {y: -c for y, c in terms.items()}, -shift
        return self._function(("abs", x), lambda z: Absolute(z, x), target)

    def _extremum(self, e: Expression, target: int | None) -> Affine:
        forms = [self._affine(arg) for arg in e.args]
        if len(forms) == 1:
            return forms[0]
        xs = sorted({self._variable(form) for form in forms})
        if len(xs) == 1:
            return {xs[0]: 1}, 0
        kind = Minimum if e.op is Op.MINIMUM else Maximum
        return self._function((e.op, *xs), lambda z: kind(z, xs), target)

    def _common(self, e: Expression, target: int | None) -> Affine:
        """gcd and lcm, two at a time."""
        if len(e.args) == 1:
            return self._absolute(e, target)
        kind = Gcd if e.op is Op.GCD else Lcm
        xs = [self._variable(self._affine(arg)) for arg in e.args]
        x = xs[0]
        for y in xs[1:]:
            pair = min(x, y), max(x, y)
            (x,) = self._function(
                (e.op, *pair),
                lambda z, pair=pair: kind(z, *pair),  # type: ignore[misc]
                target if len(xs) == 2 else None,
            )[0]
        return {x: 1}, 0

    def _choice(self, e: Expression, target: int | None) -> Affine:
        condition = self._literal(e.args[0])
        if self.store.is_true(condition):
            return self._affine(e.args[1], target)
        if self.store.is_false(condition):
            return self._affine(e.args[2], target)
        # Only the chosen branch need be defined.
        with self._captured() as then_needs:
            x = self._variable(self._affine(e.args[1]))
        with self._captured() as else_needs:
            y = self._variable(self._affine(e.args[2]))
        for need in then_needs:
            self._need(self._either([condition ^ 1, need]))
        for need in else_needs:
            self._need(self._either([condition, need]))
        return self._function(("if", condition, x, y), lambda z: Choice(z, condition, x, y), target)

    def _element(self, e: Expression, target: int | None) -> Affine:
        index = self._variable(self._affine(e.args[0]))
        forms = [self._affine(arg) for arg in e.args[1:]]
        store = self.store
        if self._conditions is None:
            store.set_lo(index, 0)
            store.set_hi(index, len(forms) - 1)
        else:
            self._need(self._at_most(index, -1) ^ 1)
            self._need(self._at_most(index, len(forms) - 1))
        if store.is_fixed(index) and 0 <= store.lo[index] < len(forms):
            return forms[store.lo[index]]
        items = [self._variable(form) for form in forms]
        return self._function(
            ("element", index, *items), lambda z: Element(z, index, items, self._zero), target
        )

    def _count(self, e: Expression, target: int | None) -> Affine:
        value, *items = e.args
        if value.op is Op.CONSTANT:
            with self._captured() as conditions:
                xs = [self._variable(self._affine(item)) for item in items]
            if not conditions:
                return self._function(("count", value.data, *xs), lambda z: Count(z, xs, value.data), target)
        return self._sum([Expression(Op.EQUAL, (item, value)) for item in items])

    def _global(self, e: Expression, target: int | None) -> Affine:
        xs = [self._variable(self._affine(arg)) for arg in e.args]
        if self.spell_out:
            return self._affine(e.data.simpler(e.args), target)
        for need in e.data.needs(e.args):
            self._need(self._literal(need))
        return self._function(("function", e.data, *xs), lambda z: e.data.propagator(z, xs), target)

    # Helpers ---------------------------------------------------------------------------------------------

    def _shifted(self, args: Sequence[Expression]) -> tuple[list[int], list[int]]:
        """Each argument as a variable and an offset."""
        xs, offsets = [], []
        for arg in args:
            terms, shift = self._affine(arg)
            xs.append(self._variable((terms, 0) if terms else ({}, shift)))
            offsets.append(shift if terms else 0)
        return xs, offsets

    def _check_range(self, coefficients: Iterable[int]) -> None:
        """Raises OutOfRange for a coefficient so large that a bound times it might pass for infinite."""
        margin = self.store.limit.bit_length() // 4
        if any(c.bit_length() > margin for c in coefficients):
            raise OutOfRange

    def _need(self, literal: int) -> None:
        """The term being lowered is defined only where the literal holds."""
        if self._conditions is None:
            self.store.assign(literal)
        elif not self.store.is_true(literal):
            self._conditions.append(literal)

    @contextmanager
    def _captured(self) -> Iterator[list[int]]:
        """Collects the conditions of the terms lowered meanwhile, instead of asserting them."""
        outer = self._conditions
        conditions: list[int] = []
        self._conditions = conditions
        try:
            yield conditions
        finally:
            self._conditions = outer

    def _is_bit(self, x: int) -> bool:
        return self.store.lo[x] >= 0 and self.store.hi[x] <= 1

    def _post(self, propagator: Propagator) -> None:
        self.store.post(propagator)


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


_COMPARED = frozenset({Op.EQUAL, Op.NOT_EQUAL, Op.LESS_EQUAL, Op.LESS, Op.GREATER_EQUAL, Op.GREATER})

_NEGATED = {
    Op.EQUAL: Op.NOT_EQUAL,
    Op.NOT_EQUAL: Op.EQUAL,
    Op.LESS_EQUAL: Op.GREATER,
    Op.LESS: Op.GREATER_EQUAL,
    Op.GREATER_EQUAL: Op.LESS,
    Op.GREATER: Op.LESS_EQUAL,
}

_FUNCTIONS: dict[Op, Callable[[Lowering, Expression, int | None], Affine]] = {
    Op.MULTIPLY: Lowering._multiply,
    Op.FLOOR_DIVIDE: Lowering._quotient,
    Op.CEIL_DIVIDE: Lowering._ceil_quotient,
    Op.MODULO: Lowering._remainder,
    Op.POWER: Lowering._power,
    Op.ABSOLUTE: Lowering._absolute,
    Op.MINIMUM: Lowering._extremum,
    Op.MAXIMUM: Lowering._extremum,
    Op.GCD: Lowering._common,
    Op.LCM: Lowering._common,
    Op.CHOOSE: Lowering._choice,
    Op.ELEMENT: Lowering._element,
    Op.COUNT: Lowering._count,
    Op.FUNCTION: Lowering._global,
}
