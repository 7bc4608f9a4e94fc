"""Small domains and relations for the tests of propagators, each with its meaning beside it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

from hypothesis import strategies as st

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
from constrint.engine.propagators.linear import LinearEq, LinearLe, LinearNe
from constrint.engine.propagators.logic import Choice, Disjunction, Parity
from constrint.engine.propagators.membership import AtMost, Element, Equals, Member, Table
from constrint.engine.store import TRUE, Inconsistent, Store

LIMIT = 1 << 256

Rows = list[tuple[int, ...]]


@dataclass(frozen=True)
class Values:
    """A domain: an interval with a congruence, or an explicit set where `chosen` is given."""

    low: int
    high: int
    modulus: int = 1
    remainder: int = 0
    chosen: tuple[int, ...] | None = None

    @property
    def members(self) -> list[int]:
        if self.chosen is not None:
            return list(self.chosen)
        return [v for v in range(self.low, self.high + 1) if (v - self.remainder) % self.modulus == 0]

    def declare(self, store: Store) -> int:
        """A variable of the store with this domain."""
        x = store.new_variable(None, None)
        if self.chosen is not None:
            store.keep(x, self.chosen)
        else:
            store.set_lo(x, self.low)
            store.set_hi(x, self.high)
            store.restrict_congruence(x, self.modulus, self.remainder)
        return x


def exactly(*values: int) -> Values:
    """The explicit set of these values."""
    chosen = tuple(sorted(set(values)))
    return Values(chosen[0], chosen[-1], chosen=chosen)


BITS = st.sampled_from([Values(0, 1), Values(0, 1), Values(0, 0), Values(1, 1)])


@st.composite
def intervals(draw: st.DrawFn, least: int = -8, most: int = 9, width: int = 6) -> Values:
    """Plain intervals."""
    low = draw(st.integers(least, most))
    return Values(low, min(most, low + draw(st.integers(0, width))))


@st.composite
def sets(draw: st.DrawFn, least: int = -8, most: int = 9) -> Values:
    """Explicit sets, mostly with holes."""
    return exactly(*draw(st.lists(st.integers(least, most), min_size=1, max_size=5)))


@st.composite
def progressions(draw: st.DrawFn) -> Values:
    """Intervals with a congruence."""
    modulus = draw(st.integers(2, 6))
    first = draw(st.integers(-9, 9))
    return Values(first, first + modulus * draw(st.integers(0, 4)), modulus, first % modulus)


domains = st.one_of(intervals(), sets(), progressions())


@dataclass(frozen=True)
class Relation:
    """A propagator to be built, and what it means.

    `sorts` has an "i" for each integer variable and a "b" for each 0-1 variable.
    """

    text: str
    sorts: str
    make: Callable[[Sequence[int], int], Propagator]
    """From the variables, and the variable that is the constant 0."""
    holds: Callable[[Sequence[int]], bool]

    def __repr__(self) -> str:
        return self.text

    def rows(self, spaces: Sequence[Sequence[int]]) -> Rows:
        """The solutions in the product of the spaces."""
        return [row for row in product(*spaces) if self.holds(row)]


class Posted:
    """A store with a relation's variables; `propagator` is not yet posted."""

    def __init__(self, relation: Relation, spaces: Sequence[Values]) -> None:
        self.relation = relation
        self.store = Store(LIMIT)
        zero = self.store.new_variable(0, 0)
        self.xs = [space.declare(self.store) for space in spaces]
        self.propagator = relation.make(self.xs, zero)

    def members(self) -> list[list[int]]:
        """The values that are left to each variable."""
        return [list(self.store.members(x)) for x in self.xs]

    def bounds(self) -> list[tuple[int, int]]:
        return [(self.store.lo[x], self.store.hi[x]) for x in self.xs]

    def rest(self) -> bool:
        """Posts the relation and propagates until nothing changes; whether it is consistent."""
        try:
            self.store.post(self.propagator)
            self.store.propagate()
        except Inconsistent:
            return False
        return True

    def again(self) -> bool:
        """Runs the propagator once more; whether that changed a domain."""
        before = self.members()
        if not self.store.entailed[self.propagator.number]:
            self.propagator.propagate(self.store)
        return self.members() != before


def columns(rows: Rows) -> list[list[int]]:
    """The values that each variable takes in the rows."""
    return [sorted(set(column)) for column in zip(*rows, strict=True)]


# The relations ---------------------------------------------------------------------------------------

coefficients = st.integers(-4, 4).filter(bool)


def _literal(x: int, negated: bool) -> int:
    return 2 * x + negated


