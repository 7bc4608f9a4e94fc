"""The arithmetic behind a conflict of linear constraints: its proof, told in words once it is checked."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from constrint.linear import LinearSystem
from constrint.numbers import long_integers
from constrint.polyhedra.certificates import Facts, Proof, proves, row_facts
from constrint.polyhedra.simplex import Budget, OutOfBudget

_WORK = 2_000_000
"""Entries of tableaux that pivots may touch while a proof is looked for."""

_MOST_STEPS = 5
"""A proof of more cutting planes is only counted, not told."""


def reason(system: LinearSystem) -> str | None:
    """Why the system has no integer solution; None where it has one, or where the budget ends first."""
    polyhedron = system.polyhedron()
    try:
        proof = polyhedron.proof_of_emptiness(Budget(_WORK))
    except OutOfBudget:
        return None
    facts = row_facts(polyhedron.rows)
    # A proof that does not hold is never shown.
    if proof is None or not proves(proof, facts):
        return None
    with long_integers():
        return _Words(system, facts).tell(proof)


class _Words:
    """A proof's facts by what they come from."""

    def __init__(self, system: LinearSystem, facts: Facts) -> None:
        self._system = system
        self._facts = facts
        self._given = len(facts.forms)

    def tell(self, proof: Proof) -> str:
        if proof.split is not None:
            return f"no integers satisfy it: {_counted(proof)}, each step checked"
        return self._sum(proof) or self._divisibility(proof) or self._steps(proof)

    # A sum of rows that says 0 <= something negative -----------------------------------------------------

    def _sum(self, proof: Proof) -> str | None:
        total = self._flat(len(proof.cuts) + self._given - 1, proof)
        form, bound = self._facts.combine(total)
        if any(form) or bound >= 0:
            return None
        scale = _scale(total.values())
        if all(self._is_equality(fact) for fact in total):
            # The sign with which the first equality is taken as it stands.
            if min(total) % 2:
                scale = -scale
            return f"{self._combination(total, scale)} gives 0 == {scale * bound}"
        return f"{self._combination(total, scale)} gives 0 <= {scale * bound}"

    def _flat(self, fact: int, proof: Proof) -> dict[int, Fraction]:
        """The fact as a sum of given ones, with no bound rounded; opposite sides of a row cancel."""
        parts: dict[int, Fraction] = {fact: Fraction(1)}
        for number in range(fact, self._given - 1, -1):
            factor = parts.pop(number, Fraction(0))
            if factor:
                for each, times in proof.cuts[number - self._given].multipliers.items():
                    parts[each] = parts.get(each, Fraction(0)) + factor * times
        for fact in [fact for fact in parts if fact % 2 == 0 and self._is_equality(fact)]:
            both = min(parts[fact], parts.get(fact + 1, Fraction(0)))
            if both:
                parts[fact] -= both
                parts[fact + 1] -= both
        return {fact: factor for fact, factor in parts.items() if factor}

    # A sum of equalities whose sides differ in divisibility ------------------------------------------------

    def _divisibility(self, proof: Proof) -> str | None:
        last = proof.cuts[-1].multipliers
        if len(last) != 2 or set(last.values()) != {Fraction(1)}:
            return None
        total = self._flat(min(last), proof)
        if not total or not all(self._is_equality(fact) for fact in total):
            return None
        form, bound = self._facts.combine(total)
        if bound.denominator == 1 or any(c.denominator != 1 for c in form):
            return None
        scale = _scale(total.values())
        divisor = abs(scale)
        if min(total) % 2:
            scale = -scale
        size = len(self._system.names)
        left = [int(scale * c) for c in form]
        right = int(scale * bound)
        text = _form(self._system.names, left[:size])
        modulus = math.gcd(*left[size:])
        kind = ("even", "odd") if divisor == 2 else (f"a multiple of {divisor}", "not")
        head = ""
        if modulus or len(total) > 1:
            relation = f"{text} ≡ {right % modulus} (mod {modulus})" if modulus else f"{text} == {right}"
            head = f"{self._combination(total, scale)} gives {relation}"
        if not any(left[:size]):
            return head
        if modulus:
            right = right % modulus
            return f"{head}; {text} is {kind[0]}; {right} plus multiples of {modulus} is {kind[1]}"
        return f"{head}{'; ' if head else ''}{text} is {kind[0]}; {right} is {kind[1]}"

    # Cutting planes one after the other ------------------------------------------------------------------

    def _steps(self, proof: Proof) -> str:
        needed = _needed(proof, self._given)
        if len(needed) > _MOST_STEPS:
            return f"no integers satisfy it: {_counted(proof)}, each step checked"
        facts = self._facts.copy()
        raw = []
        for cut in proof.cuts:
            raw.append(facts.combine(cut.multipliers)[1])
            facts.derive(cut.multipliers)
        names = [*self._system.names, *(f"n{k + 1}" for k in range(len(self._system.congruences)))]
        numbers = {fact: f"({position + 1})" for position, fact in enumerate(needed)}
        told = []
        for fact in needed:
            total = proof.cuts[fact - self._given].multipliers
            form, bound = facts.forms[fact], facts.bounds[fact]
            exact = raw[fact - self._given]
            rounded = f", rounded down from {exact}" if exact != bound else ""
            parts = _joined(
                [(factor, numbers.get(each) or self._name(each)) for each, factor in total.items()]
            )
            told.append(f"{numbers[fact]} {parts} gives {_form(names, form)} <= {bound}{rounded}")
        extra = any(any(facts.forms[fact][len(self._system.names) :]) for fact in needed)
        return "; ".join(told) + (" (n1, n2, …: how often each modulus fits in)" if extra else "")

    # Names -------------------------------------------------------------------------------------------------

    def _is_equality(self, fact: int) -> bool:
        upper, lower = self._facts.bounds[fact - fact % 2], self._facts.bounds[fact - fact % 2 + 1]
        return upper is not None and lower is not None and upper == -lower

    def _combination(self, total: Mapping[int, Fraction], scale: int) -> str:
        parts = []
        for fact, factor in sorted(total.items()):
            sign = -1 if self._is_equality(fact) and fact % 2 else 1
            times = sign * factor * (scale if self._is_equality(fact) else abs(scale))
            parts.append((times, self._name(fact)))
        return _joined(parts)

    def _name(self, fact: int) -> str:
        row = fact // 2
        source = self._system.sources[row]
        rows = self._system.rows
        if source.startswith("domain of "):
            name = source[len("domain of ") :]
            bound = self._facts.bounds[fact]
            assert bound is not None
            if row >= len(rows):
                congruence = self._system.congruences[row - len(rows)]
                source = f"{name} % {congruence.modulus} == {congruence.remainder}"
            elif self._is_equality(fact):
                source = f"{name} == {rows[row].high}"
            else:
                source = f"{name} >= {-bound}" if fact % 2 else f"{name} <= {bound}"
        return source if re.fullmatch(r"[\w.\[\]-]+", source) else f"({source})"


