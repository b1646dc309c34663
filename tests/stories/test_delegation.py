"""A request that is handed on: who decides then, what everybody reads, and the ways to say it."""

import textwrap
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agents.events import RequestReassigned
from agents.requests import PersonId
from bot.audit.facts import records_of
from bot.policy.judgements import Decided, Delegated, NotEntitled
from bot.policy.record import RequestRecord
from bot.queries.rebuild import rebuild
from bot.render.status_line import status_line
from tests.bot.cli.shell import sayso
from tests.bot.web.problems import refused
from tests.kit.office import TOML
from tests.kit.world import World, a_world
from tests.servers.web import serving
from tests.stories.test_audit import records

SOLO = (
    TOML
    + """
[people.eve]
name = "Eve Ebert"
email = "eve@corp.example"

[people.fay]
name = "Fay Frey"
email = "fay@corp.example"

[people.gus]
name = "Gus Gral"
email = "gus@corp.example"

[policies.solo]
approvers = ["person:bo"]
stand_ins = ["person:anna", "group:release", "person:dan", "person:eve", "person:fay"]
approve_by_email = true
expires_after = "4h"
"""
)


def on_solo(world: World) -> None:
    world.workshop.policy_of["bell"] = "solo"


@pytest.fixture
async def office(redis: str, tmp_path: Path) -> AsyncIterator[World]:
    async with a_world(redis, tmp_path / "data", SOLO, change=on_solo) as world:
        yield world


async def asked(world: World) -> RequestRecord:
    record = await world.opened(await world.trigger("press bell"))
    await world.quiet()
    return record


async def test_whoever_it_is_handed_on_to_gets_a_card_that_says_by_whom_and_why_and_decides(office: World) -> None:
    record = await asked(office)

    done = await office.delegate("bo", record, "cy", "I am on the train")

    assert isinstance(done, Delegated)
    card = await office.next_mail("cy", about="Press bell")
    said = " ".join(card.text.split())
    assert "Handed on: Bo Berg to Cy Cole: “I am on the train”" in said
    stands = await office.request(record.request.id)
    run = await office.run(record.request.run_id)
    assert status_line(run, stands, office.people).startswith("Waiting for Cy Cole (for Bo Berg)")
    assert (stands.request.digest, stands.request.revision) == (record.request.digest, 1)

    await office.reply("cy", card, "approve")

    assert await office.summary(record.request.run_id) == "done: ok: press bell: done"
    decision = (await office.request(record.request.id)).decision
    assert decision
    assert decision.by == ("cy",)


async def test_it_is_recorded_and_audited_once_and_the_lists_can_be_made_anew(office: World) -> None:
    record = await asked(office)
    await office.delegate("bo", record, "cy", "I am on the train")

    events = await office.events(record.request.run_id)
    [said] = [event for event in events if isinstance(event, RequestReassigned)]
    assert (said.why, said.by, said.person, said.to) == ("delegated", "bo", "bo", ("cy",))
    assert (said.reason, said.channel) == ("I am on the train", "cli")
    facts = [one for one in records_of(record.request.run_id, events, 1, len(events)) if one.kind == "reassigned"]
    assert [(one.who, one.people, one.outcome) for one in facts] == [("bo", ("bo", "cy"), "delegated")]
    before = await office.request(record.request.id)
    await rebuild(office.app.store)
    assert await office.request(record.request.id) == before


async def test_the_card_of_whoever_it_is_handed_on_to_stands_in_the_audit_log_as_it_was_shown(office: World) -> None:
    record = await asked(office)

    await office.delegate("bo", record, "cy", "I am on the train")

    [found] = await records(office, "reassigned", record.request.id)
    [shown] = found["cards"]
    assert (shown["for"], shown["card"]["title"]) == (["cy"], "Press bell?")
    assert "I am on the train" in str(shown["card"])


async def test_the_same_wish_sent_twice_is_one(office: World) -> None:
    record = await asked(office)

    first = await office.delegate("bo", record, "cy", once="same")
    again = await office.delegate("bo", record, "cy", once="same")

    assert first == again == Delegated(person=PersonId("bo"), to=PersonId("cy"))
    assert len((await office.request(record.request.id)).request.policy.handed_on) == 1


