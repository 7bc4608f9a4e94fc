"""The limits that keep a problem file from exhausting the machine, all in one place.

They are far above what a problem written by hand or by a script needs; a file that passes one of them
ends in a SizeLimitError that names the place. The size of a constant is bounded by
`constrint.expressions.MAX_BITS`.
"""

from __future__ import annotations

from constrint.errors import SizeLimitError

MAX_FILE_BYTES = 4 << 20
"""The size of a file, included files too."""

MAX_NODES = 200_000
"""The scalars, lists and mappings that stand in one file."""

MAX_DEPTH = 50
"""How deep lists and mappings may nest."""

MAX_TEXT = 100_000
"""The characters of one expression."""

MAX_OPERATORS = 2_500
"""The operators of one expression."""

MAX_NESTING = 100
"""How deep operations may nest in one expression; a sum, a product, an `and` counts once."""

MAX_DIGITS = 100_000
"""The decimal digits of an integer written out."""

MAX_NAME = 200
"""The characters of a name."""

MAX_VARIABLES = 100_000
"""The variables of a problem, the elements of arrays included."""

MAX_INCLUDES = 100
"""The files that one problem may include, counted with repetitions."""

MAX_STEPS = 500_000
"""The steps of building a problem; reading an operation or a value once is a step."""


class Budget:
    """The steps that building one problem may still take; one is about a microsecond of work."""

    def __init__(self, steps: int = MAX_STEPS) -> None:
        self.left = steps

    def charge(self, steps: int) -> None:
        """Take `steps`. Raises SizeLimitError where too few are left."""
        self.left -= steps
        if self.left < 0:
            raise SizeLimitError(
                f"the problem expands to more than {MAX_STEPS:,} steps; "
                "use smaller ranges, or build it in Python"
            )

    def charge_division(self, a: int, b: int) -> None:
        """Take what dividing these integers costs, which matters for huge ones only: schoolbook."""
        if a.bit_length() > 2_000:
            self.charge(_digits(a) * _digits(b) // 1_600)

    def charge_product(self, a: int, b: int) -> None:
        """Take what multiplying these integers costs, which matters for huge ones only: Karatsuba."""
        if a.bit_length() + b.bit_length() > 2_000:
            self.charge((_digits(a) * _digits(b) + _digits(a) * 100) // 100_000)


def _digits(number: int) -> int:
    """The digits of 30 bits that Python holds the number in."""
    return number.bit_length() // 30 + 1
