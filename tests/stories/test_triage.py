"""A message that no rule placed: triage asks whom it is for, and passes it on as it was written."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agents.events import ChildStarted, RunStarted
from agents.requests import PersonId, RunId
from agents.run import Run
from bot.runs.start import Sent
from bot.store.attachments import content_of
from bot.wiring.local_mail import ADDRESS
from tests.kit.long import few_of
from tests.kit.office import TOML
from tests.kit.waiting import until
from tests.kit.world import World, a_world

ORDER = "Something  is wrong with\tthe shop!\n(“approved” by Bo)"


@pytest.fixture
async def office(redis: str, tmp_path: Path) -> AsyncIterator[World]:
    """A running sayso with the agents of the product, and nothing to deploy: triage takes what nobody is named for."""
    toml = TOML + '[announce]\nto = ["group:release"]\n'
    async with a_world(redis, tmp_path / "data", toml, deploys=True) as world:
        yield world


async def triages(world: World, text: str, person: str = "anna") -> RunId:
    return await world.app.runs.starter.start("cli", text, world.app.people.named(person), agent="triage")


async def child_of(world: World, run_id: RunId) -> Run:
    """The one run that this one has started, once it is there."""

    async def found() -> RunId | None:
        return next((one.run_id for one in await world.events(run_id) if isinstance(one, ChildStarted)), None)

    child_id = await until(found, what="a child has started")

    async def begun() -> Run | None:
        child = await world.run(child_id)
        return child if child.started else None

    return await until(begun, what="the child is there")


async def test_what_nobody_is_named_for_is_asked_about_with_what_each_agent_is_for(office: World) -> None:
    await office.send("anna", ADDRESS, "Good morning, could somebody help me?")

    card = await office.next_mail("anna", about="What should be done with your message?")

    assert "1. ask: asks several people the same question" in card.text
    assert "2. announce: says something to group:release" in card.text
    assert "3. none of these" in card.text
    await office.reply("anna", card, "3")
    assert "Nothing was started" in (await office.next_mail("anna", about="Answered")).text


async def test_a_newcomer_who_says_hello_is_told_at_once_what_can_be_asked(shop: World) -> None:
    await shop.send("anna", ADDRESS, "Hello\n\nHello sayso,\nwhat can you do?")

    mail = await shop.next_mail("anna", about="Answered")

    assert "- deploy: puts versions live in production, staging. Such as: “deploy latest to production”" in " ".join(
        mail.text.split()
    )
    assert await shop.requests() == []


@pytest.mark.parametrize(
    ("words", "form"),
    few_of(
        [
            ("Please ask anna about lunch", "ask takes it without asking: ask group:release: which day suits?"),
            ("announce that we are live", "announce takes it without asking: announce: the office is closed on Friday"),
        ],
        0,
        rows=True,
    ),
)
async def test_whoever_nearly_wrote_an_order_is_shown_how_it_is_written(office: World, words: str, form: str) -> None:
    await office.send("anna", ADDRESS, words)

    assert form in (await office.next_mail("anna", about="What should be done with your message?")).text


async def test_lines_that_are_orders_to_two_agents_are_asked_about(shop: World) -> None:
    await shop.send("anna", ADDRESS, "deploy v1.2.0 to staging\nask group:release: which day?")

    card = await shop.next_mail("anna", about="What should be done with your message?")

    assert "Written like this" not in card.text


async def test_where_nobody_hears_announcements_an_announcement_says_how_that_is_set_up(
    redis: str, tmp_path: Path
) -> None:
    async with a_world(redis, tmp_path / "data", TOML, deploys=True) as office:
        await office.send("anna", ADDRESS, "announce: lunch is at noon")

        told = await office.next_mail("anna", about="Failed")
        await office.send("anna", ADDRESS, "The shop is slow today")
        card = await office.next_mail("anna", about="What should be done with your message?")

    assert "[announce] with to =" in told.text
    assert "announce" not in card.text


async def test_one_agent_that_takes_it_is_started_at_once_with_the_same_words_and_requester(shop: World) -> None:
    words = "deploy v1.2.0 to staging"
    run_id = await triages(shop, words)

    started = (await child_of(shop, run_id)).started

    assert started is not None
    assert (started.agent, started.text, started.requester) == ("deploy", words, "anna")
    assert await shop.requests() == []
    assert (await shop.summary(run_id)).startswith("done: The deploy agent: “v1.2.0 (")


async def test_what_was_attached_to_a_mail_goes_on_with_its_words(office: World) -> None:
    plan = b"name,room\nanna,1\n"
    await office.post("anna", ADDRESS, "Please see to this.", ("plan.csv", "text/csv", plan), about="The party")
    card = await office.next_mail("anna", about="What should be done with your message?")
    [run_id] = await office.app.store.lists.runs()

    await office.reply("anna", card, "2")
    child = await child_of(office, RunId(run_id))

    assert child.started is not None
    assert [file.name for file in child.started.files] == ["plan.csv"]
    assert await content_of(office.app.store.client, child.id, child.started.files[0].sha256) == plan


async def test_the_words_go_on_unchanged_to_the_agent_that_the_sender_chose(shop: World) -> None:
    run_id = await triages(shop, ORDER)
    record = await shop.opened(run_id)
    deploy = next(option for option in record.request.options if option.startswith("deploy: "))

    await shop.decide("anna", record, "free_text", deploy)

    started = (await child_of(shop, run_id)).started
    assert started is not None
    assert started.text == ORDER


async def test_the_childs_gate_is_its_own_and_the_requester_still_does_not_count(shop: World) -> None:
    run_id = await triages(shop, "deploy v1.2.0 to production", person="bo")
    record = await shop.opened((await child_of(shop, run_id)).id)
    assert record.request.words_are_own

    own = await shop.decide("bo", record, "approve")
    other = await shop.decide("cy", record, "deny", "not today")

    assert (own.type, other.type) == ("not_entitled", "decided")
    assert (await shop.summary(run_id)).startswith("failed: The deploy agent: “failed: Deploying v1.2.0")


async def test_words_of_somebody_else_are_nobodys_own_on_the_card_of_the_agent_that_gets_them(shop: World) -> None:
    start, sent = shop.app.runs.starter.start, Sent(others=(PersonId("anna"),))
    run_id = await start("slack", "deploy v1.2.0 to production", PersonId("bo"), agent="triage", sent=sent)

    record = await shop.opened((await child_of(shop, run_id)).id)

    assert not record.request.words_are_own
    assert set(record.request.requesters) == {"bo", "anna"}


async def test_a_childs_question_that_nobody_answers_ends_both(shop: World) -> None:
    run_id = await triages(shop, "ship v1.2.0 somewhere nice")
    record = await shop.opened(run_id)
    deploy = next(option for option in record.request.options if option.startswith("deploy: "))
    await shop.decide("anna", record, "free_text", deploy)
    child = await child_of(shop, run_id)
    await shop.opened(child.id)
    await shop.quiet()

    await shop.move_time(24 * 3600 + 60)

    assert "was not decided in time" in await shop.summary(run_id)
    assert (await shop.ended(child.id)).state == "failed"


async def test_an_answer_from_somebody_else_chooses_nothing(office: World) -> None:
    run_id = await triages(office, "help")
    record = await office.opened(run_id)

    assert (await office.decide("bo", record, "free_text", "1")).type == "not_entitled"
    assert (await office.run(run_id)).children == ()


async def test_a_deploy_goes_straight_to_the_deploy_agent_where_it_is_the_first(shop: World) -> None:
    run_id = await shop.trigger("deploy v1.2.0 to production")

    [first, *_] = await shop.events(run_id)
    assert isinstance(first, RunStarted)
    assert first.agent == "deploy"
