"""What is said to the bot in Slack and is no wish: that somebody is away, that something is frozen."""

from datetime import timedelta
from pathlib import Path

from tests.fakes.slack.driver import Workspace
from tests.slack_world import a_slack_world
from tests.stories.slack.test_handing_on import SOLO


async def test_dan_freezes_production_from_slack(redis: str, tmp_path: Path, slack_address: str) -> None:
    async with Workspace(slack_address) as slack, a_slack_world(redis, tmp_path / "data", slack, SOLO) as office:
        await office.world.start()
        await slack.connected()

        await office.dan.says("#ops", "@sayso freeze production: incident 4711")

        async def is_frozen() -> bool:
            return bool(await office.world.app.requests.freezes.all())

        await slack.until(is_frozen, "production is frozen", within_s=60)
        [freeze] = await office.world.app.requests.freezes.all()
        assert (freeze.environment, freeze.by, freeze.reason) == ("production", "dan", "incident 4711")
        assert await office.runs() == []
        assert await slack.violations() == []


async def test_bo_says_it_to_the_bot_and_dan_is_asked(redis: str, tmp_path: Path, slack_address: str) -> None:
    async with Workspace(slack_address) as slack, a_slack_world(redis, tmp_path / "data", slack, SOLO) as office:
        await office.world.start()
        await slack.connected()
        day = (await office.world.now() + timedelta(days=3)).date().isoformat()

        await office.bo.says("#ops", f"@sayso away until {day}: dan")

        async def is_set() -> bool:
            return bool(await office.world.app.requests.absences.all())

        await slack.until(is_set, "Bo is away", within_s=60)
        assert await office.runs() == []
        await office.anna.says("#ops", "@sayso press bell")
        record = await office.world.opened(await office.only_run())
        assert [(one.person, one.to) for one in record.request.policy.handed_on] == [("bo", "dan")]
        assert await slack.violations() == []
