"""Tables for notebooks: what Jupyter shows of problems, domains, solutions and spaces."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from constrint.numbers import long_integers

MOST_ROWS = 40
"""Longer tables end with how many rows are left out."""


def table(caption: str, headings: Sequence[str], rows: Iterable[Sequence[object]], count: int) -> str:
    """An HTML table of the first of `count` rows; every text is escaped."""
    lines = [f"<table><caption>{escape(caption)}</caption>"]
    lines.append(
        "<thead><tr>" + "".join(f"<th>{escape(text)}</th>" for text in headings) + "</tr></thead><tbody>"
    )
    with long_integers():
        for row, _ in zip(rows, range(MOST_ROWS), strict=False):
            lines.append("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>")
    if count > MOST_ROWS:
        lines.append(f'<tr><td colspan="{len(headings)}">… and {count - MOST_ROWS:,} more</td></tr>')
    lines.append("</tbody></table>")
    return "".join(lines)
