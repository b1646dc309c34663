"""Text of others on a screen: nothing in it hides, reorders or becomes a line of ours."""

import unicodedata


def visible(text: str) -> str:
    """`text` with LF line ends and every character spelled out that would hide or reorder others on the screen."""
    return "".join(map(_seen, text.replace("\r\n", "\n").replace("\r", "\n")))


def one_line(text: str, most: int) -> str:
    """`text` on one line of at most `most` characters, with nothing invisible in it."""
    line = " ".join(visible(text).split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def _seen(char: str) -> str:
    # U+200D joins emoji; without it a family falls apart.
    if char in "\n\t\u200d" or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return char
    return f"\\u{ord(char):04x}"
