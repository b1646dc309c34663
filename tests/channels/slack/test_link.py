"""The line in Socket Mode: back soon after whatever happened to it, and nothing under way is lost."""

import asyncio
import time

import pytest

from tests.channels.slack.receiving import Office, approval, contact, office_of, receiving
from tests.channels.slack.test_receiving import posted
from tests.fakes.slack.driver import Person, Workspace
from tests.waiting import until

BACK_WITHIN_S = 10.0


async def connected_anew(slack: Workspace, after: int = 1) -> None:
    """Wait for one connection, made after `after` others."""

    async def renewed() -> bool:
        numbers = [each["number"] for each in await slack.see("connections")]
        return len(numbers) == 1 and numbers[0] > after

    await slack.until(renewed, "one new connection instead of the old one", within_s=BACK_WITHIN_S)


async def said_of_line(office: Office, *, connected: bool, containing: str = "") -> None:
    await until(
        lambda: office.reports and office.reports[-1][0] is connected and containing in office.reports[-1][1],
        what=f"connected: {connected}, {containing!r}",
    )


@pytest.mark.parametrize("what", ["cut", "freeze"])
async def test_a_dead_line_is_made_anew_within_ten_seconds(slack: Workspace, anna: Person, what: str) -> None:
    await slack.settings(retry_after_s=[0.1] * 100)
    async with receiving(office_of(slack, contact(anna))) as office:
        await said_of_line(office, connected=True)
        began = time.monotonic()
        await slack.tell("sockets", do=what)
        await anna.says("@sayso", "still there?")

        await connected_anew(slack)
        assert time.monotonic() - began < BACK_WITHIN_S
        await office.stored()
        await said_of_line(office, connected=True)

    assert [report for report in office.reports if not report[0]]
    assert await slack.violations() == []


async def test_it_is_back_within_ten_seconds_of_a_network_that_is_back(slack: Workspace, anna: Person) -> None:
    await slack.settings(retry_after_s=[0.1] * 100)
    async with receiving(office_of(slack, contact(anna))) as office:
        await said_of_line(office, connected=True)
        await slack.tell("network", down=True)
        await said_of_line(office, connected=False, containing="Slack")
        await anna.says("@sayso", "still there?")

        await slack.tell("network", down=False)
        began = time.monotonic()

        await office.stored()
        assert time.monotonic() - began < BACK_WITHIN_S
        await said_of_line(office, connected=True)
    assert await slack.violations() == []


@pytest.mark.parametrize("reason", ["warning", "refresh_requested"])
async def test_what_is_under_way_is_acknowledged_on_the_line_that_has_to_go(
    slack: Workspace, anna: Person, ops: str, reason: str
) -> None:
    async with receiving(office_of(slack, contact(anna))) as office:
        card = await posted(slack, ops, approval())
        office.store.door.clear()
        pressing = asyncio.ensure_future(anna.presses("Approve", in_=card))
        await until(lambda: office.store.came, what="the press arrives")

        await slack.tell("sockets", do="disconnect", reason=reason)
        await slack.connected(2)
        office.store.door.set()

        pressed = await pressing
        assert pressed.acked, pressed.raw["tries"]
        await connected_anew(slack)
        assert len(await office.stored()) == 1
    assert await slack.violations() == []


@pytest.mark.parametrize("which", ["bot_token", "app_token"])
async def test_a_bad_token_is_said_in_a_sentence_and_tried_again(slack: Workspace, anna: Person, which: str) -> None:
    bad = {which: "xoxb-wrong" if which == "bot_token" else "xapp-wrong"}
    async with receiving(office_of(slack, contact(anna), **bad), connected=False) as office:
        await said_of_line(office, connected=False, containing="Slack does not take our token")
        await until(lambda: len(office.reports) > 2, what="it is tried again")


async def test_a_mended_workspace_is_connected_to(slack: Workspace, anna: Person) -> None:
    await slack.settings(revoked=True)
    async with receiving(office_of(slack, contact(anna)), connected=False) as office:
        await said_of_line(office, connected=False)

        await slack.settings(revoked=False)

        await said_of_line(office, connected=True)


async def test_slack_is_left_alone_for_as_long_as_it_wants(slack: Workspace, anna: Person) -> None:
    await slack.breaks("apps.connections.open", "ratelimited", seconds=1)
    async with receiving(office_of(slack, contact(anna))) as office:
        await said_of_line(office, connected=True)

    first, second = await slack.calls("apps.connections.open")
    assert second["at"] - first["at"] >= 1
    assert await slack.violations() == []


async def test_several_channels_share_what_comes(slack: Workspace, anna: Person) -> None:
    async with receiving(office_of(slack, contact(anna))) as one, receiving(office_of(slack, contact(anna))) as other:
        await slack.connected(2)
        for number in range(6):
            await anna.says("@sayso", f"hello {number}")
        await slack.settled()

        assert len(one.store.kept) + len(other.store.kept) == 6
        assert one.store.kept
        assert other.store.kept
