"""Check that a mail is about the card whose token it brings, by what it shows of it and what was sent. Pure.

A token says which card and never that the mail is about it: people answer whatever `Reply-To` says, and an old signed
mail can be sent again to it. Sources for what mail programs do: docs/decisions/0025.
"""

import base64
import re
import unicodedata
import zlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cached_property
from typing import Annotated, Literal
from urllib.parse import parse_qsl, unquote

from pydantic import AwareDatetime, Field

from channels import Bounced, Frozen, Ignored, Inquiry, Quarantined, Reply, Trigger
from channels.email.reply import above_contacts, banners, newtext, quotes, read_reply
from channels.email.reply.lines import BLANK, DIRECTIONS, Lines, is_rule
from channels.email.reply.markup import PICTURE, RULE
from channels.email.reply.newtext import Older
from channels.email.reply.quotes import AROUND_NAME, BEFORE_NAME, NAME, SAYS_WROTE, WROTE
from channels.email.reply.stored import URL, squashed, strange
from channels.email.reply.vocabulary import every, fold
from language.recorded import recorded

SLACK = timedelta(minutes=10)
"""Most that the clock of a mail's writer may be off."""

TEXT_CHARS = 64 * 1024
"""Longest text of a card, and of what a mail repeats of it, that is compared."""

_ATTRIBUTION_LINES = 7
"""Longest `On …, … wrote:` above a quote."""

_QUOTE_MARKS = re.compile(r"^[>|\s\u00a0]+")
_TAG = rf"[\[(](?:{every('subject_tag')})[\])]"
_PREFIX = re.compile(
    rf"\s*(?:(?:{every('subject_reply')}|{every('subject_forward')}|{every('subject_ours')})\s?(?:[\[(]\d{{1,3}}[\])])?\s?[:\uff1a]|\u26a0\ufe0f?|{_TAG})",
    re.IGNORECASE,
)
"""What programs and gateways put before the subject of an answer, and we before that of a card."""

# Here and below: from where blanks begin only, not from each of many.
_SUFFIX = re.compile(rf"(?<!\s)\s*{_TAG}\s*\Z", re.IGNORECASE)
_PRINTS_ADDRESSES, _MARKS_ALL = re.compile(every("prints_addresses")), re.compile(every("marks_all"))
_PRINTS_NAMES = re.compile(r"\d:\d\d:\d\d|[+-]\d{4}(?!\d)|(?<!\d)\d{1,4}([/.-])\d{1,2}\1\d{2,4}(?!\d)")
"""How programs that print a name alone write the time above a quote: with seconds, a zone, or the date in figures."""

_OUR_NAME = re.compile(rf"(?<![\w.@-]){NAME}(?![\w.@-])")
_NAMED = re.compile(rf"(?:(?:{BEFORE_NAME}) )*+{NAME}(?: (?:{WROTE}))?")
_BETWEEN_NAMES = r"[\s\d,:;.()<>\[\]|/\"'*_+-]"
_BESIDE_NAME = re.compile(
    rf"(?<!{_BETWEEN_NAMES}){_BETWEEN_NAMES}*[\d,:;()<>\[\]|/\"*\n]+{_BETWEEN_NAMES}*|(?<!\s)\s*\Z"
)
_AROUND_NAME = re.compile(rf"(?<![^\W\d_])(?:{AROUND_NAME}|mailto|[^\W\d_]{{1,3}})(?![^\W\d_])")
"""What stands in an attribution that prints our name alone: words for who wrote it and when, and short ones."""

_REWRITTEN = re.compile(
    r"https://(?:[\w-]+\.)?safelinks\.protection\.outlook\.com/[^?\s]*\?url=(?P<safe>[^&\s]+)\S*"
    r"|https://urldefense\.com/v3/__(?P<defended>\S+?)__;\S*"
)
"""A link as gateways rewrite it, with the one it stands for."""

_PROGRAMS_PAGE = re.compile(rf"https?://(?:{every('page')})/?")


class About(Frozen):
    """The marks a mail has of the one it answers.

    `faults` are why it proves too little of who wrote what is in it. `whole` is its new text where that may be a
    button's sentence, `older`, `beside` and `has_more` as in `reply.Said`. `has_code`: the token came from where it
    must come from. `program` is what the mail says it was written with.
    """

    faults: tuple[str, ...] = ()
    subject: str = ""
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    program: str = ""
    sent_at: AwareDatetime | None = None
    whole: str = ""
    author: str = ""
    older: tuple[Older, ...] = ()
    beside: tuple[str, ...] = ()
    has_code: bool = True
    has_more: bool = False


