"""Expressions as text, in the syntax of problem files: reading the text gives the expression back."""

from __future__ import annotations

from constrint.expressions import COMPARISONS, Expression, Op
from constrint.numbers import long_integers

# How tightly an operation binds; arguments that bind less tightly get parentheses.
_CHOICE, _OR, _AND, _NOT, _COMPARISON, _SUM, _PRODUCT, _SIGN, _POWER, _ATOM = range(10)

_BINDING = {
    Op.CHOOSE: _CHOICE,
    Op.OR: _OR,
    Op.AND: _AND,
    Op.NOT: _NOT,
    Op.MEMBER: _COMPARISON,
    Op.ADD: _SUM,
    Op.MULTIPLY: _PRODUCT,
    Op.FLOOR_DIVIDE: _PRODUCT,
    Op.MODULO: _PRODUCT,
    Op.POWER: _POWER,
    **dict.fromkeys(COMPARISONS, _COMPARISON),
}


def to_text(expression: Expression) -> str:
    """The expression in the syntax of problem files."""
    with long_integers():
        return _render(expression)[0]


def _render(e: Expression) -> tuple[str, int]:
    """The text and how tightly it binds."""
    op = e.op
    if op is Op.CONSTANT:
        return str(e.data), (_SIGN if e.data < 0 else _ATOM)
    if op is Op.VARIABLE:
        return e.data, _ATOM
    binding = _BINDING.get(op, _ATOM)
    if op is Op.ADD:
        return _sum(e.args), _SUM
    if op is Op.MULTIPLY:
        return _product(e.args)
    if op in COMPARISONS or op in (Op.FLOOR_DIVIDE, Op.MODULO):
        left, right = e.args
        left_binding = binding + 1 if op in COMPARISONS else binding
        return f"{_within(left, left_binding)} {op.value} {_within(right, binding + 1)}", binding
    if op is Op.POWER:
        base, exponent = e.args
        return f"{_within(base, _ATOM)} ** {_within(exponent, _SIGN)}", _POWER
    if op in (Op.AND, Op.OR) and e.args:
        return f" {op.value} ".join(_within(arg, binding + 1) for arg in e.args), binding
    if op is Op.NOT:
        return f"not {_within(e.args[0], _NOT)}", _NOT
    if op is Op.CHOOSE:
        condition, then, otherwise = e.args
        return (
            f"{_within(then, _OR)} if {_within(condition, _OR)} else {_within(otherwise, _CHOICE)}",
            _CHOICE,
        )
    if op is Op.MEMBER:
        return f"{_within(e.args[0], _SUM)} in {list(e.data)}", _COMPARISON
    return _call(e), _ATOM


def _within(e: Expression, binding: int) -> str:
    """The text of an argument, in parentheses where it binds less tightly than its place demands."""
    text, own = _render(e)
    return text if own >= binding else f"({text})"


def _sum(terms: tuple[Expression, ...]) -> str:
    text = ""
    for term in terms:
        part = _within(term, _PRODUCT)
        if not text:
            text = part
        elif part.startswith("-"):
            text += f" - {part[1:]}"
        else:
            text += f" + {part}"
    return text


def _product(factors: tuple[Expression, ...]) -> tuple[str, int]:
    first, *rest = factors
    if first.op is Op.CONSTANT and first.data == -1 and rest:
        text = " * ".join(_within(factor, _SIGN) for factor in rest)
        return f"-{text}", _SIGN if len(rest) == 1 else _PRODUCT
    # Each factor after the first must bind tighter than '//' and '%', which are read from the left.
    texts = [_within(first, _SIGN)] + [_within(factor, _SIGN) for factor in rest]
    return " * ".join(texts), _PRODUCT


def _call(e: Expression) -> str:
    texts = [_render(arg)[0] for arg in e.args]
    items = f"[{', '.join(texts)}]"
    if e.op is Op.ELEMENT:
        return f"element({texts[0]}, [{', '.join(texts[1:])}])"
    if e.op is Op.COUNT:
        return f"count([{', '.join(texts[1:])}], {texts[0]})"
    if e.op is Op.TABLE:
        rows = ", ".join(str(list(row)) for row in sorted(e.data))
        return f"table({items}, [{rows}])"
    if e.op is Op.ALL_DIFFERENT:
        return f"all_different({items})"
    if e.op in (Op.RELATION, Op.FUNCTION):
        return str(e.data.text(texts))
    if e.op in (Op.AND, Op.OR):
        return f"{'all' if e.op is Op.AND else 'any'}({items})"
    return f"{e.op.value}({', '.join(texts)})"
