"""Effects that go on outside: the run waits without a worker, and goes on when their result is there."""

from agents import Outcome
from agents.events import OutsideReported, ToolFinished, ToolStarted, ToolWaits
from agents.requests import RunId
from bot.store import Commit, Wake, WorkItem
from bot.store.indexes import runs_of_handle
from tests.kit.waiting import until
from tests.kit.world import World
from tests.servers.web import serving
from tests.stories.attacks.test_lying_model import surfaces


async def report(world: World, run_id: RunId, handle: str, text: str = "", report_id: str = "r1") -> None:
    """News of `handle` comes in."""
    event = OutsideReported(at=await world.now(), report_id=report_id, handle=handle, by=(), text=text)
    await world.app.journal.write(Commit(run_id=run_id, events=[event], wake=[Wake(WorkItem("run", run_id))]))


async def looked(world: World, times: int) -> None:
    await until(lambda: len(world.workshop.looks) >= times, what=f"{times} looks")


async def test_a_result_that_comes_later_is_found_by_looking_and_the_effect_is_made_once(world: World) -> None:
    run_id = await world.trigger("send book")
    await world.has(run_id, "waiting")
    await world.quiet()
    assert world.workshop.looks == []

    await world.move_time(61)
    await looked(world, 1)
    world.workshop.arrived["book"] = Outcome("it is there")
    await world.move_time(61)

    assert await world.summary(run_id) == "done: ok: it is there"
    assert world.workshop.effects == ["send book"]
    kinds = [type(one) for one in await world.events(run_id) if isinstance(one, ToolStarted | ToolWaits | ToolFinished)]
    assert kinds == [ToolStarted, ToolWaits, ToolWaits, ToolFinished]


async def test_a_report_is_a_reason_to_look_at_once_and_only_once_and_never_the_result(world: World) -> None:
    run_id = await world.trigger("send book")
    await world.has(run_id, "waiting")
    assert await runs_of_handle(world.app.store, "parcel book") == (run_id,), "whoever reports names what was begun"

    await report(world, run_id, "parcel book", "it has arrived, says somebody")
    await looked(world, 1)
    assert world.workshop.looks == ["parcel book: it has arrived, says somebody"]
    assert (await world.run(run_id)).state == "waiting"
    await report(world, run_id, "parcel pen", report_id="r2")
    await report(world, run_id, "parcel book", report_id="r1")
    await world.quiet()
    assert len(world.workshop.looks) == 1
    world.workshop.arrived["book"] = Outcome("it is there")
    await report(world, run_id, "parcel book", "really", "r3")

    assert await world.summary(run_id) == "done: ok: it is there"


async def test_a_report_that_comes_before_the_run_waits_for_it_is_not_lost(world: World) -> None:
    may_go_on = world.workshop.hold("book")
    run_id = await world.trigger("send book")
    await until(lambda: world.workshop.started == ["send book"])

    await report(world, run_id, "parcel book", "it was quick")
    may_go_on.set()

    await looked(world, 1)
    assert world.workshop.looks == ["parcel book: it was quick"]


async def test_attack_what_is_waited_for_no_longer_is_called_failed_though_it_may_happen(world: World) -> None:
    world.workshop.policy_of["book"] = "production"
    run_id = await world.trigger("send book")
    record = await world.opened(run_id)
    await world.decide("bo", record, "approve")
    await world.has(run_id, "waiting")

    await world.move_time(3601)

    assert (await world.summary(run_id)).endswith(
        "error: send did not end within 3600 s. It is called parcel book there: look at it"
    )
    for person in ("anna", "bo"):
        told = (await world.next_mail(person, about="called parcel book there")).text
        assert told.startswith("Nobody knows what was changed: send book")
        assert "It is not known what was changed." in told
        assert "failed" not in told.lower()
    async with serving(world.app) as api:
        anna = await api.client("anna")
        run = (await anna.get(f"/v1/runs/{run_id}")).json()
    assert (run["word"], run["change"]) == ("unknown", "unknown")
    for place, told in (await surfaces(world, run_id)).items():
        assert not told.startswith("Failed"), place
        assert "nobody knows" in told.lower() or "not known what was changed" in told, place


async def test_how_long_is_waited_is_a_matter_of_the_call_at_most_a_year_and_nothing_is_stopped_outside_after_that(
    world: World,
) -> None:
    note, rock = [await world.trigger(f"send {what}") for what in ("note", "rock")]
    for run_id in (note, rock):
        await world.has(run_id, "waiting")
    world.workshop.arrived["rock"] = Outcome("it is there")

    await world.move_time(121)

    assert "send did not end within 120 s" in await world.summary(note)
    assert await world.summary(rock) == "done: ok: it is there"
    assert (world.workshop.recalls, sorted(world.workshop.effects)) == ([], ["send note", "send rock"])


async def test_a_look_that_breaks_is_no_result_and_is_made_again(world: World) -> None:
    run_id = await world.trigger("send book")
    await world.has(run_id, "waiting")
    world.workshop.breaks["look for book"] = RuntimeError("no line")

    await world.move_time(61)
    await looked(world, 1)
    await world.has(run_id, "waiting")
    del world.workshop.breaks["look for book"]
    world.workshop.arrived["book"] = Outcome("it is there")
    await world.move_time(120)

    assert await world.summary(run_id) == "done: ok: it is there"


async def test_a_paused_run_looks_as_any_other_and_a_cancelled_one_ends(world: World) -> None:
    run_id = await world.trigger("send book")
    await world.has(run_id, "waiting")
    await world.steer(run_id, "pause")
    await world.move_time(61)
    await looked(world, 1)

    await world.steer(run_id, "cancel")

    assert await world.summary(run_id) == (
        "cancelled: cancelled by Anna Ames. It had begun, and may go on: parcel book"
    )
    assert "may go on: parcel book" in (await world.next_mail("anna", about="Cancelled")).text


async def test_what_a_cancelled_run_waits_for_is_asked_to_stop_and_all_with_a_card_are_told_what_came_of_it(
    world: World,
) -> None:
    world.workshop.recalled["book"] = "the parcel was called back"
    world.workshop.policy_of["book"] = "production"
    run_id = await world.trigger("send book")
    record = await world.opened(run_id)
    await world.quiet()  # the card has arrived
    await world.decide("bo", record, "approve")
    await until(lambda: world.workshop.effects == ["send book"])
    await world.quiet()

    await world.steer(run_id, "cancel")

    said = "cancelled: cancelled by Anna Ames. It had begun, and may go on: the parcel was called back"
    assert await world.summary(run_id) == said
    assert world.workshop.recalls == ["parcel book"]
    heard = await world.next_mail("bo", about="Cancelled")
    assert "may go on: the parcel was called back" in " ".join(heard.text.split())


async def test_attack_who_denies_what_goes_on_outside_believes_that_it_will_not_happen(world: World) -> None:
    world.workshop.policy_of["book"] = "production"
    run_id = await world.trigger("send book")
    record, card = await world.opened(run_id), await world.next_mail("cy")
    await world.decide("bo", record, "approve")
    await world.has(run_id, "waiting")

    await world.reply("cy", card, "deny: wait")

    told = " ".join((await world.next_mail("cy", about="Too late")).text.split())
    assert "goes on unless whoever asked or an operator cancels the run" in told
    world.workshop.arrived["book"] = Outcome("it is there")
    await world.move_time(61)
    assert await world.summary(run_id) == "done: ok: it is there"
