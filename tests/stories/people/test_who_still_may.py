"""Who counts as what after all that may happen beside a request: a pause, a return, a denial, an edit, a look."""

from pathlib import Path

from agents.requests import PersonId
from agents.requests.record import RequestRecord
from bot.policy.judgements import Counted, Decided
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.tables import becomes, without
from tests.kit.world import World, a_world

EVE = '\n[people.eve]\nname = "Eve Eder"\nemail = "eve@corp.example"\ngroups = ["release"]\n'


pytestmark = opens(toml=TOML + EVE)

EITHER = f"""{TOML}{EVE}
[policies.either]
approvers = {{ any_of = [{{ all_of = ["person:bo", "person:cy"] }}, {{ all_of = ["person:bo", "person:eve"] }}] }}
expires_after = "4h"
"""
OPERATOR = TOML + '\n[roles]\noperator = ["person:bo"]\n'


async def asked(world: World, policy: str = "production") -> RequestRecord:
    world.workshop.policy_of["bell"] = policy
    return await world.opened(await world.trigger("press bell"))


@opens(toml=OPERATOR)
async def test_who_pauses_and_resumes_a_run_is_no_requester_of_it(world: World) -> None:
    world.workshop.policy_of["gong"] = "production"
    run_id = await world.trigger("press bell\npress gong")
    record = await world.opened(run_id)

    await world.steer(run_id, "pause", "bo")
    await world.steer(run_id, "resume", "bo")

    assert (await world.request(record.request.id)).requesters == ("anna",)
    assert isinstance(await world.decide("bo", record, "approve"), Decided)
    later = await world.opened(run_id, after=record.request.id)
    assert later.requesters == ("anna",)


async def test_a_void_vote_stays_void_for_who_comes_back(world: World) -> None:
    record = await asked(world, "pair")
    assert isinstance(await world.decide("bo", record, "approve"), Counted)

    await becomes(world, without(TOML + EVE, "bo"))
    await becomes(world, TOML + EVE)

    assert (await world.request(record.request.id)).votes == ()
    assert isinstance(await world.decide("cy", record, "approve"), Counted)
    assert isinstance(await world.decide("bo", record, "approve"), Decided)


async def test_attack_an_approval_under_a_freeze_counts_again_as_whoever_gave_it_comes_back(world: World) -> None:
    record = await asked(world)
    await world.app.requests.freezes.freeze("workshop", PersonId("dan"), "incident", proof=None)
    assert isinstance(await world.decide("bo", record, "approve"), Decided)
    await world.quiet()

    await becomes(world, without(TOML + EVE, "bo"))
    await becomes(world, TOML + EVE)
    await world.app.requests.freezes.unfreeze("workshop", PersonId("dan"), "fixed", proof=None)

    anew = await world.opened(record.request.run_id)
    assert anew.request.id != record.request.id
    assert (await world.request(record.request.id)).state == "superseded"
    assert world.workshop.effects == []


async def test_attack_the_approval_of_somebody_who_came_back_counts_in_place_of_one_who_was_enough_without_it(
    redis: str, tmp_path: Path
) -> None:
    def without_one(person: str) -> str:
        return without(f"{EITHER}\n[roles]\n", person).replace(
            f'"person:bo", "person:{person}"', '"person:bo", "person:dan"'
        )

    async with a_world(redis, tmp_path / "data", EITHER) as world:
        record = await asked(world, "either")
        await world.app.requests.freezes.freeze("workshop", PersonId("dan"), "incident", proof=None)
        for person in ("cy", "eve", "bo"):
            outcome = await world.decide(person, await world.request(record.request.id), "approve")
        assert isinstance(outcome, Decided)
        await world.quiet()

        for gone in ("cy", "eve"):
            await becomes(world, without_one(gone))
            await becomes(world, EITHER)
        await becomes(world, without_one("eve"))
        await world.app.requests.freezes.unfreeze("workshop", PersonId("dan"), "fixed", proof=None)
        await world.quiet()

        assert world.workshop.effects == []
        assert (await world.request(record.request.id)).state == "superseded"


async def test_nobody_hears_of_an_approval_in_a_run_that_is_over_as_whoever_gave_it_leaves(world: World) -> None:
    record = await asked(world)
    await world.steer(record.request.run_id, "pause")
    assert isinstance(await world.decide("bo", record, "approve"), Decided)
    await world.steer(record.request.run_id, "cancel")
    await world.ended(record.request.run_id)
    await world.quiet()
    before, mails = await world.request(record.request.id), len(world.mails("cy"))

    await becomes(world, without(TOML + EVE, "bo"))
    await world.quiet()

    assert (await world.request(record.request.id), len(world.mails("cy"))) == (before, mails)
