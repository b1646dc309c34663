"""A copied story allows nothing: every story here is forked at each of its events, and the fork goes on by itself."""

from collections.abc import Awaitable, Callable, Sequence

import pytest

from agents.events import (
    Event,
    PersonSaid,
    RequestDecided,
    RequestOpened,
    RunForked,
    StepChosen,
    ToolFinished,
    ToolStarted,
    own,
)
from agents.requests import AttemptId, PersonId, RunId
from agents.requests.proof import as_by
from agents.requests.record import after
from agents.run import fold
from bot.inbound.follow_ups import FollowUps
from bot.queries.rebuild import rebuild
from bot.requests.opening import requesters_of
from bot.runs.api_requests import Asker
from bot.runs.export import export
from bot.store import Commit, Wake, WorkItem
from bot.store.ids import new_id, shard_of
from bot.store.journal import record_write
from channels import Trigger
from tests.bot.cli.shell import sayso
from tests.kit.indexes import listed, lists_of_events
from tests.kit.long import few_of
from tests.kit.office import ROLES, TOML
from tests.kit.opens import opens
from tests.kit.said import said
from tests.kit.waiting import until
from tests.kit.world import World

ANNA, BO, CY = PersonId("anna"), PersonId("bo"), PersonId("cy")
Story = Callable[[World], Awaitable[RunId]]


async def approved(world: World) -> RunId:
    run_id = await world.trigger("stamp form\npress bell\npull horn")
    await world.decide("bo", await world.opened(run_id), "approve")
    await world.ended(run_id)
    return run_id


async def revoked(world: World) -> RunId:
    run_id = await world.trigger("press bell")
    record = await world.opened(run_id)
    await world.steer(run_id, "pause")
    await world.decide("bo", record, "approve")
    await world.decide("cy", await world.request(record.request.id), "deny", "wait")
    await world.steer(run_id, "resume")
    await world.ended(run_id)
    return run_id


async def amended(world: World) -> RunId:
    run_id = await world.trigger("press bell")
    record = await world.opened(run_id)
    await world.edit("anna", record, what="horn")
    await world.decide("bo", await world.request(record.request.id), "approve")
    await world.ended(run_id)
    return run_id


async def unknown(world: World) -> RunId:
    world.workshop.timeouts_s["press"] = 0.1
    world.workshop.hold("bell")
    await world.stop()
    await world.start()
    run_id = await world.trigger("press bell")
    gate = await world.opened(run_id)
    await world.decide("bo", gate, "approve")
    await world.decide("bo", await world.opened(run_id, after=gate.request.id), "free_text", "3")
    await world.ended(run_id)
    world.workshop.hold("bell").set()
    return run_id


async def answered(world: World) -> RunId:
    run_id = await world.trigger("ask choice Which one? | bell, horn\npress bell")
    question = await world.opened(run_id)
    await world.decide("anna", question, "free_text", "1")
    await world.decide("bo", await world.opened(run_id, after=question.request.id), "deny", "no")
    await world.ended(run_id)
    return run_id


async def cancelled(world: World) -> RunId:
    run_id = await world.trigger("press bell")
    await world.opened(run_id)
    await world.steer(run_id, "cancel")
    await world.ended(run_id)
    return run_id


async def written_to(world: World) -> RunId:
    """While it waits for an approval, a colleague writes to it; then it is approved and done."""
    run_id = await world.trigger("press bell\nwho")
    record = await world.opened(run_id)
    said = PersonSaid(at=await world.now(), said_id="i1", person=CY, proof=as_by("slack"), text="do hurry")
    found, version, _ = await world.app.requests.decisions.request(record.request.id)
    joined = record_write(after(found, [said]), version)
    await world.app.journal.write(
        Commit(run_id=run_id, events=[said], records=[joined], wake=[Wake(WorkItem("run", run_id))])
    )
    await world.decide("bo", record, "approve")
    await world.ended(run_id)
    return run_id


STORIES: Sequence[Story] = (approved, revoked, amended, unknown, answered, cancelled, written_to)


