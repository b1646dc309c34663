"""An explanation says what would happen, and that is what then happens."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.events import RequestDecided, RequestReassigned, RequestReminded
from agents.requests import PersonId, Request
from agents.requests.proof import as_by
from agents.requests.record import RequestRecord
from bot.people.directory import People
from bot.policy.approvers.who import who_of
from bot.queries.explain import Coming, Desk, Explanation, Places, explain, opened, places_of, steps_of
from bot.queries.explain_words import explained
from bot.render.times import moment
from bot.requests.reassignment.absences import AbsenceWanted
from bot.testing.settings import settings_of
from tests.bot.cli.shell import sayso
from tests.bot.web.problems import refused
from tests.kit.long import examples, few_of
from tests.kit.opens import opens
from tests.kit.world import World
from tests.servers.web import Api

WHO = """
[people.anna]
name = "Anna Ames"
email = "anna@corp.example"
timezone = "Europe/Berlin"
groups = ["release"]

[people.bo]
name = "Bo Berg"
email = "bo@corp.example"
timezone = "Europe/Stockholm"
groups = ["release"]

[people.cy]
name = "Cy Cole"
email = "cy@corp.example"
timezone = "America/New_York"
groups = ["release"]

[people.dee]
name = "Dee Dunn"
uid = "0004"
timezone = "Asia/Singapore"

[groups.finance]
file = "people.csv"

[oncall.ops]
rotation = ["person:dee", "person:cy"]
shift = "12h"
starts = "2026-11-02T09:00"
timezone = "Europe/Berlin"

[policies.production]
approvers = ["group:release"]
approve_by_email = true
expires_after = "4h"
execute_within = "15m"
remind_after = ["30m", "2h"]
escalate_after = "1h"
escalate_to = ["oncall:ops"]
quiet_hours = "22:00-07:00"

[policies.spending]
expires_after = "2d"
break_glass = ["person:cy", "person:anna"]

[[policies.spending.steps]]
name = "manager"
approvers = ["person:bo"]
escalate_after = "8h"
escalate_to = ["person:dee"]

[[policies.spending.steps]]
name = "finance"
approvers = ["group:finance"]

[policies.solo]
approvers = ["person:anna"]
expires_after = "1h"

[[freeze.windows]]
name = "weekend"
environments = ["production"]
days = ["sat", "sun"]
timezone = "Europe/Berlin"

