"""What is to be shown of a run as it goes: what became of its tool calls, and its line of status."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import datetime

from agents.events import Event
from agents.requests import AttemptId, PersonId, RunId
from agents.run import Run
from bot.asking import thread_of
from bot.journal import outbox_entry, outgoing_id
from bot.outgoing import Outgoing
from bot.people import People
from bot.records import RequestRecord, records
from bot.status import status_card, status_line
from bot.updates import changed, updates_of

# Runs that a process remembers; what is forgotten is shown once more.
_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class _Shown:
    """How a run stood when it was last to be shown."""

    made: tuple[tuple[AttemptId, str], ...]
    line: str


@dataclass(frozen=True, slots=True)
class News:
    """Outbox entries that show how `run_id` stands now."""

    run_id: RunId
    outgoing: tuple[tuple[str, bytes], ...]
    shown: _Shown


class Progress:
    """Remembers, for one process, what it had shown. It is only ever shown too often: after a restart, say."""

    def __init__(self, people: People, edits: Set[str]) -> None:
        self._people, self._edits = people, edits
        self._shown = dict[RunId, _Shown]()

    def news(self, run: Run, events: Sequence[Event], now: datetime) -> News | None:
        """What differs from what was `shown` of `run`; None where nothing can be shown, or nothing differs."""
        has_line = run.started is not None and run.started.channel in self._edits and bool(run.started.thread)
        if not has_line and not run.made:
            return None
        line = status_line(run, _record(run, events), self._people) if has_line else ""
        made = tuple((one.id, one.state) for one in run.made)
        before, shown = self._shown.get(run.id), _Shown(made, line)
        if shown == before:
            return None
        known = set(before.made) if before else set(made[:-1])
        about = {one.request_id for one in run.made if (one.id, one.state) not in known and one.request_id}
        entries = updates_of(run, self._edits, changed("A tool call", now), about=about) if about else []
        if line and (before is None or before.line != line):
            entries.append(status_entry(run, line, now))
        return News(run.id, tuple(map(outbox_entry, entries)), shown)

    def shown(self, news: News) -> None:
        """The entries of `news` are in the outbox."""
        self._shown.pop(news.run_id, None)
        self._shown[news.run_id] = news.shown
        if len(self._shown) > _REMEMBERED:
            del self._shown[next(iter(self._shown))]


def status_entry(run: Run, line: str, now: datetime) -> Outgoing:
    """Shows how `run` stands when it is sent, in the thread where it began."""
    started = run.started
    return Outgoing(
        id=outgoing_id(run.id),
        kind="status",
        run_id=run.id,
        person=started.requester if started else PersonId(""),
        reach=(started.channel,) if started else (),
        card=status_card(line, now),
        thread=thread_of(run),
    )


def _record(run: Run, events: Sequence[Event]) -> RequestRecord | None:
    request = run.pending.request if run.pending else None
    return records(events).get(request.id) if request and run.open == request.id else None
