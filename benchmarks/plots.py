"""python -m benchmarks.plots: docs/images/ratios.svg and peers.svg, the ratios in docs/performance.md."""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
from matplotlib.figure import Figure

ROOT = Path(__file__).parents[1]
FAMILIES = ("puzzles", "numbers", "choices", "schedules", "kernels")
PEERS = ("python-constraint2", "Z3", "MiniZinc/Gecode")
_CP_SAT_CELLS, _PEERS_CELLS = 10, 9

Row = tuple[str, str, dict[str, float]]
"""Family, problem, and the ratio to each solver that has one."""


def ratios(text: str, places: dict[str, int], length: int) -> list[Row]:
    """The rows of the table in Markdown with so many cells that have a ratio in one of these places."""
    found = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) == length and cells[0] in FAMILIES:
            numbers = {
                name: float(cells[place])
                for name, place in places.items()
                if re.fullmatch(r"[0-9.]+", cells[place])
            }
            if numbers:
                found.append((cells[0], cells[1], numbers))
    return found


def tables() -> tuple[list[Row], list[Row]]:
    """The ratios to CP-SAT, and those to the other solvers, that the documentation holds."""
    text = (ROOT / "docs/performance.md").read_text(encoding="utf-8")
    peers = {name: 4 + 2 * k for k, name in enumerate(PEERS)}
    return ratios(text, {"CP-SAT": 6}, _CP_SAT_CELLS), ratios(text, peers, _PEERS_CELLS)


def plot_families(rows: list[Row]) -> Figure:
    """A bar for each problem, the best ratio at the top, coloured by family."""
    rows = sorted(rows, key=lambda row: row[2]["CP-SAT"])
    figure, axes = plt.subplots(figsize=(7, 0.19 * len(rows) + 1))
    for k, family in enumerate(FAMILIES):
        places = [place for place, row in enumerate(rows) if row[0] == family]
        lengths = [rows[place][2]["CP-SAT"] - 1 for place in places]
        axes.barh(places, lengths, left=1, color=f"C{k}", label=family)
    return _finished(figure, rows, "CP-SAT's time")


def plot_peers(rows: list[Row]) -> Figure:
    """A mark for each solver in the row of each problem, in the order of the table."""
    rows = rows[::-1]
    figure, axes = plt.subplots(figsize=(7, 0.19 * len(rows) + 1))
    for name, marker in zip(PEERS, "osD", strict=True):
        marks = [(row[2][name], place) for place, row in enumerate(rows) if name in row[2]]
        if marks:
            axes.plot(*zip(*marks, strict=True), marker, markersize=4, label=name)
    axes.grid(axis="y", linewidth=0.3)
    return _finished(figure, rows, "the solver's time")


def _finished(figure: Figure, rows: list[Row], whose: str) -> Figure:
    axes = figure.axes[0]
    axes.set_xscale("log")
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_yticks(range(len(rows)), [name for _, name, _ in rows], fontsize=7)
    axes.set_ylim(-1, len(rows))
    axes.set_xlabel(f"{whose} over constrint's: right of 1, constrint is faster")
    axes.legend(loc="lower right")
    figure.tight_layout()
    return figure


def main() -> None:
    """Writes the plots of the tables that the documentation holds."""
    matplotlib.use("svg")
    # The same table gives the same file.
    matplotlib.rcParams["svg.hashsalt"] = "constrint"
    beside, peers = tables()
    for name, figure in (("ratios", plot_families(beside)), ("peers", plot_peers(peers))):
        figure.savefig(ROOT / f"docs/images/{name}.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
