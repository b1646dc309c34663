"""`sayso backup` and `sayso restore`: a file that the server saves, and what is held in a store that was put back."""

import asyncio
import os
import shutil
import sys
import time
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import uvloop

from agents.requests import PersonId
from bot.app import App, compose
from bot.backup.claiming import claim, forget, open_up
from bot.backup.holding import Held, Holding
from bot.config.data_dir import DataDir, redis_url
from bot.config.settings import Settings
from bot.errors import Conflict, Unavailable
from bot.people.directory import People
from bot.process.half_taken import HalfTaken
from bot.process.logging import log_to
from bot.process.processes import real_channel
from bot.registry.configured import agents_of
from bot.render.words import asking_now
from bot.store import Keys, StoreError, StoreUnavailable
from bot.store.client import Client, adjusted, asked
from bot.store.client.durability import SHARDS, NotWhole, look_at_shards
from bot.store.embedded import EmbeddedRedis
from bot.store.format import look_at_format
from bot.store.ids import new_id
from bot.store.indexes import Restored
from bot.store.memory import names_seen
from bot.wiring.local_mail import local_mail
from bot.wiring.slack import slack_parts
from channels import Channel
from language import say
from language.dates import in_words

STANDARD = "-"
# The server may be at another file, or at its log.
_BEGINS_WITHIN_S, _POLL_S = 30.0, 0.05


@dataclass(frozen=True, slots=True)
class BackedUp:
    """A backup that was made: the moment whose state it holds, and the number of its keys."""

    at: datetime
    keys: int


@dataclass(frozen=True, slots=True)
class PutBack:
    """A store that was put back as it was `at` a moment, and what is held in it."""

    at: datetime
    held: Held


def back_up(settings: Settings, target: str) -> BackedUp:
    """Have the Redis of the data directory save itself, and copy its file to `target`, `-` for standard output.

    Raises Conflict where that file exists, and for a Redis that is not the data directory's; and Unavailable.
    """
    if settings.redis_url is not None:
        raise Conflict(
            "This Redis has backups of its own",
            "Run redis-cli -u URL --rdb FILE beside it, or have its provider make a snapshot; in a cluster, of every "
            "master. Once one is put back, run `sayso restore --loaded`",
        )
    log_to(settings, json=False, quietly=True)
    made = uvloop.run(_saved(redis_url(settings)))
    into = piped(sys.stdout.buffer) if target == STANDARD else written(Path(target))
    with EmbeddedRedis(settings.data_dir).dump.open("rb") as dump, into as file:
        shutil.copyfileobj(dump, file)
    return made


async def _saved(url: str) -> BackedUp:
    client = Client(url)
    try:
        stored = await client.do("GET", SHARDS)
        if stored is None:
            raise Conflict("There is nothing to back up: no process of sayso has used this Redis", "Start one")
        if not stored.isdigit():
            raise NotWhole(stored)
        await look_at_format(client)
        *told, keys = await client.read(*asked(Keys(0)), ["DBSIZE"])
        began = await _life(client)
        await _begin(client, "BGSAVE")
        await _is_over(client, "rdb_bgsave_in_progress", "rdb_last_bgsave_status")
        if await _life(client) != began:  # one that has just begun says that all is well, and there is an older file
            raise Unavailable("Redis began anew while it wrote its file", "Give its disk room, and make it again")
        return BackedUp(adjusted(*told)[0], keys)
    finally:
        await client.close()


async def _life(client: Client) -> str:
    """Return what is the same for as long as the server lives."""
    return str((await client.do("INFO", "server"))["run_id"])


async def _begin(client: Client, *command: str) -> None:
    """Give the server a `command` for which it must be at no other file. Raises StoreError where it stays so."""
    deadline = time.monotonic() + _BEGINS_WITHIN_S
    while True:
        try:
            return await client.do(*command)
        except StoreUnavailable:
            raise
        except StoreError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(_POLL_S)


async def _is_over(client: Client, works: str, status: str) -> None:
    """Wait until the server has written a file. Raises Unavailable where it could not."""
    while True:
        persistence = await client.do("INFO", "persistence")
        if not persistence[works]:
            break
        await asyncio.sleep(_POLL_S)
    if persistence[status] != "ok":
        raise Unavailable("Redis could not write its file", "Give its disk room, and look into redis/redis.log")


def restore(settings: Settings, source: str | None, *, keeps_keys: bool) -> PutBack:
    """Put the backup in the file `source`, `-` for standard input, into the Redis of a new data directory.

    Without a `source` somebody has put a Redis back by other means. What was unfinished is held; see
    `bot.backup.holding`. Raises Conflict for a Redis that is not empty, or not the data directory's, and Unavailable.
    """
    if not settings.people:
        raise Conflict(
            "The settings name no people, so nobody could be told", "Put your sayso.toml there first: see --data"
        )
    if source is not None and settings.redis_url is not None:
        raise Conflict(
            "Only the Redis of a data directory is restored from a file",
            "Put the file into this Redis as its own documentation says, then run `sayso restore --loaded`",
        )
    log_to(settings, json=False, quietly=True)

    async def inside(url: str) -> PutBack:
        client = Client(url)
        app = compose(settings, client, _channels(settings, client), agents_of(settings), models={})
        try:
            return await hold_loaded(app, keeps_keys=keeps_keys, keep=keeps_log if source else None)
        finally:
            await client.close()

    with _redis(settings, source) as url:
        return uvloop.run(inside(url))