class Answered(Reply):
    """A reply as the mail alone tells; `token` is empty where only `about.in_reply_to` names a card of ours."""

    about: About = About()


class Wished(Trigger):
    """A wish as the mail alone tells; `beside` is as in `reply.Said`."""

    beside: tuple[str, ...] = ()

    def wish(self) -> Trigger:
        """Return it as everybody else knows it."""
        return Trigger(**self.model_dump(exclude={"beside"}))


MailReading = Annotated[Answered | Wished | Quarantined | Bounced | Inquiry | Ignored, Field(discriminator="type")]


class Written(Frozen):
    """The `sentence` that a button writes which answers a question: with the option at the place `pick`, from 1, or
    else with `text`.
    """

    sentence: str
    pick: int = 0
    text: str = ""


class SentCard(Frozen):
    """A mail that asked something, as it was sent from the address `sender`. `text` is its plain text, empty where that
    is not known.

    `opening` is the first line of it, `button` the sentence that a `mailto:` button writes, `refuses` that of the
    button beside it, `answers` those of a question, `fills` that above the lines of a form; all are empty where it has
    none.
    """

    token: str
    message_id: str
    sender: str
    subject: str
    opening: str
    sent_at: AwareDatetime
    button: str = ""
    refuses: str = ""
    answers: tuple[Written, ...] = ()
    fills: str = ""
    packed: str = ""

    @property
    def text(self) -> str:
        """The plain text of the mail."""
        return zlib.decompress(base64.b64decode(self.packed)).decode() if self.packed else ""


def packed(text: str) -> str:
    """`text` as a `SentCard` keeps it."""
    return base64.b64encode(zlib.compress(text[:TEXT_CHARS].encode(), 9)).decode()


def bound(answered: Answered, sent: SentCard | None, received_at: datetime) -> Reply:
    """`answered` as everybody else knows it: with what a button said read out of it, or why it is not bound."""
    about = answered.about
    plain = Reply(**answered.model_dump(exclude={"about"}))
    if sent and (rest := _after_button(about.whole, sent.refuses)) is not None:
        said = read_reply(f"deny\n{rest}", about.author)
        plain = plain.model_copy(update={"said": said.said, "reason": said.reason} if said.said == "deny" else {})
    why, of_another = _untrusted(about, sent, received_at), _of_another(about, sent) if sent else ""
    is_subject = sent is not None and _is_subject_of(about.subject, sent.subject)
    # A button begins a mail of its own; where that quotes something, it is the card, as it is below words.
    is_button = not why and (not of_another or all(older.is_empty for older in about.older))
    # It writes the subject, too, which a program may leave empty: another one is its writer's, and may say anything.
    is_own = is_subject or not about.subject.strip()
    pressed = plain.model_copy(update={"unbound": "" if is_own else recorded("reason.other-subject")})
    is_approval = is_button and not about.has_more  # nothing else may stand in one, whoever wrote it
    if sent and is_approval and (rest := _after_button(about.whole, sent.button)) is not None:
        said = read_reply(f"approve\n{rest}", about.author)
        # What else is typed below it may be an order, which is read as it is below an approval in words.
        is_plain = said.said == "approve"
        text = f"{sent.button}{said.text.removeprefix('approve')}" if is_plain else f"approve\n\n{rest.strip()}"
        read = {"said": said.said, "reason": "", "text": text, "above": "", "is_below_quote": False}
        return pressed.model_copy(update=read)
    if sent and is_button and (read := _chosen(about, sent)) is not None:
        return pressed.model_copy(update=read)
    if sent and is_button and (rest := _after_button(about.whole, sent.fills)) is not None:
        above = above_contacts(rest, about.author)
        return pressed.model_copy(update={"said": "free_text", "reason": "", "text": rest.strip(), "above": above})
    if sent and not why:  # the subject names the card, and so does the thread or the quote
        why = of_another if is_subject else recorded("reason.other-subject")
    return plain.model_copy(update={"unbound": why})


