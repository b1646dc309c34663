"""The records that a run's events leave. Pure: the same events leave the same records, whenever they are sealed."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agents.events import (
    AnswerHeld,
    AnswerNoted,
    Event,
    PersonSaid,
    RequestDecided,
    RequestFrozen,
    RequestOpened,
    RequestReassigned,
    RequestReminded,
    RequestRevised,
    RequestRevoked,
    RunCancelled,
    RunForked,
    RunPaused,
    RunResumed,
    ToolFinished,
    ToolOrphaned,
    ToolStarted,
    VoteCast,
    own,
)
from agents.requests import AttemptId, PersonId, Request, RequestId, Vote
from agents.requests.asked import Asked
from agents.requests.moves import SeatsPassed
from agents.requests.proof import PerhapsProven, Proven
from agents.requests.record import RequestRecord, step_requests
from bot.audit.records import AuditRecord
from bot.policy.audited import kind_of
from bot.policy.edits import changed_names

# What a tool printed is in the run; the log has the beginning of an error.
_ERROR_CHARS = 500

_OF_DECISION = {"given", "operators_keys", "standing"}

_Fields = dict[str, Any]


def records_of(run_id: str, events: Sequence[Event], first: int, count: int) -> Iterator[AuditRecord]:
    """The records of `count` events of a run from its `first` on; `events` are all up to those at least.

    What was copied into the run is another run's and leaves none here.
    """
    copied = len(events) - len(own(events))
    facts = _Facts()
    for seq, event in enumerate(events[: first + count - 1], 1):
        if seq < copied:
            continue
        facts.take(event)
        if seq >= first and (kind := kind_of(event)):
            fields = facts.of(event)
            yield AuditRecord(kind=kind, at=event.at, run_id=run_id, seq=seq, release=event.release, **fields)


class _Facts:
    """The requests and attempts of a run so far: what an event is about stands in earlier ones."""

    def __init__(self) -> None:
        self._records: Mapping[RequestId, RequestRecord] = {}
        self._attempts = dict[AttemptId, ToolStarted]()
        self._writers = dict[RequestId, dict[PersonId, None]]()
        self._before: Request | None = None

    def take(self, event: Event) -> None:
        """Know the next event as well."""
        if isinstance(event, RequestRevised):
            record = self._records.get(event.request.id)
            self._before = record.request if record else None
        if isinstance(event, ToolStarted):
            self._attempts[event.attempt_id] = event
        self._records = step_requests(self._records, event)
        self._note_writers(event)

    def of(self, event: Event) -> _Fields:
        """What is known of the record that `event` leaves, which came last, beside its kind."""
        found = self._of_request(event) or self._of_answer(event) or self._of_tool(event) or _of_run(event)
        return found | {"writers": tuple(self._writers.get(found.get("request_id", ""), ()))}

    def _note_writers(self, event: Event) -> None:
        """Note everybody whose words the cards of a request may show by now."""
        match event:
            case RequestOpened(request=request) | RequestRevised(request=request):
                self._wrote(request.id, *request.requesters, *request.editors)
            case RequestReassigned():
                out = (one.out for one in event.moves if isinstance(one, SeatsPassed) and one.into)
                self._wrote(event.request_id, *out)
            case VoteCast() | RequestRevoked():
                self._wrote(event.request_id, event.vote.person)
            case AnswerNoted():
                self._wrote(event.request_id, event.person)
            case _:
                pass

    def _wrote(self, request_id: RequestId, *people: PersonId) -> None:
        self._writers.setdefault(request_id, {}).update(dict.fromkeys(people))

    def _of_request(self, event: Event) -> _Fields:
        match event:
            case RequestOpened():
                about = self._about(event.request.id)
                return about | {"people": event.request.requesters, "words": event.request.title}
            case RequestRevised():
                about = self._about(event.request.id)
                more = {"who": event.by, "words": "; ".join(event.request.changed)}
                return about | more | _of_change(event, self._before)
            case RequestReassigned():
                people = (*([event.person] if event.person else []), *event.to)
                more = {"who": event.by, "people": people, "outcome": event.why, "words": event.reason}
                return self._about(event.request_id) | more | _of_way(event)
            case RequestFrozen():
                freeze = event.freeze
                more = {
                    "who": freeze.by or None if freeze else None,
                    "outcome": "frozen" if freeze else "unfrozen",
                    "words": (freeze.window or freeze.reason) if freeze else "",
                }
                return self._about(event.request_id, has_policy=False) | more
            case RequestReminded():
                more = {"people": event.people, "detail": {"number": event.number}}
                return self._about(event.request_id, has_policy=False) | more
            case _:
                return {}

    def _of_answer(self, event: Event) -> _Fields:
        match event:
            case VoteCast():
                return self._about(event.request_id) | _of_vote(event.vote)
            case RequestRevoked():
                return self._about(event.request_id) | _of_vote(event.vote)
            case RequestDecided():
                made = event.decision
                detail = made.model_dump(mode="json", include=_OF_DECISION, exclude_defaults=True)
                outcome = "break_glass" if made.broke_glass else made.state
                more = {"outcome": outcome, "words": made.reason, "detail": detail}
                return self._about(event.request_id) | {"people": made.by} | _of_way(made) | more
            case AnswerNoted():
                more = {"who": event.person, "outcome": event.outcome, "words": event.text}
                return self._about(event.request_id, has_policy=False) | _of_way(event) | more
            case AnswerHeld():
                more = {"who": event.person, "channel": event.channel, "outcome": event.why, "words": event.claims}
                return self._about(event.request_id, has_policy=False) | more
            case _:
                return {}

    def _of_tool(self, event: Event) -> _Fields:
        match event:
            case ToolStarted():
                argv: dict[str, Any] = {"attempt": event.attempt_id, "exact": list(event.effect.argv)}
                begun = _of_way(event) | {"who": event.by} if event.by else {}
                return self._of_attempt(event.attempt_id) | begun | {"detail": argv}
            case ToolFinished():
                ended, detail = "failed" if event.error else "done", {"attempt": event.attempt_id}
                outcome = "unknown" if event.unknown else ended
                more = {"outcome": outcome, "words": event.error[:_ERROR_CHARS], "detail": detail}
                told = {"who": event.by, "channel": "api"} if event.by else {}
                return self._of_attempt(event.attempt_id) | told | more
            case ToolOrphaned():
                outcome = "unknown" if event.may_have_started else "not started"
                more = {"outcome": outcome, "detail": {"attempt": event.attempt_id}}
                return self._of_attempt(event.attempt_id) | more
            case _:
                return {}

    def _about(self, request_id: RequestId | None, *, has_policy: bool = True) -> _Fields:
        record = self._records.get(request_id) if request_id else None
        if record is None:
            return {"request_id": request_id or ""}
        request = record.request
        return {
            "request_id": request.id,
            "revision": request.revision,
            "digest": request.digest,
            "tool": request.call.tool if request.call else "",
            "environment": (request.call.effect.environment or "") if request.call else "",
            "policy_name": request.policy.name,
            "policy": _policy_now(record) if has_policy else {},
        }

    def _of_attempt(self, attempt_id: AttemptId) -> _Fields:
        started = self._attempts.get(attempt_id)
        if started is None:
            return {}
        about = self._about(started.request_id, has_policy=False)
        return about | {"tool": started.tool, "environment": started.effect.environment or ""}


def _policy_now(record: RequestRecord) -> _Fields:
    """Return the policy and who is asked under it, as it may be kept for ever: why somebody handed it on stands in the
    record of that alone.
    """
    silent = tuple(one.model_copy(update={"reason": ""}) for one in record.asked.handed_on)
    asked = record.asked.model_copy(update={"handed_on": silent})
    policy = record.request.policy.model_dump(mode="json", exclude={*Asked.model_fields})
    return policy | asked.model_dump(mode="json")


def _of_change(event: RequestRevised, old: Request | None) -> _Fields:
    """How the change came, and the arguments `before` it where it changed any; `old` is the request as it stood."""
    made = event.edited or event
    detail: dict[str, Any] = {}
    if event.edited:
        detail = {"before": event.edited.before, "changed": list(event.edited.changed)}
    elif old and old.call and event.request.call:
        changed = changed_names(old.call, event.request.call)
        detail = {"before": old.call.arguments, "changed": list(changed)} if changed else {}
    return _of_way(made) | {"detail": detail}


def _of_vote(vote: Vote) -> _Fields:
    return _of_way(vote) | {
        "who": vote.person,
        "revision": vote.binding.revision,
        "digest": vote.binding.digest,
        "outcome": "break_glass" if vote.breaks_glass else "approve" if vote.approve else "deny",
        "words": vote.reason,
        **({"detail": {"again": True}} if vote.again else {}),
    }


def _of_run(event: Event) -> _Fields:
    match event:
        case PersonSaid():
            return _of_way(event) | {"who": event.person, "words": event.text}
        case RunResumed():
            return _of_way(event) | {"who": event.by}
        case RunPaused() | RunCancelled():
            return _of_way(event) | {"who": event.by, "detail": {"parent": event.parent} if event.parent else {}}
        case RunForked():
            copy = {"source": event.source, "events": event.at_seq}
            who = {"who": event.speaker or event.by, "people": (event.by,) if event.speaker else ()}
            return _of_way(event) | who | {"outcome": event.how, "detail": copy}
        case _:
            return {}


def _of_way(told: Proven | PerhapsProven) -> _Fields:
    return {"channel": told.channel, "proof": told.proof if told.evidence else None}
