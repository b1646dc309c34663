"""A Slack that refuses sayso itself, or one place: no card is lost, people are reached otherwise, operators hear it."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from agents.requests import RunId
from tests.fakes.slack.driver import Message, Person, Workspace
from tests.kit.long import few_of
from tests.kit.slack_world import SlackWorld, a_slack_world
from tests.kit.waiting import until
from tests.kit.world import World

REVOKED = "our token was taken back"


@pytest.fixture
async def slack(slack_address: str) -> AsyncGenerator[Workspace]:
    async with Workspace(slack_address) as workspace:
        yield workspace


@pytest.fixture
async def office(redis: str, tmp_path: Path, slack: Workspace) -> AsyncGenerator[SlackWorld]:
    """Everybody is in Slack and has a mailbox, and sayso runs."""
    async with a_slack_world(redis, tmp_path / "data", slack) as made:
        await made.world.start()
        await slack.connected()
        yield made


@pytest.fixture
async def without_mail(redis: str, tmp_path: Path, slack: Workspace) -> AsyncGenerator[SlackWorld]:
    """Those who decide are reached by Slack alone; Dan, who looks after sayso, by mail as well."""
    async with a_slack_world(redis, tmp_path / "data", slack) as made:
        made.world.reach = ("slack",)
        await made.world.start()
        await slack.connected()
        yield made


async def wants(world: World, what: str = "press bell") -> RunId:
    return await world.trigger(what)


async def token_works_again(made: SlackWorld) -> None:
    await made.slack.tell("faults_over")
    await made.slack.settings(revoked=False)


async def sees(made: SlackWorld, person: Person, what: str) -> Message:
    """The open card in somebody's DM. Time passes while nothing is due, so that no request expires over a slow test."""

    async def found() -> Message | None:
        if not await is_due(made.world):
            await made.world.move_time(40)
        there = [one for one in await made.slack.messages(f"@{person.name}") if "Expires" in one.words]
        return next((one for one in there if what in one.words), None)

    return await until(found, what=f"{person.name} sees {what!r} in Slack")


async def is_due(world: World) -> bool:
    """Return whether a worker has something to look at now."""
    client, now_ms = world.app.store.client, (await world.now()).timestamp() * 1000
    counts = [await client.do("ZCOUNT", f"{{s{shard}}}:wake", "-inf", now_ms) for shard in range(2)]
    return any(counts)


def alerts(world: World, about: str) -> int:
    return sum(about in f"{letter.subject}\n{letter.text}" for letter in world.mails("dan"))


@pytest.mark.long
async def test_a_revoked_token_is_about_us_and_each_card_is_sent_again_when_it_works(
    without_mail: SlackWorld,
) -> None:
    world, slack = without_mail.world, without_mail.slack
    await slack.settings(revoked=True)
    runs = [await wants(world, f"press bell {number}") for number in range(5)]
    for run_id in runs:
        await world.opened(run_id)
    await until(lambda: alerts(world, REVOKED), what="Dan hears it by mail")
    for _ in range(20):
        await world.move_time(3_600 / 20)

    assert await world.dead() == []
    assert alerts(world, REVOKED) == 1, "once, not for each card"
    assert [one for one in await slack.messages("@bo") if one.user == "U0BOT"] == []

    await token_works_again(without_mail)
    for number in range(5):
        card = await sees(without_mail, without_mail.bo, f"bell {number}")
        await without_mail.bo.presses("Approve", in_=card)
    for run_id in runs:
        await world.ended(run_id)
    assert await world.dead() == []


@pytest.mark.parametrize("error", few_of(["token_revoked", "missing_scope", "no_permission"], 0))
async def test_meanwhile_a_card_goes_by_mail_and_later_to_slack_and_an_answer_to_either_counts(
    office: SlackWorld, error: str
) -> None:
    world, slack = office.world, office.slack
    for method in ("chat.postMessage", "conversations.open"):
        await slack.breaks(method, "error", error=error, needed="im:write", times=100_000)
    first = await world.opened(await wants(world, "press bell"))
    second = await world.opened(await wants(world, "press horn"))

    bell = await world.next_mail("bo", about="Press bell?")
    await world.next_mail("bo", about="Press horn?")
    await world.reply("bo", bell, "approve")
    await world.ended(first.request.run_id)
    assert await world.dead() == []
    failed = [one for one in await world.events(second.request.run_id) if one.type == "delivery_failed"]
    assert failed == [], "nobody's card is at fault"

    await token_works_again(office)
    card = await sees(office, office.bo, "Press horn?")
    await office.bo.presses("Approve", in_=card)
    await world.ended(second.request.run_id)
    assert (await world.request(second.request.id)).state == "approved"
    assert sorted(world.workshop.effects) == ["press bell", "press horn"]


@pytest.mark.long
@pytest.mark.parametrize("kind", ["error", "http_500"])
async def test_what_people_do_while_slack_does_not_say_who_they_are_counts_later(office: SlackWorld, kind: str) -> None:
    world, slack = office.world, office.slack
    record = await world.opened(await wants(world))
    card = await sees(office, office.bo, "Press bell?")
    await slack.breaks("users.info", kind, error="token_revoked", times=100_000)
    await world.move_time(30)
    await office.bo.presses("Approve", in_=card)

    async def is_tried() -> bool:
        return not await is_due(world)

    for _ in range(15):
        await world.move_time(260)
        await until(is_tried, what="it is tried again")
    assert await world.dead() == []
    assert (await world.request(record.request.id)).state == "open"

    await token_works_again(office)

    async def is_decided() -> bool:
        await world.move_time(40)
        return (await world.request(record.request.id)).state == "approved"

    await until(is_decided, what="the press counts")


@pytest.mark.long
@pytest.mark.parametrize("error", ["restricted_action_read_only_channel", "not_in_channel", "is_archived"])
async def test_a_card_that_the_channel_does_not_take_comes_as_a_direct_message_and_the_requester_is_told(
    office: SlackWorld, error: str
) -> None:
    world, slack = office.world, office.slack
    await office.anna.says("#ops", "@sayso press bell")
    await office.says("#ops", "bell")
    bell = await office.card("#ops")
    await slack.breaks("chat.postMessage", "error", error=error, channel=office.ops, times=100_000)
    await office.anna.says("#ops", "@sayso press horn")

    card = await office.card("@bo")
    assert "Press horn?" in card.words
    await office.card("@cy")
    told = await slack.message(in_="@anna", containing="direct message")
    assert "Press horn?" in f"{told.text}\n{told.words}"
    assert not [one for one in world.mails("bo") if "horn" in one.subject]
    await office.bo.presses("Approve", in_=card)
    await until(lambda: "press horn" in world.workshop.effects, what="the horn is pressed")
    assert await world.dead() == []
    assert bell.channel == office.ops


@pytest.mark.long
async def test_whom_no_direct_message_reaches_either_gets_a_mail(office: SlackWorld) -> None:
    world, slack = office.world, office.slack
    await slack.breaks("chat.postMessage", "error", error="restricted_action", channel=office.ops, times=100_000)
    await slack.breaks("conversations.open", "error", error="cannot_dm_bot", times=100_000)
    await office.anna.says("#ops", "@sayso press bell")

    card, _ = [await world.next_mail(person, about="Press bell?") for person in ("bo", "cy")]
    await world.reply("bo", card, "approve")

    run_id = await office.only_run()
    await world.ended(run_id)
    failed = [(one.person, one.channel) for one in await world.events(run_id) if one.type == "delivery_failed"]
    assert sorted(failed) == [("bo", "slack"), ("cy", "slack")]
