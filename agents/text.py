"""Text that others wrote, made safe to show: without what nobody sees, and no longer than it may be."""

import base64
import hashlib
import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import unquote, urlsplit

# Control, format, surrogate and private-use characters, line and paragraph separators.
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
# Letters, marks and symbols by category that show nothing all the same: joiners, fillers, variation selectors.
# https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point
_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]"
)


def strip_invisible(text: str) -> str:
    """`text` with its line breaks and tabs, and without all other characters that nobody sees."""
    if text.isascii() and text.isprintable():
        return text
    unseen = {ord(char): None for char in set(text) if char not in "\n\t" and _is_unseen(char)}
    return text.translate(unseen) if unseen else text


@lru_cache(maxsize=4_096)
def _is_unseen(char: str) -> bool:
    return unicodedata.category(char) in _UNSEEN or _BLANK.match(char) is not None


# Letters of Cyrillic and Greek, in small, that nobody tells from Latin ones.
_LIKE_LATIN = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0432\u043a\u043c\u043d\u0442\u03bf\u03b1\u03bd\u03c1\u03c5\u03b9\u03ba\u03c4",
    "aeopcyxijsbkmhtoavpuikt",
)


def as_seen(text: str) -> str:
    """`text` as people tell it from another one: without letter case, spaces that are no word's, and what only looks
    otherwise to a program.
    """
    shown = unicodedata.normalize("NFKC", strip_invisible(text)).casefold()
    return " ".join(shown.split()).translate(_LIKE_LATIN)


def says_something(text: str) -> bool:
    """Return whether anybody sees a letter or a digit in `text`."""
    return any(char.isalnum() for char in strip_invisible(text))


def one_line(text: str, chars: int) -> str:
    """`text` as one visible line of at most `chars` characters."""
    line = " ".join(strip_invisible(text).split())
    return line if len(line) <= chars else line[: chars - 1] + "…"


def labelled(label: str, text: str) -> str:
    """`label: text`, later lines of the text indented, so that none of them passes for another label's."""
    return f"{label}: " + "\n  ".join(text.splitlines())


def first_line(text: str, chars: int) -> str:
    """The first line of `text` that shows anything, as `one_line`: for a mail, its subject."""
    lines = (one_line(line, chars) for line in text.splitlines())
    return next((line for line in lines if line), "")


def ends_of(text: str, head_chars: int, tail_chars: int, where: str = "") -> str:
    """`text`, or its head and tail with the size and hash of all of it, and `where` that is, in place of the middle."""
    if len(text) <= head_chars + tail_chars:
        return text
    digest = hashlib.sha256(text.encode(errors="replace")).hexdigest()[:12]
    size = f"{len(text) - head_chars - tail_chars} of {len(text)} characters left out, sha256 {digest}"
    left_out = f"[… {size}; {where} …]" if where else f"[… {size} …]"
    return f"{text[:head_chars]}\n{left_out}\n{text[-tail_chars:]}"


def quote(text: str, chars: int) -> str:
    """Quote somebody else's words on one line, from whose quotation marks they can't get out."""
    return f"“{one_line(text, chars).translate(_INNER)}”"


_INNER = str.maketrans("“”„‟«»", "''''''")


# Less of a secret than this tells nobody anything, and is found in many a harmless word.
_PART_CHARS = 8
# No answer is searched beyond what is ever shown of it, with room for what is hidden.
_SEARCHED_CHARS = 10_000
_INSTEAD = "[key]"


def secrets_of(api_key: str, base_url: str | None, headers: Iterable[str] = ()) -> tuple[str, ...]:
    """Return what only its receiver may read: the key, what headers say, and a name and password in the address.

    A server that wants no key is given a word such as none, EMPTY or ollama, and a header may say 1 or true: to mask
    that would maim every text.
    """
    keys = [one for one in (api_key, *headers) if len(one) >= _PART_CHARS]
    try:
        parts = urlsplit(base_url or "")
    except ValueError:  # an address that can't be read may hold a password anywhere
        return (*keys, base_url or "")
    userinfo = parts.netloc.rpartition("@")[0]
    if not userinfo:
        return (*keys,)
    plain = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    basic = base64.b64encode(plain.encode()).decode()
    password = parts.password or ""
    return tuple(dict.fromkeys(filter(None, (*keys, userinfo, plain, basic, password, unquote(password)))))


def hidden(text: str, secrets: tuple[str, ...], chars: int) -> str:
    """`text` as one visible line of at most `chars` characters, without the secrets and their longer parts."""
    line = one_line(text, _SEARCHED_CHARS)  # a character that nobody sees must not split a secret
    spots = bytearray(len(line))
    for secret in secrets:
        size = min(len(secret), _PART_CHARS)
        for part in {secret[start : start + size] for start in range(len(secret) - size + 1)}:
            _mark(spots, line, part)
    kept = list[str]()
    for place, char in enumerate(line):
        if not spots[place]:
            kept.append(char)
        elif not place or not spots[place - 1]:
            kept.append(_INSTEAD)
    return one_line("".join(kept), chars)


def _mark(spots: bytearray, line: str, part: str) -> None:
    start = line.find(part)
    while start >= 0:
        spots[start : start + len(part)] = b"\x01" * len(part)
        start = line.find(part, start + 1)
