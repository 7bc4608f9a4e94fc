// The forward loop: g = R h + Wx + b, then the cell, for all steps.
#pragma once
#include "cells.cuh"
#include "exchange.cuh"
#include "sums.cuh"

template <class Cell, class S, template <class> class Exchange, class Functions, class Input, class State,
          class Gate, bool Training>
struct Forward {
    using Element = typename S::Element;
    using Family = Exchange<S>;
    using InputTile = Tile<Input, Cell::inputs * S::batch_tile, S::units>;   // rows: slot, sample
    using StateTile = Tile<State, Cell::states * S::batch_tile, S::units>;   // rows: state, sample
    using GateTile = Tile<Gate, Cell::gates * S::batch_tile, S::units>;      // rows: slot, sample
    static constexpr int output_bytes = StateTile::bytes + (Training ? GateTile::bytes : 0);
    using Areas = Layout<S, Family, InputTile::bytes, output_bytes>;
    static constexpr int count = Elements<S>::count;
    static constexpr int first_input = Cell::gates - Cell::inputs;

    const Arguments& a;
    const int thread;
    const int64 head, first_sample;
    const int first_unit, units, samples;  // of this block; units and samples that exist
    char* const memory;

    DEVICE Forward(const Arguments& arguments)
        : a(arguments),
          thread(thread_index()),
          head(arguments.first_head + block_z()),
          first_sample(arguments.first_sample + int64(block_y()) * S::batch_tile),
          first_unit(block_x() * S::units),
          units(smaller(S::units, S::head_dim - first_unit)),
          samples(int(arguments.batch - first_sample < S::batch_tile ? arguments.batch - first_sample
                                                                     : S::batch_tile)),
          memory(shared_memory()) {}

    // Wx of step t; past the last step, nothing.
    DEVICE void fetch(int64 t) const {
        if (t < a.time) {
            const Input* begin = static_cast<const Input*>(a.inputs) + t * a.input_time +
                                 first_sample * a.input_batch + head * a.input_head + first_unit;
            InputTile::template fetch<S::threads>(
                memory + Areas::inputs + t % S::stages * InputTile::bytes, units, begin, [&](int row) -> int64 {
                    const int sample = row % S::batch_tile, slot = row / S::batch_tile;
                    return sample < samples ? slot * a.input_gate + sample * a.input_batch : -1;
                });
        }
        close_copies();
    }

    // Step t's states and gates to global memory.
    DEVICE void flush(int64 t) const {
        const char* tile = memory + Areas::outputs + t % 2 * output_bytes;
        const int64 unit = head * S::head_dim + first_unit, width = a.heads * S::head_dim;
        const int64 row_of_step = t * a.batch + first_sample, state_stride = a.time * a.batch * width;
        StateTile::template flush<S::threads>(
            tile, units, static_cast<State*>(a.states) + row_of_step * width + unit, [&](int row) -> int64 {
                const int sample = row % S::batch_tile, state = row / S::batch_tile;
                return sample < samples ? state * state_stride + sample * width : -1;
            });
        if (Training)
            GateTile::template flush<S::threads>(
                tile + StateTile::bytes, units,
                static_cast<Gate*>(a.gates) + row_of_step * Cell::gates * width + unit, [&](int row) -> int64 {
                    const int sample = row % S::batch_tile, slot = row / S::batch_tile;
                    return sample < samples ? (sample * Cell::gates + slot) * width : -1;
                });
    }

    // Whether the states of a sample are replaced before step t.
    DEVICE bool fresh(int64 t, int sample) const {
        return a.reset != nullptr && t < a.time && sample < samples &&
               a.reset[t * a.batch + first_sample + sample] != 0;
    }

    DEVICE float initial(int state, int sample, int unit) const {
        return to_float(static_cast<const State*>(
            a.initial)[((state * a.batch + first_sample + sample) * a.heads + head) * S::head_dim + unit]);
    }

