"""What the training examples share: options, the optimiser's loop, and where plots go."""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn


def parser(description: str | None, steps: int) -> argparse.ArgumentParser:
    """The options that all examples have."""
    result = argparse.ArgumentParser(description=description, formatter_class=argparse.RawTextHelpFormatter)
    result.add_argument("--steps", type=int, default=steps, help=f"training steps (default {steps})")
    result.add_argument("--seed", type=int, default=0)
    result.add_argument("--threads", type=int, default=1, help="PyTorch's threads")
    result.add_argument("--out", type=Path, default=Path("plots"), help="folder for plots (default plots)")
    result.add_argument("--format", choices=("svg", "png"), default="svg", help="of plots")
    return result


def train(
    name: str,
    model: nn.Module,
    loss: Callable[[], Tensor],
    steps: int,
    learning_rate: float = 3e-3,
    report: int = 100,
) -> list[float]:
    """Minimises `loss` (evaluated on a new batch at each call) with Adam; returns its value at every step.

    The learning rate rises over the first twentieth of the steps and falls to zero along a cosine.
    """
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, learning_rate, total_steps=steps, pct_start=0.05, cycle_momentum=False
    )
    losses = []
    start = time.perf_counter()
    model.train()
    for step in range(1, steps + 1):
        optimizer.zero_grad()
        value = loss()
        torch.autograd.backward(value)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(value.item())
        if report and (step % report == 0 or step == steps):
            recent = sum(losses[-report:]) / len(losses[-report:])
            print(f"{name}: step {step}, loss {recent:.4f}, {time.perf_counter() - start:.0f} s", flush=True)
    model.eval()
    return losses


def count_parameters(model: nn.Module) -> int:
    """The number of trained values."""
    return sum(parameter.numel() for parameter in model.parameters())
