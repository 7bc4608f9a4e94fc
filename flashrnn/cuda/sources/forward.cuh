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
    // Steps whose inputs are on their way. A block alone reads them in the step that uses them, while its product
    // is under way; others in the step before, while they wait for the message.
    static constexpr int ahead = S::stages - (Family::alone ? 1 : 0);

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
        const int steps = int(a.time);
        const int64 width = a.heads * S::head_dim, unit = head * S::head_dim + first_unit;
        const float clip = held(float(a.clip));
        float replacement[Cell::states];
#pragma unroll
        for (int s = 0; s < Cell::states; ++s) replacement[s] = held(float(a.values[s]));

        // Wx of step t; past the last step, nothing. Steps come in order, here and in `flush`.
        const typename InputTile::template Chunks<S::threads> inputs(units, [&](int row) -> int64 {
            const int sample = row % S::batch_tile, slot = row / S::batch_tile;
            return sample < samples ? slot * a.input_gate + sample * a.input_batch : -1;
        });
        const Input* from = static_cast<const Input*>(a.inputs) + first_sample * a.input_batch +
                            head * a.input_head + first_unit;
        const auto fetch = [&](int t) {
            if (t < steps) inputs.fetch(memory + Areas::inputs + uint32(t) % S::stages * InputTile::bytes, from);
            from += a.input_time;
            close_copies();
        };

        // Step t's states and gates to global memory.
        const typename StateTile::template Chunks<S::threads> states(units, [&](int row) -> int64 {
            const int sample = row % S::batch_tile, state = row / S::batch_tile;
            return sample < samples ? (state * a.time * a.batch + sample) * width : -1;
        });
        const typename GateTile::template Chunks<S::threads> gates(units, [&](int row) -> int64 {
            const int sample = row % S::batch_tile, slot = row / S::batch_tile;
            return sample < samples ? (sample * Cell::gates + slot) * width : -1;
        });
        State* to_states = static_cast<State*>(a.states) + first_sample * width + unit;
        Gate* to_gates = static_cast<Gate*>(a.gates) + first_sample * Cell::gates * width + unit;
        const int64 state_stride = held(a.batch * width), gate_stride = held(a.batch * Cell::gates * width);
        const auto flush = [&](int t) {
            const char* tile = memory + Areas::outputs + (t & 1) * output_bytes;
            states.flush(tile, to_states);
            to_states += state_stride;
            if (Training) {
                gates.flush(tile + StateTile::bytes, to_gates);
                to_gates += gate_stride;
            }
        };

        clear<S>(memory, Family::exchange + Family::slice);
#pragma unroll
        for (int stage = 0; stage < ahead; ++stage) fetch(stage);

        Product<S> product;
        const int64 block = (int64(block_z()) * blocks_y() + block_y()) * S::blocks + block_x();
        product.load(thread, units, memory + Areas::matrix,
                     a.streamed + block * (512 * S::warps * S::tiles * S::streamed_steps),
                     [&](int gate, int unit, int k) {
                         const int64 row = (gate * a.heads + head) * S::head_dim + first_unit + unit;
                         return *reinterpret_cast<const uint32*>(static_cast<const Element*>(a.matrix) +
                                                                 row * S::head_dim + k);
                     });

        float state[count][Cell::states], bias[count][Cell::gates];
        bool fresh_now[count], fresh_next[count];
#pragma unroll
        for (int j = 0; j < count; ++j) {
            const int unit = place.unit(j), sample = place.sample(j);
            const bool exists = place.exists(j) && unit < units;
            fresh_now[j] = fresh(0, sample);
            fresh_next[j] = fresh(1, sample);
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
            const float h = fresh(0, sample) ? replacement[0] : initial(0, sample, unit);
            from_float(h, reinterpret_cast<Element*>(family.buffer(0) + sample * S::row)[unit]);
        }
        wait_for_copies<S::stages - 2>();
        family.begin();
        block_barrier();

        // What step t does not need the product for.
        float gate[count][Cell::gates];
        const auto prepare = [&](int t) {
            char* input = memory + Areas::inputs + uint32(t) % S::stages * InputTile::bytes;
#pragma unroll
            for (int j = 0; j < count; ++j)
#pragma unroll
                for (int slot = 0; slot < Cell::gates; ++slot) {
                    gate[j][slot] = bias[j][slot];
                    if (slot >= first_input && place.exists(j))
                        gate[j][slot] += to_float(InputTile::at(
                            input, (slot - first_input) * S::batch_tile + place.sample(j), place.unit(j)));
                }
        };
        if (!Family::alone) prepare(0);

        const bool resets = a.reset != nullptr;
        const uint8* reset_later = a.reset + 2 * a.batch + first_sample;
        Sums<S> sums;
        for (int t = 0; t < steps; ++t) {
            if (t > 0) family.await(t);
            product.multiply(thread, family.buffer(t), sums.own);
            if (Family::alone) {
                prepare(t);
                if (t > 0) flush(t - 1);
                fetch(t + ahead);
            }
            bool fresh_later[count];
#pragma unroll
            for (int j = 0; j < count; ++j)
                fresh_later[j] =
                    resets && t + 2 < steps && place.sample(j) < samples && reset_later[place.sample(j)] != 0;
            reset_later += a.batch;
            sums.template meet<!Family::alone>(thread, memory + Areas::sums);

            char* slice = family.slice_of(t + 1);
            float kept[count][Cell::gates];
#pragma unroll
            for (int j = 0; j < count; ++j) {
                if (!place.exists(j)) continue;
                sums.template add<Cell::recurrent>(thread, memory + Areas::sums, place, j, gate[j]);
#pragma unroll
                for (int s = 0; s < Cell::states; ++s)
                    if (fresh_now[j]) state[j][s] = replacement[s];
                Cell::template step<Functions>(gate[j], state[j], kept[j]);
                state[j][0] = clamped(state[j][0], clip);
                from_float(fresh_next[j] ? replacement[0] : state[j][0],
                           reinterpret_cast<Element*>(slice + place.sample(j) * Family::slice_pitch)[place.unit(j)]);
            }

            if (t + 1 < steps) family.publish(t + 1, place);

            char* output = memory + Areas::outputs + (t & 1) * output_bytes;
#pragma unroll
            for (int j = 0; j < count; ++j) {
                fresh_now[j] = fresh_next[j];
                fresh_next[j] = fresh_later[j];
                if (!place.exists(j)) continue;
                const int unit = place.unit(j), sample = place.sample(j);
#pragma unroll
                for (int s = 0; s < Cell::states; ++s)
                    from_float(state[j][s], StateTile::at(output, s * S::batch_tile + sample, unit));
                if (Training)
#pragma unroll
                    for (int slot = 0; slot < Cell::gates; ++slot)
                        from_float(kept[j][slot], GateTile::at(output + StateTile::bytes,
                                                               slot * S::batch_tile + sample, unit));
            }
            if (!Family::alone) {
                prepare(t + 1);
                if (t > 0) flush(t - 1);
                fetch(t + ahead);
            }
            wait_for_copies<S::stages - 2>();
            if (Family::alone) block_barrier();
        }
        if (!Family::alone) block_barrier();
        flush(steps - 1);
        family.end();
    }
};
