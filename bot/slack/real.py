"""Wires the Slack channel of an installation: settings in, a channel and the word of its line out."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import JsonValue

from bot.people import People
from bot.settings import Settings
from bot.slack.access import slack_api
from bot.slack.link import LinkReport
from bot.store import Store
from bot.store.client import Client
from bot.store.links import Links
from bot.store.marks import StoreMarks
from channels import Desk

if TYPE_CHECKING:
    from bot.slack.home import HomeWatch
    from channels.slack import SlackChannel

Report = Callable[[bool, str], Awaitable[None]]
Opened = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class SlackParts:
    """The Slack channel, the `link` that says how its line is, and the `homes` that whoever hears Slack watches.

    Nothing where no Slack is set up.
    """

    channels: "tuple[SlackChannel, ...]" = ()
    link: LinkReport | None = None
    homes: "HomeWatch | None" = None

    def beside(self, desk: Desk, *, has_line: bool) -> list[Coroutine[None, None, None]]:
        """What runs for ever in a process that hears Slack, over a line of its own or by posts.

        Whoever hears that people open their Homes keeps these up to date: what it shows itself may be old by then.
        """
        found = list[Coroutine[None, None, None]]()
        found += [self.link.keep()] if self.link and has_line else []
        found += [self.homes.watch(desk)] if self.homes else []
        return found


def slack_parts(settings: Settings, client: Client) -> SlackParts:
    """What a process composes to reach people in Slack. Connects to nothing yet."""
    if not settings.has_slack:
        return SlackParts()
    from bot.slack.home import HomeWatch  # noqa: PLC0415 - it draws views, which most commands do without

    api = slack_api(settings)

    async def publish(user: str, view: Mapping[str, JsonValue]) -> None:
        await api.call("views.publish", user, user_id=user, view={**view})

    store = Store(client, settings.shards, settings.lease_s, settings.grace_s)
    people, link = People(settings.people, settings.policies), LinkReport(Links(client))
    homes = HomeWatch(store, people, publish)
    return SlackParts((slack_channel(settings, people, store, link.report, homes.opened),), link, homes)


def slack_channel(settings: Settings, people: People, store: Store, report: Report, opened: Opened) -> "SlackChannel":
    """The Slack channel over the workspace of the settings. Raises ConfigError when they name none."""
    # They take a while to load, and most commands do without.
    from channels.slack import SlackChannel  # noqa: PLC0415
    from channels.slack.home import view  # noqa: PLC0415
    from channels.slack.members import Members  # noqa: PLC0415
    from channels.slack.pace import Paced  # noqa: PLC0415
    from channels.slack.sender import SlackSender  # noqa: PLC0415

    app_token, secret = settings.slack_app_token, settings.slack_signing_secret
    api = slack_api(settings)
    paced = Paced(api, time.monotonic, asyncio.sleep)
    members = Members(paced, time.monotonic)
    return SlackChannel(
        api=api,
        app_token=app_token.get_secret_value() if app_token else "",
        signing_secret=secret.get_secret_value() if secret else "",
        directory=people,
        members=members,
        sends=SlackSender(paced, members, StoreMarks(store), people),
        home=view,
        opened=opened,
        report=report,
    )
