"""Words in a thread where a run lives: they answer a question, or steer, and never decide."""

import json
from collections.abc import Awaitable, Callable

import pytest

from agents.events import AnswerNoted, PersonSaid
from agents.requests import RunId
from agents.requests.record import RequestRecord
from agents.run import fold
from bot.inbound.follow_ups import FollowUps
from bot.policy.judge import MOST_REMARKS
from bot.queries.rebuild import rebuild
from bot.render.status_line import StatusLines
from bot.store import Commit, Written
from bot.store.ids import new_id
from bot.store.journal import Journal
from channels import ChannelUnavailable, File, Inbound, Trigger
from language import say
from tests.fakes.hallway import Hallway
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.waiting import until
from tests.kit.world import World

THREAD, ELSEWHERE = "C01OPS/1712345678.000100", "C01OPS/1712345999.000100"


OPERATORS = f'{TOML}\n[roles]\noperator = ["person:bo", "person:cy", "person:dan"]\n'
pytestmark = opens(OPERATORS, beside=["hallway"], reach=("slack", "email"))


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


async def test_in_a_thread_that_nobody_knows_nothing_is_kept_until_somebody_addresses_us_and_a_run_lives_there(
    world: World, hallway: Hallway
) -> None:
    assert await world.app.messages.inbox.accept(hallway.follows("anna", "secrets of strangers", ELSEWHERE)) == ""
    found = [key async for key in world.app.store.client.scan("*") if ":inbound:" in key or ":seen:" in key]
    assert (found, await runs(world)) == ([], [])

    item = hallway.follows("anna", "press bell", ELSEWHERE, is_addressed=True)
    run_id = world.app.runs.starter.run_id(await written(world, item))
    await world.opened(run_id)
    await written(world, hallway.follows("anna", "the red one", ELSEWHERE))

    assert await said(world, run_id) == [("anna", "the red one")]


async def test_a_typed_answer_to_the_open_question_in_the_thread_resumes_the_run_with_the_file_that_comes_along(
    world: World, hallway: Hallway
) -> None:
    record = await asked(world, hallway, "ask free_text Which one?\nstamp letter")
    log = File(name="a.log", type="text/plain", size_bytes=2, sha256="ab" * 32, text="hi", content=b"hi")

    hallway.say(hallway.follows("anna", "v1.2.0", THREAD, files=(log,)))

    assert await world.summary(record.request.run_id) == "done: answered: v1.2.0; ok: stamp letter: done"
    assert await said(world, record.request.run_id) == []
    events = await world.events(record.request.run_id)
    assert [event.files[0].name for event in events if event.type == "request_decided"] == ["a.log"]


async def test_an_approver_s_typed_words_never_decide_make_no_requester_and_are_pointed_to_the_button_each_time(
    world: World, hallway: Hallway
) -> None:
    record = await asked(world, hallway)

    for person, words in (("bo", "yes"), ("bo", "deploy v2 instead"), ("cy", "approve"), ("bo", "lgtm")):
        await written(world, hallway.follows(person, words, THREAD))
    await world.quiet()

    found = await world.request(record.request.id)
    assert (found.state, found.votes, found.joined) == ("open", (), ())
    assert await noted(world, record.request.run_id) == [(one, "unclear") for one in ("bo", "bo", "cy", "bo")]
    assert await said(world, record.request.run_id) == []
    told = [to.to for to, card in hallway.cards.values() if card.summary == say("notice.press")]
    assert told == [f"only:{THREAD} {one}" for one in ("bo", "bo", "cy", "bo")], "where it was typed, and alone"
    await world.decide("bo", record, "approve")
    assert await world.summary(record.request.run_id) == "done: ok: press bell: done"


async def test_words_typed_after_the_approval_that_say_no_stop_do_not_stop_it_and_tell_what_does(
    world: World, hallway: Hallway
) -> None:
    record = await asked(world, hallway)
    await world.steer(record.request.run_id, "pause")
    await world.decide("bo", record, "approve")

    await written(world, hallway.follows("bo", "v2 is better", THREAD))
    await world.quiet()

    assert (await world.request(record.request.id)).state == "approved"
    assert [card.summary for card in hallway.to("bo", "your words do not stop it")] == [say("notice.too-late-to-type")]
    assert (await world.run(record.request.run_id)).writers == ()


async def test_what_others_write_beside_an_approval_is_a_comment_for_people_and_makes_nobody_a_requester(
    world: World, hallway: Hallway
) -> None:
    record = await asked(world, hallway)

    await written(world, hallway.follows("dan", "v2 is better", THREAD))
    await world.quiet()

    found = await world.request(record.request.id)
    assert await said(world, record.request.run_id) == []
    assert (found.joined, found.requesters) == ((), ("anna",))
    assert [(one.person, one.text) for one in found.comments] == [("dan", "v2 is better")]
    assert fold(await world.events(record.request.run_id)).requests == {record.request.id: found}
    assert [card.summary for card in hallway.to("dan", "About")] == [say("notice.waits-for-others")]
    shown = next(card for card in hallway.shown.values() if card.form)
    assert ("Comment by Dan Dorn", "“v2 is better”") in [(fact.label, fact.text) for fact in shown.facts]
    for person in ("anna", "bo", "cy"):
        await written(world, hallway.follows(person, "me too", THREAD))
    found = await world.request(record.request.id)
    assert (found.joined, found.request.revision) == ((), 2)
    assert (await world.decide("bo", found, "approve")).type == "decided", "nobody was taken away who may decide"


