"""People, policies and groups change while a process runs: all at once, or not at all."""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from agents.requests import PersonId
from bot.app import compose
from bot.config.files import MOST_BYTES
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
from bot.store import StoreError
from bot.store.ids import new_id
from tests.kit.clerk import clerk
from tests.kit.long import few_of
from tests.kit.office import QUICK, TOML
from tests.kit.tables import becomes, settings_in, tables_audited, without, write
from tests.kit.waiting import until
from tests.kit.world import World, a_world, beside_it

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


async def test_other_settings_wait_for_a_restart(
    office: World, reload: Reload, capsys: pytest.CaptureFixture[str]
) -> None:
    write(office, TOML.replace("1000/h", "2000/h"))

    await reload.look(at_once=True)
    await reload.look(at_once=True)

    said = capsys.readouterr().out
    assert said.count("restart needed") == 1
    assert "limits" in said


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


ALWAYS = ", ".join(f'"{day}"' for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun"))
WINDOW = f'[[freeze.windows]]\nname = "for now"\nenvironments = ["production"]\ndays = [{ALWAYS}]\n'
FROZEN = f"{WINDOW}{TOML}{ENVIRONMENT}"
OTHERWISE = WINDOW.replace("production", "prod") + TOML + ENVIRONMENT.replace("s.production", "s.prod")


async def test_attack_an_environment_that_the_file_calls_otherwise_is_frozen_no_more_before_the_restart(
    redis: str, tmp_path: Path
) -> None:
    async with a_world(redis, tmp_path / "data", FROZEN) as world:
        reload, freezes = Reload(world.app, lambda: settings_in(world.folder), works=True), world.app.requests.freezes
        await reload.begin()

        write(world, OTHERWISE)
        await reload.look(at_once=True)
        found = [freezes.window(name, world.about_now()) for name in ("production", "prod", "test")]
        assert [one and one.window for one in found] == ["for now", "for now", None]

        write(world, f"{TOML}{ENVIRONMENT}")
        await reload.look(at_once=True)
        assert freezes.window("production", world.about_now()) is None


async def test_attack_a_window_for_what_the_file_calls_otherwise_freezes_nothing_before_the_restart(
    redis: str, tmp_path: Path
) -> None:
    renamed = TOML + ENVIRONMENT.replace("s.production", "s.prod")
    async with a_world(redis, tmp_path / "data", f"{TOML}{ENVIRONMENT}") as world:
        reload, freezes = Reload(world.app, lambda: settings_in(world.folder), works=True), world.app.requests.freezes
        frozen = list[bool]()

        for toml in (renamed, OTHERWISE, OTHERWISE.replace("Dan Dorn", "Dan Door"), renamed):
            write(world, toml)
            await reload.look(at_once=True)
            frozen.append(freezes.window("production", world.about_now()) is not None)

        assert frozen == [False, True, True, False]


async def test_attack_nothing_begins_after_the_restart_as_another_process_still_has_a_window_of_before(
    redis: str, tmp_path: Path
) -> None:
    async with (
        a_world(redis, tmp_path / "data", OTHERWISE) as world,
        beside_it(World(redis, tmp_path / "other", FROZEN)) as before,
    ):
        await becomes(before, OTHERWISE)
        run_id = await world.trigger("press bell")

        await world.decide("bo", await world.opened(run_id), "approve")

        await world.has(run_id, "done")


async def test_attack_what_a_window_of_before_freezes_waits_for_a_newer_file_that_nobody_has(
    redis: str, tmp_path: Path
) -> None:
    async with a_world(redis, tmp_path / "data", FROZEN) as world:
        world.workshop.environments["bell"] = "production"
        await becomes(world, TOML.replace("Dan Dorn", "Dan Door"))
        run_id = await world.trigger("press bell")

        await world.decide("bo", await world.opened(run_id), "approve")

        await world.quiet()
        assert await world.next_mail("anna", about="Frozen: Press bell")


async def test_attack_what_a_window_of_before_freezes_waits_for_its_end_also_after_the_restart(
    redis: str, tmp_path: Path
) -> None:
    """Another process has the file of after, and has told all that nothing is frozen."""
    after = TOML.replace("Dan Dorn", "Dan Door")
    async with (
        a_world(redis, tmp_path / "data", FROZEN) as world,
        beside_it(World(redis, tmp_path / "other", after)) as other,
    ):
        world.workshop.environments["bell"] = "production"
        await becomes(world, after)
        for each in (world, other):
            await told_what_is_frozen(each)
        run_id = await world.trigger("press bell")
        await world.decide("bo", await world.opened(run_id), "approve")
        await world.next_mail("anna", about="Frozen: Press bell")
        await world.quiet()
        await told_what_is_frozen(other)

        await world.stop()
        world.toml = after
        await world.start()
        await world.move_time(10 * 60)

        await world.has(run_id, "done")


async def told_what_is_frozen(world: World) -> None:
    for shard in range(world.app.store.shards):
        await world.app.requests.freezes.look(shard)


async def test_attack_a_window_that_is_over_holds_where_one_of_its_environments_is_gone_before_the_restart(
    redis: str, tmp_path: Path
) -> None:
    both = FROZEN.replace('["production"]', '["production", "test"]') + ENVIRONMENT.replace("s.production", "s.test")
    async with a_world(redis, tmp_path / "data", both) as world:
        await becomes(world, TOML + ENVIRONMENT)

        found = [world.app.requests.freezes.window(name, world.about_now()) for name in ("production", "test")]
        assert [one and one.window for one in found] == [None, "for now"]


async def test_attack_nobody_hears_that_what_is_frozen_has_another_name_after_the_restart(
    redis: str, tmp_path: Path
) -> None:
    async with a_world(redis, tmp_path / "data", f"{TOML}{ENVIRONMENT}") as world:
        reload = Reload(world.app, lambda: settings_in(world.folder), works=True)
        await world.app.requests.freezes.freeze("production", PersonId("dan"), "incident", proof=None)

        write(world, TOML + ENVIRONMENT.replace("environments.production", "environments.prod"))
        for _ in range(2):
            await reload.look(at_once=True)

        told = (await world.next_mail("dan", "The freeze of production ends with the restart")).text
        assert "sayso.toml calls no environment so any more" in told.replace("\n", " ")
        await world.quiet()
        assert len(world.mails("dan")) == 1


async def test_attack_a_laxer_policy_that_gets_the_name_of_another_gates_its_environment_before_the_restart(
    redis: str, tmp_path: Path
) -> None:
    strict = TOML.replace("[policies.production]", "[policies.strict]").replace(
        "[policies.pair]", "[policies.production]\nrequester_may_approve = true"
    )
    async with a_world(redis, tmp_path / "data", f"{TOML}{ENVIRONMENT}") as world:
        reload, before = Reload(world.app, lambda: settings_in(world.folder), works=True), world.people.tables.policies
        write(world, strict + ENVIRONMENT.replace('policy = "production"', 'policy = "strict"'))
        await reload.look(at_once=True)

        after = world.people.tables.policies
        assert (after["production"], after["strict"]) == (before["production"], before["production"])

        write(world, strict + ENVIRONMENT)
        await reload.look(at_once=True)
        assert world.people.tables.policies["production"].requester_may_approve


@pytest.mark.parametrize("said", ['policy = "production"', 'gates = [{ name = "oven", by = "production" }]'])
async def test_attack_a_laxer_policy_that_gets_the_name_of_another_gates_an_agent_of_ones_own_before_the_restart(
    redis: str, tmp_path: Path, said: str
) -> None:
    own, strict = f"{OWN_AGENT}\n[agents.cleaner.settings]\n{said}\n", TOML.replace("production", "strict")
    lax = '\n[policies.production]\napprovers = ["person:dan"]\nexpires_after = "4h"\n'
    async with a_world(redis, tmp_path / "data", TOML + own) as world:
        reload, before = Reload(world.app, lambda: settings_in(world.folder), works=True), world.people.tables.policies

        for later in (strict + lax, strict):
            write(world, later + own.replace('"production"', '"strict"'))
            await reload.look(at_once=True)
            assert world.people.tables.policies["production"] == before["production"]

        write(world, strict + lax + own)
        await reload.look(at_once=True)
        assert world.people.tables.policies["production"] != before["production"]


async def test_attack_a_policy_that_an_agent_of_ones_own_names_elsewhere_by_now_gates_it_before_the_restart(
    redis: str, tmp_path: Path
) -> None:
    """The table gets a gate before the one of then, and that of then another name of its policy."""
    own = f'{OWN_AGENT}\n[agents.cleaner.settings]\ngates = [GATES{{ name = "oven", by = "production" }}]\n'
    strict = TOML.replace("production", "strict")
    lax = '\n[policies.production]\napprovers = ["person:dan"]\nexpires_after = "4h"\n'
    later = own.replace("production", "strict").replace("GATES", '{ name = "bell", by = "production" }, ')
    async with a_world(redis, tmp_path / "data", TOML + own.replace("GATES", "")) as world:
        before = world.people.tables.policies["production"]

        await becomes(world, strict + lax + later)

        assert world.people.tables.policies["production"] == before


ASKING = """
from agents import Agent
from agents.steps import Done, RequestHumanInput


def cleaner():
    def next_step(run):
        asks = RequestHumanInput(question="May it go?", format="yes_no", to=("person:bo",))
        return Done(summary="asked") if run.results else asks

    return Agent(name="cleaner", description="cleans", prompt="", tools=(), fallback=next_step)
"""


async def test_attack_an_agent_asks_whoever_has_the_id_by_now_of_whom_it_may_ask_before_the_restart(
    redis: str, tmp_path: Path
) -> None:
    """The file of then lets it ask Bo, and so does that of now, which calls him otherwise."""
    own = '\n[agents.cleaner]\ncode = "own:cleaner"\nasks = ["person:bo"]\n'
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "own.py").write_text(ASKING)
    async with a_world(redis, tmp_path / "data", _EVE + TOML + own, deploys=True) as world:
        later = _EVE.replace("people.eve", "people.bo") + TOML.replace("people.bo", "people.rob")
        await becomes(world, later + own.replace("person:bo", "person:rob"))

        assert await world.ended(await world.trigger("clean", agent="cleaner"))
        assert world.mails("eve") == ()

        await becomes(world, _EVE + TOML + own)
        await world.trigger("clean", agent="cleaner")
        await world.next_mail("bo", "May it go?")


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


