"""A file that was emptied or cut is only half taken: who is missing decides nothing, and nothing ends for good."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest

from agents.events import Event, StepRefused
from bot.config.example import example_toml
from bot.errors import NotFound, WaitsForFile
from bot.people.noted import NotedTables, digest_of
from bot.policy.judgements import Counted, Decided
from bot.policy.record import RequestRecord
from bot.process.half_taken import content_of
from bot.process.reload import Reload
from bot.requests.reassignment.absences import AbsenceWanted
from bot.store import StoreError, WorkItem
from channels import Channel, Inbound, Reading
from tests.bot.web.problems import refused
from tests.fakes.slow import SlowChannel
from tests.kit.office import STEPS, TOML
from tests.kit.tables import settings_in, tables_audited, without, write
from tests.kit.world import World, a_world, beside_it
from tests.servers.web import serving
from tests.stories.people import standing

ALONE = '[people.anna]\nname = "Anna Ames"\nemail = "anna@corp.example"\n'
NO_DECIDERS = without(without(TOML, "bo"), "cy").replace('"group:release"', '"person:anna"')
NO_POLICY = without(TOML, "bo").partition("[policies.production]")[0]
ADA = '\n[people.ada]\nname = "Ada Aster"\nemail = "ada@corp.example"\n\n[roles]\nadmin = ["person:ada"]\n'
HALVES = {
    "nothing": "",
    "a comment": "# to be filled in\n",
    "who asked alone": ALONE,
    "nobody who decides": NO_DECIDERS,
    "half of a pair, and no policy": NO_POLICY,
    "its beginning": TOML[: TOML.index("[people.cy]")],
    "its beginning, within a line": TOML[: TOML.index('\ngroups = ["release"]\n\n[people.dan]')],
}


@pytest.fixture
async def office(redis: str, tmp_path: Path) -> AsyncIterator[World]:
    async with a_world(redis, tmp_path / "data") as world:
        yield world


def process_of(world: World, *, works: bool = True) -> Reload:
    return Reload(world.app, lambda: settings_in(world.folder), works=works)


@asynccontextmanager
async def rewritten(world: World, toml: str) -> AsyncGenerator[Reload]:
    """The file says something else inside, and then again what it said before."""
    reload, before = process_of(world), (world.folder / "sayso.toml").read_text()
    await reload.begin()
    write(world, toml)
    await reload.look()
    await reload.look()
    yield reload
    write(world, before)
    await reload.look(at_once=True)
    assert world.app.people.half_taken == ""


async def asked(world: World, policy: str = "pair", what: str = "bell") -> tuple[str, RequestRecord]:
    world.workshop.policy_of[what] = policy
    run_id = await world.trigger(f"press {what}")
    return run_id, await world.opened(run_id)


async def denial_by_mail(world: World, person: str) -> bytes:
    """A mail with which somebody denies, as their own server takes it at any time; that of the tests would not."""
    await world.reply(person, await world.next_mail(person, "Press bell?"), "Why now?")
    await world.quiet()
    [file] = [one for one in world.mail.folder(world.mail.address).rglob("*") if one.is_file()]
    return file.read_bytes().replace(b"Why now?", b"deny")


async def approved_in_a_pause(world: World) -> tuple[str, RequestRecord]:
    """A paused run, whose request Bo has approved."""
    run_id, record = await asked(world, "production")
    await world.steer((await world.run(run_id)).id, "pause")
    assert isinstance(await world.decide("bo", record, "approve"), Decided)
    await world.quiet()
    return run_id, record


def reload_digest(world: World) -> str:
    return digest_of(content_of(world.folder / "sayso.toml"), world.app.people.as_written)


async def moved_on(world: World, run_id: str) -> None:
    """A worker has looked at the run."""
    await world.app.work.dispatcher.look(WorkItem("run", run_id))


async def refusals(world: World, run_id: str) -> list[Event]:
    return [event for event in await world.events(run_id) if isinstance(event, StepRefused)]


@pytest.mark.parametrize("half", HALVES.values(), ids=HALVES.keys())
async def test_attack_an_emptied_or_cut_file_closes_nothing_and_voids_no_vote(office: World, half: str) -> None:
    run_id, record = await asked(office)
    question = await office.trigger("ask-of person:bo free_text What is your wish?")
    await office.opened(question)
    assert isinstance(await office.decide("cy", record, "approve"), Counted)
    before = await office.request(record.request.id)

    async with rewritten(office, half):
        assert office.app.people.half_taken
        await office.app.requests.departures.look_at_all()
        await office.app.requests.departures.look(record.request.id)
        await office.quiet()

    assert await office.request(record.request.id) == before
    assert isinstance(await office.decide("bo", record, "approve"), Decided)
    await office.has(run_id, "done")
    assert (await office.run(question)).ended is None


async def test_who_is_missing_decides_nothing_from_that_second_and_others_still_do(office: World) -> None:
    run_id, record = await asked(office, "production")
    question = await office.opened(await office.trigger("ask free_text What is your wish?"))
    key, text = await office.app.access.keyring.create(person=office.app.people.named("bo"), scopes=["answer"])
    card = await office.next_mail("bo", "Press bell?")

    async with rewritten(office, NO_DECIDERS):
        assert await office.app.access.keyring.find(text) is None
        assert office.app.people.by_email(office.address("bo")) is None
        assert office.app.access.rights.role_of("bo") is None
        assert isinstance(await office.decide("anna", question, "free_text", "a bell"), Decided)

    assert await office.app.access.keyring.find(text) == key
    assert (await office.request(record.request.id)).votes == ()
    await office.reply("bo", card, "approve")
    await office.has(run_id, "done")


async def test_attack_a_vote_beside_that_of_somebody_who_is_missing_waits_and_counts_afterwards(office: World) -> None:
    run_id, record = await asked(office)
    await office.opened(await office.trigger("ask-of person:bo free_text What is your wish?"))
    assert isinstance(await office.decide("bo", record, "approve"), Counted)
    card = await office.next_mail("cy", "Press bell?")

    async with rewritten(office, without(TOML, "bo")):
        assert office.app.people.half_taken
        with pytest.raises(WaitsForFile):
            await office.decide("cy", record, "approve")
        await office.reply("cy", card, "approve")
        assert [vote.person for vote in (await office.request(record.request.id)).votes] == ["bo"]

    await office.move_time(30)
    await office.has(run_id, "done")


async def test_attack_a_denial_by_mail_of_somebody_who_is_missing_is_not_lost(office: World) -> None:
    run_id, record = await asked(office)
    raw, inbox = await denial_by_mail(office, "bo"), office.app.messages.inbox

    async with rewritten(office, without(TOML, "bo").rstrip()):
        assert office.app.people.missing == ("bo",)
        found = Inbound(channel="email", key="again", raw=raw, size_bytes=len(raw), received_at=await office.now())
        inbound_id = await inbox.accept(found)
        with suppress(WaitsForFile):
            await inbox.handle(inbound_id)
        assert (await office.request(record.request.id)).state == "open"

    await office.move_time(30)
    await office.ended(run_id)
    assert (await office.request(record.request.id)).state == "denied"


class HeldReader(SlowChannel):
    """Mail whose readings come back once `may_return` is set."""

    def __init__(self, channel: Channel) -> None:
        super().__init__(channel, lambda _card, _to: False)
        self.has_read = asyncio.Event()

    async def read(self, inbound: Inbound) -> Reading:
        reading = await super().read(inbound)
        self.has_read.set()
        await self.may_return.wait()
        return reading


async def test_attack_a_denial_that_is_read_as_the_file_is_put_right_is_held_as_a_strangers(
    redis: str, tmp_path: Path
) -> None:
    mails = list[HeldReader]()

    def change(world: World) -> None:
        world.through = lambda channel: mails.append(HeldReader(channel)) or mails[-1]

    async with a_world(redis, tmp_path / "data", change=change) as office:
        [mail] = mails
        mail.may_return.set()
        run_id, record = await asked(office)
        raw, inbox = await denial_by_mail(office, "bo"), office.app.messages.inbox

        async with rewritten(office, without(TOML, "bo").rstrip()):
            mail.may_return.clear()
            mail.has_read.clear()
            found = Inbound(channel="email", key="again", raw=raw, size_bytes=len(raw), received_at=await office.now())
            await inbox.accept(found)
            await mail.has_read.wait()
        mail.may_return.set()

        await office.move_time(30)
        await office.ended(run_id)
        assert (await office.request(record.request.id)).state == "denied"


async def test_attack_a_process_that_saw_nothing_in_a_file_hears_that_another_did(office: World) -> None:
    async with rewritten(office, without(TOML, "cy")) as reload:
        assert office.app.people.half_taken == ""
        await NotedTables(office.app.store).note_half(reload_digest(office), await office.now())
        await reload.look()
        await reload.look()
        assert office.app.people.half_taken == reload_digest(office)


@pytest.mark.parametrize("restarts", [False, True], ids=["goes on", "starts again"])
async def test_attack_what_was_approved_starts_before_a_denial_is_read_of_somebody_who_was_missing(
    office: World, *, restarts: bool
) -> None:
    run_id, record = await asked(office, "production")
    raw, inbox, look = await denial_by_mail(office, "cy"), office.app.messages.inbox, office.app.work.dispatcher.look
    reload = process_of(office)
    await reload.begin()
    await reload.look(at_once=True)
    write(office, TOML[: TOML.index("[people.cy]")])
    await reload.look(at_once=True)
    assert office.app.people.missing == ("cy", "dan")

    assert isinstance(await office.decide("bo", record, "approve"), Decided)
    found = Inbound(channel="email", key="again", raw=raw, size_bytes=len(raw), received_at=await office.now())
    await look(WorkItem("in", await inbox.accept(found)))
    write(office, TOML)
    if restarts:
        async with office.stopped():
            office.toml = TOML
        reload = process_of(office)
        await reload.begin()
    await reload.look(at_once=True)
    assert office.app.people.half_taken == ""
    await office.app.work.dispatcher.look(WorkItem("run", run_id))
    await office.move_time(10)
    await office.ended(run_id)

    assert (await office.request(record.request.id)).state == "revoked"
    assert office.workshop.started == []


async def test_attack_nobody_becomes_somebody_who_is_only_missing(redis: str, tmp_path: Path) -> None:
    async with a_world(redis, tmp_path / "data", TOML + ADA) as world, serving(world.app) as api:
        await asked(world)
        ada = await api.client("ada", "admin")
        async with rewritten(world, NO_DECIDERS + ADA):
            said = await ada.post("/v1/people/same", json={"known_by": "bo@corp.example", "person": "anna"})
            assert said.status_code == 503


async def test_a_run_that_comes_to_its_gate_meanwhile_waits_and_is_asked_about_afterwards(office: World) -> None:
    await asked(office)

    async with rewritten(office, NO_DECIDERS):
        office.workshop.policy_of["gong"] = "production"
        run_id = await office.trigger("press gong")
        await moved_on(office, run_id)
        assert ((await office.run(run_id)).open, await refusals(office, run_id)) == (None, [])

    await office.move_time(120)
    assert isinstance(await office.decide("bo", await office.opened(run_id), "approve"), Decided)
    await office.has(run_id, "done")


@pytest.mark.parametrize("half", [NO_DECIDERS, NO_POLICY, TOML.partition("[people.cy]")[0]], ids=["none", "bo", "cut"])
async def test_attack_an_approval_that_waits_in_a_freeze_is_void_by_no_file_that_was_cut(
    office: World, half: str
) -> None:
    office.workshop.policy_of["gong"] = "production"
    freezes, dan = office.app.requests.freezes, office.app.people.named("dan")
    await freezes.freeze("", dan, "first")
    run_id = await office.trigger("press gong")
    record = await office.opened(run_id)
    assert isinstance(await office.decide("bo", record, "approve"), Decided)
    await office.quiet()

    async with rewritten(office, half):
        await freezes.unfreeze("", dan, "over")
        await moved_on(office, run_id)
        assert (await office.request(record.request.id)).state == "approved"
        assert office.workshop.effects == []

    await office.move_time(120)
    await office.has(run_id, "done")
    assert office.workshop.effects == ["press gong"]


async def test_attack_an_approval_in_a_paused_run_is_void_by_no_file_that_was_cut(redis: str, tmp_path: Path) -> None:
    async with a_world(redis, tmp_path / "data", TOML.replace("quorum = 2\n", "")) as office:
        run_id, _ = await approved_in_a_pause(office)

        async with rewritten(office, without(TOML, "bo").rstrip()):
            assert office.app.people.half_taken

        await office.steer((await office.run(run_id)).id, "resume")
        await office.has(run_id, "done")


async def test_attack_an_approval_that_no_worker_has_looked_at_yet_is_void_by_no_file_that_was_cut(
    redis: str, tmp_path: Path
) -> None:
    async with a_world(redis, tmp_path / "data", TOML.replace("quorum = 2\n", "")) as office:
        run_id, record = await asked(office, "production")
        await office.quiet()
        await office.stop()
        async with beside_it(office):
            assert isinstance(await office.decide("bo", record, "approve"), Decided)

            async with rewritten(office, without(TOML, "bo").rstrip()):
                assert office.app.people.half_taken

        await office.start()
        await office.move_time(120)
        await office.has(run_id, "done")


@pytest.mark.parametrize("missing", ["bo", "anna"], ids=["who granted it", "whom it serves"])
async def test_attack_what_a_standing_approval_allowed_and_waits_in_a_freeze_is_void_by_no_file_that_was_cut(
    redis: str, tmp_path: Path, missing: str
) -> None:
    toml = standing.ALLOWED.replace("quorum = 2\n", "")
    async with a_world(redis, tmp_path / "data", toml) as office:
        await standing.granted(office, await standing.done_once(office))
        freezes, dan = office.app.requests.freezes, office.app.people.named("dan")
        await freezes.freeze("", dan, "first")
        run_id = await office.trigger("press bell")
        await office.quiet()
        [record] = [one for one in await office.requests() if one.request.run_id == run_id]
        assert record.state == "approved"

        async with rewritten(office, without(toml, missing).rstrip()):
            assert office.app.people.half_taken
            await freezes.unfreeze("", dan, "over")
            await moved_on(office, run_id)

        await office.move_time(120)
        await office.has(run_id, "done")
        assert await office.request(record.request.id) != record
        assert office.workshop.effects == ["press bell"] * 2


_STANDING = standing.ALLOWED.replace("quorum = 2\n", "")


@pytest.mark.parametrize(
    "half",
    [
        "",
        ALONE,
        without(_STANDING, "bo").rstrip(),
        without(without(_STANDING, "bo"), "cy").replace('"group:release"', '"person:anna"'),
        without(_STANDING, "bo").replace(".production]", ".prod]"),
    ],
    ids=["nothing", "who asked alone", "without its end", "nobody who decides", "no policy"],
)
async def test_attack_a_standing_approval_ends_by_no_file_that_was_cut(redis: str, tmp_path: Path, half: str) -> None:
    async with a_world(redis, tmp_path / "data", _STANDING) as office:
        await standing.granted(office, await standing.done_once(office))

        async with rewritten(office, half) as reload:
            assert office.app.people.half_taken
            await office.app.requests.departures.look_at_all()
            await reload.look(at_once=True)

        assert (await standing.the_only(office)).state == "valid"
        assert not await standing.is_asked(office)


async def test_a_standing_approval_ends_as_whoever_granted_it_leaves_in_a_file_that_is_whole(
    redis: str, tmp_path: Path
) -> None:
    async with a_world(redis, tmp_path / "data", _STANDING) as office:
        await standing.granted(office, await standing.done_once(office))

        async with rewritten(office, without(_STANDING, "bo")):
            assert not office.app.people.half_taken

        assert (await standing.the_only(office)).state == "revoked"


async def test_what_is_over_or_spent_of_standing_approvals_keeps_no_file_half_taken(redis: str, tmp_path: Path) -> None:
    async with a_world(redis, tmp_path / "data", _STANDING) as office:
        await standing.granted(office, await standing.done_once(office), within=timedelta(hours=1))
        await office.move_time(3601)

        async with rewritten(office, without(_STANDING, "bo").rstrip()):
            assert not office.app.people.half_taken


async def test_an_approval_that_is_too_old_to_act_on_keeps_no_file_half_taken(redis: str, tmp_path: Path) -> None:
    async with a_world(redis, tmp_path / "data", TOML.replace("quorum = 2\n", "")) as office:
        _, record = await approved_in_a_pause(office)
        await office.move_time(record.request.policy.execute_within_s + 1)

        async with rewritten(office, without(TOML, "bo").rstrip()):
            assert not office.app.people.half_taken


async def test_a_freeze_is_told_to_nobody_whose_approved_step_was_refused(redis: str, tmp_path: Path) -> None:
    async with a_world(redis, tmp_path / "data", f"{TOML}\n[agents.clerk]\nmax_steps = 1\n") as office:
        run_id, record = await asked(office, "production")
        await office.steer((await office.run(run_id)).id, "pause")
        assert isinstance(await office.decide("bo", record, "approve"), Decided)
        await office.quiet()
        office.workshop.meaning["bell"] = ""
        await office.steer((await office.run(run_id)).id, "resume")
        await office.quiet()
        assert await refusals(office, run_id)

        await office.app.requests.freezes.freeze("", office.app.people.named("dan"), "first")
        for shard in range(office.app.store.shards):
            await office.app.requests.freezes.look(shard)

        assert (await office.request(record.request.id)).frozen is None


async def test_a_run_of_somebody_who_is_missing_goes_on_only_afterwards(office: World) -> None:
    facts = office.workshop.hold("facts")
    run_id = await office.trigger("stamp letter", "bo")

    async with rewritten(office, ""):
        facts.set()
        await moved_on(office, run_id)
        assert (await office.run(run_id)).ended is None

    await office.move_time(120)
    await office.has(run_id, "done")


async def test_what_is_to_be_told_to_somebody_who_is_missing_is_told_afterwards(office: World) -> None:
    await asked(office)

    async with rewritten(office, without(TOML, "bo").partition("[policies.production]")[0]):
        gong = await office.trigger("ask-of person:anna free_text Which?", "anna")
        await office.move_time(30)
        assert await office.dead() == []
        assert (await office.run(gong)).ended is None

    await office.move_time(120)
    assert await office.dead() == []


async def test_a_step_that_begins_meanwhile_asks_those_who_are_missing_afterwards(redis: str, tmp_path: Path) -> None:
    async with a_world(redis, tmp_path / "data", STEPS) as world:
        _, record = await asked(world, "spending")

        async with rewritten(world, STEPS[: STEPS.index("[people.cy]")]):
            assert world.app.people.missing == ("cy", "dan", "eve")
            assert isinstance(await world.decide("bo", record, "approve"), Counted)

        await world.move_time(120)
        assert await world.next_mail("dan", "Press bell?")
        assert await world.next_mail("eve", "Press bell?")


async def test_what_is_asked_of_whoever_asked_comes_to_them_afterwards_if_they_are_missing(office: World) -> None:
    await asked(office)
    card = await office.next_mail("bo", "Press bell?")

    async with rewritten(office, without(TOML, "anna").partition("[policies.pair]")[0]):
        assert office.app.people.missing == ("anna",)
        await office.reply("bo", card, "Why do you want that?")
        assert "goes to Anna Ames" in " ".join((await office.next_mail("bo", "Your question")).text.split())

    await office.move_time(120)
    assert "Why do you want that?" in (await office.next_mail("anna", "Press bell?")).text


async def test_operators_hear_of_it_at_once_and_again_after_an_hour_also_if_they_are_missing(office: World) -> None:
    await asked(office)

    async with rewritten(office, "") as reload:
        mail = await office.next_mail("dan", "sayso.toml is only half taken")
        assert f"sayso people confirm {office.app.people.half_taken}" in mail.text.replace("\n", " ")
        assert "Bo Berg" in mail.text
        await reload.look()
        await process_of(office, works=False).look(at_once=True)
        await office.quiet()
        assert len([one for one in office.mails("dan") if "half taken" in one.subject]) == 1

        await office.move_time(3_601)
        await reload.look()
        await reload.look()
        await office.quiet()
        assert len([one for one in office.mails("dan") if "half taken" in one.subject]) == 2


async def test_operators_hear_how_nothing_is_lost_where_an_address_has_changed_without_a_uid(office: World) -> None:
    _, record = await asked(office, "pair")
    toml = TOML.replace("bo@corp", "bo.zander@corp").replace("cy@corp", "cy.zander@corp")

    async with rewritten(office, toml):
        mail = await office.next_mail("dan", "sayso.toml is only half taken")

    told = " ".join(mail.text.split())
    assert "another address or Slack id of Bo Berg and Cy Cole" in told
    assert "put the old one back, add a uid, and change it then" in told
    assert (await office.request(record.request.id)).state == "open"
    assert not [one for one in office.mails("dan") if "Somebody new" in one.subject]


async def test_a_store_that_is_full_hides_no_file_from_the_log_and_holds_nothing_up(
    office: World, capsys: pytest.CaptureFixture[str]
) -> None:
    await asked(office)
    reload, do = process_of(office), office.app.store.client.do
    await reload.begin()
    await do("CONFIG", "SET", "maxmemory", "1")
    try:
        write(office, "")
        for _ in range(2):
            with pytest.raises(StoreError):
                await reload.look(at_once=True)
    finally:
        await do("CONFIG", "SET", "maxmemory", "0")

    assert office.app.people.half_taken
    assert capsys.readouterr().out.count("the file is only half taken") == 1
    await reload.look(at_once=True)
    assert await office.next_mail("dan", "sayso.toml is only half taken")


async def test_an_operator_confirms_exactly_this_file_and_then_it_holds(redis: str, tmp_path: Path) -> None:
    async with a_world(redis, tmp_path / "data", TOML + ADA) as world, serving(world.app) as api:
        run_id, record = await asked(world)
        gone, reload = NO_DECIDERS + ADA, process_of(world)
        await reload.begin()
        write(world, gone)
        await reload.look(at_once=True)
        first = world.app.people.half_taken
        ada, anna = await api.client("ada", "admin", "read"), await api.client("anna", "read")
        [need] = [one for one in (await anna.get("/v1/status")).json()["needs"] if "half taken" in one]
        assert f"sayso people confirm {first}" in need

        write(world, gone + "# and another line\n")
        await reload.look(at_once=True)
        second = world.app.people.half_taken
        assert second not in {"", first}
        refused(await anna.post("/v1/people/confirm", json={"digest": second}), 403, "scope-missing")
        refused(await ada.post("/v1/people/confirm", json={"digest": "0" * 16}), 404, "not-found")
        refused(await ada.post("/v1/people/confirm", json={"digest": second[:8]}), 422, "invalid")
        assert (await ada.post("/v1/people/confirm", json={"digest": first})).status_code == 200
        await reload.look(at_once=True)
        assert (world.app.people.half_taken, (await world.request(record.request.id)).state) == (second, "open")

        assert (await ada.post("/v1/people/confirm", json={"digest": second})).status_code == 200
        await reload.look()
        await world.ended(run_id)
        assert (world.app.people.half_taken, (await world.request(record.request.id)).state) == ("", "superseded")
        await world.seal()
        found = (await ada.get("/v1/audit", params={"kind": "people_confirmed"})).json()["records"]
        assert [(one["who"], one["detail"]["digest"]) for one in found] == [("ada", first), ("ada", second)]


async def test_what_was_confirmed_once_is_not_when_another_file_held_in_between(office: World) -> None:
    await asked(office)
    question = await office.trigger("ask-of person:bo free_text What is your wish?")
    await office.opened(question)
    async with rewritten(office, without(TOML, "bo")) as reload:
        first = office.app.people.half_taken
        await NotedTables(office.app.store).confirm(first, None, channel="cli")
        await reload.look()
        assert (office.app.people.half_taken, (await office.run(question)).open) == ("", None)

    again = await office.trigger("ask-of person:bo free_text What is your wish?")
    await office.opened(again)
    async with rewritten(office, without(TOML, "bo")):
        assert office.app.people.half_taken == first
    assert (await office.run(again)).open


async def test_a_file_that_was_put_right_is_half_taken_no_more_and_can_be_confirmed_no_more(office: World) -> None:
    await asked(office)
    reload, noted = process_of(office), NotedTables(office.app.store)
    await reload.look(at_once=True)
    write(office, NO_DECIDERS)
    await reload.look(at_once=True)
    digest = office.app.people.half_taken

    write(office, TOML)
    await reload.look(at_once=True)

    assert (digest != "", await noted.half()) == (True, {})
    with pytest.raises(NotFound):
        await noted.confirm(digest, None, channel="cli")


async def test_a_file_that_is_taken_away_and_put_back_is_read_again(office: World) -> None:
    run_id, record = await asked(office)
    reload, file = process_of(office), office.folder / "sayso.toml"
    await reload.begin()
    file.rename(aside := office.folder / "aside.toml")
    await reload.look(at_once=True)
    assert office.app.people.all() == ()

    aside.rename(file)
    await reload.look()
    await reload.look()

    assert isinstance(await office.decide("bo", record, "approve"), Counted)
    assert (await office.run(run_id)).ended is None


async def test_who_is_the_same_is_said_meanwhile_and_brings_nobody_back(office: World) -> None:
    await asked(office)

    async with rewritten(office, NO_DECIDERS):
        await office.app.register.hold()
        assert office.app.people.half_taken
        assert "bo" not in office.app.people.all()


async def test_an_absence_of_somebody_who_is_missing_is_still_there_afterwards(office: World) -> None:
    async with serving(office.app) as api:
        bo = await api.client("bo")
        until = f"{await office.now() + timedelta(days=9):%Y-%m-%d}"
        assert (await bo.post("/v1/absences", json={"until": until, "to": "cy"})).status_code == 200

        async with rewritten(office, ""):
            await office.app.requests.absences.look()

        assert len((await bo.get("/v1/absences")).json()["absences"]) == 1


VIC = '\n[people.vic]\nname = "Vic Vale"\nemail = "vic@corp.example"\n'


async def test_attack_an_absence_ends_as_its_person_is_missing_for_a_while_in_a_file_that_is_taken_whole(
    office: World,
) -> None:
    async with office.stopped():
        office.toml = TOML + VIC
    absences, vic = office.app.requests.absences, office.app.people.named("vic")
    until = f"{await office.now() + timedelta(days=9):%Y-%m-%d}"
    await absences.set(AbsenceWanted(vic, until, to=office.app.people.named("cy")), vic, channel="cli")
    reload = process_of(office)
    await reload.begin()

    write(office, TOML)
    await reload.look(at_once=True)
    await absences.look()
    assert (office.app.people.half_taken, await absences.all()) == ("", [])
    write(office, TOML + VIC)
    await reload.look(at_once=True)

    assert [(one.person, one.to) for one in await absences.all()] == [("vic", "cy")]


async def test_somebody_in_the_last_lines_leaves_at_once_where_nothing_depends_on_them(office: World) -> None:
    async with office.stopped():
        office.toml = TOML + VIC
    _, record = await asked(office)
    reload = process_of(office)
    await reload.begin()
    write(office, TOML)

    await reload.look()
    await reload.look()
    assert "vic" not in office.app.people.all()
    await reload.look(at_once=True)

    assert office.app.people.half_taken == ""
    assert isinstance(await office.decide("bo", record, "approve"), Counted)


async def test_a_retry_of_what_departures_closed_asks_anew_under_another_digest(office: World) -> None:
    run_id, record = await asked(office)
    async with rewritten(office, NO_DECIDERS) as reload:
        await NotedTables(office.app.store).confirm(office.app.people.half_taken, None, channel="cli")
        await reload.look()
        await office.ended(run_id)
    async with serving(office.app) as api:
        anna = await api.client("anna")
        made = await anna.post(f"/v1/runs/{run_id}/retry", json={})
        assert made.status_code == 201, made.text
        again = await office.opened(made.json()["id"])

    assert again.request.id != record.request.id
    assert again.request.digest != record.request.digest
    await office.decide("bo", again, "approve")
    await office.decide("cy", again, "approve")
    await office.has(made.json()["id"], "done")


async def cut_everywhere(world: World, toml: str, step: int = 1, *, at_once: bool) -> None:
    """No beginning of the file changes a request or ends a run; afterwards everything is as it was."""
    run_id, record = await asked(world)
    single, other = await asked(world, "production", "gong")
    question = await world.trigger("ask-of person:bo free_text What is your wish?")
    await world.opened(question)
    assert isinstance(await world.decide("cy", record, "approve"), Counted)
    await world.quiet()
    before = {one.request.id: one for one in await world.requests()}
    reload = process_of(world)
    await reload.begin()

    for end in range(0, len(toml), step):
        write(world, toml[:end])
        await reload.look(at_once=at_once)
        if not at_once:
            await reload.look()
    write(world, toml)
    await reload.look(at_once=True)
    await world.app.requests.departures.look_at_all()
    await world.move_time(120)
    await world.quiet()

    assert world.app.people.half_taken == ""
    assert {one.request.id: one for one in await world.requests()} == before
    for each in (run_id, single, question):
        assert (await world.run(each)).ended is None
    assert isinstance(await world.decide("bo", record, "approve"), Decided)
    assert isinstance(await world.decide("cy", other, "approve"), Decided)
    for each in (run_id, single):
        await world.has(each, "done")


async def test_no_beginning_of_a_file_closes_a_request_or_fails_a_run(office: World) -> None:
    await cut_everywhere(office, TOML, step=7, at_once=False)


@pytest.mark.long
@pytest.mark.parametrize(("at_once", "step"), [(True, 1), (False, 13)], ids=["at once", "once it stands still"])
async def test_no_beginning_of_the_example_closes_a_request_or_fails_a_run(
    redis: str, tmp_path: Path, step: int, *, at_once: bool
) -> None:
    pair = '[policies.pair]\napprovers = ["group:release"]\nquorum = 2\nexpires_after = "4h"\n'
    toml = example_toml(tmp_path / "nowhere").replace("[deploy.", f"{pair}\n[deploy.", 1)
    async with a_world(redis, tmp_path / "data", toml) as world:
        await cut_everywhere(world, toml, step, at_once=at_once)


_GARBAGE = (b"\xff\xfe\x00", b"[1", b"[1]", b'{"people.bo": 7}', b"", "\u00b2".encode())


@pytest.mark.parametrize("body", _GARBAGE, ids=map(repr, _GARBAGE))
async def test_what_was_noted_of_files_and_can_not_be_read_keeps_nobody_from_reading_one(
    office: World, body: bytes
) -> None:
    client = office.app.store.client
    reload = process_of(office)
    await reload.begin()
    for key in ("{s0}:tables", "{s0}:tables:whole", "{s0}:tables:wrong"):
        await client.do("SET", key, body)
    await client.do("HSET", "{s0}:tables:half", body, body)

    write(office, f'{TOML}\n[people.new]\nname = "Nia New"\nemail = "nia@corp.example"\n')
    await reload.look()
    await reload.look()

    assert office.app.people.by_email("nia@corp.example")
    assert office.app.people.half_taken == ""
    assert not await NotedTables(office.app.store).half()
    assert "people.new" in [name for noted in await tables_audited(office) for name in noted["added"]]