async def test_an_approver_who_wrote_before_the_card_was_made_may_not_approve_what_they_steered(
    world: World, hallway: Hallway
) -> None:
    gate = world.workshop.hold("letter")
    run_id = await begun(world, hallway, "stamp letter\npress bell\npress bell again")
    await until(lambda: world.workshop.started, what="it stamps")
    await written(world, hallway.follows("bo", "press the bell", THREAD))
    gate.set()

    record = await world.opened(run_id)

    assert record.request.requesters == ("anna", "bo")
    assert (await world.decide("bo", record, "approve")).type == "not_entitled"
    assert (await world.decide("cy", record, "approve")).type == "decided"
    later = await world.opened(run_id, after=record.request.id)
    assert later.request.requesters == ("anna", "bo")


async def test_in_the_thread_of_a_run_that_has_ended_only_who_addresses_us_is_heard_and_starts_a_run(
    world: World, hallway: Hallway
) -> None:
    first = await begun(world, hallway, "stamp letter")
    await world.ended(first)

    await written(world, hallway.follows("bo", "thanks all", THREAD))
    assert await runs(world) == [first]
    second = world.app.runs.starter.run_id(
        await written(world, hallway.follows("bo", "press bell", THREAD, is_addressed=True))
    )
    record = await world.opened(second)

    assert record.request.thread == THREAD
    await written(world, hallway.follows("bo", "the red bell", THREAD))
    assert await said(world, second) == [("bo", "the red bell")]
    assert await said(world, first) == []


async def test_a_run_is_known_in_its_thread_before_anything_stands_there(world: World, hallway: Hallway) -> None:
    await world.ended(await begun(world, hallway, "stamp letter"))
    goes_on = world.workshop.hold("bell")
    second = world.app.runs.starter.run_id(
        await written(world, hallway.follows("bo", "stamp bell", THREAD, is_addressed=True))
    )
    await until(lambda: world.workshop.started[1:], what="it stamps")

    await written(world, hallway.follows("dan", "which bell?", THREAD))
    goes_on.set()

    assert await said(world, second) == [("dan", "which bell?")]


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
    world: World, hallway: Hallway
) -> None:
    goes_on = world.workshop.hold("facts")
    run_id = await begun(world, hallway, "press bell")
    await until(lambda: world.workshop.started, what="it looks up facts")

    async def asks() -> RequestRecord:
        goes_on.set()
        return await world.opened(run_id)

    app = world.app
    follow_ups = FollowUps(
        Slow(app.journal, asks), app.requests.decisions, app.people, app.access.rights, app.runs.children
    )
    trigger = Trigger(person="bo", text="yes", thread=THREAD, follows=True)
    assert await follow_ups.take(new_id("inbound", 0), "slack", trigger)

    assert await said(world, run_id) == []
    assert await noted(world, run_id) == [("bo", "unclear")]


async def test_threads_are_known_again_once_the_indexes_were_made_anew(world: World, hallway: Hallway) -> None:
    await world.ended(await begun(world, hallway, "stamp letter"))
    record = await asked_again(world, hallway)
    async for key in world.app.store.client.scan("*:thread:*"):
        await world.app.store.client.do("DEL", key)

    await rebuild(world.app.store)

    await written(world, hallway.follows("anna", "which bell?", THREAD))
    assert await said(world, record.request.run_id) == [("anna", "which bell?")]
    first = next(key for key, (to, card) in hallway.cards.items() if to.person == "bo" and card.form)
    await written(world, hallway.follows("anna", "that one", f"at {first}"))
    assert await said(world, record.request.run_id) == [("anna", "which bell?"), ("anna", "that one")]
    await written(world, hallway.follows("anna", "the red one", f"at {StatusLines.key(record.request.run_id)}"))
    assert len(await said(world, record.request.run_id)) == 3, "also where only the line of its status stands"


async def asked_again(world: World, hallway: Hallway) -> RequestRecord:
    """A second run in THREAD, whose card has been sent."""
    inbound_id = await written(world, hallway.follows("anna", "press bell", THREAD, is_addressed=True))
    record = await world.opened(world.app.runs.starter.run_id(inbound_id))
    await world.quiet()
    return record


async def test_what_is_written_before_the_first_message_was_read_waits_for_its_run(
    world: World, hallway: Hallway
) -> None:
    async with world.stopped():
        await world.start(works=False, receives=False)
        inbox = world.app.messages.inbox
        root = await inbox.accept(hallway.begins("anna", "press bell", THREAD))
        after = await inbox.accept(hallway.follows("dan", "v2 is better", THREAD))
        with pytest.raises(ChannelUnavailable, match="The message that begins the thread is not read yet"):
            await inbox.handle(after)
        await inbox.handle(root)
        await inbox.handle(after)
        await world.stop()

    assert await said(world, world.app.runs.starter.run_id(root)) == [("dan", "v2 is better")]


