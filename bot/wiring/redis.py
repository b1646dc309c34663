"""The Redis of an installation, the store in it, and what needs nothing else: keys, log-ins and repairs."""

from dataclasses import dataclass

from bot.config.data_dir import DataDir
from bot.config.settings import Settings
from bot.people.api_keys import Keyring
from bot.people.directory import People
from bot.people.register import Register
from bot.people.rights import Rights
from bot.people.sessions import Sessions
from bot.store import Store
from bot.store.client import Client
from bot.store.journal import Journal
from bot.worker.queue import Queue


@dataclass(frozen=True, slots=True)
class Access:
    """Keys of programs and sessions of browsers, and what they and people may do."""

    keyring: Keyring
    sessions: Sessions
    rights: Rights


@dataclass(frozen=True, slots=True)
class Office:
    """What a command needs that works beside Redis itself: no agent, no channel, and no run moves on by it.

    The store has no release, so it writes no events.
    """

    settings: Settings
    data_dir: DataDir
    store: Store
    queue: Queue
    journal: Journal
    people: People
    register: Register
    access: Access

    async def close(self) -> None:
        """Give back every connection."""
        await self.store.client.close()


# What a server's clock shows moves on by our own for so long, but in tests, which move it.
_CLOCK_S = 1.0


def store_of(settings: Settings, client: Client, release: str = "") -> Store:
    """The store behind `client`; events are written under `release`."""
    clock_s = 0.0 if settings.test_clock else _CLOCK_S
    replicas = settings.redis_wait_replicas
    return Store(client, settings.shards, settings.lease_s, settings.grace_s, release, clock_s, replicas)


def queue_of(settings: Settings, store: Store) -> Queue:
    """The queue beside that store."""
    return Queue(store, settings.sweep_s)


def access_to(store: Store, people: People) -> Access:
    """The keys and sessions in that store."""
    rights = Rights(people, store.about_now)
    return Access(Keyring(store, people), Sessions(store, people), rights)


def office_of(settings: Settings, url: str) -> Office:
    """The office over the Redis at `url`. Connects to nothing yet."""
    store, people = store_of(settings, Client(url)), People.of(settings)
    queue = queue_of(settings, store)
    data_dir, access = DataDir(settings.data_dir), access_to(store, people)
    register = Register(store, people)
    return Office(settings, data_dir, store, queue, Journal(store, queue), people, register, access)
