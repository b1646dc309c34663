import re
import tomllib
from importlib.resources import files

import pytest

from channels.email.reply import vocabulary

_FILES = sorted(each.name for each in files(vocabulary).iterdir() if each.name.endswith(".toml"))


@pytest.mark.parametrize("name", _FILES)
def test_no_word_of_a_list_matches_nothing_at_all(name: str) -> None:
    lists = tomllib.loads(files(vocabulary).joinpath(name).read_text(encoding="utf-8"))
    lists.pop("parts", None)

    empty = {key for key, words in lists.items() if not words or any(re.fullmatch(word, "") for word in words)}

    assert not empty


def test_a_list_is_read_from_all_languages_that_have_it() -> None:
    outside = re.compile(vocabulary.every("outside"))

    assert all(outside.fullmatch(word) for word in ("external", "ausserhalb", "fuera", "社外"))


def test_a_list_that_no_file_has_is_an_error() -> None:
    with pytest.raises(KeyError, match="no_such_list"):
        vocabulary.every("no_such_list")
