"""Any of a group."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.policy.judgements import Counted, Decided
from tests.kit.world import World
from tests.stories.examples import asked, cards, next_morning, told


@pytest.fixture
async def team(redis: str, tmp_path: Path) -> AsyncIterator[World]:
    async with told(redis, tmp_path, "any-of", next_morning(9, 0)) as world:
        yield world


async def test_the_first_of_the_group_decides(team: World) -> None:
    record = await asked(team, "data")
    assert cards(team, "bo", "cy") == {"bo": 1, "cy": 1}

    assert isinstance(await team.decide("cy", record, "approve"), Decided)

    await team.has(record.request.run_id, "done")
    assert team.workshop.effects == ["press bell"]


async def test_whoever_is_in_both_groups_fills_one_place(team: World) -> None:
    record = await asked(team, "schema")

    assert isinstance(await team.decide("cy", record, "approve"), Counted)
    assert (await team.request(record.request.id)).state == "open"

    assert isinstance(await team.decide("bo", record, "approve"), Decided)
