"""The contract of an agent: a name, a prompt, a few tools, and plain rules for when there is no model.

A new agent is one file that builds an `Agent`, one prompt and one line in `sayso.toml`: see
docs/write-an-agent.md. One of ours has its line in `bot/app.py`. Others use the names in `__all__`, and `events`,
`run` and `steps` for what a run is. Nothing in this package knows of channels or of the bot.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, JsonValue

from agents.events.tools import HowStopped
from agents.requests import Effect, Fact, Risk, RunId
from agents.run import Result, Run
from agents.steps import CallTool, Done, RequestHumanInput, Step

# All that the file of an agent needs can be imported from here.
__all__ = [
    "MAIL_WITHIN_S",
    "Agent",
    "Arguments",
    "CallTool",
    "ChildRun",
    "CommandResult",
    "Done",
    "Effect",
    "Fact",
    "Mailed",
    "Outcome",
    "Pending",
    "Repeats",
    "RequestHumanInput",
    "Result",
    "Risk",
    "Run",
    "Step",
    "Tool",
    "ToolContext",
    "ToolRefused",
    "Variables",
    "as_called",
    "no_facts",
]

A = TypeVar("A", bound=BaseModel)

MAIL_WITHIN_S = 86_400.0
"""Seconds within which `ToolContext.mail` sends; later its approval is about a world that is gone."""


class Arguments(BaseModel):
    """The base of a tool's arguments: immutable, and a field that the tool does not have is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class ToolRefused(Exception):
    """A tool can't do what was asked, before anything happened: `str()` says why and what would work."""


@dataclass(frozen=True, slots=True)
class CommandResult:
    """The end of a command. `exit_code` is None when it was stopped at its time-out; `output` is bounded text."""

    exit_code: int | None
    output: str
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of an effect: text for the next step. `error` is empty when it worked.

    `printed` is all that a program printed where `error` has only the end of it: it is kept beside the run as a file.
    `unknown`: with its `error` nobody knows whether the effect happened, or still does. `refused`: with it nothing has
    happened, as where a tool raises ToolRefused.
    """

    output: str
    error: str = ""
    printed: str = ""
    unknown: bool = False
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Mailed:
    """What became of a tool's mail: a server took it, unless there was `trouble`. `is_unknown`: one may have taken it
    and have said nothing.
    """

    trouble: str = ""
    is_unknown: bool = False


@dataclass(frozen=True, slots=True)
class Pending:
    """The effect is under way outside, and its result comes later: the run waits, and holds no worker.

    `handle` names it there, alike every time; a signed report that names it, or the end of the child run it names, has
    it looked at sooner than in `check_after_s`. `note` is for people.
    """

    handle: str
    check_after_s: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class Variables:
    """Variables of a command by name, and regular expressions of what is masked in all that it prints."""

    values: Mapping[str, str] = field(repr=False)
    hidden: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class ChildRun:
    """The state of a child run: `state` is the word that people see; once it has ended `summary` says how.

    `answers` are what people answered in it, `(person, text)` each, once it has ended; `reached` are those who have a
    card of it. `printed` is what the command printed over which it failed. `only_said`: its model says that it is done,
    and no tool of it did what that takes. `stopped` is how people stopped what it was to do.
    """

    id: RunId
    state: str
    summary: str = ""
    answers: tuple[tuple[str, str], ...] = ()
    reached: tuple[str, ...] = ()
    printed: str = ""
    only_said: bool = False
    stopped: HowStopped | None = None

    @property
    def has_ended(self) -> bool:
        """True if nothing more comes of the child run."""
        return self.state in {"done", "failed", "cancelled"}


class ToolContext(Protocol):
    """The means of a tool while it executes, or looks for its result."""

    @property
    def run(self) -> Run:
        """The run whose step this is, as it stood when that began: what people wrote in it is data."""
        ...

    @property
    def key(self) -> str:
        """The idempotency key: the same for every attempt at the same effect."""
        ...

    @property
    def now(self) -> datetime:
        """The time by the store's clock."""
        ...

    @property
    def report(self) -> str:
        """The last signed report about the handle; "" when there was none. It is data, and may be old."""
        ...

    async def start_run(
        self,
        agent: str,
        text: str,
        *,
        key: str = "",
        context: Mapping[str, JsonValue] | None = None,
        with_files: bool = False,
    ) -> RunId:
        """A child run, begun once per `key` of this step. Its requesters are those of this run. Raises ToolRefused.

        `with_files` hands on what was attached to what this run was started with. The only child of a step, without a
        key, may use all that this run has left; each of several half of what is left then.
        """
        ...

    async def child(self, run_id: RunId) -> ChildRun:
        """Return how a child of this run stands. Raises ToolRefused for any other run."""
        ...

    async def stop_child(self, run_id: RunId) -> None:
        """Cancel a child of this run that nobody needs any more; its open request is withdrawn."""
        ...

    async def notify(self, to: str, title: str | Callable[[], str], text: str) -> None:
        """Say `text` once per step, title and `to`: `person:bo`, `group:release` or a place of many, `slack:#ops`.

        `title` is worded by code: many read it, and a function words it in their language, not in the requester's.
        `text` is shown as somebody else's words. Raises ToolRefused where `to` is nobody.
        """
        ...

    async def mail(self, raw: bytes, to: str) -> None:
        """Have `raw`, a whole mail, sent to the one address `to`, once per step: exactly these bytes, or none.

        `mailed` says how it went; what no server took within `MAIL_WITHIN_S`, or before the run was cancelled or
        failed, is given up. Who wants to know gives back Pending, and asks `mailed` in `check`.
        """
        ...

    async def mailed(self) -> Mailed | None:
        """Return what became of this step's mail, None while that is open."""
        ...

    async def command(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        lock: str,
        timeout_s: float,
        commit: str = "",
        variables: Callable[[], Awaitable[Variables]] | None = None,
    ) -> CommandResult:
        """Run `argv` once for this attempt, alone among all holders of `lock`, even if this process dies.

        It runs in `cwd`; with `commit`, a full hash of that git repository, in a clean copy of it, which goes
        afterwards. No shell; PATH, HOME, LANG and `variables`, read when it is its turn, are its environment; what that
        raises is raised, and nothing has run. Only for tools that declare `runs_command`, and once per attempt.
        """
        ...


