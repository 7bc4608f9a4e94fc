"""Puzzles: mostly all_different over linear expressions, which CP-SAT takes as they are."""

from __future__ import annotations

from itertools import pairwise, product

from benchmarks.peer import Data, Model, Peer


def send_more_money(data: Data) -> Peer:
    p = Peer()
    S, M = p.integer("S", 1, 9), p.integer("M", 1, 9)
    E, N, D, O, R, Y = (p.integer(letter, 0, 9) for letter in "ENDORY")  # noqa: E741
    p.model.add_all_different([S, E, N, D, M, O, R, Y])
    send = 1000 * S + 100 * E + 10 * N + D
    more = 1000 * M + 100 * O + 10 * R + E
    p.model.add(send + more == 10000 * M + 1000 * O + 100 * N + 10 * E + Y)
    return p


def two_squared(data: Data) -> Peer:
    p = Peer()
    two = p.integer("two", 100, 999)
    T, S = p.integer("T", 1, 9), p.integer("S", 1, 9)
    W, O, Q, U, A, R, E = (p.integer(letter, 0, 9) for letter in "WOQUARE")  # noqa: E741
    p.model.add(two == 100 * T + 10 * W + O)
    square = 100000 * S + 10000 * Q + 1000 * U + 100 * A + 10 * R + E
    p.model.add_multiplication_equality(square, [two, two])
    p.model.add_all_different([T, W, O, S, Q, U, A, R, E])
    return p


def _queens(n: int) -> Peer:
    p = Peer()
    q = p.array("q", (n,), 0, n - 1)
    p.model.add_all_different(q)
    p.model.add_all_different(q[i] - i for i in range(n))
    p.model.add_all_different(q[i] + i for i in range(n))
    return p


def eight_queens(data: Data) -> Peer:
    return _queens(8)


def twenty_queens(data: Data) -> Peer:
    return _queens(data["n"])


