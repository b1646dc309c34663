"""Being away loses no answer, leaves nobody asked who is not there, and is no way to take somebody's seat unheard."""

from datetime import timedelta
from pathlib import Path

import pytest

from agents.requests import PersonId
from bot.errors import Invalid
from bot.policy.judgements import Counted
from bot.requests.reassignment.absences import AbsenceWanted
from tests.bot.web.problems import refused
from tests.kit.tables import becomes
from tests.kit.waiting import until
from tests.kit.world import World, a_world
from tests.servers.console import a_console, sent
from tests.servers.web import serving
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


async def test_attack_an_answer_that_says_away_is_one_and_nobody_else_says_so_of_somebody_without_their_hearing_of_it(
    redis: str, tmp_path: Path
) -> None:
    berlin = SOLO.replace('email = "bo@corp.example"\n', 'email = "bo@corp.example"\ntimezone = "Europe/Berlin"\n', 1)
    async with a_world(redis, tmp_path / "data", berlin, change=on_solo) as office, serving(office.app) as api:
        run_id, absences = await office.trigger("ask-of person:bo free_text What now?"), office.app.requests.absences
        await office.opened(run_id)
        await office.reply("bo", await office.next_mail("bo"), "away until 2027-01-01")
        assert await office.summary(run_id) == "done: answered: away until 2027-01-01"
        no_clock_shows = AbsenceWanted(PersonId("bo"), "2026-12-24", "0001-01-01", PersonId("cy"))
        with pytest.raises(Invalid, match="'0001-01-01' is no date or time"):
            await absences.set(no_clock_shows, PersonId("bo"), channel="email")
        record, ci = await asked(office), await api.client(None, "admin", service="ci")
        away_with_eve = {"person": "bo", "until": "2026-12-24", "to": "eve"}
        refused(await ci.post("/v1/absences", json=away_with_eve), 403, "not-yours")
        refused(await ci.post("/v1/absences/end", json={"person": "bo"}), 403, "not-yours")
        assert await deciders(office, record.request.id) == ("bo",)
        assert await absences.all() == []

        wanted = AbsenceWanted(PersonId("bo"), "2026-12-24", to=PersonId("dan"))
        await absences.set(wanted, PersonId("dan"), channel="cli")

        assert await deciders(office, record.request.id) == ("dan",)
        told = " ".join((await office.next_mail("bo", about="absence")).text.split())
        assert "Dan Dorn stands in." in told


async def test_attack_a_step_that_begins_while_somebody_is_away_asks_whoever_stands_in(
    redis: str, tmp_path: Path
) -> None:
    toml = SOLO.replace('approvers = ["person:bo"]\n', "", 1) + STEPS
    async with a_world(redis, tmp_path / "data", toml, change=on_solo) as office:
        await away(office, "dan", "eve")
        await office.move_time(120)
        await office.quiet()
        record = await asked(office)

        assert isinstance(await office.decide("bo", record, "approve"), Counted)

        await office.move_time(60)
        await goes_to(office, record.request.id, "eve")


async def test_attack_what_is_handed_on_to_somebody_who_is_away_goes_on_to_whoever_stands_in(
    redis: str, tmp_path: Path
) -> None:
    async with a_world(redis, tmp_path / "data", SOLO, change=on_solo) as office:
        await away(office, "cy", "dan")
        await office.move_time(120)
        await office.quiet()
        record = await asked(office)

        await office.delegate("bo", record, "cy")

        await office.move_time(60)
        await goes_to(office, record.request.id, "dan")


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


@pytest.mark.parametrize("way", ["mail", "key", "console"])
async def test_attack_no_mailbox_chooses_who_stands_in_where_no_mail_approves(
    redis: str, tmp_path: Path, way: str
) -> None:
    async with a_world(redis, tmp_path / "data", NO_MAIL, change=on_solo) as office:
        record = await asked(office)

        await says_away(office, way)

        later = await asked(office)
        for request_id in (record.request.id, later.request.id):
            policy = (await office.request(request_id)).request.policy
            assert (await deciders(office, request_id), policy.handed_on) == (("bo",), ())
            assert [one.person for one in policy.away] == ["bo"]
        told = " ".join((await office.next_mail("anna", about="Somebody is away")).text.split())
        assert "Nobody else can be asked in their place" in told
        await away(office, "bo", "cy")
        assert await deciders(office, record.request.id) == ("cy",)


async def test_attack_a_mailbox_does_not_lengthen_the_chain_of_those_who_stand_in(redis: str, tmp_path: Path) -> None:
    async with a_world(redis, tmp_path / "data", NO_MAIL, change=on_solo) as office:
        await away(office, "bo", "cy")
        cy = AbsenceWanted(PersonId("cy"), "2026-12-24", to=PersonId("eve"))
        await office.app.requests.absences.set(cy, PersonId("cy"), channel="email")

        record = await asked(office)

        assert await deciders(office, record.request.id) == ("cy",)
        assert [one.person for one in record.request.policy.away] == ["cy"]


async def test_attack_an_absence_holds_for_a_namesake_or_one_of_whoever_stands_in(redis: str, tmp_path: Path) -> None:
    async with a_world(redis, tmp_path / "data", SOLO, change=on_solo) as office:
        await away(office, "bo", "cy")
        later = SOLO.replace("cy@corp.example", "cy.zander@corp.example")
        await becomes(office, later)

        policy = (await asked(office)).request.policy
        assert (policy.handed_on, [one.person for one in policy.away]) == ((), ["bo"])
        assert [one.to for one in await office.app.requests.absences.all()] == [None]

        await becomes(office, later.replace("bo@corp.example", "bo.zander@corp.example"))

        assert await office.app.requests.absences.all() == []
        assert await deciders(office, (await asked(office)).request.id) == ("bo~2",)
        assert [mail for mail in office.mails("bo.zander") if "absence" in mail.subject] == [], "it is not theirs"
