"""python -m benchmarks.spaces: published auto-tuning spaces, constrint next to Kernel Tuner, as a table.

Each space is built to full NumPy columns, several times in turns in the same process; the table gives
medians of processor time. For constrint that is from the problem in memory, and once more from the text
of the problem file; for Kernel Tuner (its Searchspace, which uses the compiled python-constraint2) from
its dictionary of values and its list of restrictions, whose text it reads. The configurations are compared
before any time is printed. Without Kernel Tuner in the environment only constrint's times are printed.

The spaces are those of Willemsen, van Nieuwpoort and van Werkhoven, "Efficient construction of large search
spaces for auto-tuning" (ICPP 2025), from the definitions in Kernel Tuner's, CLBlast's and ATF's own
studies; `contraction` is too large to list, and is only counted.
"""

from __future__ import annotations

import io
import math
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import constrint as ci

FOLDER = Path(__file__).parent / "tuning_spaces"

SPACES: dict[str, tuple[str, dict[str, int], int]] = {
    "dedispersion": ("dedispersion", {}, 11_130),
    "microhh": ("microhh", {}, 138_600),
    "hotspot": ("hotspot", {}, 349_853),
    "gemm": ("gemm", {}, 116_928),
    "prl 2x2": ("prl", {"n": 2}, 1_200),
    "prl 4x4": ("prl", {"n": 4}, 10_800),
    "prl 8x8": ("prl", {"n": 8}, 48_720),
}
"""Of each published space: the problem file, its parameters, and how many configurations are valid."""

LARGE = "contraction"

_RUNS = 9

Columns = dict[str, np.ndarray[Any, Any]]


def load(name: str) -> ci.Problem:
    """A published space as a problem."""
    file, parameters, _ = SPACES[name]
    return ci.load(FOLDER / f"{file}.yaml", set=parameters)


def restrictions(name: str) -> list[str]:
    """The restrictions of a published space as Kernel Tuner is given them, in its own notation."""
    if name == "dedispersion":
        return [
            "32 <= block_size_x * block_size_y <= 1024",
            "tile_size_x > 1 or tile_stride_x == 0",
            "tile_size_y > 1 or tile_stride_y == 0",
        ]
    if name == "microhh":
        threads = "BLOCK_SIZE_X * BLOCK_SIZE_Y * BLOCK_SIZE_Z"
        found = [f"{threads} * BLOCKS_PER_MP <= 1024", f"32 <= {threads} <= 1536"]
        for axis in "XYZ":
            unroll, tiling = f"LOOP_UNROLL_FACTOR_{axis}", f"TILING_FACTOR_{axis}"
            found.append(f"{unroll} == 0 or {tiling} % {unroll} == 0")
        return found + [f"BLOCK_SIZE_{axis} * TILING_FACTOR_{axis} > 0" for axis in "XYZ"]
    if name == "hotspot":
        sides = [f"(block_size_{axis}*tile_size_{axis} + temporal_tiling_factor * 2)" for axis in "xy"]
        memory = f"{sides[0]} * {sides[1]} * (2+sh_power) * 4"
        return [
            "block_size_x*block_size_y >= 32",
            "temporal_tiling_factor % loop_unroll_factor_t == 0",
            "block_size_x*block_size_y <= 1024",
            f"{memory} <= 49152",
            f"blocks_per_sm == 0 or (({memory}) * blocks_per_sm <= 102400)",
        ]
    if name == "gemm":
        return [
            "KWG % KWI == 0",
            "MWG % (MDIMC * VWM) == 0",
            "NWG % (NDIMC * VWN) == 0",
            "MWG % (MDIMA * VWM) == 0",
            "NWG % (NDIMB * VWN) == 0",
            "KWG % ((MDIMC * NDIMC)/MDIMA) == 0",
            "KWG % ((MDIMC * NDIMC)/NDIMB) == 0",
            "(MWG != 128 or NWG != 128 or MDIMC != 8 or NDIMC != 8)",
        ]
    found = [
        "L_CB_RES_DEST_LEVEL <= G_CB_RES_DEST_LEVEL",
        "P_CB_RES_DEST_LEVEL <= L_CB_RES_DEST_LEVEL",
        "OCL_DIM_R_1 != OCL_DIM_L_1",
    ]
    for side in ("L_1", "R_1"):
        found += [
            f"INPUT_SIZE_{side} % L_CB_SIZE_{side} == 0",
            f"L_CB_SIZE_{side} % P_CB_SIZE_{side} == 0",
            f"(INPUT_SIZE_{side} / L_CB_SIZE_{side}) % NUM_WG_{side} == 0",
            f"(L_CB_SIZE_{side} / P_CB_SIZE_{side}) % NUM_WI_{side} == 0",
            f"NUM_WI_{side} <= (INPUT_SIZE_{side} + NUM_WG_{side} - 1) / NUM_WG_{side}",
        ]
    return [*found, "NUM_WG_R_1 == 1 or NUM_WG_R_1 % L_CB_SIZE_R_1 == 0"]


