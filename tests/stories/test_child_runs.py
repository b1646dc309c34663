"""Runs that a run starts as its step: begun once, approved by themselves, and their end is the step's result."""

import asyncio
from pathlib import Path

import pytest

from agents import ToolRefused
from agents.events import ChildStarted, OutsideReported, PersonSaid, RunResumed, RunStarted
from agents.requests import PersonId, RunId, StepId
from agents.requests.proof import BySession, as_by
from agents.requests.record import RequestRecord
from agents.run import Run
from bot.errors import Conflict, NotFound
from bot.render.outcome import word_of
from bot.render.status_line import status_line
from bot.render.transcript import lines
from bot.runs.children import Children
from bot.runs.start import Sent
from bot.store import Commit
from bot.store.commit import MAX_EVENTS_AT_ALL
from bot.store.ids import new_id, shard_of
from bot.store.keys import Keys
from bot.testing.people import Verb
from tests.kit.long import few_of
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.waiting import PATIENCE_S, until
from tests.kit.world import World, a_world, beside_it
from tests.servers.lines import Server
from tests.stories.test_break_glass import breaks


async def test_a_parent_waits_for_its_child_also_over_a_restart_and_who_asked_hears_once_how_it_ended(
    world: World,
) -> None:
    run_id = await world.trigger("start_run press bell", person="bo")
    child_id = (await world.child(run_id)).id
    record = await world.opened(child_id)
    assert record.request.requesters == ("bo",)
    assert (await world.decide("bo", record, "approve")).type == "not_entitled"
    async with world.stopped():
        pass

    await world.decide("cy", record, "approve")

    assert await world.summary(run_id) == "done: ok: ok: press bell: done"
    [first, *_] = await world.events(child_id)
    assert isinstance(first, RunStarted)
    assert first.parent is not None
    assert (first.parent.run_id, first.requester) == (run_id, "bo")
    assert world.workshop.effects == ["press bell"]
    assert len([one for one in await world.events(run_id) if isinstance(one, ChildStarted)]) == 1
    await world.next_mail("bo", about="Done")
    await world.quiet()
    assert len([mail for mail in world.mails("bo") if "Done" in mail.subject]) == 1


def _editable(world: World) -> None:
    world.workshop.editable = ("what",)


GLASS = TOML.replace('execute_within = "15m"\n', 'execute_within = "15m"\nbreak_glass = ["person:bo"]\n', 1)


@opens(GLASS, change=_editable)
async def test_who_asked_reads_what_people_did_about_what_a_run_below_asked(world: World) -> None:
    run_id = await world.trigger("start_run start_run press bell")
    record = await world.opened((await world.child((await world.child(run_id)).id)).id)
    await world.edit("bo", record, what="gong")
    edited = await world.request(record.request.id)
    await world.decide("cy", edited, "approve", "tell the porter", note_confirmed=True)
    run = await world.ended(run_id)

    told = await world.next_mail("anna", about="Done: ")
    assert told.subject == "Done: start_run start_run press bell; changed by Bo Berg"
    assert told.subject == status_line(run, None, world.people)
    for line in ("Decided by: Cy Cole", "Changed: Bo Berg changed what to gong", "Note by Cy Cole: “tell the porter”"):
        assert f"{line}\n" in told.text

    run_id = await world.trigger("start_run press bell")
    await breaks(world, "bo", await world.opened((await world.child(run_id)).id))
    run = await world.ended(run_id)

    assert status_line(run, None, world.people) == "Done: start_run press bell; Bo Berg broke the glass"
    assert "Break glass: Bo Berg\n" in (await world.next_mail("anna", about="Done: ")).text


async def test_who_wrote_to_the_parent_is_a_requester_of_the_child(world: World) -> None:
    run_id = await world.trigger("ask free_text Ready?\nstart_run press bell")
    await world.opened(run_id)
    await world.steer(run_id, "pause")
    await says(world, run_id, "bo")
    await world.decide("anna", await world.opened(run_id), "free_text", "yes")
    await says(world, run_id, "bo")
    await world.steer(run_id, "resume")

    record = await world.opened((await world.child(run_id)).id)

    assert record.request.requesters == ("anna", "bo")


