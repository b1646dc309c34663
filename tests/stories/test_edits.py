"""Those who decide change what is asked: everybody is asked again, and what was approved is what is executed."""

import asyncio

from agents.events import AnswerNoted, RequestRevised
from agents.requests import PersonId
from bot.policy.edits import Edited, EditRefused
from bot.policy.judgements import AlreadyDecided, Decided, NotEntitled, OutOfDate
from bot.render.status_line import status_line
from bot.render.transcript import lines
from tests.kit.clerk import What
from tests.kit.office import STEPS
from tests.kit.opens import opens
from tests.kit.world import World
from tests.stories.mail.test_consent import ONE_LINE, button

ANNA, BO, CY = PersonId("anna"), PersonId("bo"), PersonId("cy")


def _editable(world: World) -> None:
    world.workshop.editable = ("what",)
    world.workshop.policy_of["horn"] = "pair"


pytestmark = opens(change=_editable)


async def test_an_edit_is_put_in_front_of_everybody_and_executed_once_others_approve(world: World) -> None:
    record = await world.opened(await world.trigger("press bell"))
    await world.next_mail("cy")

    edited = await world.edit("bo", record, what="gong")
    now = await world.request(record.request.id)

    assert isinstance(edited, Edited)
    assert edited.names == ("what",)
    assert now.request.revision == 2
    assert now.request.changed[0] == "Bo Berg changed what from bell to gong: votes before are void."
    assert "Bo Berg changed what from bell to gong" in (await world.next_mail("cy", about="gong")).text
    theirs = (await world.next_mail("bo", about="gong")).text
    assert "You changed what is asked, so others approve it." in theirs
    await world.decide("cy", now, "approve")
    assert await world.summary(record.request.run_id) == "done: ok: press gong: done"
    assert world.workshop.effects == ["press gong"]


async def test_whoever_asked_is_told_where_others_changed_what_is_done(world: World) -> None:
    for is_back in (False, True):
        run_id = await world.trigger("press bell")
        record = await world.opened(run_id)
        await world.edit("bo", record, what="gong")
        if is_back:
            await world.edit("anna", await world.request(record.request.id), what="bell")

        await world.decide("cy", await world.request(record.request.id), "approve")

        run = await world.ended(run_id)
        told = await world.next_mail("anna", about="Done: press bell")
        by_bo = "" if is_back else "; changed by Bo Berg"
        assert told.subject == status_line(run, None, world.people) == f"Done: press bell{by_bo}"
        assert world.workshop.effects[-1] == ("press bell" if is_back else "press gong")
        assert ("Changed: Bo Berg changed what to gong\n" in told.text) is not is_back


@opens()
async def test_whoever_asked_changes_what_nobody_who_decides_may_and_it_is_told_as_changed_at_the_end_as_well(
    world: World,
) -> None:
    record = await world.opened(run_id := await world.trigger("press bell"))
    refused = await world.edit("bo", record, what="horn")
    assert isinstance(refused, EditRefused)
    assert refused.kind == "names"
    events = (await world.app.store.load(run_id)).events
    assert [event.outcome for event in events if isinstance(event, AnswerNoted)] == ["edit_refused"]

    changed = await world.edit("anna", record, what="horn")

    now = await world.request(record.request.id)
    assert isinstance(changed, Edited)
    assert (changed.is_own, changed.may_approve, now.request.revision, now.request.edits) == (True, False, 2, {})
    assert isinstance(await world.edit("anna", record, what="gong"), OutOfDate)
    assert isinstance(await world.decide("bo", record, "approve"), OutOfDate)
    assert isinstance(await world.decide("bo", now, "approve"), Decided)
    run = await world.ended(run_id)
    told = await world.next_mail("anna", about="Done: press bell")
    assert world.workshop.effects == ["press horn"]
    assert told.subject == status_line(run, None, world.people) == "Done: press bell; changed by Anna Ames"
    assert "Changed: Anna Ames changed what to horn\n" in told.text


async def test_an_edit_that_can_not_be_made_changes_nothing_and_says_why(world: World) -> None:
    world.workshop.meaning["mist"] = ""
    record = await world.opened(await world.trigger("press bell"))
    wrong: tuple[tuple[str | int, str, str], ...] = (
        ("horn", "tool", "another policy would decide"),
        ("mist", "tool", "There is no mist"),
        ("bell", "same", "Nothing was changed"),
        (7, "tool", "should be a valid string"),
    )
    for value, kind, why in wrong:
        refused = await world.edit("bo", record, what=value)

        assert isinstance(refused, EditRefused)
        assert refused.kind == kind
        assert why in refused.why
        assert (await world.request(record.request.id)).request == record.request
    assert isinstance(await world.edit("dan", record, what="gong"), NotEntitled)

    both = [await world.edit("bo", record, reply_id="mail-1", what="gong") for _ in range(2)]

    assert both[0] == both[1]
    assert (await world.request(record.request.id)).request.revision == 2
    assert isinstance(await world.edit("cy", record, what="drum"), OutOfDate)
    await world.decide("cy", await world.request(record.request.id), "approve")
    assert isinstance(await world.edit("cy", record, what="drum"), AlreadyDecided)

    world.workshop.policy_of |= {"bell": "pair", "gong": "pair"}
    record = await world.opened(await world.trigger("press bell"))
    refused = await world.edit("bo", record, what="gong")
    assert isinstance(refused, EditRefused)
    assert refused.kind == "too_few"
    assert "too few would be left: Cy Cole, of whom it needs 2" in refused.why
    assert (await world.request(record.request.id)).request == record.request


