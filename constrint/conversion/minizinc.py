"""Problems as MiniZinc models."""

from __future__ import annotations

import re

from constrint.domains import DomainSpec
from constrint.errors import ProblemError
from constrint.expressions import Expression, Op, variable
from constrint.globals.base import spelled_out
from constrint.numbers import long_integers
from constrint.problem import Problem

_RESERVED = set(
    re.findall(
        r"\w+",
        """ann annotation any array bool case constraint default diff div else elseif endif enum false float
        function if in include infinity int intersect let list maximize minimize mod not of op opt output par
        predicate record satisfy set solve string subset superset symdiff test then true tuple type union var
        where xor""",
    )
)

# MiniZinc's div and mod round towards zero, those of constrint down.
_HELPERS = {
    "floor_mod": "function var int: floor_mod(var int: a, var int: b) = ((a mod b) + b) mod b;",
    "floor_div": "function var int: floor_div(var int: a, var int: b) = (a - floor_mod(a, b)) div b;",
    "natural_pow": (
        "function var int: natural_pow(var int: a, var int: b) = let { constraint b >= 0 } in pow(a, b);"
    ),
}
_INCLUDES = {"all_different": "all_different.mzn", "table": "table.mzn"}

_MOST_POWERS = 4096


def write(problem: Problem) -> str:
    """The problem as a MiniZinc model.

    Raises ProblemError for what has no counterpart: several objectives or preferences, gcd and lcm, powers
    of a base as a domain without end.
    """
    goals = [(goal.expression, goal.maximize) for goal in problem.objectives]
    goals += [(wish.expression, wish.largest) for wish in problem.preferences]
    if len(goals) > 1:
        raise ProblemError(
            "a MiniZinc model has one objective, and this problem has several (or preferences)"
        )
    writer = _Writer(problem)
    with long_integers():
        body = [*writer.declarations()]
        for item in problem.constraints:
            label = f" % {' '.join(item.label.split())}" if item.label else ""
            body.append(f"constraint {writer.truth(item.expression)};{label}")
        solve = "satisfy"
        if goals:
            expression, largest = goals[0]
            solve = f"{'maximize' if largest else 'minimize'} {writer.number(expression)}"
        body.append(f"solve {solve};")
    lines = [f"% {line}" for line in [problem.name, *problem.description.splitlines()]]
    lines += [f'include "{_INCLUDES[name]}";' for name in sorted(writer.used & set(_INCLUDES))]
    lines += [text for name, text in _HELPERS.items() if name in writer.used]
    return "\n".join([*lines, *body]) + "\n"


