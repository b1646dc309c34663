"""Find words beside a command that speak against it: `break glass: not yet`, `unfreeze production: only if Cy agrees`.

A reason tells what has happened, and in an emergency it is full of negations and times: `no orders come in`, `nothing
works since 14:05`. What is said to whoever reads the command is another thing: a refusal, a wait, a condition, a moment
to come, a question, or a word that nobody replaced. In doubt it is that: to ask once more is cheaper than a wrong act.

Others use `speaks_against` for what stands beside an argument, `is_reason` for what has to be a reason, `is_no_value`
and `ends_otherwise` for what stands where a value is to be, and `begins_as_question`. Pure, and linear in the length
of the text.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from channels.email.reply import DECISION_CHARS, is_courtesy, read_reply, vocabulary

CONDITION_WORDS = 8
"""Most words of a sentence that is nothing but a condition: `once the backup of production has run`."""

AFTER_WORDS = 4
"""The same where it names a moment by what happens then: `after the release of v2`. More words tell something."""

SHORT_WORDS = 4
"""Most words of a reason that must hold a word that tells something; a longer one may name what it is about instead."""

SHORT_CHARS = 200
"""The same in characters: it bounds the time of the patterns."""

READ_CHARS = 4_000
"""Longest message whose lines are searched for words against its command; a longer one is asked back unread."""

_MARKS = "*_` \t"
_LEADS = 12
_KNOWN = re.compile(r"LATIN|HIRAGANA|KATAKANA|CJK|IDEOGRAPHIC|FEMININE|MASCULINE|GREEK SMALL LETTER MU\Z")
_UNSEEN = {"Cc", "Cf", "Cs", "Co"}
_QUESTION = re.compile(r"[\u00bf\u203d\u2753\u2754\u055e\u1367\U0001f914]|[?\u061f](?![\w=&%/#-])")
_GREEK_QUESTION = "\u037e"
_SENTENCE = re.compile(r"(?<!\d)[.!:;\u3002]+|[.!:;\u3002]+(?!\d)|[\n\u2014\u2013]+|\s-+\s|[()\"\u201c\u201d\u201e]+")
_CLAUSE = re.compile(
    r"(?<!\d),|,(?!\d)|\u3001"
    r"|\b(?:but|however|although|so|therefore|aber|jedoch|allerdings|doch|deshalb|daher|also|mais|pero|maar|mas|ma)\b"
)
_MIDDAY = re.compile(r"\b(\d{1,2}(?:[:.]\d\d)?) ?([ap])\.? ?m\b(?!\.? (?:[a-z]+(?:tag|abend)|wochenende)\b)")
_CLOCK = r"\d{1,4}(?:[:.h-]\d{1,2}){0,2}(?:h|ish)?|[ap]m|\d{1,2}[ap]m|\d{1,2}(?:st|nd|rd|th)|utc|cet|cest|gmt"
_NO_PICTURE = "[👎❌🚫⛔🛑✋🙅]"
_FRAMED = re.compile(r"<(?!https?:|mailto:)[^<>]*>|\{[^{}]*\}|\[[^\[\]]*\]")
_TEMPLATE = re.compile(
    r"\{\{[^{}]*\}\}|\$?\{[\w .-]+\}|<[\w .|/-]+>|(?<![\w$])\$[a-z_]\w*|(?<![\w%])%(?:[sd](?!\w)|\(\w+\)[sd])"
    r"|(?<!\w)__\w+__(?!\w)"
)
"""What a program was to put something in place of: `{service}`, `${ticket}`, `%s`."""

_FRAME = "<>{}[]()\"'`*_ .!-"
_LINK = re.compile(r"https?://\S+")
_LEFT_OUT = re.compile(r"\bx{3,}\b|:\s*\.{2,}\s*\Z")


class _Words(NamedTuple):
    """The patterns of all languages as one."""

    lead: re.Pattern[str]
    alone: re.Pattern[str]
    refuses: re.Pattern[str]
    anywhere: re.Pattern[str]
    last: re.Pattern[str]
    asks: re.Pattern[str]
    condition: re.Pattern[str]
    past: re.Pattern[str]
    moment: re.Pattern[str]
    near: re.Pattern[str]
    unfilled: re.Pattern[str]
    no_value: re.Pattern[str]
    value: re.Pattern[str]
    tells: re.Pattern[str]
    names: re.Pattern[str]
    well: re.Pattern[str]
    goes_on: re.Pattern[str]
    acts: re.Pattern[str]


class _Clause(NamedTuple):
    text: str
    is_first: bool


def speaks_against(text: str) -> bool:
    """Return whether `text`, which stands beside a command, may mean that it is not to be done, not yet, or not so.

    An empty text says nothing. A reason of an emergency does not speak against it; what is too long to be read as a
    decision may.
    """
    if not text.strip() or len(text) > DECISION_CHARS:
        return bool(text.strip())
    plain = _plain(text)
    if _asks(text, plain) or _is_unfilled(plain):
        return True
    if read_reply(text).said == "deny" or _words().anywhere.search(" ".join(plain.split())):
        return True
    clauses = list(_clauses(plain))
    return any(map(_is_against, clauses)) or _is_only_moment(clauses) or _is_only_condition(clauses)


def begins_as_question(text: str) -> bool:
    """Return whether a sentence of `text` begins as a question does, whatever mark ends it: `Or shall I wait`."""
    first = (clause.text for clause in _clauses(_plain(text)) if clause.is_first)
    return any(_words().asks.match(rest) for each in first for rest in _without_leads(each))


def is_no_value(text: str) -> bool:
    """Return whether `text` is no value: it refuses, agrees, asks, says when, or was left there."""
    if len(text) > SHORT_CHARS:
        return False
    plain, words = _plain(text).strip(), _words()
    bare = plain.strip(_FRAME + "\n,")
    is_named = words.alone.fullmatch(bare) is not None or words.no_value.fullmatch(bare) is not None
    if words.value.fullmatch(bare):
        return False
    is_left = not any(map(str.isalnum, plain)) or _TEMPLATE.fullmatch(plain) is not None
    return is_named or is_left or _asks(text, plain)


def ends_otherwise(text: str) -> bool:
    """Return whether more than a value ends `text`: a condition, a moment, assent, a no: `v1.3.0 if green`."""
    if len(text) > SHORT_CHARS:
        return False
    words, known = _plain(text).split(), _words()
    ends = (" ".join(words[at:]).strip(_FRAME + "\n,") for at in range(1, len(words)))
    return any(
        known.no_value.fullmatch(end) is not None
        or _is_to_come(end)
        or _is_only_condition(list(_clauses(end)))
        or read_reply(end).said == "deny"
        for end in filter(None, ends)
    )


def lines_beside(text: str) -> list[str]:
    """Return the lines of a message that holds a command, also those that only pass for a signature."""
    return [line.strip(_MARKS) for line in read_reply(text).whole.splitlines()]


def is_emergency(text: str) -> bool:
    """Return whether `text` may be the reason of an emergency: nothing of it says that there is none, or no more."""
    return is_reason(text) and _words().well.search(_line(text)) is None


def is_end(text: str) -> bool:
    """Return whether `text` may be the reason for the end of a freeze: nothing of it says that what began it goes on,
    unless it is ended for that, so that something can be done.
    """
    if not is_reason(text):
        return False
    words, line = _words(), _line(text)
    return words.goes_on.search(line) is None or words.acts.search(line) is not None


def is_reason(text: str) -> bool:
    """Return whether `text` may be the reason of a command: it tells something, and does not speak against it.

    What is written in letters that no table knows tells nothing; what is too long to be a decision is not read.
    """
    if len(text) > DECISION_CHARS:
        return False
    plain = _plain(text)
    is_short = len(plain.split()) <= SHORT_WORDS and len(plain) <= SHORT_CHARS
    words = _words()
    tells = words.tells.search(plain) or (not is_short and words.names.search(plain))
    if not _goes_on_telling(plain):
        return False
    return tells is not None and tells is not False and not _is_unread(plain) and not speaks_against(text)


def _goes_on_telling(plain: str) -> bool:
    """Return whether each clause behind one that tells something does so, too, or is polite: no list of words knows all
    that somebody may add: `checkout is down, canary only`.
    """
    words = _words()
    clauses = (clause.text for clause in _clauses(_LINK.sub("", plain)))
    is_telling = False
    for text in clauses:
        tells = words.tells.search(text) or words.names.search(text) or words.well.search(text)
        if is_telling and not (tells or words.acts.search(text) or is_courtesy(read_reply(text))):
            return False
        is_telling = is_telling or tells is not None
    return True


def _line(text: str) -> str:
    return " ".join(_plain(text).rstrip(" .!\n").split())


def _asks(text: str, plain: str) -> bool:
    return _GREEK_QUESTION in text or _QUESTION.search(plain) is not None


def _is_unread(plain: str) -> bool:
    """Return whether letters of `plain` are of no alphabet in which words are known here."""
    return any(char.isalpha() and not _KNOWN.match(unicodedata.name(char, "")) for char in {*plain})


def _plain(text: str) -> str:
    """`text` folded, without what nobody sees, and with forms of the same letter made one."""
    seen = "".join(char for char in text if char in "\n\t" or unicodedata.category(char) not in _UNSEEN)
    folded = vocabulary.fold(unicodedata.normalize("NFKC", seen)).replace("ß", "ss")
    return _MIDDAY.sub(r"\1\2m", folded)


@cache
def _words() -> _Words:
    def starting(pattern: str) -> re.Pattern[str]:
        return re.compile(rf"(?:{pattern})(?![\w'])")

    found = vocabulary.COMMANDS
    near = vocabulary.MOMENT_WORDS
    return _Words(
        lead=starting(found["lead"]),
        alone=re.compile(rf"(?:{found['alone']}|{_NO_PICTURE}+)"),
        refuses=starting(f"{found['refuses']}|{_NO_PICTURE}+"),
        anywhere=re.compile(f"{found['anywhere']}|{_NO_PICTURE}"),
        last=re.compile(rf"\b(?:{found['last']})\Z"),
        asks=starting(found["asks"]),
        condition=starting(found["condition"]),
        past=starting(found["past"]),
        moment=re.compile(found["moment"]),
        near=re.compile(rf"{near}|{_CLOCK}"),
        unfilled=re.compile(found["unfilled"]),
        no_value=re.compile(found["no_value"]),
        value=re.compile(found["value"]),
        tells=re.compile(rf"(?<![\w.-])(?:{found['tells']})(?![\w])|{found['tells_anywhere']}"),
        names=re.compile(rf"(?<![\w.-])(?:{found['names']})(?![\w])"),
        well=re.compile(rf"(?<![\w.-])(?:{found['well']})(?![\w])"),
        goes_on=re.compile(rf"(?<![\w.-])(?:{found['goes_on']})(?![\w])"),
        acts=re.compile(rf"(?<![\w.-])(?:{found['acts']})(?![\w])"),
    )


def _clauses(plain: str) -> list[_Clause]:
    """The parts of `plain` between marks; a first one begins a sentence."""
    found = list[_Clause]()
    for sentence in _SENTENCE.split(plain):
        parts = (" ".join(part.strip(_FRAME).split()) for part in _CLAUSE.split(sentence))
        found += [_Clause(part, at == 0) for at, part in enumerate(filter(None, parts))]
    return found


def _is_unfilled(plain: str) -> bool:
    """Return whether it is what a form or an example had in the place of a reason."""
    if not any(char.isalnum() for char in plain) and not re.search(_NO_PICTURE, plain):
        return True
    words = _words()
    framed = [found[0].strip(_FRAME) for found in _FRAMED.finditer(plain)]
    is_framed = _FRAMED.fullmatch(" ".join(plain.split())) is not None
    is_named = all(words.unfilled.fullmatch(one.text) for one in _clauses(plain))
    is_left = bool(_TEMPLATE.search(plain) or _LEFT_OUT.search(plain))
    return is_named or is_framed or any(map(words.unfilled.fullmatch, framed)) or is_left


def _is_against(clause: _Clause) -> bool:
    words = _words()
    if words.last.search(clause.text):
        return True
    for rest in _without_leads(clause.text):
        is_question = clause.is_first and words.asks.match(rest)
        if is_question or words.alone.fullmatch(rest) or words.refuses.match(rest) or _is_to_come(rest):
            return True
    return False


def _is_to_come(text: str) -> bool:
    """Return whether `text` names a moment and nothing else, and not one that is over."""
    words, parts = _words(), text.split()
    is_moment = bool(parts) and all(words.moment.fullmatch(part) or words.near.fullmatch(part) for part in parts)
    return is_moment and any(words.moment.fullmatch(part) for part in parts)


def _is_only_moment(clauses: list[_Clause]) -> bool:
    words = [word for clause in clauses for word in clause.text.split()]
    known = _words()
    return all(known.moment.fullmatch(word) or known.near.fullmatch(word) for word in words)


def _is_only_condition(clauses: list[_Clause]) -> bool:
    """Return whether a text that begins with a condition tells nothing else, or goes on with assent or an order."""
    known, first = _words(), _bare(clauses[0].text)
    begins = known.condition.match(first)
    if begins is None or known.past.match(first[begins.end() :].strip()):
        return False
    if any(not _bare(clause.text) for clause in clauses[1:]):
        return True
    most = AFTER_WORDS if begins[0] in {"after", "nach", "when", "before"} else CONDITION_WORDS
    return len(clauses) == 1 and len(first.split()) <= most


def _bare(text: str) -> str:
    """`text` without politeness, assent and the act itself at its beginning."""
    return [*_without_leads(text)][-1]


def _without_leads(text: str) -> Iterator[str]:
    """`text`, and the same without each word of politeness and the like with which it begins, one after the other."""
    for _ in range(_LEADS):
        yield text
        lead = _words().lead.match(text)
        if lead is None or not text:
            return
        text = text[lead.end() :].strip(_FRAME)
