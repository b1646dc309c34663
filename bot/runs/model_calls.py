"""What is noted of each call of a model: for those who follow runs, and the raw reply where it is to be kept."""

import asyncio
import json
from collections.abc import Mapping
from datetime import datetime, timedelta

import structlog

from agents import Agent
from agents.model.failures import NOT_SENT
from agents.model.makers import maker_of
from agents.model.protocol import Chosen, Failed
from agents.run import Run
from agents.steps import asked_name
from bot.render.redaction import Redactor
from bot.store import StoreError
from bot.store.client import Client
from bot.store.indexes import KeptReply, keep_reply
from bot.telemetry import ModelUse, Telemetry

log = structlog.stdlib.get_logger()

# Three times what the longest answer of a model can be.
_REPLY_CHARS = 262_144


class ModelCalls:
    """Notes calls. `keep_s` says how long replies are kept, by agent."""

    def __init__(
        self,
        telemetry: Telemetry,
        client: Client,
        keep_s: Mapping[str, float | None],
        redactor: Redactor,
    ) -> None:
        self._telemetry = telemetry
        self._client, self._keep_s, self._redactor = client, keep_s, redactor

    async def note(self, agent: Agent, run: Run, found: Chosen | Failed, now: datetime) -> None:
        """Note a call that came to this. What can't be kept is logged: the step holds without it."""
        error = found.kind if isinstance(found, Failed) else ""
        if error == NOT_SENT:
            return
        provider, model = maker_of(asked_name(found.call))
        self._telemetry.model_used(ModelUse(run.id, run.steps + 1, agent.name, provider, model, found.call, error))
        keep_s = self._keep_s.get(agent.name)
        if keep_s and found.reply and found.call.input_hash:
            text = await asyncio.to_thread(self._masked, found.reply)
            reply = KeptReply(
                text=text[:_REPLY_CHARS], is_cut=len(text) > _REPLY_CHARS, until=now + timedelta(seconds=keep_s)
            )
            try:
                await keep_reply(self._client, run.id, found.call.input_hash, reply, keep_s)
            except StoreError as error:
                log.warning("a reply of a model is not kept", run_id=run.id, error=str(error))

    def _masked(self, reply: str) -> str:
        """`reply` without secrets, however its JSON spells them."""
        try:
            found = json.loads(reply)
            masked = self._redactor.masked(found)
        except RecursionError:
            return ""  # nobody can say what is in it
        except ValueError:  # a page of a proxy, say
            return self._redactor.printed(reply)
        return self._redactor.text(reply) if masked == found else json.dumps(masked, ensure_ascii=False)
