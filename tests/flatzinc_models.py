"""Helpers for the tests of FlatZinc: solving a text in this process, and reading what is printed."""

from __future__ import annotations

import io
import re
from typing import Any

from constrint.flatzinc.building import build
from constrint.flatzinc.solver import Options, Run
from constrint.flatzinc.syntax import parse

SOLUTION = re.compile(r"----------\n")


def output(text: str, **options: Any) -> str:
    """What the solver prints for the model."""
    stream = io.StringIO()
    Run(build(parse(text, "model.fzn")), Options(**options), stream).run()
    return stream.getvalue()


def solutions(printed: str) -> list[str]:
    """The solutions in an output, each sorted by line; what follows the last one is left out."""
    return ["\n".join(sorted(part.split("\n"))).strip() for part in SOLUTION.split(printed)[:-1]]