async def test_it_goes_on_from_hand_to_hand_three_times(office: World) -> None:
    record = await asked(office)
    for person, to in (("bo", "cy"), ("cy", "dan"), ("dan", "eve")):
        assert isinstance(await office.delegate(person, record, to), Delegated)

    stands = await office.request(record.request.id)
    run = await office.run(record.request.run_id)
    assert status_line(run, stands, office.people).startswith("Waiting for Eve Ebert (for Bo Berg)")
    for person in ("bo", "cy", "dan"):
        assert isinstance(await office.decide(person, stands, "approve"), NotEntitled)
    assert isinstance(await office.decide("eve", stands, "approve"), Decided)


async def test_over_http_it_is_told_with_the_request_as_it_stands_then(office: World) -> None:
    async with serving(office.app) as api:
        bo, record = await api.client("bo"), await asked(office)

        made = await bo.post(f"/v1/requests/{record.request.id}/delegate", json={"to": "cy", "reason": "off"})

        said = made.json()
        assert (made.status_code, said["judgement"]) == (200, {"type": "delegated", "person": "bo", "to": "cy"})
        assert said["request"]["may_decide"] == ["cy"]
        assert said["request"]["handed_on"] == [{"person": "bo", "to": "cy", "why": "delegated", "reason": "off"}]
        assert "You may still deny it." in said["told"]


@pytest.mark.parametrize("language", ["en", "de"])
async def test_attack_who_writes_a_name_in_place_of_an_address_reads_that_nobody_is_called_as_who_can_get_it(
    redis: str, tmp_path: Path, language: str
) -> None:
    toml = SOLO.replace("[people.bo]\n", f'[people.bo]\nlanguage = "{language}"\n')
    async with a_world(redis, tmp_path / "data", toml, change=on_solo) as office:
        record = await asked(office)
        word = {"en": "delegate", "de": "weitergeben"}[language]

        await office.reply("bo", await office.next_mail("bo"), f"{word}: Cy Cole")

        told = " ".join((await office.next_mail("bo", about="Cy Cole")).text.split())
        expected = {
            "en": "“Cy Cole”. Behind “delegate:” write the mail address of a person. It can be handed on to: Cy Cole",
            "de": "Kennung „Cy Cole“. Schreiben Sie hinter „weitergeben:“ die Mail-Adresse einer Person.",
        }[language]
        assert expected in told
        assert (await office.request(record.request.id)).request.policy.handed_on == ()


async def test_over_http_a_refusal_says_why_and_changes_nothing(office: World) -> None:
    async with serving(office.app) as api:
        bo, cy, anna = [await api.client(person) for person in ("bo", "cy", "anna")]
        ci, record = await api.client(service="ci", acts_for=["bo"]), await asked(office)
        path = f"/v1/requests/{record.request.id}/delegate"

        told = refused(await bo.post(path, json={"to": "gus"}), 422, "not-delegable")
        assert "By the policy solo, Gus Gral can't decide" in told
        assert told.endswith(" It can be handed on to: Cy Cole, Dan Dorn, Eve Ebert and Fay Frey.")
        assert "asked for this" in refused(await bo.post(path, json={"to": "anna"}), 422, "not-delegable")
        refused(await bo.post(path, json={"to": "nobody"}), 404, "not-found")
        refused(await cy.post(path, json={"to": "dan"}), 404, "not-found")
        refused(await anna.post(path, json={"to": "dan"}), 403, "not-entitled")
        refused(await ci.post(path, json={"to": "dan"}), 403, "not-for-programs")
        assert (await office.request(record.request.id)).request == record.request
        await office.decide("bo", record, "deny")
        refused(await bo.post(path, json={"to": "cy"}), 409, "already-decided")


