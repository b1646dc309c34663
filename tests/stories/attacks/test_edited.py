"""Attacks by those who decide and may edit: nobody approves alone what they made of the call themselves."""

from pathlib import Path

import pytest

from agents.requests import PersonId
from agents.requests.record import RequestRecord
from agents.text import one_line
from bot.policy.judgements import Decided, NotEntitled
from tests.bot.web.problems import refused
from tests.kit.long import few_of
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.world import World, a_world
from tests.servers.web import serving
from tests.stories.test_break_glass import breaks

ANNA, BO = PersonId("anna"), PersonId("bo")
_NO_MAIL = TOML.replace("approve_by_email = true\n", "")
_OWN = TOML.replace("[policies.production]", "[policies.production]\neditor_may_approve = true")


def _editable(world: World) -> None:
    world.workshop.editable = ("what",)


pytestmark = opens(change=_editable)


async def opened_anew(world: World) -> RequestRecord:
    """What Bo edited and Cy approved was not executed in time, so it is asked again."""
    record = await world.opened(await world.trigger("press bell"))
    run_id = record.request.run_id
    await world.edit("bo", record, what="gong")
    await world.steer(run_id, "pause")
    await world.decide("cy", await world.request(record.request.id), "approve")
    await world.move_time(16 * 60)
    await world.steer(run_id, "resume")
    again = await world.opened(run_id, after=record.request.id)
    assert again.request.call is not None
    assert again.request.call.arguments["what"] == "gong"
    return again


async def test_an_edit_that_is_asked_anew_is_denied_and_not_approved_by_whoever_made_it(world: World) -> None:
    again = await opened_anew(world)
    own = await world.decide("bo", again, "approve")
    assert isinstance(own, NotEntitled)
    assert own.why == "editor"
    assert (again.request.edits, again.asked.editors) == ({"what": (BO,)}, (BO,))
    assert isinstance(await world.decide("bo", again, "deny"), Decided)
    await world.ended(again.request.run_id)
    assert world.workshop.effects == []

    again = await opened_anew(world)
    await world.edit("anna", await world.request(again.request.id), what="horn")
    now = await world.request(again.request.id)
    assert now.asked.editors == ()
    assert isinstance(await world.decide("bo", now, "approve"), Decided), "whoever asked has changed it since"


async def test_attack_the_requester_changes_it_to_the_edit_there_and_back(world: World) -> None:
    record = await world.opened(await world.trigger("press bell"))
    await world.edit("bo", record, what="gong")
    for what in ("horn", "gong"):
        await world.edit("anna", await world.request(record.request.id), what=what)

    said = await world.decide("bo", await world.request(record.request.id), "approve")

    assert isinstance(said, NotEntitled)
    assert said.why == "editor"


async def test_attack_the_digest_of_a_card_is_never_that_of_a_later_one(world: World) -> None:
    record = await world.opened(await world.trigger("press bell"))
    for what in ("horn", "bell"):
        await world.edit("anna", await world.request(record.request.id), what=what)
    now = await world.request(record.request.id)

    assert now.request.digest != record.request.digest
    async with serving(world.app) as api:
        bo, path = await api.client("bo"), f"/v1/requests/{record.request.id}/answer"
        refused(await bo.post(path, json={"vote": "approve", "digest": record.request.digest}), 409, "digest-moved")


async def test_it_is_not_asked_anew_where_only_its_editor_is_left(world: World) -> None:
    record = await world.opened(await world.trigger("press bell"))
    run_id = record.request.run_id
    await world.edit("bo", record, what="gong")
    await world.steer(run_id, "pause")
    await world.decide("cy", await world.request(record.request.id), "approve")
    async with world.stopped():
        toml = TOML.replace('email = "cy@corp.example"\ngroups = ["release"]', 'email = "cy@corp.example"')
        world.toml = toml.replace("quorum = 2", "quorum = 1")
    await world.move_time(16 * 60)
    await world.steer(run_id, "resume")

    run = await world.ended(run_id)

    assert "not counted: 0; needed: 1" in one_line(run.results[0].text, 1_000)
    assert "bo changed what" in run.results[0].text
    assert world.workshop.effects == []


EVE = """
[people.eve]
name = "Eve"
email = "eve@corp.example"
groups = ["release"]
"""


