"""The manager, then finance: one step after the other, by mail and on every page."""

from agents.requests.record import RequestRecord
from bot.render.status_line import status_line
from bot.render.views import StepView, request_view
from tests.bot.cli.shell import sayso
from tests.kit.office import STEPS
from tests.kit.opens import opens
from tests.kit.tables import becomes, without
from tests.kit.world import World
from tests.servers.console import a_console

FIRST = "step 1 of 2, “manager”: Bo Berg; then “finance”: Dan Dorn or Eve Ebert"
SECOND = "step 2 of 2, “finance”: Dan Dorn or Eve Ebert"


def _spending(world: World) -> None:
    world.workshop.policy_of["bell"] = "spending"


pytestmark = opens(STEPS, change=_spending)

_BOTH = STEPS.replace('approvers = ["person:bo"]', 'approvers = ["person:bo", "person:dan"]')
"""Dan decides either step."""


async def asked(world: World) -> RequestRecord:
    record = await world.opened(await world.trigger("press bell"))
    await world.quiet()
    return record


def asks(world: World, person: str) -> int:
    return len([mail for mail in world.mails(person) if "Press bell?" in mail.subject])


async def test_finance_is_asked_once_the_manager_has_agreed_and_the_last_step_decides(world: World) -> None:
    record = await asked(world)
    card = await world.next_mail("bo")
    assert (asks(world, "dan"), asks(world, "eve")) == (0, 0)
    assert "step 1 of 2, “manager”: only you; then “finance”: Dan Dorn or Eve Ebert" in " ".join(card.text.split())

    await world.reply("bo", card, "approve")
    second = await world.next_mail("eve", about="Press bell")
    assert "step 2 of 2, “finance”: you or Dan Dorn" in " ".join(second.text.split())
    assert world.workshop.effects == []
    await world.reply("eve", second, "approve")

    assert await world.summary(record.request.run_id) == "done: ok: press bell: done"
    stands = await world.request(record.request.id)
    assert stands.decision
    assert stands.decision.by == ("bo", "eve")
    assert stands.request.digest == record.request.digest


async def test_api_command_line_page_and_status_say_which_step_it_is_and_with_new_words_it_is_the_first_again(
    world: World,
) -> None:
    record = await asked(world)
    view = request_view(await world.request(record.request.id), world.app.people)
    listed = await sayso(world, "requests", "--for", "bo")
    assert (view.step, view.rule) == (StepView(number=1, of=2, name="manager"), FIRST)
    assert view.next_due
    assert view.next_due.kind == "escalation"
    assert f"{FIRST}; escalation in 7 h 59 min" in listed.out

    await world.decide("bo", record, "approve")

    async with a_console(world) as console:
        page = await (await console.browser("eve")).get(f"/requests/{record.request.id}")
    shown = await sayso(world, "show", record.request.id)
    assert "step 2 of 2, “finance”" in page.words
    assert f"decides    {SECOND}" in shown.out
    run, stands = await world.run(record.request.run_id), await world.request(record.request.id)
    assert status_line(run, stands, world.app.people) == (
        "Waiting for Dan Dorn or Eve Ebert (step 2 of 2, “finance”): Press bell?"
    )

    await world.decide("anna", stands, "free_text", "press it twice, please")

    again = request_view(await world.request(record.request.id), world.app.people)
    assert (again.step, again.rule) == (StepView(number=1, of=2, name="manager"), FIRST)


async def starts_nothing(world: World, record: RequestRecord) -> None:
    """Dan reads that his card is that of another step, and nothing has begun."""
    await world.next_mail("dan", about="it answers a card that was replaced by a newer one")
    assert ((await world.request(record.request.id)).state, world.workshop.effects) == ("open", [])


@opens(_BOTH, change=_spending)
async def test_attack_who_decides_two_steps_approves_the_last_one_by_a_card_that_says_that_nothing_starts_yet(
    world: World,
) -> None:
    record = await asked(world)
    first = await world.next_mail("dan")
    assert "nothing starts yet" in first.text
    await world.reply("bo", await world.next_mail("bo"), "approve")
    second = await world.next_mail("dan", about="step 2 of 2")

    await world.reply("dan", first, "approve")

    await starts_nothing(world, record)
    await world.reply("dan", second, "approve")
    assert await world.summary(record.request.run_id) == "done: ok: press bell: done"


_THEN_DAN = _BOTH.replace(
    'approvers = ["group:finance"]', 'approvers = ["person:eve"]\nescalate_after = "1h"\nescalate_to = ["person:dan"]'
)


