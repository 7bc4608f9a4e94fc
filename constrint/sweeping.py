"""The same question to many problems, on as many processes as an executor has."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Executor
from typing import Any

from constrint.errors import ProblemError
from constrint.problem import Problem

QUESTIONS = ("solve", "search", "count", "enumerate", "propagate", "explain")
"""The methods of Problem that a sweep can ask."""


def sweep(
    problems: Iterable[Problem], question: str = "solve", *, executor: Executor | None = None, **options: Any
) -> list[Any]:
    """The answer of every problem, in order: what `problem.solve(**options)` gives, or another method.

    `question` is `solve`, `search`, `count`, `enumerate`, `propagate` or `explain`. With an executor of
    concurrent.futures, or one like it, each problem is a task; the answers are the same, in the same order.

    Raises ProblemError for another question, and what the first failing method raises.
    """
    if question not in QUESTIONS:
        raise ProblemError(f"unknown question '{question}': one of {', '.join(QUESTIONS)}")
    if executor is None:
        return [_ask(problem, question, options) for problem in problems]
    futures = [executor.submit(_ask, problem, question, options) for problem in problems]
    try:
        return [future.result() for future in futures]
    finally:
        for future in futures:
            future.cancel()


def _ask(problem: Problem, question: str, options: dict[str, Any]) -> Any:
    return getattr(problem, question)(**options)
