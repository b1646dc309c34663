"""What holds whatever is done to a request, under any policy, in any order, and however two acts meet."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from bot.config.directory.policies import PolicyConfig
from tests.bot.requests.walks import (
    ACTS,
    ELSEWHERE,
    TOML,
    Act,
    Place,
    check_act,
    check_again,
    check_place,
    meet,
    policies,
    summary,
)
from tests.kit.house import House, TooFew
from tests.kit.office import settings_of


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture
def house(redis: str, tmp_path: Path, loop: asyncio.AbstractEventLoop) -> Iterator[House]:
    house = House(redis, settings_of(tmp_path, TOML), frozenset({"slack"}))
    yield house
    loop.run_until_complete(house.store.client.close())


async def walked(house: House, policy: PolicyConfig, acts: list[Act]) -> None:
    await house.emptied()
    try:
        place = await Place.opened(house, policy)
    except TooFew:
        assume(False)
        return
    for act in acts:
        await check_act(place, act)
    await check_again(place)


@pytest.mark.parametrize("walks", [15, pytest.param(600, marks=pytest.mark.long)])
def test_what_was_promised_holds_after_whatever_is_done(
    house: House, loop: asyncio.AbstractEventLoop, walks: int
) -> None:
    @settings(max_examples=walks, phases=(Phase.explicit, Phase.generate))
    @given(policies(), st.lists(st.one_of(ACTS, ACTS, ACTS, ELSEWHERE), min_size=4, max_size=14))
    def walk(policy: PolicyConfig, acts: list[Act]) -> None:
        loop.run_until_complete(walked(house, policy, acts))

    walk()


async def ended(house: House, policy: PolicyConfig, before: list[Act], last: list[Act], *, at_once: bool) -> object:
    """Return what becomes of a request of its own once these have happened, one after the other or the last at once."""
    await house.emptied()
    try:
        place = await Place.opened(house, policy)
    except TooFew:
        assume(False)
    for act in before:
        await place.do(act)
    place.given.clear()
    if at_once:
        await meet(place, *last)
        await check_place(place)
    else:
        for act in last:
            await place.do(act)
    found = await summary(place)
    found["told"] = sorted(found["told"], key=str)
    return found


@pytest.mark.parametrize("pairs", [40, pytest.param(800, marks=pytest.mark.long)])
def test_two_acts_that_meet_end_as_if_one_had_come_after_the_other(
    house: House, loop: asyncio.AbstractEventLoop, pairs: int
) -> None:
    @settings(max_examples=pairs, phases=(Phase.explicit, Phase.generate))
    @given(policies(), st.lists(ACTS, max_size=4), ACTS, ACTS)
    def pair(policy: PolicyConfig, before: list[Act], one: Act, other: Act) -> None:
        def end(*last: Act, at_once: bool = False) -> object:
            return loop.run_until_complete(ended(house, policy, before, [*last], at_once=at_once))

        assert end(one, other, at_once=True) in (end(one, other), end(other, one))

    pair()
