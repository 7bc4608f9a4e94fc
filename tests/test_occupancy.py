"""The occupancy rules and limits, held against NVIDIA's own calculator, compiled on the spot for the CPU."""

from __future__ import annotations

import ctypes
import importlib.util
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from flashrnn import hardware
from flashrnn.hardware import Profile

# The two entry points give the blocks that fit an SM and the limit set by shared memory alone; negative
# numbers are the calculator's errors.
SHIM = """
#include "cuda_occupancy.h"

static int calculate(const long long *gpu, int threads, int registers, long long shared, int carveout,
                     cudaOccResult *result) {
    cudaOccDeviceProp device;
    device.computeMajor = (int)gpu[0];
    device.computeMinor = (int)gpu[1];
    device.maxThreadsPerBlock = (int)gpu[2];
    device.maxThreadsPerMultiprocessor = (int)gpu[3];
    device.regsPerBlock = (int)gpu[4];
    device.regsPerMultiprocessor = (int)gpu[5];
    device.warpSize = (int)gpu[6];
    device.sharedMemPerBlock = (size_t)gpu[7];
    device.sharedMemPerMultiprocessor = (size_t)gpu[8];
    device.numSms = (int)gpu[9];
    device.sharedMemPerBlockOptin = (size_t)gpu[10];
    device.reservedSharedMemPerBlock = (size_t)gpu[11];
    cudaOccFuncAttributes kernel;
    kernel.maxThreadsPerBlock = device.maxThreadsPerBlock;
    kernel.numRegs = registers;
    kernel.shmemLimitConfig = FUNC_SHMEM_LIMIT_OPTIN;
    kernel.maxDynamicSharedSizeBytes = device.sharedMemPerBlockOptin;
    kernel.numBlockBarriers = 1;
    cudaOccDeviceState state;
    state.carveoutConfig = carveout;
    return cudaOccMaxActiveBlocksPerMultiprocessor(result, &device, &kernel, &state, threads, shared);
}

extern "C" int blocks(const long long *gpu, int threads, int registers, long long shared) {
    cudaOccResult result;
    int error = calculate(gpu, threads, registers, shared, SHAREDMEM_CARVEOUT_DEFAULT, &result);
    return error ? -error : result.activeBlocksPerMultiprocessor;
}

extern "C" int blocks_by_shared(const long long *gpu, int carveout, long long shared) {
    cudaOccResult result;
    int error = calculate(gpu, 32, 32, shared, carveout, &result);
    return error ? -error : result.blockLimitSharedMem;
}
"""


def header_folder() -> Path | None:
    """Where the pip package nvidia-cuda-runtime put cuda_occupancy.h."""
    spec = importlib.util.find_spec("nvidia")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for header in sorted(Path(folder).glob("*/include/cuda_occupancy.h"), reverse=True):
            return header.parent
    return None


