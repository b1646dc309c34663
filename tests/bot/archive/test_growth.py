"""Of what has ended nothing stays in Redis but what does not grow with it."""

from datetime import timedelta
from pathlib import Path

import pytest

from agents.requests import PersonId
from agents.requests.proof import as_by
from bot.requests.reassignment.absences import AbsenceWanted
from bot.runs.api_requests import Asker
from tests.kit.world import World
from tests.servers.web import serving
from tests.stories.people.standing import an_office, done_once, granted, is_asked

pytestmark = pytest.mark.long

DAY_S = 86_400
BO, DAN = PersonId("bo"), PersonId("dan")
STAYS = {
    "shards", "first_shards", "format", "clock_offset", "clock_seen", "counts", "archived",
    "audit:head", "audit:archived", "frozen", "frozen:told", "mark", "starts", "left",
    # One for each person, their keys, and what they were allowed last.
    "people", "audit:people", "api_keys", "api_keys:used", "standing", "standing:of:anna",
}  # fmt: skip


async def kinds_without_a_time(world: World) -> set[str]:
    """What holds something and goes by no time of its own, as the page of what grows calls it."""
    client, found = world.app.store.client, set[str]()
    async for key in client.scan("*"):
        is_empty = await client.do("TYPE", key) == b"stream" and not await client.do("XLEN", key)
        if not is_empty and await client.do("PTTL", key) == -1:  # -2: its time has just come
            found.add(key.partition(":")[2])
    return found


async def much(world: World) -> None:
    """Runs that end in each way, one of them a copy, a standing approval, a freeze, an absence: all of it over."""
    standing = await granted(world, await done_once(world))
    assert not await is_asked(world)
    for vote in ("approve", "deny"):
        record = await world.opened(await world.trigger("press bell", person="dan"))
        await world.decide("bo", record, vote)
        await world.ended(record.request.run_id)
        fork = await world.app.runs.forks.retry(record.request.run_id, Asker(DAN, proof=as_by("cli")))
        await world.steer(fork, "cancel", "dan")
    expired = await world.trigger("press bell", person="dan")
    await world.opened(expired)
    await world.move_time(3 * DAY_S)
    await world.ended(expired)
    await world.app.requests.standing.revoke(standing.approval.id, BO, "", proof=as_by("cli"))
    await world.app.requests.freezes.freeze("workshop", BO, "incident", proof=None)
    await world.app.requests.freezes.unfreeze("workshop", BO, "over", proof=None)
    until = (await world.now() + timedelta(days=2)).isoformat()
    await world.app.requests.absences.set(AbsenceWanted(BO, until), BO, proof=as_by("cli"))
    async with serving(world.app) as api:
        await (await api.client("anna")).post("/v1/runs", json={"text": "stamp letter"})
    await world.quiet()


async def age(world: World, days: int) -> None:
    await world.move_time(days * DAY_S)
    for _ in range(3):
        await world.quiet()
        await world.app.requests.absences.look()  # which the sweep of a shard does, some time or other
        await world.retention()


async def test_when_everything_has_aged_only_what_does_not_grow_is_left(redis: str, tmp_path: Path) -> None:
    async with an_office(redis, tmp_path) as office:
        await much(office)
        before = await kinds_without_a_time(office)

        await age(office, 400)
        await age(office, 40)  # what the first 400 days ended is a fact of the audit log of its own

        assert len(before - STAYS) > 30
        assert await kinds_without_a_time(office) - STAYS == set()
