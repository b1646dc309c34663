"""The text of a message as Slack sends it -> the words that its writer saw. Pure.

Slack escapes `&`, `<` and `>`, and writes what is more than text as `<…>`:
https://docs.slack.dev/messaging/formatting-message-text#retrieving-formatted-text
"""

import re
from collections.abc import Collection, Mapping

_MARK = re.compile(r"<([^<>]*)>")
# "@sayso, deploy" and "@sayso: deploy" are the same wish as "@sayso deploy".
_AFTER_A_CALL = re.compile(r"[:,]?[ \t]*")


def plain(text: str, names: Mapping[str, str], ours: Collection[str] = ()) -> str:
    """`text` in plain words; `names` are people by their Slack ids. Where one of `ours` is called nothing stays."""
    found, at = list[str](), 0
    for mark in _MARK.finditer(text):
        found.append(_unescaped(text[at : mark.start()]))
        at = mark.end()
        if _user(mark[1]) in ours:
            at = gap.end() if (gap := _AFTER_A_CALL.match(text, at)) else at
        else:
            found.append(_unescaped(_shown(mark[1], names)))
    return "".join([*found, _unescaped(text[at:])]).strip()


def _user(inner: str) -> str:
    return inner[1:].partition("|")[0] if inner.startswith("@") else ""


def _shown(inner: str, names: Mapping[str, str]) -> str:
    target, _, label = inner.partition("|")
    match target[:1]:
        case "@":
            return f"@{names.get(target[1:]) or label or target[1:]}"
        case "#":
            return f"#{label or target[1:]}"
        case "!":
            return label or f"@{target[1:].partition('^')[0]}"
        case _:
            return _link(target, label)


def _link(target: str, label: str) -> str:
    """A link is what was typed where that says where it leads, else both."""
    bare = target.removeprefix("mailto:").removeprefix("tel:")
    if not label or label in (bare, target) or bare.split("://", 1)[-1].rstrip("/") == label.rstrip("/"):
        return bare
    return f"{label} ({bare})"


def _unescaped(text: str) -> str:
    """Escaped once, so this is undone once: `&amp;lt;` is `&lt;`."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
