"""The entry point: arguments, errors and exit codes. The solver is imported only once it is needed."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

DONE, INFEASIBLE, INVALID, STOPPED, INTERNAL, INTERRUPTED = 0, 1, 2, 3, 70, 130

_EPILOG = """exit codes:
  0 satisfied or done    1 infeasible, or the check fails    2 invalid input or usage
  3 stopped by a limit (what was found is printed)    130 interrupted (what was found is printed)"""

_COMMANDS = {
    "solve": "one solution (the preferred or optimal one), or several",
    "count": "how many solutions there are",
    "enumerate": "every solution, as columns",
    "propagate": "the reduced domain of every variable, without search",
    "explain": "why there is no solution: a minimal set of constraints that cannot hold together",
    "why": "which constraints give a variable its present domain",
    "check": "whether an assignment satisfies the problem, and which constraints fail",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    try:
        arguments = _parser().parse_args(argv)
    except SystemExit as leaving:  # argparse has printed the help or the error
        return leaving.code if isinstance(leaving.code, int) else INVALID
    try:
        return _run(arguments)
    except BrokenPipeError:
        # Whoever read the output has seen enough. Nothing more can be flushed at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED


def _run(arguments: argparse.Namespace) -> int:
    from constrint.errors import ProblemError
    from constrint.numbers import long_integers

    try:
        # Imported here: `constrint --help` answers at once.
        run = _runner(arguments.command)
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")  # a terminal without Unicode still gets its answer
        with long_integers():
            code = run(arguments)
        sys.stdout.flush()
        return code
    except ProblemError as error:
        _complain(str(error))
        return INVALID
    except BrokenPipeError:
        raise
    except OSError as error:
        where = f"'{error.filename}': " if error.filename else ""
        _complain(f"{where}{error.strerror or error}")
        return INVALID
    except MemoryError:
        _complain("out of memory")
        return STOPPED
    except Exception as error:
        if os.environ.get("CONSTRINT_DEBUG"):
            raise
        _complain(
            f"internal error: {type(error).__name__}: {error}\n"
            "This is a defect of constrint: please report it with the problem file. "
            "CONSTRINT_DEBUG=1 shows where it happened."
        )
        return INTERNAL


def _runner(command: str) -> Callable[[argparse.Namespace], int]:
    """What runs the subcommand."""
    if command == "fzn":
        from constrint.cli.minizinc import run_fzn

        return run_fzn
    if command == "minizinc-setup":
        from constrint.cli.minizinc import run_setup

        return run_setup
    if command == "convert":
        from constrint.cli.minizinc import run_convert

        return run_convert
    from constrint.cli.commands import run

    return run


def _complain(message: str) -> None:
    print(f"constrint: {message}", file=sys.stderr)


# Arguments -------------------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="constrint",
        description="Solves integer constraint problems exactly.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, help="print the version and exit")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, help_text in _COMMANDS.items():
        command = commands.add_parser(
            name,
            help=help_text,
            description=f"{'Tells' if name in ('why', 'check') else 'Prints'} {help_text}.",
            epilog=_EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_argument("file", metavar="FILE", help="the problem file, or - for standard input")
        if name == "why":
            command.add_argument("name", metavar="NAME", help="the variable, such as x or q[0]")
        if name == "check":
            command.add_argument(
                "assignment", metavar="ASSIGNMENT", help="a JSON or YAML file, the text itself, or -"
            )
        if name == "solve":
            several = command.add_mutually_exclusive_group()
            several.add_argument("--limit", type=_count, metavar="N", help="up to N solutions")
            several.add_argument("--all", action="store_true", help="all solutions")
        if name == "explain":
            ways = command.add_mutually_exclusive_group()
            ways.add_argument("--all", type=_count, metavar="N", help="up to N minimal conflicts")
            ways.add_argument(
                "--correction", action="store_true", help="the fewest constraints to drop instead"
            )
        if name == "propagate":
            command.add_argument("--picture", action="store_true", help="draw the domains as text, too")
            command.add_argument(
                "--plot",
                type=_names,
                metavar="X,Y",
                help="draw solutions, linear relaxation and domains of two variables into -o FILE.svg",
            )
        if name in ("count", "enumerate"):
            _spaces(command)
        _common(command)
    _fzn(commands)
    _setup(commands)
    _convert(commands)
    return parser


def _fzn(commands: Any) -> None:
    """The flags are those that MiniZinc asks of every solver."""
    command = commands.add_parser(
        "fzn",
        help="solve a FlatZinc model, as MiniZinc asks its solvers to",
        description="Solves a FlatZinc model and prints its solutions as MiniZinc expects them.",
    )
    command.add_argument("file", metavar="MODEL.fzn", help="the model, or - for standard input")
    command.add_argument("-a", "--all", action="store_true", help="all solutions, or every better one")
    command.add_argument("-n", "--limit", type=_count, default=1, metavar="N", help="up to N solutions")
    command.add_argument("-i", "--intermediate", action="store_true", help="print every better solution")
    command.add_argument("-f", "--free", action="store_true", help="search as seems best, not as annotated")
    command.add_argument("-s", "--statistics", action="store_true", help="also say how much work it took")
    command.add_argument("-v", "--verbose", action="store_true", help="say what is ignored, and why it ends")
    command.add_argument("-p", "--threads", type=_count, default=1, metavar="N", help="accepted; one is used")
    command.add_argument("-r", "--seed", type=int, default=0, metavar="N", help="the seed of random choices")
    command.add_argument("-t", "--time-limit", type=_seconds, metavar="MS", help="stop after milliseconds")


def _setup(commands: Any) -> None:
    command = commands.add_parser(
        "minizinc-setup",
        help="make MiniZinc know this solver",
        description="Writes what MiniZinc needs to know this solver: minizinc --solver constrint model.mzn",
    )
    command.add_argument(
        "--folder", metavar="PATH", help="where to write (default: ~/.minizinc/solvers, where MiniZinc looks)"
    )


def _convert(commands: Any) -> None:
    command = commands.add_parser(
        "convert",
        help="write a problem in another language",
        description="Writes a problem in another language. The endings say which: .yaml, .mzn (MiniZinc), "
        ".fzn (FlatZinc), .constrint (the text language of the original ConstrINT).",
    )
    command.add_argument("file", metavar="IN", help="the problem")
    command.add_argument("output", metavar="OUT", help="where to write it")


def _spaces(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--over",
        type=_names,
        metavar="NAME,…",
        help="only what these variables are in solutions, each combination once",
    )
    command.add_argument(
        "--memory-limit",
        type=_bytes,
        metavar="SIZE",
        help="stop where the space would take more: bytes, or 500M, 4G (default: 1G, then search on)",
    )


def _common(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--set",
        action="append",
        default=[],
        type=_pair,
        metavar="NAME=VALUE",
        help="give a parameter another value: an integer, a list or an expression",
    )
    command.add_argument(
        "--include",
        action="append",
        default=[],
        type=_pair,
        metavar="NAME=PATH",
        help="add an included file, or replace one",
    )
    command.add_argument(
        "--format",
        choices=("table", "json", "yaml", "csv"),
        help="how to print the answer (default: by the ending of -o, or table)",
    )
    command.add_argument("-o", "--output", metavar="FILE", help="write the answer to FILE")
    command.add_argument("--time-limit", type=_seconds, metavar="SECONDS", help="stop after so long")
    command.add_argument("--stats", action="store_true", help="also say how much work it took")
    command.add_argument("--quiet", action="store_true", help="no progress and no remarks")
    command.add_argument(
        "--backend",
        choices=("native", "cp-sat", "auto"),
        default="native",
        help="what searches for one solution (default: native)",
    )


class _Version(argparse.Action):
    """Prints the version, which is only imported when asked for."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str | None = None) -> None:
        super().__init__(option_strings, dest, nargs=0, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from constrint import __version__
        from constrint.engine import kind

        print(f"constrint {__version__} ({kind()} engine)")
        parser.exit()


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE, found '{text}'")
    return name.strip(), value


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19 and int(text) > 0):
        raise argparse.ArgumentTypeError(f"expected a positive number of solutions, found '{text}'")
    return int(text)


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise argparse.ArgumentTypeError(f"expected names separated by commas, found '{text}'")
    return names


def _bytes(text: str) -> int:
    digits, factor = text, 1
    if text[-1:].upper() in _UNITS:
        digits, factor = text[:-1], _UNITS[text[-1:].upper()]
    if not (digits.isascii() and digits.isdigit() and len(digits) < 19 and int(digits) > 0):
        raise argparse.ArgumentTypeError(f"expected a size such as 500M or 4G, found '{text}'")
    return int(digits) * factor


_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number of seconds, found '{text}'")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
