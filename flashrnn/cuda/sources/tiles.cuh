// What a kernel is given, how it is cut, and how its shared memory is laid out. README.md says the same in
// words and formulas.
#pragma once
#include "primitives.cuh"

// One structure by value; every field has 8 bytes.
struct Arguments {
    const void* inputs;     // Wx [T, B, Gw, H, D], D contiguous
    const void* matrix;     // R [Gr, H, D, D], contiguous as all that follow unless there are strides
    const float* bias;      // b [Gt, H, D]
    const void* initial;    // [S, B, H, D]
    const uint8* reset;     // [T, B], or null
    void* states;           // all_states [S, T, B, H, D]
    void* gates;            // [T, B, Gt, H, D]
    const void* d_states;   // [S, T, B, H, D], D contiguous
    void* d_gates;          // [T, B, Gt, H, D]
    void* d_initial;        // [S, B, H, D]
    char* exchange;         // scratch of the grid's exchange, all ones at launch
    char* streamed;         // scratch for the part of R that is not kept on the chip
    const float* product;   // alternating
    float* carry;
    void* operand;
    int64 time, batch, heads, first_head, first_sample, step;
    int64 input_time, input_batch, input_gate, input_head;  // strides in elements
    int64 d_state, d_time, d_batch, d_head;
    int64 cut;
    double clip, gradient_clip;
    double values[4];  // of the states after a reset
    int64 width;       // D, for kernels that are not compiled for one
};

constexpr DEVICE int divide_up(int a, int b) { return (a + b - 1) / b; }
constexpr DEVICE int smaller(int a, int b) { return a < b ? a : b; }
constexpr DEVICE int larger(int a, int b) { return a > b ? a : b; }
// Rows that begin an odd multiple of 16 bytes apart: eight of them never meet in a bank.
constexpr DEVICE int odd16(int bytes) { return 16 * ((bytes + 15) / 16 | 1); }

// The largest piece that can be copied at once where pieces begin at multiples of so many bytes.
template <class Yes, class No, bool Condition>
struct Either {
    using Type = Yes;
};
template <class Yes, class No>
struct Either<Yes, No, false> {
    using Type = No;
};
template <int Bytes>
using ChunkOf = typename Either<Words4, Words2, Bytes % 16 == 0>::Type;

// The template parameters that both directions share, and what follows from them. `PerUnit` values of a unit
// are exchanged after each step; `GateRows` says whether a unit has a row of the matrix for each of
// its recurrent gates (forward), or one.
template <class Math_, int Recurrent, bool GateRows, int HeadDim_, int Units_, int BatchTile_, int UnitWarps_,
          int SumWarps_, int RegisterSteps_, int SharedSteps_, int Stages_>
struct Shape {
    using Math = Math_;
    using Element = typename Math::Element;
    static constexpr int head_dim = HeadDim_, units = Units_, batch_tile = BatchTile_;
    static constexpr int unit_warps = UnitWarps_, sum_warps = SumWarps_, stages = Stages_;
    static constexpr int register_steps = RegisterSteps_, shared_steps = SharedSteps_;
    static constexpr int element_bytes = sizeof(Element);

    static constexpr int recurrent = Recurrent;
    static constexpr int rows_of_unit = GateRows ? Recurrent : 1;
    static constexpr int per_unit = GateRows ? 1 : Recurrent;
    // With an even number of gates a tile's two halves are two gates of the same 8 units, else one of 16.
    static constexpr bool paired = rows_of_unit % 2 == 0;
    static constexpr int group = paired ? 8 : 16;
    static constexpr int group_tiles = rows_of_unit * group / 16;
    // Units that are handed on together. Four are half of the last group, with one tile for four gates.
    static constexpr int granule = units % 8 == 0 ? 8 : 4;
    static constexpr bool half_group = granule == 4;

