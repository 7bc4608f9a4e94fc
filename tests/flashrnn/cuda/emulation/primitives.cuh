// The host's twin of the kernels' primitives.cuh: the same names, on the machine of machine.h.
#pragma once
#include <cmath>

#include "machine.h"

#define DEVICE inline
#define KERNEL(threads, blocks_per_sm) void
#define CLUSTER_KERNEL(blocks, threads, blocks_per_sm) void

using uint8 = unsigned char;
using uint16 = unsigned short;
using uint32 = unsigned int;
using int64 = long long;
using uint64 = unsigned long long;

struct bfloat16 {
    uint16 bits;
};
struct float16 {
    uint16 bits;
};
struct alignas(8) Words2 {
    uint32 word[2];
};
struct alignas(16) Words4 {
    uint32 word[4];
};

inline uint32 bits_of(float value) {
    uint32 bits;
    std::memcpy(&bits, &value, 4);
    return bits;
}
inline float float_of(uint32 bits) {
    float value;
    std::memcpy(&value, &bits, 4);
    return value;
}
inline uint32 bits_of(bfloat16 value) { return value.bits; }
inline uint32 bits_of(float16 value) { return value.bits; }

inline float to_float(float value) { return value; }
inline float to_float(bfloat16 value) { return float_of(uint32(value.bits) << 16); }
inline float to_float(float16 value) {
    _Float16 half;
    std::memcpy(&half, &value.bits, 2);
    return float(half);
}
inline void from_float(float value, float& result) { result = value; }
inline void from_float(float value, bfloat16& result) {
    const uint32 bits = bits_of(value);
    result.bits = std::isnan(value) ? 0x7fff : uint16((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
inline void from_float(float value, float16& result) {
    const _Float16 half = _Float16(value);
    std::memcpy(&result.bits, &half, 2);
}
// To nearest, ties away from zero.
inline uint32 round_to_tf32(float value) {
    return std::isnan(value) ? 0x7fffe000 : (bits_of(value) + 0x1000) & 0xffffe000;
}

inline float held(float value) { return value; }
inline int64 held(int64 value) { return value; }

// Rounded as coarsely as the special unit's are.
inline float approximate_tanh(float x) { return float_of((bits_of(std::tanh(x)) + 0x800) & 0xfffff000); }
inline float approximate_exp2(float x) { return std::exp2(x); }
inline float approximate_log2(float x) { return std::log2(x); }
inline float reciprocal(float x) { return 1.0f / x; }

inline int thread_index() { return machine::the->current->index; }
inline int block_x() { return machine::the->current->block->x; }
inline int block_y() { return machine::the->current->block->y; }
inline int block_z() { return machine::the->current->block->z; }
inline int blocks_y() { return machine::the->grid[1]; }
inline int blocks_z() { return machine::the->grid[2]; }
inline char* shared_memory() { return machine::the->current->block->memory.data(); }

template <class Words>
void aligned(const Words* pointer) {
    if (reinterpret_cast<std::uintptr_t>(pointer) % sizeof(Words)) machine::fail(machine::misaligned);
}

// Matrices --------------------------------------------------------------------------------------------------

// `value(word, i)` is the i-th number of a word, of `values`.
template <int values, float (*value)(uint32, int)>
void multiply(float (&sum)[4], const uint32 (&a)[4], uint32 b0, uint32 b1) {
    struct Operand {
        float* sum;
        const uint32* a;
        uint32 b[2];
    } operand{sum, a, {b0, b1}};
    machine::together(&operand, [](void* const* operands) {
        const auto lane = [&](int i) { return static_cast<Operand*>(operands[i]); };
        float left[16][8 * values], right[8][8 * values];
        for (int i = 0; i < 32; ++i)
            for (int v = 0; v < values; ++v) {
                const int row = i / 4, k = i % 4 * values + v, far = 4 * values;
                left[row][k] = value(lane(i)->a[0], v), left[row + 8][k] = value(lane(i)->a[1], v);
                left[row][k + far] = value(lane(i)->a[2], v), left[row + 8][k + far] = value(lane(i)->a[3], v);
                right[row][k] = value(lane(i)->b[0], v), right[row][k + far] = value(lane(i)->b[1], v);
            }
        for (int i = 0; i < 32; ++i)
            for (int j = 0; j < 4; ++j) {
                double total = lane(i)->sum[j];
                for (int k = 0; k < 8 * values; ++k)
                    total += double(left[i / 4 + j / 2 * 8][k]) * right[i % 4 * 2 + j % 2][k];
                lane(i)->sum[j] = float(total);
            }
    });
}
inline float as_bfloat16(uint32 word, int i) { return to_float(bfloat16{uint16(word >> 16 * i)}); }
inline float as_float16(uint32 word, int i) { return to_float(float16{uint16(word >> 16 * i)}); }
// The unit does not look at the last 13 bits.
inline float as_tf32(uint32 word, int) { return float_of(word & 0xffffe000); }

inline void multiply_bfloat16(float (&sum)[4], const uint32 (&a)[4], uint32 b0, uint32 b1) {
    multiply<2, as_bfloat16>(sum, a, b0, b1);
}
inline void multiply_float16(float (&sum)[4], const uint32 (&a)[4], uint32 b0, uint32 b1) {
    multiply<2, as_float16>(sum, a, b0, b1);
}
inline void multiply_tf32(float (&sum)[4], const uint32 (&a)[4], uint32 b0, uint32 b1) {
    multiply<1, as_tf32>(sum, a, b0, b1);
}

template <int matrices>
void load_matrices(uint32 (&words)[matrices], const void* row) {
    struct Operand {
        uint32* words;
        const void* row;
    } operand{words, row};
    aligned(static_cast<const Words4*>(row));
    machine::together(&operand, [](void* const* operands) {
        for (int m = 0; m < matrices; ++m)
            for (int i = 0; i < 32; ++i) {
                const char* from = static_cast<const char*>(static_cast<Operand*>(operands[8 * m + i / 4])->row);
                std::memcpy(&static_cast<Operand*>(operands[i])->words[m], from + i % 4 * 4, 4);
            }
    });
}

// Copies and barriers within a block ------------------------------------------------------------------------

inline void block_barrier() { machine::block_barrier(); }
inline void warp_barrier() { machine::together(nullptr, [](void* const*) {}); }

// A copy may land at once or as late as its wait.
template <class Words>
void begin_copy(Words* shared, const Words* global, bool valid) {
    aligned(shared);
    aligned(global);
    const machine::Copy copy{shared, global, int(sizeof(Words)), valid};
    if (machine::the->chance(2)) machine::land(copy);
    else machine::the->current->open.push_back(copy);
}
inline void close_copies() {
    auto* self = machine::the->current;
    self->groups.push_back(std::move(self->open));
    self->open.clear();
}
template <int Groups>
void wait_for_copies() {
    auto& groups = machine::the->current->groups;
    while (int(groups.size()) > Groups) {
        for (const auto& copy : groups.front()) machine::land(copy);
        groups.pop_front();
    }
}

// Clusters --------------------------------------------------------------------------------------------------

inline void cluster_barrier() { machine::cluster_barrier(); }

// A transfer barrier's 8 bytes: the bytes still to come, an arrival still to come, and the parity.
struct TransferBarrier {
    int32_t bytes;
    int16_t pending;
    int16_t parity;

    void settle() {
        if (bytes == 0 && pending == 0) pending = 1, parity ^= 1;
    }
};
inline TransferBarrier& transfer_barrier(uint64* barrier) { return *reinterpret_cast<TransferBarrier*>(barrier); }
inline void make_transfer_barrier(uint64* barrier) { transfer_barrier(barrier) = {0, 1, 0}; }
inline void publish_transfer_barriers() {}
inline void expect_bytes(uint64* barrier, int bytes) {
    auto& state = transfer_barrier(barrier);
    state.bytes += bytes, --state.pending;
    state.settle();
}
inline void wait_for_bytes(uint64* barrier, int parity) {
    while (transfer_barrier(barrier).parity == parity) machine::yield();
}
inline void send(int peer, Words4* here, const Words4& words, uint64* barrier) {
    aligned(here);
    auto* self = machine::the->current->block;
    auto* other = machine::the->team.blocks[peer].get();
    char* place = other->memory.data() + (reinterpret_cast<char*>(here) - self->memory.data());
    auto* its = reinterpret_cast<uint64*>(other->memory.data() + (reinterpret_cast<char*>(barrier) - self->memory.data()));
    machine::the->team.deliveries.push_back([=] {
        std::memcpy(place, &words, 16);
        auto& state = transfer_barrier(its);
        state.bytes -= 16;
        state.settle();
    });
}

// The whole grid --------------------------------------------------------------------------------------------

inline void memory_fence() { machine::fence(); }
inline void pause() { machine::yield(); }
// It is seen at some later time, before or after what the thread stores to other places.
template <class Words>
void store_relaxed(Words* global, const Words& words) {
    aligned(global);
    machine::store_later(global, words);
}
template <class Words>
Words load_relaxed(const Words* global) {
    aligned(global);
    return *global;
}