async def test_who_wrote_to_a_child_is_a_requester_of_what_its_parent_does_next(world: World) -> None:
    run_id = await world.trigger("start_run ask free_text Which bell?\npress bell")
    child_id = (await world.child(run_id)).id
    question = await world.opened(child_id)
    await says(world, child_id, "bo")
    await world.decide("anna", question, "free_text", "the one bo says")

    record = await world.opened(run_id)
    own = await world.decide("bo", record, "approve")

    assert record.request.requesters == ("anna", "bo")
    assert own.type == "not_entitled"
    assert (await world.run(run_id)).writers == ("bo",), "nobody else has written since"


async def test_a_child_that_a_crash_kept_from_beginning_does_not_hold_up_the_end_of_its_parent(world: World) -> None:
    run_id = await world.trigger("ask free_text Ready?")
    step_id = (await world.opened(run_id)).request.step_id
    missing = RunId(new_id("run", shard_of(run_id)))
    begun = ChildStarted(at=await world.now(), step_id=step_id, run_id=missing, agent="clerk", text="stamp letter")
    await world.app.journal.write(Commit(run_id=run_id, events=[begun]))

    await world.steer(run_id, "cancel")

    assert await world.summary(run_id) == "cancelled: cancelled by Anna Ames"


async def test_a_run_that_has_ended_starts_no_other_one_and_none_reads_the_state_of_somebody_elses(
    world: World,
) -> None:
    theirs = (await world.child(await world.trigger("start_run stamp cup"))).id
    run_id = await world.trigger("stamp letter")
    run = await world.ended(run_id)
    late = Children(world.app.journal, world.app.agents, {}, world.app.access.rights)

    with pytest.raises(ToolRefused, match="has ended"):
        await late.start(run, StepId(new_id("step", shard_of(run_id))), "clerk", "stamp cup", "", {})

    assert (await world.run(run_id)).children == ()
    with pytest.raises(ToolRefused, match="is no run that this one has started"):
        await late.look(run, theirs)


async def test_a_child_is_no_better_proved_than_the_run_that_starts_it(world: World) -> None:
    sent = Sent(weakness="forwarded", proof=BySession(link_by="email"))

    run_id = await world.app.runs.starter.start("cli", "start_run stamp letter", PersonId("anna"), sent=sent)

    [first, *_] = await world.events((await world.child(run_id)).id)
    assert isinstance(first, RunStarted)
    assert (first.by_mail, first.weakness) == (True, "forwarded")


async def test_a_child_that_fails_is_an_error_of_its_parents_step(world: World) -> None:
    world.workshop.breaks["bell"] = RuntimeError("cracked")
    run_id = await world.trigger("start_run stamp bell")

    assert await world.summary(run_id) == "failed: error: failed: error: RuntimeError: cracked"


@pytest.mark.parametrize("how", ["denied", "withdrawn"])
async def test_a_child_that_people_stopped_has_not_failed(world: World, how: str) -> None:
    run_id = await world.trigger("start_run press bell")
    record = await world.opened((await world.child(run_id)).id)

    if how == "denied":
        await world.decide("bo", record, "deny")
    else:
        await world.steering.withdraw(record.request.id, PersonId("anna"), "", proof=as_by("cli"))

    assert await world.summary(run_id) == f"failed: error: {how}"
    assert word_of(await world.run(run_id)) == how
    told = "\n".join(lines(await world.events(run_id), world.people, how))
    assert f"news of {(await world.child(run_id)).id}: {how}\n" in told
    assert "failed: failed" not in told
    assert told.splitlines()[-1].endswith(f"{how}: error: {how}")


async def test_the_end_of_a_parent_cancels_its_children_in_the_name_of_who_ended_it(world: World) -> None:
    run_id = await world.trigger("start_run press bell", person="bo")
    child_id = (await world.child(run_id)).id
    record = await world.opened(child_id)
    await world.has(run_id, "waiting")

    await world.steer(run_id, "cancel", person="cy")

    assert await world.summary(run_id) == "cancelled: cancelled by Cy Cole"
    child = await world.ended(child_id)
    assert (child.state, child.cancelled_by, child.stopped_with) == ("cancelled", "cy", run_id)
    assert (await world.request(record.request.id)).state == "withdrawn"
    assert await world.summary(child_id) == f"cancelled: stopped by {run_id}, which started it: cancelled by Cy Cole"
    story = "\n".join(lines(await world.events(child_id), world.app.people))
    assert f"stopped by {run_id}, which started it: Cy Cole cancelled that" in story


