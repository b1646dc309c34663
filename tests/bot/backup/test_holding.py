"""A store out of a backup does nothing by itself that may be done already, and counts no answer twice."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agents.events import AnswerNoted, ToolOrphaned
from agents.requests import PersonId, RequestId, people_of
from agents.requests.proof import as_by
from bot.backup.claiming import claim
from bot.backup.holding import Held, Holding
from bot.people.api_keys import Keyring
from bot.people.directory import People
from bot.process.backups import hold_loaded
from bot.render.transcript import lines
from bot.requests.reassignment.absences import AbsenceWanted
from bot.store import LISTED_AT_MOST, Accepted, Keys, WorkItem
from bot.store.client import Client, adjusted
from bot.store.client import asked as clock_asked
from bot.store.client.durability import SHARDS, WrongShards, check_shards
from bot.store.format import FORMAT, OtherFormat
from bot.store.ids import new_id
from bot.worker.queue import Taker
from channels import Accept, Channel, Inbound, Marks, Remembers, RequestLookup
from tests.bot.backup.putting_back import backed_up, lost, put_back, restored
from tests.bot.web.api.test_asking_approval import asked as asked_by_program
from tests.bot.web.api.test_asking_approval import program
from tests.kit.guards import guards
from tests.kit.office import TOML
from tests.kit.tables import becomes
from tests.kit.waiting import until
from tests.kit.world import World, a_world
from tests.servers.web import serving
from tests.stories.test_break_glass import NIGHT, breaks, reviewed

DAY_S = 86_400
BO = '[people.bo]\nname = "Bo Berg"\nemail = "bo@corp.example"\ngroups = ["release"]\n'
DAN = 'email = "dan@corp.example"\n'
BO_LAST = TOML.replace(BO, "").replace(DAN, f'{DAN}groups = ["release"]\n') + BO


class Dated:
    """The world's mail out of a mailbox that tells when each mail came there: at `arrived_at`, if that is set."""

    def __init__(self, channel: Channel) -> None:
        self._channel, self.name, self.edits = channel, channel.name, channel.edits
        self.address, self.send, self.update, self.read = channel.address, channel.send, channel.update, channel.read
        self.arrived_at: datetime | None = None

    def remember_in(self, marks: Marks) -> None:
        if isinstance(self._channel, Remembers):
            self._channel.remember_in(marks)

    async def receive(self, accept: Accept, desk: RequestLookup) -> None:
        async def dated(inbound: Inbound) -> object:
            return await accept(inbound.model_copy(update={"arrived_at": self.arrived_at}))

        await self._channel.receive(dated, desk)


@pytest.fixture
def mail() -> dict[str, Dated]:
    """The mail of the newest process."""
    return {}


@pytest.fixture
async def office(redis: str, tmp_path: Path, mail: dict[str, Dated]) -> AsyncIterator[World]:
    """A running sayso."""

    def through(channel: Channel) -> Channel:
        mail["email"] = Dated(channel)
        return mail["email"]

    def change(world: World) -> None:
        world.through = through

    async with a_world(redis, tmp_path / "data", change=change) as world:
        yield world


async def test_an_open_request_is_closed_people_hear_of_it_and_are_asked_again_once_somebody_resumes_its_run(
    office: World,
) -> None:
    run_id = await office.trigger("press bell")
    asked, card = await office.opened(run_id), await office.next_mail("bo")
    await office.quiet()
    backup = await backed_up(office)
    await office.reply("bo", card, "approve")
    assert await office.summary(run_id) == "done: ok: press bell: done"

    held = await restored(office, backup)

    assert (held.runs, held.requests, held.items, held.requesters) == (1, 1, 0, ("anna",))
    for person in ("dan", "anna"):
        told = await office.next_mail(person, about="Restored from a backup of")
        assert "are paused (1)" in told.text
        assert "resume or cancel" in told.text
    shown = [line for line in lines(await office.events(run_id), office.app.people) if "until a person resumes" in line]
    assert len(shown) == 1
    assert (await office.has(run_id, "paused")).paused_by is None
    assert (await office.request(asked.request.id)).state == "superseded"
    # The mail that approved it comes again, as it does out of a mailbox that was read up to the backup only.
    await office.reply("bo", card, "approve")
    await until(lambda: was_noted(office, run_id), what="the answer is noted")
    assert office.workshop.effects == ["press bell"]
    await office.steer(run_id, "resume")
    again = await office.opened(run_id)
    assert again.request.digest != asked.request.digest
    await office.decide("cy", again, "approve")
    assert await office.summary(run_id) == "done: ok: press bell: done"
    assert office.workshop.effects == ["press bell", "press bell"]