[alerts]
to = ["person:dee"]
"""
CSV = "email,group\nbo@corp.example,finance\ncy@corp.example,finance\ngus@corp.example,finance\n"
ANNA, BO = PersonId("anna"), PersonId("bo")
SUNDAY = datetime(2026, 11, 22, 22, 10, tzinfo=UTC)
FROZEN = (
    "production: Frozen by the window “weekend” since Sat 21 Nov, 00:00 CET, until Mon 23 Nov, 00:00 CET. "
    "Votes count, and nothing starts."
)


def people_in(folder: Path) -> People:
    (folder / "people.csv").write_text(CSV)
    return People.of(settings_of(folder, WHO))


def with_group(world: World) -> None:
    world.folder.mkdir()
    (world.folder / "people.csv").write_text(CSV)


pytestmark = opens(WHO, change=with_group)


async def told(
    world: World,
    policy: str,
    at: datetime = SUNDAY,
    person: PersonId = ANNA,
    where: str = "",
    places: Places | None = None,
) -> Explanation:
    app = world.app
    desk = Desk(app.requests.freezes, app.requests.decisions.delegation, app.requests.standing)
    return await explain(app.people, desk, places or places_of(app.settings), policy, person, at, where)


def lines_of(found: Explanation, world: World) -> list[tuple[str, str]]:
    return [(line.label, line.text) for line in explained(found, world.app.people)[1]]


async def test_it_says_who_is_asked_why_and_when_and_in_which_steps_and_where_nobody_would_be_asked(
    world: World,
) -> None:
    found = await told(world, "production", where="production")

    assert explained(found, world.app.people)[0] == (
        "If Anna Ames asks on Sun 22 Nov, 23:10 CET for what production gates in production, and nobody answers"
    )
    assert lines_of(found, world) == [
        ("Who decides", "Bo Berg or Cy Cole; one approval is needed"),
        ("Asked at once", "Bo Berg, as a member of the group release: by email; Sun 22 Nov, 23:10 CET there"),
        ("Asked at once", "Cy Cole, as a member of the group release: by email; Sun 22 Nov, 17:10 EST there"),
        ("Does not count", "Anna Ames, who asked for it"),
        ("On call for ops", "Cy Cole, until Mon 23 Nov, 03:00 EST"),
        ("Frozen then", FROZEN),
        ("Sun 22 Nov, 23:40 CET", "reminder 1 to Cy Cole (17:40 EST)"),
        ("Mon 23 Nov, 00:00 CET", "the window weekend of production ends"),
        ("Mon 23 Nov, 00:10 CET", "nobody has decided, and there is nobody else to ask"),
        ("Mon 23 Nov, 01:10 CET", "reminder 2 to Cy Cole (19:10 EST)"),
        ("Mon 23 Nov, 03:10 CET", "it expires, and nothing is done"),
        ("What stops it", "a denial by anybody who may decide, or the requester withdrawing it, until it starts"),
        ("Once approved", "it starts at once unless it is frozen; after 15 min it is asked again"),
    ]

    found = await told(world, "spending")

    said = dict(lines_of(found, world))
    assert said["Does not count"] == "members of the group finance who are nobody in [people]: gus@corp.example"
    assert said["Then finance"] == "Bo Berg or Cy Cole, once the step before is met"
    [escalation] = [one for one in found.coming if one.kind == "escalation"]
    assert [(one.person, one.by) for one in escalation.people] == [("dee", ())]
    assert found.break_glass == ("cy",)
    assert said["In an emergency"] == "Cy Cole alone, by breaking the glass: with a reason, and everybody is told"

    await world.app.requests.freezes.freeze("production", BO, "incident 4711", proof=None)

    found = await told(world, "solo", where="production")

    assert "policy 'solo' can't be met" in found.refused
    assert lines_of(found, world)[0] == ("Nobody is asked", found.refused)
    assert [one.by for one in found.freezes if one.by] == ["bo"]
    assert [one.by for one in (await told(world, "solo", where="staging")).freezes if one.by] == []


async def test_whoever_stands_in_is_asked_in_place_of_who_is_away(world: World) -> None:
    until = f"{await world.now() + timedelta(days=3):%Y-%m-%d}"
    wanted = AbsenceWanted(person=BO, until=until, to=PersonId("dee"))
    await world.app.requests.absences.set(wanted, BO, proof=as_by("cli"))

    now = await world.now()
    away, back = await told(world, "spending", at=now), await told(world, "spending", at=now + timedelta(days=5))

    assert [(one.person, one.because) for one in away.asked] == [("dee", "in place of Bo Berg, who is away")]
    assert [one.person for one in back.asked] == ["bo"]
    assert said_of(away, world, "Away") == [f"Dee Dunn decides for Bo Berg, who is away until {midnight(until)}"]
    assert said_of(back, world, "Away") == []
    await world.app.requests.absences.set(wanted, BO, proof=as_by("email"))
    assert [one.person for one in (await told(world, "spending", at=now)).asked] == ["bo"]  # no mail approves there


async def test_whoever_is_to_stand_in_and_may_not_decide_is_named_beside_who_is_away(world: World) -> None:
    until = f"{await world.now() + timedelta(days=3):%Y-%m-%d}"
    wanted = AbsenceWanted(person=BO, until=until, to=PersonId("dee"))
    await world.app.requests.absences.set(wanted, BO, proof=as_by("cli"))

    # Cy is on call then: who is on call may decide once it escalates.
    night = (await world.now() + timedelta(days=1)).replace(hour=23)
    found = await told(world, "production", at=night)

    assert said_of(found, world, "Away") == [
        f"Bo Berg is away until {midnight(until)}; Dee Dunn, who is to stand in, may not decide this"
    ]
    assert [one.person for one in found.asked] == ["bo", "cy"]


def midnight(day: str) -> str:
    there = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo("Europe/Stockholm"))
    return moment(ZoneInfo("Europe/Berlin"), there)


def said_of(found: Explanation, world: World, label: str) -> list[str]:
    return [text for each, text in lines_of(found, world) if each == label]


moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - given one


@settings(max_examples=examples(60))
@given(moments, st.sampled_from(["production", "spending"]))
def test_what_is_due_comes_in_order_once_and_ends_with_the_expiry(
    tmp_path_factory: pytest.TempPathFactory, at: datetime, policy: str
) -> None:
    people = people_in(tmp_path_factory.mktemp("who"))
    snapshot = people.snapshot(policy, at)
    assert snapshot
    request = opened(snapshot, ANNA, at, "", people)
    assert isinstance(request, Request)

    found = list(steps_of(RequestRecord(request=request), people))

    moved = [due.moment for due, _ in found]
    assert moved == sorted(moved)
    assert (found[-1][0].kind, moved[-1]) == ("expiry", request.expires_at)
    assert sum(due.kind == "escalation" for due, _ in found) <= 1
    reminded = [(due.number, person) for due, _ in found if due.kind == "reminder" for person in due.people]
    assert len(reminded) == len(set(reminded))
    for due, stands in found:
        assert ANNA not in (*due.people, *who_of(stands).approve)


@pytest.mark.parametrize("hours", few_of([0, 5, 11, 17], 2))
async def test_what_it_says_is_what_then_happens(world: World, hours: int) -> None:
    world.workshop.policy_of["bell"] = "production"
    await world.move_time(hours * 3600)
    record = await world.opened(await world.trigger("press bell"))
    request = record.request
    said = (await told(world, "production", at=request.opened_at)).coming

    for one in [one for one in said if one.kind not in {"frozen", "unfrozen"}]:
        await world.move_time((one.at - await world.now()).total_seconds() + 1)
        await world.quiet()

    wanted = [mark(one) for one in said if one.kind not in {"frozen", "unfrozen"}]
    found = await happened(world, request)
    assert [(kind, people) for kind, _, people in found] == [(kind, people) for kind, _, people in wanted]
    # The clock was moved to a second after each of them, and runs on while it is done.
    late = [at - due for (_, at, _), (_, due, _) in zip(found, wanted, strict=True)]
    assert all(timedelta() <= one < timedelta(minutes=5) for one in late)


def mark(one: Coming) -> tuple[str, datetime, tuple[str, ...]]:
    people = tuple(each.person for each in one.people)
    return (one.kind, one.at, tuple(sorted(people)))


async def happened(world: World, request: Request) -> list[tuple[str, datetime, tuple[str, ...]]]:
    found = list[tuple[str, datetime, tuple[str, ...]]]()
    for event in await world.events(request.run_id):
        if isinstance(event, RequestReminded):
            found.append(("reminder", event.at, tuple(sorted(event.people))))
        elif isinstance(event, RequestReassigned):
            found.append(("escalation", event.at, tuple(sorted(event.to))))
        elif isinstance(event, RequestDecided):
            found.append(("expiry", event.at, ()))
    return found


async def test_it_is_explained_in_a_terminal_and_over_http_about_oneself_and_to_operators_about_anybody(
    world: World, api: Api
) -> None:
    shown = await sayso(world, "policies", "explain", "production", "--at", "Sunday 23:10", "--as", "anna")
    wrong = await sayso(world, "policies", "explain", "production", "--at", "Someday", "--as", "anna")
    nobody = await sayso(world, "policies", "explain", "nothing", "--as", "anna")

    assert shown.code == 0, shown.err
    assert shown.out.startswith("If Anna Ames asks on Sun ")
    assert "Bo Berg, as a member of the group release: by email; " in shown.out
    assert "'Someday' is no date or time. Write" in wrong.err
    assert "There is no policy 'nothing'. There are: production" in nobody.err

    path = "/v1/policies/production/explain"
    bo, dee = await api.client("bo", "read"), await api.client("dee", "admin")
    own = await bo.get(f"{path}?at=Sunday%2023:10")
    refused(await bo.get(f"{path}?person=anna"), 403, "not-yours")
    refused(await dee.get(f"{path}?person=anna&at=nonsense"), 422, "invalid")
    refused(await dee.get("/v1/policies/none/explain?person=anna"), 404, "not-found")
    other = await dee.get(f"{path}?person=anna&env=production")
    spending = [(await one.get("/v1/policies/spending/explain?person=anna")).text for one in (dee,)]
    spending += [(await one.get("/v1/policies/spending/explain")).text for one in (bo,)]

    assert own.json()["person"] == "bo"
    assert [one["person"] for one in own.json()["asked"]] == ["anna", "cy"]
    assert [one["person"] for one in other.json()["asked"]] == ["bo", "cy"]
    assert ["gus@corp.example" in text for text in spending] == [True, False]
