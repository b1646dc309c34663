"""Whoever types beside a card is told to press a button only where their yes would count."""

from pathlib import Path

import pytest

from language import say
from tests.fakes.hallway import Hallway
from tests.stories.attacks.test_told_who_may import TOOK_PART
from tests.stories.attacks.test_turn_out_to_be_one import act, editable
from tests.world import World, a_world

THREAD = "C01OPS/1712345678.000100"


@pytest.mark.parametrize("who", TOOK_PART)
async def test_attack_one_who_may_be_somebody_that_took_part_is_told_to_press_a_button(
    redis: str, tmp_path: Path, who: str
) -> None:
    toml, story = TOOK_PART[who]
    hallway = Hallway()

    def change(world: World) -> None:
        editable(world)
        world.beside, world.reach = (hallway,), ("slack", "email")

    async with a_world(redis, tmp_path / "data", toml, change=change) as office:
        inbox = office.app.messages.inbox
        inbound_id = await inbox.accept(hallway.begins("anna", "press bell", THREAD))
        record = await office.opened(office.app.runs.starter.run_id(inbound_id))
        for line in story.split("; "):
            await act(office, await office.request(record.request.id), line)
            await office.quiet()

        for person in ("rob", "cy"):
            await inbox.accept(hallway.follows(person, "looks fine to me", THREAD))
            await office.quiet()

        assert hallway.to("rob")[-1].summary == say("notice.waits-for-others")
        assert hallway.to("cy")[-1].summary == say("notice.press")
