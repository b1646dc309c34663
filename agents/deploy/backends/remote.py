"""Deploys that somebody else's server makes: one start, and then looks at its job until that has ended.

None of these servers knows an idempotency key. The step's key goes along, and stands where the job can be found by it:
so a job that was begun is found again, and nothing is started for a key that has one. What nobody can know is whether
a call whose answer was lost will still become a job; then people are asked.
"""

import asyncio
import json
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass

from agents import Outcome, Pending, ToolContext
from agents.deploy.backends import Call, Examined
from agents.deploy.backends.api import ApiFailed, Json
from agents.deploy.lookup import LookFailed
from agents.requests import Effect
from language import say
from language.recorded import text_of

KEY_PLACE = "{key}"
"""Stands for the step's key in what is approved: the key is the one thing that is added when it is sent."""
_CHECK_S = 20.0
# A job is listed a few seconds after it was begun.
_LOOKS, LOOK_PAUSE_S = 5, 3.0


@dataclass(frozen=True, slots=True)
class Job:
    """A deploy at a server. `end` is empty until it has ended, and `success` if it worked; `url` is for people."""

    handle: str
    end: str
    url: str


class RemoteBackend(ABC):
    """A back end whose server makes the deploy; the rest of the class is what each server has to say itself."""

    look_pause_s = LOOK_PAUSE_S

    @property
    @abstractmethod
    def title(self) -> str:
        """The job's name for people, such as "workflow deploy.yml"."""

    @property
    @abstractmethod
    def server(self) -> str:
        """The address that is asked."""

    @property
    @abstractmethod
    def address(self) -> str:
        """The address at which a job is asked for, as it stands in what is approved."""

    @abstractmethod
    async def prepare(self, commit: str) -> Call:
        """See `Backend`. `argv` is `POST`, the address and the body, with KEY_PLACE for the step's key."""

    @abstractmethod
    async def find(self, handle: str) -> Job | None:
        """The job of a handle, or the one that was begun with that key; None where there is none yet.

        Raises ApiFailed where that can't be known.
        """

    @abstractmethod
    async def begin(self, body: Json, key: str) -> str:
        """Ask for a job by the approved `body`, with `key`; return its handle, "" where that is not told.

        Raises ApiFailed: unless it was `refused`, the job may have begun all the same.
        """

    @abstractmethod
    async def stop(self, job: Job) -> None:
        """Ask the server to stop it. Raises ApiFailed."""

    @abstractmethod
    async def examine(self) -> tuple[Examined, ...]:
        """See `Backend`."""

    async def live(self) -> str:
        """See `Backend`: most keep no account that could be trusted."""
        raise LookFailed(f"{self.server} does not tell what is live; set `live`")

    async def start(self, effect: Effect, hands: ToolContext) -> Outcome | Pending:
        """See `Backend`: what was begun before is only followed."""
        key = hands.key
        if not self._is_here(effect):
            return _not_started(say("deploy.another-backend"))
        try:
            if found := await self.find(key):
                return _pending(found, "deploy.begun-before")
        except ApiFailed as error:
            return _not_started(text_of(str(error)))
        try:
            handle = await self.begin(json.loads(effect.argv[2]), key)
        except ApiFailed as error:
            if error.refused:
                return _not_started(text_of(str(error)))
            return await self._found_later(key, error)
        return Pending(handle or key, _CHECK_S, say("deploy.begun", what=self.title))

    async def look(self, handle: str, effect: Effect | None) -> Outcome | Pending:
        """See `Backend`; at another place a job of the same number is another one."""
        if effect and not self._is_here(effect):
            return Pending(handle, _CHECK_S, say("deploy.job-not-known", why=say("deploy.another-backend")))
        try:
            found = await self.find(handle)
        except ApiFailed as error:
            # Not being told how it went is no end: it may have gone either way.
            return Pending(handle, _CHECK_S, say("deploy.job-not-known", why=text_of(str(error))))
        if found is None:
            return Pending(handle, _CHECK_S, say("deploy.job-not-listed", what=self.title, key=handle))
        if not found.end:
            return Pending(handle, _CHECK_S, say("deploy.job-runs", url=found.url))
        if found.end == "success":
            return Outcome(found.url)
        return Outcome("", error=say("deploy.job-ended", what=self.title, how=repr(found.end), url=found.url))

    async def cancel(self, handle: str, effect: Effect) -> str:
        """See `Backend`."""
        if not self._is_here(effect):
            return say("deploy.not-stopped", what=self.title, why=say("deploy.another-backend"))
        try:
            found = await self.find(handle)
            if found is None:
                return say("deploy.job-not-listed", what=self.title, key=handle)
            if found.end:
                return say("deploy.job-ended", what=self.title, how=repr(found.end), url=found.url)
            await self.stop(found)
        except ApiFailed as error:
            return say("deploy.not-stopped", what=self.title, why=text_of(str(error)))
        return say("deploy.stopping", what=self.title, url=found.url)

    def _is_here(self, effect: Effect) -> bool:
        """Return whether it is made at this place; the configuration may name another one since it was approved."""
        return effect.argv[:2] == ("POST", self.address)

    async def _found_later(self, key: str, error: ApiFailed) -> Pending:
        """The job of a call whose answer was lost. Raises TimeoutError, which is: nobody knows."""
        for _ in range(_LOOKS):
            with suppress(ApiFailed):
                if found := await self.find(key):
                    return _pending(found, "deploy.begun-unheard")
            await asyncio.sleep(self.look_pause_s)
        raise TimeoutError(f"it is not known whether the call was taken: {error}")


def _not_started(why: object) -> Outcome:
    return Outcome("", error=say("deploy.not-started", why=why))


def _pending(job: Job, note: str) -> Pending:
    return Pending(job.handle, _CHECK_S, say(note, url=job.url))
