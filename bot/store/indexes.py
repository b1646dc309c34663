"""Indexes in Redis: by thread, handle, place, receipt, reply, fork, App Home, result, link to Slack, mark, lockout.

None of them decides anything; most are made anew from the events by `sayso rebuild`. All functions raise
StoreUnavailable while Redis is away.
"""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal

from pydantic import AwareDatetime

from agents.requests import DeliveryId, Frozen, PersonId, RequestId, RunId
from bot.store import Store, scripts
from bot.store.client import Client, adjusted, asked
from bot.store.keys import Keys

_KEYS = Keys(0)

# A paused run goes on after months, and until then a stop below it must be heard.
_THREAD_KEEP_S = 400 * 24 * 3600
# Each card in a thread would keep it longer by minutes: that is written once a day.
_KEPT_ENOUGH_MS = (_THREAD_KEEP_S - 24 * 3600) * 1000
# Longer than a request stays open.
_ASKS_KEEP_S = 31 * 24 * 3600.0
# People ask for more below what they asked for; of so many before it, one may still go on.
_BEFORE = 8


async def note_thread(store: Store, channel: str, thread: str, run_id: str) -> None:
    """`run_id` is the newest run of a thread, in its channel's own terms, from now on; for 400 days."""
    keys, name = _thread(store, channel, thread)
    if not await store.client.do("SET", keys.thread(name), run_id, "EX", _THREAD_KEEP_S, "NX"):
        await store.client.run(scripts.note_thread(keys, name, run_id, _THREAD_KEEP_S, _BEFORE))


async def begin_thread(store: Store, channel: str, thread: str, run_id: str) -> None:
    """`run_id` lives in a thread unless another run does already, though it may not have started; for 400 days."""
    keys, name = _thread(store, channel, thread)
    key = keys.thread(name)
    if int(await store.client.do("PTTL", key)) > _KEPT_ENOUGH_MS:
        return
    if not await store.client.do("SET", key, run_id, "NX", "EX", _THREAD_KEEP_S):
        await store.client.do("EXPIRE", key, _THREAD_KEEP_S)


async def may_begin_thread(store: Store, channel: str, thread: str, run_id: str) -> None:
    """`run_id` begins in a thread unless a run turns out to live there: it never keeps that one from being known."""
    keys, name = _thread(store, channel, thread)
    key = keys.thread_before(name)
    if not await store.client.do("EXISTS", keys.thread(name)) and await store.client.do("LPUSH", key, run_id):
        await store.client.do("LTRIM", key, 0, _BEFORE - 1)
        await store.client.do("EXPIRE", key, _THREAD_KEEP_S)


async def restore_thread(store: Store, channel: str, thread: str, run_id: str) -> None:
    """`run_id` lives in a thread, behind the runs that are known there; where it is one of these it keeps its place."""
    keys, name = _thread(store, channel, thread)
    if run_id in await runs_of_thread(store, channel, thread):
        return
    if not await store.client.do("SET", keys.thread(name), run_id, "EX", _THREAD_KEEP_S, "NX"):
        key = keys.thread_before(name)
        await store.client.do("RPUSH", key, run_id)
        await store.client.do("LTRIM", key, 0, _BEFORE - 1)
        await store.client.do("EXPIRE", key, _THREAD_KEEP_S)


async def note_question(store: Store, channel: str, thread: str, comment_id: str) -> None:
    """Note that the message above a thread asks for an answer to a comment."""
    await store.remember(_asks(channel, thread), comment_id.encode(), _ASKS_KEEP_S)


async def question_above(store: Store, channel: str, thread: str) -> str:
    """Return the comment to which the message above a thread asks for an answer; empty where it asks for none."""
    return (await store.remembered(_asks(channel, thread)) or b"").decode()


def _asks(channel: str, thread: str) -> str:
    return f"asks above {channel} {thread}"


def said_to(said_id: str) -> str:
    """Return the name under which it is kept to which runs a message was given."""
    return f"follows {said_id}"


async def runs_of_thread(store: Store, channel: str, thread: str) -> tuple[RunId, ...]:
    """The runs that live in a thread, the newest first; it may not have started yet."""
    keys, name = _thread(store, channel, thread)
    newest, older = await store.client.read(["GET", keys.thread(name)], ["LRANGE", keys.thread_before(name), "0", "-1"])
    return tuple(dict.fromkeys(RunId(one.decode()) for one in (newest, *older) if one))


