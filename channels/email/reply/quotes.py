"""Find the lines that a mail program wrote around and before a quote. Structure first, words second.

Everything here looks at a few lines at a time, and at a bounded part of each, so that a text of any shape takes time
in proportion to its length.
"""

import re
from itertools import islice, pairwise

from channels.email.reply import shapes, vocabulary
from channels.email.reply.lines import GOES_ON, GROUPWISE, OLDER, Lines, is_rule

NAME = "sayso"
"""The name that our mails come from."""

WROTE = rf"{vocabulary.WROTE}|{vocabulary.WROTE_ALONE}|{vocabulary.WROTE_WITHIN}"
SAYS_WROTE = re.compile(rf"(?<!\w)(?:{WROTE})(?!\w)")
BEFORE_NAME = rf"{WROTE}|{vocabulary.QUOTING}|{vocabulary.every('around_date')}|[ap]m|uhr|h|utc|cet|cest|gmt"
AROUND_NAME = rf"{NAME}|{BEFORE_NAME}|{vocabulary.MOMENT_WORDS}"
"""What stands in an attribution that prints our name alone: words for who wrote it and when."""

_ATTRIBUTION_LINES = 7
_ATTRIBUTION_CHARS = 600
_BLOCK_LINES = 14
_WROTE_CHARS = 160
_FULL_CHARS = 60
"""A line with the word below it that a program would have broken; they break at 72 or more."""

_MOMENT = re.compile(r"\b(?:19|20)\d\d\b|\d{1,2}[:.h]\d\d\b|\d{4}年|\b\d{1,2}[./]\d{1,2}[./]\d{2}\b|\d{1,2}時")
_DATE = re.compile(r"\b(?:19|20)\d\d\b|\d{4}年|\b\d{1,2}[./-]\d{1,2}[./-]\d{2}\b")
_ADDRESS = re.compile(r"(?<![^\s<>@\"'])[^\s<>@\"']+@[^\s<>@\"']+\.[a-z]{2,}")
_OPENER = re.compile(rf"[-\u2013*_ ]{{0,12}}(?:{vocabulary.OPENERS})(?=[\s.,:])")
_DATE_FIRST = re.compile(
    r"\W{0,3}(?:\d{1,2}:\d\d\b|\d{4}[-/年.]\d|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}\b|\d{1,2}\.? \w{3,9}\.? \d{4}\b)"
    r"|[^\d\W]{2,12}\.?,? \d{1,2}\.? "
)
_WROTE_END = re.compile(
    rf"(?:^|[\s>)\]\"',.\u3000-]|(?<=[\w]))(?:{vocabulary.WROTE})\s*(?::|\uff1a|-{{2,}}:?|\.\.\.)?\s*[*_]*$"
)
_STAMP_ONLY = re.compile(
    r"\d{4}-\d\d-\d\d \d{1,2}:\d\d (?:gmt|utc)[+-]\d\d:?\d\d .{1,80}"
    r"|\d{4}[/.-]\d{1,2}[/.-]\d{1,2} .{1,80}<[^<>@ ]+@[^<>@ ]+>:?"
)
_WROTE_WITHIN = re.compile(rf"\s(?:{vocabulary.WROTE_WITHIN})\s")
_QUOTING = re.compile(rf"(?:{vocabulary.QUOTING}) .{{1,120}}<[^<>]+>:")
_BARE_WROTE = re.compile(rf"[\w.\"' <>@+-]{{2,120}}(?:{vocabulary.WROTE_ALONE})\s?:")
_LABEL = re.compile(
    rf"[\s*_>|\u2022]{{0,8}}(?P<name>{vocabulary.FROM}"
    rf"|{vocabulary.OTHERS})[*_ ]{{0,3}}\s?[:\uff1a][*_]{{0,2}}(?P<value>.*)"
)
_FROM = re.compile(rf"(?:{vocabulary.FROM}|{vocabulary.FIRST})")
_SENDER = re.compile(vocabulary.FROM)
_ORIGINAL = re.compile(rf"\W{{0,12}}(?:{vocabulary.ORIGINAL}|{vocabulary.FORWARDED})\W{{0,12}}")
_BEGINS = re.compile(rf"\W{{0,4}}(?:{vocabulary.BEGINS})\s*[:\uff1a]\W{{0,2}}")
_ABOVE = re.compile(rf"\W{{0,12}}(?:{vocabulary.ABOVE})\W{{0,12}}")
_FORWARDED = re.compile(rf"\W{{0,12}}(?:{vocabulary.FORWARDED})\W{{0,12}}")
_OF_PROGRAMS = re.compile(rf"(?<![^\W\d_])(?:{AROUND_NAME}|{vocabulary.OPENERS})(?![^\W\d_])")
_WORD = re.compile(r"[^\W\d_]+")
_SHORT_CHARS = 3
_DASHES = "-_=*\u2014\u2015\u2500 "
_SECOND_LABEL = re.compile(rf" (?:{vocabulary.FIRST}): ")
_URL_ONLY = re.compile(r"[\s(<\[]*https?://\S+[\s>]*")


