// Every operation that C++ has no word for. The kernels use nothing else of the machine, so that this file
// alone knows PTX. It needs no header: NVRTC compiles it as it stands, for sm_80 and later.
#pragma once

#define DEVICE __device__ __forceinline__
#define KERNEL(threads, blocks_per_sm) __global__ void __launch_bounds__(threads, blocks_per_sm)
#define CLUSTER_KERNEL(blocks, threads, blocks_per_sm) \
    __global__ void __cluster_dims__(blocks, 1, 1) __launch_bounds__(threads, blocks_per_sm)

using uint8 = unsigned char;
using uint16 = unsigned short;
using uint32 = unsigned int;
using int64 = long long;
using uint64 = unsigned long long;

// Types -----------------------------------------------------------------------------------------------------

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

DEVICE uint32 bits_of(float value) { return __float_as_uint(value); }
DEVICE float float_of(uint32 bits) { return __uint_as_float(bits); }
DEVICE uint32 bits_of(bfloat16 value) { return value.bits; }
DEVICE uint32 bits_of(float16 value) { return value.bits; }

DEVICE float to_float(float value) { return value; }
DEVICE float to_float(bfloat16 value) { return float_of(uint32(value.bits) << 16); }
DEVICE float to_float(float16 value) {
    float result;
    asm("cvt.f32.f16 %0, %1;" : "=f"(result) : "h"(value.bits));
    return result;
}

// Rounded to nearest.
DEVICE void from_float(float value, float& result) { result = value; }
DEVICE void from_float(float value, bfloat16& result) {
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(result.bits) : "f"(value));
}
DEVICE void from_float(float value, float16& result) {
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(result.bits) : "f"(value));
}
DEVICE uint32 round_to_tf32(float value) {
    uint32 result;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(result) : "f"(value));
    return result;
}

// The same value, which the compiler does not compute again where it is used.
DEVICE float held(float value) {
    asm volatile("mov.b32 %0, %0;" : "+f"(value));
    return value;
}
DEVICE int64 held(int64 value) {
    asm volatile("mov.b64 %0, %0;" : "+l"(value));
    return value;
}

// Functions of the special unit -----------------------------------------------------------------------------

// Relative error 2^-11.
DEVICE float approximate_tanh(float x) {
    float result;
    asm("tanh.approx.f32 %0, %1;" : "=f"(result) : "f"(x));
    return result;
}
// Relative error 2^-22.
DEVICE float approximate_exp2(float x) {
    float result;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(x));
    return result;
}
// Absolute error 2^-22 near 1.
DEVICE float approximate_log2(float x) {
    float result;
    asm("lg2.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(x));
    return result;
}
// One unit in the last place.
DEVICE float reciprocal(float x) {
    float result;
    asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(x));
    return result;
}

// Where a thread is -----------------------------------------------------------------------------------------

DEVICE int thread_index() { return threadIdx.x; }
DEVICE int block_x() { return blockIdx.x; }
DEVICE int block_y() { return blockIdx.y; }
DEVICE int block_z() { return blockIdx.z; }
DEVICE int blocks_y() { return gridDim.y; }
DEVICE int blocks_z() { return gridDim.z; }

DEVICE char* shared_memory() {
    extern __shared__ Words4 dynamic_shared_memory[];
    return reinterpret_cast<char*>(dynamic_shared_memory);
}
DEVICE uint32 shared_address(const void* pointer) {
    return static_cast<uint32>(__cvta_generic_to_shared(pointer));
}

// Matrices --------------------------------------------------------------------------------------------------
// a: 16 rows of 32 bytes; b: 8 columns of 32 bytes; sum: 16 × 8 of float32. A lane has, of a, rows lane / 4
// and lane / 4 + 8 at bytes 4 (lane % 4) and 16 more; of b, column lane / 4 at the same bytes; of the sum,
// rows lane / 4 and lane / 4 + 8 at columns 2 (lane % 4) and the next.

DEVICE void multiply_bfloat16(float (&sum)[4], const uint32 (&a)[4], uint32 b0, uint32 b1) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
        "{%0,%1,%2,%3};"
        : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
DEVICE void multiply_float16(float (&sum)[4], const uint32 (&a)[4], uint32 b0, uint32 b1) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
        "{%0,%1,%2,%3};"
        : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
DEVICE void multiply_tf32(float (&sum)[4], const uint32 (&a)[4], uint32 b0, uint32 b1) {
    asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
        "{%0,%1,%2,%3};"
        : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// Matrices of 8 rows of 16 bytes: lanes 8 m … 8 m + 7 give the rows of matrix m, a lane gets of each row
// lane / 4 the bytes at 4 (lane % 4). Two matrices, or four.
DEVICE void load_matrices(uint32 (&words)[2], const void* row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0,%1}, [%2];"
                 : "=r"(words[0]), "=r"(words[1])
                 : "r"(shared_address(row))
                 : "memory");
}
DEVICE void load_matrices(uint32 (&words)[4], const void* row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
                 : "r"(shared_address(row))
                 : "memory");
}

