"""Find what a person newly wrote in a reply: the text without quotes, signature and the mail program's own lines.

Two questions are kept apart. Which text is new is answered as well as possible. Whether something that was taken away
could take an approval back ("only on staging" below a signature, "no, wait" at the end of a quote without marks) is
answered with care: then the reply is unclear, which is harmless.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from channels.email.reply import banners, marks, quotes, shapes, signature, stored, vocabulary
from channels.email.reply.lines import BLANK, GAP, LINE_CHARS, Lines, is_rule

NEW_TEXT_CHARS = 64 * 1024
"""Longest new text; what is longer is not answered by a machine that reads closed sentences."""

LINES = 4_000
"""Most lines that are read, of the text and the thread below it. The longest threads have a few thousand."""

TOO_LONG = "it is too long to be read whole; answer with less of the older mails below"

BESIDE_QUOTE = "a line beside quoted ones could be part of the answer"

BELOW_DASHES = "a line below a row of dashes could be part of the answer"

SIGNATURE_LINES = 15
"""Longest signature that is taken away; below a line of dashes there may be more of the text itself."""

CUT_LINES = 1000
"""Most lines of a quote without marks that are searched for a doubt; with more, the reply is unclear."""

FOOTER_LINES = 80
"""Longest signature with a legal footer in it."""

_QUESTION_MARKS = {0x3F: None, 0xFF1F: None}


@dataclass(frozen=True)
class Older:
    """What a mail repeats of older ones: lines that are marked as a quote, and those `below` without marks.

    `heads` is what the program of whoever answers wrote above the marked lines: nobody who is quoted can have. `strays`
    are what the lines do not show: pictures, where links lead, letters that were taken for hidden ones. `within` are
    those between the lines of the card that are not the card's.
    """

    quoted: str = ""
    below: str = ""
    heads: tuple[str, ...] = ()
    strays: tuple[str, ...] = ()
    within: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether it repeats no line."""
        return not (self.quoted.strip() or self.below.strip())


@dataclass(frozen=True)
class NewText:
    """The lines somebody wrote, trimmed. `unsure` says why they alone must not decide; nothing when they may.

    A text longer than `NEW_TEXT_CHARS` comes back longer than that, though not whole. `asked` holds, for answers
    written between the lines of a quote, each answer below the last lines it follows; else nothing. Line `end` is where
    an older mail without marks begins, or the end; where no program's own line stands above the card, the last one of
    the text. `sent_on` is the header of what was sent on with nothing above it.
    `is_below_quote`: some of it stands below quoted lines, and may be about those. `beside` is what was taken for a
    signature, a footer or a banner, piece by piece, and what a quote has below the card: only whoever wrote the mail
    knows whether they typed it; the first of it is the `banner`, if there is one.
    """

    text: str
    unsure: str = ""
    asked: str = ""
    older: Older = Older()
    end: int = 0
    sent_on: str = ""
    is_below_quote: bool = False
    beside: tuple[str, ...] = ()
    banner: str = ""


def new_text(body: str, marker: str = "", own: str = "", card: str = "") -> NewText:
    """Return what is new in `body`, a plain text, down to the line that holds `marker`. Linear in its length.

    `own` is the address that our mails come from, by which what quotes them is known in any language; `card` the text
    of the one that it answers, where that is known.
    """
    lines = body.split("\n", LINES)
    raw = tuple(GAP.sub(" ", line) for line in lines[:LINES])
    there = stored.find(raw, card)
    found = _Reading(Lines(raw, there.lines), marker, own, card, TOO_LONG if len(lines) > LINES else "")
    found.read()
    new = found.result()
    return replace(new, older=replace(new.older, within=there.within))


