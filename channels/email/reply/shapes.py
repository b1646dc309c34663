"""Recognise what a mail program writes around a quote by its shape alone: no word of any language is known here.

A shape is believed only beside something that no person's own text has: a marked quote below, the end of the mail, our
own address, or a stamp that only programs write. Whatever else looks like one stays, because an answer that is read
with too much in it is asked back, and one with too little is lost.
"""

import re
from dataclasses import dataclass
from itertools import islice

from channels.email.reply.lines import GOES_ON, Lines, is_rule

_ATTRIBUTION_LINES = 5
_ATTRIBUTION_CHARS = 400
_BLOCK_LINES = 14
_QUOTE_AHEAD = 40
_LABELS, _OUR_LABELS = 4, 3
"""Fewest labels of a header: from, to, when, about what; and of one that names our own address."""

_LONG_RULE = 16
"""Shortest rule above a header; people draw shorter ones."""

_TITLE_DASHES, _QUOTE_DASHES = 5, 4
"""Fewest dashes on each side of a title above a header, and above a marked quote; people set two or three."""

_COLON = (":", "\uff1a", "\ufe55", "\u1365", "\u1366", "\u0589")
_EMPHASIS = "*_ "

# Looked for from the sign on, so that a long run of anything is looked at once.
_ADDRESS = re.compile(r"(?<=[^\s<>@\"'(\[])@[^\s<>@\"'()\[\]]+\.[^\W\d_]{2,}")
_WHOLE_ADDRESS = re.compile(r"(?<![^\s<>@\"'()\[\]:])[^\s<>@\"'()\[\]:]++@[^\s<>@\"'()\[\]]+|https?://\S+|mailto:")
_IN_BRACKETS = re.compile(r"[<(\[](?:mailto:)?[^\s<>@\"'()\[\]]{1,80}@[^\s<>@\"'()\[\]]{1,80}[>)\]]|[<(\[]mailto:")
_NAMED = re.compile(r"\"[^\"]{1,60}\" ?<[^\s<>@]{1,80}@")
_TORN = re.compile(
    r"@[^\s<>@]{1,80}<\s?mailto:|<\s?mailto:[^<>@]{1,80}<|<\s[^\s<>@]{1,80}@"
    r"|(?:^|\n)<[^\s<>@]{1,80}@[^\s<>@]{1,80}>\n"
)
"""An address twice, or alone on a line, or broken off behind its bracket: nobody writes it so."""

_TIME = re.compile(r"(?<![\d:.+])(?<![tc]-)\d{1,2}\s?[:.h\u6642\u65f6\u70b9\u9ede\uc2dc]\s?[0-5]\d(?!\d)(?::[0-5]\d)?")
_YEAR = re.compile(r"(?<![\d.,:])(?:1[34]|19|20|25)\d\d(?!\d)")
_DAY = re.compile(r"(?<![\d:.,-])[0-3]?\d(?![\d:]|[.,]\d)")
_NUMERIC = re.compile(
    r"(?<!\d)(?:\d{1,2}[./-]\s?\d{1,2}[./-]\s?(?:\d{2}|\d{4})|\d{4}[./-]\s?\d{1,2}[./-]\s?\d{1,2}"
    r"|[^\W\d_]{3,9}-\d{1,2}-\d{2,4})(?!\d)"
)
_STAMP = re.compile(r"\d{1,2}:\d\d(?::\d\d)?(?: [ap]m)?,?\s\(?(?:(?:gmt|utc) ?)?[+-]\d{1,2}:?(?:\d\d)?\b")
"""A time with what it is ahead of UTC, or behind."""

_MAIL_DATE = r"[^\W\d_]{3}(?:,|=2c) \d{1,2} [^\W\d_]{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}"
"""A date as it stands in the header of a mail (RFC 5322, 3.3); the comma encoded, as some servers leave it."""

_ONLY_MAIL_DATE = re.compile(rf"\W{{0,3}}{_MAIL_DATE}(?: \(\w{{1,5}}\))?\W{{0,3}}")
_ON_ONE_LINE = re.compile(rf"[^\s:]{{1,80}}@[^\s:]{{1,80}} [^\s\d:]{{1,20}}\s?: {_MAIL_DATE}")
_MAIL_STAMPED = re.compile(
    rf"(?:\w{{1,12}} )?{_MAIL_DATE},? [^<>@\n]{{1,60}}<[^\s<>@]{{1,80}}@[^\s<>@]{{1,80}}>(?: \S{{1,20}}){{0,3}}"
)

_FRONT_WORDS = 3
"""Most words before the date with which an attribution begins."""

