"""An agent for tests: its trigger is its script, a step per line, and its effects can be watched, held and broken.

press WHAT       a tool behind the policy that the workshop has for WHAT ("production" unless set); no key
stamp WHAT       a tool without a gate that honours its key
pull WHAT        a tool without a gate and without a key
send WHAT        a tool without a gate whose result is looked for later, or when there is news of "parcel WHAT"
start_run TEXT   a run of the clerk's own, with this text, whose end is waited for
ask FORMAT QUESTION | OPTION, OPTION
ask-of REF FORMAT QUESTION | OPTION, OPTION
plan QUESTION    a form that asks for a `Window`; what was filled in is the result
who              the end, which says who wrote to the run
loop             the same stamp for ever
walk             another stamp each time, for ever
"""

import asyncio
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, Field, field_validator

from agents import Agent, Outcome, Pending, Repeats, Tool, ToolContext, ToolRefused
from agents.requests import Effect, Fact, Risk
from agents.run import Result, Run
from agents.starting import START_RUN, start_run_tool
from agents.steps import CallTool, Done, RequestHumanInput, Step
from tests.kit.waiting import PATIENCE_S

PRODUCTION = "production"
UNHEARD = "unheard"
HELD_S = 10 * PATIENCE_S
"""The bound of a tool: longer than any test holds one, also on a busy machine."""


class What(BaseModel):
    """What a tool is used on. Whoever checks `UNHEARD` breaks, otherwise than a check should."""

    what: str

    @field_validator("what")
    @classmethod
    def _heard_of(cls, what: str) -> str:
        if what == UNHEARD:
            raise LookupError("nobody has heard of it")
        return what


class Window(BaseModel):
    """Some days in which nothing is deployed: a field of each kind."""

    begins: date = Field(title="First day", ge=date(2026, 11, 1), description="From midnight on")
    days: int = Field(ge=1, le=14)
    load: float = Field(default=0.5, ge=0, le=1, title="Share of the load")
    team: Literal["shop", "search"]
    ticket: str | None = Field(default=None, pattern=r"^OPS-\d+$", examples=["OPS-7"])
    silent: bool = Field(title="Without alarms")


