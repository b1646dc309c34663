from datetime import UTC, datetime

from channels.slack import blocks
from language.dates import in_words


def test_slack_shows_moments_of_our_sentences_in_the_readers_zone() -> None:
    at = datetime(2026, 9, 3, 14, 2, tzinfo=UTC)

    found = blocks.in_rich_text(f"Bo Berg approved at {in_words(at)}.")

    assert [piece["timestamp"] for piece in found if isinstance(piece, dict) and piece["type"] == "date"] == [
        int(at.timestamp())
    ]
