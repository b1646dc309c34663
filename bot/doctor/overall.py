"""Looks at every service and permission that this installation needs, and says how to fix what is wrong."""

import os
import shlex
import shutil
import stat
from collections.abc import AsyncIterator, Iterator

from bot.command_line import command
from bot.config.data_dir import DataDir, redis_url
from bot.config.errors import ConfigError
from bot.config.mail import LONGEST_LOCAL_PART
from bot.config.settings import Settings
from bot.doctor.approvals import examine_approvals
from bot.doctor.audiences import addresses_of, examine_audiences
from bot.doctor.environments import examine_environments
from bot.doctor.finding import Finding, not_tried
from bot.doctor.groups import examine_groups
from bot.doctor.models import examine_models
from bot.doctor.retention import examine_retention
from bot.doctor.room import room
from bot.doctor.slack import examine_slack
from bot.doctor.triggers import examine_triggers
from bot.errors import Invalid, Unavailable
from bot.people.directory import People
from bot.registry.configured import agents_of


async def examine(settings: Settings) -> list[Finding]:
    """Everything that was found, in the order in which it should be fixed."""
    findings = [_configuration(settings), *_data(settings), *_open_to_others(settings), _secret(settings)]
    findings += [finding async for finding in _redis(settings)]
    findings += [*await examine_retention(settings)]
    findings += [finding async for finding in _mail(settings)]
    findings += [finding async for finding in _slack(settings)]
    findings += [finding async for finding in examine_groups(settings)]
    findings += [*examine_approvals(settings), *examine_audiences(settings)]
    findings += [*_own_agents(settings), _git(), *await examine_environments(settings), *_triggers(settings)]
    return [*findings, *await examine_models(settings)]


def _configuration(settings: Settings) -> Finding:
    if settings.config is None:
        return Finding(sign="!", what="no sayso.toml was found", fix=f"{command('dev')} writes an example")
    if not settings.people:
        fix = "put the file back, or name somebody in it: no process starts like this"
        return Finding(sign="✗", what=f"{settings.config} has nobody in [people]", fix=fix)
    return Finding(sign="✓", what=f"{settings.config} is well formed: {len(settings.people)} people")


def _data(settings: Settings) -> Iterator[Finding]:
    folder = settings.data_dir
    there = next(part for part in (folder, *folder.parents) if part.exists())
    if not there.is_dir():
        yield Finding(sign="✗", what=f"{folder}: {there} is a file", fix="name another data directory with --data")
        return
    if not os.access(there, os.W_OK):
        fix = f"sudo chown -R $(id -un) {there}" if there == folder else "name another data directory with --data"
        yield Finding(sign="✗", what=f"{there} can't be written", fix=fix)
    elif there != folder:
        yield Finding(sign="!", what=f"{folder} does not exist yet", fix=f"{command('dev')} makes it")
    else:
        yield Finding(sign="✓", what=f"{folder} can be written")
    yield room(f"{there}", shutil.disk_usage(there).free)


def _open_to_others(settings: Settings) -> Iterator[Finding]:
    """Yield the files and folders that other users may write: these decide who is asked, and which programs run."""
    config = [settings.config, settings.config.absolute().parent] if settings.config else []
    for path in dict.fromkeys([*config, settings.data_dir]):
        try:
            found = path.stat()
        except OSError:
            continue
        is_sticky = bool(found.st_mode & stat.S_ISVTX)
        if found.st_uid not in {os.getuid(), 0}:
            fix = f"sudo chown {os.getuid()} {shlex.quote(str(path))}"
            yield Finding(sign="!", what=f"{path} belongs to somebody else, who may change it", fix=fix)
        elif found.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not is_sticky:
            fix = f"chmod go-w {shlex.quote(str(path))}"
            yield Finding(sign="!", what=f"others may write {path}: whoever does decides what is run", fix=fix)