def check_every_start_was_allowed_here(events: Sequence[Event]) -> None:
    """No gated tool starts without an approval of a request that was opened in this run itself."""
    here = own(events)
    opened = {event.request.id for event in here if isinstance(event, RequestOpened)}
    for place, event in enumerate(here):
        if isinstance(event, ToolStarted) and event.tool == "press":
            before = here[:place]
            yes = {
                one.request_id for one in before if isinstance(one, RequestDecided) and one.decision.state == "approved"
            }
            assert event.request_id in opened & yes


async def stands_still(world: World, run_id: RunId) -> tuple[Event, ...]:
    """The events of a run once it waits for people, or has ended."""

    async def seen() -> tuple[Event, ...] | None:
        events = await world.events(run_id)
        run = fold(events)
        return events if run.open or run.ended else None

    return await until(seen, what=f"{run_id} waits or has ended")


@pytest.mark.long
@pytest.mark.parametrize("story", few_of(STORIES, 0), ids=lambda story: story.__name__)
async def test_no_fork_at_any_event_does_what_only_the_story_was_allowed(world: World, story: Story) -> None:
    source = await story(world)
    await world.quiet()
    events, done = await world.events(source), list(world.workshop.effects)
    old = fold(events).requests

    for seq in range(1, len(events) + 1):
        fork = await world.app.runs.forks.fork(source, seq, Asker(ANNA, proof=None))
        told = await stands_still(world, fork)

        assert (told[1:seq], told[seq].type) == (events[1:seq], "run_forked")
        assert [effect for effect in world.workshop.effects[len(done) :] if effect.startswith("press")] == []
        assert not {event.request.id for event in own(told) if isinstance(event, RequestOpened)} & old.keys()
        assert not {event.attempt_id for event in own(told) if isinstance(event, ToolStarted)} & attempts(events)
        assert not {event.step_id for event in own(told) if isinstance(event, StepChosen)} & steps(events)
        check_every_start_was_allowed_here(told)

        await let_it_end(world, fork)
        check_every_start_was_allowed_here(await world.events(fork))
        done = list(world.workshop.effects)

    assert await world.events(source) == events
    assert {request_id: await world.request(request_id) for request_id in old} == old
    await world.quiet()
    assert (await rebuild(world.app.store)).differed == 0
    assert await listed(world.app.store) == await lists_of_events(world.app.store)


def attempts(events: Sequence[Event]) -> set[AttemptId]:
    return {event.attempt_id for event in events if isinstance(event, ToolStarted)}


def steps(events: Sequence[Event]) -> set[str]:
    return {event.step_id for event in events if isinstance(event, StepChosen)}


async def let_it_end(world: World, run_id: RunId) -> None:
    """Say yes to whatever it asks."""
    while (run := fold(await stands_still(world, run_id))).open:
        record = await world.request(run.open)
        form = record.request.format
        person = next(iter(record.holders)).person
        is_gate = form == "approval"
        await world.decide(person, record, "approve" if is_gate else "free_text", "" if is_gate else "1")

        async def is_decided(before: str = run.open) -> bool:
            return (await world.run(run_id)).open != before

        await until(is_decided, what="the answer counts")


async def test_an_answer_to_the_source_does_not_touch_the_fork_nor_the_other_way_round(world: World) -> None:
    source = await world.trigger("press bell")
    old, mail = await world.opened(source), await world.next_mail("bo", about="To approve")
    fork = await world.app.runs.forks.fork(source, (await world.run(source)).seq, Asker(ANNA, proof=None))
    new = await world.opened(fork)
    await world.next_mail("bo", about="To approve")

    await world.reply("bo", mail, "approved")

    assert (await world.ended(source)).state == "done"
    assert world.workshop.effects == ["press bell"]
    assert await world.request(new.request.id) == new
    assert {holder.delivery_id for holder in old.holders}.isdisjoint(holder.delivery_id for holder in new.holders)
    await world.decide("bo", new, "deny", "once is enough")
    assert await world.summary(fork) == "failed: denied: once is enough"
    assert await world.summary(source) == "done: ok: press bell: done"
    assert world.workshop.effects == ["press bell"]


