"""Diophantine equations: every product needs a variable of its own, with bounds that are cut by hand."""

from __future__ import annotations

from itertools import pairwise

from ortools.sat.python import cp_model

from benchmarks.peer import Data, Model, Peer


def coin_change(data: Data) -> Peer:
    p = Peer()
    amount, coins = data["amount"], data["coins"]
    n = [p.model.new_int_var(0, amount // coin, "") for coin in coins]
    p.variables["n"] = n
    p.model.add(sum(count * coin for count, coin in zip(n, coins, strict=True)) == amount)
    p.minimize(sum(n), 0, amount)
    p.minimize(n[5], 0, amount // coins[5])
    return p


def frobenius_coins(data: Data) -> Peer:
    p = Peer()
    amount = data["amount"]
    sixes, nines, twenties = (
        p.integer(name, 0, amount // coin) for name, coin in (("sixes", 6), ("nines", 9), ("twenties", 20))
    )
    p.model.add(6 * sixes + 9 * nines + 20 * twenties == amount)
    return p


def hundred_fowls(data: Data) -> Peer:
    p = Peer()
    roosters, hens = p.integer("roosters", 0, 20), p.integer("hens", 0, 33)
    thirds = p.model.new_int_var(0, 33, "")
    p.variables["chicks"] = 3 * thirds
    p.model.add(roosters + hens + 3 * thirds == 100)
    p.model.add(5 * roosters + 3 * hens + thirds == 100)
    return p


def three_squares(data: Data) -> Peer:
    p = Peer()
    n = data["n"]
    sides = [p.integer(name, 0, int(n**0.5) + 1) for name in "xyz"]
    p.model.add(sum(p.product(0, n, side, side) for side in sides) == n)
    for a, b in pairwise(sides):
        p.model.add(a <= b)
    return p


def lattice_points(data: Data) -> Peer:
    p = Peer()
    n = data["n"]
    bound = int(n**0.5) + 1
    x, y = p.integer("x", -bound, bound), p.integer("y", -bound, bound)
    p.model.add(p.product(0, n, x, x) + p.product(0, n, y, y) == n)
    return p


def pell(data: Data) -> Peer:
    p = Peer()
    d, bound = data["d"], 10**4  # a guess that holds the solution: every variable needs bounds
    x, y = p.integer("x", 1, bound), p.integer("y", 1, bound)
    p.model.add(p.product(1, bound**2, x, x) - d * p.product(1, bound**2, y, y) == 1)
    p.minimize(y, 1, bound)
    return p


def pythagorean_triples(data: Data) -> Peer:
    p = Peer()
    a, b, c = (p.integer(name, 1, 100) for name in "abc")
    squares = [p.product(1, 100**2, side, side) for side in (a, b, c)]
    p.model.add(squares[0] + squares[1] == squares[2])
    p.model.add(a < b)
    # There is no gcd: no prime up to the largest possible common divisor may divide both.
    for prime in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47):
        rest_a, rest_b = p.model.new_int_var(0, prime - 1, ""), p.model.new_int_var(0, prime - 1, "")
        p.model.add_modulo_equality(rest_a, a, prime)
        p.model.add_modulo_equality(rest_b, b, prime)
        p.model.add(rest_a + rest_b >= 1)
    p.maximize(c, 1, 100)
    p.maximize(b, 1, 100)
    return p


def egyptian_fractions(data: Data) -> Peer:
    p = Peer()
    a, b, c, d = p.integer("a", 2, 4), *(p.integer(name, 2, 100) for name in "bcd")
    for low, high in pairwise((a, b, c, d)):
        p.model.add(low < high)
    ab, cd = p.product(4, 400, a, b), p.product(4, 10**4, c, d)
    terms = [
        p.product(8, 10**6, b, cd),
        p.product(8, 4 * 10**4, a, cd),
        p.product(8, 4 * 10**4, ab, d),
        p.product(8, 4 * 10**4, ab, c),
    ]
    p.model.add(sum(terms) == p.product(16, 4 * 10**6, ab, cd))
    p.minimize(d, 2, 100)
    return p


def sum_of_cubes(data: Data) -> Peer:
    p = Peer()
    x, y, z = (p.integer(name, -100, 100) for name in "xyz")
    cubes = [p.product(-(10**6), 10**6, side, side, side) for side in (x, y, z)]
    p.model.add(sum(cubes) == data["n"])
    p.model.add(x >= y)
    p.model.add(y >= z)
    p.maximize(x, -100, 100)
    return p


def taxicab(data: Data) -> Peer:
    p = Peer()
    number = p.integer("number", 1, 5000)
    a, b, c, d = (p.integer(name, 1, 17) for name in "abcd")
    cubes = [p.product(1, 17**3, side, side, side) for side in (a, b, c, d)]
    p.model.add(number == cubes[0] + cubes[1])
    p.model.add(number == cubes[2] + cubes[3])
    p.model.add(a < c)
    p.model.add(c <= d)
    p.model.add(d < b)
    p.minimize(number, 1, 5000)
    return p


def no_integer_solution(data: Data) -> Peer:
    p = Peer()
    x, y = p.integer("x", -(10**18), 10**18), p.integer("y", -(10**18), 10**18)
    p.model.add(6 * x + 10 * y == 1)
    return p


def big_factorisation(data: Data) -> Peer:
    p = Peer()
    a, b = p.integer("a", 1, 10**40), p.integer("b", 1, 10**40)
    p.model.add_multiplication_equality(10**40, [a, b])
    p.model.add_modulo_equality(0, a, 2**37)
    return p


def chinese_remainder(data: Data) -> Peer:
    p = Peer()
    sevens = p.model.new_int_var(1, 10**6, "")
    eggs = 7 * sevens
    p.variables["eggs"] = eggs
    for k in range(2, 7):
        p.model.add_modulo_equality(1, eggs, k)
    p.minimize(eggs, 1, 7 * 10**6)
    return p


def ramanujan_nagell(data: Data) -> Peer:
    p = Peer()
    x, n = p.integer("x", 1, 2**30), p.integer("n", 0, 60)
    power = p.model.new_int_var(1, 2**60, "")
    p.model.add_element(n, [2**k for k in range(61)], power)
    p.model.add(p.product(1, 2**60, x, x) + 7 == power)
    p.maximize(n, 0, 60)
    return p


def seven_eleven(data: Data) -> Peer:
    p = Peer()
    price = p.array("price", (4,), 1, 711)
    p.model.add(sum(price) == 711)
    pairs = [p.product(1, 711**2, price[0], price[1]), p.product(1, 711**2, price[2], price[3])]
    p.model.add_multiplication_equality(711 * 100**3, pairs)
    for a, b in pairwise(price):
        p.model.add(a <= b)
    return p


def easter(data: Data) -> Peer:
    p = Peer()
    m = p.model
    year, golden = p.integer("year", 2001, 2100), p.integer("golden", 0, 18)
    century, epact = p.integer("century", 20, 21), p.integer("epact", 0, 29)
    weekday, correction = p.integer("weekday", 0, 6), p.integer("correction", 0, 1)
    month, day = p.integer("month", 3, 4), p.integer("day", 1, 31)

    def quotient(high: int, a: cp_model.LinearExprT, b: int) -> cp_model.IntVar:
        result = m.new_int_var(0, high, "")
        m.add_division_equality(result, a, b)
        return result

    def remainder(a: cp_model.LinearExprT, b: int) -> cp_model.IntVar:
        result = m.new_int_var(0, b - 1, "")
        m.add_modulo_equality(result, a, b)
        return result

    m.add_modulo_equality(golden, year, 19)
    m.add_division_equality(century, year, 100)
    leap = century - quotient(2, century + 8, 25) + 1
    m.add_modulo_equality(
        epact, 19 * golden + century - quotient(5, century, 4) - quotient(7, leap, 3) + 15, 30
    )
    short = remainder(year, 100)
    m.add_modulo_equality(
        weekday, 32 + 2 * remainder(century, 4) + 2 * quotient(24, short, 4) - epact - remainder(short, 4), 7
    )
    m.add_division_equality(correction, golden + 11 * epact + 22 * weekday, 451)
    last = epact + weekday - 7 * correction + 114
    m.add_division_equality(month, last, 31)
    m.add(day == remainder(last, 31) + 1)
    p.maximize(month, 3, 4)
    p.maximize(day, 1, 31)
    return p


def cicadas(data: Data) -> Peer:
    p = Peer()
    period, soonest = p.integer("period", 12, 18), p.integer("soonest", 1, 200)
    # There is no lcm: a table of the seven periods says the same.
    rows = [
        (years, min(next(t for t in range(k, years * k + 1, k) if t % years == 0) for k in range(2, 10)))
        for years in range(12, 19)
    ]
    p.model.add_allowed_assignments([period, soonest], rows)
    p.maximize(soonest, 1, 200)
    return p


def cattle(data: Data) -> Peer:
    p = Peer()
    bound = 10**45  # any bound that holds the solution
    x, y = p.integer("x", 1, bound), p.integer("y", 1, bound)
    p.model.add(p.product(1, bound**2, x, x) - 4729494 * p.product(1, bound**2, y, y) == 1)
    p.minimize(y, 1, bound)
    return p


def heron(data: Data) -> Peer:
    p = Peer()
    bound = 10**30
    middle, height = p.integer("middle", 4, bound), p.integer("two_thirds", 1, bound)
    squares = [p.product(1, bound**2, side, side) for side in (middle, height)]
    p.model.add(squares[0] - 3 * squares[1] == 4)
    p.maximize(middle, 4, bound)
    return p


def mordell(data: Data) -> Peer:
    p = Peer()
    x, y = p.integer("x", -3, 10**4), p.integer("y", 0, 10**6 + 1)
    p.model.add(p.product(0, 10**12 + 17, y, y) == p.product(-27, 10**12, x, x, x) + 17)
    p.maximize(x, -3, 10**4)
    return p


def markov(data: Data) -> Peer:
    p = Peer()
    sides = [p.integer("x", 1, 10**4), p.integer("y", 1, 10**4), p.integer("z", 1000, 10**4)]
    squares = [p.product(1, 10**8, side, side) for side in sides]
    p.model.add(sum(squares) == 3 * p.product(1, 10**12, *sides))
    for low, high in pairwise(sides):
        p.model.add(low <= high)
    p.minimize(sides[2], 1000, 10**4)
    return p


def cannonballs(data: Data) -> Peer:
    p = Peer()
    most = 10**6
    n, m = p.integer("n", 2, most), p.integer("m", 1, most**2)
    pyramid = p.product(30, 3 * most**3, n, n + 1, 2 * n + 1)
    p.model.add(pyramid == 6 * p.product(1, most**3, m, m))
    return p


MODELS: dict[str, Model] = {
    model.__name__: model
    for model in (
        coin_change,
        frobenius_coins,
        hundred_fowls,
        three_squares,
        lattice_points,
        pell,
        pythagorean_triples,
        egyptian_fractions,
        sum_of_cubes,
        taxicab,
        no_integer_solution,
        big_factorisation,
        chinese_remainder,
        ramanujan_nagell,
        seven_eleven,
        easter,
        cicadas,
        cattle,
        heron,
        mordell,
        markov,
        cannonballs,
    )
}
