"""Domains: the words, ranges, lists and mappings that say which values a variable may take."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from constrint.domains import DomainSpec
from constrint.errors import ExpressionError, ProblemError, UnknownNameError, unknown_name
from constrint.files.documents import List, Mapping, Node, Scalar, expected
from constrint.files.keys import check_keys
from constrint.files.syntax import Span, whole
from constrint.files.values import SEQUENCES
from constrint.numbers import combine_congruences

if TYPE_CHECKING:
    from constrint.files.constants import Constants

_NUMBER = re.compile(r"[+-]?\d+\Z")

WORDS = {
    "integer": DomainSpec(),
    "natural": DomainSpec(low=0),
    "positive": DomainSpec(low=1),
    "bool": DomainSpec(low=0, high=1),
}

KEYS = (
    "min",
    "max",
    "values",
    "multiple_of",
    "divides",
    "remainder",
    "power_of",
    "choices",
    "array",
    "domain",
)

_A_DOMAIN = (
    "a domain: a range a..b, a list of values, one of the words integer, natural, positive and bool, or a "
    f"mapping of {', '.join(KEYS)}"
)


@dataclass(frozen=True)
class Declaration:
    """The domain of a variable, or of each element of an array with this shape."""

    spec: DomainSpec
    shape: tuple[int, ...] | None = None


def read_declaration(node: Node, constants: Constants) -> Declaration:
    """The declaration that stands under the name of a variable."""
    shape = None
    if isinstance(node, Mapping):
        array = node.get("array")
        if array is not None:
            shape = _shape(array, constants)
    return Declaration(_spec(node, constants, may_be_array=True), shape)


def _shape(node: Node, constants: Constants) -> tuple[int, ...]:
    sizes = node.items if isinstance(node, List) else [node]
    if not sizes:
        raise expected("the size of an array, or a list of sizes", node)
    shape = []
    for size in sizes:
        value = constants.integer(size)
        if value < 1:
            raise ProblemError("the size of an array must be at least 1", size.place())
        shape.append(value)
    return tuple(shape)


def _spec(node: Node, constants: Constants, *, may_be_array: bool = False) -> DomainSpec:
    if isinstance(node, Scalar):
        return _text(node, constants)
    if isinstance(node, List):
        return DomainSpec(values=_values(node, constants))
    check_keys(node, KEYS, "a domain")
    if not node.entries:
        raise expected(_A_DOMAIN, node)
    spec = DomainSpec()
    choices = node.get("choices")
    for key, value in node.items():
        if choices is not None and key.text not in ("choices", "array"):
            raise ProblemError(f"choices are all there is to a domain: no '{key.text}' beside them",
                               key.place())  # fmt: skip
        if key.text == "array":
            if not may_be_array:
                raise ProblemError("'array' stands beside 'domain', not in it", key.place())
        elif value is not None:
            spec = _intersection(spec, _RULES[key.text](value, constants), value)
    return spec


def _text(node: Scalar, constants: Constants) -> DomainSpec:
    """A word, a range, or the name of a list of values."""
    text = node.text.strip()
    if text in WORDS:
        return WORDS[text]
    dots = _dots(node.text)
    if dots >= 0:
        low, high = Span(node, 0, dots), Span(node, dots + 2, len(node.text))
        for part, key in ((low, "max"), (high, "min")):
            if not part.text.strip():
                raise ExpressionError(
                    f"a range needs both ends, a..b; for an open one write {{{key}: …}}", node.place()
                )
        return DomainSpec(low=constants.integer_in(low), high=constants.integer_in(high))
    if node.is_nothing:
        raise expected(_A_DOMAIN, node)
    try:
        value = constants.value_in(whole(node))
    except UnknownNameError as error:
        if text.isidentifier():
            hint = unknown_name(text, WORDS, None).message.replace("unknown name", "unknown domain", 1)
            if "did you mean" in hint:
                raise ProblemError(hint, node.place()) from None
            raise ProblemError(f"{error.message}; expected {_A_DOMAIN}", error.place) from None
        raise
    if not isinstance(value, SEQUENCES):
        raise ProblemError(f"expected {_A_DOMAIN}; for one value write [{text[:40]}]", node.place())
    return DomainSpec(values=constants.integers(value, node))


def is_domain(node: Node) -> bool:
    """Whether it is a domain by its form: a word, a range, a list or a mapping, and no expression."""
    return not isinstance(node, Scalar) or node.text.strip() in WORDS or _dots(node.text) >= 0


def _dots(text: str) -> int:
    """The index of the '..' between the ends of a range; -1 where there is none."""
    depth = 0
    for index, character in enumerate(text):
        if character in "([":
            depth += 1
        elif character in ")]":
            depth -= 1
        elif character == "." and depth == 0 and text[index + 1 : index + 2] == ".":
            return index
    return -1


def _values(node: Node, constants: Constants) -> tuple[int, ...]:
    """The values of a list, sorted and each once."""
    value = constants.value(node)
    if not isinstance(value, SEQUENCES):
        raise expected("a list of values", node)
    return constants.integers(value, node)


def _remainder(node: Node, constants: Constants) -> DomainSpec:
    pair = constants.value(node)
    if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(part, int) for part in pair):
        raise expected("[r, m], for the integers that leave the remainder r when divided by m", node)
    remainder, modulus = pair
    if modulus == 0:
        raise ProblemError("the modulus of a remainder must not be 0", node.place())
    return DomainSpec(remainder=(remainder, modulus))


def _power_of(node: Node, constants: Constants) -> DomainSpec:
    base = constants.integer(node)
    if base < 2:
        raise ProblemError("the base of 'power_of' must be at least 2", node.place())
    return DomainSpec(power_of=base)


def _choices(node: Node, constants: Constants) -> DomainSpec:
    if not isinstance(node, List) or not node.items:
        raise expected("a list of different texts, such as [row, column]", node)
    names: list[str] = []
    for item in node.items:
        if not isinstance(item, Scalar) or not item.text:
            raise expected("a text", item)
        if not item.quoted and _NUMBER.match(item.text):
            raise ProblemError("choices are texts: numbers are 'values'", item.place())
        if item.text in names:
            raise ProblemError(f"'{item.text}' is a choice twice", item.place())
        names.append(item.text)
    return DomainSpec(low=0, high=len(names) - 1, choices=tuple(names))


def _listed(node: Node, constants: Constants) -> DomainSpec:
    if isinstance(node, Scalar) and _dots(node.text) >= 0:
        return _text(node, constants)
    return DomainSpec(values=_values(node, constants))


_RULES: dict[str, Callable[[Any, Any], DomainSpec]] = {
    "min": lambda node, constants: DomainSpec(low=constants.integer(node)),
    "max": lambda node, constants: DomainSpec(high=constants.integer(node)),
    "values": _listed,
    "multiple_of": lambda node, constants: DomainSpec(multiple_of=constants.integer(node)),
    "divides": lambda node, constants: DomainSpec(divides=constants.integer(node)),
    "remainder": _remainder,
    "power_of": _power_of,
    "choices": _choices,
    "domain": _spec,
}


# Intersecting ----------------------------------------------------------------------------------------


def _intersection(a: DomainSpec, b: DomainSpec, node: Node) -> DomainSpec:
    """The statements of both."""
    result = a
    for field in fields(DomainSpec):
        one, other = getattr(a, field.name), getattr(b, field.name)
        if other is not None:
            both = other if one is None else _MERGES[field.name](one, other)
            if both is None:
                raise ProblemError(f"'{field.name}' is stated twice and the statements exclude each other",
                                   node.place())  # fmt: skip
            result = replace(result, **{field.name: both})
    return result


def _both_remainders(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int] | None:
    combined = combine_congruences(abs(a[1]), a[0], abs(b[1]), b[0])
    return None if combined is None else (combined[1], combined[0])


_MERGES: dict[str, Callable[[Any, Any], Any]] = {
    "low": max,
    "high": min,
    "values": lambda a, b: tuple(sorted(set(a) & set(b))),
    "multiple_of": math.lcm,
    "divides": math.gcd,
    "remainder": _both_remainders,
    "power_of": lambda a, b: a if a == b else None,
    "choices": lambda a, b: a if a == b else None,
}
