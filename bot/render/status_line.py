"""The one line in a run's thread that says what it does now: worded here, and kept where every worker finds it."""

from collections.abc import Sequence
from datetime import datetime

from agents.events import ToolQueued
from agents.requests import DeliveryId, Freeze
from agents.requests.record import RequestRecord
from agents.run import Run
from agents.steps import CallTool
from agents.text import one_line, quote
from bot.people.directory import People
from bot.people.recognition import as_known_now
from bot.policy.approvers.quorum import lacking
from bot.policy.due import waited_for
from bot.render.became import line as ended_line
from bot.render.due import called_in_place
from bot.render.outcome import broken
from bot.render.words import frozen_words, interrupted, present, wish_of
from bot.store import Store
from bot.store.ids import derived_id
from bot.store.indexes import begin_thread
from channels import Card, Placement
from language import say, say_many
from language.dates import in_words
from language.lists import both, either

# The first thing that is posted, so that whoever posts it again has posted the same.
WORKING = "status.working"
_LINE_CHARS, _ASKED_CHARS, _NAMES = 200, 80, 5
_KEEP_S = 60 * 24 * 3600.0


def status_line(run: Run, record: RequestRecord | None, people: People) -> str:
    """Return the line that says what `run` does now, and what it is about: it may stand where nothing else says that.

    `record` is that of the request it waits for.
    """
    pending, held = run.pending, paused(run, people) if run.is_paused else ""
    if run.ended:
        line = ended_line(run, people)
    elif pending and pending.attempt and pending.attempt.queued:
        line = f"{held}: {_asked(run)}" if held else _queued(run, pending.attempt.queued, people)
    elif run.is_silent:
        line = f"{say('words.silent')} {_what(run)}"
    elif pending and pending.attempt:
        since = in_words(pending.attempt.started_at)
        line = say("status.running", what=_what(run), since=since) + broken(run, people)
        line += say("status.then", paused=held) if held else ""
    elif pending and pending.waits:
        line = f"{say('status.waiting', who=pending.waits.note or pending.waits.handle)}: {_what(run)}"
        line += f". {held}" if held else ""
    elif pending and pending.unknown:
        line = f"{_unknown(run)} {_waiting(record, people)}".strip()
    elif pending and run.freeze and not run.is_paused:
        line = f"{waits_frozen(run.freeze)}: {_what(run)}. {frozen_words(run.freeze, people)}"
    elif run.is_paused:
        line = f"{held}: {_asked(run)}"
    elif pending and pending.request and pending.decision is None:
        line = f"{_waiting(record, people) or say('status.waiting-answer')}: {pending.request.title}"
    else:
        line = say(WORKING)
    return one_line(line, _LINE_CHARS)


def waits_frozen(freeze: Freeze) -> str:
    """`Waits until production is unfrozen`: what something waits for that is approved and frozen."""
    return say("status.frozen-in", where=freeze.environment) if freeze.environment else say("status.frozen")


def paused(run: Run, people: People) -> str:
    """Return the words for what holds a run that is paused: `Paused by Bo Berg`."""
    if run.restored_from:
        return say("status.paused-restored", at=in_words(run.restored_from))
    return say("status.paused-by", name=people.name_of(run.paused_by)) if run.paused_by else say("status.paused")


def status_card(line: str, at: datetime, topic: str = "", *, is_busy: bool = False) -> Card:
    """The line as a channel shows it; `topic` is what its thread is called, where it begins one."""
    return Card(title=line, at=at, topic=topic, is_line=True, is_busy=is_busy)


def asked_for(run: Run, people: People) -> str:
    """`Anna Ames: “deploy v1.2.0 to production”`."""
    started = run.started
    if started is None:
        return ""
    said = wish_of(started, _LINE_CHARS)
    return f"{people.name_of(started.requester)}: {said if started.is_of_model else quote(said, _LINE_CHARS)}"


def _asked(run: Run) -> str:
    """What the run began with, as its outcome's card calls it."""
    return wish_of(run.started, _ASKED_CHARS)


def _what(run: Run) -> str:
    """The call that the run is about: the tool's own wording, where people were asked about it."""
    pending = run.pending
    if pending is None or not isinstance(pending.step, CallTool):
        return say("status.last-step")
    request = pending.request
    is_gate = request is not None and request.purpose == "gate"
    return request.title.removesuffix("?") if request and is_gate else pending.step.tool


def _queued(run: Run, queued: ToolQueued, people: People) -> str:
    if queued.within_s:
        return f"{interrupted(queued.within_s)} {_what(run)}"
    by = people.name_of(queued.requester) if queued.requester else ""
    return say("status.queued", what=_what(run), run=queued.behind, by=by and say("status.queued-by", name=by))


def _unknown(run: Run) -> str:
    request = run.pending.request if run.pending else None
    is_asked = request is not None and request.purpose == "unknown"
    return request.title if request and is_asked else say("status.unknown", what=_what(run))


def _waiting(record: RequestRecord | None, people: People) -> str:
    """`Waiting for Bo Berg or Cy Cole`: those who may decide and have not."""
    if record is None or record.state != "open":
        return ""
    known = as_known_now(record, people)
    asked, voters = known.asked, [vote.person for vote in known.votes]
    left = [*present(waited_for(known, people.all()), people)]
    if not left:
        return ""
    are_all, names = lacking(asked, voters) == len(left) <= _NAMES, called_in_place(left, asked, people)
    waiting = say("status.waiting", who=both(names) if are_all else _one_of(names))
    if asked.step is None:
        return waiting
    number, count = asked.in_step + 1, len(asked.steps)
    return say("timing.status-step", waiting=waiting, number=number, count=count, name=asked.step.name)


def _one_of(names: Sequence[str]) -> str:
    shown, more = [*names[:_NAMES]], len(names) - _NAMES
    shown += [say_many("status.more", more)] if more > 0 else []
    return either(shown)


class StatusLines:
    """The status lines' places.

    All methods raise StoreUnavailable while Redis is away.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    @staticmethod
    def key(run_id: str) -> DeliveryId:
        """The one key that a run's line is sent under, by whichever worker."""
        return DeliveryId(derived_id("delivery", run_id, "status"))

    async def find(self, run_id: str) -> Placement | None:
        """Return the place of a run's line; None before it was sent."""
        body = await self._store.remembered(_name(run_id))
        return Placement.model_validate_json(body) if body else None

    async def keep(self, run_id: str, delivery: Placement) -> bool:
        """Note where it stands, and that people may write there; False when somebody did before."""
        for thread in written_in(delivery):
            await begin_thread(self._store, delivery.address.channel, thread, run_id)
        return (await self._store.remember(_name(run_id), delivery.model_dump_json().encode(), _KEEP_S))[1]


def written_in(delivery: Placement) -> set[str]:
    """The threads in which people write about what stands there: its own, and the one that begins below it."""
    return {delivery.handle, delivery.address.thread} - {""}


def _name(run_id: str) -> str:
    return f"status {run_id}"
