"""Of two requests for the same place only the newer one goes on, whichever was written first."""

from datetime import timedelta

from agents.requests import Request, RunId
from agents.run import fold
from agents.steps import CallTool
from bot.requests.older import OlderRequests
from bot.requests.opening import gate_request, opening
from bot.store import Commit
from bot.store.ids import new_id
from bot.testing import events as build
from tests.bot.examples import CALL
from tests.kit.world import World


async def opened(world: World, seconds_ago: float) -> Request:
    """A request to deploy, whose worker had read the clock so long before it was written."""
    world.is_tampered = True
    store, run_id = world.app.store, RunId(new_id("run", 0))
    step = CallTool(tool="deploy", arguments={"version": "v1"})
    begun = [build.started(run_id=run_id, requester="anna"), build.chosen(step, gate="production")]
    await store.commit(Commit(run_id=run_id, events=begun))
    run, now = fold(begun), await store.now(run_id)
    policy = world.app.people.snapshot("production", now)
    assert policy
    assert run.pending
    request = gate_request(run, run.pending, "Deploy?", CALL, policy, now - timedelta(seconds=seconds_ago))
    assert isinstance(request, Request)
    assert (await store.commit(opening(request, world.app.people, run.seq))).state == "committed"
    return request


def older_requests(world: World) -> OlderRequests:
    return OlderRequests(world.app.journal, world.app.requests.decisions, world.people)


async def test_who_began_first_and_was_written_last_is_the_older_one(world: World) -> None:
    newer = await opened(world, 0)
    older = await opened(world, 5)

    await older_requests(world).supersede(older)

    assert (await world.request(older.id)).state == "superseded"
    assert (await world.request(newer.id)).state == "open"
