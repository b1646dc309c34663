"""A flood stays in the mailbox until those who read it catch up."""

import asyncio
from datetime import UTC, datetime

from bot.runs.admission import MOST_BYTES, Backlog
from channels import Inbound
from tests.kit.waiting import patience, until
from tests.kit.world import World

SIZE = 2_000_000


def spam(number: int, channel: str = "email") -> Inbound:
    """A large mail from nobody."""
    raw = b"From: sam@outside.example\r\n\r\n" + b"x" * SIZE
    return Inbound(channel=channel, key=f"m{number}", raw=raw, size_bytes=len(raw), received_at=datetime.now(UTC))


async def test_no_more_is_taken_than_may_wait_and_all_of_it_once_somebody_reads(world: World) -> None:
    count, accepted = MOST_BYTES // SIZE + 10, list[str]()

    async def flood() -> None:
        for number in range(count):
            accepted.append(await world.app.messages.inbox.accept(spam(number)))

    async with world.stopped():
        await world.start(works=False, receives=False)
        flooding = asyncio.create_task(flood())
        await until(lambda: len(accepted) * SIZE >= MOST_BYTES, what="there is a flood")
        assert await world.app.messages.inbox.accept(spam(1, "another")), "other channels go on"
        urgent = spam(-1).model_copy(update={"can_wait": False})
        assert await world.app.messages.inbox.accept(urgent), "so does what can't wait"
        taken = len(accepted)
        assert taken * SIZE < MOST_BYTES + SIZE

        await world.app.store.drop_inbound(accepted[0])
        await until(lambda: len(accepted) == taken + 1, what="the next one is taken")
        for inbound_id in accepted[1:]:
            await world.app.store.drop_inbound(inbound_id)
        await until(flooding.done, what="all of it is taken")
        for inbound_id in accepted:
            await world.app.store.drop_inbound(inbound_id)
        await world.stop()


async def test_what_was_put_off_keeps_nobody_from_seeing_what_was_handled_since(world: World) -> None:
    async with world.stopped():
        await world.start(works=False, receives=False)
        backlog = Backlog(world.app.store, "email", most_bytes=150)
        ids = [
            await world.app.messages.inbox.accept(spam(number).model_copy(update={"raw": b"x"}))
            for number in range(151)
        ]
        for inbound_id in ids:
            backlog.add(inbound_id, 1)
        await world.app.store.drop_inbound(ids[-1])

        async with patience():
            await asyncio.gather(*(backlog.room() for _ in range(8)))

        for inbound_id in ids:
            await world.app.store.drop_inbound(inbound_id)
        await world.stop()
