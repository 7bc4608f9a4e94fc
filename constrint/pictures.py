"""Pictures: the domains before and after propagation, and the plane of two variables.

They are drawn by matplotlib, which is only needed for files (`pip install 'constrint[pictures]'`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from constrint.domains import Domain
from constrint.errors import ProblemError, unknown_name
from constrint.expressions import variable
from constrint.linear import linear_system
from constrint.polyhedra.simplex import Budget, OutOfBudget, Simplex
from constrint.results import INFEASIBLE, SATISFIED, UNKNOWN

if TYPE_CHECKING:
    from constrint.problem import Problem

MOST_POINTS = 5_000
"""More points of a plane are counted, but not drawn."""

_WORK = 2_000_000
"""Entries of tableaux that pivots may touch for a polygon."""

_COLUMNS = 40
"""Places in the text picture of a domain."""

Vertex = tuple[Fraction, Fraction]
Box = tuple[tuple[int, int], tuple[int, int]]


class Picture:
    """What can be drawn: written to a file in a format that matplotlib knows, or shown in a notebook."""

    def figure(self) -> Any:
        """A matplotlib Figure. Raises ProblemError where matplotlib is not installed."""
        raise NotImplementedError

    def save(self, path: str | Path) -> None:
        """Writes the file; its ending tells the format: .svg, .png, .pdf.

        Raises ProblemError where matplotlib is not installed or does not know the ending, OSError where the
        file cannot be written.
        """
        path = Path(path)
        figure = self.figure()
        known = figure.canvas.get_supported_filetypes()
        if path.suffix[1:] not in known:
            raise ProblemError(
                f"a picture's file ends in .svg, .png or .pdf, not in '{path.suffix}' ({path})"
            )
        with _reproducible():
            figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)

    def _repr_svg_(self) -> str:
        written = BytesIO()
        with _reproducible():
            self.figure().savefig(written, format="svg", metadata={"Date": None})
        return written.getvalue().decode()


@contextmanager
def _reproducible() -> Iterator[None]:
    """The same picture gives the same file."""
    import matplotlib

    with matplotlib.rc_context({"svg.hashsalt": "constrint"}):
        yield


def _new_figure(width: float, height: float) -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ProblemError("pictures need matplotlib: pip install 'constrint[pictures]'") from None
    return Figure(figsize=(width, height), layout="constrained")


# Domains -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ranges(Picture):
    """The domains of all variables as declared, and after propagation; empty domains where it finds that
    there is no solution. `str` draws them as text."""

    before: dict[str, Domain]
    after: dict[str, Domain]
    choices: dict[str, tuple[str, ...]]
    """The names of values, for symbolic variables."""

    def __str__(self) -> str:
        texts = [
            (name, self._text(name, old), self._text(name, self.after.get(name)))
            for name, old in self.before.items()
        ]
        width = max([len(name) for name, _, _ in texts], default=0)
        lines = []
        for name, old, new in texts:
            change = old if old == new else f"{old}  ->  {new}"
            lines.append(f"{name:<{width}}  |{self._bar(name)}|  {change}")
        return "\n".join(lines)

    def _text(self, name: str, domain: Domain | None) -> str:
        if domain is None:
            return "no value"
        labels = self.choices.get(name)
        return str(domain) if labels is None else ", ".join(_labels_of(domain, labels))

    def _bar(self, name: str) -> str:
        """The declared values as dots, and those that are left as blocks."""
        ends = self._ends(name)
        if ends is None:
            return "?" * _COLUMNS
        low, high = ends
        bar = ""
        for k in range(_COLUMNS):
            # The values of this place; where there are fewer values than places, its own one.
            first = low + (high - low + 1) * k // _COLUMNS
            last = max(first, low + (high - low + 1) * (k + 1) // _COLUMNS - 1)
            left = name in self.after and _meets(self.after[name], first, last)
            bar += "█" if left else "·" if _meets(self.before[name], first, last) else " "
        return bar

    def _ends(self, name: str) -> tuple[int, int] | None:
        """What the picture of the variable spans: the declared bounds, or those that are left."""
        declared, left = self.before[name], self.after.get(name)
        low = declared.min if declared.min is not None or left is None else left.min
        high = declared.max if declared.max is not None or left is None else left.max
        return None if low is None or high is None else (low, high)

    def figure(self) -> Any:
        """A row for each variable: declared values light, those that are left dark."""
        figure = _new_figure(7, 0.6 + 0.35 * len(self.before))
        axes = figure.subplots()
        names = list(self.before)
        for row, name in enumerate(names):
            ends = self._ends(name)
            if ends is None:
                axes.text(0.5, row, self._text(name, self.before[name]), ha="center", va="center")
                continue
            low, high = ends
            span = high - low + 1
            for domain, colour in ((self.before[name], "lightgray"), (self.after.get(name), "C0")):
                for first, last in _runs(domain, low, high) if domain is not None else ():
                    # From 0 to 1 across the span of the variable.
                    left, width = Fraction(first - low, span), Fraction(last - first + 1, span)
                    axes.barh(row, float(width), 0.6, float(left), color=colour)
            labels = self.choices.get(name)
            first_text, last_text = (str(low), str(high)) if labels is None else (labels[low], labels[high])
            axes.text(-0.01, row - 0.42, first_text, ha="left", va="center", fontsize=6)
            axes.text(1.01, row - 0.42, last_text, ha="right", va="center", fontsize=6)
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(len(names) - 0.4, -0.7)
        axes.set_xticks([])
        axes.set_xlim(-0.02, 1.02)
        axes.set_title("declared (gray) and left by propagation (blue)", fontsize=9)
        return figure


def _labels_of(domain: Domain, labels: Sequence[str]) -> list[str]:
    """The names of the values that are left."""
    return [label for value, label in enumerate(labels) if value in domain]


_MOST_RUNS = 400
"""A domain with more gaps is drawn by places, as its text is."""


def _runs(domain: Domain, low: int, high: int) -> list[tuple[int, int]]:
    """The values between the ends as runs of neighbours, or as places of the picture that hold some."""
    found: list[tuple[int, int]] = []
    if high - low < _MOST_RUNS:
        pieces = [(value, value) for value in range(low, high + 1)]
    else:
        edges = [low + (high - low + 1) * k // _MOST_RUNS for k in range(_MOST_RUNS + 1)]
        pieces = [(first, after - 1) for first, after in pairwise(edges)]
    for first, last in pieces:
        if _meets(domain, first, last):
            if found and found[-1][1] == first - 1:
                found[-1] = found[-1][0], last
            else:
                found.append((first, last))
    return found


def _meets(domain: Domain, first: int, last: int) -> bool:
    """Whether the domain has a value from `first` to `last`; of divisors that are not listed, perhaps."""
    if domain.values is not None:
        return any(first <= value <= last for value in domain.values)
    first = first if domain.min is None else max(first, domain.min)
    last = last if domain.max is None else min(last, domain.max)
    step = domain.multiple_of or 1
    return first + ((domain.remainder or 0) - first) % step <= last


def ranges(problem: Problem) -> Ranges:
    """The domains of a problem's variables before and after propagation."""
    free = problem.without_goals()
    free.constraints = []
    return Ranges(free.propagate().domains, problem.propagate().domains, problem.choices)


