"""The review after a broken glass: code asks the other approvers whether it was right.

One question, then the end; where nobody answers, the operators hear it. No model is asked, nothing waits for the
answer, and nobody can take it back.
"""

from collections.abc import Callable, Sequence

from pydantic import JsonValue, ValidationError

from agents import Agent, Arguments, Outcome, Tool, ToolContext, ToolRefused
from agents.command import failed
from agents.forms import FormField
from agents.requests import Frozen, PersonId, RequestId, RunId
from agents.run import Result, Run
from agents.steps import CallTool, Done, RequestHumanInput, Step
from agents.text import one_line, quote
from language import say
from language.lists import both

REVIEW = "review"
"""The agent's name, and the field of its context that says what is reviewed."""
RIGHT, REASON = "right", "reason"
_ALERT = "tell_operators"
_TITLE_CHARS, _NAME_CHARS, _REASON_CHARS = 80, 60, 2_000


class Reviewed(Frozen):
    """The broken glass that is reviewed: of which request of which run, by whom (`by`, `name` to people) and why.

    `to` are the people who are asked, and `took_part` those who asked for it, changed it or handed it on. Durations are
    seconds; reminders and `quiet_hours` are the policy's own.
    """

    request_id: RequestId
    run_id: RunId
    title: str
    by: PersonId
    name: str
    reason: str
    to: tuple[PersonId, ...]
    took_part: tuple[PersonId, ...] = ()
    expires_after_s: float
    remind_after_s: tuple[float, ...] = ()
    quiet_hours: str = ""


class TellArgs(Arguments):
    """What the operators are told."""

    text: str


def reviewed_of(run: Run) -> Reviewed | None:
    """Return what `run` reviews; None for any other run."""
    if run.started is None or run.started.agent != REVIEW:
        return None
    try:
        return Reviewed.model_validate(run.started.context.get(REVIEW))
    except ValidationError:
        return None


def context_of(reviewed: Reviewed) -> dict[str, JsonValue]:
    """Return what a run is started with, for `reviewed_of` to find."""
    return {REVIEW: reviewed.model_dump(mode="json")}


def title_of(reviewed: Reviewed) -> str:
    """Return the question, in the language that is spoken."""
    what = one_line(reviewed.title, _TITLE_CHARS).removesuffix("?")
    return say("agent.review-title", name=one_line(reviewed.name, _NAME_CHARS), what=what)


def review_agent(alerts: Callable[[], Sequence[str]], name_of: Callable[[PersonId], str]) -> Agent:
    """The agent that reviews; `alerts` hear of a review that nobody answers. `name_of` names a person."""
    return Agent(
        name=REVIEW,
        description="asks the other approvers whether it was right to break the glass",
        prompt="",
        tools=(_alert_tool(alerts),),
        fallback=lambda run: next_step(run, name_of),
        about=lambda: say("agent.about-review"),
        asks_only=lambda _: True,
    )


def next_step(run: Run, name_of: Callable[[PersonId], str]) -> Step:
    """Ask; then the end, saying what they answered, or that nobody did once the operators have been told."""
    reviewed = reviewed_of(run)
    if reviewed is None:
        return failed(say("agent.review-nothing"))
    last = run.results[-1] if run.results else None
    if last is None:
        return _question(reviewed)
    if isinstance(last.step, CallTool):
        return failed(say("agent.review-unanswered", title=title_of(reviewed)))
    if last.kind == "answered":
        return Done(summary=_outcome(last, name_of))
    return CallTool(tool=_ALERT, arguments={"text": say("agent.review-unanswered", title=title_of(reviewed))})


def _question(reviewed: Reviewed) -> RequestHumanInput:
    why = quote(reviewed.reason, _REASON_CHARS)
    name = one_line(reviewed.name, _NAME_CHARS)
    about = say("agent.review-question", name=name, why=why, request=reviewed.request_id)
    fields = (
        FormField(name=RIGHT, label=say("agent.review-right"), kind="yes_no"),
        FormField(name=REASON, label=say("agent.review-reason")),
    )
    return RequestHumanInput(question=f"{title_of(reviewed)}\n{about}", format="form", fields=fields)


def _outcome(answered: Result, name_of: Callable[[PersonId], str]) -> str:
    was_right = answered.form.get(RIGHT) in {True, "yes"}
    why = quote(str(answered.form.get(REASON, "")), _REASON_CHARS)
    key = "agent.review-was-right" if was_right else "agent.review-was-wrong"
    return say(key, by=both([name_of(one) for one in answered.by]), why=why)


def _alert_tool(alerts: Callable[[], Sequence[str]]) -> Tool[TellArgs]:
    """Tell the operators, once each."""

    async def execute(args: TellArgs, _: object, hands: ToolContext) -> Outcome:
        for whom in alerts():
            try:
                await hands.notify(whom, lambda: say("agent.review-alert"), args.text)
            except ToolRefused:  # nobody is there by that name now, and the others are told all the same
                continue
        return Outcome(say("agent.review-alerted"))

    return Tool(
        name=_ALERT,
        description="Tell the operators",
        args=TellArgs,
        execute=execute,
        title=lambda _: say("agent.review-alert"),
        changes=True,
        idempotent=True,
    )
