"""Find the banner a mail gateway puts above a mail from outside: `[EXTERNAL]`, `CAUTION: This email originated from …`.

Its words are not the writer's, also where they begin with `STOP!`. Only whole lines and paragraphs at the very top are
taken for a banner, and only where every sentence warns of what came from outside and none of them decides anything.
"""

import re

from channels.email.reply import signature
from channels.email.reply.lines import BLANK, LINE_CHARS, Lines, is_rule
from channels.email.reply.vocabulary import every

BANNER_LINES = 8
"""Longest banner; with more lines it is somebody's text."""

_MAIL, _OUTSIDE, _THIS = f"(?:{every('mail')})", f"(?:{every('outside')})", f"(?:{every('this')})"
_BEGINS = re.compile(rf"[\W_]{{0,12}}(?:{every('warning')})(?![^\W\d_])")
_SAYS = re.compile(
    rf"\b{_THIS}(?: \w+)? {_MAIL}\b[^.]{{0,80}}\b{_OUTSIDE}|\b{_THIS} (?:{every('is_a')}) {_OUTSIDE} {_MAIL}"
    rf"|{every('from_outside')}"
)
_MARK = r"\s*(?:[!.:*\]\u2013\u2014-][\W_]{0,12}|\Z)"
_STOPS = re.compile(rf"\A[\W_]{{0,12}}(?:{every('warns_to_stop')})(?:{_MARK}(?:{every('warns_to_think')}))*{_MARK}")
_THINKS = re.compile(rf"[\W_]{{0,12}}(?:(?:{every('warns_to_think')}){_MARK})+")
_HEADING = re.compile(
    rf"[\W_]*+(?:{_OUTSIDE}|{every('outside_short')}) {_MAIL}[\W_]*+|[\W_]*+{_MAIL} {_OUTSIDE}[\W_]*+"
    rf"|(?=\W*[\[*(#<])\W*+{_OUTSIDE}[\W_]*+"
)
_LIMITS = re.compile(rf"\b(?:{every('limits')})\b")
_WARNS = re.compile(rf"{_OUTSIDE}|{_MAIL}|{every('warns')}")
# Each may begin at one place only, so that a long run of anything is looked at once.
_ADDRESSES = re.compile(r"<[^<>]*>|https?://\S+|(?<![^\s@])[^\s@]++@[^\s@]++")
_SENTENCE = re.compile(r"[.!:*\]\u3002\uff1a\u3001]+")


def end(lines: Lines) -> int:
    """The line below the banner at the top of the text, and the rules drawn around it; 0 where there is none."""
    at, found = 0, 0
    while (start := _skip(lines, at)) < len(lines):
        below = _banner_ends(lines, start)
        if below is None:
            break
        at = found = _skip_rules(lines, below)
    return found


def stop_in(banner: str) -> str:
    """Return `banner` from a line on that begins with a stop, as a person's own may: `STOP! This mail is external`."""
    lines = Lines(tuple(banner.split("\n")))
    at = next((at for at in range(len(lines)) if _STOPS.match(lines.folded(at))), len(lines))
    return "\n".join(lines.raw[at:]).strip("\n" + BLANK)


def _banner_ends(lines: Lines, at: int) -> int | None:
    """The line below the banner that begins on line `at`: a whole paragraph, or its first line alone; a stop may stand
    above that by itself, and a call to think below the stop.
    """
    if _STOPS.fullmatch(lines.folded(at)):
        at = _skip(lines, at + 1)
        while at < len(lines) and _THINKS.fullmatch(lines.folded(at)):
            at = _skip(lines, at + 1)
    stop = at
    while stop < len(lines) and stop - at <= BANNER_LINES and not lines.is_blank(stop) and not is_rule(lines, stop):
        stop += 1
    paragraph = [lines.folded(i) for i in range(at, stop)]
    if stop - at <= BANNER_LINES and _is_banner(paragraph):
        return stop
    return at + 1 if _is_banner(paragraph[:1]) else None


def _is_banner(paragraph: list[str]) -> bool:
    paragraph = [*(_STOPS.sub("", line) for line in paragraph[:1]), *paragraph[1:]]
    text = " ".join(paragraph)
    if not text or len(text) > LINE_CHARS or signature.decides(text) or _LIMITS.search(text):
        return False
    text = _ADDRESSES.sub("", text)
    sentences = [each for each in _SENTENCE.split(text) if re.search(r"\w", each)]
    return (
        _BEGINS.match(text) is not None
        and (_SAYS.search(text) is not None or any(_HEADING.fullmatch(each.strip()) for each in sentences))
        and all(_WARNS.search(each) for each in (*sentences, *paragraph))
    )


def _skip(lines: Lines, at: int) -> int:
    """The first line from `at` on that is neither blank nor a rule."""
    while at < len(lines) and (lines.is_blank(at) or is_rule(lines, at)):
        at += 1
    return at


def _skip_rules(lines: Lines, at: int) -> int:
    """Behind a rule that ends the banner; a signature's dashes further down are not part of it."""
    return at + 1 if at < len(lines) and is_rule(lines, at) else at
