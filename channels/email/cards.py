"""Card -> what a mail says, as a list of blocks: the plain text here and the HTML in `page` are made of the same ones.

In the order in which a phone at night needs it: who asks and until when, what, why its reader, what is risky, what
happens on a yes, how to answer, all of it on the first screen of 390 by 844 px; then what changes, in whose words, and
who decides; then the details. The first line is what a list of mails shows beside the subject.
"""

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Literal
from urllib.parse import quote
from zoneinfo import ZoneInfo

from channels import AnswerForm, Card, Line
from channels.email import forms
from channels.email.reply import is_decision, vocabulary
from channels.showing import escape_invisible, one_line
from language import dates, say, say_many

MARK = "| "
"""Stands before each line that is not ours. The quoted copy of a bare `yes` would come back as somebody's answer."""

WHOLE = "card.txt"
"""The file with all of a card that is too long for its mail."""

RISK = "⚠"
"""The sign of a risk."""

LINE_BYTES = 32
"""Bytes of HTML that a line needs beside its text, at most."""

_SENTENCE_CHARS = 120
_LABEL_CHARS, _BUTTON_CHARS = 80, 40
# Of more than so many buttons each has one line of a phone: what is cut stands in the list below them.
_LONG_BUTTONS, _SHORT_BUTTON_CHARS = 5, 22
_LEAD_CHARS = 120
_FACT_LINES, _FACT_CHARS = 3, 120
# More than that, above the buttons, pushes them off the screen of a phone.
_RISKS, _RISK_CHARS = 4, 120
_ASKED_LINES, _ASKED_CHARS = 5, 300
_MOST_BUTTONS = 8
_BUTTONS_BYTES = 6_000

Kind = Literal[
    "lead", "title", "risks", "say", "facts", "words", "verbatim", "heading", "small", "fine", "link", "way", "buttons"
]

# Bytes of HTML for each block, so that all of them together, with the buttons, stay below 40 KB.
_TITLE, _SUMMARY, _SAID, _QUOTED, _FACTS = 1_000, 2_000, 3_000, 3_000, 4_000
_OPTIONS, _DECIDES, _HOW, _EXACT, _DETAILS, _REF = 2_000, 1_500, 1_500, 4_000, 2_500, 500
_LINES = 2_500


@dataclass(frozen=True)
class Made:
    """The parts that one mail has of its own: the reader's `timezone` (IANA), and what an answer to it must show.

    `code` is shown where an answer brings it back in what it quotes. `mark` ends `subject` and the first line.
    `answers_to` is where an answer goes, `approves` and `refuses` the sentences that buttons write there, `answers`
    those for what a question can be answered with, in its order; `fills` stands above the lines of a form.
    """

    timezone: str = "UTC"
    code: str = ""
    mark: str = ""
    subject: str = ""
    answers_to: str = ""
    approves: str = ""
    refuses: str = ""
    answers: tuple[str, ...] = ()
    fills: str = ""


@dataclass(frozen=True)
class Button:
    """A label, and the address behind it: a mail that it begins, or our own page, where nothing happens before a
    person presses a button there.
    """

    label: str
    to: str
    tone: Literal["yes", "careful", "no", "choice", "open"]


@dataclass(frozen=True)
class Block:
    """A few lines that belong together; `words` of others and what is `verbatim` keep their spaces and are marked line
    by line. `fine` are facts in small print.

    A `link` is one line, an address of ours, which the HTML hides behind `label`, that says where it leads: quietly,
    and as a button where it is the `way` to approve. `buttons` are in the HTML alone, side by side; their `lines` are
    what is said below them. `room` are the bytes of HTML that the lines may fill.
    """

    kind: Kind
    lines: tuple[str, ...]
    room: int = _SUMMARY
    buttons: tuple[Button, ...] = ()
    label: str = ""


def approval(card: Card, code: str = "", line: str = "") -> str:
    """Return what the button that approves writes: it says what it does, and proves by `code` which card it is about.

    `line` is the code line of ways that need one.
    """
    return _signed(say("mail.i-approve", title=_stated(card)), code, line)


