"""What the propagators of global constraints find in small cases worked out by hand, without search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

import constrint as ci

Bounds = dict[str, tuple[int, int]]


def left(domains: dict[str, tuple[int, int]], *constraints: Callable[..., Any]) -> Bounds | None:
    """The bounds after propagation; None where it finds a contradiction."""
    p = ci.Problem()
    xs = {name: p.integer(name, *bounds) for name, bounds in domains.items()}
    p.add(*[make(xs) for make in constraints])
    found = p.propagate()
    if found.status == "infeasible":
        return None
    return {name: (domain.min or 0, domain.max or 0) for name, domain in found.domains.items()}


def no_overlap(durations: dict[str, int]) -> Callable[[dict[str, Any]], Any]:
    return lambda x: ci.no_overlap([x[name] for name in durations], list(durations.values()))


def cumulative(tasks: dict[str, tuple[int, int]], capacity: Any) -> Callable[[dict[str, Any]], Any]:
    """Tasks by name, with durations and demands."""
    durations, demands = zip(*tasks.values(), strict=True)
    return lambda x: ci.cumulative([x[name] for name in tasks], durations, demands, capacity)


def test_edge_finding_puts_a_task_behind_two_that_leave_it_no_room() -> None:
    # b and c fill 5 … 13 but for nothing: a cannot run before both are done.
    found = left({"a": (4, 26), "b": (5, 10), "c": (5, 8)}, no_overlap({"a": 4, "b": 3, "c": 5}))
    assert found == {"a": (13, 26), "b": (5, 10), "c": (5, 8)}


def test_edge_finding_works_backwards_in_time_too() -> None:
    found = left({"a": (0, 15), "b": (10, 15), "c": (10, 13)}, no_overlap({"a": 4, "b": 3, "c": 5}))
    assert found is not None and found["a"] == (0, 6)


def test_detectable_precedences_sum_up() -> None:
    # Neither a nor b can come after c, which therefore waits for both, though each alone would leave it at 5.
    found = left({"a": (0, 4), "b": (1, 5), "c": (4, 30)}, no_overlap({"a": 3, "b": 4, "c": 3}))
    assert found is not None and found["c"] == (7, 30)


def test_too_many_tasks_for_a_span_are_refused_without_search() -> None:
    tasks = dict.fromkeys("abc", (0, 5))
    assert left(tasks, no_overlap({"a": 3, "b": 3, "c": 3})) is None
    assert left(tasks, no_overlap({"a": 3, "b": 3, "c": 2})) is not None


def test_the_time_table_moves_a_task_over_what_is_certainly_in_use() -> None:
    # a surely runs in 3 … 4.
    domains = {"a": (1, 3), "b": (2, 9)}
    assert left(domains, cumulative({"a": (4, 2), "b": (2, 2)}, 3)) == {"a": (1, 3), "b": (5, 9)}


def test_energy_moves_a_task_out_of_a_window_without_certain_parts() -> None:
    # a, b and c need 6 of the 8 that there are in 0 … 4; d would need 4.
    domains = {"a": (0, 2), "b": (0, 2), "c": (0, 2), "d": (0, 9)}
    tasks = {"a": (2, 1), "b": (2, 1), "c": (2, 1), "d": (2, 2)}
    found = left(domains, cumulative(tasks, 2))
    assert found is not None and found["d"] == (3, 9)
    assert left(dict.fromkeys("abcde", (0, 2)), cumulative(dict.fromkeys("abcde", (2, 1)), 2)) is None


def test_a_capacity_and_a_demand_are_bounded_by_what_is_certain() -> None:
    domains = {"a": (0, 1), "b": (1, 2), "demand": (1, 9), "capacity": (0, 5)}
    found = left(
        domains,
        lambda x: ci.cumulative([x["a"], x["b"]], [3, 3], [2, x["demand"]], x["capacity"]),
    )
    assert found == {"a": (0, 1), "b": (1, 2), "demand": (1, 3), "capacity": (3, 5)}


def test_a_duration_ends_before_what_is_certain() -> None:
    domains = {"a": (0, 1), "d": (1, 9), "b": (4, 5)}
    found = left(domains, lambda x: ci.cumulative([x["a"], x["b"]], [x["d"], 3], [1, 1], 1))
    assert found is not None and found["d"] == (1, 5)


@pytest.mark.parametrize("many", [3, 80])
def test_an_optional_task_that_does_not_fit_is_absent(many: int) -> None:
    p = ci.Problem()
    fixed = [p.interval(f"f{k}", start=3 * k, duration=2) for k in range(many)]
    late = p.interval("late", start=(0, 3 * many - 3), duration=2, optional=True)
    p.add(ci.no_overlap([*fixed, late]))
    assert p.propagate().domains["late.present"].max == 0


def test_rectangles_that_can_only_lie_one_way_do() -> None:
    # Both are too high for one another: side by side they go.
    domains = {"x": (0, 3), "y": (0, 1), "u": (2, 4), "v": (0, 1)}
    found = left(
        domains,
        lambda x: ci.no_overlap_2d([x["x"], x["u"]], [x["y"], x["v"]], [3, 3], [3, 3]),
    )
    assert found == {"x": (0, 1), "y": (0, 1), "u": (3, 4), "v": (0, 1)}


def test_a_chain_does_not_close_too_early_and_no_place_is_cut_off() -> None:
    p = ci.Problem()
    x = p.array("x", 4, 0, 3)
    p.add(ci.circuit(x), x[0] == 1, x[1] == 2)
    found = p.propagate().domains
    assert [(found[f"x[{k}]"].min, found[f"x[{k}]"].max) for k in range(4)] == [
        (1, 1),
        (2, 2),
        (3, 3),
        (0, 0),
    ]
    q = ci.Problem()
    y = [q.integer(f"y{k}", values=values) for k, values in enumerate([(1, 2), (0, 2), (0, 1), (4,), (3,)])]
    q.add(ci.circuit(y))
    assert q.propagate().status == "infeasible"


def test_places_that_cannot_be_reached_are_left_out_of_a_subcircuit() -> None:
    p = ci.Problem()
    sets = [(1, 2), (0, 2), (0, 1), (3, 4), (3, 4), (0, 5)]
    x = [p.integer(f"x{k}", values=values) for k, values in enumerate(sets)]
    p.add(ci.subcircuit(x))
    assert [p.propagate().domains[f"x{k}"].values for k in (3, 4, 5)] == [(3,), (4,), (5,)]


@pytest.mark.parametrize(
    ("sizes", "load", "expected"),
    [
        ([4, 4, 4], (5, 7), None),
        ([4, 4, 4], (3, 11), (4, 8)),
        ([2, 4, 9], (7, 14), (9, 13)),
    ],
)
def test_loads_are_sums_of_sizes(
    sizes: Sequence[int], load: tuple[int, int], expected: tuple[int, int] | None
) -> None:
    bins = {f"b{k}": (0, 1) for k in range(len(sizes))}
    found = left(
        {**bins, "l": load, "m": (0, 99)},
        lambda x: ci.bin_packing_loads([x[name] for name in bins], sizes, [x["l"], x["m"]]),
    )
    assert (None if found is None else found["l"]) == expected


def test_an_item_without_which_a_bin_cannot_be_filled_goes_into_it() -> None:
    found = left(
        {"a": (0, 1), "b": (0, 1), "c": (0, 1), "l": (9, 10), "m": (0, 99)},
        lambda x: ci.bin_packing_loads([x["a"], x["b"], x["c"]], [2, 4, 9], [x["l"], x["m"]]),
    )
    assert found == {"a": (1, 1), "b": (1, 1), "c": (0, 0), "l": (9, 9), "m": (6, 6)}


def test_a_knapsack_is_bounded_by_what_divisible_things_would_bring() -> None:
    # By profit for the weight: b, then a, then c. Weight 9: two b and half an a, 2·7 + 2 = 16 at most.
    domains = {"a": (0, 2), "b": (0, 2), "c": (0, 2), "w": (0, 9), "p": (0, 99)}
    found = left(
        domains,
        lambda x: ci.knapsack([x["a"], x["b"], x["c"]], [2, 4, 3], [3, 7, 2], x["w"], x["p"]),
    )
    assert found is not None and found["p"][1] <= 15
    found = left(
        {**domains, "p": (15, 99)},
        lambda x: ci.knapsack([x["a"], x["b"], x["c"]], [2, 4, 3], [3, 7, 2], x["w"], x["p"]),
    )
    # Such a profit needs both b, and nothing of c.
    assert found is None or (found["b"] == (2, 2) and found["c"] == (0, 0) and found["w"][0] >= 8)


def test_the_index_of_the_largest_is_that_of_the_first_one() -> None:
    domains = {"z": (0, 3), "a": (3, 3), "b": (0, 3), "c": (0, 4), "d": (0, 2)}
    found = left(domains, lambda x: ci.argmax([x["a"], x["b"], x["c"], x["d"]]) == x["z"])
    assert found == {**domains, "z": (0, 2)}
    found = left({**domains, "z": (1, 3)}, lambda x: ci.argmax([x[name] for name in "abcd"]) == x["z"])
    assert found == {**domains, "z": (2, 2), "c": (4, 4)}
    # Before the index all are less, behind it at most as large.
    found = left({**domains, "z": (2, 2), "a": (0, 4), "d": (0, 5)},
                 lambda x: ci.argmax([x[name] for name in "abcd"]) == x["z"])  # fmt: skip
    assert found == {"z": (2, 2), "a": (0, 3), "b": (0, 3), "c": (1, 4), "d": (0, 4)}


def test_a_global_under_a_condition_denies_it_when_it_cannot_hold() -> None:
    p = ci.Problem()
    a, b = p.integer("a", 0, 1), p.integer("b", 1, 2)
    c = p.boolean("c")
    p.add(ci.implies(c, ci.no_overlap([a, b], [3, 3])))
    assert p.propagate().domains["c"].max == 0


def test_an_explanation_names_a_global() -> None:
    p = ci.Problem()
    x = p.array("x", 3, 0, 4)
    p.add(ci.no_overlap(x, [2, 2, 2]), label="one at a time")
    p.add(ci.increasing(x), label="in order")
    p.add(x[1] <= 1, label="soon")
    assert {constraint.label for constraint in p.explain().conflict} == {"one at a time", "in order", "soon"}