async def run_of_thread(store: Store, channel: str, thread: str) -> RunId | None:
    """The newest run that lives in a thread."""
    return next(iter(await runs_of_thread(store, channel, thread)), None)


def _thread(store: Store, channel: str, thread: str) -> tuple[Keys, str]:
    name = f"{channel}:{thread}"
    return store.keys_of(name), name


async def has_effect(client: Client, request_ids: Iterable[str], reply_id: str) -> bool:
    """Return whether a reply has had its effect on one of these requests, which are of one run."""
    asked = [["HEXISTS", Keys.of(request_id).replies(request_id), reply_id] for request_id in request_ids]
    return any(await client.read(*asked)) if asked else False


async def claim_place(
    client: Client, request_id: RequestId, place: str, delivery_id: DeliveryId, follows: DeliveryId | None = None
) -> DeliveryId:
    """Claim a place, any name for it, for a request's shared card; return its owner.

    That is `delivery_id`, if it was nobody's or that of the one it `follows`. No lock: nobody gives it back, and asking
    again gives the same.
    """
    return DeliveryId(await _first(client, request_id, place, delivery_id, follows or ""))


async def keep_call(client: Client, request_id: RequestId, card: DeliveryId, whom: str) -> str:
    """Keep whom the shared card of a delivery mentions, unless that is kept already; return what is kept."""
    return await _first(client, request_id, f"calls {card}", whom)


async def _first(client: Client, request_id: RequestId, name: str, value: str, follows: str = "") -> str:
    key = Keys.of(request_id).places(request_id)
    found = await client.run(scripts.set_if(key, name, value, "", follows))
    return found.value.decode()


RUNS_AT_MOST = 20
"""The most runs of one handle; a run noted before that many others polls for itself, in its own time."""


async def note_handle(store: Store, handle: str, run_id: RunId, keep_s: float) -> None:
    """`run_id` waits for a handle, in the words of the outside, for `keep_s` at most. Noted again it is the newest."""
    keys, keep_ms = store.keys_of(_name(handle)), round(keep_s * 1000)
    key = keys.handle(handle)
    left_ms, *told = await store.client.read(["PTTL", key], *asked(keys))
    now, _ = adjusted(*told)
    await store.client.read(
        ["ZADD", key, scripts.at_ms(now), run_id],
        ["ZREMRANGEBYRANK", key, 0, -1 - RUNS_AT_MOST],
        ["PEXPIRE", key, max(left_ms, keep_ms)],
    )


async def runs_of_handle(store: Store, handle: str) -> tuple[RunId, ...]:
    """The runs that wait for a handle, or did, newest first."""
    noted = await store.client.do("ZREVRANGE", store.keys_of(_name(handle)).handle(handle), 0, -1)
    return tuple(RunId(run_id.decode()) for run_id in noted)


def _name(handle: str) -> str:
    return f"handle {handle}"


# Servers give up after four or five days (RFC 5321, 4.5.4.1).
_RECEIPT_KEEP_S = 7 * 24 * 3600


class Receipt(Frozen):
    """A sent message and its recipient: a person, or an address outside (`to`)."""

    kind: str
    run_id: RunId
    person: PersonId
    title: str
    to: str = ""


async def note_receipt(client: Client, outgoing_id: str, receipt: Receipt) -> None:
    """Keep the receipt of an outbox entry."""
    key = Keys.of(outgoing_id).receipt(outgoing_id)
    await client.do("SET", key, receipt.model_dump_json(), "EX", _RECEIPT_KEEP_S)


async def read_receipt(client: Client, outgoing_id: str) -> Receipt | None:
    """Return the receipt of an outbox entry; None for one that is unknown or too old."""
    body = await client.do("GET", Keys.of(outgoing_id).receipt(outgoing_id))
    return Receipt.model_validate_json(body) if body else None


class KeptReply(Frozen):
    """What a model answered, kept `until` then, without secrets; where it `is_cut` its end is left out."""

    text: str
    is_cut: bool = False
    until: AwareDatetime


async def keep_reply(client: Client, run_id: str, input_hash: str, reply: KeptReply, keep_s: float) -> None:
    """Keep a model's reply to what has this hash for `keep_s`, in place of an earlier one to the same."""
    key = Keys.of(run_id).reply(run_id, input_hash)
    await client.do("SET", key, reply.model_dump_json(), "PX", round(keep_s * 1000))