    static constexpr int k_values = head_dim * per_unit;
    static constexpr int step_values = 32 / element_bytes;
    static constexpr int steps = divide_up(k_values, step_values);
    static constexpr int steps_of_warp = divide_up(steps, sum_warps);
    // No step reaches beyond K.
    static constexpr bool even_steps = steps_of_warp * sum_warps * step_values == k_values;
    static constexpr int streamed_steps = steps_of_warp - register_steps - shared_steps;
    static constexpr int groups_of_warp = divide_up(divide_up(units, group), unit_warps);
    static constexpr int tiles = groups_of_warp * group_tiles - (half_group ? 1 : 0);
    static constexpr int warps = unit_warps * sum_warps, threads = 32 * warps;
    static constexpr int columns = divide_up(batch_tile, 8);  // tiles of 8 samples
    static constexpr int blocks = divide_up(head_dim, units);

    static constexpr int row = 32 * steps_of_warp * sum_warps + 16;  // bytes of a sample in the exchange
    static constexpr int slice = units * per_unit * element_bytes;   // of which a block makes so many
    using Chunk = ChunkOf<granule * per_unit * element_bytes>;  // what is handed on at once, of
    static constexpr int chunks_of_granule = granule * per_unit * element_bytes / int(sizeof(Chunk));

    static_assert(head_dim % 8 == 0 && units % granule == 0 && units <= head_dim, "units come in eights, or fours");
    static_assert(!half_group || (rows_of_unit == 4 && unit_warps == 1 && sum_warps > 1),
                  "half a group has one tile for four gates, whose sums meet in shared memory");
    static_assert(batch_tile == 4 || batch_tile % 8 == 0, "samples come in eights, or four");
    static_assert(streamed_steps >= 0 && register_steps >= 0 && shared_steps >= 0, "more steps than there are");
    static_assert(stages >= 2, "one stage is in use while the next arrives");
};

// The elements (a hidden unit of a sample) whose cell a thread computes. Where the sum over K is one warp's,
// they are those whose sums the thread holds; else a group's warps divide them.
template <class S>
struct Elements {
    static constexpr int halves = S::paired ? 1 : 2;
    // Of a batch tile of 4 the product has every sample twice: lanes 2 and 3 of four take the second copies.
    static constexpr int own_columns = S::batch_tile == 4 ? 1 : 2;
    static constexpr int of_group = S::columns * halves * own_columns;
    static constexpr int all = S::groups_of_warp * of_group;
    static constexpr int count = divide_up(all, S::sum_warps);
    // No place in the tiles is empty.
    static constexpr bool full =
        all == count * S::sum_warps && S::units == S::groups_of_warp * S::unit_warps * S::group;

    int unit_warp, sum_warp, quarter, lane_row;

    DEVICE Elements(int thread) {
        const int warp = thread / 32, lane = thread % 32;
        unit_warp = warp % S::unit_warps;
        sum_warp = warp / S::unit_warps;
        quarter = lane % 4;
        lane_row = lane / 4;
    }
    // Whether this thread takes the second copy of its samples.
    DEVICE bool second_copy() const { return S::batch_tile == 4 && quarter >= 2; }
    // The number of this thread's element j among all of its place in the tiles.
    DEVICE int index(int j) const { return S::sum_warps == 1 ? j : sum_warp * count + j; }
    DEVICE int column(int e) const {
        return own_columns == 2 ? 2 * quarter + e % 2 : 2 * quarter + quarter / 2;
    }
    // In the block's batch tile.
    DEVICE int sample(int j) const {
        const int e = index(j);
        const int number = e / own_columns / halves % S::columns * 8 + column(e);
        return S::batch_tile == 4 ? number % 4 : number;
    }
    // In the block.
    DEVICE int unit(int j) const {
        const int e = index(j);
        return (e / of_group * S::unit_warps + unit_warp) * S::group + e / own_columns % halves * 8 + lane_row;
    }
    DEVICE bool exists(int j) const { return full || (index(j) < all && unit(j) < S::units); }
    // Half a group has its gates 2 and 3 in the rows of a tile that lie four behind those of its gates 0 and 1.
    DEVICE bool in_half_group(int j) const {
        return S::half_group && index(j) / of_group == S::groups_of_warp - 1;
    }
    // Lanes from this thread to the one that has its element's sum of `gate`.
    DEVICE int lanes_to_sum(int j, int gate) const { return gate >= 2 && in_half_group(j) ? 16 : 0; }
    // Which of the four sums of which tile (4 · (tile · columns + column tile) + which) is row `gate`.
    DEVICE int sum(int j, int gate) const {
        const int e = index(j);
        const int in_group = !S::paired ? gate : in_half_group(j) ? 0 : gate / 2;
        const int tile = e / of_group * S::group_tiles + in_group;
        const int half = S::paired ? gate % 2 : e / own_columns % halves;
        return 4 * (tile * S::columns + e / own_columns / halves % S::columns) + 2 * half +
               (own_columns == 2 ? e % 2 : 0);
    }
};

