"""Every script, as a function of what it is given: nobody else puts its keys and arguments in their order.

What a script is told in words it does not know stays text or bytes. `commit.lua` has a plan, which `commit.py` makes.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple, TypeVar, cast, get_args

from agents.run import RunState
from bot.store.client.line import Arg, Command
from bot.store.client.script import Call, Script
from bot.store.ids import WorkItem
from bot.store.keys import Keys

T = TypeVar("T")

_NAMES = (
    "accept", "admit", "bookmark", "bury", "figures", "forget_run", "freeze",
    "grant_standing", "grow_shards", "hold_mailbox", "keep_lease", "note_format", "note_thread",
    "put_off", "seal", "spend", "sweep", "take_lock", "use_of_day",
    "use_standing", "write_if",
)  # fmt: skip
_SCRIPTS = {name: Script(name) for name in _NAMES}


def _call(
    name: str, keys: Keys, names: Iterable[str], args: Sequence[Arg], read: Callable[[Any], T]
) -> Call[T]:  # fmt: skip
    script = _SCRIPTS[name]
    return Call(script, [*names, *script.shared(keys)], args, read)


# Inbox and schedule


class Known(NamedTuple):
    """The id that an inbound item has, whether it is new, and when it was accepted, if it was now."""

    id: str
    is_new: bool
    at_ms: bytes | None


def accept(
    keys: Keys, item_id: str, foreign: str, body: bytes, raw: bytes, keep_ms: int, grace_ms: int, *,
    is_answer: bool, push: bool, who: str,
) -> Call[Known]:  # fmt: skip
    """Make an inbound item durable once."""
    names = [keys.seen(foreign), keys.inbound(item_id), keys.wake, keys.answers if is_answer else keys.messages]
    args = [item_id, body, raw, keep_ms, str(WorkItem("in", item_id)), grace_ms, int(push), who]

    def read(reply: Sequence[Any]) -> Known:
        return Known(reply[0].decode(), bool(reply[1]), reply[2] if len(reply) > 2 else None)

    return _call("accept", keys, names, args, read)


def admit(keys: Keys, sender: str, trigger: str, most: int, per_ms: int) -> Call[bool]:
    """Count a trigger against its sender's limit, once."""
    return _call("admit", keys, [keys.window(sender)], [trigger, most, per_ms], bool)


def put_off(keys: Keys, item: WorkItem, wait_ms: int, keep_ms: int) -> Call[int]:
    """Count a failure, and schedule the next try."""
    is_run = item.kind == "run"
    names = [keys.tries(item.id), keys.wake, *([keys.run(item.id)] if is_run else [])]
    return _call("put_off", keys, names, [str(item), wait_ms, keep_ms, int(is_run)], int)


def bury(keys: Keys, item: WorkItem, note: bytes, most: int | None, *, is_held: bool) -> Call[list[str]]:
    """Give something up, or hold it; the ids of what is forgotten in its place, of a message that `most` counts."""
    names, bound = [keys.tries(item.id), keys.wake, keys.dead], ""
    if item.kind in ("in", "out") and most is not None:
        names += [keys.held if is_held else keys.given_up, keys.outbox, keys.inbound("")]
        names += [keys.inbound(item.id)] if is_held else []
        bound = str(most)

    def read(reply: Sequence[bytes]) -> list[str]:
        return [one.decode() for one in reply]

    return _call("bury", keys, names, [item.id, str(item), note, bound, int(is_held)], read)


def sweep(keys: Keys, grace_ms: int, at_most: int) -> Call[list[WorkItem]]:
    """Push what is due, or nobody took."""

    def read(reply: Sequence[bytes]) -> list[WorkItem]:
        return [WorkItem.parse(member.decode()) for member in reply]

    return _call("sweep", keys, [keys.wake, keys.ready, keys.messages], [grace_ms, at_most], read)


# Runs and attempts


def renew(keys: Keys, run_id: str, attempt_id: str, lease_ms: int) -> Call[bool]:
    """Move the end of an attempt's lease; 0 ms give it up."""
    names, member = [keys.attempts(run_id), keys.wake], str(WorkItem("run", run_id))
    return _call("keep_lease", keys, names, [attempt_id, "", lease_ms, member], bool)


