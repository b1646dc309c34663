"""The whole system in one place: settings -> store -> channels -> agents -> process. Nothing else composes."""

import asyncio
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import structlog

from agents import Agent
from agents.announce import announce_agent
from agents.ask import Listed, ask_agent
from agents.deploy import Environment, deploy_agent
from agents.model import Claude, Model
from agents.relay import RELAY, SURVEY, relay_agent, survey_agent
from agents.release import release_agent
from agents.triage import triage_agent
from bot.announcing import Announcing
from bot.apikeys import Keyring
from bot.bouncing import Bouncing
from bot.children import Children
from bot.config import AgentConfig
from bot.decisions import Decisions
from bot.desk import FrontDesk
from bot.ending import ended
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
from bot.people import People
from bot.relaying import Relay
from bot.runner import Runner
from bot.settings import Settings
from bot.steering import Steering
from bot.store import Store, StoreUnavailable
from bot.store.client import Client
from bot.store.durability import check, check_clock, check_shards
from bot.store.receipts import Receipts
from bot.telling import Teller
from bot.thinking import Thinker
from bot.threads import FollowUps
from bot.tokens import Tokens
from bot.updates import EDITING
from bot.work import Nearby, Queue
from channels import Channel

log = structlog.stdlib.get_logger()

# Pinned, and recorded with every step; `SAYSO_MODEL` names another one.
DEFAULT_MODEL = "claude-sonnet-5-5"
_START_AGAIN_S = 1.0
_LEAVE_WITHIN_S = 2.5


@dataclass(frozen=True, slots=True)
class App:
    """Everything a process of sayso holds, composed once. `ready` is set once Redis was found to be in order."""

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
    keyring: Keyring
    logins: Logins
    live: Live
    channels: Mapping[str, Channel]
    agents: Mapping[str, Agent]
    models: Mapping[str, Model]
    ready: asyncio.Event


def environments_of(settings: Settings) -> dict[str, Environment]:
    """Where something can be deployed to."""
    return {
        name: Environment(
            name=name,
            policy=config.policy,
            repo=config.repo,
            command=config.command,
            live=config.live,
            timeout_s=config.timeout_s,
        )
        for name, config in settings.deploy.environments.items()
    }


def agents_of(settings: Settings) -> tuple[Agent, ...]:
    """The agents of this release; the first one takes what nobody is named for."""
    environments = environments_of(settings)
    deploys = (deploy_agent(environments),) if environments else ()
    announces = (announce_agent(settings.announce.to),) if settings.announce.to else ()
    chains = tuple(release_agent(deploy, announce) for deploy in deploys for announce in announces)
    others = (*deploys, ask_agent(directory_of(settings)), *announces, *chains)
    return (*deploys, triage_agent(others), *others[len(deploys) :])


def directory_of(settings: Settings) -> dict[str, Listed]:
    """Everybody whom the ask agent may ask."""
    return {name: Listed(person.name, person.timezone, person.groups) for name, person in settings.people.items()}


def models_of(settings: Settings, agents: Sequence[Agent]) -> dict[str, Model]:
    """The model of each agent; empty without a key, when every agent rehearses."""
    if settings.anthropic_api_key is None:
        return {}
    key, url = settings.anthropic_api_key.get_secret_value(), settings.anthropic_base_url
    named = {
        agent.name: settings.agents[agent.name].model if agent.name in settings.agents else None
        for agent in agents
        if agent.prompt
    }
    return {name: Claude(key, url, model or settings.model or DEFAULT_MODEL) for name, model in named.items()}


def compose(
    settings: Settings, url: str, channels: Sequence[Channel], agents: Sequence[Agent], *, sends: bool = True
) -> App:
    """Wire everything over the Redis at `url`. Connects to nothing yet.

    A process that never `sends` need not have the channels of those that do.
    """
    home = Home(settings.data_dir)
    client = Client(url)
    store = Store(client, settings.shards, settings.lease_s, settings.grace_s)
    queue = Queue(store, settings.redelivery_s, settings.sweep_s)
    nearby = Nearby(queue)
    journal, people = Journal(store, nearby), People(settings.people, settings.policies)
    edits = frozenset(channel.name for channel in channels if channel.edits)
    # A process that sends nothing, and may have no token of its own, must know whose cards to have changed as well.
    edits |= EDITING if settings.has_slack or not sends else frozenset()
    decisions = Decisions(journal, people, edits)
    tokens = Tokens(home.keys(settings))
    by_channel = {channel.name: channel for channel in channels}
    by_agent = {agent.name: agent for agent in agents}
    # No trigger is routed to the relay: whom a program may ask is checked where its requests come in. Nor is one to
    # the agent of surveys, which only those start who conduct one.
    everyone = by_agent | {RELAY: relay_agent(settings.policies), SURVEY: survey_agent()}
    models = models_of(settings, agents)
    failing, receipts, alerts = Failing(journal, decisions, people, by_channel), Receipts(client), settings.alerts.to
    outbox = Outbox(journal, decisions, people, by_channel, tokens, failing, receipts, alerts, settings.public_url)
    holding = Holding(journal, decisions, tokens, people)
    bouncing = Bouncing(store, receipts, people, tokens, failing, outbox.alert)
    steps = {name: config.max_steps for name, config in settings.agents.items()}
    follow_ups = FollowUps(journal, decisions)
    inbox = Inbox(
        journal, decisions, people, by_channel, by_agent, steps, tokens, holding, bouncing, follow_ups, settings.limits
    )
    children = Children(journal, {name: settings.agents.get(name, AgentConfig()) for name in (*by_agent, SURVEY)})
    runner, announcing = Runner(settings.data_dir, url), Announcing(journal, people)
    executor = Executor(store, nearby, runner, everyone, children, announcing, home.host())
    teller = Teller(people, tuple(by_channel), edits)
    thinker = Thinker(models)
    loop = Loop(journal, decisions, people, everyone, thinker, executor, teller, outbox.alert)
    relay = Relay(journal, people, inbox, thinker, loop, everyone[RELAY])
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
        keyring=Keyring(store, people),
        logins=Logins(store, people),
        live=Live(environments_of(settings)),
        channels=by_channel,
        agents=by_agent,
        models=models,
        ready=asyncio.Event(),
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
            await stack.enter_async_context(app.nearby.serving(app.looker.look))
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
