"""A start that a fail-over could lose is none: nothing is executed, and nobody is asked whether it happened."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from agents.events import ToolOrphaned
from agents.requests import AttemptId
from bot.store import Accepted, Commit, Keys, NotReplicated, Store, WentBack, WorkItem
from bot.store.client import Client, StoreUnavailable
from bot.store.journal import Journal
from bot.store.memory import FILE
from bot.store.went_back import begin, look
from tests.bot.store.stores import ATTEMPT, ITEM, RUN, append, events, orphaned, paused, started, tool_started
from tests.kit.guards import guards
from tests.kit.waiting import until
from tests.kit.world import World, a_world
from tests.servers.lines import Server
from tests.servers.redis_cluster import Pair, ask, follows_up, has_all

LEASE_S = 2.0
SECOND = AttemptId("s0a-bbbbbbbbbbbbb")


@contextmanager
def a_pair(replicas: int = 1) -> Generator[Pair]:
    folder = Path(tempfile.mkdtemp(prefix="sayso-"))
    with Pair(folder, replicas) as pair:
        yield pair
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def pair() -> Iterator[Pair]:
    with a_pair() as pair:
        yield pair


@pytest.fixture(scope="module")
def lasting() -> Iterator[Pair]:
    with a_pair() as pair:
        yield pair


@pytest.fixture
async def store(lasting: Pair) -> AsyncIterator[Store]:
    """A store whose starts must be on the replica, with a run of one event."""
    store = Store(Client(lasting.servers[0].url), 2, LEASE_S, replicas=1)
    await store.client.do("FLUSHALL")
    await append(store, started(), expect=0)
    yield store
    await store.client.close()


async def start(store: Store) -> str:
    return (await store.start_tool(RUN, 1, ATTEMPT, tool_started(ATTEMPT), None)).state


async def is_told(store: Store, attempt: AttemptId) -> bool:
    try:
        return await store.tell_start(RUN, attempt)
    except NotReplicated:
        return False


@guards("commit.lua:told")
@guards("write_if.lua:same")
async def test_a_start_counts_once_the_replica_has_it_and_is_taken_back_no_more_once_its_program_is_told(
    store: Store,
) -> None:
    await start(store)
    await store.orphan(RUN, ATTEMPT, orphaned(), is_own=True)
    assert not await store.tell_start(RUN, ATTEMPT), "it was taken back"

    async def begun() -> bool:
        return (await store.start_tool(RUN, 3, SECOND, tool_started(SECOND), None)).state == "started"

    await until(begun, what="a start that the replica has")
    assert await store.holds(RUN, SECOND)
    await until(partial(is_told, store, SECOND), what="the replica has it")
    assert await store.orphan(RUN, SECOND, orphaned(SECOND), is_own=True) == "gone"


async def test_a_start_without_the_word_of_the_replica_holds_no_lease_and_counts_once_it_follows(
    store: Store, lasting: Pair
) -> None:
    lasting.servers[1].freeze()
    assert not await store.is_replicated(RUN)
    assert await start(store) == "unconfirmed"
    assert not await store.holds(RUN, ATTEMPT)
    lasting.servers[1].thaw()

    async def begun() -> bool:
        return await start(store) == "started"

    await until(begun, what="a start that the replica has")
    assert await events(store) == ["run_started", "tool_started"]
    more = Store(store.client, 2, LEASE_S, replicas=2)
    assert not await more.is_replicated(RUN), "there are not as many"


async def is_promoted(replica: Store) -> None:
    """A replica is a master once it has followed."""

    async def has_followed() -> bool:
        return await events(replica) == ["run_started"]

    await until(has_followed, what="the replica follows")
    await replica.client.do("REPLICAOF", "NO", "ONE")


async def test_where_no_word_is_asked_for_a_start_counts_again_on_a_replica_that_lacks_it(pair: Pair) -> None:
    master, replica = [Store(Client(server.url), 2, LEASE_S) for server in pair.servers]
    await append(master, started(), expect=0)

    await is_promoted(replica)  # from now on it lags

    assert [await start(master), await start(replica)] == ["started", "started"]
    for store in (master, replica):
        await store.client.close()


async def test_attack_a_start_that_a_process_made_and_a_fail_over_lost_is_not_made_again(
    pair: Pair, tmp_path: Path
) -> None:
    master, replica = [Store(Client(server.url), 2, LEASE_S) for server in pair.servers]
    await begin(master, tmp_path)
    await append(master, started(), expect=0)

    await is_promoted(replica)
    assert await start(master) == "started"

    with pytest.raises(WentBack, match="has 0"):
        await begin(replica, tmp_path)

    assert await events(replica) == ["run_started"]
    for store in (master, replica):
        await store.client.close()


async def test_a_start_that_the_replicas_lack_is_not_missed_after_a_fail_over(pair: Pair, tmp_path: Path) -> None:
    maker, watcher, replica = [
        Store(Client(server.url), 2, LEASE_S, replicas=number)
        for server, number in ((pair.servers[0], 1), (pair.servers[0], 1), (pair.servers[1], 0))
    ]
    await begin(maker, tmp_path / "maker")
    await append(maker, started(), expect=0)
    await begin(watcher, tmp_path / "watcher")
    pair.servers[1].freeze()
    assert await start(maker) == "unconfirmed"
    await look(watcher)
    pair.servers[0].freeze()
    pair.servers[1].thaw()
    await replica.client.do("REPLICAOF", "NO", "ONE")

    for folder in ("maker", "watcher"):
        assert (tmp_path / folder / FILE).exists()
        await begin(replica, tmp_path / folder)

    for store in (maker, watcher, replica):
        await store.client.close()


class Front:
    """An address that leads to one server, and later to another one; it holds back the first `WAIT`."""

    def __init__(self, to: int) -> None:
        self.to, self.waits, self._lines = to, asyncio.Event(), list[asyncio.StreamWriter]()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection, until one of its ends is closed; none where nobody is there by now."""
        try:
            there, onward = await asyncio.open_connection("127.0.0.1", self.to)
        except ConnectionError:
            writer.close()
            return
        self._lines += [writer, onward]
        await asyncio.gather(self._pass(reader, onward), self._pass(there, writer))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.CancelledError):
            while chunk := await reader.read(65_536):
                if b"\r\nWAIT\r\n" in chunk and not self.waits.is_set():
                    self.waits.set()
                else:
                    writer.write(chunk)
        writer.close()

    def lead(self, to: int) -> None:
        """From now on it leads to that port; every connection ends."""
        self.to = to
        for line in self._lines:
            line.close()


