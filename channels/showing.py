"""Text of others on a screen: nothing in it hides, reorders or becomes a line of ours."""

import json
import re
import unicodedata

# Letters, marks and symbols by their category that show nothing all the same.
# https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point, and the blank pattern of Braille
_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8"
    "\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_JOINER, _AS_TEXT, _AS_EMOJI = "\u200d", "\ufe0e", "\ufe0f"
# Signs that are emoji only with a selector behind them, and have another category than emoji have.
_ALSO_EMOJI = "#*0123456789\u203c\u2049\u2139\u3030\u303d"
_SKIN = re.compile("[\U0001f3fb-\U0001f3ff]")
_VIRAMA = 9


def escape_invisible(text: str) -> str:
    """`text` with LF line ends and every character spelled out that shows nothing, or hides or reorders others."""
    if text.isascii() and text.isprintable():
        return text
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(char if _is_shown(text, at) else spelled(char) for at, char in enumerate(text))


def visible_json(text: str) -> str:
    """The same JSON, escaped where a terminal would obey or show nothing: JSON lets DEL, CSI and the like stand."""
    if text.isascii() and text.isprintable():  # nearly every line of a log
        return text
    return "".join(char if char.isprintable() and _is_plain(char) else json.dumps(char)[1:-1] for char in text)


def one_line(text: str, most: int) -> str:
    """`text` on one line of at most `most` characters, with nothing invisible in it."""
    line = " ".join(escape_invisible(text).split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def spelled(char: str) -> str:
    """`char` by its number."""
    return f"\\u{ord(char):04x}" if ord(char) < 0x1_0000 else f"\\U{ord(char):08x}"


def _is_plain(char: str) -> bool:
    return unicodedata.category(char) not in _UNSEEN and _BLANK.match(char) is None


def _is_shown(text: str, at: int) -> bool:
    """Return whether the character at `at` is seen, or changes how the one before it looks."""
    char = text[at]
    if char in "\n\t" or _is_plain(char):
        return True
    before, after = text[at - 1 : at] if at else "", text[at + 1 : at + 2]
    if char in (_AS_TEXT, _AS_EMOJI):
        return _is_emoji(before) or (before != "" and before in _ALSO_EMOJI)
    if char != _JOINER or not before:
        return False
    is_dressed = before == _AS_EMOJI or _SKIN.match(before) is not None
    base = text[at - 2 : at - 1] if is_dressed and at > 1 else before
    # In scripts of India a joiner behind a virama is how a letter is written (RFC 5892, appendix A.2).
    return (_is_emoji(base) and _is_emoji(after)) or unicodedata.combining(before) == _VIRAMA


def _is_emoji(char: str) -> bool:
    return char != "" and unicodedata.category(char) in ("So", "Sm") and _BLANK.match(char) is None
