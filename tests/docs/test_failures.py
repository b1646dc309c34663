"""The page on failures names a test for each line, and each of these tests is there."""

import re
from pathlib import Path

TOP = Path(__file__).parents[2]
PAGE = (TOP / "docs" / "failures.md").read_text()


def rows() -> list[str]:
    return [line for line in PAGE.splitlines() if line.startswith("| ") and not re.match(r"\| (failure|---)", line)]


def test_each_line_names_a_test_that_is_there() -> None:
    assert len(rows()) > 20
    for row in rows():
        named = re.search(r"`(tests/[\w/]+\.py)(?:::(\w+))?` \|$", row)
        assert named, row
        text = (TOP / named[1]).read_text()
        assert f"def {named[2] or 'test_'}" in text, row
