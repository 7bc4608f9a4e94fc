"""Expressions: immutable trees over named integer variables, with Python's operators.

A boolean is the integer 0 or 1, and an integer where a boolean is expected means "not 0", as in Python.
`and`, `or` and `not` cannot be overloaded: write `&`, `|` and `~` (or `implies`, `iff`, `xor`).
"""

from __future__ import annotations

import difflib
import enum
import operator
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias, overload

from constrint.errors import ExpressionError, SizeLimitError

MAX_NESTING = 200
"""How deep operations may nest in one expression of a problem; a sum, a product, an `and` counts once."""

MAX_BITS = 1 << 20
"""Constants larger than this many bits are refused: they come from mistakes or from bombs."""


class Op(enum.Enum):
    """What an expression does; the value is its name or symbol in a problem file."""

    CONSTANT = "constant"
    VARIABLE = "variable"
    ADD = "+"
    MULTIPLY = "*"
    FLOOR_DIVIDE = "//"
    CEIL_DIVIDE = "ceil_div"
    MODULO = "%"
    POWER = "**"
    ABSOLUTE = "abs"
    MINIMUM = "min"
    MAXIMUM = "max"
    GCD = "gcd"
    LCM = "lcm"
    CHOOSE = "if"
    ELEMENT = "element"
    COUNT = "count"
    EQUAL = "=="
    NOT_EQUAL = "!="
    LESS_EQUAL = "<="
    LESS = "<"
    GREATER_EQUAL = ">="
    GREATER = ">"
    MEMBER = "in"
    DIVIDES = "divides"
    ALL_DIFFERENT = "all_different"
    TABLE = "table"
    RELATION = "relation"
    FUNCTION = "function"
    AND = "and"
    OR = "or"
    NOT = "not"
    IMPLIES = "implies"
    IFF = "iff"
    XOR = "xor"

    # Members are singletons, so identity is a right hash, and a faster one than Enum's.
    __hash__ = object.__hash__


COMPARISONS = frozenset({Op.EQUAL, Op.NOT_EQUAL, Op.LESS_EQUAL, Op.LESS, Op.GREATER_EQUAL, Op.GREATER})
CONNECTIVES = frozenset({Op.AND, Op.OR, Op.NOT, Op.IMPLIES, Op.IFF, Op.XOR})
BOOLEANS = COMPARISONS | CONNECTIVES | {Op.MEMBER, Op.DIVIDES, Op.ALL_DIFFERENT, Op.TABLE, Op.RELATION}


class Expression:
    """A node: an operation, its arguments, and `data` that is not an expression.

    `data` is the value of a constant, the name of a variable, the sorted values of a membership, the
    rows of a table, the global constraint of a RELATION or FUNCTION, and None elsewhere. An ELEMENT's
    arguments are the index, then the array; a COUNT's are the value, then the items.
    """

    __slots__ = ("args", "data", "op")

    def __init__(self, op: Op, args: tuple[Expression, ...] = (), data: Any = None) -> None:
        self.op = op
        self.args = args
        self.data = data

    @property
    def is_boolean(self) -> bool:
        """Whether the value can only be 0 or 1 by the operation alone."""
        return self.op in BOOLEANS

    # Arithmetic ------------------------------------------------------------------------------------

    def __add__(self, other: Operand) -> Expression:
        return add(self, other)

    def __radd__(self, other: Operand) -> Expression:
        return add(other, self)

    def __sub__(self, other: Operand) -> Expression:
        return add(self, multiply(-1, other))

    def __rsub__(self, other: Operand) -> Expression:
        return add(other, multiply(-1, self))

    def __mul__(self, other: Operand) -> Expression:
        return multiply(self, other)

    def __rmul__(self, other: Operand) -> Expression:
        return multiply(other, self)

    def __neg__(self) -> Expression:
        return multiply(-1, self)

    def __pos__(self) -> Expression:
        return self

    def __floordiv__(self, other: Operand) -> Expression:
        return apply(Op.FLOOR_DIVIDE, self, other)

    def __rfloordiv__(self, other: Operand) -> Expression:
        return apply(Op.FLOOR_DIVIDE, other, self)

    def __mod__(self, other: Operand) -> Expression:
        return apply(Op.MODULO, self, other)

    def __rmod__(self, other: Operand) -> Expression:
        return apply(Op.MODULO, other, self)

    def __pow__(self, other: Operand) -> Expression:
        return apply(Op.POWER, self, other)

    def __rpow__(self, other: Operand) -> Expression:
        return apply(Op.POWER, other, self)

    def __abs__(self) -> Expression:
        return apply(Op.ABSOLUTE, self)

    def __truediv__(self, other: object) -> Expression:
        raise ExpressionError("'/' does not give an integer: write '//' (floor division) or ceil_div(a, b)")

    __rtruediv__ = __truediv__

    # Comparisons -----------------------------------------------------------------------------------

    def __eq__(self, other: Operand) -> Expression:  # type: ignore[override]
        return apply(Op.EQUAL, self, other)

    def __ne__(self, other: Operand) -> Expression:  # type: ignore[override]
        return apply(Op.NOT_EQUAL, self, other)

    def __le__(self, other: Operand) -> Expression:
        return apply(Op.LESS_EQUAL, self, other)

    def __lt__(self, other: Operand) -> Expression:
        return apply(Op.LESS, self, other)

    def __ge__(self, other: Operand) -> Expression:
        return apply(Op.GREATER_EQUAL, self, other)

    def __gt__(self, other: Operand) -> Expression:
        return apply(Op.GREATER, self, other)

    __hash__ = object.__hash__

    # Logic -----------------------------------------------------------------------------------------

    def __and__(self, other: Operand) -> Expression:
        return connect(Op.AND, self, other)

    def __rand__(self, other: Operand) -> Expression:
        return connect(Op.AND, other, self)

    def __or__(self, other: Operand) -> Expression:
        return connect(Op.OR, self, other)

    def __ror__(self, other: Operand) -> Expression:
        return connect(Op.OR, other, self)

    def __xor__(self, other: Operand) -> Expression:
        return apply(Op.XOR, self, other)

    def __rxor__(self, other: Operand) -> Expression:
        return apply(Op.XOR, other, self)

    def __invert__(self) -> Expression:
        return apply(Op.NOT, self)

    def isin(self, values: Iterable[int]) -> Expression:
        """Whether the value is one of `values`."""
        return member(self, values)

    def __bool__(self) -> bool:
        raise ExpressionError(
            f"the truth of '{self}' is not known before solving; write '&', '|', '~' for and, or, not, "
            "'(a <= x) & (x <= b)' for a chained comparison, and x.isin([...]) for membership"
        )

    def __index__(self) -> int:
        if self.op is Op.CONSTANT:
            return int(self.data)
        raise ExpressionError(f"'{self}' is not a constant")

    def __str__(self) -> str:
        from constrint.printing import to_text

        if nests_deeper(self, MAX_NESTING):
            return f"(an expression that nests more than {MAX_NESTING} deep)"
        return to_text(self)

    def __repr__(self) -> str:
        return f"<{self}>"


