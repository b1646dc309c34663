"""Who is said to be the same human: by whom, of whom, how often, and what the id of somebody else means meanwhile."""

from pathlib import Path

import pytest

from agents.requests import PersonId
from bot.policy.judgements import Decided, NotEntitled
from bot.policy.record import RequestRecord
from tests.bot.web.problems import refused
from tests.kit.office import ROLES, TOML
from tests.kit.tables import becomes, without
from tests.kit.waiting import until
from tests.kit.world import World, a_world, beside_it
from tests.servers.web import serving
from tests.stories.attacks.test_who_is_who import asked, with_mark
from tests.stories.test_absences import away

_ADMINS = TOML + ROLES
_SAME = "/v1/people/same"


def at(toml: str, address: str) -> str:
    """The file in which Bo has another address."""
    return toml.replace("bo@corp.example", address)


async def test_attack_whose_key_a_program_has_says_it_of_themselves(redis: str, tmp_path: Path) -> None:
    async with a_world(redis, tmp_path / "data", TOML) as office, serving(office.app) as api:
        record = await asked(office)
        await becomes(office, at(TOML, "mallory@corp.example"))
        for given in ({"holders": ["bo"]}, {"holders": ["dan"], "acts_for": ["bo"]}):
            ci = await api.client(None, "admin", service="ci", **given)
            refused(await ci.post(_SAME, json={"known_by": "bo@corp.example", "person": "bo"}), 403, "not-yours")

        assert office.app.people.named("bo") == "bo~2"
        assert isinstance(await office.decide("bo", record, "approve"), NotEntitled)


@pytest.mark.parametrize("way", ["an entry that they left", "the key of a program of theirs"])
async def test_attack_an_admin_says_it_of_themselves_by_another_mark_of_theirs(
    redis: str, tmp_path: Path, way: str
) -> None:
    """Ada has a second entry with an address that was hers: what Bo may decide would be hers to decide."""
    toml = _ADMINS.replace('email = "ada@corp.example"', 'email = "ada@corp.example"\nuid = "7"')
    async with a_world(redis, tmp_path / "data", toml) as office, serving(office.app) as api:
        record, mine = await asked(office), "ada@corp.example"
        if way == "an entry that they left":
            await becomes(office, at(toml, "bob@corp.example").replace(mine, "bo@corp.example"))
        else:
            await becomes(office, at(toml.replace(mine, "aster@corp.example"), mine))
        admin = await api.client("ada", "admin")
        if way == "the key of a program of theirs":
            admin = await api.client(None, "admin", service="ci", holders=["ada"])

        refused(await admin.post(_SAME, json={"known_by": "bo", "person": "bo"}), 403, "not-yours")

        assert office.app.people.named("bo") == "bo~2"
        assert isinstance(await office.decide("bo", record, "approve"), NotEntitled)


async def test_attack_somebody_else_is_told_to_be_the_same_already(redis: str, tmp_path: Path) -> None:
    async with a_world(redis, tmp_path / "data", _ADMINS) as office, serving(office.app) as api:
        ada = await api.client("ada", "admin")
        await becomes(office, at(_ADMINS, "bob@corp.example"))
        assert (await ada.post(_SAME, json={"known_by": "bo@corp.example", "person": "bo"})).json()["id"] == "bo"

        for known_by in ("bo~2", "bo@corp.example"):
            refused(await ada.post(_SAME, json={"known_by": known_by, "person": "cy"}), 409, "not-now")
        assert (await ada.post(_SAME, json={"known_by": "bo~2", "person": "bo"})).json()["id"] == "bo"


async def test_attack_who_was_brought_back_is_made_somebody_else_again(redis: str, tmp_path: Path) -> None:
    async with a_world(redis, tmp_path / "data", _ADMINS) as office, serving(office.app) as api:
        ada, record = await api.client("ada", "admin"), await asked(office)
        await becomes(office, at(_ADMINS, "second@corp.example"))
        await becomes(office, at(_ADMINS, "third@corp.example"))
        assert office.app.people.named("bo") == "bo~3"
        assert (await ada.post(_SAME, json={"known_by": "bo@corp.example", "person": "bo"})).json()["id"] == "bo"

        refused(await ada.post(_SAME, json={"known_by": "second@corp.example", "person": "bo"}), 409, "not-now")

        assert office.app.people.named("bo") == "bo"
        assert isinstance(await office.decide("bo", record, "approve"), Decided)


