"""Slack as a channel: messages, buttons and windows in, cards out.

A payload comes in by `bolt_app` (slack-bolt), over Socket Mode or by HTTP. `inbound` says what it is: stored before it
is acknowledged, a window that `windows` opens (what is in it: `modals`), or nothing. `reading` says later what was
stored means, and `members` whose it is. A card goes out by `cards`, `sender` and `placing`.

Others use `SlackChannel`, and `api`, `members` and `manifest` for set-up. Nothing here knows what a run is or who may
decide.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from typing import Protocol

from pydantic import JsonValue
from starlette.types import ASGIApp

from channels import (
    Accept,
    Address,
    Card,
    ChannelAway,
    ChannelError,
    ChannelRefused,
    ChannelUnauthorized,
    ChannelUnavailable,
    Contact,
    Directory,
    Inbound,
    Newest,
    Placement,
    Reading,
    RequestLookup,
)
from channels.slack import modals
from channels.slack.api import Api
from channels.slack.blocks import by_line, plain
from channels.slack.bolt_app import DELAYS_S, LOOK_S, REFUSED_S, BoltApp, Link, Report, SocketLine, Take
from channels.slack.cards import escaped
from channels.slack.inbound import (
    Helps,
    Json,
    Nothing,
    Opens,
    Sorted,
    Stored,
    Visited,
    action_of,
    ephemeral,
    is_in_window,
    metadata,
    part,
    says_only_its_text,
    sort,
    word,
)
from channels.slack.members import Members
from channels.slack.reading import Reader
from channels.slack.windows import Opened, ShowsHome, Windows
from language import Language, speaking

_log = logging.getLogger(__name__)

LOOKS_WITHIN_S = 1.0
"""Longest time for a look at a form before it is stored: Slack waits 3 s for both."""

CHECK_S = 30.0
"""Seconds between checks that Slack takes our bot token, while nothing is sent with it."""


class Sends(Protocol):
    """The way out, as `channels.Channel` has it."""

    async def address(self, contact: Contact, thread: str, *, anew: bool = False) -> Address | None: ...
    async def send(self, card: Card, to: Address, key: str) -> Placement: ...
    async def update(self, delivery: Placement, card: Card, key: str, newest: Newest | None = None) -> None: ...


def _utc_now() -> datetime:
    return datetime.now(UTC)


async def _report_to_nobody(connected: bool, why: str) -> None:
    del connected, why


async def _notify_nobody(person: str) -> None:
    del person


def _no_order(_: str) -> bool:
    return False


class SlackChannel:
    """Reaches people in one Slack workspace, as the bot whose token `api` has.

    `app_token` opens Socket Mode, `signing_secret` proves what comes by HTTP; either may be "" where the other way is
    used. `home` draws the App Home, and `opened` hears whose was shown. `is_order` tells of a text that it leaves
    nothing to ask, `is_stop` that it says stop. `language` is for people who are not in the directory. `report` hears
    about every second whether the line is open, and if not why. What is done with a payload until it is acknowledged is
    done `in_time`, which may end it.
    """

    def __init__(
        self,
        *,
        api: Api,
        app_token: str,
        signing_secret: str,
        directory: Directory,
        members: Members,
        sends: Sends,
        home: ShowsHome,
        opened: Opened = _notify_nobody,
        is_order: Callable[[str], bool] = _no_order,
        is_stop: Callable[[str], bool] = _no_order,
        language: Language = "en",
        report: Report = _report_to_nobody,
        in_time: Callable[[], AbstractContextManager[None]] = nullcontext,
        now: Callable[[], datetime] = _utc_now,
        delays_s: Sequence[float] = DELAYS_S,
        refused_s: float = REFUSED_S,
        look_s: float = LOOK_S,
        check_s: float = CHECK_S,
    ) -> None:
        self._base_url, self._app_token, self._secret = api.base_url, app_token, signing_secret
        self._members, self._sends, self._report, self._now = members, sends, report, now
        self._delays_s, self._refused_s, self._look_s = delays_s, refused_s, look_s
        self._check_s, self._refusal = check_s, ""
        self._is_order, self._is_stop, self._in_time = is_order, is_stop, in_time
        self._language: Language = language
        self._reader = Reader(directory, members, api.download)
        self._windows = Windows(api, self._reader, home, opened)
        self._under_way = set[asyncio.Task[None]]()

    @property
    def name(self) -> str:
        """`slack`, also in policies."""
        return "slack"

    @property
    def edits(self) -> bool:
        """A message can be changed where it stands."""
        return True

    async def receive(self, accept: Accept, desk: RequestLookup) -> None:
        """Hand over what comes in Socket Mode, for ever; Slack hears that we have it only after `accept` returned."""
        front = BoltApp(self._base_url, self._secret, self._take(accept, desk))
        tickets = Api(self._app_token, self._base_url, app_token=True)

        async def line() -> SocketLine:
            # A bad bot token is found here, and not by the first person who presses a button.
            app = (await self._members.ourselves()).app
            opened = await tickets.call("apps.connections.open")
            return await front.line(self._app_token, word(opened, "url"), app)

        link = Link(line, self._reported, delays_s=self._delays_s, refused_s=self._refused_s, look_s=self._look_s)
        checking = asyncio.create_task(self._check(), name="check Slack's token")
        try:
            await link.keep()
        finally:
            checking.cancel()
            await self._finish()

    def http(self, accept: Accept, desk: RequestLookup) -> ASGIApp:
        """Takes `POST /slack/events` and `/slack/interactions`, instead of Socket Mode.

        Raises ChannelRefused without a signing secret: with an empty one anybody could sign.
        """
        if not self._secret:
            raise ChannelRefused("Slack's posts can't be told from others", "Set SLACK_SIGNING_SECRET")
        return BoltApp(self._base_url, self._secret, self._take(accept, desk)).http()

    async def read(self, inbound: Inbound) -> Reading:
        """Read what `inbound` means. Raises ChannelUnauthorized; ChannelAway while Slack can't say who somebody is."""
        try:
            return await self._reader.read(inbound)
        except ChannelUnauthorized:
            raise
        except ChannelUnavailable as error:
            raise ChannelAway(error.what, error.do) from error

    async def address(self, contact: Contact, thread: str, *, anew: bool = False) -> Address | None:
        """Return where the contact is reached. Raises ChannelUnavailable."""
        return await self._sends.address(contact, thread, anew=anew)

    async def send(self, card: Card, to: Address, key: str) -> Placement:
        """Place `card` once per `key`. Raises ChannelRefused, ChannelUnavailable."""
        return await self._sends.send(card, to, key)

    async def update(self, delivery: Placement, card: Card, key: str, newest: Newest | None = None) -> None:
        """Show `card` where `delivery` stands. Raises ChannelRefused, ChannelUnavailable."""
        await self._sends.update(delivery, card, key, newest)

    def _take(self, accept: Accept, desk: RequestLookup) -> Take:
        """The way of each payload to its acknowledgement. The store is all that is waited for on it."""

        async def take(body: Json) -> dict[str, JsonValue]:
            with self._in_time(), speaking(self._reader.language_of(body) or self._language):
                return await taken(body)

        async def taken(body: Json) -> dict[str, JsonValue]:
            match self._sorted(body):
                case Stored(inbound, answer):
                    if wrong := await self._misfits(body, desk):
                        return wrong
                    await self._store(accept, inbound, body)
                    if is_in_window(body):
                        self._later(self._windows.sent(body))
                    # A stranger is told something else, and hears no more than one line of us.
                    return {} if word(body, "command") and not self._reader.knows(word(body, "user_id")) else answer
                case Opens() as asked:
                    self._later(self._windows.open(asked, desk))
                    return {}
                case Visited(user):
                    self._later(self._windows.visit(user, desk))
                    return {}
                case Helps(inbound):
                    if self._reader.knows(word(body, "user_id")):
                        return _told_alone(desk.usage())
                    # It names environments and groups.
                    await self._store(accept, inbound, body)
                    return {}
                case Nothing(answer):
                    return answer

        return take

    def _sorted(self, body: Json) -> Sorted:
        """Sort what came, also where its words can't be read: they are read again once it is stored, and told of."""
        now = self._now()
        try:
            return sort(body, now, self._orders, self._says_stop)
        except Exception:  # noqa: BLE001 - what is not acknowledged is lost once Slack has brought it three times more
            _log.exception("the words of a message are not read before it is stored")
            return sort(body, now)

    def _orders(self, message: Json) -> bool:
        is_known = self._reader.knows(word(message, "user")) and says_only_its_text(message)
        return is_known and self._is_order(self._reader.shown(word(message, "text")))

    def _says_stop(self, message: Json) -> bool:
        return self._reader.knows(word(message, "user")) and self._is_stop(self._reader.shown(word(message, "text")))

    async def _misfits(self, body: Json, desk: RequestLookup) -> dict[str, JsonValue]:
        """Return the answer that shows what does not fit in a form that was sent; nothing where it can't be known now.

        It is stored then, and whoever sent it is told later.
        """
        view = part(body, "view")
        if word(body, "type") != "view_submission" or word(view, "callback_id") != "fill":
            return {}
        try:
            async with asyncio.timeout(LOOKS_WITHIN_S):
                return modals.errors(view, await desk.misfits(word(metadata(body), "token"), modals.filled(view)))
        except Exception as error:  # noqa: BLE001 - a form must be stored, whatever keeps us from looking at it
            _log.warning("a form could not be looked at before it is stored: %s", error)
            return {}

    async def _store(self, accept: Accept, inbound: Inbound, body: Json) -> None:
        """Durable, or raised. A press is not brought again, so that who pressed is told to."""
        try:
            await accept(inbound)
        except Exception:
            if action_of(body)[0]:
                self._later(self._windows.apologize(body))
            raise

    async def _check(self) -> None:
        """Know for ever whether Slack takes the bot token: the line is another token's, and tells nothing of it."""
        while True:
            await asyncio.sleep(self._check_s)
            try:
                await self._members.check()
            except ChannelUnauthorized as error:
                if not self._refusal:
                    _log.error("Slack refuses sayso: %s", error)
                self._refusal = str(error)
            except ChannelError as error:
                _log.info("nobody knows whether Slack takes our token: %s", error)
            else:
                self._refusal = ""

    async def _reported(self, connected: bool, why: str) -> None:
        """Report how the line stands; one that nothing can be answered over counts as none."""
        await self._report(connected and not self._refusal, why or self._refusal)

    def _later(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.ensure_future(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _finish(self) -> None:
        """Let windows that somebody waits for be filled, for a moment."""
        if self._under_way:
            _, left = await asyncio.wait(self._under_way, timeout=2)
            for task in left:
                task.cancel()


_USAGE_CHARS = 2_500


def _told_alone(text: str) -> dict[str, JsonValue]:
    """Words for one person, in which nothing is read as a command."""
    shown: list[JsonValue] = [*map(plain, by_line(text, _USAGE_CHARS))]
    return {**ephemeral(escaped(text, _USAGE_CHARS)), "blocks": shown}