async def was_noted(world: World, run_id: str) -> bool:
    return any(isinstance(event, AnswerNoted) and event.outcome == "closed" for event in await world.events(run_id))


async def test_an_approval_that_was_not_acted_on_is_asked_again(office: World) -> None:
    run_id = await office.trigger("press bell")
    record = await office.opened(run_id)
    await office.steer(run_id, "pause")
    await office.decide("bo", record, "approve")
    await office.quiet()
    backup = await backed_up(office)
    await office.steer(run_id, "resume")
    await office.ended(run_id)

    held = await restored(office, backup)

    assert (held.runs, held.requests) == (1, 1)
    assert (await office.request(record.request.id)).state == "superseded"
    await office.steer(run_id, "resume")
    assert (await office.opened(run_id)).request.id != record.request.id
    assert office.workshop.effects == ["press bell"]


async def test_attack_a_freeze_that_was_set_after_the_backup_is_not_lost_with_it(office: World) -> None:
    run_id = await office.trigger("press bell")
    await office.opened(run_id)
    await office.quiet()
    backup = await backed_up(office)
    await office.app.requests.freezes.freeze("", PersonId("bo"), "incident 4711", proof=None)

    await restored(office, backup, stays_frozen=True)

    told = await office.next_mail("dan", about="Restored from a backup of")
    assert "Everything that needs an approval is frozen" in told.text
    await office.steer(run_id, "resume")
    await office.decide("bo", again := await office.opened(run_id), "approve")
    await until(lambda: is_frozen(office, again.request.id), what="it waits for the end of the freeze")
    assert office.workshop.effects == []
    [freeze] = await office.app.requests.freezes.all()
    assert "by sayso: “sayso was restored from a backup of" in office.app.requests.freezes.words(freeze)
    await office.app.requests.freezes.unfreeze("", PersonId("dan"), "", proof=None)
    assert await office.summary(run_id) == "done: ok: press bell: done"


async def is_frozen(world: World, request_id: RequestId) -> bool:
    return (await world.request(request_id)).frozen is not None


async def test_a_freeze_of_before_the_backup_stays_until_it_is_ended_once(office: World) -> None:
    await office.app.requests.freezes.freeze("", PersonId("bo"), "incident 4711", proof=None)

    await restored(office, await backed_up(office), stays_frozen=True)

    [freeze] = await office.app.requests.freezes.all()
    assert "by Bo Berg: “incident 4711”; said again" in office.app.requests.freezes.words(freeze)
    await office.app.requests.freezes.unfreeze("", PersonId("dan"), "", proof=None)
    assert await office.app.requests.freezes.all() == ()


async def test_attack_who_stood_in_and_no_longer_does_decides_nothing_after_a_restoration(office: World) -> None:
    until_then = (await office.now() + timedelta(days=2)).isoformat()
    bo, dan = PersonId("bo"), PersonId("dan")
    await office.app.requests.absences.set(AbsenceWanted(bo, until_then, to=dan), bo, proof=as_by("cli"))
    backup = await backed_up(office)
    await office.app.requests.absences.end(bo, bo, proof=as_by("cli"))

    held = await restored(office, backup)

    assert held.away == (bo,)
    assert await office.app.requests.absences.all() == []
    for person in ("bo", "dan"):
        told = await office.next_mail(person, about="Restored from a backup of")
        assert "Absences are ended (1)" in told.text
    record = await office.opened(await office.trigger("press bell"))
    assert dan not in people_of(record.asked.rule)