def denial(card: Card, code: str = "", line: str = "") -> str:
    """Return what the button that denies writes."""
    return _signed(say("mail.i-deny", title=_stated(card)), code, line)


def answer(said: str, card: Card, code: str, line: str = "") -> str:
    """Return what a button writes that answers a question with `said`."""
    title = _short(card.title, _SENTENCE_CHARS)
    return _signed(say("mail.i-answer", answer=_short(said, _LABEL_CHARS), title=title), code, line)


def filling(card: Card, code: str, line: str = "") -> str:
    """Return what a button writes above the lines of a form; nothing where the card is none."""
    is_form = card.form is not None and card.form.format == "form"
    title = _short(card.title, _SENTENCE_CHARS)
    return _signed(say("mail.i-fill-in", title=title), code, line) if is_form else ""


def answers_of(form: AnswerForm) -> tuple[str, ...]:
    """Return what a question can be answered with by one button each; nothing where that takes more than one."""
    match form.format:
        case "choice":
            return form.options if len(form.options) <= _MOST_BUTTONS else ()
        case "yes_no":
            return (say("mail.yes"), say("mail.no"))
        case _:
            return ()


def opening(card: Card, made: Made) -> str:
    """The first line of a mail that asks, as a list of mails shows it beside the subject: until when, what happens if
    nobody answers, and who asks.
    """
    otherwise = next((line.text for line in card.decides if line.kind == "unanswered"), "")
    key = "mail.answer-by-or" if otherwise else "mail.answer-by"
    until = say(key, moment=moment(card.form.until, made.timezone), otherwise=otherwise) if card.form else ""
    return f"{until} {_lead(card)}".strip() + (f" [{made.mark}]" if made.mark else "")


def blocks(card: Card, made: Made) -> tuple[Block, ...]:
    """Return what a person reads, in order, each block cut to its room."""
    return tuple(map(_fitted, _all_blocks(card, made)))


def as_text(card: Card, made: Made, *, labels: bool = False) -> str:
    """The plain text, with LF line ends. No line of it, alone, would be read as an approval, nor as a short denial.

    With `labels` it has those of the buttons as well, which only the HTML can show.
    """
    return _text(blocks(card, made), labels=labels)


def attachments(card: Card, made: Made) -> tuple[tuple[str, str], ...]:
    """Name and text of each list that is too long for the mail itself, and of the card where that is."""
    lists = tuple((attachment_of(fact), escape_invisible(fact.whole)) for fact in card.facts if _is_attached(fact))
    every = _all_blocks(card, replace(made, code=""))
    is_whole = all(_fitted(block) is block for block in every)
    return lists if is_whole else (*lists, (WHOLE, _text(every, labels=False)))


def attachment_of(fact: Line) -> str:
    """Name the file that holds all of a fact's list."""
    words = re.findall(r"[a-z0-9]+", vocabulary.fold(fact.label).lower())
    return f"{'-'.join(words)[:40] or 'list'}.txt"


def moment(at: datetime, timezone: str) -> str:
    """`at` in the person's own zone, such as `Tue 3 Mar 2026, 14:02 CET`; UTC where the zone is not known here."""
    try:
        zone = ZoneInfo(timezone)
    except (KeyError, ValueError, OSError):
        zone = ZoneInfo("UTC")
    there = at.astimezone(zone)
    return f"{dates.date(there, 'mail.moment')} {there:%Z}"


def shown(block: Block) -> tuple[str, ...]:
    """The lines of `block` as they stand in the mail: marked where they are not ours, or would read as an answer."""
    is_theirs = block.kind in ("words", "verbatim")
    return tuple(MARK + line if is_theirs or is_decision(line) else line for line in block.lines)


def label_of(button: Button) -> str:
    """The label of `button`, marked where it would read as an answer."""
    return MARK + button.label if is_decision(button.label) else button.label