async def test_a_start_that_was_read_before_a_fail_over_and_asked_about_after_it_is_not_missed(tmp_path: Path) -> None:
    with a_pair(2) as pair:
        master, replica, other = pair.servers
        front = Front(master.port)
        async with await asyncio.start_server(front.handle, "127.0.0.1") as server, AsyncExitStack() as stack:
            port = server.sockets[0].getsockname()[1]
            urls = (f"redis://127.0.0.1:{port}/0", master.url, replica.url)
            watcher, maker, promoted = [Store(Client(url), 2, LEASE_S, replicas=1) for url in urls]
            for store in (watcher, maker, promoted):
                stack.push_async_callback(store.client.close)
            await begin(maker, tmp_path / "maker")
            await append(maker, started(), expect=0)
            assert await maker.is_replicated(RUN)
            front.waits.set()
            await begin(watcher, tmp_path / "watcher")
            front.waits.clear()
            await until(lambda: has_all(master, replica), what="the replica has it, and not only the other one")
            replica.freeze()
            other.freeze()
            assert await start(maker) == "unconfirmed"

            looking = asyncio.create_task(look(watcher))
            await front.waits.wait()
            master.kill()
            for one in (replica, other):
                one.kill()  # with what may stand before it unread
                await asyncio.to_thread(one.start)
            await promoted.client.do("REPLICAOF", "NO", "ONE")
            asked = ["REPLICAOF", "127.0.0.1", replica.port]
            ask(other, *asked)
            await until(lambda: follows_up(other), what="the other one follows")
            await until(lambda: promoted.is_replicated(RUN), what="the other one has all of it")
            front.lead(replica.port)
            await looking

            await look(watcher)
            assert await start(watcher) == "started"


