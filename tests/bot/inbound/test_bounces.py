"""Cards that did not arrive: they go another way, once, and whoever waits for the answer hears of it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest

from bot.store.ids import new_id
from channels import Inbound
from channels.email.format import trace
from tests.bot.bounces import DOMAIN, LOCAL, asked, bounce, failures, handled, receipt, report
from tests.fakes.corkboard import Corkboard
from tests.kit.office import STEPS, TOML
from tests.kit.opens import opens
from tests.kit.waiting import until
from tests.kit.world import World, heading


@pytest.fixture
def board() -> Corkboard:
    return Corkboard()


both = opens(beside=["board"], reach=("email", "slack"))
"""Which reaches people by mail, else by the board."""


@both
async def test_a_card_that_came_back_goes_another_way_is_answered_there_and_the_requester_hears_why(
    world: World, board: Corkboard
) -> None:
    record, card = await asked(world)

    await bounce(world, card)
    told = await world.next_mail("anna", about="Not reached: Press bell?")
    await handled(world)
    words = "Bo Berg could not be reached by email. The same goes to Bo Berg by Slack now. Cy Cole is also asked."
    assert words in " ".join(told.text.split())
    assert "| 550 5.1.1 No such user (x@corp.example)" in told.text
    assert (len(world.mails("anna")), world.mails("dan"), await world.dead()) == (1, (), [])

    board.write("bo", "approve")
    assert await world.summary(record.request.run_id) == "done: ok: press bell: done"
    assert await failures(world, record.request.run_id) == [("bo", "email")]
    decision = (await world.request(record.request.id)).decision
    assert decision is not None
    assert (decision.by, decision.channel) == (("bo",), "slack")


@both
async def test_a_late_reply_to_the_mail_that_came_back_counts_all_the_same(world: World, board: Corkboard) -> None:
    record, card = await asked(world)
    await bounce(world, card)
    await until(lambda: board.card("bo"), what="the card is on the board")

    await world.reply("bo", card, "approve")

    assert await world.summary(record.request.run_id) == "done: ok: press bell: done"
    await world.quiet()
    assert list(board.closed), "the one on the board is closed"


@both
@pytest.mark.long
async def test_a_report_that_comes_many_times_at_once_and_again_later_has_one_effect(
    world: World, board: Corkboard
) -> None:
    record, card = await asked(world)
    to = f"{LOCAL}+{receipt(world, card)}@{DOMAIN}"
    await world.quiet()

    for _ in range(2):
        inbounds = [await world.app.messages.inbox.accept(stored(to, f"{number}")) for number in range(16)]
        await asyncio.gather(*(world.app.messages.inbox.handle(inbound_id) for inbound_id in inbounds))
        await world.quiet()

    assert await failures(world, record.request.run_id) == [("bo", "email")]
    assert [heading(letter) for letter in world.mails("anna")] == ["Not reached: Press bell?"]
    assert [to.person for to, card in board.pinned.values() if card.form] == ["bo"]
    assert [person for person in ("bo", "cy") if len(world.mails(person)) != 1] == []


def stored(to: str, key: str) -> Inbound:
    """A report as the local server keeps it."""
    raw = trace.write(trace.Trace(sender="", recipient=to, login=None)) + report(to, key=key)
    return Inbound(channel="email", key=key, raw=raw, size_bytes=len(raw), received_at=datetime.now(UTC))


async def test_where_there_is_no_other_way_requester_and_operators_hear_it_and_it_is_a_dead_letter(
    world: World,
) -> None:
    record, card = await asked(world)

    await bounce(world, card)

    told = await world.next_mail("anna", about="Not reached: Press bell?")
    assert "Bo Berg could not be reached by email. Cy Cole is also asked." in " ".join(told.text.split())
    assert "| 550 5.1.1 No such user" in told.text
    alert = await world.next_mail("dan", about="Bo Berg can't be reached")
    told = " ".join(alert.text.split())
    assert "Could not be sent: the card “Press bell?” for Bo Berg. email: 550 5.1.1 No such user" in told
    assert "sayso dead requeue s" in told
    await handled(world)
    [note] = await world.dead()
    assert "550 5.1.1 No such user" in note
    await world.reply("cy", await world.next_mail("cy"), "approve")
    assert await world.summary(record.request.run_id) == "done: ok: press bell: done"
    await world.quiet()
    assert len(world.mails("bo")) == 1, "a card that never arrived needs no word that it is closed"


async def test_no_other_report_nor_an_out_of_office_reply_nor_a_receipt_that_nobody_of_us_made_changes_anything(
    world: World,
) -> None:
    record, card = await asked(world)
    own = receipt(world, card)
    forged = own[:-1] + ("a" if own[-1] != "a" else "b")
    to = f"{LOCAL}+{own}@{DOMAIN}"
    away = f"From: bo@corp.example\nTo: {to}\nSubject: Out of office\nAuto-Submitted: auto-replied\n\napprove\n"

    for action in ("delayed", "delivered", "relayed", "expanded"):
        await bounce(world, card, action=action)
    await world.transport(None).send(away.replace("\n", "\r\n").encode(), sender="", recipients=[to])
    for theirs in (forged, new_id("outgoing", 0) + forged[forged.rindex("-") :]):
        to = f"{LOCAL}+{theirs}@{DOMAIN}"
        await world.transport(None).send(report(to), sender="", recipients=[to])
    await handled(world)

    assert await failures(world, record.request.run_id) == []
    assert (world.mails("anna"), world.mails("dan"), await world.dead()) == ((), (), [])
    assert (await world.request(record.request.id)).state == "open"


def editable(world: World) -> None:
    world.workshop.editable = ("what",)


@opens(change=editable)
async def test_an_older_card_that_came_back_is_not_sent_again(world: World) -> None:
    record, card = await asked(world)
    await world.edit("cy", record, what="gong")

    await bounce(world, card)
    await handled(world)

    assert await failures(world, record.request.run_id) == []


async def test_a_card_of_a_closed_request_that_came_back_is_news_for_operators_alone(world: World) -> None:
    record, card = await asked(world)
    await world.decide("cy", record, "deny", "no")
    await world.ended(record.request.run_id)
    await world.quiet()
    before = len(world.mails("anna"))

    for number in range(5):
        await bounce(world, card, key=str(number))
    await world.next_mail("dan", about="A mail to Bo Berg came back")
    await handled(world)

    assert await failures(world, record.request.run_id) == []
    assert len(world.mails("anna")) == before
    assert len(world.mails("dan")) == 3, "a few a day"


async def test_news_that_came_back_is_told_to_operators_an_alert_to_nobody_and_its_receipt_answers_nothing(
    world: World,
) -> None:
    await world.ended(await world.trigger("stamp letter"))
    done = await world.next_mail("anna", about="Done")

    await bounce(world, done)
    alert = await world.next_mail("dan", about="A mail to Anna Ames came back")
    assert "Done: stamp letter" in alert.text
    await bounce(world, alert)
    await handled(world)

    assert len(world.mails("dan")) == 1

    await world.ended(await world.trigger("stamp letter"))
    done = await world.next_mail("anna", about="Done")

    await world.send("anna", f"{LOCAL}+{receipt(world, done)}@{DOMAIN}", "approve")

    await until(world.dead, what="it is held")
    assert "not one of ours" in (await world.dead())[0]


async def has_voted(world: World) -> str:
    world.workshop.policy_of["bell"] = "pair"
    record, _ = await asked(world)
    await world.decide("bo", record, "approve")
    return "cy"


async def has_handed_it_on(world: World) -> str:
    record, _ = await asked(world)
    await world.delegate("bo", record, "dan")
    return "dan"


async def decided_the_step_before(world: World) -> str:
    world.workshop.policy_of["bell"] = "spending"
    record, _ = await asked(world)
    await world.decide("bo", record, "approve")
    return "eve"


@pytest.mark.parametrize(
    ("before", "left"),
    [
        pytest.param(has_voted, "Nobody else is asked. Cy Cole can still answer in the console.", marks=opens(TOML)),
        pytest.param(
            has_handed_it_on,
            "Cy Cole is also asked.",
            marks=opens(TOML.replace("[policies.production]\n", '[policies.production]\nstand_ins = ["person:dan"]\n')),
        ),
        pytest.param(decided_the_step_before, "Dan Dorn is also asked.", marks=opens(STEPS)),
    ],
)
async def test_attack_somebody_who_has_had_their_say_is_said_to_be_asked_beside_one_who_was_not_reached(
    world: World, before: Callable[[World], Awaitable[str]], left: str
) -> None:
    card = await world.next_mail(await before(world), about="Press bell?")

    await bounce(world, card)

    told = " ".join((await world.next_mail("anna", about="Not reached: Press bell?")).text.split())
    assert f"could not be reached by email. {left}" in told
