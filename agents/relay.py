"""The relay: asks people what a program wants to know or to be allowed. Code alone; one step, then the end."""

from collections.abc import Callable, Collection
from typing import Annotated, Literal

from pydantic import Field, JsonValue, TypeAdapter, ValidationError

from agents import Agent, Arguments, Outcome, Tool, ToolContext, ToolRefused
from agents.command import end_of, failed
from agents.events import RunStarted
from agents.forms import FormField
from agents.requests import Effect, Format, Frozen, Urgency
from agents.run import Result, Run
from agents.steps import CallTool, Done, RequestHumanInput, Step
from agents.text import quote
from language import say
from language.recorded import ending_of
from language.stored import Stored

RELAY, SURVEY = "relay", "survey"
_TOOL = "proceed"
_TITLE_CHARS, _ANSWER_CHARS = 200, 500


class _Asked(Stored, Frozen):
    def told(self) -> dict[str, JsonValue]:
        """Return what is asked, field by field, as JSON."""
        told: dict[str, JsonValue] = self.model_dump(mode="json", exclude={"kind"})
        return told


class Question(_Asked):
    """Any one of those that `to` means (`person:bo`, `group:release`) may answer. `of_model`: a model worded it."""

    kind: Literal["question"] = "question"
    question: str
    to: tuple[str, ...]
    format: Format = "free_text"
    options: tuple[str, ...] = ()
    fields: tuple[FormField, ...] = ()
    expires_after_s: float
    urgency: Urgency = "medium"
    of_model: bool = False


class Approval(_Asked):
    """The program wants to do what `arguments` say, which those whom the policy names must approve.

    `facts` are labelled lines of the program for those who decide. It `reports` what came of it, or nobody hears.
    """

    kind: Literal["approval"] = "approval"
    title: str
    policy: str
    arguments: dict[str, JsonValue]
    facts: dict[str, str] = Field(default_factory=dict[str, str])
    reports: bool = True


Wanted = Annotated[Question | Approval, Field(discriminator="kind")]
_wanted: TypeAdapter[Question | Approval] = TypeAdapter(Wanted)
_WANTED, _CONTEXT = "wanted", "context"


class ProceedArgs(Stored, Arguments):
    """What the program would do, whose approval that needs, and what it says about it."""

    title: str
    policy: str
    arguments: dict[str, JsonValue]
    facts: dict[str, str] = Field(default_factory=dict[str, str])
    reports: bool = True


def context_of(wanted: Question | Approval, context: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Return what a run is started with, for `wanted_of` to find."""
    return {_WANTED: wanted.model_dump(mode="json"), _CONTEXT: context}


def wanted_of(run: Run) -> Question | Approval | None:
    """Return what the program behind `run`, or the survey it is part of, wants of people; None for any other run."""
    if run.started is None or run.started.agent not in {RELAY, SURVEY}:
        return None
    wanted = asked_in(run.started)
    if wanted is None:
        return None
    # A survey asks; only the run that conducts it starts one.
    return wanted if run.started.agent == RELAY or (run.started.parent and wanted.kind == "question") else None


def asked_in(started: RunStarted) -> Question | Approval | None:
    """Return what a run of code began with, whichever agent it has; None for any other run."""
    try:
        return _wanted.validate_python(started.context.get(_WANTED))
    except ValidationError:
        return None


def approval_of(run: Run) -> Approval | None:
    """Return the approval that a run of code began with, whichever agent it has; None for any other run."""
    found = asked_in(run.started) if run.started else None
    return found if isinstance(found, Approval) else None


def relay_agent(policies: Callable[[], Collection[str]]) -> Agent:
    """The agent that relays; `policies` returns those that are configured now."""
    return Agent(
        name=RELAY,
        description="asks people for programs that have a logic of their own",
        prompt="",
        tools=(_proceed_tool(policies),),
        fallback=next_step,
        about=lambda: say("agent.about-relay"),
        asks_only=_asks_only,
    )


def survey_agent() -> Agent:
    """The agent that puts the question of a survey to one of those who are asked."""
    return Agent(
        name=SURVEY,
        description="puts the question of a survey to one person",
        prompt="",
        tools=(),
        fallback=next_step,
        about=lambda: say("agent.about-survey"),
    )


def _asks_only(run: Run) -> bool:
    """Return whether the program only wants to hear what people say."""
    wanted = wanted_of(run)
    return isinstance(wanted, Question) or (isinstance(wanted, Approval) and not wanted.reports)


def next_step(run: Run) -> Step:
    """The question or the gated call; once that is closed, the end, saying how."""
    if run.results:
        return _end(run.results[-1])
    match wanted_of(run):
        case Question() as question:
            return RequestHumanInput(
                question=question.question, format=question.format, options=question.options, fields=question.fields
            )
        case Approval() as approval:
            return CallTool(tool=_TOOL, arguments=approval.model_dump(mode="json", exclude={"kind"}))
        case None:
            return failed(say("agent.relay-nothing-wanted"))


def _end(result: Result) -> Done:
    by, text = ", ".join(result.by), quote(result.text, _ANSWER_CHARS)
    match result.kind:
        case "answered":
            return Done(summary=say("agent.relay-answered", by=by, text=text))
        case "ok" if result.by:  # people settled it, and not the program
            return Done(summary=ending_of(result.text))
        case "ok" if not result.text:
            return Done(summary=say("agent.relay-allowed"))
        case "ok":
            return Done(summary=say("agent.relay-done", text=text))
        case "error":
            return failed(say("agent.relay-failed", text=text))
        case "refused":
            return failed(say("agent.relay-may-not-act", why=ending_of(result.text)))
        case "expired":
            # Code says why where it was closed before its time.
            return failed(": ".join(filter(None, (say("agent.relay-expired"), ending_of(result.text)))))
        case "revoked":
            return failed(f"{say('agent.relay-revoked')}{_because(result)}")
        case "denied" | "withdrawn":
            return failed(f"{end_of(result)}{_because(result)}")


def _because(result: Result) -> str:
    return f": {quote(result.text, _ANSWER_CHARS)}" if result.text else ""


def _proceed_tool(policies: Callable[[], Collection[str]]) -> Tool[ProceedArgs]:
    """Let the program begin, once its policy has approved exactly that. Nothing is done here."""

    async def prepare(args: ProceedArgs) -> Effect:
        if args.policy not in policies():
            raise ToolRefused(say("agent.relay-no-policy", policy=repr(args.policy)))
        return Effect(argv=())

    async def execute(_: ProceedArgs, __: Effect, ___: ToolContext) -> Outcome:
        raise AssertionError("the program does it, and nothing else")

    return Tool(
        name=_TOOL,
        description="Let the program act",
        args=ProceedArgs,
        prepare=prepare,
        execute=execute,
        gate=lambda args: args.policy,
        title=lambda args: quote(args.title, _TITLE_CHARS),
        begun_outside=True,
    )
