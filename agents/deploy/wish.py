"""What a plain message wishes: "please deploy v1.2.0 to production", "roll staging back to v1.1.0". Pure."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from agents.deploy.doubt import is_doubtful
from agents.deploy.names import environment_called, is_latest

_POLITE = r"(?:please|kindly|(?:can|could|would|will) you(?: please)?|i(?:'d| would) like (?:you )?to|let's),?\s+"
_WORD = r"[^\s,;:!?()<>]+?"
_END = r"(?:,?\s+(?:please|now|thanks|thank you))*\s*[.!?]*(?:\s+(?:thanks|thank you|cheers)\b(?P<rest>.{0,40}))?"
# Anything more than this is left to people, or to a model: "don't deploy" must not deploy.
_SENTENCES = (
    re.compile(
        rf"(?:{_POLITE})?(?:deploy|release|ship|promote)(?:\s+the(?=\s+latest\b))?(?:\s+version)?"
        rf"(?:\s+(?P<version>{_WORD}))?(?:(?<=\slatest)\s+(?:version|release|tag))?"
        rf"(?:\s+(?:to|on|in|into)\s+(?:the\s+)?(?P<environment>{_WORD}))?{_END}",
        re.IGNORECASE,
    ),
    re.compile(
        rf"(?:{_POLITE})?(?:roll\s*back|revert|roll)(?:\s+(?:the\s+)?(?P<environment>{_WORD}))?(?:\s+back)?"
        rf"(?:\s+to\s+(?:version\s+)?(?P<version>{_WORD}))?{_END}",
        re.IGNORECASE,
    ),
)
_GREETED = re.compile(
    r"\A(?:hi|hello|hey|dear|good (?:morning|afternoon|evening))\b(?: [\w.@-]+){0,3}[,!]\s+(?=\S)", re.IGNORECASE
)
_MENTION = re.compile(r"\A\s*(?:<@\w+>|@?sayso\b)[,:]?\s*", re.IGNORECASE)
_WRAPPED = re.compile(r"\n[ \t]*(?=(?:to|on|in|into)\s)")
_BETWEEN = re.compile(r"(?<=[.!?])\s+|\n")
_CLOSED = re.compile(
    r"(?:many )?(?:thanks|thank you|cheers|(?:(?:best|kind|warm) )?(?:regards|wishes)|best|yours|sincerely)\b.{0,40}",
    re.IGNORECASE,
)
_SIGNATURE = re.compile(r"^--\s*$", re.MULTILINE)
# What is longer is not plain.
_TEXT_CHARS, _SENTENCE_CHARS = 4_000, 300
# A value that a trigger was sent stands so, escaped: what somebody else says is no wish of whoever asks.
# One that does not end is read to where it breaks off, so that no part of it is read again.
_PHRASE = re.compile(r'(?P<phrase>"(?:\\.|[^"\\\n])*+)(?P<end>"?)')
_QUOTES = str.maketrans("", "", '`*"\u201c\u201d')


@dataclass(frozen=True, slots=True)
class Wish:
    """What was named: the version word for word, the environment as it is configured; None for what was not.

    `is_back`: it was called a way back.
    """

    version: str | None = None
    environment: str | None = None
    is_back: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class _Said:
    """One sentence: what it names if it is a wish, and what of it is more than that.

    `is_title`: it stands where the subject of a mail does, or what people do; that may speak of deploying.
    """

    wish: Wish | None
    beside: str
    is_title: bool


def wish_of(text: str, environments: Collection[str]) -> Wish:
    """The wish in `text`, said in one of a few plain sentences; only names that mean one environment count.

    All of the text is read. What its sentences disagree about is not named; where one of them may take something
    back, put it off, or mean something else, nothing is.
    """
    if len(text) > _TEXT_CHARS or _quotes_others(text):
        return Wish()
    said = list(_said(tuple(_sentences(text)), environments))
    version = _agreed(one.wish.version for one in said if one.wish)
    environment = _agreed(one.wish.environment for one in said if one.wish)
    for one in said:
        if one.beside and is_doubtful(one.beside, version, environment, environments, may_name_it=one.is_title):
            return Wish()
    is_back = any(one.wish.is_back for one in said if one.wish)
    return Wish(version, environment if environment in environments else None, is_back)


def is_wish(text: str, environments: Collection[str]) -> bool:
    """Whether `text` plainly wishes a deploy, also one that leaves version or environment open."""
    wish = wish_of(text, environments)
    return wish != Wish() and not _is_no_version(wish)


def word_of(text: str) -> str | None:
    """The one word that `text` is; None when it is more or less than that."""
    words = text.translate(_QUOTES).strip().rstrip(".!").split()
    return words[0] if len(words) == 1 else None


def _quotes_others(text: str) -> bool:
    return any(found["end"] and len(found["phrase"].split()) > 1 for found in _PHRASE.finditer(text))


def _sentences(text: str) -> Iterator[str]:
    """What `text` says before its signature: without address, quotation marks and line breaks inside a sentence."""
    body = _SIGNATURE.split("\n".join(text.translate(_QUOTES).splitlines()))[0]
    for piece in _BETWEEN.split(_WRAPPED.sub(" ", body)):
        if said := _MENTION.sub("", _GREETED.sub("", piece.strip())).strip():
            yield said


def _said(sentences: Sequence[str], environments: Collection[str]) -> Iterator[_Said]:
    is_title = len(sentences) > 1
    for number, sentence in enumerate(sentences):
        wish, beside = _plain_wish(sentence, environments)
        if is_title and wish and _is_no_version(wish):
            wish, beside = None, sentence
        yield _Said(wish, beside, is_title)
        is_title = bool(_CLOSED.fullmatch(sentence)) or (is_title and number > 0)


def _plain_wish(sentence: str, environments: Collection[str]) -> tuple[Wish | None, str]:
    """What a sentence wishes, and what it says beside that."""
    for pattern in _SENTENCES if len(sentence) <= _SENTENCE_CHARS else ():
        if found := pattern.fullmatch(sentence):
            version, environment, is_back = found["version"], found["environment"], pattern is _SENTENCES[-1]
            if environment is None and version in environments:
                version, environment = None, version
            if is_back and version and is_latest(version):  # the latest is no way back
                version = None
            named = environment and (environment_called(environment, environments) or environment)
            return Wish(version, named, is_back), (found["rest"] or "").strip()
    return None, sentence


def _is_no_version(wish: Wish) -> bool:
    """Whether it only looks like a wish: "Deploy request", "Release manager"."""
    version = wish.version if wish.environment is None else None
    return version is not None and not is_latest(version) and not any(map(str.isdigit, version))


def _agreed(values: Iterable[str | None]) -> str | None:
    """The one value that was said; None when there is none, or more than one."""
    found = set(values) - {None}
    return found.pop() if len(found) == 1 else None
