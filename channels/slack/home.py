"""Overview -> the view of somebody's App Home, as `views.publish` takes it. Pure.

Limits are Slack's: 100 blocks (Block Kit reference), 250 kB (reference of views.publish, `view_too_large`).
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256

from pydantic import JsonValue

from channels import Card, Line, Overview
from channels.showing import one_line
from channels.slack import times
from channels.slack.blocks import SECTION_CHARS, Block, words
from channels.slack.cards import escaped, message
from channels.slack.controls import WRITE_BELOW

View = dict[str, JsonValue]

BLOCKS = 100

CARD_BLOCKS = 60
"""Most blocks of all cards together; a card alone has 50 at most."""

CARD_BYTES = 130_000
"""Most bytes of all cards together, as JSON in ASCII; a card has some 10,000 characters, of 12 bytes each at worst."""

LINES = 10
"""Most lines of each list."""

_LABEL_CHARS, _TEXT_CHARS = 120, 300


def view(overview: Overview) -> View:
    """How `overview` looks. It is the same for the same overview, and a block whose content changes has another id:
    what people have put into one that stays is kept.
    """
    shown = [*_fitting(overview.waiting)]
    more = overview.more + len(overview.waiting) - len(shown)
    blocks = [
        _actions("Ask sayso…", "ask"),
        _header("Waiting on you"),
        *_cards(shown),
        *_unshown(more, is_all=not shown),
        *_list("You asked", overview.asked, "Nothing yet. Press *Ask sayso…*, or mention sayso in a Slack channel."),
        *_list("Recently decided", overview.decided, ""),
    ]
    return {"type": "home", "blocks": [*_named(blocks)]}


def _fitting(cards: Sequence[Card]) -> Iterator[Sequence[Block]]:
    """The blocks of each card, for as many as there is room for."""
    blocks_left, bytes_left = CARD_BLOCKS, CARD_BYTES
    for card in cards:
        found = [block for block in message(card, "").blocks if not _is_about_a_thread(block)]
        blocks_left -= len(found) + 1
        bytes_left -= len(json.dumps(found))
        if blocks_left < 0 or bytes_left < 0:
            return
        yield found


def _is_about_a_thread(block: Block) -> bool:
    """Here is none to write in."""
    match block:
        case {"type": "section", "text": {"text": text}}:
            return text == WRITE_BELOW
        case _:
            return False


def _cards(shown: Iterable[Sequence[Block]]) -> Iterator[Block]:
    for found in shown:
        yield {"type": "divider"}
        yield from found


def _unshown(more: int, *, is_all: bool) -> Iterator[Block]:
    if more and is_all:
        yield _section(f"{more} {'waits' if more == 1 else 'wait'}, and there is no room for it here.")
    elif more:
        yield {"type": "divider"}
        yield _context(f"And {more} more: {'it comes' if more == 1 else 'they come'} up here as you answer these.")
    elif is_all:
        yield _section("Nothing waits on you.")


def _list(title: str, lines: Sequence[Line], otherwise: str) -> Iterator[Block]:
    if not lines and not otherwise:
        return
    yield {"type": "divider"}
    yield _header(title)
    for line in lines[:LINES]:
        label = escaped(one_line(line.label, _LABEL_CHARS), SECTION_CHARS // 4) or "-"
        yield _section(f"*{label}*\n{times.in_mrkdwn(escaped(line.text.strip(), _TEXT_CHARS)) or '-'}")
    if not lines:
        yield _section(otherwise)


def _named(blocks: Iterable[Block]) -> Iterator[Block]:
    """Each block with an id that says what is in it, and which of several alike it is."""
    seen = Counter[str]()
    for block in blocks:
        content = {name: value for name, value in block.items() if name != "block_id"}
        name = sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:24]
        seen[name] += 1
        yield {**content, "block_id": f"{name}.{seen[name]}"}


def _header(text: str) -> Block:
    return {"type": "header", "text": words(text)}


def _section(text: str) -> Block:
    """Our words, or what is escaped already."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def _context(text: str) -> Block:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text, "verbatim": True}]}


def _actions(label: str, action: str) -> Block:
    return {"type": "actions", "elements": [{"type": "button", "text": words(label), "action_id": action}]}
