"""How many tokens a text is, about: an estimate without a network, that is rather too high than too low. Pure.

No tokenizer of a Claude model is published, and asking the API for every text would cost a call each. So the text is
cut into pieces that a tokenizer may be trusted to know: three small letters, one capital, two digits or signs, one
accented letter. Measured figures stand in docs/context.md.
"""

import re

# Each match is one token. A space before a word is part of it.
_PIECE = re.compile(
    r" ?(?:[A-Za-z][a-z]{0,2}|[0-9]{1,2}|[!-/:-@\[-`{-~]{1,2})|[ \t]{1,4}|[\x00-\x1f\x7f]|[\x80-\U0010ffff]"
)
# Letters that many tokenizers take apart into bytes: three for most scripts of Asia, four for pictures.
_WIDE, _WIDEST = re.compile("[\u0800-\uffff]"), re.compile("[\U00010000-\U0010ffff]")


def tokens_in(text: str) -> int:
    """The tokens of `text`, estimated."""
    pieces = len(_PIECE.findall(text))
    if text.isascii():
        return pieces
    return pieces + len(_WIDE.findall(text)) + 3 * len(_WIDEST.findall(text))
