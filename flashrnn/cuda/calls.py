"""What a call of either backend is in the tuner's words, and the configuration that serves it."""

from __future__ import annotations

import math
import os
from functools import cache

import torch
from torch import Tensor

from flashrnn.backends import Settings
from flashrnn.cuda import device, tuner
from flashrnn.cuda.tuner import FUSED, Configuration, Work

DTYPES = {torch.bfloat16: "bfloat16", torch.float16: "float16", torch.float32: "float32"}


def numbers(settings: Settings, time: int, batch: int, heads: int) -> dict[str, object]:
    """The arguments that are no addresses and no strides."""
    return {
        "time": time,
        "batch": batch,
        "heads": heads,
        "cut": int(settings.gradient_recurrent_cut),
        "clip": math.inf if settings.forward_clipval is None else settings.forward_clipval,
        "gradient_clip": (
            math.inf if settings.gradient_recurrent_clipval is None else settings.gradient_recurrent_clipval
        ),
        "values": [*settings.initial_values, 0.0, 0.0, 0.0][:4],
    }


def work_of(
    settings: Settings,
    direction: str,
    R: Tensor,
    input_dtype: torch.dtype,
    state_dtype: torch.dtype,
    batch: int,
    training: bool,
) -> Work:
    gate = gate_dtype(settings)
    return Work(
        settings.function,
        direction,
        math_of(R.dtype),
        R.shape[-1],
        R.shape[1],
        batch,
        DTYPES[input_dtype],
        DTYPES[state_dtype],
        DTYPES[gate],
        training,
        os.environ.get("FLASHRNN_EXACT_FUNCTIONS") == "1",
    )


def math_of(dtype: torch.dtype) -> str:
    """How R is multiplied: float32 as PyTorch is told to do its own products."""
    if dtype == torch.float32 and torch.get_float32_matmul_precision() != "highest":
        return "tfloat32"
    return DTYPES[dtype]


def gate_dtype(settings: Settings) -> torch.dtype:
    """The dtype of the kept gates."""
    return settings.gate_dtype if settings.gate_dtype in DTYPES else torch.float32


def configured(work: Work, where: torch.device, families: tuple[str, ...]) -> Configuration:
    """The configuration for the work on that GPU. Raises RuntimeError where there is none."""
    index = torch.cuda.current_device() if where.index is None else where.index
    found = chosen(work, profile_of(index), families)
    if found is None:
        raise RuntimeError(f"none of the kernels {', '.join(families)} serves {work}")
    return found


@cache
def chosen(work: Work, profile: str, families: tuple[str, ...]) -> Configuration | None:
    """The best configuration that the compiler confirms; None where nothing fits."""
    return tuner.choose(work, profile, families)


def fused_families() -> tuple[str, ...]:
    """The fused families that may be used: all, or the one that FLASHRNN_CUDA_FAMILY names."""
    only = os.environ.get("FLASHRNN_CUDA_FAMILY")
    return FUSED if only is None else tuple(family for family in FUSED if family == only)


@cache
def profile_of(index: int) -> str:
    """The profile of a GPU of this machine: a known one, or one written for it into the cache's folder."""
    return device.profile_name(device.query(index))
