"""The CUDA driver through CuPy's bindings: load a cubin, launch a kernel of it, ask how many blocks fit.

Everything happens in the context that is current, on the stream that is named; PyTorch's device guard sets
the former. Cooperative launches are refused when the grid is too large, never shrunk.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

# CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED, for which CuPy has no name.
_NONPORTABLE_CLUSTERS = 14


class LaunchError(RuntimeError):
    """A kernel cannot be launched as asked; the message says why."""


@dataclass(frozen=True)
class Function:
    """One kernel of a loaded module, prepared for a block's dynamic shared memory.

    `module` is kept because the kernel lives no longer than it.
    """

    name: str
    handle: int
    module: int
    shared_bytes: int

    def launch(
        self,
        grid: tuple[int, int, int],
        threads: int,
        stream: int,
        arguments: Sequence[Any],
        cooperative: bool = False,
    ) -> None:
        """Launches the kernel; `arguments` are ctypes values, in the kernel's order.

        Raises LaunchError where the driver refuses.
        """
        driver = _driver()
        addresses = (ctypes.c_void_p * len(arguments))(*map(ctypes.addressof, arguments))
        try:
            if cooperative:
                driver.launchCooperativeKernel(
                    self.handle, *grid, threads, 1, 1, self.shared_bytes, stream, ctypes.addressof(addresses)
                )
            else:
                driver.launchKernel(
                    self.handle,
                    *grid,
                    threads,
                    1,
                    1,
                    self.shared_bytes,
                    stream,
                    ctypes.addressof(addresses),
                    0,
                )
        except driver.CUDADriverError as error:
            raise LaunchError(
                f"{self.name} with {grid} blocks of {threads} threads and {self.shared_bytes} bytes of "
                f"shared memory: {error}"
            ) from None

    def blocks_per_sm(self, threads: int) -> int:
        """How many blocks of so many threads an SM of the current GPU holds at once, by the driver."""
        blocks: int = _driver().occupancyMaxActiveBlocksPerMultiprocessor(
            self.handle, threads, self.shared_bytes
        )
        return blocks


def bind(device: int) -> None:
    """Makes the GPU's context current where this thread has none, as one of autograd's may."""
    if not _driver().ctxGetCurrent():
        from cupy_backends.cuda.api import runtime

        runtime.setDevice(device)
        runtime.free(0)


def load(cubin: bytes, symbol: str, name: str, shared_bytes: int, large_clusters: bool = False) -> Function:
    """Loads the image into the current context, and readies one kernel of it.

    `large_clusters` allows clusters beyond the portable size. Raises LaunchError where the driver refuses.
    """
    driver = _driver()
    try:
        module = driver.moduleLoadData(cubin)
        handle = driver.moduleGetFunction(module, symbol)
        driver.funcSetAttribute(handle, driver.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, shared_bytes)
        if large_clusters:
            driver.funcSetAttribute(handle, _NONPORTABLE_CLUSTERS, 1)
    except driver.CUDADriverError as error:
        raise LaunchError(
            f"{name} cannot be loaded with {shared_bytes} bytes of shared memory: {error}"
        ) from None
    return Function(name, handle, module, shared_bytes)


def _driver() -> Any:
    from cupy_backends.cuda.api import driver

    return driver
