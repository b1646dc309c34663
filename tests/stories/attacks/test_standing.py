"""A standing approval used for more, longer, by others or for something else than people granted."""

import email.policy
from collections.abc import AsyncIterator
from datetime import timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from functools import partial
from itertools import takewhile
from pathlib import Path

import pytest

from agents import CallTool, Done, Repeats
from agents.events import RequestOpened
from agents.requests import PersonId, RequestId, RunId
from agents.requests.proof import ByKey, ByMail, as_by
from agents.requests.record import RequestRecord
from agents.run import fold
from bot.audit.reading import Query
from bot.errors import Invalid
from bot.policy.judgements import Decided, NotEntitled, TooLate
from bot.requests.standing.uses import StandingUses
from bot.runs.api_requests import Asker
from bot.runs.export import export
from bot.runs.start import Sent
from bot.store.indexes import note_thread
from bot.testing import Sayso, Scripted
from bot.testing.people import Peopled
from tests.bot.backup.putting_back import backed_up, restored
from tests.bot.process.test_reload import without
from tests.fakes.hallway import Hallway
from tests.kit.clerk import Workshop, clerk
from tests.kit.long import few_of
from tests.kit.opens import opens
from tests.kit.shop import a_shop
from tests.kit.waiting import until
from tests.kit.world import World, a_sayso
from tests.servers.web import Api
from tests.stories.people.standing import ALLOWED, an_office, asked, done_once, granted, is_asked, the_only
from tests.stories.people.test_departures import EVE, becomes
from tests.stories.test_break_glass import breaks
from tests.stories.test_rollback import breaks_the_page, live

pytestmark = opens(ALLOWED)


def with_standing(toml: str) -> str:
    """The settings whose policy of production allows it."""
    return toml.replace("[policies.production]\n", '[policies.production]\nstanding = "5 in 30d"\n')


@pytest.fixture
async def shop(redis: str, tmp_path: Path, demo: Path) -> AsyncIterator[World]:
    """A running sayso with the demo to deploy, whose policy of production allows standing approvals."""
    async with a_shop(redis, tmp_path / "data", demo, with_standing) as world:
        yield world


async def deploys(shop: World, version: str) -> bool:
    """Whether a deploy to production was done without asking anybody."""
    run_id = await shop.trigger(f"deploy {version} to production")
    await until(lambda: is_open_or_over(shop, run_id), what=f"{version} is asked about, or live")
    return (await shop.run(run_id)).open is None


async def is_open_or_over(office: Peopled, run_id: RunId) -> bool:
    run = await office.run(run_id)
    return run.open is not None or run.ended is not None


async def test_attack_a_deploy_that_takes_back_what_is_live_is_asked(shop: World) -> None:
    await granted(shop, await done_once(shop, "deploy v1.1.0 to production"), leave_open=("version",))
    assert await deploys(shop, "v1.2.0")

    assert not await deploys(shop, "v1.1.0")

    assert live(shop, "production") == "v1.2.0"
    assert len((await the_only(shop)).uses) == 1


@pytest.mark.long
async def test_attack_a_deploy_with_a_migration_or_over_something_unknown_is_asked(shop: World) -> None:
    await granted(shop, await done_once(shop, "deploy v1.1.0 to production"), leave_open=("version",))
    breaks_the_page(shop)

    assert not await deploys(shop, "v1.3.0")
    (shop.folder / "demo" / "site" / "production" / "current").unlink()
    assert not await deploys(shop, "v1.2.0")

    assert (await the_only(shop)).uses == ()


async def test_attack_what_is_risky_is_asked_and_becomes_none(world: World) -> None:
    run_id = await done_once(world)
    await granted(world, run_id, leave_open=("what",))
    world.workshop.risky.add("button")

    assert await is_asked(world, "press button")
    [record] = [one for one in await world.requests() if one.state == "open"]
    await world.decide("bo", record, "approve")
    await world.ended(record.request.run_id)

    with pytest.raises(Invalid):
        await asked(world, record.request.run_id)
    assert not await is_asked(world)


async def test_attack_a_model_chooses_again_what_whoever_asked_withdrew_before_it_was_allowed() -> None:
    press, done, workshop = CallTool(tool="press", arguments={"what": "bell"}), Done(summary="done"), Workshop()
    policies = {"production": {"approvers": ["person:bo", "person:cy"], "standing": "5 in 30d"}}
    model = Scripted(press, done, press, press, done)
    async with a_sayso(agents=[clerk(workshop)], policies=policies, model=model) as s:
        run_id = await s.trigger("press bell")
        await s.approve("bo", run_id)
        await s.ended(run_id)
        withdrawn = await s.opened(await s.trigger("press bell"))
        await granted(s, run_id)

        await s.steering.withdraw(withdrawn.request.id, PersonId("anna"), "not now", as_by("cli"))

        again = await s.opened(withdrawn.request.run_id, after=withdrawn.request.id)
        assert (again.state, workshop.effects) == ("open", ["press bell"])
        assert (await the_only(s)).uses == ()


async def test_attack_a_fork_does_by_a_standing_approval_what_whoever_asked_wrote_beside(world: World) -> None:
    run_id = await done_once(world)
    record = await world.opened(source := await world.trigger("press button"))
    await world.decide("anna", record, "free_text", "Only after 18:00")
    await granted(world, run_id, leave_open=("what",))

    asker = Asker(PersonId("anna"), proof=as_by("cli"))
    fork = await world.app.runs.forks.fork(source, (await world.run(source)).seq, asker)

    await until(lambda: is_open_or_over(world, fork), what="it is asked about, or done")
    assert [one.text for one in (await world.opened(fork)).request.remarks] == ["Only after 18:00"]
    assert (await the_only(world)).uses == ()


