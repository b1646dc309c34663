"""Posts to triggers: signed, read, and given their one effect.

Knows no web framework.
"""

import hashlib
import hmac
import math
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn

import structlog
from pydantic import JsonValue

from agents.requests import Outsider, RunId
from agents.text import one_line
from bot.config.templates import fill, fill_plainly, find, pick, read_body
from bot.config.triggers import TriggerConfig
from bot.errors import WaitsForFile
from bot.people.directory import People
from bot.store import Store
from bot.triggers import github
from bot.triggers.firing import By, TriggerStarts
from bot.triggers.reports import Reports
from language import say, speaking

log = structlog.stdlib.get_logger()

# Long after a signature of ours is too old; whoever names deliveries may bring one again within days.
_KEEP_S = 7 * 24 * 3600.0
# GitHub's signature has no time in it, so this is how long a copy of one starts nothing.
_KEEP_GITHUB_S = 60 * 24 * 3600.0
# GitHub's own are shorter; this one comes from outside.
_LOGIN_CHARS = 100
# Compared with where there is no secret, so that an unknown name takes as long as a wrong signature.
_NOBODYS = secrets.token_hex(32)
# Whoever guesses may do so as often as they like, and fills no log: one line in so long for each trigger and reason.
_SAID_S = 10.0


class NotSigned(Exception):
    """The request is not signed as the trigger of this name wants it, or there is none. It says no more than that."""


@dataclass(frozen=True, slots=True)
class Posted:
    """One request: its headers by small name, and its body as it was sent."""

    headers: Mapping[str, str]
    body: bytes

    def header(self, name: str) -> str:
        """A header, empty where there is none."""
        return self.headers.get(name, "")


@dataclass(frozen=True, slots=True)
class Taken:
    """The effect of a post: the run that was started, or told. `is_repeat`: an earlier delivery had it.

    `run_ids` are all that were told of a report.
    """

    run_id: RunId
    is_repeat: bool
    run_ids: tuple[RunId, ...] = ()


@dataclass(frozen=True, slots=True)
class Passed:
    """A well signed post with nothing to do; `why` says so in words."""

    why: str


