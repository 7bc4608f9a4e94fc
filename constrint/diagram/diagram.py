"""The multi-valued decision diagram: layers of arcs, counts of what lies below, ranks and lists.

A path from the root to the end takes one arc in each layer and is one solution; every node lies on one.
Solutions are numbered in the order of the paths: lexicographic in the order of the layers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from constrint.diagram.values import NARROW, Column, Values, size_of, taken


@dataclass(slots=True)
class Layer:
    """The arcs of one variable. Those of node k are starts[k]:starts[k + 1], by position of the value.

    `starts` is None for a free variable: every node then has one arc for each value, all to one node
    below that has the same number.
    """

    name: str
    values: Values
    starts: Column | None = None
    positions: Column | None = None
    children: Column | None = None

    def listed(self, nodes: int) -> tuple[Column, Column, Column]:
        """(starts, positions, children), also of a free layer."""
        if self.starts is not None and self.positions is not None and self.children is not None:
            return self.starts, self.positions, self.children
        size = size_of(self.values)
        return (
            np.arange(nodes + 1) * size,
            np.tile(np.arange(size, dtype=np.int32), nodes),
            np.repeat(np.arange(nodes, dtype=np.int32), size),
        )


class Diagram:
    """All solutions over the layers' variables, as paths."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.layers = list(layers)
        self.counts = self._counted()
        """For each boundary between layers, how many paths lead from each node to the end."""
        self.count = int(self.counts[0].sum())
        """How many solutions there are."""
        self._sums: dict[int, Column] = {}

    @staticmethod
    def empty(names: Sequence[str], values: Sequence[Values]) -> Diagram:
        """The diagram without a path."""
        nothing = np.zeros(0, dtype=np.int32)
        start = np.zeros(1, dtype=np.int64)
        return Diagram(
            [Layer(name, each, start, nothing, nothing) for name, each in zip(names, values, strict=True)]
        )

    @staticmethod
    def of_rows(names: Sequence[str], values: Sequence[Values], rows: Iterable[Sequence[int]]) -> Diagram:
        """The diagram of these rows of positions; equal ends are shared."""
        table = sorted({tuple(row) for row in rows})
        if not table:
            return Diagram.empty(names, values)
        return _folded(names, values, np.array(table, dtype=np.int64).reshape(len(table), len(names)))

    @property
    def nodes(self) -> int:
        """How many nodes there are."""
        return sum(len(each) for each in self.counts)

    @property
    def arcs(self) -> int:
        """How many arcs there are, those of a free layer counted once for each node."""
        return sum(
            len(layer.positions) if layer.positions is not None else len(above)
            for layer, above in zip(self.layers, self.counts, strict=False)
        )

    def _counted(self) -> list[Column]:
        size = 1
        counts: list[Column] = [np.ones(1, dtype=np.int64)]
        if any(layer.starts is not None and len(layer.starts) == 1 for layer in self.layers):
            nothing: Column = np.zeros(0, dtype=np.int64)
            return [nothing] * (len(self.layers) + 1)
        for layer in reversed(self.layers):
            below = counts[-1]
            if layer.starts is None:
                size = size_of(layer.values)
                counts.append(_room(below, size) * size)
                continue
            widest = int(np.diff(layer.starts).max())
            counts.append(np.add.reduceat(_room(below, widest)[layer.children], layer.starts[:-1]))
        return counts[::-1]

    # Ranks -------------------------------------------------------------------------------------------------

    def rank(self, row: Sequence[int]) -> int:
        """The number of the path with these positions of values; -1 where there is none."""
        if not self.count:
            return -1
        node, rank = 0, 0
        for k, (layer, position) in enumerate(zip(self.layers, row, strict=True)):
            if not 0 <= position < size_of(layer.values):
                return -1
            if layer.starts is None or layer.positions is None or layer.children is None:
                rank += position * int(self.counts[k + 1][node])
                continue
            first, end = int(layer.starts[node]), int(layer.starts[node + 1])
            arc = first + int(np.searchsorted(layer.positions[first:end], position))
            if arc == end or layer.positions[arc] != position:
                return -1
            sums = self._arc_sums(k)
            rank += int(sums[arc] - sums[first])
            node = int(layer.children[arc])
        return rank

    def rows(self, ranks: Sequence[int] | Column) -> list[Column]:
        """For each layer the positions of the values of the paths with these numbers."""
        rest = np.array(ranks, dtype=np.int64 if self.count < NARROW else object)
        nodes = np.zeros(len(rest), dtype=np.int64)
        found = []
        for k, layer in enumerate(self.layers):
            if layer.starts is None or layer.positions is None or layer.children is None:
                below = self.counts[k + 1][nodes]
                found.append(rest // below)
                rest = rest % below
                continue
            sums = self._arc_sums(k)
            target = sums[layer.starts[nodes]] + rest
            arcs = np.searchsorted(sums, target, side="right") - 1
            rest = target - sums[arcs]
            found.append(layer.positions[arcs])
            nodes = layer.children[arcs]
        return found

    def _arc_sums(self, k: int) -> Column:
        """Paths through the arcs before each arc of the layer, and through all."""
        if k not in self._sums:
            children = self.layers[k].children
            assert children is not None
            through = self.counts[k + 1][children]
            if through.dtype != object and float(through.astype(np.float64).sum()) >= NARROW / 2:
                through = through.astype(object)
            self._sums[k] = np.concatenate([np.zeros(1, dtype=through.dtype), np.cumsum(through)])
        return self._sums[k]

    def through(self, k: int) -> Column:
        """For each position of a value in the layer, how many paths take it."""
        if not self.count:
            return np.zeros(size_of(self.layers[k].values), dtype=np.int64)
        into: Column = np.ones(1, dtype=np.int64 if self.count < NARROW else object)
        for layer, below in zip(self.layers[:k], self.counts[1:], strict=False):
            if layer.starts is None or layer.children is None:
                into = into * size_of(layer.values)
                continue
            onto = np.zeros(len(below), dtype=into.dtype)
            np.add.at(onto, layer.children, np.repeat(into, np.diff(layer.starts)))
            into = onto
        layer = self.layers[k]
        if layer.starts is None or layer.positions is None or layer.children is None:
            size = size_of(layer.values)
            return np.full(size, self.count // size, dtype=into.dtype)
        paths = np.zeros(size_of(layer.values), dtype=into.dtype)
        taken_paths = np.repeat(into, np.diff(layer.starts)) * self.counts[k + 1][layer.children]
        np.add.at(paths, layer.positions, taken_paths)
        return paths

    def one_changed(self, row: Sequence[int]) -> Iterator[tuple[int, int]]:
        """(layer, position): the paths that differ in this one layer from the row, itself a path or not.

        A position -1 in the row stands for a value that the layer does not have.
        """
        if not self.count:
            return
        accepting = [np.ones(1, dtype=bool)]
        for k in reversed(range(1, len(self.layers))):
            layer, below = self.layers[k], accepting[-1]
            if layer.starts is None or layer.positions is None or layer.children is None:
                accepting.append(below & (0 <= row[k] < size_of(layer.values)))
                continue
            fits = (layer.positions == row[k]) & below[layer.children]
            accepting.append(np.logical_or.reduceat(fits, layer.starts[:-1]))
        node = 0
        for k, (layer, below) in enumerate(zip(self.layers, reversed(accepting), strict=True)):
            if layer.starts is None or layer.positions is None or layer.children is None:
                if below[node]:
                    yield from ((k, p) for p in range(size_of(layer.values)) if p != row[k])
                if not 0 <= row[k] < size_of(layer.values):
                    return
                continue
            arcs = slice(int(layer.starts[node]), int(layer.starts[node + 1]))
            positions, children = layer.positions[arcs], layer.children[arcs]
            for position in positions[below[children]].tolist():
                if position != row[k]:
                    yield k, position
            following = children[positions == row[k]]
            if not len(following):
                return
            node = int(following[0])

    # Lists -------------------------------------------------------------------------------------------------

    def listing(self) -> Iterator[tuple[Column, Column | None]]:
        """For each layer: the positions of the values of all paths down to there, and how often each is
        to be repeated to tell of all solutions (None for once)."""
        nodes = np.zeros(1 if self.count else 0, dtype=np.int64)
        for k, layer in enumerate(self.layers):
            starts, positions, children = layer.starts, layer.positions, layer.children
            if starts is None or positions is None or children is None:
                size = size_of(layer.values)
                chosen = np.tile(np.arange(size), len(nodes))
                nodes = np.repeat(nodes, size)
            else:
                first = starts[nodes]
                degrees = starts[nodes + 1] - first
                ends = np.cumsum(degrees)
                arcs = np.repeat(first - ends + degrees, degrees) + np.arange(ends[-1] if len(ends) else 0)
                chosen, nodes = positions[arcs], children[arcs]
            yield chosen, None if len(nodes) == self.count else self.counts[k + 1][nodes]

    def columns(self) -> Iterator[tuple[str, Column]]:
        """The name and the column of values of each layer, in the order of the paths, one after another."""
        for layer, (chosen, repeats) in zip(self.layers, self.listing(), strict=True):
            column = taken(layer.values, chosen)
            yield layer.name, column if repeats is None else np.repeat(column, repeats)

    def projected(self, depth: int) -> Diagram:
        """The paths of the first layers only, each once."""
        if depth == len(self.layers):
            return self
        layers = self.layers[:depth]
        if not self.count:
            return Diagram.empty([layer.name for layer in layers], [layer.values for layer in layers])
        # Below the last layer that is not free there is one node.
        last = max([k for k, layer in enumerate(layers) if layer.starts is not None], default=-1)
        raw = [
            layer if layer.starts is None else _with_parents(layer, len(above))
            for layer, above in zip(layers, self.counts, strict=False)
        ]
        if last >= 0:
            raw[last].children = np.zeros_like(raw[last].children)
        return trimmed(raw, [*(len(each) for each in self.counts[: last + 1]), *[1] * (depth - last)])

    # Other diagrams -----------------------------------------------------------------------------------------

    def restricted(self, allowed: Mapping[int, Column]) -> Diagram:
        """The paths that only take the allowed positions of values, which some layers are given."""
        if not self.count:
            return self
        layers: list[Layer] = []
        alive = np.ones(len(self.counts[0]), dtype=bool)
        for k, layer in enumerate(self.layers):
            if k not in allowed and layer.starts is None:
                layers.append(layer)
                continue
            if layer.starts is None or layer.positions is None or layer.children is None:
                children = parents = np.repeat(np.flatnonzero(alive), len(allowed[k]))
                positions = np.tile(allowed[k], int(alive.sum()))
            else:
                degrees = np.diff(layer.starts)
                kept = np.repeat(alive, degrees)
                if k in allowed:
                    kept = kept & np.isin(layer.positions, allowed[k])
                parents = np.repeat(np.arange(len(alive)), degrees)[kept]
                positions, children = layer.positions[kept], layer.children[kept]
            layers.append(Layer(layer.name, layer.values, parents, positions, children))
            alive = np.zeros(len(self.counts[k + 1]), dtype=bool)
            alive[children] = True
        return trimmed(layers, [len(each) for each in self.counts])


def trimmed(layers: Sequence[Layer], sizes: Sequence[int]) -> Diagram:
    """The diagram of layers whose `starts` still holds the node above each arc, without dead ends.

    `sizes` are the numbers of nodes at the boundaries; the last has one.
    """
    alive = np.ones(sizes[-1], dtype=bool)
    found: list[Layer] = []
    for k in reversed(range(len(layers))):
        layer = layers[k]
        parents, positions, children = layer.starts, layer.positions, layer.children
        if parents is None or positions is None or children is None:
            found.append(layer)
            continue
        if not alive.all():
            kept = alive[children]
            parents, positions, children = parents[kept], positions[kept], children[kept]
        above = np.zeros(sizes[k], dtype=bool)
        above[parents] = True
        degrees = np.bincount(parents, minlength=sizes[k])[above]
        starts = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(degrees)])
        number = (np.cumsum(alive) - 1).astype(np.int32)
        found.append(Layer(layer.name, layer.values, starts, positions, number[children]))
        alive = above
    if not alive.any():
        return Diagram.empty([layer.name for layer in layers], [layer.values for layer in layers])
    return Diagram(found[::-1])