async def test_attack_an_agent_asks_a_group_that_has_the_name_of_another_by_now_before_the_restart(
    redis: str, tmp_path: Path
) -> None:
    own = '\n[agents.cleaner]\ncode = "own_group:cleaner"\nasks = ["group:release"]\n'
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "own_group.py").write_text(ASKING.replace("person:bo", "group:release"))
    async with a_world(redis, tmp_path / "data", _EVE + TOML + own, deploys=True) as world:
        moved = (TOML + own).replace('"release"', '"sre"').replace("group:release", "group:sre")
        later = _EVE.replace("\n\n", '\ngroups = ["release"]\n\n') + moved
        await becomes(world, later)

        assert await world.ended(await world.trigger("clean", agent="cleaner"))
        assert world.mails("eve") == ()


_EVE = '[people.eve]\nname = "Eve Ebert"\nemail = "eve@corp.example"\n\n'
_STRICT = '\n[policies.strict]\napprovers = ["person:dan"]\nexpires_after = "4h"\n'
_RENAMED = _STRICT + ENVIRONMENT.replace('"production"', '"strict"')
_ON_CALL = '\n[oncall.ops]\nrotation = ["person:cy"]\nshift = "1d"\nstarts = "2020-01-01T09:00"\ntimezone = "UTC"\n'


