"""The CUDA kernels' own sources, run on a CPU under random warp schedules, against PyTorch in float64."""

import shutil
import struct
from dataclasses import replace
from functools import cache

import pytest
import torch
from torch import Tensor

from flashrnn import vanilla
from flashrnn.backends import Settings
from flashrnn.cells import CELLS
from flashrnn.gradients import outer
from tests.flashrnn.cuda import emulation
from tests.flashrnn.cuda.emulation import Built, Instance, Options, up
from tests.flashrnn.reference import FUNCTIONS, assert_close, random_tensors

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="the emulation needs g++")

SEEDS = (1, 2, 3)
PLAIN = Options()


def pair(
    family: str, cell: str, math: str, width: int, units: int, **cut: int | bool
) -> tuple[Instance, ...]:
    """A forward kernel, and the backward kernel that is cut alike."""
    forward = Instance(family, "forward", cell, math, width, units, **cut)  # type: ignore[arg-type]
    backward = replace(forward, direction="backward")
    # What stays in registers is a share of the steps, and those differ between the directions.
    share = forward.register_steps / forward.steps_of_warp
    kept = max(1, int(share * backward.steps_of_warp))
    left = backward.steps_of_warp - kept
    shared = None if forward.shared_steps is None else min(left, forward.shared_steps)
    if forward.family != "grid":
        shared = None
    units = up(backward.units, 8) * 8
    groups = up(units, 16)
    return forward, replace(
        backward,
        units=units,
        register_steps=kept,
        shared_steps=shared,
        unit_warps=min(groups, forward.unit_warps),
    )


def instances(cell: str) -> dict[str, tuple[Instance, ...]]:
    """For every family and dtype some way to cut the work, and every way of it somewhere."""
    found = {
        "block-bfloat16": pair("block", cell, "bfloat16", 32, 32, unit_warps=2, register_steps=2),
        "block-bfloat16-wide": pair("block", cell, "bfloat16", 24, 24, wide=True, batch_tile=16),
        "block-float16": pair("block", cell, "float16", 40, 40, batch_tile=4, unit_warps=3, stages=2),
        "block-float32": pair("block", cell, "float32", 24, 24, register_steps=2, sum_warps=2),
        "block-tfloat32": pair("block", cell, "tfloat32", 16, 16, register_steps=2),
        "cluster-bfloat16": pair("cluster", cell, "bfloat16", 48, 16, register_steps=3, sum_warps=1),
        "cluster-float16": pair("cluster", cell, "float16", 64, 32, unit_warps=2, sum_warps=2),
        "cluster-float32": pair("cluster", cell, "float32", 16, 8, batch_tile=4, stages=4),
        "cluster-tfloat32": pair("cluster", cell, "tfloat32", 32, 16, batch_tile=16, register_steps=3),
        "grid-bfloat16": pair("grid", cell, "bfloat16", 40, 16, sum_warps=3),
        "grid-float16": pair("grid", cell, "float16", 64, 24, batch_tile=16, sum_warps=2, shared_steps=1),
        "grid-float32": pair("grid", cell, "float32", 24, 16, batch_tile=4, sum_warps=2, shared_steps=0),
        "grid-tfloat32": pair("grid", cell, "tfloat32", 32, 8, register_steps=1, shared_steps=2),
    }
    if CELLS[cell].recurrent_gates == 4:  # half a group of units takes so many
        found["grid-half-group"] = pair("grid", cell, "bfloat16", 48, 20, batch_tile=4, sum_warps=3)
        found["grid-half-group-float32"] = pair("grid", cell, "float32", 40, 20, sum_warps=2, shared_steps=1)
    return found


CUTS = [(function, cut) for function in FUNCTIONS for cut in instances(function)]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory):
    """The kernels of a cell, compiled when they are first asked for."""

    @cache
    def compile_cell(cell: str) -> Built:
        wanted = [instance for both in instances(cell).values() for instance in both]
        return emulation.build(tmp_path_factory.mktemp(cell), wanted)

    return compile_cell