async def test_attack_who_has_what_somebody_had_before_they_were_brought_back_approves_what_those_asked_for(
    redis: str, tmp_path: Path
) -> None:
    both = with_mark(_ADMINS, "cy", 'uid = "22"')
    between = with_mark(at(both, "bob@corp.example"), "bo", 'uid = "11"')
    async with a_world(redis, tmp_path / "data", both) as office, serving(office.app) as api:
        record = await office.opened(await office.trigger("press bell", "bo"))
        await becomes(office, with_mark(between, "bo", 'slack = "U0BO"'))
        await becomes(office, between)
        ada = await api.client("ada", "admin")
        assert (await ada.post(_SAME, json={"known_by": "bo@corp.example", "person": "bo"})).json()["id"] == "bo"

        await becomes(office, with_mark(between, "cy", 'slack = "U0BO"'))

        now = await office.request(record.request.id)
        assert not isinstance(await office.decide("cy", now, "approve"), Decided)
        assert office.workshop.effects == []


async def test_attack_what_somebody_asked_for_in_between_nobody_but_an_operator_stops(
    redis: str, tmp_path: Path
) -> None:
    async with a_world(redis, tmp_path / "data", _ADMINS) as office, serving(office.app) as api:
        await becomes(office, at(_ADMINS, "bob@corp.example"))
        run_id = await office.trigger("press bell", "bo")
        record, ada = await office.opened(run_id), await api.client("ada", "admin")

        said = await ada.post(_SAME, json={"known_by": "bo@corp.example", "person": "bo"})

        assert "asked for since then, as bo~2, they still see and can stop" in said.json()["told"]
        assert office.app.people.named("bo") == "bo"
        assert not isinstance(await office.decide("bo", record, "approve"), Decided)
        bo = await api.client("bo")
        assert [run["id"] for run in (await bo.get("/v1/runs")).json()["runs"]] == [run_id]
        refused(await (await api.client("eve")).post(f"/v1/runs/{run_id}/cancel"), 404, "not-found")
        await office.post("bob", "sayso@sayso.example", f"stop {run_id}")
        await office.ended(run_id)
        assert (await office.request(record.request.id)).state == "withdrawn"
        assert office.workshop.effects == []


async def new_ones(office: World) -> list[str]:
    """What the operators were told of people who count as somebody new."""
    await office.quiet()
    return [" ".join(one.text.split()) for one in office.mails("dan") if "Somebody new" in one.subject]


async def test_who_has_another_address_counts_as_somebody_new_and_operators_hear_what_brings_them_back(
    redis: str, tmp_path: Path
) -> None:
    async with a_world(redis, tmp_path / "data", _ADMINS) as office, serving(office.app) as api:
        bo, ada = await api.client("bo"), await api.client("ada", "admin")
        await becomes(office, at(_ADMINS, "bo.zander@corp.example"))
        refused(await bo.get("/v1/runs"), 401, "no-key")

        [told] = await new_ones(office)
        assert "another address or Slack id of Bo Berg" in told
        assert "sayso people same bo bo" in told
        assert (await ada.post(_SAME, json={"known_by": "bo", "person": "bo"})).json()["id"] == "bo"
        assert (await bo.get("/v1/runs")).status_code == 200

        await becomes(office, at(_ADMINS, "bo.zander@corp.example").replace('name = "Bo Berg"', 'name = "Bo Zander"'))
        assert await new_ones(office) == [told]


async def test_operators_hear_of_each_id_that_may_be_theirs_where_an_address_was_mistyped_or_a_uid_has_changed(
    redis: str, tmp_path: Path
) -> None:
    """As where another identity provider gives everybody another uid."""
    toml = with_mark(_ADMINS, "cy", 'uid = "okta-1"')
    zoe = '\n[people.anna]\nname = "Zoe Zahn"\nemail = "zoe@corp.example"\ngroups = ["release"]\n'
    async with a_world(redis, tmp_path / "data", toml) as office:
        await becomes(office, toml.replace("[people.anna]", "[people.ames]") + zoe)
        assert office.app.people.named("ames") == "anna"
        assert await new_ones(office) == [], "whose id was that of somebody who is still here is not new"
        await becomes(office, toml)

        await becomes(office, at(toml, "bo.zadner@corp.example"))
        toml = at(toml, "bo.zander@corp.example")
        await becomes(office, toml)
        await becomes(office, toml.replace("okta-1", "entra-1"))

        told = await new_ones(office)
        assert "sayso people same OLD bo (OLD is bo or bo~2: the first that is this human)" in told[1]
        assert "sayso people same cy cy" in told[2]


