"""One live card: the message that asked always shows how its request stands, and one line how its run does."""

from collections.abc import Callable

import pytest

from agents.requests import PersonId, RunId
from agents.requests.record import RequestRecord
from channels import Card
from language.dates import moments
from tests.fakes.wall import Wall
from tests.kit.opens import opens
from tests.kit.said import said
from tests.kit.waiting import until
from tests.kit.world import World

THREAD = "C01OPS/1712345678.000100"
pytestmark = opens(beside=("wall",), reach=("slack", "email"))
"""It reaches people on the wall, and by mail where that does not work."""


@pytest.fixture
def wall() -> Wall:
    return Wall()


async def asked(world: World, wall: Wall, policy: str = "production") -> RequestRecord:
    """The open request of a run that began on the wall; both who may decide hold its card."""
    world.workshop.policy_of["bell"] = policy
    run_id = await world.app.runs.starter.start("slack", "press bell", PersonId("anna"), thread=THREAD)
    record = await world.opened(run_id)
    await world.quiet()
    assert wall.now("bo")
    assert wall.now("cy")
    return record


def facts(card: Card) -> dict[str, str]:
    return {fact.label: fact.text for fact in (*card.facts, *card.decides, *card.details)}


async def once(wall: Wall, word: str, person: str = "bo") -> Card:
    """The card of `person` once its title begins with `word`."""

    def seen() -> Card | None:
        card = wall.now(person)
        return card if card and card.title.startswith(f"{word}: ") else None

    return await until(seen, what=f"the card of {person} says {word}")


async def test_one_message_shows_the_whole_story_and_says_who_approved_by_which_way(world: World, wall: Wall) -> None:
    record, goes_on = await asked(world, wall, "pair"), world.workshop.hold("bell")
    assert facts(wall.of("bo")[0])["Who decides"] == "you and Cy Cole"
    assert facts(wall.of("bo")[0])["Approvals"] == "0 of 2", "as it was placed"

    await world.decide("bo", record, "approve", channel="slack")
    counted = await until(lambda: _with_vote(wall.now("cy")), what="one vote is seen")
    assert counted.title == "Press bell?"
    assert counted.form
    assert facts(counted)["Approvals"].startswith("1 of 2: Bo Berg at ")
    assert facts(counted)["Approvals"].endswith(" in Slack")

    await world.decide("cy", record, "approve", channel="console")
    running = await once(wall, "Running", "cy")
    assert (running.title, running.form) == ("Running: Press bell", None)
    assert "Bo Berg and Cy Cole approved" in running.summary
    assert facts(running)["Approvals"].startswith("2 of 2: Bo Berg at ")
    assert facts(running)["Approvals"].endswith(" in the console")

    goes_on.set()
    await world.ended(record.request.run_id)
    done = await once(wall, "Done", "cy")
    await world.quiet()
    assert (done.title, done.quoted, done.form) == ("Done: Press bell", "press bell: done", None)
    assert [to.person for to, card in wall.pinned.values() if not card.is_line] == ["bo", "cy", "anna"]
    assert [card.title for card in wall.of("bo")][-1] == "Done: Press bell"


def _with_vote(card: Card | None) -> Card | None:
    return card if card and "Approvals" in facts(card) and ": " in facts(card)["Approvals"] else None


async def test_the_card_says_what_a_yes_does_as_its_run_is_paused_and_goes_on(world: World, wall: Wall) -> None:
    record = await asked(world, wall)

    def say(does: str) -> Callable[[], bool]:
        return lambda: all((card := wall.now(one)) and card.on_yes and does in card.on_yes.text for one in ("bo", "cy"))

    await world.steer(record.request.run_id, "pause")
    await until(say("nothing starts until the run goes on"), what="both cards say that it is paused")
    await world.steer(record.request.run_id, "resume")
    await until(say("it starts right away"), what="both cards say that it starts")
    assert (await world.request(record.request.id)).state == "open"


