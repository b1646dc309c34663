"""A reply read as an answer to one request: each format has its own closed way of being answered in text. Pure."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from itertools import pairwise
from typing import Literal

from pydantic import JsonValue

from agents.command import is_order, said_lines
from agents.events import AnswerNoted, Event, RequestDecided, RequestRevoked, RunCancelled, VoteCast
from agents.forms import Filled, FormValue, fill, fill_lines, text_of
from agents.forms.fields import lines_of
from agents.forms.words import NO, YES, bare, pick, unlisted, yes_or_no
from agents.requests import Attachment, Binding, Decision, GatedCall, Given, PersonId, Request, Vote
from agents.requests.proof import Proof
from agents.requests.record import RequestRecord
from agents.review import REASON
from agents.run import GO_ON, IT_DID_NOT, IT_HAPPENED, STOP, USE_RULES
from agents.text import ends_of, strip_invisible
from bot.policy.approvers.who import who_of
from bot.policy.attachments import attachments
from bot.policy.edits import names_argument, typed_lines, typed_values, written
from bot.policy.judge import is_kept, is_question
from bot.policy.judgements import (
    Act,
    Answer,
    Counted,
    Decided,
    GlassUnconfirmed,
    Judgement,
    NoteUnconfirmed,
    Replied,
    Revoked,
    TooLate,
    Unclear,
)
from bot.policy.stops import (
    GIVES_WHY,
    NEXT_ORDER,
    begins_with_stop,
    called,
    goes_on,
    is_condition,
    is_stop_message,
    is_turned,
    may_be_stop,
    only_quotes_stop,
    read_ends,
    stops_plainly,
    with_ids,
    without_names,
    without_quotes,
)
from channels import IN_WORDS, File, Said
from channels.email.reply import DECISION_CHARS, is_courtesy, read_reply
from channels.email.reply.against import begins_as_question, ends_otherwise, is_no_value, speaks_against
from channels.email.reply.vocabulary import ANSWER, CORRECTS, NAMES_APPROVAL, OUR_ID, SORRY, THING, fold
from language import in_all

_NO = "|".join(fold(word) for word in sorted(NO | {"nope", "nah", "nö"}))
_YES = "|".join(fold(word) for word in sorted(YES | {"yeah", "yep", "yup", "sure"}))
_LED = rf"\s*(?:(?:{ANSWER}|{SORRY}|{CORRECTS})(?!\w)[\s,.;:!\u2013\u2014-]*+)*+"
_BARE_NO = re.compile(rf"{_LED}(?:(?:{_NO})(?!\w)[\s,.;:!-]*)++")
"""A no and nothing else, whatever apology or correction stands before it; over folded text."""
_YES_OR_NO = re.compile(rf"{_LED}(?:{_YES}|{_NO})(?!\w)")

_OUR_ID = re.compile(rf"(?<![\w-]){OUR_ID}(?![\w-])", re.IGNORECASE)
_SENTENCE = re.compile(
    rf"{NEXT_ORDER}|,(?!\s*(?:(?:and|und)\s+)?{OUR_ID})|[;:!?]+|(?<!\.)\.+(?:\s|\Z)|\s[-\u2013\u2014]+\s", re.IGNORECASE
)
_CLAUSE_ENDS = re.compile(
    # A title of ours quotes behind its colon what a program asks.
    r"[.!?\u061f;,\u2026](?=\s|\Z)|:(?=\s(?!\u201c)|\Z)|[\uff1f\u3002\u3001\uff0c\uff01]|\n|\s[-\u2013\u2014]+\s|\u2014|[()]"
)
_SENTENCES = re.compile(r"(?<=[.!?])\s+")
_LETTER = re.compile(r"\w")
_JOINT = re.compile(r"\s(?:and|or|und|oder|et|ou|y|o|e|of|en)\s", re.IGNORECASE)
_OUR_IDS = re.compile(rf"{_OUR_ID.pattern}(?:(?:\s*,)?(?:\s*(?:and|und))?\s*{_OUR_ID.pattern})*", re.IGNORECASE)
_LISTED = re.compile(rf"(?m)^[ \t]*(?:[-*\u2022]|\d{{1,2}}[.)])[ \t]+(?={OUR_ID}(?![\w-]))", re.IGNORECASE)
_NEXT = r"(?:the |den |die )?(?:runs?|requests?|deploys?|lauf|anfrage)\s+"
_BETWEEN = re.compile(
    rf"({_OUR_ID.pattern})(?:[ \t]*[/&+|]\s*|,?\s+(?:(?:and|und)\s+(?={_NEXT})|"
    r"(?:as well as|plus|sowie|(?:(?:and|und)\s+)?(?:also|auch|ebenso))\s+))"
    rf"(?:{_NEXT})?(?={_OUR_ID.pattern})",
    re.IGNORECASE,
)
"""What else than an `and` stands between two ids of a list: `s1r-… / s1r-…`, `run s1r-… and run s1r-…`."""

_PIECES = re.compile(r"\n|\s(?:[&/|+]|and|und|or|oder)\s|(?:\A|(?<=\s))\(?\w{1,3}[.)](?=\s)", re.IGNORECASE)
"""Stands between pieces of a text that may be orders, whatever it means: `a) stop s1r-… / revoke s1g-…`."""

_BECAUSE = re.compile(GIVES_WHY, re.IGNORECASE)
_BEFORE_MORE = re.compile(r"(.*?\w)\s*(?:[,(\u2013\u2014;:]|\s-)\s*", re.DOTALL)
_ALSO = r"(?:too|as well|also|either|auch|ebenfalls|ebenso)\b"
_IS_SAID = re.compile(rf"\s+(?!{_ALSO})\w", re.IGNORECASE)
_STOPS_ALSO = re.compile(rf"\b{_ALSO}", re.IGNORECASE)
_AND = r"(?:,?\s+(?:and|und|plus|sowie|as well as)(?:\s+(?:also|auch))?|\s*[&+])\s+"
_AND_MORE = re.compile(rf"(.*\w){_AND}(?:{_NEXT})?", re.DOTALL | re.IGNORECASE)
_AND_THIS = re.compile(rf"{_AND}((?:this|that|dies\w*)(?: one| run| deploy)?)\b(?!\s*\w)", re.IGNORECASE)
_THIS = re.compile(r"\b(?:this|that|it|dies\w*|das|ihn|es)\b", re.IGNORECASE)
_IS_RIGHT = re.compile(
    r"\b(?:(?:is|ist|has|hat|hatte|had)\s.*\b(?:right|correct|ok|okay|fine|good|enough|newer|richtig\w*|korrekt\w*|gut|"
    r"neuer\w*)|replaces|supersedes|already|ersetzt|schon|bereits)\b",
    re.IGNORECASE | re.DOTALL,
)
_IS_WRONG = re.compile(r"\b(?:wrong|falsch\w*|broken|bad|mistake|error|fail\w*|kaputt)\b", re.IGNORECASE)
_IS_NOT = re.compile(r"\b(?:not|nicht|no|kein\w*|never|nie)\b|n['\u2019]t\b", re.IGNORECASE)
_BESIDE_ID = 4

# Mail programs cut lines at 72 characters or more, and none at fewer than this.
_WRAPPED_CHARS = 65

_VOTES: Mapping[str, Act] = {"approve": "approve", "deny": "deny", "break_glass": "break_glass"}

# What an argument may be that `no` replaces.
_SWITCHES = {"true", "false", "on", "off"}

# The answer to a question when the mail had no words of its own. No name and no text of a file: rules that read
# answers must find nothing there to act on.
ONLY_FILES = "(no text, only attached files)"

# Of what somebody says: all of it goes into the model's context, with every step.
HEAD_CHARS, TAIL_CHARS = 6_000, 2_000


@dataclass(frozen=True, slots=True)
class Statement:
    """A person's words about a request, before it is known what the request asks.

    `binding` is what they are about, and `proof` how it is known who said it. `said` is as in `channels.Reply`, or the
    withdrawal of a page, a terminal or a program. `given` is set where the answer came in parts of its own and need not
    be read out of the text: a page, a program. `files` came with it; they never make a vote. `picks` are options by
    their place, from 1, and `filled` the fields of a form, where it came as such. `place` is where it was said, in the
    channel's own terms: what is said to this person alone about it goes there. `note_confirmed`: the `reason` of an
    approval is a note to keep with it, and no condition. `about` is as in `Answer`. `is_public`: it was typed where the
    card stands for all to see. `unsure`, `is_typed`, `is_below_quote`, `again` and `above` are as in `Reply`.
    """

    reply_id: str
    person: PersonId
    proof: Proof
    binding: Binding
    said: Said | Literal["withdraw"]
    text: str
    reason: str = ""
    given: Given | None = None
    files: tuple[File, ...] = ()
    picks: tuple[int, ...] = ()
    filled: Mapping[str, FormValue] = field(default_factory=dict[str, FormValue])
    place: str = ""
    note_confirmed: bool = False
    about: str = ""
    is_public: bool = False
    unsure: str = ""
    is_typed: bool = False
    is_below_quote: bool = False
    again: bool = False
    above: str = ""

    @property
    def channel(self) -> str:
        """The channel that it came through."""
        return self.proof.channel

    @property
    def is_in_words(self) -> bool:
        """Whether it was written, and nothing was pressed, picked or filled in."""
        return self.said in IN_WORDS and not (self.given or self.picks or self.filled)

    @property
    def for_people(self) -> bool:
        """Whether it was sent as a question, or as an answer to one."""
        return self.said == "ask" or bool(self.about)


def read_answer(request: Request, statement: Statement, now: datetime, *, is_asked: bool = False) -> Answer:
    """`statement` as an act on `request`; what does not plainly fit its format is only said.

    `is_asked`: somebody has asked its writer something about it.
    """
    is_vote = request.format == "approval"
    statement = _heard(request, statement, is_asked=is_asked) if is_vote else statement
    is_only_said = bool(statement.picks or statement.filled) or _is_only_said(request, statement)
    is_only_said = is_only_said or _names_argument(request, statement)
    vote = _VOTES.get(statement.said) if is_vote and not is_only_said else None
    is_read = not (is_vote or statement.for_people or statement.said == "withdraw")
    meaning, filled = _read(request, statement) if is_read else (None, Filled())
    may_stop = is_read and statement.is_typed and may_mean_stop(request, stop_of(request, statement.text))
    act: Act = vote or "say"
    if meaning is not None:
        act = "answer"
    elif statement.said == "ask":
        act = "ask"
    elif statement.said == "withdraw":
        act = "withdraw"
    is_yes = vote in {"approve", "break_glass"}
    return Answer(
        reply_id=statement.reply_id,
        person=statement.person,
        act=act,
        binding=_bound(request, statement),
        given=meaning,
        misfits=filled.misfits,
        kept=filled.values if filled.misfits else {},
        proof=statement.proof,
        text=(statement.reason if vote == "deny" else statement.text),
        note=statement.reason.strip() if is_yes and (vote == "break_glass" or is_note(statement.reason)) else "",
        note_confirmed=statement.note_confirmed,
        about=statement.about,
        again=act == "approve" and statement.again and request.again is not None,
        may_stop=may_stop,
        is_plain=not statement.is_typed or bool(_behind_answer(statement.text)),
        may_answer=act == "approve" and statement.is_typed and not _names_approval(statement),
        wish_asks=is_yes and statement.is_typed and _asks_more_than_one(request),
        at=now,
    )


def _bound(request: Request, statement: Statement) -> Binding:
    """Return what an answer is about. Of a mail in two texts that say different things code reads neither."""
    binding, is_read = statement.binding, request.format not in {"approval", "free_text"}
    return binding.model_copy(update={"unbound": binding.unbound or statement.unsure}) if is_read else binding


def picks_stop(request: Request, answer: Answer) -> bool:
    """Return whether the answer to what became of an effect is that the run stops: it is not to be tried again."""
    picks = answer.given.picks if answer.given and request.purpose == "unknown" else ()
    return any(request.key_of(one) == STOP for one in picks)


def answer_above(statement: Statement, is_part: Callable[[str], bool]) -> str:
    """Return what stands above the contacts below the words of `statement`; nothing where one of those `is_part` of an
    answer by itself: nobody knows then which it is.
    """
    below = statement.text.removeprefix(statement.above).splitlines() if statement.above else []
    return "" if any(is_part(line) for line in below if line.strip()) else statement.above


def _asks_more_than_one(request: Request) -> bool:
    """Return whether a bare yes may answer something else than whether it is to be done. Of an order that code reads
    whole it can't.
    """
    is_more = not any(is_order(request.words, by) for by in request.requesters) and _asks_more(request.words)
    return is_more or any(map(_asks_more, (request.title, request.quoted))) or _asks_beside(request)


def _asks_more(wish: str) -> bool:
    """Return whether a wish, a title or a quoted text may ask something beside what it wants: `Deploy v1.2.0. Shall I
    tell the customers first?`

    No list of words tells each question from a remark, and in haste the mark is left out: anything beside one clause
    may be one, but for courtesy. `Good morning! Can you deploy v1.2.0? Thanks` is one question, which a yes answers.
    """
    clauses = [one for one in _CLAUSE_ENDS.split(wish) if _LETTER.search(one) and not is_courtesy(read_reply(one))]
    return len(clauses) > 1 or any(map(begins_as_question, _JOINT.split(wish)[1:]))


# What a yes answers, and names that no card shows as something said.
_ASKED = {"title", "words", "topic", "thread"}


def _asks_beside(request: Request) -> bool:
    """Return whether anything else of the request asks something that its title does not: a draft, the mail that it
    answers, what a program says, or what a card will show one day.
    """
    texts = _texts_in(request.model_dump(mode="json", exclude=_ASKED))
    return any(is_question(text) and text not in request.title for text in texts)


def _texts_in(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts_in(one)


def _names_approval(statement: Statement) -> bool:
    return not statement.is_below_quote and NAMES_APPROVAL.search(fold(statement.text)) is not None


def _heard(request: Request, statement: Statement, *, is_asked: bool) -> Statement:
    """Return `statement` as the denial that its words are, whichever way they came; who refuses is not asked back.

    Of a mail that is no longer than a decision the channel has read all, and what else is in it: only a stop in words
    that it has not is heard, and one that names the request or its run.
    """
    if statement.said not in {"free_text", "ask"}:
        return statement
    is_answer = is_asked or statement.for_people
    text = statement.text
    is_short = len(text) <= DECISION_CHARS and without_names(text) == (text,) and not begins_with_stop(text)
    is_read = statement.channel == "email" and is_short
    is_refusal = takes_back(text, is_asked=is_answer) and not is_read
    names_it = not {request.id, request.run_id}.isdisjoint(stops_named(text))
    return as_denial(request, statement) if is_refusal or names_it or stops_plainly(text) else statement


def as_denial(request: Request, statement: Statement) -> Statement:
    """Return words as a denial, but for a question that refuses nothing; what is more than one word is its reason."""
    if statement.said == "ask" and not refuses(stop_of(request, statement.text)):
        return statement
    reason = statement.text if len(statement.text.split()) > 1 else ""
    return replace(statement, said="deny", reason=ends_of(reason, HEAD_CHARS, TAIL_CHARS))


def edit_of(record: RequestRecord, statement: Statement) -> dict[str, JsonValue] | None:
    """Return the arguments that `statement` wants to be others; None for anything but an edit.

    An edit is what was filled in beside an approval, or `name: value` lines alone of somebody who asked or decides.
    Lines that speak against it are words for people.
    """
    request = record.request
    if request.call is None or request.format != "approval" or statement.for_people:
        return None
    if statement.said == "edit":
        typed = {name: text for name, text in statement.filled.items() if isinstance(text, str)}
        # Where nothing differs it is still an edit, and its writer is told that nothing was changed.
        return typed_values(request.call, typed) or {**typed}
    is_asker = record.may_withdraw(statement.person)
    who = who_of(record)
    decides = statement.person in {*who.seated} - {*who.requesters_out}
    if not (is_asker or decides) or not (statement.said == "free_text" or _names_argument(request, statement)):
        return None
    call, typed = request.call, typed_lines(request.call, statement.text)
    if typed is None:
        typed = typed_lines(call, answer_above(statement, lambda line: names_argument(call, line)))
    return None if typed and _is_taken_back(request.call, typed) else typed


def _names_argument(request: Request, statement: Statement) -> bool:
    """Return whether a typed yes may be the value of an argument that is called so, and whether a no in a mail is one:
    `confirm: yes`, and `cancel: no` in place of `yes`.
    """
    if request.call is None or not statement.is_typed:
        return False
    if statement.said == "deny" and statement.channel == "email" and not _behind_answer(statement.text):
        arguments, typed = request.call.arguments, typed_lines(request.call, statement.text) or {}
        values = [written(value) for name, value in typed.items() for value in (value, arguments[name])]
        return bool(values) and all(yes_or_no(one) is not None or one.lower() in _SWITCHES for one in values)
    if statement.said not in {"approve", "break_glass"}:
        return False
    names = "|".join(re.escape(fold(name)) for name in request.call.arguments)
    # Only where a line or sentence begins: a mail's own button writes `I approve:` and the title.
    begins, ends = r"^|[.!,;\u2013\u2014]\s|\s-\s", r"[:=\uff1a]|\s[-\u2013\u2014]\s"
    return re.search(rf"(?m)(?:{begins})[^\w\n]*(?:{names})[^\w\n]*?(?:{ends})", fold(statement.text)) is not None


def _is_taken_back(call: GatedCall, typed: Mapping[str, JsonValue]) -> bool:
    """Return whether words behind a new value speak against the edit: `version: v1.3.0, but wait for me`.

    Where the value is a sentence already, what replaces it may say anything. One word alone is a value, but for one
    that says something about it, as `version: wait` and `version: v2?` do, in place of one that is no such word, nor a
    yes or no.
    """
    values = ((written(value), written(call.arguments.get(name))) for name, value in typed.items())
    return any(map(_contradicts, *zip(*values, strict=True)))


def _contradicts(value: str, was: str) -> bool:
    is_sentence, may_be_such = len(was.split()) > 1, is_no_value(was) or yes_or_no(was) is not None or was in _SWITCHES
    if len(value.split()) > 1 and not is_sentence and (speaks_against(value) or ends_otherwise(value)):
        return True
    return is_no_value(value) and not may_be_such and not (is_sentence and len(value.split()) > 1)


def in_emergency(record: RequestRecord, statement: Statement) -> Statement:
    """Return `statement` as one that breaks the glass, where it is a mail of nothing but `break glass: REASON`.

    It is one line, the same in both versions of the mail, and the policy names somebody who may; anything else stays
    what it is. `break glass` alone confirms the reason that its writer gave last about the same revision.
    """
    request, text = record.request, unwrapped(statement.above or statement.text)
    is_mail = statement.channel == "email" and statement.said == "free_text" and not statement.unsure
    is_mail = is_mail and not statement.about
    colon = ":" in text
    is_word, reason = behind_word(text if colon else f"{text.rstrip('.!')}:", "mail.glass-word")
    has_glass = request.format == "approval" and bool(request.policy.break_glass)
    if not (is_mail and has_glass and is_word) or len(text.splitlines()) > 1:
        return statement
    if reason:
        return replace(statement, said="break_glass", reason=reason)
    revision, known = record.glass.get(statement.person, (0, ""))
    if colon or not known or revision != request.revision:
        return statement
    return replace(statement, said="break_glass", reason=known, note_confirmed=True)


def unwrapped(text: str) -> str:
    """Return `text` with the lines joined that a mail program cut at 65 characters or later, but for one that speaks
    against it: at the end of another it may say nothing.

    Only for orders whose reason is read as a whole: of other text nobody knows where its writer ended a line.
    """
    joined, last = list[str](), ""
    for line in map(str.strip, text.strip().splitlines()):
        is_cut = last and line and len(last) + 1 + len(line.split(maxsplit=1)[0]) > _WRAPPED_CHARS
        if is_cut and not (is_withdrawal(line) or speaks_against(line)):
            joined[-1] += f" {line}"
        else:
            joined.append(line)
        last = line
    return "\n".join(joined)


def _is_only_said(request: Request, statement: Statement) -> bool:
    """Return whether no vote can be in it: it answers something, and stops nothing."""
    stops = statement.said == "deny" and refuses(stop_of(request, statement.text))
    return bool(statement.about) and not stops


def refuses(text: str) -> bool:
    """Return whether `text` plainly refuses, beyond a bare no: to a question that is an answer."""
    text = called(without_quotes(read_ends(text)))
    rest = _behind_no(text)
    if stops_plainly(text) or goes_on(text) or goes_on(rest):
        return stops_plainly(text)
    return _denies(rest)


# One message is asked about in several ways, one after the other.
@lru_cache(maxsize=16)
def _denies(text: str) -> bool:
    """Return whether a mail of these words would deny, whatever name they give to what is asked."""
    return begins_with_stop(text) or any(read_reply(one).said == "deny" for one in without_names(text))


def _behind_no(text: str) -> str:
    found = _BARE_NO.match(fold(text))
    return text[found.end() :] if found else text


def takes_back(text: str, *, is_asked: bool) -> bool:
    """Return whether words beside an approval take it back; where their writer `is_asked` something, a no answers that.

    Who says them, and whether that counts, is judged elsewhere.
    """
    return refuses(text) if is_asked else is_withdrawal(text)


def is_withdrawal(text: str) -> bool:
    """Return whether a requester's words plainly take back the request: a denial, or `cancel`, or `stop`."""
    if stops_plainly(text):
        return True
    said = called(read_ends(text))
    return _denies(said) and not goes_on(_behind_no(said))


