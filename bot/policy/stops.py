"""Words that stop what runs, as people type them in a hurry: `ok, stop bitte`, `oh no, cancel that`. Pure.

A text is one only as a whole, and then in any order: `stop the old server first, then deploy` tells what to do, and
`don't stop` to go on. The words are data, in `channels.email.reply.vocabulary`.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache

from agents.command import parse, said_lines
from agents.text import strip_invisible
from channels.email.reply import DECISION_CHARS
from channels.email.reply.vocabulary import (
    BECAUSE,
    BESIDE_STOP,
    COMMANDS,
    KEEPS_ON,
    NAMED,
    ORDERS,
    OUR_ID,
    STOP,
    THING,
    fold,
)

MOST_CHARS = 120
"""Longest text that is nothing but a stop."""

_PHRASE_CHARS = 60
"""Most characters of one phrase of the vocabulary; it bounds the time."""

_NAMED = re.compile(r":([a-z0-9_+'-]+):")
_SIGNS = {"octagonal_sign", "no_entry", "raised_hand", "hand"}
"""What Slack calls the pictures that say stop; it sends all pictures by their names."""

_PICTURES = {"So", "Sk"}
_PART = re.compile(
    r"(?m)^[ \t]*>[>\s]*|[.,;:!?\n\u2013\u2014\u3001\u3002]+|\s-\s|(?<!\w)[*_`]+|(?<![*_`])[*_`]++(?!\w)"
)
"""Stands between parts of a text: a mark, that of a quote, and what marks words up."""

_QUOTED = re.compile(r"(?m)^[ \t]*>.*\n?")
_MARKED = re.compile(r"([*_`]{1,3})(?=[^\s*_`])([^*_`\n]*[^\s*_`])\1(?=\s)")
"""The words that are marked up where a text begins: `*stop* the tests are red`."""

_ASKS_OR_NAMES = re.compile(rf"\?|(?<![\w-]){OUR_ID}(?![\w-])", re.IGNORECASE)
_SENTENCE = re.compile(r"\.+(?!\d)|[;:!?\u2014\u3002]+|\s[-\u2013]+\s")
_CLAUSE = re.compile(r"(?<![.,;:!])[.,;:!]+(?:\s|\Z)|\s[-\u2013\u2014]+(?:\s|\Z)|\b(?:and|und)\b", re.IGNORECASE)
GIVES_WHY = rf"\s(?:{BECAUSE}|weil|denn|da)\s"
"""Behind it stands why."""

_THIS = r"(?:this|that|it|the|dies\w*|das|es|den|die)"
ORDER = (
    rf"(?:freeze|revoke|widerrufe|(?:stop|cancel|abort|deny|reject|stoppe)\s+(?:{OUR_ID}|{_THIS})|(?:lehne|brich)\s+{_THIS}"
    rf"|do(?: not|n['\u2019]t)\s+(?:deploy|release|run|do)\s+{_THIS})(?!\w)"
)
"""Begins an order that only stops something: `deny this`."""

# So few words of courtesy, and all of each at once: a row of them is not read again from each of its marks.
COURTESY = rf"(?:(?:{ORDERS['polite']})[\s,]++){{0,20}}+"

NEXT_ORDER = (
    # Only from where blanks begin, or behind the one that a mark before has taken: not from each of many.
    r"(?:(?:,|(?<!\s\s))\s+(?:and|und|but|aber|plus|sowie|[&+])\s+(?:(?:also|auch)\s+)?|,\s+(?:also|auch)\s+)"
    rf"{COURTESY}(?={ORDER})"
)
"""Stands between two orders in one line, each of which only stops something: `stop s1r-… and freeze production`."""

_HEAD = re.compile(
    rf"[^?\n\u2014]+?(?=[,;:!](?!\w)|[\n\u2014]|\.(?:\s|\Z)|\s[-\u2013]+\s|{GIVES_WHY})",
    re.IGNORECASE,
)
"""What a text begins with, up to a mark or a because."""

_AFTERWARDS = re.compile(
    r"\s*(?:and|then|afterwards|finally|und|dann|danach|et|puis|ensuite|y|luego|despues|e|depois|poi|en|dan)(?!\w)"
)
"""What puts a stop behind something else that is to be done: `run the tests, then stop`."""

_CONDITION = re.compile(rf"(?!before|bevor|ehe|avant|antes|voordat|prima)(?:{COMMANDS['condition']}) +\w")
"""What says when to stop; `before` and the like say why."""

_MESSAGE_CHARS = 4_000
"""Most characters of a message that are searched for a stop."""

_TONES = re.compile("[\U0001f3fb-\U0001f3ff]")
_NAME = r"@(?:[^\s@]+(?:\u00a0[^\s@:]+)+|[\w.-]+)"
"""Who is called; of a name of several words a channel makes one piece."""

_SAYS = r"(?:\+1|-1|thumbs\w+|x|no_\w+|white_check_mark|ok_hand)"
_CALL = re.compile(
    rf"\s*{_NAME}[ \t,:]*|\s*(?:wait|hold on)\s*[,.!]\s*|\s*:(?!{_SAYS}:)[a-z0-9_+'-]+:\s*(?=[\w:])"
    r"|\s*(?:[-\u2022\u25e6\u25aa\u2023]|\d{1,2}[.)])\s+(?=[^\n]+\Z)",
    re.IGNORECASE,
)
"""What calls somebody, a picture that says nothing by itself, and the mark of a list of one: Slack makes `• stop` of
`- stop`.
"""

_PAGE = re.compile(
    rf"(?<![^\s(<\[])https?://\S{{1,300}}?/(?:runs|requests)/({OUR_ID})(?![\w-])(?:[/#]\S*|\?\S+)?", re.IGNORECASE
)
_BESIDE_CALL = re.compile(rf"(?<![^\s(,;:]){_NAME}")
_SIGN = re.compile(r"[🛑⛔✋ ]+")
_BESIDE = re.compile(
    r"(?<!\w)'|'(?!\w)|[\s.,;:!?*_\"`~/\u00a1\u00bf\u2013\u2014\u2026\u3001\u3002\u201c\u201d\u201e()\ufe0f-]+"
)
_TURNED = re.compile(r"\?\s*(?:no|nope|nah|nein|nee|non|nao|nicht|niet)(?!\w)")
"""A stop that is asked about, and the no to it."""

_BUT = re.compile(r"\b(?:all|everything|both|them|those|(?:run|deploy(?:ment)?|release|request)s) \(?but\b")
"""Before what is not to stop: `stop all but s1r-…`, `stop everything but this`."""

_BETWEEN = re.compile(r"[ 🛑⛔✋\u3041-\u30ff\u4e00-\u9fff]")
"""A blank, and each letter of a language that writes none: beside them a phrase may begin or end."""


@cache
def _stop() -> re.Pattern[str]:
    return re.compile(STOP)


@cache
def _beside() -> re.Pattern[str]:
    return re.compile(BESIDE_STOP)


@cache
def _keeps_on() -> re.Pattern[str]:
    return re.compile(KEEPS_ON)


# One message is asked about in several ways, one after the other: so are others below.
@lru_cache(maxsize=16)
def stops_plainly(text: str) -> bool:
    """Return whether `text` says stop, and else nothing but hesitation, courtesy and what is to be stopped."""
    texts = [_folded(_signed(one)) for one in without_names(called(text)) if len(one) <= MOST_CHARS]
    bares = [" ".join(_BESIDE.sub(" ", one).split()) for one in texts]
    if any(map(_SIGN.fullmatch, bares)):
        return True
    if any(_keeps_on().search(one) or _TURNED.search(one) or _BUT.search(one) for one in texts):
        return False
    said = ("".join(char for char in bare if unicodedata.category(char) not in _PICTURES) for bare in bares)
    return any(_is_made_of_stops(" ".join(one.split())) for one in said)


def read_ends(text: str, most_chars: int = DECISION_CHARS) -> str:
    """Return the beginning and the end of a text that is too long to be read as an order, such as a stop above a log
    that its writer pasted, or below it; any other one as it is. It is cut between lines, else between words.
    """
    if len(text) <= most_chars:
        return text
    head, tail = text[: most_chars // 2], text[-most_chars // 2 :]
    head = head[: head.rfind("\n" if "\n" in head else " ")]
    tail = tail[tail.find("\n" if "\n" in tail else " ") + 1 :]
    return f"{head}\n\n{tail}"


def begins_with_stop(text: str) -> bool:
    """Return whether `text` begins with a stop of a run or a deploy, up to a mark: `brich den Lauf ab, er ist falsch`.

    So does one that is marked up, whatever it names: `*stop* the tests are red`. What follows is why, unless it takes
    that back or says when: `stop the run, if a test fails`.
    """
    said = called(text)[:_MESSAGE_CHARS]
    head = _MARKED.match(said)
    is_stop = head is not None and stops_plainly(head[2]) and not _ASKS_OR_NAMES.search(said)
    if not is_stop:
        head = _HEAD.match(said)
        is_stop = head is not None and THING.search(head[0]) is not None and stops_plainly(head[0])
    if head is not None and is_condition(said[head.end() :].lstrip(" ,;:\u2013\u2014-")):
        return False
    return is_stop and _keeps_on().search(_folded(text[:_MESSAGE_CHARS])) is None


def is_condition(part: str) -> bool:
    """Return whether a part of a text begins with `if`, `when` and the like, and goes on."""
    return _CONDITION.match(_folded(part)) is not None


def ends_in_condition(text: str) -> bool:
    """Return whether the last clause of `text` says when to do what follows it: `It is slow. If it fails,`."""
    clauses = [clause.strip() for clause in _CLAUSE.split(text) if clause.strip()]
    return bool(clauses) and is_condition(clauses[-1])


def may_be_stop(text: str) -> bool:
    """Return whether one sentence of `text`, or a part of one between marks, says stop: `wrong tag, please stop`.

    A quote counts: nobody knows whether its writer says it as well.
    """
    return any(map(stops_plainly, filter(str.strip, _PART.split(text))))


def without_quotes(text: str) -> str:
    """`text` without the lines that quote: `> stop` may be what somebody else said."""
    return _QUOTED.sub("", text)


def only_quotes_stop(text: str) -> bool:
    """Return whether `text` is a quote that says stop, and nothing else: nobody knows whose stop it is."""
    return not without_quotes(text).strip() and may_be_stop(read_ends(text, _MESSAGE_CHARS))


def is_stop_message(text: str) -> bool:
    """Return whether a message that answers nothing says stop in one of its sentences, whatever stands around it.

    It is no order to a run, as nobody knows which is meant; but nor is it a wish, of which a new one comes.
    """
    if only_quotes_stop(text):
        return True
    said = said_lines(without_quotes(strip_invisible(read_ends(text, _MESSAGE_CHARS))))
    if parse(text) or is_turned(" ".join(said)):
        return False
    sentences = [one for line in said for one in _SENTENCE.split(_signed(line)) if one.strip()]
    is_short = len(" ".join(said)) <= MOST_CHARS
    heads = [sentence.split(",")[0] for sentence in sentences]
    tails = [one for sentence in sentences for one in _tails(sentence) if not _AFTERWARDS.match(_folded(one))]
    return any(map(stops_plainly, [*sentences, *heads, *(tails if is_short else [])]))


def _tails(sentence: str) -> Iterator[str]:
    """What stands behind each comma, to the end: of `go, stop or wait` no part is said by itself."""
    while "," in sentence:
        sentence = sentence.partition(",")[2]
        yield sentence


def is_turned(text: str) -> bool:
    """Return whether `text` asks about a stop, and says no to it: `stop it? no`."""
    return _TURNED.search(_folded(text)) is not None


def goes_on(text: str) -> bool:
    """Return whether `text` says not to stop, in words of which the first alone would be a no."""
    return len(text) <= MOST_CHARS and _keeps_on().match(_folded(text).lstrip()) is not None


@lru_cache(maxsize=16)
def called(text: str) -> str:
    """`text` without the names and words that only call somebody, and other signs before it."""
    bare, before = text, ""
    while bare != before:
        bare, before = _CALL.sub("", bare, count=1) if _CALL.match(bare) else bare, bare
    return _BESIDE_CALL.sub(" ", with_ids(bare))


def with_ids(text: str) -> str:
    """`text` with the id in place of each link to the page of a run or a request: `stop https://…/runs/s1r-…`."""
    return _PAGE.sub(r"\1", text)


@lru_cache(maxsize=16)
def without_names(text: str) -> tuple[str, ...]:
    """`text` with `it` in place of a run, a deploy or a build that it names: `cancel the release of web-7 to eu-west`.

    No list has the names of somebody's environments and services. In each language that reads a name in it; just
    `text` where none does.
    """
    if len(text) > _MESSAGE_CHARS:
        return (text,)
    found = list[str]()
    for patterns in NAMED:
        bare = text
        for named, it in patterns:
            bare = named.sub(it, bare)
        found += [bare] if bare != text else []
    return tuple(found) or (text,)


def _signed(text: str) -> str:
    """`text` with signs in place of their names, and without tones of skin."""
    return _NAMED.sub(lambda found: "🛑" if found[1] in _SIGNS else " ", _TONES.sub("", text))


def _folded(text: str) -> str:
    return re.sub(r"[^\S\n]+", " ", fold(unicodedata.normalize("NFKC", strip_invisible(text))))


def _is_made_of_stops(bare: str) -> bool:
    """Return whether phrases of the vocabulary, at least one of them a stop, make all of `bare`.

    From end to end, as one pattern for it would try every division, or be stuck in one that was taken once: `ab` of
    `abort`.
    """
    ends = {0: False}  # how far phrases reach, and whether a stop is among them
    places = [at for at in range(1, len(bare) + 1) if at == len(bare) or _BETWEEN.search(bare[at - 1 : at + 1])]
    for end in places:
        for start in filter(ends.__contains__, range(max(0, end - _PHRASE_CHARS), end)):
            phrase = bare[start:end].strip()
            if not phrase:
                continue
            if _stop().fullmatch(phrase):
                ends[end] = True
            elif _beside().fullmatch(phrase):
                ends[end] = ends.get(end, False) or ends[start]
    return ends.get(len(bare), False)
