"""Names the check that a test is for, so that `test_mutations.py` can remove the check and see the test fail."""

import pytest


def guards(check: str) -> pytest.MarkDecorator:
    """Marks a test that fails without `check`: `judge:NAME`, `recheck:NAME`, or `SCRIPT.lua:NAME`."""
    return pytest.mark.guards(check=check)