def _by(ref: str) -> str:
    """The file in which this one approves in production."""
    first = TOML.replace('approvers = ["group:release"]', f'approvers = ["{ref}"]', 1).replace("quorum = 2\n", "")
    return _EVE + first + _ON_CALL


def _meaning_eve(toml: str) -> str:
    """The same file where the group and the rotation have Eve in them alone, and the id of Bo is hers."""
    in_group = toml.replace('groups = ["release"]\n', "").replace(_EVE, f'{_EVE[:-1]}groups = ["release"]\n\n')
    on_call = in_group.replace('rotation = ["person:cy"]', 'rotation = ["person:bo"]')
    return on_call.replace("[people.bo]", "[people.rob]").replace("[people.eve]", "[people.bo]")


@pytest.mark.parametrize("ref", ["group:release", "person:bo", "oncall:ops"])
@pytest.mark.parametrize("is_later", few_of([False, True], False))
async def test_attack_others_approve_by_a_policy_of_then_whose_names_mean_them_by_now_before_the_restart(
    redis: str, tmp_path: Path, ref: str, is_later: bool
) -> None:
    async with a_world(redis, tmp_path / "data", _by(ref) + ENVIRONMENT) as world:
        otherwise = _by(ref).replace("[policies.production]", "[policies.lunch]")
        if is_later:
            await becomes(world, otherwise + _RENAMED)
            assert world.people.may_ever("production", world.about_now())
        await becomes(world, _meaning_eve(otherwise) + _RENAMED)
        assert world.people.of_file("bo") == "eve"

        run_id = await world.trigger("press bell")

        assert (await world.has(run_id, "failed")).open is None
        assert world.workshop.effects == []

        await becomes(world, _meaning_eve(_by(ref)) + ENVIRONMENT)
        await world.decide("bo", await world.opened(await world.trigger("press bell")), "approve")
        await until(lambda: world.workshop.effects, what="Eve approves by the file of now")


