"""What a model is to the rest: asked for the next step of a run, it gives a step or a named failure.

Whoever makes models is one file beside `claude.py` and `openai.py`, a `Hosted` of `hosted.py`, and one line in
`makers.py`. `reply.py` has what such a file needs: what a model is told and offered, and how its answer is read.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from agents import Agent
from agents.events import Event
from agents.model.failures import FailureKind
from agents.run import Run
from agents.steps import ModelCall, Step

# A step is a few hundred tokens; the rest is room to think.
OUTPUT_TOKENS = 8_192
_START_S, _TOKENS_A_SECOND = 30, 70


def time_for(output_tokens: int) -> float:
    """Return the seconds in which a model of a usual speed gives so long an answer: else it would end as a time-out."""
    return round(_START_S + output_tokens / _TOKENS_A_SECOND)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The next step, and the call it came from.

    `reply` is the body of the server's answer as it came, with whatever secrets are in it: mask it before it is kept.
    """

    step: Step
    call: ModelCall
    reply: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Failed:
    """No step. `detail` is one line without secrets; `retry_after_s` is what the server asked for, if it did.

    `reply` is as in `Chosen`; empty where no answer came. `fallback` names the model that is asked in its place.
    """

    kind: FailureKind
    detail: str
    retry_after_s: float | None
    call: ModelCall
    reply: str = field(default="", repr=False)
    fallback: str = ""


class Model(Protocol):
    """A model, or whatever else chooses steps."""

    async def choose(self, agent: Agent, run: Run, events: Sequence[Event]) -> Chosen | Failed:
        """The next step of `run`, whose events these are. A call that goes wrong is returned, never raised."""
        ...

    async def close(self) -> None:
        """Give back what it holds."""
        ...


class HostedModel(Model, Protocol):
    """A model on somebody's server."""

    def input_hash(self, agent: Agent, run: Run, events: Sequence[Event], budget_tokens: int) -> str:
        """Return the `input_hash` that a call for the next step of `run` is recorded with. Raises PromptError.

        It needs no key and no network.
        """
        ...

    def read_again(self, agent: Agent, reply: str) -> Step | None:
        """Return the step that a `reply` of this maker is for `agent`; None where it is none. It needs no key."""
        ...

    def left_away(self, agent: Agent) -> Literal["", "confidence", "strict"]:
        """Return what of the set form is too much for the tools of `agent`, and is not asked for."""
        ...

    async def trouble(self) -> str:
        """Return what keeps its server from being asked, without secrets; "" where only a step can say more."""
        ...
