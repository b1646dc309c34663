"""An item held from a place of many is answered there, once a day, and one robot can't use up what others need."""

from agents.events import AnswerHeld
from channels import Card, Quarantined
from language import say
from tests.fakes.hallway import Hallway
from tests.kit.opens import opens
from tests.kit.waiting import until
from tests.kit.world import World

PLACE, GUEST, OTHER = "C01OPS/1712345678.000100", "U0GUEST", "U0OTHER"


pytestmark = opens(beside=["hallway"], reach=("slack", "email"))


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


async def test_a_stranger_gets_one_line_a_day_where_they_press_in_the_channel_s_own_words_and_it_names_nobody(
    world: World, hallway: Hallway
) -> None:
    await pressed(world, hallway, press(), press(), press(OTHER, notice="Guests can't decide here."))

    assert [(card.summary, card.is_line) for card in told(hallway)] == [(say("notice.stranger"), True)]
    assert [card.summary for card in told(hallway, OTHER)] == ["Guests can't decide here."]
    assert all("mail" not in f"{card.title} {card.summary}".lower() for card in told(hallway))
    assert all(card.form is None and not card.link for card in told(hallway))


async def test_a_press_is_noted_and_counts_nothing_and_one_for_ever_is_listed_so_often_and_keeps_nobody_else_out(
    world: World, hallway: Hallway
) -> None:
    run_id, token = await asked(world, hallway)

    await pressed(world, hallway, *(press(token=token) for _ in range(22)), press(OTHER, token=token))

    assert (len(told(hallway)), len(told(hallway, OTHER))) == (1, 1)
    listed = await world.dead()
    assert (len([note for note in listed if GUEST in note]), len([note for note in listed if OTHER in note])) == (20, 1)
    assert f"{GUEST} is not in the directory" in " ".join(listed)
    held = [event for event in await world.events(run_id) if isinstance(event, AnswerHeld)]
    assert [(event.claims, event.person, event.channel) for event in held] == [
        *[(GUEST, None, "slack")] * 10, (OTHER, None, "slack"),
    ]  # fmt: skip
    assert (await world.run(run_id)).state == "waiting"
    assert [card.title for card in hallway.to("anna")] == [], "nobody else is told of it"
