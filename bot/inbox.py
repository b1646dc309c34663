"""What arrives: durable first, then read, then given to the request it answers or to a new run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from pydantic import AwareDatetime, JsonValue

from agents import Agent
from agents.desk import DESK
from agents.events import RunStarted
from agents.requests import Frozen, Outsider, PersonId, RunId
from agents.run import fold
from bot.admitting import Admission, TriggerRefused
from bot.answers import Statement
from bot.backlog import Backlog
from bot.bouncing import Bouncing
from bot.budgets import allowance
from bot.config import AgentConfig, LimitsConfig
from bot.config_desk import DeskConfig
from bot.decisions import Decisions
from bot.enquiries import Enquiries
from bot.files import attachments, contents
from bot.held.holding import Holding
from bot.ids import ingress_shard, new_id
from bot.journal import Journal
from bot.outgoing import Placed
from bot.people import People
from bot.routing import NoSuchAgent, agent_for
from bot.store import Commit, Wake
from bot.summary import line_of
from bot.threads import FollowUps, TooMuchSaid
from bot.tokens import Tokens
from channels import Bounced, Channel, Enquiry, File, Held, Ignored, Inbound, Reply, Trigger

log = structlog.stdlib.get_logger()

# A mail system that delivers twice does so within days; the run's own slot refuses later ones as well.
_SEEN_S = 7 * 24 * 3600.0
TEXT_BYTES = 32_768


@dataclass(frozen=True, slots=True)
class Sent:
    """What a program adds to a trigger: data, and whose key sent it for the requester.

    `trigger` is the table of [triggers] that fired: its limit counts, not that of the requester. `others` are
    requesters beside the one, `outsider` is whoever we do not know and who set it off. `desk` is
    the address of whoever wrote to the desk, where mail is counted as mail. `holders` are those of the service's key.
    """

    context: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    submitter: PersonId | None = None
    service: str = ""
    trigger: str = ""
    others: tuple[PersonId, ...] = ()
    outsider: Outsider | None = None
    desk: str = ""
    holders: tuple[PersonId, ...] = ()


class _Arrived(Frozen):
    """An inbound item without its bytes, as the store keeps it."""

    channel: str
    key: str
    size_bytes: int
    is_answer: bool
    received_at: AwareDatetime


class Inbox:
    """Accepts for every channel, and gives what was accepted its one effect."""

    def __init__(
        self,
        journal: Journal,
        decisions: Decisions,
        people: People,
        channels: Mapping[str, Channel],
        agents: Mapping[str, Agent],
        budgets: Mapping[str, AgentConfig],
        tokens: Tokens,
        holding: Holding,
        bouncing: Bouncing,
        follow_ups: FollowUps,
        limits: LimitsConfig,
        desk: DeskConfig | None = None,
    ) -> None:
        self._journal, self._store, self._decisions, self._people = journal, journal.store, decisions, people
        self._channels, self._agents, self._budgets, self._tokens = channels, agents, budgets, tokens
        self._holding, self._bouncing, self._follow_ups = holding, bouncing, follow_ups
        self.admission = Admission(journal.store, people, limits)
        self._enquiries = Enquiries(journal.store, desk or DeskConfig())
        self._backlogs = dict[str, Backlog]()

    async def accept(self, inbound: Inbound) -> str:
        """The id under which `inbound` is durable now; the same one however often it arrives.

        Empty for what was written in a thread that we do not know, of which nothing is kept. Waits while too much that
        came before waits to be handled, where that can wait.
        """
        threads = self._store.threads
        if inbound.within and await threads.run_of(inbound.channel, inbound.within) is None:
            return ""
        backlog = self._backlogs.setdefault(inbound.channel, Backlog(self._store, inbound.channel))
        if inbound.can_wait:
            await backlog.room()
        foreign = f"{inbound.channel}:{inbound.key}"
        shard = ingress_shard(foreign, self._store.shards)
        fresh = new_id("inbound", shard)
        arrived = _Arrived.model_validate(inbound.model_dump(exclude={"raw", "can_wait", "within", "begins"}))
        if inbound.can_wait:  # by the clock that the cards go by
            arrived = arrived.model_copy(update={"received_at": await self._store.now(fresh)})
        inbound_id, is_new = await self._store.accept(
            fresh, foreign, arrived.model_dump_json().encode(), inbound.raw, _SEEN_S
        )
        if inbound.begins:
            await threads.begin(inbound.channel, inbound.begins, self.run_id(inbound_id))
        if is_new and inbound.can_wait:
            backlog.add(inbound_id, len(inbound.raw))
        if is_new:
            await self._journal.bell.ring(f"in {inbound_id}", 0, is_answer=inbound.is_answer)
        return inbound_id

    async def handle(self, inbound_id: str) -> None:
        """Give an item its effect; nothing when it has had it."""
        found = await self._store.inbound(inbound_id)
        if found is None:
            return
        arrived = _Arrived.model_validate_json(found[0])
        structlog.contextvars.bind_contextvars(inbound_id=inbound_id, channel=arrived.channel)
        channel = self._channels.get(arrived.channel)
        if channel is None:
            raise LookupError(f"no channel {arrived.channel!r} is set up in this process")
        reading = await channel.read(Inbound(raw=found[1], **arrived.model_dump()))
        match reading:
            case Reply():
                await self._reply(inbound_id, arrived.channel, reading)
            case Trigger():
                await self._trigger(inbound_id, arrived.channel, reading)
            case Held():
                await self._holding.hold(inbound_id, arrived.channel, reading)
            case Bounced():
                await self._bouncing.bounced(inbound_id, arrived.channel, reading)
            case Enquiry():
                await self._enquiry(inbound_id, arrived.channel, reading, arrived.received_at)
            case Ignored():
                log.info("ignored", reason=reading.reason)
                await self._store.drop_inbound(inbound_id)

    async def _reply(self, inbound_id: str, channel: str, reply: Reply) -> None:
        """A token names what this person was shown; without one that is ours nothing is decided."""
        delivery_id = self._tokens.read(reply.token)
        body = await self._store.delivery(delivery_id) if delivery_id else None
        if body is None:
            reasons = ("the reply token is not one of ours: it was changed, or made by another installation",)
            await self._holding.hold(
                inbound_id, channel, Held(reasons=reasons, claims=reply.person, person=reply.person)
            )
            return
        placed = Placed.model_validate_json(body)
        statement = Statement(
            reply_id=reply.key or inbound_id,
            person=PersonId(reply.person),
            addressee=None if reply.is_shared or placed.place else placed.person,
            delivery_id=placed.id,
            unbound=reply.unbound,
            is_exposed=reply.is_exposed,
            channel=channel,
            revision=placed.revision,
            digest=placed.digest,
            said=reply.said,
            text=reply.text,
            reason=reply.reason,
            evidence=reply.evidence,
            files=reply.files,
            picks=reply.picks,
            filled=reply.filled,
            place=reply.place,
        )
        structlog.contextvars.bind_contextvars(request_id=placed.request_id, person=reply.person)
        await self._decisions.decide(placed.request_id, statement)
        await self._store.drop_inbound(inbound_id)

    async def _trigger(self, inbound_id: str, channel: str, trigger: Trigger) -> None:
        try:
            if trigger.follows and await self._follow_ups.take(inbound_id, channel, trigger):
                return await self._store.drop_inbound(inbound_id)
            if trigger.held_because:
                held = Held(reasons=(trigger.held_because,), claims=trigger.person, person=trigger.person)
                held = held.model_copy(update={"thread": trigger.thread, "place": trigger.place})
                return await self._holding.hold(inbound_id, channel, held)
            if trigger.follows and not trigger.is_addressed:
                log.info("ignored", reason="nobody asked us, in a thread where no run lives now")
                return await self._store.drop_inbound(inbound_id)
            await self.admission.room(self.run_id(inbound_id), channel, trigger)
            await self.start(
                channel,
                trigger.text,
                PersonId(trigger.person),
                thread=trigger.thread,
                inbound_id=inbound_id,
                files=trigger.files,
            )
        except TooMuchSaid as error:
            log.warning("not passed on", person=trigger.person, error=str(error))
            await self._holding.refuse(inbound_id, channel, trigger, str(error), "Not passed on to the run")
        except TriggerRefused as error:
            log.warning("trigger refused", person=trigger.person, error=str(error))
            await self._holding.refuse(inbound_id, channel, trigger, str(error))
        return None

    async def _enquiry(self, inbound_id: str, channel: str, enquiry: Enquiry, at: datetime) -> None:
        """A run in the owner's name; what may start none is held, where people can see it."""
        try:
            owner, context = await self._enquiries.admitted(enquiry, inbound_id, at)
            sent = Sent(context=context, desk=enquiry.sender)
            text, files = self._enquiries.wish(enquiry), enquiry.files
            await self.start(channel, text, owner, agent=DESK, inbound_id=inbound_id, sent=sent, files=files)
        except TriggerRefused as error:
            held = Held(reasons=(str(error),), claims=enquiry.sender, about=enquiry.subject, thread=enquiry.message_id)
            await self._holding.hold(inbound_id, channel, held)

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
        sent: Sent = Sent(),
        files: Sequence[File] = (),
    ) -> RunId:
        """Start a run, once per inbound item or `run_id`. Raises TriggerRefused."""
        name = self.check(text, agent)
        run_id = run_id or self.run_id(inbound_id)
        if sent.trigger:
            await self.admission.trigger(sent.trigger, run_id)
        elif not sent.desk:
            await self.admission.person(requester, run_id)
        if thread:
            await self._store.threads.note(channel, thread, run_id)
        started = RunStarted(
            at=self._store.about_now(),
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
            trigger=sent.trigger,
            inherits=sent.others,
            outsider=sent.outsider,
            desk=sent.desk,
            **allowance(self._budgets, name),
            files=attachments(files),
        )
        await self._journal.write(
            Commit(
                run_id=run_id,
                events=[started],
                expect=0,
                inbound=inbound_id,
                wake=[Wake(f"run {run_id}")],
                summary=line_of(fold([started])),
                files=contents(files),
                commit=run_id,
            )
        )
        log.info("run started", run_id=run_id, agent=name, person=requester, channel=channel)
        return run_id

    def check(self, text: str, agent: str | None) -> str:
        """The agent that takes a trigger. Raises TriggerRefused for one that no run can come of."""
        if len(text.encode()) > TEXT_BYTES:
            raise TriggerRefused(f"The text has {len(text.encode())} bytes; {TEXT_BYTES} are allowed. Send less of it")
        if not text.strip():
            raise TriggerRefused("The text is empty. Say what you want, such as: deploy v1.2.0 to production")
        try:
            return agent_for(text, self._agents, agent)
        except NoSuchAgent as error:
            raise TriggerRefused(str(error)) from error

    def run_id(self, inbound_id: str | None = None) -> RunId:
        """A fresh id; one per inbound item, however often that is handled: they share their shard and random part."""
        if inbound_id is None:
            return RunId(new_id("run", ingress_shard(new_id("run", 0), self._store.shards)))
        head, _, tail = inbound_id.partition("-")
        return RunId(f"{head[:-1]}r-{tail}")
