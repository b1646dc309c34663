"""What messages, windows and the App Home are made from: blocks with the words of others in them. Pure."""

from pydantic import JsonValue

from channels.showing import visible

Block = dict[str, JsonValue]

SECTION_CHARS = 3_000
"""Longest text of a section."""

_CUT = " …"


def words(text: str) -> Block:
    """Text in which nothing is read as a command or as an emoji's name."""
    return {"type": "plain_text", "text": text, "emoji": False}


def plain(text: str) -> Block:
    """A section of plain words, cut where Slack takes no more."""
    shown = cut(visible(text).strip(), SECTION_CHARS)
    return {"type": "section", "text": words(shown or "-")}


def preformatted(text: str) -> Block:
    """Monospaced and unchanged."""
    return _rich("rich_text_preformatted", text)


def quote(text: str) -> Block:
    """Somebody's words, marked as such."""
    return _rich("rich_text_quote", text)


def cut(text: str, most: int) -> str:
    """`text`, or as much of it as fits with a sign that there is more."""
    return text if len(text) <= most else text[: most - len(_CUT)].rstrip() + _CUT


def pieces(text: str, most: int) -> list[str]:
    """All of `text`, in pieces of at most `most` characters."""
    return [text[start : start + most] for start in range(0, len(text), most)]


def by_line(text: str, most: int) -> list[str]:
    """All of `text`, in pieces of at most `most` characters that end where lines do, if lines are not longer."""
    found = [""]
    for line in (piece for whole in text.split("\n") for piece in pieces(whole, most) or [""]):
        if len(found[-1]) + len(line) + 1 > most:
            found.append(line)
        else:
            found[-1] = f"{found[-1]}\n{line}" if found[-1] else line
    return found


def _rich(kind: str, text: str) -> Block:
    """In rich text nothing is read as a command, so that nothing is escaped."""
    return {"type": "rich_text", "elements": [{"type": kind, "elements": [{"type": "text", "text": text or " "}]}]}
