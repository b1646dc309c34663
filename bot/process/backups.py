"""`sayso backup` and `sayso restore`: a copy of the store in a file, and the store that a file makes."""

import sys
import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import uvloop

from agents.requests import PersonId
from bot.app import App, compose
from bot.backup.copying import copy
from bot.backup.file import End, Writer, piped, written
from bot.backup.holding import Held, Holding
from bot.backup.loading import check_empty, checked, claim, forget, load, open_up
from bot.config.data_dir import DataDir, redis_url
from bot.config.settings import Settings
from bot.errors import Conflict, Invalid, Unavailable
from bot.people.directory import People
from bot.process.logging import log_to
from bot.process.processes import real_channel
from bot.registry.configured import agents_of
from bot.registry.release import version
from bot.store.client import Client
from bot.store.client.durability import NotWhole, look_at_shards
from bot.store.embedded import EmbeddedRedis
from bot.store.format import FORMAT, look_at_format
from bot.store.ids import new_id
from bot.store.indexes import Restored
from bot.store.memory import names_seen
from bot.wiring.local_mail import local_mail
from bot.wiring.slack import slack_parts
from channels import Channel
from language import say
from language.dates import in_words

STANDARD = "-"
_TELL_EVERY_S = 1.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class BackedUp:
    """A backup that was made: the moment whose state it holds, and the number of its keys."""

    at: datetime
    keys: int


@dataclass(frozen=True, slots=True)
class PutBack:
    """A backup that was restored."""

    end: End
    held: Held


def back_up(settings: Settings, target: str, say_so: Say) -> BackedUp:
    """Copy the Redis of this installation into the file `target`, `-` for standard output, while everybody works.

    Raises Conflict where that file exists, and Unavailable.
    """
    log_to(settings, json=False, quietly=True)
    url = redis_url(settings)

    async def inside(file: BinaryIO) -> BackedUp:
        client = Client(url)
        try:
            stored = await client.do("GET", "{s0}:shards")
            if stored is not None and not stored.isdigit():
                raise NotWhole(stored)
            if stored is None:
                raise Conflict("There is nothing to back up: no process of sayso has used this Redis", "Start one")
            await look_at_format(client)
            writer = Writer(file)
            at, keys = await copy(client, writer, _now_and_then(say_so, "keys copied"))
            writer.end(End(at=at, shards=int(stored), format=FORMAT, keys=keys, version=version()))
            return BackedUp(at, keys)
        finally:
            await client.close()

    with piped(sys.stdout.buffer) if target == STANDARD else written(Path(target)) as file:
        return uvloop.run(inside(file))


def restore(settings: Settings, source: str | None, say_so: Say, *, keeps_keys: bool) -> PutBack:
    """Put the backup in the file `source`, `-` for standard input, into the empty Redis of this installation.

    Without a `source` somebody has put that Redis back by other means. What was unfinished is held; see
    `bot.backup.holding`. Raises Conflict for a Redis that is not empty, Invalid for a file that is no whole backup, and
    Unavailable.
    """
    log_to(settings, json=False, quietly=True)
    if not settings.people:
        raise Conflict(
            "The settings name no people, so nobody could be told", "Put your sayso.toml there first: see --data"
        )

    async def inside(url: str, file: BinaryIO | None) -> PutBack:
        client = Client(url)
        app = compose(settings, client, _channels(settings, client), agents_of(settings), models={})
        try:
            if file is None:
                return await hold_loaded(app, keeps_keys=keeps_keys)
            return await put_back(app, file, say_so, keeps_keys=keeps_keys)
        finally:
            await client.close()

    with _opened(source) as file, _redis(settings) as url:
        return uvloop.run(inside(url, file))


async def put_back(app: App, file: BinaryIO, say_so: Say = lambda _: None, *, keeps_keys: bool = False) -> PutBack:
    """Put the backup in `file` into the empty Redis of `app`, which serves nothing; see `restore`."""
    (end, first), settings, client = checked(file), app.settings, app.store.client
    say_so(f"the backup is whole: {end.keys} keys as they were at {end.at:%Y-%m-%d %H:%M:%S} UTC")
    _check_format(end)
    _check_shards(settings, end.shards)
    await check_empty(client, first)
    file.seek(0)
    await load(client, file, end, _now_and_then(say_so, "entries written"), keeps_keys=keeps_keys)
    say_so("all is written; what was unfinished is held now")
    return await _held(app, end)


