"""A process that starts on a file that is half taken ends nothing for good, and takes no guard away."""

from pathlib import Path

import pytest

from agents.requests import PersonId, RunId
from agents.requests.proof import as_by
from agents.requests.record import RequestRecord
from bot.errors import Forbidden, WaitsForFile
from bot.people.noted import NotedTables
from bot.policy.judgements import Counted, Decided
from bot.store import WorkItem
from bot.store.ids import new_id
from channels import Channel, Reply
from channels.email.local.letters import letters
from tests.bot.web.problems import refused
from tests.fakes.hallway import Hallway
from tests.kit.long import few_of
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.shop import shop_toml
from tests.kit.tables import write
from tests.kit.waiting import until
from tests.kit.world import World, a_world
from tests.servers.web import serving
from tests.stories.attacks.test_stops_typed_anywhere import ELSEWHERE, token_of
from tests.stories.attacks.test_stops_typed_anywhere import asked as asked_there
from tests.stories.attacks.test_stops_typed_anywhere import write as writes_there
from tests.stories.people.standing import ALLOWED, done_once, granted, the_only
from tests.stories.people.test_cut_guards import COPIED
from tests.stories.people.test_half_taken import ALONE, NO_DECIDERS, NO_POLICY, asked, process_of
from tests.stories.test_typed_freezes import TO, a_mail

WISH = "deploy v1.1.0 to production"
NO_ALERTS = TOML.partition("[alerts]")[0]
DAN = '[people.dan]\nname = "Dan Dorn"\nemail = "dan@corp.example"\n'
OLE = """
[people.ole]
name = "Ole Olsen"
email = "ole@corp.example"

[roles]
operator = ["person:ole"]
"""


async def has_read(world: World) -> None:
    """A process has read the file, and noted it as whole."""
    await process_of(world).begin()
    await process_of(world).look(at_once=True)


async def test_attack_a_process_that_starts_on_such_a_file_ends_nothing_either(world: World) -> None:
    run_id, record = await asked(world)
    assert isinstance(await world.decide("cy", record, "approve"), Counted)
    await process_of(world).begin()
    before = await world.request(record.request.id)

    async with world.stopped():
        world.toml = NO_POLICY
    await world.quiet()
    await world.app.requests.departures.look_at_all()
    digest = world.app.people.half_taken
    assert digest in await NotedTables(world.app.store).half()
    async with world.stopped():
        world.toml = TOML
    assert await world.request(record.request.id) == before
    await process_of(world).look(at_once=True)

    assert await NotedTables(world.app.store).half() == {}
    assert isinstance(await world.decide("bo", record, "approve"), Decided)
    await world.has(run_id, "done")


async def test_attack_a_file_that_is_put_right_as_a_process_starts_does_not_hide_that_it_was_read_cut(
    redis: str, tmp_path: Path
) -> None:
    bo = '[people.bo]\nname = "Bo Berg"\nemail = "bo@corp.example"\ngroups = ["release"]\n'
    eve = '[people.eve]\nname = "Eve Eder"\nemail = "eve@corp.example"\ngroups = ["release"]\n'
    others = TOML.replace(bo, "") + eve
    whole = f"{others}\n{bo}"

    async with a_world(redis, tmp_path / "data", whole) as world:
        run_id, record = await asked(world)
        assert isinstance(await world.decide("bo", record, "approve"), Counted)
        await has_read(world)

        def put_right(channel: Channel) -> Channel:
            write(world, whole)
            return channel

        async with world.stopped():
            world.toml, world.through = others, put_right
        await world.app.requests.departures.look_at_all()
        await process_of(world).look(at_once=True)

        assert world.app.people.half_taken == ""
        assert isinstance(await world.decide("cy", record, "approve"), Decided)
        await world.has(run_id, "done")


async def test_operators_hear_who_is_missing_in_a_file_that_a_process_starts_on(world: World) -> None:
    await asked(world)
    await process_of(world).begin()

    async with world.stopped():
        world.toml = NO_DECIDERS

    said = " ".join((await world.next_mail("dan", "only half taken")).text.split())
    assert "no longer the same: Bo Berg, Cy Cole, policies.pair" in said


async def test_attack_a_process_that_starts_on_a_file_without_its_alerts_tells_nobody_that_it_is_half_taken(
    world: World,
) -> None:
    await has_read(world)

    async with world.stopped():
        world.toml = NO_ALERTS

    assert await world.next_mail("dan", "only half taken")


