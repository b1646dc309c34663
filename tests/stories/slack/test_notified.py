"""Whoever is asked in Slack is notified of it, at the first try and once."""

from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from bot.policy.record import RequestRecord
from tests.fakes.slack.driver import Message, Person, Workspace
from tests.office import STEPS, TOML
from tests.slack_world import SLOW_S, SlackWorld, a_slack_world

BO_ALONE = TOML.replace('["group:release"]\napprove', '["person:bo"]\nstand_ins = ["person:cy"]\napprove', 1)
ESCALATES = BO_ALONE.replace("expires_after", 'escalate_after = "1h"\nescalate_to = ["person:cy"]\nexpires_after', 1)
STEPPED = STEPS.replace('approvers = ["group:finance"]', 'approvers = ["person:cy"]')


@asynccontextmanager
async def an_office(
    url: str, folder: Path, address: str, toml: str = TOML, policy: str = "production"
) -> AsyncGenerator[SlackWorld]:
    async with Workspace(address) as slack, a_slack_world(url, folder / "data", slack, toml) as office:
        office.world.workshop.policy_of["bell"] = policy
        await office.world.start()
        await slack.connected()
        yield office
        assert await slack.violations() == []


async def asks(office: SlackWorld, text: str = "press bell") -> tuple[Message, RequestRecord]:
    """Anna asks for it in #ops: her message, and the request."""
    asked = await office.anna.says("#ops", f"@sayso {text}")
    await office.card("#ops")
    return asked, await office.world.opened(await office.only_run())


async def is_notified(person: Person, *, times: int = 1) -> list[Message]:
    """The messages of which `person` was notified, once they are so many."""

    async def found() -> bool:
        return len(await person.notices()) >= times

    await person.slack.until(found, f"{person.name} is notified {times} times", within_s=SLOW_S)
    told = await person.notices()
    everything = {(one.channel, one.ts): one for each in told for one in await person.slack.messages(each.channel)}
    return [everything[each.channel, each.ts] for each in told]


async def mentioned(office: SlackWorld) -> Counter[str]:
    """How often each person was mentioned by a message of ours, in all."""
    calls = [call["args"] for call in await office.slack.calls("chat.postMessage") if not call["error"]]
    people = (office.anna, office.bo, office.cy, office.dan)
    return Counter(one.name for one in people for call in calls if f"<@{one.id}>" in call["text"])


async def test_the_card_in_a_channel_mentions_all_who_are_asked_and_nobody_else(
    redis: str, tmp_path: Path, slack_address: str
) -> None:
    async with an_office(redis, tmp_path, slack_address) as office:
        asked, _ = await asks(office)
        card = await office.card("#ops")

        assert [await is_notified(one) for one in (office.bo, office.cy)] == [[card], [card]]
        await office.world.quiet()
        assert await office.dan.notices() == []
        assert await mentioned(office) == {"bo": 1, "cy": 1}
        assert card.thread == asked.ts


async def test_whoever_it_escalates_to_is_mentioned_below_the_card(
    redis: str, tmp_path: Path, slack_address: str
) -> None:
    async with an_office(redis, tmp_path, slack_address, ESCALATES) as office:
        asked, record = await asks(office)
        await is_notified(office.bo)
        await office.world.quiet()
        assert await office.cy.notices() == []

        await office.world.move_time(3600 + 60)

        [line] = await is_notified(office.cy)
        assert line.thread == asked.ts
        assert f"You are asked as well: {record.request.title}" in line.words
        await office.world.quiet()
        assert await mentioned(office) == {"bo": 1, "cy": 1}


async def test_whom_it_is_handed_on_to_is_mentioned_below_the_card(
    redis: str, tmp_path: Path, slack_address: str
) -> None:
    async with an_office(redis, tmp_path, slack_address, BO_ALONE) as office:
        await asks(office)
        card = await office.card("#ops", to_press="Hand on…")
        await office.bo.presses("Hand on…", in_=card)
        await office.bo.sees_modal("Reason")
        await office.bo.submits({"To": "Cy Cole", "Reason": "on the train"})

        [line] = await is_notified(office.cy)
        assert "Press bell?" in line.words
        await office.world.quiet()
        assert await mentioned(office) == {"bo": 1, "cy": 1}


async def test_whoever_stands_in_is_mentioned_on_the_card_and_below_it_where_it_stands_already(
    redis: str, tmp_path: Path, slack_address: str
) -> None:
    async with an_office(redis, tmp_path, slack_address, BO_ALONE) as office:
        day = (await office.world.now() + timedelta(days=3)).date().isoformat()
        await asks(office)
        await is_notified(office.bo)
        await office.bo.says("#ops", f"@sayso away until {day}: cy")
        await is_notified(office.cy)
        await office.world.quiet()

        second = await office.anna.says("#ops", "@sayso press bell again")
        _, card = await is_notified(office.cy, times=2)
        assert card.thread == second.ts
        await office.world.quiet()
        assert await mentioned(office) == {"bo": 1, "cy": 2}


async def test_whoever_decides_the_next_step_is_mentioned_when_it_begins(
    redis: str, tmp_path: Path, slack_address: str
) -> None:
    async with an_office(redis, tmp_path, slack_address, STEPPED, "spending") as office:
        asked, _ = await asks(office)
        await is_notified(office.bo)
        await office.world.quiet()
        assert await office.cy.notices() == []
        await office.bo.presses("Approve", in_=await office.card("#ops"))

        [line] = await is_notified(office.cy)
        assert line.thread == asked.ts
        await office.world.quiet()
        assert await mentioned(office) == {"bo": 1, "cy": 1}
