"""Texts that people read, and what of them stands in no catalog.

For a process that has a copy of `language` before ours in which each German sentence is marked: what is outside of all
marks is in none. As a program it prints that of each kind of card, in a mail and in Slack.
"""

import json
import re
import sys
from collections.abc import Collection, Iterator
from typing import cast

from pydantic import JsonValue

from channels import Card
from channels.email import mime
from channels.email.format.body import read_body
from channels.slack import cards as slack
from language import say, speaking
from tests.browser.test_mail import cards
from tests.channels.email.mails import BOT
from tests.channels.email.test_cards import TO

BEGIN, END = "⟦", "⟧"
_MARKED = re.compile(f"{BEGIN}[^{BEGIN}{END}]*{END}")
# What was cut, or broken into lines, has no end or no beginning.
_CUT = re.compile(f"{BEGIN}.*|.*{END}", re.DOTALL)
_WORD = re.compile(r"[^\W\d_]{2,}")
# What names a card in a subject, ids, hashes, and a word that is cut.
_CODE = re.compile(r"\[[A-Z2-7]{6}\]|\bs\d+[a-z]-\w+|\b[0-9a-f]{7,64}\b|\w+…")
_NOT_READ = frozenset({"type", "block_id", "action_id", "value", "url", "style", "name", "token"})


def is_marked() -> bool:
    """Return whether the catalogs that are read here are the marked ones."""
    with speaking("de"):
        return say("label.changes").startswith(BEGIN)


def left_of(text: str, data: Collection[str]) -> str:
    """Return the words of `text` that stand in no sentence of a catalog, but for those that are `data`."""
    while (less := _MARKED.sub(" ", text)) != text:
        text = less
    return " ".join(word for word in _WORD.findall(_CODE.sub("", _CUT.sub("", text))) if word not in data)


def texts_of(card: Card) -> Iterator[str]:
    """Yield each text of `card` in a mail, and in Slack with its window."""
    body = read_body(mime.compose(card, TO, "d1", own=BOT, timezone="Europe/Berlin").raw)
    yield from (body.plain or "").splitlines()
    yield from re.split(r"<[^>]*>", re.sub(r"<style.*?</style>|<!--.*?-->", "", body.html or "", flags=re.DOTALL))
    message = slack.message(card, "d1")
    yield from message.text.splitlines()
    yield from _read(cast("JsonValue", [*message.blocks, *slack.details(card)]))


def _read(node: JsonValue) -> Iterator[str]:
    match node:
        case dict():
            yield from _read([value for name, value in node.items() if name not in _NOT_READ])
        case list():
            for value in node:
                yield from _read(value)
        case str():
            yield node
        case _:
            return


def main(data: Collection[str]) -> None:
    """Print, as JSON, what of each kind of card is neither in a catalog nor one of the words of `data`."""
    found = dict[str, str]()
    with speaking("de"):
        for kind, card in cards():
            found |= {left: f"{kind}: {text[:150]}" for text in texts_of(card) if (left := left_of(text, data))}
    json.dump({"is_marked": is_marked(), "found": found}, sys.stdout, ensure_ascii=False)


if __name__ == "__main__":
    main(set(sys.stdin.read().split()))
