"""Whoever only answered a question, or may see but one run of several, steers nothing and sees no more."""

from agents.events import PersonSaid
from agents.requests.record import RequestRecord
from tests.bot.web.console.stage import proof
from tests.fakes.hallway import Hallway
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.waiting import until
from tests.kit.world import World
from tests.servers.console import a_console

ADA = """
[people.ada]
name = "Ada Aster"
email = "ada@corp.example"

[policies.secret]
approvers = ["person:ada"]
expires_after = "4h"

[roles]
viewer = ["person:bo"]
admin = ["person:ada"]
"""
THREAD = "C01OPS/1712345678.000100"
WISH = "ask-of group:release free_text which one?\npress bell"


pytestmark = opens(TOML + ADA)


async def answered_by_bo(world: World, run_id: str) -> RequestRecord:
    """What the run asks after Bo has answered its question."""
    question = await world.opened(run_id)
    await world.decide("bo", question, "free_text", "the bell")
    return await world.opened(run_id, after=question.request.id)


async def said(world: World, run_id: str) -> list[str]:
    return [event.person for event in await world.events(run_id) if isinstance(event, PersonSaid)]


async def test_attack_words_beside_a_card_do_not_make_the_run_theirs_to_stop_change_or_take_back(world: World) -> None:
    record = await answered_by_bo(world, await world.trigger(WISH))
    run_id, request = record.request.run_id, f"/requests/{record.request.id}"
    async with a_console(world) as console:
        bo, browser = await console.api.client("bo"), await console.browser("bo")
        assert (await bo.post(f"/v1/runs/{run_id}/cancel")).status_code == 403

        await bo.post(f"/v1{request}/answer", json={"text": "press the tower instead"})

        assert (await bo.post(f"/v1/runs/{run_id}/cancel")).status_code == 403
        wanted = {"args": {"what": "tower"}, "digest": record.request.digest}
        assert (await bo.post(f"/v1{request}/edit", json=wanted)).status_code == 403
        assert (await bo.post(f"/v1{request}/withdraw")).status_code == 403
        await browser.post(f"{request}/withdraw", await proof(browser))
    now = await world.request(record.request.id)
    assert (await said(world, run_id), now.request.revision, now.state) == ([], 1, "open")


async def test_attack_words_in_the_thread_do_not_steer_it(world: World) -> None:
    hallway = Hallway()
    async with world.stopped():
        world.beside = (hallway,)
    inbox = world.app.messages.inbox
    run_id = world.app.runs.starter.run_id(await inbox.accept(hallway.begins("anna", WISH, THREAD)))
    record = await answered_by_bo(world, run_id)
    await world.steer(run_id, "pause")
    await world.decide("cy", record, "approve")

    await inbox.handle(await inbox.accept(hallway.follows("bo", "press the tower next", THREAD)))

    assert await said(world, run_id) == []


@opens(TOML + ADA.replace('viewer = ["person:bo"]\n', ""))
async def test_attack_the_page_of_a_run_tells_nothing_of_a_run_that_it_started(world: World) -> None:
    async with a_console(world) as console:
        world.workshop.policy_of["deep"] = "secret"
        run_id = await world.trigger("press bell\nstart_run stamp x;press deep")
        await world.decide("bo", await world.opened(run_id), "approve")

        async def of_the_child() -> RequestRecord | None:
            return next((one for one in await world.requests() if one.request.run_id != run_id), None)

        deep = (await until(of_the_child, what="the child asks")).request
        bo, ada = await console.browser("bo"), await console.browser("ada")
        assert (await bo.get(f"/requests/{deep.id}")).status == 404

        page = (await bo.get(f"/runs/{run_id}")).html

        assert (deep.title in page, deep.id in page) == (False, False)
        assert deep.id in (await ada.get(f"/runs/{run_id}")).html
