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
        Words2* mine = reinterpret_cast<Words2*>(area) + thread / 32 * (64 * S::tiles * S::columns) + thread % 32;
#pragma unroll
        for (int tile = 0; tile < S::tiles; ++tile)
#pragma unroll
            for (int column = 0; column < S::columns; ++column)
#pragma unroll
                for (int half = 0; half < 2; ++half) {
                    const float(&sums)[4] = own[tile][column];
                    mine[((tile * S::columns + column) * 2 + half) * 32] = Words2{
                        {bits_of(sums[half * first]), bits_of(sums[half * first + second])}};
                }
        block_barrier();
    }

    // Adds the sums of element j to its gates, of which it has the first `Count`.
    template <int Count, int All>
    DEVICE void add(int thread, const char* area, const Elements<S>& place, int j, float (&gates)[All]) const {
        if (S::sum_warps == 1) {
            const float* sums = &own[0][0][0];
#pragma unroll
            for (int gate = 0; gate < Count; ++gate) {
                const int number = place.sum(j, gate);
                gates[gate] += place.second_copy() ? sums[number + 1] : sums[number];
            }
            return;
        }
#pragma unroll
        for (int warp = 0; warp < S::sum_warps; ++warp) {
            const Words2* words =
                reinterpret_cast<const Words2*>(area) + thread % 32 +
                (warp * S::unit_warps + place.unit_warp) * (64 * S::tiles * S::columns);
#pragma unroll
            for (int gate = 0; gate < Count; gate += S::paired ? 2 : 1) {
                const int number = place.sum(j, gate) + place.second_copy();
                const int which = number % 4, half = S::paired ? which : which / 2;
                const Words2 both = words[(number / 4 * 2 + half) * 32 + place.lanes_to_sum(j, gate)];
                if (S::paired) {
                    gates[gate] += float_of(both.word[0]);
                    gates[gate + 1] += float_of(both.word[1]);
                } else {
                    gates[gate] += float_of(which % 2 != 0 ? both.word[1] : both.word[0]);
                }
            }
        }
    }

private:
    // Sums lie in pairs: those of one element's two gates, or else those of two elements.
    static constexpr int first = S::paired ? 1 : 2, second = S::paired ? 2 : 1;
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
