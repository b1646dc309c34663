"""Being away loses no answer, leaves nobody asked who is not there, and is no way to take somebody's seat unheard."""

from datetime import timedelta

import pytest

from agents.requests import PersonId
from agents.requests.proof import as_by
from bot.errors import Invalid
from bot.policy.judgements import Counted
from bot.requests.reassignment.absences import AbsenceWanted
from tests.bot.web.problems import refused
from tests.kit.long import few_of
from tests.kit.opens import opens
from tests.kit.tables import becomes
from tests.kit.waiting import until
from tests.kit.world import World
from tests.servers.console import a_console, sent
from tests.servers.web import Api
from tests.stories.test_absences import away, deciders, write
from tests.stories.test_delegation import SOLO, asked, on_solo

STEPS = """
[[policies.solo.steps]]
name = "first"
approvers = ["group:release"]

[[policies.solo.steps]]
name = "then"
approvers = ["person:dan"]
"""


async def goes_to(office: World, request_id: str, person: str) -> None:
    async def gone() -> bool:
        return await deciders(office, request_id) == (person,)

    await until(gone, what=f"{person} decides")


@opens(
    SOLO.replace('email = "bo@corp.example"\n', 'email = "bo@corp.example"\ntimezone = "Europe/Berlin"\n', 1),
    change=on_solo,
)
async def test_attack_an_answer_that_says_away_is_one_and_nobody_else_says_so_of_somebody_without_their_hearing_of_it(
    world: World, api: Api
) -> None:
    run_id, absences = await world.trigger("ask-of person:bo free_text What now?"), world.app.requests.absences
    await world.opened(run_id)
    await world.reply("bo", await world.next_mail("bo"), "away until 2027-01-01")
    assert await world.summary(run_id) == "done: answered: away until 2027-01-01"
    no_clock_shows = AbsenceWanted(PersonId("bo"), "2026-12-24", "0001-01-01", PersonId("cy"))
    with pytest.raises(Invalid, match="'0001-01-01' is no date or time"):
        await absences.set(no_clock_shows, PersonId("bo"), proof=as_by("email"))
    record, ci = await asked(world), await api.client(None, "admin", service="ci")
    away_with_eve = {"person": "bo", "until": "2026-12-24", "to": "eve"}
    refused(await ci.post("/v1/absences", json=away_with_eve), 403, "not-yours")
    refused(await ci.post("/v1/absences/end", json={"person": "bo"}), 403, "not-yours")
    assert await deciders(world, record.request.id) == ("bo",)
    assert await absences.all() == []

    wanted = AbsenceWanted(PersonId("bo"), "2026-12-24", to=PersonId("dan"))
    await absences.set(wanted, PersonId("dan"), proof=as_by("cli"))

    assert await deciders(world, record.request.id) == ("dan",)
    told = " ".join((await world.next_mail("bo", about="absence")).text.split())
    assert "Dan Dorn stands in." in told


@opens(SOLO.replace('approvers = ["person:bo"]\n', "", 1) + STEPS, change=on_solo)
async def test_attack_a_step_that_begins_while_somebody_is_away_asks_whoever_stands_in(world: World) -> None:
    await away(world, "dan", "eve")
    await world.move_time(120)
    await world.quiet()
    record = await asked(world)

    assert isinstance(await world.decide("bo", record, "approve"), Counted)

    await world.move_time(60)
    await goes_to(world, record.request.id, "eve")


@opens(SOLO, change=on_solo)
async def test_attack_what_is_handed_on_to_somebody_who_is_away_goes_on_to_whoever_stands_in(world: World) -> None:
    await away(world, "cy", "dan")
    await world.move_time(120)
    await world.quiet()
    record = await asked(world)

    await world.delegate("bo", record, "cy")

    await world.move_time(60)
    await goes_to(world, record.request.id, "dan")


NO_MAIL = SOLO.replace("approve_by_email = true\n", "")


async def says_away(office: World, way: str) -> None:
    """Have Bo's mailbox say that he is away and Eve stands in: by a mail, or after a log-in by a link in one."""
    day = (await office.now() + timedelta(days=3)).date().isoformat()
    async with a_console(office) as console:
        match way:
            case "mail":
                await write(office, f"away until {day}: eve@corp.example")
            case "key":
                _, key = await console.api.keyring.create(
                    person="bo", scopes=["answer"], made_by="person", link_by="email"
                )
                bo = console.api.with_key(key)
                assert (await bo.post("/v1/absences", json={"until": day, "to": "eve"})).status_code == 200
            case _:
                page = await console.browser("bo", by="email")
                path, fields = sent((await page.get("/live")).form("/live/away"), "I am away")
                await page.post(path, dict(fields) | {"until": day, "to": "eve"})

    async def is_set() -> bool:
        return bool(await office.app.requests.absences.all())

    await until(is_set, what="Bo is away")


@opens(NO_MAIL, change=on_solo)
@pytest.mark.parametrize("way", few_of(["mail", "key", "console"], 0))
async def test_attack_no_mailbox_chooses_who_stands_in_where_no_mail_approves(world: World, way: str) -> None:
    record = await asked(world)

    await says_away(world, way)
    assert await world.next_mail("anna", about="Somebody is away")

    later = await asked(world)
    for request_id in (record.request.id, later.request.id):
        stands = (await world.request(request_id)).asked
        assert (await deciders(world, request_id), stands.handed_on) == (("bo",), ())
        assert [one.person for one in stands.away] == ["bo"]
    told = " ".join((await world.next_mail("anna", about="Somebody is away")).text.split())
    assert "Nobody else can be asked in their place" in told
    await away(world, "bo", "cy")
    assert await deciders(world, record.request.id) == ("cy",)


@opens(NO_MAIL, change=on_solo)
async def test_attack_a_mailbox_does_not_lengthen_the_chain_of_those_who_stand_in(world: World) -> None:
    await away(world, "bo", "cy")
    cy = AbsenceWanted(PersonId("cy"), "2026-12-24", to=PersonId("eve"))
    await world.app.requests.absences.set(cy, PersonId("cy"), proof=as_by("email"))

    record = await asked(world)

    assert await deciders(world, record.request.id) == ("cy",)
    assert [one.person for one in record.asked.away] == ["cy"]


@opens(SOLO, change=on_solo)
async def test_attack_an_absence_holds_for_a_namesake_or_one_of_whoever_stands_in(world: World) -> None:
    await away(world, "bo", "cy")
    later = SOLO.replace("cy@corp.example", "cy.zander@corp.example")
    await becomes(world, later)

    stands = (await asked(world)).asked
    assert (stands.handed_on, [one.person for one in stands.away]) == ((), ["bo"])
    assert [one.to for one in await world.app.requests.absences.all()] == [None]

    await becomes(world, later.replace("bo@corp.example", "bo.zander@corp.example"))

    assert await world.app.requests.absences.all() == []
    assert await deciders(world, (await asked(world)).request.id) == ("bo~2",)
    assert [mail for mail in world.mails("bo.zander") if "absence" in mail.subject] == [], "it is not theirs"
