"""What a solution of each example must fulfil, in plain Python; `d` holds the parameters of the file.

Nothing here uses constrint. `solution` maps names to integers and arrays to nested lists.
"""

# Values are what YAML and the solver give, of type Any.
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from itertools import combinations, pairwise
from typing import Any

S = Mapping[str, Any]


def distinct(items: Any) -> bool:
    items = list(items)
    return len(set(items)) == len(items)


def number(s: S, word: str) -> int:
    return int("".join(str(s[letter]) for letter in word))


# Puzzles -----------------------------------------------------------------------------------------------


def send_more_money(s: S, d: S) -> bool:
    return number(s, "SEND") + number(s, "MORE") == number(s, "MONEY") and distinct(s.values())


def two_squared(s: S, d: S) -> bool:
    letters = [s[letter] for letter in "TWOSQUARE"]
    return number(s, "TWO") == s["two"] and s["two"] ** 2 == number(s, "SQUARE") and distinct(letters)


def queens(s: S, d: S) -> bool:
    places = list(enumerate(s["q"]))
    return len(places) == d.get("n", 8) and all(
        y != v and abs(x - u) != abs(y - v) for (x, y), (u, v) in combinations(places, 2)
    )


def sudoku(s: S, d: S) -> bool:
    cell, digits = s["cell"], set(range(1, 10))
    boxes = [{cell[r + i][c + j] for i in range(3) for j in range(3)} for r in (0, 3, 6) for c in (0, 3, 6)]
    given = all(
        g in (0, x)
        for row, wanted in zip(cell, d["given"], strict=True)
        for x, g in zip(row, wanted, strict=True)
    )
    return given and all(set(line) == digits for line in (*cell, *zip(*cell, strict=True), *boxes))


def durer_square(s: S, d: S) -> bool:
    m = s["s"]
    lines = [*m, *zip(*m, strict=True), [m[i][i] for i in range(4)], [m[i][3 - i] for i in range(4)]]
    return sorted(x for row in m for x in row) == list(range(1, 17)) and all(
        sum(line) == 34 for line in lines
    )


def zebra(s: S, d: S) -> bool:
    same = (
        "english red, spanish dog, japanese acrobat, ukrainian tea, green coffee, sculptor snail, "
        "diplomat yellow, violinist juice"
    )
    beside = (("norwegian", "blue"), ("fox", "physician"), ("horse", "diplomat"))
    names = list(s)
    return (
        all(sorted(s[name] for name in names[k : k + 5]) == [1, 2, 3, 4, 5] for k in range(0, 25, 5))
        and all(s[a] == s[b] for a, b in (pair.split() for pair in same.split(", ")))
        and all(abs(s[a] - s[b]) == 1 for a, b in beside)
        and s["norwegian"] == 1
        and s["milk"] == 3
        and s["green"] - s["ivory"] == 1
    )


def kakuro(s: S, d: S) -> bool:
    cell = s["cell"]
    runs = [(t, [cell[r][c + i] for i in range(k)]) for t, r, c, k in d["across"]]
    runs += [(t, [cell[r + i][c] for i in range(k)]) for t, r, c, k in d["down"]]
    return all(sum(run) == total and distinct(run) and min(run) >= 1 for total, run in runs)


def calcudoku(s: S, d: S) -> bool:
    g = s["d"]
    products = ["00 10", "04 05 14", "20 30 31 32", "40 50 51", "41 42 52", "45 53 54 55"]
    sums = ["01 02 12", "15 24 25", "22 23 33 43", "34 35 44"]

    def cage(cells: str) -> list[int]:
        return [g[int(cell[0])][int(cell[1])] for cell in cells.split()]

    return (
        all(sorted(line) == [1, 2, 3, 4, 5, 6] for line in (*g, *zip(*g, strict=True)))
        and [math.prod(cage(cells)) for cells in products] == [12, 90, 300, 24, 30, 40]
        and [sum(cage(cells)) for cells in sums] == [7, 9, 19, 8]
        and abs(g[0][3] - g[1][3]) == 3
        and Fraction(*cage("11 21")) in (3, Fraction(1, 3))
    )


def golomb_ruler(s: S, d: S) -> bool:
    mark = s["mark"]
    return len(mark) == d["marks"] and distinct(b - a for a, b in combinations(mark, 2)) and mark[0] == 0


def langford(s: S, d: S) -> bool:
    n = d["n"]
    row = [0] * (2 * n)
    for places in s["place"]:
        for k, place in enumerate(places):
            row[place] = k + 1
    return all(row.count(k) == 2 and row[row.index(k) + 1 :].index(k) == k for k in range(1, n + 1))