@pytest.mark.parametrize("place", few_of(["another child", "a child of that child"], 0))
@pytest.mark.parametrize("who", few_of(["bo", "anna"], 0))
async def test_attack_a_model_has_another_run_choose_again_what_was_taken_back_in_its_child(
    place: str, who: str
) -> None:
    press, done, workshop = CallTool(tool="press", arguments={"what": "bell"}), Done(summary="done"), Workshop()
    go, on = (CallTool(tool="start_run", arguments={"agent": "clerk", "text": text}) for text in ("go", "go on"))
    policies = {"production": {"approvers": ["person:bo", "person:cy"], "standing": "5 in 30d"}}
    gives_up = [Done(outcome="failed", summary="no")] if place == "another child" else []
    model = Scripted(press, done, go, press, *gives_up, on, press)
    async with a_sayso(agents=[clerk(workshop)], policies=policies, model=model) as s:
        run_id = await s.trigger("press bell")
        await s.approve("bo", run_id)
        await s.ended(run_id)
        await granted(s, run_id)
        await s.app.requests.freezes.freeze("workshop", PersonId("cy"), "incident", proof=None)
        await s.trigger("go now")
        await s.quiet()
        [use] = (await the_only(s)).uses

        if who == "bo":
            await s.decide("bo", await s.request(use.request_id), "deny")
        else:
            await s.steering.withdraw(use.request_id, PersonId("anna"), "not now", as_by("cli"))
        await s.quiet()

        assert model.left == 0
        [again] = [one for one in await s.requests() if one.state == "open"]
        said = "denied before, by Bo Berg" if who == "bo" else "withdrawn before, by Anna Ames"
        assert again.request.changed == (f"The same was {said}.",)
        assert (await the_only(s)).uses == (use,)
        await s.app.requests.freezes.unfreeze("workshop", PersonId("cy"), "fixed", proof=None)
        await s.quiet()
        assert workshop.effects == ["press bell"]


@pytest.mark.parametrize(
    ("first", "then", "no"),
    few_of(
        [
            ("below", "below", "deny"),
            ("here", "below", "deny"),
            ("below", "here", "deny"),
            ("below", "below", "cancel"),
        ],
        0,
        3,
        rows=True,
    ),
)
async def test_attack_a_model_has_another_run_do_again_what_somebody_denied(first: str, then: str, no: str) -> None:
    press, done, workshop = CallTool(tool="press", arguments={"what": "bell"}), Done(summary="done"), Workshop()
    policies = {"production": {"approvers": ["person:bo", "person:cy"], "standing": "5 in 30d"}}
    below = CallTool(tool="start_run", arguments={"agent": "clerk", "text": "press the bell"})
    steps = {"here": (press,), "below": (below, press)}
    ends = [done] if first == "below" and no == "deny" else []
    model = Scripted(press, done, *steps[first], *ends, *steps[then], done)
    async with a_sayso(agents=[clerk(workshop)], policies=policies, model=model) as s:
        denied = await asked_beside_a_grant(s, "press bell", "press the bell, or have it pressed")

        if no == "deny":
            await s.decide("cy", denied, "deny")
        else:
            await s.steer(denied.request.run_id, "cancel")
            await s.ended(denied.request.run_id)

        again = await until(partial(newest_open, s), what="it is asked again, wherever it is to be done")
        told = {"deny": "The same was denied before, by Cy", "cancel": "The same was withdrawn before, by Anna"}[no]
        assert any(each.startswith(told) for each in again.request.changed)
        assert workshop.effects == ["press bell"]
        assert (await the_only(s)).uses == ()


async def asked_beside_a_grant(s: Sayso, first: str, then: str, *, leave_open: tuple[str, ...] = ()) -> RequestRecord:
    """Return what people are asked about the second wish, while a standing approval of the first is granted."""
    run_id = await s.trigger(first)
    await s.approve("bo", run_id)
    await s.ended(run_id)
    await s.trigger(then)
    record = await until(partial(newest_open, s), what="it is asked")
    await granted(s, run_id, leave_open=leave_open)
    return record


@pytest.mark.parametrize("place", ["the same run", "a fork", "another child"])
@pytest.mark.parametrize("who", few_of(["bo", "anna"], 0))
async def test_attack_a_model_calls_what_somebody_took_back_by_another_name(place: str, who: str) -> None:
    press, second, alias = (CallTool(tool="press", arguments={"what": one}) for one in ("v1", "v2", "5eb63bb"))
    go, on = (CallTool(tool="start_run", arguments={"agent": "clerk", "text": text}) for text in ("go", "go on"))
    done, workshop = Done(summary="done"), Workshop(meaning={"v2": "5eb63bb"})
    policies = {"production": {"approvers": ["person:bo", "person:cy"], "standing": "5 in 30d"}}
    ends = Done(outcome="failed", summary="no")
    then = {
        "the same run": [second, alias],
        "a fork": [second, ends, alias],
        "another child": [go, second, ends, on, alias],
    }
    async with a_sayso(agents=[clerk(workshop)], policies=policies, model=Scripted(press, done, *then[place])) as s:
        record = await asked_beside_a_grant(s, "press v1", "press v2", leave_open=("what",))

        if who == "bo":
            await s.decide("bo", record, "deny")
        else:
            await s.steering.withdraw(record.request.id, PersonId("anna"), "not now", as_by("cli"))
        if place == "a fork":
            seq = (await s.ended(record.request.run_id)).seq
            await s.app.runs.forks.fork(record.request.run_id, seq, Asker(PersonId("anna"), proof=as_by("cli")))

        await s.quiet()
        [again] = [one for one in await s.requests() if one.state == "open"]
        told = {"bo": "The same was denied before, by Bo", "anna": "The same was withdrawn before, by Anna"}[who]
        assert any(each.startswith(told) for each in again.request.changed)
        assert workshop.effects == ["press v1"]
        assert (await the_only(s)).uses == ()


