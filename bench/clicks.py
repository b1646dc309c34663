"""Measure how soon Slack hears that a click is stored, while 500 runs are active; in Socket Mode and over HTTP."""

import asyncio
import os
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import chain
from pathlib import Path

from bench.table import percentile, show
from bot.store.keys import Keys
from tests.fakes.slack.driver import Handled, Message, Person, Workspace, running
from tests.processes.programs import RedisServer
from tests.processes.slack_office import Mode, SlackOffice

_ROOMS, _AT_ONCE = 100, 4
_APPROVED_OF = 8
_WITHIN_S = 600
_SHARDS = 2
_SLACK_WAITS_S = 3.0
_TAGS = ("v1.1.0", "v1.2.0")


async def clicks(folder: Path, active: int, presses: int) -> None:
    """Print what `presses` clicks in each mode took, while `active` runs and those that are approved are there."""
    modes: tuple[Mode, ...] = ("socket", "http")
    rows = list[tuple[object, ...]]()
    with running() as address, RedisServer(folder / "redis") as redis:
        redis.start()
        async with Workspace(address) as slack:
            office = SlackOffice(folder, redis, slack)
            await office.opens()
            with office.working():
                cards = list[Message]()
                for mode in modes:
                    with ExitStack() as stack:
                        await office.front(stack, mode)
                        cards = cards or await _asked(office, active + len(modes) * (presses // _APPROVED_OF))
                        before = _active(office)
                        taken = await _pressed(office, cards, presses)
                        rows.append(_row(mode, before, _active(office), taken))
            assert await slack.violations() == []
    head = ("mode", "runs active before, after", "n", "p50 / p99 / max ms", "not acknowledged within 3 s")
    show(f"Click sent by Slack -> acknowledged, which is after it is durable; {_AT_ONCE} at a time", head, rows)


async def _asked(office: SlackOffice, count: int) -> list[Message]:
    """The cards of so many deploys to production, which Anna asks for in many Slack channels."""
    people = (office.anna, office.bo, office.cy, office.eve)
    rooms = [await office.slack.channel(f"room{number}", *people, office.slack.bot) for number in range(_ROOMS)]
    for number in range(count):
        # Somebody who says the same for ever would be taken for a machine.
        await office.asks(office.anna, f"deploy {_TAGS[number // _ROOMS % 2]} to production", rooms[number % _ROOMS])
    each = [len(range(number, count, _ROOMS)) for number in range(min(_ROOMS, count))]
    return list(chain.from_iterable([await _cards(office, *one) for one in zip(rooms, each, strict=False)]))


async def _cards(office: SlackOffice, room: str, count: int) -> list[Message]:
    async def found() -> list[Message] | None:
        there = [message for message in await office.slack.messages(room) if "Approve" in message.buttons]
        return there if len(there) == count else None

    return await office.slack.until(found, f"{count} cards in {room}", within_s=_WITHIN_S)


async def _pressed(office: SlackOffice, cards: list[Message], presses: int) -> list[Handled]:
    """One of eight is an approval by Bo, whose deploy then runs; the others are Eve's, who is told that she may not."""
    wanted = list[tuple[Person, Message]]()
    for number in range(presses):
        is_approval = number % _APPROVED_OF == 0
        wanted.append((office.bo, cards.pop(0)) if is_approval else (office.eve, cards[-1 - number % len(cards)]))
    slots = asyncio.Semaphore(_AT_ONCE)

    async def press(person: Person, card: Message) -> Handled:
        async with slots:
            return await person.presses("Approve", in_=card, version=0)

    return list(await asyncio.gather(*(press(*one) for one in wanted)))


def _active(office: SlackOffice) -> int:
    """Return how many runs wait for people."""
    connection = office.redis.connect()
    try:
        counts = [connection.ask("ZCARD", Keys(shard).open) for shard in range(_SHARDS)]
        return sum(count for count in counts if isinstance(count, int))
    finally:
        connection.close()


def _row(mode: Mode, before: int, after: int, taken: Sequence[Handled]) -> tuple[object, ...]:
    took = [one.acked_after_s for one in taken]
    times = " / ".join(f"{one * 1e3:.1f}" for one in (percentile(took, 0.5), percentile(took, 0.99), max(took)))
    late = len([one for one in taken if not one.acked or one.acked_after_s > _SLACK_WAITS_S])
    load = f", load {os.getloadavg()[0]:.1f}"
    return {"socket": "Socket Mode", "http": "HTTP"}[mode] + load, f"{before}, {after}", len(took), times, late
