"""Card -> the plain text and the HTML of a mail, which say the same because both come from one list of blocks."""

import html
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from urllib.parse import quote
from zoneinfo import ZoneInfo

from channels import AnswerForm, Card, Line
from channels.email.reply import is_decision
from channels.email.reply.newtext import REFERENCE, UNTIL
from channels.email.tokens import CODE
from channels.showing import escape_invisible

MARK = "| "
"""Stands before each line that is not ours. The quoted copy of a bare `yes` would come back as somebody's answer."""

# Gmail keeps a style attribute and drops the style of a body.
_WRAPS = "overflow-wrap: anywhere"
_KEEPS_LINES = f"white-space: pre-wrap; {_WRAPS}"


_SENTENCE_CHARS = 120


@dataclass(frozen=True)
class Made:
    """The parts that one mail has of its own: the reader's `timezone` (IANA), and what an answer to it must show.

    `code` is shown where an answer brings it back in what it quotes. `mark` ends `subject` and the first line.
    `answers_to` is where an answer goes, `approves` and `refuses` the sentences that buttons write there.
    """

    timezone: str = "UTC"
    code: str = ""
    mark: str = ""
    subject: str = ""
    answers_to: str = ""
    approves: str = ""
    refuses: str = ""


@dataclass(frozen=True)
class Block:
    """A few lines that belong together; `verbatim` ones keep their spaces and are marked line by line.

    A `link` leads to our own page, where nothing happens before a person presses a button. A `button` has a label and
    below it the address of the mail that it begins.
    """

    kind: Literal["title", "say", "verbatim", "link", "button"]
    lines: tuple[str, ...]


def sentence(verb: Literal["approve", "deny"], card: Card, code: str = "", line: str = "") -> str:
    """Return what a button writes: it says what the answer does, and proves by `code` which card it is about.

    `line` is the code line of ways that need one.
    """
    title = _line(card.title)
    short = title if len(title) <= _SENTENCE_CHARS else f"{title[:_SENTENCE_CHARS]}…"
    said = f"I {verb}: {short.rstrip('?')}" + (f" (code {code})" if code else "")
    return f"{said}\n{CODE} {line}" if line else said


def opening(card: Card, made: Made) -> str:
    """The first line of the mail."""
    return f"{_line(card.title)} [{made.mark}]" if made.mark else _line(card.title)


def blocks(card: Card, made: Made) -> tuple[Block, ...]:
    """Return what a person reads, in order: the point, how to answer, then what it is about."""
    found = [Block("title", (opening(card, made),))]
    if card.form is not None:
        found.append(Block("say", _how_to_answer(card.form)))
        found += _buttons(card, made)
        if _is_page_needed(card.form):
            found += _link(card)
    if card.summary:
        found.append(Block("say", tuple(escape_invisible(card.summary).split("\n"))))
    found += _said(card)
    is_question = card.form is not None and card.form.format != "approval"
    if is_question:
        found += _quoted(card)  # nobody can choose before they have read what is asked
    if card.form is not None and card.form.options:
        found.append(Block("say", tuple(f"{i}. {_line(each)}" for i, each in enumerate(card.form.options, 1))))
    for facts in (card.facts, card.decides):
        if facts:
            found.append(Block("say", tuple(line for fact in facts for line in _fact(fact))))
    if card.exact:
        found.append(Block("say", ("Exactly this:",)))
        found.append(Block("verbatim", tuple(escape_invisible(card.exact).split("\n"))))
    if not is_question:
        found += _quoted(card)
    if card.details:
        found.append(Block("say", tuple(line for fact in card.details for line in _fact(fact))))
    if footer := _footer(card, made.timezone, made.code):
        found.append(Block("say", footer))
    if card.form is None or not _is_page_needed(card.form):
        found += _link(card)
    return tuple(found)


def _is_page_needed(form: AnswerForm) -> bool:
    return form.format == "approval" and not form.may_approve


def _link(card: Card) -> list[Block]:
    return [Block("link", (_line(card.link),))] if card.link else []


def _quoted(card: Card) -> list[Block]:
    if not card.quoted:
        return []
    return [
        Block("say", ("In the words of whoever wrote it, which nobody has checked:",)),
        Block("verbatim", tuple(escape_invisible(card.quoted).split("\n"))),
    ]


def _said(card: Card) -> list[Block]:
    if not card.said:
        return []
    return [
        Block("say", (_line(card.said_as),)),
        Block("verbatim", tuple(escape_invisible(card.said).split("\n"))),
    ]


def _buttons(card: Card, made: Made) -> list[Block]:
    """Two mails that need only be sent, where an approval by mail counts."""
    form = card.form
    if form is None or form.format != "approval" or not form.may_approve or form.only_stops or not made.approves:
        return []
    return [
        Block("button", ("Write the mail that approves", _mailto(made, made.approves))),
        Block("button", ("Write the mail that refuses", _mailto(made, made.refuses))),
    ]