    DEVICE void run() {
        const Elements<S> place(thread);
        Family family(a, memory, memory + Areas::slice, memory + Areas::barriers);
        const float clip = a.clip;

        clear<S>(memory, Family::exchange + Family::slice);
        fetch(0);
#pragma unroll
        for (int stage = 1; stage < S::stages - 1; ++stage) fetch(stage);

        Product<S> product;
        const int64 block = (int64(block_z()) * blocks_y() + block_y()) * S::blocks + block_x();
        product.load(thread, units, memory + Areas::matrix,
                     a.streamed + block * (512 * S::warps * S::tiles * S::streamed_steps),
                     [&](int gate, int unit, int k) {
                         return static_cast<const Element*>(
                             a.matrix)[((gate * a.heads + head) * S::head_dim + first_unit + unit) * S::head_dim + k];
                     });

        float state[count][Cell::states], bias[count][Cell::gates];
        bool fresh_now[count];
#pragma unroll
        for (int j = 0; j < count; ++j) {
            const int unit = place.unit(j), sample = place.sample(j);
            const bool exists = place.exists(j) && unit < units;
            fresh_now[j] = fresh(0, sample);
#pragma unroll
            for (int s = 0; s < Cell::states; ++s)
                state[j][s] = exists && sample < samples ? initial(s, sample, first_unit + unit) : 0.0f;
#pragma unroll
            for (int slot = 0; slot < Cell::gates; ++slot)
                bias[j][slot] =
                    exists ? a.bias[(slot * a.heads + head) * S::head_dim + first_unit + unit] : 0.0f;
        }

        // Message t is h before step t. Every block writes the whole of the first for itself.
        block_barrier();
        for (int i = thread; i < samples * S::head_dim; i += S::threads) {
            const int sample = i / S::head_dim, unit = i % S::head_dim;
            const float h = fresh(0, sample) ? float(a.values[0]) : initial(0, sample, unit);
            from_float(h, reinterpret_cast<Element*>(family.buffer(0) + sample * S::row)[unit]);
        }
        wait_for_copies<S::stages - 2>();
        family.begin();
        block_barrier();

        Sums<S> sums;
        const int steps = int(a.time);
        for (int t = 0; t < steps; ++t) {
            if (t > 0) family.await(t);
            product.multiply(thread, family.buffer(t), sums.own);
            bool fresh_next[count];
#pragma unroll
            for (int j = 0; j < count; ++j) fresh_next[j] = fresh(t + 1, place.sample(j));
            fetch(t + S::stages - 1);
            if (t > 0) flush(t - 1);
            sums.meet(thread, memory + Areas::sums);

            char* input = memory + Areas::inputs + t % S::stages * InputTile::bytes;
            char* output = memory + Areas::outputs + t % 2 * output_bytes;
            char* slice = family.slice_of(t + 1);
#pragma unroll
            for (int j = 0; j < count; ++j) {
                if (!place.exists(j)) continue;
                const int unit = place.unit(j), sample = place.sample(j);
                float gate[Cell::gates], kept[Cell::gates];
#pragma unroll
                for (int slot = 0; slot < Cell::gates; ++slot) {
                    gate[slot] = bias[j][slot];
                    if (slot >= first_input)
                        gate[slot] += to_float(
                            InputTile::at(input, (slot - first_input) * S::batch_tile + sample, unit));
                    if (slot < Cell::recurrent)
                        gate[slot] += sums.get(thread, memory + Areas::sums, place, j, slot);
                }
                if (fresh_now[j])
#pragma unroll
                    for (int s = 0; s < Cell::states; ++s) state[j][s] = float(a.values[s]);
                Cell::template step<Functions>(gate, state[j], kept);
                state[j][0] = clamped(state[j][0], clip);

                const float h = fresh_next[j] ? float(a.values[0]) : state[j][0];
                from_float(h, reinterpret_cast<Element*>(slice + sample * Family::slice_pitch)[unit]);
#pragma unroll
                for (int s = 0; s < Cell::states; ++s)
                    from_float(state[j][s], StateTile::at(output, s * S::batch_tile + sample, unit));
                if (Training)
#pragma unroll
                    for (int slot = 0; slot < Cell::gates; ++slot)
                        from_float(kept[slot], GateTile::at(output + StateTile::bytes,
                                                            slot * S::batch_tile + sample, unit));
                fresh_now[j] = fresh_next[j];
            }
            wait_for_copies<S::stages - 2>();
            block_barrier();
            if (t + 1 < steps) family.publish(t + 1);
        }
        flush(steps - 1);
        family.end();
    }
};