async def test_attack_a_model_wants_a_part_of_what_somebody_denied_under_a_standing_approval() -> None:
    all_of_it, part = (CallTool(tool="press", arguments={"what": one}) for one in ("all bells", "first bell"))
    policies, workshop = {"production": {"approvers": ["person:bo"], "standing": "5 in 30d"}}, Workshop()
    model = Scripted(part, Done(summary="done"), all_of_it, part)
    async with a_sayso(agents=[clerk(workshop)], policies=policies, model=model) as s:
        record = await asked_beside_a_grant(s, "press the first bell", "press all bells", leave_open=("what",))

        await s.decide("bo", record, "deny")

        again = await until(partial(newest_open, s), what="it is asked")
        [why] = again.request.changed
        assert why.startswith("No standing approval counts here: Bo")
        assert workshop.effects == ["press first bell"]


@pytest.mark.parametrize("denied", ["here", "below"])
async def test_attack_a_copy_starts_a_run_that_does_what_people_denied_before_it_was_copied(denied: str) -> None:
    press, workshop = CallTool(tool="press", arguments={"what": "bell"}), Workshop()
    ends = Done(outcome="failed", summary="no")
    below = CallTool(tool="start_run", arguments={"agent": "clerk", "text": "press the bell"})
    policies = {"production": {"approvers": ["person:bo", "person:cy"], "standing": "5 in 30d"}}
    first = [press, ends] if denied == "here" else [below, press, ends, ends]
    model = Scripted(press, Done(summary="done"), *first, below, press)
    async with a_sayso(agents=[clerk(workshop)], policies=policies, model=model) as s:
        record = await asked_beside_a_grant(s, "press bell", "press the bell, or have it pressed")
        source = record.request.run_id
        await s.decide("bo", record, "deny")
        seq = (await s.ended(source)).seq

        await s.app.runs.forks.fork(source, seq, Asker(PersonId("anna"), proof=as_by("cli")))

        await s.quiet()
        [again] = [one for one in await s.requests() if one.state == "open"]
        assert again.request.changed == ("The same was denied before, by Bo Berg.",)
        assert workshop.effects == ["press bell"]
        assert (await the_only(s)).uses == ()


@pytest.mark.parametrize("no", few_of(["below, and that goes on", "too late", "by cancelling it"], 0, 1))
async def test_attack_a_copy_does_what_people_said_no_to_where_no_result_of_the_copied_story_tells_so(no: str) -> None:
    press, wait = (
        CallTool(tool=tool, arguments={"what": what}) for tool, what in (("press", "bell"), ("stamp", "wait"))
    )
    below = CallTool(tool="start_run", arguments={"agent": "clerk", "text": "press the bell"})
    policies, workshop = {"production": {"approvers": ["person:bo"], "standing": "5 in 30d"}}, Workshop()
    done, is_below = Done(summary="done"), no.startswith("below")
    first = [below, press, wait, below] if is_below else [press] if no.startswith("by") else [press, done]
    async with a_sayso(agents=[clerk(workshop)], policies=policies, model=Scripted(press, done, *first, press)) as s:
        run_id = await s.trigger("press bell")
        await s.approve("bo", run_id)
        await s.ended(run_id)
        source = await s.trigger("press the bell, or have it pressed")
        record = await until(partial(newest_open, s), what="it is asked")
        ends, holds = workshop.hold("bell"), workshop.hold("wait")
        if is_below:
            await s.decide("bo", record, "deny")
            await until(lambda: workshop.started[-1] == "stamp wait", what="the run below goes on")
        elif no == "too late":
            await s.decide("bo", record, "approve")
            await until(lambda: len(workshop.started) > 1, what="it presses")
            assert isinstance(await s.decide("bo", record, "deny"), TooLate)
        else:
            await s.steer(source, "cancel")
        ends.set()
        seq = (await s.run(source) if is_below else await s.ended(source)).seq
        await granted(s, run_id)
        before = [*workshop.effects]

        await s.app.runs.forks.fork(source, seq, Asker(PersonId("anna"), proof=as_by("cli")))

        again = await until(partial(newest_open, s), what="it is asked")
        told = "The same was withdrawn before, by Anna" if no.startswith("by") else "The same was denied before, by Bo"
        assert any(each.startswith(told) for each in again.request.changed)
        assert (workshop.effects, (await the_only(s)).uses) == (before, ())
        holds.set()


@pytest.mark.parametrize("how", few_of(["fork", "retry"], 1))
async def test_attack_a_copy_does_what_people_said_no_to_behind_the_story_that_it_goes_on_from(
    world: World, how: str
) -> None:
    await granted(world, await done_once(world))
    await world.app.requests.freezes.freeze("workshop", PersonId("dan"), "incident", proof=None)
    source = await world.trigger("press bell")
    await world.quiet()
    [used] = (await world.run(source)).requests
    await world.decide("cy", await world.request(used), "deny", "not today")
    await world.app.requests.freezes.unfreeze("workshop", PersonId("dan"), "fixed", proof=None)
    await world.ended(source)

    asker, forks = Asker(PersonId("anna"), proof=as_by("cli")), world.app.runs.forks
    copy = await (forks.retry(source, asker) if how == "retry" else forks.fork(source, 2, asker))

    await until(lambda: is_open_or_over(world, copy), what="it is asked about, or done")
    assert (await world.run(copy)).open, "it is asked about"
    assert (await world.opened(copy)).request.changed == ("The same was denied before, by Cy Cole.",)
    assert (world.workshop.effects, len((await the_only(world)).uses)) == (["press bell"], 1)


