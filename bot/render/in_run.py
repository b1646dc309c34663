"""What a run knows of one of its requests, for the words on what became of that. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from agents.deploy.results import live_now
from agents.events import Change, RunEnded, ToolQueued
from agents.requests import PersonId, RequestId
from agents.run import Run
from agents.state import AttemptOutcome, made_for, what_counts
from bot.render.outcome import word_of


@dataclass(frozen=True, slots=True)
class InRun:
    """`made` is the attempt that the request allowed, and `queued` behind whom that waits. `is_silent`: nothing is
    heard of its worker.

    `ended` is how the run ended, and `word` its word for that. `live` is what was live then, by place.
    `is_asked_anew`: another request asks in place of this one. `otherwise` is what the same call has come to by what
    other requests allowed; None where nothing of that has begun.
    """

    made: AttemptOutcome | None = None
    queued: ToolQueued | None = None
    is_silent: bool = False
    ended: RunEnded | None = None
    word: str = ""
    is_cancelled: bool = False
    cancelled_by: PersonId | None = None
    is_asked_anew: bool = False
    otherwise: Change | None = None
    live: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def is_over(self) -> bool:
        """Whether nothing of it begins any more."""
        return self.ended is not None or self.is_cancelled


def in_run(run: Run, request_id: RequestId) -> InRun:
    """Return what `run` knows of a request of its own."""
    return InRun(
        made=made_for(run.made, request_id),
        queued=run.queued,
        is_silent=run.is_silent,
        ended=run.ended,
        word=word_of(run),
        is_cancelled=run.is_cancelled,
        cancelled_by=run.cancelled_by,
        is_asked_anew=_newest_about(run, request_id) != request_id,
        otherwise=_otherwise(run, request_id),
        live=live_now(run),
    )


def _otherwise(run: Run, request_id: RequestId) -> Change | None:
    own = run.requests.get(request_id)
    calls = [one for one in run.made if own and one.step_id == own.request.step_id and one.request_id != request_id]
    begun = [one for one in calls if not one.never_began]
    return what_counts(begun).came_to if begun else None


def _newest_about(run: Run, request_id: RequestId) -> RequestId:
    """Return the request that was asked last about the same step and for the same purpose as this one."""
    own = run.requests.get(request_id)
    if own is None:
        return request_id
    every = (one.request for one in run.requests.values() if one.request.step_id == own.request.step_id)
    return [one.id for one in every if one.purpose == own.request.purpose][-1]
