"""One live card: the message that asked always shows how its request stands, and one line how its run does."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from agents.requests import PersonId, RunId
from bot.policy.record import RequestRecord
from channels import Card
from tests.fakes.wall import Wall
from tests.kit.waiting import until
from tests.kit.world import World, a_world

THREAD = "C01OPS/1712345678.000100"


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
async def office(redis: str, tmp_path: Path, wall: Wall) -> AsyncIterator[World]:
    """A running sayso that reaches people on the wall, and by mail where that does not work."""
    async with a_world(redis, tmp_path / "data", change=_on(wall)) as world:
        yield world


def _on(wall: Wall) -> Callable[[World], None]:
    def change(world: World) -> None:
        world.beside, world.reach = (wall,), ("slack", "email")

    return change


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


async def test_one_message_shows_the_whole_story_and_says_who_approved_by_which_way(office: World, wall: Wall) -> None:
    record, goes_on = await asked(office, wall, "pair"), office.workshop.hold("bell")
    assert facts(wall.of("bo")[0])["Who decides"] == "you and Cy Cole"
    assert facts(wall.of("bo")[0])["Approvals"] == "0 of 2", "as it was placed"

    await office.decide("bo", record, "approve", channel="slack")
    counted = await until(lambda: _with_vote(wall.now("cy")), what="one vote is seen")
    assert counted.title == "Press bell?"
    assert counted.form
    assert facts(counted)["Approvals"].startswith("1 of 2: Bo Berg at ")
    assert facts(counted)["Approvals"].endswith(" in Slack")

    await office.decide("cy", record, "approve", channel="console")
    running = await once(wall, "Running", "cy")
    assert (running.title, running.form) == ("Running: Press bell", None)
    assert "Bo Berg and Cy Cole approved" in running.summary
    assert facts(running)["Approvals"].startswith("2 of 2: Bo Berg at ")
    assert facts(running)["Approvals"].endswith(" in the console")

    goes_on.set()
    await office.ended(record.request.run_id)
    done = await once(wall, "Done", "cy")
    await office.quiet()
    assert (done.title, done.quoted, done.form) == ("Done: Press bell", "press bell: done", None)
    assert [to.person for to, card in wall.pinned.values() if not card.is_line] == ["bo", "cy", "anna"]
    assert [card.title for card in wall.of("bo")][-1] == "Done: Press bell"


def _with_vote(card: Card | None) -> Card | None:
    return card if card and "Approvals" in facts(card) and ": " in facts(card)["Approvals"] else None


async def test_until_the_start_the_card_has_only_a_way_to_stop_and_whoever_stops_it_is_named(
    office: World, wall: Wall
) -> None:
    record = await asked(office, wall)
    await office.steer(record.request.run_id, "pause")

    await office.decide("bo", record, "approve", channel="slack")
    approved = await once(wall, "Approved", "cy")
    assert approved.form
    assert approved.form.only_stops
    token = wall.of("cy")[0].form
    assert token
    assert approved.form.token == token.token

    await office.decide("cy", record, "deny", "not on a Friday", channel="slack")
    stopped = await once(wall, "Stopped")
    assert (stopped.form, stopped.quoted) == (None, "not on a Friday")
    assert "Cy Cole took it back at " in stopped.summary


@pytest.mark.long
@pytest.mark.parametrize(("said", "word"), [("deny", "Denied"), ("approve", "Failed")])
async def test_a_card_shows_a_denial_and_a_failure_with_the_words_of_others_quoted(
    office: World, wall: Wall, said: str, word: str
) -> None:
    office.workshop.breaks["bell"] = RuntimeError("no clapper")
    record = await asked(office, wall)

    if said == "approve":
        await office.decide("bo", record, "approve", channel="slack")
    else:
        await office.decide("bo", record, "deny", "not today", channel="slack")

    card = await once(wall, word, "cy")
    assert card.form is None
    assert card.quoted == ("not today" if said == "deny" else "RuntimeError: no clapper")


async def test_a_card_of_an_older_version_points_to_the_newer_one(office: World, wall: Wall) -> None:
    record = await asked(office, wall)
    before = wall.of("bo")

    await office.edit("anna", await office.request(record.request.id), what="horn")
    await office.quiet()

    assert "A newer version of this is asked below" in before[-1].summary
    assert before[-1].form is None
    newest = wall.now("bo")
    assert newest
    assert newest.title == "Press horn?"
    assert newest.form


async def test_who_votes_on_the_card_gets_no_message_beside_it(office: World, wall: Wall) -> None:
    record = await asked(office, wall, "pair")

    await office.decide("bo", record, "approve", channel="slack")
    await office.decide("cy", record, "approve", channel="slack")
    await office.ended(record.request.run_id)
    await office.quiet()

    to_people = [(to.person, card.title) for to, card in wall.pinned.values() if not card.is_line]
    assert to_people == [("bo", "Press bell?"), ("cy", "Press bell?"), ("anna", "Done: press bell")]
    assert office.mails("bo") == office.mails("cy") == office.mails("anna") == ()


async def test_who_asked_hears_the_end_even_where_a_card_of_theirs_changed(office: World, wall: Wall) -> None:
    run_id = await office.app.runs.starter.start("slack", "ask free_text How loud?", PersonId("anna"), thread=THREAD)
    record = await office.opened(run_id)
    await office.quiet()
    await office.decide("anna", record, "free_text", "very", channel="slack")
    await office.ended(run_id)
    await office.quiet()

    [question, end] = [key for key, (_, card) in wall.pinned.items() if not card.is_line]
    assert wall.looks[question][-1].title.startswith("Answered: ")
    assert wall.looks[question][-1].quoted == "> How loud?\nAnna Ames:\nvery"
    assert [card.title for card in wall.looks[end]] == ["Answered: ask free_text How loud?"]


@pytest.mark.long
async def test_an_interrupted_call_is_unknown_on_its_card_until_people_say_what_became_of_it(
    office: World, wall: Wall
) -> None:
    record = await asked(office, wall)
    await office.decide("bo", record, "approve", channel="slack")
    office.workshop.hold("bell")
    asked_first = wall.of("bo")
    await until(lambda: office.workshop.started, what="it has started")
    async with office.stopped():
        office.workshop.holds.clear()

    unknown = await until(lambda: _last(asked_first, "Unknown"), what="the card says that it is unknown")
    assert "it is not known whether it happened. Those who may decide are asked." in unknown.summary
    asked_again = await office.opened(record.request.run_id)
    await office.decide("cy", asked_again, "free_text", "1", channel="slack")
    done = await until(lambda: _last(asked_first, "Done"), what="the card says that it is done")
    assert "Cy Cole says that it happened." in done.summary


def _last(looks: list[Card], word: str) -> Card | None:
    return looks[-1] if looks[-1].title.startswith(f"{word}: ") else None


async def test_one_line_in_the_thread_says_what_the_run_does(office: World, wall: Wall) -> None:
    record, goes_on = await asked(office, wall, "pair"), office.workshop.hold("bell")
    run_id = record.request.run_id
    await line_says(wall, "Waiting for Bo Berg and Cy Cole")

    await office.decide("bo", record, "approve", channel="slack")
    await line_says(wall, "Waiting for Cy Cole")
    await office.steer(run_id, "pause")
    await line_says(wall, "Paused by Anna Ames")
    await office.steer(run_id, "resume")
    await office.decide("cy", record, "approve", channel="slack")
    running = await line_says(wall, "Running: Press bell, since ")
    assert running.endswith(" UTC")

    goes_on.set()
    await office.ended(run_id)
    await line_says(wall, "Done")
    await office.quiet()

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


async def test_a_run_that_did_not_begin_in_a_thread_of_such_a_channel_has_no_line(office: World, wall: Wall) -> None:
    await office.ended(await office.trigger("stamp letter"))
    started = await office.app.runs.starter.start("email", "stamp letter", PersonId("anna"), thread="<m1@corp.example>")
    await office.ended(RunId(started))
    await office.quiet()

    assert wall.lines() == []


async def test_an_answer_that_does_not_count_changes_no_card(office: World, wall: Wall) -> None:
    record = await asked(office, wall)

    await office.decide("dan", record, "approve", channel="slack")
    await office.quiet()

    assert wall.calls == [("anna", card) for _, card in wall.calls]  # her run's line of status
