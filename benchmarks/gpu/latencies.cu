// What the kernels' cost model reckons with, each operation by itself: laps of many steps, a step one operation
// or a round trip, and how many cycles of its SM a lap took. latencies.py launches these kernels.
#include "primitives.cuh"

struct Arguments {
    char* memory;     // what the operations read and write; a block's part begins at block * spacing
    int64* cycles;    // [blocks, laps]
    uint32* results;  // [blocks, threads]: what came out of the operations, so that none can be left out
    int64 spacing;    // bytes
    int64 steps;      // of a lap, a multiple of `unrolled`
    int64 laps;

    DEVICE char* part(int block) const { return memory + block * spacing; }
    template <class Value>
    DEVICE Value* first() const {
        return reinterpret_cast<Value*>(memory);
    }
};

// Steps between two branches.
constexpr int unrolled = 16;

template <class Operation>
DEVICE void take_laps(const Arguments& a) {
    Operation operation(a);
    for (int lap = 0; lap < a.laps; ++lap) {
        block_barrier();
        const int64 begin = clock64();
#pragma unroll 1
        for (int i = 0; i < a.steps; i += unrolled) {
#pragma unroll
            for (int j = 0; j < unrolled; ++j) operation.step();
        }
        const int64 end = clock64();
        if (thread_index() == 0) a.cycles[block_x() * a.laps + lap] = end - begin;
    }
    a.results[block_x() * blockDim.x + thread_index()] = operation.result();
}

template <class Operation>
KERNEL(1024, 1) alone(const Arguments a) {
    take_laps<Operation>(a);
}

// How fast the cycles are: the SM's clock beside the one of nanoseconds, for `steps` nanoseconds.
DEVICE int64 nanoseconds() {
    int64 now;
    asm volatile("mov.u64 %0, %globaltimer;" : "=l"(now));
    return now;
}
KERNEL(1, 1) clocks(const Arguments a) {
    const int64 started = nanoseconds(), begin = clock64();
    int64 passed;
    do passed = nanoseconds() - started;
    while (passed < a.steps);
    a.cycles[block_x() * a.laps] = clock64() - begin;
    a.cycles[block_x() * a.laps + 1] = passed;
}

// Chains: each operation takes what the last one gave -------------------------------------------------------

template <auto Start, auto Function>
struct Chain {
    decltype(Start(Arguments())) value;

    DEVICE Chain(const Arguments& a) : value(Start(a)) {}
    DEVICE void step() { value = Function(value); }
    DEVICE uint32 result() const { return uint32(value); }
};

DEVICE float number(const Arguments& a) { return *a.first<float>(); }
DEVICE float one_more(float x) { return 1 + x; }
// The reciprocal of a reciprocal would be left out.
DEVICE float reciprocal_of_one_more(float x) { return reciprocal(1 + x); }

// Nodes in memory, each of which holds the address of the next.
DEVICE int64 node(const Arguments& a) { return reinterpret_cast<int64>(a.part(block_x())); }
DEVICE int64 load_cached(int64 place) {
    asm volatile("ld.global.b64 %0, [%0];" : "+l"(place)::"memory");
    return place;
}
// The load of load_relaxed, whose two words would have to be put together first.
DEVICE int64 load_past_cache(int64 place) {
    asm volatile("ld.relaxed.gpu.global.b64 %0, [%0];" : "+l"(place)::"memory");
    return place;
}

// A word of shared memory that holds its own address.
DEVICE uint32 own_word(const Arguments&) {
    uint32* word = reinterpret_cast<uint32*>(shared_memory());
    return *word = shared_address(word);
}
// Volatile, because the compiler knows what was stored there.
DEVICE uint32 load_shared(uint32 place) {
    asm volatile("ld.volatile.shared.u32 %0, [%0];" : "+r"(place)::"memory");
    return place;
}

