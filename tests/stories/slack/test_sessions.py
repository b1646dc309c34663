"""What one session of a program asks is one thread in Slack, and what people do in it reaches the request they mean."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from httpx2 import AsyncClient

from agents.requests import PersonId
from tests.fakes.slack.driver import Message
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.slack_world import SlackWorld
from tests.kit.waiting import until
from tests.servers.web import serving

AGAIN = "Approve, and again this session"
ALERTED = TOML.replace('to = ["person:dan"]', 'to = ["person:dan", "person:bo"]').replace(
    'execute_within = "15m"\n', 'execute_within = "15m"\nstanding = "100 in 30d"\n', 1
)
pytestmark = opens(toml=ALERTED)


@pytest.fixture
async def program(office: SlackWorld) -> AsyncIterator[AsyncClient]:
    async with serving(office.world.app) as api:
        yield await api.client(None, "ask", service="laptop", acts_for=["anna"], asks=("policy:production",))


async def asks(program: AsyncClient, title: str, session: str = "one") -> str:
    body: dict[str, Any] = {"title": title, "policy": "production", "arguments": {"do": title}, "session": session}
    answer = await program.post("/v1/requests", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def card(office: SlackWorld, title: str) -> Message:
    """The card with this title in Bo's messages, wherever it stands there."""

    async def found() -> Message | None:
        there = await office.slack.messages("@bo")
        return next((one for one in there if title in one.words and "Approve" in one.buttons), None)

    return await office.slack.until(found, f"a card about {title}")


async def state(office: SlackWorld, request: str) -> str:
    return (await office.world.request(request)).state


async def becomes(office: SlackWorld, request: str, wanted: str) -> None:
    async def is_so() -> bool:
        return await state(office, request) == wanted

    await until(is_so, what=f"{request} is {wanted}")


async def test_what_a_session_asks_stands_in_one_thread_in_order_and_a_button_there_decides_its_own_request(
    office: SlackWorld, program: AsyncClient
) -> None:
    asked = dict[str, str]()
    for title in ("wash the car", "wax the car"):
        asked[title] = await asks(program, title)
        await card(office, title)
    await asks(program, "feed the cat", "two")
    await card(office, "feed the cat")

    threads = dict[str, list[str]]()
    for one in await office.slack.messages("@bo"):
        if one.buttons:
            about = next(title for title in ("wash", "wax", "feed") if title in one.words)
            threads.setdefault(one.thread, []).append(about)
    assert [*threads.values()] == [["wash", "wax"], ["feed"]]

    await office.bo.presses("Approve", in_=await card(office, "wash the car"))
    await becomes(office, asked["wash the car"], "approved")
    assert await state(office, asked["wax the car"]) == "open"


async def test_words_in_a_thread_of_several_open_requests_decide_none_and_of_the_only_one_deny_it(
    office: SlackWorld, program: AsyncClient
) -> None:
    first, second = await asks(program, "wash the car"), await asks(program, "wax the car")
    shown = await card(office, "wax the car")
    await card(office, "wash the car")
    await office.world.quiet()

    for words in ("yes", "no"):
        await office.bo.answers(shown, words)
        told = await office.says("@bo", "these words do not say which")
        assert first in told.words
        assert second in told.words
    assert [await state(office, one) for one in (first, second)] == ["open", "open"]

    await office.bo.answers(shown, "freeze everything: incident 4711")

    async def is_frozen() -> bool:
        return bool(await office.world.app.requests.freezes.all())

    await until(is_frozen, what="everything is frozen")
    await office.bo.answers(shown, f"stop {first}")
    await becomes(office, first, "denied")
    assert await state(office, second) == "open"
    await office.bo.answers(shown, "no")
    await becomes(office, second, "denied")


async def test_attack_a_stop_below_what_tells_whoever_a_program_asks_for_of_it_is_lost(
    office: SlackWorld, program: AsyncClient
) -> None:
    await office.world.app.requests.freezes.freeze("", PersonId("cy"), "incident", proof=None)
    request = await asks(program, "Delete staging-7")
    await office.world.decide("bo", await office.world.request(request), "approve")
    told = await office.says("@anna", "Frozen since")

    await office.anna.answers(told, "stop")

    await becomes(office, request, "revoked")


@pytest.mark.long
async def test_a_button_lets_the_same_call_run_again_in_its_session_and_has_a_card_without_risks_alone(
    office: SlackWorld, program: AsyncClient
) -> None:
    async def hears(command: str) -> str:
        told: dict[str, Any] = {
            "hook_event_name": "PermissionRequest",
            "session_id": "a1b2",
            "cwd": "/home/anna/shop",
            "tool_name": "Bash",
            "tool_input": {"command": command},
        }
        answer = await program.post("/v1/hooks/claude-code?wait_s=0", json=told)
        return str(answer.json()["hookSpecificOutput"]["decision"]["behavior"])

    assert await hears("rm -rf build") == "deny"
    assert AGAIN not in (await card(office, "rm -rf build")).buttons
    assert await hears("pytest -q") == "deny"
    shown = await card(office, "run pytest -q")
    assert "20 more times within 8 h, exactly the same in this folder" in shown.words

    await office.bo.presses(AGAIN, in_=shown)
    told = await office.says("@bo", "holds from now on: 20 uses")

    assert told.thread == shown.thread
    assert [await hears("pytest -q") for _ in range(3)] == ["allow", "allow", "allow"]
    assert await hears("pytest -x") == "deny"
