"""One atomic change to a run and everything that follows from it."""

import json
import secrets
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple, get_args

from agents.events import Event, write_event
from agents.model.usage import used
from agents.run import RunState
from bot.policy.approvers.concern import people_in, widens
from bot.policy.audited import OF_EVENTS
from bot.store.client.script import Call, Script
from bot.store.ids import WorkItem
from bot.store.keys import Keys
from bot.store.outbox_entry import places_card
from bot.store.scripts import at_ms

_COMMIT = Script("commit")

# A run that goes on and on is stopped by its own agent's limits long before; this one protects the store.
MAX_EVENTS = 10_000
# What people say, what becomes of deliveries, and the end itself still find room.
MAX_EVENTS_AT_ALL = 12_000
# Each newer one closes those before it, so only the last few can still wait.
MOST_IN_A_PLACE = 100
# As long as a request may stay open: whoever decides at the last moment can still look at what was attached.
FILES_S = 30 * 24 * 3600


@dataclass(frozen=True, slots=True)
class RecordWrite:
    """A request's record after the change; `version` is the one that was read, 0 for a new one.

    It stands in lists by when it was `opened_at`, also in those of everybody it `concerns`, and while it is open in
    those of the `people` on whom it waits; it leaves those of `others`. With `before` the whole change is refused from
    that moment on, and a start once the freezes by people are not those of the number `frozen` any more. In a `place`,
    the newest are listed whatever becomes of them; `was_in` is the one where it was listed until now. What it approves
    `waits`, or does so no longer.
    """

    request_id: str
    version: int
    state: str
    body: bytes
    opened_at: datetime
    people: Sequence[str] = ()
    before: datetime | None = None
    frozen: int = 0
    concerns: Collection[str] = ()
    place: str = ""
    was_in: str | None = None
    others: Sequence[str] = ()
    waits: bool | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A run's line in lists: an opaque body, and where it is found."""

    body: bytes
    state: RunState
    requester: str
    agent: str
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Once:
    """Makes the change happen once for a `key`: the first one's `outcome` is what every repeat is told.

    `about` is the request, the step or the run that the keys belong to: they are kept with it. A reply's key is its
    id.
    """

    about: str
    key: str
    outcome: bytes


@dataclass(frozen=True, slots=True)
class Wake:
    """Schedules `item` for `at`. Without `at` a worker can take it now, and it is scheduled in case none finishes it.

    Where it is new work, `who` asked for it: people's new work is done in turns.
    """

    item: WorkItem
    at: datetime | None = None
    who: str = ""


@dataclass(frozen=True, slots=True)
class Rest:
    """The end of a run's turn: it is looked at again at `due`, or when something comes in.

    Where an attempt is `under_way`, it is looked at when the lease of that one ends.
    """

    due: datetime | None = None
    under_way: bool = True


@dataclass(frozen=True, slots=True)
class Ends:
    """The end of an `attempt`: `finished` with what it gave, which is written wherever the run is now; or `orphaned`.

    That takes the lease from a dead owner, or where it `is_own`, back from whoever has it.
    """

    attempt: str
    becomes: Literal["finished", "orphaned"]
    is_own: bool = False


class Seen(NamedTuple):
    """What a process has seen of a shard: its starts, the number of the settled audit record, and that one's seal."""

    starts: str
    n: int
    seal: str


@dataclass(frozen=True, slots=True)
class Takes:
    """The begin of an `attempt`, which holds the run's lease for so long; with 0 ms it is over with its start.

    It is refused where the store lacks what was `seen` of it, where somebody has the lease, and where it is for a
    record that is not approved, or people have frozen or unfrozen something since that was looked at.
    """

    attempt: str
    lease_ms: int
    seen: Seen


