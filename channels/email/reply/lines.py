"""A text as lines: which are blank, which a mail program marked as quoted, which are nothing but a drawn rule."""

import re
from dataclasses import dataclass, field
from functools import cached_property

from channels.email.reply import vocabulary

LINE_CHARS = 1000
"""Characters of a line that are looked at; no line a mail program writes around a quote is longer."""

BLANK = " \t\r\f\v\u00a0\u200b\u200c\u200d\u200e\u200f\u2028\u2060\ufeff\u3000"

OLDER = "-----Original Message-----"
"""Stands above an older mail that an HTML text marks by a name of its program's."""

GROUPWISE = re.compile(r">>> [^>].{2,150}\d[:.]\d\d.{0,20} >>>")
"""The line with which one program begins a quote, which is no quoted line itself."""

GOES_ON = (",", "<")
"""Ends a line of an attribution that goes on in the next one."""

_AHEAD = 6
DIRECTIONS = dict.fromkeys((0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)))
"""Marks that say in which direction letters run; programs set them around addresses and dates."""

_LEADING = BLANK + "".join(map(chr, DIRECTIONS))
GAP = re.compile(f"[{_LEADING}]{{50,}}")
"""What moves the rest of a line out of sight, and past what is looked at of it."""

_ZEROS = (
    "\u0660\u06f0\u07c0\u0966\u09e6\u0a66\u0ae6\u0b66\u0be6\u0c66\u0ce6\u0d66\u0de6\u0e50\u0ed0\u0f20"
    "\u1040\u1090\u17e0\u1810\u1946\u19d0\u1a80\u1a90\u1b50\u1bb0\u1c40\u1c50\ua620\ua8d0\ua900\ua9d0"
    "\ua9f0\uaa50\uabf0\uff10"
)
"""The zero of each script that has digits of its own; the others follow it."""

_BARE = {**DIRECTIONS, **{ord(zero) + digit: str(digit) for zero in _ZEROS for digit in range(10)}}
_RULES = frozenset("-_=*~#\u2014\u2015\u2500 \t")
_STILL_WROTE = re.compile(rf">\s*(?:{vocabulary.WROTE})\s*:")
_CLOSES = re.compile(r">\s{0,3}[^\s>:][^>:]{0,30}:")
_MARKED = re.compile(r"\s{0,8}(?:>|\|(?=\s|$)|[A-Z][A-Za-z]{0,11}>(?=[\s>]|$))")


@dataclass(frozen=True)
class Lines:
    """A text as lines, and which of them are those of the `card` that it answers, where that is known. `quoted` marks
    those that begin as a quote does; everything else is asked by line number.
    """

    raw: tuple[str, ...]
    card: frozenset[int] = frozenset()
    _folded: dict[int, str] = field(default_factory=dict[int, str])

    @cached_property
    def quoted(self) -> tuple[bool, ...]:
        """True for each line that is marked as a quote, by `>`, `|`, or somebody's name and `>`, and what was broken
        off of a card that is marked so.
        """
        marked = list(map(_is_marked, self.raw))
        for above, line in enumerate(self.raw[1:]):
            # The `>` closes a bracket that some server has broken off.
            if (
                marked[above + 1]
                and self.raw[above].startswith("mailto:")
                and _CLOSES.fullmatch(line[:80].strip(BLANK))
            ):
                marked[above + 1] = False
        if self.card_at is not None and marked[self.card_at]:
            for at in self.card:
                marked[at] = True
        return tuple(marked)

    @cached_property
    def card_at(self) -> int | None:
        """The first line of the card."""
        return min(self.card, default=None)

    def __len__(self) -> int:
        """Return the number of lines."""
        return len(self.raw)

    def folded(self, at: int) -> str:
        """Line `at`, folded and trimmed, as far as it is looked at; with ASCII digits and no marks of direction."""
        if at not in self._folded:
            text = vocabulary.fold(self.raw[at][:LINE_CHARS].strip(BLANK)).lower()
            self._folded[at] = text if text.isascii() else text.translate(_BARE).strip(BLANK)
        return self._folded[at]

    def is_blank(self, at: int) -> bool:
        """Return whether nothing can be seen on line `at`."""
        return not self.raw[at] or not self.folded(at)

    def next_shown(self, at: int) -> int | None:
        """The first line from `at` on with something on it, if it comes soon."""
        return next((i for i in range(at, min(at + _AHEAD, len(self.raw))) if not self.is_blank(i)), None)


def _is_marked(line: str) -> bool:
    if line[:1] != ">" and _MARKED.match(line[:LINE_CHARS].lstrip(_LEADING)) is None:
        return False
    if line.rstrip(BLANK)[-3:] == ">>>" and GROUPWISE.fullmatch(vocabulary.fold(line[:LINE_CHARS].strip(BLANK))):
        return False
    short = line[:80].strip(BLANK)
    return not short.endswith("<<") and _STILL_WROTE.fullmatch(vocabulary.fold(short)) is None


def is_rule(lines: Lines, at: int) -> bool:
    """Return whether line `at` is a line drawn with dashes or the like."""
    text = lines.folded(at)
    return text in ("\u1427", "\u22ee") or (len(text) > 2 and _RULES.issuperset(text))