def magic_sequence(s: S, d: S) -> bool:
    return all(count == s["x"].count(k) for k, count in enumerate(s["x"]))


def all_interval(s: S, d: S) -> bool:
    note = s["note"]
    steps = [abs(a - b) for a, b in pairwise(note)]
    return sorted(note) == list(range(d["n"])) and sorted(steps) == list(range(1, d["n"]))


def lights_out(s: S, d: S) -> bool:
    n = d["n"]
    lit = [[True] * n for _ in range(n)]
    for r in range(n):
        for c in range(n):
            if s["press"][r][c]:
                for i, j in ((r, c), (r - 1, c), (r + 1, c), (r, c - 1), (r, c + 1)):
                    if 0 <= i < n and 0 <= j < n:
                        lit[i][j] = not lit[i][j]
    return not any(map(any, lit))


def knights_and_knaves(s: S, d: S) -> bool:
    ann, bob, cleo, dan, eve = (bool(s[name]) for name in ("ann", "bob", "cleo", "dan", "eve"))
    knights = sum(s.values())
    statements = [bob != cleo, not dan or ann, 5 - knights >= 3, cleo == (not eve), knights % 2 == 0]
    return statements == [ann, bob, cleo, dan, eve]


def water_jugs(s: S, d: S) -> bool:
    size_a, size_b = d["size_a"], d["size_b"]
    states = list(zip(s["a"], s["b"], strict=True))[: s["steps"] + 1]
    for (a, b), after in pairwise(states):
        to_b, to_a = min(a, size_b - b), min(b, size_a - a)
        moves = [(size_a, b), (0, b), (a, size_b), (a, 0), (a - to_b, b + to_b), (a + to_a, b - to_a)]
        if after not in moves:
            return False
    return states[0] == (0, 0) and d["goal"] in states[-1]


# Numbers -----------------------------------------------------------------------------------------------


def coin_change(s: S, d: S) -> bool:
    return sum(n * coin for n, coin in zip(s["n"], d["coins"], strict=True)) == d["amount"]


def frobenius_coins(s: S, d: S) -> bool:
    return 6 * s["sixes"] + 9 * s["nines"] + 20 * s["twenties"] == d["amount"]


def hundred_fowls(s: S, d: S) -> bool:
    price = 5 * s["roosters"] + 3 * s["hens"] + Fraction(s["chicks"], 3)
    return sum(s.values()) == 100 == price


def three_squares(s: S, d: S) -> bool:
    return sum(side**2 for side in s.values()) == d["n"] and s["x"] <= s["y"] <= s["z"]


def lattice_points(s: S, d: S) -> bool:
    return sum(side**2 for side in s.values()) == d["n"]


def pell(s: S, d: S) -> bool:
    return s["x"] ** 2 - d["d"] * s["y"] ** 2 == 1


def pythagorean_triples(s: S, d: S) -> bool:
    a, b, c = s["a"], s["b"], s["c"]
    return a * a + b * b == c * c and a < b and math.gcd(a, b) == 1


def egyptian_fractions(s: S, d: S) -> bool:
    values = list(s.values())
    return sum(Fraction(1, n) for n in values) == 1 and distinct(values)


def sum_of_cubes(s: S, d: S) -> bool:
    return sum(side**3 for side in s.values()) == d["n"]


def taxicab(s: S, d: S) -> bool:
    pairs = [{s["a"], s["b"]}, {s["c"], s["d"]}]
    return pairs[0] != pairs[1] and all(sum(k**3 for k in pair) == s["number"] for pair in pairs)


def big_factorisation(s: S, d: S) -> bool:
    return s["a"] * s["b"] == 10**40 and s["a"] % 2**37 == 0


def chinese_remainder(s: S, d: S) -> bool:
    return [s["eggs"] % k for k in range(2, 8)] == [1, 1, 1, 1, 1, 0]


def ramanujan_nagell(s: S, d: S) -> bool:
    return s["x"] ** 2 + 7 == 2 ** s["n"]


def seven_eleven(s: S, d: S) -> bool:
    prices = [Fraction(price, 100) for price in s["price"]]
    return sum(prices) == math.prod(prices) == Fraction("7.11")


