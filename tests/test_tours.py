"""The cost of rounds: the bound, what it removes, and shortest rounds, against all rounds of few places."""

from __future__ import annotations

from itertools import permutations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import constrint as ci
from constrint.engine.propagators.tours import TourCost, Tree
from constrint.engine.store import Inconsistent, Store

steady = settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def rounds(n: int) -> list[tuple[int, ...]]:
    """The successors of the places in each round through 0, …, n - 1."""
    found = []
    for rest in permutations(range(1, n)):
        order = (0, *rest)
        following = dict(zip(order, (*rest, 0), strict=True))
        found.append(tuple(following[k] for k in range(n)))
    return found


@st.composite
def matrices(draw: st.DrawFn) -> list[list[int]]:
    n = draw(st.integers(3, 6))
    costs = draw(st.lists(st.lists(st.integers(-5, 30), min_size=n, max_size=n), min_size=n, max_size=n))
    if draw(st.booleans()):
        costs = [[costs[min(i, j)][max(i, j)] for j in range(n)] for i in range(n)]
    return costs


@steady
@given(matrices(), st.data())
def test_no_round_is_lost(costs: list[list[int]], data: st.DataObject) -> None:
    """Over random domains and bounds, what affordable rounds use stays, and the bound of the total holds."""
    n = len(costs)
    value = st.integers(0, n - 1)
    domains = [sorted(data.draw(st.sets(value, min_size=2)) - {k}) or [(k + 1) % n] for k in range(n)]
    store = Store(1 << 64)
    xs = [store.new_variable(0, n - 1) for _ in range(n)]
    total = store.new_variable(-1000, data.draw(st.integers(-20, 200)))
    affordable = [
        route
        for route in rounds(n)
        if all(route[k] in domains[k] for k in range(n))
        and sum(costs[k][route[k]] for k in range(n)) <= store.hi[total]
    ]
    try:
        for x, domain in zip(xs, domains, strict=True):
            store.keep(x, domain)
        store.post(TourCost(xs, costs, ((-1, total),), 0))
        store.propagate()
        store.schedule(0)
        store.propagate()
    except Inconsistent:
        assert not affordable
        return
    for route in affordable:
        assert all(store.contains(x, j) for x, j in zip(xs, route, strict=True))
        assert store.lo[total] <= sum(costs[k][route[k]] for k in range(n))


@steady
@given(matrices())
def test_the_shortest_round_is_found(costs: list[list[int]]) -> None:
    n = len(costs)
    problem = ci.Problem()
    following = problem.array("next", n, 0, n - 1)
    problem.add(ci.circuit(following))
    problem.minimize(ci.total(ci.element(following[k], costs[k]) for k in range(n)))
    best = min(sum(costs[k][route[k]] for k in range(n)) for route in rounds(n))
    solution = problem.solve()
    assert (solution.status, solution.objective) == ("optimal", best)


@steady
@given(matrices())
def test_the_dearest_round_and_a_side_cost_are_found(costs: list[list[int]]) -> None:
    """With other terms in the objective's row, and the first place's step free of charge."""
    n = len(costs)
    problem = ci.Problem()
    following = problem.array("next", n, 0, n - 1)
    fee = problem.integer("fee", 0, 3)
    problem.add(ci.circuit(following), fee >= following[0] - 1)
    problem.maximize(2 * ci.total(ci.element(following[k], costs[k]) for k in range(1, n)) - 7 * fee)

    def worth(route: tuple[int, ...]) -> int | None:
        least = max(0, route[0] - 1)
        return 2 * sum(costs[k][route[k]] for k in range(1, n)) - 7 * least if least <= 3 else None

    best = max(value for route in rounds(n) if (value := worth(route)) is not None)
    assert problem.solve().objective == best


def test_a_least_tree_with_penalties_and_certain_links() -> None:
    #   1 -2- 2, 1 -4- 3, 2 -9- 3, and 0 is 1, 5, 6 away from them.
    links: list[list[int | None]] = [[None, 1, 5, 6], [1, None, 2, 4], [5, 2, None, 9], [6, 4, 9, None]]
    free = [[False] * 4 for _ in range(4)]
    tree = Tree(links, free, [0, 0, 0, 0])
    assert (tree.cost, tree.degrees, tree.complete) == (2 + 4 + 1 + 5, [2, 3, 2, 1], True)
    assert tree.dearest_from(2) == [5, 2, None, 4]
    assert tree.dearest_from(0) == [5, 1, 5, 5]
    # A penalty of 3 for place 1: now its link to 0 costs 4, and 0 goes to 2 and 1 as before.
    assert Tree(links, free, [0, 3, 0, 0]).cost == (5 + 7 + 4 + 5) - 6
    certain = [list(row) for row in free]
    certain[2][3] = certain[3][2] = True
    tree = Tree(links, certain, [0, 0, 0, 0])
    assert (tree.cost, tree.degrees) == (9 + 2 + 1 + 5, [2, 2, 3, 1])
    links[3] = [None, None, None, None]
    for row in links:
        row[3] = None
    assert not Tree(links, free, [0, 0, 0, 0]).complete


def test_ten_cities_need_few_nodes() -> None:
    """Points on a ring, out of order: the tree with penalties is the round itself."""
    places = [0, 7, 2, 9, 4, 1, 6, 3, 8, 5]
    costs = [[min((a - b) % 10, (b - a) % 10) for b in places] for a in places]
    problem = ci.Problem()
    following = problem.array("next", 10, 0, 9)
    problem.add(ci.circuit(following))
    problem.minimize(ci.total(ci.element(following[k], costs[k]) for k in range(10)))
    solution = problem.solve()
    assert solution.objective == 10 and solution.statistics.nodes < 60
