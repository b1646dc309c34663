"""Those who decide change what is asked: everybody is asked again, and what was approved is what is executed."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from agents.events import AnswerNoted, RequestRevised
from agents.requests import PersonId
from agents.run import fold
from bot.policy.edits import Edited, EditRefused
from bot.policy.judgements import AlreadyDecided, Counted, Decided, NotEntitled, OutOfDate
from bot.render.status_line import status_line
from bot.render.transcript import lines
from tests.kit.clerk import What
from tests.kit.office import TOML
from tests.kit.tables import becomes, without
from tests.kit.world import World, a_world
from tests.stories.mail.test_consent import ONE_LINE, button

ANNA, BO, CY = PersonId("anna"), PersonId("bo"), PersonId("cy")
_OWN = TOML.replace("[policies.pair]", "[policies.pair]\neditor_may_approve = true").replace(
    "[policies.production]", "[policies.production]\neditor_may_approve = true"
)


@pytest.fixture
async def office(redis: str, tmp_path: Path) -> AsyncGenerator[World]:
    async with a_world(redis, tmp_path / "data", change=_editable) as world:
        yield world


@pytest.fixture
async def own_office(redis: str, tmp_path: Path) -> AsyncGenerator[World]:
    """An office where whoever edits may approve it as well."""
    async with a_world(redis, tmp_path / "data", _OWN, change=_editable) as world:
        yield world


def _editable(world: World) -> None:
    world.workshop.editable = ("what",)
    world.workshop.policy_of["horn"] = "pair"


async def test_an_edit_is_put_in_front_of_everybody_and_executed_once_others_approve(office: World) -> None:
    record = await office.opened(await office.trigger("press bell"))
    await office.next_mail("cy")

    edited = await office.edit("bo", record, what="gong")
    now = await office.request(record.request.id)

    assert isinstance(edited, Edited)
    assert edited.names == ("what",)
    assert now.request.revision == 2
    assert now.request.changes[0] == "Bo Berg changed what from bell to gong: votes before are void."
    assert "Bo Berg changed what from bell to gong" in (await office.next_mail("cy", about="gong")).text
    theirs = (await office.next_mail("bo", about="gong")).text
    assert "You changed what is asked, so others approve it." in theirs
    await office.decide("cy", now, "approve")
    assert await office.summary(record.request.run_id) == "done: ok: press gong: done"
    assert office.workshop.effects == ["press gong"]


@pytest.mark.parametrize("is_back", [False, True], ids=["changed", "changed back"])
async def test_whoever_asked_is_told_where_others_changed_what_is_done(office: World, is_back: bool) -> None:
    run_id = await office.trigger("press bell")
    record = await office.opened(run_id)
    await office.edit("bo", record, what="gong")
    if is_back:
        await office.edit("anna", await office.request(record.request.id), what="bell")

    await office.decide("cy", await office.request(record.request.id), "approve")

    run = await office.ended(run_id)
    told = await office.next_mail("anna", about="Done: press bell")
    by_bo = "" if is_back else "; changed by Bo Berg"
    assert told.subject == status_line(run, None, office.people) == f"Done: press bell{by_bo}"
    assert office.workshop.effects == ["press bell" if is_back else "press gong"]
    assert ("Changed: Bo Berg changed what to gong\n" in told.text) is not is_back


async def test_what_whoever_asked_changed_is_told_as_changed_at_the_end_as_well(world: World) -> None:
    run_id = await world.trigger("press bell")
    await world.edit("anna", await world.opened(run_id), what="horn")
    now = await world.request((await world.run(run_id)).open or "")

    await world.decide("bo", now, "approve")

    run = await world.ended(run_id)
    told = await world.next_mail("anna", about="Done: press bell")
    assert world.workshop.effects == ["press horn"]
    assert told.subject == status_line(run, None, world.people) == "Done: press bell; changed by Anna Ames"
    assert "Changed: Anna Ames changed what to horn\n" in told.text


async def test_who_edits_does_not_approve_their_own_edit_and_may_still_deny_it(office: World) -> None:
    record = await office.opened(await office.trigger("press bell"))
    await office.edit("bo", record, what="gong")
    now = await office.request(record.request.id)

    approved = await office.decide("bo", now, "approve")
    denied = await office.decide("bo", now, "deny", "after all not")

    assert isinstance(approved, NotEntitled)
    assert approved.why == "editor"
    assert isinstance(denied, Decided)
    assert denied.decision.state == "denied"
    assert office.workshop.effects == []


async def test_who_edits_approves_it_where_the_policy_says_so(own_office: World) -> None:
    record = await own_office.opened(await own_office.trigger("press bell"))
    await own_office.edit("bo", record, what="gong")

    approved = await own_office.decide("bo", await own_office.request(record.request.id), "approve")

    assert isinstance(approved, Decided)
    assert await own_office.summary(record.request.run_id) == "done: ok: press gong: done"


async def test_an_edit_voids_the_votes_before_it(own_office: World) -> None:
    own_office.workshop.policy_of |= {"bell": "pair", "gong": "pair"}
    record = await own_office.opened(await own_office.trigger("press bell"))
    assert isinstance(await own_office.decide("cy", record, "approve"), Counted)

    await own_office.edit("bo", await own_office.request(record.request.id), what="gong")
    now = await own_office.request(record.request.id)

    assert now.votes == ()
    assert isinstance(await own_office.decide("bo", now, "approve"), Counted)
    assert isinstance(await own_office.decide("cy", now, "approve"), Decided)
    assert await own_office.summary(record.request.run_id) == "done: ok: press gong: done"


async def test_an_edit_that_leaves_too_few_people_changes_nothing(office: World) -> None:
    office.workshop.policy_of |= {"bell": "pair", "gong": "pair"}
    record = await office.opened(await office.trigger("press bell"))

    refused = await office.edit("bo", record, what="gong")

    assert isinstance(refused, EditRefused)
    assert refused.kind == "too_few"
    assert "too few would be left: Cy Cole, of whom it needs 2" in refused.why
    assert (await office.request(record.request.id)).request == record.request


async def test_whoever_has_left_is_not_counted_among_those_who_are_left_for_an_edit(office: World) -> None:
    record = await office.opened(await office.trigger("press bell"))
    await becomes(office, without(TOML, "bo"))

    refused = await office.edit("cy", record, what="gong")

    assert isinstance(refused, EditRefused)
    assert refused.kind == "too_few"


async def test_editing_back_is_an_edit_too_and_both_are_kept(office: World) -> None:
    record = await office.opened(await office.trigger("press bell"))
    await office.edit("bo", record, what="gong")
    await office.edit("cy", await office.request(record.request.id), what="bell")
    now = await office.request(record.request.id)

    # What stands is Cy's edit, and no longer Bo's.
    assert now.request.revision == 3
    assert now.request.digest != record.request.digest
    assert isinstance(await office.decide("cy", now, "approve"), NotEntitled)
    assert isinstance(await office.decide("bo", record, "approve"), OutOfDate)
    assert isinstance(await office.decide("bo", now, "approve"), Decided)
    assert await office.summary(record.request.run_id) == "done: ok: press bell: done"
    events = (await office.app.store.load(record.request.run_id)).events
    edits = [event.edited for event in events if isinstance(event, RequestRevised)]
    assert [(edit.before, edit.changed) for edit in edits if edit] == [
        ({"what": "bell"}, ("what",)),
        ({"what": "gong"}, ("what",)),
    ]
    told = "\n".join(lines(events, office.app.people))
    assert "Bo Berg changed by cli: what from bell to gong (revision 2: Press gong?)" in told


async def test_who_neither_asked_nor_decides_changes_nothing(office: World) -> None:
    record = await office.opened(await office.trigger("press bell"))

    assert isinstance(await office.edit("dan", record, what="gong"), NotEntitled)
    assert (await office.request(record.request.id)).request == record.request


async def test_whoever_asked_changes_what_nobody_who_decides_may(world: World) -> None:
    record = await world.opened(await world.trigger("press bell"))
    assert isinstance(await world.edit("bo", record, what="horn"), EditRefused)

    changed = await world.edit("anna", record, what="horn")

    now = await world.request(record.request.id)
    assert isinstance(changed, Edited)
    assert (changed.is_own, changed.may_approve, now.request.revision, now.request.edits) == (True, False, 2, {})
    assert isinstance(await world.decide("bo", record, "approve"), OutOfDate)
    assert isinstance(await world.decide("bo", now, "approve"), Decided)


async def test_whoever_asked_changes_it_on_a_card_that_they_have_seen(world: World) -> None:
    record = await world.opened(await world.trigger("press bell"))
    await world.edit("anna", record, what="horn")

    assert isinstance(await world.edit("anna", record, what="gong"), OutOfDate)


async def test_a_change_of_whoever_asked_takes_the_place_of_an_edit(office: World) -> None:
    record = await office.opened(await office.trigger("press bell"))
    await office.edit("bo", record, what="gong")

    await office.edit("anna", await office.request(record.request.id), what="drum")

    assert (await office.request(record.request.id)).request.edits == {}
    assert isinstance(await office.decide("bo", await office.request(record.request.id), "approve"), Decided)


async def test_what_a_tool_does_not_offer_is_not_edited(world: World) -> None:
    record = await world.opened(await world.trigger("press bell"))

    refused = await world.edit("bo", record, what="gong")

    assert isinstance(refused, EditRefused)
    assert refused.kind == "names"
    events = (await world.app.store.load(record.request.run_id)).events
    assert [event.outcome for event in events if isinstance(event, AnswerNoted)] == ["edit_refused"]


@pytest.mark.parametrize(
    ("value", "kind", "why"),
    [
        ("horn", "tool", "another policy would decide"),
        ("mist", "tool", "There is no mist"),
        ("bell", "same", "Nothing was changed"),
        (7, "tool", "should be a valid string"),
    ],
)
async def test_an_edit_that_can_not_be_made_changes_nothing_and_says_why(
    office: World, value: str | int, kind: str, why: str
) -> None:
    office.workshop.meaning["mist"] = ""
    record = await office.opened(await office.trigger("press bell"))

    refused = await office.edit("bo", record, what=value)

    assert isinstance(refused, EditRefused)
    assert refused.kind == kind
    assert why in refused.why
    assert (await office.request(record.request.id)).request == record.request


async def test_an_edit_of_what_is_decided_or_was_changed_since_is_told_so(office: World) -> None:
    first = await office.opened(await office.trigger("press bell"))
    await office.edit("bo", first, what="gong")

    assert isinstance(await office.edit("cy", first, what="drum"), OutOfDate)
    await office.decide("cy", await office.request(first.request.id), "approve")
    assert isinstance(await office.edit("cy", first, what="drum"), AlreadyDecided)


async def test_the_same_edit_sent_twice_is_one(office: World) -> None:
    record = await office.opened(await office.trigger("press bell"))

    both = [await office.edit("bo", record, reply_id="mail-1", what="gong") for _ in range(2)]

    assert both[0] == both[1]
    assert (await office.request(record.request.id)).request.revision == 2


async def test_the_model_sees_the_arguments_that_were_executed(office: World) -> None:
    record = await office.opened(await office.trigger("press bell"))
    await office.edit("bo", record, what="gong")
    await office.decide("cy", await office.request(record.request.id), "approve")
    await office.summary(record.request.run_id)

    [result] = fold((await office.app.store.load(record.request.run_id)).events).results

    assert result.step.model_dump()["arguments"] == {"what": "gong"}


async def test_lines_in_a_mail_are_an_edit_and_never_an_approval(office: World) -> None:
    record = await office.opened(await office.trigger("press bell"))
    card = await office.next_mail("bo")
    assert "To change it, reply with a line such as what: …" in card.text

    await office.reply("bo", card, "what: gong")
    theirs = await office.next_mail("cy", about="Press gong")
    now = await office.request(record.request.id)

    assert (now.state, now.request.revision, now.votes) == ("open", 2, ())
    assert "Bo Berg changed what from bell to gong" in theirs.text


@pytest.mark.parametrize("below", [ONE_LINE, "\nBo Berg\nHead of Operations\n"])
async def test_a_signature_without_dashes_below_a_line_is_no_part_of_the_edit(office: World, below: str) -> None:
    record = await office.opened(await office.trigger("press bell"))

    await office.reply("bo", await office.next_mail("bo"), f"what: gong\n{below}")
    await office.next_mail("cy", about="Press gong")

    assert (await office.request(record.request.id)).request.revision == 2


@pytest.mark.parametrize(
    "line",
    [
        "what: https://corp.example/horn",
        "only if Cy agrees",
        "not before Friday",
        "No, don't",
        "Call me first: +49 30 1234567",
        "Freeze Production",
        "ok?",
    ],
)
async def test_attack_a_line_among_contacts_that_may_be_a_value_or_a_condition_edits_nothing(
    office: World, line: str
) -> None:
    record = await office.opened(await office.trigger("press bell"))

    text = f"what: gong\n\nBo Berg\n{line}\nT: +49 30 1234567"
    await office.reply("bo", await office.next_mail("bo"), text)

    told = await office.next_mail("bo")
    assert line in told.text
    assert (await office.request(record.request.id)).request.revision == 1


@pytest.mark.parametrize("value", ["staging", "test", "gong and horn", "v1.3.0"])
async def test_a_value_that_may_be_one_is_taken_by_mail(office: World, value: str) -> None:
    record = await office.opened(await office.trigger("press bell"))

    await office.reply("bo", await office.next_mail("bo"), f"what: {value}")
    await office.next_mail("cy", about=f"Press {value}")

    now = (await office.request(record.request.id)).request
    assert now.call
    assert now.call.arguments == {"what": value}


class Sure(What):
    """Arguments that are called like a vote."""

    confirm: str = "no"
    ok: bool = False
    cancel: str = "yes"


@pytest.mark.parametrize(
    ("line", "changed"),
    [
        ("confirm: yes", {"confirm": "yes"}),
        ("Confirm : Yes", {"confirm": "Yes"}),
        ("Yes. confirm: yes", {}),
        ("ok: true", {"ok": True}),
        ("ok: yes", {"ok": True}),
        ("*confirm*: yes", {}),
        ("confirm:\nyes", {}),
        ("yes, confirm: yes", {}),
        ("confirm - yes", {}),
        ("cancel: no", {"cancel": "no"}),
    ],
)
async def test_a_value_of_an_argument_that_is_called_like_a_vote_is_no_vote(
    redis: str, tmp_path: Path, line: str, changed: dict[str, str | bool]
) -> None:
    def change(world: World) -> None:
        world.workshop.editable, world.workshop.args = ("confirm", "ok", "cancel"), Sure

    async with a_world(redis, tmp_path / "data", change=change) as world:
        record = await world.opened(await world.trigger("press bell"))

        await world.reply("bo", await world.next_mail("bo"), line)
        await world.quiet()

        now = await world.request(record.request.id)
        assert (now.state, now.votes, world.workshop.effects) == ("open", (), [])
        assert now.request.call
        assert now.request.call.arguments == {"what": "bell", "confirm": "no", "ok": False, "cancel": "yes"} | changed
        assert await world.next_mail("bo")


async def test_the_button_of_a_mail_approves_though_an_argument_is_called_like_its_word(
    redis: str, tmp_path: Path
) -> None:
    class Approved(What):
        approve: str = "no"

    def change(world: World) -> None:
        world.workshop.editable, world.workshop.args = ("approve",), Approved

    async with a_world(redis, tmp_path / "data", change=change) as world:
        run_id = await world.trigger("press bell")
        card = await world.next_mail("bo")
        await world.reply("bo", card, button(world, card))

        assert await world.summary(run_id) == "done: ok: press bell: done"


async def test_a_changed_meaning_between_approval_and_execution_executes_nothing_and_asks_again(office: World) -> None:
    record = await office.opened(await office.trigger("press bell"))
    await office.edit("bo", record, what="gong")
    await office.steer(record.request.run_id, "pause")
    await office.decide("cy", await office.request(record.request.id), "approve")
    office.workshop.meaning["gong"] = "another gong"
    await office.steer(record.request.run_id, "resume")

    again = await office.opened(record.request.run_id, after=record.request.id)

    assert office.workshop.effects == []
    assert (await office.request(record.request.id)).state == "superseded"
    assert again.request.digest != (await office.request(record.request.id)).request.digest


async def test_of_an_edit_and_a_vote_at_once_one_wins_and_the_other_is_told(office: World) -> None:
    record = await office.opened(await office.trigger("press bell"))

    edited, voted = await asyncio.gather(office.edit("bo", record, what="gong"), office.decide("cy", record, "approve"))

    outcomes = (type(edited), type(voted))
    assert outcomes in {(Edited, OutOfDate), (AlreadyDecided, Decided)}