def _all_blocks(card: Card, made: Made) -> tuple[Block, ...]:
    asks = card.form is not None
    card = _on_readers_clock(card, made)
    found = [Block("lead", (opening(card, made),), _TITLE)] if asks else []
    found.append(Block("title", (_line(card.title),), _TITLE))
    found += [Block("small", (_line(card.asked),), _TITLE)] if card.asked else []
    found += _risks(card)
    found += _say(_below_lead(card) if asks else escape_invisible(card.summary), _SUMMARY)
    found += _facts(card.sent, _FACTS)
    if card.form is not None:
        found += [*_question(card, card.form), *_answering(card, card.form, made)]
    # Above the words, so that whether CI passed is on the first screen: where nothing is risky, that alone says so.
    changes = _facts(card.facts, _FACTS, most=_FACT_LINES)
    changes += _link(next((fact.link for fact in card.facts if fact.link), ""), say("card.see-changes"))
    found += [*changes, *_words(card)] if asks else [*_words(card), *changes]
    if card.form is not None:
        found += _decides(card, card.form, made)
    else:
        found += [*_facts(card.decides, _DECIDES), *_link(card.link, say("mail.open"))]
    return (*found, *_details(card, made.code))


def _risks(card: Card) -> list[Block]:
    """The first risks in a box, each short, and how many more there are; `_details` has all of them then."""
    shown = [f"{RISK} {_short(one, _RISK_CHARS)}" for one in card.risks[:_RISKS]]
    below = [say("mail.goes-on-below")] if _has_more_risks(card) else []
    below = [say_many("mail.risks-below", left)] if (left := len(card.risks[_RISKS:])) else below
    return [Block("risks", (f"{say('card.look-closely')}:", *shown, *below), _SUMMARY)] if shown else []


def _has_more_risks(card: Card) -> bool:
    return len(card.risks) > _RISKS or any(len(_line(one)) > _RISK_CHARS for one in card.risks)


def _question(card: Card, form: AnswerForm) -> Iterable[Block]:
    """The beginning of what is asked in somebody's own words, without which nobody can answer."""
    if form.format == "approval" or not card.quoted:
        return
    begun, rest = _in_two(card.quoted)
    yield Block("small", (_line(card.quoted_as or say("mail.unverified")),), _TITLE)
    yield Block("words", tuple(f"{begun}{rest and '…'}".split("\n")), _QUOTED)
    if rest:
        yield Block("small", (say("mail.rest-below"),), _TITLE)


def _in_two(quoted: str) -> tuple[str, str]:
    """Return as much of a question as stands above its buttons, up to the end of a word, and the rest of it."""
    text = escape_invisible(quoted)
    begun = "\n".join(text.split("\n")[:_ASKED_LINES])
    if len(begun) == len(text) <= _ASKED_CHARS:
        return text, ""
    if len(begun) > _ASKED_CHARS:
        whole_words = re.match(r"(?s).*\S(?=\s)", begun[:_ASKED_CHARS])
        begun = whole_words[0] if whole_words else begun[:_ASKED_CHARS]
    return begun.rstrip(), text[len(begun) :].lstrip("\n ")


def _on_readers_clock(card: Card, made: Made) -> Card:
    """`card` with the moments in our own sentences, and the facts that are one, as its reader's clock shows them."""

    def shown(at: datetime) -> str:
        return moment(at, made.timezone)

    decides = tuple(one.model_copy(update={"text": dates.local(one.text, shown)}) for one in card.decides)
    facts = tuple(one.model_copy(update={"text": dates.local_whole(one.text, shown)}) for one in card.facts)
    summary, asked = dates.local(card.summary, shown), dates.local(card.asked, shown)
    return card.model_copy(update={"asked": asked, "summary": summary, "decides": decides, "facts": facts})


