"""Pictures of what was measured; without matplotlib there are none, and that is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.gpu.cases import HEADS


def draw(rows: list[dict[str, Any]], folder: Path) -> dict[str, Any]:
    """Writes one picture of times over head dimensions, and one of predicted over measured."""
    try:
        import matplotlib
    except ImportError:
        return {"skipped": "matplotlib is not installed"}
    matplotlib.use("agg")
    from matplotlib import pyplot

    written = []
    times = [row for row in rows if row["section"] == "times" and "ms" in row]
    paper = [
        row
        for row in times
        if (row["head_dim"], row["heads"]) in HEADS
        and row["batch"] == 16
        and row["time"] == 1024
        and row["dtype"] == "bfloat16"
    ]
    for direction in ("forward", "both"):  # both: forward and backward
        chosen = [row for row in paper if row["direction"] == direction]
        if not chosen:
            continue
        figure, axes = pyplot.subplots(figsize=(7, 4.5))
        for label in sorted({(row["backend"], row["cell"]) for row in chosen}):
            line = sorted(
                (row["head_dim"], row.get("graph_ms", row["ms"]))
                for row in chosen
                if (row["backend"], row["cell"]) == label
            )
            axes.plot(*zip(*line, strict=True), marker="o", label=" ".join(label))
        floor = sorted((row["head_dim"], row["floor_ms"]) for row in chosen if row["cell"] == "lstm")
        axes.plot(*zip(*floor, strict=True), "k--", label="floor (lstm)")
        axes.set_xscale("log", base=2)
        sizes = sorted({row["head_dim"] for row in chosen})
        axes.set_xticks(sizes, [str(size) for size in sizes])
        axes.set(
            yscale="log",
            xlabel="head dimension (768 units in all)",
            ylabel="ms",
            title=f"{'forward' if direction == 'forward' else 'forward and backward'}, batch 16, 1024 steps",
        )
        axes.legend(fontsize=8)
        figure.tight_layout()
        figure.savefig(folder / f"times_{direction}.png", dpi=120)
        written.append(f"times_{direction}.png")
    both = [(row["predicted_ms"], row.get("graph_ms", row["ms"])) for row in times if row.get("predicted_ms")]
    if both:
        figure, axes = pyplot.subplots(figsize=(5, 5))
        axes.loglog(*zip(*both, strict=True), "o", markersize=4)
        ends = [min(map(min, both)), max(map(max, both))]
        axes.plot(ends, ends, "k--")
        axes.set(xlabel="predicted, ms", ylabel="measured, ms")
        figure.tight_layout()
        figure.savefig(folder / "predicted.png", dpi=120)
        written.append("predicted.png")
    return {"written": written}
