"""The manager, then finance."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.policy.approvers.who import who_of
from bot.policy.judgements import Counted, Decided
from tests.kit.world import World
from tests.stories.examples import asked, cards, next_morning, others, told, until

ASKED = next_morning(9, 0)


@pytest.fixture
async def firm(redis: str, tmp_path: Path) -> AsyncIterator[World]:
    async with told(redis, tmp_path, "steps", ASKED) as world:
        yield world


async def test_finance_is_asked_once_the_manager_has_agreed_and_decides(firm: World) -> None:
    record = await asked(firm, "spending")
    assert cards(firm, "bo", "cy", "dee") == {"bo": 1, "cy": 0, "dee": 0}

    assert isinstance(await firm.decide("bo", record, "approve"), Counted)
    await firm.quiet()
    assert cards(firm, "cy", "dee") == {"cy": 1, "dee": 1}
    assert firm.workshop.effects == []

    assert isinstance(await firm.decide("dee", record, "approve"), Decided)
    await firm.has(record.request.run_id, "done")
    assert firm.workshop.effects == ["press bell"]


async def test_who_decides_for_the_manager_leaves_finance_to_the_other(firm: World) -> None:
    record = await asked(firm, "spending")
    await until(firm, ASKED + timedelta(hours=8, seconds=30))
    assert await others(firm, record) == [("escalated", ("dee",))]

    assert isinstance(await firm.decide("dee", record, "approve"), Counted)

    now = await firm.request(record.request.id)
    assert who_of(now).approve == ("cy",)
    assert isinstance(await firm.decide("cy", record, "approve"), Decided)
