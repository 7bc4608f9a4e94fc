"""python docs/images/draw.py: the pictures of the documentation that are made of answers."""

from __future__ import annotations

from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

import constrint as ci

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "examples"
TOP = 12

PLANE = ("make[0]", "make[2]")
"""Chairs and desks."""

# Across, up, how the domain is stated, and what lies directly below it.
LATTICE: list[tuple[float, float, dict[str, int], tuple[int, ...]]] = [
    (1.5, 3, {"low": 0, "high": TOP}, (1, 2, 3)),
    (0, 2, {"low": 0, "high": TOP, "multiple_of": 2}, (4, 5)),
    (1.5, 2, {"low": 0, "high": TOP, "multiple_of": 3}, (4, 6)),
    (3, 2, {"low": 0, "high": 7}, (5, 6)),
    (0, 1, {"low": 0, "high": TOP, "multiple_of": 6}, (7,)),
    (1.5, 1, {"low": 0, "high": 7, "multiple_of": 2}, (7,)),
    (3, 1, {"low": 0, "high": 7, "multiple_of": 3}, (7,)),
    (1.5, 0, {"low": 0, "high": 7, "multiple_of": 6}, ()),
]


def lattice() -> Figure:
    """Domains of one variable, each above those that it contains: what an interval and a modulus say."""
    figure = Figure(figsize=(8, 4.4))
    axes = figure.subplots()
    for across, up, stated, below in LATTICE:
        for k in below:
            axes.plot([across, LATTICE[k][0]], [up - 0.16, LATTICE[k][1] + 0.26], color="gray", linewidth=0.8)
        problem = ci.Problem()
        problem.integer("x", **stated)
        domain = problem.propagate()["x"]
        left = [value for value in range(TOP + 1) if value in domain]
        axes.plot(
            [across - 0.5 + value / TOP for value in range(TOP + 1)], [up] * (TOP + 1), ".", color="lightgray"
        )
        axes.plot(
            [across - 0.5 + value / TOP for value in left], [up] * len(left), "o", color="C0", markersize=5
        )
        axes.text(across, up + 0.13, str(domain), ha="center", fontsize=8)
    axes.set_axis_off()
    return figure


def main() -> None:
    """Writes the pictures. The same answers give the same files."""
    matplotlib.rcParams["svg.hashsalt"] = "constrint"
    lattice().savefig(HERE / "lattice.svg", metadata={"Date": None})
    ci.load(EXAMPLES / "production_mix.yaml").plane(*PLANE).save(HERE / "plane.svg")
    ci.load(EXAMPLES / "attention_tile.yaml").ranges().save(HERE / "ranges.svg")


if __name__ == "__main__":
    main()
