"""From checked trees to values: the meaning of each kind of node."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from constrint import functions
from constrint.errors import ExpressionError, ProblemError, SizeLimitError
from constrint.expressions import Category, Op
from constrint.files.calls import FUNCTIONS
from constrint.files.limits import MAX_NESTING, Budget
from constrint.files.syntax import CONSTANTS, Names, Span, Tree, attribute_path, parse
from constrint.files.values import SEQUENCES, Arithmetic, Number, Value, length, number, sequence
from constrint.globals.scheduling import Interval

_PLAIN_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})\Z")


@dataclass(frozen=True)
class Unusable:
    """A key of an include that is no integer: `what` it is instead."""

    what: str


@dataclass
class Scope:
    """The names that expressions may use; `hints` say of others why they may not."""

    values: dict[str, Value] = field(default_factory=dict)
    namespaces: dict[str, dict[str, Value | Unusable]] = field(default_factory=dict)
    hints: dict[str, str] = field(default_factory=dict)
    texts: set[str] = field(default_factory=set)
    """The choices of variables, which may be compared with."""


def evaluate(span: Span, scope: Scope, budget: Budget) -> Value:
    """The value of the expression in `span`.

    Raises ProblemError, with the place, for whatever is wrong in it.
    """
    text = span.text
    try:
        if _PLAIN_INTEGER.match(text):
            budget.charge(1)
            return int(text)
        tree = parse(span, Names(scope.values, scope.namespaces, scope.hints, scope.texts), budget)
        return _Builder(tree, scope, budget).build()
    except ProblemError as error:
        if error.place is None:
            error.place = span.place()
        raise


class _Builder:
    """The value of one tree."""

    def __init__(self, tree: Tree, scope: Scope, budget: Budget) -> None:
        self.tree = tree
        self.scope = scope
        self.budget = budget
        self.arithmetic = Arithmetic(budget)
        self.loop_values: dict[str, Value] = {}
        self.depth = 0

    def build(self) -> Value:
        if isinstance(self.tree.body, ast.GeneratorExp):
            raise ExpressionError("a bare 'for': write all(... for ...), any(...) or sum(...)")
        return self.value(self.tree.body)

    def value(self, node: ast.expr) -> Value:
        """The value of any node."""
        self.budget.left -= 1
        if self.budget.left < 0:
            self.budget.charge(0)
        self.depth += 1
        try:
            if self.depth > MAX_NESTING:
                raise SizeLimitError(f"operations nest more than {MAX_NESTING} deep")
            return _RULES[type(node)](self, node)
        except ProblemError as error:
            if error.place is None:
                error.place = self.tree.place(node)
            raise
        finally:
            self.depth -= 1

    def number(self, node: ast.expr) -> Number:
        """The value of a node that must be a number."""
        try:
            return number(self.value(node))
        except ExpressionError as error:
            error.place = error.place or self.tree.place(node)
            raise

    def integer(self, node: ast.expr, what: str) -> int:
        """The value of a node that must be constant."""
        value = self.number(node)
        if not isinstance(value, int):
            raise ExpressionError(f"{what} must be constant", self.tree.place(node))
        return value

    # Atoms -------------------------------------------------------------------------------------------

    def constant(self, node: ast.Constant) -> Value:
        return node.value if isinstance(node.value, str) else int(node.value)  # type: ignore[arg-type]

    def name(self, node: ast.Name) -> Value:
        name = node.id
        if name in self.loop_values:
            return self.loop_values[name]
        if name in self.scope.values:
            return self.scope.values[name]
        return CONSTANTS[name]

    def attribute(self, node: ast.Attribute) -> Value:
        path = attribute_path(node)
        if path is None or path[0] in self.loop_values:
            owner = self.value(node.value)
            if not isinstance(owner, Interval):
                raise ExpressionError(f"only an interval has '.{node.attr}'")
            return getattr(owner, node.attr)
        value = self.scope.namespaces[".".join(path[:-1])][path[-1]]
        if isinstance(value, Unusable):
            raise ExpressionError(f"'{'.'.join(path)}' is {value.what}, not an integer")
        return value

    def display(self, node: ast.List | ast.Tuple | ast.Set) -> Value:
        return [self.value(item) for item in node.elts]

    # Operations --------------------------------------------------------------------------------------

    def binary(self, node: ast.BinOp) -> Value:
        if isinstance(node.op, (ast.Add, ast.Sub)):
            return self.sum(node)
        if isinstance(node.op, ast.Mult):
            return self.product(node)
        left, right = self.number(node.left), self.number(node.right)
        return self.arithmetic.operation(_BINARY[type(node.op)], left, right)

    def sum(self, node: ast.BinOp) -> Value:
        """A chain of + and -, whose tree leans to the left, as one sum."""
        terms: list[Number] = []
        first: ast.expr = node
        while isinstance(first, ast.BinOp) and isinstance(first.op, (ast.Add, ast.Sub)):
            term = self.number(first.right)
            terms.append(term if isinstance(first.op, ast.Add) else self.arithmetic.negative(term))
            first = first.left
        terms.append(self.number(first))
        return self.arithmetic.total(reversed(terms))

    def product(self, node: ast.BinOp) -> Value:
        """A chain of * as one product."""
        factors: list[Number] = []
        first: ast.expr = node
        while isinstance(first, ast.BinOp) and isinstance(first.op, ast.Mult):
            factors.append(self.number(first.right))
            first = first.left
        factors.append(self.number(first))
        return self.arithmetic.product(reversed(factors))

    def unary(self, node: ast.UnaryOp) -> Value:
        operand = self.number(node.operand)
        if isinstance(node.op, ast.USub):
            return self.arithmetic.negative(operand)
        if isinstance(node.op, ast.Not):
            return self.arithmetic.negation(operand)
        return operand

    def boolean(self, node: ast.BoolOp) -> Value:
        """and, or: read from the left, no further than a constant that decides."""
        op = Op.AND if isinstance(node.op, ast.And) else Op.OR
        parts: list[Number] = []
        for operand in node.values:
            part = self.number(operand)
            if isinstance(part, int) and bool(part) is (op is Op.OR):
                return int(op is Op.OR)
            parts.append(part)
        return self.arithmetic.connect(op, parts)

    def compare(self, node: ast.Compare) -> Value:
        """A comparison, or a chain of them, which is their conjunction."""
        parts: list[Number] = []
        left_node, left = node.left, self.value(node.left)
        for op, right_node in zip(node.ops, node.comparators, strict=True):
            right = self.value(right_node)
            first, second = _numbers_of_choices(left, right)
            if isinstance(op, (ast.In, ast.NotIn)):
                items = sequence(second, "'in'")
                parts.append(self.arithmetic.contains(first, items, isinstance(op, ast.NotIn)))
            else:
                for value, place in ((first, left_node), (second, right_node)):
                    if isinstance(value, SEQUENCES):
                        raise ExpressionError(
                            "a list cannot be compared: compare its items, with all(... for ...)",
                            self.tree.place(place),
                        )
                parts.append(self.arithmetic.operation(_COMPARISON[type(op)], number(first), number(second)))
            left_node, left = right_node, right
        return parts[0] if len(parts) == 1 else self.arithmetic.connect(Op.AND, parts)

    def choice(self, node: ast.IfExp) -> Value:
        condition = self.number(node.test)
        if isinstance(condition, int):
            return self.value(node.body if condition else node.orelse)
        return functions.choose(condition, self.number(node.body), self.number(node.orelse))

    def call(self, node: ast.Call) -> Value:
        assert isinstance(node.func, ast.Name)
        arguments = [
            self.items(argument) if isinstance(argument, ast.GeneratorExp) else self.value(argument)
            for argument in node.args
        ]
        return FUNCTIONS[node.func.id](node.func.id, self.arithmetic, arguments)

    # Sequences ---------------------------------------------------------------------------------------

    def subscript(self, node: ast.Subscript) -> Value:
        """items[index], items[i, j], items[low:high:step]."""
        items = self.value(node.value)
        if isinstance(node.slice, ast.Slice):
            sequence(items, "a slice")
            parts = (node.slice.lower, node.slice.upper, node.slice.step)
            bounds = [None if part is None else self.integer(part, "a bound of a slice") for part in parts]
            if bounds[2] == 0:
                raise ExpressionError("the step of a slice must not be 0")
            part = items[slice(*bounds)]
            self.budget.charge(length(part))
            return part
        indices = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        for index in indices:
            items = self.arithmetic.item(sequence(items, "an index [...]"), self.number(index))
        return items

    def items(self, node: ast.ListComp | ast.GeneratorExp) -> Value:
        """The items of a comprehension, all of them."""
        found: list[Any] = []
        before = dict(self.loop_values)

        def run(position: int) -> None:
            if position == len(node.generators):
                found.append(self.value(node.elt))
                return
            loop = node.generators[position]
            for item in sequence(self.value(loop.iter), "'for ... in'"):
                self.budget.charge(1)
                self.bind(loop.target, item)
                if all(self.integer(condition, "the condition of a loop") for condition in loop.ifs):
                    run(position + 1)

        run(0)
        self.loop_values = before
        return found

    def bind(self, target: ast.expr, item: Value) -> None:
        if isinstance(target, ast.Name):
            self.loop_values[target.id] = item
            return
        assert isinstance(target, (ast.Tuple, ast.List))
        if not isinstance(item, SEQUENCES) or len(item) != len(target.elts):
            raise ExpressionError(
                f"'for' expects {len(target.elts)} items in each turn", self.tree.place(target)
            )
        for part, value in zip(target.elts, item, strict=True):
            self.bind(part, value)


_BINARY = {ast.FloorDiv: Op.FLOOR_DIVIDE, ast.Mod: Op.MODULO, ast.Pow: Op.POWER}

_COMPARISON = {
    ast.Eq: Op.EQUAL,
    ast.NotEq: Op.NOT_EQUAL,
    ast.LtE: Op.LESS_EQUAL,
    ast.Lt: Op.LESS,
    ast.GtE: Op.GREATER_EQUAL,
    ast.Gt: Op.GREATER,
}


def _numbers_of_choices(left: Value, right: Value) -> tuple[Value, Value]:
    """Both sides of a comparison, with the choices that a variable is compared with as their numbers."""
    if isinstance(left, Category):
        if isinstance(right, (list, tuple)):
            return left, [left.number(item) for item in right]
        return left, left.number(right)
    if isinstance(right, Category):
        return right.number(left), right
    return left, right


_RULES: dict[type, Callable[[_Builder, Any], Value]] = {
    ast.Constant: _Builder.constant,
    ast.Name: _Builder.name,
    ast.Attribute: _Builder.attribute,
    ast.List: _Builder.display,
    ast.Tuple: _Builder.display,
    ast.Set: _Builder.display,
    ast.BinOp: _Builder.binary,
    ast.UnaryOp: _Builder.unary,
    ast.BoolOp: _Builder.boolean,
    ast.Compare: _Builder.compare,
    ast.IfExp: _Builder.choice,
    ast.Call: _Builder.call,
    ast.Subscript: _Builder.subscript,
    ast.ListComp: _Builder.items,
    ast.GeneratorExp: _Builder.items,
}