def _mailto(made: Made, body: str) -> str:
    """A link that begins a mail (RFC 6068, 5: line breaks as %0D%0A)."""
    lines = "%0D%0A".join(quote(line, safe="") for line in body.split("\n"))
    return f"mailto:{quote(made.answers_to, safe='@')}?subject={quote(f'Re: {made.subject}', safe='')}&body={lines}"


def as_text(card: Card, made: Made, *, labels: bool = False) -> str:
    """The plain text, with LF line ends. No line of it, alone, would be read as an approval, nor as a short denial.

    With `labels` it has those of the buttons as well, which only the HTML can show.
    """
    found = (block for block in blocks(card, made) if labels or block.kind != "button")
    return "\n\n".join("\n".join(_marked(block)) for block in found) + "\n"


def as_html(card: Card, made: Made) -> str:
    """The same as HTML: no images, no link but to our own page and to mails that people send themselves, everything
    from the card escaped.

    Its only style lets long lines wrap: what runs off a phone's screen would be approved unseen.
    """
    inner = "\n".join(_html(block) for block in blocks(card, made))
    body = f'<div style="{_WRAPS}">\n{inner}\n</div>'
    return f'<!DOCTYPE html>\n<html><head><meta charset="utf-8"></head><body>\n{body}\n</body></html>\n'


def _line(text: str) -> str:
    return " ".join(escape_invisible(text).split())


def _fact(fact: Line) -> tuple[str, ...]:
    """`Label: text`, or the label and below it one line for each line of the text."""
    lines = [_line(line) for line in escape_invisible(fact.text).split("\n") if line.strip()]
    if fact.lines:
        where = f"attached as {attachment_of(fact)}" if fact.whole else "on the page of this request"
        lines.append(f"Complete list ({fact.lines}): {where}")
    if len(lines) < 2:
        return (f"{_line(fact.label)}: {''.join(lines)}",)
    return (f"{_line(fact.label)}:", *(f"- {line}" for line in lines))


def attachment_of(fact: Line) -> str:
    """Name the file that holds all of a fact's list."""
    words = re.findall(r"[a-z0-9]+", fact.label.lower())
    return f"{'-'.join(words)[:40] or 'list'}.txt"


def attachments(card: Card) -> tuple[tuple[str, str], ...]:
    """Name and text of each list that is too long for the mail itself."""
    return tuple((attachment_of(fact), escape_invisible(fact.whole)) for fact in card.facts if fact.whole)


def _how_to_answer(form: AnswerForm) -> tuple[str, ...]:
    match form.format:
        case "approval" if form.may_approve:
            return (
                "To approve, reply with the one word: approve",
                "To refuse, reply: deny, and the reason if you like",
            )
        case "approval":
            return (
                "An approval by mail does not count here. To approve, open its page in the console.",
                "To refuse, reply: deny, and the reason if you like",
            )
        case "yes_no":
            return ("To answer, reply with one word: yes or no",)
        case "choice":
            return ("To choose, reply with one number or name from the list below, and nothing else.",)
        case "choices":
            return ("To choose, reply with numbers or names from the list below, with commas between them.",)
        case "form":
            return ("To answer, reply with these lines, filled in:", *(f"{_line(name)}: …" for name in form.fields))
        case "free_text":
            return ("To answer, reply to this mail in your own words.",)


def _footer(card: Card, timezone: str, code: str) -> tuple[str, ...]:
    until = (f"{UNTIL} {moment(card.form.until, timezone)}.",) if card.form else ()
    kept = (f"{CODE} {code}",) if code else ()
    return (*kept, *until, *((f"{REFERENCE} {_line(card.ref)}",) if card.ref else ()))


def moment(at: datetime, timezone: str) -> str:
    """`at` in the person's own zone, such as `Tue 3 Mar 2026, 14:02 CET`; UTC where the zone is not known here."""
    try:
        zone = ZoneInfo(timezone)
    except (KeyError, ValueError, OSError):
        zone = ZoneInfo("UTC")
    there = at.astimezone(zone)
    return f"{there:%a} {there.day} {there:%b %Y, %H:%M %Z}"


def _marked(block: Block) -> tuple[str, ...]:
    if block.kind == "button":
        return block.lines[:1]
    return tuple(MARK + line if block.kind == "verbatim" or is_decision(line) else line for line in block.lines)


def _html(block: Block) -> str:
    lines = [html.escape(line) for line in _marked(block)]
    if block.kind == "verbatim":
        return f'<pre style="{_KEEPS_LINES}">' + "\n".join(lines) + "</pre>"
    if block.kind == "link":
        return f'<p><a href="{lines[0]}">{lines[0]}</a></p>'
    if block.kind == "button":
        return f'<p><a href="{html.escape(block.lines[1])}">{lines[0]}</a></p>'
    inner = "<br>\n".join(lines)
    return f"<p><strong>{inner}</strong></p>" if block.kind == "title" else f"<p>{inner}</p>"
