"""Somebody is away: whoever stands in is asked instead, and everybody reads it."""

import secrets
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path

import pytest

from agents.events import RequestReassigned
from agents.requests import PersonId
from bot.errors import Invalid, NotFound
from bot.policy.approvers.quorum import eligible
from bot.policy.judgements import Decided, NotEntitled
from bot.queries.rebuild import rebuild
from bot.render.status_line import status_line
from bot.render.transcript import lines
from bot.requests.reassignment.absences import AbsenceWanted
from channels.email.local.reply_mail import compose_reply
from tests.bot.cli.shell import sayso
from tests.bot.web.problems import refused
from tests.kit.long import few_of
from tests.kit.office import TOML
from tests.kit.waiting import until
from tests.kit.world import World, a_world
from tests.servers.web import serving
from tests.stories.test_delegation import SOLO, asked, on_solo

DAY_S = 24 * 3600.0


@pytest.fixture
async def office(redis: str, tmp_path: Path) -> AsyncIterator[World]:
    async with a_world(redis, tmp_path / "data", SOLO, change=on_solo) as world:
        yield world


async def away(world: World, person: str, to: str | None, days: float = 3, starts: float = 0) -> None:
    now = await world.now()
    wanted = AbsenceWanted(
        PersonId(person),
        _after(now, days),
        _after(now, starts) if starts else "",
        PersonId(to) if to else None,
    )
    await world.app.requests.absences.set(wanted, PersonId(person), channel="cli")


def _after(now: datetime, days: float) -> str:
    return (now + timedelta(days=days)).isoformat()


async def deciders(world: World, request_id: str) -> tuple[str, ...]:
    record = await world.request(request_id)
    return eligible(record.request.policy, record.requesters)


async def test_a_request_that_names_them_asks_whoever_stands_in(office: World) -> None:
    await away(office, "bo", "cy")

    record = await asked(office)

    card = await office.next_mail("cy")
    assert "Cy Cole decides for Bo Berg, who is away until" in " ".join(card.text.split())
    assert office.mails("bo") == ()
    run = await office.run(record.request.run_id)
    assert status_line(run, record, office.people).startswith("Waiting for Cy Cole (for Bo Berg)")
    [said] = [one for one in await office.events(run.id) if isinstance(one, RequestReassigned)]
    assert (said.why, said.by, said.person, said.to) == ("absent", None, "bo", ("cy",))
    await rebuild(office.app.store)
    assert await office.request(record.request.id) == record
    assert isinstance(await office.decide("bo", record, "approve"), NotEntitled)
    assert isinstance(await office.decide("cy", record, "approve"), Decided)


async def test_what_they_hold_goes_to_whoever_stands_in_once_they_are_away(office: World) -> None:
    record = await asked(office)

    await away(office, "bo", "cy")

    assert await deciders(office, record.request.id) == ("cy",)
    card = await office.next_mail("cy")
    assert "decides for Bo Berg, who is away until" in " ".join(card.text.split())


async def test_absences_chain_and_go_in_no_circle(office: World) -> None:
    await away(office, "bo", "cy")
    await away(office, "cy", "dan")
    await away(office, "dan", "bo")

    record = await asked(office)

    assert await deciders(office, record.request.id) == ("dan",)
    assert [(one.person, one.to) for one in record.request.policy.handed_on] == [("bo", "cy"), ("cy", "dan")]
    assert [one.person for one in record.request.policy.away] == ["dan"]


async def test_a_chain_of_absences_ends_after_three_and_whoever_is_there_is_asked_though_away(office: World) -> None:
    for person, to in (("bo", "cy"), ("cy", "dan"), ("dan", "eve"), ("eve", "fay")):
        await away(office, person, to)

    record = await asked(office)

    assert await deciders(office, record.request.id) == ("eve",)
    policy = record.request.policy
    assert [(one.person, one.to) for one in policy.handed_on] == [("bo", "cy"), ("cy", "dan"), ("dan", "eve")]
    assert [one.person for one in policy.away] == ["eve"]
    assert "Eve Ebert is away until" in " ".join((await office.next_mail("eve")).text.split())
    assert office.mails("fay") == ()