@pytest.mark.parametrize("how", few_of(["fork", "retry"], 0))
async def test_attack_a_copy_of_one_run_below_does_what_people_denied_in_another_one(how: str) -> None:
    press, wait = CallTool(tool="press", arguments={"what": "bell"}), CallTool(tool="stamp", arguments={"what": "wait"})
    below = CallTool(tool="start_run", arguments={"agent": "clerk", "text": "press the bell"})
    policies, workshop = {"production": {"approvers": ["person:bo"], "standing": "5 in 30d"}}, Workshop()
    model = Scripted(
        press, Done(summary="done"), below, press, Done(outcome="failed", summary="no"), below, wait, press
    )
    async with a_sayso(agents=[clerk(workshop)], policies=policies, model=model) as s:
        run_id = await s.trigger("press bell")
        await s.approve("bo", run_id)
        await s.ended(run_id)
        above = await s.trigger("have it pressed")
        record, holds = await until(partial(newest_open, s), what="it is asked"), workshop.hold("wait")
        await granted(s, run_id)
        await s.decide("bo", record, "deny")
        await until(lambda: workshop.started[-1] == "stamp wait", what="another run below begins")
        source = (await s.run(above)).children[-1].run_id

        asker, forks = Asker(PersonId("anna"), proof=as_by("cli")), s.app.runs.forks
        await (forks.retry(source, asker) if how == "retry" else forks.fork(source, 1, asker))

        again = await until(partial(newest_open, s), what="it is asked")
        assert again.request.changed == ("The same was denied before, by Bo Berg.",)
        assert (workshop.effects, (await the_only(s)).uses) == (["press bell"], ())
        holds.set()


@pytest.mark.parametrize("how", few_of(["fork", "retry"], 1))
async def test_attack_a_copy_does_what_people_denied_in_a_run_that_is_in_the_archive_by_then(
    tmp_path: Path, how: str
) -> None:
    file, press = tmp_path / "sayso.toml", CallTool(tool="press", arguments={"what": "bell"})
    file.write_text(f'{ALLOWED}\n[retention]\nfinished_after = "1d"\n')
    below = CallTool(tool="start_run", arguments={"agent": "clerk", "text": "press the bell"})
    ends, workshop = Done(outcome="failed", summary="no"), Workshop()
    model = Scripted(press, Done(summary="done"), below, press, ends, ends, press)
    async with a_sayso(file, agents=[clerk(workshop)], model=model) as s:
        run_id = await s.trigger("press bell")
        await s.approve("bo", run_id)
        await s.ended(run_id)
        source = await s.trigger("have it pressed")
        record = await until(partial(newest_open, s), what="it is asked")
        await s.decide("bo", record, "deny")
        seq = (await s.ended(source)).seq
        await s.quiet()
        await granted(s, run_id, within=timedelta(days=9))
        await s.move_time(2 * 86_400)
        await s.app.work.retention.look()
        assert (await s.run(record.request.run_id)).started is None, "it has left"

        asker, forks = Asker(PersonId("anna"), proof=as_by("cli")), s.app.runs.forks
        copy = await (forks.retry(source, asker) if how == "retry" else forks.fork(source, seq, asker))

        await until(lambda: is_open_or_over(s, copy), what="it is asked about, or done")
        assert (await s.run(copy)).open, "it is asked about"
        [why] = (await s.opened(copy)).request.changed
        assert why.startswith("No standing approval counts here: a run that belongs to this one is in the archive")
        assert (workshop.effects, (await the_only(s)).uses) == (["press bell"], ())


async def newest_open(s: Peopled) -> RequestRecord | None:
    return next((one for one in await s.requests() if one.state == "open"), None)


@pytest.mark.parametrize("is_denied", [False, True])
async def test_attack_what_did_not_happen_and_is_to_be_asked_again_begins_without_asking(
    world: World, *, is_denied: bool
) -> None:
    await granted(world, await done_once(world))
    world.workshop.started.clear()
    may_end = world.workshop.hold("bell")
    run_id = await world.trigger("press bell")
    await until(lambda: world.workshop.started, what="it presses")
    used = await world.request(next(iter((await world.run(run_id)).requests)))
    if is_denied:
        assert isinstance(await world.decide("bo", used, "deny", "the bell is cracked"), TooLate)
    async with world.stopped():
        pass
    unknown = await world.opened(run_id, after=used.request.id)
    may_end.set()

    await world.decide("cy", unknown, "free_text", "it did not happen, ask again")

    again = await world.opened(run_id, after=unknown.request.id)
    assert (again.state, world.workshop.effects) == ("open", ["press bell"])
    assert (await the_only(world)).uses[1:] == ()
    told = ("The same was denied before, by Bo Berg. Reason: “the bell is cracked”.",)
    assert again.request.changed == (told if is_denied else ())


