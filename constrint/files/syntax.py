"""The syntax of expressions: Python's, cut down to a whitelist.

Python's own parser gives the tree; nothing in it is ever compiled or run. `parse` checks every node and
every name, in branches too that no evaluation will reach, so that what follows can trust the tree.
"""

from __future__ import annotations

import ast
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from constrint.errors import ExpressionError, Place, SizeLimitError, UnknownNameError, unknown_name
from constrint.files.documents import Scalar
from constrint.files.limits import MAX_DIGITS, MAX_NESTING, MAX_OPERATORS, MAX_TEXT, Budget
from constrint.globals import GLOBALS
from constrint.intervals import ALL_PARTS

CONSTANTS = {"True": 1, "False": 0, "true": 1, "false": 0}

FUNCTION_NAMES = frozenset(
    [
        "abs",
        "all",
        "all_different",
        "any",
        "ceil_div",
        "count",
        "divides",
        "element",
        "gcd",
        "iff",
        "implies",
        "lcm",
        "len",
        "max",
        "min",
        "negative_table",
        "range",
        "sum",
        "table",
        "xor",
        *GLOBALS,
    ]
)


@dataclass(frozen=True)
class Span:
    """A part of a scalar: what `parse` reads."""

    scalar: Scalar
    start: int
    end: int

    @property
    def text(self) -> str:
        """The characters."""
        return self.scalar.text[self.start : self.end]

    def place(self, offset: int = 0) -> Place:
        """The place of the character at `offset` of the span."""
        return self.scalar.place(self.start + offset)


def whole(scalar: Scalar) -> Span:
    """All of a scalar."""
    return Span(scalar, 0, len(scalar.text))


@dataclass(frozen=True)
class Names:
    """What a name in an expression may be.

    `values` are the plain names, `namespaces` the includes with the names in each, `hints` says of names
    that exist but cannot be used here why not, and `texts` are the choices of variables.
    """

    values: Collection[str]
    namespaces: Mapping[str, Collection[str]]
    hints: Mapping[str, str]
    texts: Collection[str] = ()


class Tree:
    """A checked expression: the body of its tree, and the place of each node."""

    def __init__(self, span: Span, body: ast.expr) -> None:
        self.span = span
        self.body = body

    def place(self, node: ast.AST) -> Place:
        """The place of a node."""
        return self.span.place(_offset(self.span.text, node))


def _offset(text: str, node: ast.AST) -> int:
    """The index in the text of a node's first character; columns count UTF-8 bytes."""
    lines = ("(" + text).split("\n")
    line = getattr(node, "lineno", 1) - 1
    column = getattr(node, "col_offset", 1)
    characters = len(lines[line].encode("utf-8", "replace")[:column].decode("utf-8", "ignore"))
    return max(0, sum(len(before) + 1 for before in lines[:line]) + characters - 1)


# Parsing -------------------------------------------------------------------------------------------

_COMMENT = re.compile(r"#[^\n]*")
_OPERATOR = re.compile(r"[-+*/%<>=!~&|^@]+|\b(?:not|and|or|in|if|else|for|lambda|await)\b")
_SIGNED_ITEM = re.compile(r"[\[,(]\s*-\s*\d")
_LONG_INTEGER = re.compile(r"[0-9][0-9_]{1000,}")
_BRACKETS = {")": "(", "]": "[", "}": "{"}


def parse(span: Span, names: Names, budget: Budget) -> Tree:
    """The checked tree of the expression in `span`.

    Raises ExpressionError for what is not in the language, UnknownNameError for a name that is not in
    `names`, and SizeLimitError for what is too long or too deep.
    """
    # Comments can only occur in block scalars; blanked, so that the columns stay.
    text = _COMMENT.sub(lambda match: " " * len(match.group()), span.text)
    if not text.strip():
        raise ExpressionError("expected an expression, found nothing", span.place())
    _check_size(text, span, budget)
    try:
        # In parentheses an expression may go over several lines, and a bare generator can be recognised.
        body = ast.parse(f"({text})", mode="eval").body
    except SyntaxError as error:
        raise _syntax_error(text, span, error) from None
    except (RecursionError, MemoryError):
        raise SizeLimitError("the expression nests too deep", span.place()) from None
    except ValueError as error:
        raise ExpressionError(f"not an expression: {error}", span.place()) from None
    tree = Tree(span, body)
    _Checker(tree, names).check()
    return tree


