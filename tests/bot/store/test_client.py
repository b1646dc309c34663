"""The client's own part over a connection pool: whoever asks can be told to stop, at whatever moment that comes."""

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from bot.store.client import Client, StoreError, StoreUnavailable, TakesNoWrites
from bot.store.client.line import BATCH
from bot.store.watch import ended
from tests.kit.waiting import PATIENCE_S, until
from tests.servers.redis import RedisServer
from tests.servers.resp import Redis, Refused

MOMENTS = range(60)
# A busy machine is not a failure: whoever lost the cancellation goes on for ever.


async def asks_for_ever(client: Client) -> None:
    while True:
        await client.do("PING")


async def ends_when_cancelled_once(task: asyncio.Task[None], moment: int) -> bool:
    """Return whether the task ends, cancelled after the event loop has turned so often."""
    for _ in range(moment):
        await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=PATIENCE_S)
    await ended([task])
    return bool(done)


async def test_one_cancellation_ends_whoever_asks_at_whatever_moment_it_comes(redis: str) -> None:
    deaf: list[int] = []
    for moment in MOMENTS:
        client = Client(redis)
        if not await ends_when_cancelled_once(asyncio.create_task(asks_for_ever(client)), moment):
            deaf.append(moment)
        await client.close()

    assert deaf == []


async def test_who_is_being_cancelled_may_still_ask_while_it_cleans_up(redis: str) -> None:
    client, answers = Client(redis), list[bytes]()
    asked = asyncio.Event()

    async def cleans_up() -> None:
        try:
            asked.set()
            await asyncio.Event().wait()
        finally:
            answers.append(await client.do("PING"))
            answers.append(await client.do("PING"))

    task = asyncio.create_task(cleans_up())
    await asked.wait()
    task.cancel()
    await asyncio.wait([task])
    await client.close()

    assert len(answers) == 2
    assert task.cancelled()


async def test_a_closed_client_leaves_nothing_open_that_others_had_asked_for_and_left(redis: str) -> None:
    left = list[object]()
    for moment in MOMENTS:
        client = Client(redis)
        asked = [asyncio.create_task(asks_for_ever(client)) for _ in range(3)]
        for _ in range(moment):
            await asyncio.sleep(0)
        await ended(asked)
        await client.close()
        left += [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]

    assert left == []


async def test_attack_a_server_that_runs_a_long_script_of_somebody_else_is_waited_for(redis: str) -> None:
    hurried, patient, beside = Client(redis, patience_s=0), Client(redis), Redis(redis)

    def run_for_ever() -> None:
        with suppress(Refused):
            beside.ask("EVAL", "while true do end", 0)

    async def refused() -> StoreError | None:
        try:
            await hurried.do("PING")
        except StoreError as error:
            return error
        return None

    await patient.do("CONFIG", "SET", "busy-reply-threshold", 1)
    running = asyncio.create_task(asyncio.to_thread(run_for_ever))
    found = await until(refused, what="the server is busy")
    asking = asyncio.create_task(patient.do("PING"))
    await hurried.do("SCRIPT", "KILL")
    answered = await asyncio.gather(asking, running, return_exceptions=True)
    await patient.do("CONFIG", "SET", "busy-reply-threshold", 5_000)

    assert isinstance(found, StoreUnavailable), found
    assert "BUSY" in str(found)
    assert answered == [True, None]
    beside.close()
    await hurried.close()
    await patient.close()


async def test_attack_a_crowd_waits_for_a_server_that_hangs_and_what_nobody_waits_for_is_done_later(
    tmp_path: Path,
) -> None:
    """However many wait, each is told after the time of one answer, and what was not sent by then never is."""
    with RedisServer(tmp_path / "redis") as server:
        client = Client(server.start().url, patience_s=0)
        await client.do("PING")

        server.freeze()
        asked = [client.do("PING") for _ in range(10 * BATCH)]
        told = await asyncio.gather(*asked, client.do("SET", "late", "1"), return_exceptions=True)
        server.thaw()

        assert {type(one) for one in told} == {StoreUnavailable}
        assert "does not answer within" in str(told[-1])
        assert await client.do("GET", "late") is None
        await client.close()


@pytest.mark.parametrize("turns", range(12))
async def test_what_is_on_its_way_as_the_client_closes_leaves_no_connection(redis: str, turns: int) -> None:
    client, other = Client(redis), Client(redis)

    async def is_alone() -> bool:
        return (await other.do("INFO", "clients"))["connected_clients"] == 1

    asking = asyncio.create_task(client.do("TIME"))
    for _ in range(turns):
        await asyncio.sleep(0)
    await client.close()
    await asyncio.gather(asking, return_exceptions=True)

    await until(is_alone, what="every connection is given back")
    await other.close()


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("OOM command not allowed when used memory > maxmemory.", TakesNoWrites),
        ("MISCONF Redis is configured to save RDB snapshots", TakesNoWrites),
        ("READONLY You cannot write against a read only replica.", StoreUnavailable),
        ("NOREPLICAS Not enough good replicas to write.", StoreUnavailable),
        ("WRONGTYPE Operation against a key of the wrong kind", StoreError),
    ],
)
async def test_what_redis_6_says_of_a_script_is_heard_as_what_is_wrong_with_its_command(
    redis: str, said: str, kind: type[StoreError]
) -> None:
    words = f"ERR Error running script (call to f_9): @user_script:9: @user_script: 9: -{said}"
    client = Client(redis, patience_s=0)

    with pytest.raises(StoreError) as found:
        await client.do("EVAL", f"return redis.error_reply('{words}')", 1, "{s0}:any")

    assert type(found.value) is kind
    await client.close()
