"""Somebody leaves while a request is open: others are asked at once, or it is closed and the requester hears why."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from agents.events import RequestReassigned
from agents.requests import PersonId, RunId
from agents.requests.proof import as_by
from agents.requests.record import RequestRecord
from bot.cli.show import request_text
from bot.errors import WaitsForFile
from bot.people.absences import Absence, Absences
from bot.policy.approvers.who import who_of
from bot.policy.judgements import Counted, Decided, NotEntitled
from bot.process.reload import Reload
from bot.render.became import became, line, word
from bot.render.in_run import in_run
from bot.render.request_card import approvals
from bot.render.times import local
from bot.render.transcript import lines
from bot.render.views import request_view
from bot.render.words import decided
from bot.runs.api_requests import Asker
from bot.store import Keys, StoreError, WorkItem
from bot.store.ids import review_of
from bot.store.outbox_entry import Alert, Tell
from channels import Inbound
from tests.bot.web.api.test_asking_approval import asked as asked_by_program
from tests.bot.web.api.test_asking_approval import begun, program, vote
from tests.kit.long import few_of
from tests.kit.office import STEPS, TOML
from tests.kit.opens import opens
from tests.kit.tables import becomes, in_place_of, settings_in, without, write
from tests.kit.waiting import until
from tests.kit.world import World, a_world, beside_it
from tests.servers.console import a_console
from tests.servers.web import Api, serving
from tests.stories.attacks.test_who_is_who import with_mark
from tests.stories.people import standing
from tests.stories.test_break_glass import NIGHT, breaks

EVE = '\n[people.eve]\nname = "Eve Eder"\nemail = "eve@corp.example"\ngroups = ["release"]\n'
SOLO = TOML + '\n[policies.solo]\napprovers = ["person:bo"]\nexpires_after = "4h"\n'
ESCALATING = SOLO + 'escalate_after = "3h"\nescalate_to = ["person:dan"]\n'


async def asked(world: World, policy: str = "pair") -> tuple[str, RequestRecord]:
    world.workshop.policy_of["bell"] = policy
    run_id = await world.trigger("press bell")
    return run_id, await world.opened(run_id)


async def reassigned(world: World, run_id: str) -> list[RequestReassigned]:
    return [event for event in await world.events(run_id) if isinstance(event, RequestReassigned)]


async def asked_anew(world: World, record: RequestRecord) -> RequestRecord:
    """The request that asks in place of one that was closed."""
    await world.quiet()
    assert (await world.request(record.request.id)).state == "superseded"
    return await world.opened(record.request.run_id)


async def test_who_has_joined_is_asked_instead_once_and_votes_still_count(world: World) -> None:
    run_id, record = await asked(world)
    assert isinstance(await world.decide("cy", record, "approve"), Counted)

    await becomes(world, in_place_of(TOML, "bo", EVE))
    await world.app.requests.departures.look_at_all()

    [event] = await reassigned(world, run_id)
    assert (event.why, event.person, event.to) == ("left", "bo", ("eve",))
    assert "left the directory" in event.reason
    now = await world.request(record.request.id)
    assert now.request.digest == record.request.digest
    await world.quiet()
    [card] = world.mails("eve")
    await world.reply("eve", card, "approve")
    await world.has(run_id, "done")
    assert world.workshop.effects == ["press bell"]


THREE = TOML.replace("quorum = 2", "quorum = 3") + EVE + EVE.replace("eve", "fay").replace("Eve Eder", "Fay Falk")


@opens(toml=THREE)
async def test_everybody_who_has_voted_hears_that_the_vote_of_who_left_counts_no_more(world: World) -> None:
    _, record = await asked(world)
    for person in ("bo", "cy"):
        assert isinstance(await world.decide(person, record, "approve"), Counted)

    await becomes(world, without(THREE, "bo"))
    await world.quiet()

    told = world.mails("cy")[-1]
    assert told.text.startswith("An approval counts no more: Press bell\n")
    assert "Bo Berg (has left) on " in told.text
    assert "Whoever gave it has left." in told.text
    assert not any("counts no more" in mail.text for mail in world.mails("eve")), "she has not voted"


@opens(toml=TOML + EVE)
async def test_the_vote_of_who_left_completes_no_quorum(world: World) -> None:
    run_id, record = await asked(world)
    assert isinstance(await world.decide("bo", record, "approve"), Counted)

    await becomes(world, without(TOML + EVE, "bo"))
    assert isinstance(await world.decide("cy", record, "approve"), Counted)

    now = await world.request(record.request.id)
    [line] = approvals(now, world.app.people)
    assert (now.state, line.text.partition(" at ")[0]) == ("open", "1 of 2: Cy Cole")
    [told] = lines(await reassigned(world, run_id), world.people)
    assert "An approval counts no more: the others who are asked may decide" in told
    assert "too few were left" not in told
    async with a_console(world) as console:
        page = await (await console.browser("cy")).get(f"/requests/{record.request.id}")
    [void] = request_view(now, world.people).void
    assert void.startswith("Bo Berg (has left) at ")
    assert void.endswith(" in the terminal. Whoever gave it has left.")
    assert "Counts no more Bo Berg (has left) " in page.words
    assert f"  void       {local(None, void)}" in request_text(request_view(now, world.people), world.people)
    decided = await world.decide("eve", record, "approve")
    assert isinstance(decided, Decided)
    assert decided.decision.by == ("cy", "eve")
    await world.has(run_id, "done")


async def test_who_approved_as_one_of_two_is_asked_anew_where_one_is_enough_by_now(world: World) -> None:
    run_id, record = await asked(world)
    assert isinstance(await world.decide("bo", record, "approve"), Counted)

    await becomes(world, without(TOML, "cy"))  # with its quorum of two, the file is refused

    now = await asked_anew(world, record)
    [card] = [mail for mail in world.mails("bo") if now.request.id in mail.text]
    assert "Who decides: only you" in card.text
    assert world.workshop.effects == [], "their approval was one of two"
    await world.reply("bo", card, "approve")
    await world.has(run_id, "done")
    assert world.workshop.effects == ["press bell"]


@opens(SOLO)
@pytest.mark.parametrize("where", ["here", "in a pause", "in a run below, in a pause"])
async def test_attack_who_asked_never_hears_that_nobody_is_left_to_decide_where_others_are_asked_anew(
    world: World, where: str
) -> None:
    world.workshop.policy_of["bell"] = "solo"
    run_id = await world.trigger("start_run press bell" if "below" in where else "press bell")
    await world.opened((await world.child(run_id)).id if "below" in where else run_id)
    if "pause" in where:
        await world.steer(run_id, "pause", "dan")

    await becomes(world, without(SOLO, "bo").replace('"person:bo"', '"person:cy"'))

    told = await world.next_mail("anna", about="Nobody is left to decide: Press bell")
    assert "People are asked anew under the policy 'solo' as it is now" in " ".join(told.text.split())
    assert "Bo Berg (has left)" in told.text
    await world.quiet()
    assert bool(world.mails("cy")) == (where == "here")


async def test_attack_who_asked_through_a_program_never_hears_that_nobody_is_left_to_decide_in_a_paused_run(
    world: World,
) -> None:
    async with serving(world.app) as api:
        request = await asked_by_program(await program(api, "policy:pair"), policy="pair", requester="anna")
    await world.steer(request["run_id"], "pause", "dan")

    await becomes(world, NOBODY.replace('"person:anna"', '"person:dan"'))

    told = await world.next_mail("anna", about="Not begun")
    assert "people who decide left the directory" in " ".join(told.text.split())
    await world.quiet()
    assert len([mail for mail in world.mails("anna") if "left the directory" in mail.text]) == 1


NOBODY = without(without(TOML, "bo"), "cy").replace('"group:release"', '"person:anna"')


async def test_where_nobody_else_is_left_it_is_closed_and_the_requester_hears_why(world: World) -> None:
    run_id, record = await asked(world)

    await becomes(world, NOBODY)

    run = await world.ended(run_id)
    closed = await world.request(record.request.id)
    assert closed.state == "superseded"
    assert closed.decision is not None
    assert "Bo Berg" not in closed.decision.reason
    assert "left the directory" in closed.decision.reason
    assert "policy 'pair' can't be met" in run.results[0].text
    assert "can't be met" in (await world.next_mail("anna", about="Failed")).text.replace("\n", " ")
    assert world.workshop.effects == []
    what = became(closed, in_run(run, closed.request.id))
    assert word(what) == "No longer asked"
    assert line(what, world.people).endswith("Nothing was done.")
    assert "new request" not in decided(closed.decision, world.people)

    await becomes(world, f"{TOML}# They are back.\n")
    anew = await world.opened(await world.app.runs.forks.retry(RunId(run_id), Asker(PersonId("anna"), proof=None)))
    assert anew.request.id != closed.request.id
    assert anew.request.digest != closed.request.digest
    for person in ("bo", "cy"):
        await world.decide(person, anew, "approve")
    await world.has(anew.request.run_id, "done")
    assert world.workshop.effects == ["press bell"]


async def test_who_left_while_nothing_ran_is_found_at_the_start(world: World) -> None:
    run_id, record = await asked(world)

    async with world.stopped():
        world.toml = in_place_of(TOML, "bo", EVE)

    await world.next_mail("eve", "Press bell?")
    [event] = await reassigned(world, run_id)
    assert event.to == ("eve",)
    now = await world.request(record.request.id)
    assert who_of(now).approve == ("cy", "eve")


async def test_who_left_is_not_forgotten_while_the_open_requests_can_not_be_listed(world: World) -> None:
    run_id, record = await asked(world)
    reload = Reload(world.app, lambda: settings_in(world.folder), works=True)
    client, open_ones = world.app.store.client, Keys.of(record.request.id).open
    aside = f"{open_ones}:aside"
    await client.do("RENAME", open_ones, aside)
    await client.do("SET", open_ones, "no list")

    write(world, in_place_of(TOML, "bo", EVE))
    with pytest.raises(StoreError):
        await reload.look(at_once=True)
    assert "bo" not in world.app.people.all()
    assert await reassigned(world, run_id) == []

    await client.do("RENAME", aside, open_ones)
    await reload.look(at_once=True)
    assert [event.why for event in await reassigned(world, run_id)] == ["left"]


@pytest.mark.long
async def test_a_request_that_can_not_be_read_is_looked_at_again_after_ever_longer(world: World) -> None:
    run_id, record = await asked(world)
    reload = Reload(world.app, lambda: settings_in(world.folder), works=True)
    client, kept = world.app.store.client, Keys.of(record.request.id).request(record.request.id)
    aside = f"{kept}:aside"
    await client.do("RENAME", kept, aside)
    await client.do("SET", kept, "no request")

    write(world, in_place_of(TOML, "bo", EVE))
    await reload.look(at_once=True)
    await reload.look()
    assert await reassigned(world, run_id) == []

    await client.do("RENAME", aside, kept)
    await reload.look()
    assert [event.why for event in await reassigned(world, run_id)] == ["left"]


async def test_a_question_to_somebody_who_left_is_closed_and_not_said_to_be_late(world: World) -> None:
    run_id = await world.trigger("ask-of person:bo free_text What is your wish?")
    record = await world.opened(run_id)

    await becomes(world, without(TOML, "bo"))

    run = await world.ended(run_id)
    closed = await world.request(record.request.id)
    assert closed.state == "expired"
    assert closed.decision is not None
    told = decided(closed.decision, world.people)
    assert "without a decision" in told
    assert "left the directory" in told
    assert "in time" not in f"{told} {line(became(closed, in_run(run, closed.request.id)), world.people)}"


def escalating(to: str, more: str = "") -> str:
    solo = '[policies.solo]\napprovers = ["person:bo"]\nexpires_after = "4h"\nescalate_after = "3h"\n'
    return f'{TOML}{more}\n{solo}escalate_to = ["{to}"]\n# the end\n'


def on_call(name: str) -> str:
    return f'\n[oncall.{name}]\nrotation = ["person:dan"]\nshift = "7d"\nstarts = "2026-11-02T09:00"\n'


@pytest.mark.parametrize(
    ("before", "now"),
    few_of(
        [
            (escalating("oncall:ops", on_call("ops")), escalating("oncall:eu", on_call("eu"))),
            (escalating("person:eve", EVE), escalating("person:dan")),
        ],
        0,
        rows=True,
    ),
    ids=["a rotation has another name", "somebody has left"],
)
async def test_attack_it_escalates_to_nobody_where_the_file_names_others_by_then(
    world: World, before: str, now: str
) -> None:
    async with world.stopped():
        world.toml = before
    run_id, _ = await asked(world, "solo")

    await becomes(world, now)
    await world.move_time(3 * 3600 + 1)

    assert (await world.next_mail("dan", "Press bell?")).reply_to
    [event] = await reassigned(world, run_id)
    assert (event.why, event.to) == ("escalated", ("dan",))


async def test_attack_a_process_that_still_has_the_file_from_before_asks_who_has_left_and_nobody_else(
    world: World, redis: str, tmp_path: Path
) -> None:
    now = in_place_of(TOML, "bo", EVE)
    async with beside_it(World(redis, tmp_path / "other")) as before, serving(before.app) as api:
        await becomes(world, now)

        request = await asked_by_program(await program(api), policy="pair")

        assert "Delete volume 17" in (await world.next_mail("eve", "Delete volume 17")).text
        record = await world.request(request["id"])
        assert who_of(record).approve == ("cy", "eve")


async def test_attack_a_worker_that_still_has_the_file_from_before_hands_what_asks_who_has_joined_to_whom_that_names(
    world: World, redis: str, tmp_path: Path
) -> None:
    pair = '[policies.pair]\napprovers = ["group:release"]'
    now = TOML.replace(pair, pair.replace("group:release", "person:eve")).replace("quorum = 2\n", "") + EVE
    async with beside_it(World(redis, tmp_path / "other")) as ahead, serving(ahead.app) as api:
        await becomes(ahead, now)
        request = await asked_by_program(await program(api), policy="pair")

        async def is_tried() -> bool:
            return bool(await world.tries() or await world.dead())

        await until(is_tried, what="the worker has tried to send the card")
        assert not await world.app.requests.departures.look_at_all()

        record = await world.request(request["id"])
        assert who_of(record).approve == ("eve",)
        await becomes(world, now)
        assert "Delete volume 17" in (await world.next_mail("eve", "Delete volume 17")).text
        assert (world.mails("cy"), world.mails("dan"), await world.dead()) == ((), (), [])


WINDOW = '\n[[freeze.windows]]\nname = "for good"\nfrom = "2020-01-01T00:00"\nuntil = "2099-01-01T00:00"\n'


@pytest.mark.parametrize("newer", [in_place_of(TOML, "bo", EVE), TOML + WINDOW], ids=["lacks them", "freezes it"])
async def test_attack_what_was_approved_begins_in_a_worker_with_the_file_from_before(
    world: World, redis: str, tmp_path: Path, newer: str
) -> None:
    """Whoever approved it has left by the newer file, or that freezes it."""
    async with by_hand(world, redis, tmp_path, TOML) as ahead:
        run_id = await world.trigger("press bell")
        await moved_on(world, run_id)
        record = await world.opened(run_id)
        await becomes(ahead, newer)
        await world.decide("bo", record, "approve")

        await moved_on(world, run_id)

        assert (await world.run(run_id)).made == ()
        await becomes(ahead, TOML)
        await moved_on(world, run_id)
        await until(lambda: world.workshop.effects == ["press bell"], what="what Bo approved, who is there again")


async def test_attack_operators_hear_that_something_waited_for_ten_minutes_as_two_files_came_at_once_in_that_time(
    world: World, redis: str, tmp_path: Path
) -> None:
    called = [TOML.replace("Bo Berg", name) for name in ("Bob Berg", "Bo Bergen")]
    async with by_hand(world, redis, tmp_path, called[0]) as ahead:
        for newer in called:
            await becomes(ahead, newer)
            run_id = await world.trigger("press bell")
            await moved_on(world, run_id)
            await world.decide("bo", await world.opened(run_id), "approve")
            await moved_on(world, run_id)
            assert (await world.run(run_id)).made == ()
            await becomes(world, newer)
            await moved_on(world, run_id)
            await until(lambda: world.workshop.effects, what="it is pressed")
            await world.move_time(660)

        assert [one for one in await world.unsent() if isinstance(one, Alert)] == []


async def test_attack_what_was_approved_waits_for_the_end_of_a_window_that_a_newer_file_has_no_more(
    redis: str, tmp_path: Path
) -> None:
    async with (
        a_world(redis, tmp_path / "data", TOML + WINDOW) as world,
        by_hand(world, redis, tmp_path, TOML + WINDOW) as ahead,
    ):
        run_id = await world.trigger("press bell")
        await moved_on(world, run_id)
        record = await world.opened(run_id)
        await becomes(ahead, TOML)
        await world.decide("bo", record, "approve")

        await moved_on(world, run_id)

        due = float(await world.app.store.client.do("ZSCORE", Keys.of(run_id).wake, f"run {run_id}"))
        assert due / 1000 < (await world.now() + timedelta(minutes=1)).timestamp(), "it is looked at again"
        await becomes(world, TOML)
        await moved_on(world, run_id)
        await until(lambda: world.workshop.effects == ["press bell"], what="what Bo approved")


async def test_attack_a_card_says_that_nothing_starts_in_a_window_that_no_file_has_after_the_restart_and_its_yes_does(
    redis: str, tmp_path: Path
) -> None:
    async with (
        a_world(redis, tmp_path / "data", TOML + WINDOW) as world,
        by_hand(world, redis, tmp_path, TOML + WINDOW) as ahead,
    ):
        await becomes(ahead, TOML)
        run_id = await world.trigger("press bell")
        await moved_on(world, run_id)
        assert (await world.run(run_id)).open is None

        await world.stop()
        world.toml = TOML
        await world.start()

        await world.move_time(6)
        assert (await world.opened(run_id)).frozen is None
        assert world.mails("anna") == ()


async def test_attack_a_card_says_that_it_starts_right_away_in_a_window_that_only_a_newer_file_has(
    world: World, redis: str, tmp_path: Path
) -> None:
    async with by_hand(world, redis, tmp_path, TOML + WINDOW):
        run_id = await world.trigger("press bell")
        await moved_on(world, run_id)
        assert (await world.run(run_id)).open is None

        await becomes(world, TOML + WINDOW)
        await moved_on(world, run_id)

        assert (await world.opened(run_id)).frozen


async def test_attack_a_worker_with_the_file_from_before_says_that_a_window_is_over_that_it_does_not_know(
    world: World, redis: str, tmp_path: Path
) -> None:
    async with by_hand(world, redis, tmp_path, TOML) as ahead, serving(ahead.app) as api:
        request = await asked_by_program(await program(api))
        await vote(await api.client("bo"), request)
        await becomes(ahead, TOML + WINDOW)
        await moved_on(ahead, request["run_id"])

        await moved_on(world, request["run_id"])

        assert (await world.request(request["id"])).frozen


PAIR = '[policies.pair]\napprovers = ["group:release"]'
SOLE = TOML.replace(PAIR, PAIR.replace("group:release", "person:eve")).replace("quorum = 2\n", "") + EVE
"""A newer file, by which only Eve, who has joined in it, decides for `pair`."""
SHARED = {"SAYSO_SECRET_KEY": "the-same-key-on-each-host-of-an-installation"}


async def moved_on(world: World, run_id: str) -> None:
    """A worker has looked at the run."""
    await world.app.work.dispatcher.look(WorkItem("run", run_id))


@asynccontextmanager
async def by_hand(world: World, redis: str, folder: Path, newer: str) -> AsyncGenerator[World]:
    """A process with a newer file; neither of the two does any work by itself."""
    await world.stop()
    await world.start(works=False)
    async with beside_it(World(redis, folder / "other")) as ahead:
        await becomes(ahead, newer)
        yield ahead


async def test_attack_what_who_has_joined_approved_is_void_for_a_worker_that_still_has_the_file_from_before(
    world: World, redis: str, tmp_path: Path
) -> None:
    """Nobody heard either that it waits for the newer file, which may have been taken back."""
    async with by_hand(world, redis, tmp_path, SOLE) as ahead:
        world.workshop.policy_of["bell"] = ahead.workshop.policy_of["bell"] = "pair"
        run_id = await ahead.trigger("press bell")
        await moved_on(ahead, run_id)
        record = await ahead.opened(run_id)
        assert isinstance(await ahead.decide("eve", record, "approve"), Decided)
        told = {one.id for one in await world.unsent()}

        await moved_on(world, run_id)

        assert (await world.request(record.request.id)).state == "approved"
        assert world.workshop.effects == []
        assert told == {one.id for one in await world.unsent()}
        await world.move_time(600)
        for _ in range(2):
            await moved_on(world, run_id)
        [said] = [one for one in await world.unsent() if one.id not in told]
        assert isinstance(said, Alert)
        assert (said.person, said.card.title) == ("dan", "Work waits for a newer sayso.toml")

        await becomes(world, SOLE)
        await moved_on(world, run_id)
        await until(lambda: world.workshop.effects == ["press bell"], what="what Eve approved")


async def test_attack_a_program_may_not_begin_what_who_has_joined_approved_as_a_worker_has_the_file_from_before(
    world: World, redis: str, tmp_path: Path
) -> None:
    async with by_hand(world, redis, tmp_path, SOLE) as ahead, serving(ahead.app) as api:
        ci = await program(api)
        request = await asked_by_program(ci, policy="pair")
        await vote(await api.client("eve"), request)

        await moved_on(world, request["run_id"])

        assert (await begun(ci, request)).status_code == 200


async def test_attack_what_a_program_asked_under_a_new_policy_ends_by_the_file_from_before(
    world: World, redis: str, tmp_path: Path
) -> None:
    async with by_hand(world, redis, tmp_path, SOLO) as ahead, serving(ahead.app) as api, serving(world.app) as before:
        _, key = await api.key(service="ci", acts_for=["anna"], asks=["policy:solo"])
        ci = api.with_key(key)
        request = await asked_by_program(ci, policy="solo")
        await vote(await api.client("bo"), request)

        await moved_on(world, request["run_id"])

        assert (await begun(before.with_key(key), request)).status_code == 503
        assert (await begun(ci, request)).status_code == 200


@opens(toml=standing.ALLOWED)
async def test_attack_what_is_to_be_done_again_is_refused_by_a_worker_with_the_policy_from_before(
    world: World, redis: str, tmp_path: Path
) -> None:
    later, done = standing.ALLOWED.replace('"5 in 30d"', '"9 in 30d"'), await standing.done_once(world)
    async with by_hand(world, redis, tmp_path, later) as ahead:
        record = await standing.asked(ahead, done)
        await ahead.decide("bo", record, "approve")

        await moved_on(world, record.request.run_id)
        await becomes(world, later)
        await moved_on(world, record.request.run_id)

        await until(ahead.app.requests.standing.all, what="what Bo approved may be done again")


def by_rotation(who: str) -> str:
    """The file by which this one, who is on call, allows it again."""
    table = f'\n[oncall.ops]\nrotation = ["person:{who}"]\nshift = "1d"\nstarts = "2020-01-01T09:00"\n'
    return standing.ALLOWED.replace("group:release", "oncall:ops", 1) + table


async def test_attack_what_who_is_on_call_allowed_again_is_refused_by_a_worker_with_the_rotation_from_before(
    redis: str, tmp_path: Path
) -> None:
    async with a_world(redis, tmp_path / "data", by_rotation("bo")) as world:
        done = await standing.done_once(world)
        async with by_hand(world, redis, tmp_path, by_rotation("dan")) as ahead:
            record = await standing.asked(ahead, done)
            await ahead.decide("dan", record, "approve")

            await moved_on(world, record.request.run_id)
            await becomes(world, by_rotation("dan"))
            await moved_on(world, record.request.run_id)

            await until(ahead.app.requests.standing.all, what="what Dan approved may be done again")


@pytest.mark.parametrize(
    ("step", "before", "newer"),
    [
        ("press bell", by_rotation("dan").replace("2020", "2099"), by_rotation("dan")),
        ("ask-of person:bo yes_no May it go?", without(TOML, "bo"), TOML + EVE),
    ],
)
async def test_attack_a_worker_with_the_file_from_before_asks_nobody_as_only_the_newer_one_has_who_is_asked(
    redis: str, tmp_path: Path, step: str, before: str, newer: str
) -> None:
    async with a_world(redis, tmp_path / "data", before) as world, by_hand(world, redis, tmp_path, newer) as ahead:
        run_id = await ahead.trigger(step)
        for _ in range(4):
            await moved_on(world, run_id)
        assert (await world.run(run_id)).ended is None

        await becomes(world, newer)
        await moved_on(world, run_id)

        assert (await world.run(run_id)).open


async def test_attack_a_vote_beside_that_of_who_has_joined_is_counted_by_the_file_from_before(
    world: World, redis: str, tmp_path: Path
) -> None:
    async with by_hand(world, redis, tmp_path, TOML + EVE) as ahead:
        ahead.workshop.policy_of["bell"] = "pair"
        run_id = await ahead.trigger("press bell")
        await moved_on(ahead, run_id)
        record = await ahead.opened(run_id)
        assert isinstance(await ahead.decide("eve", record, "approve"), Counted)

        with pytest.raises(WaitsForFile):
            await world.decide("bo", record, "approve")

        await becomes(world, TOML + EVE)
        assert isinstance(await world.decide("bo", record, "approve"), Decided)


async def left_unread(world: World, before: World, was: bytes, words: bytes) -> WorkItem:
    """The only mail there is once more, with other `words`, for the process `before` as `world` has ended."""
    [file] = [one for one in world.mail.folder(world.mail.address).rglob("*") if one.is_file()]
    raw, at = file.read_bytes().replace(was, words), await world.now()
    await world.stop()
    found = Inbound(channel="email", key="again", raw=raw, size_bytes=len(raw), received_at=at)
    return WorkItem("in", await before.app.messages.inbox.accept(found))


async def test_attack_a_denial_by_mail_of_who_has_joined_is_a_strangers_for_a_worker_with_the_file_from_before(
    redis: str, tmp_path: Path
) -> None:
    async with (
        a_world(redis, tmp_path / "data", change=lambda one: setattr(one, "environ", SHARED)) as world,
        beside_it(World(redis, tmp_path / "other", environ=SHARED)) as before,
    ):
        await becomes(world, SOLE)
        _, record = await asked(world)
        await world.reply("eve", await world.next_mail("eve", "Press bell?"), "Why now?")
        await world.quiet()
        denies = await left_unread(world, before, b"Why now?", b"deny")

        await before.app.work.dispatcher.look(denies)

        assert await before.dead() == []
        await becomes(before, SOLE)
        await before.app.work.dispatcher.look(denies)
        assert (await before.request(record.request.id)).state == "denied"


FREEZER = f'{TOML}{EVE}\n[roles]\noperator = ["person:eve", "person:cy"]\n'


@pytest.mark.parametrize("by", few_of(["eve", "cy"], 0), ids=["who has joined", "who has another address"])
async def test_attack_a_freeze_by_mail_is_a_strangers_for_a_worker_with_the_file_from_before(
    redis: str, tmp_path: Path, by: str
) -> None:
    newer = FREEZER.replace('email = "cy@', 'uid = "c"\nemail = "cole@')
    older = newer.replace(EVE, "").replace("cole@", "cy@").replace('"person:eve", ', "")
    async with both_by(redis, tmp_path, older) as (world, before):
        assert await freezes_once_it_has(newer, world, before, "cole" if by == "cy" else by) == [by]


async def test_attack_a_freeze_by_mail_of_who_became_an_operator_is_refused_by_a_worker_with_the_file_from_before(
    redis: str, tmp_path: Path
) -> None:
    async with both_by(redis, tmp_path, FREEZER) as (world, before):
        newer = FREEZER.replace('"person:eve", ', '"person:eve", "person:bo", ')
        assert await freezes_once_it_has(newer, world, before, "bo") == ["bo"]


async def test_attack_a_stop_by_an_id_of_who_became_an_operator_is_refused_by_a_worker_with_the_file_from_before(
    redis: str, tmp_path: Path
) -> None:
    async with both_by(redis, tmp_path, FREEZER) as (world, before):
        newer = FREEZER.replace('"person:eve", ', '"person:eve", "person:dan", ')
        run_id = await world.trigger("press bell")
        record = await world.opened(run_id)
        await becomes(world, newer)
        await world.send("dan", world.mail.address, "Good morning")
        await world.quiet()
        stops = await left_unread(world, before, b"Good morning", f"stop {run_id}".encode())
        await before.app.work.dispatcher.look(stops)
        await becomes(before, newer)

        await before.app.work.dispatcher.look(stops)
        await before.app.work.dispatcher.look(WorkItem("run", run_id))

        assert (await before.request(record.request.id)).state == "withdrawn"


@pytest.mark.parametrize("when", few_of(["with the address", "before"], 0))
async def test_attack_a_freeze_of_whom_a_file_calls_otherwise_is_a_strangers_for_a_worker_with_the_file_from_before(
    redis: str, tmp_path: Path, when: str
) -> None:
    first = FREEZER.replace('email = "cy@', 'uid = "c"\nemail = "cy@')
    named = first.replace("[people.cy]", "[people.cole]").replace("person:cy", "person:cole")
    async with both_by(redis, tmp_path, first) as (world, before):
        for one in (world, before) if when == "before" else ():
            await becomes(one, named)
        assert await freezes_once_it_has(named.replace("cy@", "cole@"), world, before, "cole") == ["cy"]


@asynccontextmanager
async def both_by(redis: str, folder: Path, toml: str) -> AsyncGenerator[tuple[World, World]]:
    """A running sayso, and another process of it that does nothing by itself."""
    async with (
        a_world(redis, folder / "data", toml, change=lambda one: setattr(one, "environ", SHARED)) as world,
        beside_it(World(redis, folder / "other", toml, environ=SHARED)) as before,
    ):
        yield world, before


async def freezes_once_it_has(newer: str, world: World, before: World, sender: str) -> list[PersonId]:
    """Return who froze everything by a mail that came to `before`, which has the `newer` file of `world` after that."""
    await becomes(world, newer)
    await world.send(sender, world.mail.address, "Good morning")
    await world.quiet()
    freezes = await left_unread(world, before, b"Good morning", b"freeze everything")
    held = await before.dead()

    await before.app.work.dispatcher.look(freezes)

    assert await before.dead() == held
    await becomes(before, newer)
    await before.app.work.dispatcher.look(freezes)
    return [one.by for one in await before.app.requests.freezes.all()]


@pytest.mark.parametrize("what", few_of(["ask free_text Which version?", "start_run stamp letter"], 0))
async def test_attack_whoever_has_joined_and_started_a_run_has_left_for_a_worker_with_the_file_from_before(
    world: World, redis: str, tmp_path: Path, what: str
) -> None:
    """They were asked by no card, and nothing more was started in their name."""
    async with by_hand(world, redis, tmp_path, TOML + EVE) as ahead:
        run_id = await ahead.trigger(what, person="eve")

        await moved_on(world, run_id)
        assert (await world.run(run_id)).ended is None

        await becomes(world, TOML + EVE)
        await moved_on(world, run_id)
        if what.startswith("ask"):
            assert [one.person for one in (await world.opened(run_id)).holders] == ["eve"]
        else:
            await world.child(run_id)


async def test_attack_whoever_asked_back_hears_of_a_worker_with_the_file_from_before_that_nobody_can_answer(
    world: World, redis: str, tmp_path: Path
) -> None:
    newer = TOML + EVE.replace('groups = ["release"]\n', "")
    async with by_hand(world, redis, tmp_path, newer) as ahead:
        run_id = await ahead.trigger("press bell", person="eve")
        await moved_on(ahead, run_id)
        await ahead.decide("bo", await ahead.opened(run_id), "free_text", "Why now?")
        told = [one.id for one in await world.unsent()]

        assert not await world.app.requests.departures.look_at_all()

        assert [one.id for one in await world.unsent()] == told


async def test_attack_whoever_has_joined_hears_no_question_to_them_nor_a_pause_over_a_process_with_the_file_from_before(
    world: World, redis: str, tmp_path: Path
) -> None:
    async with by_hand(world, redis, tmp_path, TOML + EVE) as ahead:
        run_id = await ahead.trigger("press bell", person="eve")
        await moved_on(ahead, run_id)
        record = await ahead.opened(run_id)

        with pytest.raises(WaitsForFile):
            await world.decide("bo", record, "free_text", "Why now?")
        with pytest.raises(WaitsForFile):
            await world.steer(run_id, "pause", "dan")

        await becomes(world, TOML + EVE)
        await world.decide("bo", record, "free_text", "Why now?")
        await world.steer(run_id, "pause", "dan")
        heard = [one.card.title for one in await told(world, "eve")]
        assert heard == ["A question: Press bell?", "Dan Dorn paused what you asked for"]


async def test_attack_whoever_has_joined_and_asked_back_has_no_answer_over_a_process_with_the_file_from_before(
    world: World, redis: str, tmp_path: Path
) -> None:
    async with by_hand(world, redis, tmp_path, TOML + EVE) as ahead:
        run_id = await ahead.trigger("press bell")
        await moved_on(ahead, run_id)
        record = await ahead.opened(run_id)
        await ahead.decide("eve", record, "free_text", "Why now?")

        with pytest.raises(WaitsForFile):
            await world.decide("anna", await world.request(record.request.id), "free_text", "The shop is down.")

        await ahead.decide("anna", await world.request(record.request.id), "free_text", "The shop is down.")
        assert [one.card.title for one in await told(world, "eve")] == ["An answer: Press bell?"]


async def told(world: World, person: str) -> list[Tell]:
    """What is to be told to somebody."""
    return [one for one in await world.unsent() if isinstance(one, Tell) and one.person == person]


STANDS_IN = f'{SOLO}stand_ins = ["person:eve"]\n'


@pytest.mark.parametrize("to", ["eve", None], ids=["who stands in", "who asked"])
async def test_attack_whoever_has_joined_is_not_asked_in_place_of_who_is_away_as_a_worker_has_the_file_from_before(
    redis: str, tmp_path: Path, to: str | None
) -> None:
    """Nor do they hear, where they asked, that nobody is."""
    async with (
        a_world(redis, tmp_path / "data", SOLO) as world,
        by_hand(world, redis, tmp_path, (STANDS_IN if to else SOLO) + EVE) as ahead,
    ):
        ahead.workshop.policy_of["bell"] = "solo"
        run_id = await ahead.trigger("press bell", person="anna" if to else "eve")
        await moved_on(ahead, run_id)
        record, now = await ahead.opened(run_id), await ahead.now()
        until, bo, stands_in = now + timedelta(days=1), PersonId("bo"), PersonId(to) if to else None
        gone = Absence(person=bo, starts=now, until=until, to=stands_in, by=bo, proof=as_by("cli"))
        assert await Absences(ahead.app.store, ahead.people).change(None, gone)

        for each in (world, ahead):
            await each.app.requests.absences.look()

        assert who_of(await world.request(record.request.id)).approve == (to or "bo",)
        assert bool(await told(world, "eve")) is not bool(to)
        assert not (to and await told(world, "anna"))


async def test_attack_whoever_has_joined_is_not_asked_what_became_of_what_they_approved_by_the_file_from_before(
    redis: str, tmp_path: Path
) -> None:
    async with (
        a_world(redis, tmp_path / "data", SOLO) as world,
        by_hand(world, redis, tmp_path, SOLO.replace("person:bo", "person:eve") + EVE) as ahead,
    ):
        ahead.workshop.policy_of["bell"] = "solo"
        ahead.workshop.breaks["bell"] = TimeoutError("nobody knows")
        run_id = await ahead.trigger("press bell")
        await moved_on(ahead, run_id)
        gate = await ahead.opened(run_id)
        await ahead.decide("eve", gate, "approve")
        await moved_on(ahead, run_id)
        await ahead.has(run_id, "unknown")

        await moved_on(world, run_id)
        assert (await world.run(run_id)).open is None

        await moved_on(ahead, run_id)
        unknown = await ahead.opened(run_id, after=gate.request.id)
        assert [holder.person for holder in unknown.holders] == ["eve"]


async def test_attack_whoever_has_joined_is_not_asked_whether_it_was_right_to_break_the_glass_by_the_file_from_before(
    redis: str, tmp_path: Path
) -> None:
    async with (
        a_world(redis, tmp_path / "data", NIGHT) as world,
        by_hand(world, redis, tmp_path, NIGHT + EVE.replace("eve", "fay")) as ahead,
    ):
        ahead.workshop.policy_of["bell"] = "night"
        run_id = await ahead.trigger("press bell")
        await moved_on(ahead, run_id)
        record = await ahead.opened(run_id)
        await breaks(ahead, "eve", record)

        for each in (world, ahead):
            assert (await world.run(review_of(record.request.id))).started is None
            await each.app.work.dispatcher.look(WorkItem("glass", record.request.id))
        await moved_on(ahead, review_of(record.request.id))

        assert "fay" in [one.person for one in (await ahead.opened(review_of(record.request.id))).holders]


async def test_attack_whoever_has_joined_never_hears_what_became_of_a_paused_run_as_a_worker_has_the_file_from_before(
    world: World, redis: str, tmp_path: Path
) -> None:
    async with by_hand(world, redis, tmp_path, TOML + EVE) as ahead:
        run_id = await ahead.trigger("press bell", person="eve")
        await moved_on(ahead, run_id)
        await ahead.steer(run_id, "pause", "eve")
        await ahead.decide("bo", await ahead.opened(run_id), "deny", "Not today")

        await moved_on(world, run_id)

        assert await world.app.store.client.do("ZSCORE", Keys.of(run_id).wake, f"run {run_id}"), "it is looked at again"
        await becomes(world, TOML + EVE)
        await moved_on(world, run_id)
        assert [one.card.title for one in await told(world, "eve")] == ["Stopped: denied by Bo Berg"]


async def test_attack_whoever_has_an_id_by_a_newer_file_has_left_for_a_worker_where_it_is_somebody_elses(
    world: World, redis: str, tmp_path: Path
) -> None:
    newer = TOML.replace(PAIR, PAIR.replace("group:release", "person:cy")).replace("quorum = 2\n", "")
    newer = newer.replace('name = "Cy Cole"\nemail = "cy@', 'name = "Cyd Conrad"\nemail = "cyd@')
    async with by_hand(world, redis, tmp_path, newer) as ahead, serving(ahead.app) as api:
        request = await asked_by_program(await program(api), policy="pair")

        assert not await world.app.requests.departures.look_at_all()

        record = await world.request(request["id"])
        assert who_of(record).approve == ("cy~2",)


async def test_attack_it_escalates_to_whom_the_file_from_before_names(redis: str, tmp_path: Path) -> None:
    pair, more = PAIR.replace("group:release", "person:bo"), 'escalate_after = "1h"\nescalate_to = ["person:cy"]'
    older = TOML.replace(PAIR, f"{pair}\n{more}").replace("quorum = 2\n", "")
    newer = older.replace('["person:cy"]', '["person:eve"]') + EVE
    async with (
        a_world(redis, tmp_path / "data", older) as world,
        by_hand(world, redis, tmp_path, newer) as ahead,
        serving(ahead.app) as api,
    ):
        request = await asked_by_program(await program(api), policy="pair")
        await world.move_time(3700)
        for each, decide in ((world, ("bo",)), (ahead, ("bo", "eve"))):
            await each.app.work.dispatcher.look(WorkItem("ask", request["id"]))
            record = await world.request(request["id"])
            assert who_of(record).approve == decide


async def test_attack_what_who_has_joined_allows_again_ends_by_the_file_from_before(redis: str, tmp_path: Path) -> None:
    async with (
        standing.an_office(redis, tmp_path) as world,
        beside_it(World(redis, tmp_path / "other", standing.ALLOWED)) as before,
    ):
        await becomes(world, standing.ALLOWED + EVE)
        await standing.granted(world, await standing.done_once(world), by=("eve",))

        assert not await before.app.requests.departures.look_at_all()

        assert (await standing.the_only(world)).state == "valid"


async def spending(world: World, toml: str = STEPS) -> tuple[str, RequestRecord]:
    async with world.stopped():
        world.toml = toml
    return await asked(world, "spending")


async def test_a_later_step_that_nobody_can_fill_closes_the_request_at_once(world: World) -> None:
    run_id, record = await spending(world)
    gone = without(without(STEPS, "dan"), "eve").replace('"person:dan"', '"person:cy"')

    await becomes(world, gone.replace('approvers = ["group:finance"]', 'approvers = ["person:cy"]'))

    closed = await world.request(record.request.id)
    assert closed.state == "superseded"
    anew = await world.opened(run_id, after=record.request.id)
    assert who_of(anew).named == ("bo", "cy")


@opens(TOML + EVE)
async def test_attack_whoever_gets_the_id_of_somebody_who_has_left_gets_neither_their_keys_nor_their_sessions(
    world: World, api: Api
) -> None:
    eve, sessions = await api.client("eve"), world.app.access.sessions
    session = await sessions.spend(await sessions.link(PersonId("eve"), by="operator"))
    link = await sessions.link(PersonId("eve"), by="operator")
    assert session
    assert ((await eve.get("/v1/people")).status_code, await sessions.find(session) is None) == (200, False)

    await becomes(world, TOML)
    await becomes(world, TOML + EVE.replace("Eve Eder", "Eve Other").replace("eve@", "eve.other@"))

    assert (await eve.get("/v1/people")).status_code == 401
    assert (await sessions.find(session), await sessions.spend(link)) == (None, None)
    assert (await (await api.client("eve")).get("/v1/people")).status_code == 200


@opens(toml=STEPS)
async def test_attack_a_step_begins_while_somebody_is_not_here_and_they_are_never_asked_once_they_are_back(
    world: World,
) -> None:
    _, record = await asked(world, "spending")
    await becomes(world, without(STEPS, "dan").replace('to = ["person:dan"]', 'to = ["person:eve"]'))
    assert isinstance(await world.decide("bo", record, "approve"), Counted)

    for _ in range(2):
        await becomes(world, STEPS)
        await world.quiet()

    [card] = [mail for mail in world.mails("dan") if mail.reply_to]
    await world.reply("dan", card, "approve")
    await world.has(record.request.run_id, "done")


@opens(toml=TOML + EVE)
async def test_attack_a_call_is_changed_while_somebody_is_not_here_and_they_hold_only_the_card_from_before(
    world: World,
) -> None:
    _, record = await asked(world, "production")
    await world.next_mail("bo", "Press bell?")
    await becomes(world, without(TOML + EVE, "bo"))
    await world.edit("anna", record, what="gong")

    await becomes(world, TOML + EVE)

    await world.reply("bo", await world.next_mail("bo", "Press gong?"), "approve")
    await world.has(record.request.run_id, "done")
    assert world.workshop.effects == ["press gong"]


MOVED = TOML.replace("bo@corp.example", "bo.berg@corp.example")


@opens(toml=with_mark(TOML, "bo", 'uid = "1"'))
async def test_attack_a_card_waits_for_a_reminder_where_somebodys_address_has_changed(world: World) -> None:
    _, record = await asked(world, "production")
    await world.next_mail("bo")

    await becomes(world, with_mark(MOVED, "bo", 'uid = "1"'))
    await world.quiet()

    [card] = world.mails("bo.berg")
    assert "Press bell?" in card.subject
    await becomes(world, with_mark(MOVED, "bo", 'uid = "1"') + EVE)
    await world.quiet()
    assert world.mails("bo.berg") == (card,), "it comes once"

    await world.post("bo.berg", card.reply_to or "", "approve")
    await world.ended(record.request.run_id)
    assert (await world.request(record.request.id)).state == "approved"


@opens(toml=with_mark(TOML, "bo", 'uid = "1"') + EVE)
async def test_who_has_answered_gets_no_card_at_a_new_address(world: World) -> None:
    _, record = await asked(world)
    await world.next_mail("bo")
    assert isinstance(await world.decide("bo", record, "approve"), Counted)

    await becomes(world, with_mark(MOVED, "bo", 'uid = "1"') + EVE)
    await world.quiet()

    assert world.mails("bo.berg") == ()


@opens(toml=SOLO)
async def test_it_is_asked_anew_under_the_policy_as_it_is_now_where_its_old_names_are_all_gone(world: World) -> None:
    run_id, record = await asked(world, "solo")

    await becomes(world, without(SOLO, "bo").replace('["person:bo"]', '["person:dan"]'))

    now = await asked_anew(world, record)
    assert await reassigned(world, run_id) == []
    assert who_of(now).approve == ("dan",)
    await world.next_mail("dan", "Press bell?")


NAMED = TOML.replace('"group:release"]\nquorum = 2', '"person:bo", "person:cy"]\nquorum = 2') + EVE
NAMED_LEFT = without(NAMED, "bo").replace('"person:bo", "person:cy"]\n', '"person:dan", "person:eve"]\nquorum = 2\n')


@opens(toml=NAMED)
async def test_the_approval_of_one_whom_the_policy_names_no_more_counts_for_nothing_once_its_new_names_decide(
    world: World,
) -> None:
    run_id, record = await asked(world)
    assert isinstance(await world.decide("cy", record, "approve"), Counted)

    await becomes(world, NAMED_LEFT)

    now = await asked_anew(world, record)
    assert now.votes == ()
    assert isinstance(await world.decide("cy", now, "approve"), NotEntitled)
    assert isinstance(await world.decide("dan", now, "approve"), Counted)
    decided = await world.decide("eve", now, "approve")
    assert isinstance(decided, Decided)
    assert decided.decision.by == ("dan", "eve")
    await world.has(run_id, "done")


NARROWED = (
    (TOML + EVE)
    .replace("group:release", "group:sre", 1)
    .replace('name = "Dan Dorn"', 'name = "Dan Dorn"\ngroups = ["sre"]')
)


async def test_attack_who_joins_a_group_that_decided_then_is_asked_by_a_policy_that_names_it_no_more(
    world: World,
) -> None:
    _, record = await asked(world, "production")
    await becomes(world, NARROWED)

    await becomes(world, without(without(NARROWED, "bo"), "cy"))

    assert who_of(await asked_anew(world, record)).approve == ("dan",)


_OPS = TOML.replace('name = "Dan Dorn"', 'name = "Dan Dorn"\ngroups = ["ops"]')


def _decided_by(group: str, stands_in: str) -> str:
    policy = f'[policies.production]\nstand_ins = ["group:{stands_in}"]\napprovers = ["group:{group}"]'
    return _OPS.replace('[policies.production]\napprovers = ["group:release"]', policy)


@opens(toml=_decided_by("release", "ops"))
async def test_attack_who_joins_a_group_that_decided_then_is_asked_by_a_policy_where_it_only_stands_in(
    world: World,
) -> None:
    _, record = await asked(world, "production")

    await becomes(world, without(without(_decided_by("ops", "release") + EVE, "bo"), "cy"))

    assert who_of(await asked_anew(world, record)).approve == ("dan",)


@pytest.mark.parametrize("moves", ["to a later step", "to the escalation"])
async def test_attack_who_joins_a_group_that_the_policy_names_elsewhere_by_now_is_asked_where_it_was_named(
    redis: str, tmp_path: Path, moves: str
) -> None:
    def office(first: str, second: str) -> str:
        if moves == "to a later step":
            policy = f'[[policies.moved.steps]]\nname = "one"\napprovers = ["{first}"]\n\n'
            policy += f'[[policies.moved.steps]]\nname = "two"\napprovers = ["{second}"]\n'
        else:
            policy = f'[policies.moved]\napprovers = ["{first}"]\nescalate_after = "3h"\nescalate_to = ["{second}"]\n'
        head = '\n[policies.moved]\nexpires_after = "4h"\n\n' if moves == "to a later step" else "\n"
        tail = "" if moves == "to a later step" else 'expires_after = "4h"\n'
        return TOML + head + policy + tail

    async with a_world(redis, tmp_path / "data", office("group:release", "person:dan")) as world:
        _, record = await asked(world, "moved")
        now = office("person:dan", "group:release") + EVE
        await becomes(world, now)

        await becomes(world, without(without(now, "bo"), "cy"))

        assert "eve" not in who_of(await world.request(record.request.id)).approve


async def test_attack_it_is_handed_on_to_who_joined_a_group_that_the_policy_names_no_more(world: World) -> None:
    _, record = await asked(world, "production")
    await becomes(world, NARROWED)

    await world.delegate("bo", record, "eve")

    assert who_of(await world.request(record.request.id)).approve == ("bo", "cy")


@pytest.mark.parametrize("rotation", ["sre", "ops"])
async def test_attack_it_escalates_to_who_is_in_a_rotation_since_then_that_the_policy_names_no_more(
    redis: str, tmp_path: Path, rotation: str
) -> None:
    def office(named: str, on_call: str) -> str:
        rotations = (("ops", on_call), ("sre", "dan" if rotation == "sre" else on_call))
        tables = "".join(
            f'[oncall.{name}]\nrotation = ["person:{who}"]\nshift = "1d"\nstarts = "2020-01-01T09:00"\n'
            for name, who in rotations
        )
        return ESCALATING.replace('escalate_to = ["person:dan', f'escalate_to = ["oncall:{named}') + EVE + tables

    async with a_world(redis, tmp_path / "data", office("ops", "cy")) as world:
        _, record = await asked(world, "solo")
        await becomes(world, office(rotation, "eve"))

        await world.move_time(4 * 3600 - 600)
        await world.quiet()

        expected = ("bo", "dan" if rotation == "sre" else "eve")
        assert who_of(await world.request(record.request.id)).approve == expected


@opens(toml=ESCALATING)
async def test_those_it_would_escalate_to_are_asked_at_once_where_nobody_else_is_left(world: World) -> None:
    run_id, _ = await asked(world, "solo")

    await becomes(world, without(ESCALATING, "bo").replace('["person:bo"]', '["person:anna"]'))

    [event] = await reassigned(world, run_id)
    assert (event.why, event.to) == ("left", ("dan",))
