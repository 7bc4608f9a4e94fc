// How blocks hand each other what they made: the one thing in which the families differ.
//
// Messages are numbered. Message 0, where there is one, is written by every block for itself. Of message m each
// thread writes its elements into its block's slice at slice_of(m) and calls publish(m); after await(m),
// buffer(m) holds the whole message, a row of S::row bytes for each sample. Two messages in a row never share
// a buffer. Between two messages there is one block barrier: a block alone has it between publish and await,
// for it is its whole exchange; others have it after they have read, and what a warp made goes out at once.
// Whoever has message m knows that all have read message m - 1, in whose buffer message m + 1 will lie.
#pragma once
#include "tiles.cuh"

// Bytes of shared memory, in the order in which they lie there.
template <class S, int Buffers, bool OwnSlice, int Barriers>
struct ExchangeLayout {
    static constexpr int buffers = Buffers;
    static constexpr int exchange = Buffers * S::batch_tile * S::row;
    static constexpr int slice = OwnSlice ? S::batch_tile * S::slice : 0;
    static constexpr int barriers = Barriers * int(sizeof(uint64));
};

// One block has all the units: its barrier is all there is to do.
template <class S>
struct Block : ExchangeLayout<S, 2, false, 0> {
    static_assert(S::blocks == 1, "the family block has one block for a head and batch tile");
    static constexpr bool alone = true;
    static constexpr int slice_pitch = S::row;
    char* buffers_;

    DEVICE Block(const Arguments&, char* buffers, char*, char*) : buffers_(buffers) {}
    DEVICE char* buffer(int m) const { return buffers_ + (m & 1) * (S::batch_tile * S::row); }
    DEVICE char* slice_of(int m) const { return buffer(m); }
    DEVICE void begin() {}
    DEVICE void publish(int, const Elements<S>&) {}
    DEVICE void await(int) {}
    DEVICE void end() {}
};

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
// The blocks are a cluster: each sends its slice into the shared memory of all others. A message's bytes are
// counted by a barrier for each buffer, which is told of them before anyone can send them.
template <class S>
struct Cluster : ExchangeLayout<S, 2, false, 2> {
    static_assert(S::head_dim % S::units == 0 && S::blocks <= 16, "a cluster has up to 16 equal blocks");
    static_assert(S::granule == 8, "the units of a cluster's block come in eights");
    static constexpr bool alone = false;
    static constexpr int slice_pitch = S::row;
    static constexpr int expected = S::blocks * S::batch_tile * S::slice;
    char* buffers_;
    uint64* arrived;
    int rank;

    DEVICE Cluster(const Arguments&, char* buffers, char*, char* barriers)
        : buffers_(buffers), arrived(reinterpret_cast<uint64*>(barriers)), rank(block_x()) {}
    DEVICE char* buffer(int m) const { return buffers_ + (m & 1) * (S::batch_tile * S::row); }
    DEVICE char* slice_of(int m) const { return buffer(m) + rank * S::slice; }

    DEVICE void begin() {
        if (thread_index() == 0) {
            make_transfer_barrier(arrived);
            make_transfer_barrier(arrived + 1);
            publish_transfer_barriers();
            expect_bytes(arrived + 1, expected);
            expect_bytes(arrived, expected);
        }
        cluster_barrier();
    }
    // To the block itself too, whose other warps then need no other sign.
    DEVICE void publish(int m, const Elements<S>& place) {
        char* slice = slice_of(m);
        warp_barrier();
#pragma unroll
        for (int j = 0; j < Elements<S>::count; ++j) {
            if (!place.exists(j)) continue;
            Words4* eight = reinterpret_cast<Words4*>(slice + place.sample(j) * S::row) +
                            place.unit(j) / 8 * S::chunks_of_granule;
            Words4 words;
#pragma unroll
            for (int i = 0; i < divide_up(S::blocks * S::chunks_of_granule, 8); ++i) {
                const int number = 8 * i + place.lane_row, chunk = number % S::chunks_of_granule;
                const int peer = (rank + number / S::chunks_of_granule) % S::blocks;
                if (number >= S::blocks * S::chunks_of_granule) break;
                if (i == 0 || 8 % S::chunks_of_granule != 0) words = eight[chunk];
                send(peer, eight + chunk, words, arrived + (m & 1));
            }
        }
    }
    DEVICE void await(int m) {
        wait_for_bytes(arrived + (m & 1), (m - 1) >> 1 & 1);
        if (thread_index() == 0) expect_bytes(arrived + (m & 1), expected);
    }
    // No block may leave while another sends to it.
    DEVICE void end() { cluster_barrier(); }
};
#endif

// The blocks are anywhere on the chip: a slice goes through global memory, and a flag counts the warps that
// have written theirs.
template <class S>
struct Grid : ExchangeLayout<S, 1, true, 0> {
    static constexpr bool alone = false;
    static constexpr int slice_pitch = S::slice;
    using Chunk = typename S::Chunk;
    static constexpr int chunk_bytes = sizeof(Chunk), chunks = S::slice / chunk_bytes;
    static constexpr int bytes_of_block = S::batch_tile * S::slice;
    char *buffer_, *own, *global;
    uint32* flag;
    int rank;
    int64 buffer_bytes;

    DEVICE Grid(const Arguments& a, char* buffer, char* slice, char*) : buffer_(buffer), own(slice) {
        const int64 here = int64(block_z()) * blocks_y() + block_y();
        const int64 all = int64(blocks_z()) * blocks_y();
        rank = block_x();
        global = a.exchange + here * S::blocks * bytes_of_block;
        buffer_bytes = all * S::blocks * bytes_of_block;
        flag = a.flags + here * 32;
    }
    DEVICE char* buffer(int) const { return buffer_; }
    DEVICE char* slice_of(int) const { return own; }
    DEVICE void begin() {}
    DEVICE void publish(int m, const Elements<S>& place) {
        char* target = global + (m & 1) * buffer_bytes + rank * bytes_of_block;
        warp_barrier();
#pragma unroll
        for (int j = 0; j < Elements<S>::count; ++j) {
            // Of the lanes that have a granule's units, each takes one of its chunks.
            const int chunk = place.lane_row % S::granule;
            const int here = place.sample(j) * S::slice +
                             (place.unit(j) / S::granule * S::chunks_of_granule + chunk) * chunk_bytes;
            if (place.exists(j) && chunk < S::chunks_of_granule)
                store_relaxed(reinterpret_cast<Chunk*>(target + here),
                              *reinterpret_cast<const Chunk*>(own + here));
        }
        warp_barrier();
        if (thread_index() % 32 == 0) add_release(flag, 1);
    }
    DEVICE void await(int m) {
        if (thread_index() % 32 == 0)
            while (load_acquire(flag) < uint32(m) * (S::blocks * S::warps)) pause();
        warp_barrier();
        const char* source = global + (m & 1) * buffer_bytes;
        constexpr int count = S::blocks * S::batch_tile * chunks;
#pragma unroll 4
        for (int i = thread_index(); i < count; i += S::threads) {
            const int sample = i / chunks % S::batch_tile;
            const int column = i / (chunks * S::batch_tile) * S::slice + i % chunks * chunk_bytes;
            // The last block's slice may reach beyond the head.
            if (S::head_dim % S::units == 0 || column < S::k_values * S::element_bytes)
                *reinterpret_cast<Chunk*>(buffer_ + sample * S::row + column) =
                    load_relaxed(reinterpret_cast<const Chunk*>(source) + i);
        }
        block_barrier();
    }
    DEVICE void end() {}
};
