"""What holds a program's approval back does not make it last longer: it ends at its use-by time, as any other."""

from agents.requests import RunId
from tests.bot.web.api.test_asking_approval import approved, begun, program
from tests.bot.web.problems import refused
from tests.kit.world import World
from tests.servers.web import Api


async def test_an_approval_that_a_freeze_outlasts_ends_at_its_use_by_time_and_who_asked_is_told(
    world: World, api: Api
) -> None:
    ci, bo, ada = await program(api), await api.client("bo"), await api.client("bo", "admin")
    request = await approved(ci, bo)
    await ada.post("/v1/freeze", json={"reason": "incident 4711"})
    await world.next_mail("anna", about="Frozen")
    refused(await begun(ci, request), 409, "not-now")
    await world.quiet()

    await world.move_time(16 * 60)

    assert "the approval is older than 900 s" in refused(await begun(ci, request), 409, "closed")
    assert "the approval is older than 900 s" in await world.summary(request["run_id"])
    assert (await ci.get(f"/v1/requests/{request['id']}")).json()["may_act"] is False
    assert "the approval is older than 900 s" in (await world.next_mail("anna", about="Failed")).text


async def test_an_approval_that_a_pause_outlasts_is_said_to_be_too_old_and_not_to_be_tried_again(
    world: World, api: Api
) -> None:
    ci, bo = await program(api), await api.client("bo")
    request = await approved(ci, bo)
    await world.steer(RunId(request["run_id"]), "pause")
    refused(await begun(ci, request), 409, "not-now")

    await world.move_time(16 * 60)

    assert "the approval is older than 900 s" in refused(await begun(ci, request), 409, "closed")
    assert (await ci.get(f"/v1/requests/{request['id']}")).json()["may_act"] is False
