"""Read what was stored from Slack: who said what to which card, or what they want."""

import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, get_args

from pydantic import JsonValue

from channels import (
    ByUser,
    ChannelError,
    Contact,
    Directory,
    File,
    Ignored,
    Inbound,
    Quarantined,
    Reading,
    Reply,
    Said,
    Trigger,
)
from channels.filetypes import ALL_TEXT_BYTES, TEXT_BYTES, UNKNOWN_TYPE, headed, is_text, is_type
from channels.showing import one_line
from channels.slack import modals
from channels.slack.inbound import (
    ASK,
    DELETED,
    EDITED,
    Json,
    act_of,
    action_of,
    bots_of,
    is_below_new,
    is_dm,
    mentions_us,
    metadata,
    part,
    parts,
    plain,
    thread_of,
    user_of,
    word,
)
from channels.slack.members import COUNTED, STARTED, Identity, Members, Stranger
from language import Language, say, speaking, spoken


@dataclass(frozen=True, slots=True)
class _From:
    """The origin of something: whose it is, and the `place` where it stood; none for what stands in the App Home."""

    user: str
    team: str
    place: str

    @property
    def aside(self) -> str:
        """Where a word to them alone goes: to the place, else to our direct messages with them."""
        return self.place or f"{self.user}/"

    @property
    def whose(self) -> str:
        return f"Slack user {self.user} of team {self.team}"

    def known(self, did: Literal["pressed", "sent", "wrote", "chose"], what: str = "") -> ByUser:
        return ByUser(user=self.user, team=self.team, did=did, what=what)


Fetch = Callable[[str, int], Awaitable[bytes]]
"""The first so many bytes of what a URL names. Raises ChannelError."""