def _chosen(about: About, sent: SentCard) -> dict[str, object] | None:
    """Return what a button of a question answers; None where none wrote the text, or somebody added words of theirs."""
    for written in sent.answers:
        rest = _after_button(about.whole, written.sentence)
        # Below a yes only courtesy, a name and the like leave it one, and so they do here.
        if rest is not None and read_reply(f"approve\n{rest}", about.author).said == "approve":
            picked = {"picks": (written.pick,)} if written.pick else {"text": written.text}
            return {"said": "free_text", "reason": "", "above": "", **picked}
    return None


def _untrusted(about: About, sent: SentCard | None, received_at: datetime) -> str:
    """Return why the mail can't be an answer to what was `sent`, whatever it says."""
    if sent is None:
        return recorded("reason.not-known")
    if about.faults:
        return about.faults[0]
    if not about.has_code:
        return recorded("reason.no-code-line")
    if about.sent_at is None:
        return recorded("reason.undated")
    if about.sent_at < sent.sent_at - SLACK:
        return recorded("reason.too-early")
    if about.sent_at > received_at + SLACK:
        return recorded("reason.from-the-future")
    return ""


def _after_button(whole: str, button: str) -> str | None:
    """Return what stands below the sentence of a button; None where the text does not begin with it."""
    words = button.split()
    found = re.match(r"\s*" + r"\s+".join(map(re.escape, words)) + r"(?!\S)", whole) if words else None
    return whole[found.end() :] if found else None


def _of_another(about: About, sent: SentCard) -> str:
    """Return why the mail does not visibly name the card by its thread or its quote, or repeats more than the card:
    somebody may have typed `> only after lunch` there.
    """
    if any(len(older.quoted) + len(older.below) > 2 * TEXT_CHARS for older in about.older):
        return recorded("reason.long-quote")
    quotes_of = [_Quote(older, sent) for older in about.older]
    for quote in quotes_of:
        if not quote.is_empty and not quote.has_opening and not quote.is_part_of_card:
            return recorded("reason.other-quote")
        if quote.has_more_above:
            return recorded("reason.more-quoted")
        if quote.strange_below or (quote.has_words_within and not sent.fills):
            return recorded("reason.words-in-quote")
    has_opening = bool(quotes_of) and all(quote.has_opening for quote in quotes_of)
    if about.in_reply_to == (sent.message_id,):
        return recorded("reason.other-quote") if _says_it_is_of_others(quotes_of, about, sent) else ""
    if not has_opening:
        return recorded("reason.other-thread")
    if any(quote.strange_quoted or quote.adds for quote in quotes_of):
        return recorded("reason.more-quoted")
    return "" if _says_it_is_ours(quotes_of, about, sent) else recorded("reason.writer-unsaid")


def _is_subject_of(subject: str, stored: str) -> bool:
    """Return whether `subject` is the `stored` one behind nothing but what programs and gateways put before it."""
    rest, wanted = unicodedata.normalize("NFC", subject), _letters(stored)
    while _letters(rest) != wanted and _letters(_SUFFIX.sub("", rest)) != wanted:
        prefix = _PREFIX.match(fold(rest))
        if prefix is None:
            return False
        rest = rest[prefix.end() :]
    return True


def _says_it_is_ours(quotes_of: "list[_Quote]", about: About, sent: SentCard) -> bool:
    """Return whether the program of whoever answers says that what it quotes is a mail of ours: by our address, or by
    our name where the mail answers no other one and its References end with the card: they end with what was answered.
    What stands among the quoted lines anybody may have written, but for programs that write it there.
    """
    writers = {_writer(head, about, sent) for quote in quotes_of for head in quote.heads}
    if not writers <= {"we", "name"} or any(len(quote.heads) > 1 for quote in quotes_of):
        return False
    known = _known_writers(quotes_of, about, sent)
    answers_card = about.references[-1:] == (sent.message_id,) and not about.in_reply_to
    return "we" in known or ("name" in known and answers_card)


def _says_it_is_of_others(quotes_of: "list[_Quote]", about: About, sent: SentCard) -> bool:
    """Return whether the mail quotes somebody else's in the thread of the card: a Message-ID can be had and sent again.

    Words, a picture or a link among what it quotes are theirs, unless its program says by our address that the quote is
    ours: servers add them, too.
    """
    if any(_writer(head, about, sent) == "other" for quote in quotes_of for head in quote.heads):
        return True
    has_more = any(quote.strange_quoted or quote.adds for quote in quotes_of)
    return has_more and "we" not in _known_writers(quotes_of, about, sent)


