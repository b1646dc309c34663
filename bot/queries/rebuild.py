"""Indexes made anew from the events, which are the only truth. Nothing is decided, sent or executed by it."""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import structlog

from agents.budgets import spent_by_day
from agents.events import (
    AnswerNoted,
    CardDelivered,
    CardReplaced,
    DeliveryFailed,
    Event,
    RequestOpened,
    RequestReassigned,
    RequestRevised,
    own,
)
from agents.requests import DeliveryId, Holder, Request, RequestId, RunId
from agents.requests.record import RequestRecord, step_requests
from agents.run import Run, fold
from bot.policy.approvers.concern import concern_of
from bot.policy.glass import broken
from bot.render.status_line import StatusLines, written_in
from bot.render.views import line_of
from bot.store import Commit, Store, Wake, WorkItem
from bot.store.indexes import begin_thread, note_fork, restore_thread
from bot.store.journal import record_write
from bot.store.outbox_entry import Delivery
from channels import Address, Placement

log = structlog.stdlib.get_logger()

_Home = tuple[datetime, str, str, RunId]
"""When a run began that goes on, a channel and a thread where it lives, and its id."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The numbers of items made anew, of those among them that had differed, and of runs that can't be read."""

    runs: int = 0
    requests: int = 0
    differed: int = 0
    unread: int = 0


async def rebuild(store: Store) -> Rebuilt:
    """Every record, summary, delivery, thread and day's use, and a wake-up for what is not settled.

    What was given up on stays so until somebody has it done again. Workers may run meanwhile.
    """
    found, homes, given_up = Rebuilt(), list[_Home](), frozenset(await store.lists.dead())
    for run_id in await store.lists.runs():
        try:
            made = await _run_anew(store, run_id, homes, given_up)
        except ValueError:
            log.exception("a run can't be read, so nothing of it was rebuilt", run_id=run_id)
            found = replace(found, unread=found.unread + 1)
            continue
        if made:
            requests, differed = made
            found = Rebuilt(found.runs + 1, found.requests + requests, found.differed + differed, found.unread)
    for _, channel, thread, run_id in sorted(homes, reverse=True):
        await restore_thread(store, channel, thread, run_id)
    return found


async def _run_anew(store: Store, run_id: str, homes: list[_Home], given_up: Container[str]) -> tuple[int, int] | None:
    """(records, how many differed) of one run, written only if it has not moved on since it was read.

    None where it has left for the archive since it was listed. Where it lives while it goes on is added to `homes`.
    """
    while events := (await store.load(run_id)).events:
        run = fold(events)
        told = run.requests
        stored = {request_id: await store.record(request_id) for request_id in told}
        writes = [record_write(told[request_id], old.version if old else 0) for request_id, old in stored.items()]
        due = [_next_look(one) for one in told.values() if one.state == "open"]
        due += [Wake(WorkItem("glass", one.request.id)) for one in told.values() if broken(one)]
        due += [] if run.ended else [Wake(WorkItem("run", run_id))]
        commit = Commit(
            run_id=run_id,
            expect=len(events),
            records=writes,
            deliveries=list(placed(events)),
            wake=[one for one in due if one.item.id not in given_up],
            summary=line_of(run),
            concerns=concern_of(run).everybody,
            is_rebuilt=True,
        )
        if (await store.commit(commit)).state == "committed":
            homes += await _threads_anew(store, run)
            await _days_anew(store, run, events)
            if run.forked and run.forked.how != "import":
                source = run.forked.source
                await note_fork(store.client, source, run.id, run.forked.at, has_left=not await store.length(source))
            olds = stored.values()
            return len(told), sum(old is None or old.body != new.body for old, new in zip(olds, writes, strict=True))
    return None


def _next_look(record: RequestRecord) -> Wake:
    """When it is looked at next. Where more than its expiry is to come, that look finds out when.

    The policy says when its first step escalates, and what is asked when the one in force does.
    """
    request = record.request
    has_more = request.policy.remind_after_s or record.asked.escalate_after_s
    return Wake(WorkItem("ask", request.id), None if has_more else request.expires_at)


