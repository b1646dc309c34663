"""Card -> the blocks of one Slack message, and the text that a phone's notification and a screen reader get. Pure.

Limits are Slack's (Block Kit reference: header 150, section 3,000, field 2,000, ten fields, 50 blocks, five buttons
side by side). All blocks of a message together may have about 12,000 characters, which no page of it says: it then
answers `msg_blocks_too_long`.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from itertools import groupby

from pydantic import JsonValue

from channels import AnswerForm, Card, CardAct, Line
from channels.showing import escape_invisible, one_line
from channels.slack import blocks as times
from channels.slack.blocks import (
    SECTION_CHARS,
    Block,
    by_line,
    cut,
    labelled,
    link,
    pieces,
    plain,
    preformatted,
    quote,
    small,
    words,
)
from channels.slack.inbound import ACT, ASK_ABOUT, OPEN
from language import dates, say, say_many

BUTTON_CHARS, OPTION_CHARS, OPTIONS = 75, 75, 100
_FIELD_CHARS = 60

OVERFLOW = 5
"""Most options of an overflow menu: https://docs.slack.dev/reference/block-kit/block-elements/overflow-menu-element"""

MENU = "menu"
"""Names the menu behind three dots; what is chosen in it is named by its option."""

BUTTONS = 5
"""With so many choices each has a button; with more they are a menu."""


def write_below() -> str:
    """Return the line on a card whose answer can be written in its thread."""
    return say("slack.write-below")


def how_to_answer(form: AnswerForm) -> str:
    """Return what is said above the controls; "" where they say enough."""
    match form.format:
        case "approval" if not (form.only_stops or form.act("approve")):
            return form.why_not or (say("slack.only-denial") if form.act("deny") else "")
        case "free_text":
            return write_below()
        case _:
            return ""


def controls(form: AnswerForm, *, has_details: bool, is_risky: bool = False) -> Iterator[Block]:
    """Yield what can be pressed and chosen, with a button for the *Details* where the card `has_details`."""
    pressed = [button for act in form.acts for button in _buttons(act, form.token, is_risky=is_risky)]
    more = [button for button in pressed if not _opens(button)]
    more += [_button(say("slack.more"), "details", form.token)] if has_details else []
    more += _overflow([button for button in pressed if _opens(button)])
    match form.format:
        case "approval":
            yield from [_actions(more)] if more else []
        case "yes_no":
            yes, no = _button(say("slack.yes"), "yes", form.token), _button(say("slack.no"), "no", form.token)
            yield _actions([yes, no, *more])
        case "choice" if len(form.options) <= BUTTONS:
            yield from _in_full(form)
            labels = enumerate(_labels(form), 1)
            yield _actions([*(_button(label, f"choose.{at}", f"{form.token} {at}") for at, label in labels), *more])
        case "choice":
            yield from _in_full(form)
            yield _actions([_menu("static_select", "choose", say("slack.choose-one"), form), *more])
        case "choices":
            yield from _in_full(form)
            # Slack takes a menu for several beside a section, and nowhere among buttons.
            menu = _menu("multi_static_select", "pick", say("slack.choose"), form)
            yield {**plain(say("slack.choose-several")), "accessory": menu}
            yield _actions([_button(say("slack.send"), "send", form.token), *more])
        case "form":
            yield plain(say("slack.form-asks", names=_named(form)))
            yield _actions([_button(say("slack.write"), "fill", form.token, "primary"), *more])
        case "free_text":
            yield _actions([_button(say("slack.write"), "write", form.token), *more])


def _buttons(act: CardAct, token: str, *, is_risky: bool) -> Iterator[Block]:
    """Yield the button of an act, and a second one for what may go with it; what is asked opens a window."""
    style = "" if is_risky and act.tone == "yes" else _STYLES[act.tone]
    button = _button(act.label, f"{OPEN if act.inputs else ACT}:{act.name}", token, style)
    yield {**button, "confirm": _asked_once_more()} if act.tone == "stop" else button
    for asked in act.offered if act.offer else ():
        does = ACT if asked.kind == "yes_no" else OPEN
        yield _button(act.offer, f"{does}:{act.name}:{asked.name}", token)


