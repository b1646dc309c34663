"""Sentences in the language of whoever reads them."""

import pytest

from language import in_all, say, speaking, spoken


def test_a_sentence_is_in_the_language_that_is_spoken() -> None:
    english = say("words.over")

    with speaking("de"):
        assert (spoken(), say("words.over")) == ("de", "abgelaufen")

    assert (spoken(), say("words.over"), english) == ("en", "over", "over")


def test_what_is_filled_in_is_not_read_as_a_sentence() -> None:
    assert say("words.left", length="{count} {0.__class__}") == "in {count} {0.__class__}"


@pytest.mark.parametrize("count", [1, 2])
def test_a_name_without_a_value_is_an_error(count: int) -> None:
    with pytest.raises(KeyError, match="length"):
        say("words.left", count=count)


def test_a_sentence_is_known_again_in_every_language() -> None:
    assert in_all("words.over") == ("over", "abgelaufen")
