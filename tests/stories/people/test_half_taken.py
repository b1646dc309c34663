"""A file that was emptied or cut is only half taken: who is missing decides nothing, and nothing ends for good."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest

from agents.events import Event, StepRefused
from agents.requests import PersonId
from agents.requests.proof import as_by
from agents.requests.record import RequestRecord
from bot.config.example import example_toml
from bot.errors import WaitsForFile
from bot.people.noted import NotedTables, digest_of
from bot.policy.judgements import Counted, Decided
from bot.process.half_taken import content_of
from bot.process.reload import Reload
from bot.requests.reassignment.absences import AbsenceWanted
from bot.store import StoreError, WorkItem
from channels import Channel, Inbound, Reading
from tests.bot.web.api.test_asking_approval import approved, begun
from tests.bot.web.problems import refused
from tests.fakes.slow import SlowChannel
from tests.kit.long import few_of
from tests.kit.office import STEPS, TOML
from tests.kit.opens import opens
from tests.kit.tables import settings_in, tables_audited, without, write
from tests.kit.world import World, a_world, beside_it
from tests.servers.console import Page, a_console, sent
from tests.servers.web import Api, serving
from tests.stories.attacks.test_lost_stops import asked_by_mail
from tests.stories.people import standing

ALONE = '[people.anna]\nname = "Anna Ames"\nemail = "anna@corp.example"\n'
NO_DECIDERS = without(without(TOML, "bo"), "cy").replace('"group:release"', '"person:anna"')
NO_POLICY = without(TOML, "bo").partition("[policies.production]")[0]
ADA = '\n[people.ada]\nname = "Ada Aster"\nemail = "ada@corp.example"\n\n[roles]\nadmin = ["person:ada"]\n'
CUT = TOML[: TOML.index("[people.cy]")]
HALVES = (
    "",
    "# to be filled in\n",
    ALONE,
    NO_DECIDERS,
    NO_POLICY,
    CUT,
    TOML[: TOML.index('\ngroups = ["release"]\n\n[people.dan]')],
)
"""Empty; a comment; who asked alone; nobody who decides; half of a pair, and no policy; cut, also within a line."""
NO_QUORUM = TOML.replace("quorum = 2\n", "")


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
    return (await taken_in(world)).replace(b"Why now?", b"deny")


async def taken_in(world: World) -> bytes:
    """The mail that came in last."""
    await world.quiet()
    files = [one for one in world.mail.folder(world.mail.address).rglob("*") if one.is_file()]
    return max(files, key=lambda one: one.stat().st_mtime_ns).read_bytes()


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


@opens(standing.ALLOWED)
async def test_attack_who_granted_a_standing_approval_and_is_missing_in_a_file_never_hears_of_its_end(
    world: World,
) -> None:
    one, anna = (await standing.granted(world, await standing.done_once(world))).approval.id, PersonId("anna")
    async with rewritten(world, ALONE):
        await world.app.requests.standing.revoke(one, anna, proof=as_by("cli"))

    assert "Anna Ames revoked" in " ".join((await world.next_mail("bo", about="Revoked: ")).text.split())


async def test_attack_an_emptied_or_cut_file_closes_nothing_and_voids_no_vote(world: World) -> None:
    run_id, record = await asked(world)
    question = await world.trigger("ask-of person:bo free_text What is your wish?")
    await world.opened(question)
    assert isinstance(await world.decide("cy", record, "approve"), Counted)
    before = await world.request(record.request.id)

    for half in HALVES:
        async with rewritten(world, half):
            assert world.app.people.half_taken, half
            await world.app.requests.departures.look_at_all()
            await world.app.requests.departures.look(record.request.id)
            await world.quiet()
        assert await world.request(record.request.id) == before, half

    assert isinstance(await world.decide("bo", record, "approve"), Decided)
    await world.has(run_id, "done")
    assert (await world.run(question)).ended is None


async def test_who_is_missing_decides_nothing_from_that_second_and_others_still_do(world: World) -> None:
    run_id, record = await asked(world, "production")
    question = await world.opened(await world.trigger("ask free_text What is your wish?"))
    key, text = await world.app.access.keyring.create(person=world.app.people.named("bo"), scopes=["answer"])
    card = await world.next_mail("bo", "Press bell?")

    async with rewritten(world, NO_DECIDERS):
        with pytest.raises(WaitsForFile):
            await world.app.access.keyring.find(text)
        assert world.app.people.by_email(world.address("bo")) is None
        assert world.app.access.rights.role_of("bo") is None
        assert isinstance(await world.decide("anna", question, "free_text", "a bell"), Decided)

    assert await world.app.access.keyring.find(text) == key
    assert (await world.request(record.request.id)).votes == ()
    await world.reply("bo", card, "approve")
    await world.has(run_id, "done")


async def test_attack_who_is_only_missing_hears_from_a_page_or_the_api_that_they_left_or_their_way_in_ended(
    world: World,
) -> None:
    await asked(world, "production")
    async with a_console(world, look_s=0.1) as console:
        bo = await console.api.client("bo")
        ci = await console.api.client(None, "trigger", service="ci", acts_for=["bo"])
        browser, link = await console.browser("bo"), await console.link("bo", by="email")
        stream = browser.stream("/now")
        await anext(stream)
        typed = (await browser.get("/")).form("/ask")

        async with rewritten(world, NO_DECIDERS):
            for said in (
                await bo.get("/v1/requests"),
                await ci.post("/v1/runs", json={"text": "press bell", "requester": "bo"}),
                await ci.post("/v1/runs", json={"text": "press bell"}),
            ):
                assert "only half taken" in refused(said, 503, "unavailable")
                assert int(said.headers["retry-after"]) > 10
            kept = Page(await browser.post(*sent(typed, text="press the small bell")))
            for shown in (await browser.get("/"), await browser.get(link), kept):
                assert (shown.status, "only half taken" in shown.words) == (503, True)
            assert "press the small bell" in kept.html
            told = await anext(html async for name, html in stream if name == "gone")
            assert "only half taken" in told

        assert (await bo.get("/v1/requests")).status_code == 200
        assert (await browser.get("/")).status == 200
        assert (await console.stranger().get(link)).status == 200


async def test_attack_a_vote_beside_that_of_somebody_who_is_missing_waits_and_counts_afterwards(world: World) -> None:
    run_id, record = await asked(world)
    await world.opened(await world.trigger("ask-of person:bo free_text What is your wish?"))
    assert isinstance(await world.decide("bo", record, "approve"), Counted)
    card = await world.next_mail("cy", "Press bell?")

    async with rewritten(world, without(TOML, "bo")):
        assert world.app.people.half_taken
        with pytest.raises(WaitsForFile):
            await world.decide("cy", record, "approve")
        await world.reply("cy", card, "approve")
        assert [vote.person for vote in (await world.request(record.request.id)).votes] == ["bo"]

    await world.move_time(30)
    await world.has(run_id, "done")


async def test_attack_a_denial_by_mail_of_somebody_who_is_missing_is_not_lost(world: World) -> None:
    run_id, record = await asked(world)
    raw, inbox = await denial_by_mail(world, "bo"), world.app.messages.inbox

    async with rewritten(world, without(TOML, "bo").rstrip()):
        assert world.app.people.missing == ("bo",)
        found = Inbound(channel="email", key="again", raw=raw, size_bytes=len(raw), received_at=await world.now())
        inbound_id = await inbox.accept(found)
        with suppress(WaitsForFile):
            await inbox.handle(inbound_id)
        assert (await world.request(record.request.id)).state == "open"

    await world.move_time(30)
    await world.ended(run_id)
    assert (await world.request(record.request.id)).state == "denied"


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

    async with a_world(redis, tmp_path / "data", change=change) as world:
        [mail] = mails
        mail.may_return.set()
        run_id, record = await asked(world)
        raw, inbox = await denial_by_mail(world, "bo"), world.app.messages.inbox

        async with rewritten(world, without(TOML, "bo").rstrip()):
            mail.may_return.clear()
            mail.has_read.clear()
            found = Inbound(channel="email", key="again", raw=raw, size_bytes=len(raw), received_at=await world.now())
            await inbox.accept(found)
            await mail.has_read.wait()
        mail.may_return.set()

        await world.move_time(30)
        await world.ended(run_id)
        assert (await world.request(record.request.id)).state == "denied"


async def test_attack_a_process_that_saw_nothing_in_a_file_hears_that_another_did(world: World) -> None:
    async with rewritten(world, without(TOML, "cy")) as reload:
        assert world.app.people.half_taken == ""
        await NotedTables(world.app.store).note_half(reload_digest(world), await world.now())
        await reload.look()
        await reload.look()
        assert world.app.people.half_taken == reload_digest(world)


@pytest.mark.parametrize("restarts", few_of([False, True], 0), ids=["goes on", "starts again"])
async def test_attack_what_was_approved_starts_before_a_denial_is_read_of_somebody_who_was_missing(
    world: World, *, restarts: bool
) -> None:
    run_id, record = await asked(world, "production")
    raw, inbox, look = await denial_by_mail(world, "cy"), world.app.messages.inbox, world.app.work.dispatcher.look
    reload = process_of(world)
    await reload.begin()
    await reload.look(at_once=True)
    write(world, CUT)
    await reload.look(at_once=True)
    assert world.app.people.missing == ("cy", "dan")

    assert isinstance(await world.decide("bo", record, "approve"), Decided)
    found = Inbound(channel="email", key="again", raw=raw, size_bytes=len(raw), received_at=await world.now())
    await look(WorkItem("in", await inbox.accept(found)))
    write(world, TOML)
    if restarts:
        async with world.stopped():
            world.toml = TOML
        reload = process_of(world)
        await reload.begin()
    await reload.look(at_once=True)
    assert world.app.people.half_taken == ""
    await world.app.work.dispatcher.look(WorkItem("run", run_id))
    await world.move_time(10)
    await world.ended(run_id)

    assert (await world.request(record.request.id)).state == "revoked"
    assert world.workshop.started == []


@asynccontextmanager
async def put_off_elsewhere(world: World, toml: str) -> AsyncGenerator[WorkItem]:
    """While nobody works but by hand: a denial of Cy by mail, which another process with this file could not read."""
    raw = await denial_by_mail(world, "cy")
    await world.quiet()
    await world.stop()
    other = World(world.url, world.folder.with_name("other"), toml)
    async with beside_it(world), beside_it(other):
        await process_of(world).begin()
        await process_of(world).look(at_once=True)
        found = Inbound(channel="email", key="again", raw=raw, size_bytes=len(raw), received_at=await world.now())
        denial = WorkItem("in", await other.app.messages.inbox.accept(found))
        await other.app.work.dispatcher.look(denial)
        yield denial
    await world.start()


@pytest.mark.parametrize("toml", [CUT, without(TOML, "cy")], ids=["cut", "older"])
async def test_attack_what_was_approved_starts_before_a_denial_is_read_that_another_process_put_off(
    world: World, toml: str
) -> None:
    run_id, record = await asked(world, "production")

    async with put_off_elsewhere(world, toml) as denial:
        assert isinstance(await world.decide("bo", record, "approve"), Decided)
        await moved_on(world, run_id)
        await world.app.work.dispatcher.look(denial)

    await world.ended(run_id)
    assert (await world.request(record.request.id)).state == "revoked"
    assert world.workshop.started == []


async def test_attack_a_program_begins_before_a_denial_is_read_that_another_process_put_off(
    world: World, api: Api
) -> None:
    _, key = await api.key(None, "trigger", "read", service="ci", acts_for=["anna"], asks=["policy:production"])
    request = await approved(api.with_key(key), await api.client("bo"))
    await asked(world, "production")

    async with put_off_elsewhere(world, CUT) as denial, serving(world.app) as beside:
        ci = beside.with_key(key)
        assert (await begun(ci, request)).status_code == 409
        await NotedTables(world.app.store).note_half("of the other", await world.now())
        world.app.people.settles_until = time.monotonic()
        assert (await begun(ci, request)).status_code == 409, "also when that takes more than a minute"
        await world.app.work.dispatcher.look(denial)
        assert (await begun(ci, request)).status_code == 200


async def test_attack_a_tool_starts_before_a_stop_is_read_of_whoever_asked_and_was_missing(world: World) -> None:
    run_id, letter = await asked_by_mail(
        world, "ask free_text Which version?", "ask-of person:bo free_text Where?", "stamp letter"
    )
    first = await world.opened(run_id)
    await world.reply("anna", letter, "the newest one")
    question, raw = await world.opened(run_id, after=first.request.id), await taken_in(world)
    raw = raw.replace(b"the newest one", b"stop")
    await world.opened(await world.trigger("ask free_text What is your wish?"))

    async with rewritten(world, without(TOML, "anna").rstrip()):
        assert world.app.people.missing == ("anna",)
        found = Inbound(channel="email", key="again", raw=raw, size_bytes=len(raw), received_at=await world.now())
        await world.app.work.dispatcher.look(WorkItem("in", await world.app.messages.inbox.accept(found)))
        assert isinstance(await world.decide("bo", question, "free_text", "here"), Decided)
    for _ in range(3):
        await moved_on(world, run_id)
    await world.move_time(10)
    ended = await world.ended(run_id)

    assert ended.state == "cancelled"
    assert world.workshop.started == []
    assert await world.dead() == []


@opens(TOML + ADA)
async def test_attack_nobody_becomes_somebody_who_is_only_missing(world: World, api: Api) -> None:
    await asked(world)
    ada = await api.client("ada", "admin")
    async with rewritten(world, NO_DECIDERS + ADA):
        said = await ada.post("/v1/people/same", json={"known_by": "bo@corp.example", "person": "anna"})
        assert said.status_code == 503


async def test_a_run_that_comes_to_its_gate_meanwhile_waits_and_is_asked_about_afterwards(world: World) -> None:
    await asked(world)

    async with rewritten(world, NO_DECIDERS):
        world.workshop.policy_of["gong"] = "production"
        run_id = await world.trigger("press gong")
        await moved_on(world, run_id)
        assert ((await world.run(run_id)).open, await refusals(world, run_id)) == (None, [])

    await world.move_time(120)
    assert isinstance(await world.decide("bo", await world.opened(run_id), "approve"), Decided)
    await world.has(run_id, "done")


@opens(toml=NO_QUORUM)
async def test_attack_an_approval_that_waits_in_a_freeze_or_a_pause_is_void_by_no_file_that_was_cut(
    world: World,
) -> None:
    paused, _ = await approved_in_a_pause(world)
    world.workshop.policy_of["gong"] = "production"
    freezes, dan = world.app.requests.freezes, world.app.people.named("dan")
    await freezes.freeze("", dan, "first", proof=None)
    run_id = await world.trigger("press gong")
    record = await world.opened(run_id)
    assert isinstance(await world.decide("bo", record, "approve"), Decided)
    await world.quiet()

    async with rewritten(world, without(TOML, "bo").rstrip()):
        assert world.app.people.half_taken
        await freezes.unfreeze("", dan, "over", proof=None)
        for _ in range(3):
            await moved_on(world, run_id)
        assert await world.dead() == [], "whoever looks too often is given up"
        assert (await world.request(record.request.id)).state == "approved"
        assert world.workshop.effects == []

    await world.move_time(120)
    await world.has(run_id, "done")
    await world.steer((await world.run(paused)).id, "resume")
    await world.has(paused, "done")
    assert world.workshop.effects == ["press gong", "press bell"]


@opens(toml=NO_QUORUM)
async def test_attack_an_approval_that_no_worker_has_seen_yet_is_void_by_no_file_that_was_cut(
    world: World,
) -> None:
    run_id, record = await asked(world, "production")
    await world.quiet()
    await world.stop()
    async with beside_it(world):
        assert isinstance(await world.decide("bo", record, "approve"), Decided)

        async with rewritten(world, without(TOML, "bo").rstrip()):
            assert world.app.people.half_taken

    await world.start()
    await world.move_time(120)
    await world.has(run_id, "done")


@opens(standing.ALLOWED.replace("quorum = 2\n", ""))
@pytest.mark.parametrize("missing", few_of(["bo", "anna"], 0), ids=["who granted it", "whom it serves"])
async def test_attack_what_a_standing_approval_allowed_and_waits_in_a_freeze_is_void_by_no_file_that_was_cut(
    world: World, missing: str
) -> None:
    toml = world.toml
    await standing.granted(world, await standing.done_once(world))
    freezes, dan = world.app.requests.freezes, world.app.people.named("dan")
    await freezes.freeze("", dan, "first", proof=None)
    run_id = await world.trigger("press bell")
    await world.quiet()
    [record] = [one for one in await world.requests() if one.request.run_id == run_id]
    assert record.state == "approved"

    async with rewritten(world, without(toml, missing).rstrip()):
        assert world.app.people.half_taken
        await freezes.unfreeze("", dan, "over", proof=None)
        await moved_on(world, run_id)

    await world.move_time(120)
    await world.has(run_id, "done")
    assert await world.request(record.request.id) != record
    assert world.workshop.effects == ["press bell"] * 2


_STANDING = standing.ALLOWED.replace("quorum = 2\n", "")


@opens(toml=_STANDING)
async def test_attack_a_standing_approval_ends_by_no_file_that_was_cut_and_by_one_that_is_whole(world: World) -> None:
    await standing.granted(world, await standing.done_once(world))

    for half in (
        ALONE,
        without(_STANDING, "bo").rstrip(),
        without(without(_STANDING, "bo"), "cy").replace('"group:release"', '"person:anna"'),
        without(_STANDING, "bo").replace(".production]", ".prod]"),
    ):
        async with rewritten(world, half) as reload:
            assert world.app.people.half_taken
            await world.app.requests.departures.look_at_all()
            await reload.look(at_once=True)
        assert (await standing.the_only(world)).state == "valid", half
    assert not await standing.is_asked(world)

    async with rewritten(world, without(_STANDING, "bo")):
        assert not world.app.people.half_taken
    assert (await standing.the_only(world)).state == "revoked"


@opens(toml=NO_QUORUM)
async def test_an_approval_that_is_too_old_to_act_on_keeps_no_file_half_taken(world: World) -> None:
    _, record = await approved_in_a_pause(world)
    await world.move_time(record.request.policy.execute_within_s + 1)

    async with rewritten(world, without(TOML, "bo").rstrip()):
        assert not world.app.people.half_taken


@opens(f"{TOML}\n[agents.clerk]\nmax_steps = 1\n")
async def test_a_freeze_is_told_to_nobody_whose_approved_step_was_refused(world: World) -> None:
    run_id, record = await asked(world, "production")
    await world.steer((await world.run(run_id)).id, "pause")
    assert isinstance(await world.decide("bo", record, "approve"), Decided)
    await world.quiet()
    world.workshop.meaning["bell"] = ""
    await world.steer((await world.run(run_id)).id, "resume")
    await world.quiet()
    assert await refusals(world, run_id)

    await world.app.requests.freezes.freeze("", world.app.people.named("dan"), "first", proof=None)
    for shard in range(world.app.store.shards):
        await world.app.requests.freezes.look(shard)

    assert (await world.request(record.request.id)).frozen is None


async def test_a_run_of_somebody_who_is_missing_goes_on_only_afterwards(world: World) -> None:
    facts = world.workshop.hold("facts")
    run_id = await world.trigger("stamp letter", "bo")

    async with rewritten(world, ""):
        facts.set()
        await moved_on(world, run_id)
        assert (await world.run(run_id)).ended is None

    await world.move_time(120)
    await world.has(run_id, "done")


async def test_what_is_to_be_told_to_somebody_who_is_missing_is_told_afterwards(world: World) -> None:
    await asked(world)

    async with rewritten(world, without(TOML, "bo").partition("[policies.production]")[0]):
        gong = await world.trigger("ask-of person:anna free_text Which?", "anna")
        await world.move_time(30)
        assert await world.dead() == []
        assert (await world.run(gong)).ended is None

    await world.move_time(120)
    assert await world.dead() == []


@opens(toml=STEPS)
async def test_a_step_that_begins_meanwhile_asks_those_who_are_missing_afterwards(world: World) -> None:
    _, record = await asked(world, "spending")

    async with rewritten(world, STEPS[: STEPS.index("[people.cy]")]):
        assert world.app.people.missing == ("cy", "dan", "eve")
        assert isinstance(await world.decide("bo", record, "approve"), Counted)

    await world.move_time(120)
    assert await world.next_mail("dan", "Press bell?")
    assert await world.next_mail("eve", "Press bell?")


@opens(toml=STEPS)
async def test_nobody_is_asked_in_place_of_who_is_only_missing(world: World) -> None:
    _, record = await asked(world, "spending")
    await world.steer(record.request.run_id, "pause")

    no_manager = without(STEPS, "bo").replace("group:release", "person:anna").replace("person:bo", "person:anna")
    async with rewritten(world, no_manager.rstrip()):
        assert world.app.people.missing == ("bo",)
        await world.move_time(8 * 3600)
        await world.app.requests.decisions.look(record.request.id)
        assert (await world.request(record.request.id)).asked.escalated_at is None

    await world.move_time(120)
    assert await world.next_mail("dan", "Press bell?")


async def test_attack_a_run_that_somebody_may_have_stopped_is_stopped_by_no_file_that_was_cut(world: World) -> None:
    run_id, letter = await asked_by_mail(world, "ask free_text Which version?", "stamp letter")
    record = await world.opened(run_id)
    await world.reply("anna", letter, "stop")
    letter = await world.next_mail("anna", about="Nothing goes on before you say which")

    async with rewritten(world, without(TOML, "anna").rstrip()):
        assert world.app.people.missing == ("anna",)
        await world.app.requests.departures.look(record.request.id)
        assert (await world.request(record.request.id)).state == "open"

    await world.reply("anna", letter, "answer: v1")
    await world.has(run_id, "done")


async def test_operators_hear_of_it_at_once_and_again_after_an_hour_also_if_they_are_missing(world: World) -> None:
    await asked(world)

    async with rewritten(world, "") as reload:
        mail = await world.next_mail("dan", "sayso.toml is only half taken")
        assert f"sayso people confirm {world.app.people.half_taken}" in mail.text.replace("\n", " ")
        assert "Bo Berg" in mail.text
        await reload.look()
        await process_of(world, works=False).look(at_once=True)
        await world.quiet()
        assert len([one for one in world.mails("dan") if "half taken" in one.subject]) == 1

        await world.move_time(3_601)
        await reload.look()
        await reload.look()
        await world.quiet()
        assert len([one for one in world.mails("dan") if "half taken" in one.subject]) == 2


async def test_operators_hear_how_nothing_is_lost_where_an_address_has_changed_without_a_uid(world: World) -> None:
    _, record = await asked(world, "pair")
    toml = TOML.replace("bo@corp", "bo.zander@corp").replace("cy@corp", "cy.zander@corp")

    async with rewritten(world, toml):
        mail = await world.next_mail("dan", "sayso.toml is only half taken")

    told = " ".join(mail.text.split())
    assert "another address or Slack id of Bo Berg and Cy Cole" in told
    assert "put the old one back, add a uid, and change it then" in told
    assert (await world.request(record.request.id)).state == "open"
    assert not [one for one in world.mails("dan") if "Somebody new" in one.subject]


async def test_a_store_that_is_full_hides_no_file_from_the_log_and_holds_nothing_up(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    await asked(world)
    reload, do = process_of(world), world.app.store.client.do
    await reload.begin()
    await do("CONFIG", "SET", "maxmemory", "1")
    try:
        write(world, "")
        for _ in range(2):
            with pytest.raises(StoreError):
                await reload.look(at_once=True)
    finally:
        await do("CONFIG", "SET", "maxmemory", "0")

    assert world.app.people.half_taken
    assert capsys.readouterr().out.count("the file is only half taken") == 1
    await reload.look(at_once=True)
    assert await world.next_mail("dan", "sayso.toml is only half taken")


@opens(TOML + ADA)
async def test_an_operator_confirms_exactly_this_file_and_then_it_holds(world: World, api: Api) -> None:
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


async def test_what_was_confirmed_once_is_not_when_another_file_held_in_between(world: World) -> None:
    await asked(world)
    question = await world.trigger("ask-of person:bo free_text What is your wish?")
    await world.opened(question)
    async with rewritten(world, without(TOML, "bo")) as reload:
        first = world.app.people.half_taken
        await NotedTables(world.app.store).confirm(first, None, proof=as_by("cli"))
        await reload.look()
        assert (world.app.people.half_taken, (await world.run(question)).open) == ("", None)

    again = await world.trigger("ask-of person:bo free_text What is your wish?")
    await world.opened(again)
    async with rewritten(world, without(TOML, "bo")):
        assert world.app.people.half_taken == first
    assert (await world.run(again)).open


async def test_a_file_that_is_taken_away_and_put_back_is_read_again(world: World) -> None:
    run_id, record = await asked(world)
    reload, file = process_of(world), world.folder / "sayso.toml"
    await reload.begin()
    file.rename(aside := world.folder / "aside.toml")
    await reload.look(at_once=True)
    assert world.app.people.all() == ()

    aside.rename(file)
    await reload.look()
    await reload.look()

    assert isinstance(await world.decide("bo", record, "approve"), Counted)
    assert (await world.run(run_id)).ended is None


async def test_an_absence_of_somebody_who_is_missing_is_still_there_afterwards(world: World) -> None:
    async with serving(world.app) as api:
        bo = await api.client("bo")
        until = f"{await world.now() + timedelta(days=9):%Y-%m-%d}"
        assert (await bo.post("/v1/absences", json={"until": until, "to": "cy"})).status_code == 200

        async with rewritten(world, ""):
            await world.app.requests.absences.look()

        assert len((await bo.get("/v1/absences")).json()["absences"]) == 1


VIC = '\n[people.vic]\nname = "Vic Vale"\nemail = "vic@corp.example"\n'


async def test_attack_an_absence_ends_as_its_person_is_missing_for_a_while_in_a_file_that_is_taken_whole(
    world: World,
) -> None:
    async with world.stopped():
        world.toml = TOML + VIC
    absences, vic = world.app.requests.absences, world.app.people.named("vic")
    until = f"{await world.now() + timedelta(days=9):%Y-%m-%d}"
    await absences.set(AbsenceWanted(vic, until, to=world.app.people.named("cy")), vic, proof=as_by("cli"))
    reload = process_of(world)
    await reload.begin()

    write(world, TOML)
    await reload.look(at_once=True)
    await absences.look()
    assert (world.app.people.half_taken, await absences.all()) == ("", [])
    write(world, TOML + VIC)
    await reload.look(at_once=True)

    assert [(one.person, one.to) for one in await absences.all()] == [("vic", "cy")]


async def test_somebody_in_the_last_lines_leaves_at_once_where_nothing_depends_on_them(world: World) -> None:
    async with world.stopped():
        world.toml = TOML + VIC
    _, record = await asked(world)
    reload = process_of(world)
    await reload.begin()
    write(world, TOML)

    await reload.look()
    await reload.look()
    assert "vic" not in world.app.people.all()
    await reload.look(at_once=True)

    assert world.app.people.half_taken == ""
    assert isinstance(await world.decide("bo", record, "approve"), Counted)


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


async def test_no_beginning_of_a_file_closes_a_request_or_fails_a_run(world: World) -> None:
    await cut_everywhere(world, TOML, step=23, at_once=False)


@pytest.mark.long
@pytest.mark.parametrize(("at_once", "step"), [(True, 1), (False, 13)], ids=["at once", "once it stands still"])
async def test_no_beginning_of_the_example_closes_a_request_or_fails_a_run(
    redis: str, tmp_path: Path, step: int, *, at_once: bool
) -> None:
    pair = '[policies.pair]\napprovers = ["group:release"]\nquorum = 2\nexpires_after = "4h"\n'
    toml = example_toml(tmp_path / "nowhere").replace("[deploy.", f"{pair}\n[deploy.", 1)
    async with a_world(redis, tmp_path / "data", toml) as world:
        await cut_everywhere(world, toml, step, at_once=at_once)


async def test_what_was_noted_of_files_and_can_not_be_read_keeps_nobody_from_reading_one(world: World) -> None:
    client, toml = world.app.store.client, TOML
    reload = process_of(world)
    await reload.begin()
    for number, body in enumerate((b"\xff\xfe\x00", b'{"people.bo": 7}', "\u00b2".encode())):
        for key in ("{s0}:tables", "{s0}:tables:whole", "{s0}:tables:wrong"):
            await client.do("SET", key, body)
        await client.do("HSET", "{s0}:tables:half", body, body)
        await client.do("SADD", "{s0}:tables:kept", body)

        toml += f'\n[people.n{number}]\nname = "New {number}"\nemail = "n{number}@corp.example"\n'
        write(world, toml)
        await reload.look()
        await reload.look()

        assert world.app.people.by_email(f"n{number}@corp.example")
        assert world.app.people.half_taken == ""
        assert not await NotedTables(world.app.store).half()
        assert f"people.n{number}" in [name for noted in await tables_audited(world) for name in noted["added"]]