async def test_from_a_terminal(office: World) -> None:
    record = await asked(office)
    request_id = record.request.id

    done = await sayso(office, "delegate", request_id, "--to", "cy", "--reason", "off", "--as", "bo")
    refused = await sayso(office, "delegate", request_id, "--to", "dan", "--as", "bo")
    shown = await sayso(office, "requests", "--for", "cy", "--full")

    assert (done.code, "You handed it on to Cy Cole" in done.out) == (0, True)
    assert (refused.code, "Only who may decide it now can hand it on." in refused.out) == (1, True)
    assert "handed on  Bo Berg to Cy Cole: “off”" in shown.out


async def test_by_mail_it_is_a_line_and_nothing_else(office: World) -> None:
    record = await asked(office)
    card = await office.next_mail("bo")
    assert "reply with the line delegate: PERSON and nothing else" in " ".join(card.text.split())

    await office.reply("bo", card, "delegate: Cy@corp.example\nreason: I am on the train\n")

    told = await office.next_mail("bo", about="About")
    assert "You handed it on to Cy Cole, who decides in your place." in " ".join(told.text.split())
    now = await office.next_mail("cy", about="Press bell")
    assert "Handed on: Bo Berg to Cy Cole: “I am on the train”" in " ".join(now.text.split())
    assert (await office.request(record.request.id)).request.policy.givers == ("bo",)


ON_A_TRAIN = "I am on the train to Hamburg all day, where nobody has a network"


async def test_by_mail_a_reason_that_a_program_cut_into_lines_is_one_reason(office: World) -> None:
    record = await asked(office)
    why = "I am on the train to Hamburg, where nobody has a network, and Cy knows all there is to know about it"

    wish = f"delegate: cy@corp.example\n{textwrap.fill(f'reason: {why}', 72)}"
    await office.reply("bo", await office.next_mail("bo"), wish)

    assert why in " ".join((await office.next_mail("cy", about="Press bell")).text.split())
    assert (await office.request(record.request.id)).request.policy.givers == ("bo",)


async def test_by_mail_a_signature_without_dashes_is_no_part_of_it(office: World) -> None:
    record = await asked(office)

    wish = "delegate: cy@corp.example\nreason: I am on the train\n\nBo Berg\nHead of Operations\nT: +49 30 1234567"
    await office.reply("bo", await office.next_mail("bo"), wish)

    now = await office.next_mail("cy", about="Press bell")
    assert "Handed on: Bo Berg to Cy Cole: “I am on the train”" in " ".join(now.text.split())
    assert (await office.request(record.request.id)).request.policy.givers == ("bo",)


@pytest.mark.parametrize(
    "text",
    [
        "delegate: cy@corp.example please",
        "delegate: cy@corp.example\n\nBo Berg\ndelegate: dan@corp.example\nT: +49 30 1234567",
        "delegate: cy@corp.example\n\nBo Berg\nnot before noon\nT: +49 30 1234567",
        "could you delegate: cy@corp.example",
        "delegate: cy@corp.example\nbut not before noon",
        f"delegate: cy@corp.example\nreason: {ON_A_TRAIN}\nplease wait",
        f"delegate: cy@corp.example\nreason: {ON_A_TRAIN}\nab Montag",
        "delegate: cy@corp.example\ndelegate: dan@corp.example",
        "delegate cy@corp.example",
        "delegate:",
    ],
)
async def test_by_mail_nothing_else_is_taken_for_one(office: World, text: str) -> None:
    record = await asked(office)
    card = await office.next_mail("bo")

    await office.reply("bo", card, text)

    await office.next_mail("bo", about="Press bell?")
    now = await office.request(record.request.id)
    assert (now.state, now.request.policy.handed_on) == ("open", ())


async def test_by_mail_a_refusal_comes_with_a_card_that_can_be_answered(office: World) -> None:
    record = await asked(office)
    card = await office.next_mail("bo")

    await office.reply("bo", card, "delegate: anna")

    again = await office.next_mail("bo", about="was not handed on")
    assert "It was not handed on. Anna Ames asked for this" in " ".join(again.text.split())
    await office.reply("bo", again, "approve")
    await office.ended(record.request.run_id)
    assert office.workshop.effects == ["press bell"]