async def test_attack_what_a_child_was_doing_when_its_parent_was_cancelled_ends_and_who_asked_reads_nothing_of_it(
    world: World,
) -> None:
    run_id = await world.trigger("start_run press bell")
    held = world.workshop.hold("bell")
    await world.decide("bo", await world.opened(child_id := (await world.child(run_id)).id), "approve")
    await until(lambda: world.workshop.started, what="it has begun")
    await world.steer(run_id, "cancel")
    await world.ended(run_id)

    held.set()
    await world.ended(child_id)
    await world.quiet()

    assert world.workshop.effects == ["press bell"]
    assert [mail.subject for mail in world.mails("anna") if child_id in mail.text]


async def test_attack_what_a_child_asks_is_approved_after_its_parent_was_cancelled_and_before_that_has_its_turn(
    world: World,
) -> None:
    run_id = await world.trigger("start_run press bell")
    record = await until(lambda: asked(world), what="the child asks")
    await world.quiet()
    await world.stop()
    await world.start(works=False)

    await world.steer(run_id, "cancel")
    await world.decide("bo", record, "approve")
    await world.stop()
    await world.start()

    assert (await world.ended(run_id)).state == "cancelled"
    child = await world.ended(record.request.run_id)
    assert (child.state, child.made, world.workshop.effects) == ("cancelled", (), [])
    assert "may go on" not in await world.summary(run_id)


async def test_attack_what_a_child_asks_is_approved_while_its_parent_is_paused(world: World) -> None:
    run_id = await world.trigger("start_run press bell")
    record = await until(lambda: asked(world), what="the child asks")
    await world.quiet()

    await world.steer(run_id, "pause")
    await world.decide("bo", record, "approve")
    await world.quiet()
    assert world.workshop.effects == []
    await world.steer(run_id, "resume", "dan")

    assert (await world.ended(run_id)).state == "done"
    assert world.workshop.effects == ["press bell"]


@pytest.mark.parametrize("order", few_of(["the child first", "the parent first"], 0))
async def test_a_child_that_somebody_paused_by_itself_is_not_resumed_with_its_parent(world: World, order: str) -> None:
    run_id = await world.trigger("start_run press bell")
    record = await until(lambda: asked(world), what="the child asks")
    await world.quiet()
    paused = [record.request.run_id, run_id]

    for each in paused if order == "the child first" else reversed(paused):
        await world.steer(each, "pause", "dan")
    await world.steer(run_id, "resume")

    assert (await world.run(record.request.run_id)).state == "paused"


@pytest.mark.parametrize("first", few_of(["child", "root"], 0))
async def test_attack_what_was_resumed_by_itself_below_a_paused_run_goes_on_as_what_is_above_both_is_paused(
    world: World, first: str
) -> None:
    root = await world.trigger("start_run start_run press bell")
    child = (await world.child(root)).id
    record = await world.opened(grandchild := (await world.child(child)).id)
    await world.quiet()
    await world.steer(child if first == "child" else root, "pause")
    await world.steer(grandchild, "resume")

    await world.steer(root, "pause")
    await world.decide("bo", record, "approve")
    await world.quiet()
    assert world.workshop.effects == []
    await world.steer(root, "resume")
    if first == "child":
        assert (await world.run(grandchild)).state == "paused"
        await world.steer(child, "resume")

    assert (await world.ended(root)).state == "done"


async def test_attack_a_pause_or_its_end_that_breaks_off_is_said_of_the_run_though_what_it_started_is_as_before(
    world: World,
) -> None:
    root = await world.trigger("start_run start_run press bell")
    record = await world.opened((await world.child((await world.child(root)).id)).id)
    await world.quiet()
    name = Keys.of(record.request.id).request
    ways: list[tuple[Verb, str, str]] = [("pause", "waiting", "paused"), ("resume", "paused", "waiting")]
    for verb, before, after in ways:
        await world.app.store.client.do("RENAME", name(record.request.id), name("away"))

        with pytest.raises(NotFound):
            await world.steer(root, verb)

        assert await states(world) == {before}
        await world.app.store.client.do("RENAME", name("away"), name(record.request.id))
        await world.steer(root, verb)
        assert await states(world) == {after}
    await world.decide("bo", record, "approve")
    assert (await world.ended(root)).state == "done"


