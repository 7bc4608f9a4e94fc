"""Tiles for GPU kernels: products, quotients and divisors; domains and bounds are cut by hand."""

from __future__ import annotations

from itertools import product
from typing import Any

from benchmarks.peer import Data, Model, Peer


def divisors(n: int) -> list[int]:
    """The positive divisors of n."""
    return [k for k in range(1, n + 1) if n % k == 0]


def gemm_tile(data: Data) -> Peer:
    p = Peer()
    m = p.model
    gpu, width, spare = data["gpu"], data["bytes_per_element"], data["registers_for_addresses"]
    warp = gpu["threads_per_warp"]
    rows, columns = ([k for k in divisors(data[key]) if k % unit == 0] for key, unit in (("m", 16), ("n", 8)))
    tile_m, tile_n = p.chosen("tile_m", rows), p.chosen("tile_n", columns)
    tile_k = p.chosen("tile_k", [16, 32, 64])
    powers = [1, 2, 4, 8, 16]
    warps_m, warps_n = p.chosen("warps_m", powers), p.chosen("warps_n", powers)
    stages = p.integer("stages", 2, 8)
    most_blocks = (data["m"] // 16) * (data["n"] // 8)
    blocks = p.integer("blocks", 1, most_blocks)
    waves = p.integer("waves", 1, -(-most_blocks // gpu["sm_count"]))

    warps = p.product(1, gpu["threads_per_block"] // warp, warps_m, warps_n)
    m.add(warp * warps >= 128)
    # All are powers of two, so a table of the multiples is short.
    for tile, warps_along, sizes, unit in ((tile_m, warps_m, rows, 16), (tile_n, warps_n, columns, 8)):
        pairs = [(t, w) for t, w in product(sizes, powers) if t % (unit * w) == 0]
        m.add_allowed_assignments([tile, warps_along], pairs)
    area = p.product(128, gpu["registers_per_block"], tile_m, tile_n)
    loaded = p.product(1, gpu["shared_memory_per_block"] // width, stages, tile_k)
    p.product(1, gpu["shared_memory_per_block"] // width, loaded, tile_m + tile_n)
    per_thread = m.new_int_var(0, gpu["registers_per_thread"] - spare, "")
    m.add_division_equality(per_thread, area, warp * warps)
    m.add(area + spare * warp * warps <= gpu["registers_per_block"])
    blocks_m, blocks_n = m.new_int_var(1, data["m"] // 16, ""), m.new_int_var(1, data["n"] // 8, "")
    m.add_multiplication_equality(data["m"], [blocks_m, tile_m])
    m.add_multiplication_equality(data["n"], [blocks_n, tile_n])
    m.add_multiplication_equality(blocks, [blocks_m, blocks_n])
    m.add_division_equality(waves, blocks + gpu["sm_count"] - 1, gpu["sm_count"])

    rate = gpu["bf16_flop_per_second"] // (2 * gpu["sm_count"] * gpu["boost_clock_hz"])
    l2 = data["l2_bytes_per_cycle"]
    compute, load = m.new_int_var(1, 10**4, ""), m.new_int_var(1, 10**4, "")
    m.add_division_equality(compute, area + rate - 1, rate)
    m.add_division_equality(load, (tile_m + tile_n) * width + l2 - 1, l2)
    cycles = m.new_int_var(1, 10**4, "")
    m.add_max_equality(cycles, [compute, load])
    p.minimize(p.product(1, 10**8, waves, cycles), 1, 10**8)
    p.minimize(p.product(1, 10**9, blocks, tile_m + tile_n), 1, 10**9)
    p.maximize(tile_k, 16, 64)
    p.maximize(stages, 2, 8)
    p.minimize(warps_m, 1, 16)
    p.minimize(warps_n, 1, 16)
    return p


def convolution_tile(data: Data) -> Peer:
    p = Peer()
    m = p.model
    gpu, kernel, stride = data["gpu"], data["kernel"], data["stride"]
    height, width, channels = data["height"], data["width"], data["channels_out"]
    most_in = (max(height, width) - 1) * stride + kernel
    tile_h, tile_w = p.integer("tile_h", 1, height), p.integer("tile_w", 1, width)
    tile_c = p.chosen("tile_c", [k for k in divisors(channels) if k >= 16])
    chunk = p.chosen("chunk", [k for k in divisors(data["channels_in"]) if k % 8 == 0])
    in_h, in_w = p.integer("in_h", 1, most_in), p.integer("in_w", 1, most_in)
    most_tiles = height * width * (channels // 16)
    tiles = p.integer("tiles", gpu["sm_count"] * data["blocks_per_sm"], most_tiles)
    threads = p.chosen("threads", range(gpu["threads_per_warp"], 257, gpu["threads_per_warp"]))

    m.add(in_h == (tile_h - 1) * stride + kernel)
    m.add(in_w == (tile_w - 1) * stride + kernel)
    tiles_h, tiles_w, tiles_c = (m.new_int_var(1, n, "") for n in (height, width, channels // 16))
    m.add_division_equality(tiles_h, height - 1 + tile_h, tile_h)
    m.add_division_equality(tiles_w, width - 1 + tile_w, tile_w)
    m.add_multiplication_equality(channels, [tiles_c, tile_c])
    m.add_multiplication_equality(tiles, [p.product(1, height * width, tiles_h, tiles_w), tiles_c])
    memory = gpu["shared_memory_per_sm"] // data["blocks_per_sm"] - gpu["shared_memory_reserved_per_block"]
    held = memory // data["bytes_per_element"]
    inputs = p.product(1, held // 8, in_h, in_w)
    p.product(1, held, inputs + kernel**2 * tile_c, chunk)
    outputs = p.product(16, 64 * 256, p.product(1, 64 * 16, tile_h, tile_w), tile_c)
    m.add_multiplication_equality(outputs, [threads, m.new_int_var(1, 64, "")])
    read = p.product(1, 10**9, tiles, inputs + kernel**2 * tile_c)
    p.minimize(read, 1, 10**9)
    p.maximize(chunk, 8, data["channels_in"])
    p.maximize(threads, 32, 256)
    return p


def attention_tile(data: Data) -> Peer:
    p = Peer()
    m = p.model
    gpu, head, width = data["gpu"], data["head_dim"], data["bytes_per_element"]
    overhead, warp = data["register_overhead"], gpu["threads_per_warp"]
    queries, keys = [64, 128, 192, 256], [k for k in range(16, 257, 16) if data["sequence"] % k == 0]
    block_q, block_kv = p.chosen("block_q", queries), p.chosen("block_kv", keys)
    stages, warps = p.integer("stages", 1, 4), p.chosen("warps", [4, 8, 12, 16])
    in_registers = m.new_bool_var("")
    p.variables["q_in_registers"] = in_registers
    resident = p.integer("blocks_per_sm", 1, 4)

    rows = [(q, w) for q, w in product(queries, (4, 8, 12, 16)) if q % (16 * w) == 0 or 16 * w % q == 0]
    m.add_allowed_assignments([block_q, warps], rows)
    kept = m.new_int_var(0, 256, "")  # rows of queries in registers; the others are shared
    m.add(kept == block_q).only_enforce_if(in_registers)
    m.add(kept == 0).only_enforce_if(~in_registers)
    streamed = p.product(16, 1024, stages, block_kv)
    memory = gpu["shared_memory_reserved_per_block"] + (block_q - kept + 2 * streamed) * head * width
    p.product(1, gpu["shared_memory_per_sm"], resident, memory)
    scores = p.product(64 * 16, 256 * 256, block_q, block_kv)
    registers = block_q * head + scores + kept * (head // 2)
    per_thread = m.new_int_var(0, gpu["registers_per_thread"] - overhead, "")
    m.add_division_equality(per_thread, registers, warp * warps)
    p.product(1, gpu["registers_per_sm"], resident, registers + overhead * warp * warps)
    m.add(p.product(8, 64, warps, resident) >= 8)
    single = p.truth(stages == 1, stages >= 2)
    m.add(resident >= 2).only_enforce_if(single)
    m.add(p.product(1, 16, resident, stages) <= 6).only_enforce_if(~single)
    p.maximize(block_q, 64, 256)
    p.maximize(block_kv, 16, 256)
    p.maximize(stages, 1, 4)
    p.minimize(warps, 4, 16)
    return p


def stencil_space(data: Data) -> Peer:
    p = Peer()
    m = p.model
    gpu, n, radius = data["gpu"], data["n"], data["radius"]
    xs, ys, work = [k for k in divisors(1024) if k >= 8], divisors(32), list(range(1, 9))
    block_x, block_y = p.chosen("block_x", xs), p.chosen("block_y", ys)
    work_x, work_y, unroll = (p.chosen(name, work) for name in ("work_x", "work_y", "unroll"))
    use_shared: Any = m.new_bool_var("")
    pad: Any = m.new_bool_var("")
    p.variables["use_shared"], p.variables["pad"] = use_shared, pad
    threads = p.product(64, gpu["threads_per_block"], block_x, block_y)
    m.add_modulo_equality(0, threads, gpu["threads_per_warp"])
    m.add_allowed_assignments([block_x, work_x], [(b, w) for b, w in product(xs, work) if n % (b * w) == 0])
    m.add_allowed_assignments([block_y, work_y], [(b, w) for b, w in product(ys, work) if n % (b * w) == 0])
    m.add_allowed_assignments([unroll, work_y], [(u, w) for u, w in product(work, work) if w % u == 0])
    m.add_implication(pad, use_shared)
    wide, high = p.product(8, 8192, block_x, work_x), p.product(1, 256, block_y, work_y)
    cells = p.product(1, 10**7, wide + 2 * radius + pad, high + 2 * radius)
    limit = gpu["shared_memory_per_block_default"] // data["bytes_per_element"]
    m.add(cells <= limit).only_enforce_if(use_shared)
    m.add(p.product(1, 64, work_x, work_y) <= 32)
    return p


MODELS: dict[str, Model] = {
    model.__name__: model for model in (gemm_tile, convolution_tile, attention_tile, stencil_space)
}