class _Reading:
    """One pass over the lines: what is kept, and where something was cut that has no marks."""

    def __init__(self, lines: Lines, marker: str, own: str, card: str, unsure: str) -> None:
        self._lines, self._marker, self._own, self._card = lines, marker, own, card
        self._kept, self._heads, self._beside = list[int](), list[str](), list[str]()
        self._first: int | None = None  # the first kept line that is not blank
        self._size = 0
        self._unsure = unsure
        self._end = len(lines)
        self._floor = self._signature_end = 0
        self._fenced = self._is_headless = False
        self._sent_on_as = ""

    def read(self) -> None:
        at = self._skip(0, banners.end(self._lines))
        while at < self._end and self._size <= NEW_TEXT_CHARS:
            at = self._next(at)
        self._judge_below_card()

    def result(self) -> NewText:
        while self._kept and (self._is_blank(self._kept[-1]) or is_rule(self._lines, self._kept[-1])):
            self._kept.pop()
        raw = self._lines.raw
        text = "\n".join(raw[i].rstrip() for i in self._kept).strip("\n" + BLANK)
        asked = _with_questions(self._lines, self._kept) if text else ""
        quoted = "\n".join(raw[i] for i in range(self._end) if self._lines.quoted[i])
        older = Older(quoted, "\n".join(raw[self._end :]), tuple(self._heads))
        above = range(self._kept[-1] if self._kept else 0)
        is_below = any(self._lines.quoted[i] and not self._is_blank(i) for i in above)
        end = self._kept[-1] if self._is_headless else self._end
        beside = tuple(filter(None, self._beside))
        return NewText(text, self._unsure, asked, older, end, self._sent_on_as, is_below, beside, self._beside[0])

    def _skip(self, at: int, end: int) -> int:
        """Take the lines from `at` to `end` for what a program or a company added."""
        self._beside.append("\n".join(self._lines.raw[at:end]))
        return end

    def _typed(self, at: int, end: int) -> int:
        """Take the lines from `at` to `end` for a program's, but for those that somebody may have typed."""
        raw, may_be_typed = self._lines.raw, quotes.may_be_typed
        typed = (raw[i] for i in range(at, end) if may_be_typed(self._lines.folded(i), self._own))
        self._beside.append("\n".join(typed))
        return end

    def _next(self, at: int) -> int:
        """Deal with line `at`; the line to go on with."""
        lines = self._lines
        if lines.raw[at].startswith("```"):
            self._fenced = not self._fenced
        if lines.quoted[at] or lines.is_blank(at) or self._fenced:
            self._keep(at, shown=not lines.quoted[at])
            return at + 1
        if at == lines.card_at and self._first is not None and self._is_all_card(at):
            self._is_headless = True
            return self._cut(at, at)
        if quotes.begins_original(lines, at) or (self._marker and self._marker in lines.raw[at]):
            return self._older(at)
        if (below := self._header_below(at)) is not None:
            return self._sent_on(at, below) if self._first is None else self._cut(at, at)
        start = self._attribution_ends(at)
        if start is not None:
            return self._attributed(start, at)
        if quotes.is_continuation(lines, at) or quotes.is_weak_attribution(lines, at) or quotes.is_bare_name(lines, at):
            self._judge([lines.folded(at)], BESIDE_QUOTE)
            self._heads.append(lines.raw[at])
            return self._typed(at, at + 1)
        if signature.is_footer(lines, at):
            return at + 1 if signature.is_footer(lines, at, any_name=False) else self._skip(at, at + 1)
        if signature.begins_legal(lines, at) and self._first is None:
            return self._legal_above(at)
        if signature.begins_signature(lines, at) or signature.begins_legal(lines, at):
            return self._signed(at)
        self._keep(at)
        return at + 1

    def _keep(self, at: int, *, shown: bool = True) -> None:
        if shown:
            self._kept.append(at)
            self._first = at if self._first is None and not self._is_blank(at) else self._first
            self._size += len(self._lines.raw[at]) + 1

    def _attributed(self, start: int, at: int) -> int:
        """An attribution stands on the lines `start` to `at`: skip it, and all behind it where no line is marked."""
        while self._kept and self._kept[-1] >= start:
            self._kept.pop()
        self._first = None if self._first is not None and self._first >= start else self._first
        self._floor = at + 1
        # Above the line with the date, and below it, may stand what somebody says: `On the small one,`.
        dated = next((i for i in range(at, start, -1) if shapes.has_date(self._lines.folded(i))), start)
        self._typed(start, dated)
        self._typed(dated + 1, at + 1)
        if quotes.quote_follows(self._lines, at + 1):
            self._heads.append("\n".join(self._lines.raw[start : at + 1]))
            return at + 1
        if self._first is not None:
            return self._cut(start, at + 1)
        return self._below(at + 1)

    def _older(self, at: int) -> int:
        """An older mail without marks begins on line `at`; forwarded with nothing above it, it is what was sent."""
        below = quotes.header_end(self._lines, at)
        if quotes.begins_forwarded(self._lines, at) and self._first is None:
            self._floor = below
            return self._sent_on(at, below)
        return self._cut(at, below)

    def _sent_on(self, at: int, below: int) -> int:
        """A mail of somebody else is all there is to read: its header shows whose words they are."""
        self._sent_on_as = self._sent_on_as or "\n".join(self._lines.raw[at:below]).strip("\n" + BLANK)
        return self._below(below)

    def _below(self, at: int) -> int:
        """Mark the text as unsure: what was sent stands from line `at` on, and where its quote ends can't be seen."""
        self._unsure = self._unsure or "it has an older mail in it whose end can't be seen"
        return at

    def _cut(self, at: int, below: int) -> int:
        """Everything from line `at` on is an older mail without marks, whose header ends before line `below`."""
        own, legal = _perhaps_own(self._lines, below, self._card)
        title = (at,) if quotes.is_typed_title(self._lines, at) else ()
        self._beside.append("\n".join(self._lines.raw[i] for i in (*title, *legal)))
        self._judge(own, "what stands below the quoted mail could be part of the answer")
        self._end = at
        return at

    def _judge_below_card(self) -> None:
        """Judge the marked lines below the last one of the card: somebody may have typed there."""
        below = range(max(self._lines.card, default=self._end) + 1, self._end)
        lines = Lines(tuple(self._lines.raw[i].lstrip("> ") for i in below if self._lines.quoted[i]))
        self._beside.append("\n".join(lines.raw))
        shown = without_legal(lines, [i for i in range(len(lines)) if not lines.is_blank(i)])
        self._judge([lines.folded(i) for i in shown], BESIDE_QUOTE)

    def _is_all_card(self, at: int) -> bool:
        """Return whether the card stands from line `at` on, and nothing else."""
        others = (line for i, line in enumerate(self._lines.raw[at:], at) if i not in self._lines.card)
        return not any(map(stored.squashed, others))

    def _legal_above(self, at: int) -> int:
        """A legal footer begins on line `at`, above everything else: some servers put it there. Skip that paragraph."""
        end = next((i for i in range(at, len(self._lines)) if self._is_blank(i)), len(self._lines))
        if end - at <= FOOTER_LINES and _is_legal(self._lines, range(at, end), below_another=False):
            return self._skip(at, end)
        self._keep(at)
        return at + 1

    def _signed(self, at: int) -> int:
        """Line `at` begins a signature. It ends at the next quote; something that could be more text is kept."""
        end = self._signature_end = self._signature_end if at < self._signature_end else self._end_below(at)
        if end - at > FOOTER_LINES:
            self._keep(at)
            return at + 1
        shown = [i for i in range(at, end) if not self._is_blank(i)]
        has_legal, is_doubtful, is_unusual = _signed(self._lines, range(at, end))
        if not signature.begins_signature(self._lines, at):
            is_doubtful = is_doubtful or any(signature.has_remark(self._lines.raw[i]) for i in shown)
        if is_doubtful or not (has_legal or len(shown) <= SIGNATURE_LINES):
            self._keep(at)
            return at + 1
        self._unsure = self._unsure or (BELOW_DASHES if is_unusual else "")
        return self._skip(at, end)

    def _end_below(self, at: int) -> int:
        """The next line below `at` where a quote begins, or what stands above one."""
        starts = map(self._quote_begins, range(at + 1, self._end))
        return next((max(start, at + 1) for start in starts if start is not None), self._end)

    def _quote_begins(self, at: int) -> int | None:
        """The line where a quote begins, with what a program writes above it, if the one or the other ends on `at`."""
        lines = self._lines
        if lines.quoted[at] or quotes.begins_original(lines, at):
            return at
        start = quotes.attribution_ends(lines, at, self._floor)
        if start is not None:
            return start
        if found := shapes.attribution(lines, at, self._floor, self._own):
            return found.start
        return at if self._header_below(at) is not None else None

    def _header_below(self, at: int) -> int | None:
        """The line below the header in no known words that begins on line `at`.

        With nothing above it, short labels may be all that somebody writes: then a rule or a title must stand there.
        """
        lines = self._lines
        if self._first is None and not (is_rule(lines, at) or shapes.is_title(lines.folded(at))):
            return None
        return shapes.header_below(lines, at, self._own)

    def _attribution_ends(self, at: int) -> int | None:
        """The first line of the attribution that ends on line `at`.

        In words not known it may be a condition above a quote, unless it names our own address: then nothing is sure.
        """
        lines = self._lines
        start = quotes.attribution_ends(lines, at, self._floor)
        is_nameless = quotes.is_weak_attribution(lines, at) and not shapes.has_address(lines.folded(at))
        if start is not None or is_nameless:  # `_next` takes that line alone
            self._judge_attribution(range(at if start is None else start, at), at)
            return start
        found = shapes.attribution(lines, at, self._floor, self._own)
        if found is None:
            return None
        self._judge_attribution(range(found.start, at + 1), at)
        self._unsure = self._unsure or ("" if found.is_ours else BESIDE_QUOTE)
        return found.start

    def _judge_attribution(self, own: range, at: int) -> None:
        """Judge the lines `own` of an attribution that ends on line `at`: the upper ones may be what somebody says."""
        self._judge([self._lines.folded(i) for i in own], BESIDE_QUOTE)
        is_below_text = own.start > 0 and not self._is_blank(own.start - 1)
        if is_below_text and not quotes.is_wrapped(self._lines, range(own.start, at + 1)):
            self._unsure = self._unsure or BESIDE_QUOTE

    def _judge(self, own: list[str], reason: str) -> None:
        if len(own) > CUT_LINES or any(vocabulary.CAREFUL.search(each) or _is_condition(each) for each in own):
            self._unsure = self._unsure or reason

    def _is_blank(self, at: int) -> bool:
        return self._lines.is_blank(at)


