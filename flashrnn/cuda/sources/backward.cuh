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
    using Derivative = typename Cell::template Derivative<Functions>;

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

    DEVICE bool fresh(int64 t, int sample) const {
        return a.reset != nullptr && t >= 0 && sample < samples &&
               a.reset[t * a.batch + first_sample + sample] != 0;
    }

    DEVICE void run() {
        const Elements<S> place(thread);
        Family family(a, memory, memory + Areas::slice, memory + Areas::barriers);
        const int steps = int(a.time);
        const int64 unit = head * S::head_dim + first_unit;
        const float clip = held(float(a.clip)), gradient_clip = held(float(a.gradient_clip));
        const bool cut = a.cut != 0, resets = a.reset != nullptr;
        float replacement[Cell::states];
#pragma unroll
        for (int s = 0; s < Cell::states; ++s) replacement[s] = held(float(a.values[s]));

        // Kept gates, states before the step and gradients of those after it, for the n-th step from the end.
        // Steps come in order, here and in `flush`.
        const auto gate_row = [&](int row) -> int64 {
            const int sample = row % S::batch_tile, slot = row / S::batch_tile;
            return sample < samples ? (sample * Cell::gates + slot) * width : -1;
        };
        const auto state_row = [&](int64 time) {
            return [=](int row) -> int64 {
                const int sample = row % S::batch_tile, state = needed_state(row / S::batch_tile);
                return sample < samples ? (state * time * a.batch + sample) * width : -1;
            };
        };
        using GateChunks = typename GateTile::template Chunks<S::threads>;
        using BeforeChunks = typename BeforeTile::template Chunks<S::threads>;
        const GateChunks gates(units, gate_row);
        const BeforeChunks states(units, state_row(a.time));
        const typename GradientTile::template Chunks<S::threads> gradients(units, [&](int row) -> int64 {
            const int sample = row % S::batch_tile, state = row / S::batch_tile;
            return sample < samples ? state * a.d_state + sample * a.d_batch : -1;
        });
        const Gate* from_gates = static_cast<const Gate*>(a.gates) +
                                 ((steps - 1) * a.batch + first_sample) * Cell::gates * width + unit;
        const State* from_states =
            static_cast<const State*>(a.states) + ((steps - 2) * a.batch + first_sample) * width + unit;
        const State* from_gradients = static_cast<const State*>(a.d_states) + (steps - 1) * a.d_time +
                                      first_sample * a.d_batch + head * a.d_head + first_unit;
        const int64 state_stride = held(a.batch * width), gate_stride = held(a.batch * Cell::gates * width);
        const auto fetch = [&](int n) {
            char* tile = memory + Areas::inputs + uint32(n) % S::stages * input_bytes;
            if (n < steps) {
                gates.fetch(tile, from_gates);
                gradients.fetch(tile + GateTile::bytes + BeforeTile::bytes, from_gradients);
            }
            if (Cell::needed > 0) {
                if (n < steps - 1) states.fetch(tile + GateTile::bytes, from_states);
                // Before the first step they are the initial ones.
                if (n == steps - 1)
                    BeforeChunks(units, state_row(1))
                        .fetch(tile + GateTile::bytes,
                               static_cast<const State*>(a.initial) + first_sample * width + unit);
            }
            from_gates -= gate_stride;
            from_states -= state_stride;
            from_gradients -= a.d_time;
            close_copies();
        };

        // The gradients of the gates of the n-th step from the end, to global memory.
        const typename OutputTile::template Chunks<S::threads> outputs(units, gate_row);
        Element* to_gates = static_cast<Element*>(a.d_gates) +
                            ((steps - 1) * a.batch + first_sample) * Cell::gates * width + unit;
        const auto flush = [&](int n) {
            outputs.flush(memory + Areas::outputs + (n & 1) * OutputTile::bytes, to_gates);
            to_gates -= gate_stride;
        };

        clear<S>(memory, Family::exchange + Family::slice);
#pragma unroll
        for (int stage = 0; stage < S::stages; ++stage) fetch(stage);

        // A row is a unit; along K lie the recurrent gates of one unit after those of another.
        Product<S> product;
        const int64 block = (int64(block_z()) * blocks_y() + block_y()) * S::blocks + block_x();
        product.load(thread, units, memory + Areas::matrix,
                     a.streamed + block * (512 * S::warps * S::tiles * S::streamed_steps),
                     [&](int, int unit, int k) {
                         uint32 word = 0;
#pragma unroll
                         for (int v = 0; v < 4 / S::element_bytes; ++v) {
                             const int gate = (k + v) % S::per_unit, from = (k + v) / S::per_unit;
                             const Element value = static_cast<const Element*>(
                                 a.matrix)[((gate * a.heads + head) * S::head_dim + from) * S::head_dim +
                                           first_unit + unit];
                             word |= bits_of(value) << (8 * S::element_bytes * v % 32);
                         }
                         return word;
                     });
        wait_for_copies<S::stages - 2>();
        family.begin();
        block_barrier();

        float gradient[count][Cell::states];
        Derivative derivative[count];
        bool fresh_now[count], fresh_next[count];
#pragma unroll
        for (int j = 0; j < count; ++j) {
            fresh_now[j] = fresh(steps - 1, place.sample(j));
            fresh_next[j] = fresh(steps - 2, place.sample(j));
            if (!place.exists(j)) continue;
            const char* input = memory + Areas::inputs;
            derivative[j] = derive(input, place.sample(j), place.unit(j), fresh_now[j], replacement, clip);
#pragma unroll
            for (int s = 0; s < Cell::states; ++s)
                gradient[j][s] = incoming(input, s, place.sample(j), place.unit(j));
        }

        block_barrier();  // the first stage is free

        const uint8* reset_later = a.reset + (steps - 3) * a.batch + first_sample;
        Sums<S> sums;
        for (int n = 0; n < steps; ++n) {
            char* output = memory + Areas::outputs + (n & 1) * OutputTile::bytes;
            char* slice = family.slice_of(n + 1);
#pragma unroll
            for (int j = 0; j < count; ++j) {
                if (!place.exists(j)) continue;
                const int unit = place.unit(j), sample = place.sample(j);
                float gate_gradient[Cell::gates];
                derivative[j].apply(gradient[j], gate_gradient);
                Element values[Cell::gates];
#pragma unroll
                for (int slot = 0; slot < Cell::gates; ++slot) {
                    from_float(gate_gradient[slot], values[slot]);
                    OutputTile::at(output, slot * S::batch_tile + sample, unit) = values[slot];
                }
                store_slots(slice + sample * Family::slice_pitch, unit, values);
            }
            family.publish(n + 1, place);
            if (Family::alone) {
                wait_for_copies<S::stages - 2>();
                block_barrier();
                product.multiply(thread, family.buffer(n + 1), sums.own);
            }

            // What the next step does not need the product for is done while it is under way, or the message.
            // After the last step that is nothing, and not used.
            const bool last = n + 1 == steps;
            const char* input = memory + Areas::inputs + uint32(n + 1) % S::stages * input_bytes;
            float added[count][Cell::states];
            bool fresh_later[count];
#pragma unroll
            for (int j = 0; j < count; ++j) {
                const int sample = place.sample(j);
                fresh_later[j] = resets && n + 3 <= steps && sample < samples && reset_later[sample] != 0;
                if (!place.exists(j)) continue;
                derivative[j] = derive(input, sample, place.unit(j), fresh_next[j], replacement, clip);
#pragma unroll
                for (int s = 0; s < Cell::states; ++s)
                    added[j][s] = last ? 0.0f : incoming(input, s, sample, place.unit(j));
            }
            reset_later -= a.batch;
            fetch(n + S::stages);
            if (Family::alone) {
                flush(n);
            } else {
                if (n > 0) flush(n - 1);
                wait_for_copies<S::stages - 2>();
                family.await(n + 1);
                product.multiply(thread, family.buffer(n + 1), sums.own);
            }
            sums.template meet<!Family::alone>(thread, memory + Areas::sums);
#pragma unroll
            for (int j = 0; j < count; ++j) {
                float from_next[1] = {0.0f};
                if (place.exists(j)) sums.template add<1>(thread, memory + Areas::sums, place, j, from_next);
                if (!cut) gradient[j][0] += from_next[0];
                gradient[j][0] = clamped(gradient[j][0], gradient_clip);
#pragma unroll
                for (int s = 0; s < Cell::states; ++s)
                    gradient[j][s] = (fresh_now[j] ? 0.0f : gradient[j][s]) + added[j][s];
                fresh_now[j] = fresh_next[j];
                fresh_next[j] = fresh_later[j];
            }
        }
        if (!Family::alone) flush(steps - 1);

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

    // The derivative of a step, from its tile.
    static DEVICE Derivative derive(const char* input, int sample, int unit, bool fresh,
                                    const float (&replacement)[Cell::states], float clip) {
        float kept[Cell::gates], before[Cell::states];
#pragma unroll
        for (int slot = 0; slot < Cell::gates; ++slot)
            kept[slot] = to_float(GateTile::at(input, slot * S::batch_tile + sample, unit));
        int row = 0;
#pragma unroll
        for (int s = 0; s < Cell::states; ++s) {
            before[s] = 0.0f;
            if (Cell::needs(s)) {
                const State kept_state =
                    BeforeTile::at(input + GateTile::bytes, row++ * S::batch_tile + sample, unit);
                before[s] = fresh ? replacement[s] : to_float(kept_state);
            }
        }
        return Derivative(kept, before, clip);
    }

    // The gradient of state s after a step that comes from outside, from the step's tile.
    static DEVICE float incoming(const char* input, int state, int sample, int unit) {
        return to_float(GradientTile::at(input + GateTile::bytes + BeforeTile::bytes,
                                         state * S::batch_tile + sample, unit));
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
