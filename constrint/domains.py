"""What a problem states about one variable, and what a solver found out about it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from html import escape

from constrint.engine.store import Store
from constrint.numbers import long_integers


@dataclass(frozen=True)
class DomainSpec:
    """The statements of a declaration; all of them hold together. None where nothing is stated.

    `divides` allows the positive divisors only; `remainder` is (r, m) for x ≡ r (mod m); `power_of` b
    allows b ** k for k >= 0, with b >= 2.
    """

    low: int | None = None
    high: int | None = None
    values: tuple[int, ...] | None = None
    multiple_of: int | None = None
    divides: int | None = None
    remainder: tuple[int, int] | None = None
    power_of: int | None = None
    choices: tuple[str, ...] | None = None
    """Names of the values 0, 1, 2, …, which users then see instead."""

    def __repr__(self) -> str:
        stated = [(field.name, getattr(self, field.name)) for field in fields(self)]
        with long_integers():
            return (
                f"DomainSpec({', '.join(f'{name}={value}' for name, value in stated if value is not None)})"
            )

    def holds(self, value: int) -> bool:
        """Whether the declaration allows `value`."""
        return (
            (self.low is None or value >= self.low)
            and (self.high is None or value <= self.high)
            and (self.values is None or value in self.values)
            and (self.multiple_of is None or _is_multiple(value, self.multiple_of))
            and (self.divides is None or (value > 0 and self.divides % value == 0))
            and (self.remainder is None or _has_remainder(value, *self.remainder))
            and (self.power_of is None or _is_power(value, self.power_of))
        )

    def apply(self, store: Store, x: int) -> None:
        """States all this of the store's variable x.

        Raises Inconsistent where no value is left.
        """
        if self.low is not None:
            store.set_lo(x, self.low)
        if self.high is not None:
            store.set_hi(x, self.high)
        if self.multiple_of == 0:
            store.fix(x, 0)
        elif self.multiple_of is not None:
            store.state_congruence(x, abs(self.multiple_of), 0)
        if self.remainder is not None:
            remainder, modulus = self.remainder
            store.state_congruence(x, abs(modulus), remainder)
        if self.divides is not None:
            store.set_lo(x, 1)
            if self.divides:
                store.restrict_divisor(x, self.divides)
        if self.values is not None:
            store.keep(x, self.values)


@dataclass(frozen=True)
class Domain:
    """The values that a variable can still take; None where there is no such statement.

    The values are those between `min` and `max` that are ≡ `remainder` modulo `multiple_of` (a plain
    multiple where `remainder` is 0), divide `divides`, and are among `values`. `size` counts them, None
    for infinitely many, or where the divisors of a number too hard to factor would have to be counted.
    """

    min: int | None
    max: int | None
    multiple_of: int | None
    remainder: int | None
    divides: int | None
    values: tuple[int, ...] | None
    size: int | None

    def __contains__(self, value: object) -> bool:
        """Whether the value is still possible."""
        if not isinstance(value, int):
            return False
        return (
            (self.min is None or value >= self.min)
            and (self.max is None or value <= self.max)
            and (self.values is None or value in self.values)
            and (self.multiple_of is None or _has_remainder(value, self.remainder or 0, self.multiple_of))
            and (self.divides is None or (value != 0 and self.divides % value == 0))
        )

    def __str__(self) -> str:
        with long_integers():
            return self._text()

    def __repr__(self) -> str:
        return f"<Domain {self}>"

    def _repr_html_(self) -> str:
        return f"<code>{escape(str(self))}</code>"

    def _text(self) -> str:
        if self.values is not None:
            return "{" + ", ".join(map(str, self.values)) + "}"
        if self.min is not None and self.min == self.max:
            return str(self.min)
        low = "-∞" if self.min is None else str(self.min)
        high = "∞" if self.max is None else str(self.max)
        text = f"{low} .. {high}"
        if self.multiple_of is not None:
            text += f", multiple of {self.multiple_of}"
            if self.remainder:
                text += f" plus {self.remainder}"
        if self.divides is not None:
            text += f", divides {self.divides}"
        return text


def read_domain(store: Store, x: int) -> Domain:
    """The domain of the store's variable x as it stands."""
    low = store.lo[x] if store.lo[x] > -store.limit else None
    high = store.hi[x] if store.hi[x] < store.limit else None
    values = tuple(store.members(x)) if store.values[x] is not None else None
    finite = low is not None and high is not None
    modulus, remainder = store.mod[x], store.rem[x]
    if values is not None and len(values) > 1:
        # Whatever was stated, the gaps between the values tell it best.
        modulus, remainder = _congruence(values)
    return Domain(
        min=low,
        max=high,
        multiple_of=modulus if modulus > 1 else None,
        remainder=remainder if modulus > 1 else None,
        divides=store.div[x] or None,
        values=values,
        size=store.size(x) if finite and store.is_listed(x) else None,
    )


def _congruence(values: tuple[int, ...]) -> tuple[int, int]:
    from math import gcd

    modulus = gcd(*[value - values[0] for value in values[1:]])
    return modulus, values[0] % modulus


def _is_multiple(value: int, of: int) -> bool:
    return value % of == 0 if of else value == 0


def _has_remainder(value: int, remainder: int, modulus: int) -> bool:
    return (value - remainder) % abs(modulus) == 0


def _is_power(value: int, base: int) -> bool:
    power = 1
    while power < value:
        power *= base
    return power == value