def attribution_ends(lines: Lines, at: int, floor: int) -> int | None:
    """The first line, not above `floor`, of the `On …, … wrote:` that ends on line `at`; None when none ends there."""
    last = lines.folded(at)
    if not last or lines.quoted[at]:
        return None
    if _STAMP_ONLY.fullmatch(last):
        return at
    if last.endswith((":", "\uff1a", ":*")) or (last.startswith("--") and last.endswith("--") and _says_wrote(last)):
        return _attribution_start(lines, at, floor, wrote=_says_wrote(f"{lines.folded(at - 1) if at else ''} {last}"))
    return None


def _says_wrote(text: str) -> bool:
    """Return whether `text` ends with what somebody did who is quoted."""
    return _WROTE_END.search(text[-_WROTE_CHARS:]) is not None


def _attribution_start(lines: Lines, at: int, floor: int, *, wrote: bool) -> int | None:
    joined, blanks = "", 0
    for start in range(at, max(at - _ATTRIBUTION_LINES, floor - 1), -1):
        text = lines.folded(start)
        if text and "@" in joined and shapes.is_whole(joined) and not text.endswith(GOES_ON):
            return None
        blanks += not text
        joined = f"{text} {joined}".strip()
        if lines.quoted[start] or len(joined) > _ATTRIBUTION_CHARS or blanks > 2:
            return None
        if text and _is_attribution(joined, wrote=wrote, torn=blanks > 0):
            if start < at and not _is_written_by_program(text):
                return None
            return _with_lines_above(lines, start, floor, whole=_DATE.search(joined) is not None)
    return None


def _is_attribution(text: str, *, wrote: bool, torn: bool) -> bool:
    """Return whether `text`, on one line, says who wrote something, when or from which address, and that it follows.

    `torn` by blank lines, it must begin as one and name both.
    """
    moment, address = _MOMENT.search(text) is not None, _ADDRESS.search(text) is not None
    begins = _begins_attribution(text)
    if torn:
        return wrote and moment and address and begins
    if wrote and ((moment and begins) or (text.startswith("--") and text.endswith("--"))):
        return True
    if moment and begins and _WROTE_WITHIN.search(text):
        return True
    if (
        moment
        and address
        and _DATE_FIRST.match(text)
        and _DATE.search(text)
        and text.endswith((">:", ">):", ">\uff1a"))
    ):
        return True
    if moment and address and (wrote or _WROTE_WITHIN.search(text)):
        return begins or text[:1] in "\"'<*" or _names_first(text)
    return address and ((wrote and _names_first(text)) or _QUOTING.fullmatch(text) is not None)


def _begins_attribution(text: str) -> bool:
    return _OPENER.match(text) is not None or _DATE_FIRST.match(text) is not None


def _names_first(text: str) -> bool:
    """Return whether an address stands near the beginning, behind nothing but a name."""
    found = _ADDRESS.search(text)
    before = text[: found.start()] if found else ""
    return found is not None and len(before.split()) <= 8 and not re.search(r"[.!?;:]\s", before)


def _is_written_by_program(text: str) -> bool:
    """Return whether `text` may be the first line of several of an attribution: `Friday only` is what somebody says."""
    goes_on = text.endswith(GOES_ON) and (_begins_attribution(text) or _MOMENT.search(text) is not None)
    return text.endswith("<") or goes_on or shapes.has_date(text)


def _with_lines_above(lines: Lines, start: int, floor: int, *, whole: bool) -> int:
    """The line where an attribution begins that was broken into several, the last of which is `start` or below.

    `whole` when these hold a date. One date is enough: `on Friday at 17:00` above it is what somebody says.
    """
    for above in range(start - 1, max(start - 5, floor - 1), -1):
        text = lines.folded(above)
        if text == "<" or (not text and _is_torn_above(lines, above - 1, floor)):
            continue
        opens = _is_written_by_program(text) and (not whole or text.endswith(GOES_ON))
        if not text or lines.quoted[above] or len(text) > 100 or text[-1] in ".!?:" or not opens:
            return above + 1
    return max(start - 4, floor)


