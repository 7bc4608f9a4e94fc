"""The compiler without a GPU: machine code, the report of resources, errors that say what to do."""

from __future__ import annotations

import builtins
from typing import Any

import pytest

from flashrnn.cuda import compiler
from flashrnn.cuda.compiler import CompilationError, CompilerUnavailable, Resources, compile_kernels

KERNELS = """
#include "sizes.cuh"
template <int N> __global__ void reverse(float* x) {
    __shared__ float copy[N * WIDTH];
    copy[threadIdx.x] = x[threadIdx.x];
    __syncthreads();
    x[threadIdx.x] = copy[N * WIDTH - 1 - threadIdx.x];
}
// More values at once than the registers that the kernel may use.
__global__ void __launch_bounds__(1024) hungry(float* x) {
    float kept[200];
    #pragma unroll
    for (int i = 0; i < 200; ++i) kept[i] = x[i * 1024 + threadIdx.x];
    __syncthreads();
    #pragma unroll
    for (int i = 0; i < 200; ++i) x[i * 1024 + threadIdx.x] = kept[(i * 7) % 200];
}
"""
HEADERS = {"sizes.cuh": "#define WIDTH 4\n"}


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASHRNN_CACHE", str(tmp_path))


@pytest.mark.parametrize("architecture", ["sm_80", "sm_86", "sm_89", "sm_90", "sm_90a", "sm_100", "sm_120"])
def test_it_compiles_for_gpus_that_are_not_here(architecture: str) -> None:
    compiled = compile_kernels(KERNELS, ["reverse<32>", "reverse<64>"], architecture, HEADERS)
    assert compiled.cubin.startswith(b"\x7fELF")
    for count in (32, 64):
        symbol = compiled.symbols[f"reverse<{count}>"]
        assert symbol.encode() in compiled.cubin
        assert compiled.resources[f"reverse<{count}>"].static_shared == count * 4 * 4
        assert compiled.resources[f"reverse<{count}>"].spills == 0


def test_spilled_registers_are_reported() -> None:
    found = compile_kernels(KERNELS, ["hungry"], "sm_90", HEADERS).resources["hungry"]
    assert found.registers == 64
    assert found.spill_stores > 0 and found.spill_loads > 0
    assert found.spills == found.spill_stores + found.spill_loads


def test_a_kernel_without_shared_memory_has_none() -> None:
    source = "__global__ void nothing() {}"
    assert compile_kernels(source, ["nothing"], "sm_80").resources["nothing"].static_shared == 0


def test_the_report_is_read_in_both_of_its_forms() -> None:
    log = (
        "ptxas info    : Compiling entry function 'a' for 'sm_80'\n"
        "ptxas info    : Function properties for a\n"
        "    8 bytes stack frame, 4 bytes spill stores, 12 bytes spill loads\n"
        "ptxas info    : Used 40 registers, used 1 barriers, 512 bytes smem, 360 bytes cmem[0]\n"
        "ptxas info    : Compiling entry function 'b' for 'sm_80'\n"
        "ptxas info    : Function properties for b\n"
        "ptxas         .     0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads\n"
        "ptxas info    : Used 12 registers, 360 bytes cmem[0]\n"
    )
    assert compiler.resource_reports(log) == {
        "a": Resources(40, 4, 12, 8, 512),
        "b": Resources(12, 0, 0, 0, 0),
    }


def test_an_error_in_the_source_gives_the_compilers_words() -> None:
    with pytest.raises(CompilationError, match=r'(?s)sm_80.*identifier "nonsense" is undefined'):
        compile_kernels("__global__ void k() { nonsense; }", ["k"], "sm_80")


def test_an_unknown_architecture_is_named() -> None:
    with pytest.raises(CompilationError, match="sm_99"):
        compile_kernels(KERNELS, ["hungry"], "sm_99", HEADERS)


def test_what_is_missing_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    true_import = builtins.__import__

    def without_cupy(name: str, *rest: Any) -> Any:
        if name.startswith("cupy"):
            raise ImportError("No module named 'cupy_backends'")
        return true_import(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_cupy)
    compiler._nvrtc.cache_clear()
    with pytest.raises(CompilerUnavailable, match=r"pip install 'constrint\[gpu\]'"):
        compile_kernels(KERNELS, ["hungry"], "sm_80", HEADERS)
    compiler._nvrtc.cache_clear()


# The cache ---------------------------------------------------------------------------------------------


def count_compilations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    done: list[str] = []
    compiling = compiler._compile

    def counted(source: str, names: Any, architecture: str, *rest: Any) -> Any:
        done.append(architecture)
        return compiling(source, names, architecture, *rest)

    monkeypatch.setattr(compiler, "_compile", counted)
    return done


def test_the_second_time_it_is_read_from_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    done = count_compilations(monkeypatch)
    first = compile_kernels(KERNELS, ["reverse<32>"], "sm_80", HEADERS)
    assert compile_kernels(KERNELS, ["reverse<32>"], "sm_80", HEADERS) == first
    assert done == ["sm_80"]


def test_everything_that_matters_makes_another_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    done = count_compilations(monkeypatch)
    compile_kernels(KERNELS, ["reverse<32>"], "sm_80", HEADERS)
    compile_kernels(KERNELS, ["reverse<32>"], "sm_86", HEADERS)
    compile_kernels(KERNELS, ["reverse<64>"], "sm_80", HEADERS)
    compile_kernels(KERNELS + "\n", ["reverse<32>"], "sm_80", HEADERS)
    compile_kernels(KERNELS, ["reverse<32>"], "sm_80", {"sizes.cuh": "#define WIDTH 2\n"})
    compile_kernels(KERNELS, ["reverse<32>"], "sm_80", HEADERS, options=["-lineinfo"])
    monkeypatch.setattr(compiler, "nvrtc_version", lambda: (99, 0))
    compile_kernels(KERNELS, ["reverse<32>"], "sm_80", HEADERS)
    assert len(done) == 7


@pytest.mark.parametrize("damage", [b"", b"x", b"not what was written" * 10])
def test_a_damaged_entry_is_made_anew(damage: bytes, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    done = count_compilations(monkeypatch)
    first = compile_kernels(KERNELS, ["reverse<32>"], "sm_80", HEADERS)
    (entry,) = (tmp_path / "cubins").iterdir()
    for content in (damage, entry.read_bytes()[:-1]):
        entry.write_bytes(content)
        again = compile_kernels(KERNELS, ["reverse<32>"], "sm_80", HEADERS)
        assert again.cubin == first.cubin
    assert len(done) == 3
    compile_kernels(KERNELS, ["reverse<32>"], "sm_80", HEADERS)
    assert len(done) == 3


def test_what_the_compiler_gives_without_a_report_is_compiled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """As NVRTC does with what it finds in its own cache."""
    asked: list[list[str]] = []
    run = compiler._run

    def forgetful(*arguments: Any) -> Any:
        cubin, symbols, log = run(*arguments[:4], [])
        asked.append(list(arguments[4]))
        return cubin, symbols, log if "--no-cache" in arguments[4] else ""

    monkeypatch.setattr(compiler, "_run", forgetful)
    found = compile_kernels(KERNELS, ["reverse<32>"], "sm_90", HEADERS)
    assert found.resources["reverse<32>"].static_shared == 512
    assert asked == [[], ["--no-cache"]]
    monkeypatch.setattr(compiler, "_run", lambda *_: (b"", {"lost": "_Z4lost"}, "nothing"))
    with pytest.raises(CompilationError, match="the compiler's log says nothing of lost"):
        compile_kernels(KERNELS, ["lost"], "sm_90", HEADERS)