def is_stop(text: str) -> bool:
    """Return whether a requester's words plainly stop a run that waits for no approval.

    A bare no is an answer, and so is what stands behind `answer:`.
    """
    return not _behind_answer(text) and (stops_plainly(text) or refuses(text))


def no_in_words(statement: Statement) -> str:
    """Return a no that was pressed, and no mail, in the words that say the same; empty for anything else."""
    if statement.said != "deny" or statement.channel == "email":
        return ""
    why = statement.reason or statement.text
    # A reason may be read as a yes that takes it back, or be too long to be read: whoever pressed a no meant one.
    return next(filter(is_stop, (why, f"deny: {why}".strip(": "), f"deny: \u201c{why}\u201d")), "deny")


@lru_cache(maxsize=16)
def is_no_wish(text: str, *, has_subject: bool = False) -> bool:
    """Return whether a message that answers nothing says stop, or is nothing but a refusal: no run comes of it.

    `has_subject`: its first line is one, and what stands below that may be a refusal by itself. An order behind a no
    is what is wanted instead: `No, deploy v2 to staging`.
    """
    if is_order(_behind_no(text)):
        return False
    return is_stop_message(text) or any(map(is_withdrawal, _wholes(text, has_subject=has_subject)))


def is_only_approval(text: str, *, has_subject: bool = False) -> bool:
    """Return whether a message that answers nothing is nothing but an approval by name: no run comes of it.

    `has_subject` is as in `is_no_wish`: `Approved` below `Deploy v1.2.0 to production` is about somebody's request. A
    yes in other words may be part of a wish.
    """
    wholes = _wholes(text, has_subject=has_subject)
    return any(NAMES_APPROVAL.search(fold(one)) and read_reply(one).said == "approve" for one in wholes)