def easter(s: S, d: S) -> bool:
    """Gauss's rule with the corrections of the Gregorian calendar: another algorithm than the file's."""
    year = s["year"]
    k = year // 100
    m, n = (15 - (13 + 8 * k) // 25 + k - k // 4) % 30, (4 + k - k // 4) % 7
    moon = (19 * (year % 19) + m) % 30
    sunday = (2 * (year % 4) + 4 * (year % 7) + 6 * moon + n) % 7
    march = 22 + moon + sunday
    if sunday == 6 and (moon == 29 or (moon == 28 and year % 19 > 10)):
        march -= 7
    return (s["month"], s["day"]) == ((3, march) if march <= 31 else (4, march - 31))


def cicadas(s: S, d: S) -> bool:
    meetings = [next(t for t in range(k, 999, k) if t % s["period"] == 0) for k in range(2, 10)]
    return s["soonest"] == min(meetings)


def cattle(s: S, d: S) -> bool:
    return s["x"] ** 2 == 4729494 * s["y"] ** 2 + 1


def heron(s: S, d: S) -> bool:
    middle = s["middle"]
    area = math.isqrt(3 * middle**2 * (middle**2 - 4) // 16)
    return 16 * area**2 == 3 * middle**2 * (middle**2 - 4) and 4 * area == 3 * middle * s["two_thirds"]


def mordell(s: S, d: S) -> bool:
    return s["y"] ** 2 == s["x"] ** 3 + 17


def markov(s: S, d: S) -> bool:
    x, y, z = s["x"], s["y"], s["z"]
    return x <= y <= z and x * x + y * y + z * z == 3 * x * y * z


def cannonballs(s: S, d: S) -> bool:
    return sum(k * k for k in range(1, s["n"] + 1)) == s["m"] ** 2


# Choices -----------------------------------------------------------------------------------------------


def knapsack(s: S, d: S) -> bool:
    return sum(w for w, take in zip(d["weight"], s["take"], strict=True) if take) <= d["capacity"]


def production_mix(s: S, d: S) -> bool:
    make = s["make"]
    used = [sum(n * m for n, m in zip(row, make, strict=True)) for row in d["needs"]]
    return (
        all(u <= have for u, have in zip(used, d["stock"], strict=True))
        and make[0] in (0, 4, 8)
        and make[0] >= make[2]
        and len([m for m in make if m]) >= 3
    )


def subset_sum(s: S, d: S) -> bool:
    return sum(p for p, paid in zip(d["payment"], s["paid"], strict=True) if paid) == d["amount"]


def graph_colouring(s: S, d: S) -> bool:
    return all(s["colour"][a] != s["colour"][b] for a, b in d["borders"])


def bin_packing(s: S, d: S) -> bool:
    load = [0] * d["lorries"]
    for size, lorry in zip(d["size"], s["lorry"], strict=True):
        load[lorry] += size
    return load == s["load"] and max(load) <= d["capacity"] and s["used"] == max(s["lorry"]) + 1


def facility_location(s: S, d: S) -> bool:
    at = s["at"]
    return (
        s["cost"] == [row[w] for row, w in zip(d["delivery"], at, strict=True)]
        and all(s["open"][w] for w in at)
        and all(at.count(w) <= room for w, room in enumerate(d["capacity"]))
    )


def computer_configuration(s: S, d: S) -> bool:
    cpu, board, kind, gb = s["processor"], s["board"], s["memory_kind"], s["module_gb"]
    watts = d["watts"][cpu]
    wrong = [
        [cpu, board, kind] not in d["fits"],
        s["modules"] * gb < 64,
        d["cores"][cpu] < 8,
        s["graphics"] < 1,
        s["supply_watts"] < 100 + 2 * watts + 200 * s["graphics"],
        watts > 100 and not s["liquid_cooling"] and not s["tower"],
        watts <= 100 and s["liquid_cooling"],
        s["graphics"] == 2 and not (s["tower"] and board >= 1),
        board == 0 and s["modules"] == 4,
        kind == 5 and gb == 8,
        board == 1 and gb == 32 and s["modules"] == 1,
        bool(s["liquid_cooling"]) == (board == 1),
    ]
    return not any(wrong)


def quasigroup(s: S, d: S) -> bool:
    q, elements = s["q"], range(d["n"])
    lines = [*q, *zip(*q, strict=True)]
    return all(sorted(line) == list(elements) for line in lines) and all(
        q[q[q[b][a]][b]][b] == a and q[a][a] == a for a in elements for b in elements
    )


# Schedules ---------------------------------------------------------------------------------------------


def job_shop(s: S, d: S) -> bool:
    ends = []
    busy: set[tuple[int, int]] = set()
    for job, starts in enumerate(s["start"]):
        now = 0
        for start, machine, duration in zip(starts, d["machine"][job], d["duration"][job], strict=True):
            slots = {(machine, time) for time in range(start, start + duration)}
            if start < now or busy & slots:
                return False
            busy |= slots
            now = start + duration
        ends.append(now)
    return max(ends) <= s["end"]


def building_site(s: S, d: S) -> bool:
    lasting = {"cellar": 4, "walls": 5, "roof": 3, "windows": 2, "pipes": 4, "wires": 3}
    crew = {"cellar": 3, "walls": 4, "roof": 3, "windows": 2, "pipes": 2, "wires": 2}
    lasting["plaster"], crew["plaster"] = 7 - 2 * s["plasterers"], s["plasterers"]
    if s["garden.present"]:
        lasting["garden"], crew["garden"] = 4, 3
    span = {name: range(s[f"{name}.start"], s[f"{name}.start"] + days) for name, days in lasting.items()}
    before = [("cellar", "walls"), ("walls", "roof"), ("walls", "windows"), ("roof", "wires")]
    before += [(name, "plaster") for name in ("windows", "pipes", "wires")]
    crane = [span[name] for name in ("walls", "roof", "windows", "garden") if name in span]
    at_work = [sum(crew[name] for name in span if day in span[name]) for day in range(s["end"])]
    return (
        all(span[a].stop <= span[b].start for a, b in before)
        and span["roof"].stop < span["pipes"].start
        and len({day for days in crane for day in days}) == sum(map(len, crane))
        and max(at_work) <= d["people"]
        and max(days.stop for days in span.values()) <= s["end"]
    )


def delivery_round(s: S, d: S) -> bool:
    place, visited = 0, []
    for _ in range(d["shops"]):
        place = s["next"][place]
        visited.append(place)
    return sorted(visited) == list(range(d["shops"]))


def shift_pattern(s: S, d: S) -> bool:
    weeks = ["".join("elno"[v] for v in week) for week in s["shift"]]
    days = zip(*s["shift"], strict=True)
    return (
        not any(bad in week for week in weeks for bad in ("le", "nnn", "nne", "nnl", "ne", "nl"))
        and all(sorted(day) == [0, 1, 2, 3] for day in days)
        and all(week.count("o") <= 2 for week in weeks)
        and s["shift"] == sorted(s["shift"])
        and len(set(weeks)) == len(weeks)
    )


def project(s: S, d: S) -> bool:
    spans = [range(a, a + n) for a, n in zip(s["start"], d["duration"], strict=True)]
    crews = [sum(c for c, span in zip(d["crew"], spans, strict=True) if day in span) for day in range(99)]
    return (
        all(spans[a].stop <= spans[b].start for a, b in d["before"])
        and max(crews) <= d["available"]
        and s["end"] == max(span.stop for span in spans)
        and s["start"][4] >= 9
    )


def nurse_rota(s: S, d: S) -> bool:
    weeks = ["".join(map(str, week)) for week in s["shift"]]
    days = ["".join(day) for day in zip(*weeks, strict=True)]
    # A night alone is no block of nights; one on the last day may be the first of the next week's block.
    alone = [
        night for week in weeks for night in re.finditer("3+", week) if len(night[0]) == 1 and night.end() < 7
    ]
    return (
        all(day.count(str(k)) == d["needed"][k] for day in days for k in (1, 2, 3))
        and all(week.count("0") >= 2 and week.count("3") <= 3 for week in weeks)
        and not any(pair in week for week in weeks for pair in ("21", "23", "31", "32"))
        and not alone
    )


def meeting_hours(s: S, d: S) -> bool:
    for k, offset in enumerate(d["offset"]):
        days, hour = divmod(s["utc"] + offset, 24)
        away = 12 - hour if hour < 12 else hour - 15 if hour > 15 else 0
        if (s["hour"][k], s["day"][k], s["discomfort"][k]) != (hour, days, away):
            return False
    return all(d["first_hour"] <= hour <= d["last_hour"] for hour in s["hour"])


_ALL: list[Callable[[S, S], bool]] = [
    send_more_money, two_squared, sudoku, durer_square, zebra, kakuro, calcudoku, golomb_ruler, langford,
    magic_sequence, all_interval, lights_out, knights_and_knaves, water_jugs, coin_change, frobenius_coins,
    hundred_fowls, three_squares, lattice_points, pell, pythagorean_triples, egyptian_fractions, sum_of_cubes,
    taxicab, big_factorisation, chinese_remainder, ramanujan_nagell, seven_eleven, easter, cicadas,
    cattle, heron, mordell, markov, cannonballs, knapsack,
    production_mix, subset_sum, graph_colouring, bin_packing, facility_location, computer_configuration,
    quasigroup, job_shop, project, nurse_rota, meeting_hours, building_site, delivery_round, shift_pattern,
]  # fmt: skip

CHECKS = {check.__name__: check for check in _ALL} | {"eight_queens": queens, "twenty_queens": queens}