def _needed(proof: Proof, given: int) -> list[int]:
    """The cuts that the last one rests on, by the numbers of their facts."""
    needed = {given + len(proof.cuts) - 1}
    for number in range(given + len(proof.cuts) - 1, given - 1, -1):
        if number in needed:
            needed.update(fact for fact in proof.cuts[number - given].multipliers if fact >= given)
    return sorted(needed)


def _counted(proof: Proof) -> str:
    cuts, cases = _size(proof)
    planes = f"{cuts} cutting plane{'' if cuts == 1 else 's'}"
    return f"{planes} in {cases} cases" if cases > 1 else planes


def _size(proof: Proof) -> tuple[int, int]:
    """How many cuts there are, and how many cases."""
    cuts, cases = len(proof.cuts), 0
    if proof.split is None:
        return cuts, 1
    for case in (proof.split.below, proof.split.above):
        more, parts = _size(case)
        cuts, cases = cuts + more, cases + parts
    return cuts, cases


def _scale(factors: Iterable[Fraction]) -> int:
    return math.lcm(*(factor.denominator for factor in factors))


def _form(names: Sequence[str], form: Sequence[int]) -> str:
    return _joined([(Fraction(c), name) for c, name in zip(form, names, strict=True)], "*") or "0"


def _joined(parts: Iterable[tuple[Fraction, str]], times: str = "·") -> str:
    """Σ factor·name."""
    text = ""
    for factor, name in parts:
        if not factor:
            continue
        size = "" if abs(factor) == 1 else f"{abs(factor)}{times}"
        sign = (" - " if text else "-") if factor < 0 else (" + " if text else "")
        text += f"{sign}{size}{name}"
    return text
