"""A character model of Python's own documentation, made of residual sLSTM blocks.

    python examples/training/character_model.py [--function slstm|lstm|gru|elman] [--heads N]

The text is `pydoc_data.topics`, which every Python ships: what `help()` shows. The model reads it as batches
of parallel streams and carries its states from one piece to the next, so its memory is not cut at the
pieces' borders; a reset mask starts afresh where a topic begins. It is judged by its bits for each character
of held-out topics, next to what counts of one to four characters in a row achieve. At the end it
writes some text itself, one character at a time.
"""

import math
import random
import sys
from collections import Counter
from typing import Any

import torch
from tools import count_parameters, parser, train
from torch import Tensor, nn

import flashrnn.nn

START = "\x02"  # begins each topic


def texts(seed: int) -> tuple[str, str]:
    """Training text and held-out text: nine topics in ten, and the tenth, in random order.

    Many topics repeat parts of others. A paragraph is kept where it occurs first, so that no part of the
    held-out text has been trained on.
    """
    from pydoc_data.topics import topics

    names = sorted(topics)
    random.Random(seed).shuffle(names)
    seen: set[str] = set()
    chosen = []
    for name in names:
        paragraphs = []
        for paragraph in topics[name].split("\n\n"):
            words = " ".join(paragraph.split())
            if words and words not in seen:
                seen.add(words)
                paragraphs.append("".join(c if c.isascii() else "?" for c in paragraph))
        chosen.append(START + "\n\n".join(paragraphs))
    held_out = len(chosen) // 10
    return "".join(chosen[held_out:]), "".join(chosen[:held_out])


def count_model_bits(train_text: str, test_text: str, order: int) -> float:
    """Bits a character of a model that counts `order` characters at a time, with add-0.01 smoothing."""
    symbols = len(set(train_text + test_text))
    whole = Counter(train_text[i : i + order] for i in range(len(train_text) - order + 1))
    context: Counter[str] = Counter()
    for text, count in whole.items():
        context[text[:-1]] += count
    total = 0.0
    positions = range(len(test_text) - order + 1)
    for i in positions:
        text = test_text[i : i + order]
        total -= math.log2((whole[text] + 0.01) / (context[text[:-1]] + 0.01 * symbols))
    return total / len(positions)


