"""Looks at every service and permission that this installation needs, and says how to mend what is wrong."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterator

from agents.prices import is_priced
from bot.app import DEFAULT_MODEL, agents_of
from bot.config_errors import ConfigError
from bot.finding import Finding, Sign
from bot.home import Home
from bot.mail.doctor import examine_mail, examine_reading
from bot.mail.real import RealMail
from bot.mail.settings import LONGEST_LOCAL_PART
from bot.people import People
from bot.processes import NothingRuns, redis_url
from bot.settings import Settings
from bot.slack.doctor import examine_links, examine_slack
from bot.store.client import Client, StoreError
from bot.store.durability import ACCEPTED_LOSS, look
from bot.store.links import Links
from bot.store.lists import Lists
from bot.store.mailboxes import MailboxStore
from bot.triggers.doctor import examine_triggers


async def examine(settings: Settings) -> list[Finding]:
    """Everything that was found, in the order in which it should be mended."""
    findings = [_configuration(settings), _data(settings), _secret(settings)]
    findings += [finding async for finding in _redis(settings)]
    findings += [finding async for finding in _mail(settings)]
    findings += [finding async for finding in _slack(settings)]
    findings += [*_own_agents(settings), _git(), *_repositories(settings), *_triggers(settings), _model(settings)]
    return [*findings, *await _prices(settings)]


def _configuration(settings: Settings) -> Finding:
    if settings.config is None:
        return Finding(sign="!", what="no sayso.toml was found", mend="./sayso dev writes an example")
    return Finding(sign="✓", what=f"{settings.config} is well formed: {len(settings.people)} people")


def _data(settings: Settings) -> Finding:
    folder = settings.data_dir
    there = next(part for part in (folder, *folder.parents) if part.exists())
    if not there.is_dir():
        return Finding(sign="✗", what=f"{folder}: {there} is a file", mend="name another data directory with --data")
    if not os.access(there, os.W_OK):
        mend = f"sudo chown -R $(id -un) {there}" if there == folder else "name another data directory with --data"
        return Finding(sign="✗", what=f"{there} can't be written", mend=mend)
    if there != folder:
        return Finding(sign="!", what=f"{folder} does not exist yet", mend="./sayso dev makes it")
    return Finding(sign="✓", what=f"{folder} can be written")


def _secret(settings: Settings) -> Finding:
    if settings.secret_key is not None:
        return Finding(sign="✓", what="there is a secret key")
    if settings.redis_url is None:
        return Finding(sign="✓", what="the secret key is kept in the data directory")
    mend = "SAYSO_SECRET_KEY=…, the same in every process, such as the output of: openssl rand -hex 32"
    return Finding(sign="✗", what="SAYSO_REDIS_URL is set and SAYSO_SECRET_KEY is not", mend=mend)


def _own_agents(settings: Settings) -> list[Finding]:
    own = [name for name, config in settings.agents.items() if config.code]
    try:
        found = [agent for agent in agents_of(settings) if agent.name in own]
    except ConfigError as error:
        return [Finding(sign="✗", what=problem, mend="do what it says") for problem in error.problems]
    return [Finding(sign="✓", what=f"the agent {one.name} loads, with {len(one.tools)} tools") for one in found]


async def _redis(settings: Settings) -> AsyncIterator[Finding]:
    try:
        client = Client(redis_url(settings), patience_s=0)
    except NothingRuns as error:
        yield Finding(sign="✗", what="no Redis to attach to", mend=str(error))
        return
    try:
        durability, why = await look(client)
        are_whole = await Lists(client, settings.shards).are_whole()
    except StoreError as error:
        yield Finding(sign="✗", what=str(error), mend="start Redis, or correct SAYSO_REDIS_URL")
        return
    finally:
        await client.close()
    yield Finding(sign="✓", what="Redis answers")
    if not are_whole:
        mend = "sayso rebuild, once no process of the earlier release runs"
        yield Finding(sign="!", what="lists lack what an earlier release wrote", mend=mend)
    mend = f"set these on the server, or SAYSO_ACCEPT_DURABILITY={ACCEPTED_LOSS!r}"
    signs: dict[str, Sign] = {"verified": "✓", "weaker": "✗", "unknown": "!"}
    is_bad = durability == "weaker" and settings.accept_durability != ACCEPTED_LOSS
    sign: Sign = "!" if durability == "weaker" and not is_bad else signs[durability]
    yield Finding(sign=sign, what=f"durability {durability} {why}".strip(), mend=mend if is_bad else "")


async def _mail(settings: Settings) -> AsyncIterator[Finding]:
    if not settings.has_servers:
        yield _local_mail(settings)
        return
    async for finding in examine_mail(settings, RealMail(settings, People(settings.people, settings.policies))):
        yield finding
    try:
        client = Client(redis_url(settings), patience_s=0)
    except NothingRuns:
        return
    try:
        yield await examine_reading(MailboxStore(client, settings.mailbox_name))
    finally:
        await client.close()


async def _slack(settings: Settings) -> AsyncIterator[Finding]:
    async for finding in examine_slack(settings):
        yield finding
    if not settings.has_socket_mode:
        return
    try:
        client = Client(redis_url(settings), patience_s=0)
    except NothingRuns:
        return
    try:
        yield await examine_links(Links(client))
    finally:
        await client.close()


def _local_mail(settings: Settings) -> Finding:
    local = (settings.mail_address or "").partition("@")[0]
    if len(local) > LONGEST_LOCAL_PART:
        mend = f"choose a SAYSO_MAIL_ADDRESS with at most {LONGEST_LOCAL_PART} characters before the @"
        return Finding(sign="✗", what=f"{local} leaves no room for reply tokens", mend=mend)
    folder = settings.data_dir
    if not folder.is_dir() or Home(folder).read("mail.json") is None:
        return Finding(sign="!", what="the local mail server has not run here", mend="./sayso dev, or sayso mail")
    return Finding(sign="✓", what="the local mail server has its place")


def _git() -> Finding:
    if shutil.which("git") is None:
        return Finding(sign="✗", what="git is not installed", mend="apt install git")
    return Finding(sign="✓", what="git is there")


def _repositories(settings: Settings) -> list[Finding]:
    return [
        Finding(sign="✓", what=f"{name} deploys from {config.repo}")
        if config.repo.is_dir()
        else Finding(sign="✗", what=f"{name}: no folder {config.repo}", mend=f"set deploy.environments.{name}.repo")
        for name, config in settings.deploy.environments.items()
    ]


def _triggers(settings: Settings) -> Iterator[Finding]:
    try:
        names = [agent.name for agent in agents_of(settings)]
    except ConfigError:  # told with the agents
        names = list(settings.agents)
    return examine_triggers(settings, names)


def _model(settings: Settings) -> Finding:
    if settings.anthropic_api_key is None:
        return Finding(
            sign="!", what="rehearsal: no model key, plain rules choose the steps", mend="ANTHROPIC_API_KEY=…"
        )
    return Finding(sign="✓", what="there is a model key")


async def _prices(settings: Settings) -> list[Finding]:
    """The models whose steps nobody can price."""
    if settings.anthropic_api_key is None:
        return []
    models = sorted({settings.model or DEFAULT_MODEL, *(one.model for one in settings.agents.values() if one.model)})
    mend = "max_cost_usd can't hold it: rely on max_tokens, or name a model that has a price"
    return [
        Finding(sign="!", what=f"the price of {model} is not known", mend=mend)
        for model in models
        if not await asyncio.to_thread(is_priced, model)
    ]
