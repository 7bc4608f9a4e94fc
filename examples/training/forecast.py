"""Forecast of a chaotic time series by an LSTM or GRU, next to linear autoregression and persistence.

    python examples/training/forecast.py [--cell LSTM|GRU|RNN|sLSTM] [--horizon N]

The series is that of Mackey and Glass (1977), the usual test of forecasts:

    dx/dt = β x(t - τ) / (1 + x(t - τ)^n) - γ x(t),   β = 0.2, γ = 0.1, n = 10, τ = 17

observed once every 3 time units with a little noise. The model reads observations and says the next one. To
forecast further it reads its own forecasts. It has never seen the last fifth of the series, on which it is
judged: root mean square error at each horizon, in units of the series' standard deviation, so that 1 is what
the mean alone would achieve.
"""

import sys
from typing import Any

import torch
from tools import count_parameters, parser, train
from torch import Tensor, nn

import flashrnn.nn

LAYERS: dict[str, type[nn.Module]] = {
    "LSTM": flashrnn.nn.LSTM,
    "GRU": flashrnn.nn.GRU,
    "RNN": flashrnn.nn.RNN,
    "sLSTM": flashrnn.nn.sLSTM,
}
CONTEXT = 64  # observations that are read before a forecast


def series(count: int, seed: int, noise: float = 0.01, every: int = 3) -> Tensor:
    """`count` observations, normalised to mean 0 and variance 1. Euler steps of 0.1 time units."""
    generator = torch.Generator().manual_seed(seed)
    steps_a_unit, delay, settling = 10, 17, 300
    history = [1.2 + 0.1 * float(torch.rand((), generator=generator))] * (delay * steps_a_unit + 1)
    for _ in range((settling + count * every) * steps_a_unit):
        past, now = history[-delay * steps_a_unit - 1], history[-1]
        history.append(now + (0.2 * past / (1 + past**10) - 0.1 * now) / steps_a_unit)
    observed = torch.tensor(history[-count * every * steps_a_unit :: every * steps_a_unit])
    observed = (observed - observed.mean()) / observed.std()
    return observed + noise * torch.randn(count, generator=generator)


class Forecaster(nn.Module):
    """A recurrent layer that reads observations, and a linear read-out of the change to the next one."""

    def __init__(self, cell: str, width: int = 48) -> None:
        super().__init__()
        layer: Any = LAYERS[cell]
        self.recurrence = layer(1, width, batch_first=True)
        self.read_out = nn.Linear(width, 1)

    def forward(self, x: Tensor, states: Any = None) -> tuple[Tensor, Any]:
        """The value after each of x [B, T], and the states to go on with."""
        h, states = self.recurrence(x[..., None], states)
        return x + self.read_out(h)[..., 0], states

    @torch.no_grad()
    def forecast(self, context: Tensor, horizon: int) -> Tensor:
        """`horizon` values after context [B, T], from its own forecasts: [B, horizon]."""
        following, states = self(context)
        values = [following[:, -1:]]
        while len(values) < horizon:
            following, states = self(values[-1], states)
            values.append(following)
        return torch.cat(values, 1)


def linear_forecast(train_series: Tensor, context: Tensor, horizon: int, order: int = 32) -> Tensor:
    """Autoregression of that order by least squares, from its own forecasts: [B, horizon]."""
    windows = train_series.unfold(0, order + 1, 1).double()
    inputs = torch.cat((windows[:, :-1], torch.ones(len(windows), 1, dtype=torch.float64)), 1)
    coefficients = torch.linalg.lstsq(inputs, windows[:, -1:]).solution[:, 0]
    values = context.double()
    for _ in range(horizon):
        following = values[:, -order:] @ coefficients[:-1] + coefficients[-1]
        values = torch.cat((values, following[:, None]), 1)
    return values[:, -horizon:].float()


def run(
    cell: str, steps: int, seed: int, horizon: int, count: int = 4000, batch: int = 32
) -> tuple[list[float], dict[str, Tensor], dict[str, Tensor]]:
    """Trains, and forecasts the part not seen.

    Returns:
        The losses; the error of each method at each horizon [horizon]; one example of each method's forecast
        [horizon], with the truth and, as "context", what came before.
    """
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed + 1)
    observed = series(count, seed)
    seen, unseen = observed[: count * 4 // 5], observed[count * 4 // 5 :]
    model = Forecaster(cell)
    print(f"{cell}: {count_parameters(model)} parameters, {len(seen)} observations")
    windows = seen.unfold(0, 2 * CONTEXT, 1)

    def loss() -> Tensor:
        chosen = windows[torch.randint(len(windows), (batch,), generator=generator)]
        # Noise on the inputs makes the model forgive the errors of its own forecasts later.
        inputs = chosen[:, :-1] + 0.02 * torch.randn(batch, chosen.shape[1] - 1, generator=generator)
        return nn.functional.mse_loss(model(inputs)[0][:, 8:], chosen[:, 9:])

    losses = train(cell, model, loss, steps)
    tests = unseen.unfold(0, CONTEXT + horizon, 4)
    context, truth = tests[:, :CONTEXT], tests[:, CONTEXT:]
    forecasts = {
        cell: model.forecast(context, horizon),
        "linear": linear_forecast(seen, context, horizon),
        "persistence": context[:, -1:].expand(-1, horizon),
    }
    errors = {name: (values - truth).square().mean(0).sqrt() for name, values in forecasts.items()}
    example = {name: values[0] for name, values in forecasts.items()}
    return losses, errors, {**example, "truth": truth[0], "context": context[0]}


def plot(errors: dict[str, Tensor], example: dict[str, Tensor], path: str) -> None:
    """One forecast next to the truth, and the errors against the horizon."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 3.6), layout="constrained")
    context, truth = example["context"], example["truth"]
    left.plot(range(-len(context) + 1, 1), context, color="black", linewidth=1)
    left.plot(range(1, len(truth) + 1), truth, color="black", linewidth=1, label="truth")
    for name, values in errors.items():
        horizons = range(1, len(values) + 1)
        left.plot(horizons, example[name], label=name, linewidth=1)
        right.plot(horizons, values, label=name, linewidth=1)
    left.axvline(0.5, color="grey", linestyle="--", linewidth=1)
    left.set(xlabel="observations ahead", ylabel="x (normalised)", title="One forecast")
    right.axhline(1, color="grey", linestyle=":", linewidth=1, label="mean")
    right.set(xlabel="observations ahead", ylabel="error / standard deviation", yscale="log", title="Error")
    for axes in (left, right):
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize="small")
    figure.savefig(path)
    pyplot.close(figure)


def main(arguments: list[str]) -> None:
    options = parser(__doc__, steps=1000)
    options.add_argument("--cell", choices=tuple(LAYERS), default="LSTM")
    options.add_argument("--horizon", type=int, default=60, help="observations to forecast (default 60)")
    chosen = options.parse_args(arguments)
    torch.set_num_threads(chosen.threads)
    _, errors, example = run(chosen.cell, chosen.steps, chosen.seed, chosen.horizon)
    for name, values in errors.items():
        shown = ", ".join(f"{h}: {values[h - 1]:.3f}" for h in (1, 5, 10, 20, 40, 60) if h <= chosen.horizon)
        print(f"{name}: error at horizon {shown}")
    chosen.out.mkdir(parents=True, exist_ok=True)
    path = chosen.out / f"forecast_{chosen.cell}.{chosen.format}"
    plot(errors, example, str(path))
    print(f"plot: {path}")


if __name__ == "__main__":
    main(sys.argv[1:])
