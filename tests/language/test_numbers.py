"""Numbers and money, as each language writes them."""

import pytest

from language import Language, speaking
from language.numbers import dollars, in_word, tenths, whole


@pytest.mark.parametrize(
    ("language", "tokens", "much", "little"),
    [
        ("en", "200,000", "$1,234.50", "$0.0042"),
        ("de", "200.000", "1.234,50\N{NO-BREAK SPACE}$", "0,0042\N{NO-BREAK SPACE}$"),
    ],
)
def test_numbers_are_written_as_the_language_does(language: Language, tokens: str, much: str, little: str) -> None:
    with speaking(language):
        assert (whole(200_000), dollars(1234.5), dollars(0.0042)) == (tokens, much, little)


@pytest.mark.parametrize(("language", "words"), [("en", "4.2"), ("de", "4,2")])
def test_tenths_are_written_as_the_language_does(language: Language, words: str) -> None:
    with speaking(language):
        assert tenths(4.2) == words


@pytest.mark.parametrize(("language", "words"), [("en", ["two", "twelve", "13"]), ("de", ["zwei", "zwölf", "13"])])
def test_small_numbers_are_words_and_others_are_figures(language: Language, words: list[str]) -> None:
    with speaking(language):
        assert [in_word(number) for number in (2, 12, 13)] == words
