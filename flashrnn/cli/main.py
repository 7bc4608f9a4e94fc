"""The entry point: arguments, errors and exit codes. What a command needs is imported once it is chosen."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

DONE, INFEASIBLE, INVALID, STOPPED, INTERRUPTED = 0, 1, 2, 3, 130

CELLS = ("lstm", "gru", "elman", "slstm")
DTYPES = ("bfloat16", "float16", "float32", "tfloat32")
FAMILIES = ("block", "cluster", "grid", "stream", "alternating")

_EPILOG = """exit codes:
  0 done    1 no configuration fits, or the compiler contradicts the model
  2 invalid input or usage    3 what is needed is not here (a GPU, NVRTC)    130 interrupted"""


class CommandError(Exception):
    """What the user is told, and the exit code."""

    def __init__(self, message: str, code: int = INVALID) -> None:
        super().__init__(message)
        self.code = code


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    try:
        arguments = _parser().parse_args(argv)
    except SystemExit as leaving:  # argparse has printed the help or the error
        return leaving.code if isinstance(leaving.code, int) else INVALID
    try:
        code = _run(arguments)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Whoever read the output has seen enough. Nothing more can be flushed at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED


def _run(arguments: argparse.Namespace) -> int:
    from flashrnn.cuda.compiler import CompilerUnavailable
    from flashrnn.cuda.device import NoGPU
    from flashrnn.hardware import ProfileError

    try:
        if arguments.command == "hardware":
            from flashrnn.cli import hardware as command
        else:
            from flashrnn.cli import kernels as command  # type: ignore[no-redef]
        run: Callable[[argparse.Namespace], int] = command.run
        return run(arguments)
    except CommandError as error:
        _complain(str(error))
        return error.code
    except ProfileError as error:
        _complain(str(error))
        return INVALID
    except (CompilerUnavailable, NoGPU) as error:
        _complain(str(error))
        return STOPPED
    except BrokenPipeError:
        raise
    except OSError as error:
        where = f"'{error.filename}': " if error.filename else ""
        _complain(f"{where}{error.strerror or error}")
        return INVALID


def _complain(message: str) -> None:
    print(f"flashrnn: {message}", file=sys.stderr)


# Arguments -------------------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="flashrnn",
        description="Configurations of the recurrent kernels, for GPUs that need not be here.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _hardware(commands)

    tune = _command(commands, "tune", "the best kernels and launches for a shape")
    _shape(tune)
    _direction(tune)
    tune.add_argument("--family", choices=FAMILIES, help="only this family of kernels")
    tune.add_argument("--top", type=_positive, default=1, metavar="N", help="the N best (default: 1)")
    tune.add_argument(
        "--verify", action="store_true", help="compile each, and hold the compiler's report against the model"
    )
    tune.add_argument("--measure", action="store_true", help="time each on the GPU in this machine")
    _output(tune)

    largest = _command(commands, "max-head-dim", "the largest head dimension that each family serves")
    largest.add_argument(
        "--hardware", default="all", metavar="NAME_OR_FILE", help="a profile, or all (the default)"
    )
    largest.add_argument("--cell", choices=CELLS, help="only this cell")
    largest.add_argument("--dtype", choices=DTYPES, help="only this data type")
    # The alternating kernels have no largest one.
    largest.add_argument("--family", choices=FAMILIES[:-1], help="only this family of kernels")
    _direction(largest)
    largest.add_argument(
        "--verify", action="store_true", help="compile, and print the largest that the compiler confirms"
    )
    _output(largest)

    precompile = _command(commands, "precompile", "fill the cache with solved configurations and kernels")
    _shape(precompile, several=True)
    _direction(precompile)
    _output(precompile)
    return parser


def _hardware(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    hardware = _command(commands, "hardware", "hardware profiles")
    actions = hardware.add_subparsers(dest="action", required=True, metavar="ACTION")
    _output(_command(actions, "list", "the profiles that there are"))
    show = _command(actions, "show", "one profile")
    show.add_argument("hardware", metavar="NAME_OR_FILE")
    _output(show)
    query = _command(actions, "query", "a profile of the GPU in this machine, as a file")
    query.add_argument("--device", type=int, default=0, metavar="N", help="which GPU (default: 0)")
    query.add_argument("-o", "--output", metavar="FILE", help="write the profile to FILE")


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, help_text: str
) -> argparse.ArgumentParser:
    return commands.add_parser(
        name,
        help=help_text,
        description=f"Prints {help_text}." if name != "precompile" else f"Will {help_text}.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _shape(command: argparse.ArgumentParser, several: bool = False) -> None:
    many: dict[str, Any] = {"nargs": "+"} if several else {}
    command.add_argument(
        "--hardware", required=True, metavar="NAME_OR_FILE", help="a hardware profile: its name or a file"
    )
    command.add_argument("--cell", choices=CELLS, required=True, **many)
    command.add_argument("--head-dim", type=_positive, required=True, metavar="D", **many)
    command.add_argument("--heads", type=_positive, default=1, metavar="H")
    command.add_argument("--batch", type=_positive, default=16, metavar="B")
    command.add_argument("--dtype", choices=DTYPES, default="bfloat16")


def _direction(command: argparse.ArgumentParser) -> None:
    command.add_argument("--direction", choices=("forward", "backward", "both"), default="both")


def _output(command: argparse.ArgumentParser) -> None:
    command.add_argument("--format", choices=("table", "json"), help="how to print (default: table)")
    command.add_argument("-o", "--output", metavar="FILE", help="write to FILE")


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) > 0):
        raise argparse.ArgumentTypeError(f"expected a positive number, found '{text}'")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
