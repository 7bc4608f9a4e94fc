// The backward loop: the cell's derivative, then dh = dg R, from the last step to the first. The gradients of
// R, b and Wx need no recurrence and are not formed here.
#pragma once
#include "cells.cuh"
#include "exchange.cuh"
#include "sums.cuh"

template <class Cell, class S, template <class> class Exchange, class Functions, class State, class Gate>
struct Backward {
    using Element = typename S::Element;
    using Family = Exchange<S>;
    using GateTile = Tile<Gate, Cell::gates * S::batch_tile, S::units>;       // rows: slot, sample
    using BeforeTile = Tile<State, Cell::needed * S::batch_tile, S::units>;   // rows: needed state, sample
    using GradientTile = Tile<State, Cell::states * S::batch_tile, S::units>; // rows: state, sample
    using OutputTile = Tile<Element, Cell::gates * S::batch_tile, S::units>;  // rows: slot, sample
    static constexpr int input_bytes = GateTile::bytes + BeforeTile::bytes + GradientTile::bytes;
    using Areas = Layout<S, Family, input_bytes, OutputTile::bytes>;
    static constexpr int count = Elements<S>::count;

    const Arguments& a;
    const int thread;
    const int64 head, first_sample, width;
    const int first_unit, units, samples;
    char* const memory;

    DEVICE Backward(const Arguments& arguments)
        : a(arguments),
          thread(thread_index()),
          head(arguments.first_head + block_z()),
          first_sample(arguments.first_sample + int64(block_y()) * S::batch_tile),
          width(arguments.heads * S::head_dim),
          first_unit(block_x() * S::units),
          units(smaller(S::units, S::head_dim - first_unit)),
          samples(int(arguments.batch - first_sample < S::batch_tile ? arguments.batch - first_sample
                                                                     : S::batch_tile)),
          memory(shared_memory()) {}

    // The `number`-th state that the derivative asks for.
    static constexpr DEVICE int needed_state(int number) {
        int state = -1;
        for (int found = -1; found < number;) found += Cell::needs(++state);
        return state;
    }

    // Kept gates, states before the step and gradients of those after it, for the n-th step from the end.
    DEVICE void fetch(int64 n) const {
        if (n < a.time) {
            const int64 t = a.time - 1 - n, unit = head * S::head_dim + first_unit;
            char* tile = memory + Areas::inputs + n % S::stages * input_bytes;
            const Gate* gates = static_cast<const Gate*>(a.gates) +
                                (t * a.batch + first_sample) * Cell::gates * width + unit;
            GateTile::template fetch<S::threads>(tile, units, gates, [&](int row) -> int64 {
                const int sample = row % S::batch_tile, slot = row / S::batch_tile;
                return sample < samples ? (sample * Cell::gates + slot) * width : -1;
            });
            // Before the first step they are the initial ones.
            const State* before = t > 0 ? static_cast<const State*>(a.states) + (t - 1) * a.batch * width
                                        : static_cast<const State*>(a.initial);
            before += first_sample * width + unit;
            const int64 state_stride = (t > 0 ? a.time : 1) * a.batch * width;
            if (Cell::needed > 0)
                BeforeTile::template fetch<S::threads>(
                    tile + GateTile::bytes, units, before, [&](int row) -> int64 {
                        const int sample = row % S::batch_tile, state = needed_state(row / S::batch_tile);
                        return sample < samples ? state * state_stride + sample * width : -1;
                    });
            const State* gradients = static_cast<const State*>(a.d_states) + t * a.d_time +
                                     first_sample * a.d_batch + head * a.d_head + first_unit;
            GradientTile::template fetch<S::threads>(
                tile + GateTile::bytes + BeforeTile::bytes, units, gradients, [&](int row) -> int64 {
                    const int sample = row % S::batch_tile, state = row / S::batch_tile;
                    return sample < samples ? state * a.d_state + sample * a.d_batch : -1;
                });
        }
        close_copies();
    }

    // The gradients of the gates of the n-th step from the end, to global memory.
    DEVICE void flush(int64 n) const {
        const int64 t = a.time - 1 - n;
        OutputTile::template flush<S::threads>(
            memory + Areas::outputs + n % 2 * OutputTile::bytes, units,
            static_cast<Element*>(a.d_gates) + (t * a.batch + first_sample) * Cell::gates * width +
                head * S::head_dim + first_unit,
            [&](int row) -> int64 {
                const int sample = row % S::batch_tile, slot = row / S::batch_tile;
                return sample < samples ? (sample * Cell::gates + slot) * width : -1;
            });
    }

    DEVICE bool fresh(int64 t, int sample) const {
        return a.reset != nullptr && t >= 0 && sample < samples &&
               a.reset[t * a.batch + first_sample + sample] != 0;
    }

