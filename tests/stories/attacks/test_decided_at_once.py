"""What decides all steps at once: those of a step whose turn never comes stop it all the same, until it starts."""

import pytest

from agents.requests import PersonId
from agents.requests.record import RequestRecord
from bot.people.offers import offers
from bot.policy.judgements import Counted, Decided, Revoked
from tests.kit.office import STEPS
from tests.kit.opens import opens
from tests.kit.world import World
from tests.stories.people.standing import asked
from tests.stories.test_break_glass import breaks

_AT_ONCE = STEPS.replace(
    "[policies.spending]\n",
    '[policies.spending]\nbreak_glass = ["person:cy"]\nstand_ins = ["person:cy"]\nstanding = "5 in 30d"\n',
)


def _spending(world: World) -> None:
    world.workshop.policy_of["bell"] = "spending"


pytestmark = opens(_AT_ONCE, change=_spending)


async def frozen(world: World) -> None:
    await world.app.requests.freezes.freeze("workshop", PersonId("dan"), "incident", proof=None)


async def goes_on(world: World) -> None:
    await world.app.requests.freezes.unfreeze("workshop", PersonId("dan"), "fixed", proof=None)


async def approved(world: World, record: RequestRecord, manager: str = "bo") -> None:
    assert isinstance(await world.decide(manager, record, "approve"), Counted)
    assert isinstance(await world.decide("eve", await world.request(record.request.id), "approve"), Decided)


async def without_asking(world: World, *, by_glass: bool) -> RequestRecord:
    """The request that a broken glass, or a standing approval of Cy's and Eve's, has decided, and a freeze holds."""
    if by_glass:
        await frozen(world)
        record = await world.opened(await world.trigger("press bell"))
        assert isinstance(await breaks(world, "cy", record), Decided)
        return await world.request(record.request.id)
    run_id = await world.trigger("press bell")
    await approved(world, await world.opened(run_id))
    await world.ended(run_id)
    wanted = await asked(world, run_id)
    await world.delegate("bo", wanted, "cy")
    await approved(world, await world.request(wanted.request.id), "cy")
    await world.has(wanted.request.run_id, "done")
    await frozen(world)
    used = await world.trigger("press bell")
    await world.quiet()
    [found] = [one for one in await world.requests() if one.request.run_id == used]
    return found


@pytest.mark.parametrize("by_glass", [True, False], ids=["glass", "standing"])
@pytest.mark.parametrize("person", ["bo", "eve", "cy"], ids=["first step", "later step", "by whose word"])
async def test_attack_the_no_of_a_step_whose_turn_never_comes_stops_nothing(
    world: World, person: str, *, by_glass: bool
) -> None:
    record = await without_asking(world, by_glass=by_glass)
    before = [*world.workshop.effects]
    assert record.state == "approved"
    may = offers(record, world.people, PersonId(person), "console", await world.now())
    assert may.becomes("deny") == "revoked"

    assert isinstance(await world.decide(person, record, "deny", "it is not checkout"), Revoked)

    await goes_on(world)
    await world.ended(record.request.run_id)
    assert world.workshop.effects == before
