"""All solutions of a problem, as columns."""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from constrint.results import SATISFIED, Solution, nest

if TYPE_CHECKING:
    import pandas

    from constrint.problem import Problem

Column = NDArray[Any]


class SearchSpace(Sequence[dict[str, Any]]):
    """Every solution of a problem, in lexicographic order of its variables as they were declared.

    A configuration is a mapping from names to integers, and from arrays to (nested) lists.
    """

    def __init__(self, problem: Problem, rows: list[tuple[int, ...]]) -> None:
        self._problem = problem
        self._names = list(problem.variables)
        self._rows = sorted(rows)
        self._columns: dict[str, Column] = {}

    @property
    def names(self) -> list[str]:
        """The variables' names, those of arrays by element."""
        return list(self._names)

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, key: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, key: slice) -> list[dict[str, Any]]: ...
    @overload
    def __getitem__(self, key: str) -> Column: ...
    def __getitem__(self, key: int | slice | str) -> Any:
        """The configuration at a position, those of a slice, or the column of a variable or array."""
        if isinstance(key, str):
            return self._column(key)
        if isinstance(key, slice):
            return [self._configuration(row) for row in self._rows[key]]
        return self._configuration(self._rows[key])

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return map(self._configuration, self._rows)

    def __contains__(self, configuration: object) -> bool:
        return isinstance(configuration, Mapping) and self._find(configuration) >= 0

    def index(self, configuration: Mapping[str, Any], *_: Any) -> int:
        """The position of the configuration. Raises ValueError where it is not a solution."""
        position = self._find(configuration)
        if position < 0:
            raise ValueError(f"{dict(configuration)} is not in the space")
        return position

    def sample(self, n: int, seed: int = 0) -> list[dict[str, Any]]:
        """`n` configurations, drawn uniformly without repetition (all of them if there are no more)."""
        chosen = random.Random(seed).sample(range(len(self._rows)), min(n, len(self._rows)))
        return [self._configuration(self._rows[k]) for k in chosen]

    def neighbors(self, configuration: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The configurations that differ from this one in exactly one variable (Hamming distance 1).

        Raises KeyError where the configuration lacks a variable.
        """
        row = self._row(configuration)
        found = []
        for other in self._rows:
            if sum(a != b for a, b in zip(row, other, strict=True)) == 1:
                found.append(self._configuration(other))
        return found

    def columns(self) -> dict[str, Column]:
        """A NumPy column for each variable; 64-bit integers, or objects where a value needs more."""
        return {name: self._column(name) for name in self._names}

    def to_pandas(self) -> pandas.DataFrame:
        """A DataFrame with a column for each variable. Needs pandas."""
        import pandas

        return pandas.DataFrame(self.columns())

    def solutions(self) -> Iterator[Solution]:
        """The configurations as Solution objects."""
        for row in self._rows:
            yield Solution(self._problem, dict(zip(self._names, row, strict=True)), status=SATISFIED)

    def _column(self, name: str) -> Column:
        if name not in self._columns:
            shape = self._problem.arrays.get(name)
            if shape is not None:
                elements = [n for n in self._names if n.startswith(f"{name}[")]
                stacked = np.stack([self._column(element) for element in elements], axis=-1)
                self._columns[name] = stacked.reshape(len(self._rows), *shape)
            else:
                position = self._names.index(name) if name in self._names else -1
                if position < 0:
                    raise KeyError(name)
                values = [row[position] for row in self._rows]
                fits = not values or (min(values) >= -(2**63) and max(values) < 2**63)
                self._columns[name] = np.array(values, dtype=np.int64 if fits else object)
        return self._columns[name]

    def _configuration(self, row: tuple[int, ...]) -> dict[str, Any]:
        return nest(dict(zip(self._names, row, strict=True)), self._problem.arrays)

    def _row(self, configuration: Mapping[str, Any]) -> tuple[int, ...]:
        values: dict[str, int] = {}

        def take(name: str, value: Any) -> None:
            if isinstance(value, (list, tuple)):
                for k, item in enumerate(value):
                    take(f"{name}[{k}]", item)
            else:
                values[name] = value

        for name, value in configuration.items():
            take(name, value)
        return tuple(values[name] for name in self._names)

    def _find(self, configuration: Mapping[str, Any]) -> int:
        try:
            row = self._row(configuration)
        except KeyError:
            return -1
        position = bisect_left(self._rows, row)
        return position if position < len(self._rows) and self._rows[position] == row else -1
