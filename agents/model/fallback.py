"""Two models as one: where the first gives no step and won't, the second is asked for it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from agents import Agent
from agents.events import Event
from agents.model.failures import gives_up
from agents.model.protocol import Chosen, Failed, Model
from agents.run import Run


@dataclass(frozen=True, slots=True)
class WithFallback:
    """See `Model`. `name` is that of the second. Each step is the first one's again."""

    first: Model
    second: Model
    name: str

    async def choose(self, agent: Agent, run: Run, events: Sequence[Event]) -> Chosen | Failed:
        """See `Model`. A failure after which the second is asked names it."""
        if run.fallback:
            return await self.second.choose(agent, run, events)
        found = await self.first.choose(agent, run, events)
        if isinstance(found, Failed) and gives_up([*(failure.kind for failure in run.failures), found.kind]):
            return replace(found, fallback=self.name)
        return found

    async def close(self) -> None:
        """See `Model`."""
        await self.first.close()
        await self.second.close()
