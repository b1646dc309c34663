"""A payload of Slack's -> what to do with it before it is acknowledged. Pure, and without asking anybody.

Payloads: https://docs.slack.dev/apis/events-api, https://docs.slack.dev/reference/interaction-payloads,
https://docs.slack.dev/interactivity/implementing-slash-commands
"""

import hashlib
import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import JsonValue

from channels import Inbound
from language import say

_MARK = re.compile(r"<([^<>]*)>")
_IN_ONE_PIECE = "\u00a0"
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
            # In one piece, as nothing else shows where a name ends.
            return f"@{_IN_ONE_PIECE.join((names.get(target[1:]) or label or target[1:]).split())}"
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


Json = Mapping[str, JsonValue]


def part(value: JsonValue | Json, *path: str) -> Json:
    """The object at `path`; an empty one where there is none."""
    found = _at(value, path)
    return found if isinstance(found, Mapping) else {}


def word(value: JsonValue | Json, *path: str) -> str:
    """The text at `path`; "" where there is none. JSON may hold half a character, which nothing else takes."""
    found = _at(value, path)
    return found.encode(errors="replace").decode() if isinstance(found, str) else ""


def parts(value: JsonValue | Json, *path: str) -> list[Json]:
    """The objects in the list at `path`."""
    found = _at(value, path)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def first(found: list[Json]) -> Json:
    """The first of some objects; an empty one where there is none."""
    return found[0] if found else {}


def _at(value: JsonValue | Json, path: tuple[str, ...]) -> JsonValue | Json:
    for name in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


Kind = Literal["event", "action", "view", "command", "shortcut"]

ACT, OPEN = "act", "open"
"""Begin the name of a button that does an act, and of one that opens a window for it: `act:deny`, `open:deny:reason`.

What may go with an act follows its name. A window that was filled in is sent as the act.
"""

ANSWERS = frozenset((ACT, "yes", "no", "choose", "send"))
"""Buttons and menus that say something. The number of a choice follows its word: `choose.2`."""

CARD = "card"
"""A button in a list, which opens the whole card with its buttons."""

WINDOWS = frozenset((OPEN, CARD, "details", "fill", "write", "ask"))
"""Buttons that open a window, and say nothing yet."""

ANSWER_WINDOWS = frozenset((ACT, "fill", "write"))
ASK, ASK_ABOUT = "ask", "ask_about"

PAGE = "page"
"""A button within a window that shows another page of it."""

EDITED = "was_edited"
"""Ours, in a message that its writer has edited: the key under which it came."""

DELETED = "was_deleted"
"""Ours, in a message that somebody has deleted: the key under which it came."""

# https://docs.slack.dev/reference/events/message lists some thirty more: edits, deletions, joins, bots, notices.
_WRITTEN = frozenset(("", "file_share", "thread_broadcast"))
_SLACKBOT = "USLACKBOT"

# Longer than it takes to learn that a message of ours stands, also where whoever posted it died.
_NEW_S = 120.0

_HELP = frozenset(("help", "-help", "--help", "?"))


@dataclass(frozen=True, slots=True)
class Stored:
    """To be durable before Slack hears `answer`."""

    inbound: Inbound
    answer: dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Opens:
    """A wish to see a window; nothing is decided by looking."""

    window: str
    body: Json


@dataclass(frozen=True, slots=True)
class Visited:
    """A visit to the App Home."""

    user: str


@dataclass(frozen=True, slots=True)
class Helps:
    """A question what can be asked here; whoever asks it alone sees the answer.

    A stranger's is a command like any other.
    """

    inbound: Inbound


@dataclass(frozen=True, slots=True)
class Nothing:
    """Acknowledged with `answer`, and never looked at again."""

    answer: dict[str, JsonValue]


Sorted = Stored | Opens | Visited | Helps | Nothing
IsOrder = Callable[[Json], bool]
"""Tells of a message that its text, written by a person whom we know, is by itself a complete order."""


def _is_never(_: Json) -> bool:
    return False


