"""The subcommands for MiniZinc and other languages: solving FlatZinc, setting up, converting."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from types import FrameType

from constrint.cli.main import DONE, INTERRUPTED
from constrint.conversion import formats
from constrint.errors import ProblemError
from constrint.flatzinc.building import build
from constrint.flatzinc.installing import default_folder, install
from constrint.flatzinc.solver import Options, Run
from constrint.flatzinc.syntax import Model, parse
from constrint.results import INTERRUPT


def run_fzn(arguments: argparse.Namespace) -> int:
    """Solve a FlatZinc model and print what MiniZinc expects; returns the exit code.

    Raises ProblemError for a model that is invalid or not supported, OSError for a file that cannot be
    read.
    """
    model = build(_read(arguments.file))
    if arguments.verbose:
        remarks = list(model.remarks)
        if arguments.threads > 1:
            remarks.append("one thread is used: the search is sequential")
        for remark in remarks:
            print(f"% {remark}", file=sys.stderr)
    options = Options(
        limit=None if arguments.all else arguments.limit,
        intermediate=arguments.all or arguments.intermediate,
        free=arguments.free,
        statistics=arguments.statistics,
        seed=arguments.seed,
        time_limit=arguments.time_limit / 1000 if arguments.time_limit else None,
    )
    run = Run(model, options, sys.stdout)
    # MiniZinc ends its solvers with SIGTERM: what was found until then is printed.
    former = signal.signal(signal.SIGTERM, _interrupt)
    try:
        run.run()
    finally:
        signal.signal(signal.SIGTERM, former)
    if arguments.verbose and run.stopped_by:
        print(f"% stopped by the {run.stopped_by}", file=sys.stderr)
    return INTERRUPTED if run.stopped_by == INTERRUPT else DONE


def run_setup(arguments: argparse.Namespace) -> int:
    """Write the solver's configuration for MiniZinc and say where; returns the exit code.

    Raises OSError where it cannot be written.
    """
    folder = Path(arguments.folder) if arguments.folder else default_folder()
    for path in install(folder):
        print(f"wrote {path}")
    if arguments.folder:
        print(f"MiniZinc looks there with MZN_SOLVER_PATH={folder}")
    print("now: minizinc --solver constrint model.mzn")
    return DONE


def run_convert(arguments: argparse.Namespace) -> int:
    """Write a problem in another language; returns the exit code.

    Raises ProblemError for what is wrong in it or cannot be said in the other language, OSError for files
    that cannot be read or written.
    """
    target = Path(arguments.output)
    formats.check_ending(target)
    formats.write(formats.read(Path(arguments.file)), target)
    return DONE


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _read(file: str) -> Model:
    if file == "-":
        return parse(sys.stdin.read(), "<standard input>")
    try:
        return parse(Path(file).read_text(encoding="utf-8"), file)
    except UnicodeDecodeError as error:
        raise ProblemError(f"'{file}' is no UTF-8 text: {error.reason} at byte {error.start}") from None