async def test_attack_a_group_that_is_another_one_in_slack_approves_by_a_policy_of_then_before_the_restart(
    redis: str, tmp_path: Path
) -> None:
    shift = '\n[groups.shift]\nslack = "S0SHIFT"\n'
    async with a_world(redis, tmp_path / "data", _by("group:shift") + shift + ENVIRONMENT) as world:
        await becomes(world, (_by("group:shift") + shift).replace("S0SHIFT", "S0INTERNS") + _RENAMED)

        assert "group:shift" not in world.people.tables.policies["production"].refs


@pytest.mark.parametrize("ref", ["group:release", "person:bo"])
async def test_attack_others_start_an_agent_of_then_as_its_names_mean_them_before_the_restart(
    redis: str, tmp_path: Path, ref: str
) -> None:
    own = OWN_AGENT.replace("group:release", ref)
    async with a_world(redis, tmp_path / "data", _by("person:dan") + own) as world:
        await becomes(world, _meaning_eve(_by("person:dan")) + own.replace("agents.cleaner", "agents.tidier"))

        assert [rights_of(world)(one, "cleaner") is None for one in ("anna", "bo", "eve")] == [False, False, False]


@pytest.mark.parametrize(
    "otherwise",
    [
        OWN_AGENT.replace("agents.cleaner", "agents.tidier"),
        OWN_AGENT.replace("agents.cleaner", "agents.tidier") + '\n[agents.cleaner]\ncode = "own:harmless"\n',
    ],
)
async def test_attack_anybody_starts_an_agent_that_the_file_calls_otherwise_before_the_restart(
    redis: str, tmp_path: Path, otherwise: str
) -> None:
    async with a_world(redis, tmp_path / "data", TOML + OWN_AGENT) as world:
        reload, denial = Reload(world.app, lambda: settings_in(world.folder), works=True), rights_of(world)
        await reload.begin()

        write(world, TOML + otherwise)
        await reload.look(at_once=True)
        assert [denial(who, "cleaner") is None for who in ("anna", "bo")] == [False, True]

        write(world, TOML + OWN_AGENT.replace("group:release", "person:anna"))
        await reload.look(at_once=True)
        assert [denial(who, "cleaner") is None for who in ("anna", "bo")] == [True, False]


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
