"""Which backends there are, and which module each one lives in.

A backend's module registers it when it is imported (`flashrnn.backends.register`). A module that is absent
or whose imports fail leaves a backend that says so.
"""

from importlib import import_module
from importlib.util import find_spec

from torch import Tensor

from flashrnn.backends import Backend, Request, Settings, is_registered, register

_MODULES = {
    "cuda_fused": "flashrnn.cuda",
    "cuda": "flashrnn.cuda",
    "triton_fused": "flashrnn.triton_fused",
    "vanilla_fwbw": "flashrnn.vanilla_fwbw",
    "vanilla": "flashrnn.vanilla",
}


def register_all() -> None:
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
