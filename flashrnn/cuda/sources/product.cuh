// The step's matrix product: rows of R that stay with a warp, times what was exchanged after the last step.
#pragma once
#include "tiles.cuh"

// The kinds of product. `Element` is the dtype of R and of what is exchanged; `Factor` is a lane's part of 16
// rows and 32 bytes as the product wants it, which `factor` makes once of what stays in registers; `multiply`
// adds the product with 8 columns of 32 bytes each.

struct Bfloat16 {
    using Element = bfloat16;
    using Factor = Words4;
    static DEVICE Factor factor(const Words4& words) { return words; }
    static DEVICE void multiply(float (&sum)[4], const Factor& a, uint32 b0, uint32 b1) {
        multiply_bfloat16(sum, a.word, b0, b1);
    }
};

struct Float16 {
    using Element = float16;
    using Factor = Words4;
    static DEVICE Factor factor(const Words4& words) { return words; }
    static DEVICE void multiply(float (&sum)[4], const Factor& a, uint32 b0, uint32 b1) {
        multiply_float16(sum, a.word, b0, b1);
    }
};

struct Tf32 {
    using Element = float;
    using Factor = Words4;
    static DEVICE Factor factor(const Words4& words) {
        Factor rounded;
#pragma unroll
        for (int i = 0; i < 4; ++i) rounded.word[i] = round_to_tf32(float_of(words.word[i]));
        return rounded;
    }
    static DEVICE void multiply(float (&sum)[4], const Factor& a, uint32 b0, uint32 b1) {
        multiply_tf32(sum, a.word, round_to_tf32(float_of(b0)), round_to_tf32(float_of(b1)));
    }
};

// A float32 number is the sum of two TF32 numbers but for 2^-24 of it; of the four products the smallest is
// left out, which is as small. (CUTLASS calls this 3xTF32.)
struct Float32 {
    using Element = float;
    struct Factor {
        Words4 large, small;
    };
    static DEVICE void split(uint32 value, uint32& large, uint32& small) {
        large = round_to_tf32(float_of(value));
        small = round_to_tf32(float_of(value) - float_of(large));
    }
    static DEVICE Factor factor(const Words4& words) {
        Factor halves;
#pragma unroll
        for (int i = 0; i < 4; ++i) split(words.word[i], halves.large.word[i], halves.small.word[i]);
        return halves;
    }
    static DEVICE void multiply(float (&sum)[4], const Factor& a, uint32 b0, uint32 b1) {
        uint32 b0_large, b0_small, b1_large, b1_small;
        split(b0, b0_large, b0_small);
        split(b1, b1_large, b1_small);
        multiply_tf32(sum, a.small.word, b0_large, b1_large);
        multiply_tf32(sum, a.large.word, b0_small, b1_small);
        multiply_tf32(sum, a.large.word, b0_large, b1_large);
    }
};

// A warp's rows of the matrix. The first steps of K are in registers, the next in shared memory, the rest in
// global memory (and so in L2); what is not in registers lies there as the lane wants it, 16 bytes a step.
template <class S>
struct Product {
    using Math = typename S::Math;
    using Element = typename S::Element;
    // Few tiles leave the matrix unit waiting for its own sums: then several sums take turns.
    static constexpr int together = S::tiles * S::columns;
    static constexpr int chains = smaller(together >= 4 ? 1 : together >= 2 ? 2 : 4, S::steps_of_warp);

    typename Math::Factor kept[S::tiles][larger(S::register_steps, 1)];
    Words4* shared;
    Words4* streamed;

    // word(row_of_unit, unit, k) gives the 4 bytes of the matrix that begin at k; it is asked only for what
    // exists.
    template <class Word>
    DEVICE void load(int thread, int units, char* shared_part, char* streamed_part, Word word) {
        const Elements<S> place(thread);
        const int warp = thread / 32, lane = thread % 32;
        shared = reinterpret_cast<Words4*>(shared_part) + warp * S::tiles * S::shared_steps * 32 + lane;
        streamed = reinterpret_cast<Words4*>(streamed_part) + warp * S::tiles * S::streamed_steps * 32 + lane;
#pragma unroll
        for (int tile = 0; tile < S::tiles; ++tile) {
            const auto fragment = [&](int step) {
                Words4 words;
#pragma unroll
                for (int w = 0; w < 4; ++w) {
                    const int half = w % 2, row = place.lane_row;
                    const bool halved = S::half_group && tile == S::tiles - 1;  // four gates of four units
                    const int in_group = halved ? row % 4 : S::paired ? row : row + 8 * half;
                    const int gate = halved       ? row / 4 * 2 + half
                                     : S::paired ? tile % S::group_tiles * 2 + half
                                                 : tile % S::group_tiles;
                    const int unit =
                        (tile / S::group_tiles * S::unit_warps + place.unit_warp) * S::group + in_group;
                    constexpr int values = 4 / S::element_bytes;
                    const int k = (place.sum_warp * S::steps_of_warp + step) * S::step_values +
                                  (w / 2 * 4 + place.quarter) * values;
                    words.word[w] = unit < units && (S::even_steps || k < S::k_values) ? word(gate, unit, k) : 0;
                }
                return words;
            };
#pragma unroll
            for (int step = 0; step < S::register_steps; ++step) kept[tile][step] = Math::factor(fragment(step));
#pragma unroll 2
            for (int step = 0; step < S::shared_steps; ++step)
                shared[(tile * S::shared_steps + step) * 32] = fragment(S::register_steps + step);
#pragma unroll 2
            for (int step = 0; step < S::streamed_steps; ++step)
                streamed[(tile * S::streamed_steps + step) * 32] =
                    fragment(S::register_steps + S::shared_steps + step);
        }
    }

