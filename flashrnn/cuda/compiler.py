"""From CUDA C++ to machine code: NVRTC, which needs neither a GPU nor a CUDA toolkit.

`compile_kernels` gives a cubin for any architecture that NVRTC knows, and what the compiler says of each
kernel's resources. Results are kept (`flashrnn.cuda.cache`).
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cache
from typing import Any

from flashrnn.cuda import cache as disk


class CompilerUnavailable(RuntimeError):
    """NVRTC or the package that reaches it is not installed; the message says what to install."""


class CompilationError(RuntimeError):
    """NVRTC refused the source; the message holds its log."""


@dataclass(frozen=True)
class Resources:
    """What the compiler reports of one kernel: registers of a thread, and bytes of a thread or block."""

    registers: int
    spill_stores: int
    spill_loads: int
    stack: int
    static_shared: int

    @property
    def spills(self) -> int:
        """Bytes of a thread that are written to and read from memory for want of registers."""
        return self.spill_stores + self.spill_loads


@dataclass(frozen=True)
class Compiled:
    """Kernels in machine code.

    Attributes:
        cubin: the ELF image, for `cuModuleLoadData`.
        symbols: the name of each kernel in the image, by the name expression that asked for it.
        resources: what the compiler reports of each, by the same name.
        seconds: what compiling took, when it was done.
    """

    cubin: bytes
    symbols: dict[str, str]
    resources: dict[str, Resources]
    seconds: float


def compile_kernels(
    source: str,
    names: Sequence[str],
    architecture: str,
    headers: Mapping[str, str] | None = None,
    options: Sequence[str] = (),
) -> Compiled:
    """Compiles `source` for an architecture such as "sm_90" or "sm_90a".

    `names` are the kernels wanted, as C++ names a template's instance: "forward<64, 4>". `headers` are the
    files that the source may include. `options` are NVRTC's.

    Raises CompilerUnavailable without NVRTC, CompilationError where it refuses the source or does not know
    the architecture.
    """
    given = dict(headers or {})
    key = {
        "source": _hash(source),
        "headers": {name: _hash(text) for name, text in sorted(given.items())},
        "names": list(names),
        "architecture": architecture,
        "options": list(options),
        "nvrtc": list(nvrtc_version()),
    }
    found = _decoded(disk.read("cubins", key), names)
    if found is None:
        found = _compile(source, names, architecture, given, options)
        disk.write("cubins", key, _encoded(found))
    return found


def nvrtc_version() -> tuple[int, int]:
    """The version of NVRTC, as (major, minor). Raises CompilerUnavailable without it."""
    major, minor = _nvrtc().getVersion()
    return major, minor


@cache
def _nvrtc() -> Any:
    """CuPy's binding of NVRTC: importable without a GPU, and without the rest of CuPy."""
    try:
        from cupy_backends.cuda.libs import nvrtc
    except ImportError as error:
        raise CompilerUnavailable(
            f"CuPy is not installed ({error}): pip install 'constrint[gpu]', or cupy-cuda13x (CUDA 13) or "
            "cupy-cuda12x (CUDA 12)"
        ) from None
    try:
        nvrtc.getVersion()
    except Exception as error:
        raise CompilerUnavailable(
            f"NVRTC cannot be loaded ({error}): pip install nvidia-cuda-nvrtc (CUDA 13) or "
            "nvidia-cuda-nvrtc-cu12 (CUDA 12), the same CUDA as CuPy's"
        ) from None
    return nvrtc


def _compile(
    source: str, names: Sequence[str], architecture: str, headers: Mapping[str, str], options: Sequence[str]
) -> Compiled:
    started = time.perf_counter()
    cubin, symbols, log = _run(source, names, architecture, headers, options)
    reports = resource_reports(log)
    if not reports.keys() >= set(symbols.values()):
        # From NVRTC 13 on, what it finds in a cache of its own it gives without ptxas's report.
        cubin, symbols, log = _run(source, names, architecture, headers, [*options, "--no-cache"])
        reports = resource_reports(log)
    missing = [name for name, symbol in symbols.items() if symbol not in reports]
    if missing:
        raise CompilationError(f"the compiler's log says nothing of {missing[0]}:\n{log.strip()}")
    return Compiled(
        cubin,
        symbols,
        {name: reports[symbol] for name, symbol in symbols.items()},
        time.perf_counter() - started,
    )


def _run(
    source: str, names: Sequence[str], architecture: str, headers: Mapping[str, str], options: Sequence[str]
) -> tuple[bytes, dict[str, str], str]:
    """The cubin, the kernels' symbols by their names, and the compiler's log."""
    nvrtc = _nvrtc()
    program = nvrtc.createProgram(
        source,
        "kernels.cu",
        [text.encode() for text in headers.values()],
        [name.encode() for name in headers],
    )
    try:
        for name in names:
            nvrtc.addNameExpression(program, name)
        try:
            nvrtc.compileProgram(
                program, [f"-arch={architecture}", "-std=c++17", "--ptxas-options=-v", *options]
            )
        except nvrtc.NVRTCError as error:
            raise CompilationError(
                f"NVRTC {'.'.join(map(str, nvrtc_version()))} for {architecture}: {error}\n"
                f"{nvrtc.getProgramLog(program).strip()}"
            ) from None
        symbols = {name: nvrtc.getLoweredName(program, name) for name in names}
        # CuPy's getCUBIN leaves out the last byte, the end of a table of zero-ended texts.
        return nvrtc.getCUBIN(program) + b"\0", symbols, nvrtc.getProgramLog(program)
    finally:
        nvrtc.destroyProgram(program)


def resource_reports(log: str) -> dict[str, Resources]:
    """The resources that ptxas prints with -v, by the kernels' symbols."""
    reports = {}
    for part in re.split(r"Compiling entry function '", log)[1:]:
        symbol, _, text = part.partition("'")
        used = re.search(r"Used (\d+) registers", text)
        frame = re.search(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", text)
        if used and frame:
            shared = re.search(r"(\d+) bytes smem", text)
            stack, stores, loads = map(int, frame.groups())
            reports[symbol] = Resources(int(used[1]), stores, loads, stack, int(shared[1]) if shared else 0)
    return reports


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _encoded(compiled: Compiled) -> bytes:
    """One line of JSON, then the image."""
    head = {
        "symbols": compiled.symbols,
        "resources": {name: asdict(found) for name, found in compiled.resources.items()},
        "seconds": compiled.seconds,
    }
    return json.dumps(head).encode() + b"\n" + compiled.cubin


def _decoded(content: bytes | None, names: Sequence[str]) -> Compiled | None:
    """What `_encoded` wrote; None where it is anything else."""
    if content is None:
        return None
    line, _, cubin = content.partition(b"\n")
    try:
        head = json.loads(line)
        resources = {
            name: Resources(**{field.name: int(found[field.name]) for field in fields(Resources)})
            for name, found in head["resources"].items()
        }
        compiled = Compiled(cubin, dict(head["symbols"]), resources, float(head["seconds"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    complete = all(name in compiled.symbols and name in compiled.resources for name in names)
    return compiled if complete and cubin else None