def sort(body: Json, received_at: datetime, is_order: IsOrder = _is_never, is_stop: IsOrder = _is_never) -> Sorted:
    """Sort `body` by what it is. Repeats never matter here: an item has one key, however often it comes."""
    match word(body, "type"):
        case "event_callback":
            return _event(body, received_at, is_stop)
        case "block_actions":
            return _action(body, received_at)
        case "view_submission":
            return _view(body, received_at)
        case "message_action" if word(body, "callback_id") == ASK_ABOUT:
            return _shortcut(body, received_at) if is_order(part(body, "message")) else Opens(ASK_ABOUT, body)
        case "" if word(body, "command"):
            return _command(body, received_at)
        case _:
            return Nothing({})


def thread_of(kind: Kind, body: Json) -> str:
    """The name of the thread that `body` belongs to: `C…/ts`, or `C…/~id` where nobody has begun it yet.

    From the App Home it is `U…/~id`: in the person's DM with us, whose id we are not told.
    """
    match kind:
        case "event":
            event = part(body, "event")
            return f"{word(event, 'channel')}/{word(event, 'thread_ts') or word(event, 'ts')}"
        case "command":
            return f"{word(body, 'channel_id')}/~{_short(word(body, 'trigger_id'))}"
        case "view" if word(body, "view", "callback_id") == ASK:
            return f"{word(body, 'user', 'id')}/~{_short(_view_key(body))}"
        case "view":
            return word(metadata(body), "place")
        case "action" | "shortcut":
            seen, channel = (
                part(body, "container"),
                word(body, "channel", "id") or word(body, "container", "channel_id"),
            )
            ts = word(body, "message", "ts") or word(seen, "message_ts")
            thread = word(seen, "thread_ts") or word(body, "message", "thread_ts") or ts
            return f"{channel}/{thread}" if channel else ""


def user_of(body: Json) -> str:
    """The Slack id of who did what `body` tells of."""
    return word(body, "user", "id") or word(body, "user_id") or word(body, "event", "user")


def metadata(body: Json) -> Json:
    """Return what a window of ours carried with it; nothing if it is none of ours."""
    try:
        found: JsonValue = json.loads(word(body, "view", "private_metadata"))
    except ValueError:
        return {}
    return part(found)


def is_dm(event: Json) -> bool:
    """Return whether nobody but one person and we are in the conversation."""
    return word(event, "channel_type") == "im" or word(event, "channel").startswith("D")


def bots_of(body: Json) -> tuple[str, ...]:
    """Our own user ids, as an event's envelope gives them: https://docs.slack.dev/apis/events-api#event-type-structure"""
    found = (word(each, "user_id") for each in parts(body, "authorizations") if each.get("is_bot"))
    return tuple(filter(None, found))


def is_below_new(event: Json, bots: tuple[str, ...]) -> bool:
    """Return whether a message was written so soon below one of ours that we may not know yet where that stands."""
    try:
        age_s = float(word(event, "ts")) - float(word(event, "thread_ts"))
    except ValueError:
        return False
    return word(event, "parent_user_id") in bots and age_s < _NEW_S


def mentions_us(body: Json) -> bool:
    """Return whether an event's message calls us by name."""
    event = part(body, "event")
    called = any(f"<@{bot}>" in word(event, "text") or f"<@{bot}|" in word(event, "text") for bot in bots_of(body))
    return called or word(event, "type") == "app_mention"


def action_of(body: Json) -> tuple[str, Json]:
    """The word of what was pressed or chosen, and all that Slack says of it.

    What was chosen in an overflow menu is told as if its own button had been pressed.
    """
    action = first(parts(body, "actions"))
    if word(action, "type") == "overflow":
        chosen = part(action, "selected_option")
        name, _, value = word(chosen, "value").partition(" ")
        action = {**action, "action_id": name, "value": value, "text": chosen.get("text")}
    return word(action, "action_id").partition(".")[0], action


def kind_of(name: str) -> str:
    """Return what the name of a button or a window begins with: all of it, but for that of an act."""
    return name.partition(":")[0]


def act_of(name: str) -> tuple[str, str]:
    """Return the act that a button or a window is named by, and what goes with it; nothing of other names."""
    kind, _, act = name.partition(":")
    named, _, along = act.partition(":")
    return (named, along) if kind in {ACT, OPEN} else ("", "")


def is_in_window(body: Json) -> bool:
    """Return whether something was pressed in a window that is open, and not in a message or the App Home."""
    return word(body, "type") == "block_actions" and word(body, "view", "type") == "modal"