@opens(_THEN_DAN, change=_spending)
async def test_attack_to_whom_the_last_step_escalates_approves_it_by_the_card_of_the_first_one(world: World) -> None:
    record = await asked(world)
    first = await world.next_mail("dan")
    await world.reply("bo", await world.next_mail("bo"), "approve")
    await world.quiet()
    await world.move_time(3700)
    await world.next_mail("dan", about="step 2 of 2")

    await world.reply("dan", first, "approve")

    await starts_nothing(world, record)


@opens(_BOTH, change=_spending)
async def test_attack_who_was_gone_as_the_last_step_began_approves_it_by_the_card_of_the_first_one(
    world: World,
) -> None:
    record = await asked(world)
    first = await world.next_mail("dan")
    gone = without(_BOTH, "dan").replace(', "person:dan"]', "]").replace('"person:dan"', '"person:cy"')
    await becomes(world, gone)
    await world.decide("bo", record, "approve")
    await becomes(world, _BOTH)
    await world.app.requests.departures.look_at_all()
    second = await world.next_mail("dan", about="step 2 of 2")

    await world.reply("dan", first, "approve")

    await starts_nothing(world, record)
    await world.reply("dan", second, "approve")
    assert await world.summary(record.request.run_id) == "done: ok: press bell: done"


@opens(_BOTH, change=_spending)
async def test_attack_a_page_from_the_step_before_approves_the_last_one(world: World) -> None:
    record = await asked(world)
    async with a_console(world) as console:
        dan = await console.browser("dan")
        place = f"/requests/{record.request.id}"
        page = await dan.get(place)
        assert "nothing starts yet" in page.words
        await world.decide("bo", record, "approve")

        told = await dan.submit(page.form(f"{place}/answer"), "Approve")

        assert "it answers a card that was replaced by a newer one" in told.words
        assert ((await world.request(record.request.id)).state, world.workshop.effects) == ("open", [])
        now = await dan.submit((await dan.get(place)).form(f"{place}/answer"), "Approve")
        assert "approved" in now.words
    assert await world.summary(record.request.run_id) == "done: ok: press bell: done"


_BOARD = (
    STEPS
    + """
[[policies.spending.steps]]
name = "board"
approvers = ["person:dan", "person:cy"]
"""
)


@opens(_BOARD, change=_spending)
async def test_who_is_kept_for_a_later_step_as_this_one_begins_is_asked_once_they_are_no_more(world: World) -> None:
    record = await asked(world)
    await becomes(world, without(_BOARD, "cy").replace(', "person:cy"]', "]"))
    await world.decide("bo", record, "approve")
    await world.quiet()
    assert (asks(world, "dan"), asks(world, "eve")) == (0, 1)

    await becomes(world, _BOARD)
    await world.app.requests.departures.look_at_all()

    await world.reply("dan", await world.next_mail("dan", about="step 2 of 3"), "approve")
    await world.next_mail("cy", about="step 3 of 3")


@opens(_BOTH, change=_spending)
async def test_who_is_kept_for_a_later_step_as_the_request_is_changed_is_asked_once_they_are_no_more(
    world: World,
) -> None:
    record = await asked(world)
    await becomes(world, without(_BOTH, "eve"))
    await world.decide("anna", record, "free_text", "press it twice, please")
    await world.quiet()
    assert (asks(world, "dan"), asks(world, "bo")) == (1, 2)

    await becomes(world, _BOTH)
    await world.app.requests.departures.look_at_all()
    await world.quiet()

    assert asks(world, "dan") == 2
    await world.reply("dan", world.mails("dan")[-1], "approve")
    await world.next_mail("eve", about="step 2 of 2")


_DAN_LAST = _BOTH.replace('approvers = ["group:finance"]', 'approvers = ["person:dan"]').replace(
    "[policies.spending]\n", '[policies.spending]\nstand_ins = ["person:eve"]\n'
)


@opens(_DAN_LAST, change=_spending)
async def test_who_was_kept_for_a_later_step_and_handed_it_on_reads_no_more_that_it_asks_them(world: World) -> None:
    record = await asked(world)
    assert asks(world, "dan") == 0
    await world.delegate("dan", record, "eve")
    await world.decide("bo", record, "approve")
    await world.decide("eve", record, "approve")
    await world.ended(record.request.run_id)

    await world.send("dan", "sayso@sayso.example", "approve")

    told = await world.next_mail("dan", about="nothing was approved")
    assert "Press bell" not in told.text