def sentences(text: str) -> list[str]:
    """Return what a message says, without courtesy, sentence by sentence; each line is one at least."""
    return [one for line in _said_lines(text) for one in _SENTENCES.split(line)]


def _said_lines(text: str) -> tuple[str, ...]:
    return said_lines(text) if len(text) <= DECISION_CHARS else ()


def _wholes(text: str, *, has_subject: bool) -> list[str]:
    """Return the lines of a message without courtesy, and below its subject where it has one."""
    said = _said_lines(text)
    return ["\n".join(lines) for lines in (said, said[1:] if has_subject else ()) if lines]


def stops_named(text: str) -> dict[str, str]:
    """Return the runs and requests that `text` says to stop by their ids, each with the words that say so.

    What stands around them is why, or courtesy: `Hi, please cancel s1r-…, it is the wrong tag`.
    """
    return _named_in(text)[0]


def stop_of(request: Request, text: str) -> str:
    """Return the words of `text` that stop `request` or its run by an id, whatever stands around them; all of it where
    none do.
    """
    named = stops_named(text)
    return next((named[one] for one in (request.id, request.run_id) if one in named), text)


def answers_review(request: Request, text: str) -> bool:
    """Return whether words answer a review, in whole or in part: what stops something may be its reason."""
    if request.purpose != "review":
        return False
    filled = fill_lines(request.fields, text)
    return bool(filled.values) or any(one.field and one.got for one in filled.misfits)


