"""The manager, then finance: one step after the other, by mail and on every page."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agents.events import RequestReassigned
from bot.policy.judgements import AlreadyVoted, Counted, Decided, NotEntitled
from bot.policy.record import RequestRecord
from bot.queries.rebuild import rebuild
from bot.render.status_line import status_line
from bot.render.views import StepView, request_view
from tests.bot.cli.shell import sayso
from tests.kit.office import STEPS
from tests.kit.world import World, a_world
from tests.servers.console import a_console

FIRST = "step 1 of 2, manager: Bo Berg; then finance: Dan Dorn or Eve Ebert"
SECOND = "step 2 of 2, finance: Dan Dorn or Eve Ebert"


@pytest.fixture
async def office(redis: str, tmp_path: Path) -> AsyncIterator[World]:
    def change(world: World) -> None:
        world.workshop.policy_of["bell"] = "spending"

    async with a_world(redis, tmp_path / "data", STEPS, change=change) as world:
        yield world


async def asked(world: World) -> RequestRecord:
    record = await world.opened(await world.trigger("press bell"))
    await world.quiet()
    return record


def asks(world: World, person: str) -> int:
    return len([mail for mail in world.mails(person) if "Press bell?" in mail.subject])


async def test_finance_is_asked_once_the_manager_has_agreed_and_the_last_step_decides(office: World) -> None:
    record = await asked(office)
    card = await office.next_mail("bo")
    assert (asks(office, "dan"), asks(office, "eve")) == (0, 0)
    assert "step 1 of 2, manager: only you; then finance: Dan Dorn or Eve Ebert" in " ".join(card.text.split())

    await office.reply("bo", card, "approve")
    second = await office.next_mail("eve", about="Press bell")
    assert "step 2 of 2, finance: you or Dan Dorn" in " ".join(second.text.split())
    assert office.workshop.effects == []
    await office.reply("eve", second, "approve")

    assert await office.summary(record.request.run_id) == "done: ok: press bell: done"
    stands = await office.request(record.request.id)
    assert stands.decision
    assert stands.decision.by == ("bo", "eve")
    assert stands.request.digest == record.request.digest


async def test_one_person_fills_one_step(office: World) -> None:
    record = await asked(office)
    await office.move_time(8 * 3600 + 60)
    await office.quiet()

    first = await office.decide("dan", record, "approve")
    again = await office.decide("dan", record, "approve")

    assert isinstance(first, Counted)
    assert first.next_step == 1
    assert isinstance(again, AlreadyVoted)
    stands = await office.request(record.request.id)
    assert request_view(stands, office.app.people).may_decide == ("eve",)
    assert isinstance(await office.decide("eve", record, "approve"), Decided)


async def test_who_has_decided_an_earlier_step_may_still_deny_and_others_have_no_say(office: World) -> None:
    record = await asked(office)
    assert isinstance(await office.decide("eve", record, "approve"), NotEntitled)
    await office.decide("bo", record, "approve")

    await office.decide("bo", record, "deny", "I misread it")

    assert await office.summary(record.request.run_id) == "failed: denied: I misread it"


async def test_the_same_vote_twice_begins_the_step_once(office: World) -> None:
    record = await asked(office)

    for _ in range(2):
        await office.decide("bo", record, "approve", reply_id="click-1")
    await office.quiet()

    events = await office.events(record.request.run_id)
    assert [event.why for event in events if isinstance(event, RequestReassigned)] == ["next_step"]
    assert (asks(office, "dan"), asks(office, "eve")) == (1, 1)


async def test_changed_words_begin_with_the_manager_again(office: World) -> None:
    record = await asked(office)
    await office.decide("bo", record, "approve")

    await office.decide("anna", record, "free_text", "only the small bell")

    stands = await office.request(record.request.id)
    assert (stands.request.revision, stands.votes, stands.request.policy.in_step) == (2, (), 0)
    assert request_view(stands, office.app.people).may_decide == ("bo",)


async def test_api_command_line_page_and_status_say_which_step_it_is_and_what_is_due(office: World) -> None:
    record = await asked(office)
    view = request_view(await office.request(record.request.id), office.app.people)
    listed = await sayso(office, "requests", "--for", "bo")
    assert (view.step, view.rule) == (StepView(number=1, of=2, name="manager"), FIRST)
    assert view.next_due
    assert view.next_due.kind == "escalation"
    assert f"{FIRST}; escalation in 7 h 59 min" in listed.out

    await office.decide("bo", record, "approve")

    async with a_console(office) as console:
        page = await (await console.browser("eve")).get(f"/requests/{record.request.id}")
    shown = await sayso(office, "show", record.request.id)
    assert "step 2 of 2, finance" in page.words
    assert f"decides    {SECOND}" in shown.out
    run, stands = await office.run(record.request.run_id), await office.request(record.request.id)
    assert status_line(run, stands, office.app.people) == (
        "Waiting for Dan Dorn or Eve Ebert (step 2 of 2, finance): Press bell?"
    )


async def test_a_rebuilt_record_is_the_same_and_new_cards_are_found_again(office: World) -> None:
    record = await asked(office)
    await office.decide("bo", record, "approve")
    card = await office.next_mail("eve", about="Press bell")
    before = await office.request(record.request.id)

    await rebuild(office.app.store)

    assert await office.request(record.request.id) == before
    await office.reply("eve", card, "approve")
    assert await office.summary(record.request.run_id) == "done: ok: press bell: done"
