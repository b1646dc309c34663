"""People, policies and groups change while a process runs: all at once, or not at all."""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from agents.requests import PersonId
from bot.app import compose
from bot.config.errors import ConfigError
from bot.config.files import MOST_BYTES
from bot.config.handed import Handed
from bot.config.settings import load
from bot.config.trust import trust
from bot.people.directory import People
from bot.people.noted import NotedTables
from bot.people.rights import Denied
from bot.people.slack_groups import GroupReader
from bot.people.tables import tables_of
from bot.policy.approvers.who import who_of
from bot.policy.judgements import Decided, NotEntitled
from bot.process.reload import Reload
from bot.store import StoreError, WorkItem
from bot.store.ids import new_id
from tests.kit.clerk import clerk
from tests.kit.long import few_of
from tests.kit.office import QUICK, TOML
from tests.kit.tables import becomes, settings_in, tables_audited, without, write
from tests.kit.waiting import until
from tests.kit.world import World, a_world

KINDS = ("added", "removed", "changed")
EVE = '\n[people.eve]\nname = "Eve Eder"\nemail = "eve@corp.example"\ngroups = ["release"]\n'
FINANCE = """
[groups.finance]
file = "people.csv"

[policies.spending]
approvers = ["group:finance"]
expires_after = "4h"
"""
ENVIRONMENT = """
[deploy.environments.production]
repo = "/srv/shop"
policy = "production"
command = ["./deploy.sh"]
live = ["./live.sh"]
"""
OWN_AGENT = """
[agents.cleaner]
code = "own:cleaner"
triggered_by = ["group:release"]
"""
SLACK_ROLES = """
[groups.interns]
slack = "S0INTERNS"

[groups.ops]
slack = "S0OPS"

[roles]
viewer = ["group:interns"]
operator = ["group:ops"]
"""


@pytest.fixture
def office(world: World) -> World:
    return world


@pytest.fixture
async def reload(office: World) -> Reload:
    """The reading anew of a worker that has just started."""
    found = Reload(office.app, lambda: settings_in(office.folder), works=True)
    await found.begin()
    return found


async def test_somebody_new_counts_from_the_next_request_on(office: World, reload: Reload) -> None:
    office.workshop.policy_of["bell"] = "production"
    before = await office.opened(await office.trigger("press bell"))

    write(office, TOML + EVE)
    await reload.look(at_once=True)

    assert isinstance(await office.decide("eve", before, "approve"), NotEntitled)
    run_id = await office.trigger("press bell")
    after = await office.opened(run_id)
    assert who_of(after).approve == ("bo", "cy", "eve")
    assert isinstance(await office.decide("eve", after, "approve"), Decided)
    await office.has(run_id, "done")


async def test_a_file_is_read_anew_once_it_stands_still(office: World, reload: Reload) -> None:
    await reload.look()
    write(office, TOML + EVE)

    await reload.look()
    assert "eve" not in office.app.people.all()

    await reload.look()
    assert "eve" in office.app.people.all()


