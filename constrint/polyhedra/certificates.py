"""Proofs that a Z-polyhedron is empty: cutting planes and case splits (Chvátal, Discrete Math. 1973).

A fact is an inequality  form·x <= bound  with integer coefficients. Row i of a polyhedron, low <= form·x
<= high, states the facts 2·i (form·x <= high) and 2·i + 1 (-form·x <= -low). A cut adds facts with
multipliers >= 0 so that all coefficients of the sum are integers; its bound is rounded down, as the left
side is an integer. Whoever checks a proof needs nothing but this page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

Vector = Sequence[int]

Multipliers = Mapping[int, Fraction]
"""How often each fact is taken, by its number."""


@dataclass(frozen=True)
class Cut:
    """The next fact: the sum of earlier facts with these multipliers, its bound rounded down."""

    multipliers: Multipliers


@dataclass(frozen=True)
class Split:
    """An integer form is at most `value`, or at least `value` + 1: in either case comes a contradiction.

    The next fact is form·x <= value in the proof `below`, and -form·x <= -value - 1 in `above`.
    """

    form: tuple[int, ...]
    value: int
    below: Proof
    above: Proof


@dataclass(frozen=True)
class Proof:
    """Cuts one after the other. The last says 0 <= something negative, or is followed by a split."""

    cuts: tuple[Cut, ...]
    split: Split | None = None


class Facts:
    """Facts by their numbers, and the cuts that gave those after the first `len(forms)`."""

    def __init__(self, forms: Sequence[Vector], bounds: Sequence[int | None]) -> None:
        self.forms = list(forms)
        self.bounds = list(bounds)
        self.cuts: list[Cut] = []

    def copy(self) -> Facts:
        """The same facts, to go on from in one case of a split; without their cuts."""
        return Facts(self.forms, self.bounds)

    def state(self, form: Vector, bound: int) -> int:
        """The number of a fact that a split states."""
        self.forms.append(form)
        self.bounds.append(bound)
        return len(self.forms) - 1

    def derive(self, multipliers: Multipliers) -> int:
        """The number of the fact that the cut gives. The sum must have integer coefficients."""
        used = {number: factor for number, factor in multipliers.items() if factor}
        form, bound = self.combine(used)
        self.cuts.append(Cut(used))
        return self.state([c.numerator for c in form], bound.numerator // bound.denominator)

    def combine(self, multipliers: Multipliers) -> tuple[list[Fraction], Fraction]:
        """The sum of the facts before any rounding."""
        form = [Fraction(0)] * len(self.forms[0])
        total = Fraction(0)
        for number, factor in multipliers.items():
            bound = self.bounds[number]
            assert bound is not None, "a side without a bound states nothing"
            total += factor * bound
            for k, c in enumerate(self.forms[number]):
                if c:
                    form[k] += factor * c
        return form, total


def row_facts(rows: Sequence[tuple[Vector, int | None, int | None]]) -> Facts:
    """The facts that rows (form, low, high) state."""
    forms: list[Vector] = []
    bounds: list[int | None] = []
    for form, low, high in rows:
        forms += [form, [-c for c in form]]
        bounds += [high, None if low is None else -low]
    return Facts(forms, bounds)


def proves(proof: Proof, facts: Facts) -> bool:
    """Whether the proof shows that the facts contradict each other: every step is computed again."""
    facts = facts.copy()
    for cut in proof.cuts:
        known = range(len(facts.forms))
        if any(
            fact not in known or factor < 0 or facts.bounds[fact] is None
            for fact, factor in cut.multipliers.items()
        ):
            return False
        form, bound = facts.combine(cut.multipliers)
        if any(c.denominator != 1 for c in form):
            return False
        facts.state([c.numerator for c in form], bound.numerator // bound.denominator)
    split = proof.split
    if split is None:
        last = facts.bounds[-1]
        return not any(facts.forms[-1]) and last is not None and last < 0
    for sign, bound_of_case, case in ((1, split.value, split.below), (-1, -split.value - 1, split.above)):
        own = facts.copy()
        own.state([sign * c for c in split.form], bound_of_case)
        if not proves(case, own):
            return False
    return True
