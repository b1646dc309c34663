"""Being away loses no answer, leaves nobody asked who is not there, and is no way to take somebody's seat unheard."""

from pathlib import Path

import pytest

from agents.requests import PersonId
from bot.errors import Invalid
from bot.policy.judgements import Counted
from bot.requests.reassignment.absences import AbsenceWanted
from tests.bot.web.problems import refused
from tests.servers.web import serving
from tests.stories.test_absences import away, deciders
from tests.stories.test_delegation import SOLO, asked, on_solo
from tests.waiting import until
from tests.world import World, a_world

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


async def test_attack_an_answer_that_says_away_is_an_answer(redis: str, tmp_path: Path) -> None:
    async with a_world(redis, tmp_path / "data", SOLO, change=on_solo) as office:
        run_id = await office.trigger("ask-of person:bo free_text What shall the sign say?")
        await office.opened(run_id)

        await office.reply("bo", await office.next_mail("bo"), "away until 2027-01-01")

        assert await office.summary(run_id) == "done: answered: away until 2027-01-01"
        assert await office.app.requests.absences.all() == []


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


async def test_attack_no_absence_begins_in_a_year_that_no_clock_can_show(redis: str, tmp_path: Path) -> None:
    berlin = SOLO.replace('email = "bo@corp.example"\n', 'email = "bo@corp.example"\ntimezone = "Europe/Berlin"\n', 1)
    async with a_world(redis, tmp_path / "data", berlin, change=on_solo) as office:
        wanted = AbsenceWanted(PersonId("bo"), "2026-12-24", "0001-01-01", PersonId("cy"))

        with pytest.raises(Invalid, match="'0001-01-01' is no date or time"):
            await office.app.requests.absences.set(wanted, PersonId("bo"), channel="email")

        assert await office.app.requests.absences.all() == []


async def test_attack_nobody_is_made_absent_without_hearing_of_it(redis: str, tmp_path: Path) -> None:
    async with a_world(redis, tmp_path / "data", SOLO, change=on_solo) as office:
        record = await asked(office)
        await office.next_mail("bo", about="Press bell")
        wanted = AbsenceWanted(PersonId("bo"), "2026-12-24", to=PersonId("dan"))

        await office.app.requests.absences.set(wanted, PersonId("dan"), channel="cli")

        assert await deciders(office, record.request.id) == ("dan",)
        told = " ".join((await office.next_mail("bo", about="absence")).text.split())
        assert "Dan Dorn" in told
        assert "Dan Dorn stands in." in told


async def test_attack_a_service_says_of_nobody_that_they_are_away_or_back(redis: str, tmp_path: Path) -> None:
    async with a_world(redis, tmp_path / "data", SOLO, change=on_solo) as office, serving(office.app) as api:
        record = await asked(office)
        ci = await api.client(None, "admin", service="ci")
        away_with_eve = {"person": "bo", "until": "2026-12-24", "to": "eve"}

        refused(await ci.post("/v1/absences", json=away_with_eve), 403, "not-yours")
        refused(await ci.post("/v1/absences/end", json={"person": "bo"}), 403, "not-yours")

        assert await deciders(office, record.request.id) == ("bo",)
        assert await office.app.requests.absences.all() == []
