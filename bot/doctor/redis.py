"""Checks of the Redis that an installation uses, and of what processes leave there about themselves."""

import shutil
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from bot.audit.health import ends_elsewhere, sealed_otherwise, waiting
from bot.config.data_dir import DataDir
from bot.config.settings import Settings
from bot.doctor.finding import Finding, not_tried
from bot.doctor.redis_rights import examine_rights
from bot.doctor.room import amount, room
from bot.people.api_keys import keys_of_nobody
from bot.people.noted import command_of, half_taken
from bot.people.register import here
from bot.store.client import Client, Node, StoreError, StoreUnavailable, WentBack
from bot.store.client.durability import (
    ACCEPTED_LOSS,
    Durability,
    WrongShards,
    asked_alone,
    check_sees_all,
    far_ahead,
    look,
    setting,
)
from bot.store.format import OtherFormat, check_whole, look_at_format
from bot.store.indexes import connection, links_of, lockouts_of
from bot.store.locks import MailboxStore
from bot.store.went_back import OtherStore, compare

SKEW_S = 60.0
"""The most this machine's clock may be off: deadlines are told to people in minutes."""

_NEARLY_FULL = 0.8
_SEALED_WITHIN = timedelta(minutes=1)
# A master and two replicas: when one takes the master's place, another follows it at once.
_REPLACED_SAFELY = 3


