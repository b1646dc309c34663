"""Somebody is away: whoever stands in is asked instead, and everybody reads it."""

import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP

import pytest

from agents.events import RequestReassigned
from agents.requests import PersonId
from agents.requests.proof import as_by
from bot.audit.reading import Query
from bot.errors import Invalid, NotFound
from bot.people.absences import Absence
from bot.policy.approvers.who import who_of
from bot.policy.judgements import Decided, NotEntitled
from bot.queries.rebuild import rebuild
from bot.render.status_line import status_line
from bot.render.transcript import lines
from bot.requests.reassignment.absences import AbsenceWanted
from bot.store import Keys, StoreError
from channels import Trigger
from channels.email.local.reply_mail import compose_reply
from tests.bot.cli.shell import sayso
from tests.bot.web.problems import refused
from tests.fakes.hallway import Hallway
from tests.kit.opens import opens
from tests.kit.waiting import until
from tests.kit.world import World
from tests.servers.web import Api, serving
from tests.stories.test_break_glass import breaks
from tests.stories.test_delegation import SOLO, asked, on_solo

DAY_S = 24 * 3600.0


pytestmark = opens(SOLO, change=on_solo)


async def away(world: World, person: str, to: str | None, days: float = 3, starts: float = 0) -> None:
    now = await world.now()
    wanted = AbsenceWanted(
        PersonId(person),
        _after(now, days),
        _after(now, starts) if starts else "",
        PersonId(to) if to else None,
    )
    await world.app.requests.absences.set(wanted, PersonId(person), proof=as_by("cli"))


def _after(now: datetime, days: float) -> str:
    return (now + timedelta(days=days)).isoformat()


async def deciders(world: World, request_id: str) -> tuple[str, ...]:
    record = await world.request(request_id)
    return who_of(record).approve


async def test_a_request_that_names_them_asks_whoever_stands_in(world: World) -> None:
    await away(world, "bo", "cy")

    record = await asked(world)

    card = await world.next_mail("cy")
    assert "Cy Cole decides for Bo Berg, who is away until" in " ".join(card.text.split())
    assert world.mails("bo") == ()
    run = await world.run(record.request.run_id)
    assert status_line(run, record, world.people).startswith("Waiting for Cy Cole (for Bo Berg)")
    [said] = [one for one in await world.events(run.id) if isinstance(one, RequestReassigned)]
    assert (said.why, said.by, said.person, said.to) == ("absent", None, "bo", ("cy",))
    await rebuild(world.app.store)
    assert await world.request(record.request.id) == record
    assert isinstance(await world.decide("bo", record, "approve"), NotEntitled)
    assert isinstance(await world.decide("cy", record, "approve"), Decided)


async def test_attack_they_are_away_or_back_by_what_others_say_and_are_not_told_as_that_breaks_off(
    world: World,
) -> None:
    client, absences, outbox = world.app.store.client, world.app.requests.absences, Keys(0).outbox
    wanted = AbsenceWanted(PersonId("bo"), _after(await world.now(), 3), "", PersonId("cy"))
    says: list[Callable[[], Awaitable[Absence]]] = [
        lambda: absences.set(wanted, PersonId("dan"), as_by("cli")),
        lambda: absences.end(PersonId("bo"), PersonId("dan"), as_by("cli")),
    ]
    for number, say in enumerate(says):
        before = await absences.all()
        await client.do("SET", outbox, "by hand")
        with pytest.raises(StoreError):
            await say()
        assert await absences.all() == before
        await client.do("DEL", outbox)

        await say()

        await world.quiet()
        told = [letter for letter in world.mails("bo") if letter.subject == "About your absence"]
        assert len(told) == number + 1
        assert await absences.all() != before


