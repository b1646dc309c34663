"""A used-up budget is asked about once, of the right people, and their answer counts once."""

from pathlib import Path

import pytest

from agents.budgets import Limits, Spent
from agents.requests import RunId
from agents.requests.record import RequestRecord
from bot.queries.rebuild import rebuild
from tests.fakes.anthropic import FakeAnthropic, message, tool_use
from tests.kit.office import TOML
from tests.kit.world import World
from tests.stories.faults.model import a_thinker

DAY_S = 24 * 3600


async def with_budget(world: World, lines: str) -> None:
    """The clerk may use so much, as `[agents.clerk]` says."""
    async with world.stopped():
        world.toml = f"{TOML}\n[agents.clerk]\n{lines}\n"


async def asked(world: World, run_id: RunId, after: RequestRecord | None = None) -> RequestRecord:
    record = await world.opened(run_id, after=after.request.id if after else None)
    assert record.request.purpose == "go_on"
    return record


def who(record: RequestRecord) -> list[str]:
    return [holder.person for holder in record.holders]


async def test_a_run_that_has_taken_its_steps_goes_on_for_as_many_once_its_requester_says_so(world: World) -> None:
    await with_budget(world, "max_steps = 3\nmax_cost_usd = 0.25")

    run_id = await world.trigger("walk")
    mail = await world.next_mail("anna", about="The clerk agent has used up its steps: go on?")
    assert len(world.workshop.effects) == 3
    for words in (
        "sayso asks about a run for Anna Ames",
        "The clerk agent has used up what it may use in this run, and is not at its end.",
        "Used so far: 3 of 3 steps, 0 of 200,000 tokens, $0.00 of $0.25.",
        "“go on” allows 3 more steps. “stop the run” ends the run. Without an answer it ends as failed.",
        "What led to it:",
        "stamp 1: done",
    ):
        assert words in " ".join(mail.text.replace("> ", "").split()), mail.text
    async with world.stopped():
        pass
    await world.reply("anna", mail, "1")

    again = await world.next_mail("anna", about="has used up its steps: go on?")
    assert len(world.workshop.effects) == 6
    assert "Used so far: 6 of 6 steps" in again.text
    await world.reply("anna", again, "stop the run")
    assert await world.summary(run_id) == "cancelled: cancelled by Anna Ames: its steps were used up"


async def test_a_comment_lets_nothing_go_on_and_no_answer_ends_the_run_as_failed(world: World) -> None:
    await with_budget(world, "max_steps = 1")
    run_id = await world.trigger("walk")
    record = await asked(world, run_id)

    await world.decide("anna", record, "free_text", "go on, but only if it is safe")
    await world.decide("bo", record, "free_text", "go on")
    await world.quiet()
    assert (await world.run(run_id)).state == "waiting"
    await world.move_time(DAY_S + 1)

    expected = "failed: its steps were used up; nobody said whether to go on, the question is expired"
    assert (await world.summary(run_id)).startswith(expected)
    assert len(world.workshop.effects) == 1


async def test_the_budget_of_a_day_is_for_the_operators_and_all_runs_of_the_agent_share_it(world: World) -> None:
    await with_budget(world, "max_steps_per_day = 4")
    await world.ended(await world.trigger("stamp a\nstamp b"))

    run_id = await world.trigger("stamp c\nstamp d")
    mail = await world.next_mail("dan", about="The clerk agent has used up its budget of the day: go on?")
    assert "Used today: 4 of 4 steps" in mail.text
    assert who(await asked(world, run_id)) == ["dan"]
    await world.reply("dan", mail, "go on")
    assert (await world.ended(run_id)).state == "done"
    assert world.workshop.effects[-2:] == ["stamp c", "stamp d"]

    again = await world.trigger("stamp e\nstamp f\nstamp g\nstamp h")
    await world.decide("dan", await asked(world, again), "free_text", "stop the run")
    assert await world.summary(again) == "cancelled: cancelled by Dan Dorn: the agent's budget of the day was used up"

    await world.move_time(DAY_S)
    assert (await world.ended(await world.trigger("stamp i"))).state == "done"