async def test_until_the_start_the_card_has_only_a_way_to_stop_and_whoever_stops_it_is_named(
    world: World, wall: Wall
) -> None:
    record = await asked(world, wall)
    await world.steer(record.request.run_id, "pause")

    await world.decide("bo", record, "approve", channel="slack")
    approved = await once(wall, "Approved", "cy")
    assert approved.form
    assert approved.form.only_stops
    token = wall.of("cy")[0].form
    assert token
    assert approved.form.token == token.token

    await world.decide("cy", record, "deny", "not on a Friday", channel="slack")
    stopped = await once(wall, "Stopped")
    assert (stopped.form, stopped.quoted) == (None, "not on a Friday")
    assert "Cy Cole took it back at " in stopped.summary


async def test_a_card_of_an_older_version_points_to_the_newer_one(world: World, wall: Wall) -> None:
    record = await asked(world, wall)
    before = wall.of("bo")

    await world.edit("anna", await world.request(record.request.id), what="horn")
    await world.quiet()

    assert "A newer version of this is asked below" in before[-1].summary
    assert before[-1].form is None
    newest = wall.now("bo")
    assert newest
    assert newest.title == "Press horn?"
    assert newest.form


async def test_a_card_of_an_approval_that_is_too_old_names_the_request_in_its_place(world: World, wall: Wall) -> None:
    record = await asked(world, wall)
    await world.steer(record.request.run_id, "pause")
    await world.decide("bo", record, "approve", channel="slack")
    await world.quiet()
    before = wall.of("bo")

    # Once it is looked at again, and then to ask anew.
    asks_anew = world.workshop.hold(f"prepare bell {world.workshop.prepared['bell'] + 2}")
    await world.move_time(16 * 60)
    await world.steer(record.request.run_id, "resume")
    await once(wall, "No longer asked")
    asks_anew.set()
    await world.opened(record.request.run_id, after=record.request.id)
    await world.quiet()

    assert said("words.replaced") in before[-1].summary


async def test_who_asked_hears_the_end_even_where_a_card_of_theirs_changed(world: World, wall: Wall) -> None:
    run_id = await world.app.runs.starter.start("slack", "ask free_text How loud?", PersonId("anna"), thread=THREAD)
    record = await world.opened(run_id)
    await world.quiet()
    await world.decide("anna", record, "free_text", "very", channel="slack")
    await world.ended(run_id)
    await world.quiet()

    [question, end] = [key for key, (_, card) in wall.pinned.items() if not card.is_line]
    assert wall.looks[question][-1].title.startswith("Answered: ")
    assert wall.looks[question][-1].quoted == "> How loud?\nAnna Ames:\nvery"
    assert [card.title for card in wall.looks[end]] == ["Answered: ask free_text How loud?"]


async def test_one_line_in_the_thread_says_what_the_run_does(world: World, wall: Wall) -> None:
    record, goes_on = await asked(world, wall, "pair"), world.workshop.hold("bell")
    run_id = record.request.run_id
    await line_says(wall, "Waiting for Bo Berg and Cy Cole")

    await world.decide("bo", record, "approve", channel="slack")
    await line_says(wall, "Waiting for Cy Cole")
    await world.steer(run_id, "pause")
    await line_says(wall, "Paused by Anna Ames")
    await world.steer(run_id, "resume")
    await world.decide("cy", record, "approve", channel="slack")
    running = await line_says(wall, "Running: Press bell, since ")
    assert list(moments(running)), "Slack shows it in the zone of whoever reads it"

    goes_on.set()
    await world.ended(run_id)
    await line_says(wall, "Done")
    await world.quiet()

    [said] = wall.lines()
    assert said[0] == "Working on it…"
    assert said[-1] == "Done: press bell"
    [(to, line)] = [(to, card) for to, card in wall.pinned.values() if card.is_line]
    assert (to.thread, to.person, line.form) == (THREAD, "anna", None)


async def line_says(wall: Wall, text: str) -> str:
    def seen() -> str | None:
        lines = wall.lines()
        return lines[0][-1] if lines and lines[0][-1].startswith(text) else None

    return await until(seen, what=f"the line says {text}")


async def test_a_run_that_did_not_begin_in_a_thread_of_such_a_channel_has_no_line(world: World, wall: Wall) -> None:
    await world.ended(await world.trigger("stamp letter"))
    started = await world.app.runs.starter.start("email", "stamp letter", PersonId("anna"), thread="<m1@corp.example>")
    await world.ended(RunId(started))
    await world.quiet()

    assert wall.lines() == []