def is_wrapped(lines: Lines, attribution: range) -> bool:
    """Return whether a program broke each line but the last: it goes on, is full, or stands at an address.

    `On 3 March 2027 at 17:00` right below somebody's own text, above `sayso wrote:`, may be part of that text.
    """
    shown = [lines.folded(i) for i in attribution if not lines.is_blank(i)]
    return all(
        text.endswith((*GOES_ON, ">"))
        or below.startswith(">")
        or (below.startswith("<") and not text[-1].isdigit())
        or len(text) + len(below.split()[0]) >= _FULL_CHARS
        for text, below in pairwise(shown)
    )


def is_weak_attribution(lines: Lines, at: int) -> bool:
    """Return whether line `at`, alone above a marked quote, names a moment and ends in a colon, in words not known."""
    text = lines.folded(at)
    alone = at == 0 or lines.is_blank(at - 1)
    fits = alone and text.endswith((":", "\uff1a")) and len(text) <= 200 and _MOMENT.search(text) is not None
    return (
        fits
        and at + 1 < len(lines)
        and (lines.quoted[at + 1] or (lines.is_blank(at + 1) and quote_follows(lines, at + 1)))
    )


def _is_torn_above(lines: Lines, at: int, floor: int) -> bool:
    """Return whether line `at`, above a blank one, is the beginning of an attribution that goes on below."""
    text = lines.folded(at) if at >= floor else ""
    fits = text != "" and text[-1] not in ".!?:" and len(text) <= 100
    return fits and _OPENER.match(text) is not None and _MOMENT.search(text) is not None


def may_be_typed(text: str, own: str) -> bool:
    """Return whether the folded line `text`, which stands where a program says who wrote what follows, does not say who
    (`On 9 March 2026 at 17:00:`), or has words that none is known to write there: `The small one at 17:00:`. No list
    tells a language from a remark, but nobody types `own`, the address of our mails, and short words beside our name
    are those of a language.
    """
    if shapes.names(text, own):
        return False
    has_name = re.search(rf"(?<!\w){NAME}(?!\w)", text) is not None
    # `sayso, Monday at 17:00:` may be said to us.
    is_named = has_name and (shapes.has_date(text) or _WORD.findall(text) == [NAME])
    if not is_named and not SAYS_WROTE.search(text):
        return True
    return any(len(word) > _SHORT_CHARS or not has_name for word in _WORD.findall(_OF_PROGRAMS.sub(" ", text)))


def is_typed_title(lines: Lines, at: int) -> bool:
    """Return whether line `at`, above the header of an older mail, is a title in words that no program is known to
    write there: `--- Just the small one ---`.
    """
    text = lines.folded(at)
    is_known = any(known.fullmatch(text) for known in (_ORIGINAL, _ABOVE, GROUPWISE))
    return _is_dashed(text) and not (is_known or _says_wrote(text.strip(_DASHES)))


def is_bare_name(lines: Lines, at: int) -> bool:
    """Return whether line `at` is `Some Name wrote:` right above a marked quote."""
    following = lines.next_shown(at + 1)
    return following is not None and lines.quoted[following] and _BARE_WROTE.fullmatch(lines.folded(at)) is not None


def begins_original(lines: Lines, at: int) -> bool:
    """Return whether all from line `at` on is an older mail: a header block, `--- Original Message ---`, or alike."""
    text = lines.folded(at)
    if not text or lines.quoted[at]:
        return False
    if lines.raw[at] == OLDER:
        return True
    if _LABEL.match(text):
        return _is_header_block(lines, at)
    if _BEGINS.fullmatch(text) or _ABOVE.fullmatch(text) or GROUPWISE.fullmatch(text):
        return True
    if is_rule(lines, at) or _is_dashed(text):
        said = text.strip(_DASHES)
        return _ORIGINAL.fullmatch(text) is not None or _says_wrote_above(said) or _header_follows(lines, at)
    return False


def _says_wrote_above(text: str) -> bool:
    """Return whether `text`, from between dashes, is `sayso <…> wrote:`, which stands above a whole mail."""
    return text.endswith(":") and _says_wrote(text)


def begins_forwarded(lines: Lines, at: int) -> bool:
    """Return whether the older mail that begins on line `at` says it was forwarded: then it is what somebody sends."""
    return _FORWARDED.fullmatch(lines.folded(at)) is not None or _BEGINS.fullmatch(lines.folded(at)) is not None


def _is_dashed(text: str) -> bool:
    """Return whether `text` is words between dashes, such as `--- Original Message ---`."""
    inner = text.strip(_DASHES + ">|:")
    return 0 < len(inner) <= 80 and text[:2].strip(_DASHES + ">|") == "" and text.rstrip(":")[-2:].strip(_DASHES) == ""


