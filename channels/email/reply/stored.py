"""Find a card of ours in a mail that answers it, by the text that was sent. Pure, and linear in the length of both."""

import re
import unicodedata
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from channels.email.reply.lines import BLANK

HEAD_CHARS = 12
"""Fewest letters by which a line in the midst of a card is known again where a quote leaves out what is above it."""

URL = re.compile(
    r"<(?:mailto:|https?://)[^<>\s]*>|https?://[^\s<>]+|<[^<>\s@]+@[^<>\s@]+>|\[(?:cid|image):[^\[\]\s]*\]"
)
_HOST = re.compile(r"https?://([\w.-]+)")
_DROPPED = re.compile(rf"[\s{BLANK}>|*_\u00ad]+")


@dataclass(frozen=True)
class Found:
    """Which lines of a mail are those of a card, by number, and the lines between them that are not."""

    lines: frozenset[int] = frozenset()
    within: tuple[str, ...] = ()


def find(lines: Sequence[str], text: str) -> Found:
    """Find the card `text` in the `lines` of a mail, whatever marks them: from its whole first line on, which has its
    code, to the last line that goes on with it. Where that line is not there nothing is found.
    """
    opening = squashed(text.lstrip().partition("\n")[0])
    letters = [squashed(line) for line in lines] if len(opening) >= HEAD_CHARS else []
    starts = [0, *accumulate(map(len, letters))]
    place = "".join(letters).find(opening) if letters else -1
    if place < 0 or starts[top := bisect_left(starts, place)] != place:
        return Found()
    while not letters[top]:
        top += 1
    shown = [at for at in range(top, len(lines)) if letters[at]]
    are_ours = are_pieces([lines[at] for at in shown], text)
    ours = frozenset(at for at, is_ours in zip(shown, are_ours, strict=True) if is_ours)
    last = max(ours, default=-1)
    return Found(ours, tuple(lines[at] for at in shown if at < last and at not in ours))


def strange(lines: Sequence[str], text: str) -> tuple[str, ...]:
    """Those of `lines` that are not the next piece of `text`."""
    return tuple(line for line, is_piece in zip(lines, are_pieces(lines, text), strict=True) if not is_piece)


def are_pieces(lines: Sequence[str], text: str) -> list[bool]:
    """Return for each of `lines` whether it is the next piece of `text`. A quote may leave out parts of it, and break
    lines.
    """
    card, starts, hosts = "", list[int](), _hosts_in(text)
    for line in text.split("\n"):
        starts.append(len(card))
        card += squashed(hosts.sub("", line))
    heads = defaultdict[str, list[int]](list)
    for start in starts:
        heads[card[start : start + HEAD_CHARS]].append(start)
    at, found = 0, list[bool]()
    for letters in (squashed(hosts.sub("", line)) for line in lines):
        known = heads.get(letters[:HEAD_CHARS], []) if len(letters) >= HEAD_CHARS else []
        later = bisect_left(known, at)
        places = (at, *known[later : later + 1])
        place = next((each for each in places if card.startswith(letters, each)), None)
        at = at if place is None else place + len(letters)
        found.append(place is not None)
    return found


def _hosts_in(text: str) -> re.Pattern[str]:
    """A pattern for where the links of `text` lead, as gateways write it behind them: `[sayso[.]example]`."""
    hosts = (re.escape(host).replace(r"\.", r"(?:\.|\[\.\])") for host in sorted({*_HOST.findall(text)}))
    return re.compile(rf"\[(?:{'|'.join(hosts) or '(?!)'})\]", re.IGNORECASE)


def squashed(text: str) -> str:
    """`text` without what mail programs change on the way: addresses, line breaks, marks, letter case."""
    plain = unicodedata.normalize("NFKC", URL.sub("", text)).casefold()
    return _DROPPED.sub("", plain)
