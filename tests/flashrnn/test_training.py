"""The training examples at reduced size: what they claim is learned, is learned."""

import math
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from tests.notebooks import run

EXAMPLES = Path(__file__).parents[2] / "examples" / "training"


@pytest.fixture(autouse=True)
def one_thread_and_the_examples_folder(monkeypatch):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    monkeypatch.syspath_prepend(str(EXAMPLES))
    yield
    torch.set_num_threads(threads)
    for name in ("tools", "state_tracking", "character_model", "forecast"):
        sys.modules.pop(name, None)


def test_labels_of_state_tracking_are_the_states():
    import state_tracking

    symbols, states = state_tracking.sample("modular", 20, 15, torch.Generator().manual_seed(0))
    for sequence, labels in zip(symbols.tolist(), states.tolist(), strict=True):
        state = 0
        for symbol, label in zip(sequence, labels, strict=True):
            state = (state + symbol if symbol < 5 else state * (symbol - 4)) % 5
            assert label == state
    symbols, states = state_tracking.sample("parity", 20, 15, torch.Generator().manual_seed(0))
    for sequence, labels in zip(symbols.tolist(), states.tolist(), strict=True):
        assert labels == [sum(sequence[: t + 1]) % 2 for t in range(15)]


@pytest.mark.parametrize("cell", ("lstm", "slstm"))
def test_parity_is_learned_and_kept_over_eight_times_the_length(cell):
    import state_tracking

    _, accuracy = state_tracking.run("parity", cell, steps=250, seed=0)
    assert len(accuracy) == 256
    assert accuracy.min() == 1


def test_modular_arithmetic_is_learned_and_kept():
    import state_tracking

    _, accuracy = state_tracking.run("modular", "lstm", steps=800, seed=0, longer=4)
    assert accuracy[:32].mean() > 0.99
    assert accuracy[-32:].mean() > 0.97


def test_attention_learns_short_parities_and_falls_to_chance_on_longer_ones():
    import state_tracking

    _, accuracy = state_tracking.run("parity", "attention", steps=500, seed=0, length=12, longer=8)
    assert accuracy[:12].mean() > 0.9
    assert abs(accuracy[48:].mean() - 0.5) < 0.05  # 256 · 48 predictions: chance is within 0.05


def test_held_out_paragraphs_are_not_trained_on():
    import character_model

    trained, held_out = character_model.texts(seed=0)
    paragraphs = {
        " ".join(part.split()) for part in trained.replace(character_model.START, "\n\n").split("\n\n")
    }
    unseen = held_out.replace(character_model.START, "\n\n").split("\n\n")
    assert len(unseen) > 50
    assert not {" ".join(part.split()) for part in unseen if part.strip()} & paragraphs


def test_counts_of_characters_have_the_entropy_of_the_text():
    import character_model

    assert character_model.count_model_bits("ab" * 500, "ab" * 50, 1) == pytest.approx(1, abs=1e-3)
    assert character_model.count_model_bits("ab" * 500, "ab" * 50, 2) == pytest.approx(0, abs=1e-3)


def test_a_character_model_beats_counts_of_pairs():
    from character_model import START, Experiment, count_model_bits
    from tools import train

    experiment = Experiment(seed=0, width=64, blocks=1, batch=32, length=64)
    losses = train("slstm", experiment.model, experiment.loss, steps=150, learning_rate=6e-3)
    experiment.test_text = experiment.test_text[:4000]
    bits = experiment.bits()
    pairs = count_model_bits(experiment.train_text, experiment.test_text, 2)
    assert bits < pairs - 0.2
    assert bits == pytest.approx(sum(losses[-20:]) / 20 / math.log(2), abs=0.5)
    written = experiment.write(100, seed=0)
    assert written == experiment.write(100, seed=0)
    assert len(written) == 100 and set(written) <= {*experiment.alphabet, START}


def test_a_forecast_beats_linear_autoregression():
    import forecast

    _, errors, example = forecast.run("LSTM", steps=250, seed=0, horizon=30, count=2000)
    assert errors["LSTM"][0] < 0.15
    assert errors["LSTM"][19] < 0.6 * errors["linear"][19]
    assert errors["linear"][0] < errors["persistence"][0]
    assert example["LSTM"].shape == example["truth"].shape == (30,)


@pytest.mark.parametrize("script", ("state_tracking", "character_model", "forecast"))
def test_scripts_run_and_write_their_plots(script, tmp_path, capsys):
    pytest.importorskip("matplotlib", reason="plots need matplotlib (extra: examples)")
    module = __import__(script)
    options = ["--steps", "2", "--out", str(tmp_path / "plots")]
    if script == "character_model":
        options += ["--width", "8", "--heads", "2"]
    module.main(options)
    (plot,) = (tmp_path / "plots").iterdir()
    assert plot.suffix == ".svg" and plot.read_text().startswith("<?xml")
    assert str(plot) in capsys.readouterr().out


def test_the_notebooks_cells_run(monkeypatch, capsys):
    # Jupyter itself is not needed; matplotlib asks it whether it is there.
    display = SimpleNamespace(Image=lambda path: path.stat().st_size)
    jupyter = SimpleNamespace(display=display, get_ipython=lambda: None)
    monkeypatch.setitem(sys.modules, "IPython", jupyter)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    names = run("training", monkeypatch, capsys, STEPS="2")
    assert names["STEPS"] == 2
    assert sorted(path.name for path in names["folder"].iterdir()) == ["forecast.png", "parity.png"]