// A tile of values in shared memory: `Rows` rows of a block's units, and the way to and from global memory.
template <class T, int Rows, int Units>
struct Tile {
    static constexpr int pitch = odd16(Units * sizeof(T));
    static constexpr int bytes = Rows * pitch;
    using Chunk = ChunkOf<Units * sizeof(T)>;
    static constexpr int chunk_bytes = sizeof(Chunk);
    static constexpr int chunks = Units * sizeof(T) / chunk_bytes;  // of a row

    static DEVICE T& at(char* tile, int row, int unit) { return reinterpret_cast<T*>(tile + row * pitch)[unit]; }
    static DEVICE T at(const char* tile, int row, int unit) {
        return reinterpret_cast<const T*>(tile + row * pitch)[unit];
    }

    // A thread's chunks, and where they lie in a tensor: found once, so that a step only adds where it begins.
    template <int Threads>
    struct Chunks {
        static constexpr int count = divide_up(Rows * chunks, Threads);
        static constexpr uint32 nowhere = ~0u;
        uint32 place[larger(count, 1)];  // in chunks from where a step begins

        // Row r lies at offset(r) values, a negative offset is nowhere. Of each row only `units` values exist.
        template <class Offset>
        DEVICE Chunks(int units, Offset offset) {
#pragma unroll
            for (int i = 0; i < count; ++i) {
                const int row = index(i) / chunks, chunk = index(i) % chunks;
                const bool valid = exists(i) && chunk * chunk_bytes < units * int(sizeof(T));
                const int64 values = valid ? offset(row) : -1;
                place[i] = values < 0 ? nowhere : uint32(values * int(sizeof(T)) / chunk_bytes + chunk);
            }
        }

        // Begins to bring them; zeros for what is nowhere.
        DEVICE void fetch(char* tile, const T* begin) const {
#pragma unroll
            for (int i = 0; i < count; ++i)
                if (exists(i)) {
                    const bool valid = place[i] != nowhere;
                    begin_copy(reinterpret_cast<Chunk*>(tile + in_tile(i)),
                               global(begin, valid ? place[i] : 0), valid);
                }
        }

        // Writes them, unless they are nowhere.
        DEVICE void flush(const char* tile, T* begin) const {
#pragma unroll
            for (int i = 0; i < count; ++i)
                if (place[i] != nowhere)
                    *const_cast<Chunk*>(global(begin, place[i])) =
                        *reinterpret_cast<const Chunk*>(tile + in_tile(i));
        }

    private:
        static DEVICE int index(int i) { return i * Threads + thread_index(); }
        static DEVICE bool exists(int i) {
            return (i + 1) * Threads <= Rows * chunks || index(i) < Rows * chunks;
        }
        static DEVICE int in_tile(int i) {
            return index(i) / chunks * pitch + index(i) % chunks * chunk_bytes;
        }
        static DEVICE const Chunk* global(const T* begin, uint32 place) {
            return reinterpret_cast<const Chunk*>(begin) + place;
        }
    };
};
