"""A newer deploy supersedes what was asked for the same environment and has not started."""

import pytest

from agents.requests import PersonId
from bot.render.words import decided
from tests.kit.world import World
from tests.stories.test_rollback import live


async def test_a_newer_deploy_supersedes_an_older_open_request_of_another_run(shop: World) -> None:
    older = await shop.opened(first := await shop.trigger("deploy v1.1.0 to production"))

    newer = await shop.opened(second := await shop.trigger("deploy v1.2.0 to production", "bo"))

    found = await shop.request(older.request.id)
    assert found.decision
    assert (found.state, found.decision.newer_run, found.decision.newer_by) == ("superseded", second, ("bo",))
    assert (await shop.ended(first)).ended
    assert second in await shop.summary(first)
    assert f"Bo Berg asked for the same environment later, in run {second}" in decided(found.decision, shop.people)
    await shop.decide("bo", older, "approve")
    await shop.decide("cy", newer, "approve")
    await shop.ended(second)
    assert live(shop, "production") == "v1.2.0"
    asked = [one for one in await shop.requests() if one.request.run_id == first]
    assert len(asked) == 1, "it does not ask again, or both would go on for ever"


@pytest.mark.long
async def test_an_approved_deploy_that_waits_for_the_end_of_a_freeze_is_superseded(shop: World) -> None:
    await shop.app.requests.freezes.freeze("production", PersonId("bo"), "incident", proof=None)
    older = await shop.opened(first := await shop.trigger("deploy v1.1.0 to production"))
    await shop.decide("bo", older, "approve")

    await shop.opened(await shop.trigger("deploy v1.2.0 to production"))

    assert (await shop.request(older.request.id)).state == "superseded"
    assert (await shop.ended(first)).ended
    assert live(shop, "production") == "v1.0.0"
