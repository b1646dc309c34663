"""Copies of a story: how far they go, and what comes along."""

from datetime import timedelta

import pytest

from agents.events import AnswerNoted
from agents.requests import PersonId, RequestId, RunId
from bot.errors import Conflict, NotFound, RateLimited
from bot.runs.api_requests import Asker
from bot.runs.forks import EVENTS_AT_MOST
from bot.store import Commit
from bot.store.attachments import content_of
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.world import World

ANNA = Asker(PersonId("anna"))


async def long_run(world: World, events: int) -> RunId:
    """A run of so many events that waits for an approval."""
    run_id = await world.trigger("press bell")
    await world.opened(run_id)
    await world.steer(run_id, "pause")
    await world.quiet()
    now, seq = await world.now(), (await world.run(run_id)).seq
    noted = [
        AnswerNoted(
            at=now + timedelta(milliseconds=number),
            request_id=RequestId("s0q-aaaaaaaaaaaaa"),
            reply_id=f"r{number}",
            person=PersonId("cy"),
            channel="cli",
            text="why? " * 100,
            outcome="unclear",
        )
        for number in range(events - seq)
    ]
    assert (await world.app.store.commit(Commit(run_id=run_id, events=noted))).state == "committed"
    return run_id


@pytest.mark.long
async def test_a_story_that_leaves_no_room_is_refused_with_what_can_be_copied(world: World) -> None:
    source = await long_run(world, EVENTS_AT_MOST + 1)

    with pytest.raises(Conflict, match=f"{EVENTS_AT_MOST} can be copied. Take fewer"):
        await world.app.runs.forks.fork(source, EVENTS_AT_MOST + 1, ANNA)

    assert await world.app.store.lists.runs() == [source]


@opens(TOML.replace("1000/h", "2/h"))
async def test_forks_count_as_runs_that_somebody_starts_and_there_must_be_a_run_and_such_an_event(
    world: World,
) -> None:
    source = await world.trigger("who", "bo")
    await world.ended(source)
    with pytest.raises(NotFound, match="There is no run"):
        await world.app.runs.forks.fork(RunId("s0r-aaaaaaaaaaaaa"), 1, ANNA)
    for seq in (0, -1, 99):
        with pytest.raises(Conflict, match=f"no event {seq}"):
            await world.app.runs.forks.fork(source, seq, ANNA)

    await world.app.runs.forks.retry(source, ANNA)
    await world.app.runs.forks.retry(source, ANNA)
    with pytest.raises(RateLimited):
        await world.app.runs.forks.retry(source, ANNA)

    assert len(await world.app.runs.forks.forks_of(source)) == 2


async def test_a_copy_of_a_run_has_its_files_and_lives_in_no_thread(world: World) -> None:
    await world.post("anna", "sayso@sayso.example", "ask free_text Why?", ("a.csv", "text/csv", b"1,2"))
    question = await world.next_mail("anna", about="Why?")
    [name] = await world.app.store.lists.runs()
    source = RunId(name)

    fork = await world.app.runs.forks.retry(source, ANNA)
    await world.opened(fork)
    await world.reply("anna", question, "because")

    assert (await world.ended(source)).state == "done"
    run = await world.run(fork)
    assert run.state == "waiting"
    assert run.started
    assert await content_of(world.app.store.client, fork, run.started.files[0].sha256) == b"1,2"
