"""A request that is handed on: who decides then, what everybody reads, and the ways to say it."""

import textwrap

from agents.events import RequestReassigned
from agents.requests import PersonId
from agents.requests.record import RequestRecord
from bot.policy.judgements import Delegated
from bot.queries.rebuild import rebuild
from bot.render.status_line import status_line
from tests.bot.cli.shell import sayso
from tests.bot.web.problems import refused
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.world import World
from tests.servers.web import Api
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


pytestmark = opens(SOLO, change=on_solo)


async def asked(world: World) -> RequestRecord:
    record = await world.opened(await world.trigger("press bell"))
    await world.quiet()
    return record


async def test_whoever_it_is_handed_on_to_gets_a_card_that_says_by_whom_and_why_and_decides(world: World) -> None:
    record = await asked(world)

    done = await world.delegate("bo", record, "cy", "I am on the train", once="same")
    again = await world.delegate("bo", record, "cy", "I am on the train", once="same")

    assert done == again == Delegated(person=PersonId("bo"), to=PersonId("cy"))
    card = await world.next_mail("cy", about="Press bell")
    said = " ".join(card.text.split())
    assert "Handed on: Bo Berg to Cy Cole: “I am on the train”" in said
    stands = await world.request(record.request.id)
    run = await world.run(record.request.run_id)
    assert status_line(run, stands, world.people).startswith("Waiting for Cy Cole (for Bo Berg)")
    assert (stands.request.digest, stands.request.revision) == (record.request.digest, 1)
    assert len(stands.asked.handed_on) == 1
    events = await world.events(record.request.run_id)
    [moved] = [event for event in events if isinstance(event, RequestReassigned)]
    assert (moved.why, moved.by, moved.person, moved.to) == ("delegated", "bo", "bo", ("cy",))
    assert (moved.reason, moved.channel) == ("I am on the train", "cli")
    [found] = await records(world, "reassigned", record.request.id)
    assert (found["who"], found["outcome"]) == ("bo", "delegated")
    [shown] = found["cards"]
    assert (shown["for"], shown["card"]["title"]) == (["cy"], "Press bell?")
    assert "I am on the train" in str(shown["card"])
    await rebuild(world.app.store)
    assert await world.request(record.request.id) == stands

    await world.reply("cy", card, "approve")

    assert await world.summary(record.request.run_id) == "done: ok: press bell: done"
    decision = (await world.request(record.request.id)).decision
    assert decision
    assert decision.by == ("cy",)


async def test_over_http_a_refusal_says_why_and_it_is_told_with_the_request_as_it_stands_then(
    world: World, api: Api
) -> None:
    bo, cy, anna = [await api.client(person) for person in ("bo", "cy", "anna")]
    ci, record = await api.client(service="ci", acts_for=["bo"]), await asked(world)
    path = f"/v1/requests/{record.request.id}/delegate"

    told = refused(await bo.post(path, json={"to": "gus"}), 422, "not-delegable")
    assert "By the policy solo, Gus Gral can't decide" in told
    assert told.endswith(" It can be handed on to: Cy Cole, Dan Dorn, Eve Ebert and Fay Frey.")
    assert "asked for this" in refused(await bo.post(path, json={"to": "anna"}), 422, "not-delegable")
    refused(await bo.post(path, json={"to": "nobody"}), 404, "not-found")
    refused(await cy.post(path, json={"to": "dan"}), 404, "not-found")
    refused(await anna.post(path, json={"to": "dan"}), 403, "not-entitled")
    refused(await ci.post(path, json={"to": "dan"}), 403, "not-for-programs")
    assert (await world.request(record.request.id)).request == record.request

    made = await bo.post(path, json={"to": "cy", "reason": "off"})

    said = made.json()
    assert (made.status_code, said["judgement"]) == (200, {"type": "delegated", "person": "bo", "to": "cy"})
    assert said["request"]["may_decide"] == ["cy"]
    assert said["request"]["handed_on"] == [{"person": "bo", "to": "cy", "why": "delegated", "reason": "off"}]
    assert "You may still deny it." in said["told"]
    await world.decide("bo", record, "deny")
    refused(await cy.post(path, json={"to": "dan"}), 409, "already-decided")