@pytest.mark.parametrize("meanwhile", few_of(["it became risky", "it was revoked"], 0))
async def test_attack_what_counts_no_longer_by_the_start_is_asked(world: World, meanwhile: str) -> None:
    standing = await granted(world, await done_once(world))
    await world.app.requests.freezes.freeze("workshop", PersonId("dan"), "incident", proof=None)
    run_id = await world.trigger("press bell")
    await world.quiet()
    run = await world.run(run_id)
    assert run.pending
    assert run.pending.decision, "it is decided, and the freeze alone holds it"

    if meanwhile == "it became risky":
        world.workshop.risky.add("bell")
    else:
        await world.app.requests.standing.revoke(standing.approval.id, PersonId("cy"), "no more", proof=None)
    await world.app.requests.freezes.unfreeze("workshop", PersonId("dan"), "fixed", proof=None)

    record = await world.opened(run_id)
    assert standing.approval.id in record.request.changed[0]
    assert world.workshop.effects == ["press bell"]
    if meanwhile == "it was revoked":
        assert "no more" in (await world.next_mail("anna", "revoked")).text


async def test_attack_the_same_call_is_asked_where_another_policy_gates_it_by_now(world: World) -> None:
    await granted(world, await done_once(world))
    world.workshop.policy_of["bell"] = "pair"

    assert await is_asked(world)

    assert (await the_only(world)).uses == ()


async def test_two_have_to_grant_what_two_have_to_approve(redis: str, tmp_path: Path) -> None:
    toml = ALLOWED.replace("quorum = 2\n", 'quorum = 2\nstanding = "5 in 30d"\n')

    def change(world: World) -> None:
        world.workshop.policy_of["bell"] = "pair"

    async with an_office(redis, tmp_path, toml, change=change) as office:
        run_id = await office.trigger("press bell")
        record = await office.opened(run_id)
        for person in ("bo", "cy"):
            await office.decide(person, record, "approve")
        await office.ended(run_id)
        record = await asked(office, run_id)

        await office.decide("bo", record, "approve")
        assert await office.app.requests.standing.all() == []
        assert isinstance(await office.decide("cy", record, "approve"), Decided)

        await office.has(record.request.run_id, "done")
        assert (await the_only(office)).approval.granted_by == ("bo", "cy")
        assert not await is_asked(office)


async def test_it_serves_nobody_else_and_nobody_asks_for_more_than_was_theirs_and_the_policy_allows(
    world: World,
) -> None:
    run_id = await done_once(world)
    with pytest.raises(Invalid):
        await asked(world, run_id, person="dan")
    for uses, within in ((6, timedelta(days=1)), (1, timedelta(days=31)), (1, -timedelta(days=1))):
        with pytest.raises(Invalid):
            await asked(world, run_id, uses, within=within)
    await granted(world, run_id, within=timedelta(hours=1))

    assert await is_asked(world, person="dan")
    assert await is_asked(world, person="cy")
    await becomes(world, without(ALLOWED, "anna"))
    await becomes(world, ALLOWED)
    assert not await is_asked(world), "whom it serves is back"
    await world.move_time(3601)
    assert await is_asked(world)


@opens(ALLOWED + EVE)
async def test_attack_it_counts_again_as_whoever_granted_it_comes_back(world: World) -> None:
    await granted(world, await done_once(world))

    await becomes(world, without(ALLOWED, "bo") + EVE)
    told = await world.next_mail("anna", "Revoked")
    await becomes(world, ALLOWED + EVE)

    assert "whoever approved it has left" in " ".join(told.text.split())
    assert await is_asked(world)
    found = await the_only(world)
    assert (found.state, found.uses) == ("revoked", ())
    await world.seal()
    [record], _ = await world.app.audit.search(Query(kind="standing_revoked"))
    assert (record.get("who"), record["channel"], record["detail"]) == (
        None,
        "file",
        {"standing": found.approval.id},
    )


async def test_a_freeze_holds_what_nobody_was_asked_about_and_who_denies_a_use_or_revokes_all_stops_what_waits(
    world: World,
) -> None:
    standing = await granted(world, await done_once(world))
    await world.app.requests.freezes.freeze("workshop", PersonId("dan"), "incident", proof=None)
    runs = [await world.trigger("press bell") for _ in range(2)]
    await world.quiet()
    assert world.workshop.effects == ["press bell"]
    uses = {use.run_id: use.request_id for use in (await the_only(world)).uses}

    await world.decide("cy", await world.request(uses[runs[0]]), "deny", "not today")
    await world.app.requests.freezes.unfreeze("workshop", PersonId("dan"), "fixed", proof=None)

    assert (await world.ended(runs[0])).ended
    await world.has(runs[1], "done")
    assert world.workshop.effects == ["press bell"] * 2
    await world.app.requests.freezes.freeze("workshop", PersonId("dan"), "another incident", proof=None)
    await world.trigger("press bell")
    await world.quiet()
    revoked = await world.app.requests.standing.revoke(standing.approval.id, PersonId("cy"), proof=None)
    assert (await world.request(revoked.uses[-1].request_id)).state == "superseded"


async def test_what_an_approver_edited_never_becomes_one(redis: str, tmp_path: Path) -> None:
    def change(world: World) -> None:
        world.workshop.editable = ("what",)

    async with an_office(redis, tmp_path, change=change) as office:
        run_id = await office.trigger("press bell")
        record = await office.opened(run_id)
        await office.edit("bo", record, what="button")
        await office.decide("cy", await office.request(record.request.id), "approve")
        await office.ended(run_id)

        with pytest.raises(Invalid):
            await asked(office, run_id)


