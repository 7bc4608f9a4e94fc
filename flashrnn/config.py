"""The description of a recurrence: which cell, where it runs, in which dtypes and axis orders."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from flashrnn.cells import Cell, get_cell
from flashrnn.layouts import BIAS, INPUT, RECURRENT, STATES, check_order

DTYPES: dict[str, torch.dtype] = {
    "float64": torch.float64,
    "float32": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
}
_DTYPE_FIELDS = ("dtype", "dtype_w", "dtype_r", "dtype_b", "dtype_s", "dtype_g", "dtype_a", "dtype_acc")


@dataclass
class FlashRNNConfig:
    """Everything that `flashrnn.flashrnn` needs to know besides the tensors.

    The class may be subclassed; a subclass that defines `__post_init__` calls this one's.

    Attributes:
        function: the cell: "lstm", "gru", "elman" or "slstm".
        backend: "auto", or the name of one backend (see docs/flashrnn.md).
        hidden_dim, num_heads, head_dim: hidden_dim = num_heads · head_dim. What is not positive is computed
            from the others, and where that is impossible it is left to the tensors.
        batch_size: a hint for kernels that are configured ahead; never a restriction.
        dtype: None leaves every tensor in its own dtype (or autocast's). A name casts Wx, R, b and the
            states to it; `dtype_w`, `dtype_r`, `dtype_b` and `dtype_s` overrule it one by one.
        dtype_s: the dtype of states and results; by default that of Wx.
        dtype_g: the dtype in which a backend keeps gates for its backward pass, where it keeps them; by
            default that in which it gets Wx.
        dtype_a, dtype_acc: at least this wide is every accumulation. It is never below float32.
        input_shape, recurrent_shape, bias_shape, output_shape: the axis orders of Wx, R, b and the states
            (given and returned): any order of BTGHD, GHDP, GHD and SBTHD.
        gradient_recurrent_cut: no gradient flows through R h_{t-1} into h_{t-1}. R still gets its own.
        gradient_recurrent_clipval: the gradient that step t sends back to h_{t-1} is clipped to
            [-value, value], at every step, the first included.
        forward_clipval: every h_t is clipped to [-value, value].
        initial_val: the value of the states where none are given and after a reset: one number, or one for
            each state.
    """

    backend: str = "auto"
    function: str = "lstm"
    gradient_recurrent_cut: bool = False
    gradient_recurrent_clipval: float | None = None
    forward_clipval: float | None = None

    hidden_dim: int = -1
    num_heads: int = -1
    head_dim: int = -1
    batch_size: int = 8

    input_shape: str = "BTGHD"
    output_shape: str = "SBTHD"
    recurrent_shape: str = "GHDP"
    bias_shape: str = "GHD"

    dtype: str | None = None
    dtype_acc: str | None = "float32"
    dtype_b: str | None = None
    dtype_r: str | None = None
    dtype_w: str | None = None
    dtype_g: str | None = None
    dtype_s: str | None = None
    dtype_a: str | None = None

    initial_val: float | Sequence[float] = field(default=0.0)

    def __post_init__(self) -> None:
        """Fills in the dimensions and checks every field.

        Raises:
            ValueError: a field has a value that is not possible, or two fields contradict each other.
        """
        cell = get_cell(self.function)
        for name in _DTYPE_FIELDS:
            value = getattr(self, name)
            if value is not None and value not in DTYPES:
                raise ValueError(f"{name} must be one of {', '.join(DTYPES)} or None, not {value!r}")
        check_order("input_shape", self.input_shape, INPUT)
        check_order("recurrent_shape", self.recurrent_shape, RECURRENT)
        check_order("bias_shape", self.bias_shape, BIAS)
        check_order("output_shape", self.output_shape, STATES)
        for name in ("gradient_recurrent_clipval", "forward_clipval"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{name} must be positive or None, not {value!r}")
        values = self.initial_val
        if not isinstance(values, (int, float)) and len(values) != len(cell.states):
            raise ValueError(
                f"initial_val has {len(values)} values, but {self.function} has {len(cell.states)} states "
                f"({', '.join(cell.states)})"
            )
        self._complete_dimensions()

    def _complete_dimensions(self) -> None:
        if self.hidden_dim > 0 and self.num_heads <= 0 and self.head_dim <= 0:
            self.num_heads = 1
        if self.hidden_dim > 0:
            divisor = "num_heads" if self.num_heads > 0 else "head_dim"
            if self.hidden_dim % getattr(self, divisor):
                raise ValueError(
                    f"hidden_dim {self.hidden_dim} is not a multiple of {divisor} {getattr(self, divisor)}"
                )
            if self.num_heads <= 0:
                self.num_heads = self.hidden_dim // self.head_dim
            if self.head_dim <= 0:
                self.head_dim = self.hidden_dim // self.num_heads
        elif self.num_heads > 0 and self.head_dim > 0:
            self.hidden_dim = self.num_heads * self.head_dim
        if self.hidden_dim > 0 and self.hidden_dim != self.num_heads * self.head_dim:
            raise ValueError(
                f"hidden_dim {self.hidden_dim} is not num_heads {self.num_heads} × head_dim {self.head_dim}"
            )

    @property
    def cell(self) -> Cell:
        """The cell that `function` names."""
        return get_cell(self.function)

    @property
    def num_states(self) -> int:
        """How many states the cell has."""
        return len(self.cell.states)

    @property
    def num_gates_r(self) -> int:
        """How many gate slots receive R h: the size of R's axis G."""
        return self.cell.recurrent_gates

    @property
    def num_gates_w(self) -> int:
        """How many gate slots receive an input: the size of Wx's axis G."""
        return self.cell.input_gates

    @property
    def num_gates_t(self) -> int:
        """How many gate slots there are: the size of b's axis G."""
        return len(self.cell.gates)

    @property
    def input_dim(self) -> int:
        """The number of values in one step of Wx."""
        return self.num_gates_w * self.hidden_dim

    @property
    def initial_values(self) -> list[float]:
        """The initial value of each state."""
        values = self.initial_val
        if isinstance(values, (int, float)):
            return [float(values)] * self.num_states
        return [float(value) for value in values]

    @property
    def torch_dtype(self) -> torch.dtype | None:
        """`dtype` as PyTorch's; None where the tensors decide."""
        return None if self.dtype is None else DTYPES[self.dtype]

    @property
    def torch_dtype_w(self) -> torch.dtype | None:
        """The dtype Wx is cast to; None leaves it as it is."""
        return self._role(self.dtype_w)

    @property
    def torch_dtype_r(self) -> torch.dtype | None:
        """The dtype R is cast to; None leaves it as it is."""
        return self._role(self.dtype_r)

    @property
    def torch_dtype_b(self) -> torch.dtype | None:
        """The dtype b is cast to; None leaves it as it is."""
        return self._role(self.dtype_b)

    @property
    def torch_dtype_s(self) -> torch.dtype | None:
        """The dtype of states and results; None takes that of Wx."""
        return self._role(self.dtype_s or self.dtype_w)

    def _role(self, name: str | None) -> torch.dtype | None:
        return self.torch_dtype if name is None else DTYPES[name]