@pytest.fixture(scope="module")
def calculator(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    compiler, include = shutil.which("g++"), header_folder()
    if compiler is None:
        pytest.skip("g++ is not installed")
    if include is None:
        pytest.skip("NVIDIA's cuda_occupancy.h is not installed: pip install nvidia-cuda-runtime")
    folder = tmp_path_factory.mktemp("occupancy")
    (folder / "shim.cpp").write_text(SHIM)
    library = folder / "shim.so"
    subprocess.run(
        [compiler, "-O1", "-shared", "-fPIC", f"-I{include}", str(folder / "shim.cpp"), "-o", str(library)],
        check=True,
    )
    loaded = ctypes.CDLL(str(library))
    numbers = ctypes.POINTER(ctypes.c_longlong)
    loaded.blocks.argtypes = [numbers, ctypes.c_int, ctypes.c_int, ctypes.c_longlong]
    loaded.blocks_by_shared.argtypes = [numbers, ctypes.c_int, ctypes.c_longlong]
    return loaded


def properties(profile: Profile) -> ctypes.Array[ctypes.c_longlong]:
    """The device properties that the calculator asks for; it knows all other limits by capability."""
    values = (
        profile.compute_capability_major,
        profile.compute_capability_minor,
        profile.threads_per_block,
        profile.threads_per_sm,
        profile.registers_per_block,
        profile.registers_per_sm,
        profile.threads_per_warp,
        profile.shared_memory_per_block_default,
        profile.shared_memory_per_sm,
        profile.sm_count,
        profile.shared_memory_per_block,
        profile.shared_memory_reserved_per_block,
    )
    return (ctypes.c_longlong * len(values))(*values)


# Threads and shared memory close to where a block more or less fits are as likely as any others.
THREADS = st.one_of(st.integers(1, 1100), st.integers(1, 33).map(lambda warps: 32 * warps))
REGISTERS = st.integers(1, 255)  # the calculator takes 256 as well, which no instruction can name


def shared_bytes(profile: Profile) -> st.SearchStrategy[int]:
    edges = st.tuples(st.integers(1, 40), st.integers(-200, 200)).map(
        lambda pair: max(
            0, profile.shared_memory_per_sm // pair[0] - profile.shared_memory_reserved_per_block + pair[1]
        )
    )
    return st.one_of(st.just(0), st.integers(0, profile.shared_memory_per_sm + 2000), edges)


@pytest.mark.parametrize("name", hardware.names())
def test_occupancy_is_what_nvidias_calculator_says(name: str, calculator: ctypes.CDLL) -> None:
    profile = hardware.load(name)
    device = properties(profile)

    @settings(max_examples=300, deadline=None)
    @given(threads=THREADS, registers=REGISTERS, shared=shared_bytes(profile))
    @example(threads=1024, registers=64, shared=0)
    @example(threads=1024, registers=65, shared=0)
    @example(threads=32, registers=255, shared=profile.shared_memory_per_block)
    @example(threads=32, registers=16, shared=profile.shared_memory_per_block + 1)
    def agrees(threads: int, registers: int, shared: int) -> None:
        expected = calculator.blocks(device, threads, registers, shared)
        assert expected >= 0
        assert hardware.occupancy(profile, threads, registers, shared) == expected

    agrees()


@pytest.mark.parametrize("name", hardware.names())
def test_the_carveouts_are_those_of_nvidias_calculator(name: str, calculator: ctypes.CDLL) -> None:
    profile = hardware.load(name)
    device = properties(profile)
    allocated = profile.shared_memory_allocation_unit + profile.shared_memory_reserved_per_block
    for percent in range(101):
        wanted = percent * profile.shared_memory_per_sm // 100
        carveout = min(size for size in profile.shared_memory_carveouts if size >= max(wanted, allocated))
        assert (
            calculator.blocks_by_shared(device, percent, profile.shared_memory_allocation_unit)
            == carveout // allocated
        )


def every_limit(profile: Profile) -> dict[str, tuple[tuple[int, int, int], int]]:
    """A block shape that runs into each limit of an SM, and how many such blocks fit."""
    return {
        "slots": ((32, 16, 0), profile.blocks_per_sm),
        "warps": ((512, 16, 0), profile.threads_per_sm // 512),
        "registers": ((256, 128, 0), 2),
        "shared memory": ((32, 16, profile.shared_memory_per_block), 1),
        "too many threads": ((1025, 16, 0), 0),
        "too many registers of a thread": ((32, 256, 0), 0),
        "too many registers of a block": ((1024, 65, 0), 0),
        "too much shared memory": ((32, 16, profile.shared_memory_per_block + 1), 0),
    }


@pytest.mark.parametrize("limit", every_limit(hardware.load("h100_sxm")))
def test_each_limit_binds(limit: str) -> None:
    profile = hardware.load("h100_sxm")
    block, blocks = every_limit(profile)[limit]
    assert hardware.occupancy(profile, *block) == blocks


@pytest.mark.parametrize("block", [(0, 32, 0), (-32, 32, 0), (32, 0, 0), (32, 32, -1)])
def test_a_block_that_cannot_be_meant_is_an_error(block: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match=r"threads=-?\d+, registers=-?\d+, shared_bytes=-?\d+"):
        hardware.occupancy(hardware.load("h100_sxm"), *block)
