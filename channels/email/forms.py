"""A form in a mail: what each field takes, and the lines that an answer fills in. Pure."""

from collections.abc import Iterator, Sequence

from channels import AnswerForm, Input
from channels.email.reply import is_decision, read_reply
from channels.showing import escape_invisible
from language import say

EMPTY = "…"
"""Stands in a line that is to be filled in."""

# What makes a line most like one of an older mail: an address and a moment.
_LIKE_A_HEADER = "2026-12-24, 10:30 a@b.example"


def hints(form: AnswerForm) -> tuple[str, ...]:
    """Return a line for each field that says what it takes; nothing where any text will do for all of them."""
    said = [_hint(each) for each in form.fields]
    numbered = (f"{number}. {_line(each.title)}: {hint}" for number, each, hint in _numbered(form.fields, said) if hint)
    return tuple(numbered)


def lines(form: AnswerForm, empty: str = EMPTY) -> tuple[str, ...]:
    """Return the lines of an answer, each with what stands in its field already, else `empty`."""
    keys = keys_of(form)
    return tuple(f"{key}: {_line(each.value) or empty}".rstrip() for key, each in zip(keys, form.fields, strict=True))


def keys_of(form: AnswerForm) -> tuple[str, ...]:
    """Return what begins each line: the field's title, after its number where the titles alone, read in a reply, would
    pass for something else: `From:` and `To:` for the head of an older mail, `Approve: yes` or `No: 4711` for a
    decision.
    """
    titles = tuple(_line(each.title) for each in form.fields)
    if _are_read_whole(titles):
        return titles
    return tuple(f"{number} {title}" for number, title in enumerate(titles, 1))


def _are_read_whole(keys: Sequence[str]) -> bool:
    written = "\n".join(f"{key}: {_LIKE_A_HEADER}" for key in keys)
    # A refusal may go on with any words, but for a yes; consent, and what is only polite, with nothing but one.
    values = ("ab", "no", say("mail.yes"))
    is_vote = any(is_decision(line) for key in keys for line in (key, *(f"{key}: {value}" for value in values)))
    return read_reply(written).text == written and not is_vote


def _numbered(fields: Sequence[Input], said: Sequence[str]) -> Iterator[tuple[int, Input, str]]:
    return ((at, each, hint) for at, (each, hint) in enumerate(zip(fields, said, strict=True), 1))


def _hint(asked: Input) -> str:
    """What fits, with the answers that other channels have as buttons."""
    match asked.kind:
        case "choice":
            answers = say("mail.one-of", options=", ".join(map(_line, asked.options)))
        case "yes_no":
            answers = say("mail.yes-or-no")
        case _:
            answers = ""
    return " ".join(filter(None, (_line(asked.hint), answers)))


def _line(text: str) -> str:
    return " ".join(escape_invisible(text).split())
