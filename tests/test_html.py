"""What notebooks show: tables with every text escaped, cut off where they are long."""

from __future__ import annotations

from xml.etree import ElementTree

import constrint as ci


def cells(shown: str) -> tuple[str, list[list[str]]]:
    """The caption and the rows; also that the table is well formed."""
    tree = ElementTree.fromstring(shown)
    rows = [[cell.text or "" for cell in row] for row in tree.iter("tr")]
    return tree.findtext("caption", ""), rows


def shelf() -> ci.Problem:
    p = ci.Problem("<shelf>")
    x = p.integer("x", 0, 9)
    free = p.integer("free")
    p.add((x < 3) & (x > 0), label="<b>low</b>")
    p.add(free == x * x)
    p.maximize(x)
    p.prefer(ci.smallest(free))
    return p


def test_a_problem_shows_what_is_stated() -> None:
    caption, rows = cells(shelf()._repr_html_())
    assert caption == "<Problem '<shelf>': 2 variables, 2 constraints>"
    assert rows == [
        ["", "name", "statement"],
        ["variable", "x", "x >= 0 and x <= 9"],
        ["variable", "free", "integer"],
        ["constraint", "<b>low</b>", "x < 3 and x > 0"],
        ["constraint", "", "free == x * x"],
        ["maximize", "", "x"],
        ["prefer", "smallest", "free"],
    ]


def test_solutions_and_domains() -> None:
    p = shelf()
    assert cells(p.solve()._repr_html_()) == (
        "optimal, objective 2",
        [["variable", "value"], ["x", "2"], ["free", "4"]],
    )
    caption, rows = cells(p.propagate()._repr_html_())
    assert caption == "unknown" and rows[1] == ["x", "1 .. 2", "2"]
    unbounded = ci.Problem()
    unbounded.integer("n", 3)
    assert cells(unbounded.propagate()._repr_html_())[1][1] == ["n", "3 .. ∞", "∞"]
    huge = ci.Problem()
    huge.integer("n", 10**5000, 10**5000)
    assert cells(huge.solve()._repr_html_())[1][1][1] == "1" + "0" * 5000


def test_a_long_space_is_cut_off() -> None:
    p = ci.Problem()
    p.array("q", 2, 0, 9)
    p.choice("c", ["a", "b"])
    caption, rows = cells(p.enumerate()._repr_html_())
    assert caption == "<SearchSpace of 200 configurations of 3 variables>"
    assert rows[:3] == [["q", "c"], ["[0, 0]", "a"], ["[0, 0]", "b"]]
    assert len(rows) == 42 and rows[-1] == ["… and 160 more"]
    p.add(p["q"][0] > 9)
    assert cells(p.enumerate()._repr_html_())[1] == [["q[0]", "q[1]", "c"]]


def test_a_domain_shows_its_values() -> None:
    problem = ci.Problem()
    x = problem.integer("x", 0, 100)
    problem.add(x % 6 == 2, x <= 90)
    assert problem.propagate()["x"]._repr_html_() == "<code>2 .. 86, multiple of 6 plus 2</code>"