async def several_chose(world: World, last: str) -> RequestRecord:
    """Bo chose the gong, Cy something else, and then `last` chose the gong as well."""
    record = await world.opened(await world.trigger("press bell"))
    await world.edit("bo", record, what="gong")
    await world.edit("cy", await world.request(record.request.id), what="horn")
    if last == "anna":
        await world.edit("anna", await world.request(record.request.id), what="gong")
    else:
        await world.edit(last, await world.request(record.request.id), what="gong")
    return await world.request(record.request.id)


@pytest.mark.parametrize(("last", "may_approve"), few_of([("cy", False), ("anna", True)], 0, rows=True))
async def test_attack_the_first_of_several_who_chose_a_value_approves_it_or_breaks_the_glass_for_it(
    redis: str, tmp_path: Path, last: str, *, may_approve: bool
) -> None:
    toml = (_OWN if may_approve else TOML) + EVE
    toml = toml.replace("[policies.production]", '[policies.production]\nbreak_glass = ["person:bo"]')
    async with a_world(redis, tmp_path / "data", toml, change=_editable) as office:
        now = await several_chose(office, last)
        glass = await breaks(office, "bo", now)
        assert isinstance(glass, NotEntitled)
        assert glass.why == "editor"
        if may_approve:
            return  # that lifts approving it, and never breaking the glass

        own = await office.decide("bo", now, "approve")

        assert isinstance(own, NotEntitled)
        assert own.why == "editor"
        assert office.workshop.effects == []
        assert isinstance(await office.decide("eve", now, "approve"), Decided)


def _with_tags(world: World) -> None:
    _editable(world)
    world.workshop.meaning = {"v2": "5eb63bb", "v3": "a8bf61f"}


@opens(change=_with_tags)
async def test_attack_whoever_chose_a_value_approves_it_by_another_name(world: World) -> None:
    record = await world.opened(await world.trigger("press v2"))
    await world.edit("bo", record, what="v3")
    await world.edit("anna", await world.request(record.request.id), what="a8bf61f")

    own = await world.decide("bo", await world.request(record.request.id), "approve")

    assert isinstance(own, NotEntitled)
    assert own.why == "editor"
    assert world.workshop.effects == []


@opens(_NO_MAIL, change=_editable)
async def test_attack_whoever_reads_a_mailbox_changes_the_call_where_no_mail_approves(world: World) -> None:
    record = await world.opened(await world.trigger("press bell"))
    card = await world.next_mail("bo", about="Press bell")
    assert "To change it" not in card.text

    await world.reply("bo", card, "what: gong")

    told = one_line((await world.next_mail("bo", about="Press bell")).text, 5_000)
    assert "Nothing was changed: a change counts where an approval does." in told
    stands = await world.request(record.request.id)
    assert (stands.request, stands.state) == (record.request, "open")
    await world.reply("bo", card, "deny")
    await world.ended(record.request.run_id)
    assert (await world.request(record.request.id)).state == "denied"


async def test_attack_what_is_moved_to_another_environment_is_called_frozen_by_the_one_before_and_starts_at_once(
    world: World,
) -> None:
    """And what is moved to a frozen one is not called so, until it is approved."""
    world.workshop.environments = {"bell": "staging"}
    await world.app.requests.freezes.freeze("staging", PersonId("dan"), "incident 4711", proof=None)
    await world.quiet()
    frozen = await world.opened(await world.trigger("press bell"))
    free = await world.opened(await world.trigger("press horn"))
    await world.quiet()
    before = len(world.mails("cy"))

    await world.edit("anna", frozen, what="gong")
    await world.edit("anna", free, what="bell")

    now, then = [await world.request(one.request.id) for one in (frozen, free)]
    assert now.frozen is None
    assert then.frozen is not None
    await world.quiet()
    cards = {
        one.request.title: mail
        for one in (now, then)
        for mail in world.mails("cy")[before:]
        if one.request.id in mail.text
    }
    assert ["incident 4711" in cards[title].text for title in ("Press gong?", "Press bell?")] == [False, True]
    assert "Nothing starts until that ends" in (await world.next_mail("anna", about="Frozen: Press bell")).text
    for record in (now, then):
        await world.decide("cy", record, "approve")
    await world.ended(now.request.run_id)
    await world.quiet()
    assert world.workshop.effects == ["press gong"]
