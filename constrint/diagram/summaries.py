"""What a boundary between layers must remember of the variables above it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from constrint.diagram.evaluating import Key, folds, part_key
from constrint.diagram.terms import Term, Terms
from constrint.expressions import Op


@dataclass
class Boundary:
    """The registers at a boundary, and which constraints need each."""

    terms: dict[Key, tuple[Term, list[Term]]] = field(default_factory=dict)
    """Of each register: a term, and its closed arguments where the register is the closed part of it."""
    users: dict[Key, set[int]] = field(default_factory=dict)
    partial: set[Key] = field(default_factory=set)
    """Registers that may be undefined."""


def boundary_of(terms: Terms, constraints: Sequence[Term], active: Iterable[int], at: int) -> Boundary:
    """The registers that the active constraints need at the boundary."""
    boundary = Boundary()
    for c in sorted(active):
        _collect(constraints[c], at, c, boundary, set())
    _drop_dependent(terms, boundary)
    for key, (term, closed) in boundary.terms.items():
        if any(part.bounds.safe is not True for part in closed or [term]):
            boundary.partial.add(key)
    return boundary


def _collect(term: Term, at: int, constraint: int, boundary: Boundary, seen: set[int]) -> None:
    """Registers for the largest closed parts of the term; the term itself is open at the boundary."""
    if term.first >= at or term.number in seen:
        return
    seen.add(term.number)
    closed = [arg for arg in term.args if 0 <= arg.last < at]
    if closed and folds(term) and (len(closed) > 1 or term.op is Op.ALL_DIFFERENT):
        key = part_key(term, closed)
        boundary.terms.setdefault(key, (term, closed))
        boundary.users.setdefault(key, set()).add(constraint)
    else:
        for arg in closed:
            boundary.terms.setdefault(arg.number, (arg, []))
            boundary.users.setdefault(arg.number, set()).add(constraint)
    for arg in term.args:
        if arg.last >= at:
            _collect(arg, at, constraint, boundary, seen)


def _drop_dependent(terms: Terms, boundary: Boundary) -> None:
    """Leaves out what can be computed again from variables that are registers themselves."""
    variables = {term.data: key for key, (term, _) in boundary.terms.items() if term.op is Op.VARIABLE}
    if not variables:
        return
    for key, (term, closed) in list(boundary.terms.items()):
        if term.op is Op.VARIABLE:
            continue
        scope = set().union(*[terms.variables(part) for part in closed or [term]])
        if scope <= variables.keys():
            del boundary.terms[key]
            for c in boundary.users.pop(key):
                for x in scope:
                    boundary.users[variables[x]].add(c)


def future_bits(term: Term, at: int) -> int:
    """Of the used values of an all-different term, as bits: those that its open arguments may still take."""
    low, _ = term.data
    bits = 0
    for arg in term.args:
        if not 0 <= arg.last < at:
            bits |= ((1 << (arg.bounds.high - arg.bounds.low + 1)) - 1) << (arg.bounds.low - low)
    return bits