def _signed(lines: Lines, signed: range) -> tuple[bool, bool, bool]:
    """Return whether these lines hold a legal footer, whether anything else there could take an approval back, and
    whether it holds a line that not all signatures do: `Just the small one`.
    """
    has_legal = is_doubtful = is_unusual = False
    paragraph, by_hand = list[int](), not _is_by_program(lines, signed.start)
    is_reached = any(signature.REACHED.search(lines.raw[i][:LINE_CHARS]) for i in signed)
    for i in (*signed, None):
        if i is not None and not lines.is_blank(i):
            paragraph.append(i)
            continue
        if _is_legal(lines, paragraph, below_another=has_legal):
            has_legal = True
        else:
            added = any(_is_added(lines, each, by_hand=by_hand) for each in paragraph)
            is_doubtful = is_doubtful or added or vocabulary.CAREFUL.search(_joined(lines, paragraph)) is not None
            usual = (_is_usual(lines, each, is_reached=is_reached) for each in paragraph)
            is_unusual = is_unusual or (by_hand and not all(usual))
        paragraph = []
    return has_legal, is_doubtful, is_unusual


def _is_by_program(lines: Lines, at: int) -> bool:
    """Return whether a program wrote the separator on line `at`, with its space (RFC 3676, 4.3).

    Any other line of dashes may be somebody's own.
    """
    return lines.raw[at].rstrip("\r") == "-- "


