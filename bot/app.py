"""The whole system in one place: settings -> store -> channels -> agents -> process. Nothing else composes."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import structlog

from agents import Agent
from agents.help import usage
from agents.model.protocol import Model
from agents.relay import RELAY, SURVEY, relay_agent, survey_agent
from agents.review import review_agent
from agents.standing import STANDING, standing_agent
from bot.archive.keeper import Archive, place_of
from bot.archive.leaving import has_left
from bot.archive.retention import Retention
from bot.audit.chain import Head
from bot.audit.heads import Heads
from bot.audit.leaving import AuditLeaving
from bot.audit.reading import AuditReader
from bot.audit.sealer import Sealer
from bot.audit.watching import AuditWatch
from bot.config.data_dir import DataDir
from bot.config.settings import Settings
from bot.config.tables import CHANNELS
from bot.execution.executor import Executor
from bot.execution.runner import Runner
from bot.inbound.absences import TypedAbsences
from bot.inbound.bounces import Bounces
from bot.inbound.follow_ups import FollowUps
from bot.inbound.freezes import TypedFreezes
from bot.inbound.inbox import Handlers, Inbox
from bot.inbound.inquiries import Inquiries
from bot.inbound.orders import TypedOrders
from bot.inbound.quarantine import Quarantine
from bot.inbound.quarantine_review import QuarantineReview
from bot.inbound.standing import TypedStanding
from bot.outbound.announcements import Announcements
from bot.outbound.failures import DeliveryFailures
from bot.outbound.notifier import Notifier, to_person
from bot.outbound.outbox import Outbox
from bot.outbound.sending import Reach
from bot.people.directory import People
from bot.people.register import Register
from bot.queries.drift import Drift
from bot.queries.environments import Live
from bot.queries.guard import Guard
from bot.queries.history import History
from bot.queries.overview import StoredRequests
from bot.registry.configured import model_secrets, models_of, release_in_use
from bot.registry.environments import environments_of
from bot.registry.prompts import with_chosen_prompts
from bot.render.redaction import Redactor, secrets_in
from bot.requests.after_review import AfterReviews
from bot.requests.card_updates import EDITING
from bot.requests.decisions import Decisions
from bot.requests.freezes import FrozenRequests
from bot.requests.gathering import Gathering
from bot.requests.reassignment.absences import AbsentPeople
from bot.requests.reassignment.departures import Departures
from bot.requests.standing.approvals import StandingApprovals
from bot.requests.standing.granting import StandingGrants
from bot.requests.standing.uses import StandingUses
from bot.requests.tokens import Tokens
from bot.runs.admission import Admission
from bot.runs.api_requests import ApiRequests, AskingAgain
from bot.runs.append import EventLog
from bot.runs.budgets import Budgets
from bot.runs.children import Children
from bot.runs.forks import RunForks
from bot.runs.loop import Loop
from bot.runs.model_calls import ModelCalls
from bot.runs.program_starts import ProgramStarts
from bot.runs.start import Starter
from bot.runs.steering import Steering
from bot.runs.thinking import ModelTurn, Thinker
from bot.store import Store
from bot.store.client import Client
from bot.store.ids import new_id
from bot.store.indexes import StoreMarks
from bot.store.journal import Journal
from bot.store.timers import Ticks
from bot.telemetry import OFF, Telemetry
from bot.triggers.crons import Crons
from bot.triggers.firing import TriggerStarts
from bot.triggers.hooks import Hooks
from bot.triggers.reports import Reports
from bot.wiring.redis import Access, access_to, queue_of, store_of
from bot.worker.dispatcher import Dispatcher
from bot.worker.queue import Queue
from channels import Channel, Remembers
from language import say

log = structlog.stdlib.get_logger()


@dataclass(frozen=True, slots=True)
class Runs:
    """A run's life: started, steered, copied, asked for by programs, moved on.

    `again` asks that the same be done without asking, by requests that `standing` opens. `program_starts` are those of
    programs, which do themselves what was approved.
    """

    starter: Starter
    steering: Steering
    forks: RunForks
    api_requests: ApiRequests
    standing: ApiRequests
    again: AskingAgain
    program_starts: ProgramStarts
    children: Children
    executor: Executor


@dataclass(frozen=True, slots=True)
class Requests:
    """Requests: the single writer of decisions, the lists of them, what is frozen, and whose deciders have left.

    And what was approved once for several times, and who is away.
    """

    decisions: Decisions
    lookup: StoredRequests
    freezes: FrozenRequests
    departures: Departures
    standing: StandingApprovals
    absences: AbsentPeople


@dataclass(frozen=True, slots=True)
class Messages:
    """The channels, what comes in by them and what goes out."""

    channels: Mapping[str, Channel]
    inbox: Inbox
    outbox: Outbox
    quarantine: QuarantineReview


@dataclass(frozen=True, slots=True)
class Work:
    """Work that is due: from the queue, timers and outside; what is to be sealed, and what leaves for the archive."""

    queue: Queue
    dispatcher: Dispatcher
    crons: Crons
    hooks: Hooks
    retention: Retention
    sealer: Sealer
    audit: AuditWatch


@dataclass(frozen=True, slots=True)
class App:
    """Everything a process of sayso holds, composed once. `ready` is set once Redis was found to be in order.

    `release` is what every event is stamped with: see `bot/registry/release.py`.
    """

    settings: Settings
    data_dir: DataDir
    store: Store
    journal: Journal
    history: History
    audit: AuditReader
    guard: Guard
    people: People
    register: Register
    runs: Runs
    requests: Requests
    messages: Messages
    work: Work
    access: Access
    drift: Drift
    agents: Mapping[str, Agent]
    models: Mapping[str, Model]
    ready: asyncio.Event
    release: str
    telemetry: Telemetry

    @property
    def unready(self) -> str:
        """Why nothing is done here yet, or any more; an empty text where it is."""
        if self.ready.is_set():
            return ""
        return self.store.memory.trouble or "Redis has not answered since this process started."

    @property
    def live(self) -> Live:
        """What is live in each environment."""
        return self.drift.live


@dataclass(frozen=True, slots=True)
class _Ground:
    """The ground the rest stands on: the store of runs, the directory of people, and the channels that reach them.

    `edits` names the channels in which a card can be changed where it stands.
    """

    settings: Settings
    data_dir: DataDir
    client: Client
    store: Store
    queue: Queue
    journal: Journal
    archive: Archive
    people: People
    decisions: Decisions
    freezes: FrozenRequests
    standing: StandingApprovals
    tokens: Tokens
    access: Access
    channels: Mapping[str, Channel]
    edits: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Driving:
    """The parts that move runs on, with all `agents`, those that nobody triggers among them."""

    agents: Mapping[str, Agent]
    thinker: Thinker
    executor: Executor
    children: Children
    loop: Loop


def compose(
    settings: Settings,
    redis: str | Client,
    channels: Sequence[Channel],
    agents: Sequence[Agent],
    *,
    sends: bool = True,
    models: Mapping[str, Model] | None = None,
    people: People | None = None,
    telemetry: Telemetry = OFF,
) -> App:
    """Wire everything over `redis`: its address, or the client that the channels have. Connects to nothing yet.

    A process that never `sends` need not have the channels of those that do. `models` by agent, instead of those that
    the settings name; `people` are the directory that the channels have, instead of one of the settings. `telemetry`
    follows what runs do here. Raises ConfigError, and PromptError for a prompt that is not there or wrong.
    """
    agents = with_chosen_prompts(settings, agents)
    by_agent = {agent.name: agent for agent in agents}
    models = models_of(settings, agents) if models is None else models
    release = release_in_use(settings, agents)
    ground = _ground(settings, redis, channels, release, people or People.of(settings), sends=sends)
    store, journal, people, decisions = ground.store, ground.journal, ground.people, ground.decisions
    admission = Admission(store, people, settings.limits)
    starter = Starter(journal, by_agent, settings.agents, admission, ground.access.rights)
    outbox, bounces = _outbox(ground)
    driving = _driving(ground, by_agent, models, outbox, telemetry)
    # Who steers or starts by HTTP is in a process that has no channels; those that send have them all.
    notifier = Notifier(people, CHANNELS, ground.edits)
    steering = Steering(journal, decisions, by_agent, ground.archive, driving.children, notifier)
    forks = RunForks(journal, ground.archive, starter, by_agent, settings.agents)
    history = History(store, ground.archive, forks)
    firing = TriggerStarts(store, starter, history, outbox.alert)
    guard, runs = (
        Guard(ground.access.rights, store, history),
        _runs(ground, starter, steering, forks, driving),
    )
    inbox, audit = _inbox(ground, runs, outbox, bounces, guard), AuditReader(store, ground.archive, people.ids_of)
    requests = _requests(ground, agents)
    return App(
        settings=settings,
        data_dir=ground.data_dir,
        store=store,
        journal=journal,
        history=history,
        audit=audit,
        guard=guard,
        people=people,
        register=Register(store, people),
        runs=runs,
        requests=requests,
        messages=Messages(ground.channels, inbox, outbox, QuarantineReview(journal, decisions, people)),
        work=Work(
            queue=ground.queue,
            dispatcher=Dispatcher(
                store, driving.loop, inbox, outbox, decisions, requests.departures, _reviews(ground), people
            ),
            crons=Crons(Ticks(ground.client, settings.shards), firing, settings.triggers),
            hooks=Hooks(store, people, firing, Reports(journal), settings.triggers),
            retention=_retention(ground, outbox),
            sealer=_sealer(ground, outbox),
            audit=AuditWatch(store, audit, lambda: ground.data_dir.audit_keys(settings), outbox.alert),
        ),
        access=ground.access,
        drift=_drift(settings, store, outbox),
        agents=by_agent,
        models=models,
        ready=asyncio.Event(),
        release=release,
        telemetry=telemetry,
    )


def _runs(ground: _Ground, starter: Starter, steering: Steering, forks: RunForks, driving: _Driving) -> Runs:
    gathering = _gathering(ground)
    asking = partial(ApiRequests, ground.journal, ground.people, starter, driving.thinker, driving.loop, gathering)
    standing, guard = asking(driving.agents[STANDING]), driving.loop.guard
    return Runs(
        starter=starter,
        steering=steering,
        forks=forks,
        api_requests=asking(driving.agents[RELAY]),
        standing=standing,
        again=AskingAgain(ground.journal, ground.standing, standing, driving.agents),
        program_starts=ProgramStarts(
            ground.journal,
            ground.decisions,
            ground.people,
            guard,
            driving.executor,
            ground.archive,
        ),
        children=driving.children,
        executor=driving.executor,
    )


def _reviews(ground: _Ground) -> AfterReviews:
    return AfterReviews(ground.journal, ground.people, ground.archive)


def _drift(settings: Settings, store: Store, outbox: Outbox) -> Drift:
    environments = environments_of(settings)
    return Drift(environments, Live(environments, store), store, outbox.alert)


def _retention(ground: _Ground, outbox: Outbox) -> Retention:
    after = timedelta(seconds=ground.settings.retention.finished_after_s)
    audit = AuditLeaving(ground.store, ground.archive, timedelta(seconds=ground.settings.retention.audit_after_s))
    return Retention(ground.store, ground.archive, after, audit, outbox.alert)


def _requests(ground: _Ground, agents: Sequence[Agent]) -> Requests:
    asked, decisions = [agent for agent in agents if agent.example], ground.decisions
    lookup = StoredRequests(
        ground.store,
        ground.decisions,
        ground.people,
        ground.tokens,
        ground.settings.public_url,
        usage=lambda: usage(asked),
        freezes=ground.freezes,
    )
    departures = Departures(
        ground.journal, decisions, ground.people, ground.standing, ground.edits, ground.channels.keys()
    )
    absences = AbsentPeople(ground.journal, decisions, ground.people)
    return Requests(decisions, lookup, ground.freezes, departures, ground.standing, absences)


def _ground(
    settings: Settings, redis: str | Client, channels: Sequence[Channel], release: str, people: People, *, sends: bool
) -> _Ground:
    data_dir, client = DataDir(settings.data_dir), redis if isinstance(redis, Client) else Client(redis)
    store = store_of(settings, client, release)
    queue = queue_of(settings, store)
    journal = Journal(store, queue)
    for channel in channels:
        if isinstance(channel, Remembers):
            channel.remember_in(StoreMarks(store, channel.name))
    archive = Archive(place_of(settings), partial(has_left, store))
    edits = frozenset(channel.name for channel in channels if channel.edits)
    # A process that sends nothing, and may have no token of its own, must know whose cards to have changed as well.
    edits |= EDITING if settings.has_slack or not sends else frozenset()
    decisions = Decisions(journal, people, edits, archive)
    return _Ground(
        settings=settings,
        data_dir=data_dir,
        client=client,
        store=store,
        queue=queue,
        journal=journal,
        archive=archive,
        people=people,
        decisions=decisions,
        freezes=decisions.freezes,
        standing=StandingApprovals(journal, decisions, people),
        tokens=Tokens(data_dir.keys(settings)),
        access=access_to(store, people),
        channels={channel.name: channel for channel in channels},
        edits=edits,
    )


def _sealer(ground: _Ground, outbox: Outbox) -> Sealer:
    """Compose what seals the audit log and sends its heads outside."""
    settings, journal, people = ground.settings, ground.journal, ground.people

    async def mail(name: str, heads: Sequence[Head]) -> None:
        person = people.of_file(name)
        with people.speaking_to(person):
            text = say("audit.heads", heads="\n".join(map(str, heads)))
            await to_person(journal, person, say("audit.heads-title"), text, reach=("email",))

    async def alarm(place: str, why: str) -> None:
        def words() -> tuple[str, str]:
            return say("audit.alert-heads-title"), say("audit.alert-heads", place=place, why=why)

        await outbox.alert(new_id("outgoing", 0), words)

    heads = Heads(ground.store, settings.audit.heads, mail, alarm)

    def key() -> bytes:
        return ground.data_dir.audit_keys(settings)[0]

    return Sealer(ground.store, people, key, heads.announce, calm=ground.queue.calm)


def _gathering(ground: _Ground) -> Gathering:
    return Gathering(ground.store, ground.settings.limits.cards_per_person, ground.settings.public_url)


def _outbox(ground: _Ground) -> tuple[Outbox, Bounces]:
    """Compose the outbox, and what handles the mail that came back."""
    store, people, channels, tokens = ground.store, ground.people, ground.channels, ground.tokens
    failing = DeliveryFailures(ground.journal, ground.decisions, people, channels)
    reach = Reach(people, channels, tokens, failing, ground.access.sessions, ground.settings.public_url)
    outbox = Outbox(ground.journal, ground.decisions, reach, _gathering(ground))
    return outbox, Bounces(store, people, tokens, failing, outbox.alert)


def _inbox(ground: _Ground, runs: Runs, outbox: Outbox, bounces: Bounces, guard: Guard) -> Inbox:
    settings, journal, people, rights = ground.settings, ground.journal, ground.people, ground.access.rights
    decisions, tokens = ground.decisions, ground.tokens
    follow_ups = FollowUps(journal, decisions, people, rights, runs.children)
    quarantine = Quarantine(journal, decisions, tokens, people)
    absences = TypedAbsences(journal, people, AbsentPeople(journal, decisions, people), decisions)
    freezes = TypedFreezes(journal, people, rights, ground.freezes, settings.deploy.environments.keys())
    standing = TypedStanding(journal, ground.standing, runs.again, runs.starter, people, guard)
    handlers = Handlers(
        follow_ups=follow_ups,
        inquiries=Inquiries(ground.store, ground.people, settings.desk, outbox.alert_once),
        bounces=bounces,
        quarantine=quarantine,
        steering=runs.steering,
        absences=absences,
        freezes=freezes,
        orders=TypedOrders(ground.store, decisions, people, follow_ups, quarantine, absences, freezes, standing),
    )
    return Inbox(journal, ground.channels, runs.starter, tokens, decisions, people, handlers)


def _driving(
    ground: _Ground, agents: Mapping[str, Agent], models: Mapping[str, Model], outbox: Outbox, telemetry: Telemetry
) -> _Driving:
    settings, journal, people = ground.settings, ground.journal, ground.people
    # No trigger is routed to the relay: whom a program may ask is checked where its requests come in. Nor is one to
    # the agent of surveys, which only those start who conduct one, nor to that of reviews, which code starts.
    grants = StandingGrants(ground.store, people)
    of_code = (
        relay_agent(lambda: people.tables.policies), survey_agent(),
        standing_agent(grants.check, grants.grant, people.name_of),
        review_agent(lambda: people.tables.alerts, people.name_of),
    )  # fmt: skip
    everyone = {**agents, **{agent.name: agent for agent in of_code}}
    children = Children(journal, (*agents, SURVEY), settings.agents, ground.access.rights)
    runner, announcing = Runner(settings.data_dir, ground.client.url), Announcements(journal, people)
    redactor, host = Redactor((*secrets_in(settings), *model_secrets(settings))), ground.data_dir.host()
    mask = redactor.printed
    executor = Executor(ground.store, ground.queue, runner, everyone, children, announcing, host, mask, telemetry)
    notifier = Notifier(people, tuple(ground.channels), ground.edits)
    keep_s = {name: one.keep_replies_s for name, one in settings.agents.items()}
    calls = ModelCalls(telemetry, ground.client, keep_s, redactor)
    thinker, budgets = Thinker(models, calls.note), Budgets(ground.store.days, settings.agents, people)
    log = EventLog(journal, notifier)
    loop = Loop(
        log,
        ModelTurn(log, thinker, budgets, outbox.alert),
        executor,
        children,
        ground.decisions,
        people,
        ground.freezes,
        StandingUses(ground.store, people),
    )
    return _Driving(everyone, thinker, executor, children, loop)
