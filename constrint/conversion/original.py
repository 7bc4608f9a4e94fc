"""The text language of the original ConstrINT (FlashRNN, arXiv:2412.07752), read and written.

    # A comment
    TILES * SIZE == WIDTH;          # a constraint ends with ';'
    WIDTH % SIZE == 0;              # divisibility; the only use of '%'
    SIZE ^ 2 <= AREA | SIZE == [8, 16];

Variables are positive integers and need no declaration. Terms are sums of products of powers, and that is
all: brackets are allowed anywhere and ignored, so that `A * (B + C)` is `A * B + C`. '|' (or '||') binds
less than the comparisons. The original solver also bounds every variable by 2^30; here nothing does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn

from constrint.domains import DomainSpec
from constrint.errors import Place, ProblemError
from constrint.expressions import Expression, Op, add, connect, constant, member, multiply
from constrint.numbers import long_integers
from constrint.problem import Problem

_TOKEN = re.compile(r"(?:\s+|\#[^\n]*|[()])*([A-Za-z_]\w*|\d+|<=|==|\|\|?|[-+*^%;,\[\]]|\S|\Z)")
_POSITIVE = DomainSpec(low=1)

Polynomial = dict[tuple[tuple[str, int], ...], int]
"""The coefficient of each product of powers, sorted (name, exponent)."""


def read(text: str, source: str = "<text>") -> Problem:
    """The problem that the text states.

    Raises ProblemError, with line and column, for what is not in the language.
    """
    return _Parser(text, source).problem()


class _Parser:
    def __init__(self, text: str, source: str) -> None:
        self._text, self._source = text, source
        self._tokens = [(match[1], match.start(1)) for match in _TOKEN.finditer(text)]
        self._at = 0
        self._problem = Problem(re.sub(r".*[/\\]|\.\w+$", "", source) or "problem")

    def problem(self) -> Problem:
        while self._token:
            if self._accept(";"):
                continue
            place = self._place()
            alternatives = [self._comparison()]
            while self._accept("|") or self._accept("||"):
                if self._token in ("|", "||", ";", ""):
                    continue
                alternatives.append(self._comparison())
            if self._token and not self._accept(";"):
                self._fail("expected ';'")
            self._problem.add(connect(Op.OR, *alternatives), place=place)
        return self._problem

    def _comparison(self) -> Expression:
        left, listed = self._side()
        if self._accept("%"):
            divisor, wrong = self._side()
            if listed is not None or wrong is not None:
                self._fail("a list stands alone on one side of '=='")
            if not self._accept("==") or not self._accept("0"):
                self._fail("expected '== 0' after a remainder")
            return left % divisor == 0
        operator = self._token
        if not (self._accept("<=") or self._accept("==")):
            self._fail("expected '==', '<=' or '%'")
        right, others = self._side()
        if listed is None and others is None:
            return left <= right if operator == "<=" else left == right
        if operator == "<=" or (listed is not None and others is not None):
            self._fail("a list stands alone on one side of '=='")
        return member(left, others) if others is not None else member(right, listed or [])

    def _side(self) -> tuple[Expression, list[int] | None]:
        """A term, or the members of a list."""
        if not self._accept("["):
            return self._sum(), None
        members = [self._integer()]
        while self._accept(","):
            members.append(self._integer())
        if not self._accept("]"):
            self._fail("expected ',' or ']'")
        return constant(0), members

    def _sum(self) -> Expression:
        terms = [self._product()]
        while self._accept("+"):
            terms.append(self._product())
        return add(*terms)

    def _product(self) -> Expression:
        factors = [self._power()]
        while self._accept("*"):
            factors.append(self._power())
        return multiply(*factors)

    def _power(self) -> Expression:
        base = self._atom()
        return base ** self._integer() if self._accept("^") else base

    def _atom(self) -> Expression:
        token = self._token
        if token.isdigit():
            return constant(self._integer())
        if not (token[:1].isalpha() or token[:1] == "_"):
            self._fail("expected a variable or a number")
        if token not in self._problem.variables:
            self._problem.variables[token] = _POSITIVE
            self._problem.places[token] = self._place()
        self._at += 1
        variable: Expression = self._problem[token]
        return variable

    def _integer(self) -> int:
        token = self._token
        if not (token.isascii() and token.isdigit()):
            self._fail("expected a number")
        self._at += 1
        with long_integers():
            return int(token)

    @property
    def _token(self) -> str:
        return self._tokens[self._at][0]

    def _accept(self, token: str) -> bool:
        if self._token != token:
            return False
        self._at += 1
        return True

    def _place(self) -> Place:
        offset = self._tokens[self._at][1]
        start = self._text.rfind("\n", 0, offset) + 1
        return Place(self._source, self._text.count("\n", 0, offset) + 1, offset - start + 1)

    def _fail(self, message: str) -> NoReturn:
        found = f"found '{self._token}'" if self._token else "the text ends here"
        raise ProblemError(f"{message}; {found}", self._place())


# Writing ---------------------------------------------------------------------------------------------------


def write(problem: Problem) -> str:
    """The problem in the language; elements of arrays get names such as q_0.

    Raises ProblemError for what the language cannot say, naming the variable or the constraint.
    """
    if problem.objectives or problem.preferences:
        raise ProblemError("the original language has no objectives and no preferences")
    writer = _Writer(problem)
    lines = [f"# {line}" for line in [problem.name, *problem.description.splitlines()]]
    with long_integers():
        for name, spec in problem.variables.items():
            lines += [f"{text};" for text in writer.domain(name, spec)]
        for item in problem.constraints:
            for text in writer.statements(item.expression):
                lines.append(f"{text};{f'  # {item.label}' if item.label else ''}")
    return "\n".join(lines) + "\n"


class _Unsayable(Exception):
    """What cannot be said in the language."""


@dataclass
class _Writer:
    problem: Problem

    def domain(self, name: str, spec: DomainSpec) -> list[str]:
        """The declared domain as statements."""
        lowest = spec.low if spec.values is None else max(min(spec.values, default=1), spec.low or 1)
        if spec.divides is None and spec.power_of is None and (lowest is None or lowest < 1):
            raise ProblemError(
                f"'{name}' may be less than 1, and the original language has positive integers"
            )
        if spec.power_of is not None or spec.remainder is not None or spec.choices is not None:
            raise ProblemError(f"the domain of '{name}' cannot be said in the original language")
        shown = self.name(name)
        texts = []
        if spec.low is not None and spec.low > 1:
            texts.append(f"{spec.low} <= {shown}")
        if spec.high is not None:
            texts.append(f"{shown} <= {spec.high}")
        if spec.values is not None:
            texts.append(f"{shown} == [{', '.join(map(str, spec.values))}]")
        if spec.multiple_of:
            texts.append(f"{shown} % {abs(spec.multiple_of)} == 0")
        if spec.divides:
            texts.append(f"{abs(spec.divides)} % {shown} == 0")
        # Every variable is mentioned, for that is what declares it.
        return texts or [f"1 <= {shown}"]

    def name(self, name: str) -> str:
        """A name without indices."""
        plain = re.sub(r"\W+", "_", name).rstrip("_") if "[" in name else name
        if plain != name and plain in self.problem.variables:
            raise ProblemError(f"the name '{plain}' for '{name}' is already taken")
        return plain

    def statements(self, e: Expression) -> list[str]:
        """The constraint as statements that hold together."""
        try:
            if e.op is Op.AND:
                return [text for arg in e.args for text in self.statements(arg)]
            if e.op is Op.OR and e.args:
                return [" | ".join(map(self._comparison, e.args))]
            return [self._comparison(e)]
        except _Unsayable:
            raise ProblemError(f"'{e}' cannot be said in the original language") from None

    def _comparison(self, e: Expression) -> str:
        if e.op is Op.DIVIDES:
            return self._divisible(e.args[1], e.args[0])
        if e.op is Op.MEMBER and e.data and e.data[0] >= 0:
            left, right = self._sides(e.args[0], constant(0))
            if right == "0":
                return f"{left} == [{', '.join(map(str, e.data))}]"
        if e.op is Op.EQUAL:
            for side, other in (e.args, e.args[::-1]):
                if side.op is Op.MODULO and other.op is Op.CONSTANT and other.data == 0:
                    return self._divisible(*side.args)
        if e.op in _ORDER:
            swapped, strictly = _ORDER[e.op]
            first, second = reversed(e.args) if swapped else e.args
            left, right = self._sides(first + 1 if strictly else first, second)
            return f"{left} <= {right}"
        if e.op is Op.EQUAL:
            return " == ".join(self._sides(*e.args))
        raise _Unsayable

    def _divisible(self, dividend: Expression, divisor: Expression) -> str:
        sides = [_expanded(dividend), _expanded(divisor)]
        # A divisor without positive terms could be 0, which divides nothing here.
        if any(c < 0 for side in sides for c in side.values()) or not any(sides[1].values()):
            raise _Unsayable
        return " % ".join(map(self._text, sides)) + " == 0"

    def _sides(self, left: Expression, right: Expression) -> tuple[str, str]:
        """Both sides without negative coefficients, which move to the other one."""
        sums = _expanded(add(left, multiply(-1, right)))
        positive = {monomial: c for monomial, c in sums.items() if c > 0}
        negative = {monomial: -c for monomial, c in sums.items() if c < 0}
        return self._text(positive), self._text(negative)

    def _text(self, polynomial: Polynomial) -> str:
        terms = []
        for monomial, c in polynomial.items():
            factors = [self.name(name) + (f" ^ {n}" if n > 1 else "") for name, n in monomial]
            terms.append(" * ".join([str(c), *factors] if c != 1 or not factors else factors))
        return " + ".join(terms) or "0"


_ORDER = {
    Op.LESS_EQUAL: (False, False),
    Op.LESS: (False, True),
    Op.GREATER_EQUAL: (True, False),
    Op.GREATER: (True, True),
}
"""How to say it with '<=': whether the sides are swapped, and whether 1 is added to the smaller one."""

_MOST_TERMS = 10_000


def _expanded(e: Expression) -> Polynomial:
    """The polynomial, multiplied out. Raises _Unsayable for what is none."""
    if e.op is Op.CONSTANT:
        return {(): e.data} if e.data else {}
    if e.op is Op.VARIABLE:
        return {((e.data, 1),): 1}
    if e.op is Op.ADD:
        sums: Polynomial = {}
        for arg in e.args:
            for monomial, c in _expanded(arg).items():
                sums[monomial] = sums.get(monomial, 0) + c
        return {monomial: c for monomial, c in sums.items() if c}
    if e.op is Op.MULTIPLY:
        product: Polynomial = {(): 1}
        for arg in e.args:
            product = _times(product, _expanded(arg))
        return product
    if e.op is Op.POWER and e.args[1].op is Op.CONSTANT and 0 <= e.args[1].data <= 1000:
        base = _expanded(e.args[0])
        power: Polynomial = {(): 1}
        for _ in range(e.args[1].data):
            power = _times(power, base)
        return power
    raise _Unsayable


def _times(a: Polynomial, b: Polynomial) -> Polynomial:
    if len(a) * len(b) > _MOST_TERMS:
        raise _Unsayable
    product: Polynomial = {}
    for first, c in a.items():
        for second, d in b.items():
            powers = dict(first)
            for name, n in second:
                powers[name] = powers.get(name, 0) + n
            monomial = tuple(sorted(powers.items()))
            product[monomial] = product.get(monomial, 0) + c * d
    return {monomial: c for monomial, c in product.items() if c}
