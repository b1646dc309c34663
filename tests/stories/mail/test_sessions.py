"""What one session of a program asks is one thread of mails; an answer counts for the card that it answers."""

from typing import Any

from httpx2 import AsyncClient

from channels.email.local.letters import Letter
from tests.kit.waiting import until
from tests.kit.world import World
from tests.servers.web import Api


async def asks(program: AsyncClient, title: str, session: str = "one") -> str:
    body: dict[str, Any] = {"title": title, "policy": "production", "arguments": {"do": title}, "session": session}
    answer = await program.post("/v1/requests", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def becomes(world: World, request: str, wanted: str) -> None:
    async def is_so() -> bool:
        return (await world.request(request)).state == wanted

    await until(is_so, what=f"{request} is {wanted}")


async def a_program(api: Api, service: str = "laptop") -> AsyncClient:
    return await api.client(None, "ask", service=service, acts_for=["anna"], asks=("policy:production",))


async def test_one_session_of_one_key_is_a_thread_and_an_answer_to_an_older_card_of_it_is_about_that_card(
    world: World, api: Api
) -> None:
    program, other = await a_program(api), await a_program(api, "desktop")
    first = await asks(program, "wash the car")
    older = await world.next_mail("bo", "wash the car")
    second = await asks(program, "wax the car")
    newer = await world.next_mail("bo", "wax the car")
    beside = list[Letter]()
    for key, title, session in ((program, "feed", "two"), (other, "walk", "one")):
        await asks(key, title, session)
        beside.append(await world.next_mail("bo", title))
    threads = [letter.references.split()[0] for letter in (older, newer, *beside)]
    assert threads[0] == threads[1]
    assert len({*threads}) == 3

    await world.reply("bo", older, "approve")
    await becomes(world, first, "approved")
    assert (await world.request(second)).state == "open"

    await world.reply("bo", newer, "deny, it rains")
    await becomes(world, second, "denied")
    assert (await world.request(first)).state == "approved"
