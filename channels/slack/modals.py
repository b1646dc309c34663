"""Windows as Slack's `view` objects: what people read and fill in before they answer. Pure.

Limits are Slack's: a title, submit and close 24 characters, 100 blocks, a label 2,000, an input 3,000, what travels
with a window (`private_metadata`) 3,000, an id of a block 255: https://docs.slack.dev/reference/views/modal-views,
https://docs.slack.dev/reference/block-kit/blocks/input-block
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256

from pydantic import JsonValue

from channels import Card, CardAct, Input, Line, Overview, WorkGroup, WorkRow
from channels.showing import escape_invisible, one_line
from channels.slack import blocks as times
from channels.slack.blocks import SECTION_CHARS, Block, by_line, cut, labelled, plain, quote, small, words
from channels.slack.cards import OPTION_CHARS, details, message, write_below
from channels.slack.inbound import (
    ACT,
    ASK,
    ASK_ABOUT,
    CARD,
    OPEN,
    PAGE,
    Json,
    act_of,
    first,
    kind_of,
    part,
    parts,
    word,
)
from language import say, say_many

View = dict[str, JsonValue]

TITLE_CHARS, LABEL_CHARS, INPUT_CHARS, METADATA_CHARS, ID_CHARS = 24, 2_000, 3_000, 3_000, 255
ERROR_CHARS, SHORT_CHARS, PLACEHOLDER_CHARS = 300, 200, 150
FIELDS = 90
"""Most fields of one form; with the words around them they stay below Slack's 100 blocks."""

INPUT, QUOTE, FIELD = "said", "quote", "field."
"""Ids of blocks: the one input that takes words, with its name where it has one, a quoted message, and the fields of a
form with their place and name.
"""

VALUE = "value"
"""The id of every input's element."""

_QUOTED_CHARS = 2_500
_PAGE_BYTES, _PAGE_BLOCKS = 60_000, 60


def looking_up(window: str, label: str, carried: Json) -> View:
    """Return the window that opens at once, and is filled as soon as we know with what; `label` is what was pressed."""
    title = label.removesuffix("…") if kind_of(window) == OPEN else ""
    title = title or say(_TITLES.get(window, "slack.one-moment"))
    return _view(title, [plain(say("slack.looking-up"))], _sent_as(window), carried)


def sentence(title: str, text: str) -> View:
    """A window that only says something."""
    return _view(title, [plain(text)], "said")


def window(name: str, card: Card, carried: Json) -> View:
    """The window called `name` about `card` as it stands. It says so where there is nothing to answer any more."""
    if name == "details":
        return details_page(card, carried, 1)
    if name == CARD:
        shown = [block for block in message(card, "").blocks if not _is_about_a_thread(block)]
        return _view(say("slack.request"), shown, name, carried)
    form = card.form
    if form is None:
        return _closed(card)
    match name:
        case _ if kind_of(name) == OPEN:
            return _window_of(name, form.act(act_of(name)[0]), card, carried)
        case "fill" if _are_too_many(form.fields):
            return sentence(say("slack.too-large"), say("slack.too-large-form", link=card.link))
        case "fill":
            return _form(card, form.fields, carried)
        case _:
            blocks = [plain(card.title), *_quoted(card), _input(say("slack.your-answer"), INPUT)]
            return _view(say("slack.answer"), blocks, name, carried, submit=say("slack.send"))


def _are_too_many(fields: Sequence[Input]) -> bool:
    is_long = any(len(_field(number, each.name)) > ID_CHARS for number, each in _numbered(fields))
    return is_long or len(fields) > FIELDS


def _window_of(name: str, act: CardAct | None, card: Card, carried: Json) -> View:
    """The window that asks for what an act needs, or for what may go with it."""
    along = act_of(name)[1]
    asked = [one for one in act.offered if one.name == along] if act and along else act.inputs if act else ()
    if act is None or not asked:
        return _closed(card)
    if _are_too_many(asked):
        return sentence(say("slack.too-large"), say("slack.too-large-form", link=card.link))
    inputs = [_asked(each, _block(number, each)) for number, each in _numbered(asked)]
    blocks = [plain(card.title), *inputs, *([small(one_line(act.note, LABEL_CHARS))] if act.note else [])]
    return _view(act.title, blocks, _sent_as(name), carried, submit=act.send or say("slack.send"))


def _sent_as(window: str) -> str:
    """Return the name that a window is sent by: of the act that it is for."""
    return window.replace(OPEN, ACT, 1) if kind_of(window) == OPEN else window