async def keeps_log(client: Client) -> None:
    """Have a server that began with a file write the log that it is started from. Raises Unavailable."""
    await _begin(client, "CONFIG", "SET", "appendonly", "yes")
    await _is_over(client, "aof_rewrite_in_progress", "aof_last_bgrewrite_status")


async def hold_loaded(
    app: App, *, keeps_keys: bool = False, keep: Callable[[Client], Awaitable[None]] | None = None
) -> PutBack:
    """Hold what is unfinished in the Redis of `app`, which was put back; see `restore`.

    `keep` makes durable what is there, once no process starts on it.
    """
    client = app.store.client
    await look_at_format(client)
    shards, at = await claim(client)
    if shards > app.settings.shards:
        raise Conflict(f"The store has {shards} shards, and SAYSO_SHARDS is {app.settings.shards}", "It may only grow")
    if keep:
        await keep(client)
    await forget(client, keeps_keys=keeps_keys)
    await look_at_shards(client, shards)
    await app.register.hold()  # before anybody is taken for whoever had their id
    await HalfTaken(app).begin()  # before anybody is not told as they are not there
    with app.people.speaking_to(""):
        why = say("run.restored-frozen", at=in_words(at))
    await app.requests.freezes.freeze("", PersonId(""), why, proof=None)
    holding = Holding(app.journal, app.requests.decisions, app.people)
    held = await holding.hold(at)
    await _tell_people(app, at, held)
    await holding.end_absences(held.away)
    now, ahead = adjusted(*await client.read(*asked(Keys(0))))
    restored = Restored(as_of=at, at=now, by_clock=now - ahead)
    await open_up(client, app.settings.shards, restored, names_seen(app.data_dir.folder))
    return PutBack(at, held)


async def _tell_people(app: App, as_of: datetime, held: Held) -> None:
    def words() -> tuple[str, str]:
        at = in_words(as_of)
        told = say("notice.alert-restored", runs=held.runs, requests=held.requests, held=held.items)
        told += f" {say('notice.alert-restored-standing', count=held.standing)}" if held.standing else ""
        told += f" {say('notice.alert-restored-away', count=len(held.away))}" if held.away else ""
        return say("notice.alert-restored-title", at=at), f"{told} {say('notice.alert-restored-frozen')}"

    people = app.people
    known = asking_now((*held.requesters, *held.away), people)
    await app.messages.outbox.alert(new_id("outgoing", 0), words, also=known)


def _channels(settings: Settings, client: Client) -> Sequence[Channel]:
    """The channels that the processes of these settings have: in them cards are closed."""
    slack = slack_parts(settings, client).channels
    if settings.has_servers:
        return [*slack, real_channel(settings, client, People.of(settings))]
    return [*slack, local_mail(settings).channel()] if settings.stays_local(settings.redis_url) else slack


@contextmanager
def _redis(settings: Settings, source: str | None) -> Generator[str]:
    """The Redis of the settings; without one the server of the data directory, for as long as this takes.

    It begins with what is in the file `source`, where there is one.
    """
    if settings.redis_url is not None:
        yield settings.redis_url
        return
    if DataDir(settings.data_dir).redis():
        raise Conflict(
            f"A `sayso dev` runs for {settings.data_dir}", "End it, and restore into a new data directory: --data DIR"
        )
    server = EmbeddedRedis(settings.data_dir, program=settings.redis_server)
    try:
        with _opened(source) as dump:
            url = server.start(dump=dump)
        yield url
    finally:
        server.stop()


def _opened(source: str | None) -> AbstractContextManager[BinaryIO | None]:
    """The file; None for none. Raises Unavailable."""
    if source is None or source == STANDARD:
        return nullcontext(sys.stdin.buffer if source else None)
    try:
        return Path(source).open("rb")
    except OSError as error:
        do = "Name a file that `sayso backup` wrote"
        raise Unavailable(f"{source} can't be read ({error.strerror})", do) from error


@contextmanager
def written(path: Path) -> Generator[BinaryIO]:
    """A new file that only its owner may read; it is there, whole, when the block ends well, else not at all.

    Raises Conflict where `path` exists, and Unavailable where it can't be written.
    """
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.link(fresh, path)  # unlike a rename it never takes the place of an older backup
        _sync(path.parent)
    except FileExistsError as error:
        raise Conflict(f"{path} exists already", "Name another file: a backup never replaces one") from error
    except OSError as error:
        raise Unavailable(f"{path} can't be written ({error.strerror})", "Name a file in a folder of yours") from error
    finally:
        with suppress(OSError):
            fresh.unlink()


@contextmanager
def piped(file: BinaryIO) -> Generator[BinaryIO]:
    """Standard output, to which all is written when the block ends well. Raises Unavailable where it can't be."""
    try:
        yield file
        file.flush()
    except OSError as error:
        do = "Give it room, and make the backup again: what is there is none"
        raise Unavailable(f"Standard output can't be written ({error.strerror})", do) from error


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
