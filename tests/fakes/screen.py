"""What a terminal does with text."""

import unicodedata


def is_harmless(line: str) -> bool:
    """Whether no character of `line` moves the cursor, changes what stands before it, or begins another line.

    Letters that this Python does not know yet, and those of private use, are only boxes there.
    """
    return not any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in line)