async def kept_replies(
    client: Client, run_id: str, input_hashes: Sequence[str], now: datetime
) -> dict[str, KeptReply]:  # fmt: skip
    """Return what is kept by `now` of a model's replies, by the hash of what they answer."""
    wanted = list(dict.fromkeys(filter(None, input_hashes)))
    if not wanted:
        return {}
    keys = Keys.of(run_id)
    bodies: list[bytes | None] = await client.do("MGET", *(keys.reply(run_id, one) for one in wanted))
    kept = {one: KeptReply.model_validate_json(body) for one, body in zip(wanted, bodies, strict=True) if body}
    return {one: reply for one, reply in kept.items() if reply.until > now}


# What a page still shows; the list of all runs has the others.
_SHOWN = 100


async def note_fork(client: Client, source: str, fork: str, at: datetime, *, has_left: bool = False) -> None:
    """`fork` is about to be made of `source`, or was.

    The list is kept with the source, in whose shard the fork is not: it is noted first, and shown once it exists. That
    of one that `has_left` goes with nothing, so it is kept as long as a thread.
    """
    key = Keys.of(source).forks(source)
    await client.do("ZADD", key, scripts.at_ms(at), fork)
    if has_left:
        await client.do("EXPIRE", key, _THREAD_KEEP_S)


async def forks_of(client: Client, source: str) -> tuple[str, ...]:
    """The newest forks of `source`, oldest first, also those that a crash kept from being made."""
    found: list[bytes] = await client.do("ZRANGE", Keys.of(source).forks(source), -_SHOWN, -1)
    return tuple(fork.decode() for fork in found)


HOME_KEEP_S = 30 * 24 * 3600
"""A Home not opened for longer is drawn by nothing but its opening."""


async def note_home(client: Client, person: str, at: datetime) -> None:
    """Note that somebody looked at their App Home."""
    ms = scripts.at_ms(at)
    await client.read(
        ["ZADD", _KEYS.homes, ms, person],
        ["ZREMRANGEBYSCORE", _KEYS.homes, "-inf", ms - HOME_KEEP_S * 1000],
    )


async def has_opened_home(client: Client, person: str, since: datetime) -> bool:
    """Return whether somebody has looked at their App Home since then."""
    found = await client.do("ZSCORE", _KEYS.homes, person)
    return found is not None and float(found) >= since.timestamp() * 1000


# Longer than anybody waits before asking people instead.
_RESULT_KEEP_S = 7 * 24 * 3600


def publish(redis_url: str, attempt_id: str, body: bytes) -> None:
    """Keep `body` as the result of an attempt. Raises StoreUnavailable while Redis is away."""
    asyncio.run(_publish(redis_url, attempt_id, body))


async def _publish(redis_url: str, attempt_id: str, body: bytes) -> None:
    client = Client(redis_url)
    try:
        await client.do("SET", Keys.of(attempt_id).result(attempt_id), body, "EX", _RESULT_KEEP_S)
    finally:
        await client.close()


SAYS_EVERY_S = 2.0
"""The interval at which a process publishes the state of its connection."""

LIVES_S = 6.0
"""The time a published state counts: after three that did not come, the process counts as gone."""

_INDEX_LIVES_S = 3_600

Connection = Literal["connected", "not connected", "nobody is connected"]
"""The state of Slack: at least one connection, none although a process tries, none as no process does."""


class LinkState(Frozen):
    """The state of one process's connection: since when, and why it is not there."""

    connected: bool
    since: AwareDatetime
    why: str = ""


async def note_link(client: Client, process: str, state: LinkState, lives_s: float = LIVES_S) -> None:
    """Publish the state of a process's connection to Slack; `process` is any name that no other one has."""
    await client.read(
        ["SET", _KEYS.links(process), state.model_dump_json(), "PX", round(lives_s * 1000)],
        ["SADD", _KEYS.links(), process],
        ["EXPIRE", _KEYS.links(), _INDEX_LIVES_S],
    )


async def remove_link(client: Client, process: str) -> None:
    """Remove a process's connection."""
    await client.read(["DEL", _KEYS.links(process)], ["SREM", _KEYS.links(), process])


async def links_of(client: Client) -> tuple[LinkState, ...]:
    """Return the state of each connection to Slack, connected ones first."""
    names: list[str] = sorted(name.decode() for name in await client.do("SMEMBERS", _KEYS.links()))
    if not names:
        return ()
    bodies: list[bytes | None] = await client.do("MGET", *map(_KEYS.links, names))
    gone = [name for name, body in zip(names, bodies, strict=True) if body is None]
    if gone:
        await client.do("SREM", _KEYS.links(), *gone)
    found = [LinkState.model_validate_json(body) for body in bodies if body is not None]
    return tuple(sorted(found, key=lambda state: (not state.connected, state.since)))