def check(
    built: Built,
    forward: Instance,
    backward: Instance | None,
    seed: int,
    B: int = 11,
    T: int = 5,
    resets: bool = False,
    options: Options = PLAIN,
) -> None:
    """Runs both kernels, and raises AssertionError where they differ from PyTorch's in float64."""
    cell, H, D = CELLS[forward.cell], 2, forward.width
    tensors = random_tensors(forward.cell, B=B, T=T, H=H, D=D, seed=seed)
    Wx, R, b, states = (tensor.detach() for tensor in tensors)
    Wx, R = Wx.transpose(0, 1).contiguous().to(forward.dtype), R.to(forward.storage)
    b, states = b.float(), states[:, :, 0].contiguous().to(forward.dtype)
    generator = torch.Generator().manual_seed(seed)
    reset = torch.rand(T, B, generator=generator) < 0.3 if resets else None
    d_states = torch.randn(len(cell.states), T, B, H, D, generator=generator, dtype=torch.float64)
    d_states = d_states.to(forward.dtype)
    if forward.cell == "slstm" and forward.math != "float32":
        # m is a maximum. Where its arguments are equal but for rounding, the gradients of c, n and m may go
        # to either; that of h is the same both ways.
        d_states[1:] = 0

    limits = [None if limit == float("inf") else limit for limit in (options.gradient_clip, options.clip)]
    settings = Settings(forward.cell, options.cut, *limits, options.values[: len(cell.states)], torch.float64)
    exact = [tensor.double().requires_grad_() for tensor in (Wx, R, b, states)]
    expected, _ = vanilla.forward(settings, *exact, reset, False)

    found, gates = emulation.forward(built, forward, Wx, R, b, states, reset, options, seed)
    compare(forward, found, expected, T, "states")
    if backward is None:
        return
    wanted = torch.autograd.grad((expected * d_states.double()).sum(), exact, materialize_grads=True)
    d_gates, d_initial = emulation.backward(
        built, backward, d_states, R, states, found, gates, reset, options, seed
    )
    dWx, dR, db = outer(settings, d_gates.float(), states, found, reset, R.float())
    for name, gradient, want in zip(
        ("dWx", "dR", "db", "d_initial"), (dWx, dR, db, d_initial), wanted, strict=True
    ):
        compare(backward, gradient, want, T, name)


def compare(instance: Instance, found: Tensor, expected: Tensor, steps: int, what: str) -> None:
    """`assert_close` for the kernel's kind of product; TF32 has as many digits as float16."""
    assert found.isfinite().all(), f"{what} is not finite everywhere"
    dtype = torch.float16 if instance.math == "tfloat32" else instance.storage
    assert_close(found, expected, dtype, steps, what, rounds_every_step=instance.math != "float32")


@pytest.mark.parametrize(("function", "cut"), CUTS)
def test_kernels_compute_the_recurrence_and_its_gradients(built, function, cut):
    forward, backward = instances(function)[cut]
    for seed in SEEDS:
        check(built(function), forward, backward, seed)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("cut", ("block-float32", "cluster-float32", "grid-float32"))
@pytest.mark.parametrize(
    "case",
    (
        {"resets": True, "options": Options(values=(0.5, -0.25, 1.5, 0.125))},
        {"options": Options(clip=0.2)},
        {"options": Options(gradient_clip=0.3)},
        {"options": Options(cut=True), "resets": True},
        {"T": 1, "B": 1},
        {"T": 2, "B": 8},
        {"T": 9, "B": 17},
    ),
    ids=("resets", "clip", "gradient-clip", "cut", "one-step", "two-steps", "tail"),
)
def test_kernels_honour_every_setting_and_size(built, function, cut, case):
    forward, backward = instances(function)[cut]
    check(built(function), forward, backward, seed=4, **case)


@pytest.mark.parametrize("cut", ("grid-bfloat16", "grid-float32"))
def test_messages_go_round_their_ring(built, cut):
    forward, backward = instances("elman")[cut]
    check(built("elman"), forward, backward, seed=5, B=2, T=75)


@pytest.mark.parametrize("cut", ("grid-bfloat16", "grid-float32"))
def test_a_message_that_looks_like_none_arrives(built, cut):
    (all_ones,) = struct.unpack("d", b"\xff" * 8)
    forward, _ = instances("elman")[cut]
    Wx, R, b, states = (
        tensor.detach() for tensor in random_tensors("elman", B=2, T=6, H=1, D=forward.width, seed=6)
    )
    Wx, R = Wx.transpose(0, 1).contiguous().to(forward.dtype), R.to(forward.storage)
    b, states = b.float(), states[:, :, 0].contiguous().to(forward.dtype)
    reset = torch.tensor([[False, False]] * 3 + [[True, False]] + [[False, False]] * 2)
    options = Options(values=(all_ones,))
    found, _ = emulation.forward(built("elman"), forward, Wx, R, b, states, reset, options, 7)
    assert found[0, 3:, 0].isnan().all()
    assert found[0, :3].isfinite().all() and found[0, :, 1].isfinite().all()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_shared_memory_is_what_the_description_says(built, function):
    for both in instances(function).values():
        for instance in both:
            assert built(function).shared_bytes(instance) == instance.shared_bytes, instance.name
