"""One line per run for lists: an index, written when a turn ends."""

from pydantic import AwareDatetime

from agents.requests import Frozen, PersonId, RequestId, RunId
from agents.run import Run, RunState
from agents.text import first_line, one_line
from bot.store import Line

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


def summary_of(run: Run) -> Summary | None:
    """What a list shows of `run`; None for a run that has not started."""
    if run.started is None:
        return None
    return Summary(
        id=run.id,
        agent=run.started.agent,
        state=run.state,
        requester=run.started.requester,
        text=first_line(run.started.text, _TEXT_CHARS),
        started_at=run.forked.at if run.forked else run.started.at,
        open=run.open,
        outcome=one_line(run.ended.summary, _TEXT_CHARS) if run.ended else "",
        is_rehearsal=run.is_rehearsal,
    )


def line_of(run: Run) -> Line | None:
    """The summary of `run` as the store keeps it."""
    summary = summary_of(run)
    if summary is None:
        return None
    body = summary.model_dump_json().encode()
    return Line(body, summary.state, summary.requester, summary.agent, summary.started_at)