async def test_what_the_file_says_anew_holds_at_once_is_audited_by_name_and_needs_no_restart(
    office: World, reload: Reload, capsys: pytest.CaptureFixture[str]
) -> None:
    app, always = office.app, ", ".join(f'"{day}"' for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun"))
    rights, freezes, changed = app.access.rights, app.requests.freezes, list[str]()
    cy, dan = (app.people.named(name) for name in ("cy", "dan"))

    async def says(toml: str) -> None:
        write(office, toml)
        await reload.look(at_once=True)
        changed[:] = [one for detail in await tables_audited(office) for kind in KINDS for one in detail[kind]]

    toml = TOML.replace("[policies.production]", "[policies.production]\nquorum = 2")
    await says(toml)
    assert app.people.tables.policies["production"].quorum == 2
    await says(toml := toml.replace('to = ["person:dan"]', 'to = ["person:cy"]'))
    assert "alerts.to" in changed
    await app.messages.outbox.alert(new_id("outgoing", 0), lambda: ("A test", "It is one."))
    await office.next_mail("cy", "A test")
    assert office.mails("dan") == ()
    assert rights.denial_at_all(rights.of_person(cy, None), "freeze") is None
    assert rights.denial_at_all(rights.of_person(dan, None), "freeze")
    await says(toml := f'{toml}\n[agents.clerk]\ntriggered_by = ["person:bo"]\n')
    assert rights.trigger_denial("anna", "clerk")
    assert rights.trigger_denial("bo", "clerk") is None
    assert "agents.clerk.triggered_by" in changed
    await says(toml := f'{toml}\n[roles]\noperator = ["person:bo"]\n')
    assert rights.role_of("bo") == "operator"
    await says(f'[[freeze.windows]]\nname = "for now"\ndays = [{always}]\n{toml}')
    assert [freeze.window for freeze in await freezes.all()] == ["for now"]
    await says(toml)
    assert await freezes.all() == ()
    assert "restart needed" not in capsys.readouterr().out


async def test_a_role_that_a_group_in_slack_gives_is_looked_up_while_a_process_runs(office: World) -> None:
    members = {"S0INTERNS": ("U0BO",), "S0OPS": ("U0CY",)}

    async def members_of(group: str) -> tuple[str, ...]:
        return members[group]

    toml = TOML.replace("[people.bo]\n", '[people.bo]\nslack = "U0BO"\n').replace(
        "[people.cy]\n", '[people.cy]\nslack = "U0CY"\n'
    )
    write(office, toml + SLACK_ROLES)
    people, rights = office.app.people, office.app.access.rights
    people.change(tables_of(settings_in(office.folder)))
    people.read_groups_by(GroupReader(members_of, time.monotonic))
    assert [rights.role_of(person) for person in ("anna", "bo", "cy")] == ["viewer"] * 3

    keeping = asyncio.create_task(Reload(office.app, lambda: settings_in(office.folder), works=False).keep())
    try:
        await until(lambda: rights.role_of("anna") == "requester", what="Slack was asked who is a viewer")
        await until(lambda: rights.role_of("cy") == "operator", what="Slack was asked who is an operator")
        assert rights.role_of("bo") == "viewer"
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        (TOML + EVE + FINANCE, "people.csv: can't be read"),
        (TOML.replace("[people.dan]", "[people.dora]") + EVE, 'alerts.to: found "person:dan", which is nobody'),
    ],
)
async def test_a_wrong_file_changes_nothing_and_is_told_once(
    office: World, reload: Reload, toml: str, said: str
) -> None:
    write(office, toml)

    await reload.look(at_once=True)
    await reload.look(at_once=True)
    await Reload(office.app, lambda: settings_in(office.folder), works=False).look(at_once=True)

    assert office.app.people.all() == ("anna", "bo", "cy", "dan")
    mail = await office.next_mail("dan", "sayso.toml can't be used")
    assert said in mail.text.replace("\n", " ")
    await office.quiet()
    assert len(office.mails("dan")) == 1
    assert said in await NotedTables(office.app.store).wrong()
    assert (office.app.people.tables.alerts, office.app.people.tables.windows) == (("person:dan",), ())

    write(office, TOML + EVE)
    await reload.look(at_once=True)
    assert "eve" in office.app.people.all()


async def test_attack_operators_with_a_mailbox_alone_hear_nothing_of_what_a_web_process_finds(office: World) -> None:
    settings = office.settings()
    web = compose(settings, office.url, (), (clerk(office.workshop),), sends=False, people=People.of(settings))
    reload = Reload(web, lambda: settings_in(office.folder), works=False)
    write(office, f"{TOML}nonsense = 1\n")

    await reload.look(at_once=True)
    await web.store.client.close()

    await office.quiet()
    assert [mail.subject for mail in office.mails("dan")] == ["sayso.toml can't be used"]
    assert await office.dead() == []


async def test_attack_a_mistake_that_was_put_right_with_others_or_by_a_restart_is_not_told_when_it_comes_back(
    office: World, reload: Reload
) -> None:
    for said in ("nonsense = 1", "nonsense = ", "", "nonsense = 1"):
        write(office, f"{TOML}{said}\n")
        await reload.look(at_once=True)
    await until(lambda: len(office.mails("dan")) == 3, what="the same mistake is told again")

    write(office, TOML)
    for said in ("", "nonsense = 1"):
        write(office, f"{TOML}{said}\n")
        await Reload(office.app, lambda: settings_in(office.folder), works=True).look(at_once=True)
    await until(lambda: len(office.mails("dan")) == 4, what="it is told to those who have started it again")


async def test_attack_no_content_of_a_file_ends_the_reading_anew_nor_keeps_a_process_from_its_start(
    office: World, reload: Reload
) -> None:
    for content in ('{"version": ' + "1" * 5000 + "}", '{"displayName": "\\ud800"}'):
        write(office, TOML + FINANCE.replace(".csv", ".json"))
        (office.folder / "people.json").write_text(content)

        await reload.look(at_once=True)
        assert "people.json: holds what can't be used" in await NotedTables(office.app.store).wrong()
        assert People.of(settings_in(office.folder)).group("finance").people == ()

        write(office, without(TOML, "cy"))
        await reload.look(at_once=True)
        assert "cy" not in office.app.people.all()
        write(office, TOML)
        await reload.look(at_once=True)