@pytest.mark.parametrize("restarts", few_of([False, True], 0), ids=["at once", "after an hour"])
async def test_attack_nobody_hears_of_such_a_file_as_all_who_hear_the_alerts_are_missing_where_a_process_starts(
    world: World, *, restarts: bool
) -> None:
    await asked(world)
    await has_read(world)
    if restarts:
        write(world, ALONE)
        await process_of(world).look(at_once=True)
        await world.next_mail("dan", "only half taken")

    async with world.stopped():
        world.toml = ALONE
    if restarts:
        await world.move_time(3_601)
        await process_of(world).look(at_once=True)

    async def is_told() -> bool:
        told = letters(world.mail.folder("dan@corp.example"))
        return sum("only half taken" in one.subject for one in told) == 1 + restarts

    await until(is_told, what="Dan hears it")


@opens(OLE + TOML)
async def test_where_nobody_knows_any_more_who_hears_the_alerts_operators_hear_that_a_file_is_half_taken(
    world: World,
) -> None:
    await has_read(world)

    async with world.stopped():
        world.toml = OLE + NO_ALERTS.replace(DAN, "")

    assert await world.next_mail("ole", "only half taken")


async def test_a_process_that_started_on_such_a_file_goes_by_it_once_it_is_confirmed(world: World) -> None:
    run_id, _ = await asked(world)
    await process_of(world).begin()
    async with world.stopped():
        world.toml = NO_DECIDERS
    reload = process_of(world)
    await reload.begin()

    await NotedTables(world.app.store).confirm(world.app.people.half_taken, None, proof=as_by("cli"))
    await reload.look(at_once=True)

    await world.move_time(120)
    assert "can't be met" in (await world.ended(run_id)).results[0].text


@pytest.mark.parametrize(
    "guard", few_of(['[roles]\nviewer = ["person:dan"]\n', '[agents.clerk]\ntriggered_by = ["person:bo"]\n'], 0)
)
async def test_attack_nobody_starts_a_run_who_may_not_by_what_a_process_never_read(
    redis: str, tmp_path: Path, guard: str
) -> None:
    async with a_world(redis, tmp_path / "data", TOML + guard) as world:
        await has_read(world)
        async with world.stopped():
            world.toml = TOML
        assert world.app.people.half_taken
        with pytest.raises(WaitsForFile):
            await world.app.runs.starter.check_may(world.app.people.named("dan"), "clerk", as_by("cli"))

        world.toml = TOML + guard
        write(world, world.toml)
        await process_of(world).look(at_once=True)
        with pytest.raises(Forbidden):
            await world.app.runs.starter.check_may(world.app.people.named("dan"), "clerk", as_by("cli"))


async def test_attack_an_operators_freeze_and_stop_are_refused_as_a_process_never_read_who_is_one(
    redis: str, tmp_path: Path
) -> None:
    async with a_world(redis, tmp_path / "data", TOML + OLE) as world:
        run_id = await world.trigger("ask free_text What is your wish?")
        await has_read(world)
        async with world.stopped():
            world.toml = TOML + OLE.partition("\n[roles]")[0]
        assert world.app.people.half_taken
        mail = a_mail(world, "ole", "freeze everything: incident")
        await world.transport("ole@corp.example").send(bytes(mail), sender="ole@corp.example", recipients=[TO])
        async with serving(world.app) as api:
            ole = await api.client("ole", "steer", "admin")
            for way in ("/v1/freeze", f"/v1/runs/{run_id}/cancel"):
                assert "only half taken" in refused(
                    await ole.post(way, json={"reason": "incident"}), 503, "unavailable"
                )
            await until(NotedTables(world.app.store).keeps_any, what="the mail is put off")
        assert world.mails("ole") == ()

        write(world, TOML + OLE)
        await process_of(world).look(at_once=True)
        await world.move_time(30)

        assert "Frozen since" in (await world.next_mail("ole", about="Freeze")).text
        assert [freeze.by for freeze in await world.app.requests.freezes.all()] == ["ole"]


async def test_attack_what_an_operator_stops_by_id_or_allows_no_more_is_not_there_as_a_process_never_read_who_is_one(
    redis: str, tmp_path: Path
) -> None:
    async with a_world(redis, tmp_path / "data", ALLOWED + OLE) as world:
        standing = await granted(world, await done_once(world))
        run_id = await world.trigger("ask free_text What is your wish?")
        await has_read(world)
        async with world.stopped():
            world.toml = ALLOWED + OLE.partition("\n[roles]")[0]
        await world.send("ole", world.mail.address, f"stop {run_id}\nrevoke {standing.approval.id}")
        await until(NotedTables(world.app.store).keeps_any, what="the mail is put off")
        async with serving(world.app) as api:
            ole = await api.client("ole", "answer")
            revoked = await ole.post(f"/v1/standing/{standing.approval.id}/revoke", json={"reason": "incident"})
            assert "only half taken" in refused(revoked, 503, "unavailable")
        assert world.mails("ole") == ()

        write(world, ALLOWED + OLE)
        await process_of(world).look(at_once=True)
        await world.move_time(30)

        await world.has(run_id, "cancelled")
        assert await world.next_mail("ole", about="is revoked")
        assert (await the_only(world)).state == "revoked"