async def test_a_crash_after_its_use_was_counted_spends_one_and_adds_none(world: World) -> None:
    await granted(world, await done_once(world), uses=2)
    assert not await is_asked(world)
    [used] = (await the_only(world)).uses
    died = (await world.request(used.request_id)).request.model_copy(update={"id": RequestId("s0q-zzzzzzzzzzzzz")})

    events = await world.events(used.run_id)
    run = fold(takewhile(lambda event: not isinstance(event, RequestOpened), events))

    looked = await StandingUses(world.app.store, world.app.people).look(died, run, Repeats())

    assert looked.decision  # and whoever found it writes nothing more
    assert await is_asked(world)
    assert world.workshop.effects == ["press bell"] * 2
    assert len((await the_only(world)).uses) == 2


@opens(ALLOWED.replace('standing = "5 in 30d"\n', 'standing = "5 in 30d"\nbreak_glass = ["person:dan"]\n', 1))
async def test_whoever_breaks_the_glass_grants_nothing_and_what_they_allowed_becomes_none(world: World) -> None:
    record = await asked(world, await done_once(world))
    assert isinstance(await breaks(world, "dan", record), NotEntitled)
    run_id = await world.trigger("press bell")
    assert isinstance(await breaks(world, "dan", await world.opened(run_id), reply_id="cli-2"), Decided)
    await world.has(run_id, "done")

    with pytest.raises(Invalid):
        await asked(world, run_id)


@opens(ALLOWED.replace('approvers = ["group:release"]', 'approvers = ["person:cy"]', 1))
async def test_attack_what_somebody_else_answered_the_agent_is_asked(world: World) -> None:
    await granted(world, await done_once(world, by="cy"), by=("cy",))
    run_id = await world.trigger("ask-of person:bo free_text which one?\npress bell")
    question = await world.opened(run_id)
    await world.decide("bo", question, "free_text", "the bell")

    await world.quiet()

    assert (await world.run(run_id)).open
    assert world.workshop.effects == ["press bell"]


async def write(
    office: World,
    text: str,
    *,
    is_weak: bool = False,
    hours_ago: int = 0,
    to: str = "sayso@sayso.example",
    copies: int = 1,
) -> None:
    """A new mail of Anna's, with the text as its subject as well; what is weak says not when it was written.

    Copies differ in what a signature may leave out.
    """
    mail = EmailMessage(policy=email.policy.SMTP)
    mail["From"], mail["To"], mail["Subject"] = "anna@corp.example", to, text
    if not is_weak:
        mail["Date"] = format_datetime(office.about_now() - timedelta(hours=hours_ago))
    mail.set_content(text)
    who = "anna@corp.example"
    for number in range(copies):
        del mail["Message-ID"]
        mail["Message-ID"] = f"<wish{number}.{abs(hash((to, hours_ago, is_weak)))}@corp.example>"
        await office.transport(who).send(bytes(mail), sender=who, recipients=["sayso@sayso.example"])


async def test_attack_a_mail_that_could_approve_nothing_uses_none_and_of_one_and_its_copies_one_uses_it(
    world: World,
) -> None:
    await granted(world, await done_once(world))

    await write(world, "press bell", is_weak=True)
    await write(world, "press bell", hours_ago=2)
    await write(world, "press bell", to="bo@corp.example")

    await until(lambda: are_open(world, 3), what="people are asked")
    await world.quiet()
    assert world.workshop.effects == ["press bell"]
    assert (await the_only(world)).uses == ()
    await write(world, "press bell", copies=2)
    await until(lambda: are_open(world, 4), what="people are asked about the copy")
    await world.quiet()
    assert world.workshop.effects == ["press bell"] * 3, "its subject says it as well"
    assert len((await the_only(world)).uses) == 2


async def are_open(office: World, count: int) -> bool:
    return sum(one.state == "open" for one in await office.requests()) == count


@opens(ALLOWED.replace("approve_by_email = true\n", 'answer_from = ["console", "slack"]\n', 1))
async def test_attack_a_wish_by_a_way_that_does_not_count_uses_none(world: World) -> None:
    run_id = await world.trigger("press bell")
    await world.decide("bo", await world.opened(run_id), "approve", channel="console")
    await world.ended(run_id)
    record = await asked(world, run_id)
    await world.decide("bo", record, "approve", channel="console")
    await world.has(record.request.run_id, "done")

    assert await is_asked(world)
    assert (await the_only(world)).uses == ()
    anna = world.app.people.named("anna")
    counts = await world.app.runs.starter.start("console", "press bell", anna)
    await world.ended(counts)

    assert len((await the_only(world)).uses) == 1
    assert world.workshop.effects == ["press bell"] * 2


TERMINAL_ALONE = opens(ALLOWED.replace("approve_by_email = true\n", 'answer_from = ["cli"]\n', 1), beside=("hall",))


@pytest.fixture
def hall() -> Hallway:
    """Stands for Slack."""
    return Hallway()


@TERMINAL_ALONE
@pytest.mark.parametrize(
    "text", ["ask free_text Which one?\npress bell", "ask free_text Which one?\nstart_run press bell"]
)
async def test_attack_an_answer_by_a_way_that_does_not_count_uses_one(world: World, text: str) -> None:
    await granted(world, await done_once(world))

    for number, way in enumerate(("slack", "console", "cli")):
        question = await world.opened(await world.trigger(text))
        await world.decide("anna", question, "free_text", "the bell", channel=way)
        await until(lambda count=number: are_pressed_or_asked(world, count + 1), what="it is done or asked about")
        assert len(world.workshop.effects) == 1 + (way == "cli"), way


async def are_pressed_or_asked(office: World, count: int) -> bool:
    asked_about = [one for one in await office.requests() if one.state == "open" and one.request.format == "approval"]
    return len(asked_about) + len(office.workshop.effects) - 1 == count


