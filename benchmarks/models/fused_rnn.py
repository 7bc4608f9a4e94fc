"""The recurrent kernel. Every product has the bounds that its factors and the limits of the GPU leave it."""

from __future__ import annotations

from typing import Any

from benchmarks.models.kernels import divisors
from benchmarks.peer import Data, Model, Peer


def fused_rnn_h100(data: Data) -> Peer:
    p = Peer()
    m = p.model
    gpu, batch, head_dim = data["gpu"], data["batch"], data["head_dim"]
    heads_at_once = p.chosen("heads_at_once", divisors(data["heads"]))
    blocks_batch = p.chosen("blocks_batch", divisors(batch))
    slice_batch = p.chosen("slice_batch", divisors(batch))
    p.chosen("units", divisors(head_dim))
    p.integer("blocks", 1, gpu["sm_count"] * gpu["blocks_per_sm"])
    m.add_multiplication_equality(batch, [slice_batch, blocks_batch])
    launches = p.product(1, data["heads"] * batch, heads_at_once, blocks_batch)
    _kernel(p, data, "fwd", launches)
    _kernel(p, data, "bwd", launches)

    v = p.variables
    p.maximize(heads_at_once, 1, data["heads"])
    for name, high in (
        ("syncs", 2),
        ("shared_loops", data["gates"] * head_dim),
        ("instructions", batch * data["gates"] * head_dim**2),
        ("warps", 32),
        ("shared_bytes", gpu["shared_memory_per_block"]),
        ("registers", 256),
        ("blocks_per_sm", 32),
    ):
        for direction in ("fwd", "bwd"):
            p.minimize(v[f"{direction}_{name}"], 0, high)
    return p


