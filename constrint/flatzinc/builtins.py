"""What the builtins of FlatZinc mean, as expressions (The MiniZinc Handbook, "FlatZinc builtins").

Each takes its arguments as they stand in the constraint. `NAME_reif` and `NAME_imp` exist for every one:
their last argument is a boolean that is equivalent to the constraint, or implies it. Where a term is
undefined the constraint is false. MiniZinc's div and mod round towards zero, Python's down.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from constrint.expressions import Expression, Op, add, apply, connect, constant, multiply
from constrint.expressions import member as member_of
from constrint.flatzinc.global_constraints import GLOBALS
from constrint.flatzinc.syntax import Set
from constrint.functions import choose, element, iff, implies, maximum, minimum, xor

Term = Expression


@dataclass(frozen=True)
class Builtin:
    """A constraint: the kinds of its arguments, a letter each, and what it means.

    i: integer, b: boolean, n: constant integer, s: constant set; capitals: arrays of them.
    """

    kinds: str
    meaning: Callable[..., Expression]


KINDS = {
    "i": "an integer",
    "b": "a boolean",
    "n": "a constant integer",
    "s": "a constant set of integers",
    "I": "an array of integers",
    "B": "an array of booleans",
    "N": "an array of constant integers",
    "S": "an array of constant sets",
}


def within(term: Term, members: Set) -> Expression:
    """Whether the term is in the constant set."""
    if len(members) == 1:
        ((first, last),) = members
        return connect(Op.AND, term >= first, term <= last) if first < last else term == first
    if _size(members) <= _MOST_LISTED:
        return member_of(term, [value for first, last in members for value in range(first, last + 1)])
    return connect(Op.OR, *[within(term, (each,)) for each in members])


_MOST_LISTED = 4096
"""Sets of at most this many members are listed."""


def _linear(coefficients: Sequence[int], terms: Sequence[Term]) -> Expression:
    return add(*[multiply(c, x) for c, x in zip(coefficients, terms, strict=True)])


def _quotient(a: Term, b: Term, c: Term) -> Expression:
    """c = a div b: |c| = |a| // |b|, and the sign of c, if it is not 0, is that of a·b."""
    same = iff(a >= 0, b >= 0)
    return connect(
        Op.AND, abs(a) // abs(b) == abs(c), implies(c > 0, same), implies(c < 0, apply(Op.NOT, same))
    )


def _remainder(a: Term, b: Term, c: Term) -> Expression:
    """c = a mod b: |c| = |a| % |b|, and the sign of c, if it is not 0, is that of a."""
    return connect(Op.AND, abs(a) % abs(b) == abs(c), implies(c > 0, a >= 0), implies(c < 0, a < 0))


def _power(x: Term, y: Term, z: Term) -> Expression:
    """z = x ** y; for a negative y, 1 div x ** -y, which is 0 beyond ±1 and undefined for 0."""
    odd = choose(y % 2 == 1, x, constant(1))
    inverse = choose(connect(Op.AND, x >= -1, x <= 1), odd, constant(0))
    return connect(
        Op.AND,
        implies(y >= 0, z == x**y),
        implies(y < 0, connect(Op.AND, x != 0, z == inverse)),
    )


def _element(index: Term, items: Sequence[Term], value: Term) -> Expression:
    chosen: Expression = element(index - 1, items)
    return chosen == value


def _all(items: Sequence[Term]) -> Expression:
    return connect(Op.AND, *items)


def _any(items: Sequence[Term]) -> Expression:
    return connect(Op.OR, *items)


def _clause(positive: Sequence[Term], negative: Sequence[Term]) -> Expression:
    return connect(Op.OR, *positive, *[apply(Op.NOT, item) for item in negative])


def _xor(a: Term, b: Term, r: Term | None = None) -> Expression:
    return xor(a, b) if r is None else iff(xor(a, b), r)


def _odd(items: Sequence[Term]) -> Expression:
    return xor(list(items)) if items else constant(0)


def _extremum(function: Callable[..., Expression]) -> Callable[..., Expression]:
    def meaning(value: Term, items: Sequence[Term]) -> Expression:
        return function(items) == value if items else constant(0)

    return meaning


def _size(members: Set) -> int:
    return sum(last - first + 1 for first, last in members)


def _compared(holds: Callable[[Set, Set], bool]) -> Callable[[Set, Set], Expression]:
    """A relation of constant sets."""
    return lambda x, y: constant(int(holds(x, y)))


def _is_subset(x: Set, y: Set) -> bool:
    return all(any(low <= first and last <= high for low, high in y) for first, last in x)


def _comes_before(x: Set, y: Set) -> bool:
    """MiniZinc's order of sets: that of the sorted lists of their members."""
    for (first, last), (other_first, other_last) in zip(x, y, strict=False):
        if first != other_first:
            return first < other_first
        if last != other_last:
            # The shorter range goes on with something larger, or ends, which comes first.
            return x[-1][1] == last if last < other_last else y[-1][1] != other_last
    return len(x) < len(y)


