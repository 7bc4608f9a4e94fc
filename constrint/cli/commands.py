"""What each subcommand asks the problem, and the report it makes of the answer."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from typing import IO, Any

from constrint.cli.assignments import read_assignment
from constrint.cli.main import DONE, INFEASIBLE, INTERRUPTED, STOPPED
from constrint.cli.output import Report, Table, show
from constrint.cli.progress import Progress
from constrint.domains import Domain
from constrint.errors import ProblemError
from constrint.files.loader import load
from constrint.problem import Problem
from constrint.results import (
    INTERRUPT,
    SATISFIED,
    UNKNOWN,
    Constraint,
    LimitReached,
    Statistics,
    by_label,
    flat,
)


def run(arguments: argparse.Namespace) -> int:
    """Run one subcommand; returns the exit code.

    Raises ProblemError for invalid input and OSError for files that cannot be read or written.
    """
    _check_usage(arguments)
    source = _standard_input() if arguments.file == "-" else arguments.file
    problem = load(source, set=_named(arguments.set, "--set"), include=_named(arguments.include, "--include"))
    report = _COMMANDS[arguments.command](problem, arguments)
    if report is not None:
        show(report, arguments)
        return report.code
    return DONE


def _check_usage(arguments: argparse.Namespace) -> None:
    single = arguments.command == "solve" and arguments.limit is None and not arguments.all
    if arguments.backend == "cp-sat" and not single:
        raise ProblemError("--backend cp-sat looks for one solution only: use it with plain 'solve'")
    if arguments.command == "check" and arguments.file == arguments.assignment == "-":
        raise ProblemError("only one of FILE and ASSIGNMENT can be standard input")
    if arguments.command == "enumerate" and arguments.output:
        # Only imported where it is used: it takes NumPy, which is most of a short command's start.
        from constrint.exporting import check_ending

        check_ending(arguments.output)


def _named(pairs: list[tuple[str, str]], option: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in found:
            raise ProblemError(f"{option} {name}=… is given twice")
        found[name] = value
    return found


def _standard_input() -> IO[Any]:
    return getattr(sys.stdin, "buffer", sys.stdin)


# The subcommands ---------------------------------------------------------------------------------------


def _solve(problem: Problem, arguments: argparse.Namespace) -> Report:
    with Progress(arguments.quiet) as progress:
        if arguments.all or arguments.limit is not None:
            result = problem.search(
                limit=arguments.limit, time_limit=arguments.time_limit, progress=progress.callback
            )
            found = [(dict(solution), flat(solution)) for solution in result.solutions]
            status, objective, complete = result.status, result.objective, result.complete
            stopped_by, statistics = result.stopped_by, result.statistics
        else:
            solution = problem.solve(
                time_limit=arguments.time_limit, backend=arguments.backend, progress=progress.callback
            )
            found = [(dict(solution), flat(solution))] if solution else []
            status, objective, complete = solution.status, solution.objective, solution.complete
            stopped_by, statistics = solution.stopped_by, solution.statistics
    return _solutions(list(problem.variables), status, found, objective, complete, stopped_by, statistics)


def _solutions(
    names: list[str],
    status: str,
    found: list[tuple[dict[str, Any], dict[str, Any]]],
    objective: int | list[int] | None,
    complete: bool,
    stopped_by: str | None,
    statistics: Statistics,
) -> Report:
    title = _count_of(len(found), "solution") if len(found) != 1 else ""
    if complete and found:
        title = (
            f"{_count_of(len(found), 'solution')}, {'these are all' if len(found) > 1 else 'the only one'}"
        )
    if objective is not None:
        title += f"{', ' if title else ''}objective {objective}"
    return Report(
        status=status,
        remark=title if found else "",
        data={
            "status": status,
            "solutions": [shown for shown, _ in found],
            "objective": objective,
            "complete": complete,
            "statistics": _statistics(statistics),
        },
        table=Table(names, [list(values.values()) for _, values in found]),
        solutions=[shown for shown, _ in found],
        statistics=_statistics(statistics),
        stopped_by=stopped_by,
        code=_code(status, stopped_by),
        hint="'constrint explain' says which constraints cannot hold together"
        if status == "infeasible"
        else "",
    )


def _count(problem: Problem, arguments: argparse.Namespace) -> Report:
    with Progress(arguments.quiet) as progress:
        result = problem.search_count(
            over=arguments.over,
            time_limit=arguments.time_limit,
            memory_limit=arguments.memory_limit,
            progress=progress.callback,
        )
    at_least = "" if result.complete else "at least "
    return Report(
        status=result.status,
        remark=at_least + _count_of(result.count, "solution"),
        data={"status": result.status, "count": result.count, "complete": result.complete},
        table=Table(["count", "complete"], [[result.count, result.complete]], hidden=True),
        statistics=_statistics(result.statistics),
        stopped_by=result.stopped_by,
        code=_code(result.status, result.stopped_by),
    )


def _enumerate(problem: Problem, arguments: argparse.Namespace) -> Report:
    # Every solution is asked for, whatever is preferred among them.
    started = time.monotonic()
    with Progress(arguments.quiet) as progress:
        result = problem.search_space(
            over=arguments.over,
            time_limit=arguments.time_limit,
            memory_limit=arguments.memory_limit,
            progress=progress.callback,
        )
    space, complete, stopped_by = result.space, result.complete, result.stopped_by
    left = arguments.time_limit
    if left is not None:
        left = max(0.0, left - (time.monotonic() - started))
    if not arguments.output:
        from constrint.exporting import Pieces

        pieces = Pieces(space, left)
        shown = [
            (configuration, flat(configuration))
            for columns in pieces
            for configuration in space.configurations(columns)
        ]
        stopped_by = stopped_by or pieces.stopped_by
        complete = stopped_by is None
        return _solutions(space.names, result.status, shown, None, complete, stopped_by, result.statistics)
    rows = space.size
    try:
        space.save(arguments.output, time_limit=left)
    except LimitReached as limit:
        rows, stopped_by, complete = limit.count, limit.stopped_by, False
    of_all = "" if rows == space.size else f" of {'' if result.complete else 'at least '}{space.size:,}"
    return Report(
        status=result.status,
        remark=f"{_count_of(rows, 'solution')}{of_all} written to {arguments.output}",
        data={"status": result.status, "count": rows, "complete": complete, "file": arguments.output},
        table=Table(["count", "complete", "file"], [[rows, complete, arguments.output]], hidden=True),
        statistics=_statistics(result.statistics),
        stopped_by=stopped_by,
        code=_code(result.status, stopped_by),
        written=True,
    )


_PICTURES = (".svg", ".png", ".pdf")


def _plot(problem: Problem, arguments: argparse.Namespace) -> Report:
    if len(arguments.plot) != 2:
        raise ProblemError(f"--plot takes two names, such as x,y, not {len(arguments.plot)}")
    if not arguments.output:
        raise ProblemError("--plot needs a file to draw in: -o FILE.svg")
    plane = problem.plane(*arguments.plot, time_limit=arguments.time_limit)
    plane.save(arguments.output)
    status = plane.status
    corners = None if plane.polygon is None else [[str(x), str(y)] for x, y in plane.polygon]
    return Report(
        status=status,
        remark=f"{plane.summary}, drawn in {arguments.output}",
        data={
            "status": status,
            "file": arguments.output,
            "count": plane.count,
            "complete": plane.complete,
            "points": plane.points,
            "relaxation": corners,
            "box": {name: list(ends) for name, ends in zip((plane.x, plane.y), plane.box, strict=True)},
        },
        table=Table(
            ["count", "complete", "file"], [[plane.count, plane.complete, arguments.output]], hidden=True
        ),
        stopped_by=plane.stopped_by,
        code=_code(status, plane.stopped_by),
        written=True,
    )


def _propagate(problem: Problem, arguments: argparse.Namespace) -> Report:
    if arguments.plot:
        return _plot(problem, arguments)
    drawn = bool(arguments.output) and arguments.output.endswith(_PICTURES)
    ranges = problem.ranges() if drawn or arguments.picture else None
    if ranges is not None and drawn:
        ranges.save(arguments.output)
    result = problem.propagate()
    choices = problem.choices
    domains = {name: _domain(domain, choices.get(name)) for name, domain in result.domains.items()}
    rows = [[name, *_cells(domain, choices.get(name))] for name, domain in result.domains.items()]
    return Report(
        status=result.status,
        remark="propagation alone; no search" if domains else "",
        note=str(ranges) if ranges is not None and arguments.picture else "",
        hint=f"drawn in {arguments.output}" if drawn else "",
        written=drawn,
        data={"status": result.status, "domains": domains},
        table=Table(["variable", "min", "max", "multiple of", "divides", "values", "size"], rows),
        statistics=_statistics(result.statistics),
        # That propagation does not decide is no failure.
        code=DONE if result.status == UNKNOWN else _code(result.status, None),
    )


def _explain(problem: Problem, arguments: argparse.Namespace) -> Report:
    if arguments.all is not None:
        return _conflicts(problem, arguments)
    if arguments.correction:
        return _correction(problem, arguments)
    result = problem.explain(time_limit=arguments.time_limit)
    remark = ""
    if result.status == "infeasible":
        remark = "these constraints cannot hold together"
        if not result.conflict:
            remark = "the declared domains alone leave no value"
        elif result.minimal:
            remark += "; without any one of them the others can"
    return Report(
        status=result.status,
        remark=remark,
        data={
            "status": result.status,
            "conflict": [_constraint(part) for part in result.conflict],
            "reason": result.reason,
        },
        table=_constraint_table(result.conflict),
        statistics=_statistics(result.statistics),
        stopped_by=result.stopped_by,
        code=_code(result.status, result.stopped_by if result.status == UNKNOWN else None),
        note=f"reason: {result.reason}" if result.reason else "",
    )


def _conflicts(problem: Problem, arguments: argparse.Namespace) -> Report:
    result = problem.conflicts(limit=arguments.all, time_limit=arguments.time_limit)
    number = len(result.conflicts)
    status = "infeasible" if number else SATISFIED if result.complete else UNKNOWN
    rows: list[list[Any]] = []
    for k, conflict in enumerate(result.conflicts, start=1):
        parts = _labelled_rows(conflict) or [[None, None, "the declared domains"]]
        rows.extend([k, *part] for part in parts)
    return Report(
        status=status,
        remark=(_count_of(number, "minimal conflict") + ", no more" * result.complete) if number else "",
        data={
            "status": status,
            "conflicts": [[_constraint(part) for part in conflict] for conflict in result.conflicts],
            "complete": result.complete,
        },
        table=Table(["conflict", "line", "label", "expression"], rows),
        stopped_by=result.stopped_by,
        code=_code(status, result.stopped_by),
    )


def _correction(problem: Problem, arguments: argparse.Namespace) -> Report:
    result = problem.correction(time_limit=arguments.time_limit)
    status = "infeasible" if result.dropped or result.status == "infeasible" else UNKNOWN
    if result.status in ("optimal", SATISFIED) and not result.dropped:
        status = SATISFIED
    least = result.status == "optimal"
    remark = ""
    if result.dropped:
        remark = f"without these constraints the others can hold{'; fewer will not do' if least else ''}"
    elif status == "infeasible":
        remark = "the declared domains alone leave no value"
    return Report(
        status=status,
        remark=remark,
        data={
            "status": status,
            "dropped": [_constraint(part) for part in result.dropped],
            "smallest": least,
        },
        table=_constraint_table(result.dropped),
        stopped_by=result.stopped_by,
        code=_code(status, result.stopped_by),
    )


def _why(problem: Problem, arguments: argparse.Namespace) -> Report:
    result = problem.why(arguments.name, time_limit=arguments.time_limit)
    rows: list[list[Any]] = []
    for cause in result.causes:
        parts = [_constraint(part) for part in cause.constraints]
        for number, part in enumerate(parts or [{"line": None, "label": None, "expression": "declared"}]):
            shown = "" if number else cause.statement
            rows.append([shown, part["line"], part["label"], part["expression"]])
    stopped = result.stopped_by is not None
    remark = "" if result.domain is None else f"{result.name}: {result.domain}"
    domain = result.domain
    return Report(
        status=result.status,
        remark=remark,
        data={
            "status": result.status,
            "variable": result.name,
            "domain": domain and _domain(domain, problem.choices.get(result.name)),
            "causes": [
                {
                    "aspect": cause.aspect,
                    "statement": cause.statement,
                    "constraints": [_constraint(part) for part in cause.constraints],
                }
                for cause in result.causes
            ],
        },
        table=Table(["statement", "line", "label", "expression"], rows),
        statistics=_statistics(result.statistics),
        stopped_by=result.stopped_by,
        code=DONE if result.status == UNKNOWN and not stopped else _code(result.status, result.stopped_by),
        hint="'constrint explain' says which constraints cannot hold together"
        if result.status == "infeasible"
        else "",
    )


def _check(problem: Problem, arguments: argparse.Namespace) -> Report:
    assignment = read_assignment(arguments.assignment, problem)
    result = problem.check(assignment)
    return Report(
        status=result.status,
        remark=f"{_count_of(len(result.violated), 'constraint')} violated" if result.violated else "",
        data={"status": result.status, "violated": [_constraint(part) for part in result.violated]},
        table=_constraint_table(result.violated),
        code=_code(result.status, None),
    )


_COMMANDS = {
    "solve": _solve,
    "count": _count,
    "enumerate": _enumerate,
    "propagate": _propagate,
    "explain": _explain,
    "why": _why,
    "check": _check,
}


# Parts of reports ----------------------------------------------------------------------------------------


def _code(status: str, stopped_by: str | None) -> int:
    """The exit code: a limit or Ctrl-C comes before what was found until then."""
    if stopped_by == INTERRUPT:
        return INTERRUPTED
    if stopped_by is not None or status == UNKNOWN:
        return STOPPED
    return INFEASIBLE if status == "infeasible" else DONE


def _count_of(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _statistics(statistics: Statistics) -> dict[str, Any]:
    return {
        "nodes": statistics.nodes,
        "failures": statistics.failures,
        "propagations": statistics.propagations,
        "solutions": statistics.solutions,
        "restarts": statistics.restarts,
        "wall_seconds": round(statistics.wall_seconds, 6),
        "backend": statistics.backend,
    }


def _constraint(constraint: Constraint) -> dict[str, Any]:
    return {
        "label": constraint.label,
        "expression": str(constraint.expression),
        "line": constraint.place.line if constraint.place else None,
    }


def _constraint_table(constraints: list[Constraint]) -> Table:
    return Table(["line", "label", "expression"], _labelled_rows(constraints))


def _labelled_rows(constraints: Sequence[Constraint]) -> list[list[Any]]:
    """Line, label and expression of each, those with one label together."""
    parts = [_constraint(one) for group in by_label(constraints).values() for one in group]
    return [[part["line"], part["label"], part["expression"]] for part in parts]


def _domain(domain: Domain, choices: tuple[str, ...] | None = None) -> dict[str, Any]:
    """The domain for JSON; a remainder other than 0 makes it no multiple, and is said beside it. Of a
    variable with choices only those that are left are shown."""
    if choices is not None:
        nothing = dict.fromkeys(("min", "max", "multiple_of", "divides"))
        return {**nothing, "values": _left(domain, choices), "size": domain.size}
    shifted = bool(domain.remainder)
    shown: dict[str, Any] = {
        "min": domain.min,
        "max": domain.max,
        "multiple_of": None if shifted else domain.multiple_of,
        "divides": domain.divides,
        "values": None if domain.values is None else list(domain.values),
        "size": domain.size,
    }
    if shifted:
        shown["remainder"] = [domain.remainder, domain.multiple_of]
    return shown


def _left(domain: Domain, choices: tuple[str, ...]) -> list[str]:
    return [choice for number, choice in enumerate(choices) if number in domain]


def _cells(domain: Domain, choices: tuple[str, ...] | None = None) -> list[Any]:
    """The domain for a row of a table."""
    if choices is not None:
        return [None, None, None, None, ", ".join(_left(domain, choices)), domain.size]
    multiple = domain.multiple_of
    return [
        "-∞" if domain.min is None else domain.min,
        "∞" if domain.max is None else domain.max,
        f"{multiple} plus {domain.remainder}" if domain.remainder else multiple,
        domain.divides,
        None if domain.values is None else ", ".join(map(str, domain.values)),
        "∞" if domain.size is None else domain.size,
    ]