async def test_what_changed_is_audited_by_name_once_however_many_processes_read_it(office: World) -> None:
    await office.stop()
    await office.start(works=False)
    one, other = (Reload(office.app, lambda: settings_in(office.folder), works=False) for _ in range(2))
    await one.begin()
    bo = '[people.bo]\nname = "Bo Berg"'
    write(office, (TOML + EVE).replace(bo, '[people.bo]\nname = "Bo Bergen"'))

    await one.look(at_once=True)
    await other.look(at_once=True)

    [detail] = await tables_audited(office)
    assert (detail["added"], detail["removed"], detail["changed"]) == (["people.eve"], [], ["people.bo"])


async def test_what_changed_while_nothing_ran_is_audited_at_the_next_start(office: World, reload: Reload) -> None:
    await office.stop()
    office.toml = TOML.replace("Cy Cole", "Cyrus Cole")
    await office.start(works=False)

    await Reload(office.app, lambda: settings_in(office.folder), works=True).begin()

    [detail] = await tables_audited(office)
    assert detail["changed"] == ["people.cy"]


async def test_attack_nobody_notes_that_somebody_left_while_nothing_ran_as_the_store_takes_no_word_of_it_at_first(
    office: World, reload: Reload
) -> None:
    office.workshop.policy_of["bell"] = "pair"
    asked = await office.opened(await office.trigger("press bell"))
    await office.stop()
    office.toml = without(TOML, "bo")
    await office.start(works=False)
    begins, do = Reload(office.app, lambda: settings_in(office.folder), works=True), office.app.store.client.do
    await do("CONFIG", "SET", "maxmemory", "1")

    try:
        with pytest.raises(StoreError):
            await begins.begin()
    finally:
        await do("CONFIG", "SET", "maxmemory", "0")
    await begins.look()

    [detail] = await tables_audited(office)
    assert "people.bo" in detail["removed"]
    assert await office.app.requests.departures.look_at_all()
    assert (await office.request(asked.request.id)).state == "superseded"


async def test_where_other_settings_have_changed_the_process_starts_again_and_until_then_does_nothing_that_needs_people(
    office: World, reload: Reload
) -> None:
    office.workshop.policy_of["bell"] = "production"
    before = office.people.tables.policies["production"]
    write(office, without(TOML, "bo").replace("1000/h", "2000/h").replace("group:release", "person:dan", 1))
    await reload.look(at_once=True)
    assert reload.starts_again

    run_id = await office.trigger("press bell")
    await office.app.work.dispatcher.look(WorkItem("run", run_id))
    assert (await office.run(run_id)).open is None
    assert not office.people.is_here(PersonId("bo"))
    assert office.people.tables.policies["production"] == before

    async with office.stopped():
        office.toml = (office.folder / "sayso.toml").read_text()
    await office.move_time(120)
    assert who_of(await office.opened(run_id)).approve == ("dan",)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (ENVIRONMENT, ENVIRONMENT.replace("s.production", "s.prod")),
        (ENVIRONMENT, ENVIRONMENT.replace('policy = "production"', 'policy = "pair"')),
        (OWN_AGENT, OWN_AGENT.replace("cleaner", "tidier")),
        (OWN_AGENT, OWN_AGENT + 'asks = ["person:bo"]\n'),
        (OWN_AGENT, OWN_AGENT + "\n[agents.cleaner.settings]\nroom = 1\n"),
        ("", '[slack]\ncards = "dm"\n'),
    ],
)
async def test_a_process_starts_again_by_whatever_else_the_file_says_anew(
    redis: str, tmp_path: Path, before: str, after: str
) -> None:
    async with a_world(redis, tmp_path / "data", f"{before}{TOML}") as world:
        reload = Reload(world.app, lambda: settings_in(world.folder), works=True)
        await reload.begin()

        write(world, f"{before}{TOML}\n")
        await reload.look(at_once=True)
        assert not reload.starts_again

        write(world, f"{after}{TOML}")
        await reload.look(at_once=True)
        assert reload.starts_again


