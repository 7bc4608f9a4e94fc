"""Terms on columns: exact values where all variables are known, bounds where some are not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any, TypeAlias

import numpy as np

from constrint.diagram import bounds as intervals
from constrint.diagram.bounds import Bounds, Number, choose
from constrint.diagram.terms import FOLDS, Term
from constrint.diagram.values import Column
from constrint.expressions import Op

Key: TypeAlias = Any
"""A register: the number of a term, or (kind, closed arguments) for the closed part of a fold."""

Exact: TypeAlias = "tuple[Number, Any]"
"""A value and where it is defined; 0 stands where it is not."""


def folds(term: Term) -> bool:
    """Whether the closed arguments of the term can be taken together into one number."""
    return term.op in FOLDS and (term.op is not Op.ALL_DIFFERENT or term.data[1])


def part_key(term: Term, closed: Sequence[Term]) -> Key:
    """The register of the closed arguments of a fold: the same for all terms with the same closed part."""
    if len(closed) == 1 and term.op is not Op.ALL_DIFFERENT:
        return closed[0].number
    if term.op is Op.ADD:
        chosen = {arg.number for arg in closed}
        coefficients, _, modulus = term.data
        scaled = zip(term.args, coefficients, strict=True)
        return Op.ADD, tuple([(arg.number, c) for arg, c in scaled if arg.number in chosen]), modulus
    members = tuple([arg.number for arg in closed])
    if term.op is Op.ALL_DIFFERENT:
        # What later arguments can meet is part of the meaning.
        return Op.ALL_DIFFERENT, members, term.number
    return term.op, members, term.data


class Columns:
    """The registers at a boundary and, for exact values, the column of the next variable.

    `definite` holds where registers are defined, for those that are not everywhere.
    """

    def __init__(
        self,
        boundary: int,
        registers: Mapping[Key, Column],
        definite: Mapping[Key, Column],
        *,
        wide: bool = False,
        domains: Sequence[Bounds] = (),
    ) -> None:
        self.boundary = boundary
        self.registers = registers
        self.definite = definite
        self.wide = wide
        self.known: dict[int, Exact] = {}
        self._domains = domains

    # Exact values --------------------------------------------------------------------------------------

    def truth(self, term: Term) -> Any:
        """Where the boolean is true."""
        if term.op in _COMPARE:
            (a, defined_a), (b, defined_b) = self.exact(term.args[0]), self.exact(term.args[1])
            return _COMPARE[term.op](a, b) & (defined_a & defined_b)
        return self.exact(term)[0] != 0

    def exact(self, term: Term) -> Exact:
        """The value of the term, all of whose variables are known here."""
        found = self.known.get(term.number)
        if found is None:
            if term.number in self.registers:
                found = self.registers[term.number], self.definite.get(term.number, True)
            elif term.op is Op.CONSTANT:
                return term.data, True
            elif term.op in _COMPARE:
                found = self._number(self.truth(term)), True
            elif folds(term):
                found = self._finish(term, self.part(term, term.args))
            else:
                found = self._plain(term)
            self.known[term.number] = found
        return found

    def part(self, term: Term, args: Sequence[Term]) -> Exact:
        """The fold of some of the arguments, those closed at the boundary being one register."""
        closed = [arg for arg in args if 0 <= arg.last < self.boundary]
        if len(closed) > 1 or (closed and term.op is Op.ALL_DIFFERENT):
            key = part_key(term, closed)
            if key in self.registers:
                start = self.registers[key], self.definite.get(key, True)
                return self._fold(term, start, [arg for arg in args if not 0 <= arg.last < self.boundary])
        return self._fold(term, (_START[term.op], True), args)

    def _fold(self, term: Term, start: Exact, args: Sequence[Term]) -> Exact:
        """Takes the arguments in, one by one."""
        total, defined = start
        op, data = term.op, term.data
        for arg in args:
            value, here = self.exact(arg)
            defined = defined & here
            if op is Op.ADD:
                coefficient = data[0][term.args.index(arg)]
                total = total + (value if coefficient == 1 else coefficient * value)
                if data[2] is not None:
                    total = total % data[2]
            elif op is Op.MULTIPLY:
                total = total * value
                if data is not None:
                    total = total % data
            elif op in (Op.MINIMUM, Op.MAXIMUM):
                pick = intervals.least if op is Op.MINIMUM else intervals.greatest
                total = value if total is None else pick(total, value)
            elif op is Op.ALL_DIFFERENT:
                bit = np.left_shift(1, intervals.greatest(value - data[0], 0))
                total = np.where((total & bit) != 0, -1, total | bit)
            else:
                total = (np.gcd if op is Op.GCD else np.lcm)(total, value)
        return total, defined

    def _finish(self, term: Term, folded: Exact) -> Exact:
        total, defined = folded
        if term.op is Op.ADD:
            total = total + term.data[1]
            if term.data[2] is not None:
                total = total % term.data[2]
        elif term.op is Op.ALL_DIFFERENT:
            return self._number(total >= 0), True
        return total, defined

    def _plain(self, term: Term) -> Exact:
        op = term.op
        values, defined = [], []
        for arg in term.args:
            value, here = self.exact(arg)
            values.append(value)
            defined.append(here)
        everywhere = reduce(lambda a, b: a & b, defined)
        if op is Op.NOT:
            return 1 - values[0], True
        if op is Op.CHOOSE:
            condition = values[0] != 0
            return choose(condition, values[1], values[2]), choose(condition, defined[1], defined[2])
        if op is Op.ABSOLUTE:
            return abs(values[0]), everywhere
        if op in (Op.FLOOR_DIVIDE, Op.MODULO):
            a, b = values
            zero = b == 0
            b = choose(zero, 1, b)
            value = a // b if op is Op.FLOOR_DIVIDE else a % b
            return value, everywhere & intervals.negated(zero)
        if op is Op.POWER:
            base, exponent = values
            negative = exponent < 0
            return base ** choose(negative, 0, exponent), everywhere & intervals.negated(negative)
        if op is Op.ELEMENT:
            return self._element(values[0], values[1:], everywhere)
        if op is Op.MEMBER:
            inside = np.isin(values[0], np.array(term.data, dtype=object if self.wide else np.int64))
        elif op is Op.DIVIDES:
            a, b = values
            inside = choose(a == 0, b == 0, b % choose(a == 0, 1, a) == 0)
        elif op is Op.ALL_DIFFERENT:
            rows = np.sort(np.stack(np.broadcast_arrays(*values)), axis=0)
            inside = (rows[1:] != rows[:-1]).all(axis=0)
        elif op is Op.RELATION:
            inside = _tuples_where(values, term.data.holds)
        else:
            inside = _tuples_where(values, term.data.__contains__)
        return self._number(inside & everywhere), True

    def _element(self, index: Number, items: Sequence[Number], defined: Any) -> Exact:
        inside = (index >= 0) & (index < len(items))
        where = choose(inside, index, 0)
        if all(isinstance(item, int) for item in items):
            table = np.array(items, dtype=object if self.wide else np.int64)
            return table[np.asarray(where, dtype=np.int64)], defined & inside
        arrays = np.broadcast_arrays(where, *items)
        chosen = arrays[1]
        for k, item in enumerate(arrays[2:], 1):
            chosen = np.where(arrays[0] == k, item, chosen)
        return chosen, defined & inside

    def _number(self, truth: Any) -> Number:
        if isinstance(truth, np.ndarray):
            return truth.astype(object) * 1 if self.wide else truth.astype(np.int64)
        return int(truth)

    # Bounds ---------------------------------------------------------------------------------------------

    def bounds(self, term: Term) -> Bounds:
        """What is known of the term at the boundary, where later variables take any of their values."""
        if term.last < self.boundary:
            value, defined = self.exact(term)
            return Bounds(value, value, defined)
        if term.op is Op.VARIABLE or term.first >= self.boundary:
            return self._domains[term.data] if term.op is Op.VARIABLE else term.bounds
        closed = [arg for arg in term.args if arg.last < self.boundary]
        if term.op is Op.TABLE and closed:
            return self._table(term)
        if term.op is Op.ALL_DIFFERENT:
            if closed and term.data[1]:
                mask, _ = self.part(term, closed)
                return Bounds(0, self._number(mask >= 0), True)
            return term.bounds
        if len(closed) > 1 and folds(term):
            return self._fold_bounds(term, closed)
        return intervals.combined(term.op, [self.bounds(arg) for arg in term.args], term.data)

    def _fold_bounds(self, term: Term, closed: Sequence[Term]) -> Bounds:
        """The register of the closed part, and bounds for the rest."""
        value, defined = self.part(term, closed)
        start = Bounds(value, value, defined)
        numbers = {arg.number for arg in closed}
        rest = [(k, self.bounds(arg)) for k, arg in enumerate(term.args) if arg.number not in numbers]
        op = term.op
        if op is Op.ADD:
            coefficients, constant, modulus = term.data
            total = Bounds(value + constant, value + constant, defined)
            for k, other in rest:
                total = intervals.plus(total, other, coefficients[k])
            return total if modulus is None else intervals.remainder(total, modulus)
        if op is Op.MULTIPLY:
            product = reduce(intervals.times, [other for _, other in rest], start)
            return product if term.data is None else intervals.remainder(product, term.data)
        return intervals.combined(op, [start, *[other for _, other in rest]], term.data)

    def _table(self, term: Term) -> Bounds:
        """Whether some row agrees with what is known."""
        where = [k for k, arg in enumerate(term.args) if arg.last < self.boundary]
        rows = {tuple([row[k] for k in where]) for row in term.data}
        values, defined = zip(*[self.exact(term.args[k]) for k in where], strict=True)
        possible = _tuples_where(values, rows.__contains__) & reduce(lambda a, b: a & b, defined)
        return Bounds(0, self._number(possible), True)


def _tuples_where(values: Sequence[Number], chosen: Callable[[tuple[int, ...]], bool]) -> Any:
    """Which tuples of values, taken across the columns, are chosen."""
    columns = np.broadcast_arrays(*values)
    flat = [column.ravel().tolist() for column in columns]
    found = [chosen(row) for row in zip(*flat, strict=True)]
    return np.array(found, dtype=bool).reshape(columns[0].shape)


_START: dict[Op, Any] = {
    Op.ADD: 0,
    Op.MULTIPLY: 1,
    Op.MINIMUM: None,
    Op.MAXIMUM: None,
    Op.GCD: 0,
    Op.LCM: 1,
    Op.ALL_DIFFERENT: 0,
}

_COMPARE: dict[Op, Callable[[Any, Any], Any]] = {
    Op.EQUAL: lambda a, b: a == b,
    Op.NOT_EQUAL: lambda a, b: a != b,
    Op.LESS_EQUAL: lambda a, b: a <= b,
    Op.GREATER_EQUAL: lambda a, b: a >= b,
}
