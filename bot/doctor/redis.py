"""Checks of the Redis that an installation uses, and of what processes leave there about themselves."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

from bot.config.settings import Settings
from bot.doctor.finding import Finding, Sign
from bot.people.api_keys import keys_of_nobody
from bot.store.client import ACCEPTED_LOSS, Client, StoreError, far_ahead, look
from bot.store.indexes import Links, Lockouts, standing
from bot.store.lists import Lists
from bot.store.locks import MailboxStore


async def examine_redis(settings: Settings, url: str) -> AsyncIterator[Finding]:
    """Check that the Redis at `url` answers, keeps what it acknowledged, and holds nothing that waits in vain."""
    client = Client(url, patience_s=0)
    try:
        durability, why = await look(client)
        lists = Lists(client, settings.shards)
        are_whole, unknown = await lists.are_whole(), await lists.unknown_work()
        ahead = await far_ahead(client, settings.shards)
        lockouts = await Lockouts(client).all()
        unheld = await keys_of_nobody(client)
    except StoreError as error:
        yield Finding(sign="✗", what=str(error), fix="start Redis, or correct SAYSO_REDIS_URL")
        return
    finally:
        await client.close()
    yield Finding(sign="✓", what="Redis answers")
    for one in lockouts:
        what = f"{one.channel.capitalize()} refuses sayso since {one.since:%H:%M UTC}: {one.what}"
        yield Finding(sign="✗", what=what, fix=one.do)
    if unknown:
        what = f"work that this release can't do waits: {len(unknown)} items, such as {unknown[0][:60]!r}"
        yield Finding(sign="✗", what=what, fix="run the newer release that left them there, or its successor")
    if not are_whole:
        fix = "sayso rebuild, once no process of the earlier release runs"
        yield Finding(sign="!", what="lists lack what an earlier release wrote", fix=fix)
    if ahead:
        fix = (
            "keep that clock right (NTP). Deadlines hold meanwhile, moments are shown as much too late, and the two "
            "meet again in ten times as long. To have it at once, stop sayso and delete the keys {s*}:clock_seen: "
            "open approvals stay good for as much longer"
        )
        yield Finding(sign="✗", what=f"Redis's clock was set back: sayso's is {ahead} ahead of it", fix=fix)
    for key in unheld:
        what = f"sayso_{key.prefix} of {key.owner} names no holders: whoever has it could approve what it asks for"
        fix = f"sayso keys create --service {key.service} --holder PERSON …, then sayso keys revoke sayso_{key.prefix}"
        yield Finding(sign="!", what=what, fix=fix)
    fix = f"set these on the server, or SAYSO_ACCEPT_DURABILITY={ACCEPTED_LOSS!r}"
    signs: dict[str, Sign] = {"verified": "✓", "weaker": "✗", "unknown": "!"}
    is_bad = durability == "weaker" and settings.accept_durability != ACCEPTED_LOSS
    sign: Sign = "!" if durability == "weaker" and not is_bad else signs[durability]
    yield Finding(sign=sign, what=f"durability {durability} {why}".strip(), fix=fix if is_bad else "")


async def slack_line(url: str) -> Finding:
    """Check whether a process holds a connection to Slack just now."""
    client = Client(url, patience_s=0)
    try:
        return await examine_links(Links(client))
    finally:
        await client.close()


async def examine_links(links: Links) -> Finding:
    """Check the connections to Slack that processes say they hold."""
    try:
        found = await links.all()
    except StoreError as error:
        return Finding(sign="!", what=f"nobody knows who is connected to Slack: {error}", fix="start Redis")
    match standing(found):
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
        state = await store.state()
    except StoreError as error:
        return Finding(sign="!", what=f"nobody knows who reads the mailbox: {error}", fix="start Redis")
    if state and state.trouble:
        return Finding(
            sign="✗", what=f"the mailbox could not be read: {state.trouble}", fix="see the log of sayso mail"
        )
    if state is None or not state.is_fresh(datetime.now(UTC)):
        return Finding(sign="!", what="nobody reads the mailbox", fix="start sayso mail")
    return Finding(sign="✓", what="the mailbox is read")