async def test_of_a_tool_at_work_people_say_what_happened_and_one_with_a_key_is_tried_again_where_it_is_approved(
    office: World,
) -> None:
    office.workshop.policy_of["paper"] = "production"
    doors = [office.workshop.hold(thing) for thing in ("rope", "form", "paper")]
    keyless, keyed, gated = [await office.trigger(text) for text in ("pull rope", "stamp form", "stamp paper")]
    await office.decide("bo", await office.opened(gated), "approve")
    await until(lambda: len(office.workshop.started) == 3, what="they are at work")
    backup = await backed_up(office)
    for door in doors:
        door.set()
    for run_id in (keyless, keyed, gated):
        await office.ended(run_id)
    started = [*office.workshop.started]

    await restored(office, backup)

    assert (await office.has(keyless, "unknown")).is_paused
    assert any(isinstance(event, ToolOrphaned) and event.may_have_started for event in await office.events(keyless))
    await office.has(keyed, "paused")
    await office.quiet()
    assert office.workshop.started == started
    for run_id in (keyless, gated):  # the approval of the next try is over
        await office.steer(run_id, "resume")
        assert (await office.opened(run_id)).request.purpose == "unknown"
    assert office.workshop.started == started
    await office.steer(keyed, "resume")
    await office.ended(keyed)
    assert sorted(office.workshop.started) == sorted([*started, "stamp form"])
    assert 2 in office.workshop.calls.values(), "two calls with one key"


async def test_attack_the_review_of_a_broken_glass_waits_for_a_person_to_resume_it_as_nobody_may(
    office: World,
) -> None:
    await becomes(office, NIGHT)
    office.toml = NIGHT
    office.workshop.policy_of["bell"] = "night"
    record = await office.opened(await office.trigger("press bell"))
    await breaks(office, "bo", record)
    asks = await reviewed(office, record)
    await office.ended(record.request.run_id)
    await office.quiet()

    held = await restored(office, await backed_up(office))

    assert (held.runs, held.requests) == (0, 0)
    assert (await office.request(asks.request.id)).state == "superseded"
    again = await office.opened(asks.request.run_id, after=asks.request.id)
    assert again.request.purpose == "review"


async def test_attack_a_run_waits_for_one_that_it_started_and_that_nobody_resumed_with_it(office: World) -> None:
    run_id = await office.trigger("start_run press bell")
    child = await office.child(run_id)
    asked = await office.opened(child.id)
    await office.quiet()
    assert (await restored(office, await backed_up(office))).runs == 2

    await office.steer(run_id, "resume")

    again = await office.opened(child.id, after=asked.request.id)
    await office.decide("bo", again, "approve")
    assert (await office.ended(run_id)).state == "done"


async def test_attack_people_are_asked_anew_for_a_program_that_asks_again_by_itself(office: World) -> None:
    async with serving(office.app) as api:
        request = await asked_by_program(await program(api))
    await office.quiet()
    await restored(office, await backed_up(office))

    await office.steer(request["run_id"], "resume")

    assert "the program may not act: sayso was restored" in await office.summary(request["run_id"])
    assert [one.request.id for one in await office.requests()] == [request["id"]]


async def test_what_had_ended_stays_as_it_was_and_what_began_later_is_not_there(office: World) -> None:
    done = await office.trigger("stamp paper")
    await office.ended(done)
    await office.quiet()
    before = await office.events(done)
    backup = await backed_up(office)
    later = await office.trigger("stamp form")
    await office.ended(later)

    held = await restored(office, backup)

    assert held.runs == 0
    assert await office.events(done) == before
    assert await office.events(later) == ()


async def test_whoever_answers_a_card_that_the_backup_lacks_is_not_told_that_it_was_closed(office: World) -> None:
    backup = await backed_up(office)
    await office.opened(await office.trigger("press bell"))
    card = await office.next_mail("bo")
    await office.quiet()
    await restored(office, backup)

    await office.reply("bo", card, "approve")

    told = await office.next_mail("bo", "no longer keeps")
    assert "or lost as sayso was put back to an earlier state" in told.text
    assert office.workshop.effects == []