async def test_where_nobody_can_stand_in_they_are_still_asked_and_it_says_that_they_are_away(world: World) -> None:
    for to in (None, "gus", "anna"):
        await away(world, "bo", to)

        record = await asked(world)

        assert await deciders(world, record.request.id) == ("bo",)
        card = await world.next_mail("bo", about=record.request.id)
        assert "Away: Bo Berg is away until" in " ".join(card.text.split())
        run = await world.run(record.request.run_id)
        assert "Bo Berg, away until" in status_line(run, record, world.people)
        for person, helps in (("anna", False), ("dan", True)):
            told = " ".join((await world.next_mail(person, about="Somebody is away")).text.split())
            assert "Nobody else can be asked in their place, so they are still asked." in told
            assert ("Without them too few are left to approve it" in told) is helps


@opens(SOLO)
async def test_operators_hear_of_an_absence_where_too_few_are_left_and_not_where_others_are_enough(
    world: World,
) -> None:
    for away_by_now, has_word in (("bo", False), ("cy", True)):
        await away(world, away_by_now, None)

        await asked(world)

        assert any("too few are left" in " ".join(one.text.split()) for one in world.mails("dan")) is has_word


@pytest.mark.parametrize("ends", ["said so", "over"])
async def test_attack_who_is_back_is_said_to_be_away_for_as_long_as_a_request_of_before_is_open(
    world: World, api: Api, ends: str
) -> None:
    await away(world, "bo", None, days=1 / 24)
    record = await asked(world)
    assert "away until" in status_line(await world.run(record.request.run_id), record, world.people)
    await world.next_mail("anna", about="is away until")
    if ends == "said so":
        await world.app.requests.absences.end(PersonId("bo"), PersonId("bo"), proof=as_by("cli"))
    else:
        await world.move_time(3700)
        await world.app.requests.absences.look()
    await world.quiet()

    record = await world.request(record.request.id)
    shown = (await (await api.client("anna")).get(f"/v1/requests/{record.request.id}")).json()
    run = await world.run(record.request.run_id)
    assert status_line(run, record, world.people).startswith("Waiting for Bo Berg: ")
    assert shown["away"] == []
    assert "Bo Berg is back" in list(lines(await world.events(run.id), world.people))[-1]
    assert len(world.mails("anna")) == 1, "that he is away, and nothing else"


async def test_a_stand_in_who_is_asked_already_is_named_in_the_story_and_on_the_card(world: World) -> None:
    world.workshop.policy_of["bell"] = "production"
    for to, line in (
        ("cy", "Bo Berg is away; Cy Cole, who stands in, is asked already"),
        (None, "Bo Berg is away, and nobody stands in"),
    ):
        await away(world, "bo", to)

        record = await asked(world)

        assert {*await deciders(world, record.request.id)} == {"bo", "cy"}
        assert line in "\n".join(lines(await world.events(record.request.run_id), world.people))
        card = " ".join((await world.next_mail("cy", about=record.request.id)).text.split())
        assert "Away: Bo Berg is away until" in card
        assert ("Cy Cole, who stands in, is asked already" in card) == (to is not None)


async def test_one_that_starts_later_moves_what_they_hold_when_it_starts_and_survives_a_restart(world: World) -> None:
    record = await asked(world)
    await away(world, "bo", "cy", days=0.1, starts=0.05)
    assert await deciders(world, record.request.id) == ("bo",)

    await world.stop()
    await world.move_time(0.06 * DAY_S)
    await world.start()

    async def moved() -> bool:
        return await deciders(world, record.request.id) == ("cy",)

    await until(moved, what="it has moved to Cy")


async def test_it_ends_by_itself_and_what_went_to_others_stays_there(world: World) -> None:
    record = await asked(world)
    await away(world, "bo", "cy", days=0.05)
    assert len(await world.app.requests.absences.all()) == 1

    await world.move_time(0.06 * DAY_S)

    assert await world.app.requests.absences.all() == []
    assert await deciders(world, record.request.id) == ("cy",)
    later = await asked(world)
    assert await deciders(world, later.request.id) == ("bo",)
    await world.app.requests.absences.look()
    await world.seal()
    ended, _ = await world.app.audit.search(Query(kind="absence_ended"))
    assert {(str(one["people"]), str(one["outcome"])) for one in ended} == {("['bo']", "over")}


