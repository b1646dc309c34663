"""The whole system in one place: settings -> store -> channels -> agents -> process. Nothing else composes."""

import asyncio
from collections.abc import AsyncGenerator, Collection, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import structlog

from agents import Agent
from agents.announce import announce_agent, nothing_to_announce_to
from agents.ask import ask_agent
from agents.deploy import deploy_agent
from agents.model import Claude, Model
from agents.relay import RELAY, SURVEY, relay_agent, survey_agent
from agents.release import release_agent
from agents.triage import TRIAGE, triage_agent
from bot.announcing import Announcing
from bot.apikeys import Keyring
from bot.bouncing import Bouncing
from bot.budgets import Budgets
from bot.children import Children
from bot.config import AgentConfig
from bot.configured import directory_of, environments_of
from bot.copying import Copying
from bot.decisions import Decisions
from bot.desk import FrontDesk
from bot.ending import ended
from bot.enquiries import desk_agents
from bot.executing import Executor
from bot.failing import Failing
from bot.held.clearing import Clearing
from bot.held.holding import Holding
from bot.home import Home
from bot.inbox import Inbox
from bot.journal import Journal
from bot.live import Live
from bot.logins import Logins
from bot.looking import Looker
from bot.loop import Loop
from bot.outbox import Outbox
from bot.own_agents import own_agents
from bot.people import People
from bot.prompting import in_use, with_chosen_prompts
from bot.relaying import Relay
from bot.release import release_of
from bot.runner import Runner
from bot.settings import Settings
from bot.steering import Steering
from bot.store import Store, StoreUnavailable
from bot.store.client import Client
from bot.store.durability import check, check_clock, check_shards
from bot.store.receipts import Receipts
from bot.store.ticks import Ticks
from bot.telling import Teller
from bot.thinking import Thinker
from bot.threads import FollowUps
from bot.tokens import Tokens
from bot.triggers.crons import Crons
from bot.triggers.firing import Firing
from bot.triggers.hooks import Hooks
from bot.triggers.reports import Reports
from bot.updates import EDITING
from bot.version import code
from bot.work import Nearby, Queue
from channels import Channel

log = structlog.stdlib.get_logger()

# Pinned, and recorded with every step; `SAYSO_MODEL` names another one.
DEFAULT_MODEL = "claude-sonnet-5-5"
# Also those that this configuration has no use for: what a name means must not hang on that.
_OUR_NAMES = ("deploy", TRIAGE, "ask", "announce", "release", "desk", RELAY, SURVEY)
_START_AGAIN_S = 1.0
_LEAVE_WITHIN_S = 2.5


@dataclass(frozen=True, slots=True)
class App:
    """Everything a process of sayso holds, composed once. `ready` is set once Redis was found to be in order.

    `release` is what every event is stamped with: see `bot/release.py`.
    """

    settings: Settings
    home: Home
    store: Store
    queue: Queue
    nearby: Nearby
    journal: Journal
    people: People
    decisions: Decisions
    inbox: Inbox
    outbox: Outbox
    clearing: Clearing
    desk: FrontDesk
    executor: Executor
    looker: Looker
    relay: Relay
    steering: Steering
    crons: Crons
    hooks: Hooks
    copying: Copying
    keyring: Keyring
    logins: Logins
    live: Live
    channels: Mapping[str, Channel]
    agents: Mapping[str, Agent]
    models: Mapping[str, Model]
    ready: asyncio.Event
    release: str


def agents_of(settings: Settings) -> tuple[Agent, ...]:
    """The agents of this release, then your own; triage takes what no rule places. Raises ConfigError."""
    environments, desks = environments_of(settings), desk_agents(settings)
    deploys = (deploy_agent(environments),) if environments else ()
    announces = (announce_agent(settings.announce.to),) if settings.announce.to else ()
    chains = tuple(release_agent(deploy, announce) for deploy in deploys for announce in announces)
    ours = (*deploys, ask_agent(directory_of(settings)), *announces, *chains)
    own = own_agents(settings, _OUR_NAMES)
    silent = () if announces else (nothing_to_announce_to(),)
    # Whoever answers mail is given it by code: a desk is none of those that triage may choose.
    return (*deploys, triage_agent((*ours, *own)), *ours[len(deploys) :], *own, *silent, *desks)


def model_names(settings: Settings, agents: Iterable[Agent]) -> dict[str, str]:
    """The id of the model that each agent is to have, key or no key. An agent that is all code has none."""
    named = {agent.name: settings.agents.get(agent.name, AgentConfig()).model for agent in agents if agent.prompt}
    return {name: model or settings.model or DEFAULT_MODEL for name, model in named.items()}


def release_in_use(settings: Settings, agents: Iterable[Agent]) -> str:
    """Under which release the events of these agents, and of ours without a name, are written. The same everywhere."""
    everyone = (*agents, relay_agent(settings.policies), survey_agent())
    return release_of(code(), in_use(everyone, model_names(settings, everyone)))


def models_of(settings: Settings, agents: Sequence[Agent]) -> dict[str, Model]:
    """The model of each agent; empty without a key, when every agent rehearses."""
    if settings.anthropic_api_key is None:
        return {}
    key, url = settings.anthropic_api_key.get_secret_value(), settings.anthropic_base_url
    tokens = {name: settings.agents.get(name, AgentConfig()).context_tokens for name in (one.name for one in agents)}
    names = model_names(settings, agents)
    return {name: Claude(key, url, model, context_tokens=tokens[name]) for name, model in names.items()}


