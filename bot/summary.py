"""One line per run for lists: an index, written when a turn ends."""

from pydantic import AwareDatetime

from agents.requests import Frozen, PersonId, RequestId, RunId
from agents.run import Run, RunState

_TEXT_CHARS = 120


class Summary(Frozen):
    """What a list shows of a run."""

    id: RunId
    agent: str
    state: RunState
    requester: PersonId
    text: str
    started_at: AwareDatetime
    open: RequestId | None = None
    outcome: str = ""
    is_rehearsal: bool = False


def summary_of(run: Run) -> bytes:
    """The summary of `run` as the store keeps it; empty for a run that has not started."""
    if run.started is None:
        return b""
    summary = Summary(
        id=run.id,
        agent=run.started.agent,
        state=run.state,
        requester=run.started.requester,
        text=" ".join(run.started.text.split())[:_TEXT_CHARS],
        started_at=run.started.at,
        open=run.open,
        outcome=run.ended.summary[:_TEXT_CHARS] if run.ended else "",
        is_rehearsal=run.is_rehearsal,
    )
    return summary.model_dump_json().encode()