def _known_writers(quotes_of: "list[_Quote]", about: About, sent: SentCard) -> "set[_Writer]":
    """Return whom the program of whoever answers names as the writer of what it quotes."""
    is_written_inside = _MARKS_ALL.search(fold(about.program)) is not None
    said = (head for quote in quotes_of for head in (quote.heads if is_written_inside else quote.programs))
    return {_writer(head, about, sent) for head in said}


_Writer = Literal["we", "name", "other", "nobody"]


def _writer(head: str, about: About, sent: SentCard) -> _Writer:
    """Return who wrote what stands below `head`: we, by our address; somebody with our name; one with another address
    or name; or nobody whom it tells.

    Anybody may call themselves by our address, and some programs print that name as if it was one. Not all of them say
    which program they are.
    """
    lines = Lines(tuple(head.split("\n")))
    said = quotes.sender_in(lines)
    if said is None:
        return "nobody"
    plain = said.translate(DIRECTIONS).lower()
    has_name, is_header = any(map(_NAMED.fullmatch, _named_in(plain))), said != "\n".join(lines.raw)
    ours = _our_address(sent.sender)
    count = unicodedata.normalize("NFKC", plain).count("@")
    if count:
        if len(ours.findall(plain)) != count or not re.search(rf"[<\[](?:mailto:)?{ours.pattern}[>\]<]", plain):
            return "other"
        if is_header and _names_more(plain, ours):
            return "other"
        says = fold(about.program)
        prints_names = not _PRINTS_ADDRESSES.search(says) if says else _PRINTS_NAMES.search(plain)
        if is_header or not prints_names:
            return "we"
    if has_name and _has_other_words(ours.sub(" ", plain)):
        return "other"
    if has_name:
        return "name"
    return "other" if is_header or SAYS_WROTE.search(fold(said)) else "nobody"


def _names_more(value: str, ours: re.Pattern[str]) -> bool:
    """Return whether the `value` of a header names somebody beside our address: `sayso <…> On Behalf Of Anna Ames`."""
    *_, last = ours.finditer(value)
    return any(map(str.isalpha, value[last.end() :])) or ";" in value[: last.start()]


def _has_other_words(said: str) -> bool:
    """Return whether `said`, which prints our name, may print somebody else's: `sayso, lunch at noon wrote`."""
    return any(map(str.isalpha, _AROUND_NAME.sub(" ", fold(unicodedata.normalize("NFKC", said)))))


def _named_in(said: str) -> Iterator[str]:
    """The parts of `said` between times and marks that hold our name; somebody may have put more beside it."""
    parts = _BESIDE_NAME.split(fold(unicodedata.normalize("NFKC", said)))
    return (" ".join(part.split()) for part in parts if _OUR_NAME.search(part))


def _our_address(sender: str) -> re.Pattern[str]:
    """A pattern for the address `sender`, with or without a tag."""
    local, _, domain = sender.lower().partition("@")
    tagged = rf"{re.escape(local)}(?:[+-][^\s<>@]{{1,80}})?@{re.escape(domain)}" if domain else "(?!)"
    return re.compile(rf"(?<![\w.+%-]){tagged}(?![\w-]|\.\w)")


class _Quote:
    """One version of what a mail repeats: lines that are marked as a quote, and those below without marks.

    `heads` is what stands above them, each form once, and `programs` those of it that the program of whoever answers
    wrote.
    """

    def __init__(self, older: Older, sent: SentCard) -> None:
        text = sent.text
        inside, quoted = _divided(older.quoted)
        header, follows = _divided(older.below)
        marked, below = _bare(quoted), _bare(follows)
        programs = {_joined(head): head for head in (*older.heads, header) if head.strip()}
        self.programs = tuple(programs.values())
        self.heads = tuple(({_joined(inside): inside} | programs if inside.strip() else programs).values())
        self.is_empty = not (marked or below)
        found_at = squashed("\n".join((*marked, *below))).find(squashed(sent.opening))
        self.has_opening, self.has_more_above = found_at >= 0, found_at > 0
        self.strange_quoted = strange(marked, text) if text else ()
        # Without marks it may be anybody's where nobody knows any more what was sent.
        self.strange_below = strange(below, text)
        self.has_words_within = bool(older.within)
        has_words = any(map(squashed, (*marked, *below)))
        self.is_part_of_card = has_words and not (self.strange_quoted or self.strange_below)
        self._leads = (*older.strays, *_leads(quoted, marked), *_leads(follows, below))
        self._sent = sent

    @cached_property
    def adds(self) -> bool:
        """Whether it holds a picture or a link that the card does not have."""
        card = _letters(self._sent.text)
        beside = _letters("\n".join(self.heads))
        return any(not _is_of_card(each, self._sent, card, beside) for each in dict.fromkeys(self._leads))


