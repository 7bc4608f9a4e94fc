"""An independent check of proofs that a Z-polyhedron is empty: it shares no code with what makes them.

A fact is (coefficients, bound): Σ coefficient·x <= bound. See constrint/polyhedra/certificates.py.
"""

from __future__ import annotations

from fractions import Fraction

from constrint.polyhedra.certificates import Proof
from constrint.polyhedra.rows import Congruence, Row

Fact = tuple[list[int], "int | None"]


class ProofError(AssertionError):
    """The proof does not prove it."""


def check_proof(proof: Proof, rows: list[Row], congruences: list[Congruence] | None = None) -> int:
    """The number of steps of a valid proof. Raises ProofError for an invalid one."""
    extra = congruences or []
    facts: list[Fact] = []
    for row in rows:
        form = [*row.form, *([0] * len(extra))]
        facts.append((form, row.high))
        facts.append(([-c for c in form], None if row.low is None else -row.low))
    for k, congruence in enumerate(extra):
        # form·x + modulus·t = remainder for an integer t.
        form = [*congruence.form, *([0] * len(extra))]
        form[len(congruence.form) + k] = congruence.modulus
        facts.append((form, congruence.remainder))
        facts.append(([-c for c in form], -congruence.remainder))
    return _check(proof, facts)


def _check(proof: Proof, facts: list[Fact]) -> int:
    facts = list(facts)
    size = len(facts[0][0])
    for cut in proof.cuts:
        left = [Fraction(0)] * size
        right = Fraction(0)
        for number, factor in cut.multipliers.items():
            if not 0 <= number < len(facts):
                raise ProofError(f"there is no fact {number} yet")
            if factor < 0:
                raise ProofError(f"the multiplier of fact {number} is negative")
            form, bound = facts[number]
            if bound is None:
                raise ProofError(f"fact {number} has no bound")
            left = [total + factor * c for total, c in zip(left, form, strict=True)]
            right += factor * bound
        if any(c.denominator != 1 for c in left):
            raise ProofError("a coefficient of a cut is no integer")
        facts.append(([int(c) for c in left], right.__floor__()))
    steps = len(proof.cuts)
    if proof.split is None:
        form, bound = facts[-1]
        if any(form) or bound is None or bound >= 0:
            raise ProofError(f"the proof ends in {form} <= {bound}")
        return steps
    split = proof.split
    if any(type(c) is not int for c in (*split.form, split.value)) or len(split.form) != size:
        raise ProofError("a split needs an integer form")
    below = [*facts, (list(split.form), split.value)]
    above = [*facts, ([-c for c in split.form], -split.value - 1)]
    return steps + 1 + _check(split.below, below) + _check(split.above, above)