async def test_attack_a_process_ends_by_a_file_that_it_could_not_start_with(office: World) -> None:
    async def check(_: Handed) -> None:
        raise ConfigError(["policies.production.reach: found only channels that are not set up here"])

    reload = Reload(office.app, lambda: settings_in(office.folder), works=True, check=check)
    await reload.begin()
    write(office, TOML.replace("1000/h", "2000/h").replace("Dan Dorn", "Dan Door"))
    for _ in range(3):
        await reload.look(at_once=True)

    assert not reload.starts_again
    assert "not set up here" in (await office.next_mail("dan", about="sayso.toml")).text
    await office.quiet()
    assert len(office.mails("dan")) == 1
    assert office.people.known_as(PersonId("dan")) == "Dan Dorn"


async def test_attack_a_file_that_lacks_its_end_takes_an_environment_away_with_a_start(
    redis: str, tmp_path: Path
) -> None:
    async with a_world(redis, tmp_path / "data", TOML + ENVIRONMENT) as world:
        reload = Reload(world.app, lambda: settings_in(world.folder), works=True)
        await reload.begin()
        await reload.look(at_once=True)
        write(world, TOML)
        await reload.look(at_once=True)
        assert (reload.starts_again, bool(world.people.half_taken)) == (False, True)

        async with world.stopped():
            world.toml = TOML
        assert world.people.half_taken


async def test_sessions_and_keys_of_somebody_who_left_end_at_once(office: World, reload: Reload) -> None:
    access, bo = office.app.access, office.app.people.named("bo")
    key, text = await access.keyring.create(person="bo", scopes=["answer"])
    session = await access.sessions.spend(await access.sessions.link(bo, by="operator"))
    assert session is not None
    assert await access.keyring.find(text) == key
    assert await access.sessions.find(session) is not None

    write(office, without(TOML, "bo"))
    await reload.look(at_once=True)

    assert await access.keyring.find(text) is None
    assert await access.sessions.find(session) is None


ROTATION = """
[oncall.ops]
rotation = ["person:dan", "person:cy"]
shift = "7d"
starts = "2020-01-06T09:00"
"""
ON_CALL = TOML.replace('to = ["person:dan"]', 'to = ["oncall:ops"]') + ROTATION.replace('"person:dan", ', "")
NOBODY_HEARS = "Nobody hears alerts any more"


async def test_attack_a_rotation_that_is_planned_ahead_leaves_nobody_who_hears_the_alerts(
    office: World, reload: Reload
) -> None:
    beside = Reload(office.app, lambda: settings_in(office.folder), works=False)
    write(office, ON_CALL)
    await reload.look(at_once=True)
    write(office, ON_CALL.replace("2020-01-06", "2099-01-05"))

    await reload.look(at_once=True)
    await beside.look(at_once=True)

    told = await office.next_mail("cy", NOBODY_HEARS)
    assert "oncall:ops" in told.text
    await office.quiet()
    assert [mail.subject for mail in office.mails("cy")] == [NOBODY_HEARS]
    assert office.mails("dan") == ()


async def test_attack_nobody_hears_the_alerts_by_a_file_that_a_process_starts_again_with(
    office: World, reload: Reload
) -> None:
    write(office, ON_CALL)
    await reload.look(at_once=True)

    async with office.stopped():
        office.toml = ON_CALL.replace("2020-01-06", "2099-01-05").replace("1000/h", "2000/h")
    await Reload(office.app, lambda: settings_in(office.folder), works=True).begin()

    assert "oncall:ops" in (await office.next_mail("cy", NOBODY_HEARS)).text


async def test_attack_nobody_hears_of_what_followed_from_a_file_as_the_store_takes_no_word_of_it_at_first(
    office: World, reload: Reload
) -> None:
    do, operators = office.app.store.client.do, '\n[groups.ops]\nslack = "S0OPS"\n\n[roles]\noperator = ["group:ops"]\n'

    async def fills_up(_: str) -> tuple[str, ...]:
        await do("CONFIG", "SET", "maxmemory", "1")
        return ()

    write(office, ON_CALL + operators)
    await reload.look(at_once=True)
    office.people.read_groups_by(GroupReader(fills_up, time.monotonic))
    write(office, ON_CALL.replace("2020-01-06", "2099-01-05") + operators)

    try:
        with pytest.raises(StoreError):
            await reload.look(at_once=True)
    finally:
        await do("CONFIG", "SET", "maxmemory", "0")
    await reload.look(at_once=True)

    assert await office.next_mail("cy", NOBODY_HEARS)


ASKING = """
from agents import Agent
from agents.steps import Done, RequestHumanInput


def cleaner():
    def next_step(run):
        asks = RequestHumanInput(question="May it go?", format="yes_no", to=("person:bo",))
        return Done(summary="asked") if run.results else asks

    return Agent(name="cleaner", description="cleans", prompt="", tools=(), fallback=next_step)
"""


