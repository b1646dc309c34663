"""The worked examples of docs/who-may-approve.md as whole stories: the very settings of the page, and what it tells."""

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from agents.events import RequestReassigned, RequestReminded
from agents.requests.record import RequestRecord
from tests.kit.world import World
from tests.servers.lines import TOP

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")


def example(name: str) -> str:
    """Return the settings of the example of this name, with the people of all, as they stand on the page."""
    page = (TOP / "docs" / "who-may-approve.md").read_text(encoding="utf-8")
    found = dict(re.findall(r"<!-- example: ([\w-]+) -->\n```toml\n(.*?)```", page, re.DOTALL))
    return f"{found['people']}\n{found[name]}"


@asynccontextmanager
async def told(redis: str, folder: Path, name: str, at: datetime) -> AsyncGenerator[World]:
    """A sayso with the settings of an example, `at` a moment."""
    world = World(redis, folder / "data", example(name))
    try:
        await world.move_time((at - datetime.now(UTC)).total_seconds())
        await world.start()
        yield world
    finally:
        await world.stop()


async def until(world: World, at: datetime) -> None:
    """Move the clock to `at`, until all that is due by then has been done."""
    await world.move_time((at - await world.now()).total_seconds() + 1)
    await world.quiet()


async def asked(world: World, policy: str, person: str = "anna") -> RequestRecord:
    """The request that opens when `person` asks for what `policy` gates, once its cards have arrived."""
    world.workshop.policy_of["bell"] = policy
    record = await world.opened(await world.trigger("press bell", person=person))
    await world.quiet()
    return record


def cards(world: World, *persons: str) -> dict[str, int]:
    """How many cards of it each of them has had."""
    return {one: len([mail for mail in world.mails(one) if "\nYou, " in mail.text]) for one in persons}


async def reminders(world: World, record: RequestRecord, zone: ZoneInfo) -> list[tuple[str, int, tuple[str, ...]]]:
    """When, by the clocks of `zone`, whom which reminder reached."""
    events = await world.events(record.request.run_id)
    return [(clock(one.at, zone), one.number, tuple(one.people)) for one in events if isinstance(one, RequestReminded)]


async def others(world: World, record: RequestRecord) -> list[tuple[str, tuple[str, ...]]]:
    """Why others were asked, and who."""
    events = await world.events(record.request.run_id)
    return [(one.why, tuple(one.to)) for one in events if isinstance(one, RequestReassigned)]


def clock(at: datetime, zone: ZoneInfo) -> str:
    """`10:30`."""
    return f"{at.astimezone(zone):%H:%M}"


def next_morning(hour: int, minute: int) -> datetime:
    """The next such time in Berlin, on a day on which it is six hours earlier in New York."""
    day = datetime.now(BERLIN).replace(hour=hour, minute=minute, second=0, microsecond=0) + timedelta(days=1)
    while day.astimezone(NEW_YORK).hour != (hour - 6) % 24:
        day += timedelta(days=1)
    return day
