"""Faults put into the fused kernels' sources, one by one, are seen by the emulation: in every family that the
source serves, forward and backward."""

import shutil
from collections.abc import Mapping

import pytest

from tests.flashrnn.cuda import emulation
from tests.flashrnn.cuda.emulation import Built
from tests.flashrnn.cuda.test_emulation import check, pair

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="the emulation needs g++")

# Where several warps share the sum they meet in any case; without, the block's own barriers are all there is.
CUTS = {
    "block": pair("block", "lstm", "float32", 32, 32, unit_warps=2, register_steps=2),
    "block-sums": pair("block", "lstm", "float32", 24, 24, sum_warps=2, register_steps=2),
    "cluster": pair("cluster", "lstm", "float32", 32, 16, sum_warps=2),
    "grid": pair("grid", "lstm", "float32", 40, 16, sum_warps=2),
    "stream": pair("grid", "lstm", "float32", 40, 16, sum_warps=2, register_steps=0, shared_steps=1),
    "half-group": pair("grid", "lstm", "float32", 24, 12, sum_warps=3, register_steps=1),
}
SPREAD = ("cluster", "grid", "stream")
ALL = ("block", "block-sums", *SPREAD)

# A file, a text in it, what stands there instead; then the cuts and directions in which that is a fault.
FAULTS = {
    # Dropped waits and barriers; each text is looked for after the faults before it are in.
    "no wait for the inputs": (
        "forward.cuh",
        "            wait_for_copies<S::stages - 2>();\n            if (Family::alone",
        "            if (!FAULT) wait_for_copies<S::stages - 2>();\n            if (Family::alone",
        ALL,
        ("forward",),
    ),
    "no wait for the inputs of a block alone": (
        "backward.cuh",
        "                wait_for_copies<S::stages - 2>();\n                block_barrier();",
        "                if (!FAULT) wait_for_copies<S::stages - 2>();\n                block_barrier();",
        ("block", "block-sums"),
        ("backward",),
    ),
    "no wait for the inputs while the message is awaited": (
        "backward.cuh",
        "                wait_for_copies<S::stages - 2>();\n                family.await",
        "                if (!FAULT) wait_for_copies<S::stages - 2>();\n                family.await",
        SPREAD,
        ("backward",),
    ),
    "no barrier after a step": (
        "forward.cuh",
        "            if (Family::alone) block_barrier();\n        }",
        "            if (Family::alone && !FAULT) block_barrier();\n        }",
        ("block", "block-sums"),
        ("forward",),
    ),
    "no barrier before the product": (
        "backward.cuh",
        "                block_barrier();\n                product",
        "                if (!FAULT) block_barrier();\n                product",
        ("block", "block-sums"),
        ("backward",),
    ),
    "no barrier where sums meet": (
        "sums.cuh",
        "        block_barrier();\n    }\n\n    // Adds",
        "        if (!FAULT) block_barrier();\n    }\n\n    // Adds",
        ("block-sums", *SPREAD),
        ("forward", "backward"),
    ),
    "no wait for the cluster's messages": (
        "exchange.cuh",
        "        wait_for_bytes(arrived + (m & 1), (m - 1) >> 1 & 1);",
        "        if (!FAULT) wait_for_bytes(arrived + (m & 1), (m - 1) >> 1 & 1);",
        ("cluster",),
        ("forward", "backward"),
    ),
    "the other phase of the cluster's barrier": (
        "exchange.cuh",
        "(m - 1) >> 1 & 1);\n        if (thread",
        "(m - 1 + 2 * FAULT) >> 1 & 1);\n        if (thread",
        ("cluster",),
        ("forward", "backward"),
    ),
    "no wait for the grid's message": (
        "exchange.cuh",
        "for (bool missing = true; missing;) {",
        "for (bool missing = true; missing; missing = missing && !FAULT) {",
        ("grid", "stream"),
        ("forward", "backward"),
    ),
    "the grid's message is not erased": (
        "exchange.cuh",
        "            store_relaxed(reinterpret_cast<Chunk*>(read_by_all + here), erased);",
        "            if (!FAULT) store_relaxed(reinterpret_cast<Chunk*>(read_by_all + here), erased);",
        ("grid", "stream"),
        ("forward", "backward"),
    ),
    "the grid's message is erased too early": (
        "exchange.cuh",
        "(m + ring - 2) % ring",
        "(m + ring - 2 + FAULT) % ring",
        ("grid", "stream"),
        ("forward", "backward"),
    ),
    "no fence after the grid's message is erased": (
        "exchange.cuh",
        "if (m % between_fences == 0)",
        "if (!FAULT && m % between_fences == 0)",
        ("grid",),
        ("forward", "backward"),
    ),
    "no barrier after the grid's message": (
        "exchange.cuh",
        "        block_barrier();\n    }\n    DEVICE void end() {}",
        "        if (!FAULT) block_barrier();\n    }\n    DEVICE void end() {}",
        ("grid",),
        ("forward", "backward"),
    ),
    # Swapped gates
    "a gate is another's": (
        "cells.cuh",
        "F::decay(gate[1]) * state[1] + F::sigmoid(gate[0])",
        "F::decay(gate[FAULT ? 0 : 1]) * state[1] + F::sigmoid(gate[FAULT ? 1 : 0])",
        ALL,
        ("forward",),
    ),
    "a gate's gradient is another's": (
        "cells.cuh",
        "(slot == 3 ? gradient[0] : dc) * to_gate[slot]",
        "(slot == 3 ? gradient[0] : dc) * to_gate[FAULT && slot < 2 ? 1 - slot : slot]",
        ALL,
        ("backward",),
    ),
    "a row of the matrix is another gate's": (
        "product.cuh",
        "S::paired ? tile % S::group_tiles * 2 + half",
        "S::paired ? tile % S::group_tiles * 2 + (FAULT ? 1 - half : half)",
        ALL,
        ("forward",),
    ),
    "a column of the matrix is another gate's": (
        "backward.cuh",
        "const int gate = (k + v) % S::per_unit,",
        "const int gate = FAULT ? (k + v + 1) % S::per_unit : (k + v) % S::per_unit,",
        ALL,
        ("backward",),
    ),
    "a row of half a group is another gate's": (
        "product.cuh",
        "row / 4 * 2 + half",
        "(FAULT ? half * 2 + row / 4 : row / 4 * 2 + half)",
        ("half-group",),
        ("forward",),
    ),
    # Buffers
    "a single buffer of the block's exchange": (
        "exchange.cuh",
        "buffers_(buffers) {}\n    DEVICE char* buffer(int m) const { return buffers_ + (m & 1)",
        "buffers_(buffers) {}\n    DEVICE char* buffer(int m) const { return buffers_ + !FAULT * (m & 1)",
        ("block",),
        ("forward", "backward"),
    ),
    "a single buffer of the cluster's exchange": (
        "exchange.cuh",
        "rank(block_x()) {}\n    DEVICE char* buffer(int m) const { return buffers_ + (m & 1)",
        "rank(block_x()) {}\n    DEVICE char* buffer(int m) const { return buffers_ + !FAULT * (m & 1)",
        ("cluster",),
        ("forward", "backward"),
    ),
    "the grid's message is looked for in the next one's place": (
        "exchange.cuh",
        "global + m % ring * message_bytes",
        "global + (FAULT ? m + 1 : m) % ring * message_bytes",
        ("grid", "stream"),
        ("forward", "backward"),
    ),
    # Off by one
    "the last sample of a tail is left out forward": (
        "forward.cuh",
        "arguments.batch - first_sample\n",
        "arguments.batch - first_sample - FAULT\n",
        ALL,
        ("forward",),
    ),
    "the last sample of a tail is left out backward": (
        "backward.cuh",
        "arguments.batch - first_sample\n",
        "arguments.batch - first_sample - FAULT\n",
        ALL,
        ("backward",),
    ),
    "the last step of the sum is left out": (
        "product.cuh",
        "(S::even_steps || k < S::k_values)",
        "((S::even_steps && !FAULT) || k < S::k_values - FAULT * S::step_values)",
        ALL,
        ("forward", "backward"),
    ),
    "the first streamed step is read again": (
        "product.cuh",
        "from_memory<S::streamed_steps, 4>(S::register_steps + S::shared_steps, streamed,",
        "from_memory<S::streamed_steps, 4>(S::register_steps + S::shared_steps, streamed - 32 * FAULT,",
        ("stream",),
        ("forward", "backward"),
    ),
}
CASES = [
    (name, cut, direction)
    for name, (_, _, _, cuts, directions) in FAULTS.items()
    for cut in cuts
    for direction in directions
]


