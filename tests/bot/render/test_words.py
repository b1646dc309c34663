from datetime import UTC, datetime

import pytest

from bot.render.words import no_environment
from channels.slack import blocks
from language.dates import in_words


def test_slack_shows_moments_of_our_sentences_in_the_readers_zone() -> None:
    at = datetime(2026, 9, 3, 14, 2, tzinfo=UTC)

    found = blocks.in_rich_text(f"Bo Berg approved at {in_words(at)}.")

    assert [piece["timestamp"] for piece in found if isinstance(piece, dict) and piece["type"] == "date"] == [
        int(at.timestamp())
    ]


@pytest.mark.parametrize(("where", "meant"), [("prodution", "production"), ("PRODUCTION", "production"), ("eu", "")])
def test_an_environment_that_the_settings_do_not_have_is_warned_of_with_the_one_that_was_meant(
    where: str, meant: str
) -> None:
    warning = no_environment(where, ("production", "staging"))

    assert warning.startswith(f"No environment of the settings is called {where}: this freezes none of them")
    assert "There are: production and staging." in warning
    assert warning.endswith("Did you mean production?") is bool(meant)


@pytest.mark.parametrize("where", ["", "staging"])
def test_everything_and_what_the_settings_have_need_no_warning(where: str) -> None:
    assert no_environment(where, ("production", "staging")) == ""


def test_where_the_settings_have_none_every_environment_is_a_tools_own() -> None:
    assert no_environment("workshop", ()) == ""