async def test_what_an_attempt_of_the_source_gives_is_no_result_of_the_fork(world: World) -> None:
    let_go = world.workshop.hold("bell")
    source = await world.trigger("pull bell")
    await until(lambda: world.workshop.started == ["pull bell"], what="it is being pulled")
    attempt = next(iter(attempts(await world.events(source))))
    fork = await world.app.runs.forks.fork(source, (await world.run(source)).seq, Asker(ANNA, proof=None))

    finished = ToolFinished(at=await world.now(), attempt_id=attempt, output="done")
    is_taken = await world.app.store.finish_tool(fork, attempt, finished)
    let_go.set()

    assert not is_taken
    assert (await world.ended(source)).state == "done"
    assert "it is not known here whether it happened" in await world.summary(fork)
    assert world.workshop.effects == ["pull bell"]


async def test_a_fork_is_of_everybody_who_wanted_the_source_and_of_who_made_it(world: World) -> None:
    source = await written_to(world)
    length = (await world.run(source)).seq

    fork = await world.app.runs.forks.fork(source, length, Asker(BO, proof=None))

    await world.ended(fork)
    assert set(requesters_of(await world.run(fork))) == {ANNA, BO, CY}
    again = await world.app.runs.forks.fork(fork, length + 1, Asker(ANNA, proof=None))
    assert set(requesters_of(await world.run(again))) == {ANNA, BO, CY}


async def test_attack_who_only_answered_in_the_source_is_said_to_ask_in_a_fork(world: World) -> None:
    source = await world.trigger("ask-of person:bo free_text Which?\npress bell")
    question = await world.opened(source)
    await world.decide("bo", question, "free_text", "the loud one")
    await world.opened(source, after=question.request.id)

    fork = await world.app.runs.forks.fork(source, (await world.run(source)).seq, Asker(ANNA, proof=None))

    record = await world.opened(fork)
    assert (record.request.askers, record.request.parts[BO]) == ((ANNA,), "answered")
    assert (await world.decide("bo", record, "approve")).type == "not_entitled"


async def test_who_forks_a_run_does_not_approve_what_it_does_and_nobody_is_told_again_what_the_story_tells(
    world: World,
) -> None:
    source = await approved(world)
    await world.quiet()
    before = {person: len(world.mails(person)) for person in ("anna", "bo", "cy")}

    fork = await world.app.runs.forks.fork(source, (await world.run(source)).seq, Asker(ANNA, proof=None))
    await world.ended(fork)
    await world.quiet()

    told = {person: len(world.mails(person)) for person in ("anna", "bo", "cy")}
    assert told == {**before, "anna": before["anna"] + 1}
    retry = await world.app.runs.forks.retry(source, Asker(BO, proof=None))
    record = await world.opened(retry)
    assert [holder.person for holder in record.holders] == ["cy"]
    assert (await world.decide("bo", record, "approve")).type == "not_entitled"


async def test_attack_a_fork_asks_for_the_open_step_without_what_was_said_beside_its_card(world: World) -> None:
    source = await world.trigger("press bell\npress horn")
    record = await world.opened(source)
    await world.reply("bo", await world.next_mail("bo", about=record.request.digest), "May it ring before noon?")
    await world.reply("anna", await world.next_mail("anna", about="before noon"), "No.")
    await world.next_mail("bo", about="Anna Ames answered")
    await world.decide("anna", await world.request(record.request.id), "free_text", "Only after 18:00")

    seq = (await world.run(source)).seq
    fork = await world.app.runs.forks.fork(source, seq, Asker(CY, proof=None))
    await world.opened(fork)
    again = await world.app.runs.forks.fork(fork, seq + 2, Asker(CY, proof=None))

    for run_id in (fork, again):
        request = (await world.opened(run_id)).request
        said = [(one.person, one.text) for one in request.remarks]
        assert said == [("bo", "May it ring before noon?"), ("anna", "No."), ("anna", "Only after 18:00")]
        assert "Only after 18:00" in (await world.next_mail("bo", about=request.digest)).text
    await world.decide("bo", await world.opened(again), "approve")
    assert (await world.opened(again, after=request.id)).request.remarks == ()


