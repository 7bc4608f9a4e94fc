"""examples/fused_rnn_h100.yaml against a second statement of the same kernel, in plain Python.

`resources` computes what a launch needs from its cuts alone; `preferred` goes through every launch that fits
and picks the best by the wishes of the file. Neither uses the solver.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from types import ModuleType

import pytest

import constrint as ci
from flashrnn import hardware
from flashrnn.hardware import Profile

EXAMPLE = Path(__file__).parent.parent / "examples" / "fused_rnn_h100.yaml"
OTHER_REGISTERS = 40


load_once = cache(hardware.load)


@dataclass(frozen=True)
class Case:
    """A recurrent layer and a GPU."""

    gates: int = 4
    states: int = 2
    head_dim: int = 768
    heads: int = 2
    batch: int = 16
    element_bytes: int = 2
    gpu: str = "h100_sxm"

    @property
    def profile(self) -> Profile:
        return load_once(self.gpu)

    def load(self) -> ci.Problem:
        names = ("gates", "states", "head_dim", "heads", "batch", "element_bytes")
        return ci.load(EXAMPLE, set={name: getattr(self, name) for name in names}, include={"gpu": self.gpu})


@dataclass(frozen=True)
class Cuts:
    """How one kernel is cut; `out` is the axis it puts out (gate forward), `summed` the other one."""

    forward: bool
    heads_at_once: int
    blocks_batch: int
    r_first: int
    tile: tuple[int, int, int]  # along batch, out, summed
    loops: tuple[int, int, int]
    warps: tuple[int, int, int]
    blocks: tuple[int, int]  # along out, summed
    shared_loops: int  # of the loops along summed: those that find R in shared memory


@dataclass(frozen=True)
class Resources:
    """What one kernel needs, in the order in which the wishes of the file ask for little of it."""

    syncs: int
    shared_loops: int
    instructions: int
    warps: int
    shared_bytes: int
    registers: int
    blocks_per_sm: int

    def key(self) -> tuple[int, ...]:
        return tuple(vars(self).values())


def round_up(value: int, unit: int) -> int:
    return -(-value // unit) * unit


def stride(row: int, remainder: int, modulus: int) -> int:
    """The first length from `row` on that leaves `remainder`."""
    return row + (remainder - row) % modulus


def resources(case: Case, cuts: Cuts) -> Resources | None:
    """What a launch needs, with the fewest registers and blocks on an SM; None where it does not fit."""
    gpu, size = case.profile, case.element_bytes
    batch, out, summed = (t * n * w for t, n, w in zip(cuts.tile, cuts.loops, cuts.warps, strict=True))
    warps = cuts.warps[0] * cuts.warps[1] * cuts.warps[2]
    units, rest = divmod(case.head_dim, cuts.blocks[0] * cuts.blocks[1])
    grid = cuts.heads_at_once * cuts.blocks_batch * cuts.blocks[0] * cuts.blocks[1]
    if rest:
        return None

    # Registers: a warp has 32 threads with 4 bytes each.
    tile_batch, tile_out, tile_summed = cuts.tile
    matrix = cuts.loops[1] * (cuts.loops[2] - cuts.shared_loops) * tile_out * tile_summed * size // 128
    sums = cuts.loops[1] * tile_batch * tile_out * 4 // 128
    operands = 2 * (tile_batch + (tile_out if cuts.shared_loops else 0)) * tile_summed * size // 128
    entries = -(-batch * units // (32 * warps))
    cell = entries * (case.gates + (1 if cuts.forward else 2) * (case.states - 1) + (not cuts.forward))
    registers = round_up(matrix + sums + operands + cell + OTHER_REGISTERS, 8)

    # Shared memory.
    matrix_row = cuts.warps[2] * cuts.shared_loops * tile_summed * size
    shared_bytes = out * stride(matrix_row, 16, 32) if cuts.shared_loops else 0
    shared_bytes += batch * stride(summed * size, 16, 32)
    sum_stride = stride(out * 4, 16, 32) if cuts.r_first else stride(out * 4, 32, 64)
    shared_bytes += cuts.warps[2] * batch * sum_stride

    # What goes through L2: the operand of blocks that share what is put out, partial sums of the others.
    operand_length = case.head_dim * (1 if cuts.forward else case.gates)
    out_length = case.head_dim * (case.gates if cuts.forward else 1)
    exchange = operand_length * size if cuts.blocks[0] > 1 else 0
    exchange += cuts.blocks[1] * out_length * 4 if cuts.blocks[1] > 1 else 0

    blocks_per_sm = -(-grid // gpu.sm_count)
    if (
        2 * cuts.heads_at_once * case.batch * exchange > gpu.l2_cache
        or 32 * warps > gpu.threads_per_block
        or hardware.occupancy(gpu, 32 * warps, registers, shared_bytes) < blocks_per_sm
    ):
        return None
    return Resources(
        syncs=sum(blocks > 1 for blocks in cuts.blocks),
        shared_loops=cuts.shared_loops,
        instructions=cuts.loops[0] * cuts.loops[1] * cuts.loops[2],
        warps=warps,
        shared_bytes=shared_bytes,
        registers=registers,
        blocks_per_sm=blocks_per_sm,
    )


# Every launch that fits -----------------------------------------------------------------------------------


def divisors(number: int) -> list[int]:
    return [k for k in range(1, number + 1) if number % k == 0]


def all_cuts(
    case: Case, forward: bool, heads_at_once: int, blocks_batch: int, blocks_head: int
) -> Iterator[Cuts]:
    """Every way to cut one kernel whose heads have `blocks_head` blocks for each part of the batch."""
    shapes = case.profile.mma_shapes_16bit if case.element_bytes == 2 else case.profile.mma_shapes_tf32
    columns = case.gates * case.head_dim
    out_length, summed_length = (columns, case.head_dim) if forward else (case.head_dim, columns)
    for blocks_out in divisors(blocks_head):
        blocks = (blocks_out, blocks_head // blocks_out)
        if out_length % blocks[0] or summed_length % blocks[1]:
            continue
        slices = (case.batch // blocks_batch, out_length // blocks[0], summed_length // blocks[1])
        for m, n, k in shapes:
            for r_first, tile in ((0, (m, n, k)), (1, (n, m, k))):
                if any(part % t for part, t in zip(slices, tile, strict=True)):
                    continue
                tiles = [part // t for part, t in zip(slices, tile, strict=True)]
                for warps_batch in divisors(tiles[0]):
                    for warps_out in divisors(tiles[1]):
                        for warps_summed in divisors(tiles[2]):
                            warps = (warps_batch, warps_out, warps_summed)
                            if 32 * warps_batch * warps_out * warps_summed > case.profile.threads_per_block:
                                break
                            loops = (
                                tiles[0] // warps_batch, tiles[1] // warps_out, tiles[2] // warps_summed
                            )  # fmt: skip
                            for shared_loops in range(loops[2] + 1):
                                yield Cuts(
                                    forward, heads_at_once, blocks_batch, r_first, tile, loops, warps, blocks,
                                    shared_loops,
                                )  # fmt: skip


def preferred(case: Case) -> tuple[Cuts, Cuts] | None:
    """The forward and backward launch that the wishes of the file prefer; None where nothing fits.

    The wishes turn from forward to backward and back. Given what the two kernels have in common, each may be
    chosen for itself.
    """
    best: list[int] = []
    launches: list[tuple[Cuts, Cuts]] = []
    for heads_at_once in reversed(divisors(case.heads)):
        for blocks_batch in divisors(case.batch):
            for blocks_head in divisors(case.head_dim):
                kernels = []
                for forward in (True, False):
                    fitting = [
                        (need.key(), cuts)
                        for cuts in all_cuts(case, forward, heads_at_once, blocks_batch, blocks_head)
                        if (need := resources(case, cuts)) is not None
                    ]
                    if not fitting:
                        break
                    least = min(key for key, _ in fitting)
                    kernels.append((least, [cuts for key, cuts in fitting if key == least]))
                else:
                    (forward_key, forward_cuts), (backward_key, backward_cuts) = kernels
                    wishes = [need for pair in zip(forward_key, backward_key, strict=True) for need in pair]
                    if not launches or wishes < best:
                        best, launches = wishes, []
                    if wishes == best:
                        launches += product(forward_cuts, backward_cuts)
        if launches:
            (launch,) = launches  # the wishes leave no choice
            return launch
    return None


def cuts_of(solution: ci.Solution, forward: bool) -> Cuts:
    """The cuts that a solution of the problem file chooses for one kernel."""
    prefix = "fwd_" if forward else "bwd_"
    out, summed = ("gate", "hidden") if forward else ("hidden", "gate")

    def three(what: str) -> tuple[int, int, int]:
        batch, first, second = (solution[f"{prefix}{what}_{axis}"] for axis in ("batch", out, summed))
        return batch, first, second

    return Cuts(
        forward=forward,
        heads_at_once=solution["heads_at_once"],
        blocks_batch=solution["blocks_batch"],
        r_first=solution[f"{prefix}r_first"],
        tile=three("tile"),
        loops=three("loops"),
        warps=three("warps"),
        blocks=(solution[f"{prefix}blocks_{out}"], solution[f"{prefix}blocks_{summed}"]),
        shared_loops=solution[f"{prefix}shared_loops"],
    )


CASES = {
    "lstm": Case(),
    "lstm, one head": Case(heads=1, head_dim=256),
    "lstm, on an A100": Case(gpu="a100_sxm_80gb"),
    "lstm, on an RTX 4090": Case(head_dim=512, gpu="rtx_4090"),
    "gru": Case(gates=3, states=1, head_dim=512, heads=4, batch=8),
    "elman in float32": Case(gates=1, states=1, head_dim=256, heads=4, batch=32, element_bytes=4),
    "slstm, heads on one block each": Case(states=4, head_dim=64, heads=12),
    "wide lstm": Case(head_dim=1536, heads=1, batch=8),
    "lstm, on an RTX 3090": Case(head_dim=384, heads=3, batch=24, gpu="rtx_3090"),
}


@cache
def solved(case: Case) -> ci.Solution:
    return case.load().solve()


@pytest.fixture(params=CASES.values(), ids=list(CASES))
def case(request: pytest.FixtureRequest) -> Case:
    chosen: Case = request.param
    return chosen


def test_the_solution_is_the_best_of_all_launches_that_fit(case: Case) -> None:
    solution = solved(case)
    assert solution.status == "satisfied"
    assert (cuts_of(solution, True), cuts_of(solution, False)) == preferred(case)


def test_what_the_solution_says_it_needs_is_what_it_needs(case: Case) -> None:
    solution = solved(case)
    for forward, prefix in ((True, "fwd_"), (False, "bwd_")):
        cuts = cuts_of(solution, forward)
        need = resources(case, cuts)
        assert need is not None
        assert {name: solution[prefix + name] for name in vars(need)} == vars(need)
        # The axes are covered exactly, and every hidden unit belongs to one block of its head.
        columns = case.gates * case.head_dim
        lengths = (columns, case.head_dim) if forward else (case.head_dim, columns)
        for axis, length in enumerate((case.batch, *lengths)):
            blocks = (cuts.blocks_batch, *cuts.blocks)[axis]
            assert cuts.tile[axis] * cuts.loops[axis] * cuts.warps[axis] * blocks == length
        assert solution["units"] * cuts.blocks[0] * cuts.blocks[1] == case.head_dim
        assert case.heads % cuts.heads_at_once == 0
        grid = cuts.heads_at_once * cuts.blocks_batch * cuts.blocks[0] * cuts.blocks[1]
        assert solution["blocks"] == grid <= case.profile.sm_count * need.blocks_per_sm


def test_the_preferred_launch_on_an_h100() -> None:
    solution = solved(Case())
    assert dict(ci.load(EXAMPLE).solve()) == dict(solution)
    values = {
        "heads_at_once": 2, "blocks_batch": 1, "slice_batch": 16, "units": 12, "blocks": 128,
        "fwd_r_first": 1, "fwd_tile_batch": 8, "fwd_tile_gate": 16, "fwd_tile_hidden": 16,
        "fwd_loops_batch": 2, "fwd_loops_gate": 1, "fwd_loops_hidden": 6,
        "fwd_warps_batch": 1, "fwd_warps_gate": 3, "fwd_warps_hidden": 8,
        "fwd_blocks_gate": 64, "fwd_blocks_hidden": 1, "fwd_slice_gate": 48, "fwd_slice_hidden": 768,
        "fwd_warps": 24, "fwd_blocks_per_sm": 1, "fwd_instructions": 12, "fwd_syncs": 1,
        "fwd_register_loops": 6, "fwd_shared_loops": 0,
        "fwd_matrix_registers": 24, "fwd_sum_registers": 4, "fwd_operand_registers": 4,
        "fwd_cell_registers": 5, "fwd_registers": 80,
        "fwd_matrix_stride": 16, "fwd_matrix_bytes": 0, "fwd_operand_stride": 1552,
        "fwd_sum_stride": 208, "fwd_sum_bytes": 26624, "fwd_shared_bytes": 51456,
        "bwd_r_first": 1, "bwd_tile_batch": 8, "bwd_tile_gate": 16, "bwd_tile_hidden": 16,
        "bwd_loops_batch": 2, "bwd_loops_gate": 3, "bwd_loops_hidden": 3,
        "bwd_warps_batch": 1, "bwd_warps_gate": 1, "bwd_warps_hidden": 16,
        "bwd_blocks_gate": 64, "bwd_blocks_hidden": 1, "bwd_slice_gate": 48, "bwd_slice_hidden": 768,
        "bwd_warps": 16, "bwd_blocks_per_sm": 1, "bwd_instructions": 18, "bwd_syncs": 1,
        "bwd_register_loops": 3, "bwd_shared_loops": 0,
        "bwd_matrix_registers": 36, "bwd_sum_registers": 12, "bwd_operand_registers": 4,
        "bwd_cell_registers": 7, "bwd_registers": 104,
        "bwd_matrix_stride": 16, "bwd_matrix_bytes": 0, "bwd_operand_stride": 112,
        "bwd_sum_stride": 3088, "bwd_sum_bytes": 49408, "bwd_shared_bytes": 51200,
    }  # fmt: skip
    assert dict(solution) == values


@pytest.mark.parametrize("case", [Case(batch=12), Case(head_dim=100)], ids=["batch", "head"])
def test_what_no_tile_divides_is_infeasible(case: Case) -> None:
    assert preferred(case) is None
    assert case.load().solve().status == "infeasible"


def test_a_matrix_larger_than_all_registers_and_shared_memory_is_infeasible() -> None:
    case = Case(head_dim=8192, heads=1)
    gpu = case.profile
    chip = gpu.sm_count * (4 * gpu.registers_per_sm + gpu.shared_memory_per_sm)
    assert case.gates * case.head_dim**2 * case.element_bytes > chip
    assert case.load().solve().status == "infeasible"


def test_elements_that_the_matrix_instructions_lack_are_named() -> None:
    conflict = Case(element_bytes=8).load().explain().conflict
    assert [constraint.label for constraint in conflict] == ["size of the elements"]


def test_a_launch_that_misses_one_resource_fails_that_constraint() -> None:
    problem = Case().load()
    solution = dict(solved(Case()))
    assert problem.check(solution).status == "satisfied"
    for changes, label in [
        ({"fwd_registers": 72}, "forward registers of a thread"),
        ({"fwd_registers": 88}, "forward registers of an SM's partition"),
        ({"bwd_blocks_per_sm": 2}, "backward registers of an SM's partition"),
        ({"fwd_shared_bytes": 232449}, "forward shared memory of a block"),
    ]:
        violated = problem.check({**solution, **changes}).violated
        assert label in [constraint.label for constraint in violated], changes


# The demonstration ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def demo() -> ModuleType:
    spec = importlib.util.spec_from_file_location("demo", EXAMPLE.with_name("demo.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_demonstration_shows_what_is_used_of_every_resource(demo: ModuleType) -> None:
    case = CASES["gru"]
    solution, gpu = solved(case), case.profile
    shown = {label: (used, there) for label, used, there in demo.resources(case.load(), solution)}
    assert len(shown) == 16
    for forward, kernel in ((True, "forward"), (False, "backward")):
        need = resources(case, cuts_of(solution, forward))
        assert need is not None
        allocated = round_up(need.shared_bytes + 1024, 128)
        partition_warps = -(-need.blocks_per_sm * need.warps // 4)
        assert shown[f"{kernel} threads of a block"] == (32 * need.warps, 1024)
        assert shown[f"{kernel} all blocks resident"] == (solution["blocks"], 132 * need.blocks_per_sm)
        assert shown[f"{kernel} warps of an SM"] == (need.blocks_per_sm * need.warps, 64)
        assert shown[f"{kernel} registers of an SM's partition"] == (
            partition_warps * 32 * need.registers,
            16384,
        )
        assert shown[f"{kernel} shared memory of a block"] == (need.shared_bytes, 232448)
        assert shown[f"{kernel} shared memory of an SM"] == (need.blocks_per_sm * allocated, 233472)
        used, there = shown[f"{kernel} registers of a thread"]
        assert there == need.registers == round_up(used, 8)
        used, there = shown[f"{kernel} exchange through the L2 cache"]
        assert 0 < used <= there == gpu.l2_cache


def test_the_demonstration_runs(
    demo: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.argv", ["demo.py"])
    assert demo.main() == 0
    words = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["blocks", "128", "128"] in words
    assert ["hidden", "768", "=", "16", "×", "6", "×", "8", "×", "1"] in words
    assert ["threads", "of", "a", "block", "768", "1,024", "256", "██████··"] in words
    assert ["All", "64", "constraints,", "checked", "one", "by", "one:", "satisfied."] in words
    monkeypatch.setattr("sys.argv", ["demo.py", "no_such_gpu"])
    assert demo.main() == 2
    assert "no_such_gpu" in capsys.readouterr().out
