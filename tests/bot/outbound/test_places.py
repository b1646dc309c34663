"""Places that a policy shows its cards in besides: they are nobody's own, and are never counted as a person."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.queries.rebuild import placed as placed_by
from bot.render.transcript import lines
from bot.store.outbox_entry import Delivery
from tests.fakes.corkboard import Corkboard
from tests.kit.office import TOML
from tests.kit.waiting import until
from tests.kit.world import World, a_world

POSTED = TOML.replace("[policies.production]", '[policies.production]\nalso_post = ["slack:#release"]')


@pytest.fixture
def board() -> Corkboard:
    return Corkboard()


@pytest.fixture
async def office(redis: str, tmp_path: Path, board: Corkboard) -> AsyncIterator[World]:
    """A running sayso that reaches people by mail and shows the cards of production on the board."""

    def change(world: World) -> None:
        world.beside, world.reach = (board,), ("email",)

    async with a_world(redis, tmp_path / "data", POSTED, change=change) as world:
        yield world


async def story(world: World, run_id: str) -> str:
    return "\n".join(lines(await world.events(run_id), world.app.people))


async def test_a_place_shows_the_card_once_and_whoever_may_decide_answers_there_as_themselves(
    office: World, board: Corkboard
) -> None:
    run_id = await office.trigger("press bell")
    record = await office.opened(run_id)
    await office.quiet()

    assert [(to.to, to.person, to.thread, to.is_shared) for to in board.sends] == [("#release", "", "", True)]
    assert [(holder.person, holder.place) for holder in record.holders][-1] == ("", "slack:#release")
    assert [len(office.mails(person)) for person in ("bo", "cy")] == [1, 1]
    [card] = board.at("#release")
    board.write("cy", "approve", card, place="#release")

    assert await office.summary(run_id) == "done: ok: press bell: done"
    decision = (await office.request(record.request.id)).decision
    assert decision is not None
    assert decision.by == ("cy",)
    await office.quiet()
    assert "card sent to #release by slack" in await story(office, run_id)


async def test_the_card_in_a_place_shows_how_it_was_decided_and_how_it_ended(office: World, board: Corkboard) -> None:
    run_id = await office.trigger("press bell")
    record = await office.opened(run_id)
    await office.quiet()
    [(_, key)] = [(holder.place, holder.delivery_id) for holder in record.holders if holder.place]

    await office.decide("bo", record, "approve")
    await office.ended(run_id)
    await office.quiet()

    assert list(board.closed) == [key]
    assert board.closed[key].title == "Done: Press bell"


async def test_a_place_that_refuses_is_told_to_the_requester_and_the_operators_by_its_name(
    office: World, board: Corkboard
) -> None:
    board.banned.add("#release")
    run_id = await office.trigger("press bell")
    await office.opened(run_id)

    told = " ".join((await office.next_mail("anna", about="Not reached: Press bell?")).text.split())
    alert = " ".join((await office.next_mail("dan", about="#release can't be reached")).text.split())
    await office.quiet()

    assert "#release could not be reached by Slack. Bo Berg and Cy Cole are also asked." in told
    assert "#release may not have a card here. Ask the janitor" in told
    assert "Could not be sent: the card “Press bell?” for #release. slack: #release may not have a card here." in alert
    assert "#release could not be reached: #release may not" in await story(office, run_id)
    [note] = await office.dead()
    assert "“Press bell?” for #release" in note
    assert len(office.mails("anna")) == 1


async def test_a_place_is_nobody_who_is_asked(office: World) -> None:
    async with office.stopped():
        for person in ("bo", "cy"):
            office.toml = office.toml.replace(f'email = "{person}@corp.example"', f'uid = "{person}"')
    await office.opened(await office.trigger("press bell"))

    told = " ".join((await office.next_mail("anna", about="Nobody else is asked")).text.split())

    assert "could not be reached by e-mail. Nobody else is asked." in told


async def test_a_place_of_a_channel_that_is_not_set_up_is_told_too(redis: str, tmp_path: Path) -> None:
    async with a_world(redis, tmp_path / "data", POSTED) as world:
        await world.opened(await world.trigger("press bell"))

        told = " ".join((await world.next_mail("anna", about="Not reached")).text.split())

        assert "#release could not be reached by Slack. Bo Berg and Cy Cole are also asked." in told
        assert "slack: does not reach #release" in told


async def test_a_changed_request_stands_in_the_place_as_a_new_card_and_all_of_it_is_what_the_events_say(
    office: World, board: Corkboard
) -> None:
    record = await office.opened(await office.trigger("press bell"))
    await office.quiet()

    await office.edit("anna", await office.request(record.request.id), what="gong")
    await office.quiet()

    assert [card.title for card in board.at("#release")] == ["Press bell?", "Press gong?"]
    told = dict(placed_by(await office.events(record.request.run_id)))
    assert len(told) == 6
    for delivery_id, body in told.items():
        stored = await office.app.store.delivery(delivery_id)
        assert stored == body
    assert [found.place for found in map(Delivery.model_validate_json, told.values())].count("slack:#release") == 2


async def test_a_place_that_could_not_be_reached_is_what_the_events_say(office: World, board: Corkboard) -> None:
    board.banned.add("#release")
    record = await office.opened(await office.trigger("press bell"))
    await until(office.dead, what="it is a dead letter")
    await office.quiet()

    for delivery_id, body in placed_by(await office.events(record.request.run_id)):
        assert await office.app.store.delivery(delivery_id) == body
