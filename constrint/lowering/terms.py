"""Terms that are no sums: each operation as an affine form over the variable that is its value.

A partial operation (//, %, **, an index) is made total, and the condition under which it is defined is needed
by the comparison around it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from constrint.engine.propagators.arithmetic import Absolute, Power, PowerOfConstant, Product
from constrint.engine.propagators.counting import Count
from constrint.engine.propagators.divisors import Gcd, Lcm
from constrint.engine.propagators.extremum import Maximum, Minimum
from constrint.engine.propagators.linear import LinearNe
from constrint.engine.propagators.logic import Choice
from constrint.engine.propagators.membership import Element
from constrint.engine.store import OutOfRange
from constrint.expressions import Expression, Op
from constrint.lowering.definitions import Affine

if TYPE_CHECKING:
    from constrint.lowering.constraints import Lowering


def _multiply(lowering: Lowering, e: Expression, target: int | None) -> Affine:
    scale = 1
    powers: dict[int, int] = {}
    whole: Affine | None = None
    for arg in e.args:
        terms, shift = lowering.affine(arg)
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
            x = lowering.variable((terms, shift))
            powers[x] = powers.get(x, 0) + 1
    if scale == 0:
        return {}, 0
    if whole is None:
        whole = _monomial(lowering, powers, target if scale == 1 else None)
    terms, shift = whole
    return {x: c * scale for x, c in terms.items()}, shift * scale


def _monomial(lowering: Lowering, powers: dict[int, int], target: int | None) -> Affine:
    """The product of variables with their exponents."""
    store = lowering.store
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
    xs = [_power_of(lowering, x, n, target if single and scale == 1 else None) for x, n in factors]
    if single:
        return {xs[0]: scale}, 0
    terms, _ = lowering.function(("*", *xs), lambda z: Product(z, xs), target if scale == 1 else None)
    return dict.fromkeys(terms, scale), 0


def _power_of(lowering: Lowering, x: int, n: int, target: int | None) -> int:
    """The variable x ** n, for n >= 1."""
    if n == 1:
        return x
    (z,) = lowering.function(("**", x, n), lambda z: PowerOfConstant(z, x, n), target)[0]
    return z


def _power(lowering: Lowering, e: Expression, target: int | None) -> Affine:
    x = lowering.value(e.args[0])
    y = lowering.value(e.args[1])
    store = lowering.store
    if store.is_fixed(y):
        n = store.lo[y]
        if n == 0:
            return {}, 1
        if n > 0:
            return {_power_of(lowering, x, n, target): 1}, 0
    if store.lo[y] < 0:
        lowering.need(lowering.at_most(y, -1) ^ 1)
    return lowering.function(("pow", x, y), lambda z: Power(z, x, y), target)


def _quotient(lowering: Lowering, e: Expression, target: int | None) -> Affine:
    a = lowering.value(e.args[0])
    b = divisor(lowering, e.args[1])
    if b == 0:
        return {a: 1}, 0
    return {lowering.division(a, b, target, None)[0]: 1}, 0


def _remainder(lowering: Lowering, e: Expression, target: int | None) -> Affine:
    a = lowering.value(e.args[0])
    b = divisor(lowering, e.args[1])
    if b == 0:
        return {}, 0
    return {lowering.division(a, b, None, target)[1]: 1}, 0


def _ceil_quotient(lowering: Lowering, e: Expression, target: int | None) -> Affine:
    """ceil(a / b) = (a + b - 1) // b for a constant b > 0, else -(-a // b)."""
    terms, shift = lowering.affine(e.args[0])
    b = divisor(lowering, e.args[1])
    store = lowering.store
    if store.is_fixed(b) and store.lo[b] > 0:
        a = lowering.variable((terms, shift + store.lo[b] - 1))
        return {lowering.division(a, b, target, None)[0]: 1}, 0
    a = lowering.variable(({x: -c for x, c in terms.items()}, -shift))
    return {lowering.division(a, b, None, None)[0]: -1}, 0


def divisor(lowering: Lowering, e: Expression) -> int:
    """The variable of a divisor, which is not 0 where the term is defined."""
    b = lowering.value(e)
    if lowering.store.contains(b, 0):
        if lowering.conditions is None:
            lowering.store.post(LinearNe([(1, b)], 0))
        else:
            lowering.need(lowering.equals(b, 0) ^ 1)
    return b