def _words(card: Card) -> Iterable[Block]:
    """The words of others, each below the line that says whose they are, but what stands above (`_question`)."""
    if card.said:
        yield Block("small", (_line(card.said_as),), _TITLE)
        yield Block("words", tuple(escape_invisible(card.said).split("\n")), _SAID)
    is_question = card.form is not None and card.form.format != "approval"
    quoted = _in_two(card.quoted)[1] if is_question else card.quoted
    if quoted:
        # Where nothing is asked, several lines are what a program printed.
        is_printed = card.form is None and "\n" in quoted
        whose = card.quoted_as or say("mail.unverified")
        yield Block("small", (_line(whose),), _TITLE)
        lines = tuple(f"{'…' if is_question else ''}{escape_invisible(quoted)}".split("\n"))
        yield Block("verbatim" if is_printed else "words", lines, _QUOTED)


def _decides(card: Card, form: AnswerForm, made: Made) -> Iterable[Block]:
    until = say("mail.expires", moment=moment(form.until, made.timezone), span=_span(form.until - card.at))
    # What happens if nobody answers stands in the first line (`opening`).
    decides = (line for fact in card.decides if fact.kind != "unanswered" for line in _fact(fact))
    yield Block("facts", (*decides, until), _DECIDES)


def _answering(card: Card, form: AnswerForm, made: Made) -> Iterable[Block]:
    """What a yes does, the buttons and, right below them, a long line: a quote of the plain text leaves the buttons
    out, and where it goes on is known by such a line (`reply.stored`). Then the lists that it speaks of, and
    the page, which is the first thing to press where there are no buttons.
    """
    how, page = _how_to_answer(form), _link(card.link, say("mail.open-request"))
    rows = _buttons(form, made, is_risky=bool(card.risks))
    options = tuple(f"{i}. {_line(each)}" for i, each in enumerate(form.options, 1))
    lists = [Block("say", options, _OPTIONS)] if options else []
    lists += [Block("say", forms.lines(form), _LINES)] if form.format == "form" else []
    lists += [Block("say", said, _OPTIONS)] if (said := forms.hints(form)) else []
    if card.on_yes and not form.only_stops:
        yield Block("fine", _fact(card.on_yes), _TITLE)
    if form.format == "approval" and not (form.act("approve") or form.only_stops or form.why_not):
        # Only the page approves: it stands first.
        yield from (Block("small", how[:1], _HOW), *(replace(one, kind="way") for one in page))
        how, page = how[1:], []
    below = say("mail.below-buttons" if sum(map(len, rows)) > 1 else "mail.below-button")
    for row in rows:
        yield Block("buttons", (below,) if row is rows[-1] else (), _HOW, row)
    yield from (Block("small", how, _HOW), *((*lists, *page) if rows else (*page, *lists)))


def _link(address: str, label: str) -> list[Block]:
    return [Block("link", (_line(address),), label=label)] if address else []


def _details(card: Card, code: str) -> Iterable[Block]:
    """What few ever read, and last the line by which a quoted mail is known (`marks`)."""
    long = [fact for fact in (*card.sent, *card.facts) if _is_long(fact)]
    risks = tuple(f"{RISK} {_line(one)}" for one in card.risks) if _has_more_risks(card) else ()
    if card.exact or card.details or long or risks:
        yield Block("heading", (say("mail.details"),))
    if risks:
        yield Block("small", risks, _DETAILS)
    if card.exact:
        yield Block("small", (say("mail.exactly"),))
        yield Block("verbatim", tuple(escape_invisible(card.exact).split("\n")), _EXACT)
    yield from _facts((*long, *card.details), _DETAILS, kind="fine")
    kept = (_code_line(code),) if code else ()
    if footer := (*kept, *((f"{say('mail.reference')} {_line(card.ref)}",) if card.ref else ())):
        yield Block("fine", footer, _REF)


def _is_long(fact: Line) -> bool:
    if fact.verbatim:
        return fact.text.count("\n") >= _FACT_LINES
    lines = _lines(fact)
    return not _is_attached(fact) and (len(lines) > _FACT_LINES or any(len(line) > _FACT_CHARS for line in lines))


def _is_attached(fact: Line) -> bool:
    """Return whether all of it comes as a file: a list of one line stands in the mail."""
    return bool(fact.whole) and fact.lines != 1


