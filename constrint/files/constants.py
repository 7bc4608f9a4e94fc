"""Constants: the parameters of a file, the keys of its includes, and the numbers in its domains."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from constrint.errors import ExpressionError, ProblemError
from constrint.expressions import Expression
from constrint.files.building import Scope, Unusable, evaluate
from constrint.files.documents import List, Mapping, Node, Scalar, describe, expected
from constrint.files.limits import Budget
from constrint.files.syntax import Span, whole
from constrint.files.values import SEQUENCES, Value, number

_BOOLEANS = {
    "true": 1, "True": 1, "TRUE": 1, "yes": 1, "Yes": 1, "YES": 1, "on": 1, "On": 1, "ON": 1,
    "false": 0, "False": 0, "FALSE": 0, "no": 0, "No": 0, "NO": 0, "off": 0, "Off": 0, "OFF": 0,
}  # fmt: skip
"""The plain texts that YAML 1.1 reads as booleans."""

_DATA_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9_]*|0x[0-9a-fA-F_]+|0o[0-7_]+|0b[01_]+)\Z")


class Constants:
    """Evaluates expressions that may use constants only."""

    def __init__(self, scope: Scope, budget: Budget) -> None:
        self.scope = scope
        self.budget = budget

    def value_in(self, span: Span) -> Value:
        """The value of an expression: an integer, or lists of them."""
        value = evaluate(span, self.scope, self.budget)
        for item in _numbers(value):
            if isinstance(item, Expression):
                text = span.text.strip()[:60]
                raise ExpressionError(
                    f"'{text}' has no value: a term in it is undefined, such as a division by 0", span.place()
                )
        return value

    def integer_in(self, span: Span) -> int:
        """The value of an expression that must be an integer."""
        value = self.value_in(span)
        if isinstance(value, SEQUENCES):
            raise ExpressionError("expected an integer, found a list", span.place())
        assert isinstance(value, int)
        return value

    def value(self, node: Node) -> Value:
        """The value of a node: an expression, or lists of expressions."""
        if isinstance(node, Scalar):
            if node.is_nothing:
                raise expected("an integer, an expression of constants or a list", node)
            if not node.quoted and node.text in _BOOLEANS:
                return _BOOLEANS[node.text]
            return self.value_in(whole(node))
        if isinstance(node, List):
            try:
                self.budget.charge(len(node.items))
            except ProblemError as error:
                error.place = node.place()
                raise
            return [self.value(item) for item in node.items]
        raise expected("an integer, an expression of constants or a list", node)

    def integer(self, node: Node) -> int:
        """The value of a node that must be an integer."""
        value = self.value(node)
        if isinstance(value, SEQUENCES):
            raise expected("an integer", node)
        assert isinstance(value, int)
        return value

    def integers(self, values: Any, node: Node) -> tuple[int, ...]:
        """The integers of a flat sequence, sorted and each once."""
        try:
            self.budget.charge(len(values))
            return tuple(sorted({_integer(value) for value in values}))
        except OverflowError:
            raise ProblemError("the list is too long: write a range a..b", node.place()) from None
        except ProblemError as error:
            error.place = error.place or node.place()
            raise


def _integer(value: Value) -> int:
    single = number(value)
    assert isinstance(single, int)
    return single


def _numbers(value: Value) -> Iterable[Value]:
    if isinstance(value, range):
        return
    if isinstance(value, SEQUENCES):
        for item in value:
            yield from _numbers(item)
    else:
        yield value


def read_data(node: Node, budget: Budget) -> Value | Unusable:
    """A value of an included file: an integer, lists of integers, or what cannot be used as one."""
    budget.charge(1)
    if isinstance(node, Mapping):
        return Unusable("a mapping")
    if isinstance(node, List):
        items = [read_data(item, budget) for item in node.items]
        if any(isinstance(item, Unusable) for item in items):
            return Unusable("a list that does not hold integers only")
        return items
    if not node.quoted:
        if node.text in _BOOLEANS:
            return _BOOLEANS[node.text]
        if _DATA_INTEGER.match(node.text):
            budget.charge(len(node.text) ** 2 // 200_000)
            return int(node.text.replace("_", ""), 0)
    return Unusable(describe(node))