def _is_added(lines: Lines, at: int, *, by_hand: bool) -> bool:
    """Return whether line `at`, below a line of dashes, is a condition, a refusal or a sentence, which no
    signature holds.
    """
    text = lines.folded(at)
    if _is_condition(text) or signature.refuses(text):
        return True
    return by_hand and (signature.is_prose(lines.raw[at][:LINE_CHARS]) or signature.decides(text))


def _is_usual(lines: Lines, at: int, *, is_reached: bool) -> bool:
    """Return whether line `at`, below dashes that somebody may have drawn, is one that all signatures hold."""
    if signature.begins_signature(lines, at) or is_rule(lines, at) or signature.is_footer(lines, at):
        return True
    return all(signature.is_usual(part, is_reached=is_reached) for part in signature.parts(lines.raw[at]))


def _is_condition(text: str) -> bool:
    """Return whether the folded line `text` is a moment or a postscript, which only the writer can have added."""
    return vocabulary.ONLY_MOMENT.fullmatch(text) is not None or signature.POSTSCRIPT.match(text) is not None


def _is_legal(lines: Lines, paragraph: Sequence[int], *, below_another: bool) -> bool:
    """Return whether a paragraph is a company's legal footer and nothing else."""
    is_all = not any(signature.has_remark(lines.raw[i], is_edge=i in (paragraph[0], paragraph[-1])) for i in paragraph)
    return is_all and signature.is_legal(_joined(lines, paragraph), below_another=below_another)


