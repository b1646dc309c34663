"""The triage agent: it finds out which agent a message is for, and passes it on as it was written."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from agents import Agent
from agents.command import all_the_same, asks_only, end_of, failed, has_tried, is_none_of_these, last_worked, parse
from agents.forms.words import NAME_ENDS
from agents.release import DEPLOY, RELEASE, deploy_in
from agents.run import Result, Run
from agents.starting import START_RUN, live_below, pass_on_tool
from agents.steps import CallTool, Done, RequestHumanInput, Step
from agents.text import one_line, quote
from language import in_all, say

TRIAGE = "triage"
# Whom a text calls by name: `ask anna about lunch`.
_CALLED = re.compile(r"\s*(?:please\s+)?([a-z][a-z0-9_-]*)\b", re.IGNORECASE)
_OPTION_CHARS, _SUMMARY_CHARS = 120, 4_000


def triage_agent(others: Sequence[Agent]) -> Agent:
    """The agent that chooses among `others`. It never does anything itself."""
    known = {agent.name: agent for agent in others}

    def fallback(run: Run) -> Step:
        return next_step(run, known)

    def completes(run: Run, step: Step) -> Step:
        return _with_our_options(run, step, known)

    return Agent(
        name=TRIAGE,
        description="finds the agent that a message is for",
        prompt=TRIAGE,
        tools=(pass_on_tool({agent.name: agent.description for agent in others}),),
        fallback=fallback,
        completes=completes,
        about=lambda: say("agent.about-triage"),
        asks_only=asks_only,
    )


def next_step(run: Run, agents: Mapping[str, Agent]) -> Step:
    """Pass it on where exactly one agent takes it, else ask whom it is for, once; then tell how that ended."""
    last, done = run.results[-1] if run.results else None, last_worked(run)
    match last:
        case None:
            return _begin(run, agents)
        case Result(step=CallTool()) if len(run.results) == run.copied:
            return _begin(run, agents)  # what came of it in another run's story is no news
        case Result(step=CallTool(), kind="ok"):
            return Done(summary=_said(last), says_live=live_below(run))
        case Result(step=CallTool()):
            return failed(_said(last), live_below(run))
        case Result(kind="answered"):
            # A model had it done.
            return Done(summary=_said(done), says_live=live_below(run)) if done else _begin(run, agents)
        case _:
            return failed(say("agent.triage-unanswered", nothing=_nothing(run), end=end_of(last)))


def _begin(run: Run, agents: Mapping[str, Agent]) -> Step:
    if not agents:
        return failed(say("agent.triage-no-agents"))
    answer, fitting = _whose(run, agents), [name for name, agent in agents.items() if agent.takes(run.text)]
    if answer is None and len(fitting) == 1 and taker_of(run.text, agents):
        return _start(run, fitting[0])
    if answer is None:
        options = (*(_option(agent, run) for agent in agents.values()), say("agent.none-of-these"))
        question = f"{say('agent.triage-which')}{_hint(run.text, agents)}"
        return RequestHumanInput(question=question, format="choice", options=options)
    if is_none_of_these(answer):
        return Done(summary=say("agent.triage-for-none", nothing=_nothing(run)))
    return _start(run, answer)


def _hint(text: str, agents: Mapping[str, Agent]) -> str:
    """Return how to write it, where a text begins with the name of an agent and goes on in words that no rule reads."""
    deploy, alone = agents.get(DEPLOY), deploy_in(parse(text))
    if alone and RELEASE not in agents and deploy and deploy.takes(alone):
        return f" {say('agent.triage-nobody-hears', agent=DEPLOY, words=quote(alone, 200))}"
    called = _CALLED.match(text)
    agent = agents.get(called[1].lower()) if called else None
    if agent is None or not agent.example or any(map(agent.takes, (text, *text.splitlines()))):
        return ""
    return f" {say('agent.triage-write-it-so', agent=agent.name, words=agent.example)}"


def _whose(run: Run, agents: Mapping[str, Agent]) -> str | None:
    """The agent, or the choice of none, that was chosen last, in whatever words a model may have asked for it.

    A choice of anything else says nothing of that, unless it is an answer to our own question.
    """
    ours, none = in_all("agent.triage-which"), say("agent.none-of-these")
    chosen = (
        _named(result.text, agents) or (none if result.step.question.startswith(ours) else None)
        for result in reversed(run.results)
        if isinstance(result.step, RequestHumanInput) and result.step.format == "choice" and result.kind == "answered"
    )
    return next(filter(None, chosen), None)


def _named(label: str, agents: Mapping[str, Agent]) -> str | None:
    if is_none_of_these(label) or label in agents:
        return label
    return next((name for name in agents if label.startswith(tuple(f"{name}{end}" for end in NAME_ENDS))), None)


def _with_our_options(run: Run, step: Step, agents: Mapping[str, Agent]) -> Step:
    """Return a model's question whom a message is for, with what each agent would do in our words, none of them last.

    A question that offers an agent twice is about something else.
    """
    if not isinstance(step, RequestHumanInput) or step.format != "choice":
        return step
    names = [_named(label, agents) for label in step.options if not is_none_of_these(label)]
    offered = [name for name in names if name in agents]
    if not offered or len(set(offered)) < len(offered):
        return step
    others = (label for label in step.options if not is_none_of_these(label))
    pairs = zip(names, others, strict=True)
    ours = (_option(agents[name], run) if name and name in agents else label for name, label in pairs)
    return step.model_copy(update={"options": (*ours, say("agent.none-of-these"))})


def _start(run: Run, agent: str) -> Step:
    """The child hears nothing of what was written here, so it is asked about before."""
    step = CallTool(tool=START_RUN, arguments={"agent": agent})
    declined = failed(say("agent.triage-not-started", nothing=_nothing(run), why=say("agent.declined")))
    return all_the_same(run, lambda: say("agent.start", agent=agent), step, declined)


def _nothing(run: Run) -> str:
    """`Nothing was started`; where a model had started something before these rules go on, `Nothing more was`."""
    return say("agent.triage-nothing-more" if has_tried(run) else "agent.triage-nothing")


def _option(agent: Agent, run: Run) -> str:
    try:
        does = _would_do(agent, run)
    except Exception:  # noqa: BLE001 - it may be an agent of somebody else's, and is only asked what it would do
        does = agent.for_people()
    return one_line(f"{agent.name}{NAME_ENDS[0]}{does}", _OPTION_CHARS)


def _would_do(agent: Agent, run: Run) -> str:
    """Return what an agent's plain rules would do with the message of `run`; where that is open, what it is for.

    Nothing is done: rules are pure, and so are title and gate of a tool. Facts are not looked up, so a question of
    theirs may be another one then, and is not told.
    """
    started = run.started.model_copy(update={"agent": agent.name}) if run.started else None
    match step := agent.fallback(replace(Run(), id=run.id, started=started)):
        case CallTool() if step.tool != START_RUN and (tool := agent.tool(step.tool)) and tool.title:
            args = tool.args.model_validate(step.arguments)
            title = tool.title(args)
            return say("agent.triage-after-approval", title=title) if tool.gate(args) else title
        case RequestHumanInput():
            return say("agent.triage-asks-first", title=agent.reads(run.text) or agent.for_people())
        case _:
            return agent.for_people()


def _said(result: Result) -> str:
    return say("agent.triage-said", agent=_agent(result), text=quote(result.text, _SUMMARY_CHARS))


def _agent(result: Result) -> str:
    return str(result.step.arguments.get("agent", "")) if isinstance(result.step, CallTool) else ""


def taker_of(text: str, agents: Mapping[str, Agent]) -> str | None:
    """The first in the order of `agents` that says it takes `text`; None where none does.

    None as well where lines of it are orders to several agents, each by itself: whose the whole is nobody guesses. What
    an agent without tools takes, such as a greeting, is no order.
    """
    taker = _first(text, agents)
    lines = {line for line in text.splitlines() if line.strip()}
    able = {name: agent for name, agent in agents.items() if agent.tools}
    each = {_first(line, able) for line in lines} - {None} if taker and len(lines) > 1 else set[str | None]()
    return None if taker in each and len(each) > 1 else taker


def _first(text: str, agents: Mapping[str, Agent]) -> str | None:
    return next((name for name, agent in agents.items() if agent.takes(text)), None)