BO = '\n[roles]\noperator = ["person:bo"]\n'


@opens(TOML + BO, beside=("hallway",), reach=("slack", "email"))
async def test_attack_a_stop_of_an_operator_who_was_asked_is_a_late_answer_where_a_process_never_read_who_is_one(
    world: World, hallway: Hallway
) -> None:
    world.workshop.policy_of["rope"] = "production"
    question = await asked_there(world, hallway, "ask-of person:bo free_text What?\nask free_text More?")
    token = await token_of(hallway, "bo")
    await world.decide("bo", question, "free_text", "this")
    gate = await asked_there(world, hallway, "send rope\npress bell", thread=ELSEWHERE)
    await world.decide("cy", gate, "approve")
    await has_read(world)
    async with world.stopped():
        world.toml = TOML
    inbox = world.app.messages.inbox
    said = Reply(person="bo", token=token, said="free_text", text="stop", is_typed=True)
    for one in (hallway.item(said), hallway.follows("bo", "stop", ELSEWHERE, is_addressed=True)):
        await inbox.accept(one)
    await until(NotedTables(world.app.store).keeps_any, what="they are put off")

    write(world, TOML + BO)
    await process_of(world).look(at_once=True)
    await world.move_time(30)

    for record in (gate, question):
        await world.has(record.request.run_id, "cancelled")


@opens(TOML + BO, beside=("hallway",), reach=("slack", "email"))
async def test_what_whoever_decides_asks_beside_a_card_waits_for_no_file_that_a_process_never_read(
    world: World, hallway: Hallway
) -> None:
    record = await asked_there(world, hallway)
    await has_read(world)
    async with world.stopped():
        world.toml = TOML
    assert world.app.people.half_taken

    await writes_there(world, hallway, "cy", "Why today?", is_addressed=True)

    assert [one.text for one in (await world.request(record.request.id)).comments] == ["Why today?"]


async def test_attack_nobody_is_admin_by_a_key_because_a_process_never_read_who_is(redis: str, tmp_path: Path) -> None:
    roles = '[roles]\noperator = ["person:dan"]\n'
    async with a_world(redis, tmp_path / "data", TOML + roles) as world:
        key, _ = await world.app.access.keyring.create(person=world.app.people.named("anna"), scopes=["admin"])
        assert world.app.access.rights.of_key(key).role == "requester"
        await has_read(world)

        async with world.stopped():
            world.toml = TOML

        assert world.app.people.half_taken
        assert world.app.access.rights.of_key(key).role == "requester"


async def started_without_the_agent_of_a_run(world: World) -> tuple[RunId, RequestRecord]:
    """Start again on a cut file none of whose agents is that of a run; return the run and what it asks."""
    await asked(world)
    run_id = await world.trigger("ask free_text What is your wish?")
    question = await world.opened(run_id)
    await process_of(world).begin()
    async with world.stopped():
        world.toml, world.deploys = ALONE, True
    return run_id, question


async def test_attack_no_run_fails_as_a_process_started_on_a_file_without_its_agent(world: World) -> None:
    run_id, question = await started_without_the_agent_of_a_run(world)
    assert world.app.people.half_taken
    assert isinstance(await world.decide("anna", question, "free_text", "a bell"), Decided)
    await world.app.work.dispatcher.look(WorkItem("run", run_id))
    assert (await world.run(run_id)).ended is None

    async with world.stopped():
        world.toml, world.deploys = TOML, False
    await process_of(world).look(at_once=True)
    await world.move_time(120)
    await world.has(run_id, "done")


async def test_attack_no_run_fails_for_its_agent_as_a_process_that_started_on_such_a_file_is_to_start_again(
    world: World,
) -> None:
    run_id, question = await started_without_the_agent_of_a_run(world)
    reload = process_of(world)
    await reload.begin()
    assert isinstance(await world.decide("anna", question, "free_text", "a bell"), Decided)
    write(world, f'{TOML}triggers_per_trigger = "7/h"\n')
    await reload.look(at_once=True)
    assert reload.starts_again

    await world.app.work.dispatcher.look(WorkItem("run", run_id))
    assert (await world.run(run_id)).ended is None