// A matrix whose words are the addresses that their lanes give for the rows.
DEVICE uint32 row(const Arguments&) {
    uint32* words = reinterpret_cast<uint32*>(shared_memory());
    const uint32 place = shared_address(words + 4 * thread_index());
    words[thread_index()] = place;
    warp_barrier();
    return place;
}
DEVICE uint32 load_four_matrices(uint32 place) {
    uint32 words[4];
    load_matrices(words, __cvta_shared_to_generic(place));
    return words[0];
}

// Products whose sums are independent, or only one.
template <bool Tf32, int Sums>
struct Products {
    float sums[Sums][4];
    uint32 a[4], b[2];

    // Zeros, of which the compiler does not know that they are the same.
    DEVICE Products(const Arguments& arguments) {
        const float* numbers = arguments.first<float>();
#pragma unroll
        for (int i = 0; i < 4 * Sums; ++i) sums[i / 4][i % 4] = numbers[i];
#pragma unroll
        for (int i = 0; i < 6; ++i) (i < 4 ? a[i] : b[i - 4]) = bits_of(numbers[4 * Sums + i]);
    }
    DEVICE void step() {
#pragma unroll
        for (int i = 0; i < Sums; ++i) {
            if constexpr (Tf32) multiply_tf32(sums[i], a, b[0], b[1]);
            else multiply_bfloat16(sums[i], a, b[0], b[1]);
        }
    }
    DEVICE uint32 result() const {
        float all = 0;
#pragma unroll
        for (int i = 0; i < 4 * Sums; ++i) all += sums[i / 4][i % 4];
        return bits_of(all);
    }
};

// Barriers and fences ---------------------------------------------------------------------------------------

template <auto Barrier>
struct Repeated {
    DEVICE Repeated(const Arguments&) {}
    DEVICE void step() { Barrier(); }
    DEVICE uint32 result() const { return 0; }
};

// One lane looks whether it may go on, the others wait for it: where the lanes are together the compiler leaves a
// barrier of the warp out.
struct LookAndWarpBarrier {
    uint32 place;

    DEVICE LookAndWarpBarrier(const Arguments& a) : place(own_word(a)) {}
    DEVICE void step() {
        if (thread_index() % 32 == 0)
            while (load_shared(place) != place) pause();
        warp_barrier();
    }
    DEVICE uint32 result() const { return 0; }
};

struct StoreAndFence {
    Words4* place;

    DEVICE StoreAndFence(const Arguments& a) : place(reinterpret_cast<Words4*>(a.part(block_x()))) {}
    DEVICE void step() {
        store_relaxed(place, Words4{});
        asm volatile("fence.acq_rel.gpu;" ::: "memory");
    }
    DEVICE uint32 result() const { return 0; }
};

// As cooperative groups do it: with what the first block adds, all shares together turn the highest bit.
struct GridBarrier {
    uint32 *arrived, share;

    DEVICE GridBarrier(const Arguments& a)
        : arrived(a.first<uint32>()), share(block_x() == 0 ? 0x80000000u - (gridDim.x - 1) : 1) {}
    DEVICE void step() {
        block_barrier();
        if (thread_index() == 0) {
            __threadfence();
            const uint32 before = atomicAdd(arrived, share);
            while (((before ^ *static_cast<volatile uint32*>(arrived)) & 0x80000000u) == 0) pause();
            __threadfence();
        }
        block_barrier();
    }
    DEVICE uint32 result() const { return 0; }
};

// From one block to another and back ------------------------------------------------------------------------
// Each way has `give`, and `take`, which waits for what the other block gives.

template <class Way>
struct RoundTrip {
    Way way;

    DEVICE RoundTrip(const Arguments& a) : way(a) {}
    DEVICE void step() {
        if (way.begins) way.give();
        way.take();
        if (!way.begins) way.give();
    }
    DEVICE uint32 result() const { return 0; }
};

// The blocks of the grid's first half have those of the other half for partners.
DEVICE int partner_in_grid() { return (block_x() + gridDim.x / 2) % gridDim.x; }