@st.composite
def linear(draw: st.DrawFn, kind: str, reified: bool, most: int = 3) -> Relation:
    c = draw(st.lists(coefficients, min_size=1, max_size=most))
    bound = draw(st.integers(-20, 20))
    negated = reified and draw(st.booleans())
    classes: dict[str, Callable[..., Propagator]] = {"<=": LinearLe, "==": LinearEq, "!=": LinearNe}
    rules: dict[str, Callable[[int], bool]] = {
        "<=": lambda total: total <= bound,
        "==": lambda total: total == bound,
        "!=": lambda total: total != bound,
    }

    def make(xs: Sequence[int], _zero: int) -> Propagator:
        terms = list(zip(c, xs, strict=False))
        return classes[kind](terms, bound, *([_literal(xs[-1], negated)] if reified else []))

    def holds(row: Sequence[int]) -> bool:
        truth = rules[kind](sum(k * v for k, v in zip(c, row, strict=False)))
        return truth == (bool(row[-1]) != negated) if reified else truth

    shown = f"{c}·x {kind} {bound}" + (f", truth {'not ' * negated}b" if reified else "")
    return Relation(shown, "i" * len(c) + "b" * reified, make, holds)


@st.composite
def products(draw: st.DrawFn) -> Relation:
    n = draw(st.integers(2, 3))
    return Relation(
        f"z = product of {n}",
        "i" * (n + 1),
        lambda xs, _zero: Product(xs[0], xs[1:]),
        lambda row: row[0] == math.prod(row[1:]),
    )


@st.composite
def constant_powers(draw: st.DrawFn) -> Relation:
    n = draw(st.integers(2, 5))
    return Relation(
        f"z = x ** {n}",
        "ii",
        lambda xs, _zero: PowerOfConstant(xs[0], xs[1], n),
        lambda row: row[0] == row[1] ** n,
    )


def _extremum(
    kind: type[Maximum] | type[Minimum], function: Callable[[Sequence[int]], int]
) -> Callable[[int], Relation]:
    def relation(n: int) -> Relation:
        return Relation(
            f"z = {kind.__name__} of {n}",
            "i" * (n + 1),
            lambda xs, _zero: kind(xs[0], xs[1:]),
            lambda row: row[0] == function(row[1:]),
        )

    return relation


def _divmod_holds(row: Sequence[int]) -> bool:
    a, b, q, r = row
    return (q, r) == (divmod(a, b) if b else (0, 0))


def _divides_holds(a: int, b: int) -> bool:
    return b % a == 0 if a else b == 0


@st.composite
def reified(
    draw: st.DrawFn, base: st.SearchStrategy[tuple[str, str, Callable[..., Propagator], Callable[..., bool]]]
) -> Relation:
    """A relation with the literal of its truth, which is the last variable or its negation."""
    text, sorts, make, holds = draw(base)
    negated = draw(st.booleans())
    return Relation(
        f"{text}, truth {'not ' * negated}b",
        sorts + "b",
        lambda xs, _zero: make(xs[:-1], _literal(xs[-1], negated)),
        lambda row: holds(row[:-1]) == (bool(row[-1]) != negated),
    )


@st.composite
def disjunctions(draw: st.DrawFn) -> Relation:
    signs = draw(st.lists(st.booleans(), min_size=1, max_size=4))
    always = draw(st.booleans())

    def make(xs: Sequence[int], _zero: int) -> Propagator:
        literals = [_literal(x, sign) for x, sign in zip(xs, signs, strict=False)]
        return Disjunction(literals, TRUE if always else 2 * xs[-1])

    def holds(row: Sequence[int]) -> bool:
        truth = any(bool(v) != sign for v, sign in zip(row, signs, strict=False))
        return truth if always else truth == bool(row[-1])

    return Relation(f"any of {signs}, always {always}", "b" * (len(signs) + (not always)), make, holds)


@st.composite
def parities(draw: st.DrawFn) -> Relation:
    signs = draw(st.lists(st.booleans(), min_size=1, max_size=4))
    return Relation(
        f"odd number of {signs}",
        "b" * len(signs),
        lambda xs, _zero: Parity([_literal(x, sign) for x, sign in zip(xs, signs, strict=True)]),
        lambda row: sum(bool(v) != sign for v, sign in zip(row, signs, strict=True)) % 2 == 1,
    )


@st.composite
def choices(draw: st.DrawFn) -> Relation:
    negated = draw(st.booleans())
    return Relation(
        f"z = x if {'not ' * negated}b else y",
        "iiib",
        lambda xs, _zero: Choice(xs[0], _literal(xs[3], negated), xs[1], xs[2]),
        lambda row: row[0] == (row[1] if bool(row[3]) != negated else row[2]),
    )


def element_of(n: int) -> Relation:
    """z = items[index] of n items."""
    return Relation(
        f"z = items[index] of {n}",
        "i" * (n + 2),
        lambda xs, zero: Element(xs[0], xs[1], xs[2:], zero),
        lambda row: row[0] == (row[2 + row[1]] if 0 <= row[1] < n else 0),
    )


@st.composite
def counts(draw: st.DrawFn) -> Relation:
    n = draw(st.integers(1, 4))
    value = draw(st.integers(-3, 3))
    return Relation(
        f"z = count of {value} in {n}",
        "i" * (n + 1),
        lambda xs, _zero: Count(xs[0], xs[1:], value),
        lambda row: row[0] == list(row[1:]).count(value),
    )


def _different(kind: Callable[[Sequence[int], Sequence[int]], Propagator]) -> st.SearchStrategy[Relation]:
    def relation(offsets: list[int]) -> Relation:
        return Relation(
            f"all different with {offsets}",
            "i" * len(offsets),
            lambda xs, _zero: kind(xs, offsets),
            lambda row: _are_different(row, offsets),
        )

    return st.lists(st.integers(-2, 2), min_size=1, max_size=4).map(relation)


