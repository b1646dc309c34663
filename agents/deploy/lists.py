"""Lists on a card: the first of them are shown, and all are kept beside the run."""

import hashlib
from collections.abc import Sequence
from itertools import accumulate

from agents.requests import Fact, FullList

UNKNOWN = "unknown"
# What is kept of one list, beside the run. What is not is counted.
_LIST_BYTES = 256_000
_NEXT = "\n… "
_LISTS = {"Changes": "changes", "Takes back": "what it takes back", "CI": "checks"}


def unread_list(label: str, why: str) -> str:
    """The sentence that stands above everything else on a card whose list is not whole; nothing where it is."""
    return f"The list of {_LISTS.get(label, label.lower())} could not be read whole: {why}." if why else ""


def unknown(label: str, why: str) -> Fact:
    """A list that could not be read at all."""
    return Fact(label=label, text=f"{UNKNOWN}: {why}", unread=unread_list(label, why))


def listed(
    label: str, lines: Sequence[str], total: int, *, most: int, head: str = "", unread: str = "", is_row: bool = False
) -> Fact:
    """The first `most` of `lines`, how many more there are of `total`, and all lines as what is to be kept."""
    shown, left = (", " if is_row else "\n").join(lines[:most]), total - min(most, len(lines))
    more = f"and {left} more" if left > 0 else ""
    fact = Fact(
        label=label,
        text=f"{head}{shown}{more and (' ' if is_row else _NEXT) + more}",
        unread=unread_list(label, unread),
    )
    return kept(fact, lines) if left > 0 else fact


def kept(fact: Fact, lines: Sequence[str]) -> Fact:
    """`fact` with all of `lines` kept, as far as there is room."""
    if not lines:
        return fact
    sizes = accumulate(len(line.encode(errors="replace")) + 1 for line in lines)
    count = sum(1 for size in sizes if size <= _LIST_BYTES)
    content = "".join(f"{line}\n" for line in lines[:count])
    left = len(lines) - count
    too_long = unread_list(
        fact.label, f"of {len(lines)} lines only the first {count} are kept, and {left} more are not"
    )
    size_bytes, sha256 = len(content.encode()), hashlib.sha256(content.encode()).hexdigest()
    full = FullList(lines=count, size_bytes=size_bytes, sha256=sha256)
    unread = fact.unread or (too_long if left else "")
    return fact.model_copy(update={"full": full, "content": content, "unread": unread})
