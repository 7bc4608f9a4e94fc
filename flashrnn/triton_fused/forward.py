"""The forward kernel: one program runs one head for one tile of the batch over all steps.

R is read once, before the first step, and stays on the chip. It is cut into TILES_D × TILES_D tiles of
TILE_D × TILE_D for each gate, so that head dimensions need not be padded to a power of two.
"""

import triton
import triton.language as tl

from flashrnn.triton_fused.cells import step


@triton.jit(do_not_specialize=["T", "B", "H"])
def forward_kernel(
    Wx,  # [T, B, Gw, H, D], any strides
    R,  # [Gr, H, D, D], contiguous as all that follow
    b,  # [Gt, H, D]
    initial,  # [S, B, H, D]
    reset,  # [T, B] of booleans
    all_states,  # [S, T, B, H, D]
    kept_gates,  # [T, B, Gt, H, D]
    T: tl.int64,
    B: tl.int64,
    H: tl.int64,
    D: tl.int64,
    stride_t: tl.int64,  # of Wx
    stride_b: tl.int64,
    stride_g: tl.int64,
    stride_h: tl.int64,
    stride_d: tl.int64,
    clip,
    value_0,  # of the states after a reset
    value_1,
    value_2,
    value_3,
    CELL: tl.constexpr,
    RECURRENT: tl.constexpr,  # Gr
    SLOTS: tl.constexpr,  # Gt
    FIRST_INPUT: tl.constexpr,  # Gt - Gw
    STATES: tl.constexpr,  # S
    RESET: tl.constexpr,
    CLIP: tl.constexpr,
    KEEP: tl.constexpr,
    TILE_B: tl.constexpr,
    TILE_D: tl.constexpr,
    TILES_D: tl.constexpr,
    STAGES: tl.constexpr,
):
    head = tl.program_id(0)
    rows = tl.program_id(1) * TILE_B + tl.arange(0, TILE_B)
    rows_in = rows < B
    columns = tl.arange(0, TILE_D)
    values = (value_0, value_1, value_2, value_3)

    # matrices[(slot · TILES_D + n) · TILES_D + k] takes tile k of h to tile n of the slot.
    matrices = ()
    for slot in tl.static_range(RECURRENT):
        for n in tl.static_range(TILES_D):
            for k in tl.static_range(TILES_D):
                outputs, inputs = n * TILE_D + columns, k * TILE_D + columns
                cells = (slot * H + head) * D * D + outputs[None, :] * D + inputs[:, None]
                cells_in = (outputs[None, :] < D) & (inputs[:, None] < D)
                matrices = matrices + (tl.load(R + cells, mask=cells_in, other=0.0),)
    biases = ()
    for slot in tl.static_range(SLOTS):
        for n in tl.static_range(TILES_D):
            units = n * TILE_D + columns
            bias = tl.load(b + (slot * H + head) * D + units, mask=units < D, other=0.0)
            biases = biases + (bias.to(tl.float32)[None, :],)
    # states[n · STATES + s] is tile n of state s.
    states = ()
    for n in tl.static_range(TILES_D):
        units = n * TILE_D + columns
        mask = rows_in[:, None] & (units < D)[None, :]
        place = (rows[:, None] * H + head) * D + units[None, :]
        for s in tl.static_range(STATES):
            states = states + (tl.load(initial + s * B * H * D + place, mask=mask, other=0.0).to(tl.float32),)

    for t in tl.range(T, num_stages=STAGES):
        if RESET:
            fresh = tl.load(reset + t * B + rows, mask=rows_in, other=0)[:, None] != 0
            before = ()
            for n in tl.static_range(TILES_D):
                for s in tl.static_range(STATES):
                    before = before + (tl.where(fresh, values[s], states[n * STATES + s]),)
        else:
            before = states
        factors = ()
        for n in tl.static_range(TILES_D):
            factors = factors + (before[n * STATES].to(R.dtype.element_ty),)
        states = ()
        for n in tl.static_range(TILES_D):
            units = n * TILE_D + columns
            mask = rows_in[:, None] & (units < D)[None, :]
            gates = ()
            for slot in tl.static_range(SLOTS):
                gate = tl.full((TILE_B, TILE_D), 0.0, tl.float32) + biases[slot * TILES_D + n]
                if slot >= FIRST_INPUT:
                    place = (
                        t * stride_t
                        + rows[:, None] * stride_b
                        + (slot - FIRST_INPUT) * stride_g
                        + head * stride_h
                        + units[None, :] * stride_d
                    )
                    gate += tl.load(Wx + place, mask=mask, other=0.0).to(tl.float32)
                if slot < RECURRENT:
                    for k in tl.static_range(TILES_D):
                        matrix = matrices[(slot * TILES_D + n) * TILES_D + k]
                        gate = tl.dot(factors[k], matrix, gate, input_precision="tf32x3")
                gates = gates + (gate,)
            own = ()
            for s in tl.static_range(STATES):
                own = own + (before[n * STATES + s],)
            new, kept = step(CELL, gates, own)
            place = ((t * B + rows[:, None]) * H + head) * D + units[None, :]
            for s in tl.static_range(STATES):
                state = new[s]
                if CLIP and s == 0:
                    state = tl.clamp(state, -clip, clip)
                states = states + (state,)
                whole = s * T * B * H * D
                tl.store(all_states + whole + place, state.to(all_states.dtype.element_ty), mask=mask)
            if KEEP:
                for slot in tl.static_range(SLOTS):
                    row = ((t * B + rows[:, None]) * SLOTS + slot) * H + head
                    gate = kept[slot].to(kept_gates.dtype.element_ty)
                    tl.store(kept_gates + row * D + units[None, :], gate, mask=mask)