def _header_follows(lines: Lines, at: int) -> bool:
    following = lines.next_shown(at + 1)
    return following is not None and not lines.quoted[following] and _is_header_block(lines, following)


def _is_header_block(lines: Lines, at: int) -> bool:
    """Return whether the lines from `at` on are the header of a mail.

    That is three labels of different names close together, or two with an address and a moment.
    """
    names, values, gap = set[str](), list[str](), 0
    first = _LABEL.match(lines.folded(at))
    if first is None:
        return False
    for i in range(at, min(at + _BLOCK_LINES, len(lines))):
        label = _LABEL.match(lines.folded(i))
        gap = 0 if label else gap + 1
        if gap > 3:
            break
        if label and i > at and label["name"] == first["name"]:
            break
        if label:
            names.add(label["name"])
        values.append(label["value"] if label else lines.folded(i))
    said = " ".join(values)
    if len(names) >= 3:
        return said.strip(" *_") != "" and any(_FROM.fullmatch(name) for name in names)
    pair = len(names) == 2 or (":" in first["value"] and _SECOND_LABEL.search(first["value"]) is not None)
    if not pair or not _FROM.fullmatch(first["name"]):
        return False
    near = " ".join(values[:3])
    return _ADDRESS.search(near) is not None and _MOMENT.search(near) is not None


def header_end(lines: Lines, at: int) -> int:
    """The line behind the header block at the top of the older mail that begins on line `at`."""
    top = range(at, min(at + _BLOCK_LINES, len(lines)))
    last = next((i for i in reversed(top) if _LABEL.match(lines.folded(i))), at)
    return last + 1


def one_header_end(lines: Lines, at: int) -> int:
    """The line behind the labels that begin on line `at`; `at` where none do. Unlike `header_end` it skips nothing
    that somebody may have written, and no second block.
    """
    names, end, is_bare = set[str](), at, False
    for i in range(at, min(at + _BLOCK_LINES, len(lines))):
        label = _LABEL.match(lines.folded(i))
        if label and label["name"] not in names:
            names.add(label["name"])
            is_bare, end = not label["value"].strip(" *_"), i + 1
        elif label:
            break
        elif is_bare and not lines.is_blank(i):  # a value that stands below its label
            is_bare, end = False, i + 1
        elif not lines.is_blank(i) and not _goes_on_with_addresses(lines, i):
            break
    return end


def _goes_on_with_addresses(lines: Lines, at: int) -> bool:
    """Return whether line `at` goes on with the people of the header line above it, and says nothing else: a name below
    its label, and `ask cy@corp.example first` in the midst, may be what somebody says.
    """
    text, above = lines.folded(at).rstrip(" ,;"), lines.folded(at - 1)
    if _ADDRESS.fullmatch(text):
        return above != ""
    is_of_people = text.endswith((">", ")", "]")) and _ADDRESS.search(text) is not None
    return is_of_people and ((above != "" and text[0] == "<") or (above.endswith((",", ";")) and "@" in above))


def sender_in(lines: Lines) -> str | None:
    """What `lines`, which stand above an older mail, say of who wrote it, as it is written: the value of a header that
    names a sender, or all of what is no header. None where a header names none.
    """
    found, is_header = "", False
    for i in range(len(lines)):
        label = _LABEL.match(lines.folded(i))
        is_header = is_header or label is not None
        if found and label:
            break
        if found:
            found += lines.raw[i]
        elif label and _SENDER.fullmatch(label["name"]):
            found = re.split("[:\uff1a]", lines.raw[i], maxsplit=1)[1] + "\n"
    return found or (None if is_header else "\n".join(lines.raw))


def quote_follows(lines: Lines, at: int) -> bool:
    """Return whether the next line with something on it, from `at` on, is marked as a quote."""
    following = next((i for i in islice(range(at, len(lines)), 40) if not lines.is_blank(i)), None)
    return following is not None and lines.quoted[following]


def is_continuation(lines: Lines, at: int) -> bool:
    """Return whether line `at`, right between two marked lines, is the rest of the one above, broken by some server.

    Where the card is known, so is what is broken off of it.
    """
    if not 0 < at < len(lines) - 1 or not (lines.quoted[at - 1] and lines.quoted[at + 1]) or lines.is_blank(at):
        return False
    if lines.card:
        return False
    above, text = lines.folded(at - 1), lines.folded(at)
    if _URL_ONLY.fullmatch(text) or "://" in above.split()[-1]:
        return True
    return len(above) >= 60 and above[-1] not in ".!?:;\"')>\u201d"