@dataclass(frozen=True, slots=True)
class Commit:
    """The data of one write.

    `expect` fences it by the run's sequence; None appends wherever the run is now. `outgoing` are new outbox entries;
    `sent` is the one that this change ends, or `inbound` the inbound item: when it is gone already, nothing is written.
    `attempt` is one that begins, whose id the change has then, or ends. `files`, hashes and contents, are kept for
    `FILES_S`. The `summary` puts the run into every list it belongs to; where it `is_rebuilt`,
    also into those where it should stand by now. It `concerns` people beside those whom the events name, and all of
    them find it in their lists. With `rest` the run's turn ends with this change, which has to be fenced. With
    `is_there` nothing is written to a run that has left for the archive, and with `frozen`, the number of the freezes
    by people that it was made by, nothing once these have changed; the request that `waits` for the end of one is found
    once it ends. `counts` is what it is counted as for operators, by the names of `bot.store.lists`. `commit` names the
    change, so that repeating it is harmless.
    """

    run_id: str
    events: Sequence[Event] = ()
    expect: int | None = None
    records: Sequence[RecordWrite] = ()
    once: Once | None = None
    outgoing: Sequence[tuple[str, bytes]] = ()
    deliveries: Sequence[tuple[str, bytes]] = ()
    sent: str | None = None
    inbound: str | None = None
    attempt: Takes | Ends | None = None
    wake: Sequence[Wake] = ()
    asleep: Sequence[WorkItem] = ()
    files: Sequence[tuple[str, bytes]] = ()
    summary: Line | None = None
    rest: Rest | None = None
    is_rebuilt: bool = False
    concerns: Collection[str] = ()
    is_there: bool = False
    frozen: int | None = None
    waits: str = ""
    limit: int = MAX_EVENTS
    counts: Mapping[str, int] = field(default_factory=dict[str, int])
    commit: str = field(default_factory=lambda: secrets.token_hex(8))

    @property
    def due_now(self) -> Iterable[WorkItem]:
        """What is to be done as soon as it is written."""
        yield from (WorkItem("out", entry) for entry, _ in self.outgoing)
        yield from (wake.item for wake in self.wake if wake.at is None)


@dataclass(frozen=True, slots=True)
class Accepted:
    """An inbound item as it is kept: `foreign` is its id where it came from, which is known again for `keep_s`.

    `who` seems to have sent it: new work is done in turns.
    """

    id: str
    foreign: str
    body: bytes
    raw: bytes
    keep_s: float
    is_answer: bool = False
    who: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """The same as it waits to be handled; `at` is when it was accepted."""

    body: bytes
    raw: bytes
    at: datetime


WriteState = Literal["committed", "started", "conflict", "late", "repeat", "gone", "full", "alive", "frozen", "back"]


@dataclass(frozen=True, slots=True)
class Written:
    """The outcome of a write.

    `conflict`: something changed since it was looked at. `late`: the time was over. `repeat`: the key was known,
    `outcome` is what was told then. `gone`: it had been done before. `full`: the run has too many events. `alive`: the
    owner of the attempt has its lease. `started`: an attempt has begun, and these are the `starts` of its shard now.
    `frozen`: what it is for must not begin. `back`: the store lacks what was seen of it.
    """

    state: WriteState
    seq: int = 0
    outcome: bytes = b""
    starts: str = ""


def stamped(event: Event, release: str) -> bytes:
    """`event` as it is stored: under `release`, unless it says already under which one it came about."""
    return write_event(event if event.release else event.model_copy(update={"release": release}))


