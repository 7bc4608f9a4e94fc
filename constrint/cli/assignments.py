"""The ASSIGNMENT of `constrint check`: a file, standard input, or the text itself."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from constrint.errors import ProblemError, unknown_name
from constrint.files.building import Scope
from constrint.files.constants import Constants
from constrint.files.documents import List, Mapping, Node, Scalar, Source, compose, expected, read_stream
from constrint.files.limits import Budget
from constrint.problem import Problem

_WANTED = "an assignment: a mapping of variables to integers, such as {x: 1, y: 2}"


def read_assignment(argument: str, problem: Problem) -> dict[str, Any]:
    """The assignment, complete and with an integer (or nested lists, for arrays) for each name.

    What `solve --format json` prints is understood too: its first solution is taken.

    Raises ProblemError for anything malformed, missing or unknown, and OSError.
    """
    root = compose(_source(argument))
    if not isinstance(root, Mapping):
        raise expected(_WANTED, root)
    solutions = root.get("solutions")
    if isinstance(solutions, List) and not {"solutions", "solutions[0]"} & problem.variables.keys():
        if not solutions.items:
            raise ProblemError("there is no solution in this answer", solutions.place())
        root = solutions.items[0]
        if not isinstance(root, Mapping):
            raise expected(_WANTED, root)
    constants = Constants(Scope(), Budget())
    assignment: dict[str, Any] = {}
    for key, node in root.items():
        name = key.text
        if name not in problem.variables and name not in problem.arrays:
            raise unknown_name(name, [*problem.variables, *problem.arrays], key.place())
        choices = problem.variables[name if name in problem.variables else _first(problem, name)].choices
        value = constants.value(node) if choices is None else _numbers(name, node, choices, constants)
        shape = () if name in problem.variables else problem.arrays[name]
        _check_shape(name, value, shape, node)
        assignment[name] = value
    return assignment


def _first(problem: Problem, array: str) -> str:
    return array + "[0]" * len(problem.arrays[array])


def _numbers(name: str, node: Node, choices: tuple[str, ...], constants: Constants) -> Any:
    """The value, with choices as their numbers."""
    if isinstance(node, List):
        return [_numbers(f"{name}[{k}]", item, choices, constants) for k, item in enumerate(node.items)]
    if isinstance(node, Scalar) and node.text in choices:
        return choices.index(node.text)
    try:
        return constants.integer(node)
    except ProblemError:
        raise ProblemError(f"'{name}' is one of {', '.join(choices)}", node.place()) from None


def _source(argument: str) -> Source:
    if argument == "-":
        return read_stream(getattr(sys.stdin, "buffer", sys.stdin), "<stdin>")
    if not argument.lstrip().startswith("{") and "\n" not in argument:
        try:
            with Path(argument).open("rb") as stream:
                return read_stream(stream, argument, Path(argument))
        except OSError:
            if ":" not in argument:
                raise
    return Source("ASSIGNMENT", argument)


def _check_shape(name: str, value: Any, shape: tuple[int, ...], node: Node) -> None:
    """Raises ProblemError where the value is not an integer, or an array of this shape."""
    if not shape:
        if not isinstance(value, int):
            raise ProblemError(f"'{name}' is one integer, not a list", node.place())
        return
    if not isinstance(value, list) or len(value) != shape[0]:
        found = f"a list of {len(value)}" if isinstance(value, list) else f"{value}"
        raise ProblemError(f"'{name}' needs a list of {shape[0]}, found {found}", node.place())
    for k, item in enumerate(value):
        _check_shape(f"{name}[{k}]", item, shape[1:], node)