async def test_attack_a_run_that_takes_in_no_more_events_refuses_its_pause_once_what_it_started_is_paused(
    world: World,
) -> None:
    run_id = await world.trigger("start_run press bell")
    await world.opened((await world.child(run_id)).id)
    await world.quiet()
    says_nothing = RunResumed(at=await world.now(), by=PersonId("anna"), proof=None)
    room = MAX_EVENTS_AT_ALL - await world.app.store.length(run_id)
    await world.app.store.commit(Commit(run_id=run_id, events=[says_nothing] * room, limit=MAX_EVENTS_AT_ALL))

    with pytest.raises(Conflict, match=r"too many events.*changes nothing"):
        await world.steer(run_id, "pause")

    assert await states(world) == {"waiting"}


@pytest.mark.parametrize(("verb", "reverse", "state"), [("pause", "resume", "waiting"), ("resume", "pause", "paused")])
async def test_attack_somebody_says_the_reverse_before_whoever_was_first_comes_to_what_the_run_started(
    redis: str, tmp_path: Path, verb: Verb, reverse: Verb, state: str
) -> None:
    with Server("tests.servers.redis_proxy", redis) as proxy:
        url, folder = f"redis://127.0.0.1:{proxy.said['redis_port']}/0", tmp_path / "data"
        async with a_world(url, folder, TOML) as office, beside_it(World(redis, folder, TOML)) as beside:
            run_id = await office.trigger("start_run press bell")
            await office.opened((await office.child(run_id)).id)
            if verb == "resume":
                await office.steer(run_id, "pause")
            await office.quiet()
            proxy.ask(do="arm", name=f"commit run_{verb}d", nth=2, when="after", act="hold")
            first = asyncio.create_task(office.steer(run_id, verb))
            await until(lambda: proxy.ask(do="seen")["sprung"] == 1, what="it is said of the run")

            await beside.steer(run_id, reverse, "bo")
            proxy.ask(do="release")
            await first

            assert await states(beside) == {state}


async def test_attack_a_child_that_pauses_itself_late_stays_so_as_its_parent_was_resumed_just_before(
    redis: str, tmp_path: Path
) -> None:
    with Server("tests.servers.redis_proxy", redis) as proxy:
        url, folder = f"redis://127.0.0.1:{proxy.said['redis_port']}/0", tmp_path / "data"
        async with a_world(url, folder, TOML) as office, beside_it(World(redis, folder, TOML)) as beside:
            run_id = await office.trigger("ask free_text Ready?")
            parent = await office.run((await office.opened(run_id)).request.run_id)
            await office.steer(run_id, "pause")
            await office.quiet()
            proxy.ask(do="arm", name="commit run_paused", nth=1, when="before", act="hold")
            step_id = parent.requests[parent.open].request.step_id if parent.open else StepId("")
            child_id = await beside.app.runs.children.start(parent, step_id, "clerk", "stamp letter", "", {})
            await until(lambda: proxy.ask(do="seen")["sprung"] == 1, what="it pauses itself")

            await beside.steer(run_id, "resume")
            proxy.ask(do="release")

            assert (await beside.ended(child_id)).state == "done"


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("point", "nth"), [("commit child_started", 1), ("commit run_started", 2)])
async def test_attack_redis_is_away_as_a_run_starts_another_which_is_started_once_all_the_same(
    redis: str, tmp_path: Path, when: str, point: str, nth: int
) -> None:
    with Server("tests.servers.redis_proxy", redis) as proxy:
        url, folder = f"redis://127.0.0.1:{proxy.said['redis_port']}/0", tmp_path / "data"
        async with a_world(url, folder, TOML) as world:
            world.app.store.client.patience_s = 0
            proxy.ask(do="arm", name=point, nth=nth, when=when, act="drop")

            run_id = await world.trigger("start_run pull rope")
            await until(lambda: proxy.ask(do="seen")["sprung"] == 1, what="Redis is away")
            world.app.store.client.patience_s = PATIENCE_S

            assert await world.summary(run_id) == "done: ok: ok: pull rope: done"
            assert world.workshop.effects == ["pull rope"]
            assert len(await world.app.store.lists.runs()) == 2