def stop_in(request: Request, text: str) -> str:
    """Return the words of an answer that may stop something: of one to a review, whose no stops nothing, those of its
    reason and of lines beside it. What those stop by its id, they stop alone.
    """
    if not answers_review(request, text):
        return stop_of(request, text)
    filled = fill_lines(request.fields, text)
    beside = (one.got for one in filled.misfits if one.field in {"", REASON})
    said = "\n".join((str(filled.values.get(REASON, "")), *beside))[:DECISION_CHARS]
    said = beside_named(said) if {request.id, request.run_id}.isdisjoint(stops_named(said)) else said
    return next(filter(is_stop, (said, *_CLAUSE_ENDS.split(said))), said).strip()


def left_named(text: str) -> list[str]:
    """Return the runs and requests that a text names which stops others, or begins or ends as a stop of them and goes
    on otherwise, as `stop s1r-… and use v2`, and does not stop these.
    """
    found = stops_named(text)
    is_also = _STOPS_ALSO.search(text) and is_withdrawal(text)  # `deny, s1r-… as well`
    is_around = not is_stop(text) and _stops_around_ids(text)
    is_heard = found or (not _behind_answer(text) and (is_also or is_around))
    ids = (one.casefold() for one in _OUR_ID.findall(with_ids(text)) if is_heard)
    return [one for one in dict.fromkeys(ids) if one not in found]


