"""The published auto-tuning spaces have the published numbers of configurations."""

from __future__ import annotations

import numpy as np
import pytest

import constrint as ci
from benchmarks.spaces import FOLDER, LARGE, SPACES, load, restrictions


@pytest.mark.parametrize("name", SPACES)
def test_the_valid_configurations_are_as_many_as_published(name: str) -> None:
    problem = load(name)
    expected = SPACES[name][2]
    assert problem.count() == expected
    space = problem.enumerate()
    columns = space.columns()
    rows = np.stack(list(columns.values()), axis=1)
    assert len(rows) == len(space) == expected
    # In lexicographic order, and so each once.
    first = (rows[1:] != rows[:-1]).argmax(axis=1)
    steps = np.arange(expected - 1)
    assert (rows[1:][steps, first] > rows[:-1][steps, first]).all()


@pytest.mark.parametrize("name", SPACES)
def test_the_peer_s_restrictions_hold_for_the_same_configurations(name: str) -> None:
    problem = load(name)
    space = problem.enumerate()
    codes = [compile(text, name, "eval") for text in restrictions(name)]

    def allowed(configuration: dict[str, int]) -> bool:
        return all(eval(code, {"__builtins__": {}}, configuration) for code in codes)

    assert all(allowed(configuration) for configuration in space.sample(300))
    # Configurations that the domains allow, valid or not.
    free = ci.Problem()
    free.variables = dict(problem.variables)
    for configuration in free.enumerate().sample(300):
        assert allowed(configuration) == (configuration in space)


def test_a_space_of_more_than_ten_to_the_thirteen_is_counted() -> None:
    problem = ci.load(FOLDER / f"{LARGE}.yaml")
    space = problem.enumerate()
    assert space.size == problem.count() == 72_330_620_460_170
    for configuration in space.sample(20):
        assert problem.check(configuration)
        assert configuration in space


def test_the_large_space_is_counted_right_where_brute_force_can_follow() -> None:
    problem = ci.load(FOLDER / f"{LARGE}.yaml", set={"n": 4, "d": 6, "max_threads": 8})
    per_dimension = [
        (tile, items)
        for block in (1, 2, 4)
        for tile in (1, 2, 4)
        for groups in (1, 2, 4)
        for items in (1, 2, 4)
        if block % tile == 0 and 4 // block % groups == 0 and block // tile % items == 0
    ]
    # The products of tiles stay small here, so only the threads of all dimensions together matter.
    ways = {1: 1}
    for _ in range(6):
        following: dict[int, int] = {}
        for threads, number in ways.items():
            for _, items in per_dimension:
                following[threads * items] = following.get(threads * items, 0) + number
        ways = following
    assert problem.count() == sum(number for threads, number in ways.items() if threads <= 8)