class Hooks:
    """Takes what is posted to the tables of [triggers] that have a kind."""

    def __init__(
        self,
        store: Store,
        people: People,
        firing: TriggerStarts,
        reports: Reports,
        triggers: Mapping[str, TriggerConfig],
    ) -> None:
        self._store, self._people, self._firing, self._reports = store, people, firing, reports
        self._triggers, self._said_at = triggers, dict[tuple[str, str], float]()

    async def take(self, name: str, posted: Posted) -> Taken | Passed:
        """Give it its effect, once for each delivery.

        Raises NotSigned, Invalid, NotFound, RateLimited, and WaitsForFile while a file is only half taken that lacks
        somebody who set it off, or the requester of the trigger.
        """
        config = self._triggers.get(name)
        self._check(name, config, posted, await self._store.now("s0r-aaaaaaaaaaaaa"))
        if config is None:
            raise NotSigned
        match config.what:
            case "webhook":
                return await self._webhook(name, config, posted)
            case "github":
                return await self._github(name, config, posted)
            case "report":
                return await self._report(name, config, posted)
            case "cron":
                raise NotSigned

    def _check(self, name: str, config: TriggerConfig | None, posted: Posted, now: datetime) -> None:
        """Check the signature. Raises NotSigned; the log says why, and the sender is not told."""
        secret = config.secret.get_secret_value() if config and config.secret else _NOBODYS
        timestamp = posted.header("x-sayso-timestamp")
        if config and config.what == "github":
            signed, given, is_now = posted.body, posted.header("x-hub-signature-256"), True
        else:
            signed, given = timed(timestamp, posted.body), posted.header("x-sayso-signature")
            is_now = is_timely(timestamp, now)
        is_right = is_signed(secret, signed, given)
        if is_right and is_now and config and config.secret:
            return
        why = "no such trigger" if config is None else "it has no secret" if config.secret is None else ""
        why = why or ("wrong signature" if not is_right else "wrong time")
        line, at = (name if config else "", why), time.monotonic()
        if at - self._said_at.get(line, -math.inf) >= _SAID_S:
            self._said_at[line] = at
            log.warning("not signed", trigger=name[:60], why=why)
        raise NotSigned

    async def _webhook(self, name: str, config: TriggerConfig, posted: Posted) -> Taken:
        body = read_body(posted.body)
        text, context = fill(config.text or "", body), pick(config.context, body)
        proofs = [f"signed {posted.header('x-sayso-signature')}"]
        if config.id and (given := find(dict(body), config.id)) is not None:
            proofs.append(f"id {_hashed(str(given).encode())}")
        return await self._fire(name, config, text, context, await self._firing.run_of(name, proofs, _KEEP_S), By())

    async def _github(self, name: str, config: TriggerConfig, posted: Posted) -> Taken | Passed:
        """The headers of GitHub are not signed: its body alone says whether it came before."""
        event = posted.header("x-github-event")
        if event == "ping":
            return Passed("pong")
        if config.on is None:
            raise NotSigned
        body = read_body(posted.body)
        facts = github.read(event, config.on, body, config.repository, config.only)
        if isinstance(facts, github.NotOurs):
            return Passed(facts.why)
        proofs = [f"body {_hashed(posted.body)}"]
        text, context = fill(config.text or "", facts), {"event": config.on, **facts}
        run_id, logins = await self._firing.run_of(name, proofs, _KEEP_GITHUB_S), github.logins(body)
        is_unsure = self._people.half_taken and not all(map(self._people.by_github, logins))
        if is_unsure and not await self._firing.has_fired(run_id):
            # Who would be an outsider now could approve later what they have set off.
            await self._refuse_for_now(name, run_id)
        return await self._fire(name, config, text, context, run_id, self._by(config.on, logins))

    async def _refuse_for_now(self, name: str, run_id: RunId) -> NoReturn:
        with speaking("en"):  # programs are told so, and the operators in their own words
            waits = WaitsForFile(say("error.half-taken"), say("error.half-taken-do"))
        await self._firing.refused(name, run_id, waits)
        raise waits

    def _by(self, event: github.GitHubEvent, logins: Sequence[str]) -> By:
        """Return the directory's people who set it off; with the first login as an outsider if unknown."""
        known = dict.fromkeys(person for login in logins if (person := self._people.by_github(login)))
        called = tuple(one_line(login, _LOGIN_CHARS) for login in logins)
        if self._people.by_github(logins[0]):
            return By(tuple(known), logins=called)
        did = "pushed" if event in github.PUSHED else "caused"
        return By(tuple(known), Outsider(login=called[0], did=did), called)

    async def _fire(
        self,
        name: str,
        config: TriggerConfig,
        text: str,
        context: Mapping[str, JsonValue],
        run_id: RunId,
        by: By,
    ) -> Taken:
        if await self._firing.has_fired(run_id):
            return Taken(run_id, is_repeat=True)
        if not by.people and self._firing.waits_for_file(config):
            await self._refuse_for_now(name, run_id)
        await self._firing.fire(name, config, text, {"trigger": name, **context}, run_id, by)
        return Taken(run_id, is_repeat=False)

    async def _report(self, name: str, config: TriggerConfig, posted: Posted) -> Taken:
        body = read_body(posted.body)
        handle, text = fill_plainly(config.handle or "", body), fill(config.text or "", body)
        report_id = _hashed(f"{name} {posted.header('x-sayso-signature')}".encode())
        run_ids = await self._reports.runs_of(handle)
        await self._firing.count(name, run_ids[0], report_id)
        told = await self._reports.report_to(run_ids, report_id, handle, text)
        return Taken(next(iter(told)), is_repeat=not any(told.values()), run_ids=tuple(told))


def _hashed(what: bytes) -> str:
    return hashlib.sha256(what).hexdigest()


TOLERANCE_S = 300
"""The most a signed timestamp may be old, or ahead."""


def signature(secret: str, signed: bytes) -> str:
    """`sha256=` and the HMAC-SHA-256 of `signed` in hex, as headers have it."""
    return f"sha256={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


def timed(timestamp: str, body: bytes) -> bytes:
    """Return the bytes that our own senders sign: the timestamp in Unix seconds, a dot, and the body."""
    return f"{timestamp}.".encode() + body


def is_timely(timestamp: str, now: datetime) -> bool:
    """Return whether a timestamp in Unix seconds is within TOLERANCE_S of `now`."""
    known = re.fullmatch(r"[0-9]{1,12}", timestamp, re.ASCII)
    return known is not None and abs(now.timestamp() - int(timestamp)) <= TOLERANCE_S


def is_signed(secret: str, signed: bytes, given: str) -> bool:
    """Return whether `given` is the signature of `signed`; takes as long for a wrong one as for the right one."""
    return hmac.compare_digest(signature(secret, signed).encode(), given.encode(errors="replace"))
