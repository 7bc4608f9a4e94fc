"""Knapsacks, packing, colouring, assignment and configuration."""

from __future__ import annotations

from itertools import product
from typing import Any

from benchmarks.peer import Data, Model, Peer, check_width


def knapsack(data: Data) -> Peer:
    p = Peer()
    take = p.array("take", (15,), 0, 1)
    p.model.add(sum(w * t for w, t in zip(data["weight"], take, strict=True)) <= data["capacity"])
    p.maximize(sum(v * t for v, t in zip(data["value"], take, strict=True)), 0, sum(data["value"]))
    return p


def production_mix(data: Data) -> Peer:
    p = Peer()
    make = p.array("make", (6,), 0, 10)
    for need, stock in zip(data["needs"], data["stock"], strict=True):
        p.model.add(sum(n * m for n, m in zip(need, make, strict=True)) <= stock)
    p.model.add(make[0] == 4 * p.model.new_int_var(0, 2, ""))
    p.model.add(make[0] >= make[2])
    p.model.add(sum(p.truth(m >= 1, m == 0) for m in make) >= 3)
    p.maximize(sum(v * m for v, m in zip(data["profit"], make, strict=True)), 0, 10 * sum(data["profit"]))
    return p


def subset_sum(data: Data) -> Peer:
    p = Peer()
    check_width(*data["payment"], data["amount"])
    paid = p.array("paid", (14,), 0, 1)
    p.model.add(sum(v * t for v, t in zip(data["payment"], paid, strict=True)) == data["amount"])
    return p


def graph_colouring(data: Data) -> Peer:
    p = Peer()
    colour = p.array("colour", (13,), 1, 13)
    for a, b in data["borders"]:
        p.model.add(colour[a] != colour[b])
    most = p.model.new_int_var(1, 13, "")
    p.model.add_max_equality(most, colour)
    p.minimize(most, 1, 13)
    for country in colour:
        p.minimize(country, 1, 13)
    return p


def bin_packing(data: Data) -> Peer:
    p = Peer()
    size, capacity, crates, lorries = (data[key] for key in ("size", "capacity", "crates", "lorries"))
    lorry = p.array("lorry", (crates,), 0, lorries - 1)
    load = p.array("load", (lorries,), 0, capacity)
    used = p.integer("used", 0, lorries)
    goes = [[p.model.new_bool_var("") for _ in range(lorries)] for _ in range(crates)]
    for i in range(crates):
        p.model.add_exactly_one(goes[i])
        p.model.add(lorry[i] == sum(b * goes[i][b] for b in range(lorries)))
    for b in range(lorries):
        p.model.add(load[b] == sum(size[i] * goes[i][b] for i in range(crates)))
        p.model.add(lorry[b] <= b)
    p.model.add_max_equality(used, [place + 1 for place in lorry])
    p.minimize(used, 0, lorries)
    p.minimize(capacity - load[0], 0, capacity)
    return p


def facility_location(data: Data) -> Peer:
    p = Peer()
    shops, warehouses, delivery = data["shops"], data["warehouses"], data["delivery"]
    at = p.array("at", (shops,), 0, warehouses - 1)
    is_open = p.array("open", (warehouses,), 0, 1)
    cost = p.array("cost", (shops,), 0, 30)
    serves = [[p.model.new_bool_var("") for _ in range(warehouses)] for _ in range(shops)]
    for s in range(shops):
        p.model.add_exactly_one(serves[s])
        p.model.add(at[s] == sum(w * serves[s][w] for w in range(warehouses)))
        p.model.add(cost[s] == sum(delivery[s][w] * serves[s][w] for w in range(warehouses)))
        for w in range(warehouses):
            p.model.add_implication(serves[s][w], is_open[w])
    for w in range(warehouses):
        p.model.add(sum(serves[s][w] for s in range(shops)) <= data["capacity"][w])
    p.minimize(sum(f * o for f, o in zip(data["fixed"], is_open, strict=True)) + sum(cost), 0, 500)
    return p


