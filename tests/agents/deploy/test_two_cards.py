"""Two cards that both begin at the same version: the second approval does not silently roll the first deploy back."""

import os
from collections.abc import Sequence

import pytest

from agents.events import ToolFinished
from agents.requests import RunId
from bot.execution.runner_files import Places, take_lock
from tests.kit.waiting import until
from tests.kit.world import World
from tests.test_tour import commit_of, live


@pytest.mark.long
async def test_a_deploy_whose_base_changed_after_its_card_is_asked_again_with_what_changed(shop: World) -> None:
    places = Places(shop.folder)
    places.make()
    busy = take_lock(places.lock("deploy-production"))
    first = await shop.trigger("deploy v1.2.0 to production")
    await shop.decide("bo", await shop.opened(first), "approve")
    await until(lambda: all_wait_for_their_turn(shop, [first]), what="it waits for its turn")
    older = await shop.opened(second := await shop.trigger("deploy v1.1.0 to production"))
    os.close(busy)
    await shop.ended(first)

    await shop.decide("bo", older, "approve")
    card = await shop.next_mail("bo", about="Changed since the last card")

    was, now = commit_of(shop, "v1.0.0"), commit_of(shop, "v1.2.0")
    assert (await shop.request(older.request.id)).state == "superseded"
    assert f"live in production was {was[:7]} and is now {now[:7]}." in card.text
    assert "Takes back" in card.text
    assert live(shop, "production") == now
    await shop.reply("bo", card, "approved")
    assert (await shop.ended(second)).state == "done"
    assert live(shop, "production") == commit_of(shop, "v1.1.0")


@pytest.mark.long
async def test_a_deploy_that_waits_for_its_turn_while_sayso_is_started_again_runs_once(shop: World) -> None:
    places = Places(shop.folder)
    places.make()
    busy = take_lock(places.lock("deploy-production"))
    run_id = await shop.trigger("deploy v1.2.0 to production")
    record = await shop.opened(run_id)
    await shop.decide("bo", record, "approve")
    await until(lambda: all_wait_for_their_turn(shop, [run_id]), what="it waits for its turn")

    async with shop.stopped():
        os.close(busy)

    assert (await shop.ended(run_id)).state == "done"
    assert live(shop, "production") == commit_of(shop, "v1.2.0")
    results = [event.output for event in await shop.events(run_id) if isinstance(event, ToolFinished)]
    assert len([text for text in results if text.startswith("deployed")]) == 1
    assert len(await shop.requests()) == 1, "what never began needs no new approval"


async def all_wait_for_their_turn(shop: World, runs: Sequence[RunId]) -> bool:
    steps = [(await shop.run(run_id)).pending for run_id in runs]
    return all(step is not None and step.attempt is not None for step in steps)
