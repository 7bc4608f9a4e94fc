"""The backward kernel: the gradients of all gates and of the initial states, from the last step to the first.

As in the forward kernel one program has one head and one tile of the batch, and keeps R on the chip. The
gradients of R and b need no recurrence and are not formed here.
"""

import triton
import triton.language as tl

from flashrnn.triton_fused.cells import step_back


@triton.jit(do_not_specialize=["T", "B", "H"])
def backward_kernel(
    d_all_states,  # [S, T, B, H, D], any strides
    R,  # [Gr, H, D, D], contiguous as all that follow
    initial,  # [S, B, H, D]
    all_states,  # [S, T, B, H, D]
    kept_gates,  # [T, B, Gt, H, D]
    reset,  # [T, B] of booleans
    d_gates,  # [T, B, Gt, H, D]
    d_initial,  # [S, B, H, D]
    T: tl.int64,
    B: tl.int64,
    H: tl.int64,
    D: tl.int64,
    stride_s: tl.int64,  # of d_all_states
    stride_t: tl.int64,
    stride_b: tl.int64,
    stride_h: tl.int64,
    stride_d: tl.int64,
    clip,
    gradient_clip,
    value_0,  # of the states after a reset
    value_1,
    value_2,
    value_3,
    CELL: tl.constexpr,
    RECURRENT: tl.constexpr,  # Gr
    SLOTS: tl.constexpr,  # Gt
    STATES: tl.constexpr,  # S
    RESET: tl.constexpr,
    CLIP: tl.constexpr,
    GRADIENT_CLIP: tl.constexpr,
    CUT: tl.constexpr,
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

    # matrices[(slot · TILES_D + n) · TILES_D + k] takes tile n of the slot's gradient to tile k of h's.
    matrices = ()
    if not CUT:
        for slot in tl.static_range(RECURRENT):
            for n in tl.static_range(TILES_D):
                for k in tl.static_range(TILES_D):
                    outputs, inputs = n * TILE_D + columns, k * TILE_D + columns
                    cells = (slot * H + head) * D * D + outputs[:, None] * D + inputs[None, :]
                    cells_in = (outputs[:, None] < D) & (inputs[None, :] < D)
                    matrices = matrices + (tl.load(R + cells, mask=cells_in, other=0.0),)
    # d_states[n · STATES + s]: what later steps send to tile n of state s.
    d_states = ()
    for n in tl.static_range(TILES_D):
        for s in tl.static_range(STATES):
            d_states = d_states + (tl.full((TILE_B, TILE_D), 0.0, tl.float32),)

    for back in tl.range(T, num_stages=STAGES):
        t = T - 1 - back
        # A tensor, not a number: the interpreter's masks are made of tensors alone.
        first = (rows * 0 + t == 0)[:, None]
        if RESET:
            fresh = tl.load(reset + t * B + rows, mask=rows_in, other=0)[:, None] != 0
        factors = ()
        d_before = ()
        for n in tl.static_range(TILES_D):
            units = n * TILE_D + columns
            mask = rows_in[:, None] & (units < D)[None, :]
            place = (rows[:, None] * H + head) * D + units[None, :]
            gates = ()
            for slot in tl.static_range(SLOTS):
                row = ((t * B + rows[:, None]) * SLOTS + slot) * H + head
                gate = tl.load(kept_gates + row * D + units[None, :], mask=mask, other=0.0)
                gates = gates + (gate.to(tl.float32),)
            before = ()
            d = ()
            for s in tl.static_range(STATES):
                earlier = all_states + (s * T + t - 1) * B * H * D
                state = tl.load(earlier + place, mask=mask & ~first, other=0.0)
                state += tl.load(initial + s * B * H * D + place, mask=mask & first, other=0.0)
                state = state.to(tl.float32)
                if RESET:
                    state = tl.where(fresh, values[s], state)
                before = before + (state,)
                own = (
                    s * stride_s
                    + t * stride_t
                    + rows[:, None] * stride_b
                    + head * stride_h
                    + units[None, :] * stride_d
                )
                gradient = tl.load(d_all_states + own, mask=mask, other=0.0).to(tl.float32)
                d = d + (d_states[n * STATES + s] + gradient,)
            slots, direct = step_back(CELL, gates, before, d, CLIP, clip)
            for slot in tl.static_range(SLOTS):
                row = ((t * B + rows[:, None]) * SLOTS + slot) * H + head
                gradient = slots[slot].to(d_gates.dtype.element_ty)
                tl.store(d_gates + row * D + units[None, :], gradient, mask=mask)
                if slot < RECURRENT:
                    factors = factors + (gradient,)
            d_before = d_before + direct
        d_states = ()
        for k in tl.static_range(TILES_D):
            for s in tl.static_range(STATES):
                gradient = d_before[k * STATES + s]
                if s == 0:
                    if not CUT:
                        for n in tl.static_range(TILES_D):
                            for slot in tl.static_range(RECURRENT):
                                matrix = matrices[(slot * TILES_D + n) * TILES_D + k]
                                factor = factors[n * RECURRENT + slot]
                                gradient = tl.dot(factor, matrix, gradient, input_precision="tf32x3")
                    if GRADIENT_CLIP:
                        gradient = tl.clamp(gradient, -gradient_clip, gradient_clip)
                if RESET:
                    gradient = tl.where(fresh, 0.0, gradient)
                d_states = d_states + (gradient,)

    for n in tl.static_range(TILES_D):
        units = n * TILE_D + columns
        mask = rows_in[:, None] & (units < D)[None, :]
        place = (rows[:, None] * H + head) * D + units[None, :]
        for s in tl.static_range(STATES):
            gradient = d_states[n * STATES + s].to(d_initial.dtype.element_ty)
            tl.store(d_initial + s * B * H * D + place, gradient, mask=mask)