BUILTINS: dict[str, Builtin] = {
    # Integers
    "int_eq": Builtin("ii", lambda a, b: a == b),
    "int_ne": Builtin("ii", lambda a, b: a != b),
    "int_le": Builtin("ii", lambda a, b: a <= b),
    "int_lt": Builtin("ii", lambda a, b: a < b),
    "int_ge": Builtin("ii", lambda a, b: a >= b),
    "int_gt": Builtin("ii", lambda a, b: a > b),
    "int_abs": Builtin("ii", lambda a, b: abs(a) == b),
    "int_plus": Builtin("iii", lambda a, b, c: a + b == c),
    "int_minus": Builtin("iii", lambda a, b, c: a - b == c),
    "int_times": Builtin("iii", lambda a, b, c: a * b == c),
    "int_div": Builtin("iii", _quotient),
    "int_mod": Builtin("iii", _remainder),
    "int_pow": Builtin("iii", _power),
    "int_max": Builtin("iii", lambda a, b, c: maximum(a, b) == c),
    "int_min": Builtin("iii", lambda a, b, c: minimum(a, b) == c),
    "int_lin_eq": Builtin("NIn", lambda c, x, bound: _linear(c, x) == bound),
    "int_lin_ne": Builtin("NIn", lambda c, x, bound: _linear(c, x) != bound),
    "int_lin_le": Builtin("NIn", lambda c, x, bound: _linear(c, x) <= bound),
    "array_int_element": Builtin("iIi", _element),
    "array_var_int_element": Builtin("iIi", _element),
    "array_int_maximum": Builtin("iI", _extremum(maximum)),
    "array_int_minimum": Builtin("iI", _extremum(minimum)),
    # Booleans
    "bool2int": Builtin("bi", lambda a, b: a == b),
    "bool_eq": Builtin("bb", lambda a, b: a == b),
    "bool_ne": Builtin("bb", lambda a, b: a != b),
    "bool_not": Builtin("bb", lambda a, b: a != b),
    "bool_le": Builtin("bb", lambda a, b: implies(a, b)),
    "bool_lt": Builtin("bb", lambda a, b: connect(Op.AND, apply(Op.NOT, a), b)),
    "bool_and": Builtin("bbb", lambda a, b, r: iff(r, _all([a, b]))),
    "bool_or": Builtin("bbb", lambda a, b, r: iff(r, _any([a, b]))),
    "bool_xor": Builtin("bb[b]", _xor),
    "bool_clause": Builtin("BB", _clause),
    "bool_lin_eq": Builtin("NBi", lambda c, x, bound: _linear(c, x) == bound),
    "bool_lin_ne": Builtin("NBi", lambda c, x, bound: _linear(c, x) != bound),
    "bool_lin_le": Builtin("NBi", lambda c, x, bound: _linear(c, x) <= bound),
    "array_bool_and": Builtin("Bb", lambda items, r: iff(r, _all(items))),
    "array_bool_or": Builtin("Bb", lambda items, r: iff(r, _any(items))),
    "array_bool_xor": Builtin("B", _odd),
    "array_bool_element": Builtin("iBb", _element),
    "array_var_bool_element": Builtin("iBb", _element),
    # Constant sets
    "set_in": Builtin("is", within),
    "set_card": Builtin("si", lambda x, n: n == _size(x)),
    "set_eq": Builtin("ss", _compared(lambda x, y: x == y)),
    "set_ne": Builtin("ss", _compared(lambda x, y: x != y)),
    "set_lt": Builtin("ss", _compared(_comes_before)),
    "set_le": Builtin("ss", _compared(lambda x, y: x == y or _comes_before(x, y))),
    "set_subset": Builtin("ss", _compared(_is_subset)),
    "set_superset": Builtin("ss", _compared(lambda x, y: _is_subset(y, x))),
    # Global constraints
    **{f"constrint_{name}": Builtin(kinds, meaning) for name, (kinds, meaning) in GLOBALS.items()},
}
"""The constraints by name, without the reified ones."""


def find(name: str) -> Builtin | None:
    """The builtin of this name, reified ones included; None where there is none."""
    if name in BUILTINS:
        return BUILTINS[name]
    for suffix, connective in (("_reif", iff), ("_imp", implies)):
        base = BUILTINS.get(name.removesuffix(suffix)) if name.endswith(suffix) else None
        if base is not None:
            return Builtin(base.kinds.replace("[b]", "") + "b", _reified(base.meaning, connective))
    return None


def _reified(
    meaning: Callable[..., Expression], connective: Callable[[Any, Any], Expression]
) -> Callable[..., Expression]:
    def reified(*arguments: Any) -> Expression:
        return connective(arguments[-1], meaning(*arguments[:-1]))

    return reified