class Reader:
    """Reads for people whom `directory` and `members` know; `fetch` brings the files of messages."""

    def __init__(self, directory: Directory, members: Members, fetch: Fetch) -> None:
        self._identity, self._members = Identity(directory, members), members
        self._fetch = fetch

    async def read(self, inbound: Inbound) -> Reading:
        """Read what `inbound` means by Slack's payload and the directory. Raises ChannelUnavailable: Slack is away."""
        try:
            stored: JsonValue = json.loads(inbound.raw)
        except ValueError:
            return Quarantined(reasons=("what Slack sent can't be read any more: it was cut or changed",))
        body = part(stored, "body")
        if reason := await self._anothers(body):
            return Quarantined(reasons=(reason,))
        with speaking(self.language_of(body) or spoken()):
            return await self._read(word(stored, "kind"), body)

    async def _read(self, kind: str, body: Json) -> Reading:
        match kind:
            case "action":
                return await self._pressed(body)
            case "view":
                return await self._submitted(body)
            case "command":
                return await self._command(body)
            case "event":
                return await self._message(body)
            case "shortcut":
                return await self._order(body)
            case other:
                return Ignored(reason=f"nothing comes of a {other or 'thing without a kind'}")

    async def _anothers(self, body: Json) -> str:
        """Return why it is not for us, where Slack sent it to another app than our token's: a secret may be shared."""
        to, ours = word(body, "api_app_id"), (await self._members.ourselves()).app
        return f"Slack sent it to the app {to}, and the bot token is of {ours}" if to and ours and to != ours else ""

    async def person(self, body: Json) -> Contact | Stranger:
        """Return who used something of ours: `user.team_id` is their own workspace, `team` may be ours."""
        return await self._identity.of(word(body, "user", "id"), word(body, "user", "team_id"))

    async def visitor(self, user: str) -> Contact | Stranger:
        """The person with this Slack id."""
        return await self._identity.of(user)

    def shown(self, text: str) -> str:
        """Words of a message as its readers see them."""
        return plain(text, self._identity.names())

    def knows(self, user: str) -> bool:
        """Return whether the directory has a person with this Slack id."""
        return user in self._identity.names()

    def language_of(self, body: Json) -> Language | None:
        """Return what the person reads who did what `body` tells of; None for nobody whom we know."""
        return self._identity.language_of(user_of(body))

    def name_of(self, user: str) -> str:
        """Return what a user is called, if we know."""
        return self._identity.names().get(user, user or say("slack.somebody"))

    async def _pressed(self, body: Json) -> Reading:
        """A button or a menu. Its value is the opaque token, and the number of the option where it is a choice."""
        name, action = action_of(body)
        chosen = [word(action, "value") or word(action, "selected_option", "value")]
        if name == "send":
            chosen = _picked(body)
        token = next(filter(None, (word(action, "value"), *chosen)), "").partition(" ")[0]
        came = _From(word(body, "user", "id"), _team(body), thread_of("action", body))
        person = await self.person(body)
        if isinstance(person, Stranger):
            return _held(person, came, token)
        label = word(action, "text", "text") or word(action, "selected_option", "text", "text") or name
        # In the App Home there is no channel: nobody else sees it.
        channel = came.place.partition("/")[0]
        answer = Reply(
            person=person.id,
            token=token,
            said="free_text",
            text=name,
            known=came.known("pressed", label),
            is_shared=bool(channel) and not channel.startswith("D"),
            place=came.aside,
        )
        if not token:
            return Quarantined(reasons=("what was pressed carries no token",), person=person.id, place=came.place)
        act, along = act_of(name)
        if act:
            return answer.model_copy(update={"said": _said(act), "text": act, "again": along == "again"})
        return _with_picks(answer, chosen) if name in ("choose", "send") else answer

    async def _submitted(self, body: Json) -> Reading:
        view, carried = part(body, "view"), metadata(body)
        name, place = word(view, "callback_id"), word(carried, "place")
        came = _From(word(body, "user", "id"), _team(body), place)
        person = await self.person(body)
        if name in (ASK, "ask_about"):
            return (
                _held(person, came, became=STARTED) if isinstance(person, Stranger) else self._wish(body, came, person)
            )
        token = word(carried, "token")
        if isinstance(person, Stranger):
            return _held(person, came, token)
        if not token:
            return Quarantined(reasons=("the window that was sent carries no token",), person=person.id, place=place)
        act, along = act_of(name)
        (about, text), fields = modals.words_in(view), modals.filled(view) if act or name == "fill" else {}
        answer = Reply(
            person=person.id,
            token=token,
            said="free_text",
            text=text or ("" if about else "\n".join(f"{field}: {value}" for field, value in fields.items())),
            filled=fields,
            known=came.known("sent", word(view, "title", "text") or name),
            is_shared=carried.get("shared") is True,
            place=came.aside,
            is_typed=bool(text) and not fields,
        )
        if act:
            # What goes along with a press says no more than that does: the words are why.
            said = {"said": _said(act), "text": act if along else answer.text}
            return answer.model_copy(update={**said, "reason": text if along or about == "reason" else ""})
        return answer if answer.text.strip() else answer.model_copy(update={"said": "empty"})

    def _wish(self, body: Json, came: _From, person: Contact) -> Trigger:
        """Return what was written into a window of ours, with the message that it is about, and whose that is."""
        view, author = part(body, "view"), word(metadata(body), "author")
        about = modals.quoted(view)
        quotation = "".join(f"\n> {line}" for line in about.split("\n")) if about else ""
        text = modals.said(view) + (f"\n\n{say('slack.about-quoted')}{quotation}" if about else "")
        thread, is_anothers = thread_of("view", body), bool(about) and author != came.user
        return Trigger(
            person=person.id,
            text=text.strip(),
            thread=thread,
            known=came.known("sent", word(view, "title", "text")),
            room=_room(thread),
            place=came.place,
            others=self._identity.others(author, person) if about else (),
            written_by=author if is_anothers else "",
            quotes=is_anothers,
            weakness=QUOTES if is_anothers else "",
        )

    async def _order(self, body: Json) -> Reading:
        """A message that is a complete order, wanted by whoever chose the shortcut on it, and by whoever wrote it.

        Its writer may have left the directory since it was chosen: the words are another's all the same.
        """
        author, place = word(body, "message", "user"), thread_of("shortcut", body)
        came = _From(word(body, "user", "id"), _team(body), place)
        person = await self.person(body)
        if isinstance(person, Stranger):
            return _held(person, came, became=STARTED)
        is_anothers = author != came.user
        return Trigger(
            person=person.id,
            text=self.shown(word(body, "message", "text")),
            thread=place,
            known=came.known("chose", author),
            room=_room(place),
            place=came.place,
            others=self._identity.others(author, person),
            written_by=author if is_anothers else "",
            quotes=is_anothers,
            weakness=QUOTES if is_anothers else "",
        )

    async def _command(self, body: Json) -> Reading:
        """Its `team_id` is the workspace in which it was typed, which says nothing of whose it is."""
        channel, user = word(body, "channel_id"), word(body, "user_id")
        came = _From(user, word(body, "team_id"), f"{channel}/")
        text = plain(word(body, "text"), self._identity.names())
        if not text:
            return Ignored(reason="a command without words, whose writer was told how to use it")
        person = await self._identity.of(user)
        if isinstance(person, Stranger):
            return _held(person, came, became=STARTED)
        thread = thread_of("command", body)
        return Trigger(
            person=person.id,
            text=text,
            thread=thread,
            known=came.known("wrote", word(body, "command")),
            room="" if word(body, "channel_name") == "directmessage" else _room(thread),
            place=came.place,
        )

    async def _message(self, body: Json) -> Reading:
        event = part(body, "event")
        channel, thread = word(event, "channel"), thread_of("event", body)
        team = word(event, "user_team") or word(event, "team") or word(event, "user_profile", "team")
        came = _From(word(event, "user"), team, f"{channel}/{word(event, 'thread_ts')}")
        person = await self._identity.of(came.user, came.team)
        is_addressed = is_dm(event) or mentions_us(body)
        if isinstance(person, Stranger):
            # People talk to each other in a thread where a run lives; nobody wants to hear of us each time.
            quiet = Ignored(reason=f"{came.whose} wrote in a thread and not to us: {person.why}", stranger=person.user)
            is_heard = is_addressed and EDITED not in event
            return _held(person, came, became=STARTED, thread=thread) if is_heard else quiet
        return Trigger(
            person=person.id,
            text=plain(word(event, "text"), self._identity.names(), bots_of(body)),
            thread=thread,
            known=came.known("wrote"),
            files=await files_of(event, self._fetch),
            follows=bool(word(event, "thread_ts")) or EDITED in event,
            is_addressed=is_addressed,
            is_edit=EDITED in event,
            edited=word(event, EDITED),
            deleted=word(event, DELETED),
            is_below_new=is_below_new(event, bots_of(body)),
            room="" if is_dm(event) else channel,
            place=came.place,
        )


