"""Things of constant sizes: bin_packing, bin_packing_loads, knapsack."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from constrint.engine.propagator import Propagator
from constrint.engine.propagators.packing import Filling, Packing, SharedPacking
from constrint.errors import ExpressionError
from constrint.expressions import Expression, Op, Operand, add, connect, flat, to_expression
from constrint.globals.base import PAIRS_LIMIT, Relation, bracketed, integers, relation, same_length


@dataclass(frozen=True)
class BinPacking(Relation):
    """The bin of each item, then the load (or, if not `exact`, the capacity) of each bin; or, if `shared`,
    the one capacity of all bins, whose numbers are any integers."""

    sizes: tuple[int, ...]
    exact: bool = False
    shared: bool = False

    def text(self, args: Sequence[str]) -> str:
        n = len(self.sizes)
        name = "bin_packing_loads" if self.exact else "bin_packing"
        loads = args[n] if self.shared else bracketed(args[n:])
        return f"{name}({bracketed(args[:n])}, {list(self.sizes)}, {loads})"

    def constants(self) -> Iterable[int]:
        return [sum(self.sizes)]

    def holds(self, values: Sequence[int]) -> bool:
        n = len(self.sizes)
        if self.shared:
            total: Counter[int] = Counter()
            for k, size in zip(values[:n], self.sizes, strict=True):
                total[k] += size
            return max(total.values(), default=0) <= values[n]
        loads = [0] * (len(values) - n)
        for k, size in zip(values[:n], self.sizes, strict=True):
            if not 0 <= k < len(loads):
                return False
            loads[k] += size
        if self.exact:
            return loads == list(values[n:])
        return all(load <= capacity for load, capacity in zip(loads, values[n:], strict=True))

    def propagators(self, xs: Sequence[int]) -> list[Propagator]:
        n = len(self.sizes)
        kind = SharedPacking if self.shared else Packing
        return [kind(xs[:n], self.sizes, xs[n:], self.holds, exact=self.exact)]

    def simpler(self, args: Sequence[Expression]) -> Expression | None:
        n = len(self.sizes)
        if max(n, len(args) - n) > PAIRS_LIMIT:
            return None
        bins, loads = args[:n], args[n:]
        if self.shared:
            sums = [
                add(*[size * (item == k) for item, size in zip(bins, self.sizes, strict=True)]) for k in bins
            ]
            return connect(Op.AND, *[filled <= loads[0] for filled in sums])
        parts = [item.isin(range(len(loads))) for item in bins]
        for k, load in enumerate(loads):
            filled = add(*[size * (item == k) for item, size in zip(bins, self.sizes, strict=True)])
            parts.append(filled == load if self.exact else filled <= load)
        return connect(Op.AND, *parts)


@dataclass(frozen=True)
class Knapsack(Relation):
    """The amounts, then their weight and their profit."""

    weights: tuple[int, ...]
    profits: tuple[int, ...]
    splits = True

    def text(self, args: Sequence[str]) -> str:
        *amounts, weight, profit = args
        constants = f"{list(self.weights)}, {list(self.profits)}"
        return f"knapsack({bracketed(amounts)}, {constants}, {weight}, {profit})"

    def constants(self) -> Iterable[int]:
        return (*self.weights, *self.profits)

    def holds(self, values: Sequence[int]) -> bool:
        *amounts, weight, profit = values
        return (
            min(amounts, default=0) >= 0
            and sum([w * x for w, x in zip(self.weights, amounts, strict=True)]) == weight
            and sum([p * x for p, x in zip(self.profits, amounts, strict=True)]) == profit
        )

    def propagators(self, xs: Sequence[int]) -> list[Propagator]:
        *amounts, weight, profit = xs
        return [Filling(amounts, self.weights, self.profits, weight, profit, self.holds)]

    def implied(self, args: Sequence[Expression]) -> list[Expression]:
        """Both sums."""
        *amounts, weight, profit = args
        return [
            add(*[w * x for w, x in zip(self.weights, amounts, strict=True)]) == weight,
            add(*[p * x for p, x in zip(self.profits, amounts, strict=True)]) == profit,
        ]

    def simpler(self, args: Sequence[Expression]) -> Expression:
        return connect(Op.AND, *self.implied(args), *[amount >= 0 for amount in args[:-2]])


def bin_packing(bins: Iterable[Any], sizes: Iterable[int], capacities: Iterable[Any] | Operand) -> Expression:
    """Whether the items of bin k, whose numbers are in `bins`, have at most the size capacities[k] together.

    Bins count from 0, and there are as many as capacities; one number is the capacity of every bin, and then
    any integers are bins. Items leave bins that they would overfill, and the capacities together must do for
    all.

    Raises ExpressionError for sizes that are negative or not constant, and for lists of different lengths.
    """
    if isinstance(capacities, Iterable):
        return _packing("bin_packing", bins, sizes, capacities)
    return _packing("bin_packing", bins, sizes, [capacities], shared=True)


def bin_packing_loads(bins: Iterable[Any], sizes: Iterable[int], loads: Iterable[Any]) -> Expression:
    """Whether the sizes of the items of bin k sum up to loads[k]; otherwise as `bin_packing`.

    Beside the bounds of the loads, sums of subsets are taken into account while all sizes of a bin's items
    are at most 16,384 together.
    """
    return _packing("bin_packing_loads", bins, sizes, loads, exact=True)


def _packing(
    name: str, bins: Iterable[Any], sizes: Iterable[int], loads: Iterable[Any], **kind: bool
) -> Expression:
    items, chosen = flat(bins), _not_negative(sizes, f"the sizes of {name}()")
    same_length(name, items, chosen)
    return relation(BinPacking(chosen, **kind), [*items, *flat(loads)])


def knapsack(
    amounts: Iterable[Any], weights: Iterable[int], profits: Iterable[int], weight: Operand, profit: Operand
) -> Expression:
    """Whether the amounts, none negative, have this weight and this profit together.

    Bounds consistent on both sums; the bounds of weight and profit, and the amounts, by the relaxation in
    which things can be divided.

    Raises ExpressionError for weights and profits that are negative or not constant, or that are not as many
    as amounts.
    """
    items = flat(amounts)
    data = Knapsack(
        _not_negative(weights, "the weights of knapsack()"),
        _not_negative(profits, "the profits of knapsack()"),
    )
    same_length("knapsack", items, data.weights, data.profits)
    return relation(data, [*items, to_expression(weight), to_expression(profit)])


def _not_negative(values: Iterable[int], what: str) -> tuple[int, ...]:
    found = integers(values, what)
    if min(found, default=0) < 0:
        raise ExpressionError(f"{what} must not be negative, as {min(found)} is")
    return found
