// The pointwise kernels of the family `alternating`: one thread an element, one launch a step, a GEMM between
// two launches. Nothing limits D here.
#pragma once
#include "cells.cuh"
#include "tiles.cuh"

// A hidden unit of a sample and head, as places in the tensors.
struct Place {
    int64 sample, head, unit, in_step;  // in_step: in a contiguous [B, H, D]
    bool exists;

    DEVICE Place(const Arguments& a) {
        in_step = int64(block_x()) * 256 + thread_index();
        exists = in_step < a.batch * a.heads * a.width;
        unit = in_step % a.width;
        head = in_step / a.width % a.heads;
        sample = in_step / (a.width * a.heads);
    }
    // In [H, B, slots, D].
    DEVICE int64 by_head(const Arguments& a, int slots, int slot) const {
        return ((head * a.batch + sample) * slots + slot) * a.width + unit;
    }
    // In [T, B, slots, H, D].
    DEVICE int64 by_step(const Arguments& a, int64 t, int slots, int slot) const {
        return (((t * a.batch + sample) * slots + slot) * a.heads + head) * a.width + unit;
    }
    // In [S, T, B, H, D].
    DEVICE int64 in_states(const Arguments& a, int state, int64 t) const {
        return (state * a.time + t) * a.batch * a.heads * a.width + in_step;
    }
    // In [S, B, H, D].
    DEVICE int64 in_state(const Arguments& a, int state) const {
        return state * a.batch * a.heads * a.width + in_step;
    }
    DEVICE bool fresh(const Arguments& a, int64 t) const {
        return a.reset != nullptr && t >= 0 && t < a.time && a.reset[t * a.batch + sample] != 0;
    }
};

// Step t: `product` is R h, `carry` the states before the step and, after it, those after it; `operand` gets h
// as the next step wants it. Step -1 fills both from the initial states.
template <class Cell, class Functions, class Recurrent, class Input, class State, class Gate, bool Training>
KERNEL(256, 1) flashrnn_alternating_forward(const Arguments a) {
    const Place place(a);
    if (!place.exists) return;
    const int64 t = a.step;
    float state[Cell::states];
    if (t < 0) {
#pragma unroll
        for (int s = 0; s < Cell::states; ++s)
            state[s] = to_float(static_cast<const State*>(a.initial)[place.in_state(a, s)]);
    } else {
        float gate[Cell::gates], kept[Cell::gates];
#pragma unroll
        for (int s = 0; s < Cell::states; ++s) state[s] = a.carry[place.in_state(a, s)];
#pragma unroll
        for (int slot = 0; slot < Cell::gates; ++slot) {
            constexpr int first_input = Cell::gates - Cell::inputs;
            gate[slot] = a.bias[(slot * a.heads + place.head) * a.width + place.unit];
            if (slot >= first_input)
                gate[slot] += to_float(static_cast<const Input*>(
                    a.inputs)[t * a.input_time + place.sample * a.input_batch +
                              (slot - first_input) * a.input_gate + place.head * a.input_head + place.unit]);
            if (slot < Cell::recurrent) gate[slot] += a.product[place.by_head(a, Cell::recurrent, slot)];
        }
        Cell::template step<Functions>(gate, state, kept);
        state[0] = clamped(state[0], a.clip);
#pragma unroll
        for (int s = 0; s < Cell::states; ++s)
            from_float(state[s], static_cast<State*>(a.states)[place.in_states(a, s, t)]);
        if (Training)
#pragma unroll
            for (int slot = 0; slot < Cell::gates; ++slot)
                from_float(kept[slot], static_cast<Gate*>(a.gates)[place.by_step(a, t, Cell::gates, slot)]);
    }
    const bool fresh = place.fresh(a, t + 1);
#pragma unroll
    for (int s = 0; s < Cell::states; ++s) {
        if (fresh) state[s] = float(a.values[s]);
        a.carry[place.in_state(a, s)] = state[s];
    }
    from_float(state[0], static_cast<Recurrent*>(a.operand)[place.by_head(a, 1, 0)]);
}

// Step t: `carry` holds what P passed to the states after the step, and `product` the rest of h's gradient,
// dg R of the step after; `operand` gets dg. Step -1 writes the gradients of the initial states.
template <class Cell, class Functions, class Recurrent, class State, class Gate>
KERNEL(256, 1) flashrnn_alternating_backward(const Arguments a) {
    const Place place(a);
    if (!place.exists) return;
    const int64 t = a.step;
    float gradient[Cell::states];
    const bool last = t + 1 == a.time, replaced = place.fresh(a, t + 1);
#pragma unroll
    for (int s = 0; s < Cell::states; ++s) gradient[s] = last ? 0.0f : a.carry[place.in_state(a, s)];
    if (!last && a.cut == 0) gradient[0] += a.product[place.by_head(a, 1, 0)];
    gradient[0] = clamped(gradient[0], a.gradient_clip);
#pragma unroll
    for (int s = 0; s < Cell::states; ++s)
        if (replaced) gradient[s] = 0.0f;
    if (t < 0) {
#pragma unroll
        for (int s = 0; s < Cell::states; ++s)
            from_float(gradient[s], static_cast<State*>(a.d_initial)[place.in_state(a, s)]);
        return;
    }

    float kept[Cell::gates], before[Cell::states], gate_gradient[Cell::gates];
#pragma unroll
    for (int slot = 0; slot < Cell::gates; ++slot)
        kept[slot] = to_float(static_cast<const Gate*>(a.gates)[place.by_step(a, t, Cell::gates, slot)]);
#pragma unroll
    for (int s = 0; s < Cell::states; ++s) {
        before[s] = 0.0f;
        if (Cell::needs(s))
            before[s] = place.fresh(a, t) ? float(a.values[s])
                        : t == 0
                            ? to_float(static_cast<const State*>(a.initial)[place.in_state(a, s)])
                            : to_float(static_cast<const State*>(a.states)[place.in_states(a, s, t - 1)]);
        gradient[s] += to_float(static_cast<const State*>(
            a.d_states)[s * a.d_state + t * a.d_time + place.sample * a.d_batch + place.head * a.d_head +
                        place.unit]);
    }
    typename Cell::template Derivative<Functions>(kept, before, a.clip).apply(gradient, gate_gradient);
#pragma unroll
    for (int slot = 0; slot < Cell::gates; ++slot) {
        Recurrent value;
        from_float(gate_gradient[slot], value);
        static_cast<Recurrent*>(a.d_gates)[place.by_step(a, t, Cell::gates, slot)] = value;
        if (slot < Cell::recurrent)
            static_cast<Recurrent*>(a.operand)[place.by_head(a, Cell::recurrent, slot)] = value;
    }
#pragma unroll
    for (int s = 0; s < Cell::states; ++s) a.carry[place.in_state(a, s)] = gradient[s];
}
