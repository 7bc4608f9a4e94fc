"""State tracking: recurrent networks keep a state over any length; a small attention model does not.

    python examples/training/state_tracking.py [--task parity|modular] [--models lstm slstm attention]

Two tasks, each with a label at every position, which is the state after the symbols up to there:

    parity    bits; the state is the parity of the ones so far.
    modular   symbols +0 … +4, ·1 … ·4 (mod 5); the state starts at 0 and is what they make of it.

All models are trained on sequences of one length, and then asked about sequences eight times as long. That a
recurrence with gates that depend on h_{t-1} can track such states, and attention of fixed depth can not over
unbounded lengths, is the motivation of FlashRNN (arXiv 2412.07752, section 1).
"""

import math
import sys
from typing import Any

import torch
from tools import count_parameters, parser, train
from torch import Tensor, nn

import flashrnn.nn

SYMBOLS = {"parity": 2, "modular": 9}
STATES = {"parity": 2, "modular": 5}
RECURRENT: dict[str, type[nn.Module]] = {
    "lstm": flashrnn.nn.LSTM,
    "slstm": flashrnn.nn.sLSTM,
    "gru": flashrnn.nn.GRU,
    "elman": flashrnn.nn.RNN,
}


def sample(task: str, batch: int, length: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Random symbols and the states after each of them, both [B, T]."""
    symbols = torch.randint(SYMBOLS[task], (batch, length), generator=generator)
    if task == "parity":
        return symbols, symbols.cumsum(1) % 2
    state = torch.zeros(batch, dtype=torch.int64)
    states = []
    for symbol in symbols.unbind(1):
        state = torch.where(symbol < 5, state + symbol, state * (symbol - 4)) % 5
        states.append(state)
    return symbols, torch.stack(states, 1)


class RecurrentModel(nn.Module):
    """Embedding, one recurrent layer in heads, linear read-out."""

    def __init__(self, task: str, cell: str, width: int = 64, num_heads: int = 1) -> None:
        super().__init__()
        self.embedding = nn.Embedding(SYMBOLS[task], width)
        layer: Any = RECURRENT[cell]
        self.recurrence = layer(width, width, batch_first=True, num_heads=num_heads)
        self.read_out = nn.Linear(width, STATES[task])

    def forward(self, symbols: Tensor) -> Tensor:
        h, _ = self.recurrence(self.embedding(symbols))
        logits: Tensor = self.read_out(h)
        return logits


class AttentionModel(nn.Module):
    """A causal Transformer of two layers with sinusoidal positions."""

    def __init__(self, task: str, width: int = 64, layers: int = 2, heads: int = 4) -> None:
        super().__init__()
        self.embedding = nn.Embedding(SYMBOLS[task], width)
        layer = nn.TransformerEncoderLayer(
            width, heads, dim_feedforward=2 * width, dropout=0.0, batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, layers, nn.LayerNorm(width), enable_nested_tensor=False)
        self.read_out = nn.Linear(width, STATES[task])

    def forward(self, symbols: Tensor) -> Tensor:
        length = symbols.shape[1]
        x = self.embedding(symbols) + _positions(length, self.embedding.embedding_dim)
        mask = nn.Transformer.generate_square_subsequent_mask(length)
        logits: Tensor = self.read_out(self.layers(x, mask=mask, is_causal=True))
        return logits


def _positions(length: int, width: int) -> Tensor:
    """Sinusoidal positions (Vaswani et al. 2017, section 3.5): [T, C]."""
    frequencies = torch.exp(torch.arange(0, width, 2) * (-math.log(10000.0) / width))
    angles = torch.arange(length)[:, None] * frequencies
    return torch.cat((angles.sin(), angles.cos()), 1)


def build(task: str, name: str) -> nn.Module:
    """The model of that name."""
    return AttentionModel(task) if name == "attention" else RecurrentModel(task, name)


@torch.no_grad()
def accuracy_by_position(
    model: nn.Module, task: str, length: int, generator: torch.Generator, batch: int = 256
) -> Tensor:
    """The fraction of right states at each position [T] of new sequences."""
    symbols, states = sample(task, batch, length, generator)
    guesses: Tensor = model(symbols).argmax(-1)
    return (guesses == states).float().mean(0)


def run(
    task: str, name: str, steps: int, seed: int, length: int = 32, batch: int = 64, longer: int = 8
) -> tuple[list[float], Tensor]:
    """Trains one model; its losses, and its accuracy by position on sequences `longer` times as long."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed + 1)
    model = build(task, name)
    print(f"{task}, {name}: {count_parameters(model)} parameters")

    def loss() -> Tensor:
        symbols, states = sample(task, batch, length, generator)
        return nn.functional.cross_entropy(model(symbols).flatten(0, 1), states.flatten())

    losses = train(f"{task}, {name}", model, loss, steps)
    return losses, accuracy_by_position(model, task, length * longer, generator)


def plot(task: str, length: int, results: dict[str, tuple[list[float], Tensor]], path: str) -> None:
    """Losses, and accuracy against position."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 3.6), layout="constrained")
    for name, (losses, accuracy) in results.items():
        left.plot(losses, label=name, linewidth=1)
        right.plot(range(1, len(accuracy) + 1), accuracy, label=name, linewidth=1)
    left.set(xlabel="training step", ylabel="cross entropy (nats)", yscale="log")
    right.axvline(length, color="grey", linestyle="--", linewidth=1, label="training length")
    right.axhline(1 / STATES[task], color="grey", linestyle=":", linewidth=1, label="chance")
    right.set(xlabel="position", ylabel="accuracy", ylim=(0, 1.03))
    figure.legend(*right.get_legend_handles_labels(), loc="outside right center")
    figure.suptitle(f"State tracking: {task}")
    figure.savefig(path)
    pyplot.close(figure)


def main(arguments: list[str]) -> None:
    options = parser(__doc__, steps=1500)
    options.add_argument("--task", choices=tuple(SYMBOLS), default="parity")
    options.add_argument("--models", nargs="+", choices=(*RECURRENT, "attention"))
    options.add_argument("--length", type=int, default=32, help="of the training sequences (default 32)")
    chosen = options.parse_args(arguments)
    torch.set_num_threads(chosen.threads)
    names = chosen.models or ["lstm", "slstm", "attention"]
    results = {name: run(chosen.task, name, chosen.steps, chosen.seed, chosen.length) for name in names}
    for name, (_, accuracy) in results.items():
        inside, outside = accuracy[: chosen.length].mean(), accuracy[-chosen.length :].mean()
        print(f"{name}: accuracy {inside:.3f} up to {chosen.length}, {outside:.3f} near {len(accuracy)}")
    chosen.out.mkdir(parents=True, exist_ok=True)
    path = chosen.out / f"state_tracking_{chosen.task}.{chosen.format}"
    plot(chosen.task, chosen.length, results, str(path))
    print(f"plot: {path}")


if __name__ == "__main__":
    main(sys.argv[1:])