// Copies and barriers within a block ------------------------------------------------------------------------

DEVICE void block_barrier() { __syncthreads(); }
DEVICE void warp_barrier() { __syncwarp(); }

// Begins to copy 16 or 8 bytes from global to shared memory; zeros where `valid` is false.
DEVICE void begin_copy(Words4* shared, const Words4* global, bool valid) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(shared)), "l"(global),
                 "r"(valid ? 16 : 0)
                 : "memory");
}
DEVICE void begin_copy(Words2* shared, const Words2* global, bool valid) {
    asm volatile("cp.async.ca.shared.global [%0], [%1], 8, %2;" ::"r"(shared_address(shared)), "l"(global),
                 "r"(valid ? 8 : 0)
                 : "memory");
}
// Closes a group of the copies that this thread has begun.
DEVICE void close_copies() { asm volatile("cp.async.commit_group;" ::: "memory"); }
// Waits until no more than `Groups` of this thread's groups are under way.
template <int Groups>
DEVICE void wait_for_copies() {
    asm volatile("cp.async.wait_group %0;" ::"n"(Groups) : "memory");
}

// Clusters --------------------------------------------------------------------------------------------------

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
// Every block of the cluster has come here, and sees what the others wrote before.
DEVICE void cluster_barrier() {
    asm volatile("barrier.cluster.arrive.release.aligned;\n barrier.cluster.wait.acquire.aligned;" ::: "memory");
}

// A barrier in shared memory whose phase ends when one thread has arrived and the bytes that it announced
// have come.
DEVICE void make_transfer_barrier(uint64* barrier) {
    asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" ::"r"(shared_address(barrier)) : "memory");
}
// Before the other blocks of the cluster use this thread's new barriers.
DEVICE void publish_transfer_barriers() { asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory"); }
DEVICE void expect_bytes(uint64* barrier, int bytes) {
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(barrier)),
                 "r"(bytes)
                 : "memory");
}
// Waits for the end of a phase of this parity (0 for the first). The scope is the block's: what has come lies in
// its own shared memory, and the cluster's scope would empty the whole L1 cache at every wait.
DEVICE void wait_for_bytes(uint64* barrier, int parity) {
    asm volatile(
        "{\n .reg .pred done;\n"
        "again:\n mbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n"
        "@!done bra again;\n}" ::"r"(shared_address(barrier)),
        "r"(parity)
        : "memory");
}
// Sends 16 bytes to the place that `here` has in another block, and tells the barrier there.
DEVICE void send(int peer, Words4* here, const Words4& words, uint64* barrier) {
    uint32 place, its_barrier;
    asm("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(place) : "r"(shared_address(here)), "r"(peer));
    asm("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(its_barrier) : "r"(shared_address(barrier)), "r"(peer));
    asm volatile(
        "st.async.shared::cluster.mbarrier::complete_tx::bytes.v4.b32 [%0], {%1,%2,%3,%4}, [%5];" ::"r"(place),
        "r"(words.word[0]), "r"(words.word[1]), "r"(words.word[2]), "r"(words.word[3]), "r"(its_barrier)
        : "memory");
}
#endif

// The whole grid --------------------------------------------------------------------------------------------

// What this thread wrote before is seen by whoever sees what it writes later, if there is a fence between the
// other's two looks as well.
DEVICE void memory_fence() { asm volatile("fence.acq_rel.gpu;" ::: "memory"); }
// Between two looks at what another block may write.
DEVICE void pause() {}
DEVICE void store_relaxed(Words2* global, const Words2& words) {
    asm volatile("st.relaxed.gpu.global.v2.u32 [%0], {%1,%2};" ::"l"(global), "r"(words.word[0]),
                 "r"(words.word[1])
                 : "memory");
}
DEVICE void store_relaxed(Words4* global, const Words4& words) {
    asm volatile("st.relaxed.gpu.global.v4.u32 [%0], {%1,%2,%3,%4};" ::"l"(global), "r"(words.word[0]),
                 "r"(words.word[1]), "r"(words.word[2]), "r"(words.word[3])
                 : "memory");
}
// What another block may have written: never from this SM's own cache.
DEVICE Words2 load_relaxed(const Words2* global) {
    Words2 words;
    asm volatile("ld.relaxed.gpu.global.v2.u32 {%0,%1}, [%2];"
                 : "=r"(words.word[0]), "=r"(words.word[1])
                 : "l"(global)
                 : "memory");
    return words;
}
DEVICE Words4 load_relaxed(const Words4* global) {
    Words4 words;
    asm volatile("ld.relaxed.gpu.global.v4.u32 {%0,%1,%2,%3}, [%4];"
                 : "=r"(words.word[0]), "=r"(words.word[1]), "=r"(words.word[2]), "=r"(words.word[3])
                 : "l"(global)
                 : "memory");
    return words;
}