def encode(commit: Commit, grace_ms: int, release: str = "", *, push: bool = True) -> Call[Written]:
    """Return the call of `commit.lua`; with `push` any worker can take at once what is to be done now.

    Raises ValueError for a change that ends two things: they could not be ended together or not at all.
    """
    if commit.sent and commit.inbound:
        raise ValueError(f"one change can't end both {commit.sent} and {commit.inbound}")
    keys, args = Keys.of(commit.run_id), list[str | bytes]([b""])
    names = [
        keys.run(commit.run_id), keys.wake, keys.outbox, keys.deliveries, keys.summaries, keys.requests,
        # What an answer causes overtakes new work, as it did itself.
        keys.answers if commit.once and commit.counts else keys.ready,
    ]  # fmt: skip

    def body(content: bytes) -> int:
        args.append(content)
        return len(args)

    def key(name: str) -> int:
        names.append(name)
        return len(names)

    events = [body(stamped(event, release)) for event in commit.events]
    outgoing = [{"id": name, "body": body(content)} for name, content in commit.outgoing]
    plan: dict[str, Any] = {
        "run": commit.run_id,
        "commit": commit.attempt.attempt if isinstance(commit.attempt, Takes) else commit.commit,
        "expect": commit.expect,
        "grace": grace_ms if commit.outgoing or commit.wake else None,
        "push": push if commit.outgoing or commit.wake else None,
        "anew": commit.is_rebuilt,
        "there": commit.is_there or None,
        "frozen": None if commit.frozen is None else {"key": key(keys.frozen), "n": str(commit.frozen)},
        "limit": commit.limit,
        "events": events,
        "audited": _audited(commit, outgoing),
        "records": [_record(record, key, body, keys, commit) for record in commit.records],
        "outgoing": outgoing,
        "deliveries": [{"id": name, "body": body(content)} for name, content in commit.deliveries],
        "concerned": _concerned(commit, keys, key),
        "sent": commit.sent,
        "inbound": key(keys.inbound(commit.inbound)) if commit.inbound else None,
        "wake": [_wish(wake) for wake in commit.wake],
        "files": [
            {"key": key(keys.file(commit.run_id, name)), "body": body(content)} for name, content in commit.files
        ],
        "files_ms": FILES_S * 1000 if commit.files else None,
        "asleep": [*map(str, commit.asleep), *map(str, _ended(commit))],
    }
    match commit.attempt:
        case Takes() as takes:
            plan["takes"] = _takes(takes, commit, keys, key)
        case Ends(attempt, becomes, is_own):
            at = key(keys.attempts(commit.run_id))
            plan["ends"] = _known({"key": at, "attempt": attempt, "becomes": becomes, "own": is_own})
        case None:
            pass
    if commit.waits:
        plan["waits"] = {"key": key(keys.approved_waits), "id": commit.waits}
    if commit.once:
        where = key(keys.replies(commit.once.about))
        plan["once"] = {"key": where, "field": commit.once.key, "body": body(commit.once.outcome)}
    counted = {keys.counts: commit.counts, keys.model_use: used(commit.events)}
    plan["counted"] = [{"key": key(name), "by": sorted(by.items())} for name, by in counted.items() if by]
    if commit.rest:
        member = str(WorkItem("run", commit.run_id))
        plan["rest"] = {"member": member} | _known({"due": _ms(commit.rest.due)})
        if commit.rest.under_way:
            plan["rest"]["attempts"] = key(keys.attempts(commit.run_id))
    if commit.summary is not None:
        at, first = _ms(commit.summary.started_at), len(names) + 1
        state = commit.summary.state
        plan["summary"] = {"body": body(commit.summary.body), "state": state, "at": at, "first": first}
        names += lists_of(commit.summary, keys)
    args[0] = json.dumps(_known(plan))
    return Call(_COMMIT, [*names, *_COMMIT.shared(keys)], args, decode)


def _ended(commit: Commit) -> Iterable[WorkItem]:
    """What need not be done any more, as this change ends it."""
    yield from (WorkItem("in", commit.inbound),) if commit.inbound else ()
    yield from (WorkItem("out", commit.sent),) if commit.sent else ()


def _takes(takes: Takes, commit: Commit, keys: Keys, key: Callable[[str], int]) -> dict[str, Any]:
    seen, frozen = takes.seen, next((one.frozen for one in commit.records), None)
    return {
        "attempt": takes.attempt,
        "lease": takes.lease_ms,
        "key": key(keys.attempts(commit.run_id)),
        "starts": key(keys.starts),
        "sealed": key(keys.audit_head),
        "seen": seen.starts,
        "n": seen.n,
    } | _known(
        {
            "seal": seen.seal if seen.n else None,
            "chain": key(keys.audit_chain) if seen.n else None,
            "frozen": None if frozen is None else key(keys.frozen),
            "number": None if frozen is None else str(frozen),
        }
    )