def _say(text: str, room: int) -> list[Block]:
    return [Block("say", tuple(text.split("\n")), room)] if text.strip() else []


def _facts(facts: Iterable[Line], room: int, most: int | None = None, kind: Kind = "facts") -> list[Block]:
    found = list[Block]()
    for is_verbatim, some in groupby(facts, key=lambda fact: fact.verbatim):
        if is_verbatim:
            for fact in some:
                found += [Block("small", (f"{_line(fact.label)}:",), _TITLE), *_verbatim(fact, room, most)]
        elif lines := tuple(line for fact in some for line in _fact(fact, most)):
            found.append(Block(kind, lines, room))
    return found


def _verbatim(fact: Line, room: int, most: int | None) -> Iterator[Block]:
    lines = escape_invisible(fact.text).split("\n")
    yield Block("verbatim", tuple(lines[:most]), room)
    if most is not None and len(lines) > most:
        yield Block("small", (say("mail.list-below", count=len(lines) - most),), _TITLE)


def _lead(card: Card) -> str:
    """The first line of the summary, where it is short enough to be read in a list of mails."""
    first = _line(card.summary.split("\n", 1)[0])
    return first if len(first) <= _LEAD_CHARS else ""


def _below_lead(card: Card) -> str:
    """The summary without what the first line of the mail says already."""
    return escape_invisible(card.summary.partition("\n")[2] if _lead(card) else card.summary)


def _buttons(form: AnswerForm, made: Made, *, is_risky: bool) -> list[tuple[Button, ...]]:
    """Mails that need only be sent, where such an answer counts: rows of buttons, all of them or none."""
    if form.format == "approval":
        tone = "careful" if is_risky else "yes"
        yes = [Button(say("mail.approve-button"), _mailto(made, made.approves), tone)] if made.approves else []
        no = [Button(say("mail.deny-button"), _mailto(made, made.refuses), "no")] if made.refuses else []
        rows = [(*(yes if form.act("approve") else ()), *(no if form.act("deny") else ()))]
    elif form.format == "form":
        # Where a program joins the lines, the spaces keep them apart.
        body = "\n".join(f"{line} " for line in (made.fills, "", *forms.lines(form, "")))
        rows = [(Button(say("mail.fill-in-button"), _mailto(made, body), "choice"),)] if made.fills else []
    else:
        answers = answers_of(form)
        if len(answers) <= _LONG_BUTTONS:
            labels = [say("mail.answer-button", answer=_short(said, _BUTTON_CHARS)) for said in answers]
        else:
            labels = [say("mail.answer-button-short", answer=_short(said, _SHORT_BUTTON_CHARS)) for said in answers]
        written = [_mailto(made, body) for body in made.answers]
        rows = [(Button(label, to, "choice"),) for label, to in zip(labels, written, strict=False)]
    bytes_of = sum(len(html.escape(button.to + button.label)) for row in rows for button in row)
    return [row for row in rows if row] if bytes_of <= _BUTTONS_BYTES else []


def _mailto(made: Made, body: str) -> str:
    """A link that begins a mail (RFC 6068, 5: line breaks as %0D%0A)."""
    lines = "%0D%0A".join(quote(line, safe="") for line in body.split("\n"))
    return f"mailto:{quote(made.answers_to, safe='@')}?subject={quote(f'Re: {made.subject}', safe='')}&body={lines}"


def _text(found: Iterable[Block], *, labels: bool) -> str:
    parts = (_text_of(block, labels=labels) for block in found)
    return "\n\n".join(part for part in parts if part) + "\n"


def _text_of(block: Block, *, labels: bool) -> str:
    match block.kind:
        case "buttons":
            return "\n".join((*map(label_of, block.buttons), *block.lines)) if labels else ""
        case "link" | "way":
            # On a line of its own, as in the HTML: what a quote makes of an address is not compared.
            return f"{block.label}\n{block.lines[0]}"
        case _:
            return "\n".join(shown(block))


