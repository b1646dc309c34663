"""What was approved and only waits for its turn has not begun: people can still stop it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from agents.events import ToolQueued
from agents.requests import PersonId, RunId
from agents.requests.proof import as_by
from agents.requests.record import RequestRecord
from agents.run import Run, fold
from bot.policy.judgements import Revoked, TooLate
from bot.registry.environments import environments_of
from bot.render.request_card import standing
from bot.render.status_line import status_line
from bot.store.ids import new_id
from bot.store.locks import Locks
from tests.kit.waiting import until
from tests.kit.world import World
from tests.stories.test_rollback import live

OPERATOR = """
[people.ole]
name = "Ole Olsen"
email = "ole@corp.example"

[roles]
operator = ["person:ole"]
"""


@asynccontextmanager
async def another_deploys(shop: World, run_id: str = "") -> AsyncGenerator[None]:
    """Somebody else has their turn in production meanwhile, or an earlier attempt of the run itself."""
    lock = environments_of(shop.settings())["production"].lock
    locks = Locks(shop.app.store.client, shop.app.store.shards, 600)
    other = f"{run_id or new_id('run', 0)} {new_id('attempt', 0)}"
    assert (await locks.take(lock, other)).state == "taken"
    yield
    held = await locks.holding(lock, other)
    assert held
    await locks.give_up(held)


async def approved_and_queued(shop: World) -> tuple[RunId, RequestRecord]:
    run_id = await shop.trigger("deploy v1.2.0 to production")
    await shop.decide("bo", await shop.opened(run_id), "approve")

    async def is_queued() -> bool:
        return (await shop.run(run_id)).queued is not None

    await until(is_queued, what="the deploy waits for its turn")
    [record] = [one for one in await shop.requests() if one.request.run_id == run_id]
    return run_id, record


async def test_attack_a_denial_while_it_waits_for_its_turn_stops_it(shop: World) -> None:
    before = live(shop, "production")
    async with another_deploys(shop):
        run_id, record = await approved_and_queued(shop)

        assert isinstance(await shop.decide("cy", record, "deny", "stop, incident"), Revoked)

        assert (await shop.ended(run_id)).state == "failed", "it does not wait any longer"
    assert live(shop, "production") == before
    stands = await shop.request(record.request.id)
    assert (stands.state, stands.started_at) == ("revoked", None)
    assert fold(await shop.events(run_id)).requests[record.request.id] == stands


async def test_what_waits_for_an_interrupted_attempt_of_its_own_says_until_when_and_not_that_it_is_behind_itself(
    shop: World,
) -> None:
    record = await shop.opened(run_id := await shop.trigger("deploy v1.2.0 to production"))
    async with another_deploys(shop, run_id):
        await shop.decide("bo", record, "approve")

        async def is_queued() -> Run | None:
            run = await shop.run(run_id)
            return run if run.queued else None

        run = await until(is_queued, what="it waits for the lease of that")

    within = round(shop.app.store.lease_s * 3)
    said = f"Interrupted; goes on by itself within {within} s. Deploy v1.2.0 to production"
    assert status_line(run, None, shop.people).startswith(said)
    assert (await shop.ended(run_id)).state == "done"


async def test_attack_a_denial_in_the_moment_of_its_turn_is_told_the_truth(shop: World) -> None:
    before = live(shop, "production")
    async with another_deploys(shop):
        run_id, record = await approved_and_queued(shop)
        denying = asyncio.create_task(shop.decide("cy", record, "deny"))

    said = await denying
    await shop.ended(run_id)

    assert live(shop, "production") == (before if isinstance(said, Revoked) else "v1.2.0")
    begun = [event for event in await shop.events(run_id) if isinstance(event, ToolQueued) and not event.behind]
    assert isinstance(said, TooLate) == bool(begun)
    assert fold(await shop.events(run_id)).requests[record.request.id] == await shop.request(record.request.id)


@pytest.mark.long
async def test_a_requester_withdraws_it_meanwhile(shop: World) -> None:
    before = live(shop, "production")
    async with another_deploys(shop):
        run_id, record = await approved_and_queued(shop)

        await shop.steering.withdraw(record.request.id, PersonId("anna"), "not today", as_by("cli"))

        await shop.ended(run_id)
    assert live(shop, "production") == before


async def test_attack_what_waits_for_its_turn_begins_though_its_run_was_paused(shop: World) -> None:
    before = live(shop, "production")

    async def is_over() -> bool:
        pending = (await shop.run(run_id)).pending
        return pending is None or pending.attempt is None

    async with another_deploys(shop):
        run_id, record = await approved_and_queued(shop)
        assert (await shop.steer(run_id, "pause")).state == "paused"
    await until(is_over, what="its turn is over")
    assert live(shop, "production") == before
    assert (await shop.request(record.request.id)).waits

    await shop.steer(run_id, "resume")

    await shop.ended(run_id)
    assert live(shop, "production") == "v1.2.0"


async def test_attack_who_cancels_above_what_waits_for_its_turn_is_told_that_it_runs(shop: World) -> None:
    before, anna = live(shop, "production"), shop.app.people.named("anna")
    run_id = await shop.app.runs.starter.start("cli", "deploy v1.2.0 to production", anna, agent="triage")
    child_id = (await shop.child(run_id)).id
    async with another_deploys(shop):
        await shop.decide("bo", await shop.opened(child_id), "approve")

        async def is_queued() -> bool:
            return (await shop.run(child_id)).queued is not None

        await until(is_queued, what="the deploy waits for its turn")
        await shop.steer(run_id, "cancel")
        ended = (await shop.ended(run_id)).ended

    await shop.ended(child_id)
    assert live(shop, "production") == before
    assert ended
    assert (ended.summary, ended.change) == ("cancelled by Anna Ames", "nothing")


@pytest.mark.long
async def test_its_card_can_be_stopped_and_says_that_it_waits(shop: World) -> None:
    async with another_deploys(shop):
        run_id, record = await approved_and_queued(shop)
        waiting = standing(record, await shop.run(run_id), shop.app.people, await shop.now(), 1)

        assert waiting.form
        assert waiting.form.only_stops
        assert "It has not begun, and can be stopped until it does." in waiting.summary
        await shop.decide("cy", record, "deny")
        await shop.ended(run_id)


async def test_attack_an_operator_who_stops_what_waits_for_its_turn_is_told_that_it_began(shop: World) -> None:
    async with shop.stopped():
        shop.toml += OPERATOR
    before = live(shop, "production")
    async with another_deploys(shop):
        run_id, _ = await approved_and_queued(shop)

        await shop.send("ole", "sayso@sayso.example", f"stop {run_id}")

        told = await shop.next_mail("ole")
        await shop.ended(run_id)
    assert "Too late" not in told.text
    assert "The run is stopped" in told.text
    assert live(shop, "production") == before
