"""The kernels' tiles: the solutions of the problem in `tiles.yaml`, for the GPU at hand."""

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import constrint
from flashrnn.cells import get_cell

PROBLEM = Path(__file__).parent / "tiles.yaml"
DIRECTIONS = ("forward", "backward")


class Tiles(NamedTuple):
    """How a kernel is cut: the variables of `tiles.yaml`, which says what each means."""

    tile_b: int
    tile_d: int
    tiles_d: int
    warps: int
    stages: int
    shared_size: int

    @property
    def options(self) -> dict[str, int]:
        """The kernel's arguments that these are."""
        return {
            "TILE_B": self.tile_b,
            "TILE_D": self.tile_d,
            "TILES_D": self.tiles_d,
            "STAGES": self.stages,
            "num_warps": self.warps,
            "num_stages": self.stages,
        }


class Work(NamedTuple):
    """What a kernel has to do, as far as its tiles depend on it.

    `element_bytes` are those of R, `load_bytes` those of the widest tensor that is read at every step.
    `hardware_profile` is the name of one; None takes the file's own.
    """

    direction: str
    function: str
    element_bytes: int
    head_dim: int
    load_bytes: int = 4
    heads: int = 1
    batch: int = 1
    hardware_profile: str | None = None


@cache
def best_tiles(work: Work) -> Tiles | None:
    """The tiles that the solver prefers; None where R does not fit."""
    solution = _problem(work).solve()
    return Tiles(*(solution[name] for name in Tiles._fields)) if solution else None


@cache
def largest_head_dim(function: str, element_bytes: int, hardware_profile: str | None) -> int:
    """The largest head dimension for which both kernels fit; 0 where none does."""
    sizes = []
    for direction in DIRECTIONS:
        work = Work(direction, function, element_bytes, 1, hardware_profile=hardware_profile)
        solution = _problem(work, largest=1).solve()
        sizes.append(int(solution["padded"]) if solution else 0)
    return min(sizes)


def _problem(work: Work, largest: int = 0) -> constrint.Problem:
    cell = get_cell(work.function)
    parameters: dict[str, Any] = {
        "largest": largest,
        "backward": DIRECTIONS.index(work.direction),
        "gates": cell.recurrent_gates,
        "slots": len(cell.gates),
        "states": len(cell.states),
        "head_dim": work.head_dim,
        "heads": work.heads,
        "batch": work.batch,
        "element_bytes": work.element_bytes,
        "load_bytes": work.load_bytes,
    }
    include = {} if work.hardware_profile is None else {"gpu": work.hardware_profile}
    return constrint.load(PROBLEM, set=parameters, include=include)
