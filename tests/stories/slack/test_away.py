"""What is said to the bot in Slack and is no wish: that somebody is away, that something is frozen."""

from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.fakes.slack.driver import Workspace
from tests.kit.slack_world import a_slack_world
from tests.stories.slack.test_handing_on import SOLO


async def test_dan_freezes_production_from_slack(redis: str, tmp_path: Path, slack_address: str) -> None:
    async with Workspace(slack_address) as slack, a_slack_world(redis, tmp_path / "data", slack, SOLO) as office:
        await office.world.start()
        await slack.connected()

        await office.dan.says("#ops", "@sayso freeze production: incident 4711")

        async def is_frozen() -> bool:
            return bool(await office.world.app.requests.freezes.all())

        await slack.until(is_frozen, "production is frozen")
        [freeze] = await office.world.app.requests.freezes.all()
        assert (freeze.environment, freeze.by, freeze.reason) == ("production", "dan", "incident 4711")
        assert await office.runs() == []
        assert await slack.violations() == []


@pytest.mark.long
async def test_bo_says_it_to_the_bot_and_dan_is_asked_until_he_is_back(
    redis: str, tmp_path: Path, slack_address: str
) -> None:
    async with Workspace(slack_address) as slack, a_slack_world(redis, tmp_path / "data", slack, SOLO) as office:
        await office.world.start()
        await slack.connected()
        day = (await office.world.now() + timedelta(days=3)).date().isoformat()

        await office.bo.says("#ops", f"@sayso away until {day}: dan")

        async def is_set() -> bool:
            return bool(await office.world.app.requests.absences.all())

        await slack.until(is_set, "Bo is away")
        assert await office.runs() == []
        await office.anna.says("#ops", "@sayso press bell")
        record = await office.world.opened(await office.only_run())
        assert [(one.person, one.to) for one in record.request.policy.handed_on] == [("bo", "dan")]
        await office.bo.says("@sayso", "not away")
        await slack.message(in_="@bo", containing="You are back")
        assert await office.world.app.requests.absences.all() == []
        assert await slack.violations() == []


async def test_whose_mailbox_says_that_they_are_out_is_offered_it_in_slack(
    redis: str, tmp_path: Path, slack_address: str
) -> None:
    async with Workspace(slack_address) as slack, a_slack_world(redis, tmp_path / "data", slack, SOLO) as office:
        world = office.world
        world.reach = ("email", "slack")
        await world.start()
        await slack.connected()
        record = await world.opened(await world.trigger("press bell"))
        card, reply = await world.next_mail("bo"), EmailMessage()
        reply["From"], reply["To"], reply["Subject"] = "bo@corp.example", card.reply_to, "Out of office"
        reply["Auto-Submitted"] = "auto-replied"
        reply.set_content("I am back on Monday.")

        to = card.reply_to or ""
        await world.transport("bo@corp.example").send(bytes(reply), sender="bo@corp.example", recipients=[to])

        offer = await slack.message(in_="@bo", containing="automatic reply of yours")
        assert f"sayso delegate {record.request.id} --to PERSON" in offer.words
        assert "away until 2026-12-01: PERSON" in offer.words
        assert len(world.mails("bo")) == 1
        policy = (await world.request(record.request.id)).request.policy
        assert (policy.handed_on, [one.person for one in policy.away]) == ((), ["bo"])
        assert await slack.violations() == []
