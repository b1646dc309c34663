"""The client on a Redis Cluster: each shard by itself, and what it does while a slot moves or a node is away."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot.store import Commit, Store, StoreError, StoreUnavailable, Wake, WorkItem
from bot.store.client import Client
from bot.store.client.durability import check, check_clock, check_shards, far_ahead
from bot.store.format import FORMAT, check_format, look_at_format
from bot.store.keys import Keys
from bot.worker.queue import Taker
from tests.bot.store.stores import RUN, events, paused, started
from tests.kit.waiting import until
from tests.servers.redis import RedisServer
from tests.servers.redis_cluster import RedisCluster, ask
from tests.servers.resp import texts

SHARDS = 4
ITEM = WorkItem("run", RUN)


@pytest.fixture(scope="module")
def servers() -> Iterator[RedisCluster]:
    folder = Path(tempfile.mkdtemp(prefix="sayso-"))
    with RedisCluster(folder, 3, replicas=False) as cluster:
        yield cluster
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def cluster(servers: RedisCluster) -> RedisCluster:
    """With nothing in it."""
    servers.flush()
    return servers


@pytest.fixture
async def store(cluster: RedisCluster) -> AsyncIterator[Store]:
    store = Store(Client(cluster.url), SHARDS, lease_s=60, grace_s=1)
    yield store
    await store.client.close()


class Moving:
    """The slot of the first shard, on its way to another master."""

    def __init__(self, cluster: RedisCluster) -> None:
        self._cluster, self.source = cluster, cluster.master_of("{s0}")
        self.target = next(one for one in cluster.servers if one is not self.source)
        slot = ask(self.source, "CLUSTER", "KEYSLOT", "{s0}")
        assert isinstance(slot, int)
        self.slot = slot

    def begin(self) -> None:
        ask(self.target, "CLUSTER", "SETSLOT", self.slot, "IMPORTING", self._cluster.id_of(self.source))
        ask(self.source, "CLUSTER", "SETSLOT", self.slot, "MIGRATING", self._cluster.id_of(self.target))

    def move(self, *keys: str) -> None:
        for key in keys or texts(ask(self.source, "CLUSTER", "GETKEYSINSLOT", self.slot, 1_000)):
            ask(self.source, "MIGRATE", "127.0.0.1", self.target.port, key, 0, 5000)

    def end(self) -> None:
        for server in (self.target, self.source):
            ask(server, "CLUSTER", "SETSLOT", self.slot, "NODE", self._cluster.id_of(self.target))


def keys_in(server: RedisServer, slot: int) -> list[str]:
    return sorted(texts(ask(server, "CLUSTER", "GETKEYSINSLOT", slot, 1_000)))


async def test_a_script_is_of_one_shard_and_reads_of_several_come_back_in_their_order(store: Store) -> None:
    for shard in range(SHARDS):
        await store.client.do("SET", f"{{s{shard}}}:x", shard)

    found = await store.client.read(*(["GET", f"{{s{shard}}}:x"] for shard in (3, 0, 2, 1, 0)), ["PING"])

    assert found[:5] == [b"3", b"0", b"2", b"1", b"0"]
    assert {key async for key in store.client.scan("{s*:x")} == {f"{{s{shard}}}:x" for shard in range(SHARDS)}
    with pytest.raises(StoreError, match="same slot"):
        await store.client.do("MGET", Keys(0).clock, Keys(1).clock)
    await asyncio.gather(*(store.client.do("SET", f"{{s{one % SHARDS}}}:{one}", one) for one in range(200)))
    each = await asyncio.gather(*(store.client.do("GET", f"{{s{one % SHARDS}}}:{one}") for one in range(200)))
    assert [int(one) for one in each] == list(range(200)), "many at once each get their own answer"


async def test_keys_are_found_wherever_each_is_by_now_alone_and_read_together(
    store: Store, cluster: RedisCluster
) -> None:
    await store.client.do("SET", "{s0}:here", "1")
    await store.client.do("SET", "{s0}:there", "2")
    moving, asked = Moving(cluster), [["GET", f"{{s0}}:{name}"] for name in ("here", "there", "nowhere")]
    moving.begin()
    moving.move("{s0}:there")

    alone = [await store.client.do(*one) for one in asked * 3]
    together = await store.client.read(*asked)
    moving.move()
    moving.end()

    assert alone == [b"1", b"2", None] * 3
    assert together == await store.client.read(*asked) == [b"1", b"2", None]


async def test_in_a_slot_that_moves_a_change_is_made_whole_or_not_at_all_and_then_once(
    store: Store, cluster: RedisCluster
) -> None:
    await store.commit(Commit(run_id=RUN, events=[started()], expect=0, wake=[Wake(ITEM)]))
    moving, change = Moving(cluster), Commit(run_id=RUN, events=[paused()], expect=1, wake=[Wake(ITEM)])
    before = keys_in(moving.source, moving.slot)
    hasty = Store(Client(cluster.url, patience_s=0.2), SHARDS)
    moving.begin()

    with pytest.raises(StoreUnavailable):
        await hasty.commit(change)
    assert (keys_in(moving.source, moving.slot), keys_in(moving.target, moving.slot)) == (before, [])
    moving.move(Keys(0).run(RUN))
    with pytest.raises(StoreUnavailable):
        await hasty.commit(change)
    assert keys_in(moving.target, moving.slot) == [Keys(0).run(RUN)]
    waits = asyncio.create_task(store.commit(change))
    moving.move()
    moving.end()

    assert ((await waits).state, (await hasty.commit(change)).state) == ("committed", "committed")
    assert await events(store) == ["run_started", "run_paused"]
    await hasty.client.close()


async def test_each_shard_is_taken_from_by_itself_and_a_call_that_waits_stops_at_once(store: Store) -> None:
    assert store.client.groups(SHARDS) == [[0], [1], [2], [3]]
    takers = [Taker(store, group) for group in store.client.groups(SHARDS)]
    taking = [asyncio.create_task(taker.take(3.5)) for taker in takers]
    await store.push(ITEM)

    assert await taking[0] == ITEM
    await asyncio.gather(*(taker.stop() for taker in takers[1:]))
    assert await asyncio.gather(*taking[1:]) == [None] * 3


async def test_what_is_published_in_any_shard_is_heard_over_one_connection(store: Store) -> None:
    channels = [Keys(shard).changed for shard in range(SHARDS)]
    async with store.client.listening(channels) as listener:
        for shard in range(SHARDS):
            await store.client.do("PUBLISH", Keys(shard).changed, f"run {shard}")
        missing = {f"run {shard}".encode() for shard in range(SHARDS)}
        while missing:
            missing.discard(await listener.receive())


async def test_a_start_checks_the_durability_of_all_nodes_the_shards_and_the_clock(
    store: Store, cluster: RedisCluster
) -> None:
    assert await check(store.client, None) == "verified"
    await check_format(store.client)
    assert await look_at_format(store.client) == FORMAT
    await check_shards(store.client, SHARDS)
    await check_clock(store.client, SHARDS, is_test=False)
    assert await far_ahead(store.client, SHARDS) is None

    ask(cluster.servers[2], "CONFIG", "SET", "appendfsync", "everysec")
    name = f"127.0.0.1:{cluster.servers[2].port}"
    with pytest.raises(StoreError, match=rf"{name}: appendfsync is 'everysec', not 'always'"):
        await check(store.client, None)
    ask(cluster.servers[2], "CONFIG", "SET", "appendfsync", "always")


async def test_while_a_node_is_away_the_shards_of_the_others_work_and_then_all_do(
    store: Store, cluster: RedisCluster
) -> None:
    lost = cluster.master_of("{s2}")
    others = [shard for shard in range(SHARDS) if cluster.master_of(f"{{s{shard}}}") is not lost]
    await store.client.do("SET", "{s2}:kept", "1")
    store.client.patience_s = 0.2
    lost.kill()

    with pytest.raises(StoreUnavailable, match="Nothing is lost"):
        await store.client.do("GET", "{s2}:kept")
    store.client.patience_s = 60
    for shard in others:
        await store.client.do("SET", f"{{s{shard}}}:x", "1")
    lost.start()
    assert await store.client.do("GET", "{s2}:kept") == b"1"
    await until(lambda: asyncio.to_thread(cluster.is_whole), 60, what="a cluster that is whole")


@pytest.mark.parametrize("count", [1, 3], ids=["one node", "all nodes"])
async def test_attack_nodes_that_take_no_more_connections_are_waited_for(cluster: RedisCluster, count: int) -> None:
    first = cluster.master_of("{s0}")
    full = sorted(cluster.servers, key=lambda server: server is not first)[:count]
    beside, client, new = [server.connect() for server in full], Client(cluster.url), Client(cluster.url)
    await client.do("SET", "{s0}:kept", "1")
    for one in beside:
        one.ask("CONFIG", "SET", "maxclients", 1)
        one.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    for one in (client, new):
        one.patience_s = 0.2

    found = await asyncio.gather(*(one.do("GET", "{s0}:kept") for one in (client, new)), return_exceptions=True)
    for one in beside:
        one.ask("CONFIG", "SET", "maxclients", 10_000)
        one.close()

    assert [type(one) for one in found] == [StoreUnavailable] * 2, found
    for one in (client, new):
        one.patience_s = 10
        assert await one.do("GET", "{s0}:kept") == b"1"
        await one.close()


async def test_an_address_that_says_one_server_of_a_cluster_or_a_cluster_of_one_server_is_told_what_to_write(
    cluster: RedisCluster, tmp_path: Path
) -> None:
    one = Client(cluster.servers[0].url)
    with pytest.raises(StoreError, match=r"redis\+cluster://"):
        await asyncio.gather(*(one.do("GET", Keys(shard).clock) for shard in range(SHARDS)))
    await one.close()
    with RedisServer(tmp_path) as server:
        many = Client(f"redis+cluster://127.0.0.1:{server.start().port}")
        with pytest.raises(StoreError, match=r"is a cluster.*redis://"):
            await many.do("GET", Keys(0).clock)
        await many.close()