async def hold_loaded(app: App, *, keeps_keys: bool = False) -> PutBack:
    """Hold what is unfinished in the Redis of `app`, which somebody put back by other means; see `restore`."""
    await look_at_format(app.store.client)
    shards, at = await claim(app.store.client)
    _check_shards(app.settings, shards)
    await forget(app.store.client, keeps_keys=keeps_keys)
    return await _held(app, End(at=at, shards=shards, format=FORMAT, keys=0, version=version()))


async def _held(app: App, end: End) -> PutBack:
    await look_at_shards(app.store.client, end.shards)
    with app.people.speaking_to(""):
        why = say("run.restored-frozen", at=in_words(end.at))
    await app.requests.freezes.freeze("", PersonId(""), why)
    holding = Holding(app.journal, app.requests.decisions, app.people)
    held = await holding.hold(end.at)
    await _tell_people(app, end, held)
    await holding.end_absences(held.away)
    restored = Restored(as_of=end.at, at=await app.store.now("s0r-aaaaaaaaaaaaa"))
    await open_up(app.store.client, app.settings.shards, restored, names_seen(app.data_dir.folder))
    return PutBack(end, held)


def _check_format(end: End) -> None:
    if end.format != FORMAT:
        has = f"has format {end.format}" if end.format else "has no format number"
        raise Invalid(
            f"The store in this backup {has}, and this release of sayso reads format {FORMAT}",
            f"Restore it with the release that wrote it ({end.version}): nothing was written",
        )


def _check_shards(settings: Settings, shards: int) -> None:
    if shards > settings.shards:
        raise Conflict(f"The store has {shards} shards, and SAYSO_SHARDS is {settings.shards}", "It may only grow")


async def _tell_people(app: App, end: End, held: Held) -> None:
    def words() -> tuple[str, str]:
        at = in_words(end.at)
        told = say("notice.alert-restored", runs=held.runs, requests=held.requests, held=held.items)
        told += f" {say('notice.alert-restored-standing', count=held.standing)}" if held.standing else ""
        told += f" {say('notice.alert-restored-away', count=len(held.away))}" if held.away else ""
        return say("notice.alert-restored-title", at=at), f"{told} {say('notice.alert-restored-frozen')}"

    known = [person for person in (*held.requesters, *held.away) if app.people.is_here(person)]
    await app.messages.outbox.alert(new_id("outgoing", 0), words, also=known)


def _channels(settings: Settings, client: Client) -> Sequence[Channel]:
    """The channels that the processes of these settings have: in them cards are closed."""
    slack = slack_parts(settings, client).channels
    if settings.has_servers:
        return [*slack, real_channel(settings, client, People.of(settings))]
    return [*slack, local_mail(settings).channel()] if settings.stays_local(settings.redis_url) else slack


@contextmanager
def _redis(settings: Settings) -> Generator[str]:
    """The Redis of the settings; without one the server of the data directory, for as long as this takes."""
    if settings.redis_url is not None:
        yield settings.redis_url
        return
    if DataDir(settings.data_dir).redis():
        raise Conflict(
            f"A `sayso dev` runs for {settings.data_dir}", "End it, and restore into a new data directory: --data DIR"
        )
    with EmbeddedRedis(settings.data_dir, program=settings.redis_server) as server:
        yield server.start()


@contextmanager
def _opened(source: str | None) -> Generator[BinaryIO | None]:
    """The file, which can be read twice; None for none. Raises Unavailable."""
    if source is None:
        yield None
        return
    if source == STANDARD:
        with tempfile.TemporaryFile() as kept:
            while part := sys.stdin.buffer.read(1 << 20):
                kept.write(part)
            kept.seek(0)
            yield kept
        return
    with _open(source) as file:
        yield file


def _open(source: str) -> BinaryIO:
    try:
        return Path(source).open("rb")
    except OSError as error:
        do = "Name a file that `sayso backup` wrote"
        raise Unavailable(f"{source} can't be read ({error.strerror})", do) from error


def _now_and_then(say_so: Say, what: str) -> Callable[[int], None]:
    said = time.monotonic()

    def tell(count: int) -> None:
        nonlocal said
        if time.monotonic() - said >= _TELL_EVERY_S:
            said = time.monotonic()
            say_so(f"{count} {what}")

    return tell
