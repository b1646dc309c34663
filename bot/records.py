"""A request's record: an index over its run's events, written by the same scripts, and always equal to their fold."""

from collections.abc import Iterable

from pydantic import AwareDatetime, Field

from agents.events import (
    AnswerNoted,
    Event,
    PersonSaid,
    RequestDecided,
    RequestOpened,
    RequestRevised,
    RequestRevoked,
    ToolStarted,
    VoteCast,
)
from agents.history import own
from agents.requests import Decision, Frozen, Holder, PersonId, Request, RequestId, RequestState, Vote


class RequestRecord(Frozen):
    """A request as it stands. `started_at` is when its tool started, `noted` how often whose answer did not count.

    `joined` wrote to the run while it was open, and so count as its requesters from then on.
    """

    request: Request
    state: RequestState = "open"
    votes: tuple[Vote, ...] = ()
    decision: Decision | None = None
    started_at: AwareDatetime | None = None
    holders: tuple[Holder, ...] = ()
    noted: dict[PersonId, int] = Field(default_factory=dict[PersonId, int])
    joined: tuple[PersonId, ...] = ()

    @property
    def requesters(self) -> tuple[PersonId, ...]:
        """Everyone who counts as a requester by now."""
        return (*self.request.requesters, *self.joined)


def records(events: Iterable[Event]) -> dict[RequestId, RequestRecord]:
    """The records of every request that these events, a whole run in order, tell of.

    What was asked in a story that was copied into this run is another run's.
    """
    found: dict[RequestId, RequestRecord] = {}
    for event in own(tuple(events)):
        if isinstance(event, RequestOpened):
            found[event.request.id] = RequestRecord(request=event.request, holders=event.holders)
        elif isinstance(event, PersonSaid):
            found = {request_id: after(record, [event]) for request_id, record in found.items()}
        elif (request_id := _about(event)) and request_id in found:
            found[request_id] = after(found[request_id], [event])
    return found


def after(record: RequestRecord, events: Iterable[Event]) -> RequestRecord:
    """`record` after events about it; others change nothing."""
    for event in events:
        record = record.model_copy(update=_changes(record, event))
    return record


def _about(event: Event) -> RequestId | None:
    match event:
        case VoteCast() | AnswerNoted() | RequestDecided() | RequestRevoked() | ToolStarted():
            return event.request_id
        case RequestRevised():
            return event.request.id
        case _:
            return None


def _changes(record: RequestRecord, event: Event) -> dict[str, object]:
    match event:
        case RequestRevised():
            return {"request": event.request, "votes": (), "holders": (*record.holders, *event.holders)}
        case VoteCast():
            return {"votes": (*record.votes, event.vote)}
        case AnswerNoted():
            return {"noted": {**record.noted, event.person: record.noted.get(event.person, 0) + 1}}
        case RequestDecided():
            return {"state": event.decision.state, "decision": event.decision}
        case RequestRevoked():
            return {"state": "revoked", "votes": (*record.votes, event.vote)}
        case ToolStarted():
            return {"started_at": event.at}
        case PersonSaid() if record.state == "open" and event.person not in record.requesters:
            return {"joined": (*record.joined, event.person)}
        case _:
            return {}
