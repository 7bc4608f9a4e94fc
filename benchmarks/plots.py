"""python -m benchmarks.plots: docs/images/ratios.svg, the ratios to CP-SAT in docs/performance.md."""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
from matplotlib.figure import Figure

ROOT = Path(__file__).parents[1]
FAMILIES = ("puzzles", "numbers", "choices", "schedules", "kernels")


def ratios(text: str) -> list[tuple[str, str, float]]:
    """Family, problem and ratio of each row of the table in Markdown that has a ratio."""
    found = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) == 10 and cells[0] in FAMILIES and re.fullmatch(r"[0-9.]+", cells[6]):
            found.append((cells[0], cells[1], float(cells[6])))
    return found


def plot(rows: list[tuple[str, str, float]]) -> Figure:
    """A bar for each problem, the best ratio at the top, coloured by family."""
    rows = sorted(rows, key=lambda row: row[2])
    figure, axes = plt.subplots(figsize=(7, 0.19 * len(rows) + 1))
    for k, family in enumerate(FAMILIES):
        places = [place for place, row in enumerate(rows) if row[0] == family]
        axes.barh(places, [rows[place][2] - 1 for place in places], left=1, color=f"C{k}", label=family)
    axes.set_xscale("log")
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_yticks(range(len(rows)), [name for _, name, _ in rows], fontsize=7)
    axes.set_ylim(-1, len(rows))
    axes.set_xlabel("CP-SAT's time over constrint's: right of 1, constrint is faster")
    axes.legend(loc="lower right")
    figure.tight_layout()
    return figure


def main() -> None:
    """Writes the plot of the table that the documentation holds."""
    matplotlib.use("svg")
    # The same table gives the same file.
    matplotlib.rcParams["svg.hashsalt"] = "constrint"
    text = (ROOT / "docs/performance.md").read_text(encoding="utf-8")
    plot(ratios(text)).savefig(ROOT / "docs/images/ratios.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