def computer_configuration(data: Data) -> Peer:
    p = Peer()
    m = p.model
    processor, board = p.integer("processor", 0, 3), p.integer("board", 0, 2)
    kind = p.chosen("memory_kind", [4, 5])
    modules, module_gb = p.chosen("modules", [1, 2, 4]), p.chosen("module_gb", [8, 16, 32])
    graphics, fifties = p.integer("graphics", 0, 2), m.new_int_var(6, 20, "")
    p.variables["supply_watts"] = 50 * fifties
    liquid, tower = m.new_bool_var(""), m.new_bool_var("")
    p.variables["liquid_cooling"], p.variables["tower"] = liquid, tower
    m.add_allowed_assignments([processor, board, kind], data["fits"])
    memory = p.product(8, 128, modules, module_gb)
    m.add(memory >= 64)

    def lookup(index: Any, values: list[int]) -> Any:
        result = m.new_int_var(min(values), max(values), "")
        m.add_element(index, values, result)
        return result

    m.add(lookup(processor, data["cores"]) >= 8)
    m.add(graphics >= 1)
    watts = lookup(processor, data["watts"])
    m.add(50 * fifties >= 100 + 2 * watts + 200 * graphics)
    hot = p.truth(watts >= 101, watts <= 100)
    m.add_bool_or(~hot, liquid, tower)
    m.add_implication(~hot, ~liquid)
    large = p.truth(graphics == 2, graphics != 2)
    m.add_implication(large, tower)
    m.add(board >= 1).only_enforce_if(large)
    m.add_forbidden_assignments([board, modules], [(0, 4)])
    m.add_forbidden_assignments([kind, module_gb], [(5, 8)])
    m.add_forbidden_assignments([board, module_gb, modules], [(1, 32, 1)])
    m.add_bool_xor(liquid, p.truth(board == 1, board != 1))
    memory_price = m.new_int_var(0, 1000, "")
    old = p.truth(kind == 4, kind == 5)
    m.add(memory_price == 3 * memory).only_enforce_if(old)
    m.add(memory_price == 4 * memory).only_enforce_if(~old)
    price = lookup(processor, data["processor_price"]) + lookup(board, data["board_price"]) + memory_price
    p.minimize(price + 250 * graphics + 5 * fifties + 90 * liquid + 35 + 25 * tower, 0, 3000)
    return p


def quasigroup(data: Data) -> Peer:
    p = Peer()
    n = data["n"]
    q = p.array("q", (n, n), 0, n - 1)
    flat = [q[i][j] for i in range(n) for j in range(n)]
    for k in range(n):
        p.model.add_all_different(q[k])
        p.model.add_all_different(q[i][k] for i in range(n))
        p.model.add(q[k][k] == k)
        p.model.add(q[k][n - 1] >= k - 1)
    for a, b in product(range(n), repeat=2):
        # ((b * a) * b) * b = a: two look-ups in column b.
        column = [q[i][b] for i in range(n)]
        second = p.model.new_int_var(0, n - 1, "")
        p.model.add_element(flat[b * n + a], column, second)
        p.model.add_element(second, column, a)
    return p


def italian_holiday(data: Data) -> Peer:
    p = Peer()
    rome, florence, venice = (p.integer(name, 1, 7) for name in ("rome", "florence", "venice"))
    museums = p.integer("museums", 0, 14)
    p.model.add(rome + florence + venice <= 7)
    p.model.add(rome >= 3)
    p.model.add(florence >= rome)
    p.model.add(venice >= 2)
    p.model.add(museums <= 2 * (rome + florence + venice))
    p.model.add(museums >= 6)
    p.model.add(florence <= 5)
    return p


MODELS: dict[str, Model] = {
    model.__name__: model
    for model in (
        knapsack,
        production_mix,
        subset_sum,
        graph_colouring,
        bin_packing,
        facility_location,
        computer_configuration,
        quasigroup,
        italian_holiday,
    )
}
