"""New runs that go on from the story of another one: fork, retry, import. The story is history and allows nothing.

Such a run is written at once, story and all, or not at all; see docs/decisions/0023.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Literal

import structlog

from agents import Agent
from agents.events import Event, RunForked, RunStarted, StepChosen
from agents.relay import RELAY
from agents.requests import RunId, StepId
from agents.requests.concern import wrote_in
from agents.requests.origin import as_of_person
from agents.run import Run
from agents.steps import FIXED_RULES, ModelCall
from bot.archive.keeper import Archive
from bot.config.tables import AgentConfig
from bot.errors import Conflict, NotFound
from bot.execution.executor import gate_of
from bot.policy.attachments import all_files
from bot.render.views import line_of
from bot.runs.api_requests import Asker
from bot.runs.export import Exported
from bot.runs.start import Starter
from bot.store import Commit, Wake, WorkItem, folded
from bot.store.attachments import contents_of
from bot.store.ids import new_id, shard_of
from bot.store.indexes import forks_of, note_fork
from bot.store.journal import Journal
from language import say

log = structlog.stdlib.get_logger()

# A run may have 10,000 events and stops a little earlier by itself: who forks wants something to happen.
EVENTS_AT_MOST = 9_500


How = Literal["fork", "retry", "import"]


@dataclass(frozen=True, slots=True)
class _Made:
    """The copied events, their source and length, and the bytes of their files.

    It is noted with its source, but for what a file brings: also with one that `has_left` Redis.
    """

    story: Sequence[Event]
    forked: RunForked
    files: Sequence[tuple[str, bytes]] = ()
    has_left: bool = False


class RunForks:
    """Makes runs of stories. `limits` are by agent: a copy gets those of today, and has used up nothing."""

    def __init__(
        self,
        journal: Journal,
        archive: Archive,
        starter: Starter,
        agents: Mapping[str, Agent],
        limits: Mapping[str, AgentConfig],
    ) -> None:
        self._journal, self._store, self._archive, self._starter = journal, journal.store, archive, starter
        self._agents, self._limits = agents, limits

    async def retry(self, source: RunId, asker: Asker, run_id: RunId | None = None) -> RunId:
        """A new run of what `source` began with. Raises Conflict, Invalid and Forbidden."""
        return await self._of_run(source, 1, "retry", asker, run_id)

    async def fork(self, source: RunId, at_seq: int, asker: Asker, run_id: RunId | None = None) -> RunId:
        """A new run that goes on from the first `at_seq` events of `source`; the same one for the same `run_id`.

        Raises Conflict, Invalid and Forbidden.
        """
        return await self._of_run(source, at_seq, "fork", asker, run_id)

    async def take_in(self, exported: Exported, asker: Asker, run_id: RunId | None = None) -> RunId:
        """A new run that goes on from an exported story, of which not a word was checked. Raises as `fork` does."""
        run_id = run_id or self._starter.run_id()
        now = await self._store.now(run_id)
        source, at_seq = exported.run_id, len(exported.events)
        forked = _forked(now, "import", source, at_seq, asker)
        return await self._make(_Made(exported.events, forked), asker, run_id)

    async def forks_of(self, run_id: str) -> tuple[str, ...]:
        """The runs that go on from this one's story, oldest first."""
        noted = await forks_of(self._store.client, run_id)
        lines = await self._store.lists.summaries_of(noted)
        return tuple(fork for fork, line in zip(noted, lines, strict=True) if line)

    async def _of_run(self, source: RunId, at_seq: int, how: How, asker: Asker, run_id: RunId | None) -> RunId:
        events, run_id = (await self._store.load(source)).events, run_id or self._starter.run_id()
        archived = None if events else await self._archive.run(source)
        events = archived.events if archived else events
        if not events:
            raise NotFound(say("error.no-run", run=source), say("error.runs-listed"))
        if not 1 <= at_seq <= len(events):
            text = say("run.no-such-event", run=source, count=len(events), number=at_seq)
            raise Conflict(text, say("run.nothing-made"))
        now, story = await self._store.now(run_id), events[:at_seq]
        forked = _forked(now, how, source, at_seq, asker)
        files = await contents_of(self._store.client, source, all_files(story))
        made = _Made(story, forked, files, has_left=archived is not None)
        return await self._make(made, asker, run_id)

    async def _make(self, made: _Made, asker: Asker, run_id: RunId) -> RunId:
        forked, started = made.forked, made.story[0]
        if not isinstance(started, RunStarted) or started.agent not in self._agents:
            agent = started.agent if isinstance(started, RunStarted) else "?"
            if agent == RELAY:
                raise Conflict(say("run.copy-of-program"), say("run.copy-of-program-do"))
            there = ", ".join(self._agents)
            raise Conflict(say("run.copy-no-agent", agent=agent), say("run.there-are", names=there))
        if len(made.story) > EVENTS_AT_MOST:
            text = say("run.copy-too-long", count=len(made.story), limit=EVENTS_AT_MOST)
            raise Conflict(text, say("run.copy-too-long-do"))
        await self._starter.check_may(asker.requester, started.agent, asker.proof)
        await self._starter.admission.person(asker.requester, run_id)
        config = self._limits.get(started.agent, AgentConfig())
        story = await folded(made.story)
        events = [_begun(made, story, asker, run_id, config), *made.story[1:], forked]
        events += self._next(story, forked, started.agent, run_id)
        if forked.how != "import":
            await note_fork(self._store.client, forked.source, run_id, forked.at, has_left=made.has_left)
        commit = Commit(
            run_id=run_id,
            events=events,
            expect=0,
            wake=[Wake(WorkItem("run", run_id))],
            files=made.files,
            summary=line_of(await folded(events)),
            commit=run_id,
        )
        # A conflict is no error: the same was asked for twice, and has been made by now.
        await self._journal.write(commit)
        log.info(forked.how, run_id=run_id, source=forked.source, at_seq=forked.at_seq, person=forked.by)
        return run_id

    def _next(self, before: Run, forked: RunForked, agent: str, run_id: RunId) -> list[Event]:
        """The step that was chosen and not begun, chosen anew: with an id, and so an idempotency key, of its own.

        What comes from elsewhere is never done on the word of a file: there the agent thinks again.
        """
        pending = before.pending
        if pending and pending.raised:  # code asked that of the other run, and asks anew where it must
            pending = pending.held
        if pending is None or before.ended or forked.how == "import" or before.has_begun(pending):
            return []
        is_of_rules = not (pending.by_model or before.is_rehearsal)
        call = ModelCall(model=FIXED_RULES if is_of_rules else "copied", rehearsal=before.is_rehearsal)
        step_id = StepId(new_id("step", shard_of(run_id)))
        gate = gate_of(self._agents[agent], pending.step) or pending.gate
        # Who was read as it was chosen is known of the story.
        return [StepChosen(at=forked.at, step_id=step_id, step=pending.step, gate=gate, call=call, read_by=())]


