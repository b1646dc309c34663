"""A program with `sayso-client` waits through whatever is killed meanwhile."""

import asyncio
from pathlib import Path

from sayso_client import Answered, Approved, Humans, Pending, Unreachable

from tests.processes.place import place_in
from tests.servers.lines import free_ports


async def test_a_program_waits_through_a_web_that_is_killed_and_is_answered_once(short_path: Path) -> None:
    async with place_in(short_path) as place:
        with Humans(place.url, place.agent) as humans:
            asking = asyncio.create_task(
                asyncio.to_thread(humans.ask, "May staging-3 go?", to="group:release", answer=bool, key="staging-3")
            )
            request = await place.one()
            await place.waits()
            place.web.kill()
            await place.answer(request, "yes")
            place.again("web")
            told = await asking
        assert await place.open() == []

    assert isinstance(told, Answered)
    assert (told.id, told.answer) == (request, True)


async def test_the_next_process_of_a_program_goes_on_and_begins_once(short_path: Path) -> None:
    async with place_in(short_path) as place:

        def approve() -> Approved | object:
            with Humans(place.url, place.agent) as humans:
                told = humans.approve(
                    "Delete staging-3", policy="production", arguments={"name": "staging-3"}, key="staging-3", wait_s=0
                )
                return told.start().arguments if isinstance(told, Approved) else told

        first = await asyncio.to_thread(approve)
        [request] = await place.open()
        await place.approve(request)
        second = await asyncio.to_thread(approve)

    assert isinstance(first, Pending)
    assert first.id == request["id"]
    assert second == {"name": "staging-3"}


async def test_who_is_nowhere_is_said_to_be_unreachable() -> None:
    [port] = free_ports(1)

    def ask() -> str:
        with Humans(f"http://127.0.0.1:{port}", "sayso_none", patience_s=0) as humans:
            try:
                humans.ask("May it go?", to="person:bo")
            except Unreachable as error:
                return str(error)
        return ""

    assert "can't be reached" in await asyncio.to_thread(ask)
