"""`flashrnn tune`, `max-head-dim` and `precompile`: configurations of the kernels, their checks and times."""

from __future__ import annotations

import argparse
from itertools import islice
from typing import Any

from flashrnn import hardware
from flashrnn.cli.main import CELLS, DONE, DTYPES, FAMILIES, INFEASIBLE, CommandError
from flashrnn.cli.output import show, table
from flashrnn.cuda import kernels, tuner
from flashrnn.cuda.tuner import Configuration, Work


def run(arguments: argparse.Namespace) -> int:
    """Run one command; returns the exit code.

    Raises CommandError, ProfileError, CompilerUnavailable, NoGPU and OSError.
    """
    commands = {"tune": _tune, "max-head-dim": _max_head_dim, "precompile": _precompile}
    return commands[arguments.command](arguments)


def _tune(arguments: argparse.Namespace) -> int:
    hardware.load(arguments.hardware)
    families = [arguments.family] if arguments.family else tuner.FAMILIES
    data: list[dict[str, Any]] = []
    drawn: list[Any] = []
    code = DONE
    for direction in _directions(arguments):
        work = Work(
            arguments.cell, direction, arguments.dtype, arguments.head_dim, arguments.heads, arguments.batch
        )
        found = list(islice(tuner.configurations(work, arguments.hardware, families), arguments.top))
        if not found:
            code = INFEASIBLE
            drawn.append(f"{direction}: no configuration of {', '.join(families)} fits")
            data.append({**work._asdict(), "hardware": arguments.hardware, "status": "infeasible"})
        for rank, configuration in enumerate(found, 1):
            row = {"status": "satisfied", "rank": rank, **configuration.as_dict()}
            drawn += _drawn(configuration, rank if arguments.top > 1 else 0)
            if arguments.verify:
                checked = kernels.check(configuration)
                row["verified"] = checked.as_dict()
                drawn.append(_verdict(checked))
                code = INFEASIBLE if checked.contradictions else code
            if arguments.measure:
                row["measured_microseconds_per_step"] = _measured(configuration)
                drawn.append(f"measured: {row['measured_microseconds_per_step']:.3f} µs a step")
            data.append(row)
    show(arguments, data, drawn)
    return code


def _directions(arguments: argparse.Namespace) -> list[str]:
    return list(tuner.DIRECTIONS) if arguments.direction == "both" else [arguments.direction]


def _drawn(configuration: Configuration, rank: int) -> list[Any]:
    """One configuration for people: how it is launched, what it uses, what limits it."""
    values = configuration.values
    work = configuration.work
    title = (
        f"{f'{rank}. ' if rank else ''}{work.direction}: {configuration.family} kernel, "
        f"{values['blocks']} blocks of {values['threads']} threads, "
        f"{configuration.microseconds():.3f} µs a step predicted, limited by {configuration.bound}"
    )
    parameters = ", ".join(f"{name} {values[name]}" for name in kernels.parameters(configuration.family))
    cycles = ", ".join(f"{name} {count:,}" for name, count in configuration.bounds.items())
    used = [
        [name, f"{used:,}", f"{available:,}", f"{100 * used // available} %"]
        for name, (used, available) in configuration.resources().items()
    ]
    return [
        f"[bold]{title}[/bold]",
        table("", ["resource", "used", "available", ""], used),
        f"  parameters: {parameters}",
        f"  cycles of a step: {cycles}; {values['cycles']:,} with {values['waves']} wave(s)",
    ]


def _verdict(checked: kernels.Verification) -> str:
    if checked.contradictions:
        return "  the compiler disagrees: " + "; ".join(checked.contradictions)
    lines = [
        f"{name}: {report.registers} registers, {report.spills} bytes spilled, {report.static_shared} bytes "
        "of static shared memory"
        for name, report in checked.resources.items()
    ]
    return f"  the compiler agrees for {checked.architecture}: " + "; ".join(lines)


def _measured(configuration: Configuration) -> float:
    from flashrnn.cuda.measuring import microseconds_per_step

    return microseconds_per_step(configuration)


def _max_head_dim(arguments: argparse.Namespace) -> int:
    profiles = hardware.names() if arguments.hardware == "all" else [arguments.hardware]
    cells = [arguments.cell] if arguments.cell else CELLS
    dtypes = [arguments.dtype] if arguments.dtype else DTYPES
    families = [arguments.family] if arguments.family else FAMILIES[:-1]
    data: list[dict[str, Any]] = []
    for profile in profiles:
        hardware.load(profile)
        for cell in cells:
            for dtype in dtypes:
                largest = {
                    family: min(
                        tuner.largest_head_dim(cell, direction, dtype, profile, family, arguments.verify)
                        for direction in _directions(arguments)
                    )
                    for family in families
                }
                row = {"hardware": profile, "cell": cell, "dtype": dtype, "verified": arguments.verify}
                data.append({**row, "largest": largest})
    rows = [[row["hardware"], row["cell"], row["dtype"], *row["largest"].values()] for row in data]
    whose = "confirmed by the compiler" if arguments.verify else "by the model"
    title = f"largest head dimension, {arguments.direction}, {whose}; the alternating kernels have no limit"
    show(arguments, data, [table(title, ["hardware", "cell", "dtype", *families], rows, left=3)])
    return DONE


def _precompile(arguments: argparse.Namespace) -> int:
    hardware.load(arguments.hardware)
    data = []
    missing = 0
    for cell in arguments.cell:
        for head_dim in arguments.head_dim:
            for direction in _directions(arguments):
                work = Work(cell, direction, arguments.dtype, head_dim, arguments.heads, arguments.batch)
                # Forward with and without gradients are kernels of their own.
                for training in (True, False) if direction == "forward" else (True,):
                    asked = work._replace(training=training)
                    chosen = tuner.choose(asked, arguments.hardware, tuner.FUSED)
                    if chosen is None:
                        chosen = tuner.choose(asked, arguments.hardware, ("alternating",))
                    missing += chosen is None
                    data.append({**asked._asdict(), "family": chosen and chosen.family})
    columns = ["cell", "direction", "dtype", "head_dim", "heads", "batch", "training", "family"]
    rows = [[row[column] for column in columns] for row in data]
    show(arguments, data, [table("", columns, rows, left=3)])
    if missing:
        raise CommandError(f"nothing fits {missing} of {len(data)}", INFEASIBLE)
    return DONE