def _joined(lines: Lines, paragraph: Iterable[int]) -> str:
    # Rules say nothing, and some mails are made of them.
    return " ".join(lines.folded(i) for i in paragraph if not is_rule(lines, i))


def _perhaps_own(lines: Lines, below: int, card: str) -> tuple[list[str], list[int]]:
    """Return what the person may have written below line `below`, where an older mail without marks begins, and which
    lines are a legal footer there.

    Not what is marked, and not what is the `card`; where that is not there, not what stands above the last line of a
    mail of ours. In another's mail questions are its own, but for those of the last paragraph, where an answer would
    stand.
    """
    ends = (i for i in range(len(lines) - 1, below - 1, -1) if marks.ends_mail(lines.raw[i]))
    # What stands between the header and the card may be a gateway's, and makes the mail no answer to it (`binding`).
    last = max(below, lines.card_at) - 1 if lines.card_at is not None else next(ends, below - 1)
    shown = [i for i in range(last + 1, len(lines)) if not lines.is_blank(i) and not lines.quoted[i]]
    all_shown, shown = shown, without_legal(lines, shown)
    legal = sorted({*all_shown} - {*shown})
    are_ours = stored.are_pieces([lines.raw[i] for i in shown], card)
    shown = [i for i, is_ours in zip(shown, are_ours, strict=True) if not is_ours]
    asks = set(shown if last < below else ()) - set(_last_paragraph(lines, below, shown))
    own = {i: lines.folded(i).translate(_QUESTION_MARKS if i in asks else {}) for i in shown}
    return [*own.values()], legal


def without_legal(lines: Lines, shown: list[int]) -> list[int]:
    """The lines `shown`, by number, without the legal footers in them, which servers put below everything."""
    kept, paragraph, has_legal = list[int](), list[int](), False
    for at, i in enumerate(shown):
        paragraph.append(i)
        if shown[at + 1 : at + 2] == [i + 1]:
            continue
        begins = has_legal or signature.begins_legal(lines, paragraph[0])
        has_legal = begins and _is_legal(lines, paragraph, below_another=has_legal)
        kept += () if has_legal else paragraph
        paragraph = []
    return kept


def _last_paragraph(lines: Lines, below: int, shown: list[int]) -> range:
    """The last paragraph, unless it is the only one below line `below`: then it is what was asked."""
    end = shown[-1] + 1 if shown else below
    start = next((i + 1 for i in range(end - 1, below - 1, -1) if lines.is_blank(i)), below)
    return range(start, end) if any(i < start for i in shown) else range(0)


def _with_questions(lines: Lines, kept: list[int]) -> str:
    """The kept lines, each group below the last quoted paragraph above it; nothing when they are in one piece."""
    shown = [i for i in kept if not lines.is_blank(i)]
    groups = [[shown[0]]]
    for before, at in pairwise(shown):
        if any(lines.quoted[i] for i in range(before + 1, at)):
            groups.append([])
        groups[-1].append(at)
    if len(groups) < 2:
        return ""
    return "\n\n".join(
        "\n".join((*_question(lines, group[0]), *(lines.raw[i].rstrip() for i in group))) for group in groups
    )


def _question(lines: Lines, at: int) -> list[str]:
    """The last quoted lines above line `at`, three at most."""
    above = at - 1
    while above >= 0 and lines.is_blank(above):
        above -= 1
    start = above
    while start >= 0 and lines.quoted[start] and above - start < 3:
        start -= 1
    return [lines.raw[i].rstrip() for i in range(start + 1, above + 1)]