def _opens(button: Block) -> bool:
    """Return whether `button` opens a window, or does what is seldom done."""
    return str(button["action_id"]).startswith(f"{OPEN}:") or str(button["action_id"]).count(":") > 1


def _overflow(buttons: Sequence[Block]) -> Iterator[Block]:
    """Yield menus behind three dots, in which each of `buttons` is an option: that leaves few buttons on a phone."""
    options: list[JsonValue] = [
        {"text": button["text"], "value": f"{button['action_id']} {button['value']}"} for button in buttons
    ]
    for start in range(0, len(options), OVERFLOW):
        yield {
            "type": "overflow",
            "action_id": f"{MENU}.{start}",
            "options": options[start : start + OVERFLOW],
        }


_STYLES = {"plain": "", "yes": "primary", "no": "danger", "stop": "danger"}


def _named(form: AnswerForm) -> str:
    """The fields of a form, each cut to a few words."""
    return one_line(" · ".join(one_line(each.title, _FIELD_CHARS) for each in form.fields), SECTION_CHARS - 100)


def _labels(form: AnswerForm) -> Sequence[str]:
    """Return the words on buttons: with a number where somebody may have to look up what a button is in full."""
    numbered = [f"{at}. {label}" for at, label in enumerate(form.options, 1)]
    return numbered if any(_in_full(form)) else form.options


def _in_full(form: AnswerForm) -> Iterator[Block]:
    """The options with their numbers, where no button has room for all of one: nobody chooses what they can't read."""
    numbered = [f"{at}. {' '.join(escape_invisible(label).split())}" for at, label in enumerate(form.options, 1)]
    if any(len(each) > OPTION_CHARS for each in numbered):
        yield from (plain(piece) for piece in pieces("\n".join(numbered), SECTION_CHARS))


def _actions(elements: Sequence[Block]) -> Block:
    return {"type": "actions", "elements": [*elements]}


def _button(label: str, action: str, value: str, style: str = "") -> Block:
    text, look = words(one_line(label, BUTTON_CHARS) or "-"), {"style": style} if style else {}
    return {"type": "button", "text": text, "action_id": action, "value": value, **look}


def _asked_once_more() -> Block:
    """What is stopped by mistake would have to be asked for again."""
    return {
        "title": words(say("slack.stop-title")),
        "text": words(say("slack.stop-text")),
        "confirm": words(say("slack.stop")),
        "deny": words(say("slack.stop-back")),
        "style": "danger",
    }


def _menu(kind: str, action: str, hint: str, form: AnswerForm) -> Block:
    """A menu of numbered options: a label may be longer than Slack shows, and its number says which one is meant."""
    options: list[JsonValue] = [
        {"text": words(one_line(f"{at}. {label}", OPTION_CHARS)), "value": f"{form.token} {at}"}
        for at, label in enumerate(form.options[:OPTIONS], 1)
    ]
    return {"type": kind, "action_id": action, "placeholder": words(hint), "options": options}


HEADER_CHARS = 150
BLOCKS = 50
MESSAGE_CHARS = 10_000
"""Most characters of all blocks as JSON; Slack counts its own way, and refuses some 12,000."""

TEXT_CHARS = 3_000
"""Longest fallback; 4,000 are refused as `msg_too_long`."""

_CUT = " …"
_USER = re.compile(r"[UW][A-Z0-9]{2,20}", re.ASCII)
_GROUP = re.compile(r"S[A-Z0-9]{2,20}", re.ASCII)
_CALLED_AT_ONCE = 100
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_QUOTED_CHARS = 1_500
_ASKED_CHARS = 400
_FACT_CHARS = 600
_LINES, _FEWEST_FACTS, _SHORT_CHARS = 10, 2, 80
"""Lines of an approval above its buttons, but for its risks, and of these the facts at least. A phone shows no more."""
_RISKS = 4
_LINE_CHARS = 300
# So many moments of a line are shown by the clock of its reader: a context holds ten elements.
_MOMENTS = 3
_FACTS, _FACTS_AT_ONCE = 24, 10