def _secret(settings: Settings) -> Finding:
    if settings.secret_key is not None:
        return Finding(sign="✓", what="there is a secret key")
    if settings.redis_url is None:
        if not settings.data_dir.is_dir():
            return Finding(sign="✓", what="the secret key is made with the data directory")
        return Finding(sign="✓", what="the secret key is kept in the data directory")
    fix = "SAYSO_SECRET_KEY=…, the same in every process, such as the output of: openssl rand -hex 32"
    return Finding(sign="✗", what="SAYSO_REDIS_URL is set and SAYSO_SECRET_KEY is not", fix=fix)


def _own_agents(settings: Settings) -> list[Finding]:
    own = [name for name, config in settings.agents.items() if config.code]
    try:
        found = [agent for agent in agents_of(settings) if agent.name in own]
    except ConfigError as error:
        return [Finding(sign="✗", what=problem, fix="do what it says") for problem in error.problems]
    except Invalid as error:  # told with the environments
        return [not_tried("whether agents of your own load", error.what)] if own else []
    return [Finding(sign="✓", what=f"the agent {one.name} loads, with {len(one.tools)} tools") for one in found]


async def _redis(settings: Settings) -> AsyncIterator[Finding]:
    try:
        url = redis_url(settings)
    except Unavailable as error:
        yield Finding(sign="✗", what="no Redis to attach to", fix=str(error))
        return
    from bot.doctor.redis import examine_redis  # noqa: PLC0415 - most of what the program imports

    async for finding in examine_redis(settings, url):
        yield finding


async def _mail(settings: Settings) -> AsyncIterator[Finding]:
    if not settings.has_servers:
        yield _local_mail(settings)
        return
    # A `sayso dev` has no servers, and needs nothing that speaks to them.
    from bot.doctor.mail import examine_mail, examine_recipients  # noqa: PLC0415
    from bot.wiring.mail import RealMail  # noqa: PLC0415

    people = People.of(settings)
    mail = RealMail(settings, people)
    async for finding in examine_mail(settings, mail):
        yield finding
    if addresses := addresses_of(settings):
        async for finding in examine_recipients(mail, addresses):
            yield finding
    try:
        url = redis_url(settings)
    except Unavailable:
        yield not_tried("who reads the mailbox", "there is no Redis to ask")
        return
    from bot.doctor.redis import mailbox_reader  # noqa: PLC0415

    yield await mailbox_reader(settings, url)


async def _slack(settings: Settings) -> AsyncIterator[Finding]:
    async for finding in examine_slack(settings):
        yield finding
    if not settings.has_socket_mode:
        return
    try:
        url = redis_url(settings)
    except Unavailable:
        yield not_tried("who is connected to Slack", "there is no Redis to ask")
        return
    from bot.doctor.redis import slack_line  # noqa: PLC0415

    yield await slack_line(url)


def _local_mail(settings: Settings) -> Finding:
    local = (settings.mail_address or "").partition("@")[0]
    if len(local) > LONGEST_LOCAL_PART:
        fix = f"choose a SAYSO_MAIL_ADDRESS with at most {LONGEST_LOCAL_PART} characters before the @"
        return Finding(sign="✗", what=f"{local} leaves no room for reply tokens", fix=fix)
    folder = settings.data_dir
    if settings.redis_url is not None:
        fix = "set SAYSO_IMAP_HOST, SAYSO_SMTP_HOST and SAYSO_MAIL_ADDRESS (docs/email.md)"
        what = "mail is not set up: nobody is reached by it"
        if settings.mail_local:
            what = f"SAYSO_MAIL_LOCAL is set: mail is written to {folder}, and reaches nobody outside"
        return Finding(sign="✗", what=what, fix=fix)
    if not folder.is_dir() or DataDir(folder).read("mail.json") is None:
        return Finding(
            sign="!", what="the local mail server has not run here", fix=f"{command('dev')}, or {command('mail')}"
        )
    return Finding(sign="✓", what="the local mail server has its place")


def _git() -> Finding:
    if shutil.which("git") is None:
        return Finding(sign="✗", what="git is not installed", fix="apt install git")
    return Finding(sign="✓", what="git is there")


def _triggers(settings: Settings) -> Iterator[Finding]:
    try:
        names = [agent.name for agent in agents_of(settings)]
    except (ConfigError, Invalid):  # told with the agents, or the environments
        names = list(settings.agents)
    return examine_triggers(settings, names)
