"""An approval with a condition runs nothing, whatever way it comes, and its words reach whoever asked and the card."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from bot.policy.record import RequestRecord
from tests.bot.cli.shell import sayso
from tests.kit.long import few_of
from tests.kit.slack_world import SlackWorld, a_started_slack_world
from tests.kit.world import World
from tests.servers.console import Page, a_console, sent

CONDITION = "only after lunch"

Way = Callable[[World, RequestRecord], Awaitable[None]]


async def by_mail(world: World, record: RequestRecord) -> None:
    """Bo's approval and condition are one mail."""
    await world.reply("bo", await world.next_mail("bo", about=record.request.digest), f"Approved, but {CONDITION}.")


async def on_the_page(world: World, record: RequestRecord) -> None:
    """The page asks back what Bo wrote beside his approval; he sends it as a comment."""
    async with a_console(world) as console:
        bo, place = await console.browser("bo"), f"/requests/{record.request.id}"
        form = (await bo.get(place)).form(f"{place}/answer")
        asks_back = Page(await bo.post(*sent(form, "Approve", reason=CONDITION)))
        assert "Approve with this note, or send it as a comment?" in asks_back.words
        assert (await world.request(record.request.id)).state == "open"
        await bo.submit(asks_back.form(f"{place}/answer"), "Send it as a comment")


async def in_a_terminal(world: World, record: RequestRecord) -> None:
    """The command says that nothing is decided; Bo sends his words alone."""
    words = ("answer", record.request.id, "approve", "--as", "bo", "--digest", record.request.digest)
    refused = await sayso(world, *words, "--reason", CONDITION)
    assert refused.code == 1
    assert "Approve with this note, or send it as a comment?" in refused.out
    await sayso(world, "answer", record.request.id, CONDITION, "--as", "bo")


async def over_http(world: World, record: RequestRecord) -> None:
    """A program is answered 409, and sends the words alone."""
    async with a_console(world) as console:
        _, key = await console.api.key("bo")
        bo, path = console.api.with_key(key), f"/v1/requests/{record.request.id}/answer"
        body = {"vote": "approve", "digest": record.request.digest, "reason": CONDITION}
        refused = await bo.post(path, json=body)
        assert (refused.status_code, refused.json()["type"]) == (409, "urn:sayso:problem:note-unconfirmed")
        await bo.post(path, json={"text": CONDITION})


@pytest.mark.parametrize("answer", few_of([by_mail, on_the_page, in_a_terminal, over_http], 0))
async def test_an_approval_with_a_condition_runs_nothing_and_its_words_reach_whoever_asked(
    world: World, answer: Way
) -> None:
    record = await world.opened(await world.trigger("press bell"))

    await answer(world, record)

    brought = await world.next_mail("anna", about=CONDITION)
    assert "Bo Berg" in brought.text
    await world.quiet()
    found = await world.request(record.request.id)
    assert (found.state, found.votes) == ("open", ())
    assert CONDITION in found.comments[-1].text
    assert world.workshop.effects == []


@pytest.fixture
async def office(redis: str, tmp_path: Path, slack_address: str) -> AsyncIterator[SlackWorld]:
    async with a_started_slack_world(redis, tmp_path / "data", slack_address) as office:
        yield office


async def test_an_approval_with_a_condition_in_a_thread_of_slack_runs_nothing_and_stands_on_the_card(
    office: SlackWorld,
) -> None:
    asked = await office.anna.says("#ops", "@sayso press bell")
    card = await office.card("#ops", to_press="Approve")

    await office.bo.answers(asked, f"approved, but {CONDITION}")

    shown = await office.becomes(card, f"approved, but {CONDITION}")
    assert "Approve" in shown.buttons
    record = await office.world.opened(await office.only_run())
    assert (record.state, record.votes) == ("open", ())
    assert CONDITION in record.comments[-1].text
    assert office.world.workshop.effects == []