async def examine_redis(
    settings: Settings, url: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> AsyncIterator[Finding]:
    """Check that the Redis at `url` answers, keeps what it acknowledged, and holds nothing that waits in vain."""
    client = Client(url, patience_s=0)
    try:
        rights = await _rights(client, settings)
        yield Finding(sign="✓", what="Redis answers")
        if found := await _format(client, settings):
            yield found
            if found.sign == "✗":
                yield not_tried("what Redis keeps, allows and holds", "nothing of this release works on it")
                return
        if rights.sign == "✗":
            yield rights
        async with aclosing(_inside(settings, client)) as findings:
            async for finding in findings:
                yield finding
        for finding in await _sealing(settings, client, now):
            yield finding
        if rights.sign == "✓":
            yield rights
        async with aclosing(_servers(settings, client, now)) as findings:
            async for finding in findings:
                yield finding
    except StoreUnavailable as error:
        yield Finding(sign="✗", what=str(error), fix="start Redis, or correct SAYSO_REDIS_URL")
        yield not_tried("what Redis keeps, allows and holds", "it does not answer")
    except StoreError as error:
        yield not_tried("what Redis keeps and holds", error.what)
    finally:
        await client.close()


async def _format(client: Client, settings: Settings) -> Finding | None:
    """Return what is to be said of the store: its format, and whether it is the one that was seen here.

    Nothing of one that nobody has used.
    """
    try:
        found = await look_at_format(client)
        await check_whole(client)
        await check_sees_all(client, settings.shards)
        await compare(client, settings.shards, settings.data_dir)
    except (OtherFormat, OtherStore, WentBack, WrongShards) as error:
        return Finding(sign="✗", what=error.what, fix=error.do)
    except StoreUnavailable:
        raise
    except StoreError:  # what is said of our rights names it
        return None
    return Finding(sign="✓", what=f"the store has format {found}, as this release reads it") if found else None


async def _rights(client: Client, settings: Settings) -> Finding:
    more: list[tuple[str, ...]] = [("WAIT", "0", "0")] if settings.redis_wait_replicas else []
    more += [("ASKING",)] if len(client.groups(2)) > 1 else []
    try:
        return await examine_rights(client, settings.shards, more)
    except StoreUnavailable:
        raise
    except StoreError as error:
        fix = "correct the user and password in SAYSO_REDIS_URL, or: ACL SETUSER with that user: +multi +exec +discard"
        return Finding(sign="✗", what=f"Redis takes no transactions of ours: {error.what}", fix=fix)


async def _inside(settings: Settings, client: Client) -> AsyncGenerator[Finding]:
    """What the server keeps, and what of ours waits in it. Raises StoreError."""
    durability, why = await look(client)
    ahead = await far_ahead(client, settings.shards)
    lockouts, unheld = await lockouts_of(client), await keys_of_nobody(client, await here(client, settings.people))
    yield _durability(settings, durability, why)
    for digest, since in (await half_taken(client)).items():
        what = f"sayso.toml is only half taken since {since:%d %b %Y %H:%M UTC}: it may have been emptied or cut"
        fix = f"put the file right; or, if it is right, its last lines deleted on purpose: {command_of(digest)}"
        yield Finding(sign="✗", what=what, fix=fix)
    for one in lockouts:
        what = f"{one.channel.capitalize()} refuses sayso since {one.since:%H:%M UTC}: {one.what}"
        yield Finding(sign="✗", what=what, fix=one.do)
    if ahead:
        fix = (
            "keep that clock right (NTP). Deadlines hold meanwhile, moments are shown as much too late, and the two "
            "meet again in ten times as long. To have it at once, stop sayso and delete the keys {s*}:clock_seen: "
            "open approvals stay good for as much longer"
        )
        yield Finding(sign="✗", what=f"Redis's clock was set back: sayso's is {ahead} ahead of it", fix=fix)
    for key in unheld:
        whose = f"sayso_{key.prefix} of {key.owner}"
        what = f"{whose} names no holders: whoever has it could approve what it asks for"
        if key.holders:
            what = f"those who held {whose} have left ({', '.join(key.holders)}): whoever has it still asks with it"
        fix = f"sayso keys create --service {key.service} --holder PERSON …, then sayso keys revoke sayso_{key.prefix}"
        yield Finding(sign="!", what=what, fix=fix)


async def _sealing(settings: Settings, client: Client, now: Callable[[], datetime]) -> list[Finding]:
    """Look at the key of the audit log, and what waits to be sealed with it. Raises StoreError."""
    home, found = DataDir(settings.data_dir), list[Finding]()
    waits = await waiting(client, settings.shards)
    if settings.redis_url is not None and settings.audit_key is None:
        fix = "SAYSO_AUDIT_KEY=$(openssl rand -hex 32), out of Redis and of its backups, the same in every worker"
        what = "the audit log has no key of its own: whoever knows SAYSO_SECRET_KEY can seal what never happened"
        found.append(Finding(sign="!", what=what, fix=fix))
    # Asked for where there is none, the data directory would make one.
    is_known = settings.secret_key or (settings.data_dir.is_dir() and home.read("audit.key"))
    if is_known and (shards := await sealed_otherwise(client, settings.shards, home.audit_keys(settings))):
        what = "records of the audit log are sealed with another SAYSO_AUDIT_KEY than this one"
        fix = "set the key of before: what it sealed can't be checked with another"
        found.append(Finding(sign="✗", what=f"{what} (shards {', '.join(map(str, shards))})", fix=fix))
    if shards := await ends_elsewhere(client, settings.shards):
        what = "the newest record of the audit log is not the one that the store notes as its head"
        fix = "sayso audit verify names what was removed; compare with the heads that were noted outside"
        found.append(Finding(sign="✗", what=f"{what} (shards {', '.join(map(str, shards))})", fix=fix))
    if (since := waits.since) and now() - since > _SEALED_WITHIN:
        what = f"{waits.count} facts wait to be sealed for the audit log, the oldest since {since:%Y-%m-%d %H:%M} UTC"
        found.append(Finding(sign="✗", what=what, fix="start a worker; if one runs, its log says why it does not seal"))
    return found or [Finding(sign="✓", what="the audit log is sealed, with a key of its own")]


def _durability(settings: Settings, durability: Durability, why: str) -> Finding:
    if durability == "unknown":
        fix = "let the Redis user run CONFIG GET, or see for yourself: appendonly yes, appendfsync always, maxmemory-"
        return not_tried("durability", why, f"{fix}policy noeviction")
    if durability == "verified":
        return Finding(sign="✓", what="durability verified")
    what = f"durability weaker {why}"
    if settings.accept_durability == ACCEPTED_LOSS:
        return Finding(sign="!", what=what)
    fix = f"set these on the server, or SAYSO_ACCEPT_DURABILITY={ACCEPTED_LOSS!r}"
    return Finding(sign="✗", what=what, fix=fix)


async def _servers(settings: Settings, client: Client, now: Callable[[], datetime]) -> AsyncGenerator[Finding]:
    """What each server has room for, and takes for the time; one among several is named. Raises StoreError."""
    nodes, is_cluster = await client.nodes(), len(client.groups(2)) > 1
    if not nodes:
        async for finding in _examined(settings, client, Node("", client.url, is_master=True), now):
            yield finding
    for node in nodes:
        for finding in await _of_node(settings, node, now):
            yield finding.model_copy(update={"what": f"{node.name}: {finding.what}"})
    if len(nodes) >= _REPLACED_SAFELY and not is_cluster and (finding := await _comes_back(client)):
        yield finding


async def _of_node(settings: Settings, node: Node, now: Callable[[], datetime]) -> list[Finding]:
    async with asked_alone(node) as client:
        try:
            return [finding async for finding in _examined(settings, client, node, now)]
        except StoreUnavailable as error:
            return [Finding(sign="✗", what=error.what, fix="start it, or take it out of the cluster")]


async def _examined(
    settings: Settings, client: Client, node: Node, now: Callable[[], datetime]
) -> AsyncGenerator[Finding]:
    yield await _clock(client, now)
    try:
        about = cast("Mapping[str, Any]", await client.do("INFO"))
    except StoreUnavailable:
        raise
    except StoreError as error:
        yield not_tried("memory and disk of Redis", error.what, "let the Redis user run INFO")
        return
    if node.is_master and (finding := _replicas(settings.redis_wait_replicas, about)):
        yield finding
    yield _log(about)
    yield _memory(about)
    yield await _disk(client, about, node.url)


def _replicas(wanted: int, about: Mapping[str, Any]) -> Finding | None:
    """Whether as many replicas follow as a start must be on; None where there are none and none must be."""
    there = int(about.get("connected_slaves", 0))
    if there == wanted:
        what = f"Redis has {_counted(there)}, and each has the start of a tool before its effect"
        return Finding(sign="✓", what=what) if there else None
    if there < wanted:
        what = f"Redis has {_counted(there)} and SAYSO_REDIS_WAIT_REPLICAS is {wanted}: nothing is executed"
        return Finding(sign="✗", what=what, fix="bring the replicas back, or set SAYSO_REDIS_WAIT_REPLICAS to fewer")
    what = (
        f"Redis has {_counted(there)} and SAYSO_REDIS_WAIT_REPLICAS is {wanted}: where one takes over that lacks the "
        "start of a tool, the tool is executed again"
    )
    return Finding(sign="!", what=what, fix=f"SAYSO_REDIS_WAIT_REPLICAS={there}")


async def _comes_back(client: Client) -> Finding | None:
    """Return what to set where a replaced master takes writes, which are lost, until a Sentinel finds it.

    https://redis.io/docs/latest/operate/oss_and_stack/management/sentinel/#example-2-basic-setup-with-three-boxes
    """
    try:
        if int(await setting(client, "min-replicas-to-write")):
            return None
    except StoreUnavailable:
        raise
    except (StoreError, LookupError) as error:
        return not_tried("what a replaced master does", str(error), "let the Redis user run CONFIG GET")
    what = "a master that was replaced and comes back acknowledges writes for seconds, which are then lost"
    return Finding(sign="!", what=what, fix="min-replicas-to-write 1, on every server")


def _counted(replicas: int) -> str:
    return f"{replicas} replica{'' if replicas == 1 else 's'}"


async def _clock(client: Client, now: Callable[[], datetime]) -> Finding:
    """How far the clocks of this machine and of Redis are apart at the least: the answer takes a while to come."""
    before = now()
    seconds, microseconds = cast("tuple[int, int]", await client.do("TIME"))
    after, told = now(), seconds + microseconds / 1_000_000
    early, late = before.timestamp() - told, told - after.timestamp()
    off_s = max(early, late, 0.0)
    if off_s <= SKEW_S:
        return Finding(sign="✓", what="this machine's clock and that of Redis agree")
    what = f"this machine's clock is {off_s:.0f} s {'ahead of' if early > late else 'behind'} that of Redis"
    return Finding(sign="!", what=what, fix="sudo timedatectl set-ntp true, on the one that is wrong")


def _log(about: Mapping[str, Any]) -> Finding:
    """Whether its last writes to its disk worked; a full one shows here wherever Redis is.

    Once a snapshot fails it takes no writes (`stop-writes-on-bgsave-error`).
    """
    names = ("aof_last_write_status", "aof_last_bgrewrite_status", "rdb_last_bgsave_status")
    what, fix = "whether Redis writes its append-only file", "let this user call INFO"
    if not {"aof_enabled", *names} <= about.keys():
        return not_tried(what, "Redis does not tell", fix)
    if not int(about["aof_enabled"]):
        return Finding(sign="!", what="Redis keeps no append-only file", fix="appendonly yes, appendfsync always")
    if bad := [name for name in names if about[name] != "ok"]:
        fix = "see the log of Redis and the room on its disk"
        return Finding(sign="✗", what=f"Redis could not write to its disk the last time: {', '.join(bad)}", fix=fix)
    return Finding(sign="✓", what="Redis wrote its append-only file the last time")


def _memory(about: Mapping[str, Any]) -> Finding:
    if not {"used_memory", "maxmemory"} <= about.keys():
        return not_tried("how much memory Redis uses", "it does not tell", "let this user call INFO")
    used, most = int(about["used_memory"]), int(about["maxmemory"])
    if not most:
        return Finding(sign="✓", what=f"Redis uses {amount(used)} of memory, and has no limit (maxmemory)")
    what = f"Redis uses {amount(used)} of {amount(most)} of memory (maxmemory)"
    if used < most * _NEARLY_FULL:
        return Finding(sign="✓", what=what)
    fix = "raise maxmemory, on the server and in its file: once it is reached, nothing can be written"
    return Finding(sign="✗" if used >= most else "!", what=what, fix=fix)


async def _disk(client: Client, about: Mapping[str, Any], url: str) -> Finding:
    """The room on the disk of Redis, where that is on this machine."""
    what, fix = "the room on the disk of Redis", "see there: df -h, in the folder that CONFIG GET dir names"
    if not _is_here(about, url):
        return not_tried(what, "it is on another machine", fix)
    try:
        folder = Path(await setting(client, "dir"))
        return room(f"Redis ({folder})", shutil.disk_usage(folder).free)
    except StoreUnavailable:
        raise
    except (StoreError, LookupError, OSError) as error:
        return not_tried(what, str(error), fix)


def _is_here(about: Mapping[str, Any], url: str) -> bool:
    """Return whether the server is a process of this machine, and in no container with a disk of its own."""
    at = urlsplit(url)
    if at.scheme != "unix" and at.hostname not in {"localhost", "127.0.0.1", "::1"}:
        return False
    command = Path("/proc", str(about.get("process_id", "")), "comm")
    try:
        return not Path("/proc/self").exists() or any(name in command.read_text() for name in ("redis", "valkey"))
    except OSError:
        return False


async def slack_line(url: str) -> Finding:
    """Check whether a process holds a connection to Slack just now."""
    client = Client(url, patience_s=0)
    try:
        return await examine_links(client)
    finally:
        await client.close()


async def examine_links(client: Client) -> Finding:
    """Check the connections to Slack that processes say they hold."""
    try:
        found = await links_of(client)
    except StoreError as error:
        return not_tried("who is connected to Slack", str(error), "start Redis")
    match connection(found):
        case "connected":
            count = sum(link.connected for link in found)
            return Finding(
                sign="✓", what=f"{count} {'process is' if count == 1 else 'processes are'} connected to Slack"
            )
        case "not connected":
            why = f": {found[0].why}" if found[0].why else ""
            return Finding(
                sign="✗", what=f"the line to Slack is down{why}", fix="see the log of sayso slack, or of sayso dev"
            )
        case "nobody is connected":
            return Finding(sign="!", what="nobody is connected to Slack", fix="start sayso slack")


async def mailbox_reader(settings: Settings, url: str) -> Finding:
    """Check whether a process reads the mailbox just now."""
    client = Client(url, patience_s=0)
    try:
        return await _examine_reading(MailboxStore(client, settings.mailbox_name))
    finally:
        await client.close()


async def _examine_reading(store: MailboxStore) -> Finding:
    try:
        state, now = await store.state(), await store.now()
    except StoreError as error:
        return not_tried("who reads the mailbox", str(error), "start Redis")
    if state and state.trouble:
        return Finding(
            sign="✗", what=f"the mailbox could not be read: {state.trouble}", fix="see the log of sayso mail"
        )
    if state is None or not state.is_fresh(now):
        return Finding(sign="!", what="nobody reads the mailbox", fix="start sayso mail")
    return Finding(sign="✓", what="the mailbox is read")
