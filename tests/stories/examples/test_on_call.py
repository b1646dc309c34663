"""On call at night."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.policy.judgements import Decided
from tests.stories.examples import BERLIN, asked, cards, others, reminders, told, until


@pytest.mark.parametrize(("day", "on_call"), [(3, "cy"), (5, "dee")])
async def test_whoever_is_on_call_that_night_is_asked_after_twenty_minutes_and_decides(
    redis: str, tmp_path: Path, day: int, on_call: str
) -> None:
    at = datetime(2026, 11, day, 23, 10, tzinfo=BERLIN)
    async with told(redis, tmp_path, "on-call", at) as world:
        record = await asked(world, "hotfix")
        assert cards(world, "anna", "bo", "cy", "dee") == {"anna": 0, "bo": 1, "cy": 0, "dee": 0}

        await until(world, at + timedelta(minutes=20, seconds=30))

        assert await others(world, record) == [("escalated", (on_call,))]
        assert cards(world, on_call) == {on_call: 1}
        assert await reminders(world, record, BERLIN) == []
        assert isinstance(await world.decide(on_call, record, "approve"), Decided)
        await world.has(record.request.run_id, "done")
        assert world.workshop.effects == ["press bell"]