async def test_attack_by_mail_a_refusal_says_to_whom_it_can_go_and_comes_with_a_card_that_can_be_answered(
    world: World,
) -> None:
    record = await asked(world)

    await world.reply("bo", await world.next_mail("bo"), "delegate: Cy Cole")
    told = await world.next_mail("bo", about="Cy Cole")
    names = "“Cy Cole”. Behind “delegate:” write the mail address of a person. It can be handed on to: Cy Cole"
    assert names in " ".join(told.text.split())
    assert (await world.request(record.request.id)).asked.handed_on == ()

    record = await asked(world)
    await world.reply("bo", await world.next_mail("bo", about=record.request.id), "delegate: anna")
    again = await world.next_mail("bo", about="was not handed on")
    assert "It was not handed on. Anna Ames asked for this" in " ".join(again.text.split())
    await world.reply("bo", again, "approve")
    await world.ended(record.request.run_id)
    assert world.workshop.effects == ["press bell"]


async def test_from_a_terminal(world: World) -> None:
    record = await asked(world)
    request_id = record.request.id

    done = await sayso(world, "delegate", request_id, "--to", "cy", "--reason", "off", "--as", "bo")
    refused = await sayso(world, "delegate", request_id, "--to", "dan", "--as", "bo")
    shown = await sayso(world, "requests", "--for", "cy", "--full")

    assert (done.code, "You handed it on to Cy Cole" in done.out) == (0, True)
    assert (refused.code, "Only who may decide it now can hand it on." in refused.out) == (1, True)
    assert "handed on  Bo Berg to Cy Cole: “off”" in shown.out


async def test_by_mail_it_is_a_line_and_nothing_else(world: World) -> None:
    record = await asked(world)
    card = await world.next_mail("bo")
    assert "reply with the line delegate: PERSON and nothing else" in " ".join(card.text.split())

    await world.reply("bo", card, "delegate: Cy@corp.example\nreason: I am on the train\n")

    told = await world.next_mail("bo", about="About")
    assert "You handed it on to Cy Cole, who decides in your place." in " ".join(told.text.split())
    now = await world.next_mail("cy", about="Press bell")
    assert "Handed on: Bo Berg to Cy Cole: “I am on the train”" in " ".join(now.text.split())
    assert (await world.request(record.request.id)).asked.givers == ("bo",)


async def test_by_mail_what_a_program_cut_into_lines_is_one_reason_and_a_signature_no_part_of_it(
    world: World,
) -> None:
    why = "I am on the train to Hamburg, where nobody has a network, and Cy knows all there is to know about it"
    for wish in (
        f"delegate: cy@corp.example\n{textwrap.fill(f'reason: {why}', 72)}",
        "delegate: cy@corp.example\nreason: I am on the train\n\nBo Berg\nHead of Operations\nT: +49 30 1234567",
    ):
        record = await asked(world)
        card = await world.next_mail("bo", about=record.request.id)
        if "Head of Operations" in wish:
            await world.reply("bo", card, wish)
            card = await world.next_mail("bo", about="no earlier mail of this person had")
        await world.reply("bo", card, wish)

        now = " ".join((await world.next_mail("cy", about=record.request.id)).text.split())
        assert f"Handed on: Bo Berg to Cy Cole: “{why if 'Hamburg' in wish else 'I am on the train'}”" in now
        assert (await world.request(record.request.id)).asked.givers == ("bo",)


async def test_by_mail_nothing_else_is_taken_for_one(world: World) -> None:
    for text in (
        "delegate: cy@corp.example\n\nBo Berg\nnot before noon\nT: +49 30 1234567",
        "delegate: cy@corp.example\ndelegate: dan@corp.example",
    ):
        record = await asked(world)
        await world.reply("bo", await world.next_mail("bo", about=record.request.id), text)
        await world.next_mail("bo", about=record.request.id)
        now = await world.request(record.request.id)
        assert (now.state, now.asked.handed_on) == ("open", ()), text


async def test_by_mail_the_line_is_an_answer_where_a_question_is_asked(world: World) -> None:
    run_id = await world.trigger("ask-of person:bo free_text Which line?")
    record = await world.opened(run_id)

    await world.reply("bo", await world.next_mail("bo", "Which line?"), "delegate: cy@corp.example")

    await world.ended(run_id)
    now = await world.request(record.request.id)
    assert (now.state, now.asked.handed_on) == ("answered", ())
