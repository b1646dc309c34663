"""The announce agent: it says something, in a configured place and nowhere else."""

from collections.abc import Sequence

from pydantic import Field

from agents import Agent, Arguments, Outcome, Tool, ToolContext, ToolRefused
from agents.command import Announce, after_refusal, all_the_same, answer_to, failed, has_tried, how, last_worked, parse
from agents.requests import Effect
from agents.run import Result, Run
from agents.steps import CallTool, Done, RequestHumanInput, Step
from agents.text import first_line, quote
from language import say
from language.recorded import ending_of

ANNOUNCE = "announce"
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
        about=lambda: say("agent.about-announce", places=", ".join(to)) if to else say("agent.about-announce-nobody"),
    )


def nothing_to_announce_to() -> Agent:
    """The agent in its place where [announce] names nobody: it says how to change that, and asks no model."""
    return Agent(
        name=ANNOUNCE,
        description="says something in the places of [announce], once there are any",
        tools=(),
        fallback=lambda _: failed(say("agent.announce-not-set-up")),
        takes=_is_plain,
        about=lambda: say("agent.about-announce-not-set-up"),
    )


def _is_plain(text: str) -> bool:
    return isinstance(parse(text), Announce)


def next_step(run: Run) -> Step:
    """Say the words after `announce:`, else ask for them, once; then tell whether it was said."""
    last, done = run.results[-1] if run.results else None, last_worked(run)
    match last:
        case Result(step=CallTool(), kind="ok"):
            return Done(summary=ending_of(last.text))
        case Result(step=RequestHumanInput(), kind="answered") if done:
            return Done(summary=ending_of(done.text))  # a model had it said, and everybody would hear it twice
        case Result(step=RequestHumanInput(), kind="answered") | None:
            return _begin(run)
        case Result(step=CallTool(), kind="refused") if not has_tried(run):
            end = failed(say("agent.announced-nothing", nothing=_nothing(run), why=how(last)))
            return after_refusal(last, _begin(run), end)
        case _:
            why = how(last)
            if last.kind == "error":
                return failed(say("agent.announced-in-part", why=why))
            return failed(say("agent.announced-nothing", nothing=_nothing(run), why=why))


def _begin(run: Run) -> Step:
    command = parse(run.text)
    words = command.text if isinstance(command, Announce) else answer_to(run, _what)
    if words is None:
        return RequestHumanInput(question=_what())
    declined = failed(say("agent.announced-nothing", nothing=_nothing(run), why=say("agent.declined")))

    def title() -> str:
        return say("agent.announce-all-the-same", text=quote(words, _TITLE_CHARS))

    return all_the_same(run, title, _announce(words), declined)


def _nothing(run: Run) -> str:
    """`Nothing was announced`; where a model had something announced before these rules go on, `Nothing more was`."""
    return say("agent.announced-no-more" if has_tried(run) else "agent.announced-none")


def _what() -> str:
    return say("agent.announce-what")


def _announce(words: str) -> CallTool:
    return CallTool(tool=ANNOUNCE, arguments={"text": words})


def _announce_tool(to: Sequence[str]) -> Tool[AnnounceArgs]:
    """Tell everybody in `to`, once. Whom, is not the caller's to choose."""

    async def prepare(args: AnnounceArgs) -> Effect:
        if not to:
            raise ToolRefused(say("agent.announce-nobody"))
        if not args.text.strip():
            raise ToolRefused(say("agent.announce-empty"))
        return Effect(argv=(ANNOUNCE, *to, args.text))

    async def execute(args: AnnounceArgs, _: Effect, hands: ToolContext) -> Outcome:
        for whom in to:
            await hands.notify(whom, lambda: _heading(args.text), args.text)
        return Outcome(say("agent.announced", places=", ".join(to)))

    return Tool(
        name=ANNOUNCE,
        description=f"Say something to {', '.join(to)}",
        args=AnnounceArgs,
        prepare=prepare,
        execute=execute,
        title=lambda _: say("agent.announce-title", places=", ".join(to)),
        changes=True,
        idempotent=True,
    )


def _heading(text: str) -> str:
    return say("agent.announced-heading", text=quote(first_line(text, _TITLE_CHARS), _TITLE_CHARS))
