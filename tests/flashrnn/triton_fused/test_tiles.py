"""The tiles that the solver chooses, held against what the compiler makes of them, for GPUs that need not
be there; and what the backend says where it cannot serve."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from flashrnn import BackendUnavailable, flashrnn
from flashrnn.backends import Request, get_backend
from flashrnn.cuda import device
from flashrnn.triton_fused import launch
from flashrnn.triton_fused.tiling import DIRECTIONS, Work, best_tiles, largest_head_dim
from tests.flashrnn.reference import FUNCTIONS, random_tensors

ROOT = Path(__file__).parents[3]


# profile, function, dtype, dtype of inputs and states, head_dim, batch, options
CASES = [
    *(("h100_sxm", function, "bf16", "bf16", 128, 16, True) for function in FUNCTIONS),
    *(("a100_sxm_80gb", function, "fp32", "fp32", 64, 16, True) for function in FUNCTIONS),
    ("h100_sxm", "elman", "fp16", "fp16", 320, 16, True),  # several tiles, R of the largest size
    ("rtx_4090", "gru", "bf16", "bf16", 96, 16, True),
    ("b200", "lstm", "bf16", "bf16", 64, 4096, True),  # a large tile of the batch
    ("l4", "lstm", "fp16", "fp32", 33, 16, False),  # rows that are not aligned, states in float32
    ("h100_sxm", "slstm", "bf16", "fp32", 96, 16, True),
]


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_the_compiler_needs_what_the_model_says(direction):
    """In a process of its own: these kernels must not be those of the interpreter."""
    pytest.importorskip("triton", reason="Triton is not installed")
    fields = ("profile", "function", "dtype", "loaded", "head_dim", "batch", "options")
    cases = [{**dict(zip(fields, case, strict=True)), "direction": direction} for case in CASES]
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    command = [sys.executable, "-m", "tests.flashrnn.triton_fused.compile_kernels"]
    lines = "\n".join(map(json.dumps, cases))
    run = subprocess.run(command, input=lines, capture_output=True, text=True, cwd=ROOT, env=environment)
    assert run.returncode == 0, run.stderr
    for case, report in zip(cases, map(json.loads, run.stdout.splitlines()), strict=True):
        promised, limit = report["tiles"]["shared_size"], report["limit"]
        # R is there, and the rest is no more than was said.
        assert report["matrix_bytes"] <= report["shared"] <= promised <= limit["shared"], case
        assert report["registers"] <= limit["registers"], case
        # Of a thread's 255 registers of 4 bytes hardly any has to live in memory.
        assert report["spilled"] <= 64, case


@pytest.mark.parametrize(
    ("profile", "sizes"),
    [("h100_sxm", (160, 80, 320, 160)), ("a100_sxm_80gb", (128, 64, 256, 128)), ("l4", (96, 48, 192, 96))],
)
def test_the_largest_head_dim_is_the_last_that_has_tiles(profile, sizes):
    for (function, element_bytes), size in zip(
        [("lstm", 2), ("lstm", 4), ("elman", 2), ("elman", 4)], sizes, strict=True
    ):
        assert largest_head_dim(function, element_bytes, profile) == size

        def has_tiles(head_dim, function=function, element_bytes=element_bytes):
            work = [
                Work(direction, function, element_bytes, head_dim, hardware_profile=profile)
                for direction in DIRECTIONS
            ]
            return None not in map(best_tiles, work)

        assert has_tiles(size) and not has_tiles(size + 1)


@pytest.mark.parametrize("head_dim", (1, 16, 17, 63, 80, 129, 160))
@pytest.mark.parametrize("function", FUNCTIONS)
def test_tiles_cover_the_head_and_the_batch(function, head_dim):
    for direction in DIRECTIONS:
        small = best_tiles(Work(direction, function, 2, head_dim, 2, 4, 7, "h200"))
        large = best_tiles(Work(direction, function, 2, head_dim, 2, 4, 70_000, "h200"))
        for tiles in (small, large):
            assert tiles.tile_d * tiles.tiles_d >= head_dim
        assert small.tile_b == 16 <= large.tile_b


@pytest.mark.parametrize(
    ("name", "capability", "sm_count", "gibibytes", "profile"),
    [
        ("NVIDIA H200", (9, 0), 132, 139.8, "h200"),
        ("NVIDIA H100 80GB HBM3", (9, 0), 132, 79.1, "h100_sxm"),
        ("NVIDIA GH200 480GB", (9, 0), 132, 94.5, "gh200_96gb"),
        ("NVIDIA H100 PCIe", (9, 0), 114, 79.1, "h100_pcie"),
        ("NVIDIA L4", (8, 9), 58, 22.0, "l4"),
        # Its name decides between two of 142 SMs and 48 GB.
        ("NVIDIA L40S", (8, 9), 142, 47.5, "l40s"),
        ("NVIDIA RTX 6000 Ada Generation", (8, 9), 142, 44.3, "rtx_6000_ada"),
        # Of no profile's capability: the newest before it.
        ("NVIDIA B300", (10, 3), 148, 268.0, "b200"),
    ],
)
def test_a_gpu_is_known_by_its_capability_name_size_and_memory(
    monkeypatch, name, capability, sm_count, gibibytes, profile
):
    _pretend(monkeypatch, *capability, sm_count, name, int(gibibytes * 2**30))
    assert launch._profile(None) == profile
    # The CUDA kernels' own way, from the same driver.
    told = dict(zip(("compute_capability_major", "compute_capability_minor"), capability, strict=True))
    told |= {"name": name, "sm_count": sm_count, "global_memory": int(gibibytes * 2**30)}
    assert device.nearest(told) == profile


TENSORS = [tensor.detach().float() for tensor in random_tensors("lstm")]


def _reason(function="lstm", device="cpu", dtype=torch.float32, head_dim=64):
    request = Request(function, device, dtype, 1, head_dim, 1, False)
    return get_backend("triton_fused").unavailable(request)


def _pretend(monkeypatch, major, minor, sm_count, name="a GPU", memory=80 * 2**30):
    """As on a machine with such a GPU; nothing is run there."""
    pytest.importorskip("triton", reason="Triton is not installed")
    gpu = SimpleNamespace(
        major=major, minor=minor, multi_processor_count=sm_count, name=name, total_memory=memory
    )
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device=None: gpu)
    monkeypatch.setattr(torch.version, "hip", None)


def test_without_triton_or_a_gpu_it_says_so(monkeypatch):
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    with monkeypatch.context() as patch:
        patch.setattr(launch, "find_spec", lambda name: None)
        with pytest.raises(
            BackendUnavailable, match=r"'triton_fused' is unavailable: Triton is not installed"
        ):
            flashrnn(*TENSORS, backend="triton_fused")
    pytest.importorskip("triton", reason="Triton is not installed")
    with pytest.raises(BackendUnavailable, match="it needs an NVIDIA GPU, and the tensors are on 'cpu'"):
        flashrnn(*TENSORS, backend="triton_fused")


def test_dtypes_that_the_kernels_do_not_have_are_refused(monkeypatch):
    _pretend(monkeypatch, 9, 0, 132)
    assert _reason(device="cuda", dtype=torch.bfloat16) is None
    assert "for float64 use 'vanilla'" in _reason(device="cuda", dtype=torch.float64)
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    assert "does not multiply bfloat16" in _reason(dtype=torch.bfloat16)
    # One float64 tensor, or a float64 accumulation, is enough.
    mixed = [TENSORS[0], TENSORS[1], TENSORS[2].double()]
    with pytest.raises(BackendUnavailable, match="for float64 use 'vanilla'"):
        flashrnn(*mixed, backend="triton_fused")


@pytest.mark.parametrize(
    ("gpu", "function", "dtype", "largest"),
    [
        ((9, 0, 132), "lstm", torch.bfloat16, 160),
        ((8, 0, 108), "slstm", torch.float16, 128),
        ((8, 0, 108), "elman", torch.float32, 128),
    ],
)
def test_too_large_a_head_is_refused_with_the_largest_that_fits(monkeypatch, gpu, function, dtype, largest):
    _pretend(monkeypatch, *gpu)
    assert _reason(function=function, device="cuda", dtype=dtype, head_dim=largest) is None
    reason = _reason(function=function, device="cuda", dtype=dtype, head_dim=largest + 1)
    assert re.search(rf"head_dim is {largest + 1}, .* {function} in {dtype} .* at most {largest}$", reason)


def test_a_gpu_without_a_profile_is_refused_by_its_capability(monkeypatch):
    _pretend(monkeypatch, 7, 5, 40)
    assert _reason(device="cuda") == "no hardware profile has the compute capability 7.5 of a GPU"