QUOTES = "it quotes a message that somebody else wrote"
"""So no standing approval of the asker covers it: somebody else told the agent what to do."""


def _held(who: Stranger, came: _From, token: str = "", *, became: str = COUNTED, thread: str = "") -> Quarantined:
    """Recorded, and its writer is told, because it is certain that Slack's user `who` wrote it."""
    return Quarantined(
        reasons=(f"{came.whose}: {who.why}",),
        claims=who.user,
        token=token or None,
        thread=thread,
        stranger=who.user,
        place=came.aside,
        notice=who.notice(became),
    )


def _said(act: str) -> Said:
    """Return what somebody says who does an act of a card; nothing that counts where it is none of ours."""
    return next((said for said in get_args(Said) if said == act), "free_text")


def _team(body: Json) -> str:
    return word(body, "user", "team_id")


def _room(thread: str) -> str:
    """The Slack channel that a thread is in, unless it is a DM."""
    channel = thread.partition("/")[0]
    return "" if channel.startswith(("D", "U", "W")) else channel


def _picked(body: Json) -> list[str]:
    """The values chosen in the menu beside a button, which stay in the message or the App Home until they are sent."""
    values = part(body, "state", "values") or part(body, "view", "state", "values")
    chosen = (parts(values, block, "pick", "selected_options") for block in values)
    return [word(option, "value") for options in chosen for option in options]


