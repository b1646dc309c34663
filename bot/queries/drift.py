"""Looks whether what is live somewhere was put there by sayso; where it was not, the operators hear it, once."""

import asyncio
import operator
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

import structlog
from pydantic import AwareDatetime, Field

from agents.deploy import Environment
from agents.deploy.checks import last_deploy
from agents.deploy.facts import FACT_S, live_commit
from agents.deploy.lookup import LookFailed
from agents.requests import Frozen
from bot.queries.environments import Live
from bot.queries.lists import runs
from bot.render.views import EffectView
from bot.store import Keys, Store, StoreError
from bot.store.ids import new_id
from bot.store.indexes import restoration
from language import say
from language.dates import in_words

log = structlog.stdlib.get_logger()

# A command of each environment, once in so long on whichever machine.
_EVERY = timedelta(minutes=1)
_ENOUGH = 0.9
# A command that gave up waiting may have begun what goes on without it.
_ROLLS_OUT = timedelta(minutes=30)
# What was put live by a run that is older than so many others is known from when it was.
_RUNS, _KNOWN = 500, 100
_SHORT = 12
_HOME = Keys(0)


class Alert(Protocol):
    """Tells the operators something."""

    def __call__(self, near: str, words: Callable[[], tuple[str, str]]) -> Awaitable[None]:
        """Tell it in the language that each of them reads."""
        ...


class SeenLive(Frozen):
    """What was seen live in an environment: `commit` since then. `known` are those that sayso put there, and the first.

    `looked` is when it was last seen there. `is_drift`: nobody approved the one that is live, as far as is known here:
    it was found after sayso was restored, if `restored_from` says as of when, or people said that the run `not_done`,
    which was to put it there, did not. `told` are those the operators have heard of, `last_by` who put it there as far
    as the environment itself says.
    """

    commit: str
    since: AwareDatetime
    known: tuple[str, ...]
    looked: AwareDatetime | None = None
    is_drift: bool = False
    restored_from: AwareDatetime | None = None
    told: tuple[str, ...] = ()
    last_by: str = ""
    not_done: str = Field(default="", exclude_if=operator.not_)


