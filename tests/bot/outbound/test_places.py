"""Places that a policy shows its cards in besides: they are nobody's own, and are never counted as a person."""

import pytest

from bot.queries.rebuild import placed as placed_by
from bot.render.transcript import lines
from tests.fakes.corkboard import Corkboard
from tests.kit.opens import opens
from tests.kit.world import TOML, World

POSTED = TOML.replace("[policies.production]", '[policies.production]\nalso_post = ["slack:#release"]')


@pytest.fixture
def board() -> Corkboard:
    return Corkboard()


pytestmark = opens(POSTED, beside=["board"], reach=("email",))


async def story(world: World, run_id: str) -> str:
    return "\n".join(lines(await world.events(run_id), world.app.people))


async def test_a_place_shows_the_card_once_whoever_may_decide_answers_there_as_themselves_and_it_shows_how_it_ended(
    world: World, board: Corkboard
) -> None:
    run_id = await world.trigger("press bell")
    record = await world.opened(run_id)
    await world.quiet()

    assert [(to.to, to.person, to.thread, to.is_shared) for to in board.sends] == [("#release", "", "", True)]
    assert [(holder.person, holder.place) for holder in record.holders][-1] == ("", "slack:#release")
    assert [len(world.mails(person)) for person in ("bo", "cy")] == [1, 1]
    [card] = board.at("#release")
    board.write("cy", "approve", card, place="#release")

    assert await world.summary(run_id) == "done: ok: press bell: done"
    decision = (await world.request(record.request.id)).decision
    assert decision is not None
    assert decision.by == ("cy",)
    await world.quiet()
    assert "card sent to #release in Slack" in await story(world, run_id)
    assert {key: card.title for key, card in board.closed.items()} == {
        record.holders[-1].delivery_id: "Done: Press bell"
    }


async def test_a_place_that_refuses_is_told_to_the_requester_and_the_operators_by_its_name_as_the_events_say(
    world: World, board: Corkboard
) -> None:
    board.banned.add("#release")
    run_id = await world.trigger("press bell")
    await world.opened(run_id)

    told = " ".join((await world.next_mail("anna", about="Not reached: Press bell?")).text.split())
    alert = " ".join((await world.next_mail("dan", about="#release can't be reached")).text.split())
    await world.quiet()

    assert "#release could not be reached by Slack. Bo Berg and Cy Cole are also asked." in told
    assert "#release may not have a card here. Ask the janitor" in told
    assert "Could not be sent: the card “Press bell?” for #release. slack: #release may not have a card here." in alert
    assert "#release could not be reached: #release may not" in await story(world, run_id)
    [note] = await world.dead()
    assert "“Press bell?” for #release" in note
    assert len(world.mails("anna")) == 1
    for delivery_id, body in placed_by(await world.events(run_id)):
        assert await world.app.store.delivery(delivery_id) == body


async def test_a_place_is_nobody_who_is_asked(world: World) -> None:
    async with world.stopped():
        for person in ("bo", "cy"):
            world.toml = world.toml.replace(f'email = "{person}@corp.example"', f'uid = "{person}"')
    await world.opened(await world.trigger("press bell"))

    told = " ".join((await world.next_mail("anna", about="Nobody else is asked")).text.split())

    assert "could not be reached by email. Nobody else is asked." in told
