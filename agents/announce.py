"""The announce agent: it says something, in a configured place and nowhere else."""

from collections.abc import Sequence

from pydantic import Field

from agents import Agent, Arguments, Outcome, Tool, ToolContext, ToolRefused
from agents.command import DECLINED, Announce, all_the_same, answers, failed, parse
from agents.requests import Effect
from agents.run import Result, Run
from agents.steps import CallTool, Done, RequestHumanInput, Step
from agents.text import first_line, quote

ANNOUNCE = "announce"
WHAT = "What should be announced?"
NOT_SET_UP = (
    "Nothing was announced: nobody is set up here to hear it. Whoever looks after sayso adds to sayso.toml a table "
    '[announce] with to = ["group:NAME"], or "person:NAME", or "slack:#NAME", and starts it again'
)
_TEXT_CHARS, _TITLE_CHARS = 4_000, 80


class AnnounceArgs(Arguments):
    """What is to be said."""

    text: str = Field(description="What people read, in full", max_length=_TEXT_CHARS)


def announce_agent(to: Sequence[str]) -> Agent:
    """The agent that tells `to`: people, groups and places (`slack:#ops`) of the configuration."""
    return Agent(
        name=ANNOUNCE,
        description=f"says something to {', '.join(to) or 'nobody yet: [announce] names nobody'}",
        prompt=ANNOUNCE,
        tools=(_announce_tool(to),),
        fallback=next_step,
        takes=_is_plain,
        example="announce: the office is closed on Friday",
    )


def nothing_to_announce_to() -> Agent:
    """The agent in its place where [announce] names nobody: it says how to change that, and asks no model."""
    return Agent(
        name=ANNOUNCE,
        description="says something in the places of [announce], once there are any",
        tools=(),
        fallback=lambda _: Done(outcome="failed", summary=NOT_SET_UP),
        takes=_is_plain,
    )


def _is_plain(text: str) -> bool:
    return isinstance(parse(text), Announce)


def next_step(run: Run) -> Step:
    """Say the words after `announce:`, else ask for them, once; then tell whether it was said."""
    last = run.results[-1] if run.results else None
    match last:
        case Result(step=CallTool(), kind="ok"):
            return Done(summary=last.text)
        case Result(step=RequestHumanInput(), kind="answered") | None:
            return _begin(run)
        case _:
            what = "Not everybody may have heard it" if last.kind == "error" else "Nothing was announced"
            why = f": {last.text}" if last.text else ""
            return failed(f"{what}: {last.kind}{why}")


def _begin(run: Run) -> Step:
    command = parse(run.text)
    words = command.text if isinstance(command, Announce) else answers(run).get(WHAT)
    if words is None:
        return RequestHumanInput(question=WHAT)
    what = f"Announce {quote(words, _TITLE_CHARS)}"
    return all_the_same(run, what, _announce(words), failed(f"Nothing was announced: {DECLINED}"))


def _announce(words: str) -> CallTool:
    return CallTool(tool=ANNOUNCE, arguments={"text": words})


def _announce_tool(to: Sequence[str]) -> Tool[AnnounceArgs]:
    """Tell everybody in `to`, once. Whom, is not the caller's to choose."""

    async def prepare(args: AnnounceArgs) -> Effect:
        if not to:
            raise ToolRefused('Nobody is named to announce to: add [announce] with to = ["group:NAME"] to sayso.toml')
        if not args.text.strip():
            raise ToolRefused("There is nothing to announce: the text is empty")
        return Effect(argv=(ANNOUNCE, *to, args.text))

    async def execute(args: AnnounceArgs, _: Effect, hands: ToolContext) -> Outcome:
        for whom in to:
            await hands.notify(
                whom, f"Announced: {quote(first_line(args.text, _TITLE_CHARS), _TITLE_CHARS)}", args.text
            )
        return Outcome(f"Announced to {', '.join(to)}")

    return Tool(
        name=ANNOUNCE,
        description=f"Say something to {', '.join(to)}",
        args=AnnounceArgs,
        prepare=prepare,
        execute=execute,
        title=lambda _: f"Announce to {', '.join(to)}",
        idempotent=True,
    )
