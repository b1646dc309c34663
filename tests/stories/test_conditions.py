"""An approval with a condition runs nothing, and its words reach whoever asked and the card, by mail and in Slack."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.kit.slack_world import SlackWorld, a_started_slack_world
from tests.kit.world import World

CONDITION = "only after lunch"


async def test_an_approval_with_a_condition_by_mail_runs_nothing_and_its_words_reach_whoever_asked(
    world: World,
) -> None:
    record = await world.opened(await world.trigger("press bell"))

    await world.reply("bo", await world.next_mail("bo", about=record.request.digest), f"Approved, but {CONDITION}.")

    brought = await world.next_mail("anna", about=CONDITION)
    assert "Bo Berg" in brought.text
    await world.quiet()
    found = await world.request(record.request.id)
    assert (found.state, found.votes) == ("open", ())
    assert CONDITION in found.comments[-1].text
    assert world.workshop.effects == []


@pytest.fixture
async def office(redis: str, tmp_path: Path, slack_address: str) -> AsyncIterator[SlackWorld]:
    async with a_started_slack_world(redis, tmp_path / "data", slack_address) as office:
        yield office


async def test_an_approval_with_a_condition_in_a_thread_of_slack_runs_nothing_and_stands_on_the_card(
    office: SlackWorld,
) -> None:
    asked = await office.anna.says("#ops", "@sayso press bell")
    card = await office.card("#ops", to_press="Approve")

    await office.bo.answers(asked, f"approved, but {CONDITION}")

    shown = await office.becomes(card, f"approved, but {CONDITION}")
    assert "Approve" in shown.buttons
    record = await office.world.opened(await office.only_run())
    assert (record.state, record.votes) == ("open", ())
    assert CONDITION in record.comments[-1].text
    assert office.world.workshop.effects == []