@dataclass(frozen=True)
class Message:
    """The arguments of `chat.postMessage`: `text` is the fallback, with Slack's three control characters escaped."""

    text: str
    blocks: tuple[Block, ...]


def message(card: Card, key: str, zone: tzinfo = UTC) -> Message:
    """Render `card`. `key` names this revision of it: a block keeps what people typed into one of the same id.

    `zone` is that of whoever reads it alone.
    """
    found = [_line(card)] if card.is_line else _whole(card)
    blocks = tuple({**block, "block_id": f"{key}.{index}"} for index, block in enumerate(found))
    return Message(_fallback(card, zone), blocks)


def revision(card: Card) -> str:
    """A key for `message` which is another one as soon as anything looks different."""
    shown = card.model_dump_json(exclude={"at", "receipt"})
    return hashlib.sha256(shown.encode()).hexdigest()[:10]


def root(card: Card) -> Message:
    """The first message of a thread that begins with `card`: what it is about."""
    about = one_line(card.topic or card.title, HEADER_CHARS) or "-"
    return Message(escaped(about, TEXT_CHARS), (plain(about),))


def double() -> Message:
    """Return what stands where a card was shown a second time: nothing that can be pressed."""
    said = say("slack.double")
    return Message(said, (_context([said]),))


def pressed_too_long_ago(window: str, value: str) -> Message:
    """Return what stands for whoever pressed for a `window` that Slack did not open any more, with a fresh button.

    A message's shortcut has nothing to press again but itself.
    """
    said = say("slack.window-too-late")
    if window == ASK_ABOUT:
        told = f"{said} {say('slack.shortcut-again')}"
        return Message(told, (plain(told),))
    return Message(said, (plain(said), _actions([_button(say("slack.open-window"), window, value or "-")])))


def details(card: Card) -> tuple[Block, ...]:
    """The complete exact text, and all of the lists whose beginnings stand on the card, for a window of its own."""
    lists = [fact for fact in card.facts if fact.whole]
    told = [*_facts(card.details)]
    told += [*map(preformatted, pieces(escape_invisible(card.exact), SECTION_CHARS))]
    for fact in (fact for fact in (*card.sent, *card.facts) if fact.verbatim and _is_fact_cut(fact)):
        told += [small(f"{one_line(fact.label, 60)}:")]
        told += [*map(preformatted, by_line(escape_invisible(fact.text), SECTION_CHARS))]
    for fact in lists:
        told += [small(say("slack.whole-list", label=one_line(fact.label, 60), lines=fact.lines))]
        told += [*map(preformatted, by_line(escape_invisible(fact.whole).rstrip("\n"), SECTION_CHARS))]
    return tuple(told)


def escaped(text: str, most: int) -> str:
    """At most `most` characters for `text` where Slack looks for commands: nobody is called, nothing becomes a link."""
    found, room = list[str](), most - len(_CUT)
    for char in escape_invisible(text):
        piece = _ESCAPES.get(char, char)
        room -= len(piece)
        if room < 0:
            return "".join(found).rstrip() + _CUT
        found.append(piece)
    return "".join(found)


def _line(card: Card) -> Block:
    """Return how something stands, in small print, with moments in the reader's own time zone."""
    text = one_line(" · ".join(filter(None, (card.title.strip(), card.summary.strip()))), _LINE_CHARS)
    said = [part for piece, at in times.with_dates(text or "-", most=_MOMENTS) for part in _said(piece, at)]
    link: list[JsonValue] = (
        [{"type": "mrkdwn", "text": f"<{card.link}|{say('slack.open-in-sayso')}>", "verbatim": True}]
        if card.link
        else []
    )
    return {"type": "context", "elements": [*said, *link]}


def _said(text: str, at: str) -> Iterator[JsonValue]:
    """Yield the elements of a line: words that nothing is read in, and the moment behind them."""
    if text.strip():
        yield words(text)
    if at:
        yield {"type": "mrkdwn", "text": at, "verbatim": True}