def forget_run(
    keys: Keys, run_id: str, seq: int, records: Mapping[str, int], dead: Collection[str], deliveries: Collection[str],
    bits: Sequence[int], lists: Iterable[str], request_lists: Iterable[str], whole: Iterable[str],
) -> Call[bool]:  # fmt: skip
    """Take a run out, with the versions of its `records`, from its `lists` and theirs, and what is `whole` its own."""
    names = [
        keys.run(run_id), keys.attempts(run_id), keys.wake, keys.outbox, keys.deliveries, keys.dead, keys.summaries,
        keys.requests, keys.archived, keys.left, keys.approved_waits,
    ]  # fmt: skip

    def places(more: Iterable[str]) -> list[int]:
        before = len(names)
        names.extend(more)
        return list(range(before + 1, len(names) + 1))

    own = places(map(keys.request, records))
    plan: dict[str, Any] = {
        "run": run_id,
        "seq": seq,
        "requests": [
            {"id": one, "version": version, "key": at}
            for (one, version), at in zip(records.items(), own, strict=True)
        ],
        "dead": list(dead),
        "bits": bits,
        "deliveries": list(deliveries),
        "lists": places(lists),
        "seen": places(request_lists),
        "whole": [*own, *places(whole)],
    }  # fmt: skip
    return _call("forget_run", keys, names, [json.dumps(plan)], bool)


def figures(keys: Keys, ages_ms: Sequence[int]) -> Call[Sequence[Any]]:
    """What operators ask of a shard; `lists.py` reads it."""
    names = [
        keys.held, keys.wake, keys.outbox, keys.dead, keys.open, keys.runs, keys.counts, keys.model_use, keys.answers,
        keys.messages, keys.ready, keys.archived, keys.audit_new,
        *(keys.runs_in(state) for state in get_args(RunState)),
    ]  # fmt: skip
    return _call("figures", keys, names, ages_ms, list)


# Compare and set


class If(NamedTuple):
    """A key, or with a `field` one of a hash, and what it may hold for a write to happen; "" is nothing."""

    key: str
    may_be: Sequence[Arg]
    field: Arg = ""


class Now(NamedTuple):
    """Whether it was written, and else what is there in its place; nothing is empty."""

    is_set: bool
    value: bytes


def write_if(conditions: Sequence[If], *commands: Command) -> Call[Now]:
    """Run commands, each of one key that comes first in it, if all `conditions` hold; else nothing."""
    names = [condition.key for condition in conditions]
    args: list[Arg] = [len(conditions)]
    for condition in conditions:
        args += [condition.field, len(condition.may_be), *condition.may_be]
    for name, key, *words in commands:
        names.append(str(key))
        args += [name, len(names), len(words), *words]
    return Call(_SCRIPTS["write_if"], names, args, lambda reply: Now(bool(reply[0]), reply[1]))


def set_if(key: str, field: Arg, value: Arg, *there: Arg, also: Sequence[Command] = ()) -> Call[Now]:
    """Set a field, or with an empty `value` take it out, if one of `there` is there; an empty one is nothing.

    What is `also` to be written comes first: the field stays as it is where that can't be. Returns what is there then.
    """
    command = ["HSET", key, field, value] if value else ["HDEL", key, field]
    call = write_if([If(key, there, field)], *also, command)
    after = value if isinstance(value, bytes) else str(value).encode()

    def read(reply: Any) -> Now:
        found = call.read(reply)
        return Now(found.is_set, after if found.is_set else found.value)

    return Call(call.script, call.keys, call.args, read)


# Locks, claims and counts


class Turn(NamedTuple):
    """How taking a lock went, who holds it or is first, and the fence."""

    state: Literal["taken", "held", "left", "queued"]
    who: str
    fence: int


def take_lock(keys: Keys, name: str, who: str, lease_ms: int, gone: str, asks_ms: int) -> Call[Turn]:
    """Take a lock, from `gone` if that one's lease is over; whoever asks no more within `asks_ms` waits no longer."""

    def read(reply: Sequence[bytes]) -> Turn:
        return Turn(cast("Any", reply[0].decode()), reply[1].decode(), int(reply[2]))

    return _call("take_lock", keys, [keys.lock(name), keys.lock_queue(name)], [who, lease_ms, gone, asks_ms], read)


def keep_lock(keys: Keys, name: str, who: str, fence: int, lease_ms: int) -> Call[bool]:
    """Move the end of a lock's lease; 0 ms give it up."""
    return _call("keep_lease", keys, [keys.lock(name)], [who, fence, lease_ms], bool)


def hold(key: str, who: str, ms: int) -> Call[bool]:
    """Take something for so long, keep it, or give it up (0 ms)."""
    return Call(_SCRIPTS["hold_mailbox"], [key], [who, ms], bool)


def bookmark(
    keys: Keys, mark: str, mails: str, validity: int, uid: int, since: str, mail: str, remembers: int
) -> Call[bool]:  # fmt: skip
    """Move a mailbox's bookmark, never back, and remember one mail."""
    return _call("bookmark", keys, [mark, mails], [validity, uid, since, mail, remembers], bool)


def note_thread(keys: Keys, name: str, run_id: str, keep_s: int, most: int) -> Call[bool]:
    """Note another run as the newest of a thread."""
    names = [keys.thread(name), keys.thread_before(name)]
    return _call("note_thread", keys, names, [run_id, keep_s, most], bool)


