"""The configurations of the tile examples by plain enumeration: every valid one, and what it costs.

Each function takes the parameters of the file and the included profile, and gives the valid configurations
with their goals, smallest best; it says in loops what the file says in constraints.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any

Configuration = dict[str, int]
Found = Iterator[tuple[Configuration, tuple[int, ...]]]
P = Mapping[str, Any]


def divisors(n: int) -> list[int]:
    return [k for k in range(1, n + 1) if n % k == 0]


def up(a: int, b: int) -> int:
    return -(-a // b)


def gemm_tile(d: P, gpu: P) -> Found:
    rate = gpu["bf16_flop_per_second"] // (2 * gpu["sm_count"] * gpu["boost_clock_hz"])
    powers = [1, 2, 4, 8, 16]
    for tm, tn, tk, wm, wn, stages in product(
        divisors(d["m"]), divisors(d["n"]), (16, 32, 64), powers, powers, range(2, 9)
    ):
        threads = 32 * wm * wn
        if tm % (16 * wm) or tn % (8 * wn) or not 128 <= threads <= gpu["threads_per_block"]:
            continue
        if stages * (tm + tn) * tk * d["bytes_per_element"] > gpu["shared_memory_per_block"]:
            continue
        extra = d["registers_for_addresses"]
        if tm * tn // threads + extra > gpu["registers_per_thread"]:
            continue
        if tm * tn + extra * threads > gpu["registers_per_block"]:
            continue
        blocks = up(d["m"], tm) * up(d["n"], tn)
        waves = up(blocks, gpu["sm_count"])
        cycles = max(up(tm * tn, rate), up((tm + tn) * d["bytes_per_element"], d["l2_bytes_per_cycle"]))
        yield (
            {
                "tile_m": tm, "tile_n": tn, "tile_k": tk, "warps_m": wm, "warps_n": wn, "stages": stages,
                "blocks": blocks, "waves": waves,
            },
            (waves * cycles, blocks * (tm + tn), -tk, -stages, wm, wn),
        )  # fmt: skip


def convolution_tile(d: P, gpu: P) -> Found:
    held = gpu["shared_memory_per_sm"] // d["blocks_per_sm"] - gpu["shared_memory_reserved_per_block"]
    for th, tw, tc in product(
        range(1, d["height"] + 1), range(1, d["width"] + 1), divisors(d["channels_out"])
    ):
        outputs = th * tw * tc
        if tc < 16 or outputs > 64 * 256:
            continue
        in_h, in_w = (th - 1) * d["stride"] + d["kernel"], (tw - 1) * d["stride"] + d["kernel"]
        tiles = up(d["height"], th) * up(d["width"], tw) * (d["channels_out"] // tc)
        if tiles < gpu["sm_count"] * d["blocks_per_sm"]:
            continue
        elements = in_h * in_w + d["kernel"] ** 2 * tc
        for chunk, threads in product(divisors(d["channels_in"]), range(32, 257, 32)):
            if chunk % 8 or outputs % threads or outputs > 64 * threads:
                continue
            if elements * chunk * d["bytes_per_element"] <= held:
                yield (
                    {
                        "tile_h": th, "tile_w": tw, "tile_c": tc, "chunk": chunk, "in_h": in_h, "in_w": in_w,
                        "tiles": tiles, "threads": threads,
                    },
                    (tiles * elements, -chunk, -threads),
                )  # fmt: skip


def attention_tile(d: P, gpu: P) -> Found:
    head = d["head_dim"]
    for q, kv, stages, warps, kept, resident in product(
        (64, 128, 192, 256), range(16, 257, 16), range(1, 5), (4, 8, 12, 16), (0, 1), range(1, 5)
    ):
        if (q % (16 * warps) and 16 * warps % q) or d["sequence"] % kv or warps * resident < 8:
            continue
        shared = ((0 if kept else q) + 2 * stages * kv) * head * d["bytes_per_element"]
        if resident * (gpu["shared_memory_reserved_per_block"] + shared) > gpu["shared_memory_per_sm"]:
            continue
        registers = q * head + q * kv + (q * head // 2 if kept else 0)
        if registers // (32 * warps) + d["register_overhead"] > gpu["registers_per_thread"]:
            continue
        if resident * (registers + 32 * warps * d["register_overhead"]) > gpu["registers_per_sm"]:
            continue
        if (resident < 2) if stages == 1 else (resident * stages > 6):
            continue
        yield (
            {
                "block_q": q, "block_kv": kv, "stages": stages, "warps": warps, "q_in_registers": kept,
                "blocks_per_sm": resident,
            },
            (-q, -kv, -stages, warps),
        )  # fmt: skip


def stencil_space(d: P, gpu: P) -> Found:
    work = range(1, 9)
    for bx, by, wx, wy in product([8, 16, 32, 64, 128, 256, 512, 1024], divisors(32), work, work):
        if not 64 <= bx * by <= gpu["threads_per_block"] or bx * by % 32:
            continue
        if d["n"] % (bx * wx) or d["n"] % (by * wy) or wx * wy > 32:
            continue
        for unroll, shared, pad in product(divisors(wy), (0, 1), (0, 1)):
            cells = (bx * wx + 2 * d["radius"] + pad) * (by * wy + 2 * d["radius"])
            fits = cells * d["bytes_per_element"] <= gpu["shared_memory_per_block_default"]
            if (shared and not fits) or (pad and not shared):
                continue
            yield (
                {
                    "block_x": bx, "block_y": by, "work_x": wx, "work_y": wy, "unroll": unroll,
                    "use_shared": shared, "pad": pad,
                },
                (),
            )  # fmt: skip


TILES: dict[str, Callable[[P, P], Found]] = {
    tile.__name__: tile for tile in (gemm_tile, convolution_tile, attention_tile, stencil_space)
}