async def test_times_that_make_no_sense_are_refused_in_words(world: World) -> None:
    absences, bo = world.app.requests.absences, PersonId("bo")
    for wanted in (
        AbsenceWanted(bo, "soon"),
        AbsenceWanted(bo, "2020-01-01"),
        AbsenceWanted(bo, "2199-01-01"),
        AbsenceWanted(bo, _after(await world.now(), 1), _after(await world.now(), 2)),
        AbsenceWanted(bo, _after(await world.now(), 1), to=bo),
    ):
        with pytest.raises(Invalid):
            await absences.set(wanted, bo, proof=as_by("cli"))
    with pytest.raises(NotFound):
        await absences.set(AbsenceWanted(bo, _after(await world.now(), 1), to=PersonId("x")), bo, proof=as_by("cli"))
    with pytest.raises(NotFound):
        await absences.end(bo, bo, proof=as_by("cli"))
    assert await absences.all() == []


@opens(f'{SOLO}\n[roles]\noperator = ["person:dan"]\n', change=on_solo)
async def test_over_http_everybody_says_it_of_themselves_and_operators_of_others(world: World, api: Api) -> None:
    bo, cy, dan = [await api.client(person) for person in ("bo", "cy", "dan")]
    until_then = _after(await world.now(), 2)

    made = (await bo.post("/v1/absences", json={"until": until_then, "to": "cy"})).json()
    assert (made["person"], made["to"], made["by"]) == ("bo", "cy", "bo")
    assert "Bo Berg is away from" in made["told"]
    assert "Cy Cole stands in." in made["told"]
    refused(await cy.post("/v1/absences", json={"until": until_then, "person": "bo"}), 403, "not-yours")
    refused(await cy.post("/v1/absences/end", json={"person": "bo"}), 403, "not-yours")
    assert [one["person"] for one in (await cy.get("/v1/absences")).json()["absences"]] == ["bo"]
    other = (await dan.post("/v1/absences", json={"until": until_then, "person": "cy"})).json()
    assert (other["person"], other["by"]) == ("cy", "dan")
    assert (await dan.post("/v1/absences/end", json={"person": "bo"})).status_code == 200
    assert (await cy.post("/v1/absences/end", json={})).status_code == 200
    assert (await cy.get("/v1/absences")).json() == {"absences": []}


async def test_from_a_terminal(world: World) -> None:
    then = _after(await world.now(), 2)

    made = await sayso(world, "absence", "set", "--until", then, "--to", "cy", "--as", "bo")
    listed = await sayso(world, "absence", "list")
    ended = await sayso(world, "absence", "end", "--as", "bo")

    assert (made.code, "Cy Cole stands in." in made.out) == (0, True)
    assert "Bo Berg is away from" in listed.out
    assert (ended.code, ended.out) == (0, "Bo Berg is back.\n")
    assert "Nobody is away." in (await sayso(world, "absence", "list")).out


async def write(world: World, text: str) -> None:
    """A new mail of Bo's, with all that a mail program adds."""
    mail, who, to = EmailMessage(policy=SMTP), "bo@corp.example", "sayso@sayso.example"
    mail["From"], mail["To"], mail["Message-ID"] = who, to, f"<{secrets.token_hex(8)}@corp.example>"
    mail["Date"], mail["Subject"] = world.date(world.about_now()), "Away"
    mail.set_content(text)
    await world.transport(who).send(bytes(mail), sender=who, recipients=[to])


async def test_by_mail_it_is_a_line_of_its_own_and_no_wish(world: World) -> None:
    day = _after(await world.now(), 3)[:10]

    await write(world, f"away until {day}: cy@corp.example")

    told = await world.next_mail("bo", about="absence")
    assert "Cy Cole stands in where an approval by email counts." in " ".join(told.text.split())
    [absence] = await world.app.requests.absences.all()
    assert (absence.person, absence.to) == ("bo", "cy")
    assert await world.app.store.lists.runs() == []
    await world.move_time(60)
    await write(world, "not away")

    async def is_back() -> bool:
        return not await world.app.requests.absences.all()

    await until(is_back, what="Bo is back")