@pytest.mark.parametrize("to", [None, "gus", "anna"])
async def test_where_nobody_can_stand_in_they_are_still_asked_and_it_says_that_they_are_away(
    office: World, to: str | None
) -> None:
    await away(office, "bo", to)

    record = await asked(office)

    assert await deciders(office, record.request.id) == ("bo",)
    assert "Away: Bo Berg is away until" in " ".join((await office.next_mail("bo")).text.split())
    run = await office.run(record.request.run_id)
    assert "Bo Berg, away until" in status_line(run, record, office.people)
    told = await office.next_mail("anna", about="Somebody is away")
    assert "Nobody else can be asked in their place, so they are still asked." in " ".join(told.text.split())


@pytest.mark.parametrize(
    ("to", "line"),
    [
        ("cy", "Bo Berg is away; Cy Cole, who stands in, is asked already"),
        (None, "Bo Berg is away, and nobody stands in"),
    ],
)
async def test_a_stand_in_who_is_asked_already_is_named_in_the_story_and_on_the_card(
    office: World, to: str | None, line: str
) -> None:
    office.workshop.policy_of["bell"] = "production"
    await away(office, "bo", to)

    record = await asked(office)

    assert {*await deciders(office, record.request.id)} == {"bo", "cy"}
    assert line in "\n".join(lines(await office.events(record.request.run_id), office.people))
    card = " ".join((await office.next_mail("cy")).text.split())
    assert "Away: Bo Berg is away until" in card
    assert ("Cy Cole, who stands in, is asked already" in card) == (to is not None)


async def test_who_took_part_does_not_stand_in(office: World) -> None:
    await away(office, "bo", "cy")
    run_id = await office.trigger("ask-of group:release free_text which one?\npress bell")
    question = await office.opened(run_id)
    await office.decide("cy", question, "free_text", "take the bell")

    record = await office.opened(run_id, after=question.request.id)

    assert await deciders(office, record.request.id) == ("bo",)


async def test_one_that_starts_later_moves_what_they_hold_when_it_starts_and_survives_a_restart(office: World) -> None:
    record = await asked(office)
    await away(office, "bo", "cy", days=0.1, starts=0.05)
    assert await deciders(office, record.request.id) == ("bo",)

    await office.stop()
    await office.move_time(0.06 * DAY_S)
    await office.start()

    async def moved() -> bool:
        return await deciders(office, record.request.id) == ("cy",)

    await until(moved, what="it has moved to Cy")


async def test_it_ends_by_itself_and_what_went_to_others_stays_there(office: World) -> None:
    record = await asked(office)
    await away(office, "bo", "cy", days=0.05)
    assert len(await office.app.requests.absences.all()) == 1

    await office.move_time(0.06 * DAY_S)

    assert await office.app.requests.absences.all() == []
    assert await deciders(office, record.request.id) == ("cy",)
    later = await asked(office)
    assert await deciders(office, later.request.id) == ("bo",)


async def test_times_that_make_no_sense_are_refused_in_words(office: World) -> None:
    absences, bo = office.app.requests.absences, PersonId("bo")
    for wanted in (
        AbsenceWanted(bo, "soon"),
        AbsenceWanted(bo, "2020-01-01"),
        AbsenceWanted(bo, "2199-01-01"),
        AbsenceWanted(bo, _after(await office.now(), 1), _after(await office.now(), 2)),
        AbsenceWanted(bo, _after(await office.now(), 1), to=bo),
    ):
        with pytest.raises(Invalid):
            await absences.set(wanted, bo, channel="cli")
    with pytest.raises(NotFound):
        await absences.set(AbsenceWanted(bo, _after(await office.now(), 1), to=PersonId("x")), bo, channel="cli")
    with pytest.raises(NotFound):
        await absences.end(bo, bo, channel="cli")
    assert await absences.all() == []


async def test_over_http_everybody_says_it_of_themselves_and_operators_of_others(redis: str, tmp_path: Path) -> None:
    toml = SOLO + '\n[roles]\noperator = ["person:dan"]\n'
    async with a_world(redis, tmp_path / "data", toml, change=on_solo) as office, serving(office.app) as api:
        bo, cy, dan = [await api.client(person) for person in ("bo", "cy", "dan")]
        until_then = _after(await office.now(), 2)

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


