"""Decision diagrams against brute force: the same solutions, counts, ranks, restrictions, unions."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import constrint as ci
from constrint.diagram.building import Builder
from constrint.diagram.diagram import Diagram, united
from constrint.diagram.values import Values
from tests.random_problems import NAMES, everything, problems, solutions

thorough = settings(
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)


def declared(problem: ci.Problem) -> list[Values]:
    """The declared values of every variable, by brute force."""
    rows = everything(problem)
    return [tuple(sorted({row[k] for row in rows})) for k in range(len(NAMES))]


def built(problem: ci.Problem, order: list[str]) -> Diagram:
    values = dict(zip(NAMES, declared(problem), strict=True))
    builder = Builder(order, [values[name] for name in order], [c.expression for c in problem.constraints])
    diagram = builder.build()
    assert builder.stopped_by is None
    return diagram


def rows_of(diagram: Diagram, order: list[str]) -> list[tuple[int, ...]]:
    columns = dict(diagram.columns())
    assert all(len(column) == diagram.count for column in columns.values())
    return list(zip(*[columns[name].tolist() for name in order], strict=True))


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_the_paths_are_the_solutions_of_brute_force(depth: int) -> None:
    @settings(thorough, max_examples=[400, 800, 800][depth])
    @given(problems(depth=depth), st.permutations(NAMES))
    def check(problem: ci.Problem, order: list[str]) -> None:
        diagram = built(problem, order)
        found = rows_of(diagram, NAMES)
        assert sorted(found) == solutions(problem)
        assert diagram.count == len(found)
        in_order = rows_of(diagram, order)
        assert in_order == sorted(in_order)

    check()


@settings(thorough, max_examples=500)
@given(problems(depth=3, most=1))
def test_one_deep_constraint_has_the_solutions_of_brute_force(problem: ci.Problem) -> None:
    assert rows_of(built(problem, NAMES), NAMES) == solutions(problem)


@settings(thorough, max_examples=250)
@given(problems(depth=1), st.permutations(NAMES))
def test_ranks_and_rows_are_inverse(problem: ci.Problem, order: list[str]) -> None:
    diagram = built(problem, order)
    columns = diagram.rows(range(diagram.count))
    paths = list(zip(*[column.tolist() for column in columns], strict=True))
    assert [diagram.rank(path) for path in paths] == list(range(diagram.count))
    present = set(paths)
    for path in product(*[range(len(layer.values)) for layer in diagram.layers]):
        assert (diagram.rank(path) >= 0) == (path in present)


@settings(thorough, max_examples=250)
@given(problems(depth=1), st.permutations(NAMES), st.data())
def test_a_restriction_keeps_just_the_allowed_paths(
    problem: ci.Problem, order: list[str], data: st.DataObject
) -> None:
    diagram = built(problem, order)
    allowed = {
        k: np.array(sorted(data.draw(st.sets(st.integers(0, n - 1)))) if n else [], dtype=np.int64)
        for k in data.draw(st.sets(st.integers(0, 3)))
        for n in [len(diagram.layers[k].values)]
    }
    part = diagram.restricted(allowed)
    everywhere = zip(*[column.tolist() for column in diagram.rows(range(diagram.count))], strict=True)
    expected = [path for path in everywhere if all(path[k] in chosen for k, chosen in allowed.items())]
    found = zip(*[column.tolist() for column in part.rows(range(part.count))], strict=True)
    assert list(found) == expected


@settings(thorough, max_examples=250)
@given(problems(depth=1), st.integers(1, 4))
def test_parts_by_the_first_variable_unite_to_the_whole(problem: ci.Problem, parts: int) -> None:
    whole = built(problem, NAMES)
    first = np.arange(len(whole.layers[0].values))
    pieces = [whole.restricted({0: each}) for each in np.array_split(first, parts)]
    assert rows_of(united(pieces), NAMES) == rows_of(whole, NAMES)


@settings(thorough, max_examples=250)
@given(problems(depth=1))
def test_rows_make_the_diagram_they_came_from(problem: ci.Problem) -> None:
    values = declared(problem)
    rows = solutions(problem)
    placed = [[each.index(x) for each, x in zip(values, row, strict=True)] for row in rows]
    diagram = Diagram.of_rows(NAMES, values, reversed(placed))
    assert rows_of(diagram, NAMES) == rows
    # It is reduced: no smaller diagram in this order has these paths.
    assert diagram.nodes <= built(problem, NAMES).nodes