def _whole(card: Card) -> list[Block]:
    """The blocks of a card. Whatever is cut or left out of it stands behind *Details*: nobody decides what they can't
    see.
    """
    told, is_cut = [*_content(card)], _is_cut(card)
    blocks = [*told, *_asked(card, has_details=is_cut)]
    fitting = _fitting(blocks)
    return fitting if is_cut or fitting == blocks else _fitting([*told, *_asked(card, has_details=True)])


def _is_cut(card: Card) -> bool:
    """Return whether not all that the card says stands on it."""
    if _is_folded(card):
        return True
    facts = (*card.sent, *card.facts, *_deciding(card))
    facts_cut = len(facts) > _FACTS or any(fact.lines or _is_fact_cut(fact) for fact in facts)
    summary = len(escape_invisible(card.summary).strip()) > SECTION_CHARS
    words = any(len(escape_invisible(text)) > _quoted_chars(card) for text in (card.said, card.quoted))
    return bool(card.exact or card.details) or facts_cut or summary or words


def _content(card: Card) -> Iterator[Block]:
    """The point, who wants it and why, what changes, and who decides. Words of others are marked as theirs.

    An approval has few lines: the rest of it stands behind *More…*.
    """
    is_folded = _is_folded(card)
    yield _heading(card.title)
    yield from _calls(card)
    if card.asked:
        yield _small_print(card.asked)
    if card.risks:
        more = (say("slack.risks-in-all", count=len(card.risks)),) if len(card.risks) > _RISKS else ()
        yield _risks((*card.risks[:_RISKS], *more))
    if card.summary:
        yield _sentences(card.summary)
    if card.said:
        yield small(one_line(card.said_as, _LINE_CHARS) or say("card.unverified"))
        yield quote(_quoted(card, card.said))
    if card.quoted:
        yield small(one_line(card.quoted_as, _LINE_CHARS) or say("card.unverified"))
        yield _output(card.quoted) if card.is_output else quote(_quoted(card, card.quoted))
    if is_folded:
        yield from _facts((*card.sent, *_few(card)))
        return
    shown = (*card.sent, *card.facts, *_deciding(card))
    yield from _facts(shown[:_FACTS])
    if len(shown) > _FACTS:
        yield _context([say_many("slack.more-facts", len(shown) - _FACTS)])


def _deciding(card: Card) -> tuple[Line, ...]:
    """Who decides, and right above until when, what an answer does and what happens without one."""
    asks = card.form is not None and not card.form.only_stops
    last = [line for line in card.decides if line.kind == "unanswered"]
    others = [line for line in card.decides if line.kind != "unanswered"]
    return (*others, *([card.on_yes] if card.on_yes and asks else []), *last)


def _is_folded(card: Card) -> bool:
    return card.form is not None and card.form.format == "approval" and not card.form.only_stops


def _quoted_chars(card: Card) -> int:
    """The most that is shown of somebody's words: what can be answered leaves room for its buttons."""
    return _ASKED_CHARS if card.form is not None and not card.form.only_stops else _QUOTED_CHARS


def _quoted(card: Card, text: str) -> str:
    return _folded(text) if _is_folded(card) else cut(escape_invisible(text), _quoted_chars(card))


def _folded(text: str) -> str:
    """The first line of `text`, with a sign where there is more."""
    lines = [line for line in escape_invisible(text).split("\n") if line.strip()]
    return one_line(lines[0], _SHORT_CHARS) + (_CUT if len(lines) > 1 else "") if lines else ""


def _few(card: Card) -> list[Line]:
    """The first facts, a line each, and what a yes does."""
    above = [card.title, card.asked, card.summary, card.said, card.said, card.quoted, card.quoted, *_called(card)[:1]]
    room = _LINES - len([*filter(None, above)]) - (2 if card.on_yes else 1)  # and until when
    # A change stands in the sentence above already.
    facts = [fact for fact in card.facts if fact.kind != "changed" or fact.text not in card.summary]
    few = [
        fact.model_copy(update={"text": _folded(fact.text), "verbatim": False})
        for fact in facts[: max(room, _FEWEST_FACTS)]
    ]
    return [*few, *([card.on_yes] if card.on_yes else [])]