_FIGURE = re.compile(r"\d")
_LABEL = re.compile(
    r"[\s*_|\u2022]{0,8}(?P<name>[^\s\d:\uff1a*_<>@\"(\[][^\d:\uff1a<>@\"]{0,23}?)[*_ \u3000]{0,3}[:\uff1a][*_]{0,2}"
    r"(?P<value>(?!//).*)"
)
_ANSWERED = re.compile(r"[*_ ]*[^\W\d_]{1,6}(?:\[\d+\])?\s?[:\uff1a]\s?\S")
"""Begins the subject of an answer, such as `Re: `."""


@dataclass(frozen=True)
class Attribution:
    """The lines of an attribution, from line `start` on. `is_ours`: it names our own address, so it is of our mail."""

    start: int
    is_ours: bool


def has_address(text: str) -> bool:
    """Return whether a mail address stands in the folded `text`."""
    return "@" in text and _ADDRESS.search(text) is not None


def is_whole(text: str) -> bool:
    """Return whether the folded `text` names an address and a day: a line above it belongs to it only if it goes on."""
    return has_address(text) and has_date(_WHOLE_ADDRESS.sub(" ", text))


def names(text: str, own: str) -> bool:
    """Return whether the address `own`, with or without a tag, stands in the folded `text`."""
    local, _, domain = own.lower().partition("@")
    if not domain or "@" not in text:
        return False
    tagged = rf"{re.escape(local)}(?:[+-][^\s<>@]{{1,80}})?@{re.escape(domain)}"
    return re.search(rf"(?<![\w.+-]){tagged}(?![\w.-]*\w)", text) is not None


def attribution(lines: Lines, at: int, floor: int, own: str) -> Attribution | None:
    """The attribution that ends on line `at`, not above line `floor`: a date and an address, and then a colon."""
    last = lines.folded(at)
    if lines.quoted[at]:
        return None
    if not _ends(last):
        is_alone = at == floor or lines.is_blank(at - 1)
        is_stamped = is_alone and _MAIL_STAMPED.fullmatch(last) is not None
        return Attribution(at, names(last, own)) if is_stamped else None
    window = range(max(at - _ATTRIBUTION_LINES + 1, floor), at + 1)
    follows, joined = _follows(lines, at + 1), ""
    if is_title(last, _QUOTE_DASHES):
        return Attribution(at, is_ours=False) if follows == "quote" else None
    if not any(map(_FIGURE.search, map(lines.folded, window))):
        return None
    for start in reversed(window):
        text = lines.folded(start)
        if not text and joined[:1] != "<":
            return None
        if text and "@" in joined and is_whole(joined) and not text.endswith(GOES_ON):
            return None
        joined = f"{text}\n{joined}" if joined else text
        if lines.quoted[start] or len(joined) > _ATTRIBUTION_CHARS or "?" in joined:
            return None
        if text and _is_attribution(joined, follows, own, is_alone=start == floor or lines.is_blank(start - 1)):
            return Attribution(_with_line_above(lines, start, floor, joined), names(joined, own))
    return None


def _ends(text: str) -> bool:
    """Return whether `text` may end an attribution: in a colon, or framed by dashes."""
    if text.startswith("--") and text.endswith("--"):
        return text.strip("-*_ ") != ""
    return text.rstrip(_EMPHASIS).endswith(_COLON)


def _is_attribution(text: str, follows: str, own: str, *, is_alone: bool) -> bool:
    """Return whether `text` says when somebody wrote something, and from which address, and what `follows` agrees."""
    bare = _WHOLE_ADDRESS.sub(" ", text)
    when, time, address = has_date(bare), _times(bare) > 0, has_address(text)
    is_ours = names(text, own)
    is_stamped, is_torn = _STAMP.search(bare) is not None, _TORN.search(text) is not None
    if follows == "quote":
        is_named = address and (when or (_DAY.search(bare) is not None and (time or is_torn)))
        is_dated = when and time and (is_alone or is_stamped or _begins_with_date(text))
        return is_named or is_dated or (is_ours and is_alone)
    if not (address and when and time):
        return False
    is_programs = is_stamped or is_ours or _NAMED.search(text) is not None
    return is_torn or (is_alone and (follows == "nothing" or is_programs))


def _times(text: str) -> int:
    """The number of times of a day in `text`; how far it is from UTC is none."""
    return len(_TIME.findall(_NUMERIC.sub(" ", text)))


def _begins_with_date(text: str) -> bool:
    """Return whether no more than a weekday and a word like `on` stand before the first figure."""
    figure = _FIGURE.search(text)
    return figure is not None and len(text[: figure.start()].split()) <= _FRONT_WORDS


def has_date(text: str) -> bool:
    """Return whether a day of a year is named in the folded `text`, in figures; the month may be a word."""
    if _NUMERIC.search(text):
        return True
    year = _YEAR.search(text)
    if year is None:
        return False
    return _DAY.search(_TIME.sub(" ", f"{text[: year.start()]} {text[year.end() :]}")) is not None