@TERMINAL_ALONE
async def test_attack_a_word_by_a_way_that_does_not_count_steers_a_run_that_uses_one(
    world: World, hall: Hallway
) -> None:
    await granted(world, await done_once(world))
    stamping = world.workshop.hold("letter")
    run_id = await world.trigger("stamp letter\npress bell")
    await until(lambda: "stamp letter" in world.workshop.started, what="it stamps")
    await note_thread(world.app.store, "slack", "C01OPS/1.1", run_id)

    hall.say(hall.follows("anna", "the red one", "C01OPS/1.1"))
    await until(lambda: is_written_to(world, run_id), what="the run has the word")
    stamping.set()

    await world.opened(run_id)
    assert (await the_only(world)).uses == ()
    assert world.workshop.effects == ["press bell", "stamp letter"]


async def is_written_to(office: World, run_id: RunId) -> bool:
    return bool((await office.run(run_id)).writers)


NO_MAIL = opens(ALLOWED.replace("approve_by_email = true\n", "", 1))
WAYS = {"mail": ("email", ByMail()), "a mailed link": ("console", as_by("console", "email")), "a key": ("api", ByKey())}


@NO_MAIL
@pytest.mark.parametrize("how", few_of(["retry", "fork", "fork of a fork", "fork that starts a run"], 1, 3))
@pytest.mark.parametrize("way", few_of([*WAYS], 0, 2))
async def test_attack_a_copy_of_what_began_by_a_way_that_does_not_count_uses_one(
    world: World, way: str, how: str
) -> None:
    await granted(world, await done_once(world))
    anna, (channel, proof), forks = PersonId("anna"), WAYS[way], world.app.runs.forks
    by_hand, text = Asker(anna, proof=as_by("cli")), "start_run press bell" if "starts" in how else "press bell"
    source = await world.app.runs.starter.start(channel, text, anna, sent=Sent(proof=proof))
    await world.quiet()

    copy = await (forks.retry(source, by_hand) if how == "retry" else forks.fork(source, 1, by_hand))
    if how == "fork of a fork":
        copy = await forks.fork(copy, 1, by_hand)
    await world.quiet()

    below = (await world.run(copy)).children
    assert (await world.run(below[0].run_id if below else copy)).open
    assert world.workshop.effects == ["press bell"]


@NO_MAIL
async def test_attack_a_child_that_was_worded_behind_a_mailed_answer_is_made_again_and_uses_one(world: World) -> None:
    await granted(world, await done_once(world))
    await world.trigger("ask free_text Which one?\nstart_run press bell")
    await world.reply("anna", await world.next_mail("anna", about="Which one"), "the bell")
    await world.quiet()
    [child] = [one.request.run_id for one in await world.requests() if one.state == "open"]

    copy = await world.app.runs.forks.retry(child, Asker(PersonId("anna"), proof=as_by("cli")))
    await world.quiet()

    assert (await world.run(copy)).open
    assert world.workshop.effects == ["press bell"]


@pytest.mark.parametrize("text", few_of(["press bell", "start_run press bell"], 0))
async def test_attack_a_story_from_a_file_uses_what_whoever_takes_it_in_may_do_without_asking(
    world: World, text: str
) -> None:
    await granted(world, await done_once(world))
    source = await world.trigger(text, "dan")
    await world.quiet()
    [begun, *_] = await world.events(source)
    forged = begun.model_copy(update={"requester": PersonId("anna")})
    asker = Asker(PersonId("anna"), proof=as_by("cli"))
    taken = await world.app.runs.forks.take_in(export(source, (forged,), "", await world.now()), asker)
    await world.quiet()

    await world.app.runs.forks.fork(taken, 1, asker)
    await world.quiet()

    assert (await the_only(world)).uses == ()
    assert world.workshop.effects == ["press bell"]


async def test_attack_a_backup_gives_back_neither_uses_nor_what_was_revoked(world: World) -> None:
    await granted(world, await done_once(world), uses=1)
    backup = await backed_up(world)
    assert not await is_asked(world)

    await restored(world, backup)

    assert await is_asked(world)
    assert world.workshop.effects == ["press bell"] * 2
    assert (await the_only(world)).state == "revoked"


OWN = ALLOWED.replace("[policies.production]", "[policies.production]\nrequester_may_approve = true", 1)


@opens(OWN)
async def test_attack_somebody_grants_a_standing_approval_to_themselves(world: World) -> None:
    run_id = await done_once(world, by="bo", person="bo")

    record = await asked(world, run_id, person="bo")

    own = await world.decide("bo", record, "approve")
    assert isinstance(own, NotEntitled)
    assert own.why == "requester"
    assert isinstance(await world.decide("cy", record, "approve"), Decided)
    await world.has(record.request.run_id, "done")
    assert (await the_only(world)).approval.granted_by == ("cy",)


async def test_attack_a_program_with_somebodys_own_key_uses_or_gets_a_standing_approval(world: World, api: Api) -> None:
    await granted(world, await done_once(world))
    anna = await api.client("anna", "trigger")

    begun = await anna.post("/v1/runs", json={"text": "press bell"})

    record = await world.opened(RunId(begun.json()["id"]))
    await world.decide("bo", record, "approve")
    await world.ended(record.request.run_id)
    with pytest.raises(Invalid):
        await asked(world, record.request.run_id)