# The plane of two variables ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plane(Picture):
    """Two variables of a problem.

    `points` are the values that they have in solutions, None where there are more than MOST_POINTS or the
    search was `stopped_by` a limit; `count` is how many there are, or at least, if it was stopped. `box` is
    the domains after propagation, or as declared where there is no solution. `polygon` holds,
    counter-clockwise, the corners of what the linear constraints allow in the box where fractions are
    allowed, exactly; None where that takes too long.
    """

    x: str
    y: str
    points: list[tuple[int, int]] | None
    count: int
    stopped_by: str | None
    polygon: list[Vertex] | None
    box: Box
    labels: tuple[Sequence[str] | None, Sequence[str] | None] = (None, None)
    """The names of values, for symbolic variables."""

    @property
    def complete(self) -> bool:
        """Whether all solutions are counted."""
        return self.stopped_by is None

    @property
    def status(self) -> str:
        """ "satisfied", "infeasible", or "unknown" where a limit came first."""
        return SATISFIED if self.count else INFEASIBLE if self.complete else UNKNOWN

    @property
    def summary(self) -> str:
        """What the picture shows, in words."""
        number = f"{'' if self.complete else 'at least '}{self.count:,}"
        text = f"{number} point{'' if number == '1' else 's'}"
        if self.points is None:
            reason = f"more than {MOST_POINTS:,}" if self.complete else f"stopped by the {self.stopped_by}"
            text += f" (not drawn: {reason})"
        if self.polygon is None:
            text += ", no relaxation (too many constraints)"
        elif not self.polygon:
            text += ", empty relaxation"
        return text

    def figure(self) -> Any:
        """Points, the relaxation's polygon, and the box of the domains."""
        figure = _new_figure(5, 5)
        axes = figure.subplots()
        (left, right), (bottom, top) = self.box
        # A half around each value, so that a single one is a box too.
        xs = [left - 0.5, right + 0.5, right + 0.5, left - 0.5]
        ys = [bottom - 0.5, bottom - 0.5, top + 0.5, top + 0.5]
        axes.fill(xs, ys, facecolor="none", edgecolor="gray", linestyle="--", label="domains", gid="box")
        if self.polygon:
            axes.fill(
                [float(px) for px, _ in self.polygon],
                [float(py) for _, py in self.polygon],
                facecolor="C0", edgecolor="C0", alpha=0.25, label="linear relaxation", gid="relaxation",
            )  # fmt: skip
        if self.points:
            size = max(2.0, min(30.0, 3000 / len(self.points)))
            axes.scatter(*zip(*self.points, strict=True), s=size, color="C1", label="solutions", gid="points")
        axes_of = zip((axes.xaxis, axes.yaxis), (self.x, self.y), self.labels, strict=True)
        for axis, name, labels in axes_of:
            axis.set_label_text(name)
            if labels is None:
                axis.get_major_locator().set_params(integer=True)
            else:
                axis.set_ticks(range(len(labels)), labels)
        axes.set_title(self.summary, fontsize=9)
        figure.legend(loc="outside lower center", ncols=3, fontsize=8)
        return figure


