"""The backend `triton_fused`: one Triton kernel for all steps forward, one backward, with R on the chip.

`cells` has the pointwise functions and their derivatives, `forward` and `backward` the kernels, `tiling`
decides with `tiles.yaml` how they are cut, and `launch` calls them.
"""

from flashrnn.backends import Backend, register
from flashrnn.triton_fused.launch import backward, forward, residual, unavailable

register(Backend("triton_fused", unavailable, forward, backward, residual, residual_heads=3))
