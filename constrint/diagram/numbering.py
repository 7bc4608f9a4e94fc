"""Solutions by number in the order of the declarations, which need not be the order of the layers.

Where it is, the diagram's own ranks are the numbers. Where it is not, numbers are found by fixing one
variable after another and counting what is left; blocks of neighbouring solutions are listed and sorted.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from constrint.diagram.diagram import Diagram
from constrint.diagram.values import NARROW, Column, integers, size_of

BLOCK = 1 << 16
"""Solutions that are listed and sorted together."""


class Numbering:
    """The lexicographic order of a diagram's solutions by its variables in the order `depths` of layers.

    Rows are positions of values, one column for each variable in that order.
    """

    def __init__(self, diagram: Diagram, depths: Sequence[int]) -> None:
        self.diagram = diagram
        self.depths = list(depths)
        self.direct = self.depths == sorted(self.depths)
        """Whether the diagram's own order is the right one."""
        self._block: tuple[int, list[Column]] = (0, [])

    def rank(self, row: Sequence[int]) -> int:
        """The number of the solution; -1 where it is none."""
        path = [0] * len(row)
        for depth, position in zip(self.depths, row, strict=True):
            path[depth] = position
        rank = self.diagram.rank(path)
        if rank < 0 or self.direct:
            return rank
        rank, left = 0, self.diagram
        for depth, position in zip(self.depths, row, strict=True):
            if left.count == 1:
                break
            rank += self._before(left, depth, position)
            left = self._fixed(left, depth, position)
        return rank

    def rows(self, first: int, end: int) -> list[Column]:
        """The solutions with the numbers first … end - 1."""
        if self.direct:
            columns = self.diagram.rows(range(first, end))
            return [columns[depth] for depth in self.depths]
        pieces: list[list[Column]] = []
        while first < end:
            start, block = self._block_with(first)
            size = len(block[0]) if block else 1
            pieces.append([column[first - start : end - start] for column in block])
            first = start + size
        if not pieces:
            return [np.zeros(0, dtype=np.int64) for _ in self.depths]
        return [np.concatenate(columns) for columns in zip(*pieces, strict=True)]

    def order(self) -> Column | None:
        """The paths of the diagram in lexicographic order; None where they are in it already."""
        if self.direct:
            return None
        return self._sorted(_listed(self.diagram))

    def _block_with(self, number: int) -> tuple[int, list[Column]]:
        """A block that holds the solution: (the number of its first, its rows)."""
        start, block = self._block
        if block and start <= number < start + len(block[0]):
            return self._block
        start, left = 0, self.diagram
        for depth in self.depths:
            if left.count <= BLOCK:
                break
            if left.layers[depth].starts is None:
                position = (number - start) * size_of(left.layers[depth].values) // left.count
            else:
                sums = np.cumsum(left.through(depth))
                position = int(np.searchsorted(sums, number - start, side="right"))
            start += self._before(left, depth, position)
            left = self._fixed(left, depth, position)
        columns = _listed(left)
        order = self._sorted(columns)
        self._block = start, [columns[depth][order] for depth in self.depths]
        return self._block

    def _before(self, diagram: Diagram, depth: int, position: int) -> int:
        """How many solutions take a value before this one in the layer."""
        layer = diagram.layers[depth]
        if layer.starts is None:
            return diagram.count // size_of(layer.values) * position
        return int(diagram.through(depth)[:position].sum())

    def _fixed(self, diagram: Diagram, depth: int, position: int) -> Diagram:
        return diagram.restricted({depth: integers([position])})

    def _sorted(self, columns: Sequence[Column]) -> Column:
        """The lexicographic order of rows; the columns are in the order of the layers."""
        key, span = np.zeros(len(columns[0]), dtype=np.int64), 1
        keys: list[Column] = []
        for depth in self.depths:
            size = size_of(self.diagram.layers[depth].values)
            if span * size >= NARROW:
                keys.append(key)
                key, span = np.zeros(len(key), dtype=np.int64), 1
            key, span = key * size + columns[depth], span * size
        return np.lexsort([*reversed([*keys, key])])


def _listed(diagram: Diagram) -> list[Column]:
    """The positions of all paths."""
    return [
        chosen if repeats is None else np.repeat(chosen, repeats) for chosen, repeats in diagram.listing()
    ]
