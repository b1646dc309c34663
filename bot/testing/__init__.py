"""The test kit: a whole sayso for one test of your own agent, with scripted people and, if you like, a scripted model.

    async with sayso(agents=[parking_agent()], policies={"frontdesk": ["bo"]}) as s:
        run = await s.trigger("park Vera's car", person="anna")
        await s.answer("anna", run, "north")
        await s.approve("bo", run)
        assert (await s.ended(run)).state == "done"

Redis, mail, the worker and everything that decides are the real ones, in folders that are gone afterwards; only time
(`move_time`) and the model (`Scripted`) are the test's. It needs no test framework, and no other room uses it.
docs/write-an-agent.md shows it.
"""

import secrets
import shutil
import tempfile
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from agents import Agent
from agents.events import RequestOpened, ToolFinished, ToolStarted
from agents.forms import FormValue, written
from agents.model.protocol import Model
from agents.requests import AttemptId, RunId
from agents.requests.record import RequestRecord
from agents.run import Run, step
from agents.steps import CallTool
from bot.app import App, compose
from bot.config.settings import Settings
from bot.inbound.follow_ups import FollowUps
from bot.people.listed import ListedNow
from bot.policy.judgements import Judgement
from bot.registry.configured import agents_of
from bot.store.embedded import EmbeddedRedis
from bot.store.ids import new_id, shard_of
from bot.testing.people import Peopled
from bot.testing.scripted import NO_MORE, Asked, Fails, Said, Scripted
from bot.testing.settings import Policies, office, settings_in, settings_of
from bot.testing.waiting import until
from channels import Trigger

__all__ = ["NO_MORE", "Asked", "Fails", "Policies", "Said", "Sayso", "Scripted", "sayso", "until"]

_CHANNEL = "cli"


@dataclass
class Sayso(Peopled):
    """One running sayso. Without `agents` it has those of its settings; without a `model` every agent rehearses."""

    given: Settings
    agents: Sequence[Agent] = ()
    model: Model | None = None

    def settings(self) -> Settings:
        """Return the settings that it was given."""
        return self.given

    def composed(self, settings: Settings) -> App:
        """See `Running`."""
        agents = self.agents or agents_of(settings, ListedNow(self.people))
        models = {agent.name: self.model for agent in agents if agent.prompt} if self.model else {}
        return compose(settings, self.url, [self.mail.channel()], agents, models=models, people=self.people)

    async def trigger(self, text: str, person: str = "anna", agent: str | None = None) -> RunId:
        """`person` wants something of `agent`, or of the first one."""
        thread = f"test-{secrets.token_hex(8)}"
        return await self.app.runs.starter.start(
            _CHANNEL, text, self.app.people.named(person), agent=agent, thread=thread
        )

    async def say(self, person: str, run_id: RunId, text: str) -> None:
        """`person` writes to the run, unasked: a requester, or an operator, who becomes one of its requesters.

        Whoever is asked a question answers it like this as well. Raises Forbidden for anybody else.
        """
        started = (await self.run(run_id)).started
        if started is None:
            raise AssertionError(f"there is no run {run_id}")
        trigger = Trigger(person=self.app.people.named(person), text=text, thread=started.thread, follows=True)
        if not await self._follow_ups.take(new_id("inbound", shard_of(run_id)), started.channel, trigger):
            raise AssertionError(f"{run_id} has ended: nobody can say anything to it any more")

    async def answer(self, person: str, run_id: RunId, text: str | Mapping[str, FormValue]) -> Judgement:
        """`person` answers the question that the run waits for, in words or field by field.

        What came of it: unclear words leave it open.
        """
        said = text if isinstance(text, str) else "\n".join(f"{name}: {written(one)}" for name, one in text.items())
        return await self.decide(person, await self._waits(run_id, is_approval=False), "free_text", said)

    async def approve(self, person: str, run_id: RunId) -> Judgement:
        """`person` approves the call that the run waits for, as it stands now."""
        return await self.decide(person, await self._waits(run_id, is_approval=True), "approve", "approve")

    async def deny(self, person: str, run_id: RunId, reason: str = "") -> Judgement:
        """`person` denies the call that the run waits for."""
        return await self.decide(person, await self._waits(run_id, is_approval=True), "deny", reason)

    async def revoke(self, person: str, run_id: RunId, reason: str = "") -> Judgement:
        """`person` denies what is approved already, which counts until the tool starts; a paused run starts none."""
        asked = [event.request.id for event in await self.events(run_id) if isinstance(event, RequestOpened)]
        if not asked:
            raise AssertionError(f"{run_id} has asked nobody yet")
        return await self.decide(person, await self.request(asked[-1]), "deny", reason)

    async def _waits(self, run_id: RunId, *, is_approval: bool) -> RequestRecord:
        record = await self.opened(run_id)
        if (record.request.format == "approval") != is_approval:
            wanted = "an approval" if is_approval else "an answer to a question"
            raise AssertionError(f"{run_id} does not wait for {wanted}, but for this: {record.request.title}")
        return record

    async def executed(self, run_id: RunId) -> list[CallTool]:
        """The calls that were executed, in order, with the arguments that were decided; one for each attempt."""
        run, started, calls = Run(), dict[AttemptId, CallTool](), list[CallTool]()
        for event in await self.events(run_id):
            if isinstance(event, ToolStarted) and run.pending and isinstance(run.pending.step, CallTool):
                started[event.attempt_id] = run.pending.step
            if isinstance(event, ToolFinished) and event.attempt_id in started:
                calls.append(started[event.attempt_id])
            run = step(run, event)
        return calls

    @property
    def _follow_ups(self) -> FollowUps:
        app = self.app
        return FollowUps(app.journal, app.requests.decisions, app.people, app.access.rights, app.runs.children)


@asynccontextmanager
async def sayso(
    config: Path | None = None,
    *,
    agents: Sequence[Agent] = (),
    policies: Policies | None = None,
    model: Model | None = None,
) -> AsyncGenerator[Sayso]:
    """A running sayso; call it in the main thread.

    `config` is a `sayso.toml` of yours, whose people, policies and agents these are then. Without it the people are
    anna, bo, cy and dan (their mail ends in @corp.example), and `policies` gives by name who approves, `["bo", "cy"]`,
    or a whole table of `sayso.toml`, `{"approvers": ["person:bo", "person:cy"], "quorum": 2}`. `agents` stand instead
    of those of the settings. Raises ConfigError.
    """
    folder = Path(tempfile.mkdtemp(prefix="sayso-"))
    try:
        data = folder / "data"
        given = settings_in(config, data) if config else settings_of(data, office(policies or {}))
        with EmbeddedRedis(folder / "store", folder / "run") as redis:
            running = Sayso(redis.start(), data, given, agents, model)
            try:
                await running.start()
                yield running
            finally:
                await running.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
