"""docs/twelve-factors.md has a row for each factor, with links into the code."""

import re

from tests.docs.test_pages import DOCS

ROW = re.compile(r"^\| (\d+|[IVX]+)\. (.+)$", re.MULTILINE)
LINK = re.compile(r"\]\(([^)#:]+)\)")


def test_each_factor_has_a_row_with_a_link_to_what_does_it() -> None:
    rows = ROW.findall((DOCS / "twelve-factors.md").read_text())

    assert [factor for factor, _ in rows] == [
        *map(str, range(1, 14)),
        *("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"),
    ]
    links = [(factor, LINK.findall(row)) for factor, row in rows]
    assert [factor for factor, found in links if not found] == []
    assert [link for _, found in links for link in found if not (DOCS / link).exists()] == []