class CharacterModel(nn.Module):
    """Embedding, residual blocks, norm, linear read-out."""

    def __init__(self, symbols: int, width: int, blocks: int, function: str, num_heads: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(symbols, width)
        self.blocks = nn.ModuleList(
            flashrnn.nn.ResidualBlock(width, function, num_heads) for _ in range(blocks)
        )
        self.norm = nn.LayerNorm(width)
        self.read_out = nn.Linear(width, symbols)

    def forward(
        self, characters: Tensor, states: list[Any] | None = None, starts: Tensor | None = None
    ) -> tuple[Tensor, list[Any]]:
        """Logits [B, T, symbols] of the next character, and the states to go on with."""
        x = self.embedding(characters)
        new_states = []
        for block, state in zip(self.blocks, states or [None] * len(self.blocks), strict=True):
            x, state = block(x, state, reset_mask=starts)
            new_states.append(state)
        return self.read_out(self.norm(x)), new_states


class Streams:
    """A text as B parallel streams, handed out in pieces of T characters."""

    def __init__(self, encoded: Tensor, batch: int, length: int) -> None:
        self.streams = encoded[: len(encoded) // batch * batch].view(batch, -1)
        self.length = length
        self.position = 0

    def next(self) -> tuple[Tensor, Tensor]:
        """The next piece and what follows each of its characters, both [B, T]; wraps around at the end."""
        if self.position + self.length + 1 > self.streams.shape[1]:
            self.position = 0
        piece = self.streams[:, self.position : self.position + self.length + 1]
        self.position += self.length
        return piece[:, :-1], piece[:, 1:]


def detach(states: list[Any]) -> list[Any]:
    """The states without their history."""
    return [
        state.detach() if isinstance(state, Tensor) else tuple(part.detach() for part in state)
        for state in states
    ]


class Experiment:
    """The text, the model and its training."""

    def __init__(
        self,
        seed: int,
        width: int = 96,
        blocks: int = 2,
        function: str = "slstm",
        num_heads: int = 4,
        batch: int = 32,
        length: int = 96,
        characters: int | None = None,
    ) -> None:
        torch.manual_seed(seed)
        self.train_text, self.test_text = (text[:characters] for text in texts(seed))
        self.alphabet = sorted(set(self.train_text + self.test_text))
        self.model = CharacterModel(len(self.alphabet), width, blocks, function, num_heads)
        self.streams = Streams(self.encode(self.train_text), batch, length)
        self.states: list[Any] | None = None

    def encode(self, text: str) -> Tensor:
        """Each character's number in the alphabet [N]."""
        numbers = {character: number for number, character in enumerate(self.alphabet)}
        return torch.tensor([numbers[character] for character in text])

    def loss(self) -> Tensor:
        """The cross entropy of the next piece, in nats a character."""
        if self.streams.position == 0:
            self.states = None
        characters, following = self.streams.next()
        logits, states = self.model(characters, self.states, characters == self.alphabet.index(START))
        self.states = detach(states)
        return nn.functional.cross_entropy(logits.flatten(0, 1), following.flatten())

    @torch.no_grad()
    def bits(self, length: int = 512) -> float:
        """Bits a character of the held-out text, read once from its first to its last character."""
        encoded = self.encode(self.test_text)[None]
        states: list[Any] | None = None
        total = 0.0
        for start in range(0, encoded.shape[1] - 1, length):
            piece = encoded[:, start : start + length + 1]
            starts = piece[:, :-1] == self.alphabet.index(START)
            logits, states = self.model(piece[:, :-1], states, starts)
            total += nn.functional.cross_entropy(logits[0], piece[0, 1:], reduction="sum").item()
        return total / math.log(2) / (encoded.shape[1] - 1)

    @torch.no_grad()
    def write(self, count: int, seed: int, temperature: float = 0.7) -> str:
        """That many characters of the model's own, each of which it reads before it writes the next."""
        generator = torch.Generator().manual_seed(seed)
        character, states, result = START, None, ""
        for _ in range(count):
            logits, states = self.model(self.encode(character)[None], states)
            probabilities = torch.softmax(logits[0, -1] / temperature, -1)
            character = self.alphabet[int(torch.multinomial(probabilities, 1, generator=generator))]
            result += character
        return result


def plot(losses: list[float], bits: float, counted: dict[int, float], path: str) -> None:
    """The training curve, with held-out bits of the model and of counts."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 3.8), layout="constrained")
    axes.plot([loss / math.log(2) for loss in losses], linewidth=0.6, label="training")
    axes.axhline(bits, color="C1", label=f"held out: {bits:.2f}")
    for order, value in counted.items():
        axes.axhline(value, color="grey", linestyle="--", linewidth=1)
        axes.annotate(f"counts of {order}: {value:.2f}", (len(losses), value), ha="right", va="bottom")
    axes.set(xlabel="training step", ylabel="bits a character", title="Character model of pydoc_data.topics")
    axes.legend()
    figure.savefig(path)
    pyplot.close(figure)


def main(arguments: list[str]) -> None:
    options = parser(__doc__, steps=800)
    options.add_argument("--function", choices=tuple(flashrnn.CELLS), default="slstm")
    options.add_argument("--heads", type=int, default=4)
    options.add_argument("--width", type=int, default=96)
    chosen = options.parse_args(arguments)
    torch.set_num_threads(chosen.threads)
    experiment = Experiment(chosen.seed, chosen.width, function=chosen.function, num_heads=chosen.heads)
    print(f"{count_parameters(experiment.model)} parameters, {len(experiment.train_text)} characters")
    losses = train(chosen.function, experiment.model, experiment.loss, chosen.steps)
    bits = experiment.bits()
    counted = {
        order: count_model_bits(experiment.train_text, experiment.test_text, order) for order in (1, 2, 3, 4)
    }
    print(f"held out: {bits:.3f} bits a character")
    print(", ".join(f"counts of {order}: {value:.3f}" for order, value in counted.items()))
    print("-" * 60 + "\n" + experiment.write(500, chosen.seed) + "\n" + "-" * 60)
    chosen.out.mkdir(parents=True, exist_ok=True)
    path = chosen.out / f"character_model_{chosen.function}.{chosen.format}"
    plot(losses, bits, counted, str(path))
    print(f"plot: {path}")


if __name__ == "__main__":
    main(sys.argv[1:])