async def test_what_came_in_and_nobody_had_handled_waits_for_people(office: World) -> None:
    await office.stop()
    await office.start(works=False)
    await office.send("anna", "sayso@sayso.example", "press bell")
    client = Client(office.url)
    items = await until(lambda: inbound(client), what="it is accepted")
    await client.close()
    backup = await backed_up(office)

    held = await restored(office, backup)

    assert held.items == len(items) == 1
    [note] = [json.loads(note) for note in await office.dead()]
    assert "may have been done already" in note["why"]
    assert office.workshop.effects == []
    [some_id] = await office.app.store.lists.dead()
    await office.app.store.lists.requeue(WorkItem("in", some_id))
    assert await office.next_mail("bo")


async def test_attack_of_very_many_messages_that_nobody_had_handled_some_are_lost_in_a_restoration(
    office: World,
) -> None:
    await office.stop()
    await office.start(works=False, receives=False)
    store, office.is_tampered = office.app.store, True
    for number in range(LISTED_AT_MOST + 1):
        await store.accept(Accepted(new_id("inbound", 1), f"email:{number}", b"{}", b"", 60))
    await office.stop()
    app = office.composed(office.settings())

    held = (await hold_loaded(app)).held

    assert held.items == len(await app.store.lists.dead()) == LISTED_AT_MOST + 1
    for _ in range(2):  # nor does what is given up afterwards take their place
        await app.store.give_up(WorkItem("in", new_id("inbound", 1)), b"{}", most=1)
    assert len(await inbound(app.store.client)) == LISTED_AT_MOST + 1
    await app.store.client.close()


async def inbound(client: Client) -> list[str]:
    return [key async for key in client.scan("{s?}:inbound:*")]


async def test_a_mail_that_came_before_the_restoration_starts_nothing_again(
    office: World, mail: dict[str, Dated]
) -> None:
    await restored(office, await backed_up(office))
    now = await office.now()

    mail["email"].arrived_at = now - timedelta(hours=1)
    await office.send("anna", "sayso@sayso.example", "press bell")

    assert await office.next_mail("anna", about="send it again")
    assert await office.app.store.lists.runs() == []
    assert "before sayso was restored" in (await office.dead())[0]
    mail["email"].arrived_at = now + timedelta(hours=1)
    await office.send("anna", "sayso@sayso.example", "press gong")
    assert await office.next_mail("bo", about="gong")


async def test_new_mail_is_taken_though_redis_s_clock_was_ahead_and_was_put_right_after_a_restoration(
    office: World, mail: dict[str, Dated]
) -> None:
    await office.move_time(DAY_S)
    await office.trigger("press bell")
    await office.app.requests.freezes.freeze("", PersonId("dan"), "incident", proof=None)
    await restored(office, await backed_up(office))
    await office.move_time(-DAY_S)

    mail["email"].arrived_at = datetime.now(UTC) + timedelta(hours=1)
    await office.send("anna", "sayso@sayso.example", "press gong")

    assert await office.next_mail("bo", about="gong")


@pytest.mark.parametrize("below", ["", "\n\nBo Berg\nCorp Ltd\nTel. +49 30 1234567"], ids=["alone", "above contacts"])
async def test_attack_an_absence_said_in_answer_to_a_card_before_the_restoration_is_not_on_again(
    office: World, mail: dict[str, Dated], below: str
) -> None:
    await office.trigger("press bell")
    card = await office.next_mail("bo")
    await office.quiet()
    await restored(office, await backed_up(office))
    now = await office.now()

    mail["email"].arrived_at = now - timedelta(hours=1)
    await office.reply("bo", card, f"away until {(now + timedelta(days=2)):%Y-%m-%d}: dan@corp.example{below}")

    assert await office.next_mail("bo", about="send it again")
    assert await office.app.requests.absences.all() == []


async def test_ticks_of_the_time_between_are_not_made_up_for(office: World) -> None:
    await office.stop()
    client = Client(office.url)
    await client.do("HSET", Keys(1).ticks, "nightly", "1 0 3 * * *")
    backup = await backed_up(office)

    async with lost(office):
        app = office.composed(office.settings())
        await put_back(app.store.client, backup)
        await hold_loaded(app)
        await app.store.client.close()
        assert await client.do("EXISTS", Keys(1).ticks) == 0

    await client.close()


