"""What can go wrong, as types. Infeasible and "stopped by a limit" are answers, not errors."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """Where in a problem file something stands; `line` and `column` count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class ProblemError(Exception):
    """A problem that cannot be understood or solved as it is stated.

    `message` says what is wrong and how to mend it; `place` says where, if it came from a file.
    """

    def __init__(self, message: str, place: Place | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.place = place

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.place else self.message


class ExpressionError(ProblemError):
    """An expression that is not one: wrong syntax, a wrong type, a wrong number of arguments."""


class UnknownNameError(ProblemError):
    """A name that nothing in the problem defines."""


class UnboundedError(ProblemError):
    """The search would need a bound that no constraint implies; `variable` is the one to bound.

    `direction` maps variables to steps: the linear constraints and domains hold along it without end. None
    where there is no such direction, or where it takes too long to find.
    """

    def __init__(
        self,
        message: str,
        variable: str,
        place: Place | None = None,
        direction: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__(message, place)
        self.variable = variable
        self.direction = direction


class SizeLimitError(ProblemError):
    """The problem expands beyond what is reasonable to hold: a number, a table, a nesting."""


class BackendError(ProblemError):
    """A back end that is not installed, or a problem that it cannot take."""


class UndefinedTerm(ArithmeticError):
    """The value of a term that has none: a division by zero, an index out of range."""


_LONGEST_NAME = 200
"""The characters of a name that is still compared with others."""


def unknown_name(name: str, known: Iterable[str], place: Place | None = None) -> UnknownNameError:
    """The error for an unknown name, with the closest known one as a suggestion, if only the case differs
    too."""
    if len(name) > _LONGEST_NAME:
        return UnknownNameError(f"unknown name '{name[:20]}…'", place)
    names = list(known)
    close = [other for other in names if other.casefold() == name.casefold()]
    close = close or difflib.get_close_matches(name, names, n=1)
    hint = f" … did you mean '{close[0]}'?" if close else ""
    return UnknownNameError(f"unknown name '{name}'{hint}", place)
