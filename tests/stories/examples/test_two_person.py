"""Two people for a production deploy."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.policy.judgements import Counted, Decided, NotEntitled
from bot.render.request_card import approvals
from tests.kit.world import World
from tests.stories.examples import BERLIN, asked, cards, next_morning, reminders, told, until

ASKED = next_morning(10, 30)


@pytest.fixture
async def team(redis: str, tmp_path: Path) -> AsyncIterator[World]:
    async with told(redis, tmp_path, "two-person", ASKED) as world:
        yield world


async def test_the_deploy_starts_once_two_others_have_approved(team: World) -> None:
    record = await asked(team, "production")
    assert cards(team, "anna", "bo", "cy") == {"anna": 0, "bo": 1, "cy": 1}
    assert isinstance(await team.decide("anna", record, "approve"), NotEntitled)

    assert isinstance(await team.decide("bo", record, "approve"), Counted)
    now = await team.request(record.request.id)
    [line] = approvals(now, team.app.people)
    assert (now.state, line.text.partition(" at ")[0]) == ("open", "1 of 2: Bo Berg")
    assert team.workshop.effects == []

    assert isinstance(await team.decide("cy", record, "approve"), Decided)
    assert await team.summary(record.request.run_id) == "done: ok: press bell: done"
    assert team.workshop.effects == ["press bell"]


@pytest.mark.long
async def test_whoever_sleeps_is_reminded_once_they_wake_and_once_for_both(team: World) -> None:
    record = await asked(team, "production")

    for minutes in (30, 120, 150, 240):
        await until(team, ASKED + timedelta(minutes=minutes, seconds=30))

    assert await reminders(team, record, BERLIN) == [
        ("11:00", 1, ("bo",)),
        ("12:30", 2, ("bo",)),
        ("13:00", 2, ("cy",)),  # 07:00 in New York
    ]
    assert (await team.request(record.request.id)).state == "expired"
