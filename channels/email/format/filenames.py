"""The name of a file as a mail gives it, in the ways that mail programs do, made fit to be shown and saved."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from urllib.parse import unquote_to_bytes

from channels.email.format.body import CHARSETS
from channels.email.format.shown import decoded

NAME_CHARS = 100
"""Longest name; file systems allow 255 bytes, and people read the first words."""

FIELD_CHARS = 8_000
"""Characters of a header field searched for a name: an encoded one takes up to 12 for each character of its own."""

_PARAMETER = re.compile(r';\s*([\w.*-]{1,40})\s*=\s*(?:"((?:[^"\\]|\\.)*)"?|([^;]*))', re.DOTALL)
_PIECES = 50
_ENDING_CHARS = 10
# Separators of paths, and what some file system takes for something else.
_PATH = re.compile(r"[/\\]")
_RESERVED = re.compile(r'[<>:"|?*]')
_HIDES = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
# Letters and signs by category that show nothing all the same: fillers, variation selectors.
_BLANK = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")


def name_of(disposition: str, content_type: str) -> str:
    """The name in the fields Content-Disposition and Content-Type of a part; empty when there is none.

    In the order of RFC 6266, 4.3: an extended or continued one (RFC 2231) before a plain one, which may hold encoded
    words (RFC 2047) although it should not.
    """
    ways = ((disposition, "filename"), (content_type, "name"))
    fields = [(_parameters(value[:FIELD_CHARS]), key) for value, key in ways]
    found = (safe_name(way(parameters, key)) for parameters, key in fields for way in (_extended, _continued, _plain))
    return next(filter(None, found), "")


def safe_name(name: str) -> str:
    """`name` without folders and without what hides, reorders or means something to a program; it may be empty."""
    last = _PATH.split(_BLANK.sub("", unicodedata.normalize("NFC", name)))[-1]
    shown = "".join(" " if char.isspace() else char for char in last if _is_seen(char))
    line = " ".join(_RESERVED.sub("_", shown).split()).strip(" .")
    if len(line) <= NAME_CHARS:
        return line
    stem, dot, ending = line.rpartition(".")
    tail = f"{dot}{ending}" if stem and len(ending) <= _ENDING_CHARS else ""
    return line[: NAME_CHARS - 1 - len(tail)].rstrip(" .") + "…" + tail


def _is_seen(char: str) -> bool:
    return char.isspace() or unicodedata.category(char) not in _HIDES


def _parameters(value: str) -> dict[str, str]:
    """Parameters by name, the first of each, read leniently: nothing but a name is taken from them."""
    found = dict[str, str]()
    for match in _PARAMETER.finditer(value):
        quoted = None if match[2] is None else re.sub(r"\\(.)", r"\1", match[2])
        found.setdefault(match[1].lower(), match[3].strip() if quoted is None else quoted)
    return found


def _plain(parameters: Mapping[str, str], key: str) -> str:
    return decoded(parameters.get(key, ""))


def _extended(parameters: Mapping[str, str], key: str) -> str:
    """`filename*=utf-8''na%C3%AFve.txt`"""
    value = parameters.get(f"{key}*", "")
    charset, text = _charset(value)
    return _text(unquote_to_bytes(text), charset)


def _continued(parameters: Mapping[str, str], key: str) -> str:
    """`filename*0*=utf-8''na%C3; filename*1*=%AFve; filename*2=.txt`"""
    pieces = list(_pieces(parameters, key))
    if not pieces:
        return ""
    is_extended, first = pieces[0]
    charset, first = _charset(first) if is_extended else ("utf-8", first)
    rest = ((is_extended, first), *pieces[1:])
    # A letter of several bytes may be cut in two by a program that wraps its lines anywhere.
    name = _text(b"".join(unquote_to_bytes(text) if coded else text.encode() for coded, text in rest), charset)
    return name if is_extended else decoded(name)


def _pieces(parameters: Mapping[str, str], key: str) -> Iterator[tuple[bool, str]]:
    for number in range(_PIECES):
        coded, plain = f"{key}*{number}*", f"{key}*{number}"
        if coded in parameters:
            yield True, parameters[coded]
        elif plain in parameters:
            yield False, parameters[plain]
        else:
            return


def _charset(value: str) -> tuple[str, str]:
    """Charset and text of an extended value; a program that forgets to name one means UTF-8."""
    parts = value.split("'", 2)
    return (parts[0].lower() or "utf-8", parts[2]) if len(parts) == 3 else ("utf-8", value)


def _text(data: bytes, charset: str) -> str:
    if not CHARSETS.fullmatch(charset):
        return ""
    try:
        return data.decode(charset)
    except (UnicodeError, LookupError):
        return ""
