import re
import tomllib
from importlib.resources import files
from typing import cast

import pytest

from channels.email.reply import vocabulary

_IN_TABLES = ("quotes.toml", "moments.toml", "clients.toml", "commands.toml", "stops.toml", "orders.toml")
_FILES = sorted(each.name for each in files(vocabulary).iterdir() if each.name.endswith(".toml"))


def _lists(name: str) -> dict[str, list[str]]:
    """The lists of a file by name, those of its tables by the names of both."""
    found = tomllib.loads(files(vocabulary).joinpath(name).read_text(encoding="utf-8"))
    found.pop("parts", None)
    if name not in _IN_TABLES:
        return cast("dict[str, list[str]]", found)
    tables = cast("dict[str, dict[str, list[str]]]", found)
    return {f"{table}.{key}": words for table, lists in tables.items() for key, words in lists.items()}


@pytest.mark.parametrize("name", _FILES)
def test_no_word_of_a_list_matches_nothing_at_all(name: str) -> None:
    empty = {key for key, words in _lists(name).items() if not words or any(re.fullmatch(word, "") for word in words)}

    assert not empty


@pytest.mark.parametrize("name", _IN_TABLES)
def test_no_table_says_a_word_twice(name: str) -> None:
    assert not {key for key, words in _lists(name).items() if len(words) > len({*words})}


def test_a_word_that_several_languages_share_is_tried_once() -> None:
    assert vocabulary.FROM.split("|").count("de") == 1


def test_a_list_is_read_from_all_languages_that_have_it() -> None:
    outside = re.compile(vocabulary.every("outside"))

    assert all(outside.fullmatch(word) for word in ("external", "ausserhalb", "fuera", "社外"))


def test_a_list_that_no_file_has_is_an_error() -> None:
    with pytest.raises(KeyError, match="no_such_list"):
        vocabulary.every("no_such_list")
