"""What the tests hold every backend against: equation 1 and the cells' pointwise functions, written as a
plain loop in float64 on [B, H, D] tensors, and random tensors to run it on."""

import torch
from torch import Tensor

from flashrnn.cells import CELLS

FUNCTIONS = tuple(CELLS)
DTYPES = (torch.float64, torch.float32, torch.bfloat16, torch.float16)


def random_tensors(
    function: str,
    B: int = 2,
    T: int = 5,
    H: int = 2,
    D: int = 4,
    dtype: torch.dtype = torch.float64,
    seed: int = 0,
) -> list[Tensor]:
    """Wx [B,T,G,H,D], R [G,H,D,P], b [G,H,D] and states [S,B,1,H,D], as leaves that require gradients.

    The states are such as the cell itself could have reached: n ≥ 1 in the sLSTM.
    """
    cell = CELLS[function]
    generator = torch.Generator().manual_seed(seed)
    shapes = [
        (B, T, cell.input_gates, H, D),
        (cell.recurrent_gates, H, D, D),
        (len(cell.gates), H, D),
        (len(cell.states), B, 1, H, D),
    ]
    tensors = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]
    tensors[1] /= D**0.5
    if "n" in cell.states:
        tensors[3][2].abs_().add_(1)
    return [tensor.to(dtype).requires_grad_() for tensor in tensors]


def reference(
    function: str,
    Wx: Tensor,
    R: Tensor,
    b: Tensor,
    states: Tensor,
    reset_mask: Tensor | None = None,
    initial_val: float = 0.0,
    forward_clipval: float | None = None,
) -> Tensor:
    """The states after every step [S, B, T, H, D] in float64."""
    cell = CELLS[function]
    Wx, R, b, states = (tensor.double() for tensor in (Wx, R, b, states))
    current = tuple(states[:, :, 0])
    history = []
    for t in range(Wx.shape[1]):
        if reset_mask is not None:
            fresh = reset_mask[:, t, None, None]
            current = tuple(torch.where(fresh, initial_val, state) for state in current)
        gates = []
        for slot in range(len(cell.gates)):
            gate = b[slot].expand_as(current[0])
            if slot < cell.recurrent_gates:
                gate = gate + torch.einsum("hdp,bhp->bhd", R[slot], current[0])
            if slot >= cell.first_input_gate:
                gate = gate + Wx[:, t, slot - cell.first_input_gate]
            gates.append(gate)
        current = cell.pointwise(gates, current)
        if forward_clipval is not None:
            current = (current[0].clamp(-forward_clipval, forward_clipval), *current[1:])
        history.append(torch.stack(current))
    return torch.stack(history, 2)


def weighted_sum(*tensors: Tensor) -> Tensor:
    """A loss in which every element has its own weight, so that no two gradients can be exchanged."""
    total = torch.zeros((), dtype=torch.float64)
    for tensor in tensors:
        weights = torch.linspace(-1, 1.5, tensor.numel(), dtype=torch.float64).cos()
        total = total + (tensor.double().flatten() * weights).sum()
    return total


def gradients(loss: Tensor, tensors: list[Tensor]) -> tuple[Tensor, ...]:
    """The gradient with respect to each tensor, zero where the loss does not depend on it."""
    return torch.autograd.grad(loss, tensors, materialize_grads=True)


def assert_close(
    actual: Tensor,
    expected: Tensor,
    dtype: torch.dtype,
    steps: int,
    what: str,
    rounds_every_step: bool = False,
) -> None:
    """Equal up to the rounding of `dtype`.

    Inputs are the same on both sides, computed in at least float32 and rounded to `dtype` at the end: at most
    one unit in the last place for that, relative to the largest value in the tensor; and in float32 and
    float64 themselves, an error of a few units for each of the steps it passes through.

    With `rounds_every_step` the backend multiplies in `dtype`: h, the kept gates and their gradients are
    rounded by half a unit at every step. Such errors are independent of each other, so that their sum grows
    as the square root of the number of steps.
    """
    epsilon = torch.finfo(dtype).eps
    accumulation = torch.finfo(torch.promote_types(dtype, torch.float32)).eps
    scale = max(1.0, float(expected.detach().abs().max()))
    limit = scale * (epsilon + 16 * (steps + 4) * accumulation)
    if rounds_every_step:
        limit += scale * 3 * epsilon / 2 * steps**0.5
    error = float((actual.detach().double() - expected.detach()).abs().max())
    assert error <= limit, f"{what}: error {error:.2e}, limit {limit:.2e}"
