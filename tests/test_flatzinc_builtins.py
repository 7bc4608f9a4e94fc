"""Every builtin of FlatZinc against its definition, over all assignments to small domains."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

from constrint.flatzinc import builtins
from tests.flatzinc_models import output, solutions

BOOL = (0, 1)
SMALL = range(-3, 4)


def truncated_quotient(a: int, b: int) -> int:
    return math.trunc(a / b)


def remainder(a: int, b: int) -> int:
    return a - b * truncated_quotient(a, b)


def power(x: int, y: int) -> int | None:
    if y >= 0:
        return x**y
    return None if x == 0 else truncated_quotient(1, x**-y)


def at(items: Any, index: int) -> Any:
    return items[index - 1] if 1 <= index <= len(items) else None


def fits(start: int, other: int, length: int) -> bool:
    """Tasks at start (2 long, demand 1), other (demand 2), 0 (3 long, demand 1), capacity 2."""
    tasks = [(start, 2, 1), (other, length, 2), (0, 3, 1)]
    return all(sum(r for s, d, r in tasks if s <= time < s + d) <= 2 for time in range(8))


def apart(start: int, other: int, length: int) -> bool:
    return length == 0 or start + 2 <= other or other + length <= start


def first_of(choice: Callable[..., int], *items: int) -> int:
    return items.index(choice(items))


def load(bins: Any, number: int) -> int:
    return sum(size for size, chosen in zip((2, 3, 1), bins, strict=True) if chosen == number)


def tour(successors: list[int], length: int) -> bool:
    """Whether all but `length` of them stay, and these form one round."""
    moving = [k for k, after in enumerate(successors) if after != k]
    if len(moving) != length or not set(successors) <= set(range(len(successors))):
        return False
    visited = []
    place = moving[0] if moving else 0
    while moving and place not in visited:
        visited.append(place)
        place = successors[place]
    return sorted(visited) == moving and place == (moving or [0])[0]


# name: (arguments as text with {} for each variable, the variables' domains, the definition)
Case = tuple[str, list[Any], Callable[..., bool]]
I2 = [SMALL, SMALL]
MIXED = [BOOL, BOOL, BOOL, SMALL]
I3 = [SMALL, SMALL, SMALL]
WIDE = [range(-7, 8), range(-3, 4), range(-8, 9)]
CASES: dict[str, Case] = {
    "int_eq": ("{},{}", I2, lambda a, b: a == b),
    "int_ne": ("{},{}", I2, lambda a, b: a != b),
    "int_le": ("{},{}", I2, lambda a, b: a <= b),
    "int_lt": ("{},{}", I2, lambda a, b: a < b),
    "int_ge": ("{},{}", I2, lambda a, b: a >= b),
    "int_gt": ("{},{}", I2, lambda a, b: a > b),
    "int_abs": ("{},{}", I2, lambda a, b: abs(a) == b),
    "int_plus": ("{},{},{}", I3, lambda a, b, c: a + b == c),
    "int_minus": ("{},{},{}", I3, lambda a, b, c: a - b == c),
    "int_times": ("{},{},{}", WIDE, lambda a, b, c: a * b == c),
    "int_div": ("{},{},{}", WIDE, lambda a, b, c: b != 0 and truncated_quotient(a, b) == c),
    "int_mod": ("{},{},{}", WIDE, lambda a, b, c: b != 0 and remainder(a, b) == c),
    "int_pow": ("{},{},{}", [SMALL, SMALL, range(-9, 10)], lambda x, y, z: power(x, y) == z),
    "int_max": ("{},{},{}", I3, lambda a, b, c: max(a, b) == c),
    "int_min": ("{},{},{}", I3, lambda a, b, c: min(a, b) == c),
    "int_lin_eq": ("[2,-3,1],[{},{},{}],1", I3, lambda a, b, c: 2 * a - 3 * b + c == 1),
    "int_lin_ne": ("[2,-3,1],[{},{},{}],1", I3, lambda a, b, c: 2 * a - 3 * b + c != 1),
    "int_lin_le": ("[2,-3,1],[{},{},{}],1", I3, lambda a, b, c: 2 * a - 3 * b + c <= 1),
    "array_int_element": (
        "{},[2,-1,2,0],{}",
        [range(-1, 7), SMALL],
        lambda k, c: at((2, -1, 2, 0), k) == c,
    ),
    "array_var_int_element": (
        "{},[{},5,{}],{}",
        [range(-1, 5), SMALL, SMALL, range(-3, 6)],
        lambda k, x, y, c: at((x, 5, y), k) == c,
    ),
    "array_int_maximum": ("{},[{},{},0]", I3, lambda m, a, b: m == max(a, b, 0)),
    "array_int_minimum": ("{},[{},{},0]", I3, lambda m, a, b: m == min(a, b, 0)),
    "bool2int": ("{},{}", [BOOL, SMALL], lambda a, b: a == b),
    "bool_eq": ("{},{}", [BOOL] * 2, lambda a, b: a == b),
    "bool_ne": ("{},{}", [BOOL] * 2, lambda a, b: a != b),
    "bool_not": ("{},{}", [BOOL] * 2, lambda a, b: a != b),
    "bool_le": ("{},{}", [BOOL] * 2, lambda a, b: a <= b),
    "bool_lt": ("{},{}", [BOOL] * 2, lambda a, b: a < b),
    "bool_and": ("{},{},{}", [BOOL] * 3, lambda a, b, r: r == (a and b)),
    "bool_or": ("{},{},{}", [BOOL] * 3, lambda a, b, r: r == (a or b)),
    "bool_xor": ("{},{},{}", [BOOL] * 3, lambda a, b, r: r == (a != b)),
    "bool_clause": ("[{},{}],[{},{}]", [BOOL] * 4, lambda a, b, c, d: a or b or not c or not d),
    "bool_lin_eq": (
        "[2,-1,3],[{},{},{}],{}",
        [BOOL] * 3 + [SMALL],
        lambda a, b, c, n: 2 * a - b + 3 * c == n,
    ),
    "bool_lin_ne": (
        "[2,-1,3],[{},{},{}],{}",
        [BOOL] * 3 + [SMALL],
        lambda a, b, c, n: 2 * a - b + 3 * c != n,
    ),
    "bool_lin_le": ("[2,-1,3],[{},{},{}],2", [BOOL] * 3, lambda a, b, c: 2 * a - b + 3 * c <= 2),
    "array_bool_and": ("[{},{},true,{}],{}", [BOOL] * 4, lambda a, b, c, r: r == (a and b and c)),
    "array_bool_or": ("[{},{},false,{}],{}", [BOOL] * 4, lambda a, b, c, r: r == (a or b or c)),
    "array_bool_xor": ("[{},true,{},{}]", [BOOL] * 3, lambda a, b, c: (a + 1 + b + c) % 2 == 1),
    "array_bool_element": (
        "{},[true,false,true],{}",
        [range(5), BOOL],
        lambda k, c: at((1, 0, 1), k) == c,
    ),
    "array_var_bool_element": (
        "{},[{},true,{}],{}",
        [range(5), BOOL, BOOL, BOOL],
        lambda k, a, b, c: at((a, 1, b), k) == c,
    ),
    "set_in": ("{},{{-2,0,1,3}}", [SMALL], lambda x: x in (-2, 0, 1, 3)),
    "set_card": ("{{1,2,7}},{}", [SMALL], lambda n: n == 3),
    "set_eq": ("1..3,{{1,2,3}}", [], lambda: True),
    "set_ne": ("1..3,{{1,2,3}}", [], lambda: False),
    "set_le": ("{{1,3}},{{1,2,3}}", [], lambda: False),
    "set_lt": ("{{1,2,3}},{{1,3}}", [], lambda: True),
    "set_subset": ("{{1,3}},1..3", [], lambda: True),
    "set_superset": ("{{1,3}},1..3", [], lambda: False),
    "constrint_all_different": ("[{},{},{},1]", I3, lambda a, b, c: len({a, b, c, 1}) == 4),
    "constrint_table": (
        "[{},{}],[1,2,-3,0,2,2]",
        I2,
        lambda a, b: (a, b) in {(1, 2), (-3, 0), (2, 2)},
    ),
    "constrint_count": ("[{},{},1],{},{}", [*I2, SMALL, SMALL], lambda a, b, v, n: [a, b, 1].count(v) == n),
    "constrint_table_bool": ("[{},{}],[true,false,false,false]", [BOOL] * 2, lambda a, b: not b),
    "constrint_cumulative": ("[{},{},0],[2,{},3],[1,2,1],2", [range(4), range(4), range(3)], fits),
    "constrint_no_overlap": ("[{},{}],[2,{}]", [range(4), range(4), range(3)], apart),
    "constrint_no_overlap_2d": (
        "[{},{}],[{},1],[2,1],[2,3]",
        [range(3), range(3), range(5)],
        lambda x, u, y: x + 2 <= u or u + 1 <= x or y + 2 <= 1 or y >= 4,
    ),
}
Q3 = [range(4)] * 3
T3 = [range(1, 4)] * 3
CASES |= {
    "constrint_all_equal": ("[{},{},1]", I2, lambda a, b: a == b == 1),
    "constrint_among": (
        "{},[{},{}],{{-1,2,3}}",
        I3,
        lambda n, a, b: n == (a in (-1, 2, 3)) + (b in (-1, 2, 3)),
    ),
    "constrint_argmax": (
        "[{},{},1],{},2",
        [*I2, range(1, 6)],
        lambda a, b, z: z - 2 == first_of(max, a, b, 1),
    ),
    "constrint_argmin": ("[{},{},1],{},0", [*I2, range(-1, 4)], lambda a, b, z: z == first_of(min, a, b, 1)),
    "constrint_bin_packing": (
        "[{},{},{}],[2,3,1],[3,4],1",
        Q3,
        lambda *bins: set(bins) <= {1, 2} and load(bins, 1) <= 3 and load(bins, 2) <= 4,
    ),
    "constrint_bin_packing_loads": (
        "[{},{},{}],[2,3,1],[{},4],1",
        [*T3, range(6)],
        lambda *x: set(x[:3]) <= {1, 2} and load(x[:3], 1) == x[3] and load(x[:3], 2) == 4,
    ),
    "constrint_circuit": ("[{},{},{}],1", Q3, lambda *x: tour([each - 1 for each in x], 3)),
    "constrint_subcircuit": (
        "[{},{},{}],1",
        Q3,
        lambda *x: any(tour([each - 1 for each in x], n) for n in (0, 2, 3)),
    ),
    "constrint_inverse": (
        "[{},{}],[{},{}],1,2",
        [range(1, 5)] * 4,
        lambda a, b, c, d: (
            {a, b} == {2, 3} and {c, d} == {1, 2} and (c, d)[a - 2] == 1 and (c, d)[b - 2] == 2
        ),
    ),
    "constrint_global_cardinality": (
        "[{},{},{}],[1,3],[{},1]",
        [*T3, range(4)],
        lambda *x: x[:3].count(1) == x[3] and x[:3].count(3) == 1,
    ),
    "constrint_global_cardinality_closed": (
        "[{},{},{}],[1,3,1],[{},1,2]",
        [*T3, range(4)],
        lambda *x: 2 not in x[:3] and x[:3].count(1) == x[3] == 2 and x[:3].count(3) == 1,
    ),
    "constrint_increasing": ("[{},{},{}]", I3, lambda a, b, c: a <= b <= c),
    "constrint_strictly_increasing": ("[{},{},{}]", I3, lambda a, b, c: a < b < c),
    "constrint_knapsack": (
        "[2,3],[4,5],[{},{}],{},{}",
        [SMALL, SMALL, range(8), range(12)],
        lambda a, b, w, p: min(a, b) >= 0 and 2 * a + 3 * b == w and 4 * a + 5 * b == p,
    ),
    "constrint_lex_less": ("[{},{}],[{},1]", I3, lambda a, b, c: (a, b) < (c, 1)),
    "constrint_lex_lesseq": ("[{},{}],[{},1,-5]", I3, lambda a, b, c: (a, b) <= (c, 1, -5)),
    # 1 leads from state 1 to 2 and back, 2 stays in state 1: an even number of ones.
    "constrint_regular": (
        "[{},{},{}],2,2,[2,1,1,0],1,1..1",
        Q3,
        lambda *x: x in {(2, 2, 2), (1, 1, 2), (2, 1, 1)},
    ),
    "constrint_value_precede": ("1,3,[{},{},{}]", Q3, lambda *x: 3 not in x or 1 in x[: x.index(3)]),
    "constrint_value_precede_chain": (
        "[3,3,1],[{},{},{}]",
        Q3,
        lambda *x: 3 not in x and 1 not in x,
    ),
}
REIFIED = [f"{name}{suffix}" for name in CASES for suffix in ("_reif", "_imp")]


def test_every_builtin_has_a_case() -> None:
    assert set(CASES) == set(builtins.BUILTINS)


def model(name: str, arguments: str, domains: list[Any]) -> str:
    lines = []
    names = [f"x{k}" for k in range(len(domains))]
    for variable, domain in zip(names, domains, strict=True):
        kind = "bool" if domain is BOOL else f"{min(domain)}..{max(domain)}"
        lines.append(f"var {kind}: {variable} :: output_var;")
    lines.append(f"constraint {name}({arguments.format(*names)});")
    return "\n".join([*lines, "solve satisfy;"])


def expected(domains: list[Any], holds: Callable[..., bool]) -> list[str]:
    found = []
    for values in product(*domains):
        if holds(*values):
            shown = [
                f"x{k} = {('false', 'true')[value] if domain is BOOL else value};"
                for k, (value, domain) in enumerate(zip(values, domains, strict=True))
            ]
            found.append("\n".join(shown))
    return sorted(found)


@pytest.mark.parametrize("name", CASES)
def test_a_builtin_holds_exactly_where_its_definition_does(name: str) -> None:
    arguments, domains, holds = CASES[name]
    printed = output(model(name, arguments, domains), limit=None)
    assert sorted(solutions(printed)) == expected(domains, holds)


@pytest.mark.parametrize("name", REIFIED)
def test_a_reified_builtin_tells_whether_it_holds(name: str) -> None:
    base, _, suffix = name.rpartition("_")
    arguments, domains, holds = CASES[base]
    # The last of three arguments varies less, which keeps the number of solutions small.
    domains = [domain if k < 2 or domain is BOOL else domain[:5] for k, domain in enumerate(domains)]
    if base in ("bool_xor",):
        arguments, domains, holds = "{},{}", [BOOL] * 2, lambda a, b: a != b

    def reified(*values: int) -> bool:
        truth = bool(holds(*values[:-1]))
        return values[-1] == truth if suffix == "reif" else truth or not values[-1]

    text = model(name, f"{arguments},{{}}", [*domains, BOOL])
    assert sorted(solutions(output(text, limit=None))) == expected([*domains, BOOL], reified)


@pytest.mark.parametrize(
    ("a", "b", "quotient", "rest"), [(7, 2, 3, 1), (-7, 2, -3, -1), (7, -2, -3, 1), (-7, -2, 3, -1)]
)
def test_division_rounds_towards_zero(a: int, b: int, quotient: int, rest: int) -> None:
    text = (
        "var -9..9: q :: output_var; var -9..9: r :: output_var;\n"
        f"constraint int_div({a},{b},q); constraint int_mod({a},{b},r); solve satisfy;"
    )
    assert output(text, limit=None) == f"q = {quotient};\nr = {rest};\n----------\n==========\n"


def test_a_division_by_zero_is_false_not_an_error() -> None:
    text = "var 0..0: b; var -5..5: c :: output_var; var bool: r :: output_var;\n"
    assert output(text + "constraint int_div(4,b,c); solve satisfy;") == "=====UNSATISFIABLE=====\n"
    printed = output(text + "constraint int_div_reif(4,b,c,r); solve satisfy;", limit=None)
    assert len(solutions(printed)) == 11
    assert "r = true" not in printed


def test_integers_have_any_size() -> None:
    big = 10**30
    text = f"var 0..{10 * big}: x :: output_var; constraint int_lin_eq([3],[x],{3 * big + 3}); solve satisfy;"
    assert output(text, limit=None) == f"x = {big + 1};\n----------\n==========\n"