def connection(links: tuple[LinkState, ...]) -> Connection:
    """Return the state of Slack as a whole.

    One connection is enough: Slack sends over whichever there is.
    """
    if not links:
        return "nobody is connected"
    return "connected" if any(link.connected for link in links) else "not connected"


MARK_DAYS = 60
"""The time marks are kept: a request is open for 30 days at most, and its outcome is told soon after."""


class StoreMarks:
    """A `channels.Marks` in Redis, for the channel `name`. All raise StoreUnavailable while it is away."""

    def __init__(self, store: Store, name: str = "slack") -> None:
        self._store, self._name = store, name

    async def add_once(self, key: str) -> bool:
        """Add `key`; False when somebody added it before."""
        return await self._store.is_first(self._foreign(key), MARK_DAYS * 86_400.0)

    async def put_if_absent(self, key: str, value: str, days: int = MARK_DAYS) -> str:
        """Keep `value` under `key` for `days` unless there is something already; returns what is kept there now."""
        known, _ = await self._store.remember(self._foreign(key), value.encode(), days * 86_400.0)
        return known.decode()

    async def get(self, key: str) -> str | None:
        """Return what is kept under `key`."""
        found = await self._store.remembered(self._foreign(key))
        return None if found is None else found.decode()

    def _foreign(self, key: str) -> str:
        return f"{self._name} kept {key}"


COUNTS_FOR = timedelta(seconds=75)
"""The time a refusal counts: what waits for its end is retried in less than half of it."""


class Lockout(Frozen):
    """`channel` refuses us: `what` happened and what to `do`, `since` when and when it was last `seen`."""

    channel: str
    what: str
    do: str
    since: AwareDatetime
    seen: AwareDatetime


async def note_lockout(client: Client, channel: str, what: str, do: str) -> None:
    """Note that the channel refuses us just now."""
    known, now = await _lockouts(client)
    before = next((one for one in known if (one.channel, one.what) == (channel, what)), None)
    found = Lockout(channel=channel, what=what, do=do, since=before.since if before else now, seen=now)
    await client.do("HSET", _KEYS.lockouts, f"{channel} {what}", found.model_dump_json())


async def end_lockout(client: Client, channel: str, what: str) -> None:
    """Note that the channel takes again what it refused."""
    await client.do("HDEL", _KEYS.lockouts, f"{channel} {what}")


async def lockouts_of(client: Client) -> tuple[Lockout, ...]:
    """Return the current lockouts, oldest first."""
    return tuple(sorted((await _lockouts(client))[0], key=lambda one: one.since))


async def _lockouts(client: Client) -> tuple[list[Lockout], datetime]:
    """Those that count, by Redis's clock, and its time; the others are forgotten."""
    bodies, *told = await client.read(["HVALS", _KEYS.lockouts], *asked(_KEYS))
    found, now = [Lockout.model_validate_json(body) for body in bodies], adjusted(*told)[0]
    for gone in (one for one in found if now - one.seen >= COUNTS_FOR):
        await end_lockout(client, gone.channel, gone.what)
    return [one for one in found if now - one.seen < COUNTS_FOR], now


class Restored(Frozen):
    """What the store remembers of its restoration: its backup knew what happened up to `as_of`, put back `at`.

    `by_clock` is the same by Redis's own clock, as sayso's time may be far ahead of it: others' clocks are not.
    """

    as_of: AwareDatetime
    at: AwareDatetime
    by_clock: AwareDatetime


async def restoration(client: Client) -> Restored | None:
    """Return what is remembered of the last restoration; None where there was none."""
    body = await client.do("GET", _KEYS.restored)
    return Restored.model_validate_json(body) if body else None


async def restored_at(client: Client, *, by_clock: bool = False) -> datetime | None:
    """Return when this store was put back from a backup; None if it never was.

    `by_clock`: as Redis's own clock has it now, which may have been ahead then and been put right since.
    """
    restored = await restoration(client)
    if restored is None:
        return None
    if not by_clock:
        return restored.at
    _, ahead = adjusted(*await client.read(*asked(_KEYS)))
    return min(restored.by_clock, restored.at - ahead)