def compose(
    settings: Settings,
    url: str,
    channels: Sequence[Channel],
    agents: Sequence[Agent],
    *,
    sends: bool = True,
    models: Mapping[str, Model] | None = None,
) -> App:
    """Wire everything over the Redis at `url`. Connects to nothing yet.

    A process that never `sends` need not have the channels of those that do. `models` by agent, instead of those that
    the settings name. Raises ConfigError and PromptError for prompts that are not there or wrong.
    """
    agents = with_chosen_prompts(settings, agents)
    by_agent = {agent.name: agent for agent in agents}
    # No trigger is routed to the relay: whom a program may ask is checked where its requests come in. Nor is one to
    # the agent of surveys, which only those start who conduct one.
    everyone = by_agent | {RELAY: relay_agent(settings.policies), SURVEY: survey_agent()}
    release = release_in_use(settings, agents)
    home = Home(settings.data_dir)
    client = Client(url)
    store = Store(client, settings.shards, settings.lease_s, settings.grace_s, release)
    queue = Queue(store, settings.redelivery_s, settings.sweep_s)
    nearby = Nearby(queue)
    journal, people = Journal(store, nearby), People(settings.people, settings.policies)
    edits = frozenset(channel.name for channel in channels if channel.edits)
    # A process that sends nothing, and may have no token of its own, must know whose cards to have changed as well.
    edits |= EDITING if settings.has_slack or not sends else frozenset()
    decisions = Decisions(journal, people, edits)
    tokens = Tokens(home.keys(settings))
    by_channel = {channel.name: channel for channel in channels}
    models = models_of(settings, agents) if models is None else models
    failing, receipts, alerts = Failing(journal, decisions, people, by_channel), Receipts(client), settings.alerts.to
    outbox = Outbox(journal, decisions, people, by_channel, tokens, failing, receipts, alerts, settings.public_url)
    holding = Holding(journal, decisions, tokens, people)
    bouncing = Bouncing(store, receipts, people, tokens, failing, outbox.alert)
    follow_ups = FollowUps(journal, decisions)
    configs, limits, desk = settings.agents, settings.limits, settings.desk
    inbox = Inbox(
        journal, decisions, people, by_channel, by_agent, configs, tokens, holding, bouncing, follow_ups, limits, desk
    )
    children = Children(journal, (*by_agent, SURVEY), settings.agents)
    runner, announcing = Runner(settings.data_dir, url), Announcing(journal, people)
    executor = Executor(store, nearby, runner, everyone, children, announcing, home.host())
    teller = Teller(people, tuple(by_channel), edits, alerts)
    thinker, budgets = Thinker(models), Budgets(store.days, settings.agents, people)
    loop = Loop(journal, decisions, people, everyone, thinker, executor, teller, outbox.alert, budgets)
    relay = Relay(journal, people, inbox, thinker, loop, everyone[RELAY])
    firing = Firing(store, inbox, outbox.alert)
    looker = Looker(store, loop, inbox, outbox, decisions)
    return App(
        settings=settings,
        home=home,
        store=store,
        queue=queue,
        nearby=nearby,
        journal=journal,
        people=people,
        decisions=decisions,
        inbox=inbox,
        outbox=outbox,
        clearing=Clearing(journal, decisions, people),
        desk=FrontDesk(store, decisions, people, tokens, settings.public_url),
        executor=executor,
        looker=looker,
        relay=relay,
        steering=Steering(journal, decisions, by_agent),
        crons=Crons(Ticks(client, settings.shards), firing, settings.triggers),
        hooks=Hooks(store, people, firing, Reports(journal), settings.triggers),
        copying=Copying(journal, inbox, by_agent, settings.agents),
        keyring=Keyring(store, people),
        logins=Logins(store, people),
        live=Live(environments_of(settings)),
        channels=by_channel,
        agents=by_agent,
        models=models,
        ready=asyncio.Event(),
        release=release,
    )


@asynccontextmanager
async def running(app: App, *, works: bool, receives: Collection[str]) -> AsyncGenerator[None]:
    """The parts of a process while the context is open: `works` looks at wake sets; `receives` names the channels
    that are received from.

    Waits for Redis first. Leaving it lets what runs end or detaches it, within 4 s.
    """
    await _ready(app)
    app.ready.set()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(app.store.client.close)
        for model in app.models.values():
            stack.push_async_callback(model.close)
        stack.push_async_callback(app.queue.close)
        receivers = [
            asyncio.create_task(_receive(app, channel), name=f"receive {channel.name}")
            for channel in app.channels.values()
            if channel.name in receives
        ]
        if works:
            stack.push_async_callback(app.executor.leave, _LEAVE_WITHIN_S)
            await stack.enter_async_context(app.nearby.serving(app.looker.look, app.crons.sweep))
        try:
            yield
        finally:
            await ended(receivers)


async def _receive(app: App, channel: Channel) -> None:
    """Receive for ever, also from a channel that breaks off against its word: nobody else would notice."""
    while True:
        try:
            await channel.receive(app.inbox.accept, app.desk)
        except Exception:
            log.exception("receiving broke off, begins again", channel=channel.name)
        await asyncio.sleep(_START_AGAIN_S)


async def _ready(app: App) -> None:
    """Redis answers, keeps what it acknowledges, and has the shards we think it has. Waits while it is away."""
    while True:
        try:
            durability = await check(app.store.client, app.settings.accept_durability)
            await check_shards(app.store.client, app.store.shards)
            await check_clock(app.store.client, app.store.shards, is_test=app.settings.test_clock)
            if await app.store.lists.are_whole():
                await app.store.lists.note_whole()
            else:
                log.warning("lists lack what an earlier release wrote", fix="sayso rebuild, once none of it runs")
            return log.info("ready", durability=durability, rehearsal=not app.models)
        except StoreUnavailable as error:
            log.warning("waiting for Redis", error=str(error))
            await asyncio.sleep(_START_AGAIN_S)
