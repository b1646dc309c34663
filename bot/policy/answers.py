"""A reply read as an answer to one request: each format has its own closed way of being answered in text. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from agents.requests import DeliveryId, Given, PersonId, Request
from agents.run import GO_ON, IT_DID_NOT, IT_HAPPENED, STOP
from agents.steps import NAME_ENDS
from bot.policy.judge import Answer, LinkBy
from channels import File
from channels.email.reply import is_courtesy, read_reply
from language import in_all

_YES = frozenset(("yes", "y", "ja", "oui", "sí", "si", "sim", "sì", "はい"))
_NO = frozenset(("no", "n", "nein", "non", "nee", "não", "nao", "いいえ"))

_BARE_NO = re.compile(rf"\s*(?:{'|'.join(sorted(_NO | {'nope', 'nah', 'nö'}))})(?!\w)[\s,.;:!-]*", re.IGNORECASE)

# The answer to a question when the mail had no words of its own. No name and no text of a file: rules that read
# answers must find nothing there to act on.
ONLY_FILES = "(no text, only attached files)"


@dataclass(frozen=True, slots=True)
class Statement:
    """A person's words about a request, before it is known what the request asks.

    `revision` and `digest` are what this person was shown; `said` is the channel's reading of the whole text,
    `evidence` how it knows who said it. `given` is set where the answer came in parts of its own and need not be read
    out of the text: a page, a program. `files` came with it; they never make a vote. `picks` are options by their
    place, from 1, and `filled` the fields of a form, where it came as such. `place` is where it was said, in the
    channel's own terms: what is said to this person alone about it goes there. `note_confirmed`: the `reason` of an
    approval is a note to keep with it, and no condition. `delivery_id`, `unbound`, `link_by`, `is_exposed`, `asks` and
    `about` are as in `Answer` and `channels.Reply`. `is_public`: it was typed where the card stands for all to see.
    """

    reply_id: str
    person: PersonId
    channel: str
    revision: int
    digest: str
    said: Literal["approve", "deny", "free_text", "empty"]
    text: str
    reason: str = ""
    addressee: PersonId | None = None
    evidence: str = ""
    given: Given | None = None
    files: tuple[File, ...] = ()
    picks: tuple[int, ...] = ()
    filled: Mapping[str, str] = field(default_factory=dict[str, str])
    place: str = ""
    delivery_id: DeliveryId | None = None
    unbound: str = ""
    is_exposed: bool = False
    note_confirmed: bool = False
    link_by: LinkBy | None = None
    asks: bool = False
    about: str = ""
    is_public: bool = False


def read_answer(request: Request, statement: Statement, now: datetime) -> Answer:
    """`statement` as an answer to `request`; what does not plainly fit its format has neither vote nor `given`."""
    is_vote = request.format == "approval"
    is_only_said = bool(statement.picks or statement.filled) or _is_only_said(statement)
    vote = {"approve": True, "deny": False}.get(statement.said) if is_vote and not is_only_said else None
    return Answer(
        reply_id=statement.reply_id,
        person=statement.person,
        addressee=statement.addressee,
        delivery_id=statement.delivery_id,
        unbound=statement.unbound,
        channel=statement.channel,
        link_by=statement.link_by,
        revision=statement.revision,
        digest=statement.digest,
        approve=vote,
        given=None if is_vote or statement.asks or statement.about else _given(request, statement),
        evidence=statement.evidence,
        text=(statement.reason if vote is False else statement.text),
        note=statement.reason.strip() if vote and is_note(statement.reason) else "",
        note_confirmed=statement.note_confirmed,
        asks=statement.asks,
        about=statement.about,
        at=now,
    )


def _is_only_said(statement: Statement) -> bool:
    """Return whether no vote can be in it: it asks something, or answers what somebody said and stops nothing."""
    return statement.asks or (bool(statement.about) and not (statement.said == "deny" and refuses(statement.text)))


def refuses(text: str) -> bool:
    """Return whether `text` plainly refuses, beyond a bare no: to a question that is an answer."""
    found = _BARE_NO.match(text)
    return read_reply(text[found.end() :] if found else text).said == "deny"


def is_note(text: str) -> bool:
    """Return whether words beside an approval are more than consent and courtesy, and so may be a condition.

    Nothing of them is an older mail, whatever it looks like: `> after lunch` was typed here.
    """
    said = read_reply(text)
    is_more = any(part.strip() for older in said.older for part in older)
    return is_more or (said.said not in {"approve", "empty"} and not is_courtesy(said))


def _given(request: Request, statement: Statement) -> Given | None:
    """Return the answer that came in parts; only if there are none, read it out of the text."""
    if statement.given:
        return statement.given
    if statement.picks or statement.filled:
        return _in_parts(request, statement)
    return given(request, statement.text) or _in_files(request, statement)


def _in_parts(request: Request, statement: Statement) -> Given | None:
    """Options by their place, or the fields of a form; None when they do not fit the question, or there are both."""
    if statement.picks and statement.filled:
        return None
    if statement.filled:
        return filled_in(request, statement.filled)
    if not all(1 <= place <= len(request.options) for place in statement.picks):
        return None
    return picked(request, [request.options[place - 1] for place in statement.picks])


def _in_files(request: Request, statement: Statement) -> Given | None:
    """Return an answer for files without words, if free words were asked for.

    A signature's logo is no answer.
    """
    is_wordless = request.format == "free_text" and not statement.text.strip()
    has_file = any(not file.is_inline for file in statement.files)
    return Given(text=ONLY_FILES) if is_wordless and has_file else None


def given(request: Request, text: str) -> Given | None:
    """Read `text` in the format of a question; None if it does not fit."""
    plain = text.strip()
    if not plain:
        return None
    match request.format:
        case "free_text":
            return Given(text=plain)
        case "yes_no":
            return _yes_no(plain)
        case "choice":
            found = _option(request, plain)
            return Given(text=found, picks=(found,)) if found else None
        case "choices":
            return _choices(plain, request.options)
        case "form":
            return filled(plain, request.fields)
        case "approval":
            return None


def _yes_no(text: str) -> Given | None:
    word = text.rstrip(".!\u3002\uff01 ").casefold()
    if word in _YES:
        return Given(text="yes", picks=("yes",))
    return Given(text="no", picks=("no",)) if word in _NO else None


def _option(request: Request, text: str) -> str | None:
    """Return the option that `text` names; the answers of code's own questions may be named in any of our languages."""
    if (found := pick(text, request.options)) or request.purpose not in {"go_on", "unknown"}:
        return found
    word = _word(text).casefold()
    for key in (GO_ON, STOP, IT_HAPPENED, IT_DID_NOT):
        same = in_all(key)
        if word in {each.casefold() for each in same}:
            return next((option for option in request.options if option in same), None)
    return None