def _forked(now: datetime, how: How, source: RunId, at_seq: int, asker: Asker) -> RunForked:
    return RunForked(
        at=now,
        how=how,
        source=source,
        at_seq=at_seq,
        by=asker.requester,
        speaker=asker.speaker,
        proof=asker.proof,
    )


def _begun(made: _Made, story: Run, asker: Asker, run_id: RunId, config: AgentConfig) -> RunStarted:
    """Return the copy's first event: for the person who made it, in no thread, nobody's child, within today's limits.

    Everybody who asked in the story, or wrote to it, stays a requester: it is what they asked for. Whose words were
    read in it were read in the copy as well.
    """
    first = made.story[0]
    if not isinstance(first, RunStarted):
        raise TypeError(f"a story begins with run_started, not {first.type}")
    askers = chain.from_iterable(record.askers for record in story.requests.values())
    is_of_file = made.forked.how == "import"
    people = dict.fromkeys((*wrote_in(first), *story.writers, *askers))
    others = tuple(person for person in people if person != asker.requester)
    return first.model_copy(
        update={
            "run_id": run_id,
            "channel": asker.channel,
            "thread": "",
            "requester": asker.requester,
            "submitter": asker.submitter,
            "service": asker.service,
            "holders": asker.holders,
            "parent": None,
            "by_model": first.is_of_model,
            # A file may say that a mail or a webhook began the run; nobody here saw that happen.
            "origin": as_of_person(first.origin) if is_of_file else first.origin,
            # Nor does anybody here know who wrote the rest of it.
            "weakness": "read from a file" if is_of_file else first.weakness,
            "inherits": others,
            # Only what a program asks is its API key's to see, and no file makes a run of it.
            "asked_with": "",
            "proof": asker.proof,
            "ways": first.all_ways,
            "max_steps": config.max_steps,
            "max_tokens": config.max_tokens,
            "max_cost_usd": config.max_cost_usd,
        }
    )