def _block(number: int, asked: Input) -> str:
    return f"{INPUT}.{asked.name}" if asked.kind == "words" else _field(number, asked.name)


def ask() -> View:
    """A wish, from the App Home."""
    return _view(say("slack.ask-sayso"), [_input(say("slack.what-to-do"), INPUT)], ASK, submit=say("slack.ask"))


def ask_about(author: str, text: str, carried: Json) -> View:
    """A wish about a message that somebody wrote."""
    message = {**quote(cut(escape_invisible(text), _QUOTED_CHARS)), "block_id": QUOTE}
    about, asks = plain(say("slack.about-message", author=author)), _input(say("slack.what-to-do"), INPUT)
    return _view(say("slack.ask-sayso"), [about, message, asks], ASK_ABOUT, carried, submit=say("slack.ask"))


def home_notice(text: str) -> View:
    """An App Home that only says something."""
    return {"type": "home", "blocks": [plain(text)]}


def said(view: Json) -> str:
    """Return the words that were written into a window."""
    return words_in(view)[1]


def words_in(view: Json) -> tuple[str, str]:
    """Return the words that were written into a window, after the name of their input."""
    values = part(view, "state", "values")
    block = next((one for one in values if one.partition(".")[0] == INPUT), INPUT)
    return block.partition(".")[2], word(values, block, VALUE, "value")


def filled(view: Json) -> dict[str, str]:
    """Return what was written into the fields of a form, by their names, in their order."""
    values = part(view, "state", "values")
    numbered = sorted((_number(block), block) for block in values if block.startswith(FIELD))
    return {_name(block): _filled(part(values, block, VALUE)) for _, block in numbered}


def errors(view: Json, reasons: Mapping[str, str]) -> dict[str, JsonValue]:
    """Return what makes Slack show `reasons`, by the names of fields, beside these fields and keep the window open.

    Nothing for reasons of fields that the window does not have.
    https://docs.slack.dev/surfaces/modals#displaying_errors
    """
    fields = (block for block in part(view, "state", "values") if block.startswith(FIELD))
    wrong: dict[str, JsonValue] = {
        block: one_line(reasons[_name(block)], ERROR_CHARS) for block in fields if reasons.get(_name(block))
    }
    return {"response_action": "errors", "errors": wrong} if wrong else {}


def quoted(view: Json) -> str:
    """The message that a window quotes."""
    block = first([each for each in parts(view, "blocks") if word(each, "block_id") == QUOTE])
    texts = [word(piece, "text") for element in parts(block, "elements") for piece in parts(element, "elements")]
    return "".join(texts)


_TITLES = {
    "details": "slack.details",
    "fill": "slack.answer",
    "write": "slack.answer",
}


def details_page(card: Card, carried: Json, number: int) -> View:
    """One page of all that a card says, with buttons to the others; the last one where there are not so many."""
    pages = _pages(_everything(card))
    at = min(max(number, 1), len(pages))
    turns = [_turn(say("slack.previous-page"), at - 1)] if at > 1 else []
    turns += [_turn(say("slack.next-page"), at + 1)] if at < len(pages) else []
    which = say("slack.page-of", at=at, pages=len(pages))
    place: list[Block] = [plain(which), {"type": "actions", "elements": [*turns]}] if turns else []
    return _view(say("slack.details"), [*pages[at - 1], *place], "details", carried)


def _everything(card: Card) -> Iterator[Block]:
    """The card with nothing left out: lists that are longer than their facts come last."""
    yield from _in_full(card.title, card.asked, *(f"⚠ {risk}" for risk in card.risks), card.summary)
    for whose, text in ((card.said_as, card.said), (card.quoted_as, card.quoted)):
        if text.strip():
            yield plain(one_line(whose, LABEL_CHARS) or say("card.unverified"))
            yield from map(quote, by_line(escape_invisible(text), _QUOTED_CHARS))
    known = (*card.sent, *card.facts, *filter(None, (card.on_yes,)), *card.decides)
    yield from _in_full(*(f"{fact.label}: {fact.text}" for fact in known))
    yield from details(card)


def _in_full(*texts: str) -> Iterator[Block]:
    for text in filter(str.strip, texts):
        yield from map(plain, by_line(escape_invisible(text).strip(), SECTION_CHARS))


def _pages(blocks: Iterable[Block]) -> list[list[Block]]:
    """The blocks in order, as many on a page as a window takes; Slack counts bytes, and refuses some 250,000."""
    pages, left = [list[Block]()], _PAGE_BYTES
    for block in blocks:
        size = len(json.dumps(block).encode())
        if pages[-1] and (len(pages[-1]) == _PAGE_BLOCKS or size > left):
            pages.append([])
            left = _PAGE_BYTES
        pages[-1].append(block)
        left -= size
    return pages


