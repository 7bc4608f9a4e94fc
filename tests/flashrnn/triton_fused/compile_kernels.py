"""Compiles kernels for GPUs that need not be there, and prints what the compiler reports of each.

    python -m tests.flashrnn.triton_fused.compile_kernels   < cases, one JSON object a line

A case names a hardware profile, function, dtype ("bf16", "fp16", "fp32"), the dtype of what is loaded at
every step, head_dim, batch, direction, and whether all options are on (resets, clipping, gates kept). A line
with the tiles and the compiler's shared memory, registers and spilled bytes comes back.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from flashrnn import hardware
from flashrnn.cells import CELLS
from flashrnn.triton_fused.backward import backward_kernel
from flashrnn.triton_fused.forward import forward_kernel
from flashrnn.triton_fused.tiling import Work, best_tiles

FLOATS = ("clip", "gradient_clip", "value_0", "value_1", "value_2", "value_3")
LOADED = ("Wx", "initial", "all_states", "kept_gates", "d_all_states", "d_initial")
MULTIPLIED = ("R", "b", "d_gates")
# Assemblers that Triton brings; which PTX each one reads depends on Triton's version.
ASSEMBLERS = sorted(Path(triton.__file__).parent.glob("backends/nvidia/bin/ptxas*"))


def compile_case(profile, function, dtype, loaded, head_dim, batch, direction, options):
    """The tiles that the solver chooses for the case, and the compiler's report."""
    cell = CELLS[function]
    sizes = {"bf16": 2, "fp16": 2, "fp32": 4}
    work = Work(direction, function, sizes[dtype], head_dim, sizes[loaded], 8, batch, profile)
    tiles = best_tiles(work)
    kernel = forward_kernel if direction == "forward" else backward_kernel
    cut = tiles.options
    launch = {name: cut.pop(name) for name in ("num_warps", "num_stages")}
    constants = {
        "CELL": function,
        "RECURRENT": cell.recurrent_gates,
        "SLOTS": len(cell.gates),
        "FIRST_INPUT": cell.first_input_gate,
        "STATES": len(cell.states),
        "stride_d": 1,
        **dict.fromkeys(("RESET", "CLIP", "KEEP", "GRADIENT_CLIP"), options),
        "CUT": False,
        **cut,
    }
    names = kernel.arg_names
    signature = dict.fromkeys(names, "i64")
    signature |= {name: f"*{dtype}" for name in MULTIPLIED if name in names}
    signature |= {name: f"*{loaded}" for name in LOADED if name in names}
    signature |= {name: "fp32" for name in FLOATS if name in names}
    signature |= {name: "constexpr" for name in constants if name in names}
    signature["reset"] = "*i1"
    # What the launcher would find out: addresses are multiples of 16, and sizes if head_dim is.
    multiples = (
        ("D", "stride_t", "stride_b", "stride_h", "stride_g", "stride_s") if head_dim % 16 == 0 else ()
    )
    aligned = [
        index for index, name in enumerate(names) if signature[name].startswith("*") or name in multiples
    ]
    gpu = hardware.load(profile)
    capability = 10 * gpu.compute_capability_major + gpu.compute_capability_minor
    compiled = triton.compile(
        ASTSource(
            kernel,
            signature,
            {(names.index(name),): value for name, value in constants.items() if name in names},
            {(index,): [["tt.divisibility", 16]] for index in aligned},
        ),
        target=GPUTarget("cuda", capability, gpu.threads_per_warp),
        options=launch,
    )
    report = assemble(compiled.asm["ptx"])
    solved = {"tiles": tiles._asdict(), "matrix_bytes": matrix_bytes(work, tiles), "limit": limit(gpu)}
    return {"shared": compiled.metadata.shared, **report, **solved}


def matrix_bytes(work, tiles):
    """The size of R in shared memory; of float32 there are two halves in tf32."""
    padded = tiles.tile_d * tiles.tiles_d
    return CELLS[work.function].recurrent_gates * padded**2 * (8 if work.element_bytes == 4 else 2)


def limit(gpu):
    return {"shared": gpu.shared_memory_per_block, "registers": gpu.registers_per_thread}


def assemble(ptx):
    """Registers and spilled bytes of a thread, by the assembler's own report."""
    architecture = re.search(r"^\.target (\w+)", ptx, re.MULTILINE)[1]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "kernel.ptx")
        path.write_text(ptx)
        for assembler in ASSEMBLERS:
            command = [assembler, "-v", "--gpu-name", architecture, path, "-o", Path(folder, "kernel.cubin")]
            run = subprocess.run(command, capture_output=True, text=True)
            if run.returncode == 0:
                return {
                    "registers": int(re.search(r"Used (\d+) registers", run.stderr)[1]),
                    "spilled": int(re.search(r"(\d+) bytes spill stores", run.stderr)[1]),
                }
    raise RuntimeError(run.stderr)


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(compile_case(**json.loads(line))), flush=True)