    // sums = rows × columns; `buffer` has a row of S::row bytes for each sample.
    DEVICE void multiply(int thread, const char* buffer, float (&sums)[S::tiles][S::columns][4]) const {
        const Elements<S> place(thread);
        const int lane = thread % 32, sample = S::batch_tile == 4 ? lane % 4 : lane % 8;
        const char* begin = buffer + sample * S::row + place.sum_warp * S::steps_of_warp * 32 + lane / 8 * 16;
        float partial[chains][S::tiles][S::columns][4];
#pragma unroll
        for (int chain = 0; chain < chains; ++chain)
#pragma unroll
            for (int tile = 0; tile < S::tiles; ++tile)
#pragma unroll
                for (int column = 0; column < S::columns; ++column)
#pragma unroll
                    for (int i = 0; i < 4; ++i) partial[chain][tile][column][i] = 0.0f;

        uint32 pair[S::columns][4];
#pragma unroll
        for (int step = 0; step < S::register_steps; ++step) {
            if (step % 2 == 0)
#pragma unroll
                for (int column = 0; column < S::columns; ++column)
                    load_pair(pair[column], begin + column * 8 * S::row, step);
#pragma unroll
            for (int tile = 0; tile < S::tiles; ++tile)
#pragma unroll
                for (int column = 0; column < S::columns; ++column)
                    Math::multiply(partial[step % chains][tile][column], kept[tile][step],
                                   pair[column][step % 2 * 2], pair[column][step % 2 * 2 + 1]);
        }
        from_memory<S::shared_steps, S::shared_steps>(S::register_steps, shared, begin, partial);
        from_memory<S::streamed_steps, 4>(S::register_steps + S::shared_steps, streamed, begin, partial);

#pragma unroll
        for (int tile = 0; tile < S::tiles; ++tile)
#pragma unroll
            for (int column = 0; column < S::columns; ++column)
#pragma unroll
                for (int i = 0; i < 4; ++i) {
                    sums[tile][column][i] = partial[0][tile][column][i];
#pragma unroll
                    for (int chain = 1; chain < chains; ++chain)
                        sums[tile][column][i] += partial[chain][tile][column][i];
                }
    }

private:
    // Two steps' columns at once, or the last step's alone.
    static DEVICE void load_pair(uint32 (&pair)[4], const char* begin, int step) {
        if (step + 1 < S::register_steps) {
            load_matrices(pair, begin + step * 32);
        } else {
            uint32 single[2];
            load_matrices(single, begin + step * 32);
            pair[0] = single[0];
            pair[1] = single[1];
        }
    }

    // Unrolled, so that the compiler loads well ahead of the product.
    template <int Steps, int Unroll>
    static DEVICE void from_memory(int first, const Words4* fragments, const char* begin,
                                   float (&partial)[chains][S::tiles][S::columns][4]) {
        constexpr int group = larger(chains, 2);
        begin += first * 32;
#pragma unroll(larger(Unroll / group, 1))
        for (int step = 0; step < Steps / group * group; step += group)
#pragma unroll
            for (int next = 0; next < group; next += 2) {
                uint32 pair[S::columns][4];
#pragma unroll
                for (int column = 0; column < S::columns; ++column)
                    load_matrices(pair[column], begin + column * 8 * S::row + (step + next) * 32);
                one_step<Steps>(step + next, fragments, pair, 0, partial[next % chains]);
                one_step<Steps>(step + next + 1, fragments, pair, 2, partial[(next + 1) % chains]);
            }
#pragma unroll
        for (int step = Steps / group * group; step < Steps; ++step) {
            uint32 single[S::columns][2];
#pragma unroll
            for (int column = 0; column < S::columns; ++column)
                load_matrices(single[column], begin + column * 8 * S::row + step * 32);
            one_step<Steps>(step, fragments, single, 0, partial[step % chains]);
        }
    }

    // The words of a step begin at `from` of what was loaded.
    template <int Steps, int Words>
    static DEVICE void one_step(int step, const Words4* fragments, const uint32 (&loaded)[S::columns][Words],
                                int from, float (&partial)[S::tiles][S::columns][4]) {
#pragma unroll
        for (int tile = 0; tile < S::tiles; ++tile) {
            const auto factor = Math::factor(fragments[(tile * Steps + step) * 32]);
#pragma unroll
            for (int column = 0; column < S::columns; ++column)
                Math::multiply(partial[tile][column], factor, loaded[column][from], loaded[column][from + 1]);
        }
    }
};
