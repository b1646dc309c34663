"""HTML as texts and tags in turn: a tokenizer that reads every character once, whatever it is given."""

import html
import re
from collections.abc import Iterator

TAG_CHARS = 20_000
"""Longest tag; what is longer holds a picture, or is made to be slow."""

TAG = re.compile(r"<(/?)([a-zA-Z][\w:.-]{0,60})")
_ATTRIBUTE = re.compile(r"(?<![\w:-])([\w:-]{1,40}+)\s*+=\s*+(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))")
_HIDDEN = re.compile(r"(?:^|\s)hidden(?=[\s/=>]|$)", re.IGNORECASE)
_COMMENT_END = re.compile("--!?>")
_LESS = re.compile("<+")
_RAW = frozenset(("script", "style"))


def tokens(document: str) -> Iterator[str]:
    """Texts and tags in turn. A tag begins with `<` and ends with `>`, and `<` alone is text."""
    at, size = 0, len(document)
    while at < size:
        start = document.find("<", at)
        if start < 0:
            yield document[at:]
            return
        if start > at:
            yield document[at:start]
        at, token = _tag_at(document, start)
        yield token


def _tag_at(document: str, start: int) -> tuple[int, str]:
    """Return where the tag or comment at `start` ends, and itself as far as it matters."""
    if document.startswith("<!--", start):
        # `<!-->` is a whole comment, and `--!>` ends one (HTML, 13.2.5.43 to 52).
        end = _COMMENT_END.search(document, start + 2)
        return (end.end() if end else len(document)), "<!-->"
    tag = TAG.match(document, start)
    if tag is None and document[start + 1 : start + 2] not in ("!", "?", "/"):
        run = _LESS.match(document, start)
        end = max(run.end() - 1, start + 1) if run else start + 1
        return end, document[start:end].replace("<", "&lt;")
    end = _tag_end(document, start)
    token = document[start:end]
    if tag is None or tag[1] or tag[2].lower() not in _RAW:
        return end, token
    close = re.compile(f"</{tag[2]}", re.IGNORECASE).search(document, end)
    return (close.start() if close else len(document)), token


def _tag_end(document: str, start: int) -> int:
    """Behind the `>` that ends the tag at `start`; one inside quotes does not."""
    at = start
    for _ in range(6):
        end = document.find(">", at, start + TAG_CHARS)
        if end < 0:
            break
        inner = document[start:end]
        if inner.count('"') % 2 == 0 and inner.count("'") % 2 == 0:
            return end + 1
        at = end + 1
    first = document.find(">", start)
    return first + 1 if first >= 0 else len(document)


def attributes(token: str) -> dict[str, str]:
    """The attributes of a tag, names in lower case; a bare `hidden` has an empty value."""
    found = {key.lower(): html.unescape(a or b or c) for key, a, b, c in _ATTRIBUTE.findall(token)}
    if "hidden" not in found and _HIDDEN.search(token) and _HIDDEN.search(_ATTRIBUTE.sub(" ", token)):
        found["hidden"] = ""
    return found