def _check_size(text: str, span: Span, budget: Budget) -> None:
    """Refuse what could exhaust the parser, before it sees the text."""
    if len(text) > MAX_TEXT:
        raise SizeLimitError(f"an expression of more than {MAX_TEXT:,} characters", span.place())
    budget.charge(20 + len(text) // 5)
    if len(text) > MAX_OPERATORS:
        operators = len(_OPERATOR.findall(text)) - len(_SIGNED_ITEM.findall(text))
        if operators > MAX_OPERATORS:
            raise SizeLimitError(
                f"an expression of more than {MAX_OPERATORS:,} operators; "
                "use sum(...), all(...) or any(...) over an array",
                span.place(),
            )
        for match in _LONG_INTEGER.finditer(text):
            digits = len(match.group())
            if digits > MAX_DIGITS:
                raise SizeLimitError(
                    f"an integer of more than {MAX_DIGITS:,} digits", span.place(match.start())
                )
            budget.charge(digits * digits // 200_000)
    opened: list[tuple[str, int]] = []
    for index, character in enumerate(text):
        if character in "([{":
            opened.append((character, index))
            if len(opened) > MAX_NESTING:
                raise SizeLimitError(f"brackets nest more than {MAX_NESTING} deep", span.place(index))
        elif character in _BRACKETS and (not opened or opened.pop()[0] != _BRACKETS[character]):
            raise ExpressionError(f"unmatched '{character}'{_flow_hint(span)}", span.place(index))
    if opened:
        raise ExpressionError(
            f"'{opened[-1][0]}' is never closed{_flow_hint(span)}", span.place(opened[-1][1])
        )


def _flow_hint(span: Span) -> str:
    """What may have happened to brackets that do not match."""
    if span.scalar.quoted or not span.scalar.in_flow:
        return ""
    return "; inside a YAML [...] or {...} quote an expression that holds , [ or ]"


_MISTAKES = [
    (r"&&", "write 'and' instead of '&&'"),
    (r"\|\|", "write 'or' instead of '||'"),
    (r"!(?!=)", "write 'not' instead of '!'"),
    (r"<>", "write '!=' instead of '<>'"),
    (r"=<|=>", "write '<=' or '>='"),
    (r"\.\.", "a range 'a..b' is a domain; in an expression write 'a <= x <= b' or 'x in range(a, b + 1)'"),
    (r"(?<![=<>!:])=(?!=)", "write '==' for equality"),
    (r"['\"]", "text has no meaning in an expression"),
    (r"\$|\?|`", "this character has no meaning in an expression"),
]


def _syntax_error(text: str, span: Span, error: SyntaxError) -> ExpressionError:
    for pattern, remedy in _MISTAKES:
        match = re.search(pattern, text)
        if match:
            return ExpressionError(f"not an expression: {remedy}", span.place(match.start()))
    end = len(text.rstrip())
    # The first line has one more character, the parenthesis.
    offset = _error_offset(text, error) - 1
    if offset >= end:
        return ExpressionError("not an expression: the expression breaks off", span.place(end))
    if "invalid syntax" in error.msg:
        # It is often said of the whole parentheses; without them the parser names the culprit.
        bare = text.replace("\n", " ").lstrip()
        try:
            ast.parse(bare, mode="eval")
        except SyntaxError as closer:
            offset = min(len(text) - len(bare) + _error_offset(bare, closer), end)
        if offset >= end:
            return ExpressionError("not an expression: the expression breaks off", span.place(end))
        return ExpressionError("not an expression: this is not expected here", span.place(offset))
    return ExpressionError(f"not an expression: {error.msg}", span.place(max(offset, 0)))


def _error_offset(text: str, error: SyntaxError) -> int:
    """The index of the character that Python complains about."""
    lines = text.split("\n")
    line = min(max((error.lineno or 1) - 1, 0), len(lines) - 1)
    return sum(len(before) + 1 for before in lines[:line]) + max((error.offset or 1) - 1, 0)


# Checking ------------------------------------------------------------------------------------------

_ALLOWED = (
    ast.Constant, ast.Name, ast.Attribute, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp,
    ast.Call, ast.Subscript, ast.Slice, ast.List, ast.Tuple, ast.Set, ast.ListComp, ast.GeneratorExp,
)  # fmt: skip

_NOT_IN_THE_LANGUAGE: dict[type, str] = {
    ast.Div: "'/' does not give an integer: write '//' (floor division) or ceil_div(a, b)",
    ast.BitAnd: "'&' is not in the language: write 'and'",
    ast.BitOr: "'|' is not in the language: write 'or'",
    ast.BitXor: "'^' is not in the language: write '**' for a power or xor(a, b)",
    ast.LShift: "'<<' is not in the language: write 'a * 2 ** b'",
    ast.RShift: "'>>' is not in the language: write 'a // 2 ** b'",
    ast.MatMult: "'@' is not in the language",
    ast.Invert: "'~' is not in the language: write 'not'",
    ast.Is: "'is' is not in the language: write '=='",
    ast.IsNot: "'is not' is not in the language: write '!='",
    ast.Lambda: "'lambda' is not in the language",
    ast.NamedExpr: "':=' is not in the language: write '==' for equality",
    ast.Starred: "'*' before an argument is not in the language: pass the list itself",
    ast.Dict: "a dictionary is not in the language",
    ast.DictComp: "a dictionary is not in the language",
    ast.SetComp: "a set comprehension is not in the language: write [... for ... in ...]",
    ast.JoinedStr: "text has no meaning in an expression",
}


class _Checker:
    """One walk over a tree, without recursion, so that no depth can exhaust the stack."""

    def __init__(self, tree: Tree, names: Names) -> None:
        self.tree = tree
        self.names = names

    def check(self) -> None:
        nothing: frozenset[str] = frozenset()
        stack: list[tuple[ast.expr, frozenset[str]]] = [(self.tree.body, nothing)]
        while stack:
            node, bound = stack.pop()
            stack.extend(reversed(list(self.parts(node, bound))))

    def unknown_choice(self, text: str, node: ast.AST) -> ExpressionError:
        close = unknown_name(text, self.names.texts).message.removeprefix(f"unknown name '{text}'")
        return self.fail(f"'{text}' is not a choice of any variable{close}", node)

    def fail(self, message: str, node: ast.AST) -> ExpressionError:
        return ExpressionError(message, self.tree.place(node))

    def parts(self, node: ast.expr, bound: frozenset[str]) -> Iterator[tuple[ast.expr, frozenset[str]]]:
        """Check one node; its parts, each with the loop names that are bound in it."""
        self.operators(node)
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str) and self.names.texts:
                if node.value not in self.names.texts:
                    raise self.unknown_choice(node.value, node)
            elif not isinstance(node.value, int):
                raise self.fail(_constant_hint(node.value), node)
        elif isinstance(node, ast.Name):
            self.name(node, bound)
        elif isinstance(node, ast.Attribute):
            path = attribute_path(node)
            if node.attr in ALL_PARTS and (path is None or path[0] in bound):
                # A part of an interval that a loop or an index gives.
                yield node.value, bound
            else:
                self.attribute(node)
        elif isinstance(node, ast.Call):
            self.call(node)
            yield from ((argument, bound) for argument in node.args)
        elif isinstance(node, (ast.ListComp, ast.GeneratorExp)):
            yield from self.comprehension(node, bound)
        else:
            for part in ast.iter_child_nodes(node):
                if isinstance(part, ast.expr):
                    yield part, bound

    def operators(self, node: ast.expr) -> None:
        parts: list[ast.AST] = [node]
        if isinstance(node, (ast.BinOp, ast.UnaryOp)):
            parts.append(node.op)
        elif isinstance(node, ast.Compare):
            parts.extend(node.ops)
        for part in parts:
            if type(part) in _NOT_IN_THE_LANGUAGE:
                raise self.fail(_NOT_IN_THE_LANGUAGE[type(part)], node)
        if not isinstance(node, _ALLOWED):
            raise self.fail(f"{type(node).__name__} is not in the language of expressions", node)

    def name(self, node: ast.Name, bound: frozenset[str]) -> None:
        name = node.id
        names = self.names
        if name in bound or name in names.values or name in CONSTANTS:
            return
        place = self.tree.place(node)
        if name in names.hints:
            raise UnknownNameError(names.hints[name], place)
        if name in names.namespaces:
            raise ExpressionError(f"'{name}' is an include: write '{name}.' and one of its keys", place)
        if name in FUNCTION_NAMES:
            raise ExpressionError(f"'{name}' is a function: write '{name}(...)'", place)
        known = [*bound, *islice(names.values, 5000), *names.namespaces, *FUNCTION_NAMES]
        raise unknown_name(name, known, place)

    def attribute(self, node: ast.Attribute) -> None:
        """Only the key of an include: a name, a dot, a name (and so on for includes of includes)."""
        path = attribute_path(node)
        if path is None:
            raise self.fail("a '.' may only follow the name of an include", node)
        namespace, key = ".".join(path[:-1]), path[-1]
        place = self.tree.place(node)
        if namespace not in self.names.namespaces:
            if path[0] in self.names.namespaces:
                raise unknown_name(namespace, self.names.namespaces, place)
            if path[0] in self.names.values:
                raise ExpressionError(f"'{path[0]}' is not an include, so it has no '.{path[1]}'", place)
            raise unknown_name(path[0], self.names.namespaces, place)
        full = f"{namespace}.{key}"
        if full in self.names.namespaces:
            raise ExpressionError(f"'{full}' is an include: write '{full}.' and one of its keys", place)
        if key not in self.names.namespaces[namespace]:
            raise unknown_name(full, [f"{namespace}.{k}" for k in self.names.namespaces[namespace]], place)

    def call(self, node: ast.Call) -> None:
        function = node.func
        if not isinstance(function, ast.Name):
            raise self.fail("this is not a function; write '*' for a product", node)
        if function.id not in FUNCTION_NAMES:
            if function.id in self.names.values:
                raise self.fail(f"'{function.id}' is not a function; write '*' for a product", node)
            known = FUNCTION_NAMES
            error = unknown_name(function.id, known, self.tree.place(node))
            raise UnknownNameError(error.message.replace("unknown name", "unknown function", 1), error.place)
        if node.keywords:
            raise self.fail(f"{function.id}() takes no named arguments", node)

    def comprehension(
        self, node: ast.ListComp | ast.GeneratorExp, bound: frozenset[str]
    ) -> Iterator[tuple[ast.expr, frozenset[str]]]:
        for loop in node.generators:
            if loop.is_async:
                raise self.fail("'async' is not in the language", node)
            yield loop.iter, bound
            targets = loop.target.elts if isinstance(loop.target, (ast.Tuple, ast.List)) else [loop.target]
            for target in targets:
                if not isinstance(target, ast.Name):
                    raise self.fail("'for' needs a name, or several with commas between", target)
                if (
                    target.id in FUNCTION_NAMES
                    or target.id in CONSTANTS
                    or target.id in self.names.namespaces
                ):
                    raise self.fail(f"'{target.id}' has a meaning already: choose another name", target)
                bound |= {target.id}
            yield from ((condition, bound) for condition in loop.ifs)
        yield node.elt, bound


def _constant_hint(value: object) -> str:
    if isinstance(value, float):
        return f"{value!r} is not an integer: scale it, or write a power such as 10**9 for 1e9"
    if isinstance(value, (str, bytes)):
        return "text has no meaning in an expression"
    return f"{'...' if value is ... else value} is not an integer"


def attribute_path(node: ast.expr) -> list[str] | None:
    """The names of `a.b.c`; None for anything else."""
    path: list[str] = []
    while isinstance(node, ast.Attribute) and len(path) < 20:
        path.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return [node.id, *reversed(path)]


def normalized(name: str) -> str:
    """A name as Python's parser gives it (NFKC)."""
    return name if name.isascii() else unicodedata.normalize("NFKC", name)
