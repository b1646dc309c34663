"""The catalogs: sentences by key in the format of GNU gettext, a folder for each language.

What stands in a key before its first dot names the file: `card.asks` is in `card.po`.
"""

import gettext
import io
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final, Literal, get_args

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog

Language = Literal["en", "de"]
"""A language that has a whole catalog, as its BCP 47 tag."""

LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)


def sentence(language: Language, key: str, count: int | None = None) -> str:
    """Return the sentence `key` of `language`, in its form for `count` if it has several. Raises KeyError for none."""
    found = _catalog(language, key.partition(".")[0])
    words = found.gettext(key) if count is None else found.ngettext(key, key, count)
    if words == key:
        raise KeyError(key)
    return words


@cache
def sentences(key: str) -> tuple[str, ...]:
    """Return the sentence `key` of each language."""
    return tuple(sentence(language, key) for language in LANGUAGES)


@cache
def keys_of(file: str) -> tuple[str, ...]:
    """Return the keys of the catalogs `file`, as they stand in the English one. No sentence there counts anything."""
    return tuple(message.id for message in _read("en", file) if isinstance(message.id, str) and message.id)


@cache
def _catalog(language: Language, file: str) -> gettext.GNUTranslations:
    # babel takes longer to load than most commands take that say nothing.
    from babel.messages.mofile import write_mo

    # No compiled form lies in the tree: reading the text takes some milliseconds, once.
    binary = io.BytesIO()
    write_mo(binary, _read(language, file))
    binary.seek(0)
    return gettext.GNUTranslations(binary)


def _read(language: Language, file: str) -> "Catalog":
    from babel.messages.pofile import read_po

    with files("language").joinpath(language, f"{file}.po").open("rb") as text:
        return read_po(text, locale=language, abort_invalid=True)