class _Writer:
    """Writes expressions; `used` are the helpers and library predicates that they need."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self.used: set[str] = set()

    def declarations(self) -> list[str]:
        problem = self._problem
        lines = []
        for name, spec in problem.variables.items():
            array = name.partition("[")[0]
            shape = problem.arrays.get(array)
            domain, rest = self._domain(name, spec)
            if shape is None:
                lines.append(f"var {domain}: {_identifier(name)};")
            elif name == array + "[0]" * len(shape):
                ranges = ", ".join(f"0..{size - 1}" for size in shape)
                lines.append(f"array[{ranges}] of var {domain}: {_identifier(array)};")
            lines += [f"constraint {text};" for text in rest]
        return lines

    def _domain(self, name: str, spec: DomainSpec) -> tuple[str, list[str]]:
        """The type of the variable, and what else its declaration says."""
        x = self.number(variable(name))
        rest = []
        low = 1 if spec.low is None and (spec.divides is not None or spec.power_of) else spec.low
        high = spec.high
        if spec.divides:
            high = abs(spec.divides) if high is None else min(high, abs(spec.divides))
            rest.append(f"{abs(spec.divides)} mod {x} = 0")
            low = max(low or 1, 1)
        if spec.multiple_of == 0:
            rest.append(f"{x} = 0")
        elif spec.multiple_of is not None:
            rest.append(f"{x} mod {abs(spec.multiple_of)} = 0")
        if spec.remainder is not None:
            remainder, modulus = spec.remainder
            rest.append(f"({x} - {_constant(remainder)}) mod {abs(modulus)} = 0")
        if spec.power_of is not None:
            rest.append(f"{x} in {{{', '.join(map(str, self._powers(name, spec.power_of, high)))}}}")
        if spec.values is not None:
            values = [v for v in spec.values if (low is None or v >= low) and (high is None or v <= high)]
            return (f"{{{', '.join(map(str, values))}}}" if values else "1..0"), rest
        if low is not None and high is not None:
            return f"{low}..{high}", rest
        if low is not None:
            rest.insert(0, f"{x} >= {_constant(low)}")
        if high is not None:
            rest.insert(0, f"{x} <= {_constant(high)}")
        return "int", rest

    def _powers(self, name: str, base: int, high: int | None) -> list[int]:
        if high is None or high.bit_length() > _MOST_POWERS:
            raise ProblemError(f"'{name}' is a power of {base} without a bound, which MiniZinc cannot say")
        powers = [1]
        while powers[-1] * base <= high:
            powers.append(powers[-1] * base)
        return powers

    # Expressions ---------------------------------------------------------------------------------------

    def truth(self, e: Expression) -> str:
        """The expression as a boolean of MiniZinc, in brackets where they may be needed."""
        op, args = e.op, e.args
        if op is Op.CONSTANT:
            return "true" if e.data else "false"
        if op in _COMPARISONS:
            return f"({self.number(args[0])} {_COMPARISONS[op]} {self.number(args[1])})"
        if op is Op.NOT:
            return f"(not {self.truth(args[0])})"
        if op in _CONNECTIVES:
            if not args:
                return "true" if op is Op.AND else "false"
            return f"({f' {_CONNECTIVES[op]} '.join(map(self.truth, args))})"
        if op is Op.XOR:
            return f"xorall([{', '.join(map(self.truth, args))}])"
        if op is Op.MEMBER:
            return f"({self.number(args[0])} in {{{', '.join(map(str, e.data))}}})"
        if op is Op.DIVIDES:
            a, b = map(self.number, args)
            return f"(if {a} = 0 then {b} = 0 else {b} mod {a} = 0 endif)"
        if op is Op.ALL_DIFFERENT:
            self.used.add("all_different")
            return f"all_different({self._list(args)})"
        if op is Op.TABLE:
            self.used.add("table")
            rows = "|".join(",".join(map(str, row)) for row in sorted(e.data))
            return f"table({self._list(args)}, [|{rows}|])" if rows else "false"
        if op is Op.RELATION:
            return self.truth(self._simpler(e))
        return f"({self.number(e)} != 0)"

    def number(self, e: Expression) -> str:
        """The expression as an integer of MiniZinc."""
        op, args = e.op, e.args
        if op is Op.CONSTANT:
            return _constant(e.data)
        if op is Op.VARIABLE:
            name, *indices = e.data.replace("]", "").split("[")
            return _identifier(name) + (f"[{', '.join(indices)}]" if indices else "")
        if op in (Op.ADD, Op.MULTIPLY):
            return f"({f' {op.value} '.join(map(self.number, args))})"
        if op in _CALLS:
            function, helpers = _CALLS[op]
            self.used.update(helpers)
            return f"{function}({', '.join(map(self.number, args))})"
        if op is Op.CEIL_DIVIDE:
            self.used.update(("floor_div", "floor_mod"))
            return f"(-floor_div(-{self.number(args[0])}, {self.number(args[1])}))"
        if op in (Op.MINIMUM, Op.MAXIMUM):
            return f"{op.value}({self._list(args)})"
        if op is Op.CHOOSE:
            condition, then, otherwise = args
            return (
                f"(if {self.truth(condition)} then {self.number(then)} else {self.number(otherwise)} endif)"
            )
        if op is Op.ELEMENT:
            return f"{self._list(args[1:])}[{self.number(args[0])} + 1]"
        if op is Op.COUNT:
            equal = [f"bool2int({self.number(item)} = {self.number(args[0])})" for item in args[1:]]
            return f"({' + '.join(equal) or '0'})"
        if op is Op.FUNCTION:
            return self.number(self._simpler(e))
        if e.is_boolean or op is Op.RELATION:
            return f"bool2int({self.truth(e)})"
        raise ProblemError(f"MiniZinc has no counterpart of {op.value}, as in '{e}'")

    def _simpler(self, e: Expression) -> Expression:
        simpler = spelled_out(e)
        if simpler is None:
            raise ProblemError(f"MiniZinc has no counterpart of '{e}'")
        return simpler

    def _list(self, items: tuple[Expression, ...]) -> str:
        return f"[{', '.join(map(self.number, items))}]"


def _identifier(name: str) -> str:
    return f"'{name}'" if name in _RESERVED or name.startswith("_") or name in _HELPERS else name


def _constant(value: int) -> str:
    return str(value) if value >= 0 else f"({value})"


_COMPARISONS = {
    Op.EQUAL: "=",
    Op.NOT_EQUAL: "!=",
    Op.LESS_EQUAL: "<=",
    Op.LESS: "<",
    Op.GREATER_EQUAL: ">=",
    Op.GREATER: ">",
}
_CONNECTIVES = {Op.AND: "/\\", Op.OR: "\\/", Op.IMPLIES: "->", Op.IFF: "<->"}
_CALLS: dict[Op, tuple[str, tuple[str, ...]]] = {
    Op.FLOOR_DIVIDE: ("floor_div", ("floor_div", "floor_mod")),
    Op.MODULO: ("floor_mod", ("floor_mod",)),
    Op.POWER: ("natural_pow", ("natural_pow",)),
    Op.ABSOLUTE: ("abs", ()),
}
