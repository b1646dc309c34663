"""Handing a request on is no way around its policy: whoever asked, steered, left or handed it on does not approve."""

from datetime import timedelta

from bot.policy.judgements import (
    ClosedOtherwise,
    Decided,
    Delegated,
    DelegationRefused,
    Judgement,
    NotEntitled,
)
from tests.bot.process.test_reload import without
from tests.kit.opens import opens
from tests.kit.waiting import until
from tests.kit.world import World
from tests.stories.people.test_departures import becomes
from tests.stories.test_absences import away, deciders, write
from tests.stories.test_delegation import SOLO, asked, on_solo

pytestmark = opens(SOLO, change=on_solo)


_BY_MAIL = SOLO.replace('email = "gus@corp.example"', 'slack = "U01GUS"').replace(
    '"person:fay"]\n', '"person:fay", "person:gus"]\nanswer_from = ["email"]\n'
)
"""Gus has no address, and nobody approves but by mail."""


def kind(found: Judgement) -> str:
    return found.kind if isinstance(found, DelegationRefused) else found.type


async def test_the_requester_gets_it_through_nobody_and_it_goes_in_no_circle_and_to_nobody_a_fourth_time(
    world: World,
) -> None:
    record = await asked(world)
    for giver, to, became in (
        ("bo", "anna", "requester"),
        ("anna", "dan", "not_asked"),
        ("bo", "cy", "delegated"),
        ("cy", "anna", "requester"),
        ("cy", "bo", "loop"),
        ("cy", "dan", "delegated"),
        ("dan", "eve", "delegated"),
        ("eve", "cy", "loop"),
        ("eve", "fay", "chain"),
    ):
        assert kind(await world.delegate(giver, record, to)) == became, (giver, to)

    assert isinstance(await world.decide("anna", record, "approve"), NotEntitled)
    assert len((await world.request(record.request.id)).asked.handed_on) == 3
    assert world.workshop.effects == []


async def test_whoever_steered_the_run_gets_it_through_nobody(world: World) -> None:
    run_id = await world.trigger("ask-of group:release free_text which one?\npress bell")
    question = await world.opened(run_id)
    await world.decide("cy", question, "free_text", "take the bell")
    record = await world.opened(run_id, after=question.request.id)

    assert kind(await world.delegate("bo", record, "cy")) == "took_part"
    assert isinstance(await world.delegate("bo", record, "dan"), Delegated)
    assert kind(await world.delegate("dan", record, "cy")) == "took_part"
    await away(world, "dan", "cy")
    assert await deciders(world, record.request.id) == ("dan",)


async def test_attack_a_mail_whose_two_texts_differ_hands_nothing_on_and_a_name_without_end_is_cut(
    world: World,
) -> None:
    record = await asked(world)

    card = await world.next_mail("bo", about="Press bell")
    await world.post("bo", card.reply_to or "", "delegate: cy@corp.example", page="<p>What is that about?</p>")
    await world.next_mail("bo", about="bell")

    assert (await world.request(record.request.id)).asked.handed_on == ()
    card = next(one for one in world.mails("bo") if one.reply_to)
    await world.reply("bo", card, f"delegate: {'x' * 20_000}")
    assert max(map(len, (await world.next_mail("bo", about="x" * 20)).text.split())) < 200


async def test_an_address_that_outlook_writes_twice_is_one_to_hand_it_on_to(world: World) -> None:
    record = await asked(world)

    card = await world.next_mail("bo", about="Press bell")
    page = '<p>delegate: <a href="mailto:cy@corp.example">cy@corp.example</a></p>'
    await world.post("bo", card.reply_to or "", "delegate: cy@corp.example<mailto:cy@corp.example>", page=page)
    await world.quiet()

    [given] = (await world.request(record.request.id)).asked.handed_on
    assert given.to == "cy"