async def test_attack_a_name_that_leads_to_a_new_master_is_followed_though_the_old_one_keeps_its_connections(
    pair: Pair,
) -> None:
    front, (master, replica) = Front(pair.servers[0].port), pair.servers
    front.waits.set()
    async with await asyncio.start_server(front.handle, "127.0.0.1") as server:
        store = Store(Client(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"), 2, LEASE_S * 10)
        await append(store, started(), expect=0)
        await until(lambda: has_all(master, replica), what="the replica has it")
        ask(replica, "REPLICAOF", "NO", "ONE")
        front.to = replica.port
        ask(master, "REPLICAOF", "127.0.0.1", replica.port)

        assert await start(store) == "started"

        await store.client.close()


async def waits(store: Store) -> int:
    """How often the master was asked whether its replica has what it wrote."""
    return (await store.client.do("INFO", "commandstats"))["cmdstat_wait"]["calls"]


class Elsewhere:
    """Nothing is done here; a worker is too busy for it."""

    is_here = False

    def __init__(self, *, is_worker: bool) -> None:
        self.is_worker = is_worker

    async def notify(self, item: WorkItem) -> None:
        raise AssertionError(f"{item} is nobody's")

    async def hear_first(self) -> bool:
        return False


ARRIVED = Accepted(ITEM, "email:m1", b"body", b"raw", 60)
OTHER, AGAIN = replace(ARRIVED, id="s0i-bbbbbbbbbbbbb", foreign="email:m0"), replace(ARRIVED, id="s0i-ccccccccccccc")


async def test_what_comes_in_waits_for_the_replica_and_is_taken_also_where_it_does_not_follow(
    store: Store, lasting: Pair
) -> None:
    """`WAIT` waits for what its own connection wrote: what is known already writes something for it."""
    mark = Keys.of(ITEM).replicated
    await store.accept(OTHER)  # Redis knows the script from then on
    before = await waits(store)
    assert await store.accept(ARRIVED) == (ITEM, True)
    await store.client.do("DEL", mark)
    assert await store.accept(AGAIN) == (ITEM, False)
    assert (await store.client.do("EXISTS", mark), await waits(store)) == (1, before + 2)

    lasting.servers[1].freeze()
    assert await store.accept(replace(ARRIVED, foreign="email:m2")) == (ITEM, True)
    assert await waits(store) == before + 3
    lasting.servers[1].thaw()


async def test_what_a_process_without_a_worker_writes_waits_for_the_replica_and_what_a_worker_writes_does_not(
    store: Store,
) -> None:
    web, worker = Journal(store, Elsewhere(is_worker=False)), Journal(store, Elsewhere(is_worker=True))
    before = await waits(store)

    await worker.write(Commit(run_id=RUN, events=[paused()], expect=1))
    of_worker = await waits(store) - before
    written = await web.write(Commit(run_id=RUN, events=[paused("cy")], expect=2))

    assert written.state == "committed"
    assert (of_worker, await waits(store) - before) == (0, 1)


async def test_what_only_a_lost_master_had_was_not_acknowledged_and_is_taken_when_it_comes_again(pair: Pair) -> None:
    master, replica = pair.servers
    async with AsyncExitStack() as stack:
        proxy = stack.enter_context(Server("tests.servers.redis_proxy", master.url))
        through = Client(f"redis://127.0.0.1:{proxy.said['redis_port']}/0", patience_s=0.1)
        stack.push_async_callback(through.close)
        by_proxy = Store(through, 2, LEASE_S * 4, replicas=1)
        await by_proxy.accept(OTHER)
        pid = (await through.do("INFO", "server"))["process_id"]
        replica.freeze()
        proxy.ask(do="arm", name="accept", nth=1, when="after", act="stop", pid=pid)
        accepting = asyncio.create_task(by_proxy.accept(ARRIVED))
        await until(lambda: proxy.ask(do="seen")["sprung"] == 1, what="the master has it, and stands still")
        master.kill()
        proxy.ask(do="release")

        with pytest.raises(StoreUnavailable):
            await accepting

    replica.kill()  # with what may have stood before it unread
    replica.start()
    promoted = Store(Client(replica.url), 2, LEASE_S)
    await promoted.client.do("REPLICAOF", "NO", "ONE")
    assert await promoted.accept(AGAIN) == (AGAIN.id, True)
    await promoted.client.close()


@pytest.mark.long
async def test_a_replica_that_is_lost_in_the_moment_of_the_start_makes_people_decide_nothing(
    pair: Pair, tmp_path: Path
) -> None:
    def change(world: World) -> None:
        world.environ = {"SAYSO_REDIS_WAIT_REPLICAS": "1"}

    with Server("tests.servers.redis_proxy", pair.servers[0].url) as proxy:
        url = f"redis://127.0.0.1:{proxy.said['redis_port']}/0"
        async with a_world(url, tmp_path / "data", change=change) as world:
            run_id = await world.trigger("press bell")
            record = await world.opened(run_id)
            await world.quiet()
            proxy.ask(do="arm", name="commit tool_started", nth=1, when="before", act="hold")
            await world.decide("bo", record, "approve")
            await until(lambda: proxy.ask(do="seen")["sprung"] == 1, what="a start on its way")
            pair.servers[1].freeze()
            proxy.ask(do="release")

            async def taken_back() -> list[ToolOrphaned]:
                return [event for event in await world.events(run_id) if isinstance(event, ToolOrphaned)]

            [back] = await until(taken_back, what="a start that is taken back")
            assert not back.may_have_started
            assert world.workshop.started == []
            assert len(await world.requests()) == 1
            await asyncio.to_thread(pair.servers[1].thaw)

            assert await world.summary(run_id) == "done: ok: press bell: done"
            assert world.workshop.effects == ["press bell"]