def united(parts: Sequence[Diagram], shared: int = 0) -> Diagram:
    """The paths of all the diagrams, part after part.

    The parts have the same layers and begin with the same single path of `shared` layers; in the layer
    after those each part's values come after those of the parts before it.
    """
    parts = [part for part in parts if part.count] or list(parts[:1])
    if len(parts) == 1:
        return parts[0]
    depth = len(parts[0].layers)
    sizes = []
    offsets = []
    for k in range(depth + 1):
        together = k <= shared or k == depth
        each = [0 if together else len(part.counts[k]) for part in parts]
        sizes.append(1 if together else sum(each))
        offsets.append(np.cumsum([0, *each]).tolist())
    layers = parts[0].layers[:shared]
    raw = [_with_parents(layer, 1) for layer in layers]
    for k in range(shared, depth):
        if k > shared and sizes[k] == sizes[k + 1] and all(part.layers[k].starts is None for part in parts):
            raw.append(parts[0].layers[k])
            continue
        pieces = [_with_parents(part.layers[k], len(part.counts[k])) for part in parts]
        raw.append(
            Layer(
                pieces[0].name,
                pieces[0].values,
                _shifted([piece.starts for piece in pieces], offsets[k]),
                _shifted([piece.positions for piece in pieces], [0] * len(parts)),
                _shifted([piece.children for piece in pieces], offsets[k + 1]),
            )
        )
    return trimmed(raw, sizes)


