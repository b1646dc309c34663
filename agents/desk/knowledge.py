"""Look up what a desk knows: small text files beside the configuration, read before the first step.

A file may begin with front matter, of which one line is read: `answers: refund, money back`. A mail that has one of
these phrases in it is answered by the file's text.
"""

import asyncio
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agents.requests import Fact
from agents.text import one_line, strip_invisible

_FILES, _FILE_CHARS, _ALL_CHARS = 20, 4_000, 24_000
_KNOWN, _CUT, _TROUBLE = "knowledge: ", "knowledge, cut: ", "knowledge is missing"
_HEAD = re.compile(r"---\n(?P<head>.*?)\n---\n(?P<body>.*)", re.DOTALL)
_ANSWERS = re.compile(r"^answers:[ \t]*(.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Files below `folder` that match one of `patterns`, such as `knowledge/*.md`."""

    folder: Path = field(default_factory=Path)
    patterns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Article:
    """One file: the phrases that it answers, and its text."""

    name: str
    phrases: tuple[str, ...]
    text: str


async def facts_of(knowledge: Knowledge) -> tuple[Fact, ...]:
    """Each file as a fact, bounded; what can't be read, or is too much, is a fact as well."""
    return await asyncio.to_thread(lambda: tuple(_read(knowledge)))


def article_for(facts: Sequence[Fact], mail: str) -> Article | None:
    """The one article that answers `mail`; None when none does, or several, or nothing whole does."""
    words = _words("\n".join(line for line in mail.splitlines() if not line.lstrip().startswith(">")))
    found = [one for one in map(_article, facts) if one and any(_has(words, _words(each)) for each in one.phrases)]
    return found[0] if len(found) == 1 and found[0].text else None


def _read(knowledge: Knowledge) -> Iterator[Fact]:
    folder, left = knowledge.folder.resolve(), _ALL_CHARS
    found = sorted({path for pattern in knowledge.patterns for path in folder.glob(pattern) if path.is_file()})
    for path in found[:_FILES]:
        name = one_line(str(path.relative_to(folder)), 100)
        # A link out of the folder would show a model, and then a stranger, what was never meant for them.
        if not path.resolve().is_relative_to(folder):
            yield Fact(label=_TROUBLE, text=f"{name} is a link that leads out of the folder of sayso.toml")
            continue
        try:
            text = strip_invisible(path.read_bytes()[: 4 * _FILE_CHARS].decode(errors="replace").replace("\r\n", "\n"))
        except OSError as error:
            yield Fact(label=_TROUBLE, text=f"{name} can't be read: {error.strerror}")
            continue
        room = min(left, _FILE_CHARS)
        yield Fact(label=f"{_KNOWN if len(text) <= room else _CUT}{name}", text=text[:room])
        left -= min(len(text), room)
    if len(found) > _FILES:
        yield Fact(label=_TROUBLE, text=f"{len(found) - _FILES} of {len(found)} files are left out; {_FILES} are read")
    if not found:
        yield Fact(label=_TROUBLE, text=f"no file matches {', '.join(knowledge.patterns) or 'anything: none is named'}")


def _article(fact: Fact) -> Article | None:
    found = _HEAD.fullmatch(fact.text) if fact.label.startswith(_KNOWN) else None
    answers = _ANSWERS.search(found["head"]) if found else None
    if found is None or answers is None:
        return None
    phrases = tuple(phrase.strip() for phrase in answers[1].strip("[] \t").split(",") if _words(phrase))
    return Article(fact.label.removeprefix(_KNOWN), phrases, found["body"].strip())


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def _has(words: Sequence[str], phrase: Sequence[str]) -> bool:
    """Return whether the words of `phrase` stand in `words`, one after the other."""
    size = len(phrase)
    return size > 0 and any(words[at : at + size] == phrase for at in range(len(words) - size + 1))