def _event(body: Json, received_at: datetime, is_stop: IsOrder) -> Sorted:
    event = part(body, "event")
    if word(event, "type") == "app_home_opened":
        return Visited(word(event, "user")) if word(event, "tab") in ("", "home") else Nothing({})
    if word(event, "subtype") == "message_deleted" or word(event, "message", "subtype") == "tombstone":
        return _deleted(body, received_at)
    if word(event, "subtype") == "message_changed":
        return _edited(body, received_at)
    if not _was_written(event, bots_of(body)):
        return Nothing({})
    is_for_us, follows = is_dm(event) or mentions_us(body), bool(word(event, "thread_ts"))
    if not is_for_us and not follows:
        return Nothing({})
    is_below_own = follows and word(event, "parent_user_id") == word(event, "user")
    stops = thread_of("event", body) if is_below_own and is_stop(event) else ""
    key = f"message:{_place_key(body, event)}"
    thread = thread_of("event", body)
    below_new = is_below_new(event, bots_of(body))
    within, begins = ("", thread) if is_for_us else (thread, "")
    came = _inbound(
        "event", key, body, received_at, is_answer=follows, within=within, begins=begins, is_below_new=below_new
    )
    return Stored(came.model_copy(update={"stops": stops}), {})


def _edited(body: Json, received_at: datetime) -> Sorted:
    """What a person has made of their own message, in a thread that we know: it only may stop, freeze or revoke.

    https://docs.slack.dev/reference/events/message/message_changed
    """
    changed = part(body, "event")
    message, edited = part(changed, "message"), part(changed, "message", "edited")
    event = {name: value for name, value in message.items() if name != "edited"}
    event |= {name: changed.get(name) for name in ("channel", "channel_type")}
    event[EDITED] = f"message:{_place_key(body, event)}"
    is_theirs = word(edited, "user") == word(message, "user")
    is_same = word(changed, "previous_message", "text") == word(message, "text")
    if is_same or not is_theirs or not _was_written(event, bots_of(body)):
        return Nothing({})
    now = {**body, "event": event}
    key = f"edit:{_place_key(body, event)}:{word(edited, 'ts')}"
    below_new, within = is_below_new(event, bots_of(body)), thread_of("event", now)
    came = _inbound("event", key, now, received_at, within=within, is_below_new=below_new)
    before = {**body, "event": {**event, **part(changed, "previous_message")}}
    is_for_us = is_dm(event) or mentions_us(now) or mentions_us(before)
    return Stored(came.model_copy(update={"stops": within if is_for_us and _begins(event) else ""}), {})


def _deleted(body: Json, received_at: datetime) -> Sorted:
    """What somebody has deleted, if a person wrote it to us. It stops nothing: Slack does not tell who deleted it.

    Of the first message of a thread a tombstone stays, and Slack tells of a change:
    https://docs.slack.dev/reference/events/message/message_deleted
    """
    changed = part(body, "event")
    before = {name: value for name, value in part(changed, "previous_message").items() if name != "edited"}
    event = before | {name: changed.get(name) for name in ("channel", "channel_type")}
    is_for_us = is_dm(event) or mentions_us({**body, "event": event})
    if not is_for_us or not _was_written(event, bots_of(body)):
        return Nothing({})
    event |= {"text": "", "blocks": [], "files": [], EDITED: True, DELETED: f"message:{_place_key(body, event)}"}
    now = {**body, "event": event}
    key, within = f"deleted:{_place_key(body, event)}", thread_of("event", now)
    came = _inbound("event", key, now, received_at, within=within)
    return Stored(came.model_copy(update={"stops": within if _begins(event) else ""}), {})


def _begins(event: Json) -> bool:
    """Return whether a message begins a thread, or might."""
    return word(event, "thread_ts") in ("", word(event, "ts"))


def _place_key(body: Json, event: Json) -> str:
    """Return what names a message among those of all workspaces."""
    return ":".join((word(body, "api_app_id"), word(body, "team_id"), word(event, "channel"), word(event, "ts")))


