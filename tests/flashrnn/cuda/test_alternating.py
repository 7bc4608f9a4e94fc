"""The alternating backend's own loops over the emulated pointwise kernels, against PyTorch in float64."""

import shutil
from contextlib import nullcontext
from functools import cache

import pytest
import torch

from flashrnn import vanilla
from flashrnn.backends import Settings
from flashrnn.cells import CELLS
from flashrnn.cuda import alternating
from flashrnn.cuda.launch import Arguments
from flashrnn.cuda.tuner import Work
from tests.flashrnn.cuda import emulation
from tests.flashrnn.cuda.emulation import Built, Pointwise, up
from tests.flashrnn.reference import FUNCTIONS, assert_close, random_tensors

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="the emulation needs g++")

DTYPES = ("bfloat16", "float16", "float32")
HEADS, HEAD_DIM, BATCH = 2, 20, 7  # more elements than a block has threads, and no multiple


def kernels(function: str, dtype: str) -> list[Pointwise]:
    """Both directions, as the backend asks for them: gates are kept in float32."""
    works = [
        Work(function, direction, dtype, HEAD_DIM, HEADS, BATCH, gate_dtype="float32")
        for direction in ("forward", "backward")
    ]
    return [Pointwise(work.normal()) for work in works]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory):
    @cache
    def compile_cell(function: str) -> Built:
        wanted = [kernel for dtype in DTYPES for kernel in kernels(function, dtype)]
        return emulation.build(tmp_path_factory.mktemp(function), wanted)

    return compile_cell


@pytest.fixture
def emulated(monkeypatch):
    """Puts the emulation in the place of a GPU."""

    def use(library: Built) -> None:
        class OnTheProcessor:
            def __init__(self, work: Work, filled: Arguments, device: torch.device) -> None:
                self.kernel, self.filled = Pointwise(work.normal()), filled

            def __call__(self, step: int) -> None:
                self.filled.step = step
                blocks = up(BATCH * HEADS * HEAD_DIM, self.kernel.threads)
                library.run(self.kernel, self.filled, (blocks, 1, 1), 0, seed=step + 1)

        monkeypatch.setattr(alternating, "_Pointwise", OnTheProcessor)
        monkeypatch.setattr(torch.cuda, "device", lambda device: nullcontext())

    return use


def check(function: str, dtype: str, resets: bool = False, **options) -> None:
    """Raises AssertionError where the loops differ from PyTorch's."""
    T, cell, kind = 5, CELLS[function], getattr(torch, dtype)
    values = (0.5, -0.25, 1.5, 0.125)[: len(cell.states)] if resets else (0.0,) * len(cell.states)
    settings = Settings(
        function,
        options.get("cut", False),
        options.get("gradient_clip"),
        options.get("clip"),
        values,
        torch.float32,
    )
    tensors = random_tensors(function, B=BATCH, T=T, H=HEADS, D=HEAD_DIM, seed=2)
    Wx, R, b, states = (tensor.detach() for tensor in tensors)
    Wx, states = Wx.transpose(0, 1).contiguous().to(kind), states[:, :, 0].contiguous().to(kind)
    R, b = R.to(kind), b.float()
    generator = torch.Generator().manual_seed(2)
    reset = torch.rand(T, BATCH, generator=generator) < 0.3 if resets else None
    exact = [tensor.double().requires_grad_() for tensor in (Wx, R, b, states)]
    wide = settings._replace(gate_dtype=torch.float64)
    expected, _ = vanilla.forward(wide, *exact, reset, False)

    found, kept = alternating.forward(settings, Wx, R, b, states, reset, True)
    rounds = dtype != "float32"
    assert_close(found, expected, kind, T, "states", rounds_every_step=rounds)
    weights = torch.randn(expected.shape, generator=generator, dtype=torch.float64).to(kind)
    if function == "slstm" and rounds:
        weights[1:] = 0  # m is a maximum: which argument gets the gradient may hang on the rounding
    wanted = torch.autograd.grad((expected * weights.double()).sum(), exact, materialize_grads=True)
    dWx, dR, db, d_initial = alternating.backward(
        settings, weights, R, states, found, kept, reset, None, None
    )
    for name, gradient, want in zip(
        ("dWx", "dR", "db", "d_initial"), (dWx, dR, db, d_initial), wanted, strict=True
    ):
        assert_close(gradient, want, kind, T, name, rounds_every_step=rounds)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_loops_compute_the_recurrence_and_its_gradients(built, emulated, function, dtype):
    emulated(built(function))
    check(function, dtype)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(
    "options",
    ({"resets": True}, {"clip": 0.2}, {"gradient_clip": 0.3}, {"cut": True, "resets": True}),
    ids=str,
)
def test_the_loops_honour_every_setting(built, emulated, function, options):
    emulated(built(function))
    check(function, "float32", **options)


FAULTS = {
    "a gate is another's": (
        "cells.cuh",
        "F::decay(gate[1]) * state[1] + F::sigmoid(gate[0])",
        "F::decay(gate[FAULT ? 0 : 1]) * state[1] + F::sigmoid(gate[FAULT ? 1 : 0])",
        "forward",
    ),
    "a gate's gradient is another's": (
        "cells.cuh",
        "(slot == 3 ? gradient[0] : dc) * to_gate[slot]",
        "(slot == 3 ? gradient[0] : dc) * to_gate[FAULT && slot < 2 ? 1 - slot : slot]",
        "backward",
    ),
    "the last element is left out": (
        "alternating.cuh",
        "exists = in_step < a.batch",
        "exists = in_step + FAULT < a.batch",
        "both",
    ),
    "what is carried is that of the step before": (
        "alternating.cuh",
        "a.carry[place.in_state(a, s)] = gradient[s]",
        "if (!FAULT || t % 2) a.carry[place.in_state(a, s)] = gradient[s]",
        "backward",
    ),
    "the operand is not replaced after a step": (
        "alternating.cuh",
        "    from_float(state[0], static_cast<Recurrent*>(a.operand)",
        "    if (!FAULT || t != 1) from_float(state[0], static_cast<Recurrent*>(a.operand)",
        "forward",
    ),
}


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return emulation.build(
        tmp_path_factory.mktemp("faulty"), kernels("lstm", "float32"), emulation.with_faults(FAULTS)
    )


@pytest.mark.parametrize(
    ("name", "direction"),
    [
        (name, direction)
        for name, fault in FAULTS.items()
        for direction in ("forward", "backward")
        if fault[3] in (direction, "both")
    ],
)
def test_a_fault_in_the_pointwise_kernels_is_seen(faulty, emulated, name, direction):
    emulated(faulty)
    faulty.faults = {direction: 1 + list(FAULTS).index(name)}
    with pytest.raises(AssertionError):
        check("lstm", "float32")


def test_without_a_fault_the_altered_sources_are_right(faulty, emulated):
    emulated(faulty)
    faulty.faults = {}
    check("lstm", "float32")
