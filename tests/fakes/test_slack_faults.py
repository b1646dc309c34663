"""Faults of the fake when a test asks for them."""

import asyncio

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError

from tests.fakes.bolt import Client, refusal
from tests.fakes.slack.driver import Person, Workspace


async def post(client: Client, ops: str, text: str = "hello") -> str:
    return (await client.chat_postMessage(channel=ops, text=text))["ts"]


@pytest.mark.parametrize(
    ("kind", "done"), [("http_500", 0), ("http_500_after", 1), ("cut", 0), ("cut_after", 1), ("not_json", 0)]
)
async def test_a_call_fails_before_or_after_its_effect(
    slack: Workspace, client: Client, ops: str, kind: str, done: int
) -> None:
    await slack.breaks("chat.postMessage", kind)

    with pytest.raises((SlackApiError, aiohttp.ClientError)):
        await post(client, ops)
    assert len(await slack.messages("#ops")) == done

    await post(client, ops)
    assert len(await slack.messages("#ops")) == done + 1


@pytest.mark.parametrize(("kind", "done"), [("hang", 0), ("hang_after", 1)])
async def test_an_answer_never_comes(slack: Workspace, client: Client, ops: str, kind: str, done: int) -> None:
    await slack.breaks("chat.postMessage", kind)
    posting = asyncio.create_task(post(client, ops))

    async def hangs() -> bool:
        return [call["error"] for call in await slack.calls("chat.postMessage")] == ["no answer"]

    await slack.until(hangs, "it is not answered")
    assert not posting.done()
    posting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await posting

    assert len(await slack.messages("#ops")) == done


async def test_a_fault_has_a_method_a_channel_and_a_number_of_times(
    slack: Workspace, client: Client, ops: str, anna: Person
) -> None:
    await slack.breaks("chat.postMessage", "error", error="restricted_action", channel=ops, times=2)

    await client.chat_postMessage(channel=anna.dm, text="elsewhere")
    for _ in range(2):
        with pytest.raises(SlackApiError, match="restricted_action"):
            await post(client, ops)
    await post(client, ops)

    assert [call["error"] for call in await slack.calls("chat.postMessage")] == [
        None, "restricted_action", "restricted_action", None,
    ]  # fmt: skip


async def test_a_slow_call_takes_as_long_as_it_is_told(slack: Workspace, client: Client, ops: str) -> None:
    await slack.breaks("chat.postMessage", "slow", seconds=3_600)
    posting = asyncio.create_task(post(client, ops))

    async def is_asked() -> bool:
        return bool(await slack.calls("chat.postMessage"))

    await slack.until(is_asked, "the call is there")
    assert not posting.done()
    await slack.moves_clock(3_600)

    await posting


async def test_a_channel_takes_one_message_a_second(slack: Workspace, client: Client, ops: str, anna: Person) -> None:
    await slack.settings(rate_limit=True)
    await post(client, ops)
    await client.chat_postMessage(channel=anna.id, text="a DM is another channel")
    limited = await refusal(post(client, ops))

    assert limited.status_code == 429
    assert limited["error"] == "ratelimited"
    assert limited.headers["Retry-After"] == "1"
    assert await slack.violations() == []
    await slack.moves_clock(1)
    await post(client, ops)


async def test_not_to_wait_as_long_as_told_is_noted(slack: Workspace, client: Client, ops: str) -> None:
    await slack.settings(rate_limit=True)
    await post(client, ops)
    for _ in range(2):
        with pytest.raises(SlackApiError, match="ratelimited"):
            await post(client, ops)

    assert "before the Retry-After" in (await slack.violations())[0]["rule"]
