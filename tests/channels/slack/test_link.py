"""The line in Socket Mode: back soon after whatever happened to it, and nothing under way is lost."""

import asyncio

import pytest

from channels.slack.api import Api, Limited
from tests.channels.slack.receiving import Office, approval, contact, office_of, receiving
from tests.channels.slack.test_receiving import posted
from tests.fakes.slack.driver import Person, Workspace
from tests.kit.long import few_of
from tests.kit.waiting import until


async def connected_anew(slack: Workspace, after: int = 1) -> None:
    """Wait for one connection, made after `after` others."""

    async def renewed() -> bool:
        numbers = [each["number"] for each in await slack.see("connections")]
        return len(numbers) == 1 and numbers[0] > after

    await slack.until(renewed, "one new connection instead of the old one")


async def said_of_line(office: Office, *, connected: bool, containing: str = "") -> None:
    await until(
        lambda: office.reports and office.reports[-1][0] is connected and containing in office.reports[-1][1],
        what=f"connected: {connected}, {containing!r}",
    )


@pytest.mark.parametrize("what", few_of(["cut", "freeze"], 0))
async def test_a_dead_line_is_made_anew_and_after_a_network_that_is_back(
    slack: Workspace, anna: Person, what: str
) -> None:
    await slack.settings(retry_after_s=[0.1] * 100)
    async with receiving(office_of(slack, contact(anna))) as office:
        await said_of_line(office, connected=True)
        await slack.tell("sockets", do=what)
        await anna.says("@sayso", "still there?")
        await connected_anew(slack)
        await office.stored()
        await said_of_line(office, connected=True)
        assert [report for report in office.reports if not report[0]]

        await slack.tell("network", down=True)
        await said_of_line(office, connected=False, containing="Slack")
        await anna.says("@sayso", "and now?")
        await slack.tell("network", down=False)
        await office.stored(2)
        await said_of_line(office, connected=True)
    assert await slack.violations() == []


@pytest.mark.parametrize("reason", ["warning", "refresh_requested"])
@pytest.mark.long
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
    refused = office_of(slack, contact(anna), bot_token=bad.get("bot_token"), app_token=bad.get("app_token"))
    async with receiving(refused, connected=False) as office:
        await said_of_line(office, connected=False, containing=f"Set SLACK_{which.upper()} to")
        await until(lambda: len(office.reports) > 2, what="it is tried again")


async def test_an_app_token_of_another_app_is_said_and_nothing_of_that_apps_is_taken(
    slack: Workspace, anna: Person, ops: str, caplog: pytest.LogCaptureFixture
) -> None:
    await slack.settings(app_of_app_token="A0OTHER", answer_within_s=1, retry_after_s=[0.1] * 100)
    card = await posted(slack, ops, approval())
    async with receiving(office_of(slack, contact(anna)), connected=False) as office:
        await said_of_line(office, connected=False, containing="SLACK_APP_TOKEN belongs to the app A0OTHER")
        pressed = await anna.presses("Approve", in_=card)
        await anna.says("@sayso", "hello")
        await until(lambda: len(office.reports) > 5, what="it is tried again and again")

        assert not pressed.acked
        assert office.store.came == []
        assert [report for report in office.reports if report[0]] == []
        assert "SLACK_BOT_TOKEN to A0APP" in caplog.text

        await slack.settings(app_of_app_token="")
        await said_of_line(office, connected=True)
        await office.stored()


async def test_a_bot_token_that_dies_or_was_dead_is_said_until_it_works(slack: Workspace, anna: Person) -> None:
    await slack.settings(revoked=True)
    async with receiving(office_of(slack, contact(anna)), connected=False) as office:
        await said_of_line(office, connected=False)
        await slack.settings(revoked=False)
        await said_of_line(office, connected=True)

        await slack.breaks("auth.test", "no_object_after")
        await slack.breaks("auth.test", "error", error="ekm_access_denied")
        await slack.breaks("auth.test", "error", error="token_revoked", times=1_000)
        await said_of_line(office, connected=False, containing="our token was taken back")
        assert len(await slack.connected()) == 1, "what people press is stored meanwhile"

        await slack.tell("faults_over")
        await said_of_line(office, connected=True)


async def test_slack_is_left_alone_for_as_long_as_it_wants(slack: Workspace, anna: Person) -> None:
    await slack.breaks("apps.connections.open", "ratelimited", seconds=1)
    async with receiving(office_of(slack, contact(anna))) as office:
        await said_of_line(office, connected=True)

    first, second = await slack.calls("apps.connections.open")
    assert second["at"] - first["at"] >= 1
    assert await slack.violations() == []


async def test_attack_slack_wants_to_be_left_alone_for_years(slack: Workspace) -> None:
    await slack.breaks("auth.test", "ratelimited", seconds=10**9)

    with pytest.raises(Limited) as found:
        await Api(slack.bot_token, slack.base_url).call("auth.test")

    assert found.value.retry_after_s == 3_600


async def test_several_channels_share_what_comes(slack: Workspace, anna: Person) -> None:
    async with receiving(office_of(slack, contact(anna))) as one, receiving(office_of(slack, contact(anna))) as other:
        await slack.connected(2)
        for number in range(6):
            await anna.says("@sayso", f"hello {number}")
        await slack.settled()

        assert len(one.store.kept) + len(other.store.kept) == 6
        assert one.store.kept
        assert other.store.kept
