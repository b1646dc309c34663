"""The contents of lists, and what they have to be by the events of all runs alone."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from agents.events import Event, RequestReassigned, RequestRevised
from agents.requests import PersonId, RequestId
from agents.requests.record import RequestRecord
from agents.run import Run, fold
from bot.policy.approvers.concern import concern_of, people_of_record
from bot.policy.approvers.who import who_of
from bot.store import Store
from bot.store.journal import place_of_call
from bot.store.lists import Mark

# The members of each list by their places, the oldest first, over all shards.
Indexes = dict[str, list[Mark]]


async def listed(store: Store) -> Indexes:
    """Every list of runs or requests that is not empty."""
    found = Indexes()
    for pattern in ("{s*}:runs*", "{s*}:requests:*"):
        async for key in store.client.scan(pattern):
            members = await store.client.do("ZRANGE", key, 0, -1)
            scores = [await store.client.do("ZSCORE", key, member) for member in members]
            name = key.partition(":")[2]
            found.setdefault(name, []).extend(
                (round(float(score)), member.decode()) for member, score in zip(members, scores, strict=True)
            )
    return {name: sorted(marks) for name, marks in found.items()}


async def lists_of_events(store: Store) -> Indexes:
    """The same, made of nothing but events."""
    found = Indexes()
    for run_id in await store.lists.runs():
        events = (await store.load(run_id)).events
        run = fold(events)
        for name, mark in [*_of_run(run), *_seen(run), *_of_requests(events, run)]:
            found.setdefault(name, []).append(mark)
    return {name: sorted(marks) for name, marks in found.items()}


def _of_run(run: Run) -> Iterator[tuple[str, Mark]]:
    assert run.started is not None
    mark = (_ms(run.forked.at if run.forked else run.started.at), run.id)
    for name in ("", f":state:{run.state}", f":by:{run.started.requester}", f":agent:{run.started.agent}"):
        yield f"runs{name}", mark


def _seen(run: Run) -> Iterator[tuple[str, Mark]]:
    assert run.started is not None
    mark = (_ms(run.forked.at if run.forked else run.started.at), run.id)
    for person in concern_of(run).everybody:
        yield f"runs:seen:{person}", mark


def _of_requests(events: Sequence[Event], run: Run) -> Iterator[tuple[str, Mark]]:
    concerned = _concerned(events)
    for record in run.requests.values():
        request = record.request
        mark = (_ms(request.opened_at), request.id)
        yield "requests:all", mark
        for person in concerned[request.id]:
            yield f"requests:seen:{person}", mark
        if record.state == "open":
            yield "requests:open", mark
            for person in _asked(record):
                yield f"requests:for:{person}", mark
        if place := place_of_call(request):
            yield f"requests:in:{place}", mark


def _concerned(events: Sequence[Event]) -> Mapping[RequestId, set[PersonId]]:
    """Return whom each request concerned at any time: who is no longer named finds it as before."""
    found = defaultdict[RequestId, set[PersonId]](set)
    changes = (n for n, one in enumerate(events) if isinstance(one, RequestReassigned | RequestRevised))
    for number in (*changes, len(events)):
        for request_id, record in fold(events[:number]).requests.items():
            found[request_id] |= people_of_record(record)
    return found


def _asked(record: RequestRecord) -> set[PersonId]:
    """Return who may decide it, who held a card of it, and of whom something is asked that nobody has answered."""
    answered = {one.about for one in record.comments}
    asks = {one.person for one in record.comments if one.kind == "question" and one.id not in answered}
    asked = {one for one in record.askers if asks - {one}}
    held = {one.person for one in record.holders if one.person}
    return {*who_of(record).approve, *held, *asked}


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