def _audited(commit: Commit, outgoing: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Return what the audit log is to have of `commit` beside its events, None where it records none of those.

    The cards that it puts in front of people are in the bodies of `outgoing`, which are sent once.
    """
    if not any(type(event) in OF_EVENTS for event in commit.events):
        return None
    placing = zip(outgoing, commit.outgoing, strict=True)
    return _known({"cards": [entry["body"] for entry, (_, content) in placing if places_card(content)] or None})


def _wish(wake: Wake) -> dict[str, Any]:
    return _known({"member": str(wake.item), "at": _ms(wake.at), "who": wake.who or None})


def _concerned(commit: Commit, keys: Keys, key: Callable[[str], int]) -> dict[str, Any] | None:
    """Return in whose lists the run stands from now on; None where that does not change."""
    people = people_in(commit.events).union(commit.concerns)
    if commit.summary and commit.expect and not commit.is_rebuilt:
        people -= {commit.summary.requester}  # in their list since the run began
    seen = [key(keys.runs_seen_by(person)) for person in sorted(people)]
    return {"runs": key(keys.runs), "seen": seen} if seen else None


def lists_of(line: Line, keys: Keys) -> Iterable[str]:
    """The lists that a run belongs to by its line, whose state says which of the last ones."""
    yield from (keys.runs, keys.runs_by(line.requester), keys.runs_of(line.agent))
    yield from (keys.runs_in(state) for state in get_args(RunState))


def _known(values: dict[str, Any]) -> dict[str, Any]:
    """Drop what is none: Lua's JSON reader makes of it something that counts as true."""
    return {name: value for name, value in values.items() if value is not None and value is not False and value != []}


def _record(
    record: RecordWrite, key: Callable[[str], int], body: Callable[[bytes], int], keys: Keys, commit: Commit
) -> dict[str, Any]:
    is_new = record.version == 0 or commit.is_rebuilt
    is_wider, is_listed = is_new or any(map(widens, commit.events)), is_new or record.was_in is not None
    written: dict[str, Any] = {
        "key": key(keys.request(record.request_id)),
        "version": record.version,
        "state": record.state,
        "body": body(record.body),
        "id": record.request_id,
    }
    if isinstance(commit.attempt, Takes):  # an approval with no moment from which it is too old starts nothing
        waits = {"key": key(keys.approved_waits), "by": "SREM"}
        return written | {"before": _ms(record.before) or 0, "waits": waits}
    written |= {
        "at": _ms(record.opened_at),
        "open": [key(name) for name in (keys.open, *map(keys.requests_for, dict.fromkeys(record.people)))],
        "left": [key(keys.requests_for(person)) for person in record.others],
        "seen": [key(keys.requests_seen_by(person)) for person in sorted(record.concerns)] if is_wider else [],
        "before": _ms(record.before),
        "place": key(keys.requests_in(record.place)) if record.place and is_listed else None,
        "most": MOST_IN_A_PLACE,
    }
    if record.was_in:
        written["left"] += [key(keys.requests_in(record.was_in))]
    if record.waits is not None:
        written["waits"] = {"key": key(keys.approved_waits), "by": "SADD" if record.waits else "SREM"}
    return _known(written)


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else at_ms(moment)


def decode(reply: Sequence[Any]) -> Written:
    """Parse the reply of `commit.lua`."""
    state = reply[0].decode()
    if state == "repeat":
        return Written(state, outcome=reply[1])
    if state == "started":
        return Written(state, seq=int(reply[1]), starts=reply[2].decode())
    return Written(state, seq=int(reply[1]))


@dataclass(frozen=True, slots=True)
class Loaded:
    """A run's events as they stand, and the time they were read at.

    They come after the first `after` of them, which the caller knows. `commit` is the change that wrote the last one.
    """

    events: tuple[Event, ...]
    now: datetime
    after: int = 0
    commit: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """A request's record: opaque `body`, and the version that the next change must name."""

    version: int
    body: bytes
    now: datetime


@dataclass(frozen=True, slots=True)
class Start:
    """The answer whether an attempt may go ahead; `late` if the approval has become too old.

    `frozen`: people have frozen or unfrozen something since that was looked at.

    `unconfirmed`: it is recorded, and too few replicas have it.
    """

    state: Literal["started", "conflict", "late", "frozen", "unconfirmed"]
