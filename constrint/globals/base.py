"""What every global constraint has: a meaning, a text, propagators, and a way to say it in simpler terms.

The layers of the solver know `Relation` and `Function` only: an expression with Op.RELATION or Op.FUNCTION
holds one as its `data`, and its arguments are the terms that it is about. So a new global is one class (and
a function that makes it), and nothing else has to change.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from constrint.errors import ExpressionError
from constrint.expressions import Expression, Op, apply, build, connect, listed

if TYPE_CHECKING:
    from constrint.engine.propagator import Propagator


class Global:
    """What relations and functions share. Equal ones are interchangeable: subclasses are frozen data."""

    __slots__ = ()

    def text(self, args: Sequence[str]) -> str:
        """The call in the syntax of problem files, from the texts of the arguments."""
        raise NotImplementedError

    def constants(self) -> Iterable[int]:
        """The integers that belong to it and are no arguments."""
        return ()


class Relation(Global):
    """A statement about its arguments; false where one of them is undefined."""

    __slots__ = ()

    splits: ClassVar[bool] = False
    """Whether under a condition, or denied, the simpler form prunes more than an evaluation at the end."""

    is_known: ClassVar[bool] = False
    """Whether other solvers have it, so that its propagators are handed to them as they are."""

    def holds(self, values: Sequence[int]) -> bool:
        """Whether it is true of the values."""
        raise NotImplementedError

    def propagators(self, xs: Sequence[int]) -> list[Propagator]:
        """Propagators over the variables `xs` that decide the relation, one of them at least."""
        raise NotImplementedError

    def implied(self, args: Sequence[Expression]) -> list[Expression]:
        """What follows from it, to be stated beside it."""
        return []

    def simpler(self, args: Sequence[Expression]) -> Expression | None:
        """The same without globals, for defined arguments; None where that would be too clumsy."""
        return None


class Function(Global):
    """A number that depends on its arguments; undefined where one of them is."""

    __slots__ = ()

    def value(self, values: Sequence[int]) -> int:
        """The number. Raises UndefinedTerm where there is none."""
        raise NotImplementedError

    def needs(self, args: Sequence[Expression]) -> list[Expression]:
        """Under which conditions it has a value."""
        return []

    def propagator(self, z: int, xs: Sequence[int]) -> Propagator:
        """A propagator that decides z = value(xs), where no value is 0."""
        raise NotImplementedError

    def simpler(self, args: Sequence[Expression]) -> Expression:
        """The same without globals, for defined arguments."""
        raise NotImplementedError


def relation(data: Relation, args: Iterable[Expression]) -> Expression:
    """The relation of these arguments, folded where all of them are constant."""
    return build(Op.RELATION, tuple(args), data)


def function(data: Function, args: Iterable[Expression]) -> Expression:
    """The number for these arguments, folded where all of them are constant."""
    return build(Op.FUNCTION, tuple(args), data)


def spelled_out(e: Expression) -> Expression | None:
    """A relation or function in simpler terms, and false or undefined where the original is."""
    simpler: Expression | None = e.data.simpler(e.args)
    if simpler is None:
        return None
    # A comparison with itself is true exactly where there is a value.
    defined = [apply(Op.EQUAL, arg, arg) for arg in e.args if arg.op not in (Op.CONSTANT, Op.VARIABLE)]
    if not defined:
        return simpler
    if e.op is Op.RELATION:
        return connect(Op.AND, simpler, *defined)
    return apply(Op.CHOOSE, connect(Op.AND, *defined), simpler, apply(Op.FLOOR_DIVIDE, 0, 0))


PAIRS_LIMIT = 300
"""Relations that pair each item with each other are not spelled out for more items."""


def bracketed(texts: Iterable[str]) -> str:
    """The texts as a list."""
    return f"[{', '.join(texts)}]"


def integers(values: Iterable[Any], what: str) -> tuple[int, ...]:
    """The constants. Raises ExpressionError, naming `what` they are, for anything else."""
    found = []
    for value in listed(values):
        try:
            found.append(operator.index(value))
        except (TypeError, ExpressionError):
            raise ExpressionError(f"{what} must be constant integers, not {value!r}") from None
    return tuple(found)


def same_length(name: str, *lists: Sequence[Any]) -> None:
    """Raises ExpressionError where the lists that the function `name` takes have different lengths."""
    sizes = [len(each) for each in lists]
    if len(set(sizes)) > 1:
        raise ExpressionError(
            f"{name}() needs lists of the same length, not of {' and '.join(map(str, sizes))}"
        )