Operand: TypeAlias = "Expression | int | Any"
"""An expression, anything with an integer value (int, bool, NumPy integers), or a SymPy expression."""


def to_expression(value: Operand) -> Expression:
    """`value` as an expression.

    Raises ExpressionError for anything that is neither an expression nor an integer.
    """
    if isinstance(value, Expression):
        return value
    try:
        return Expression(Op.CONSTANT, (), operator.index(value))
    except TypeError:
        pass
    if type(value).__module__.partition(".")[0] == "sympy" or hasattr(value, "_sympy_"):
        from constrint.sympy_input import from_sympy

        return from_sympy(value)
    raise ExpressionError(f"expected an integer or an expression, got {type(value).__name__} {value!r}")


def constant(value: int) -> Expression:
    """The constant `value`."""
    return Expression(Op.CONSTANT, (), int(value))


def variable(name: str) -> Expression:
    """A reference to the variable called `name`; a Problem decides which names exist."""
    return Expression(Op.VARIABLE, (), name)


def apply(op: Op, *operands: Operand, data: Any = None) -> Expression:
    """The operation on the operands, folded to a constant where all of them are constants."""
    return build(op, tuple(to_expression(operand) for operand in operands), data)


def build(op: Op, args: tuple[Expression, ...], data: Any = None) -> Expression:
    """Like `apply`, for arguments that already are expressions."""
    expression = Expression(op, args, data)
    if all(arg.op is Op.CONSTANT for arg in args):
        from constrint.evaluation import folded

        return folded(expression)
    return expression


def add(*operands: Operand) -> Expression:
    """The sum; nested sums become one."""
    terms: list[Expression] = []
    total = 0
    for operand in operands:
        expression = to_expression(operand)
        for term in expression.args if expression.op is Op.ADD else (expression,):
            if term.op is Op.CONSTANT:
                total += term.data
            else:
                terms.append(term)
    if total or not terms:
        terms.append(constant(checked_size(total)))
    return terms[0] if len(terms) == 1 else Expression(Op.ADD, tuple(terms))


def multiply(*operands: Operand) -> Expression:
    """The product; nested products become one, and a constant factor comes first."""
    factors: list[Expression] = []
    scale = 1
    for operand in operands:
        expression = to_expression(operand)
        for factor in expression.args if expression.op is Op.MULTIPLY else (expression,):
            if factor.op is Op.CONSTANT:
                scale *= factor.data
            else:
                factors.append(factor)
    if not factors:
        return constant(checked_size(scale))
    if scale != 1:
        # A zero keeps its factors: a product with an undefined factor is undefined.
        factors.insert(0, constant(checked_size(scale)))
    return factors[0] if len(factors) == 1 else Expression(Op.MULTIPLY, tuple(factors))


def connect(op: Op, *operands: Operand) -> Expression:
    """The conjunction (Op.AND) or disjunction (Op.OR); nested ones of the same kind become one."""
    parts: list[Expression] = []
    for operand in operands:
        expression = to_expression(operand)
        parts.extend(expression.args if expression.op is op else (expression,))
    return build(op, tuple(parts))


