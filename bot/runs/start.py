"""The one place where runs are started: who takes a trigger, how many may start, and the first event.

For the inbox, the API, the triggers and `sayso trigger`; children, forks and API requests take their ids and their
admission from here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import structlog
from pydantic import JsonValue

from agents import Agent
from agents.events import RunStarted
from agents.requests import FromDesk, FromPerson, FromTrigger, Origin, PersonId, RunId
from agents.requests.proof import Proof, as_by
from agents.run import fold
from agents.triage import TRIAGE, taker_of
from bot.config.tables import AgentConfig
from bot.errors import Invalid, WaitsForFile
from bot.people.refusals import Refusals
from bot.people.rights import Rights
from bot.policy.answers import is_no_wish, is_only_approval, names_only
from bot.policy.attachments import attachments, contents
from bot.render.views import line_of
from bot.runs.admission import Admission
from bot.runs.budgets import allowance
from bot.store import Commit, Wake, WorkItem
from bot.store.ids import ingress_shard, new_id, run_of
from bot.store.indexes import note_thread
from bot.store.journal import Journal
from channels import File
from language import say

log = structlog.stdlib.get_logger()

TEXT_BYTES = 32_768


@dataclass(frozen=True, slots=True)
class Sent:
    """The parts a program adds to a trigger: data, and whose key sent it for the requester.

    `origin` is how the run begins: the limit of a trigger counts, not that of the requester, and mail to the desk is
    counted as mail. `others` are requesters beside the one, `holders` those of the service's key. `weakness` is as in
    `Trigger`, `quotes` and `proof` as in `RunStarted`.
    """

    context: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    submitter: PersonId | None = None
    service: str = ""
    origin: Origin = field(default_factory=FromPerson)
    others: tuple[PersonId, ...] = ()
    holders: tuple[PersonId, ...] = ()
    weakness: str = ""
    quotes: bool = False
    proof: Proof | None = field(kw_only=True)


class Starter:
    """Starts runs of `agents`, each once, within `budgets` and what `admission` lets in."""

    def __init__(
        self,
        journal: Journal,
        agents: Mapping[str, Agent],
        budgets: Mapping[str, AgentConfig],
        admission: Admission,
        rights: Rights,
    ) -> None:
        self._journal, self._store, self.admission, self._rights = journal, journal.store, admission, rights
        self.people = rights.people
        self._agents, self._budgets = agents, budgets

    async def start(
        self,
        channel: str,
        text: str,
        requester: PersonId,
        *,
        agent: str | None = None,
        thread: str = "",
        inbound_id: str | None = None,
        run_id: RunId | None = None,
        sent: Sent = Sent(proof=None),
        files: Sequence[File] = (),
    ) -> RunId:
        """Start a run, once per inbound item or `run_id`. Raises Invalid, RateLimited and Forbidden.

        With both, the item is a copy of the one that the run is of.
        """
        name = self.check(text, agent)
        await self.check_may(requester, name, sent.proof or as_by(channel))
        run_id = run_id or self.run_id(inbound_id)
        await self._admit(sent.origin, requester, run_id)
        if thread:
            await note_thread(self._store, channel, thread, run_id)
        started = RunStarted(
            at=self._store.about_now(run_id),
            run_id=run_id,
            agent=name,
            channel=channel,
            thread=thread,
            requester=requester,
            text=text,
            context=dict(sent.context),
            submitter=sent.submitter,
            service=sent.service,
            holders=sent.holders,
            origin=sent.origin,
            inherits=sent.others,
            weakness=sent.weakness,
            proof=sent.proof,
            quotes=sent.quotes,
            **allowance(self._budgets, name),
            files=attachments(files),
        )
        is_own = inbound_id is not None and run_id == self.run_id(inbound_id)
        written = await self._journal.write(
            Commit(
                run_id=run_id,
                events=[started],
                expect=0,
                inbound=inbound_id if is_own else None,
                # What came in by a channel had its turn when it was read.
                wake=[Wake(WorkItem("run", run_id), who="" if inbound_id else requester)],
                summary=line_of(fold([started])),
                files=contents(files),
                commit=run_id,
            )
        )
        if inbound_id and not (is_own and written.state == "committed"):
            await self._store.drop_inbound(inbound_id)  # another copy has begun the run
        log.debug("run started", run_id=run_id, agent=name, person=requester, channel=channel)
        return run_id

    async def _admit(self, origin: Origin, requester: PersonId, run_id: RunId) -> None:
        match origin:
            case FromPerson():
                await self.admission.person(requester, run_id)
            case FromTrigger(name=trigger):
                await self.admission.trigger(trigger, run_id)
            case FromDesk():
                pass

    def check(self, text: str, agent: str | None) -> str:
        """The agent that takes a trigger. Raises Invalid for one that no run can come of, and WaitsForFile."""
        if len(text.encode()) > TEXT_BYTES:
            text = say("run.text-too-long", size=len(text.encode()), limit=TEXT_BYTES)
            raise Invalid(text, say("run.text-too-long-do"))
        if not text.strip():
            raise Invalid(say("run.text-empty"), say("run.text-empty-do"))
        if agent is None and names_only(text):
            raise Invalid(say("run.named-only"), say("run.named-only-do"))
        if agent is None and is_no_wish(text):  # whoever names an agent may say that to it
            raise Invalid(say("run.stop-which"), say("run.stop-which-do"))
        if agent is None and is_only_approval(text):
            raise Invalid(say("run.approve-which"), say("run.approve-which-do"))
        self._check_file()
        return agent_for(text, self._agents, agent)

    def waits_for_file(self) -> bool:
        """Return whether nothing starts by what this process has read of a file that is half taken."""
        return self._rights.waits_for_file()

    def _check_file(self) -> None:
        """Check that a file that is half taken says which agents there are, and who may start one.

        Raises WaitsForFile.
        """
        if self.waits_for_file():
            raise WaitsForFile(say("error.half-taken"), say("error.half-taken-do"))

    async def check_may(self, requester: PersonId, agent: str, proof: Proof | None) -> None:
        """Check that `agent` may be started for somebody; a refusal is noted.

        Raises Forbidden, and WaitsForFile where a file that is half taken does not say who may.
        """
        self._check_file()
        if denied := self._rights.trigger_denial(requester, agent):
            who = self._rights.of_person(requester, proof)
            await Refusals(self._store).refuse(who, "trigger", denied)

    def run_id(self, inbound_id: str | None = None) -> RunId:
        """A fresh id; one per inbound item, however often that is handled."""
        if inbound_id is None:
            return RunId(new_id("run", ingress_shard(new_id("run", 0), self._store.shards)))
        return RunId(run_of(inbound_id))


def agent_for(text: str, agents: Mapping[str, Agent], named: str | None = None) -> str:
    """The name of the agent that takes `text`. Raises Invalid.

    Whoever is `named` takes it: by who asks, or by a table of [triggers]. Else the first in the order of `agents` that
    says it takes such a text, unless lines of it are orders to several; else triage, else the first one. A single agent
    takes everything.
    """
    if named is not None:
        if named not in agents:
            raise Invalid(say("run.unknown-agent", name=named), say("run.there-are", names=", ".join(agents)))
        return named
    if len(agents) == 1:
        return next(iter(agents))
    taker = taker_of(text, agents)
    if taker is not None:
        return taker
    return TRIAGE if TRIAGE in agents else next(iter(agents))