async def test_from_a_terminal(office: World) -> None:
    then = _after(await office.now(), 2)

    made = await sayso(office, "absence", "set", "--until", then, "--to", "cy", "--as", "bo")
    listed = await sayso(office, "absence", "list")
    ended = await sayso(office, "absence", "end", "--as", "bo")

    assert (made.code, "Cy Cole stands in." in made.out) == (0, True)
    assert "Bo Berg is away from" in listed.out
    assert (ended.code, "ended" in ended.out) == (0, True)
    assert "Nobody is away." in (await sayso(office, "absence", "list")).out


async def write(office: World, text: str) -> None:
    """A new mail of Bo's, with all that a mail program adds."""
    mail, who, to = EmailMessage(policy=SMTP), "bo@corp.example", "sayso@sayso.example"
    mail["From"], mail["To"], mail["Message-ID"] = who, to, f"<{secrets.token_hex(8)}@corp.example>"
    mail["Date"], mail["Subject"] = format_datetime(office.about_now()), "Away"
    mail.set_content(text)
    await office.transport(who).send(bytes(mail), sender=who, recipients=[to])


async def test_by_mail_it_is_a_line_of_its_own_and_no_wish(office: World) -> None:
    day = _after(await office.now(), 3)[:10]

    await write(office, f"away until {day}: cy@corp.example")

    told = await office.next_mail("bo", about="absence")
    assert "Cy Cole stands in where an approval by mail counts." in " ".join(told.text.split())
    [absence] = await office.app.requests.absences.all()
    assert (absence.person, absence.to) == ("bo", "cy")
    assert await office.app.store.lists.runs() == []
    await office.move_time(60)
    await write(office, "not away")

    async def is_back() -> bool:
        return not await office.app.requests.absences.all()

    await until(is_back, what="Bo is back")


@pytest.mark.parametrize(
    "below",
    [
        "Sent from my iPhone",
        "Von meinem iPhone gesendet",
        "Best regards,\n\nBo Berg\nHead of Operations\nCorp Ltd | 1 High Street | London\nT: +44 20 1234567",
        "*Bo Berg*\nHead of Operations\n+49 30 1234567 <+49301234567>\nwww.corp.example <http://www.corp.example>",
    ],
)
async def test_what_a_phone_or_a_company_writes_below_it_is_no_word_of_its_writer(office: World, below: str) -> None:
    day = _after(await office.now(), 3)[:10]

    await write(office, f"away until {day}: cy@corp.example\n\n{below}\n")

    await office.next_mail("bo", about="absence")
    assert [one.to for one in await office.app.requests.absences.all()] == ["cy"]


async def test_what_a_company_writes_below_it_is_none_in_answer_to_a_card_either(office: World) -> None:
    await asked(office)
    day = _after(await office.now(), 3)[:10]

    text = f"away until {day}: cy@corp.example\n\nBo Berg\nHead of Operations\nT: +44 20 1234567\n"
    await office.reply("bo", await office.next_mail("bo"), text)

    await office.next_mail("bo", about="absence")
    assert [one.to for one in await office.app.requests.absences.all()] == ["cy"]


@pytest.mark.parametrize(
    "line", ["only if Cy agrees", "not before Friday", "No, don't", "Call me first: +44 20 1234567", "ok?"]
)
async def test_attack_a_line_among_those_of_a_signature_says_when_or_no(office: World, line: str) -> None:
    day = _after(await office.now(), 3)[:10]

    await write(office, f"away until {day}: cy@corp.example\n\nBo Berg\n{line}\nT: +44 20 1234567\n")

    await office.next_mail("bo", about="No run was started")
    assert await office.app.requests.absences.all() == []


@pytest.mark.parametrize(
    "text",
    few_of(
        [
            "away until Monday: cy@corp.example",
            "away until 2026-12-24: Cy Cole",
            "Abwesend bis Freitag, 17 Uhr",
            "On vacation until Dec 4, Cy covers for me",
            "Ich bin bis Montag nicht da.",
            "I'm back",
        ],
        0,
    ),
)
async def test_other_words_for_it_start_no_run_and_whoever_wrote_them_reads_what_sets_one(
    office: World, text: str
) -> None:
    await write(office, text)

    told = " ".join((await office.next_mail("bo", about="No run was started")).text.split())

    assert "This sets no absence and ends none" in told
    assert "away until 2026-12-01: ADDRESS" in told
    assert "not away" in told
    assert await office.app.requests.absences.all() == []
    assert await office.app.store.lists.runs() == []


