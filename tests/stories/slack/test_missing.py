"""Whoever is only missing in a file that is half taken is heard afterwards in Slack, and told what they missed."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from bot.errors import WaitsForFile
from bot.store import Keys
from tests.fakes.slack.driver import HOME
from tests.kit.opens import opens
from tests.kit.slack_world import SlackWorld
from tests.kit.tables import becomes, without, write
from tests.stories.people.test_half_taken import process_of
from tests.stories.slack.test_notified import REMINDED, is_notified, on_pair


@opens(toml=REMINDED, change=on_pair)
async def test_a_line_for_several_waits_until_none_of_them_is_missing(office: SlackWorld) -> None:
    await office.asked()
    await is_notified(office.bo)
    await is_notified(office.cy)
    await office.world.quiet()
    reload, tried = process_of(office.world), len(await office.slack.calls("chat.postMessage"))
    await reload.look(at_once=True)
    await office.slack.breaks("chat.postMessage", "http_500", times=1000, channel=office.ops)
    await office.world.move_time(3600 + 60)

    async def is_tried() -> bool:
        return len(await office.slack.calls("chat.postMessage")) > tried

    await office.slack.until(is_tried, "the line is on its way")
    write(office.world, without(office.world.toml, "cy").partition("[policies.pair]")[0])
    await reload.look(at_once=True)
    assert office.world.app.people.missing == ("cy",)
    await office.slack.tell("faults_over")
    store = office.world.app.store
    for shard in range(store.shards):
        for one in await store.client.do("HKEYS", Keys(shard).outbox):
            await office.world.app.messages.outbox.send(one.decode())
    write(office.world, office.world.toml)
    await reload.look(at_once=True)
    await office.world.move_time(600)

    await is_notified(office.bo, times=2)
    [_, line] = await is_notified(office.cy, times=2)
    assert ("Reminder: Press bell?" in line.words, "<@U0CY>" in line.text) == (True, True)


@asynccontextmanager
async def nobody_there(office: SlackWorld) -> AsyncGenerator[None]:
    """Everybody is missing in the file until what two of them do inside was looked at, and then back again."""
    store, inbox = office.world.app.store, office.world.app.messages.inbox
    await office.world.quiet()
    reload = process_of(office.world)
    await reload.look(at_once=True)
    write(office.world, "")
    await reload.look(at_once=True)
    assert office.world.app.people.missing == ("anna", "bo", "cy", "dan")

    async def seen() -> set[str]:
        return {key async for key in store.client.scan("{s?}:seen:*")}

    before = await seen()

    async def has_come() -> bool:
        return len(await seen() - before) >= 2

    yield
    await office.slack.until(has_come, "it is durable")
    async for key in store.client.scan("{s?}:inbound:*"):
        with suppress(WaitsForFile):
            await inbox.handle(key.rpartition(":")[2])
    write(office.world, office.world.toml)
    await reload.look(at_once=True)
    await office.world.move_time(30)


async def test_attack_a_stop_and_a_denial_of_whoever_is_only_missing_are_not_lost(
    office: SlackWorld,
) -> None:
    wish, _, stopped = await office.asked()
    _, card, denied = await office.asked("press horn")

    async with nobody_there(office):
        await office.anna.answers(wish, "stop")
        assert (await office.bo.presses("Deny", in_=card)).acked

    for record, became in ((stopped, "withdrawn"), (denied, "denied")):
        await office.world.ended(record.request.run_id)
        assert (await office.world.request(record.request.id)).state == became
    assert await office.bo.ephemerals() == []


async def test_whoever_is_not_in_a_file_that_was_confirmed_hears_that_nothing_came_of_it(office: SlackWorld) -> None:
    _, card, record = await office.asked()
    reload = process_of(office.world)
    await office.world.quiet()
    await reload.look(at_once=True)
    gone = without(office.world.toml, "bo").rstrip()
    write(office.world, gone)
    await reload.look(at_once=True)
    assert office.world.app.people.half_taken
    await office.bo.presses("Deny", in_=card)

    await becomes(office.world, gone)
    await office.world.move_time(30)

    assert "You are not in sayso's directory" in (await office.bo.sees_ephemeral()).words
    assert (await office.world.request(record.request.id)).state == "open"


async def test_attack_who_has_left_and_presses_in_a_window_of_their_home_hears_that_and_nobody_else_does(
    office: SlackWorld,
) -> None:
    wish, _, record = await office.asked()
    await office.bo.opens_home()
    await office.bo.sees_home("Press bell?")
    await office.bo.presses("Open", in_=HOME)
    await office.bo.sees_modal("Expires")
    await becomes(office.world, without(office.world.toml, "bo").rstrip())

    await office.bo.presses("Approve")

    await office.says(office.bo.dm, "You are not in sayso's directory")
    await office.world.quiet()
    assert not any("claims to be" in one.words for one in await office.slack.messages(wish))
    assert (await office.world.request(record.request.id)).votes == ()


async def test_attack_what_follows_a_message_of_somebody_who_is_only_missing_is_given_up(office: SlackWorld) -> None:
    await office.asked()
    await office.world.quiet()
    reload = process_of(office.world)
    await reload.look(at_once=True)
    write(office.world, without(office.world.toml, "bo").rstrip())
    await reload.look(at_once=True)
    assert office.world.app.people.half_taken

    wish = await office.bo.says("#ops", "@sayso press horn")
    await office.slack.settled()
    await office.bo.answers(wish, "please")
    await office.anna.answers(wish, "@sayso press gong")
    await office.slack.settled()
    store, inbox = office.world.app.store, office.world.app.messages.inbox
    async for key in store.client.scan("{s?}:inbound:*"):
        with suppress(WaitsForFile):  # which no count of tries ends
            await inbox.handle(key.rpartition(":")[2])

    write(office.world, office.world.toml)
    await reload.look(at_once=True)
    await office.world.move_time(30)
    await office.slack.until(lambda: has_left(office), "both are read")
    assert await office.world.dead() == []


async def has_left(office: SlackWorld) -> bool:
    return not [key async for key in office.world.app.store.client.scan("{s?}:inbound:*")]