def _is_of_card(lead: str, sent: SentCard, card: str, beside: str) -> bool:
    """Return whether `lead`, a link or the place of a picture, stands in the text of the `card`, or begins a mail that
    one of its buttons begins. An address alone may also stand `beside` it.
    """
    link = lead.strip().removeprefix("<").removesuffix(">")
    if _PROGRAMS_PAGE.fullmatch(fold(link)):
        return True
    if found := _REWRITTEN.fullmatch(link):
        link = unquote(found["safe"]) if found["safe"] else found["defended"]
    address, _, query = re.sub(r"\Amailto:", "", link, flags=re.IGNORECASE).partition("?")
    if "@" in address and "/" not in address:
        address = unquote(address).lower()
        is_known = _our_address(sent.sender).fullmatch(address) is not None or address in card or address in beside
        return is_known and all(
            _writes(name, text, sent, card) for name, text in parse_qsl(query, keep_blank_values=True)
        )
    bare = re.sub(r"\Ahttps?://", "", _letters(link)).rstrip("/")
    return bare != "" and PICTURE not in bare and bare in card


def _writes(field: str, text: str, sent: SentCard, card: str) -> bool:
    """Return whether a button of the card begins a mail with `text` as its `field`."""
    if field.lower() == "subject":
        return _is_subject_of(text, sent.subject)
    written = (sent.button, sent.refuses, sent.fills, *(each.sentence for each in sent.answers))
    ours = (*map(_letters, written), card)
    return field.lower() == "body" and all(any(_letters(line) in each for each in ours) for line in text.splitlines())


def _letters(text: str) -> str:
    """`text` without blanks and letter case."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def _joined(head: str) -> str:
    return "".join(head.split())


def _divided(text: str) -> tuple[str, Lines]:
    """What a mail program wrote above an older mail, and the lines of that, both without the marks of a quote."""
    drawn = (line for line in text.split("\n") if line != RULE)  # our own sign for a line that a page draws
    lines = Lines(tuple(_QUOTE_MARKS.sub("", line) for line in drawn))
    at = next((i for i in range(len(lines)) if not lines.is_blank(i)), None)
    if at is None:
        return "", Lines(())
    below = _below_header(lines, at)
    return "\n".join(lines.raw[at:below]), Lines(lines.raw[below:])


def _below_header(lines: Lines, at: int) -> int:
    """The line below what a mail program writes above an older mail, which begins on line `at`."""
    end = quotes.one_header_end(lines, at)
    if not quotes.begins_original(lines, at):
        ends = range(at, min(at + _ATTRIBUTION_LINES, len(lines)))
        end = next((i + 1 for i in ends if quotes.attribution_ends(lines, i, at) == at), at)
        # No program asks anything there: somebody else's question in front of a card does not pass for one.
        return at if "?" in "".join(lines.raw[at:end]) else end
    below = lines.next_shown(at + 1) if end == at else None  # below a rule, as Outlook draws it
    return end if end > at else quotes.one_header_end(lines, below) if below is not None else at + 1


def _bare(lines: Lines) -> list[str]:
    """Those of `lines` that no mail program or gateway wrote."""
    top = banners.end(lines)
    shown = [i for i in range(top, len(lines)) if not lines.is_blank(i) and not is_rule(lines, i)]
    return [lines.raw[i] for i in newtext.without_legal(lines, shown)]


def _leads(lines: Lines, bare: list[str]) -> list[str]:
    """The links in `lines`, the pictures that are drawn with signs, and what asks something beside the `bare` ones."""
    found, kept = list[str](), {*bare}
    for i, line in enumerate(lines.raw):
        found += URL.findall(line)
        signs = line.strip(BLANK)
        is_drawn = len({*signs}) > 1 and (is_rule(lines, i) or not squashed(line))
        if is_drawn and not URL.search(line):
            found.append(signs)
        elif line not in kept and "?" in unicodedata.normalize("NFKC", URL.sub("", line)):
            found.append(line)
    return found
