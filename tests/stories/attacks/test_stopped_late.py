"""A denial that comes once a start is recorded: what has not begun by then does not begin."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agents.events import RequestRevoked, ToolOrphaned, ToolStarted
from agents.requests import PersonId, RequestId, RunId
from agents.requests.proof import as_by
from agents.requests.record import RequestRecord
from agents.run import fold
from bot.errors import Conflict
from bot.policy.judge import MOST_NOTED
from bot.policy.judgements import TooLate
from tests.bot.execution.test_executor import found_gone
from tests.kit.guards import guards
from tests.kit.office import TOML
from tests.kit.shop import a_shop
from tests.kit.tables import becomes, without
from tests.kit.waiting import until
from tests.kit.world import World, a_world, beside_it
from tests.servers.lines import Server
from tests.stories.attacks.test_queued import another_deploys, approved_and_queued
from tests.stories.test_rollback import live

BO = PersonId("bo")


class Planning:
    """A shop whose deploys to production are planned first, which lasts for as long as somebody holds the plan."""

    def __init__(self, folder: Path) -> None:
        self._held, self._seen = folder / "held", folder / "seen"
        script = f'while [ -e "{self._held}" ]; do touch "{self._seen}"; sleep 0.02; done; echo nothing changes'
        self.toml = f"plan = ['sh', '-c', '{script}']\n"

    def hold(self) -> None:
        """Let the next plan last."""
        self._held.touch()

    def let_go(self) -> None:
        """End the plan that lasts."""
        self._held.unlink()

    def is_made(self) -> bool:
        """Return whether a plan is being made that is held."""
        return self._seen.exists()


@pytest.fixture
def planning(tmp_path: Path) -> Planning:
    return Planning(tmp_path)


@pytest.fixture
async def planned(redis: str, tmp_path: Path, demo: Path, planning: Planning) -> AsyncIterator[World]:
    """The shop as `sayso dev` has it, whose production has a plan."""
    policy = 'policy = "production"\n'
    planned = a_shop(redis, tmp_path / "data", demo, lambda toml: toml.replace(policy, policy + planning.toml, 1))
    async with planned as world:
        yield world


@asynccontextmanager
async def in_its_last_look(planned: World, planning: Planning) -> AsyncGenerator[tuple[RunId, RequestRecord]]:
    """A deploy whose turn has come and which is planned once more before it begins."""
    async with another_deploys(planned):
        run_id, record = await approved_and_queued(planned)
        planning.hold()
    await until(planning.is_made, what="the last look has begun")
    record = await planned.request(record.request.id)
    assert record.began_at
    try:
        yield run_id, record
    finally:
        planning.let_go()


async def starts(world: World, run_id: RunId) -> int:
    return sum(isinstance(event, ToolStarted) and bool(event.request_id) for event in await world.events(run_id))


async def equals_its_story(world: World, request_id: RequestId) -> RequestRecord:
    """The request as it stands, which is what the events of its run come to."""
    record = await world.request(request_id)
    assert fold(await world.events(record.request.run_id)).requests[request_id] == record
    return record


async def test_attack_a_denial_in_the_last_look_is_not_lost(planned: World, planning: Planning) -> None:
    before = live(planned, "production")
    async with in_its_last_look(planned, planning) as (run_id, record):
        said = await planned.decide("cy", record, "deny", "stop, incident")

    run = await planned.ended(run_id)

    assert isinstance(said, TooLate)
    assert live(planned, "production") == before
    assert (await planned.summary(run_id)).endswith("revoked before it started: stop, incident")
    assert run.results[-1].by == ("cy",)
    assert await starts(planned, run_id) == 1
    stands = await equals_its_story(planned, record.request.id)
    assert (stands.state, stands.started_at) == ("revoked", None)


async def test_attack_a_denial_in_the_last_look_is_lost_in_a_pause_as_whoever_approved_it_leaves(
    planned: World, planning: Planning
) -> None:
    before, toml = live(planned, "production"), (planned.folder / "sayso.toml").read_text()
    async with in_its_last_look(planned, planning) as (run_id, record):
        await planned.decide("cy", record, "deny", "stop, incident")
        await planned.steer(run_id, "pause")

    async def is_taken_back() -> bool:
        return (await planned.request(record.request.id)).waits

    await until(is_taken_back, what="it has not begun")
    await becomes(planned, without(toml, "bo"))
    await planned.steer(run_id, "resume")

    run = await planned.ended(run_id)
    assert (await equals_its_story(planned, record.request.id)).state == "revoked"
    assert (run.results[-1].kind, run.results[-1].by) == ("revoked", ("cy",))
    assert live(planned, "production") == before


@guards("planted:denial_before_effect")
async def test_attack_a_denial_after_the_start_of_what_is_no_command_is_not_lost(redis: str, tmp_path: Path) -> None:
    with Server("tests.servers.redis_proxy", redis) as proxy:
        url, folder = f"redis://127.0.0.1:{proxy.said['redis_port']}/0", tmp_path / "data"
        async with a_world(url, folder, TOML) as office, beside_it(World(redis, folder, TOML)) as beside:
            record = await office.opened(await office.trigger("press bell"))
            await office.quiet()  # a card that is brought now would have the start refused, and that held
            proxy.ask(do="arm", name="commit tool_started", nth=1, when="after", act="hold")
            await beside.decide("bo", record, "approve")
            await until(lambda: proxy.ask(do="seen")["sprung"] == 1, what="its start is recorded")

            said = await beside.decide("cy", record, "deny", "stop, incident")
            proxy.ask(do="release")

            await office.ended(record.request.run_id)
            assert isinstance(said, TooLate)
            assert office.workshop.effects == []
            assert (await equals_its_story(office, record.request.id)).state == "revoked"


async def test_attack_a_denial_of_the_second_try_of_what_may_have_happened_is_not_lost(
    redis: str, tmp_path: Path
) -> None:
    with Server("tests.servers.redis_proxy", redis) as proxy:
        url, folder = f"redis://127.0.0.1:{proxy.said['redis_port']}/0", tmp_path / "data"
        async with a_world(url, folder, TOML) as office, beside_it(World(redis, folder, TOML)) as beside:
            office.workshop.policy_of["letter"], may_end = "production", office.workshop.hold("letter")
            record = await office.opened(run_id := await office.trigger("stamp letter"))
            await beside.decide("bo", record, "approve")
            await until(lambda: office.workshop.started == ["stamp letter"], what="it has begun")
            proxy.ask(do="arm", name="commit tool_started", nth=1, when="after", act="hold")
            await found_gone(office, beside, await office.run(run_id))
            await until(lambda: proxy.ask(do="seen")["sprung"] == 1, what="its second start is recorded")

            said = await beside.decide("cy", record, "deny", "stop, incident")
            proxy.ask(do="release")
            await beside.has(run_id, "unknown")

            assert isinstance(said, TooLate)
            assert (await beside.opened(run_id)).request.purpose == "unknown"
            assert office.workshop.started == ["stamp letter"]
            may_end.set()


@pytest.mark.long
async def test_attack_a_withdrawal_in_the_last_look_is_not_lost(planned: World, planning: Planning) -> None:
    before = live(planned, "production")
    async with in_its_last_look(planned, planning) as (run_id, record):
        with pytest.raises(Conflict, match="If it has not begun by now, it will not begin"):
            await planned.steering.withdraw(record.request.id, PersonId("anna"), "not today", as_by("cli"))

    await planned.ended(run_id)

    assert live(planned, "production") == before
    assert (await equals_its_story(planned, record.request.id)).state == "revoked"


@pytest.mark.long
async def test_attack_a_denial_in_the_last_look_outlives_a_freeze(planned: World, planning: Planning) -> None:
    before, freezes = live(planned, "production"), planned.app.requests.freezes
    async with in_its_last_look(planned, planning) as (run_id, record):
        await planned.decide("cy", record, "deny", "stop, incident")
        await freezes.freeze("production", BO, "incident", proof=None)

    assert (await planned.ended(run_id)).state == "failed", "it waits for no end of the freeze"

    await freezes.unfreeze("production", BO, "over", proof=None)
    await planned.quiet()
    assert live(planned, "production") == before
    assert await starts(planned, run_id) == 1


@pytest.mark.long
async def test_attack_the_stop_of_somebody_whose_answers_are_kept_no_longer_counts(
    planned: World, planning: Planning
) -> None:
    before = live(planned, "production")
    async with in_its_last_look(planned, planning) as (run_id, record):
        for number in range(MOST_NOTED):
            await planned.decide("cy", record, "approve", reply_id=f"robot-{number}")

        await planned.decide("cy", record, "deny", "stop")

    await planned.ended(run_id)
    assert live(planned, "production") == before


@pytest.mark.long
async def test_who_stopped_it_in_the_last_look_reads_on_the_card_that_it_did_not_begin(
    planned: World, planning: Planning
) -> None:
    async with in_its_last_look(planned, planning) as (run_id, _):
        card = await planned.next_mail("cy", about="Deploy")
        await planned.reply("cy", card, "no, stop")
        told = await planned.next_mail("cy", about="Too late")

    await planned.ended(run_id)

    assert "it was started on" in " ".join(told.text.split())
    assert "If it has not begun by now, it will not begin." in " ".join(told.text.split())
    assert "Cy Cole took it back" in (await planned.next_mail("cy", about="took it back")).text


async def test_a_denial_once_it_has_begun_changes_nothing(world: World) -> None:
    may_end = world.workshop.hold("bell")
    record = await world.opened(run_id := await world.trigger("press bell"))
    await world.decide("bo", record, "approve")
    await until(lambda: world.workshop.started, what="it presses")

    said = await world.decide("cy", record, "deny", "stop!")
    may_end.set()

    assert isinstance(said, TooLate)
    assert await world.summary(run_id) == "done: ok: press bell: done"
    stands = await equals_its_story(world, record.request.id)
    assert stands.state == "approved"
    assert not [one for one in await world.events(run_id) if isinstance(one, RequestRevoked | ToolOrphaned)]
