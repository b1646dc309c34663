"""What one who asks about runs may have read at once, whoever they are."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from agents.requests import PersonId
from tests.kit.world import World

LONG, ELSEWHERE = "s1r-aaaaaaaaaaaaa", "s2r-aaaaaaaaaaaaa"


async def test_attack_a_few_stories_of_a_shard_are_read_at_once_for_each_who_asks(world: World) -> None:
    guard, rights = world.app.guard, world.app.access.rights
    bo, cy = (rights.of_person(PersonId(one), None) for one in ("bo", "cy"))
    async with AsyncExitStack() as stack:
        for _ in range(4):
            await stack.enter_async_context(guard.in_turn(bo, LONG))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0), guard.in_turn(bo, LONG):
                pass
        await stack.enter_async_context(guard.in_turn(cy, LONG))
        of_a_key = replace(bo, scopes=frozenset({"admin"}))
        async with asyncio.timeout(0):
            await stack.enter_async_context(guard.in_turn(of_a_key, LONG))
        await stack.enter_async_context(guard.in_turn(bo, ELSEWHERE))
