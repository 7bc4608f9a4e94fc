"""How long a configuration really takes on the GPU in the machine."""

from __future__ import annotations

import statistics
from typing import Any

from flashrnn.cuda.device import NoGPU
from flashrnn.cuda.tuner import Configuration


def microseconds_per_step(configuration: Configuration, steps: int = 512, times: int = 9) -> float:
    """The median time of a launch over `steps` steps, for one step. The tensors hold small random numbers.

    Raises NoGPU where there is none, LaunchError where it refuses the launch.
    """
    import torch

    from flashrnn.cuda.launch import example

    if not torch.cuda.is_available():
        raise NoGPU("PyTorch sees no NVIDIA GPU, so nothing can be measured")
    call = example(configuration, steps)
    call()

    def event() -> Any:
        return torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]

    events = [(event(), event()) for _ in range(times)]
    for begin, end in events:
        begin.record()
        call()
        end.record()
    torch.cuda.synchronize()
    milliseconds: float = statistics.median(begin.elapsed_time(end) for begin, end in events)
    return 1e3 * milliseconds / steps