def from_memory(problem: ci.Problem) -> Columns:
    """The columns of the problem's space."""
    return problem.enumerate().columns()


def from_text(text: str, parameters: dict[str, int]) -> Columns:
    """The columns of the space of a problem file's text."""
    return ci.load(io.StringIO(text), set=parameters).enumerate().columns()


def by_kernel_tuner(name: str) -> Columns:
    """The columns of the space that Kernel Tuner builds; ImportError where it is not installed."""
    from kernel_tuner.searchspace import Searchspace

    problem = load(name)
    values = {each: list(spec.values or ()) or _range(spec) for each, spec in problem.variables.items()}
    space = Searchspace(values, restrictions(name), 1 << 30)
    return {
        each: np.array(column) for each, column in zip(values, zip(*space.list, strict=True), strict=True)
    }


def _range(spec: ci.DomainSpec) -> list[int]:
    assert spec.low is not None and spec.high is not None
    return [value for value in range(spec.low, spec.high + 1) if spec.holds(value)]


def timed(function: Callable[..., Any], *arguments: Any) -> float:
    """Milliseconds of processor time that the call takes."""
    started = time.process_time()
    function(*arguments)
    return (time.process_time() - started) * 1e3


def same(ours: Columns, theirs: Columns) -> bool:
    """Whether both hold the same configurations, in whatever order."""
    rows = np.stack([theirs[name] for name in ours], axis=1)
    order = np.lexsort(rows.T[::-1])
    return np.array_equal(np.stack(list(ours.values()), axis=1), rows[order])


def main() -> int:
    """Prints the tables; 1 where configurations differ."""
    # Kernel Tuner turns restrictions into calls that Python's compiler finds odd.
    warnings.filterwarnings("ignore", category=SyntaxWarning)
    try:
        import kernel_tuner  # noqa: F401
    except ImportError:
        print("Kernel Tuner is not installed: pip install kernel_tuner. Only constrint is timed.\n")
        peer = False
    else:
        peer = True
    print("| space | configurations | constrint ms | from text ms | count ms | Kernel Tuner ms | ratio |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    ratios = []
    for name, (file, parameters, expected) in SPACES.items():
        text = (FOLDER / f"{file}.yaml").read_text(encoding="utf-8")
        problem = load(name)
        ours = from_memory(problem)
        count = len(next(iter(ours.values())))
        if count != expected or problem.count() != expected:
            print(f"{name}: {count} configurations instead of {expected}")
            return 1
        if peer and not same(ours, by_kernel_tuner(name)):
            print(f"{name}: Kernel Tuner has other configurations")
            return 1
        times: list[list[float]] = [[], [], [], []]
        for _ in range(_RUNS):
            times[0].append(timed(from_memory, problem))
            times[1].append(timed(from_text, text, parameters))
            times[2].append(timed(problem.count))
            if peer:
                times[3].append(timed(by_kernel_tuner, name))
        medians = [statistics.median(each) if each else math.nan for each in times]
        ratios.append(medians[3] / medians[0])
        print(
            f"| {name} | {count:,} | {medians[0]:.1f} | {medians[1]:.1f} | {medians[2]:.1f} "
            f"| {medians[3]:.1f} | {ratios[-1]:.1f} |"
        )
    if peer:
        print(f"\ngeometric mean {statistics.geometric_mean(ratios):.1f}, least {min(ratios):.1f}")
    print(f"\n{_large()}")
    return 0


def _large() -> str:
    """What counting the large space takes, in a process of its own."""
    code = (
        "import re, time, constrint as ci\n"
        f"problem = ci.load({str(FOLDER / f'{LARGE}.yaml')!r})\n"
        "started = time.process_time()\n"
        "count = problem.count()\n"
        "seconds = time.process_time() - started\n"
        "status = open('/proc/self/status').read()\n"
        "peak = int(re.search(r'VmHWM:\\s*([0-9]+)', status)[1]) >> 10\n"
        f"print(f'{LARGE}: {{count:,}} configurations counted in {{seconds:.2f}} s, {{peak}} MB in all')\n"
    )
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    sys.exit(main())
