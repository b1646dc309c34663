"""The catalogs are whole: each key that the code names has a sentence in each language, with the same names in it."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.catalog import Message
from babel.messages.pofile import read_po

from language import LANGUAGES, Language, say
from language.recorded import FILES as FILES_AS_A_WHOLE
from tests.servers.lines import TOP

_SAYS = {"say", "say_many", "in_all", "date", "recorded"}
_IN_TEMPLATES = re.compile(r"\bsay(?:_many|_html)?\(\s*\"([^\"]+)\"")
FILES = sorted(file.name for file in (TOP / "language" / "en").glob("*.po"))
_PACKAGES = ("agents", "bot", "channels", "language")


def messages(language: Language) -> dict[str, tuple[str, ...]]:
    """The sentences of a language by their keys, each in all its forms."""
    return {key: forms for file in FILES for key, forms in _in(TOP / "language" / language / file).items()}


def _in(file: Path) -> dict[str, tuple[str, ...]]:
    with file.open("rb") as text:
        return {_key(message): _forms(message) for message in read_po(text, abort_invalid=True) if message.id}


def _key(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


def _forms(message: Message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ())


def names(sentence: str) -> set[str]:
    """The names that are filled in."""
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


@cache
def _read(file: Path) -> tuple[frozenset[str], frozenset[str]]:
    """Every string in a file, and every key that it hands over as it stands."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".html":
        keys = frozenset(_IN_TEMPLATES.findall(text))
        return keys, keys
    nodes = list(ast.walk(ast.parse(text)))
    strings = (node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return frozenset(strings), frozenset(key for node in nodes for key in _handed_over(node))


def files() -> Iterator[Path]:
    """The code and its templates."""
    for package in _PACKAGES:
        yield from (TOP / package).rglob("*.py")
        yield from (TOP / package).rglob("*.html")


def _handed_over(node: ast.AST) -> Iterator[str]:
    if not isinstance(node, ast.Call):
        return
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if called in _SAYS:
        yield from (each.value for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, str))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalog_has_a_sentence_for_every_key_and_no_other_each_in_the_file_of_its_name(language: Language) -> None:
    catalog = messages(language)

    assert catalog.keys() == messages("en").keys()
    assert [key for key, forms in catalog.items() if not all(form.strip() for form in forms)] == []
    for file in FILES:
        text = (TOP / "language" / language / file).read_text(encoding="utf-8")
        keys = re.findall(r'^msgid "(.+)"$', text, re.MULTILINE)
        assert [key for key in keys if key.partition(".")[0] != Path(file).stem] == []
        assert len(keys) == len(set(keys))


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_form_of_a_sentence_fills_in_the_same_names_as_english(language: Language) -> None:
    english = {key: {name for form in forms for name in names(form)} for key, forms in messages("en").items()}

    for key, forms in messages(language).items():
        assert {name for form in forms for name in names(form)} == english[key], key


def test_every_key_that_the_code_says_has_a_sentence() -> None:
    known = messages("en").keys()

    assert [(file.name, key) for file in files() for key in _read(file)[1] if key not in known] == []


def test_no_sentence_is_left_that_nothing_says() -> None:
    said = {key for file in files() for key in _read(file)[0]}

    assert (
        sorted(key for key in messages("en") if key not in said and key.partition(".")[0] not in FILES_AS_A_WHOLE) == []
    )


def test_a_key_without_a_sentence_is_an_error_and_never_shown() -> None:
    with pytest.raises(KeyError, match=r"words\.no-such-key"):
        say("words.no-such-key")