def stops_among(text: str) -> bool:
    """Return whether a stop stands among other words: `none, stop it`."""
    return may_be_stop(read_ends(text)) and not (is_stop(text) or _behind_answer(text))


def refused_beside(text: str) -> str:
    """Return the words that refuse something else beside the stops of `stops_named`, as `deny` of `deny. stop s1r-…`.

    A bare no or stop beside them in one sentence is about the same, but for `no, and stop s1r-… too`. A no in a
    sentence of its own is not.
    """
    named, others = _named_in(text)
    both = {one for part in (text, *_parts(with_ids(text))) for one in _with_this(part.strip())}
    refusals = [one for one in others if refuses(one) and (not stops_plainly(one) or THING.search(one) or one in both)]
    alone = [one for one in sentences(text) if not (stops_plainly(one) or stops_named(one))]
    alone += others if _STOPS_ALSO.search(text) else []
    return next(iter((*refusals, *filter(is_withdrawal, alone))), "") if named else ""


def parts_beside(text: str) -> list[str]:
    """Return the parts of sentences of `text` that stop nothing by its id."""
    return _named_in(text)[1]


def beside_named(text: str) -> str:
    """Return `text` without the parts that stop runs by their ids, and with what stands beside them at its end; all of
    it where none does.
    """
    found, beside, lines = _read_named(text)
    return "\n".join((*lines, *beside)) if found else text


