"""python -m benchmarks: the example files, constrint next to CP-SAT, as one table in Markdown.

Both solve each problem several times in turns in the same process; the table gives medians of processor
time. A problem counts from the moment it is built in Python for constrint, and with the building of the model
for CP-SAT, which works with one worker. Answers are compared before any time is printed.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import shutil
import statistics
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import constrint
from benchmarks.contest import AnswersDiffer, Result, file_of, run
from benchmarks.memory import peak
from benchmarks.models import FAMILIES
from constrint.engine import kind

KERNEL = "fused_rnn_h100"


def main() -> int:
    """Runs what the command line asks for; 1 where answers differ."""
    names = [name for models in FAMILIES.values() for name in models]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="examples to run (default: all)")
    parser.add_argument("--runs", type=int, default=9, help="timed runs of each (default: 9)")
    parser.add_argument("--no-memory", action="store_true", help="do not measure peak memory")
    parser.add_argument(
        "--peers",
        action="store_true",
        help="python-constraint2, Z3 and MiniZinc/Gecode, where installed, instead of CP-SAT",
    )
    parser.add_argument("--limit", type=float, default=10.0, help="seconds a peer may take (default: 10)")
    options = parser.parse_args()
    unknown = sorted(set(options.names) - set(names))
    if unknown:
        parser.error(f"no example called {', '.join(unknown)}")
    if options.runs < 1:
        parser.error("--runs must be at least 1")

    if options.peers:
        return against_peers(options.names, options.runs, options.limit)
    results: list[Result] = []
    failures: list[str] = []
    for family, models in FAMILIES.items():
        for name in models:
            if options.names and name not in options.names:
                continue
            if sys.stderr.isatty():
                print(f"\r\033[K{name} …", end="", file=sys.stderr, flush=True)
            try:
                results.append(run(family, name, options.runs))
            except AnswersDiffer as difference:
                failures.append(f"{name}: {difference}")
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    if failures:
        print("Answers differ:", *failures, sep="\n")
        return 1

    print(conditions(options.runs), "", *table(results, memory=not options.no_memory), sep="\n")
    print(*summary(results), sep="\n")
    if KERNEL in {result.name for result in results}:
        print(end_to_end(options.runs))
    return 0


def against_peers(names: list[str], runs: int, limit: float) -> int:
    """Prints the table of the peers that are installed; 1 where answers differ."""
    from benchmarks.peers import contest

    peers = [peer for peer in contest.PEERS if contest.installed(peer)]
    lines, failures = [], []
    for family, models in FAMILIES.items():
        for name in models:
            if names and name not in names:
                continue
            try:
                lines.append(contest.run(family, name, peers, runs, limit))
            except AnswersDiffer as difference:
                failures.append(f"{name}: {difference}")
    if failures:
        print("Answers differ:", *failures, sep="\n")
        return 1
    missing = [title for peer, title in contest.PEERS.items() if peer not in peers]
    print(conditions(runs), "", *contest.table(lines, peers), *contest.summary(lines, peers), sep="\n")
    if missing:
        print(f"Not installed: {', '.join(missing)}.")
    return 0


def conditions(runs: int) -> str:
    """The machine, the date and the versions."""
    return (
        f"{datetime.date.today()}; {processor()}, {platform.system()}; Python {platform.python_version()}, "
        f"constrint {constrint.__version__} ({kind()}), OR-Tools {version('ortools')}, 1 worker; "
        f"medians of {runs} runs, in processor time"
    )


def processor() -> str:
    """The name of the processor, as far as the system tells."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


COLUMNS = {  # with the alignment of each
    "family": str.ljust,
    "problem": str.ljust,
    "answer": str.ljust,
    "nodes": str.rjust,
    "constrint ms": str.rjust,
    "CP-SAT ms": str.rjust,
    "ratio": str.rjust,
    "constrint MB": str.rjust,
    "CP-SAT MB": str.rjust,
    "CP-SAT asked": str.ljust,
}


def table(results: list[Result], memory: bool) -> list[str]:
    """The lines of the table: one row a problem."""
    rows = [row(result, memory) for result in results]
    widths = [max(map(len, column)) for column in zip(COLUMNS, *rows, strict=True)]
    layout = list(zip(COLUMNS.values(), widths, strict=True))
    rule = ["-" * (width - 1) + (":" if align is str.rjust else "-") for align, width in layout]
    lines = []
    for cells in (list(COLUMNS), rule, *rows):
        padded = [align(cell, width) for cell, (align, width) in zip(cells, layout, strict=True)]
        lines.append(f"| {' | '.join(padded)} |")
    return lines


def row(result: Result, memory: bool) -> list[str]:
    """One problem's cells; peak memory is measured here, in processes of their own."""
    sizes = ["", ""]
    if memory:
        sizes[0] = f"{peak('constrint', result.name):.0f}"
        if result.peer is not None:
            sizes[1] = f"{peak('cp-sat', result.family, result.name, result.note):.0f}"
    note = result.note if result.peer is not None else f"refuses: {result.note}"
    return [
        result.family,
        result.name,
        result.answer,
        str(result.nodes),
        f"{result.own * 1e3:.2f}",
        "" if result.peer is None else f"{result.peer * 1e3:.2f}",
        "" if result.ratio is None else f"{result.ratio:.2f}",
        *sizes,
        note if len(note) <= 60 else note[:59] + "…",
    ]


def summary(results: list[Result]) -> list[str]:
    """Geometric means of the ratios, and every loss by name."""
    lines = [
        "",
        "Ratio: CP-SAT's time over constrint's, above 1 where constrint is faster. Geometric means:",
        "",
    ]
    compared = [(result, result.ratio) for result in results if result.ratio is not None]
    for family in FAMILIES:
        ratios = [ratio for result, ratio in compared if result.family == family]
        if ratios:
            lines.append(f"- {family}: {statistics.geometric_mean(ratios):.2f} ({len(ratios)} problems)")
    if compared:
        mean = statistics.geometric_mean([ratio for _, ratio in compared])
        lines.append(f"- all: {mean:.2f} ({len(compared)} problems)")
    losses = sorted((ratio, result.name) for result, ratio in compared if ratio < 1)
    named = ", ".join(f"{name} ({1 / ratio:.1f} times as long)" for ratio, name in losses)
    lines += ["", f"Slower than CP-SAT, {len(losses)} of {len(compared)}: {named or 'none'}."]
    refused = [result.name for result in results if result.ratio is None]
    lines += [f"Solved by constrint alone: {', '.join(refused)}."] if refused else []
    return lines


def end_to_end(runs: int) -> str:
    """The processor time of the whole command on the kernel problem, with the start of Python."""
    command = shutil.which("constrint", path=str(Path(sys.executable).parent))
    start_of = [command] if command else [sys.executable, "-m", "constrint.cli.main"]
    times = []
    for _ in range(runs):
        before = os.times()
        subprocess.run([*start_of, "solve", str(file_of(KERNEL))], check=True, capture_output=True)
        after = os.times()
        times.append(sum(after[2:4]) - sum(before[2:4]))  # of children, user and system
    median = statistics.median(times)
    return f"\n`constrint solve examples/{KERNEL}.yaml`, end to end: {median:.2f} s of processor time."


if __name__ == "__main__":
    sys.exit(main())