def _word(text: str) -> str:
    return text.strip().strip(".)").strip()


def pick(text: str, options: tuple[str, ...]) -> str | None:
    """The option that `text` names by its label, its number or its name, by nothing else, and as no other one."""
    word = _word(text)
    labelled = {option for option in options if option.casefold() == word.casefold()}
    named = labelled or _called(word, options)
    if word.isascii() and word.isdigit() and len(word) <= 3 and 1 <= int(word) <= len(options):
        named = {*named, options[int(word) - 1]}
    return next(iter(named)) if len(named) == 1 else None


def _called(name: str, options: tuple[str, ...]) -> set[str]:
    """Options that begin with `name`, where the one is labelled `NAME: what it is`; more than one is no answer."""
    word = name.casefold()
    found = {option for option in options if word and _begins(option.casefold(), word)}
    return (
        found if any(option.casefold().startswith(f"{word}{end}") for option in found for end in NAME_ENDS) else set()
    )


def _begins(label: str, word: str) -> bool:
    after = label[len(word) : len(word) + 1]
    return label.startswith(word) and not after.isalnum() and after not in {"-", "_"}


def _choices(text: str, options: tuple[str, ...]) -> Given | None:
    parts = [part for line in text.splitlines() for part in line.split(",") if part.strip()]
    picks = [pick(part, options) for part in parts]
    named = tuple(dict.fromkeys(found for found in picks if found))
    return Given(text=", ".join(named), picks=named) if named and None not in picks else None


def picked(request: Request, picks: Sequence[str]) -> Given | None:
    """These options, each by its very label or else by its number; None when they do not fit the question."""
    found = [option if option in request.options else _option(request, option) for option in picks]
    named = tuple(dict.fromkeys(option for option in found if option))
    is_right_many = len(named) == 1 if request.format == "choice" else bool(named)
    if request.format not in {"choice", "choices"} or None in found or not is_right_many:
        return None
    return Given(text=", ".join(named), picks=named)


def filled_in(request: Request, values: Mapping[str, str]) -> Given | None:
    """Every field of a form, and no other; None when they do not fit."""
    if request.format != "form" or set(values) != set(request.fields):
        return None
    return Given(text="\n".join(f"{name}: {values[name]}" for name in request.fields), form=dict(values))


def filled(text: str, fields: tuple[str, ...]) -> Given | None:
    """Every field once, as `key: value` lines, and nothing else."""
    names = {field.casefold(): field for field in fields}
    values: dict[str, str] = {}
    for line in filter(str.strip, text.splitlines()):
        name, value = _field(line, names)
        if name is None or name in values:
            return None
        values[name] = value
    if set(values) != set(fields):
        return None
    return Given(text="\n".join(f"{name}: {values[name]}" for name in fields), form=values)


def _field(line: str, names: Mapping[str, str]) -> tuple[str | None, str]:
    """The field that a line is about and its value. A name may hold colons itself; the longest that fits is meant."""
    for colons in range(max((name.count(":") for name in names), default=0), -1, -1):
        parts = line.split(":", colons + 1)
        name = names.get(":".join(parts[:-1]).strip().casefold())
        if name is not None and len(parts) == colons + 2:
            return name, parts[-1].strip()
    return None, ""