async def test_what_has_no_words_or_stands_below_a_message_that_came_to_nothing_is_nothing(
    world: World, hallway: Hallway
) -> None:
    await written(world, hallway.begins("anna", " ", ELSEWHERE))
    await written(world, hallway.follows("dan", "v2 is better", ELSEWHERE))
    assert await runs(world) == []

    record = await asked(world, hallway)
    await written(world, hallway.follows("dan", " ", THREAD))
    await written(world, hallway.follows("anna", "a" * 30_000 + "z", THREAD))

    [(_, text)] = await said(world, record.request.run_id)
    assert len(text) < 8_200, "long words are kept in part, and say so"
    assert text.endswith("z")
    assert "22001 of 30001 characters left out" in text


async def test_a_message_whose_handling_a_crash_repeats_has_one_effect_whatever_its_run_has_become(
    world: World, hallway: Hallway
) -> None:
    """The crash comes after the effect and before the item is forgotten: here it is simply put back."""
    record = await asked(world, hallway, "ask free_text Which one?\nask free_text And then?")
    answer = hallway.follows("anna", "v1", THREAD, is_addressed=True)
    inbound_id = await written(world, answer)
    second = await world.opened(record.request.run_id, after=record.request.id)

    await brought_back(world, inbound_id, answer)

    assert (await world.request(second.request.id)).state == "open"
    assert await said(world, record.request.run_id) == []
    await written(world, hallway.follows("anna", "v2", THREAD))
    await world.ended(record.request.run_id)
    later = world.app.runs.starter.run_id(
        await written(world, hallway.follows("anna", "press bell", THREAD, is_addressed=True))
    )
    await world.opened(later)
    await brought_back(world, inbound_id, answer)
    assert len(await runs(world)) == 2
    assert await said(world, later) == []


async def brought_back(world: World, inbound_id: str, item: Inbound) -> None:
    """`item` is there again under its id, and is handled."""
    arrived = item.model_dump_json(include={"channel", "key", "size_bytes", "is_answer", "received_at"})
    name, at = f"{{s{inbound_id[1]}}}:inbound:{inbound_id}", round((await world.now()).timestamp() * 1000)
    await world.app.store.client.do("HSET", name, "body", arrived, "raw", item.raw, "at", at)
    await world.app.messages.inbox.handle(inbound_id)
    assert await world.app.store.inbound(inbound_id) is None


@pytest.mark.long
async def test_a_remark_of_which_a_card_takes_no_more_is_told_to_its_writer(world: World, hallway: Hallway) -> None:
    record = await asked(world, hallway)

    for number in range(MOST_REMARKS + 1):
        await written(world, hallway.follows("anna", f"mind the {number}", THREAD))

    assert len((await world.request(record.request.id)).request.remarks) == MOST_REMARKS
    await until(lambda: hallway.to("anna", say("run.remarks-full", count=MOST_REMARKS)), what="Anna is told")


@pytest.mark.long
async def test_whoever_writes_without_end_is_stopped_and_told(world: World, hallway: Hallway) -> None:
    gate = world.workshop.hold("letter")
    run_id = await begun(world, hallway, "stamp letter")
    await until(lambda: world.workshop.started, what="it stamps")

    for number in range(61):
        await written(world, hallway.follows("dan", f"and {number}", THREAD))

    assert len(await said(world, run_id)) == 60
    await until(lambda: hallway.to("dan", "Not passed on to the run"), what="dan is told")
    gate.set()


async def test_what_is_said_while_a_step_is_being_chosen_is_known_when_it_is_chosen_again(
    world: World, hallway: Hallway
) -> None:
    goes_on = world.workshop.hold("facts")
    run_id = await begun(world, hallway, "who")
    await until(lambda: world.workshop.started, what="it looks up facts")

    await written(world, hallway.follows("dan", "wait for me", THREAD))
    goes_on.set()

    assert await world.summary(run_id) == "done: dan wrote"
    assert world.workshop.started == ["look up facts"] * 2


async def test_what_is_written_while_a_run_waits_for_its_child_is_said_to_the_child(
    world: World, hallway: Hallway
) -> None:
    run_id = await begun(world, hallway, "start_run press bell")
    await world.has(run_id, "waiting")
    [child] = (await world.run(run_id)).children
    record = await world.opened(child.run_id)

    item = hallway.follows("anna", "not the big one", THREAD)
    await written(world, item)
    await written(world, item)

    assert await said(world, child.run_id) == [("anna", "not the big one")]
    assert await said(world, run_id) == []
    now_asked = await world.request(record.request.id)
    assert [remark.text for remark in now_asked.request.remarks] == ["not the big one"]
    await world.decide("bo", now_asked, "approve")
    await world.ended(run_id)
    assert world.workshop.effects == ["press bell"]
