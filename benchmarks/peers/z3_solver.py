"""Z3: integers without bounds, every undefined term guarded, goals one after the other.

A goal is improved until Z3 proves that there is no better value, then held while the next is improved.
Z3 divides as Euclid did, so the quotients and remainders by a negative number are corrected.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

import z3

import constrint as ci
from benchmarks.peers.common import Answer, Domains, Refused, goals, statements
from constrint.domains import DomainSpec
from constrint.expressions import BOOLEANS, Expression, Op
from constrint.globals.base import spelled_out

_MOST_VALUES = 10_000


def solve(problem: ci.Problem, reduced: Domains) -> Answer:
    """The best solution, or that there is none.

    Raises Refused for what Z3 has no counterpart of, and where it gives up.
    """
    translation = _Translation()
    solver = z3.Solver()
    for name, domain in reduced.items():
        solver.add(*translation.declared(name, domain, problem.variables[name]))
    solver.add(*[translation.truth(expression) for expression in statements(problem)])
    wanted = []
    for goal, large in goals(problem):
        value, defined = translation.number(goal)
        solver.add(*defined)
        wanted.append(-value if large else value)
    solver.add(*translation.definitions)
    model = _model(solver)
    if model is None:
        return Answer(False)
    for goal in wanted:
        solver.push()
        best = model.eval(goal, model_completion=True).as_long()
        while True:
            solver.add(goal < best)
            better = _model(solver)
            if better is None:
                break
            model, best = better, better.eval(goal, model_completion=True).as_long()
        solver.pop()
        solver.add(goal == best)
    return Answer(
        True, {name: model.eval(z3.Int(name), model_completion=True).as_long() for name in problem.variables}
    )


def _model(solver: Any) -> Any:
    """A model, or None where there is none. Raises Refused where Z3 does not know."""
    status = solver.check()
    if status == z3.unknown:
        raise Refused(f"unknown: {solver.reason_unknown()}")
    return solver.model() if status == z3.sat else None


_COMPARISONS: dict[Op, Any] = {
    Op.EQUAL: lambda a, b: a == b,
    Op.NOT_EQUAL: lambda a, b: a != b,
    Op.LESS_EQUAL: lambda a, b: a <= b,
    Op.LESS: lambda a, b: a < b,
    Op.GREATER_EQUAL: lambda a, b: a >= b,
    Op.GREATER: lambda a, b: a > b,
}


class _Translation:
    """Writes expressions; `definitions` says what the variables stand for that had to be added."""

    def __init__(self) -> None:
        self.definitions: list[Any] = []

    def declared(self, name: str, domain: ci.Domain, spec: DomainSpec) -> list[Any]:
        """What the variable's domain says. Raises Refused for a domain that would have to be listed."""
        x = z3.Int(name)
        if domain.values is not None:
            return [_one_of(x, [value for value in domain.values if spec.holds(value)])]
        found = []
        if domain.min is not None:
            found.append(x >= domain.min)
        if domain.max is not None:
            found.append(x <= domain.max)
        if domain.multiple_of is not None:
            found.append((x - (domain.remainder or 0)) % domain.multiple_of == 0)
        if domain.divides is not None:
            found.append(z3.And(x != 0, domain.divides % x == 0))
        if spec.power_of is not None or spec.values is not None:
            raise Refused(f"the domain of '{name}' is not listed")
        return found

    def _fresh(self) -> Any:
        return z3.FreshInt()

    def truth(self, e: Expression) -> Any:
        """Whether the expression holds: is defined and not 0."""
        op, args = e.op, e.args
        if op is Op.RELATION:
            simpler = spelled_out(e)
            if simpler is None:
                raise Refused(f"no {type(e.data).__name__}")
            return self.truth(simpler)
        if op is Op.AND:
            return z3.And(*map(self.truth, args))
        if op is Op.OR:
            return z3.Or(*map(self.truth, args))
        if op is Op.NOT:
            return z3.Not(self.truth(args[0]))
        if op is Op.IMPLIES:
            return z3.Implies(*map(self.truth, args))
        if op is Op.IFF:
            return self.truth(args[0]) == self.truth(args[1])
        if op is Op.XOR:
            return reduce(z3.Xor, map(self.truth, args))
        if op not in BOOLEANS:
            value, defined = self.number(e)
            return z3.And(value != 0, *defined)
        pairs = [self.number(arg) for arg in args]
        values = [value for value, _ in pairs]
        defined = [condition for _, conditions in pairs for condition in conditions]
        if op in _COMPARISONS:
            said = _COMPARISONS[op](*values)
        elif op is Op.MEMBER:
            said = _one_of(values[0], e.data)
        elif op is Op.DIVIDES:
            a, b = values
            said = z3.If(a == 0, b == 0, b % a == 0)
        elif op is Op.ALL_DIFFERENT:
            said = z3.Distinct(*values)
        elif op is Op.TABLE:
            said = z3.Or(
                *[z3.And(*[x == v for x, v in zip(values, row, strict=True)]) for row in sorted(e.data)]
            )
        else:
            raise Refused(f"no {op.value}")
        return z3.And(said, *defined)

    def number(self, e: Expression) -> tuple[Any, list[Any]]:
        """The value of the expression, and the conditions under which it has one."""
        op, args = e.op, e.args
        if op is Op.CONSTANT:
            return z3.IntVal(e.data), []
        if op is Op.VARIABLE:
            return z3.Int(e.data), []
        if op in BOOLEANS:
            return z3.If(self.truth(e), z3.IntVal(1), z3.IntVal(0)), []
        if op is Op.FUNCTION:
            simpler = spelled_out(e)
            if simpler is None:
                raise Refused(f"no {type(e.data).__name__}")
            return self.number(simpler)
        if op is Op.CHOOSE:
            condition = self.truth(args[0])
            (then, then_defined), (other, other_defined) = map(self.number, args[1:])
            defined = [z3.If(condition, z3.And(*then_defined), z3.And(*other_defined))]
            return z3.If(condition, then, other), defined if then_defined or other_defined else []
        if op is Op.COUNT:
            value, *items = args
            equal = [self.truth(Expression(Op.EQUAL, (item, value))) for item in items]
            return z3.Sum([z3.If(one, z3.IntVal(1), z3.IntVal(0)) for one in equal]), []
        pairs = [self.number(arg) for arg in args]
        values = [value for value, _ in pairs]
        defined = [condition for _, conditions in pairs for condition in conditions]
        if op is Op.ADD:
            return z3.Sum(values), defined
        if op is Op.MULTIPLY:
            return z3.Product(values), defined
        if op is Op.ABSOLUTE:
            return z3.If(values[0] < 0, -values[0], values[0]), defined
        if op is Op.MINIMUM:
            return reduce(lambda a, b: z3.If(a <= b, a, b), values), defined
        if op is Op.MAXIMUM:
            return reduce(lambda a, b: z3.If(a >= b, a, b), values), defined
        if op is Op.GCD:
            return reduce(self._gcd, values, z3.IntVal(0)), defined
        if op is Op.LCM:
            return reduce(self._lcm, values, z3.IntVal(1)), defined
        if op is Op.ELEMENT:
            index, *items = values
            chosen = items[-1]
            for k in range(len(items) - 2, -1, -1):
                chosen = z3.If(index == k, items[k], chosen)
            return chosen, [*defined, index >= 0, index < len(items)]
        if op is Op.POWER:
            if args[1].op is not Op.CONSTANT or not 0 <= args[1].data <= 64:
                raise Refused("no power with an exponent that is not a small constant")
            return z3.Product([values[0]] * args[1].data) if args[1].data else z3.IntVal(1), defined
        a, b = values
        correct = z3.And(b < 0, a % b != 0)
        if op is Op.FLOOR_DIVIDE:
            return z3.If(correct, a / b - 1, a / b), [*defined, b != 0]
        if op is Op.MODULO:
            return z3.If(correct, a % b + b, a % b), [*defined, b != 0]
        if op is Op.CEIL_DIVIDE:
            quotient = z3.If(z3.And(b < 0, (-a) % b != 0), (-a) / b - 1, (-a) / b)
            return -quotient, [*defined, b != 0]
        raise Refused(f"no {op.value}")

    def _gcd(self, a: Any, b: Any) -> Any:
        """The only g >= 0 that divides both and is a combination of them."""
        g, p, q, x, y = (self._fresh() for _ in range(5))
        self.definitions += [g >= 0, a == g * p, b == g * q, g == a * x + b * y]
        return g

    def _lcm(self, a: Any, b: Any) -> Any:
        """The only l >= 0 with l * gcd(a, b) = |a * b|, 0 where both are 0."""
        multiple, g = self._fresh(), self._gcd(a, b)
        size = z3.If(a * b < 0, -a * b, a * b)
        self.definitions += [multiple >= 0, multiple * g == size, z3.Implies(g == 0, multiple == 0)]
        return multiple


def _one_of(x: Any, values: Any) -> Any:
    """Whether x is one of the values. Raises Refused for very many of them."""
    if len(values) > _MOST_VALUES:
        raise Refused("a domain of very many values")
    return z3.Or(*[x == value for value in values])
