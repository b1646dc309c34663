from datetime import UTC, datetime

from bot.render.words import TIME
from channels.slack import blocks


def test_slack_shows_moments_of_our_sentences_in_the_readers_zone() -> None:
    at = datetime(2026, 9, 3, 14, 2, tzinfo=UTC)

    found = blocks.in_rich_text(f"Bo Berg approved at {at:{TIME}}.")

    assert found is not None
    assert [piece["timestamp"] for piece in found if isinstance(piece, dict) and piece["type"] == "date"] == [
        int(at.timestamp())
    ]