def _with_line_above(lines: Lines, start: int, floor: int, joined: str) -> int:
    """The line above line `start` where that one goes on: it ends in a comma, or what is `joined` below has no day."""
    above = start - 1
    if above < floor or lines.quoted[above] or lines.is_blank(above):
        return start
    text = lines.folded(above)
    goes_on = text.endswith(GOES_ON) or not has_date(_WHOLE_ADDRESS.sub(" ", joined))
    return above if goes_on and len(text) <= 100 and _DAY.search(text) else start


def _follows(lines: Lines, at: int) -> str:
    """Return what comes next from line `at` on: a marked `quote`, `nothing`, or other `text`."""
    shown = next((i for i in islice(range(at, len(lines)), _QUOTE_AHEAD) if not lines.is_blank(i)), None)
    if shown is None:
        return "nothing" if len(lines) - at <= _QUOTE_AHEAD else "text"
    return "quote" if lines.quoted[shown] else "text"


def header_below(lines: Lines, at: int, own: str) -> int | None:
    """The line below the header of an older mail that begins on line `at`, or with a rule or a title there."""
    if lines.quoted[at] or lines.is_blank(at):
        return None
    start = at
    if is_title(lines.folded(at)) or is_rule(lines, at):
        below = lines.next_shown(at + 1)
        if below is None or lines.quoted[below]:
            return None
        start = below
    return labels_at(lines, start)[1] if _begins_header(lines, start, own) else None


def _begins_header(lines: Lines, at: int, own: str) -> bool:
    """Return whether the lines from `at` on are the header of a mail: short labels, of which one holds an address and
    one a date, and something that only a program puts there.
    """
    labels = labels_at(lines, at)[0]
    values = list(labels.values())
    if values and _ON_ONE_LINE.match(values[0].strip()):
        return True
    dated = [i for i, value in enumerate(values) if _is_moment(value)]
    addressed = [value for value in values if has_address(value)]
    if len(dated) != 1 or not addressed:
        return False
    has_time = _times(values[dated[0]]) > 0
    is_named = dated == [1] and len(labels) == _LABELS  # a name, and then when
    if _ONLY_MAIL_DATE.fullmatch(values[dated[0]]):
        return True
    if len(labels) >= _LABELS and _rule_above(lines, at, has_time=has_time):
        return True
    # What says neither who nor when may be the last line of the answer.
    if not (has_time and (is_named or dated == [0] or has_address(values[0]))):
        return False
    if len(labels) >= _OUR_LABELS and any(names(value, own) for value in addressed):
        return True
    is_programs = any(_IN_BRACKETS.search(value) or _ANSWERED.match(value) for value in values)
    return len(labels) >= _LABELS and is_programs and not _is_announced(lines, at)


def _is_moment(value: str) -> bool:
    """Return whether a label's `value` is a day and nothing like a sentence, nor a length of time."""
    bare = value.strip(_EMPHASIS)
    return len(bare) <= 60 and not has_address(bare) and has_date(bare) and _times(bare) < 2


def labels_at(lines: Lines, at: int) -> tuple[dict[str, str], int]:
    """The labels that begin on line `at` and their values, and the line below them. A value may go on below."""
    found, name, end = dict[str, str](), "", at
    for i in range(at, min(at + _BLOCK_LINES, len(lines))):
        if lines.quoted[i] or lines.is_blank(i) or is_rule(lines, i):
            break
        label = _LABEL.match(lines.folded(i))
        if label and len(label["name"].split()) <= 3 and label["name"] not in found:
            name, end = label["name"], i + 1
            found[name] = label["value"]
        elif label or i == at or i - end >= 2:
            break
        elif has_address(lines.folded(i)) or not found[name].strip(_EMPHASIS):
            found[name] += f" {lines.folded(i)}"
            end = i + 1
    return found, end


def _rule_above(lines: Lines, at: int, *, has_time: bool) -> bool:
    """Return whether a long rule stands right above line `at`, or above what holds a time a title between dashes."""
    above = _shown_above(lines, at)
    if above is None:
        return False
    text = lines.folded(above)
    return (has_time and is_title(text)) or (is_rule(lines, above) and len(text) >= _LONG_RULE)


def _is_announced(lines: Lines, at: int) -> bool:
    """Return whether the line above line `at` ends in a colon: somebody says that a list follows."""
    above = _shown_above(lines, at)
    return above is not None and lines.folded(above).endswith(_COLON)


def _shown_above(lines: Lines, at: int) -> int | None:
    return next((i for i in range(at - 1, max(at - 4, -1), -1) if not lines.is_blank(i)), None)


def is_title(text: str, dashes: int = _TITLE_DASHES) -> bool:
    """Return whether the folded `text` is a short title between that many dashes or more."""
    inner, framed = text.strip("-*_ "), text.strip("* ")
    is_framed = framed.startswith("-" * dashes) and framed.endswith("-" * dashes)
    return is_framed and 0 < len(inner) <= 40 and len(inner.split()) <= 5
