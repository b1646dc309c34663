"""What people read, by key: each sentence stands in `en/` and in every other language's folder, and code names
its key.

Others use `say`, `say_many`, `in_all`, `in_each`, `speaking`, `spoken` and `LANGUAGES`. It reads no file but its own
catalogs, and words nothing for models (`prompts`) or for operators (the command line's errors and logs stay English).
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar

from language.catalogs import LANGUAGES, Language, sentence, sentences

__all__ = ["LANGUAGES", "Language", "in_all", "in_each", "say", "say_many", "speaking", "spoken"]

_SPOKEN: ContextVar[Language] = ContextVar("language", default="en")


def say(key: str, /, **values: object) -> str:
    """Return the sentence `key` in the language that is spoken, each `{name}` of it filled from `values`.

    Raises KeyError where no catalog has the key, or a name has no value. A value is put in as it is: whoever shows the
    sentence escapes it.
    """
    return sentence(_SPOKEN.get(), key).format_map(values)


def say_many(key: str, count: int, /, **values: object) -> str:
    """Return the sentence `key` in its form for `count`, which is its `{count}`.

    Which form that is, the language's own rule says (https://cldr.unicode.org/index/cldr-spec/plural-rules). Raises
    KeyError as `say` does.
    """
    return sentence(_SPOKEN.get(), key, count).format_map({"count": count, **values})


def in_all(key: str) -> tuple[str, ...]:
    """Return the sentence `key` in every language, English first: to know again what was written in one of them."""
    return sentences(key)


def in_each(words: Callable[[], str]) -> tuple[str, ...]:
    """Return what `words` says in every language, English first: as `in_all`, for what is put together of sentences."""
    return tuple(_in(language, words) for language in LANGUAGES)


def _in(language: Language, words: Callable[[], str]) -> str:
    with speaking(language):
        return words()


@contextmanager
def speaking(language: Language) -> Generator[None]:
    """Speak `language` until the end of the block, in this task and in those that it starts."""
    before = _SPOKEN.set(language)
    try:
        yield
    finally:
        _SPOKEN.reset(before)


def spoken() -> Language:
    """Return the language that is spoken here."""
    return _SPOKEN.get()