def _no_gate(_: BaseModel) -> str | None:
    """Return None: nobody has to approve a call."""
    return None


async def as_called(_: BaseModel) -> Effect:
    """The effect of a call whose arguments say all of it: nothing in them stands for something that can change."""
    return Effect(argv=())


async def no_facts(_: Run) -> tuple[Fact, ...]:
    """Return no facts: nothing is looked up before the first step."""
    return ()


def _as_chosen(_: Run, step: Step) -> Step:
    return step


@dataclass(frozen=True, slots=True)
class Repeats:
    """What may differ between calls of a tool that one standing approval covers.

    `variable` names the arguments that may be left open, with what they alone stand for. `surroundings` are the
    beginnings of the names of artifacts that say what is there before a call, which each call changes.
    """

    variable: tuple[str, ...] = ()
    surroundings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool(Generic[A]):
    """A typed function that code may execute on behalf of a step.

    `gate` names the policy that must approve a call with these arguments, None for no gate; it may raise
    ToolRefused for what is not there. `prepare` resolves the
    arguments to the exact effect without changing anything, as often as it is called; it may raise ToolRefused. Leave
    it out where the arguments are the effect. `prepare_for` is in its place where the effect also depends on what the
    run began with: it is pure in the arguments and `run.started`, and may refuse for what else it finds in the run.
    `execute` makes that effect, and nothing but that effect. `idempotent` promises that `execute` honours
    `ToolContext.key`, so that it may be called again after a crash; without it a crash leads to a question to people.
    Where `execute` gives back Pending, `check` looks for the result, changing nothing, for `waits_s` at most, counted
    from the start; it may be a function of the arguments.
    `cancel`, given the arguments, the handle and the effect, asks outside that it stops once its run was cancelled, and
    returns what people are told; it may be called again. `title` names a call in a few words, and `question` says what
    a yes to exactly this effect does, where that is more.
    `changes` says that it changes something outside of the run; one that may be gated always does. What does not say so
    only looks: however well it works, a run is not done by it. `starts_runs`: what changes, the runs do that it starts.
    `begun_outside`: whoever asked for it makes its effect, and says when that begins and how it went; nothing is
    executed here.
    `runs_command` says that its whole effect is one `ToolContext.command`. `schema_version` changes with `args`.
    A newer call that `supersedes` closes older requests of other runs for the same tool and environment.
    `editable` names the arguments that whoever may approve a call may change before it is decided.
    `known` has for an argument the only names that it takes now, by the configuration: a model is shown them, and an
    answer with another one is no step. They are no part of `args`, `schema_version` or what people approve.
    `repeats` says what a standing approval of a call may leave open: nothing, unless you name it; with None people are
    asked about each call, and else about each whose effect `is_risky`.
    """

    name: str
    description: str
    args: type[A]
    execute: Callable[[A, Effect, ToolContext], Awaitable[Outcome | Pending]]
    prepare: Callable[[A], Awaitable[Effect]] = as_called
    prepare_for: Callable[[A, Run], Awaitable[Effect]] | None = None
    check: Callable[[A, str, ToolContext], Awaitable[Outcome | Pending]] | None = None
    cancel: Callable[[A, str, Effect], Awaitable[str]] | None = None
    gate: Callable[[A], str | None] = _no_gate
    title: Callable[[A], str] | None = None
    question: Callable[[A, Effect], str] | None = None
    changes: bool = False
    starts_runs: bool = False
    idempotent: bool = False
    runs_command: bool = False
    begun_outside: bool = False
    timeout_s: float = 60.0
    waits_s: float | Callable[[A], float] = 86_400.0
    schema_version: int = 1
    editable: tuple[str, ...] = ()
    known: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    supersedes: bool = False
    repeats: Repeats | None = Repeats()

    def __post_init__(self) -> None:
        """Refuse names in `editable` and `known`, and of arguments to be left open, that are no arguments."""
        variable = self.repeats.variable if self.repeats else ()
        for names, what in ((self.editable, "editable"), (self.known, "known"), (variable, "variable")):
            if unknown := set(names) - set(self.args.model_fields):
                raise ValueError(f"the tool {self.name!r} has no argument {', '.join(sorted(unknown))} to be {what}")

    def waits_for(self, args: A) -> float:
        """Seconds from the start of this call until nobody waits for its result any more."""
        return self.waits_s(args) if callable(self.waits_s) else self.waits_s

    @property
    def may_be_gated(self) -> bool:
        """True if the tool has a gate at all; which policy, if any, is a matter of the arguments."""
        return self.gate is not _no_gate

    @property
    def changes_world(self) -> bool:
        """True if a call that works has changed something: what people may have to approve never only looks."""
        return self.changes or self.may_be_gated


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A small worker for one kind of trigger.

    `prefetch` gathers what the agent nearly always needs, before its first step. `fallback` chooses the next step
    by plain rules from the run alone: pure, and it ends every plain case without a model. Without a `prompt` it is
    all code: no model is ever asked. `folder` is where the prompt lies if that is not ours. `takes` says of a text that
    it is plainly for this agent; `example` is such a text, for people who ask what they can write. `reads` words in a
    few words what it would ask back about a text that is not plain; empty where it finds nothing to go by. `completes`
    gives the step that is taken for one that a model chose, where code knows better what people should be shown: pure.
    `asks` are those whom its questions may go to beside the requester: `person:NAME` and `group:NAME`, by its settings.
    `about` words for people what `description` says to models; without it they read that. `asks_only` says of a run
    that it plainly is to find something out and to change nothing: pure. Any other run of an agent whose tools change
    something is a wish that they do, and is not done before one has.
    """

    name: str
    description: str
    tools: tuple[Tool[Any], ...]
    fallback: Callable[[Run], Step]
    prompt: str = ""
    prefetch: Callable[[Run], Awaitable[tuple[Fact, ...]]] = no_facts
    folder: Path | None = None
    takes: Callable[[str], bool] = lambda _: False
    reads: Callable[[str], str] = lambda _: ""
    completes: Callable[[Run, Step], Step] = _as_chosen
    example: str = ""
    about: Callable[[], str] | None = None
    asks: tuple[str, ...] = ()
    asks_only: Callable[[Run], bool] = lambda _: False

    def for_people(self) -> str:
        """Return what the agent is for, in the language that is spoken if it has the words."""
        return self.about() if self.about else self.description

    def tool(self, name: str) -> Tool[Any] | None:
        """The tool of that name, if this agent has it."""
        return next((tool for tool in self.tools if tool.name == name), None)
