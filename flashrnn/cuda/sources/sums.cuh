// From the product's sums to a thread's elements, and a block's shared memory as a whole.
#pragma once
#include "product.cuh"

// The sums of a thread. Where several warps share the sum over K, they meet in shared memory.
template <class S>
struct Sums {
    float own[S::tiles][S::columns][4];

    static constexpr int bytes = S::sum_warps > 1 ? 512 * S::warps * S::tiles * S::columns : 0;

    // Every thread of the block comes here; with `Always`, they wait for each other in any case.
    template <bool Always>
    DEVICE void meet(int thread, char* area) const {
        if (S::sum_warps == 1) {
            if (Always) block_barrier();
            return;
        }
        float* mine = reinterpret_cast<float*>(area) + thread / 32 * (128 * S::tiles * S::columns) + thread % 32;
#pragma unroll
        for (int tile = 0; tile < S::tiles; ++tile)
#pragma unroll
            for (int column = 0; column < S::columns; ++column)
#pragma unroll
                for (int i = 0; i < 4; ++i) mine[((tile * S::columns + column) * 4 + i) * 32] = own[tile][column][i];
        block_barrier();
    }

    // The sum that is row `gate` of element j.
    DEVICE float get(int thread, const char* area, const Elements<S>& place, int j, int gate) const {
        const int number = place.sum(j, gate);
        const bool second = S::batch_tile == 4 && place.quarter >= 2;
        if (S::sum_warps == 1) {
            const float* sums = &own[0][0][0];
            return second ? sums[number + 1] : sums[number];
        }
        const float* shared = reinterpret_cast<const float*>(area) + (number + second) * 32 + thread % 32;
        float sum = 0.0f;
#pragma unroll
        for (int warp = 0; warp < S::sum_warps; ++warp)
            sum += shared[(warp * S::unit_warps + place.unit_warp) * (128 * S::tiles * S::columns)];
        return sum;
    }
};

// Where the parts of shared memory begin; `Inputs` and `Outputs` are bytes of one step.
template <class S, class Family, int Inputs, int Outputs>
struct Layout {
    static constexpr int slice = Family::exchange;
    static constexpr int matrix = slice + Family::slice;
    static constexpr int sums = matrix + 512 * S::warps * S::tiles * S::shared_steps;
    static constexpr int inputs = sums + Sums<S>::bytes;
    static constexpr int outputs = inputs + S::stages * Inputs;
    static constexpr int barriers = outputs + 2 * Outputs;
    static constexpr int bytes = barriers + Family::barriers;
};

// Nothing that was never written may be multiplied, not even by zero.
template <class S>
DEVICE void clear(char* area, int bytes) {
    for (int i = thread_index(); i < bytes / 16; i += S::threads)
        reinterpret_cast<Words4*>(area)[i] = Words4{{0, 0, 0, 0}};
}
