"""Recurrent layers with the interface of `torch.nn.LSTM`, for every cell and any number of heads."""

from typing import Any, ClassVar, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from flashrnn import sequences
from flashrnn.backends import get_backend
from flashrnn.cells import get_cell
from flashrnn.config import FlashRNNConfig
from flashrnn.nn import pytorch, steps
from flashrnn.nn.pytorch import Weights

Self = TypeVar("Self", bound="Recurrent")
AnyModule = TypeVar("AnyModule", bound=nn.Module)


class Recurrent(nn.Module):
    """What LSTM, GRU, RNN and sLSTM have in common. The constructor is that of `torch.nn.LSTM`, and more.

    The hidden units are divided into heads: each head's recurrence sees its own units only. With one head
    LSTM, GRU and RNN compute exactly what PyTorch's do, and take over from them with `from_torch`.

    Args:
        input_size: size I of one step's input.
        hidden_size: number of hidden units, a multiple of `num_heads`.
        num_layers: number of layers, each fed by the one before.
        bias: whether there are biases.
        batch_first: inputs and outputs are [B, T, …] rather than [T, B, …]; states never are.
        dropout: probability of zeroing an output of any layer but the last, in training.
        bidirectional: every layer also runs backwards in time; both outputs are concatenated.
        proj_size: LSTM and sLSTM only: where positive, each h is projected to that size (a multiple of
            `num_heads`; each head has its own projection) before it is returned and fed back.
        num_heads: number H of heads.
        backend: "auto" or a backend of `flashrnn.flashrnn`. With "auto", layers with one head that
            PyTorch's CPU implementation serves faster are run by it; the results differ in rounding only.
        device, dtype: of the parameters.

    Parameters, of each layer k and, with the suffix `_reverse`, its backward direction, are PyTorch's. What
    PyTorch's have for the hidden units these have for the heads one after the other, D = hidden_size / H:
        weight_ih_l{k} [G·H·D, I], weight_hh_l{k} [G·H·D, Q], bias_ih_l{k} and bias_hh_l{k} [G·H·D], and with
        a projection weight_hr_l{k} [H·Q, D], where Q is D, or proj_size / H.
    The gates stand in PyTorch's order: i, f, z, o for LSTM (PyTorch's g is z) and sLSTM, r, z, n for GRU.
    So with one head PyTorch's state dicts are ours. The sLSTM, which PyTorch does not have, has no bias_hh.

    Raises:
        ValueError: an argument is not possible.
    """

    function: ClassVar[str]
    torch_class: ClassVar[type[nn.RNNBase] | None] = None
    has_projection: ClassVar[bool] = False

    weight_ih_l0: Tensor  # registered by its name, as all parameters are

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        *,
        num_heads: int = 1,
        backend: str = "auto",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        for name, value in (
            ("input_size", input_size),
            ("hidden_size", hidden_size),
            ("num_layers", num_layers),
            ("num_heads", num_heads),
        ):
            if value <= 0:
                raise ValueError(f"{name} must be positive, not {value}")
        if hidden_size % num_heads:
            raise ValueError(f"hidden_size {hidden_size} is not a multiple of num_heads {num_heads}")
        if not 0 <= dropout <= 1:
            raise ValueError(f"dropout must be a probability, not {dropout}")
        if proj_size and not self.has_projection:
            raise ValueError(
                f"{type(self).__name__} has no projection, so proj_size must be 0, not {proj_size}"
            )
        if not 0 <= proj_size < hidden_size or proj_size % num_heads:
            raise ValueError(
                f"proj_size must be a multiple of num_heads {num_heads} below hidden_size {hidden_size}, "
                f"not {proj_size}"
            )
        if backend != "auto":
            get_backend(backend)
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = dropout
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        self.num_heads = num_heads
        self.backend = backend

        gates = get_cell(self.function).input_gates
        heads, head_dim = num_heads, hidden_size // num_heads
        fed_back = self.output_size // num_heads
        for layer in range(num_layers):
            inputs = self._directions * self.output_size if layer else input_size
            shapes: dict[str, tuple[int, ...]] = {
                "weight_ih": (gates * hidden_size, inputs),
                "weight_hh": (gates * hidden_size, fed_back),
            }
            if bias:
                shapes["bias_ih"] = (gates * hidden_size,)
            if bias and self.torch_class is not None:
                shapes["bias_hh"] = (gates * hidden_size,)
            if proj_size:
                shapes["weight_hr"] = (heads * fed_back, head_dim)
            for suffix in self._suffixes(layer):
                for name, shape in shapes.items():
                    parameter = nn.Parameter(torch.empty(shape, device=device, dtype=dtype))
                    self.register_parameter(name + suffix, parameter)
        present = [name if name in shapes else None for name in Weights._fields]
        self._names = [
            [name and name + suffix for name in present]
            for layer in range(num_layers)
            for suffix in self._suffixes(layer)
        ]
        self.reset_parameters()

    @property
    def output_size(self) -> int:
        """The size of h: proj_size where there is a projection, else hidden_size."""
        return self.proj_size or self.hidden_size

    @property
    def _directions(self) -> int:
        return 2 if self.bidirectional else 1

    def _suffixes(self, layer: int) -> list[str]:
        return [f"_l{layer}", f"_l{layer}_reverse"][: self._directions]

    def all_weights(self) -> list[Weights]:
        """The parameters of every direction of every layer, the directions of one layer side by side."""
        return [Weights(*(name and getattr(self, name) for name in names)) for names in self._names]  # type: ignore[arg-type]

    def reset_parameters(self) -> None:
        """Draws all parameters as PyTorch does: uniformly within ±1/√hidden_size, weight_hh within ±1/√D."""
        for name, parameter in self.named_parameters():
            width = self.hidden_size // (self.num_heads if name.startswith("weight_hh") else 1)
            nn.init.uniform_(parameter, -(width**-0.5), width**-0.5)

    def extra_repr(self) -> str:
        """The arguments that differ from the defaults."""
        defaults = {
            "num_layers": 1,
            "bias": True,
            "batch_first": False,
            "dropout": 0.0,
            "bidirectional": False,
            "proj_size": 0,
            "num_heads": 1,
            "backend": "auto",
        }
        named = (f"{key}={getattr(self, key)!r}" for key in defaults if getattr(self, key) != defaults[key])
        return ", ".join([str(self.input_size), str(self.hidden_size), *named])

    def forward(
        self,
        input: Tensor | PackedSequence,
        hx: Tensor | tuple[Tensor, ...] | None = None,
        *,
        reset_mask: Tensor | None = None,
    ) -> tuple[Any, Any]:
        """Runs all layers over a batch of sequences, or over one sequence.

        Args:
            input: [T, B, I]; with `batch_first` [B, T, I]; [T, I] for one sequence; or a `PackedSequence`.
            hx: the states before the first step, zero by default: for GRU and RNN h, for LSTM (h, c), for
                sLSTM (h, c, n, m). Each is [num_layers · directions, B, size]; for one sequence
                [num_layers · directions, size]. size is hidden_size, for h proj_size where there is one.
            reset_mask: [B, T] bool, for one sequence [T]: where true, a document starts at that step, and
                nothing passes from the steps before to it, nor back. Not for a `PackedSequence`.

        Returns:
            The last layer's h at every step, in the form of `input` and of size directions · output_size,
            and the states of all layers after the last step of each direction, in the form of `hx`.

        Raises:
            ValueError: a tensor does not fit; the message names it, its shape and what was expected.
        """
        if isinstance(input, PackedSequence):
            if reset_mask is not None:
                raise ValueError(
                    "reset_mask must not be given with a PackedSequence; pack the documents instead"
                )
            self._check_input("input.data", input.data, "N")
            states = self._states(hx, input.data, int(input.batch_sizes[0]))
            packed, last = self._run_packed(input, states)
            return packed, _bundle(last)
        if input.dim() == 2:
            self._check_input("input", input, "T")
            axis = 0 if self.batch_first else 1
            mask = None if reset_mask is None else reset_mask[None]
            output, last = self._run(input.unsqueeze(axis), self._states(hx, input, None), mask)
            return output.squeeze(axis), _bundle(tuple(state.squeeze(1) for state in last))
        self._check_input("input", input, "BT" if self.batch_first else "TB")
        output, last = self._run(
            input, self._states(hx, input, input.shape[not self.batch_first]), reset_mask
        )
        return output, _bundle(last)

    def _check_input(self, name: str, x: Tensor, axes: str) -> None:
        right_form = x.dim() == len(axes) + 1 and x.shape[-1] == self.input_size
        if not right_form or 0 in x.shape:
            form = f"[{', '.join(axes)}, {self.input_size}]"
            alternative = f" or [T, {self.input_size}]" if len(axes) == 2 else ""
            raise ValueError(
                f"{name} has shape {list(x.shape)}, expected {form}{alternative}"
                + (" with no axis empty" if right_form else "")
            )
        wanted = self.weight_ih_l0.dtype
        if x.dtype != wanted and not torch.is_autocast_enabled(x.device.type):
            raise ValueError(f"{name} has dtype {x.dtype}, expected {wanted}, that of the parameters")

    def _states(
        self, hx: Tensor | tuple[Tensor, ...] | None, like: Tensor, batch: int | None
    ) -> tuple[Tensor, ...]:
        """Each state as [layers · directions, B, size]: what `hx` holds, or zeros. None is one sequence."""
        names = get_cell(self.function).states
        count = self.num_layers * self._directions
        sizes = [self.output_size] + [self.hidden_size] * (len(names) - 1)
        if hx is None:
            return tuple(like.new_zeros(count, batch or 1, size) for size in sizes)
        given = (hx,) if isinstance(hx, Tensor) else tuple(hx)
        if len(given) != len(names) or isinstance(hx, Tensor) != (len(names) == 1):
            form = f"({', '.join(names)})" if len(names) > 1 else "one tensor"
            found = "one tensor" if isinstance(hx, Tensor) else f"{len(given)} tensors"
            raise ValueError(f"hx is {found}, expected {form}")
        for name, state, size in zip(names, given, sizes, strict=True):
            expected = [count, size] if batch is None else [count, batch, size]
            if list(state.shape) != expected:
                axes = "num_layers · directions, " + ("" if batch is None else "B, ")
                raise ValueError(
                    f"{name} of hx has shape {list(state.shape)}, expected {expected} ({axes}size)"
                )
        return tuple(state.unsqueeze(1) for state in given) if batch is None else given

    def _run_in_torch(
        self, x: Tensor, batch_sizes: Tensor | None, states: tuple[Tensor, ...]
    ) -> tuple[Tensor, tuple[Tensor, ...]] | None:
        """PyTorch's own layers, where they are the fast way; None elsewhere."""
        if self.backend != "auto" or self.num_heads > 1:
            return None
        weights = [tensor for layer in self.all_weights() for tensor in layer if tensor is not None]
        if not pytorch.is_fast(self.function, [x, *states, *weights]):
            return None
        options = (self.bias, self.num_layers, self.dropout, self.training, self.bidirectional)
        return pytorch.run(self.function, x, batch_sizes, states, weights, *options, self.batch_first)

    def _run_packed(
        self, packed: PackedSequence, states: tuple[Tensor, ...]
    ) -> tuple[PackedSequence, tuple[Tensor, ...]]:
        order, back = packed.sorted_indices, packed.unsorted_indices
        ordered = states
        if order is not None:
            ordered = tuple(state.index_select(1, order) for state in states)
        result = self._run_in_torch(packed.data, packed.batch_sizes, ordered)
        if result is not None:
            data, last = result
            if back is not None:
                last = tuple(state.index_select(1, back) for state in last)
            return PackedSequence(data, *packed[1:]), last
        padded, lengths = pad_packed_sequence(packed)
        output, last = self._run_layers(padded, states, lengths, None)
        return sequences.repack(output, lengths, packed), last

    def _run(
        self, x: Tensor, states: tuple[Tensor, ...], reset_mask: Tensor | None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        result = None if reset_mask is not None else self._run_in_torch(x, None, states)
        if result is not None:
            return result
        if not self.batch_first:
            return self._run_layers(x, states, None, reset_mask)
        output, last = self._run_layers(x.transpose(0, 1), states, None, reset_mask)
        return output.transpose(0, 1), last

    def _run_layers(
        self,
        x: Tensor,
        states: tuple[Tensor, ...],
        lengths: Tensor | None,
        reset_mask: Tensor | None,
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """All layers by `flashrnn.flashrnn`; x [T, B, I], reset_mask [B, T]."""
        config = FlashRNNConfig(
            function=self.function,
            backend=self.backend,
            hidden_dim=self.hidden_size,
            num_heads=self.num_heads,
            input_shape="TBGHD",
            output_shape="STBHD",
        )
        if reset_mask is not None and list(reset_mask.shape) != [x.shape[1], x.shape[0]]:
            raise ValueError(
                f"reset_mask has shape {list(reset_mask.shape)}, expected [{x.shape[1]}, {x.shape[0]}] (B, T)"
            )
        directions = (steps.run, steps.run_backwards)[: self._directions]
        weights = self.all_weights()
        last: list[tuple[Tensor, ...]] = []
        for layer in range(self.num_layers):
            outputs = []
            for run in directions:
                initial = tuple(state[len(last)] for state in states)
                h, new = run(config, x, weights[len(last)], initial, lengths, reset_mask)
                outputs.append(h)
                last.append(new)
            x = torch.cat(outputs, -1)
            if layer < self.num_layers - 1:
                x = functional.dropout(x, self.dropout, self.training)
        return x, tuple(torch.stack(state) for state in zip(*last, strict=True))

    @classmethod
    def from_torch(cls: type[Self], module: nn.RNNBase, *, backend: str = "auto") -> Self:
        """The same layers as `module`, of `torch.nn`, with copies of its weights.

        Raises:
            TypeError: `module` is not the counterpart of this class.
            ValueError: it is an RNN whose nonlinearity is not tanh.
        """
        if cls.torch_class is None:
            raise TypeError(f"torch.nn has no counterpart of {cls.__name__}")
        if not isinstance(module, cls.torch_class):
            raise TypeError(f"{cls.__name__} takes a torch.nn.{cls.torch_class.__name__}, not {module}")
        if isinstance(module, nn.RNN) and module.nonlinearity != "tanh":
            raise ValueError(f"nonlinearity must be 'tanh', not {module.nonlinearity!r}")
        weight = module.all_weights[0][0]
        options: dict[str, Any] = {"proj_size": module.proj_size} if cls.has_projection else {}
        result = cls(
            module.input_size,
            module.hidden_size,
            num_layers=module.num_layers,
            bias=module.bias,
            batch_first=module.batch_first,
            dropout=module.dropout,
            bidirectional=module.bidirectional,
            backend=backend,
            device=weight.device,
            dtype=weight.dtype,
            **options,
        )
        return _copy_parameters(module, result)

    def to_torch(self) -> nn.RNNBase:
        """The same layers as a module of `torch.nn`, with copies of the weights.

        Raises:
            TypeError: `torch.nn` has no such cell.
            ValueError: there are several heads, which `torch.nn` does not have.
        """
        if self.torch_class is None:
            raise TypeError(f"torch.nn has no counterpart of {type(self).__name__}")
        if self.num_heads > 1:
            raise ValueError(
                f"num_heads is {self.num_heads}, but torch.nn.{self.torch_class.__name__} has one head"
            )
        weight = self.weight_ih_l0
        options: dict[str, Any] = {"proj_size": self.proj_size} if self.has_projection else {}
        make: Any = self.torch_class
        # By keyword: PyTorch's RNN has another argument among them.
        module: nn.RNNBase = make(
            self.input_size,
            self.hidden_size,
            num_layers=self.num_layers,
            bias=self.bias,
            batch_first=self.batch_first,
            dropout=self.dropout,
            bidirectional=self.bidirectional,
            device=weight.device,
            dtype=weight.dtype,
            **options,
        )
        return _copy_parameters(self, module)


def _bundle(states: tuple[Tensor, ...]) -> Tensor | tuple[Tensor, ...]:
    """One state by itself, several as a tuple, as `torch.nn` does."""
    return states if len(states) > 1 else states[0]


def _copy_parameters(source: nn.Module, target: AnyModule) -> AnyModule:
    """`target` with the values of `source`, frozen where it is, and in the same mode."""
    target.load_state_dict(source.state_dict())
    for name, parameter in source.named_parameters():
        target.get_parameter(name).requires_grad_(parameter.requires_grad)
    return target.train(source.training)