def _with_picks(answer: Reply, values: list[str]) -> Reply:
    """`answer` with the options of its own card that were chosen; with none it says nothing.

    Beside it in an App Home stand others, and what is chosen on these comes along.
    """
    named = [value.partition(" ") for value in values]
    own = [number for token, _, number in named if token == answer.token]
    picks = tuple(sorted({int(number) for number in own if number.isdecimal()}))
    if not picks or not all(map(str.isdecimal, own)):
        return answer.model_copy(update={"said": "empty", "text": ""})
    return answer.model_copy(update={"picks": picks, "text": ", ".join(map(str, picks))})


READ_BYTES = 100_000
"""Most that is fetched of one file."""

FILES = 10
"""As many files as Slack's client takes with one message are looked at; the others are named."""

NAME_CHARS = 100
NOT_FETCHED = "only its name is known: it is in Slack"
NOT_TEXT = "its text can't be read: it is not in UTF-8"


async def files_of(event: Json, fetch: Fetch) -> tuple[File, ...]:
    """The files of a message, in their order; texts are fetched, all others only named."""
    found, left = list[File](), ALL_TEXT_BYTES
    for number, given in enumerate(parts(event, "files"), 1):
        file = _named(given, number)
        if number <= FILES and is_text(file.type, file.name):
            file = await _with_text(file, word(given, "url_private_download"), fetch, min(left, TEXT_BYTES))
        left -= len(file.text.encode())
        found.append(file)
    return tuple(found)


def _named(given: Json, number: int) -> File:
    """A file as the message names it. The hash is one of nothing, as its note says."""
    kind = word(given, "mimetype")
    return File(
        name=one_line(word(given, "name") or word(given, "title"), NAME_CHARS) or f"file {number}",
        type=kind if is_type(kind) else UNKNOWN_TYPE,
        size_bytes=_size(given.get("size")),
        sha256=hashlib.sha256().hexdigest(),
        note=NOT_FETCHED,
    )


async def _with_text(file: File, url: str, fetch: Fetch, most_bytes: int) -> File:
    try:
        content = await fetch(url, READ_BYTES)
    except ChannelError as error:
        return file.model_copy(update={"note": f"{NOT_FETCHED} ({error.what})"})
    is_whole = len(content) == file.size_bytes
    if not is_whole and len(content) < READ_BYTES:
        # A page that asks to log in comes with status 200 where the app may not read files.
        said = f"{file.size_bytes} bytes were announced and {len(content)} came; the app may lack files:read"
        return file.model_copy(update={"note": f"{NOT_FETCHED} ({said})"})
    text = _decoded(content, is_whole=is_whole)
    kept: dict[str, JsonValue | bytes] = {"sha256": hashlib.sha256(content).hexdigest(), "note": ""}
    if is_whole:
        kept["content"] = content
    if text is None:
        return file.model_copy(update=kept | {"note": NOT_TEXT})
    shown = headed(text, most_bytes)
    if not is_whole:
        shown["note"] = f"its text is cut: {len(shown['text'].encode())} of {file.size_bytes} bytes are here"
    return file.model_copy(update=kept | shown)


def _decoded(content: bytes, *, is_whole: bool) -> str | None:
    try:
        text = content.decode() if is_whole else content.decode(errors="ignore")
    except UnicodeError:
        return None
    return None if "\0" in text else text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _size(value: JsonValue) -> int:
    return value if isinstance(value, int) and value > 0 else 0