async def test_editing_back_is_an_edit_too_and_both_are_kept(world: World) -> None:
    record = await world.opened(await world.trigger("press bell"))
    await world.edit("bo", record, what="gong")
    await world.edit("cy", await world.request(record.request.id), what="bell")
    now = await world.request(record.request.id)

    # What stands is Cy's edit, and no longer Bo's.
    assert now.request.revision == 3
    assert now.request.digest != record.request.digest
    assert isinstance(await world.decide("cy", now, "approve"), NotEntitled)
    assert isinstance(await world.decide("bo", record, "approve"), OutOfDate)
    assert isinstance(await world.decide("bo", now, "approve"), Decided)
    assert await world.summary(record.request.run_id) == "done: ok: press bell: done"
    events = (await world.app.store.load(record.request.run_id)).events
    edits = [event.edited for event in events if isinstance(event, RequestRevised)]
    assert [(edit.before, edit.changed) for edit in edits if edit] == [
        ({"what": "bell"}, ("what",)),
        ({"what": "gong"}, ("what",)),
    ]
    told = "\n".join(lines(events, world.app.people))
    assert "Bo Berg changed in the terminal: what from bell to gong (revision 2: Press gong?)" in told


async def test_lines_in_a_mail_are_an_edit_and_never_an_approval_and_a_signature_is_no_part_of_it(
    world: World,
) -> None:
    for text in (f"what: gong\n{ONE_LINE}", "what: test"):
        record = await world.opened(await world.trigger("press bell"))
        card = await world.next_mail("bo", about=record.request.id)
        assert "To change it, reply with a line such as what: …" in card.text
        if ONE_LINE in text:
            await world.reply("bo", card, text)
            card = await world.next_mail("bo", about="no earlier mail of this person had")

        await world.reply("bo", card, text)

        value = text.partition("\n")[0].removeprefix("what: ")
        theirs = await world.next_mail("cy", about=f"Press {value}")
        now = await world.request(record.request.id)
        assert (now.state, now.request.revision, now.votes) == ("open", 2, ())
        assert now.request.call
        assert now.request.call.arguments == {"what": value}
        assert f"Bo Berg changed what from bell to {value}" in theirs.text


async def test_attack_a_line_among_contacts_that_may_be_a_value_or_a_condition_edits_nothing(world: World) -> None:
    for line in (
        "what: https://corp.example/horn", "No, don't",
    ):  # fmt: skip
        record = await world.opened(await world.trigger("press bell"))

        text = f"what: gong\n\nBo Berg\n{line}\nT: +49 30 1234567"
        await world.reply("bo", await world.next_mail("bo", about=record.request.id), text)

        assert line in (await world.next_mail("bo", about=record.request.id)).text
        assert (await world.request(record.request.id)).request.revision == 1


class Sure(What):
    """Arguments that are called like a vote."""

    confirm: str = "no"
    ok: bool = False
    cancel: str = "yes"


def _sure(world: World) -> None:
    world.workshop.editable, world.workshop.args = ("confirm", "ok", "cancel"), Sure


@opens(change=_sure)
async def test_a_value_of_an_argument_that_is_called_like_a_vote_is_no_vote(world: World) -> None:
    wanted: tuple[tuple[str, dict[str, str | bool]], ...] = (
        ("Yes. confirm: yes", {}),
        ("ok: yes", {"ok": True}),
        ("confirm:\nyes", {}),
    )
    for line, changed in wanted:
        record = await world.opened(await world.trigger("press bell"))

        await world.reply("bo", await world.next_mail("bo", about=record.request.id), line)
        await world.quiet()

        now = await world.request(record.request.id)
        assert (now.state, now.votes, world.workshop.effects) == ("open", (), []), line
        assert now.request.call
        assert now.request.call.arguments == {"what": "bell", "confirm": "no", "ok": False, "cancel": "yes"} | changed
        assert await world.next_mail("bo", about=record.request.id)


class Approved(What):
    approve: str = "no"


def _approved(world: World) -> None:
    world.workshop.editable, world.workshop.args = ("approve",), Approved


@opens(change=_approved)
async def test_the_button_of_a_mail_approves_though_an_argument_is_called_like_its_word(world: World) -> None:
    run_id = await world.trigger("press bell")
    card = await world.next_mail("bo")
    await world.reply("bo", card, button(world, card))

    assert await world.summary(run_id) == "done: ok: press bell: done"


async def test_of_an_edit_and_a_vote_at_once_one_wins_and_the_other_is_told(world: World) -> None:
    record = await world.opened(await world.trigger("press bell"))

    edited, voted = await asyncio.gather(world.edit("bo", record, what="gong"), world.decide("cy", record, "approve"))

    outcomes = (type(edited), type(voted))
    assert outcomes in {(Edited, OutOfDate), (AlreadyDecided, Decided)}


def _spending(world: World) -> None:
    world.workshop.editable = ("what",)
    world.workshop.policy_of |= dict.fromkeys(("bell", "gong"), "spending")


@opens(STEPS, change=_spending)
async def test_those_to_whom_a_step_has_escalated_are_enough_to_approve_the_edit_of_its_only_approver(
    world: World,
) -> None:
    record = await world.opened(await world.trigger("press bell"))
    await world.move_time(8 * 3600 + 60)
    await world.next_mail("dan", about="Press bell")

    edited = await world.edit("bo", record, what="gong")

    assert isinstance(edited, Edited)
    assert isinstance(await world.decide("bo", await world.request(record.request.id), "approve"), NotEntitled)
    for person in ("dan", "eve"):
        await world.decide(person, await world.request(record.request.id), "approve")
    assert await world.summary(record.request.run_id) == "done: ok: press gong: done"
