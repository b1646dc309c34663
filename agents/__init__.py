"""The contract of an agent: a name, a prompt, a few tools, and plain rules for when there is no model.

A new agent is one file that builds an `Agent`, one prompt in `prompts/`, and one line in `bot/app.py`.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel

from agents.requests import Effect, Fact
from agents.run import Run
from agents.steps import Step

A = TypeVar("A", bound=BaseModel)


class ToolRefused(Exception):
    """A tool can't do what was asked, before anything happened: `str()` says why and what would work."""


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How a command ended. `exit_code` is None when it was stopped at its time-out; `output` is bounded text."""

    exit_code: int | None
    output: str
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an effect gave: text for the next step. `error` is empty when it worked."""

    output: str
    error: str = ""


class Hands(Protocol):
    """What a tool may use while it executes."""

    @property
    def key(self) -> str:
        """The idempotency key: the same for every attempt at the same effect."""
        ...

    async def command(self, argv: Sequence[str], *, cwd: Path, lock: str, timeout_s: float) -> CommandResult:
        """Run `argv` once for this attempt, alone among all holders of `lock`, even if this process dies.

        No shell; a clean environment. Only for tools that declare `runs_command`, and once per attempt.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool(Generic[A]):
    """A typed function that code may execute on behalf of a step.

    `gate` names the policy that must approve a call with these arguments, None for no gate. `prepare` resolves the
    arguments to the exact effect without changing anything, as often as it is called; it may raise ToolRefused.
    `execute` makes that effect, and nothing but that effect. `idempotent` promises that `execute` honours
    `Hands.key`, so that it may be called again after a crash; without it a crash leads to a question to people.
    `runs_command` says that its whole effect is one `Hands.command`. `schema_version` changes with `args`.
    """

    name: str
    description: str
    args: type[A]
    prepare: Callable[[A], Awaitable[Effect]]
    execute: Callable[[A, Effect, Hands], Awaitable[Outcome]]
    gate: Callable[[A], str | None] = lambda _: None
    title: Callable[[A], str] | None = None
    idempotent: bool = False
    runs_command: bool = False
    timeout_s: float = 60.0
    schema_version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A small worker for one kind of trigger.

    `prefetch` gathers what the agent nearly always needs, before its first step. `fallback` chooses the next step
    by plain rules from the run alone: pure, and it ends every plain case without a model. Without a `prompt` it is
    all code: no model is ever asked.
    """

    name: str
    description: str
    prompt: str
    tools: tuple[Tool[Any], ...]
    prefetch: Callable[[Run], Awaitable[tuple[Fact, ...]]]
    fallback: Callable[[Run], Step]

    def tool(self, name: str) -> Tool[Any] | None:
        """The tool of that name, if this agent has it."""
        return next((tool for tool in self.tools if tool.name == name), None)