def consent_in(text: str) -> str:
    """Return the line or sentence of `text` that alone would approve, as `approve` of `approve, the wrong tag`."""
    parts = (part for line in _said_lines(text) for part in (line, *_parts(line)))
    return next((part for part in parts if read_reply(part).said == "approve"), "")


def refusal_in(text: str) -> str:
    """Return the line of `text` that refuses, beyond a bare no, or all of it where it does as a whole."""
    return text if refuses(text) else next(filter(refuses, _said_lines(text)), "")


def _named_in(text: str) -> tuple[dict[str, str], list[str]]:
    """Return what `text` stops by ids, with the words that say so; and its other parts."""
    found, beside, lines = _read_named(text)
    return found, [*beside, *(part for line in lines for part in _parts(line))]


def _read_named(text: str) -> tuple[dict[str, str], list[str], list[str]]:
    """Return what `text` stops by ids, with the words that say so; the parts beside them; and its other lines.

    Of a text that names none, no line is read.
    """
    text = read_ends(text)
    if not _names_ours(text):
        return {}, [], []
    listed = _BETWEEN.sub(r"\1, ", text)
    read = _read_listed(listed)
    return read if read[0] or listed == text else _read_listed(text)


@lru_cache(maxsize=16)
def _names_ours(text: str) -> bool:
    return bool(_OUR_ID.search(text) or _OUR_ID.search(strip_invisible(text)))


def _read_listed(text: str) -> tuple[dict[str, str], list[str], list[str]]:
    """Return the same of a text in whose lists of ids nothing stands but commas, blanks and an `and`."""
    found, beside, lines = dict[str, str](), list[str](), list[str]()
    if is_turned(text) or _behind_answer(text):
        return found, beside, lines
    text = _LISTED.sub("", with_ids(text))
    is_plain, before = stops_plainly(text), ""
    for line in _orders(text) if is_plain else said_lines(text):
        left, named = list[str](), list[str]()
        for part in _parts(line):
            ids = [] if is_condition(before) or is_condition(part) else _stopped_in(part)
            found |= {one: text if is_stop(text) else part for one in ids}
            named += ids
            left += _with_this(part) if ids else [part]
            before = ""
        # `If it is red:` may have a line of its own.
        before = next(reversed(_cut(line)), "") if line.endswith((":", ",")) else ""
        if is_plain and not named:  # `Stop: s1r-…`
            named, left = [one.casefold() for one in _OUR_ID.findall(line)], _with_this(line.strip())
            found |= dict.fromkeys(named, text)
        beside, lines = (beside + left, lines) if named else (beside, [*lines, line])
    return found, beside, lines


def _orders(text: str) -> list[str]:
    """Return the stops of a text of nothing else: behind an id, a line that stops one by itself begins the next."""
    orders = [""]
    for line in text.splitlines():
        if _OUR_ID.search(line) and _OUR_ID.search(orders[-1]) and stops_plainly(line):
            orders.append(line)
        else:
            orders[-1] = f"{orders[-1]}\n{line}"
    return orders


def _parts(line: str) -> list[str]:
    """Return the parts of a line, each with the condition that stands before it: `if it fails, deny this`."""
    parts = list[str]()
    for before, part in pairwise(["", *_cut(line)]):
        parts += [f"{parts.pop()}, {part}" if is_condition(before) else part]
    return parts


def _cut(line: str) -> list[str]:
    return [part for part in map(str.strip, _SENTENCE.split(line)) if part]


def _stopped_in(part: str) -> list[str]:
    """Return the ids that one part of a text stops; those in a reason are none: `denied because of s1r-…`."""
    ids = _OUR_IDS.search(part)
    if ids is None or not is_withdrawal(part) or _is_spoken_of(part, ids):
        return []
    orders = (part[: ids.end()], part[: ids.end()] + _BECAUSE.split(part[ids.end() :])[0])
    is_order = any(_is_plain_no(called(one)) for one in orders)
    return [one.casefold() for one in _OUR_ID.findall(ids[0])] if is_order else []


