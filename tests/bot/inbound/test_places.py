"""An item held from a place of many is answered there, once a day, and one robot can't use up what others need."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agents.events import AnswerHeld
from bot.store.outbox_entry import Tell
from channels import Card, Quarantined
from language import say
from tests.fakes.hallway import Hallway
from tests.kit.waiting import until
from tests.kit.world import World, a_world

PLACE, GUEST, OTHER = "C01OPS/1712345678.000100", "U0GUEST", "U0OTHER"


@pytest.fixture
async def office(redis: str, tmp_path: Path, hallway: Hallway) -> AsyncIterator[World]:
    """A running sayso that reaches people in the hallway, else by mail."""
    async with a_world(redis, tmp_path / "data", beside=(hallway,), reach=("slack", "email")) as world:
        yield world


def press(stranger: str = GUEST, token: str | None = None, notice: str = "") -> Quarantined:
    """A button that somebody pressed who is not in the directory."""
    why = f"{stranger} is not in the directory of people"
    return Quarantined(reasons=(why,), claims=stranger, token=token, stranger=stranger, place=PLACE, notice=notice)


async def pressed(world: World, hallway: Hallway, *held: Quarantined) -> None:
    """All of them, and everything that follows."""
    for one in held:
        inbound_id = await world.app.messages.inbox.accept(hallway.item(one))

        async def is_handled(inbound_id: str = inbound_id) -> bool:
            return await world.app.store.inbound(inbound_id) is None

        await until(is_handled, what="it was handled")
    await world.quiet()


def told(hallway: Hallway, stranger: str = GUEST) -> list[Card]:
    return [card for to, card in hallway.cards.values() if to.to == f"only:{PLACE}:{stranger}"]


async def asked(world: World, hallway: Hallway) -> tuple[str, str]:
    """(run, token) of a request that bo and cy are asked."""
    run_id = await world.trigger("press bell")
    await world.opened(run_id)
    card = await until(lambda: next((card for card in hallway.to("bo") if card.form), None), what="bo's card")
    assert card.form
    return run_id, card.form.token


async def test_a_stranger_gets_one_line_a_day_where_they_press_and_it_names_nobody(
    office: World, hallway: Hallway
) -> None:
    await pressed(office, hallway, press(), press(), press(OTHER))

    assert [(card.summary, card.is_line) for card in told(hallway)] == [(say("notice.stranger"), True)]
    assert len(told(hallway, OTHER)) == 1
    assert all("mail" not in f"{card.title} {card.summary}".lower() for card in told(hallway))
    assert all(card.form is None and not card.link for card in told(hallway))


async def test_a_stranger_is_told_in_the_channel_s_own_words_where_it_has_some(office: World, hallway: Hallway) -> None:
    await pressed(office, hallway, press(notice="Guests can't decide here."))

    assert [card.summary for card in told(hallway)] == ["Guests can't decide here."]


async def test_a_press_is_noted_in_the_run_counts_nothing_and_is_listed(office: World, hallway: Hallway) -> None:
    run_id, token = await asked(office, hallway)

    await pressed(office, hallway, press(token=token))

    held = [event for event in await office.events(run_id) if isinstance(event, AnswerHeld)]
    assert [(event.claims, event.person, event.channel) for event in held] == [(GUEST, None, "slack")]
    assert (await office.run(run_id)).state == "waiting"
    [note] = await office.dead()
    assert f"{GUEST} is not in the directory" in note
    assert [card.title for card in hallway.to("anna")] == [], "nobody else is told of it"


async def test_a_robot_that_presses_for_ever_is_answered_and_listed_so_often_and_keeps_nobody_else_out(
    office: World, hallway: Hallway
) -> None:
    run_id, token = await asked(office, hallway)

    await pressed(office, hallway, *(press(token=token) for _ in range(25)), press(OTHER, token=token))

    assert (len(told(hallway)), len(told(hallway, OTHER))) == (1, 1)
    listed = await office.dead()
    assert (len([note for note in listed if GUEST in note]), len([note for note in listed if OTHER in note])) == (20, 1)
    held = [event for event in await office.events(run_id) if isinstance(event, AnswerHeld)]
    assert [event.claims for event in held] == [GUEST] * 10 + [OTHER]


@pytest.mark.long
async def test_strangers_who_press_do_not_use_up_the_notices_of_those_who_mail(office: World, hallway: Hallway) -> None:
    eve = "eve@elsewhere.example"

    await pressed(office, hallway, *(press(f"U0{number}") for number in range(201)))
    mail = Quarantined(reasons=("not in the directory",), claims=eve, stranger=eve)
    await pressed(office, hallway, mail)

    assert [card.title for to, card in hallway.cards.values() if to.to == eve] == ["Your mail could not be taken"]


async def test_a_person_whose_press_is_not_accepted_is_told_there(office: World, hallway: Hallway) -> None:
    async with office.stopped():
        await office.start(works=False, receives=False)
        held = Quarantined(reasons=("your account is a guest's",), person="bo", place=PLACE)
        inbound_id = await office.app.messages.inbox.accept(hallway.item(held))
        await office.app.messages.inbox.handle(inbound_id)

        [entry] = await office.unsent()
        assert isinstance(entry, Tell)
        assert (entry.person, entry.to) == ("bo", PLACE)
        await office.stop()
