"""Starting a run because a trigger fired: once per firing, within the trigger's limit, and not in silence."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog
from pydantic import JsonValue

from agents.requests import FromTrigger, Outsider, PersonId, RunId
from agents.text import one_line
from bot.config.triggers import TriggerConfig
from bot.errors import Forbidden, Invalid, RateLimited, SaysoError
from bot.queries.history import History
from bot.render.cards import Words
from bot.runs.start import Sent, Starter
from bot.store import Store
from bot.store.ids import ingress_shard, new_id, shard_of
from language import say, speaking
from language.recorded import trouble_of

log = structlog.stdlib.get_logger()

# Tells the operators, each in their own words: near which id, and what.
Alert = Callable[[str, Words], Awaitable[None]]

# Whoever set the trigger up sees it in the first mail; a loop must not write one for each turn.
_ALERT_AGAIN_S = 3600.0
_ERROR_CHARS = 500


@dataclass(frozen=True, slots=True)
class By:
    """Who set a trigger off: `people` of the directory, who ask for it, an outsider, all `logins`; empty for a time."""

    people: tuple[PersonId, ...] = ()
    outsider: Outsider | None = None
    logins: tuple[str, ...] = ()


class TriggerStarts:
    """Starts runs for the tables of [triggers]."""

    def __init__(self, store: Store, starter: Starter, history: History, alert: Alert) -> None:
        self._store, self._starter, self._history, self._alert = store, starter, history, alert

    async def run_of(self, trigger: str, proofs: Sequence[str], keep_s: float) -> RunId:
        """The run that a delivery stands for, started or not: the one that any of its `proofs` stood for first."""
        shard = ingress_shard(f"trigger {trigger} {proofs[0]}", self._store.shards)
        known = new_id("run", shard).encode()
        for proof in proofs:
            known, _ = await self._store.remember(f"trigger {trigger} {proof}", known, keep_s)
        return RunId(known.decode())

    async def has_fired(self, run_id: RunId) -> bool:
        """Return whether that run was started; its delivery is known for longer than it stays here.

        Raises Unavailable while the archive, for which it may have left, can't be read.
        """
        return await self._history.has_begun(run_id)

    def waits_for_file(self, config: TriggerConfig) -> bool:
        """Return whether the trigger's own requester may only be missing in a file that is half taken, or nothing is
        started by what this process has read of it.
        """
        people = self._starter.people
        return self._starter.waits_for_file() or people.is_missing(people.of_file(config.requester or ""))

    async def fire(
        self,
        name: str,
        config: TriggerConfig,
        text: str,
        context: Mapping[str, JsonValue],
        run_id: RunId,
        by: By = By(),
    ) -> None:
        """Start the run, unless it was started. Raises Invalid, of which the operators have heard.

        It asks for whoever set it off; where that is nobody we know, in the name of the trigger's own requester.
        """
        requester, *others = by.people or (self._starter.people.of_file(config.requester or ""),)
        origin = FromTrigger(name=name, outsider=by.outsider, logins=by.logins)
        sent = Sent(context=context, origin=origin, others=tuple(others), proof=None)
        try:
            with speaking("en"):  # programs are told so, and the operators in their own words
                await self._starter.start(config.what, text, requester, agent=config.agent, run_id=run_id, sent=sent)
        except (Invalid, RateLimited) as error:
            await self.refused(name, run_id, error)
            raise
        except Forbidden as error:
            await self.refused(name, run_id, error)
            raise Invalid(error.what, error.do) from error

    async def count(self, name: str, run_id: RunId, what_id: str) -> None:
        """Count something else that came of a trigger, by its id. Raises RateLimited, as `fire` does."""
        try:
            await self._starter.admission.trigger(name, what_id)
        except RateLimited as error:
            await self.refused(name, run_id, error)
            raise

    async def refused(self, name: str, near: str, error: SaysoError) -> None:
        """Tell the operators, once an hour for each trigger."""
        log.warning("trigger refused", trigger=name, error=str(error))
        await self._notify(name, near, lambda: say("notice.alert-trigger", why=trouble_of(str(error))))

    async def broke(self, name: str, near: str, error: Exception) -> None:
        """Tell the operators, once an hour for each trigger, of what nobody had thought of."""
        said = one_line(f"{type(error).__name__}: {error}", _ERROR_CHARS)
        await self._notify(name, near, lambda: say("notice.alert-trigger-broke", error=said))

    async def _notify(self, name: str, near: str, text: Callable[[], str]) -> None:
        # What is tried again comes with the same id, which would be let in again.
        once = new_id("run", shard_of(near))
        if await self._store.admit(f"alerts trigger {name}", once, 1, _ALERT_AGAIN_S):
            await self._alert(near, lambda: (say("notice.alert-trigger-title", name=name), text()))
