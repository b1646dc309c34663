"""The effect of text on a terminal."""

import unicodedata


def is_harmless(line: str) -> bool:
    """Return whether no character of `line` moves the cursor, changes what is before it, or begins another line.

    Letters that this Python does not know yet, and those of private use, are only boxes there.
    """
    return not any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in line)