@opens(beside=("hallway",), reach=("slack", "email"))
async def test_no_edit_of_a_message_sets_an_absence(world: World, hallway: Hallway) -> None:
    said = Trigger(person="bo", text=f"away until {_after(await world.now(), 3)[:10]}", thread="C1/1.2", is_edit=True)

    await world.app.messages.inbox.handle(await world.app.messages.inbox.accept(hallway.item(said)))

    assert await world.app.requests.absences.all() == []


async def test_attack_other_words_for_it_and_a_line_with_others_below_set_none_and_whoever_wrote_them_reads_what_does(
    world: World,
) -> None:
    alone = f"away until {_after(await world.now(), 3)[:10]}: cy@corp.example"
    for text in (
        *(f"{alone}\n\nBo Berg\n{line}\nT: +44 20 1234567\n" for line in ("No, don't", "ok?")),
        f"{alone}\n\naber erst ab Montag",
        "away until Monday: cy@corp.example",
        "I'm back",
    ):
        await world.move_time(1)
        await write(world, text)

        told = " ".join((await world.next_mail("bo", about="No run was started")).text.split())
        assert "This sets no absence and ends none" in told, text
        assert "not away" in told
        assert await world.app.requests.absences.all() == []
        assert await world.app.store.lists.runs() == []


async def test_attack_an_answer_that_is_sent_again_sets_no_absence_anew(world: World) -> None:
    await asked(world)
    card, at = await world.next_mail("bo"), world.about_now()
    text = f"away until {_after(await world.now(), 3)[:10]}: cy@corp.example"
    bo = world.app.people.contact("bo")
    assert bo is not None

    async def answered() -> str:
        mail, who = compose_reply(card, text, author=bo, at=at), "bo@corp.example"
        raw = mail.raw.replace(mail.message_id.encode(), f"<{secrets.token_hex(8)}@corp.example>".encode())
        await world.transport(who).send(raw, sender=who, recipients=(mail.recipient,))
        return " ".join((await world.next_mail("bo", about="absence")).text.split())

    assert "Cy Cole stands in where" in await answered()
    await world.app.requests.absences.end(PersonId("bo"), PersonId("bo"), proof=as_by("cli"))
    assert "the same mail came before" in await answered()
    assert not await world.app.requests.absences.all()


async def test_what_a_program_asks_goes_at_once_to_whoever_stands_in(world: World) -> None:
    async with serving(world.app) as api:
        ci = await api.client(None, "ask", service="ci", acts_for=["anna"], asks=["policy:solo"])
        await away(world, "bo", "cy")
        wanted = {"title": "Delete staging-7", "policy": "solo", "arguments": {"name": "staging-7"}}

        opened = (await ci.post("/v1/requests", json=wanted)).json()

        card = await world.next_mail("cy")
    await world.quiet()
    assert opened["may_decide"] == ["cy"]
    assert "Cy Cole decides for Bo Berg, who is away until" in " ".join(card.text.split())
    assert world.mails("bo") == ()
    record = await world.request(opened["id"])
    await rebuild(world.app.store)
    assert await world.request(opened["id"]) == record


BOTH_AWAY = (
    SOLO
    + """
[policies.night]
approvers = ["person:anna", "person:bo"]
stand_ins = ["person:cy", "person:dan"]
requester_may_approve = true
expires_after = "4h"
break_glass = ["person:bo"]
"""
)


@opens(BOTH_AWAY)
async def test_attack_who_asked_and_who_broke_the_glass_never_hear_that_nobody_knows_as_others_stand_in_for_them(
    world: World,
) -> None:
    world.workshop.policy_of["bell"] = "night"
    world.workshop.hold("bell")
    record = await asked(world)
    await breaks(world, "bo", record)
    await until(lambda: world.workshop.started, what="it presses")
    for person, to in (("anna", "cy"), ("bo", "dan")):
        await away(world, person, to)

    async with world.stopped():
        pass

    for person in ("anna", "bo"):
        told = await world.next_mail(person, about="nobody knows whether something happened")
        assert "Cy Cole and Dan Dorn are asked" in " ".join(told.text.split())
