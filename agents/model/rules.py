"""The agent's own plain rules as a `Model`: they choose where there is no model, or none can be had."""

import logging
from collections.abc import Sequence

from agents import Agent
from agents.events import Event
from agents.model.protocol import Chosen
from agents.run import Run
from agents.steps import FIXED_RULES, RULES, Done, ModelCall
from language import say

log = logging.getLogger(__name__)

_SUMMARY_CHARS = 500
REHEARSAL = "rehearsal"
"""In place of a model: the agent has a prompt, and no model."""


class Rules:
    """See `Model`. They cost nothing and never fail: rules that break end the run as failed."""

    async def choose(self, agent: Agent, run: Run, events: Sequence[Event]) -> Chosen:
        """See `Model`."""
        call = _origin(agent, run)
        try:
            return Chosen(agent.fallback(run), call)
        except Exception as error:
            log.exception("the own rules of %s failed", agent.name)
            summary = say("agent.rules-failed", agent=agent.name, why=f"{type(error).__name__}: {error}")
            return Chosen(Done(outcome="failed", summary=summary[:_SUMMARY_CHARS]), call)

    async def close(self) -> None:
        """See `Model`."""


def _origin(agent: Agent, run: Run) -> ModelCall:
    if not agent.prompt:
        return ModelCall(model=RULES, rehearsal=False)
    if run.failures or run.rules_only:
        return ModelCall(model=FIXED_RULES, rehearsal=False)
    return ModelCall(model=REHEARSAL, rehearsal=True)
