"""A model whose steps a test has written down."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agents import Agent
from agents.context import render
from agents.events import Event
from agents.model.failures import FailureKind
from agents.model.protocol import Chosen, Failed
from agents.run import Run
from agents.steps import CallTool, Done, ModelCall, RequestHumanInput, Step

NO_MORE = "The script of the test has no more steps"


@dataclass(frozen=True, slots=True)
class Fails:
    """A call that gives no step."""

    kind: FailureKind


# A function makes a step from what the run has become.
Said = Step | Fails | Callable[[Run], Step]


@dataclass(frozen=True, slots=True)
class Asked:
    """One call of the model: of which agent, in which run, and the text of the run that it was shown."""

    agent: str
    run: Run
    text: str


class Scripted:
    """Gives these steps, one per call, whoever asks; `Fails` is one call as well. `asked` holds every call.

    It is a `Model`, so code gates what it chooses like any other's choice. After its last step it ends the run as
    failed.
    """

    def __init__(self, *said: Said) -> None:
        self._left = list(said)
        self.asked: list[Asked] = []

    @property
    def left(self) -> int:
        """The number of its steps that nobody has asked for yet."""
        return len(self._left)

    async def choose(self, agent: Agent, run: Run, events: Sequence[Event]) -> Chosen | Failed:
        """See `agents.model.protocol.Model`."""
        text = render(run, events)
        self.asked.append(Asked(agent.name, run, text))
        call = ModelCall(
            model="scripted",
            rehearsal=False,
            prompt=agent.prompt,
            input_hash=hashlib.sha256(text.encode()).hexdigest(),
        )
        said = self._left.pop(0) if self._left else Done(outcome="failed", summary=NO_MORE)
        match said:
            case Fails(kind):
                return Failed(kind, "as the test wants it", None, call)
            case CallTool() | RequestHumanInput() | Done():
                return Chosen(said, call)
            case _:
                return Chosen(said(run), call)

    async def close(self) -> None:
        """See `agents.model.protocol.Model`."""
