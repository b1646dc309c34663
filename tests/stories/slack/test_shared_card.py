"""The story of one card in a room: two approve it there, one outside has a card of their own, and others only look."""

import pytest

from agents.requests import PersonId, RequestId
from channels import Card
from tests.fakes.corkboard import Corkboard
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.waiting import until
from tests.kit.world import World

EVE = """
[people.eve]
name = "Eve Egan"
email = "eve@corp.example"
groups = ["release"]
"""
PLACE = "room/2"
OLDER = "Your approval was for an older version and does not count."


@pytest.fixture
def board() -> Corkboard:
    """Bo and Cy are in the room, and so is Dan, who decides nothing; Eve is not."""
    return Corkboard(room={"bo", "cy", "dan"})


def on_pair(world: World) -> None:
    world.workshop.policy_of.update(bell="pair", gong="pair")


pytestmark = opens(toml=TOML + EVE, beside=("board",), reach=("slack", "email"), change=on_pair)
"""It reaches people by the board, and two approvals are needed."""


async def asked(world: World, board: Corkboard, what: str = "press bell") -> tuple[RequestId, Card]:
    """An open request, and the card of it in the room."""
    record = await world.opened(await world.trigger(what))
    await world.quiet()
    [card] = board.at("room")
    return record.request.id, card


async def told(board: Corkboard, person: str) -> Card:
    """Return what `person` was told in their place, and nobody else."""
    to = f"only:{PLACE}"

    def found() -> Card | None:
        return next(
            (card for address, card in board.pinned.values() if (address.to, address.person) == (to, person)), None
        )

    return await until(found, what=f"{person} is told there")


async def test_two_in_the_room_approve_the_same_card_and_count_as_two(world: World, board: Corkboard) -> None:
    request_id, card = await asked(world, board)
    board.write("dan", "approve", card, place=PLACE)
    assert "This is not yours to decide. Bo Berg, Cy Cole and Eve Egan may." in (await told(board, "dan")).summary
    assert (await world.request(request_id)).noted == {"dan": 1}

    board.write("bo", "approve", card, place=PLACE)
    await until(
        lambda: any(_says(shown, "1 of 2: Bo Berg") for shown in board.closed.values()), what="the card says so"
    )
    board.write("cy", "approve", card, place=PLACE)

    record = await world.request(request_id)
    assert await world.summary(record.request.run_id) == "done: ok: press bell: done"
    record = await world.request(request_id)
    assert [(vote.person, vote.channel) for vote in record.votes] == [("bo", "slack"), ("cy", "slack")]
    await world.quiet()
    assert [to.person for to in board.sends if to.to == f"only:{PLACE}"] == ["dan"], (
        "whoever counts sees it on the card"
    )


def _says(card: Card, words: str) -> bool:
    return any(words in fact.text for fact in (*card.facts, *card.decides))


async def test_whoever_presses_twice_or_comes_late_is_told_in_their_place_and_counts_once(
    world: World, board: Corkboard
) -> None:
    request_id, card = await asked(world, board)
    await world.decide("bo", await world.request(request_id), "approve")

    board.write("bo", "approve", card, place=PLACE)

    assert "You have approved this before" in (await told(board, "bo")).summary
    assert await _voters(world, request_id) == ["bo"]

    await world.decide("cy", await world.request(request_id), "deny", "no")
    board.write("eve", "approve", card, place=PLACE)
    assert "Already decided: Cy Cole denied" in (await told(board, "eve")).summary


async def test_a_place_hears_what_became_of_an_answer_also_where_the_policy_reaches_people_elsewhere(
    world: World, board: Corkboard
) -> None:
    async with world.stopped():
        world.reach = ("email",)
        world.toml = world.toml.replace("[policies.pair]", '[policies.pair]\nalso_post = ["slack:#release"]')
    await world.opened(await world.trigger("press bell"))
    await world.quiet()
    [card] = board.at("#release")

    board.write("dan", "approve", card, place=PLACE)

    assert "This is not yours to decide." in (await told(board, "dan")).summary


async def test_one_outside_the_room_has_a_card_of_their_own_that_answers_for_nobody_else(
    world: World, board: Corkboard
) -> None:
    request_id, card = await asked(world, board)
    own = board.card("eve")
    assert own is not None
    assert _says(card, "Two of three: Bo Berg, Cy Cole, Eve Egan")
    assert _says(own, "Two of three: you, Bo Berg, Cy Cole"), "one person alone reads it"

    board.write("cy", "approve", own)
    await until(lambda: _noted(world, request_id, "cy"), what="it is noted")
    board.write("eve", "approve", own)

    await until(lambda: _voters(world, request_id), what="eve's vote counts")
    assert await _voters(world, request_id) == ["eve"]


async def _noted(world: World, request_id: str, person: str) -> int:
    return (await world.request(request_id)).noted.get(PersonId(person), 0)


async def _voters(world: World, request_id: str) -> list[str]:
    return [vote.person for vote in (await world.request(request_id)).votes]


async def test_what_can_not_be_said_in_its_place_is_told_as_usual(world: World, board: Corkboard) -> None:
    request_id, card = await asked(world, board)
    board.banned.add(f"only:{PLACE}")
    board.room.remove("dan")

    board.write("dan", "approve", card, place=PLACE)

    [usual] = await until(lambda: board.at("dan"), what="dan is told")
    assert "This is not yours to decide" in usual.summary

    await world.edit("anna", await world.request(request_id), what="gong")
    board.write("bo", "approve", card, place=PLACE)

    told = await until(lambda: [one for one in board.at("room") if OLDER in one.summary], what="bo is told")
    assert [one.form for one in told] == [None], "nothing takes its buttons away later"


@pytest.mark.long
async def test_what_is_chosen_or_filled_in_there_counts_as_it_is_and_not_its_text(
    world: World, board: Corkboard
) -> None:
    mail = 'email = "anna@corp.example"\n'
    for known_by in (f'{mail}uid = "0042"\n', 'uid = "0042"\n'):  # first known by both, so that she is still anna
        async with world.stopped():
            world.toml, mail = world.toml.replace(mail, known_by), known_by
    run_id = await world.trigger("ask choice Which? | red, blue\nask form Who? | name, why")
    await world.opened(run_id)
    first = await until(lambda: board.card("anna"), what="anna is asked")
    board.write("anna", "red", first, picks=[2])
    [second] = await until(lambda: [card for card in board.at("anna") if card.form and card is not first], what="again")
    board.write("anna", "name: x\nwhy: y", second, filled={"name": "Bo", "why": "so"})

    assert await world.summary(run_id) == "done: answered: blue; answered: name: Bo\nwhy: so"
