"""One peer library behind the scorer's JSON lines: new text only. Runs in an environment of the peers, not in ours.

Libraries that read plain text only get HTML made into text first: block elements become line breaks.
"""

import base64
import email
import email.policy
import json
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from importlib import import_module

BLOCKS = {"p", "div", "br", "blockquote", "li", "tr", "hr", "table", "pre"}
UNSEEN = {"style", "script", "head", "title"}


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.out: list[str] = []
        self.unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.unseen += tag in UNSEEN
        self.out.append("\n" if tag in BLOCKS else "")

    def handle_endtag(self, tag: str) -> None:
        self.unseen -= tag in UNSEEN and self.unseen > 0
        self.out.append("\n" if tag in BLOCKS else "")

    def handle_data(self, data: str) -> None:
        self.out.append("" if self.unseen else data)


def as_text(document: str) -> str:
    """The text of an HTML document."""
    reader = _Text()
    reader.feed(document)
    return "".join(reader.out)


def body_of(message: dict[str, str]) -> tuple[str, bool]:
    """A message's text, and whether it is HTML."""
    if message["kind"] != "eml":
        return message["body"], message["kind"] == "html"
    mail = email.message_from_bytes(base64.b64decode(message["raw_b64"]), policy=email.policy.default)
    part = mail.get_body(("plain", "html"))
    return (str(part.get_content()), part.get_content_subtype() == "html") if part else ("", False)


def reader_of(name: str) -> tuple[Callable[[str], str], Callable[[str], str]]:
    """Return how the library called `name` reads plain text, and HTML."""

    def plain_too(read: Callable[[str], str]) -> tuple[Callable[[str], str], Callable[[str], str]]:
        return read, lambda document: read(as_text(document))

    if name == "email-reply-parser":
        return plain_too(import_module("email_reply_parser").EmailReplyParser.parse_reply)
    if name.startswith("mail-parser-reply"):
        reader = import_module("mailparser_reply").EmailReplyParser
        languages = (
            ["en"] if name.endswith("-en") else ["en", "de", "fr", "es", "it", "nl", "pl", "sv", "cs", "da", "ja"]
        )
        return plain_too(lambda text: reader(languages=languages).parse_reply(text=text) or "")
    if name == "quotequail":
        quotequail = import_module("quotequail")

        def own(found: dict[str, str] | None, kind: str, whole: str) -> str:
            return "\n".join(found.get(f"{kind}_{end}") or "" for end in ("top", "bottom")) if found else whole

        return (
            lambda text: own(quotequail.unwrap(text), "text", text),
            lambda html: as_text(own(quotequail.unwrap_html(html), "html", html)),
        )
    if name == "talon":
        quotations = import_module("talon.quotations")
        return (
            lambda text: quotations.extract_from(text, "text/plain"),
            lambda html: as_text(quotations.extract_from(html, "text/html")),
        )
    return plain_too(lambda text: text)


def main() -> None:
    """Answer each line; a library's error is an empty answer, as its user would have it."""
    plain, html = reader_of(sys.argv[1])
    for line in sys.stdin:
        message = json.loads(line)
        try:
            text, is_html = body_of(message)
            new = (html if is_html else plain)(text)
        except Exception as error:  # noqa: BLE001 - of any kind, by any library
            print(type(error).__name__, error, file=sys.stderr)
            new = ""
        print(json.dumps({"id": message["id"], "new_text": new, "class": "free_text"}), flush=True)


main()