async def test_a_redis_that_was_put_back_by_other_means_is_held_as_well(office: World) -> None:
    keyring = Keyring(office.app.store, office.app.people)
    await keyring.create(person="anna", scopes=("read",))
    run_id = await office.trigger("press bell")
    asked = await office.opened(run_id)
    await office.quiet()
    await office.stop()
    app = office.composed(office.settings())

    done = await hold_loaded(app)
    await app.store.client.close()

    assert (done.held.runs, done.held.requests) == (1, 1)
    assert timedelta(0) <= await app_now(office) - done.at < timedelta(minutes=5)
    await office.start()
    assert (await office.has(run_id, "paused")).restored_from == done.at
    assert (await office.request(asked.request.id)).state == "superseded"
    assert await Keyring(office.app.store, office.app.people).all() == []


async def test_attack_what_waited_for_a_worker_in_a_redis_put_back_by_other_means_is_not_handled(office: World) -> None:
    await office.stop()
    await office.start(works=False)
    await office.send("anna", "sayso@sayso.example", "press bell")
    client = Client(office.url)
    await until(lambda: inbound(client), what="it is accepted")
    await client.close()
    await office.stop()
    app = office.composed(office.settings())

    held = (await hold_loaded(app)).held

    assert held.items == 1
    taker = Taker(app.store)
    assert "in" not in [item.kind async for item in taken_by(taker)]
    await app.store.client.close()
    await office.start()
    assert len(await office.dead()) == 1


async def taken_by(taker: Taker) -> AsyncGenerator[WorkItem]:
    while item := await taker.take(0.1):
        yield item


async def held_at_last(office: World) -> Held:
    """Hold what a store holds that was put back, once after another one broke off before it told anybody."""
    broken = office.composed(office.settings())
    _, at = await claim(broken.store.client)
    await Holding(broken.journal, broken.requests.decisions, broken.people).hold(at)
    await broken.store.client.close()
    app = office.composed(office.settings())
    held = (await hold_loaded(app)).held
    await app.store.client.close()
    return held


async def test_people_hear_what_is_held_though_a_restoration_broke_off_before_it_told_them(office: World) -> None:
    until_then, bo = (await office.now() + timedelta(days=2)).isoformat(), PersonId("bo")
    await office.app.requests.absences.set(AbsenceWanted(bo, until_then), bo, proof=as_by("cli"))
    await office.opened(await office.trigger("press bell"))
    await office.quiet()
    await office.stop()

    held = await held_at_last(office)
    await office.start()

    assert (held.runs, held.requests, held.away, held.requesters) == (1, 1, (bo,), (PersonId("anna"),))
    for person in ("anna", "bo", "dan"):
        told = await office.next_mail(person, about="Restored from a backup of")
        assert "Absences are ended (1)" in told.text
    assert await office.app.requests.absences.all() == []


async def test_attack_people_read_of_a_restoration_that_broke_off_that_it_holds_no_messages(office: World) -> None:
    await office.stop()
    await office.start(works=False, receives=False)
    office.is_tampered = True
    for number in range(3):
        await office.app.store.accept(Accepted(new_id("inbound", 1), f"email:{number}", b"{}", b"", 60))
    await office.stop()

    held = await held_at_last(office)

    assert held.items == 3


async def test_attack_whoever_has_the_id_that_was_somebody_elses_hears_nothing_of_a_restoration(office: World) -> None:
    changed = TOML
    for person in ("anna", "bo", "dan"):
        changed = changed.replace(f"{person}@corp.example", f"{person}.young@corp.example")
    await becomes(office, changed)
    office.toml, bo = changed, office.people.named("bo~2")
    until_then = (await office.now() + timedelta(days=2)).isoformat()
    await office.app.requests.absences.set(AbsenceWanted(bo, until_then), bo, proof=as_by("cli"))
    await office.opened(await office.trigger("press bell"))
    await office.quiet()

    held = await put_back_anew(office)

    assert (held.requesters, held.away) == (("anna~2",), (bo,))
    for person in ("anna.young", "bo.young", "dan.young"):
        assert await office.next_mail(person, about="Restored from a backup of")
    assert not await office.dead()


