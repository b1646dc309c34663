"""Whoever types beside a card is told to press a button only where their yes would count."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agents.requests.record import RequestRecord
from language import say
from tests.fakes.hallway import Hallway
from tests.kit.long import few_of
from tests.kit.office import TOML
from tests.kit.waiting import until
from tests.kit.world import World, a_world
from tests.stories.attacks.test_told_who_may import TOOK_PART
from tests.stories.attacks.test_turn_out_to_be_one import act, editable

THREAD = "C01OPS/1712345678.000100"


@asynccontextmanager
async def asked_in_a_thread(
    redis: str, folder: Path, toml: str
) -> AsyncGenerator[tuple[World, Hallway, RequestRecord]]:
    """Anna asks in a thread for what those decide whom the file names; Bo is told there what becomes of his words."""
    hallway = Hallway()

    def change(world: World) -> None:
        editable(world)
        world.beside, world.reach = (hallway,), ("slack", "email")

    async with a_world(redis, folder, toml, change=change) as office:
        inbound_id = await office.app.messages.inbox.accept(hallway.begins("anna", "press bell", THREAD))
        yield office, hallway, await office.opened(office.app.runs.starter.run_id(inbound_id))


@pytest.mark.parametrize("who", few_of(["whoever asked", "whoever has voted"], 0))
async def test_attack_one_who_may_be_somebody_that_took_part_is_told_to_press_a_button(
    redis: str, tmp_path: Path, who: str
) -> None:
    toml, story = TOOK_PART[who]
    async with asked_in_a_thread(redis, tmp_path / "data", toml) as (office, hallway, record):
        for line in story.split("; "):
            await act(office, await office.request(record.request.id), line)
            await office.quiet()

        for person in ("rob", "cy"):
            await office.app.messages.inbox.accept(hallway.follows(person, "looks fine to me", THREAD))
            await office.quiet()

        assert hallway.to("rob")[-1].summary == say("notice.waits-for-others")
        assert hallway.to("cy")[-1].summary == say("notice.press")


async def told_to_bo_who_types_yes(office: World, hallway: Hallway) -> str:
    await office.app.messages.inbox.accept(hallway.follows("bo", "yes", THREAD))
    told = await until(lambda: hallway.to("bo", "Typed words do not approve this"), what="Bo is told")
    return told[-1].summary


async def test_whose_approval_counts_elsewhere_is_not_sent_to_a_button_that_the_card_lacks(
    redis: str, tmp_path: Path
) -> None:
    toml = TOML.replace("approve_by_email = true\n", 'answer_from = ["console"]\n', 1)
    async with asked_in_a_thread(redis, tmp_path / "data", toml) as (office, hallway, _):
        told = await told_to_bo_who_types_yes(office, hallway)

    assert "press a button" not in told
    assert "Ways that count: on its page in the console" in told
    assert "kept as a comment" in told


async def test_who_has_approved_is_told_that_and_not_to_press_a_button(redis: str, tmp_path: Path) -> None:
    toml = TOML.replace("approve_by_email = true\n", "approve_by_email = true\nquorum = 2\n", 1)
    async with asked_in_a_thread(redis, tmp_path / "data", toml) as (office, hallway, record):
        await office.decide("bo", record, "approve")
        told = await told_to_bo_who_types_yes(office, hallway)

    assert "press a button" not in told
    assert say("answer.already-voted") in told
