"""Wires the Slack channel of an installation: settings in, a channel and the word of its line out."""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from pydantic import JsonValue

from agents.command import is_order
from bot.computing import in_time
from bot.config.errors import ConfigError
from bot.config.settings import Settings
from bot.inbound.inbox import Inbox
from bot.outbound.outbox import Outbox
from bot.people.directory import People
from bot.people.slack_groups import GroupReader
from bot.policy.answers import is_stop
from bot.store import Store
from bot.store.client import Client, StoreError
from bot.store.indexes import SAYS_EVERY_S, LinkState, StoreMarks, note_link, remove_link
from channels import RequestLookup

if TYPE_CHECKING:
    from bot.queries.slack_home import HomeDrawing
    from channels.slack import SlackChannel
    from channels.slack.api import Api
    from channels.slack.rate_limit import Rates

Report = Callable[[bool, str], Awaitable[None]]
Opened = Callable[[str], Awaitable[None]]


class LinkReport:
    """The channel's report on its connection, for all who ask: at once when it changes, and at intervals."""

    def __init__(self, client: Client, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._client, self._process, self._now = client, secrets.token_hex(8), now
        self._state = LinkState(connected=False, since=now(), why="it has just started")
        self._changed = asyncio.Event()

    async def report(self, connected: bool, why: str) -> None:
        """The line is there, or `why` it is not. May be called as often as one likes."""
        if (connected, why[:_WHY_CHARS]) == (self._state.connected, self._state.why):
            return
        since = self._state.since if connected == self._state.connected else self._now()
        self._state = LinkState(connected=connected, since=since, why=why[:_WHY_CHARS])
        self._changed.set()

    async def keep(self) -> None:
        """Say it for ever; when this ends nobody hears of the line any more."""
        try:
            while True:
                self._changed.clear()
                with suppress(StoreError):  # what is not said is not believed
                    await note_link(self._client, self._process, self._state)
                with suppress(TimeoutError):
                    async with asyncio.timeout(SAYS_EVERY_S):
                        await self._changed.wait()
        finally:
            with suppress(StoreError, TimeoutError):
                async with asyncio.timeout(1):
                    await remove_link(self._client, self._process)


@dataclass(frozen=True, slots=True)
class SlackParts:
    """The Slack channel, the `link` that says how its line is, and the `homes` that whoever sends draws.

    Nothing where no Slack is set up.
    """

    channels: "tuple[SlackChannel, ...]" = ()
    link: LinkReport | None = None
    homes: "HomeDrawing | None" = None

    def listening(self) -> list[Coroutine[None, None, None]]:
        """Return the jobs that run for ever in a process that hears Slack over a connection of its own."""
        return [self.link.keep()] if self.link else []

    def drawing(self, inbox: Inbox, outbox: Outbox, desk: RequestLookup) -> list[Coroutine[None, None, None]]:
        """Return the jobs that run for ever in a process that works: what people do and hear changes their Homes."""
        if self.homes is None:
            return []
        inbox.concerns = outbox.concerns = self.homes.changed
        return [self.homes.draw(desk)]


def slack_parts(
    settings: Settings, client: Client, people: People | None = None, rates: "Rates | None" = None
) -> SlackParts:
    """Compose the parts of Slack that a process needs to reach `people`, and have their groups in Slack read there.

    Connects to nothing yet. `rates` are those that Slack allows unless they are given.
    """
    if not settings.has_slack:
        return SlackParts()
    from bot.queries.slack_home import HomeDrawing  # noqa: PLC0415 - it draws views, which most commands do without
    from channels.slack.members import user_group  # noqa: PLC0415 - as in `slack_channel`

    api = slack_api(settings)

    async def publish(user: str, view: Mapping[str, JsonValue]) -> None:
        await api.call("views.publish", user, user_id=user, view={**view})

    store = Store(client, settings.shards, settings.lease_s, settings.grace_s)
    people, link = people or People.of(settings), LinkReport(client)
    people.read_groups_by(GroupReader(partial(user_group, api), time.monotonic))
    homes = HomeDrawing(store, people, publish)
    return SlackParts((slack_channel(settings, people, store, link.report, homes.opened, rates),), link, homes)


def slack_channel(
    settings: Settings, people: People, store: Store, report: Report, opened: Opened, rates: "Rates | None" = None
) -> "SlackChannel":
    """The Slack channel over the workspace of the settings. Raises ConfigError when they name none."""
    # They take a while to load, and most commands do without.
    from channels.slack import SlackChannel  # noqa: PLC0415
    from channels.slack.members import Members  # noqa: PLC0415
    from channels.slack.modals import view  # noqa: PLC0415
    from channels.slack.rate_limit import Paced  # noqa: PLC0415
    from channels.slack.sender import SlackSender  # noqa: PLC0415

    app_token, secret = settings.slack_app_token, settings.slack_signing_secret
    api = slack_api(settings)
    paced = Paced(api, time.monotonic, asyncio.sleep, rates)
    members = Members(paced, time.monotonic)
    return SlackChannel(
        api=api,
        app_token=app_token.get_secret_value() if app_token else "",
        signing_secret=secret.get_secret_value() if secret else "",
        directory=people,
        members=members,
        sends=SlackSender(
            paced, members, StoreMarks(store), people, shared_channels=_names(settings.slack.shared_channels)
        ),
        home=view,
        opened=opened,
        is_order=is_order,
        is_stop=is_stop,
        language=people.language_of(""),
        report=report,
        in_time=in_time,
    )


def _names(places: Iterable[str]) -> frozenset[str]:
    """`#partners` and ids of Slack channels, without the word for the channel itself."""
    return frozenset(place.partition(":")[2] for place in places)


_HOW = "`sayso slack manifest` begins the set-up, docs/slack.md has the steps"


def slack_api(settings: Settings) -> "Api":
    """The Web API, with the bot token. Raises ConfigError when there is none."""
    # Every command loads this file, and few call Slack: its libraries take half a second.
    from channels.slack.api import Api  # noqa: PLC0415

    if settings.slack_bot_token is None:
        raise ConfigError([f"SLACK_BOT_TOKEN is not set: it is the Bot User OAuth Token of the app (xoxb-…). {_HOW}"])
    return Api(settings.slack_bot_token.get_secret_value(), settings.slack_base_url)


def check_socket_mode(settings: Settings) -> None:
    """Check that the tokens which Socket Mode needs are set. Raises ConfigError."""
    tokens = {"SLACK_BOT_TOKEN": settings.slack_bot_token, "SLACK_APP_TOKEN": settings.slack_app_token}
    missing = [name for name, token in tokens.items() if token is None]
    if not missing:
        return
    found = f"{' and '.join(missing)} {'are' if len(missing) > 1 else 'is'} not set"
    needs = "sayso slack needs the bot token (xoxb-…) and the app token (xapp-…)"
    over_http = ". Over HTTP it is not needed: sayso web takes what Slack posts" if settings.has_slack_http else ""
    raise ConfigError([f"{found}: {needs}{over_http}. {_HOW}"])


_WHY_CHARS = 300