@pytest.mark.parametrize(
    "text", few_of(["ask free_text Which one?\npress bell", "ask free_text Which one?\nstart_run press bell"], 0)
)
async def test_attack_a_program_with_somebodys_own_key_answers_the_agent_and_uses_a_standing_approval(
    world: World, api: Api, text: str
) -> None:
    await granted(world, await done_once(world))
    await world.trigger(text)
    [question] = [one for one in await asked_now(world) if one.request.format == "free_text"]
    anna = await api.client("anna", "answer")

    await anna.post(f"/v1/requests/{question.request.id}/answer", json={"text": "the bell"})
    await world.quiet()

    assert [one.request.title for one in await asked_now(world)] == ["Press bell?"]
    assert ((await the_only(world)).uses, world.workshop.effects) == ((), ["press bell"])


async def asked_now(office: World) -> list[RequestRecord]:
    await office.quiet()
    return [one for one in await office.requests() if one.state == "open"]


@opens(OWN.replace('approvers = ["group:release"]', 'approvers = ["person:bo"]', 1))
async def test_attack_where_only_whom_it_would_serve_could_grant_it_no_request_is_opened(world: World) -> None:
    run_id = await done_once(world, by="bo", person="bo")

    with pytest.raises(Invalid, match="can't be met"):
        await asked(world, run_id, person="bo")

    assert await world.app.requests.standing.all() == []


_TWO_GROUPS = ALLOWED.replace('groups = ["release"]', 'groups = ["security"]').replace(
    '"bo@corp.example"\ngroups = ["security"]', '"bo@corp.example"\ngroups = ["release"]'
)
_DAN_SWAPS = '"dan@corp.example"\n', '"dan@corp.example"\ngroups = ["release"]\n'
_BOTH = _TWO_GROUPS.replace(
    'approvers = ["group:release"]', 'approvers = { all_of = ["group:release", "group:security"] }'
)
_STEPS = (
    _TWO_GROUPS.replace('approvers = ["group:release"]\napprove_by_email', "approve_by_email", 1)
    .replace(
        "[policies.pair]",
        """[[policies.production.steps]]
name = "first"
approvers = ["group:release"]

[[policies.production.steps]]
name = "then"
approvers = ["group:security"]

[policies.pair]""",
    )
    .replace("quorum = 2\n", "")
)
_ESCALATES = _STEPS.replace('name = "then"\n', 'name = "then"\nescalate_after = "1h"\nescalate_to = ["person:bo"]\n', 1)


@pytest.mark.parametrize(
    "toml",
    few_of(
        [
            pytest.param(_BOTH, marks=opens(_BOTH), id="parts"),
            pytest.param(_STEPS, marks=opens(_STEPS), id="steps"),
            pytest.param(_ESCALATES, marks=opens(_ESCALATES), id="a step that escalates to one of them"),
        ],
        0,
        2,
    ),
)
async def test_attack_those_who_granted_it_are_in_one_group_by_now_and_could_not_approve_it_together(
    world: World, toml: str
) -> None:
    run_id = await world.trigger("press bell")
    record = await world.opened(run_id)
    for person in ("bo", "cy"):
        await world.decide(person, await world.request(record.request.id), "approve")
    await world.ended(run_id)
    await granted(world, run_id, by=("bo", "cy"))
    assert not await is_asked(world)

    moved = toml.replace('"bo@corp.example"\ngroups = ["release"]', '"bo@corp.example"\ngroups = ["security"]')
    await becomes(world, moved.replace(*_DAN_SWAPS))

    assert await is_asked(world)
    [asked_now] = [one for one in await world.requests() if one.state == "open"]
    assert any("no longer" in why or "not decide" in why for why in asked_now.request.changed), (
        asked_now.request.changed
    )
    await becomes(world, toml.replace(*_DAN_SWAPS))
    assert not await is_asked(world)


def on_call(toml: str, person: str, other: str) -> str:
    """The first step is that of the rotation, in which both are; `person` is on call now."""
    rota = f"""
[oncall.ops]
rotation = ["person:{person}"]
shift = "7d"
starts = "2020-01-01T00:00"
timezone = "UTC"

[[oncall.ops.overrides]]
person = "person:{other}"
from = "2020-01-02T00:00"
until = "2020-01-03T00:00"
"""
    return toml.replace('approvers = ["group:release"]\n\n[[', 'approvers = ["oncall:ops"]\n\n[[') + rota


@opens(on_call(_STEPS, "bo", "dan"))
async def test_attack_one_who_granted_it_for_a_step_of_others_may_be_on_call_for_the_first_by_now(world: World) -> None:
    run_id = await world.trigger("press bell")
    record = await world.opened(run_id)
    for person in ("bo", "cy"):
        await world.decide(person, await world.request(record.request.id), "approve")
    await world.ended(run_id)
    await granted(world, run_id, by=("bo", "cy"))
    await becomes(world, on_call(_STEPS, "dan", "bo"))
    assert not await is_asked(world)

    moved = _STEPS.replace('"cy@corp.example"\ngroups = ["security"]', '"cy@corp.example"')
    moved = moved.replace('"dan@corp.example"\n', '"dan@corp.example"\ngroups = ["security"]\n')
    await becomes(world, on_call(moved, "bo", "cy"))

    assert await is_asked(world)


async def test_attack_it_is_said_to_hold_though_whom_it_serves_had_left_before_it_was_approved(
    redis: str, tmp_path: Path
) -> None:
    async with an_office(redis, tmp_path) as office:
        record = await asked(office, await done_once(office))
        await becomes(office, without(ALLOWED, "anna"))

        await office.decide("bo", record, "approve")

        await office.has(record.request.run_id, "failed")
        assert await office.app.requests.standing.all() == []
        assert "has left" in (await office.next_mail("bo", "Failed: “Press bell”")).text