def with_a_short_ring(sources: Mapping[str, str]) -> Mapping[str, str]:
    """The sources with so few places for a grid's messages that each is used again in a few steps."""
    exchange = sources["exchange.cuh"]
    for long, short in (("ring = 32;", "ring = 4;"), ("between_fences = 8;", "between_fences = 1;")):
        assert long in exchange
        exchange = exchange.replace(long, short)
    return {**sources, "exchange.cuh": exchange}


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Built:
    instances = [instance for both in CUTS.values() for instance in both]
    change = emulation.with_faults(FAULTS)
    return emulation.build(
        tmp_path_factory.mktemp("faulty"), instances, lambda sources: change(with_a_short_ring(sources))
    )


@pytest.mark.parametrize(("name", "cut", "direction"), CASES)
def test_a_fault_in_the_sources_is_seen(faulty, name, cut, direction):
    forward, backward = CUTS[cut]
    faulty.faults = {direction: 1 + list(FAULTS).index(name)}
    with pytest.raises((AssertionError, RuntimeError)):
        for seed in range(20):
            check(faulty, forward, None if direction == "forward" else backward, seed, T=9)


@pytest.mark.parametrize("cut", CUTS)
def test_without_a_fault_the_altered_sources_are_right(faulty, cut):
    faulty.faults = {}
    check(faulty, *CUTS[cut], seed=1, T=9)