def _page_left_out(card: Card) -> str:
    """The page that a fact leads to which has no line on the card."""
    led = next((fact.link for fact in card.facts if fact.link), "") if _is_folded(card) else ""
    return "" if any(fact.link for fact in _few(card)) else led


def _called(card: Card) -> list[str]:
    """The people and user groups to notify, whom Slack's own ids name; others are named in words."""
    users = [f"<@{one}>" for one in card.mentions if _USER.fullmatch(one)]
    return [*(f"<!subteam^{one}>" for one in card.mentions if _GROUP.fullmatch(one)), *users]


def _calls(card: Card) -> Iterator[Block]:
    """Yield what notifies them; a crowd takes more than one section."""
    called = _called(card)
    for start in range(0, len(called), _CALLED_AT_ONCE):
        text = " ".join(called[start : start + _CALLED_AT_ONCE])
        yield {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def _output(text: str) -> Block:
    """The end of what a program printed: what went wrong stands last."""
    return preformatted(escape_invisible(text)[-SECTION_CHARS:])


def _asked(card: Card, *, has_details: bool) -> Iterator[Block]:
    """Yield until when, and how to answer."""
    form = card.form
    if form is not None and not form.only_stops:
        yield _context([say("slack.expires", when=times.date(form.until))])
    if form is not None and (how := how_to_answer(form)):
        yield plain(how)
    if form is not None:
        yield from controls(form, has_details=has_details, is_risky=bool(card.risks))
    notes = [f"<{card.link}|{say('slack.open-in-sayso')}>"] if card.link else []
    notes += [f"<{changes}|{say('card.see-changes')}>"] if (changes := _page_left_out(card)) else []
    notes += [f"`{escaped(card.ref, 100)}`"] if card.ref else []
    if notes:
        yield _context([" · ".join(notes)])


def _heading(title: str) -> Block:
    line = one_line(title, SECTION_CHARS)
    if len(line) <= HEADER_CHARS:
        return {"type": "header", "text": words(line or "-")}
    bold: Block = {"type": "text", "text": line, "style": {"bold": True}}
    return _section_of([bold])


def _sentences(text: str) -> Block:
    """Sentences of ours, with moments in the reader's own time zone."""
    shown = cut(escape_invisible(text).strip(), SECTION_CHARS)
    return _section_of(times.in_rich_text(shown)) if times.has_moment(shown) else plain(text)


def _section_of(elements: list[JsonValue]) -> Block:
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": elements}]}


def _context(lines: Sequence[str]) -> Block:
    """Small print. The lines are ours, with what is not ours escaped already."""
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": line, "verbatim": True} for line in lines]}


def _risks(risks: Sequence[str]) -> Block:
    """What its reader must see first, in a quote of its own with the sign that Slack draws in yellow."""
    lines = cut("\n".join(one_line(one, _LINE_CHARS) or "-" for one in risks), _QUOTED_CHARS)
    head: Block = {"type": "text", "text": f" {say('card.look-closely')}\n", "style": {"bold": True}}
    sign: Block = {"type": "emoji", "name": "warning"}
    said: Block = {"type": "text", "text": lines}
    return {"type": "rich_text", "elements": [{"type": "rich_text_quote", "elements": [sign, head, said]}]}


def _small_print(text: str) -> Block:
    """A line of ours in small print, with moments in the reader's own time zone."""
    pieces = times.with_dates(one_line(text, SECTION_CHARS) or "-")
    return _context(["".join(escaped(dates.unbroken(said), SECTION_CHARS) + at for said, at in pieces)])


def _facts(facts: Sequence[Line]) -> Iterator[Block]:
    """Labelled facts, some in one block, so that what is too long for a message can be left out piece by piece."""
    for is_verbatim, some in groupby(facts, key=lambda fact: fact.verbatim):
        if is_verbatim:
            for fact in some:
                yield small(f"{one_line(fact.label, 60)}:")
                yield preformatted(cut(escape_invisible(fact.text), SECTION_CHARS))
            continue
        shown = [labelled(one_line(fact.label, 60), _fact_text(fact), link=_page_of(fact)) for fact in some]
        for start in range(0, len(shown), _FACTS_AT_ONCE):
            yield {"type": "rich_text", "elements": [*shown[start : start + _FACTS_AT_ONCE]]}


def _page_of(fact: Line) -> Block | None:
    return link(fact.link, say("card.see-changes")) if fact.link else None


def _is_fact_cut(fact: Line) -> bool:
    return len(escape_invisible(fact.text).strip()) > (SECTION_CHARS if fact.verbatim else _FACT_CHARS)


def _fact_text(fact: Line) -> str:
    """The text; of a long one as many whole lines as there is room for, and how many more there are, which stand
    behind *Details*.
    """
    text = escape_invisible(fact.text).strip()
    if len(text) <= _FACT_CHARS:
        return text
    lines, left, shown = text.split("\n"), _FACT_CHARS - 40, list[str]()
    for line in lines:
        one = cut(line, max(left, len(_CUT)))
        left -= len(one) + 1
        if shown and (left < 0 or one.endswith(_CUT)):
            break
        shown.append(one)
    more = len(lines) - len(shown)
    if not more:
        return "\n".join(shown)
    said = say("slack.lines-in-all", lines=fact.lines) if fact.lines else say_many("slack.more-lines", more)
    return "\n".join([*shown, f"… {said}"])


def _fallback(card: Card, zone: tzinfo) -> str:
    """Return what a notification shows: the point first, with the words that are asked, answered or given as a reason.

    No button's word stands in it alone. Whom it mentions stands last: a phone shows only the beginning.
    """
    called = " ".join(_called(card)[:_CALLED_AT_ONCE])
    found, room = list[str](), TEXT_CHARS - len(called) - 1
    for part, has_moments in _told(card):
        line = one_line(part, _QUOTED_CHARS)
        for said, at in times.with_dates(line, zone) if has_moments else [(line, "")]:
            piece = escaped(said, room)
            room -= len(piece) + len(at) + 1
            if room < len(_CUT):
                return "\n".join(filter(None, ("".join(found).strip(), called)))
            found += [piece, at]
        found.append("\n")
    return "\n".join(filter(None, ("".join(found).strip(), called))) or "-"


def _told(card: Card) -> Iterator[tuple[str, bool]]:
    """Yield what a card says in the order in which it matters, and whether moments are to be found in it.

    In words of others none are.
    """
    yield f"⚠ {card.title}" if card.risks and card.form else card.title, card.is_line
    if card.risks:
        yield f"{say('card.look-closely')}: {'; '.join(card.risks)}", False
    asked = "" if card.is_output else one_line(card.quoted, _QUOTED_CHARS)
    if asked and asked not in one_line(card.title, SECTION_CHARS):
        yield f"{card.quoted_as or say('card.unverified')} {asked}", False
    yield card.summary, True
    yield from ((f"{fact.label}: {fact.text}", True) for fact in (*card.sent, *card.facts)[:4])


def _fitting(blocks: Iterable[Block]) -> list[Block]:
    """As many blocks as one message takes; how to answer, which stands last, is never what is left out."""
    kept = list(blocks)
    while len(kept) > 3 and (len(kept) > BLOCKS or len(json.dumps(kept, ensure_ascii=False)) > MESSAGE_CHARS):
        at = max(range(1, len(kept)), key=lambda index: 0 if _is_control(kept[index]) else _chars(kept[index]))
        kept[at : at + 1] = [] if _chars(kept[at]) < 200 else [_context([f"_{say('slack.left-out')}_"])]
    return kept


def _is_control(block: Block) -> bool:
    return block["type"] == "actions" or "accessory" in block or _is_call(block)


def _is_call(block: Block) -> bool:
    match block:
        case {"type": "section", "text": {"type": "mrkdwn", "text": str(text)}}:
            return text.startswith(("<@", "<!subteam^"))
        case _:
            return False


def _chars(block: Block) -> int:
    return len(json.dumps(block, ensure_ascii=False))
