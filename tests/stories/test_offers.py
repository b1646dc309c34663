"""A card that is drawn again offers whoever holds it what counts of theirs, and nothing that is refused."""

import pytest

from tests.fakes.wall import Wall
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.world import World

TRIO = (
    TOML.replace('email = "dan@corp.example"\n', 'email = "dan@corp.example"\ngroups = ["release"]\n')
    + """
[people.eve]
name = "Eve Ebert"
email = "eve@corp.example"
groups = ["release"]

[people.fay]
name = "Fay Frey"
email = "fay@corp.example"

[policies.trio]
approvers = ["group:release"]
quorum = 3
stand_ins = ["person:fay"]
approve_by_email = true
expires_after = "4h"
"""
)


@pytest.fixture
def wall() -> Wall:
    return Wall()


def _trio(world: World) -> None:
    world.workshop.policy_of |= {"bell": "trio", "gong": "trio"}
    world.workshop.editable = ("what",)


@opens(TRIO, beside=("wall",), reach=("slack", "email"), change=_trio)
async def test_a_card_that_is_drawn_again_offers_whoever_holds_it_what_counts_of_theirs(
    world: World, wall: Wall
) -> None:
    for does, why in (
        ("edits", "You changed what is asked, so others approve it."),
        ("hands on", "Somebody else decides in your place."),
        ("approves", "You have approved this before;"),
        ("looks", ""),
    ):
        record = await world.opened(await world.trigger("press bell"))
        await world.quiet()
        match does:
            case "edits":
                await world.edit("bo", record, what="gong")
            case "hands on":
                await world.delegate("bo", record, "fay", "I am on the train")
            case "approves":
                await world.decide("bo", record, "approve", channel="slack")
            case _:
                pass
        await world.quiet()
        await world.decide("cy", await world.request(record.request.id), "approve", channel="slack")
        await world.quiet()

        form, theirs = (card.form for card in (wall.of("bo")[-1], wall.of("dan")[-1]))
        assert form
        assert theirs
        assert (bool(form.act("approve")), form.why_not.startswith(why)) == (not why, True), form.why_not
        assert theirs.act("approve")
        assert theirs.why_not == ""
        assert bool(form.act("edit")) is (does != "hands on")
        assert bool(form.act("hand_on")) is (does == "looks")