def _turn(label: str, number: int) -> Block:
    return {"type": "button", "text": words(label), "action_id": f"{PAGE}.{number}", "value": str(number)}


def _closed(card: Card) -> View:
    told = [plain(part) for part in (card.title, card.summary) if part.strip()]
    return _view(say("slack.nothing-to-answer"), [*told, plain(say("slack.nothing-here"))], "said")


def _form(card: Card, fields: Sequence[Input], carried: Json) -> View:
    inputs = [_asked(each, _field(number, each.name)) for number, each in _numbered(fields)]
    blocks = [plain(card.title), *_quoted(card), *inputs]
    return _view(say("slack.answer"), blocks, "fill", carried, submit=say("slack.send"))


def _numbered(fields: Sequence[Input]) -> Iterator[tuple[int, Input]]:
    return enumerate(fields, 1)


def _field(number: int, name: str) -> str:
    """The id of a field's block holds its whole name: a label is cut and shown otherwise."""
    return f"{FIELD}{number}.{name}"


def _name(block: str) -> str:
    return block.removeprefix(FIELD).partition(".")[2]


def _filled(state: Json) -> str:
    """Return what one element holds, whichever it is; of a choice the number of the option."""
    return word(state, "value") or word(state, "selected_date") or word(state, "selected_option", "value")


def _asked(asked: Input, block: str) -> Block:
    """The input of a field, by its kind; what Slack does not check is checked before the window closes."""
    hint: Block = {"hint": _text(asked.hint, LABEL_CHARS)} if asked.hint and asked.kind != "words" else {}
    label, element = _text(asked.title, LABEL_CHARS), {**_element(asked), "action_id": VALUE}
    is_free = {} if asked.required else {"optional": True}
    return {"type": "input", "block_id": block, "label": label, "element": element, **hint, **is_free}


def _element(asked: Input) -> Block:
    """https://docs.slack.dev/reference/block-kit/block-elements"""
    begins: Block = {"initial_value": asked.value} if asked.value else {}
    match asked.kind:
        case "text":
            most = min(asked.max_length or INPUT_CHARS, INPUT_CHARS)
            least: Block = {"min_length": asked.min_length} if asked.min_length else {}
            is_long = most > SHORT_CHARS
            return {"type": "plain_text_input", "multiline": is_long, "max_length": most, **least, **begins}
        case "words":
            most = min(asked.max_length or INPUT_CHARS, INPUT_CHARS)
            example: Block = {"placeholder": _text(asked.hint, PLACEHOLDER_CHARS)} if asked.hint else {}
            return {"type": "plain_text_input", "multiline": True, "max_length": most, **example}
        case "integer" | "number":
            ends: Block = {"min_value": asked.least} if asked.least else {}
            ends |= {"max_value": asked.most} if asked.most else {}
            return {"type": "number_input", "is_decimal_allowed": asked.kind == "number", **ends, **begins}
        case "date":
            return {"type": "datepicker", **({"initial_date": asked.value} if asked.value else {})}
        case "choice":
            values = asked.values or [str(at) for at in range(1, len(asked.options) + 1)]
            options = [_option(one, value) for one, value in zip(asked.options, values, strict=True)]
            return {"type": "static_select", "options": [*options], **_chosen(options, asked.options, asked.value)}
        case "yes_no":
            options = [_option(say("slack.yes"), "yes"), _option(say("slack.no"), "no")]
            return {"type": "radio_buttons", "options": [*options], **_chosen(options, ("yes", "no"), asked.value)}


def _option(label: str, value: str) -> Block:
    return {"text": _text(label, OPTION_CHARS), "value": value}


def _chosen(options: Sequence[Block], meant: Sequence[str], value: str) -> Block:
    return {"initial_option": options[meant.index(value)]} if value in meant else {}


def _number(block: str) -> int:
    number = block.removeprefix(FIELD).partition(".")[0]
    return int(number) if number.isdecimal() else 0


def _quoted(card: Card) -> list[Block]:
    """Return what a model or a person wrote, marked as such."""
    if not card.quoted.strip():
        return []
    whose = one_line(card.quoted_as, LABEL_CHARS) or say("card.unverified")
    return [plain(whose), quote(cut(escape_invisible(card.quoted), _QUOTED_CHARS))]


