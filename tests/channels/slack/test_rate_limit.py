"""As often as Slack lets us, and no oftener."""

import asyncio

import pytest
from pydantic import JsonValue

from channels import ChannelUnavailable
from channels.slack.api import Limited
from channels.slack.rate_limit import Rates
from tests.channels.slack.outgoing import Clock, paced
from tests.fakes.slack.driver import Person, Workspace


@pytest.fixture
async def strict(slack: Workspace) -> Workspace:
    """Slack as it counts calls."""
    await slack.settings(rate_limit=True)
    return slack


async def test_posts_in_one_channel_are_a_second_apart_and_in_order_and_others_do_not_wait(
    strict: Workspace, anna: Person, bo: Person, ops: str
) -> None:
    clock = Clock(strict)
    api = paced(strict, clock)

    for channel in (anna.dm, bo.dm):
        await api.call("chat.postMessage", channel=channel, text="hello")
    assert clock.slept_s == 0
    await asyncio.gather(*(api.call("chat.postMessage", channel=ops, text=f"line {n}") for n in range(6)))

    assert [message.text for message in await strict.messages("#ops")] == [f"line {n}" for n in range(6)]
    assert clock.slept_s == pytest.approx(5)
    assert {call["status"] for call in await strict.calls("chat.postMessage")} == {200}
    assert await strict.violations() == []


async def test_some_updates_need_not_wait_and_none_is_one_too_many(strict: Workspace, ops: str) -> None:
    clock = Clock(strict)
    api = paced(strict, clock)
    ts = (await api.call("chat.postMessage", channel=ops, text="running"))["ts"]

    for number in range(5):
        await api.call("chat.update", channel=ops, ts=ts, text=f"step {number}")
    assert clock.slept_s == 0

    for number in range(30):
        await api.call("chat.update", channel=ops, ts=ts, text=f"step {number}")
    assert {call["status"] for call in await strict.calls("chat.update")} == {200}
    assert (await strict.messages("#ops"))[0].text == "step 29"


@pytest.mark.parametrize(("at_once", "shown"), [(5, "old"), (1, "new")])
async def test_an_update_that_had_to_wait_shows_what_stands_by_then(
    strict: Workspace, ops: str, at_once: int, shown: str
) -> None:
    api = paced(strict, Clock(strict), rates=Rates(updates_at_once=at_once))
    ts = (await api.call("chat.postMessage", channel=ops, text="running"))["ts"]
    await api.call("chat.update", channel=ops, ts=ts, text="first")

    async def newest() -> dict[str, JsonValue]:
        return {"channel": ops, "ts": ts, "text": "new"}

    await api.update(ops, {"channel": ops, "ts": ts, "text": "old"}, newest)

    assert [message.text for message in await strict.messages("#ops")] == [shown]


async def test_two_processes_that_know_nothing_of_each_other_lose_nothing(strict: Workspace, ops: str) -> None:
    clock = Clock(strict)
    one, other = paced(strict, clock), paced(strict, clock)

    for number in range(4):
        await one.call("chat.postMessage", channel=ops, text=f"one {number}")
        await other.call("chat.postMessage", channel=ops, text=f"other {number}")

    assert len(await strict.messages("#ops")) == 8
    assert 429 in {call["status"] for call in await strict.calls("chat.postMessage")}
    assert await strict.violations() == []


async def test_a_short_retry_after_is_waited_out_and_during_a_long_one_slack_is_left_alone(
    slack: Workspace, anna: Person, ops: str
) -> None:
    clock = Clock(slack)
    api = paced(slack, clock)
    await slack.breaks("chat.postMessage", "ratelimited", seconds=4)
    await api.call("chat.postMessage", channel=ops, text="hello")
    assert clock.slept_s == pytest.approx(4)

    await slack.breaks("chat.postMessage", "ratelimited", seconds=60, channel=ops)
    for _ in range(3):
        with pytest.raises(Limited):
            await api.call("chat.postMessage", channel=ops, text="again")
    assert len(await slack.calls("chat.postMessage")) == 3, "two tries of the first one and one of the second"
    await api.call("chat.postMessage", channel=anna.dm, text="it holds for its channel alone")

    await clock.moves(58)
    await api.call("chat.postMessage", channel=ops, text="again")
    assert clock.slept_s == pytest.approx(64, abs=1)
    assert [message.text for message in await slack.messages("#ops")] == ["hello", "again"]


async def test_other_methods_are_left_alone_as_a_whole(slack: Workspace, anna: Person, bo: Person) -> None:
    api = paced(slack)
    await slack.breaks("users.info", "ratelimited", seconds=60)

    for user in (anna.id, bo.id):
        with pytest.raises(Limited):
            await api.call("users.info", user=user)

    assert len(await slack.calls("users.info")) == 1


async def test_who_would_have_to_wait_for_too_long_is_told_so(slack: Workspace, ops: str) -> None:
    api = paced(slack, rates=Rates(line_s=2))

    found = await asyncio.gather(
        *(api.call("chat.postMessage", channel=ops, text=f"line {n}") for n in range(6)), return_exceptions=True
    )

    assert [isinstance(each, ChannelUnavailable) for each in found] == [False] * 3 + [True] * 3
    assert len(await slack.messages("#ops")) == 3


async def test_an_update_that_would_have_to_wait_for_too_long_is_told_so(slack: Workspace) -> None:
    api = paced(slack, rates=Rates(update_every_s=1.5, updates_at_once=1, line_s=1))
    places = [await slack.channel(f"place-{number}", slack.bot) for number in range(4)]
    posts = [await api.call("chat.postMessage", channel=place, text="running") for place in places]

    found = await asyncio.gather(
        *(api.call("chat.update", channel=post["channel"], ts=post["ts"], text="done") for post in posts),
        return_exceptions=True,
    )

    assert [isinstance(each, ChannelUnavailable) for each in found] == [False, True, True, True]