async def _threads_anew(store: Store, run: Run) -> Sequence[_Home]:
    """Restore the threads where people write to `run`; return those that it has as one that goes on.

    Those are restored once all are known: of several that go on in one place, a stop is for the newest.
    """
    places = {(run.started.channel, run.started.thread)} if run.started else set[tuple[str, str]]()
    cards = [card for card in run.cards if not card.together]
    places |= {(card.channel, thread) for card in cards for thread in (card.thread, card.handle)}
    if line := await StatusLines(store).find(run.id):
        places |= {(line.address.channel, thread) for thread in written_in(line)}
    there = [place for place in places if place[1]]
    if run.started and run.started.parent is None and not run.ended:
        return [(run.started.at, *place, run.id) for place in there]
    for channel, thread in there:
        await begin_thread(store, channel, thread, run.id)
    return ()


async def _days_anew(store: Store, run: Run, events: tuple[Event, ...]) -> None:
    """Restore the spending of `run` on days that count: today and yesterday, still today for a thought under way."""
    oldest = (await store.now(run.id)).astimezone(UTC).date() - timedelta(days=1)
    for day, spent in spent_by_day(events).items():
        if run.started and day >= oldest:
            await store.days.note(run.started.agent, day, run.id, run.seq, spent)


def placed(events: tuple[Event, ...]) -> Iterator[tuple[DeliveryId, bytes]]:
    """The cards in front of people: (delivery id, body). Those of a copied story are another run's."""
    events = tuple(own(events))
    sent = {event.delivery_id: event for event in events if isinstance(event, CardDelivered)}
    failed, called = _failed(events), _called(events)
    records: Mapping[RequestId, RequestRecord] = {}
    for event in events:
        records = step_requests(records, event)
        match event:
            case RequestOpened() | RequestRevised():
                request_id, holders = event.request.id, event.holders
            case RequestReassigned() | AnswerNoted():
                request_id, holders = event.request_id, event.holders
            case CardReplaced(holder=Holder() as holder):
                request_id, holders = event.request_id, (holder,)
            case _:
                continue
        if request_id not in records:
            continue
        request = records[request_id].request
        about = event.reply_id if isinstance(event, AnswerNoted) else ""
        for holder in holders:
            found = holder.delivery_id
            asks = not (holder.place or isinstance(event, CardReplaced | AnswerNoted))
            made = _placed(request, holder, sent.get(found), failed.get(found, {}), about)
            made = made.model_copy(update={"asks": asks, "called": tuple(called.get(found, {}))})
            yield found, made.model_dump_json().encode()


def _called(events: tuple[Event, ...]) -> dict[DeliveryId, dict[DeliveryId, None]]:
    """Return, for each card that several see, the deliveries of those whom it or a line below it mentions."""
    found: dict[DeliveryId, dict[DeliveryId, None]] = {}
    for event in events:
        if isinstance(event, CardDelivered):
            found.setdefault(event.shares or event.delivery_id, {}).update(dict.fromkeys(event.called))
    return found


def _failed(events: tuple[Event, ...]) -> dict[DeliveryId, dict[str, str]]:
    """Return, for each card, the channels that did not bring it to its person, and why.

    A later delivery through a channel clears its failure.
    """
    found: dict[DeliveryId, dict[str, str]] = {}
    for event in events:
        if isinstance(event, DeliveryFailed):
            found.setdefault(event.delivery_id, {})[event.channel] = event.error
        elif isinstance(event, CardDelivered):
            found.get(event.delivery_id, {}).pop(event.channel, None)
    return found


def _placed(
    request: Request, holder: Holder, sent: CardDelivered | None, failed: dict[str, str], about: str
) -> Delivery:
    delivery_id = holder.delivery_id
    delivery = None
    if sent:
        owner = "" if sent.is_shared else holder.person
        address = Address(channel=sent.channel, person=owner, to=sent.to, thread=sent.thread, is_shared=sent.is_shared)
        delivery = Placement(key=sent.shares or delivery_id, address=address, handle=sent.handle)
    return Delivery(
        id=delivery_id,
        run_id=RunId(request.run_id),
        request_id=RequestId(request.id),
        revision=request.revision,
        digest=request.digest,
        person=holder.person,
        delivery=delivery,
        failed=failed,
        shares=sent.shares if sent else None,
        place=holder.place,
        about=about,
        together=sent.together if sent else "",
    )