def plane(problem: Problem, x: str, y: str, *, time_limit: float | None = None) -> Plane:
    """The plane of two variables, as names.

    Raises UnknownNameError for a name that is no variable, ProblemError where both are the same or one has
    no end after propagation.
    """
    if x == y:
        raise ProblemError(f"a plane takes two different variables, not '{x}' twice")
    for name in (x, y):
        if name not in problem.variables:
            raise unknown_name(name, problem.variables)
    result = problem.propagate(time_limit=time_limit)
    domains = result.domains or ranges(problem).before
    box = []
    for name in (x, y):
        low, high = domains[name].min, domains[name].max
        if low is None or high is None:
            raise ProblemError(
                f"'{name}' has no {'lower' if low is None else 'upper'} bound after propagation, so it "
                "cannot be drawn: give it a smaller domain"
            )
        box.append((low, high))
    labels = problem.choices.get(x), problem.choices.get(y)
    points: list[tuple[int, int]] | None = []
    count, stopped_by = 0, None
    if result.status != INFEASIBLE:
        found = problem.without_goals().search_space(over=[x, y], time_limit=time_limit)
        count, stopped_by = found.space.size, found.stopped_by
        drawn = stopped_by is None and count <= MOST_POINTS
        points = (
            [(_number(p[x], labels[0]), _number(p[y], labels[1])) for p in found.space] if drawn else None
        )
    corners = relaxation(problem, x, y, (box[0], box[1]))
    return Plane(x, y, points, count, stopped_by, corners, (box[0], box[1]), labels)


def _number(value: Any, labels: Sequence[str] | None) -> int:
    """The value of a variable as a number, of a symbolic one its place."""
    return int(value) if labels is None else labels.index(value)


def relaxation(problem: Problem, x: str, y: str, box: Box) -> list[Vertex] | None:
    """The corners, counter-clockwise, of what the linear constraints and the box allow of x and y as
    rational numbers; none where that is nothing, None where it takes too long."""
    system = linear_system(problem, problem.constraints, [variable(x), variable(y)])
    if system is None:
        return None
    simplex = Simplex(len(system.names), [row.form for row in system.rows], Budget(_WORK))
    for number, row in enumerate(system.rows):
        if row.low is not None and row.high is not None and row.low > row.high:
            return []
        simplex.set_bounds(len(system.names) + number, row.low, row.high)
    for name, (low, high) in zip((x, y), box, strict=True):
        simplex.set_bounds(system.names.index(name), low, high)
    try:
        return _corners(simplex, system.names.index(x), system.names.index(y)) if simplex.feasible() else []
    except OutOfBudget:
        return None


def _corners(simplex: Simplex, x: int, y: int) -> list[Vertex]:
    """The corners of the projection on x and y: the farthest points in four directions, then beyond each
    line through two neighbours, until nothing lies there."""

    def farthest(a: int, b: int) -> Vertex:
        form = [0] * simplex.count
        form[x], form[y] = a, b
        simplex.extreme(simplex.add_form(form), True)
        return simplex.value(x), simplex.value(y)

    def between(first: Vertex, second: Vertex) -> list[Vertex]:
        """The corners from the first up to the second, without that one."""
        a, b = second[1] - first[1], first[0] - second[0]
        if not a and not b:
            return []
        scale = a.denominator * b.denominator
        a, b = a * scale, b * scale
        beyond = farthest(int(a), int(b))
        if a * beyond[0] + b * beyond[1] == a * first[0] + b * first[1]:
            return [first]
        return between(first, beyond) + between(beyond, second)

    ends = [farthest(1, 0), farthest(0, 1), farthest(-1, 0), farthest(0, -1)]
    found: list[Vertex] = []
    for first, second in zip(ends, [*ends[1:], ends[0]], strict=True):
        found += between(first, second)
    return _without_straight(found or ends[:1])


def _without_straight(corners: list[Vertex]) -> list[Vertex]:
    """Takes out points on the line between their neighbours."""
    kept = []
    for k, (px, py) in enumerate(corners):
        (ax, ay), (bx, by) = corners[k - 1], corners[(k + 1) % len(corners)]
        if len(corners) <= 2 or (px - ax) * (by - ay) != (py - ay) * (bx - ax):
            kept.append((px, py))
    return kept