async def test_who_has_another_id_and_another_address_at_once_is_told_to_operators_too(
    redis: str, tmp_path: Path
) -> None:
    before = with_mark(_ADMINS, "bo", 'slack = "U0BO"')
    after = at(before, "bo.zander@corp.example").replace("[people.bo]", "[people.bozander]")
    async with a_world(redis, tmp_path / "data", before) as office, serving(office.app) as api:
        bo, ada = await api.client("bo"), await api.client("ada", "admin")
        await becomes(office, after)
        refused(await bo.get("/v1/runs"), 401, "no-key")

        [told] = await new_ones(office)
        assert "sayso people same bo bozander" in told
        await becomes(office, before)
        await becomes(office, after)
        assert await new_ones(office) == [told], "who was known before is not new"
        assert (await ada.post(_SAME, json={"known_by": "bo", "person": "bozander"})).json()["id"] == "bo"
        assert (await bo.get("/v1/runs")).status_code == 200


async def test_the_log_is_searched_by_every_id_that_is_somebodys(redis: str, tmp_path: Path) -> None:
    async with a_world(redis, tmp_path / "data", _ADMINS) as office, serving(office.app) as api:
        await becomes(office, at(_ADMINS, "bob@corp.example"))
        record, ada = await asked(office), await api.client("ada", "admin")
        await office.decide("bo", record, "approve")
        await office.ended(record.request.run_id)
        await ada.post(_SAME, json={"known_by": "bo", "person": "bo"})
        await office.seal()

        found = (await ada.get("/v1/audit", params={"person": "bo", "kind": "vote"})).json()["records"]

        assert [one["who"] for one in found] == ["bo~2"]


async def test_what_was_said_of_an_absence_under_the_other_id_holds_for_whom_they_are(
    redis: str, tmp_path: Path
) -> None:
    """Bo says as somebody new that Dan stands in for him, and Eve that Bo does for her."""
    toml = _ADMINS.replace("[policies.production]\n", '[policies.production]\nstand_ins = ["person:dan"]\n')
    async with a_world(redis, tmp_path / "data", toml) as office, serving(office.app) as api:
        later = at(toml, "bob@corp.example")
        await becomes(office, later)
        await away(office, "bo~2", "dan")
        await away(office, "eve", "bo~2")

        admin = await api.client("ada", "admin")
        assert (await admin.post(_SAME, json={"known_by": "bo@corp.example", "person": "bo"})).is_success
        await office.app.requests.absences.look()

        absences = await office.app.requests.absences.all()
        assert {one.person: one.to for one in absences} == {"bo": "dan", "eve": "bo"}
        record = await asked(office)
        assert [(one.person, one.to) for one in record.request.policy.handed_on] == [("bo", "dan")]
        await office.app.requests.absences.end(PersonId("bo"), PersonId("bo"), channel="cli")


@pytest.mark.parametrize("news", ["what became of it", "that nobody is left to answer it"])
async def test_attack_news_for_the_id_that_somebody_had_in_between_reach_nobody(
    redis: str, tmp_path: Path, news: str
) -> None:
    who = "anna" if news == "what became of it" else "cy"
    moved = _ADMINS.replace(f"{who}@corp.example", "second@corp.example")
    async with a_world(redis, tmp_path / "data", _ADMINS) as office, serving(office.app) as api:
        ada = await api.client("ada", "admin")
        await becomes(office, moved)
        record = await asked(office)
        if who == "cy":
            await office.decide("cy", record, "free_text", "Why now?", channel="email")
        assert (await ada.post(_SAME, json={"known_by": f"{who}@corp.example", "person": who})).json()["id"] == who

        if news == "that nobody is left to answer it":
            await becomes(office, without(moved, "anna"))
            await office.next_mail("second", about="Nobody can answer your question")
        else:
            await office.decide("bo", record, "approve")
            await office.next_mail("second", about="Done: press bell")
        await office.quiet()
        assert [one.subject for one in office.mails("dan") if "can't be reached" in one.subject] == []


async def test_attack_a_worker_that_has_not_heard_of_it_takes_what_they_approve_for_the_word_of_one_who_left(
    redis: str, tmp_path: Path
) -> None:
    moved = _ADMINS.replace("cy@corp.example", "second@corp.example")
    async with a_world(redis, tmp_path / "data", _ADMINS) as office:
        record = await asked(office)
        await becomes(office, moved)
        async with beside_it(World(redis, tmp_path / "web", moved)) as web, serving(web.app) as api:
            ada = await api.client("ada", "admin")
            assert (await ada.post(_SAME, json={"known_by": "cy@corp.example", "person": "cy"})).json()["id"] == "cy"

            assert isinstance(await web.decide("cy", record, "approve"), Decided)
            await until(lambda: has_waited_or_not(office, record), what="the worker has looked at it")
            assert (await office.request(record.request.id)).state == "approved"
            await office.app.register.look()

            await office.ended(record.request.run_id)
            assert office.workshop.effects == ["press bell"]


async def has_waited_or_not(office: World, record: RequestRecord) -> bool:
    state = (await office.request(record.request.id)).state
    return state == "superseded" or await office.app.store.remembered("newer file") is not None