def _with_this(part: str) -> list[str]:
    """Return the words that stop what they answer, of a part that stops this beside ids: `stop this and s1r-…`, or
    `stop, s1r-… too`.
    """
    ids = _OUR_IDS.search(part)
    stop = part[: ids.start()] if ids else ""
    alone = _BEFORE_MORE.fullmatch(stop) or _AND_MORE.fullmatch(stop)
    if ids and alone and _STOPS_ALSO.match(part[ids.end() :].lstrip()):
        return [alone[1]]
    if ids and (behind := _AND_THIS.match(part[ids.end() :])):
        return [f"{stop}{behind[1]}"]
    found = _AND_MORE.fullmatch(stop)
    return [found[1]] if found and (_THIS.search(found[1]) or THING.search(found[1])) else []


def _is_spoken_of(part: str, ids: re.Match[str]) -> bool:
    """Return whether a part stops something else in its first words, and then says of what ids: `stop this, s1r-… is
    newer`, `stop, s1r-… is right`. `stop, s1r-… is wrong` says what is to stop.
    """
    stop, behind = _BEFORE_MORE.fullmatch(part[: ids.start()]), part[ids.end() :]
    if stop is None or not _IS_SAID.match(behind) or not _is_plain_no(called(stop[1])) or _is_plain_no(called(part)):
        return False
    is_this = _THIS.search(stop[1]) and not _IS_WRONG.search(behind)
    return bool(is_this or (_IS_RIGHT.search(behind) and not _IS_NOT.search(behind)))


def _is_plain_no(text: str) -> bool:
    """Return whether `text` stops or denies what it names, and gives no reason."""
    said = map(read_reply, without_names(_behind_no(text)))
    return stops_plainly(text) or any(one.said == "deny" and not one.reason for one in said)


def names_only(text: str) -> bool:
    """Return whether `text` is the id of a run or a request and a few words, as `status s1r-…`: no wish is so short.

    Nor is one what begins or ends as a stop around ids: `stop s1r-… on production and s1r-… on staging`.
    """
    if len(text) > DECISION_CHARS or not _OUR_ID.search(text) or is_order(text):
        return False
    return len(re.findall(r"\w[^\s:]*", _OUR_ID.sub(" ", text))) <= _BESIDE_ID or _stops_around_ids(text)


def is_of_ids(line: str) -> bool:
    """Return whether a line has no word but ids of runs and requests, as `- s1r-…` in a list."""
    return re.search(r"\w", _OUR_ID.sub(" ", unlisted(line))) is None


def _stops_around_ids(text: str) -> bool:
    text = read_ends(text)
    ids = list(_OUR_ID.finditer(text))
    is_around = bool(ids) and (refuses(text[: ids[0].start()]) or refuses(text[ids[-1].end() :]))
    return is_around or (bool(ids) and any(map(_stopped_in, _PIECES.split(text))))


def may_mean_stop(request: Request, text: str) -> bool:
    """Return whether words that stop a run also fit the question that they answer, so that nobody knows which is meant.

    What code itself asks, whether to go on, has an answer that stops the run: the two mean the same there.
    """
    if request.purpose != "question" or not (is_stop(text) or only_quotes_stop(text)):
        return False
    is_answer = request.format == "yes_no" and _YES_OR_NO.match(fold(text)) is not None  # `yes, stop it`
    is_option = any(map(is_stop, request.options))  # `ok, stop` may be either
    return is_answer or is_option or given(request, text) is not None


def may_be_answer(
    record: RequestRecord, person: PersonId, text: str, *, freezes: bool, is_beside: bool = False
) -> bool:
    """Return whether words may answer an open question: they fit it, and their writer may answer it.

    What `freezes` fits no free text, which any words do: it only stops things, and the answer can be given again. Words
    that stand beside an order by name may be meant so whether they fit or not.
    """
    request = record.request
    is_theirs = record.state == "open" and person in who_of(record).approve
    is_any = request.format == "approval" or (freezes and request.format == "free_text")
    is_meant = is_beside and not freezes and bool(text.strip())
    return is_theirs and not is_any and (is_meant or given(request, text) is not None)


def is_note(text: str) -> bool:
    """Return whether words beside an approval are more than consent and courtesy, and so may be a condition.

    Nothing of them is an older mail, whatever it looks like: `> after lunch` was typed here.
    """
    said = read_reply(text)
    is_more = not all(older.is_empty for older in said.older)
    return is_more or (said.said not in {"approve", "empty"} and not is_courtesy(said))


def _read(request: Request, statement: Statement) -> tuple[Given | None, Filled]:
    """Return the answer that came in parts, or only if there are none that of the text; and what a form was read as."""
    if statement.given:
        return statement.given, Filled()
    if statement.picks or statement.filled:
        return _in_parts(request, statement)
    if request.format == "form" and statement.text.strip():
        filled = fill_lines(request.fields, statement.text)
        above = answer_above(statement, lambda line: _has_field(request, line)) if filled.misfits else ""
        return _of_form(request, fill_lines(request.fields, above) if above else filled)
    above = answer_above(statement, lambda line: given(request, line) is not None)
    answers = ((_behind_answer(text) if statement.is_typed else "") or text for text in (statement.text, above))
    found = (given(request, answer) for answer in answers)
    return next(filter(None, found), None) or _in_files(request, statement), Filled()