class Drift:
    """What is live and was never approved."""

    def __init__(self, environments: Mapping[str, Environment], live: Live, store: Store, alert: Alert) -> None:
        self._environments, self.live, self._store, self._alert = environments, live, store, alert

    async def keep_looking(self) -> None:
        """Look for ever, one process at a time."""
        while True:
            await asyncio.sleep(_EVERY.total_seconds())
            try:
                if await self._store.client.is_first(_HOME.live_looked, _EVERY.total_seconds() * _ENOUGH):
                    await self.look()
            except StoreError as error:
                log.warning("not looked at what is live", error=str(error))
            except Exception:
                log.exception("not looked at what is live")

    async def look(self) -> None:
        """Look at every environment. Where that fails, or something is being deployed there, the next look will say."""
        for environment in self._environments.values():
            now = self._store.about_now()
            try:
                async with asyncio.timeout(FACT_S):
                    commit = await live_commit(environment)
            except (LookFailed, TimeoutError) as error:
                log.info("what is live is not known", environment=environment.name, error=str(error))
                continue
            await self._see(environment, commit, now)

    async def seen(self) -> dict[str, SeenLive]:
        """Return what was seen live last, by environment. Raises StoreUnavailable."""
        held = await self._store.client.do("HGETALL", _HOME.live)
        found = {name.decode(): SeenLive.model_validate_json(body) for name, body in held.items()}
        return {name: one for name, one in found.items() if name in self._environments}

    async def needs(self) -> list[str]:
        """Return what a person has to look at, a line for each environment."""
        return [
            f"{name}: {one.commit[:_SHORT]} is live since {one.since:%d %b %H:%M UTC}, and {_why(one)}"
            for name, one in (await self.seen()).items()
            if one.is_drift
        ]

    async def _see(self, environment: Environment, commit: str, now: datetime) -> None:
        name = environment.name
        before = (await self.seen()).get(name)
        if before is None:
            return await self._keep(name, SeenLive(commit=commit, since=now, known=(commit,), looked=now))
        again = before.model_copy(update={"looked": now})
        if before.commit == commit and not before.is_drift:
            return await self._keep(name, again)
        if commit in before.known or await self._is_ours(name, commit, before):
            known = (*(one for one in before.known if one != commit), commit)[-_KNOWN:]
            return await self._keep(name, SeenLive(commit=commit, since=now, known=known, looked=now, told=before.told))
        if before.commit == commit:
            return await self._keep(name, again)
        if (await self.live.turns())[name].running:
            return None
        drift = again.model_copy(update={"commit": commit, "since": now, "is_drift": True})
        more = {"last_by": await _last_by(environment), "restored_from": await self._restored_since(before)}
        drift = drift.model_copy(update={**more, "not_done": await self._said_not_done(name, commit, before)})
        if commit not in before.told:  # rather twice than never
            await self._alert(new_id("outgoing", 0), partial(_words, name, drift))
            drift = drift.model_copy(update={"told": (*before.told, commit)[-_KNOWN:]})
        return await self._keep(name, drift)

    async def _is_ours(self, name: str, commit: str, before: SeenLive) -> bool:
        """Return whether a run put it there, which it can only with the approval that its environment needs.

        What is there anew may be of an old run, which waited long; later only the newest may have put it there again.
        A run that can't be read counts as none: rather an alarm too many than one too few.
        """
        cursor: str | None = None
        is_new = before.commit != commit
        while True:
            some, cursor, _ = await runs(self._store, cursor=cursor, limit=_RUNS)
            effects = (effect for run in some for effect in run.effects if effect.environment == name)
            made = [one for one in effects if one.result != "not_done" and one.commit.startswith(commit)]
            if any(_may_have_put(effect, before, commit) for effect in made):
                return True
            if cursor is None or not is_new:
                return False

    async def _said_not_done(self, name: str, commit: str, before: SeenLive) -> str:
        """Return the newest run that was to put it there, if people said lately that this did not happen."""
        for run in (await runs(self._store, limit=_RUNS)).found:
            made = (one for one in run.effects if one.environment == name and one.commit.startswith(commit))
            if any(one.result == "not_done" and _may_have_put(one, before, commit) for one in made):
                return run.id
        return ""

    async def _restored_since(self, before: SeenLive) -> datetime | None:
        """Return as of when sayso was restored since it looked last: what runs put live after that it does not know."""
        restored = await restoration(self._store.client)
        is_since = restored is not None and (before.looked is None or before.looked < restored.at)
        return restored.as_of if restored and is_since else None

    async def _keep(self, name: str, seen: SeenLive) -> None:
        await self._store.client.do("HSET", _HOME.live, name, seen.model_dump_json())


def _may_have_put(effect: EffectView, before: SeenLive, commit: str) -> bool:
    """Return whether an effect may have put `commit` live: one that is said to have failed did so soon or never."""
    if effect.result not in {"error", "not_done"} or effect.ended_at is None or before.looked is None:
        return True
    return before.commit != commit and effect.ended_at + _ROLLS_OUT > before.looked


async def _last_by(environment: Environment) -> str:
    if not environment.last:
        return ""
    try:
        async with asyncio.timeout(FACT_S):
            return await last_deploy(environment)
    except (LookFailed, TimeoutError):
        return ""


def _why(drift: SeenLive) -> str:
    restored = drift.restored_from
    if restored is None:
        said = f"people said of run {drift.not_done}, which was to put it there, that it did not happen"
        return said if drift.not_done else "nobody approved it"
    return f"nobody knows here who approved it: sayso was restored from a backup of {restored:%d %b %H:%M UTC}"


def _words(name: str, drift: SeenLive) -> tuple[str, str]:
    """The title and the text of the alarm, in the language that is spoken."""
    seen, restored = {"name": name, "commit": drift.commit, "at": in_words(drift.since)}, drift.restored_from
    last = drift.known[-1][:_SHORT]
    if restored:
        title, text = "notice.drift-restored-title", say("notice.drift-restored", **seen, restored=in_words(restored))
    elif drift.not_done:
        title, text = "notice.drift-not-done-title", say("notice.drift-not-done", **seen, run=drift.not_done)
    else:
        title, text = "notice.drift-title", say("notice.drift", **seen)
    by = [say("notice.drift-by", by=drift.last_by)] if drift.last_by else []
    return say(title, name=name), " ".join([text, say("notice.drift-last", last=last), *by])