@pytest.mark.parametrize("how", few_of(["fork", "import"], 0))
@opens(f'{TOML}{ROLES}\n[announce]\nto = ["person:dan"]\n', deploys=True)
async def test_attack_plain_rules_do_in_a_copy_what_somebody_wrote_against_in_its_source(
    world: World, how: str
) -> None:
    source = await world.app.runs.starter.start("cli", "tell them", ANNA, agent="announce", thread="test-1")
    await world.opened(source)
    said = Trigger(person="ole", text="Please wait, not before the board has met", thread="test-1", follows=True)
    app = world.app
    thread = FollowUps(app.journal, app.requests.decisions, app.people, app.access.rights, app.runs.children)
    assert await thread.take(new_id("inbound", shard_of(source)), "cli", said)
    story, asker = await world.events(source), Asker(ANNA, proof=as_by("cli"))

    if how == "fork":
        copy = await world.app.runs.forks.fork(source, len(story), asker)
    else:
        copy = await world.app.runs.forks.take_in(export(source, story, "", await world.now()), asker)

    question = await world.opened(copy)
    await world.decide("anna", question, "free_text", "We are closed on Friday")
    again = await world.opened(copy, after=question.request.id)
    assert "all the same? What was written to this run" in again.request.quoted
    await world.decide("anna", again, "free_text", "no")
    await world.ended(copy)
    await world.quiet()
    assert not any("closed on Friday" in letter.text for letter in world.mails("dan"))


async def test_a_question_of_code_is_asked_anew_in_a_fork_and_its_answer_stops_it(world: World) -> None:
    run_id = await world.trigger("loop")
    await world.opened(run_id)
    asked = len(await world.events(run_id))
    fork_id = await world.app.runs.forks.fork(run_id, asked, Asker(CY, proof=as_by("cli")))
    record = await world.opened(fork_id)

    await world.decide("cy", record, "free_text", "stop the run")

    assert record.request.purpose == "go_on"
    assert await world.summary(fork_id) == "cancelled: cancelled by Cy Cole: the same call had given the same twice"


async def test_a_retry_begins_at_the_beginning(world: World) -> None:
    source = await answered(world)

    retry = await world.app.runs.forks.retry(source, Asker(ANNA, proof=None))

    question = await world.opened(retry)
    told = await world.events(retry)
    assert [event.type for event in told][:4] == ["run_started", "run_forked", "context_fetched", "step_chosen"]
    assert question.request.quoted == "Which one?"
    forked = (await world.run(retry)).forked
    assert isinstance(forked, RunForked)
    assert (forked.how, forked.source, forked.at_seq, forked.by) == ("retry", source, 1, ANNA)


async def test_the_source_knows_its_forks_and_a_rebuild_finds_them_again(world: World) -> None:
    source = await approved(world)
    forks = [await world.app.runs.forks.fork(source, seq, Asker(ANNA, proof=None)) for seq in (1, 2)]
    assert await world.app.runs.forks.forks_of(source) == tuple(forks)

    await world.app.store.client.do("DEL", f"{{s{source[1]}}}:forks:{source}")
    await rebuild(world.app.store)

    assert await world.app.runs.forks.forks_of(source) == tuple(forks)


async def test_a_fork_of_what_goes_on_outside_does_not_begin_it_once_more(world: World) -> None:
    source = await world.trigger("send book")
    await world.has(source, "waiting")

    fork = await world.app.runs.forks.fork(source, len(await world.events(source)), Asker(ANNA, proof=None))

    assert await world.summary(fork) == (
        f"failed: error: this had begun in {source}, and it is not known here whether it happened"
    )
    assert world.workshop.effects == ["send book"]


@opens(TOML)
async def test_whoever_asked_for_what_is_paused_and_whoever_pauses_it_read_which_copies_go_on(world: World) -> None:
    source = await world.trigger("press bell")
    await world.opened(source)
    fork = await world.app.runs.forks.fork(source, (await world.run(source)).seq, Asker(BO, proof=None))
    await world.opened(fork)
    await world.steer(source, "pause", "dan")

    told = " ".join((await world.next_mail("anna", about="paused what you asked for")).text.split())
    assert said("notice.stop-copies", runs=fork) in told
    await world.steer(source, "resume", "dan")
    assert fork in (await sayso(world, "pause", source, "--as", "anna")).out
