"""Copies of a story: how far they go, and what comes along."""

import pytest

from agents.requests import PersonId, RunId
from bot.errors import Conflict, NotFound, RateLimited
from bot.runs.api_requests import Asker
from bot.store.attachments import content_of
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.world import World

ANNA = Asker(PersonId("anna"), proof=None)


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
