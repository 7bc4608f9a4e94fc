"""The syntax of FlatZinc (The MiniZinc Handbook, "FlatZinc and solver interfaces", version 2.6).

A model of 10^5 lines has some 10^6 tokens, so the text is split by one regular expression in one go, and
positions are only looked up for errors.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

from constrint.errors import Place, ProblemError

_SKIPPED = r"(?:\s+|%[^\n]*)*"
_TOKEN = re.compile(
    _SKIPPED
    + r"""([A-Za-z_]\w*
    |-?0x[0-9A-Fa-f]+ |-?0o[0-7]+
    |-?\d+(?:\.\d+(?:[eE][-+]?\d+)?|[eE][-+]?\d+)?
    |\.\.|::|"[^"\n]*"|\S|\Z)""".replace("\n", "").replace(" ", "")
)
_INTEGER = re.compile(r"-?(?:0x[0-9A-Fa-f]+|0o[0-7]+|\d+)\Z")
_FLOAT = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?\Z")

_MOST_NESTING = 100


class Name(str):
    """An identifier."""

    __slots__ = ()


@dataclass(frozen=True)
class Call:
    """An annotation with arguments, such as `int_search(x, input_order, indomain_min)`."""

    name: str
    arguments: list[Any]


Set = tuple[tuple[int, int], ...]
"""A constant set of integers: ascending, disjoint ranges (first, last)."""

Value = Any
"""int, bool, float, Set, Name, Call, str, or a list of these."""


@dataclass(frozen=True)
class Type:
    """What a declaration says: `base` is int, bool or float; `domain` bounds it (None: not at all)."""

    base: str
    is_variable: bool = False
    is_set: bool = False
    domain: Set | None = None
    length: int | None = None
    """The number of elements of an array, None for a single value."""

    def __str__(self) -> str:
        kind = f"{'var ' if self.is_variable else ''}{'set of ' if self.is_set else ''}{self.base}"
        return kind if self.length is None else f"array of {kind}"


@dataclass
class Declaration:
    """A parameter, a variable or an array; `position` is the number of its first token."""

    type: Type
    name: str
    annotations: list[Value]
    value: Value
    position: int


@dataclass
class Statement:
    """One constraint: the builtin's name and its arguments."""

    name: str
    arguments: list[Value]
    annotations: list[Value]
    position: int


@dataclass
class Model:
    """A FlatZinc model; `method` is satisfy, minimize or maximize."""

    source: str
    text: str
    declarations: list[Declaration] = field(default_factory=list)
    constraints: list[Statement] = field(default_factory=list)
    method: str = "satisfy"
    objective: Value = None
    annotations: list[Value] = field(default_factory=list)

    def place(self, position: int) -> Place:
        """Where the token with this number stands."""
        for number, match in enumerate(_TOKEN.finditer(self.text)):
            if number == position:
                return _place(self.source, self.text, match.start(1))
        return _place(self.source, self.text, len(self.text))


def parse(text: str, source: str = "<model>") -> Model:
    """The model of a FlatZinc text; `source` is what errors call it.

    Raises ProblemError, with line and column, for whatever is no FlatZinc.
    """
    return _Parser(Model(source, text)).model()


def _place(source: str, text: str, offset: int) -> Place:
    line_start = text.rfind("\n", 0, offset) + 1
    return Place(source, text.count("\n", 0, offset) + 1, offset - line_start + 1)