def _kernel(p: Peer, data: Data, direction: str, launches: Any) -> None:
    """One of the two kernels. `out` is the axis that it puts out, `add` the one that it sums over."""
    m, v, gpu = p.model, p.variables, data["gpu"]
    forward = direction == "fwd"
    batch, head_dim, element = data["batch"], data["head_dim"], data["element_bytes"]
    gate_length = data["gates"] * head_dim
    out, add = ("gate", "hidden") if forward else ("hidden", "gate")
    out_length, add_length = (gate_length, head_dim) if forward else (head_dim, gate_length)
    lengths = ((out, out_length), (add, add_length))
    slice_batch, units = v["slice_batch"], v["units"]
    warp = gpu["threads_per_warp"]
    most_warps = gpu["threads_per_block"] // warp
    most_registers = gpu["registers_per_thread"]
    shared, resident_warps = gpu["shared_memory_per_block"], gpu["warps_per_sm"]

    def chosen(name: str, values: Any) -> Any:
        return p.chosen(f"{direction}_{name}", values)

    def integer(name: str, low: int, high: int) -> Any:
        return p.integer(f"{direction}_{name}", low, high)

    # The matrix instruction and the cuts.
    r_first = m.new_bool_var("")
    v[f"{direction}_r_first"] = r_first
    shapes = gpu["mma_shapes_16bit"] if element == 2 else gpu["mma_shapes_tf32"]
    rows = [(first, s[first], s[1 - first], s[2]) for s in shapes for first in (0, 1)]
    tile_batch = chosen("tile_batch", {row[1] for row in rows})
    tile_out = chosen(f"tile_{out}", {row[2] for row in rows})
    tile_add = chosen(f"tile_{add}", {row[3] for row in rows})
    m.add_allowed_assignments([r_first, tile_batch, tile_out, tile_add], rows)
    loops_batch = chosen("loops_batch", divisors(batch))
    warps_batch = chosen("warps_batch", [k for k in divisors(batch) if k <= most_warps])
    loops_out, loops_add = (chosen(f"loops_{axis}", divisors(length)) for axis, length in lengths)
    warps_out, warps_add = (
        chosen(f"warps_{axis}", [k for k in divisors(length) if k <= most_warps]) for axis, length in lengths
    )
    slice_out, slice_add = (chosen(f"slice_{axis}", divisors(length)) for axis, length in lengths)
    blocks_out, blocks_add = (chosen(f"blocks_{axis}", divisors(head_dim)) for axis in (out, add))
    m.add_multiplication_equality(slice_batch, [tile_batch, loops_batch, warps_batch])
    m.add_multiplication_equality(slice_out, [tile_out, loops_out, warps_out])
    m.add_multiplication_equality(slice_add, [tile_add, loops_add, warps_add])
    m.add_multiplication_equality(out_length, [slice_out, blocks_out])
    m.add_multiplication_equality(add_length, [slice_add, blocks_add])
    sharing = p.product(1, head_dim, blocks_out, blocks_add)
    m.add_multiplication_equality(head_dim, [units, sharing])
    m.add_multiplication_equality(v["blocks"], [launches, sharing])
    warps = integer("warps", 1, most_warps)
    m.add_multiplication_equality(warps, [warps_batch, warps_out, warps_add])
    instructions = integer("instructions", 1, batch * out_length * add_length // 1024)
    m.add_multiplication_equality(instructions, [loops_batch, loops_out, loops_add])
    shares_out = p.truth(blocks_out >= 2, blocks_out == 1)
    shares_add = p.truth(blocks_add >= 2, blocks_add == 1)
    m.add(integer("syncs", 0, 2) == shares_out + shares_add)

    # All blocks together on the chip.
    blocks_per_sm = integer("blocks_per_sm", 1, gpu["blocks_per_sm"])
    m.add(v["blocks"] <= gpu["sm_count"] * blocks_per_sm)
    all_warps = p.product(1, resident_warps, blocks_per_sm, warps)

    # Registers.
    register_loops = integer("register_loops", 0, add_length)
    shared_loops = integer("shared_loops", 0, add_length)
    m.add(register_loops + shared_loops == loops_add)
    some_shared = p.truth(shared_loops >= 1, shared_loops == 0)
    bytes_per_register = 4 * warp
    matrix_registers = integer("matrix_registers", 0, most_registers)
    most = most_registers * bytes_per_register // element
    part = p.product(1, max(row[2] * row[3] for row in rows), tile_out, tile_add)
    columns = p.product(1, max(row[2] for row in rows) * out_length, tile_out, loops_out)
    held = p.product(0, most, part, p.product(0, most, loops_out, register_loops))
    m.add(bytes_per_register * matrix_registers == element * held)
    sum_registers = integer("sum_registers", 0, most_registers)
    sums = p.product(1, most_registers * bytes_per_register // 4, tile_batch, columns)
    m.add(bytes_per_register * sum_registers == 4 * sums)
    operand_registers = integer("operand_registers", 0, most_registers)
    streamed = m.new_int_var(0, max(row[2] for row in rows), "")
    m.add(streamed == tile_out).only_enforce_if(some_shared)
    m.add(streamed == 0).only_enforce_if(~some_shared)
    operands = p.product(1, most, tile_batch + streamed, tile_add)
    m.add(bytes_per_register * operand_registers == 2 * element * operands)
    cell_registers = integer("cell_registers", 0, most_registers)
    entries = p.product(1, batch * head_dim, slice_batch, units)
    shares = m.new_int_var(1, most_registers, "")
    m.add_division_equality(shares, entries + warp * warps - 1, warp * warps)
    kept = data["gates"] + (1 if forward else 2) * data["states"] - 1
    m.add(cell_registers == kept * shares)
    step = gpu["register_allocation_unit"] // warp
    registers = chosen("registers", range(step, most_registers + 1, step))
    used = matrix_registers + sum_registers + operand_registers + cell_registers + data["other_registers"]
    m.add(used <= registers)
    partitions = gpu["register_partitions_per_sm"]
    crowd = m.new_int_var(1, -(-resident_warps // partitions), "")
    m.add_division_equality(crowd, all_warps + partitions - 1, partitions)
    p.product(1, gpu["registers_per_sm"] // partitions // warp, crowd, registers)

    # Shared memory. Strides are odd multiples of 16 bytes.
    matrix_stride = chosen("matrix_stride", range(16, element * add_length + 32, 32))
    across = p.product(0, add_length, warps_add, p.product(0, add_length, shared_loops, tile_add))
    m.add(element * across <= matrix_stride)
    m.add(matrix_stride < element * across + 32)
    matrix_bytes = integer("matrix_bytes", 0, shared)
    rest = m.new_int_var(0, element * add_length + 32, "")
    m.add(rest == matrix_stride).only_enforce_if(some_shared)
    m.add(rest == 0).only_enforce_if(~some_shared)
    m.add_multiplication_equality(matrix_bytes, [slice_out, rest])
    operand_stride = chosen("operand_stride", range(16, element * add_length + 32, 32))
    m.add(element * slice_add <= operand_stride)
    m.add(operand_stride < element * slice_add + 32)
    sum_stride = chosen("sum_stride", range(16, 4 * out_length + 64, 16))
    m.add(4 * slice_out <= sum_stride)
    m.add(sum_stride < 4 * slice_out + 64 - 32 * r_first)
    count = m.new_int_var(0, (4 * out_length + 64) // 32, "")
    m.add(sum_stride == 32 * count + 16).only_enforce_if(r_first)
    m.add(sum_stride == 64 * count + 32).only_enforce_if(~r_first)
    sum_bytes = integer("sum_bytes", 0, shared)
    m.add_multiplication_equality(sum_bytes, [warps_add, slice_batch, sum_stride])
    shared_bytes = integer("shared_bytes", 0, shared)
    m.add(shared_bytes == matrix_bytes + p.product(0, shared, slice_batch, operand_stride) + sum_bytes)
    unit, reserved = gpu["shared_memory_allocation_unit"], gpu["shared_memory_reserved_per_block"]
    chunks = m.new_int_var(1, gpu["shared_memory_per_sm"] // unit, "")
    m.add_division_equality(chunks, shared_bytes + reserved + unit - 1, unit)
    p.product(1, gpu["shared_memory_per_sm"] // unit, blocks_per_sm, chunks)

    # What blocks hand each other, through the L2 cache.
    partial = m.new_int_var(0, head_dim, "")
    m.add(partial == blocks_add).only_enforce_if(shares_add)
    m.add(partial == 0).only_enforce_if(~shares_add)
    handed = add_length * element * shares_out + 4 * out_length * partial
    p.product(0, gpu["l2_cache"] // (2 * batch), v["heads_at_once"], handed)


MODELS: dict[str, Model] = {"fused_rnn_h100": fused_rnn_h100}
