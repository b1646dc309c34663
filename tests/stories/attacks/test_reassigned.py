"""Others decide than those who were asked first: nobody loses their no, and nobody approves what they wished for."""

from pathlib import Path

from bot.policy.judge import Decided
from tests.bot.process.test_reload import without
from tests.office import TOML
from tests.stories.people.test_departures import becomes
from tests.world import World, a_world

_SOLO = '\n[policies.solo]\napprovers = ["person:bo", "person:cy"]\nquorum = 2\nexpires_after = "4h"\n'
_OTHERS = '\n[policies.solo]\napprovers = ["person:dan"]\nexpires_after = "4h"\n'


async def test_who_was_asked_and_is_still_there_denies_what_others_decide_by_now(redis: str, tmp_path: Path) -> None:
    def change(world: World) -> None:
        world.workshop.policy_of["bell"] = "solo"

    async with a_world(redis, tmp_path / "data", TOML + _SOLO, change=change) as office:
        run_id = await office.trigger("press bell")
        record = await office.opened(run_id)
        await becomes(office, without(TOML, "bo") + _OTHERS)
        now = await office.request(record.request.id)
        assert list(now.request.policy.everybody) == ["dan"]

        denied = await office.decide("cy", now, "deny", "no!")

        assert isinstance(denied, Decided)
        assert (await office.request(record.request.id)).state == "denied"
        await office.decide("dan", now, "approve")
        await office.ended(run_id)
        assert office.workshop.effects == []
