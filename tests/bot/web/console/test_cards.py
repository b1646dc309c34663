"""A card has the buttons that count for who looks, and what is sent without them is judged all the same."""

import pytest

from tests.bot.web.console.stage import answer, asked, buttons, decision, place, proof
from tests.kit.waiting import until
from tests.kit.world import World
from tests.servers.console import Console, a_console, sent

ONLY_BY_MAIL = """
[policies.mail]
approvers = ["group:release"]
answer_from = ["email"]
expires_after = "4h"
"""


async def test_until_the_start_an_approval_can_be_taken_back(world: World, console: Console) -> None:
    record, bo, cy = await asked(world), await console.browser("bo"), await console.browser("cy")
    old = (await cy.get(place(record))).form(f"{place(record)}/answer")
    await world.steer(record.request.run_id, "pause")
    approved = await answer(bo, record, "Approve")
    assert buttons(approved) == {"Stop: take the approval back"}
    run = await bo.get(f"/runs/{record.request.run_id}")
    assert "Stop: take the approval back" in buttons(run)

    after = await cy.submit(old, "Deny", reason="no!")

    assert (await world.request(record.request.id)).state == "revoked"
    assert "Stopped The approval was taken back before anything began." in after.words
    assert buttons(after) == set()
    await world.steer(record.request.run_id, "resume")
    await world.ended(record.request.run_id)
    assert world.workshop.effects == []


async def test_after_the_start_nothing_stops_it_and_the_page_says_so(world: World, console: Console) -> None:
    held = world.workshop.hold("it")
    record, bo = await asked(world), await console.browser("bo")
    old = (await bo.get(place(record))).form(f"{place(record)}/answer")
    await answer(bo, record, "Approve")
    await until(lambda: world.workshop.started, what="it starts")

    after = await bo.submit(old, "Deny")

    assert "started on" in after.words
    assert buttons(after) == set()
    held.set()
    assert await world.summary(record.request.run_id) == "done: ok: press it: done"


@pytest.mark.parametrize("person", ["anna", "dan"])
async def test_who_may_not_decide_has_no_buttons_and_a_made_up_form_does_not_count(
    world: World, console: Console, person: str
) -> None:
    record, one, bo = await asked(world), await console.browser(person), await console.browser("bo")
    page = await one.get(place(record))
    _, fields = sent((await bo.get(place(record))).form(f"{place(record)}/answer"), "Approve")

    assert buttons(page) == ({"Withdraw what you asked for"} if person == "anna" else set())
    assert "Bo Berg and Cy Cole may decide." in page.words
    for vote in ("approve", "free_text", *(() if person == "anna" else ("deny",))):
        answered = await one.post(f"{place(record)}/answer", dict(fields) | await proof(one) | {"vote": vote})
        assert "not yours to decide" in (await one.get(answered.headers["location"])).words
    assert (await world.request(record.request.id)).state == "open"
    assert "answered by console, not counted" in (await one.get(f"/runs/{record.request.run_id}")).words


async def test_a_made_up_denial_of_who_asked_withdraws(world: World, console: Console) -> None:
    record, anna, bo = await asked(world), await console.browser("anna"), await console.browser("bo")
    _, fields = sent((await bo.get(place(record))).form(f"{place(record)}/answer"), "Deny")

    answered = await anna.post(f"{place(record)}/answer", dict(fields) | await proof(anna))

    assert "Withdrawn by Anna Ames" in (await anna.get(answered.headers["location"])).words
    assert (await world.request(record.request.id)).state == "withdrawn"


async def test_who_asked_may_take_it_back_and_nobody_else(world: World, console: Console) -> None:
    record, anna, bo = await asked(world), await console.browser("anna"), await console.browser("bo")
    assert "Withdraw what you asked for" not in buttons(await bo.get(place(record)))
    forged = await bo.post(f"{place(record)}/withdraw", await proof(bo))
    assert "Only those who asked for this may do that" in (await bo.get(forged.headers["location"])).words
    assert (await world.request(record.request.id)).state == "open"

    form = (await anna.get(place(record))).form(f"{place(record)}/withdraw")
    after = await anna.submit(form)

    assert "The request is withdrawn." in after.words
    assert (await world.request(record.request.id)).state == "withdrawn"
    assert "withdrawn already" in (await anna.submit(form)).words


async def test_where_the_console_is_no_way_to_approve_a_denial_counts_all_the_same(world: World) -> None:
    async with world.stopped():
        world.toml += ONLY_BY_MAIL
    world.workshop.policy_of["it"] = "mail"
    async with a_console(world) as console:
        record, bo = await asked(world), await console.browser("bo")
        page = await bo.get(place(record))
        assert buttons(page) == {"Ask Anna Ames", "Deny"}
        assert "An approval does not count here" in page.words
        path, fields = sent(page.form(f"{place(record)}/answer"), "Deny")

        forged = await bo.post(path, dict(fields) | {"vote": "approve"})

        assert "does not count" in (await bo.get(forged.headers["location"])).words
        assert (await world.request(record.request.id)).state == "open"
        await answer(bo, record, "Deny")
        assert (await decision(world, record)).state == "denied"


async def test_what_was_decided_elsewhere_says_by_whom(world: World, console: Console) -> None:
    record, bo = await asked(world), await console.browser("bo")
    old = (await bo.get(place(record))).form(f"{place(record)}/answer")
    await world.decide("cy", record, "approve", channel="cli")
    await world.ended(record.request.run_id)

    after = await bo.submit(old, "Approve")

    assert "Cy Cole approved on" in after.words
    assert len((await decision(world, record)).by) == 1