async def test_attack_whoever_asked_as_somebody_new_hears_nothing_of_a_restoration(office: World) -> None:
    await becomes(office, TOML.replace("anna@corp.example", "second@corp.example"))
    office.toml = TOML.replace("anna@corp.example", "second@corp.example")
    await office.opened(await office.trigger("press bell"))
    await office.app.register.same("anna@corp.example", "anna", PersonId("dan"), proof=None)
    await office.quiet()

    await restored(office, await backed_up(office))

    await office.next_mail("second", about="Restored from a backup of")


async def test_attack_whoever_is_only_missing_in_a_file_hears_nothing_of_a_restoration(office: World) -> None:
    await becomes(office, BO_LAST)
    until_then, bo = (await office.now() + timedelta(days=2)).isoformat(), PersonId("bo")
    office.workshop.policy_of["bell"] = "pair"
    await office.decide("bo", await office.opened(await office.trigger("press bell")), "approve")
    await office.app.requests.absences.set(AbsenceWanted(bo, until_then), bo, proof=as_by("cli"))
    await office.quiet()
    office.toml = BO_LAST.partition("[people.bo]")[0]

    await put_back_anew(office)
    assert office.people.is_missing(bo)
    await becomes(office, BO_LAST)

    assert await office.next_mail("bo", about="Restored from a backup of")


async def put_back_anew(office: World) -> Held:
    """Hold what is in the store in a process that knows of people what the file and the store say."""
    await office.stop()
    settings = office.settings()
    office.people = People.of(settings)
    app = office.composed(settings)
    held = (await hold_loaded(app)).held
    await app.store.client.close()
    await office.start()
    return held


async def app_now(world: World) -> datetime:
    client = Client(world.url)
    now, _ = adjusted(*await client.read(*clock_asked(Keys(0))))
    await client.close()
    return now


@pytest.mark.parametrize("number", ["", str(FORMAT + 1)])
async def test_attack_a_redis_put_back_by_other_means_with_another_format_is_left_alone(
    office: World, number: str
) -> None:
    async with lost(office, anew=True):
        app = office.composed(office.settings())
        client = app.store.client
        await client.read(("SET", SHARDS, 8), ("SET", Keys(0).clock_seen, "1764000000000 0"))
        if number:
            await client.do("SET", Keys(0).format, number)
        with pytest.raises(OtherFormat):
            await hold_loaded(app)
        assert await client.do("GET", SHARDS) == b"8"
        await client.do("FLUSHALL")
        await client.close()


@asynccontextmanager
async def held_before(office: World, number: int) -> AsyncGenerator[tuple[Client, asyncio.Event]]:
    """A client over a line in which `sayso restore --loaded` begins before so many commands about the shards pass."""
    path, left, holds, is_held = office.url.removeprefix("unix://"), number, Client(office.url), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal left
        answers, asks = await asyncio.open_unix_connection(path)
        back = asyncio.create_task(passed(answers, writer))
        while asked := await reader.read(1 << 16):
            if SHARDS.encode() in asked:
                left -= 1
                if left == 0:
                    await claim(holds)
                    is_held.set()
            asks.write(asked)
        back.cancel()
        asks.close()
        writer.close()

    server = await asyncio.start_unix_server(serve, office.folder / "line.sock")
    client = Client(f"unix://{office.folder / 'line.sock'}")
    try:
        yield client, is_held
    finally:
        await client.close()
        await holds.close()
        server.close()


async def passed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while told := await reader.read(1 << 16):
        writer.write(told)


@guards("grow_shards.lua:closed")
@pytest.mark.parametrize("number", [1, 2, 3])
async def test_attack_a_process_that_brings_more_shards_opens_no_store_that_is_being_held(
    office: World, number: int
) -> None:
    await office.stop()
    shards, own = office.app.store.shards, Client(office.url)
    async with held_before(office, number) as (client, is_held):
        try:
            await check_shards(client, shards + 1)
        except WrongShards:
            assert is_held.is_set()
        else:  # its last command about them was done before
            assert not is_held.is_set()
            assert await own.do("GET", SHARDS) == str(shards + 1).encode()
    await own.close()
