"""The tables of attacks and of failures name tests for each line, and each of these tests is there."""

import re

import pytest

from tests.docs.test_pages import DOCS
from tests.servers.lines import TOP

NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def rows(page: str, heading: str) -> list[str]:
    """Return the rows of the tables below a heading of a page, without their heads."""
    section = (DOCS / page).read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return [line for line in section.splitlines() if re.match(r"\| (?!failure|attack|---)", line)]


@pytest.mark.parametrize(
    ("page", "heading", "at_least"), [("production.md", "Failures", 20), ("security.md", "Attacks", 60)]
)
def test_each_line_names_tests_that_are_there(page: str, heading: str, at_least: int) -> None:
    lines = rows(page, heading)
    named = [(line, *found) for line in lines for found in NAMED.findall(line)]

    assert len(lines) >= at_least
    assert [line for line in lines if not NAMED.search(line.rpartition(" | ")[2])] == []
    assert [
        line
        for line, file, name in named
        if not (TOP / file).is_file() or f"def {name or 'test_'}" not in (TOP / file).read_text()
    ] == []
