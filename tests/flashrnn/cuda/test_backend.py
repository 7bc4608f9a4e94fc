"""Why the CUDA backends cannot serve a request, in words for the user; no GPU is needed to be told."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from flashrnn.backends import Request
from flashrnn.cuda import backend, calls, compiler, tuner
from flashrnn.cuda.backend import unavailable_alternating, unavailable_fused

BOTH = pytest.mark.parametrize("unavailable", [unavailable_fused, unavailable_alternating])
Unavailable = Callable[[Request], str | None]


def request(**others: object) -> Request:
    return Request("lstm", "cuda", torch.bfloat16, 1, 64, 16, False)._replace(**others)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def nothing_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is answered here is of GPUs and compilers that are not there."""
    monkeypatch.setenv("FLASHRNN_CACHE", str(tmp_path))
    yield
    for remembering in (backend._obstacle, calls.chosen, compiler._nvrtc):
        remembering.cache_clear()


@pytest.fixture
def h100(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (9, 0))
    monkeypatch.setattr(backend, "profile_of", lambda index: "h100_sxm")


@pytest.fixture
def compiler_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (backend, tuner):
        monkeypatch.setattr(module, "nvrtc_version", lambda: (13, 0))


@BOTH
def test_there_is_no_gpu(unavailable: Unavailable) -> None:
    told = "it needs an NVIDIA GPU, and the tensors are on 'cpu'"
    assert unavailable(request(device="cpu")) == told


@BOTH
def test_the_gpu_is_not_nvidias(unavailable: Unavailable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.version, "hip", "6.4")
    assert unavailable(request()) == "its kernels are for NVIDIA GPUs"


@BOTH
def test_the_gpu_is_too_old(unavailable: Unavailable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (7, 5))
    assert unavailable(request()) == "compute capability 7.5 is too low: its kernels need 8.0"


@BOTH
def test_the_dtype_is_too_wide(unavailable: Unavailable) -> None:
    told = "its kernels take bfloat16, float16 and float32, not float64"
    assert unavailable(request(dtype=torch.float64)) == told


@BOTH
@pytest.mark.usefixtures("h100")
def test_there_is_no_cupy(unavailable: Unavailable, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler._nvrtc.cache_clear()
    monkeypatch.setitem(sys.modules, "cupy_backends.cuda.libs", None)
    assert unavailable(request()) == (
        "CuPy is not installed (import of cupy_backends.cuda.libs halted; None in sys.modules): "
        "pip install 'constrint[gpu]', or cupy-cuda13x (CUDA 13) or cupy-cuda12x (CUDA 12)"
    )


@pytest.mark.usefixtures("h100", "compiler_is_there")
@pytest.mark.parametrize(
    "only, told",
    [
        # The backward pass ends earlier than the forward pass: 2304 in the grid's.
        (None, "block 192, cluster 768, grid 2112, stream 6896"),
        ("grid", "grid 2112"),
    ],
)
def test_no_family_holds_the_head(only: str | None, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The largest heads are told, the kernels' limits, and who has none."""
    if only is None:
        monkeypatch.delenv("FLASHRNN_CUDA_FAMILY", raising=False)
    else:
        monkeypatch.setenv("FLASHRNN_CUDA_FAMILY", only)
    assert unavailable_fused(request(head_dim=9000)) == (
        "head_dim 9000 fits no fused kernel for lstm in bfloat16 on NVIDIA H100 SXM 80 GB; the largest by "
        f"family: {told}. Backend 'cuda' has no limit"
    )
    assert unavailable_alternating(request(head_dim=9000)) is None


@pytest.mark.usefixtures("h100")
def test_the_largest_head_that_is_told_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("cupy", reason="NVRTC is asked through CuPy")
    monkeypatch.setenv("FLASHRNN_CUDA_FAMILY", "block")
    assert unavailable_fused(request(head_dim=192, batch_size=1)) is None
    refused = unavailable_fused(request(head_dim=193, batch_size=1))
    assert refused is not None and "block 192" in refused
