"""Every solution of a problem, behind a decision diagram: counted, numbered, sampled, listed."""

from __future__ import annotations

import math
import operator
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from constrint.diagram.diagram import Diagram
from constrint.diagram.numbering import Numbering
from constrint.diagram.values import NARROW, Column, Values, bounds_of, integers, position_of, size_of, taken
from constrint.errors import ProblemError, SizeLimitError
from constrint.html import MOST_ROWS, table
from constrint.results import SATISFIED, Solution, nest

if TYPE_CHECKING:
    import pandas
    import pyarrow

    from constrint.problem import Problem

CHUNK = 1 << 16
"""Configurations that are listed together where all at once would be too many."""

_FIRST_ROWS = 256
"""Where an iteration begins, in case that only the first few configurations are wanted."""

_COLUMN_LIMIT = 1 << 31
"""A column of more rows than this is refused: it would fill the memory."""

HAMMING, ADJACENT, STRICTLY_ADJACENT = "hamming", "adjacent", "strictly_adjacent"


class SearchSpace(Sequence[dict[str, Any]]):
    """Every solution of a problem, in lexicographic order of its variables as they were declared.

    A configuration is a mapping from names to integers (or to categories, for variables that have them),
    and from arrays to (nested) lists. What is asked of the space is answered from a decision diagram;
    nothing is listed before it is asked for, and what is listed is kept.
    """

    def __init__(self, problem: Problem, diagram: Diagram, *, complete: bool = True) -> None:
        self._problem = problem
        self._diagram = diagram
        depths = {layer.name: k for k, layer in enumerate(diagram.layers)}
        self._names = [name for name in problem.variables if name in depths]
        self._depths = [depths[name] for name in self._names]
        # An array of which only some elements are asked for is shown by these.
        present = Counter(name.partition("[")[0] for name in self._names)
        self._arrays = {
            name: shape for name, shape in problem.arrays.items() if 0 < math.prod(shape) == present[name]
        }
        self._numbering = Numbering(diagram, self._depths)
        self._choices = {name: column for name, column in problem.choices.items() if name in depths}
        self._columns: dict[str, Column] = {}
        self._order: Column | None = None
        self.complete = complete
        """Whether these are all the solutions; a limit may have left some out."""

    @property
    def names(self) -> list[str]:
        """The variables' names, those of arrays by element."""
        return list(self._names)

    @property
    def size(self) -> int:
        """How many configurations there are; also where len(), which Python limits to 2 ** 63, fails."""
        return self._diagram.count

    def __len__(self) -> int:
        return self._diagram.count

    def __bool__(self) -> bool:
        return self._diagram.count > 0

    def __repr__(self) -> str:
        return f"<SearchSpace of {self.size:,} configurations of {len(self._names)} variables>"

    def _repr_html_(self) -> str:
        first = self[:MOST_ROWS]
        headings = list(first[0]) if first else self.names
        return table(repr(self), headings, [list(each.values()) for each in first], self.size)

    # One configuration and another ---------------------------------------------------------------------

    @overload
    def __getitem__(self, key: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, key: slice) -> list[dict[str, Any]]: ...
    @overload
    def __getitem__(self, key: str) -> Column: ...
    def __getitem__(self, key: int | slice | str) -> Any:
        """The configuration at a position, those of a slice, or the column of a variable or array.

        Raises IndexError for a position and KeyError for a name that is not there.
        """
        if isinstance(key, str):
            return self._column(key)
        if isinstance(key, slice):
            chosen = range(self.size)[key] if self.size < 1 << 63 else _sliced(key, self.size)
            low, high = (min(chosen[0], chosen[-1]), max(chosen[0], chosen[-1])) if chosen else (0, -1)
            if abs(chosen.step) == 1:
                listed = [each for first in range(low, high + 1, CHUNK)
                          for each in self._listed(first, min(first + CHUNK, high + 1))]  # fmt: skip
                return listed if chosen.step > 0 else listed[::-1]
            return [self[k] for k in chosen]
        number = operator.index(key)
        if number < 0:
            number += self.size
        if not 0 <= number < self.size:
            raise IndexError(f"configuration {key} of a space of {self.size}")
        return self._listed(number, number + 1)[0]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        first, rows = 0, _FIRST_ROWS
        while first < self.size:
            yield from self._listed(first, min(first + rows, self.size))
            first, rows = first + rows, min(2 * rows, CHUNK)

    def __contains__(self, configuration: object) -> bool:
        return isinstance(configuration, Mapping) and self._rank(configuration) >= 0

    def index(self, configuration: Mapping[str, Any], *_: Any) -> int:
        """The position of the configuration. Raises ValueError where it is not in the space."""
        rank = self._rank(configuration)
        if rank < 0:
            raise ValueError(f"{dict(configuration)} is not in the space")
        return rank

    def count(self, configuration: object) -> int:
        """1 for a configuration of the space, 0 for anything else."""
        return int(configuration in self)

    def sample(self, n: int, seed: int = 0) -> list[dict[str, Any]]:
        """`n` configurations, drawn uniformly without repetition (all of them if there are no more)."""
        generator = random.Random(seed)
        n = min(n, self.size)
        if n <= 0:
            return []
        if self.size < NARROW:
            ranks = generator.sample(range(self.size), n)
        else:
            # So many configurations are hardly ever drawn twice.
            drawn: dict[int, None] = {}
            while len(drawn) < n:
                drawn[generator.randrange(self.size)] = None
            ranks = list(drawn)
        columns = self._diagram.rows(ranks)
        return self._configurations([columns[depth] for depth in self._depths])

    def neighbors(self, configuration: Mapping[str, Any], kind: str = HAMMING) -> list[dict[str, Any]]:
        """The configurations next to this one, which need not be in the space itself, in order.

        - `hamming`: exactly one variable differs;
        - `adjacent`: no variable is further away than the next smaller or larger value that it takes
          somewhere in the space;
        - `strictly_adjacent`: no variable is further away than the next smaller or larger value of its
          declared domain.

        Raises KeyError where a variable is missing or unknown, ProblemError for another kind.
        """
        row = self._row(configuration)
        if kind == HAMMING:
            path = [-1] * len(row)
            for depth, name, value in zip(self._depths, self._names, row, strict=True):
                path[depth] = -1 if value is None else position_of(self._values(name), value)
            rows = []
            for depth, position in self._diagram.one_changed(path):
                rows.append([position if k == depth else path[k] for k in self._depths])
        elif kind in (ADJACENT, STRICTLY_ADJACENT):
            rows = self._around(row, strictly=kind == STRICTLY_ADJACENT)
        else:
            kinds = ", ".join((HAMMING, ADJACENT, STRICTLY_ADJACENT))
            raise ProblemError(f"unknown kind of neighbours '{kind}': one of {kinds}")
        if not rows:
            return []
        return self._configurations([integers(column) for column in zip(*sorted(rows), strict=True)])

    def _around(self, row: Sequence[int | None], *, strictly: bool) -> list[list[int]]:
        """The rows of positions at most one step away in every variable, but for the row itself."""
        if not self.size:
            return []
        allowed = {}
        for depth, name, value in zip(self._depths, self._names, row, strict=True):
            values = self._values(name)
            if value is None:
                near: list[int] = []
            elif strictly:
                near = _steps(_declared(self._problem, name, values), value)
            else:
                near = _steps(self._occurring(name), value)
            positions = [position_of(values, each) for each in near]
            allowed[depth] = integers([each for each in positions if each >= 0])
        around = self._diagram.restricted(allowed)
        columns = around.rows(range(around.count))
        own = tuple(
            position_of(self._values(name), value) if value is not None else -1
            for name, value in zip(self._names, row, strict=True)
        )
        rows = zip(*[columns[depth].tolist() for depth in self._depths], strict=True)
        return [list(each) for each in rows if each != own]

    # Columns ---------------------------------------------------------------------------------------------

    def columns(self) -> dict[str, Column]:
        """A NumPy column for each variable: 64-bit integers, objects where a value needs more, or text
        for categories.

        Raises SizeLimitError for a space that no memory holds.
        """
        if any(name not in self._columns for name in self._names):
            self._check_rows()
            order = self._sorted()
            for name, column in self._diagram.columns():
                if name not in self._columns:
                    self._columns[name] = self._shown(name, column if order is None else column[order])
        return {name: self._columns[name] for name in self._names}

    def fits(self, name: str) -> bool:
        """Whether all that the variable takes in the space is an integer of 64 bits."""
        if name in self._choices:
            return False
        low, high = bounds_of(self._values(name)) if self.size else (0, 0)
        if low >= -(1 << 63) and high < 1 << 63:
            return True
        occurring = self._occurring(name)
        return occurring[0] >= -(1 << 63) and occurring[-1] < 1 << 63

    def chunks(self, rows: int = CHUNK) -> Iterator[dict[str, Column]]:
        """The columns in pieces of so many rows, which need little memory at a time."""
        for first in range(0, self.size, rows):
            columns = self._numbering.rows(first, min(first + rows, self.size))
            yield {
                name: self._shown(name, taken(self._values(name), column))
                for name, column in zip(self._names, columns, strict=True)
            }

    def to_pandas(self) -> pandas.DataFrame:
        """A DataFrame with a column for each variable. Needs pandas."""
        import pandas

        return pandas.DataFrame(self.columns())

    def to_arrow(self) -> pyarrow.Table:
        """An Arrow table with a column for each variable; integers beyond 64 bits as text. Needs PyArrow."""
        from constrint.exporting import arrow_table

        return arrow_table(self.columns())

    def save(self, path: str | Path, *, time_limit: float | None = None) -> None:
        """Writes the space to a file: CSV, JSON lines, NPZ or Parquet, by the ending of its name.

        Raises LimitReached after `time_limit` seconds and at Ctrl-C, with the file sound and its rows
        counted; ProblemError for another ending or where PyArrow is needed and missing; OSError.
        """
        from constrint.exporting import export

        export(self, Path(path), time_limit)

    def solutions(self) -> Iterator[Solution]:
        """The configurations as Solution objects. Raises ProblemError for a projection."""
        if len(self._names) < len(self._problem.variables):
            raise ProblemError("a space of some of the variables holds no solutions of the problem")
        for columns in self.chunks():
            for configuration in self.configurations(columns):
                row = zip(self._names, self._row(configuration), strict=True)
                values = {name: value for name, value in row if value is not None}
                yield Solution(self._problem, values, status=SATISFIED)

    def _column(self, name: str) -> Column:
        if name in self._columns:
            return self._columns[name]
        shape = self._arrays.get(name)
        if shape is not None:
            elements = [name + "".join(f"[{k}]" for k in place) for place in product(*map(range, shape))]
            column = np.stack([self._column(element) for element in elements], axis=-1)
            self._columns[name] = column.reshape(self.size, *shape)
            return self._columns[name]
        if name not in self._names:
            raise KeyError(name)
        self._check_rows()
        order = self._sorted()
        depth = self._depths[self._names.index(name)]
        for k, (chosen, repeats) in enumerate(self._diagram.listing()):
            if k == depth:
                column = taken(self._values(name), chosen)
                column = column if repeats is None else np.repeat(column, repeats)
                self._columns[name] = self._shown(name, column if order is None else column[order])
                break
        return self._columns[name]

    def _check_rows(self) -> None:
        if self.size > _COLUMN_LIMIT:
            raise SizeLimitError(
                f"columns of {self.size:,} rows do not fit any memory: take chunks(), sample() or slices"
            )

    def _sorted(self) -> Column | None:
        if self._order is None:
            self._order = self._numbering.order()
        return self._order

    def _shown(self, name: str, column: Column) -> Column:
        """The column of values as users see it."""
        if name in self._choices:
            return np.array(self._choices[name])[column]
        if column.dtype == object and len(column) and min(column) >= -(1 << 63) and max(column) < 1 << 63:
            return column.astype(np.int64)
        return column

    # Rows ------------------------------------------------------------------------------------------------

    def _listed(self, first: int, end: int) -> list[dict[str, Any]]:
        return self._configurations(self._numbering.rows(first, end))

    def _configurations(self, positions: Sequence[Column]) -> list[dict[str, Any]]:
        """The configurations of rows of positions, in the order of the names."""
        columns = {}
        for name, column in zip(self._names, positions, strict=True):
            columns[name] = self._shown(name, taken(self._values(name), column))
        return self.configurations(columns)

    def configurations(self, columns: Mapping[str, Column]) -> list[dict[str, Any]]:
        """The rows of such columns as `chunks` gives, as configurations."""
        if not self._names:
            return [{}]  # the one way to say nothing
        rows = zip(*[columns[name].tolist() for name in self._names], strict=True)
        if not self._arrays:
            return [dict(zip(self._names, row, strict=True)) for row in rows]
        return [nest(dict(zip(self._names, row, strict=True)), self._arrays) for row in rows]

    def _values(self, name: str) -> Values:
        return self._diagram.layers[self._depths[self._names.index(name)]].values

    def _occurring(self, name: str) -> Values:
        """The values that the variable takes in the space, which has solutions."""
        depth, values = self._depths[self._names.index(name)], self._values(name)
        if self._diagram.layers[depth].starts is None:
            return values
        return tuple(values[k] for k in np.flatnonzero(self._diagram.through(depth)).tolist())

    def _row(self, configuration: Mapping[str, Any]) -> list[int | None]:
        """The values of the configuration, None for what is no integer; KeyError for wrong names."""
        values: dict[str, int | None] = {}

        def take(name: str, value: Any) -> None:
            if isinstance(value, (list, tuple, np.ndarray)):
                for k, item in enumerate(value):
                    take(f"{name}[{k}]", item)
                return
            if name not in known:
                raise KeyError(f"there is no variable '{name}'")
            if isinstance(value, str):
                choices = self._choices.get(name, ())
                values[name] = choices.index(value) if value in choices else None
                return
            try:
                values[name] = operator.index(value)
            except TypeError:
                values[name] = None

        known = set(self._names)
        for name, value in configuration.items():
            take(name, value)
        for name in self._names:
            if name not in values:
                raise KeyError(f"the configuration has no value for '{name}'")
        return [values[name] for name in self._names]

    def _rank(self, configuration: Mapping[str, Any]) -> int:
        try:
            row = self._row(configuration)
        except KeyError:
            return -1
        positions = []
        for name, value in zip(self._names, row, strict=True):
            position = -1 if value is None else position_of(self._values(name), value)
            if position < 0:
                return -1
            positions.append(position)
        return self._numbering.rank(positions)


def _sliced(key: slice, size: int) -> range:
    """The positions of a slice of more than 2 ** 63, for which Python's own range has no len()."""
    first, end, step = key.indices(size)
    return range(first, end, step)


def _lower_bound(values: Values, value: int) -> int:
    """How many of the values are smaller."""
    low, high = 0, size_of(values)
    while low < high:
        middle = (low + high) // 2
        if values[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low


def _steps(values: Values, value: int) -> list[int]:
    """The value, if it is there, and those next to it."""
    place = _lower_bound(values, value)
    end = place + 2 if place < size_of(values) and values[place] == value else place + 1
    return [values[k] for k in range(max(place - 1, 0), min(end, size_of(values)))]


def _declared(problem: Problem, name: str, found: Values) -> Values:
    """The values that the declaration alone allows; those found in the space where it has no end."""
    from constrint.diagram.compiling import declared_values

    values = declared_values(problem.variables[name])
    return found if values is None else values
