"""A message that no rule placed: triage asks whom it is for, and passes it on as it was written."""

from agents.events import RunStarted
from agents.requests import PersonId, RunId
from bot.runs.start import Sent
from bot.store.attachments import content_of
from bot.wiring.local_mail import ADDRESS
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.world import World

ORDER = "Something  is wrong with\tthe shop!\n(“approved” by Bo)"


OFFICE = f'{TOML}[announce]\nto = ["group:release"]\n'
pytestmark = opens(OFFICE, deploys=True)
"""The agents of the product, and nothing to deploy: triage takes what nobody is named for."""


async def triages(world: World, text: str, person: str = "anna") -> RunId:
    return await world.app.runs.starter.start("cli", text, world.app.people.named(person), agent="triage")


async def test_what_nobody_is_named_for_is_asked_about_with_what_each_agent_is_for_and_how_it_is_written(
    world: World,
) -> None:
    await world.send("anna", ADDRESS, "Please ask anna about lunch")

    card = await world.next_mail("anna", about="What should be done with your message?")

    assert "1. ask: asks several people the same question" in card.text
    assert "ask takes it without asking: ask group:release: which day suits?" in card.text
    assert "2. announce: says something to group:release" in card.text
    assert "3. none of these" in card.text
    [record] = await world.requests()
    assert (await world.decide("bo", record, "free_text", "1")).type == "not_entitled"
    await world.reply("anna", card, "3")
    assert "Nothing was started" in (await world.next_mail("anna", about="Answered")).text
    assert (await world.run(record.request.run_id)).children == ()


@opens(TOML, deploys=True)
async def test_where_nobody_hears_announcements_an_announcement_says_how_that_is_set_up(world: World) -> None:
    await world.send("anna", ADDRESS, "announce: lunch is at noon")

    told = await world.next_mail("anna", about="Failed")
    await world.send("anna", ADDRESS, "The shop is slow today")
    card = await world.next_mail("anna", about="What should be done with your message?")

    assert "[announce] with to =" in told.text
    assert "announce" not in card.text


async def test_one_agent_that_takes_it_is_started_at_once_with_the_same_words_and_requester(
    shop: World,
) -> None:
    words = "deploy v1.2.0 to staging"
    run_id = await triages(shop, words)

    started = (await shop.child(run_id)).started

    assert started is not None
    assert (started.agent, started.text, started.requester) == ("deploy", words, "anna")
    assert await shop.requests() == []
    assert (await shop.summary(run_id)).startswith("done: The deploy agent: “v1.2.0 (")

    [first, *_] = await shop.events(await shop.trigger("deploy v1.2.0 to production"))
    assert isinstance(first, RunStarted)
    assert first.agent == "deploy"


async def test_what_was_attached_to_a_mail_goes_on_with_its_words(world: World) -> None:
    plan = b"name,room\nanna,1\n"
    await world.post("anna", ADDRESS, "Please see to this.", ("plan.csv", "text/csv", plan), about="The party")
    card = await world.next_mail("anna", about="What should be done with your message?")
    [run_id] = await world.app.store.lists.runs()

    await world.reply("anna", card, "2")
    child = await world.child(RunId(run_id))

    assert child.started is not None
    assert [file.name for file in child.started.files] == ["plan.csv"]
    assert await content_of(world.app.store.client, child.id, child.started.files[0].sha256) == plan


async def test_the_words_go_on_unchanged_to_the_agent_that_the_sender_chose_whose_end_is_the_end_of_both(
    shop: World,
) -> None:
    run_id = await triages(shop, ORDER)
    record = await shop.opened(run_id)
    deploy = next(option for option in record.request.options if option.startswith("deploy: "))

    await shop.decide("anna", record, "free_text", deploy)

    child = await shop.child(run_id)
    assert child.started is not None
    assert child.started.text == ORDER
    await shop.opened(child.id)
    await shop.quiet()
    await shop.move_time(24 * 3600 + 60)
    assert "was not decided in time" in await shop.summary(run_id)
    assert (await shop.ended(child.id)).state == "failed"


async def test_words_of_somebody_else_are_nobodys_own_on_the_card_of_the_agent_that_gets_them(shop: World) -> None:
    start, sent = shop.app.runs.starter.start, Sent(others=(PersonId("anna"),), proof=None)
    run_id = await start("slack", "deploy v1.2.0 to production", PersonId("bo"), agent="triage", sent=sent)

    record = await shop.opened((await shop.child(run_id)).id)

    assert not record.request.words_are_own
    assert set(record.request.requesters) == {"bo", "anna"}