async def states(world: World) -> set[str]:
    """The states of all runs."""
    return {(await world.run(run_id)).state for run_id in await world.app.store.lists.runs()}


@pytest.mark.parametrize("resumed", few_of(["the parent", "the child alone"], 1))
async def test_attack_a_child_that_begins_once_its_parent_is_paused_goes_on_while_that_waits(
    world: World, resumed: str
) -> None:
    run_id = await world.trigger("ask free_text Ready?")
    step_id = (await world.opened(run_id)).request.step_id
    await world.steer(run_id, "pause")

    child_id = await world.app.runs.children.start(await world.run(run_id), step_id, "clerk", "stamp letter", "", {})
    await world.has(child_id, "paused")
    await world.steer(run_id if resumed == "the parent" else child_id, "resume")

    assert (await world.ended(child_id)).state == "done"


async def asked(world: World) -> RequestRecord | None:
    return next(iter(await world.requests()), None)


async def test_runs_start_runs_three_deep_and_no_deeper(world: World) -> None:
    deep = "start_run start_run start_run start_run stamp letter"

    assert "3 deep" in await world.summary(await world.trigger(deep))
    assert world.workshop.effects == []


async def says(world: World, run_id: RunId, person: str) -> None:
    """Let somebody write to the run, past everything that would hear of it."""
    world.is_tampered = True
    number = len(await world.events(run_id))
    said = PersonSaid(
        at=await world.now(), said_id=f"said {number}", person=PersonId(person), proof=as_by("cli"), text="hurry"
    )
    await world.app.journal.write(Commit(run_id=run_id, events=[said]))


async def test_children_share_what_their_parent_has_left_and_what_one_did_not_use_is_there_for_the_next(
    world: World,
) -> None:
    run_id = await world.trigger("ask free_text Ready?")
    await world.opened(run_id)
    run, children = await world.run(run_id), world.app.runs.children

    started = await asyncio.gather(*(starts(children, run, 2, key) for key in "abc"))

    run = await world.run(run_id)
    assert given(run) == [(100_000, 0.25), (50_000, 0.125), (25_000, 0.0625)]
    limits = [(await world.run(child_id)).budget.limits for child_id in started]
    assert sorted(one.cost_usd for one in limits) == [0.0625, 0.125, 0.25]
    again = await starts(children, run, 2, "a")
    assert (again, given(await world.run(run_id))) == (started[0], given(run))

    largest = next(child for child in run.children if child.max_tokens == 100_000).run_id
    ends = OutsideReported(
        at=await world.now(), report_id=largest, handle=largest, by=(), tokens=50_000, cost_usd=0.125
    )
    await world.app.journal.write(Commit(run_id=run_id, events=[ends, ends]))
    spent = (await world.run(run_id)).budget.spent
    assert (spent.tokens, spent.cost_usd) == (50_000, 0.125)
    await starts(children, await world.run(run_id), 4)
    assert given(await world.run(run_id))[3] == (75_000, 0.1875)


def given(run: Run) -> list[tuple[int, float]]:
    """The tokens and dollars that were set aside for each child."""
    return [(child.max_tokens, child.max_cost_usd) for child in run.children]


async def starts(children: Children, run: Run, number: int, key: str = "") -> RunId:
    """A child of `run`, of a step of its own or, with a key, one of several of a step."""
    step_id = StepId(f"s{shard_of(run.id)}p-aaaaaaaaaaaa{number}")
    return await children.start(run, step_id, "clerk", "ask free_text Ready?", key, {})


async def test_a_run_and_all_below_it_start_a_hundred_and_no_more(world: World) -> None:
    await world.stop()
    await world.start(works=False)
    run = await world.run(await world.trigger("ask free_text Ready?"))
    children = world.app.runs.children

    below = [await world.run(await starts(children, run, 2, f"child {number}")) for number in range(50)]
    with pytest.raises(ToolRefused, match="A run may start 50 others"):
        await starts(children, run, 2, "one more")
    for number in range(25):
        await starts(children, below[0], 3, f"child {number}")
        await starts(children, below[-1], 4, f"child {number}")

    with pytest.raises(ToolRefused, match=f"may start 100 in all, and {run.id} has"):
        await starts(children, below[7], 5, "one more")
    assert await starts(children, run, 2, "child 7") == below[7].id
    assert (await world.run(below[7].id)).children == ()
