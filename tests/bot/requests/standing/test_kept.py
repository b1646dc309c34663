"""Standing approvals in Redis: so many uses and no more, by whoever counts them, until they are over or revoked."""

import asyncio
from datetime import timedelta

from agents.requests import PersonId, RequestId, RunId
from agents.standing import Pattern
from bot.policy.standing import Ended, StandingApproval, Use
from bot.requests.standing.kept import KeptStandings
from bot.store import Store
from tests.bot.store.stores import AT, RUN, in_a, move_time
from tests.kit.guards import guards

PATTERN = Pattern(policy="p", rules="0", tool="press", schema_version=1, environment=None, arguments={})


def use(number: int) -> Use:
    return Use(request_id=RequestId(f"s1q-aaaaaaaaaaa{number:02}"), run_id=RunId("s1r-a"), title="Press?", at=AT)


async def kept(store: Store, run_id: str = RUN, uses: int = 2) -> tuple[KeptStandings, str]:
    """One that allows so much within an hour."""
    found = KeptStandings(store)
    approval = StandingApproval(
        id=found.id_for(run_id),
        run_id=RUN,
        request_id=RequestId("s0q-aaaaaaaaaaaaa"),
        person=PersonId("anna"),
        title="Press?",
        pattern=PATTERN,
        uses=uses,
        until=await in_a(store, 3600),
        granted_by=(PersonId("bo"),),
        granted_at=await in_a(store, 0),
    )
    assert await found.grant(approval)
    return found, approval.id


@guards("use_standing.lua:spent")
async def test_of_many_at_once_only_so_many_use_it(store: Store) -> None:
    standings, one = await kept(store, uses=3)

    numbers = await asyncio.gather(*(standings.use(one, use(number)) for number in range(8)))

    assert sorted(numbers) == [0, 0, 0, 0, 0, 1, 2, 3]
    found = await standings.read(one)
    assert found
    assert (len(found.uses), found.state) == (3, "spent")


async def test_a_use_that_is_told_twice_is_one_and_what_is_granted_twice_keeps_its_uses(store: Store) -> None:
    standings, one = await kept(store)
    assert [await standings.use(one, use(7)) for _ in range(3)] == [1, 1, 1]

    again, same = await kept(store)

    assert same == one
    assert [await again.use(one, use(number)) for number in (8, 9)] == [2, 0]
    found = await again.read(one)
    assert found
    assert len(found.uses) == 2


@guards("use_standing.lua:over")
async def test_from_the_moment_on_until_which_it_holds_nobody_uses_it_though_the_clock_is_put_back(
    store: Store,
) -> None:
    standings, one = await kept(store)
    for moved_s in (3601, 0):
        await move_time(store, moved_s)

        assert await standings.use(one, use(1)) == 0
        found = await standings.read(one)
        assert found
        assert found.state == "over"


@guards("use_standing.lua:revoked")
async def test_what_was_revoked_is_not_used_even_for_a_request_that_was_counted(store: Store) -> None:
    standings, one = await kept(store)
    assert await standings.use(one, use(1)) == 1

    assert await standings.revoke(one, Ended(by=PersonId("bo"), at=AT, reason="no"))
    assert not await standings.revoke(one, Ended(by=PersonId("cy"), at=AT))

    assert [await standings.use(one, use(number)) for number in (1, 2)] == [0, 0]
    found = await standings.read(one)
    assert found
    assert found.revoked
    assert found.revoked.by == "bo"


@guards("grant_standing.lua:bounded")
async def test_a_person_has_so_many_at_once_and_no_more(store: Store) -> None:
    for number in range(20):
        await kept(store, run_id=f"run {number}")
    standings = KeptStandings(store)
    [first, *_] = await standings.all()

    refused = first.approval.model_copy(update={"id": standings.id_for("another"), "until": await in_a(store, 60)})

    assert not await standings.grant(refused)
    assert len(await standings.of_person(PersonId("anna"))) == 20
    assert await standings.read(standings.id_for("another")) is None


async def test_what_was_revoked_or_is_spent_takes_no_place_of_another(store: Store) -> None:
    standings = KeptStandings(store)
    for number in range(20):
        _, one = await kept(store, run_id=f"run {number}", uses=1)
        if number:
            await standings.use(one, use(number))
        else:
            await standings.revoke(one, Ended(by=PersonId("bo"), at=AT))

    for number in range(20, 40):
        await kept(store, run_id=f"run {number}")

    [last] = [one for one in await standings.all() if one.approval.id == standings.id_for("run 39")]
    refused = last.approval.model_copy(update={"id": standings.id_for("another")})
    assert not await standings.grant(refused)


async def test_what_was_over_long_ago_is_forgotten(store: Store) -> None:
    standings, one = await kept(store)
    await move_time(store, timedelta(days=31).total_seconds())

    _, other = await kept(store, run_id="another")

    assert [found.approval.id for found in await standings.all()] == [other]
    assert one != other
