"""The pages on failures and attacks name a test for each line, and each of these tests is there."""

import re
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
FAILURES = (TOP / "docs" / "failures.md").read_text()
ATTACKS = (TOP / "docs" / "security.md").read_text().partition("## Attacks on a decision")[2].partition("\n## ")[0]


@pytest.mark.parametrize(("page", "at_least"), [(FAILURES, 20), (ATTACKS, 8)], ids=["failures", "attacks"])
def test_each_line_names_a_test_that_is_there(page: str, at_least: int) -> None:
    rows = [line for line in page.splitlines() if re.match(r"\| (?!failure|attack|---)", line)]
    assert len(rows) >= at_least
    for row in rows:
        named = re.search(r"`(tests/[\w/]+\.py)(?:::(\w+))?` \|$", row)
        assert named, row
        text = (TOP / named[1]).read_text()
        assert f"def {named[2] or 'test_'}" in text, row