def checked_size(value: int) -> int:
    """`value`, or SizeLimitError where it is absurdly large."""
    if value.bit_length() > MAX_BITS:
        raise SizeLimitError(f"a constant of more than {MAX_BITS} bits")
    return value


def member(operand: Operand, values: Iterable[int]) -> Expression:
    """Whether `operand` is one of the constant `values`."""
    try:
        constants = sorted({operator.index(value) for value in values})
    except TypeError:
        raise ExpressionError(f"membership needs constant integers, not {values!r}") from None
    return apply(Op.MEMBER, operand, data=tuple(constants))


def walk(expression: Expression) -> Iterator[Expression]:
    """Every node once, also one that stands in several places."""
    stack = [expression]
    seen = set()
    while stack:
        node = stack.pop()
        if id(node) not in seen:
            seen.add(id(node))
            yield node
            stack.extend(node.args)


def nests_deeper(expression: Expression, depth: int) -> bool:
    """Whether operations nest more than `depth` deep in the expression."""
    level = [expression]
    for _ in range(depth + 1):
        # A term that stands in several places is looked at once.
        level = list({id(arg): arg for node in level for arg in node.args}.values())
        if not level:
            return False
    return True


class Category(Expression):
    """A variable whose values have names: it compares with these texts as with the numbers 0, 1, 2, …"""

    __slots__ = ("choices",)

    def __init__(self, name: str, choices: tuple[str, ...]) -> None:
        super().__init__(Op.VARIABLE, (), name)
        self.choices = choices

    def number(self, choice: object) -> Any:
        """The number of a choice; anything that is no text as it is.

        Raises ExpressionError for a text that is no choice.
        """
        if not isinstance(choice, str):
            return choice
        if choice not in self.choices:
            close = difflib.get_close_matches(choice, self.choices, n=1)
            hint = f" … did you mean '{close[0]}'?" if close else f": {', '.join(self.choices)}"
            raise ExpressionError(f"'{choice}' is not a choice of '{self.data}'{hint}")
        return self.choices.index(choice)

    def __eq__(self, other: Operand) -> Expression:  # type: ignore[override]
        return apply(Op.EQUAL, self, self.number(other))

    def __ne__(self, other: Operand) -> Expression:  # type: ignore[override]
        return apply(Op.NOT_EQUAL, self, self.number(other))

    __hash__ = object.__hash__

    def isin(self, values: Iterable[int | str]) -> Expression:
        """Whether the value is one of `values`."""
        return member(self, map(self.number, values))


def variable_names(expression: Expression) -> set[str]:
    """The names of the variables that occur in the expression."""
    return {node.data for node in walk(expression) if node.op is Op.VARIABLE}


class Array(Sequence[Any]):
    """An array of expressions; an index may be an expression itself, which gives an `element`.

    Nested arrays take `a[i][j]` or `a[i, j]`.
    """

    __slots__ = ("items",)

    def __init__(self, items: Iterable[Any]) -> None:
        self.items: tuple[Any, ...] = tuple(
            Array(item) if isinstance(item, (list, tuple)) else item for item in items
        )

    def __len__(self) -> int:
        return len(self.items)

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> Array: ...
    @overload
    def __getitem__(self, index: Any) -> Any: ...
    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, tuple):
            result: Any = self
            for part in index:
                result = result[part]
            return result
        if isinstance(index, slice):
            return Array(self.items[index])
        if isinstance(index, Expression) and index.op is not Op.CONSTANT:
            return indexed(self.items, index)
        position = operator.index(index)
        if not -len(self.items) <= position < len(self.items):
            raise IndexError(f"index {position} is out of range for an array of {len(self.items)}")
        return self.items[position]

    @property
    def flat(self) -> list[Expression]:
        """All elements in order, nested ones too."""
        elements: list[Expression] = []
        for item in self.items:
            elements.extend(item.flat if isinstance(item, Array) else [item])
        return elements

    def __repr__(self) -> str:
        return f"Array({list(self.items)!r})"


def listed(items: Iterable[Any]) -> list[Any]:
    """The items as a list. Raises ExpressionError for what has none."""
    try:
        iterator = iter(items)
    except TypeError:
        raise ExpressionError(f"expected a list, not {items!r}") from None
    return list(iterator)


def flat(items: Iterable[Any]) -> list[Expression]:
    """The items as expressions, nested sequences flattened.

    Raises ExpressionError for what is no list.
    """
    result: list[Expression] = []
    for item in listed(items):
        if isinstance(item, (Array, list, tuple)):
            result.extend(flat(item))
        else:
            result.append(to_expression(item))
    return result


def indexed(items: Sequence[Any], index: Expression) -> Any:
    """`items[index]` for an index that is only known when solved."""
    if items and isinstance(items[0], (Array, list, tuple)):
        # Rows: index each column, which gives a row of elements to be indexed next.
        if len({len(row) for row in items}) != 1:
            raise ExpressionError("a variable can only index rows of the same length")
        return Array(indexed([row[k] for row in items], index) for k in range(len(items[0])))
    return apply(Op.ELEMENT, index, *items)