async def test_attack_an_agent_may_not_ask_who_has_an_id_of_the_file_since_another_left_though_every_file_lets_it(
    redis: str, tmp_path: Path
) -> None:
    own = '\n[agents.cleaner]\ncode = "own_left:cleaner"\nasks = ["person:bo"]\n'
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "own_left.py").write_text(ASKING)
    async with a_world(redis, tmp_path / "data", TOML + own, deploys=True) as world:
        await becomes(world, without(TOML, "bo").replace("[people.cy]", "[people.bo]") + own)

        await world.trigger("clean", agent="cleaner")

        await world.next_mail("cy", "May it go?")


async def test_an_agent_of_ours_is_everybodys_once_the_file_names_nobody_who_starts_it(
    redis: str, tmp_path: Path
) -> None:
    async with a_world(redis, tmp_path / "data", '[agents.ask]\ntriggered_by = ["group:release"]\n' + TOML) as world:
        reload, denial = Reload(world.app, lambda: settings_in(world.folder), works=True), rights_of(world)
        assert denial("anna", "ask")

        write(world, TOML)
        await reload.look(at_once=True)

        assert denial("anna", "ask") is None


def rights_of(world: World) -> Callable[[str, str], Denied | None]:
    return world.app.access.rights.trigger_denial


async def test_attack_another_file_in_the_current_folder_holds_while_ours_is_not_there(
    office: World, tmp_path: Path
) -> None:
    environ = {f"SAYSO_{name}": value for name, value in QUICK.items()} | {"XDG_STATE_HOME": str(tmp_path / "state")}
    other = (TOML + EVE).encode()
    (tmp_path / "sayso.toml").write_bytes(other)
    trust(environ, tmp_path / "sayso.toml", other)
    reload, ours = Reload(office.app, lambda: load(office.folder, environ, tmp_path), works=True), office.people.all()

    (office.folder / "sayso.toml").unlink()
    await reload.look(at_once=True)

    assert office.people.all() == ours
    assert "in place of" in (await office.next_mail("dan", "sayso.toml can't be used")).text.replace("\n", " ")
    write(office, TOML + EVE)
    await reload.look()
    assert "eve" in office.people.all()


async def test_attack_a_change_that_keeps_the_size_and_the_time_of_the_file_is_seen(
    office: World, reload: Reload
) -> None:
    file = office.folder / "sayso.toml"
    for _ in range(2):
        await reload.look()
    before = file.stat()

    write(office, TOML.replace("Bo Berg", "Bo Borg"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    for _ in range(2):
        await reload.look()

    assert office.app.people.name_of("bo") == "Bo Borg"


def put(place: Path, kind: str) -> None:
    """Something stands in the place of a file."""
    place.unlink()
    match kind:
        case "a FIFO":
            os.mkfifo(place)
        case "a directory":
            place.mkdir()
        case "a device":
            place.symlink_to("/dev/null")
        case _:
            with place.open("wb") as file:
                file.truncate(MOST_BYTES + 1)


@pytest.mark.parametrize("name", few_of(["sayso.toml", "staff.csv"], 1))
async def test_attack_what_is_no_file_is_an_error_and_holds_up_no_later_reading(
    office: World, reload: Reload, name: str
) -> None:
    place = office.folder / name
    for kind in ("a FIFO", "a directory", "a device", "16,000,000"):
        (office.folder / "staff.csv").write_text("email,group\nbo@corp.example,staff\n")
        write(office, f'[groups.staff]\nfile = "staff.csv"\n{TOML}')
        await reload.look(at_once=True)
        before = place.read_bytes()

        put(place, kind)
        await asyncio.wait_for(reload.look(at_once=True), 10)
        told = await NotedTables(office.app.store).wrong()
        assert name in told
        assert kind in told or "2,000,000" in told
        assert (office.app.people.half_taken, len(office.app.people.group("staff").people)) == ("", 1)

        place.rmdir() if place.is_dir() else place.unlink()
        place.write_bytes(
            before.replace(b"staff\n", b"staff\ncy@corp.example,staff\n").replace(b"Anna Ames", b"Anna A")
        )
        await reload.look(at_once=True)
        assert office.app.people.name_of("anna") == ("Anna A" if name == "sayso.toml" else "Anna Ames")
        assert len(office.app.people.group("staff").people) == (1 if name == "sayso.toml" else 2)