@dataclass
class Workshop:
    """The place where the tools have their effects. `meaning` maps names to what they stand for, as tags to commits.

    A thing in `riddles` can't be prepared, the gate of one in `broken_gates` raises, so does the title of one
    in `untitled`. While there is `poison`, whoever only looks for a tool breaks. `calls` counts by idempotency key,
    and `prepared` how often a thing was, of which one time can be held: `prepare bell 2`.
    Without a policy of its own a thing is free to `stamp` and `pull`. `editable` names the arguments of `press` that
    whoever decides may change, which are `args`. A call with one in `risky` is.
    What is done is done in the environment "workshop", unless a thing has another one in `environments`.
    """

    policy_of: dict[str, str | None] = field(default_factory=dict[str, str | None])
    meaning: dict[str, str] = field(default_factory=dict[str, str])
    riddles: set[str] = field(default_factory=set[str])
    broken_gates: dict[str, Exception] = field(default_factory=dict[str, Exception])
    untitled: set[str] = field(default_factory=set[str])
    poison: set[str] = field(default_factory=set[str])
    effects: list[str] = field(default_factory=list[str])
    started: list[str] = field(default_factory=list[str])
    holds: dict[str, asyncio.Event] = field(default_factory=dict[str, asyncio.Event])
    breaks: dict[str, Exception] = field(default_factory=dict[str, Exception])
    timeouts_s: dict[str, float] = field(default_factory=dict[str, float])
    outputs: dict[str, str] = field(default_factory=dict[str, str])
    calls: Counter[str] = field(default_factory=Counter[str])
    arrived: dict[str, Outcome] = field(default_factory=dict[str, Outcome])
    looks: list[str] = field(default_factory=list[str])
    prepared: Counter[str] = field(default_factory=Counter[str])
    recalls: list[str] = field(default_factory=list[str])
    recalled: dict[str, str] = field(default_factory=dict[str, str])
    editable: tuple[str, ...] = ()
    args: type[What] = What
    risky: set[str] = field(default_factory=set[str])
    environments: dict[str, str] = field(default_factory=dict[str, str])

    def hold(self, what: str) -> asyncio.Event:
        """Make whoever works on `what` wait until the event is set."""
        return self.holds.setdefault(what, asyncio.Event())

    def gate(self, what: str, usual: str | None = None) -> str | None:
        """The policy that stands before `what`."""
        if what in self.broken_gates:
            raise self.broken_gates[what]
        return self.policy_of.get(what, usual)

    def title(self, name: str, what: str) -> str:
        """Return how a card names the call."""
        if what in self.untitled:
            raise LookupError(f"there are no words for {what}")
        return f"{name.capitalize()} {what}"

    async def look_up(self, _: Run) -> tuple[Fact, ...]:
        """No facts, once whoever holds them lets go."""
        if "facts" in self.holds:
            self.started.append("look up facts")
            await self.holds["facts"].wait()
        return ()

    async def work(self, name: str, what: str) -> Outcome:
        """Have the effect, after whatever this workshop was told to do first."""
        self.started.append(f"{name} {what}")
        if what in self.holds:
            await self.holds[what].wait()
        if what in self.breaks:
            raise self.breaks[what]
        self.effects.append(f"{name} {self.meaning.get(what, what)}")
        return Outcome(self.outputs.get(what, f"{name} {what}: done"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Clerk(Agent):
    """An agent whose tools may be out of reach."""

    workshop: Workshop

    def tool(self, name: str) -> Tool[Any] | None:
        """The tool of that name, while there is no poison."""
        for what in self.workshop.poison:
            raise RuntimeError(f"nobody had thought of {what}")
        found = next((tool for tool in self.tools if tool.name == name), None)
        if found is None or name != "press":
            return found
        return replace(found, editable=self.workshop.editable, args=self.workshop.args)


def clerk(workshop: Workshop) -> Agent:
    """The agent that works in `workshop`."""
    return Clerk(
        workshop=workshop,
        name="clerk",
        description="does what the test says",
        prompt="deploy",
        tools=(
            _tool(workshop, "press", lambda args: workshop.gate(args.what, PRODUCTION)),
            _tool(workshop, "stamp", lambda args: workshop.gate(args.what), idempotent=True),
            _tool(workshop, "pull", lambda args: workshop.gate(args.what)),
            _send_tool(workshop),
            start_run_tool({"clerk": "does what the test says"}),
        ),
        prefetch=workshop.look_up,
        asks=("person:bo", "group:release"),
        fallback=next_step,
        asks_only=lambda run: run.text.strip() == "who",
    )


def next_step(run: Run) -> Step:
    """The script's next line; the end after the last one, and after anything that did not work."""
    lines = [line for line in (run.started.text if run.started else "").splitlines() if line.strip()]
    last = run.results[-1] if run.results else None
    if last and last.kind not in {"ok", "answered"}:
        return Done(outcome="failed", summary=f"{last.kind}: {last.text}".rstrip(": "))
    if lines[:1] == ["who"]:
        return Done(summary=f"{' and '.join(run.writers) or 'nobody'} wrote")
    if lines[:1] == ["loop"]:
        return CallTool(tool="stamp", arguments={"what": "same"})
    if lines[:1] == ["walk"]:
        return CallTool(tool="stamp", arguments={"what": str(len(run.results))})
    if len(run.results) >= len(lines):
        return Done(summary="; ".join(map(_said, run.results)) or "nothing to do")
    return _step(lines[len(run.results)])


def _said(result: Result) -> str:
    return f"{result.kind}: {result.text}"


def _step(line: str) -> Step:
    word, _, rest = line.strip().partition(" ")
    if word == "plan":
        return RequestHumanInput.form(rest, Window)
    if word == START_RUN:
        return CallTool(tool=word, arguments={"agent": "clerk", "text": rest.replace(";", "\n")})
    if word not in {"ask", "ask-of"}:
        return CallTool(tool=word, arguments={"what": rest})
    to = []
    if word == "ask-of":
        ref, _, rest = rest.partition(" ")
        to = [ref]
    form, _, rest = rest.partition(" ")
    question, _, options = rest.partition(" | ")
    listed = [option.strip() for option in options.split(",") if option.strip()]
    key = "fields" if form == "form" else "options"
    return RequestHumanInput.model_validate({"question": question, "format": form, key: listed, "to": to})


def _send_tool(workshop: Workshop) -> Tool[What]:
    async def prepare(args: What) -> Effect:
        return Effect(argv=("send", args.what))

    async def execute(args: What, _: Effect, hands: ToolContext) -> Pending:
        workshop.calls[hands.key] += 1
        await workshop.work("send", args.what)
        return Pending(handle=f"parcel {args.what}", check_after_s=60, note=f"the parcel {args.what}")

    async def check(args: What, handle: str, hands: ToolContext) -> Outcome | Pending:
        workshop.looks.append(f"{handle}: {hands.report}".rstrip(": "))
        if f"look for {args.what}" in workshop.breaks:
            raise workshop.breaks[f"look for {args.what}"]
        return workshop.arrived.get(args.what) or Pending(handle=handle, check_after_s=60)

    async def cancel(args: What, handle: str, _: Effect) -> str:
        workshop.recalls.append(handle)
        if f"recall {args.what}" in workshop.breaks:
            raise workshop.breaks[f"recall {args.what}"]
        return workshop.recalled.get(args.what, "")

    return Tool(
        name="send",
        description="send something",
        args=What,
        prepare=prepare,
        execute=execute,
        check=check,
        cancel=cancel,
        gate=lambda args: workshop.gate(args.what),
        idempotent=True,
        timeout_s=HELD_S,
        waits_s=lambda args: {"note": 120, "rock": math.inf}.get(args.what, 3600),
    )


def _tool(workshop: Workshop, name: str, gate: Callable[[What], str | None], *, idempotent: bool = False) -> Tool[What]:
    async def prepare(args: What) -> Effect:
        workshop.prepared[args.what] += 1
        if (time := f"prepare {args.what} {workshop.prepared[args.what]}") in workshop.holds:
            await workshop.holds[time].wait()
        if args.what in workshop.riddles:
            raise RuntimeError(f"nobody had thought of {args.what}")
        if workshop.meaning.get(args.what) == "":
            raise ToolRefused(f"There is no {args.what}")
        return Effect(
            argv=(name, workshop.meaning.get(args.what, args.what)),
            versions={args.what: workshop.meaning.get(args.what, args.what)},
            environment=workshop.environments.get(args.what, "workshop"),
            risks=(Risk(kind="loud", words=f"{args.what} is loud"),) if args.what in workshop.risky else (),
        )

    async def execute(args: What, _: Effect, hands: ToolContext) -> Outcome:
        workshop.calls[hands.key] += 1
        return await workshop.work(name, args.what)

    return Tool(
        name=name,
        description=f"{name} something",
        args=What,
        prepare=prepare,
        execute=execute,
        gate=gate,
        title=lambda args: workshop.title(name, args.what),
        changes=True,
        idempotent=idempotent,
        repeats=Repeats(variable=("what",)),
        timeout_s=workshop.timeouts_s.get(name, HELD_S),
    )