def sudoku(data: Data) -> Peer:
    p = Peer()
    cell = p.array("cell", (9, 9), 1, 9)
    for r, c in product(range(9), repeat=2):
        if data["given"][r][c]:
            p.model.add(cell[r][c] == data["given"][r][c])
    for k in range(9):
        p.model.add_all_different(cell[k])
        p.model.add_all_different(cell[r][k] for r in range(9))
        r, c = 3 * (k // 3), 3 * (k % 3)
        p.model.add_all_different(cell[r + i][c + j] for i in range(3) for j in range(3))
    return p


def durer_square(data: Data) -> Peer:
    p = Peer()
    n = data["n"]
    total = n * (n**2 + 1) // 2
    s = p.array("s", (n, n), 1, n**2)
    p.model.add_all_different(s[r][c] for r in range(n) for c in range(n))
    for k in range(n):
        p.model.add(sum(s[k]) == total)
        p.model.add(sum(s[r][k] for r in range(n)) == total)
        for c in range(n):
            p.model.add(s[k][c] + s[n - 1 - k][n - 1 - c] == n**2 + 1)
    p.model.add(sum(s[i][i] for i in range(n)) == total)
    p.model.add(sum(s[i][n - 1 - i] for i in range(n)) == total)
    p.model.add(s[3][1] == 15)
    p.model.add(s[3][2] == 14)
    p.maximize(s[0][0], 1, n**2)
    p.minimize(s[1][0], 1, n**2)
    return p


def zebra(data: Data) -> Peer:
    p = Peer()
    groups = [
        "red green ivory yellow blue",
        "english spanish ukrainian norwegian japanese",
        "dog snail fox horse zebra",
        "coffee tea milk juice water",
        "sculptor diplomat physician violinist acrobat",
    ]
    for group in groups:
        p.model.add_all_different([p.integer(name, 1, 5) for name in group.split()])
    v = p.variables
    same = (
        "english red, spanish dog, japanese acrobat, ukrainian tea, green coffee, sculptor snail, "
        "diplomat yellow, violinist juice"
    )
    for pair in same.split(", "):
        a, b = pair.split()
        p.model.add(v[a] == v[b])
    p.model.add(v["norwegian"] == 1)
    p.model.add(v["milk"] == 3)
    p.model.add(v["green"] == v["ivory"] + 1)
    for a, b in (("norwegian", "blue"), ("fox", "physician"), ("horse", "diplomat")):
        p.model.add_abs_equality(p.model.new_constant(1), v[a] - v[b])
    return p


def kakuro(data: Data) -> Peer:
    p = Peer()
    size = data["size"]
    black = {tuple(cell) for cell in data["black"]}
    cell = p.array("cell", (size, size), 0, 9)
    for r, c in product(range(size), repeat=2):
        p.model.add(cell[r][c] == 0 if (r, c) in black else cell[r][c] >= 1)
    for key, down in (("across", 0), ("down", 1)):
        for total, r, c, length in data[key]:
            run = [cell[r + i * down][c + i * (1 - down)] for i in range(length)]
            p.model.add(sum(run) == total)
            p.model.add_all_different(run)
    return p


def calcudoku(data: Data) -> Peer:
    p = Peer()
    d = p.array("d", (6, 6), 1, 6)
    for k in range(6):
        p.model.add_all_different(d[k])
        p.model.add_all_different(d[r][k] for r in range(6))
    products = {
        12: [d[0][0], d[1][0]],
        90: [d[0][4], d[0][5], d[1][4]],
        300: [d[2][0], d[3][0], d[3][1], d[3][2]],
        24: [d[4][0], d[5][0], d[5][1]],
        30: [d[4][1], d[4][2], d[5][2]],
        40: [d[4][5], d[5][3], d[5][4], d[5][5]],
    }
    for value, cells in products.items():
        p.model.add_multiplication_equality(value, cells)
    p.model.add(d[0][1] + d[0][2] + d[1][2] == 7)
    p.model.add(d[1][5] + d[2][4] + d[2][5] == 9)
    p.model.add(d[2][2] + d[2][3] + d[3][3] + d[4][3] == 19)
    p.model.add(d[3][4] + d[3][5] + d[4][4] == 8)
    p.model.add_abs_equality(3, d[0][3] - d[1][3])
    p.model.add_allowed_assignments([d[1][1], d[2][1]], [(1, 3), (2, 6), (3, 1), (6, 2)])
    return p


def golomb_ruler(data: Data) -> Peer:
    p = Peer()
    n = data["marks"]
    mark = p.array("mark", (n,), 0, n**2)
    p.model.add(mark[0] == 0)
    for a, b in pairwise(mark):
        p.model.add(a < b)
    p.model.add_all_different(mark[j] - mark[i] for i in range(n) for j in range(i + 1, n))
    p.model.add(mark[1] - mark[0] < mark[n - 1] - mark[n - 2])
    p.minimize(mark[n - 1], 0, n**2)
    return p


def langford(data: Data) -> Peer:
    p = Peer()
    n = data["n"]
    odd = n if n % 2 else n - 1
    place = p.array("place", (2, n), 0, 2 * n - 1)
    for k in range(n):
        p.model.add(place[1][k] == place[0][k] + k + 2)
    p.model.add_all_different(place[0] + place[1])
    p.model.add(place[0][odd - 1] < 2 * n - 1 - place[1][odd - 1])
    return p


def magic_sequence(data: Data) -> Peer:
    p = Peer()
    n = data["n"]
    x = p.array("x", (n,), 0, n - 1)
    for i in range(n):
        p.model.add(x[i] == sum(p.truth(x[j] == i, x[j] != i) for j in range(n)))
    p.model.add(sum(x) == n)
    p.model.add(sum(i * x[i] for i in range(n)) == n)
    return p


def all_interval(data: Data) -> Peer:
    p = Peer()
    n = data["n"]
    note = p.array("note", (n,), 0, n - 1)
    p.model.add_all_different(note)
    steps = [p.model.new_int_var(1, n - 1, "") for _ in range(n - 1)]
    for i, step in enumerate(steps):
        p.model.add_abs_equality(step, note[i + 1] - note[i])
    p.model.add_all_different(steps)
    p.model.add(note[0] < note[n - 1])
    return p


def lights_out(data: Data) -> Peer:
    p = Peer()
    n = data["n"]
    press = p.array("press", (n, n), 0, 1)
    for r, c in product(range(n), repeat=2):
        near = [press[i][j] for i in range(n) for j in range(n) if abs(i - r) + abs(j - c) <= 1]
        p.model.add(sum(near) == 2 * p.model.new_int_var(0, 2, "") + 1)
    p.minimize(sum(sum(row) for row in press), 0, n * n)
    return p


def knights_and_knaves(data: Data) -> Peer:
    p = Peer()
    m = p.model
    ann, bob, cleo, dan, eve = (p.integer(name, 0, 1) for name in ("ann", "bob", "cleo", "dan", "eve"))
    m.add(bob + cleo == 1).only_enforce_if(ann)
    m.add(bob == cleo).only_enforce_if(~ann)
    m.add(dan <= ann).only_enforce_if(bob)
    m.add(dan > ann).only_enforce_if(~bob)
    total = ann + bob + cleo + dan + eve
    m.add(total <= 2).only_enforce_if(cleo)
    m.add(total >= 3).only_enforce_if(~cleo)
    m.add(cleo + eve == 1).only_enforce_if(dan)
    m.add(cleo == eve).only_enforce_if(~dan)
    m.add(total == 2 * m.new_int_var(0, 2, "") + 1 - eve)
    return p


def water_jugs(data: Data) -> Peer:
    p = Peer()
    m = p.model
    size_a, size_b, goal, horizon = (data[key] for key in ("size_a", "size_b", "goal", "horizon"))
    a = p.array("a", (horizon + 1,), 0, size_a)
    b = p.array("b", (horizon + 1,), 0, size_b)
    steps = p.integer("steps", 0, horizon)
    m.add(a[0] == 0)
    m.add(b[0] == 0)
    rows = [(x, y, x, y, 0) for x in range(size_a + 1) for y in range(size_b + 1)]
    for x, y in product(range(size_a + 1), range(size_b + 1)):
        to_b, to_a = min(x, size_b - y), min(y, size_a - x)
        after = [(size_a, y), (0, y), (x, size_b), (x, 0), (x - to_b, y + to_b), (x + to_a, y - to_a)]
        rows.extend((x, y, u, v, 1) for u, v in dict.fromkeys(after))
    for t in range(horizon):
        moving = p.truth(steps > t, steps <= t)
        m.add_allowed_assignments([a[t], b[t], a[t + 1], b[t + 1], moving], rows)
    last_a, last_b = m.new_int_var(0, size_a, ""), m.new_int_var(0, size_b, "")
    m.add_element(steps, a, last_a)
    m.add_element(steps, b, last_b)
    m.add_bool_or(p.truth(last_a == goal, last_a != goal), p.truth(last_b == goal, last_b != goal))
    p.minimize(steps, 0, horizon)
    return p


MODELS: dict[str, Model] = {
    model.__name__: model
    for model in (
        send_more_money,
        two_squared,
        eight_queens,
        twenty_queens,
        sudoku,
        durer_square,
        zebra,
        kakuro,
        calcudoku,
        golomb_ruler,
        langford,
        magic_sequence,
        all_interval,
        lights_out,
        knights_and_knaves,
        water_jugs,
    )
}
