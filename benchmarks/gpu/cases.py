"""What is run: the cells, data types, families, and the grid of shapes of the FlashRNN paper (section 4)."""

from __future__ import annotations

from typing import NamedTuple

CELLS = ("lstm", "gru", "elman", "slstm")
# Each with the setting of torch.set_float32_matmul_precision that asks for it.
DTYPES = {"bfloat16": "highest", "float16": "highest", "float32": "highest", "tfloat32": "high"}
FAMILIES = ("block", "cluster", "grid", "stream", "alternating")


class Shape(NamedTuple):
    """Batch, steps, heads and head dimension."""

    batch: int
    time: int
    heads: int
    head_dim: int


# One model of 768 units, cut into heads of different sizes.
HEADS = ((16, 48), (32, 24), (64, 12), (128, 6), (256, 3), (768, 1))
PAPER = [Shape(16, 1024, heads, head_dim) for head_dim, heads in HEADS]
BATCHES = [
    Shape(batch, 1024, heads, head_dim)
    for batch in (2, 8, 32, 64, 128, 256)
    for head_dim, heads in ((64, 12), (768, 1))
]
TIMES = [
    Shape(16, time, heads, head_dim) for time in (256, 512, 2048) for head_dim, heads in ((64, 12), (768, 1))
]
LARGEST = [Shape(16, 256, 1, head_dim) for head_dim in (1024, 1536, 2048, 2304, 3072)]

# Small ones, with tails of every kind: batches that fill no tile, head dimensions that need padding.
SMALL = {
    "block": (Shape(16, 7, 2, 64), Shape(5, 6, 3, 32), Shape(33, 5, 1, 48)),
    "cluster": (Shape(16, 6, 1, 256), Shape(5, 5, 2, 192)),
    "grid": (Shape(16, 6, 1, 768), Shape(5, 5, 1, 512)),
    "stream": (Shape(16, 5, 1, 768),),
    "alternating": (Shape(16, 5, 2, 64), Shape(5, 6, 1, 80)),
}


def grid(quick: bool) -> list[tuple[str, str, Shape]]:
    """The cell, data type and shape of all that is timed, the most important first."""
    cases = [("lstm", "bfloat16", shape) for shape in PAPER]
    cases += [("slstm", "bfloat16", shape) for shape in PAPER]
    if quick:
        return cases
    cases += [("lstm", "bfloat16", shape) for shape in LARGEST]
    cases += [(cell, "bfloat16", shape) for cell in ("gru", "elman") for shape in PAPER]
    cases += [("lstm", dtype, shape) for dtype in ("float16", "float32", "tfloat32") for shape in PAPER]
    return cases + [("lstm", "bfloat16", shape) for shape in [*BATCHES, *TIMES]]