def _was_written(event: Json, bots: tuple[str, ...]) -> bool:
    """Return whether a person has just written it. An edit may bring a mention that comes as an event of its own."""
    if word(event, "type") not in ("message", "app_mention") or word(event, "subtype") not in _WRITTEN:
        return False
    if any(event.get(sign) for sign in ("bot_id", "bot_profile", "edited", "hidden")):
        return False
    return bool(word(event, "ts")) and word(event, "user") not in ("", _SLACKBOT, *bots)


def _action(body: Json, received_at: datetime) -> Sorted:
    name, action = action_of(body)
    if kind_of(name) in WINDOWS or name == PAGE:
        return Opens(name, body)
    if kind_of(name) not in ANSWERS:
        return Nothing({})
    key = f"action:{word(body, 'trigger_id')}"
    token = word(action, "value").partition(" ")[0]
    return Stored(_inbound("action", key, body, received_at, is_answer=True, token=token), {})


def _view(body: Json, received_at: datetime) -> Sorted:
    window = word(body, "view", "callback_id")
    done: dict[str, JsonValue] = {"response_action": "clear"}
    if kind_of(window) not in (ASK, ASK_ABOUT, *ANSWER_WINDOWS):
        return Nothing(done)
    key = f"view:{_view_key(body)}"
    begins = thread_of("view", body) if window == ASK_ABOUT else ""
    is_answer, token = kind_of(window) in ANSWER_WINDOWS, word(metadata(body), "token")
    return Stored(_inbound("view", key, body, received_at, is_answer=is_answer, begins=begins, token=token), done)


def _shortcut(body: Json, received_at: datetime) -> Sorted:
    """A message that leaves nothing to ask: whoever chose the shortcut on it wants what it says."""
    key = f"shortcut:{word(body, 'trigger_id')}"
    return Stored(_inbound("shortcut", key, body, received_at, begins=thread_of("shortcut", body)), {})


def says_only_its_text(message: Json) -> bool:
    """Return whether a person wrote `message` in Slack, and all that is seen of it is its text.

    What an app posts may show blocks that say something else.
    """
    others = ("bot_id", "app_id", "bot_profile", "subtype", "attachments", "files")
    typed = all(word(block, "type") == "rich_text" for block in parts(message, "blocks"))
    return typed and not any(message.get(name) for name in others)


def _view_key(body: Json) -> str:
    return f"{word(body, 'view', 'id')}:{word(body, 'view', 'hash')}"


def _command(body: Json, received_at: datetime) -> Sorted:
    text = word(body, "text").strip()
    if not text:
        return Nothing(ephemeral(say("slack.usage")))
    inbound = _inbound("command", f"command:{word(body, 'trigger_id')}", body, received_at)
    if text.lower() in _HELP:
        return Helps(inbound)
    return Stored(inbound, ephemeral(say("slack.on-it")))


def ephemeral(text: str) -> dict[str, JsonValue]:
    """Words that only who wrote the command sees."""
    return {"response_type": "ephemeral", "text": text}


def _inbound(
    kind: Kind,
    key: str,
    body: Json,
    received_at: datetime,
    *,
    is_answer: bool = False,
    within: str = "",
    begins: str = "",
    is_below_new: bool = False,
    token: str = "",
) -> Inbound:
    raw = json.dumps({"kind": kind, "body": _kept(body)}, separators=(",", ":")).encode()
    return Inbound(
        channel="slack",
        key=key,
        raw=raw,
        size_bytes=len(raw),
        is_answer=is_answer,
        can_wait=False,
        within=within,
        begins=begins,
        is_below_new=is_below_new,
        token=token,
        sender=user_of(body),
        received_at=received_at,
    )


def _kept(body: Json) -> dict[str, JsonValue]:
    """`body` without what lets its owner speak for us or for Slack, and without the copies of our own cards."""
    kept = {name: value for name, value in body.items() if name not in ("token", "response_url", "response_urls")}
    if "message" in kept:
        names = ("ts", "thread_ts", "user", "text") if word(body, "type") == "message_action" else ("ts", "thread_ts")
        kept["message"] = {name: word(body, "message", name) for name in names}
    if word(body, "type") == "block_actions" and "view" in kept:
        kept["view"] = {"id": word(body, "view", "id"), "state": {**part(body, "view", "state")}}
    return kept


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
