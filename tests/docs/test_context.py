"""The table of docs/context.md is what its command prints."""

from bench.context import HEAD, SIZES, row
from tests.servers.lines import TOP


def test_the_table_of_tokens_holds_what_is_measured() -> None:
    page = (TOP / "docs" / "context.md").read_text()

    for cells in (HEAD, *map(row, SIZES)):
        assert f"| {' | '.join(cells)} |" in page
