"""Constraints as a graph of shared terms in a normal form that makes good summaries.

Equal subexpressions are one term. Comparisons are `sum op constant` with coefficients free of common
factors, sums are flat with coefficients, products are flat; conjunctions are minima of booleans,
disjunctions maxima, and a remainder by a constant is taken within the sum or product below it. So the
part of a sum, product, minimum, … whose variables have values is one number, whatever else is open.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from constrint.diagram.bounds import Bounds, bounds_of_term
from constrint.diagram.values import Values, bounds_of
from constrint.errors import SizeLimitError, UndefinedTerm
from constrint.evaluation import evaluate
from constrint.expressions import COMPARISONS, MAX_BITS, Expression, Op
from constrint.globals.base import spelled_out

NEVER = 1 << 60
"""The position of the first variable of a term without variables."""

FOLDS = frozenset({Op.ADD, Op.MULTIPLY, Op.MINIMUM, Op.MAXIMUM, Op.GCD, Op.LCM, Op.ALL_DIFFERENT})
"""Operations whose arguments can be taken in one by one."""

MASK_SPAN = 62
"""All-different terms whose values span at most so many integers remember the used ones as bits."""


@dataclass(slots=True, eq=False)
class Term:
    """An operation on terms. `data` belongs to the operation:

    CONSTANT: its value; VARIABLE: its position in the order; ADD: (coefficients, constant, modulus or
    None); MULTIPLY: modulus or None; MEMBER, TABLE and RELATION: as in expressions; ALL_DIFFERENT: (least
    value, whether used values are bits).

    `first` and `last` are the positions of its first and last variable. `magnitude` bounds every number
    that is met while it is evaluated.
    """

    number: int
    op: Op
    args: tuple[Term, ...]
    data: Any
    first: int
    last: int
    bounds: Bounds
    magnitude: int

    @property
    def is_constant(self) -> bool:
        """Whether it has no variables."""
        return self.last < 0

    @property
    def is_boolean(self) -> bool:
        """Whether it is always defined, and 0 or 1."""
        return self.bounds.safe is True and self.bounds.low >= 0 and self.bounds.high <= 1


class Terms:
    """The terms over variables that stand at given positions of an order."""

    def __init__(self, positions: dict[str, int], values: Sequence[Values]) -> None:
        self._positions = positions
        self._values = values
        self._known: dict[Any, Term] = {}
        self._scopes: dict[int, frozenset[int]] = {}
        self.all: list[Term] = []

    # Making terms ------------------------------------------------------------------------------------

    def constraint(self, expression: Expression) -> list[Term]:
        """The booleans that must all be true for the constraint to hold."""
        truth = self._truth(expression)
        return list(truth.args) if truth.op is Op.MINIMUM else [truth]

    def variables(self, term: Term) -> frozenset[int]:
        """The positions of the variables of the term."""
        found = self._scopes.get(term.number)
        if found is None:
            if term.op is Op.VARIABLE:
                found = frozenset((term.data,))
            else:
                found = frozenset().union(*[self.variables(arg) for arg in term.args])
            self._scopes[term.number] = found
        return found

    def variable_at(self, position: int) -> Term:
        """The variable at this position of the order, which occurs in some constraint."""
        return self._known[Op.VARIABLE, (), position]

    def _make(self, op: Op, args: Iterable[Term] = (), data: Any = None) -> Term:
        args = tuple(args)
        key = (op, tuple([arg.number for arg in args]), data)
        term = self._known.get(key)
        if term is None:
            bounds, magnitude = bounds_of_term(op, args, data)
            if magnitude.bit_length() > MAX_BITS:
                raise SizeLimitError(f"numbers of more than {MAX_BITS} bits")
            first = min([arg.first for arg in args], default=NEVER)
            last = max([arg.last for arg in args], default=-1)
            term = Term(len(self.all), op, args, data, first, last, bounds, magnitude)
            self._known[key] = term
            self.all.append(term)
        return term

    def _constant(self, value: int) -> Term:
        key = (Op.CONSTANT, (), value)
        term = self._known.get(key)
        if term is None:
            bounds = Bounds(value, value, True)
            term = Term(len(self.all), Op.CONSTANT, (), value, NEVER, -1, bounds, abs(value))
            self._known[key] = term
            self.all.append(term)
        return term

    def _variable(self, name: str) -> Term:
        position = self._positions[name]
        key = (Op.VARIABLE, (), position)
        term = self._known.get(key)
        if term is None:
            low, high = bounds_of(self._values[position])
            if low == high:
                term = self._constant(low)
            else:
                bounds = Bounds(low, high, True)
                magnitude = max(abs(low), abs(high))
                term = Term(len(self.all), Op.VARIABLE, (), position, position, position, bounds, magnitude)
                self.all.append(term)
            self._known[key] = term
        return term

    def _undefined(self) -> Term:
        """A term that never has a value."""
        return self._make(Op.FLOOR_DIVIDE, (self._constant(0), self._constant(0)))

    # Reading expressions -------------------------------------------------------------------------------

    def _term(self, e: Expression) -> Term:
        """The expression as a term."""
        if e.op is Op.CONSTANT:
            return self._constant(e.data)
        if e.op is Op.VARIABLE:
            return self._variable(e.data)
        if e.op in _BOOLEAN:
            return self._truth(e)
        return self._sum(*self._linear(e))

    def _linear(self, e: Expression) -> tuple[dict[Term, int], int]:
        """The expression as (coefficients of terms, constant)."""
        if e.op is Op.ADD:
            total: dict[Term, int] = {}
            constant = 0
            for arg in e.args:
                terms, shift = self._linear(arg)
                constant += shift
                for term, coefficient in terms.items():
                    total[term] = total.get(term, 0) + coefficient
            return total, constant
        if e.op is Op.MULTIPLY:
            return self._product(e)
        if e.op is Op.CEIL_DIVIDE:
            # ceil(a / b) = -(-a // b)
            above, shift = self._linear(e.args[0])
            negative = self._sum({term: -coefficient for term, coefficient in above.items()}, -shift)
            terms, constant = self._as_linear(
                self._operation(Op.FLOOR_DIVIDE, [negative, self._term(e.args[1])])
            )
            return {term: -coefficient for term, coefficient in terms.items()}, -constant
        if e.op is Op.COUNT:
            value, *items = e.args
            return self._linear(
                Expression(Op.ADD, tuple(Expression(Op.EQUAL, (item, value)) for item in items))
            )
        if e.op is Op.FUNCTION:
            simpler = spelled_out(e)
            assert simpler is not None
            return self._linear(simpler)
        if e.op in _BOOLEAN or e.op in (Op.CONSTANT, Op.VARIABLE):
            return self._as_linear(self._term(e))
        if e.op is Op.CHOOSE:
            args = [self._truth(e.args[0]), self._term(e.args[1]), self._term(e.args[2])]
            return self._as_linear(self._choice(*args))
        return self._as_linear(self._operation(e.op, [self._term(arg) for arg in e.args]))

    def _as_linear(self, term: Term) -> tuple[dict[Term, int], int]:
        if term.op is Op.CONSTANT:
            return {}, term.data
        if term.op is Op.ADD and term.data[2] is None:
            return dict(zip(term.args, term.data[0], strict=True)), term.data[1]
        return {term: 1}, 0

    def _product(self, e: Expression) -> tuple[dict[Term, int], int]:
        scale = 1
        factors: list[Term] = []
        for arg in e.args:
            terms, shift = self._linear(arg)
            if not terms:
                scale *= shift
                continue
            # A factor common to all coefficients goes before the product.
            common = math.gcd(shift, *terms.values())
            if common > 1:
                scale *= common
                terms, shift = {term: c // common for term, c in terms.items()}, shift // common
            term = self._sum(terms, shift)
            factors.extend(term.args if term.op is Op.MULTIPLY and term.data is None else (term,))
        if not factors:
            return {}, scale
        if len(factors) == 1:
            terms, shift = self._as_linear(factors[0])
            return {term: scale * c for term, c in terms.items()}, scale * shift
        factors.sort(key=lambda term: term.number)
        return {self._make(Op.MULTIPLY, factors): scale}, 0

    def _sum(self, terms: dict[Term, int], constant: int, modulus: int | None = None) -> Term:
        """The term of a linear form, reduced by the modulus if there is one."""
        if modulus is not None:
            constant %= modulus
            terms = {term: coefficient % modulus for term, coefficient in terms.items()}
        # A coefficient 0 only matters where the term may be undefined.
        kept = sorted((t.number, t, c) for t, c in terms.items() if c != 0 or t.bounds.safe is not True)
        if not kept:
            return self._constant(constant)
        if modulus is None and len(kept) == 1 and constant == 0 and kept[0][2] == 1:
            return kept[0][1]
        data = (tuple([c for _, _, c in kept]), constant, modulus)
        return self._make(Op.ADD, [t for _, t, _ in kept], data)

    def _operation(self, op: Op, args: list[Term]) -> Term:
        """An operation other than sums, products and booleans."""
        if all(arg.op is Op.CONSTANT for arg in args):
            try:
                folded = Expression(op, tuple(Expression(Op.CONSTANT, (), arg.data) for arg in args))
                return self._constant(evaluate(folded, {}))
            except UndefinedTerm:
                return self._make(op, args)
        if op is Op.MODULO and args[1].op is Op.CONSTANT and args[1].data != 0:
            return self._remainder(args[0], args[1].data)
        if op is Op.FLOOR_DIVIDE and args[1].op is Op.CONSTANT and args[1].data == 1:
            return args[0]
        if op in (Op.MINIMUM, Op.MAXIMUM, Op.GCD, Op.LCM):
            unique = {arg.number: arg for arg in args}
            if len(unique) == 1 and op in (Op.MINIMUM, Op.MAXIMUM):
                return args[0]
            args = [unique[number] for number in sorted(unique)]
        return self._make(op, args)

    def _remainder(self, term: Term, modulus: int) -> Term:
        """The term modulo a constant, which sums and products take in as they grow."""
        if term.bounds.safe is True and term.bounds.low >= 0 and term.bounds.high < modulus:
            return term
        if term.op is Op.MULTIPLY and term.data is None:
            return self._make(Op.MULTIPLY, term.args, modulus)
        terms, constant = self._as_linear(term)
        return self._sum(terms, constant, modulus)

    def _choice(self, condition: Term, then: Term, otherwise: Term) -> Term:
        if condition.op is Op.CONSTANT:
            return then if condition.data else otherwise
        return then if then is otherwise else self._make(Op.CHOOSE, (condition, then, otherwise))

    # Booleans --------------------------------------------------------------------------------------------

    def _truth(self, e: Expression) -> Term:
        """Whether the expression holds: defined and not 0."""
        op = e.op
        if op in COMPARISONS:
            return self._comparison(op, *e.args)
        if op is Op.AND or op is Op.OR:
            return self._junction(op, [self._truth(arg) for arg in e.args])
        if op is Op.NOT:
            return self._negation(self._truth(e.args[0]))
        if op is Op.IMPLIES:
            return self._junction(Op.OR, [self._negation(self._truth(e.args[0])), self._truth(e.args[1])])
        if op is Op.IFF:
            left, right = (self._truth(arg) for arg in e.args)
            return self._compared(Op.EQUAL, {left: 1, right: -1} if left is not right else {}, 0)
        if op is Op.XOR:
            parity: dict[Term, int] = {}
            shift = 0
            for arg in e.args:
                terms, constant = self._as_linear(self._truth(arg))
                shift += constant
                for term, coefficient in terms.items():
                    parity[term] = parity.get(term, 0) + coefficient
            return self._sum(parity, shift, 2)
        if op is Op.DIVIDES:
            return self._divisibility(self._term(e.args[0]), self._term(e.args[1]))
        if op is Op.MEMBER:
            return self._membership(self._term(e.args[0]), e.data)
        if op is Op.ALL_DIFFERENT:
            return self._all_different([self._term(arg) for arg in e.args])
        if op is Op.TABLE:
            return self._make(Op.TABLE, [self._term(arg) for arg in e.args], e.data)
        if op is Op.RELATION:
            return self._relation(e)
        return self._as_truth(self._term(e))

    def _relation(self, e: Expression) -> Term:
        """A global constraint in simpler terms, or evaluated at the end beside what follows from it."""
        simpler = spelled_out(e)
        if simpler is not None:
            return self._truth(simpler)
        whole = self._make(Op.RELATION, [self._term(arg) for arg in e.args], e.data)
        return self._junction(Op.AND, [whole, *[self._truth(part) for part in e.data.implied(e.args)]])

    def _as_truth(self, term: Term) -> Term:
        return term if term.is_boolean else self._compared(Op.NOT_EQUAL, *self._as_linear(term))

    def _negation(self, truth: Term) -> Term:
        if truth.op is Op.CONSTANT:
            return self._constant(1 - truth.data)
        return truth.args[0] if truth.op is Op.NOT else self._make(Op.NOT, (truth,))

    def _junction(self, op: Op, parts: list[Term]) -> Term:
        """Conjunction as the minimum, disjunction as the maximum of booleans."""
        kind, neutral = (Op.MINIMUM, 1) if op is Op.AND else (Op.MAXIMUM, 0)
        found: dict[int, Term] = {}
        for part in parts:
            if part.op is Op.CONSTANT:
                if part.data != neutral:
                    return part
                continue
            for each in part.args if part.op is kind else (part,):
                found[each.number] = each
        if not found:
            return self._constant(neutral)
        if len(found) == 1:
            return next(iter(found.values()))
        return self._make(kind, [found[number] for number in sorted(found)])

    def _comparison(self, op: Op, left: Expression, right: Expression) -> Term:
        terms, constant = self._linear(left)
        others, shift = self._linear(right)
        terms = dict(terms)
        for term, coefficient in others.items():
            terms[term] = terms.get(term, 0) - coefficient
        return self._compared(op, terms, shift - constant)

    def _compared(self, op: Op, terms: dict[Term, int], bound: int) -> Term:
        """`sum op bound` in normal form: only ==, !=, <= and >= are left."""
        if op is Op.LESS:
            op, bound = Op.LESS_EQUAL, bound - 1
        elif op is Op.GREATER:
            op, bound = Op.GREATER_EQUAL, bound + 1
        kept = {t: c for t, c in terms.items() if c != 0 or t.bounds.safe is not True}
        if kept:
            if kept[min(kept, key=lambda t: t.number)] < 0:
                kept, bound, op = {t: -c for t, c in kept.items()}, -bound, _MIRRORED.get(op, op)
            common = math.gcd(*kept.values()) or 1
            safe = all(t.bounds.safe is True for t in kept)
            if bound % common == 0 or op in (Op.LESS_EQUAL, Op.GREATER_EQUAL):
                kept = {t: c // common for t, c in kept.items()}
                bound = -(-bound // common) if op is Op.GREATER_EQUAL else bound // common
            elif op is Op.EQUAL:
                return self._constant(0)
            elif safe:
                return self._constant(1)
        compared = self._make(op, (self._sum(kept, 0), self._constant(bound)))
        low, high = compared.bounds.low, compared.bounds.high
        return self._constant(low) if low == high else compared

    def _divisibility(self, divisor: Term, term: Term) -> Term:
        if divisor.op is Op.CONSTANT and divisor.data != 0:
            remainder = self._remainder(term, abs(divisor.data))
            return self._compared(Op.EQUAL, *self._as_linear(remainder))
        return self._make(Op.DIVIDES, (divisor, term))

    def _membership(self, term: Term, data: tuple[int, ...]) -> Term:
        if not data:
            return self._constant(0)
        if data[-1] - data[0] + 1 == len(data):
            terms, constant = self._as_linear(term)
            ends = [
                self._compared(Op.GREATER_EQUAL, terms, data[0] - constant),
                self._compared(Op.LESS_EQUAL, terms, data[-1] - constant),
            ]
            return self._junction(Op.AND, ends)
        return self._make(Op.MEMBER, (term,), data)

    def _all_different(self, args: list[Term]) -> Term:
        if len({arg.number for arg in args}) < len(args):
            return self._constant(0)
        low = min((arg.bounds.low for arg in args), default=0)
        high = max((arg.bounds.high for arg in args), default=0)
        bits = high - low < MASK_SPAN and all(arg.bounds.safe is True for arg in args)
        return self._make(Op.ALL_DIFFERENT, args, (low, bits))


_MIRRORED = {Op.LESS_EQUAL: Op.GREATER_EQUAL, Op.GREATER_EQUAL: Op.LESS_EQUAL}

_BOOLEAN = COMPARISONS | {
    Op.AND,
    Op.OR,
    Op.NOT,
    Op.IMPLIES,
    Op.IFF,
    Op.XOR,
    Op.MEMBER,
    Op.DIVIDES,
    Op.ALL_DIFFERENT,
    Op.TABLE,
    Op.RELATION,
}
