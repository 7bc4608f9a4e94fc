"""The tuner's choices, compiled for GPUs that are not here: the compiler reports what the model promised."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flashrnn import hardware
from flashrnn.cuda import kernels, tuner
from flashrnn.cuda.compiler import CompilationError, compile_kernels
from flashrnn.cuda.tuner import FUSED, Work

# Every family, cell, direction and kind of product, on three architectures.
SAMPLE = {
    "block": ("h100_sxm", Work("lstm", "forward", "bfloat16", 64, 12, 16)),
    "block-a100": ("a100_sxm_80gb", Work("gru", "backward", "float16", 32, 24, 8)),
    "block-4090": ("rtx_4090", Work("slstm", "forward", "tfloat32", 64, 12, 16)),
    "cluster": ("h100_sxm", Work("slstm", "backward", "bfloat16", 256, 3, 16)),
    "cluster-float32": ("h100_sxm", Work("elman", "backward", "float32", 192, 4, 5)),
    "cluster-768": ("h100_sxm", Work("lstm", "forward", "bfloat16", 768, 1, 16)),
    "grid": ("a100_sxm_80gb", Work("lstm", "backward", "bfloat16", 512, 1, 16)),
    "grid-largest": ("h100_sxm", Work("lstm", "forward", "bfloat16", 2304, 1, 1)),
    "stream": ("h100_sxm", Work("gru", "forward", "float16", 3072, 1, 16)),
}


@pytest.mark.parametrize("name", SAMPLE)
def test_the_compiler_confirms_what_the_model_promised(name):
    profile, work = SAMPLE[name]
    family = name.split("-")[0]
    found = tuner.choose(work, profile, [family])
    assert found is not None
    verified = kernels.check(found)
    assert not verified.contradictions
    (resources,) = verified.resources.values()
    assert resources.spills == resources.stack == resources.static_shared == 0
    assert resources.registers <= found.values["registers"]


@pytest.mark.parametrize("family", FUSED)
@pytest.mark.parametrize("direction", tuner.DIRECTIONS)
def test_shared_memory_is_the_models_to_the_byte(family, direction):
    # The sources' own figure, asserted by the compiler; more cells at once than one sample each.
    lines, work = [], Work("lstm", direction, "bfloat16", 96, 3, 11)
    for cell in kernels.CELLS:
        for dtype in ("bfloat16", "float32"):
            found = tuner.choose(work._replace(cell=cell, dtype=dtype), "h100_sxm", [family], verify=False)
            if found is not None:
                lines += kernels.source(found).splitlines()
    assert len(lines) > 1
    lines.append("__global__ void nothing() {}\n")
    architecture = kernels.architecture(hardware.load("h100_sxm"))
    compile_kernels("\n".join(lines), ["nothing"], architecture, kernels._headers())


def test_other_shared_memory_than_the_models_is_refused():
    found = tuner.choose(Work("lstm", "forward", "bfloat16", 32, 1, 4), "h100_sxm", ["block"], verify=False)
    assert found is not None
    wrong = replace(found, values={**found.values, "shared_bytes": found.values["shared_bytes"] + 16})
    with pytest.raises(CompilationError, match="the model's shared memory"):
        kernels.check(wrong)
