"""The agent that asks for standing approvals: the same again without asking, so often or until then. Code alone."""

import json
from collections.abc import Awaitable, Callable

from pydantic import AwareDatetime, Field, JsonValue

from agents import Agent, Arguments, Outcome, Tool, ToolContext, ToolRefused
from agents.command import end_of, failed
from agents.relay import Approval, approval_of
from agents.requests import Effect, Fact, Frozen, PersonId, RunId
from agents.run import Run
from agents.steps import CallTool, Done, Step
from agents.text import quote
from language import say, say_many
from language.dates import in_words
from language.stored import Stored

STANDING, ALLOW_AGAIN = "standing", "allow_again"
_TEXT_CHARS = 1_000


class Pattern(Stored, Frozen):
    """The calls that a standing approval covers.

    They need the approval of `policy`, whose table in the file has the hash `rules`. `arguments` are all of a call's
    but the `open` ones, whose value may be any text; `<NAME>` stands for it, and for what it resolves to, in `argv` and
    `commit`. `versions` are all but those that only an open argument names; `artifacts` are all but those whose names
    begin as `surroundings`. With a `session` they are those of a program's, and `arguments` what it sent.
    """

    TOLD = frozenset({"open", "argv", "cwd", "commit", "versions", "artifacts", "surroundings"})

    policy: str
    rules: str
    tool: str
    schema_version: int
    environment: str | None
    arguments: dict[str, JsonValue]
    open: tuple[str, ...] = ()
    argv: tuple[str, ...] = ()
    cwd: str = ""
    commit: str = ""
    versions: dict[str, str] = Field(default_factory=dict[str, str])
    artifacts: dict[str, str] = Field(default_factory=dict[str, str])
    surroundings: tuple[str, ...] = ()
    session: str = ""


class AllowAgainArgs(Arguments):
    """What is to be allowed, to whom, how often, until when. `title` names the call of `run` that is to be repeated."""

    title: str
    run: RunId
    person: PersonId
    uses: int
    until: AwareDatetime
    pattern: Pattern


Check = Callable[[AllowAgainArgs], Awaitable[None]]
"""Raises ToolRefused where the policy does not allow it, or not as it stands now."""
Grant = Callable[[AllowAgainArgs, Run], Awaitable[str]]
"""Writes down what people have approved, once for a run, and returns its id. Raises ToolRefused."""


def standing_agent(check: Check, grant: Grant, name_of: Callable[[PersonId], str]) -> Agent:
    """The agent that asks for standing approvals, and has them written down once people have approved them.

    `name_of` gives what people call somebody.
    """
    return Agent(
        name=STANDING,
        description="asks for standing approvals",
        prompt="",
        tools=(_tool(check, grant, name_of),),
        fallback=next_step,
        about=lambda: say("again.about-agent"),
    )


def wanted(args: AllowAgainArgs) -> Approval:
    """Return what the run of this agent that asks for `args` is started with."""
    return Approval(title=titled(args), policy=args.pattern.policy, arguments=args.model_dump(mode="json"))


def next_step(run: Run) -> Step:
    """The gated call; once that is closed, the end, saying how."""
    if run.results:
        last = run.results[-1]
        return Done(summary=last.text) if last.kind == "ok" else failed(_why(end_of(last), last.text))
    approval = approval_of(run)
    if approval is None:
        return failed(say("agent.relay-nothing-wanted"))
    return CallTool(tool=ALLOW_AGAIN, arguments=approval.arguments)


def _why(ended: str, text: str) -> str:
    return f"{ended}: {quote(text, _TEXT_CHARS)}" if text and text not in ended else ended


def titled(args: AllowAgainArgs) -> str:
    """Return what a yes allows, in one line."""
    return say_many("again.title", args.uses, title=covering(quote(args.title, _TEXT_CHARS), args.pattern))


def covering(title: str, pattern: Pattern) -> str:
    """Return the title of a call with what may be another one: all that `pattern` covers, in one line."""
    return say("again.any", title=title, names=", ".join(pattern.open)) if pattern.open else title


def _tool(check: Check, grant: Grant, name_of: Callable[[PersonId], str]) -> Tool[AllowAgainArgs]:
    """Let calls like one that was approved pass without asking, once their own policy has approved exactly that."""

    async def prepare(args: AllowAgainArgs) -> Effect:
        await check(args)
        return Effect(argv=(), environment=args.pattern.environment, facts=facts_of(args, name_of(args.person)))

    async def execute(args: AllowAgainArgs, _: Effect, hands: ToolContext) -> Outcome:
        try:
            found = await grant(args, hands.run)
        except ToolRefused as error:
            return Outcome("", str(error))
        return Outcome(say_many("again.granted", args.uses, id=found, until=in_words(args.until)))

    return Tool(
        name=ALLOW_AGAIN,
        description="Let calls like this one pass without asking again",
        args=AllowAgainArgs,
        prepare=prepare,
        execute=execute,
        gate=lambda args: args.pattern.policy,
        title=titled,
        idempotent=True,
        repeats=None,
    )


def facts_of(args: AllowAgainArgs, name: str) -> tuple[Fact, ...]:
    """Return what a card says of it, line by line; `name` is what people call whom it serves."""
    pattern = args.pattern
    # The environment has a line of its own.
    told = {name: one for name, one in pattern.arguments.items() if (name, one) != ("environment", pattern.environment)}
    lines = [
        ("Allows", pattern.tool),
        ("Environment", pattern.environment or ""),
        *((f"With {name}", _written(value)) for name, value in sorted(told.items())),
        ("May be anything", ", ".join(pattern.open)),
        ("Uses", str(args.uses)),
        ("Until", in_words(args.until)),
        ("Asked for by", name),
    ]
    return tuple(Fact(label=label, text=text) for label, text in lines if text)


def _written(value: JsonValue) -> str:
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)
    return quote(text, _TEXT_CHARS)