def _are_different(row: Sequence[int], offsets: Sequence[int]) -> bool:
    return len({v + k for v, k in zip(row, offsets, strict=True)}) == len(offsets)


_few = st.lists(st.integers(-6, 7), min_size=1, max_size=4).map(lambda values: sorted(set(values)))
_table_rows = st.integers(1, 3).flatmap(
    lambda n: st.tuples(
        st.just(n), st.frozensets(st.tuples(*[st.integers(-3, 5)] * n), min_size=1, max_size=8)
    )
)

DIVMOD = Relation("a, b, q, r", "iiii", lambda xs, _zero: DivMod(*xs), _divmod_holds)
DIVIDES = Relation("a | b", "ii", lambda xs, _zero: Divides(*xs), lambda row: _divides_holds(*row))

RELATIONS: dict[str, st.SearchStrategy[Relation]] = {
    "LinearLe": linear("<=", False),
    "LinearLe reified": linear("<=", True),
    "LinearEq": linear("==", False),
    "LinearEq reified": linear("==", True),
    "LinearEq long": linear("==", False, most=5).filter(lambda relation: len(relation.sorts) > 3),
    "LinearNe": linear("!=", False),
    "Product": products(),
    "PowerOfConstant": constant_powers(),
    "Power": st.just(
        Relation(
            "z = x ** y",
            "iii",
            lambda xs, _zero: Power(xs[0], xs[1], xs[2]),
            lambda row: row[0] == (row[1] ** row[2] if row[2] >= 0 else 0),
        )
    ),
    "Absolute": st.just(
        Relation("z = |x|", "ii", lambda xs, _zero: Absolute(*xs), lambda row: row[0] == abs(row[1]))
    ),
    "Maximum": st.integers(1, 3).map(_extremum(Maximum, max)),
    "Minimum": st.integers(1, 3).map(_extremum(Minimum, min)),
    "DivMod": st.just(DIVMOD),
    "Gcd": st.just(
        Relation("z = gcd", "iii", lambda xs, _zero: Gcd(*xs), lambda row: row[0] == math.gcd(*row[1:]))
    ),
    "Lcm": st.just(
        Relation("z = lcm", "iii", lambda xs, _zero: Lcm(*xs), lambda row: row[0] == math.lcm(*row[1:]))
    ),
    "Divides": st.just(DIVIDES),
    "Divides reified": reified(
        st.just(
            ("a | b", "ii", lambda xs, truth: Divides(xs[0], xs[1], truth), lambda row: _divides_holds(*row))
        )
    ),
    "AtMost": reified(
        st.integers(-8, 9).map(
            lambda bound: (
                f"x <= {bound}",
                "i",
                lambda xs, truth: AtMost(xs[0], bound, truth),
                lambda row: row[0] <= bound,
            )
        )
    ),
    "Equals": reified(
        st.integers(-8, 9).map(
            lambda value: (
                f"x = {value}",
                "i",
                lambda xs, truth: Equals(xs[0], value, truth),
                lambda row: row[0] == value,
            )
        )
    ),
    "Member": reified(
        _few.map(
            lambda values: (
                f"x in {values}",
                "i",
                lambda xs, truth: Member(xs[0], values, truth),
                lambda row: row[0] in values,
            )
        )
    ),
    "Table": _table_rows.map(
        lambda drawn: Relation(
            f"table {sorted(drawn[1])}",
            "i" * drawn[0],
            lambda xs, _zero: Table(xs, drawn[1]),
            lambda row: tuple(row) in drawn[1],
        )
    ),
    "Table reified": reified(
        _table_rows.map(
            lambda drawn: (
                f"table {sorted(drawn[1])}",
                "i" * drawn[0],
                lambda xs, truth: Table(xs, drawn[1], truth),
                lambda row: tuple(row) in drawn[1],
            )
        )
    ),
    "Disjunction": disjunctions(),
    "Parity": parities(),
    "Choice": choices(),
    "Element": st.integers(1, 3).map(element_of),
    "Count": counts(),
    "DifferentValues": _different(DifferentValues),
    "DifferentBounds": _different(DifferentBounds),
    "DifferentMatching": _different(DifferentMatching),
    "DifferentTruth": reified(
        st.lists(st.integers(-2, 2), min_size=1, max_size=3).map(
            lambda offsets: (
                f"all different with {offsets}",
                "i" * len(offsets),
                lambda xs, truth: DifferentTruth(xs, offsets, truth),
                lambda row: _are_different(row, offsets),
            )
        )
    ),
}
"""By name. DifferentBounds and DifferentMatching prune only; DifferentValues beside them decides."""


@st.composite
def cases(
    draw: st.DrawFn, name: str, integers: st.SearchStrategy[Values] = domains
) -> tuple[Relation, list[Values]]:
    """A relation of this name, with a domain for each variable."""
    relation = draw(RELATIONS[name])
    return relation, [draw(integers if sort == "i" else BITS) for sort in relation.sorts]
