"""Every surface offers somebody what counts of them, and nothing that is refused."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from bot.policy.record import RequestRecord
from tests.bot.web.console.stage import answer, buttons, place
from tests.fakes.wall import Wall
from tests.kit.office import STEPS, TOML
from tests.kit.world import World, a_world
from tests.servers.console import a_console
from tests.stories.test_break_glass import NIGHT, breaks

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


@pytest.fixture
async def office(redis: str, tmp_path: Path, wall: Wall) -> AsyncIterator[World]:
    def change(world: World) -> None:
        world.beside, world.reach = (wall,), ("slack", "email")
        world.workshop.policy_of |= {"bell": "trio", "gong": "trio"}
        world.workshop.editable = ("what",)

    async with a_world(redis, tmp_path / "data", TRIO, change=change) as world:
        yield world


async def asked(world: World) -> RequestRecord:
    record = await world.opened(await world.trigger("press bell"))
    await world.quiet()
    return record


async def edits(world: World, record: RequestRecord) -> None:
    await world.edit("bo", record, what="gong")


async def hands_on(world: World, record: RequestRecord) -> None:
    await world.delegate("bo", record, "fay", "I am on the train")


async def approves(world: World, record: RequestRecord) -> None:
    await world.decide("bo", record, "approve", channel="slack")


async def does_nothing(_: World, __: RequestRecord) -> None:
    """Bo only looks."""


@pytest.mark.parametrize(
    ("does", "why"),
    [
        (edits, "You changed what is asked, so others approve it."),
        (hands_on, "Somebody else decides in your place."),
        (approves, "You have approved this before;"),
        (does_nothing, ""),
    ],
)
async def test_a_card_that_is_drawn_again_offers_whoever_holds_it_what_counts_of_theirs(
    office: World, wall: Wall, does: Callable[[World, RequestRecord], Awaitable[None]], why: str
) -> None:
    record = await asked(office)
    await does(office, record)
    await office.quiet()
    await office.decide("cy", await office.request(record.request.id), "approve", channel="slack")
    await office.quiet()

    form, theirs = (card.form for card in (wall.of("bo")[-1], wall.of("dan")[-1]))
    assert form
    assert theirs
    assert (form.may_approve, form.why_not.startswith(why)) == (not why, True), form.why_not
    assert (theirs.may_approve, theirs.why_not) == (True, "")
    assert bool(form.edits) is (does is not hands_on)
    assert bool(form.hands_on) is (does is does_nothing)


async def test_who_approved_an_earlier_step_can_deny_it_in_the_console_and_stop_it(redis: str, tmp_path: Path) -> None:
    def change(world: World) -> None:
        world.workshop.policy_of["bell"] = "spending"

    async with a_world(redis, tmp_path / "data", STEPS, change=change) as world, a_console(world) as console:
        record, bo = await asked(world), await console.browser("bo")
        await world.decide("bo", record, "approve")
        page = await bo.get(place(record))
        assert buttons(page) == {"Ask Anna Ames", "Deny"}

        await world.steer(record.request.run_id, "pause")
        await world.decide("eve", await world.request(record.request.id), "approve")
        stopped = await answer(bo, record, "Stop: take the approval back")

        assert (await world.request(record.request.id)).state == "revoked"
        assert buttons(stopped) == set()


async def test_who_broke_the_glass_from_outside_the_rule_can_stop_it_in_the_console(redis: str, tmp_path: Path) -> None:
    def change(world: World) -> None:
        world.workshop.policy_of["bell"] = "night"

    async with a_world(redis, tmp_path / "data", NIGHT, change=change) as world, a_console(world) as console:
        record, eve = await asked(world), await console.browser("eve")
        await world.steer(record.request.run_id, "pause")
        await breaks(world, "eve", record)

        await answer(eve, record, "Stop: take the approval back")

        assert (await world.request(record.request.id)).state == "revoked"