def _with_parents(layer: Layer, nodes: int) -> Layer:
    """The layer in the form that `trimmed` takes."""
    starts, positions, children = layer.listed(nodes)
    return Layer(layer.name, layer.values, np.repeat(np.arange(nodes), np.diff(starts)), positions, children)


def _shifted(columns: Sequence[Column | None], offsets: Sequence[int]) -> Column:
    """The columns one after the other, each with its offset added."""
    return np.concatenate(
        [column + k for column, k in zip(columns, offsets, strict=False) if column is not None]
    )


def _room(counts: Column, factor: int) -> Column:
    """The counts, as Python's integers where `factor` times the largest would not fit."""
    if counts.dtype != object and len(counts) and int(counts.max()) * factor >= NARROW:
        return counts.astype(object)
    return counts


def _folded(names: Sequence[str], values: Sequence[Values], table: Column) -> Diagram:
    """The diagram of a sorted table of distinct rows: a tree of prefixes, equal subtrees merged."""
    count, depth = table.shape
    # Of each row the first column in which it differs from the row before.
    first = np.zeros(count, dtype=np.int64)
    first[1:] = (table[1:] != table[:-1]).argmax(axis=1)
    layers: list[Layer] = []
    sizes = [1]
    # From the end: the node below each row, numbered by what follows.
    nodes = np.zeros(count, dtype=np.int64)
    for k in reversed(range(depth)):
        heads = np.flatnonzero(first <= k)
        heads[0] = 0
        tops = first[heads] < k
        tops[0] = True
        owners = np.cumsum(tops) - 1
        positions, children = table[heads, k], nodes[heads]
        kinds: dict[bytes, int] = {}
        starts = np.append(np.flatnonzero(tops), len(heads))
        pairs = np.stack([positions, children], axis=1)
        number = np.array(
            [
                kinds.setdefault(pairs[a:b].tobytes(), len(kinds))
                for a, b in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True)
            ]
        )
        kept_nodes = np.unique(number, return_index=True)[1]
        kept = np.isin(owners, kept_nodes)
        layers.append(
            Layer(
                names[k],
                values[k],
                number[owners[kept]],
                positions[kept].astype(np.int32),
                children[kept].astype(np.int32),
            )
        )
        sizes.append(len(kinds))
        below = np.empty(count, dtype=np.int64)
        below[heads] = number[owners]
        # Rows that are no heads share the node of the head before them.
        nodes = below[np.maximum.accumulate(np.where(np.isin(np.arange(count), heads), np.arange(count), 0))]
    return trimmed(layers[::-1], sizes[::-1])
