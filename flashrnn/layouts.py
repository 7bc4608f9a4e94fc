"""Orders of tensor axes, and the errors that say which tensor does not fit.

An order is a word with one letter per axis: B batch, T time, G gate slot, H head, D head dimension (of R:
the output), P previous head dimension (of R: the input), S state.
"""

from collections.abc import Mapping

from torch import Tensor

# The order in which backends see each tensor. Time leads, so that a step is one contiguous slice.
INPUT = "TBGHD"
RECURRENT = "GHDP"
BIAS = "GHD"
STATES = "STBHD"


def check_order(field: str, order: str, letters: str) -> None:
    """Raises ValueError unless `order` is a permutation of `letters`."""
    if sorted(order) != sorted(letters):
        raise ValueError(f"{field} must be an order of the letters {letters}, not {order!r}")


def reorder(tensor: Tensor, order: str, target: str) -> Tensor:
    """A view of `tensor`, whose axes are `order`, with the axes in the order `target`."""
    return tensor if order == target else tensor.permute([order.index(axis) for axis in target])


def check_shape(name: str, tensor: Tensor, order: str, sizes: Mapping[str, int]) -> None:
    """Raises ValueError unless `tensor` has the axes `order` with the given sizes.

    An axis that `sizes` does not mention may have any size.
    """
    shape = tensor.shape
    if len(shape) == len(order):
        for axis, size in zip(order, shape, strict=True):
            if sizes.get(axis, size) != size:
                break
        else:
            return
    expected = ", ".join(f"{axis}={sizes[axis]}" if axis in sizes else axis for axis in order)
    raise ValueError(f"{name} has shape {list(shape)}, expected [{expected}] (order {order})")