    DEVICE void run() {
        const Elements<S> place(thread);
        Family family(a, memory, memory + Areas::slice, memory + Areas::barriers);
        const float clip = a.clip, gradient_clip = a.gradient_clip;
        const bool cut = a.cut != 0;

        clear<S>(memory, Family::exchange + Family::slice);
#pragma unroll
        for (int stage = 0; stage < S::stages; ++stage) fetch(stage);

        // A row is a unit; along K lie the recurrent gates of one unit after those of another.
        Product<S> product;
        const int64 block = (int64(block_z()) * blocks_y() + block_y()) * S::blocks + block_x();
        product.load(thread, units, memory + Areas::matrix,
                     a.streamed + block * (512 * S::warps * S::tiles * S::streamed_steps),
                     [&](int, int unit, int k) {
                         const int gate = k % S::per_unit, from = k / S::per_unit;
                         return static_cast<const Element*>(
                             a.matrix)[((gate * a.heads + head) * S::head_dim + from) * S::head_dim +
                                       first_unit + unit];
                     });

        float gradient[count][Cell::states];
        bool fresh_now[count];
#pragma unroll
        for (int j = 0; j < count; ++j) {
            fresh_now[j] = fresh(a.time - 1, place.sample(j));
#pragma unroll
            for (int s = 0; s < Cell::states; ++s) gradient[j][s] = 0.0f;
        }
        wait_for_copies<S::stages - 1>();
        family.begin();
        block_barrier();

        Sums<S> sums;
        const int steps = int(a.time);
        for (int n = 0; n < steps; ++n) {
            char* input = memory + Areas::inputs + n % S::stages * input_bytes;
            char* output = memory + Areas::outputs + n % 2 * OutputTile::bytes;
            char* slice = family.slice_of(n + 1);
            bool fresh_next[count];
#pragma unroll
            for (int j = 0; j < count; ++j) {
                fresh_next[j] = fresh(steps - 2 - n, place.sample(j));
                if (!place.exists(j)) continue;
                const int unit = place.unit(j), sample = place.sample(j);
                float kept[Cell::gates], before[Cell::states], gate_gradient[Cell::gates];
#pragma unroll
                for (int slot = 0; slot < Cell::gates; ++slot)
                    kept[slot] = to_float(GateTile::at(input, slot * S::batch_tile + sample, unit));
                int row = 0;
#pragma unroll
                for (int s = 0; s < Cell::states; ++s) {
                    before[s] = 0.0f;
                    if (Cell::needs(s)) {
                        before[s] = to_float(
                            BeforeTile::at(input + GateTile::bytes, row * S::batch_tile + sample, unit));
                        if (fresh_now[j]) before[s] = float(a.values[s]);
                        ++row;
                    }
                    gradient[j][s] += to_float(GradientTile::at(input + GateTile::bytes + BeforeTile::bytes,
                                                                s * S::batch_tile + sample, unit));
                }
                Cell::template step_back<Functions>(kept, before, gradient[j], gate_gradient, clip);

                Element values[Cell::gates];
#pragma unroll
                for (int slot = 0; slot < Cell::gates; ++slot) {
                    from_float(gate_gradient[slot], values[slot]);
                    OutputTile::at(output, slot * S::batch_tile + sample, unit) = values[slot];
                }
                store_slots(slice + sample * Family::slice_pitch, unit, values);
            }
            wait_for_copies<S::stages - 2>();
            block_barrier();

            if (!cut) {
                family.publish(n + 1);
                family.await(n + 1);
                product.multiply(thread, family.buffer(n + 1), sums.own);
            }
            fetch(n + S::stages);
            flush(n);
            if (!cut) sums.meet(thread, memory + Areas::sums);
#pragma unroll
            for (int j = 0; j < count; ++j) {
                if (!cut && place.exists(j))
                    gradient[j][0] += sums.get(thread, memory + Areas::sums, place, j, 0);
                gradient[j][0] = clamped(gradient[j][0], gradient_clip);
#pragma unroll
                for (int s = 0; s < Cell::states; ++s)
                    if (fresh_now[j]) gradient[j][s] = 0.0f;
                fresh_now[j] = fresh_next[j];
            }
        }

#pragma unroll
        for (int j = 0; j < count; ++j) {
            const int unit = place.unit(j), sample = place.sample(j);
            if (!place.exists(j) || unit >= units || sample >= samples) continue;
#pragma unroll
            for (int s = 0; s < Cell::states; ++s)
                from_float(gradient[j][s],
                           static_cast<State*>(
                               a.d_initial)[(s * a.batch + first_sample + sample) * width +
                                            head * S::head_dim + first_unit + unit]);
        }
        family.end();
    }

    // The gradients of a unit's recurrent gates lie side by side, and are written in words where they fill
    // some.
    static DEVICE void store_slots(char* row, int unit, const Element (&values)[Cell::gates]) {
        Element* place = reinterpret_cast<Element*>(row) + unit * Cell::recurrent;
        if constexpr (Cell::recurrent == 4 && sizeof(Element) == 2) {
            *reinterpret_cast<Words2*>(place) = Words2{{bits_of(values[0]) | bits_of(values[1]) << 16,
                                                        bits_of(values[2]) | bits_of(values[3]) << 16}};
        } else if constexpr (Cell::recurrent == 4) {
            *reinterpret_cast<Words4*>(place) = Words4{
                {bits_of(values[0]), bits_of(values[1]), bits_of(values[2]), bits_of(values[3])}};
        } else {
#pragma unroll
            for (int slot = 0; slot < Cell::recurrent; ++slot) place[slot] = values[slot];
        }
    }
};