def _absolute(lowering: Lowering, e: Expression, target: int | None) -> Affine:
    terms, shift = lowering.affine(e.args[0])
    x = lowering.variable((terms, shift))
    if lowering.store.lo[x] >= 0:
        return terms, shift
    if lowering.store.hi[x] <= 0:
        return {y: -c for y, c in terms.items()}, -shift
    return lowering.function(("abs", x), lambda z: Absolute(z, x), target)


def _extremum(lowering: Lowering, e: Expression, target: int | None) -> Affine:
    forms = [lowering.affine(arg) for arg in e.args]
    if len(forms) == 1:
        return forms[0]
    xs = sorted({lowering.variable(form) for form in forms})
    if len(xs) == 1:
        return {xs[0]: 1}, 0
    kind = Minimum if e.op is Op.MINIMUM else Maximum
    return lowering.function((e.op, *xs), lambda z: kind(z, xs), target)


def _common(lowering: Lowering, e: Expression, target: int | None) -> Affine:
    """gcd and lcm, two at a time."""
    if len(e.args) == 1:
        return _absolute(lowering, e, target)
    kind = Gcd if e.op is Op.GCD else Lcm
    xs = [lowering.value(arg) for arg in e.args]
    x = xs[0]
    for y in xs[1:]:
        pair = min(x, y), max(x, y)
        (x,) = lowering.function(
            (e.op, *pair),
            lambda z, pair=pair: kind(z, *pair),  # type: ignore[misc]
            target if len(xs) == 2 else None,
        )[0]
    return {x: 1}, 0


def _choice(lowering: Lowering, e: Expression, target: int | None) -> Affine:
    condition = lowering.literal(e.args[0])
    if lowering.store.is_true(condition):
        return lowering.affine(e.args[1], target)
    if lowering.store.is_false(condition):
        return lowering.affine(e.args[2], target)
    # Only the chosen branch need be defined.
    with lowering.captured() as then_needs:
        x = lowering.value(e.args[1])
    with lowering.captured() as else_needs:
        y = lowering.value(e.args[2])
    for need in then_needs:
        lowering.need(lowering.either([condition ^ 1, need]))
    for need in else_needs:
        lowering.need(lowering.either([condition, need]))
    return lowering.function(("if", condition, x, y), lambda z: Choice(z, condition, x, y), target)


def _element(lowering: Lowering, e: Expression, target: int | None) -> Affine:
    index = lowering.value(e.args[0])
    forms = [lowering.affine(arg) for arg in e.args[1:]]
    store = lowering.store
    if lowering.conditions is None:
        store.set_lo(index, 0)
        store.set_hi(index, len(forms) - 1)
    else:
        lowering.need(lowering.at_most(index, -1) ^ 1)
        lowering.need(lowering.at_most(index, len(forms) - 1))
    if store.is_fixed(index) and 0 <= store.lo[index] < len(forms):
        return forms[store.lo[index]]
    items = [lowering.variable(form) for form in forms]
    return lowering.function(
        ("element", index, *items), lambda z: Element(z, index, items, lowering.constant(0)), target
    )


def _count(lowering: Lowering, e: Expression, target: int | None) -> Affine:
    value, *items = e.args
    if value.op is Op.CONSTANT:
        with lowering.captured() as conditions:
            xs = [lowering.value(item) for item in items]
        if not conditions:
            return lowering.function(("count", value.data, *xs), lambda z: Count(z, xs, value.data), target)
    equalities = tuple(Expression(Op.EQUAL, (item, value)) for item in items)
    return lowering.affine(Expression(Op.ADD, equalities))


def _global(lowering: Lowering, e: Expression, target: int | None) -> Affine:
    xs = [lowering.value(arg) for arg in e.args]
    if lowering.spell_out:
        return lowering.affine(e.data.simpler(e.args), target)
    for need in e.data.needs(e.args):
        lowering.need(lowering.literal(need))
    return lowering.function(("function", e.data, *xs), lambda z: e.data.propagator(z, xs), target)


FUNCTIONS: dict[Op, Callable[[Lowering, Expression, int | None], Affine]] = {
    Op.MULTIPLY: _multiply,
    Op.FLOOR_DIVIDE: _quotient,
    Op.CEIL_DIVIDE: _ceil_quotient,
    Op.MODULO: _remainder,
    Op.POWER: _power,
    Op.ABSOLUTE: _absolute,
    Op.MINIMUM: _extremum,
    Op.MAXIMUM: _extremum,
    Op.GCD: _common,
    Op.LCM: _common,
    Op.CHOOSE: _choice,
    Op.ELEMENT: _element,
    Op.COUNT: _count,
    Op.FUNCTION: _global,
}
"""How an operation is lowered; its value goes into the variable given last, if there is one."""