// For comparison: the kernels use no flags.
DEVICE void add_release(uint32* flag, uint32 value) {
    asm volatile("red.release.gpu.global.add.u32 [%0], %1;" ::"l"(flag), "r"(value) : "memory");
}
DEVICE uint32 load_acquire(const uint32* flag) {
    uint32 value;
    asm volatile("ld.acquire.gpu.global.u32 %0, [%1];" : "=r"(value) : "l"(flag) : "memory");
    return value;
}

struct ThroughFlag {
    Words4 *mine, *theirs, words{};
    uint32 turns = 0;
    bool begins;

    DEVICE ThroughFlag(const Arguments& a)
        : mine(reinterpret_cast<Words4*>(a.part(block_x()))),
          theirs(reinterpret_cast<Words4*>(a.part(partner_in_grid()))),
          begins(block_x() < partner_in_grid()) {}
    // In a line of its own.
    DEVICE static uint32* flag(Words4* words) { return words->word + 32; }
    DEVICE void give() {
        store_relaxed(theirs, words);
        add_release(flag(theirs), 1);
    }
    DEVICE void take() {
        ++turns;
        while (load_acquire(flag(mine)) < turns) pause();
        words = load_relaxed(mine);
    }
};

// Every turn has words of its own, all ones until they are written: nobody has to clear them.
struct ThroughData {
    Words4 *mine, *theirs, words{};
    bool begins;

    DEVICE ThroughData(const Arguments& a)
        : mine(reinterpret_cast<Words4*>(a.part(block_x()))),
          theirs(reinterpret_cast<Words4*>(a.part(partner_in_grid()))),
          begins(block_x() < partner_in_grid()) {}
    DEVICE static bool missing(const Words4& words) {
        return words.word[0] == ~0u || words.word[1] == ~0u || words.word[2] == ~0u || words.word[3] == ~0u;
    }
    DEVICE void give() { store_relaxed(theirs++, words); }
    DEVICE void take() {
        do words = load_relaxed(mine);
        while (missing(words));
        ++mine;
    }
};

// Within a cluster ------------------------------------------------------------------------------------------

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
template <int Blocks, class Operation>
CLUSTER_KERNEL(Blocks, 1024, 1) in_cluster(const Arguments a) {
    take_laps<Operation>(a);
    // No block may leave while another reads or writes its shared memory.
    cluster_barrier();
}

template <int Blocks>
DEVICE int partner_in_cluster() {
    return block_x() % Blocks ^ Blocks / 2;
}

// The partner's word, which holds its own address. Loads name it as they would any memory: for a place in
// another block the machine has no other load.
template <int Blocks>
DEVICE int64 remote_word(const Arguments&) {
    int64* word = reinterpret_cast<int64*>(shared_memory());
    int64 mine, its;
    asm("mapa.u64 %0, %1, %2;" : "=l"(mine) : "l"(word), "r"(block_x() % Blocks));
    asm("mapa.u64 %0, %1, %2;" : "=l"(its) : "l"(word), "r"(partner_in_cluster<Blocks>()));
    *word = mine;
    cluster_barrier();
    return its;
}
DEVICE int64 load_remote(int64 place) {
    asm volatile("ld.b64 %0, [%0];" : "+l"(place)::"memory");
    return place;
}

// A message is there when the wait for it ends; reading it is not counted.
template <int Blocks>
struct ThroughMessage {
    Words4* place = reinterpret_cast<Words4*>(shared_memory());
    uint64* arrived = reinterpret_cast<uint64*>(place + 1);
    int parity = 0;
    bool begins = block_x() % Blocks < partner_in_cluster<Blocks>();

    DEVICE ThroughMessage(const Arguments&) {
        make_transfer_barrier(arrived);
        publish_transfer_barriers();
        expect_bytes(arrived, sizeof(Words4));
        cluster_barrier();
    }
    DEVICE void give() { send(partner_in_cluster<Blocks>(), place, Words4{}, arrived); }
    DEVICE void take() {
        wait_for_bytes(arrived, parity);
        expect_bytes(arrived, sizeof(Words4));
        parity ^= 1;
    }
};
#endif