def _fitted(block: Block) -> Block:
    """`block`, or the beginning of it with a line that says where all of it is."""
    if block.kind in ("link", "way", "buttons", "lead"):
        return block
    used, kept = 0, list[str]()
    for line in block.lines:
        left = block.room - used - LINE_BYTES
        if len(html.escape(line).encode()) > left:
            return replace(block, lines=(*kept, *_beginning(line, left), say("mail.cut", file=WHOLE)))
        used += len(html.escape(line).encode()) + LINE_BYTES
        kept.append(line)
    return block


def _beginning(line: str, left: int) -> tuple[str, ...]:
    """As much of `line` as fits into `left` bytes of HTML; nothing where that is not worth reading."""
    size, end = 0, 0
    for end, char in enumerate(line):  # noqa: B007 - where it stops is what is wanted
        size += len(html.escape(char).encode())
        if size > left:
            break
    return (line[:end] + "…",) if end > 20 else ()


def _signed(said: str, code: str, line: str) -> str:
    said = say("mail.with-code", sentence=said, code=code) if code else said
    return f"{said}\n{_code_line(line)}" if line else said


def _code_line(token: str) -> str:
    return f"{say('mail.answer-code')} {token}"


def _stated(card: Card) -> str:
    """The title as a part of a sentence that is no question."""
    return _short(card.title, _SENTENCE_CHARS).rstrip("?")


def _short(text: str, most: int) -> str:
    return one_line(text, most)


def _line(text: str) -> str:
    return " ".join(escape_invisible(text).split())


def _fact(fact: Line, most: int | None = None) -> tuple[str, ...]:
    """`Label: text`, or the label and below it one line for each line of the text; with `most` that many short ones,
    how many more there are, and where.
    """
    every = _lines(fact)
    lines = every if most is None else [_short(line, _FACT_CHARS) for line in every[:most]]
    if fact.lines > 1 and _is_attached(fact):
        lines = [*lines, say("mail.list-attached", count=fact.lines, file=attachment_of(fact))]
    elif fact.lines > 1:
        lines = [*lines, say("mail.list-on-page", count=fact.lines)]
    elif len(lines) < len(every):
        lines = [*lines, say("mail.list-below", count=len(every) - len(lines))]
    elif lines != every:
        lines = [*lines, say("mail.goes-on-below")]
    if len(lines) < 2:
        return (f"{_line(fact.label)}: {''.join(lines)}",)
    return (f"{_line(fact.label)}:", *(f"- {line}" for line in lines))


def _lines(fact: Line) -> list[str]:
    """The lines of a fact; of a list of one line also that, where its text is another."""
    lines = [_line(line) for line in escape_invisible(fact.text).split("\n") if line.strip()]
    only = _line(escape_invisible(fact.whole)) if fact.lines == 1 else ""
    return lines if not only or any(only in line for line in lines) else [*lines, only]


def _how_to_answer(form: AnswerForm) -> tuple[str, ...]:
    how = tuple(_line(act.how) for act in form.acts)
    match form.format:
        case "approval" if form.only_stops:
            return (say("mail.can-still-deny"), *how)
        case "approval" if form.act("approve"):
            return how
        case "approval":
            return (form.why_not or say("mail.only-the-page-approves"), *how)
        case "yes_no":
            return (say("mail.how-to-say-yes-or-no"),)
        case "choice":
            return (say("mail.how-to-choose"),)
        case "choices":
            return (say("mail.how-to-choose-several"),)
        case "form":
            return (say("mail.how-to-fill-in"),)
        case "free_text":
            return (say("mail.how-to-answer"),)


def _span(time: timedelta) -> str:
    """A time as people say it: `3 days`, `3 h 40 min`, `25 min`."""
    hours, minutes = divmod(max(0, round(time.total_seconds() / 60)), 60)
    if hours >= 48:
        return say_many("mail.days", hours // 24)
    parts = [say("words.hours", count=hours)] if hours else []
    return " ".join((*parts, say("words.minutes", count=minutes)) if minutes or not hours else parts)