async def test_the_old_button_of_whoever_handed_it_on_does_not_count_and_their_denial_does_also_after_the_approval(
    world: World,
) -> None:
    record = await asked(world)
    card = await world.next_mail("bo", about="Press bell")
    await world.delegate("bo", record, "cy")

    await world.reply("bo", card, "approve")
    told = await world.next_mail("bo", about="About")
    assert "Somebody else decides in your place. Cy Cole may. Your denial would count." in " ".join(told.text.split())
    assert (await world.request(record.request.id)).state == "open"
    await world.reply("bo", card, "deny")

    await world.ended(record.request.run_id)
    assert (await world.request(record.request.id)).state == "denied"
    record = await asked(world)
    await world.delegate("bo", record, "cy")
    await world.app.requests.freezes.freeze("", record.request.requesters[0], "wait", proof=None)
    await world.decide("cy", record, "approve")
    assert (await world.decide("bo", record, "deny")).type == "revoked"
    assert world.workshop.effects == []


async def test_when_they_leave_to_whom_it_was_handed_on_it_is_asked_anew(world: World) -> None:
    record = await asked(world)
    await world.delegate("bo", record, "eve")

    await becomes(world, without(SOLO, "eve").replace(', "person:eve"', ""))

    anew = await world.opened(record.request.run_id, after=record.request.id)
    assert (await world.request(record.request.id)).state == "superseded"
    assert isinstance(await world.decide("bo", record, "approve"), ClosedOtherwise | NotEntitled)
    assert kind(await world.delegate("bo", anew, "eve")) == "left"
    assert isinstance(await world.decide("bo", anew, "approve"), Decided)


@opens(
    SOLO[: SOLO.index("[policies.solo]")]
    + SOLO[SOLO.index("[policies.solo]") :].replace("approve_by_email = true\n", ""),
    change=on_solo,
)
async def test_attack_a_mailbox_hands_nothing_on_where_no_mail_approves(world: World) -> None:
    record = await asked(world)

    await world.reply("bo", await world.next_mail("bo", about="Press bell"), "delegate: cy@corp.example")

    assert "by email" in (await world.next_mail("bo", about="Press bell")).text
    assert (await world.request(record.request.id)).asked.handed_on == ()
    assert isinstance(await world.delegate("bo", record, "cy"), Delegated)


OWN = SOLO.replace(
    "[policies.solo]", "[policies.solo]\nrequester_may_approve = true\neditor_may_approve = true", 1
).replace('"person:anna", ', '"person:anna", "person:gus", ', 1)


@opens(OWN, change=on_solo)
async def test_attack_a_requester_takes_a_seat_or_stands_in_and_approves_alone(world: World) -> None:
    record = await asked(world)
    assert kind(await world.delegate("bo", record, "anna")) == "requester"

    await away(world, "bo", "anna")

    later = await asked(world)
    for one in (record, later):
        stands = await world.request(one.request.id)
        assert stands.asked.handed_on == ()
        assert isinstance(await world.decide("anna", stands, "approve"), NotEntitled)
    assert world.workshop.effects == []


@opens(_BY_MAIL, change=on_solo)
async def test_attack_it_waits_for_one_who_has_no_way_by_which_an_approval_counts(world: World) -> None:
    record = await asked(world)
    await world.reply("bo", await world.next_mail("bo"), "delegate: gus")
    await world.quiet()
    assert await deciders(world, record.request.id) == ("bo",)
    told = " ".join((await world.next_mail("bo")).text.split())
    assert "Gus Gral can't decide in your place" in told

    await is_away(world, "gus")
    again = await asked(world)

    assert await deciders(world, again.request.id) == ("bo",)
    assert "Nobody else can be asked" in " ".join((await world.next_mail("anna", "Somebody is away")).text.split())
    await is_away(world, "fay")
    assert await deciders(world, (await asked(world)).request.id) == ("fay",)


async def is_away(world: World, to: str) -> None:
    """Bo says by mail that they are away and that `to` stands in, and that is set."""
    day = (await world.now() + timedelta(days=3)).date()
    await write(world, f"away until {day}: {to}")

    async def is_set() -> bool:
        return [one.to for one in await world.app.requests.absences.all()] == [to]

    await until(is_set, what="the absence is set")


@opens(SOLO.replace('approvers = ["person:bo"]', 'approvers = ["person:dan"]\nanswer_from = ["slack"]'), change=on_solo)
async def test_attack_a_request_waits_for_people_whose_approval_counts_by_no_way_of_its_policy(world: World) -> None:
    run_id = await world.trigger("press bell")
    await world.ended(run_id)

    told = " ".join((await world.next_mail("anna")).text.split())
    assert "By the ways in answer_from (slack) no approval of these can count: dan." in told
    assert await world.requests() == []