class _Parser:
    """Reads the tokens one after the other; an empty token is the end."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._tokens: list[str] = _TOKEN.findall(model.text)
        if not self._tokens or self._tokens[-1]:
            self._tokens.append("")
        self._at = 0

    def model(self) -> Model:
        model, tokens = self._model, self._tokens
        solved = False
        readers: dict[str, Callable[[], None]] = {
            "predicate": self._predicate,
            "constraint": self._constraint,
            "solve": self._solve,
        }
        while tokens[self._at]:
            token = tokens[self._at]
            if solved:
                self._fail("the solve item is the last of a model")
            solved = token == "solve"
            readers.get(token, self._declaration)()
            self._expect(";")
        if not solved:
            self._fail("a model ends with a solve item")
        return model

    # Items ---------------------------------------------------------------------------------------------

    def _predicate(self) -> None:
        """Declarations of predicates only repeat what the builtins are."""
        while self._tokens[self._at] not in (";", ""):
            self._at += 1

    def _constraint(self) -> None:
        self._at += 1
        position = self._at
        name = self._identifier()
        arguments = self._arguments()
        self._model.constraints.append(Statement(name, arguments, self._annotations(), position))

    def _solve(self) -> None:
        self._at += 1
        self._model.annotations = self._annotations()
        method = self._tokens[self._at]
        if method not in ("satisfy", "minimize", "maximize"):
            self._fail("expected satisfy, minimize or maximize")
        self._at += 1
        self._model.method = method
        if method != "satisfy":
            self._model.objective = self._value()

    def _declaration(self) -> None:
        position = self._at
        kind = self._type()
        self._expect(":")
        name = self._identifier()
        annotations = self._annotations()
        value = None
        if self._tokens[self._at] == "=":
            self._at += 1
            value = self._value()
        elif not kind.is_variable or kind.length is not None:
            self._fail(f"'{name}' needs a value")
        self._model.declarations.append(Declaration(kind, name, annotations, value, position))

    def _type(self) -> Type:
        length = None
        if self._tokens[self._at] == "array":
            self._at += 1
            self._expect("[")
            first = self._integer()
            self._expect("..")
            length = self._integer()
            if first != 1 or length < 0:
                self._fail("the indices of an array are 1..n", self._at - 1)
            self._expect("]")
            self._expect("of")
        is_variable = self._accept("var")
        is_set = self._accept("set")
        if is_set:
            self._expect("of")
        token = self._tokens[self._at]
        if token in ("int", "bool", "float"):
            self._at += 1
            return Type(token, is_variable, is_set, None, length)
        if token == "{" or _INTEGER.match(token):
            return Type("int", is_variable, is_set, self._set(), length)
        if _FLOAT.match(token):
            self._at += 1
            self._expect("..")
            self._at += 1
            return Type("float", is_variable, is_set, None, length)
        return self._fail("expected a declaration, a constraint or a solve item")

    # Values --------------------------------------------------------------------------------------------

    def _annotations(self) -> list[Value]:
        found = []
        while self._tokens[self._at] == "::":
            self._at += 1
            found.append(self._value())
        return found

    def _arguments(self) -> list[Value]:
        self._expect("(")
        return self._list(")")

    def _list(self, end: str, depth: int = 0) -> list[Value]:
        tokens = self._tokens
        items: list[Value] = []
        while tokens[self._at] != end:
            items.append(self._value(depth))
            if tokens[self._at] != end:
                self._expect(",")
        self._at += 1
        return items

    def _value(self, depth: int = 0) -> Value:
        tokens = self._tokens
        token = tokens[self._at]
        first = token[:1]
        if first.isalpha() or first == "_":
            self._at += 1
            if token == "true":
                return True
            if token == "false":
                return False
            if tokens[self._at] == "(":
                self._at += 1
                return Call(token, self._list(")", self._deeper(depth)))
            if tokens[self._at] == "[":
                # An element of an array, as some compilers still write it.
                self._at += 1
                index = self._integer()
                self._expect("]")
                return Call("[]", [Name(token), index])
            return Name(token)
        if first.isdigit() or first == "-":
            if not _INTEGER.match(token):
                if not _FLOAT.match(token):
                    self._fail("expected a value")
                self._at += 1
                if tokens[self._at] == "..":
                    self._at += 2
                return float(token)
            if tokens[self._at + 1] == "..":
                return self._set()
            return self._integer()
        if first == "[":
            self._at += 1
            return self._list("]", self._deeper(depth))
        if first == "{":
            return self._set()
        if first == '"' and len(token) > 1:
            self._at += 1
            return token[1:-1]
        return self._fail("expected a value")

    def _deeper(self, depth: int) -> int:
        if depth >= _MOST_NESTING:
            self._fail(f"a value that nests more than {_MOST_NESTING} deep")
        return depth + 1

    def _set(self) -> Set:
        tokens = self._tokens
        if tokens[self._at] != "{":
            first = self._integer()
            self._expect("..")
            last = self._integer()
            return ((first, last),) if first <= last else ()
        self._at += 1
        members = set()
        while tokens[self._at] != "}":
            members.add(self._integer())
            if tokens[self._at] != "}":
                self._expect(",")
        self._at += 1
        return ranges(members)

    # Tokens --------------------------------------------------------------------------------------------

    def _integer(self) -> int:
        token = self._tokens[self._at]
        if not _INTEGER.match(token):
            self._fail("expected an integer")
        self._at += 1
        digits = token.lstrip("-")
        return int(token, 0) if digits[:2] in ("0x", "0o") else int(token)

    def _identifier(self) -> str:
        token = self._tokens[self._at]
        if not (token[:1].isalpha() or token[:1] == "_"):
            self._fail("expected a name")
        self._at += 1
        return token

    def _accept(self, token: str) -> bool:
        if self._tokens[self._at] != token:
            return False
        self._at += 1
        return True

    def _expect(self, token: str) -> None:
        if self._tokens[self._at] != token:
            self._fail(f"expected '{token}'")
        self._at += 1

    def _fail(self, message: str, position: int | None = None) -> NoReturn:
        position = self._at if position is None else position
        found = self._tokens[position]
        shown = f"found '{found[:40]}'" if found else "the model ends here"
        raise ProblemError(f"{message}; {shown}", self._model.place(position))


def ranges(members: set[int]) -> Set:
    """The set with these members."""
    found: list[tuple[int, int]] = []
    for member in sorted(members):
        if found and found[-1][1] == member - 1:
            found[-1] = (found[-1][0], member)
        else:
            found.append((member, member))
    return tuple(found)
