"""Which backends there are, which module each one lives in, and which one serves a call.

A backend's module registers it when it is imported (`flashrnn.backends.register`). A module that is absent
or whose imports fail leaves a backend that says so.
"""

from importlib import import_module
from importlib.util import find_spec

import torch
from torch import Tensor

from flashrnn.backends import (
    Backend,
    BackendUnavailable,
    Request,
    Settings,
    get_backend,
    is_registered,
    register,
)

# The fastest first.
_MODULES = {
    "cuda_fused": "flashrnn.cuda.backend",
    "triton_fused": "flashrnn.triton_fused",
    "cuda": "flashrnn.cuda.backend",
    "vanilla_fwbw": "flashrnn.vanilla_fwbw",
    "vanilla": "flashrnn.vanilla",
}
# What "auto" tries where there is no GPU.
_ON_ANY_DEVICE = ("vanilla_fwbw", "vanilla")


def _register_all() -> None:
    """Imports every backend's module; a backend that this leaves unregistered gets the reason instead."""
    for name, module in _MODULES.items():
        reason = f"its kernels ({module}) are not part of this installation"
        if find_spec(module) is not None:
            try:
                import_module(module)
                reason = f"{module} provides no backend of that name"
            except ImportError as error:
                reason = f"{module} cannot be imported: {error}"
        if not is_registered(name):
            register(_absent(name, reason))


def _absent(name: str, reason: str) -> Backend:
    def unavailable(request: Request) -> str | None:
        return reason

    def forward(
        settings: Settings,
        Wx: Tensor,
        R: Tensor,
        b: Tensor,
        states: Tensor,
        reset: Tensor | None,
        training: bool,
    ) -> tuple[Tensor, Tensor]:
        raise RuntimeError(reason)

    return Backend(name, unavailable, forward)


def choose_backend(name: str, request: Request) -> Backend:
    """The backend to serve `request`: the one of that name, or for "auto" the first that can.

    Raises:
        ValueError: there is no such backend.
        BackendUnavailable: it cannot serve the request.
    """
    if name != "auto":
        backend = get_backend(name)
        reason = backend.unavailable(request)
        if reason is not None:
            raise BackendUnavailable(f"backend {name!r} is unavailable: {reason}")
        return backend
    for candidate in tuple(_MODULES) if request.device == "cuda" else _ON_ANY_DEVICE:
        backend = get_backend(candidate)
        if backend.unavailable(request) is None:
            return backend
    raise BackendUnavailable("no backend can serve this request")


def available_backends(
    function: str = "lstm",
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
    num_heads: int = 1,
    head_dim: int = 64,
    batch_size: int = 1,
    resets: bool = False,
) -> dict[str, str | None]:
    """For each backend None where it can serve such a call, else the reason why it cannot."""
    request = Request(function, device, dtype, num_heads, head_dim, batch_size, resets)
    return {name: get_backend(name).unavailable(request) for name in _MODULES}


_register_all()
