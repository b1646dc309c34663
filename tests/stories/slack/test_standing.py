"""A standing approval ends by a message to the bot."""

from pathlib import Path

from tests.fakes.slack.driver import Workspace
from tests.slack_world import a_slack_world
from tests.stories.people.standing import ALLOWED, done_once, granted, is_asked, the_only
from tests.waiting import until


async def test_a_message_that_says_so_ends_it_and_is_answered(redis: str, tmp_path: Path, slack_address: str) -> None:
    async with (
        Workspace(slack_address) as slack,
        a_slack_world(redis, tmp_path / "data", slack, ALLOWED) as office,
    ):
        await office.world.start()
        await slack.connected()
        standing = await granted(office.world, await done_once(office.world))

        await office.bo.says("@sayso", f"revoke {standing.approval.id}")

        async def revoked() -> bool:
            return (await the_only(office.world)).revoked is not None

        await until(revoked, what="it is revoked")
        assert await is_asked(office.world)
        assert await slack.violations() == []
