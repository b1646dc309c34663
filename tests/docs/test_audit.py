"""docs/security.md names the columns that an export has."""

from bot.audit.export import csv_head
from tests.servers.lines import TOP


def test_the_page_has_the_columns_of_a_csv_export() -> None:
    page = (TOP / "docs" / "security.md").read_text()

    assert csv_head().strip() in page.splitlines()
