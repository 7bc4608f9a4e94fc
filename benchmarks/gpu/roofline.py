"""The floor under a time: what bytes, arithmetic and the chain of steps need at least."""

from __future__ import annotations

from typing import Any

import flashrnn
from benchmarks.gpu.cases import Shape
from flashrnn.hardware import Profile

# Cycles where a profile has no measured latency: leads from public micro-benchmarks.
_ASSUMED = {"shared_load_cycles": 30, "mma_m16n8k16_cycles": 32, "block_barrier_cycles": 22}
# Two dependent functions of the special function unit (a gate's, then tanh of the state), and their adds.
_POINTWISE_CYCLES = 80
# Of the memory's bandwidth, what the strided copies before the product for dR reached on an H200.
_COPY_RATE = 0.45


def floor(gpu: Profile, function: str, dtype: str, shape: Shape, direction: str) -> dict[str, Any]:
    """Milliseconds that a pass takes at least on this GPU, the three bounds, and which one is the largest.

    Bytes: every tensor once through memory. Operations: the products with R at the tensor cores' rate.
    Latency: in a step, h is read from shared memory, multiplied once, put through the cell and handed on
    through one barrier of a block; no step can begin before the last has ended.
    """
    cell = flashrnn.CELLS[function]
    size = 4 if dtype in ("float32", "tfloat32") else 2
    gates, states = cell.recurrent_gates, len(cell.states)
    cells = shape.batch * shape.time * shape.heads * shape.head_dim
    matrix = gates * shape.heads * shape.head_dim**2
    passes = 2 if direction == "both" else 1
    values = cell.input_gates + states
    if direction == "both":
        # Kept by the forward pass and read by the backward pass; gradients in and out.
        values += 2 * len(cell.gates) + 2 * states + cell.input_gates
    traffic = size * (values * cells + passes * matrix)
    # Backward: dh = dg R, and dR = dg^T h.
    operations = 2 * matrix * shape.batch * shape.time * (3 if direction == "both" else 1)
    rate = {
        "bfloat16": gpu.bf16_flop_per_second,
        "float16": gpu.fp16_flop_per_second,
        "tfloat32": gpu.tf32_flop_per_second,
        "float32": gpu.fp32_flop_per_second,
    }[dtype]
    cycles = _POINTWISE_CYCLES + sum(getattr(gpu, key) or assumed for key, assumed in _ASSUMED.items())
    bounds = {
        "memory": 1e3 * traffic / gpu.memory_bandwidth_bytes_per_second,
        "operations": 1e3 * operations / rate,
        "latency": 1e3 * passes * shape.time * cycles / gpu.boost_clock_hz,
    }
    bound = max(bounds, key=lambda name: bounds[name])
    return {"floor_ms": bounds[bound], "floor_bound": bound, "floor_parts": bounds}


def gradients_ms(gpu: Profile, function: str, dtype: str, shape: Shape) -> float:
    """Milliseconds that the gradients of R and b take after the backward loop, about (`flashrnn.gradients`).

    The gates' gradients are copied into an order by heads (read, written), then read for dR and for db; h is
    put behind the initial state and copied likewise, and read for dR.
    """
    size = 4 if dtype in ("float32", "tfloat32") else 2
    cells = shape.batch * shape.time * shape.heads * shape.head_dim
    traffic = size * cells * (4 * len(flashrnn.CELLS[function].gates) + 5)
    return 1e3 * traffic / (_COPY_RATE * gpu.memory_bandwidth_bytes_per_second)
