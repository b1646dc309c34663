"""The view of people who only look: a card as it stands for them, and what concerns them."""

import pytest

from agents.requests import PersonId
from agents.requests.proof import as_by
from agents.requests.record import RequestRecord
from bot.config.data_dir import DataDir
from bot.policy.judgements import NotEntitled
from bot.render.request_card import standing_card
from bot.requests.tokens import Tokens
from bot.store import WorkItem
from bot.store.outbox_entry import Delivery
from channels import Address, Card, ChannelRefused, Placement
from tests.kit.waiting import until
from tests.kit.world import World


def token(world: World, record: RequestRecord, person: str, *, number: int = -1) -> str:
    """Return what comes back with an answer to the card made for `person`, the newest one unless said otherwise."""
    own = [holder.delivery_id for holder in record.holders if holder.person == person]
    return Tokens(DataDir(world.folder).keys(world.app.settings)).make(own[number])


async def looks(world: World, record: RequestRecord, viewer: str, *, at: str = "", number: int = -1) -> Card:
    """Return what `viewer` sees of a card of their own, or of the one that was made for `at`."""
    return await world.app.requests.lookup.card(token(world, record, at or viewer, number=number), viewer)


async def asked(world: World, text: str = "press the button") -> RequestRecord:
    return await world.opened(await world.trigger(text))


async def pair(world: World) -> RequestRecord:
    """A request that needs two."""
    world.workshop.policy_of["both"] = "pair"
    return await asked(world, "press both")


async def test_each_sees_of_a_card_what_they_may_do_with_it_and_looking_leaves_no_trace(world: World) -> None:
    record = await asked(world)
    await world.quiet()
    before = await world.events(record.request.run_id)

    bo = await looks(world, record, "bo")
    cy, anna, dan = [await looks(world, record, person, at="bo") for person in ("cy", "anna", "dan")]

    assert bo.title == record.request.title
    assert bo.form
    assert (bo.form.token, bo.form.only_stops) == (token(world, record, "bo"), False)
    assert bo.form.act("approve")
    assert (bool(bo.exact), bo.summary) == (True, "Anna Ames asks.")
    others = "This card was made for somebody else, so the answer does not count. Bo Berg and Cy Cole may decide."
    assert dan.form is None
    assert dan.summary.startswith(others)
    assert dan.exact, "it can be read all the same"
    for card in (cy, anna):
        assert card.form
        assert not card.form.act("approve"), "on another one's card they can only say no, or take it back"
    taken_back = "You asked for this: to take it back, answer with deny, stop or cancel."
    assert anna.summary.startswith(f"{others} {taken_back}")
    for person in ("anna", "bo", "cy", "dan"):
        await world.app.requests.lookup.overview(person)
    assert await world.events(record.request.run_id) == before
    assert not isinstance(await world.decide("bo", record, "approve"), NotEntitled)


async def test_a_card_and_a_list_say_who_has_approved_so_far_and_who_has_can_only_say_no(world: World) -> None:
    record = await pair(world)
    await world.decide("bo", record, "approve")

    lines = {line.label: line.text for line in (await looks(world, record, "cy")).decides}
    card = await looks(world, record, "bo")
    bo, cy, anna = [await world.app.requests.lookup.overview(person) for person in ("bo", "cy", "anna")]

    assert lines["Approvals"].startswith("1 of 2: Bo Berg at ")
    assert card.form
    assert not card.form.act("approve")
    assert card.summary.startswith("You have approved this before; a person's first vote stands.")
    assert (len(bo.waiting), len(cy.waiting)) == (0, 1)
    assert [line.label for line in bo.decided] == [record.request.title]
    assert bo.decided[0].text.startswith("You approved at ")
    assert " Approvals: 1 of 2: Bo Berg at " in bo.decided[0].text
    assert "Waiting for Bo Berg and Cy Cole. Approvals: 1 of 2: Bo Berg at " in anna.asked[0].text