def _view(title: str, blocks: Sequence[Block], name: str, carried: Json | None = None, *, submit: str = "") -> View:
    metadata = json.dumps(dict(carried or {}), separators=(",", ":"))
    view: View = {
        "type": "modal",
        "callback_id": name,
        "title": _text(title, TITLE_CHARS),
        "close": _text(say("slack.cancel") if submit else say("slack.close"), TITLE_CHARS),
        "blocks": [*blocks],
        # Cut JSON would be no JSON; a window that carries nothing answers nothing.
        "private_metadata": metadata if len(metadata) <= METADATA_CHARS else "{}",
    }
    if submit:
        view["submit"] = _text(submit, TITLE_CHARS)
    return view


def _input(label: str, block: str) -> Block:
    return _asked(Input(name=block, label=label, kind="words"), block)


def _text(text: str, most: int) -> Block:
    return words(one_line(text, most) or "-")


BLOCKS = 100

ROWS = 15
"""Most requests that are listed; each has two blocks, and one more where its group has no other."""

LINES = 10
"""Most lines of each list."""

_LABEL_CHARS, _TEXT_CHARS, _ROW_CHARS = 120, 300, 150


def view(overview: Overview) -> View:
    """Render `overview`. The same overview gives the same view, and a block whose content changes has another id:
    what people have put into one that stays is kept.
    """
    shown = [*_fitting(overview.waiting)]
    listed, all_of_them = sum(len(rows) for _, rows in shown), sum(len(group.rows) for group in overview.waiting)
    asks: Block = {"type": "actions", "elements": [_button(say("slack.ask-sayso-button"), ASK)]}
    blocks = [
        asks,
        *(plain(cut(escape_invisible(one), _TEXT_CHARS)) for one in overview.frozen[:LINES]),
        *([plain(overview.left_out)] if overview.left_out else []),
        _header(say("slack.home-waiting")),
        *(block for group, rows in shown for block in _group(group, rows)),
        *_unshown(overview.more + all_of_them - listed, is_all=not listed),
        *_list(say("slack.home-asked"), overview.asked, say("slack.home-asked-nothing")),
        *_list(say("slack.home-decided"), overview.decided, ""),
    ]
    return {"type": "home", "blocks": [*_named(blocks)]}


def _fitting(groups: Sequence[WorkGroup]) -> Iterator[tuple[WorkGroup, tuple[WorkRow, ...]]]:
    """The groups with as many of their rows as there is room for."""
    left = ROWS
    for group in groups:
        if rows := group.rows[:left]:
            yield group, rows
        left -= len(rows)


def _group(group: WorkGroup, rows: Iterable[WorkRow]) -> Iterator[Block]:
    yield small(one_line(group.name, _LABEL_CHARS))
    for row in rows:
        by = say("slack.home-asked-by", who=row.asked_by)
        asked = " · ".join(filter(None, (one_line(row.change, _ROW_CHARS), by)))
        lines = (one_line(row.title, _ROW_CHARS), one_line(row.words, _ROW_CHARS), one_line(asked, _ROW_CHARS))
        yield {**plain("\n".join(filter(None, lines))), "accessory": _button(say("slack.home-open"), CARD, row.token)}
        when = say("slack.home-when", asked=times.date(row.opened_at), expires=times.date(row.expires_at))
        who = one_line(row.decides, _ROW_CHARS)
        decides = [words(say("slack.home-decides", who=who))] if row.decides else []
        yield {"type": "context", "elements": [{"type": "mrkdwn", "text": when, "verbatim": True}, *decides]}


def _is_about_a_thread(block: Block) -> bool:
    """Return whether the block asks to write in a thread: a window has none."""
    match block:
        case {"type": "section", "text": {"text": text}}:
            return text == write_below()
        case _:
            return False


def _unshown(more: int, *, is_all: bool) -> Iterator[Block]:
    if more and is_all:
        yield _section(say_many("slack.home-no-room", more))
    elif more:
        yield {"type": "divider"}
        yield _context(say_many("slack.home-more", more))
    elif is_all:
        yield _section(say("slack.home-nothing"))


def _list(title: str, lines: Sequence[Line], otherwise: str) -> Iterator[Block]:
    if not lines and not otherwise:
        return
    yield {"type": "divider"}
    yield _header(title)
    for line in lines[:LINES]:
        text = cut(escape_invisible(line.text).strip(), _TEXT_CHARS)
        yield {"type": "rich_text", "elements": [labelled(one_line(line.label, _LABEL_CHARS), text, "\n")]}
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


def _button(label: str, action: str, value: str = "") -> Block:
    button: Block = {"type": "button", "text": words(label), "action_id": action}
    return {**button, "value": value} if value else button
