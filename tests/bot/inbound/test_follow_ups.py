"""Words in a thread where a run lives: they answer a question, or steer, and never decide."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from agents.events import AnswerNoted, PersonSaid
from agents.requests import RunId
from agents.run import RunState
from bot.inbound.follow_ups import FollowUps
from bot.policy.record import RequestRecord, records
from bot.queries.rebuild import rebuild
from bot.render.status_line import StatusLines
from bot.store import Commit, Written
from bot.store.ids import new_id
from bot.store.journal import Journal
from channels import ChannelUnavailable, File, Inbound, Trigger
from language import say
from tests.fakes.hallway import Hallway
from tests.kit.long import few_of
from tests.kit.waiting import until
from tests.kit.world import World, a_world

THREAD, ELSEWHERE = "C01OPS/1712345678.000100", "C01OPS/1712345999.000100"


@pytest.fixture
async def office(redis: str, tmp_path: Path, hallway: Hallway) -> AsyncIterator[World]:
    """A running sayso that reaches people in the hallway, else by mail; everybody but anna is an operator."""

    def change(world: World) -> None:
        world.beside, world.reach = (hallway,), ("slack", "email")
        world.toml += '\n[roles]\noperator = ["person:bo", "person:cy", "person:dan"]\n'

    async with a_world(redis, tmp_path / "data", change=change) as world:
        yield world


async def runs(world: World) -> list[str]:
    return [json.loads(line)["id"] for line in await world.app.store.lists.summaries() if line]


async def begun(world: World, hallway: Hallway, text: str, person: str = "anna") -> RunId:
    """The run that `person` asks for in THREAD."""
    inbound_id = await world.app.messages.inbox.accept(hallway.begins(person, text, THREAD))
    run_id = world.app.runs.starter.run_id(inbound_id)
    await until(lambda: world.events(run_id), what="the run has started")
    return run_id


async def asked(world: World, hallway: Hallway, text: str = "press bell") -> RequestRecord:
    return await world.opened(await begun(world, hallway, text))


async def said(world: World, run_id: str) -> list[tuple[str, str]]:
    return [(event.person, event.text) for event in await world.events(run_id) if isinstance(event, PersonSaid)]


async def noted(world: World, run_id: str) -> list[tuple[str, str]]:
    return [(event.person, event.outcome) for event in await world.events(run_id) if isinstance(event, AnswerNoted)]


async def written(world: World, item: Inbound) -> str:
    """The id of `item`, once it has had its effect."""
    inbound_id = await world.app.messages.inbox.accept(item)
    assert inbound_id

    async def is_handled() -> bool:
        return await world.app.store.inbound(inbound_id) is None

    await until(is_handled, what="it was handled")
    return inbound_id


async def test_what_is_written_in_a_thread_that_nobody_knows_is_not_kept(office: World, hallway: Hallway) -> None:
    assert await office.app.messages.inbox.accept(hallway.follows("anna", "secrets of strangers", ELSEWHERE)) == ""

    found = [key async for key in office.app.store.client.scan("*") if ":inbound:" in key or ":seen:" in key]
    assert found == []
    assert await runs(office) == []


async def test_a_typed_answer_to_the_open_question_in_the_thread_resumes_the_run(
    office: World, hallway: Hallway
) -> None:
    record = await asked(office, hallway, "ask free_text Which one?\nstamp letter")

    hallway.say(hallway.follows("anna", "v1.2.0", THREAD))

    assert await office.summary(record.request.run_id) == "done: answered: v1.2.0; ok: stamp letter: done"
    assert await said(office, record.request.run_id) == []


async def test_the_file_that_comes_with_a_typed_answer_goes_along(office: World, hallway: Hallway) -> None:
    record = await asked(office, hallway, "ask free_text Which one?")
    log = File(name="a.log", type="text/plain", size_bytes=2, sha256="ab" * 32, text="hi", content=b"hi")

    await written(office, hallway.follows("anna", "see file", THREAD, files=(log,)))

    events = await office.events(record.request.run_id)
    assert [event.files[0].name for event in events if event.type == "request_decided"] == ["a.log"]


async def test_words_that_do_not_fit_the_question_are_told_so_and_steer_nothing(
    office: World, hallway: Hallway
) -> None:
    record = await asked(office, hallway, "ask choice Which one? | red, blue")

    await written(office, hallway.follows("anna", "the nice one", THREAD))

    await until(lambda: hallway.to("anna", "not counted as a decision"), what="anna is told")
    assert (await office.request(record.request.id)).state == "open"
    assert await noted(office, record.request.run_id) == [("anna", "unclear")]
    assert await said(office, record.request.run_id) == []


@pytest.mark.parametrize("words", few_of(["yes", "approve", "no", "lgtm", "deploy v2 instead"], 0, 4))
async def test_an_approver_s_typed_words_never_decide_and_do_not_make_a_requester(
    office: World, hallway: Hallway, words: str
) -> None:
    record = await asked(office, hallway)

    await written(office, hallway.follows("bo", words, THREAD))
    await office.quiet()

    found = await office.request(record.request.id)
    assert (found.state, found.votes, found.joined) == ("open", (), ())
    assert await noted(office, record.request.run_id) == [("bo", "unclear")]
    assert await said(office, record.request.run_id) == []
    assert [card.summary for card in hallway.to("bo", say("notice.press"))] == [say("notice.press")]
    await office.decide("bo", record, "approve")
    assert await office.summary(record.request.run_id) == "done: ok: press bell: done"


async def test_each_approver_is_pointed_to_the_button_each_time_and_what_they_wrote_is_kept(
    office: World, hallway: Hallway
) -> None:
    record = await asked(office, hallway)

    for person in ("bo", "bo", "cy", "bo"):
        await written(office, hallway.follows(person, "yes", THREAD))
    await office.quiet()

    assert (len(hallway.to("bo", say("notice.press"))), len(hallway.to("cy", say("notice.press")))) == (3, 1)
    assert len(await noted(office, record.request.run_id)) == 4


async def test_the_pointer_goes_to_where_it_was_typed_and_to_its_writer_alone(office: World, hallway: Hallway) -> None:
    await asked(office, hallway)
    async with office.stopped():
        await office.start(works=False, receives=False)
        inbound_id = await office.app.messages.inbox.accept(hallway.follows("bo", "yes", THREAD))

        await office.app.messages.inbox.handle(inbound_id)

        [told] = [entry for entry in await office.unsent() if entry.kind == "tell"]
        assert (told.person, told.to, told.reach) == ("bo", f"{THREAD} bo", ("slack",))
        await office.stop()


async def test_words_typed_after_the_approval_that_say_no_stop_do_not_stop_it_and_tell_what_does(
    office: World, hallway: Hallway
) -> None:
    record = await asked(office, hallway)
    await office.steer(record.request.run_id, "pause")
    await office.decide("bo", record, "approve")

    await written(office, hallway.follows("bo", "v2 is better", THREAD))
    await office.quiet()

    assert (await office.request(record.request.id)).state == "approved"
    assert [card.summary for card in hallway.to("bo", "your words do not stop it")] == [say("notice.too-late-to-type")]
    assert (await office.run(record.request.run_id)).writers == ()


async def test_what_others_write_beside_an_approval_is_a_comment_for_people_and_makes_nobody_a_requester(
    office: World, hallway: Hallway
) -> None:
    record = await asked(office, hallway)

    await written(office, hallway.follows("dan", "v2 is better", THREAD))
    await office.quiet()

    found = await office.request(record.request.id)
    assert await said(office, record.request.run_id) == []
    assert (found.joined, found.requesters) == ((), ("anna",))
    assert [(one.person, one.text) for one in found.comments] == [("dan", "v2 is better")]
    assert records(await office.events(record.request.run_id)) == {record.request.id: found}
    assert [card.summary for card in hallway.to("dan", "About")] == [say("notice.waits-for-others")]
    shown = next(card for card in hallway.shown.values() if card.form)
    assert ("Comment by Dan Dorn", "“v2 is better”") in [(fact.label, fact.text) for fact in shown.facts]


async def test_an_approver_who_wrote_before_the_card_was_made_may_not_approve_what_they_steered(
    office: World, hallway: Hallway
) -> None:
    gate = office.workshop.hold("letter")
    run_id = await begun(office, hallway, "stamp letter\npress bell\npress bell again")
    await until(lambda: office.workshop.started, what="it stamps")
    await written(office, hallway.follows("bo", "press the bell", THREAD))
    gate.set()

    record = await office.opened(run_id)

    assert record.request.requesters == ("anna", "bo")
    assert (await office.decide("bo", record, "approve")).type == "not_entitled"
    assert (await office.decide("cy", record, "approve")).type == "decided"
    later = await office.opened(run_id, after=record.request.id)
    assert later.request.requesters == ("anna", "bo")


async def test_a_run_that_nobody_is_left_to_approve_says_so_instead_of_waiting(office: World, hallway: Hallway) -> None:
    gate = office.workshop.hold("letter")
    run_id = await begun(office, hallway, "stamp letter\npress bell")
    await until(lambda: office.workshop.started, what="it stamps")
    for person in ("bo", "cy"):
        await written(office, hallway.follows(person, "press the bell", THREAD))

    gate.set()

    assert "people who may decide, the requester not counted: 0; needed: 1" in await office.summary(run_id)


async def test_writing_beside_an_open_request_never_takes_away_those_who_may_decide(
    office: World, hallway: Hallway
) -> None:
    record = await asked(office, hallway)

    for person in ("anna", "bo", "cy", "dan"):
        await written(office, hallway.follows(person, "me too", THREAD))

    found = await office.request(record.request.id)
    assert (found.joined, found.request.revision) == ((), 2)
    assert (await office.decide("bo", found, "approve")).type == "decided"


@pytest.mark.parametrize(("state", "person"), few_of([("paused", "anna"), ("unknown", "dan")], 0, rows=True))
async def test_a_run_that_stands_still_hears_what_is_said_all_the_same(
    office: World, hallway: Hallway, state: RunState, person: str
) -> None:
    office.workshop.hold("bell")
    if state == "paused":
        run_id = (await asked(office, hallway)).request.run_id
        await office.steer(run_id, "pause")
    else:
        run_id = await begun(office, hallway, "pull bell")
        await until(lambda: office.workshop.started, what="it pulls")
        async with office.stopped():
            pass
        await office.opened(run_id)
    assert (await office.run(run_id)).state == state

    await written(office, hallway.follows(person, "what about it?", THREAD))

    assert await said(office, run_id) == [(person, "what about it?")]
    assert (await office.run(run_id)).state == state


async def test_in_the_thread_of_a_run_that_has_ended_only_who_addresses_us_is_heard_and_starts_a_run(
    office: World, hallway: Hallway
) -> None:
    first = await begun(office, hallway, "stamp letter")
    await office.ended(first)

    await written(office, hallway.follows("bo", "thanks all", THREAD))
    assert await runs(office) == [first]
    second = office.app.runs.starter.run_id(
        await written(office, hallway.follows("bo", "press bell", THREAD, is_addressed=True))
    )
    record = await office.opened(second)

    assert record.request.thread == THREAD
    await written(office, hallway.follows("bo", "the red bell", THREAD))
    assert await said(office, second) == [("bo", "the red bell")]
    assert await said(office, first) == []


async def test_whoever_addresses_us_in_a_thread_that_is_new_to_us_starts_a_run_there(
    office: World, hallway: Hallway
) -> None:
    item = hallway.follows("anna", "press bell", ELSEWHERE, is_addressed=True)

    run_id = office.app.runs.starter.run_id(await written(office, item))
    await office.opened(run_id)
    await written(office, hallway.follows("anna", "the red one", ELSEWHERE))

    assert await said(office, run_id) == [("anna", "the red one")]


async def test_a_run_is_known_in_its_thread_before_anything_stands_there(office: World, hallway: Hallway) -> None:
    await office.ended(await begun(office, hallway, "stamp letter"))
    goes_on = office.workshop.hold("bell")
    second = office.app.runs.starter.run_id(
        await written(office, hallway.follows("bo", "stamp bell", THREAD, is_addressed=True))
    )
    await until(lambda: office.workshop.started[1:], what="it stamps")

    await written(office, hallway.follows("dan", "which bell?", THREAD))
    goes_on.set()

    assert await said(office, second) == [("dan", "which bell?")]


class Slow(Journal):
    """A journal in whose first write somebody else is faster."""

    def __init__(self, journal: Journal, first: Callable[[], Awaitable[object]]) -> None:
        super().__init__(journal.store, journal.queue)
        self._first: Callable[[], Awaitable[object]] | None = first

    async def write(self, commit: Commit) -> Written:
        first, self._first = self._first, None
        if first:
            await first()
        return await super().write(commit)


async def test_words_that_lose_a_race_with_a_card_are_not_a_message_of_the_run_any_more(
    office: World, hallway: Hallway
) -> None:
    goes_on = office.workshop.hold("facts")
    run_id = await begun(office, hallway, "press bell")
    await until(lambda: office.workshop.started, what="it looks up facts")

    async def asks() -> RequestRecord:
        goes_on.set()
        return await office.opened(run_id)

    app = office.app
    follow_ups = FollowUps(
        Slow(app.journal, asks), app.requests.decisions, app.people, app.access.rights, app.runs.children
    )
    trigger = Trigger(person="bo", text="yes", thread=THREAD, follows=True)
    assert await follow_ups.take(new_id("inbound", 0), "slack", trigger)

    assert await said(office, run_id) == []
    assert await noted(office, run_id) == [("bo", "unclear")]


async def test_threads_are_known_again_once_the_indexes_were_made_anew(office: World, hallway: Hallway) -> None:
    await office.ended(await begun(office, hallway, "stamp letter"))
    record = await asked_again(office, hallway)
    async for key in office.app.store.client.scan("*:thread:*"):
        await office.app.store.client.do("DEL", key)

    await rebuild(office.app.store)

    await written(office, hallway.follows("anna", "which bell?", THREAD))
    assert await said(office, record.request.run_id) == [("anna", "which bell?")]
    first = next(key for key, (to, card) in hallway.cards.items() if to.person == "bo" and card.form)
    await written(office, hallway.follows("anna", "that one", f"at {first}"))
    assert await said(office, record.request.run_id) == [("anna", "which bell?"), ("anna", "that one")]
    await written(office, hallway.follows("anna", "the red one", f"at {StatusLines.key(record.request.run_id)}"))
    assert len(await said(office, record.request.run_id)) == 3, "also where only the line of its status stands"


async def asked_again(world: World, hallway: Hallway) -> RequestRecord:
    """A second run in THREAD, whose card has been sent."""
    inbound_id = await written(world, hallway.follows("anna", "press bell", THREAD, is_addressed=True))
    record = await world.opened(world.app.runs.starter.run_id(inbound_id))
    await world.quiet()
    return record


async def test_what_is_written_before_the_first_message_was_read_waits_for_its_run(
    office: World, hallway: Hallway
) -> None:
    async with office.stopped():
        await office.start(works=False, receives=False)
        inbox = office.app.messages.inbox
        root = await inbox.accept(hallway.begins("anna", "press bell", THREAD))
        after = await inbox.accept(hallway.follows("dan", "v2 is better", THREAD))
        with pytest.raises(ChannelUnavailable, match="The message that begins the thread is not read yet"):
            await inbox.handle(after)
        await inbox.handle(root)
        await inbox.handle(after)
        await office.stop()

    assert await said(office, office.app.runs.starter.run_id(root)) == [("dan", "v2 is better")]


async def test_what_is_written_below_a_message_that_came_to_nothing_is_dropped(office: World, hallway: Hallway) -> None:
    await written(office, hallway.begins("anna", " ", THREAD))

    await written(office, hallway.follows("dan", "v2 is better", THREAD))

    assert await runs(office) == []


async def test_below_a_card_that_stands_by_itself_people_may_type_as_well(office: World, hallway: Hallway) -> None:
    run_id = await office.trigger("press bell")
    record = await office.opened(run_id)
    await office.quiet()
    [card] = [key for key, (to, card) in hallway.cards.items() if to.person == "bo" and card.form]

    await written(office, hallway.follows("bo", "yes", f"at {card}"))

    assert await noted(office, run_id) == [("bo", "unclear")]
    assert (await office.request(record.request.id)).state == "open"


async def test_a_message_whose_handling_a_crash_repeats_has_one_effect_whatever_its_run_has_become(
    office: World, hallway: Hallway
) -> None:
    """The crash comes after the effect and before the item is forgotten: here it is simply put back."""
    record = await asked(office, hallway, "ask free_text Which one?\nask free_text And then?")
    answer = hallway.follows("anna", "v1", THREAD, is_addressed=True)
    inbound_id = await written(office, answer)
    second = await office.opened(record.request.run_id, after=record.request.id)

    await brought_back(office, inbound_id, answer)

    assert (await office.request(second.request.id)).state == "open"
    assert await said(office, record.request.run_id) == []
    await written(office, hallway.follows("anna", "v2", THREAD))
    await office.ended(record.request.run_id)
    later = office.app.runs.starter.run_id(
        await written(office, hallway.follows("anna", "press bell", THREAD, is_addressed=True))
    )
    await office.opened(later)
    await brought_back(office, inbound_id, answer)
    assert len(await runs(office)) == 2
    assert await said(office, later) == []


async def brought_back(world: World, inbound_id: str, item: Inbound) -> None:
    """`item` is there again under its id, and is handled."""
    arrived = item.model_dump_json(include={"channel", "key", "size_bytes", "is_answer", "received_at"})
    name = f"{{s{inbound_id[1]}}}:inbound:{inbound_id}"
    await world.app.store.client.do("HSET", name, "body", arrived, "raw", item.raw, "at", 1)
    await world.app.messages.inbox.handle(inbound_id)
    assert await world.app.store.inbound(inbound_id) is None


async def test_a_message_that_is_handled_many_times_at_once_is_said_once(office: World, hallway: Hallway) -> None:
    record = await asked(office, hallway)
    async with office.stopped():
        await office.start(works=False, receives=False)
        inbound_id = await office.app.messages.inbox.accept(hallway.follows("anna", "v2 is better", THREAD))
        await asyncio.gather(*(office.app.messages.inbox.handle(inbound_id) for _ in range(8)))
        await office.stop()

    assert await said(office, record.request.run_id) == [("anna", "v2 is better")]


async def test_long_words_are_kept_in_part_and_say_so(office: World, hallway: Hallway) -> None:
    record = await asked(office, hallway)

    await written(office, hallway.follows("anna", "a" * 30_000 + "z", THREAD))

    [(_, text)] = await said(office, record.request.run_id)
    assert len(text) < 8_200
    assert text.endswith("z")
    assert "22001 of 30001 characters left out" in text


@pytest.mark.long
async def test_whoever_writes_without_end_is_stopped_and_told(office: World, hallway: Hallway) -> None:
    gate = office.workshop.hold("letter")
    run_id = await begun(office, hallway, "stamp letter")
    await until(lambda: office.workshop.started, what="it stamps")

    for number in range(61):
        await written(office, hallway.follows("dan", f"and {number}", THREAD))

    assert len(await said(office, run_id)) == 60
    await until(lambda: hallway.to("dan", "Not passed on to the run"), what="dan is told")
    gate.set()


async def test_a_message_without_words_and_files_is_nothing(office: World, hallway: Hallway) -> None:
    record = await asked(office, hallway)

    await written(office, hallway.follows("dan", " ", THREAD))

    assert await said(office, record.request.run_id) == []


async def test_what_is_said_while_a_step_is_being_chosen_is_known_when_it_is_chosen_again(
    office: World, hallway: Hallway
) -> None:
    goes_on = office.workshop.hold("facts")
    run_id = await begun(office, hallway, "who")
    await until(lambda: office.workshop.started, what="it looks up facts")

    await written(office, hallway.follows("dan", "wait for me", THREAD))
    goes_on.set()

    assert await office.summary(run_id) == "done: dan wrote"
    assert office.workshop.started == ["look up facts"] * 2


async def test_what_is_written_while_a_run_waits_for_its_child_is_said_to_the_child(
    office: World, hallway: Hallway
) -> None:
    run_id = await begun(office, hallway, "start_run press bell")
    await office.has(run_id, "waiting")
    [child] = (await office.run(run_id)).children
    record = await office.opened(child.run_id)

    item = hallway.follows("anna", "not the big one", THREAD)
    await written(office, item)
    await written(office, item)

    assert await said(office, child.run_id) == [("anna", "not the big one")]
    assert await said(office, run_id) == []
    now_asked = await office.request(record.request.id)
    assert [remark.text for remark in now_asked.request.remarks] == ["not the big one"]
    await office.decide("bo", now_asked, "approve")
    await office.ended(run_id)
    assert office.workshop.effects == ["press bell"]