def _has_field(request: Request, line: str) -> bool:
    return all(misfit.why != "unknown" for misfit in fill_lines(request.fields, line).misfits)


def _behind_answer(text: str) -> str:
    """Return the words behind `answer:`, by which somebody says that they are one; else nothing."""
    return behind_word(text, "answer.word")[1]


def behind_word(text: str, *keys: str) -> tuple[str, str]:
    """Return the key of our word before the first colon of `text`, of these, and what stands behind that."""
    word, colon, rest = text.partition(":")
    said = " ".join(word.split()).casefold() if colon else ""
    found = next((key for key in keys if said in {each.casefold() for each in in_all(key)}), "")
    return found, rest.strip() if found else ""


def _in_parts(request: Request, statement: Statement) -> tuple[Given | None, Filled]:
    """Options by their place, or the fields of a form; None when they do not fit the question, or there are both."""
    if statement.filled:
        is_form = request.format == "form" and not statement.picks
        return _of_form(request, fill(request.fields, statement.filled)) if is_form else (None, Filled())
    if not all(1 <= place <= len(request.options) for place in statement.picks):
        return None, Filled()
    return picked(request, [request.options[place - 1] for place in statement.picks]), Filled()


def _of_form(request: Request, filled: Filled) -> tuple[Given | None, Filled]:
    if filled.misfits or not request.fields:
        return None, filled
    return Given(text=lines_of(request.fields, filled.values), form=filled.values), filled


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
            return _yes_no(plain) or _yes_no(unlisted(plain))
        case "choice":
            found = _option(request, plain) or _option(request, unlisted(plain))
            return Given(text=found, picks=(found,)) if found else None
        case "choices":
            return _choices(plain, request.options) or _choices(unlisted(plain), request.options)
        case "form":
            return _of_form(request, fill_lines(request.fields, plain))[0]
        case "approval":
            return None


def _yes_no(text: str) -> Given | None:
    said = yes_or_no(text)
    return None if said is None else Given(text=text_of(said), picks=(text_of(said),))


def _option(request: Request, text: str) -> str | None:
    """Return the option that `text` names; the answers of code's own questions may be named in any of our languages."""
    if (found := pick(text, request.options)) or request.purpose not in {"go_on", "unknown"}:
        return found
    word = bare(text).casefold()
    for key in (GO_ON, USE_RULES, STOP, IT_HAPPENED, IT_DID_NOT):
        if word in {each.casefold() for each in in_all(key)}:
            return next((option for option in request.options if request.key_of(option) == key), None)
    return None


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


def events_of(
    record: RequestRecord, answer: Answer, judgement: Judgement, statement: Statement, other_ids: tuple[PersonId, ...]
) -> list[Event]:
    """Return the events that a judgement adds to the run; a robot that answers for ever adds nothing more.

    `record` is as it counts now; whoever answers had `other_ids` before.
    """
    request_id, now, files = record.request.id, answer.at, attachments(statement.files)
    match judgement:
        case Counted():
            return [VoteCast(at=now, request_id=request_id, vote=judgement.vote, files=files)]
        case Decided(vote=Vote() as vote):
            cast = VoteCast(at=now, request_id=request_id, vote=vote, files=files)
            return [cast, RequestDecided(at=now, request_id=request_id, decision=judgement.decision)]
        case Decided():
            return decided_by(record, judgement.decision, files)
        case Revoked():
            return [RequestRevoked(at=now, request_id=request_id, vote=judgement.vote, files=files)]
        case _ if not is_kept(record, answer.person, judgement):
            return []
        case _:
            is_no_stop = isinstance(judgement, Unclear) and judgement.is_no_stop
            noted = AnswerNoted(
                at=now,
                request_id=request_id,
                reply_id=statement.reply_id,
                person=answer.person,
                binding=statement.binding,
                text=_noted_text(answer, judgement, statement),
                outcome=judgement.type,
                files=files,
                proof=statement.proof,
                about=judgement.about if isinstance(judgement, Replied) else "",
                is_no_stop=is_no_stop,
                other_ids=other_ids if is_no_stop else (),
            )
            return [noted]


def decided_by(record: RequestRecord, decision: Decision, files: tuple[Attachment, ...] = ()) -> list[Event]:
    """Return the events of a decision without a vote: whoever may have stopped the run, and has not said that they did
    not, has stopped it once nobody can be asked any more.
    """
    decided = RequestDecided(at=decision.at, request_id=record.request.id, decision=decision, files=files)
    is_asked_no_more = decision.state == "expired" or (decision.state == "withdrawn" and decision.by)
    in_doubt = [one for one in record.doubts if one not in decision.by]
    if not (in_doubt and is_asked_no_more):
        return [decided]
    return [decided, RunCancelled(at=decision.at, by=in_doubt[-1])]


def _noted_text(answer: Answer, judgement: Judgement, statement: Statement) -> str:
    match judgement:
        case NoteUnconfirmed():
            return judgement.note
        case GlassUnconfirmed():
            return judgement.reason
        case TooLate():  # as a denial in time has it
            return answer.text
        case _:
            return statement.text or statement.reason