async def test_who_asked_hears_that_nobody_said_whether_a_run_goes_on_though_somebody_has_paused_it(
    world: World,
) -> None:
    await with_budget(world, "max_steps_per_day = 1")
    run_id = await world.trigger("stamp a\nstamp b")
    await asked(world, run_id)
    await world.steer(run_id, "pause", "dan")

    await world.move_time(DAY_S + 1)

    assert "nobody said whether to go on" in await world.summary(run_id)
    await world.next_mail("anna", about="Failed: stamp a")
    assert world.workshop.effects == ["stamp a"]


async def test_what_was_used_today_is_made_anew_from_the_events(world: World) -> None:
    await with_budget(world, "max_steps_per_day = 9")
    await world.ended(await world.trigger("stamp a\nstamp b"))
    await world.quiet()
    days, today = world.app.store.days, (await world.now()).date()
    for key in [key async for key in world.app.store.client.scan("{s*}:day:*")]:
        await world.app.store.client.do("DEL", key)
    assert await days.look("clerk", today) == (Spent(), Limits())

    await rebuild(world.app.store)
    await rebuild(world.app.store)

    assert await days.look("clerk", today) == (Spent(steps=3), Limits())


GERMAN_ANNA = TOML.replace("[people.anna]\n", '[people.anna]\nlanguage = "de"\n')


async def in_german(world: World) -> None:
    """Anna reads German, and the clerk may take one step."""
    async with world.stopped():
        world.toml = f"{GERMAN_ANNA}\n[agents.clerk]\nmax_steps = 1\n"


async def test_a_german_is_asked_in_german_whether_her_run_goes_on_and_answers_in_german(world: World) -> None:
    await in_german(world)

    run_id = await world.trigger("walk")
    mail = await world.next_mail("anna", about="Der Agent clerk hat seine Schritte aufgebraucht: weitermachen?")
    await world.reply("anna", mail, "weitermachen")

    record = await world.opened(run_id, after=(await world.requests())[0].request.id)
    assert len(world.workshop.effects) == 2
    words = " ".join(mail.text.replace("> ", "").split())
    assert "1. weitermachen 2. den Lauf anhalten" in words
    assert "Bisher verwendet: 1 von 1 Schritt, 0 von 200.000 Tokens, 0,00 $ von 0,50 $." in words
    assert "„weitermachen“ erlaubt 1 weiteren Schritt. „den Lauf anhalten“ beendet den Lauf." in words
    await world.decide("anna", record, "free_text", "den Lauf anhalten")
    assert await world.summary(run_id) == "cancelled: abgebrochen von Anna Ames: seine Schritte sind aufgebraucht"


@pytest.mark.long
async def test_tokens_that_one_answer_overdraws_are_asked_about_once(
    redis: str, tmp_path: Path, api: FakeAnthropic
) -> None:
    toml = f"{TOML}\n[agents.clerk]\nmax_tokens = 500\n"
    stamps = [message(tool_use("stamp", {"what": what})) for what in "ab"]  # 1,020 tokens each
    api.answers(*stamps, message(tool_use("done", {"summary": "x"})))

    async with a_thinker(redis, tmp_path, api, toml) as world:
        run_id = await world.trigger("please see to the letters")
        record = await asked(world, run_id)
        assert "1,020 of 500 tokens" in record.request.quoted
        await world.decide("anna", record, "free_text", "go on")

        record = await asked(world, run_id, after=record)
        assert "2,040 of 1,520 tokens" in record.request.quoted
        await world.decide("anna", record, "free_text", "go on")
        assert await world.summary(run_id) == "done: x"
        assert world.workshop.effects == ["stamp a", "stamp b"]
