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

// The blocks are anywhere on the chip: a slice goes through global memory, and what arrives is its own sign that
// it has. A word that no message has yet reached is all ones, which no message contains. A thread reads the same
// chunks of every message and writes the same of its own. After it has written message m it erases what it wrote
// of message m - 2, which all have read, for message m - 2 + ring in that place. Whoever waits for that does not
// see its forerunner: since the erasure its writer and then, after sight of a later message, its reader have each
// had a fence. A fence waits for all that its thread has stored, so there is one for some messages only.
template <class S>
struct Grid : ExchangeLayout<S, 1, true, 0> {
    static constexpr bool alone = false;
    static constexpr int slice_pitch = S::slice;
    static constexpr int ring = 32;        // messages in global memory
    static constexpr int between_fences = 8;  // at most (ring - 2) / 2
    using Chunk = typename S::Chunk;
    static constexpr int chunk_bytes = sizeof(Chunk), chunks = S::slice / chunk_bytes, words = chunk_bytes / 4;
    static constexpr int bytes_of_block = S::batch_tile * S::slice;
    static constexpr uint32 nothing = ~0u;
    char *buffer_, *own, *global;
    int rank;
    int64 message_bytes;

    DEVICE Grid(const Arguments& a, char* buffer, char* slice, char*) : buffer_(buffer), own(slice) {
        const int64 here = int64(block_z()) * blocks_y() + block_y();
        const int64 all = int64(blocks_z()) * blocks_y();
        rank = block_x();
        global = a.exchange + here * S::blocks * bytes_of_block;
        message_bytes = all * S::blocks * bytes_of_block;
    }
    DEVICE char* buffer(int) const { return buffer_; }
    DEVICE char* slice_of(int) const { return own; }
    DEVICE void begin() {}
    DEVICE void publish(int m, const Elements<S>& place) {
        char* mine = global + rank * bytes_of_block;
        char* target = mine + m % ring * message_bytes;
        char* read_by_all = mine + (m + ring - 2) % ring * message_bytes;
        warp_barrier();
#pragma unroll
        for (int j = 0; j < Elements<S>::count; ++j) {
            // Of the lanes that have a granule's units, each takes one of its chunks.
            const int chunk = place.lane_row % S::granule;
            const int here = place.sample(j) * S::slice +
                             (place.unit(j) / S::granule * S::chunks_of_granule + chunk) * chunk_bytes;
            if (!place.exists(j) || chunk >= S::chunks_of_granule) continue;
            Chunk values = *reinterpret_cast<const Chunk*>(own + here), erased;
#pragma unroll
            for (int i = 0; i < words; ++i) {
                if (values.word[i] == nothing) --values.word[i];  // one NaN instead of another
                erased.word[i] = nothing;
            }
            store_relaxed(reinterpret_cast<Chunk*>(target + here), values);
            store_relaxed(reinterpret_cast<Chunk*>(read_by_all + here), erased);
        }
        if (m % between_fences == 0) memory_fence();
    }
    DEVICE void await(int m) {
        const Chunk* source = reinterpret_cast<const Chunk*>(global + m % ring * message_bytes);
        constexpr int count = S::blocks * S::batch_tile * chunks;
        // As many under way as the registers beside R allow.
        constexpr int at_once =
            smaller(4 * S::tiles * S::register_steps < 150 ? 8 : 3, divide_up(count, S::threads));
        for (int first = thread_index(); first < count; first += at_once * S::threads) {
            Chunk found[at_once];
#pragma unroll
            for (int i = 0; i < at_once; ++i) found[i].word[0] = nothing;
            for (bool missing = true; missing;) {
                missing = false;
#pragma unroll
                for (int i = 0; i < at_once; ++i)
                    if (expected(first + i * S::threads) && !arrived(found[i]))
                        found[i] = load_relaxed(source + first + i * S::threads);
#pragma unroll
                for (int i = 0; i < at_once; ++i)
                    missing |= expected(first + i * S::threads) && !arrived(found[i]);
                if (missing) pause();
            }
#pragma unroll
            for (int i = 0; i < at_once; ++i) {
                const int number = first + i * S::threads, sample = number / chunks % S::batch_tile;
                if (expected(number))
                    *reinterpret_cast<Chunk*>(buffer_ + sample * S::row + column(number)) = found[i];
            }
        }
        block_barrier();
    }
    DEVICE void end() {}

    // Where in a sample's row a message's chunk of this number lies.
    static DEVICE int column(int number) {
        return number / (chunks * S::batch_tile) * S::slice + number % chunks * chunk_bytes;
    }
    // Whether the message has such a chunk: the last block's slice may reach beyond the head.
    static DEVICE bool expected(int number) {
        return number < S::blocks * S::batch_tile * chunks &&
               (S::head_dim % S::units == 0 || column(number) < S::k_values * S::element_bytes);
    }
    static DEVICE bool arrived(const Chunk& chunk) {
        bool all = true;
#pragma unroll
        for (int i = 0; i < words; ++i) all = all && chunk.word[i] != nothing;
        return all;
    }
};