async def test_attack_a_process_that_starts_on_the_file_of_a_group_without_its_end_lets_nobody_start_a_run(
    redis: str, tmp_path: Path
) -> None:
    group = tmp_path / "data" / "staff.csv"
    group.parent.mkdir()
    whole = "email,group\nbo@corp.example,staff\ncy@corp.example,staff\n"
    group.write_text(whole)
    toml = f'{TOML}\n[groups.staff]\nfile = "staff.csv"\n\n[roles]\nviewer = ["group:staff"]\n'
    async with a_world(redis, tmp_path / "data", toml) as world:
        await has_read(world)
        async with world.stopped():
            group.write_text("email,group\nbo@corp.example,staff\n")
        assert world.app.people.half_taken
        with pytest.raises(WaitsForFile):
            await world.app.runs.starter.check_may(world.app.people.named("cy"), "clerk", as_by("cli"))

        group.write_text(whole)
        await process_of(world).look(at_once=True)
        assert not world.app.people.half_taken
        with pytest.raises(Forbidden):
            await world.app.runs.starter.check_may(world.app.people.named("cy"), "clerk", as_by("cli"))


async def test_attack_no_run_fails_as_the_file_of_a_group_was_empty_when_a_process_started(
    redis: str, tmp_path: Path
) -> None:
    group = tmp_path / "data" / "staff.csv"
    group.parent.mkdir()
    whole = "email,group\nbo@corp.example,staff\n"
    group.write_text(whole)
    toml = TOML.replace("group:release", "group:staff", 1) + '\n[groups.staff]\nfile = "staff.csv"\n'
    async with a_world(redis, tmp_path / "data", toml) as world:
        await has_read(world)
        world.workshop.policy_of["bell"] = "production"
        async with world.stopped():
            group.write_text("email,group\n")
        run_id = await world.trigger("press bell")
        await world.app.work.dispatcher.look(WorkItem("run", run_id))
        assert (await world.run(run_id)).ended is None

        group.write_text(whole)
        await process_of(world).look(at_once=True)
        await world.move_time(120)
        assert await world.opened(run_id)


async def test_attack_a_run_asks_about_another_place_as_a_process_started_on_a_file_without_its_own(
    redis: str, tmp_path: Path, demo: Path
) -> None:
    toml = shop_toml(tmp_path / "data", demo)
    place, staging = (toml.index(f"[deploy.environments.{name}]") for name in ("production", "staging"))
    cut = f"{toml[:place]}{toml[staging:]}\n"
    async with a_world(redis, tmp_path / "data", f"{cut}{toml[place:staging]}", deploys=True) as world:
        whole = world.toml
        await has_read(world)
        async with world.stopped():
            run_id = RunId(new_id("run", 0))
            await world.app.runs.starter.start("cli", WISH, PersonId("anna"), run_id=run_id)
            world.toml = cut
        assert world.app.people.half_taken
        with pytest.raises(WaitsForFile):
            await world.trigger(WISH)
        await world.app.work.dispatcher.look(WorkItem("run", run_id))
        assert [one.type for one in await world.events(run_id)] == ["run_started"]

        async with world.stopped():
            world.toml = whole
        await process_of(world).look(at_once=True)
        await world.move_time(120)
        assert (await world.opened(run_id)).request.policy.name == "production"


async def test_attack_a_command_that_runs_is_given_up_as_a_process_started_on_a_file_without_its_agent(
    redis: str, tmp_path: Path, demo: Path
) -> None:
    script, runs, may_end = (tmp_path / name for name in ("held.sh", "runs", "may_end"))
    script.write_text(
        f'#!/bin/sh\ntouch {runs}\nwhile [ ! -e {may_end} ]; do sleep 0.02; done\nexec ./deploy.sh "$@"\n'
    )
    script.chmod(0o755)
    whole = shop_toml(tmp_path / "data", demo).replace("./deploy.sh", str(script))
    place, alerts = whole.index("[deploy.environments.production]"), whole.index("[alerts]")
    cut = f"{whole[:place]}{whole[alerts:]}\n"
    async with a_world(redis, tmp_path / "data", f"{cut}{whole[place:alerts]}", deploys=True) as world:
        whole = world.toml
        await has_read(world)
        run_id = await world.trigger("deploy v1.1.0 to staging")
        await until(runs.exists, what="the command runs")
        async with world.stopped():
            world.toml = cut
        assert world.app.people.half_taken
        await world.move_time(120)
        await world.app.work.dispatcher.look(WorkItem("run", run_id))
        assert (await world.events(run_id))[-1].type == "tool_started"

        async with world.stopped():
            world.toml = whole
        await process_of(world).look(at_once=True)
        may_end.touch()
        await world.move_time(120)
        await world.has(run_id, "done")


async def test_attack_a_table_that_was_copied_above_hides_no_end_from_a_process_that_starts(
    redis: str, tmp_path: Path
) -> None:
    before, cut = COPIED[-1]
    async with a_world(redis, tmp_path / "data", TOML + before) as world:
        await has_read(world)

        async with world.stopped():
            world.toml = TOML + cut

        assert world.app.people.half_taken