async def test_what_was_approved_can_be_stopped_until_it_starts_and_what_is_closed_says_so(world: World) -> None:
    record = await asked(world)
    await world.steer(record.request.run_id, "pause")
    await world.decide("bo", record, "approve")
    before = await looks(world, record, "cy")
    stranger = await looks(world, record, "dan", at="cy")

    hold = world.workshop.hold("the button")
    await world.steer(record.request.run_id, "resume")
    await world.app.work.queue.notify(WorkItem("run", record.request.run_id))
    await until(lambda: world.workshop.started, what="the tool works")
    after = await looks(world, record, "cy")
    hold.set()

    assert before.form
    assert before.form.only_stops
    assert not before.form.act("approve")
    assert stranger.form is None
    assert after.form is None
    assert "Already decided: Bo Berg approved at" in after.summary
    assert "Too late: it started at" in after.summary

    record = await asked(world)
    await world.steering.withdraw(record.request.id, PersonId("anna"), "", as_by("cli"))

    card = await looks(world, record, "bo")

    assert card.form is None
    assert card.summary.startswith("There is nothing to answer any more: the request is withdrawn.")
    for made_up in ("", "s0d-aaaaaaaaaaaaa", "s0d-aaaaaaaaaaaaa-abcdefghijklmnopqrstuvwxyzab"):
        with pytest.raises(ChannelRefused, match="none of ours"):
            await world.app.requests.lookup.card(made_up, "bo")


async def test_a_request_whose_time_is_over_can_not_be_answered_though_nobody_closed_it_yet(world: World) -> None:
    record = await asked(world)
    await world.stop()
    await world.move_time(5 * 3600)
    await world.start(works=False, receives=False)

    assert (await looks(world, record, "bo")).form is None
    assert (await world.app.requests.lookup.overview("bo")).waiting == ()


async def test_an_older_revision_points_to_the_newest_card_and_one_that_many_see_is_answered_by_those_who_may(
    world: World,
) -> None:
    record = await asked(world)
    await world.edit("anna", await world.request(record.request.id), what="the other button")
    record = await world.request(record.request.id)

    old, new = await looks(world, record, "bo", number=0), await looks(world, record, "bo")

    assert old.form is None
    assert old.summary.startswith("This card is of an older version. ")
    assert "Please answer the newest card." in old.summary
    assert new.form
    seen = await world.app.requests.lookup.overview("bo")
    [row] = [row for group in seen.waiting for row in group.rows]
    assert (row.title, row.token) == ("Press the other button?", token(world, record, "bo"))

    record = await world.opened(await world.trigger("press the button", "bo"))
    own = record.holders[0]
    steered = "You asked for this or steered it, so it is not yours to decide. Cy Cole may. To take it back, "
    said = {
        "bo": (f"{steered}answer with deny, stop or cancel.", True),
        "dan": ("This is not yours to decide. Cy Cole may.", False),
    }
    for person, place in (("", "slack:#release"), ("somebody else", "")):
        address = Address(channel="slack", person="", to="C1", is_shared=True)
        placed = Delivery(
            id=own.delivery_id, run_id=record.request.run_id, request_id=record.request.id, revision=1,
            digest=record.request.digest, person=PersonId(person), place=place,
            delivery=Placement(key=own.delivery_id, address=address, handle="C1/1.2"),
        )  # fmt: skip
        cards = {
            one: standing_card(record, placed, PersonId(one), "slack", world.app.people, record.request.opened_at)
            for one in (*said, "cy")
        }

        for viewer, (why, may_take_back) in said.items():
            form = cards[viewer].form
            assert (form is not None, form is not None and form.act("approve") is not None) == (may_take_back, False)
            assert cards[viewer].summary.startswith(why)
        assert cards["cy"].form


async def test_what_somebody_asked_for_says_how_it_stands(world: World) -> None:
    await world.ended(await world.trigger("pull this"))
    denied = await asked(world, "press that")
    await world.decide("bo", denied, "deny", "no")
    await world.ended(denied.request.run_id)
    told = (await world.app.requests.lookup.overview("bo")).decided[0].text
    assert told.startswith("Bo Berg denied at ")
    assert told.endswith(" Reason: “no”.")
    record = await asked(world, "press the button")
    await world.quiet()

    lines = (await world.app.requests.lookup.overview("anna")).asked

    assert [line.label for line in lines] == ["press the button", "press that", "pull this"]
    run = await world.run(record.request.run_id)
    assert run.started
    assert f"Waiting for Bo Berg or Cy Cole. Asked at {run.started.at:%H:%M} UTC" in lines[0].text
    assert lines[1].text.startswith("Stopped: “denied: no” Asked at ")
    assert lines[2].text.startswith("Done: “ok: pull this: done” Asked at ")