@pytest.mark.parametrize(
    "beside",
    few_of(["Only if Cy agrees", "But production stays with me", "aber erst ab Montag"], 0),
)
async def test_attack_a_line_with_others_below_it_sets_none_and_has_its_writer_believe_that_it_does(
    office: World, beside: str
) -> None:
    day = _after(await office.now(), 3)[:10]

    await write(office, f"away until {day}: cy@corp.example\n\n{beside}")
    await office.quiet()

    [mail] = office.mails("bo")
    told = " ".join(mail.text.split())
    assert "This sets no absence and ends none. To be away, write this alone in a new message" in told
    assert await office.app.requests.absences.all() == []
    assert await office.app.store.lists.runs() == []


async def test_attack_an_answer_that_is_sent_again_sets_no_absence_anew(office: World) -> None:
    await asked(office)
    card, at = await office.next_mail("bo"), office.about_now()
    text = f"away until {_after(await office.now(), 3)[:10]}: cy@corp.example"
    bo = office.app.people.contact("bo")
    assert bo is not None

    async def answered() -> str:
        mail, who = compose_reply(card, text, author=bo, at=at), "bo@corp.example"
        raw = mail.raw.replace(mail.message_id.encode(), f"<{secrets.token_hex(8)}@corp.example>".encode())
        await office.transport(who).send(raw, sender=who, recipients=(mail.recipient,))
        return " ".join((await office.next_mail("bo", about="absence")).text.split())

    assert "Cy Cole stands in where" in await answered()
    await office.app.requests.absences.end(PersonId("bo"), PersonId("bo"), channel="cli")
    assert "the same mail came before" in await answered()
    assert not await office.app.requests.absences.all()


async def test_a_mail_that_could_not_approve_sets_no_absence(office: World) -> None:
    day = _after(await office.now(), 3)[:10]

    await office.send("bo", "sayso@sayso.example", f"away until {day}: cy@corp.example")

    told = " ".join((await office.next_mail("bo", about="absence")).text.split())
    assert "your mail proves too little for that (it has not exactly one Date" in told
    assert "Say it in the console, in Slack, or with: sayso absence" in told
    assert await office.app.requests.absences.all() == []


async def test_what_a_program_asks_goes_at_once_to_whoever_stands_in(office: World) -> None:
    async with serving(office.app) as api:
        ci = await api.client(None, "ask", service="ci", acts_for=["anna"], asks=["policy:solo"])
        await away(office, "bo", "cy")
        wanted = {"title": "Delete staging-7", "policy": "solo", "arguments": {"name": "staging-7"}}

        opened = (await ci.post("/v1/requests", json=wanted)).json()

        card = await office.next_mail("cy")
    await office.quiet()
    assert opened["may_decide"] == ["cy"]
    assert "Cy Cole decides for Bo Berg, who is away until" in " ".join(card.text.split())
    assert office.mails("bo") == ()
    record = await office.request(opened["id"])
    await rebuild(office.app.store)
    assert await office.request(opened["id"]) == record


async def test_the_card_of_a_program_says_who_is_away_and_whoever_asked_hears_it(redis: str, tmp_path: Path) -> None:
    async with a_world(redis, tmp_path / "data", TOML) as office, serving(office.app) as api:
        ci = await api.client(None, "ask", service="ci", acts_for=["anna"], asks=["policy:pair"])
        await away(office, "bo", None)
        wanted = {"title": "Delete staging-7", "policy": "pair", "arguments": {"name": "staging-7"}}

        opened = (await ci.post("/v1/requests", json=wanted)).json()

        card = await office.next_mail("cy")
        told = await office.next_mail("anna", about="Somebody is away")
    assert [one["person"] for one in opened["away"]] == ["bo"]
    assert "Bo Berg is away until" in card.text
    assert "Bo Berg is away until" in told.text