def use_of_day(key: str, run_id: str, seq: int, keep_ms: int, used: Mapping[str, int]) -> Call[bool]:
    """Count all that a run has used of a day."""
    pairs = [part for pair in used.items() for part in pair]
    return Call(_SCRIPTS["use_of_day"], [key], [run_id, seq, keep_ms, *pairs], bool)


# People's rules and ways


def freeze(keys: Keys, number: int, follows: int | None, bodies: Mapping[str, str]) -> Call[bool]:
    """Replace what is frozen in a shard; without `follows` whatever number it had."""
    args = [str(number), "" if follows is None else str(follows)]
    return _call("freeze", keys, [keys.frozen], [*args, *(part for pair in bodies.items() for part in pair)], bool)


def grant_standing(
    keys: Keys, standing_id: str, person: str, body: str, uses: int, until_ms: int, kept_ms: int, most: int
) -> Call[bool]:  # fmt: skip
    """Write down a standing approval, once; False where its person has too many."""
    names = [keys.standing(standing_id), keys.standings, keys.standings_of(person)]
    args = [standing_id, body, uses, until_ms, kept_ms, most]
    return _call("grant_standing", keys, names, args, b"granted".__eq__)


def use_standing(keys: Keys, standing_id: str, request_id: str, body: str) -> Call[int]:
    """Count one use, once for its request; its number, 0 where none is left."""
    return _call("use_standing", keys, [keys.standing(standing_id)], [request_id, body], int)


def spend(keys: Keys, login: str, session: str, body: str, keep_ms: int) -> Call[bool]:
    """Spend a log-in link for a session, once."""
    return _call("spend", keys, [keys.login(login), keys.session(session)], [body, keep_ms], bool)


# The audit log


def note_audit(keys: Keys, note_id: str, body: str) -> Call[Now]:
    """Note a fact outside runs for the sealer, once."""
    noted = keys.audit_noted(note_id)
    is_new = If(noted, [""])
    return write_if([is_new], ["XADD", keys.audit_new, "*", "note", body], ["SET", noted, "1", "PX", 600_000])


class Sealed(NamedTuple):
    """One sealed record as it is written: its number, its body, its seal, and what is kept of it."""

    place: int
    body: Arg
    seal: str
    kept: Arg


def seal(
    keys: Keys, before: str, after: str, facts: Sequence[str], records: Sequence[Sealed],
    people: Mapping[str, str], known: int,
) -> Call[bool]:  # fmt: skip
    """Append sealed records to the chain, and drop the `facts` that they are of; `known` pseudonyms were read."""
    names = [keys.audit_head, keys.audit_chain, keys.audit_kept, keys.audit_people]
    args: list[Arg] = [before, after, len(facts), len(records), len(people), known, *facts]
    args += [part for record in records for part in record]
    args += [part for row in people.items() for part in row]
    return _call("seal", keys, names, args, bool)


def trim_audit(keys: Keys, before: str, after: str, first: int, last: int) -> Call[bool]:
    """Take records out of Redis that the archive holds, unless somebody else has; True once that is done.

    First it is noted, and then done: what stands in both places is read once.
    """
    places = range(first, last + 1)
    call = write_if(
        [If(keys.audit_archived, [before])],
        ["SET", keys.audit_archived, after],
        ["XTRIM", keys.audit_chain, "MINID", f"0-{last + 1}"],
        *(["HDEL", keys.audit_kept, *places[begin : begin + 1000]] for begin in range(0, len(places), 1000)),
    )

    def read(reply: Any) -> bool:
        found = call.read(reply)
        return found.is_set or found.value == after.encode()  # own repeat: the answer to an earlier try was lost

    return Call(call.script, call.keys, call.args, read)


def forget_people(keys: Keys, head: str, pseudonyms: Sequence[str]) -> Call[Now]:
    """Delete whom pseudonyms stand for, unless a record has come since that `head` whose texts may be of them."""
    return write_if([If(keys.audit_head, [head])], ["HDEL", keys.audit_people, *pseudonyms])


# The store itself


def note_format(keys: Keys, used: Sequence[str], number: int, name: str) -> Call[bytes]:
    """The number of the store's format; one of which no key is `used` gets ours, and a name."""
    return _call("note_format", keys, [keys.format, keys.mark, *used], [number, name], bytes)


def grow_shards(keys: Keys, shards: int) -> Call[tuple[bytes, bytes]]:
    """Note the number of shards; the number that is there then, and the first one."""
    return _call("grow_shards", keys, [keys.shards, keys.first_shards], [shards], tuple)


def close(keys: Keys, mark: str, shards: str, closed: str) -> Call[Now]:
    """Close a store that went back, if its mark and its number of shards are what was read."""
    return write_if([If(keys.mark, [mark]), If(keys.shards, [shards])], ["SET", keys.shards, closed])


def at_ms(moment: datetime) -> int:
    """A moment as the scripts have it: milliseconds since 1970."""
    return round(moment.timestamp() * 1000)
